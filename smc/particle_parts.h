/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the particle filter share. */
#ifndef MOTE_SMC_PARTICLE_PARTS_H
#define MOTE_SMC_PARTICLE_PARTS_H

#include "smc/particle_filter.h"

/* Of one thread: a block's parents, potentials, and the columns of a block. */
struct mote_filter_scratch {
    double **gathered;       /* state_count columns of MOTE_BLOCK */
    double **increment;      /* 2 columns: log-potentials; densities to add */
    const double **previous; /* state_count */
    double **state;          /* state_count */
    const double **uniform;  /* state_count */
    mote_resample_edges *edges;
};

/* Weights, sums, factors and effective sample size from the log-weights. Returns how many of these are NaN or +inf. */
int64_t mote_population_weigh(mote_population *population, int64_t n);

/* The same of one block, and then of the whole. */
int64_t mote_population_weigh_block(mote_population *population, int64_t block, int64_t n);
void mote_population_combine(mote_population *population, int64_t n);

/* Makes the present population the one before, decides on resampling, and draws ancestors (to filter->drawn). */
int mote_particle_filter_resample(mote_particle_filter *filter);
void mote_particle_filter_swap(mote_particle_filter *filter);

#endif
