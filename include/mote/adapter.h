/* SPDX-License-Identifier: BSD-2-Clause */
/* What mote/multinest.h and mote/polychord.h share: a nested run with numbered parameters, dumps at intervals, files
 * and progress on stderr, from the public interface alone. Header only, C11 and C++17; link with mote. */
#ifndef MOTE_ADAPTER_H
#define MOTE_ADAPTER_H

#include <mote/nested.h>
#include <mote/output.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct mote_adapter mote_adapter;

/* Called with the draws so far: every `interval` deaths (at most ten times a second), and at the end. */
typedef int mote_adapter_dump(mote_adapter *adapter, const mote_draws *draws);

struct mote_adapter {
    mote_nested_options options;
    mote_hooks hooks;
    mote_target target;
    mote_parameter *parameters;
    char *names;            /* 16 bytes for each parameter */
    mote_adapter_dump *dump;
    void *ctx;              /* of dump */
    const char *root;       /* of result files; NULL: none are written */
    int64_t getdist, anesthetic, equal_weights, json; /* which of them */
    int64_t resume;         /* 1: go on from the checkpoint folder when there is one */
    int64_t feedback;       /* 1: progress, warnings and messages on stderr */
    int64_t interval, next_dump; /* deaths */
    double next_report;     /* s */
};

static inline int64_t mote_adapter_seed(int seed)
{
    return seed < 0 ? (int64_t)time(NULL) : seed;
}

/* Room for `count` parameters. Close with mote_adapter_close, also after a failure. */
static inline int mote_adapter_open(mote_adapter *adapter, int64_t count)
{
    const mote_head options = MOTE_VERSIONED(mote_nested_options), hooks = MOTE_VERSIONED(mote_hooks);
    const mote_head target = MOTE_VERSIONED(mote_target);
    memset(adapter, 0, sizeof *adapter);
    adapter->options.head = options;
    adapter->hooks.head = hooks;
    adapter->target.head = target;
    if (count < 1)
        return MOTE_EINVAL;
    adapter->parameters = (mote_parameter *)calloc((size_t)count, sizeof *adapter->parameters);
    adapter->names = (char *)calloc((size_t)count, 16);
    adapter->target.parameters = adapter->parameters;
    adapter->target.parameter_count = count;
    adapter->target.parameter_size = sizeof *adapter->parameters;
    return adapter->parameters && adapter->names ? MOTE_OK : MOTE_ENOMEM;
}

static inline void mote_adapter_close(mote_adapter *adapter)
{
    free(adapter->parameters);
    free(adapter->names);
}

/* Parameter `index` becomes PREFIXnumber, with the prior and two arguments. */
static inline mote_parameter *mote_adapter_name(mote_adapter *adapter, int64_t index, const char *prefix,
                                                int64_t number, int64_t prior, double a, double b)
{
    mote_parameter *parameter = adapter->parameters + index;
    char *name = adapter->names + 16 * index;
    snprintf(name, 16, "%s%lld", prefix, (long long)number);
    parameter->name = name;
    parameter->prior = prior;
    parameter->argument[0] = a;
    parameter->argument[1] = b;
    return parameter;
}

/* How many of the last rows are the points that are live now: their live counts are n, n - 1, ..., 1. */
static inline int64_t mote_adapter_live(const mote_draws *draws, int64_t live_points)
{
    const double *live = mote_draws_live_count(draws);
    int64_t n = mote_draws_count(draws), count = 0;
    while (live && count < n && count < live_points && live[n - 1 - count] == (double)(count + 1))
        ++count;
    return count;
}

static inline int mote_adapter_progress(void *ctx, const mote_progress *progress)
{
    mote_adapter *adapter = (mote_adapter *)ctx;
    if (adapter->feedback && progress->iterations > 0 && progress->seconds >= adapter->next_report) {
        adapter->next_report = progress->seconds + 1;
        fprintf(stderr, "mote: %lld deaths, %lld calls, log Z %.3f +- %.3f, remaining %.2g\n",
                (long long)progress->iterations, (long long)progress->calls, progress->log_evidence,
                progress->log_evidence_error, progress->remaining);
    }
    return adapter->interval > 0 && progress->iterations >= adapter->next_dump; /* 1: stop, dump, go on */
}

static inline void mote_adapter_log(void *ctx, int64_t level, const char *text)
{
    if (((mote_adapter *)ctx)->feedback && level >= MOTE_LOG_WARNING)
        fprintf(stderr, "mote: %s\n", text);
}

static inline int mote_adapter_write(mote_adapter *adapter, mote_run *run, const mote_draws *draws)
{
    const char *root = adapter->root;
    int status = MOTE_OK;
    if (root && adapter->getdist)
        status = mote_write_getdist(draws, root);
    if (root && adapter->anesthetic && !status)
        status = mote_write_anesthetic(draws, root);
    if (root && adapter->equal_weights && !status)
        status = mote_write_equal_weights(draws, root);
    if (root && adapter->json && !status)
        status = mote_write_json(run, root);
    if (status && adapter->feedback)
        fprintf(stderr, "mote: %s\n", mote_output_message());
    return status;
}

static inline int mote_adapter_results(mote_adapter *adapter, mote_run *run)
{
    const mote_draws *draws = mote_run_draws(run);
    int status = draws ? mote_adapter_write(adapter, run, draws) : MOTE_OK;
    if (draws && !status && adapter->dump)
        status = adapter->dump(adapter, draws);
    return status;
}

/* The whole run. A stop that the progress function asks for is a pause for a dump. */
static inline int mote_adapter_run(mote_adapter *adapter)
{
    mote_run *run = NULL;
    mote_progress progress;
    const mote_head head = MOTE_VERSIONED(mote_progress);
    adapter->hooks.progress = mote_adapter_progress;
    adapter->hooks.log = mote_adapter_log;
    adapter->hooks.ctx = adapter;
    adapter->options.hooks = &adapter->hooks;
    adapter->next_dump = adapter->interval;
    int status = mote_run_open(&run, mote_nested, &adapter->target, &adapter->options);
    if (!status && adapter->resume && adapter->options.checkpoint) {
        status = mote_run_resume(run);
        status = status == MOTE_ENOENT ? MOTE_OK : status;
    }
    while (!status && (status = mote_run_finish(run)) == MOTE_STOPPED) {
        progress.head = head;
        status = mote_run_progress(run, &progress);
        adapter->next_dump = progress.iterations + adapter->interval;
        status = status ? status : mote_adapter_results(adapter, run);
    }
    if (status && adapter->feedback && *mote_run_message(run))
        fprintf(stderr, "mote: %s\n", mote_run_message(run));
    status = status ? status : mote_adapter_results(adapter, run);
    mote_run_close(&run);
    return status;
}

#endif
