/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMC samplers: what an evidence costs. Repeated runs on conjugate normals (prior N(0, 1), likelihood of sd 0.1 in each
 * of d dimensions; log Z is known), waste-free with a random walk at the chain length of the peer's example, at ours,
 * and MALA.
 *
 *     smc_sampler [seeds]
 *
 * Columns: rms error of log Z, the reported error, calls, us of CPU per call, and calls x (rms error)^2: the calls that
 * one unit of variance costs, which does not depend on the number of particles. bench/smc_sampler_peer.py prints the
 * same of the Python package `particles` for the first rows. */
#include <math.h>
#include <mote/mote.h>
#include <string.h>

#include "bench/bench.h"

enum { MOST = 50 };
static int64_t dimension;
static const double width = 0.1;

static int normals(void *ctx, const mote_batch *rows)
{
    (void)ctx;
    const double constant = -(double)dimension * log(width * sqrt(2 * 3.14159265358979323846));
    for (int64_t i = 0; i < rows->n; ++i) {
        const double *x = rows->theta + i * rows->stride;
        double sum = 0;
        for (int64_t j = 0; j < dimension; ++j)
            sum += x[j] * x[j];
        rows->log_likelihood[i] = constant - 0.5 * sum / width / width;
        for (int64_t j = 0; rows->gradient && j < dimension; ++j)
            rows->gradient[i * rows->stride + j] = -x[j] / width / width;
    }
    return 0;
}

static void fail(mote_run *run)
{
    fprintf(stderr, "%s\n", mote_run_message(run));
    exit(1);
}

static void measure(const char *what, int64_t d, mote_smc_options options, int seeds)
{
    static char names[MOST][8];
    mote_parameter parameters[MOST];
    double squares = 0, reported = 0, calls = 0;
    dimension = d;
    for (int64_t j = 0; j < d; ++j) {
        snprintf(names[j], sizeof names[j], "x%d", (int)j);
        parameters[j] = (mote_parameter)MOTE_NORMAL(names[j], 0, 1);
    }
    const mote_target target = { MOTE_VERSIONED(mote_target), .parameters = parameters, .parameter_count = d,
                                 .parameter_size = sizeof(mote_parameter), .log_likelihood = normals,
                                 .flags = MOTE_HAS_GRADIENT };
    const double exact = -0.5 * (double)d * log(2 * 3.14159265358979323846 * (1 + width * width));
    const double start = bench_seconds();
    for (int s = 0; s < seeds; ++s) {
        mote_run *run = NULL;
        mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
        options.seed = s + 1;
        if (mote_run_open(&run, mote_smc, &target, &options) || mote_run_finish(run) || !mote_run_draws(run))
            fail(run);
        const double error = mote_draws_log_evidence(mote_run_draws(run)) - exact;
        squares += error * error / seeds;
        reported += pow(mote_draws_log_evidence_error(mote_run_draws(run)), 2) / seeds;
        if (!mote_run_ledger(run, &ledger))
            calls += (double)ledger.calls / seeds;
        mote_run_close(&run);
    }
    const double seconds = (bench_seconds() - start) / seeds;
    printf("%-26s d %2d  rms %.3f  reported %.3f  calls %8.0f  us/call %6.2f  calls x variance %8.0f\n", what, (int)d,
           sqrt(squares), sqrt(reported), calls, 1e6 * seconds / calls, calls * squares);
    fflush(stdout);
}

static mote_smc_options options_of(int64_t form, int64_t kernel, int64_t particles, int64_t length)
{
    return (mote_smc_options){ MOTE_VERSIONED(mote_smc_options), .form = form, .kernel = kernel, .particles = particles,
                               .chain_length = length };
}

int main(int argc, char **argv)
{
    const int seeds = argc > 1 ? atoi(argv[1]) : 40;
    const int64_t dimensions[] = { 2, 10 };
    bench_head("SMC samplers: conjugate normals");
    for (int i = 0; i < 2; ++i) {
        const int64_t d = dimensions[i];
        measure("random walk, P = 10", d, options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 10000, 10), seeds);
        measure("random walk, P = 100", d, options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 10000, 100), seeds);
        measure("random walk, P by default", d, options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 10000, 0), seeds);
        measure("mala", d, options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_MALA, 10000, 0), seeds);
        measure("plain, random walk", d, options_of(MOTE_SMC_PLAIN, MOTE_SMC_RANDOM_WALK, 300, 0), seeds);
        measure("plain, mala", d, options_of(MOTE_SMC_PLAIN, MOTE_SMC_MALA, 1000, 0), seeds);
        measure("persistent, mala", d, options_of(MOTE_SMC_PERSISTENT, MOTE_SMC_MALA, 1000, 0), seeds);
    }
    measure("mala", 50, options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_MALA, 10000, 0), seeds / 4 ? seeds / 4 : 1);
    return 0;
}
