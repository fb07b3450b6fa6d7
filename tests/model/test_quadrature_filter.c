/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The quadrature filter of tests/support on the cases without a closed form, and on one with. */
#include "tests/support/quadrature_filter.h"

#include "tests/support/state_space_reference.h"
#include "tests/support/test.h"

static double log_normal(double x, double mean, double sd)
{
    double z = (x - mean) / sd;
    return -0.5 * z * z - log(sd) - 0.5 * log(2 * acos(-1));
}

/* ---- A: filter, smoother and functional are known from the Kalman filter */
static double initial_a(void *ctx, double x) { (void)ctx; return log_normal(x, 0, sqrt(CASE_A_INITIAL)); }
static double transition_a(void *ctx, double previous, double x)
{
    (void)ctx;
    return log_normal(x, CASE_A_RHO * previous, 1);
}
static double potential_a(void *ctx, int64_t t, double x) { (void)ctx; return log_normal(case_a_observation(t), x, 1); }
static double lagged(void *ctx, int64_t t, double previous, double x) { (void)ctx; return t ? previous * x : 0; }

static void case_a(void **state)
{
    (void)state;
    quadrature q;
    double edges[61];
    const quadrature_model model = { initial_a, transition_a, potential_a, lagged, 0, NULL };
    quadrature_edges(edges, -30, 30, 60);
    assert_int_equal(quadrature_open(&q, &model, edges, 60), 0);
    for (int64_t t = 0; t < CASE_A_TIMES; ++t)
        quadrature_step(&q, t);
    assert_close(q.log_likelihood, CASE_A_LOG_LIKELIHOOD, 0, 2e-12);
    assert_close(quadrature_mean(&q), CASE_A_LAST_MEAN, 0, 2e-12);
    assert_close(quadrature_moment(&q, 2) - quadrature_mean(&q) * quadrature_mean(&q), CASE_A_LAST_VARIANCE, 0, 2e-12);
    assert_close(quadrature_functional(&q), CASE_A_SUM_LAGGED, 0, 1e-10);
    quadrature_close(&q);
}

static double initial_g(void *ctx, double x) { (void)ctx; return log_normal(x, 0, 1); }

/* ---- D: every law is N(0, 1) before its potential */
static double transition_d(void *ctx, double previous, double x)
{
    (void)ctx;
    return log_normal(x, CASE_D_RHO * previous, CASE_D_SD);
}
static double potential_d(void *ctx, int64_t t, double x) { (void)ctx; (void)t; return -x * x; }

static void case_d(void **state)
{
    (void)state;
    quadrature q;
    double edges[41];
    const quadrature_model model = { initial_g, transition_d, potential_d, NULL, 0, NULL };
    quadrature_edges(edges, -8, 8, 40);
    assert_int_equal(quadrature_open(&q, &model, edges, 40), 0);
    for (int64_t t = 0; t < 20; ++t) {
        quadrature_step(&q, t);
        assert_close(q.log_likelihood, case_d_log_evidence(t + 1), 0, 1e-12);
    }
    assert_close(quadrature_moment(&q, 2), 1.0 / 3, 1e-12, 0);
    quadrature_close(&q);
}

/* ---- E */
static double initial_e(void *ctx, double x)
{
    (void)ctx;
    return log_normal(x, CASE_E_MU, CASE_E_SIGMA / sqrt(1 - CASE_E_RHO * CASE_E_RHO));
}
static double transition_e(void *ctx, double previous, double x)
{
    (void)ctx;
    return log_normal(x, CASE_E_MU + CASE_E_RHO * (previous - CASE_E_MU), CASE_E_SIGMA);
}
static double potential_e(void *ctx, int64_t t, double x)
{
    (void)ctx;
    return log_normal(case_e_observation(t), 0, exp(x / 2));
}

static void case_e(void **state)
{
    (void)state;
    quadrature q;
    double edges[41];
    const quadrature_model model = { initial_e, transition_e, potential_e, NULL, 0, NULL };
    quadrature_edges(edges, -11, 9, 40);
    assert_int_equal(quadrature_open(&q, &model, edges, 40), 0);
    for (int64_t t = 0; t < CASE_E_TIMES; ++t) {
        quadrature_step(&q, t);
        if (t == 99)
            assert_close(q.log_likelihood, CASE_E_LOG_LIKELIHOOD_100, 0, 6e-11);
    }
    assert_close(q.log_likelihood, CASE_E_LOG_LIKELIHOOD, 0, 6e-11);
    quadrature_close(&q);
}

/* ---- G */
static double transition_g(void *ctx, double previous, double x)
{
    (void)ctx;
    return log_normal(x, previous + CASE_G_GROWTH - CASE_G_DECLINE * exp(CASE_G_THETA * previous), CASE_G_SD_X);
}
static double potential_g(void *ctx, int64_t t, double x) { return log_normal(((double *)ctx)[t], x, CASE_G_SD_Y); }

static void case_g(void **state)
{
    (void)state;
    quadrature q;
    double y[CASE_G_TIMES], edges[46];
    assert_int_equal(case_g_observations(y), 0);
    const quadrature_model model = { initial_g, transition_g, potential_g, NULL, 0, y };
    quadrature_edges(edges, -8, 14, 45);
    assert_int_equal(quadrature_open(&q, &model, edges, 45), 0);
    for (int64_t t = 0; t < CASE_G_TIMES; ++t)
        quadrature_step(&q, t);
    assert_close(q.log_likelihood, CASE_G_LOG_LIKELIHOOD, 0, 6e-11);
    quadrature_close(&q);
}

/* ---- I: the state is log N; steep where N is large, and far below zero after a crash */
static double transition_i(void *ctx, double previous, double x)
{
    (void)ctx;
    return log_normal(x, CASE_I_LOG_R + previous - CASE_I_C * exp(previous), CASE_I_SIGMA);
}
static double potential_i(void *ctx, int64_t t, double x)
{
    double y = ((double *)ctx)[t], mean = CASE_I_PHI * exp(x);
    return (y > 0 ? y * (log(CASE_I_PHI) + x) : 0) - mean - lgamma(y + 1);
}

static double ricker(double *y, double lowest)
{
    enum { LOW = 70, HIGH = 56 };
    quadrature q;
    double edges[LOW + HIGH + 1];
    const quadrature_model model = { NULL, transition_i, potential_i, NULL, log(CASE_I_FIRST), y };
    quadrature_edges(edges, lowest, -1, LOW);
    quadrature_edges(edges + LOW, -1, 4.6, HIGH);
    if (quadrature_open(&q, &model, edges, LOW + HIGH))
        return NAN;
    for (int64_t t = 0; t < CASE_I_TIMES; ++t)
        quadrature_step(&q, t);
    quadrature_close(&q);
    return q.log_likelihood;
}

static void case_i(void **state)
{
    (void)state;
    double y[CASE_I_TIMES];
    assert_int_equal(case_i_observations(y), 0);
    assert_close(ricker(y, -60), CASE_I_LOG_LIKELIHOOD, 0, 6e-11);
    assert_true(fabs(ricker(y, -10) - CASE_I_LOG_LIKELIHOOD) > 1e-4); /* the mass far below is needed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_a),
        cmocka_unit_test(case_d),
        cmocka_unit_test(case_e),
        cmocka_unit_test(case_g),
        cmocka_unit_test(case_i),
    };
    return run_unit_tests(tests);
}
