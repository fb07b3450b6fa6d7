/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets for the tests of kernels, whose posteriors at every temperature are known. */
#ifndef MOTE_TESTS_MCMC_KERNEL_TARGETS_H
#define MOTE_TESTS_MCMC_KERNEL_TARGETS_H

#include "core/linear.h"
#include "tests/mcmc/harness.h"

/* Normal prior N(m, s^2) on each of three; likelihood exp(-(x - c)' A (x - c) / 2). The posterior at temperature 1/b is
 * normal with precision diag(1/s^2) + b A. */
static const double A[3][3] = { { 2, 0.9, 0 }, { 0.9, 1, -0.3 }, { 0, -0.3, 0.5 } };
static const double C[3] = { 1, -1, 0.5 }, M[3] = { 0, 1, 2 }, S[3] = { 1, 2, 3 };

static inline int normal_likelihood(void *ctx, const mote_batch *batch)
{
    (void)ctx;
    for (int64_t i = 0; i < batch->n; ++i) {
        const double *x = batch->theta + i * batch->stride;
        double sum = 0;
        for (int j = 0; j < 3; ++j) {
            double slope = 0;
            for (int k = 0; k < 3; ++k)
                slope -= A[j][k] * (x[k] - C[k]);
            sum += 0.5 * slope * (x[j] - C[j]);
            if (batch->gradient)
                batch->gradient[i * batch->stride + j] = slope;
        }
        batch->log_likelihood[i] = sum;
    }
    return 0;
}

static const mote_parameter normal_parameters[] = { MOTE_NORMAL("x", 0, 1), MOTE_NORMAL("y", 1, 2),
                                                    MOTE_NORMAL("z", 2, 3) };
static const mote_target normal_target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(normal_parameters),
                                           .log_likelihood = normal_likelihood,
                                           .flags = MOTE_HAS_GRADIENT | MOTE_THREADSAFE, .name = "normal" };

/* Mean and factor of the covariance at inverse temperature b. */
static inline void normal_posterior(double b, double *mean, double *lower)
{
    double precision[9], factor[9], right[3], covariance[9];
    for (int j = 0; j < 3; ++j) {
        right[j] = M[j] / S[j] / S[j];
        for (int k = 0; k < 3; ++k) {
            precision[3 * j + k] = b * A[j][k] + (j == k ? 1 / S[j] / S[j] : 0);
            right[j] += b * A[j][k] * C[k];
        }
    }
    assert_status(mote_cholesky(factor, precision, 3), MOTE_OK);
    mote_lower_solve(mean, factor, right, 3);
    mote_lower_transpose_solve(mean, factor, mean, 3);
    for (int j = 0; j < 3; ++j) {
        double column[3] = { j == 0, j == 1, j == 2 };
        mote_lower_solve(column, factor, column, 3);
        mote_lower_transpose_solve(covariance + 3 * j, factor, column, 3);
    }
    assert_status(mote_cholesky(lower, covariance, 3), MOTE_OK);
}

/* Uniform on [0, 2] and exponential of mean 1: likelihood x^a (2 - x)^b, y^c e^-y: Beta(a + 1, b + 1) on [0, 2] and
 * Gamma(c + 1, 1/2). */
enum { BETA_A = 2, BETA_B = 1, GAMMA_C = 3 };

static inline int bounded_likelihood(void *ctx, const mote_batch *batch)
{
    (void)ctx;
    for (int64_t i = 0; i < batch->n; ++i) {
        const double *x = batch->theta + i * batch->stride;
        batch->log_likelihood[i] = BETA_A * log(x[0]) + BETA_B * log(2 - x[0]) + GAMMA_C * log(x[1]) - x[1];
        if (batch->gradient) {
            batch->gradient[i * batch->stride] = BETA_A / x[0] - BETA_B / (2 - x[0]);
            batch->gradient[i * batch->stride + 1] = GAMMA_C / x[1] - 1;
        }
    }
    return 0;
}

static const mote_parameter bounded_parameters[] = { MOTE_UNIFORM("x", 0, 2), MOTE_EXPONENTIAL("y", 1) };
static const mote_target bounded_target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(bounded_parameters),
                                            .log_likelihood = bounded_likelihood,
                                            .flags = MOTE_HAS_GRADIENT | MOTE_THREADSAFE, .name = "bounded" };

#endif
