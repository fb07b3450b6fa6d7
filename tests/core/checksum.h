/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One number for 65536 uniforms, normals and exponentials of a fixed address: what every compiler, optimisation level
 * and instruction set must give. FNV-1a over the 64-bit patterns, so that the order of bytes does not matter. */
#ifndef MOTE_TESTS_CHECKSUM_H
#define MOTE_TESTS_CHECKSUM_H

#include <string.h>

#include "core/vector.h"

#define CHECKSUM_EXPECTED UINT64_C(0xae06a67721a44c58)

enum { CHECKSUM_COUNT = 65536 };

static uint64_t checksum_add(uint64_t hash, const double *x)
{
    for (int i = 0; i < CHECKSUM_COUNT; ++i) {
        uint64_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        for (int shift = 0; shift < 64; shift += 8)
            hash = (hash ^ (bits >> shift & 0xff)) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t checksum(const mote_vector_table *table)
{
    static double x[CHECKSUM_COUNT];
    const uint64_t key = UINT64_C(0x123456789abcdef0);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    table->philox_uniforms(x, key, 3, 1, 2, 1, CHECKSUM_COUNT);
    hash = checksum_add(hash, x);
    table->log(x, x, CHECKSUM_COUNT);
    hash = checksum_add(hash, x);
    table->exp(x, x, CHECKSUM_COUNT);
    hash = checksum_add(hash, x);
    table->philox_normals(x, key, 3, 1, 2, 1, CHECKSUM_COUNT);
    return checksum_add(hash, x);
}

#endif
