/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels on paths. Invariance on case T: z from the exact law of the 81 paths, one sweep, and the new path must have
 * that law: chi-square over the paths (those with fewer than 5 expected at the first look in one cell), looked at after
 * 2e4 sweeps and then each 1.5 times more, up to 4e6, until the planted fault is seen: a share B / 2 of the new paths
 * replaced by paths of the chain without its potentials. For every scheme with a conditional form, rule always and ess
 * at .7, kernels plain, backward, ancestor, and the Parisian sampler with exact and Metropolis draws, N = 2, 3, 5. In
 * stationarity its statistic u and the functional along its path are unbiased: identities, with B planted.
 *
 * On case A, N = 16, in one long chain from a path of PaRIS: means of batches of 100 sweeps, whose correlation is below
 * 1 %, against E[H | y] = 91.141125749936, with a tenth of B planted. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "smc/conditional.h"
#include "smc/ppg.h"
#include "tests/long/smc_laws.h"
#include "tests/support/state_space_reference.h"

enum { PARISIAN = 3, CELLS = CASE_T_PATHS, FIRST_LOOK = 20000, MOST_SWEEPS = 4000000, BATCH = 100 };

typedef struct sweep_law {
    int64_t kernel; /* enum mote_path_kernel, or PARISIAN */
    int64_t way;
    mote_filter_setup filter;
} sweep_law;

typedef struct sweeper {
    law_bench bench;
    mote_conditional conditional;
    mote_ppg_sampler ppg;
    int64_t kernel;
    int opened;
    double law[CELLS], prior[CELLS];
    double path[SMC_CASE_TIMES];
} sweeper;

static const sweep_law *sweep_law_of(const law_entry *self)
{
    return (const sweep_law *)(const void *)self->configuration;
}

static int open_kernel(const law_entry *self, sweeper *s)
{
    const sweep_law *own = sweep_law_of(self);
    const mote_backward_setup backward = { own->way, own->kernel == PARISIAN ? 2 : 1, 0, 1 };
    const mote_conditional_setup conditional = { own->filter, own->kernel, backward };
    const mote_ppg_setup ppg = { own->filter, backward, MOTE_FUNCTIONAL_ADDITIVE };
    law_bench *b = &s->bench;
    s->kernel = own->kernel;
    if (law_bench_open_space(b))
        return -1;
    const int status =
        own->kernel == PARISIAN
            ? mote_ppg_sampler_open(&s->ppg, &b->space, &ppg, &b->memory, NULL, &b->message)
            : mote_conditional_open(&s->conditional, &b->space, &conditional, &b->memory, NULL, &b->message);
    s->opened = !status;
    if (status)
        fprintf(stderr, "%s: %s\n", self->name, b->message.text);
    return status ? -1 : 0;
}

static void sweeper_close(void *state)
{
    sweeper *s = state;
    if (s->opened && s->kernel == PARISIAN)
        mote_ppg_sampler_close(&s->ppg);
    else if (s->opened)
        mote_conditional_close(&s->conditional);
    law_bench_close(&s->bench);
}

static int sweep(sweeper *s, uint64_t key, double *path)
{
    const mote_source source = mote_source_live(key);
    const int status = s->kernel == PARISIAN
                           ? mote_ppg_sweep(&s->ppg, s->bench.theta, &source, path, path)
                           : mote_conditional_sweep(&s->conditional, s->bench.theta, &source, path, path);
    if (status)
        fprintf(stderr, "sweep: status %d, %s\n", status, s->bench.message.text);
    return status ? -1 : 0;
}

/* ---- invariance on the tiny chain ---- */

static int open_chain(const law_entry *self, void *state)
{
    sweeper *s = state;
    if (smc_case_open(&s->bench.subject, "T", 0))
        return -1;
    case_t_law(s->law);
    for (int64_t i = 0; i < CELLS; ++i) {
        int64_t path[CASE_T_TIMES];
        case_t_path(i, path);
        s->prior[i] = case_t_initial[path[0]];
        for (int t = 1; t < CASE_T_TIMES; ++t)
            s->prior[i] *= case_t_transition[path[t - 1]][path[t]];
    }
    return open_kernel(self, s);
}

