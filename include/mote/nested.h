/* SPDX-License-Identifier: BSD-2-Clause */
/* Nested sampling (Skilling 2006): evidence and posterior from live points that climb the likelihood. */
#ifndef MOTE_NESTED_H
#define MOTE_NESTED_H

#include <mote/run.h>

MOTE_BEGIN

enum mote_step { MOTE_STEP_AUTO, MOTE_STEP_BOUND, MOTE_STEP_SLICE, MOTE_STEP_WALK };
enum mote_direction { MOTE_DIRECTION_MIXTURE, MOTE_DIRECTION_DIFFERENTIAL, MOTE_DIRECTION_HIT_AND_RUN,
                      MOTE_DIRECTION_WHITENED, MOTE_DIRECTION_AXIS };
enum mote_on_stall { MOTE_ON_STALL_WARN, MOTE_ON_STALL_SWITCH, MOTE_ON_STALL_STOP };

#define MOTE_NESTED_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                               \
    INTEGER(live_points, 500, "points", 2, 10000000, "number of live points")                                          \
    INTEGER(prior_draws, 0, "points", 0, 100000000, "draws from the prior to begin with; 0: live_points")              \
    INTEGER(deaths_per_step, 0, "points", 0, 1000000, "deaths, then births, of one step; 0: max(1, live_points/20)")   \
    REAL(precision, 1e-3, "", 1e-12, 1, "stop when the live points hold less than this share of the evidence")         \
    REAL(dlogz, 0, "nats", 0, 1e6, "stop when log(Z + X L_max) - log Z is below this; 0: not used")                    \
    INTEGER(max_iterations, 0, "deaths", 0, 9.0e18, "stop after this many deaths; 0: no limit")                        \
    REAL(target_effective_sample_size, 0, "", 0, 1e12, "stop once the posterior has this many effective draws; 0: off")\
    REAL(target_error, 0, "nats", 0, 1e6, "stop once the statistical error of log Z is below this; 0: off")            \
    CHOICE(step, "auto|bound|slice|walk", "how a new point is drawn; auto: bound while it is cheaper, then slice")     \
    INTEGER(steps, 0, "", 0, 1000000, "slice or walk steps per birth; 0: 2 d for slice, 20 + d for walk")              \
    CHOICE(direction, "mixture|differential|hit_and_run|whitened|axis", "directions of the slice sampler")             \
    INTEGER(step_out, 0, "", 0, 1000, "stepping-out limit of the slice sampler; 0: no stepping out")                   \
    REAL(slice_calls, 1.75, "calls", 1.2, 10, "likelihood calls per slice step that the slice width is tuned to")      \
    REAL(efficiency, 0.7, "", 1e-3, 1, "target efficiency: an ellipsoid keeps at least its share of the volume over this")    \
    INTEGER(bootstrap_rounds, 30, "", 5, 1000, "leave-out rounds that set the enlargement of a bound")                 \
    INTEGER(plateau_tries, 10000, "draws", 1, 1000000000, "draws for a better point before a plateau ends the run")    \
    INTEGER(simulations, 1000, "", 10, 1000000, "realisations of the volumes for the error of log Z")                  \
    INTEGER(bootstraps, 200, "", 10, 1000000, "resampled thread sets for the error of log Z")                          \
    CHOICE(on_stall, "warn|switch|stop", "what to do when progress stalls")                                            \
    CHOICE(polish, "on|off", "climb from the best point to the maximum likelihood after the run")

typedef struct mote_nested_options {
    mote_head head;
    const mote_hooks *hooks; /* may be NULL */
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_NESTED_OPTIONS)
} mote_nested_options;

/* The algorithm: mote_run_open(&run, mote_nested, &target, &options). The model is a mote_target. */
MOTE_API extern const mote_algorithm *const mote_nested;

