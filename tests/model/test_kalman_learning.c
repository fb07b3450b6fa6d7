/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Score and expectation-maximisation of linear-Gaussian models: known answers of case A, finite differences, and one
 * from the other. */
#include <stdlib.h>

#include "core/linear.h"
#include "tests/model/kalman_models.h"

static void case_a_score(void **state)
{
    (void)state;
    double rho, x, y, sum = 0;
    mote_kalman *kalman = filtered_a(&case_a);
    mote_kalman_arrays gradient = { MOTE_VERSIONED(mote_kalman_arrays), .transition = &rho, .transition_covariance = &x,
                                    .observation_covariance = &y };
    assert_status(mote_kalman_score(kalman, &gradient), MOTE_OK);
    assert_close(rho, CASE_A_SCORE_RHO, 0, 6e-13);
    assert_close(x, CASE_A_SCORE_X, 0, 6e-13);
    assert_close(y, CASE_A_SCORE_Y, 0, 6e-13);
    for (int64_t t = 0; t < CASE_A_TIMES; ++t) {
        assert_status(mote_kalman_score_at(kalman, t, &gradient), MOTE_OK);
        sum += rho;
    }
    assert_close(sum, CASE_A_SCORE_RHO, 0, 1e-12);
    mote_kalman_close(&kalman);
}

/* The gradient against central differences, element by element, with missing values and both kinds of start. */
static double likelihood_at(everything *e, int64_t lead, double *element, double value)
{
    double y[TIMES][M], old = *element;
    make_observations(y);
    mote_kalman_model model = model_of(e, lead);
    *element = value;
    mote_kalman *kalman = opened(&model, 0);
    assert_status(mote_kalman_filter(kalman, y[0], NULL, TIMES), MOTE_OK);
    double result = mote_kalman_log_likelihood(kalman);
    mote_kalman_close(&kalman);
    *element = old;
    return result;
}

static void check_gradient(everything *e, int64_t lead, double *element, double gradient)
{
    const double h = 1e-4, x = *element;
    double far = likelihood_at(e, lead, element, x + 2 * h) - likelihood_at(e, lead, element, x - 2 * h);
    double near = likelihood_at(e, lead, element, x + h) - likelihood_at(e, lead, element, x - h);
    assert_close(gradient, (8 * near - far) / (12 * h), 1e-8, 1e-8);
}

/* Symmetric elements move together. */
static void check_symmetric(everything *e, int64_t lead, double *matrix, int64_t d, const double *gradient)
{
    const double h = 1e-4;
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j <= i; ++j) {
            double f[4], x = matrix[i * d + j];
            const double at[4] = { x + h, x - h, x + 2 * h, x - 2 * h };
            for (int k = 0; k < 4; ++k) {
                matrix[j * d + i] = matrix[i * d + j] = at[k];
                f[k] = likelihood_at(e, lead, matrix + i * d + j, at[k]);
            }
            matrix[j * d + i] = matrix[i * d + j] = x;
            double expected = (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * h);
            assert_close(gradient[i * d + j] + (i == j ? 0 : gradient[j * d + i]), expected, 1e-8, 1e-8);
        }
}

