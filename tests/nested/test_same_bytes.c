/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The same bytes from every executor, thread count, batch size, callback kind, order of returned values, and after
 * save and load at any step. */
#include <mote/nested.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/fingerprint.h"
#include "tests/support/test.h"

/* A correlated normal with a derived parameter; 3 dimensions, periodic first axis. */
static int point(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx;
    double a = (theta[0] - 0.4) / 0.1, b = (theta[1] - 0.3 * theta[0]) / 0.2, c = theta[2] / 0.5;
    *log_likelihood = -0.5 * (a * a + b * b + c * c);
    derived[0] = theta[0] + theta[1];
    return 0;
}

static int batch(void *ctx, const mote_batch *rows)
{
    for (int64_t i = 0; i < rows->n; ++i)
        point(ctx, rows->theta + i * rows->stride, rows->log_likelihood + i, rows->derived + i * rows->derived_stride);
    return 0;
}

static const mote_parameter parameters[] = {
    MOTE_UNIFORM("angle", 0, 1, .boundary = MOTE_BOUNDARY_PERIODIC),
    MOTE_UNIFORM("slope", -1, 1),
    MOTE_NORMAL("offset", 0, 1),
    MOTE_DERIVED("sum"),
};

static mote_target target(int batched)
{
    mote_target t = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters), .name = "normal",
                      .flags = MOTE_THREADSAFE };
    if (batched)
        t.log_likelihood = batch;
    else
        t.log_likelihood_point = point;
    return t;
}

static mote_nested_options small(int64_t step)
{
    return (mote_nested_options){ MOTE_VERSIONED(mote_nested_options), .live_points = 60, .seed = 11, .step = step,
                                  .simulations = 50, .bootstraps = 20 };
}

static uint64_t finished(const mote_target *t, const mote_nested_options *options)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, t, options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    assert_true(hash != 0);
    return hash;
}

static void threads_and_batches(void **state)
{
    (void)state;
    for (int64_t step = MOTE_STEP_AUTO; step <= MOTE_STEP_WALK; ++step) {
        mote_target per_point = target(0), batched = target(1);
        mote_nested_options options = small(step);
        uint64_t expected = finished(&per_point, &options);
        assert_true(finished(&batched, &options) == expected);
        for (int64_t threads = 1; threads <= 7; threads += threads == 1 ? 1 : 5) {
            options.executor = MOTE_EXECUTOR_THREADS;
            options.threads = threads;
            assert_true(finished(&per_point, &options) == expected);
            assert_true(finished(&batched, &options) == expected);
        }
        options.executor = MOTE_EXECUTOR_SERIAL;
        options.batch_size = 3;
        assert_true(finished(&batched, &options) == expected);
        options.seed = 12;
        assert_true(finished(&batched, &options) != expected);
    }
}

/* Tells values in an order that a small generator shuffles, some of them only after another step was tried. */
static uint64_t told(const mote_target *t, mote_nested_options options, unsigned shuffle)
{
    mote_run *run = NULL;
    mote_pending pending = { .head = MOTE_VERSIONED(mote_pending) };
    int status;
    options.executor = MOTE_EXECUTOR_EXTERNAL;
    assert_status(mote_run_open(&run, mote_nested, t, &options), MOTE_OK);
    while ((status = mote_run_step(run)) == MOTE_OK || status == MOTE_WAITING) {
        if (status == MOTE_OK)
            continue;
        assert_status(mote_run_pending(run, &pending), MOTE_OK);
        assert_true(pending.n > 0);
        int64_t count = 1 + (shuffle >> 8) % pending.n;
        for (int64_t i = 0; i < count; ++i) {
            shuffle = shuffle * 1103515245u + 12345u;
            assert_status(mote_run_pending(run, &pending), MOTE_OK);
            int64_t k = (int64_t)((shuffle >> 8) % (unsigned)pending.n);
            double value, derived;
            point(NULL, pending.theta + k * pending.stride, &value, &derived);
            assert_status(mote_run_tell(run, pending.id[k], value, &derived, 0), MOTE_OK);
        }
    }
    assert_status(status, MOTE_DONE);
    uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    return hash;
}

static void ask_and_tell(void **state)
{
    (void)state;
    mote_target t = target(0);
    for (int64_t step = MOTE_STEP_BOUND; step <= MOTE_STEP_WALK; ++step) {
        mote_nested_options options = small(step);
        uint64_t expected = finished(&t, &options);
        assert_true(told(&t, options, 1u) == expected);
        assert_true(told(&t, options, 77u) == expected);
    }
}

