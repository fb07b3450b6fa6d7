/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums over all pairs (x_t^i, x_{t+1}^j) of two populations: what O(N^2) smoothers are made of. For each row r of the
 * one, over the columns c of the other, with p = m(x_t, x_{t+1}) (times G where it looks at the pair):
 *
 *     log_sum[r] = log sum_c exp(b_c) p(r, c);    mean[k][r] = sum_c exp(b_c) p(r, c) h_k(r, c) / exp(log_sum[r])
 *
 * Rows may be the earlier or the later states. Rows are shared out to threads and each is summed in a fixed order.
 * Known answer: tests/smc/test_smoother_law.c, against sums over all paths. */
#ifndef MOTE_SMC_PAIRS_H
#define MOTE_SMC_PAIRS_H

#include "core/message.h"
#include "core/threads.h"
#include "model/state_space.h"

typedef struct mote_pairs_scratch mote_pairs_scratch;

typedef struct mote_pairs {
    const mote_state_space *space;
    const mote_memory *memory;
    mote_pool *pool;
    mote_message *message;
    int (*functional)(void *ctx, const mote_block *block, double *const *value); /* NULL: none */
    int64_t components;
    mote_pairs_scratch *scratch; /* one for each thread */
    int64_t densities;           /* pairs so far */
} mote_pairs;

typedef struct mote_pair_side {
    int64_t n;
    const double *const *state;
    const double *log_weight; /* b of the columns; of rows: the functional of those at -inf is not asked for, their mean
                               * is 0; NULL: of none */
} mote_pair_side;

int mote_pairs_open(mote_pairs *pairs, const mote_state_space *space,
                    int (*functional)(void *ctx, const mote_block *block, double *const *value), int64_t components,
                    const mote_memory *memory, mote_pool *pool, mote_message *message);
void mote_pairs_close(mote_pairs *pairs);

/* `block` carries step, times, observation... of t + 1. rows_first: rows are the earlier states. mean may be NULL: no
 * functional. MOTE_EMODEL for densities that are NaN or +inf and codes above 0; the model's negative code. */
int mote_pairs_sum(mote_pairs *pairs, const mote_block *block, const mote_pair_side *rows,
                   const mote_pair_side *columns,
                   int rows_first, double *log_sum, double *const *mean);

#endif
