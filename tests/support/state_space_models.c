/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/state_space_models.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stddef.h>

static const double LOG_TWO_PI = 1.8378770664093454836;

static double log_normal(double x, double mean, double variance)
{
    return -0.5 * ((x - mean) * (x - mean) / variance + log(variance) + LOG_TWO_PI);
}

/* ---- linear-Gaussian ---- */

/* Parameter p of particle i, shared or its own. */
#define P(block, p) ((block)->parameter[p][i * (block)->parameter_stride])

static int lg_initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] *= sqrt(P(block, LG_VAR_0));
    return 0;
}

static int lg_transition(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = P(block, LG_RHO) * block->previous[0][i] + sqrt(P(block, LG_VAR_X)) * block->state[0][i];
    return 0;
}

static int lg_log_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->observation[0], block->state[0][i], P(block, LG_VAR_Y));
    return 0;
}

static int lg_log_initial(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->state[0][i], 0, P(block, LG_VAR_0));
    return 0;
}

static int lg_log_transition(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->state[0][i], P(block, LG_RHO) * block->previous[0][i], P(block, LG_VAR_X));
    return 0;
}

static int lg_log_transition_bound(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(0, 0, P(block, LG_VAR_X));
    return 0;
}

/* Mean and variance of x_t given its mean `m` and variance `v` before y_t is seen. */
static double lg_update(const mote_block *block, int64_t i, double m, double v, double *variance)
{
    *variance = v * P(block, LG_VAR_Y) / (v + P(block, LG_VAR_Y));
    return m + v / (v + P(block, LG_VAR_Y)) * (block->observation[0] - m);
}

static int lg_propose(void *ctx, const mote_block *block, mote_source *source)
{
    double variance;
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i) {
        const double m = block->previous ? P(block, LG_RHO) * block->previous[0][i] : 0;
        const double mean = lg_update(block, i, m, P(block, block->previous ? LG_VAR_X : LG_VAR_0), &variance);
        block->state[0][i] = mean + sqrt(variance) * block->state[0][i];
    }
    return 0;
}

static int lg_log_propose(void *ctx, const mote_block *block)
{
    double variance;
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double m = block->previous ? P(block, LG_RHO) * block->previous[0][i] : 0;
        const double mean = lg_update(block, i, m, P(block, block->previous ? LG_VAR_X : LG_VAR_0), &variance);
        block->log_weight[i] = log_normal(block->state[0][i], mean, variance);
    }
    return 0;
}

static int lg_look_ahead(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->observation[0], P(block, LG_RHO) * block->previous[0][i],
                                          P(block, LG_VAR_X) + P(block, LG_VAR_Y));
    return 0;
}

static int lg_additive(void *ctx, const mote_block *block, double *const *value)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double x = block->state[0][i];
        value[0][i] = block->previous ? block->previous[0][i] * x : 0;
        value[1][i] = x;
        value[2][i] = x * x;
    }
    return 0;
}

static int lg_gradient(void *ctx, const mote_block *block, double *const *value)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double var_x = P(block, LG_VAR_X), var_y = P(block, LG_VAR_Y);
        const double x = block->state[0][i], before = block->previous ? block->previous[0][i] : 0;
        const double move = block->previous ? x - P(block, LG_RHO) * before : 0;
        const double miss = block->observation ? block->observation[0] - x : 0;
        value[LG_RHO][i] = move * before / var_x;
        value[LG_VAR_X][i] = block->previous ? 0.5 * (move * move / var_x - 1) / var_x : 0;
        value[LG_VAR_Y][i] = block->observation ? 0.5 * (miss * miss / var_y - 1) / var_y : 0;
        value[LG_VAR_0][i] = 0;
    }
    return 0;
}

/* The initial law and the transition through the normal quantile. */
static int lg_map(void *ctx, const mote_block *block, const double *const *uniform)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (block->previous ? P(block, LG_RHO) * block->previous[0][i] : 0) +
                             sqrt(P(block, block->previous ? LG_VAR_X : LG_VAR_0)) * gsl_cdf_ugaussian_Pinv(uniform[0][i]);
    return 0;
}

static int lg_gaussian(void *ctx, const mote_block *block, double *const *mean, double *covariance)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        mean[0][i] = block->previous ? P(block, LG_RHO) * block->previous[0][i] : 0;
    *covariance = *block->parameter[block->previous ? LG_VAR_X : LG_VAR_0];
    return 0;
}

