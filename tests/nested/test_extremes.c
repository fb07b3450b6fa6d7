/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log-likelihoods at the ends of double precision: the run ends within its budget, nothing is NaN, and the evidence is
 * right where it has a closed form. */
#include <float.h>
#include <mote/mote.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/run.h"
#include "nested/volumes.h"
#include "tests/support/fingerprint.h"
#include "tests/support/test.h"

static const mote_parameter square[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1) };

typedef double shape(const double *theta);

static double hill(const double *theta)
{
    double x = (theta[0] - 0.75) / 0.1, y = (theta[1] - 0.5) / 0.1;
    return -0.5 * (x * x + y * y);
}

static double rises(const double *theta) { return 1e300 * theta[0]; }
static double falls(const double *theta) { return -1e300 * (theta[0] * theta[0] + theta[1] * theta[1]); }
static double high(const double *theta) { return hill(theta) + 1e15; }
static double highest(const double *theta) { return (void)theta, DBL_MAX; }
static double lowest(const double *theta) { return (void)theta, -DBL_MAX; }
static double ends(const double *theta) { return theta[0] < 0.3 ? -DBL_MAX : DBL_MAX; }
static double stairs(const double *theta) { return theta[0] < 0.5 ? -1e300 : theta[0] < 0.9 ? 0 : 1e300; }
static double denormal(const double *theta) { return 5e-324 * floor(1000 * theta[0]); }
static double tiny(const double *theta) { return 1e-308 * hill(theta); }
static double half_empty(const double *theta) { return theta[0] < 0.5 ? -(double)INFINITY : 1e300; }
static double needle(const double *theta) { return -log(hypot(theta[0] - 0.5, theta[1] - 0.5)) * 1e5; }
static double pole(const double *theta) { return 1 / fabs(theta[0] - 0.5); }

/* `truth`: of log Z where it has a closed form, else NaN. */
static const struct extreme {
    const char *name;
    shape *f;
    double truth;
} extremes[] = {
    { "rises to 1e300", rises, NAN },     { "falls to -2e300", falls, NAN },       { "hill on 1e15", high, NAN },
    { "DBL_MAX", highest, DBL_MAX },      { "-DBL_MAX", lowest, -DBL_MAX },        { "-+DBL_MAX", ends, DBL_MAX },
    { "stairs", stairs, 1e300 },          { "denormals", denormal, 0 },            { "1e-308 of a hill", tiny, 0 },
    { "half empty", half_empty, 1e300 },  { "needle", needle, NAN },               { "pole", pole, NAN },
};

static int point(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    const struct extreme *e = ctx;
    (void)derived;
    *log_likelihood = e->f(theta);
    return 0;
}

static void check_numbers(const mote_draws *draws, const char *name)
{
    int64_t n = mote_draws_count(draws), bad = 0;
    const double *weight = mote_draws_log_weight(draws);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
        bad += isnan(weight[i]);
        sum += exp(weight[i]);
    }
    if (bad || !(fabs(sum - 1) < 1e-9) || isnan(mote_draws_log_evidence(draws)))
        print_error("%s: %lld NaN weights, sum %g, log Z = %g\n", name, (long long)bad, sum, mote_draws_log_evidence(draws));
    assert_int_equal(bad, 0);
    assert_close(sum, 1, 1e-9, 0);
    assert_false(isnan(mote_draws_log_evidence(draws)));
    assert_false(isnan(mote_draws_log_evidence_error(draws)));
}

static void check_extreme(const struct extreme *e, int64_t step)
{
    mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(square), .log_likelihood_point = point,
                           .ctx = (void *)(uintptr_t)e, .name = e->name };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 30, .seed = 2, .step = step,
                                    .simulations = 20, .bootstraps = 10, .max_seconds = 20, .plateau_tries = 2000,
                                    .steps = 4 };
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, &target, &options), MOTE_OK);
    int status = mote_run_finish(run);
    if (status || mote_run_finished_by(run) == MOTE_FINISHED_BY_SECONDS)
        print_error("%s, step %d: %s, finished by %d\n", e->name, (int)step, mote_run_message(run),
                    (int)mote_run_finished_by(run));
    /* A contour of radius 1e-150, or of one double, may be more than a sampler can follow: it says so, and what the
     * run has is kept. */
    int lost = isnan(e->truth) && status == MOTE_ENUMERIC;
    assert_true(lost ? strstr(mote_run_message(run), "log-likelihood") != NULL : status == MOTE_OK);
    assert_int_not_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_SECONDS);
    check_numbers(mote_run_draws(run), e->name);
    double logz = mote_draws_log_evidence(mote_run_draws(run));
    if (!isnan(e->truth) && !(fabs(logz - e->truth) <= 1e-12 * fabs(e->truth) + 1e-300))
        print_error("%s, step %d: log Z = %g\n", e->name, (int)step, logz);
    if (!isnan(e->truth))
        assert_close(logz, e->truth, 1e-12, 1e-300);
    mote_run_close(&run);
}

