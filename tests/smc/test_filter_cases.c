/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bootstrap filter on two models with known evidences.
 *
 * Everything at once: two states, in time d = t - t' x_0 = e^{-.3 d} x_0' + .4 d x_1' + u d + N(0, .3 d), x_1 = e^{-.5
 * d} x_1'
 *     + N(0, .2 d), with an input u, uneven times, the initial law N((1, -.5), diag(.5, .8)) at a time before the first
 *     observation, and rows of two kinds: both states, each with noise of its own, or their sum; in some rows entries
 *     are missing. Evidence and filtered mean by Kalman updates with one number at a time, in the few lines below.
 * Case I: Ricker's map with Poisson counts, state log N; log-likelihood from state_space_reference.h.
 *
 * Fixed seeds; means of R replicates within 5 of their own errors: false alarm 8e-5 each for R = 20, 2e-6 for 100. */
#include <mote/filter.h>

#include "tests/support/filter_bench.h"
#include "tests/support/state_space_reference.h"

typedef struct replicate_mean { double mean, error; } replicate_mean;

static replicate_mean mean_of(const double *x, int n)
{
    double sum = 0, square = 0;
    for (int r = 0; r < n; ++r)
        sum += x[r] / n;
    for (int r = 0; r < n; ++r)
        square += (x[r] - sum) * (x[r] - sum);
    return (replicate_mean){ sum, sqrt(square / n / (n - 1)) };
}

/* Evidence over the truth, and what the filter says of state 0 at the end, of each replicate. */
static void replicate(const mote_ssm *model, int64_t particles, double truth, int replicates, double *ratio,
                      double *mean)
{
    const mote_filter_setup setup = { .particles = particles, .rule = MOTE_RULE_ESS, .threshold = 0.5 };
    filter_bench b;
    open_bench(&b, model, setup);
    for (int r = 0; r < replicates; ++r) {
        const mote_source source = mote_source_live(mote_source_key(11, r));
        ratio[r] = exp(run_bench(&b, &source) - truth);
        mean[r] = mote_population_mean(b.filter.now, b.filter.now->state[0], particles);
    }
    close_bench(&b);
}

/* ---- everything at once ---- */

enum { ROWS = 10, KINDS = 3, BOTH = 20 };
static const double start_time = -0.7, start_mean[2] = { 1, -0.5 }, start_variance[2] = { 0.5, 0.8 };
static const double row_time[ROWS] = { -0.2, 0.1, 1.3, 1.4, 2.9, 3.0, 4.2, 4.7, 6.1, 6.4 };
static const double row_input[ROWS] = { 0.5, 1, -0.8, 0, 0.6, -1.2, 0.3, 0.9, -0.4, 0.7 };
static const double loading[KINDS][2] = { { 1, 0 }, { 0, 1 }, { 1, 1 } }, noise[KINDS] = { 0.4, 0.7, 0.3 };
static const double row_value[ROWS][KINDS] = { { 1.2, -0.1, 9 }, { 9, 9, 1.4 },   { 0.3, 0.6, 9 }, { NAN, 0.2, 9 },
                                               { 9, 9, 0.9 },    { 0.5, NAN, 9 }, { 9, 9, 9 },     { 1.1, -0.7, 9 },
                                               { 9, 9, -0.2 },   { 0.8, 0.3, 9 } };
/* The numbers 9 are never seen; row 6 has nothing. */
static const int64_t row_seen[ROWS][KINDS] = { { 1, 1, 0 }, { 0, 0, 1 }, { 1, 1, 0 }, { 1, 1, 0 }, { 0, 0, 1 },
                                               { 1, 1, 0 }, { 0, 0, 0 }, { 1, 1, 0 }, { 0, 0, 1 }, { 1, 1, 0 } };

static int both_initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int k = 0; k < 2; ++k) {
        mote_normals(source, block->state[k], block->n);
        for (int64_t i = 0; i < block->n; ++i)
            block->state[k][i] = start_mean[k] + sqrt(start_variance[k]) * block->state[k][i];
    }
    return 0;
}

static int both_transition(void *ctx, const mote_block *block, mote_source *source)
{
    const double d = block->time - block->time_previous, u = block->input[0];
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    mote_normals(source, block->state[1], block->n);
    for (int64_t i = 0; i < block->n; ++i) {
        const double x0 = block->previous[0][i], x1 = block->previous[1][i];
        block->state[0][i] = exp(-0.3 * d) * x0 + 0.4 * d * x1 + u * d + sqrt(0.3 * d) * block->state[0][i];
        block->state[1][i] = exp(-0.5 * d) * x1 + sqrt(0.2 * d) * block->state[1][i];
    }
    return 0;
}

static double log_normal(double miss, double variance)
{
    return -0.5 * (miss * miss / variance + log(2 * acos(-1) * variance));
}

static int both_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        block->log_weight[i] = 0;
        for (int k = 0; k < KINDS; ++k)
            if (block->observed[k])
                block->log_weight[i] += log_normal(block->observation[k] - loading[k][0] * block->state[0][i] -
                                                       loading[k][1] * block->state[1][i], noise[k]);
    }
    return 0;
}

static const char *const both_states[] = { "x0", "x1" }, *const both_kinds[] = { "first", "second", "sum" },
                        *const both_inputs[] = { "u" };
static const mote_series both_series = { MOTE_VERSIONED(mote_series), .count = ROWS, .time = row_time,
                                         .values = row_value[0], .observed = row_seen[0], .input = row_input };
