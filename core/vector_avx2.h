/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels of weights and the exponential by hand for AVX2: operation by operation what the plain C beside them does
 * (core/vector_inline.h, core/vector_weights.h), so the same bits. Only core/vector_kernels.c includes this file.
 *
 * What a compiler does not do: it evaluates one vector of exponentials after the other, each a chain of 18 dependent
 * operations of 3 or 4 cycles, of which the processor's scheduler holds too few; it sums up one number at a time; it
 * converts 64-bit whole numbers in 8 operations where 5 are enough. */
#ifndef MOTE_CORE_VECTOR_AVX2_H
#define MOTE_CORE_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "core/vector_inline.h"

enum { AVX2_SIDE = 8, AVX2_GROUP = 4 * AVX2_SIDE, AVX2_EDGE = 4 }; /* vectors side by side, and their numbers */

/* ---- exp ---- */

static inline __m256d avx2_polynomial_step(__m256d p, __m256d r, double coefficient)
{
    return _mm256_fmadd_pd(p, r, _mm256_set1_pd(coefficient));
}

/* e^(x - shift) of a group as mote_exp_bounded_inline has it, added to `sum`; 0, and nothing is stored, when one of the
 * arguments is NaN or so large that the exponent must be added in two halves: 704 or more by its upper 32 bits. The
 * multiplying units are what takes the time here, so whole numbers tell. */
static inline __attribute__((always_inline)) int avx2_exp_group(double *out, const double *x, double shift, __m256d *sum)
{
    const __m256d magic = _mm256_set1_pd(0x1.8p52), less = _mm256_set1_pd(shift);
    const __m256i unsign = _mm256_set1_epi64x(INT64_MAX), most = _mm256_set1_epi64x(INT64_C(0x4085ffffffffffff));
    __m256d r[AVX2_SIDE], shifted[AVX2_SIDE], p[AVX2_SIDE];
    __m256i size = _mm256_setzero_si256();
    for (int g = 0; g < AVX2_SIDE; ++g) {
        r[g] = _mm256_sub_pd(_mm256_loadu_pd(x + 4 * g), less);
        size = _mm256_max_epi32(size, _mm256_and_si256(_mm256_castpd_si256(r[g]), unsign));
    }
    if (_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi32(size, most))))
        return 0;
    for (int g = 0; g < AVX2_SIDE; ++g) {
        shifted[g] = _mm256_fmadd_pd(r[g], _mm256_set1_pd(0x1.71547652b82fep+0), magic);
        const __m256d k = _mm256_sub_pd(shifted[g], magic);
        r[g] = _mm256_fmadd_pd(k, _mm256_set1_pd(-MOTE_LN2_HIGH), r[g]);
        r[g] = _mm256_fmadd_pd(k, _mm256_set1_pd(-MOTE_LN2_LOW), r[g]);
        p[g] = _mm256_set1_pd(0x1.af38a71a18cb9p-26);
    }
#define AVX2_STEP(coefficient)              \
    for (int g = 0; g < AVX2_SIDE; ++g)     \
        p[g] = avx2_polynomial_step(p[g], r[g], coefficient);
    AVX2_STEP(0x1.2891834686c7ep-22)
    AVX2_STEP(0x1.71de0daf7a6ccp-19)
    AVX2_STEP(0x1.a019b90eefe8ep-16)
    AVX2_STEP(0x1.a01a01a7c3d59p-13)
    AVX2_STEP(0x1.6c16c1788b646p-10)
    AVX2_STEP(0x1.11111111109b4p-7)
    AVX2_STEP(0x1.5555555553d64p-5)
    AVX2_STEP(0x1.5555555555556p-3)
    AVX2_STEP(0.5)
#undef AVX2_STEP
    for (int g = 0; g < AVX2_SIDE; ++g) {
        p[g] = _mm256_fmadd_pd(_mm256_mul_pd(r[g], r[g]), p[g], r[g]);
        p[g] = _mm256_add_pd(_mm256_set1_pd(1.0), p[g]);
        const __m256i exponent = _mm256_slli_epi64(_mm256_castpd_si256(shifted[g]), 52);
        p[g] = _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(p[g]), exponent));
        _mm256_storeu_pd(out + 4 * g, p[g]);
        sum[g] = _mm256_add_pd(sum[g], p[g]);
    }
    return 1;
}

