/* SPDX-License-Identifier: BSD-2-Clause */
/* Smoothing: moments of the states, and expectations of an additive functional, given all observations of a series.
 *
 *     mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .particles = 1000, .seed = 1 };
 *     mote_run_open(&run, mote_smoother, &model, &options);   the model carries its series, or observations are pushed
 *     mote_run_finish(run);                                   which ends a stream and runs the passes back
 *     mean = mote_smoother_mean(run, 0);                      one value for each time
 *
 * A particle filter runs forward and keeps its populations; then, by the option `method`:
 *   ffbsi               trajectories are drawn backwards (Godsill, Doucet and West 2004); how parents are drawn: see
 *                       mote/backward.h
 *   ffbsm               every particle is weighed anew by all later ones: cost particles^2 per step, no further
 * randomness
 *   two_filter          weighed by a filter that runs backwards (Briers, Doucet and Maskell 2010): particles^2
 *   two_filter_linear   the same from pairs of indices that are drawn: cost in proportion to particles
 *   fixed_lag           ancestors of the particles `smoothing_lag` steps later: biased; the bias dies fast with the lag
 *   genealogy           ancestors of the last particles: of long series one path is left at the beginning
 * All but the last two need log_transition; the two filters also artificial and log_artificial. A model without is
 * refused by name. The model's `additive`, when it has one, or its `gradient` is smoothed too. */
#ifndef MOTE_SMOOTHER_H
#define MOTE_SMOOTHER_H

#include <mote/backward.h>
#include <mote/filter.h>
#include <mote/paris.h>

MOTE_BEGIN

enum mote_smoother_method {
    MOTE_SMOOTHER_FFBSI,
    MOTE_SMOOTHER_FFBSM,
    MOTE_SMOOTHER_TWO_FILTER,
    MOTE_SMOOTHER_TWO_FILTER_LINEAR,
    MOTE_SMOOTHER_FIXED_LAG,
    MOTE_SMOOTHER_GENEALOGY
};

#define MOTE_SMOOTHER_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                             \
    MOTE_PARTICLE_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    CHOICE(method, "ffbsi|ffbsm|two_filter|two_filter_linear|fixed_lag|genealogy", "how the past is smoothed")         \
    INTEGER(trajectories, 1000, "", 1, 100000000, "method = ffbsi: trajectories to draw")                              \
    MOTE_BACKWARD_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    INTEGER(pairs, 0, "", 0, 100000000, "method = two_filter_linear: pairs to draw at each time; 0: as many as particles") \
    INTEGER(smoothing_lag, 20, "steps", 1, 1000000, "method = fixed_lag: smoothed by observations up to so many steps later") \
    MOTE_FUNCTIONAL_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                               \
    INTEGER(replicates, 1, "", 1, 1000000, "independent repetitions: their mean is given, their spread is the error")  \
    INTEGER(variance_lag, 20, "resamplings", 1, 1000000, "how far back errors from one run look for common ancestors")

typedef struct mote_smoother_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_SMOOTHER_OPTIONS)
    const double *theta; /* values of all non-derived parameters; NULL: all are fixed by the model */
} mote_smoother_options;

/* The algorithm. Draws: of ffbsi and genealogy the trajectories, weighted, with columns x_0, x_1, ... of the
 * coordinates at all times (those of the last time only where they would be more than 10,000) and then the functional
 * of each; of the other methods the last population, where filtered and smoothed are the same. */
MOTE_API extern const mote_algorithm *const mote_smoother;

/* Results, once the first repetition is through; 0 and NULL before. Until the next call on the run.
 * count: times; time: of each. Weighted means and standard deviations of a coordinate given all observations, one value
 * for each time. Standard errors of the means: of several replicates their spread; of one, by the genealogy for
 * fixed_lag and genealogy, and NaN for the other methods, whose single run does not tell its error. NaN also where one
 * is not reliable. */
MOTE_API int64_t mote_smoother_count(const mote_run *run);
MOTE_API const double *mote_smoother_time(const mote_run *run);
MOTE_API const double *mote_smoother_mean(const mote_run *run, int64_t state);
MOTE_API const double *mote_smoother_sd(const mote_run *run, int64_t state);
MOTE_API const double *mote_smoother_mean_error(const mote_run *run, int64_t state);

/* Smoothed functional (component of `additive`, or parameter of `gradient`) and its standard error, from replicates;
 * NaN when there is none. */
MOTE_API double mote_smoother_functional(const mote_run *run, int64_t component);
MOTE_API double mote_smoother_functional_error(const mote_run *run, int64_t component);

/* Log of the evidence: of several replicates, of their mean. Error as of mote_filter, or from replicates. */
MOTE_API double mote_smoother_log_evidence(const mote_run *run);
MOTE_API double mote_smoother_log_evidence_error(const mote_run *run);

/* Trajectories of the last repetition: of ffbsi `trajectories` of equal weight, of genealogy `particles`, weighted. A
 * column for each time and coordinate; 0, NULL and MOTE_ESTATE for the other methods. */
MOTE_API int64_t mote_smoother_path_count(const mote_run *run);
MOTE_API const double *mote_smoother_path(const mote_run *run, int64_t step, int64_t state);
MOTE_API int mote_smoother_path_log_weights(const mote_run *run, double *log_weight);

/* The filter's particles of a time in the last repetition, and their smoothing weights by ffbsm and two_filter
 * (normalised logs); NULL and MOTE_ESTATE for the weights of the other methods. */
MOTE_API const double *mote_smoother_particles(const mote_run *run, int64_t step, int64_t state);
MOTE_API int mote_smoother_log_weights(const mote_run *run, int64_t step, double *log_weight);

MOTE_END
#endif
