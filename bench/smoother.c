/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Smoothers on a linear-Gaussian series of 50 (case A): time of a run on one thread, and root mean square error of the
 * smoothed means (over the times) and of E sum x_{t-1} x_t, from replicates against the exact values.
 *
 * Usage: smoother [replicates, default 50] */
#include <math.h>
#include <mote/smoother.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "tests/support/linear_gaussian_exact.h"
#include "tests/support/state_space_models.h"

typedef struct method {
    const char *name;
    int64_t method, backward;
} method;

static const method methods[] = {
    { "ffbsi hybrid", MOTE_SMOOTHER_FFBSI, MOTE_BACKWARD_HYBRID },
    { "ffbsi exact", MOTE_SMOOTHER_FFBSI, MOTE_BACKWARD_EXACT },
    { "ffbsi mcmc", MOTE_SMOOTHER_FFBSI, MOTE_BACKWARD_MCMC },
    { "ffbsm", MOTE_SMOOTHER_FFBSM, 0 },
    { "two_filter", MOTE_SMOOTHER_TWO_FILTER, 0 },
    { "two_filter_linear", MOTE_SMOOTHER_TWO_FILTER_LINEAR, 0 },
    { "fixed_lag", MOTE_SMOOTHER_FIXED_LAG, 0 },
    { "genealogy", MOTE_SMOOTHER_GENEALOGY, 0 },
};

static int measure(const method *m, int64_t particles, int replicates, const linear_gaussian_exact *exact)
{
    double square = 0, functional = 0;
    const double started = bench_seconds();
    for (int r = 0; r < replicates; ++r) {
        const mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .seed = 1, .run_id = r,
                                                .particles = particles,
                                                .method = m->method, .backward = m->backward,
                                                .trajectories = m->method == MOTE_SMOOTHER_FFBSI ? particles : 0,
                                                .smoothing_lag = m->method == MOTE_SMOOTHER_FIXED_LAG ? 6 : 0 };
        mote_run *run = NULL;
        if (mote_run_open(&run, mote_smoother, &linear_gaussian_a, &options) || mote_run_finish(run)) {
            fprintf(stderr, "%s\n", mote_run_message(run));
            mote_run_close(&run);
            return 1;
        }
        for (int t = 0; t < 50; ++t)
            square += pow(mote_smoother_mean(run, 0)[t] - exact->smoothed[t], 2) / 50 / replicates;
        functional += pow(mote_smoother_functional(run, 0) - 91.141125749936, 2) / replicates;
        mote_run_close(&run);
    }
    printf("%-18s %6lld %10.2f %10.4f %10.2f\n", m->name, (long long)particles,
           (bench_seconds() - started) / replicates * 1e3,
           sqrt(square), sqrt(functional));
    return 0;
}

int main(int argc, char **argv)
{
    const int replicates = argc > 1 ? atoi(argv[1]) : 50;
    static linear_gaussian_exact exact;
    int failed = 0;
    bench_head("smoothing case A");
    linear_gaussian_solve(&exact, linear_gaussian_a.series->values, 50);
    printf("# %-16s %6s %10s %10s %10s\n", "method", "N", "ms", "rms mean", "rms sum");
    for (size_t k = 0; k < sizeof methods / sizeof *methods; ++k)
        for (int64_t particles = 100; particles <= 1000; particles *= 10)
            failed |= measure(&methods[k], particles, replicates, &exact);
    return failed;
}
