/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kalman filter, smoother and paths, against known answers and against one dense normal law of everything. */
#include <stdlib.h>

#include "core/linear.h"
#include "tests/model/kalman_models.h"
#include "tests/support/fault.h"

static double expectation(mote_kalman *kalman, const double *linear, const double *square, const double *lagged,
                          int64_t d)
{
    mote_kalman_functional f = { MOTE_VERSIONED(mote_kalman_functional), { linear, d, 1 }, { square, d, d },
                                 { lagged, d, d } };
    double value = NAN;
    assert_status(mote_kalman_expectation(kalman, &f, &value), MOTE_OK);
    return value;
}

static void case_a_to_all_digits(void **state)
{
    (void)state;
    const double one = 1;
    mote_kalman *kalman = filtered_a(&case_a);
    assert_int_equal(mote_kalman_times(kalman), CASE_A_TIMES);
    assert_close(mote_kalman_log_likelihood(kalman), CASE_A_LOG_LIKELIHOOD, 0, 6e-13);
    assert_close(*mote_kalman_mean(kalman, MOTE_KALMAN_FILTERED, 49), CASE_A_LAST_MEAN, 0, 6e-13);
    assert_close(*mote_kalman_covariance(kalman, MOTE_KALMAN_FILTERED, 49), CASE_A_LAST_VARIANCE, 0, 6e-13);
    assert_close(*mote_kalman_mean(kalman, MOTE_KALMAN_SMOOTHED, 0), CASE_A_FIRST_MEAN, 0, 6e-13);
    assert_close(*mote_kalman_covariance(kalman, MOTE_KALMAN_SMOOTHED, 0), CASE_A_FIRST_VARIANCE, 0, 6e-13);
    assert_close(*mote_kalman_mean(kalman, MOTE_KALMAN_SMOOTHED, 25), CASE_A_MIDDLE_MEAN, 0, 6e-13);
    assert_close(*mote_kalman_covariance(kalman, MOTE_KALMAN_SMOOTHED, 25), CASE_A_MIDDLE_VARIANCE, 0, 6e-13);
    assert_close(expectation(kalman, &one, NULL, NULL, 1), CASE_A_SUM, 0, 6e-13);
    assert_close(expectation(kalman, NULL, &one, NULL, 1), CASE_A_SUM_SQUARES, 0, 6e-13);
    assert_close(expectation(kalman, NULL, NULL, &one, 1), CASE_A_SUM_LAGGED, 0, 6e-13);
    double sum = 0;
    for (int64_t t = 0; t < CASE_A_TIMES; ++t)
        sum += mote_kalman_log_likelihood_at(kalman, t);
    assert_close(sum, CASE_A_LOG_LIKELIHOOD, 0, 1e-12);
    mote_kalman_close(&kalman);
}

static void case_b_from_its_file(void **state)
{
    (void)state;
    double y[CASE_B_TIMES];
    assert_int_equal(case_b_observations(y), 0);
    mote_kalman_model model = scalar_model(&case_b);
    mote_kalman *kalman = opened(&model, 0); /* nothing is kept */
    for (int64_t t = 0; t < CASE_B_TIMES; ++t)
        assert_status(mote_kalman_push(kalman, y + t, NULL), MOTE_OK);
    assert_close(mote_kalman_log_likelihood(kalman), CASE_B_LOG_LIKELIHOOD, 0, 6e-11);
    assert_non_null(mote_kalman_mean(kalman, MOTE_KALMAN_PREDICTED, 99));
    assert_null(mote_kalman_mean(kalman, MOTE_KALMAN_PREDICTED, 98));
    assert_null(mote_kalman_mean(kalman, MOTE_KALMAN_SMOOTHED, 99));
    assert_status(mote_kalman_smooth(kalman), MOTE_ESTATE);
    mote_kalman_close(&kalman);
}

/* The law of all states given the observations up to time `until`, conditioned at once: means and covariances of
 * n = slots * d numbers; the log density of the observations. */
