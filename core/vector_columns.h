/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many points at once, coordinate by coordinate: value[j * stride + i] is coordinate j of point i. Inner loops run over
 * points, so that each vector lane does for its point what a scalar loop would do, in the same order; sums over points
 * run in COLUMN_LANES lanes, or from the first point to the last. Only core/vector_kernels.c includes this file. */
#ifndef MOTE_CORE_VECTOR_COLUMNS_H
#define MOTE_CORE_VECTOR_COLUMNS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/vector_inline.h"

#if defined __AVX512F__
#define COLUMN_WIDE 8
#elif defined __AVX__
#define COLUMN_WIDE 4
#else
#define COLUMN_WIDE 2
#endif

/* COLUMN_LANES: of a sum over points. COLUMN_GROUP: sums that run side by side, since one alone waits for itself.
 * COLUMN_BLOCK: points whose results stay in registers. */
enum { COLUMN_LANES = 8, COLUMN_VECTORS = COLUMN_LANES / COLUMN_WIDE, COLUMN_GROUP = COLUMN_WIDE > 2 ? 4 : 2,
       COLUMN_BLOCK = 4 * COLUMN_WIDE };

typedef double wide __attribute__((vector_size(8 * COLUMN_WIDE)));
typedef int64_t wide_bits __attribute__((vector_size(8 * COLUMN_WIDE)));

static inline wide wide_load(const double *x)
{
    wide out;
    memcpy(&out, x, sizeof out);
    return out;
}

static inline void wide_store(double *out, wide x)
{
    memcpy(out, &x, sizeof x);
}

static inline wide wide_set(double x)
{
    return x - (wide){ 0 };
}

/* ---- sums over points -------------------------------------------------------------------------------------------- */

/* Joined from the first lane to the last. */
static inline double join_lanes(const wide *lane, const double *a, const double *b, int64_t rest)
{
    double each[COLUMN_LANES], sum = 0;
    memcpy(each, lane, sizeof each);
    for (int64_t i = 0; i < rest; ++i)
        each[i] += a[i] * b[i];
    for (int64_t k = 0; k < COLUMN_LANES; ++k)
        sum += each[k];
    return sum;
}

/* out_c = sum_i a_i b_ci for `count` <= COLUMN_GROUP columns b_c, each in lanes i mod 8. */
static inline void products_group(double *restrict out, const double *restrict a, const double *restrict b,
                                  int64_t stride, int64_t n, int count)
{
    wide lane[COLUMN_GROUP][COLUMN_VECTORS] = { { { 0 } } };
    int64_t whole = n / COLUMN_LANES * COLUMN_LANES;
    for (int64_t i = 0; i < whole; i += COLUMN_LANES)
        for (int h = 0; h < COLUMN_VECTORS; ++h) {
            wide left = wide_load(a + i + h * COLUMN_WIDE);
            for (int c = 0; c < count; ++c)
                lane[c][h] += left * wide_load(b + c * stride + i + h * COLUMN_WIDE);
        }
    for (int c = 0; c < count; ++c)
        out[c] = join_lanes(lane[c], a + whole, b + c * stride + whole, n - whole);
}

static void columns_products(double *restrict out, const double *restrict a, const double *restrict b, int64_t stride,
                             int64_t n, int64_t count)
{
    int64_t c = 0;
    for (; c + COLUMN_GROUP <= count; c += COLUMN_GROUP)
        products_group(out + c, a, b + c * stride, stride, n, COLUMN_GROUP);
    switch (count - c) {
    case 3: products_group(out + c, a, b + c * stride, stride, n, COLUMN_GROUP > 2 ? 3 : 1); break;
    case 2: products_group(out + c, a, b + c * stride, stride, n, 2); break;
    case 1: products_group(out + c, a, b + c * stride, stride, n, 1);
    }
}

