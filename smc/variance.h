/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors of a particle filter from its own genealogy, without replicates: a collector.
 *
 * Generations g = 0..n_r are separated by the resampling events; a block between two counts as one step. E_g^i is the
 * ancestor of particle i in generation g ("eve"), C_g^u = sum_e (sum_{i: E_g^i = e} W^i)^2 with the weights at the end
 * of generation u = min(g + lag, n_r).
 *
 *     h_g = (C_g^u - C_{g+1}^u) / (1 - C_{g+1}^u),   C_{g+1}^u = 0 when g + 1 > u
 *     var(log Z) = sum_g [-log(1 - h_g) - log(N / (N - 1))]    multinomial
 *                  sum_g [-log(1 - h_g)] - 1/N                 every other scheme
 *
 * With lag >= n_r the multinomial form is -log(1 - v), v = 1 - (N/(N-1))^{n_r+1} (1 - C_0) (Lee and Whiteley 2018,
 * arXiv:1509.00394; Z^2 v is unbiased for Var(Z) when every step resamples). Of a filtered mean, with eves `lag` events
 * back (Olsson and Douc 2019, arXiv:1709.03656) or at time 0 (Chan and Lai 2013):
 *
 *     V(phi) = sum_e (sum_{i: E^i = e} W^i (phi^i - phi_hat))^2;   Lee and Whiteley: times (N/(N-1))^{n_r+1}
 *
 * Unreliable: one ancestor is left (v says 1 then, V says 0), counted among particles with weight (above 2^-62 of the
 * whole); and a variance of log Z that is negative or above 1. Not available: N = 1, quasi-random points, all weights
 * zero.
 * Cost of a resampling event: about six passes over the particles, whatever the lag; memory: lag + 4 index vectors.
 * Known answer: tests/smc/test_variance.c, by enumeration. */
#ifndef MOTE_SMC_VARIANCE_H
#define MOTE_SMC_VARIANCE_H

#include "smc/lineage.h"
#include "smc/particle_filter.h"

typedef struct mote_variance {
    mote_collector collector;
    const mote_memory *memory;
    int64_t n;
    int64_t multinomial;
    int64_t generation;  /* n_r so far */
    double closed;       /* sum of -log(1 - h_g) over the generations that are more than lag events back */
    int64_t fewest;      /* ancestors that were left in any of these */
    mote_lineage lineage;
    int32_t *eve;        /* ancestors in generation 0; NULL: not followed */
    int32_t *index;      /* scratch: n */
    double *sum;         /* scratch: n, by ancestor */
    _Atomic int64_t *mass;  /* scratch: n, weights by ancestor */
    double *square;      /* scratch: per block of ancestors */
    int64_t *count;
} mote_variance;

/* A variance with what speaks against it. NaN: not available. */
typedef struct mote_variance_value {
    double value;
    int64_t ancestors;   /* left with weight: the fewest that entered */
    int64_t reliable;
} mote_variance_value;

/* Opens and adds itself to the filter, which it must outlive. `eves`: follow the ancestors at time 0. */
int mote_variance_open(mote_variance *variance, mote_particle_filter *filter, int64_t lag, int64_t eves,
                       const mote_memory *memory);
void mote_variance_close(mote_variance *variance);

/* Of log Z, as the filter stands. */
mote_variance_value mote_variance_evidence(const mote_variance *variance, const mote_particle_filter *filter);

/* Of the filtered mean of a column, with ancestors `lag` events back (at most the lag of open). */
mote_variance_value mote_variance_mean(const mote_variance *variance, const mote_particle_filter *filter,
                                       const double *column, int64_t lag);

/* With ancestors at time 0: v of Lee and Whiteley (of exp(log Z), relative); V of a filtered mean, with their factor
 * or, as Chan and Lai, without. Needs `eves`, or a run with at most `lag` events. */
mote_variance_value mote_variance_evidence_eve(const mote_variance *variance, const mote_particle_filter *filter);
mote_variance_value mote_variance_mean_eve(const mote_variance *variance, const mote_particle_filter *filter,
                                           const double *column, int64_t factor);

#endif
