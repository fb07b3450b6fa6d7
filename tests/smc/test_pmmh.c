/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Particle marginal Metropolis-Hastings: the posterior of rho on case A by quadrature over Kalman likelihoods; the law
 * on a parameter space of two points, with filters of one particle, whose estimates are as noisy as can be; the same
 * bytes for threads and after every resumption, correlated and tuned runs included; paths of draws; refusals.
 * Comparisons with a posterior have a fixed seed and 5 Monte Carlo errors, by batch means over the chains (false alarm
 * 6e-7 under normality); chains whose current estimate is drawn anew at each step miss the law (tests/planted). */
#include <mote/kalman.h>
#include <mote/pmmh.h>
#include <time.h>

#include "model/draws.h"
#include "tests/support/filter_bench.h"
#include "tests/support/rho_posterior.h"
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

static mote_pmmh_options usual(void)
{
    return (mote_pmmh_options){ .head = MOTE_VERSIONED(mote_pmmh_options), .particles = 100, .seed = 1, .chains = 8,
                                .draws = 800, .warm_up = 200 };
}

/* Chain means of rho against the exact posterior; `most`: of the standard error. */
static mote_run *check_posterior(const mote_ssm *model, const mote_pmmh_options *options, double most)
{
    double mean, sd, sum = 0, square = 0, chain_mean[8] = { 0 };
    exact_posterior(&mean, &sd);
    mote_run *run = open_run_of(mote_pmmh, model, options);
    assert_status(mote_run_finish(run), MOTE_OK);
    const mote_draws *draws = mote_run_draws(run);
    const double *rho = mote_draws_column(draws, 0), *chain = mote_draws_chain(draws);
    const int64_t n = mote_draws_count(draws);
    assert_int_equal(n, 8 * options->draws);
    for (int64_t i = 0; i < n; ++i)
        chain_mean[(int)chain[i]] += rho[i] / (double)options->draws;
    for (int c = 0; c < 8; ++c) {
        sum += chain_mean[c] / 8;
        square += chain_mean[c] * chain_mean[c] / 8;
    }
    const double error = sqrt((square - sum * sum) / 7);
    mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
    assert_status(mote_draws_summary(draws, 0, &summary), MOTE_OK);
    print_message("rho %.4f(%.4f) for %.4f, sd %.4f for %.4f; acceptance %.2f, var log Z %.2f\n", sum, error, mean,
                  summary.sd, sd, mote_draws_result(draws, "acceptance")->value,
                  mote_draws_result(draws, "variance_log_evidence")->value);
    assert_close(sum, mean, 0, 5 * error);
    assert_true(error < most);
    assert_close(summary.sd, sd, 0.15, 0);
    return run;
}

static void finds_the_posterior(void **unused)
{
    const mote_ssm model = free_model();
    const mote_pmmh_options options = usual();
    (void)unused;
    assert_close(exact_log_likelihood(0.9), LINEAR_GAUSSIAN_A_LOG_EVIDENCE, 1e-12, 0);
    mote_run *run = check_posterior(&model, &options, 0.01);
    mote_run_close(&run);
}

/* Two particles, whose log Z is so noisy that nothing is accepted after the warm-up: one draw, and the run says so. */
static void a_chain_that_never_moved_counts_once(void **unused)
{
    const mote_ssm model = free_model();
    mote_pmmh_options options = usual();
    (void)unused;
    options.particles = 2;
    options.chains = 1;
    options.draws = 60;
    options.warm_up = 40;
    mote_run *run = finished_run_of(mote_pmmh, &model, &options);
    const mote_draws *draws = mote_run_draws(run);
    const double *rho = mote_draws_column(draws, 0);
    assert_int_equal(mote_draws_count(draws), 60);
    for (int64_t i = 1; i < 60; ++i)
        assert_true(rho[i] == rho[0]);
    assert_true(mote_draws_effective_sample_size(draws) == 1);
    assert_non_null(mote_draws_result(draws, "short_chains"));
    mote_run_close(&run);
}

