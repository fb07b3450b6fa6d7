/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/conditional.h"

#include <mote/filter.h>
#include <string.h>

/* ---- life ---- */

int mote_conditional_check(const mote_state_space *space, const mote_filter_setup *setup, mote_message *message)
{
    const char *name = space->model.name ? space->model.name : "model";
    if (!space->has_series)
        return mote_fail(message, MOTE_EUNSUPPORTED,
                         "conditional filters need the whole series, which the model '%s' does not "
                         "carry", name);
    if (space->model.fork || space->model.linear_count)
        return mote_fail(message, MOTE_EUNSUPPORTED, "conditional filters set a particle to a state of a given path: "
                         "the model '%s' has %s, which cannot be set",
                         name, space->model.fork ? "opaque states" : "a linear part");
    if (space->model.flags & MOTE_SSM_START_BEFORE && (setup->guided || space->model.flags & MOTE_SSM_PAIR_POTENTIAL))
        return mote_fail(message, MOTE_EUNSUPPORTED, "conditional filters: the path begins after the initial state, "
                         "which the first weight of the model '%s' looks at (MOTE_SSM_START_BEFORE with %s)", name,
                         setup->guided ? "option proposal = guided" : "MOTE_SSM_PAIR_POTENTIAL");
    if (setup->quasi)
        return mote_fail(message, MOTE_EOPTION, "option points = sobol: quasi-random filters have no conditional form");
    if (setup->particles < 2)
        return mote_fail(message, MOTE_EOPTION, "option particles = %lld: a conditional filter needs at least 2",
                         (long long)setup->particles);
    return mote_resampling_require(setup->resampling, MOTE_RESAMPLING_CONDITIONAL, 0, message);
}

static int open_memory(mote_conditional *c)
{
    int missing = mote_datum_open(&c->datum, c->filter.space, c->memory) != MOTE_OK;
    missing |= !(c->weight = mote_memory_allocate(c->memory, c->filter.setup.particles, sizeof *c->weight));
    missing |= !(c->row = mote_memory_allocate(c->memory, c->d, sizeof *c->row));
    missing |= !(c->column = mote_memory_allocate(c->memory, c->d, sizeof *c->column));
    for (int64_t k = 0; k < c->d && !missing; ++k)
        c->column[k] = c->row + k;
    return missing ? mote_fail(c->message, MOTE_ENOMEM, "no memory for a conditional filter") : MOTE_OK;
}

int mote_conditional_open(mote_conditional *c, const mote_state_space *space, const mote_conditional_setup *setup,
                          const mote_memory *memory, mote_pool *pool, mote_message *message)
{
    mote_backward_setup backward = setup->backward;
    const mote_history_setup history = { .keep = setup->kernel == MOTE_PATH_BACKWARD ? MOTE_HISTORY_FULL
                                         : MOTE_HISTORY_TREE };
    memset(c, 0, sizeof *c);
    c->memory = memory;
    c->message = message;
    c->kernel = setup->kernel;
    c->times = space->series.count;
    c->d = space->model.state_count;
    backward.draws = 1;
    int status = mote_conditional_check(space, &setup->filter, message);
    if (!status)
        status = mote_particle_filter_open(&c->filter, space, &setup->filter, memory, pool, message);
    if (!status && setup->kernel != MOTE_PATH_PLAIN)
        status = mote_backward_open(&c->backward, space, &backward, setup->filter.particles, memory, NULL, message);
    if (!status)
        status = mote_history_open(&c->history, &c->filter, &history, memory, message);
    if (!status)
        status = open_memory(c);
    if (status)
        mote_conditional_close(c);
    return status;
}

void mote_conditional_close(mote_conditional *c)
{
    if (!c->memory)
        return;
    mote_history_close(&c->history);
    mote_backward_close(&c->backward);
    mote_particle_filter_close(&c->filter);
    mote_datum_close(&c->datum, c->memory);
    mote_memory_release(c->memory, c->weight);
    mote_memory_release(c->memory, c->row);
    mote_memory_release(c->memory, c->column);
    memset(c, 0, sizeof *c);
}

/* ---- forwards ---- */

/* The block of the step to come. */
static mote_block next_block(const mote_conditional *c)
{
    const mote_ssm *model = &c->filter.space->model;
    mote_block block = mote_particle_filter_block(&c->filter, 0, 1);
    block.step = c->filter.step;
    block.time_previous = c->filter.time;
    block.time = c->datum.time;
    block.observation = c->datum.any && model->observation_count ? c->datum.values : NULL;
    block.observed = block.observation ? c->datum.observed : NULL;
    block.input = model->input_count ? c->datum.input : NULL;
    return block;
}

