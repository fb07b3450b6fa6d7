/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The posterior of rho on case A under a uniform prior on (-1, 1), by quadrature over a scalar Kalman filter. */
#ifndef MOTE_TESTS_RHO_POSTERIOR_H
#define MOTE_TESTS_RHO_POSTERIOR_H

#include <math.h>

#include "tests/support/state_space_models.h"

/* log p(y | rho) of the first `times` observations of case A, and the mean of the last state: a scalar Kalman filter. */
static inline double exact_log_likelihood_of(double rho, int times, double *state)
{
    double mean = 0, variance = 1 / 0.19, sum = 0;
    for (int t = 0; t < times; ++t) {
        if (t) {
            mean *= rho;
            variance = rho * rho * variance + 1;
        }
        const double s = variance + 1, e = linear_gaussian_a.series->values[t] - mean;
        sum -= 0.5 * (e * e / s + log(s) + 1.8378770664093454836);
        mean += variance / s * e;
        variance /= s;
    }
    *state = mean;
    return sum;
}

static inline double exact_log_likelihood(double rho)
{
    double state;
    return exact_log_likelihood_of(rho, 50, &state);
}

static inline void exact_posterior(double *mean, double *sd)
{
    double total = 0, first = 0, second = 0;
    for (int i = 0; i < 20000; ++i) {
        const double rho = -1 + (i + 0.5) / 10000, p = exp(exact_log_likelihood(rho) + 75);
        total += p;
        first += p * rho;
        second += p * rho * rho;
    }
    *mean = first / total;
    *sd = sqrt(second / total - *mean * *mean);
}

#endif
