/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a filter writes down: against the definitions, computed from full histories, for every rule and with tilted
 * weights (exact to rounding); against the exact laws of case A, within 5 standard errors as measured on replicates of
 * the same seeds' size (false alarm 6e-7 per comparison); the same bytes for threads and after loading; the user's
 * function. */
#include <mote/filter.h>
#include <stdlib.h>

#include "tests/support/allocator.h"
#include "tests/support/filter_bench.h"
#include "tests/support/linear_gaussian_exact.h"

enum { N = 50, T = 50, LAG = 4 };

/* ---- against the definitions ---- */

typedef struct population {
    double x[N], weight[N];
    int32_t ancestor[N];
} population;

static population past[T];

static void read_past(const mote_run *run)
{
    for (int t = 0; t < T; ++t) {
        assert_status(mote_filter_history_log_weights(run, t, past[t].weight), MOTE_OK);
        for (int i = 0; i < N; ++i)
            past[t].weight[i] = exp(past[t].weight[i]);
        memcpy(past[t].x, mote_filter_history_state(run, t, 0), sizeof past[t].x);
        memcpy(past[t].ancestor, mote_filter_history_ancestors(run, t), sizeof past[t].ancestor);
    }
}

static void check_moments(mote_run *run, const char *what, int t, const double *x, const double *weight)
{
    char name[64];
    double mean = 0, variance = 0, sum = 0;
    for (int i = 0; i < N; ++i)
        sum += weight[i];
    for (int i = 0; i < N; ++i)
        mean += weight[i] / sum * x[i];
    for (int i = 0; i < N; ++i)
        variance += weight[i] / sum * (x[i] - mean) * (x[i] - mean);
    snprintf(name, sizeof name, "%s_mean", what);
    assert_close(mote_filter_record(run, name, 0)[t], mean, 1e-12, 1e-12);
    snprintf(name, sizeof name, "%s_sd", what);
    assert_close(mote_filter_record(run, name, 0)[t], sqrt(variance), 1e-9, 1e-12);
}

/* Weights carried into step t: those of the ancestors, divided by what they were resampled with. */
static void carried(double *weight, int t, int resampled, const mote_filter_options *options)
{
    for (int i = 0; i < N; ++i) {
        const int a = t ? past[t].ancestor[i] : i;
        weight[i] = t && !resampled ? past[t - 1].weight[a] : 1;
        if (t && resampled && options->look_ahead) { /* N(y; rho x, 1 + 1), which is what the model looks ahead with */
            const double miss = linear_gaussian_a.series->values[t] - 0.9 * past[t - 1].x[a];
            weight[i] = 1 / exp(-0.25 * miss * miss);
        }
    }
}

static void smoothed(double *x, int t, int end)
{
    for (int i = 0; i < N; ++i) {
        int at = i;
        for (int s = end; s > t; --s)
            at = past[s].ancestor[at];
        x[i] = past[t].x[at];
    }
}

static void check_record(const mote_filter_options *options)
{
    double weight[N], x[N];
    mote_run *run = open_filter_run(&linear_gaussian_a, options);
    assert_null(mote_filter_record(run, "time", 0));
    assert_status(mote_run_finish(run), MOTE_OK);
    read_past(run);
    assert_int_equal(mote_filter_record_count(run), T);
    const double *resampled = mote_filter_record(run, "resampled", 0);
    const double *log_evidence = mote_filter_record(run, "log_evidence", 0);
    double sum = 0;
    for (int t = 0; t < T; ++t) {
        const int end = t + LAG < T - 1 ? t + LAG : T - 1;
        check_moments(run, "filter", t, past[t].x, past[t].weight);
        smoothed(x, t, end);
        check_moments(run, "smoothing", t, x, past[end].weight);
        carried(weight, t, resampled[t] > 0, options);
        if (!options->proposal)
            check_moments(run, "prediction", t, past[t].x, weight);
        else
            assert_true(isnan(mote_filter_record(run, "prediction_mean", 0)[t]));
        assert_true(mote_filter_record(run, "time", 0)[t] == t);
        sum += mote_filter_record(run, "increment", 0)[t];
        assert_true(log_evidence[t] == sum);
        double square = 0;
        for (int i = 0; i < N; ++i)
            square += past[t].weight[i] * past[t].weight[i];
        assert_close(mote_filter_record(run, "effective_sample_size", 0)[t], 1 / square, 1e-12, 0);
    }
    assert_same_bytes(&mote_filter_record(run, "filter_mean_error", 0)[T - 1],
                      &(double){ mote_filter_mean_error(run, 0) },
                      sizeof(double));
    assert_true(log_evidence[T - 1] == mote_filter_log_evidence(run));
    mote_run_close(&run);
}

static void records_are_their_definitions(void **unused)
{
    (void)unused;
    for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule)
        for (int64_t kind = 0; kind < 3; ++kind) {
            const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = N, .seed = 8,
                                                  .resample = rule,
                                                  .look_ahead = kind == 1 && rule != MOTE_RULE_NEVER,
                                                  .proposal = kind == 2, .history = MOTE_HISTORY_FULL,
                                                  .record = MOTE_RECORD_ALL, .smoothing_lag = LAG };
            check_record(&options);
        }
}

