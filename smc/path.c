/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/path.h"

#include <math.h>
#include <string.h>

#include "smc/paris.h"

static const char *model_name(const mote_state_space *space)
{
    return space->model.name ? space->model.name : "model";
}

int mote_path_model_open(mote_path_model *p, const mote_state_space *space, const mote_memory *memory,
                         mote_message *message)
{
    const int64_t d = space->model.state_count, parameters = space->space.theta_count;
    const int64_t additive = space->model.additive_count, room = additive > parameters ? additive : parameters;
    *p = (mote_path_model){ .space = space, .memory = memory, .message = message, .room = room };
    int missing = mote_datum_open(&p->datum, space, memory) != MOTE_OK;
    missing |= !(p->theta = mote_memory_allocate(memory, parameters, sizeof *p->theta));
    missing |= !(p->parameter = mote_memory_allocate(memory, parameters, sizeof *p->parameter));
    missing |= !(p->cache = mote_memory_allocate_aligned(memory, space->model.cache_size, 1));
    missing |= !(p->values = mote_memory_allocate_aligned(memory, 2 * d, sizeof *p->values));
    missing |= !(p->state = mote_memory_allocate(memory, d, sizeof *p->state));
    missing |= !(p->previous = mote_memory_allocate(memory, d, sizeof *p->previous));
    missing |= !(p->term = mote_memory_allocate(memory, 2 * room, sizeof *p->term));
    missing |= !(p->term_at = mote_memory_allocate(memory, 2 * room, sizeof *p->term_at));
    for (int64_t k = 0; k < parameters && !missing; ++k)
        p->parameter[k] = &p->theta[k];
    for (int64_t k = 0; k < d && !missing; ++k) {
        p->state[k] = p->values + k;
        p->previous[k] = p->values + d + k;
    }
    for (int64_t k = 0; k < 2 * room && !missing; ++k)
        p->term_at[k] = p->term + k;
    if (missing)
        mote_path_model_close(p);
    return missing ? mote_fail(message, MOTE_ENOMEM, "no memory for a path") : MOTE_OK;
}

void mote_path_model_close(mote_path_model *p)
{
    if (!p->memory)
        return;
    mote_datum_close(&p->datum, p->memory);
    mote_memory_release_aligned(p->memory, p->cache);
    mote_memory_release_aligned(p->memory, p->values);
    void *blocks[] = { p->theta, (void *)p->parameter, p->state, p->previous, p->term, p->term_at };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(p->memory, blocks[i]);
    memset(p, 0, sizeof *p);
}

int mote_path_model_set(mote_path_model *p, const double *theta)
{
    const mote_ssm *model = &p->space->model;
    memcpy(p->theta, theta, (size_t)p->space->space.theta_count * sizeof *theta);
    if (!model->prepare)
        return MOTE_OK;
    memset(p->cache, 0, (size_t)model->cache_size);
    const int status = model->prepare(model->ctx, p->theta, p->cache);
    return status > 0 ? mote_fail(p->message, MOTE_EMODEL, "prepare of the model '%s' failed with %d",
                                  model_name(p->space), status)
                      : status;
}

int mote_path_density_check(const mote_state_space *space, const char *algorithm, mote_message *message)
{
    if (space->model.flags & MOTE_SSM_START_BEFORE)
        return mote_fail(message, MOTE_EUNSUPPORTED,
                         "%s needs an initial law at the first observation: the model '%s' has "
                         "MOTE_SSM_START_BEFORE", algorithm, model_name(space));
    int status = mote_state_space_needs(space, MOTE_CAPABILITY_LOG_INITIAL, algorithm, message);
    return status ? status : mote_state_space_needs(space, MOTE_CAPABILITY_LOG_TRANSITION, algorithm, message);
}

/* The block of step t with x_{t-1} and x_t of the path in place. */
static mote_block block_at(mote_path_model *p, const double *path, int64_t t)
{
    const mote_ssm *model = &p->space->model;
    const int64_t d = model->state_count, before = (model->flags & MOTE_SSM_START_BEFORE) != 0;
    const double previous = t ? p->datum.time : before ? model->initial_time : NAN;
    mote_datum_from_series(&p->datum, p->space, t);
    memcpy(p->values, path + t * d, (size_t)d * sizeof *path);
    if (t)
        memcpy(p->values + d, path + (t - 1) * d, (size_t)d * sizeof *path);
    mote_block block = { MOTE_VERSIONED(mote_block), .n = 1, .step = t, .time = p->datum.time,
                         .time_previous = t || before ? previous : p->datum.time, .parameter = p->parameter, .cache =
                                 p->cache,
                         .previous = t ? (const double *const *)p->previous : NULL, .state = p->state };
    if (model->input_count)
        block.input = p->datum.input;
    if (p->datum.any && model->observation_count) {
        block.observation = p->datum.values;
        block.observed = p->datum.observed;
    }
    return block;
}

static int fails(const mote_path_model *p, const char *callback, int status, int64_t t)
{
    return status > 0 ? mote_fail(p->message, MOTE_EMODEL, "the model '%s': %s returned a code above 0 at step %lld",
                                  model_name(p->space), callback, (long long)t) : status;
}

int mote_path_log_density(mote_path_model *p, const double *path, double *log_density)
{
    const mote_ssm *model = &p->space->model;
    double sum = 0, value;
    for (int64_t t = 0; t < p->space->series.count; ++t) {
        mote_block block = block_at(p, path, t);
        block.log_weight = &value;
        int status = t ? model->log_transition(model->ctx, &block) : model->log_initial(model->ctx, &block);
        if (status)
            return fails(p, t ? "log_transition" : "log_initial", status, t);
        sum += value;
        if (!p->datum.any)
            continue;
        status = model->log_potential(model->ctx, &block);
        if (status)
            return fails(p, "log_potential", status, t);
        sum += value;
    }
    *log_density = sum;
    return MOTE_OK;
}

int mote_path_functional(mote_path_model *p, const double *path, int64_t functional, double *value)
{
    const int64_t count = mote_functional_count(p->space, functional);
    for (int64_t k = 0; k < count; ++k)
        value[k] = 0;
    for (int64_t t = 0; t < p->space->series.count; ++t) {
        const mote_block block = block_at(p, path, t);
        const int status = mote_functional_terms(p->space, functional, &block, p->term_at, p->term_at + p->room);
        if (status)
            return fails(p, "the functional", status, t);
        const int64_t fault = mote_functional_fault(p->term_at, count, 1, NULL);
        if (fault >= 0)
            return mote_functional_complain(p->space, functional, fault, -1, &block, p->message);
        for (int64_t k = 0; k < count; ++k)
            value[k] += p->term[k];
    }
    return MOTE_OK;
}
