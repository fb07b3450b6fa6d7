/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a likelihood call costs beyond the likelihood: whole runs on a cheap Gaussian, 500 live points, serial executor,
 * per-point callback. overhead = (CPU time of the run - CPU time of as many bare calls) / calls, the fastest of all
 * windows for both, runs and bare calls taking turns. The ending (evidence, weights, errors) is timed apart: it does
 * not grow with the calls.
 *
 * Goals: 0.4 us for slices in 10 and 20 dimensions and 2 us with ellipsoids; the walk has none of its own.
 * Usage: nested_overhead [windows, default 20] */
#include "bench/nested.h"

typedef struct contest {
    const char *name;
    int64_t dimension, step;
    double goal; /* us per call; 0: none */
    bench_run best;
    double likelihood; /* s */
} contest;

static void measure(contest *c, int windows)
{
    static mote_problem problem;
    bench_open_problem(&problem, "gauss", c->dimension);
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .seed = 1, .step = c->step,
                                    .executor = MOTE_EXECUTOR_SERIAL, .polish = 1 };
    for (int window = 0; window < windows; ++window) {
        bench_run run = bench_nested(&problem, &options);
        double likelihood = bench_likelihood(&problem, run.calls);
        if (window == 0 || run.sampling < c->best.sampling)
            c->best.sampling = run.sampling;
        if (window == 0 || run.ending < c->best.ending)
            c->best.ending = run.ending;
        if (window == 0 || likelihood < c->likelihood)
            c->likelihood = likelihood;
        c->best.calls = run.calls;
    }
}

static void print(const contest *c)
{
    double calls = (double)c->best.calls, overhead = 1e6 * (c->best.sampling - c->likelihood) / calls;
    printf("%-12s %3d %9.0f %10.4f %11.3f", c->name, (int)c->dimension, calls, 1e6 * c->likelihood / calls, overhead);
    if (c->goal > 0)
        printf(" %7.2f %7.2f %-6s", c->goal, overhead / c->goal, overhead <= c->goal ? "met" : "missed");
    else
        printf(" %7s %7s %-6s", "-", "-", "-");
    printf(" %9.1f\n", 1e3 * c->best.ending);
}

int main(int argc, char **argv)
{
    int windows = argc > 1 ? atoi(argv[1]) : 20;
    contest contests[] = {
        { .name = "slice", .dimension = 10, .step = MOTE_STEP_SLICE, .goal = 0.4 },
        { .name = "slice", .dimension = 20, .step = MOTE_STEP_SLICE, .goal = 0.4 },
        { .name = "walk", .dimension = 10, .step = MOTE_STEP_WALK },
        { .name = "ellipsoids", .dimension = 2, .step = MOTE_STEP_BOUND, .goal = 2 },
        { .name = "ellipsoids", .dimension = 5, .step = MOTE_STEP_BOUND, .goal = 2 },
        { .name = "ellipsoids", .dimension = 10, .step = MOTE_STEP_BOUND, .goal = 2 },
    };
    bench_head("overhead per likelihood call, cheap Gaussian, 500 live points, one thread, CPU time");
    printf("%-12s %3s %9s %10s %11s %7s %7s %-6s %9s\n", "births by", "d", "calls", "likelihood", "overhead, us",
           "goal", "ratio", "", "ending, ms");
    for (size_t i = 0; i < sizeof contests / sizeof *contests; ++i) {
        measure(&contests[i], windows > 0 ? windows : 1);
        print(&contests[i]);
        fflush(stdout);
    }
    return 0;
}
