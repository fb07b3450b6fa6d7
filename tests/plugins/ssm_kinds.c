/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State-space models of several kinds, for the questions of `mote check`. [model] kind:
 *
 *   counts    x' ~ Poisson(x / 2 + 3), initial law earlier than the first observation; density = right | shifted
 *   interval  x' uniform on (0, 1 + x), a density that ends; density = right | long
 *   maps      x' = x / 2 + N(0, 1) in two coordinates, by maps of uniforms and as `gaussian`; density = right | wrong_map | wrong_normal
 *   plane     two equal coordinates, and a density that takes them for independent */
#define MOTE_PLUGIN_LINKS_NOTHING
#include <math.h>
#include <mote/plugin.h>

static const char *density = "right";

static int is(const char *word, const char *other)
{
    return !strcmp(word, other);
}

static double log_normal(double x, double mean)
{
    return -0.5 * (x - mean) * (x - mean) - 0.91893853320467274178;
}

static int flat_potential(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i)
        b->log_weight[i] = 0;
    return 0;
}

/* ---- counts ---- */

static int counts_initial(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        mote_stream stream = mote_stream_open(source, b->first + i);
        b->state[0][i] = (double)mote_stream_poisson(&stream, 4);
    }
    return 0;
}

static int counts_transition(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        mote_stream stream = mote_stream_open(source, b->first + i);
        b->state[0][i] = (double)mote_stream_poisson(&stream, 0.5 * b->previous[0][i] + 3);
    }
    return 0;
}

static int counts_density(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const double mean = (b->previous ? 0.5 * b->previous[0][i] + 3 : 4) + (is(density, "shifted") ? 0.2 : 0);
        b->log_weight[i] = b->state[0][i] * log(mean) - mean - lgamma(b->state[0][i] + 1);
    }
    return 0;
}

/* ---- interval ---- */

static int interval_initial(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    mote_uniforms(source, b->state[0], b->n);
    return 0;
}

static int interval_transition(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    mote_uniforms(source, b->state[0], b->n);
    for (int64_t i = 0; i < b->n; ++i)
        b->state[0][i] *= 1 + b->previous[0][i];
    return 0;
}

static int interval_density(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const double end = 1 + b->previous[0][i] + (is(density, "long") ? 0.1 : 0), x = b->state[0][i];
        b->log_weight[i] = x > 0 && x < end ? -log(end) : -INFINITY;
    }
    return 0;
}

/* ---- maps, and the plane ---- */

static int pair_initial(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    mote_normals(source, b->state[0], b->n);
    mote_normals(source, b->state[1], b->n);
    return 0;
}

static int pair_transition(void *ctx, const mote_block *b, mote_source *source)
{
    pair_initial(ctx, b, source);
    for (int k = 0; k < 2; ++k)
        for (int64_t i = 0; i < b->n; ++i)
            b->state[k][i] += 0.5 * b->previous[k][i];
    return 0;
}

static int plane_transition(void *ctx, const mote_block *b, mote_source *source)
{
    pair_transition(ctx, b, source);
    for (int64_t i = 0; i < b->n; ++i)
        b->state[1][i] = b->state[0][i];
    return 0;
}

static int pair_density(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i)
        b->log_weight[i] = log_normal(b->state[0][i], 0.5 * b->previous[0][i]) + log_normal(b->state[1][i], 0.5 * b->previous[1][i]);
    return 0;
}

/* Of the normal law, by bisection. */
static double quantile(double u)
{
    double low = -9, high = 9;
    for (int i = 0; i < 60; ++i) {
        const double middle = 0.5 * (low + high);
        if (0.5 * erfc(-middle / sqrt(2)) < u)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

static int pair_map(void *ctx, const mote_block *b, const double *const *uniform)
{
    (void)ctx;
    for (int k = 0; k < 2; ++k)
        for (int64_t i = 0; i < b->n; ++i)
            b->state[k][i] = quantile(uniform[k][i]) * (is(density, "wrong_map") ? 1.4 : 1) +
                             (b->previous ? 0.5 * b->previous[k][i] : 0);
    return 0;
}

static int pair_gaussian(void *ctx, const mote_block *b, double *const *mean, double *covariance)
{
    (void)ctx;
    for (int k = 0; k < 2; ++k)
        for (int64_t i = 0; i < b->n; ++i)
            mean[k][i] = b->previous ? 0.5 * b->previous[k][i] : 0;
    covariance[0] = covariance[3] = 1;
    covariance[1] = covariance[2] = is(density, "wrong_normal") ? 0.1 : 0;
    return 0;
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
{
    static const char *const states[] = { "x", "y" };
    static mote_ssm ssm;
    const char *kind = host->config_get(section, "kind", "counts");
    const int pair = is(kind, "maps") || is(kind, "plane"), counts = is(kind, "counts");
    density = host->config_get(section, "density", "right");
    const mote_ssm fresh = { MOTE_VERSIONED(mote_ssm), .states = states, .state_count = pair ? 2 : 1,
                             .log_potential = flat_potential, .name = "kinds", .flags = counts ? MOTE_SSM_START_BEFORE : 0 };
    ssm = fresh;
    ssm.initial = pair ? pair_initial : counts ? counts_initial : interval_initial;
    ssm.transition = is(kind, "plane") ? plane_transition : pair ? pair_transition : counts ? counts_transition : interval_transition;
    ssm.log_transition = pair ? pair_density : counts ? counts_density : interval_density;
    ssm.log_initial = counts ? counts_density : NULL;
    if (is(kind, "maps")) {
        ssm.initial_map = ssm.transition_map = pair_map;
        ssm.gaussian = pair_gaussian;
    }
    model->ssm = &ssm;
    return 0;
}
