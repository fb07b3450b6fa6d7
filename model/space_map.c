/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The maps of a parameter space: unit cube to theta, log prior, constraint, likelihood rows.
 *
 * Sorted group of N in [l, u]: x_N = v_N^(1/N), x_i = x_{i+1} v_i^(1/i), theta_i = l + (u - l) x_i: the order
 * statistics of N uniforms (the largest of i uniforms on [0, x_{i+1}] has law (x/x_{i+1})^i), with density N! / (u -
 * l)^N. Dirichlet group of K: x_i = r_i b_i, r_{i+1} = r_i (1 - b_i), b_i ~ Beta(a_i, a_{i+1} + ... + a_K), i < K, x_K
 * = r_K (Connor & Mosimann, J. Am. Stat. Assoc. 64 (1969) 194); the beta quantile gives b and 1 - b to all digits.
 * Known answers: N = 2, v = (1/4, 1/4): x = (1/8, 1/2). K = 2, a = (1, 1): x = (v, 1 - v). */
#include "model/space.h"

#include "core/special.h"
#include "model/plugin.h"
#include "model/prior.h"

#include <math.h>

static void map_uniform(const mote_space *space, const mote_space_block *block, const double *cube,
                        double *restrict theta)
{
    const double *offset = space->offset + block->theta, *scale = space->scale + block->theta,
                 *limit = space->limit + block->theta;
    for (int64_t i = 0; i < block->count; ++i)
        theta[i] = mote_uniform_quantile(offset[i], scale[i], limit[i], cube[i]);
}

static void map_log_uniform(const mote_space *space, const mote_space_block *block, const double *cube, double *theta)
{
    for (int64_t i = 0, j = block->theta; i < block->count; ++i, ++j)
        theta[i] = mote_log_uniform_quantile(space->offset[j], space->scale[j], space->limit[j], cube[i]);
}

static void map_sorted(const mote_space *space, const mote_space_block *block, const double *cube, double *theta)
{
    const int64_t at = block->theta;
    double x = 1.0;
    for (int64_t i = block->count - 1; i >= 0; --i) {
        x *= i > 0 ? pow(cube[i], 1.0 / (double)(i + 1)) : cube[i];
        theta[i] = mote_uniform_quantile(space->offset[at], space->scale[at], space->limit[at], x);
    }
}

static void map_dirichlet(const mote_space *space, const mote_space_block *block, const double *cube, double *theta)
{
    const double *concentration = space->offset + block->theta, *rest = space->scale + block->theta;
    double remaining = 1.0;
    for (int64_t i = 0; i < block->count - 1; ++i) {
        double other;
        theta[i] = remaining * mote_beta_quantile(cube[i], 1.0 - cube[i], concentration[i], rest[i], &other);
        remaining *= other;
    }
    theta[block->count - 1] = remaining;
}

static void map_quantile(const mote_space *space, const mote_space_block *block, const double *cube, double *theta)
{
    for (int64_t i = 0; i < block->count; ++i) {
        const mote_parameter *parameter = &space->parameters[space->theta_parameter[block->theta + i]];
        theta[i] = mote_prior_quantile(parameter, cube[i], 1.0 - cube[i]);
    }
}

static void map_constant(const mote_space_block *block, const double *value, double *theta)
{
    for (int64_t i = 0; i < block->count; ++i)
        theta[i] = value ? value[block->theta + i] : NAN;
}

int mote_space_transform(const mote_space *space, const double *cube, double *theta)
{
    int conditional = 0;
    for (const mote_space_block *block = space->blocks; block < space->blocks + space->block_count; ++block) {
        const double *from = cube + block->cube;
        double *to = theta + block->theta;
        switch (block->kind) {
        case MOTE_PRIOR_UNIFORM: map_uniform(space, block, from, to); break;
        case MOTE_PRIOR_LOG_UNIFORM: map_log_uniform(space, block, from, to); break;
        case MOTE_PRIOR_FIXED: map_constant(block, space->offset, to); break;
        case MOTE_PRIOR_SORTED: map_sorted(space, block, from, to); break;
        case MOTE_PRIOR_DIRICHLET: map_dirichlet(space, block, from, to); break;
        case MOTE_PRIOR_CONDITIONAL:
            map_constant(block, NULL, to); /* NaN shows up when the callback forgets an entry */
            conditional = 1;
            break;
        default: map_quantile(space, block, from, to); break;
        }
    }
    if (!conditional)
        return MOTE_OK;
    const int status = space->target.prior_transform(space->target.ctx, cube, theta);
    return status > 0 ? MOTE_EMODEL : status;
}

