/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole-number weights: their scale, their sums over blocks, and what the schemes do with them.
 *
 * q_i = round(w_i 2^(F - e)), 2^e above the largest weight, F = min(52, 63 - ceil log2 n): each q is exact in a double,
 * and all sums stay below 2^64. Multiplication by the power of two is exact, in two steps since it may itself leave the
 * range of a double (weights of 1e-300 are as good as any others).
 *
 * q_i count = n_i total + rest_i is solved exactly modulo 2^64: n_i from the rounded quotient is at most one off. */
#include <math.h>
#include <string.h>

#include "smc/resample_parts.h"

enum { CHUNK = 8, SHARES = 4 }; /* blocks that one thread takes at a time, at most; times that each comes for some, at
                                 * least */
enum { LEAST = 8, LEAST_OF_SUMS = 16 }; /* blocks that are worth a second thread; of passes that only sum up */

typedef struct pass {
    mote_resample_call *call;
    void (*work)(mote_resample_call *call, int64_t block);
    int64_t blocks, chunk;
} pass;

static void do_chunk(void *ctx, int64_t item, int64_t thread)
{
    const pass *p = ctx;
    (void)thread;
    for (int64_t block = item * p->chunk; block < p->blocks && block < (item + 1) * p->chunk; ++block)
        p->work(p->call, block);
}

static void run_pass(mote_resample_call *call, void (*work)(mote_resample_call *call, int64_t block), int64_t n,
                     int64_t least)
{
    pass p = { call, work, (n + BLOCK - 1) / BLOCK, 1 };
    if (call->parallel && p.blocks >= least) {
        const int64_t share = p.blocks / (SHARES * mote_pool_threads(call->r->pool));
        p.chunk = share < 1 ? 1 : share < CHUNK ? share : CHUNK;
        mote_pool_run_near(call->r->pool, do_chunk, &p, (p.blocks + p.chunk - 1) / p.chunk);
    } else {
        for (int64_t block = 0; block < p.blocks; ++block)
            work(call, block);
    }
}

void mote_resample_blocks(mote_resample_call *call, void (*work)(mote_resample_call *call, int64_t block), int64_t n)
{
    run_pass(call, work, n, LEAST);
}

/* ---- scale and sums ---- */

double mote_resample_factor(const mote_resample_call *call, int64_t block)
{
    return call->w->factor ? call->w->factor[block] : 1.0;
}

static void find_largest(mote_resample_call *call, int64_t block)
{
    call->r->maximum[block] = mote_vector()->largest(call->w->weight + block * BLOCK,
                                                     mote_resample_size(call->w->n, block),
                                                     mote_resample_factor(call, block));
}

int mote_resample_keeps(const mote_resample_call *call, int64_t block)
{
    return call->kept >= 0 && call->kept / BLOCK == block;
}

static uint64_t fixed_sum(const mote_resample_call *call, int64_t block, uint64_t *fixed)
{
    const int64_t n = mote_resample_size(call->w->n, block), place = call->kept - block * BLOCK;
    uint64_t sum = mote_vector()->fixed(fixed, call->w->weight + block * BLOCK, n, mote_resample_factor(call, block),
                                        call->slots.low, call->slots.high);
    if (mote_resample_keeps(call, block) && !fixed[place]) {
        fixed[place] = 1;
        ++sum;
    }
    return sum;
}

static void sum_block(mote_resample_call *call, int64_t block)
{
    uint64_t fixed[BLOCK];
    if (mote_resample_keeps(call, block))
        call->r->before[block + 1] = fixed_sum(call, block, fixed);
    else
        call->r->before[block + 1] = mote_vector()->total(call->w->weight + block * BLOCK,
                                                          mote_resample_size(call->w->n, block),
                                                          mote_resample_factor(call, block), call->slots.low,
                                                          call->slots.high);
}

static int64_t fraction_bits(int64_t n)
{
    int64_t bits = 63;
    for (int64_t reach = 1; reach < n; reach *= 2)
        --bits;
    return bits < 52 ? bits : 52;
}

int mote_resample_prepare(mote_resample_call *call)
{
    double largest = 0;
    int exponent;
    call->blocks = (call->w->n + BLOCK - 1) / BLOCK;
    const double *maximum = call->w->weighed ? call->w->factor : call->r->maximum;
    if (!call->w->weighed)
        run_pass(call, find_largest, call->w->n, LEAST_OF_SUMS);
    for (int64_t b = 0; b < call->blocks; ++b) {
        if (isnan(maximum[b]))
            return MOTE_EINVAL;
        largest = maximum[b] > largest ? maximum[b] : largest;
    }
    if (!(largest > 0))
        return MOTE_ENUMERIC;
    frexp(largest, &exponent); /* largest < 2^exponent */
    const int shift = (int)fraction_bits(call->w->n) - exponent;
    call->slots.low = ldexp(1.0, shift / 2);
    call->slots.high = ldexp(1.0, shift - shift / 2);
    call->most = (uint64_t)(largest * call->slots.low * call->slots.high + 0.5);
    call->r->before[0] = 0;
    run_pass(call, sum_block, call->w->n, LEAST_OF_SUMS);
    for (int64_t b = 0; b < call->blocks; ++b)
        call->r->before[b + 1] += call->r->before[b];
    call->slots.total = call->r->before[call->blocks];
    call->slots.count = call->count;
    call->slots.ratio = (double)call->count / (double)call->slots.total;
    return MOTE_OK;
}

