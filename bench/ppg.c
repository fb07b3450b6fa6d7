/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Smoothing a series at equal budgets: PaRIS with k N particles, k sweeps of the Parisian particle Gibbs sampler with N
 * (the first k0 dropped, its path from one more PaRIS run with N), and k sweeps of particle Gibbs with backward
 * sampling. Case A continued, E sum x_{t-1} x_t given all observations, exact by a Kalman smoother; M = 2 draws,
 * hybrid or by one Metropolis step, systematic resampling at every step. Bias with its standard error, root mean square
 * error, CPU milliseconds of one estimate. Then the bias of single sweeps that start from a path of zeros.
 *
 * Usage: ppg [share of the replicates, default 1] */
#include <math.h>
#include <mote/ppg.h>
#include <string.h>

#include "bench/bench.h"
#include "smc/conditional.h"
#include "smc/ppg.h"
#include "tests/support/state_space_models.h"

enum { MOST = 1000, SWEEPS = 24 };

static double observations[MOST];

/* E sum_{t >= 1} x_{t-1} x_t given y: scalar filter and smoother. */
static double exact_value(int times)
{
    static double filtered[MOST], variance[MOST], ahead[MOST];
    double sum = 0;
    for (int t = 0; t < times; ++t) {
        const double mean = t ? 0.9 * filtered[t - 1] : 0;
        ahead[t] = t ? 0.81 * variance[t - 1] + 1 : 1 / 0.19;
        filtered[t] = mean + ahead[t] / (ahead[t] + 1) * (observations[t] - mean);
        variance[t] = ahead[t] / (ahead[t] + 1);
    }
    double x = filtered[times - 1], s = variance[times - 1];
    for (int t = times - 2; t >= 0; --t) {
        const double back = 0.9 * variance[t] / ahead[t + 1], before = filtered[t] + back * (x - 0.9 * filtered[t]);
        sum += before * x + back * s;
        s = variance[t] + back * back * (s - ahead[t + 1]);
        x = before;
    }
    return sum;
}

/* The model's densities with everything that does not change taken out of the loop, as one would write them. */
static int log_transition(void *ctx, const mote_block *block)
{
    const double *before = block->previous[0], *x = block->state[0];
    double *out = block->log_weight;
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        out[i] = -0.5 * (x[i] - 0.9 * before[i]) * (x[i] - 0.9 * before[i]);
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = 0;
    return 0;
}

static int log_potential(void *ctx, const mote_block *block)
{
    const double y = block->observation[0], *x = block->state[0];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -0.5 * (y - x[i]) * (y - x[i]);
    return 0;
}

static int additive(void *ctx, const mote_block *block, double *const *value)
{
    const double *x = block->state[0];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        value[0][i] = block->previous ? block->previous[0][i] * x[i] : 0;
    return 0;
}

typedef struct setting {
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_datum datum;
    mote_series series;
    double theta[8], truth;
} setting;

static void open_setting(setting *s, int times)
{
    mote_ssm model = linear_gaussian_a;
    memset(s, 0, sizeof *s);
    s->series = (mote_series){ MOTE_VERSIONED(mote_series), .count = times, .values = observations };
    model.series = &s->series;
    model.log_transition = log_transition;
    model.log_transition_bound = log_transition_bound;
    model.log_potential = log_potential;
    model.additive = additive;
    model.additive_count = 1;
    mote_memory_open(&s->memory, NULL);
    if (mote_state_space_open(&s->space, &model, &s->memory, &s->message) ||
        mote_datum_open(&s->datum, &s->space, &s->memory) ||
        mote_state_space_theta(&s->space, NULL, s->theta, &s->message))
        exit(1);
    s->truth = exact_value(times);
}

static void close_setting(setting *s)
{
    mote_datum_close(&s->datum, &s->memory);
    mote_state_space_close(&s->space);
}

static void report(const char *what, int64_t particles, int64_t k, int64_t k0, const double *error, int n,
                   double seconds)
{
    double mean = 0, square = 0;
    for (int r = 0; r < n; ++r) {
        mean += error[r] / n;
        square += error[r] * error[r] / n;
    }
    printf("%-28s %6lld %4lld %4lld %9.3f %8.3f %9.3f %10.2f\n", what, (long long)particles, (long long)k,
           (long long)k0, mean, sqrt((square - mean * mean) / (n - 1)), sqrt(square), 1e3 * seconds / n);
}

