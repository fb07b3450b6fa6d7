/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch callback: log L = -(1/2) sum of chi-squares, without normalisation constants.
 *
 * One pass per row: E^2 at all nodes, distances and growth at all redshifts, then the sets one after the other. A row
 * depends on nothing but itself, so batches of any size and any number of threads give the same bytes.
 * log L = -inf where E^2 <= 0 on the way to the data, where a closed universe ends before them, where there is no
 * positive cold matter, and outside tabulated likelihoods. Derived values that do not exist there are NaN. */
#include <math.h>
#include <stdlib.h>

#include "cosmology.h"

static double *take(double **from, int64_t count)
{
    double *out = *from;
    *from += count;
    return out;
}

static double *state_open(state *out, const cosmology *all)
{
    const int64_t n = all->redshifts.at.n, redshifts = all->redshifts.count, rows = all->longest;
    const int64_t quadrature = all->redshifts.growth - all->redshifts.quadrature;
    double *block = malloc((size_t)(4 * n + quadrature + 3 * redshifts + 2 * rows + MAXIMUM_SETS) * sizeof *block);
    double *from = block;
    if (!block)
        return NULL;
    out->all = all;
    out->squared = take(&from, n);
    out->dark = take(&from, n);
    out->nodes_scratch = take(&from, 2 * n);
    out->integrand = take(&from, quadrature);
    out->rate = take(&from, redshifts);
    out->distance = take(&from, redshifts);
    out->growth = take(&from, redshifts);
    out->residual = take(&from, rows);
    out->scratch = take(&from, rows);
    out->chi2 = take(&from, MAXIMUM_SETS);
    return block;
}

/* E, distances and growth; 0 when this universe cannot have made the data. */
static int solve(const cosmology *all, const double *theta, state *at)
{
    const plan *redshifts = &all->redshifts;
    cosmology_point_set(&at->at, theta, all->index, all->radiation, all->sound_horizon);
    at->age = NAN;
    if (!(at->at.matter > 0) && all->radiation) /* the sound horizon and growth need cold matter */
        return 0;
    cosmology_expansion(&at->at, all->model, &redshifts->at, all->exponential, all->logarithm, at->squared, at->dark,
                        at->nodes_scratch);
    if (all->age_wanted)
        at->age = cosmology_age(redshifts, at->squared, at->at.value[PARAMETER_H]);
    if (!cosmology_distances(redshifts, at->at.curvature, at->squared, at->integrand, at->distance))
        return 0;
    for (int64_t j = 0; j < redshifts->count; ++j)
        at->rate[j] = sqrt(at->squared[j]);
    cosmology_growth(redshifts, &at->at, at->squared, at->dark, at->growth);
    return 1;
}

static double evaluate(const cosmology *all, const double *theta, state *at)
{
    const int possible = solve(all, theta, at);
    double sum = 0;
    for (int64_t i = 0; i < all->set_count; ++i) {
        at->chi2[i] = possible ? all->sets[i].from->chi2(&all->sets[i], at) : HUGE_VAL;
        sum += at->chi2[i];
    }
    return possible ? sum + cosmology_gaussians(all, at) : HUGE_VAL;
}

static void show_derived(const cosmology *all, const state *at, double chi2, double *out)
{
    for (int64_t id = 0; id < DERIVED_COUNT; ++id)
        if (all->has_derived[id])
            *out++ = cosmology_derived(at, id);
    for (int64_t i = 0; i < all->set_count; ++i)
        *out++ = at->chi2[i];
    *out = chi2;
}

int cosmology_batch(void *ctx, const mote_batch *batch)
{
    const cosmology *all = ctx;
    state at;
    double *block = state_open(&at, all);
    if (!block)
        return 1;
    for (int64_t i = 0; i < batch->n; ++i) {
        const double chi2 = evaluate(all, batch->theta + i * batch->stride, &at);
        batch->log_likelihood[i] = -0.5 * chi2;
        if (batch->derived && all->derived_shown)
            show_derived(all, &at, chi2, batch->derived + i * batch->derived_stride);
    }
    free(block);
    return 0;
}
