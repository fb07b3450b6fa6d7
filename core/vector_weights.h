/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Particle weights, block by block: log-weights to weights, and the whole-number arithmetic of resampling (Murray, Lee
 * and Jacob 2016 on what floating prefix sums do to large numbers of particles). Only core/vector_kernels.c includes
 * this file.
 *
 * Fixed point: q_i = round(w_i factor low high), at most 2^52, with low high a power of two. Sums of q are whole
 * numbers below 2^64, so that any grouping over lanes, blocks, threads or machines gives the same bits. */
#ifndef MOTE_CORE_VECTOR_WEIGHTS_H
#define MOTE_CORE_VECTOR_WEIGHTS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/vector.h"
#include "core/vector_inline.h"

#if defined __x86_64__ && defined __AVX2__ && defined __FMA__ && !defined __AVX512F__
#define MOTE_AVX2_BY_HAND
#include "core/vector_avx2.h"
#endif

/* Whatever the width of a register is, 32 series run side by side: i mod 32 tells an entry's series. */
#if defined __AVX512F__
#define WEIGHT_WIDTH 8
#define EXPAND_LANES 8
#elif defined __AVX2__
#define WEIGHT_WIDTH 4
#define EXPAND_LANES 8
#else
#define WEIGHT_WIDTH 2
#define EXPAND_LANES 4
#endif

enum { WEIGHT_SERIES = 32, WEIGHT_GROUPS = WEIGHT_SERIES / WEIGHT_WIDTH };

typedef double weight_numbers __attribute__((vector_size(8 * WEIGHT_WIDTH)));
typedef int64_t weight_masks __attribute__((vector_size(8 * WEIGHT_WIDTH)));

static inline weight_numbers weights_greater(weight_numbers a, weight_numbers b)
{
    weight_masks mask = a > b;
    return (weight_numbers)(((weight_masks)a & mask) | ((weight_masks)b & ~mask));
}

/* The largest that is not NaN; -inf when there is none. */
static double weights_maximum(const double *restrict x, int64_t n)
{
    weight_numbers lane[WEIGHT_GROUPS], value;
    double series[WEIGHT_SERIES], maximum = -INFINITY;
    int64_t i = 0;
    for (int64_t g = 0; g < WEIGHT_GROUPS; ++g)
        lane[g] = maximum - (weight_numbers){ 0 };
    for (; i + WEIGHT_SERIES <= n; i += WEIGHT_SERIES)
        for (int64_t g = 0; g < WEIGHT_GROUPS; ++g) {
            memcpy(&value, x + i + g * WEIGHT_WIDTH, sizeof value);
            lane[g] = weights_greater(value, lane[g]);
        }
    for (; i < n; ++i)
        maximum = x[i] > maximum ? x[i] : maximum;
    memcpy(series, lane, sizeof series);
    for (int64_t k = 0; k < WEIGHT_SERIES; ++k)
        maximum = series[k] > maximum ? series[k] : maximum;
    return maximum;
}

#if !defined MOTE_AVX2_BY_HAND
/* The series k = i mod 32 of the sum of whole groups of 32; returns how many numbers these are. */
static inline int64_t weights_series(double *restrict series, const double *restrict x, int64_t n)
{
    weight_numbers lane[WEIGHT_GROUPS], value;
    int64_t i = 0;
    for (int64_t g = 0; g < WEIGHT_GROUPS; ++g)
        lane[g] = (weight_numbers){ 0 };
    for (; i + WEIGHT_SERIES <= n; i += WEIGHT_SERIES)
        for (int64_t g = 0; g < WEIGHT_GROUPS; ++g) {
            memcpy(&value, x + i + g * WEIGHT_WIDTH, sizeof value);
            lane[g] += value;
        }
    memcpy(series, lane, sizeof lane);
    return i;
}
#endif

/* What is left is added to its series, and series are joined pairwise: k and k + 16, then k + 8, k + 4, k + 2, k + 1. */
static inline double weights_join(double *restrict series, const double *restrict rest, int64_t n)
{
    for (int64_t k = 0; k < n; ++k)
        series[k] += rest[k];
    for (int64_t width = WEIGHT_SERIES / 2; width > 0; width /= 2)
        for (int64_t k = 0; k < width; ++k)
            series[k] += series[k + width];
    return series[0];
}

/* weight_i = exp(log_weight_i - maximum) and their sum; with a maximum of -inf all are 0. Returns how many log-weights
 * are NaN or +inf: of these the sum tells. */
