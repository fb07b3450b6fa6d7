/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backward draws, written once for PaRIS, forward-filtering backward-sampling and conditional particle filters: parents
 * J of given particles, each with probability proportional to
 *
 *     W_{t-1}^J m_t(x_{t-1}^J, x_t)          (times G_t(x_{t-1}^J, x_t) of a model with MOTE_SSM_PAIR_POTENTIAL)
 *
 * For a guided filter too: its M G = q (g m / q) is m g, and g(x_t) cancels. Tilted weights never enter. A step without
 * resampling has the same law. Ways and costs: include/mote/backward.h.
 *
 * Candidate pairs (x_{t-1}^l, x_t^i) of many i are gathered into columns, so that the model is called with full blocks:
 * one round of trials runs over all draws that wait for one, and when few are left each makes several at once. The
 * numbers of a trial belong to (step, slot, draw, trial): neither rounds nor threads nor the number of particles show
 * in the result. Under the enumerator every decision goes through mote_choose and mote_uniform_cut, one by one.
 *
 *     mote_backward_open(&b, &space, &setup, parents, memory, pool, "option backward", message)
 *     mote_backward_draw(&b, &block, &parents, &children, &source, chosen)          once per time; allocates nothing
 *     mote_backward_close(&b)
 *
 * Known answer: tests/smc/test_backward.c (the chain's backward law by enumeration; frequencies on many particles). */
#ifndef MOTE_SMC_BACKWARD_H
#define MOTE_SMC_BACKWARD_H

#include <mote/backward.h>

#include "core/source.h"
#include "core/threads.h"
#include "model/state_space.h"
#include "smc/alias.h"

typedef struct mote_backward_setup {
    int64_t way;    /* enum mote_backward_way */
    int64_t draws;  /* M of each particle, 1 to MOTE_BLOCK */
    int64_t trials; /* of hybrid; 0: number of parents. Tests may ask for none at all with -1 */
    int64_t steps;  /* of mcmc */
} mote_backward_setup;

/* x_{t-1}: columns of n, and log-weights up to a constant. */
typedef struct mote_parents {
    int64_t n;
    const double *const *state;
    const double *log_weight;
} mote_parents;

/* x_t, whose parents are drawn. */
typedef struct mote_children {
    int64_t n;
    int64_t slot;               /* of the first: what its random numbers belong to */
    const double *const *state;
    const int32_t *start;       /* n: ancestors. Where mcmc starts; the answer where no parent has weight */
} mote_children;

/* What the draws have cost. Diagnostics: no result depends on them. */
typedef struct mote_backward_info {
    int64_t draws;
    int64_t trials;    /* of rejection, hybrid and mcmc */
    int64_t fallbacks; /* exact draws of hybrid */
    int64_t densities; /* pairs whose transition density was asked for */
} mote_backward_info;

/* What mote_backward_mean averages over the parents of each child: value[k][i] becomes the mean of
 * before[k][J] + functional_k(x_{t-1}^J, x_t^i). term[thread]: 2 count columns of MOTE_BLOCK. */
typedef struct mote_backward_mean {
    int64_t functional;  /* of smc/paris.h */
    int64_t count;
    double *const *before;
    double *const *value;
    double *const *const *term;
    const double *log_weight; /* of the children: terms of those without weight are not judged */
} mote_backward_mean;

typedef struct mote_backward_scratch mote_backward_scratch;

typedef struct mote_backward {
    const mote_state_space *space;
    mote_backward_setup setup;
    int64_t capacity;   /* parents */
    const mote_memory *memory;
    mote_pool *pool;
    mote_message *message;
    mote_backward_scratch *scratch; /* one for each thread */
    mote_alias alias;               /* of the parents' weights */
    double *weight;                 /* capacity: exp(log_weight - maximum) */
    mote_backward_info info;
    /* of the draw under way */
    const mote_block *block;
    const mote_parents *parents;
    const mote_children *children;
    const mote_source *source;
    int32_t *chosen;
    const mote_backward_mean *mean;
} mote_backward;

/* `algorithm` is who asks, for messages: "option backward = hybrid". MOTE_EUNSUPPORTED names the member that the model
 * lacks. `pool` may be NULL. */
int mote_backward_open(mote_backward *b, const mote_state_space *space, const mote_backward_setup *setup,
                       int64_t parents, const mote_memory *memory, mote_pool *pool, mote_message *message);
void mote_backward_close(mote_backward *b);

/* chosen[j * children->n + i] is draw j of child i. `block` carries step, times, parameters, cache, observation and
 * input of time t (mote_particle_filter_block); its particles are not looked at, and the model sees first = 0. `source`
 * is used at purpose BACKWARD and the block's step. MOTE_ENUMERIC when no parent has weight; MOTE_EMODEL for densities
 * that are NaN, +inf or above their bound, and for callbacks that answer above 0; the model's negative code. */
int mote_backward_draw(mote_backward *b, const mote_block *block, const mote_parents *parents,
                       const mote_children *children, const mote_source *source, int32_t *chosen);

/* The same with all parents instead of draws: cost N for each child, no randomness. Of a module with way exact. */
int mote_backward_means_of(mote_backward *b, const mote_block *block, const mote_parents *parents,
                           const mote_children *children, const mote_backward_mean *mean);

/* log m (plus log G where it looks at the pair) of n <= MOTE_BLOCK pairs of columns. `scratch` holds n values. */
int mote_backward_log_density(const mote_state_space *space, const mote_block *block, int64_t n,
                              const double *const *previous, double *const *state, double *log_density,
                              double *scratch);

#endif
