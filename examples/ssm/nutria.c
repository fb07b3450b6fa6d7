/* SPDX-License-Identifier: BSD-2-Clause */
/* A population that limits itself: female nutria in East Anglia, 120 monthly values of an index of their abundance
 * (data/timeseries/nutria.txt), with the theta-logistic growth law (Peters, Hosack and Hayes 2010, arXiv:1005.2238).
 *
 *     x_0 ~ N(0, 1),   x' = x + growth - decline exp(curvature x) + sd_x N(0, 1),   y = x + sd_y N(0, 1)
 *
 * Known answer at (0.15, 0.12, 0.1) with sd_x = 0.47, sd_y = 0.39: log-likelihood -78.31536, by quadrature. The
 * likelihood is nearly unbounded as sd_y falls to 0: take it for posteriors, not for its maximum. */
#define MOTE_PLUGIN_LINKS_NOTHING
#include <math.h>
#include <mote/plugin.h>

enum { GROWTH, DECLINE, CURVATURE, PRECISION_X, PRECISION_Y };
static const double half_log_two_pi = 0.918938533204672742;

static double drift(const mote_block *b, double x)
{
    return x + *b->parameter[GROWTH] - *b->parameter[DECLINE] * exp(*b->parameter[CURVATURE] * x);
}

static int initial(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    mote_normals(source, b->state[0], b->n);
    return 0;
}

static int transition(void *ctx, const mote_block *b, mote_source *source)
{
    const double sd = 1 / sqrt(*b->parameter[PRECISION_X]);
    (void)ctx;
    mote_normals(source, b->state[0], b->n);
    for (int64_t i = 0; i < b->n; ++i)
        b->state[0][i] = drift(b, b->previous[0][i]) + sd * b->state[0][i];
    return 0;
}

static int log_potential(void *ctx, const mote_block *b)
{
    const double precision = *b->parameter[PRECISION_Y], y = b->observation[0];
    const double constant = 0.5 * log(precision) - half_log_two_pi;
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i)
        b->log_weight[i] = constant - 0.5 * precision * (y - b->state[0][i]) * (y - b->state[0][i]);
    return 0;
}

static int log_transition(void *ctx, const mote_block *b)
{
    const double precision = *b->parameter[PRECISION_X];
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const double e = b->state[0][i] - drift(b, b->previous[0][i]);
        b->log_weight[i] = 0.5 * log(precision) - half_log_two_pi - 0.5 * precision * e * e;
    }
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i)
        b->log_weight[i] = 0.5 * log(*b->parameter[PRECISION_X]) - half_log_two_pi;
    return 0;
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
{
    static const mote_parameter parameters[] = {
        MOTE_TRUNCATED_NORMAL("growth", 0, 1, 0, 3),
        MOTE_TRUNCATED_NORMAL("decline", 0, 1, 0, 3),
        MOTE_TRUNCATED_NORMAL("curvature", 0, 1, 0, 3),
        MOTE_GAMMA("precision_x", 2, 1),
        MOTE_GAMMA("precision_y", 2, 1),
    };
    static const char *const states[] = { "abundance" }, *const observations[] = { "y" };
    static const mote_ssm ssm = {
        MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(parameters), MOTE_STATES(states), MOTE_OBSERVATIONS(observations),
        .initial = initial, .transition = transition, .log_potential = log_potential, .log_transition = log_transition,
        .log_transition_bound = log_transition_bound, .name = "theta-logistic",
        .flags = MOTE_SSM_THREADSAFE | MOTE_SSM_ROW_PARAMETERS,
    };
    (void)host, (void)section;
    model->ssm = &ssm;
    return 0;
}