/* What the groups leave: the plain functions, out of line to keep the loops above short. */
static __attribute__((noinline)) void avx2_exp_plain(double *out, const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        out[i] = mote_exp_inline(x[i]);
}

static __attribute__((noinline)) void avx2_weigh_plain(double *restrict weight, const double *restrict log_weight, int64_t n,
                                                       double shift)
{
    for (int64_t i = 0; i < n; ++i) {
        double x = log_weight[i] - shift;
        weight[i] = mote_exp_bounded_inline(x < -1000.0 ? -1000.0 : x);
    }
}

/* out may be x itself. */
static void vector_exp(double *out, const double *x, int64_t n)
{
    __m256d sum[AVX2_SIDE]; /* not used, so not made */
    int64_t i = 0;
    for (int g = 0; g < AVX2_SIDE; ++g)
        sum[g] = _mm256_setzero_pd();
    for (; i + AVX2_GROUP <= n; i += AVX2_GROUP)
        if (!avx2_exp_group(out + i, x + i, 0.0, sum))
            avx2_exp_plain(out + i, x + i, AVX2_GROUP);
    avx2_exp_plain(out + i, x + i, n - i);
}

/* weight_i = e^(log_weight_i - shift), and the sums of the whole groups by series. */
static int64_t avx2_weigh(double *restrict weight, const double *restrict log_weight, int64_t n, double shift, double *series)
{
    __m256d sum[AVX2_SIDE];
    int64_t i = 0;
    for (int g = 0; g < AVX2_SIDE; ++g)
        sum[g] = _mm256_setzero_pd();
    for (; i + AVX2_GROUP <= n; i += AVX2_GROUP)
        if (!avx2_exp_group(weight + i, log_weight + i, shift, sum)) {
            avx2_weigh_plain(weight + i, log_weight + i, AVX2_GROUP, shift);
            for (int g = 0; g < AVX2_SIDE; ++g)
                sum[g] = _mm256_add_pd(sum[g], _mm256_loadu_pd(weight + i + 4 * g));
        }
    avx2_weigh_plain(weight + i, log_weight + i, n - i, shift);
    memcpy(series, sum, sizeof sum);
    return i;
}

/* ---- whole-number weights ---- */

/* Factor low high as one number, which gives the same q: multiplication by powers of two commutes with rounding but for
 * what leaves the normal numbers, and such products are far too small for a q above 0. Out of range: 0. */
static inline double avx2_scale(double factor, double low, double high)
{
    const double power = low * high, scale = factor * power;
    return power > 0x1p-1000 && power < 0x1p1000 && scale > 0x1p-900 && scale < 0x1p900 ? scale : 0.0;
}

static inline uint64_t avx2_one_fixed(double weight, double scale)
{
    return mote_bits_of(weight * scale + 0x1p52) - UINT64_C(0x4330000000000000);
}

static inline __m256i avx2_fixed(const double *weight, double scale)
{
    const __m256d shifted = _mm256_add_pd(_mm256_mul_pd(_mm256_loadu_pd(weight), _mm256_set1_pd(scale)), _mm256_set1_pd(0x1p52));
    return _mm256_sub_epi64(_mm256_castpd_si256(shifted), _mm256_castpd_si256(_mm256_set1_pd(0x1p52)));
}

/* The sum of the q. */
static uint64_t avx2_total(const double *weight, int64_t n, double scale)
{
    __m256i side[4] = { _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256() };
    uint64_t lane[4], sum = 0;
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int g = 0; g < 4; ++g)
            side[g] = _mm256_add_epi64(side[g], avx2_fixed(weight + i + 4 * g, scale));
    for (; i < n; ++i)
        sum += avx2_one_fixed(weight[i], scale);
    side[0] = _mm256_add_epi64(_mm256_add_epi64(side[0], side[1]), _mm256_add_epi64(side[2], side[3]));
    _mm256_storeu_si256((__m256i *)(void *)lane, side[0]);
    return sum + lane[0] + lane[1] + lane[2] + lane[3];
}

