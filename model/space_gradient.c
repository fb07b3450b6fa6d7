/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gradients on the real line: the chain rule through the transforms of space_line.c, by formula. With J = d theta / d y
 * (triangular in groups, diagonal elsewhere) slope = J' g, and base = d/dy (log prior + log |det J|):
 *   entries    x = l + w s(y):  dx/dy = w s (1 - s), d log|dx/dy| / dy = 1 - 2 s;  x = l +- exp(y): dx/dy = +-exp(y), 1
 *   sorted     log x_i = sum_{j >= i} log s_j:  slope_j = (1 - s_j) sum_{i <= j} w x_i g_i
 *              log |J| = sum_j (j + 1) log s_j + log(1 - s_j) + const (j from 0):  base_j = (j + 1)(1 - s_j) - s_j
 *   Dirichlet  d log x_i / dy_j = [i = j] (1 - z_j) - [i > j] z_j:
 *              slope_j = (1 - z_j) x_j g_j - z_j sum_{i > j} x_i g_i
 *              base_j = a_j (1 - z_j) - z_j sum_{i > j} a_i                   (prior and Jacobian together)
 * Known answer: a flat Dirichlet of 3 at y = 0 (z = 1/3, 1/2) has base (0, 0): the centre is the mode. */
#include <math.h>

#include "model/prior.h"
#include "model/space.h"

static double logistic(double t)
{
    const double small = exp(-fabs(t));
    return (t < 0.0 ? small : 1.0) / (1.0 + small);
}

static void gradient_sorted(const mote_space *space, const mote_space_block *block, const double *y,
                            const double *theta, const double *gradient, double *slope, double *base)
{
    double sum = 0.0;
    for (int64_t j = 0; j < block->count; ++j) {
        const double t = y[j] + log((double)(j + 1)), other = logistic(-t);
        base[j] = (double)(j + 1) * other - logistic(t);
        if (gradient)
            sum += (theta[j] - space->offset[block->theta]) * gradient[j];
        if (slope)
            slope[j] = other * sum;
    }
}

static void gradient_dirichlet(const mote_space *space, const mote_space_block *block, const double *y,
                               const double *theta, const double *gradient, double *slope, double *base)
{
    const double *a = space->offset + block->theta;
    const int64_t last = block->count - 1;
    double mass = a[last], sum = gradient ? theta[last] * gradient[last] : 0.0;
    for (int64_t j = last - 1; j >= 0; --j) {
        const double t = y[j] - log((double)(last - j)), z = logistic(t), other = logistic(-t);
        base[j] = a[j] * other - z * mass;
        mass += a[j];
        if (!slope)
            continue;
        slope[j] = other * theta[j] * gradient[j] - z * sum;
        sum += theta[j] * gradient[j];
    }
}

static void gradient_entry(const mote_parameter *parameter, double y, double x, const double *gradient, double *slope,
                           double *base)
{
    double lower, upper, log_jacobian;
    mote_prior_support(parameter, &lower, &upper);
    mote_prior_constrain(parameter, y, &log_jacobian);
    const int below = isfinite(lower), above = isfinite(upper);
    const double sign = above && !below ? -1.0 : 1.0, rate = sign * exp(log_jacobian);
    const double curvature = below && above ? logistic(-y) - logistic(y) : below || above ? 1.0 : 0.0;
    *base = mote_prior_log_slope(parameter, x) * rate + curvature;
    if (slope)
        *slope = rate * *gradient;
}

int mote_space_gradient(const mote_space *space, const double *y, const double *theta, const double *theta_gradient,
                        double *slope, double *base)
{
    for (const mote_space_block *block = space->blocks; block < space->blocks + space->block_count; ++block) {
        const int64_t at = block->theta, from = block->cube;
        const double *gradient = theta_gradient ? theta_gradient + at : NULL;
        double *out = theta_gradient ? slope + from : NULL;
        if (block->kind == MOTE_PRIOR_CONDITIONAL)
            return MOTE_EUNSUPPORTED;
        if (block->kind == MOTE_PRIOR_SORTED)
            gradient_sorted(space, block, y + from, theta + at, gradient, out, base + from);
        else if (block->kind == MOTE_PRIOR_DIRICHLET)
            gradient_dirichlet(space, block, y + from, theta + at, gradient, out, base + from);
        else if (block->kind != MOTE_PRIOR_FIXED)
            for (int64_t i = 0; i < block->count; ++i)
                gradient_entry(&space->parameters[space->theta_parameter[at + i]], y[from + i], theta[at + i],
                               gradient ? gradient + i : NULL, out ? out + i : NULL, base + from + i);
    }
    return MOTE_OK;
}
