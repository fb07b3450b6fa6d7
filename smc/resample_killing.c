/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Killing (Del Moral 2004) and rejection (Murray, Lee and Jacob 2016): slot i keeps parent i with probability a_i = W_i
 * / max W, else it takes a draw from W. Rejection makes that draw without sums, by uniform proposals k that are
 * accepted with probability a_k, of which there are CAP before a search in the cumulative weights ends the matter: the
 * law is the same. Slots are independent, and P(A_i = k) = [i = k] a_k + (1 - a_i) W_k has mean W_k over i.
 *
 * Given that some slot has ancestor k: K = i with probability proportional to that, the others as ever.
 * Known answer: W = (1/4, 3/4): slot 0 keeps 0 with probability 1/3 + 2/3 1/4 = 1/2, slot 1 always keeps 1. */
#include "core/pcg64.h"
#include "core/stream_inline.h"
#include "smc/resample_parts.h"

enum { CAP = 100 };

/* ---- a draw from W by a table: guide_j = the parent at j / n of the total weight (Chen and Asau 1974) ---- */

static void guide_block(mote_resample_call *call, int64_t block)
{
    const mote_vector_table *vector = mote_vector();
    const uint64_t *cumulative = call->r->whole + block * BLOCK;
    const int64_t n = mote_resample_size(call->w->n, block);
    int32_t edge[BLOCK + 1];
    vector->end_slots(edge, &call->r->before[block], 1, call->slots.total, call->slots.ratio, 0.0, call->count);
    vector->end_slots(edge + 1, cumulative, n, call->slots.total, call->slots.ratio, 0.0, call->count);
    vector->expand(call->r->offspring, edge, n, block * BLOCK);
}

static void build_guide(mote_resample_call *call)
{
    mote_resample_accumulate(call);
    mote_resample_blocks(call, guide_block, call->w->n);
}

/* The parent whose interval holds the whole number that `bits` picks below the total; about one comparison. */
static int32_t search(const mote_resample_call *call, uint64_t bits)
{
    const uint64_t *cumulative = call->r->whole, wanted = mote_multiply_high(bits, call->slots.total);
    int32_t i = call->r->offspring[mote_multiply_high(bits, (uint64_t)call->count)];
    while (i > 0 && cumulative[i - 1] > wanted)
        --i;
    while (cumulative[i] <= wanted)
        ++i;
    return i;
}

/* ---- every outcome, or the slot of a kept parent ---- */

static uint64_t weight_of(const mote_resample_call *call, int64_t i)
{
    return call->r->whole[i] - (i ? call->r->whole[i - 1] : 0);
}

static double survival(const mote_resample_call *call, int64_t i)
{
    return (double)weight_of(call, i) / (double)call->most;
}

static void enumerate(mote_resample_call *call)
{
    const int64_t n = call->w->n;
    double *p = call->r->number;
    for (int64_t i = 0; i < n; ++i) {
        if (i == call->slot && call->kept >= 0)
            continue;
        for (int64_t k = 0; k < n; ++k)
            p[k] = (1.0 - survival(call, i)) * ((double)weight_of(call, k) / (double)call->slots.total) +
                   (i == k ? survival(call, k) : 0.0);
        call->ancestor[i] = (int32_t)mote_choose(call->source, p, n);
    }
}

/* P(A_i = k) / W_k */
static void place_kept(mote_resample_call *call)
{
    double *p = call->r->number;
    for (int64_t i = 0; i < call->w->n; ++i)
        p[i] = 1.0 - survival(call, i);
    p[call->kept] += (double)call->slots.total / (double)call->most;
    call->slot = mote_choose(call->source, p, call->w->n);
}

/* ---- live ---- */

static void killing_block(mote_resample_call *call, int64_t block)
{
    uint64_t fixed[BLOCK], bits[BLOCK];
    double u[BLOCK];
    const int64_t n = mote_resample_fixed(call, block, fixed), first = block * BLOCK;
    mote_source survive = mote_resample_at(call, call->draw, first);
    mote_source replace = mote_resample_at(call, call->draw + 1, first);
    mote_uniforms(&survive, u, n);
    mote_bits(&replace, bits, n);
    for (int64_t i = 0; i < n; ++i)
        call->ancestor[first + i] = u[i] * (double)call->most < (double)fixed[i] ? (int32_t)(first + i)
                                                                                  : search(call, bits[i]);
}

static int32_t reject_until(const mote_resample_call *call, int64_t i)
{
    mote_stream stream = mote_stream_open(call->source, call->source->first + i);
    int64_t k = i;
    for (int64_t trial = 0; trial < CAP; ++trial) {
        if (mote_stream_uniform_inline(&stream) * (double)call->most < (double)weight_of(call, k))
            return (int32_t)k;
        k = mote_stream_index_inline(&stream, call->w->n);
    }
    return search(call, mote_stream_bits_inline(&stream));
}

static void rejection_block(mote_resample_call *call, int64_t block)
{
    const int64_t first = block * BLOCK, n = mote_resample_size(call->w->n, block);
    for (int64_t i = first; i < first + n; ++i)
        call->ancestor[i] = reject_until(call, i);
}

static int independent_slots(mote_resample_call *call, void (*work)(mote_resample_call *call, int64_t block))
{
    build_guide(call);
    if (call->kept >= 0)
        place_kept(call);
    call->draw = call->source->draw;
    if (call->enumerated)
        enumerate(call);
    else
        mote_resample_blocks(call, work, call->w->n);
    if (call->kept >= 0)
        call->ancestor[call->slot] = (int32_t)call->kept;
    return MOTE_OK;
}

int mote_resample_killing(mote_resample_call *call)
{
    int status = independent_slots(call, killing_block);
    call->source->draw += call->enumerated ? 0 : 2;
    return status;
}

int mote_resample_rejection(mote_resample_call *call)
{
    return independent_slots(call, rejection_block);
}
