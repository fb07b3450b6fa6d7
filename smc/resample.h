/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resampling of particles, whole and given one ancestor. A resampler owns the working memory of one scheme for up to
 * `capacity` particles, so that a step allocates nothing:
 *
 *     mote_resampler_open(&r, MOTE_RESAMPLE_SYSTEMATIC, n, memory, pool, message)
 *     mote_resample(&r, source, &weights, n, ancestor)                        once per step
 *     mote_resampler_close(&r)
 *
 * Weights are turned into whole numbers first (core/vector_weights.h), and every scheme draws by these: q_i, at most
 * 2^F for the largest weight, F = min(52, 63 - log2 n). So sums have the same bits for any number of threads, and W_i
 * means q_i / sum q; a weight below 2^-(F + 1) of the largest counts as zero.
 *
 * Randomness comes from the source's present address: draw calls count from its `draw`, slots (or parents) from its
 * `first`. Rejection opens a stream per slot, which has no draw number: give each resampling another step. */
#ifndef MOTE_SMC_RESAMPLE_H
#define MOTE_SMC_RESAMPLE_H

#include <mote/resample.h>

#include "core/message.h"
#include "core/source.h"
#include "core/threads.h"
#include "core/vector.h"

/* Weight i is weight[i] factor[i / MOTE_WEIGHT_BLOCK], not normalised; factor NULL: 1. */
typedef struct mote_block_weights {
    const double *weight;
    const double *factor;
    int64_t n;
    int64_t weighed; /* 1: weights from the kernel `weigh`, so that the largest of each block is 1 where its factor is
                      * not 0 */
} mote_block_weights;

typedef struct mote_resample_call mote_resample_call;

/* Of one thread that asks for slots: the block of parents that it looked at last, whose slots begin at the edges. */
typedef struct mote_resample_edges {
    int64_t turn, block; /* of which resampling; all zero to begin with */
    int32_t edge[MOTE_WEIGHT_BLOCK + 1];
} mote_resample_edges;

typedef struct mote_resampler {
    mote_memory memory;
    mote_pool *pool;
    int64_t choice, capacity;
    int64_t steps;           /* of Metropolis; 0: as many as its bias of 1 % needs, see smc/resample_metropolis.c */
    int64_t blocks;          /* that the capacity fills */
    double *maximum;         /* per block: the largest weight */
    uint64_t *before;        /* per block, and the total: whole-number weight of all blocks before */
    uint64_t *rest_before;   /* the same of remainders */
    int64_t *whole_before;   /* the same of whole offspring */
    uint64_t *whole;         /* per particle: a cumulative weight, or a remainder */
    int32_t *offspring;      /* per particle, and one: counts, edges or a guide table */
    double *number;          /* per particle, and one: uniforms, points or weights */
    mote_resample_call *begun;
    int64_t turn;            /* how many resamplings have begun in parts */
    double *cuts;            /* of an enumerated draw: grows as needed, NULL otherwise */
    int64_t cut_capacity;
} mote_resampler;

/* `capacity` bounds n and count. `pool` is borrowed; NULL: serial. MOTE_EOPTION for an unknown scheme. */
int mote_resampler_open(mote_resampler *r, int64_t choice, int64_t capacity, const mote_memory *memory,
                        mote_pool *pool, mote_message *message);
void mote_resampler_close(mote_resampler *r);

/* Ancestors of `count` offspring. MOTE_EINVAL for a weight that is negative, NaN or infinite and for sizes out of
 * range; MOTE_ENUMERIC when all weights are zero: nothing has been drawn then; MOTE_EUNSUPPORTED for a scheme whose
 * output weights are unequal. */
int mote_resample(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count,
                  int32_t *ancestor);

/* The same in parts, so that each slot's ancestor is found where it is needed, by any thread: `begin` sums up the
 * weights and draws; then `slots` writes ancestor[first..first + n - 1], for every slot until the next resampling, and
 * cannot fail. Weights stay as they are until then. MOTE_EUNSUPPORTED, nothing drawn: the scheme is not systematic, or
 * the source is not a live one; take mote_resample. */
int mote_resample_begin(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count,
                        int32_t *ancestor);
void mote_resample_slots(const mote_resampler *r, int64_t first, int64_t n, mote_resample_edges *edges);

/* The same with the weights of the offspring, which sum to one: 1 / count, or a weighted scheme's own. */
int mote_resample_weighted(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count,
                           int32_t *ancestor, double *weight);

/* Ancestors and a slot with ancestor[*slot] = k, from the joint law that has probability P(ancestors) / (count W_k) for
 * each slot of k: what a conditional filter needs whose reference is particle k. Where W_k is zero in whole numbers,
 * the limit for small W_k. MOTE_EUNSUPPORTED for a scheme without this form. */
int mote_resample_conditional(mote_resampler *r, mote_source *source, const mote_block_weights *w, int64_t count,
                              int64_t k, int32_t *ancestor, int64_t *slot);

/* MOTE_EUNSUPPORTED, naming the scheme, when it lacks one of the flags in `wanted` or has one of `unwanted`. */
int mote_resampling_require(int64_t choice, int64_t wanted, int64_t unwanted, mote_message *message);

/* The same of a run that keeps as many particles as it has: there a weighted scheme keeps all that are alive, which is
 * not to resample, and is refused with what it is for. */
int mote_resampling_of_particles(int64_t choice, int64_t wanted, mote_message *message);

/* Exchanges ancestors among slots so that every i < count which has offspring keeps slot i: nothing need be copied for
 * survivors. The multiset stays; order and the slot of a conditional draw do not. */
void mote_resampler_keep_slots(mote_resampler *r, int32_t *ancestor, int64_t count);

#endif