/* Twenty particles, whose log Z has a variance above 1, but hardly any noise in the ratios. */
static void correlated_chains_find_it_with_few_particles(void **unused)
{
    const mote_ssm model = free_model();
    mote_pmmh_options options = usual();
    (void)unused;
    options.particles = 20;
    options.correlation = 0.99;
    options.evaluations = 60;
    mote_run *run = check_posterior(&model, &options, 0.015);
    const mote_draws *draws = mote_run_draws(run);
    double path[50];
    print_message("noise of correlated differences %.3f\n", mote_draws_result(draws, "noise_log_evidence")->value);
    assert_true(mote_draws_result(draws, "variance_log_evidence")->value > 1);
    assert_true(mote_draws_result(draws, "noise_log_evidence")->value < 0.6);
    assert_status(mote_pmmh_path(run, 0, path), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "correlation"));
    mote_run_close(&run);
}

static void tuning_finds_the_number_of_particles(void **unused)
{
    static const int64_t starts[] = { 3, 400 };
    const mote_ssm model = free_model();
    (void)unused;
    for (int k = 0; k < 2; ++k) {
        mote_pmmh_options options = usual();
        options.particles = starts[k];
        options.tune = MOTE_TUNE_ON;
        options.evaluations = 100;
        mote_run *run = check_posterior(&model, &options, 0.02);
        const double n = mote_draws_result(mote_run_draws(run), "particles")->value;
        const double variance = mote_draws_result(mote_run_draws(run), "variance_log_evidence")->value;
        print_message("%lld particles become %g\n", (long long)starts[k], n);
        assert_true(n > 8 && n < 60 && variance > 0.6 && variance < 3);
        mote_run_close(&run);
    }
}

/* The last state of the paths against the filter's mean, mixed over rho; the same path at every call. */
static void paths_are_draws_of_the_state(void **unused)
{
    const mote_ssm model = free_model();
    mote_pmmh_options options = usual();
    double total = 0, exact = 0, mean = 0, square = 0, path[50], again[50];
    (void)unused;
    options.draws = 60;
    options.thin = 5;
    for (int i = 0; i < 2000; ++i) {
        double m;
        const double rho = -1 + (i + 0.5) / 1000, p = exp(exact_log_likelihood_of(rho, 50, &m) + 75);
        total += p;
        exact += p * m;
    }
    exact /= total;
    mote_run *run = open_run_of(mote_pmmh, &model, &options);
    assert_status(mote_pmmh_path(run, 0, path), MOTE_ESTATE);
    assert_status(mote_run_finish(run), MOTE_OK);
    for (int64_t i = 0; i < 480; ++i) {
        assert_status(mote_pmmh_path(run, i, path), MOTE_OK);
        mean += path[49] / 480;
        square += path[49] * path[49] / 480;
    }
    assert_status(mote_pmmh_path(run, 479, again), MOTE_OK);
    assert_same_bytes(path, again, sizeof path);
    assert_status(mote_pmmh_path(run, 480, path), MOTE_EINVAL);
    const double sd = sqrt(square - mean * mean);
    print_message("x_49 %.3f(%.3f) for %.3f\n", mean, sd / sqrt(480), exact);
    assert_close(mean, exact, 0, 5 * 1.5 * sd / sqrt(480)); /* draws are correlated a little */
    assert_close(sd, sqrt(0.6), 0.15, 0);
    mote_run_close(&run);
}

