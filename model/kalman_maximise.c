/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step of expectation-maximisation from smoothed moments.
 *
 * Both equations of the model are regressions z = F w + f + N(0, V) (kalman_score.c). With e = z - F w - f at the old
 * values, u = w, (w, 1) or 1 as F, f or both are wanted, and sums over time of expectations given all y,
 *     D = (sum E[e u']) (sum E[u u'])^{-1},   (F, f) <- (F, f) + D,   V <- (sum E[e e'] - D sum E[u e']) / n
 * (Shumway & Stoffer 1982). Rows of y_t that are missing follow from the observed ones: e = T e_o + N(0, R - T R_o.),
 * T = R_.o R_oo^{-1}, so that E[e e'] = R + T (E[e_o e_o'] - R_oo) T'; times with nothing observed are left out.
 * Known answer: rho of case A of tests/support/state_space_reference.h goes to its maximum-likelihood value. */
#include <string.h>

#include "core/linear.h"
#include "core/option.h"
#include "model/kalman_parts.h"

/* Sums over time; the regressor has d + 1 components, the last is 1. */
typedef struct regression {
    double *ee, *eu, *uu; /* rows x rows, rows x (d + 1), (d + 1) x (d + 1) */
    int64_t rows, n;
    const char *name;
} regression;

static regression begin(mote_kalman *kalman, int64_t area, int64_t rows, const char *name)
{
    regression sums = { mote_kalman_area(kalman, area), mote_kalman_area(kalman, area + 1),
                        mote_kalman_area(kalman, area + 2), rows, 0, name };
    int64_t size = kalman->d + 1;
    memset(sums.ee, 0, (size_t)(rows * rows) * sizeof(double));
    memset(sums.eu, 0, (size_t)(rows * size) * sizeof(double));
    memset(sums.uu, 0, (size_t)(size * size) * sizeof(double));
    return sums;
}

/* Adds E[u u'] of the states in slot s. */
static void add_regressor(const mote_kalman *kalman, regression *sums, int64_t s)
{
    int64_t d = kalman->d, size = d + 1;
    const double *mean = kalman->law[2].mean + s * d, *covariance = kalman->law[2].covariance + s * d * d;
    for (int64_t i = 0; i < d; ++i) {
        for (int64_t j = 0; j < d; ++j)
            sums->uu[i * size + j] += covariance[i * d + j] + mean[i] * mean[j];
        sums->uu[i * size + d] += mean[i];
        sums->uu[d * size + i] += mean[i];
    }
    sums->uu[d * size + d] += 1;
    ++sums->n;
}

static void add_residual(const mote_kalman *kalman, regression *sums, const mote_kalman_residual *e)
{
    int64_t d = kalman->d, rows = sums->rows;
    for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < rows; ++j)
            sums->ee[i * rows + j] += e->ee[i * rows + j];
        for (int64_t j = 0; j < d; ++j)
            sums->eu[i * (d + 1) + j] += e->ew[i * d + j];
        sums->eu[i * (d + 1) + d] += e->e[i];
    }
}

/* Adds k observed rows of m: all rows as expected from them. */
static int add_partial(const mote_kalman *kalman, regression *sums, const mote_kalman_residual *e, const double *r,
                       const int64_t *row)
{
    int64_t d = kalman->d, m = kalman->m, k = e->rows;
    double *lower = mote_kalman_area(kalman, 4), *t = mote_kalman_area(kalman, 5), *left = mote_kalman_area(kalman, 6);
    if (mote_kalman_factor_part(lower, r, row, k, m))
        return MOTE_ENUMERIC;
    for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < k; ++j)
            t[i * k + j] = r[i * m + row[j]];
    mote_kalman_solve_rows(t, lower, m, k);
    for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < k; ++j)
            e->ee[i * k + j] -= r[row[i] * m + row[j]];
    mote_product_transposed(left, t, e->ee, m, k, k); /* E[e e'] is symmetric */
    for (int64_t i = 0; i < m; ++i) {
        const double *weights = t + i * k;
        for (int64_t j = 0; j < m; ++j)
            sums->ee[i * m + j] += r[i * m + j] + mote_dot(left + i * k, t + j * k, k);
        for (int64_t l = 0; l < k; ++l)
            for (int64_t j = 0; j < d; ++j)
                sums->eu[i * (d + 1) + j] += weights[l] * e->ew[l * d + j];
        sums->eu[i * (d + 1) + d] += mote_dot(weights, e->e, k);
    }
    return MOTE_OK;
}

/* What is wanted of one equation, and its values now. */
typedef struct equation {
    double *matrix, *offset, *covariance;
    const double *old_matrix, *old_offset;
} equation;

/* The maximisers from the sums. The regressors that count are first .. first + size - 1. */
static int regress(mote_kalman *kalman, const regression *sums, const equation *wanted)
{
    int64_t d = kalman->d, rows = sums->rows, first = wanted->matrix ? 0 : d;
    int64_t size = (wanted->matrix ? d : 0) + (wanted->offset ? 1 : 0);
    double *lower = mote_kalman_area(kalman, 4), *shift = mote_kalman_area(kalman, 5);
    if (!sums->n)
        return mote_fail(&kalman->message, MOTE_ENUMERIC, "maximisation: no times to learn the %s from", sums->name);
    for (int64_t i = 0; i < size; ++i)
        memcpy(lower + i * size, sums->uu + (first + i) * (d + 1) + first, (size_t)size * sizeof *lower);
    if (mote_cholesky(lower, lower, size))
        return mote_fail(&kalman->message, MOTE_ENUMERIC, "maximisation: the regressors of the %s are dependent",
                         sums->name);
    for (int64_t i = 0; i < rows; ++i)
        memcpy(shift + i * size, sums->eu + i * (d + 1) + first, (size_t)size * sizeof *shift);
    mote_kalman_solve_rows(shift, lower, rows, size);
    for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; wanted->matrix && j < d; ++j)
            wanted->matrix[i * d + j] = wanted->old_matrix[i * d + j] + shift[i * size + j];
        if (wanted->offset)
            wanted->offset[i] = wanted->old_offset[i] + shift[i * size + size - 1];
        for (int64_t j = 0; wanted->covariance && j <= i; ++j)
            wanted->covariance[i * rows + j] =
                (sums->ee[i * rows + j] - mote_dot(shift + i * size, sums->eu + j * (d + 1) + first, size)) /
                (double)sums->n;
    }
    if (wanted->covariance)
        mote_mirror(wanted->covariance, rows);
    return MOTE_OK;
}

