/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exp, log and sincos(2 pi v) as branch-free scalar functions of explicit fma: the compiler turns loops over them into
 * vector code, and every build gives the same bits. Without the FMA instruction fma() is a slow library call: code
 * that is compiled for the baseline calls mote_exp and mote_log of core/vector.h instead.
 *
 * exp: x = k ln 2 + r, |r| <= ln 2 / 2, k by the rounding constant 1.5 2^52, ln 2 in two parts (k times the first is
 *     exact); e^r = 1 + (r + r^2 P(r)), P of degree 9; the exponent is added in two halves, so that subnormal results
 *     are rounded once and the largest survive. Largest relative error found 1.7e-16.
 * log: x = 2^k m, sqrt(1/2) <= m < sqrt 2, f = m - 1, s = f / (2 + f); log m = 2 atanh s = f - s (f - s^2 R(s^2)),
 *     R of degree 6 (the form of fdlibm). Subnormals are scaled by 2^54 first. Largest relative error 1.5e-16.
 * sincos: 2 v = q / 2 + w, |w| <= 1/4; sin pi w = w S(w^2), cos pi w = 1 + w^2 C(w^2), exchanged and negated by q.
 * The coefficients interpolate at Chebyshev nodes and were rounded to double; truncation is below 2e-17. */
#ifndef MOTE_CORE_VECTOR_INLINE_H
#define MOTE_CORE_VECTOR_INLINE_H

#include <math.h>
#include <stdint.h>

/* By a union: memcpy would be a checked call under _FORTIFY_SOURCE, which the vectoriser does not see through. */
typedef union mote_punned {
    double number;
    uint64_t bits;
} mote_punned;

static inline uint64_t mote_bits_of(double x)
{
    return (mote_punned){ .number = x }.bits;
}

static inline double mote_double_of(uint64_t bits)
{
    return (mote_punned){ .bits = bits }.number;
}

#define MOTE_LN2_HIGH 0x1.62e42feep-1 /* 31 bits: exact when multiplied by an exponent */
#define MOTE_LN2_LOW  0x1.a39ef35793c76p-33

/* |bounded| <= 1000, or NaN */
static inline double mote_exp_bounded_inline(double bounded)
{
    const double magic = 0x1.8p52; /* adding it rounds to an integer, held in the low bits */
    double shifted = fma(bounded, 0x1.71547652b82fep+0, magic);
    double k = shifted - magic;
    double r = fma(k, -MOTE_LN2_LOW, fma(k, -MOTE_LN2_HIGH, bounded));
    double p = 0x1.af38a71a18cb9p-26;
    p = fma(p, r, 0x1.2891834686c7ep-22);
    p = fma(p, r, 0x1.71de0daf7a6ccp-19);
    p = fma(p, r, 0x1.a019b90eefe8ep-16);
    p = fma(p, r, 0x1.a01a01a7c3d59p-13);
    p = fma(p, r, 0x1.6c16c1788b646p-10);
    p = fma(p, r, 0x1.11111111109b4p-7);
    p = fma(p, r, 0x1.5555555553d64p-5);
    p = fma(p, r, 0x1.5555555555556p-3);
    p = fma(p, r, 0.5);
    p = 1.0 + fma(r * r, p, r);
    /* k + 2046 > 0, halved by logical shifts: AVX2 has no arithmetic shift of 64 bits. */
    uint64_t exponent = mote_bits_of(shifted) - UINT64_C(0x4338000000000000) + 2046;
    uint64_t half = exponent >> 1;
    return p * mote_double_of(half << 52) * mote_double_of((exponent - half) << 52);
}

static inline double mote_exp_inline(double x)
{
    double bounded = x > 1000.0 ? 1000.0 : x;
    bounded = bounded < -1000.0 ? -1000.0 : bounded;
    double result = mote_exp_bounded_inline(bounded);
    return x != x ? x : result;
}

/* log of a normal number x > 0 times 2^-scale. */
static inline double mote_log_normal_inline(double x, double scale)
{
    const uint64_t root_half = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff0000000000000);
    uint64_t bits = mote_bits_of(x) + (one - root_half);
    double k = mote_double_of(bits >> 52 | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023.0 + scale);
    double f = mote_double_of((bits & UINT64_C(0x000fffffffffffff)) + root_half) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double p = 0x1.2b584aae78a57p-3;
    p = fma(p, z, 0x1.39fe606542ddep-3);
    p = fma(p, z, 0x1.7462b4ab2ef6bp-3);
    p = fma(p, z, 0x1.c71c62e5800a1p-3);
    p = fma(p, z, 0x1.2492492df148dp-2);
    p = fma(p, z, 0x1.99999999952e2p-2);
    p = fma(p, z, 0x1.5555555555558p-1);
    double half_square = 0.5 * f * f;
    double correction = fma(s, fma(z, p, half_square), k * MOTE_LN2_LOW);
    return fma(k, MOTE_LN2_HIGH, f - (half_square - correction));
}

static inline double mote_log_inline(double x)
{
    int small = x < 0x1p-1022;
    double result = mote_log_normal_inline(small ? x * 0x1p54 : x, small ? 54.0 : 0.0);
    result = x <= 0x1.fffffffffffffp+1023 ? result : x; /* +inf and NaN are their own logarithms */
    result = x == 0.0 ? -INFINITY : result;
    return x < 0.0 ? NAN : result;
}

