/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worker processes for plug-in models: a model that crashes, exits, hangs or eats memory costs one point, not the run.
 *
 * Each worker is the program mote-worker on one end of a socket pair (worker_process.c); its death is seen as end of
 * file. A row fails when it kills a fresh worker that had nothing else to do, or passes its time limit alone:
 *
 *     worker died on          the rows go                 because
 *     several rows            singly to any worker        one of them is to blame, or none
 *     one row, after others   to a fresh worker           memory that leaked, or was overwritten, by earlier rows
 *     one row, fresh          nowhere: the row failed     the row itself did it
 *
 * So which rows fail depends on the rows alone, never on which worker had them after which others, and the bytes of a
 * run are those of the serial executor with a model that reports these failures. (Time limits are the exception: a
 * run that meets them need not repeat, and its result says so.) */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "core/executor.h"
#include "core/run.h"
#include "core/worker.h"
#include "core/worker_process.h"

enum { POLL_MILLISECONDS = 20, MOST_LOST = 100 };

typedef struct slot_list {
    int64_t *slots, n;
} slot_list;

typedef struct processes {
    mote_worker *workers;
    int64_t count;
    int64_t rows_each; /* most rows of one request */
    slot_list queue;   /* posted, oldest first */
    slot_list alone;   /* to be issued singly */
    slot_list judged;  /* to be issued singly to fresh workers */
    slot_list failed;  /* settled: failed */
    int64_t lost;      /* deaths of idle workers in a row */
    int64_t *request;
    struct pollfd *polls;
    char **environment; /* of the workers */
} processes;

static void push(slot_list *list, const int64_t *slots, int64_t n)
{
    memcpy(list->slots + list->n, slots, (size_t)n * sizeof *slots);
    list->n += n;
}

/* Takes the n oldest. */
static void shift(slot_list *list, int64_t *slots, int64_t n)
{
    memcpy(slots, list->slots, (size_t)n * sizeof *slots);
    list->n -= n;
    memmove(list->slots, list->slots + n, (size_t)list->n * sizeof *slots);
}

/* Numbers of a row's reply beside its log-likelihood. */
static int64_t values_beside(const mote_executor *executor)
{
    return executor->rows.derived_count + (executor->rows.gradient ? executor->rows.dimension : 0);
}

/* ---- a death --------------------------------------------------------------------------------------------------------- */

static void fail_row(mote_executor *executor, processes *state, int64_t slot, int64_t reason)
{
    executor->rows.log_likelihood[slot] = NAN;
    executor->rows.reason[slot] = reason;
    for (int64_t j = 0; j < executor->rows.derived_count; ++j)
        executor->rows.derived[slot * executor->rows.derived_count + j] = NAN;
    for (int64_t j = 0; executor->rows.gradient && j < executor->rows.dimension; ++j)
        executor->rows.gradient[slot * executor->rows.dimension + j] = NAN;
    push(&state->failed, &slot, 1);
}

/* A busy worker has died: see the table above. Then a new worker in its place. */
static int replace(mote_executor *executor, processes *state, mote_worker *w)
{
    int64_t n = w->n, fresh = !w->served, reason = mote_worker_bury(w);
    if (n == 1 && (fresh || reason == MOTE_REASON_TIMEOUT)) {
        fail_row(executor, state, w->slots[0], reason);
    } else {
        push(n == 1 ? &state->judged : &state->alone, w->slots, n);
        executor->ledger->reissued += n;
    }
    return mote_worker_start(w, executor, state->environment);
}

/* A worker that was gone before it had its rows: they go back in line. */
static int replace_lost(mote_executor *executor, processes *state, mote_worker *w, slot_list *from)
{
    push(from, w->slots, w->n);
    mote_worker_bury(w);
    if (++state->lost > MOST_LOST)
        return mote_fail(executor->message, MOTE_EWORKER, "%s: worker processes end without being asked for anything",
                         executor->function.name);
    return mote_worker_start(w, executor, state->environment);
}

/* ---- giving rows out --------------------------------------------------------------------------------------------------- */

static int issue(mote_executor *executor, processes *state, mote_worker *w, slot_list *from, int64_t n)
{
    const mote_rows *rows = &executor->rows;
    int64_t *words = state->request;
    double limit = executor->settings->row_seconds;
    shift(from, w->slots, n);
    w->n = *words++ = n;
    *words++ = rows->first_term;
    *words++ = rows->term_count;
    for (int64_t i = 0; i < n; ++i)
        *words++ = rows->id[w->slots[i]];
    for (int64_t i = 0; i < n; ++i, words += rows->dimension)
        memcpy(words, rows->theta + w->slots[i] * rows->dimension, (size_t)rows->dimension * sizeof(double));
    w->received = 0;
    w->deadline = limit > 0 ? mote_clock() + limit * (double)n : INFINITY;
    w->state = MOTE_WORKER_BUSY;
    if (!mote_worker_send(w, state->request, (size_t)(words - state->request) * sizeof *words))
        return MOTE_OK;
    return replace_lost(executor, state, w, from);
}

