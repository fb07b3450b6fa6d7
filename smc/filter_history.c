/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program may ask a run of `filter` about its past: populations, paths, records. */
#include <math.h>

#include "smc/filter_run.h"

static const mote_history *history_of(const mote_run *run)
{
    if (mote_run_usable(run) || run->algorithm != mote_filter)
        return NULL;
    const mote_filter_run_state *state = run->state;
    return state->history.count ? &state->history : NULL;
}

static const mote_generation *generation_of(const mote_run *run, int64_t step)
{
    const mote_history *history = history_of(run);
    return history ? mote_history_generation(history, step) : NULL;
}

const double *mote_filter_history_state(const mote_run *run, int64_t step, int64_t state)
{
    const mote_generation *g = generation_of(run, step);
    return g && state >= 0 && state < history_of(run)->space->model.state_count ? g->state[state] : NULL;
}

int mote_filter_history_log_weights(const mote_run *run, int64_t step, double *log_weight)
{
    const mote_generation *g = generation_of(run, step);
    if (!g || !log_weight)
        return MOTE_ESTATE;
    for (int64_t i = 0; i < history_of(run)->n; ++i)
        log_weight[i] = g->log_sum > -INFINITY ? g->log_weight[i] - g->log_sum : -INFINITY;
    return MOTE_OK;
}

const int32_t *mote_filter_history_ancestors(const mote_run *run, int64_t step)
{
    const mote_generation *g = generation_of(run, step);
    return g ? g->ancestor : NULL;
}

int64_t mote_filter_path_start(const mote_run *run)
{
    const mote_history *history = history_of(run);
    return history ? mote_history_path_start(history) : -1;
}

int64_t mote_filter_path_length(const mote_run *run)
{
    const int64_t start = mote_filter_path_start(run);
    return start < 0 ? 0 : history_of(run)->count - start;
}

int mote_filter_path(const mote_run *run, int64_t particle, double *path)
{
    const mote_history *history = history_of(run);
    return history && path ? mote_history_path(history, particle, path) : MOTE_ESTATE;
}

/* ---- records ---- */

static mote_record *record_of(const mote_run *run)
{
    if (mote_run_usable(run) || run->algorithm != mote_filter)
        return NULL;
    mote_filter_run_state *state = run->state;
    return state->record.columns ? &state->record : NULL;
}

int64_t mote_filter_record_count(const mote_run *run)
{
    const mote_record *record = record_of(run);
    return record ? record->count : 0;
}

const double *mote_filter_record(mote_run *run, const char *name, int64_t state)
{
    mote_record *record = record_of(run);
    return record && name ? mote_record_column(record, mote_record_find(record, name, state)) : NULL;
}

const char *mote_filter_record_name(const mote_run *run, int64_t column, int64_t *state)
{
    const mote_record *record = record_of(run);
    int64_t unused;
    return record ? mote_record_name(record, column, state ? state : &unused) : NULL;
}

const double *mote_filter_record_column(mote_run *run, int64_t column)
{
    mote_record *record = record_of(run);
    return record ? mote_record_column(record, column) : NULL;
}
