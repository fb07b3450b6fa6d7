/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step of the Kalman filter on plain arrays, for many small states at once.
 *
 * Predict: m <- A m + b, P <- A P A' + Q. Update with the rows of C that are observed (the others are left out of C, c
 * and R): v = y - C m - c, S = C P C' + R, K = P C' S^{-1}, m <- m + K v, and in Joseph's form
 * P <- (I - K C) P (I - K C)' + K R K', a sum of squares that rounding does not make indefinite, where P - K S K' may
 * (Anderson & Moore 1979, section 6.2). log p(y) = -(k log 2 pi + log det S + v' S^{-1} v)/2 for k rows.
 * Known answer: P = 1, C = 1, R = 1, m = 0, y = 1: m = 1/2, P = 1/2, log p = -(log 4 pi + 1/2)/2. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "model/kalman_parts.h"

#define LOG_2PI 1.8378770664093454836

/* Views into the scratch; k of the m rows are observed. */
typedef struct workspace {
    double *c, *r, *y;                /* observed rows: k x d, k x k, y - c: k */
    double *cross, *gain, *gain_r;    /* P C', K, K R: d x k */
    double *factor, *residual;        /* of S, k x k; k */
    double *reduction, *product;      /* I - K C, d x d; d x d */
    double *vector;                   /* d */
    int64_t d, k;
} workspace;

int64_t mote_kalman_scratch(int64_t states, int64_t observations)
{
    int64_t d = states, m = observations;
    return 4 * d * m + 2 * m * m + 2 * m + 2 * d * d + d;
}

static workspace divide(double *scratch, int64_t d, int64_t m)
{
    workspace work = { .d = d };
    double **const parts[] = { &work.c, &work.cross,    &work.gain,      &work.gain_r,  &work.r,     &work.factor,
                               &work.y, &work.residual, &work.reduction, &work.product, &work.vector };
    const int64_t sizes[] = { d * m, d * m, d * m, d * m, m * m, m * m, m, m, d * d, d * d, d };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        *parts[i] = scratch;
        scratch += sizes[i];
    }
    return work;
}

static int is_batch(const mote_kalman_batch *batch)
{
    return batch->head.kind == MOTE_KIND_mote_kalman_batch && batch->head.size >= sizeof *batch;
}

static void predict_covariance(const workspace *work, const mote_kalman_matrices *matrices, double *covariance)
{
    const double *a = matrices->transition.values, *q = matrices->transition_covariance.values;
    int64_t d = work->d;
    if (!a) {
        for (int64_t i = 0; i < d * d; ++i)
            covariance[i] += q[i];
        return;
    }
    mote_product_transposed(work->product, a, covariance, d, d, d); /* A P, as P is symmetric */
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j <= i; ++j)
            covariance[i * d + j] = mote_dot(work->product + i * d, a + j * d, d) + q[i * d + j];
    mote_mirror(covariance, d);
}

static void predict_mean(const workspace *work, const mote_kalman_matrices *matrices, double *mean)
{
    const double *b = matrices->transition_offset.values;
    int64_t d = work->d;
    if (matrices->transition.values) {
        mote_matrix_vector(work->vector, matrices->transition.values, mean, d, d);
        memcpy(mean, work->vector, (size_t)d * sizeof *mean);
    }
    for (int64_t i = 0; b && i < d; ++i)
        mean[i] += b[i];
}

int mote_kalman_predict(const mote_kalman_batch *batch, const mote_kalman_matrices *matrices)
{
    if (!is_batch(batch))
        return MOTE_EKIND;
    workspace work = divide(batch->scratch, batch->states, batch->observations);
    for (int64_t i = 0; i < batch->n; ++i) {
        if (!i || batch->covariance_stride)
            predict_covariance(&work, matrices, batch->covariance + i * batch->covariance_stride);
        predict_mean(&work, matrices, batch->mean + i * batch->mean_stride);
    }
    return MOTE_OK;
}

/* Leaves out the rows (and columns of R) that are missing. */
static void select_observed(workspace *work, const mote_kalman_matrices *matrices, const double *values, int64_t m)
{
    const double *c = matrices->observation.values, *offset = matrices->observation_offset.values;
    const double *r = matrices->observation_covariance.values;
    int64_t d = work->d, k = 0, element = 0;
    for (int64_t i = 0; i < m; ++i) {
        if (isnan(values[i]))
            continue;
        memcpy(work->c + k * d, c + i * d, (size_t)d * sizeof *c);
        work->y[k++] = values[i] - (offset ? offset[i] : 0);
        for (int64_t j = 0; j < m; ++j)
            if (!isnan(values[j]))
                work->r[element++] = r[i * m + j];
    }
    work->k = k;
}

/* K and the factor of S; P is replaced by its update. */
static int update_covariance(const workspace *work, double *covariance)
{
    int64_t d = work->d, k = work->k;
    mote_symmetric_by(work->cross, covariance, work->c, d, k);
    for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j <= i; ++j) {
            double sum = work->r[i * k + j];
            for (int64_t l = 0; l < d; ++l)
                sum += work->c[i * d + l] * work->cross[l * k + j];
            work->factor[i * k + j] = sum;
        }
    if (mote_cholesky(work->factor, work->factor, k))
        return MOTE_ENUMERIC;
    memset(work->reduction, 0, (size_t)(d * d) * sizeof *work->reduction);
    for (int64_t i = 0; i < d; ++i) {
        double *gain = work->gain + i * k, *row = work->reduction + i * d;
        mote_lower_solve(gain, work->factor, work->cross + i * k, k);
        mote_lower_transpose_solve(gain, work->factor, gain, k);
        row[i] = 1;
        for (int64_t l = 0; l < k; ++l)
            for (int64_t j = 0; j < d; ++j)
                row[j] -= gain[l] * work->c[l * d + j];
    }
    mote_product_transposed(work->gain_r, work->gain, work->r, d, k, k);
    mote_product_transposed(work->product, work->reduction, covariance, d, d, d);
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j <= i; ++j)
            covariance[i * d + j] = mote_dot(work->product + i * d, work->reduction + j * d, d) +
                                    mote_dot(work->gain_r + i * k, work->gain + j * k, k);
    mote_mirror(covariance, d);
    return MOTE_OK;
}

/* m <- m + K v; returns log p(y). */
static double update_mean(const workspace *work, double *mean)
{
    int64_t d = work->d, k = work->k;
    double *v = work->residual;
    for (int64_t i = 0; i < k; ++i)
        v[i] = work->y[i] - mote_dot(work->c + i * d, mean, d);
    for (int64_t i = 0; i < d; ++i)
        mean[i] += mote_dot(work->gain + i * k, v, k);
    mote_lower_solve(v, work->factor, v, k);
    return -0.5 * ((double)k * LOG_2PI + mote_dot(v, v, k)) - mote_lower_log_determinant(work->factor, k);
}

int mote_kalman_update(const mote_kalman_batch *batch, const mote_kalman_matrices *matrices, const double *values,
                       double *log_likelihood)
{
    if (!is_batch(batch))
        return MOTE_EKIND;
    workspace work = divide(batch->scratch, batch->states, batch->observations);
    select_observed(&work, matrices, values, batch->observations);
    for (int64_t i = 0; i < batch->n; ++i) {
        log_likelihood[i] = 0;
        if (!work.k)
            continue;
        if ((!i || batch->covariance_stride) &&
            update_covariance(&work, batch->covariance + i * batch->covariance_stride))
            return MOTE_ENUMERIC;
        log_likelihood[i] = update_mean(&work, batch->mean + i * batch->mean_stride);
    }
    return MOTE_OK;
}
