/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of nested sampling with its costs, and the bare likelihood as yardstick: what the benchmarks share. */
#ifndef MOTE_BENCH_NESTED_H
#define MOTE_BENCH_NESTED_H

#include <math.h>
#include <mote/nested.h>
#include <string.h>

#include "bench/bench.h"
#include "core/source.h"
#include "tests/support/problems.h"

typedef struct bench_run {
    int64_t calls, deaths;
    double log_evidence, error;  /* nats */
    double sampling, ending;     /* CPU seconds of this thread: up to the stop rule; evidence, weights and errors */
    double wall;                 /* s, both together */
} bench_run;

static inline double bench_wall(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A problem that cannot be opened is an error of the benchmark itself. */
static inline void bench_open_problem(mote_problem *problem, const char *name, int64_t dimension)
{
    if (!mote_problem_open(problem, name, dimension))
        return;
    fprintf(stderr, "no problem %s in %d dimensions\n", name, (int)dimension);
    exit(1);
}

/* One whole run; ends the program when it fails, since a benchmark of a failed run means nothing. */
static inline bench_run bench_nested(const mote_problem *problem, const mote_nested_options *options)
{
    mote_run *run = NULL;
    mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    double wall = bench_wall(), start = bench_seconds();
    int status = mote_run_open(&run, mote_nested, &problem->target, options);
    if (!status)
        status = mote_run_finish(run);
    double middle = bench_seconds();
    if (!status)
        status = mote_nested_get_result(run, &result);
    bench_run cost = { .sampling = middle - start, .ending = bench_seconds() - middle };
    if (!status)
        status = mote_run_ledger(run, &ledger);
    if (status) {
        fprintf(stderr, "%s-%d: %s\n", problem->target.name, (int)problem->dimension, mote_run_message(run));
        exit(1);
    }
    mote_run_close(&run);
    cost.wall = bench_wall() - wall;
    cost.calls = ledger.calls;
    cost.deaths = result.iterations;
    cost.log_evidence = result.log_evidence;
    cost.error = result.log_evidence_error;
    return cost;
}

/* CPU seconds of `calls` bare calls of the likelihood, at points spread over the box. */
static inline double bench_likelihood(const mote_problem *problem, int64_t calls)
{
    enum { POINTS = 256 };
    static double theta[POINTS * MOTE_PROBLEM_DIMENSIONS];
    static volatile double sink;
    const mote_target *target = &problem->target;
    int64_t d = problem->dimension;
    mote_source source = mote_source_live(1);
    mote_uniforms(&source, theta, POINTS * d);
    for (int64_t i = 0; i < POINTS * d; ++i) {
        const double *box = problem->parameters[i % d].argument;
        theta[i] = box[0] + (box[1] - box[0]) * theta[i];
    }
    double sum = 0, value, start = bench_seconds();
    for (int64_t i = 0; i < calls; ++i) {
        target->log_likelihood_point(target->ctx, theta + i % POINTS * d, &value, NULL);
        sum += value;
    }
    double seconds = bench_seconds() - start;
    sink = sum;
    (void)sink;
    return seconds;
}

#endif
