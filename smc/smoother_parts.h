/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the runs of PaRIS and of conditional filters share. */
#ifndef MOTE_SMC_SMOOTHER_PARTS_H
#define MOTE_SMC_SMOOTHER_PARTS_H

#include <mote/paris.h>

#include "core/run.h"
#include "model/draws.h"
#include "smc/backward.h"

static inline int64_t mote_rule_when(int64_t when)
{
    return when == MOTE_WHEN_ALWAYS ? MOTE_RULE_ALWAYS : when == MOTE_WHEN_ESS ? MOTE_RULE_ESS : MOTE_RULE_NEVER;
}

/* The filter's setup from options that have MOTE_SMOOTHING_OPTIONS, particles and resampling. */
#define MOTE_SMOOTHING_SETUP(o)                                                                                        \
    .particles = (o)->particles, .resampling = (o)->resampling, .rule = mote_rule_when((o)->resample_when),            \
    .threshold = (o)->ess_threshold, .guided = (o)->proposal, .look_ahead = (o)->look_ahead,                           \
    .failed_is_zero = (o)->failed_potential

/* Adds what the backward draws have cost since `before`. */
void mote_ledger_add_backward(mote_ledger *ledger, const mote_backward_info *before, const mote_backward_info *now);

/* Draws with a column for each component of a functional. */
mote_draws *mote_functional_draws(const mote_memory *memory, const mote_state_space *space, int64_t functional,
                                  int64_t rows);

#endif
