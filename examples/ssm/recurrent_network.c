/* SPDX-License-Identifier: BSD-2-Clause */
/* A chaotic recurrent network of five units, seen with heavy tails (settings of the CTRNN data of
 * Campbell, Shi, Rainforth and Doucet 2021, github.com/andrew-cr/online_var_fil):
 *
 *     x_0 ~ N(0, 0.1^2 I),  x' = x + (0.001 / 0.025) (-x + gain W tanh x) + noise N(0, I),  y = x + 0.1 Student-t(2)
 *
 * with gain 2.5, noise 0.1, scale 0.1 (that of y), and 25 weights W ~ N(0, 1/5) that come from a small generator below,
 * so that the series recurrent_network.csv (500 times, simulated) and the model have the same ones; [model] weights = n
 * takes other ones. Noise, scale and weights are parameters that are fixed until an ini file frees them:
 * recurrent_network_learn.ini starts from no weights at all and learns them.
 *
 * The guided proposal moves each unit from the transition's mean m towards what was seen, r = y - m, the less the
 * further off it is, as a Kalman filter would whose observation has `precision` times the transition's where r = 0:
 *
 *     x' ~ N(m + l / (1 + l) r, (spread noise)^2 / (1 + l)),     l = precision / (1 + (r / width)^2)
 *
 * Its three parameters are learned by Markov score climbing (sampler score_ascent, objective = proposal). */
#define MOTE_PLUGIN_LINKS_NOTHING
#include <math.h>
#include <mote/plugin.h>
#include <stdlib.h>

enum { UNITS = 5 };
enum { GAIN, NOISE, SCALE, PRECISION, WIDTH, SPREAD, WEIGHT, PARAMETERS = WEIGHT + UNITS * UNITS };

static const double half_log_two_pi = 0.918938533204672742, rate = 0.001 / 0.025; /* time step over time constant */

typedef struct network {
    mote_ssm ssm;
    mote_parameter parameter[PARAMETERS];
    char name[UNITS * UNITS][4];
} network;

/* One row of parameters: made once for each by `prepare`. */
typedef struct constants {
    double gain, noise, scale, precision, width, spread, weight[UNITS][UNITS];
    double log_noise, log_scale; /* log(noise) + log(2 pi) / 2; log(scale) */
} constants;

static int prepare(void *ctx, const double *theta, void *cache)
{
    (void)ctx;
    constants *c = cache;
    *c = (constants){ .gain = theta[GAIN], .noise = theta[NOISE], .scale = theta[SCALE], .precision = theta[PRECISION],
                      .width = theta[WIDTH], .spread = theta[SPREAD],
                      .log_noise = log(theta[NOISE]) + half_log_two_pi, .log_scale = log(theta[SCALE]) };
    memcpy(c->weight, theta + WEIGHT, sizeof c->weight);
    return 0;
}

/* Uniform in (0, 1): splitmix64 (Steele, Lea and Flood 2014). */
static double uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

/* Parameters w11, w12, ..., w55, fixed at draws from N(0, 1 / UNITS). */
static void draw_weights(network *net, uint64_t seed)
{
    for (int i = 0; i < UNITS * UNITS; ++i) {
        const double u = uniform(&seed), v = uniform(&seed);
        const double weight = sqrt(-2 * log(u) / UNITS) * cos(6.283185307179586 * v);
        const char name[] = { 'w', (char)('1' + i / UNITS), (char)('1' + i % UNITS), '\0' };
        memcpy(net->name[i], name, sizeof name);
        net->parameter[WEIGHT + i] = (mote_parameter)MOTE_FIXED(net->name[i], weight);
    }
}

static int initial(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    for (int k = 0; k < UNITS; ++k) {
        mote_normals(source, b->state[k], b->n);
        for (int64_t i = 0; i < b->n; ++i)
            b->state[k][i] *= 0.1;
    }
    return 0;
}

static int log_initial(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        b->log_weight[i] = -UNITS * (log(0.1) + half_log_two_pi);
        for (int k = 0; k < UNITS; ++k)
            b->log_weight[i] -= 0.5 * (b->state[k][i] / 0.1) * (b->state[k][i] / 0.1);
    }
    return 0;
}

