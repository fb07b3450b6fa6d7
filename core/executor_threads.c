/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The threads executor: a queue of posted rows, from which workers and, while it collects, the run's own thread take
 * shares; `threads` of them evaluate at the same time. Collect returns what is finished as soon as something is, so
 * that a chain whose value is back goes on while slow rows are still under way. Workers run nothing but the model.
 *
 * Size of a share: the rows that wait, spread evenly over the threads, at most batch_size. A model that takes single
 * points gains nothing from large shares and loses balance by them, so its shares last about 50 microseconds. Neither
 * shows in a result.
 *
 * A function that is not thread-safe is called by the run's thread only. */
#include <pthread.h>
#include <string.h>

#include "core/executor.h"
#include "core/run.h"
#include "core/threads_parts.h"

#define SHARE_SECONDS 50e-6

typedef struct member {
    mote_executor *executor;
    mote_row_scratch *scratch;
    int64_t *slots;    /* of the share at hand */
    int64_t number;    /* 0: the run's own thread */
    mote_patience patience;
} member;

typedef struct thread_team {
    int64_t threads, started;
    int64_t share;             /* most rows of one call */
    pthread_t *handles;
    void **arguments;
    member *members;           /* threads */
    mote_row_scratch *scratch; /* threads: each belongs to its member */
    mote_row_scratch *tally;   /* their counters as of the last finished share; under the mutex */
    pthread_mutex_t mutex;     /* holds queue, finished, tally, status and message */
    int64_t *queue;            /* ring of `capacity` posted slots */
    int64_t capacity, first, waiting;
    int64_t *finished;         /* slots whose values are in */
    int64_t finished_count;
    int status;                /* the first failure: nothing is taken from the queue any more */
    mote_message message;
    atomic_int closing;
    mote_signal posted, returned;
} thread_team;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Rows of the next share of a member, at least 1. */
static int64_t share_size(const thread_team *team, const member *self)
{
    int64_t size = least((team->waiting + team->threads - 1) / team->threads, team->share);
    if (self->executor->function.points_only) {
        double seconds = self->scratch->timed_seconds, rows = (double)self->scratch->timed_rows;
        double fitting = rows > 0 ? SHARE_SECONDS * rows / (seconds > 1e-9 ? seconds : 1e-9) : 1;
        if (fitting < (double)size)
            size = fitting < 1 ? 1 : (int64_t)fitting;
    }
    return size;
}

/* Moves the next share from the queue to the member; under the mutex. Returns its size, 0 when there is none. */
static int64_t take_share(thread_team *team, member *self)
{
    if (!team->waiting || team->status)
        return 0;
    int64_t n = share_size(team, self);
    for (int64_t i = 0; i < n; ++i)
        self->slots[i] = team->queue[(team->first + i) % team->capacity];
    team->first = (team->first + n) % team->capacity;
    team->waiting -= n;
    return n;
}

/* Under the mutex: what became of a share. */
static void return_share(thread_team *team, const member *self, int64_t n, int status)
{
    mote_row_scratch *tally = &team->tally[self->number];
    tally->batches = self->scratch->batches;
    tally->rows = self->scratch->rows;
    tally->timed_rows = self->scratch->timed_rows;
    tally->timed_seconds = self->scratch->timed_seconds;
    if (!status) {
        memcpy(team->finished + team->finished_count, self->slots, (size_t)n * sizeof *self->slots);
        team->finished_count += n;
    } else if (!team->status) {
        team->status = status;
        team->message = self->scratch->message;
    }
}

/* Takes, evaluates and returns one share; 0 when the queue was empty. The mutex is held at entry and at the end. */
static int do_share(thread_team *team, member *self)
{
    int64_t n = take_share(team, self);
    if (!n)
        return 0;
    pthread_mutex_unlock(&team->mutex);
    int status = mote_rows_evaluate(self->executor, self->scratch, self->slots, n);
    pthread_mutex_lock(&team->mutex);
    return_share(team, self, n, status);
    return 1;
}

static void *work_until_closed(void *argument)
{
    member *self = argument;
    thread_team *team = self->executor->state;
    unsigned seen = 0;
    while (!atomic_load(&team->closing)) {
        mote_signal_wait(&team->posted, seen, &self->patience);
        seen = atomic_load(&team->posted.word);
        for (int more = 1; more && !atomic_load(&team->closing);) {
            pthread_mutex_lock(&team->mutex);
            more = do_share(team, self);
            pthread_mutex_unlock(&team->mutex);
            if (more)
                mote_signal_raise(&team->returned);
        }
    }
    return NULL;
}

