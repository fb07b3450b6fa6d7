/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Particle Gibbs: smoothed values of case A with fixed parameters, for every kernel; the posterior of rho by quadrature
 * over Kalman likelihoods, with three kernels on the parameter; a path that sticks; the same bytes after every
 * resumption; refusals. Comparisons have fixed seeds and 5 Monte Carlo errors by batch means (false alarm 6e-7 under normality). */
#include <mote/particle_gibbs.h>

#include "model/draws.h"
#include "tests/support/filter_bench.h"
#include "tests/support/rho_posterior.h"

static const mote_parameter rho_free[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                           MOTE_FIXED("var_0", 1 / 0.19) };

static mote_ssm free_model(void)
{
    mote_ssm model = linear_gaussian_a;
    model.parameters = rho_free;
    return model;
}

/* Smoothed means of x_0 and x_25, and of the functional. */
static void check_means(mote_particle_gibbs_options options)
{
    static const double truth[] = { 91.141125749936, 11.133495156363, 112.036868958580, 0.546733511975,
                                    1.735006089563 };
    options.head = (mote_head)MOTE_VERSIONED(mote_particle_gibbs_options);
    options.steps = "0, 25";
    mote_run *run = open_run_of(mote_particle_gibbs, &linear_gaussian_a, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    for (int k = 0; k < 5; ++k) {
        assert_close(mote_particle_gibbs_mean(run, k), truth[k], 0, 5 * mote_particle_gibbs_error(run, k));
        assert_true(mote_particle_gibbs_error(run, k) < (k < 3 ? 2 : 0.15));
    }
    assert_int_equal(mote_draws_find(mote_run_draws(run), "x_25"), 4);
    assert_true(mote_draws_result(mote_run_draws(run), "path_renewal")->value > 0.3);
    mote_run_close(&run);
}

static void smoothed_means_are_those_of_the_model(void **unused)
{
    (void)unused;
    for (int64_t draw = 0; draw < 4; ++draw)
        check_means((mote_particle_gibbs_options){ .particles = 16, .sweeps = 1500, .seed = 1 + draw,
                                                   .path_draw = draw });
    check_means((mote_particle_gibbs_options){ .particles = 16, .sweeps = 1500, .seed = 5,
                                               .path_kernel = MOTE_PATH_ANCESTOR });
    check_means((mote_particle_gibbs_options){ .particles = 200, .sweeps = 400, .seed = 6,
                                               .path_kernel = MOTE_PATH_PLAIN });
    check_means((mote_particle_gibbs_options){ .particles = 16, .sweeps = 1500, .seed = 7,
                                               .proposal = MOTE_PROPOSAL_GUIDED,
                                               .resampling = MOTE_RESAMPLE_KILLING });
}

static void finds_the_posterior(void **unused)
{
    const mote_ssm model = free_model();
    double mean, sd;
    (void)unused;
    exact_posterior(&mean, &sd);
    for (int64_t kernel = 0; kernel < 3; ++kernel) {
        const mote_particle_gibbs_options options = { MOTE_VERSIONED(mote_particle_gibbs_options), .particles = 20,
                                                      .sweeps = 4000,
                                                      .warm_up = 500, .seed = 11, .parameter_kernel = kernel,
                                                      .parameter_moves = 3 };
        mote_run *run = finished_run_of(mote_particle_gibbs, &model, &options);
        mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
        assert_status(mote_draws_summary(mote_run_draws(run), 0, &summary), MOTE_OK);
        const double acceptance = mote_draws_result(mote_run_draws(run), "acceptance")->value;
        print_message("rho %.4f(%.4f) for %.4f, sd %.4f for %.4f, acceptance %.2f\n", mote_particle_gibbs_mean(run, 0),
                      mote_particle_gibbs_error(run, 0), mean, summary.sd, sd, acceptance);
        assert_close(mote_particle_gibbs_mean(run, 0), mean, 0, 5 * mote_particle_gibbs_error(run, 0));
        assert_true(mote_particle_gibbs_error(run, 0) < 0.012);
        assert_close(summary.sd, sd, 0.2, 0);
        assert_true(acceptance > 0.1 && acceptance < 0.95);
        assert_int_equal(mote_draws_find(mote_run_draws(run), "rho"), 0);
        mote_run_close(&run);
    }
}

/* Held at a value that is not the default, and started from one. */
static void parameters_can_be_held(void **unused)
{
    static const double theta[] = { 0.5, 1, 1, 1 / 0.19 };
    const mote_ssm model = free_model();
    mote_particle_gibbs_options options = { MOTE_VERSIONED(mote_particle_gibbs_options), .sweeps = 30, .seed = 2,
                                            .theta = theta,
                                            .parameters = MOTE_PARAMETERS_HELD };
    (void)unused;
    mote_run *run = open_run_of(mote_particle_gibbs, &model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_int_equal(mote_draws_find(mote_run_draws(run), "rho"), -1);
    mote_run_close(&run);
    options.theta = NULL;
    assert_refused(mote_particle_gibbs, &model, &options, MOTE_EINVAL, "rho");
    options.parameters = 0;
    options.theta = theta;
    options.warm_up = -1;
    run = open_run_of(mote_particle_gibbs, &model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_int_equal(mote_draws_count(mote_run_draws(run)), 30);
    mote_run_close(&run);
}

/* 10,000 sweeps where parameters are sampled, 100 of the path alone; chains that are too short are told. */
static void sweeps_suit_what_is_sampled(void **unused)
{
    static const double theta[] = { 0.9, 1, 1, 1 / 0.19 };
    const mote_ssm model = free_model();
    mote_particle_gibbs_options options = { MOTE_VERSIONED(mote_particle_gibbs_options), .particles = 4, .seed = 4,
                                            .theta = theta, .parameter_moves = 1 };
    (void)unused;
    mote_run *run = finished_run_of(mote_particle_gibbs, &model, &options);
    const mote_draws *draws = mote_run_draws(run);
    assert_int_equal(mote_draws_count(draws), 9000);
    assert_true(mote_draws_effective_sample_size(draws) > 100 && mote_draws_effective_sample_size(draws) < 4500);
    assert_null(mote_draws_result(draws, "short_chains"));
    mote_run_close(&run);
    options.sweeps = 40;
    run = finished_run_of(mote_particle_gibbs, &model, &options);
    assert_non_null(mote_draws_result(mote_run_draws(run), "short_chains"));
    mote_run_close(&run);
    options.sweeps = 0;
    options.parameter_moves = 0;
    options.parameters = MOTE_PARAMETERS_HELD;
    run = finished_run_of(mote_particle_gibbs, &model, &options);
    assert_int_equal(mote_draws_count(mote_run_draws(run)), 90);
    mote_run_close(&run);
}

/* Without ancestors drawn anew, two particles never exchange the first state: its column counts as one draw, however
 * many there are, and the run says so. */
static void a_state_that_never_moved_counts_once(void **unused)
{
    const mote_particle_gibbs_options options = { MOTE_VERSIONED(mote_particle_gibbs_options), .particles = 2,
                                                  .seed = 4, .path_kernel = MOTE_PATH_PLAIN, .sweeps = 200,
                                                  .steps = "0, 49" };
    (void)unused;
    mote_run *run = finished_run_of(mote_particle_gibbs, &linear_gaussian_a, &options);
    const mote_draws *draws = mote_run_draws(run);
    const double *first = mote_draws_column(draws, mote_draws_find(draws, "x_0"));
    const double *last = mote_draws_column(draws, mote_draws_find(draws, "x_49"));
    int64_t moved[2] = { 0, 0 };
    assert_true(first && last);
    for (int64_t i = 1; i < mote_draws_count(draws); ++i) {
        moved[0] += first[i] != first[0];
        moved[1] += last[i] != last[0];
    }
    assert_true(moved[0] == 0 && moved[1] > 0);
    assert_int_equal(mote_draws_parameter(draws, mote_draws_find(draws, "x_0"))->group, 1); /* no part of the last */
    assert_int_equal(mote_draws_parameter(draws, mote_draws_find(draws, "x_49"))->group, 2);
    assert_true(mote_draws_effective_sample_size(draws) == 1);
    assert_non_null(mote_draws_result(draws, "short_chains"));
    mote_run_close(&run);
}

static void resuming_does_not_show(void **unused)
{
    const mote_ssm model = free_model();
    const mote_particle_gibbs_options options = { MOTE_VERSIONED(mote_particle_gibbs_options), .particles = 20,
                                                  .sweeps = 12,
                                                  .warm_up = 5, .seed = 2 };
    mote_run *whole = open_run_of(mote_particle_gibbs, &model, &options), *run =
            open_run_of(mote_particle_gibbs, &model, &options);
    (void)unused;
    assert_status(mote_run_finish(whole), MOTE_OK);
    for (int status = MOTE_OK; status != MOTE_DONE;) {
        status = mote_run_step(run);
        assert_true(status == MOTE_OK || status == MOTE_DONE);
        reload_run(&run, mote_particle_gibbs, &model, &options, "test_particle_gibbs.checkpoint");
    }
    assert_same_bytes(mote_particle_gibbs_path(whole), mote_particle_gibbs_path(run), 50 * sizeof(double));
    const mote_draws *a = mote_run_draws(whole), *b = mote_run_draws(run);
    assert_int_equal(mote_draws_count(a), 7);
    assert_same_bytes(mote_draws_column(a, 0), mote_draws_column(b, 0), 7 * sizeof(double));
    mote_run_close(&run);
    mote_run_close(&whole);
}

static void what_does_not_fit_is_named(void **unused)
{
    mote_ssm model = free_model();
    mote_particle_gibbs_options options = { .head = MOTE_VERSIONED(mote_particle_gibbs_options) };
    (void)unused;
    options.steps = "3, 3";
    assert_refused(mote_particle_gibbs, &model, &options, MOTE_EOPTION, "option steps = '3, 3'");
    options.steps = "3, 50";
    assert_refused(mote_particle_gibbs, &model, &options, MOTE_EOPTION, "step 50");
    options.steps = NULL;
    model.log_initial = NULL;
    model.propose_initial = NULL;
    assert_refused(mote_particle_gibbs, &model, &options, MOTE_EUNSUPPORTED, "log_initial");
    model = free_model();
    model.gradient = NULL;
    options.parameter_kernel = MOTE_PARAMETER_MALA;
    assert_refused(mote_particle_gibbs, &model, &options, MOTE_EUNSUPPORTED, "gradient");
    options.parameter_kernel = 0;
    options.path_draw = MOTE_PATH_DRAW_HYBRID;
    model.log_transition_bound = NULL;
    assert_refused(mote_particle_gibbs, &model, &options, MOTE_EUNSUPPORTED, "log_transition_bound");
    model = toy_d;
    options.path_draw = 0;
    assert_refused(mote_particle_gibbs, &model, &options, MOTE_EUNSUPPORTED, "log_transition");
    options.path_kernel = MOTE_PATH_PLAIN;
    mote_run *run = open_run_of(mote_particle_gibbs, &model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smoothed_means_are_those_of_the_model),
        cmocka_unit_test(finds_the_posterior),
        cmocka_unit_test(parameters_can_be_held),
        cmocka_unit_test(sweeps_suit_what_is_sampled),
        cmocka_unit_test(a_state_that_never_moved_counts_once),
        cmocka_unit_test(resuming_does_not_show),
        cmocka_unit_test(what_does_not_fit_is_named),
    };
    return run_unit_tests(tests);
}
