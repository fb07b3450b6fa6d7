/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Controlled SMC: exact on linear-Gaussian models of one and of two coordinates after one fit; on stochastic volatility
 * the spread of log Z falls far below the bootstrap filter's and its mean stands within 5 standard errors of quadrature
 * (false alarm 6e-7, fixed seeds); saved and resumed; refusals. */
#include <mote/controlled.h>
#include <mote/kalman.h>

#include "core/run.h"
#include "model/draws.h"
#include "tests/support/filter_bench.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

static double evidence_of(const mote_ssm *model, const mote_controlled_options *options)
{
    mote_run *run = finished_run_of(mote_controlled, model, options);
    const double log_evidence = mote_draws_log_evidence(mote_run_draws(run));
    mote_run_close(&run);
    return log_evidence;
}

static void one_fit_is_exact(void **unused)
{
    mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 50, .fits = 1 };
    (void)unused;
    for (options.seed = 1; options.seed <= 3; ++options.seed)
        assert_close(evidence_of(&linear_gaussian_a, &options), LINEAR_GAUSSIAN_A_LOG_EVIDENCE, 0, 1e-9);
    options.quadratic = MOTE_QUADRATIC_DIAGONAL; /* one coordinate: the same */
    assert_close(evidence_of(&linear_gaussian_a, &options), LINEAR_GAUSSIAN_A_LOG_EVIDENCE, 0, 1e-9);
}

/* The first filter is the model's own; after one fit, which is exact here, log Z is known and every filter's is kept. */
static void filters_are_recorded(void **unused)
{
    const mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 50, .fits = 2,
                                              .seed = 1 };
    const mote_filter_options plain = { .head = MOTE_VERSIONED(mote_filter_options), .particles = 50, .seed = 1 };
    double log_evidence = NAN, residual = NAN, first;
    (void)unused;
    mote_run *run = finished_run_of(mote_controlled, &linear_gaussian_a, &options);
    assert_status(mote_controlled_record(run, 0, &first, &residual), MOTE_OK);
    assert_true(fabs(first - LINEAR_GAUSSIAN_A_LOG_EVIDENCE) > 1e-3 && fabs(first - LINEAR_GAUSSIAN_A_LOG_EVIDENCE) < 5);
    assert_true(residual >= 0 && residual < 1e-12);
    assert_status(mote_controlled_record(run, 1, &log_evidence, NULL), MOTE_OK);
    assert_close(log_evidence, LINEAR_GAUSSIAN_A_LOG_EVIDENCE, 0, 1e-9);
    assert_status(mote_controlled_record(run, 2, &log_evidence, &residual), MOTE_OK);
    assert_close(log_evidence, mote_draws_log_evidence(mote_run_draws(run)), 0, 0);
    assert_true(isnan(residual));
    assert_status(mote_controlled_record(run, 3, &log_evidence, NULL), MOTE_EINVAL);
    assert_status(mote_controlled_record(run, -1, &log_evidence, NULL), MOTE_EINVAL);
    mote_run_close(&run);
    run = finished_run_of(mote_filter, &linear_gaussian_a, &plain);
    assert_status(mote_controlled_record(run, 0, &log_evidence, NULL), MOTE_EKIND);
    mote_run_close(&run);
}

/* ---- two coordinates that turn into each other ---- */

static const double TURN[2][2] = { { 0.8, 0.3 }, { -0.2, 0.7 } }, NOISE[2][2] = { { 1, 0.4 }, { 0.4, 0.5 } };
static const double FIRST[2][2] = { { 2, 0.5 }, { 0.5, 1 } }, LOOK[1][2] = { { 1, 0.5 } }, ERROR[1][1] = { { 0.3 } };
static double pair_values[30];

static int pair_gaussian(void *ctx, const mote_block *block, double *const *mean, double *covariance)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        for (int a = 0; a < 2; ++a)
            mean[a][i] = block->previous ? TURN[a][0] * block->previous[0][i] + TURN[a][1] * block->previous[1][i] : 0;
    memcpy(covariance, block->previous ? NOISE : FIRST, sizeof NOISE);
    return 0;
}

static int pair_draw(void *ctx, const mote_block *block, mote_source *source)
{
    double c[4], *mean[2] = { block->state[0], block->state[1] }, first[1024], second[1024];
    mote_normals(source, first, block->n);
    mote_normals(source, second, block->n);
    const int status = pair_gaussian(ctx, block, mean, c);
    const double a = sqrt(c[0]), b = c[2] / a, d = sqrt(c[3] - b * b);
    for (int64_t i = 0; i < block->n; ++i) {
        block->state[0][i] += a * first[i];
        block->state[1][i] += b * first[i] + d * second[i];
    }
    return status;
}