static void score_is_the_derivative(void **state)
{
    (void)state;
    static everything e;
    double y[TIMES][M], m[D], p[D * D], a[D * D], b[D], q[D * D], c[M * D], offset[M], r[M * M];
    const mote_kalman_arrays gradient = { MOTE_VERSIONED(mote_kalman_arrays), m, p, a, b, q, c, offset, r };
    for (int64_t kind = 0; kind < 3; ++kind) { /* constant; propagate first; changing */
        int64_t lead = kind == 1;
        make(&e, kind == 2, 0);
        make_observations(y);
        mote_kalman_model model = model_of(&e, lead);
        mote_kalman *kalman = opened(&model, TIMES);
        assert_status(mote_kalman_filter(kalman, y[0], NULL, TIMES), MOTE_OK);
        assert_status(mote_kalman_smooth(kalman), MOTE_OK);
        assert_status(mote_kalman_score(kalman, &gradient), MOTE_OK);
        mote_kalman_close(&kalman);
        for (int i = 0; i < D; ++i) {
            check_gradient(&e, lead, e.m + i, m[i]);
            check_gradient(&e, lead, e.b + i, b[i]);
        }
        for (int i = 0; i < M; ++i)
            check_gradient(&e, lead, e.offset + i, offset[i]);
        for (int i = 0; i < D * D; ++i)
            check_gradient(&e, lead, &e.a[0][0] + i, a[i]);
        for (int i = 0; i < M * D; ++i)
            check_gradient(&e, lead, &e.c[0][0] + i, c[i]);
        check_symmetric(&e, lead, e.p[0], D, p);
        check_symmetric(&e, lead, e.q[0], D, q);
        if (kind != 2) /* R is scaled with time there */
            check_symmetric(&e, lead, e.r[0], M, r);
    }
}

/* ---- expectation-maximisation */
static void case_a_maximum(void **state)
{
    (void)state;
    double y[CASE_A_TIMES], last = -INFINITY;
    scalar s = case_a;
    mote_kalman_model model = scalar_model(&s);
    mote_kalman *kalman = opened(&model, CASE_A_TIMES);
    mote_kalman_arrays rho = { MOTE_VERSIONED(mote_kalman_arrays), .transition = &s.rho };
    case_a_observations(y, CASE_A_TIMES);
    for (int i = 0; i < 200; ++i) {
        assert_status(mote_kalman_restart(kalman, &model), MOTE_OK);
        assert_status(mote_kalman_filter(kalman, y, NULL, CASE_A_TIMES), MOTE_OK);
        assert_true(mote_kalman_log_likelihood(kalman) >= last - 1e-12);
        last = mote_kalman_log_likelihood(kalman);
        assert_status(mote_kalman_smooth(kalman), MOTE_OK);
        assert_status(mote_kalman_maximise(kalman, &rho), MOTE_OK);
    }
    assert_close(s.rho, CASE_A_BEST_RHO, 0, 6e-13);
    assert_close(last, CASE_A_BEST, 0, 6e-13);
    mote_kalman_close(&kalman);
}

/* E[e u'] and E[e e'] of a step of maximisation follow from the score g, which is tested by itself:
 * V g_F = sum E[e w'], V g_f = sum E[e], V + 2 V g_V V / n = sum E[e e'] / n, missing rows included. */
typedef struct expected {
    double shift[D * (D + 1)], covariance[D * D];
} expected;

static void expect(const double *v, const double *g_matrix, const double *g_offset, const double *g_covariance,
                   const double *uu, int64_t n, int64_t p, int64_t first, int64_t size, expected *out)
{
    double eu[D * (D + 1)], lower[(D + 1) * (D + 1)], part[D + 1], half[D * D];
    for (int64_t i = 0; i < p; ++i)
        for (int64_t j = 0; j <= D; ++j) {
            eu[i * (D + 1) + j] = 0;
            for (int64_t k = 0; k < p; ++k)
                eu[i * (D + 1) + j] += v[i * p + k] * (j < D ? g_matrix[k * D + j] : g_offset[k]);
        }
    for (int64_t i = 0; i < size; ++i)
        for (int64_t j = 0; j < size; ++j)
            lower[i * size + j] = uu[(first + i) * (D + 1) + first + j];
    assert_status(mote_cholesky(lower, lower, size), MOTE_OK);
    for (int64_t i = 0; i < p; ++i) {
        memcpy(part, eu + i * (D + 1) + first, (size_t)size * sizeof *part);
        mote_lower_solve(part, lower, part, size);
        mote_lower_transpose_solve(part, lower, part, size);
        memcpy(out->shift + i * size, part, (size_t)size * sizeof *part);
    }
    for (int64_t i = 0; i < p; ++i)
        for (int64_t j = 0; j < p; ++j) {
            half[i * p + j] = 0;
            for (int64_t k = 0; k < p; ++k)
                half[i * p + j] += v[i * p + k] * g_covariance[k * p + j];
        }
    for (int64_t i = 0; i < p; ++i)
        for (int64_t j = 0; j < p; ++j) {
            double sum = v[i * p + j];
            for (int64_t k = 0; k < p; ++k)
                sum += 2 * half[i * p + k] * v[k * p + j] / (double)n;
            for (int64_t k = 0; k < size; ++k)
                sum -= out->shift[i * size + k] * eu[j * (D + 1) + first + k] / (double)n;
            out->covariance[i * p + j] = sum;
        }
}

