/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the steps of nested sampling: peaks that few live points have seen, limits and their resumption, blocks of
 * prior draws, ids of rows, shares of failures, messages. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <mote/nested.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/fingerprint.h"
#include "tests/support/test.h"

static const mote_parameter square[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1) };
static char path[] = "/tmp/mote-steps-XXXXXX";

static double hill(const double *theta)
{
    double x = (theta[0] - 0.75) / 0.1, y = (theta[1] - 0.5) / 0.1;
    return -0.5 * (x * x + y * y);
}

static int hill_point(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = hill(theta);
    return 0;
}

/* A plateau at -100 with a normal peak of radius 4 sd. */
static double island(const double *theta, double sd)
{
    double x = (theta[0] - 0.6) / sd, y = (theta[1] - 0.5) / sd, r2 = x * x + y * y;
    return r2 < 16 ? -0.5 * r2 : -100;
}

static int island_point(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)derived;
    *log_likelihood = island(theta, *(double *)ctx);
    return 0;
}

static mote_target target(int (*f)(void *, const double *, double *, double *), void *ctx)
{
    return (mote_target){ MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(square), .log_likelihood_point = f,
                          .name = "square", .identity = "test", .ctx = ctx };
}

static mote_nested_options small(void)
{
    return (mote_nested_options){ MOTE_VERSIONED(mote_nested_options), .live_points = 100, .seed = 5,
                                  .simulations = 100, .bootstraps = 20 };
}

static mote_run *opened(const mote_target *t, const mote_nested_options *options)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, t, options), MOTE_OK);
    return run;
}

static mote_nested_result result_of(mote_run *run)
{
    mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
    assert_status(mote_nested_get_result(run, &result), MOTE_OK);
    return result;
}

/* The island has 0.4 of 500 live points at first: tries find some more, and births from them fill up the rest before
 * any of them dies. The volume above the plateau is then known to about a factor e, and the run ends by its criterion. */
