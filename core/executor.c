/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part that all executors share: the table of rows, evaluation of some of them in one call of the model, and the
 * ledger. */
#include "core/executor.h"

#include <math.h>
#include <string.h>

#include "core/run.h"

static int open_rows(mote_executor *executor, int64_t capacity)
{
    mote_rows *rows = &executor->rows;
    const mote_memory *memory = executor->memory;
    int64_t dimension = executor->function.dimension, derived_count = executor->function.derived_count;
    *rows = (mote_rows){ .capacity = capacity, .dimension = dimension, .derived_count = derived_count };
    rows->theta = mote_memory_allocate_aligned(memory, capacity * dimension, sizeof(double));
    rows->log_likelihood = mote_memory_allocate(memory, capacity, sizeof(double));
    rows->derived = mote_memory_allocate(memory, capacity * derived_count, sizeof(double));
    if (executor->function.gradient)
        rows->gradient = mote_memory_allocate(memory, capacity * dimension, sizeof(double));
    rows->reason = mote_memory_allocate(memory, capacity, sizeof(int64_t));
    rows->id = mote_memory_allocate(memory, capacity, sizeof(int64_t));
    if (executor->function.gradient && !rows->gradient)
        return MOTE_ENOMEM;
    return rows->theta && rows->log_likelihood && rows->derived && rows->reason && rows->id ? MOTE_OK : MOTE_ENOMEM;
}

int mote_executor_open(mote_executor *executor, const mote_row_function *function, int64_t capacity)
{
    executor->function = *function;
    executor->batches_before = executor->ledger->batches;
    if (open_rows(executor, capacity))
        return mote_fail(executor->message, MOTE_ENOMEM, "no memory for a table of %lld rows", (long long)capacity);
    return executor->type->open(executor);
}

void mote_executor_close(mote_executor *executor)
{
    if (!executor->memory)
        return;
    executor->type->close(executor);
    mote_memory_release_aligned(executor->memory, executor->rows.theta);
    mote_memory_release(executor->memory, executor->rows.log_likelihood);
    mote_memory_release(executor->memory, executor->rows.derived);
    mote_memory_release(executor->memory, executor->rows.gradient);
    mote_memory_release(executor->memory, executor->rows.reason);
    mote_memory_release(executor->memory, executor->rows.id);
    executor->memory = NULL;
}

int mote_executor_post(mote_executor *executor, const int64_t *slots, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        executor->rows.reason[slots[i]] = MOTE_REASON_NONE;
    executor->posted += n;
    return executor->type->post(executor, slots, n);
}

int mote_executor_collect(mote_executor *executor, int64_t *slots, int64_t *n)
{
    *n = 0;
    int status = executor->type->collect(executor, slots, n);
    executor->posted -= *n;
    executor->ledger->calls += *n;
    if (executor->rows.gradient)
        executor->ledger->gradients += *n;
    for (int64_t i = 0; i < *n; ++i) {
        mote_rows_settle(&executor->rows, slots[i]);
        if (executor->rows.reason[slots[i]])
            ++executor->ledger->failed[executor->rows.reason[slots[i]]];
    }
    return status;
}

mote_row_value mote_rows_value(const mote_rows *rows, int64_t slot)
{
    return (mote_row_value){ rows->log_likelihood[slot],
                             rows->derived_count ? rows->derived + slot * rows->derived_count : NULL,
                             rows->gradient ? rows->gradient + slot * rows->dimension : NULL, rows->reason[slot],
                             rows->id[slot] };
}

void mote_rows_settle(mote_rows *rows, int64_t slot)
{
    double value = rows->log_likelihood[slot];
    int64_t reason = rows->reason[slot];
    if (reason < 0 || reason >= MOTE_REASON_COUNT)
        reason = MOTE_REASON_RETURNED;
    if (!reason && isnan(value))
        reason = MOTE_REASON_NAN;
    if (!reason && value > 0 && isinf(value))
        reason = MOTE_REASON_INFINITE;
    rows->reason[slot] = reason;
    if (reason)
        rows->log_likelihood[slot] = -INFINITY;
}

int mote_row_scratch_open(mote_row_scratch *scratch, const mote_executor *executor, int64_t capacity)
{
    const mote_memory *memory = executor->memory;
    *scratch = (mote_row_scratch){ .capacity = capacity };
    scratch->theta = mote_memory_allocate_aligned(memory, capacity * executor->rows.dimension, sizeof(double));
    scratch->log_likelihood = mote_memory_allocate(memory, capacity, sizeof(double));
    scratch->derived = mote_memory_allocate(memory, capacity * executor->rows.derived_count, sizeof(double));
    if (executor->rows.gradient) {
        scratch->gradient = mote_memory_allocate(memory, capacity * executor->rows.dimension, sizeof(double));
        if (!scratch->gradient)
            return MOTE_ENOMEM;
    }
    scratch->id = mote_memory_allocate(memory, capacity, sizeof(int64_t));
    scratch->reason = mote_memory_allocate(memory, capacity, sizeof(int64_t));
    return scratch->theta && scratch->log_likelihood && scratch->derived && scratch->id && scratch->reason
               ? MOTE_OK
               : MOTE_ENOMEM;
}