int64_t mote_resample_fixed(const mote_resample_call *call, int64_t block, uint64_t *fixed)
{
    fixed_sum(call, block, fixed);
    return mote_resample_size(call->w->n, block);
}

int64_t mote_resample_cumulative(const mote_resample_call *call, int64_t block, uint64_t *cumulative)
{
    const int64_t n = mote_resample_fixed(call, block, cumulative);
    mote_vector()->prefix(cumulative, n, call->r->before[block]);
    return n;
}

static void accumulate_block(mote_resample_call *call, int64_t block)
{
    mote_resample_cumulative(call, block, call->r->whole + block * BLOCK);
}

void mote_resample_accumulate(mote_resample_call *call)
{
    mote_resample_blocks(call, accumulate_block, call->w->n);
}

/* ---- randomness ---- */

mote_source mote_resample_at(const mote_resample_call *call, uint32_t draw, int64_t item)
{
    mote_source at = *call->source;
    at.draw = draw;
    at.first += item;
    return at;
}

static void uniforms_of_block(mote_resample_call *call, int64_t block)
{
    mote_source at = mote_resample_at(call, call->draw, block * BLOCK);
    mote_uniforms(&at, call->r->number + block * BLOCK, mote_resample_size(call->points, block));
}

void mote_resample_uniforms(mote_resample_call *call, int64_t n)
{
    call->points = n;
    call->draw = call->source->draw++;
    mote_resample_blocks(call, uniforms_of_block, n);
}

double *mote_resample_cuts(mote_resample_call *call, int64_t n)
{
    mote_resampler *r = call->r;
    if (n > r->cut_capacity) {
        double *more = mote_memory_resize(&r->memory, r->cuts, r->cut_capacity, n, sizeof *more);
        if (!more)
            return NULL;
        r->cuts = more;
        r->cut_capacity = n;
    }
    return r->cuts;
}

/* Cuts come in nearly ascending order, and few. */
void mote_resample_sort(double *cuts, int64_t n)
{
    for (int64_t i = 1; i < n; ++i) {
        const double value = cuts[i];
        int64_t j = i;
        for (; j > 0 && cuts[j - 1] > value; --j)
            cuts[j] = cuts[j - 1];
        cuts[j] = value;
    }
}

/* ---- whole offspring and remainders ---- */

static void split_block(mote_resample_call *call, int64_t block)
{
    uint64_t *rest = call->r->whole + block * BLOCK;
    int32_t *offspring = call->r->offspring + block * BLOCK;
    const uint64_t total = call->slots.total, count = (uint64_t)call->count;
    const int64_t n = mote_resample_fixed(call, block, rest);
    int64_t sum = 0;
    for (int64_t i = 0; i < n; ++i) {
        uint64_t whole = (uint64_t)((double)rest[i] * call->slots.ratio);
        uint64_t left = rest[i] * count - whole * total; /* within total / 4 of [0, total), modulo 2^64 */
        const uint64_t below = left > UINT64_MAX - total / 2, above = !below & (left >= total);
        whole += above - below;
        left += (below - above) * total;
        rest[i] = left;
        offspring[i] = (int32_t)whole;
        sum += offspring[i];
    }
    call->r->whole_before[block + 1] = sum;
}

static int64_t sum_before(mote_resample_call *call)
{
    call->r->whole_before[0] = 0;
    for (int64_t b = 0; b < call->blocks; ++b)
        call->r->whole_before[b + 1] += call->r->whole_before[b];
    return call->r->whole_before[call->blocks];
}

int64_t mote_resample_split(mote_resample_call *call)
{
    mote_resample_blocks(call, split_block, call->w->n);
    return call->count - sum_before(call);
}

static void count_block(mote_resample_call *call, int64_t block)
{
    const int32_t *offspring = call->r->offspring + block * BLOCK;
    const int64_t n = mote_resample_size(call->w->n, block);
    int64_t sum = 0;
    for (int64_t i = 0; i < n; ++i)
        sum += offspring[i];
    call->r->whole_before[block + 1] = sum;
}

static void expand_block(mote_resample_call *call, int64_t block)
{
    const int32_t *offspring = call->r->offspring + block * BLOCK;
    const int64_t n = mote_resample_size(call->w->n, block);
    int32_t edge[BLOCK + 1] = { (int32_t)call->r->whole_before[block] };
    for (int64_t i = 0; i < n; ++i)
        edge[i + 1] = edge[i] + offspring[i];
    mote_vector()->expand(call->ancestor, edge, n, block * BLOCK);
}

void mote_resample_expand(mote_resample_call *call)
{
    mote_resample_blocks(call, count_block, call->w->n);
    sum_before(call);
    mote_resample_blocks(call, expand_block, call->w->n);
}

/* The first place from which on ancestor[place] >= parent. */
static int64_t first_from(const mote_resample_call *call, int32_t parent)
{
    int64_t low = 0, high = call->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (call->ancestor[middle] < parent)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void mote_resample_pick(mote_resample_call *call)
{
    const int64_t first = first_from(call, (int32_t)call->kept), last = first_from(call, (int32_t)(call->kept + 1));
    call->slot = first + mote_choose(call->source, NULL, last - first);
}
