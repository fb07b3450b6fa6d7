/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A parameter space of two points: a chain of two states which stays where it is with probability 0.8 when theta < 1/2 and
 * 0.3 otherwise, three potentials. All draws are choices, so that the enumerator can visit every outcome. */
#ifndef MOTE_TESTS_TWO_POINTS_H
#define MOTE_TESTS_TWO_POINTS_H

#include <math.h>
#include <mote/ssm.h>

static const double two_first_law[2] = { 0.6, 0.4 }, two_stay[2] = { 0.8, 0.3 }, two_prior[2] = { 0.35, 0.65 };
static const double two_potential[3][2] = { { 0.9, 0.2 }, { 0.3, 1.1 }, { 0.5, 0.7 } };

static int two_first(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, two_first_law, 2);
    return 0;
}

static int two_next(void *ctx, const mote_block *block, mote_source *source)
{
    const double s = two_stay[*block->parameter[0] >= 0.5];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const int x = (int)block->previous[0][i];
        const double p[2] = { x == 0 ? s : 1 - s, x == 1 ? s : 1 - s };
        block->state[0][i] = (double)mote_choose(source, p, 2);
    }
    return 0;
}

/* The same law, by uniforms. */
static inline int two_uniform_first(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_uniforms(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = block->state[0][i] >= two_first_law[0];
    return 0;
}

static inline int two_uniform_next(void *ctx, const mote_block *block, mote_source *source)
{
    const double s = two_stay[*block->parameter[0] >= 0.5];
    (void)ctx;
    mote_uniforms(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = block->state[0][i] < s ? block->previous[0][i] : 1 - block->previous[0][i];
    return 0;
}

static int two_log_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log(two_potential[block->step][(int)block->state[0][i]]);
    return 0;
}

static const mote_parameter two_parameters[] = { MOTE_FIXED("theta", 0) };
static const char *const two_state[] = { "x" };
static const mote_series two_series = { MOTE_VERSIONED(mote_series), .count = 3 };
static const mote_ssm two = { MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(two_parameters), MOTE_STATES(two_state),
                              .initial = two_first, .transition = two_next, .log_potential = two_log_potential,
                              .series = &two_series, .name = "two", .flags = MOTE_SSM_THREADSAFE };

/* Z(theta) of the first `times` observations. */
static inline double two_evidence(int theta, int times)
{
    double a[2] = { two_first_law[0] * two_potential[0][0], two_first_law[1] * two_potential[0][1] };
    for (int t = 1; t < times; ++t) {
        const double s = two_stay[theta], b0 = a[0] * s + a[1] * (1 - s), b1 = a[0] * (1 - s) + a[1] * s;
        a[0] = b0 * two_potential[t][0];
        a[1] = b1 * two_potential[t][1];
    }
    return a[0] + a[1];
}

#endif
