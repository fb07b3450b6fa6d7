/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Particle MCMC at length.
 *
 *     pmcmc [NAME]        pmmh, correlated, gibbs, smc2, calibration; all
 *
 * Case B (tests/support/state_space_reference.h) by particle marginal Metropolis-Hastings with a tuned number of particles,
 * the same with correlated random numbers, particle Gibbs with backward sampling, SMC^2: posterior means and standard
 * deviations within 4 Monte Carlo errors (batch means; of SMC^2 over replicates), E[Z_hat / Z] = 1 within 4 errors, and the
 * stated error of log Z within 30 % of the replicates' spread. Fixed seeds; false alarm 6e-5 for each of 26 comparisons.
 *
 * Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788): 500 data sets from the prior predictive law of a
 * linear-Gaussian and of a stochastic-volatility model, the rank of the true parameters among thinned draws, chi-square with
 * 15 degrees of freedom below its 1 - 1e-4 quantile for each of 6 parameters. */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/draws.h"
#include "tests/support/case_b.h"
#include "tests/support/state_space_models.h"

static int failures;

static void report(int good, const char *test, const char *what, double found, double error, double wanted)
{
    failures += !good;
    printf("%s - %s %s: %.5f (%.5f) for %.5f\n", good ? "ok" : "not ok", test, what, found, error, wanted);
    fflush(stdout);
}

/* ---- case B from chains ---- */

enum { BATCHES = 32 };

/* Mean of f over `n` numbers that lie `stride` apart in each of `chains` chains, and its error by batch means. */
static double batch_mean(const double *x, int64_t chains, int64_t n, double centre, double *error)
{
    const int64_t length = n / BATCHES;
    double mean = 0, square = 0;
    for (int64_t c = 0; c < chains; ++c)
        for (int64_t b = 0; b < BATCHES; ++b) {
            double batch = 0;
            for (int64_t i = b * length; i < (b + 1) * length; ++i) {
                const double v = x[i * chains + c];
                batch += (isnan(centre) ? v : (v - centre) * (v - centre)) / (double)length;
            }
            mean += batch / (double)(BATCHES * chains);
            square += batch * batch / (double)(BATCHES * chains);
        }
    *error = sqrt((square - mean * mean) / (double)(BATCHES * chains - 1));
    return mean;
}

static void compare(const char *test, const double *x, int64_t chains, int64_t n, int k)
{
    double error, square_error;
    char what[64];
    const double mean = batch_mean(x, chains, n, NAN, &error);
    const double sd = sqrt(batch_mean(x, chains, n, mean, &square_error)), sd_error = square_error / (2 * sd);
    snprintf(what, sizeof what, "mean of %s", case_b_parameters[k].name);
    report(fabs(mean - case_b_mean[k]) < 4 * error && error < 0.1 * case_b_sd[k], test, what, mean, error, case_b_mean[k]);
    snprintf(what, sizeof what, "sd of %s", case_b_parameters[k].name);
    report(fabs(sd - case_b_sd[k]) < 4 * sd_error, test, what, sd, sd_error, case_b_sd[k]);
}

static mote_run *finished(const mote_algorithm *algorithm, const mote_ssm *model, const void *options)
{
    mote_run *run = NULL;
    if (mote_run_open(&run, algorithm, model, options) || mote_run_finish(run)) {
        printf("not ok - %s: %s\n", mote_algorithm_name(algorithm), mote_run_message(run));
        exit(1);
    }
    return run;
}

/* With a correlation, random numbers change slowly: batches must be long. */
static void pmmh(const char *test, double correlation, int64_t particles, int64_t length)
{
    const mote_pmmh_options options = { MOTE_VERSIONED(mote_pmmh_options), .particles = particles, .seed = 11, .chains = 8,
                                        .draws = length, .warm_up = 2000, .correlation = correlation, .threads = 2,
                                        .tune = correlation > 0 ? MOTE_TUNE_OFF : MOTE_TUNE_ON, .evaluations = 50 };
    mote_run *run = finished(mote_pmmh, case_b(), &options);
    const mote_draws *draws = mote_run_draws(run);
    for (int k = 0; k < CASE_B_PARAMETERS; ++k)
        compare(test, mote_draws_column(draws, k), 8, length, k);
    printf("# %s: %g particles, acceptance %.3f, variance of log Z %.2f\n", test, mote_draws_result(draws, "particles")->value,
           mote_draws_result(draws, "acceptance")->value, mote_draws_result(draws, "variance_log_evidence")->value);
    mote_run_close(&run);
}