/* Bits of mote_nested_result.warnings. X(NAME, bit, "text") */
#define MOTE_WARNING_LIST(X)                                                                                           \
    X(INSERTION_RANK, 1, "insertion ranks are not uniform: the sampler may have lost part of a contour")               \
    X(PARENT_CHILD, 2, "newborn points remember their parents: more steps per birth were needed")                      \
    X(STALL_PLATEAU, 4, "all live points had the same likelihood")                                                     \
    X(STALL_RESOLUTION, 8, "the contour is narrower than double precision resolves")                                   \
    X(STALL_EFFICIENCY, 16, "the calls per new point grew far beyond their usual number")                              \
    X(STALL_NOISE, 32, "the same point gave two different likelihoods")                                                \
    X(STALL_UNBOUNDED, 64, "the remaining evidence does not fall: the likelihood may be unbounded")                    \
    X(SPIKE, 128, "the maximum jumped late in the run: a narrow peak may be known by few points")                      \
    X(MISSED_PEAK, 256, "a polished peak holds more evidence than the run found")                                      \
    X(LIMIT, 512, "a limit ended the run before its stopping rule")                                                    \
    X(FAILED, 1024, "some likelihood evaluations failed")                                                              \
    X(TIMEOUT, 2048, "rows hit the time limit: the run need not repeat")                                               \
    X(ZEROS, 4096, "most of the prior has zero likelihood: some of its draws are counted, but are not among the points")

enum mote_warning {
#define MOTE_WARNING_ENUMERATOR(name, bit, text) MOTE_WARNING_##name = bit,
    MOTE_WARNING_LIST(MOTE_WARNING_ENUMERATOR)
#undef MOTE_WARNING_ENUMERATOR
    MOTE_WARNING_NONE_ = 0
};

typedef struct mote_nested_result {
    mote_head head;
    double log_evidence;          /* mean over the simulated volumes */
    double log_evidence_error;    /* all parts below, combined */
    double error_simulated;       /* sd over simulated volumes */
    double error_bootstrap;       /* sd over resampled threads */
    double error_tail;            /* log(1 + Z_live/Z) at termination */
    double error_constraint;      /* of the log prior mass */
    double log_prior_mass;        /* of a joint constraint; 0 without one */
    double information;           /* H = KL(posterior | prior), nats */
    double effective_sample_size;
    double maximum_log_likelihood;/* over all points, the polished one included */
    double remaining;             /* share of the evidence in the final live points */
    double insertion_rank_p;      /* Kolmogorov-Smirnov, whole run */
    double insertion_rank_p_worst;/* over windows of live_points births, corrected for their number */
    double insertion_rank_resets; /* of the running test at 4 sigma */
    double parent_child;          /* rank correlation over the whole run; NaN without a step sampler */
    double parent_child_error;
    double half_difference;       /* log Z of one half of the threads minus the other, in units of its error */
    double failed_prior_share;    /* failed rows among prior draws */
    double failed_share;          /* among all rows */
    double seconds_per_call;      /* NaN when not measured */
    int64_t iterations;           /* deaths, final live points included */
    int64_t births;
    int64_t plateau_deaths;       /* deaths that shared their likelihood with another */
    int64_t steps;                /* per birth at the end; 0 for bounds */
    int64_t warnings;             /* bits of enum mote_warning */
    int64_t finished_by;          /* enum mote_finished_by */
    int64_t polished;             /* 1: best_theta comes from the polish */
    int64_t zeros_left_out;       /* prior draws of zero likelihood that are counted, but are not among the points */
    double log_volume_left;       /* mean log of the prior volume without them; 0 when there are none */
} mote_nested_result;

/* Fills `result` from a run of mote_nested that has draws. */
MOTE_API int mote_nested_get_result(mote_run *run, mote_nested_result *result);

/* The maximum-likelihood point: `theta` as the likelihood saw it, and derived values (either may be NULL). */
MOTE_API int mote_nested_get_best(mote_run *run, double *theta, double *derived);

/* "INSERTION_RANK" for MOTE_WARNING_INSERTION_RANK, and the sentence; NULL for an unknown bit. */
MOTE_API const char *mote_warning_name(int64_t bit);
MOTE_API const char *mote_warning_text(int64_t bit);

/* Plain draws from the prior, with the likelihood of each as weight: checks a set-up, and small evidences. */
#define MOTE_PRIOR_RUN_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                      \
    INTEGER(draws, 1000, "draws", 1, 1000000000, "number of draws from the prior")               \
    CHOICE(weights, "prior|likelihood", "prior: equal weights; likelihood: importance sampling")

typedef struct mote_prior_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_PRIOR_RUN_OPTIONS)
} mote_prior_options;

/* The algorithm; its name is "prior". The model is a mote_target. */
MOTE_API extern const mote_algorithm *const mote_prior_run;

MOTE_END
#endif
