/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Residual resampling (Liu and Chen 1998) and its deterministic relative. Parent i gets n_i = floor(count W_i)
 * offspring; the R = count - sum n_i that are left are drawn with weights count W_i - n_i (not W_i - n_i),
 * multinomially; or, for the minimum error, one each goes to the R largest remainders, of equal ones to the first.
 *
 * Given that parent k has an offspring: with probability n_k / (count W_k) nothing changes, else one of the R is k's
 * and R - 1 are drawn; K is one of k's offspring. Known answer: W = (1/2, 1/4, 1/4), count 2: parent 0 has exactly one.
 * */
#include <math.h>

#include "smc/resample_parts.h"

/* Remainders as whole-number weights again: rest / total below 1, 52 or fewer bits of it. */
static void rest_block(mote_resample_call *call, int64_t block)
{
    uint64_t *rest = call->r->whole + block * BLOCK;
    const int64_t n = mote_resample_size(call->w->n, block);
    double fraction[BLOCK];
    mote_vector()->numbers(fraction, rest, n, 1.0 / (double)call->slots.total);
    call->r->rest_before[block + 1] = mote_vector()->fixed(rest, fraction, n, 1.0, call->slots.low, 1.0);
}

static void rest_prefix(mote_resample_call *call, int64_t block)
{
    mote_vector()->prefix(call->r->whole + block * BLOCK, mote_resample_size(call->w->n, block),
                          call->r->rest_before[block]);
}

/* r->whole becomes the cumulative remainders; returns their total. */
static uint64_t accumulate_rest(mote_resample_call *call)
{
    uint64_t *before = call->r->rest_before;
    call->slots.low = 0x1p52;
    for (int64_t reach = 2048; reach < call->w->n; reach *= 2)
        call->slots.low /= 2;
    mote_resample_blocks(call, rest_block, call->w->n);
    before[0] = 0;
    for (int64_t b = 0; b < call->blocks; ++b)
        before[b + 1] += before[b];
    mote_resample_blocks(call, rest_prefix, call->w->n);
    return before[call->blocks];
}

static void residual_block(mote_resample_call *call, int64_t block)
{
    const int32_t *offspring = call->r->offspring + block * BLOCK;
    const uint64_t total = call->r->rest_before[call->blocks];
    const int64_t n = mote_resample_size(call->w->n, block), first = block * BLOCK;
    int32_t edge[BLOCK + 1], whole = (int32_t)call->r->whole_before[block];
    edge[0] = call->points ? (int32_t)mote_resample_below(call, call->r->rest_before[block], total) : 0;
    mote_resample_merge(call, edge + 1, call->r->whole + first, n, total ? total : 1);
    for (int64_t i = 0; i <= n; ++i) {
        edge[i] += whole + (call->slot >= 0 && first + i > call->kept);
        whole += i < n ? offspring[i] : 0;
    }
    mote_vector()->expand(call->ancestor, edge, n, first);
}

/* Whether one of the remainder's offspring is the kept parent's. */
static int keeps_of_rest(mote_resample_call *call)
{
    const double p[2] = { (double)call->r->offspring[call->kept],
                          (double)call->r->whole[call->kept] / (double)call->slots.total };
    return mote_choose(call->source, p, 2) == 1;
}

int mote_resample_residual(mote_resample_call *call)
{
    const int64_t rest = mote_resample_split(call);
    call->slot = call->kept >= 0 && keeps_of_rest(call) ? 0 : -1; /* 0: one of the rest is placed already */
    const uint64_t total = accumulate_rest(call);
    call->points = rest - (call->slot >= 0);
    if (mote_resample_points(call, call->r->whole, total))
        return MOTE_ENOMEM;
    mote_resample_blocks(call, residual_block, call->w->n);
    if (call->kept >= 0)
        mote_resample_pick(call);
    return MOTE_OK;
}

/* ---- minimum error ---- */

static int64_t count_above(const mote_resample_call *call, uint64_t threshold)
{
    int64_t count = 0;
    for (int64_t i = 0; i < call->w->n; ++i)
        count += call->r->whole[i] > threshold;
    return count;
}

int mote_resample_minimum_error(mote_resample_call *call)
{
    const int64_t rest = mote_resample_split(call);
    uint64_t low = 0, high = call->slots.total; /* the least threshold that at most `rest` remainders exceed */
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        if (count_above(call, middle) > rest)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t equal = rest - count_above(call, low);
    for (int64_t i = 0; i < call->w->n; ++i) {
        const uint64_t left = call->r->whole[i];
        const int tie = left == low && left > 0 && equal > 0;
        equal -= tie;
        call->r->offspring[i] += left > low || tie;
    }
    mote_resample_expand(call);
    return MOTE_OK;
}
