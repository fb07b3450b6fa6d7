/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run algorithm metropolis: posterior moments by every kernel, far starts included, within 5 standard errors from
 * batch means; the same bytes from every executor, with told rows and after save and load at every step; memory that
 * runs out; errors with names. */
#define MOTE_FAULT_MALLOC 1
#include "tests/support/fault.h"

#include <mote/mote.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/run.h"
#include "model/draws.h"
#include "tests/support/fingerprint.h"
#include "tests/support/folder.h"
#include "tests/support/runs.h"
#include "tests/support/test.h"

static char folder[256], path[300];

/* x ~ N(1, 0.1^2) against a prior 100 times as wide, y ~ Gamma(3, 1/2) from an exponential prior and y^2 e^-y,
 * correlated not at all; w = x + y derived. */
static int likelihood(void *ctx, const mote_batch *rows)
{
    (void)ctx;
    for (int64_t i = 0; i < rows->n; ++i) {
        const double *x = rows->theta + i * rows->stride, z = (x[0] - 1) / 0.1;
        rows->log_likelihood[i] = -0.5 * z * z + 2 * log(x[1]) - x[1];
        if (rows->derived)
            rows->derived[i * rows->derived_stride] = x[0] + x[1];
        if (rows->gradient) {
            rows->gradient[i * rows->stride] = -z / 0.1;
            rows->gradient[i * rows->stride + 1] = 2 / x[1] - 1;
        }
    }
    return 0;
}

static const mote_parameter parameters[] = { MOTE_NORMAL("x", 0, 10), MOTE_EXPONENTIAL("y", 1), MOTE_DERIVED("w") };
static const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                                    .log_likelihood = likelihood, .flags = MOTE_HAS_GRADIENT | MOTE_THREADSAFE,
                                    .name = "pair" };

static mote_metropolis_options options_of(int64_t kernel, int64_t draws, int64_t seed)
{
    return (mote_metropolis_options){ MOTE_VERSIONED(mote_metropolis_options), .seed = seed, .kernel = kernel,
                                      .draws = draws };
}

/* Mean of f over the draws and its standard error from the means of 20 stretches of each chain. */
static double batch_mean(const mote_draws *draws, int64_t chains, double (*f)(double x), int64_t column, double *error)
{
    const double *x = mote_draws_column(draws, column);
    const int64_t each = mote_draws_count(draws) / chains, batches = 20, length = each / batches;
    double sum = 0, squares = 0;
    for (int64_t c = 0; c < chains; ++c)
        for (int64_t b = 0; b < batches; ++b) {
            double mean = 0;
            for (int64_t k = b * length; k < (b + 1) * length; ++k)
                mean += f(x[k * chains + c]) / (double)length;
            sum += mean;
            squares += mean * mean;
        }
    const double n = (double)(chains * batches);
    *error = sqrt((squares / n - sum / n * sum / n) / n);
    return sum / n;
}

static double itself(double x)
{
    return x;
}

static double square(double x)
{
    return x * x;
}

static void check_moments(int64_t kernel, int64_t thin)
{
    mote_metropolis_options options = options_of(kernel, 5000, 3);
    options.thin = thin;
    mote_run *run = finished_run_of(mote_metropolis, &target, &options);
    const mote_draws *draws = mote_run_draws(run);
    const double precision = 100 + 0.01, mean = 100 / precision;
    const struct { int64_t column; double (*f)(double x); double exact; } moments[] = {
        { 0, itself, mean }, { 0, square, 1 / precision + mean * mean }, { 1, itself, 1.5 }, { 1, square, 3 },
        { 2, itself, mean + 1.5 },
    };
    assert_int_equal(mote_draws_count(draws), 4 * 5000);
    for (size_t i = 0; i < sizeof moments / sizeof *moments; ++i) {
        double error;
        const double got = batch_mean(draws, 4, moments[i].f, moments[i].column, &error);
        assert_close(got, moments[i].exact, 0, 5 * error);
        assert_true(error < 0.1);
    }
    assert_true(mote_draws_result(draws, "acceptance")->value > 0.2);
    assert_close(mote_draws_chain(draws)[7], 3, 0, 0);
    assert_true(isnan(mote_draws_log_evidence(draws)));
    mote_run_close(&run);
}

