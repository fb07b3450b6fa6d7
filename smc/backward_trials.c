/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backward draws by trials: a candidate l ~ W from the alias table, taken with a probability that its density decides.
 * Numbers of trial r of draw j of slot i: both words of the random block at pair i M + j, draw r. */
#include <math.h>

#include "core/vector.h"
#include "core/vector_inline.h"
#include "smc/backward_parts.h"

enum { ROUND = 256 }; /* pairs that a round should have: with fewer draws waiting, each makes several trials at once */

/* Addresses and bits of `trials` trials from `trial` on, of each of `waiting` draws. */
static int address(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t waiting, int64_t trial,
                   int64_t trials)
{
    const int64_t m = b->setup.draws, base = (b->children->slot + first) * m;
    mote_source source = *b->source;
    int64_t k = 0;
    for (int64_t a = 0; a < waiting; ++a)
        for (int64_t r = 0; r < trials; ++r, ++k) {
            s->pair[k] = (uint64_t)(base + s->pending[a]);
            s->draw[k] = (uint64_t)(trial + r);
            s->of[k] = (int32_t)(s->pending[a] / m);
        }
    mote_source_scattered_bits(&source, s->draw, s->pair, s->first, s->second, k);
    return mote_source_status(&source);
}

static void candidates(mote_backward *b, mote_backward_scratch *s, int64_t n)
{
    for (int64_t k = 0; k < n; ++k)
        s->candidate[k] = mote_alias_at(&b->alias, s->first[k]);
}

static void all_wait(mote_backward_scratch *s, int64_t draws)
{
    for (int64_t q = 0; q < draws; ++q)
        s->pending[q] = (int32_t)q;
}

static void choose(mote_backward *b, int64_t first, int64_t q, int32_t parent)
{
    const int64_t m = b->setup.draws;
    b->chosen[q % m * b->children->n + first + q / m] = parent;
}

/* ---- rejection and hybrid ---- */

/* Acceptance probabilities m / bound of n pairs into column RATIO. */
static int acceptance(mote_backward *b, mote_backward_scratch *s, int64_t n)
{
    const double *bound = s->column[BACKWARD_BOUND], *density = s->column[BACKWARD_DENSITY];
    double *ratio = s->column[BACKWARD_RATIO];
    int status = mote_backward_densities(b, s, n);
    int beyond = 0;
    for (int64_t k = 0; k < n; ++k) {
        ratio[k] = density[k] > -INFINITY ? density[k] - bound[s->of[k]] : -INFINITY;
        beyond |= !(ratio[k] < 1e-6);
    }
    if (!status && beyond)
        return mote_backward_fails(s, "log_transition is above log_transition_bound");
    mote_vector()->exp(ratio, ratio, n);
    return status;
}

/* Gives each waiting draw the first of its trials that is accepted; the others go on waiting. */
static int64_t settle(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t waiting, int64_t trials)
{
    const double *ratio = s->column[BACKWARD_RATIO];
    int64_t left = 0;
    for (int64_t a = 0; a < waiting; ++a) {
        const int32_t q = s->pending[a];
        int64_t r = 0, k = a * trials;
        while (r < trials && !(mote_uniform_inline(s->second[k + r]) < ratio[k + r]))
            ++r;
        s->info.trials += r < trials ? r + 1 : trials;
        if (r < trials)
            choose(b, first, q, s->candidate[k + r]);
        else
            s->pending[left++] = q;
    }
    return left;
}

int mote_backward_trials(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count)
{
    const int64_t hybrid = b->setup.way == MOTE_BACKWARD_HYBRID, most = hybrid ? b->setup.trials : (int64_t)UINT32_MAX;
    int64_t waiting = count * b->setup.draws, trial = 0;
    int status = mote_backward_bounds(b, s, count);
    all_wait(s, waiting);
    while (!status && waiting && trial < most) {
        int64_t trials = waiting < ROUND ? ROUND / waiting : 1;
        trials = trials < most - trial ? trials : most - trial;
        status = address(b, s, first, waiting, trial, trials);
        candidates(b, s, waiting * trials);
        if (!status)
            status = acceptance(b, s, waiting * trials);
        if (!status)
            waiting = settle(b, s, first, waiting, trials);
        trial += trials;
    }
    if (status || !waiting)
        return status;
    if (!hybrid)
        return mote_backward_fails(s, "2^32 rejection trials accepted no parent");
    s->info.fallbacks += waiting;
    return mote_backward_exact_draws(b, s, first, waiting, trial);
}

/* ---- Metropolis ---- */

/* Density at the start, once for each child, spread over its draws. */
static int metropolis_start(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count)
{
    const int64_t m = b->setup.draws;
    for (int64_t i = 0; i < count; ++i) {
        s->candidate[i] = b->children->start[first + i];
        s->of[i] = (int32_t)i;
    }
    int status = mote_backward_densities(b, s, count);
    for (int64_t i = 0; i < count; ++i)
        for (int64_t j = 0; j < m; ++j) {
            s->column[BACKWARD_CURRENT][i * m + j] = s->column[BACKWARD_DENSITY][i];
            choose(b, first, i * m + j, b->children->start[first + i]);
        }
    return status;
}

/* One step of each chain: to l ~ W with probability min(1, m(l) / m(now)). */
static int metropolis_step(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t draws, int64_t step)
{
    double *ratio = s->column[BACKWARD_RATIO], *current = s->column[BACKWARD_CURRENT];
    const double *density = s->column[BACKWARD_DENSITY];
    int status = address(b, s, first, draws, step, 1);
    candidates(b, s, draws);
    if (!status)
        status = mote_backward_densities(b, s, draws);
    for (int64_t q = 0; q < draws; ++q)
        ratio[q] = current[q] > -INFINITY ? density[q] - current[q] : 0;
    mote_vector()->exp(ratio, ratio, draws);
    for (int64_t q = 0; !status && q < draws; ++q)
        if (density[q] > -INFINITY && mote_uniform_inline(s->second[q]) < ratio[q]) {
            current[q] = density[q];
            choose(b, first, q, s->candidate[q]);
        }
    s->info.trials += draws;
    return status;
}

int mote_backward_mcmc(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count)
{
    const int64_t draws = count * b->setup.draws;
    int status = metropolis_start(b, s, first, count);
    all_wait(s, draws);
    for (int64_t step = 0; step < b->setup.steps && !status; ++step)
        status = metropolis_step(b, s, first, draws, step);
    return status;
}
