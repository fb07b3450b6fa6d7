/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inverse distribution function: points p_0 <= p_1 <= ... in [0, 1) go to the parent whose interval of the cumulative
 * weight holds them (Douc, Cappe, Moulines 2005).
 *     systematic   p_s = (s + u) / count, one u             stratified   p_s = (s + u_s) / count
 *     multinomial  count ordered uniforms
 * Parent i ends at the first slot whose point is at or above its cumulative weight; parents of weight zero end where
 * the one before did, and the last parent of positive weight ends at count whatever rounding says.
 *
 * Given that parent k has an offspring: V uniform on k's interval, the slot K = floor(count V); systematic takes
 * u = count V - K, stratified u_K = count V - K, all else as ever. Multinomial draws one point less and gives k one
 * offspring more; K is one of k's. Known answer: weights (1, 1), count 2, systematic: ancestors 0 1 for every u. */
#include <math.h>

#include "smc/resample_parts.h"

/* ---- systematic ---- */

/* Where the slots of the block's parents begin, and where the last one's end; returns how many parents there are. */
static int64_t systematic_edges(const mote_resample_call *call, int64_t block, int32_t *edge)
{
    const mote_vector_table *vector = mote_vector();
    const mote_weight_slots *s = &call->slots;
    const int64_t n = mote_resample_size(call->w->n, block);
    vector->end_slots(edge, &call->r->before[block], 1, s->total, s->ratio, s->u, s->count);
    if (mote_resample_keeps(call, block)) {
        uint64_t cumulative[BLOCK];
        mote_resample_cumulative(call, block, cumulative);
        vector->end_slots(edge + 1, cumulative, n, s->total, s->ratio, s->u, s->count);
    } else {
        vector->ends(edge + 1, call->w->weight + block * BLOCK, n, mote_resample_factor(call, block),
                     call->r->before[block], s);
    }
    return n;
}

static void systematic_block(mote_resample_call *call, int64_t block)
{
    int32_t edge[BLOCK + 1];
    const int64_t n = systematic_edges(call, block, edge);
    mote_vector()->expand(call->ancestor, edge, n, block * BLOCK);
}

/* ---- in parts: slots when they are asked for ---- */

/* r->offspring[b]: the first slot of block b's parents. */
int mote_resample_systematic_begin(mote_resample_call *call)
{
    const mote_weight_slots *s = &call->slots;
    call->slots.u = mote_uniform_cut(call->source, NULL, 0);
    mote_vector()->end_slots(call->r->offspring, call->r->before, call->blocks + 1, s->total, s->ratio, s->u, s->count);
    ++call->r->turn;
    return MOTE_OK;
}

