/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two-filter smoothing in time proportional to the particles: pairs (x_t^i, x~_{t+1}^j) are drawn, i with probability
 * beta_i proportional to W_t^i, times the model's look-ahead to t + 1 when it has one, j with probability W~_{t+1}^j,
 * independently, and weighed by
 *
 *     (W_t^i / beta_i) m(x_t^i, x~_{t+1}^j) / gamma_{t+1}(x~_{t+1}^j)
 *
 * (after Fearnhead, Wyncoll and Tawn 2010). Where m is narrow against both clouds few pairs have weight. Known answer:
 * tests/smc/test_smoother_law.c, the law of the pairs and their weights over every outcome of a run. */
#include <math.h>
#include <string.h>

#include "smc/columns.h"
#include "smc/moments.h"
#include "smc/smoother.h"

static double **numbers(const mote_smoother_state *s) /* behind x_t and x_{t+1} */
{
    return s->column + 2 * s->d;
}

enum { PROPOSAL, AHEAD, LOG_WEIGHT, WEIGHT, EXTRA, NUMBERS };

static int pairs_open(mote_smoother_state *s)
{
    s->m = s->options->pairs ? s->options->pairs : s->n;
    const int64_t most = s->m > s->n ? s->m : s->n;
    int status = mote_information_open(&s->information, &s->filter, s->memory);
    if (!status)
        status = mote_resampler_open(&s->resampler, MOTE_RESAMPLE_SYSTEMATIC, most, s->memory, NULL, s->message);
    if (!status)
        status = mote_alias_open(&s->alias, s->n, s->memory);
    s->index = mote_memory_allocate(s->memory, most + MOTE_BLOCK, sizeof *s->index);
    s->parent = mote_memory_allocate(s->memory, s->m, sizeof *s->parent);
    s->column = mote_block_columns_open(s->memory, 2 * s->d + NUMBERS, most);
    return status || (s->index && s->parent && s->column) ? status : MOTE_ENOMEM;
}

/* log beta of all particles of g, and beta itself. */
static int weigh_earlier(mote_smoother_state *s, const mote_generation *g, const mote_generation *later)
{
    const mote_ssm *model = &s->stream.space.model;
    double *ahead = numbers(s)[AHEAD], *proposal = numbers(s)[PROPOSAL];
    int status = MOTE_OK;
    for (int64_t first = 0; first < s->n && !status; first += MOTE_BLOCK) {
        mote_block block = mote_generation_block(later, &s->filter, first, s->n - first < MOTE_BLOCK ? s->n - first
                                                 : MOTE_BLOCK);
        for (int64_t k = 0; k < s->d; ++k)
            s->previous[k] = g->state[k] + first;
        block.previous = s->previous;
        block.log_weight = ahead + first;
        for (int64_t i = 0; i < block.n; ++i)
            ahead[first + i] = 0;
        if (model->look_ahead && later->datum.any)
            status = model->look_ahead(model->ctx, &block);
    }
    for (int64_t i = 0; i < s->n; ++i)
        proposal[i] = g->log_weight[i] + ahead[i];
    if (!status && mote_normalise(proposal, proposal, s->n) == -INFINITY)
        status = MOTE_ENUMERIC;
    return status > 0 && status != MOTE_ENUMERIC ? MOTE_EMODEL : status;
}

static int draw_pairs(mote_smoother_state *s, const mote_generation *g)
{
    mote_source source = mote_source_at(&s->source, MOTE_PURPOSE_PAIR, (uint32_t)g->step, 0);
    const mote_block_weights weights = { numbers(s)[PROPOSAL], NULL, s->n, 0 };
    int status = mote_resample(&s->resampler, &source, &weights, s->m, s->index);
    if (!status)
        status = mote_alias_build(&s->alias, s->information.weight, s->n);
    for (int64_t i = 0; i < s->m && !status; ++i)
        s->parent[i] = (int32_t)mote_alias_draw(&s->alias, &source);
    for (int64_t k = 0; k < s->d && !status; ++k)
        for (int64_t i = 0; i < s->m; ++i) {
            s->column[k][i] = g->state[k][s->index[i]];
            s->column[s->d + k][i] = s->information.state[k][s->parent[i]];
        }
    return status ? status : mote_source_status(&source);
}