/* All memory of the team; what could not be had is NULL. */
static int allocate_team(mote_executor *executor, thread_team *team)
{
    const mote_memory *memory = executor->memory;
    int64_t threads = team->threads;
    team->handles = mote_memory_allocate(memory, threads, sizeof *team->handles);
    team->arguments = mote_memory_allocate(memory, threads, sizeof *team->arguments);
    team->members = mote_memory_allocate(memory, threads, sizeof *team->members);
    team->scratch = mote_memory_allocate(memory, threads, sizeof *team->scratch);
    team->tally = mote_memory_allocate(memory, threads, sizeof *team->tally);
    team->queue = mote_memory_allocate(memory, team->capacity, sizeof *team->queue);
    team->finished = mote_memory_allocate(memory, team->capacity, sizeof *team->finished);
    if (!team->handles || !team->arguments || !team->members || !team->scratch || !team->tally || !team->queue ||
        !team->finished)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < threads; ++i) {
        member *self = &team->members[i];
        *self = (member){ executor, &team->scratch[i], NULL, i, mote_patience_of(threads) };
        self->slots = mote_memory_allocate(memory, team->share, sizeof *self->slots);
        if (!self->slots || mote_row_scratch_open(self->scratch, executor, team->share))
            return MOTE_ENOMEM;
        team->arguments[i] = self;
    }
    return MOTE_OK;
}

static int threads_open(mote_executor *executor)
{
    thread_team *fresh = mote_memory_allocate(executor->memory, 1, sizeof *fresh);
    int64_t limit = executor->settings->batch_size;
    executor->state = fresh;
    if (!fresh)
        return mote_fail(executor->message, MOTE_ENOMEM, "no memory for the threads executor");
    fresh->threads = executor->function.thread_safe ? executor->settings->threads : 1;
    fresh->capacity = executor->rows.capacity;
    fresh->share = (fresh->capacity + fresh->threads - 1) / fresh->threads;
    if (limit && limit < fresh->share)
        fresh->share = limit;
    pthread_mutex_init(&fresh->mutex, NULL);
    mote_signal_open(&fresh->posted);
    mote_signal_open(&fresh->returned);
    if (allocate_team(executor, fresh))
        return mote_fail(executor->message, MOTE_ENOMEM, "no memory for the rows of %lld threads",
                         (long long)fresh->threads);
    int64_t workers = fresh->threads - 1;
    fresh->started = mote_threads_start(fresh->handles, workers, work_until_closed, fresh->arguments + 1);
    if (fresh->started < workers)
        return mote_fail(executor->message, MOTE_ENOMEM, "threads = %lld: the system gave only %lld",
                         (long long)fresh->threads, (long long)fresh->started + 1);
    return MOTE_OK;
}

static int threads_post(mote_executor *executor, const int64_t *slots, int64_t n)
{
    thread_team *team = executor->state;
    pthread_mutex_lock(&team->mutex);
    for (int64_t i = 0; i < n; ++i)
        team->queue[(team->first + team->waiting++) % team->capacity] = slots[i];
    pthread_mutex_unlock(&team->mutex);
    if (team->started)
        mote_signal_raise(&team->posted);
    return MOTE_OK;
}

/* Under the mutex: hands over what is finished, and the counts. */
static void hand_over(mote_executor *executor, thread_team *team, int64_t *slots, int64_t *n)
{
    memcpy(slots, team->finished, (size_t)team->finished_count * sizeof *slots);
    *n = team->finished_count;
    team->finished_count = 0;
    mote_executor_account(executor, team->tally, team->threads);
}

static int threads_collect(mote_executor *executor, int64_t *slots, int64_t *n)
{
    thread_team *team = executor->state;
    member *self = &team->members[0];
    pthread_mutex_lock(&team->mutex);
    while (!team->finished_count && !team->status && !do_share(team, self)) {
        unsigned seen = atomic_load(&team->returned.word); /* a share returned after this changes the word */
        pthread_mutex_unlock(&team->mutex);
        mote_signal_wait(&team->returned, seen, &self->patience);
        pthread_mutex_lock(&team->mutex);
    }
    int status = team->status;
    hand_over(executor, team, slots, n);
    pthread_mutex_unlock(&team->mutex);
    return status ? mote_fail(executor->message, status, "%s", team->message.text) : MOTE_OK;
}

static void close_members(mote_executor *executor, thread_team *team)
{
    for (int64_t i = 0; i < team->threads; ++i) {
        if (team->members)
            mote_memory_release(executor->memory, team->members[i].slots);
        if (team->scratch)
            mote_row_scratch_close(&team->scratch[i], executor);
    }
}

static void threads_close(mote_executor *executor)
{
    thread_team *team = executor->state;
    const mote_memory *memory = executor->memory;
    if (!team)
        return;
    atomic_store(&team->closing, 1);
    mote_signal_raise(&team->posted);
    for (int64_t i = 0; i < team->started; ++i)
        pthread_join(team->handles[i], NULL);
    close_members(executor, team);
    mote_signal_close(&team->posted);
    mote_signal_close(&team->returned);
    pthread_mutex_destroy(&team->mutex);
    mote_memory_release(memory, team->handles);
    mote_memory_release(memory, team->arguments);
    mote_memory_release(memory, team->members);
    mote_memory_release(memory, team->scratch);
    mote_memory_release(memory, team->tally);
    mote_memory_release(memory, team->queue);
    mote_memory_release(memory, team->finished);
    mote_memory_release(memory, team);
    executor->state = NULL;
}

static const mote_executor_type table = { "threads", threads_open, threads_post, threads_collect, threads_close };
const mote_executor_type *const mote_executor_threads = &table;
