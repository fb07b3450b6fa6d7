/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alias table (Walker 1977; Vose 1991): after O(n) work, draws from a finite law take one word and one comparison. For
 * many draws from the same weights, as in backward sampling; a single draw is mote_choose's.
 *
 *     mote_alias_open(&table, n, memory), mote_alias_build(&table, weight, n), j = mote_alias_draw(&table, source) */
#ifndef MOTE_SMC_ALIAS_H
#define MOTE_SMC_ALIAS_H

#include "core/memory.h"
#include "core/pcg64.h"
#include "core/source.h"

/* Cell j is j itself for fractions below cut_j of 2^64, else other_j. */
typedef struct mote_alias {
    mote_memory memory;
    int64_t capacity, n;
    uint64_t *cut;
    int32_t *other;
    int32_t *queue;  /* while building */
    uint64_t *mass;  /* while building */
    double *weight;  /* a copy, for sources that want to know the law */
} mote_alias;

int mote_alias_open(mote_alias *table, int64_t capacity, const mote_memory *memory);
void mote_alias_close(mote_alias *table);

/* The law proportional to weight[0..n-1]: as whole numbers, exact from there on; a weight of zero is never drawn.
 * MOTE_EINVAL for weights that are negative, NaN or infinite, MOTE_ENUMERIC when all are zero. */
int mote_alias_build(mote_alias *table, const double *weight, int64_t n);

/* The index that 64 random bits pick. */
static inline int32_t mote_alias_at(const mote_alias *table, uint64_t bits)
{
    const uint64_t cell = mote_multiply_high(bits, (uint64_t)table->n), fraction = bits * (uint64_t)table->n;
    return fraction < table->cut[cell] ? (int32_t)cell : table->other[cell];
}

/* One draw call: one word, or every outcome of a source that wants cuts. */
int64_t mote_alias_draw(const mote_alias *table, mote_source *source);

#endif
