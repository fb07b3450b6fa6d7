/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See smc/perturbed.h. A model with a cache, or one that reads parameter rows only, is called with blocks of one
 * particle, in one of as many scratches as there are threads. */
#include "smc/perturbed.h"

#include <stdio.h>
#include <string.h>

#include "core/vector.h"

enum { NAME_SIZE = 24, MOST_PARAMETERS = MOTE_PERTURBED_PARAMETERS };

/* ---- the inner model's callbacks on a block whose particles have parameters of their own ---- */

typedef int callback(const mote_ssm *model, const mote_block *block, mote_source *source);

static int call_initial(const mote_ssm *model, const mote_block *block, mote_source *source)
{
    return model->initial(model->ctx, block, source);
}

static int call_transition(const mote_ssm *model, const mote_block *block, mote_source *source)
{
    return model->transition(model->ctx, block, source);
}

static int call_log_potential(const mote_ssm *model, const mote_block *block, mote_source *source)
{
    (void)source;
    return model->log_potential(model->ctx, block);
}

/* Particle i of the block as a block of its own, with its cache. */
static int call_one(const mote_perturbed *w, mote_perturbed_scratch *scratch, const mote_block *block,
                    mote_source *source, callback *call, int64_t i)
{
    const mote_ssm *model = &w->inner->model;
    double theta[MOST_PARAMETERS];
    const double *const *rows = (const double *const *)(block->state + w->d + w->p);
    mote_block one = *block;
    one.n = 1;
    one.first = block->first + i;
    one.parameter_stride = 0;
    one.parameter = scratch->parameter;
    for (int64_t k = 0; k < w->q; ++k) {
        theta[k] = rows[k][i];
        scratch->parameter[k] = &rows[k][i];
    }
    for (int64_t k = 0; k < w->d; ++k) {
        scratch->columns[k] = block->state[k] + i;
        scratch->columns[w->d + k] = block->previous ? (double *)block->previous[k] + i : NULL;
    }
    one.state = scratch->columns;
    one.previous = block->previous ? (const double *const *)(scratch->columns + w->d) : NULL;
    one.log_weight = block->log_weight ? block->log_weight + i : NULL;
    if (model->prepare) {
        memset(scratch->cache, 0, (size_t)model->cache_size);
        const int status = model->prepare(model->ctx, theta, scratch->cache);
        if (status)
            return status;
        one.cache = scratch->cache;
    }
    mote_source at = *source;
    at.first = one.first;
    return call(model, &one, &at);
}

/* One that no other thread holds: there are as many as threads. */
static mote_perturbed_scratch *take_scratch(mote_perturbed *w)
{
    int64_t k = 0;
    while (atomic_flag_test_and_set(&w->scratch[k].taken))
        k = (k + 1) % w->threads;
    return &w->scratch[k];
}

static int one_by_one(mote_perturbed *w, const mote_block *block, mote_source *source, callback *call)
{
    mote_perturbed_scratch *scratch = take_scratch(w);
    int status = MOTE_OK;
    for (int64_t i = 0; i < block->n && !status; ++i)
        status = call_one(w, scratch, block, source, call, i);
    atomic_flag_clear(&scratch->taken);
    return status;
}

static int call_inner(mote_perturbed *w, const mote_block *block, mote_source *source, callback *call)
{
    const mote_ssm *model = &w->inner->model;
    mote_block inner = *block;
    if (model->prepare || model->flags & MOTE_SSM_ROW_PARAMETERS)
        return one_by_one(w, block, source, call);
    inner.parameter = (const double *const *)(block->state + w->d + w->p);
    inner.parameter_stride = 1;
    return call(model, &inner, source);
}

/* ---- steps of the parameters ---- */

/* y = base + size z; theta follows. `base` of particle i stands at base[k] + i * stride. `first`: with the initial law,
 * which a transition may follow within step 0 (MOTE_SSM_START_BEFORE). */
static int perturb(mote_perturbed *w, const mote_block *block, mote_source *source, const double *const *base,
                   int64_t stride, int first)
{
    const double factor = w->factor * mote_exp(w->log_cooling_per_time * (double)block->step);
    double y[MOST_PARAMETERS], theta[MOST_PARAMETERS], log_jacobian;
    for (int64_t k = 0; k < w->p; ++k) {
        double *to = block->state[w->d + k];
        const double size = !first && w->first_only[k] ? 0 : factor * w->size[k];
        mote_normals(source, to, block->n);
        for (int64_t i = 0; i < block->n; ++i)
            to[i] = base[k][i * stride] + size * to[i];
    }
    for (int64_t i = 0; i < block->n; ++i) {
        for (int64_t k = 0; k < w->p; ++k)
            y[k] = block->state[w->d + k][i];
        const int status = mote_space_constrain(&w->inner->space, y, theta, &log_jacobian);
        if (status)
            return status;
        for (int64_t k = 0; k < w->q; ++k)
            block->state[w->d + w->p + k][i] = theta[k];
    }
    return MOTE_OK;
}

