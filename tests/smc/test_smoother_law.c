/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact laws of smoothers. The marginal smoother against sums over all paths of the particles; by enumeration of every
 * outcome of a run on the tiny chain the law E[Z H] = Z E[H | y] of every method without a bias (backward draws of all
 * four ways, marginal, genealogy, a lag that covers the series), of a filter that meets an information filter, and of
 * the pairs that two-filter smoothing in linear time draws. Nothing here is statistical; the last catches the planted
 * pairs_ahead_not_divided and pairs_later_by_earlier. Whole runs: test_smoother.c; the law of backward draws given the
 * filter: test_backward.c. */
#include <mote/smoother.h>

#include "smc/smoother.h"
#include "tests/support/filter_bench.h"
#include "tests/support/path_law.h"
#include "tests/support/smoother_run.h"

/* ---- the marginal smoother against all paths of particles ---- */

enum { N = 4 };

typedef struct cloud {
    double x[CHAIN_TIMES][N], weight[CHAIN_TIMES][N];
} cloud;

/* The particles of the smoother's filter: those of a filter with the same options. */
static void read_cloud(cloud *c, int64_t rule)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = N, .seed = 17,
                                          .resample = rule,
                                          .history = MOTE_HISTORY_FULL };
    mote_run *run = open_filter_run(&chain_t, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    for (int t = 0; t < CHAIN_TIMES; ++t) {
        memcpy(c->x[t], mote_filter_history_state(run, t, 0), sizeof c->x[t]);
        assert_status(mote_filter_history_log_weights(run, t, c->weight[t]), MOTE_OK);
        for (int i = 0; i < N; ++i)
            c->weight[t][i] = exp(c->weight[t][i]);
    }
    mote_run_close(&run);
}

static double density(const cloud *c, int t, int l, int i)
{
    return chain_transition[(int)c->x[t - 1][l]][(int)c->x[t][i]];
}

/* Probability that the parent of particle i of time t is l. */
static double backward(const cloud *c, int t, int l, int i)
{
    double sum = 0;
    for (int j = 0; j < N; ++j)
        sum += c->weight[t - 1][j] * density(c, t, j, i);
    return c->weight[t - 1][l] * density(c, t, l, i) / sum;
}

static void marginals_are_sums_over_paths(void **unused)
{
    (void)unused;
    for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule) {
        const mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .particles = N, .seed = 17,
                                                .resample = rule,
                                                .method = MOTE_SMOOTHER_FFBSM };
        double mean[CHAIN_TIMES] = { 0 }, weight[CHAIN_TIMES][N] = { { 0 } }, functional = 0, log_weight[N];
        cloud c;
        read_cloud(&c, rule);
        for (int path = 0; path < N * N * N * N; ++path) {
            const int at[CHAIN_TIMES] = { path % N, path / N % N, path / N / N % N, path / N / N / N };
            double p = c.weight[3][at[3]], h = c.x[0][at[0]];
            for (int t = 3; t > 0; --t) {
                p *= backward(&c, t, at[t - 1], at[t]);
                h += c.x[t - 1][at[t - 1]] * c.x[t][at[t]] + c.x[t][at[t]];
            }
            for (int t = 0; t < CHAIN_TIMES; ++t) {
                mean[t] += p * c.x[t][at[t]];
                weight[t][at[t]] += p;
            }
            functional += p * h;
        }
        mote_run *run = finish_smoother(&chain_t, &options);
        assert_int_equal(mote_smoother_count(run), CHAIN_TIMES);
        for (int t = 0; t < CHAIN_TIMES; ++t) {
            assert_close(mote_smoother_mean(run, 0)[t], mean[t], 1e-12, 1e-13);
            assert_status(mote_smoother_log_weights(run, t, log_weight), MOTE_OK);
            assert_same_bytes(mote_smoother_particles(run, t, 0), c.x[t], sizeof c.x[t]);
            for (int i = 0; i < N; ++i)
                assert_close(exp(log_weight[i]), weight[t][i], 1e-12, 1e-13);
        }
        assert_close(mote_smoother_functional(run, 0), functional, 1e-12, 0);
        mote_run_close(&run);
    }
}

/* ---- laws, by enumeration of whole runs ---- */

static const mote_series short_series[] = { { MOTE_VERSIONED(mote_series), .count = 1 },
                                            { MOTE_VERSIONED(mote_series), .count = 2 },
                                            { MOTE_VERSIONED(mote_series), .count = 3 } };

