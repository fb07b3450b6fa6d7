/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernels of core/vector.h, compiled once per instruction set: MOTE_VARIANT is baseline, v3 or v4. The same C gives
 * the same bits in each, since every operation is an IEEE operation named here.
 *
 * Addressed numbers: block (x = draw, y = step, z = particle >> 1, w = purpose) has two words, the first for the even
 * particle of the pair and the second for the odd one. A normal is the cosine (even) or sine (odd) member of the
 * Box-Muller pair of both words. So any cut of a range of particles gives the same numbers. */
#include "core/normals_lanes.h"
#include "core/philox_lanes.h"
#include "core/vector.h"
#include "core/vector_columns.h"
#include "core/vector_inline.h"
#include "core/vector_variants.h"
#include "core/vector_weights.h"

#define JOIN(a, b) a##b
#define TABLE(variant) JOIN(mote_vector_, variant)
#define TEXT(name) #name
#define NAME(variant) TEXT(variant)

static double one_exp(double x)
{
    return mote_exp_inline(x);
}

static double one_log(double x)
{
    return mote_log_inline(x);
}

static void one_sincos(double v, double *sine, double *cosine)
{
    mote_sincos_2pi_inline(v, sine, cosine);
}

/* out may be x itself, but the compiler must know which of both it is. */
#define MAP(name, function)                                                                       \
    static void name##_apart(double *restrict out, const double *restrict x, int64_t n)          \
    {                                                                                             \
        for (int64_t i = 0; i < n; ++i)                                                           \
            out[i] = function(x[i]);                                                              \
    }                                                                                             \
    static void name##_in_place(double *x, int64_t n)                                             \
    {                                                                                             \
        for (int64_t i = 0; i < n; ++i)                                                           \
            x[i] = function(x[i]);                                                                \
    }                                                                                             \
    static void name(double *out, const double *x, int64_t n)                                     \
    {                                                                                             \
        if (out == x)                                                                             \
            name##_in_place(out, n);                                                              \
        else                                                                                      \
            name##_apart(out, x, n);                                                              \
    }

#if !defined MOTE_AVX2_BY_HAND
MAP(vector_exp, mote_exp_inline)
#endif
MAP(vector_log, mote_log_inline)

static void vector_box_muller(double *restrict out, const double *restrict uniforms, int64_t n)
{
    for (int64_t i = 0; i < n / 2; ++i)
        mote_box_muller_inline(uniforms[2 * i], uniforms[2 * i + 1], &out[2 * i], &out[2 * i + 1]);
}

struct address {
    uint64_t key;
    uint32_t purpose, step, draw;
};

static mote_philox_block block_at(struct address at, int64_t particle)
{
    return mote_philox(at.key, at.draw, at.step, (uint32_t)((uint64_t)particle >> 1), at.purpose);
}

/* ROW: blocks that are turned into numbers while they are in the first-level cache; whole groups of every width. */
enum { ROW = 96, GROUP = MOTE_PHILOX_GROUP };
#ifndef MOTE_NORMALS_LANES
enum { NORMALS_ROW = ROW };
#endif
_Static_assert(ROW % GROUP == 0, "rows are whole groups");

/* The next `pairs` <= ROW blocks, and up to GROUP - 1 more. */
static inline void next_blocks(mote_philox_row *row, uint64_t *first, uint64_t *second, int64_t pairs)
{
    for (int64_t i = 0; i < pairs; i += GROUP)
        mote_philox_next(row, first + i, second + i);
}

static inline void convert_bits(uint64_t *restrict out, mote_philox_row *row, int64_t pairs)
{
    uint64_t first[ROW], second[ROW];
    next_blocks(row, first, second, pairs);
    mote_philox_weave(out, first, second, pairs);
}

static inline void convert_uniforms(double *restrict out, mote_philox_row *row, int64_t pairs)
{
    uint64_t first[ROW], second[ROW];
    double even[ROW], odd[ROW];
    next_blocks(row, first, second, pairs);
    for (int64_t i = 0; i < pairs; ++i) {
        even[i] = mote_uniform_inline(first[i]);
        odd[i] = mote_uniform_inline(second[i]);
    }
    mote_philox_weave(out, even, odd, pairs);
}

