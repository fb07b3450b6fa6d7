/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Parisian particle Gibbs sampler (Cardoso, Janati, Le Corff, Moulines and Olsson 2023, arXiv:2301.00900): smoothed
 * expectations of additive functionals whose bias vanishes geometrically in the number of sweeps, whatever N >= 2 is.
 *
 *     sweep:  a conditional particle filter along the path z (smc/conditional.h), with PaRIS on all of its particles,
 * the
 *             reference's slot included: b_t^i as in smc/paris.h, and a back-pointer B_t^i = J_i1 for each;
 *             u = sum_i W_T^i b_T^i;    I ~ W_T;    the next path is read off I <- B_T^I <- B_{T-1} ...
 *     k sweeps, the first k0 dropped:   Pi = (k - k0)^{-1} sum_{l > k0} u[l]
 *
 * The paths alone are a conditional filter with backward sampling. In stationarity E[u] = E[H | y] exactly, for every
 * exact conditional scheme and rule of resampling. A Metropolis chain of backward draws begins at A_t^i, for the
 * reference at K_{t-1}: anywhere else breaks this. All N statistics of each sweep enter, which is what is gained over
 * the average of H along the paths. Back-pointers stand in a tree that drops what no particle descends from
 * (smc/tree.h). Known answer: case A, E sum x_{t-1} x_t = 91.141125749936, at N = 16 (tests/smc/test_ppg.c). */
#ifndef MOTE_SMC_PPG_H
#define MOTE_SMC_PPG_H

#include "smc/paris.h"
#include "smc/path.h"
#include "smc/tree.h"

typedef struct mote_ppg_setup {
    mote_filter_setup filter;
    mote_backward_setup backward; /* draws M >= 1 of each particle */
    int64_t functional;           /* enum mote_functional */
} mote_ppg_setup;

typedef struct mote_ppg_sampler {
    mote_collector collector;     /* keeps the back-pointers; after that of paris */
    const mote_memory *memory;
    mote_message *message;
    int64_t times, d, count;      /* of a path: rows of d; components */
    int64_t functional;
    mote_particle_filter filter;
    mote_paris_smoother paris;    /* estimate: u of the last sweep */
    mote_tree tree;
    mote_path_model path;
    mote_datum datum;
    double *weight;               /* N */
    double *rolled;               /* times x d: the path of a roll-out under way */
    double *along;                /* count: H of the last sweep's path */
} mote_ppg_sampler;

/* The model needs a series of its own. MOTE_EUNSUPPORTED and MOTE_EOPTION name what is missing or does not fit. */
int mote_ppg_sampler_open(mote_ppg_sampler *p, const mote_state_space *space, const mote_ppg_setup *setup,
                          const mote_memory *memory, mote_pool *pool, mote_message *message);
void mote_ppg_sampler_close(mote_ppg_sampler *p);

/* A path to start from, by PaRIS without a reference, whose estimate stands in paris.estimate. */
int mote_ppg_first(mote_ppg_sampler *p, const double *theta, const mote_source *source, double *path);

/* One sweep from `path` to `next`, which may be the same: u in paris.estimate, H along the new path in `along`. The
 * source's key must differ from sweep to sweep. */
int mote_ppg_sweep(mote_ppg_sampler *p, const double *theta, const mote_source *source, const double *path,
                   double *next);

/* k sweeps on `path`, of which the first k0 < k are dropped: `mean` gets Pi of each component. Sweep l takes its
 * numbers from key child (source, FILTER, l). When a sweep fails, `path` is what it was. */
int mote_ppg_roll_out(mote_ppg_sampler *p, const double *theta, const mote_source *source, int64_t k0, int64_t k,
                      double *path, double *mean);

/* Standard error of the mean of n correlated numbers by means of floor(sqrt n) whole batches; NaN for n < 4. */
double mote_batch_means_error(const double *value, int64_t stride, int64_t n);

#endif