static int lg_sample_observation(void *ctx, const mote_block *block, mote_source *source, double *const *value)
{
    (void)ctx;
    mote_normals(source, value[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        value[0][i] = block->state[0][i] + sqrt(P(block, LG_VAR_Y)) * value[0][i];
    return 0;
}

static const mote_parameter lg_parameters[] = { MOTE_FIXED("rho", 0.9), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                                MOTE_FIXED("var_0", 1 / 0.19) };
static const char *const x_name[] = { "x" }, *const y_name[] = { "y" };
static const char *const lg_additive_names[] = { "sum_product", "sum", "sum_square" };
static double lg_a_values[50], sv_e_values[200], toy_values[1];

static const mote_series lg_a_series = { MOTE_VERSIONED(mote_series), .count = 50, .values = lg_a_values };

const mote_ssm linear_gaussian_a = {
    MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(lg_parameters), MOTE_STATES(x_name), MOTE_OBSERVATIONS(y_name),
    .initial = lg_initial, .transition = lg_transition, .log_potential = lg_log_potential,
    .log_initial = lg_log_initial, .log_transition = lg_log_transition, .log_transition_bound = lg_log_transition_bound,
    .propose_initial = lg_propose, .propose = lg_propose, .log_propose_initial = lg_log_propose,
    .log_propose = lg_log_propose, .look_ahead = lg_look_ahead, .additive = lg_additive,
    .additive_names = lg_additive_names, .additive_count = 3, .gradient = lg_gradient,
    .initial_map = lg_map, .transition_map = lg_map, .gaussian = lg_gaussian,
    .artificial = lg_initial, .log_artificial = lg_log_initial, /* the stationary law: the chain is its own reversal */
    .propose_backward = lg_propose, .log_propose_backward = lg_log_propose,
    .sample_observation = lg_sample_observation, .series = &lg_a_series, .name = "linear_gaussian",
    .flags = MOTE_SSM_THREADSAFE,
};

/* ---- the finite chain ---- */

const double chain_initial[CHAIN_STATES] = { 0.5, 0.3, 0.2 };
const double chain_transition[CHAIN_STATES][CHAIN_STATES] = { { 0.7, 0.2, 0.1 }, { 0.1, 0.6, 0.3 }, { 0.25, 0.05, 0.7 } };
const double chain_potential[CHAIN_TIMES][CHAIN_STATES] = { { 1, 0.2, 0.6 }, { 0.1, 0.9, 0.4 }, { 0.8, 0.8, 0.05 },
                                                            { 0.3, 0.1, 1 } };

static int chain_first(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, chain_initial, CHAIN_STATES);
    return 0;
}

static int chain_next(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, chain_transition[(int)block->previous[0][i]], CHAIN_STATES);
    return 0;
}

static int chain_log_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(chain_potential[block->step][(int)block->state[0][i]]);
    return 0;
}

static int chain_log_initial(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(chain_initial[(int)block->state[0][i]]);
    return 0;
}

static int chain_log_transition(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(chain_transition[(int)block->previous[0][i]][(int)block->state[0][i]]);
    return 0;
}

static int chain_log_transition_bound(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(0.7);
    return 0;
}

/* A proposal that is neither the transition nor the best: a third of each, mixed with the transition. */
static void chain_proposal(const mote_block *block, int64_t i, double *q)
{
    const double *p = block->previous ? chain_transition[(int)block->previous[0][i]] : chain_initial;
    for (int k = 0; k < CHAIN_STATES; ++k)
        q[k] = 0.5 * p[k] + 0.5 / 3;
}

static int chain_propose(void *ctx, const mote_block *block, mote_source *source)
{
    double q[CHAIN_STATES];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        chain_proposal(block, i, q);
        block->state[0][i] = (double)mote_choose(source, q, CHAIN_STATES);
    }
    return 0;
}

static int chain_log_propose(void *ctx, const mote_block *block)
{
    double q[CHAIN_STATES];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        chain_proposal(block, i, q);
        block->log_weight[i] = log(q[(int)block->state[0][i]]);
    }
    return 0;
}