void mote_row_scratch_close(mote_row_scratch *scratch, const mote_executor *executor)
{
    mote_memory_release_aligned(executor->memory, scratch->theta);
    mote_memory_release(executor->memory, scratch->log_likelihood);
    mote_memory_release(executor->memory, scratch->derived);
    mote_memory_release(executor->memory, scratch->gradient);
    mote_memory_release(executor->memory, scratch->id);
    mote_memory_release(executor->memory, scratch->reason);
    *scratch = (mote_row_scratch){ 0 };
}

static void gather(const mote_rows *rows, mote_row_scratch *scratch, const int64_t *slots, int64_t n)
{
    for (int64_t i = 0; i < n; ++i) {
        memcpy(scratch->theta + i * rows->dimension, rows->theta + slots[i] * rows->dimension,
               (size_t)rows->dimension * sizeof(double));
        scratch->id[i] = rows->id[slots[i]];
        scratch->reason[i] = MOTE_REASON_NONE;
        scratch->log_likelihood[i] = NAN;
    }
    for (int64_t i = 0; i < n * rows->derived_count; ++i)
        scratch->derived[i] = NAN;
    for (int64_t i = 0; rows->gradient && i < n * rows->dimension; ++i)
        scratch->gradient[i] = NAN;
}

static void scatter(const mote_rows *rows, const mote_row_scratch *scratch, const int64_t *slots, int64_t n)
{
    for (int64_t i = 0; i < n; ++i) {
        rows->log_likelihood[slots[i]] = scratch->log_likelihood[i];
        rows->reason[slots[i]] = scratch->reason[i];
        if (rows->derived_count)
            memcpy(rows->derived + slots[i] * rows->derived_count, scratch->derived + i * rows->derived_count,
                   (size_t)rows->derived_count * sizeof(double));
        if (rows->gradient)
            memcpy(rows->gradient + slots[i] * rows->dimension, scratch->gradient + i * rows->dimension,
                   (size_t)rows->dimension * sizeof(double));
    }
}

int mote_row_function_call(const mote_row_function *function, const mote_batch *batch, int64_t first_term,
                           int64_t term_count)
{
    if (!term_count)
        return function->evaluate(function->ctx, batch);
    return function->evaluate_terms(function->terms_ctx, batch, first_term, term_count);
}

static int call(const mote_executor *executor, mote_row_scratch *scratch, const mote_batch *batch)
{
    const mote_rows *rows = &executor->rows;
    int timed = scratch->batches++ % 16 == 0;
    double start = timed ? mote_clock() : 0;
    const mote_row_function *function = &executor->function;
    int code = function->evaluate_inner ? function->evaluate_inner(function->ctx, batch, &scratch->message)
                                        : mote_row_function_call(function, batch, rows->first_term, rows->term_count);
    if (timed) {
        scratch->timed_seconds += mote_clock() - start;
        scratch->timed_rows += batch->n;
    }
    scratch->rows += batch->n;
    return code;
}

int mote_rows_evaluate(const mote_executor *executor, mote_row_scratch *scratch, const int64_t *slots, int64_t n)
{
    const mote_rows *rows = &executor->rows;
    int64_t tries = executor->settings->retries + 1;
    int code = 1;
    for (int64_t attempt = 0; code > 0 && attempt < tries; ++attempt) {
        gather(rows, scratch, slots, n);
        mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = n, .dimension = rows->dimension,
                             .stride = rows->dimension, .theta = scratch->theta,
                             .log_likelihood = scratch->log_likelihood, .derived_count = rows->derived_count,
                             .derived_stride = rows->derived_count,
                             .derived = rows->derived_count ? scratch->derived : NULL,
                             .gradient = scratch->gradient, .id = scratch->id, .reason = scratch->reason };
        code = call(executor, scratch, &batch);
        if (code && executor->function.evaluate_inner)
            return code;
    }
    if (code > 0)
        return mote_fail(&scratch->message, MOTE_EMODEL, "%s: a batch of %lld rows failed %lld times, code %d",
                         executor->function.name, (long long)n, (long long)tries, code);
    if (code < 0)
        return mote_fail(&scratch->message, code, "%s: the model asked to stop with code %d", executor->function.name,
                         code);
    scatter(rows, scratch, slots, n);
    return MOTE_OK;
}

void mote_executor_account(mote_executor *executor, const mote_row_scratch *scratch, int64_t count)
{
    int64_t batches = executor->batches_before, timed_rows = 0, rows = 0;
    double seconds = 0;
    for (int64_t i = 0; i < count; ++i) {
        batches += scratch[i].batches;
        rows += scratch[i].rows;
        timed_rows += scratch[i].timed_rows;
        seconds += scratch[i].timed_seconds;
    }
    executor->ledger->batches = batches;
    if (timed_rows)
        executor->ledger->likelihood_seconds = executor->seconds_before + seconds / (double)timed_rows * (double)rows;
}