/* Adds the second moments of (x, 1) at time t. */
static void add_moments(const mote_kalman *kalman, int64_t t, double *uu)
{
    const double *m = mote_kalman_mean(kalman, MOTE_KALMAN_SMOOTHED, t);
    const double *p = mote_kalman_covariance(kalman, MOTE_KALMAN_SMOOTHED, t);
    for (int i = 0; i <= D; ++i)
        for (int j = 0; j <= D; ++j)
            uu[i * (D + 1) + j] += (i < D ? m[i] : 1) * (j < D ? m[j] : 1) + (i < D && j < D ? p[i * D + j] : 0);
}

static void check_shift(const expected *e, const double *new_matrix, const double *old_matrix,
                        const double *new_offset, const double *old_offset, const double *covariance, int64_t p,
                        int64_t size)
{
    for (int64_t i = 0; i < p; ++i) {
        for (int64_t j = 0; new_matrix && j < D; ++j)
            assert_close(new_matrix[i * D + j] - old_matrix[i * D + j], e->shift[i * size + j], 1e-9, 1e-10);
        if (new_offset)
            assert_close(new_offset[i] - old_offset[i], e->shift[i * size + size - 1], 1e-9, 1e-10);
    }
    for (int64_t i = 0; i < p * p; ++i)
        assert_close(covariance[i], e->covariance[i], 1e-9, 1e-10);
}

static void maximisation_follows_from_the_score(void **state)
{
    (void)state;
    static everything e;
    static expected expectation_of;
    double y[TIMES][M], a[D * D], b[D], q[D * D], c[M * D], offset[M], r[M * M], m[D], p[D * D];
    double na[D * D], nb[D], nq[D * D], nc[M * D], noffset[M], nr[M * M], nm[D], np[D * D];
    const mote_kalman_arrays gradient = { MOTE_VERSIONED(mote_kalman_arrays), m, p, a, b, q, c, offset, r };
    make(&e, 0, 0);
    make_observations(y);
    for (int64_t kind = 0; kind < 8; ++kind) { /* propagate first? matrices? offsets? */
        int64_t lead = kind & 1, n = TIMES - 1 + lead, matrix = kind & 2, vector = kind & 4;
        int64_t first = matrix ? 0 : D, size = (matrix ? D : 0) + (vector ? 1 : 0);
        double before[(D + 1) * (D + 1)] = { 0 }, at[(D + 1) * (D + 1)] = { 0 };
        mote_kalman_model model = model_of(&e, lead);
        mote_kalman *kalman = opened(&model, TIMES);
        mote_kalman_arrays wanted = { MOTE_VERSIONED(mote_kalman_arrays), vector ? nm : NULL, np, matrix ? na : NULL,
                                      vector ? nb : NULL, nq, matrix ? nc : NULL, vector ? noffset : NULL, nr };
        assert_status(mote_kalman_filter(kalman, y[0], NULL, TIMES), MOTE_OK);
        assert_status(mote_kalman_smooth(kalman), MOTE_OK);
        assert_status(mote_kalman_score(kalman, &gradient), MOTE_OK);
        assert_status(mote_kalman_maximise(kalman, &wanted), MOTE_OK);
        for (int64_t t = -lead; t < TIMES; ++t) {
            if (t < TIMES - 1)
                add_moments(kalman, t, before);
            if (t >= 0 && t != 3)
                add_moments(kalman, t, at);
        }
        expect(e.q[0], a, b, q, before, n, D, first, size, &expectation_of);
        check_shift(&expectation_of, wanted.transition, e.a[0], wanted.transition_offset, e.b, nq, D, size);
        expect(e.r[0], c, offset, r, at, TIMES - 1, M, first, size, &expectation_of);
        check_shift(&expectation_of, wanted.observation, e.c[0], wanted.observation_offset, e.offset, nr, M, size);
        const double *mean = mote_kalman_mean(kalman, MOTE_KALMAN_SMOOTHED, -lead);
        for (int i = 0; i < D; ++i) {
            double off = vector ? 0 : mean[i] - e.m[i];
            assert_true(!vector || nm[i] == mean[i]);
            double variance = mote_kalman_covariance(kalman, MOTE_KALMAN_SMOOTHED, -lead)[i * D + i];
            assert_close(np[i * D + i], variance + off * off, 1e-14, 0);
        }
        mote_kalman_close(&kalman);
    }
}

