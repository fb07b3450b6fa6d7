/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations (Golub & Van Loan, Matrix
 * Computations, section 8.5), with the stopping rule of Demmel & Veselic (SIAM J. Matrix Anal. Appl. 13, 1992):
 *
 *     |a_pq| <= eps sqrt(|a_pp a_qq|) for all p < q,
 *
 * which keeps the relative accuracy of small eigenvalues of badly scaled covariances. Only + - * / and square roots:
 * the same bits everywhere. Known answer: the second-difference matrix (2 on the diagonal, -1 beside it) of order d
 * has the eigenvalues 2 - 2 cos(k pi / (d + 1)). */
#include <float.h>
#include <math.h>
#include <mote/status.h>
#include <string.h>

#include "core/linear.h"

enum { LARGEST = 64, SWEEPS = 60 };

/* Rotates the rows p and q of `rows`: (p, q) <- (c p - s q, s p + c q). */
static void rotate_rows(double *restrict p, double *restrict q, double c, double s, int64_t d)
{
    for (int64_t k = 0; k < d; ++k) {
        double x = p[k], y = q[k];
        p[k] = c * x - s * y;
        q[k] = s * x + c * y;
    }
}

/* The rotation that makes a_pq zero, of the smaller angle. */
static double tangent(double difference, double off_diagonal)
{
    double theta = difference / (2 * off_diagonal), size = fabs(theta);
    double t = size > 0x1p500 ? 0.5 / size : 1 / (size + sqrt(size * size + 1));
    return theta < 0 ? -t : t;
}

/* One rotation of the symmetric matrix a (all d x d of it are kept) and of the rows of v. */
static void rotate(double *a, double *v, int64_t p, int64_t q, int64_t d)
{
    double off = a[p * d + q], pp = a[p * d + p], qq = a[q * d + q];
    double t = tangent(qq - pp, off), c = 1 / sqrt(t * t + 1), s = t * c;
    rotate_rows(a + p * d, a + q * d, c, s, d);
    for (int64_t k = 0; k < d; ++k) {
        a[k * d + p] = a[p * d + k];
        a[k * d + q] = a[q * d + k];
    }
    a[p * d + p] = pp - t * off;
    a[q * d + q] = qq + t * off;
    a[p * d + q] = a[q * d + p] = 0;
    rotate_rows(v + p * d, v + q * d, c, s, d);
}

/* One pass over all pairs; returns how many were rotated. */
static int64_t sweep(double *a, double *v, int64_t d)
{
    int64_t rotations = 0;
    for (int64_t p = 0; p < d; ++p)
        for (int64_t q = p + 1; q < d; ++q) {
            double off = fabs(a[p * d + q]), scale = sqrt(fabs(a[p * d + p])) * sqrt(fabs(a[q * d + q]));
            if (off == 0 || off <= DBL_EPSILON / 2 * scale)
                continue;
            rotate(a, v, p, q, d);
            ++rotations;
        }
    return rotations;
}

/* Of a singular matrix the last digits may go round and round: then it is enough that what is left beside the
 * diagonal is nothing against the matrix as a whole. */
static int is_diagonal(const double *a, int64_t d)
{
    double diagonal = 0, rest = 0;
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < d; ++j) {
            double size = fabs(a[i * d + j]);
            if (i == j)
                diagonal = size > diagonal ? size : diagonal;
            else
                rest = size > rest ? size : rest;
        }
    return rest <= DBL_EPSILON * diagonal;
}

static void swap(double *a, double *b, int64_t n)
{
    for (int64_t i = 0; i < n; ++i) {
        double x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}

/* The largest element of a vector, the first of equals, is made positive. */
static void fix_sign(double *vector, int64_t d)
{
    int64_t largest = 0;
    for (int64_t k = 1; k < d; ++k)
        if (fabs(vector[k]) > fabs(vector[largest]))
            largest = k;
    if (vector[largest] < 0)
        for (int64_t k = 0; k < d; ++k)
            vector[k] = -vector[k];
}

static void put_in_order(double *values, double *vectors, int64_t d)
{
    for (int64_t i = 0; i < d; ++i) {
        int64_t least = i;
        for (int64_t j = i + 1; j < d; ++j)
            if (values[j] < values[least])
                least = j;
        swap(values + i, values + least, 1);
        if (least != i)
            swap(vectors + i * d, vectors + least * d, d);
        fix_sign(vectors + i * d, d);
    }
}

int mote_symmetric_eigen(double *values, double *vectors, const double *matrix, int64_t d)
{
    double a[LARGEST * LARGEST];
    if (d < 1 || d > LARGEST)
        return MOTE_EINVAL;
    for (int64_t i = 0; i < d * d; ++i)
        if (!isfinite(matrix[i]))
            return MOTE_ENUMERIC;
    memcpy(a, matrix, (size_t)(d * d) * sizeof *a);
    for (int64_t i = 0; i < d * d; ++i)
        vectors[i] = i % (d + 1) ? 0 : 1;
    int64_t sweeps = 0;
    while (sweep(a, vectors, d))
        if (++sweeps == SWEEPS) {
            if (!is_diagonal(a, d))
                return MOTE_ENUMERIC;
            break;
        }
    for (int64_t i = 0; i < d; ++i)
        values[i] = a[i * d + i];
    put_in_order(values, vectors, d);
    return MOTE_OK;
}
