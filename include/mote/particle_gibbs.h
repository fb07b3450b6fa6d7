/* SPDX-License-Identifier: BSD-2-Clause */
/* Particle Gibbs: draws of the whole path given the observations, and of the parameters with it (Andrieu, Doucet and
 * Holenstein 2010). A sweep is a conditional particle filter along the present path, which gives the next path; then,
 * when the model has parameters that are not fixed, a Markov kernel moves them given the path. With backward or
 * ancestor sampling few particles will do for long series.
 *
 *     mote_particle_gibbs_options options = { MOTE_VERSIONED(mote_particle_gibbs_options), .particles = 50,
 *                                             .sweeps = 10000, .steps = "0, 25, 49" };
 *     mote_run_open(&run, mote_particle_gibbs, &model, &options); */
#ifndef MOTE_PARTICLE_GIBBS_H
#define MOTE_PARTICLE_GIBBS_H

#include <mote/ppg.h>

MOTE_BEGIN

enum mote_path_kernel { MOTE_PATH_BACKWARD, MOTE_PATH_ANCESTOR, MOTE_PATH_PLAIN };
enum mote_path_draw { MOTE_PATH_DRAW_EXACT, MOTE_PATH_DRAW_HYBRID, MOTE_PATH_DRAW_REJECTION, MOTE_PATH_DRAW_MCMC };
enum mote_parameters { MOTE_PARAMETERS_SAMPLED, MOTE_PARAMETERS_HELD };
enum mote_parameter_kernel { MOTE_PARAMETER_RANDOM_WALK, MOTE_PARAMETER_MALA, MOTE_PARAMETER_INDEPENDENCE };

#define MOTE_PARTICLE_GIBBS_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                       \
    MOTE_CONDITIONAL_FILTER_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                       \
    INTEGER(sweeps, 0, "sweeps", 0, 1000000000000,                                                                     \
            "sweeps of the kernel on paths; 0: 10,000 where parameters are sampled, else 100")                         \
    INTEGER(warm_up, 0, "sweeps", -1, 1000000000000, "sweeps that are dropped; 0: a tenth, at least one; -1: none")    \
    CHOICE(path_kernel, "backward|ancestor|plain",                                                                     \
           "the next path: by backward sampling, ancestor sampling, or ancestors alone")                               \
    CHOICE(path_draw, "exact|hybrid|rejection|mcmc", "how the parents of backward and ancestor sampling are drawn")   \
    INTEGER(path_draw_steps, 1, "", 1, 1000000, "path_draw = mcmc: Metropolis steps of a draw")                        \
    TEXT(steps, NULL, "steps at which the state is kept, from 0, as in \"0, 10, 25\"; default: the last")              \
    CHOICE(parameters, "sampled|held", "draw the parameters that are not fixed, too, or hold them at the values given")\
    CHOICE(parameter_kernel, "random_walk|mala|independence", "kernel that moves parameters given the path")           \
    INTEGER(parameter_moves, 10, "transitions", 1, 1000000, "its transitions in each sweep")

typedef struct mote_particle_gibbs_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_PARTICLE_GIBBS_OPTIONS)
    const double *theta; /* values of all non-derived parameters, to start from or held; NULL: all are fixed, or
                          * the start is drawn from the prior */
    const double *path;  /* to start from: a row of state_count for each observation; NULL: drawn by a filter */
} mote_particle_gibbs_options;

/* The algorithm. The model is a mote_ssm with a series; backward and ancestor sampling need log_transition, sampling of
 * parameters log_initial, too. Draws: a row for each kept sweep, with the sampled parameters, the components of
 * `additive` along the path (if the model has it), and the state at the chosen steps as x_0, x_25, ...;
 * columns of the same step have the same `group`. */
MOTE_API extern const mote_algorithm *const mote_particle_gibbs;

/* Mean of a column of the draws over the kept sweeps and its standard error by batch means; NaN out of range. */
MOTE_API double mote_particle_gibbs_mean(const mote_run *run, int64_t column);
MOTE_API double mote_particle_gibbs_error(const mote_run *run, int64_t column);

/* The present path, a row of state_count for each observation, until the next call on the run; NULL before there is
 * one. */
MOTE_API const double *mote_particle_gibbs_path(const mote_run *run);

MOTE_END
#endif