/* An artificial law that is none of the chain's own, and a proposal back in time that is neither it nor the best. */
static const double chain_gamma[CHAIN_STATES] = { 0.4, 0.35, 0.25 };

static int chain_artificial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, chain_gamma, CHAIN_STATES);
    return 0;
}

static int chain_log_artificial(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(chain_gamma[(int)block->state[0][i]]);
    return 0;
}

static void chain_backward(const mote_block *block, int64_t i, double *q)
{
    double sum = 0;
    for (int k = 0; k < CHAIN_STATES; ++k)
        sum += q[k] = chain_transition[k][(int)block->previous[0][i]] + 0.1;
    for (int k = 0; k < CHAIN_STATES; ++k)
        q[k] /= sum;
}

static int chain_propose_backward(void *ctx, const mote_block *block, mote_source *source)
{
    double q[CHAIN_STATES];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        chain_backward(block, i, q);
        block->state[0][i] = (double)mote_choose(source, q, CHAIN_STATES);
    }
    return 0;
}

static int chain_log_propose_backward(void *ctx, const mote_block *block)
{
    double q[CHAIN_STATES];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        chain_backward(block, i, q);
        block->log_weight[i] = log(q[(int)block->state[0][i]]);
    }
    return 0;
}

static int chain_look_ahead(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        double sum = 0;
        for (int k = 0; k < CHAIN_STATES; ++k)
            sum += chain_transition[(int)block->previous[0][i]][k] * sqrt(chain_potential[block->step][k]);
        block->log_weight[i] = log(sum);
    }
    return 0;
}

static int chain_additive(void *ctx, const mote_block *block, double *const *value)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        value[0][i] = block->state[0][i] + (block->previous ? block->previous[0][i] * block->state[0][i] : 0);
    return 0;
}

static const char *const chain_additive_names[] = { "H" };
static const mote_series chain_series = { MOTE_VERSIONED(mote_series), .count = CHAIN_TIMES };

const mote_ssm chain_t = {
    MOTE_VERSIONED(mote_ssm), MOTE_STATES(x_name), .initial = chain_first, .transition = chain_next,
    .log_potential = chain_log_potential, .log_initial = chain_log_initial, .log_transition = chain_log_transition,
    .log_transition_bound = chain_log_transition_bound, .propose_initial = chain_propose, .propose = chain_propose,
    .log_propose_initial = chain_log_propose, .log_propose = chain_log_propose, .look_ahead = chain_look_ahead,
    .additive = chain_additive, .additive_names = chain_additive_names, .additive_count = 1, .series = &chain_series,
    .artificial = chain_artificial, .log_artificial = chain_log_artificial, .propose_backward = chain_propose_backward,
    .log_propose_backward = chain_log_propose_backward, .name = "chain", .flags = MOTE_SSM_THREADSAFE,
};

/* ---- the hidden Markov chain of case C ---- */

static const double hmm_initial[3] = { 0.5, 0.3, 0.2 }, hmm_means[3] = { -2, 0, 3 };
static const double hmm_transition[3][3] = { { 0.8, 0.15, 0.05 }, { 0.1, 0.8, 0.1 }, { 0.05, 0.25, 0.7 } };
static double hmm_values[30];
static const mote_series hmm_series = { MOTE_VERSIONED(mote_series), .count = 30, .values = hmm_values };

static int hmm_first(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_uniforms(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (block->state[0][i] > 0.5) + (block->state[0][i] > 0.8);
    return 0;
}

static int hmm_next(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_uniforms(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i) {
        const double *row = hmm_transition[(int)block->previous[0][i]], u = block->state[0][i];
        block->state[0][i] = (u > row[0]) + (u > row[0] + row[1]);
    }
    return 0;
}

static int hmm_log_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->observation[0], hmm_means[(int)block->state[0][i]], 1);
    return 0;
}

static int hmm_log_transition(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(hmm_transition[(int)block->previous[0][i]][(int)block->state[0][i]]);
    return 0;
}

static int hmm_log_transition_bound(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(0.8);
    return 0;
}

static int hmm_log_artificial(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(hmm_initial[(int)block->state[0][i]]);
    return 0;
}