static int64_t weights_weigh(double *restrict weight, const double *restrict log_weight, int64_t n, double *maximum,
                             double *sum)
{
    double largest = weights_maximum(log_weight, n), series[WEIGHT_SERIES];
    double shift = largest > -INFINITY ? largest : 0.0; /* -inf - 0 = -inf, whose exponential is 0 */
    int64_t bad = 0, done;
#if defined MOTE_AVX2_BY_HAND
    done = avx2_weigh(weight, log_weight, n, shift, series);
#else
    for (int64_t i = 0; i < n; ++i) {
        double x = log_weight[i] - shift; /* at most 0 */
        weight[i] = mote_exp_bounded_inline(x < -1000.0 ? -1000.0 : x);
    }
    done = weights_series(series, weight, n);
#endif
    *maximum = largest;
    *sum = weights_join(series, weight + done, n - done);
    if (!(*sum < INFINITY))
        for (int64_t i = 0; i < n; ++i)
            bad += !(log_weight[i] < INFINITY);
    return bad;
}

/* The largest w_i factor; NaN when one is negative, NaN or infinite. As whole numbers, doubles from 0 up are in the
 * same order, those below have the sign bit, and what is not finite comes behind. */
static double weights_largest(const double *restrict weight, int64_t n, double factor)
{
    int64_t largest = 0, signs = 0;
    for (int64_t i = 0; i < n; ++i) {
        int64_t bits = (int64_t)mote_bits_of(weight[i] * factor + 0.0); /* -0 becomes 0 */
        largest = bits > largest ? bits : largest;
        signs |= bits;
    }
    return signs >= 0 && (uint64_t)largest < mote_bits_of(INFINITY) ? mote_double_of((uint64_t)largest) : NAN;
}

/* q_i and their sum. Adding 2^52 rounds to the nearest whole number, which then is in the low bits. */
static uint64_t weights_fixed(uint64_t *restrict fixed, const double *restrict weight, int64_t n, double factor,
                              double low, double high)
{
    uint64_t sum = 0;
    for (int64_t i = 0; i < n; ++i) {
        fixed[i] = mote_bits_of(weight[i] * factor * low * high + 0x1p52) - UINT64_C(0x4330000000000000);
        sum += fixed[i];
    }
    return sum;
}

#if defined __AVX512F__ && defined __has_builtin
#if __has_builtin(__builtin_shufflevector)
#define WEIGHT_SCAN 8
#endif
#endif

/* fixed_i = before + fixed_0 + ... + fixed_i */
#if defined WEIGHT_SCAN
typedef uint64_t weight_lanes __attribute__((vector_size(8 * WEIGHT_SCAN)));

static uint64_t weights_prefix(uint64_t *fixed, int64_t n, uint64_t before)
{
    const weight_lanes zero = { 0 };
    weight_lanes carry = before - zero, x;
    int64_t i = 0;
    for (; i + WEIGHT_SCAN <= n; i += WEIGHT_SCAN) {
        memcpy(&x, fixed + i, sizeof x);
        x += __builtin_shufflevector(zero, x, 0, 8, 9, 10, 11, 12, 13, 14);
        x += __builtin_shufflevector(zero, x, 0, 1, 8, 9, 10, 11, 12, 13);
        x += __builtin_shufflevector(zero, x, 0, 1, 2, 3, 8, 9, 10, 11);
        weight_lanes sum = __builtin_shufflevector(x, x, 7, 7, 7, 7, 7, 7, 7, 7);
        x += carry;
        carry += sum;
        memcpy(fixed + i, &x, sizeof x);
    }
    before = carry[0];
    for (; i < n; ++i)
        fixed[i] = before += fixed[i];
    return before;
}
#else
static uint64_t weights_prefix(uint64_t *fixed, int64_t n, uint64_t before)
{
    for (int64_t i = 0; i < n; ++i)
        fixed[i] = before += fixed[i];
    return before;
}
#endif

/* The nearest double, as the processor's conversion (which AVX2 lacks): of both halves, joined by one rounding. */
static inline double weights_double_of(uint64_t x)
{
#if defined __AVX512DQ__
    return (double)x;
#else
    double high = mote_double_of(x >> 32 | UINT64_C(0x4530000000000000)) - 0x1.00000001p84; /* less 2^52, exactly */
    return high + mote_double_of((x & UINT64_C(0xffffffff)) | UINT64_C(0x4330000000000000));
#endif
}

/* end_i = ceil(C_i ratio - u) in [0, count], and count where C_i is the total. */
static void weights_end_slots(int32_t *restrict end, const uint64_t *restrict cumulative, int64_t n, uint64_t total,
                              double ratio, double u, int64_t count)
{
    const double most = (double)count, magic = 0x1.8p52;
    for (int64_t i = 0; i < n; ++i) {
        double x = weights_double_of(cumulative[i]) * ratio - u;
        double whole = (x + magic) - magic;
        whole += whole < x ? 1.0 : 0.0;
        whole = whole > 0.0 ? whole : 0.0;
        whole = whole < most ? whole : most;
        end[i] = (int32_t)(cumulative[i] == total ? most : whole);
    }
}

