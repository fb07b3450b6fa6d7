/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many runs of nested sampling, measured: what the long checks have in common. One run is one line in a file, so that
 * a campaign goes on where it stopped; each run has a process of its own, so that a crash costs one line.
 *
 *     measure_store store;
 *     measure_store_open(&store, folder, "gauss-10")
 *     measure_fill(&store, one, ctx, first, count, jobs)        runs the seeds that the file lacks
 *     measure_store_read(&store, first, count)                  -> store.rows
 *     ... measure_pulls, measure_uniform_p ...
 *     measure_store_close
 *
 * A file begins with a stamp of the sampler, the bytes of a few small runs; rows that another sampler wrote are moved
 * aside. */
#ifndef MOTE_TESTS_MEASURE_H
#define MOTE_TESTS_MEASURE_H

#include <mote/nested.h>

enum { MEASURE_EXTRA = 12, MEASURE_PATH = 1024 };

#define MEASURE_COLUMNS(X)                                                                                         \
    X(seed) X(status) X(log_evidence) X(truth) X(error) X(error_simulated) X(error_bootstrap) X(error_tail)        \
    X(information) X(effective_sample_size) X(calls) X(births) X(iterations) X(steps) X(insertion_p)               \
    X(insertion_worst) X(resets) X(parent_child) X(parent_child_error) X(half_difference) X(warnings) X(marginal_p) \
    X(seconds)

typedef struct measure {
#define MEASURE_FIELD(name) double name;
    MEASURE_COLUMNS(MEASURE_FIELD)
#undef MEASURE_FIELD
    double extra[MEASURE_EXTRA]; /* what a program adds */
} measure;

/* One run. `opened` and `finished` may be NULL; `finished` may add to the row. */
typedef struct measure_plan {
    const mote_target *target;
    double truth; /* log-evidence; NaN when it is not known */
    mote_nested_options options;
    void (*opened)(void *ctx, mote_run *run);
    void (*finished)(void *ctx, mote_run *run, measure *row);
    void *ctx;
} measure_plan;

void measure_run(const measure_plan *plan, measure *row);

/* (log Z - truth) / error; a run that failed is infinitely far off. */
double measure_pull(const measure *row);

typedef struct measure_store {
    char path[MEASURE_PATH];
    measure *rows;
    int64_t count;
} measure_store;

/* `folder` is made when it is missing. 0, or -1 with a message on standard error; likewise below. */
int measure_store_open(measure_store *store, const char *folder, const char *name);
void measure_store_close(measure_store *store);

/* Calls `one` for each missing seed of first .. first + count - 1 in a process of its own, at most `jobs` at a time,
 * and writes its row. -1 when a process died. */
int measure_fill(measure_store *store, void (*one)(const void *ctx, int64_t seed, measure *row), const void *ctx,
                 int64_t first, int64_t count, int64_t jobs);

/* The rows of these seeds, in order of seed. */
int measure_store_read(measure_store *store, int64_t first, int64_t count);

/* Whole numbers of the environment, for scaling a campaign. */
int64_t measure_setting(const char *name, int64_t standard);

/* ---- statistics -------------------------------------------------------------------------------------------------- */

typedef struct measure_moments {
    double mean, sd;
    int64_t n;
} measure_moments;

measure_moments measure_pulls(const measure_store *store);
double measure_mean(const measure_store *store, size_t column); /* offsetof(measure, ...) */

/* Kolmogorov-Smirnov p-value of a column of numbers that should be uniform. */
double measure_uniform_p(const measure_store *store, size_t column);

/* The same, but only too many small ones count (Smirnov's one-sided limit): for p-values that are conservative where
 * points are tied. */
double measure_not_small_p(const measure_store *store, size_t column);

/* Share of rows that carry any of these warnings. */
double measure_warned(const measure_store *store, int64_t bits);

/* The limits on pulls: |mean| < a / sqrt(n) and |sd - 1| < b / sqrt(n), with a 3, b 2 in the first round, which is
 * (.3; .8 to 1.2) for 100 seeds, and a 4, b 2.6 in the second, (.2; .87 to 1.13) for 400. A right program misses the
 * first in 0.7 % of cases and the second in 0.03 %, so both in 2 of a million. */
int measure_within(measure_moments pulls, int round);

#endif
