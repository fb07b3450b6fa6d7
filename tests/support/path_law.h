/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths of the tiny chain as numbers in base 3, and their exact law given the potentials: what the kernels on paths
 * must leave invariant. */
#ifndef MOTE_TESTS_PATH_LAW_H
#define MOTE_TESTS_PATH_LAW_H

#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

static inline void path_of_number(int number, int times, double *path)
{
    for (int t = 0; t < times; ++t, number /= CHAIN_STATES)
        path[t] = number % CHAIN_STATES;
}

static inline int number_of_path(const double *path, int times)
{
    int number = 0;
    for (int t = times - 1; t >= 0; --t)
        number = number * CHAIN_STATES + (int)path[t];
    return number;
}

/* A potential of the pair instead of the chain's own. */
static inline int pair_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -log(1.0 + (block->previous ? block->previous[0][i] : 0) + 2 * block->state[0][i]);
    return 0;
}

static inline mote_ssm pair_chain(void)
{
    mote_ssm model = chain_t;
    model.log_potential = pair_potential;
    model.flags |= MOTE_SSM_PAIR_POTENTIAL;
    return model;
}

static inline double potential_of(const mote_ssm *model, int64_t t, double before, double now)
{
    const double *previous[] = { &before };
    double *state[] = { &now }, log_potential;
    const mote_block block = { MOTE_VERSIONED(mote_block), .n = 1, .step = t, .previous = t ? previous : NULL,
                               .state = state,
                               .log_weight = &log_potential };
    model->log_potential(model->ctx, &block);
    return exp(log_potential);
}

/* ---- two of the states, with moves of their own: small enough for three particles ---- */

static const double two_state_initial[2] = { 0.6, 0.4 }, two_state_transition[2][2] = { { 0.7, 0.3 }, { 0.2, 0.8 } };

/* The law of the initial state, or of a move. */
static inline const double *two_state_row(const mote_block *block, int64_t i)
{
    return block->previous ? two_state_transition[(int)block->previous[0][i]] : two_state_initial;
}

static inline int two_state_move(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, two_state_row(block, i), 2);
    return 0;
}

static inline int two_state_log_move(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = block->state[0][i] < 2 ? log(two_state_row(block, i)[(int)block->state[0][i]]) : -INFINITY;
    return 0;
}

static inline mote_ssm two_state_chain(void)
{
    mote_ssm model = chain_t;
    model.initial = model.transition = two_state_move;
    model.log_initial = model.log_transition = two_state_log_move;
    model.log_transition_bound = NULL;
    return model;
}

/* Of the initial law, or of a move. */
static inline double probability_of(const mote_ssm *model, int64_t t, double before, double now)
{
    const double *previous[] = { &before };
    double *state[] = { &now }, log_probability;
    const mote_block block = { MOTE_VERSIONED(mote_block), .n = 1, .step = t, .previous = t ? previous : NULL,
                               .state = state, .log_weight = &log_probability };
    (t ? model->log_transition : model->log_initial)(model->ctx, &block);
    return exp(log_probability);
}

/* Probabilities of the paths over the first `times` steps; their number. H = x_0 + sum (x_{t-1} x_t + x_t). */
static inline int path_law(const mote_ssm *model, int times, double *law)
{
    int paths = 1;
    double sum = 0, path[CHAIN_TIMES];
    for (int t = 0; t < times; ++t)
        paths *= CHAIN_STATES;
    for (int k = 0; k < paths; ++k) {
        path_of_number(k, times, path);
        law[k] = probability_of(model, 0, 0, path[0]) * potential_of(model, 0, 0, path[0]);
        for (int t = 1; t < times && law[k] > 0; ++t)
            law[k] *= probability_of(model, t, path[t - 1], path[t]) * potential_of(model, t, path[t - 1], path[t]);
        sum += law[k];
    }
    for (int k = 0; k < paths; ++k)
        law[k] /= sum;
    return paths;
}

static inline double functional_of(const double *path, int times)
{
    double h = path[0];
    for (int t = 1; t < times; ++t)
        h += path[t - 1] * path[t] + path[t];
    return h;
}

#endif
