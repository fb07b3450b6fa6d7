/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditional particle filters as Markov kernels on paths (Andrieu, Doucet and Holenstein 2010): given a path z, a
 * filter in which one particle follows z, and a path drawn from what the filter has seen. For every N >= 2 the law of
 * paths given the observations, proportional to mu(x_0) G_0(x_0) prod m_t(x_{t-1}, x_t) G_t(x_{t-1}, x_t), is left
 * invariant.
 *
 *     t = 0:   K uniform among the slots; x_0^K = z_0; the others are drawn
 *     t >= 1:  conditional resampling given K_{t-1} (smc/resample.h) gives K_t and A_t; x_t^{K_t} = z_t; the others
 * move.
 *              Where the rule asks for no resampling K_t = K_{t-1}, and weights accumulate, the reference's too
 *     end:     I ~ W_T and a path that ends in x_T^I:
 *     plain    by the ancestors of I
 *     backward J_{t-1} by a backward draw given x_t^{J_t} (Whiteley 2010; Lindsten and Schoen 2012), a Metropolis chain
 *              starting at A_t^{J_t}
 *     ancestor before each resampling the reference is given a new ancestor k, proportional to W_{t-1}^k m_t(x_{t-1}^k,
 * z_t)
 *              (PGAS, Lindsten, Jordan and Schoen 2014); then by the ancestors of I
 *
 * backward also where nothing was resampled; ancestor draws are skipped there. Every scheme of resampling with a
 * conditional form will do, and the weights may be guided or tilted. Known answer: tests/smc/test_conditional.c (exact,
 * by enumeration).
 *
 *     mote_conditional_open(&c, &space, &setup, memory, pool, message)
 *     mote_conditional_first(&c, theta, &source, path)                       an ordinary filter gives a path to start
 * from
 *     mote_conditional_sweep(&c, theta, &source, path, path)                 as often as wanted, each with its own
 * source
 *     mote_conditional_close(&c) */
#ifndef MOTE_SMC_CONDITIONAL_H
#define MOTE_SMC_CONDITIONAL_H

#include <mote/particle_gibbs.h>

#include "smc/backward.h"
#include "smc/history.h"
#include "smc/particle_filter.h"

typedef struct mote_conditional_setup {
    mote_filter_setup filter;
    int64_t kernel;               /* enum mote_path_kernel */
    mote_backward_setup backward; /* of backward and ancestor draws; `draws` is taken as 1 */
} mote_conditional_setup;

typedef struct mote_conditional {
    const mote_memory *memory;
    mote_message *message;
    int64_t kernel;
    int64_t times, d;             /* of a path: rows of d */
    mote_particle_filter filter;
    mote_backward backward;
    mote_history history;
    mote_datum datum;
    double *weight;               /* N */
    double *row, **column;        /* one state, and columns that point into it */
} mote_conditional;

/* The model needs a series of its own, whole. MOTE_EUNSUPPORTED and MOTE_EOPTION name what is missing or unfit. */
int mote_conditional_open(mote_conditional *c, const mote_state_space *space, const mote_conditional_setup *setup,
                          const mote_memory *memory, mote_pool *pool, mote_message *message);
void mote_conditional_close(mote_conditional *c);

/* MOTE_OK when a filter like this can be conditional; else named. */
int mote_conditional_check(const mote_state_space *space, const mote_filter_setup *setup, mote_message *message);

/* The parts that other kernels on paths are made of: the whole series through `filter`, along `path` when it is not
 * NULL (`before` is called before each step but the first, with the path's state of that step; may be NULL); and the
 * index of the last particle, drawn by weight (`weight`: scratch of N). */
int mote_conditional_forwards(mote_particle_filter *filter, mote_datum *datum, const double *theta,
                              const mote_source *source,
                              const double *path, int (*before)(void *ctx, const double *state), void *ctx);
int mote_conditional_last(const mote_particle_filter *filter, double *weight, int32_t *last);

/* A path from an ordinary filter: rows of `path` by time. MOTE_ENUMERIC when all weights became zero. */
int mote_conditional_first(mote_conditional *c, const double *theta, const mote_source *source, double *path);

/* One step of the kernel from `path` to `next`, which may be the same. The source's key must differ from sweep to
 * sweep. MOTE_ENUMERIC when the path has weight zero. */
int mote_conditional_sweep(mote_conditional *c, const double *theta, const mote_source *source, const double *path,
                           double *next);

#endif
