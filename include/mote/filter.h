/* SPDX-License-Identifier: BSD-2-Clause */
/* Particle filters: filtered moments and the evidence of a state-space model, one observation at a time.
 *
 *     mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 1000, .seed = 1 };
 *     mote_run_open(&run, mote_filter, &model, &options);
 *     while (read_observation(&y) && mote_run_push(run, &y) == MOTE_OK)
 *         printf("%g\n", mote_filter_mean(run, 0));
 *
 * or, for a model that carries its series, mote_run_finish(run). */
#ifndef MOTE_FILTER_H
#define MOTE_FILTER_H

#include <mote/resample.h>
#include <mote/run.h>
#include <mote/ssm.h>

MOTE_BEGIN

enum mote_resample_rule { MOTE_RULE_ESS, MOTE_RULE_ALWAYS, MOTE_RULE_NEVER };
enum mote_proposal { MOTE_PROPOSAL_TRANSITION, MOTE_PROPOSAL_GUIDED };
enum mote_look_ahead { MOTE_LOOK_AHEAD_OFF, MOTE_LOOK_AHEAD_ON };
enum mote_filter_points { MOTE_POINTS_RANDOM, MOTE_POINTS_SOBOL };
enum mote_failed_potential { MOTE_FAILED_STOP, MOTE_FAILED_ZERO };
enum mote_filter_variance { MOTE_VARIANCE_LAG, MOTE_VARIANCE_ALL, MOTE_VARIANCE_OFF };
enum mote_filter_record_choice { MOTE_RECORD_OFF, MOTE_RECORD_STEPS, MOTE_RECORD_MOMENTS, MOTE_RECORD_ALL };
enum mote_filter_history { MOTE_HISTORY_NONE, MOTE_HISTORY_LAG, MOTE_HISTORY_STEPS, MOTE_HISTORY_TREE, MOTE_HISTORY_FULL };

/* Options that every algorithm with a particle filter inside has; and without the number of particles. */
#define MOTE_PARTICLE_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                             \
    INTEGER(particles, 1000, "particles", 1, 1000000000, "number of particles")                                        \
    MOTE_PARTICLE_METHOD_OPTIONS(INTEGER, REAL, CHOICE, TEXT)

#define MOTE_PARTICLE_METHOD_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                      \
    CHOICE(resampling, "systematic|stratified|multinomial|residual|ssp|killing|optimal|metropolis|rejection|minimum_error",\
           "resampling scheme")                                                                                        \
    CHOICE(resample, "ess|always|never", "when to resample: below a share of effective particles, at every step, never") \
    REAL(ess_threshold, 0.5, "", 1e-9, 1, "resample = ess: below this share of the particles")                        \
    CHOICE(proposal, "transition|guided", "draw particles from the transition, or from the model's proposal")          \
    CHOICE(look_ahead, "off|on", "resample with the model's look-ahead (auxiliary filter)")                            \
    CHOICE(points, "random|sobol", "random numbers, or a randomised Sobol net (SQMC); needs the inverse maps")           \
    CHOICE(failed_potential, "stop|zero", "a potential that is not a number ends the run, or is taken as zero")

#define MOTE_FILTER_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                               \
    MOTE_PARTICLE_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    CHOICE(variance, "lag|all|off", "errors from the run's own genealogy: by ancestors variance_lag resamplings back; "  \
           "also by ancestors at time 0; none")                                                                        \
    INTEGER(variance_lag, 20, "resamplings", 1, 1000000, "how far back the error of log Z looks for common ancestors")   \
    CHOICE(history, "none|lag|steps|tree|full", "what is kept of the past: populations of the last or of chosen steps, " \
           "paths of the present particles, all populations")                                                           \
    INTEGER(history_lag, 20, "steps", 1, 1000000, "history = lag: so many populations before the present one")          \
    TEXT(history_steps, NULL, "history = steps: which, from 0, as in \"0, 10, 25\"")                                     \
    CHOICE(record, "off|steps|moments|all", "what is written down at every step: evidence and sample sizes; filtered "  \
           "moments too; also those of prediction and fixed-lag smoothing")                                             \
    INTEGER(smoothing_lag, 20, "steps", 1, 1000000, "record = all: smoothed by observations up to so many steps later")

/* A population as it is after its step, for a function of the user. */
typedef struct mote_filter_view {
    mote_head head;
    int64_t step;                 /* from 0 */
    double time;
    int64_t n;                    /* particles */
    int64_t state_count;
    const double *const *state;   /* state_count columns of n: filtered, to be weighted by log_weight */
    const double *log_weight;     /* n, normalised; -inf when all weights are zero */
    const int32_t *ancestor;      /* n, in the population before; identity where the step did not resample */
    int64_t resampled;
    double log_evidence, increment, effective_sample_size;
} mote_filter_view;

typedef struct mote_filter_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_FILTER_OPTIONS)
    const double *theta; /* values of all non-derived parameters; NULL: all are fixed by the model */
    int (*observe)(void *ctx, const mote_filter_view *view); /* called after every step; below 0: stops the run after
                                                              * this step, which is done and not seen again. NULL: none */
    void *observe_ctx;   /* borrowed */
} mote_filter_options;