/* Evidence of the first `times` steps of the chain, and it times E[H] and E[x_0]. */
static void chain_truth(int times, double *z, double *zh, double *zx)
{
    *z = *zh = *zx = 0;
    for (int path = 0; path < 27; ++path) {
        const int x[] = { path % 3, path / 3 % 3, path / 9 };
        double p = 1, h = 0;
        if ((times < 3 && x[2]) || (times < 2 && x[1]))
            continue;
        for (int t = 0; t < times; ++t) {
            p *= (t ? chain_transition[x[t - 1]][x[t]] : chain_initial[x[0]]) * chain_potential[t][x[t]];
            h += x[t] + (t ? x[t - 1] * x[t] : 0);
        }
        *z += p;
        *zh += p * h;
        *zx += p * x[0];
    }
}

/* E[Z H] = Z E[H], E[Z x_0] = Z E[x_0], over every outcome of a run. */
static void check_law(mote_smoother_options options, int times)
{
    mote_ssm model = chain_t;
    mote_source *source;
    double z, zh, zx, total = 0, estimate = 0, estimate_h = 0, estimate_x = 0;
    int64_t passes = 0;
    chain_truth(times, &z, &zh, &zx);
    model.series = &short_series[times - 1];
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .source = source };
    options.hooks = &hooks;
    while (mote_source_enumerate_next(source)) {
        mote_run *run = finish_smoother(&model, &options);
        const double weight = mote_source_enumerate_weight(source), evidence = exp(mote_smoother_log_evidence(run));
        total += weight;
        estimate += weight * evidence;
        estimate_h += weight * evidence * mote_smoother_functional(run, 0);
        estimate_x += weight * evidence * mote_smoother_mean(run, 0)[0];
        mote_run_close(&run);
        ++passes;
    }
    assert_status(mote_source_status(source), MOTE_OK);
    mote_source_close(&source);
    assert_close(total, 1, 1e-12, 0);
    assert_close(estimate, z, 1e-12, 0);
    assert_close(estimate_h, zh, 1e-12, 0);
    assert_close(estimate_x, zx, 1e-12, 0);
}

static void unbiased_methods_are_unbiased(void **unused)
{
    mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .particles = 2 };
    (void)unused;
    for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule) {
        options.resample = rule;
        options.ess_threshold = rule == MOTE_RULE_ESS ? 0.75 : 0;
        options.method = MOTE_SMOOTHER_FFBSM;
        check_law(options, 2);
        options.method = MOTE_SMOOTHER_GENEALOGY;
        check_law(options, 2);
        options.method = MOTE_SMOOTHER_FIXED_LAG; /* the lag covers the series: no bias */
        check_law(options, 2);
        options.method = MOTE_SMOOTHER_FFBSI;
        options.trajectories = 1;
        for (options.backward = MOTE_BACKWARD_HYBRID; options.backward <= MOTE_BACKWARD_EXACT; ++options.backward)
            check_law(options, 2);
        options.trajectories = options.backward = 0;
    }
    options.ess_threshold = 0;
    options.resample = MOTE_RULE_ALWAYS;
    options.method = MOTE_SMOOTHER_FFBSM;
    check_law(options, 3);
    options.proposal = MOTE_PROPOSAL_GUIDED;
    check_law(options, 2);
    options.look_ahead = MOTE_LOOK_AHEAD_ON;
    options.proposal = MOTE_PROPOSAL_TRANSITION;
    check_law(options, 2);
}

static int is_open(int64_t scheme)
{
    return (mote_resampling_flags(scheme) & (MOTE_RESAMPLING_UNBIASED | MOTE_RESAMPLING_WEIGHTED)) == MOTE_RESAMPLING_UNBIASED;
}

/* What asks nothing of the scheme, with every one that is unbiased and open to smoothers: weighted ones are refused. */
static void every_scheme_is_unbiased(void **unused)
{
    static const int64_t methods[] = { MOTE_SMOOTHER_FFBSM, MOTE_SMOOTHER_GENEALOGY, MOTE_SMOOTHER_FFBSI };
    (void)unused;
    for (int64_t scheme = 0; mote_resampling_name(scheme); ++scheme)
        for (int m = 0; m < 3 && is_open(scheme); ++m) {
            mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .particles = 2,
                                              .resampling = scheme, .resample = MOTE_RULE_ALWAYS,
                                              .method = methods[m] };
            options.trajectories = methods[m] == MOTE_SMOOTHER_FFBSI;
            options.backward = methods[m] == MOTE_SMOOTHER_FFBSI ? MOTE_BACKWARD_EXACT : 0;
            check_law(options, 2);
        }
}

