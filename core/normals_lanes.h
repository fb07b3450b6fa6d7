/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of normals in four lanes (AVX2): the operations of mote_normal_pair_inline (core/vector_inline.h), one by one
 * and with the same bits, in an order that suits 16 registers. The compiler's own loop over that function is the test,
 * and what every other instruction set uses.
 *
 * A pair waits some 90 cycles for a division, a polynomial and a root in turn, and has work for 16; a processor looks
 * two or three groups of lanes ahead. So the chain is cut: the division follows the ten rounds that made its word,
 * where the divider is idle, and the quotient waits in the first-level cache; three polynomials are summed side by
 * side; and the root of a group is taken while the polynomials of the next are under way. There is less to do, too:
 *     signs: before the exchange, cos and sin are +-C(t) and +-w S(t). The sign of both that the half turn gives (bit
 *     63 of the turned word) goes to the radius, that of sin alone which the quarter gives (bit 62) to w;
 *     order: lanes 0, 1, 2, 3 hold pairs 0, 2, 1, 3, so that interleaving halves of registers writes pairs in order. */
#ifndef MOTE_CORE_NORMALS_LANES_H
#define MOTE_CORE_NORMALS_LANES_H

#include "core/philox_lanes.h"

#if defined __x86_64__ && defined __AVX2__ && defined __FMA__ && !defined __AVX512F__
#define MOTE_NORMALS_LANES 1

typedef double mote_reals __attribute__((vector_size(8 * MOTE_LANES)));

/* NORMALS_ROW: pairs that are in work at a time; whole groups. */
enum { NORMALS_ROW = 16 * MOTE_PHILOX_GROUP };

/* u = 2^k m of the first word, the quotient (m - 1) / (m + 1), and the second word. */
typedef struct normals_row {
    mote_reals quotient[NORMALS_ROW / MOTE_LANES], exponent[NORMALS_ROW / MOTE_LANES];
    mote_lanes angle[NORMALS_ROW / MOTE_LANES];
} normals_row;

static inline mote_reals normals_set(double x)
{
    return (mote_reals){ x, x, x, x };
}

static inline mote_reals normals_fma(mote_reals a, mote_reals b, double c)
{
    return (mote_reals)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)normals_set(c));
}

/* low + (high << 32), where the upper half of low is arbitrary */
static inline mote_lanes normals_join(mote_lanes low, mote_lanes high)
{
    return (mote_lanes)_mm256_blend_epi32((__m256i)low, (__m256i)(high << 32), 0xaa);
}

/* Counters in lanes 0, 1, 2, 3 <-> 0, 2, 1, 3 */
static inline void normals_order(mote_philox_row *row)
{
    for (int g = 0; g < MOTE_LANES_SIDE; ++g)
        row->place[g] = (mote_lanes)_mm256_permute4x64_epi64((__m256i)row->place[g], 0xd8);
}

/* The first half of mote_radius_inline(mote_uniform_inline(word)). */
static inline void normals_divide(mote_reals *quotient, mote_reals *exponent, mote_lanes word)
{
    const uint64_t root_half = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff0000000000000);
    mote_reals u = (mote_reals)(word >> 12 | mote_lanes_set(one)) - normals_set(0x1.fffffffffffffp-1);
    mote_lanes bits = (mote_lanes)u + mote_lanes_set(one - root_half);
    mote_lanes fraction = bits & mote_lanes_set(UINT64_C(0x000fffffffffffff));
    mote_reals m = (mote_reals)(fraction + mote_lanes_set(root_half));
    *exponent = (mote_reals)(bits >> 52 | mote_lanes_set(UINT64_C(0x4330000000000000))) - normals_set(0x1p52 + 1023.0);
    *quotient = (m - normals_set(1.0)) / (m + normals_set(1.0));
}

/* What is left of a pair before the root. */
typedef struct normals_group {
    mote_reals square, sine, cosine; /* square: -2 log u */
    mote_lanes half;                 /* whose highest bit is the sign of sine and cosine */
} normals_group;