static int pair_log_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double e = block->observation[0] - LOOK[0][0] * block->state[0][i] - LOOK[0][1] * block->state[1][i];
        block->log_weight[i] = -0.5 * (e * e / ERROR[0][0] + log(2 * 3.14159265358979323846 * ERROR[0][0]));
    }
    return 0;
}

static double pair_exact(void)
{
    static const double zero[2];
    const mote_kalman_model model = { MOTE_VERSIONED(mote_kalman_model), .states = 2, .observations = 1,
                                      .initial_mean = MOTE_VECTOR(zero), .initial_covariance = MOTE_MATRIX(FIRST),
                                      .constant = { .transition = MOTE_MATRIX(TURN), .transition_covariance =
                                                    MOTE_MATRIX(NOISE),
                                                    .observation = MOTE_MATRIX(LOOK),
                                                    .observation_covariance = MOTE_MATRIX(ERROR) } };
    mote_kalman *kalman = NULL;
    assert_status(mote_kalman_open(&kalman, &model, 0, NULL), MOTE_OK);
    assert_status(mote_kalman_filter(kalman, pair_values, NULL, 30), MOTE_OK);
    const double log_likelihood = mote_kalman_log_likelihood(kalman);
    mote_kalman_close(&kalman);
    return log_likelihood;
}

static void two_coordinates_are_exact(void **unused)
{
    static const char *const names[] = { "a", "b" }, *const seen[] = { "y" };
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = 30, .values = pair_values };
    const mote_ssm model = { .head = MOTE_VERSIONED(mote_ssm), MOTE_STATES(names), MOTE_OBSERVATIONS(seen),
                             .initial = pair_draw,
                             .transition = pair_draw, .log_potential = pair_log_potential, .gaussian = pair_gaussian,
                             .series = &series, .name = "pair" };
    mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 100, .fits = 1,
                                        .seed = 4 };
    (void)unused;
    for (int t = 0; t < 30; ++t)
        pair_values[t] = t % 7 == 3 ? NAN : 1.5 * sin(0.5 * t) + 0.4 * cos(2.3 * t);
    assert_close(evidence_of(&model, &options), pair_exact(), 0, 1e-9);
    options.quadratic = MOTE_QUADRATIC_DIAGONAL; /* not exact, still unbiased: close */
    options.fits = 3;
    assert_close(evidence_of(&model, &options), pair_exact(), 0, 3);
}

static void volatility_gains(void **unused)
{
    static const int64_t methods[] = { MOTE_CONTROLLED, MOTE_ITERATED_AUXILIARY };
    (void)unused;
    for (int k = 0; k < 2; ++k) {
        double mean = 0, square = 0;
        enum { RUNS = 15 };
        for (int r = 0; r < RUNS; ++r) {
            const mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 200,
                                                      .fits = 4,
                                                      .method = methods[k], .seed = 1, .run_id = r };
            const double difference = evidence_of(&volatility_e, &options) + 214.2819755795;
            mean += difference / RUNS;
            square += difference * difference / RUNS;
        }
        const double sd = sqrt((square - mean * mean) * RUNS / (RUNS - 1));
        print_message("log Z - truth %.4f, sd %.4f (a bootstrap filter of 200: about .3)\n", mean, sd);
        assert_true(sd < 0.1);
        assert_close(mean + 0.5 * sd * sd, 0, 0, 5 * sd / sqrt(RUNS));
    }
}

/* Stable log Z end the fits early; unstable ones double the particles up to the limit. */
static void fits_stop_and_particles_double(void **unused)
{
    mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 100, .fits = 12,
                                        .seed = 2,
                                        .method = MOTE_ITERATED_AUXILIARY };
    (void)unused;
    mote_run *run = open_run_of(mote_controlled, &volatility_e, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(mote_draws_result(mote_run_draws(run), "fits")->value < 12);
    mote_run_close(&run);
    options.tolerance = 1e-9;
    options.max_particles = 700;
    run = open_run_of(mote_controlled, &volatility_e, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(mote_draws_result(mote_run_draws(run), "fits")->value == 12);
    assert_int_equal(mote_draws_count(mote_run_draws(run)), 400);
    mote_run_close(&run);
}

/* Enough particles for a pool to share out. */
static void threads_do_not_show(void **unused)
{
    static const int64_t threads[] = { 1, 2, 7 };
    double first = 0;
    (void)unused;
    for (int k = 0; k < 3; ++k) {
        const mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 9000,
                                                  .fits = 1,
                                                  .seed = 6, .threads = threads[k] };
        const double log_evidence = evidence_of(&volatility_e, &options);
        first = k ? first : log_evidence;
        assert_true(log_evidence == first);
    }
}

