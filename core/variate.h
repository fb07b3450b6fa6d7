/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Variates, inside: what the files core/variate_*.c share and tests look at. Everything is made of +, -, *, /, sqrt,
 * floor and our own exp and log, so that the bytes are the same everywhere; no function of libm that may differ. */
#ifndef MOTE_CORE_VARIATE_H
#define MOTE_CORE_VARIATE_H

#include <mote/variate.h>

double mote_log_one_plus(double x); /* log(1 + x), x >= -1, to a few units of the last place */

/* log k! - (k log k - k + log sqrt(2 pi k)) = 1/(12 k) - 1/(360 k^3) + ..., k >= 0; 0 for k = 0. */
double mote_stirling(double k);

/* (1 + y) log(1 + y) - y for y > -1, without cancellation for small y; 1 for y <= -1. With y = k / m - 1 this is the
 * deviance of a Poisson count: p(k) = exp(-m D(y) - stirling(k)) / sqrt(2 pi k). */
double mote_deviance(double y);

/* Transformed rejection with squeeze (W. Hoermann, Insurance: Mathematics and Economics 12 (1993) 39; J. Statist.
 * Comput. Simul. 46 (1993) 101). U is uniform on (-1/2, 1/2), s = 1/2 - |U|, V uniform on (0, 1):
 *     k = floor((2 a / s + b) U + centre);   k is taken if V < r(k, U),   r = f(k) (a / s^2 + b) / scale,
 * which is exact if r <= 1 everywhere. If r >= squeeze wherever s >= 0.07, then V <= squeeze decides without f. */
typedef struct mote_hat {
    double a, b, scale, squeeze, shift; /* centre = mean + shift */
    int64_t base;                       /* mean = base + fraction */
    double fraction;
    double mean, other; /* of successes and, in a binomial law, of failures */
    int64_t n;          /* -1: Poisson */
} mote_hat;

mote_hat mote_poisson_hat(double mean);            /* 10 <= mean <= 2^62 */
mote_hat mote_binomial_hat(int64_t n, double p);   /* p <= 1/2, n p >= 10 */

/* f(k) = exp(exponent) / sqrt(square): of a Poisson law the probability, of a binomial law that over the one of its
 * mode. The exponent is -inf outside of the support. */
double mote_hat_exponent(const mote_hat *hat, int64_t k, double *square);

#endif
