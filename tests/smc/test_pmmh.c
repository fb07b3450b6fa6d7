/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Particle marginal Metropolis-Hastings: the posterior of rho on case A by quadrature over Kalman likelihoods; the law on
 * a parameter space of two points, with filters of one particle, whose estimates are as noisy as can be; the same bytes for
 * threads and after every resumption; refusals. Comparisons with a posterior have a fixed seed and 5 Monte Carlo errors, by
 * batch means over the chains (false alarm 6e-7 under normality); chains whose current estimate is drawn anew at each step
 * miss the law (tests/planted). */
#include <mote/kalman.h>
#include <mote/pmmh.h>

#include "model/draws.h"
#include "tests/support/filter_bench.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"
#include "tests/support/two_points.h"

static const mote_parameter rho_free[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                           MOTE_FIXED("var_0", 1 / 0.19) };

static mote_ssm free_model(void)
{
    mote_ssm model = linear_gaussian_a;
    model.parameters = rho_free;
    return model;
}

/* log p(y | rho) of case A: a scalar Kalman filter. */
static double exact_log_likelihood(double rho)
{
    double mean = 0, variance = 1 / 0.19, sum = 0;
    for (int t = 0; t < 50; ++t) {
        if (t) {
            mean *= rho;
            variance = rho * rho * variance + 1;
        }
        const double s = variance + 1, e = linear_gaussian_a.series->values[t] - mean;
        sum -= 0.5 * (e * e / s + log(s) + 1.8378770664093454836);
        mean += variance / s * e;
        variance /= s;
    }
    return sum;
}

static void exact_posterior(double *mean, double *sd)
{
    double total = 0, first = 0, second = 0;
    for (int i = 0; i < 20000; ++i) {
        const double rho = -1 + (i + 0.5) / 10000, p = exp(exact_log_likelihood(rho) + 75);
        total += p;
        first += p * rho;
        second += p * rho * rho;
    }
    *mean = first / total;
    *sd = sqrt(second / total - *mean * *mean);
}

static mote_pmmh_options usual(void)
{
    return (mote_pmmh_options){ .head = MOTE_VERSIONED(mote_pmmh_options), .particles = 100, .seed = 1, .chains = 8,
                                .draws = 800, .warm_up = 200 };
}

