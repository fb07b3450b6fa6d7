/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The particle filter as a resumable iterator: what the algorithms of this folder are built on. One step takes one
 * observation (t = 0, 1, ...):
 *
 *     t = 0:  x_0^i ~ M_0                                             Lold = log N
 *     t > 0:  rule asks for it: A = resample(W), lw = 0               Lold = log N
 *             else A^i = i, weights carried, not reset                Lold = Lnew
 *             x_t^i ~ M_t(x_{t-1}^{A^i}, .)
 *     lw^i += log G_t;  Lnew = log sum exp lw;  log Z += Lnew - Lold
 *
 * (Gordon, Salmond and Smith 1993; Del Moral 2004.) exp(log Z) is unbiased for every rule and every unbiased scheme.
 * Resampling from tilted weights v (auxiliary filter): lw^i = log(W^A / v^A) and Lold = log N.
 * Never resampled after the last step. A step that fails leaves the population of the step before; one that a collector
 * stopped has been taken. Inside a step nothing is allocated but by what grows with the run (collectors), at its start.
 * Known answer: tests/smc/test_filter.c, case A. */
#ifndef MOTE_SMC_PARTICLE_FILTER_H
#define MOTE_SMC_PARTICLE_FILTER_H

#include <mote/filter.h>

#include "core/source.h"
#include "core/threads.h"
#include "model/draws.h"
#include "model/state_space.h"
#include "smc/quasi.h"
#include "smc/resample.h"

typedef struct mote_filter_setup {
    int64_t particles;      /* N >= 1 */
    int64_t resampling;     /* enum mote_resampling */
    int64_t rule;           /* enum mote_resample_rule */
    double threshold;       /* of rule ess: resample when the effective sample size is below threshold N */
    int64_t guided;         /* propose from the model's proposal */
    int64_t look_ahead;     /* resample with the model's look-ahead (auxiliary filter) */
    int64_t quasi;          /* randomised quasi-Monte Carlo points (smc/quasi.h); resamples at every step */
    int64_t sorted;         /* particles are sorted along a curve that fills space (smc/quasi.h) when they resample, so
                             * that slots do not jump when parameters or random numbers change a little */
    int64_t failed_is_zero; /* a potential that is NaN or +inf is taken as 0 instead of ending the run */
} mote_filter_setup;

/* The setup from options that have MOTE_PARTICLE_OPTIONS. */
#define MOTE_PARTICLE_SETUP(o)                                                                                         \
    .particles = (o)->particles, .resampling = (o)->resampling, .rule = (o)->resample,                                 \
    .threshold = (o)->ess_threshold, .guided = (o)->proposal, .look_ahead = (o)->look_ahead, .quasi = (o)->points,     \
    .failed_is_zero = (o)->failed_potential

/* Which of these options take effect when: rows of mote_option_use. */
#define MOTE_PARTICLE_USES                                                                                             \
    { "ess_threshold", "resample", "ess" }, { "ess_threshold", "points", "random" },                                   \
    { "look_ahead", "resample", "ess|always" }

/* Particles of one time with their weights: weight[i] = exp(log_weight[i] - block_maximum[i / MOTE_BLOCK]), and
 * factor[b] = exp(block_maximum[b] - maximum), so that weight[i] factor[i / MOTE_BLOCK] / sum is the normalised weight.
 * All weights zero: maximum = log_sum = -inf, factor 0. */
typedef struct mote_population {
    double **state;         /* state_count columns of N */
    double *log_weight;     /* accumulated since the last resampling */
    double *weight, *block_maximum, *block_sum, *block_square, *factor;
    double maximum, log_sum, sum;
    double effective_sample_size;
} mote_population;

typedef struct mote_filter_scratch mote_filter_scratch;
typedef struct mote_collector mote_collector;

/* A reference path (conditional SMC): slot `slot` of the next population is set to `state`, and its ancestor is the
 * reference's slot of the population before, or `ancestor` when that is not -1 (ancestor sampling). */
typedef struct mote_filter_reference {
    int64_t active;
    int64_t slot;         /* of the present population; of the first one: drawn uniformly */
    const double *state;  /* state_count values for the next step: set by the owner before each step */
    int64_t ancestor;     /* -1: slot */
} mote_filter_reference;