typedef struct dense {
    double mean[MOST], covariance[MOST][MOST], log_likelihood;
    int64_t slots;
} dense;

static void dense_prior(everything *e, int64_t lead, dense *out)
{
    out->slots = TIMES + lead;
    for (int i = 0; i < D; ++i)
        for (int j = 0; j < D; ++j) {
            out->mean[i] = e->m[i];
            out->covariance[i][j] = e->p[i][j];
        }
    for (int64_t s = 1; s < out->slots; ++s) {
        at_time(e, s - lead);
        for (int64_t i = 0; i < D; ++i) {
            double sum = e->now_b[i];
            for (int64_t k = 0; k < D; ++k)
                sum += e->now_a[i][k] * out->mean[(s - 1) * D + k];
            out->mean[s * D + i] = sum;
            for (int64_t j = 0; j < s * D; ++j) {
                double cross = 0;
                for (int64_t k = 0; k < D; ++k)
                    cross += e->now_a[i][k] * out->covariance[(s - 1) * D + k][j];
                out->covariance[s * D + i][j] = out->covariance[j][s * D + i] = cross;
            }
        }
        for (int64_t i = 0; i < D; ++i)
            for (int64_t j = 0; j < D; ++j) {
                double sum = e->q[i][j];
                for (int64_t k = 0; k < D; ++k)
                    sum += out->covariance[s * D + i][(s - 1) * D + k] * e->now_a[j][k];
                out->covariance[s * D + i][s * D + j] = sum;
            }
    }
}

/* All observed numbers y = H x + noise: rows of H, noise covariance, values; then one conditioning. */
static void dense_condition(everything *e, int64_t lead, double y[TIMES][M], int64_t until, dense *out)
{
    enum { N = TIMES * M };
    static double h[N][MOST], noise[N * N], s[N * N], hp[N][MOST], gain[MOST][N];
    double v[N], z[N];
    int64_t n = out->slots * D, count = 0, place[N][2];
    memset(h, 0, sizeof h);
    memset(noise, 0, sizeof noise);
    for (int64_t t = 0; t <= until; ++t)
        for (int64_t i = 0; i < M; ++i)
            if (!isnan(y[t][i]))
                place[count][0] = t, place[count++][1] = i;
    for (int64_t k = 0; k < count; ++k) {
        int64_t t = place[k][0], i = place[k][1];
        at_time(e, t);
        v[k] = y[t][i] - e->offset[i];
        for (int64_t j = 0; j < D; ++j) {
            h[k][(t + lead) * D + j] = e->now_c[i][j];
            v[k] -= e->now_c[i][j] * out->mean[(t + lead) * D + j];
        }
        for (int64_t l = 0; l < count; ++l)
            noise[k * count + l] = place[l][0] == t ? e->now_r[i][place[l][1]] : 0;
    }
    for (int64_t k = 0; k < count; ++k)
        for (int64_t j = 0; j < n; ++j) {
            hp[k][j] = 0;
            for (int64_t l = 0; l < n; ++l)
                hp[k][j] += h[k][l] * out->covariance[l][j];
        }
    for (int64_t k = 0; k < count; ++k)
        for (int64_t l = 0; l < count; ++l) {
            s[k * count + l] = noise[k * count + l];
            for (int64_t j = 0; j < n; ++j)
                s[k * count + l] += hp[k][j] * h[l][j];
        }
    assert_status(mote_cholesky(s, s, count), MOTE_OK);
    mote_lower_solve(z, s, v, count);
    out->log_likelihood = -mote_lower_log_determinant(s, count) - 0.5 * (double)count * log(2 * acos(-1));
    for (int64_t k = 0; k < count; ++k)
        out->log_likelihood -= 0.5 * z[k] * z[k];
    for (int64_t j = 0; j < n; ++j) {
        for (int64_t k = 0; k < count; ++k)
            gain[j][k] = hp[k][j];
        mote_lower_solve(gain[j], s, gain[j], count);
        for (int64_t k = 0; k < count; ++k)
            out->mean[j] += gain[j][k] * z[k];
    }
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j)
            for (int64_t k = 0; k < count; ++k)
                out->covariance[i][j] -= gain[i][k] * gain[j][k];
}

