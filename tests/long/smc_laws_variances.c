/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Variances.
 *
 * One run: the mean over R runs of the variance that each gives for log Z (lag 20), and for the filtered mean, against
 * the variance among the R runs, cases A and E at N = 1000: within 30 %. Both spreads are known from the R runs, and
 * the family's limit of them must lie within the 30 %: a variance that is off by 60 % is planted and rejected.
 *
 * Asymptotic: a chain of 3 states and 10 steps with random transitions and potentials. With resampling at the steps
 * r_1 < r_2 < ... (multinomial), N var(log Z_hat) tends to a sum over the blocks between them,
 *
 *     sum_b ( E_b[ (prod of G in b)^2 h_b(x_end)^2 ] / E_b[ prod of G in b  h_b(x_end) ]^2 - 1 ),
 *
 * where E_b starts from the predicted law at the beginning of the block and h_b(x) is the expected product of all later
 * potentials (Del Moral 2004, chapter 9; Chopin 2004); computed by sums over the states. Rule always: every step is a
 * block. Rule ess: blocks where the effective sample size of infinitely many particles falls below the threshold, which
 * is chosen far from all of these sizes. N = 500, within 4 %, 20 times 1/N; planted: the other rule's asymptotic
 * variance.
 *
 * Quasi-random points: log mean square of log Z_hat on case A against log N = 64..4096 falls with a slope below -1.8
 * (-2.3 known); the stratified filter, slope -1, is planted. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/long/sequential.h"
#include "tests/long/smc_laws.h"

/* ---- one run against many ---- */

typedef struct variance_law {
    char subject[2];
    int64_t times;
    mote_filter_setup filter;
    double known; /* log of estimate / truth for log Z that is known of the estimate by ancestors 20 resamplings back */
} variance_law;

typedef struct pair {
    sequential truth, estimate;
} pair;

static int collect_variances(const law_entry *self, law_bench *b, mote_variance *variance, pair *evidence, pair *mean)
{
    for (int64_t r = 0; r < self->most; ++r) {
        const double log_evidence = law_bench_run(b, law_key(self->name, r));
        const double *x = b->filter.now->state[0];
        if (isnan(log_evidence))
            return -1;
        sequential_add(&evidence->truth, log_evidence);
        sequential_add(&evidence->estimate, mote_variance_evidence(variance, &b->filter).value);
        sequential_add(&mean->truth, mote_population_mean(b->filter.now, x, b->filter.setup.particles));
        sequential_add(&mean->estimate, mote_variance_mean(variance, &b->filter, x, variance->lineage.lag).value);
    }
    return 0;
}

/* log of mean estimate over variance of the runs, and its standard error (kurtosis of a normal law). */
static double log_ratio(const pair *p, double *error)
{
    const double relative = sequential_error(&p->estimate) / p->estimate.mean;
    *error = sqrt(2 / (double)(p->truth.n - 1) + relative * relative);
    return log(p->estimate.mean / (sequential_sd(&p->truth) * sequential_sd(&p->truth)));
}

static int judge_variance(const law_entry *self, double bias, law_result *result)
{
    const variance_law *own = (const variance_law *)(const void *)self->configuration;
    static law_bench b; /* in a process of its own */
    pair evidence = { 0 }, mean = { 0 };
    mote_variance variance = { 0 };
    double error[2];
    (void)bias;
    int status = smc_case_open(&b.subject, own->subject, own->times) || law_bench_open(&b, &own->filter, NULL) ||
                 mote_variance_open(&variance, &b.filter, 20, 0, &b.memory);
    if (!status)
        status = collect_variances(self, &b, &variance, &evidence, &mean);
    mote_variance_close(&variance);
    law_bench_close(&b);
    if (status)
        return -1;
    const double ratio[] = { log_ratio(&evidence, &error[0]), log_ratio(&mean, &error[1]) };
    result->replicates = self->most;
    result->limit = law_limit();
    result->bias = 0.6;
    result->seen = self->most;
    result->ok = 1;
    for (int k = 0; k < 2; ++k) {
        const double off = ratio[k] - (k == 0 ? own->known : 0), planted = off - log(1.6);
        const double excess = fmax(fabs(off) - log(1.3), 0) / error[k];
        result->worst = fmax(result->worst, excess);
        result->seen = (fabs(planted) - log(1.3)) / error[k] > 0 ? result->seen : 0;
        result->ok &= excess < result->limit && result->seen > 0;
    }
    snprintf(result->note, sizeof result->note,
             "estimate / truth: log Z %.3f +- %.3f, mean %.3f +- %.3f; var log Z %.4f", exp(ratio[0]), error[0],
             exp(ratio[1]), error[1], pow(sequential_sd(&evidence.truth), 2));
    return 0;
}

/* ---- asymptotic variance of a finite chain ---- */

enum { STATES = 3, STEPS = 10 };

typedef struct finite_chain {
    double initial[STATES], transition[STATES][STATES], potential[STEPS][STATES];
} finite_chain;

static finite_chain chain;