static const mote_backward_setup hybrid = { MOTE_BACKWARD_HYBRID, 2, 0, 1 },
                                 metropolis = { MOTE_BACKWARD_MCMC, 2, 0, 1 };

static mote_filter_setup filter_of(int64_t particles)
{
    return (mote_filter_setup){ .particles = particles, .rule = MOTE_RULE_ALWAYS };
}

static void by_paris(setting *s, int64_t particles, int n)
{
    const mote_filter_setup filter_setup = filter_of(particles);
    const mote_paris_smoother_setup paris_setup = { hybrid, MOTE_FUNCTIONAL_ADDITIVE, MOTE_ON_LINE_PARIS };
    mote_particle_filter filter;
    mote_paris_smoother paris;
    double *error = calloc((size_t)n, sizeof *error), log_evidence, seconds = bench_seconds();
    if (mote_particle_filter_open(&filter, &s->space, &filter_setup, &s->memory, NULL, &s->message) ||
        mote_paris_smoother_open(&paris, &filter, &paris_setup))
        exit(1);
    mote_particle_filter_add(&filter, &paris.collector);
    for (int r = 0; r < n; ++r) {
        const mote_source source = mote_source_live(mote_source_key(1, r));
        if (mote_particle_filter_run(&filter, s->theta, &source, &s->datum, &log_evidence))
            exit(1);
        error[r] = paris.estimate[0] - s->truth;
    }
    report("PaRIS", particles, 1, 0, error, n, bench_seconds() - seconds);
    mote_paris_smoother_close(&paris);
    mote_particle_filter_close(&filter);
    free(error);
}

/* k0 = 1 and k / 2 from the same sweeps, and the averages of their single paths. */
static void by_ppg(setting *s, const mote_backward_setup *way, const char *name, int64_t particles, int64_t k, int n)
{
    const mote_ppg_setup setup = { filter_of(particles), *way, MOTE_FUNCTIONAL_ADDITIVE };
    mote_ppg_sampler ppg;
    double *error = calloc(4 * (size_t)n, sizeof *error), *path = calloc(MOST, sizeof *path), seconds = bench_seconds();
    if (mote_ppg_sampler_open(&ppg, &s->space, &setup, &s->memory, NULL, &s->message))
        exit(1);
    for (int r = 0; r < n; ++r) {
        mote_source source = mote_source_live(mote_source_key(2, r));
        const mote_source live = source;
        int status = mote_ppg_first(&ppg, s->theta, &source, path);
        for (int which = 0; which < 4; ++which)
            error[which * n + r] = -s->truth;
        for (int64_t l = 0; l < k && !status; ++l) {
            source.key = mote_source_child_key(live.key, MOTE_PURPOSE_FILTER, (uint64_t)l);
            status = mote_ppg_sweep(&ppg, s->theta, &source, path, path);
            for (int which = 0; which < 4; ++which) {
                const int64_t k0 = which % 2 ? k / 2 : 1;
                error[which * n + r] += l >= k0 ? (which < 2 ? ppg.paris.estimate[0]
                                                   : ppg.along[0]) / (double)(k - k0) : 0;
            }
        }
        if (status)
            exit(1);
    }
    seconds = bench_seconds() - seconds;
    report(name, particles, k, 1, error, n, seconds);
    report(name, particles, k, k / 2, error + n, n, seconds);
    report("average along PPG's paths", particles, k, 1, error + 2 * n, n, seconds);
    report("average along PPG's paths", particles, k, k / 2, error + 3 * n, n, seconds);
    mote_ppg_sampler_close(&ppg);
    free(error);
    free(path);
}

