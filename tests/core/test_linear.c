/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Against naive twins: the same bits where the order of the sum is the same, and within a bound on rounding else. */
#include "core/linear.h"

#include <float.h>
#include <mote/status.h>
#include <stdlib.h>

#include "tests/support/test.h"

enum { LARGEST = 64 };

static uint64_t word;

static double uniform(void)
{
    word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(word >> 11) * 0x1p-53;
}

static void fill(double *values, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        values[i] = 2 * uniform() - 1;
}

/* The definition of the order, lane by lane. */
static double naive_lanes(const double *a, const double *b, int64_t n)
{
    double s[8] = { 0 };
    for (int64_t i = 0; i < n; ++i)
        s[i % 8] = s[i % 8] + a[i] * b[i];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static double naive_sum(const double *a, int64_t step_a, const double *b, int64_t step_b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; ++i)
        sum += a[i * step_a] * b[i * step_b];
    return sum;
}

static void dot_has_its_order(void **state)
{
    (void)state;
    double a[200] = { 0 }, b[200] = { 0 };
    word = 1;
    for (int64_t n = 0; n <= 200; ++n) {
        fill(a, n);
        fill(b, n);
        double value = mote_dot(a, b, n), twin = naive_lanes(a, b, n);
        assert_same_bytes(&value, &twin, sizeof value);
        assert_close(value, naive_sum(a, 1, b, 1, n), 0, (double)n * DBL_EPSILON * 10);
    }
    /* The order matters: 1 and the two 1e16 meet in another order than from left to right. */
    const double huge[9] = { 1e16, 0, 0, 0, 1, 0, 0, 0, -1e16 }, ones[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    assert_close(mote_dot(huge, ones, 9), 1, 0, 0);
    assert_close(naive_sum(huge, 1, ones, 1, 9), 0, 0, 0);
}

static void products(void **state)
{
    (void)state;
    static double a[LARGEST * LARGEST], b[LARGEST * LARGEST], out[LARGEST * LARGEST];
    double x[LARGEST], y[LARGEST];
    word = 2;
    for (int64_t d = 1; d <= LARGEST; ++d) {
        fill(a, d * d);
        fill(b, d * d);
        fill(x, d);
        mote_matrix_vector(y, a, x, d, d);
        for (int64_t i = 0; i < d; ++i) {
            double twin = naive_lanes(a + i * d, x, d);
            assert_same_bytes(&y[i], &twin, sizeof twin);
        }
        mote_lower_multiply(y, a, x, d);
        for (int64_t i = 0; i < d; ++i) {
            double twin = naive_lanes(a + i * d, x, i + 1); /* nothing above the diagonal is read */
            assert_same_bytes(&y[i], &twin, sizeof twin);
        }
        mote_matrix_multiply(out, a, b, d);
        for (int64_t i = 0; i < d; ++i)
            for (int64_t j = 0; j < d; ++j)
                assert_close(out[i * d + j], naive_sum(a + i * d, 1, b + j, d, d), 0, 0);
    }
    mote_matrix_vector(y, a, x, 3, 5); /* 3 rows of 5 */
    for (int64_t i = 0; i < 3; ++i)
        assert_close(y[i], naive_lanes(a + 5 * i, x, 5), 0, 0);
}

/* A well-conditioned A = B B' + d I. */
static void positive_matrix(double *a, double *b, int64_t d)
{
    fill(b, d * d);
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < d; ++j)
            a[i * d + j] = naive_sum(b + i * d, 1, b + j * d, 1, d) + (i == j ? (double)d : 0);
}

static void cholesky_and_solves(void **state)
{
    (void)state;
    static double a[LARGEST * LARGEST], lower[LARGEST * LARGEST], scratch[LARGEST * LARGEST];
    double x[LARGEST], y[LARGEST], z[LARGEST];
    word = 3;
    for (int64_t d = 1; d <= LARGEST; ++d) {
        positive_matrix(a, scratch, d);
        double bound = 10 * (double)(d * d) * DBL_EPSILON, log_determinant = 0;
        assert_status(mote_cholesky(lower, a, d), MOTE_OK);
        for (int64_t i = 0; i < d; ++i) {
            log_determinant += log(lower[i * d + i]);
            for (int64_t j = 0; j < d; ++j) {
                assert_close(naive_sum(lower + i * d, 1, lower + j * d, 1, d), a[i * d + j], 0, bound * (double)d);
                assert_true(j <= i || lower[i * d + j] == 0);
            }
        }
        assert_close(mote_lower_log_determinant(lower, d), log_determinant, 1e-15, 1e-15 * (double)d);
        assert_status(mote_cholesky(a, a, d), MOTE_OK); /* in place: the same bits */
        assert_same_bytes(a, lower, (size_t)(d * d) * sizeof *a);

        fill(x, d);
        mote_lower_multiply(y, lower, x, d);
        mote_lower_solve(z, lower, y, d);
        mote_lower_solve(y, lower, y, d); /* in place */
        assert_same_bytes(y, z, (size_t)d * sizeof *y);
        for (int64_t i = 0; i < d; ++i)
            assert_close(z[i], x[i], bound, bound);
        for (int64_t i = 0; i < d; ++i)
            y[i] = naive_sum(lower + i, d, x, 1, d); /* L' x */
        mote_lower_transpose_solve(z, lower, y, d);
        mote_lower_transpose_solve(y, lower, y, d);
        assert_same_bytes(y, z, (size_t)d * sizeof *y);
        for (int64_t i = 0; i < d; ++i)
            assert_close(z[i], x[i], bound, bound);
    }
}