static void check_block(const dense *expected, int64_t s, int64_t u, const double *actual, double tolerance)
{
    for (int64_t i = 0; i < D; ++i)
        for (int64_t j = 0; j < D; ++j)
            assert_close(actual[i * D + j], expected->covariance[s * D + i][u * D + j], 0, tolerance);
}

static void check_law(const mote_kalman *kalman, const dense *expected, int64_t law, int64_t t, int64_t lead)
{
    for (int64_t i = 0; i < D; ++i)
        assert_close(mote_kalman_mean(kalman, law, t)[i], expected->mean[(t + lead) * D + i], 0, 1e-12);
    check_block(expected, t + lead, t + lead, mote_kalman_covariance(kalman, law, t), 1e-12);
}

static double functional_of(const dense *law, int64_t lead, const double *linear, const double *square,
                            const double *lagged)
{
    double sum = 0;
    for (int64_t s = 0; s < law->slots; ++s)
        for (int64_t i = 0; i < D; ++i) {
            if (s >= lead)
                sum += linear[i] * law->mean[s * D + i];
            for (int64_t j = 0; j < D; ++j) {
                int64_t a = s * D + i, b = a - D, c = s * D + j;
                if (s >= lead)
                    sum += square[i * D + j] * (law->mean[a] * law->mean[c] + law->covariance[a][c]);
                if (s)
                    sum += lagged[i * D + j] * (law->mean[b] * law->mean[c] + law->covariance[b][c]);
            }
        }
    return sum;
}

static void compare_with_dense(int64_t changing, int64_t singular, int64_t lead)
{
    static everything e;
    static dense law;
    double y[TIMES][M], cross[D * D], linear[D], square[D * D], lagged[D * D], before = 0;
    make(&e, changing, singular);
    make_observations(y);
    mote_kalman_model model = model_of(&e, lead);
    mote_kalman *kalman = opened(&model, TIMES);
    for (int64_t t = 0; t < TIMES; ++t) { /* what was known before, and after, each observation */
        assert_status(mote_kalman_push(kalman, y[t], NULL), MOTE_OK);
        dense_prior(&e, lead, &law);
        if (t)
            dense_condition(&e, lead, y, t - 1, &law);
        check_law(kalman, &law, MOTE_KALMAN_PREDICTED, t, lead);
        dense_prior(&e, lead, &law);
        dense_condition(&e, lead, y, t, &law);
        check_law(kalman, &law, MOTE_KALMAN_FILTERED, t, lead);
        assert_close(mote_kalman_log_likelihood(kalman), law.log_likelihood, 0, 1e-12);
        assert_close(mote_kalman_log_likelihood_at(kalman, t), law.log_likelihood - before, 0, 1e-12);
        before = law.log_likelihood;
    }
    assert_true(mote_kalman_log_likelihood_at(kalman, 3) == 0);
    assert_status(mote_kalman_smooth(kalman), MOTE_OK);
    for (int64_t t = -lead; t < TIMES; ++t) {
        check_law(kalman, &law, MOTE_KALMAN_SMOOTHED, t, lead);
        if (t + lead > 0) {
            assert_status(mote_kalman_cross_covariance(kalman, t, cross), MOTE_OK);
            check_block(&law, t + lead, t + lead - 1, cross, 1e-12);
        }
    }
    for (int i = 0; i < D * D; ++i)
        linear[i % D] = 0.3 * i, square[i] = cos(i), lagged[i] = sin(1.0 + i);
    assert_close(expectation(kalman, linear, square, lagged, D), functional_of(&law, lead, linear, square, lagged), 0,
                 1e-10);
    mote_kalman_close(&kalman);
}