static const mote_ssm both = { MOTE_VERSIONED(mote_ssm), MOTE_STATES(both_states), MOTE_OBSERVATIONS(both_kinds),
                               MOTE_INPUTS(both_inputs), .initial = both_initial,
                               .transition = both_transition, .log_potential = both_potential,
                               .initial_time = start_time, .series = &both_series, .name = "both",
                               .flags = MOTE_SSM_THREADSAFE | MOTE_SSM_START_BEFORE };

typedef struct gaussian { double m[2], p[2][2]; } gaussian;

static void predict(gaussian *g, double d, double u)
{
    const double f[2][2] = { { exp(-0.3 * d), 0.4 * d }, { 0, exp(-0.5 * d) } }, q[2] = { 0.3 * d, 0.2 * d };
    const gaussian old = *g;
    for (int i = 0; i < 2; ++i) {
        g->m[i] = f[i][0] * old.m[0] + f[i][1] * old.m[1] + (i ? 0 : u * d);
        for (int j = 0; j < 2; ++j) {
            g->p[i][j] = i == j ? q[i] : 0;
            for (int k = 0; k < 4; ++k)
                g->p[i][j] += f[i][k / 2] * old.p[k / 2][k % 2] * f[j][k % 2];
        }
    }
}

/* Of one number; its log-density. */
static double update(gaussian *g, double y, const double *h, double variance)
{
    const gaussian old = *g;
    const double ph[2] = { old.p[0][0] * h[0] + old.p[0][1] * h[1], old.p[1][0] * h[0] + old.p[1][1] * h[1] };
    const double s = h[0] * ph[0] + h[1] * ph[1] + variance, miss = y - h[0] * old.m[0] - h[1] * old.m[1];
    for (int i = 0; i < 2; ++i) {
        g->m[i] += ph[i] / s * miss;
        for (int j = 0; j < 2; ++j)
            g->p[i][j] -= ph[i] * ph[j] / s;
    }
    return log_normal(miss, s);
}

static double both_exact(double *mean)
{
    gaussian g = { { start_mean[0], start_mean[1] }, { { start_variance[0], 0 }, { 0, start_variance[1] } } };
    double log_evidence = 0;
    for (int t = 0; t < ROWS; ++t) {
        predict(&g, row_time[t] - (t ? row_time[t - 1] : start_time), row_input[t]);
        for (int k = 0; k < KINDS; ++k)
            if (row_seen[t][k] && !isnan(row_value[t][k]))
                log_evidence += update(&g, row_value[t][k], loading[k], noise[k]);
    }
    *mean = g.m[0];
    return log_evidence;
}

static void everything_at_once(void **unused)
{
    double exact, ratio[BOTH], mean[BOTH];
    const double truth = both_exact(&exact);
    (void)unused;
    replicate(&both, 3000, truth, BOTH, ratio, mean);
    const replicate_mean z = mean_of(ratio, BOTH), m = mean_of(mean, BOTH);
    print_message("log Z %.6f: ratio %.4f (%.4f); mean %.4f: %.4f (%.4f)\n", truth, z.mean, z.error, exact, m.mean,
                  m.error);
    assert_true(z.error < 0.02 && m.error < 0.01);
    assert_close(z.mean, 1, 0, 5 * z.error);
    assert_close(m.mean, exact, 0, 5 * m.error);
}

/* ---- case I ---- */

enum { RICKER = 100 };
static double ricker_counts[CASE_I_TIMES];

static int ricker_initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx, (void)source;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = log(CASE_I_FIRST);
    return 0;
}

static int ricker_transition(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i) {
        const double x = block->previous[0][i];
        block->state[0][i] = CASE_I_LOG_R + x - CASE_I_C * exp(x) + CASE_I_SIGMA * block->state[0][i];
    }
    return 0;
}

static int ricker_potential(void *ctx, const mote_block *block)
{
    const double y = block->observation[0], rest = lgamma(y + 1);
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double x = block->state[0][i];
        block->log_weight[i] = y * (log(CASE_I_PHI) + x) - CASE_I_PHI * exp(x) - rest;
    }
    return 0;
}

static const char *const ricker_state[] = { "log_n" }, *const ricker_count[] = { "y" };
static const mote_series ricker_series = { MOTE_VERSIONED(mote_series), .count = CASE_I_TIMES,
                                           .values = ricker_counts };
static const mote_ssm ricker = { MOTE_VERSIONED(mote_ssm), MOTE_STATES(ricker_state), MOTE_OBSERVATIONS(ricker_count),
                                 .initial = ricker_initial, .transition = ricker_transition,
                                 .log_potential = ricker_potential, .series = &ricker_series, .name = "ricker",
                                 .flags = MOTE_SSM_THREADSAFE };

static void ricker_counts_have_their_evidence(void **unused)
{
    double ratio[RICKER], mean[RICKER];
    (void)unused;
    assert_int_equal(case_i_observations(ricker_counts), 0);
    replicate(&ricker, 12000, CASE_I_LOG_LIKELIHOOD, RICKER, ratio, mean);
    const replicate_mean z = mean_of(ratio, RICKER);
    print_message("ratio %.4f (%.4f): relative sd of one filter %.3f\n", z.mean, z.error, z.error * sqrt(RICKER));
    assert_true(z.error < 0.03);
    assert_close(z.mean, 1, 0, 5 * z.error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_at_once),
        cmocka_unit_test(ricker_counts_have_their_evidence),
    };
    return run_unit_tests(tests);
}
