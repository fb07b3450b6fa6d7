/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gradients on the real line against sixth-order differences of the transforms and log densities themselves, for every
 * prior and both kinds of groups. */
#include "model/prior.h"
#include "model/space.h"
#include "tests/support/test.h"

static int no_likelihood(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *log_likelihood = 0;
    return 0;
}

static const mote_parameter parameters[] = {
    MOTE_UNIFORM("uniform", -1, 3),
    MOTE_LOG_UNIFORM("log_uniform", 0.1, 20),
    MOTE_NORMAL("normal", 2, 3),
    MOTE_FIXED("fixed", 4),
    MOTE_TRUNCATED_NORMAL("truncated", 1, 2, -1, 4),
    MOTE_TRUNCATED_NORMAL("below", 1, 2, -INFINITY, 4),
    MOTE_TRUNCATED_NORMAL("above", 1, 2, -3, INFINITY),
    MOTE_TRUNCATED_NORMAL("open", 1, 2, -INFINITY, INFINITY),
    MOTE_HALF_NORMAL("half_normal", 2),
    MOTE_HALF_CAUCHY("half_cauchy", 0.5),
    MOTE_EXPONENTIAL("exponential", 3),
    MOTE_BETA("beta", 0.5, 3),
    MOTE_GAMMA("gamma", 2.5, 0.7),
    MOTE_INVERSE_GAMMA("inverse_gamma", 2, 2),
    MOTE_STUDENT("student", 3, 1, 0.5),
    MOTE_SORTED("s1", 1, 5),
    MOTE_SORTED("s2", 1, 5),
    MOTE_SORTED("s3", 1, 5),
    MOTE_DIRICHLET("d1", 0.5),
    MOTE_DIRICHLET("d2", 2),
    MOTE_DIRICHLET("d3", 3),
    MOTE_DIRICHLET("d4", 1),
};
enum { THETA = sizeof parameters / sizeof *parameters, D = THETA - 2 };

/* Any smooth function of all entries, and its gradient. */
static double test_function(const double *theta, double *gradient)
{
    double sum = 0;
    for (int i = 0; i < THETA; ++i) {
        const double next = theta[(i + 1) % THETA];
        sum += sin(0.3 * (i + 1) * theta[i]) + 0.1 * theta[i] * next;
        if (gradient)
            gradient[i] = 0.3 * (i + 1) * cos(0.3 * (i + 1) * theta[i]) + 0.1 * (next + theta[(i + THETA - 1) % THETA]);
    }
    return sum;
}

static void values_at(const mote_space *space, const double *y, double *function, double *base)
{
    double theta[THETA], log_jacobian;
    assert_status(mote_space_constrain(space, y, theta, &log_jacobian), MOTE_OK);
    *function = test_function(theta, NULL);
    *base = mote_space_log_prior(space, theta) + log_jacobian;
}

static void gradients_agree_with_differences(void **state)
{
    (void)state;
    static const double weights[] = { 45.0 / 60, -9.0 / 60, 1.0 / 60 };
    const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                                 .log_likelihood_point = no_likelihood };
    mote_memory memory;
    mote_message message;
    mote_space space;
    mote_memory_open(&memory, NULL);
    assert_status(mote_space_open(&space, &target, &memory, &message), MOTE_OK);
    assert_int_equal(space.dimension, D);
    for (int trial = 0; trial < 20; ++trial) {
        double y[D], theta[THETA], gradient[THETA], slope[D], base[D], log_jacobian;
        for (int j = 0; j < D; ++j)
            y[j] = 1.7 * sin(37.0 * trial + 11.3 * j + 0.1 * j * j);
        assert_status(mote_space_constrain(&space, y, theta, &log_jacobian), MOTE_OK);
        test_function(theta, gradient);
        assert_status(mote_space_gradient(&space, y, theta, gradient, slope, base), MOTE_OK);
        for (int j = 0; j < D; ++j) {
            const double at = y[j], step = 4e-3;
            double function = 0, prior = 0;
            for (int k = 1; k <= 3; ++k)
                for (int sign = -1; sign <= 1; sign += 2) {
                    double f, b;
                    y[j] = at + sign * k * step;
                    values_at(&space, y, &f, &b);
                    function += sign * weights[k - 1] * f / step;
                    prior += sign * weights[k - 1] * b / step;
                }
            y[j] = at;
            assert_close(slope[j], function, 3e-8, 3e-8);
            assert_close(base[j], prior, 1e-9, 1e-9);
        }
        double same[D];
        assert_status(mote_space_gradient(&space, y, theta, NULL, NULL, same), MOTE_OK);
        assert_same_bytes(same, base, sizeof same);
    }
    mote_space_close(&space);
}

static void slopes_known(void **state)
{
    (void)state;
    const mote_parameter normal = MOTE_NORMAL("x", 0, 1), gamma = MOTE_GAMMA("x", 2, 1), cauchy = MOTE_HALF_CAUCHY("x",
                                                                                                                   1),
                         fixed = MOTE_FIXED("x", 1);
    assert_close(mote_prior_log_slope(&normal, 1), -1, 0, 0);
    assert_close(mote_prior_log_slope(&gamma, 1), 0, 0, 0);
    assert_close(mote_prior_log_slope(&cauchy, 1), -1, 0, 0);
    assert_true(isnan(mote_prior_log_slope(&fixed, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_agree_with_differences),
        cmocka_unit_test(slopes_known),
    };
    return run_unit_tests(tests);
}
