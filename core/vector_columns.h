/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many points at once, coordinate by coordinate: value[j * stride + i] is coordinate j of point i. Inner loops run over
 * points, so that each vector lane does for its point what a scalar loop would do, in the same order. Only
 * core/vector_kernels.c includes this file. */
#ifndef MOTE_CORE_VECTOR_COLUMNS_H
#define MOTE_CORE_VECTOR_COLUMNS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { COLUMN_LANES = 8, COLUMN_BLOCK = 64 };

/* sum_i a_i b_i in lanes i mod 8, joined from the first to the last. */
static double columns_product(const double *restrict a, const double *restrict b, int64_t n)
{
    double lane[COLUMN_LANES] = { 0 }, sum = 0;
    int64_t whole = n / COLUMN_LANES * COLUMN_LANES;
    for (int64_t i = 0; i < whole; i += COLUMN_LANES)
        for (int64_t k = 0; k < COLUMN_LANES; ++k)
            lane[k] += a[i + k] * b[i + k];
    for (int64_t i = whole; i < n; ++i)
        lane[i - whole] += a[i] * b[i];
    for (int64_t k = 0; k < COLUMN_LANES; ++k)
        sum += lane[k];
    return sum;
}

/* out_i = |x_i - centre|^2 */
static void columns_distance(double *restrict out, const double *restrict value, int64_t stride, int64_t n, int64_t d,
                             const double *restrict centre)
{
    memset(out, 0, (size_t)n * sizeof *out);
    for (int64_t j = 0; j < d; ++j) {
        const double *restrict column = value + j * stride;
        double middle = centre[j];
        for (int64_t i = 0; i < n; ++i)
            out[i] += (column[i] - middle) * (column[i] - middle);
    }
}

/* Row i of the lower triangle times every point of a block, less `shift`. */
static void columns_row(double *restrict z, const double *restrict row, int64_t terms, double shift,
                        const double *restrict value, int64_t stride, int64_t n)
{
    for (int64_t p = 0; p < n; ++p)
        z[p] = -shift;
    for (int64_t j = 0; j < terms; ++j) {
        const double *restrict column = value + j * stride;
        double factor = row[j];
        for (int64_t p = 0; p < n; ++p)
            z[p] += factor * column[p];
    }
}

/* out_i = |W (x_i - mean)|^2, W lower triangular, d x d. */
static void columns_radius(double *restrict out, const double *restrict value, int64_t stride, int64_t n, int64_t d,
                           const double *restrict mean, const double *restrict lower)
{
    double z[COLUMN_BLOCK];
    memset(out, 0, (size_t)n * sizeof *out);
    for (int64_t i = 0; i < d; ++i) {
        double shift = 0;
        for (int64_t j = 0; j <= i; ++j)
            shift += lower[i * d + j] * mean[j];
        for (int64_t from = 0; from < n; from += COLUMN_BLOCK) {
            int64_t count = n - from < COLUMN_BLOCK ? n - from : COLUMN_BLOCK;
            columns_row(z, lower + i * d, i + 1, shift, value + from, stride, count);
            for (int64_t p = 0; p < count; ++p)
                out[from + p] += z[p] * z[p];
        }
    }
}

/* The smallest key that is not negative, or infinity: read as whole numbers, doubles from 0 up are in the same order and
 * negative ones come behind. */
static double columns_smallest(const double *restrict key, int64_t n)
{
    double shortest = INFINITY;
    uint64_t least, bits;
    memcpy(&least, &shortest, sizeof least);
    for (int64_t i = 0; i < n; ++i) {
        memcpy(&bits, &key[i], sizeof bits);
        least = bits < least ? bits : least;
    }
    memcpy(&shortest, &least, sizeof shortest);
    return shortest;
}

/* key_i = min(key_i, distance_i), with other_i = at where it fell; returns the place of the smallest key that is not
 * negative (of equal ones the first), -1 when there is none. */
static int64_t columns_nearest(double *restrict key, int64_t *restrict other, const double *restrict distance,
                               int64_t at, int64_t n)
{
    for (int64_t i = 0; i < n; ++i) {
        int64_t before = other[i];
        other[i] = distance[i] < key[i] ? at : before;
        key[i] = distance[i] < key[i] ? distance[i] : key[i];
    }
    double shortest = columns_smallest(key, n);
    for (int64_t i = 0; i < n && shortest < INFINITY; ++i)
        if (key[i] == shortest)
            return i;
    return -1;
}

#endif
