/* SPDX-License-Identifier: BSD-2-Clause */
/* A target: a density over named parameters, as priors and a likelihood. The same target runs under every algorithm
 * that works on targets.
 *
 * Values of a likelihood, per point: finite = log-likelihood (natural logarithm); -inf = zero likelihood; NaN = the
 * evaluation failed (also +inf, counted apart). Failed points have zero likelihood and are counted by reason.
 * A batch call returns 0; > 0: this batch failed and may be tried again; < 0: stop the run, the code reaches the
 * caller. A per-point function returns 0; > 0: this point failed; < 0: stop. */
#ifndef MOTE_TARGET_H
#define MOTE_TARGET_H

#include <mote/base.h>
#include <mote/parameter.h>

MOTE_BEGIN

/* Why a point has no likelihood. X(NAME, value, "text") */
#define MOTE_REASON_LIST(X)                                             \
    X(NONE, 0, "evaluated")                                             \
    X(NAN, 1, "the log-likelihood was not a number")                    \
    X(INFINITE, 2, "the log-likelihood was +infinity")                  \
    X(RETURNED, 3, "the likelihood function reported a failure")        \
    X(CRASH, 4, "the worker process crashed")                           \
    X(EXIT, 5, "the worker process exited")                             \
    X(TIMEOUT, 6, "the time limit of one row passed")                   \
    X(MEMORY, 7, "the worker process ran out of memory")

enum mote_reason {
#define MOTE_REASON_ENUMERATOR(name, value, text) MOTE_REASON_##name = value,
    MOTE_REASON_LIST(MOTE_REASON_ENUMERATOR)
#undef MOTE_REASON_ENUMERATOR
    MOTE_REASON_COUNT
};

/* Rows to evaluate. The callee fills log_likelihood (and derived, gradient where not NULL) and keeps no pointer. */
typedef struct mote_batch {
    mote_head head;
    int64_t n;               /* rows, >= 1 */
    int64_t dimension;       /* values per row: all parameters that are not derived */
    int64_t stride;          /* doubles from one row to the next, >= dimension */
    const double *theta;     /* n rows, physical units */
    double *log_likelihood;  /* n values */
    int64_t derived_count;   /* derived parameters, may be 0 */
    int64_t derived_stride;
    double *derived;         /* n rows, NULL when there are none */
    double *gradient;        /* n rows of `dimension` (stride `stride`), NULL when not asked for */
    const int64_t *id;       /* n keys, for randomness or caches of the callee */
    int64_t *reason;         /* n values preset to 0: the callee may say why a row failed (enum mote_reason) */
} mote_batch;

enum mote_target_flag {
    MOTE_THREADSAFE = 1,  /* callbacks may be called from several threads at once */
    MOTE_HAS_GRADIENT = 2 /* the batch function fills `gradient` when asked */
};

typedef struct mote_target {
    mote_head head;
    const mote_parameter *parameters;
    int64_t parameter_count;
    int64_t parameter_size; /* sizeof(mote_parameter) in the caller's header; see MOTE_PARAMETERS */

    /* One of the two is required. The batch function wins when both are given. */
    int (*log_likelihood)(void *ctx, const mote_batch *batch);
    int (*log_likelihood_point)(void *ctx, const double *theta, double *log_likelihood, double *derived);

    /* Joint prior support: 1 inside, 0 outside, < 0 stop. The prior is renormalised over it. NULL: everything. */
    int (*constraint)(void *ctx, const double *theta);

    /* Fills the MOTE_CONDITIONAL entries of theta from `cube`, the unit-cube row (one coordinate for each sampled
     * parameter, in declared order; the other entries of theta are filled already). Required with such parameters. */
    int (*prior_transform)(void *ctx, const double *cube, double *theta);

    /* log density of the MOTE_CONDITIONAL entries given the others. Algorithms that need densities ask for it. */
    double (*conditional_log_density)(void *ctx, const double *theta);

    void *ctx;              /* borrowed: outlives every run, unchanged during one */
    const char *name;       /* for messages; NULL: "target" */
    const char *identity;   /* of likelihood and data; runs with equal identities can be compared. NULL: unknown */
    int64_t flags;          /* enum mote_target_flag */
    const struct mote_loaded_plugin *plugin; /* set on targets that came from a plug-in: lets workers load it again */

    /* Optional: log_likelihood[i] = the sum of the terms first .. first + count - 1 of row i, of term_count in all, whose
     * whole sum is the log-likelihood; everything else as log_likelihood does it. Data tempering needs it. */
    int (*log_likelihood_terms)(void *ctx, const mote_batch *batch, int64_t first, int64_t count);
    int64_t term_count;
} mote_target;

MOTE_END
#endif