/* sum_i a_i b_i in lanes i mod 8, joined from the first to the last. */
static double columns_product(const double *restrict a, const double *restrict b, int64_t n)
{
    double out;
    products_group(&out, a, b, 0, n, 1);
    return out;
}

/* Weighted mean and covariance; `total` is the sum of the weights. */
static void columns_moments(double *restrict mean, double *restrict covariance, const double *restrict value,
                            int64_t stride, int64_t n, int64_t d, const double *restrict weight, double total,
                            double *restrict scratch)
{
    columns_products(mean, weight, value, stride, n, d);
    for (int64_t j = 0; j < d; ++j)
        mean[j] /= total;
    for (int64_t j = 0; j < d; ++j) {
        const double *restrict column = value + j * stride;
        double middle = mean[j];
        for (int64_t i = 0; i < n; ++i)
            scratch[i] = weight[i] * (column[i] - middle);
        /* the mean of column k drops out: scratch sums to zero */
        columns_products(covariance + j * d, scratch, value, stride, n, j + 1);
        for (int64_t k = 0; k <= j; ++k)
            covariance[k * d + j] = covariance[j * d + k] /= total;
    }
}

/* sum[k d + j]: coordinate j over the points with side k, from the first to the last. `row` has the points as rows of
 * `padded` doubles, a multiple of COLUMN_LANES. A zero added changes no sum. */
static void columns_side_sums(double *restrict sum, const double *restrict row, int64_t padded, int64_t n, int64_t d,
                              const int64_t *restrict side)
{
    for (int64_t from = 0; from < d; from += COLUMN_WIDE) {
        wide_bits zero = { 0 };
        wide first = { 0 }, second = { 0 };
        for (int64_t i = 0; i < n; ++i) {
            wide_bits mask = zero - side[i], x = (wide_bits)wide_load(row + i * padded + from);
            first += (wide)(x & ~mask);
            second += (wide)(x & mask);
        }
        for (int64_t j = from; j < d && j < from + COLUMN_WIDE; ++j) {
            sum[j] = first[j - from];
            sum[d + j] = second[j - from];
        }
    }
}

/* The columns of the rows point[index_i d ...], less their mean, which is summed from the first to the last. Up to
 * COLUMN_LANES doubles behind the last row are read. */
static void columns_gather(double *restrict value, int64_t stride, int64_t n, int64_t d, const double *restrict point,
                           const int64_t *restrict index, double *restrict mean)
{
    for (int64_t from = 0; from < d; from += COLUMN_WIDE) {
        wide sum = { 0 };
        for (int64_t i = 0; i < n; ++i)
            sum += wide_load(point + index[i] * d + from);
        for (int64_t j = from; j < d && j < from + COLUMN_WIDE; ++j)
            mean[j] = sum[j - from] / (double)n;
    }
    for (int64_t j = 0; j < d; ++j) {
        double *restrict column = value + j * stride, middle = mean[j];
        for (int64_t i = 0; i < n; ++i)
            column[i] = point[index[i] * d + j] - middle;
    }
}

/* ---- one number for each point ----------------------------------------------------------------------------------- */

/* |x - centre|^2 of `vectors` <= 4 vectors of points side by side. */
static inline void distance_block(double *restrict out, const double *restrict value, int64_t stride, int64_t d,
                                  const double *restrict centre, int vectors)
{
    wide sum[4] = { { 0 } };
    for (int64_t j = 0; j < d; ++j) {
        wide middle = wide_set(centre[j]);
        for (int h = 0; h < vectors; ++h) {
            wide step = wide_load(value + j * stride + h * COLUMN_WIDE) - middle;
            sum[h] += step * step;
        }
    }
    for (int h = 0; h < vectors; ++h)
        wide_store(out + h * COLUMN_WIDE, sum[h]);
}