static void gibbs(void)
{
    const mote_particle_gibbs_options options = { MOTE_VERSIONED(mote_particle_gibbs_options), .particles = 30, .seed = 12,
                                                  .sweeps = 68000, .warm_up = 4000 };
    mote_run *run = finished(mote_particle_gibbs, case_b(), &options);
    const mote_draws *draws = mote_run_draws(run);
    for (int k = 0; k < CASE_B_PARAMETERS; ++k)
        compare("gibbs", mote_draws_column(draws, k), 1, mote_draws_count(draws), k);
    mote_run_close(&run);
}

/* ---- case B by SMC^2 ---- */

static double spread(const double *x, int n, double *mean)
{
    double sum = 0, square = 0;
    for (int i = 0; i < n; ++i)
        sum += x[i] / n;
    for (int i = 0; i < n; ++i)
        square += (x[i] - sum) * (x[i] - sum) / (n - 1);
    *mean = sum;
    return sqrt(square);
}

static void smc2(void)
{
    enum { REPLICATES = 100 };
    static double ratio[REPLICATES], logs[REPLICATES], mean[3][REPLICATES], sd[3][REPLICATES];
    double stated = 0, m, s;
    char what[64];
    for (int r = 0; r < REPLICATES; ++r) {
        const mote_smc2_options options = { MOTE_VERSIONED(mote_smc2_options), .parameter_particles = 1000, .particles = 50,
                                            .seed = 1000 + r, .threads = 2 };
        mote_run *run = finished(mote_smc2, case_b(), &options);
        const mote_draws *draws = mote_run_draws(run);
        logs[r] = mote_draws_log_evidence(draws) - CASE_B_LOG_EVIDENCE;
        ratio[r] = exp(logs[r]);
        stated += mote_draws_log_evidence_error(draws) / REPLICATES;
        for (int k = 0; k < CASE_B_PARAMETERS; ++k) {
            mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
            mote_draws_summary(draws, k, &summary);
            mean[k][r] = summary.mean;
            sd[k][r] = summary.sd;
        }
        mote_run_close(&run);
    }
    s = spread(ratio, REPLICATES, &m) / sqrt(REPLICATES);
    report(fabs(m - 1) < 4 * s, "smc2", "Z_hat / Z", m, s, 1);
    s = spread(logs, REPLICATES, &m);
    report(fabs(stated / s - 1) < 0.3, "smc2", "stated error of log Z", stated, 0, s);
    for (int k = 0; k < CASE_B_PARAMETERS; ++k) {
        s = spread(mean[k], REPLICATES, &m) / sqrt(REPLICATES);
        snprintf(what, sizeof what, "mean of %s", case_b_parameters[k].name);
        report(fabs(m - case_b_mean[k]) < 4 * s + 0.01 * case_b_sd[k], "smc2", what, m, s, case_b_mean[k]); /* bias of 1/N */
        s = spread(sd[k], REPLICATES, &m) / sqrt(REPLICATES);
        snprintf(what, sizeof what, "sd of %s", case_b_parameters[k].name);
        report(fabs(m - case_b_sd[k]) < 4 * s + 0.01 * case_b_sd[k], "smc2", what, m, s, case_b_sd[k]);
    }
}

/* ---- simulation-based calibration ---- */

enum { DATA_SETS = 500, TIMES = 25, DRAWS = 63, BINS = 16 };

typedef struct calibration {
    const char *name;
    const mote_ssm *model;
    const mote_parameter *parameters;
    void (*simulate)(const double *theta, mote_stream *stream, double *y);
} calibration;

