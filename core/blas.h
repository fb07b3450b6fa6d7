/* SPDX-License-Identifier: GPL-3.0-or-later */
/* BLAS and LAPACK by their Fortran symbols. The C interface (cblas_*) is never called: GSL brings a slow library of
 * the same names, and which of the two answers is decided by the link line of the user's program; it has no Fortran
 * symbols, so these are OpenBLAS's in every program.
 *
 * Matrices are column-major: the row-major product C = A B is the column-major C' = B' A'. All arguments are pointers;
 * integers are 32-bit; the lengths of character arguments (always 1) come last, as gfortran has it. Results change
 * with thread count, CPU kernel and, in the last bits, with the number of rows: use them for more than 64 dimensions
 * and for networks only, with one constant block height, and never where the same bytes are promised. */
#ifndef MOTE_CORE_BLAS_H
#define MOTE_CORE_BLAS_H

#include <stddef.h>

/* C = alpha op(A) op(B) + beta C */
void dgemm_(const char *transpose_a, const char *transpose_b, const int *m, const int *n, const int *k,
            const double *alpha, const double *a, const int *lda, const double *b, const int *ldb, const double *beta,
            double *c, const int *ldc, size_t length_a, size_t length_b);
void sgemm_(const char *transpose_a, const char *transpose_b, const int *m, const int *n, const int *k,
            const float *alpha, const float *a, const int *lda, const float *b, const int *ldb, const float *beta,
            float *c, const int *ldc, size_t length_a, size_t length_b);

/* y = alpha op(A) x + beta y */
void dgemv_(const char *transpose, const int *m, const int *n, const double *alpha, const double *a, const int *lda,
            const double *x, const int *incx, const double *beta, double *y, const int *incy, size_t length);
void sgemv_(const char *transpose, const int *m, const int *n, const float *alpha, const float *a, const int *lda,
            const float *x, const int *incx, const float *beta, float *y, const int *incy, size_t length);

/* C = alpha A A' + beta C, one triangle */
void dsyrk_(const char *triangle, const char *transpose, const int *n, const int *k, const double *alpha,
            const double *a, const int *lda, const double *beta, double *c, const int *ldc, size_t length_triangle,
            size_t length_transpose);

/* B = alpha op(A)^-1 B or alpha B op(A)^-1, A triangular */
void dtrsm_(const char *side, const char *triangle, const char *transpose, const char *diagonal, const int *m,
            const int *n, const double *alpha, const double *a, const int *lda, double *b, const int *ldb,
            size_t length_side, size_t length_triangle, size_t length_transpose, size_t length_diagonal);

/* Cholesky factor of one triangle; info > 0: not positive definite */
void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info, size_t length);

/* Solves A X = B from that factor */
void dpotrs_(const char *triangle, const int *n, const int *columns, const double *a, const int *lda, double *b,
             const int *ldb, int *info, size_t length);

/* The kernel family that OpenBLAS has chosen for this CPU ("Haswell", "SkylakeX"), or "unknown" for another library:
 * for diagnostics, as results differ between families. */
const char *mote_blas_name(void);

#endif
