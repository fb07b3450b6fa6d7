/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Smoothers that weigh the filter's particles anew, with sums over all pairs (cost N^2 per time).
 *
 * ffbsm (Doucet, Godsill and Andrieu 2000): with norm_j = sum_i W_t^i m(x_t^i, x_{t+1}^j),
 *     W_{t|T}^i = W_t^i sum_j W_{t+1|T}^j m(x_t^i, x_{t+1}^j) / norm_j
 * two_filter (Briers, Doucet and Maskell 2010), with particles x~ of the backward information filter:
 *     W_{t|T}^i proportional to W_t^i sum_j W~_{t+1}^j m(x_t^i, x~_{t+1}^j) / gamma_{t+1}(x~_{t+1}^j)
 * Both: E[h_{t+1}(x_t, x_{t+1})] with the same terms. */
#include <math.h>
#include <string.h>

#include "smc/columns.h"
#include "smc/moments.h"
#include "smc/smoother.h"

enum { LOG_SUM, NORM, TERMS, COLUMNS };

static int marginal_open(mote_smoother_state *s)
{
    int status = mote_state_space_needs(&s->stream.space, MOTE_CAPABILITY_LOG_TRANSITION, "option method = ffbsm",
                                        s->message);
    if (!status)
        status = mote_pairs_open(&s->pairs, &s->stream.space, s->functional, s->p, s->memory, s->stream.pool,
                                 s->message);
    s->column = mote_block_columns_open(s->memory, COLUMNS, s->n);
    s->mean = mote_block_columns_open(s->memory, s->p, s->n);
    return status || (s->column && s->mean) ? status : MOTE_ENOMEM;
}

static int marginal_reserve(mote_smoother_state *s)
{
    s->weight = mote_block_columns_open(s->memory, s->count, s->n);
    return s->weight ? MOTE_OK : MOTE_ENOMEM;
}

/* Weights of time t from log_sum, and the terms of the functional, whose means are in s->mean. */
static int conclude(mote_smoother_state *s, const mote_generation *g, int64_t t)
{
    double *log_sum = s->column[LOG_SUM], *weight = s->weight[t];
    int status = MOTE_OK;
    for (int64_t i = 0; i < s->n; ++i)
        log_sum[i] += g->log_weight[i];
    if (mote_normalise(weight, log_sum, s->n) == -INFINITY)
        return mote_fail(s->message, MOTE_ENUMERIC, "smoothing at step %lld (time %g): no particle of the filter leads "
                         "to a later one", (long long)t, g->datum.time);
    for (int64_t k = 0; k < s->p; ++k)
        s->now.value[k] += mote_weighted_sum(weight, s->mean[k], s->n);
    if (t == 0)
        status = mote_smoother_add_terms(s, 0, s->n, NULL, g->state, weight, NULL);
    mote_smoother_set_row(s, t, (const double *const *)g->state, weight, NULL, s->n);
    return status;
}

/* The last time: filtered and smoothed are the same. */
static int last(mote_smoother_state *s, const mote_generation *g, int64_t t)
{
    mote_normalise(s->weight[t], g->log_weight, s->n);
    mote_smoother_set_row(s, t, (const double *const *)g->state, s->weight[t], NULL, s->n);
    return t ? MOTE_OK : mote_smoother_add_terms(s, 0, s->n, NULL, g->state, s->weight[t], NULL);
}

static int sum_pairs(mote_smoother_state *s, const mote_generation *g, const mote_generation *later,
                     const mote_pair_side *columns)
{
    const mote_block block = mote_generation_block(later, &s->filter, 0, s->n);
    const mote_pair_side rows = { s->n, (const double *const *)g->state, g->log_weight };
    const int64_t before = s->pairs.densities;
    const int status = mote_pairs_sum(&s->pairs, &block, &rows, columns, 1, s->column[LOG_SUM], s->p ? s->mean : NULL);
    s->ledger->transition_densities += s->pairs.densities - before;
    return status;
}