/* P(theta >= 1/2 | y), theta uniform on (0, 1), with filters of one particle. */
static void check_two_points(double correlation)
{
    static const mote_parameter theta[] = { MOTE_UNIFORM("theta", 0, 1) };
    enum { CHAINS = 64, DRAWS = 2500 };
    const double z0 = two_evidence(0, 3), z1 = two_evidence(1, 3);
    mote_pmmh_options options = usual();
    mote_ssm model = two;
    double share[CHAINS] = { 0 }, mean = 0, square = 0;
    model.parameters = theta;
    model.initial = two_uniform_first;
    model.transition = two_uniform_next;
    options.particles = 1;
    options.chains = CHAINS;
    options.draws = DRAWS;
    options.warm_up = 50;
    options.correlation = correlation;
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
    print_message("correlation %g: P(theta >= 1/2) %.4f (%.4f) for %.4f\n", correlation, mean, error, z1 / (z0 + z1));
    assert_close(mean, z1 / (z0 + z1), 0, 5 * error);
    assert_true(error < 0.006);
    mote_run_close(&run);
}

static void finds_the_law_on_two_points(void **unused)
{
    (void)unused;
    check_two_points(0);
    check_two_points(0.97);
}

/* Plain, correlated, and with the number of particles tuned, which both do at a small warm-up. */
static mote_pmmh_options short_run(int kind)
{
    mote_pmmh_options options = usual();
    options.draws = 6;
    options.warm_up = 8;
    options.evaluations = 3;
    options.particles = 20;
    options.correlation = kind ? 0.9 : 0;
    options.tune = kind == 2 ? MOTE_TUNE_ON : MOTE_TUNE_OFF;
    return options;
}