static void few_survivors_are_multiplied(void **state)
{
    (void)state;
    double sd = 0.004;
    for (int64_t seed = 1; seed <= 4; ++seed) {
        mote_target t = target(island_point, &sd);
        mote_nested_options options = small();
        options.live_points = 500;
        options.seed = seed;
        mote_run *run = opened(&t, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        mote_nested_result result = result_of(run);
        mote_run_close(&run);
        assert_int_equal(result.finished_by, MOTE_FINISHED_BY_CRITERION);
        assert_true(result.births > 4000);
        assert_true(result.log_evidence_error < 2);
        assert_true(fabs(result.log_evidence - log(2 * acos(-1.0) * sd * sd)) < 4.5 * result.log_evidence_error);
    }
}

typedef struct ids {
    int64_t n, room, *seen;
} ids;

static int record_ids(void *ctx, const mote_batch *batch)
{
    ids *all = ctx;
    for (int64_t i = 0; i < batch->n; ++i) {
        batch->log_likelihood[i] = island(batch->theta + i * batch->stride, 0.004);
        if (all->n < all->room)
            all->seen[all->n] = batch->id[i];
        ++all->n;
    }
    return 0;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Ids are keys for caches of the callee: no two rows of a run share one, those of tries and of the climb included. */
static void row_ids_are_unique(void **state)
{
    (void)state;
    ids all = { .room = 200000 };
    all.seen = calloc((size_t)all.room, sizeof *all.seen);
    assert_non_null(all.seen);
    mote_target t = target(NULL, &all);
    mote_nested_options options = small();
    t.log_likelihood = record_ids;
    mote_run *run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    mote_run_close(&run);
    assert_true(all.n > 10000 && all.n <= all.room);
    qsort(all.seen, (size_t)all.n, sizeof *all.seen, by_value);
    for (int64_t i = 1; i < all.n; ++i)
        assert_true(all.seen[i] != all.seen[i - 1]);
    free(all.seen);
}

/* A run that a limit on calls ended stays as it is when it is loaded and told to finish under the same limit. */
static void call_limit_holds_after_resume(void **state)
{
    (void)state;
    mote_target t = target(hill_point, NULL);
    mote_nested_options options = small();
    options.max_calls = 300;
    mote_run *run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    uint64_t expected = fingerprint(mote_run_draws(run));
    assert_status(mote_run_save(run, path), MOTE_OK);
    mote_run_close(&run);
    run = opened(&t, &options);
    assert_status(mote_run_load(run, path), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_CALLS);
    assert_true(fingerprint(mote_run_draws(run)) == expected);
    mote_run_close(&run);
}

static void loaded_end_is_known(void **state)
{
    (void)state;
    mote_target t = target(hill_point, NULL);
    mote_nested_options options = small();
    options.max_iterations = 200;
    mote_run *run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_status(mote_run_save(run, path), MOTE_OK);
    mote_run_close(&run);
    run = opened(&t, &options);
    assert_status(mote_run_load(run, path), MOTE_OK);
    assert_int_equal(result_of(run).finished_by, MOTE_FINISHED_BY_ITERATIONS);
    assert_true(result_of(run).warnings & MOTE_WARNING_LIMIT);
    mote_run_close(&run);
}

/* Ending early and going on gives what one run gives: the climb after the first end leaves nothing behind. */
static void reopened_run_is_the_long_run(void **state)
{
    (void)state;
    mote_target t = target(hill_point, NULL);
    mote_nested_options options = small(), coarse = small();
    coarse.precision = 0.3;
    mote_run *run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    uint64_t expected = fingerprint(mote_run_draws(run));
    mote_nested_result whole = result_of(run);
    mote_run_close(&run);
    run = opened(&t, &coarse);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(fingerprint(mote_run_draws(run)) != expected);
    assert_status(mote_run_save(run, path), MOTE_OK);
    mote_run_close(&run);
    run = opened(&t, &options);
    assert_status(mote_run_load(run, path), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(fingerprint(mote_run_draws(run)) == expected);
    mote_nested_result both = result_of(run);
    assert_int_equal(both.warnings, whole.warnings);
    assert_true(both.maximum_log_likelihood == whole.maximum_log_likelihood);
    mote_run_close(&run);
}

/* Answers pending rows until done; the run is saved, closed and loaded when it waits for the `reload`-th time. */
static uint64_t told(const mote_target *t, mote_nested_options options, int reload)
{
    int status;
    options.executor = MOTE_EXECUTOR_EXTERNAL;
    mote_run *run = opened(t, &options);
    while ((status = mote_run_step(run)) == MOTE_OK || status == MOTE_WAITING) {
        if (status == MOTE_OK)
            continue;
        if (--reload == 0) {
            assert_status(mote_run_save(run, path), MOTE_OK);
            mote_run_close(&run);
            run = opened(t, &options);
            assert_status(mote_run_load(run, path), MOTE_OK);
        }
        mote_pending pending = { .head = MOTE_VERSIONED(mote_pending) };
        while (!mote_run_pending(run, &pending) && pending.n)
            assert_status(mote_run_tell(run, pending.id[0], hill(pending.theta), NULL, 0), MOTE_OK);
    }
    assert_status(status, MOTE_DONE);
    uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    return hash;
}

/* More prior draws than live points come in several blocks, and each of them is a safe point. Under the address
 * sanitizer this also checks that a loaded run has room for the block under way. */
static void prior_blocks_are_safe_points(void **state)
{
    (void)state;
    mote_target t = target(hill_point, NULL);
    mote_nested_options options = small();
    options.prior_draws = 1000;
    uint64_t expected = told(&t, options, 0);
    for (int reload = 1; reload <= 12; ++reload)
        assert_true(told(&t, options, reload) == expected);
}

static int fails_on_strip(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)derived;
    *log_likelihood = hill(theta);
    return theta[0] < *(double *)ctx;
}

/* 6 % of 3000 first rows is more than a tenth of a window of 1000, and yet no failure of the model. */
static void failed_share_is_a_share(void **state)
{
    (void)state;
    double strip = 0.06;
    mote_target t = target(fails_on_strip, &strip);
    mote_nested_options options = small();
    options.live_points = 3000;
    options.max_calls = 3000;
    mote_run *run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    mote_run_close(&run);
    strip = 0.12;
    run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    mote_run_close(&run);
}

/* On a broad floor the dead points have an effective size of hundreds long before the peak. */
static int peak_on_floor(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    double x = (theta[0] - 0.6) / 0.02, y = (theta[1] - 0.5) / 0.02;
    *log_likelihood = log(exp(-0.5 * (x * x + y * y)) + 1e-6) + 1e-3 * theta[0];
    return 0;
}

static void effective_size_counts_past_the_bulk(void **state)
{
    (void)state;
    mote_target t = target(peak_on_floor, NULL);
    mote_nested_options options = small();
    options.live_points = 500;
    options.target_effective_sample_size = 300;
    mote_run *run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    mote_nested_result result = result_of(run);
    assert_true(result.effective_sample_size > 300);
    assert_true(result.remaining < 0.5);
    mote_run_close(&run);
}

static int calls_left;

static int transform(void *ctx, const double *cube, double *theta)
{
    theta[1] = cube[1];
    return --calls_left < 0 ? *(int *)ctx : 0;
}

/* A prior map that gives up ends the run, with a reason, wherever it does so. */
static void failing_prior_map_is_explained(void **state)
{
    (void)state;
    const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1), MOTE_CONDITIONAL("y") };
    const int codes[] = { 1, -7 }, at[] = { 0, 50, 400 };
    for (int i = 0; i < 6; ++i) {
        int code = codes[i % 2];
        mote_target t = target(hill_point, &code);
        mote_nested_options options = small();
        t.parameters = parameters;
        t.prior_transform = transform;
        calls_left = at[i / 2];
        mote_run *run = opened(&t, &options);
        assert_status(mote_run_finish(run), code > 0 ? MOTE_EMODEL : code);
        assert_true(strlen(mote_run_message(run)) > 10);
        assert_status(mote_run_finish(run), code > 0 ? MOTE_EMODEL : code);
        assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_ERROR);
        mote_run_close(&run);
    }
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int slow(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    struct timespec pause = { 0, 10000000 };
    (void)ctx, (void)derived;
    nanosleep(&pause, NULL);
    *log_likelihood = hill(theta);
    return 0;
}

