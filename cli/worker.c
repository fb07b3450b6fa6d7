/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote-worker: evaluates rows of a plug-in model for the processes executor. Started by a run with a socket on
 * descriptor 3 (core/worker.h); of no use by hand. Its death is its way to say that a point failed. It ends by itself,
 * and releases the model, when the run closes the socket. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <mote/plugin.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "core/memory.h"
#include "core/worker.h"
#include "model/plugin.h"
#include "model/space.h"

enum { SOCKET = MOTE_WORKER_DESCRIPTOR, LONGEST_HELLO = 1 << 24 };

static long memory_limit; /* pages above which a crash is put down to the limit; 0: no limit */

static int transfer(int writing, void *data, size_t size)
{
    char *bytes = data;
    while (size) {
        ssize_t n = writing ? write(SOCKET, bytes, size) : read(SOCKET, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* ---- limits --------------------------------------------------------------------------------------------------------- */

/* Size of the address space in pages, the first number of /proc/self/statm; 0 where there is none. Only
 * async-signal-safe calls. */
static long address_space(void)
{
    char text[64] = { 0 };
    long pages = 0;
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file >= 0 && read(file, text, sizeof text - 1) > 0)
        for (const char *c = text; *c >= '0' && *c <= '9'; ++c)
            pages = 10 * pages + (*c - '0');
    if (file >= 0)
        close(file);
    return pages;
}

/* A crash close to the memory limit is told apart from others by a last word. */
static void on_crash(int number)
{
    int64_t word = MOTE_WORKER_NO_MEMORY;
    if (address_space() > memory_limit) {
        transfer(1, &word, sizeof word);
        _exit(1);
    }
    signal(number, SIG_DFL);
    raise(number);
}

/* The limit counts from what the program has taken by now: libraries reserve much address space that they never use. */
static void limit_memory(int64_t mebibytes)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
    const struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    if (!mebibytes)
        return;
    long page = sysconf(_SC_PAGESIZE), start = address_space(), more = (long)((mebibytes << 20) / page);
    const struct rlimit limit = { (rlim_t)(start + more) * (rlim_t)page, (rlim_t)(start + more) * (rlim_t)page };
    setrlimit(RLIMIT_AS, &limit);
    memory_limit = start + more - more / 8;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; ++i)
        signal(signals[i], on_crash);
}

/* When the run has gone, a worker that hangs in its model must not stay behind. Idle ones read the end of file. */
static void *watch_run(void *unused)
{
    struct pollfd run = { .fd = SOCKET };
    (void)unused;
    while (poll(&run, 1, -1) < 1 || !(run.revents & (POLLHUP | POLLERR | POLLNVAL)))
        ;
    poll(NULL, 0, 2000);
    _exit(1);
}