/* With multinomial resampling an ancestor is a draw from the backward law, which Metropolis steps leave as it is. */
static void metropolis_draws_are_unbiased(void **unused)
{
    const mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .particles = 2,
                                            .resample = MOTE_RULE_ALWAYS,
                                            .resampling = MOTE_RESAMPLE_MULTINOMIAL, .backward = MOTE_BACKWARD_MCMC,
                                            .trajectories = 1, .backward_steps = 1 };
    (void)unused;
    check_law(options, 2);
}

/* ---- a filter meets an information filter ---- */

/* Evidence of the first `times` steps of the chain times E[x_t x_{t+1}]. */
static double lagged_truth(int64_t times, int64_t t)
{
    double sum = 0;
    for (int path = 0; path < (times < 3 ? 9 : 27); ++path) {
        const int x[] = { path % 3, path / 3 % 3, path / 9 };
        double p = chain_initial[x[0]] * chain_potential[0][x[0]];
        for (int u = 1; u < times; ++u)
            p *= chain_transition[x[u - 1]][x[u]] * chain_potential[u][x[u]];
        sum += p * x[t] * x[t + 1];
    }
    return sum;
}

/* A filter of the chain and its information filter. The times beyond those of the filter are stored populations of
 * another run, of which only the observations are looked at. */
typedef struct meeting {
    filter_bench b, whole;
    mote_history history, stored;
    mote_information information;
    mote_ssm model;
} meeting;

static void open_meeting(meeting *m, int64_t times, int64_t rule, int backward_proposal)
{
    const mote_filter_setup setup = { .particles = 2, .rule = rule, .threshold = 0.9 };
    const mote_history_setup full = { .keep = MOTE_HISTORY_FULL };
    const mote_source live = mote_source_live(3);
    m->model = chain_t;
    m->model.series = &short_series[times - 1];
    if (!backward_proposal)
        m->model.propose_backward = NULL;
    open_bench(&m->whole, &m->model, setup);
    assert_status(mote_history_open(&m->stored, &m->whole.filter, &full, &m->whole.memory, &m->whole.message), MOTE_OK);
    run_bench(&m->whole, &live);
    open_bench(&m->b, &m->model, setup);
    assert_status(mote_history_open(&m->history, &m->b.filter, &full, &m->b.memory, &m->b.message), MOTE_OK);
    assert_status(mote_information_open(&m->information, &m->b.filter, &m->b.memory), MOTE_OK);
}

static void close_meeting(meeting *m)
{
    mote_information_close(&m->information, &m->b.memory);
    mote_history_close(&m->history);
    mote_history_close(&m->stored);
    close_bench(&m->b);
    close_bench(&m->whole);
}

/* Forward to t, backward from `times` - 1. */
static void run_meeting(meeting *m, int64_t t, int64_t times, const mote_source *source)
{
    assert_status(mote_particle_filter_start(&m->b.filter, m->b.theta, source), MOTE_OK);
    for (int64_t u = 0; u <= t; ++u) {
        mote_datum_from_series(&m->b.datum, &m->b.space, u);
        assert_status(mote_particle_filter_step(&m->b.filter, &m->b.datum), MOTE_OK);
    }
    for (int64_t u = times - 1; u > t; --u)
        assert_status(mote_information_step(&m->information, mote_history_generation(&m->stored, u),
                                            mote_history_generation(&m->stored, u + 1), source), MOTE_OK);
}

/* E[Z_t Z~_{t+1} sum W W~ m / gamma h] = Z E[h], h = 1 and h = x_t x_{t+1}. */
static void check_meeting(int64_t t, int64_t times, int64_t rule, int backward_proposal)
{
    mote_source *source;
    meeting m;
    double z, zh, zx, estimate = 0, lagged = 0, total = 0;
    chain_truth((int)times, &z, &zh, &zx);
    open_meeting(&m, times, rule, backward_proposal);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        run_meeting(&m, t, times, source);
        const double weight = mote_source_enumerate_weight(source) *
                              exp(m.b.filter.log_evidence + m.information.log_evidence);
        for (int i = 0; i < 2; ++i)
            for (int j = 0; j < 2; ++j) {
                const double x = m.b.filter.now->state[0][i], next = m.information.state[0][j];
                const double pair = weight * mote_population_weight(m.b.filter.now, i) * m.information.weight[j] /
                                    exp(m.information.log_artificial[j]) * chain_transition[(int)x][(int)next];
                estimate += pair;
                lagged += pair * x * next;
            }
        total += mote_source_enumerate_weight(source);
    }
    assert_status(mote_source_status(source), MOTE_OK);
    assert_close(total, 1, 1e-12, 0);
    assert_close(estimate, z, 1e-12, 0);
    assert_close(lagged, lagged_truth(times, t), 1e-12, 0);
    mote_source_close(&source);
    close_meeting(&m);
}

