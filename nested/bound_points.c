/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moments and distances of many points at once: columns of coordinates, so that the inner loops run over points and
 * vectorise at a fixed order of operations (core/vector_columns.h). Against naive forms: tests/nested/test_bound.c. */
#include <string.h>

#include "core/vector.h"
#include "nested/bound.h"

void mote_columns_moments(const mote_columns *x, const double *weight, double total, double *mean, double *covariance,
                          double *scratch)
{
    mote_vector()->moments(mean, covariance, x->value, x->stride, x->n, x->d, weight, total, scratch);
}

void mote_columns_radius(const mote_columns *x, const double *mean, const double *inverse, double *radius)
{
    mote_vector()->radius(radius, x->value, x->stride, x->n, x->d, mean, inverse);
}

void mote_columns_whiten(const mote_columns *x, const double *inverse, double *radius)
{
    mote_vector()->whiten(radius, x->value, x->stride, x->n, x->d, inverse);
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
