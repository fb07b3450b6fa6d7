/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning every coefficient and variance of a linear-Gaussian model at once: stochastic ascent along the scores of the
 * Parisian particle Gibbs sampler ends, from a start far away and with eight particles, where Newton's method on the
 * exact likelihood ends, within its own stated error; with the scores of PaRIS, and the same eight, it ends elsewhere.
 *
 * Fixed seeds; 5 stated errors, of which none of 96 deviations over other seeds was larger (the largest was 4.7:
 * tests/long/learning.c). Planted: tests/planted/ascent_error_independent. */
#include <mote/score_ascent.h>

#include "model/draws.h"
#include "tests/support/filter_bench.h"
#include "tests/support/linear_gaussian_free.h"

static const double truth[] = { 0.8, 1, 1 }, far_away[] = { 0.3, 2, 0.5 };
static const double truth_2[] = { 0.8, 0.2, -0.3, 0.6, 1, 0.5, 0.5, 0.5 };
static const double far_away_2[] = { 0.1, 0, 0, 0.1, 2, 2, 1, 1 };

/* The maximum for seed 3 and T = 100 without a Kalman filter: Newton's method on the density of y as one normal vector
 * of 100 numbers, in Python. */
static const double best[] = { 0.86379558, 0.79351685, 1.26682216 };

static void open_case(linear_gaussian_free *c, int64_t states)
{
    assert_status(linear_gaussian_free_open(c, states, 100, states == 1 ? truth : truth_2, 3), MOTE_OK);
}

/* ---- the exact maximum ---- */

static void gradients_are_differences(void **unused)
{
    static linear_gaussian_free c;
    (void)unused;
    for (int64_t d = 1; d <= 2; ++d) {
        double theta[FREE_PARAMETERS], slope[FREE_PARAMETERS], up, down, value;
        open_case(&c, d);
        memcpy(theta, d == 1 ? far_away : far_away_2, (size_t)c.parameters * sizeof *theta);
        assert_status(linear_gaussian_free_likelihood(&c, theta, &value, slope), MOTE_OK);
        for (int64_t k = 0; k < c.parameters; ++k) {
            const double at = theta[k];
            theta[k] = at + 1e-5;
            assert_status(linear_gaussian_free_likelihood(&c, theta, &up, NULL), MOTE_OK);
            theta[k] = at - 1e-5;
            assert_status(linear_gaussian_free_likelihood(&c, theta, &down, NULL), MOTE_OK);
            theta[k] = at;
            assert_close((up - down) / 2e-5, slope[k], 1e-6, 1e-5);
        }
    }
}

/* No component of the gradient is larger than 1e-10 there, and both starts lead to it. */
static void maximum_is_one_point(void **unused)
{
    static linear_gaussian_free c;
    (void)unused;
    for (int64_t d = 1; d <= 2; ++d) {
        double near[FREE_PARAMETERS], far[FREE_PARAMETERS], above, value;
        open_case(&c, d);
        memcpy(near, d == 1 ? truth : truth_2, (size_t)c.parameters * sizeof *near);
        memcpy(far, d == 1 ? far_away : far_away_2, (size_t)c.parameters * sizeof *far);
        assert_status(linear_gaussian_free_maximum(&c, 1e-10, near, &above, NULL), MOTE_OK);
        assert_status(linear_gaussian_free_maximum(&c, 1e-10, far, &value, NULL), MOTE_OK);
        assert_close(value, above, 0, 1e-10);
        for (int64_t k = 0; k < c.parameters; ++k) {
            assert_close(far[k], near[k], 0, 1e-9);
            if (d == 1)
                assert_close(near[k], best[k], 0, 1e-7);
        }
    }
}

/* ---- ascent ---- */

static mote_score_ascent_options learning(int64_t score, int64_t iterations, int64_t seed)
{
    return (mote_score_ascent_options){ MOTE_VERSIONED(mote_score_ascent_options), .particles = 8,
                                        .sweeps = score == MOTE_SCORE_PPG ? 1 : 0, .score = score,
                                        .proposal = MOTE_PROPOSAL_GUIDED,
                                        .backward = MOTE_BACKWARD_MCMC, .iterations = iterations,
                                        .step_rule = MOTE_STEP_POWER, .step_size = 40, .step_delay = 25,
                                        .evaluations = 2, .seed = seed, .theta = far_away };
}

static void learn(const linear_gaussian_free *c, const mote_score_ascent_options *options, double *theta, double *error)
{
    mote_run *run = finished_run_of(mote_score_ascent, &c->model, options);
    assert_status(mote_score_ascent_result(run, theta), MOTE_OK);
    assert_status(mote_score_ascent_error(run, error), MOTE_OK);
    mote_run_close(&run);
}

