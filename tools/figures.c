/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The manual's pictures (tools/figures.h): which there are, and those of filters.
 *     figures NAME > data
 * `make figures` runs it and gnuplot for each. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/linear_gaussian_exact.h"
#include "tests/support/linear_gaussian_free.h"
#include "tests/support/state_space_models.h"
#include "tools/figures.h"

/* What fails ends the program: half a picture is none. */
mote_run *figure_run(const mote_algorithm *algorithm, const void *model, const void *options)
{
    mote_run *run = NULL;
    if (!mote_run_open(&run, algorithm, model, options) && !mote_run_finish(run))
        return run;
    fprintf(stderr, "%s\n", mote_run_message(run));
    exit(1);
}

void figure_mean_sd(const double *value, int n, double *mean, double *sd)
{
    double square = 0;
    *mean = 0;
    for (int i = 0; i < n; ++i)
        *mean += value[i] / n;
    for (int i = 0; i < n; ++i)
        square += (value[i] - *mean) * (value[i] - *mean);
    *sd = sqrt(square / (n - 1));
}

static double log_evidence_of(const mote_algorithm *algorithm, const mote_ssm *model, const void *options)
{
    mote_run *run = figure_run(algorithm, model, options);
    const double value = mote_draws_log_evidence(mote_run_draws(run));
    mote_run_close(&run);
    return value;
}

/* Mean square error of log Z on case A against the number of particles. */
static void quasi(void)
{
    enum { RUNS = 200 };
    for (int64_t points = MOTE_POINTS_RANDOM; points <= MOTE_POINTS_SOBOL; ++points) {
        for (int64_t n = 64; n <= 4096; n *= 2) {
            double sum = 0;
            for (int r = 0; r < RUNS; ++r) {
                const mote_filter_options options = { .head = MOTE_VERSIONED(mote_filter_options), .particles = n, .points = points,
                                                      .resampling = MOTE_RESAMPLE_STRATIFIED, .resample = MOTE_RULE_ALWAYS,
                                                      .seed = 1, .run_id = r };
                const double e = log_evidence_of(mote_filter, &linear_gaussian_a, &options) - LINEAR_GAUSSIAN_A_LOG_EVIDENCE;
                sum += e * e / RUNS;
            }
            printf("%lld %g\n", (long long)n, sum);
        }
        printf("\n\n");
    }
}

/* Standard deviation of log Z on stochastic volatility against the number of fits; 0: the bootstrap filter. */
static void controlled(void)
{
    enum { RUNS = 100 };
    for (int64_t fits = 0; fits <= 5; ++fits) {
        double sum = 0, square = 0;
        for (int r = 0; r < RUNS; ++r) {
            const mote_filter_options plain = { .head = MOTE_VERSIONED(mote_filter_options), .particles = 200, .seed = 1, .run_id = r };
            const mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 200,
                                                      .fits = fits, .seed = 1, .run_id = r };
            const double z = fits ? log_evidence_of(mote_controlled, &volatility_e, &options)
                                  : log_evidence_of(mote_filter, &volatility_e, &plain);
            sum += z / RUNS;
            square += z * z / RUNS;
        }
        printf("%lld %g\n", (long long)fits, sqrt((square - sum * sum) * RUNS / (RUNS - 1)));
    }
}

/* rho of case A over the passes of iterated filtering, four seeds. */
static void iterated(void)
{
    static const mote_parameter parameters[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                                 MOTE_FIXED("var_0", 1 / 0.19) };
    mote_ssm model = linear_gaussian_a;
    model.parameters = parameters;
    for (int64_t seed = 1; seed <= 4; ++seed) {
        const mote_iterated_filtering_options options = { .head = MOTE_VERSIONED(mote_iterated_filtering_options),
                                                          .particles = 1000, .seed = seed, .passes = 100, .cooling = 0.1,
                                                          .perturbation = 0.05 };
        mote_run *run = figure_run(mote_iterated_filtering, &model, &options);
        double theta[4];
        for (int64_t m = 0; !mote_iterated_filtering_record(run, m, NULL, theta); ++m)
            printf("%lld %g\n", (long long)m + 1, theta[0]);
        printf("\n\n");
        mote_run_close(&run);
    }
}

