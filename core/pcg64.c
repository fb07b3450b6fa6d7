/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The jump of a linear congruential generator in logarithmic time (F. Brown, "Random number generation with arbitrary
 * strides", 1994): the affine map s -> m s + c, taken to the power 2^i, is applied for every set bit i. */
#include "core/pcg64.h"

void mote_pcg64_advance(uint64_t state[2], const uint64_t increment[2], const uint64_t steps[2])
{
    mote_uint128 left = mote_uint128_of(steps);
    mote_uint128 multiplier = MOTE_PCG64_MULTIPLIER, addend = mote_uint128_of(increment), s = mote_uint128_of(state);
    for (; left; left >>= 1) {
        if (left & 1)
            s = s * multiplier + addend;
        addend *= multiplier + 1;
        multiplier *= multiplier;
    }
    state[0] = (uint64_t)s;
    state[1] = (uint64_t)(s >> 64);
}
