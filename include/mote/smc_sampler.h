/* SPDX-License-Identifier: BSD-2-Clause */
/* Sequential Monte Carlo samplers (Del Moral, Doucet & Jasra 2006): particles are carried from the prior to the
 * posterior through a sequence of targets, by weighting, resampling and Markov moves. Evidence and posterior draws.
 *
 *     mote_smc_options options = { MOTE_VERSIONED(mote_smc_options), .particles = 5000, .seed = 1 };
 *     mote_run_open(&run, mote_smc, &target, &options);
 *
 * The sequence: powers of the likelihood (tempering, by default chosen so that each step keeps a share of effective
 * particles) or growing parts of the data (data tempering; needs mote_target.log_likelihood_terms). */
#ifndef MOTE_SMC_SAMPLER_H
#define MOTE_SMC_SAMPLER_H

#include <mote/resample.h>
#include <mote/run.h>

MOTE_BEGIN

enum mote_smc_form { MOTE_SMC_WASTE_FREE, MOTE_SMC_PLAIN, MOTE_SMC_PERSISTENT };
enum mote_smc_sequence { MOTE_SMC_TEMPERING, MOTE_SMC_DATA };
enum mote_smc_kernel { MOTE_SMC_KERNEL_AUTO, MOTE_SMC_RANDOM_WALK, MOTE_SMC_INDEPENDENCE, MOTE_SMC_MALA };
enum mote_smc_draws { MOTE_SMC_DRAWS_FINAL, MOTE_SMC_DRAWS_ALL };

#define MOTE_SMC_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                  \
    INTEGER(particles, 5000, "particles", 2, 1000000000, "number of particles")                                        \
    CHOICE(form, "waste_free|plain|persistent",                                                                        \
           "waste_free: all states of few long chains are particles; plain: one state of each; persistent: those of all " \
           "levels stay")                                                                                              \
    INTEGER(chain_length, 0, "states", 0, 1000000, "waste_free: states of a chain, its start included; 0: about as many " \
            "as there are chains, random_walk: 25 per dimension, and at least 10 chains")                              \
    CHOICE(sequence, "tempering|data", "targets in between: powers of the likelihood, or parts of the data")           \
    TEXT(schedule, NULL, "increasing powers up to 1 (data: numbers of terms up to all), blank-separated; default: adaptive") \
    TEXT(replay, NULL, "file of mote_smc_write_schedule: its schedule, steps and kernels, frozen")                     \
    REAL(target_ess, 0.5, "", 1e-6, 100, "effective particles that a level keeps, as a share of `particles`")          \
    REAL(minimum_step, 1e-12, "", 1e-300, 1, "least rise of the power before the run is called stalled")               \
    INTEGER(max_levels, 10000, "levels", 1, 100000000, "most levels before the run is called stalled")                 \
    INTEGER(terms, 1, "terms", 1, 1000000000, "sequence = data: terms added at once")                                  \
    CHOICE(kernel, "auto|random_walk|independence|mala",                                                               \
           "Markov kernel that moves the particles; auto: mala where the target has gradients, else random_walk")      \
    INTEGER(components, 1, "", 1, 64, "kernel = independence: parts of its mixture")                                   \
    INTEGER(steps, 0, "", 0, 1000000, "plain, persistent: moves of a particle at each level; 0: until the mean squared " \
            "displacement stops growing")                                                                              \
    INTEGER(max_steps, 1000, "", 1, 1000000, "most moves when their number is found by displacement")                  \
    CHOICE(resampling, "systematic|stratified|multinomial|residual|ssp|killing|optimal|metropolis|rejection|minimum_error", \
           "resampling scheme; weighted and biased ones are refused")                                                  \
    INTEGER(variance_lag, 20, "levels", 1, 1000000, "plain: how far back the error of log Z looks for common ancestors") \
    CHOICE(keep, "final|all", "draws: the final particles, or those of all levels, weighted for the posterior")

typedef struct mote_smc_options {
    mote_head head;
    const mote_hooks *hooks; /* may be NULL */
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_SMC_OPTIONS)
} mote_smc_options;

/* The algorithm; its name is "smc". The model is a mote_target without conditional priors. */
MOTE_API extern const mote_algorithm *const mote_smc;

/* One level of the sequence: level 0 is the prior. */
typedef struct mote_smc_level {
    mote_head head;
    double inverse_temperature;   /* data tempering: 1 */
    double term_count;            /* terms of the likelihood in the target; tempering: 0 */
    double log_evidence;          /* of the level's target */
    double log_evidence_error;    /* of that; NaN where there is none yet */
    double effective_sample_size; /* of the weights that led here */
    double alive;                 /* share of the particles with likelihood > 0 */
    double moved;                 /* 1: resampled and moved */
    double steps;                 /* moves of a particle or of a chain */
    double acceptance;            /* mean acceptance probability */
    double scale;                 /* of the kernel, against its default */
    double squared_jump;          /* mean squared move in units of the covariance */
    double correlation;           /* waste_free: autocorrelation time of the log-likelihood along the chains */
} mote_smc_level;

/* Level `index` of a run so far; MOTE_EINVAL past the last one. */
MOTE_API int mote_smc_get_level(mote_run *run, int64_t index, mote_smc_level *level);
MOTE_API int64_t mote_smc_level_count(mote_run *run);

/* Writes schedule, steps and tuned kernels as text. A run with `replay` on that file has nothing left that adapts: the
 * mean of its evidence over seeds is exact, where adaptive runs are biased by O(1 / particles). */
MOTE_API int mote_smc_write_schedule(mote_run *run, const char *path);

MOTE_END
#endif
