/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run `pmmh`, shared by its files: pmmh.c (table, open, checkpoint), pmmh_step.c (chains, noise), pmmh_result.c. */
#ifndef MOTE_SMC_PMMH_STATE_H
#define MOTE_SMC_PMMH_STATE_H

#include <mote/pmmh.h>

#include "core/run.h"
#include "mcmc/kernel.h"
#include "model/prior_draws.h"
#include "smc/evidence.h"
#include "smc/history.h"

enum mote_pmmh_phase {
    MOTE_PMMH_START,    /* first points are sought */
    MOTE_PMMH_CHAINS,   /* transitions */
    MOTE_PMMH_NOISE,    /* half-way through the warm-up: filters at the chains' mean */
    MOTE_PMMH_REFRESH,  /* another number of particles: new evidences at the present points */
    MOTE_PMMH_EVALUATE, /* at the end: filters at the posterior mean */
    MOTE_PMMH_DONE,
    MOTE_PMMH_PHASES
};

enum { MOTE_PMMH_ROUNDS = 6 }; /* of choosing the number of particles */

/* A present point whose evidence is estimated anew. */
typedef struct mote_pmmh_row {
    struct mote_pmmh_run_state *state;
    int64_t chain, told;
} mote_pmmh_row;

typedef struct mote_pmmh_run_state {
    const mote_pmmh_options *options;
    mote_state_space space;
    mote_evidence evidence;
    mote_crew crew;
    mote_prior_draws start;
    mote_kernel *kernel;
    mote_kernel_points draws;  /* kept: chain c of iteration k in row k chains + c */
    mote_pmmh_row *rows;       /* chains */
    double *y;                 /* chains x dimension; also dimension + theta_count of scratch */
    double *evaluation;        /* log-evidences at one point; with a correlation in pairs */
    int64_t evaluations;       /* of them */

    int64_t phase;
    int64_t busy;              /* 1: chains are under way */
    int64_t transitions;       /* of each chain, warm-up included */
    int64_t evaluated;         /* of the present phase */
    int64_t noise_rows;        /* so far, in all */
    int64_t rounds;            /* of choosing the number of particles */
    double noise;              /* as measured last: half the variance of a difference of log Z; NaN: not yet */
    double variance;           /* of log Z, the same */
    double accepted, proposed; /* after warm-up, all chains */

    mote_particle_filter path_filter; /* of mote_pmmh_path, opened by its first call */
    mote_history history;
    mote_datum datum;
    double *weight;
    int64_t path_particles;    /* 0: not opened */
} mote_pmmh_run_state;

/* pmmh_step.c */
int mote_pmmh_step(mote_run *run);
extern const mote_chain_table mote_pmmh_rows;
int64_t mote_pmmh_most_particles(const mote_pmmh_run_state *state); /* that the rounds so far can have led to */
uint64_t mote_pmmh_first_id(const mote_pmmh_run_state *state); /* of the crew of the phase */

/* pmmh_result.c */
int mote_pmmh_draws(mote_run *run);
void mote_pmmh_close_path(mote_run *run);

#endif