/* The sum of the q alone, and all the way from weights to end slots. */
static uint64_t weights_total(const double *restrict weight, int64_t n, double factor, double low, double high)
{
    uint64_t fixed[MOTE_WEIGHT_BLOCK];
#if defined MOTE_AVX2_BY_HAND
    const double scale = avx2_scale(factor, low, high);
    if (scale > 0)
        return avx2_total(weight, n, scale);
#endif
    return weights_fixed(fixed, weight, n, factor, low, high);
}

static uint64_t weights_ends(int32_t *restrict end, const double *restrict weight, int64_t n, double factor, uint64_t before,
                             const mote_weight_slots *slots)
{
    uint64_t fixed[MOTE_WEIGHT_BLOCK];
#if defined MOTE_AVX2_BY_HAND
    const double scale = avx2_scale(factor, slots->low, slots->high);
    if (scale > 0)
        return avx2_ends(end, weight, n, scale, before, slots);
#endif
    weights_fixed(fixed, weight, n, factor, slots->low, slots->high);
    before = weights_prefix(fixed, n, before);
    weights_end_slots(end, fixed, n, slots->total, slots->ratio, slots->u, slots->count);
    return before;
}

/* The same with a uniform of its own for each slot: end_i = s + [u_s < C_i ratio - s], s = floor(C_i ratio). */
static void weights_strata(int32_t *restrict end, const uint64_t *restrict cumulative, int64_t n, uint64_t total,
                           double ratio, const double *restrict u, int64_t count)
{
    const double last = (double)(count - 1);
    for (int64_t i = 0; i < n; ++i) {
        double x = weights_double_of(cumulative[i]) * ratio;
        double slot = x < last ? x : last;
        int32_t whole = (int32_t)slot; /* rounds down */
        int32_t taken = u[whole] < x - (double)whole;
        end[i] = cumulative[i] == total ? (int32_t)count : whole + taken;
    }
}

/* The whole numbers as doubles times a factor. */
static void weights_numbers(double *restrict out, const uint64_t *restrict whole, int64_t n, double factor)
{
    for (int64_t i = 0; i < n; ++i)
        out[i] = weights_double_of(whole[i]) * factor;
}

#if !defined MOTE_AVX2_BY_HAND
/* ancestor[k] = index + i for k in [edge_i, edge_(i+1)), i < n. Each parent stores a whole vector of its index at its
 * first slot and the next overwrites what was too much; then the counts above the vector's are filled up, and the last
 * few parents write singly, so that nothing behind edge_n is touched. */
typedef int32_t weight_indices __attribute__((vector_size(4 * EXPAND_LANES)));

static void weights_expand_first(int32_t *restrict ancestor, const int32_t *restrict edge, int64_t n, int64_t index)
{
    const weight_indices one = 1 - (weight_indices){ 0 };
    weight_indices value = (int32_t)index - (weight_indices){ 0 };
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (int64_t k = 0; k < 4; ++k, value += one)
            memcpy(ancestor + edge[i + k], &value, sizeof value);
    for (; i < n; ++i, value += one)
        memcpy(ancestor + edge[i], &value, sizeof value);
}

/* The last vector of a long run ends where the run ends. */
static void weights_expand_run(int32_t *restrict ancestor, int32_t from, int32_t to, int64_t index)
{
    const weight_indices value = (int32_t)index - (weight_indices){ 0 };
    const int32_t last = to - EXPAND_LANES;
    for (int32_t at = from + EXPAND_LANES; at < to; at += EXPAND_LANES)
        memcpy(ancestor + (at < last ? at : last), &value, sizeof value);
}

static int weights_any_long(const int32_t *restrict edge)
{
    int32_t sign = 0;
    for (int64_t k = 0; k < 16; ++k)
        sign |= EXPAND_LANES - (edge[k + 1] - edge[k]);
    return sign < 0;
}

static void weights_expand(int32_t *restrict ancestor, const int32_t *restrict edge, int64_t n, int64_t index)
{
    const int32_t last = edge[n] - EXPAND_LANES;
    int32_t whole = 0, large = 0;
    for (int64_t i = 0; i < n; ++i) {
        whole += edge[i] <= last;
        large += edge[i + 1] - edge[i] > EXPAND_LANES;
    }
    weights_expand_first(ancestor, edge, whole, index);
    for (int64_t i = 0; large && i < whole; i += 16)
        if (i + 16 > n || weights_any_long(edge + i))
            for (int64_t k = i; k < i + 16 && k < whole; ++k)
                weights_expand_run(ancestor, edge[k], edge[k + 1], index + k);
    for (int64_t i = whole; i < n; ++i)
        for (int32_t at = edge[i]; at < edge[i + 1]; ++at)
            ancestor[at] = (int32_t)(index + i);
}
#endif

#endif
