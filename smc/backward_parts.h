/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the backward draws share. */
#ifndef MOTE_SMC_BACKWARD_PARTS_H
#define MOTE_SMC_BACKWARD_PARTS_H

#include "smc/backward.h"

/* Of one thread. A round has at most MOTE_BLOCK pairs. */
struct mote_backward_scratch {
    double **previous, **state; /* state_count columns of MOTE_BLOCK: gathered pairs */
    double **child;             /* the same: states of the item's children */
    double **column;            /* columns of MOTE_BLOCK, by enum mote_backward_column */
    const double **at;          /* state_count pointers into the parents' columns */
    double *table;              /* N: weights of the parents of one child */
    double *maximum, *sum;      /* of their blocks */
    uint64_t *draw, *pair, *first, *second; /* MOTE_BLOCK: address and bits of a trial */
    int32_t *candidate, *of, *pending;      /* MOTE_BLOCK: parent, child, waiting draws */
    mote_backward_info info;
    int64_t failed_item; /* the first that failed; -1 */
    int status;
    const char *reason;  /* what failed, when status is MOTE_EMODEL */
    char text[128];      /* for it */
};

enum mote_backward_column { BACKWARD_DENSITY, BACKWARD_EXTRA, BACKWARD_RATIO, BACKWARD_BOUND, BACKWARD_CURRENT,
                            BACKWARD_COLUMNS };

/* Children first .. first + count - 1, whose states are in scratch->child. */
int mote_backward_exact(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count);
int mote_backward_trials(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count);
int mote_backward_mcmc(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count);
int mote_backward_means(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count);
int mote_backward_enumerate(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count);

/* Draws pending[0..n-1] (numbers child M + draw within the item, ascending) by exact probabilities, with the random
 * numbers of trial `trial`. */
int mote_backward_exact_draws(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t n, int64_t trial);

/* Probabilities of child `c` of the item up to a constant, into table; *any: one is positive. */
int mote_backward_probabilities(mote_backward *b, mote_backward_scratch *s, int64_t c, int *any);

/* Densities of n pairs, given as columns or as (candidate[k], of[k]), into column DENSITY. Bounds of the item's
 * children into column BOUND. */
int mote_backward_density_block(mote_backward *b, mote_backward_scratch *s, int64_t n, const double *const *previous,
                                double *const *state);
int mote_backward_densities(mote_backward *b, mote_backward_scratch *s, int64_t n);
int mote_backward_bounds(mote_backward *b, mote_backward_scratch *s, int64_t count);
int mote_backward_fails(mote_backward_scratch *s, const char *reason);

#endif