/* Sums of EDGE vectors from *carry on, which is the same in all lanes. */
static inline __attribute__((always_inline)) void avx2_prefix(__m256i *x, __m256i *carry)
{
    __m256i sum[AVX2_EDGE];
    for (int g = 0; g < AVX2_EDGE; ++g)
        x[g] = _mm256_add_epi64(x[g], _mm256_slli_si256(x[g], 8)); /* 0, 0 1, 2, 2 3 */
    for (int g = 0; g < AVX2_EDGE; ++g)
        sum[g] = _mm256_blend_epi32(_mm256_setzero_si256(), _mm256_permute4x64_epi64(x[g], 0x55), 0xf0);
    for (int g = 0; g < AVX2_EDGE; ++g)
        x[g] = _mm256_add_epi64(x[g], sum[g]);
    for (int g = 0; g < AVX2_EDGE; ++g)
        sum[g] = _mm256_permute4x64_epi64(x[g], 0xff);
    for (int g = 0; g < AVX2_EDGE; ++g) {
        x[g] = _mm256_add_epi64(x[g], *carry);
        *carry = _mm256_add_epi64(*carry, sum[g]);
    }
}

/* The nearest double is 2^84 + 2^32 high less 2^84 + 2^52, and 2^52 + low, joined by one rounding; of its place
 * C ratio - u the ceiling, at most count, which is below 0 only where u is 1 or more. */
static inline __attribute__((always_inline)) void avx2_place(__m128i *end, const __m256i *cumulative, const mote_weight_slots *slots)
{
    const __m256i above = _mm256_castpd_si256(_mm256_set1_pd(0x1p84)), below = _mm256_castpd_si256(_mm256_set1_pd(0x1p52));
    __m256d x[AVX2_EDGE];
    for (int g = 0; g < AVX2_EDGE; ++g) {
        const __m256d high = _mm256_castsi256_pd(_mm256_or_si256(_mm256_srli_epi64(cumulative[g], 32), above));
        x[g] = _mm256_sub_pd(high, _mm256_set1_pd(0x1.00000001p84));
    }
    for (int g = 0; g < AVX2_EDGE; ++g)
        x[g] = _mm256_add_pd(x[g], _mm256_castsi256_pd(_mm256_blend_epi32(cumulative[g], below, 0xaa)));
    for (int g = 0; g < AVX2_EDGE; ++g)
        x[g] = _mm256_mul_pd(x[g], _mm256_set1_pd(slots->ratio));
    for (int g = 0; g < AVX2_EDGE; ++g)
        x[g] = _mm256_ceil_pd(_mm256_sub_pd(x[g], _mm256_set1_pd(slots->u)));
    for (int g = 0; g < AVX2_EDGE; ++g)
        end[g] = _mm_max_epi32(_mm256_cvttpd_epi32(_mm256_min_pd(x[g], _mm256_set1_pd((double)slots->count))), _mm_setzero_si128());
}

/* The ends of whole groups of 4 EDGE; returns the last sum. */
static inline uint64_t avx2_ends_of_groups(int32_t *restrict end, const double *restrict weight, int64_t n, double scale,
                                           uint64_t before, const mote_weight_slots *slots)
{
    const mote_weight_slots here = *slots;
    __m256i carry = _mm256_set1_epi64x((int64_t)before), x[AVX2_EDGE];
    __m128i place[AVX2_EDGE];
    for (int64_t i = 0; i + 4 * AVX2_EDGE <= n; i += 4 * AVX2_EDGE) {
        for (int g = 0; g < AVX2_EDGE; ++g)
            x[g] = avx2_fixed(weight + i + 4 * g, scale);
        avx2_prefix(x, &carry);
        avx2_place(place, x, &here);
        for (int g = 0; g < AVX2_EDGE; ++g)
            _mm_storeu_si128((__m128i *)(void *)(end + i + 4 * g), place[g]);
    }
    return (uint64_t)_mm256_extract_epi64(carry, 0);
}

