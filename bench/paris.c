/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PaRIS per time step: linear-Gaussian model (rho .9, unit noise, observation variance .05), M = 2 backward draws, one
 * component, one thread, the filter included; milliseconds of CPU time, fastest of a few windows. Goals: hybrid and
 * mcmc linear in the number of particles, and no way slower than a plain C loop was measured to be (column `goal`,
 * another machine); N = 1000, T = 400 at least 100 times faster than `particles` (paris_peer.py).
 *
 * Usage: paris [windows, default 3] */
#include <math.h>
#include <mote/paris.h>
#include <string.h>

#include "bench/bench.h"
#include "smc/paris.h"

enum { T = 400, SHORT = 10 };

static const double RHO = 0.9, NOISE = 1, VARIANCE = 0.05, LOG_TWO_PI = 1.8378770664093454836;
static double observations[T];

static int initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] *= 2.3;
    return 0;
}

static int transition(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = RHO * block->previous[0][i] + NOISE * block->state[0][i];
    return 0;
}

static int log_potential(void *ctx, const mote_block *block)
{
    const double y = block->observation[0], *x = block->state[0];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -0.5 / VARIANCE * (y - x[i]) * (y - x[i]) - 0.5 * (LOG_TWO_PI - 2.9957322735539909);
    return 0;
}

static int log_transition(void *ctx, const mote_block *block)
{
    const double *before = block->previous[0], *x = block->state[0];
    double *out = block->log_weight;
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        out[i] = -0.5 * (x[i] - RHO * before[i]) * (x[i] - RHO * before[i]) - 0.5 * LOG_TWO_PI;
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -0.5 * LOG_TWO_PI;
    return 0;
}

static int additive(void *ctx, const mote_block *block, double *const *value)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        value[0][i] = block->previous ? block->previous[0][i] * block->state[0][i] : 0;
    return 0;
}

static const char *const states[] = { "x" }, *const observed[] = { "y" }, *const names[] = { "sum_product" };
static const mote_series series = { MOTE_VERSIONED(mote_series), .count = T, .values = observations };
static const mote_ssm model = {
    MOTE_VERSIONED(mote_ssm), MOTE_STATES(states), MOTE_OBSERVATIONS(observed), .initial = initial, .transition =
            transition,
    .log_potential = log_potential, .log_transition = log_transition, .log_transition_bound = log_transition_bound,
    .additive = additive, .additive_names = names, .additive_count = 1, .series = &series, .flags = MOTE_SSM_THREADSAFE,
};

typedef struct job {
    int64_t particles, way, times;
    mote_backward_info info;
} job;

/* One pass over the first `times` observations. */
static void pass(job *j)
{
    const mote_filter_setup setup = { .particles = j->particles, .rule = MOTE_RULE_ALWAYS };
    const mote_paris_smoother_setup paris_setup = { { j->way, 2, 0, 1 }, MOTE_FUNCTIONAL_ADDITIVE, MOTE_ON_LINE_PARIS };
    const mote_source source = mote_source_live(1);
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_datum datum;
    mote_particle_filter filter;
    mote_paris_smoother paris;
    mote_memory_open(&memory, NULL);
    int status = mote_state_space_open(&space, &model, &memory, &message) || mote_datum_open(&datum, &space, &memory) ||
                 mote_particle_filter_open(&filter, &space, &setup, &memory, NULL, &message) ||
                 mote_paris_smoother_open(&paris, &filter, &paris_setup);
    mote_particle_filter_add(&filter, &paris.collector);
    status = status || mote_particle_filter_start(&filter, (const double[]){ 0 }, &source);
    for (int64_t t = 0; t < j->times && !status; ++t) {
        mote_datum_from_series(&datum, &space, t);
        status = mote_particle_filter_step(&filter, &datum);
    }
    if (status)
        printf("failed: %s\n", message.text);
    j->info = paris.backward.info;
    mote_paris_smoother_close(&paris);
    mote_particle_filter_close(&filter);
    mote_datum_close(&datum, &memory);
    mote_state_space_close(&space);
}

static double milliseconds(job *j, int windows)
{
    double best = 1e300;
    for (int w = 0; w < windows; ++w) {
        const double start = bench_seconds();
        pass(j);
        const double seconds = bench_seconds() - start;
        best = seconds < best ? seconds : best;
    }
    return 1e3 * best / (double)j->times;
}

int main(int argc, char **argv)
{
    static const char *const ways[] = { "hybrid", "exact", "rejection", "mcmc" };
    static const int64_t particles[] = { 200, 1000, 5000 };
    static const double goal[4][3] = { { 0.027, 0.14, 0.82 }, { 0.20, 4.5, 120 }, { 0.031, 0.16, 0.99 },
                                       { 0.012, 0.060, 0.31 } };
    const int windows = argc > 1 ? atoi(argv[1]) : 3;
    for (int t = 0; t < T; ++t)
        observations[t] = 2 * sin(0.3 * t) + 0.5 * cos(1.7 * t) + 1.5 * sin(7.1 * t * t);
    bench_head("PaRIS, M = 2: milliseconds per step");
    printf("%-10s %10s %12s %10s %14s %16s\n", "way", "particles", "ms per step", "goal", "trials a draw",
           "fallback share");
    for (int way = 0; way < 4; ++way)
        for (int k = 0; k < 3; ++k) {
            job j = { .particles = particles[k], .way = way, .times = way == MOTE_BACKWARD_EXACT && k == 2 ? SHORT
                      : T };
            const double ms = milliseconds(&j, way == MOTE_BACKWARD_EXACT ? 1 : windows);
            printf("%-10s %10lld %12.4f %10.3f %14.2f %16.2e\n", ways[way], (long long)particles[k], ms, goal[way][k],
                   (double)j.info.trials / (double)j.info.draws, (double)j.info.fallbacks / (double)j.info.draws);
        }
    job j = { .particles = 1000, .way = MOTE_BACKWARD_HYBRID, .times = T };
    printf("# N = 1000, T = 400, hybrid: %.4f s in all\n", 1e-3 * T * milliseconds(&j, windows));
    return 0;
}
