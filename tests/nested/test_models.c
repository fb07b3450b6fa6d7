/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Likelihoods that fail, vanish, or stay constant, and joint prior constraints: the right value or a clear status. */
#include <mote/nested.h>

#include "tests/support/fingerprint.h"
#include "tests/support/test.h"

static const mote_parameter square[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1) };

typedef int point_function(void *ctx, const double *theta, double *log_likelihood, double *derived);

static mote_target target(point_function *f)
{
    return (mote_target){ MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(square), .log_likelihood_point = f,
                          .name = "square" };
}

static double hill(const double *theta)
{
    double x = (theta[0] - 0.75) / 0.1, y = (theta[1] - 0.5) / 0.1;
    return -0.5 * (x * x + y * y);
}

static int zero_on_strip(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = theta[0] < 0.05 ? -INFINITY : hill(theta);
    return 0;
}

static int nan_on_strip(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = theta[0] < 0.05 ? NAN : hill(theta);
    return 0;
}

static int fails_on_strip(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = hill(theta);
    return theta[0] < 0.05 ? 7 : 0;
}

static int infinite_on_strip(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = theta[0] < 0.05 ? INFINITY : hill(theta);
    return 0;
}

static int always_nan(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *log_likelihood = NAN;
    return 0;
}

static int always_zero(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *log_likelihood = -INFINITY;
    return 0;
}

static int stops(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)derived;
    int *calls = ctx;
    *log_likelihood = hill(theta);
    return ++*calls == 700 ? -42 : 0;
}

/* Another value at every call: by 0.01 nats. */
static int noisy(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    static int calls;
    (void)ctx, (void)derived;
    *log_likelihood = hill(theta) + 0.01 * (++calls % 7);
    return 0;
}

static int flat(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *log_likelihood = -3;
    return 0;
}

static mote_nested_options small(void)
{
    return (mote_nested_options){ MOTE_VERSIONED(mote_nested_options), .live_points = 100, .seed = 5,
                                  .simulations = 100, .bootstraps = 20 };
}

static uint64_t finished(point_function *f, mote_ledger *ledger, mote_nested_result *result)
{
    mote_target t = target(f);
    mote_nested_options options = small();
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, &t, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_ledger(run, ledger);
    *result = (mote_nested_result){ .head = MOTE_VERSIONED(mote_nested_result) };
    mote_nested_get_result(run, result);
    mote_run_close(&run);
    return hash;
}

/* Failed points have zero likelihood everywhere, whatever made them fail. */
static void failures_equal_zero_likelihood(void **state)
{
    (void)state;
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    mote_nested_result result;
    uint64_t expected = finished(zero_on_strip, &ledger, &result);
    assert_int_equal(ledger.failed[MOTE_REASON_NAN], 0);
    assert_true(finished(nan_on_strip, &ledger, &result) == expected);
    assert_true(ledger.failed[MOTE_REASON_NAN] > 0);
    assert_true(result.warnings & MOTE_WARNING_FAILED);
    assert_true(result.failed_prior_share > 0);
    assert_true(finished(fails_on_strip, &ledger, &result) == expected);
    assert_true(ledger.failed[MOTE_REASON_RETURNED] > 0);
    assert_true(finished(infinite_on_strip, &ledger, &result) == expected);
    assert_true(ledger.failed[MOTE_REASON_INFINITE] > 0);
}

static void run_fails(point_function *f, void *ctx, int expected, const char *word)
{
    mote_target t = target(f);
    mote_nested_options options = small();
    mote_run *run = NULL;
    t.ctx = ctx;
    options.plateau_tries = 1000;
    assert_status(mote_run_open(&run, mote_nested, &t, &options), MOTE_OK);
    assert_status(mote_run_finish(run), expected);
    if (!strstr(mote_run_message(run), word))
        print_error("message: %s\n", mote_run_message(run));
    assert_non_null(strstr(mote_run_message(run), word));
    assert_non_null(strstr(mote_run_message(run), "square"));
    assert_status(mote_run_step(run), expected);
    mote_run_close(&run);
    assert_null(run);
}