static inline void convert_normals(double *restrict out, mote_philox_row *row, int64_t pairs)
{
#ifdef MOTE_NORMALS_LANES
    normals_lanes(out, row, pairs);
#else
    uint64_t first[ROW], second[ROW];
    double even[ROW], odd[ROW];
    next_blocks(row, first, second, pairs);
    for (int64_t i = 0; i < pairs; ++i)
        mote_normal_pair_inline(first[i], second[i], &even[i], &odd[i]);
    mote_philox_weave(out, even, odd, pairs);
#endif
}

/* One number of a pair: what stands at the ends of a range that begins or ends inside a pair. */
static uint64_t single_bits(struct address at, int64_t particle)
{
    mote_philox_block block = block_at(at, particle);
    return particle & 1 ? block.second : block.first;
}

static double single_uniform(struct address at, int64_t particle)
{
    return mote_uniform_inline(single_bits(at, particle));
}

static double single_normal(struct address at, int64_t particle)
{
    double first, second;
    mote_philox_block block = block_at(at, particle);
    mote_normal_pair_inline(block.first, block.second, &first, &second);
    return particle & 1 ? second : first;
}

#define FILL(name, type, single, convert, length)                                                                  \
    static void name(type *out, uint64_t key, uint32_t purpose, uint32_t step, uint32_t draw, int64_t first,       \
                     int64_t n)                                                                                    \
    {                                                                                                              \
        const struct address at = { key, purpose, step, draw };                                                    \
        mote_philox_row row;                                                                                       \
        int64_t i = 0, pairs;                                                                                      \
        if (n > 0 && (first & 1))                                                                                  \
            out[i++] = single(at, first);                                                                          \
        mote_philox_begin(&row, key, draw, step, (uint32_t)((uint64_t)(first + i) >> 1), purpose);                 \
        for (; n - i >= 2; i += 2 * pairs) {                                                                       \
            pairs = (n - i) / 2 < length ? (n - i) / 2 : length;                                                   \
            convert(out + i, &row, pairs);                                                                         \
        }                                                                                                          \
        if (i < n)                                                                                                 \
            out[i] = single(at, first + i);                                                                        \
    }

FILL(fill_bits, uint64_t, single_bits, convert_bits, ROW)
FILL(fill_uniforms, double, single_uniform, convert_uniforms, ROW)
FILL(fill_normals, double, single_normal, convert_normals, NORMALS_ROW)

static void scattered_bits(uint64_t *first, uint64_t *second, uint64_t key, uint32_t purpose, uint32_t step,
                           const uint64_t *draw, const uint64_t *pair, int64_t n)
{
    mote_philox_scattered(first, second, key, draw, step, pair, purpose, n);
}

const mote_vector_table TABLE(MOTE_VARIANT) = {
    .name = NAME(MOTE_VARIANT),
    .exp = vector_exp,
    .log = vector_log,
    .philox_bits = fill_bits,
    .philox_uniforms = fill_uniforms,
    .philox_normals = fill_normals,
    .philox_scattered = scattered_bits,
    .box_muller = vector_box_muller,
    .one_exp = one_exp,
    .one_log = one_log,
    .one_sincos_2pi = one_sincos,
    .product = columns_product,
    .moments = columns_moments,
    .gather = columns_gather,
    .side_sums = columns_side_sums,
    .distance = columns_distance,
    .radius = columns_radius,
    .whiten = columns_whiten,
    .side = columns_side,
    .members = columns_members,
    .largest_member = columns_largest,
    .nearest = columns_nearest,
    .farthest = columns_farthest,
    .weigh = weights_weigh,
    .largest = weights_largest,
    .fixed = weights_fixed,
    .prefix = weights_prefix,
    .total = weights_total,
    .ends = weights_ends,
    .end_slots = weights_end_slots,
    .strata = weights_strata,
    .numbers = weights_numbers,
    .expand = weights_expand,
};
