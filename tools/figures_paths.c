/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of smoothers, particle Markov chains, resampling and exact filters (tools/figures.h). Truths are exact:
 * scalar Kalman smoothers for sums along the path, quadrature for posteriors, the multinomial variance by its formula. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/source.h"
#include "tests/support/linear_gaussian_exact.h"
#include "tests/support/rho_posterior.h"
#include "tests/support/state_space_models.h"
#include "tests/support/state_space_reference.h"
#include "tools/figures.h"

/* Case A continued: its formula for the first `count` times. */
static mote_ssm case_a_of(int64_t count)
{
    static double values[EXACT_TIMES];
    static mote_series series = { MOTE_VERSIONED(mote_series), .values = values };
    mote_ssm model = linear_gaussian_a;
    case_a_observations(values, count);
    series.count = count;
    model.series = &series;
    return model;
}

/* ---- paris: root mean square error of E(sum x_{s-1} x_s | y_0..t) against t, N = 300, multinomial at every step */

/* The exact value for every t. */
static void exact_sums(double *value, int64_t times)
{
    static linear_gaussian_exact e;
    double y[EXACT_TIMES];
    case_a_observations(y, times);
    for (int64_t t = 0; t < times; ++t) {
        linear_gaussian_solve(&e, y, t + 1);
        value[t] = 0;
        for (int64_t s = 1; s <= t; ++s)
            value[t] += e.smoothed[s - 1] * e.smoothed[s] + e.lag_one[s];
    }
}

void figure_paris(void)
{
    enum { T = 400, RUNS = 400 };
    static const struct { int64_t smoother, draws; } ways[] = {
        { MOTE_ON_LINE_GENEALOGY, 0 }, { MOTE_ON_LINE_PARIS, 1 }, { MOTE_ON_LINE_PARIS, 2 } };
    const mote_ssm model = case_a_of(T);
    double truth[T];
    exact_sums(truth, T);
    for (int w = 0; w < 3; ++w) {
        double square[T] = { 0 };
        for (int r = 0; r < RUNS; ++r) {
            const mote_paris_options options = { .head = MOTE_VERSIONED(mote_paris_options), .particles = 300,
                                                 .seed = 1, .run_id = r, .resampling = MOTE_RESAMPLE_MULTINOMIAL,
                                                 .smoother = ways[w].smoother, .backward_draws = ways[w].draws,
                                                 .trace = MOTE_TRACE_ON };
            mote_run *run = figure_run(mote_paris, &model, &options);
            const double *estimate = mote_draws_column(mote_run_draws(run), 0);
            for (int t = 0; t < T; ++t)
                square[t] += pow(estimate[t] - truth[t], 2) / RUNS;
            mote_run_close(&run);
        }
        for (int t = 1; t < T; ++t)
            printf("%d %g\n", t, sqrt(square[t]));
        printf("\n\n");
    }
}

/* ---- ppg: mean error of u in sweeps that start from a path of zeros, and of PaRIS with as many particles; case A */

static void sweeps_from_zero(int64_t particles, int runs)
{
    enum { SWEEPS = 10 };
    static const double zeros[CASE_A_TIMES];
    double mean[SWEEPS] = { 0 }, square[SWEEPS] = { 0 };
    for (int r = 0; r < runs; ++r) {
        const mote_ppg_options options = { .head = MOTE_VERSIONED(mote_ppg_options), .particles = particles, .seed = 1,
                                           .run_id = r, .sweeps = SWEEPS, .warm_up = -1, .path = zeros };
        mote_run *run = figure_run(mote_ppg, &linear_gaussian_a, &options);
        for (int l = 0; l < SWEEPS; ++l) {
            const double error = mote_draws_column(mote_run_draws(run), 0)[l] - CASE_A_SUM_LAGGED;
            mean[l] += error / runs;
            square[l] += error * error / runs;
        }
        mote_run_close(&run);
    }
    for (int l = 0; l < SWEEPS; ++l)
        printf("%d %g %g\n", l + 1, fabs(mean[l]), sqrt((square[l] - mean[l] * mean[l]) / runs));
    printf("\n\n");
}

