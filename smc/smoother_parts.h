/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the runs of PaRIS and of conditional filters share. */
#ifndef MOTE_SMC_SMOOTHER_PARTS_H
#define MOTE_SMC_SMOOTHER_PARTS_H

#include "core/run.h"
#include "model/draws.h"
#include "smc/backward.h"

/* The filter's setup from options that have MOTE_CONDITIONAL_OPTIONS. */
#define MOTE_CONDITIONAL_SETUP(o)                                                                                      \
    .particles = (o)->particles, .resampling = (o)->resampling, .rule = (o)->resample, .threshold = (o)->ess_threshold, \
    .guided = (o)->proposal, .look_ahead = (o)->look_ahead, .failed_is_zero = (o)->failed_potential

/* Adds what the backward draws have cost since `before`. */
void mote_ledger_add_backward(mote_ledger *ledger, const mote_backward_info *before, const mote_backward_info *now);

/* Draws with a column for each component of a functional. */
mote_draws *mote_functional_draws(const mote_memory *memory, const mote_state_space *space, int64_t functional, int64_t rows);

#endif
