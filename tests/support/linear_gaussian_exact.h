/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact moments of the scalar linear-Gaussian model with the parameters of case A (x_t = .9 x_{t-1} + N(0,1), y_t = x_t +
 * N(0,1), x_0 ~ N(0, 1/.19)): Kalman filter and Rauch-Tung-Striebel smoother in the few lines that a scalar needs. */
#ifndef MOTE_TESTS_LINEAR_GAUSSIAN_EXACT_H
#define MOTE_TESTS_LINEAR_GAUSSIAN_EXACT_H

#include <stdint.h>

enum { EXACT_TIMES = 512 };

typedef struct linear_gaussian_exact {
    double predicted[EXACT_TIMES], predicted_variance[EXACT_TIMES]; /* of x_t given y_0..t-1 */
    double filtered[EXACT_TIMES], filtered_variance[EXACT_TIMES];   /* given y_0..t */
    double smoothed[EXACT_TIMES], smoothed_variance[EXACT_TIMES];   /* given all */
    double lag_one[EXACT_TIMES];                                    /* covariance of x_{t-1}, x_t given all */
} linear_gaussian_exact;

static inline void linear_gaussian_solve(linear_gaussian_exact *e, const double *y, int64_t count)
{
    const double rho = 0.9;
    for (int64_t t = 0; t < count; ++t) {
        e->predicted[t] = t ? rho * e->filtered[t - 1] : 0;
        e->predicted_variance[t] = t ? rho * rho * e->filtered_variance[t - 1] + 1 : 1 / 0.19;
        const double gain = e->predicted_variance[t] / (e->predicted_variance[t] + 1);
        e->filtered[t] = e->predicted[t] + gain * (y[t] - e->predicted[t]);
        e->filtered_variance[t] = (1 - gain) * e->predicted_variance[t];
    }
    for (int64_t t = count - 1; t >= 0; --t) {
        const int last = t == count - 1;
        const double gain = last ? 0 : rho * e->filtered_variance[t] / e->predicted_variance[t + 1];
        e->smoothed[t] = e->filtered[t] + (last ? 0 : gain * (e->smoothed[t + 1] - e->predicted[t + 1]));
        e->smoothed_variance[t] = e->filtered_variance[t] +
                                  (last ? 0 : gain * gain * (e->smoothed_variance[t + 1] - e->predicted_variance[t + 1]));
        if (!last)
            e->lag_one[t + 1] = gain * e->smoothed_variance[t + 1];
    }
}

#endif