static int weigh_pairs(mote_smoother_state *s, const mote_generation *later)
{
    double *log_weight = numbers(s)[LOG_WEIGHT];
    int status = MOTE_OK;
    for (int64_t first = 0; first < s->m && !status; first += MOTE_BLOCK) {
        const int64_t count = s->m - first < MOTE_BLOCK ? s->m - first : MOTE_BLOCK;
        const mote_block block = mote_generation_block(later, &s->filter, 0, count);
        for (int64_t k = 0; k < s->d; ++k) {
            s->previous[k] = s->column[k] + first;
            s->state[k] = s->column[s->d + k] + first;
        }
        status = mote_backward_log_density(&s->stream.space, &block, count, s->previous, s->state, log_weight + first,
                                           numbers(s)[EXTRA]);
    }
    for (int64_t i = 0; i < s->m && !status; ++i) {
        log_weight[i] -= numbers(s)[AHEAD][s->index[i]] + s->information.log_artificial[s->parent[i]];
        status = log_weight[i] < INFINITY ? MOTE_OK : MOTE_EMODEL;
    }
    s->ledger->transition_densities += s->m;
    if (!status && mote_normalise(numbers(s)[WEIGHT], log_weight, s->m) == -INFINITY)
        status = MOTE_ENUMERIC;
    return status > 0 && status != MOTE_ENUMERIC ? MOTE_EMODEL : status;
}

static int last(mote_smoother_state *s, const mote_generation *g, int64_t t)
{
    mote_normalise(numbers(s)[WEIGHT], g->log_weight, s->n);
    mote_smoother_set_row(s, t, (const double *const *)g->state, numbers(s)[WEIGHT], NULL, s->n);
    return t ? MOTE_OK : mote_smoother_add_terms(s, 0, s->n, NULL, g->state, numbers(s)[WEIGHT], NULL);
}

static int sum_pairs(mote_smoother_state *s, const mote_generation *g, const mote_generation *later, int64_t t)
{
    const double *const *previous = (const double *const *)s->column;
    int status = weigh_earlier(s, g, later);
    if (!status)
        status = draw_pairs(s, g);
    if (!status)
        status = weigh_pairs(s, later);
    if (status == MOTE_ENUMERIC)
        return mote_fail(s->message, status, "two filters meet between steps %lld and %lld in no pair that was drawn: "
                         "take more pairs, or method = two_filter", (long long)t, (long long)t + 1);
    if (status == MOTE_EMODEL)
        return mote_fail(s->message, status, "the model '%s' at step %lld: log_transition is not a number below "
                         "infinity, or a callback returned a code above 0",
                         mote_state_space_name(&s->stream.space), (long long)t + 1);
    if (!status)
        status = mote_smoother_add_terms(s, t + 1, s->m, previous, s->column + s->d, numbers(s)[WEIGHT], NULL);
    if (!status && t == 0)
        status = mote_smoother_add_terms(s, 0, s->m, NULL, s->column, numbers(s)[WEIGHT], NULL);
    if (!status)
        mote_smoother_set_row(s, t, previous, numbers(s)[WEIGHT], NULL, s->m);
    return status;
}

static int pairs_smooth(mote_smoother_state *s, int64_t t)
{
    const mote_generation *g = mote_history_generation(&s->history, t);
    const mote_generation *later = mote_history_generation(&s->history, t + 1);
    const int status = later ? sum_pairs(s, g, later, t) : last(s, g, t);
    return status || t == 0 ? status : mote_information_step(&s->information, g, later, &s->source);
}

static void pairs_save(const mote_smoother_state *s, mote_writer *writer)
{
    if (s->at + 1 < s->count)
        mote_information_save(&s->information, writer);
}

static void pairs_load(mote_smoother_state *s, mote_reader *reader)
{
    if (s->at + 1 < s->count)
        mote_information_load(&s->information, reader);
}

static void pairs_close(mote_smoother_state *s)
{
    mote_information_close(&s->information, s->memory);
    mote_resampler_close(&s->resampler);
    mote_alias_close(&s->alias);
    mote_block_columns_close(s->memory, s->column);
    mote_memory_release(s->memory, s->index);
    mote_memory_release(s->memory, s->parent);
}

const mote_smoother_table mote_smoother_two_filter_linear = {
    .name = "two_filter_linear",
    .open = pairs_open,
    .smooth = pairs_smooth,
    .save = pairs_save,
    .load = pairs_load,
    .close = pairs_close,
};
