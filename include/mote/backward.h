/* SPDX-License-Identifier: BSD-2-Clause */
/* How a smoother draws the parent of a particle: an index J of the population before, given the state x_t, with
 * probability proportional to W_{t-1}^J m_t(x_{t-1}^J, x_t). W are the filter's weights, without any look-ahead, and m
 * is the model's transition density, whatever the particles were proposed from. Of a model whose potential looks at the
 * pair (MOTE_SSM_PAIR_POTENTIAL) the probability is proportional to W m G.
 *
 *   hybrid     at most `backward_trials` rejection trials, then one exact draw. Cost per draw: a few trials.
 *   exact      by all N probabilities. Cost N per particle, N^2 per step.
 *   rejection  trials until one is accepted: the same law; the expected number of trials can be infinite.
 *   mcmc       `backward_steps` Metropolis steps from the particle's own ancestor; leaves the law invariant.
 * Hybrid and rejection need log_transition_bound, all need log_transition. (Dau and Chopin 2023, arXiv:2207.00976.) */
#ifndef MOTE_BACKWARD_H
#define MOTE_BACKWARD_H

#include <mote/ssm.h>

MOTE_BEGIN

enum mote_backward_way { MOTE_BACKWARD_HYBRID, MOTE_BACKWARD_EXACT, MOTE_BACKWARD_REJECTION, MOTE_BACKWARD_MCMC };

/* Options that every algorithm with backward draws has. */
#define MOTE_BACKWARD_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                             \
    CHOICE(backward, "hybrid|exact|rejection|mcmc", "how the parent of a particle is drawn")                          \
    INTEGER(backward_trials, 0, "", 0, 4000000000,                                                                     \
            "backward = hybrid: trials before the exact draw; 0: as many as particles")                                \
    INTEGER(backward_steps, 1, "", 1, 1000000, "backward = mcmc: Metropolis steps of a draw")

MOTE_END
#endif
