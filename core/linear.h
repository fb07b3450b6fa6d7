/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small linear algebra in a fixed order of operations (d up to 64): same bits everywhere, no library. Matrices are
 * row-major, d x d, dense; lower triangles are full storage with the upper part zero. */
#ifndef MOTE_CORE_LINEAR_H
#define MOTE_CORE_LINEAR_H

#include <mote/base.h>

/* A = L L'; only the lower triangle of A is read. `lower` may alias `matrix`. MOTE_ENUMERIC when A is not positive
 * definite; `lower` then holds nothing of use. */
int mote_cholesky(double *lower, const double *matrix, int64_t d);

void mote_lower_multiply(double *out, const double *lower, const double *x, int64_t d);   /* out = L x, no alias */
void mote_lower_solve(double *out, const double *lower, const double *x, int64_t d);      /* L out = x, may alias */
void mote_lower_transpose_solve(double *out, const double *lower, const double *x, int64_t d); /* L' out = x */
double mote_lower_log_determinant(const double *lower, int64_t d);                        /* log det L */
void mote_matrix_multiply(double *out, const double *a, const double *b, int64_t d);      /* no alias */
void mote_matrix_vector(double *out, const double *a, const double *x, int64_t rows, int64_t columns);
double mote_dot(const double *a, const double *b, int64_t n);

/* Mean (d) and covariance (d x d, divided by the count) of n rows of `stride` doubles; `index` selects rows, or NULL.
 * NaN for no rows. */
void mote_covariance(double *mean, double *covariance, const double *rows, int64_t stride, const int64_t *index,
                     int64_t n, int64_t d);

/* Eigenvalues (ascending) and eigenvectors (rows of `vectors`) of a symmetric matrix by cyclic Jacobi rotations; the largest
 * element of each vector is positive. MOTE_EINVAL for d above 64, MOTE_ENUMERIC for elements that are not finite. */
int mote_symmetric_eigen(double *values, double *vectors, const double *matrix, int64_t d);

/* Stable sorts of indices 0..n-1 by ascending key (ties: lower index first). `scratch` has n entries. */
void mote_sort_index(int64_t *index, int64_t *scratch, const double *key, int64_t n);
/* The same where the first `sorted` entries of `index` are 0 .. sorted-1 in order already. */
void mote_sort_index_more(int64_t *index, int64_t *scratch, const double *key, int64_t sorted, int64_t n);

#endif
