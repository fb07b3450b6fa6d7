/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forward filtering, backward simulation: J_T from the final weights (systematic: every particle the right number of
 * times up to one), then J_t from W_t^J m(x_t^J, x_{t+1}) for each trajectory (Godsill, Doucet and West 2004). Given
 * the filter, the mean over trajectories has the estimate of `ffbsm` as its expectation. */
#include <math.h>
#include <string.h>

#include "smc/columns.h"
#include "smc/moments.h"
#include "smc/smoother.h"

static int trajectories_open(mote_smoother_state *s)
{
    const mote_smoother_options *o = s->options;
    const mote_backward_setup setup = { o->backward, 1, o->backward_trials, o->backward_steps };
    s->m = o->trajectories;
    const int64_t most = s->m > s->n ? s->m : s->n;
    int status = mote_backward_open(&s->backward, &s->stream.space, &setup, s->n, s->memory, s->stream.pool,
                                    s->message);
    if (!status)
        status = mote_resampler_open(&s->resampler, MOTE_RESAMPLE_SYSTEMATIC, most, s->memory, NULL, s->message);
    s->index = mote_memory_allocate(s->memory, most + MOTE_BLOCK, sizeof *s->index);
    s->parent = mote_memory_allocate(s->memory, most + MOTE_BLOCK, sizeof *s->parent);
    s->start = mote_memory_allocate(s->memory, most, sizeof *s->start);
    s->column = mote_block_columns_open(s->memory, 1, s->n);
    s->path_value = mote_block_columns_open(s->memory, s->p, s->m);
    return status || (s->index && s->parent && s->start && s->column && s->path_value) ? status : MOTE_ENOMEM;
}

static int trajectories_reserve(mote_smoother_state *s)
{
    s->path = mote_block_columns_open(s->memory, s->count * s->d, s->m);
    return s->path ? MOTE_OK : MOTE_ENOMEM;
}

static int draw_last(mote_smoother_state *s, const mote_generation *g)
{
    mote_source source = mote_source_at(&s->source, MOTE_PURPOSE_RESAMPLE, (uint32_t)g->step, 0);
    mote_normalise(s->column[0], g->log_weight, s->n);
    const mote_block_weights weights = { s->column[0], NULL, s->n, 0 };
    const int status = mote_resample(&s->resampler, &source, &weights, s->m, s->index);
    for (int64_t k = 0; k < s->p; ++k)
        memset(s->path_value[k], 0, (size_t)s->m * sizeof(double));
    return status ? status : mote_source_status(&source);
}

static int draw_before(mote_smoother_state *s, const mote_generation *g, const mote_generation *later, int64_t t)
{
    const mote_block block = mote_generation_block(later, &s->filter, 0, s->m);
    const mote_parents parents = { s->n, (const double *const *)g->state, g->log_weight };
    const mote_children children = { s->m, 0, (const double *const *)(s->path + (t + 1) * s->d), s->start };
    const mote_backward_info before = s->backward.info;
    for (int64_t i = 0; i < s->m; ++i)
        s->start[i] = later->ancestor[s->index[i]];
    const int status = mote_backward_draw(&s->backward, &block, &parents, &children, &s->source, s->parent);
    int32_t *other = s->index;
    s->index = s->parent;
    s->parent = other;
    s->ledger->backward_draws += s->backward.info.draws - before.draws;
    s->ledger->backward_trials += s->backward.info.trials - before.trials;
    s->ledger->backward_fallbacks += s->backward.info.fallbacks - before.fallbacks;
    s->ledger->transition_densities += s->backward.info.densities - before.densities;
    return status;
}

static int trajectories_smooth(mote_smoother_state *s, int64_t t)
{
    const mote_generation *g = mote_history_generation(&s->history, t);
    const mote_generation *later = mote_history_generation(&s->history, t + 1);
    double **here = s->path + t * s->d;
    int status = later ? draw_before(s, g, later, t) : draw_last(s, g);
    for (int64_t k = 0; k < s->d && !status; ++k)
        for (int64_t i = 0; i < s->m; ++i)
            here[k][i] = g->state[k][s->index[i]];
    if (!status && later)
        status = mote_smoother_add_terms(s, t + 1, s->m, (const double *const *)here, here + s->d, NULL, s->path_value);
    if (!status && t == 0)
        status = mote_smoother_add_terms(s, 0, s->m, NULL, here, NULL, s->path_value);
    if (!status)
        mote_smoother_set_row(s, t, (const double *const *)here, NULL, NULL, s->m);
    return status;
}

static void trajectories_save(const mote_smoother_state *s, mote_writer *writer)
{
    mote_put_indices(writer, s->index, s->m);
    for (int64_t k = 0; k < s->p; ++k)
        mote_put_reals(writer, s->path_value[k], s->m);
    for (int64_t c = (s->at + 1) * s->d; c < s->count * s->d; ++c)
        mote_put_reals(writer, s->path[c], s->m);
}

static void trajectories_load(mote_smoother_state *s, mote_reader *reader)
{
    mote_get_indices(reader, s->index, s->m, s->n);
    for (int64_t k = 0; k < s->p; ++k)
        mote_get_reals(reader, s->path_value[k], s->m);
    for (int64_t c = (s->at + 1) * s->d; c < s->count * s->d; ++c)
        mote_get_reals(reader, s->path[c], s->m);
}

static void trajectories_close(mote_smoother_state *s)
{
    mote_backward_close(&s->backward);
    mote_resampler_close(&s->resampler);
    mote_block_columns_close(s->memory, s->path);
    mote_block_columns_close(s->memory, s->path_value);
    mote_block_columns_close(s->memory, s->column);
    mote_memory_release(s->memory, s->index);
    mote_memory_release(s->memory, s->parent);
    mote_memory_release(s->memory, s->start);
}

const mote_smoother_table mote_smoother_trajectories = {
    .name = "ffbsi",
    .open = trajectories_open,
    .reserve = trajectories_reserve,
    .smooth = trajectories_smooth,
    .save = trajectories_save,
    .load = trajectories_load,
    .close = trajectories_close,
};
