/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/linear_gaussian_free.h"

#include <math.h>
#include <mote/kalman.h>
#include <mote/source.h>
#include <string.h>

#include "core/linear.h"

static const double LOG_TWO_PI = 1.8378770664093454836;

/* ---- the model ---- */

static double entry(const mote_block *block, int64_t d, int64_t i, int64_t j)
{
    return *block->parameter[i * d + j];
}

static double variance_x(const linear_gaussian_free *c, const mote_block *block, int64_t k)
{
    return block->previous ? *block->parameter[c->states * c->states + k] : c->initial_variance;
}

static double variance_y(const linear_gaussian_free *c, const mote_block *block, int64_t k)
{
    return *block->parameter[c->states * (c->states + 1) + k];
}

/* Mean of state k of particle i given the time before. */
static double mean_of(const linear_gaussian_free *c, const mote_block *block, int64_t k, int64_t i)
{
    double mean = 0;
    for (int64_t j = 0; block->previous && j < c->states; ++j)
        mean += entry(block, c->states, k, j) * block->previous[j][i];
    return mean;
}

static int mutate(void *ctx, const mote_block *block, mote_source *source)
{
    const linear_gaussian_free *c = ctx;
    for (int64_t k = 0; k < c->states; ++k) {
        const double sd = sqrt(variance_x(c, block, k));
        mote_normals(source, block->state[k], block->n);
        for (int64_t i = 0; i < block->n; ++i)
            block->state[k][i] = mean_of(c, block, k, i) + sd * block->state[k][i];
    }
    return 0;
}

static int log_mutate(void *ctx, const mote_block *block)
{
    const linear_gaussian_free *c = ctx;
    memset(block->log_weight, 0, (size_t)block->n * sizeof *block->log_weight);
    for (int64_t k = 0; k < c->states; ++k) {
        const double v = variance_x(c, block, k), constant = -0.5 * (log(v) + LOG_TWO_PI);
        for (int64_t i = 0; i < block->n; ++i) {
            const double e = block->state[k][i] - mean_of(c, block, k, i);
            block->log_weight[i] += constant - 0.5 * e * e / v;
        }
    }
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *block)
{
    const linear_gaussian_free *c = ctx;
    double bound = 1e-12; /* for rounding */
    for (int64_t k = 0; k < c->states; ++k)
        bound -= 0.5 * (log(*block->parameter[c->states * c->states + k]) + LOG_TWO_PI);
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = bound;
    return 0;
}

static int log_potential(void *ctx, const mote_block *block)
{
    const linear_gaussian_free *c = ctx;
    memset(block->log_weight, 0, (size_t)block->n * sizeof *block->log_weight);
    for (int64_t k = 0; k < c->states; ++k) {
        const double v = variance_y(c, block, k), constant = -0.5 * (log(v) + LOG_TWO_PI);
        for (int64_t i = 0; i < block->n; ++i) {
            const double e = block->observation[k] - block->state[k][i];
            block->log_weight[i] += constant - 0.5 * e * e / v;
        }
    }
    return 0;
}

/* The optimal proposal p(x_t | x_{t-1}, y_t): of state k, weight `gain` of the observation and variance. */
static double proposal_of(const linear_gaussian_free *c, const mote_block *block, int64_t k, double *gain)
{
    const double v = variance_x(c, block, k), w = variance_y(c, block, k);
    *gain = v / (v + w);
    return *gain * w;
}

static int propose(void *ctx, const mote_block *block, mote_source *source)
{
    const linear_gaussian_free *c = ctx;
    double gain;
    for (int64_t k = 0; k < c->states; ++k) {
        const double sd = sqrt(proposal_of(c, block, k, &gain));
        mote_normals(source, block->state[k], block->n);
        for (int64_t i = 0; i < block->n; ++i) {
            const double mean = mean_of(c, block, k, i);
            block->state[k][i] = mean + gain * (block->observation[k] - mean) + sd * block->state[k][i];
        }
    }
    return 0;
}

static int log_propose(void *ctx, const mote_block *block)
{
    const linear_gaussian_free *c = ctx;
    double gain;
    memset(block->log_weight, 0, (size_t)block->n * sizeof *block->log_weight);
    for (int64_t k = 0; k < c->states; ++k) {
        const double v = proposal_of(c, block, k, &gain), constant = -0.5 * (log(v) + LOG_TWO_PI);
        for (int64_t i = 0; i < block->n; ++i) {
            const double mean = mean_of(c, block, k, i);
            const double e = block->state[k][i] - mean - gain * (block->observation[k] - mean);
            block->log_weight[i] += constant - 0.5 * e * e / v;
        }
    }
    return 0;
}

