/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/stream.h"

#include <math.h>
#include <stdio.h>

#include "smc/run_pool.h"

static void identify(mote_run *run, const mote_stream_state *stream)
{
    char text[32];
    mote_run_identify_state_space(run, &stream->space);
    for (int64_t i = 0; i < stream->space.space.theta_count; ++i) {
        snprintf(text, sizeof text, "%a", stream->theta[i]);
        mote_run_identify(run, stream->space.space.parameters[stream->space.space.theta_parameter[i]].name, text);
    }
}

static int open_rest(mote_run *run, mote_stream_state *stream)
{
    int status = mote_datum_open(&stream->datum, &stream->space, &run->memory);
    if (!status)
        status = mote_run_open_pool(run, &stream->space, &stream->pool);
    if (!status)
        identify(run, stream);
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status,
                                             "no memory for the model's parameters and observations") : status;
}

static int open_space(mote_run *run, mote_stream_state *stream, const void *model)
{
    int status = mote_state_space_open(&stream->space, model, &run->memory, &run->message);
    if (status)
        return status;
    stream->theta = mote_memory_allocate(&run->memory, stream->space.space.theta_count, sizeof(double));
    return stream->theta ? MOTE_OK : mote_fail(&run->message, MOTE_ENOMEM, "no memory for the model's parameters");
}

int mote_stream_state_open(mote_run *run, mote_stream_state *stream, const void *model, const double *theta)
{
    int status = open_space(run, stream, model);
    if (!status)
        status = mote_state_space_theta(&stream->space, theta, stream->theta, &run->message);
    return status ? status : open_rest(run, stream);
}

int mote_stream_state_open_sampled(mote_run *run, mote_stream_state *stream, const void *model, const double *theta,
                                   int64_t *drawn)
{
    int status = open_space(run, stream, model);
    *drawn = !status && !theta && stream->space.space.dimension > 0;
    if (!status)
        status = *drawn ? mote_stream_state_draw_theta(run, stream, 0)
                        : mote_state_space_theta(&stream->space, theta, stream->theta, &run->message);
    return status ? status : open_rest(run, stream);
}

int mote_stream_state_open_at_medians(mote_run *run, mote_stream_state *stream, const void *model, const double *theta)
{
    int status = open_space(run, stream, model);
    if (!status && !theta && stream->space.space.dimension > 0) {
        double *cube = mote_memory_allocate(&run->memory, stream->space.space.dimension, sizeof *cube);
        for (int64_t k = 0; cube && k < stream->space.space.dimension; ++k)
            cube[k] = 0.5;
        status = cube ? mote_space_transform(&stream->space.space, cube, stream->theta) : MOTE_ENOMEM;
        mote_memory_release(&run->memory, cube);
    } else if (!status) {
        status = mote_state_space_theta(&stream->space, theta, stream->theta, &run->message);
    }
    return status ? status : open_rest(run, stream);
}

int mote_stream_state_draw_theta(mote_run *run, mote_stream_state *stream, int64_t number)
{
    const mote_space *space = &stream->space.space;
    mote_source source = mote_source_at(&run->source, MOTE_PURPOSE_PRIOR, (uint32_t)number, 0);
    double *cube = mote_memory_allocate(&run->memory, space->dimension, sizeof *cube);
    int status = cube ? MOTE_OK : MOTE_ENOMEM, inside = 0;
    for (int64_t k = 0; k < 1000000 && !status && !inside; ++k) {
        mote_uniforms(&source, cube, space->dimension);
        status = mote_space_transform(space, cube, stream->theta);
        inside = status ? 0 : mote_space_inside(space, stream->theta);
        status = inside < 0 ? inside : status;
    }
    mote_memory_release(&run->memory, cube);
    if (!status && !inside)
        return mote_fail(&run->message, MOTE_EMODEL, "a million draws from the prior missed its constraint");
    return status ? status : mote_source_status(&source);
}

void mote_stream_state_close(mote_run *run, mote_stream_state *stream)
{
    mote_datum_close(&stream->datum, &run->memory);
    mote_pool_close(&stream->pool);
    mote_memory_release(&run->memory, stream->theta);
    mote_state_space_close(&stream->space);
}

int mote_stream_state_push(mote_run *run, mote_stream_state *stream, const mote_observation *observation,
                           int64_t consumed)
{
    if (stream->space.has_series)
        return mote_fail(&run->message, MOTE_ESTATE, "push: the model carries its own series");
    if (stream->ended)
        return mote_fail(&run->message, MOTE_ESTATE, "push: the run has been finished, its stream is closed");
    int status = mote_datum_from_observation(&stream->datum, &stream->space, observation, consumed, stream->last_time,
                                             &run->message);
    stream->waiting = !status;
    return status;
}

void mote_stream_state_end(mote_stream_state *stream)
{
    stream->ended = !stream->space.has_series;
}

int mote_stream_state_next(mote_stream_state *stream, int64_t consumed)
{
    if (!stream->space.has_series)
        return stream->waiting ? MOTE_OK : stream->ended ? MOTE_DONE : MOTE_WAITING;
    if (consumed >= stream->space.series.count)
        return MOTE_DONE;
    mote_datum_from_series(&stream->datum, &stream->space, consumed);
    return MOTE_OK;
}

int mote_stream_state_taken(mote_stream_state *stream, int64_t consumed)
{
    stream->waiting = 0;
    stream->last_time = stream->datum.time;
    return stream->space.has_series && consumed >= stream->space.series.count ? MOTE_DONE : MOTE_OK;
}

void mote_stream_state_save(const mote_stream_state *stream, mote_writer *writer)
{
    mote_put_tag(writer, "stream");
    mote_put_integer(writer, stream->ended);
    mote_put_integer(writer, stream->waiting);
    mote_put_real(writer, stream->last_time);
    mote_put_datum(writer, &stream->datum, &stream->space);
}

void mote_stream_state_load(mote_stream_state *stream, mote_reader *reader)
{
    mote_get_tag(reader, "stream");
    stream->ended = mote_get_count(reader, 0, 1);
    stream->waiting = mote_get_count(reader, 0, 1);
    stream->last_time = mote_get_real(reader);
    mote_get_datum(reader, &stream->datum, &stream->space);
}
