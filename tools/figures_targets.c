/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of samplers of densities (tools/figures.h): kernels, SMC samplers, nested sampling, priors. All targets have
 * known answers: conjugate normals here, the problems of tests/support/problems.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/problems.h"
#include "tools/figures.h"

/* ---- a normal likelihood of standard deviation `width` in each of d dimensions, standard normal priors */

enum { MOST = 64 };
static const double TWO_PI = 6.28318530717958647693;

typedef struct normal_likelihood {
    int64_t d;
    double width;
} normal_likelihood;

static int normals(void *ctx, const mote_batch *rows)
{
    const int64_t d = ((const normal_likelihood *)ctx)->d;
    const double variance = pow(((const normal_likelihood *)ctx)->width, 2);
    for (int64_t i = 0; i < rows->n; ++i) {
        const double *x = rows->theta + i * rows->stride;
        double sum = 0;
        for (int64_t j = 0; j < d; ++j)
            sum += x[j] * x[j];
        rows->log_likelihood[i] = -0.5 * sum / variance - 0.5 * (double)d * log(TWO_PI * variance);
        for (int64_t j = 0; rows->gradient && j < d; ++j)
            rows->gradient[i * rows->stride + j] = -x[j] / variance;
    }
    return 0;
}

static const mote_target *normals_of(int64_t d, double width)
{
    static char names[MOST][8];
    static mote_parameter parameters[MOST];
    static normal_likelihood likelihood;
    static mote_target target = { MOTE_VERSIONED(mote_target), .parameters = parameters,
                                  .parameter_size = sizeof(mote_parameter), .log_likelihood = normals,
                                  .ctx = &likelihood, .flags = MOTE_HAS_GRADIENT };
    for (int64_t j = 0; j < d; ++j) {
        snprintf(names[j], sizeof names[j], "x%d", (int)j);
        parameters[j] = (mote_parameter)MOTE_NORMAL(names[j], 0, 1);
    }
    target.parameter_count = d;
    likelihood = (normal_likelihood){ d, width };
    return &target;
}

static int64_t calls_of(mote_run *run)
{
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    return mote_run_ledger(run, &ledger) ? 0 : ledger.calls;
}

/* ---- kernels: integrated autocorrelation time of the first coordinate against the dimension */

/* 1 + 2 sum of autocorrelations up to the first lag that exceeds six times it (Sokal); values `stride` apart. */
static double correlation_time(const double *x, int64_t n, int64_t stride)
{
    double mean = 0, variance = 0, time = 1;
    for (int64_t i = 0; i < n; ++i)
        mean += x[i * stride] / (double)n;
    for (int64_t i = 0; i < n; ++i)
        variance += pow(x[i * stride] - mean, 2);
    for (int64_t lag = 1; lag < n && (double)lag < 6 * time; ++lag) {
        double sum = 0;
        for (int64_t i = 0; i + lag < n; ++i)
            sum += (x[i * stride] - mean) * (x[(i + lag) * stride] - mean);
        time += 2 * sum / variance;
    }
    return time;
}

void figure_kernels(void)
{
    enum { CHAINS = 4, DRAWS = 40000 };
    static const int64_t dimensions[] = { 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48 };
    for (int64_t kernel = MOTE_METROPOLIS_RANDOM_WALK; kernel <= MOTE_METROPOLIS_MALA; ++kernel) {
        for (size_t k = 0; k < sizeof dimensions / sizeof *dimensions; ++k) {
            const int64_t d = dimensions[k];
            const mote_metropolis_options options = { .head = MOTE_VERSIONED(mote_metropolis_options), .seed = 1,
                                                      .kernel = kernel, .chains = CHAINS, .draws = DRAWS,
                                                      .warm_up = DRAWS };
            mote_run *run = figure_run(mote_metropolis, normals_of(d, 1), &options);
            const double *x = mote_draws_column(mote_run_draws(run), 0);
            double time = 0;
            for (int c = 0; c < CHAINS; ++c)
                time += correlation_time(x + c, DRAWS, CHAINS) / CHAINS;
            printf("%d %g\n", (int)d, time);
            mote_run_close(&run);
        }
        printf("\n\n");
    }
}

/* ---- smc_sampler: powers of the likelihood level by level; root mean square error of log Z against calls, d = 10 */

static void ladder(int64_t d)
{
    const mote_smc_options options = { .head = MOTE_VERSIONED(mote_smc_options), .seed = 1, .kernel = MOTE_SMC_MALA };
    mote_smc_level level = { .head = MOTE_VERSIONED(mote_smc_level) };
    mote_run *run = figure_run(mote_smc, normals_of(d, 0.1), &options);
    for (int64_t k = 1; !mote_smc_get_level(run, k, &level); ++k)
        printf("%d %g\n", (int)k, level.inverse_temperature);
    printf("\n\n");
    mote_run_close(&run);
}