/* The second half of mote_radius_inline, before the root, and mote_sincos_word_inline: three sums side by side. */
static inline normals_group normals_sum(mote_reals quotient, mote_reals exponent, mote_lanes word)
{
    const uint64_t below = (UINT64_C(1) << 51) - 2, one = UINT64_C(0x3ff0000000000001);
    normals_group group = { .half = word + mote_lanes_set(UINT64_C(1) << 61) };
    mote_lanes odd = group.half + group.half;
    mote_reals w = (mote_reals)((group.half >> 11 & mote_lanes_set(below)) | mote_lanes_set(one)) - normals_set(1.25);
    mote_reals z = quotient * quotient, t = w * w;
    mote_reals p = normals_set(-0x1.2b584aae78a57p-2);
    mote_reals s = normals_set(0x1.e4a9d9166f052p-12);
    mote_reals c = normals_set(-0x1.b2f3eb054afcdp-14);
    p = normals_fma(p, z, -0x1.39fe606542ddep-2);
    s = normals_fma(s, t, -0x1.e3027dea82bd7p-8);
    c = normals_fma(c, t, 0x1.f9ce245cada0bp-10);
    p = normals_fma(p, z, -0x1.7462b4ab2ef6bp-2);
    s = normals_fma(s, t, 0x1.50783208843ebp-4);
    c = normals_fma(c, t, -0x1.a6d1eef479be1p-6);
    p = normals_fma(p, z, -0x1.c71c62e5800a1p-2);
    s = normals_fma(s, t, -0x1.32d2cce500387p-1);
    c = normals_fma(c, t, 0x1.e1f5068688d5bp-3);
    p = normals_fma(p, z, -0x1.2492492df148dp-1);
    s = normals_fma(s, t, 0x1.466bc6775a476p+1);
    c = normals_fma(c, t, -0x1.55d3c7e3cb241p+0);
    p = normals_fma(p, z, -0x1.99999999952e2p-1);
    s = normals_fma(s, t, -0x1.4abbce625be52p+2);
    c = normals_fma(c, t, 0x1.03c1f081b5ac0p+2);
    p = normals_fma(p, z, -0x1.5555555555558p+0);
    s = normals_fma(s, t, 0x1.921fb54442d18p+1);
    c = normals_fma(c, t, -0x1.3bd3cc9be45dep+2);
    p = normals_fma(p, z, -4.0);
    w = (mote_reals)((mote_lanes)w ^ (odd & mote_lanes_set(UINT64_C(0x8000000000000000))));
    s = w * s;
    c = normals_fma(c, t, 1.0);
    group.square = (mote_reals)_mm256_fmadd_pd((__m256d)exponent, (__m256d)normals_set(-0x1.62e42fefa39efp+0),
                                               (__m256d)(quotient * p));
    group.sine = (mote_reals)_mm256_blendv_pd((__m256d)s, (__m256d)c, (__m256d)odd);
    group.cosine = (mote_reals)_mm256_blendv_pd((__m256d)c, (__m256d)s, (__m256d)odd);
    return group;
}

/* Four pairs. */
static inline void normals_write(double *out, normals_group group)
{
    mote_lanes radius = (mote_lanes)_mm256_sqrt_pd((__m256d)group.square);
    mote_reals r = (mote_reals)(radius ^ (group.half & mote_lanes_set(UINT64_C(0x8000000000000000))));
    __m256d even = (__m256d)(r * group.cosine), odd = (__m256d)(r * group.sine);
    _mm256_storeu_pd(out, _mm256_unpacklo_pd(even, odd));
    _mm256_storeu_pd(out + MOTE_LANES, _mm256_unpackhi_pd(even, odd));
}

/* The next `groups` x MOTE_PHILOX_GROUP blocks, divided. */
static inline void normals_begin(normals_row *part, mote_philox_row *row, int64_t groups)
{
    mote_lanes c[MOTE_LANES_SIDE][4];
    for (int64_t i = 0; i < groups * MOTE_LANES_SIDE; i += MOTE_LANES_SIDE) {
        mote_philox_group(row, c);
        for (int g = 0; g < MOTE_LANES_SIDE; ++g) {
            normals_divide(&part->quotient[i + g], &part->exponent[i + g], normals_join(c[g][0], c[g][1]));
            part->angle[i + g] = normals_join(c[g][2], c[g][3]);
        }
    }
}

/* The n times four pairs of a row. */
static inline void normals_end(double *restrict out, const normals_row *part, int64_t n)
{
    normals_group last = normals_sum(part->quotient[0], part->exponent[0], part->angle[0]);
    for (int64_t i = 1; i < n; ++i, out += 2 * MOTE_LANES) {
        normals_group next = normals_sum(part->quotient[i], part->exponent[i], part->angle[i]);
        normals_write(out, last);
        last = next;
    }
    normals_write(out, last);
}

/* pairs <= NORMALS_ROW; further rows may follow only a full one. */
static inline void normals_lanes(double *restrict out, mote_philox_row *row, int64_t pairs)
{
    normals_row part;
    double last[2 * NORMALS_ROW];
    int64_t n = (pairs + MOTE_LANES - 1) / MOTE_LANES;
    int whole = pairs == n * MOTE_LANES;
    normals_order(row);
    normals_begin(&part, row, (pairs + MOTE_PHILOX_GROUP - 1) / MOTE_PHILOX_GROUP);
    normals_order(row);
    normals_end(whole ? out : last, &part, n);
    if (!whole)
        memcpy(out, last, 16 * (size_t)pairs);
}

#endif
#endif
