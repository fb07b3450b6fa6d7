/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The laws given all observations: Rauch, Tung and Striebel's smoother, paths, additive functionals.
 *
 * Given y_0..y_t and x_{t+1}, x_t is normal with mean m_t + G (x_{t+1} - p_{t+1}) and covariance U,
 *     G = P_t A' S^{-1},   U = (I - G A) P_t (I - G A)' + G Q G',
 * m_t, P_t the filtered law, p_{t+1}, S the predicted one of t + 1, A and Q of t + 1. Later observations add nothing:
 *     smoothed mean_t = m_t + G (smoothed mean_{t+1} - p_{t+1}),   smoothed P_t = U + G (smoothed P_{t+1}) G',
 *     Cov(x_{t+1}, x_t | all y) = (smoothed P_{t+1}) G',
 * sums of squares all of them. S may be singular (Q often is): G takes a generalised inverse. Rauch, Tung & Striebel
 * 1965; paths: Carter & Kohn 1994. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/option.h"
#include "model/kalman_parts.h"

int mote_kalman_needs_smoothing(mote_kalman *kalman, const char *what)
{
    if (!kalman || !kalman->block)
        return MOTE_ESTATE;
    if (!kalman->smoothed)
        return mote_fail(&kalman->message, MOTE_ESTATE, "%s: needs mote_kalman_smooth over all times first", what);
    return MOTE_OK;
}

/* out = L X L' + add, symmetric d x d with X symmetric; `product` is scratch; add may be out. */
static void sandwich(double *out, const double *l, const double *x, const double *add, double *product, int64_t d)
{
    mote_product_transposed(product, l, x, d, d, d);
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j <= i; ++j)
            out[i * d + j] = (add ? add[i * d + j] : 0) + mote_dot(product + i * d, l + j * d, d);
    mote_mirror(out, d);
}

/* G of slot s, and U, into `conditional`. */
static int conditional_law(mote_kalman *kalman, const mote_kalman_matrices *next, int64_t s, double *conditional)
{
    int64_t d = kalman->d;
    const double *a = next->transition.values, *filtered = kalman->law[1].covariance + s * d * d;
    const double *predicted = kalman->law[0].covariance + (s + 1) * d * d;
    double *gain = kalman->gain + s * d * d, *lower = kalman->scratch, *rest = lower + d * d, *product = rest + d * d;
    if (mote_semidefinite_factor(lower, predicted, NULL, d))
        return MOTE_ENUMERIC;
    mote_symmetric_by(gain, filtered, a, d, d); /* P A' */
    for (int64_t i = 0; i < d; ++i)
        mote_semidefinite_solve(gain + i * d, lower, d);
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < d; ++j) {
            double sum = i == j;
            for (int64_t k = 0; k < d; ++k)
                sum -= gain[i * d + k] * a[k * d + j];
            rest[i * d + j] = sum;
        }
    sandwich(conditional, rest, filtered, NULL, product, d);
    sandwich(conditional, gain, next->transition_covariance.values, conditional, product, d);
    return mote_semidefinite_factor(kalman->spread + s * d * d, conditional, filtered, d);
}

/* Slot s from slot s + 1. */
static int smooth_slot(mote_kalman *kalman, int64_t s)
{
    mote_kalman_matrices next;
    int64_t d = kalman->d;
    const mote_kalman_history *law = kalman->law;
    double *gain = kalman->gain + s * d * d, *mean = law[2].mean + s * d, *covariance = law[2].covariance + s * d * d;
    double *difference = kalman->scratch + 3 * d * d;
    int status = mote_kalman_ask(kalman, s + 1 - kalman->lead, &next);
    if (status)
        return status;
    if (conditional_law(kalman, &next, s, covariance))
        return mote_fail(&kalman->message, MOTE_ENUMERIC, "smoothing: a covariance of time %lld is not semi-definite",
                         (long long)(s - kalman->lead));
    sandwich(covariance, gain, covariance + d * d, covariance, kalman->scratch, d);
    for (int64_t i = 0; i < d; ++i)
        difference[i] = law[2].mean[(s + 1) * d + i] - law[0].mean[(s + 1) * d + i];
    for (int64_t i = 0; i < d; ++i)
        mean[i] = law[1].mean[s * d + i] + mote_dot(gain + i * d, difference, d);
    return MOTE_OK;
}

