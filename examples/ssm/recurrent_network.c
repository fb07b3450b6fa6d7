/* SPDX-License-Identifier: BSD-2-Clause */
/* A chaotic recurrent network of five units, seen with heavy tails (settings of the CTRNN data of
 * Campbell, Shi, Rainforth and Doucet 2021, github.com/andrew-cr/online_var_fil):
 *
 *     x_0 ~ N(0, 0.1^2 I),  x' = x + (0.001 / 0.025) (-x + gain W tanh x) + noise N(0, I),  y = x + 0.1 Student-t(2)
 *
 * with gain 2.5, noise 0.1, and 25 weights W ~ N(0, 1/5) that come from a small generator below, so that the series
 * recurrent_network.csv (500 times, simulated) and the model have the same ones; [model] weights = n takes other ones.
 */
#define MOTE_PLUGIN_LINKS_NOTHING
#include <math.h>
#include <mote/plugin.h>
#include <stdlib.h>

enum { UNITS = 5 };
enum { GAIN, NOISE };

typedef struct network {
    mote_ssm ssm;
    double weight[UNITS][UNITS];
} network;

/* Uniform in (0, 1): splitmix64 (Steele, Lea and Flood 2014). */
static double uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static void draw_weights(network *net, uint64_t seed)
{
    for (int i = 0; i < UNITS; ++i)
        for (int j = 0; j < UNITS; ++j) {
            const double u = uniform(&seed), v = uniform(&seed);
            net->weight[i][j] = sqrt(-2 * log(u) / UNITS) * cos(6.283185307179586 * v);
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

static void drift(const network *net, const mote_block *b, int64_t i, double mean[UNITS])
{
    double activity[UNITS];
    for (int k = 0; k < UNITS; ++k)
        activity[k] = tanh(b->previous[k][i]);
    for (int k = 0; k < UNITS; ++k) {
        double input = 0;
        for (int j = 0; j < UNITS; ++j)
            input += net->weight[k][j] * activity[j];
        mean[k] = b->previous[k][i] + 0.001 / 0.025 * (*b->parameter[GAIN] * input - b->previous[k][i]);
    }
}

static int transition(void *ctx, const mote_block *b, mote_source *source)
{
    for (int k = 0; k < UNITS; ++k)
        mote_normals(source, b->state[k], b->n);
    for (int64_t i = 0; i < b->n; ++i) {
        double mean[UNITS];
        drift(ctx, b, i, mean);
        for (int k = 0; k < UNITS; ++k)
            b->state[k][i] = mean[k] + *b->parameter[NOISE] * b->state[k][i];
    }
    return 0;
}

/* Student's density with 2 degrees of freedom: (2 + z^2)^(-3/2). */
static int log_potential(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i) {
        double sum = 0;
        for (int k = 0; k < UNITS; ++k) {
            const double z = b->observed[k] ? (b->observation[k] - b->state[k][i]) / 0.1 : 0;
            sum += b->observed[k] ? -1.5 * log(2 + z * z) - log(0.1) : 0;
        }
        b->log_weight[i] = sum;
    }
    return 0;
}

static int log_transition(void *ctx, const mote_block *b)
{
    const double noise = *b->parameter[NOISE];
    for (int64_t i = 0; i < b->n; ++i) {
        double mean[UNITS], squares = 0;
        drift(ctx, b, i, mean);
        for (int k = 0; k < UNITS; ++k)
            squares += (b->state[k][i] - mean[k]) * (b->state[k][i] - mean[k]);
        b->log_weight[i] = -0.5 * squares / (noise * noise) - UNITS * (log(noise) + 0.918938533204672742);
    }
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *b)
{
    (void)ctx;
    for (int64_t i = 0; i < b->n; ++i)
        b->log_weight[i] = -UNITS * (log(*b->parameter[NOISE]) + 0.918938533204672742);
    return 0;
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
{
    static const mote_parameter parameters[] = { MOTE_UNIFORM("gain", 0.5, 5), MOTE_FIXED("noise", 0.1) };
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
        MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(parameters), MOTE_STATES(states), MOTE_OBSERVATIONS(observations),
        .initial = initial, .transition = transition, .log_potential = log_potential, .log_transition = log_transition,
        .log_transition_bound = log_transition_bound, .ctx = net, .name = "recurrent network",
        .flags = MOTE_SSM_THREADSAFE | MOTE_SSM_ROW_PARAMETERS,
    };
    draw_weights(net, (uint64_t)seed);
    net->ssm = ssm;
    model->ssm = &net->ssm;
    return 0;
}
