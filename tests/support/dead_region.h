/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Case A over its first times with a region whose states have no weight, and a functional that is there, or from there,
 * whatever number it is told: no result may show it. */
#ifndef MOTE_TESTS_DEAD_REGION_H
#define MOTE_TESTS_DEAD_REGION_H

#include <math.h>

#include "tests/support/state_space_models.h"

enum { DEAD_REGION_TIMES = 4 };
static const double dead_region_from = 0.7; /* of the observations 0.5, 0.5, 0.6, 1.7 */

static inline int dead_region_log_potential(void *ctx, const mote_block *block)
{
    const int status = linear_gaussian_a.log_potential(ctx, block);
    for (int64_t i = 0; i < block->n; ++i)
        if (block->state[0][i] > dead_region_from)
            block->log_weight[i] = -INFINITY;
    return status;
}

/* ctx: the number. */
static inline int dead_region_additive(void *ctx, const mote_block *block, double *const *value)
{
    for (int64_t i = 0; i < block->n; ++i) {
        const int dead = block->state[0][i] > dead_region_from ||
                         (block->previous && block->previous[0][i] > dead_region_from);
        value[0][i] = value[1][i] = value[2][i] = dead ? *(const double *)ctx : block->state[0][i];
    }
    return 0;
}

static inline mote_ssm dead_region_model(double *number)
{
    static const double values[DEAD_REGION_TIMES] = { 0.5, 0.5, 0.6, 1.7 };
    static const mote_series series = { MOTE_VERSIONED(mote_series), .count = DEAD_REGION_TIMES, .values = values };
    mote_ssm model = linear_gaussian_a;
    model.series = &series;
    model.log_potential = dead_region_log_potential;
    model.additive = dead_region_additive;
    model.ctx = number;
    return model;
}

#endif
