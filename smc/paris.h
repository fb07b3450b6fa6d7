/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PaRIS: on-line smoothing of additive functionals, as a collector on a particle filter (Olsson and Westerborn 2017,
 * arXiv:1412.7550). For H_t = h_0(x_0) + sum_{s <= t} h_s(x_{s-1}, x_s), component by component,
 *
 *     b_0^i = h_0(x_0^i);    b_t^i = (1/M) sum_{j <= M} [ b_{t-1}^{J_ij} + h_t(x_{t-1}^{J_ij}, x_t^i) ]
 *     E[H_t | y_0..t] is estimated by sum_i W_t^i b_t^i
 *
 * with backward draws J_ij (smc/backward.h). No path is stored; cost and memory per step do not grow. M >= 2 keeps the
 * variance linear in t; with M = 1 it grows as that of the filter's own genealogy. Two others beside it: forward takes
 * the mean over all parents instead of draws, the exact O(N^2) smoother (Del Moral, Doucet and Singh 2010), whose
 * estimate is the mean of PaRIS's over its draws, its naive twin; genealogy takes J_i1 = A_t^i. Particles of weight
 * zero have b = 0.
 *
 *     mote_paris_smoother_open(&paris, &filter, &setup, message);   mote_particle_filter_add(&filter,
 * &paris.collector);
 *     ... steps of the filter ...                          paris.estimate[k]
 *     mote_paris_smoother_close(&paris);
 *
 * Known answer: case A, E sum x_{t-1} x_t = 91.141125749936 (tests/smc/test_paris.c). */
#ifndef MOTE_SMC_PARIS_H
#define MOTE_SMC_PARIS_H

#include <mote/paris.h>

#include "smc/backward.h"
#include "smc/particle_filter.h"

/* Functionals that only algorithms of this folder ask for: gradient of log q, and the sum of both gradients. */
enum { MOTE_FUNCTIONAL_PROPOSAL = MOTE_FUNCTIONAL_GRADIENT + 1, MOTE_FUNCTIONAL_BOTH_GRADIENTS };

typedef struct mote_paris_smoother_setup {
    mote_backward_setup backward;
    int64_t functional;           /* the model's `additive`, its `gradient` (the score), ... */
    int64_t smoother;             /* enum mote_on_line: of genealogy and forward no backward draws are made */
} mote_paris_smoother_setup;

typedef struct mote_paris_scratch mote_paris_scratch;

typedef struct mote_paris_smoother {
    mote_collector collector;
    const mote_particle_filter *filter;
    mote_backward backward;
    int64_t smoother;
    int64_t draws;             /* M; of genealogy 1, of forward 0 */
    int64_t functional, count; /* components */
    double **value, **before;  /* b_t, b_{t-1}: count columns of N */
    int32_t *chosen;           /* J of the last step: [j N + i] */
    double *estimate;          /* count: sum_i W_t^i b_t^i; NaN before the first step and when all weights are zero */
    mote_paris_scratch *scratch; /* one for each thread */
    double ***term;            /* of each thread: its columns, and as many for scratch */
    int64_t *block_status;        /* of callbacks; FAULT of smc/paris.c and above: a term that is no number */
} mote_paris_smoother;

/* Takes the filter's model, memory, pool and messages. MOTE_EUNSUPPORTED names the member that the model lacks. */
int mote_paris_smoother_open(mote_paris_smoother *paris, const mote_particle_filter *filter,
                             const mote_paris_smoother_setup *setup);
void mote_paris_smoother_close(mote_paris_smoother *paris);

/* Name of a component: of the additive functional, or the parameter of a gradient. */
const char *mote_functional_name(const mote_state_space *space, int64_t functional, int64_t component);
int64_t mote_functional_count(const mote_state_space *space, int64_t functional);

/* h_t of the block's particles into `value`, columns; `scratch`: as many columns. A code of the callback. */
int mote_functional_terms(const mote_state_space *space, int64_t functional, const mote_block *block,
                          double *const *value, double *const *scratch);

/* Terms that are no finite numbers end the run, as potentials that are none do. The first that `weight` counts (NULL:
 * all count): component * n + particle; -1: there is none. */
int64_t mote_functional_fault(double *const *value, int64_t count, int64_t n, const double *weight);
/* MOTE_EMODEL, naming callback, component, particle (-1: the path that is kept) and the block's step and time. */
int mote_functional_complain(const mote_state_space *space, int64_t functional, int64_t component, int64_t particle,
                             const mote_block *block, mote_message *message);

/* MOTE_OK, or why the model cannot have this functional smoothed: named. */
int mote_functional_check(const mote_state_space *space, int64_t functional, mote_message *message);

#endif