/* out_i = |x_i - centre|^2 */
static void columns_distance(double *restrict out, const double *restrict value, int64_t stride, int64_t n, int64_t d,
                             const double *restrict centre)
{
    int64_t i = 0;
    for (; i + COLUMN_BLOCK <= n; i += COLUMN_BLOCK)
        distance_block(out + i, value + i, stride, d, centre, 4);
    for (; i + COLUMN_WIDE <= n; i += COLUMN_WIDE)
        distance_block(out + i, value + i, stride, d, centre, 1);
    for (; i < n; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < d; ++j)
            sum += (value[j * stride + i] - centre[j]) * (value[j * stride + i] - centre[j]);
        out[i] = sum;
    }
}

/* The square of `row` times x, less `shift`, added for `vectors` <= 4 vectors of points side by side. */
static inline void radius_block(double *restrict out, const double *restrict row, int64_t terms, double shift,
                                const double *restrict value, int64_t stride, int vectors)
{
    wide z[4];
    for (int h = 0; h < vectors; ++h)
        z[h] = wide_set(-shift);
    for (int64_t j = 0; j < terms; ++j) {
        wide factor = wide_set(row[j]);
        for (int h = 0; h < vectors; ++h)
            z[h] += factor * wide_load(value + j * stride + h * COLUMN_WIDE);
    }
    for (int h = 0; h < vectors; ++h)
        wide_store(out + h * COLUMN_WIDE, wide_load(out + h * COLUMN_WIDE) + z[h] * z[h]);
}

/* Row i of the lower triangle times every point, less `shift`: its square is added to theirs. */
static inline void radius_row(double *restrict out, const double *restrict row, int64_t terms, double shift,
                              const double *restrict value, int64_t stride, int64_t n)
{
    int64_t i = 0;
    for (; i + COLUMN_BLOCK <= n; i += COLUMN_BLOCK)
        radius_block(out + i, row, terms, shift, value + i, stride, 4);
    for (; i + COLUMN_WIDE <= n; i += COLUMN_WIDE)
        radius_block(out + i, row, terms, shift, value + i, stride, 1);
    for (; i < n; ++i) {
        double z = -shift;
        for (int64_t j = 0; j < terms; ++j)
            z += row[j] * value[j * stride + i];
        out[i] += z * z;
    }
}

/* out_i = |W (x_i - mean)|^2, W lower triangular, d x d. */
static void columns_radius(double *restrict out, const double *restrict value, int64_t stride, int64_t n, int64_t d,
                           const double *restrict mean, const double *restrict lower)
{
    memset(out, 0, (size_t)n * sizeof *out);
    for (int64_t i = 0; i < d; ++i) {
        double shift = 0;
        for (int64_t j = 0; j <= i; ++j)
            shift += lower[i * d + j] * mean[j];
        radius_row(out, lower + i * d, i + 1, shift, value, stride, n);
    }
}

/* x <- W x in place, out = |x|^2 after it. */
static void columns_whiten(double *restrict out, double *value, int64_t stride, int64_t n, int64_t d,
                           const double *restrict lower)
{
    memset(out, 0, (size_t)n * sizeof *out);
    for (int64_t i = d - 1; i >= 0; --i) { /* from the last: row i needs columns up to i only */
        double *restrict column = value + i * stride;
        for (int64_t p = 0; p < n; ++p)
            column[p] *= lower[i * d + i];
        for (int64_t j = 0; j < i; ++j) {
            const double *restrict other = value + j * stride;
            double factor = lower[i * d + j];
            for (int64_t p = 0; p < n; ++p)
                column[p] += factor * other[p];
        }
        for (int64_t p = 0; p < n; ++p)
            out[p] += column[p] * column[p];
    }
}

/* ---- choices ----------------------------------------------------------------------------------------------------- */

/* side_i = 1 where b far_i < a near_i, 0 elsewhere; returns how many changed. */
static int64_t columns_side(int64_t *restrict side, const double *restrict near, double a, const double *restrict far,
                            double b, int64_t n)
{
    int64_t moved = 0;
    for (int64_t i = 0; i < n; ++i) {
        int64_t nearer = b * far[i] < a * near[i];
        moved += nearer != side[i];
        side[i] = nearer;
    }
    return moved;
}

