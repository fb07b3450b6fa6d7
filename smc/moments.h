/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights and weighted moments of plain columns, in a fixed order of summation. */
#ifndef MOTE_SMC_MOMENTS_H
#define MOTE_SMC_MOMENTS_H

#include <mote/base.h>

/* Mean and variance of x^i = column[index[i]] (index NULL: column[i]) with weights that sum to 1 (NULL: 1/n each). What
 * particles without weight hold does not matter, be it infinite. */
void mote_moments(const double *weight, const double *column, const int32_t *index, int64_t n, double *mean,
                  double *variance);

/* Sum of weight[i] x[i] where weight[i] > 0. */
double mote_weighted_sum(const double *weight, const double *x, int64_t n);

/* weight[i] = exp(log_weight[i]) / sum; returns the log of the sum: -inf, with weights of 0, when all are -inf. */
double mote_normalise(double *weight, const double *log_weight, int64_t n);

#endif
