/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many Philox blocks at once, for the instruction set that this file is compiled for. Only the product of low halves
 * is an intrinsic (gcc 12 does not find the instruction in plain C); everywhere else than on x86-64 the plain
 * generator is used. Groups of lanes run side by side, since one alone waits for its own products: three of them and
 * what is constant fill 16 registers. */
#ifndef MOTE_CORE_PHILOX_LANES_H
#define MOTE_CORE_PHILOX_LANES_H

#include <string.h>

#include "core/philox.h"

#if defined __x86_64__

#include <immintrin.h>

#if defined __AVX512F__
#define MOTE_LANES 8
#define MOTE_LANES_MULTIPLY(a, b) (mote_lanes)_mm512_mul_epu32((__m512i)(a), (__m512i)(b))
#define MOTE_LANES_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define MOTE_LANES_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif defined __AVX2__
#define MOTE_LANES 4
#define MOTE_LANES_MULTIPLY(a, b) (mote_lanes)_mm256_mul_epu32((__m256i)(a), (__m256i)(b))
#define MOTE_LANES_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define MOTE_LANES_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define MOTE_LANES 2
#define MOTE_LANES_MULTIPLY(a, b) (mote_lanes)_mm_mul_epu32((__m128i)(a), (__m128i)(b))
#define MOTE_LANES_LOW(a, b) __builtin_shufflevector(a, b, 0, 2)
#define MOTE_LANES_HIGH(a, b) __builtin_shufflevector(a, b, 1, 3)
#endif

/* Rows are produced in whole groups of blocks, scattered blocks in groups of 2 MOTE_LANES (at most 16). */
enum { MOTE_LANES_SIDE = 3, MOTE_PHILOX_GROUP = MOTE_LANES_SIDE * MOTE_LANES };

typedef uint64_t mote_lanes __attribute__((vector_size(8 * MOTE_LANES)));

static inline mote_lanes mote_lanes_set(uint64_t value)
{
    return value - (mote_lanes){ 0 };
}

/* out[2 i] = even[i], out[2 i + 1] = odd[i]: numbers of 8 bytes, integers or doubles. */
static inline void mote_philox_weave(void *restrict out, const void *restrict even, const void *restrict odd, int64_t n)
{
    char *to = out;
    const char *a = even, *b = odd;
    int64_t i = 0;
    for (; i + MOTE_LANES <= n; i += MOTE_LANES) {
        mote_lanes x, y, low, high;
        memcpy(&x, a + 8 * i, sizeof x);
        memcpy(&y, b + 8 * i, sizeof y);
        low = MOTE_LANES_LOW(x, y);
        high = MOTE_LANES_HIGH(x, y);
        memcpy(to + 16 * i, &low, sizeof low);
        memcpy(to + 16 * i + sizeof low, &high, sizeof high);
    }
    for (; i < n; ++i) {
        memcpy(to + 16 * i, a + 8 * i, 8);
        memcpy(to + 16 * i + 8, b + 8 * i, 8);
    }
}

/* The keys of the ten rounds, in memory: setting them anew for every group would take a fifth of its time. */
static inline void mote_philox_keys(uint64_t key, mote_lanes keys[10][2])
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; ++round) {
        keys[round][0] = mote_lanes_set(k0);
        keys[round][1] = mote_lanes_set(k1);
        k0 += MOTE_PHILOX_W0;
        k1 += MOTE_PHILOX_W1;
    }
}

/* Ten rounds on `groups` groups; c[g][i] is word i of group g. */
static inline void mote_philox_rounds(mote_lanes keys[10][2], mote_lanes (*c)[4], int groups)
{
    const mote_lanes m0 = mote_lanes_set(MOTE_PHILOX_M0), m1 = mote_lanes_set(MOTE_PHILOX_M1);
    for (int round = 0; round < 10; ++round)
        for (int g = 0; g < groups; ++g) {
            mote_lanes p0 = MOTE_LANES_MULTIPLY(c[g][0], m0);
            mote_lanes p1 = MOTE_LANES_MULTIPLY(c[g][2], m1);
            c[g][0] = (p1 >> 32) ^ c[g][1] ^ keys[round][0];
            c[g][2] = (p0 >> 32) ^ c[g][3] ^ keys[round][1];
            c[g][1] = p1;
            c[g][3] = p0;
        }
}