/* Saves after `steps` steps, also while rows are pending, loads into a fresh run and finishes there. */
static uint64_t interrupted(const mote_target *t, mote_nested_options options, int64_t steps, const char *path)
{
    mote_run *run = NULL, *second = NULL;
    assert_status(mote_run_open(&run, mote_nested, t, &options), MOTE_OK);
    int status = MOTE_OK;
    for (int64_t i = 0; i < steps && !status; ++i)
        status = mote_run_step(run);
    assert_status(mote_run_save(run, path), MOTE_OK);
    mote_run_close(&run);
    assert_status(mote_run_open(&second, mote_nested, t, &options), MOTE_OK);
    status = mote_run_load(second, path);
    if (status)
        print_error("load: %s\n", mote_run_message(second));
    assert_status(status, MOTE_OK);
    assert_status(mote_run_finish(second), MOTE_OK);
    uint64_t hash = fingerprint(mote_run_draws(second));
    mote_run_close(&second);
    return hash;
}

static void save_and_load(void **state)
{
    (void)state;
    char path[] = "same_bytes.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    mote_target t = target(0);
    for (int64_t step = MOTE_STEP_BOUND; step <= MOTE_STEP_WALK; ++step) {
        mote_nested_options options = small(step);
        uint64_t expected = finished(&t, &options);
        for (int64_t steps = 0; steps < 40; steps += 1 + steps / 3)
            assert_true(interrupted(&t, options, steps, path) == expected);
    }
    unlink(path);
}

/* With the external executor a checkpoint can be taken while rows wait for values. */
static void save_while_waiting(void **state)
{
    (void)state;
    char path[] = "same_bytes.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    mote_target t = target(0);
    mote_nested_options options = small(MOTE_STEP_SLICE), asking = options;
    uint64_t expected = finished(&t, &options);
    asking.executor = MOTE_EXECUTOR_EXTERNAL;
    for (int64_t waits = 1; waits < 60; waits += 7) {
        mote_run *run = NULL, *second = NULL;
        mote_pending pending = { .head = MOTE_VERSIONED(mote_pending) };
        assert_status(mote_run_open(&run, mote_nested, &t, &asking), MOTE_OK);
        for (int64_t seen = 0; seen < waits;) {
            int status = mote_run_step(run);
            assert_true(status == MOTE_OK || status == MOTE_WAITING);
            if (status != MOTE_WAITING || ++seen == waits)
                continue;
            assert_status(mote_run_pending(run, &pending), MOTE_OK);
            double value, derived;
            point(NULL, pending.theta, &value, &derived);
            assert_status(mote_run_tell(run, pending.id[0], value, &derived, 0), MOTE_OK);
        }
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        assert_status(mote_run_open(&second, mote_nested, &t, &options), MOTE_OK);
        assert_status(mote_run_load(second, path), MOTE_OK);
        assert_status(mote_run_finish(second), MOTE_OK);
        assert_true(fingerprint(mote_run_draws(second)) == expected);
        mote_run_close(&second);
    }
    unlink(path);
}

/* A stop request at some step, then finish again: as if nothing had happened. */
static int stop_at(void *ctx, const mote_progress *progress)
{
    int64_t *countdown = ctx;
    (void)progress;
    return --*countdown == 0;
}

static void stop_and_go_on(void **state)
{
    (void)state;
    mote_target t = target(0);
    mote_nested_options options = small(MOTE_STEP_SLICE);
    uint64_t expected = finished(&t, &options);
    int64_t countdown = 1;
    mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .progress = stop_at, .ctx = &countdown };
    mote_run *run = NULL;
    options.hooks = &hooks;
    assert_status(mote_run_open(&run, mote_nested, &t, &options), MOTE_OK);
    mote_run_stop(run);
    assert_status(mote_run_finish(run), MOTE_STOPPED);
    assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_STOP);
    int status = mote_run_finish(run);
    while (status == MOTE_STOPPED)
        status = mote_run_finish(run);
    assert_status(status, MOTE_OK);
    assert_true(fingerprint(mote_run_draws(run)) == expected);
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_batches), cmocka_unit_test(ask_and_tell), cmocka_unit_test(save_and_load),
        cmocka_unit_test(save_while_waiting),  cmocka_unit_test(stop_and_go_on),
    };
    return run_unit_tests(tests);
}
