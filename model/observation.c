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

int mote_datum_from_observation(mote_datum *datum, const mote_state_space *space, const mote_observation *observation,
                                double previous_time, mote_message *message)
{
    const mote_ssm *m = &space->model;
    mote_observation given;
    if (!observation)
        return mote_fail(message, MOTE_EINVAL, "push: the observation is NULL");
    int status = mote_struct_read(&given, sizeof given, MOTE_KIND_mote_observation, observation, message);
    if (status)
        return status;
    if (!isfinite(given.time) || given.time <= previous_time)
        return mote_fail(message, MOTE_EINVAL, "push: the time %g does not follow %g", given.time, previous_time);
    if (m->input_count && !given.input)
        return mote_fail(message, MOTE_EINVAL, "push: the model needs %lld inputs ('%s'), the observation at time %g has none",
                         (long long)m->input_count, m->inputs[0], given.time);
    for (int64_t k = 0; k < m->observation_count; ++k)
        if (given.values && (!given.observed || given.observed[k]) && isinf(given.values[k]))
            return mote_fail(message, MOTE_EINVAL, "push: observation '%s' at time %g is infinite", m->observations[k],
                             given.time);
    fill(datum, m, given.time, given.values, given.observed, given.input);
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
