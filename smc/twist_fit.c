/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Least squares of quadratic functions. Coordinates are standardised, the normal equations are solved by Cholesky
 * factors, and once more for what is left: with a few hundred particles that gives back an exact quadratic to 1e-12. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "smc/twist.h"

enum { MOST = MOTE_TWIST_STATES, MOST_COEFFICIENTS = 1 + MOST + MOST * (MOST + 1) / 2 };

static int64_t coefficients(int64_t d, int64_t diagonal)
{
    return 1 + d + (diagonal ? d : d * (d + 1) / 2);
}

int mote_twist_fit_open(mote_twist_fit *fit, const mote_twist *twist, int64_t capacity, int64_t diagonal)
{
    const int64_t p = coefficients(twist->d, diagonal);
    *fit = (mote_twist_fit){ .capacity = capacity, .diagonal = diagonal };
    int missing = !(fit->goal = mote_memory_allocate(twist->memory, capacity, sizeof(double)));
    missing |= !(fit->left = mote_memory_allocate(twist->memory, capacity, sizeof(double)));
    missing |= !(fit->normal = mote_memory_allocate(twist->memory, p * p, sizeof(double)));
    missing |= !(fit->lower = mote_memory_allocate(twist->memory, p * p, sizeof(double)));
    missing |= !(fit->right = mote_memory_allocate(twist->memory, p, sizeof(double)));
    missing |= !(fit->coefficient = mote_memory_allocate(twist->memory, p, sizeof(double)));
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

void mote_twist_fit_close(mote_twist_fit *fit, const mote_twist *twist)
{
    void *blocks[] = { fit->goal, fit->left, fit->normal, fit->lower, fit->right, fit->coefficient };
    for (size_t i = 0; twist->memory && i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(twist->memory, blocks[i]);
    memset(fit, 0, sizeof *fit);
}

/* ---- features ---- */

typedef struct scaling {
    double mean[MOST], scale[MOST];
} scaling;

static scaling standardise(const mote_twist_fit *fit, const double *const *state, int64_t n, int64_t d)
{
    scaling s;
    for (int64_t k = 0; k < d; ++k) {
        double sum = 0, square = 0, count = 0;
        for (int64_t i = 0; i < n; ++i)
            if (isfinite(fit->goal[i])) {
                sum += state[k][i];
                ++count;
            }
        s.mean[k] = sum / count;
        for (int64_t i = 0; i < n; ++i)
            if (isfinite(fit->goal[i]))
                square += (state[k][i] - s.mean[k]) * (state[k][i] - s.mean[k]);
        s.scale[k] = square > 0 ? sqrt(square / count) : 1;
    }
    return s;
}

/* 1, z, then z_a z_b for b <= a. */
static void features(const mote_twist_fit *fit, const scaling *s, const double *const *state, int64_t i, int64_t d,
                     double *x)
{
    double *at = x;
    *at++ = 1;
    for (int64_t k = 0; k < d; ++k)
        *at++ = (state[k][i] - s->mean[k]) / s->scale[k];
    for (int64_t a = 0; a < d; ++a)
        for (int64_t b = fit->diagonal ? a : 0; b <= a; ++b)
            *at++ = x[1 + a] * x[1 + b];
}

/* One round: coefficient += least squares of `left`. */
static int improve(mote_twist_fit *fit, const scaling *s, const double *const *state, int64_t n, int64_t d, int first)
{
    const int64_t p = coefficients(d, fit->diagonal);
    double x[MOST_COEFFICIENTS];
    memset(fit->right, 0, (size_t)p * sizeof(double));
    if (first)
        memset(fit->normal, 0, (size_t)(p * p) * sizeof(double));
    for (int64_t i = 0; i < n; ++i) {
        if (!isfinite(fit->goal[i]))
            continue;
        features(fit, s, state, i, d, x);
        for (int64_t a = 0; a < p; ++a) {
            fit->right[a] += x[a] * fit->left[i];
            for (int64_t b = 0; first && b <= a; ++b)
                fit->normal[a * p + b] += x[a] * x[b];
        }
    }
    for (int64_t a = 0; first && a < p; ++a)
        fit->normal[a * p + a] *= 1 + 1e-13;
    if (first && mote_cholesky(fit->lower, fit->normal, p))
        return MOTE_ENUMERIC;
    mote_lower_solve(fit->right, fit->lower, fit->right, p);
    mote_lower_transpose_solve(fit->right, fit->lower, fit->right, p);
    for (int64_t a = 0; a < p; ++a)
        fit->coefficient[a] += fit->right[a];
    return MOTE_OK;
}

static double rest(mote_twist_fit *fit, const scaling *s, const double *const *state, int64_t n, int64_t d)
{
    const int64_t p = coefficients(d, fit->diagonal);
    double x[MOST_COEFFICIENTS], square = 0, count = 0;
    for (int64_t i = 0; i < n; ++i) {
        if (!isfinite(fit->goal[i]))
            continue;
        features(fit, s, state, i, d, x);
        fit->left[i] = fit->goal[i] - mote_dot(fit->coefficient, x, p);
        square += fit->left[i] * fit->left[i];
        ++count;
    }
    return square / count;
}

/* Coefficients of the standardised features -> A, b, c of -x'A x/2 - b'x - c. */
static void translate(const mote_twist_fit *fit, const scaling *s, int64_t d, mote_twist_time *at)
{
    const double *linear = fit->coefficient + 1, *quadratic = linear + d;
    double shift[MOST];
    memset(at->curvature, 0, (size_t)(d * d) * sizeof(double));
    for (int64_t a = 0; a < d; ++a)
        for (int64_t b = fit->diagonal ? a : 0; b <= a; ++b) {
            const double q = *quadratic++ / (s->scale[a] * s->scale[b]);
            at->curvature[a * d + b] -= a == b ? 2 * q : q;
            if (a != b)
                at->curvature[b * d + a] -= q;
        }
    mote_matrix_vector(shift, at->curvature, s->mean, d, d); /* A mean */
    at->constant = 0.5 * mote_dot(s->mean, shift, d) - fit->coefficient[0];
    for (int64_t k = 0; k < d; ++k) {
        const double g = linear[k] / s->scale[k];
        at->slope[k] = -g - shift[k];
        at->constant += g * s->mean[k];
    }
}

/* ---- the fit of one time ---- */

static int find_goals(mote_twist_fit *fit, const mote_twist *twist, const mote_block *like, int64_t t,
                      const double *const *state, int64_t n, int64_t *finite)
{
    const double *part[MOST];
    int status = MOTE_OK;
    *finite = 0;
    for (int64_t first = 0; first < n && !status; first += MOTE_BLOCK) {
        for (int64_t k = 0; k < twist->d; ++k)
            part[k] = state[k] + first;
        status = mote_twist_goal(twist, like, t, part, n - first < MOTE_BLOCK ? n - first : MOTE_BLOCK,
                                 fit->goal + first);
    }
    for (int64_t i = 0; i < n; ++i)
        *finite += isfinite(fit->goal[i]) != 0;
    return status;
}

int mote_twist_fit_time(mote_twist_fit *fit, mote_twist *twist, const mote_block *like, int64_t t,
                        const double *const *state, int64_t n, double *residual, int64_t *clipped)
{
    const int64_t d = twist->d, p = coefficients(d, fit->diagonal);
    int64_t finite;
    int status = find_goals(fit, twist, like, t, state, n, &finite);
    if (status)
        return status;
    if (finite <= p)
        return mote_fail(twist->message, MOTE_EMODEL, "a quadratic of %lld coefficients cannot be fitted at step %lld "
                         "to %lld particles of positive weight: take more particles, or a diagonal one",
                         (long long)p, (long long)t, (long long)finite);
    const scaling s = standardise(fit, state, n, d);
    memset(fit->coefficient, 0, (size_t)p * sizeof(double));
    rest(fit, &s, state, n, d);
    for (int round = 0; round < 2 && !status; ++round) {
        status = improve(fit, &s, state, n, d, !round);
        *residual = rest(fit, &s, state, n, d);
    }
    if (status)
        return mote_fail(twist->message, status, "the quadratic of step %lld is not determined by its particles",
                         (long long)t);
    translate(fit, &s, d, &twist->time[t]);
    return mote_twist_prepare_time(twist, t, clipped);
}
