/* SPDX-License-Identifier: BSD-2-Clause */
/* One execution of one algorithm. The whole life cycle:
 *
 *     mote_run *run = NULL;
 *     if (mote_run_open(&run, mote_nested, &target, &options) || mote_run_finish(run))
 *         fprintf(stderr, "%s\n", mote_run_message(run));
 *     else
 *         use(mote_run_draws(run));
 *     mote_run_close(&run);
 *
 * A run belongs to one thread at a time; different runs are independent. The library never aborts, exits, prints,
 * installs signal handlers or touches the locale. */
#ifndef MOTE_RUN_H
#define MOTE_RUN_H

#include <mote/base.h>
#include <mote/draws.h>
#include <mote/option.h>
#include <mote/ssm.h>
#include <mote/status.h>
#include <mote/target.h>

MOTE_BEGIN

typedef struct mote_run mote_run;
typedef struct mote_algorithm mote_algorithm;

/* What a run cost. Stands beside the draws: it is never part of what "the same bytes" compares. */
typedef struct mote_ledger {
    mote_head head;
    int64_t calls;                      /* rows evaluated */
    int64_t batches;                    /* calls of the batch function */
    int64_t gradients;
    int64_t failed[16];                 /* rows by enum mote_reason */
    int64_t reissued;                   /* rows evaluated again after a worker died */
    int64_t workers_started;
    int64_t checkpoints;
    double seconds;                     /* wall time of all sessions of this run, s */
    double likelihood_seconds;          /* spent in the model, summed over threads, s; NaN when not measured */
    int64_t backward_draws;             /* smoothers: parents drawn */
    int64_t backward_trials;            /* rejection trials and Metropolis steps that these took */
    int64_t backward_fallbacks;         /* draws that took the exact way after too many trials */
    int64_t transition_densities;       /* pairs of states whose transition density was asked for */
} mote_ledger;

/* Handed to the progress callback between steps, at most about ten times a second. */
typedef struct mote_progress {
    mote_head head;
    const char *algorithm;
    int64_t iterations;
    int64_t calls;
    int64_t live_points;        /* nested sampling */
    double log_evidence;        /* so far; NaN where there is none */
    double log_evidence_error;
    double remaining;           /* share of the evidence still in the live points; NaN where unknown */
    double maximum_log_likelihood;
    double efficiency;          /* births per call since the prior draws */
    double seconds;             /* of all sessions, s */
    double seconds_left;        /* estimate, s; NaN where unknown */
    const char *warning;        /* newest warning, or NULL */
} mote_progress;

enum mote_log_level { MOTE_LOG_DEBUG = 1, MOTE_LOG_INFO, MOTE_LOG_WARNING };

/* Optional services of the caller. All members may be 0. */
typedef struct mote_hooks {
    mote_head head;
    int (*progress)(void *ctx, const mote_progress *progress); /* non-zero: stop at the next safe point */
    void (*log)(void *ctx, int64_t level, const char *text);
    void *ctx;
    const mote_allocator *allocator; /* NULL: malloc, realloc, free */
    mote_source *source;             /* NULL: the live source, from `seed`; borrowed */
} mote_hooks;

enum mote_executor_choice {
    MOTE_EXECUTOR_AUTO = 0,
    MOTE_EXECUTOR_SERIAL,
    MOTE_EXECUTOR_THREADS,
    MOTE_EXECUTOR_PROCESSES,
    MOTE_EXECUTOR_EXTERNAL
};

/* Options that every algorithm has. */
#define MOTE_RUN_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                  \
    INTEGER(seed, 0, "", 0, 9.0e18, "seed of all random numbers; the same seed gives the same bytes")                  \
    INTEGER(run_id, 0, "", 0, 9.0e18, "number of this run under the seed: repeated runs differ in it")                 \
    CHOICE(executor, "auto|serial|threads|processes|external",                                                         \
           "who evaluates the likelihood; auto: threads when the model is thread-safe and threads > 1")                \
    INTEGER(threads, 1, "threads", 1, 1024, "threads of the threads executor; never changes a result")                 \
    INTEGER(processes, 2, "processes", 1, 1024, "workers of the processes executor; never changes a result")           \
    INTEGER(batch_size, 0, "rows", 0, 1000000, "most rows handed to the model at once; 0: no limit")                   \
    INTEGER(max_calls, 0, "calls", 0, 9.0e18, "stop after this many likelihood calls; 0: no limit")                    \
    REAL(max_seconds, 0, "s", 0, 1e12, "stop after this wall time, all sessions together; 0: no limit")                \
    REAL(failed_share, 0.1, "", 1e-6, 1, "the run ends when more than this share of the first rows failed")            \
    INTEGER(failed_window, 1000, "rows", 1, 1000000000, "how many first rows `failed_share` looks at")                 \
    INTEGER(retries, 2, "", 1, 1000, "how often a batch that failed as a whole is tried again")                        \
    REAL(row_seconds, 0, "s", 0, 1e9, "time limit of one row in the processes executor; 0: none")                      \
    INTEGER(worker_memory, 0, "MiB", 0, 1e9, "memory of a worker beyond its own start; 0: no limit")                            \
    TEXT(worker_program, NULL, "the mote-worker program; default: the installed one")                                  \
    TEXT(checkpoint, NULL, "folder for checkpoints; default: none are written")                                        \
    REAL(checkpoint_seconds, 60, "s", 1e-6, 1e9, "time between checkpoints")

