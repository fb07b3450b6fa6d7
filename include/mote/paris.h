/* SPDX-License-Identifier: BSD-2-Clause */
/* Smoothing on-line: expectations of an additive functional of the whole path given all observations so far, updated as
 * observations arrive, by PaRIS (Olsson and Westerborn 2017, arXiv:1412.7550). No path is stored: cost and memory of a
 * step do not grow with the number of steps.
 *
 *     E[ h_0(x_0) + sum_t h_t(x_{t-1}, x_t) | y_0..t ]
 *
 * for the components of the model's `additive`, or of its `gradient`: then the result is the score, the gradient of the
 * log-likelihood in the parameters (Fisher's identity).
 *
 *     mote_paris_options options = { MOTE_VERSIONED(mote_paris_options), .particles = 1000, .seed = 1 };
 *     mote_run_open(&run, mote_paris, &model, &options);
 *     while (read_observation(&y) && mote_run_push(run, &y) == MOTE_OK)
 *         printf("%g\n", mote_paris_estimate(run, 0));
 *
 * The estimate has a bias of order 1 / particles, which particle Gibbs versions remove (mote/ppg.h). One run gives no
 * error of its estimate: repeat it with other seeds. */
#ifndef MOTE_PARIS_H
#define MOTE_PARIS_H

#include <mote/backward.h>
#include <mote/filter.h>

MOTE_BEGIN

enum mote_on_line { MOTE_ON_LINE_PARIS, MOTE_ON_LINE_FORWARD, MOTE_ON_LINE_GENEALOGY };
enum mote_functional { MOTE_FUNCTIONAL_ADDITIVE, MOTE_FUNCTIONAL_GRADIENT };
enum mote_trace { MOTE_TRACE_OFF, MOTE_TRACE_ON };

#define MOTE_FUNCTIONAL_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                           \
    CHOICE(functional, "additive|gradient",                                                                            \
           "what is smoothed: the model's additive functional, or its gradient (the score)")

/* Options of the filter under a smoother, besides its particles and its resampling scheme. Resampling at every step is
 * the default: the parents of particles that carry a small weight are expensive to draw and tell little. */
enum mote_resample_when { MOTE_WHEN_ALWAYS, MOTE_WHEN_ESS, MOTE_WHEN_NEVER };

#define MOTE_SMOOTHING_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                            \
    CHOICE(resample_when, "always|ess|never",                                                                          \
           "when to resample: at every step, below a share of effective particles, never")                             \
    REAL(ess_threshold, 0.5, "", 1e-9, 1, "resample_when = ess: below this share of the particles")                    \
    CHOICE(proposal, "transition|guided", "draw particles from the transition, or from the model's proposal")          \
    CHOICE(look_ahead, "off|on", "resample with the model's look-ahead (auxiliary filter)")                            \
    CHOICE(failed_potential, "stop|zero", "a potential that is not a number ends the run, or is taken as zero")

#define MOTE_PARIS_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                \
    INTEGER(particles, 1000, "particles", 1, 1000000000, "number of particles")                                        \
    CHOICE(resampling,                                                                                                 \
           "systematic|stratified|multinomial|residual|ssp|killing|optimal|metropolis|rejection|minimum_error",        \
           "resampling scheme")                                                                                        \
    MOTE_SMOOTHING_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                \
    CHOICE(smoother, "paris|forward|genealogy", "draw parents; average over all of them (cost: particles squared); " \
           "take each particle's own ancestor, whose errors grow with the square of time")                             \
    INTEGER(backward_draws, 2, "", 1, 1024, "parents drawn for each particle; with 1 errors grow as without smoothing")\
    MOTE_BACKWARD_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    MOTE_FUNCTIONAL_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                               \
    CHOICE(trace, "off|on", "the draws have one row for each time instead of the last")

typedef struct mote_paris_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_PARIS_OPTIONS)
    const double *theta; /* values of all non-derived parameters; NULL: all are fixed by the model */
} mote_paris_options;

/* The algorithm. The model is a mote_ssm with additive or gradient, with log_transition unless smoother = genealogy,
 * and with log_transition_bound for some ways of `backward`. Draws: a column for each component, a row for the last
 * time or, with trace, for each. */
MOTE_API extern const mote_algorithm *const mote_paris;

/* The estimate of a component given the observations so far. NaN before the first, for an index out of range, and when
 * all weights are zero. */
MOTE_API double mote_paris_estimate(const mote_run *run, int64_t component);
MOTE_API double mote_paris_log_evidence(const mote_run *run);
MOTE_API int64_t mote_paris_count(const mote_run *run); /* observations consumed */

/* The statistic of each particle of the present population, of which the estimate is the weighted mean: `particles`
 * values, until the next call on the run. NULL as above. */
MOTE_API const double *mote_paris_statistic(const mote_run *run, int64_t component);

MOTE_END
#endif
