/* SPDX-License-Identifier: BSD-2-Clause */
/* SMC^2 (Chopin, Jacob and Papaspiliopoulos 2013, JRSS B 75, 397): posterior of a state-space model's parameters and its
 * evidence, sequentially in the observations. Each of many parameter particles has a particle filter of its own.
 *
 *     mote_smc2_options options = { MOTE_VERSIONED(mote_smc2_options), .parameter_particles = 1000, .seed = 1 };
 *     mote_run_open(&run, mote_smc2, &model, &options);
 *     while (read_observation(&y) && mote_run_push(run, &y) == MOTE_OK)
 *         ... mote_smc2_log_evidence(run), mote_run_draws(run): the posterior given all that was pushed
 *
 * or, for a model that carries its series, mote_run_finish(run). */
#ifndef MOTE_SMC2_H
#define MOTE_SMC2_H

#include <mote/filter.h>

MOTE_BEGIN

enum mote_smc2_kernel { MOTE_SMC2_RANDOM_WALK, MOTE_SMC2_INDEPENDENCE };
enum mote_smc2_adapt { MOTE_SMC2_ADAPT_ON, MOTE_SMC2_ADAPT_OFF };

#define MOTE_SMC2_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    INTEGER(parameter_particles, 1000, "particles", 2, 100000000, "parameter particles, each with a filter")           \
    INTEGER(particles, 100, "particles", 1, 1000000000, "particles of each filter, to begin with")                     \
    MOTE_PARTICLE_METHOD_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                          \
    REAL(target_ess, 0.5, "", 1e-6, 1, "resample and move when fewer effective parameter particles than this share are left") \
    CHOICE(kernel, "random_walk|independence", "proposal of the moves, fitted to the weighted parameter particles")    \
    INTEGER(components, 1, "", 1, 64, "kernel = independence: parts of its mixture")                                   \
    INTEGER(moves, 3, "transitions", 1, 1000000, "particle marginal Metropolis-Hastings transitions of each parameter "  \
            "particle after resampling")                                                                               \
    CHOICE(adapt, "on|off", "double the particles of the filters when their evidences are too noisy")                  \
    REAL(noise_limit, 1.5, "nats^2", 1e-6, 1e6, "adapt: largest variance of log Z at the posterior mean")              \
    REAL(acceptance_limit, 0.15, "", 1e-6, 1, "adapt: smallest acceptance, where the noise is above 0.1")              \
    INTEGER(noise_filters, 20, "filters", 3, 100000, "fresh filters at the posterior mean that measure the noise")     \
    INTEGER(particles_limit, 0, "particles", 0, 1000000000, "adapt: most particles of a filter; 0: a hundred times `particles`") \
    INTEGER(variance_lag, 20, "resamplings", 1, 1000000, "how far back the error of log Z looks for common ancestors")

typedef struct mote_smc2_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_SMC2_OPTIONS)
} mote_smc2_options;

/* The algorithm. The model is a mote_ssm with a parameter that is not fixed, none with a conditional prior. Draws: the
 * weighted parameter particles given the observations so far; log_likelihood: the estimate of each one's filter. Results:
 * log_evidence and its error, particles (of a filter at the end), acceptance of the last moves, variance_log_evidence. */
MOTE_API extern const mote_algorithm *const mote_smc2;

/* What happened at one observation. */
typedef struct mote_smc2_stage {
    mote_head head;
    double log_evidence;          /* log p(y_0..t), estimate */
    double log_evidence_error;    /* from the run's own genealogy; NaN where it has none */
    double effective_sample_size; /* of the parameter particles, before they were moved */
    double particles;             /* of each filter, after */
    double acceptance;            /* of the moves; NaN without */
    double noise;                 /* variance of log Z at the posterior mean; NaN where it was not measured */
} mote_smc2_stage;

/* Stage of observation `index`, from 0; MOTE_EINVAL for one that is not complete. */
MOTE_API int64_t mote_smc2_stage_count(const mote_run *run);
MOTE_API int mote_smc2_get_stage(const mote_run *run, int64_t index, mote_smc2_stage *stage);
MOTE_API double mote_smc2_log_evidence(const mote_run *run); /* so far; NaN before the first observation */

/* A state of the last time for row `draw` of the draws: state_count values, drawn by the weights of that row's filter, the
 * same at every call; MOTE_ESTATE when that filter has no weight left. With the rows' weights these are draws from
 * p(theta, x_t | y_0..t). */
MOTE_API int mote_smc2_state(const mote_run *run, int64_t draw, double *state);

MOTE_END
#endif
