/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small dense linear algebra with a fixed order of operations.
 *
 * Sums of products run in 8 lanes: lane l adds the terms i = l, l + 8, l + 16, ... in this order, and the lanes are
 * joined as ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7)). Vector units of any width do exactly this, and without
 * contraction every product and sum is rounded by itself: the same bits from every instruction set. Loops whose
 * iterations write different elements have no order to fix and are written so that they run along rows. */
#include "core/linear.h"

#include <math.h>
#include <mote/status.h>
#include <string.h>

#include "core/vector.h"

enum { LANES = 8 };

/* The lanes are named variables: an array would live in memory, and its stores would be on the critical path. */
static inline double dot(const double *a, const double *b, int64_t n)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    for (; n >= LANES; n -= LANES, a += LANES, b += LANES) {
        s0 += a[0] * b[0], s1 += a[1] * b[1], s2 += a[2] * b[2], s3 += a[3] * b[3];
        s4 += a[4] * b[4], s5 += a[5] * b[5], s6 += a[6] * b[6], s7 += a[7] * b[7];
    }
    switch (n) {
    case 7: s6 += a[6] * b[6]; /* fall through */
    case 6: s5 += a[5] * b[5]; /* fall through */
    case 5: s4 += a[4] * b[4]; /* fall through */
    case 4: s3 += a[3] * b[3]; /* fall through */
    case 3: s2 += a[2] * b[2]; /* fall through */
    case 2: s1 += a[1] * b[1]; /* fall through */
    case 1: s0 += a[0] * b[0];
    }
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7));
}

double mote_dot(const double *a, const double *b, int64_t n)
{
    return dot(a, b, n);
}

/* Row by row (Banachiewicz): L_ij = (A_ij - sum_k<j L_ik L_jk) / L_jj. Element (i, j) of A is read before it is
 * overwritten. */
int mote_cholesky(double *lower, const double *matrix, int64_t d)
{
    for (int64_t i = 0; i < d; ++i) {
        double *row = lower + i * d;
        for (int64_t j = 0; j < i; ++j)
            row[j] = (matrix[i * d + j] - dot(row, lower + j * d, j)) / lower[j * d + j];
        double square = matrix[i * d + i] - dot(row, row, i);
        if (!(square > 0) || isinf(square))
            return MOTE_ENUMERIC;
        row[i] = sqrt(square);
        memset(row + i + 1, 0, (size_t)(d - i - 1) * sizeof *row);
    }
    return MOTE_OK;
}

void mote_lower_multiply(double *restrict out, const double *restrict lower, const double *restrict x, int64_t d)
{
    for (int64_t i = 0; i < d; ++i)
        out[i] = dot(lower + i * d, x, i + 1);
}

void mote_lower_solve(double *out, const double *lower, const double *x, int64_t d)
{
    for (int64_t i = 0; i < d; ++i)
        out[i] = (x[i] - dot(lower + i * d, out, i)) / lower[i * d + i];
}

/* From the last unknown to the first; each one found is taken out of the others along its row of L. */
void mote_lower_transpose_solve(double *out, const double *lower, const double *x, int64_t d)
{
    if (out != x)
        memmove(out, x, (size_t)d * sizeof *out);
    for (int64_t i = d - 1; i >= 0; --i) {
        const double *row = lower + i * d;
        double value = out[i] / row[i];
        out[i] = value;
        for (int64_t j = 0; j < i; ++j)
            out[j] -= row[j] * value;
    }
}

double mote_lower_log_determinant(const double *lower, int64_t d)
{
    double sum = 0;
    for (int64_t i = 0; i < d; ++i)
        sum += mote_log(lower[i * d + i]);
    return sum;
}

/* Element (i, j) is summed over k from first to last. */
void mote_matrix_multiply(double *restrict out, const double *restrict a, const double *restrict b, int64_t d)
{
    memset(out, 0, (size_t)(d * d) * sizeof *out);
    for (int64_t i = 0; i < d; ++i)
        for (int64_t k = 0; k < d; ++k) {
            double factor = a[i * d + k];
            for (int64_t j = 0; j < d; ++j)
                out[i * d + j] += factor * b[k * d + j];
        }
}

void mote_matrix_vector(double *restrict out, const double *restrict a, const double *restrict x, int64_t rows,
                        int64_t columns)
{
    for (int64_t i = 0; i < rows; ++i)
        out[i] = dot(a + i * columns, x, columns);
}

static const double *row_at(const double *rows, int64_t stride, const int64_t *index, int64_t i)
{
    return rows + (index ? index[i] : i) * stride;
}

/* Two passes: the mean first, then products of differences from it; both summed over rows from first to last. */
void mote_covariance(double *restrict mean, double *restrict covariance, const double *rows, int64_t stride,
                     const int64_t *index, int64_t n, int64_t d)
{
    memset(mean, 0, (size_t)d * sizeof *mean);
    memset(covariance, 0, (size_t)(d * d) * sizeof *covariance);
    for (int64_t i = 0; i < n; ++i) {
        const double *row = row_at(rows, stride, index, i);
        for (int64_t j = 0; j < d; ++j)
            mean[j] += row[j];
    }
    for (int64_t j = 0; j < d; ++j)
        mean[j] /= (double)n;
    for (int64_t i = 0; i < n; ++i) {
        const double *row = row_at(rows, stride, index, i);
        for (int64_t j = 0; j < d; ++j) {
            double difference = row[j] - mean[j], *out = covariance + j * d;
            for (int64_t k = 0; k <= j; ++k)
                out[k] += difference * (row[k] - mean[k]);
        }
    }
    for (int64_t j = 0; j < d; ++j)
        for (int64_t k = 0; k <= j; ++k)
            covariance[k * d + j] = covariance[j * d + k] /= (double)n;
}
