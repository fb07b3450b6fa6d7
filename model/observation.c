/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Observations in normal form: every entry has a value (NaN where missing) and a flag, from a series or from a push. */
#include <math.h>
#include <string.h>

#include "core/option.h"
#include "model/state_space.h"

int mote_datum_open(mote_datum *datum, const mote_state_space *space, const mote_memory *memory)
{
    const mote_ssm *model = &space->model;
    *datum = (mote_datum){ .time = -INFINITY };
    datum->values = mote_memory_allocate(memory, model->observation_count, sizeof *datum->values);
    datum->observed = mote_memory_allocate(memory, model->observation_count, sizeof *datum->observed);
    datum->input = mote_memory_allocate(memory, model->input_count, sizeof *datum->input);
    return datum->values && datum->observed && datum->input ? MOTE_OK : MOTE_ENOMEM;
}

void mote_datum_close(mote_datum *datum, const mote_memory *memory)
{
    mote_memory_release(memory, datum->values);
    mote_memory_release(memory, datum->observed);
    mote_memory_release(memory, datum->input);
    memset(datum, 0, sizeof *datum);
}

/* A model that declares no observations weighs at every step. */
static void fill(mote_datum *datum, const mote_ssm *model, double time, const double *values, const int64_t *observed,
                 const double *input)
{
    datum->time = time;
    datum->any = model->observation_count == 0;
    for (int64_t k = 0; k < model->observation_count; ++k) {
        const int present = values && (!observed || observed[k]) && !isnan(values[k]);
        datum->values[k] = present ? values[k] : NAN;
        datum->observed[k] = present;
        datum->any |= present;
    }
    for (int64_t k = 0; k < model->input_count; ++k)
        datum->input[k] = input[k];
}

void mote_datum_from_series(mote_datum *datum, const mote_state_space *space, int64_t index)
{
    const mote_ssm *m = &space->model;
    const mote_series *s = &space->series;
    const int64_t k = m->observation_count;
    fill(datum, m, s->time[index], s->values + index * k, s->observed ? s->observed + index * k : NULL,
         s->input + index * m->input_count);
}

int mote_state_space_follows(const mote_state_space *space, int64_t index, double previous, double time, double *after)
{
    const mote_ssm *m = &space->model;
    *after = index ? previous : m->flags & MOTE_SSM_START_BEFORE ? m->initial_time : -INFINITY;
    return isfinite(time) && (index ? time > *after : time >= *after);
}

int mote_datum_from_observation(mote_datum *datum, const mote_state_space *space, const mote_observation *observation,
                                int64_t index, double previous, mote_message *message)
{
    const mote_ssm *m = &space->model;
    mote_observation given;
    double after;
    if (!observation)
        return mote_fail(message, MOTE_EINVAL, "push: the observation is NULL");
    int status = mote_struct_read(&given, sizeof given, MOTE_KIND_mote_observation, observation, message);
    if (status)
        return status;
    if (!mote_state_space_follows(space, index, previous, given.time, &after))
        return mote_fail(message, MOTE_EINVAL, "push: the time %g does not follow %g", given.time, after);
    if (m->input_count && !given.input)
        return mote_fail(message, MOTE_EINVAL,
                         "push: the model needs %lld inputs ('%s'), the observation at time %g has none",
                         (long long)m->input_count, m->inputs[0], given.time);
    for (int64_t k = 0; k < m->observation_count; ++k)
        if (given.values && (!given.observed || given.observed[k]) && isinf(given.values[k]))
            return mote_fail(message, MOTE_EINVAL, "push: observation '%s' at time %g is infinite", m->observations[k],
                             given.time);
    fill(datum, m, given.time, given.values, given.observed, given.input);
    return MOTE_OK;
}

static double *grown(const mote_memory *memory, const double *column, int64_t old, int64_t count)
{
    double *fresh = mote_memory_allocate(memory, count, sizeof *fresh);
    if (fresh && old > 0)
        memcpy(fresh, column, (size_t)old * sizeof *fresh);
    return fresh;
}

/* Room for more rows: what was had is kept when there is no memory. */
static int grow(mote_state_space *space, int64_t capacity)
{
    const mote_memory *memory = space->memory;
    const int64_t old = space->series.count, k = space->model.observation_count, inputs = space->model.input_count;
    const double *before[] = { space->series.time, space->series.values, space->series.input };
    double *after[] = { grown(memory, before[0], old, capacity), grown(memory, before[1], old * k, capacity * k),
                        grown(memory, before[2], old * inputs, capacity * inputs) };
    const int missing = !after[0] || !after[1] || !after[2];
    for (int j = 0; j < 3; ++j)
        mote_memory_release(memory, missing ? after[j] : (void *)before[j]);
    if (missing)
        return MOTE_ENOMEM;
    space->series.time = after[0];
    space->series.values = after[1];
    space->series.input = after[2];
    space->pushed_capacity = capacity;
    return MOTE_OK;
}

int mote_state_space_append(mote_state_space *space, const mote_datum *datum)
{
    const int64_t i = space->series.count, k = space->model.observation_count, inputs = space->model.input_count;
    if (i == space->pushed_capacity && grow(space, i ? 2 * i : 64))
        return MOTE_ENOMEM;
    ((double *)space->series.time)[i] = datum->time;
    for (int64_t j = 0; j < k; ++j)
        ((double *)space->series.values)[i * k + j] = datum->values[j];
    for (int64_t j = 0; j < inputs; ++j)
        ((double *)space->series.input)[i * inputs + j] = datum->input[j];
    ++space->series.count;
    return MOTE_OK;
}

void mote_put_datum(mote_writer *writer, const mote_datum *datum, const mote_state_space *space)
{
    mote_put_real(writer, datum->time);
    mote_put_integer(writer, datum->any);
    mote_put_reals(writer, datum->values, space->model.observation_count);
    mote_put_integers(writer, datum->observed, space->model.observation_count);
    mote_put_reals(writer, datum->input, space->model.input_count);
}

void mote_get_datum(mote_reader *reader, mote_datum *datum, const mote_state_space *space)
{
    datum->time = mote_get_real(reader);
    datum->any = mote_get_count(reader, 0, 1);
    mote_get_reals(reader, datum->values, space->model.observation_count);
    mote_get_integers(reader, datum->observed, space->model.observation_count);
    mote_get_reals(reader, datum->input, space->model.input_count);
}