static void bias_of_paris(int64_t particles, int runs)
{
    double *error = malloc((size_t)runs * sizeof *error), mean, sd;
    for (int r = 0; r < runs; ++r) {
        const mote_paris_options options = { .head = MOTE_VERSIONED(mote_paris_options), .particles = particles,
                                             .seed = 1, .run_id = r };
        mote_run *run = figure_run(mote_paris, &linear_gaussian_a, &options);
        error[r] = mote_paris_estimate(run, 0) - CASE_A_SUM_LAGGED;
        mote_run_close(&run);
    }
    figure_mean_sd(error, runs, &mean, &sd);
    printf("0 %g %g\n11 %g %g\n\n\n", fabs(mean), sd / sqrt(runs), fabs(mean), sd / sqrt(runs));
    free(error);
}

void figure_ppg(void)
{
    static const struct { int64_t particles; int runs; } cases[] = { { 4, 1000 }, { 8, 1000 }, { 16, 1000 } };
    for (int k = 0; k < 3; ++k) {
        sweeps_from_zero(cases[k].particles, cases[k].runs);
        bias_of_paris(cases[k].particles, cases[k].runs);
    }
}

/* ---- pmcmc: the posterior of rho on case A, exact and by three algorithms; chains with 10 and with 100 particles */

static mote_ssm rho_unknown(void)
{
    static const mote_parameter parameters[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_FIXED("var_x", 1),
                                                 MOTE_FIXED("var_y", 1), MOTE_FIXED("var_0", 1 / 0.19) };
    mote_ssm model = linear_gaussian_a;
    model.parameters = parameters;
    return model;
}

static void exact_density(void)
{
    enum { POINTS = 2000, EVERY = 5 };
    double density[POINTS], total = 0;
    for (int i = 0; i < POINTS; ++i)
        total += density[i] = exp(exact_log_likelihood(-1 + (i + 0.5) * 2 / POINTS) + 75);
    for (int i = 0; i < POINTS; i += EVERY)
        printf("%g %g\n", -1 + (i + 0.5) * 2 / POINTS, density[i] / total * POINTS / 2);
    printf("\n\n");
}

/* Weighted shares of bins of width 0.05 over their width. */
static void histogram(mote_run *run)
{
    enum { BINS = 40 };
    const mote_draws *draws = mote_run_draws(run);
    const double *x = mote_draws_column(draws, mote_draws_find(draws, "rho"));
    const double *log_weight = mote_draws_log_weight(draws);
    double share[BINS] = { 0 };
    for (int64_t i = 0; i < mote_draws_count(draws); ++i)
        share[(int)((x[i] + 1) * BINS / 2)] += exp(log_weight[i]);
    for (int b = 0; b < BINS; ++b)
        printf("%g %g\n", -1 + (b + 0.5) * 2 / BINS, share[b] * BINS / 2);
    printf("\n\n");
    mote_run_close(&run);
}

void figure_pmcmc(void)
{
    enum { SHOWN = 400 };
    const mote_ssm model = rho_unknown();
    mote_pmmh_options pmmh = { .head = MOTE_VERSIONED(mote_pmmh_options), .particles = 100, .draws = 10000, .seed = 1 };
    const mote_particle_gibbs_options gibbs = { .head = MOTE_VERSIONED(mote_particle_gibbs_options), .particles = 20,
                                                .sweeps = 20000, .seed = 1 };
    const mote_smc2_options smc2 = { .head = MOTE_VERSIONED(mote_smc2_options), .parameter_particles = 8000,
                                     .seed = 1 };
    exact_density();
    histogram(figure_run(mote_pmmh, &model, &pmmh));
    histogram(figure_run(mote_particle_gibbs, &model, &gibbs));
    histogram(figure_run(mote_smc2, &model, &smc2));
    pmmh.chains = 1;
    pmmh.draws = SHOWN;
    for (pmmh.particles = 10; pmmh.particles <= 100; pmmh.particles *= 10) {
        mote_run *run = figure_run(mote_pmmh, &model, &pmmh);
        for (int i = 0; i < SHOWN; ++i)
            printf("%d %g\n", i, mote_draws_column(mote_run_draws(run), 0)[i]);
        printf("\n\n");
        mote_run_close(&run);
    }
}