const mote_ssm hidden_markov_c = {
    MOTE_VERSIONED(mote_ssm), MOTE_STATES(x_name), MOTE_OBSERVATIONS(y_name), .initial = hmm_first, .transition = hmm_next,
    .log_potential = hmm_log_potential, .log_transition = hmm_log_transition, .log_transition_bound = hmm_log_transition_bound,
    .artificial = hmm_first, .log_artificial = hmm_log_artificial, .series = &hmm_series, .name = "hidden_markov",
    .flags = MOTE_SSM_THREADSAFE,
};

/* ---- stochastic volatility ---- */

enum { SV_MU, SV_RHO, SV_SIGMA };

static int sv_initial(void *ctx, const mote_block *block, mote_source *source)
{
    const double scale = *block->parameter[SV_SIGMA] / sqrt(1 - *block->parameter[SV_RHO] * *block->parameter[SV_RHO]);
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = *block->parameter[SV_MU] + scale * block->state[0][i];
    return 0;
}

static int sv_transition(void *ctx, const mote_block *block, mote_source *source)
{
    const double mu = *block->parameter[SV_MU], rho = *block->parameter[SV_RHO], sigma = *block->parameter[SV_SIGMA];
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = mu + rho * (block->previous[0][i] - mu) + sigma * block->state[0][i];
    return 0;
}

static int sv_log_potential(void *ctx, const mote_block *block)
{
    const double y = block->observation[0];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double x = block->state[0][i];
        block->log_weight[i] = -0.5 * (y * y * exp(-x) + x + LOG_TWO_PI);
    }
    return 0;
}

static int sv_log_transition(void *ctx, const mote_block *block)
{
    const double mu = *block->parameter[SV_MU], rho = *block->parameter[SV_RHO], sigma = *block->parameter[SV_SIGMA];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->state[0][i], mu + rho * (block->previous[0][i] - mu), sigma * sigma);
    return 0;
}

static int sv_gaussian(void *ctx, const mote_block *block, double *const *mean, double *covariance)
{
    const double mu = *block->parameter[SV_MU], rho = *block->parameter[SV_RHO], sigma = *block->parameter[SV_SIGMA];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        mean[0][i] = block->previous ? mu + rho * (block->previous[0][i] - mu) : mu;
    *covariance = block->previous ? sigma * sigma : sigma * sigma / (1 - rho * rho);
    return 0;
}

static const mote_parameter sv_parameters[] = { MOTE_FIXED("mu", -1), MOTE_FIXED("rho", 0.95), MOTE_FIXED("sigma", 0.25) };
static const mote_series sv_e_series = { MOTE_VERSIONED(mote_series), .count = 200, .values = sv_e_values };

const mote_ssm volatility_e = {
    MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(sv_parameters), MOTE_STATES(x_name), MOTE_OBSERVATIONS(y_name),
    .initial = sv_initial, .transition = sv_transition, .log_potential = sv_log_potential,
    .log_transition = sv_log_transition, .gaussian = sv_gaussian, .series = &sv_e_series, .name = "volatility", .flags = MOTE_SSM_THREADSAFE,
};

/* ---- toy D ---- */

static int toy_initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    return 0;
}

static int toy_transition(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = 1.5 * block->previous[0][i] + 0.5 * block->state[0][i];
    return 0;
}

static int toy_log_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -block->state[0][i] * block->state[0][i];
    return 0;
}

static const mote_series toy_series = { MOTE_VERSIONED(mote_series), .count = 20, .values = toy_values };

const mote_ssm toy_d = {
    MOTE_VERSIONED(mote_ssm), MOTE_STATES(x_name), .initial = toy_initial, .transition = toy_transition,
    .log_potential = toy_log_potential, .series = &toy_series, .name = "toy", .flags = MOTE_SSM_THREADSAFE,
};

/* The series are formulas: written once, before main. */
static __attribute__((constructor)) void fill_series(void)
{
    for (int t = 0; t < 50; ++t)
        lg_a_values[t] = 2 * sin(0.3 * t) + 0.5 * cos(1.7 * t);
    for (int t = 0; t < 30; ++t)
        hmm_values[t] = 2.5 * sin(0.4 * t) + 0.5 * cos(2.1 * t);
    for (int t = 0; t < 200; ++t)
        sv_e_values[t] = 1.4 * exp((-1 + 0.9 * sin(0.05 * t)) / 2) * sin(2.4 * t + 0.3 * sin(0.7 * t));
}
