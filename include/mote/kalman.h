/* SPDX-License-Identifier: BSD-2-Clause */
/* Linear-Gaussian state-space models, exactly: Kalman filter, smoother, paths, score, expectation-maximisation.
 *
 *     x_0 ~ N(m_0, P_0),   x_t = A_t x_{t-1} + b_t + N(0, Q_t),   y_t = C_t x_t + c_t + N(0, R_t),   t = 0, 1, ...
 *
 * y_0 is observed from x_0, and every log-likelihood includes it. With `propagate_first` the initial law is that of
 * x_{-1}, and x_0 is reached from it by A_0, b_0, Q_0. The whole life cycle:
 *
 *     mote_kalman *kalman = NULL;
 *     if (mote_kalman_open(&kalman, &model, times, NULL) || mote_kalman_filter(kalman, y, NULL, times) ||
 *         mote_kalman_smooth(kalman))
 *         fprintf(stderr, "%s\n", mote_kalman_message(kalman));
 *     else
 *         use(mote_kalman_log_likelihood(kalman), mote_kalman_mean(kalman, MOTE_KALMAN_SMOOTHED, 0));
 *     mote_kalman_close(&kalman);
 *
 * All matrices are dense and row-major; vectors are matrices of one column. */
#ifndef MOTE_KALMAN_H
#define MOTE_KALMAN_H

#include <mote/base.h>
#include <mote/matrix.h>
#include <mote/source.h>
#include <mote/status.h>

MOTE_BEGIN

typedef struct mote_kalman mote_kalman;

/* The matrices of one time, for d states and m observations. */
typedef struct mote_kalman_matrices {
    mote_matrix transition;             /* A, d x d; absent: the identity */
    mote_matrix transition_offset;      /* b, d: inputs go here; absent: zero */
    mote_matrix transition_covariance;  /* Q, d x d, positive semi-definite */
    mote_matrix observation;            /* C, m x d */
    mote_matrix observation_offset;     /* c, m; absent: zero */
    mote_matrix observation_covariance; /* R, m x m, positive semi-definite; C P C' + R must be definite */
} mote_kalman_matrices;

typedef struct mote_kalman_model {
    mote_head head;
    int64_t states;                 /* d >= 1 */
    int64_t observations;           /* m >= 1 */
    mote_matrix initial_mean;       /* m_0, d */
    mote_matrix initial_covariance; /* P_0, d x d, positive semi-definite */
    int64_t propagate_first;        /* 1: the initial law is that of x_{-1} */
    /* Matrices that change with time: called with `matrices` set to `constant`, replaces what it likes (of the same
     * shapes) by memory that stays as it is until the next call. Backward passes ask again, from the last time to the
     * first. 0, > 0 (MOTE_EMODEL), or < 0, which reaches the caller. NULL: all constant. */
    int (*step)(void *ctx, int64_t t, mote_kalman_matrices *matrices);
    void *ctx;
    mote_kalman_matrices constant;
} mote_kalman_model;

/* Opens a filter; the model's matrices are copied. `times`: how many times are kept for the smoother and for results
 * of the past, all memory taken now; 0: only the last law, for any number of times. Even after an error *kalman can be
 * asked for its message, unless even that memory could not be had (then it is NULL). Always close. */
MOTE_API MOTE_MUST_USE int mote_kalman_open(mote_kalman **kalman, const mote_kalman_model *model, int64_t times,
                                            const mote_allocator *allocator);

/* Back to before the first observation; with a model, of the same numbers of states and observations and the same
 * propagate_first, this one from now on. No memory is taken. */
MOTE_API MOTE_MUST_USE int mote_kalman_restart(mote_kalman *kalman, const mote_kalman_model *model);

/* The next time: prediction, then update with m values. Missing are NaNs, those with observed[i] = 0 (`observed` NULL:
 * all flags 1), and all when `values` is NULL. After an error the state is that before the call. */
MOTE_API MOTE_MUST_USE int mote_kalman_push(mote_kalman *kalman, const double *values, const int64_t *observed);

/* Restart, then push `times` rows of m values (and of m marks, or NULL). */
MOTE_API MOTE_MUST_USE int mote_kalman_filter(mote_kalman *kalman, const double *values, const int64_t *observed,
                                              int64_t times);

/* Rauch, Tung and Striebel's backward pass over the times so far. MOTE_ESTATE when they are not kept. */
MOTE_API MOTE_MUST_USE int mote_kalman_smooth(mote_kalman *kalman);

/* What went wrong in the last call that failed; "" when nothing did. Accepts NULL. */
MOTE_API const char *mote_kalman_message(const mote_kalman *kalman);
MOTE_API void mote_kalman_close(mote_kalman **kalman); /* accepts NULL and pointers to NULL */

/* How many times have been pushed; log p(y_0..y_last); log p(y_t | y_0..y_{t-1}), 0 when all of y_t is missing. NaN for
 * a time that is not kept. */