/* A new ancestor for the reference, among the particles before the step to come. A filter with look-ahead decides on
 * resampling later, and does without the ancestor when it does not resample. */
static int draw_ancestor(void *ctx, const double *state)
{
    mote_conditional *c = ctx;
    mote_particle_filter *filter = &c->filter;
    const mote_block block = next_block(c);
    const int32_t start = (int32_t)filter->reference.slot;
    const mote_parents parents = { filter->setup.particles, (const double *const *)filter->now->state,
                                   filter->now->log_weight };
    const mote_children children = { 1, 0, (const double *const *)c->column, &start };
    int32_t chosen;
    filter->reference.ancestor = -1;
    if (!filter->setup.look_ahead && !mote_particle_filter_will_resample(filter))
        return MOTE_OK;
    memcpy(c->row, state, (size_t)c->d * sizeof *state);
    int status = mote_backward_draw(&c->backward, &block, &parents, &children, &filter->source, &chosen);
    if (!status)
        filter->reference.ancestor = chosen;
    return status;
}

int mote_conditional_forwards(mote_particle_filter *filter, mote_datum *datum, const double *theta,
                              const mote_source *source,
                              const double *path, int (*before)(void *ctx, const double *state), void *ctx)
{
    const int64_t d = filter->space->model.state_count;
    int status = mote_particle_filter_start(filter, theta, source);
    filter->reference.active = path != NULL;
    for (int64_t t = 0; t < filter->space->series.count && !status; ++t) {
        mote_datum_from_series(datum, filter->space, t);
        filter->reference.state = path ? path + t * d : NULL;
        if (path && t && before)
            status = before(ctx, filter->reference.state);
        if (!status)
            status = mote_particle_filter_step(filter, datum);
        if (!status && filter->dead)
            status = mote_fail(filter->message, MOTE_ENUMERIC, "all particles have weight zero at step %lld%s",
                               (long long)t, path ? ": the path that is given is impossible" : "");
    }
    return status;
}

/* ---- backwards ---- */

int mote_conditional_last(const mote_particle_filter *filter, double *weight, int32_t *last)
{
    mote_source source = mote_source_at(&filter->source, MOTE_PURPOSE_BACKWARD, (uint32_t)filter->step, 0);
    for (int64_t i = 0; i < filter->setup.particles; ++i)
        weight[i] = mote_population_weight(filter->now, i);
    *last = (int32_t)mote_choose(&source, weight, filter->setup.particles);
    return mote_source_status(&source);
}

static void take(const mote_conditional *c, int64_t t, int32_t i, double *path)
{
    const mote_generation *generation = mote_history_generation(&c->history, t);
    for (int64_t k = 0; k < c->d; ++k)
        c->row[k] = path[t * c->d + k] = generation->state[k][i];
}

/* Parents of parents, from the last particle on. */
static int draw_backwards(mote_conditional *c, int32_t i, double *path)
{
    int status = MOTE_OK;
    take(c, c->times - 1, i, path);
    for (int64_t t = c->times - 1; t > 0 && !status; --t) {
        const mote_generation *now = mote_history_generation(&c->history, t), *before =
                mote_history_generation(&c->history, t - 1);
        const mote_block block = mote_generation_block(now, &c->filter, 0, 1);
        const int32_t start = now->ancestor[i];
        const mote_parents parents = { c->filter.setup.particles, (const double *const *)before->state,
                                       before->log_weight };
        const mote_children children = { 1, 0, (const double *const *)c->column, &start };
        status = mote_backward_draw(&c->backward, &block, &parents, &children, &c->filter.source, &i);
        if (!status)
            take(c, t - 1, i, path);
    }
    return status;
}

static int draw_path(mote_conditional *c, double *path)
{
    int32_t last;
    int status = mote_conditional_last(&c->filter, c->weight, &last);
    if (status)
        return status;
    return c->kernel == MOTE_PATH_BACKWARD ? draw_backwards(c, last, path) : mote_history_path(&c->history, last, path);
}

int mote_conditional_first(mote_conditional *c, const double *theta, const mote_source *source, double *path)
{
    int status = mote_conditional_forwards(&c->filter, &c->datum, theta, source, NULL, NULL, NULL);
    return status ? status : draw_path(c, path);
}

int mote_conditional_sweep(mote_conditional *c, const double *theta, const mote_source *source, const double *path,
                           double *next)
{
    int status = mote_conditional_forwards(&c->filter, &c->datum, theta, source, path,
                                           c->kernel == MOTE_PATH_ANCESTOR ? draw_ancestor : NULL, c);
    return status ? status : draw_path(c, next);
}