/* Root mean square error of smoothed means against time, case A continued to 300 times: three ways with 200 particles. */
static void smoothing(void)
{
    enum { T = 300, RUNS = 200 };
    static const int64_t methods[] = { MOTE_SMOOTHER_GENEALOGY, MOTE_SMOOTHER_FIXED_LAG, MOTE_SMOOTHER_FFBSI };
    static linear_gaussian_exact exact;
    static double values[T];
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = T, .values = values };
    mote_ssm model = linear_gaussian_a;
    model.series = &series;
    for (int t = 0; t < T; ++t)
        values[t] = 2 * sin(0.3 * t) + 0.5 * cos(1.7 * t);
    linear_gaussian_solve(&exact, values, T);
    for (size_t m = 0; m < sizeof methods / sizeof *methods; ++m) {
        double square[T] = { 0 };
        for (int r = 0; r < RUNS; ++r) {
            const mote_smoother_options options = { .head = MOTE_VERSIONED(mote_smoother_options), .particles = 200, .seed = 1,
                                                    .run_id = r, .method = methods[m],
                                                    .smoothing_lag = methods[m] == MOTE_SMOOTHER_FIXED_LAG ? 6 : 0,
                                                    .trajectories = methods[m] == MOTE_SMOOTHER_FFBSI ? 200 : 0 };
            mote_run *run = figure_run(mote_smoother, &model, &options);
            for (int t = 0; t < T && mote_smoother_mean(run, 0); ++t)
                square[t] += pow(mote_smoother_mean(run, 0)[t] - exact.smoothed[t], 2) / RUNS;
            mote_run_close(&run);
        }
        for (int t = 0; t < T; ++t)
            printf("%d %g\n", t, sqrt(square[t]));
        printf("\n\n");
    }
}

/* All three parameters of a linear-Gaussian model over the iterations of score ascent, after the exact maximum: two
 * seeds with scores by PPG, one by PaRIS, eight particles each. */
static void learning(void)
{
    static const double truth[] = { 0.8, 1, 1 }, start[] = { 0.3, 2, 0.5 };
    static const int64_t scores[] = { MOTE_SCORE_PPG, MOTE_SCORE_PPG, MOTE_SCORE_PARIS };
    static linear_gaussian_free c;
    double exact[FREE_PARAMETERS] = { 0.8, 1, 1 }, value;
    if (linear_gaussian_free_open(&c, 1, 100, truth, 3) || linear_gaussian_free_maximum(&c, 1e-10, exact, &value, NULL))
        fprintf(stderr, "learning: no maximum\n");
    printf("1 %g %g %g\n3000 %g %g %g\n\n\n", exact[0], exact[1], exact[2], exact[0], exact[1], exact[2]);
    for (int64_t k = 0; k < 3; ++k) {
        const mote_score_ascent_options options = { .head = MOTE_VERSIONED(mote_score_ascent_options), .particles = 8,
                                                    .sweeps = scores[k] == MOTE_SCORE_PPG ? 1 : 0, .seed = 1 + k % 2, .score = scores[k],
                                                    .proposal = MOTE_PROPOSAL_GUIDED, .backward = MOTE_BACKWARD_MCMC,
                                                    .iterations = 3000, .step_rule = MOTE_STEP_POWER, .step_size = 40,
                                                    .step_delay = 25, .evaluations = 2, .theta = start };
        mote_run *run = figure_run(mote_score_ascent, &c.model, &options);
        const mote_draws *draws = mote_run_draws(run);
        for (int64_t i = 0; draws && i < mote_draws_count(draws); ++i)
            printf("%lld %g %g %g\n", (long long)i + 1, mote_draws_column(draws, 0)[i], mote_draws_column(draws, 1)[i],
                   mote_draws_column(draws, 2)[i]);
        printf("\n\n");
        mote_run_close(&run);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } figures[] = { { "controlled", controlled }, { "filter_errors", figure_filter_errors }, { "iterated", iterated },
                    { "kalman", figure_kalman }, { "kernels", figure_kernels },
                    { "learning", learning }, { "nested_theory", figure_nested_theory },
                    { "paris", figure_paris }, { "pmcmc", figure_pmcmc }, { "ppg", figure_ppg }, { "priors", figure_priors },
                    { "quasi", quasi }, { "resampling", figure_resampling }, { "samplers", figure_samplers },
                    { "smc_sampler", figure_smc_sampler }, { "smoothing", smoothing }, { "state_space", figure_state_space } };
    for (size_t i = 0; argc == 2 && i < sizeof figures / sizeof *figures; ++i)
        if (!strcmp(argv[1], figures[i].name)) {
            setvbuf(stdout, NULL, _IOLBF, 4096); /* a long run can be watched */
            figures[i].run();
            return 0;
        }
    fprintf(stderr, "usage: figures NAME, one of the scripts in doc/figures\n");
    return 64;
}
