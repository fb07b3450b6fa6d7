/* SPDX-License-Identifier: BSD-2-Clause */
/* Stochastic volatility: the log-variance x of returns y is a stationary autoregression.
 *
 *     x_0 ~ N(mean, noise^2 / (1 - persistence^2)),  x' = mean + persistence (x - mean) + noise N(0, 1),  y ~ N(0,
 * exp(x))
 *
 * Known answer with stochastic_volatility.csv and (-1, 0.95, 0.25): log-likelihood -214.28198, by quadrature. With
 * everything that smoothers and gradient methods can use: density and bound of the transition, gradient, an additive
 * functional.
 *
 * The first return of that series is exactly 0. Its likelihood, E[exp(-x_0 / 2)] / sqrt(2 pi), grows as exp(s^2 / 8) with
 * the stationary variance s^2 = noise^2 / (1 - persistence^2), without bound, and a filter's estimate of it has a relative
 * variance of exp(s^2 / 4) / N: the priors keep s below 3.6. Wider ones send samplers to where that return alone decides. */
#define MOTE_PLUGIN_LINKS_NOTHING
#include <math.h>
#include <mote/plugin.h>

enum { MEAN, PERSISTENCE, NOISE };
static const double half_log_two_pi = 0.918938533204672742;

static int initial(void *ctx, const mote_block *b, mote_source *source)
{
    const double mean = *b->parameter[MEAN], rho = *b->parameter[PERSISTENCE], noise = *b->parameter[NOISE];
    const double sd = noise / sqrt(1 - rho * rho);
    (void)ctx;
    mote_normals(source, b->state[0], b->n);
    for (int64_t i = 0; i < b->n; ++i)
        b->state[0][i] = mean + sd * b->state[0][i];
    return 0;
}

static int transition(void *ctx, const mote_block *b, mote_source *source)
{
    const double mean = *b->parameter[MEAN], rho = *b->parameter[PERSISTENCE], noise = *b->parameter[NOISE];
    (void)ctx;
    mote_normals(source, b->state[0], b->n);
    for (int64_t i = 0; i < b->n; ++i)
        b->state[0][i] = mean + rho * (b->previous[0][i] - mean) + noise * b->state[0][i];
    return 0;
}

static int log_potential(void *ctx, const mote_block *b)
{
    const double y = b->observation[0];
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i)
        b->log_weight[i] = -half_log_two_pi - 0.5 * (b->state[0][i] + y * y * exp(-b->state[0][i]));
    return 0;
}

static int log_initial(void *ctx, const mote_block *b)
{
    const double mean = *b->parameter[MEAN], rho = *b->parameter[PERSISTENCE], noise = *b->parameter[NOISE];
    const double sd = noise / sqrt(1 - rho * rho);
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const double z = (b->state[0][i] - mean) / sd;
        b->log_weight[i] = -0.5 * z * z - log(sd) - half_log_two_pi;
    }
    return 0;
}

static int log_transition(void *ctx, const mote_block *b)
{
    const double mean = *b->parameter[MEAN], rho = *b->parameter[PERSISTENCE], noise = *b->parameter[NOISE];
    const double constant = -log(noise) - half_log_two_pi;
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const double z = (b->state[0][i] - mean - rho * (b->previous[0][i] - mean)) / noise;
        b->log_weight[i] = constant - 0.5 * z * z;
    }
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *b)
{
    const double bound = -log(*b->parameter[NOISE]) - half_log_two_pi;
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i)
        b->log_weight[i] = bound;
    return 0;
}

/* d/d(mean, persistence, noise) of log_initial (previous NULL) or log_transition; the potential has no parameter. */
static int gradient(void *ctx, const mote_block *b, double *const *value)
{
    const double mean = *b->parameter[MEAN], rho = *b->parameter[PERSISTENCE], noise = *b->parameter[NOISE];
    const double variance = noise * noise, rest = 1 - rho * rho;
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const double x = b->state[0][i] - mean, last = b->previous ? b->previous[0][i] - mean : 0, e = x - rho * last;
        value[MEAN][i] = b->previous ? e * (1 - rho) / variance : x * rest / variance;
        value[PERSISTENCE][i] = b->previous ? e * last / variance : rho * x * x / variance - rho / rest;
        value[NOISE][i] = ((b->previous ? e * e : rest * x * x) / variance - 1) / noise;
    }
    return 0;
}

/* The sum of x: its smoothed mean over the length of the series is the average log-variance. */
static int additive(void *ctx, const mote_block *b, double *const *value)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i)
        value[0][i] = b->state[0][i];
    return 0;
}

static int sample_observation(void *ctx, const mote_block *b, mote_source *source, double *const *value)
{
    (void)ctx;
    mote_normals(source, value[0], b->n);
    for (int64_t i = 0; i < b->n; ++i)
        value[0][i] *= exp(0.5 * b->state[0][i]);
    return 0;
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
{
    static const mote_parameter parameters[] = {
        MOTE_NORMAL("mean", -1, 1, .label = "\\mu"),
        MOTE_UNIFORM("persistence", 0.5, 0.99, .label = "\\rho"), /* both bound the stationary spread: see the head */
        MOTE_UNIFORM("noise", 0.02, 0.5, .label = "\\sigma"),
    };
    static const char *const states[] = { "log_variance" }, *const observations[] = { "y" }, *const sums[] = { "sum" };
    static const mote_ssm ssm = {
        MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(parameters), MOTE_STATES(states), MOTE_OBSERVATIONS(observations),
        .initial = initial, .transition = transition, .log_potential = log_potential, .log_initial = log_initial,
        .log_transition = log_transition, .log_transition_bound = log_transition_bound, .additive = additive,
        .additive_names = sums, .additive_count = 1, .gradient = gradient, .sample_observation = sample_observation,
        .name = "stochastic volatility", .flags = MOTE_SSM_THREADSAFE | MOTE_SSM_ROW_PARAMETERS,
    };
    (void)host, (void)section;
    model->ssm = &ssm;
    return 0;
}