int mote_kalman_smooth(mote_kalman *kalman)
{
    if (!kalman || !kalman->block)
        return MOTE_ESTATE;
    if (!kalman->capacity || !kalman->times)
        return mote_fail(&kalman->message, MOTE_ESTATE, kalman->capacity ? "smoothing: no observations yet"
                         : "smoothing: opened with times = 0, which keeps nothing of the past");
    int64_t d = kalman->d, last = kalman->times - 1 + kalman->lead;
    memcpy(kalman->law[2].mean + last * d, kalman->law[1].mean + last * d, (size_t)d * sizeof(double));
    memcpy(kalman->law[2].covariance + last * d * d, kalman->law[1].covariance + last * d * d,
           (size_t)(d * d) * sizeof(double));
    const double *covariance = kalman->law[1].covariance + last * d * d;
    if (mote_semidefinite_factor(kalman->spread + last * d * d, covariance,
                                 kalman->law[0].covariance + last * d * d, d))
        return mote_fail(&kalman->message, MOTE_ENUMERIC, "smoothing: a covariance of time %lld is not semi-definite",
                         (long long)(kalman->times - 1));
    int status = MOTE_OK;
    for (int64_t s = last - 1; s >= 0 && !status; --s)
        status = smooth_slot(kalman, s);
    kalman->smoothed = !status;
    return status;
}

int mote_kalman_cross_covariance(mote_kalman *kalman, int64_t t, double *out)
{
    int status = mote_kalman_needs_smoothing(kalman, "cross covariance");
    if (status)
        return status;
    int64_t d = kalman->d, s = mote_kalman_slot(kalman, t);
    if (s < 1)
        return mote_fail(&kalman->message, MOTE_EINVAL,
                         "cross covariance: time %lld has no time before it, or is not kept", (long long)t);
    mote_symmetric_by(out, kalman->law[2].covariance + s * d * d, kalman->gain + (s - 1) * d * d, d, d);
    return MOTE_OK;
}

static int check_term(mote_kalman *kalman, const char *name, const mote_matrix *term, int64_t columns)
{
    if (!term->values || (term->rows == kalman->d && term->columns == columns))
        return MOTE_OK;
    return mote_fail(&kalman->message, MOTE_EINVAL, "expectation: %s: %lld x %lld, expected %lld x %lld", name,
                     (long long)term->rows, (long long)term->columns, (long long)kalman->d, (long long)columns);
}

/* E[x' H z] for x, z of means m, n and Cov(x, z) = C. */
static double bilinear(const double *h, const double *m, const double *n, const double *c, int64_t d)
{
    double sum = 0;
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < d; ++j)
            sum += h[i * d + j] * (m[i] * n[j] + c[i * d + j]);
    return sum;
}

int mote_kalman_expectation(mote_kalman *kalman, const mote_kalman_functional *functional, double *value)
{
    mote_kalman_functional f;
    int status = mote_kalman_needs_smoothing(kalman, "expectation");
    if (!status)
        status = mote_struct_read(&f, sizeof f, MOTE_KIND_mote_kalman_functional, functional, &kalman->message);
    if (status || (status = check_term(kalman, "linear", &f.linear, 1)) ||
        (status = check_term(kalman, "square", &f.square, kalman->d)) ||
        (status = check_term(kalman, "lagged", &f.lagged, kalman->d)))
        return status;
    int64_t d = kalman->d, slots = kalman->times + kalman->lead;
    double sum = 0, *cross = kalman->scratch;
    for (int64_t s = 0; s < slots; ++s) {
        const double *mean = kalman->law[2].mean + s * d, *covariance = kalman->law[2].covariance + s * d * d;
        if (s >= kalman->lead && f.linear.values)
            sum += mote_dot(f.linear.values, mean, d);
        if (s >= kalman->lead && f.square.values)
            sum += bilinear(f.square.values, mean, mean, covariance, d);
        if (s > 0 && f.lagged.values) { /* Cov(x_{t-1}, x_t) = G P */
            mote_product_transposed(cross, kalman->gain + (s - 1) * d * d, covariance, d, d, d);
            sum += bilinear(f.lagged.values, mean - d, mean, cross, d);
        }
    }
    *value = sum;
    return MOTE_OK;
}

int mote_kalman_sample(mote_kalman *kalman, mote_stream *stream, double *path)
{
    int status = mote_kalman_needs_smoothing(kalman, "path");
    if (status)
        return status;
    int64_t d = kalman->d, last = kalman->times - 1 + kalman->lead;
    double *normals = kalman->scratch, *difference = normals + d;
    for (int64_t s = last; s >= 0; --s) {
        double *x = path + s * d;
        mote_stream_normals(stream, normals, d);
        mote_lower_multiply(x, kalman->spread + s * d * d, normals, d);
        for (int64_t i = 0; i < d; ++i) {
            x[i] += kalman->law[1].mean[s * d + i];
            difference[i] = s < last ? x[d + i] - kalman->law[0].mean[(s + 1) * d + i] : 0;
        }
        for (int64_t i = 0; i < d && s < last; ++i)
            x[i] += mote_dot(kalman->gain + (s * d + i) * d, difference, d);
    }
    return MOTE_OK;
}