static int marginal_smooth(mote_smoother_state *s, int64_t t)
{
    const mote_generation *g = mote_history_generation(&s->history, t);
    const mote_generation *later = mote_history_generation(&s->history, t + 1);
    if (!later)
        return last(s, g, t);
    const mote_block block = mote_generation_block(later, &s->filter, 0, s->n);
    const mote_pair_side children = { s->n, (const double *const *)later->state, s->column[TERMS] };
    const mote_pair_side parents = { s->n, (const double *const *)g->state, g->log_weight };
    int status = mote_pairs_sum(&s->pairs, &block, &children, &parents, 0, s->column[NORM], NULL);
    for (int64_t j = 0; j < s->n; ++j)
        s->column[TERMS][j] = s->weight[t + 1][j] > 0 ? log(s->weight[t + 1][j]) - s->column[NORM][j] : -INFINITY;
    if (!status)
        status = sum_pairs(s, g, later, &children);
    return status ? status : conclude(s, g, t);
}

static void marginal_save(const mote_smoother_state *s, mote_writer *writer)
{
    for (int64_t t = s->at + 1; t < s->count; ++t)
        mote_put_reals(writer, s->weight[t], s->n);
}

static void marginal_load(mote_smoother_state *s, mote_reader *reader)
{
    for (int64_t t = s->at + 1; t < s->count; ++t)
        mote_get_reals(reader, s->weight[t], s->n);
}

static void marginal_close(mote_smoother_state *s)
{
    mote_pairs_close(&s->pairs);
    mote_block_columns_close(s->memory, s->column);
    mote_block_columns_close(s->memory, s->mean);
    mote_block_columns_close(s->memory, s->weight);
}

const mote_smoother_table mote_smoother_marginal = {
    .name = "ffbsm",
    .open = marginal_open,
    .reserve = marginal_reserve,
    .smooth = marginal_smooth,
    .save = marginal_save,
    .load = marginal_load,
    .close = marginal_close,
};

/* ---- two filters ---- */

static int two_filter_open(mote_smoother_state *s)
{
    const int status = mote_information_open(&s->information, &s->filter, s->memory);
    return status ? status : marginal_open(s);
}

/* The information filter stands at t + 1; after this at t. */
static int two_filter_smooth(mote_smoother_state *s, int64_t t)
{
    const mote_generation *g = mote_history_generation(&s->history, t);
    const mote_generation *later = mote_history_generation(&s->history, t + 1);
    mote_information *information = &s->information;
    int status = MOTE_OK;
    if (later) {
        const mote_pair_side columns = { s->n, (const double *const *)information->state, s->column[TERMS] };
        for (int64_t j = 0; j < s->n; ++j)
            s->column[TERMS][j] = information->log_weight[j] - information->log_artificial[j];
        status = sum_pairs(s, g, later, &columns);
    }
    if (!status)
        status = later ? conclude(s, g, t) : last(s, g, t);
    return status || t == 0 ? status : mote_information_step(information, g, later, &s->source);
}

static void two_filter_save(const mote_smoother_state *s, mote_writer *writer)
{
    marginal_save(s, writer);
    if (s->at + 1 < s->count)
        mote_information_save(&s->information, writer);
}

static void two_filter_load(mote_smoother_state *s, mote_reader *reader)
{
    marginal_load(s, reader);
    if (s->at + 1 < s->count)
        mote_information_load(&s->information, reader);
}

static void two_filter_close(mote_smoother_state *s)
{
    marginal_close(s);
    mote_information_close(&s->information, s->memory);
}

const mote_smoother_table mote_smoother_two_filter = {
    .name = "two_filter",
    .open = two_filter_open,
    .reserve = marginal_reserve,
    .smooth = two_filter_smooth,
    .save = two_filter_save,
    .load = two_filter_load,
    .close = two_filter_close,
};