static void start_watch(void)
{
    pthread_attr_t small;
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the model's */
    if (!pthread_attr_init(&small)) {
        pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&small, 256 << 10);
        pthread_create(&thread, &small, watch_run, NULL); /* without it the worker still works */
        pthread_attr_destroy(&small);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- loading --------------------------------------------------------------------------------------------------------- */

static int say_ready(int status, const mote_space *space, const char *fingerprint, const char *message)
{
    mote_worker_answer ready = { MOTE_WORKER_MAGIC, status, space->theta_count, space->derived_count,
                                 (int64_t)mote_hash(MOTE_HASH_START, fingerprint, strlen(fingerprint)),
                                 (int64_t)strlen(message) };
    if (transfer(1, &ready, sizeof ready))
        return -1;
    return ready.message_length ? transfer(1, (char *)message, (size_t)ready.message_length) : 0;
}

/* Loads the model and says how that went. */
static int load(mote_loaded_plugin **plugin, mote_space *space, const char *path, const char *text,
                const mote_memory *memory)
{
    mote_message message = { "" };
    int status = mote_plugin_load_text(plugin, path, text, message.text, sizeof message.text);
    if (!status)
        status = mote_space_open(space, mote_plugin_target(*plugin), memory, &message);
    const char *fingerprint = status ? "" : mote_plugin_fingerprint(*plugin);
    return say_ready(status, space, fingerprint, status ? message.text : "") || status;
}

/* ---- serving --------------------------------------------------------------------------------------------------------- */

typedef struct buffers {
    int64_t rows, *id, *reason, *reply;
    double *theta;
} buffers;

static int reserve(buffers *b, const mote_row_function *function, int64_t n)
{
    int64_t width = function->dimension, beside = function->derived_count + (function->gradient ? width : 0);
    if (n <= b->rows)
        return 0;
    size_t rows = (size_t)n;
    b->id = realloc(b->id, rows * sizeof *b->id);
    b->reason = realloc(b->reason, rows * sizeof *b->reason);
    b->theta = realloc(b->theta, rows * (size_t)(width ? width : 1) * sizeof *b->theta);
    b->reply = realloc(b->reply, (size_t)MOTE_WORKER_REPLY_WORDS(n, beside) * sizeof *b->reply);
    b->rows = n;
    return b->id && b->reason && b->theta && b->reply ? 0 : -1;
}

/* Evaluates rows into the reply; returns its size in words. `request`: n, first term, number of terms. */
static int64_t evaluate(const mote_row_function *function, buffers *b, const int64_t request[3], int64_t retries)
{
    int64_t n = request[0], derived = function->derived_count;
    int64_t beside = derived + (function->gradient ? function->dimension : 0);
    double *values = (double *)(b->reply + 1);
    int code = 1;
    for (int64_t attempt = 0; code > 0 && attempt <= retries; ++attempt) {
        for (int64_t i = 0; i < n * (1 + beside); ++i)
            values[i] = NAN;
        memset(b->reason, 0, (size_t)n * sizeof *b->reason);
        mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = n, .dimension = function->dimension,
                             .stride = function->dimension, .theta = b->theta, .log_likelihood = values,
                             .derived_count = derived, .derived_stride = derived,
                             .derived = derived ? values + n : NULL,
                             .gradient = function->gradient ? values + n * (1 + derived) : NULL, .id = b->id,
                             .reason = b->reason };
        code = mote_row_function_call(function, &batch, request[1], request[2]);
    }
    b->reply[0] = code;
    memcpy(b->reply + 1 + n * (1 + beside), b->reason, (size_t)n * sizeof *b->reason);
    return MOTE_WORKER_REPLY_WORDS(n, beside);
}

static int serve_rows(const mote_space *space, buffers *b, const mote_worker_hello *hello)
{
    mote_row_function function;
    int64_t request[3], no_memory = MOTE_WORKER_NO_MEMORY;
    mote_space_row_function(space, &function);
    function.gradient = hello->gradient;
    while (!transfer(0, request, sizeof request)) {
        int64_t n = request[0];
        if (n < 1 || n > LONGEST_HELLO || (request[2] && !function.evaluate_terms))
            return 1;
        if (reserve(b, &function, n))
            return transfer(1, &no_memory, sizeof no_memory) || 1;
        if (transfer(0, b->id, (size_t)n * sizeof *b->id)
            || transfer(0, b->theta, (size_t)(n * space->theta_count) * sizeof *b->theta))
            return 1;
        int64_t words = evaluate(&function, b, request, hello->retries);
        if (transfer(1, b->reply, (size_t)words * sizeof *b->reply))
            return 1;
    }
    return 0;
}

static int serve(const mote_space *space, const mote_worker_hello *hello)
{
    buffers b = { 0 };
    int code = serve_rows(space, &b, hello);
    free(b.id);
    free(b.reason);
    free(b.reply);
    free(b.theta);
    return code;
}

int main(void)
{
    mote_worker_hello hello;
    mote_memory memory;
    mote_space space = { 0 };
    mote_loaded_plugin *plugin = NULL;
    if (transfer(0, &hello, sizeof hello) || hello.magic != MOTE_WORKER_MAGIC || hello.path_length < 0
        || hello.path_length > LONGEST_HELLO || hello.text_length < 0 || hello.text_length > LONGEST_HELLO) {
        fputs("mote-worker is started by mote itself; see the option executor = processes\n", stderr);
        return 64;
    }
    fcntl(SOCKET, F_SETFD, FD_CLOEXEC);
    /* A signal to the whole group is the run's affair: it stops, and closes the socket. */
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    char *path = calloc((size_t)hello.path_length + 1, 1), *text = calloc((size_t)hello.text_length + 1, 1);
    if (!path || !text || transfer(0, path, (size_t)hello.path_length) || transfer(0, text, (size_t)hello.text_length))
        return 1;
    start_watch();
    limit_memory(hello.memory);
    mote_memory_open(&memory, NULL);
    if (load(&plugin, &space, path, text, &memory))
        return 1;
    int code = serve(&space, &hello);
    mote_space_close(&space);
    mote_plugin_release(&plugin);
    free(path);
    free(text);
    return code;
}