static void by_gibbs(setting *s, int64_t particles, int64_t k, int n)
{
    const mote_conditional_setup setup = { filter_of(particles), MOTE_PATH_BACKWARD, { MOTE_BACKWARD_EXACT, 1, 0, 1 } };
    mote_conditional kernel;
    mote_path_model along;
    double *error = calloc((size_t)n, sizeof *error), *path = calloc(MOST, sizeof *path), value = 0, seconds =
            bench_seconds();
    if (mote_conditional_open(&kernel, &s->space, &setup, &s->memory, NULL, &s->message) ||
        mote_path_model_open(&along, &s->space, &s->memory, &s->message) || mote_path_model_set(&along, s->theta))
        exit(1);
    for (int r = 0; r < n; ++r) {
        mote_source source = mote_source_live(mote_source_key(3, r));
        const mote_source live = source;
        int status = mote_conditional_first(&kernel, s->theta, &source, path);
        error[r] = -s->truth;
        for (int64_t l = 0; l < k && !status; ++l) {
            source.key = mote_source_child_key(live.key, MOTE_PURPOSE_FILTER, (uint64_t)l);
            status = mote_conditional_sweep(&kernel, s->theta, &source, path, path) ||
                     mote_path_functional(&along, path, MOTE_FUNCTIONAL_ADDITIVE, &value);
            error[r] += l >= 1 ? value / (double)(k - 1) : 0;
        }
        if (status)
            exit(1);
    }
    report("particle Gibbs, backward", particles, k, 1, error, n, bench_seconds() - seconds);
    mote_path_model_close(&along);
    mote_conditional_close(&kernel);
    free(error);
    free(path);
}

/* Mean error of u after 1, 2, ... sweeps that start from zeros. */
static void decay(setting *s, int64_t particles, int n)
{
    const mote_ppg_setup setup = { filter_of(particles), hybrid, MOTE_FUNCTIONAL_ADDITIVE };
    mote_ppg_sampler ppg;
    double mean[SWEEPS] = { 0 }, square[SWEEPS] = { 0 }, *path = calloc(MOST, sizeof *path);
    if (mote_ppg_sampler_open(&ppg, &s->space, &setup, &s->memory, NULL, &s->message))
        exit(1);
    for (int r = 0; r < n; ++r) {
        memset(path, 0, MOST * sizeof *path);
        for (int l = 0; l < SWEEPS; ++l) {
            const mote_source source = mote_source_live(mote_source_key(4, r * SWEEPS + l));
            if (mote_ppg_sweep(&ppg, s->theta, &source, path, path))
                exit(1);
            const double error = ppg.paris.estimate[0] - s->truth;
            mean[l] += error / n;
            square[l] += error * error / n;
        }
    }
    printf("%6lld:", (long long)particles);
    for (int l = 0; l < SWEEPS; l = l < 4 ? l + 1 : 2 * l)
        printf("  %.3f(%.3f)", mean[l], sqrt((square[l] - mean[l] * mean[l]) / (n - 1)));
    printf("\n");
    mote_ppg_sampler_close(&ppg);
    free(path);
}

int main(int argc, char **argv)
{
    static const struct { int times, replicates; int64_t particles, k; } cases[] = {
        { 50, 4000, 16, 16 }, { 200, 1000, 64, 16 }, { 1000, 100, 256, 16 } };
    const double share = argc > 1 ? atof(argv[1]) : 1;
    setting s;
    for (int t = 0; t < MOST; ++t)
        observations[t] = 2 * sin(0.3 * t) + 0.5 * cos(1.7 * t);
    bench_head("smoothing at equal budgets k N");
    for (int c = 0; c < 3; ++c) {
        const int n = (int)(cases[c].replicates * share) + 2;
        open_setting(&s, cases[c].times);
        printf("# T = %d, exact value %.6f, %d replicates\n", cases[c].times, s.truth, n);
        printf("%-28s %6s %4s %4s %9s %8s %9s %10s\n", "method", "N", "k", "k0", "bias", "+-", "RMSE", "CPU, ms");
        by_paris(&s, cases[c].particles * cases[c].k, n);
        by_paris(&s, cases[c].particles, n);
        by_ppg(&s, &hybrid, "PPG, hybrid", cases[c].particles, cases[c].k, n);
        by_ppg(&s, &metropolis, "PPG, Metropolis", cases[c].particles, cases[c].k, n);
        by_gibbs(&s, cases[c].particles, cases[c].k, n);
        close_setting(&s);
    }
    open_setting(&s, 50);
    printf("# T = 50, mean error of u in sweeps 1, 2, 3, 4, 5, 9, 17 from a path of zeros\n");
    for (int64_t particles = 4; particles <= 64; particles *= 4)
        decay(&s, particles, (int)(3000 * share) + 2);
    close_setting(&s);
    return 0;
}