static void finds_the_posterior(void **unused)
{
    const mote_ssm model = free_model();
    const mote_pmmh_options options = usual();
    double mean, sd, sum = 0, square = 0, chain_mean[8] = { 0 };
    (void)unused;
    exact_posterior(&mean, &sd);
    assert_close(exact_log_likelihood(0.9), LINEAR_GAUSSIAN_A_LOG_EVIDENCE, 1e-12, 0);
    mote_run *run = open_run_of(mote_pmmh, &model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    const mote_draws *draws = mote_run_draws(run);
    const double *rho = mote_draws_column(draws, 0), *chain = mote_draws_chain(draws);
    const int64_t n = mote_draws_count(draws);
    assert_int_equal(n, 6400);
    for (int64_t i = 0; i < n; ++i)
        chain_mean[(int)chain[i]] += rho[i] / 800;
    for (int c = 0; c < 8; ++c) {
        sum += chain_mean[c] / 8;
        square += chain_mean[c] * chain_mean[c] / 8;
    }
    const double error = sqrt((square - sum * sum) / 7);
    mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
    assert_status(mote_draws_summary(draws, 0, &summary), MOTE_OK);
    print_message("rho %.4f(%.4f) for %.4f, sd %.4f for %.4f; acceptance %.2f, var log Z %.2f\n", sum, error, mean, summary.sd,
                  sd, mote_draws_result(draws, "acceptance")->value, mote_draws_result(draws, "variance_log_evidence")->value);
    assert_close(sum, mean, 0, 5 * error);
    assert_true(error < 0.01);
    assert_close(summary.sd, sd, 0.15, 0);
    mote_run_close(&run);
}

/* P(theta >= 1/2 | y), theta uniform on (0, 1). */
static void finds_the_law_on_two_points(void **unused)
{
    static const mote_parameter theta[] = { MOTE_UNIFORM("theta", 0, 1) };
    enum { CHAINS = 64, DRAWS = 2500 };
    const double z0 = two_evidence(0, 3), z1 = two_evidence(1, 3);
    mote_pmmh_options options = usual();
    mote_ssm model = two;
    double share[CHAINS] = { 0 }, mean = 0, square = 0;
    (void)unused;
    model.parameters = theta;
    options.particles = 1;
    options.chains = CHAINS;
    options.draws = DRAWS;
    options.warm_up = 50;
    mote_run *run = open_run_of(mote_pmmh, &model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    const mote_draws *draws = mote_run_draws(run);
    for (int64_t i = 0; i < CHAINS * DRAWS; ++i)
        share[(int)mote_draws_chain(draws)[i]] += (mote_draws_column(draws, 0)[i] >= 0.5) / (double)DRAWS;
    for (int c = 0; c < CHAINS; ++c) {
        mean += share[c] / CHAINS;
        square += share[c] * share[c] / CHAINS;
    }
    const double error = sqrt((square - mean * mean) / (CHAINS - 1));
    print_message("P(theta >= 1/2) %.4f (%.4f) for %.4f\n", mean, error, z1 / (z0 + z1));
    assert_close(mean, z1 / (z0 + z1), 0, 5 * error);
    assert_true(error < 0.004);
    mote_run_close(&run);
}

static void threads_do_not_show(void **unused)
{
    static const int64_t threads[] = { 1, 2, 7 };
    const mote_ssm model = free_model();
    double first[64];
    (void)unused;
    for (int k = 0; k < 3; ++k) {
        mote_pmmh_options options = usual();
        options.draws = 8;
        options.warm_up = 10;
        options.threads = threads[k];
        mote_run *run = open_run_of(mote_pmmh, &model, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        const double *rho = mote_draws_column(mote_run_draws(run), 0);
        if (!k)
            memcpy(first, rho, sizeof first);
        assert_same_bytes(first, rho, sizeof first);
        mote_run_close(&run);
    }
}

static void resuming_does_not_show(void **unused)
{
    const mote_ssm model = free_model();
    mote_pmmh_options options = usual();
    const char *path = "test_pmmh.checkpoint";
    (void)unused;
    options.draws = 6;
    options.warm_up = 4;
    options.evaluations = 3;
    mote_run *whole = open_run_of(mote_pmmh, &model, &options), *run = open_run_of(mote_pmmh, &model, &options);
    assert_status(mote_run_finish(whole), MOTE_OK);
    for (int status = MOTE_OK; status != MOTE_DONE;) {
        status = mote_run_step(run);
        assert_true(status == MOTE_OK || status == MOTE_DONE);
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        run = open_run_of(mote_pmmh, &model, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
    }
    const mote_draws *a = mote_run_draws(whole), *b = mote_run_draws(run);
    assert_same_bytes(mote_draws_column(a, 0), mote_draws_column(b, 0), 48 * sizeof(double));
    assert_true(mote_draws_result(a, "variance_log_evidence")->value == mote_draws_result(b, "variance_log_evidence")->value);
    remove(path);
    mote_run_close(&run);
    mote_run_close(&whole);
}

static void check_refusal(const mote_ssm *model, const mote_pmmh_options *options, int status, const char *text)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_pmmh, model, options), status);
    if (!strstr(mote_run_message(run), text))
        fail_msg("'%s' lacks '%s'", mote_run_message(run), text);
    mote_run_close(&run);
}

static void what_is_wrong_is_named(void **unused)
{
    mote_ssm model = free_model();
    mote_pmmh_options options = usual();
    (void)unused;
    check_refusal(&linear_gaussian_a, &options, MOTE_EINVAL, "all are fixed");
    options.resampling = MOTE_RESAMPLE_METROPOLIS;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "metropolis");
    options.resampling = 0;
    model.series = NULL;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "series");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_posterior),
        cmocka_unit_test(finds_the_law_on_two_points),
        cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(resuming_does_not_show),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return run_unit_tests(tests);
}