typedef struct mote_particle_filter {
    const mote_state_space *space;
    mote_filter_setup setup;
    const mote_memory *memory;
    mote_message *message;
    mote_pool *pool;               /* NULL: serial */
    mote_source source;            /* its key is all that makes two filters differ */
    double *theta;                 /* theta_count */
    const double **parameter;      /* theta_count pointers into theta */
    void *cache;

    int64_t step;                  /* observations consumed */
    double time, time_previous;    /* of the present population, and of the one before it */
    mote_population *now, *before; /* before: valid from the second step on, until the next one */
    const int32_t *ancestor;       /* of the present population in the one before; identity when not resampled */
    int64_t resampled;             /* in the last step */
    int64_t resamplings;           /* so far */
    double log_evidence, increment;/* log Z, and what the last step added */
    int64_t dead;                  /* 1 + the step at which all weights became zero; 0: alive */
    int64_t potentials;            /* particles weighed so far */
    mote_filter_reference reference;
    mote_collector *collectors;    /* list, in the order of their making */

    mote_population populations[2];
    int32_t *drawn;                /* N ancestors of the step under way: the one of draws[] that `ancestor` is not */
    int32_t *draws[2], *identity;
    int64_t in_parts;              /* each block of the step under way finds its own part of `drawn` */
    double *offset;                /* N: log-weights to begin with after a tilted resampling */
    int64_t tilted;                /* in the last step: resampled from tilted weights */
    const double *handles;         /* opaque states: the handles that are the filter's to give up; NULL: none */
    double log_sum_before;         /* Lold of the step under way */
    const mote_datum *datum;       /* of the step under way */
    mote_resampler resampler;
    mote_quasi quasi;
    mote_filter_scratch *scratch;  /* one for each thread */
    int64_t *block_status, *block_failed;
} mote_particle_filter;

/* `pool` may be NULL. Everything that a step needs is allocated here. */
int mote_particle_filter_open(mote_particle_filter *filter, const mote_state_space *space,
                              const mote_filter_setup *setup,
                              const mote_memory *memory, mote_pool *pool, mote_message *message);
void mote_particle_filter_close(mote_particle_filter *filter);

/* Begins anew: step 0, with these parameters (theta_count values) and this source. Collectors are told. */
int mote_particle_filter_start(mote_particle_filter *filter, const double *theta, const mote_source *source);

/* One observation. MOTE_OK, also when all weights became zero (see `dead`: from then on steps only count);
 * MOTE_EMODEL for a failed potential, naming step, time and particle; the model's negative code; MOTE_ENOMEM. */
int mote_particle_filter_step(mote_particle_filter *filter, const mote_datum *datum);

/* Will the next step resample? Without look-ahead this depends on the present population alone. */
int mote_particle_filter_will_resample(const mote_particle_filter *filter);

/* Whole series of the model from `source` with these parameters; *log_evidence. */
int mote_particle_filter_run(mote_particle_filter *filter, const double *theta, const mote_source *source,
                             mote_datum *datum, double *log_evidence);

/* The state between steps, collectors included. Opaque states need pack and unpack. */
int mote_particle_filter_can_save(const mote_particle_filter *filter);
void mote_particle_filter_save(const mote_particle_filter *filter, mote_writer *writer);
int mote_particle_filter_load(mote_particle_filter *filter, mote_reader *reader);

/* Block `first`.. of a population as callbacks see it, into the scratch of `thread`: for collectors that call the model
 * (log_transition, additive, gradient). previous and state are left NULL. */
mote_block mote_particle_filter_block(const mote_particle_filter *filter, int64_t first, int64_t n);

/* Blocks of MOTE_BLOCK particles. */
static inline int64_t mote_blocks(int64_t n)
{
    return (n + MOTE_BLOCK - 1) / MOTE_BLOCK;
}

/* Normalised weight of particle i. */
static inline double mote_population_weight(const mote_population *population, int64_t i)
{
    return population->sum > 0 ? population->weight[i] * population->factor[i / MOTE_BLOCK] / population->sum : 0;
}

/* The present population as draws; NULL without memory. */
mote_draws *mote_population_draws(const mote_particle_filter *filter);

/* Every result with an evidence of plain filters warns of a biased scheme; what is exact by an unbiased evidence
 * refuses the scheme (mote_resampling_require). */
int mote_warn_of_bias(mote_draws *draws, int64_t resampling);

/* Weighted mean of a column, in a fixed order of summation. */
double mote_population_mean(const mote_population *population, const double *column, int64_t n);

/* ---- collectors: observers of the filter's loop ---- */

/* `reserve` is called at the start of a step, before anything changes, and is the only one that may allocate;
 * `collect` after the step; `start` when the filter begins anew. `save`, `load` may be NULL when there is no state. */
typedef struct mote_collector_table {
    const char *name;
    int takes_back; /* a `collect` that fails leaves the collector as it was and asks that the step be taken back: the
                     * first collector only, since those before it have seen the step */
    int (*start)(mote_collector *collector, mote_particle_filter *filter);
    int (*reserve)(mote_collector *collector, mote_particle_filter *filter);
    int (*collect)(mote_collector *collector, mote_particle_filter *filter);
    void (*save)(const mote_collector *collector, mote_writer *writer);
    int (*load)(mote_collector *collector, mote_reader *reader);
} mote_collector_table;

struct mote_collector { /* first member of a collector's own struct */
    const mote_collector_table *table;
    mote_collector *next;
};

/* The collector is borrowed and must outlive the filter. */
void mote_particle_filter_add(mote_particle_filter *filter, mote_collector *collector);

#endif
