/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Optimal resampling without replacement (Fearnhead and Clifford 2003), for more candidates than slots: with kappa such
 * that sum_i min(1, w_i / kappa) = count, candidates of weight kappa or more are kept at their own weight; the others
 * survive with probability w_i / kappa, one systematic draw over them all, at weight kappa. Each appears at most once,
 * E[output weight_i] = W_i, and no unbiased scheme has a smaller expected squared error.
 *
 * kappa is found by passes: with A kept and rest B, kappa = B / (count - A); what reaches it is kept too, until nothing
 * changes. Each pass but the last keeps more, so that there are at most count; a few in practice. Candidates of
 * positive weight that do not exceed the slots are all kept; slots left over repeat the last, at weight 0.
 * Known answer: W = (0.6, 0.2, 0.2), 2 slots: kappa = 0.4, output (0.6, 0.4), the second of 1 and 2 equally often. */
#include <math.h>

#include "smc/resample_parts.h"

typedef struct threshold {
    double kappa;
    int64_t kept;  /* A: candidates at or above it */
    uint64_t rest; /* B: sum of the others */
} threshold;

/* r->whole = q_i */
static void store_block(mote_resample_call *call, int64_t block)
{
    mote_resample_fixed(call, block, call->r->whole + block * BLOCK);
}

static threshold find_threshold(const mote_resample_call *call)
{
    threshold t = { (double)call->slots.total / (double)call->count, 0, call->slots.total };
    for (int64_t before = -1; before != t.kept && t.kept < call->count && t.rest > 0;) {
        before = t.kept;
        t.kappa = (double)t.rest / (double)(call->count - t.kept);
        t.kept = 0;
        t.rest = 0;
        for (int64_t i = 0; i < call->w->n; ++i) {
            const uint64_t weight = call->r->whole[i];
            const int large = (double)weight >= t.kappa;
            t.kept += large;
            t.rest += large ? 0 : weight;
        }
    }
    return t;
}

static int64_t give(mote_resample_call *call, int64_t slot, int64_t i, double weight)
{
    if (slot >= call->count)
        return slot;
    call->ancestor[slot] = (int32_t)i;
    call->weight[slot] = weight / (double)call->slots.total;
    return slot + 1;
}

/* Where u in (0, 1) crosses the fraction of a cumulative weight, a survivor changes. */
static int draw_offset(mote_resample_call *call, threshold t, double *u)
{
    double *cuts = call->enumerated ? mote_resample_cuts(call, call->w->n) : NULL;
    int64_t count = 0;
    uint64_t passed = 0;
    if (call->enumerated && !cuts)
        return MOTE_ENOMEM;
    for (int64_t i = 0; cuts && i < call->w->n; ++i)
        if ((double)call->r->whole[i] < t.kappa) {
            passed += call->r->whole[i];
            const double x = (double)passed / t.kappa;
            cuts[count++] = x - floor(x);
        }
    mote_resample_sort(cuts, count);
    *u = mote_uniform_cut(call->source, cuts, count);
    return MOTE_OK;
}

int mote_resample_optimal(mote_resample_call *call)
{
    mote_resample_blocks(call, store_block, call->w->n);
    const threshold t = find_threshold(call);
    const int64_t drawn = t.rest > 0 ? call->count - t.kept : 0;
    uint64_t passed = 0;
    int64_t slot = 0, taken = 0;
    double u = 0;
    if (drawn > 0 && draw_offset(call, t, &u))
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < call->w->n; ++i) {
        const uint64_t weight = call->r->whole[i];
        if ((double)weight >= t.kappa) {
            slot = give(call, slot, i, (double)weight);
            continue;
        }
        passed += weight;
        const int64_t reached = passed == t.rest ? drawn : (int64_t)ceil((double)passed / t.kappa - u);
        for (; weight > 0 && taken < reached && taken < drawn; ++taken)
            slot = give(call, slot, i, t.kappa);
    }
    while (slot < call->count)
        slot = give(call, slot, slot ? call->ancestor[slot - 1] : 0, 0.0);
    return MOTE_OK;
}