/* The algorithm. The model is a mote_ssm; it needs no optional member but what the options ask for. The results name the
 * filtered means of at most 64 coordinates of the state; the functions below have them all. */
MOTE_API extern const mote_algorithm *const mote_filter;

/* Of the present population. NaN before the first observation, for an index out of range, and when all weights are zero.
 * Weighted means and standard deviations of a coordinate of the state: filtered moments. */
MOTE_API double mote_filter_mean(mote_run *run, int64_t state);
MOTE_API double mote_filter_sd(mote_run *run, int64_t state);
MOTE_API double mote_filter_log_evidence(const mote_run *run);       /* log p(y_0..t), so far */
MOTE_API double mote_filter_increment(const mote_run *run);          /* what the last observation added */
MOTE_API double mote_filter_effective_sample_size(const mote_run *run);
MOTE_API int64_t mote_filter_count(const mote_run *run);             /* observations consumed */

/* Columns of the present population, `particles` values each, until the next call on the run; NULL as above.
 * log_weight: normalised. ancestor: of each particle in the population before. */
MOTE_API const double *mote_filter_state(const mote_run *run, int64_t state);
MOTE_API int mote_filter_log_weights(const mote_run *run, double *log_weight);
MOTE_API const int32_t *mote_filter_ancestors(const mote_run *run);

/* Errors from this one run's genealogy; NaN when they are not available (one particle, quasi-random points, variance =
 * off, all weights zero) or not reliable. Of log Z by the ancestors variance_lag resamplings back; of the filtered mean of
 * a coordinate the same (Olsson and Douc 2019). O(variance_lag x particles). */
MOTE_API double mote_filter_log_evidence_error(mote_run *run);
MOTE_API double mote_filter_mean_error(mote_run *run, int64_t state);

/* All estimates, the unreliable ones too. state -1: of log Z (for LEE_WHITELEY: the relative variance of the evidence; no
 * CHAN_LAI). lag: of FIXED_LAG means, in resamplings, at most variance_lag; 0: variance_lag. The other two look at ancestors
 * at time 0 and need variance = all, or at most variance_lag resamplings. Stated for multinomial resampling and every other
 * unbiased scheme (fixed lag of log Z); the others are stated for multinomial only. */
enum mote_error_estimate { MOTE_ERROR_FIXED_LAG, MOTE_ERROR_LEE_WHITELEY, MOTE_ERROR_CHAN_LAI };

typedef struct mote_filter_error {
    mote_head head;
    double variance;     /* NaN: not available */
    double error;        /* its square root; NaN when it is not reliable */
    int64_t ancestors;   /* left with weight at the lag used; the fewest of all lags that entered */
    int64_t reliable;    /* 0: one ancestor is left, or a variance of log Z that is negative or above 1 */
} mote_filter_error;

/* One of them. */
MOTE_API int mote_filter_error_of(mote_run *run, int64_t estimate, int64_t state, int64_t lag, mote_filter_error *error);

/* What the option `record` wrote down: columns of mote_filter_record_count rows, one for each step that had weights; until
 * the next call on the run.
 *     time, increment, log_evidence, effective_sample_size, resampled
 *     filter_mean, filter_sd, filter_mean_error        weighted, of p(x_t | y_0..t); the error as mote_filter_mean_error
 *     prediction_mean, prediction_sd                   weighted, of p(x_t | y_0..t-1); NaN with proposal = guided
 *     smoothing_mean, smoothing_sd                     weighted, of p(x_t | y_0..t+smoothing_lag), of the last rows: so far
 * `state` picks the coordinate and is 0 for the first line. NULL for what is not recorded. Columns can also be walked:
 * mote_filter_record_name gives the quantity of column 0, 1, ... (NULL past the end) and its coordinate (-1: none). */
MOTE_API int64_t mote_filter_record_count(const mote_run *run);
MOTE_API const double *mote_filter_record(mote_run *run, const char *name, int64_t state);
MOTE_API const char *mote_filter_record_name(const mote_run *run, int64_t column, int64_t *state);
MOTE_API const double *mote_filter_record_column(mote_run *run, int64_t column);

/* Past populations, filtered and weighted, as far as the option `history` keeps them; NULL and MOTE_ESTATE otherwise. */
MOTE_API const double *mote_filter_history_state(const mote_run *run, int64_t step, int64_t state);
MOTE_API int mote_filter_history_log_weights(const mote_run *run, int64_t step, double *log_weight);
MOTE_API const int32_t *mote_filter_history_ancestors(const mote_run *run, int64_t step);

/* The path of a particle of the present population: states of steps start .. start + length - 1 in rows of state_count.
 * The particle's weight belongs to the whole path. Whole paths with history = tree or full (start 0), the last
 * history_lag + 1 steps with lag; -1, 0 and MOTE_ESTATE otherwise. */
MOTE_API int64_t mote_filter_path_start(const mote_run *run);
MOTE_API int64_t mote_filter_path_length(const mote_run *run);
MOTE_API int mote_filter_path(const mote_run *run, int64_t particle, double *path);

MOTE_END
#endif