/* 1000 prior draws would take 10 s; a limit of 0.2 s must not wait for them. */
static void slow_functions_can_be_stopped(void **state)
{
    (void)state;
    mote_target t = target(slow, NULL);
    mote_nested_options options = small();
    options.live_points = 1000;
    options.max_seconds = 0.2;
    mote_run *run = opened(&t, &options);
    double start = seconds();
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(seconds() - start < 3);
    assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_SECONDS);
    mote_run_close(&run);
}

static void load_other(const mote_target *saved, const mote_target *loaded, const char *word)
{
    mote_nested_options options = small();
    options.max_calls = 100;
    mote_run *run = opened(saved, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_status(mote_run_save(run, path), MOTE_OK);
    mote_run_close(&run);
    run = opened(loaded, &options);
    assert_status(mote_run_load(run, path), MOTE_EIDENTITY);
    assert_non_null(strstr(mote_run_message(run), word));
    mote_run_close(&run);
}

/* One parameter more, one less, other groups: each is another model, and the parameter is named. */
static void other_parameters_are_named(void **state)
{
    (void)state;
    const mote_parameter three[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1), MOTE_UNIFORM("extra", 0, 1) };
    const mote_parameter one_group[] = { MOTE_SORTED("a", 0, 1), MOTE_SORTED("b", 0, 1) };
    const mote_parameter two_groups[] = { MOTE_SORTED("a", 0, 1), MOTE_SORTED("b", 0, 1, .group = 1) };
    mote_target two = target(hill_point, NULL), more = two, one = two, other = two;
    more.parameters = three;
    more.parameter_count = 3;
    one.parameters = one_group;
    other.parameters = two_groups;
    load_other(&two, &more, "extra");
    load_other(&more, &two, "extra");
    load_other(&one, &other, "b = ");
}

