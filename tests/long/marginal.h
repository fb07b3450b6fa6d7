/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Marginal posteriors of the test problems, by quadrature in the unit cube, and how well draws agree with them.
 *
 *     products (gauss, loggamma, rastrigin, half_empty)    the density along each axis, the others held fixed
 *     two dimensions, any problem                          sums over a grid
 *     shells, more dimensions                              the first axis, with the radius of the others
 *     equicorr, spike                                      normal distribution functions
 *     cake, more dimensions                                none */
#ifndef MOTE_TESTS_MARGINAL_H
#define MOTE_TESTS_MARGINAL_H

#include <mote/draws.h>

#include "tests/support/problems.h"

enum { MARGINAL_CELLS = 4000, MARGINAL_AXES = 32 };

typedef struct marginal {
    int64_t axes;                                         /* 0: not known */
    double below[MARGINAL_AXES][MARGINAL_CELLS + 1];      /* posterior mass below u = i / CELLS */
} marginal;

void marginal_compute(marginal *out, mote_problem *problem);

/* Kolmogorov-Smirnov p-value of the worst axis, corrected for their number, with the effective sample size for the
 * number of draws; NaN when the truth is not known. Approximate: draws of one run share its volumes. */
double marginal_p_value(const marginal *truth, const mote_problem *problem, const mote_draws *draws);

/* How much of the draws' weight lies below the true quantiles 0.1, 0.5, 0.9, minus that number, on the first three axes
 * and the last: 12 numbers, NaN for what there is not. Their mean over many seeds is zero, and its error is known from
 * their scatter, however the draws of one run hang together. */
enum { MARGINAL_QUANTILES = 3, MARGINAL_SHOWN = 4 };
void marginal_deviations(const marginal *truth, const mote_problem *problem, const mote_draws *draws, double *out);

#endif
