/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/rao_blackwell.h"

#include <math.h>
#include <mote/kalman.h>
#include <stdio.h>
#include <string.h>

enum { MOST = MOTE_LINEAR_MOST, NAME_SIZE = 32, SCRATCH = 16 * (MOST + 1) * (MOST + 1) };

struct mote_rao_blackwell {
    mote_ssm inner;
    int64_t own, k, m;      /* states of the model, of the linear part; observations */
    const char **names;
    char *texts;
};

/* ---- moments of one particle, between columns and matrices ---- */

typedef struct moments {
    double mean[MOST], covariance[MOST * MOST];
} moments;

static void gather(const mote_rao_blackwell *w, const double *const *column, int64_t i, moments *z)
{
    const double *const *at = column + w->own;
    for (int64_t a = 0; a < w->k; ++a)
        z->mean[a] = at[a][i];
    at += w->k;
    for (int64_t a = 0; a < w->k; ++a)
        for (int64_t b = 0; b <= a; ++b, ++at)
            z->covariance[a * w->k + b] = z->covariance[b * w->k + a] = (*at)[i];
}

static void scatter(const mote_rao_blackwell *w, double *const *column, int64_t i, const moments *z)
{
    double *const *at = column + w->own;
    for (int64_t a = 0; a < w->k; ++a)
        at[a][i] = z->mean[a];
    at += w->k;
    for (int64_t a = 0; a < w->k; ++a)
        for (int64_t b = 0; b <= a; ++b, ++at)
            (*at)[i] = z->covariance[a * w->k + b];
}

/* ---- the model's matrices ---- */

typedef struct matrices {
    double transition[MOST * MOST], transition_offset[MOST], transition_covariance[MOST * MOST];
    double observation[MOST * MOST], observation_offset[MOST], observation_covariance[MOST * MOST];
} matrices;

static int ask(const mote_rao_blackwell *w, const mote_block *block, int64_t i, matrices *at, mote_kalman_matrices *out)
{
    const int64_t k = w->k, m = w->m;
    const mote_linear_part part = { MOTE_VERSIONED(mote_linear_part), at->transition, at->transition_offset,
                                    at->transition_covariance, at->observation, at->observation_offset,
                                    at->observation_covariance };
    memset(at, 0, sizeof *at);
    for (int64_t a = 0; a < k; ++a)
        at->transition[a * k + a] = 1;
    const int status = w->inner.linear_system(w->inner.ctx, block, i, &part);
    *out = (mote_kalman_matrices){ { at->transition, k, k }, { at->transition_offset, k, 1 },
                                   { at->transition_covariance, k, k }, { at->observation, m, k },
                                   { at->observation_offset, m, 1 }, { at->observation_covariance, m, m } };
    return status;
}

static mote_kalman_batch one(const mote_rao_blackwell *w, moments *z, double *scratch)
{
    return (mote_kalman_batch){ MOTE_VERSIONED(mote_kalman_batch), w->k, w->m, 1, z->mean, w->k, z->covariance,
                                w->k * w->k, scratch };
}

/* ---- callbacks ---- */

static int first(void *ctx, const mote_block *block, mote_source *source)
{
    const mote_rao_blackwell *w = ctx;
    moments z;
    int status = w->inner.initial(w->inner.ctx, block, source);
    for (int64_t i = 0; i < block->n && !status; ++i) {
        memset(&z, 0, sizeof z);
        status = w->inner.linear_initial(w->inner.ctx, block, i, z.mean, z.covariance);
        scatter(w, block->state, i, &z);
    }
    return status;
}

static int predict(const mote_rao_blackwell *w, const mote_block *block)
{
    double scratch[SCRATCH];
    mote_kalman_matrices system;
    matrices at;
    moments z;
    int status = 0;
    for (int64_t i = 0; i < block->n && !status; ++i) {
        status = ask(w, block, i, &at, &system);
        if (status)
            break;
        gather(w, block->previous, i, &z);
        const mote_kalman_batch batch = one(w, &z, scratch);
        status = mote_kalman_predict(&batch, &system);
        scatter(w, block->state, i, &z);
    }
    return status;
}

static int next(void *ctx, const mote_block *block, mote_source *source)
{
    const mote_rao_blackwell *w = ctx;
    const int status = w->inner.transition(w->inner.ctx, block, source);
    return status ? status : predict(w, block);
}

/* A predictive law that is not positive definite gives NaN: the filter names the particle. */
static int update(const mote_rao_blackwell *w, const mote_block *block)
{
    double scratch[SCRATCH], density;
    mote_kalman_matrices system;
    matrices at;
    moments z;
    for (int64_t i = 0; i < block->n; ++i) {
        const int status = ask(w, block, i, &at, &system);
        if (status)
            return status;
        gather(w, (const double *const *)block->state, i, &z);
        const mote_kalman_batch batch = one(w, &z, scratch);
        block->log_weight[i] += mote_kalman_update(&batch, &system, block->observation, &density) ? NAN : density;
        scatter(w, block->state, i, &z);
    }
    return 0;
}

