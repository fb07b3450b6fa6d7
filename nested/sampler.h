/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Births: how nested sampling draws new points from the prior above a contour. A sampler holds what is frozen during
 * one step of the run (survivors, their covariance and clusters, a bound, widths); each birth is a chain of a crew
 * (core/crew.h) with its own stream, keyed by run and birth number. Nothing adapts inside a chain.
 *
 *     mote_sampler_open
 *     each step:  mote_sampler_freeze;  mote_sampler_begin for each birth;  the crew runs;  read births;
 *                 mote_sampler_adapt
 *     mote_sampler_close
 *
 * Methods: bound_ellipsoid.c (region), step_slice.c, step_walk.c; all work in the unit cube. */
#ifndef MOTE_NESTED_SAMPLER_H
#define MOTE_NESTED_SAMPLER_H

#include <mote/nested.h>

#include "core/checkpoint.h"
#include "core/crew.h"
#include "core/source.h"
#include "model/space.h"

typedef struct mote_sampler mote_sampler;

/* The result of a birth, valid once its chain has finished. */
typedef struct mote_birth {
    const double *cube;      /* dimension */
    const double *theta;     /* theta_count */
    const double *derived;   /* derived_count */
    double log_likelihood;   /* > threshold */
    int64_t parent;          /* index among the survivors of the start point; -1 for region sampling */
    int64_t calls;           /* likelihood rows used */
    int64_t rejected;        /* proposals that cost no row: outside the cube or the joint constraint */
} mote_birth;

/* `options` are resolved and outlive the sampler. At most `max_live` survivors and `max_births` chains. */
int mote_sampler_open(mote_sampler **sampler, const mote_space *space, const mote_nested_options *options,
                      int64_t max_live, int64_t max_births, const mote_memory *memory, mote_message *message);
void mote_sampler_close(mote_sampler **sampler);

/* Freezes the survivors (n rows of cube coordinates, log-likelihoods all above `threshold`, at least 2) for the step.
 * `log_volume` is the expected log prior volume above the threshold. Rebuilds bound, covariance and clusters when due;
 * `source` stands at the run's key. */
int mote_sampler_freeze(mote_sampler *sampler, const double *cube, const double *log_likelihood, int64_t n,
                        double threshold, double log_volume, const mote_source *source, int64_t step);

/* Readies chain 0 <= i < max_births for birth number `number` (counted over the run). */
int mote_sampler_begin(mote_sampler *sampler, int64_t i, uint64_t number);

/* For mote_crew_start. */
const mote_chain_table *mote_sampler_table(const mote_sampler *sampler);
void *mote_sampler_chains(mote_sampler *sampler, size_t *chain_size);

mote_birth mote_sampler_birth(const mote_sampler *sampler, int64_t i);

/* Tunes widths and scales, and chooses between region and steps, from the counts of the n births just finished. */
void mote_sampler_adapt(mote_sampler *sampler, int64_t n);

/* Called when the parent-child correlation says that chains are too short. */
void mote_sampler_double_steps(mote_sampler *sampler);

/* on_stall = switch: from the region to steps, for good. Returns 0 when that is the method already. */
int mote_sampler_switch(mote_sampler *sampler);

int64_t mote_sampler_steps(const mote_sampler *sampler);      /* per birth; 0 while the region is in use */
int64_t mote_sampler_uses_steps(const mote_sampler *sampler);

/* Everything that later steps or unfinished chains depend on. load on a freshly opened sampler. */
void mote_sampler_save(const mote_sampler *sampler, mote_writer *writer);
int mote_sampler_load(mote_sampler *sampler, mote_reader *reader);

#endif