static inline void mote_philox_store(uint64_t *restrict first, uint64_t *restrict second, const mote_lanes c[4])
{
    const mote_lanes low = mote_lanes_set(MOTE_PHILOX_LOW);
    mote_lanes a = (c[0] & low) | (c[1] << 32), b = (c[2] & low) | (c[3] << 32);
    memcpy(first, &a, sizeof a);
    memcpy(second, &b, sizeof b);
}

/* A row of blocks: counters z, z + 1, ... */
typedef struct mote_philox_row {
    mote_lanes keys[10][2], place[MOTE_LANES_SIDE], x, y, w;
} mote_philox_row;

static inline void mote_philox_begin(mote_philox_row *row, uint64_t key, uint32_t x, uint32_t y, uint32_t z, uint32_t w)
{
    uint64_t start[MOTE_PHILOX_GROUP];
    mote_philox_keys(key, row->keys);
    for (int i = 0; i < MOTE_PHILOX_GROUP; ++i)
        start[i] = z + (uint64_t)i;
    memcpy(row->place, start, sizeof row->place);
    row->x = mote_lanes_set(x);
    row->y = mote_lanes_set(y);
    row->w = mote_lanes_set(w);
}

/* The next MOTE_PHILOX_GROUP blocks, word by word. */
static inline void mote_philox_group(mote_philox_row *row, mote_lanes c[MOTE_LANES_SIDE][4])
{
    for (int g = 0; g < MOTE_LANES_SIDE; ++g) {
        c[g][0] = row->x;
        c[g][1] = row->y;
        c[g][2] = row->place[g];
        c[g][3] = row->w;
        row->place[g] += MOTE_PHILOX_GROUP;
    }
    mote_philox_rounds(row->keys, c, MOTE_LANES_SIDE);
}

static inline void mote_philox_next(mote_philox_row *row, uint64_t *restrict first, uint64_t *restrict second)
{
    mote_lanes c[MOTE_LANES_SIDE][4];
    mote_philox_group(row, c);
    for (int g = 0; g < MOTE_LANES_SIDE; ++g)
        mote_philox_store(first + g * MOTE_LANES, second + g * MOTE_LANES, c[g]);
}

/* At scattered places: block i has x = x_i, z = z_i (of both the low halves count). */
static inline void mote_philox_scattered(uint64_t *restrict first, uint64_t *restrict second, uint64_t key,
                                         const uint64_t *restrict x, uint32_t y, const uint64_t *restrict z, uint32_t w,
                                         int64_t count)
{
    mote_lanes keys[10][2];
    mote_philox_keys(key, keys);
    for (int64_t j = 0; j < count; j += 2 * MOTE_LANES) {
        mote_lanes c[2][4];
        for (int g = 0; g < 2; ++g) {
            memcpy(&c[g][0], x + j + g * MOTE_LANES, sizeof c[g][0]);
            memcpy(&c[g][2], z + j + g * MOTE_LANES, sizeof c[g][2]);
            c[g][1] = mote_lanes_set(y);
            c[g][3] = mote_lanes_set(w);
        }
        mote_philox_rounds(keys, c, 2);
        for (int g = 0; g < 2; ++g)
            mote_philox_store(first + j + g * MOTE_LANES, second + j + g * MOTE_LANES, c[g]);
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

enum { MOTE_PHILOX_GROUP = 8 };

typedef struct mote_philox_row {
    uint64_t key;
    uint32_t x, y, z, w;
} mote_philox_row;

static inline void mote_philox_begin(mote_philox_row *row, uint64_t key, uint32_t x, uint32_t y, uint32_t z, uint32_t w)
{
    *row = (mote_philox_row){ key, x, y, z, w };
}

static inline void mote_philox_next(mote_philox_row *row, uint64_t *restrict first, uint64_t *restrict second)
{
    for (int i = 0; i < MOTE_PHILOX_GROUP; ++i) {
        mote_philox_block block = mote_philox(row->key, row->x, row->y, row->z++, row->w);
        first[i] = block.first;
        second[i] = block.second;
    }
}

static inline void mote_philox_weave(void *restrict out, const void *restrict even, const void *restrict odd, int64_t n)
{
    for (int64_t i = 0; i < n; ++i) {
        memcpy((char *)out + 16 * i, (const char *)even + 8 * i, 8);
        memcpy((char *)out + 16 * i + 8, (const char *)odd + 8 * i, 8);
    }
}

#endif
#endif
