/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many Philox blocks at once, for the instruction set that this file is compiled for. Only the product of low halves
 * is an intrinsic (gcc 12 does not find the instruction in plain C); everywhere else than on x86-64 the plain
 * generator is used. Two groups of lanes run side by side, since one alone waits for its own products. */
#ifndef MOTE_CORE_PHILOX_LANES_H
#define MOTE_CORE_PHILOX_LANES_H

#include "core/philox.h"

/* Blocks z, z + 1, ... of one counter row are produced in whole groups: give room for `count` rounded up to this. */
#define MOTE_PHILOX_GROUP 16

#if defined __x86_64__

#include <immintrin.h>
#include <string.h>

#if defined __AVX512F__
#define MOTE_LANES 8
#define MOTE_LANES_MULTIPLY(a, b) (mote_lanes)_mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#elif defined __AVX2__
#define MOTE_LANES 4
#define MOTE_LANES_MULTIPLY(a, b) (mote_lanes)_mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#else
#define MOTE_LANES 2
#define MOTE_LANES_MULTIPLY(a, b) (mote_lanes)_mm_mul_epu32((__m128i)(a), (__m128i)(b))
#endif

typedef uint64_t mote_lanes __attribute__((vector_size(8 * MOTE_LANES)));

static inline mote_lanes mote_lanes_set(uint64_t value)
{
    return value - (mote_lanes){ 0 };
}

/* Ten rounds on two groups; c[g][i] is word i of group g. */
static inline void mote_philox_rounds(uint64_t key, mote_lanes c[2][4])
{
    const mote_lanes m0 = mote_lanes_set(MOTE_PHILOX_M0), m1 = mote_lanes_set(MOTE_PHILOX_M1);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; ++round) {
        mote_lanes key0 = mote_lanes_set(k0), key1 = mote_lanes_set(k1);
        for (int g = 0; g < 2; ++g) {
            mote_lanes p0 = MOTE_LANES_MULTIPLY(c[g][0], m0);
            mote_lanes p1 = MOTE_LANES_MULTIPLY(c[g][2], m1);
            c[g][0] = (p1 >> 32) ^ c[g][1] ^ key0;
            c[g][2] = (p0 >> 32) ^ c[g][3] ^ key1;
            c[g][1] = p1;
            c[g][3] = p0;
        }
        k0 += MOTE_PHILOX_W0;
        k1 += MOTE_PHILOX_W1;
    }
}

static inline void mote_philox_row(uint64_t *restrict first, uint64_t *restrict second, uint64_t key, uint32_t x,
                                   uint32_t y, uint32_t z, uint32_t w, int64_t count)
{
    const mote_lanes low = mote_lanes_set(MOTE_PHILOX_LOW);
    uint64_t start[2 * MOTE_LANES];
    mote_lanes place[2];
    for (int i = 0; i < 2 * MOTE_LANES; ++i)
        start[i] = z + (uint64_t)i;
    memcpy(place, start, sizeof place);
    for (int64_t j = 0; j < count; j += 2 * MOTE_LANES) {
        mote_lanes c[2][4];
        for (int g = 0; g < 2; ++g) {
            c[g][0] = mote_lanes_set(x);
            c[g][1] = mote_lanes_set(y);
            c[g][2] = place[g];
            c[g][3] = mote_lanes_set(w);
            place[g] += 2 * MOTE_LANES;
        }
        mote_philox_rounds(key, c);
        for (int g = 0; g < 2; ++g) {
            mote_lanes a = (c[g][0] & low) | (c[g][1] << 32), b = (c[g][2] & low) | (c[g][3] << 32);
            memcpy(first + j + g * MOTE_LANES, &a, sizeof a);
            memcpy(second + j + g * MOTE_LANES, &b, sizeof b);
        }
    }
}

/* The same at scattered places: block i has x = x_i, z = z_i (of both the low halves count). */
static inline void mote_philox_scattered(uint64_t *restrict first, uint64_t *restrict second, uint64_t key,
                                         const uint64_t *restrict x, uint32_t y, const uint64_t *restrict z, uint32_t w,
                                         int64_t count)
{
    const mote_lanes low = mote_lanes_set(MOTE_PHILOX_LOW);
    for (int64_t j = 0; j < count; j += 2 * MOTE_LANES) {
        mote_lanes c[2][4];
        for (int g = 0; g < 2; ++g) {
            memcpy(&c[g][0], x + j + g * MOTE_LANES, sizeof c[g][0]);
            memcpy(&c[g][2], z + j + g * MOTE_LANES, sizeof c[g][2]);
            c[g][1] = mote_lanes_set(y);
            c[g][3] = mote_lanes_set(w);
        }
        mote_philox_rounds(key, c);
        for (int g = 0; g < 2; ++g) {
            mote_lanes a = (c[g][0] & low) | (c[g][1] << 32), b = (c[g][2] & low) | (c[g][3] << 32);
            memcpy(first + j + g * MOTE_LANES, &a, sizeof a);
            memcpy(second + j + g * MOTE_LANES, &b, sizeof b);
        }
    }
}

#else

static inline void mote_philox_scattered(uint64_t *restrict first, uint64_t *restrict second, uint64_t key,
                                         const uint64_t *restrict x, uint32_t y, const uint64_t *restrict z, uint32_t w,
                                         int64_t count)
{
    for (int64_t j = 0; j < count; ++j) {
        mote_philox_block block = mote_philox(key, (uint32_t)x[j], y, (uint32_t)z[j], w);
        first[j] = block.first;
        second[j] = block.second;
    }
}

static inline void mote_philox_row(uint64_t *restrict first, uint64_t *restrict second, uint64_t key, uint32_t x,
                                   uint32_t y, uint32_t z, uint32_t w, int64_t count)
{
    for (int64_t j = 0; j < count; ++j) {
        mote_philox_block block = mote_philox(key, x, y, z + (uint32_t)j, w);
        first[j] = block.first;
        second[j] = block.second;
    }
}

#endif
#endif