static void count_warnings(void *ctx, int64_t level, const char *text)
{
    *(int *)ctx += level == MOTE_LOG_WARNING && strstr(text, "identity");
}

static void unknown_identity_warns(void **state)
{
    (void)state;
    int warned = 0;
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .log = count_warnings, .ctx = &warned };
    mote_target t = target(hill_point, NULL);
    mote_nested_options options = small();
    options.hooks = &hooks;
    options.max_calls = 100;
    for (int pass = 0; pass < 2; ++pass, t.identity = NULL) {
        mote_run *run = opened(&t, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        run = opened(&t, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
        mote_run_close(&run);
        assert_int_equal(warned, pass);
    }
}

/* log L = -log r has no maximum: with on_stall = stop the run stops at a safe point, says why, and can go on. */
static int unbounded(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    double x = theta[0] - 0.5, y = theta[1] - 0.5;
    *log_likelihood = -2 * log(hypot(x, y));
    return 0;
}

static void stall_stops_resumably(void **state)
{
    (void)state;
    mote_target t = target(unbounded, NULL);
    mote_nested_options options = small();
    options.on_stall = MOTE_ON_STALL_STOP;
    options.live_points = 50;
    options.max_calls = 2000000;
    mote_run *run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_STOPPED);
    assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_STOP);
    assert_non_null(strstr(mote_run_message(run), "on_stall"));
    assert_true(mote_draws_count(mote_run_draws(run)) > 0);
    assert_status(mote_run_step(run), MOTE_OK);
    mote_run_close(&run);
}

static int stops_once(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)derived;
    *log_likelihood = hill(theta);
    return --*(int *)ctx == 0 ? -3 : 0;
}

static int transform_stops_once(void *ctx, const double *cube, double *theta)
{
    theta[1] = cube[1];
    return --*(int *)ctx == 0 ? -3 : 0;
}

static void remove_checkpoints(const char *folder)
{
    char name[64];
    for (int i = 0; i < 20; ++i) {
        snprintf(name, sizeof name, "%s/checkpoint.%08d", folder, i);
        unlink(name);
    }
    snprintf(name, sizeof name, "%s/lock", folder);
    unlink(name);
    rmdir(folder);
}

/* A model that gives up costs nothing of what was reached: resumed, the run is the one that never failed. */
static void error_of_the_model_keeps_the_run(void **state)
{
    (void)state;
    const mote_parameter conditional[] = { MOTE_UNIFORM("x", 0, 1), MOTE_CONDITIONAL("y") };
    for (int i = 0; i < 4; ++i) {
        char folder[] = "/tmp/mote-steps-XXXXXX";
        assert_non_null(mkdtemp(folder));
        int countdown = -1;
        const int at[] = { 50, 700, 50, 90 };
        mote_target t = target(i < 2 ? stops_once : hill_point, &countdown);
        mote_nested_options options = small();
        t.parameters = i < 2 ? square : conditional;
        t.prior_transform = i < 2 ? NULL : transform_stops_once;
        mote_run *run = opened(&t, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        uint64_t expected = fingerprint(mote_run_draws(run));
        mote_run_close(&run);
        options.checkpoint = folder;
        countdown = at[i];
        run = opened(&t, &options);
        assert_status(mote_run_finish(run), -3);
        assert_non_null(strstr(mote_run_message(run), "-3"));
        mote_run_close(&run);
        run = opened(&t, &options);
        assert_status(mote_run_resume(run), MOTE_OK);
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_true(fingerprint(mote_run_draws(run)) == expected);
        mote_run_close(&run);
        remove_checkpoints(folder);
    }
}

/* A tape that ends before the run does is an error, not other numbers. */
static void exhausted_source_ends_a_run(void **state)
{
    (void)state;
    mote_source *live = NULL, *record = NULL, *replay = NULL;
    assert_status(mote_source_open_live(&live, 3, 0), MOTE_OK);
    assert_status(mote_source_open_record(&record, live), MOTE_OK);
    mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .source = record };
    mote_target t = target(hill_point, NULL);
    mote_nested_options options = small();
    options.hooks = &hooks;
    options.max_calls = 500;
    mote_run *run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    uint64_t expected = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    assert_status(mote_source_open_replay(&replay, record), MOTE_OK);
    hooks.source = replay;
    run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(fingerprint(mote_run_draws(run)) == expected);
    mote_run_close(&run);
    options.max_calls = 0;
    run = opened(&t, &options);
    assert_status(mote_run_finish(run), MOTE_ESOURCE);
    assert_non_null(strstr(mote_run_message(run), "randomness"));
    mote_run_close(&run);
    mote_source_close(&replay);
    mote_source_close(&record);
    mote_source_close(&live);
}

