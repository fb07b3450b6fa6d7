/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights in blocks and resamplers for the tests of live resampling. */
#ifndef MOTE_TESTS_SMC_RESAMPLING_H
#define MOTE_TESTS_SMC_RESAMPLING_H

#include <stdlib.h>

#include "smc/resample.h"
#include "tests/support/test.h"

enum { MOST = 1 << 20, MANY = 30000 };
static double weight[MOST], factor[MOST / MOTE_WEIGHT_BLOCK], plain[MOST];
static mote_memory memory;

static inline int open_memory(void **state)
{
    (void)state;
    return mote_memory_open(&memory, NULL);
}

static inline void open_resampler(mote_resampler *r, int64_t choice, int64_t capacity, mote_pool *pool)
{
    mote_message message;
    assert_status(mote_resampler_open(r, choice, capacity, &memory, pool, &message), MOTE_OK);
    r->steps = choice == MOTE_RESAMPLE_METROPOLIS ? 5 : 0;
}

static inline mote_source source_at(uint32_t step)
{
    mote_source source = mote_source_live(mote_source_key(11, 0));
    source.step = step;
    return source;
}

/* exp(sd z), every seventh zero when `holes`; block factors 2^-(b mod 3). */
static inline void fill(int64_t n, double sd, int holes, uint32_t step)
{
    mote_source source = source_at(step);
    source.draw = 1000;
    mote_normals(&source, weight, n);
    for (int64_t i = 0; i < n; ++i) {
        weight[i] = holes && i % 7 == 2 ? 0.0 : mote_exp(sd * weight[i]);
        factor[i / MOTE_WEIGHT_BLOCK] = ldexp(1.0, -(int)(i / MOTE_WEIGHT_BLOCK % 3));
        plain[i] = weight[i] * factor[i / MOTE_WEIGHT_BLOCK];
    }
}

#endif
