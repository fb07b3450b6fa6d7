/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plug-in for tests that hands out a state-space model whose faults can be asked for in [model]:
 *
 *     x_0 ~ N(0, 1);  x_t ~ N(rho x_{t-1}, s^2);  y_t ~ N(x_t, r^2)          s = 0.5, r = 0.7
 *
 *   potential    right | nan | zero | stop | hang | segv   of the third step
 *                cut                         zero where x > 1.5, of every step
 *   density      right | unnormalised | wide | none | later   log_transition: times 1.2; of 1.1 s; no log_initial
 *   bound        right | low
 *   gradient     right | wrong
 *   additive     right | nan | by_place      of the second step
 *                parent                      no number where x_{t-1} > 1.5
 *   proposal     right | wrong               its density's centre
 *   slope        none | right | wrong | zero proposal_gradient, in rho alone
 *   draws        right | by_place            numbers that depend on the place in the block
 *   threads      yes | no
 *   rows         yes | no                    says that it reads one set of parameters for a block
 *   both         yes: hands out a target, too
 *   series       yes: carries twenty observations of its own */
#define MOTE_PLUGIN_LINKS_NOTHING
#include <math.h>
#include <mote/plugin.h>
#include <stdlib.h>

enum { RHO, SPREAD };
static const double sd_y = 0.7;

typedef struct ssm_model {
    mote_ssm ssm;
    mote_target target;
    mote_series series;
    double values[20];
    const char *potential, *density, *bound, *gradient, *proposal, *slope, *draws, *additive;
} ssm_model;

static const mote_parameter parameters[] = {
    MOTE_UNIFORM("rho", -1, 1, .label = "\\rho"),
    MOTE_FIXED("spread", 0.5),
};

static double log_normal(double x, double mean, double sd)
{
    const double z = (x - mean) / sd;
    return -0.5 * z * z - log(sd) - 0.91893853320467274178;
}

static int is(const char *word, const char *other)
{
    return !strcmp(word, other);
}

static int initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    return 0;
}

static int transition(void *ctx, const mote_block *block, mote_source *source)
{
    const ssm_model *model = ctx;
    const double rho = *block->parameter[RHO], s = *block->parameter[SPREAD];
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = rho * block->previous[0][i] + s * block->state[0][i] +
                             (is(model->draws, "by_place") ? 1e-3 * (double)i : 0);
    return 0;
}

static volatile int nothing;

static int log_potential(void *ctx, const mote_block *block)
{
    const ssm_model *model = ctx;
    if (block->step == 2 && is(model->potential, "stop"))
        return -5;
    while (block->step == 2 && is(model->potential, "hang"))
        nothing = 0;
    if (block->step == 2 && is(model->potential, "segv"))
        *(volatile char *)(uintptr_t)nothing = 1;
    for (int64_t i = 0; i < block->n; ++i) {
        block->log_weight[i] = log_normal(block->observation[0], block->state[0][i], sd_y);
        if (block->step == 2 && is(model->potential, "nan"))
            block->log_weight[i] = NAN;
        if (block->state[0][i] > 1.5 && is(model->potential, "cut"))
            block->log_weight[i] = -INFINITY;
        if (block->step == 2 && is(model->potential, "zero"))
            block->log_weight[i] = -INFINITY;
    }
    return 0;
}

static int log_initial(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->state[0][i], 0, 1);
    return 0;
}

static int log_transition(void *ctx, const mote_block *block)
{
    const ssm_model *model = ctx;
    const double rho = *block->parameter[RHO], s = *block->parameter[SPREAD] * (is(model->density, "wide") ? 1.1 : 1);
    const double add = is(model->density, "unnormalised") ? log(1.2) : 0;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->state[0][i], rho * block->previous[0][i], s) + add;
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *block)
{
    const ssm_model *model = ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(0, 0, *block->parameter[SPREAD]) - (is(model->bound, "low") ? 0.01 : 0);
    return 0;
}

/* The law of x_t given x_{t-1} and y_t; without y_t the transition. */
static void conditional(const mote_block *block, double x, double *mean, double *sd)
{
    const double s2 = block->parameter[SPREAD][0] * block->parameter[SPREAD][0], r2 = sd_y * sd_y;
    const double gain = block->observed && block->observed[0] ? s2 / (s2 + r2) : 0;
    *mean = *block->parameter[RHO] * x;
    if (gain > 0)
        *mean += gain * (block->observation[0] - *mean);
    *sd = sqrt(s2 * (1 - gain));
}

static int propose(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i) {
        double mean, sd;
        conditional(block, block->previous[0][i], &mean, &sd);
        block->state[0][i] = mean + sd * block->state[0][i];
    }
    return 0;
}

static int log_propose(void *ctx, const mote_block *block)
{
    const ssm_model *model = ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        double mean, sd;
        conditional(block, block->previous[0][i], &mean, &sd);
        block->log_weight[i] = log_normal(block->state[0][i], mean + (is(model->proposal, "wrong") ? 0.2 : 0), sd);
    }
    return 0;
}