/* MOTE_EUNSUPPORTED when `step` replaced what has to stay. */
static int must_stay(mote_kalman *kalman, const char *name, int wanted, const mote_matrix *now,
                     const mote_matrix *constant, int64_t t)
{
    if (!wanted || now->values == constant->values)
        return MOTE_OK;
    return mote_fail(&kalman->message, MOTE_EUNSUPPORTED,
                     "maximisation: %s changes at time %lld and cannot be learnt, nor what is weighted by it", name,
                     (long long)t);
}

static int check_constant(mote_kalman *kalman, const mote_kalman_arrays *e, const mote_kalman_matrices *now, int64_t s)
{
    const mote_kalman_matrices *constant = &kalman->model.constant;
    int64_t t = s - kalman->lead;
    int transition = e->transition || e->transition_offset, observation = e->observation || e->observation_offset;
    int status = MOTE_OK;
#define STAYS(name, wanted)                                                                                           \
    status = status ? status : must_stay(kalman, #name, wanted, &now->name, &constant->name, t)
    if (s) {
        STAYS(transition, e->transition != NULL);
        STAYS(transition_offset, e->transition_offset != NULL);
        STAYS(transition_covariance, transition || e->transition_covariance);
    }
    STAYS(observation, e->observation != NULL);
    STAYS(observation_offset, e->observation_offset != NULL);
    STAYS(observation_covariance, observation || e->observation_covariance);
#undef STAYS
    return status;
}

static int add_time(mote_kalman *kalman, const mote_kalman_arrays *wanted, int64_t s, regression *transition,
                    regression *observation)
{
    mote_kalman_matrices now;
    int64_t *row = (int64_t *)(void *)mote_kalman_area(kalman, 7);
    int status = mote_kalman_ask(kalman, s - kalman->lead, &now);
    if (!status)
        status = check_constant(kalman, wanted, &now, s);
    if (status)
        return status;
    if (s) {
        mote_kalman_residual e = mote_kalman_transition_residual(kalman, &now, s);
        add_residual(kalman, transition, &e);
        add_regressor(kalman, transition, s - 1);
    }
    mote_kalman_residual e = mote_kalman_observation_residual(kalman, &now, s, row);
    if (!e.rows)
        return MOTE_OK;
    add_regressor(kalman, observation, s);
    if (e.rows == kalman->m)
        add_residual(kalman, observation, &e);
    else if (add_partial(kalman, observation, &e, now.observation_covariance.values, row))
        return mote_fail(&kalman->message, MOTE_ENUMERIC,
                         "maximisation: observation_covariance at time %lld is singular",
                         (long long)(s - kalman->lead));
    return MOTE_OK;
}

/* m_0 <- E x, P_0 <- Var x + (E x - m_0)(E x - m_0)' with the new m_0. */
static void initial_law(const mote_kalman *kalman, const mote_kalman_arrays *wanted)
{
    int64_t d = kalman->d;
    const double *mean = kalman->law[2].mean, *old = kalman->model.initial_mean.values;
    for (int64_t i = 0; wanted->initial_covariance && i < d; ++i)
        for (int64_t j = 0; j < d; ++j)
            wanted->initial_covariance[i * d + j] =
                kalman->law[2].covariance[i * d + j] +
                (wanted->initial_mean ? 0 : (mean[i] - old[i]) * (mean[j] - old[j]));
    if (wanted->initial_mean)
        memcpy(wanted->initial_mean, mean, (size_t)d * sizeof *mean);
}

int mote_kalman_maximise(mote_kalman *kalman, const mote_kalman_arrays *estimate)
{
    mote_kalman_arrays wanted;
    int status = mote_kalman_needs_smoothing(kalman, "maximisation");
    if (!status)
        status = mote_struct_read(&wanted, sizeof wanted, MOTE_KIND_mote_kalman_arrays, estimate, &kalman->message);
    if (status)
        return status;
    const mote_kalman_matrices *old = &kalman->model.constant;
    regression transition = begin(kalman, 9, kalman->d, "transition");
    regression observation = begin(kalman, 12, kalman->m, "observation");
    for (int64_t s = kalman->lead; s < kalman->times + kalman->lead && !status; ++s)
        status = add_time(kalman, &wanted, s, &transition, &observation);
    if (!status && (wanted.transition || wanted.transition_offset || wanted.transition_covariance))
        status = regress(kalman, &transition, &(equation){ wanted.transition, wanted.transition_offset,
                                                           wanted.transition_covariance, old->transition.values,
                                                           old->transition_offset.values });
    if (!status && (wanted.observation || wanted.observation_offset || wanted.observation_covariance))
        status = regress(kalman, &observation, &(equation){ wanted.observation, wanted.observation_offset,
                                                            wanted.observation_covariance, old->observation.values,
                                                            old->observation_offset.values });
    if (!status)
        initial_law(kalman, &wanted);
    return status;
}
