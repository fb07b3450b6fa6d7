/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histories of a filter: every way against populations copied from outside while the filter runs; paths of the tree
 * against ancestors traced through full histories; the same bytes after saving and loading; allocations. All exact. */
#include <mote/filter.h>

#include "core/run.h"
#include "tests/support/allocator.h"
#include "tests/support/filter_bench.h"

enum { N = 40, T = 50 };

/* What the filter showed after each step. */
typedef struct recorded {
    double state[T][N], log_weight[T][N];
    int32_t ancestor[T][N];
} recorded;

static recorded seen;

static void record(mote_run *run, int t)
{
    memcpy(seen.state[t], mote_filter_state(run, 0), sizeof seen.state[t]);
    assert_status(mote_filter_log_weights(run, seen.log_weight[t]), MOTE_OK);
    memcpy(seen.ancestor[t], mote_filter_ancestors(run), sizeof seen.ancestor[t]);
}

static void check_population(const mote_run *run, int step)
{
    double log_weight[N];
    assert_same_bytes(mote_filter_history_state(run, step, 0), seen.state[step], sizeof seen.state[step]);
    assert_status(mote_filter_history_log_weights(run, step, log_weight), MOTE_OK);
    assert_same_bytes(log_weight, seen.log_weight[step], sizeof log_weight);
    assert_same_bytes(mote_filter_history_ancestors(run, step), seen.ancestor[step], sizeof seen.ancestor[step]);
    assert_null(mote_filter_history_state(run, step, 1));
}

static void check_absence(const mote_run *run, int step)
{
    double log_weight[N];
    assert_null(mote_filter_history_state(run, step, 0));
    assert_null(mote_filter_history_ancestors(run, step));
    assert_status(mote_filter_history_log_weights(run, step, log_weight), MOTE_ESTATE);
}

static void check_paths(const mote_run *run, int newest, int start)
{
    double path[T];
    assert_int_equal(mote_filter_path_start(run), start);
    assert_int_equal(mote_filter_path_length(run), start < 0 ? 0 : newest + 1 - start);
    for (int i = 0; i < N && start >= 0; ++i) {
        assert_status(mote_filter_path(run, i, path), MOTE_OK);
        for (int t = newest, at = i; t >= start; at = seen.ancestor[t--][at])
            assert_true(path[t - start] == seen.state[t][at]);
    }
    assert_status(mote_filter_path(run, N, path), start < 0 ? MOTE_ESTATE : MOTE_EINVAL);
}

static int is_kept(int64_t history, int step, int newest)
{
    const int chosen = step == 0 || step == 7 || step == 30;
    return history == MOTE_HISTORY_FULL || (history == MOTE_HISTORY_LAG && step >= newest - 6) ||
           (history == MOTE_HISTORY_STEPS && chosen);
}

static int path_start(int64_t history, int newest)
{
    if (history == MOTE_HISTORY_LAG)
        return newest > 6 ? newest - 6 : 0;
    return history == MOTE_HISTORY_TREE || history == MOTE_HISTORY_FULL ? 0 : -1;
}

static mote_filter_options options_of(int64_t history)
{
    return (mote_filter_options){ MOTE_VERSIONED(mote_filter_options), .particles = N, .seed = 4,
                                  .variance = MOTE_VARIANCE_OFF,
                                  .history = history,
                                  .history_lag = history == MOTE_HISTORY_LAG ? 6 : 0,
                                  .history_steps = history == MOTE_HISTORY_STEPS ? " 0, 7,30 ,77" : NULL };
}

/* Stepping; with `reload` the run is saved, closed and loaded between most steps. */
static void check_history(const mote_ssm *model, int64_t history, int reload)
{
    mote_filter_options options = options_of(history);
    mote_run *run = open_filter_run(model, &options);
    check_absence(run, 0);
    for (int t = 0; t < T; ++t) {
        if (model->series) {
            assert_status(mote_run_step(run), t + 1 < T ? MOTE_OK : MOTE_DONE);
        } else {
            const mote_observation y = { MOTE_VERSIONED(mote_observation), .time = t,
                                         .values = linear_gaussian_a.series->values + t };
            assert_status(mote_run_push(run, &y), MOTE_OK);
        }
        record(run, t);
        if (reload && (t < 9 || t % 10 == 0))
            reload_run(&run, mote_filter, model, &options, "test_history.checkpoint");
        for (int step = 0; step <= t + 8; ++step)
            if (step <= t && is_kept(history, step, t))
                check_population(run, step);
            else
                check_absence(run, step);
        check_paths(run, t, path_start(history, t));
    }
    mote_run_close(&run);
}

static void all_ways_keep_what_was_seen(void **unused)
{
    mote_ssm streamed = linear_gaussian_a;
    (void)unused;
    streamed.series = NULL;
    for (int64_t history = MOTE_HISTORY_NONE; history <= MOTE_HISTORY_FULL; ++history)
        for (int reload = 0; reload < 2; ++reload)
            check_history(reload ? &streamed : &linear_gaussian_a, history, reload);
}

