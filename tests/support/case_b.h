/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Case B with its priors, as a state-space model: x_0 ~ N(0, var_x), x_t = rho x_{t-1} + N(0, var_x), y_t = x_t +
 * N(0, var_y); rho ~ U(-1, 1), both variances InvGamma(2, 2). Evidence and posterior: state_space_reference.h. */
#ifndef MOTE_TESTS_CASE_B_H
#define MOTE_TESTS_CASE_B_H

#include <mote/ssm.h>

#include "tests/support/state_space_reference.h"

enum { CASE_B_P_RHO, CASE_B_P_X, CASE_B_P_Y, CASE_B_PARAMETERS };

static int case_b_move(const mote_block *block, mote_source *source)
{
    const double rho = *block->parameter[CASE_B_P_RHO], sd = sqrt(*block->parameter[CASE_B_P_X]);
    double *x = block->state[0];
    mote_normals(source, x, block->n);
    for (int64_t i = 0; i < block->n; ++i)
        x[i] = (block->previous ? rho * block->previous[0][i] : 0) + sd * x[i];
    return 0;
}

static int case_b_mutate(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    return case_b_move(block, source);
}

static int case_b_log_potential(void *ctx, const mote_block *block)
{
    const double v = *block->parameter[CASE_B_P_Y], y = block->observation[0], c = -0.5 * (log(v) + 1.8378770664093454836);
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = c - 0.5 * (y - block->state[0][i]) * (y - block->state[0][i]) / v;
    return 0;
}

/* Of the initial law (previous NULL) and of the transition. */
static int case_b_log_move(void *ctx, const mote_block *block)
{
    const double rho = *block->parameter[CASE_B_P_RHO], v = *block->parameter[CASE_B_P_X];
    const double c = -0.5 * (log(v) + 1.8378770664093454836);
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double e = block->state[0][i] - (block->previous ? rho * block->previous[0][i] : 0);
        block->log_weight[i] = c - 0.5 * e * e / v;
    }
    return 0;
}

static const mote_parameter case_b_parameters[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_INVERSE_GAMMA("var_x", 2, 2),
                                                    MOTE_INVERSE_GAMMA("var_y", 2, 2) };

/* The series is read once; NULL values when the file is not there. */
static inline const mote_ssm *case_b(void)
{
    static const char *const state[] = { "x" }, *const observation[] = { "y" };
    static double y[CASE_B_TIMES];
    static mote_series series = { MOTE_VERSIONED(mote_series), .count = CASE_B_TIMES, .values = y };
    static mote_ssm model = { MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(case_b_parameters), MOTE_STATES(state),
                              MOTE_OBSERVATIONS(observation), .initial = case_b_mutate, .transition = case_b_mutate,
                              .log_potential = case_b_log_potential, .log_initial = case_b_log_move,
                              .log_transition = case_b_log_move, .series = &series, .name = "case B",
                              .flags = MOTE_SSM_THREADSAFE };
    return case_b_observations(y) ? NULL : &model;
}

static const double case_b_mean[CASE_B_PARAMETERS] = { CASE_B_RHO_MEAN, CASE_B_VARIANCE_X_MEAN, CASE_B_VARIANCE_Y_MEAN };
static const double case_b_sd[CASE_B_PARAMETERS] = { CASE_B_RHO_SD, CASE_B_VARIANCE_X_SD, CASE_B_VARIANCE_Y_SD };

#endif
