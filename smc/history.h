/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a filter remembers of its past: a collector with five ways.
 *
 *     none    nothing
 *     lag     whole populations of the present and the `lag` steps before it
 *     steps   whole populations at chosen steps
 *     tree    the paths of the present particles, as an ancestor tree (smc/tree.h)
 *     full    whole populations of all steps: what backward passes need
 *
 * A whole population is states, accumulated log-weights, ancestors, times and the observation. Storage grows at the
 * start of a step and only there: once for a model that carries its series, else geometrically; `lag` and `steps` take
 * all of theirs at open. Known answer: tests/smc/test_history.c. */
#ifndef MOTE_SMC_HISTORY_H
#define MOTE_SMC_HISTORY_H

#include "smc/lineage.h"
#include "smc/particle_filter.h"
#include "smc/tree.h"

typedef struct mote_history_setup {
    int64_t keep;         /* enum mote_filter_history */
    int64_t lag;          /* >= 1 */
    const int64_t *step;  /* step_count ascending numbers; copied */
    int64_t step_count;
} mote_history_setup;

/* One population as it was after its step. */
typedef struct mote_generation {
    int64_t step;
    int64_t resampled;
    double log_sum;      /* log of the sum of the weights */
    double time_previous;
    mote_datum datum;    /* time and what was observed */
    double **state;      /* columns of n, 64-byte aligned */
    double *log_weight;
    int32_t *ancestor;   /* in the population before; identity when not resampled */
} mote_generation;

typedef struct mote_history {
    mote_collector collector;
    const mote_memory *memory;
    const mote_state_space *space;
    const mote_particle_filter *filter;
    mote_history_setup setup;
    int64_t *chosen;             /* steps, owned */
    int64_t n;
    int64_t count;               /* populations taken so far */
    int64_t capacity;            /* generations that there is room for */
    mote_generation *generation; /* lag: slot step mod (lag + 1) */
    void **block;                /* aligned, block_count; and what was allocated plainly */
    void **plain;
    int64_t block_count;
    mote_tree tree;
} mote_history;

/* Opens and adds itself to the filter, which it must outlive. MOTE_EUNSUPPORTED for models whose states are handles. */
int mote_history_open(mote_history *history, mote_particle_filter *filter, const mote_history_setup *setup,
                      const mote_memory *memory, mote_message *message);
void mote_history_close(mote_history *history);

/* The population of a step; NULL when it was not kept. */
const mote_generation *mote_history_generation(const mote_history *history, int64_t step);

/* First step of the paths that are known: 0 of tree and full, later of a lag; -1: none are. */
int64_t mote_history_path_start(const mote_history *history);

/* Path of particle i of the newest population: path[(t - start) * d + k]. MOTE_ESTATE when paths are not known. */
int mote_history_path(const mote_history *history, int64_t particle, double *path);

/* A block at the time of a stored population, as callbacks see it, for n particles: previous, state, log_weight NULL.
 * */
mote_block mote_generation_block(const mote_generation *generation, const mote_particle_filter *filter, int64_t first,
                                 int64_t n);

/* "0, 10, 25" as ascending numbers; *step is released by the caller. MOTE_EOPTION names what is wrong. */
int mote_history_parse_steps(const char *option, const char *text, int64_t **step, int64_t *count,
                             const mote_memory *memory, mote_message *message);

#endif