/* The transition's mean; what comes in through the weights, and the activities that they weigh. */
typedef struct motion {
    double mean[UNITS], input[UNITS], activity[UNITS];
} motion;

static motion drift(const mote_block *b, int64_t i)
{
    const constants *c = b->cache;
    motion m;
    for (int k = 0; k < UNITS; ++k)
        m.activity[k] = tanh(b->previous[k][i]);
    for (int k = 0; k < UNITS; ++k) {
        m.input[k] = 0;
        for (int j = 0; j < UNITS; ++j)
            m.input[k] += c->weight[k][j] * m.activity[j];
        m.mean[k] = b->previous[k][i] + rate * (c->gain * m.input[k] - b->previous[k][i]);
    }
    return m;
}

static int transition(void *ctx, const mote_block *b, mote_source *source)
{
    const constants *c = b->cache;
    (void)ctx;
    for (int k = 0; k < UNITS; ++k)
        mote_normals(source, b->state[k], b->n);
    for (int64_t i = 0; i < b->n; ++i) {
        const motion m = drift(b, i);
        for (int k = 0; k < UNITS; ++k)
            b->state[k][i] = m.mean[k] + c->noise * b->state[k][i];
    }
    return 0;
}

/* Student's density with 2 degrees of freedom: (2 + z^2)^(-3/2). */
static int log_potential(void *ctx, const mote_block *b)
{
    const constants *c = b->cache;
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        double sum = 0;
        for (int k = 0; k < UNITS; ++k) {
            const double z = b->observed[k] ? (b->observation[k] - b->state[k][i]) / c->scale : 0;
            sum += b->observed[k] ? -1.5 * log(2 + z * z) - c->log_scale : 0;
        }
        b->log_weight[i] = sum;
    }
    return 0;
}

static int log_transition(void *ctx, const mote_block *b)
{
    const constants *c = b->cache;
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const motion m = drift(b, i);
        double squares = 0;
        for (int k = 0; k < UNITS; ++k)
            squares += (b->state[k][i] - m.mean[k]) * (b->state[k][i] - m.mean[k]);
        b->log_weight[i] = -0.5 * squares / (c->noise * c->noise) - UNITS * c->log_noise;
    }
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i)
        b->log_weight[i] = -UNITS * ((const constants *)b->cache)->log_noise;
    return 0;
}

/* d/d theta of log transition (the initial law has no parameter) plus that of log potential. */
static int gradient(void *ctx, const mote_block *b, double *const *value)
{
    const constants *c = b->cache;
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const motion m = b->previous ? drift(b, i) : (motion){ { 0 }, { 0 }, { 0 } };
        for (int p = 0; p < PARAMETERS; ++p)
            value[p][i] = 0;
        for (int k = 0; k < UNITS; ++k) {
            const double e = b->previous ? (b->state[k][i] - m.mean[k]) / c->noise : 0;
            value[GAIN][i] += e / c->noise * rate * m.input[k];
            value[NOISE][i] += b->previous ? (e * e - 1) / c->noise : 0;
            for (int j = 0; j < UNITS; ++j)
                value[WEIGHT + k * UNITS + j][i] = e / c->noise * rate * c->gain * m.activity[j];
            if (b->observed && b->observed[k]) {
                const double z = (b->observation[k] - b->state[k][i]) / c->scale;
                value[SCALE][i] += (3 * z * z / (2 + z * z) - 1) / c->scale;
            }
        }
    }
    return 0;
}

/* ---- the guided proposal ---- */

/* The law of one unit: l and its factor 1 / (1 + (r / width)^2), r, mean and standard deviation. */
typedef struct guide {
    double precision, nearness, residual, mean, sd;
} guide;

