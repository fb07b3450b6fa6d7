/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The score, from smoothed moments.
 *
 * Both equations of the model are regressions z = F w + f + N(0, V): of z = x_t on w = x_{t-1}, of the observed part of
 * z = y_t on w = x_t. With e = z - F w - f and expectations given all y, Fisher's identity (Cappe, Moulines & Ryden
 * 2005, section 10.2) sums over time
 *     d/dF = V^{-1} E[e w'],   d/df = V^{-1} E[e],   d/dV = (V^{-1} E[e e'] V^{-1} - V^{-1}) / 2.
 * Known answer: case A of tests/support/state_space_reference.h. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/option.h"
#include "model/kalman_parts.h"

static mote_kalman_residual residual_of(const mote_kalman *kalman, int64_t rows)
{
    double *memory = kalman->scratch;
    return (mote_kalman_residual){ memory, memory + rows * rows, memory + rows * (rows + kalman->d), rows };
}

mote_kalman_residual mote_kalman_transition_residual(const mote_kalman *kalman, const mote_kalman_matrices *matrices,
                                                     int64_t s)
{
    int64_t d = kalman->d;
    const double *a = matrices->transition.values, *b = matrices->transition_offset.values;
    const double *mean = kalman->law[2].mean + s * d, *covariance = kalman->law[2].covariance + s * d * d;
    const double *before = mean - d, *before_covariance = covariance - d * d;
    double *cross = mote_kalman_area(kalman, 6);
    mote_kalman_residual out = residual_of(kalman, d);
    mote_symmetric_by(cross, covariance, kalman->gain + (s - 1) * d * d, d, d);
    mote_product_transposed(out.ew, a, before_covariance, d, d, d);
    for (int64_t i = 0; i < d * d; ++i)
        out.ew[i] = cross[i] - out.ew[i]; /* Cov(e, w) */
    for (int64_t i = 0; i < d; ++i)
        out.e[i] = mean[i] - mote_dot(a + i * d, before, d) - b[i];
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j <= i; ++j)
            out.ee[i * d + j] = covariance[i * d + j] - mote_dot(cross + i * d, a + j * d, d) -
                                mote_dot(a + i * d, out.ew + j * d, d) + out.e[i] * out.e[j];
    mote_mirror(out.ee, d);
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < d; ++j)
            out.ew[i * d + j] += out.e[i] * before[j];
    return out;
}

mote_kalman_residual mote_kalman_observation_residual(const mote_kalman *kalman, const mote_kalman_matrices *matrices,
                                                      int64_t s, int64_t *row)
{
    int64_t d = kalman->d, k = 0;
    const double *c = matrices->observation.values, *y = kalman->observed + s * kalman->m;
    const double *mean = kalman->law[2].mean + s * d, *covariance = kalman->law[2].covariance + s * d * d;
    for (int64_t i = 0; i < kalman->m; ++i)
        if (!isnan(y[i]))
            row[k++] = i;
    mote_kalman_residual out = residual_of(kalman, k);
    for (int64_t i = 0; i < k; ++i) {
        const double *line = c + row[i] * d;
        out.e[i] = y[row[i]] - mote_dot(line, mean, d) - matrices->observation_offset.values[row[i]];
        for (int64_t j = 0; j < d; ++j)
            out.ew[i * d + j] = -mote_dot(line, covariance + j * d, d);
        for (int64_t j = 0; j <= i; ++j)
            out.ee[i * k + j] = -mote_dot(out.ew + i * d, c + row[j] * d, d) + out.e[i] * out.e[j];
    }
    mote_mirror(out.ee, k);
    for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < d; ++j)
            out.ew[i * d + j] += out.e[i] * mean[j];
    return out;
}

int mote_kalman_factor_part(double *lower, const double *covariance, const int64_t *row, int64_t k, int64_t full)
{
    for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < k; ++j)
            lower[i * k + j] = covariance[(row ? row[i] : i) * full + (row ? row[j] : j)];
    return mote_cholesky(lower, lower, k);
}

void mote_kalman_solve_rows(double *a, const double *lower, int64_t rows, int64_t k)
{
    for (int64_t i = 0; i < rows; ++i) {
        mote_lower_solve(a + i * k, lower, a + i * k, k);
        mote_lower_transpose_solve(a + i * k, lower, a + i * k, k);
    }
}

static void transpose(double *out, const double *a, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j)
            out[j * rows + i] = a[i * columns + j];
}

/* out[row i][j] += a[j][i], a: columns x k. */
static void add_rows(double *out, const double *a, const int64_t *row, int64_t k, int64_t columns)
{
    for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < columns; ++j)
            out[(row ? row[i] : i) * columns + j] += a[j * k + i];
}

