/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The threads executor: one queue of rows, taken by workers and by the run's own thread while it waits for values. A
 * chain goes on as soon as its own row is back, so rows of uneven cost do not wait for each other; the order in which
 * values return never shows in a result. Workers evaluate rows and run no algorithm code.
 *
 * Waiting: a short spin (about one wake-up latency), then a condition variable. Workers block all signals, so that the
 * handlers of the program run on its own threads. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "core/executor.h"
#include "core/run.h"
#include "core/threads_parts.h"

enum { SPINS = 2000 };

struct seat;

typedef struct crew_of_threads {
    mote_executor *executor;
    pthread_mutex_t lock;
    pthread_cond_t work, news;   /* rows were posted, or stop; rows were finished */
    int64_t *queue, queued;      /* posted slots, oldest first */
    int64_t *done, done_count;   /* finished slots */
    int64_t running;             /* rows at the workers */
    atomic_int_fast64_t posted_hint, done_hint; /* what a spinning thread looks at, without the lock */
    int stop, status;            /* status: the first failure of a worker */
    int64_t failed_thread;
    int64_t threads, started;    /* the run's own thread included */
    pthread_t *handles;
    struct seat *seats;
    void **arguments;            /* of the threads: their seats */
    mote_row_scratch *scratch;   /* per thread; 0 is the run's own */
    int64_t **taken;             /* per thread: slots under way */
    int ready;                   /* the lock and the conditions exist */
} crew_of_threads;

typedef struct seat {
    crew_of_threads *state;
    int64_t thread;
} seat;

/* Takes a share of the queue, under the lock: a quarter of an even share for functions of single points, so that
 * uneven costs balance out; an even share for batch functions. */
static int64_t take_rows(crew_of_threads *state, int64_t thread)
{
    const mote_row_function *function = &state->executor->function;
    int64_t shares = function->points_only ? 4 * state->threads : state->threads;
    int64_t n = (state->queued + shares - 1) / shares, most = state->scratch[thread].capacity;
    n = n < most ? n : most;
    memcpy(state->taken[thread], state->queue, (size_t)n * sizeof *state->queue);
    state->queued -= n;
    memmove(state->queue, state->queue + n, (size_t)state->queued * sizeof *state->queue);
    atomic_store(&state->posted_hint, state->queued);
    return n;
}

/* Evaluates what thread `thread` has taken, without the lock. */
static int evaluate(crew_of_threads *state, int64_t thread, int64_t n)
{
    return mote_rows_evaluate(state->executor, &state->scratch[thread], state->taken[thread], n);
}

static void report(crew_of_threads *state, int64_t thread, int64_t n, int status)
{
    if (status && !state->status) {
        state->status = status;
        state->failed_thread = thread;
    }
    memcpy(state->done + state->done_count, state->taken[thread], (size_t)n * sizeof *state->done);
    state->done_count += n;
    state->running -= n;
    atomic_store(&state->done_hint, state->done_count);
    pthread_cond_signal(&state->news);
}

static void spin(const atomic_int_fast64_t *hint)
{
    for (int i = 0; i < SPINS && !atomic_load_explicit(hint, memory_order_relaxed); ++i)
        if (i % 64 == 63)
            sched_yield();
}

static void *work(void *argument)
{
    seat *mine = argument;
    crew_of_threads *state = mine->state;
    int64_t thread = mine->thread;
    pthread_mutex_lock(&state->lock);
    while (!state->stop) {
        if (!state->queued) {
            pthread_mutex_unlock(&state->lock);
            spin(&state->posted_hint);
            pthread_mutex_lock(&state->lock);
        }
        while (!state->queued && !state->stop)
            pthread_cond_wait(&state->work, &state->lock);
        if (state->stop)
            break;
        int64_t n = take_rows(state, thread);
        state->running += n;
        pthread_mutex_unlock(&state->lock);
        int status = evaluate(state, thread, n);
        pthread_mutex_lock(&state->lock);
        report(state, thread, n, status);
    }
    pthread_mutex_unlock(&state->lock);
    return NULL;
}

static int threads_post(mote_executor *executor, const int64_t *slots, int64_t n)
{
    crew_of_threads *state = executor->state;
    pthread_mutex_lock(&state->lock);
    memcpy(state->queue + state->queued, slots, (size_t)n * sizeof *slots);
    state->queued += n;
    atomic_store(&state->posted_hint, state->queued);
    if (n > 1)
        pthread_cond_broadcast(&state->work);
    else
        pthread_cond_signal(&state->work);
    pthread_mutex_unlock(&state->lock);
    return MOTE_OK;
}

/* With nothing finished yet, the run's own thread evaluates a share itself; with nothing queued either, it waits. */
static void help_or_wait(crew_of_threads *state)
{
    if (state->queued) {
        int64_t n = take_rows(state, 0);
        state->running += n;
        pthread_mutex_unlock(&state->lock);
        int status = evaluate(state, 0, n);
        pthread_mutex_lock(&state->lock);
        report(state, 0, n, status);
        return;
    }
    pthread_mutex_unlock(&state->lock);
    spin(&state->done_hint);
    pthread_mutex_lock(&state->lock);
    while (!state->done_count && state->running)
        pthread_cond_wait(&state->news, &state->lock);
}