/* Fixed point, prefix sums and end slots in one pass, in registers. */
static uint64_t avx2_ends(int32_t *restrict end, const double *restrict weight, int64_t n, double scale, uint64_t before,
                          const mote_weight_slots *slots)
{
    const int64_t whole = n - n % (4 * AVX2_EDGE);
    double rest[4 * AVX2_EDGE] = { 0 };
    int32_t last[4 * AVX2_EDGE];
    int64_t i = n;
    before = avx2_ends_of_groups(end, weight, whole, scale, before, slots);
    if (whole < n) {
        memcpy(rest, weight + whole, (size_t)(n - whole) * sizeof *rest);
        before = avx2_ends_of_groups(last, rest, 4 * AVX2_EDGE, scale, before, slots);
        memcpy(end + whole, last, (size_t)(n - whole) * sizeof *last);
    }
    while (before == slots->total && i-- > 0) { /* all that reach the total: back to the last that has weight */
        end[i] = (int32_t)slots->count;
        if (avx2_one_fixed(weight[i], scale))
            break;
    }
    return before;
}

/* ---- expansion ---- */

enum { AVX2_SPAN = 1024 }; /* slots at a time */

/* ancestor_k = index + the largest of mark_0..mark_k and `parent`; returns that largest of all. */
static inline __m256i avx2_spread(int32_t *restrict ancestor, const uint16_t *restrict mark, int64_t n, int32_t index, __m256i parent)
{
    const __m256i base = _mm256_set1_epi32(index), last = _mm256_set1_epi16(0x0f0e);
    int32_t rest[16];
    for (int64_t k = 0; k < n; k += 16) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(mark + k));
        x = _mm256_max_epu16(x, _mm256_slli_si256(x, 2));
        x = _mm256_max_epu16(x, _mm256_slli_si256(x, 4));
        x = _mm256_max_epu16(x, _mm256_slli_si256(x, 8));
        x = _mm256_max_epu16(x, _mm256_shuffle_epi8(_mm256_permute2x128_si256(x, x, 0x08), last)); /* 8 of the upper half */
        const __m256i largest = _mm256_shuffle_epi8(_mm256_permute4x64_epi64(x, 0xff), last);
        x = _mm256_max_epu16(x, parent);
        parent = _mm256_max_epu16(parent, largest);
        int32_t *to = n - k >= 16 ? ancestor + k : rest;
        const __m256i low = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(x)), high = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(x, 1));
        _mm256_storeu_si256((__m256i *)(void *)to, _mm256_add_epi32(low, base));
        _mm256_storeu_si256((__m256i *)(void *)(to + 8), _mm256_add_epi32(high, base));
        if (n - k < 16)
            memcpy(ancestor + k, rest, (size_t)(n - k) * sizeof *rest);
    }
    return parent;
}

/* Four parents; two edges at a time are loaded. */
static inline void avx2_mark(uint16_t *restrict mark, const int32_t *restrict edge, int32_t from, int64_t i)
{
    uint64_t first, second;
    memcpy(&first, edge, sizeof first);
    memcpy(&second, edge + 2, sizeof second);
    mark[(int32_t)first - from] = (uint16_t)i;
    mark[(int32_t)(first >> 32) - from] = (uint16_t)(i + 1);
    mark[(int32_t)second - from] = (uint16_t)(i + 2);
    mark[(int32_t)(second >> 32) - from] = (uint16_t)(i + 3);
}

/* Each parent marks its first slot, the last of those with the same slot stays, and marks spread to the right. Whatever
 * the numbers of offspring are, no branch depends on them but by spans of slots. */
static void weights_expand(int32_t *restrict ancestor, const int32_t *restrict edge, int64_t n, int64_t index)
{
    uint16_t mark[AVX2_SPAN + 16];
    __m256i parent = _mm256_setzero_si256();
    const int32_t end = edge[n];
    int64_t i = 0;
    for (int32_t from = edge[0]; from < end; from += AVX2_SPAN) {
        const int32_t size = end - from < AVX2_SPAN ? end - from : AVX2_SPAN;
        memset(mark, 0, sizeof mark);
        if (from + size == end)
            for (; i + 4 <= n; i += 4)
                avx2_mark(mark, edge + i, from, i);
        for (; i < n && edge[i] < from + size; ++i)
            mark[edge[i] - from] = (uint16_t)i;
        parent = avx2_spread(ancestor + from, mark, size, (int32_t)index, parent);
        if (size < AVX2_SPAN)
            break;
    }
}

#endif
