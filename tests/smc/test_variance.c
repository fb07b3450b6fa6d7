/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors from one run. Exact, by enumeration: Z^2 v is unbiased for Var(Z) with multinomial resampling at every step;
 * with a lag that covers the run the fixed-lag form is -log(1 - v); against a naive computation from full histories for
 * any lag, scheme and rule. Statistical: against the variance of replicates. Seeds are fixed; with R replicates the
 * variance of log Z has a relative standard error of sqrt(2/(R - 1)) = 7 % (R = 400), and the tolerance of 30 % is 4.2
 * of these: a false alarm of 2e-5 for each of the comparisons if the seeds were drawn anew. */
#include <mote/filter.h>
#include <stdlib.h>

#include "smc/history.h"
#include "smc/variance.h"
#include "tests/support/allocator.h"
#include "tests/support/filter_bench.h"

/* ---- exact ---- */

static const mote_series short_series = { MOTE_VERSIONED(mote_series), .count = 3 };

/* E[Z], E[Z^2], E[Z^2 v] over all outcomes; the lag form at every one. Outcomes where all weight has one ancestor have
 * v = 1: the lag form is infinite there. */
static void unbiased_for_the_variance(void **unused)
{
    const mote_filter_setup setup = { .particles = 2, .rule = MOTE_RULE_ALWAYS,
                                      .resampling = MOTE_RESAMPLE_MULTINOMIAL };
    mote_ssm model = chain_t;
    mote_source *source;
    mote_variance variance;
    filter_bench b;
    double z = 0, zz = 0, zzv = 0, compared = 0;
    (void)unused;
    model.series = &short_series;
    open_bench(&b, &model, setup);
    assert_status(mote_variance_open(&variance, &b.filter, 50, 1, &b.memory), MOTE_OK);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        const double estimate = exp(run_bench(&b, source)), weight = mote_source_enumerate_weight(source);
        const mote_variance_value v = mote_variance_evidence_eve(&variance, &b.filter);
        const mote_variance_value lag = mote_variance_evidence(&variance, &b.filter);
        z += weight * estimate;
        zz += weight * estimate * estimate;
        zzv += weight * estimate * estimate * v.value;
        assert_int_equal(variance.generation, 2);
        if (lag.ancestors > 1) {
            assert_close(lag.value, -log(1 - v.value), 1e-12, 1e-12);
            compared += weight;
        } else {
            assert_true(lag.value == INFINITY && !lag.reliable);
            assert_close(v.value, 1, 1e-12, 0);
        }
    }
    assert_status(mote_source_status(source), MOTE_OK);
    assert_true(compared > 0.1 && compared < 0.9);
    assert_close(zzv, zz - z * z, 1e-10, 0);
    mote_source_close(&source);
    mote_variance_close(&variance);
    close_bench(&b);
}

/* ---- against the definition, from full histories ---- */

typedef struct genealogy {
    int64_t events, n;
    int32_t ancestor[64][32];  /* of event g: from generation g to g - 1 */
    double weight[64][32];     /* at the end of generation g */
} genealogy;

static void read_genealogy(genealogy *g, const mote_history *history, int64_t n)
{
    g->n = n;
    g->events = 0;
    for (int64_t t = 0; t < history->count; ++t) {
        const mote_generation *now = mote_history_generation(history, t);
        if (now->resampled)
            memcpy(g->ancestor[++g->events], now->ancestor, (size_t)n * sizeof(int32_t));
        for (int64_t i = 0; i < n; ++i)
            g->weight[g->events][i] = exp(now->log_weight[i] - now->log_sum);
    }
}

static int32_t eve_of(const genealogy *g, int64_t from, int64_t to, int32_t i)
{
    for (; from > to; --from)
        i = g->ancestor[from][i];
    return i;
}

/* C_g^u, and the number of eves with weight (weights below 2^-62 are none). */
static double c_of(const genealogy *g, int64_t generation, int64_t u, int64_t *ancestors)
{
    double sum[32] = { 0 }, mass[32] = { 0 }, total = 0;
    *ancestors = 0;
    if (generation > u)
        return 0;
    for (int32_t i = 0; i < g->n; ++i) {
        sum[eve_of(g, u, generation, i)] += g->weight[u][i];
        mass[eve_of(g, u, generation, i)] += floor(g->weight[u][i] * 0x1p62);
    }
    for (int64_t e = 0; e < g->n; ++e) {
        total += sum[e] * sum[e];
        *ancestors += mass[e] > 0;
    }
    return total;
}