static void filter_and_smoother_are_the_dense_law(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 8; ++i)
        compare_with_dense(i & 1, (i >> 1) & 1, i >> 2);
}

/* Marks and NaNs, and rows with nothing, say the same. */
static void marks_are_nans(void **state)
{
    (void)state;
    static everything e;
    double y[TIMES][M], other[TIMES][M];
    int64_t observed[TIMES][M];
    make(&e, 0, 0);
    make_observations(y);
    for (int t = 0; t < TIMES; ++t)
        for (int i = 0; i < M; ++i) {
            observed[t][i] = !isnan(y[t][i]);
            other[t][i] = isnan(y[t][i]) ? 1e30 : y[t][i];
        }
    mote_kalman_model model = model_of(&e, 0);
    mote_kalman *first = opened(&model, TIMES), *second = opened(&model, TIMES);
    assert_status(mote_kalman_filter(first, y[0], NULL, TIMES), MOTE_OK);
    for (int t = 0; t < TIMES; ++t)
        assert_status(mote_kalman_push(second, t == 3 ? NULL : other[t], t == 3 ? NULL : observed[t]), MOTE_OK);
    assert_true(mote_kalman_log_likelihood(first) == mote_kalman_log_likelihood(second));
    assert_same_bytes(mote_kalman_covariance(first, MOTE_KALMAN_FILTERED, TIMES - 1),
                      mote_kalman_covariance(second, MOTE_KALMAN_FILTERED, TIMES - 1), D * D * sizeof(double));
    mote_kalman_close(&first);
    mote_kalman_close(&second);
}

/* A path is mean + F z for normals z: F from as many paths as there are normals, and F F' is the joint covariance. */
static void solve_in_place(double *a, double *b, int64_t n)
{
    for (int64_t k = 0; k < n; ++k) {
        int64_t best = k;
        for (int64_t i = k + 1; i < n; ++i)
            best = fabs(a[i * n + k]) > fabs(a[best * n + k]) ? i : best;
        for (int64_t j = 0; j < n; ++j) {
            double swap = a[k * n + j];
            a[k * n + j] = a[best * n + j], a[best * n + j] = swap;
            swap = b[k * n + j];
            b[k * n + j] = b[best * n + j], b[best * n + j] = swap;
        }
        for (int64_t i = 0; i < n; ++i) {
            double factor = i == k ? 0 : a[i * n + k] / a[k * n + k];
            for (int64_t j = 0; j < n; ++j) {
                a[i * n + j] -= factor * a[k * n + j];
                b[i * n + j] -= factor * b[k * n + j];
            }
        }
    }
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j)
            b[i * n + j] /= a[i * n + i];
}

static void check_paths(int64_t singular, int64_t lead)
{
    static everything e;
    static dense law;
    static double z[MOST * MOST], x[MOST * MOST];
    double y[TIMES][M];
    mote_source *source = NULL;
    make(&e, 1, singular);
    make_observations(y);
    mote_kalman_model model = model_of(&e, lead);
    mote_kalman *kalman = opened(&model, TIMES + 3); /* more room than times */
    assert_status(mote_kalman_filter(kalman, y[0], NULL, TIMES), MOTE_OK);
    assert_status(mote_kalman_smooth(kalman), MOTE_OK);
    dense_prior(&e, lead, &law);
    dense_condition(&e, lead, y, TIMES - 1, &law);
    assert_status(mote_source_open_live(&source, 1, 0), MOTE_OK);
    int64_t n = law.slots * D;
    for (int64_t k = 0; k < n; ++k) {
        mote_stream stream = mote_stream_open(source, k), copy = stream;
        assert_status(mote_kalman_sample(kalman, &stream, x + k * n), MOTE_OK);
        mote_stream_normals(&copy, z + k * n, n);
        for (int64_t i = 0; i < n; ++i)
            x[k * n + i] -= law.mean[i];
    }
    solve_in_place(z, x, n); /* now x = F' */
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j <= i; ++j) {
            double sum = 0;
            for (int64_t k = 0; k < n; ++k)
                sum += x[k * n + i] * x[k * n + j];
            assert_close(sum, law.covariance[i][j], 0, 1e-10);
        }
    mote_source_close(&source);
    mote_kalman_close(&kalman);
}

