/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCG64-DXSM, the sequential generator (O'Neill's PCG family, the variant that NumPy calls PCG64DXSM). State s and odd
 * increment c of 128 bits, multiplier m = 0xda942042e4dd58b5; the output is taken before the step:
 *     high = s >> 64, low = (s mod 2^64) | 1; high ^= high >> 32; high *= m; high ^= high >> 48; output high * low;
 *     s <- s m + c  (mod 2^128).
 * Period 2^128. Raw small seeds are poor and streams of neighbouring increments are related: hash both first, as
 * mote_stream_open does. This is the only place with 128-bit integers.
 * Known answer: state 0, increment 1 -> 0, 0, 0, 5238ea76d1f0df4a. */
#ifndef MOTE_CORE_PCG64_H
#define MOTE_CORE_PCG64_H

#include <stdint.h>

__extension__ typedef unsigned __int128 mote_uint128;

#define MOTE_PCG64_MULTIPLIER UINT64_C(0xda942042e4dd58b5)

static inline mote_uint128 mote_uint128_of(const uint64_t words[2])
{
    return (mote_uint128)words[1] << 64 | words[0];
}

/* The next output; state and increment are low word, high word. */
static inline uint64_t mote_pcg64_next(uint64_t state[2], const uint64_t increment[2])
{
    uint64_t high = state[1], low = state[0] | 1;
    mote_uint128 next = mote_uint128_of(state) * MOTE_PCG64_MULTIPLIER + mote_uint128_of(increment);
    state[0] = (uint64_t)next;
    state[1] = (uint64_t)(next >> 64);
    high ^= high >> 32;
    high *= MOTE_PCG64_MULTIPLIER;
    high ^= high >> 48;
    return high * low;
}

/* High word of the product: maps 64 random bits to 0..n-1 with a bias below n / 2^64. */
static inline uint64_t mote_multiply_high(uint64_t a, uint64_t b)
{
    return (uint64_t)((mote_uint128)a * b >> 64);
}

/* As if mote_pcg64_next had been called `steps` (low word, high word) times, in at most 128 rounds. Backwards is
 * forwards by 2^128 - steps. */
void mote_pcg64_advance(uint64_t state[2], const uint64_t increment[2], const uint64_t steps[2]);

#endif