/* sin and cos of pi (w + q / 2), |w| <= 1/4; q is in the two highest bits of `top`, and the others do not count. */
static inline void mote_sincos_reduced_inline(double w, uint64_t top, double *sine, double *cosine)
{
    const uint64_t sign = UINT64_C(0x8000000000000000);
    double t = w * w;
    double s = 0x1.e4a9d9166f052p-12;
    s = fma(s, t, -0x1.e3027dea82bd7p-8);
    s = fma(s, t, 0x1.50783208843ebp-4);
    s = fma(s, t, -0x1.32d2cce500387p-1);
    s = fma(s, t, 0x1.466bc6775a476p+1);
    s = fma(s, t, -0x1.4abbce625be52p+2);
    s = w * fma(s, t, 0x1.921fb54442d18p+1);
    double c = -0x1.b2f3eb054afcdp-14;
    c = fma(c, t, 0x1.f9ce245cada0bp-10);
    c = fma(c, t, -0x1.a6d1eef479be1p-6);
    c = fma(c, t, 0x1.e1f5068688d5bp-3);
    c = fma(c, t, -0x1.55d3c7e3cb241p+0);
    c = fma(c, t, 0x1.03c1f081b5ac0p+2);
    c = fma(c, t, -0x1.3bd3cc9be45dep+2);
    c = fma(c, t, 1.0);
    uint64_t odd = top << 1;
    int exchange = (int64_t)odd < 0;
    double first = exchange ? c : s, second = exchange ? s : c;
    *sine = mote_double_of(mote_bits_of(first) ^ (top & sign));
    *cosine = mote_double_of(mote_bits_of(second) ^ ((top ^ odd) & sign));
}

/* sin and cos of 2 pi v, 0 <= v < 1. */
static inline void mote_sincos_2pi_inline(double v, double *sine, double *cosine)
{
    const double magic = 0x1.8p52;
    double shifted = fma(v, 4.0, magic);
    mote_sincos_reduced_inline(fma(shifted - magic, -0.5, v + v), mote_bits_of(shifted) << 62, sine, cosine);
}

/* Inside (0, 1): ((bits >> 12) + 1/2) 2^-52, exact. */
static inline double mote_uniform_inline(uint64_t bits)
{
    return mote_double_of(bits >> 12 | UINT64_C(0x3ff0000000000000)) - 0x1.fffffffffffffp-1;
}

/* sqrt(-2 log u), 2^-1022 <= u < 1: log as above, but m - 1 and m + 1 enter the quotient directly and ln 2 in one part,
 * which keeps 2.4e-16 of relative precision down to u = 1 - 2^-53 with a third fewer operations. */
static inline double mote_radius_inline(double u)
{
    const uint64_t root_half = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff0000000000000);
    uint64_t bits = mote_bits_of(u) + (one - root_half);
    double k = mote_double_of(bits >> 52 | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023.0);
    double m = mote_double_of((bits & UINT64_C(0x000fffffffffffff)) + root_half);
    double s = (m - 1.0) / (m + 1.0);
    double z = s * s;
    double p = -0x1.2b584aae78a57p-2; /* -2 R */
    p = fma(p, z, -0x1.39fe606542ddep-2);
    p = fma(p, z, -0x1.7462b4ab2ef6bp-2);
    p = fma(p, z, -0x1.c71c62e5800a1p-2);
    p = fma(p, z, -0x1.2492492df148dp-1);
    p = fma(p, z, -0x1.99999999952e2p-1);
    p = fma(p, z, -0x1.5555555555558p+0);
    p = fma(p, z, -4.0);
    return sqrt(fma(k, -0x1.62e42fefa39efp+0, s * p));
}

/* Two independent normals from two uniforms (Box and Muller 1958). */
static inline void mote_box_muller_inline(double u, double v, double *first, double *second)
{
    double sine, cosine, radius = mote_radius_inline(u);
    mote_sincos_2pi_inline(v, &sine, &cosine);
    *first = radius * cosine;
    *second = radius * sine;
}

/* sin and cos of 2 pi v, v the uniform of a random word: the same bits with less work. v = j 2^-53 with
 * j = (word >> 11) | 1; adding 2^50 (1/8) puts the quadrant in bits 51 and 52 of j and v - q/4 + 1/8 below them. */
static inline void mote_sincos_word_inline(uint64_t word, double *sine, double *cosine)
{
    const uint64_t below = (UINT64_C(1) << 51) - 2, one = UINT64_C(0x3ff0000000000001);
    uint64_t turned = (word >> 11) + (UINT64_C(1) << 50);
    mote_sincos_reduced_inline(mote_double_of((turned & below) | one) - 1.25, turned << 11, sine, cosine);
}

/* Two independent normals from two random words. */
static inline void mote_normal_pair_inline(uint64_t a, uint64_t b, double *first, double *second)
{
    double sine, cosine, radius = mote_radius_inline(mote_uniform_inline(a));
    mote_sincos_word_inline(b, &sine, &cosine);
    *first = radius * cosine;
    *second = radius * sine;
}

#endif
