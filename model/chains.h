/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What chains are worth: long-run variance and effective sample size of numbers that lie along Markov chains.
 *
 *     v = gamma_0 + 2 sum_k gamma_k,   variance of the mean of n numbers = v / n,   effective size = n gamma_0 / v
 *
 * gamma_k is pooled over the chains about one mean, so that chains which disagree count as one that moves slowly. The
 * sum is the initial monotone sequence of Geyer (1992, Statistical Science 7, 473, section 3.3): pairs gamma_2m +
 * gamma_2m+1 as long as they are positive, none larger than the one before. n / (effective sample size) is the
 * autocorrelation time; it can be trusted when chains are many times longer. Known answers: 1, 1, -1, -1 has v = 5/3
 * and size 2.4; an autoregression of order one with coefficient r has the time (1 + r) / (1 - r)
 * (tests/model/test_chains.c). */
#ifndef MOTE_MODEL_CHAINS_H
#define MOTE_MODEL_CHAINS_H

#include "core/memory.h"
#include "model/draws.h"

typedef struct mote_chains {
    const double *x;      /* iteration i of chain c: x[c * stride + i * step] */
    int64_t length, count;
    int64_t step, stride;
} mote_chains;

/* v, about `mean`; `variance` gets gamma_0. */
double mote_chains_long_run_variance(const mote_chains *chains, double mean, double *variance);

/* Effective sample size, at most length x count; NaN of numbers that are all the same or not finite, or without
 * memory. */
double mote_chains_effective_sample_size(const mote_chains *chains, const mote_memory *memory);

/* Of column k of draws whose rows lie along chains. Chains of a sampled parameter, of a state or of a functional of the
 * path that have never moved are stuck: each counts as one draw. Constant by nature, and NaN, may be what the model
 * derives (MOTE_PRIOR_DERIVED), and a component of a state, columns of no prior with the same `group`, of which another
 * moves: a state is exchanged as a whole, so that the component is the same in all particles. NaN also of numbers that
 * are not finite, or without memory; fixed parameters have no column. */
double mote_draws_column_size(const mote_draws *draws, int64_t k);

/* Adds the warning "short_chains" where chains are too short for the column that moves slowest, or does not move. */
int mote_draws_warn_of_short_chains(mote_draws *draws);

#endif
