/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models for the tests of mote/kalman.h: the scalar ones of cases A and B, one of four states and two observations. */
#ifndef MOTE_TESTS_MODEL_KALMAN_MODELS_H
#define MOTE_TESTS_MODEL_KALMAN_MODELS_H

#include <mote/kalman.h>

#include "tests/support/state_space_reference.h"
#include "tests/support/test.h"

/* ---- scalar models: cases A and B */
typedef struct scalar {
    double rho, variance_x, variance_y, initial, zero, one;
} scalar;

static inline mote_kalman_model scalar_model(const scalar *s)
{
    return (mote_kalman_model){ MOTE_VERSIONED(mote_kalman_model), .states = 1, .observations = 1,
                                .initial_mean = { &s->zero, 1, 1 }, .initial_covariance = { &s->initial, 1, 1 },
                                .constant = { .transition = { &s->rho, 1, 1 },
                                              .transition_covariance = { &s->variance_x, 1, 1 },
                                              .observation = { &s->one, 1, 1 },
                                              .observation_covariance = { &s->variance_y, 1, 1 } } };
}

static const scalar case_a = { CASE_A_RHO, CASE_A_VARIANCE_X, CASE_A_VARIANCE_Y, CASE_A_INITIAL, 0, 1 };
static const scalar case_b = { CASE_B_RHO, CASE_B_VARIANCE_X, CASE_B_VARIANCE_Y, CASE_B_VARIANCE_X, 0, 1 };

static inline mote_kalman *opened(const mote_kalman_model *model, int64_t times)
{
    mote_kalman *kalman = NULL;
    if (mote_kalman_open(&kalman, model, times, NULL))
        print_error("%s\n", mote_kalman_message(kalman));
    assert_string_equal(mote_kalman_message(kalman), "");
    return kalman;
}

static inline mote_kalman *filtered_a(const scalar *s)
{
    double y[CASE_A_TIMES];
    mote_kalman_model model = scalar_model(s);
    mote_kalman *kalman = opened(&model, CASE_A_TIMES);
    case_a_observations(y, CASE_A_TIMES);
    assert_status(mote_kalman_filter(kalman, y, NULL, CASE_A_TIMES), MOTE_OK);
    assert_status(mote_kalman_smooth(kalman), MOTE_OK);
    return kalman;
}

/* ---- a model of four states and two observations with everything that can change with time, and the joint normal law
 * of all its states and observations as one dense matrix */
enum { D = 4, M = 2, TIMES = 7, MOST = (TIMES + 1) * D };

typedef struct everything {
    double a[D][D], b[D], q[D][D], c[M][D], offset[M], r[M][M], m[D], p[D][D];
    double now_a[D][D], now_b[D], now_c[M][D], now_r[M][M]; /* of the time asked for last */
    int64_t changing, singular;
    double fault; /* added to now_r[0][0] at time 3 */
} everything;

static inline void at_time(everything *e, int64_t t)
{
    for (int i = 0; i < D; ++i) {
        for (int j = 0; j < D; ++j)
            e->now_a[i][j] = e->a[i][j] + (e->changing ? 0.1 * sin((double)t + i - j) : 0);
        e->now_b[i] = e->b[i] + (e->changing ? cos((double)t * (i + 1)) : 0);
        for (int j = 0; j < M; ++j)
            e->now_c[j][i] = e->c[j][i] + (e->changing ? 0.2 * cos((double)t + i * j) : 0);
    }
    for (int i = 0; i < M; ++i)
        for (int j = 0; j < M; ++j)
            e->now_r[i][j] = e->r[i][j] * (e->changing ? 1 + 0.1 * (double)t : 1);
    if (t == 3)
        e->now_r[0][0] += e->fault;
}

static inline int step(void *ctx, int64_t t, mote_kalman_matrices *matrices)
{
    everything *e = ctx;
    at_time(e, t);
    matrices->transition.values = e->now_a[0];
    matrices->transition_offset = (mote_matrix){ e->now_b, D, 1 };
    matrices->observation.values = e->now_c[0];
    matrices->observation_covariance.values = e->now_r[0];
    return 0;
}

static inline void make(everything *e, int64_t changing, int64_t singular)
{
    memset(e, 0, sizeof *e);
    e->changing = changing;
    for (int i = 0; i < D; ++i) {
        for (int j = 0; j < D; ++j) {
            e->a[i][j] = (i == j ? 0.8 : 0) + 0.1 * sin(3.0 * i + j);
            e->p[i][j] = (i == j ? 1.5 : 0.3);
            e->q[i][j] = singular ? 0.5 * sin(i + 1.0) * sin(j + 1.0) : (i == j ? 0.4 + 0.1 * i : 0.05);
        }
        e->b[i] = 0.3 - 0.2 * i;
        e->m[i] = 0.5 * i - 1;
        for (int j = 0; j < M; ++j)
            e->c[j][i] = cos(1.0 + i * (j + 1));
    }
    const double r[M][M] = { { 0.5, 0.2 }, { 0.2, 0.7 } };
    memcpy(e->r, r, sizeof r);
    e->offset[0] = 0.4;
    e->offset[1] = -0.6;
}

static inline mote_kalman_model model_of(everything *e, int64_t propagate_first)
{
    return (mote_kalman_model){ MOTE_VERSIONED(mote_kalman_model), .states = D, .observations = M,
                                .initial_mean = MOTE_VECTOR(e->m), .initial_covariance = MOTE_MATRIX(e->p),
                                .propagate_first = propagate_first, .step = e->changing ? step : NULL, .ctx = e,
                                .constant = { .transition = MOTE_MATRIX(e->a), .transition_offset = MOTE_VECTOR(e->b),
                                              .transition_covariance = MOTE_MATRIX(e->q),
                                              .observation = MOTE_MATRIX(e->c),
                                              .observation_offset = MOTE_VECTOR(e->offset),
                                              .observation_covariance = MOTE_MATRIX(e->r) } };
}

static inline void make_observations(double y[TIMES][M])
{
    for (int t = 0; t < TIMES; ++t)
        for (int i = 0; i < M; ++i)
            y[t][i] = 1.5 * sin(0.9 * t + i) + 0.3 * t;
    y[1][0] = y[4][1] = NAN;  /* in part */
    y[3][0] = y[3][1] = NAN;  /* all of it */
}

#endif
