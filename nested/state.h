/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of a nested-sampling run. What must be carried is checkpointed (state_checkpoint.c); options and scratch
 * are rebuilt at open. Files: nested.c (table, open, close), step.c (phases), watch.c (stalls and spikes), result.c
 * (draws, errors, warnings). */
#ifndef MOTE_NESTED_STATE_H
#define MOTE_NESTED_STATE_H

#include <mote/nested.h>

#include "core/crew.h"
#include "core/run.h"
#include "model/prior_draws.h"
#include "nested/evidence.h"
#include "nested/points.h"
#include "nested/polish.h"
#include "nested/rank.h"
#include "nested/sampler.h"
#include "nested/watch.h"

enum mote_nested_phase {
    MOTE_PHASE_START,   /* a block of prior draws is next, if more are needed */
    MOTE_PHASE_PRIOR,   /* a block of prior draws is under way */
    MOTE_PHASE_DEATHS,  /* between steps: the safe point at which stop rules look */
    MOTE_PHASE_BIRTHS,  /* the deaths of a step are recorded, its births under way */
    MOTE_PHASE_TRIES,   /* too few survivors: prior draws above the contour under way */
    MOTE_PHASE_POLISH,  /* the stop rule has fired; climbing to the maximum */
    MOTE_PHASE_DONE
};

typedef struct mote_nested_state {
    /* fixed at open */
    const mote_nested_options *options;
    mote_space space;
    int64_t live_points, deaths_per_step, block; /* block: largest number of chains at once */
    mote_crew crew;
    mote_prior_draws prior;
    mote_sampler *sampler;
    double log_prior_mass, prior_mass_error;     /* of the joint constraint */
    int64_t *order;                              /* 3 x order_room indices: in order, and scratch */
    int64_t order_room, ordered;                 /* ordered: of so many live points, the first, order is known */
    double *ranked;                              /* log-likelihoods of survivors, ascending */
    int64_t room_for_zeros;                      /* live points beyond which zero likelihood is only counted */
    int64_t finite, looked_at;                   /* of the first `looked_at` prior draws so many have a likelihood */
    mote_polish *polish;                         /* only in its phase */
    int64_t warned, newest;                      /* warnings that progress has told, and the last of them */

    /* carried */
    int64_t phase;
    int64_t prior_count;    /* prior draws so far */
    int64_t birth_count;
    int64_t try_count;      /* chains of tries so far, those that found nothing included */
    int64_t step_count;
    int64_t births_due;     /* of the step under way */
    int64_t survivors;      /* live points 0 .. survivors-1 were there before this step's births */
    double threshold;       /* contour of the step under way */
    int64_t plateau_deaths;
    int64_t birth_calls;    /* rows that births took */
    int64_t prior_chains;   /* chains of a block of prior draws or tries */
    int64_t ended_by;       /* enum mote_finished_by, once a stop rule has fired */
    int64_t failed_checked; /* the share of failures among the first rows is settled */
    int64_t failed_prior;
    int64_t left_out;       /* prior draws of zero likelihood that are counted only: follows from the other counts */
    mote_points live, dead;
    double *insertion;      /* normalised insertion rank of each birth */
    int64_t insertion_room;
    mote_running_evidence running;
    mote_rank_sums ranks;
    mote_watch watch;
    double best_log_likelihood; /* polished */
    double *best_theta, *best_derived;
    int64_t polished;
} mote_nested_state;

int mote_nested_step(mote_run *run);
int mote_nested_draws(mote_run *run);
int mote_nested_save(mote_run *run, mote_writer *writer);
int mote_nested_load(mote_run *run, mote_reader *reader);
void mote_nested_progress(mote_run *run, mote_progress *progress);

/* Estimate of the compression that the stop rule still needs, nats; NaN when there is nothing to fit. */
double mote_nested_nats_left(const mote_nested_state *state);

/* 1 between complete blocks, where limits on calls may look. */
int64_t mote_nested_at_boundary(const mote_nested_state *state);

/* The stop rule that holds now (enum mote_finished_by), or 0. */
int64_t mote_nested_stop_rule(const mote_nested_state *state);

/* Room for indices of all live points. */
int mote_nested_reserve_order(mote_run *run, mote_nested_state *state);

/* Share of the evidence that the live points hold, at the present volume. */
double mote_nested_remaining(const mote_nested_state *state);

#endif
