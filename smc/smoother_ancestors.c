/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Smoothing by ancestors: x_t of the ancestors of the particles of time u, by the weights W_u, u = min(t + lag, T)
 * (fixed lag; Kitagawa and Sato 2001) or u = T (genealogy). The pair (x_{t-1}, x_t) goes with time t. Errors are those
 * of a weighted mean over the particles of time u, with common ancestors looked for `variance_lag` resamplings before t
 * (smc/variance.h). */
#include <math.h>
#include <string.h>

#include "smc/columns.h"
#include "smc/moments.h"
#include "smc/smoother.h"

static int is_genealogy(const mote_smoother_state *s)
{
    return s->options->method == MOTE_SMOOTHER_GENEALOGY;
}

static double **numbers(const mote_smoother_state *s) /* behind x_{t-1} and x_t */
{
    return s->column + 2 * s->d;
}

enum { WEIGHT, BY_ANCESTOR, NUMBERS };

static int ancestors_open(mote_smoother_state *s)
{
    s->m = s->n;
    s->index = mote_memory_allocate(s->memory, s->n, sizeof *s->index);
    s->parent = mote_memory_allocate(s->memory, s->n, sizeof *s->parent);
    s->column = mote_block_columns_open(s->memory, 2 * s->d + NUMBERS, s->n);
    int missing = !s->index || !s->parent || !s->column;
    if (is_genealogy(s)) {
        missing |= !(s->path_value = mote_block_columns_open(s->memory, s->p, s->n));
        missing |= !(s->path_weight = mote_memory_allocate(s->memory, s->n, sizeof *s->path_weight));
    }
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

static int ancestors_reserve(mote_smoother_state *s)
{
    s->path = is_genealogy(s) ? mote_block_columns_open(s->memory, s->count * s->d, s->n) : NULL;
    return is_genealogy(s) && !s->path ? MOTE_ENOMEM : MOTE_OK;
}

static void go_back(const mote_smoother_state *s, const mote_generation *g, int32_t *index)
{
    for (int64_t i = 0; g->resampled && i < s->n; ++i)
        index[i] = g->ancestor[index[i]];
}

/* Ancestors at time t of the particles of time u, and the latter's weights. */
static void trace(mote_smoother_state *s, int64_t t)
{
    const int64_t lag = is_genealogy(s) ? s->count : s->options->smoothing_lag;
    const int64_t end = t + lag < s->count - 1 ? t + lag : s->count - 1;
    if (is_genealogy(s) && t < end) {
        go_back(s, mote_history_generation(&s->history, t + 1), s->index);
        return;
    }
    mote_normalise(numbers(s)[WEIGHT], mote_history_generation(&s->history, end)->log_weight, s->n);
    for (int64_t i = 0; i < s->n; ++i)
        s->index[i] = (int32_t)i;
    for (int64_t u = end; u > t; --u)
        go_back(s, mote_history_generation(&s->history, u), s->index);
}

static void gather(mote_smoother_state *s, const mote_generation *g, const int32_t *index, double **columns)
{
    for (int64_t k = 0; k < s->d; ++k)
        for (int64_t i = 0; i < s->n; ++i)
            columns[k][i] = g->state[k][index[i]];
}

/* Variance of the mean of a column, by common ancestors (s->parent); NaN when only one is left. */
static double variance_of(const mote_smoother_state *s, const double *column, double mean)
{
    const double *weight = numbers(s)[WEIGHT];
    double *sum = numbers(s)[BY_ANCESTOR], total = 0;
    int64_t ancestors = 0;
    memset(sum, 0, (size_t)s->n * sizeof *sum);
    for (int64_t i = 0; i < s->n; ++i)
        sum[s->parent[i]] += weight[i];
    for (int64_t e = 0; e < s->n; ++e)
        ancestors += sum[e] > 0;
    memset(sum, 0, (size_t)s->n * sizeof *sum);
    for (int64_t i = 0; i < s->n; ++i)
        sum[s->parent[i]] += weight[i] > 0 ? weight[i] * (column[i] - mean) : 0;
    for (int64_t e = 0; e < s->n; ++e)
        total += sum[e] * sum[e];
    return ancestors > 1 ? total : NAN;
}

static void set_errors(mote_smoother_state *s, int64_t t)
{
    int64_t events = 0;
    memcpy(s->parent, s->index, (size_t)s->n * sizeof *s->parent);
    for (int64_t u = t; u > 0 && events < s->options->variance_lag; --u) {
        const mote_generation *g = mote_history_generation(&s->history, u);
        go_back(s, g, s->parent);
        events += g->resampled;
    }
    for (int64_t k = 0; k < s->d && !s->filter.setup.quasi; ++k)
        s->now.error[t * s->d + k] = variance_of(s, s->column[s->d + k], s->now.mean[t * s->d + k]);
}

static int ancestors_smooth(mote_smoother_state *s, int64_t t)
{
    const mote_generation *g = mote_history_generation(&s->history, t);
    const double *const *previous = t ? (const double *const *)s->column : NULL;
    trace(s, t);
    for (int64_t k = 0; k < s->p && is_genealogy(s) && t == s->count - 1; ++k)
        memset(s->path_value[k], 0, (size_t)s->n * sizeof(double));
    gather(s, g, s->index, s->column + s->d);
    if (t) {
        memcpy(s->parent, s->index, (size_t)s->n * sizeof *s->parent);
        go_back(s, g, s->parent);
        gather(s, mote_history_generation(&s->history, t - 1), s->parent, s->column);
    }
    mote_smoother_set_row(s, t, (const double *const *)(s->column + s->d), numbers(s)[WEIGHT], NULL, s->n);
    const int status = mote_smoother_add_terms(s, t, s->n, previous, s->column + s->d, numbers(s)[WEIGHT],
                                               s->path_value);
    set_errors(s, t);
    for (int64_t k = 0; s->path && k < s->d; ++k)
        memcpy(s->path[t * s->d + k], s->column[s->d + k], (size_t)s->n * sizeof(double));
    if (s->path_weight)
        memcpy(s->path_weight, numbers(s)[WEIGHT], (size_t)s->n * sizeof(double));
    return status;
}

static void ancestors_save(const mote_smoother_state *s, mote_writer *writer)
{
    mote_put_indices(writer, s->index, s->n);
    mote_put_reals(writer, numbers(s)[WEIGHT], s->n);
    for (int64_t k = 0; s->path && k < s->p; ++k)
        mote_put_reals(writer, s->path_value[k], s->n);
    for (int64_t c = (s->at + 1) * s->d; s->path && c < s->count * s->d; ++c)
        mote_put_reals(writer, s->path[c], s->n);
}

static void ancestors_load(mote_smoother_state *s, mote_reader *reader)
{
    mote_get_indices(reader, s->index, s->n, s->n);
    mote_get_reals(reader, numbers(s)[WEIGHT], s->n);
    for (int64_t k = 0; s->path && k < s->p; ++k)
        mote_get_reals(reader, s->path_value[k], s->n);
    for (int64_t c = (s->at + 1) * s->d; s->path && c < s->count * s->d; ++c)
        mote_get_reals(reader, s->path[c], s->n);
    if (s->path_weight)
        memcpy(s->path_weight, numbers(s)[WEIGHT], (size_t)s->n * sizeof(double));
}

static void ancestors_close(mote_smoother_state *s)
{
    mote_block_columns_close(s->memory, s->path);
    mote_block_columns_close(s->memory, s->path_value);
    mote_block_columns_close(s->memory, s->column);
    mote_memory_release(s->memory, s->path_weight);
    mote_memory_release(s->memory, s->index);
    mote_memory_release(s->memory, s->parent);
}

const mote_smoother_table mote_smoother_ancestors = {
    .name = "ancestors",
    .open = ancestors_open,
    .reserve = ancestors_reserve,
    .smooth = ancestors_smooth,
    .save = ancestors_save,
    .load = ancestors_load,
    .close = ancestors_close,
};
