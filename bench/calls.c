/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Likelihood calls against what others need on the same problems, with 500 live points and runs that end when the live
 * points hold 1e-3 of the evidence. The bars, measured with those programs (means over five seeds, the same 500 live
 * points): up to 5 dimensions MultiNest 3.12 at efficiency .3, from 10 on half of PolyChordLite 1.22 with 2 d steps.
 * MultiNest is biased from 10 dimensions on, hence the second bar. log Z of every row is known exactly, and few calls for
 * a wrong answer meet nothing: a mean more than three stated errors off the truth is called wrong (spike-10 needs more
 * live points than these).
 *
 * Usage: calls [seeds, default 5] [problem, default all; "quick": those of up to 5 dimensions] */
#include "bench/nested.h"

typedef struct row {
    const char *problem;
    int64_t dimension;
    double bar; /* calls */
    const char *of;
} row;

static const row ROWS[] = {
    { "eggbox", 2, 19.0e3, "MultiNest .3" },
    { "shells", 2, 14e3, "MultiNest .3" },
    { "shells", 5, 98e3, "MultiNest .3" },
    { "rosenbrock", 2, 16e3, "MultiNest .3" },
    { "gauss", 2, 11e3, "MultiNest .3" },
    { "shells", 10, 640e3, "PolyChord / 2" },
    { "gauss", 10, 454e3, "PolyChord / 2" },
    { "equicorr", 10, 890e3, "PolyChord / 2" },
    { "loggamma", 10, 645e3, "PolyChord / 2" },
    { "spike", 10, 800e3, "PolyChord / 2" },
    { "gauss", 20, 1.43e6, "PolyChord / 2" },
    { "gauss", 30, 2.88e6, "PolyChord / 2" },
};

static const char *verdict(double calls, double bar, double difference, double error)
{
    return fabs(difference) > 3 * error ? "wrong" : calls <= bar ? "met" : "missed";
}

/* Means over the seeds. */
static void run_row(const row *r, int seeds)
{
    static mote_problem problem;
    double calls = 0, difference = 0, square = 0, error = 0, seconds = 0;
    bench_open_problem(&problem, r->problem, r->dimension);
    for (int seed = 1; seed <= seeds; ++seed) {
        mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .seed = seed, .live_points = 500,
                                        .precision = 1e-3, .polish = 1, .executor = MOTE_EXECUTOR_SERIAL };
        bench_run run = bench_nested(&problem, &options);
        double miss = run.log_evidence - problem.log_evidence;
        calls += (double)run.calls / seeds;
        difference += miss / seeds;
        square += miss * miss / seeds;
        error += run.error / seeds;
        seconds += (run.sampling + run.ending) / seeds;
    }
    double spread = seeds > 1 ? sqrt(fmax(square - difference * difference, 0) * seeds / (seeds - 1)) : NAN;
    printf("%-10s %3d %9.0f %9.0f  %-13s %6.2f %-6s %+8.3f %7.3f %7.3f %7.2f\n", r->problem, (int)r->dimension, calls,
           r->bar, r->of, calls / r->bar, verdict(calls, r->bar, difference, error), difference, spread, error, seconds);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int seeds = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 5;
    const char *which = argc > 2 ? argv[2] : "all";
    bench_head("likelihood calls, 500 live points, stop at 1e-3 of the evidence, default sampler");
    printf("means over %d seeds; spread: standard deviation of log Z - truth; stated: mean of the errors given\n",
           seeds);
    printf("%-10s %3s %9s %9s  %-13s %6s %-6s %8s %7s %7s %7s\n", "problem", "d", "calls", "bar", "of", "ratio", "",
           "log Z -", "spread", "stated", "CPU, s");
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; ++i)
        if (!strcmp(which, "all") || !strcmp(which, ROWS[i].problem) ||
            (!strcmp(which, "quick") && ROWS[i].dimension <= 5))
            run_row(&ROWS[i], seeds);
    return 0;
}
