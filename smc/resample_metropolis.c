/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metropolis resampling (Murray, Lee and Jacob 2016): slot i starts at k = i and B times proposes j uniformly, moving
 * with probability min(1, W_j / W_k). No sums are needed, which devices like; the law approaches W only as B grows, so
 * that evidences are biased and there is no conditional form. From a parent of weight zero every proposal is taken.
 *
 * B is r->steps or, when that is 0, the number that makes the distance from W at most 1 % of its start,
 * log(1/100) / log(1 - mean W / max W), at most 10000. Known answer: W = (1/4, 3/4), B = 1: slot 0 stays with
 * probability 1/2, slot 1 with 1/2 + 1/2 (1 - 1/3) = 5/6. */
#include <math.h>

#include "core/pcg64.h"
#include "smc/resample_parts.h"

enum { MOST_STEPS = 10000 };

static int64_t steps_by_rule(const mote_resample_call *call)
{
    /* from 1 / n to 1 */
    const double flatness = (double)call->slots.total / (double)call->w->n / (double)call->most;
    const double steps = ceil(mote_log(0.01) / mote_log(1.0 - (flatness < 0.99 ? flatness : 0.99)));
    return steps < MOST_STEPS ? (int64_t)steps : MOST_STEPS;
}

static void numbers_of_block(mote_resample_call *call, int64_t block)
{
    uint64_t fixed[BLOCK];
    const int64_t n = mote_resample_fixed(call, block, fixed);
    mote_vector()->numbers(call->r->number + block * BLOCK, fixed, n, 1.0);
}

static void metropolis_block(mote_resample_call *call, int64_t block)
{
    const double *weight = call->r->number;
    uint64_t bits[BLOCK];
    double u[BLOCK];
    const int64_t n = mote_resample_size(call->w->n, block), first = block * BLOCK;
    int32_t *at = call->ancestor + first;
    for (int64_t i = 0; i < n; ++i)
        at[i] = (int32_t)(first + i);
    for (int64_t step = 0; step < call->steps; ++step) {
        mote_source propose = mote_resample_at(call, call->draw + 2 * (uint32_t)step, first);
        mote_source accept = mote_resample_at(call, call->draw + 2 * (uint32_t)step + 1, first);
        mote_bits(&propose, bits, n);
        mote_uniforms(&accept, u, n);
        for (int64_t i = 0; i < n; ++i) {
            const int32_t j = (int32_t)mote_multiply_high(bits[i], (uint64_t)call->w->n);
            at[i] = u[i] * weight[at[i]] <= weight[j] ? j : at[i];
        }
    }
}

/* One step of the chain applied to a law: p becomes p P. `next` has n entries. */
static void step_law(double *p, double *next, const double *weight, int64_t n)
{
    for (int64_t j = 0; j < n; ++j)
        next[j] = 0;
    for (int64_t k = 0; k < n; ++k)
        for (int64_t j = 0; j < n; ++j) {
            const double moves = weight[j] >= weight[k] ? 1.0 : weight[j] / weight[k];
            next[j] += p[k] * moves / (double)n;
            next[k] += p[k] * (1.0 - moves) / (double)n;
        }
    for (int64_t j = 0; j < n; ++j)
        p[j] = next[j];
}

/* Each slot at once, by the exact law of its chain. */
static int enumerate(mote_resample_call *call)
{
    const int64_t n = call->w->n;
    double *p = mote_resample_cuts(call, 2 * n);
    if (!p)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < n; ++j)
            p[j] = i == j;
        for (int64_t step = 0; step < call->steps; ++step)
            step_law(p, p + n, call->r->number, n);
        call->ancestor[i] = (int32_t)mote_choose(call->source, p, n);
    }
    return MOTE_OK;
}

int mote_resample_metropolis(mote_resample_call *call)
{
    call->steps = call->r->steps > 0 ? call->r->steps : steps_by_rule(call);
    mote_resample_blocks(call, numbers_of_block, call->w->n);
    if (call->enumerated)
        return enumerate(call);
    call->draw = call->source->draw;
    mote_resample_blocks(call, metropolis_block, call->w->n);
    call->source->draw += 2 * (uint32_t)call->steps;
    return MOTE_OK;
}
