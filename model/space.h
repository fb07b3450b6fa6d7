/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parameter space of a target, compiled: which coordinates of the unit cube become which entries of theta, and
 * how. Deep copy of the descriptors; borrows callbacks and ctx.
 *
 * Counts: `dimension` = coordinates of the cube = sampled parameters less one per Dirichlet group; `theta_count` =
 * sampled and fixed parameters = entries of theta; `sampled_count`; `derived_count`. */
#ifndef MOTE_MODEL_SPACE_H
#define MOTE_MODEL_SPACE_H

#include <mote/target.h>

#include "core/executor.h"
#include "core/memory.h"
#include "core/message.h"

/* Neighbouring entries of theta that are made the same way. `kind`: UNIFORM, LOG_UNIFORM, FIXED, SORTED, DIRICHLET or
 * CONDITIONAL; 0: any other prior, by its quantile. */
typedef struct mote_space_block {
    int64_t kind, theta, cube, count; /* first theta entry, first cube coordinate, entries */
} mote_space_block;

typedef struct mote_space {
    mote_target target;          /* normalised copy: parameter_size is ours, parameters point to our copy */
    mote_parameter *parameters;  /* all, in declared order, texts owned */
    int64_t parameter_count, dimension, theta_count, sampled_count, derived_count;
    int64_t *theta_parameter;    /* theta entry -> parameter */
    int64_t *derived_parameter;  /* derived entry -> parameter */
    int64_t *cube_theta;         /* cube coordinate -> the theta entry it belongs to */
    int64_t *boundary;           /* cube coordinate -> enum mote_boundary */
    int64_t *speed;              /* cube coordinate -> speed class; in a group the slowest of its members */
    int64_t simple;              /* 1: no groups, no conditional prior: entry by entry */
    mote_space_block *blocks;
    int64_t block_count;
    /* Per theta entry. UNIFORM, SORTED: lower, width, upper; LOG_UNIFORM: lower, log(upper/lower), upper; FIXED: value;
     * DIRICHLET: concentration, sum of those that follow in the group. */
    double *offset, *scale, *limit;
    const mote_memory *memory;
} mote_space;

/* Checks everything (names unique and legal, priors, groups, required callbacks) and names the parameter at fault. */
int mote_space_open(mote_space *space, const mote_target *target, const mote_memory *memory, mote_message *message);
void mote_space_close(mote_space *space);

/* The same for a table of parameters alone, as state-space models have it: only parameters, name and identity of
 * `table` are read, no likelihood is asked for, and none or all of the parameters may be fixed. */
int mote_space_open_parameters(mote_space *space, const mote_target *table, const mote_memory *memory,
                               mote_message *message);

/* cube (dimension) -> theta (theta_count), entry by entry the same bits as mote_prior_quantile(p, u, 1 - u). MOTE_OK,
 * the model's negative code, or MOTE_EMODEL when prior_transform returns > 0. */
int mote_space_transform(const mote_space *space, const double *cube, double *theta);

/* 1 inside the joint constraint, 0 outside (1 without one), < 0: the model's code. */
int mote_space_inside(const mote_space *space, const double *theta);

/* Sum of the log prior densities at theta (physical units; without the constraint's normalisation). A Dirichlet group
 * has its density in all members but the last. NaN with conditional priors when the target gives no density. */
double mote_space_log_prior(const mote_space *space, const double *theta);

/* The transform to R^dimension: theta from y with log |d theta / d y| (of a Dirichlet group: of all members but the
 * last, as its density), and y from a theta inside the support. MOTE_EUNSUPPORTED with conditional priors. */
int mote_space_constrain(const mote_space *space, const double *y, double *theta, double *log_jacobian);
int mote_space_unconstrain(const mote_space *space, const double *theta, double *y);

/* Gradients on the real line at y (where mote_space_constrain gave `theta`): `base`, of log prior + log |d theta / d
 * y|, and `slope`, of a function whose gradient in physical units is `theta_gradient` (both NULL: not wanted). Members
 * of a Dirichlet group count as independent in `theta_gradient`. MOTE_EUNSUPPORTED with conditional priors. */
int mote_space_gradient(const mote_space *space, const double *y, const double *theta, const double *theta_gradient,
                        double *slope, double *base);

/* The target's likelihood as a row function, per-point functions adapted. */
void mote_space_row_function(const mote_space *space, mote_row_function *function);

/* "uniform 0.1 0.5 periodic": the prior as ini files have it. */
void mote_parameter_describe(const mote_parameter *parameter, char *text, size_t size);

/* Adds names, priors and the model's own identity to the identity of a run. */
void mote_run_identify_space(mote_run *run, const mote_space *space);

#endif