/* To each idle worker: rows that wait for a fresh one, single ones, then a share of the queue. */
static int distribute(mote_executor *executor, processes *state)
{
    int status = MOTE_OK;
    for (int64_t i = 0; i < state->count && !status; ++i) {
        mote_worker *w = &state->workers[i];
        if (w->state != MOTE_WORKER_IDLE)
            continue;
        int64_t share = (state->queue.n + state->count - 1) / state->count;
        if (state->judged.n && !w->served)
            status = issue(executor, state, w, &state->judged, 1);
        else if (state->alone.n)
            status = issue(executor, state, w, &state->alone, 1);
        else if (state->queue.n)
            status = issue(executor, state, w, &state->queue, share < state->rows_each ? share : state->rows_each);
    }
    return status;
}

/* ---- taking values in -------------------------------------------------------------------------------------------------- */

static int refuse(const mote_executor *executor, int64_t code, int64_t rows)
{
    if (code > 0)
        return mote_fail(executor->message, MOTE_EMODEL, "%s: a batch of %lld rows failed %lld times, code %lld",
                         executor->function.name, (long long)rows, (long long)executor->settings->retries + 1,
                         (long long)code);
    return mote_fail(executor->message, (int)code, "%s: the model asked to stop with code %lld",
                     executor->function.name, (long long)code);
}

static int finish(mote_executor *executor, processes *state, mote_worker *w, int64_t *slots, int64_t *n)
{
    const mote_rows *rows = &executor->rows;
    int64_t count = w->n, derived = rows->derived_count, gradient = rows->gradient ? rows->dimension : 0;
    const double *values = (const double *)(w->reply + 1);
    if (w->reply[0])
        return refuse(executor, w->reply[0], count);
    for (int64_t i = 0; i < count; ++i) {
        int64_t slot = w->slots[i];
        rows->log_likelihood[slot] = values[i];
        if (derived)
            memcpy(rows->derived + slot * derived, values + count + i * derived, (size_t)derived * sizeof(double));
        if (gradient)
            memcpy(rows->gradient + slot * gradient, values + count * (1 + derived) + i * gradient,
                   (size_t)gradient * sizeof(double));
        rows->reason[slot] = w->reply[1 + count * (1 + derived + gradient) + i];
        slots[(*n)++] = slot;
    }
    ++executor->ledger->batches;
    state->lost = 0;
    w->served += count;
    w->n = 0;
    w->state = MOTE_WORKER_IDLE;
    if (!w->killed)
        return MOTE_OK;
    mote_worker_stop(w); /* its value came as its time ran out */
    return mote_worker_start(w, executor, state->environment);
}

/* Reads what has come from a worker; finishes its rows when the reply is whole. */
static int read_reply(mote_executor *executor, processes *state, mote_worker *w, int64_t *slots, int64_t *n)
{
    size_t size = (size_t)MOTE_WORKER_REPLY_WORDS(w->n, values_beside(executor)) * sizeof(int64_t);
    ssize_t got = recv(w->socket, (char *)w->reply + w->received, size - w->received, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR)
        return MOTE_OK;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return mote_worker_has_ended(w) ? replace(executor, state, w) : MOTE_OK;
    if (got <= 0)
        return replace(executor, state, w);
    w->received += (size_t)got;
    return w->received == size ? finish(executor, state, w, slots, n) : MOTE_OK;
}

/* A worker whose reply has begun to arrive has kept its time. */
static void kill_late(processes *state)
{
    double now = mote_clock();
    for (int64_t i = 0; i < state->count; ++i) {
        mote_worker *w = &state->workers[i];
        if (w->state == MOTE_WORKER_BUSY && now > w->deadline && !w->received && !w->killed)
            mote_worker_kill(w);
    }
}

/* Waits a little for any worker, unless rows have settled already. */
static int wait_for_workers(const mote_executor *executor, processes *state)
{
    for (int64_t i = 0; i < state->count; ++i) {
        const mote_worker *w = &state->workers[i];
        int expected = w->state == MOTE_WORKER_BUSY || w->state == MOTE_WORKER_STARTING;
        state->polls[i] = (struct pollfd){ .fd = expected ? w->socket : -1, .events = POLLIN };
    }
    if (poll(state->polls, (nfds_t)state->count, state->failed.n ? 0 : POLL_MILLISECONDS) < 0 && errno != EINTR)
        return mote_fail(executor->message, MOTE_EWORKER, "poll: %s", strerror(errno));
    return MOTE_OK;
}