static guide guide_of(const mote_block *b, int k, double mean)
{
    const constants *c = b->cache;
    guide g = { 0, 0, 0, mean, c->spread * c->noise };
    if (b->observed && b->observed[k]) {
        g.residual = b->observation[k] - mean;
        g.nearness = 1 / (1 + g.residual * g.residual / (c->width * c->width));
        g.precision = c->precision * g.nearness;
        g.mean += g.precision / (1 + g.precision) * g.residual;
        g.sd /= sqrt(1 + g.precision);
    }
    return g;
}

static int propose(void *ctx, const mote_block *b, mote_source *source)
{
    (void)ctx;
    for (int k = 0; k < UNITS; ++k)
        mote_normals(source, b->state[k], b->n);
    for (int64_t i = 0; i < b->n; ++i) {
        const motion m = drift(b, i);
        for (int k = 0; k < UNITS; ++k) {
            const guide g = guide_of(b, k, m.mean[k]);
            b->state[k][i] = g.mean + g.sd * b->state[k][i];
        }
    }
    return 0;
}

static int log_propose(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const motion m = drift(b, i);
        b->log_weight[i] = 0;
        for (int k = 0; k < UNITS; ++k) {
            const guide g = guide_of(b, k, m.mean[k]);
            const double e = (b->state[k][i] - g.mean) / g.sd;
            b->log_weight[i] -= 0.5 * e * e + log(g.sd) + half_log_two_pi;
        }
    }
    return 0;
}

/* d/d(precision, width, spread) of log_propose. The model's own parameters learn from `gradient` alone: zero here. */
static int proposal_gradient(void *ctx, const mote_block *b, double *const *value)
{
    const constants *c = b->cache;
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        const motion m = b->previous ? drift(b, i) : (motion){ { 0 }, { 0 }, { 0 } };
        for (int p = 0; p < PARAMETERS; ++p)
            value[p][i] = 0;
        for (int k = 0; k < UNITS && b->previous; ++k) {
            const guide g = guide_of(b, k, m.mean[k]);
            const double e = (b->state[k][i] - g.mean) / g.sd, rest = 1 / (1 + g.precision);
            const double slope = rest * (e / g.sd * g.residual * rest - 0.5 * (e * e - 1)); /* d log q / d l */
            value[PRECISION][i] += slope * g.nearness;
            value[WIDTH][i] += slope * 2 * g.precision * (1 - g.nearness) / c->width;
            value[SPREAD][i] += (e * e - 1) / c->spread;
        }
    }
    return 0;
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
{
    static const mote_parameter parameters[WEIGHT] = {
        MOTE_UNIFORM("gain", 0.5, 5), MOTE_FIXED("noise", 0.1), MOTE_FIXED("scale", 0.1),
        MOTE_FIXED("precision", 0.75), MOTE_FIXED("width", 0.32), MOTE_FIXED("spread", 1.05), /* as learned */
    };
    static const char *const states[] = { "x1", "x2", "x3", "x4", "x5" };
    static const char *const observations[] = { "y1", "y2", "y3", "y4", "y5" };
    int64_t seed;
    char text[400];
    network *net = calloc(1, sizeof *net);
    if (!net)
        return MOTE_ENOMEM;
    model->ctx = net;
    model->release = free;
    if (host->config_integer(section, "weights", 1, &seed, text, sizeof text)) {
        host->error(host->ctx, text);
        return MOTE_EPARSE;
    }
    const mote_ssm ssm = {
        MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(net->parameter), MOTE_STATES(states), MOTE_OBSERVATIONS(observations),
        .prepare = prepare, .cache_size = sizeof(constants), .initial = initial, .transition = transition,
        .log_potential = log_potential, .log_initial = log_initial, .log_transition = log_transition,
        .log_transition_bound = log_transition_bound, .gradient = gradient, .propose = propose,
        .log_propose = log_propose, .proposal_gradient = proposal_gradient,
        .ctx = net, .name = "recurrent network",
        .flags = MOTE_SSM_THREADSAFE | MOTE_SSM_ROW_PARAMETERS,
    };
    memcpy(net->parameter, parameters, sizeof parameters);
    draw_weights(net, (uint64_t)seed);
    net->ssm = ssm;
    model->ssm = &net->ssm;
    return 0;
}