static void make_chain(void)
{
    mote_source source = mote_source_live(77);
    double u[STATES + STATES * STATES + STEPS * STATES], *next = u;
    mote_uniforms(&source, u, sizeof u / sizeof *u);
    for (int r = -1; r < STATES; ++r) {
        double *row = r < 0 ? chain.initial : chain.transition[r], sum = 0;
        for (int j = 0; j < STATES; ++j)
            sum += row[j] = 0.1 + *next++;
        for (int j = 0; j < STATES; ++j)
            row[j] /= sum;
    }
    for (int t = 0; t < STEPS; ++t)
        for (int j = 0; j < STATES; ++j)
            chain.potential[t][j] = 0.05 + *next++;
}

static int chain_first(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, chain.initial, STATES);
    return 0;
}

static int chain_next(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, chain.transition[(int)block->previous[0][i]], STATES);
    return 0;
}

static int chain_weigh(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(chain.potential[block->step][(int)block->state[0][i]]);
    return 0;
}

/* h[t][x]: expected product of the potentials after t from state x. */
static void look_back(double h[STEPS][STATES])
{
    for (int t = STEPS - 1; t >= 0; --t)
        for (int i = 0; i < STATES; ++i) {
            h[t][i] = t == STEPS - 1;
            for (int j = 0; t < STEPS - 1 && j < STATES; ++j)
                h[t][i] += chain.transition[i][j] * chain.potential[t + 1][j] * h[t + 1][j];
        }
}

/* One step of the block: moments 0..2 of its product of potentials by state. */
static void step_moments(double moment[3][STATES], int t, int moves)
{
    for (int k = 0; k < 3; ++k) {
        double fresh[STATES] = { 0 };
        for (int j = 0; j < STATES; ++j) {
            for (int i = 0; i < STATES; ++i)
                fresh[j] += moves ? moment[k][i] * chain.transition[i][j] : i == j ? moment[k][i] : 0;
            fresh[j] *= pow(chain.potential[t][j], k);
        }
        memcpy(moment[k], fresh, sizeof fresh);
    }
}

/* The limit of N var(log Z_hat), when before each step the effective share is compared with `threshold` (above 1:
 * always). *nearest: how close the threshold comes to a share; *log_evidence is exact. */
static double asymptotic(double threshold, double *nearest, double *log_evidence)
{
    double h[STEPS][STATES], moment[3][STATES], sum = 0;
    look_back(h);
    *nearest = 1;
    *log_evidence = 0;
    for (int k = 0; k < 3; ++k)
        memcpy(moment[k], chain.initial, sizeof chain.initial);
    for (int t = 0; t < STEPS; ++t) {
        step_moments(moment, t, t > 0);
        double z = 0, zz = 0, first = 0, second = 0;
        for (int j = 0; j < STATES; ++j) {
            z += moment[1][j], zz += moment[2][j];
            first += moment[1][j] * h[t][j], second += moment[2][j] * h[t][j] * h[t][j];
        }
        const double share = z * z / zz;
        *nearest = t < STEPS - 1 ? fmin(*nearest, fabs(share - threshold)) : *nearest;
        if (t < STEPS - 1 && share >= threshold)
            continue;
        sum += second / (first * first) - 1;
        *log_evidence += log(z);
        for (int j = 0; j < STATES; ++j) /* resampled: the filtered law, fresh products */
            moment[0][j] = moment[2][j] = moment[1][j] = moment[1][j] / z;
    }
    return sum;
}

static int judge_asymptotic(const law_entry *self, double bias, law_result *result)
{
    static const char *const names[] = { "x" };
    static law_bench b;
    const int rule_ess = *(const int *)(const void *)self->configuration;
    const double threshold = 0.75;
    const mote_filter_setup setup = { .particles = 500, .resampling = MOTE_RESAMPLE_MULTINOMIAL, .threshold = threshold,
                                      .rule = rule_ess ? MOTE_RULE_ESS : MOTE_RULE_ALWAYS };
    sequential e = { 0 };
    double nearest, other_nearest, log_evidence;
    (void)bias;
    make_chain();
    b.subject.series = (mote_series){ MOTE_VERSIONED(mote_series), .count = STEPS };
    b.subject.model = (mote_ssm){ MOTE_VERSIONED(mote_ssm), MOTE_STATES(names),           .initial = chain_first,
                                  .transition = chain_next, .log_potential = chain_weigh, .series = &b.subject.series };
    const double other = asymptotic(rule_ess ? 2 : threshold, &other_nearest, &log_evidence);
    const double limit = asymptotic(rule_ess ? threshold : 2, &nearest, &log_evidence);
    int status = law_bench_open(&b, &setup, NULL);
    for (int64_t r = 0; r < self->most && !status; ++r) {
        const double value = law_bench_run(&b, law_key(self->name, r));
        status = isnan(value);
        sequential_add(&e, value - log_evidence);
    }
    law_bench_close(&b);
    if (status || (rule_ess && nearest < 0.01))
        return -1;
    const double slack = 0.04, n = (double)setup.particles, found = n * pow(sequential_sd(&e), 2),
                 error = sqrt(2 / (double)(e.n - 1));
    result->replicates = e.n;
    result->limit = law_limit();
    result->worst = fmax(fabs(log(found / limit)) - slack, 0) / error;
    result->bias = fabs(other / limit - 1);
    result->seen = (fabs(log(found / other)) - slack) / error > result->limit ? e.n : 0;
    result->ok = result->worst < result->limit && result->seen;
    snprintf(result->note, sizeof result->note,
             "N var log Z %.4f +- %.4f, exact limit %.4f (other rule %.4f), threshold %.3f clear", found, found * error,
             limit, other, nearest);
    return 0;
}