/* ---- resampling: variance that a scheme adds to a weighted mean, over that of multinomial resampling */

enum { PARTICLES = 1000 };

typedef struct population {
    double x[PARTICLES], weight[PARTICLES], mean, variance;
} population;

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* x standard normal, log-weight spread times x. */
static void draw_population(population *p, double spread, int sorted, mote_source *source)
{
    double total = 0, square = 0;
    mote_normals(source, p->x, PARTICLES);
    if (sorted)
        qsort(p->x, PARTICLES, sizeof *p->x, ascending);
    for (int i = 0; i < PARTICLES; ++i)
        total += p->weight[i] = exp(spread * p->x[i]);
    p->mean = 0;
    for (int i = 0; i < PARTICLES; ++i) {
        p->mean += p->weight[i] / total * p->x[i];
        square += p->weight[i] / total * p->x[i] * p->x[i];
    }
    p->variance = (square - p->mean * p->mean) / PARTICLES; /* of multinomial resampling */
}

static double added_variance(int64_t scheme, double spread, int sorted)
{
    enum { POPULATIONS = 4000 };
    static population p;
    mote_source source = mote_source_live(1);
    double sum = 0, multinomial = 0;
    for (int r = 0; r < POPULATIONS; ++r) {
        int32_t ancestor[PARTICLES];
        double mean = 0;
        source.step = (uint32_t)(2 * r);
        draw_population(&p, spread, sorted, &source);
        source.step = (uint32_t)(2 * r + 1);
        if (mote_resample_ancestors(&source, scheme, p.weight, PARTICLES, PARTICLES, ancestor, NULL))
            return NAN;
        for (int i = 0; i < PARTICLES; ++i)
            mean += p.x[ancestor[i]] / PARTICLES;
        sum += (mean - p.mean) * (mean - p.mean);
        multinomial += p.variance;
    }
    return sum / multinomial;
}

void figure_resampling(void)
{
    static const struct { int64_t scheme; int sorted; } ways[] = {
        { MOTE_RESAMPLE_MULTINOMIAL, 0 }, { MOTE_RESAMPLE_KILLING, 0 }, { MOTE_RESAMPLE_RESIDUAL, 0 },
        { MOTE_RESAMPLE_STRATIFIED, 0 }, { MOTE_RESAMPLE_SSP, 0 }, { MOTE_RESAMPLE_SYSTEMATIC, 0 },
        { MOTE_RESAMPLE_SYSTEMATIC, 1 } };
    for (size_t w = 0; w < sizeof ways / sizeof *ways; ++w) {
        for (int k = 0; k < 13; ++k) {
            const double spread = 0.05 * pow(60, k / 12.0);
            printf("%g %g\n", spread, added_variance(ways[w].scheme, spread, ways[w].sorted));
        }
        printf("\n\n");
    }
}

/* ---- filter_errors: estimated variance of log Z against the lag; case A, 500 particles, resampled at every step */

void figure_filter_errors(void)
{
    enum { RUNS = 1000 };
    static const int64_t lags[] = { 1, 2, 3, 5, 7, 10, 14, 20, 30, 49 };
    static double estimate[RUNS], log_evidence[RUNS];
    double mean, sd;
    for (size_t l = 0; l < sizeof lags / sizeof *lags; ++l) {
        int n = 0;
        for (int r = 0; r < RUNS; ++r) {
            const mote_filter_options options = { .head = MOTE_VERSIONED(mote_filter_options), .particles = 500,
                                                  .seed = 1, .run_id = r, .resample = MOTE_RULE_ALWAYS, .variance_lag = lags[l] };
            mote_run *run = figure_run(mote_filter, &linear_gaussian_a, &options);
            const double error = mote_filter_log_evidence_error(run);
            log_evidence[r] = mote_filter_log_evidence(run);
            if (!isnan(error))
                estimate[n++] = error * error;
            mote_run_close(&run);
        }
        qsort(estimate, (size_t)n, sizeof *estimate, ascending);
        figure_mean_sd(estimate, n, &mean, &sd);
        printf("%d %g %g %g %d\n", (int)lags[l], mean, estimate[n / 10], estimate[n - 1 - n / 10], n);
    }
    figure_mean_sd(log_evidence, RUNS, &mean, &sd);
    printf("\n\n0 %g\n60 %g\n\n\n", sd * sd, sd * sd);
}