/* All at once, from one step's values to the next: the likelihood never falls. */
static void maximisation_climbs(void **state)
{
    (void)state;
    static everything e;
    double y[TIMES][M], last = -INFINITY, first = 0;
    make(&e, 0, 0);
    make_observations(y);
    mote_kalman_model model = model_of(&e, 0);
    mote_kalman *kalman = opened(&model, TIMES);
    mote_kalman_arrays all = { MOTE_VERSIONED(mote_kalman_arrays), e.m, NULL, e.a[0], e.b, e.q[0], e.c[0], e.offset,
                               e.r[0] };
    for (int i = 0; i < 30; ++i) {
        assert_status(mote_kalman_restart(kalman, &model), MOTE_OK);
        assert_status(mote_kalman_filter(kalman, y[0], NULL, TIMES), MOTE_OK);
        assert_true(mote_kalman_log_likelihood(kalman) > last);
        last = mote_kalman_log_likelihood(kalman);
        first = i ? first : last;
        assert_status(mote_kalman_smooth(kalman), MOTE_OK);
        assert_status(mote_kalman_maximise(kalman, &all), MOTE_OK);
    }
    assert_true(last > first + 5);
    mote_kalman_close(&kalman);
}

static void maximisation_of_what_changes(void **state)
{
    (void)state;
    static everything e;
    double y[TIMES][M], out[D * D];
    make(&e, 1, 0);
    make_observations(y);
    mote_kalman_model model = model_of(&e, 0);
    mote_kalman *kalman = opened(&model, TIMES);
    assert_status(mote_kalman_filter(kalman, y[0], NULL, TIMES), MOTE_OK);
    mote_kalman_arrays wanted = { .head = MOTE_VERSIONED(mote_kalman_arrays), .transition_covariance = out };
    assert_status(mote_kalman_maximise(kalman, &wanted), MOTE_ESTATE);
    assert_status(mote_kalman_smooth(kalman), MOTE_OK);
    assert_status(mote_kalman_maximise(kalman, &wanted), MOTE_OK); /* Q alone stays as it is */
    wanted.transition = out;
    assert_status(mote_kalman_maximise(kalman, &wanted), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_kalman_message(kalman), "transition changes at time 1"));
    wanted.transition = NULL;
    wanted.observation_offset = out; /* stays, but R changes */
    assert_status(mote_kalman_maximise(kalman, &wanted), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_kalman_message(kalman), "observation_covariance changes at time 0"));
    mote_kalman_close(&kalman);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_a_score),
        cmocka_unit_test(score_is_the_derivative),
        cmocka_unit_test(case_a_maximum),
        cmocka_unit_test(maximisation_follows_from_the_score),
        cmocka_unit_test(maximisation_climbs),
        cmocka_unit_test(maximisation_of_what_changes),
    };
    return run_unit_tests(tests);
}
