/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `mote check` asks of a state-space model. Particles are simulated from the model at a few parameters: the
 * prior's medians, and draws from the prior; then each member that the model has is asked, and compared with what it
 * must agree with. Statistical questions have a false alarm rate of about 1e-6 in all: each rejects at 5.5 standard
 * errors. */
#ifndef MOTE_CLI_CHECK_SSM_H
#define MOTE_CLI_CHECK_SSM_H

#include "cli/check_model.h"
#include "model/state_space.h"

enum {
    MOTE_CHECK_ROWS = 3,         /* sets of parameters */
    MOTE_CHECK_STEPS = 6,        /* observations that particles are taken through */
    MOTE_CHECK_PARTICLES = 1000,
    MOTE_CHECK_SAMPLE = 20000    /* draws from one law */
};

typedef int mote_draw_function(void *ctx, const mote_block *block, mote_source *source);
typedef int mote_density_function(void *ctx, const mote_block *block);

typedef struct mote_ssm_check {
    mote_check report;          /* counts the answers */
    mote_memory memory;
    const mote_ssm *given;      /* the plug-in's */
    const mote_job *job;
    mote_state_space space;
    mote_datum datum;           /* of the present step */
    mote_source *live;
    double *theta;              /* ROWS rows */
    const double **parameter;   /* of the present row */
    double **wide;              /* parameters of each particle, theta_count columns; see `each` */
    const double **wide_at;
    int64_t each;               /* 1: blocks are handed parameters of each particle */
    void *cache;
    int64_t row, step;
    double time, time_previous;
    int64_t n;                  /* particles at hand, up to SAMPLE */
    double **previous, **state; /* state_count columns of SAMPLE */
    double *value, *again;      /* SAMPLE */
    double **small_previous, **small_state, *small_value; /* the columns of one block */
} mote_ssm_check;

/* 0 or an exit code. */
int mote_check_ssm(const mote_job *job);

/* Parameters of a row, and the particles' first step; the following step. MOTE_OK, MOTE_DONE past the series or STEPS,
 * or the model's code. */
int mote_ssm_check_begin(mote_ssm_check *check, int64_t row);
int mote_ssm_check_set_row(mote_ssm_check *check, int64_t row); /* the same without particles: parameters, cache, time */
int mote_ssm_check_next_step(mote_ssm_check *check);
int mote_ssm_check_advance(mote_ssm_check *check);

/* The member that is called next, of which each call may take as long as a row. */
void mote_ssm_check_at(const mote_ssm_check *check, const char *member);

/* Calls a member for the particles at hand in blocks of `size`: draws into `state`, or values into `value`. */
int mote_ssm_check_draw(mote_ssm_check *check, mote_draw_function *draw, int has_previous, int64_t size, uint32_t step);
int mote_ssm_check_density(mote_ssm_check *check, mote_density_function *density, int has_previous, int64_t size,
                           double *value);

/* Particles first .. first + n - 1 as a model sees them, in columns of their own; has the present step a previous
 * state? */
mote_block mote_ssm_check_block(mote_ssm_check *check, int64_t first, int64_t n, int has_previous);
int mote_ssm_check_later(const mote_ssm_check *check);

/* check_slope.c. */
void mote_ssm_check_bound(mote_ssm_check *check);
void mote_ssm_check_gradient(mote_ssm_check *check);

/* check_additive.c. */
void mote_ssm_check_additive(mote_ssm_check *check);

/* check_handles.c: opaque states. */
void mote_ssm_check_handles(mote_ssm_check *check);

/* check_law.c: samplers against densities, maps, normal laws. */
void mote_ssm_check_laws(mote_ssm_check *check);

/* check_run.c: one line for each factor of two among report->seconds. */
void mote_check_histogram(const mote_check *check);

#endif