/* ---- kalman: a level that moves at random, on the flow of the Nile with the years 1891 to 1910 withheld. Known
 * answer: of the whole series the variances of largest likelihood are 1469.1 and 15098.5 (Durbin and Koopman 2001). */

enum { NILE_TIMES = 100 };

/* The filter and smoother after `steps` of expectation-maximisation for both variances. */
static mote_kalman *fitted_level(const double *y, int steps)
{
    double noise = 10000, drift = 1000, start = 1000, spread = 1e7, one = 1;
    const mote_kalman_arrays wanted = { .head = MOTE_VERSIONED(mote_kalman_arrays), .transition_covariance = &drift,
                                        .observation_covariance = &noise };
    mote_kalman *kalman = NULL;
    for (int step = 0; step <= steps; ++step) {
        const mote_kalman_model model = { .head = MOTE_VERSIONED(mote_kalman_model), .states = 1, .observations = 1,
                                          .initial_mean = { &start, 1, 1 }, .initial_covariance = { &spread, 1, 1 },
                                          .constant = { .transition_covariance = { &drift, 1, 1 },
                                                        .observation = { &one, 1, 1 },
                                                        .observation_covariance = { &noise, 1, 1 } } };
        mote_kalman_close(&kalman);
        if (mote_kalman_open(&kalman, &model, NILE_TIMES, NULL) || mote_kalman_filter(kalman, y, NULL, NILE_TIMES) ||
            mote_kalman_smooth(kalman) || (step < steps && mote_kalman_maximise(kalman, &wanted)))
            fprintf(stderr, "%s\n", mote_kalman_message(kalman));
    }
    printf("# variances %.1f and %.1f, log-likelihood %.4f\n", drift, noise, mote_kalman_log_likelihood(kalman));
    return kalman;
}

void figure_kalman(void)
{
    enum { FIRST = 20, LAST = 39 };
    double y[NILE_TIMES], kept[NILE_TIMES];
    if (case_read("nile.csv", 1, y, NILE_TIMES))
        return;
    for (int t = 0; t < NILE_TIMES; ++t)
        kept[t] = t < FIRST || t > LAST ? y[t] : NAN;
    mote_kalman *kalman = fitted_level(y, 2000);
    mote_kalman_close(&kalman);
    kalman = fitted_level(kept, 2000);
    for (int t = 0; t < NILE_TIMES; ++t) {
        printf("%d %g %d", 1871 + t, y[t], t >= FIRST && t <= LAST);
        for (int64_t law = MOTE_KALMAN_FILTERED; law <= MOTE_KALMAN_SMOOTHED; ++law)
            printf(" %g %g", mote_kalman_mean(kalman, law, t)[0], sqrt(mote_kalman_covariance(kalman, law, t)[0]));
        printf("\n");
    }
    mote_kalman_close(&kalman);
}

/* ---- state_space: all particles of a short filter, with the paths of those that are alive at the end */

void figure_state_space(void)
{
    enum { T = 20, N = 20 };
    mote_ssm model = case_a_of(T);
    const mote_filter_options options = { .head = MOTE_VERSIONED(mote_filter_options), .particles = N, .seed = 3,
                                          .resample = MOTE_RULE_ALWAYS, .history = MOTE_HISTORY_FULL };
    mote_run *run = figure_run(mote_filter, &model, &options);
    double log_weight[N], path[T];
    for (int t = 0; t < T; ++t) {
        const double *x = mote_filter_history_state(run, t, 0);
        if (mote_filter_history_log_weights(run, t, log_weight))
            break;
        for (int i = 0; i < N; ++i)
            printf("%d %g %g\n", t, x[i], exp(log_weight[i]));
    }
    printf("\n\n");
    for (int i = 0; i < N && !mote_filter_path(run, i, path); ++i) {
        for (int t = 0; t < T; ++t)
            printf("%d %g\n", t, path[t]);
        printf("\n");
    }
    printf("\n");
    for (int t = 0; t < T; ++t)
        printf("%d %g\n", t, model.series->values[t]);
    mote_run_close(&run);
}
