/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worker processes for plug-in models: a model that crashes, exits, hangs or eats memory costs one point, not the run.
 *
 * Each worker is the program mote-worker, started with posix_spawn on one end of a socket pair; its death is seen as
 * end of file. Rows of a worker that died with several are issued again one by one; the row that kills its worker
 * alone is a failed point, and its reason comes from how the worker ended. Values never depend on which worker
 * computed them, so the bytes of a run are those of the serial executor. */
#include "core/executor.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/run.h"
#include "core/worker.h"

extern char **environ;

typedef struct worker {
    pid_t pid;          /* 0: none */
    int socket;         /* -1: none */
    int64_t n;          /* rows it works on; 0: idle */
    int64_t *slots;     /* of these rows */
    double deadline;    /* on mote_clock; INFINITY: none */
    int64_t *reply;     /* words received so far */
    size_t received;    /* bytes */
    int killed;         /* by us, for its time limit */
} worker;

typedef struct processes {
    worker *workers;
    int64_t count;
    int64_t rows_each;          /* most rows of one request */
    int64_t *queue, waiting;    /* posted slots, oldest first */
    int64_t *alone, alone_count; /* slots to be issued singly */
    int64_t *failed, failed_count; /* slots whose value is settled: failed */
    int64_t *request;
    struct pollfd *polls;
} processes;

/* ---- one worker ------------------------------------------------------------------------------------------------ */