static void columns_can_be_walked(void **unused)
{
    static const int64_t columns[] = { 0, 5, 8, 12 };
    int64_t state;
    (void)unused;
    for (int64_t level = MOTE_RECORD_OFF; level <= MOTE_RECORD_ALL; ++level) {
        const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = N, .record = level };
        mote_run *run = open_filter_run(&linear_gaussian_a, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        for (int64_t c = 0; c < columns[level]; ++c) {
            const char *name = mote_filter_record_name(run, c, &state);
            assert_int_equal(state, c < 5 ? -1 : 0);
            assert_ptr_equal(mote_filter_record(run, name, 0), mote_filter_record_column(run, c));
            assert_non_null(mote_filter_record_column(run, c));
        }
        assert_null(mote_filter_record_name(run, columns[level], &state));
        assert_null(mote_filter_record_column(run, columns[level]));
        assert_null(mote_filter_record_name(run, -1, &state));
        assert_null(mote_filter_record(run, "filter_mean", 1));
        assert_null(mote_filter_record(run, "mean", 0));
        mote_run_close(&run);
    }
}

/* ---- against exact laws ---- */

/* Largest deviation of a recorded column from exact values, in units of `unit`. */
static double largest(mote_run *run, const char *name, const double *exact, int square, int first, int end)
{
    const double *column = mote_filter_record(run, name, 0);
    double most = 0;
    for (int t = first; t < end; ++t) {
        const double miss = fabs((square ? column[t] * column[t] : column[t]) - exact[t]);
        most = miss > most ? miss : most;
    }
    return most;
}

/* 40,000 particles: means have standard errors of at most .006 (filter), .008 (prediction), from replicates. The bias
 * of a fixed lag L falls as (rho (1 - gain))^L, about .36^L: .15, .05, .015 here, where noise begins. */
static void moments_are_right(void **unused)
{
    static const int64_t lags[] = { 1, 2, 4 };
    static linear_gaussian_exact exact;
    double before = INFINITY;
    (void)unused;
    linear_gaussian_solve(&exact, linear_gaussian_a.series->values, T);
    assert_close(exact.smoothed[25], 1.735006089563, 1e-10, 0);
    for (int l = 0; l < 3; ++l) {
        const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 40000, .seed = 1,
                                              .record = MOTE_RECORD_ALL, .smoothing_lag = lags[l] };
        mote_run *run = open_filter_run(&linear_gaussian_a, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_true(largest(run, "filter_mean", exact.filtered, 0, 0, T) < 0.03);
        assert_true(largest(run, "filter_sd", exact.filtered_variance, 1, 0, T) < 0.03);
        assert_true(largest(run, "prediction_mean", exact.predicted, 0, 0, T) < 0.05);
        assert_true(largest(run, "prediction_sd", exact.predicted_variance, 1, 1, T) < 0.1);
        const double miss = largest(run, "smoothing_mean", exact.smoothed, 0, 0, T);
        assert_true(miss < 0.6 * before);
        before = miss;
        mote_run_close(&run);
    }
    assert_true(before < 0.05);
}

/* ---- the same bytes, memory, the user's function ---- */

static void assert_same_records(mote_run *a, mote_run *b)
{
    int64_t state;
    assert_int_equal(mote_filter_record_count(a), mote_filter_record_count(b));
    for (int64_t c = 0; mote_filter_record_name(a, c, &state); ++c)
        assert_same_bytes(mote_filter_record_column(a, c), mote_filter_record_column(b, c),
                          (size_t)mote_filter_record_count(a) * sizeof(double));
}

static void threads_and_loading_do_not_show(void **unused)
{
    mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 9000, .seed = 8, .threads = 1,
                                    .record = MOTE_RECORD_ALL, .smoothing_lag = 3 };
    (void)unused;
    mote_run *one = open_filter_run(&linear_gaussian_a, &options);
    assert_status(mote_run_finish(one), MOTE_OK);
    for (options.threads = 2; options.threads <= 7; options.threads += 5) {
        mote_run *many = open_filter_run(&linear_gaussian_a, &options);
        assert_status(mote_run_finish(many), MOTE_OK);
        assert_same_records(one, many);
        mote_run_close(&many);
    }
    mote_run_close(&one);
    options.particles = 60;
    mote_run *whole = open_filter_run(&linear_gaussian_a, &options), *run = open_filter_run(&linear_gaussian_a,
                                                                                            &options);
    for (int t = 0; t < 12; ++t) {
        assert_status(mote_run_step(whole), MOTE_OK);
        assert_status(mote_run_step(run), MOTE_OK);
        reload_run(&run, mote_filter, &linear_gaussian_a, &options, "test_record.checkpoint");
        assert_same_records(whole, run);
    }
    mote_run_close(&whole);
    mote_run_close(&run);
}