/* Quasi-random points sort the particles: ancestors must still lead to the states that the noise was added to. The
 * noise of the paths has variance 1, that of strangers 1 + 2 x .81 times the filter's variance .6: 2. */
static void ancestors_of_sorted_particles_are_right(void **unused)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 256, .seed = 4,
                                          .history = MOTE_HISTORY_FULL, .points = MOTE_POINTS_SOBOL };
    double square = 0;
    (void)unused;
    mote_run *run = open_filter_run(&linear_gaussian_a, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    for (int t = 1; t < T; ++t) {
        const double *x = mote_filter_history_state(run, t, 0), *before = mote_filter_history_state(run, t - 1, 0);
        const int32_t *ancestor = mote_filter_history_ancestors(run, t);
        for (int i = 0; i < 256; ++i)
            square += pow(x[i] - 0.9 * before[ancestor[i]], 2) / 256 / (T - 1);
    }
    assert_close(square, 1, 0.05, 0);
    mote_run_close(&run);
}

static void nothing_is_allocated_between_growths(void **unused)
{
    static const int64_t most[] = { 0, 0, 0, 4 * 8, 5 * 7 }; /* doublings, each of so many blocks */
    mote_ssm streamed = linear_gaussian_a;
    (void)unused;
    streamed.series = NULL;
    for (int64_t history = MOTE_HISTORY_NONE; history <= MOTE_HISTORY_FULL; ++history) {
        test_allocator counter = { 0 };
        mote_allocator allocator = test_allocator_of(&counter);
        const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
        mote_filter_options options = options_of(history);
        options.hooks = &hooks;
        mote_run *run = open_filter_run(&streamed, &options);
        mote_observation y = { MOTE_VERSIONED(mote_observation), .time = 0,
                               .values = linear_gaussian_a.series->values };
        assert_status(mote_run_push(run, &y), MOTE_OK);
        const int64_t calls = counter.calls;
        for (y.time = 1; y.time < T; ++y.time)
            assert_status(mote_run_push(run, &y), MOTE_OK);
        assert_true(counter.calls - calls <= most[history]);
        mote_run_close(&run);
        assert_int_equal(counter.live, 0);
    }
}

/* Memory that ends in the middle: the step is refused and leaves what there was. */
static void no_memory_leaves_the_run(void **unused)
{
    (void)unused;
    for (int64_t history = MOTE_HISTORY_LAG; history <= MOTE_HISTORY_FULL; ++history)
        for (int64_t fail_at = 1, failed = 1; failed; ++fail_at) {
            test_allocator counter = { .fail_at = fail_at };
            mote_allocator allocator = test_allocator_of(&counter);
            const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
            mote_filter_options options = options_of(history);
            mote_run *run = NULL;
            options.hooks = &hooks;
            int status = mote_run_open(&run, mote_filter, &linear_gaussian_a, &options);
            status = status ? status : mote_run_finish(run);
            failed = counter.calls >= fail_at;
            assert_status(status, failed ? MOTE_ENOMEM : MOTE_OK);
            mote_run_close(&run);
            assert_int_equal(counter.live, 0);
        }
}

static int fork_nothing(void *ctx, const mote_block *block, const int32_t *ancestor)
{
    (void)ctx;
    (void)block;
    (void)ancestor;
    return 0;
}

static void drop_nothing(void *ctx, const double *handle, int64_t n)
{
    (void)ctx;
    (void)handle;
    (void)n;
}

static void what_cannot_be_is_named(void **unused)
{
    mote_filter_options options = options_of(MOTE_HISTORY_STEPS);
    mote_ssm model = linear_gaussian_a;
    (void)unused;
    options.history_steps = "3, 3";
    assert_refused(mote_filter, &model, &options, MOTE_EOPTION, "number 2");
    options.history_steps = "3 4";
    assert_refused(mote_filter, &model, &options, MOTE_EOPTION, "commas");
    options.history_steps = "1.5";
    assert_refused(mote_filter, &model, &options, MOTE_EOPTION, "number 1");
    options.history_steps = "-1";
    assert_refused(mote_filter, &model, &options, MOTE_EOPTION, "number 1");
    options.history_steps = "1, x";
    assert_refused(mote_filter, &model, &options, MOTE_EOPTION, "number 2");
    options = options_of(MOTE_HISTORY_TREE);
    options.history_steps = "1";
    assert_refused(mote_filter, &model, &options, MOTE_EOPTION, "history_steps has no effect with history = tree");
    options.history_steps = NULL;
    model.fork = fork_nothing;
    model.drop = drop_nothing;
    assert_refused(mote_filter, &model, &options, MOTE_EUNSUPPORTED, "handles");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ways_keep_what_was_seen),
        cmocka_unit_test(ancestors_of_sorted_particles_are_right),
        cmocka_unit_test(nothing_is_allocated_between_growths),
        cmocka_unit_test(no_memory_leaves_the_run),
        cmocka_unit_test(what_cannot_be_is_named),
    };
    return run_unit_tests(tests);
}