/* The stated errors are also small: below a tenth of the values. */
static void few_particles_reach_the_maximum(void **unused)
{
    static linear_gaussian_free c;
    double exact[3], value, theta[3], error[3];
    (void)unused;
    open_case(&c, 1);
    memcpy(exact, best, sizeof exact);
    assert_status(linear_gaussian_free_maximum(&c, 1e-10, exact, &value, NULL), MOTE_OK);
    for (int64_t seed = 1; seed <= 3; ++seed) {
        const mote_score_ascent_options options = learning(MOTE_SCORE_PPG, 3000, seed);
        learn(&c, &options, theta, error);
        for (int k = 0; k < 3; ++k) {
            print_message("%s %.4f +- %.4f, exact %.4f\n", c.parameter[k].name, theta[k], error[k], exact[k]);
            assert_close(theta[k], exact[k], 0, 5 * error[k]);
            assert_true(error[k] < 0.1 * exact[k]);
        }
    }
}

/* The bias of order 1 / N stays when the noise averages out: more than 20 stated errors in each parameter. */
static void paris_with_as_many_does_not(void **unused)
{
    static linear_gaussian_free c;
    double theta[3], error[3];
    const mote_score_ascent_options options = learning(MOTE_SCORE_PARIS, 3000, 1);
    (void)unused;
    open_case(&c, 1);
    learn(&c, &options, theta, error);
    for (int k = 0; k < 3; ++k) {
        print_message("%s by PaRIS %.4f +- %.4f, exact %.4f\n", c.parameter[k].name, theta[k], error[k], best[k]);
        assert_true(fabs(theta[k] - best[k]) > 20 * error[k]);
    }
}

/* ---- the error itself ---- */

/* Variance of the mean of the last `batches` x (n / batches) of n values. */
static double variance_by_batches(const double *x, int64_t n, int64_t batches)
{
    const int64_t length = n / batches;
    double mean = 0, square = 0;
    x += n - batches * length;
    for (int64_t i = 0; i < batches * length; ++i)
        mean += x[i] / (double)(batches * length);
    for (int64_t b = 0; b < batches; ++b) {
        double sum = 0;
        for (int64_t i = 0; i < length; ++i)
            sum += (x[b * length + i] - mean) / (double)length;
        square += sum * sum;
    }
    return square / (double)(batches * (batches - 1));
}

/* By the iterates in physical units, to first order the same. */
static void errors_are_those_of_batches(void **unused)
{
    static linear_gaussian_free c;
    double error[3];
    (void)unused;
    open_case(&c, 1);
    c.parameter[1] = (mote_parameter)MOTE_FIXED("Q", 0.8);
    mote_score_ascent_options options = learning(MOTE_SCORE_PPG, 400, 5);
    options.theta = NULL;
    mote_run *run = open_run_of(mote_score_ascent, &c.model, &options);
    assert_status(mote_score_ascent_error(run, error), MOTE_ESTATE);
    for (int i = 0; i < 79; ++i) /* 40 of them are averaged, the last ones */
        assert_status(mote_run_step(run), MOTE_OK);
    assert_status(mote_score_ascent_error(run, error), MOTE_OK);
    assert_true(error[0] > 0 && error[2] > 0);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_status(mote_score_ascent_error(run, error), MOTE_OK);
    const mote_draws *draws = mote_run_draws(run);
    assert_true(mote_draws_result(draws, "A_error")->value == error[0]);
    assert_true(mote_draws_result(draws, "R_error")->value == error[2]);
    assert_true(error[1] == 0);
    for (int k = 0; k < 2; ++k) {
        const double *x = mote_draws_column(draws, k) + 200;
        const double ten = variance_by_batches(x, 200, 10), twenty = variance_by_batches(x, 200, 20);
        assert_close(error[2 * k], sqrt(fmax(ten, 2 * ten - twenty)), 0.1, 0);
    }
    mote_run_close(&run);
    options.iterations = 78;
    run = open_run_of(mote_score_ascent, &c.model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_status(mote_score_ascent_error(run, error), MOTE_OK);
    assert_true(isnan(error[0]) && isnan(error[2]));
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_differences),       cmocka_unit_test(maximum_is_one_point),
        cmocka_unit_test(few_particles_reach_the_maximum), cmocka_unit_test(paris_with_as_many_does_not),
        cmocka_unit_test(errors_are_those_of_batches),
    };
    return run_unit_tests(tests);
}