/* The first i from `from` on whose edge is at or above `slot`; there is one, since edge_to is. */
static int64_t first_at(const int32_t *edge, int64_t from, int64_t to, int64_t slot)
{
    while (from < to) {
        const int64_t middle = from + (to - from) / 2;
        if (edge[middle] < slot)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* The slots first..last - 1 as far as they belong to the block's parents: those of the parents that have some of them,
 * with the outermost two cut off at the range's ends. */
static void expand_range(const mote_resample_call *call, int64_t block, mote_resample_edges *edges, int64_t first,
                         int64_t last)
{
    int32_t *edge = edges->edge;
    if (edges->turn != call->r->turn || edges->block != block)
        systematic_edges(call, block, edge);
    edges->turn = call->r->turn;
    edges->block = block;
    const int64_t n = mote_resample_size(call->w->n, block);
    const int64_t from = edge[0] >= first ? 0 : first_at(edge, 0, n, first + 1) - 1;
    const int64_t to = edge[n] <= last ? n : first_at(edge, from, n, last);
    const int32_t begin = edge[from], end = edge[to];
    edge[from] = begin < first ? (int32_t)first : begin;
    edge[to] = end > last ? (int32_t)last : end;
    mote_vector()->expand(call->ancestor, edge + from, to - from, block * BLOCK + from);
    edge[from] = begin;
    edge[to] = end;
}

void mote_resample_systematic_slots(const mote_resample_call *call, int64_t first, int64_t n,
                                    mote_resample_edges *edges)
{
    const int32_t *start = call->r->offspring;
    const int64_t last = first + n;
    for (int64_t b = first_at(start, 0, call->blocks, first + 1) - 1; b < call->blocks && start[b] < last; ++b)
        if (start[b + 1] > first && start[b + 1] > start[b])
            expand_range(call, b, edges, first, last);
}

/* ---- enumerated ---- */

/* Where parents end, in slots, one after the other: r->number. */
static void number_ends(mote_resample_call *call)
{
    mote_resample_accumulate(call);
    mote_vector()->numbers(call->r->number, call->r->whole, call->w->n, call->slots.ratio);
}

/* As u passes the fraction of an end, a slot changes hands. */
static int systematic_cuts(mote_resample_call *call)
{
    double *cuts = mote_resample_cuts(call, call->w->n);
    if (!cuts)
        return MOTE_ENOMEM;
    number_ends(call);
    for (int64_t i = 0; i < call->w->n; ++i)
        cuts[i] = call->r->number[i] - floor(call->r->number[i]);
    mote_resample_sort(cuts, call->w->n);
    return MOTE_OK;
}

/* ---- the interval of a kept parent ---- */

typedef struct interval {
    double low, high; /* in slots */
} interval;

static interval kept_interval(const mote_resample_call *call)
{
    const int64_t block = call->kept / BLOCK, place = call->kept % BLOCK;
    uint64_t cumulative[BLOCK];
    mote_resample_cumulative(call, block, cumulative);
    const uint64_t before = place ? cumulative[place - 1] : call->r->before[block];
    return (interval){ (double)before * call->slots.ratio, (double)cumulative[place] * call->slots.ratio };
}

/* Cuts of a uniform over the interval where its position crosses s + phase_j for a whole s; phase_0 = 0. */
static int64_t interval_cuts(mote_resample_call *call, interval k, const double *phase, int64_t phases)
{
    const int64_t from = (int64_t)k.low, to = (int64_t)k.high;
    double *cuts = mote_resample_cuts(call, (to - from + 1) * phases);
    int64_t count = 0;
    if (!cuts)
        return -1;
    for (int64_t slot = from; slot <= to; ++slot)
        for (int64_t j = 0; j < phases; ++j) {
            const double x = (double)slot + phase[j];
            if (x > k.low && x < k.high)
                cuts[count++] = (x - k.low) / (k.high - k.low);
        }
    mote_resample_sort(cuts, count);
    return count;
}

/* Draws V and with it the slot; returns what is left of V in its slot. */
static double place_kept(mote_resample_call *call, const double *phase, int64_t phases)
{
    const interval k = kept_interval(call);
    const int64_t count = call->enumerated ? interval_cuts(call, k, phase, phases) : 0;
    const double v = k.low + mote_uniform_cut(call->source, call->r->cuts, count) * (k.high - k.low);
    const int64_t slot = (int64_t)v;
    call->slot = slot < call->count ? slot : call->count - 1;
    return v - (double)call->slot;
}

int mote_resample_systematic(mote_resample_call *call)
{
    const int64_t n = call->w->n;
    if (call->enumerated && systematic_cuts(call))
        return MOTE_ENOMEM;
    if (call->kept < 0) {
        call->slots.u = mote_uniform_cut(call->source, call->r->cuts, call->enumerated ? n : 0);
    } else {
        double *phase = call->r->number; /* the same cuts, and 0 */
        phase[0] = 0;
        for (int64_t i = 0; call->enumerated && i < n; ++i)
            phase[i + 1] = call->r->cuts[i];
        call->slots.u = place_kept(call, phase, n + 1);
    }
    mote_resample_blocks(call, systematic_block, n);
    if (call->kept >= 0)
        call->ancestor[call->slot] = (int32_t)call->kept; /* as it is but for rounding at the interval's ends */
    return MOTE_OK;
}

/* ---- stratified ---- */

static void stratified_block(mote_resample_call *call, int64_t block)
{
    const mote_vector_table *vector = mote_vector();
    const double *u = call->r->number;
    uint64_t cumulative[BLOCK];
    int32_t edge[BLOCK + 1];
    const int64_t n = mote_resample_cumulative(call, block, cumulative);
    vector->strata(edge, &call->r->before[block], 1, call->slots.total, call->slots.ratio, u, call->count);
    vector->strata(edge + 1, cumulative, n, call->slots.total, call->slots.ratio, u, call->count);
    vector->expand(call->ancestor, edge, n, block * BLOCK);
}

/* One uniform per stratum, cut where a parent ends inside; not for the stratum `skipped`. */
static int enumerate_strata(mote_resample_call *call, int64_t skipped)
{
    double *cuts = mote_resample_cuts(call, call->w->n);
    if (!cuts)
        return MOTE_ENOMEM;
    mote_resample_accumulate(call);
    for (int64_t slot = 0; slot < call->count; ++slot) {
        int64_t count = 0;
        for (int64_t i = 0; i < call->w->n && slot != skipped; ++i) {
            const double x = (double)call->r->whole[i] * call->slots.ratio - (double)slot;
            if (x > 0 && x < 1)
                cuts[count++] = x;
        }
        if (slot != skipped)
            call->r->number[slot] = mote_uniform_cut(call->source, cuts, count);
    }
    return MOTE_OK;
}

int mote_resample_stratified(mote_resample_call *call)
{
    const double zero = 0.0;
    const double left = call->kept >= 0 ? place_kept(call, &zero, 1) : 0.0;
    const int64_t slot = call->kept >= 0 ? call->slot : -1;
    if (!call->enumerated)
        mote_resample_uniforms(call, call->count);
    else if (enumerate_strata(call, slot))
        return MOTE_ENOMEM;
    if (slot >= 0)
        call->r->number[slot] = left;
    mote_resample_blocks(call, stratified_block, call->w->n);
    if (slot >= 0)
        call->ancestor[slot] = (int32_t)call->kept; /* as it is but for rounding at the interval's ends */
    return MOTE_OK;
}

/* ---- ordered points ---- */

int mote_resample_points(mote_resample_call *call, const uint64_t *cumulative, uint64_t total)
{
    const int64_t n = call->w->n;
    double *cuts = call->enumerated ? mote_resample_cuts(call, n) : NULL;
    if (call->enumerated && !cuts)
        return MOTE_ENOMEM;
    for (int64_t i = 0; cuts && i < n; ++i)
        cuts[i] = cumulative[i] == total ? 1.0 : (double)cumulative[i] * (1.0 / (double)total);
    if (call->points > 0)
        mote_ordered_uniforms(call->source, call->r->number, call->points, cuts, cuts ? n : 0);
    call->r->number[call->points] = INFINITY;
    return MOTE_OK;
}

int64_t mote_resample_below(const mote_resample_call *call, uint64_t cumulative, uint64_t total)
{
    const double end = (double)cumulative * (1.0 / (double)total);
    int64_t low = 0, high = call->points;
    if (cumulative == total)
        return call->points;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (call->r->number[middle] < end)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Point and parent, one of which is passed at each turn: without a branch that could be foreseen wrongly. Four
 * stretches of parents are merged side by side, since one alone waits for its own numbers. */
enum { STRETCHES = 4 };

typedef struct stretch {
    int64_t parent, last; /* next and one past the last */
    int64_t point;        /* first that has not been passed */
} stretch;

static inline void pass_one(stretch *at, int32_t *edge, const double *end, const double *point)
{
    const int64_t below = point[at->point] < end[at->parent];
    edge[at->parent] = (int32_t)at->point;
    at->point += below;
    at->parent += !below;
}

static void merge(stretch *given, int32_t *edge, const double *end, const double *point)
{
    stretch a = given[0], b = given[1], c = given[2], d = given[3];
    while (a.parent < a.last && b.parent < b.last && c.parent < c.last && d.parent < d.last) {
        pass_one(&a, edge, end, point);
        pass_one(&b, edge, end, point);
        pass_one(&c, edge, end, point);
        pass_one(&d, edge, end, point);
    }
    stretch rest[STRETCHES] = { a, b, c, d };
    for (int64_t s = 0; s < STRETCHES; ++s)
        while (rest[s].parent < rest[s].last)
            pass_one(&rest[s], edge, end, point);
}

void mote_resample_merge(const mote_resample_call *call, int32_t *edge, const uint64_t *cumulative, int64_t n,
                         uint64_t total)
{
    double end[BLOCK];
    stretch stretches[STRETCHES];
    int64_t open = n; /* parents that end before the total */
    mote_vector()->numbers(end, cumulative, n, 1.0 / (double)total);
    while (open > 0 && cumulative[open - 1] == total)
        edge[--open] = (int32_t)call->points;
    for (int64_t s = 0; s < STRETCHES; ++s) {
        const int64_t from = open * s / STRETCHES, to = open * (s + 1) / STRETCHES;
        stretches[s] = (stretch){ from, to, from < to ? mote_resample_below(call, cumulative[from], total) : 0 };
    }
    merge(stretches, edge, end, call->r->number);
}

static void multinomial_block(mote_resample_call *call, int64_t block)
{
    uint64_t cumulative[BLOCK];
    int32_t edge[BLOCK + 1];
    const int64_t n = mote_resample_cumulative(call, block, cumulative), first = block * BLOCK;
    edge[0] = (int32_t)mote_resample_below(call, call->r->before[block], call->slots.total);
    mote_resample_merge(call, edge + 1, cumulative, n, call->slots.total);
    for (int64_t i = 0; call->kept >= 0 && i <= n; ++i)
        edge[i] += first + i > call->kept;
    mote_vector()->expand(call->ancestor, edge, n, first);
}

int mote_resample_multinomial(mote_resample_call *call)
{
    call->points = call->count - (call->kept >= 0);
    if (call->enumerated)
        mote_resample_accumulate(call);
    if (mote_resample_points(call, call->r->whole, call->slots.total))
        return MOTE_ENOMEM;
    mote_resample_blocks(call, multinomial_block, call->w->n);
    if (call->kept >= 0)
        mote_resample_pick(call);
    return MOTE_OK;
}
