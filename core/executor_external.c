/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ask and tell: rows are posted to the caller, who evaluates them wherever it likes and tells the values in any order.
 *
 *     while ((status = mote_run_step(run)) == MOTE_OK || status == MOTE_WAITING)
 *         if (status == MOTE_WAITING) { mote_run_pending(run, &pending); ...; mote_run_tell(run, id, value, ...); }
 */
#include <math.h>
#include <string.h>

#include "core/executor.h"

typedef struct external {
    int64_t *pending, *told; /* slots */
    int64_t pending_count, told_count;
    double *theta;           /* gathered for the caller */
    int64_t *id;
} external;

static int external_open(mote_executor *executor)
{
    int64_t capacity = executor->rows.capacity;
    external *state = mote_memory_allocate(executor->memory, 1, sizeof *state);
    executor->state = state;
    if (!state)
        return MOTE_ENOMEM;
    state->pending = mote_memory_allocate(executor->memory, capacity, sizeof(int64_t));
    state->told = mote_memory_allocate(executor->memory, capacity, sizeof(int64_t));
    state->id = mote_memory_allocate(executor->memory, capacity, sizeof(int64_t));
    state->theta = mote_memory_allocate(executor->memory, capacity * executor->rows.dimension, sizeof(double));
    return state->pending && state->told && state->id && state->theta ? MOTE_OK : MOTE_ENOMEM;
}

static int external_post(mote_executor *executor, const int64_t *slots, int64_t n)
{
    external *state = executor->state;
    memcpy(state->pending + state->pending_count, slots, (size_t)n * sizeof *slots);
    state->pending_count += n;
    return MOTE_OK;
}

static int external_collect(mote_executor *executor, int64_t *slots, int64_t *n)
{
    external *state = executor->state;
    if (!state->told_count)
        return MOTE_WAITING;
    memcpy(slots, state->told, (size_t)state->told_count * sizeof *slots);
    *n = state->told_count;
    state->told_count = 0;
    return MOTE_OK;
}

static void external_close(mote_executor *executor)
{
    external *state = executor->state;
    if (!state)
        return;
    mote_memory_release(executor->memory, state->pending);
    mote_memory_release(executor->memory, state->told);
    mote_memory_release(executor->memory, state->id);
    mote_memory_release(executor->memory, state->theta);
    mote_memory_release(executor->memory, state);
    executor->state = NULL;
}

void mote_external_pending(mote_executor *executor, mote_pending *pending)
{
    external *state = executor->state;
    const mote_rows *rows = &executor->rows;
    for (int64_t i = 0; i < state->pending_count; ++i) {
        int64_t slot = state->pending[i];
        memcpy(state->theta + i * rows->dimension, rows->theta + slot * rows->dimension,
               (size_t)rows->dimension * sizeof(double));
        state->id[i] = rows->id[slot];
    }
    pending->n = state->pending_count;
    pending->dimension = pending->stride = rows->dimension;
    pending->theta = state->theta;
    pending->id = state->id;
    pending->derived_count = rows->derived_count;
    pending->gradient = rows->gradient != NULL;
    pending->first_term = rows->first_term;
    pending->term_count = rows->term_count;
}

int mote_external_tell(mote_executor *executor, const mote_row_value *value)
{
    external *state = executor->state;
    const mote_rows *rows = &executor->rows;
    int64_t i = 0;
    while (i < state->pending_count && rows->id[state->pending[i]] != value->id)
        ++i;
    if (i == state->pending_count)
        return mote_fail(executor->message, MOTE_EINVAL, "no row with id %lld is pending", (long long)value->id);
    if (rows->gradient && !value->gradient && !value->reason && isfinite(value->log_likelihood))
        return mote_fail(executor->message, MOTE_EINVAL,
                         "row %lld was told without its gradient, which this run needs (mote_run_tell_gradient)",
                         (long long)value->id);
    int64_t slot = state->pending[i];
    rows->log_likelihood[slot] = value->log_likelihood;
    rows->reason[slot] = value->reason;
    for (int64_t j = 0; j < rows->derived_count; ++j)
        rows->derived[slot * rows->derived_count + j] = value->derived ? value->derived[j] : NAN;
    for (int64_t j = 0; rows->gradient && j < rows->dimension; ++j)
        rows->gradient[slot * rows->dimension + j] = value->gradient ? value->gradient[j] : NAN;
    state->told[state->told_count++] = slot;
    memmove(state->pending + i, state->pending + i + 1, (size_t)(--state->pending_count - i) * sizeof(int64_t));
    return MOTE_OK;
}

static const mote_executor_type table = { "external", external_open, external_post, external_collect, external_close };
const mote_executor_type *const mote_executor_external = &table;