static int zero(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *log_likelihood = -INFINITY;
    return 0;
}

/* Importance weights of a likelihood that is zero everywhere: evidence -inf, weights 0, nothing undefined. And a block
 * under way is loaded whatever number of draws is asked for now. */
static void prior_runs_have_no_undefined_weights(void **state)
{
    (void)state;
    mote_target t = target(zero, NULL);
    mote_prior_options options = { MOTE_VERSIONED(mote_prior_options), .draws = 1500, .weights = 1 };
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_prior_run, &t, &options), MOTE_OK);
    assert_status(mote_run_step(run), MOTE_OK);
    assert_status(mote_run_save(run, path), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    const mote_draws *draws = mote_run_draws(run);
    assert_true(mote_draws_log_evidence(draws) == -INFINITY);
    for (int64_t i = 0; i < mote_draws_count(draws); ++i)
        assert_true(mote_draws_log_weight(draws)[i] == -INFINITY);
    mote_run_close(&run);
    options.draws = 10;
    assert_status(mote_run_open(&run, mote_prior_run, &t, &options), MOTE_OK);
    assert_status(mote_run_load(run, path), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_int_equal(mote_draws_count(mote_run_draws(run)), 1000);
    mote_run_close(&run);
}

static void progress_tells_the_newest_warning(void **state)
{
    (void)state;
    int told_of_it = 0;
    mote_target t = target(unbounded, NULL);
    mote_nested_options options = small();
    options.live_points = 50;
    options.max_calls = 200000;
    mote_run *run = opened(&t, &options);
    mote_progress progress = { .head = MOTE_VERSIONED(mote_progress) };
    assert_status(mote_run_progress(run, &progress), MOTE_OK);
    assert_null(progress.warning);
    while (!told_of_it && progress.calls < options.max_calls) {
        assert_status(mote_run_step(run), MOTE_OK);
        assert_status(mote_run_progress(run, &progress), MOTE_OK);
        told_of_it = progress.warning && strstr(progress.warning, "unbounded");
    }
    assert_true(told_of_it);
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_survivors_are_multiplied),   cmocka_unit_test(row_ids_are_unique),
        cmocka_unit_test(call_limit_holds_after_resume),  cmocka_unit_test(loaded_end_is_known),
        cmocka_unit_test(reopened_run_is_the_long_run),   cmocka_unit_test(prior_blocks_are_safe_points),
        cmocka_unit_test(failed_share_is_a_share),        cmocka_unit_test(effective_size_counts_past_the_bulk),
        cmocka_unit_test(failing_prior_map_is_explained), cmocka_unit_test(slow_functions_can_be_stopped),
        cmocka_unit_test(other_parameters_are_named),     cmocka_unit_test(unknown_identity_warns),
        cmocka_unit_test(stall_stops_resumably),          cmocka_unit_test(exhausted_source_ends_a_run),
        cmocka_unit_test(error_of_the_model_keeps_the_run),
        cmocka_unit_test(prior_runs_have_no_undefined_weights), cmocka_unit_test(progress_tells_the_newest_warning),
    };
    int file = mkstemp(path);
    if (file < 0)
        return 77;
    close(file);
    int failed = run_unit_tests(tests);
    unlink(path);
    return failed;
}
