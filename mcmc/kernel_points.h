/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Points of a space on the real line with what is known of them: the particles of a sampler, the visited states of
 * chains. Columns, so that weights run over log-likelihoods; each row can be viewed as a mote_kernel_point. */
#ifndef MOTE_MCMC_KERNEL_POINTS_H
#define MOTE_MCMC_KERNEL_POINTS_H

#include "core/checkpoint.h"
#include "model/draws.h"
#include "model/space.h"

/* One point. Vectors belong to whoever made the view. */
typedef struct mote_kernel_point {
    double *y;             /* dimension: coordinates on the real line */
    double *theta;         /* theta_count: physical units */
    double *derived;       /* derived_count */
    double *slope;         /* dimension: d log-likelihood / dy; NULL without gradients */
    double *base_slope;    /* dimension: d log_base / dy; NULL without gradients */
    double log_likelihood; /* -inf: zero likelihood, or failed */
    double log_base;       /* log prior + log |d theta / d y|; -inf outside the support */
    int64_t id;            /* of the row that gave log_likelihood */
} mote_kernel_point;

typedef struct mote_kernel_points {
    const mote_memory *memory;
    int64_t n, capacity;
    int64_t dimension, theta_count, derived_count, gradient;
    double *y, *theta, *derived, *slope, *base_slope, *log_likelihood, *log_base;
    int64_t *id;
} mote_kernel_points;

void mote_kernel_points_open(mote_kernel_points *population, const mote_space *space, int64_t gradient,
                          const mote_memory *memory);
void mote_kernel_points_close(mote_kernel_points *population);

/* Room for n points, growing geometrically. MOTE_ENOMEM leaves the points as they were. */
int mote_kernel_points_reserve(mote_kernel_points *population, int64_t n);

/* Row i, 0 <= i < capacity: a view whose vectors lie in the population; and a whole point into row i. */
mote_kernel_point mote_kernel_points_at(const mote_kernel_points *population, int64_t i);
void mote_kernel_points_put(mote_kernel_points *population, int64_t i, const mote_kernel_point *point);
void mote_point_copy(const mote_kernel_points *shape, mote_kernel_point *to, const mote_kernel_point *from);

/* Fills parameters, log_likelihood and log_prior (where there is such a column) of rows first ... of draws. */
void mote_kernel_points_fill(const mote_kernel_points *population, const mote_space *space, mote_draws *draws,
                             int64_t first);

/* The n points; `load` makes room itself. */
void mote_kernel_points_save(const mote_kernel_points *population, mote_writer *writer);
int mote_kernel_points_load(mote_kernel_points *population, mote_reader *reader);

#endif