/* Adds the gradient's terms of one residual; `full` is the size of V, of which the rows `row` took part. */
static int add_score(const mote_kalman *kalman, const mote_kalman_residual *e, const double *v, const int64_t *row,
                     int64_t full, double *matrix, double *offset, double *covariance)
{
    int64_t k = e->rows, d = kalman->d;
    double *lower = mote_kalman_area(kalman, 4), *solved = mote_kalman_area(kalman, 5);
    double *both = mote_kalman_area(kalman, 6);
    if (!(matrix || offset || covariance) || !k)
        return MOTE_OK;
    if (mote_kalman_factor_part(lower, v, row, k, full))
        return MOTE_ENUMERIC;
    if (matrix) {
        transpose(solved, e->ew, k, d);
        mote_kalman_solve_rows(solved, lower, d, k);
        add_rows(matrix, solved, row, k, d);
    }
    if (offset) {
        memcpy(solved, e->e, (size_t)k * sizeof *solved);
        mote_kalman_solve_rows(solved, lower, 1, k);
        add_rows(offset, solved, row, k, 1);
    }
    if (covariance) { /* V^{-1} (E[e e'] - V) V^{-1} / 2 */
        for (int64_t i = 0; i < k; ++i)
            for (int64_t j = 0; j < k; ++j)
                solved[i * k + j] = e->ee[i * k + j] - v[(row ? row[i] : i) * full + (row ? row[j] : j)];
        mote_kalman_solve_rows(solved, lower, k, k);
        transpose(both, solved, k, k);
        mote_kalman_solve_rows(both, lower, k, k);
        for (int64_t i = 0; i < k; ++i)
            for (int64_t j = 0; j < k; ++j)
                covariance[(row ? row[i] : i) * full + (row ? row[j] : j)] += both[i * k + j] / 2;
    }
    return MOTE_OK;
}

/* d/dm_0 and d/dP_0: the initial law is a regression on nothing. */
static int add_initial(const mote_kalman *kalman, const mote_kalman_arrays *gradient)
{
    int64_t d = kalman->d;
    mote_kalman_residual e = residual_of(kalman, d);
    for (int64_t i = 0; i < d; ++i)
        e.e[i] = kalman->law[2].mean[i] - kalman->model.initial_mean.values[i];
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < d; ++j)
            e.ee[i * d + j] = kalman->law[2].covariance[i * d + j] + e.e[i] * e.e[j];
    return add_score(kalman, &e, kalman->model.initial_covariance.values, NULL, d, NULL, gradient->initial_mean,
                     gradient->initial_covariance);
}

static int singular(mote_kalman *kalman, const char *what, int64_t t)
{
    return mote_fail(&kalman->message, MOTE_ENUMERIC,
                     "score: the %s covariance at time %lld is singular, so the density has no gradient in it", what,
                     (long long)t);
}

static int add_time(mote_kalman *kalman, int64_t s, const mote_kalman_arrays *gradient)
{
    mote_kalman_matrices matrices;
    int64_t t = s - kalman->lead, *row = (int64_t *)(void *)mote_kalman_area(kalman, 7);
    if (!s && add_initial(kalman, gradient))
        return singular(kalman, "initial", t);
    if (t < 0)
        return MOTE_OK;
    int status = mote_kalman_ask(kalman, t, &matrices);
    if (status)
        return status;
    if (s) {
        mote_kalman_residual e = mote_kalman_transition_residual(kalman, &matrices, s);
        if (add_score(kalman, &e, matrices.transition_covariance.values, NULL, kalman->d, gradient->transition,
                      gradient->transition_offset, gradient->transition_covariance))
            return singular(kalman, "transition", t);
    }
    mote_kalman_residual e = mote_kalman_observation_residual(kalman, &matrices, s, row);
    if (add_score(kalman, &e, matrices.observation_covariance.values, row, kalman->m, gradient->observation,
                  gradient->observation_offset, gradient->observation_covariance))
        return singular(kalman, "observation", t);
    return MOTE_OK;
}

static void clear(double *array, int64_t n)
{
    if (array)
        memset(array, 0, (size_t)n * sizeof *array);
}

static int begin_score(mote_kalman *kalman, const mote_kalman_arrays *gradient, mote_kalman_arrays *g)
{
    int status = mote_kalman_needs_smoothing(kalman, "score");
    if (!status)
        status = mote_struct_read(g, sizeof *g, MOTE_KIND_mote_kalman_arrays, gradient, &kalman->message);
    if (status)
        return status;
    int64_t d = kalman->d, m = kalman->m;
    clear(g->initial_mean, d);
    clear(g->initial_covariance, d * d);
    clear(g->transition, d * d);
    clear(g->transition_offset, d);
    clear(g->transition_covariance, d * d);
    clear(g->observation, m * d);
    clear(g->observation_offset, m);
    clear(g->observation_covariance, m * m);
    return MOTE_OK;
}

int mote_kalman_score_at(mote_kalman *kalman, int64_t t, const mote_kalman_arrays *gradient)
{
    mote_kalman_arrays g;
    int status = begin_score(kalman, gradient, &g);
    if (status)
        return status;
    int64_t s = mote_kalman_slot(kalman, t);
    return s < 0 ? mote_fail(&kalman->message, MOTE_EINVAL, "score: time %lld is not kept", (long long)t)
                 : add_time(kalman, s, &g);
}

int mote_kalman_score(mote_kalman *kalman, const mote_kalman_arrays *gradient)
{
    mote_kalman_arrays g;
    int status = begin_score(kalman, gradient, &g);
    for (int64_t s = 0; !status && s < kalman->times + kalman->lead; ++s)
        status = add_time(kalman, s, &g);
    return status;
}