static void two_filters_meet(void **unused)
{
    (void)unused;
    for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule)
        for (int proposal = 0; proposal < 2; ++proposal) {
            check_meeting(1, 3, rule, proposal);
            check_meeting(0, 3, rule, proposal);
        }
}

/* ---- pairs ----
 * What two_filter_linear answers is a ratio and has a bias; what is exact is the law of its pairs and the weights that
 * they get. With w_p = (W_t^i / beta_i) m(x_t^i, x~_{t+1}^j) / gamma_{t+1}(x~_{t+1}^j) of pair p = (i, j)
 *
 *     E[Z_t Z~_{t+1} (1/M) sum_p w_p h(x_t^i, x~_{t+1}^j)] = Z E[h(x_t, x_{t+1}) | y]
 *
 * for any h, over every outcome of a run, and each answer is sum_p w_p h_p / sum_p w_p. The weights are worked out here
 * from the states alone: W_t^i / beta_i is sum_k W_t^k a(x_t^k) / a(x_t^i) where the look-ahead is a. */

enum { ONE, EARLIER, LATER, PRODUCT, SQUARES, MOMENTS };

static void moments_of(double x, double next, double *moment)
{
    const double all[MOMENTS] = { 1, x, next, x * next, x * x + 3 * next * next };
    memcpy(moment, all, sizeof all);
}

/* Z E[moments of (x_t, x_{t+1}) | y] for t = 0 .. times - 2. */
static void pair_truth(const mote_ssm *model, int times, double (*truth)[MOMENTS])
{
    const int paths = times < 3 ? 9 : 27;
    for (int k = 0; k < paths; ++k) {
        double path[CHAIN_TIMES], moment[MOMENTS];
        path_of_number(k, times, path);
        double p = probability_of(model, 0, 0, path[0]) * potential_of(model, 0, 0, path[0]);
        for (int t = 1; t < times && p > 0; ++t)
            p *= probability_of(model, t, path[t - 1], path[t]) * potential_of(model, t, path[t - 1], path[t]);
        for (int t = 0; t < times - 1; ++t) {
            moments_of(path[t], path[t + 1], moment);
            for (int m = 0; m < MOMENTS; ++m)
                truth[t][m] += p * moment[m];
        }
    }
}

/* exp of what a callback says of one state, as the earlier of two or as the present one. */
static double value_of(int (*callback)(void *, const mote_block *), int64_t step, double before, double now)
{
    const double *previous[] = { &before };
    double *state[] = { &now }, log_value = 0;
    const mote_block block = { MOTE_VERSIONED(mote_block), .n = 1, .step = step, .previous = previous, .state = state,
                               .log_weight = &log_value };
    assert_status(callback ? callback(NULL, &block) : MOTE_OK, MOTE_OK);
    return exp(log_value);
}

/* sum_p w_p (moments of pair p) / M after time t was smoothed; its mean of x_t is their ratio, and so is its share of
 * the functional, which is added to *functional. */
static void sums_of_pairs(const mote_smoother_state *s, const mote_ssm *model, int64_t t, double *sum,
                          double *functional)
{
    const mote_generation *g = mote_history_generation(&s->history, t);
    double total = 0, all = 0, moment[MOMENTS];
    memset(sum, 0, MOMENTS * sizeof *sum);
    for (int64_t i = 0; i < s->n; ++i) {
        total += exp(g->log_weight[i]);
        all += exp(g->log_weight[i]) * value_of(model->look_ahead, t + 1, g->state[0][i], 0);
    }
    for (int64_t p = 0; p < s->m; ++p) {
        const double x = s->column[0][p], next = s->column[1][p];
        const double weight = all / total / value_of(model->look_ahead, t + 1, x, 0) *
                              probability_of(model, t + 1, x, next) / value_of(model->log_artificial, t + 1, 0, next);
        moments_of(x, next, moment);
        for (int m = 0; m < MOMENTS; ++m)
            sum[m] += weight * moment[m] / (double)s->m;
    }
    assert_close(s->now.mean[t], sum[EARLIER] / sum[ONE], 1e-12, 1e-13);
    *functional += (sum[LATER] + sum[PRODUCT] + (t ? 0 : sum[EARLIER])) / sum[ONE];
}