static double naive_evidence(const genealogy *g, int64_t lag, int multinomial, int64_t *fewest)
{
    const double n = (double)g->n;
    double value = multinomial ? 0 : -1 / n;
    *fewest = g->n;
    for (int64_t k = 0; k <= g->events; ++k) {
        const int64_t u = k + lag < g->events ? k + lag : g->events;
        int64_t ancestors, unused;
        const double at = c_of(g, k, u, &ancestors), next = c_of(g, k + 1, u, &unused), h = (at - next) / (1 - next);
        value += (ancestors > 1 ? -log(1 - h) : INFINITY) - (multinomial ? log(n / (n - 1)) : 0);
        *fewest = ancestors < *fewest ? ancestors : *fewest;
    }
    return value;
}

static double naive_mean(const genealogy *g, int64_t lag, const double *x)
{
    const int64_t to = g->events > lag ? g->events - lag : 0;
    double sum[32] = { 0 }, mean = 0, total = 0;
    for (int64_t i = 0; i < g->n; ++i)
        mean += g->weight[g->events][i] * x[i];
    for (int32_t i = 0; i < g->n; ++i)
        sum[eve_of(g, g->events, to, i)] += g->weight[g->events][i] * (x[i] - mean);
    for (int64_t e = 0; e < g->n; ++e)
        total += sum[e] * sum[e];
    return total;
}

static void compare_with_definition(const filter_bench *b, const mote_variance *variance, const mote_history *history,
                                    int64_t lag)
{
    const int multinomial = b->filter.setup.resampling == MOTE_RESAMPLE_MULTINOMIAL;
    const double *x = b->filter.now->state[0], n = (double)variance->n;
    genealogy g;
    int64_t fewest;
    read_genealogy(&g, history, variance->n);
    const mote_variance_value v = mote_variance_evidence(variance, &b->filter);
    const double naive = naive_evidence(&g, lag, multinomial, &fewest);
    assert_close(v.value, naive, naive < 3 ? 1e-9 : 1e-2, 1e-11); /* large: 1 - h is next to nothing, and rounded */
    assert_int_equal(v.ancestors, fewest);
    assert_int_equal(v.reliable, fewest > 1 && v.value >= 0 && v.value <= 1);
    for (int64_t k = 0; k <= lag; ++k)
        assert_close(mote_variance_mean(variance, &b->filter, x, k).value, naive_mean(&g, k, x), 1e-9, 1e-14);
    const double factor = pow(n / (n - 1), (double)g.events + 1);
    assert_close(mote_variance_mean_eve(variance, &b->filter, x, 0).value, naive_mean(&g, 1000, x), 1e-9, 1e-14);
    assert_close(mote_variance_mean_eve(variance, &b->filter, x, 1).value, factor * naive_mean(&g, 1000, x), 1e-9,
                 1e-14);
    assert_close(mote_variance_evidence_eve(variance, &b->filter).value,
                 1 - factor * (1 - c_of(&g, 0, g.events, &fewest)), 1e-9, 1e-11);
}

static void equals_its_definition(void **unused)
{
    static const int64_t lags[] = { 1, 2, 3, 5, 60 }, schemes[] = { MOTE_RESAMPLE_SYSTEMATIC, MOTE_RESAMPLE_MULTINOMIAL,
                                                                    MOTE_RESAMPLE_KILLING };
    (void)unused;
    for (int s = 0; s < 3; ++s)
        for (int l = 0; l < 5; ++l)
            for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule) {
                const mote_filter_setup setup = { .particles = 30, .rule = rule, .threshold = 0.7,
                                                  .resampling = schemes[s] };
                const mote_history_setup full = { .keep = MOTE_HISTORY_FULL };
                const mote_source source = mote_source_live((uint64_t)(s + 10 * l + 100 * rule));
                mote_variance variance;
                mote_history history;
                filter_bench b;
                open_bench(&b, &linear_gaussian_a, setup);
                assert_status(mote_history_open(&history, &b.filter, &full, &b.memory, &b.message), MOTE_OK);
                assert_status(mote_variance_open(&variance, &b.filter, lags[l], 1, &b.memory), MOTE_OK);
                for (int round = 0; round < 2; ++round) { /* a filter that begins anew */
                    assert_status(mote_particle_filter_start(&b.filter, b.theta, &source), MOTE_OK);
                    for (int64_t t = 0; t < 50; ++t) {
                        mote_datum_from_series(&b.datum, &b.space, t);
                        assert_status(mote_particle_filter_step(&b.filter, &b.datum), MOTE_OK);
                        if (t % 7 == 0 || t == 49)
                            compare_with_definition(&b, &variance, &history, lags[l]);
                    }
                }
                mote_variance_close(&variance);
                mote_history_close(&history);
                close_bench(&b);
            }
}

/* ---- against replicates ---- */

enum { REPLICATES = 400 };