static int perturbed_initial(void *ctx, const mote_block *block, mote_source *source)
{
    mote_perturbed *w = ctx;
    const double *base[MOST_PARAMETERS];
    for (int64_t k = 0; k < w->p; ++k)
        base[k] = w->start + block->first * w->p + k;
    const int status = perturb(w, block, source, base, w->p, 1);
    return status ? status : call_inner(w, block, source, call_initial);
}

static int perturbed_transition(void *ctx, const mote_block *block, mote_source *source)
{
    mote_perturbed *w = ctx;
    const int status = perturb(w, block, source, block->previous + w->d, 1, 0);
    return status ? status : call_inner(w, block, source, call_transition);
}

static int perturbed_log_potential(void *ctx, const mote_block *block)
{
    mote_source none = { 0 };
    return call_inner(ctx, block, &none, call_log_potential);
}

/* ---- life ---- */

static int allocate(mote_perturbed *w)
{
    const int64_t columns = w->d + w->p + w->q;
    w->names = mote_memory_allocate(w->memory, columns, sizeof *w->names);
    w->texts = mote_memory_allocate(w->memory, columns, NAME_SIZE);
    w->scratch = mote_memory_allocate(w->memory, w->threads, sizeof *w->scratch);
    if (!w->names || !w->texts || !w->scratch)
        return MOTE_ENOMEM;
    for (int64_t k = 0; k < w->threads; ++k) {
        mote_perturbed_scratch *scratch = &w->scratch[k];
        atomic_flag_clear(&scratch->taken);
        scratch->parameter = mote_memory_allocate(w->memory, w->q, sizeof *scratch->parameter);
        scratch->columns = mote_memory_allocate(w->memory, 2 * w->d, sizeof *scratch->columns);
        scratch->cache = mote_memory_allocate_aligned(w->memory, w->inner->model.cache_size, 1);
        if (!scratch->parameter || !scratch->columns || !scratch->cache)
            return MOTE_ENOMEM;
    }
    for (int64_t k = 0; k < columns; ++k) {
        snprintf(w->texts + k * NAME_SIZE, NAME_SIZE, "%s_%d", k < w->d ? "x" : k < w->d + w->p ? "y" : "theta",
                 (int)k);
        w->names[k] = w->texts + k * NAME_SIZE;
    }
    return MOTE_OK;
}

int mote_perturbed_open(mote_perturbed *w, const mote_state_space *inner, int64_t threads, const mote_memory *memory)
{
    const mote_ssm *from = &inner->model;
    *w = (mote_perturbed){ .inner = inner, .memory = memory, .d = from->state_count, .p = inner->space.dimension,
                           .q = inner->space.theta_count, .factor = 1, .threads = threads };
    if (w->q > MOST_PARAMETERS)
        return MOTE_EUNSUPPORTED;
    if (allocate(w)) {
        mote_perturbed_close(w);
        return MOTE_ENOMEM;
    }
    w->model = (mote_ssm){ .head = MOTE_VERSIONED(mote_ssm), .states = w->names, .state_count = w->d + w->p + w->q,
                           .observations = from->observations, .observation_count = from->observation_count,
                           .inputs = from->inputs, .input_count = from->input_count, .initial_time = from->initial_time,
                           .initial = perturbed_initial, .transition = perturbed_transition,
                           .log_potential = perturbed_log_potential, .series = from->series, .ctx = w,
                           .name = from->name,
                           .flags = from->flags & (MOTE_SSM_START_BEFORE | MOTE_SSM_THREADSAFE) };
    return MOTE_OK;
}

void mote_perturbed_close(mote_perturbed *w)
{
    if (!w->memory)
        return;
    for (int64_t k = 0; w->scratch && k < w->threads; ++k) {
        mote_memory_release(w->memory, (void *)w->scratch[k].parameter);
        mote_memory_release(w->memory, w->scratch[k].columns);
        mote_memory_release_aligned(w->memory, w->scratch[k].cache);
    }
    mote_memory_release(w->memory, w->scratch);
    mote_memory_release(w->memory, (void *)w->names);
    mote_memory_release(w->memory, w->texts);
    memset(w, 0, sizeof *w);
}
