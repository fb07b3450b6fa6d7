/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Particle MCMC: CPU time, one thread.
 *
 *   1. one likelihood of particle marginal Metropolis-Hastings on case B (linear-Gaussian, T = 100), plain and correlated,
 *      proposal, priors and bookkeeping included; and what that means for 1e5 iterations at N = 100, 200, ..., 1500
 *   2. SMC^2 on case B, 1000 parameter particles, the number of particles adapted
 *   3. SMC^2 on 750 stochastic-volatility observations (formula), 1000 parameter particles, three parameters
 *
 * Usage: pmcmc [repeats, default 3] [skip: 1 leaves out part 3]. Beside it: bench/pmcmc_peer.py. */
#include <math.h>
#include <mote/pmmh.h>
#include <mote/smc2.h>
#include <string.h>

#include "bench/bench.h"
#include "model/draws.h"
#include "tests/support/case_b.h"
#include "tests/support/state_space_models.h"

static mote_run *finished(const mote_algorithm *algorithm, const mote_ssm *model, const void *options)
{
    mote_run *run = NULL;
    if (mote_run_open(&run, algorithm, model, options) || mote_run_finish(run)) {
        fprintf(stderr, "%s\n", mote_run_message(run));
        exit(1);
    }
    return run;
}

static double result(mote_run *run, const char *name)
{
    return mote_draws_result(mote_run_draws(run), name)->value;
}

/* ---- likelihoods ---- */

/* Microseconds of one evaluation. */
static double evaluation(int64_t particles, double correlation, int64_t count, int repeats)
{
    const mote_pmmh_options options = { MOTE_VERSIONED(mote_pmmh_options), .particles = particles, .chains = 1, .seed = 1,
                                        .draws = count, .warm_up = 50, .correlation = correlation, .evaluations = 2 };
    double best = 1e300;
    for (int r = 0; r < repeats; ++r) {
        mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
        const double start = bench_seconds();
        mote_run *run = finished(mote_pmmh, case_b(), &options);
        const double seconds = bench_seconds() - start;
        mote_run_ledger(run, &ledger);
        best = fmin(best, 1e6 * seconds / (double)ledger.calls);
        mote_run_close(&run);
    }
    return best;
}

static void likelihoods(int repeats)
{
    static const int64_t sizes[] = { 10, 30, 100, 300, 1000, 3000 };
    double script = 0;
    printf("# likelihoods of case B: microseconds each, ns per particle and time\n#    N   plain    ns   correlated    ns\n");
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; ++k) {
        const int64_t n = sizes[k], count = 2000000 / (100 * n) + 100;
        const double plain = evaluation(n, 0, count, repeats), correlated = evaluation(n, 0.99, count, repeats);
        printf("%6lld %7.1f %5.2f %12.1f %5.2f\n", (long long)n, plain, 10 * plain / (double)n, correlated,
               10 * correlated / (double)n);
    }
    for (int64_t n = 100; n <= 1500; n += 100)
        script += 1e5 * 1e-6 * evaluation(n, 0, 200, 1);
    printf("# 1e5 iterations at each of N = 100, 200, ..., 1500: %.0f s on one core\n", script);
}

/* ---- SMC^2 ---- */

static void sequential(const char *name, const mote_ssm *model, int repeats)
{
    double best = 1e300, steps = 0, log_evidence = 0, error = 0, particles = 0;
    for (int r = 0; r < repeats; ++r) {
        const mote_smc2_options options = { MOTE_VERSIONED(mote_smc2_options), .parameter_particles = 1000, .particles = 100,
                                            .seed = 1 + r };
        const double start = bench_seconds();
        mote_run *run = finished(mote_smc2, model, &options);
        const double seconds = bench_seconds() - start;
        if (seconds < best) {
            best = seconds;
            steps = result(run, "particle_steps");
            log_evidence = result(run, "log_evidence");
            error = result(run, "log_evidence_error");
            particles = result(run, "particles");
        }
        mote_run_close(&run);
    }
    printf("%-22s %8.2f s, %.3g particle-steps, %.2f ns each; log Z %.3f +- %.3f, N_x at the end %g\n", name, best, steps,
           1e9 * best / steps, log_evidence, error, particles);
}

int main(int argc, char **argv)
{
    const int repeats = argc > 1 ? atoi(argv[1]) : 3, skip = argc > 2 ? atoi(argv[2]) : 0;
    static const mote_parameter parameters[] = { MOTE_NORMAL("mu", -1, 1), MOTE_UNIFORM("rho", 0, 0.99),
                                                 MOTE_UNIFORM("sigma", 0.01, 0.8) };
    static double returns[750];
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = 750, .values = returns };
    mote_ssm volatility = volatility_e;
    if (!case_b())
        return 77;
    for (int t = 0; t < 750; ++t)
        returns[t] = case_e_observation(t + 1);
    volatility.parameters = parameters;
    volatility.series = &series;
    bench_head("pmcmc");
    likelihoods(repeats);
    printf("# SMC^2, 1000 parameter particles, three moves at each resampling\n");
    sequential("case B, T = 100", case_b(), repeats);
    if (!skip)
        sequential("volatility, T = 750", &volatility, 1);
    return 0;
}
