/* SPDX-License-Identifier: BSD-2-Clause */
/* Particle marginal Metropolis-Hastings (Andrieu, Doucet and Holenstein 2010): the exact posterior of a state-space
 * model's parameters, from chains whose likelihood is a particle filter's estimate.
 *
 *     mote_pmmh_options options = { MOTE_VERSIONED(mote_pmmh_options), .particles = 200, .tune = MOTE_TUNE_ON, .seed = 1 };
 *     mote_run_open(&run, mote_pmmh, &model, &options); */
#ifndef MOTE_PMMH_H
#define MOTE_PMMH_H

#include <mote/filter.h>

MOTE_BEGIN

enum mote_pmmh_tune { MOTE_TUNE_OFF, MOTE_TUNE_ON };

#define MOTE_PMMH_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    MOTE_PARTICLE_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    INTEGER(chains, 4, "chains", 1, 100000, "independent chains; with threads they run at the same time")              \
    INTEGER(draws, 1000, "draws", 1, 1000000000, "draws of each chain that are kept")                                  \
    INTEGER(warm_up, 500, "transitions", 1, 1000000000, "transitions of each chain that adapt the proposal, not kept") \
    INTEGER(thin, 1, "transitions", 1, 1000000, "transitions from one kept draw to the next")                          \
    REAL(correlation, 0, "", 0, 0.999999, "of a proposal's random numbers with those of the present point; particles are " \
         "then sorted, and the model may draw normals and uniforms only")                                              \
    CHOICE(tune, "off|on", "half-way through the warm-up, choose the number of particles whose log Z has a variance "  \
           "between 1 and 2 at the chains' mean")                                                                      \
    INTEGER(evaluations, 20, "filters", 2, 100000, "filters at the posterior mean that measure the variance of log Z")

typedef struct mote_pmmh_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_PMMH_OPTIONS)
} mote_pmmh_options;

/* The algorithm. The model is a mote_ssm that carries its series and has a parameter that is not fixed. Draws: the kept
 * states of all chains, log_likelihood the estimate that each state keeps, chain its chain. Results: acceptance, particles,
 * and the variance of the filter's log-evidence at the posterior mean, which should be about 1 to 2: above 3 the chains
 * stick, far below 1 particles are wasted. With a correlation it is noise_log_evidence that should be so: half the variance
 * of the difference of log Z between a point and its proposal. */
MOTE_API extern const mote_algorithm *const mote_pmmh;

/* A path of states for row `draw` of the draws, a row of state_count for each observation: together they are a draw from
 * p(theta, x_0..T | y). The filter that gave the row its likelihood is run again, from the id of its random numbers.
 * MOTE_EUNSUPPORTED with a correlation, MOTE_ESTATE before there are draws. */
MOTE_API int mote_pmmh_path(mote_run *run, int64_t draw, double *path);

MOTE_END
#endif