static void simulate_linear(const double *theta, mote_stream *stream, double *y)
{
    double x = 0;
    for (int t = 0; t < TIMES; ++t) {
        x = theta[0] * x + sqrt(theta[1]) * mote_stream_normal(stream);
        y[t] = x + sqrt(theta[2]) * mote_stream_normal(stream);
    }
}

static void simulate_volatility(const double *theta, mote_stream *stream, double *y)
{
    double x = theta[0] + theta[2] / sqrt(1 - theta[1] * theta[1]) * mote_stream_normal(stream);
    for (int t = 0; t < TIMES; ++t) {
        x = t ? theta[0] + theta[1] * (x - theta[0]) + theta[2] * mote_stream_normal(stream) : x;
        y[t] = exp(x / 2) * mote_stream_normal(stream);
    }
}

/* Truth and data of one data set, by the prior run's own quantiles. */
static void draw_truth(const calibration *c, int64_t number, double *theta, double *y)
{
    mote_source *source = NULL;
    if (mote_source_open_live(&source, 77, number))
        exit(1);
    mote_stream stream = mote_stream_open(source, 0);
    for (int k = 0; k < 3; ++k) {
        const double u = mote_stream_uniform(&stream);
        theta[k] = mote_prior_quantile(&c->parameters[k], u, 1 - u);
    }
    c->simulate(theta, &stream, y);
    mote_source_close(&source);
}

static void calibrate(const calibration *c)
{
    int count[3][BINS] = { { 0 } };
    for (int64_t number = 0; number < DATA_SETS; ++number) {
        double theta[3], y[TIMES];
        draw_truth(c, number, theta, y);
        const mote_series series = { MOTE_VERSIONED(mote_series), .count = TIMES, .values = y };
        mote_ssm model = *c->model;
        model.parameters = c->parameters;
        model.parameter_count = 3;
        model.series = &series;
        const mote_pmmh_options options = { MOTE_VERSIONED(mote_pmmh_options), .particles = 40, .seed = 5, .run_id = number,
                                            .chains = 1, .draws = DRAWS, .thin = 75, .warm_up = 500, .evaluations = 2 };
        mote_run *run = finished(mote_pmmh, &model, &options);
        const mote_draws *draws = mote_run_draws(run);
        for (int k = 0; k < 3; ++k) {
            int rank = 0;
            for (int64_t i = 0; i < DRAWS; ++i)
                rank += mote_draws_column(draws, k)[i] < theta[k];
            ++count[k][rank * BINS / (DRAWS + 1)];
        }
        mote_run_close(&run);
    }
    for (int k = 0; k < 3; ++k) {
        double square = 0;
        for (int b = 0; b < BINS; ++b)
            square += (count[k][b] - (double)DATA_SETS / BINS) * (count[k][b] - (double)DATA_SETS / BINS) * BINS / DATA_SETS;
        report(square < 44.263, c->name, c->parameters[k].name, square, 0, BINS - 1);
    }
}

static void calibration_of_both(void)
{
    static const mote_parameter linear[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_INVERSE_GAMMA("var_x", 4, 3),
                                             MOTE_INVERSE_GAMMA("var_y", 4, 3) };
    static const mote_parameter volatility[] = { MOTE_NORMAL("mu", -1, 0.5), MOTE_UNIFORM("rho", 0, 0.95),
                                                 MOTE_UNIFORM("sigma", 0.1, 0.6) };
    const calibration both[] = { { "linear", case_b(), linear, simulate_linear },
                                 { "volatility", &volatility_e, volatility, simulate_volatility } };
    calibrate(&both[0]);
    calibrate(&both[1]);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "all";
    const int all = !strcmp(name, "all");
    if (!case_b())
        return 77;
    if (all || !strcmp(name, "pmmh"))
        pmmh("pmmh", 0, 100, 8000);
    if (all || !strcmp(name, "correlated"))
        pmmh("correlated", 0.99, 40, 40000);
    if (all || !strcmp(name, "gibbs"))
        gibbs();
    if (all || !strcmp(name, "smc2"))
        smc2();
    if (all || !strcmp(name, "calibration"))
        calibration_of_both();
    return failures != 0;
}