static void paths_have_the_dense_law(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 4; ++i)
        check_paths(i & 1, i >> 1);
}

/* ---- plain arrays */
static void batches_are_single_states(void **state)
{
    (void)state;
    enum { N = 5, STRIDE = D + 1, SQUARE = D * D + 2 };
    static everything e;
    double mean[N * STRIDE], covariance[N * SQUARE], shared_mean[N * STRIDE], shared[D * D], log_likelihood[N];
    double scratch[512], y[M] = { 0.7, NAN }, shared_log_likelihood[N];
    assert_true(mote_kalman_scratch(D, M) <= 512);
    make(&e, 0, 0);
    mote_kalman_model model = model_of(&e, 1);
    for (int i = 0; i < N; ++i)
        for (int j = 0; j < D; ++j)
            shared_mean[i * STRIDE + j] = mean[i * STRIDE + j] = e.m[j] + i;
    for (int i = 0; i < N; ++i)
        memcpy(covariance + i * SQUARE, e.p, sizeof e.p);
    memcpy(shared, e.p, sizeof e.p);
    mote_kalman_batch own = { MOTE_VERSIONED(mote_kalman_batch), D, M, N, mean, STRIDE, covariance, SQUARE, scratch };
    mote_kalman_batch one = { MOTE_VERSIONED(mote_kalman_batch), D, M, N, shared_mean, STRIDE, shared, 0, scratch };
    assert_status(mote_kalman_predict(&own, &model.constant), MOTE_OK);
    assert_status(mote_kalman_update(&own, &model.constant, y, log_likelihood), MOTE_OK);
    assert_status(mote_kalman_predict(&one, &model.constant), MOTE_OK);
    assert_status(mote_kalman_update(&one, &model.constant, y, shared_log_likelihood), MOTE_OK);
    for (int i = 0; i < N; ++i) {
        double start[D];
        memcpy(start, e.m, sizeof start);
        for (int j = 0; j < D; ++j)
            start[j] += i;
        model.initial_mean.values = start;
        mote_kalman *kalman = opened(&model, 1);
        assert_status(mote_kalman_push(kalman, y, NULL), MOTE_OK);
        const double *m = mote_kalman_mean(kalman, MOTE_KALMAN_FILTERED, 0);
        assert_same_bytes(mean + i * STRIDE, m, D * sizeof *m);
        assert_same_bytes(shared_mean + i * STRIDE, m, D * sizeof *m);
        const double *p = mote_kalman_covariance(kalman, MOTE_KALMAN_FILTERED, 0);
        assert_same_bytes(covariance + i * SQUARE, p, D * D * sizeof *p);
        assert_same_bytes(shared, p, D * D * sizeof *p);
        assert_true(log_likelihood[i] == mote_kalman_log_likelihood(kalman));
        assert_true(shared_log_likelihood[i] == log_likelihood[i]);
        mote_kalman_close(&kalman);
    }
    own.head.kind = MOTE_KIND_mote_kalman_model;
    assert_status(mote_kalman_predict(&own, &model.constant), MOTE_EKIND);
    assert_status(mote_kalman_update(&own, &model.constant, y, log_likelihood), MOTE_EKIND);
}

