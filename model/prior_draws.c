/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/prior_draws.h"

#include <math.h>
#include <string.h>

int mote_prior_draws_open(mote_prior_draws *draws, const mote_space *space, int64_t capacity,
                          const mote_memory *memory, mote_message *message)
{
    int64_t width = space->dimension + space->theta_count + space->derived_count;
    *draws = (mote_prior_draws){ .space = space, .memory = memory, .message = message, .capacity = capacity,
                                 .threshold = NAN };
    draws->draws = mote_memory_allocate(memory, capacity, sizeof *draws->draws);
    draws->values = mote_memory_allocate(memory, capacity * width, sizeof(double));
    if (!draws->draws || !draws->values)
        return mote_fail(message, MOTE_ENOMEM, "no memory for %lld prior draws", (long long)capacity);
    for (int64_t i = 0; i < capacity; ++i) {
        mote_prior_draw *draw = &draws->draws[i];
        draw->shared = draws;
        draw->cube = draws->values + i * width;
        draw->theta = draw->cube + space->dimension;
        draw->derived = draw->theta + space->theta_count;
    }
    return MOTE_OK;
}

void mote_prior_draws_close(mote_prior_draws *draws)
{
    if (!draws->memory)
        return;
    mote_memory_release(draws->memory, draws->draws);
    mote_memory_release(draws->memory, draws->values);
    *draws = (mote_prior_draws){ 0 };
}

void mote_prior_draws_begin(mote_prior_draws *draws, int64_t i, const mote_source *source, uint32_t purpose,
                            uint32_t step, int64_t number, int64_t tries)
{
    mote_prior_draw *draw = &draws->draws[i];
    mote_source at = mote_source_at(source, purpose, step, 0);
    draw->stream = mote_stream_open(&at, number);
    draw->tries = tries;
    draw->found = 0;
    draw->reason = MOTE_REASON_NONE;
    draw->log_likelihood = -INFINITY;
}

/* One draw of the whole prior box; `inside` tells whether it lies inside the constraint. */
static int propose(const mote_space *space, mote_stream *stream, double *cube, double *theta, int *inside,
                   mote_message *message)
{
    for (int64_t j = 0; j < space->dimension; ++j)
        cube[j] = mote_stream_uniform(stream);
    int status = mote_space_transform(space, cube, theta);
    if (status > 0)
        return mote_fail(message, status, "prior draw: prior_transform failed");
    *inside = status ? status : mote_space_inside(space, theta);
    if (*inside < 0)
        return mote_fail(message, *inside, "prior draw: the model asked to stop with code %d", *inside);
    return MOTE_OK;
}

int mote_prior_draw_inside(const mote_space *space, mote_stream *stream, double *cube, double *theta,
                           mote_message *message)
{
    for (int64_t outside = 0; outside < MOTE_PRIOR_OUTSIDE_LIMIT; ++outside) {
        int inside = 0, status = propose(space, stream, cube, theta, &inside, message);
        if (status || inside)
            return status;
    }
    return mote_fail(message, MOTE_EMODEL, "the joint constraint excluded %d prior draws in a row",
                     (int)MOTE_PRIOR_OUTSIDE_LIMIT);
}

static int want(void *chain, double *theta)
{
    mote_prior_draw *draw = chain;
    const mote_space *space = draw->shared->space;
    const mote_stream before = draw->stream;
    if (draw->tries <= 0)
        return MOTE_DONE;
    int status = mote_prior_draw_inside(space, &draw->stream, draw->cube, draw->theta, draw->shared->message);
    if (status) {
        draw->stream = before; /* an error leaves the draw as it was */
        return status;
    }
    --draw->tries;
    memcpy(theta, draw->theta, (size_t)space->theta_count * sizeof *theta);
    return MOTE_OK;
}

static int take(void *chain, const mote_row_value *value)
{
    mote_prior_draw *draw = chain;
    const mote_prior_draws *shared = draw->shared;
    draw->log_likelihood = value->log_likelihood;
    draw->reason = value->reason;
    draw->found = isnan(shared->threshold) || value->log_likelihood > shared->threshold;
    if (shared->space->derived_count)
        memcpy(draw->derived, value->derived, (size_t)shared->space->derived_count * sizeof(double));
    return draw->found ? MOTE_DONE : MOTE_OK;
}

const mote_chain_table mote_prior_draws_table = { want, take };

void mote_prior_draws_save(const mote_prior_draws *draws, int64_t n, mote_writer *writer)
{
    const mote_space *space = draws->space;
    int64_t width = space->dimension + space->theta_count + space->derived_count;
    mote_put_tag(writer, "draws");
    mote_put_real(writer, draws->threshold);
    for (int64_t i = 0; i < n; ++i) {
        const mote_prior_draw *draw = &draws->draws[i];
        mote_put_stream(writer, &draw->stream);
        mote_put_reals(writer, draw->cube, width);
        mote_put_real(writer, draw->log_likelihood);
        mote_put_integer(writer, draw->reason);
        mote_put_integer(writer, draw->tries);
        mote_put_integer(writer, draw->found);
    }
}

void mote_prior_draws_load(mote_prior_draws *draws, int64_t n, mote_reader *reader)
{
    const mote_space *space = draws->space;
    int64_t width = space->dimension + space->theta_count + space->derived_count;
    mote_get_tag(reader, "draws");
    draws->threshold = mote_get_real(reader);
    for (int64_t i = 0; i < n; ++i) {
        mote_prior_draw *draw = &draws->draws[i];
        mote_get_stream(reader, &draw->stream);
        mote_get_reals(reader, draw->cube, width);
        draw->log_likelihood = mote_get_real(reader);
        draw->reason = mote_get_count(reader, 0, MOTE_REASON_COUNT - 1);
        draw->tries = mote_get_integer(reader);
        draw->found = mote_get_count(reader, 0, 1);
    }
}

int mote_prior_mass(const mote_space *space, const mote_source *source, int64_t n, double *scratch, double *log_mass,
                    double *error, mote_message *message)
{
    mote_source at = mote_source_at(source, MOTE_PURPOSE_CONSTRAINT, 0, 0);
    mote_stream stream = mote_stream_open(&at, 0);
    int64_t count = 0;
    *log_mass = *error = 0;
    if (!space->target.constraint)
        return MOTE_OK;
    for (int64_t i = 0; i < n; ++i) {
        int inside = 0, status = propose(space, &stream, scratch, scratch + space->dimension, &inside, message);
        if (status)
            return status;
        count += inside;
    }
    if (!count)
        return mote_fail(message, MOTE_EMODEL, "the joint constraint excludes all of %lld prior draws", (long long)n);
    double share = (double)count / (double)n;
    *log_mass = log(share);
    *error = sqrt((1 - share) / (double)count);
    return MOTE_OK;
}