MOTE_API int64_t mote_kalman_times(const mote_kalman *kalman);
MOTE_API double mote_kalman_log_likelihood(const mote_kalman *kalman);
MOTE_API double mote_kalman_log_likelihood_at(const mote_kalman *kalman, int64_t t);

/* Which law of x_t: given y_0..y_{t-1}, given y_0..y_t, given all. */
enum mote_kalman_law { MOTE_KALMAN_PREDICTED = 1, MOTE_KALMAN_FILTERED, MOTE_KALMAN_SMOOTHED };

/* Mean (d) and covariance (d x d) of x_t, valid until the next call that acts. NULL for a time that is not kept and
 * before smoothing. With propagate_first, t = -1 is the initial time. */
MOTE_API const double *mote_kalman_mean(const mote_kalman *kalman, int64_t law, int64_t t);
MOTE_API const double *mote_kalman_covariance(const mote_kalman *kalman, int64_t law, int64_t t);

/* Cov(x_t, x_{t-1} | all y), d x d: element (i, j) belongs to state i of time t and state j of time t - 1. */
MOTE_API int mote_kalman_cross_covariance(mote_kalman *kalman, int64_t t, double *out);

/* An additive functional sum_t (linear' x_t + x_t' square x_t) + sum_t x_{t-1}' lagged x_t; absent terms are zero. */
typedef struct mote_kalman_functional {
    mote_head head;
    mote_matrix linear; /* d */
    mote_matrix square; /* d x d */
    mote_matrix lagged; /* d x d; over the t whose t - 1 is there, too */
} mote_kalman_functional;

/* Its expectation given all y, over the smoothed times. With propagate_first, x_{-1} appears in `lagged` only. */
MOTE_API int mote_kalman_expectation(mote_kalman *kalman, const mote_kalman_functional *functional, double *value);

/* One path from the joint law of all states given all y, by backward sampling after mote_kalman_smooth: a row of d
 * states for each time, x_{-1} first with propagate_first. */
MOTE_API int mote_kalman_sample(mote_kalman *kalman, mote_stream *stream, double *path);

/* Where gradients and estimates go, in the shapes of the model; NULL: not wanted. */
typedef struct mote_kalman_arrays {
    mote_head head;
    double *initial_mean, *initial_covariance;
    double *transition, *transition_offset, *transition_covariance;
    double *observation, *observation_offset, *observation_covariance;
} mote_kalman_arrays;

/* Gradient of the log-likelihood after mote_kalman_smooth, by Fisher's identity: the expectation given all y of the
 * gradient of log p(x, y). With matrices that change with time it belongs to a change that all times share, and
 * mote_kalman_score_at gives the share of one time (the initial law belongs to the first). The elements of covariances
 * count as d^2 free ones: a parameter that enters two elements takes the sum of both. Needs definite covariances. */
MOTE_API int mote_kalman_score(mote_kalman *kalman, const mote_kalman_arrays *gradient);
MOTE_API int mote_kalman_score_at(mote_kalman *kalman, int64_t t, const mote_kalman_arrays *gradient);

/* One step of expectation-maximisation after mote_kalman_smooth: the wanted arrays become the maximisers of
 * E[log p(x, y) | y] with the others held; the log-likelihood at them is not smaller. `step` may change no matrix that
 * is wanted, and no covariance that goes with a wanted matrix or offset (MOTE_EUNSUPPORTED); inputs as offsets are
 * fine. */
MOTE_API int mote_kalman_maximise(mote_kalman *kalman, const mote_kalman_arrays *estimate);

/* One step on plain arrays, for n small states at once that share the matrices: means as rows, and one covariance for
 * each or one for all. Nothing is allocated and nothing is checked but the head. */
typedef struct mote_kalman_batch {
    mote_head head;
    int64_t states, observations, n;
    double *mean;              /* row i at mean + i * mean_stride */
    int64_t mean_stride;       /* >= d */
    double *covariance;        /* at covariance + i * covariance_stride, d x d */
    int64_t covariance_stride; /* >= d^2, or 0: one covariance for all */
    double *scratch;           /* mote_kalman_scratch(states, observations) values */
} mote_kalman_batch;

/* Doubles that a batch needs, whatever n. */
MOTE_API int64_t mote_kalman_scratch(int64_t states, int64_t observations);

/* The law of x_t from that of x_{t-1}. */
MOTE_API int mote_kalman_predict(const mote_kalman_batch *batch, const mote_kalman_matrices *matrices);

/* Conditions on m values of which NaNs are missing; log_likelihood[i] = log p(y | law of state i). MOTE_ENUMERIC when
 * C P C' + R is not positive definite. */
MOTE_API int mote_kalman_update(const mote_kalman_batch *batch, const mote_kalman_matrices *matrices,
                                const double *values, double *log_likelihood);

MOTE_END
#endif
