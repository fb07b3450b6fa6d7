/* SPDX-License-Identifier: GPL-3.0-or-later */
/* d log p / dx of the one-dimensional priors, inside their support; for kernels that follow gradients.
 * Known answers: normal(0, 1) at 1: -1; gamma(2, 1) at 1: 0, its mode; half-Cauchy(1) at 1: -1. */
#include "model/prior.h"

#include <math.h>

static double slope_power(double exponent, double x)
{
    return exponent != 0.0 ? exponent / x : 0.0;
}

double mote_prior_log_slope(const mote_parameter *parameter, double x)
{
    const double *p = parameter->argument;
    double z;
    switch (parameter->prior) {
    case MOTE_PRIOR_UNIFORM:
        return 0.0;
    case MOTE_PRIOR_LOG_UNIFORM:
        return -1.0 / x;
    case MOTE_PRIOR_NORMAL:
    case MOTE_PRIOR_TRUNCATED_NORMAL:
        return -(x - p[0]) / p[1] / p[1];
    case MOTE_PRIOR_HALF_NORMAL:
        return -x / p[0] / p[0];
    case MOTE_PRIOR_HALF_CAUCHY:
        return -2.0 / (p[0] * p[0] / x + x);
    case MOTE_PRIOR_EXPONENTIAL:
        return -1.0 / p[0];
    case MOTE_PRIOR_BETA:
        return slope_power(p[0] - 1.0, x) - slope_power(p[1] - 1.0, 1.0 - x);
    case MOTE_PRIOR_GAMMA:
        return slope_power(p[0] - 1.0, x) - 1.0 / p[1];
    case MOTE_PRIOR_INVERSE_GAMMA:
        return (p[1] / x - p[0] - 1.0) / x;
    case MOTE_PRIOR_STUDENT:
        z = (x - p[1]) / p[2];
        return -(p[0] + 1.0) * z / (p[0] + z * z) / p[2];
    default:
        return NAN;
    }
}
