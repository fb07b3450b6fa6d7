/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the Kalman filter share: the struct, a few rectangular products in a fixed order, and
 * factors of semi-definite matrices. */
#ifndef MOTE_MODEL_KALMAN_PARTS_H
#define MOTE_MODEL_KALMAN_PARTS_H

#include <mote/kalman.h>

#include "core/memory.h"
#include "core/message.h"

typedef struct mote_kalman_history {
    double *mean, *covariance; /* slots of d and d x d */
} mote_kalman_history;

/* Slot of time t: t + lead when `capacity` > 0; else two slots take turns and only the last time is shown. */
struct mote_kalman {
    mote_memory memory;
    mote_message message;
    mote_kalman_model model;        /* its matrices point to `constants` */
    int64_t d, m, lead;             /* lead: 1 with propagate_first, where slot 0 is time -1 */
    int64_t capacity, times;        /* times kept at most; times pushed */
    int64_t smoothed;               /* 1: the backward pass covers all times */
    double total;                   /* log-likelihood */
    double *constants, *block;
    double *scratch;                /* MOTE_KALMAN_AREAS areas of (max(d, m) + 1)^2 */
    mote_kalman_history law[3];     /* predicted, filtered, smoothed */
    double *gain;                   /* slot s: d x d, of the regression of x_s on x_{s+1} given the past */
    double *spread;                 /* slot s: factor of Cov(x_s | x_{s+1}, y), last slot: of the filtered covariance */
    double *observed;               /* slot s: m values, NaN = missing */
    double *log_likelihood;         /* slot s */
};

enum { MOTE_KALMAN_AREAS = 15 }; /* 0 to 8: one step (mote_kalman_scratch is less); 9 to 14: sums over time */

static inline double *mote_kalman_area(const mote_kalman *kalman, int64_t index)
{
    int64_t most = (kalman->d > kalman->m ? kalman->d : kalman->m) + 1;
    return kalman->scratch + index * most * most;
}

/* Moments, given all y, of the residual e (rows) of one equation of the model and of its regressor w, the d states:
 * e = x_t - A x_{t-1} - b with w = x_{t-1}, or e = the observed rows of y_t - C x_t - c with w = x_t. Second moments,
 * not covariances. */
typedef struct mote_kalman_residual {
    double *ee, *ew, *e; /* rows x rows, rows x d, rows: areas 0 and 1 */
    int64_t rows;
} mote_kalman_residual;

/* Of the time in slot s; the transition's needs s > 0; `row` (m) receives the numbers of the observed rows. */
mote_kalman_residual mote_kalman_transition_residual(const mote_kalman *kalman, const mote_kalman_matrices *matrices,
                                                     int64_t s);
mote_kalman_residual mote_kalman_observation_residual(const mote_kalman *kalman, const mote_kalman_matrices *matrices,
                                                      int64_t s, int64_t *row);

/* The rows and columns `row` (NULL: all) of a covariance of `full` rows, factored. */
int mote_kalman_factor_part(double *lower, const double *covariance, const int64_t *row, int64_t k, int64_t full);

/* Each row of a (rows x k) is replaced by (L L')^{-1} of it. */
void mote_kalman_solve_rows(double *a, const double *lower, int64_t rows, int64_t k);

/* The slot of time t, or -1 when it is not kept. */
int64_t mote_kalman_slot(const mote_kalman *kalman, int64_t t);

/* The matrices of time t, checked. */
int mote_kalman_ask(mote_kalman *kalman, int64_t t, mote_kalman_matrices *matrices);

/* MOTE_ESTATE and its message unless the smoother has been over all times. */
int mote_kalman_needs_smoothing(mote_kalman *kalman, const char *what);

/* out = A B' (rows x columns; A: rows x inner, B: columns x inner). out may not overlap. */
void mote_product_transposed(double *out, const double *a, const double *b, int64_t rows, int64_t inner,
                             int64_t columns);

/* out = S A' with S symmetric d x d, A rows x d: out is d x rows. The same as above, by name. */
static inline void mote_symmetric_by(double *out, const double *symmetric, const double *a, int64_t d, int64_t rows)
{
    mote_product_transposed(out, symmetric, a, d, d, rows);
}

/* The lower triangle is copied to the upper one. */
void mote_mirror(double *matrix, int64_t d);

/* A = L L' for a positive semi-definite A: columns of L whose pivot vanishes to rounding are zero. Pivots are measured
 * against the diagonal of `scale` (NULL: of A). MOTE_ENUMERIC when A is not semi-definite. */
int mote_semidefinite_factor(double *lower, const double *matrix, const double *scale, int64_t d);

/* x = G b with G a generalised inverse of L L': exact where b lies in the range. In place. */
void mote_semidefinite_solve(double *x, const double *lower, int64_t d);

#endif
