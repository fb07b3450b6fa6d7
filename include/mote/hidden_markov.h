/* SPDX-License-Identifier: BSD-2-Clause */
/* Hidden Markov models with finitely many states, exactly: filter, smoother, best path, sampled paths, expectations.
 *
 *     P(x_0 = i) = initial_i,   P(x_t = j | x_{t-1} = i) = transition_ij,   log g_t(j) for each time t = 0, 1, ...
 *
 * g_t(j) is the density of y_t in state j, or any potential >= 0: then the likelihood is the normalising constant Z and
 * all laws are those of the chain weighted by the potentials. y_0 is observed from x_0 and is included. With
 * `propagate_first` the initial law is that of x_{-1}. Everything is done with logarithms: a state with the weight
 * e^-1000 now can be the only one left later. The whole life cycle:
 *
 *     mote_hidden_markov *chain = NULL;
 *     if (mote_hidden_markov_open(&chain, &model, times, NULL) ||
 *         mote_hidden_markov_filter(chain, log_emission, times) || mote_hidden_markov_smooth(chain))
 *         fprintf(stderr, "%s\n", mote_hidden_markov_message(chain));
 *     else
 *         use(mote_hidden_markov_law(chain, MOTE_HIDDEN_MARKOV_SMOOTHED, 0));
 *     mote_hidden_markov_close(&chain); */
#ifndef MOTE_HIDDEN_MARKOV_H
#define MOTE_HIDDEN_MARKOV_H

#include <mote/base.h>
#include <mote/matrix.h>
#include <mote/source.h>
#include <mote/status.h>

MOTE_BEGIN

typedef struct mote_hidden_markov mote_hidden_markov;

typedef struct mote_hidden_markov_model {
    mote_head head;
    mote_matrix initial;     /* K probabilities */
    mote_matrix transition;  /* K x K, row i: the law of the next state after i */
    int64_t propagate_first; /* 1: the initial law is that of x_{-1} */
    /* A transition matrix that changes with time: called with *matrix as above, replaces it (same shape) by memory that
     * stays as it is until the next call. Backward passes ask again, from the last time to the first. 0, > 0
     * (MOTE_EMODEL), or < 0, which reaches the caller. NULL: constant. */
    int (*step)(void *ctx, int64_t t, mote_matrix *matrix);
    void *ctx;
} mote_hidden_markov_model;

/* Opens a filter; the model's matrices are copied. `times`: how many times are kept for the smoother, paths and results
 * of the past, all memory taken now; 0: only the last law, for any number of times. Even after an error *chain can be
 * asked for its message, unless even that memory could not be had (then it is NULL). Always close. */
MOTE_API MOTE_MUST_USE int mote_hidden_markov_open(mote_hidden_markov **chain, const mote_hidden_markov_model *model,
                                                   int64_t times, const mote_allocator *allocator);

/* Back to before the first observation; with a model of the same shape, this one from now on. No memory is taken. */
MOTE_API MOTE_MUST_USE int mote_hidden_markov_restart(mote_hidden_markov *chain, const mote_hidden_markov_model *model);

/* The next time: prediction, then weighting by log g_t, K values, -inf allowed; NULL: nothing is observed. When no
 * state is possible the log-likelihood is -inf from then on and the filtered law is the predicted one. */
MOTE_API MOTE_MUST_USE int mote_hidden_markov_push(mote_hidden_markov *chain, const double *log_emission);

/* Restart, then push `times` rows of K values. */
MOTE_API MOTE_MUST_USE int mote_hidden_markov_filter(mote_hidden_markov *chain, const double *log_emission,
                                                     int64_t times);

/* The backward pass over the times so far. MOTE_ESTATE when they are not kept, MOTE_ENUMERIC when the observations are
 * impossible. */
MOTE_API MOTE_MUST_USE int mote_hidden_markov_smooth(mote_hidden_markov *chain);

/* What went wrong in the last call that failed; "" when nothing did. Accepts NULL. */
MOTE_API const char *mote_hidden_markov_message(const mote_hidden_markov *chain);
MOTE_API void mote_hidden_markov_close(mote_hidden_markov **chain); /* accepts NULL and pointers to NULL */

/* How many times have been pushed; log p(y_0..y_last); log p(y_t | y_0..y_{t-1}). NaN for a time that is not kept. */
MOTE_API int64_t mote_hidden_markov_times(const mote_hidden_markov *chain);
MOTE_API double mote_hidden_markov_log_likelihood(const mote_hidden_markov *chain);
MOTE_API double mote_hidden_markov_log_likelihood_at(const mote_hidden_markov *chain, int64_t t);

/* Which law of x_t: given y_0..y_{t-1}, given y_0..y_t, given all. */
enum mote_hidden_markov_law_choice {
    MOTE_HIDDEN_MARKOV_PREDICTED = 1,
    MOTE_HIDDEN_MARKOV_FILTERED,
    MOTE_HIDDEN_MARKOV_SMOOTHED
};

/* K probabilities of x_t, valid until the next call that acts. NULL for a time that is not kept and before smoothing.
 * With propagate_first, t = -1 is the initial time. */
MOTE_API const double *mote_hidden_markov_law(const mote_hidden_markov *chain, int64_t law, int64_t t);

/* P(x_{t-1} = i, x_t = j | all y) as K x K, after smoothing. */
MOTE_API int mote_hidden_markov_pair(mote_hidden_markov *chain, int64_t t, double *out);

/* Expectation given all y, after smoothing, of sum_t h(t, x_{t-1}, x_t); at the first time `previous` is -1. */
typedef double mote_hidden_markov_term(void *ctx, int64_t t, int64_t previous, int64_t state);
MOTE_API int mote_hidden_markov_expectation(mote_hidden_markov *chain, mote_hidden_markov_term *h, void *ctx,
                                            double *value);

/* The most probable path given all y (Viterbi; ties: the lower state at the later time) and log p(path, y), unless
 * NULL. Paths have one state for each time, x_{-1} first with propagate_first. Smoothing is not needed. */
MOTE_API int mote_hidden_markov_best_path(mote_hidden_markov *chain, int64_t *path, double *log_probability);

/* One path from the joint law given all y, from the last state to the first, one mote_choose each. Smoothing is not
 * needed. */
MOTE_API int mote_hidden_markov_sample(mote_hidden_markov *chain, mote_source *source, int64_t *path);

MOTE_END
#endif
