/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linear-Gaussian models whose matrices are all free, for tests of learning, and their exact maximum of the likelihood:
 *
 *     x_0 ~ N(0, v_0 I),   x_t = A x_{t-1} + N(0, diag Q),   y_t = x_t + N(0, diag R),   t < T, d = 1 or 2 states
 *
 * Parameters: A by rows (uniform on (-1, 1)), Q, R (on the real line their logarithms); v_0 is held. The proposal is
 * the optimal one, p(x_t | x_{t-1}, y_t). The series is simulated from a truth and a seed. The maximum is found by
 * Newton's method on the Kalman filter's log-likelihood, whose gradient is exact, and whose second derivatives are
 * differences of it. */
#ifndef MOTE_TESTS_LINEAR_GAUSSIAN_FREE_H
#define MOTE_TESTS_LINEAR_GAUSSIAN_FREE_H

#include <mote/ssm.h>

enum { FREE_STATES = 2, FREE_TIMES = 1000, FREE_PARAMETERS = FREE_STATES * (FREE_STATES + 2) };

typedef struct linear_gaussian_free {
    int64_t states, times, parameters; /* d, T, d (d + 2) */
    double initial_variance;
    double values[FREE_TIMES * FREE_STATES];
    mote_parameter parameter[FREE_PARAMETERS];
    mote_series series;
    mote_ssm model; /* its ctx is this struct: it must not move */
} linear_gaussian_free;

/* 0, or the status of what failed. */
int linear_gaussian_free_open(linear_gaussian_free *c, int64_t states, int64_t times, const double *truth,
                              int64_t seed);

/* log p(y | theta) and, unless NULL, its gradient. 0, or the Kalman filter's status. */
int linear_gaussian_free_likelihood(const linear_gaussian_free *c, const double *theta, double *log_likelihood,
                                    double *gradient);

/* From `theta` uphill to the maximum: 0 when no component of the gradient is larger than `tolerance`. `information`,
 * unless NULL: minus the second derivatives there, parameters x parameters. */
int linear_gaussian_free_maximum(const linear_gaussian_free *c, double tolerance, double *theta, double *log_likelihood,
                                 double *information);

#endif