static void check_replicates(const mote_ssm *model, mote_filter_setup setup, int check_mean, int replicates)
{
    mote_variance variance;
    filter_bench b;
    double z = 0, zz = 0, estimate = 0, x = 0, xx = 0, error = 0;
    open_bench(&b, model, setup);
    assert_status(mote_variance_open(&variance, &b.filter, 20, 0, &b.memory), MOTE_OK);
    for (int r = 0; r < replicates; ++r) {
        const mote_source source = mote_source_live(mote_source_key(21, r));
        const double log_evidence = run_bench(&b, &source);
        const double mean = mote_population_mean(b.filter.now, b.filter.now->state[0], setup.particles);
        const mote_variance_value v = mote_variance_evidence(&variance, &b.filter);
        assert_true(v.reliable);
        z += log_evidence / replicates;
        zz += log_evidence * log_evidence / replicates;
        estimate += v.value / replicates;
        x += mean / replicates;
        xx += mean * mean / replicates;
        error += mote_variance_mean(&variance, &b.filter, b.filter.now->state[0], 20).value / replicates;
    }
    mote_variance_close(&variance);
    close_bench(&b);
    const double share = (double)replicates / (replicates - 1);
    print_message("var(log Z): estimated %.4f, of replicates %.4f; mean: %.5f, %.5f\n", estimate, (zz - z * z) * share,
                  error,
                  (xx - x * x) * share);
    assert_close(estimate, (zz - z * z) * share, 0.3, 0);
    if (check_mean)
        assert_close(error, (xx - x * x) * share, 0.3, 0);
}

static void agrees_with_replicates(void **unused)
{
    mote_filter_setup setup = { .particles = 1000, .threshold = 0.5 };
    (void)unused;
    check_replicates(&linear_gaussian_a, setup, 1, REPLICATES);
    setup.rule = MOTE_RULE_ALWAYS;
    check_replicates(&linear_gaussian_a, setup, 1, REPLICATES);
    setup.resampling = MOTE_RESAMPLE_MULTINOMIAL;
    check_replicates(&linear_gaussian_a, setup, 1, REPLICATES);
    setup.resampling = MOTE_RESAMPLE_SYSTEMATIC;
    setup.rule = MOTE_RULE_ESS;
    check_replicates(&volatility_e, setup, 0, REPLICATES / 2);
    setup.look_ahead = setup.guided = 1;
    check_replicates(&linear_gaussian_a, setup, 1, REPLICATES);
}

/* ---- the run ---- */

static double error_of(mote_run *run, int64_t estimate, int64_t state, int64_t lag, int64_t *reliable)
{
    mote_filter_error error = { .head = MOTE_VERSIONED(mote_filter_error) };
    assert_status(mote_filter_error_of(run, estimate, state, lag, &error), MOTE_OK);
    *reliable = error.reliable;
    assert_true(error.reliable ? error.error == sqrt(error.variance) : isnan(error.error));
    return error.variance;
}

static void the_run_prints_them(void **unused)
{
    mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 1000, .seed = 3 };
    int64_t reliable;
    (void)unused;
    mote_run *run = open_filter_run(&linear_gaussian_a, &options);
    assert_true(isnan(mote_filter_log_evidence_error(run)));
    assert_status(mote_run_finish(run), MOTE_OK);
    const double error = mote_filter_log_evidence_error(run);
    assert_true(error > 0.1 && error < 0.35); /* sqrt(.0377) = .19 on the average */
    assert_true(mote_draws_log_evidence_error(mote_run_draws(run)) == error);
    assert_close(mote_filter_mean_error(run, 0), 0.03, 0.7, 0);
    assert_true(error_of(run, MOTE_ERROR_FIXED_LAG, 0, 20, &reliable) == error_of(run, MOTE_ERROR_FIXED_LAG, 0, 0,
                                                                                  &reliable));
    assert_true(error_of(run, MOTE_ERROR_FIXED_LAG, 0, 1, &reliable) > 0);
    mote_filter_error answer = { .head = MOTE_VERSIONED(mote_filter_error) };
    assert_status(mote_filter_error_of(run, 3, 0, 0, &answer), MOTE_EINVAL);
    assert_status(mote_filter_error_of(run, 0, 1, 0, &answer), MOTE_EINVAL);
    assert_status(mote_filter_error_of(run, MOTE_ERROR_CHAN_LAI, -1, 0, &answer), MOTE_EINVAL);
    mote_run_close(&run);
}

