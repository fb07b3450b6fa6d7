/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Persistent sampling (Karamanis & Seljak 2024, arXiv:2407.20722): the particles of all levels 1..t, N each, are one
 * sample from the mixture of their targets,
 *
 *     w_i(lambda) = L_i^lambda / [ (1/t) sum_s L_i^lambda_s / Z_s ],   Z = mean of w over all t N
 *
 * so that a level costs N moves and rests on t N particles. Error of log Z: particles of a level as independent, to
 * first order. Z_u, u = 2..T, is a mean over the levels s < u; it depends on the particles themselves and on the Z_s:
 *
 *     d log Z_u = sum over i of levels < u of (w_ui / Z_u - level mean) / n_u  +  sum_s<u c_us d log Z_s
 *     c_us = (1/n_u) sum_i (w_ui / Z_u) r_uis,  r_uis = share of level s in the mixture at i of the first u - 1 levels
 *
 * From the last level down the factors a_u of the own parts are a_T = 1, a_s = sum_u>s a_u c_us, and
 * var(log Z_T) = sum_i (sum_u a_u own_ui)^2. Known answer: two levels: the importance-sampling error of one mean. */
#include <math.h>
#include <string.h>

#include "core/vector.h"
#include "smc/sampler_state.h"

/* Levels whose particles are kept: their records, by number of move. Record 0 and those that moved. */
static const mote_smc_record *kept_record(const mote_smc_state *state, int64_t *at)
{
    while (*at <= state->level && *at > 0 && !(state->records[*at].moved > 0))
        ++*at;
    return *at <= state->level ? &state->records[(*at)++] : NULL;
}

/* log of L^lambda / Z: a likelihood of zero counts at the prior only. */
static double log_density(const mote_smc_record *record, double log_likelihood)
{
    return record->inverse_temperature > 0 ? record->inverse_temperature * log_likelihood - record->log_evidence : 0;
}

static double log_add(double a, double b)
{
    const double high = a > b ? a : b, low = a > b ? b : a;
    return low == -INFINITY ? high : high + log1p(mote_exp(low - high));
}

/* A resampler draws from at most as many particles as it was opened for. */
static int grow_resampler(mote_smc_state *state, int64_t n)
{
    mote_resampler fresh;
    if (!state->persistent || n <= state->resampler.capacity)
        return MOTE_OK;
    int status =
        mote_resampler_open(&fresh, state->options->resampling, n + n / 2, state->memory, NULL, state->message);
    if (status)
        return status;
    mote_resampler_close(&state->resampler);
    state->resampler = fresh;
    return MOTE_OK;
}

/* Room for another level of particles. */
int mote_smc_persistent_reserve(mote_smc_state *state)
{
    const int64_t n = state->kept.n + state->particles;
    int64_t capacity = state->mixture_capacity ? state->mixture_capacity : n;
    if (mote_kernel_points_reserve(&state->kept, n) || mote_smc_reserve_weights(state, n) || grow_resampler(state, n))
        return MOTE_ENOMEM;
    while (capacity < n)
        capacity += capacity / 2;
    if (capacity == state->mixture_capacity)
        return MOTE_OK;
    double *fresh = mote_memory_resize(state->memory, state->mixture, state->mixture_capacity, capacity, sizeof *fresh);
    if (!fresh)
        return MOTE_ENOMEM;
    state->mixture = fresh;
    state->mixture_capacity = capacity;
    return MOTE_OK;
}

/* The present particles join; `mixture` of the older ones gains the present level, the last record. */
void mote_smc_persistent_append(mote_smc_state *state)
{
    mote_kernel_points *kept = &state->kept;
    const mote_smc_record *present = &state->records[state->level], *record;
    for (int64_t i = 0; i < kept->n; ++i)
        state->mixture[i] = log_add(state->mixture[i], log_density(present, kept->log_likelihood[i]));
    for (int64_t i = 0; i < state->particles; ++i) {
        const mote_kernel_point point = mote_kernel_points_at(&state->points, i);
        double sum = -INFINITY;
        for (int64_t at = 0; (record = kept_record(state, &at));)
            sum = log_add(sum, log_density(record, point.log_likelihood));
        mote_kernel_points_put(kept, kept->n, &point);
        state->mixture[kept->n++] = sum;
    }
}