/* Of the log-densities of the transition and of the potential. */
static int gradient(void *ctx, const mote_block *block, double *const *value)
{
    const linear_gaussian_free *c = ctx;
    const int64_t d = c->states;
    for (int64_t k = 0; k < d; ++k) {
        const double v = variance_x(c, block, k), w = variance_y(c, block, k);
        for (int64_t i = 0; i < block->n; ++i) {
            const double move = block->previous ? block->state[k][i] - mean_of(c, block, k, i) : 0;
            const double miss = block->observation[k] - block->state[k][i];
            for (int64_t j = 0; j < d; ++j)
                value[k * d + j][i] = block->previous ? move * block->previous[j][i] / v : 0;
            value[d * d + k][i] = block->previous ? 0.5 * (move * move / v - 1) / v : 0;
            value[d * (d + 1) + k][i] = 0.5 * (miss * miss / w - 1) / w;
        }
    }
    return 0;
}

static const char *const parameter_names[FREE_STATES][FREE_PARAMETERS] = {
    { "A", "Q", "R" }, { "A_11", "A_12", "A_21", "A_22", "Q_1", "Q_2", "R_1", "R_2" } };
static const char *const state_names[FREE_STATES] = { "x_1", "x_2" },
                  *const observation_names[FREE_STATES] = { "y_1", "y_2" };

static int simulate(linear_gaussian_free *c, const double *truth, int64_t seed)
{
    const int64_t d = c->states;
    double x[FREE_STATES] = { 0 }, mean[FREE_STATES];
    mote_source *source = NULL;
    const int status = mote_source_open_live(&source, seed, 0);
    if (status)
        return status;
    mote_stream stream = mote_stream_open(source, 0);
    for (int64_t t = 0; t < c->times; ++t) {
        for (int64_t k = 0; k < d; ++k)
            mean[k] = mote_dot(truth + k * d, x, d);
        for (int64_t k = 0; k < d; ++k) {
            x[k] = mean[k] + sqrt(t ? truth[d * d + k] : c->initial_variance) * mote_stream_normal(&stream);
            c->values[t * d + k] = x[k] + sqrt(truth[d * (d + 1) + k]) * mote_stream_normal(&stream);
        }
    }
    mote_source_close(&source);
    return MOTE_OK;
}

int linear_gaussian_free_open(linear_gaussian_free *c, int64_t states, int64_t times, const double *truth, int64_t seed)
{
    *c = (linear_gaussian_free){ .states = states, .times = times, .parameters = states * (states + 2),
                                 .initial_variance = 1 };
    for (int64_t k = 0; k < c->parameters; ++k) {
        const char *name = parameter_names[states - 1][k];
        c->parameter[k] = k < states * states ? (mote_parameter)MOTE_UNIFORM(name, -1, 1)
                                              : (mote_parameter)MOTE_INVERSE_GAMMA(name, 2, 2);
    }
    c->series = (mote_series){ MOTE_VERSIONED(mote_series), .count = times, .values = c->values };
    c->model = (mote_ssm){ MOTE_VERSIONED(mote_ssm), .parameters = c->parameter, .parameter_count = c->parameters,
                           .parameter_size = sizeof(mote_parameter),
                           .states = state_names, .state_count = states, .observations = observation_names,
                           .observation_count = states, .initial = mutate, .transition = mutate,
                           .log_potential = log_potential, .log_initial = log_mutate, .log_transition = log_mutate,
                           .log_transition_bound = log_transition_bound, .propose_initial = propose, .propose = propose,
                           .log_propose_initial = log_propose, .log_propose = log_propose, .gradient = gradient,
                           .series = &c->series,
                           .name = "linear_gaussian_free", .ctx = c, .flags = MOTE_SSM_THREADSAFE };
    return simulate(c, truth, seed);
}

/* ---- the exact likelihood ---- */

/* The diagonal of a covariance, and of its gradient. */
static void diagonal(double *full, const double *variance, int64_t d)
{
    for (int64_t i = 0; i < d * d; ++i)
        full[i] = i % (d + 1) ? 0 : variance[i / (d + 1)];
}

