/* SPDX-License-Identifier: BSD-2-Clause */
/* Particle marginal Metropolis-Hastings (Andrieu, Doucet and Holenstein 2010): the exact posterior of a state-space
 * model's parameters, from chains whose likelihood is a particle filter's estimate. */
#ifndef MOTE_PMMH_H
#define MOTE_PMMH_H

#include <mote/filter.h>

MOTE_BEGIN

#define MOTE_PMMH_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    MOTE_PARTICLE_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    INTEGER(chains, 4, "chains", 1, 100000, "independent chains; with threads they run at the same time")              \
    INTEGER(draws, 1000, "draws", 1, 1000000000, "draws of each chain that are kept")                                  \
    INTEGER(warm_up, 500, "transitions", 1, 1000000000, "transitions of each chain that adapt the proposal, not kept") \
    INTEGER(thin, 1, "transitions", 1, 1000000, "transitions from one kept draw to the next")                          \
    INTEGER(evaluations, 20, "filters", 2, 100000, "filters at the posterior mean that measure the variance of log Z")

typedef struct mote_pmmh_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_PMMH_OPTIONS)
} mote_pmmh_options;

/* The algorithm. The model is a mote_ssm that carries its series and has a parameter that is not fixed. Draws: the kept
 * states of all chains, log_likelihood the estimate that each state keeps, chain its chain. Results: acceptance, and the
 * variance of the filter's log-evidence at the posterior mean, which should be about 1: above 3 the chains stick, far
 * below 1 particles are wasted. */
MOTE_API extern const mote_algorithm *const mote_pmmh;

MOTE_END
#endif