static void hopeless_models_end_with_a_message(void **state)
{
    (void)state;
    int calls = 0;
    run_fails(always_nan, NULL, MOTE_EMODEL, "not a number");
    run_fails(always_zero, NULL, MOTE_EPLATEAU, "zero likelihood");
    run_fails(stops, &calls, -42, "-42");
}

static void constant_is_exact(void **state)
{
    (void)state;
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    mote_nested_result result;
    finished(flat, &ledger, &result);
    assert_true(result.log_evidence == -3);
    assert_true(result.log_evidence_error == 0);
    assert_int_equal(result.finished_by, MOTE_FINISHED_BY_PLATEAU);
}

static void prior_sampler_counts_failures(void **state)
{
    (void)state;
    mote_target t = target(always_nan);
    mote_prior_options options = { MOTE_VERSIONED(mote_prior_options), .draws = 3000 };
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_prior_run, &t, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "not a number"));
    mote_run_close(&run);
}

static void noise_is_flagged(void **state)
{
    (void)state;
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    mote_nested_result result;
    finished(noisy, &ledger, &result);
    assert_true(result.warnings & MOTE_WARNING_STALL_NOISE);
    finished(zero_on_strip, &ledger, &result);
    assert_false(result.warnings & MOTE_WARNING_STALL_NOISE);
}

/* w + wa < 0 on a box: exact mass by area; the prior is renormalised over it. */
static int below_diagonal(void *ctx, const double *theta)
{
    (void)ctx;
    return theta[1] < theta[0];
}

static int flat_constrained(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    double x = (theta[0] - 0.7) / 0.05, y = (theta[1] - 0.3) / 0.05;
    *log_likelihood = -0.5 * (x * x + y * y);
    return theta[1] < theta[0] ? 0 : -99; /* never asked outside the constraint */
}

static void constraint_is_prior_support(void **state)
{
    (void)state;
    for (int64_t step = MOTE_STEP_BOUND; step <= MOTE_STEP_WALK; ++step) {
        mote_target t = target(flat_constrained);
        mote_nested_options options = small();
        mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
        mote_run *run = NULL;
        t.constraint = below_diagonal;
        options.step = step;
        assert_status(mote_run_open(&run, mote_nested, &t, &options), MOTE_OK);
        assert_status(mote_run_finish(run), MOTE_OK);
        mote_nested_get_result(run, &result);
        mote_run_close(&run);
        /* The hill lies inside but for a tail of 8 sd / sqrt 2; half of the square is left. Pull 4.5: 7e-6 each. */
        double truth = log(2 * acos(-1.0) * 0.05 * 0.05 / 0.5);
        assert_true(fabs(result.log_evidence - truth) < 4.5 * result.log_evidence_error);
        assert_close(result.log_prior_mass, log(0.5), 0, 5 * result.error_constraint);
        assert_true(result.error_constraint > 0 && result.error_constraint < 0.01);
    }
}

static int nowhere(void *ctx, const double *theta)
{
    (void)ctx, (void)theta;
    return 0;
}

static void impossible_constraint_is_refused(void **state)
{
    (void)state;
    mote_target t = target(flat);
    mote_run *run = NULL;
    t.constraint = nowhere;
    assert_status(mote_run_open(&run, mote_nested, &t, NULL), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "constraint"));
    mote_run_close(&run);
}

/* Everything fixed: nothing to infer, and the message says so. */
static void no_free_parameter_is_refused(void **state)
{
    (void)state;
    const mote_parameter fixed[] = { MOTE_FIXED("x", 0.5), MOTE_FIXED("y", 0.5) };
    mote_target t = target(flat);
    mote_run *run = NULL;
    t.parameters = fixed;
    assert_status(mote_run_open(&run, mote_nested, &t, NULL), MOTE_EINVAL);
    assert_non_null(strstr(mote_run_message(run), "all are fixed"));
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_equal_zero_likelihood), cmocka_unit_test(hopeless_models_end_with_a_message),
        cmocka_unit_test(noise_is_flagged),
        cmocka_unit_test(prior_sampler_counts_failures),
        cmocka_unit_test(constant_is_exact),              cmocka_unit_test(constraint_is_prior_support),
        cmocka_unit_test(impossible_constraint_is_refused), cmocka_unit_test(no_free_parameter_is_refused),
    };
    return run_unit_tests(tests);
}
