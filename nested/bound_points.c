/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moments and distances of many points at once: columns of coordinates, so that the inner loops run over points and
 * vectorise at a fixed order of operations. The naive forms are in core/linear.h; tests/nested/test_bound.c compares. */
#include <string.h>

#include "core/vector.h"
#include "nested/bound.h"

void mote_columns_moments(const mote_columns *x, const double *weight, double total, double *mean, double *covariance,
                          double *scratch)
{
    double (*product)(const double *, const double *, int64_t) = mote_vector()->product;
    int64_t d = x->d;
    for (int64_t j = 0; j < d; ++j)
        mean[j] = product(x->value + j * x->stride, weight, x->n) / total;
    for (int64_t j = 0; j < d; ++j) {
        const double *restrict column = x->value + j * x->stride;
        for (int64_t i = 0; i < x->n; ++i)
            scratch[i] = weight[i] * (column[i] - mean[j]);
        for (int64_t k = 0; k <= j; ++k) /* the mean of column k drops out: scratch sums to zero */
            covariance[j * d + k] = covariance[k * d + j] = product(scratch, x->value + k * x->stride, x->n) / total;
    }
}

void mote_columns_radius(const mote_columns *x, const double *mean, const double *inverse, double *radius)
{
    mote_vector()->radius(radius, x->value, x->stride, x->n, x->d, mean, inverse);
}

void mote_columns_whiten(const mote_columns *x, const double *inverse, double *radius)
{
    int64_t d = x->d;
    memset(radius, 0, (size_t)x->n * sizeof(double));
    for (int64_t i = d - 1; i >= 0; --i) { /* from the last: row i needs columns up to i only */
        double *restrict column = x->value + i * x->stride;
        for (int64_t p = 0; p < x->n; ++p)
            column[p] *= inverse[i * d + i];
        for (int64_t j = 0; j < i; ++j) {
            const double *restrict other = x->value + j * x->stride;
            double factor = inverse[i * d + j];
            for (int64_t p = 0; p < x->n; ++p)
                column[p] += factor * other[p];
        }
        for (int64_t p = 0; p < x->n; ++p)
            radius[p] += column[p] * column[p];
    }
}

void mote_columns_distance(const mote_columns *x, const double *centre, double *distance)
{
    mote_vector()->distance(distance, x->value, x->stride, x->n, x->d, centre);
}

/* Rows of L^-1, by forward substitution on the unit vectors. */
void mote_bound_invert(double *inverse, const double *lower, int64_t d)
{
    memset(inverse, 0, (size_t)(d * d) * sizeof(double));
    for (int64_t column = 0; column < d; ++column)
        for (int64_t i = column; i < d; ++i) {
            double sum = i == column;
            for (int64_t j = column; j < i; ++j)
                sum -= lower[i * d + j] * inverse[j * d + column];
            inverse[i * d + column] = sum / lower[i * d + i];
        }
}
