/* SPDX-License-Identifier: BSD-2-Clause */
/* Quadratic forms r' P r with a matrix that never changes.
 *
 * P = C^-1, or with an additive constant in r profiled (equivalently, marginalised under a flat prior, up to a
 * constant) P = C^-1 - C^-1 1 1' C^-1 / (1' C^-1 1), so that r' P r = A - B^2/E with A = r' C^-1 r, B = 1' C^-1 r,
 * E = 1' C^-1 1. P is made once; since P 1 = 0 the first residual is subtracted from all before use, which keeps A
 * and B^2/E from being large and nearly equal. Off-diagonal entries are stored doubled, in the upper triangle. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cosmology.h"

/* Lower Cholesky factor in place, row by row; returns 0 or the row (from 1) at which C is not positive definite. */
static int64_t cholesky(double *c, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j <= i; ++j) {
            double sum = c[i * n + j];
            for (int64_t k = 0; k < j; ++k)
                sum -= c[i * n + k] * c[j * n + k];
            if (i != j)
                c[i * n + j] = sum / c[j * n + j];
            else if (sum > 1e-14 * fabs(c[i * n + i]))
                c[i * n + i] = sqrt(sum);
            else
                return i + 1;
        }
    return 0;
}

/* Column `column` of (L L')^-1. */
static void inverse_column(const double *l, int64_t n, int64_t column, double *out)
{
    for (int64_t i = 0; i < n; ++i) {
        double sum = i == column;
        for (int64_t k = 0; k < i; ++k)
            sum -= l[i * n + k] * out[k];
        out[i] = sum / l[i * n + i];
    }
    for (int64_t i = n; i-- > 0;) {
        double sum = out[i];
        for (int64_t k = i + 1; k < n; ++k)
            sum -= l[k * n + i] * out[k];
        out[i] = sum / l[i * n + i];
    }
}

/* P from C^-1, in place. */
static void project(double *inverse, double *row_sum, int64_t n)
{
    double total = 0;
    for (int64_t i = 0; i < n; ++i) {
        row_sum[i] = 0;
        for (int64_t j = 0; j < n; ++j)
            row_sum[i] += inverse[i * n + j];
        total += row_sum[i];
    }
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j)
            inverse[i * n + j] -= row_sum[i] * row_sum[j] / total;
}

static void pack(form *out, const double *p)
{
    double *to = out->upper;
    for (int64_t i = 0; i < out->n; ++i)
        for (int64_t j = i; j < out->n; ++j)
            *to++ = i == j ? p[i * out->n + i] : p[i * out->n + j] + p[j * out->n + i];
}

int cosmology_form_open(form *out, const double *covariance, int64_t n, int64_t offset, const char *path, failure *why)
{
    const size_t bytes = (size_t)(n * n) * sizeof(double);
    double *factor = malloc(bytes), *inverse = malloc(bytes), *row_sum = malloc((size_t)n * sizeof *row_sum);
    *out = (form){ .n = n, .offset = offset, .upper = malloc((size_t)(n * (n + 1) / 2) * sizeof(double)) };
    int status = MOTE_OK;
    if (!factor || !inverse || !row_sum || !out->upper) {
        status = cosmology_fail(why, MOTE_ENOMEM, "%s: out of memory", path);
    } else {
        memcpy(factor, covariance, bytes);
        const int64_t bad = cholesky(factor, n);
        if (bad)
            status = cosmology_fail(why, MOTE_EPARSE, "%s: the covariance matrix is not positive definite (row %lld)",
                                    path, (long long)bad);
    }
    if (!status) {
        for (int64_t j = 0; j < n; ++j)
            inverse_column(factor, n, j, inverse + j * n);
        if (offset)
            project(inverse, row_sum, n);
        pack(out, inverse);
    }
    free(factor);
    free(inverse);
    free(row_sum);
    return status;
}

int cosmology_form_open_diagonal(form *out, const double *sd, int64_t n, int64_t offset, failure *why)
{
    *out = (form){ .n = n, .offset = offset, .weight = malloc((size_t)n * sizeof(double)) };
    if (!out->weight)
        return cosmology_fail(why, MOTE_ENOMEM, "out of memory");
    for (int64_t i = 0; i < n; ++i) {
        out->weight[i] = 1 / (sd[i] * sd[i]);
        out->weight_sum += out->weight[i];
    }
    return MOTE_OK;
}

/* Four partial sums, so that additions need not wait for one another. */
static double value_diagonal(const form *from, const double *r)
{
    double a[4] = { 0 }, b[4] = { 0 };
    for (int64_t i = 0; i < from->n; ++i) {
        const double weighted = from->weight[i] * r[i];
        a[i & 3] += weighted * r[i];
        b[i & 3] += weighted;
    }
    const double square = (a[0] + a[1]) + (a[2] + a[3]), linear = (b[0] + b[1]) + (b[2] + b[3]);
    return from->offset ? square - linear * linear / from->weight_sum : square;
}

static double value_full(const form *from, const double *r, double *sum)
{
    const int64_t n = from->n;
    const double *row = from->upper;
    for (int64_t j = 0; j < n; ++j)
        sum[j] = 0;
    for (int64_t i = 0; i < n; row += n - i, ++i)
        for (int64_t j = i; j < n; ++j)
            sum[j] += row[j - i] * r[i];
    double chi2 = 0;
    for (int64_t j = 0; j < n; ++j)
        chi2 += sum[j] * r[j];
    return chi2;
}

double cosmology_form_value(const form *from, double *r, double *scratch)
{
    if (from->offset) {
        const double first = r[0];
        for (int64_t i = 0; i < from->n; ++i)
            r[i] -= first;
    }
    return from->weight ? value_diagonal(from, r) : value_full(from, r, scratch);
}

void cosmology_form_close(form *from)
{
    free(from->weight);
    free(from->upper);
    *from = (form){ 0 };
}