/* Vague start, precise observations of one direction: with (I - K C) P, C P C' + R is negative soon. */
static void covariances_stay_positive(void **state)
{
    (void)state;
    const double identity[2][2] = { { 1, 0 }, { 0, 1 } }, vague[2][2] = { { 1e8, 0 }, { 0, 1e8 } };
    const double none[2][2] = { { 0, 0 }, { 0, 0 } }, zero[2] = { 0, 0 };
    const double c[1][2] = { { 1, 0.3 } }, r[1][1] = { { 1e-9 } };
    mote_kalman_model model = { MOTE_VERSIONED(mote_kalman_model), .states = 2, .observations = 1,
                                .initial_mean = MOTE_VECTOR(zero), .initial_covariance = MOTE_MATRIX(vague),
                                .constant = { .transition = MOTE_MATRIX(identity),
                                              .transition_covariance = MOTE_MATRIX(none), .observation = MOTE_MATRIX(c),
                                              .observation_covariance = MOTE_MATRIX(r) } };
    mote_kalman *kalman = opened(&model, 8);
    for (int t = 0; t < 8; ++t) {
        const double y = 1 + 1e-5 * t;
        double values[2], vectors[4];
        assert_status(mote_kalman_push(kalman, &y, NULL), MOTE_OK);
        const double *p = mote_kalman_covariance(kalman, MOTE_KALMAN_FILTERED, t);
        assert_true(p[0] > 0 && p[3] > 0 && p[1] == p[2]);
        assert_status(mote_symmetric_eigen(values, vectors, p, 2), MOTE_OK);
        assert_true(values[0] >= -1e-15 * values[1]);
    }
    assert_status(mote_kalman_smooth(kalman), MOTE_OK);
    mote_kalman_close(&kalman);
}

/* ---- refusals */
static void refuse(const mote_kalman_model *model, int status, const char *text)
{
    mote_kalman *kalman = NULL;
    assert_status(mote_kalman_open(&kalman, model, 4, NULL), status);
    if (!strstr(mote_kalman_message(kalman), text))
        print_error("message: %s\n", mote_kalman_message(kalman));
    assert_non_null(strstr(mote_kalman_message(kalman), text));
    const double y[M] = { 0 };
    assert_status(mote_kalman_push(kalman, y, NULL), MOTE_ESTATE);
    assert_status(mote_kalman_restart(kalman, NULL), MOTE_ESTATE);
    assert_status(mote_kalman_smooth(kalman), MOTE_ESTATE);
    assert_null(mote_kalman_mean(kalman, MOTE_KALMAN_FILTERED, 0));
    mote_kalman_close(&kalman);
    assert_null(kalman);
}

static void models_that_are_refused(void **state)
{
    (void)state;
    static everything e;
    make(&e, 0, 0);
    const mote_kalman_model good = model_of(&e, 0);
    mote_kalman_model model = good;
    model.constant.transition.columns = 3;
    refuse(&model, MOTE_EINVAL, "transition: 4 x 3, expected 4 x 4");
    model = good;
    model.initial_mean.rows = 2;
    refuse(&model, MOTE_EINVAL, "initial_mean: 2 x 1, expected 4 x 1");
    model = good;
    model.constant.observation.values = NULL;
    refuse(&model, MOTE_EINVAL, "observation: absent");
    model = good;
    model.states = 0;
    refuse(&model, MOTE_EINVAL, "states and observations");
    model = good;
    model.head.kind = MOTE_KIND_mote_target;
    refuse(&model, MOTE_EKIND, "mote_target");
    refuse(NULL, MOTE_EINVAL, "no model");
    model = good;
    e.r[1][0] = 0.3;
    refuse(&model, MOTE_EINVAL, "observation_covariance: not symmetric");
    e.r[0][1] = e.r[1][0] = 0.6;
    refuse(&model, MOTE_EINVAL, "observation_covariance: not positive semi-definite");
    make(&e, 0, 0);
    e.q[2][2] = -0.1;
    refuse(&model, MOTE_EINVAL, "transition_covariance: not positive semi-definite");
    make(&e, 0, 0);
    e.q[0][0] = 0; /* a zero variance with covariances */
    refuse(&model, MOTE_EINVAL, "transition_covariance: not positive semi-definite");
    make(&e, 0, 0);
    e.p[1][2] = NAN;
    refuse(&model, MOTE_EINVAL, "initial_covariance: element (1, 2) is");
    make(&e, 0, 0);
    e.b[3] = INFINITY;
    refuse(&model, MOTE_EINVAL, "transition_offset: element (3, 0) is inf");
    assert_status(mote_kalman_open(NULL, &good, 4, NULL), MOTE_EINVAL);
    assert_string_equal(mote_kalman_message(NULL), "");
    mote_kalman_close(NULL);
}

