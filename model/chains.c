/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/chains.h"

#include <math.h>
#include <mote/status.h>

/* Long chains are averaged in batches of equal length first, whose means have the same long-run variance but for the
 * factor: chains x length^2, which bounds the time of the sum, stays below MOST_TERMS while FEWEST batches remain. */
enum { MOST_TERMS = 1 << 24, FEWEST = 16 };

/* Fewer than FEW effective draws in all, or chains that are shorter than LONG times their autocorrelation time. */
enum { FEW = 50, LONG = 5 };

static double autocovariance(const mote_chains *chains, double mean, int64_t lag)
{
    double sum = 0;
    for (int64_t c = 0; c < chains->count; ++c) {
        const double *x = chains->x + c * chains->stride;
        for (int64_t i = 0; i + lag < chains->length; ++i)
            sum += (x[i * chains->step] - mean) * (x[(i + lag) * chains->step] - mean);
    }
    return sum / (double)(chains->count * (chains->length - lag));
}

double mote_chains_long_run_variance(const mote_chains *chains, double mean, double *variance)
{
    double total = -(*variance = autocovariance(chains, mean, 0)), last = INFINITY;
    for (int64_t lag = 0; lag < chains->length; lag += 2) {
        double pair = autocovariance(chains, mean, lag);
        if (lag + 1 < chains->length)
            pair += autocovariance(chains, mean, lag + 1);
        if (!(pair > 0))
            break;
        last = pair < last ? pair : last;
        total += 2 * last;
    }
    return total;
}

static double mean_of(const mote_chains *chains)
{
    const double n = (double)(chains->length * chains->count);
    double rough = 0, rest = 0;
    for (int64_t i = 0; i < chains->length; ++i)
        for (int64_t c = 0; c < chains->count; ++c)
            rough += chains->x[c * chains->stride + i * chains->step] / n;
    for (int64_t i = 0; i < chains->length; ++i)
        for (int64_t c = 0; c < chains->count; ++c)
            rest += (chains->x[c * chains->stride + i * chains->step] - rough) / n;
    return rough + rest;
}

/* Means of whole batches, chain after chain, to `batches`. */
static mote_chains average(const mote_chains *chains, int64_t batch, double *batches)
{
    const int64_t length = chains->length / batch;
    for (int64_t c = 0; c < chains->count; ++c)
        for (int64_t b = 0; b < length; ++b) {
            double sum = 0;
            for (int64_t i = b * batch; i < (b + 1) * batch; ++i)
                sum += chains->x[c * chains->stride + i * chains->step];
            batches[c * length + b] = sum / (double)batch;
        }
    return (mote_chains){ batches, length, chains->count, 1, length };
}

/* All numbers are the same, and finite. (Their variance would say so but for the rounding of the mean.) */
static int never_move(const mote_chains *chains)
{
    for (int64_t i = 0; i < chains->length; ++i)
        for (int64_t c = 0; c < chains->count; ++c)
            if (chains->x[c * chains->stride + i * chains->step] != chains->x[0])
                return 0;
    return chains->length > 0 && chains->count > 0 && isfinite(chains->x[0]);
}

double mote_chains_effective_sample_size(const mote_chains *chains, const mote_memory *memory)
{
    const double n = (double)(chains->length * chains->count);
    double variance, of_batches, v, *batches = NULL;
    if (chains->length < 1 || chains->count < 1 || never_move(chains))
        return NAN;
    const int64_t most = (int64_t)fmax(FEWEST, sqrt((double)MOST_TERMS / (double)chains->count));
    const int64_t batch = (chains->length + most - 1) / most;
    const double mean = mean_of(chains);
    if (batch > 1) {
        batches = mote_memory_allocate(memory, chains->length / batch * chains->count, sizeof *batches);
        if (!batches)
            return NAN;
        const mote_chains means = average(chains, batch, batches);
        variance = autocovariance(chains, mean, 0);
        v = (double)batch * mote_chains_long_run_variance(&means, mean, &of_batches);
        mote_memory_release(memory, batches);
    } else {
        v = mote_chains_long_run_variance(chains, mean, &variance);
    }
    if (!(variance > 0 && variance < INFINITY))
        return NAN;
    return v > variance ? n * variance / v : n;
}

static mote_chains column_of(const mote_draws *draws, int64_t k)
{
    const int64_t count = draws->chain_count;
    return (mote_chains){ draws->columns[k], count ? draws->count / count : 0, count, count, 1 };
}

/* Column k, which never moves, need not: it is derived; or it belongs to a state of which other components move. */
static int constant_by_nature(const mote_draws *draws, int64_t k)
{
    const mote_parameter *parameter = &draws->parameters[k];
    int by_nature = parameter->prior == MOTE_PRIOR_DERIVED;
    for (int64_t j = 0; parameter->prior == MOTE_PRIOR_NONE && !by_nature && j < draws->parameter_count; ++j) {
        const mote_chains other = column_of(draws, j);
        by_nature = draws->parameters[j].prior == MOTE_PRIOR_NONE && draws->parameters[j].group == parameter->group &&
                    !never_move(&other);
    }
    return by_nature;
}

double mote_draws_column_size(const mote_draws *draws, int64_t k)
{
    const mote_chains chains = column_of(draws, k);
    if (never_move(&chains) && !constant_by_nature(draws, k))
        return (double)draws->chain_count;
    return mote_chains_effective_sample_size(&chains, draws->memory);
}

int mote_draws_warn_of_short_chains(mote_draws *draws)
{
    const double size = mote_draws_effective_sample_size(draws);
    if (size >= FEW && size >= LONG * (double)draws->chain_count)
        return MOTE_OK;
    return mote_draws_add_warning(draws, "short_chains",
                                  "the chains are too short for the autocorrelation of their slowest column: means and "
                                  "their errors cannot be trusted; draw more");
}