static int potential(void *ctx, const mote_block *block)
{
    const mote_rao_blackwell *w = ctx;
    int status = 0;
    if (w->inner.log_potential)
        status = w->inner.log_potential(w->inner.ctx, block);
    else
        memset(block->log_weight, 0, (size_t)block->n * sizeof(double));
    return status ? status : update(w, block);
}

static int prepare(void *ctx, const double *theta, void *cache)
{
    const mote_rao_blackwell *w = ctx;
    return w->inner.prepare(w->inner.ctx, theta, cache);
}

static int look_ahead(void *ctx, const mote_block *block)
{
    const mote_rao_blackwell *w = ctx;
    return w->inner.look_ahead(w->inner.ctx, block);
}

static int sample_observation(void *ctx, const mote_block *block, mote_source *source, double *const *value)
{
    const mote_rao_blackwell *w = ctx;
    return w->inner.sample_observation(w->inner.ctx, block, source, value);
}

/* ---- life ---- */

static int check(const mote_ssm *model, mote_message *message)
{
    const char *name = model->name ? model->name : "model";
    if (model->linear_count < 0 || model->linear_count > MOST)
        return mote_fail(message, MOTE_EINVAL, "the model '%s': linear_count = %lld is not between 1 and %d", name,
                         (long long)model->linear_count, MOST);
    if (!model->linear_initial || !model->linear_system)
        return mote_fail(message, MOTE_EINVAL, "the model '%s' has linear_count, but lacks %s", name,
                         model->linear_initial ? "linear_system" : "linear_initial");
    if (model->fork)
        return mote_fail(message, MOTE_EINVAL, "the model '%s' has both a linear part and opaque states (fork)", name);
    if (model->observation_count < 1 || model->observation_count > MOST)
        return mote_fail(message, MOTE_EINVAL, "the model '%s' has a linear part and %lld observations: 1 to %d can be "
                                               "had", name,
                         (long long)model->observation_count, MOST);
    return MOTE_OK;
}

static int make_names(mote_rao_blackwell *w, const mote_memory *memory)
{
    const int64_t all = w->own + w->k + w->k * (w->k + 1) / 2;
    w->names = mote_memory_allocate(memory, all, sizeof *w->names);
    w->texts = mote_memory_allocate(memory, all - w->own, NAME_SIZE);
    if (!w->names || !w->texts)
        return MOTE_ENOMEM;
    char *text = w->texts;
    int64_t at = 0;
    for (; at < w->own; ++at)
        w->names[at] = w->inner.states[at];
    for (int64_t a = 0; a < w->k; ++a, text += NAME_SIZE) {
        snprintf(text, NAME_SIZE, "linear_mean_%lld", (long long)a);
        w->names[at++] = text;
    }
    for (int64_t a = 0; a < w->k; ++a)
        for (int64_t b = 0; b <= a; ++b, text += NAME_SIZE) {
            snprintf(text, NAME_SIZE, "linear_covariance_%d_%d", (int)a, (int)b);
            w->names[at++] = text;
        }
    return MOTE_OK;
}

int mote_rao_blackwell_open(mote_rao_blackwell **wrapper, mote_ssm *model, const mote_memory *memory,
                            mote_message *message)
{
    int status = check(model, message);
    if (status)
        return status;
    mote_rao_blackwell *w = *wrapper = mote_memory_allocate(memory, 1, sizeof *w);
    if (!w)
        return MOTE_ENOMEM;
    w->inner = *model;
    w->own = model->state_count;
    w->k = model->linear_count;
    w->m = model->observation_count;
    if (make_names(w, memory))
        return MOTE_ENOMEM;
    mote_ssm whole = { .head = model->head, .parameters = model->parameters, .parameter_count = model->parameter_count,
                       .parameter_size = model->parameter_size, .states = w->names,
                       .state_count = w->own + w->k + w->k * (w->k + 1) / 2, .observations = model->observations,
                       .observation_count = model->observation_count, .inputs = model->inputs,
                       .input_count = model->input_count,
                       .initial_time = model->initial_time, .initial = first, .transition = next,
                       .log_potential = potential,
                       .prepare = model->prepare ? prepare : NULL, .cache_size = model->cache_size,
                       .look_ahead = model->look_ahead ? look_ahead : NULL,
                       .sample_observation = model->sample_observation ? sample_observation : NULL,
                       .series = model->series,
                       .ctx = w, .name = model->name, .identity = model->identity, .flags = model->flags,
                       .plugin = model->plugin, .linear_count = model->linear_count };
    *model = whole;
    return MOTE_OK;
}

void mote_rao_blackwell_close(mote_rao_blackwell **wrapper, const mote_memory *memory)
{
    if (!*wrapper)
        return;
    mote_memory_release(memory, (void *)(*wrapper)->names);
    mote_memory_release(memory, (*wrapper)->texts);
    mote_memory_release(memory, *wrapper);
    *wrapper = NULL;
}
