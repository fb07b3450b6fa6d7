/* SPDX-License-Identifier: BSD-2-Clause */
/* The Parisian particle Gibbs sampler: expectations of an additive functional of the path given all observations, with
 * a bias that vanishes geometrically in the number of sweeps, however few the particles (Cardoso, Janati, Le Corff,
 * Moulines and Olsson 2023, arXiv:2301.00900). Each sweep is a conditional particle filter along the present path with
 * PaRIS on all of its particles; their weighted mean u enters the estimate, and a path drawn from them is the next one.
 *
 *     mote_ppg_options options = { MOTE_VERSIONED(mote_ppg_options), .particles = 64, .sweeps = 200, .seed = 1 };
 *     mote_run_open(&run, mote_ppg, &model, &options);
 *     mote_run_finish(run);
 *     printf("%g +- %g\n", mote_ppg_estimate(run, 0), mote_ppg_error(run, 0));
 *
 * At equal cost PaRIS with more particles has the smaller error and a bias; this has none that matters, and its error
 * is known from the run. */
#ifndef MOTE_PPG_H
#define MOTE_PPG_H

#include <mote/backward.h>
#include <mote/filter.h>
#include <mote/paris.h>

MOTE_BEGIN

/* Options of a conditional particle filter: of its schemes those that have a conditional form. */
#define MOTE_CONDITIONAL_FILTER_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                   \
    INTEGER(particles, 100, "particles", 2, 1000000000, "number of particles, the one that follows the path included") \
    CHOICE(resampling, "systematic|stratified|multinomial|residual|ssp|killing", "resampling scheme")                  \
    MOTE_SMOOTHING_OPTIONS(INTEGER, REAL, CHOICE, TEXT)

/* With the sweeps of a kernel on paths. */
#define MOTE_CONDITIONAL_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                          \
    MOTE_CONDITIONAL_FILTER_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                       \
    INTEGER(sweeps, 100, "sweeps", 1, 1000000000000, "sweeps of the kernel on paths")                                  \
    INTEGER(warm_up, 0, "sweeps", -1, 1000000000000, "sweeps that are dropped; 0: a tenth, at least one; -1: none")

#define MOTE_PPG_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                  \
    MOTE_CONDITIONAL_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                              \
    INTEGER(backward_draws, 2, "", 1, 1024, "parents drawn for each particle")                                         \
    MOTE_BACKWARD_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    MOTE_FUNCTIONAL_OPTIONS(INTEGER, REAL, CHOICE, TEXT)

typedef struct mote_ppg_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_PPG_OPTIONS)
    const double *theta; /* values of all non-derived parameters; NULL: all are fixed by the model */
    const double *path;  /* to start from: a row of state_count for each observation; NULL: drawn by a run of PaRIS */
} mote_ppg_options;

/* The algorithm. The model is a mote_ssm with a series, log_transition, additive or gradient, and log_transition_bound
 * for some ways of `backward`. Draws: a row for each kept sweep; for each component a column with u, and one of the
 * same name with _path, the functional along the sweep's path, whose average is what particle Gibbs with backward
 * sampling would give. */
MOTE_API extern const mote_algorithm *const mote_ppg;

/* Mean of u over the kept sweeps, and its standard error by batch means (NaN below four sweeps); the same of the
 * functional along the paths. NaN for an index out of range. */
MOTE_API double mote_ppg_estimate(const mote_run *run, int64_t component);
MOTE_API double mote_ppg_error(const mote_run *run, int64_t component);
MOTE_API double mote_ppg_path_estimate(const mote_run *run, int64_t component);
MOTE_API double mote_ppg_path_error(const mote_run *run, int64_t component);

/* The present path, a row of state_count for each observation, until the next call on the run; NULL before there is
 * one. */
MOTE_API const double *mote_ppg_path(const mote_run *run);

MOTE_END
#endif
