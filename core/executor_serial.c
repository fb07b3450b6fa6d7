/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The serial executor: whatever was posted is evaluated at the next collect, on the run's own thread, in posted order,
 * at most batch_size rows in one call of the model. */
#include <string.h>

#include "core/crew.h"
#include "core/executor.h"
#include "core/run.h"

typedef struct serial {
    mote_row_scratch scratch;
    int64_t *queue; /* posted slots, oldest first */
    int64_t waiting;
} serial;

static int serial_open(mote_executor *executor)
{
    serial *state = mote_memory_allocate(executor->memory, 1, sizeof *state);
    int64_t capacity = executor->rows.capacity, limit = executor->settings->batch_size;
    executor->state = state;
    if (!state)
        return MOTE_ENOMEM;
    state->queue = mote_memory_allocate(executor->memory, capacity, sizeof(int64_t));
    if (!state->queue)
        return MOTE_ENOMEM;
    return mote_row_scratch_open(&state->scratch, executor, limit && limit < capacity ? limit : capacity);
}

static int serial_post(mote_executor *executor, const int64_t *slots, int64_t n)
{
    serial *state = executor->state;
    memcpy(state->queue + state->waiting, slots, (size_t)n * sizeof *slots);
    state->waiting += n;
    return MOTE_OK;
}

/* How many rows to evaluate now. A function of single points gains nothing from many at once, so that the run comes
 * back after about a crew's pause, however slow the function is, to be watched and stopped. */
static int64_t share(const mote_executor *executor, const serial *state)
{
    const mote_row_scratch *scratch = &state->scratch;
    int64_t count = state->waiting < scratch->capacity ? state->waiting : scratch->capacity;
    if (!executor->function.points_only)
        return count;
    if (!scratch->timed_rows)
        return 1;
    double most = MOTE_CREW_SECONDS * (double)scratch->timed_rows / (scratch->timed_seconds + 1e-9);
    return (double)count <= most ? count : most < 1 ? 1 : (int64_t)most;
}

static int serial_collect(mote_executor *executor, int64_t *slots, int64_t *n)
{
    serial *state = executor->state;
    int64_t count = share(executor, state);
    int status = mote_rows_evaluate(executor, &state->scratch, state->queue, count);
    mote_executor_account(executor, &state->scratch, 1);
    if (status)
        return mote_fail(executor->message, status, "%s", state->scratch.message.text);
    memcpy(slots, state->queue, (size_t)count * sizeof *slots);
    state->waiting -= count;
    memmove(state->queue, state->queue + count, (size_t)state->waiting * sizeof *slots);
    *n = count;
    return MOTE_OK;
}

static void serial_close(mote_executor *executor)
{
    serial *state = executor->state;
    if (!state)
        return;
    mote_row_scratch_close(&state->scratch, executor);
    mote_memory_release(executor->memory, state->queue);
    mote_memory_release(executor->memory, state);
    executor->state = NULL;
}

static const mote_executor_type table = { "serial", serial_open, serial_post, serial_collect, serial_close };
const mote_executor_type *const mote_executor_serial = &table;