int mote_space_inside(const mote_space *space, const double *theta)
{
    if (!space->target.constraint)
        return 1;
    const int answer = space->target.constraint(space->target.ctx, theta);
    return answer > 0 ? 1 : answer;
}

static double log_sorted(const mote_space *space, const mote_space_block *block, const double *theta)
{
    const double n = (double)block->count, lower = space->offset[block->theta], upper = space->limit[block->theta];
    for (int64_t i = 0; i < block->count; ++i)
        if (!(theta[i] >= (i ? theta[i - 1] : lower) && theta[i] <= upper))
            return -INFINITY;
    return mote_log_gamma(n + 1.0) - n * log(space->scale[block->theta]);
}

/* log Gamma(sum a) + sum (a_i - 1) log x_i - log Gamma(a_i) on the simplex, to a rounding of its sum. */
static double log_dirichlet(const mote_space *space, const mote_space_block *block, const double *theta)
{
    const double *a = space->offset + block->theta;
    double sum = 0.0, value = mote_log_gamma(a[0] + space->scale[block->theta]);
    for (int64_t i = 0; i < block->count; ++i) {
        if (!(theta[i] >= 0.0))
            return -INFINITY;
        sum += theta[i];
        value -= mote_log_gamma(a[i]);
        if (a[i] != 1.0)
            value += (a[i] - 1.0) * log(theta[i]);
    }
    return fabs(sum - 1.0) <= 1e-10 ? value : -INFINITY;
}

static double log_block(const mote_space *space, const mote_space_block *block, const double *theta)
{
    double sum = 0.0;
    switch (block->kind) {
    case MOTE_PRIOR_FIXED:
    case MOTE_PRIOR_CONDITIONAL:
        return 0.0;
    case MOTE_PRIOR_SORTED:
        return log_sorted(space, block, theta);
    case MOTE_PRIOR_DIRICHLET:
        return log_dirichlet(space, block, theta);
    default:
        for (int64_t i = 0; i < block->count; ++i)
            sum += mote_prior_log_density(&space->parameters[space->theta_parameter[block->theta + i]], theta[i]);
        return sum;
    }
}

double mote_space_log_prior(const mote_space *space, const double *theta)
{
    double sum = 0.0;
    int conditional = 0;
    for (const mote_space_block *block = space->blocks; block < space->blocks + space->block_count; ++block) {
        sum += log_block(space, block, theta + block->theta);
        conditional |= block->kind == MOTE_PRIOR_CONDITIONAL;
    }
    if (!conditional || sum == -INFINITY)
        return sum;
    return space->target.conditional_log_density
               ? sum + space->target.conditional_log_density(space->target.ctx, theta)
               : NAN;
}

/* One row by the per-point function; a row that failed has NaN everywhere. */
static int evaluate_point(const mote_target *target, const mote_batch *batch, int64_t row)
{
    double *value = batch->log_likelihood + row;
    double *derived = batch->derived ? batch->derived + row * batch->derived_stride : NULL;
    *value = NAN;
    for (int64_t i = 0; derived && i < batch->derived_count; ++i)
        derived[i] = NAN;
    const int status = target->log_likelihood_point(target->ctx, batch->theta + row * batch->stride, value, derived);
    if (status <= 0)
        return status;
    *value = NAN;
    for (int64_t i = 0; derived && i < batch->derived_count; ++i)
        derived[i] = NAN;
    if (batch->reason)
        batch->reason[row] = MOTE_REASON_RETURNED;
    return MOTE_OK;
}

static int evaluate_points(void *ctx, const mote_batch *batch)
{
    const mote_space *space = ctx;
    for (int64_t i = 0; i < batch->n; ++i) {
        const int status = evaluate_point(&space->target, batch, i);
        if (status)
            return status;
    }
    return MOTE_OK;
}

void mote_space_row_function(const mote_space *space, mote_row_function *function)
{
    const mote_target *target = &space->target;
    const int points = !target->log_likelihood;
    *function = (mote_row_function){
        .evaluate = points ? evaluate_points : target->log_likelihood,
        .ctx = points ? (void *)space : target->ctx,
        .evaluate_terms = target->log_likelihood_terms,
        .terms_ctx = target->ctx,
        .dimension = space->theta_count,
        .derived_count = space->derived_count,
        .thread_safe = (target->flags & MOTE_THREADSAFE) != 0,
        .points_only = points,
        .name = target->name ? target->name : "target",
        .plugin_path = target->plugin ? mote_plugin_path(target->plugin) : NULL,
        .plugin_text = target->plugin ? mote_plugin_text(target->plugin) : NULL,
        .plugin_fingerprint = target->plugin ? mote_plugin_fingerprint(target->plugin) : NULL,
    };
}
