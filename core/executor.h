/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executors evaluate rows and run no algorithm code. An algorithm fills rows of a table, posts their slots, and
 * collects slots as their values arrive, in any order: results must not depend on it.
 *
 * Life: mote_executor_open, then { fill rows; post; collect ... }, mote_executor_close. One file per executor:
 * executor_serial.c, executor_threads.c, executor_processes.c, executor_external.c. */
#ifndef MOTE_CORE_EXECUTOR_H
#define MOTE_CORE_EXECUTOR_H

#include <mote/run.h>

#include "core/memory.h"
#include "core/message.h"

/* The function whose rows are evaluated; what a target, or later a filter, looks like from here. */
typedef struct mote_row_function {
    int (*evaluate)(void *ctx, const mote_batch *batch); /* contract of mote_target.log_likelihood */
    /* In place of `evaluate`, of a function of the library: its codes are statuses that end the run, with their reason;
     * none of them is a batch to be tried again. NULL: `evaluate`. */
    int (*evaluate_inner)(void *ctx, const mote_batch *batch, mote_message *message);
    void *ctx;
    /* Contract of mote_target.log_likelihood_terms; NULL: the likelihood has no terms. */
    int (*evaluate_terms)(void *ctx, const mote_batch *batch, int64_t first, int64_t count);
    void *terms_ctx;
    int64_t dimension;
    int64_t derived_count;
    int64_t thread_safe;
    int64_t gradient;      /* set by the algorithm: 1: each row carries the gradient of its log-likelihood */
    int64_t points_only;   /* 1: evaluate loops over single points, so batching gains nothing */
    const char *name;      /* of the model, for messages */
    /* How a worker process makes the same function; NULL: it cannot. */
    const char *plugin_path;
    const char *plugin_text; /* ini text with [model] and [parameters] */
    const char *plugin_fingerprint;
} mote_row_function;

typedef struct mote_rows {
    int64_t capacity, dimension, derived_count;
    double *theta;          /* capacity x dimension, 64-byte aligned */
    double *log_likelihood; /* capacity; failed rows hold -inf once collected */
    double *derived;        /* capacity x derived_count */
    double *gradient;       /* capacity x dimension, d log-likelihood / d theta; NULL when not asked for */
    int64_t *reason;        /* enum mote_reason */
    int64_t *id;            /* deterministic key of the row, set by the algorithm */
    /* Which terms of the likelihood the posted rows sum; 0 terms: the whole likelihood. Changes only while nothing is
     * posted. */
    int64_t first_term, term_count;
} mote_rows;

/* What came back for one row. */
typedef struct mote_row_value {
    double log_likelihood;  /* -inf for zero likelihood and for failed rows, whose reason is not 0 */
    const double *derived;  /* derived_count; NULL when there are none */
    const double *gradient; /* dimension; NULL when not asked for */
    int64_t reason, id;
} mote_row_value;

typedef struct mote_executor mote_executor;

typedef struct mote_executor_type {
    const char *name;
    int (*open)(mote_executor *executor);
    int (*post)(mote_executor *executor, const int64_t *slots, int64_t n);
    /* Slots whose values are in (at most rows.capacity; none yet is allowed after a short wait), MOTE_OK;
     * MOTE_WAITING when the caller must tell values first; an error, or the model's negative code. Never called with
     * nothing posted. */
    int (*collect)(mote_executor *executor, int64_t *slots, int64_t *n);
    void (*close)(mote_executor *executor); /* also after a failed open */
} mote_executor_type;

extern const mote_executor_type *const mote_executor_serial, *const mote_executor_threads,
    *const mote_executor_processes, *const mote_executor_external;

struct mote_executor {
    const mote_executor_type *type;
    mote_row_function function;
    mote_rows rows;
    const mote_memory *memory;
    mote_message *message;  /* of the run */
    mote_ledger *ledger;    /* of the run: only the run's own thread writes it */
    const struct mote_settings *settings;
    int64_t posted;         /* slots posted and not collected */
    int64_t batches_before; /* ledger.batches when the executor was opened */
    double seconds_before;  /* likelihood_seconds of earlier sessions */
    void *state;            /* of the type */
};

/* One call of the model: the whole likelihood, or (term_count > 0) a range of its terms. */
int mote_row_function_call(const mote_row_function *function, const mote_batch *batch, int64_t first_term,
                           int64_t term_count);

int mote_executor_open(mote_executor *executor, const mote_row_function *function, int64_t capacity);
int mote_executor_post(mote_executor *executor, const int64_t *slots, int64_t n);
int mote_executor_collect(mote_executor *executor, int64_t *slots, int64_t *n);
void mote_executor_close(mote_executor *executor);

/* For executors: evaluates the given slots in one call of the model, with retries of a batch that failed as a whole;
 * fills log_likelihood, derived and reason of each row. MOTE_OK, MOTE_EMODEL, or the model's negative code; the reason
 * is in scratch->message. Several threads may do this at once, each with its own scratch, when the function is
 * thread-safe. */
typedef struct mote_row_scratch {
    double *theta, *log_likelihood, *derived, *gradient;
    int64_t *id, *reason;
    int64_t capacity;
    int64_t batches, rows;             /* since the scratch was opened */
    int64_t timed_rows;
    double timed_seconds;              /* every 16th batch is timed */
    mote_message message;
} mote_row_scratch;

int mote_row_scratch_open(mote_row_scratch *scratch, const mote_executor *executor, int64_t capacity);
void mote_row_scratch_close(mote_row_scratch *scratch, const mote_executor *executor);
int mote_rows_evaluate(const mote_executor *executor, mote_row_scratch *scratch, const int64_t *slots, int64_t n);

/* Adds batches and time of `count` scratches to the ledger, as replacement of what they held before. Run's thread. */
void mote_executor_account(mote_executor *executor, const mote_row_scratch *scratch, int64_t count);

mote_row_value mote_rows_value(const mote_rows *rows, int64_t slot);

/* Turns NaN and +inf of a slot into -inf with a reason, when the evaluation gave none; a reason without NaN counts as
 * a failure, too. */
void mote_rows_settle(mote_rows *rows, int64_t slot);

/* Ask and tell: what the external executor answers to mote_run_pending and mote_run_tell. */
void mote_external_pending(mote_executor *executor, mote_pending *pending);
int mote_external_tell(mote_executor *executor, const mote_row_value *value);

#endif