/* From a path with the exact law, by its number, to the next. -1 when it failed. */
static int64_t sweep_number(sweeper *s, const law_entry *self, int64_t r, double *u)
{
    mote_source source = mote_source_live(law_key(self->name, 2 * r));
    int64_t number[CASE_T_TIMES];
    double path[CASE_T_TIMES];
    case_t_path(mote_choose(&source, s->law, CELLS), number);
    for (int t = 0; t < CASE_T_TIMES; ++t)
        path[t] = (double)number[t];
    if (sweep(s, law_key(self->name, 2 * r + 1), path))
        return -1;
    for (int t = 0; t < CASE_T_TIMES; ++t)
        number[t] = (int64_t)path[t];
    if (u && s->kernel == PARISIAN)
        *u = s->ppg.paris.estimate[0];
    return case_t_number(number);
}

/* Chi-square in normal standard deviations. */
static double distance(const int64_t *count, const double *p, int64_t n)
{
    double sum = 0, rest = 0, rest_count = 0;
    int degrees = -1;
    for (int i = 0; i < CELLS; ++i) {
        const double expected = p[i] * (double)n, d = (double)count[i] - expected;
        if (p[i] * FIRST_LOOK < 5) {
            rest += expected, rest_count += (double)count[i];
            continue;
        }
        sum += d * d / expected;
        ++degrees;
    }
    if (rest > 0) {
        sum += (rest_count - rest) * (rest_count - rest) / rest;
        ++degrees;
    }
    return law_chi_square_z(sum, degrees);
}

static int follow_chain(const law_entry *self, sweeper *s, double bias, law_result *result)
{
    int64_t count[CELLS] = { 0 }, planted[CELLS] = { 0 }, next = FIRST_LOOK;
    result->limit = law_limit();
    for (int64_t r = 0; r < MOST_SWEEPS; ++r) {
        mote_source other = mote_source_live(law_key("planted", r));
        const double chance[] = { bias, 1 - bias };
        const int64_t number = sweep_number(s, self, r, NULL);
        if (number < 0)
            return -1;
        ++count[number];
        ++planted[mote_choose(&other, chance, 2) ? number : mote_choose(&other, s->prior, CELLS)];
        if (r + 1 < next)
            continue;
        next += next / 2;
        result->replicates = r + 1;
        result->worst = distance(count, s->law, r + 1);
        result->ok = result->worst < result->limit;
        result->seen = distance(planted, s->law, r + 1) > result->limit ? r + 1 : 0;
        if (!result->ok || result->seen)
            break;
    }
    result->ok &= result->seen > 0;
    return 0;
}

static int judge_chain(const law_entry *self, double bias, law_result *result)
{
    static sweeper s; /* in a process of its own */
    memset(&s, 0, sizeof s);
    const int status = open_chain(self, &s) || follow_chain(self, &s, bias, result);
    sweeper_close(&s);
    return status ? -1 : 0;
}

static int chain_means(const law_entry *self, void *state, int64_t r, double bias, double *x, double *planted)
{
    double u = NAN;
    int64_t path[CASE_T_TIMES];
    const int64_t number = sweep_number(state, self, r, &u);
    if (number < 0)
        return -1;
    case_t_path(number, path);
    x[0] = u / CASE_T_H - 1;
    x[1] = case_t_functional(path) / CASE_T_H - 1;
    for (int k = 0; k < 2; ++k)
        planted[k] = (x[k] + 1) * (1 + bias) - 1;
    return 0;
}

/* ---- case A ---- */