static int failing_step(void *ctx, int64_t t, mote_kalman_matrices *matrices)
{
    (void)matrices;
    return t == 2 ? *(int *)ctx : 0;
}

static void observations_that_are_refused(void **state)
{
    (void)state;
    static everything e;
    double y[TIMES][M], bad[M] = { INFINITY, 0 };
    make(&e, 1, 0);
    make_observations(y);
    mote_kalman_model model = model_of(&e, 0);
    mote_kalman *kalman = opened(&model, 4);
    assert_status(mote_kalman_push(kalman, y[0], NULL), MOTE_OK);
    double before = mote_kalman_log_likelihood(kalman);
    assert_status(mote_kalman_push(kalman, bad, NULL), MOTE_EINVAL);
    assert_non_null(strstr(mote_kalman_message(kalman), "observation 0 at time 1 is inf"));
    assert_true(mote_kalman_times(kalman) == 1 && mote_kalman_log_likelihood(kalman) == before);
    assert_status(mote_kalman_push(kalman, y[1], NULL), MOTE_OK); /* goes on */
    assert_status(mote_kalman_push(kalman, y[2], NULL), MOTE_OK);
    e.fault = -5; /* R at time 3 */
    assert_status(mote_kalman_push(kalman, y[2], NULL), MOTE_EINVAL);
    assert_non_null(strstr(mote_kalman_message(kalman), "observation_covariance at time 3: not positive"));
    e.fault = 0;
    assert_status(mote_kalman_push(kalman, y[2], NULL), MOTE_OK);
    assert_status(mote_kalman_push(kalman, y[2], NULL), MOTE_ESTATE);
    assert_non_null(strstr(mote_kalman_message(kalman), "opened for 4 times"));
    mote_kalman_close(&kalman);

    make(&e, 0, 0); /* nothing is noisy: C P C' + R is zero after one observation */
    memset(e.q, 0, sizeof e.q);
    memset(e.r, 0, sizeof e.r);
    memset(e.p, 0, sizeof e.p);
    model = model_of(&e, 0);
    kalman = opened(&model, 0);
    assert_status(mote_kalman_push(kalman, y[0], NULL), MOTE_ENUMERIC);
    assert_non_null(strstr(mote_kalman_message(kalman), "time 0"));
    mote_kalman_close(&kalman);

    int answer = -7;
    make(&e, 0, 0);
    model = model_of(&e, 0);
    model.step = failing_step;
    model.ctx = &answer;
    kalman = opened(&model, 4);
    assert_status(mote_kalman_filter(kalman, y[0], NULL, 4), -7);
    answer = 3;
    assert_status(mote_kalman_filter(kalman, y[0], NULL, 4), MOTE_EMODEL);
    assert_non_null(strstr(mote_kalman_message(kalman), "answered 3 at time 2"));
    answer = 0;
    assert_status(mote_kalman_filter(kalman, y[0], NULL, 4), MOTE_OK);
    mote_kalman_close(&kalman);
}

