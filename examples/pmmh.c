/* SPDX-License-Identifier: BSD-2-Clause */
/* A population that grows and crashes, in units of which phi are counted (Ricker 1954; Wood 2010), learned by particle MCMC:
 *
 *     N_0 = 7,   log N' = log r + log N - N + sigma N(0, 1),   y ~ Poisson(phi N)
 *
 * No likelihood can be written down; a particle filter estimates it. PMMH gives the posterior of (log_r, sigma, phi) and
 * paths of the population; SMC^2 gives the posterior after every count, and the evidence. The counts are simulated, with
 * log r = 3.8, sigma = .3, phi = 10. */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>

enum { LOG_R, SIGMA, PHI, TIMES = 51 };

static const double counts[TIMES] = { 85, 4, 119, 0, 9, 125, 0, 0, 11, 211, 0, 0, 1, 34, 39, 46, 7, 82, 0, 17, 152, 0, 0, 3, 96,
                                      0, 9, 86, 0, 89, 2, 31, 59, 6, 138, 0, 0, 3, 81, 2, 22, 73, 8, 182, 0, 0, 0, 7, 226, 0, 0 };

/* The state is log N. */
static int initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    (void)source;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = log(7);
    return 0;
}

static int transition(void *ctx, const mote_block *block, mote_source *source)
{
    const double log_r = *block->parameter[LOG_R], sigma = *block->parameter[SIGMA], *x = block->previous[0];
    double *next = block->state[0];
    (void)ctx;
    mote_normals(source, next, block->n);
    for (int64_t i = 0; i < block->n; ++i)
        next[i] = log_r + x[i] - exp(x[i]) + sigma * next[i];
    return 0;
}

static int log_potential(void *ctx, const mote_block *block)
{
    const double log_phi = log(*block->parameter[PHI]), y = block->observation[0], factorial = lgamma(y + 1);
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double log_mean = log_phi + block->state[0][i];
        block->log_weight[i] = y * log_mean - exp(log_mean) - factorial;
    }
    return 0;
}

static int failed(mote_run *run)
{
    fprintf(stderr, "%s\n", mote_run_message(run));
    mote_run_close(&run);
    return 1;
}

static void print_posterior(const char *title, const mote_draws *draws)
{
    printf("%s\n", title);
    for (int64_t k = 0; k < mote_draws_parameter_count(draws); ++k) {
        mote_summary s = { .head = MOTE_VERSIONED(mote_summary) };
        if (!mote_draws_summary(draws, k, &s))
            printf("  %-6s %8.4f +- %.4f\n", mote_draws_parameter(draws, k)->name, s.mean, s.sd);
    }
}

/* How many there were at the time t, from the paths of every tenth draw. */
static void print_population(mote_run *run, int t)
{
    const int64_t n = mote_draws_count(mote_run_draws(run));
    double path[TIMES], sum = 0, square = 0, count = 0;
    for (int64_t i = 0; i < n; i += 10) {
        if (mote_pmmh_path(run, i, path))
            return;
        sum += exp(path[t]);
        square += exp(2 * path[t]);
        ++count;
    }
    sum /= count;
    printf("  population at t = %d, where %g were counted: %.2f +- %.2f\n", t, counts[t], sum,
           sqrt(square / count - sum * sum));
}

int main(void)
{
    static const char *const states[] = { "log_population" }, *const observations[] = { "count" };
    const mote_parameter parameters[] = { MOTE_UNIFORM("log_r", 2, 5), MOTE_UNIFORM("sigma", 0.05, 1),
                                          MOTE_UNIFORM("phi", 2, 30) };
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = TIMES, .values = counts };
    const mote_ssm model = { MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(parameters), MOTE_STATES(states),
                             MOTE_OBSERVATIONS(observations), .initial = initial, .transition = transition,
                             .log_potential = log_potential, .series = &series };
    const mote_pmmh_options pmmh = { MOTE_VERSIONED(mote_pmmh_options), .particles = 100, .tune = MOTE_TUNE_ON, .seed = 1,
                                     .draws = 2000, .warm_up = 1000 };
    const mote_smc2_options smc2 = { MOTE_VERSIONED(mote_smc2_options), .parameter_particles = 500, .particles = 50, .seed = 1 };
    mote_run *chains = NULL, *sequential = NULL;

    if (mote_run_open(&chains, mote_pmmh, &model, &pmmh) || mote_run_finish(chains))
        return failed(chains);
    print_posterior("PMMH", mote_run_draws(chains));
    print_population(chains, 20);
    mote_run_close(&chains);

    if (mote_run_open(&sequential, mote_smc2, &model, &smc2) || mote_run_finish(sequential))
        return failed(sequential);
    print_posterior("SMC^2", mote_run_draws(sequential));
    printf("  log Z = %.2f +- %.2f\n", mote_smc2_log_evidence(sequential),
           mote_draws_log_evidence_error(mote_run_draws(sequential)));
    mote_run_close(&sequential);
    return 0;
}
