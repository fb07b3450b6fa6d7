/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plug-in for tests that does what plug-ins should not. A hill on the unit square; in the strip x < edge:
 *
 *   fault    none      nothing
 *            exit, segv, abort, fpe, stack    ends the process that way
 *            hang      never returns
 *            memory    takes memory until there is none, then writes to it
 *            orphan    starts a process that keeps all files open, and crashes
 *            closes    closes every file and goes on
 *   and everywhere:
 *            leak      each row keeps 1 MiB
 *            tire      never returns from the 1200th row of a process on
 *            suicide   every 13th row of a process kills it
 *            globals   static scratch that a second caller at the same time would spoil
 *            print     writes lines to standard output and error
 *   twin     1: in the strip the function reports a failure instead, which an executor must not tell apart
 *   batch    1: a batch function
 *   data     file that the model reads
 *   open     exit, fail: when MOTE_HOSTILE is set in the environment, as the test does once it has loaded the model
 *   left     file that gets one letter when a process releases the model */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <mote/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    mote_target target;
    char fault[32], left[512];
    double edge;
    int64_t twin;
} model;

static const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1), MOTE_DERIVED("sum") };

static int is(const char *fault)
{
    return !strcmp(model.fault, fault);
}

static void pause_for(long microseconds)
{
    const struct timespec time = { microseconds / 1000000, microseconds % 1000000 * 1000 };
    nanosleep(&time, NULL);
}

static volatile int zero;

static int overflow_stack(int depth)
{
    volatile char frame[4096];
    frame[0] = (char)depth;
    return depth < 0 ? 0 : overflow_stack(depth + 1) + frame[0];
}

static void take_all_memory(void)
{
    for (;;) {
        volatile char *block = malloc(1 << 20);
        block[0] = 1;
    }
}

static void misbehave(void)
{
    if (is("exit"))
        exit(3);
    if (is("segv"))
        *(volatile char *)(uintptr_t)zero = 1;
    if (is("abort"))
        abort();
    if (is("fpe"))
        raise(SIGFPE), zero = 1 / zero;
    if (is("stack"))
        zero = overflow_stack(zero);
    if (is("memory"))
        take_all_memory();
    while (is("hang"))
        pause_for(1000000);
    if (is("orphan")) {
        if (fork() == 0) {
            pause_for(30000000);
            _exit(0);
        }
        abort();
    }
    for (int file = 0; is("closes") && file < 1000; ++file)
        close(file);
}

/* What goes wrong anywhere, by the history of the process. */
static void live_on(void)
{
    static int rows;
    ++rows;
    if (is("suicide") && rows % 13 == 0)
        raise(SIGKILL);
    while (is("tire") && rows >= 1200)
        pause_for(1000000);
    if (is("leak"))
        *(volatile char *)malloc(1 << 20) = 1;
    if (is("print")) {
        printf("row %d\n", rows);
        fprintf(stderr, "row %d\n", rows);
    }
}

static double scratch[2];

static double hill(const double *theta)
{
    scratch[0] = (theta[0] - 0.6) / 0.1;
    if (is("globals"))
        pause_for(30); /* long enough for another caller to come between */
    scratch[1] = (theta[1] - 0.5) / 0.1;
    return -0.5 * (scratch[0] * scratch[0] + scratch[1] * scratch[1]);
}

static int point(void *ctx, const double *theta, double *value, double *derived)
{
    (void)ctx;
    if (theta[0] < model.edge) {
        if (model.twin)
            return 1;
        misbehave();
    }
    if (!model.twin)
        live_on();
    *value = hill(theta);
    derived[0] = theta[0] + theta[1];
    return 0;
}

static int batch(void *ctx, const mote_batch *rows)
{
    for (int64_t i = 0; i < rows->n; ++i)
        if (point(ctx, rows->theta + i * rows->stride, rows->log_likelihood + i, rows->derived + i * rows->derived_stride))
            rows->reason[i] = MOTE_REASON_RETURNED;
    return 0;
}

static void release(void *ctx)
{
    (void)ctx;
    FILE *file = *model.left ? fopen(model.left, "a") : NULL;
    if (file) {
        fputc('r', file);
        fclose(file);
    }
}

static int open_badly(const mote_host *host, const char *way)
{
    if (!getenv("MOTE_HOSTILE"))
        return 0;
    if (!strcmp(way, "exit"))
        exit(4);
    host->error(host->ctx, "the tests asked for it");
    return !strcmp(way, "fail") ? MOTE_EINVAL : 0;
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *out)
{
    char text[256], path[512];
    int64_t batched = 0;
    const char *data = host->config_get(section, "data", NULL);
    snprintf(model.fault, sizeof model.fault, "%s", host->config_get(section, "fault", "none"));
    snprintf(model.left, sizeof model.left, "%s", host->config_get(section, "left", ""));
    if (host->config_real(section, "edge", 0.03, &model.edge, text, sizeof text)
        || host->config_integer(section, "twin", 0, &model.twin, text, sizeof text)
        || host->config_integer(section, "batch", 0, &batched, text, sizeof text))
        return MOTE_EPARSE;
    if (data && !host->config_path(section, data, path, sizeof path))
        host->identify(host->ctx, path);
    model.target = (mote_target){ MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters), .name = "hostile" };
    if (batched)
        model.target.log_likelihood = batch;
    else
        model.target.log_likelihood_point = point;
    out->target = &model.target;
    out->release = release;
    return open_badly(host, host->config_get(section, "open", "ok"));
}