/* One outcome: Z_t Z~_{t+1} times the sums at each t. */
static void finish_outcome(mote_run *run, const mote_ssm *model, double (*sums)[MOMENTS])
{
    const mote_smoother_state *s = run->state;
    double log_evidence[CHAIN_TIMES] = { 0 }, functional = 0;
    while (s->phase == SMOOTHER_FORWARD) {
        assert_status(mote_run_step(run), MOTE_OK);
        log_evidence[s->filter.step - 1] = s->filter.log_evidence;
    }
    while (s->phase == SMOOTHER_BACKWARD) {
        const int64_t t = s->at;
        const double before = s->information.log_evidence; /* of t + 1: at the end of the step it is that of t */
        const int status = mote_run_step(run);
        if (status && status != MOTE_DONE)
            fail_msg("%s", mote_run_message(run));
        if (t == s->count - 1)
            continue;
        sums_of_pairs(s, model, t, sums[t], &functional);
        for (int m = 0; m < MOMENTS; ++m)
            sums[t][m] *= exp(log_evidence[t] + before);
    }
    assert_close(mote_smoother_functional(run, 0), functional, 1e-12, 0);
}

static void check_pairs(mote_ssm model, int times, mote_smoother_options options)
{
    double truth[CHAIN_TIMES][MOMENTS] = { { 0 } }, estimate[CHAIN_TIMES][MOMENTS] = { { 0 } }, total = 0;
    double sums[CHAIN_TIMES][MOMENTS];
    mote_source *source;
    model.series = &short_series[times - 1];
    pair_truth(&model, times, truth);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .source = source };
    options.hooks = &hooks;
    options.method = MOTE_SMOOTHER_TWO_FILTER_LINEAR;
    while (mote_source_enumerate_next(source)) {
        mote_run *run = open_smoother(&model, &options);
        finish_outcome(run, &model, sums);
        const double probability = mote_source_enumerate_weight(source);
        total += probability;
        for (int t = 0; t < times - 1; ++t)
            for (int m = 0; m < MOMENTS; ++m)
                estimate[t][m] += probability * sums[t][m];
        mote_run_close(&run);
    }
    assert_status(mote_source_status(source), MOTE_OK);
    assert_close(total, 1, 1e-12, 0);
    for (int t = 0; t < times - 1; ++t)
        for (int m = 0; m < MOMENTS; ++m)
            assert_close(estimate[t][m], truth[t][m], 1e-12, 0);
    mote_source_close(&source);
}

static const double two_state_gamma[2] = { 0.55, 0.45 };

static int two_state_artificial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, two_state_gamma, 2);
    return 0;
}

static int two_state_log_artificial(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(two_state_gamma[(int)block->state[0][i]]);
    return 0;
}

/* Not a good one. */
static int two_state_look_ahead(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(0.5 + (double)block->step * block->previous[0][i]);
    return 0;
}

static void pairs_have_their_law(void **unused)
{
    mote_ssm two = two_state_chain();
    mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .particles = 2, .pairs = 2 };
    (void)unused;
    two.artificial = two_state_artificial;
    two.log_artificial = two_state_log_artificial;
    two.propose_backward = NULL;
    for (int ahead = 0; ahead < 2; ++ahead) {
        two.look_ahead = ahead ? two_state_look_ahead : NULL;
        options.resample = MOTE_RULE_ALWAYS;
        options.particles = options.pairs = 2;
        check_pairs(two, 2, options);
        options.pairs = 3;
        check_pairs(two, 2, options);
        options.particles = 3;
        options.pairs = 2;
        check_pairs(two, 2, options);
        options.particles = 2;
        options.pairs = 1;
        options.resample = MOTE_RULE_NEVER;
        check_pairs(two, 3, options);
    }
    options.resample = MOTE_RULE_ALWAYS;
    options.pairs = 2;
    check_pairs(chain_t, 2, options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marginals_are_sums_over_paths),
        cmocka_unit_test(unbiased_methods_are_unbiased),
        cmocka_unit_test(every_scheme_is_unbiased),
        cmocka_unit_test(metropolis_draws_are_unbiased),
        cmocka_unit_test(two_filters_meet),
        cmocka_unit_test(pairs_have_their_law),
    };
    return run_unit_tests(tests);
}
