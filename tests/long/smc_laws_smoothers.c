/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Smoothers and learning on case A (x_0's law fixed), multinomial resampling at every step, exact backward draws
 * (hybrid above N = 64):
 *
 * Table: bias and root mean squared error of PaRIS (M = 2) and of roll-outs of the Parisian particle Gibbs sampler for
 * H = sum x_{t-1} x_t, against the rows that were computed independently (tests/support/state_space_reference.h), each
 * within the family's limit of the two errors together; planted: an estimate off by B of H.
 *
 * Growth: root mean squared errors at T = 50, 100, 200 go as T^a with a = 1/2 for PaRIS with M = 2, and a = 1 or more
 * along the genealogy and for M = 1, which is the planted fault: a must be below .75, and theirs above, by the family's
 * limit.
 *
 * Scores: d/d rho at the maximum likelihood rho = .830289..., where it is 0. PaRIS has the biases -1.198, -.540, -.254,
 * -.115 (s.e. .01) at N = 8, 16, 32, 64, halving as N doubles; roll-outs at N = 8, k = 4, k0 = 2 have none: -1.198 is
 * planted.
 *
 * Ascent: rho <- rho + .2 n^{-.6} score / 50, 200 times from .9, the last half averaged, at N = 8: driven by roll-outs
 * it settles at .830289..., driven by PaRIS (the planted fault) below. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "smc/ppg.h"
#include "tests/long/sequential.h"
#include "tests/long/smc_laws.h"
#include "tests/support/state_space_models.h"
#include "tests/support/state_space_reference.h"

typedef struct smoother {
    law_bench bench;
    mote_ppg_sampler ppg;
    int sampling;
} smoother;

static const mote_filter_setup always = { .resampling = MOTE_RESAMPLE_MULTINOMIAL, .rule = MOTE_RULE_ALWAYS };

/* `draws` of PaRIS on a filter of n particles; 0: a Parisian sampler instead. */
static int open_smoother(smoother *s, double rho, int64_t times, int64_t n, int64_t draws, int64_t functional)
{
    law_bench *b = &s->bench;
    mote_filter_setup setup = always;
    const mote_backward_setup backward = { n > 64 ? MOTE_BACKWARD_HYBRID : MOTE_BACKWARD_EXACT, draws ? draws : 2, 0,
                                           1 };
    const mote_paris_smoother_setup paris = { .backward = backward, .functional = functional };
    memset(s, 0, sizeof *s);
    setup.particles = n;
    if (smc_case_open_a(&b->subject, rho, times))
        return -1;
    if (draws)
        return law_bench_open(b, &setup, &paris);
    const mote_ppg_setup ppg = { setup, backward, functional };
    int status = law_bench_open_space(b);
    if (!status)
        status = mote_ppg_sampler_open(&s->ppg, &b->space, &ppg, &b->memory, NULL, &b->message);
    s->sampling = !status;
    return status ? -1 : 0;
}

static void close_smoother(smoother *s)
{
    if (s->sampling)
        mote_ppg_sampler_close(&s->ppg);
    law_bench_close(&s->bench);
}

/* One estimate of component 0: of PaRIS, or of a roll-out from a path of PaRIS. NaN when it failed. */
static double estimate_by_paris(smoother *s, uint64_t key)
{
    return isnan(law_bench_run(&s->bench, key)) ? NAN : s->bench.paris.estimate[0];
}

static double estimate_by_roll_out(smoother *s, uint64_t key, int64_t k0, int64_t k)
{
    double path[SMC_CASE_TIMES], mean[8];
    const mote_source first = mote_source_live(mote_source_child_key(key, 1, 0)), source = mote_source_live(key);
    int status = mote_ppg_first(&s->ppg, s->bench.theta, &first, path);
    if (!status)
        status = mote_ppg_roll_out(&s->ppg, s->bench.theta, &source, k0, k, path, mean);
    return status ? NAN : mean[0];
}

/* ---- table ---- */

static int judge_table(const law_entry *self, double bias, law_result *result)
{
    const case_s_row *row = &case_s[*(const int64_t *)(const void *)self->configuration];
    smoother s;
    sequential e = { 0 };
    int status =
        open_smoother(&s, CASE_A_RHO, CASE_A_TIMES, row->particles, row->sweeps ? 0 : 2, MOTE_FUNCTIONAL_ADDITIVE);
    double square = 0;
    for (int64_t r = 0; r < self->most && !status; ++r) {
        const uint64_t key = law_key(self->name, r);
        const double x =
            (row->sweeps ? estimate_by_roll_out(&s, key, row->burn_in, row->sweeps) : estimate_by_paris(&s, key)) -
            CASE_A_SUM_LAGGED;
        status = isnan(x);
        sequential_add(&e, x);
        square += x * x;
    }
    close_smoother(&s);
    if (status)
        return -1;
    const double n = (double)e.n, error = hypot(sequential_error(&e), row->bias_error), rmse = sqrt(square / n);
    const double theirs = row->rmse / row->bias_error,
                 ratio = log(rmse / row->rmse) / sqrt(0.5 / n + 0.5 / (theirs * theirs));
    result->replicates = e.n;
    result->limit = law_limit();
    result->worst = fmax(fabs(e.mean - row->bias) / error, fabs(ratio));
    result->seen = fabs(e.mean - row->bias + bias * CASE_A_SUM_LAGGED) / error > result->limit ? e.n : 0;
    result->ok = result->worst < result->limit && result->seen;
    snprintf(result->note, sizeof result->note, "bias %+.2f +- %.2f (%+.2f), error %.2f (%.2f)", e.mean,
             sequential_error(&e), row->bias, rmse, row->rmse);
    return 0;
}

/* ---- growth ---- */

/* Particles: enough that the genealogy has not coalesced long before the longest series begins to tell. */
enum { LENGTHS = 3, GROWTH_PARTICLES = 300 };

typedef struct naive {
    mote_collector collector;
    double sum[2][GROWTH_PARTICLES];
} naive;

static int naive_start(mote_collector *collector, mote_particle_filter *filter)
{
    (void)collector, (void)filter;
    return MOTE_OK;
}

static int naive_collect(mote_collector *collector, mote_particle_filter *filter)
{
    naive *g = (naive *)collector;
    const int64_t t = filter->step - 1;
    for (int64_t i = 0; i < filter->setup.particles; ++i) {
        const int32_t a = t ? filter->ancestor[i] : 0;
        g->sum[1 - t % 2][i] = t ? g->sum[t % 2][a] + filter->before->state[0][a] * filter->now->state[0][i] : 0;
    }
    return MOTE_OK;
}

static const mote_collector_table naive_table = { .name = "naive", .start = naive_start, .collect = naive_collect };

/* Mean squares of PaRIS with `draws` and of the genealogy, over `replicates`. */
static int mean_squares(const law_entry *self, int64_t times, int64_t draws, double *paris, double *along)
{
    smoother s;
    static naive g;
    g = (naive){ .collector.table = &naive_table };
    int status = open_smoother(&s, CASE_A_RHO, times, GROWTH_PARTICLES, draws, MOTE_FUNCTIONAL_ADDITIVE);
    *paris = *along = 0;
    if (!status)
        mote_particle_filter_add(&s.bench.filter, &g.collector);
    for (int64_t r = 0; r < self->most && !status; ++r) {
        const double x = estimate_by_paris(&s, law_key(self->name, r * 1000 + times)) - s.bench.subject.functional;
        double y = -s.bench.subject.functional;
        for (int64_t i = 0; i < GROWTH_PARTICLES; ++i)
            y += mote_population_weight(s.bench.filter.now, i) * g.sum[s.bench.filter.step % 2][i];
        status = isnan(x) ? -1 : 0;
        *paris += x * x / (double)self->most;
        *along += y * y / (double)self->most;
    }
    close_smoother(&s);
    return status;
}

/* Slope of log root mean square on log T by least squares over T, 2T, 4T: half of log2 of the ends' ratio over two. */
static double growth(const double *square)
{
    return 0.25 * log2(square[2] / square[0]);
}

static int judge_growth(const law_entry *self, double bias, law_result *result)
{
    double two[LENGTHS], one[LENGTHS], along[LENGTHS], ignored;
    (void)bias;
    for (int k = 0; k < LENGTHS; ++k)
        if (mean_squares(self, 50 << k, 2, &two[k], &along[k]) || mean_squares(self, 50 << k, 1, &one[k], &ignored))
            return -1;
    const double error =
        0.25 / log(2) * sqrt(2 * 2 / (double)self->most); /* of log a mean square: sqrt(2 / R) each, if normal */
    result->replicates = self->most;
    result->limit = law_limit();
    result->worst =
        result->limit * fmax(growth(two) + result->limit * error - 0.5, 0) / 0.25; /* share of the way to .75 */
    result->ok = result->worst < result->limit;
    result->seen =
        growth(one) - result->limit * error > 0.75 && growth(along) - result->limit * error > 0.75 ? self->most : 0;
    result->ok &= result->seen > 0;
    snprintf(result->note, sizeof result->note,
             "errors go as T^%.2f; with M = 1 T^%.2f, along the genealogy T^%.2f, +- %.2f", growth(two), growth(one),
             growth(along), error);
    return 0;
}

/* ---- scores ---- */

typedef struct score_law {
    int64_t particles, sweeps;
    double bias; /* of PaRIS, tabulated */
} score_law;

static int judge_score(const law_entry *self, double bias, law_result *result)
{
    const score_law *own = (const score_law *)(const void *)self->configuration;
    smoother s;
    sequential e = { 0 };
    (void)bias;
    int status =
        open_smoother(&s, CASE_A_BEST_RHO, CASE_A_TIMES, own->particles, own->sweeps ? 0 : 2, MOTE_FUNCTIONAL_GRADIENT);
    for (int64_t r = 0; r < self->most && !status; ++r) {
        const uint64_t key = law_key(self->name, r);
        const double x =
            own->sweeps ? estimate_by_roll_out(&s, key, own->sweeps / 2, own->sweeps) : estimate_by_paris(&s, key);
        status = isnan(x);
        sequential_add(&e, x);
    }
    close_smoother(&s);
    if (status)
        return -1;
    const double truth = own->sweeps ? 0 : own->bias, error = hypot(sequential_error(&e), own->sweeps ? 0.015 : 0.01);
    result->replicates = e.n;
    result->limit = law_limit();
    result->bias = fabs(own->bias);
    result->worst = fabs(e.mean - truth) / error;
    result->seen = fabs(e.mean - (own->sweeps ? own->bias : 0)) / error > result->limit ? e.n : 0;
    result->ok = result->worst < result->limit && result->seen;
    snprintf(result->note, sizeof result->note, "score %+.3f +- %.3f (%+.3f)", e.mean, sequential_error(&e), truth);
    return 0;
}

/* ---- ascent ---- */

enum { ASCENT_STEPS = 200 };

static double ascend(smoother *s, uint64_t key, int by_roll_out, double *path)
{
    double rho = 0.9, mean = 0, score[8];
    for (int n = 1; n <= ASCENT_STEPS; ++n) {
        const uint64_t k = mote_source_child_key(key, 2, (uint64_t)n);
        const mote_source source = mote_source_live(k);
        s->bench.theta[LG_RHO] = rho;
        if (!by_roll_out)
            score[0] = estimate_by_paris(s, k);
        else if (mote_ppg_roll_out(&s->ppg, s->bench.theta, &source, 1, 4, path, score))
            return NAN;
        rho += 0.2 * pow(n, -0.6) * score[0] / 50;
        rho = fmin(fmax(rho, 0), 0.99);
        mean += n > ASCENT_STEPS / 2 ? rho / (ASCENT_STEPS / 2) : 0;
    }
    return mean;
}

static int ascents(const law_entry *self, int by_roll_out, sequential *e)
{
    double path[SMC_CASE_TIMES];
    smoother s;
    int status = open_smoother(&s, 0.9, CASE_A_TIMES, 8, by_roll_out ? 0 : 2, MOTE_FUNCTIONAL_GRADIENT);
    for (int64_t r = 0; r < self->most && !status; ++r) {
        const mote_source source = mote_source_live(law_key(self->name, -1 - r));
        s.bench.theta[LG_RHO] = 0.9;
        status = by_roll_out ? mote_ppg_first(&s.ppg, s.bench.theta, &source, path) : 0;
        const double rho = status ? NAN : ascend(&s, law_key(self->name, 2 * r + by_roll_out), by_roll_out, path);
        status = isnan(rho);
        sequential_add(e, rho - CASE_A_BEST_RHO);
    }
    close_smoother(&s);
    return status ? -1 : 0;
}

static int judge_ascent(const law_entry *self, double bias, law_result *result)
{
    sequential ours = { 0 }, planted = { 0 };
    (void)bias;
    if (ascents(self, 1, &ours) || ascents(self, 0, &planted))
        return -1;
    const double slack = 0.002; /* what 200 steps leave of the start */
    result->replicates = ours.n;
    result->limit = law_limit();
    result->bias = fabs(planted.mean) / CASE_A_BEST_RHO;
    result->worst = fmax(fabs(ours.mean) - slack, 0) / sequential_error(&ours);
    result->seen = -planted.mean - slack > result->limit * sequential_error(&planted) ? planted.n : 0;
    result->ok = result->worst < result->limit && result->seen;
    snprintf(result->note, sizeof result->note, "rho %+.5f +- %.5f off its maximum; by PaRIS %+.5f +- %.5f", ours.mean,
             sequential_error(&ours), planted.mean, sequential_error(&planted));
    return 0;
}

/* ---- the list ---- */

void smc_laws_smoothers(law_list *list)
{
    static const score_law scores[] = {
        { 8, 0, -1.198 }, { 16, 0, -0.540 }, { 32, 0, -0.254 }, { 64, 0, -0.115 }, { 8, 4, -1.198 }
    };
    law_entry *self;
    for (int64_t k = 0; k < (int64_t)(sizeof case_s / sizeof *case_s); ++k)
        if ((self =
                 law_add(list, "table A,%s,%lld,%lld,%lld", case_s[k].sweeps ? "roll-out" : "PaRIS",
                         (long long)case_s[k].particles, (long long)case_s[k].sweeps, (long long)case_s[k].burn_in))) {
            *(int64_t *)(void *)self->configuration = k;
            self->judge = judge_table;
            self->most = case_s[k].particles > 100 ? 1000 : 4000;
        }
    if ((self = law_add(list, "growth A")))
        self->judge = judge_growth, self->most = 4000;
    for (size_t k = 0; k < sizeof scores / sizeof *scores; ++k)
        if ((self = law_add(list, "score A,%s,%lld", scores[k].sweeps ? "roll-out" : "PaRIS",
                            (long long)scores[k].particles))) {
            memcpy(self->configuration, &scores[k], sizeof *scores);
            self->judge = judge_score;
            self->most = scores[k].particles == 64 ? 15000 : scores[k].sweeps ? 10000 : 20000;
        }
    if ((self = law_add(list, "ascent A")))
        self->judge = judge_ascent, self->most = 200;
}