/* ---- the executor -------------------------------------------------------------------------------------------------- */

static int processes_collect(mote_executor *executor, int64_t *slots, int64_t *n)
{
    processes *state = executor->state;
    int status = distribute(executor, state);
    if (!status)
        status = wait_for_workers(executor, state);
    for (int64_t i = 0; i < state->count && !status; ++i) {
        mote_worker *w = &state->workers[i];
        if (w->state == MOTE_WORKER_BUSY)
            status = read_reply(executor, state, w, slots, n);
        else if (w->state == MOTE_WORKER_STARTING && state->polls[i].revents)
            status = mote_worker_ready(w, executor);
    }
    kill_late(state);
    int64_t failed = state->failed.n;
    shift(&state->failed, slots + *n, failed);
    *n += failed;
    return status;
}

static int processes_post(mote_executor *executor, const int64_t *slots, int64_t n)
{
    processes *state = executor->state;
    push(&state->queue, slots, n);
    return MOTE_OK;
}

static int allocate(mote_executor *executor, processes *state)
{
    const mote_memory *memory = executor->memory;
    int64_t capacity = executor->rows.capacity, each = state->rows_each;
    int64_t reply = MOTE_WORKER_REPLY_WORDS(each, values_beside(executor));
    slot_list *const lists[] = { &state->queue, &state->alone, &state->judged, &state->failed };
    state->workers = mote_memory_allocate(memory, state->count, sizeof *state->workers);
    state->queue.slots = mote_memory_allocate(memory, 4 * capacity, sizeof(int64_t));
    state->request = mote_memory_allocate(memory, MOTE_WORKER_REQUEST_WORDS(each, executor->rows.dimension),
                                          sizeof(int64_t));
    state->polls = mote_memory_allocate(memory, state->count, sizeof *state->polls);
    state->environment = mote_worker_environment(memory);
    if (!state->workers || !state->queue.slots || !state->request || !state->polls || !state->environment)
        return MOTE_ENOMEM;
    for (int64_t i = 1; i < 4; ++i)
        lists[i]->slots = state->queue.slots + i * capacity;
    for (int64_t i = 0; i < state->count; ++i) {
        mote_worker *w = &state->workers[i];
        w->socket = -1;
        w->slots = mote_memory_allocate(memory, each, sizeof(int64_t));
        w->reply = mote_memory_allocate(memory, reply, sizeof(int64_t));
        if (!w->slots || !w->reply)
            return MOTE_ENOMEM;
    }
    return MOTE_OK;
}

static int processes_open(mote_executor *executor)
{
    const mote_row_function *function = &executor->function;
    int64_t capacity = executor->rows.capacity, batch = executor->settings->batch_size;
    if (!function->plugin_path || !function->plugin_text)
        return mote_fail(executor->message, MOTE_EUNSUPPORTED,
                         "option executor = processes: the model '%s' is not a plug-in, so no worker can load it",
                         function->name);
    processes *state = mote_memory_allocate(executor->memory, 1, sizeof *state);
    executor->state = state;
    if (!state)
        return MOTE_ENOMEM;
    state->count = executor->settings->processes;
    state->rows_each = batch && batch < capacity ? batch : function->points_only ? 1 : capacity;
    int status = allocate(executor, state);
    if (status)
        return mote_fail(executor->message, status, "no memory for %lld workers", (long long)state->count);
    for (int64_t i = 0; i < state->count && !status; ++i)
        status = mote_worker_start(&state->workers[i], executor, state->environment);
    for (int64_t i = 0; i < state->count && !status; ++i)
        status = mote_worker_ready(&state->workers[i], executor);
    return status;
}

static void processes_close(mote_executor *executor)
{
    processes *state = executor->state;
    if (!state)
        return;
    for (int64_t i = 0; state->workers && i < state->count; ++i)
        mote_worker_dismiss(&state->workers[i]);
    for (int64_t i = 0; state->workers && i < state->count; ++i) {
        mote_worker_stop(&state->workers[i]);
        mote_memory_release(executor->memory, state->workers[i].slots);
        mote_memory_release(executor->memory, state->workers[i].reply);
    }
    mote_memory_release(executor->memory, state->workers);
    mote_memory_release(executor->memory, state->queue.slots);
    mote_memory_release(executor->memory, state->request);
    mote_memory_release(executor->memory, state->polls);
    mote_memory_release(executor->memory, state->environment);
    mote_memory_release(executor->memory, state);
    executor->state = NULL;
}

static const mote_executor_type table = { "processes", processes_open, processes_post, processes_collect,
                                          processes_close };
const mote_executor_type *const mote_executor_processes = &table;