/* Few particles: one ancestor is left, and that is said; none with one particle, or when it is switched off. */
static void what_cannot_be_relied_on_is_said(void **unused)
{
    mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 4, .seed = 3,
                                    .variance = MOTE_VARIANCE_ALL, .resample = MOTE_RULE_ALWAYS };
    int64_t reliable;
    (void)unused;
    mote_run *run = open_filter_run(&volatility_e, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(isnan(mote_filter_log_evidence_error(run)));
    assert_true(error_of(run, MOTE_ERROR_FIXED_LAG, -1, 0, &reliable) == INFINITY && !reliable);
    assert_true(error_of(run, MOTE_ERROR_CHAN_LAI, 0, 0, &reliable) < 1e-25 && !reliable);
    error_of(run, MOTE_ERROR_LEE_WHITELEY, -1, 0, &reliable);
    assert_false(reliable);
    assert_true(isnan(mote_draws_log_evidence_error(mote_run_draws(run))));
    mote_run_close(&run);
    options.particles = 1;
    run = open_filter_run(&volatility_e, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(isnan(error_of(run, MOTE_ERROR_FIXED_LAG, -1, 0, &reliable)));
    mote_run_close(&run);
    options.particles = 100;
    options.variance = MOTE_VARIANCE_OFF;
    run = open_filter_run(&volatility_e, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(isnan(mote_filter_log_evidence_error(run)));
    mote_run_close(&run);
    options.variance = MOTE_VARIANCE_LAG; /* more than 20 resamplings: ancestors at time 0 are not known */
    run = open_filter_run(&volatility_e, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(isnan(error_of(run, MOTE_ERROR_CHAN_LAI, 0, 0, &reliable)));
    mote_run_close(&run);
}

static void resuming_does_not_show(void **unused)
{
    mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 200, .seed = 3, .variance_lag = 4,
                                    .variance = MOTE_VARIANCE_ALL, .resample = MOTE_RULE_ALWAYS };
    int64_t reliable;
    (void)unused;
    mote_run *whole = open_filter_run(&linear_gaussian_a, &options), *run = open_filter_run(&linear_gaussian_a,
                                                                                            &options);
    for (int t = 0; t < 20; ++t) {
        assert_status(mote_run_step(whole), MOTE_OK);
        assert_status(mote_run_step(run), MOTE_OK);
        reload_run(&run, mote_filter, &linear_gaussian_a, &options, "test_variance.checkpoint");
        const double a[] = { mote_filter_log_evidence_error(whole), mote_filter_mean_error(whole, 0),
                             error_of(whole, MOTE_ERROR_LEE_WHITELEY, 0, 0, &reliable) };
        const double b[] = { mote_filter_log_evidence_error(run), mote_filter_mean_error(run, 0),
                             error_of(run, MOTE_ERROR_LEE_WHITELEY, 0, 0, &reliable) };
        assert_same_bytes(a, b, sizeof a);
    }
    mote_run_close(&whole);
    mote_run_close(&run);
}

/* Enough particles for the pool to share them out. */
static void threads_do_not_show(void **unused)
{
    double first[3] = { 0 };
    (void)unused;
    for (int64_t threads = 1; threads <= 7; threads += threads == 1 ? 1 : 5) {
        const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 70000, .seed = 3,
                                              .variance_lag = 4, .resample = MOTE_RULE_ALWAYS, .threads = threads,
                                              .variance = MOTE_VARIANCE_ALL };
        int64_t reliable;
        mote_run *run = open_filter_run(&linear_gaussian_a, &options);
        for (int t = 0; t < 12; ++t)
            assert_status(mote_run_step(run), MOTE_OK);
        const double now[3] = { mote_filter_log_evidence_error(run), mote_filter_mean_error(run, 0),
                                error_of(run, MOTE_ERROR_LEE_WHITELEY, -1, 0, &reliable) };
        if (threads == 1)
            memcpy(first, now, sizeof now);
        assert_same_bytes(first, now, sizeof now);
        assert_true(now[0] > 0);
        mote_run_close(&run);
    }
}

static void memory_is_taken_before_the_steps(void **unused)
{
    test_allocator counter = { 0 };
    mote_allocator allocator = test_allocator_of(&counter);
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .hooks = &hooks, .particles = 100,
                                          .seed = 3,
                                          .variance_lag = 4, .resample = MOTE_RULE_ALWAYS };
    (void)unused;
    mote_run *run = open_filter_run(&linear_gaussian_a, &options);
    for (int t = 0; t < 5; ++t)
        assert_status(mote_run_step(run), MOTE_OK);
    const int64_t calls = counter.calls;
    for (int t = 5; t < 49; ++t)
        assert_status(mote_run_step(run), MOTE_OK);
    assert_int_equal(counter.calls, calls);
    assert_false(isnan(mote_filter_log_evidence_error(run)));
    assert_int_equal(counter.calls, calls);
    mote_run_close(&run);
    assert_int_equal(counter.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unbiased_for_the_variance),
        cmocka_unit_test(equals_its_definition),
        cmocka_unit_test(agrees_with_replicates),
        cmocka_unit_test(the_run_prints_them),
        cmocka_unit_test(what_cannot_be_relied_on_is_said),
        cmocka_unit_test(resuming_does_not_show),
        cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(memory_is_taken_before_the_steps),
    };
    return run_unit_tests(tests);
}