/* How a run came to its end. */
enum mote_finished_by {
    MOTE_NOT_FINISHED = 0,
    MOTE_FINISHED_BY_CRITERION, /* the algorithm's own stopping rule */
    MOTE_FINISHED_BY_CALLS,
    MOTE_FINISHED_BY_SECONDS,
    MOTE_FINISHED_BY_STOP,      /* a stop request: resumable */
    MOTE_FINISHED_BY_ITERATIONS,
    MOTE_FINISHED_BY_PLATEAU,
    MOTE_FINISHED_BY_ERROR
};

/* Opens a run of `algorithm` on `model` (a mote_target for nested sampling). `options` is the algorithm's options
 * struct, or NULL for defaults; it is copied. Even after an error *run can be asked for its message, unless even that
 * memory could not be had (then *run is NULL). Always close. */
MOTE_API MOTE_MUST_USE int mote_run_open(mote_run **run, const mote_algorithm *algorithm, const void *model,
                                         const void *options);

/* One resumable unit of work. MOTE_OK: go on; MOTE_DONE: finished; MOTE_WAITING: see mote_run_pending. After an error
 * the last safe point is intact. */
MOTE_API MOTE_MUST_USE int mote_run_step(mote_run *run);

/* Hands one observation to an algorithm that filters a stream (the model carries no series), and performs its step.
 * Without observations step answers MOTE_WAITING; mote_run_finish closes the stream. MOTE_ESTATE when the run takes no
 * observations, MOTE_EINVAL for one that does not fit: the run is then as it was. */
MOTE_API MOTE_MUST_USE int mote_run_push(mote_run *run, const mote_observation *observation);

/* Steps until done, with progress, limits and checkpoints. Returns 0 when the algorithm is done or a configured limit
 * was reached (ask mote_run_finished_by), MOTE_STOPPED after a stop request, MOTE_WAITING with the external executor,
 * or an error. */
MOTE_API MOTE_MUST_USE int mote_run_finish(mote_run *run);

/* The only function that may be called from a signal handler or another thread. */
MOTE_API void mote_run_stop(mote_run *run);

/* Draws so far; they belong to the run and stay valid until its next call. NULL when there are none yet. */
MOTE_API const mote_draws *mote_run_draws(mote_run *run);

/* What went wrong in the last call that failed, naming parameter, point, file or option; "" when nothing did.
 * Accepts NULL. */
MOTE_API const char *mote_run_message(const mote_run *run);

/* enum mote_finished_by; MOTE_NOT_FINISHED while the run can go on, and for NULL. */
MOTE_API int64_t mote_run_finished_by(const mote_run *run);

/* Both fill as much as the caller's struct, whose head MOTE_VERSIONED has set, has room for. */
MOTE_API int mote_run_ledger(const mote_run *run, mote_ledger *ledger);
MOTE_API int mote_run_progress(mote_run *run, mote_progress *progress);

/* The state of the run as a file with version and checksum: options, random counters, live state. `load` replaces
 * the state of a freshly opened run with the same model and options; a difference is refused and named. MOTE_ESTATE,
 * and no file, when the run ended with an error in the middle of a step that cannot be taken back. */
MOTE_API MOTE_MUST_USE int mote_run_save(mote_run *run, const char *path);
MOTE_API MOTE_MUST_USE int mote_run_load(mote_run *run, const char *path);

/* The newest checkpoint of the `checkpoint` folder: writes a new generation now, or continues from it. `resume`
 * answers MOTE_ENOENT when there is none, and falls back to the previous generation when the newest is damaged. */
MOTE_API MOTE_MUST_USE int mote_run_checkpoint(mote_run *run);
MOTE_API MOTE_MUST_USE int mote_run_resume(mote_run *run);

/* Frees everything and sets *run to NULL. Accepts NULL and pointers to NULL. */
MOTE_API void mote_run_close(mote_run **run);

/* Ask and tell, with executor = external: rows that wait for a value. Pointers stay valid until the next call of
 * mote_run_pending or mote_run_step, so that a loop may tell one row after the other. Values may come in any order;
 * step goes on when all of a batch are told, or earlier. */
typedef struct mote_pending {
    mote_head head;
    int64_t n;
    int64_t dimension;
    int64_t stride;
    const double *theta;  /* n rows */
    const int64_t *id;    /* n row ids to give back */
    int64_t derived_count;
    int64_t gradient;     /* 1: the run needs gradients: mote_run_tell_gradient */
    int64_t first_term;   /* with term_count > 0: the value is the sum of these terms of the likelihood only */
    int64_t term_count;
} mote_pending;

/* The rows that wait. MOTE_ESTATE with another executor. */
MOTE_API int mote_run_pending(mote_run *run, mote_pending *pending);

/* The value of one row (derived: derived_count values, may be NULL = NaN). NaN: the row failed, for `reason`
 * (enum mote_reason, 0: by its value). MOTE_EINVAL for an id that is not pending. */
MOTE_API int mote_run_tell(mote_run *run, int64_t id, double log_likelihood, const double *derived, int64_t reason);

/* The same with d log-likelihood / d theta, `dimension` values in physical units: for algorithms that use gradients. */
MOTE_API int mote_run_tell_gradient(mote_run *run, int64_t id, double log_likelihood, const double *gradient,
                                    const double *derived, int64_t reason);

/* The registry: every algorithm by name. */
MOTE_API const mote_algorithm *mote_algorithm_find(const char *name);
MOTE_API const mote_algorithm *mote_algorithm_at(int64_t index); /* NULL past the end */
MOTE_API const char *mote_algorithm_name(const mote_algorithm *algorithm);
MOTE_API const char *mote_algorithm_help(const mote_algorithm *algorithm);
MOTE_API const mote_option_table *mote_algorithm_options(const mote_algorithm *algorithm);

MOTE_END
#endif
