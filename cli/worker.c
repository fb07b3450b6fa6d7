/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote-worker: evaluates rows of a plug-in model for the processes executor. Started by a run with a socket on
 * descriptor 3 (core/worker.h); of no use by hand. Its death is its way to say that a point failed. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <mote/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/worker.h"
#include "model/plugin.h"
#include "model/space.h"

enum { SOCKET = MOTE_WORKER_DESCRIPTOR, LONGEST_HELLO = 1 << 24 };

static long memory_limit; /* pages; 0: none */

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

/* A crash close to the memory limit is told apart from others by the exit code: the first number of
 * /proc/self/statm is the size of the address space in pages. Only async-signal-safe calls. */
static void on_crash(int number)
{
    char text[64] = { 0 };
    int file = memory_limit ? open("/proc/self/statm", O_RDONLY) : -1;
    if (file >= 0 && read(file, text, sizeof text - 1) > 0) {
        long pages = 0;
        for (const char *c = text; *c >= '0' && *c <= '9'; ++c)
            pages = 10 * pages + (*c - '0');
        if (pages > memory_limit - memory_limit / 8)
            _exit(MOTE_WORKER_OUT_OF_MEMORY);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void limit_memory(int64_t mebibytes)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
    struct rlimit limit = { (rlim_t)mebibytes << 20, (rlim_t)mebibytes << 20 };
    struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    if (!mebibytes)
        return;
    setrlimit(RLIMIT_AS, &limit);
    memory_limit = (long)((mebibytes << 20) / sysconf(_SC_PAGESIZE));
    for (size_t i = 0; i < sizeof signals / sizeof *signals; ++i)
        signal(signals[i], on_crash);
}

static int say_ready(int status, const mote_space *space, const char *message)
{
    mote_worker_ready ready = { MOTE_WORKER_MAGIC, status, space ? space->theta_count : 0,
                                space ? space->derived_count : 0, (int64_t)strlen(message) };
    if (transfer(1, &ready, sizeof ready))
        return -1;
    return ready.message_length ? transfer(1, (char *)message, (size_t)ready.message_length) : 0;
}

static int load(mote_space *space, const char *path, const char *text, const mote_memory *memory,
                mote_message *message)
{
    mote_loaded_plugin *plugin = NULL;
    int status = mote_plugin_load_text(&plugin, path, text, message->text, sizeof message->text);
    return status ? status : mote_space_open(space, mote_plugin_target(plugin), memory, message);
}

typedef struct buffers {
    int64_t rows, *id, *reason, *reply;
    double *theta;
} buffers;

static int reserve(buffers *b, const mote_space *space, int64_t n)
{
    if (n <= b->rows)
        return 0;
    size_t rows = (size_t)n;
    b->id = realloc(b->id, rows * sizeof *b->id);
    b->reason = realloc(b->reason, rows * sizeof *b->reason);
    b->theta = realloc(b->theta, rows * (size_t)(space->theta_count ? space->theta_count : 1) * sizeof *b->theta);
    b->reply = realloc(b->reply, (size_t)MOTE_WORKER_REPLY_WORDS(n, space->derived_count) * sizeof *b->reply);
    b->rows = n;
    return b->id && b->reason && b->theta && b->reply ? 0 : -1;
}

/* Evaluates n rows into the reply; returns its size in words. */
static int64_t evaluate(const mote_row_function *function, buffers *b, int64_t n, int64_t retries)
{
    int64_t derived = function->derived_count;
    double *values = (double *)(b->reply + 1);
    int code = 1;
    for (int64_t attempt = 0; code > 0 && attempt <= retries; ++attempt) {
        for (int64_t i = 0; i < n * (1 + derived); ++i)
            values[i] = NAN;
        memset(b->reason, 0, (size_t)n * sizeof *b->reason);
        mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = n, .dimension = function->dimension,
                             .stride = function->dimension, .theta = b->theta, .log_likelihood = values,
                             .derived_count = derived, .derived_stride = derived,
                             .derived = derived ? values + n : NULL, .id = b->id, .reason = b->reason };
        code = function->evaluate(function->ctx, &batch);
    }
    b->reply[0] = code;
    memcpy(b->reply + 1 + n * (1 + derived), b->reason, (size_t)n * sizeof *b->reason);
    return MOTE_WORKER_REPLY_WORDS(n, derived);
}

static int serve(const mote_space *space, int64_t retries)
{
    mote_row_function function;
    buffers b = { 0 };
    int64_t n;
    mote_space_row_function(space, &function);
    while (!transfer(0, &n, sizeof n)) {
        if (n < 1 || n > LONGEST_HELLO || reserve(&b, space, n))
            return MOTE_WORKER_OUT_OF_MEMORY;
        if (transfer(0, b.id, (size_t)n * sizeof *b.id)
            || transfer(0, b.theta, (size_t)(n * space->theta_count) * sizeof *b.theta))
            return 1;
        int64_t words = evaluate(&function, &b, n, retries);
        if (transfer(1, b.reply, (size_t)words * sizeof *b.reply))
            return 1;
    }
    return 0;
}

int main(void)
{
    mote_worker_hello hello;
    mote_memory memory;
    mote_message message = { "" };
    mote_space space;
    if (transfer(0, &hello, sizeof hello) || hello.magic != MOTE_WORKER_MAGIC || hello.path_length < 0
        || hello.path_length > LONGEST_HELLO || hello.text_length < 0 || hello.text_length > LONGEST_HELLO) {
        fputs("mote-worker is started by mote itself; see the option executor = processes\n", stderr);
        return 64;
    }
    fcntl(SOCKET, F_SETFD, FD_CLOEXEC);
    char *path = calloc((size_t)hello.path_length + 1, 1), *text = calloc((size_t)hello.text_length + 1, 1);
    if (!path || !text || transfer(0, path, (size_t)hello.path_length) || transfer(0, text, (size_t)hello.text_length))
        return 1;
    limit_memory(hello.memory);
    mote_memory_open(&memory, NULL);
    int status = load(&space, path, text, &memory, &message);
    if (say_ready(status, status ? NULL : &space, status ? message.text : "") || status)
        return 1;
    return serve(&space, hello.retries);
}
