/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of an SMC sampler. What must be carried is checkpointed (sampler_checkpoint.c); the rest is rebuilt at
 * open. Files: sampler.c (table, open, close), sampler_step.c (phases), sampler_weight.c (the next target and its
 * weights), sampler_move.c (resampling, chains), sampler_error.c (errors of log Z), sampler_persistent.c (weights of
 * all levels), sampler_schedule.c (schedules as text), sampler_result.c (draws, levels). */
#ifndef MOTE_SMC_SAMPLER_STATE_H
#define MOTE_SMC_SAMPLER_STATE_H

#include <mote/smc_sampler.h>

#include "core/run.h"
#include "mcmc/kernel.h"
#include "smc/genealogy.h"
#include "smc/resample.h"

enum mote_smc_phase {
    MOTE_SMC_PRIOR,    /* no particles yet */
    MOTE_SMC_EVALUATE, /* rows of all particles are under way: whole likelihoods, or new terms */
    MOTE_SMC_WEIGH,    /* the next target is chosen and its weights are computed */
    MOTE_SMC_MOVE,     /* chains are under way */
    MOTE_SMC_DONE
};

/* Numbers kept of each level: the fields of mote_smc_level, and the variance of log Z up to it. */
typedef struct mote_smc_record {
    double inverse_temperature, term_count, log_evidence, log_evidence_error, effective_sample_size, alive, moved,
        steps, acceptance, scale, squared_jump, correlation;
    double variance; /* of the log factors of closed blocks, up to this level */
} mote_smc_record;

/* Rows of a particle that is evaluated where it stands. */
typedef struct mote_smc_row {
    struct mote_smc_state *state;
    int64_t i, told;
} mote_smc_row;

typedef struct mote_smc_weights {
    int64_t capacity;
    double *log_weight, *weight; /* capacity, 64-byte aligned */
    double *factor;              /* per block of MOTE_WEIGHT_BLOCK */
    double log_sum, sum, effective_sample_size; /* weight factor / sum is normalised */
} mote_smc_weights;

typedef struct mote_smc_state {
    const mote_smc_options *options;
    mote_space space;
    const mote_kernel_method *method;
    mote_kernel *kernel;
    mote_crew crew;
    mote_resampler resampler;
    mote_row_function function;
    const mote_memory *memory;
    mote_message *message;
    int64_t particles, chains, chain_length; /* N; chains of a move phase; states kept of each */
    int64_t data, persistent, waste_free;    /* what the options say */
    double log_prior_mass, prior_mass_error;

    int64_t phase;
    int64_t level;                           /* records made, less one */
    int64_t term_count;                      /* data: terms in the present target */
    int64_t next_term_count;                 /* data: with the terms that are being evaluated */
    int64_t steps_made, steps_asked;         /* of the move phase */
    int64_t moves;                           /* move phases so far */
    double points_temperature;               /* power of the likelihood that `points` have the law of */
    int64_t rows;                            /* ids given to crews so far */
    int64_t failed_checked, dead;            /* dead: 1 when no particle has likelihood > 0 */
    double inverse_temperature, log_evidence;
    double block_log_evidence;               /* at the last move: closed blocks */
    double variance;                         /* of closed blocks */
    double displacement;                     /* mean squared, after the last round of moves */
    double maximum;

    mote_kernel_points points;               /* N particles */
    mote_kernel_points next;                 /* waste-free: the states being made; else the starts of the chains */
    mote_kernel_points kept;                 /* persistent, or keep = all: the particles of all levels before */
    mote_smc_weights weights;                /* of `points`; persistent: of `kept` and `points` */
    double *increment;                       /* N: new terms of the log-likelihood */
    double *linear;                          /* N, or all: normalised weights */
    double *mixture;                         /* persistent: log mixture density of each, sum over levels */
    int64_t mixture_capacity;
    int32_t *ancestor;
    double *cube;                            /* scratch: dimension + theta_count */
    mote_smc_row *evaluations;
    mote_genealogy genealogy;                /* plain */
    mote_smc_record *records;
    double *tunings;                         /* of each level: the kernel's numbers as its moves used them */
    int64_t record_capacity;

    double *schedule;                        /* fixed or replayed: values of levels 1, 2, ... */
    double *replayed_steps, *replayed_tunings;
    int64_t schedule_count;
} mote_smc_state;

/* sampler_weight.c: weights for log-weights already in state->weights; the next target from the present particles;
 * log-weights of n numbers in place. */
void mote_smc_weigh(mote_smc_weights *weights, int64_t n);
int mote_smc_next_temperature(mote_smc_state *state, double *next);
int mote_smc_reserve_weights(mote_smc_state *state, int64_t n);
void mote_smc_linear(const mote_smc_weights *weights, int64_t n, double *linear);

/* sampler_move.c */
int mote_smc_start_move(mote_run *run);
int mote_smc_end_round(mote_run *run); /* MOTE_OK: another round was started; MOTE_DONE: the particles have moved */

/* sampler_persistent.c: `kept`, `mixture`, and the weights over all levels */
int mote_smc_persistent_reserve(mote_smc_state *state);
void mote_smc_persistent_weigh(mote_smc_state *state, double inverse_temperature);
void mote_smc_persistent_append(mote_smc_state *state);
int mote_smc_persistent_variance(const mote_smc_state *state, double *variance);

/* sampler_error.c: the variance of log(mean of w) for n weights w (any scale) that lie along chains of `length`. */
double mote_smc_chain_variance(const double *w, int64_t n, int64_t length);
double mote_smc_long_run_variance(const double *w, int64_t n, int64_t length); /* gamma_0 + 2 sum gamma_k */
double mote_smc_present_variance(mote_smc_state *state);

/* Integrated autocorrelation time of the log-likelihood along chains of `length`. */
double mote_smc_correlation(const mote_kernel_points *points, int64_t length);

/* sampler_schedule.c */
int mote_smc_read_schedule(mote_run *run);
double mote_smc_scheduled(const mote_smc_state *state); /* of the next level; NaN past the end */

/* sampler_step.c, sampler_result.c, sampler_checkpoint.c */
int mote_smc_step(mote_run *run);
const mote_chain_table *mote_smc_rows(void);
int mote_smc_reserve_record(mote_run *run);
int mote_smc_draws(mote_run *run);
void mote_smc_progress(mote_run *run, mote_progress *progress);
int mote_smc_save(mote_run *run, mote_writer *writer);
int mote_smc_load(mote_run *run, mote_reader *reader);

#endif
