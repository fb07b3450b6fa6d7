/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The threads executor, in wall time: speed-up with a likelihood of about 100 us, cost with one that is nearly free,
 * and the same beside a process that computes all the time (started here, for a few seconds at most). Serial runs and
 * runs with threads take turns; the fastest of each counts. On a machine that others use these ratios mean little: the
 * load average is printed.
 *
 * Goals for two threads: speed-up 1.8; a nearly free likelihood costs no more than 1.05 of the serial run; a busy
 * neighbour slows a run down by at most 2.
 * Usage: threads [windows, default 8] */
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/nested.h"

enum { DIMENSION = 10, CALLS_SLOW = 4000, CALLS_FAST = 100000, LONGEST_COMPETITION = 60 };

static mote_problem problem;
static int64_t rounds; /* of the slow likelihood */

static double work(int64_t n)
{
    double x = 0.5;
    for (int64_t i = 0; i < n; ++i)
        x = 3.7 * x * (1 - x);
    return x;
}

static int slow(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    int status = problem.target.log_likelihood_point(ctx, theta, log_likelihood, derived);
    if (work(rounds) > 2) /* never: keeps the work */
        *log_likelihood = 0;
    return status;
}

/* Rounds that take 100 us, from the fastest of some trials. */
static void calibrate(void)
{
    enum { TRIAL = 100000 };
    double best = 1e300;
    static volatile double sink;
    for (int i = 0; i < 20; ++i) {
        double start = bench_seconds();
        sink = work(TRIAL);
        double seconds = bench_seconds() - start;
        best = seconds < best ? seconds : best;
    }
    (void)sink;
    rounds = (int64_t)(TRIAL * 100e-6 / best);
}

static double run_once(const mote_target *target, int64_t threads, int64_t calls)
{
    mote_run *run = NULL;
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .seed = 1, .step = MOTE_STEP_SLICE,
                                    .executor = threads > 1 ? MOTE_EXECUTOR_THREADS : MOTE_EXECUTOR_SERIAL,
                                    .threads = threads, .max_calls = calls, .polish = 1 };
    double start = bench_wall();
    int status = mote_run_open(&run, mote_nested, target, &options);
    if (!status)
        status = mote_run_finish(run);
    if (status) {
        fprintf(stderr, "threads: %s\n", mote_run_message(run));
        exit(1);
    }
    double seconds = bench_wall() - start;
    mote_run_close(&run);
    return seconds;
}

/* A process that computes until it is told to stop, or for a minute. */
static pid_t compete(void)
{
    pid_t child = fork();
    if (child == 0) {
        alarm(LONGEST_COMPETITION);
        for (;;)
            if (work(1000) > 2)
                _exit(1);
    }
    return child;
}

static void end_competition(pid_t child)
{
    if (child <= 0)
        return;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* Fastest of the windows: serial, two threads, and (when asked for) both beside a competitor. */
static void measure(const mote_target *target, int64_t calls, int windows, double seconds[4])
{
    for (int i = 0; i < 4; ++i)
        seconds[i] = 1e300;
    for (int window = 0; window < windows; ++window)
        for (int i = 0; i < 4; ++i) {
            pid_t competitor = i >= 2 ? compete() : 0;
            double took = run_once(target, i % 2 ? 2 : 1, calls);
            end_competition(competitor);
            seconds[i] = took < seconds[i] ? took : seconds[i];
        }
}

static void print(const char *what, double ratio, double goal, int more_is_better)
{
    int met = more_is_better ? ratio >= goal : ratio <= goal;
    printf("%-62s %7.2f %7.2f  %s\n", what, ratio, goal, met ? "met" : "missed");
}

int main(int argc, char **argv)
{
    int windows = argc > 1 && atoi(argv[1]) > 0 ? atoi(argv[1]) : 8;
    double far[4], near[4];
    bench_open_problem(&problem, "gauss", DIMENSION);
    mote_target costly = problem.target;
    costly.log_likelihood_point = slow;
    calibrate();
    measure(&costly, CALLS_SLOW, windows, far);
    measure(&problem.target, CALLS_FAST, windows, near);
    bench_head("threads executor, two threads, wall time");
    printf("processors: %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
    printf("%-62s %7s %7s\n", "what", "ratio", "goal");
    print("likelihood of 100 us: serial / two threads", far[0] / far[1], 1.8, 1);
    print("likelihood nearly free: two threads / serial", near[1] / near[0], 1.05, 0);
    print("100 us, two threads: beside a busy process / alone", far[3] / far[1], 2, 0);
    print("nearly free, two threads: beside a busy process / alone", near[3] / near[1], 2, 0);
    printf("  (serial beside a busy process / alone: %.2f with 100 us, %.2f nearly free)\n", far[2] / far[0],
           near[2] / near[0]);
    return 0;
}