static int open_long(const law_entry *self, void *state)
{
    sweeper *s = state;
    const mote_source source = mote_source_live(law_key(self->name, -1));
    return smc_case_open(&s->bench.subject, "A", 0) || open_kernel(self, s) ||
           mote_ppg_first(&s->ppg, s->bench.theta, &source, s->path) ? -1 : 0;
}

static int long_means(const law_entry *self, void *state, int64_t r, double bias, double *x, double *planted)
{
    sweeper *s = state;
    x[0] = x[1] = 0;
    for (int64_t l = 0; l < BATCH; ++l) {
        if (sweep(s, law_key(self->name, r * BATCH + l), s->path))
            return -1;
        x[0] += (s->ppg.paris.estimate[0] / CASE_A_SUM_LAGGED - 1) / BATCH;
        x[1] += (s->ppg.along[0] / CASE_A_SUM_LAGGED - 1) / BATCH;
    }
    for (int k = 0; k < 2; ++k)
        planted[k] = (x[k] + 1) * (1 + bias) - 1;
    return 0;
}

/* ---- the list ---- */

static const int64_t schemes[] = { MOTE_RESAMPLE_MULTINOMIAL, MOTE_RESAMPLE_SYSTEMATIC, MOTE_RESAMPLE_STRATIFIED,
                                   MOTE_RESAMPLE_RESIDUAL, MOTE_RESAMPLE_KILLING, MOTE_RESAMPLE_SSP };
static const struct { const char *name; int64_t kernel, way; } kernels[] = {
    { "plain", MOTE_PATH_PLAIN, MOTE_BACKWARD_EXACT }, { "backward", MOTE_PATH_BACKWARD, MOTE_BACKWARD_EXACT },
    { "ancestor", MOTE_PATH_ANCESTOR, MOTE_BACKWARD_EXACT }, { "Parisian exact", PARISIAN, MOTE_BACKWARD_EXACT },
    { "Parisian Metropolis", PARISIAN, MOTE_BACKWARD_MCMC } };

static law_entry *add_sweeps(law_list *list, const char *subject, int kernel, int64_t scheme, int64_t n, int64_t rule)
{
    law_entry *self = law_add(list, "%s %s,%s,%s,%lld", subject, kernels[kernel].name, mote_resampling_name(scheme),
                        rule == MOTE_RULE_ALWAYS ? "always" : "ess .7", (long long)n);
    if (!self)
        return NULL;
    sweep_law *own = (sweep_law *)(void *)self->configuration;
    *own = (sweep_law){ kernels[kernel].kernel, kernels[kernel].way,
                        { .particles = n, .resampling = scheme, .rule = rule, .threshold = 0.7 } };
    self->state_size = sizeof(sweeper);
    self->close = sweeper_close;
    self->numbers = 2;
    self->number[0] = "u", self->number[1] = "path";
    return self;
}

void smc_laws_paths(law_list *list)
{
    static const int64_t counts[] = { 2, 3, 5 };
    law_entry *self;
    for (int k = 0; k < 5; ++k)
        for (size_t s = 0; s < sizeof schemes / sizeof *schemes; ++s)
            for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_ALWAYS; ++rule)
                for (int n = 0; n < 3; ++n)
                    if ((self = add_sweeps(list, "invariance", k, schemes[s], counts[n], rule)))
                        self->judge = judge_chain, self->bias = 0.5;
    for (int k = 3; k < 5; ++k)
        for (size_t s = 0; s < sizeof schemes / sizeof *schemes; ++s)
            if ((self = add_sweeps(list, "means T", k, schemes[s], 3, (int64_t)s % 2)))
                self->open = open_chain, self->replicate = chain_means, self->first = 2000, self->most = 4000000;
    for (int k = 3; k < 5; ++k)
        for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_ALWAYS; ++rule)
            if ((self = add_sweeps(list, "means A", k, rule == MOTE_RULE_ALWAYS ? schemes[0] : schemes[1], 16, rule)))
                self->open = open_long, self->replicate = long_means, self->first = 200, self->most = 40000,
                self->bias = 0.1;
}
