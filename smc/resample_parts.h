/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of resampling share: one call with its whole-number weights, and passes over blocks. */
#ifndef MOTE_SMC_RESAMPLE_PARTS_H
#define MOTE_SMC_RESAMPLE_PARTS_H

#include "smc/resample.h"

enum { BLOCK = MOTE_WEIGHT_BLOCK };

struct mote_resample_call {
    mote_resampler *r;
    mote_source *source;
    const mote_block_weights *w;
    mote_block_weights begun;/* what w is when the slots are asked for later */
    int64_t count;
    int64_t kept; /* the parent that must have an offspring, or -1 */
    int32_t *ancestor;
    double *weight;         /* of the offspring, or NULL */
    int64_t slot;           /* out: where the kept parent's offspring is */
    int enumerated;         /* the source wants cuts; then all is serial */
    int parallel;
    int64_t blocks;         /* of the n weights */
    mote_weight_slots slots;/* the scale of the whole numbers, their sum, and count once more; u: systematic */
    uint64_t most;          /* the largest q */
    int64_t points;         /* how many ordered points stand in r->number, followed by infinity */
    int64_t steps;          /* Metropolis */
    uint32_t draw;          /* number of the first draw call of a pass */
};

/* Runs work(call, block) for every block of `n` items, on the pool when that pays. */
void mote_resample_blocks(mote_resample_call *call, void (*work)(mote_resample_call *call, int64_t block), int64_t n);

static inline int64_t mote_resample_size(int64_t n, int64_t block)
{
    return n - block * BLOCK < BLOCK ? n - block * BLOCK : BLOCK;
}

/* Checks the weights and fills the call: scale, sums, total. */
int mote_resample_prepare(mote_resample_call *call);

double mote_resample_factor(const mote_resample_call *call, int64_t block);

/* Is the kept parent one of the block's? */
int mote_resample_keeps(const mote_resample_call *call, int64_t block);

/* The q of one block, or their cumulative sums; both return how many there are. A kept parent has at least 1. */
int64_t mote_resample_fixed(const mote_resample_call *call, int64_t block, uint64_t *fixed);
int64_t mote_resample_cumulative(const mote_resample_call *call, int64_t block, uint64_t *cumulative);

/* r->whole = cumulative q of all particles. */
void mote_resample_accumulate(mote_resample_call *call);

/* Numbers of the next draw call for items 0..n-1 of `first`: by blocks, without moving the source. */
mote_source mote_resample_at(const mote_resample_call *call, uint32_t draw, int64_t item);

/* r->number[0..n-1] = uniforms of the next draw call. */
void mote_resample_uniforms(mote_resample_call *call, int64_t n);

/* Room for n cuts, or NULL; ascending order. */
double *mote_resample_cuts(mote_resample_call *call, int64_t n);
void mote_resample_sort(double *cuts, int64_t n);

/* q_i count = n_i total + rest_i: r->offspring = n_i, r->whole = rest_i < total, r->whole_before by blocks; all exact.
 * Returns how many offspring are left. */
int64_t mote_resample_split(mote_resample_call *call);

/* Ancestors from r->offspring as counts. */
void mote_resample_expand(mote_resample_call *call);

/* edge_i = how many of the call's points are below cumulative_i / total. */
void mote_resample_merge(const mote_resample_call *call, int32_t *edge, const uint64_t *cumulative, int64_t n,
                         uint64_t total);
int64_t mote_resample_below(const mote_resample_call *call, uint64_t cumulative, uint64_t total);

/* Draws call->points ordered uniforms; when enumerated, with cuts at cumulative weights (all n of them). */
int mote_resample_points(mote_resample_call *call, const uint64_t *cumulative, uint64_t total);

/* The slot of a kept parent among ordered ancestors: one of its offspring, uniformly. */
void mote_resample_pick(mote_resample_call *call);

/* Systematic resampling in parts. */
int mote_resample_systematic_begin(mote_resample_call *call);
void mote_resample_systematic_slots(const mote_resample_call *call, int64_t first, int64_t n,
                                    mote_resample_edges *edges);

/* The schemes. */
int mote_resample_systematic(mote_resample_call *call);
int mote_resample_stratified(mote_resample_call *call);
int mote_resample_multinomial(mote_resample_call *call);
int mote_resample_residual(mote_resample_call *call);
int mote_resample_minimum_error(mote_resample_call *call);
int mote_resample_ssp(mote_resample_call *call);
int mote_resample_killing(mote_resample_call *call);
int mote_resample_rejection(mote_resample_call *call);
int mote_resample_metropolis(mote_resample_call *call);
int mote_resample_optimal(mote_resample_call *call);

#endif
