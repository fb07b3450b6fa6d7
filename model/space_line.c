/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The transform of a parameter space to R^d, for kernels that move on the real line. Entries of their own: the
 * transform of parameter.h. With s(t) = 1 / (1 + exp(-t)):
 *   sorted group of N in [l, u]:  x_N = s(y_N + log N), x_i = x_{i+1} s(y_i + log i), theta_i = l + (u - l) x_i
 *   Dirichlet group of K:         z_i = s(y_i - log(K - i)), x_i = r_i z_i, r_{i+1} = r_i (1 - z_i), x_K = r_K
 * Both are triangular, so that log |d theta/dy| is a sum: of log((u - l) x_{i+1} s (1 - s)), of log(r_i z_i (1 - z_i)).
 * The shifts put y = 0 on the evenly spaced point and on the centre of the simplex (Stan reference manual, "Simplex
 * transform"). Known answers at y = 0: N = 2 on [0, 3]: (1, 2); K = 3: (1/3, 1/3, 1/3). */
#include "model/space.h"

#include <math.h>

/* log s(t) */
static double log_logistic(double t)
{
    return t < 0.0 ? t - log1p(exp(t)) : -log1p(exp(-t));
}

static double line_sorted(const mote_space *space, const mote_space_block *block, const double *y, double *theta)
{
    const double lower = space->offset[block->theta], width = space->scale[block->theta];
    double log_x = 0.0, sum = 0.0;
    for (int64_t i = block->count - 1; i >= 0; --i) {
        const double t = y[i] + log((double)(i + 1)), log_s = log_logistic(t);
        sum += log(width) + log_x + log_s + log_logistic(-t);
        log_x += log_s;
        theta[i] = lower + width * exp(log_x);
    }
    return sum;
}

static double line_dirichlet(const mote_space_block *block, const double *y, double *theta)
{
    const int64_t last = block->count - 1;
    double log_rest = 0.0, sum = 0.0;
    for (int64_t i = 0; i < last; ++i) {
        const double t = y[i] - log((double)(last - i)), log_z = log_logistic(t), log_other = log_logistic(-t);
        theta[i] = exp(log_rest + log_z);
        sum += log_rest + log_z + log_other;
        log_rest += log_other;
    }
    theta[last] = exp(log_rest);
    return sum;
}

static double line_entries(const mote_space *space, const mote_space_block *block, const double *y, double *theta)
{
    double sum = 0.0;
    for (int64_t i = 0; i < block->count; ++i) {
        double log_jacobian;
        theta[i] = mote_prior_constrain(&space->parameters[space->theta_parameter[block->theta + i]], y[i],
                                        &log_jacobian);
        sum += log_jacobian;
    }
    return sum;
}

int mote_space_constrain(const mote_space *space, const double *y, double *theta, double *log_jacobian)
{
    double sum = 0.0;
    for (const mote_space_block *block = space->blocks; block < space->blocks + space->block_count; ++block) {
        const double *from = y + block->cube;
        double *to = theta + block->theta;
        switch (block->kind) {
        case MOTE_PRIOR_CONDITIONAL:
            return MOTE_EUNSUPPORTED;
        case MOTE_PRIOR_FIXED:
            for (int64_t i = 0; i < block->count; ++i)
                to[i] = space->offset[block->theta + i];
            break;
        case MOTE_PRIOR_SORTED:
            sum += line_sorted(space, block, from, to);
            break;
        case MOTE_PRIOR_DIRICHLET:
            sum += line_dirichlet(block, from, to);
            break;
        default:
            sum += line_entries(space, block, from, to);
        }
    }
    *log_jacobian = sum;
    return MOTE_OK;
}

static void inverse_block(const mote_space *space, const mote_space_block *block, const double *theta, double *y)
{
    const int64_t n = block->count, at = block->theta;
    double rest = theta[n - 1];
    if (block->kind == MOTE_PRIOR_SORTED) {
        for (int64_t i = 0; i < n; ++i) {
            const double next = i + 1 < n ? theta[i + 1] : space->limit[at];
            y[i] = log(theta[i] - space->offset[at]) - log(next - theta[i]) - log((double)(i + 1));
        }
    } else if (block->kind == MOTE_PRIOR_DIRICHLET) {
        for (int64_t i = n - 2; i >= 0; --i) { /* sums of the tail: nothing cancels */
            y[i] = log(theta[i]) - log(rest) + log((double)(n - 1 - i));
            rest += theta[i];
        }
    } else if (block->kind != MOTE_PRIOR_FIXED) {
        for (int64_t i = 0; i < n; ++i)
            y[i] = mote_prior_unconstrain(&space->parameters[space->theta_parameter[at + i]], theta[i]);
    }
}

int mote_space_unconstrain(const mote_space *space, const double *theta, double *y)
{
    for (const mote_space_block *block = space->blocks; block < space->blocks + space->block_count; ++block) {
        if (block->kind == MOTE_PRIOR_CONDITIONAL)
            return MOTE_EUNSUPPORTED;
        inverse_block(space, block, theta + block->theta, y + block->cube);
    }
    return MOTE_OK;
}
