/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weights of an SMC sampler and the next power of the likelihood.
 *
 *     lambda' = the largest value <= 1 with effective sample size of w_i exp((lambda' - lambda) l_i) >= alpha n
 *
 * (Jasra et al. 2011), n = the particles with likelihood > 0, at most N: particles of zero likelihood die at the first
 * lambda' > 0 whatever it is, so they are not counted against the step; the evidence counts them. The effective sample
 * size falls as lambda' grows, from n at lambda: bisection. A rise below the minimum step is a stall, and an error.
 * Known answer: l_i = 0 or -c, half of each: ESS/N = (1 + e)^2 / (2 (1 + e^2)), e = exp(-delta c). */
#include <math.h>
#include <string.h>

#include "core/vector.h"
#include "smc/sampler_state.h"

static int64_t blocks_of(int64_t n)
{
    return (n + MOTE_WEIGHT_BLOCK - 1) / MOTE_WEIGHT_BLOCK;
}

/* Log-weights keep their values. */
int mote_smc_reserve_weights(mote_smc_state *state, int64_t n)
{
    mote_smc_weights *w = &state->weights;
    int64_t capacity = w->capacity ? w->capacity : MOTE_WEIGHT_BLOCK;
    if (n <= w->capacity)
        return MOTE_OK;
    while (capacity < n)
        capacity += capacity / 2;
    double *log_weight = mote_memory_allocate_aligned(state->memory, capacity, sizeof(double));
    double *weight = mote_memory_allocate_aligned(state->memory, capacity, sizeof(double));
    double *factor = mote_memory_allocate(state->memory, 2 * blocks_of(capacity), sizeof(double));
    double *linear = mote_memory_resize(state->memory, state->linear, w->capacity, capacity, sizeof(double));
    if (linear)
        state->linear = linear;
    if (!log_weight || !weight || !factor || !linear) {
        mote_memory_release_aligned(state->memory, log_weight);
        mote_memory_release_aligned(state->memory, weight);
        mote_memory_release(state->memory, factor);
        return MOTE_ENOMEM;
    }
    if (w->capacity)
        memcpy(log_weight, w->log_weight, (size_t)w->capacity * sizeof(double));
    mote_memory_release_aligned(state->memory, w->log_weight);
    mote_memory_release_aligned(state->memory, w->weight);
    mote_memory_release(state->memory, w->factor);
    *w = (mote_smc_weights){ .capacity = capacity, .log_weight = log_weight, .weight = weight, .factor = factor };
    return MOTE_OK;
}

void mote_smc_weigh(mote_smc_weights *w, int64_t n)
{
    const mote_vector_table *vector = mote_vector();
    double maximum = -INFINITY, square = 0, *sums = w->factor + blocks_of(w->capacity);
    w->sum = 0;
    for (int64_t b = 0; b < blocks_of(n); ++b) {
        const int64_t first = b * MOTE_WEIGHT_BLOCK, left = n - first;
        vector->weigh(w->weight + first, w->log_weight + first, left < MOTE_WEIGHT_BLOCK ? left : MOTE_WEIGHT_BLOCK,
                      &w->factor[b], &sums[b]);
        maximum = w->factor[b] > maximum ? w->factor[b] : maximum;
    }
    for (int64_t b = 0; b < blocks_of(n); ++b) {
        const int64_t first = b * MOTE_WEIGHT_BLOCK, left = n - first;
        const int64_t count = left < MOTE_WEIGHT_BLOCK ? left : MOTE_WEIGHT_BLOCK;
        w->factor[b] = maximum > -INFINITY ? mote_exp(w->factor[b] - maximum) : 0;
        w->sum += sums[b] * w->factor[b];
        square += vector->product(w->weight + first, w->weight + first, count) * w->factor[b] * w->factor[b];
    }
    w->log_sum = maximum > -INFINITY ? maximum + mote_log(w->sum) : -INFINITY;
    w->effective_sample_size = w->sum > 0 ? w->sum * w->sum / square : 0;
}

void mote_smc_linear(const mote_smc_weights *w, int64_t n, double *linear)
{
    for (int64_t i = 0; i < n; ++i)
        linear[i] = w->sum > 0 ? w->weight[i] * w->factor[i / MOTE_WEIGHT_BLOCK] / w->sum : 0;
}

/* Effective sample size at a power of the likelihood; leaves the weights there. */
static double effective_at(mote_smc_state *state, double power)
{
    const double *l = state->points.log_likelihood, rise = power - state->inverse_temperature;
    if (state->persistent) {
        mote_smc_persistent_weigh(state, power);
        return state->weights.effective_sample_size;
    }
    for (int64_t i = 0; i < state->particles; ++i)
        state->weights.log_weight[i] = rise * l[i];
    mote_smc_weigh(&state->weights, state->particles);
    return state->weights.effective_sample_size;
}

static double least_effective(const mote_smc_state *state)
{
    const mote_kernel_points *points = state->persistent ? &state->kept : &state->points;
    int64_t alive = 0;
    for (int64_t i = 0; i < points->n; ++i)
        alive += points->log_likelihood[i] > -INFINITY;
    return state->options->target_ess * (double)(alive < state->particles ? alive : state->particles);
}

static int stalled(const mote_smc_state *state, double target)
{
    return mote_fail(
        state->message, MOTE_ENUMERIC,
        "the sequence stalled at level %lld: from power %.17g no rise of %g (option minimum_step) keeps %.4g "
        "effective particles of %lld (option target_ess)",
        (long long)state->level, state->inverse_temperature, state->options->minimum_step, target,
        (long long)state->particles);
}

/* Weights are left at *next. */
int mote_smc_next_temperature(mote_smc_state *state, double *next)
{
    const double start = state->inverse_temperature, target = least_effective(state);
    double good = 0, bad = 1 - start;
    if (effective_at(state, 1) >= target) {
        *next = 1;
        return MOTE_OK;
    }
    for (double rise = bad / 8; !(good > 0); rise /= 8) {
        if (!(rise >= state->options->minimum_step) || !(start + rise > start))
            return stalled(state, target);
        if (effective_at(state, start + rise) >= target)
            good = rise;
        else
            bad = rise;
    }
    for (int i = 0; i < 50 && bad - good > 1e-9 * good; ++i) {
        const double middle = 0.5 * (good + bad);
        if (effective_at(state, start + middle) >= target)
            good = middle;
        else
            bad = middle;
    }
    *next = start + good;
    effective_at(state, *next);
    return MOTE_OK;
}
