/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote_draws from inside: columns that an algorithm fills. */
#ifndef MOTE_MODEL_DRAWS_H
#define MOTE_MODEL_DRAWS_H

#include <mote/draws.h>

#include "core/memory.h"

/* A named number beside the columns, or a warning: what an algorithm tells of its run. Result files and the command
 * line print from this list, so they need to know no algorithm. All texts are owned. */
enum mote_result_kind { MOTE_RESULT_REAL = 1, MOTE_RESULT_COUNT /* a whole number */, MOTE_RESULT_WARNING };

typedef struct mote_result {
    int64_t kind;  /* enum mote_result_kind */
    char *name;    /* as in mote_nested_result: "log_evidence"; of a warning: "insertion_rank" */
    char *unit;    /* "nats"; "" when there is none */
    char *help;    /* one line; of a warning: its sentence */
    double value;  /* of a warning: 1 */
} mote_result;

/* What stands for log 0 in files that cannot hold -inf. In the column `birth`, -inf means: drawn from the prior; a
 * point born above a contour of zero likelihood has the birth MOTE_LOG_ZERO. */
#define MOTE_LOG_ZERO (-1e29)

struct mote_draws {
    const mote_memory *memory;
    int64_t count;
    int64_t parameter_count;
    mote_parameter *parameters;  /* without the fixed ones; texts are owned */
    double **columns;            /* parameter_count columns of `count` */
    double *log_weight, *log_likelihood, *log_prior, *birth, *live_count, *chain; /* NULL where absent */
    int64_t chain_count;         /* m > 0: rows of equal weight along m chains, row i in chain i mod m; 0: no chains */
    int64_t live;                /* nested sampling: rows at the end that were still live */
    double log_evidence, log_evidence_error; /* NaN until set */
    mote_result *results;
    int64_t result_count;
};

/* `parameters` are those of the model, in declared order; fixed ones are left out, derived ones go last. Columns of
 * `count` zeros: log_weight, log_likelihood and those that `parts` names. NULL without memory (nothing leaks). */
enum { MOTE_DRAWS_NESTED = 1 /* birth, live_count, chain */, MOTE_DRAWS_PRIOR = 2 /* log_prior */,
       MOTE_DRAWS_CHAIN = 4 /* chain */ };
mote_draws *mote_draws_create(const mote_memory *memory, const mote_parameter *parameters, int64_t parameter_count,
                              int64_t count, int parts);
void mote_draws_free(mote_draws *draws); /* accepts NULL */

/* Append to the list of results; texts are copied. MOTE_ENOMEM leaves the list as it was. */
int mote_draws_add_real(mote_draws *draws, const char *name, double value, const char *unit, const char *help);
int mote_draws_add_count(mote_draws *draws, const char *name, int64_t value, const char *unit, const char *help);
int mote_draws_add_warning(mote_draws *draws, const char *name, const char *text);

/* The result of that name; NULL: there is none. */
const mote_result *mote_draws_result(const mote_draws *draws, const char *name);

/* Values of positive weight in ascending order, equal ones joined, with the weights normalised to 1: what quantiles
 * and intervals are computed from. `n` = 0 when no row has weight or a value is NaN. Free with mote_draws_unsort. */
typedef struct mote_sorted_draw {
    double value, weight;
    double middle; /* mid-point distribution function: weight below + weight / 2 */
} mote_sorted_draw;

int mote_draws_sort(const mote_draws *draws, const double *column, mote_sorted_draw **sorted, int64_t *n);
void mote_draws_unsort(const mote_draws *draws, mote_sorted_draw *sorted);

/* Quantile and shortest interval (mass <= 1) of sorted draws; NaN for n = 0. */
double mote_sorted_quantile(const mote_sorted_draw *sorted, int64_t n, double probability);
void mote_sorted_interval(const mote_sorted_draw *sorted, int64_t n, double mass, double *lower, double *upper);

/* (sum w)^2 / sum w^2, also of draws along chains. */
double mote_draws_weight_size(const mote_draws *draws);

/* Weights themselves, normalised to a sum of 1 (0 everywhere when all log-weights are -inf). Returns the sum of their
 * squares; the effective sample size is its reciprocal. */
double mote_draws_weights(const mote_draws *draws, double *weight);

#endif