static void extremes_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof extremes / sizeof *extremes; ++i)
        for (int64_t step = MOTE_STEP_BOUND; step <= MOTE_STEP_WALK; ++step)
            check_extreme(&extremes[i], step);
}

/* ---- most of the prior has zero likelihood ----------------------------------------------------------------------- */

static double splinter(const double *theta) { return theta[0] < 2e-5 ? log(theta[1]) : -(double)INFINITY; }

static const struct extreme splinter_case = { "splinter", splinter, NAN };

static mote_run *open_splinter(int64_t seed)
{
    static const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(square), .name = "splinter",
                                        .log_likelihood_point = point,
                                        .ctx = (void *)(uintptr_t)&splinter_case };
    const mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 20, .seed = seed,
                                          .plateau_tries = 10000000, .simulations = 50, .bootstraps = 20 };
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, &target, &options), MOTE_OK);
    return run;
}

/* A million draws for 20 points, of which 40,000 are kept: Z = 1e-5. Each pull beyond 4.5 (chance 1e-5), their sum
 * beyond 4 sqrt 8 (6e-5). A run that is saved and resumed between two blocks has the same bytes. */
static void zeros_beyond_a_number_are_counted(void **state)
{
    (void)state;
    double pulls = 0;
    for (int64_t seed = 1; seed <= 8; ++seed) {
        mote_run *run = open_splinter(seed);
        assert_status(mote_run_finish(run), MOTE_OK);
        mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
        assert_status(mote_nested_get_result(run, &result), MOTE_OK);
        mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
        assert_status(mote_run_ledger(run, &ledger), MOTE_OK);
        double pull = (result.log_evidence - log(1e-5)) / result.log_evidence_error;
        if (!(fabs(pull) < 4.5))
            print_error("seed %d: log Z %g +- %g\n", (int)seed, result.log_evidence, result.log_evidence_error);
        assert_true(fabs(pull) < 4.5);
        pulls += pull;
        assert_true(result.iterations < 45000 && result.zeros_left_out > 300000);
        assert_true(ledger.calls > result.iterations + result.zeros_left_out - 1);
        assert_true((result.warnings & MOTE_WARNING_ZEROS) != 0);
        assert_close(result.information, 10.8 - 0.3, 2, 0); /* log 5e4, and 0.19 of the slope */
        mote_run_close(&run);
    }
    assert_true(fabs(pulls) < 4 * sqrt(8));
}

static void zeros_left_out_survive_a_checkpoint(void **state)
{
    (void)state;
    char file[64];
    snprintf(file, sizeof file, "/tmp/mote-splinter-%ld.checkpoint", (long)getpid());
    mote_run *whole = open_splinter(9), *first = open_splinter(9), *second = open_splinter(9);
    assert_status(mote_run_finish(whole), MOTE_OK);
    for (int64_t i = 0; i < 9000; ++i) /* 20 draws each: beyond the 40,000 */
        assert_status(mote_run_step(first), MOTE_OK);
    assert_status(mote_run_save(first, file), MOTE_OK);
    assert_status(mote_run_load(second, file), MOTE_OK);
    assert_status(mote_run_finish(second), MOTE_OK);
    assert_true(fingerprint(mote_run_draws(whole)) == fingerprint(mote_run_draws(second)));
    remove(file);
    mote_run_close(&whole);
    mote_run_close(&first);
    mote_run_close(&second);
}

static void volume_left_is_a_harmonic_sum(void **state)
{
    (void)state;
    double mean = 0, squares = 0, variance;
    for (int64_t j = 101; j <= 5000; ++j) {
        mean -= 1 / (double)j;
        squares += 1 / ((double)j * (double)j);
    }
    assert_close(mote_volumes_left(5000, 4900, &variance), mean, 0, 1e-10);
    assert_close(variance, squares, 0, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_end), cmocka_unit_test(zeros_beyond_a_number_are_counted),
        cmocka_unit_test(zeros_left_out_survive_a_checkpoint), cmocka_unit_test(volume_left_is_a_harmonic_sum)
    };
    return run_unit_tests(tests);
}