static int additive(void *ctx, const mote_block *block, double *const *value)
{
    const ssm_model *model = ctx;
    for (int64_t i = 0; i < block->n; ++i)
        value[0][i] = block->previous ? block->previous[0][i] * block->state[0][i] : 0;
    for (int64_t i = 0; i < block->n && block->previous && is(model->additive, "parent"); ++i)
        if (block->previous[0][i] > 1.5)
            value[0][i] = NAN;
    for (int64_t i = 0; i < block->n && block->step == 1; ++i)
        value[0][i] += is(model->additive, "nan") ? NAN : is(model->additive, "by_place") ? (double)i : 0;
    return 0;
}

static int gradient(void *ctx, const mote_block *block, double *const *value)
{
    const ssm_model *model = ctx;
    const double rho = *block->parameter[RHO], s = *block->parameter[SPREAD],
                 wrong = is(model->gradient, "wrong") ? 1.01 : 1;
    for (int64_t i = 0; i < block->n; ++i) {
        const double x = block->previous ? block->previous[0][i] : 0, e = block->state[0][i] - rho * x;
        value[RHO][i] = block->previous ? wrong * e * x / (s * s) : 0;
        value[SPREAD][i] = block->previous ? e * e / (s * s * s) - 1 / s : 0;
    }
    return 0;
}

/* In rho; the spread, which the proposal has too, does not learn from it. */
static int proposal_gradient(void *ctx, const mote_block *block, double *const *value)
{
    const ssm_model *model = ctx;
    const double gain = is(model->slope, "zero") ? 0 : is(model->slope, "wrong") ? 1.01 : 1;
    for (int64_t i = 0; i < block->n; ++i) {
        double mean = 0, sd = 1;
        if (block->previous)
            conditional(block, block->previous[0][i], &mean, &sd);
        const double s = *block->parameter[SPREAD], slope = block->previous ? block->previous[0][i] / (s * s) : 0;
        value[RHO][i] = gain * (block->state[0][i] - mean) * slope; /* d mean / d rho over sd^2 */
        value[SPREAD][i] = 0;
    }
    return 0;
}

static int sample_observation(void *ctx, const mote_block *block, mote_source *source, double *const *value)
{
    (void)ctx;
    mote_normals(source, value[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        value[0][i] = block->state[0][i] + sd_y * value[0][i];
    return 0;
}

static int target_likelihood(void *ctx, const double *theta, double *value, double *derived)
{
    (void)ctx, (void)derived;
    *value = -theta[0] * theta[0];
    return 0;
}

static void read_keys(const mote_host *host, const mote_config *section, ssm_model *model)
{
    model->potential = host->config_get(section, "potential", "right");
    model->density = host->config_get(section, "density", "right");
    model->bound = host->config_get(section, "bound", "right");
    model->additive = host->config_get(section, "additive", "right");
    model->gradient = host->config_get(section, "gradient", "right");
    model->proposal = host->config_get(section, "proposal", "right");
    model->slope = host->config_get(section, "slope", "none");
    model->draws = host->config_get(section, "draws", "right");
}

static void fill(ssm_model *model)
{
    static const char *const states[] = { "x" }, *const observations[] = { "y" }, *const names[] = { "lag_one" };
    const mote_ssm ssm = { MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(parameters), MOTE_STATES(states),
                           MOTE_OBSERVATIONS(observations), .initial = initial, .transition = transition,
                           .log_potential = log_potential, .log_initial = log_initial, .log_transition = log_transition,
                           .log_transition_bound = log_transition_bound, .propose_initial = initial,
                           .log_propose_initial = log_initial, .propose = propose, .log_propose = log_propose,
                           .additive = additive, .additive_names = names, .additive_count = 1, .gradient = gradient,
                           .sample_observation = sample_observation, .ctx = model, .name = "autoregression" };
    const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                                 .log_likelihood_point = target_likelihood, .name = "parabola" };
    model->ssm = ssm;
    model->target = target;
    for (int t = 0; t < 20; ++t)
        model->values[t] = sin(0.7 * t);
    model->series = (mote_series){ MOTE_VERSIONED(mote_series), .count = 20, .values = model->values };
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *out)
{
    ssm_model *model = calloc(1, sizeof *model);
    if (!model)
        return MOTE_ENOMEM;
    out->ctx = model;
    out->release = free;
    read_keys(host, section, model);
    fill(model);
    model->ssm.flags = is(host->config_get(section, "threads", "yes"), "yes") ? MOTE_SSM_THREADSAFE : 0;
    if (is(host->config_get(section, "rows", "yes"), "yes"))
        model->ssm.flags |= MOTE_SSM_ROW_PARAMETERS;
    model->ssm.series = is(host->config_get(section, "series", "no"), "yes") ? &model->series : NULL;
    if (is(model->density, "none"))
        model->ssm.log_transition = model->ssm.log_transition_bound = NULL;
    if (is(model->density, "later")) /* nor the proposal that would need it */
        model->ssm.log_initial = NULL, model->ssm.propose_initial = NULL, model->ssm.log_propose_initial = NULL;
    model->ssm.proposal_gradient = is(model->slope, "none") ? NULL : proposal_gradient;
    out->ssm = &model->ssm;
    out->target = is(host->config_get(section, "both", "no"), "yes") ? &model->target : NULL;
    return 0;
}
