/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Twisted models: for psi_t > 0, psi_{T+1} = 1,
 *
 *     M^psi_t(x, dx') = M_t(x, dx') psi_t(x') / M_t(psi_t)(x),
 *     G^psi_t(x) = G_t(x) M_{t+1}(psi_{t+1})(x) / psi_t(x),   G^psi_0 carries mu(psi_0), too:
 *
 * the same evidence, and no variance at psi_t(x) = p(y_{t..T} | x_t = x) (Guarniero, Johansen and Lee 2017; Heng,
 * Bishop, Deligiannidis and Doucet 2020). Here log psi_t(x) = -x'A x/2 - b'x - c and M_t = N(f(x), S), so that with
 * P = S^{-1} + A, v = S^{-1} f - b
 *
 *     M^psi = N(P^{-1} v, P^{-1}),
 *     log M(psi) = -log det(I + S A)/2 + v'P^{-1} v/2 - f'S^{-1} f/2 - c.
 *
 * The twisted model is an ordinary one without observations, which any filter runs. Known answer: on a linear-Gaussian
 * model one backward fit makes all weights equal, and log Z is the Kalman filter's. */
#ifndef MOTE_SMC_TWIST_H
#define MOTE_SMC_TWIST_H

#include "model/state_space.h"

enum { MOTE_TWIST_STATES = 16 }; /* most coordinates of a state */

typedef struct mote_twist_time { /* of one time; d x d row-major */
    double *curvature, *slope;   /* A, b */
    double constant;             /* c */
    double *precision;           /* S^{-1} */
    double *lower;               /* L L' = P */
    double *root;                /* R R' = S: lower factor */
    double log_determinant;      /* of I + S A */
} mote_twist_time;

typedef struct mote_twist {
    const mote_state_space *inner;
    mote_state_space space;      /* of the twisted model */
    mote_series series;          /* times alone */
    int64_t d, times;
    mote_twist_time *time;
    mote_datum *data;            /* the inner model's observations, by time */
    double *storage;
    const mote_memory *memory;
    mote_message *message;
} mote_twist;

/* Needs the member `gaussian` and a series; the twisted model has the inner one's parameters. All psi = 1. */
int mote_twist_open(mote_twist *twist, const mote_state_space *inner, const mote_memory *memory, mote_message *message);
void mote_twist_close(mote_twist *twist);

/* Asks the model for S at all times under these parameters, and prepares psi. MOTE_EMODEL when an S is not positive
 * definite, naming the time. `block` carries parameters and cache. */
int mote_twist_prepare(mote_twist *twist, const mote_block *block);

/* Prepares time t after A, b, c were set: clips A where P would not be positive definite (*clipped counts). */
int mote_twist_prepare_time(mote_twist *twist, int64_t t, int64_t *clipped);

/* log G_t(x_i) + log M_{t+1}(psi_{t+1})(x_i), what log psi_t should be, of n <= MOTE_BLOCK particles. */
int mote_twist_goal(const mote_twist *twist, const mote_block *like, int64_t t, const double *const *state, int64_t n,
                    double *goal);

/* Weighted least squares of log psi_t on (1, x, x x') (diagonal: x_k^2 alone) over n particles of time t, whose goals
 * are finite; psi_{t+1} must be fitted already. *residual: mean square of what is left. MOTE_EMODEL when there are
 * fewer particles than coefficients. */
typedef struct mote_twist_fit {
    int64_t capacity, diagonal;
    double *goal, *left;               /* capacity */
    double *normal, *lower;            /* coefficients squared */
    double *right, *coefficient;       /* coefficients */
} mote_twist_fit;

int mote_twist_fit_open(mote_twist_fit *fit, const mote_twist *twist, int64_t capacity, int64_t diagonal);
void mote_twist_fit_close(mote_twist_fit *fit, const mote_twist *twist);
int mote_twist_fit_time(mote_twist_fit *fit, mote_twist *twist, const mote_block *like, int64_t t,
                        const double *const *state, int64_t n, double *residual, int64_t *clipped);

#endif