int linear_gaussian_free_likelihood(const linear_gaussian_free *c, const double *theta, double *log_likelihood,
                                    double *slope)
{
    const int64_t d = c->states;
    enum { D = FREE_STATES, DD = FREE_STATES * FREE_STATES };
    double mean[D] = { 0 }, first[DD], identity[DD], q[DD], r[DD], by_q[DD], by_r[DD];
    const double one[D] = { 1, 1 }, v[D] = { c->initial_variance, c->initial_variance };
    mote_kalman *kalman = NULL;
    diagonal(first, v, d);
    diagonal(identity, one, d);
    diagonal(q, theta + d * d, d);
    diagonal(r, theta + d * (d + 1), d);
    const mote_kalman_model model = { MOTE_VERSIONED(mote_kalman_model), .states = d, .observations = d,
                                      .initial_mean = { mean, d, 1 }, .initial_covariance = { first, d, d },
                                      .constant = { .transition = { theta, d, d },
                                                    .transition_covariance = { q, d, d },
                                                    .observation = { identity, d, d },
                                                    .observation_covariance = { r, d, d } } };
    const mote_kalman_arrays arrays = { MOTE_VERSIONED(mote_kalman_arrays), .transition = slope,
                                        .transition_covariance = by_q, .observation_covariance = by_r };
    int status = mote_kalman_open(&kalman, &model, slope ? c->times : 0, NULL);
    if (!status)
        status = mote_kalman_filter(kalman, c->values, NULL, c->times);
    *log_likelihood = status ? NAN : mote_kalman_log_likelihood(kalman);
    if (!status && slope)
        status = mote_kalman_smooth(kalman);
    if (!status && slope)
        status = mote_kalman_score(kalman, &arrays);
    for (int64_t k = 0; k < d && slope && !status; ++k) {
        slope[d * d + k] = by_q[k * (d + 1)];
        slope[d * (d + 1) + k] = by_r[k * (d + 1)];
    }
    mote_kalman_close(&kalman);
    return status;
}

/* Minus the second derivatives, by central differences of the gradient. */
static int differences(const linear_gaussian_free *c, const double *theta, double *information)
{
    const int64_t n = c->parameters;
    double at[FREE_PARAMETERS], up[FREE_PARAMETERS], down[FREE_PARAMETERS], value;
    int status = MOTE_OK;
    for (int64_t i = 0; i < n && !status; ++i) {
        const double step = 1e-5 * (i < c->states * c->states ? 1 : theta[i]);
        memcpy(at, theta, (size_t)n * sizeof *at);
        at[i] = theta[i] + step;
        status = linear_gaussian_free_likelihood(c, at, &value, up);
        at[i] = theta[i] - step;
        if (!status)
            status = linear_gaussian_free_likelihood(c, at, &value, down);
        for (int64_t j = 0; j < n; ++j)
            information[i * n + j] = (down[j] - up[j]) / (2 * step);
    }
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < i; ++j)
            information[i * n + j] = information[j * n + i] = (information[i * n + j] + information[j * n + i]) / 2;
    return status;
}

/* The longest of step, step / 2, ... that stays inside and does not lower the likelihood. */
static void advance(const linear_gaussian_free *c, const double *step, double *theta, double *log_likelihood)
{
    double at[FREE_PARAMETERS], value;
    for (double share = 1; share > 1e-12; share /= 2) {
        int inside = 1;
        for (int64_t k = 0; k < c->parameters; ++k) {
            at[k] = theta[k] + share * step[k];
            inside &= k < c->states * c->states ? fabs(at[k]) < 1 : at[k] > 0;
        }
        if (inside && !linear_gaussian_free_likelihood(c, at, &value, NULL) && value > *log_likelihood - 1e-9) {
            memcpy(theta, at, (size_t)c->parameters * sizeof *at);
            *log_likelihood = value;
            return;
        }
    }
}

int linear_gaussian_free_maximum(const linear_gaussian_free *c, double tolerance, double *theta, double *log_likelihood,
                                 double *information)
{
    const int64_t n = c->parameters;
    double own[FREE_PARAMETERS * FREE_PARAMETERS], lower[FREE_PARAMETERS * FREE_PARAMETERS], slope[FREE_PARAMETERS];
    double *minus = information ? information : own, step[FREE_PARAMETERS], largest = INFINITY;
    int status = MOTE_OK;
    for (int iteration = 0; iteration < 200; ++iteration) {
        status = linear_gaussian_free_likelihood(c, theta, log_likelihood, slope);
        if (!status)
            status = differences(c, theta, minus);
        if (status)
            return status;
        largest = 0;
        for (int64_t k = 0; k < n; ++k)
            largest = fmax(largest, fabs(slope[k]));
        if (largest <= tolerance)
            return MOTE_OK;
        for (double ridge = 0; mote_cholesky(lower, minus, n); ridge = fmax(1, 4 * ridge)) /* not concave here */
            for (int64_t k = 0; k < n; ++k)
                minus[k * (n + 1)] += ridge;
        mote_lower_solve(step, lower, slope, n);
        mote_lower_transpose_solve(step, lower, step, n);
        advance(c, step, theta, log_likelihood);
    }
    return MOTE_ENUMERIC;
}