void mote_smc_persistent_weigh(mote_smc_state *state, double power)
{
    const mote_kernel_points *kept = &state->kept;
    const double log_levels = mote_log((double)(kept->n / state->particles));
    for (int64_t i = 0; i < kept->n; ++i)
        state->weights.log_weight[i] = power * kept->log_likelihood[i] - state->mixture[i] + log_levels;
    mote_smc_weigh(&state->weights, kept->n);
}

/* ---- the error ------------------------------------------------------------------------------------------------- */

/* Levels T: their powers and log Z, factors a and c (T x T), level means (T x T), scratch for one particle (2 T). */
typedef struct error_sums {
    int64_t levels;
    double *power, *log_z, *a, *c, *mean, *share, *own;
} error_sums;

/* For a particle: own[u] = w_u / Z_u of the levels u > its own; and, when asked, its part of c. */
static void visit(const error_sums *e, double l, int64_t level, int64_t per_level, int with_c, double *own)
{
    double sum = -INFINITY;
    for (int64_t u = 0; u < e->levels; ++u) {
        const double density = e->power[u] > 0 ? e->power[u] * l - e->log_z[u] : 0;
        if (u > level)
            own[u] = mote_exp(density - sum + mote_log((double)u));
        for (int64_t s = 0; with_c && u > level && s < u && own[u] > 0; ++s)
            e->c[u * e->levels + s] += own[u] * mote_exp(e->share[s] - sum) / (double)(u * per_level);
        e->share[u] = density;
        sum = log_add(sum, density);
    }
}

static void sum_first(const error_sums *e, const mote_smc_state *state)
{
    const int64_t t = e->levels, n = state->particles;
    for (int64_t i = 0; i < t * n; ++i) {
        visit(e, state->kept.log_likelihood[i], i / n, n, 1, e->own);
        for (int64_t u = i / n + 1; u < t; ++u)
            e->mean[u * t + i / n] += e->own[u] / (double)n;
    }
    for (int64_t s = t - 1; s >= 0; --s) {
        e->a[s] = s == t - 1;
        for (int64_t u = s + 1; u < t; ++u)
            e->a[s] += e->a[u] * e->c[u * t + s];
    }
}

static double sum_squares(const error_sums *e, const mote_smc_state *state)
{
    const int64_t t = e->levels, n = state->particles;
    double total = 0;
    for (int64_t i = 0; i < t * n; ++i) {
        double influence = 0;
        visit(e, state->kept.log_likelihood[i], i / n, n, 0, e->own);
        for (int64_t u = i / n + 1; u < t; ++u)
            influence += e->a[u] * (e->own[u] - e->mean[u * t + i / n]) / (double)(u * n);
        total += influence * influence;
    }
    return total;
}

/* Of the evidence of the last record; the particles drawn there are no part of it. */
int mote_smc_persistent_variance(const mote_smc_state *state, double *variance)
{
    const mote_smc_record *record;
    error_sums e = { 0 };
    *variance = NAN;
    for (int64_t at = 0; kept_record(state, &at);)
        ++e.levels;
    const int64_t t = e.levels;
    if (t < 2 || state->kept.n != t * state->particles)
        return MOTE_OK;
    double *block = mote_memory_allocate(state->memory, 5 * t + 2 * t * t, sizeof *block);
    if (!block)
        return MOTE_ENOMEM;
    e.power = block, e.log_z = block + t, e.a = block + 2 * t, e.share = block + 3 * t, e.own = block + 4 * t;
    e.c = block + 5 * t, e.mean = e.c + t * t;
    for (int64_t at = 0, u = 0; (record = kept_record(state, &at)); ++u) {
        e.power[u] = record->inverse_temperature;
        e.log_z[u] = record->log_evidence;
    }
    sum_first(&e, state);
    *variance = sum_squares(&e, state);
    mote_memory_release(state->memory, block);
    return MOTE_OK;
}