/* weight_i = 1 where side_i = k, 0 elsewhere; returns how many are 1. */
static int64_t columns_members(double *restrict weight, const int64_t *restrict side, int64_t k, int64_t n)
{
    const int64_t one = (int64_t)mote_bits_of(1);
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) {
        int64_t is_member = side[i] == k, bits = one & -is_member;
        memcpy(&weight[i], &bits, sizeof bits);
        count += is_member;
    }
    return count;
}

/* x where the mask says so, else `other`. */
static inline wide wide_choose(wide_bits mask, wide x, wide other)
{
    return (wide)(((wide_bits)x & mask) | ((wide_bits)other & ~mask));
}

/* The larger ones of `most` and, where the weight is the wanted one, of x. */
static inline wide larger_members(wide most, const double *x, const double *weight, wide wanted)
{
    wide value = wide_load(x);
    return wide_choose((wide_load(weight) == wanted) & (value > most), value, most);
}

/* The largest x_i with weight_i = wanted, at least `least`. NaN is never the largest. */
static double columns_largest(const double *restrict x, const double *restrict weight, double wanted, double least,
                              int64_t n)
{
    wide first = wide_set(least), second = first, target = wide_set(wanted);
    double out = least;
    int64_t i = 0;
    for (; i + 2 * COLUMN_WIDE <= n; i += 2 * COLUMN_WIDE) {
        first = larger_members(first, x + i, weight + i, target);
        second = larger_members(second, x + i + COLUMN_WIDE, weight + i + COLUMN_WIDE, target);
    }
    for (; i + COLUMN_WIDE <= n; i += COLUMN_WIDE)
        first = larger_members(first, x + i, weight + i, target);
    first = wide_choose(first > second, first, second);
    for (int k = 0; k < COLUMN_WIDE; ++k)
        out = first[k] > out ? first[k] : out;
    for (; i < n; ++i)
        out = weight[i] == wanted && x[i] > out ? x[i] : out;
    return out;
}

/* The place of the first key that equals x, or -1. */
static int64_t columns_find(const double *restrict key, int64_t n, double x)
{
    int64_t i = 0;
    for (; i + COLUMN_BLOCK <= n; i += COLUMN_BLOCK) {
        int64_t found = 0;
        for (int64_t k = 0; k < COLUMN_BLOCK; ++k)
            found |= key[i + k] == x;
        if (found)
            break;
    }
    for (; i < n; ++i)
        if (key[i] == x)
            return i;
    return -1;
}

/* Of keys that are not negative, by their bits: doubles from 0 up, read as whole numbers, are in the same order;
 * negative ones are behind the others when read without sign, and before them with.
 *
 * key_i = min(key_i, distance_i); returns the place of the smallest key that is not negative (of equal ones the first),
 * -1 when there is none. */
static int64_t columns_nearest(double *restrict key, const double *restrict distance, int64_t n)
{
    uint64_t least = mote_bits_of(INFINITY);
    double shortest;
    for (int64_t i = 0; i < n; ++i) {
        uint64_t bits;
        key[i] = distance[i] < key[i] ? distance[i] : key[i];
        memcpy(&bits, &key[i], sizeof bits);
        least = bits < least ? bits : least;
    }
    memcpy(&shortest, &least, sizeof shortest);
    return shortest < INFINITY ? columns_find(key, n, shortest) : -1;
}

/* The largest of the keys that are not negative, 0 when there is none. */
static double columns_farthest(const double *restrict key, int64_t n)
{
    int64_t most = 0;
    double out;
    for (int64_t i = 0; i < n; ++i) {
        int64_t bits;
        memcpy(&bits, &key[i], sizeof bits);
        most = bits > most ? bits : most;
    }
    memcpy(&out, &most, sizeof out);
    return out;
}

#endif
