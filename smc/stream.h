/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every run over a series or a stream has: the compiled model, its parameters, a pool, and the observation that
 * comes next, from the model's series or as it was pushed. */
#ifndef MOTE_SMC_STREAM_H
#define MOTE_SMC_STREAM_H

#include "core/run.h"
#include "core/threads.h"
#include "model/state_space.h"

typedef struct mote_stream_state {
    mote_state_space space;
    double *theta;      /* theta_count */
    mote_datum datum;
    mote_pool *pool;
    double last_time;   /* of the last observation consumed */
    int64_t waiting;    /* 1: datum holds an observation that was pushed and not yet taken */
    int64_t ended;      /* 1: the stream is closed */
} mote_stream_state;

/* `theta`: values of all non-derived parameters; NULL: all are fixed by the model. Adds model, data and parameters to
 * the identity of the run, and warns when threads are asked for and the model is not thread-safe. */
int mote_stream_state_open(mote_run *run, mote_stream_state *stream, const void *model, const double *theta);

/* The same for algorithms that sample the parameters: with free parameters and no `theta` these are drawn from the
 * prior (*drawn = 1), or put to the prior medians. draw_theta: anew, draw number `number`. MOTE_EMODEL when the prior
 * finds nothing inside its constraint. */
int mote_stream_state_open_sampled(mote_run *run, mote_stream_state *stream, const void *model, const double *theta,
                                   int64_t *drawn);
int mote_stream_state_open_at_medians(mote_run *run, mote_stream_state *stream, const void *model, const double *theta);
int mote_stream_state_draw_theta(mote_run *run, mote_stream_state *stream, int64_t number);

void mote_stream_state_close(mote_run *run, mote_stream_state *stream);

/* Checks and keeps a pushed observation; `consumed` of them have been taken before. */
int mote_stream_state_push(mote_run *run, mote_stream_state *stream, const mote_observation *observation,
                           int64_t consumed);
void mote_stream_state_end(mote_stream_state *stream);

/* Puts observation number `consumed` into datum: MOTE_OK; MOTE_WAITING for a push; MOTE_DONE after the last. */
int mote_stream_state_next(mote_stream_state *stream, int64_t consumed);

/* The datum has been consumed; MOTE_DONE when it was the last of a series. */
int mote_stream_state_taken(mote_stream_state *stream, int64_t consumed);

void mote_stream_state_save(const mote_stream_state *stream, mote_writer *writer);
void mote_stream_state_load(mote_stream_state *stream, mote_reader *reader);

#endif
