/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3" (SC 2011), in Random123's numbering, for C and for CUDA.
 *
 * One round on the counter (c0, c1, c2, c3) under the key (k0, k1), with the 64-bit products p0 = 0xD2511F53 c0 and
 * p1 = 0xCD9E8D57 c2:
 *     (c0, c1, c2, c3) <- (high p1 ^ c1 ^ k0, low p1, high p0 ^ c3 ^ k1, low p0);
 * ten rounds, and between rounds k0 += 0x9E3779B9, k1 += 0xBB67AE85.
 *
 * Every word is held in the low half of a 64-bit integer whose high half is arbitrary: the multiplication of low
 * halves is one instruction in every vector unit, and the halves that are not wanted cost no masking.
 * Known answer: counter 0, key 0 -> 6627e8d5 e169c58d bc57ac4c 9b00dbd8. */
#ifndef MOTE_CORE_PHILOX_H
#define MOTE_CORE_PHILOX_H

#include <stdint.h>

#ifdef __CUDACC__
#define MOTE_PHILOX static __host__ __device__ __forceinline__
#else
#define MOTE_PHILOX static inline
#endif

#define MOTE_PHILOX_M0 UINT64_C(0xD2511F53)
#define MOTE_PHILOX_M1 UINT64_C(0xCD9E8D57)
#define MOTE_PHILOX_W0 0x9E3779B9u
#define MOTE_PHILOX_W1 0xBB67AE85u
#define MOTE_PHILOX_LOW UINT64_C(0xFFFFFFFF)

typedef struct mote_philox_block {
    uint64_t first, second; /* w0 + (w1 << 32), w2 + (w3 << 32) */
} mote_philox_block;

/* The block of the counter (x, y, z, w) under the 64-bit key: k0 is its low half, k1 its high half. */
MOTE_PHILOX mote_philox_block mote_philox(uint64_t key, uint32_t x, uint32_t y, uint32_t z, uint32_t w)
{
    uint64_t c0 = x, c1 = y, c2 = z, c3 = w;
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; ++round) {
        uint64_t p0 = (c0 & MOTE_PHILOX_LOW) * MOTE_PHILOX_M0;
        uint64_t p1 = (c2 & MOTE_PHILOX_LOW) * MOTE_PHILOX_M1;
        c0 = (p1 >> 32) ^ c1 ^ k0;
        c1 = p1;
        c2 = (p0 >> 32) ^ c3 ^ k1;
        c3 = p0;
        k0 += MOTE_PHILOX_W0;
        k1 += MOTE_PHILOX_W1;
    }
    mote_philox_block block;
    block.first = (c0 & MOTE_PHILOX_LOW) | (c1 << 32);
    block.second = (c2 & MOTE_PHILOX_LOW) | (c3 << 32);
    return block;
}

#endif
