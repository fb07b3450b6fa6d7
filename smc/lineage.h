/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the present particles come from, up to `lag` generations back: a sliding window over ancestor vectors.
 *
 * Generation g descends from g - 1 by A_g; the ancestor k generations back of present particle i is
 * A_{g-k+1}[... A_g[i]]. Composition is associative, so that a window of L maps is kept as two stacks: products of the
 * older maps, the younger maps as they came, and the product of the younger ones. A push costs two compositions on the
 * average (one, and L of them once in L pushes), the oldest generation is one composition away, and the memory is that
 * of L + 2 maps. Known answer: tests/smc/test_lineage.c, against composing all maps anew. */
#ifndef MOTE_SMC_LINEAGE_H
#define MOTE_SMC_LINEAGE_H

#include "core/checkpoint.h"
#include "core/memory.h"
#include "core/threads.h"

typedef struct mote_lineage {
    const mote_memory *memory;
    mote_pool *pool;     /* NULL: serial; may be set after open */
    int64_t n, lag;
    int64_t count;       /* generations behind the present one that are kept, at most lag */
    int64_t older;       /* of these: kept as products */
    int64_t first;       /* slot of the oldest map */
    int64_t capacity;    /* slots */
    int32_t **map;       /* capacity slots, a ring: products first, then maps as they came */
    int32_t *younger;    /* product of the maps that are no products; identity without such maps */
    int32_t *scratch;
} mote_lineage;

int mote_lineage_open(mote_lineage *lineage, const mote_memory *memory, int64_t n, int64_t lag);
void mote_lineage_close(mote_lineage *lineage);
void mote_lineage_clear(mote_lineage *lineage);

/* Room for one more map: MOTE_ENOMEM leaves the window as it was. Doubles up to `lag` slots, then allocates no more. */
int mote_lineage_reserve(mote_lineage *lineage);

/* At least min(slots, lag) slots in all: steps that push no more maps than this take no memory. */
int mote_lineage_reserve_slots(mote_lineage *lineage, int64_t slots);

/* A new generation: particle i descends from ancestor[i] of the one before (NULL: from i). */
void mote_lineage_push(mote_lineage *lineage, const int32_t *ancestor);

/* index[i]: the ancestor of present particle i in the oldest generation kept (`count` generations back), and in the one
 * after it (count - 1 back; the particle itself when count <= 1). O(n). */
void mote_lineage_oldest(const mote_lineage *lineage, int32_t *index);
void mote_lineage_second(const mote_lineage *lineage, int32_t *index);

/* From the ancestors k - 1 generations back (k = 1: index[i] = i) to those k back, in place; 1 <= k <= count. O(n). */
void mote_lineage_back(const mote_lineage *lineage, int64_t k, int32_t *index);

void mote_lineage_save(const mote_lineage *lineage, mote_writer *writer);
int mote_lineage_load(mote_lineage *lineage, mote_reader *reader); /* into an open one of the same n and lag */

/* Ancestor vectors in checkpoints: two entries to a word; entries must be in 0..bound - 1. */
void mote_put_indices(mote_writer *writer, const int32_t *index, int64_t n);
void mote_get_indices(mote_reader *reader, int32_t *index, int64_t n, int64_t bound);

#endif