static int send_all(int socket, const void *data, size_t size)
{
    const char *bytes = data;
    while (size) {
        ssize_t n = send(socket, bytes, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return MOTE_EWORKER;
        bytes += n;
        size -= (size_t)n;
    }
    return MOTE_OK;
}

static int receive_all(int socket, void *data, size_t size)
{
    char *bytes = data;
    while (size) {
        ssize_t n = recv(socket, bytes, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return MOTE_EWORKER;
        bytes += n;
        size -= (size_t)n;
    }
    return MOTE_OK;
}

static int spawn(mote_executor *executor, worker *w, const char *program)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    char *const arguments[] = { (char *)"mote-worker", NULL };
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
        return mote_fail(executor->message, MOTE_EWORKER, "no socket for a worker: %s", strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    int error = posix_spawn_file_actions_init(&actions);
    if (!error) {
        error = posix_spawn_file_actions_adddup2(&actions, ends[1], MOTE_WORKER_DESCRIPTOR);
        if (!error)
            error = posix_spawn(&w->pid, program, &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    w->socket = ends[0];
    if (!error)
        return MOTE_OK;
    w->pid = 0;
    return mote_fail(executor->message, MOTE_EWORKER, "the worker program %s cannot be started: %s", program,
                     strerror(error));
}

static int greet(mote_executor *executor, worker *w)
{
    const mote_row_function *function = &executor->function;
    mote_worker_hello hello = { MOTE_WORKER_MAGIC, (int64_t)strlen(function->plugin_path),
                                (int64_t)strlen(function->plugin_text), executor->settings->worker_memory,
                                executor->settings->retries };
    int status = send_all(w->socket, &hello, sizeof hello);
    if (!status)
        status = send_all(w->socket, function->plugin_path, (size_t)hello.path_length);
    return status ? status : send_all(w->socket, function->plugin_text, (size_t)hello.text_length);
}

static int await_ready(mote_executor *executor, worker *w)
{
    mote_worker_ready ready;
    char text[512] = "";
    int status = receive_all(w->socket, &ready, sizeof ready);
    if (status || ready.magic != MOTE_WORKER_MAGIC || ready.message_length < 0
        || ready.message_length >= (int64_t)sizeof text)
        return mote_fail(executor->message, MOTE_EWORKER, "a worker ended before it had loaded %s",
                         executor->function.plugin_path);
    status = receive_all(w->socket, text, (size_t)ready.message_length);
    if (!status && ready.status)
        return mote_fail(executor->message, MOTE_EWORKER, "a worker could not load the model: %s", text);
    if (!status && (ready.dimension != executor->rows.dimension || ready.derived_count != executor->rows.derived_count))
        return mote_fail(executor->message, MOTE_EWORKER, "a worker loaded another model from %s",
                         executor->function.plugin_path);
    return status;
}

static const char *worker_program(const mote_executor *executor)
{
    const char *program = executor->settings->worker_program;
    return program ? program : MOTE_LIBEXECDIR "/mote-worker";
}

static int start(mote_executor *executor, worker *w)
{
    ++executor->ledger->workers_started;
    w->n = 0;
    w->killed = 0;
    int status = spawn(executor, w, worker_program(executor));
    if (!status && greet(executor, w))
        status = mote_fail(executor->message, MOTE_EWORKER, "a worker does not listen: %s", strerror(errno));
    return status;
}

static void stop(worker *w)
{
    if (w->socket >= 0)
        close(w->socket);
    if (w->pid > 0) {
        kill(w->pid, SIGKILL);
        while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    w->socket = -1;
    w->pid = 0;
}

/* Collects a worker whose socket has closed: why it ended. A worker that closed it but lives on is killed. */
static int64_t bury(worker *w)
{
    int status = 0;
    pid_t pid = 0;
    close(w->socket);
    w->socket = -1;
    for (int tries = 0; tries < 200 && pid == 0; ++tries) {
        pid = waitpid(w->pid, &status, WNOHANG);
        if (pid == 0)
            poll(NULL, 0, 5);
    }
    if (pid == 0)
        stop(w);
    w->pid = 0;
    if (w->killed)
        return MOTE_REASON_TIMEOUT;
    if (pid <= 0)
        return MOTE_REASON_CRASH;
    if (WIFEXITED(status))
        return WEXITSTATUS(status) == MOTE_WORKER_OUT_OF_MEMORY ? MOTE_REASON_MEMORY : MOTE_REASON_EXIT;
    return WTERMSIG(status) == SIGKILL ? MOTE_REASON_MEMORY : MOTE_REASON_CRASH;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void fail_row(mote_executor *executor, processes *state, int64_t slot, int64_t reason)
{
    executor->rows.log_likelihood[slot] = NAN;
    executor->rows.reason[slot] = reason;
    for (int64_t j = 0; j < executor->rows.derived_count; ++j)
        executor->rows.derived[slot * executor->rows.derived_count + j] = NAN;
    state->failed[state->failed_count++] = slot;
}

/* The rows of a dead worker: one alone has failed, several are issued again singly. Then a new worker. */
static int replace(mote_executor *executor, processes *state, worker *w)
{
    int64_t n = w->n, reason = bury(w);
    if (n == 1)
        fail_row(executor, state, w->slots[0], reason);
    for (int64_t i = 0; n > 1 && i < n; ++i)
        state->alone[state->alone_count++] = w->slots[i];
    if (n > 1)
        executor->ledger->reissued += n;
    int status = start(executor, w);
    return status ? status : await_ready(executor, w);
}

static int issue(mote_executor *executor, processes *state, worker *w)
{
    const mote_rows *rows = &executor->rows;
    int64_t n = w->n, *words = state->request;
    *words++ = n;
    for (int64_t i = 0; i < n; ++i)
        *words++ = rows->id[w->slots[i]];
    for (int64_t i = 0; i < n; ++i, words += rows->dimension)
        memcpy(words, rows->theta + w->slots[i] * rows->dimension, (size_t)rows->dimension * sizeof(double));
    w->received = 0;
    double limit = executor->settings->row_seconds;
    w->deadline = limit > 0 ? mote_clock() + limit * (double)n : INFINITY;
    if (!send_all(w->socket, state->request, (size_t)(words - state->request) * sizeof *words))
        return MOTE_OK;
    return replace(executor, state, w);
}

/* Hands rows to idle workers: single ones first, then the queue in equal shares. */
static int distribute(mote_executor *executor, processes *state)
{
    int status = MOTE_OK;
    for (int64_t i = 0; i < state->count && !status; ++i) {
        worker *w = &state->workers[i];
        if (w->n || !(state->alone_count + state->waiting))
            continue;
        if (state->alone_count) {
            w->slots[0] = state->alone[--state->alone_count];
            w->n = 1;
        } else {
            int64_t share = (state->waiting + state->count - 1) / state->count;
            w->n = share < state->rows_each ? share : state->rows_each;
            memcpy(w->slots, state->queue, (size_t)w->n * sizeof *w->slots);
            state->waiting -= w->n;
            memmove(state->queue, state->queue + w->n, (size_t)state->waiting * sizeof *state->queue);
        }
        status = issue(executor, state, w);
    }
    return status;
}

static int finish(mote_executor *executor, worker *w, int64_t *slots, int64_t *n)
{
    const mote_rows *rows = &executor->rows;
    int64_t count = w->n, derived = rows->derived_count;
    const double *values = (const double *)(w->reply + 1);
    if (w->reply[0] > 0)
        return mote_fail(executor->message, MOTE_EMODEL, "%s: a batch of %lld rows failed %lld times, code %lld",
                         executor->function.name, (long long)count, (long long)executor->settings->retries + 1,
                         (long long)w->reply[0]);
    if (w->reply[0] < 0)
        return mote_fail(executor->message, (int)w->reply[0], "%s: the model asked to stop with code %lld",
                         executor->function.name, (long long)w->reply[0]);
    for (int64_t i = 0; i < count; ++i) {
        int64_t slot = w->slots[i];
        rows->log_likelihood[slot] = values[i];
        memcpy(rows->derived + slot * derived, values + count + i * derived, (size_t)derived * sizeof(double));
        rows->reason[slot] = w->reply[1 + count * (1 + derived) + i];
        slots[(*n)++] = slot;
    }
    ++executor->ledger->batches;
    w->n = 0;
    return MOTE_OK;
}

/* Reads what has come from a worker; finishes its rows when the reply is whole. */
static int read_reply(mote_executor *executor, processes *state, worker *w, int64_t *slots, int64_t *n)
{
    size_t size = (size_t)MOTE_WORKER_REPLY_WORDS(w->n, executor->rows.derived_count) * sizeof(int64_t);
    ssize_t got = recv(w->socket, (char *)w->reply + w->received, size - w->received, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return MOTE_OK;
    if (got <= 0)
        return replace(executor, state, w);
    w->received += (size_t)got;
    return w->received == size ? finish(executor, w, slots, n) : MOTE_OK;
}

static void kill_late(processes *state)
{
    double now = mote_clock();
    for (int64_t i = 0; i < state->count; ++i) {
        worker *w = &state->workers[i];
        if (w->n && now > w->deadline && !w->killed) {
            w->killed = 1;
            kill(w->pid, SIGKILL);
        }
    }
}

/* ---- the executor -------------------------------------------------------------------------------------------------- */

static int processes_collect(mote_executor *executor, int64_t *slots, int64_t *n)
{
    processes *state = executor->state;
    int status = distribute(executor, state);
    nfds_t busy = 0;
    for (int64_t i = 0; i < state->count; ++i)
        if (state->workers[i].n)
            state->polls[busy++] = (struct pollfd){ .fd = state->workers[i].socket, .events = POLLIN };
    if (!status && busy && !state->failed_count && poll(state->polls, busy, 20) < 0 && errno != EINTR)
        status = mote_fail(executor->message, MOTE_EWORKER, "poll: %s", strerror(errno));
    for (int64_t i = 0; i < state->count && !status; ++i)
        if (state->workers[i].n)
            status = read_reply(executor, state, &state->workers[i], slots, n);
    kill_late(state);
    for (int64_t i = 0; i < state->failed_count; ++i)
        slots[(*n)++] = state->failed[i];
    state->failed_count = 0;
    return status;
}

static int processes_post(mote_executor *executor, const int64_t *slots, int64_t n)
{
    processes *state = executor->state;
    memcpy(state->queue + state->waiting, slots, (size_t)n * sizeof *slots);
    state->waiting += n;
    return MOTE_OK;
}

static int allocate(mote_executor *executor, processes *state)
{
    const mote_memory *memory = executor->memory;
    int64_t capacity = executor->rows.capacity, each = state->rows_each;
    int64_t reply = MOTE_WORKER_REPLY_WORDS(each, executor->rows.derived_count);
    state->workers = mote_memory_allocate(memory, state->count, sizeof *state->workers);
    state->queue = mote_memory_allocate(memory, 3 * capacity, sizeof(int64_t));
    state->request = mote_memory_allocate(memory, MOTE_WORKER_REQUEST_WORDS(each, executor->rows.dimension),
                                          sizeof(int64_t));
    state->polls = mote_memory_allocate(memory, state->count, sizeof *state->polls);
    if (!state->workers || !state->queue || !state->request || !state->polls)
        return MOTE_ENOMEM;
    state->alone = state->queue + capacity;
    state->failed = state->alone + capacity;
    for (int64_t i = 0; i < state->count; ++i) {
        worker *w = &state->workers[i];
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
        status = start(executor, &state->workers[i]);
    for (int64_t i = 0; i < state->count && !status; ++i)
        status = await_ready(executor, &state->workers[i]);
    return status;
}

static void processes_close(mote_executor *executor)
{
    processes *state = executor->state;
    if (!state)
        return;
    for (int64_t i = 0; state->workers && i < state->count; ++i) {
        stop(&state->workers[i]);
        mote_memory_release(executor->memory, state->workers[i].slots);
        mote_memory_release(executor->memory, state->workers[i].reply);
    }
    mote_memory_release(executor->memory, state->workers);
    mote_memory_release(executor->memory, state->queue);
    mote_memory_release(executor->memory, state->request);
    mote_memory_release(executor->memory, state->polls);
    mote_memory_release(executor->memory, state);
    executor->state = NULL;
}

static const mote_executor_type table = { "processes", processes_open, processes_post, processes_collect,
                                          processes_close };
const mote_executor_type *const mote_executor_processes = &table;