static void threads_do_not_show(void **unused)
{
    static const int64_t threads[] = { 1, 2, 7 };
    const mote_ssm model = free_model();
    double first[48];
    (void)unused;
    for (int k = 0; k < 9; ++k) {
        mote_pmmh_options options = short_run(k / 3);
        options.threads = threads[k % 3];
        mote_run *run = open_run_of(mote_pmmh, &model, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        const double *rho = mote_draws_column(mote_run_draws(run), 0);
        if (k % 3 == 0)
            memcpy(first, rho, sizeof first);
        assert_same_bytes(first, rho, sizeof first);
        mote_run_close(&run);
    }
}

static void resuming_does_not_show(void **unused)
{
    const mote_ssm model = free_model();
    const char *path = "test_pmmh.checkpoint";
    (void)unused;
    for (int kind = 0; kind < 3; ++kind) {
        const mote_pmmh_options options = short_run(kind);
        mote_run *whole = open_run_of(mote_pmmh, &model, &options), *run = open_run_of(mote_pmmh, &model, &options);
        assert_status(mote_run_finish(whole), MOTE_OK);
        for (int status = MOTE_OK; status != MOTE_DONE;) {
            status = mote_run_step(run);
            assert_true(status == MOTE_OK || status == MOTE_DONE);
            reload_run(&run, mote_pmmh, &model, &options, path);
        }
        const mote_draws *a = mote_run_draws(whole), *b = mote_run_draws(run);
        assert_same_bytes(mote_draws_column(a, 0), mote_draws_column(b, 0), 48 * sizeof(double));
        assert_true(mote_draws_result(a, "variance_log_evidence")->value ==
                    mote_draws_result(b, "variance_log_evidence")->value);
        assert_true(mote_draws_result(a, "particle_steps")->value == mote_draws_result(b, "particle_steps")->value);
        assert_true(kind < 2 || mote_draws_result(a, "particles")->value != 20);
        mote_run_close(&run);
        mote_run_close(&whole);
    }
    remove(path);
}

/* A filter that takes longer than a piece of a step may. */
static int slow_log_potential(void *ctx, const mote_block *block)
{
    const struct timespec while_away = { .tv_nsec = 60000000 };
    if (block->step == 49)
        nanosleep(&while_away, NULL);
    return linear_gaussian_a.log_potential(ctx, block);
}

/* Stopped between the chains of one transition: those that are through have accepted numbers that only their ids
 * recall. */
static void resuming_within_transitions_does_not_show(void **unused)
{
    const mote_ssm model = free_model();
    const char *path = "test_pmmh.checkpoint";
    mote_ssm slow = model;
    mote_pmmh_options options = short_run(1);
    int64_t steps = 0, within = 0;
    (void)unused;
    slow.log_potential = slow_log_potential;
    options.chains = 3;
    options.draws = 4;
    options.warm_up = 1;
    options.evaluations = 2;
    mote_run *whole = open_run_of(mote_pmmh, &model, &options), *run = open_run_of(mote_pmmh, &slow, &options);
    assert_status(mote_run_finish(whole), MOTE_OK);
    for (int status = MOTE_OK; status != MOTE_DONE; ++steps) {
        status = mote_run_step(run);
        assert_true(status == MOTE_OK || status == MOTE_DONE);
        within += !run->boundary;
        reload_run(&run, mote_pmmh, &slow, &options, path);
    }
    assert_true(within > 0);
    const mote_draws *a = mote_run_draws(whole), *b = mote_run_draws(run);
    assert_same_bytes(mote_draws_column(a, 0), mote_draws_column(b, 0), 12 * sizeof(double));
    remove(path);
    mote_run_close(&run);
    mote_run_close(&whole);
}

/* ---- what is refused ---- */

/* Draws a choice at the second step only. */
static int choosing_transition(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = block->step < 2 ? 0 : (double)mote_choose(source, NULL, 2);
    return 0;
}

/* Draws a stream where rho is far from where the trial run goes. */
static int stray_transition(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    if (*block->parameter[0] > 0.5) {
        mote_stream stream = mote_stream_open(source, block->first);
        block->state[0][0] = mote_stream_uniform(&stream);
    }
    return 0;
}

static void what_is_wrong_is_named(void **unused)
{
    mote_ssm model = free_model();
    mote_pmmh_options options = usual();
    (void)unused;
    assert_refused(mote_pmmh, &linear_gaussian_a, &options, MOTE_EINVAL, "all are fixed");
    options.resampling = MOTE_RESAMPLE_METROPOLIS;
    assert_refused(mote_pmmh, &model, &options, MOTE_EUNSUPPORTED, "metropolis");
    options.resampling = MOTE_RESAMPLE_STRATIFIED;
    options.correlation = 0.9;
    assert_refused(mote_pmmh, &model, &options, MOTE_EUNSUPPORTED, "stratified");
    options.resampling = MOTE_RESAMPLE_SYSTEMATIC;
    options.points = MOTE_POINTS_SOBOL;
    assert_refused(mote_pmmh, &model, &options, MOTE_EUNSUPPORTED, "sobol");
    options.points = MOTE_POINTS_RANDOM;
    options.executor = MOTE_EXECUTOR_EXTERNAL;
    assert_refused(mote_pmmh, &model, &options, MOTE_EUNSUPPORTED, "executor");
    options.executor = MOTE_EXECUTOR_AUTO;
    model.transition = choosing_transition;
    assert_refused(mote_pmmh, &model, &options, MOTE_EUNSUPPORTED, "draws choices");
    model.transition = stray_transition;
    mote_run *run = open_run_of(mote_pmmh, &model, &options);
    assert_status(mote_run_finish(run), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "a stream of its own"));
    mote_run_close(&run);
    options.correlation = 0;
    model.series = NULL;
    assert_refused(mote_pmmh, &model, &options, MOTE_EUNSUPPORTED, "series");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_posterior),
        cmocka_unit_test(correlated_chains_find_it_with_few_particles),
        cmocka_unit_test(a_chain_that_never_moved_counts_once),
        cmocka_unit_test(tuning_finds_the_number_of_particles),
        cmocka_unit_test(paths_are_draws_of_the_state),
        cmocka_unit_test(finds_the_law_on_two_points),
        cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(resuming_does_not_show),
        cmocka_unit_test(resuming_within_transitions_does_not_show),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return run_unit_tests(tests);
}