static void calls_at_the_wrong_time(void **state)
{
    (void)state;
    static everything e;
    double y[TIMES][M], out[D * D], value;
    make(&e, 0, 1);
    make_observations(y);
    mote_kalman_model model = model_of(&e, 0);
    mote_kalman *kalman = opened(&model, TIMES);
    mote_kalman_functional functional = { .head = MOTE_VERSIONED(mote_kalman_functional) };
    mote_kalman_arrays gradient = { .head = MOTE_VERSIONED(mote_kalman_arrays), .transition = out };
    assert_status(mote_kalman_smooth(kalman), MOTE_ESTATE); /* no observations */
    assert_status(mote_kalman_filter(kalman, y[0], NULL, TIMES), MOTE_OK);
    assert_status(mote_kalman_cross_covariance(kalman, 1, out), MOTE_ESTATE);
    assert_status(mote_kalman_expectation(kalman, &functional, &value), MOTE_ESTATE);
    assert_status(mote_kalman_score(kalman, &gradient), MOTE_ESTATE);
    assert_status(mote_kalman_smooth(kalman), MOTE_OK);
    assert_status(mote_kalman_cross_covariance(kalman, 0, out), MOTE_EINVAL);
    assert_status(mote_kalman_cross_covariance(kalman, TIMES, out), MOTE_EINVAL);
    assert_status(mote_kalman_expectation(kalman, &functional, &value), MOTE_OK);
    assert_true(value == 0);
    functional.square = (mote_matrix){ out, D, 2 };
    assert_status(mote_kalman_expectation(kalman, &functional, &value), MOTE_EINVAL);
    assert_non_null(strstr(mote_kalman_message(kalman), "square: 4 x 2, expected 4 x 4"));
    assert_status(mote_kalman_score(kalman, &gradient), MOTE_ENUMERIC); /* Q is singular */
    assert_non_null(strstr(mote_kalman_message(kalman), "transition covariance at time 1 is singular"));
    assert_status(mote_kalman_score_at(kalman, TIMES, &gradient), MOTE_EINVAL);
    gradient.head.kind = 0;
    assert_status(mote_kalman_score(kalman, &gradient), MOTE_EKIND);
    model.propagate_first = 1;
    assert_status(mote_kalman_restart(kalman, &model), MOTE_EINVAL);
    model.propagate_first = 0;
    e.q[0][0] = -1;
    assert_status(mote_kalman_restart(kalman, &model), MOTE_EINVAL); /* the old model stays */
    double before = mote_kalman_log_likelihood(kalman);
    assert_status(mote_kalman_filter(kalman, y[0], NULL, TIMES), MOTE_OK);
    assert_true(mote_kalman_log_likelihood(kalman) == before);
    mote_kalman_close(&kalman);
}

static int memory_body(void *ctx, const mote_allocator *allocator)
{
    double y[TIMES][M];
    mote_kalman_model model = model_of(ctx, 1);
    mote_kalman *kalman = NULL;
    make_observations(y);
    int status = mote_kalman_open(&kalman, &model, TIMES, allocator);
    int64_t calls = ((test_allocator *)allocator->ctx)->calls;
    if (!status)
        status = mote_kalman_filter(kalman, y[0], NULL, TIMES);
    if (!status)
        status = mote_kalman_smooth(kalman);
    if (!status && ((test_allocator *)allocator->ctx)->calls != calls)
        status = MOTE_EINTERNAL; /* memory was taken after open */
    mote_kalman_close(&kalman);
    return status;
}

static void memory_is_taken_at_open(void **state)
{
    (void)state;
    static everything e;
    make(&e, 1, 0);
    fault_report report = fault_walk(memory_body, &e, FAULT_ONCE);
    assert_int_equal(fault_count(&report), 0);
    assert_int_equal(report.points, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_a_to_all_digits),
        cmocka_unit_test(case_b_from_its_file),
        cmocka_unit_test(filter_and_smoother_are_the_dense_law),
        cmocka_unit_test(marks_are_nans),
        cmocka_unit_test(paths_have_the_dense_law),
        cmocka_unit_test(batches_are_single_states),
        cmocka_unit_test(covariances_stay_positive),
        cmocka_unit_test(models_that_are_refused),
        cmocka_unit_test(observations_that_are_refused),
        cmocka_unit_test(calls_at_the_wrong_time),
        cmocka_unit_test(memory_is_taken_at_open),
    };
    return run_unit_tests(tests);
}