static void resuming_does_not_show(void **unused)
{
    const mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 100,
                                              .fits = 3 };
    const char *path = "test_controlled.checkpoint";
    (void)unused;
    mote_run *run = open_run_of(mote_controlled, &volatility_e, &options);
    for (int status = MOTE_OK; status != MOTE_DONE;) {
        status = mote_run_step(run);
        assert_true(status == MOTE_OK || status == MOTE_DONE);
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        run = open_run_of(mote_controlled, &volatility_e, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
    }
    assert_true(mote_draws_log_evidence(mote_run_draws(run)) == evidence_of(&volatility_e, &options));
    remove(path);
    mote_run_close(&run);
}

static int one(void *ctx, const mote_block *block, double *const *mean, double *covariance)
{
    (void)ctx;
    mean[0][0] = 0;
    covariance[0] = 1;
    return block->step == 2;
}

static int one_at_the_end(void *ctx, const mote_block *block)
{
    memset(block->log_weight, 0, (size_t)block->n * sizeof(double));
    return ctx != NULL && block->step == 199;
}

/* Codes above zero end the run as errors, and never as MOTE_DONE, which is 1. */
static void codes_above_zero_are_errors(void **unused)
{
    const mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 20 };
    mote_ssm model = volatility_e;
    (void)unused;
    model.gaussian = one;
    mote_run *run = open_run_of(mote_controlled, &model, &options);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "gaussian returned a code above 0 at step 2"));
    mote_run_close(&run);
    model = volatility_e;
    model.log_potential = one_at_the_end;
    model.ctx = &model;
    run = open_run_of(mote_controlled, &model, &options);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    mote_run_close(&run);
}

/* What was learned at one theta, or from another initial time, is not taken up at another. */
static void other_parameters_are_another_run(void **unused)
{
    static const mote_parameter mu[] = { MOTE_UNIFORM("mu", -3, 3), MOTE_FIXED("rho", 0.95),
                                         MOTE_FIXED("sigma", 0.25) };
    const double here[] = { -1, 0.95, 0.25 }, there[] = { -1.1, 0.95, 0.25 };
    const char *path = "test_controlled.checkpoint";
    mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options), .particles = 50,
                                        .theta = here };
    mote_ssm model = volatility_e;
    (void)unused;
    model.parameters = mu;
    mote_run *run = open_run_of(mote_controlled, &model, &options);
    assert_status(mote_run_step(run), MOTE_OK);
    assert_status(mote_run_save(run, path), MOTE_OK);
    mote_run_close(&run);
    options.theta = there;
    run = open_run_of(mote_controlled, &model, &options);
    assert_status(mote_run_load(run, path), MOTE_EIDENTITY);
    remove(path);
    mote_run_close(&run);
}

static void check_refusal(const mote_ssm *model, const mote_controlled_options *options, int status, const char *text)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_controlled, model, options), status);
    if (!strstr(mote_run_message(run), text))
        fail_msg("'%s' lacks '%s'", mote_run_message(run), text);
    mote_run_close(&run);
}

static void what_is_wrong_is_named(void **unused)
{
    mote_controlled_options options = { .head = MOTE_VERSIONED(mote_controlled_options) };
    mote_ssm model = volatility_e;
    mote_run *run = NULL;
    (void)unused;
    check_refusal(&toy_d, &options, MOTE_EUNSUPPORTED, "needs gaussian, which the model 'toy' lacks");
    model.series = NULL;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "series");
    model = volatility_e;
    model.flags |= MOTE_SSM_PAIR_POTENTIAL;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "MOTE_SSM_PAIR_POTENTIAL");
    options.look_ahead = MOTE_LOOK_AHEAD_ON;
    check_refusal(&volatility_e, &options, MOTE_EUNSUPPORTED, "look_ahead");
    options.look_ahead = 0;
    options.particles = 2;
    assert_status(mote_run_open(&run, mote_controlled, &volatility_e, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "3 coefficients"));
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fit_is_exact),
        cmocka_unit_test(filters_are_recorded),      cmocka_unit_test(two_coordinates_are_exact),
        cmocka_unit_test(volatility_gains),      cmocka_unit_test(fits_stop_and_particles_double),
        cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(resuming_does_not_show), cmocka_unit_test(codes_above_zero_are_errors),
        cmocka_unit_test(other_parameters_are_another_run),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return run_unit_tests(tests);
}