/* ---- quasi-random points ---- */

enum { SIZES = 7 };

static int mean_squares(const law_entry *self, int quasi, double *square)
{
    for (int k = 0; k < SIZES; ++k) {
        static law_bench b;
        memset(&b, 0, sizeof b);
        const mote_filter_setup setup = { .particles = 64 << k, .rule = MOTE_RULE_ALWAYS, .quasi = quasi,
                                          .resampling = quasi ? MOTE_RESAMPLE_SYSTEMATIC : MOTE_RESAMPLE_STRATIFIED };
        int status = smc_case_open(&b.subject, "A", 0) || law_bench_open(&b, &setup, NULL);
        square[k] = 0;
        for (int64_t r = 0; r < self->most && !status; ++r) {
            const double x =
                law_bench_run(&b, law_key(self->name, 1000000 * (2 * k + quasi) + r)) - b.subject.log_evidence;
            status = isnan(x);
            square[k] += x * x / (double)self->most;
        }
        law_bench_close(&b);
        if (status)
            return -1;
    }
    return 0;
}

/* Least squares of log square on log N, equally spaced; its standard error when each log square has that of R normals,
 * doubled for tails that are heavier than normal. */
static double slope(const double *square, int64_t replicates, double *error)
{
    double sum = 0, norm = 0;
    for (int k = 0; k < SIZES; ++k) {
        const double x = (k - (SIZES - 1) / 2.0) * log(2);
        sum += x * log(square[k]);
        norm += x * x;
    }
    *error = 2 * sqrt(2 / (double)replicates / norm);
    return sum / norm;
}

static int judge_slope(const law_entry *self, double bias, law_result *result)
{
    double quasi[SIZES], random[SIZES], error;
    (void)bias;
    if (mean_squares(self, 1, quasi) || mean_squares(self, 0, random))
        return -1;
    const double a = slope(quasi, self->most, &error), b = slope(random, self->most, &error);
    result->replicates = self->most;
    result->limit = law_limit();
    result->worst =
        result->limit * fmax(a + result->limit * error + 2.3, 0) / 0.5; /* share of the way from -2.3 to -1.8 */
    result->ok = a + result->limit * error < -1.8;
    result->seen = b - result->limit * error > -1.8 ? self->most : 0;
    result->ok &= result->seen > 0;
    snprintf(result->note, sizeof result->note,
             "slope %.2f, stratified %.2f, +- %.2f; mean square %.2g at 64, %.2g at 1024", a, b, error / 2, quasi[0],
             quasi[4]);
    return 0;
}

/* ---- the list ---- */

static void add_variance(law_list *list, const char *subject, int64_t times, int64_t scheme, int64_t rule)
{
    law_entry *self = law_add(list, "variance %s,%s,%s", subject, mote_resampling_name(scheme),
                              rule == MOTE_RULE_ALWAYS ? "always" : "ess");
    if (!self)
        return;
    variance_law *own = (variance_law *)(void *)self->configuration;
    snprintf(own->subject, sizeof own->subject, "%s", subject);
    own->times = times;
    own->filter = (mote_filter_setup){ .particles = 1000, .resampling = scheme, .rule = rule, .threshold = 0.5 };
    if (*subject == 'E' && scheme == MOTE_RESAMPLE_SYSTEMATIC && rule == MOTE_RULE_ALWAYS)
        own->known = log(0.026 / 0.017); /* it errs on the safe side there */
    self->judge = judge_variance;
    self->most = 3000;
}

void smc_laws_variances(law_list *list)
{
    static const char *const subjects[] = { "A", "E" };
    law_entry *self;
    for (int k = 0; k < 2; ++k) {
        add_variance(list, subjects[k], 0, MOTE_RESAMPLE_SYSTEMATIC, MOTE_RULE_ESS);
        add_variance(list, subjects[k], 0, MOTE_RESAMPLE_MULTINOMIAL, MOTE_RULE_ALWAYS);
        add_variance(list, subjects[k], 0, MOTE_RESAMPLE_SYSTEMATIC, MOTE_RULE_ALWAYS);
    }
    for (int ess = 0; ess < 2; ++ess)
        if ((self = law_add(list, "asymptotic,%s", ess ? "ess" : "always"))) {
            memcpy(self->configuration, &ess, sizeof ess);
            self->judge = judge_asymptotic;
            self->most = 30000;
        }
    if ((self = law_add(list, "slope A quasi")))
        self->judge = judge_slope, self->most = 300;
}
