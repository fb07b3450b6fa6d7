/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors of log Z.
 *
 * Waste-free (Dau & Chopin 2022, section 2.4): the N = M P weights of a level are M stationary chains of length P,
 *     v = gamma_0 + 2 sum_k gamma_k,  var(log factor) = v / (N mean^2)
 * gamma_k pooled over the chains about the common mean, the sum as in model/chains.h. Levels add up.
 * Plain: smc/genealogy.h. Persistent: smc/sampler_persistent.c.
 * Known answer: independent weights (length 1): the squared coefficient of variation over N. */
#include <math.h>

#include "model/chains.h"
#include "smc/sampler_state.h"

/* gamma_0 + 2 sum_k gamma_k of chains that stand one after another. */
static double initial_sequence(const double *w, int64_t n, int64_t length, double mean, double *gamma)
{
    const mote_chains chains = { w, length, n / length, 1, length };
    return mote_chains_long_run_variance(&chains, mean, gamma);
}

static double mean_of(const double *w, int64_t n)
{
    double mean = 0;
    for (int64_t i = 0; i < n; ++i)
        mean += w[i] / (double)n;
    return mean;
}

double mote_smc_chain_variance(const double *w, int64_t n, int64_t length)
{
    const double mean = mean_of(w, n);
    double gamma;
    return initial_sequence(w, n, length, mean, &gamma) / ((double)n * mean * mean);
}

double mote_smc_long_run_variance(const double *w, int64_t n, int64_t length)
{
    double gamma;
    return initial_sequence(w, n, length, mean_of(w, n), &gamma);
}

double mote_smc_correlation(const mote_kernel_points *points, int64_t length)
{
    const double *l = points->log_likelihood, mean = mean_of(l, points->n);
    double gamma, total = initial_sequence(l, points->n, length, mean, &gamma);
    return gamma > 0 ? total / gamma : 1;
}

/* Variance of log Z with the weights at hand, closed blocks included; NaN where the form has none. */
double mote_smc_present_variance(mote_smc_state *state)
{
    const int64_t n = state->particles;
    if (state->persistent)
        return NAN;
    mote_smc_linear(&state->weights, n, state->linear);
    if (!state->waste_free)
        return mote_genealogy_variance(&state->genealogy, state->linear,
                                       state->options->resampling == MOTE_RESAMPLE_MULTINOMIAL);
    return state->variance + mote_smc_chain_variance(state->linear, n, state->moves ? state->chain_length : 1);
}
