/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One problem with our defaults and 500 live points, for the table of peers. Prints on one line: calls, log Z - truth,
 * stated error, CPU seconds (evidence and errors included), microseconds per call beyond the likelihood; the fastest of
 * the windows.
 * Usage: nested_ours problem dimension [auto|slice|walk|bound] [windows, default 5] */
#include "bench/nested.h"

static int64_t step_named(const char *name)
{
    static const char *const names[] = { "auto", "bound", "slice", "walk" };
    for (int i = 0; i < 4; ++i)
        if (!strcmp(name, names[i]))
            return i;
    return 0;
}

int main(int argc, char **argv)
{
    static mote_problem problem;
    int windows = argc > 4 && atoi(argv[4]) > 0 ? atoi(argv[4]) : 5;
    if (argc < 3) {
        fprintf(stderr, "usage: nested_ours problem dimension [auto|slice|walk|bound] [windows]\n");
        return 1;
    }
    bench_open_problem(&problem, argv[1], atoi(argv[2]));
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .seed = 1, .live_points = 500,
                                    .step = argc > 3 ? step_named(argv[3]) : MOTE_STEP_AUTO, .polish = 1,
                                    .executor = MOTE_EXECUTOR_SERIAL };
    double seconds = 1e300, likelihood = 1e300;
    bench_run run = { 0 };
    for (int window = 0; window < windows; ++window) {
        run = bench_nested(&problem, &options);
        likelihood = fmin(likelihood, bench_likelihood(&problem, run.calls));
        seconds = fmin(seconds, run.sampling + run.ending);
    }
    printf("%lld %.4f %.4f %.4f %.4f\n", (long long)run.calls, run.log_evidence - problem.log_evidence, run.error,
           seconds, 1e6 * (seconds - likelihood) / (double)run.calls);
    return 0;
}