static int threads_collect(mote_executor *executor, int64_t *slots, int64_t *n)
{
    crew_of_threads *state = executor->state;
    pthread_mutex_lock(&state->lock);
    if (!state->done_count)
        help_or_wait(state);
    *n = state->done_count;
    memcpy(slots, state->done, (size_t)state->done_count * sizeof *slots);
    state->done_count = 0;
    atomic_store(&state->done_hint, 0);
    int status = state->status;
    if (status)
        mote_fail(executor->message, status, "%s", state->scratch[state->failed_thread].message.text);
    pthread_mutex_unlock(&state->lock);
    return status;
}

/* ---- open and close ------------------------------------------------------------------------------------------------ */

static int allocate(mote_executor *executor, crew_of_threads *state)
{
    const mote_memory *memory = executor->memory;
    int64_t capacity = executor->rows.capacity, limit = executor->settings->batch_size;
    state->queue = mote_memory_allocate(memory, 2 * capacity, sizeof(int64_t));
    state->handles = mote_memory_allocate(memory, state->threads, sizeof *state->handles);
    state->seats = mote_memory_allocate(memory, state->threads, sizeof *state->seats);
    state->arguments = mote_memory_allocate(memory, state->threads, sizeof *state->arguments);
    state->scratch = mote_memory_allocate(memory, state->threads, sizeof *state->scratch);
    state->taken = mote_memory_allocate(memory, state->threads, sizeof *state->taken);
    if (!state->queue || !state->handles || !state->seats || !state->arguments || !state->scratch || !state->taken)
        return MOTE_ENOMEM;
    state->done = state->queue + capacity;
    for (int64_t i = 0; i < state->threads; ++i) {
        int status = mote_row_scratch_open(&state->scratch[i], executor, limit && limit < capacity ? limit : capacity);
        state->taken[i] = mote_memory_allocate(memory, capacity, sizeof(int64_t));
        if (status || !state->taken[i])
            return MOTE_ENOMEM;
    }
    return MOTE_OK;
}

static int make_lock(crew_of_threads *state)
{
    if (pthread_mutex_init(&state->lock, NULL))
        return MOTE_ENOMEM;
    if (pthread_cond_init(&state->work, NULL)) {
        pthread_mutex_destroy(&state->lock);
        return MOTE_ENOMEM;
    }
    if (pthread_cond_init(&state->news, NULL)) {
        pthread_cond_destroy(&state->work);
        pthread_mutex_destroy(&state->lock);
        return MOTE_ENOMEM;
    }
    state->ready = 1;
    return MOTE_OK;
}

static int start_threads(crew_of_threads *state)
{
    int64_t workers = state->threads - 1;
    for (int64_t i = 1; i < state->threads; ++i) {
        state->seats[i] = (seat){ state, i };
        state->arguments[i] = &state->seats[i];
    }
    state->started = 1 + mote_threads_start(state->handles + 1, workers, work, state->arguments + 1);
    return state->started < state->threads ? MOTE_ENOMEM : MOTE_OK;
}

static int threads_open(mote_executor *executor)
{
    crew_of_threads *state = mote_memory_allocate(executor->memory, 1, sizeof *state);
    executor->state = state;
    if (!state)
        return MOTE_ENOMEM;
    state->executor = executor;
    state->threads = executor->settings->threads;
    int status = allocate(executor, state);
    if (!status)
        status = make_lock(state);
    if (!status)
        status = start_threads(state);
    if (status)
        return mote_fail(executor->message, status, "%lld threads could not be started (option threads)",
                         (long long)state->threads);
    return MOTE_OK;
}

static void join_threads(crew_of_threads *state)
{
    pthread_mutex_lock(&state->lock);
    state->stop = 1;
    pthread_cond_broadcast(&state->work);
    pthread_mutex_unlock(&state->lock);
    for (int64_t i = 1; i < state->started; ++i)
        pthread_join(state->handles[i], NULL);
    pthread_cond_destroy(&state->work);
    pthread_cond_destroy(&state->news);
    pthread_mutex_destroy(&state->lock);
}

static void threads_close(mote_executor *executor)
{
    crew_of_threads *state = executor->state;
    const mote_memory *memory = executor->memory;
    if (!state)
        return;
    if (state->ready)
        join_threads(state);
    if (state->scratch)
        mote_executor_account(executor, state->scratch, state->threads);
    for (int64_t i = 0; i < state->threads; ++i) {
        if (state->scratch)
            mote_row_scratch_close(&state->scratch[i], executor);
        if (state->taken)
            mote_memory_release(memory, state->taken[i]);
    }
    mote_memory_release(memory, state->queue);
    mote_memory_release(memory, state->handles);
    mote_memory_release(memory, state->seats);
    mote_memory_release(memory, state->arguments);
    mote_memory_release(memory, state->scratch);
    mote_memory_release(memory, state->taken);
    mote_memory_release(memory, state);
    executor->state = NULL;
}

static const mote_executor_type table = { "threads", threads_open, threads_post, threads_collect, threads_close };
const mote_executor_type *const mote_executor_threads = &table;
