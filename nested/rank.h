/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Honesty tests of nested sampling: insertion ranks (Fowlie, Handley & Su 2020, arXiv:2006.03371) and the rank
 * correlation of a newborn with the point it started from. */
#ifndef MOTE_NESTED_RANK_H
#define MOTE_NESTED_RANK_H

#include "core/memory.h"

/* Running sums, checkpointed. A birth has rank r in 0..s among s survivors; u = (r + U)/(s + 1). The k births of one
 * step share their survivors, so that their ranks are correlated: cov(u, u') = s / (12 (s+1)^2), and a step counts for
 * k / (1 + (k-1) s/(s+1)^2) independent ranks. At k = n/20 that is 5 % less; where a plateau of half of the live points
 * dies at once it is half. */
typedef struct mote_rank_sums {
    double insertion;            /* sum of u - 1/2 since the last reset */
    double births;               /* since the last reset */
    double variance;             /* of `insertion`, in twelfths */
    double total_births, total_variance; /* whole run */
    double resets;               /* |z| > 4 seen */
    double child, parent, child2, parent2, product; /* sums for the correlation since the last change of steps */
    double pairs;
    double total_child, total_parent, total_child2, total_parent2, total_product, total_pairs; /* whole run */
    double doublings;
    double last;                 /* correlation at the last doubling; 0: none yet */
    double futile;               /* 1: the last doubling did not help, and there will be no more */
} mote_rank_sums;

/* Adds the normalised insertion rank of one of the `births` of a step with so many survivors; returns 1 when the running
 * test |sum| / sqrt(variance/12) > 4 fires (the sums are then reset and `resets` counted). */
int mote_rank_insert(mote_rank_sums *sums, double u, int64_t births, int64_t survivors);

/* Adds normalised ranks of child and parent, both in (0, 1). */
void mote_rank_pair(mote_rank_sums *sums, double child, double parent);

/* Are the chains too short? 1 when r sqrt(m) > 4 over the m >= 200 pairs since the last 1: the caller raises a warning, and
 * doubles the steps unless `futile` is set. For the end of a step of the run, so that no pair of old chains is counted
 * for the new steps.
 *
 * A chain that mixes forgets as r^steps, so a doubling squares r. When r is above the 1.25th power of what it was, the
 * chains are not too short: they cannot pass between peaks, and the ranks of parent and child share their peak's height.
 * No number of steps mends that; the steps stay as they are from then on, and the answer is 0. */
int mote_rank_short(mote_rank_sums *sums);

/* Correlation over the whole run and its standard error; NaN with fewer than 3 pairs. */
double mote_rank_correlation(const mote_rank_sums *sums, double *error);

/* Kolmogorov-Smirnov p-value of n numbers against the uniform law on (0, 1): exact for n <= 100 (Marsaglia, Tsang &
 * Wang 2003), Pelz & Good 1976 above, within 6e-6; small p to full relative precision. `scratch` has n entries. */
double mote_uniform_p_value(const double *u, int64_t n, double *scratch);

/* The worst of consecutive windows of `window` numbers, corrected: 1 - (1 - p_min)^windows. 1 when there is none. */
double mote_uniform_p_worst(const double *u, int64_t n, int64_t window, double *scratch);

/* The same two for the insertion ranks of a run: at the number of independent ones. */
double mote_rank_p_value(const mote_rank_sums *sums, const double *u, int64_t n, double *scratch);
double mote_rank_p_worst(const mote_rank_sums *sums, const double *u, int64_t n, int64_t window, double *scratch);

#endif