static void error_against_calls(int64_t form, int64_t kernel, int64_t fewest)
{
    enum { D = 10, SEEDS = 20 };
    const double exact = -0.5 * D * log(TWO_PI * 1.01);
    for (int64_t particles = fewest; particles <= 4 * fewest; particles *= 2) {
        double square = 0, calls = 0;
        for (int s = 1; s <= SEEDS; ++s) {
            const mote_smc_options options = { .head = MOTE_VERSIONED(mote_smc_options), .seed = s, .form = form,
                                               .kernel = kernel, .particles = particles };
            mote_run *run = figure_run(mote_smc, normals_of(D, 0.1), &options);
            square += pow(mote_draws_log_evidence(mote_run_draws(run)) - exact, 2) / SEEDS;
            calls += (double)calls_of(run) / SEEDS;
            mote_run_close(&run);
        }
        printf("%g %g\n", calls, sqrt(square));
    }
    printf("\n\n");
}

void figure_smc_sampler(void)
{
    ladder(2);
    ladder(10);
    ladder(50);
    error_against_calls(MOTE_SMC_WASTE_FREE, MOTE_SMC_MALA, 2500);
    error_against_calls(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 5000);
    error_against_calls(MOTE_SMC_PLAIN, MOTE_SMC_MALA, 500);
}

/* ---- nested_theory: (log Z - truth) / stated error, 400 runs of 100 live points */

void figure_nested_theory(void)
{
    enum { RUNS = 400, BINS = 24 };
    static const struct { const char *name; int64_t dimension; } problems[] = { { "gauss", 2 }, { "eggbox", 2 } };
    for (int p = 0; p < 2; ++p) {
        static mote_problem problem;
        double count[BINS] = { 0 };
        if (mote_problem_open(&problem, problems[p].name, problems[p].dimension))
            return;
        for (int r = 0; r < RUNS; ++r) {
            const mote_nested_options options = { .head = MOTE_VERSIONED(mote_nested_options), .seed = 1, .run_id = r,
                                                  .live_points = 100, .polish = 1 };
            mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
            mote_run *run = figure_run(mote_nested, &problem.target, &options);
            if (mote_nested_get_result(run, &result))
                fprintf(stderr, "%s\n", mote_run_message(run));
            const double pull = (result.log_evidence - problem.log_evidence) / result.log_evidence_error;
            const int bin = (int)floor((pull + 4) * BINS / 8);
            count[bin < 0 ? 0 : bin < BINS ? bin : BINS - 1] += 1;
            mote_run_close(&run);
        }
        for (int b = 0; b < BINS; ++b)
            printf("%g %g\n", -4 + (b + 0.5) * 8 / BINS, count[b] / RUNS * BINS / 8);
        printf("\n\n");
    }
}

/* ---- samplers: calls for each birth against the dimension, gauss and 500 live points, three seeds */

void figure_samplers(void)
{
    enum { SEEDS = 3 };
    static const int64_t dimensions[] = { 2, 3, 5, 7, 10, 14, 20, 30 };
    for (int64_t step = 1; step <= 4; ++step) { /* bound, slice, walk; then auto, which is 0 */
        for (size_t k = 0; k < sizeof dimensions / sizeof *dimensions; ++k) {
            static mote_problem problem;
            double calls = 0, births = 0;
            if (mote_problem_open(&problem, "gauss", dimensions[k]) || (step % 2 && dimensions[k] > 20))
                continue;
            for (int s = 1; s <= SEEDS; ++s) {
                const mote_nested_options options = { .head = MOTE_VERSIONED(mote_nested_options), .seed = s,
                                                      .step = step % 4, .polish = 1 };
                mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
                mote_run *run = figure_run(mote_nested, &problem.target, &options);
                if (mote_nested_get_result(run, &result))
                    fprintf(stderr, "%s\n", mote_run_message(run));
                calls += (double)calls_of(run) - 500;
                births += (double)result.iterations - 500;
                mote_run_close(&run);
            }
            printf("%d %g\n", (int)dimensions[k], calls / births);
        }
        printf("\n\n");
    }
}

/* ---- priors: densities of the families */

static void densities(const mote_parameter *parameters, int count, double lower, double upper)
{
    enum { POINTS = 200 };
    for (int k = 0; k < count; ++k) {
        for (int i = 0; i <= POINTS; ++i) {
            const double x = lower + (upper - lower) * i / POINTS, p = exp(mote_prior_log_density(&parameters[k], x));
            if (p > 0)
                printf("%g %g\n", x, p);
        }
        printf("\n\n");
    }
}

void figure_priors(void)
{
    static const mote_parameter bounded[] = { MOTE_UNIFORM("u", 0.05, 0.95), MOTE_LOG_UNIFORM("l", 0.1, 1),
                                              MOTE_BETA("b", 2, 5), MOTE_TRUNCATED_NORMAL("t", 0.8, 0.15, 0, 1) };
    static const mote_parameter positive[] = { MOTE_HALF_NORMAL("n", 1), MOTE_HALF_CAUCHY("c", 1),
                                               MOTE_EXPONENTIAL("e", 1), MOTE_GAMMA("g", 3, 0.5), MOTE_INVERSE_GAMMA("i", 3, 2) };
    static const mote_parameter real[] = { MOTE_NORMAL("n", 0, 1), MOTE_STUDENT("s", 2, 0, 1) };
    densities(bounded, 4, 0, 1);
    densities(positive, 5, 0, 4);
    densities(real, 2, -5, 5);
}
