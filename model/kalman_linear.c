/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Products of rectangular matrices and factors of semi-definite ones, in a fixed order of operations.
 *
 * A semi-definite matrix has a Cholesky factor, too, with zero columns where it is singular: a pivot that vanishes
 * makes its whole column vanish. "Vanishes" is |pivot| <= 8 d eps a_ii, and |column| <= sqrt(that): |c_j|^2 <= pivot_i
 * pivot_j for semi-definite matrices. A solve that skips these columns is a generalised inverse. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "model/kalman_parts.h"

void mote_product_transposed(double *restrict out, const double *restrict a, const double *restrict b, int64_t rows,
                             int64_t inner, int64_t columns)
{
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j)
            out[i * columns + j] = mote_dot(a + i * inner, b + j * inner, inner);
}

void mote_mirror(double *matrix, int64_t d)
{
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < i; ++j)
            matrix[j * d + i] = matrix[i * d + j];
}

/* Column i of L below a pivot that vanishes: zero when what is left of A there is zero to rounding. */
static int empty_column(double *lower, const double *matrix, const double *scale, int64_t i, int64_t d,
                        double tolerance)
{
    for (int64_t j = i + 1; j < d; ++j) {
        double rest = matrix[j * d + i] - mote_dot(lower + j * d, lower + i * d, i);
        if (!(rest * rest <= 4 * tolerance * scale[i * d + i] * scale[j * d + j]))
            return MOTE_ENUMERIC;
        lower[j * d + i] = 0;
    }
    return MOTE_OK;
}

/* Column by column: an entry of column i needs the rows' first i entries only. */
int mote_semidefinite_factor(double *lower, const double *matrix, const double *scale, int64_t d)
{
    const double tolerance = 8 * (double)d * DBL_EPSILON;
    scale = scale ? scale : matrix;
    memset(lower, 0, (size_t)(d * d) * sizeof *lower);
    for (int64_t i = 0; i < d; ++i) {
        double *row = lower + i * d, floor = tolerance * scale[i * d + i];
        double pivot = matrix[i * d + i] - mote_dot(row, row, i);
        if (!(pivot >= -floor) || isinf(pivot))
            return MOTE_ENUMERIC;
        if (pivot <= floor) {
            if (empty_column(lower, matrix, scale, i, d, tolerance))
                return MOTE_ENUMERIC;
            continue;
        }
        row[i] = sqrt(pivot);
        for (int64_t j = i + 1; j < d; ++j)
            lower[j * d + i] = (matrix[j * d + i] - mote_dot(lower + j * d, row, i)) / row[i];
    }
    return MOTE_OK;
}

void mote_semidefinite_solve(double *x, const double *lower, int64_t d)
{
    for (int64_t i = 0; i < d; ++i) {
        double pivot = lower[i * d + i];
        x[i] = pivot > 0 ? (x[i] - mote_dot(lower + i * d, x, i)) / pivot : 0;
    }
    for (int64_t i = d - 1; i >= 0; --i) {
        const double *row = lower + i * d;
        double value = row[i] > 0 ? x[i] / row[i] : 0;
        x[i] = value;
        for (int64_t j = 0; j < i; ++j)
            x[j] -= row[j] * value;
    }
}