static void cholesky_known_answer_and_refusals(void **state)
{
    (void)state;
    const double a[] = { 4, 12, -16, 12, 37, -43, -16, -43, 98 }, l[] = { 2, 0, 0, 6, 1, 0, -8, 5, 3 };
    double out[9];
    assert_status(mote_cholesky(out, a, 3), MOTE_OK);
    assert_same_bytes(out, l, sizeof l);
    const double bad[][4] = { { 1, 2, 2, 1 }, { 0, 0, 0, 1 }, { 1, 1, 1, 1 }, { NAN, 0, 0, 1 }, { 1, NAN, NAN, 1 },
                              { INFINITY, 0, 0, 1 }, { -1, 0, 0, 1 } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        assert_status(mote_cholesky(out, bad[i], 2), MOTE_ENUMERIC);
}

static void covariance(void **state)
{
    (void)state;
    enum { N = 50, D = 5, STRIDE = 7 };
    double rows[N * STRIDE], mean[D], matrix[D * D];
    int64_t index[N / 2];
    word = 4;
    fill(rows, N * STRIDE);
    for (int64_t i = 0; i < N / 2; ++i)
        index[i] = N - 1 - 2 * i;
    for (int chosen = 0; chosen < 2; ++chosen) {
        int64_t n = chosen ? N / 2 : N;
        mote_covariance(mean, matrix, rows, STRIDE, chosen ? index : NULL, n, D);
        for (int64_t j = 0; j < D; ++j) {
            double expected = 0;
            for (int64_t i = 0; i < n; ++i)
                expected += rows[(chosen ? index[i] : i) * STRIDE + j];
            assert_close(mean[j], expected / (double)n, 1e-15, 0);
        }
        for (int64_t j = 0; j < D; ++j)
            for (int64_t k = 0; k < D; ++k) {
                double sum = 0;
                for (int64_t i = 0; i < n; ++i) {
                    const double *row = rows + (chosen ? index[i] : i) * STRIDE;
                    sum += (row[j] - mean[j]) * (row[k] - mean[k]);
                }
                assert_close(matrix[j * D + k], sum / (double)n, 1e-15, 0);
                assert_true(matrix[j * D + k] == matrix[k * D + j]);
            }
    }
    /* Far from the origin the differences, not the squares, are summed. */
    const double far[] = { 1e9 + 1, 1e9 + 2, 1e9 + 3 };
    mote_covariance(mean, matrix, far, 1, NULL, 3, 1);
    assert_close(matrix[0], 2.0 / 3, 1e-15, 0);
}

static void check_eigen(const double *a, const double *values, const double *vectors, int64_t d, double scale)
{
    double bound = 20 * (double)d * DBL_EPSILON;
    for (int64_t i = 0; i < d; ++i) {
        const double *v = vectors + i * d;
        for (int64_t j = 0; j < d; ++j) {
            assert_close(naive_sum(a + j * d, 1, v, 1, d), values[i] * v[j], 0, bound * scale);
            assert_close(naive_sum(v, 1, vectors + j * d, 1, d), i == j, 0, bound);
        }
        assert_true(i == 0 || values[i - 1] <= values[i]);
        double largest = 0;
        for (int64_t j = 0; j < d; ++j)
            largest = fabs(v[j]) > fabs(largest) ? v[j] : largest;
        assert_true(largest > 0);
    }
}

static void eigen_of_many_matrices(void **state)
{
    (void)state;
    static double a[LARGEST * LARGEST], vectors[LARGEST * LARGEST];
    double values[LARGEST];
    word = 5;
    for (int64_t d = 1; d <= LARGEST; d += d < 12 ? 1 : 13) {
        for (int64_t i = 0; i < d; ++i)
            for (int64_t j = 0; j <= i; ++j)
                a[i * d + j] = a[j * d + i] = 2 * uniform() - 1;
        assert_status(mote_symmetric_eigen(values, vectors, a, d), MOTE_OK);
        check_eigen(a, values, vectors, d, (double)d);
        memset(a, 0, sizeof a); /* second differences: a known answer */
        for (int64_t i = 0; i < d; ++i) {
            a[i * d + i] = 2;
            if (i)
                a[i * d + i - 1] = a[(i - 1) * d + i] = -1;
        }
        assert_status(mote_symmetric_eigen(values, vectors, a, d), MOTE_OK);
        check_eigen(a, values, vectors, d, 4);
        for (int64_t k = 0; k < d; ++k) {
            double s = sin((double)(k + 1) * acos(-1) / (double)(2 * (d + 1)));
            assert_close(values[k], 4 * s * s, 1e-12, 0);
        }
        for (int64_t i = 0; i < d * d; ++i)
            a[i] = 1; /* rank 1 */
        assert_status(mote_symmetric_eigen(values, vectors, a, d), MOTE_OK);
        check_eigen(a, values, vectors, d, (double)d);
        assert_close(values[d - 1], (double)d, 1e-14, 0);
    }
}

/* Small eigenvalues of a badly scaled covariance keep their digits: D A D with D = 1, 1e-4, 1e-8. */
static void eigen_of_graded_matrix(void **state)
{
    (void)state;
    const double r = 0.5;
    const double a[] = { 1, r * 1e-4, r * 1e-8, r * 1e-4, 1e-8, r * 1e-12, r * 1e-8, r * 1e-12, 1e-16 };
    double values[3], vectors[9], product;
    assert_status(mote_symmetric_eigen(values, vectors, a, 3), MOTE_OK);
    product = values[0] * values[1] * values[2];
    assert_close(product, 0.5 * 1e-24, 1e-13, 0); /* det of the correlations: 1 + 2 r^3 - 3 r^2 = 1/2 */
    assert_close(values[1], 0.75e-8, 1e-7, 0);
    assert_close(values[0], 1e-16 * 2.0 / 3, 1e-7, 0);
}

static void eigen_refusals(void **state)
{
    (void)state;
    static double a[65 * 65];
    double values[65], vectors[4];
    a[1] = NAN;
    assert_status(mote_symmetric_eigen(values, vectors, a, 2), MOTE_ENUMERIC);
    assert_status(mote_symmetric_eigen(values, vectors, a, 65), MOTE_EINVAL);
    assert_status(mote_symmetric_eigen(values, vectors, a, 0), MOTE_EINVAL);
    const double zero[4] = { 0 }, huge[4] = { 1e200, 1e-200, 1e-200, -1e200 };
    assert_status(mote_symmetric_eigen(values, vectors, zero, 2), MOTE_OK);
    assert_true(values[0] == 0 && values[1] == 0 && vectors[0] == 1 && vectors[3] == 1);
    assert_status(mote_symmetric_eigen(values, vectors, huge, 2), MOTE_OK);
    assert_close(values[0], -1e200, 1e-15, 0);
}

static void sort_is_stable(void **state)
{
    (void)state;
    enum { MOST = 300 };
    int64_t index[MOST], scratch[MOST];
    double key[MOST] = { 0 };
    word = 6;
    for (int64_t n = 0; n <= MOST; n += n < 40 ? 1 : 37) {
        for (int64_t i = 0; i < n; ++i)
            key[i] = floor(uniform() * 20) - 10; /* many ties */
        if (n > 3)
            key[2] = -INFINITY, key[3] = INFINITY;
        mote_sort_index(index, scratch, key, n);
        int seen[MOST] = { 0 };
        for (int64_t i = 0; i < n; ++i) {
            assert_true(index[i] >= 0 && index[i] < n && !seen[index[i]]++);
            if (i) {
                double before = key[index[i - 1]], here = key[index[i]];
                assert_true(before < here || (before == here && index[i - 1] < index[i]));
            }
        }
        int64_t more[MOST], sorted = n ? (int64_t)(uniform() * (double)(n + 1)) : 0;
        mote_sort_index(more, scratch, key, sorted);
        mote_sort_index_more(more, scratch, key, sorted, n);
        assert_memory_equal(more, index, (size_t)n * sizeof *index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dot_has_its_order),   cmocka_unit_test(products),
        cmocka_unit_test(cholesky_and_solves), cmocka_unit_test(cholesky_known_answer_and_refusals),
        cmocka_unit_test(covariance),          cmocka_unit_test(eigen_of_many_matrices),
        cmocka_unit_test(eigen_of_graded_matrix), cmocka_unit_test(eigen_refusals),
        cmocka_unit_test(sort_is_stable),
    };
    return run_unit_tests(tests);
}