static void a_series_is_recorded_without_growth(void **unused)
{
    test_allocator counter = { 0 };
    mote_allocator allocator = test_allocator_of(&counter);
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .hooks = &hooks, .particles = N,
                                          .variance_lag = 2,
                                          .record = MOTE_RECORD_ALL, .smoothing_lag = 3, .resample = MOTE_RULE_ALWAYS };
    (void)unused;
    mote_run *run = open_filter_run(&linear_gaussian_a, &options);
    for (int t = 0; t < 4; ++t)
        assert_status(mote_run_step(run), MOTE_OK);
    const int64_t calls = counter.calls;
    for (int t = 4; t < T - 1; ++t)
        assert_status(mote_run_step(run), MOTE_OK);
    assert_non_null(mote_filter_record(run, "smoothing_mean", 0));
    assert_int_equal(counter.calls, calls);
    mote_run_close(&run);
    assert_int_equal(counter.live, 0);
}

static void *no_large_block(void *ctx, size_t size)
{
    return size > 1 << 20 ? NULL : test_allocate(ctx, size);
}

/* A lag beyond the end of a series takes the memory of one that ends there, and the same values. */
static void a_lag_is_no_longer_than_the_series(void **unused)
{
    test_allocator counter = { 0 };
    mote_allocator allocator = test_allocator_of(&counter);
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
    mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .hooks = &hooks, .particles = N,
                                    .record = MOTE_RECORD_ALL, .smoothing_lag = T - 1 };
    double mean[T];
    (void)unused;
    allocator.allocate = no_large_block;
    for (int k = 0; k < 3; ++k) {
        mote_run *run = NULL;
        options.smoothing_lag = k == 0 ? T - 1 : k == 1 ? 1000000 : T;
        assert_status(mote_run_open(&run, mote_filter, &linear_gaussian_a, &options), MOTE_OK);
        assert_status(mote_run_finish(run), MOTE_OK);
        const double *smoothed = mote_filter_record(run, "smoothing_mean", 0);
        if (!k)
            memcpy(mean, smoothed, sizeof mean);
        assert_memory_equal(mean, smoothed, sizeof mean);
        mote_run_close(&run);
    }
}

typedef struct watcher {
    int64_t calls, stop_at;
    int answer;
    double sum[T], log_evidence[T];
} watcher;

static int watch(void *ctx, const mote_filter_view *view)
{
    watcher *w = ctx;
    double sum = 0;
    for (int64_t i = 0; i < view->n; ++i)
        sum += exp(view->log_weight[i]) * view->state[0][i];
    w->sum[view->step] = sum;
    w->log_evidence[view->step] = view->log_evidence;
    return ++w->calls == w->stop_at ? w->answer : 0;
}

static void the_users_function_sees_every_population(void **unused)
{
    watcher w = { 0 };
    mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = N, .record = MOTE_RECORD_MOMENTS,
                                    .observe = watch, .observe_ctx = &w };
    (void)unused;
    mote_run *run = open_filter_run(&linear_gaussian_a, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_int_equal(w.calls, T);
    for (int t = 0; t < T; ++t) {
        assert_close(w.sum[t], mote_filter_record(run, "filter_mean", 0)[t], 1e-12, 1e-12);
        assert_true(w.log_evidence[t] == mote_filter_record(run, "log_evidence", 0)[t]);
    }
    mote_run_close(&run);
    w = (watcher){ .stop_at = 5, .answer = -77 };
    run = open_filter_run(&linear_gaussian_a, &options);
    assert_status(mote_run_finish(run), -77);
    assert_int_equal(mote_filter_count(run), 5);
    mote_run_close(&run);
    w = (watcher){ .stop_at = 5, .answer = 3 };
    run = open_filter_run(&linear_gaussian_a, &options);
    assert_status(mote_run_finish(run), MOTE_EINVAL);
    assert_non_null(strstr(mote_run_message(run), "observe returned 3 at step 4"));
    mote_run_close(&run);
}

static int zero_at_three(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = block->step == 3 ? -INFINITY : 0;
    return 0;
}

static void a_dead_filter_stops_its_record(void **unused)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = N,
                                          .record = MOTE_RECORD_ALL };
    mote_ssm model = toy_d;
    (void)unused;
    model.log_potential = zero_at_three;
    mote_run *run = open_filter_run(&model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_int_equal(mote_filter_record_count(run), 4);
    assert_true(mote_filter_record(run, "log_evidence", 0)[3] == -INFINITY);
    assert_true(isnan(mote_filter_record(run, "filter_mean", 0)[3]));
    assert_false(isnan(mote_filter_record(run, "prediction_mean", 0)[3]));
    assert_true(isnan(mote_filter_record(run, "smoothing_mean", 0)[2]));
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_their_definitions),
        cmocka_unit_test(columns_can_be_walked),
        cmocka_unit_test(moments_are_right),
        cmocka_unit_test(threads_and_loading_do_not_show),
        cmocka_unit_test(a_series_is_recorded_without_growth),
        cmocka_unit_test(a_lag_is_no_longer_than_the_series),
        cmocka_unit_test(the_users_function_sees_every_population),
        cmocka_unit_test(a_dead_filter_stops_its_record),
    };
    return run_unit_tests(tests);
}
