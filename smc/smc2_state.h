/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run `smc2`, shared by its files: smc2.c (table, open, checkpoint), smc2_step.c (phases), smc2_result.c (draws).
 * */
#ifndef MOTE_SMC_SMC2_STATE_H
#define MOTE_SMC_SMC2_STATE_H

#include <mote/smc2.h>

#include "core/run.h"
#include "mcmc/kernel.h"
#include "smc/filter_bank.h"
#include "smc/genealogy.h"

/* What the next step does. */
enum mote_smc2_phase {
    MOTE_SMC2_PRIOR,    /* draws the parameters */
    MOTE_SMC2_IDLE,     /* an observation is awaited, or all are taken */
    MOTE_SMC2_EXTEND,   /* filters are being brought to the present observation */
    MOTE_SMC2_MOVE,     /* chains are under way */
    MOTE_SMC2_NOISE,    /* filters at the posterior mean */
    MOTE_SMC2_EXCHANGE, /* fresh filters with more particles */
    MOTE_SMC2_PHASES
};

typedef struct mote_smc2_record {
    double log_evidence, log_evidence_error, effective_sample_size, particles, acceptance, noise;
} mote_smc2_record;

enum { MOTE_SMC2_RECORD = sizeof(mote_smc2_record) / sizeof(double) };

typedef struct mote_smc2_run_state {
    const mote_smc2_options *options;
    mote_state_space space;
    mote_pool *pool;
    mote_datum datum;             /* of a push */
    mote_filter_bank bank;
    mote_kernel *kernel;
    mote_genealogy genealogy;
    mote_kernel_points points, scratch; /* the parameter particles, in the order of the bank's members */
    double *normalised;           /* their weights */
    double *cube;                 /* dimension */
    double *evaluation;           /* noise_filters: log-evidences at the posterior mean */
    int64_t *calls;               /* filters that each chain asked for in this move */
    int64_t *asking;              /* chains that await the values of their rows, in the order in which they asked */
    int64_t asked;                /* so many; more than none between steps only after a step that failed */

    int64_t phase;
    int64_t first;                /* member, chain or filter at which the phase goes on */
    int64_t failed;               /* fresh filters that failed, so far */
    int64_t limited;              /* 1: the noise asked for more than particles_limit */
    int64_t ended;                /* 1: the stream is closed */
    mote_smc2_record *records;    /* one for each observation, the present one included */
    int64_t record_capacity;
} mote_smc2_run_state;

/* smc2_step.c */
int mote_smc2_step(mote_run *run);
int64_t mote_smc2_most_particles(const mote_smc2_options *options); /* that a filter can come to */
int mote_smc2_reserve(mote_run *run, int64_t n); /* room for the records of n observations, and for their generations */

/* smc2_result.c */
int mote_smc2_draws(mote_run *run);
double mote_smc2_variance(mote_smc2_run_state *state); /* of log Z, with the weights at hand; NaN: none can be had */

#endif