static void moments_are_right(void **state)
{
    (void)state;
    check_moments(MOTE_METROPOLIS_RANDOM_WALK, 1);
    check_moments(MOTE_METROPOLIS_INDEPENDENCE, 1);
    check_moments(MOTE_METROPOLIS_MALA, 1);
    check_moments(MOTE_METROPOLIS_AUTO, 3);
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

static mote_metropolis_options small(int64_t kernel)
{
    mote_metropolis_options options = options_of(kernel, 25, 4);
    options.warm_up = 47;
    options.chains = 3;
    options.components = 2;
    return options;
}

static uint64_t hash_of(const mote_metropolis_options *options)
{
    mote_run *run = finished_run_of(mote_metropolis, &target, options);
    const uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    return hash;
}

static void tell_last(mote_run *run)
{
    mote_pending pending = { .head = MOTE_VERSIONED(mote_pending) };
    double value, gradient[2], derived[1];
    assert_status(mote_run_pending(run, &pending), MOTE_OK);
    const int64_t i = pending.n - 1;
    const mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = 2, .stride = 2,
                               .theta = pending.theta + 2 * i, .log_likelihood = &value, .derived_count = 1,
                               .derived_stride = 1, .derived = derived, .gradient = gradient };
    likelihood(NULL, &batch);
    assert_status(mote_run_tell_gradient(run, pending.id[i], value, gradient, derived, 0), MOTE_OK);
}

static uint64_t interrupted(const mote_metropolis_options *options, int64_t period)
{
    mote_run *run = NULL;
    int status;
    int64_t steps = 0;
    assert_status(mote_run_open(&run, mote_metropolis, &target, options), MOTE_OK);
    while ((status = mote_run_step(run)) == MOTE_OK || status == MOTE_WAITING) {
        if (status == MOTE_WAITING)
            tell_last(run);
        if (++steps % period)
            continue;
        mote_run *next = NULL;
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        assert_status(mote_run_open(&next, mote_metropolis, &target, options), MOTE_OK);
        assert_status(mote_run_load(next, path), MOTE_OK);
        run = next;
    }
    assert_status(status, MOTE_DONE);
    const uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    return hash;
}

static void the_same_bytes(void **state)
{
    (void)state;
    for (int64_t kernel = MOTE_METROPOLIS_RANDOM_WALK; kernel <= MOTE_METROPOLIS_MALA; ++kernel)
        for (int64_t thin = 1; thin <= 4; thin += 3) {
            mote_metropolis_options options = small(kernel);
            options.thin = thin;
            const uint64_t expected = hash_of(&options);
            assert_true(interrupted(&options, 1) == expected);
            options.executor = MOTE_EXECUTOR_THREADS;
            options.threads = 3;
            assert_true(hash_of(&options) == expected);
            options.executor = MOTE_EXECUTOR_EXTERNAL;
            assert_true(interrupted(&options, 7) == expected);
            options.executor = MOTE_EXECUTOR_SERIAL;
            options.seed = 5;
            assert_true(hash_of(&options) != expected);
        }
}

/* ---- errors ---------------------------------------------------------------------------------------------------- */

static int nothing(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *log_likelihood = -INFINITY;
    return 0;
}

static void no_start_is_named(void **state)
{
    (void)state;
    mote_run *run = NULL;
    mote_target t = target;
    const mote_metropolis_options options = small(MOTE_METROPOLIS_AUTO), mala = small(MOTE_METROPOLIS_MALA);
    t.flags = 0;
    t.log_likelihood = NULL;
    t.log_likelihood_point = nothing;
    assert_status(mote_run_open(&run, mote_metropolis, &t, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "chain 0"));
    mote_run_close(&run);
    assert_status(mote_run_open(&run, mote_metropolis, &t, &mala), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "MOTE_HAS_GRADIENT"));
    mote_run_close(&run);
}

static int life(void *ctx, const mote_allocator *allocator)
{
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = allocator };
    mote_metropolis_options options = *(const mote_metropolis_options *)ctx;
    mote_run *run = NULL;
    options.hooks = &hooks;
    int status = mote_run_open(&run, mote_metropolis, &target, &options);
    if (!status)
        status = mote_run_finish(run);
    if (status && !*mote_run_message(run))
        status = -1;
    if (!status && !mote_run_draws(run))
        status = MOTE_ENOMEM;
    mote_run_close(&run);
    return status;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    for (int64_t kernel = MOTE_METROPOLIS_RANDOM_WALK; kernel <= MOTE_METROPOLIS_MALA; ++kernel) {
        mote_metropolis_options options = small(kernel);
        const fault_report once = fault_walk(life, &options, FAULT_ONCE), stay = fault_walk(life, &options, FAULT_STAY);
        assert_int_equal(fault_count(&once) + fault_count(&stay), 0);
        assert_true(once.points > 30);
    }
}

static int set_up(void **state)
{
    (void)state;
    if (make_test_folder(folder))
        return -1;
    snprintf(path, sizeof path, "%s/run", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_test_folder(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(moments_are_right),
        cmocka_unit_test(the_same_bytes),
        cmocka_unit_test(no_start_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) == 0 ? 0 : 1;
}
