/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Independence Metropolis-Hastings: proposals from a mixture of K multivariate Student laws with 5 degrees of freedom,
 * fitted to the weighted points.
 *
 *     q(y) = sum_k p_k t_5(y; m_k, S_k),   log q ratio = log q(y) - log q(y')
 *     fit: expectation-maximisation of a normal mixture from means spread along the first principal axis; the first
 *          two moments of each part become centre and scale of its Student law, whose tails cover what the points miss
 *
 * A part that the points leave with too little weight keeps none. One part needs no iterations. In more than about ten
 * dimensions few independent proposals are accepted: use another kernel there.
 * Known answer: with K = 1 on points of mean m and covariance S, q has centre m and scale S. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/special.h"
#include "core/stream_inline.h"
#include "core/vector.h"
#include "mcmc/kernel_parts.h"

enum { DEGREES = 5, ROUNDS = 25, AXIS_ROUNDS = 50 };

/* One part. Numbers of the tuning block: share, log of the normalisation, mean (d), lower (d x d); scratch of the fit:
 * mass, sums (d), second moments (d x d). */
typedef struct part {
    double *share, *log_norm, *mean, *lower;
    double *mass, *sum, *square;
} part;

static part part_at(const mote_kernel *kernel, int64_t k)
{
    const int64_t d = kernel->dimension;
    double *at = kernel->extra + k * (2 + d + d * d), *own = kernel->own_scratch + k * (1 + d + d * d);
    return (part){ at, at + 1, at + 2, at + 2 + d, own, own + 1, own + 1 + d };
}

static int64_t work_size(const mote_kernel *kernel)
{
    return 2 * kernel->dimension;
}

static int64_t tuning_size(const mote_kernel *kernel)
{
    const int64_t d = kernel->dimension;
    return kernel->settings.components * (2 + d + d * d);
}

static int64_t scratch_size(const mote_kernel *kernel)
{
    const int64_t d = kernel->dimension;
    return kernel->settings.components * (1 + d + d * d) + d; /* the last d: the principal axis */
}

/* ---- the law --------------------------------------------------------------------------------------------------- */

static double squared_radius(const mote_kernel *kernel, const part *p, const double *y, double *scratch)
{
    const int64_t d = kernel->dimension;
    for (int64_t j = 0; j < d; ++j)
        scratch[j] = y[j] - p->mean[j];
    mote_lower_solve(scratch, p->lower, scratch, d);
    return mote_dot(scratch, scratch, d);
}

/* log sum of e^a and e^b. */
static double log_add(double a, double b)
{
    const double high = a > b ? a : b, low = a > b ? b : a;
    return low == -INFINITY ? high : high + log1p(mote_exp(low - high));
}

static double log_proposal(const mote_kernel *kernel, const double *y)
{
    const int64_t d = kernel->dimension;
    double sum = -INFINITY;
    for (int64_t k = 0; k < kernel->settings.components; ++k) {
        const part p = part_at(kernel, k);
        if (!(*p.share > 0))
            continue;
        const double radius = squared_radius(kernel, &p, y, kernel->scratch);
        sum = log_add(sum, *p.log_norm - 0.5 * (double)(DEGREES + d) * log1p(radius / DEGREES));
    }
    return sum;
}

static void set_norm(const mote_kernel *kernel, const part *p)
{
    const double d = (double)kernel->dimension, nu = DEGREES;
    *p->log_norm = log(*p->share) + mote_log_gamma(0.5 * (nu + d)) - mote_log_gamma(0.5 * nu)
                   - 0.5 * d * log(nu * 3.14159265358979323846)
                   - mote_lower_log_determinant(p->lower, kernel->dimension);
}

/* ---- the fit --------------------------------------------------------------------------------------------------- */

/* First principal axis of the covariance times its standard deviation, by the power method. */
static void principal_axis(mote_kernel *kernel, double *axis)
{
    const int64_t d = kernel->dimension;
    double *next = kernel->scratch, length = 1;
    for (int64_t j = 0; j < d; ++j)
        axis[j] = sqrt(kernel->covariance[j * d + j]);
    for (int round = 0; round < AXIS_ROUNDS; ++round) {
        mote_matrix_vector(next, kernel->covariance, axis, d, d);
        length = sqrt(mote_dot(next, next, d));
        for (int64_t j = 0; j < d; ++j)
            axis[j] = length > 0 ? next[j] / length : 0;
    }
    for (int64_t j = 0; j < d; ++j)
        axis[j] *= sqrt(length);
}

static void start(mote_kernel *kernel)
{
    const int64_t d = kernel->dimension, count = kernel->settings.components;
    double *axis = kernel->own_scratch + count * (1 + d + d * d);
    principal_axis(kernel, axis);
    for (int64_t k = 0; k < count; ++k) {
        const part p = part_at(kernel, k);
        const double at = count > 1 ? 2.4 * ((double)k / (double)(count - 1) - 0.5) : 0;
        *p.share = 1 / (double)count;
        for (int64_t j = 0; j < d; ++j)
            p.mean[j] = kernel->mean[j] + at * axis[j];
        memcpy(p.lower, kernel->lower, (size_t)(d * d) * sizeof(double));
        *p.log_norm = log(*p.share) - mote_lower_log_determinant(p.lower, d); /* of the normal part, in the rounds */
    }
}

/* Adds a point to the sums of the parts, by its share of each. */
static void add_point(mote_kernel *kernel, const double *y, double weight)
{
    const int64_t d = kernel->dimension, count = kernel->settings.components;
    double total = -INFINITY, *delta = kernel->scratch + d;
    for (int64_t k = 0; k < count; ++k) {
        const part p = part_at(kernel, k);
        if (*p.share > 0)
            total = log_add(total, *p.log_norm - 0.5 * squared_radius(kernel, &p, y, kernel->scratch));
    }
    for (int64_t j = 0; j < d; ++j)
        delta[j] = y[j] - kernel->mean[j];
    for (int64_t k = 0; k < count; ++k) {
        const part p = part_at(kernel, k);
        if (!(*p.share > 0) || !isfinite(total))
            continue;
        const double log_share = *p.log_norm - 0.5 * squared_radius(kernel, &p, y, kernel->scratch) - total;
        const double w = weight * mote_exp(log_share);
        *p.mass += w;
        for (int64_t j = 0; j < d; ++j) {
            p.sum[j] += w * delta[j];
            for (int64_t i = 0; i <= j; ++i)
                p.square[j * d + i] += w * delta[j] * delta[i];
        }
    }
}

/* New share, mean and factor of a part from its sums; a part with too little weight, or flat, ends. */
static void refit(mote_kernel *kernel, const part *p, double least)
{
    const int64_t d = kernel->dimension;
    const double mass = *p->mass;
    *p->share = mass > least ? mass : 0;
    if (!(*p->share > 0))
        return;
    for (int64_t j = 0; j < d; ++j)
        p->sum[j] /= mass;
    for (int64_t j = 0; j < d; ++j)
        for (int64_t i = 0; i <= j; ++i)
            p->square[j * d + i] = p->square[j * d + i] / mass - p->sum[j] * p->sum[i]
                                   + (i == j ? 1e-3 * kernel->covariance[j * d + j] : 0);
    for (int64_t j = 0; j < d; ++j)
        p->mean[j] = kernel->mean[j] + p->sum[j];
    if (mote_cholesky(p->square, p->square, d)) {
        *p->share = 0;
        return;
    }
    memcpy(p->lower, p->square, (size_t)(d * d) * sizeof(double));
    *p->log_norm = log(*p->share) - mote_lower_log_determinant(p->lower, d);
}

static void round_of(mote_kernel *kernel, const double *y, const double *weight, int64_t n, double sum, double least)
{
    const int64_t d = kernel->dimension, count = kernel->settings.components;
    for (int64_t k = 0; k < count; ++k) {
        const part p = part_at(kernel, k);
        *p.mass = 0;
        memset(p.sum, 0, (size_t)d * sizeof(double));
        memset(p.square, 0, (size_t)(d * d) * sizeof(double));
    }
    for (int64_t i = 0; i < n; ++i)
        if (!weight || weight[i] > 0)
            add_point(kernel, y + i * d, (weight ? weight[i] : 1) / sum);
    for (int64_t k = 0; k < count; ++k) {
        const part p = part_at(kernel, k);
        refit(kernel, &p, least);
    }
}

static void fit(mote_kernel *kernel, const double *y, const double *weight, int64_t n)
{
    const int64_t count = kernel->settings.components;
    double sum = 0, squares = 0, total = 0;
    for (int64_t i = 0; i < n; ++i) {
        sum += weight ? weight[i] : 1;
        squares += weight ? weight[i] * weight[i] : 1;
    }
    const double least = 2 * (double)(kernel->dimension + 1) * squares / sum / sum;
    start(kernel);
    for (int round = 0; count > 1 && round < ROUNDS; ++round)
        round_of(kernel, y, weight, n, sum, least);
    for (int64_t k = 0; k < count; ++k)
        total += *part_at(kernel, k).share;
    if (!(total > 0)) { /* no part is left: one, of all points */
        start(kernel);
        total = 1;
    }
    for (int64_t k = 0; k < count; ++k) {
        const part p = part_at(kernel, k);
        *p.share /= total;
        if (*p.share > 0)
            set_norm(kernel, &p);
    }
}

/* ---- the kernel ------------------------------------------------------------------------------------------------ */

static void prepare(mote_kernel *kernel)
{
    start(kernel);
    for (int64_t k = 0; k < kernel->settings.components; ++k) {
        const part p = part_at(kernel, k);
        set_norm(kernel, &p);
    }
}

static void propose(mote_kernel_chain *chain)
{
    const mote_kernel *kernel = chain->kernel;
    const int64_t d = kernel->dimension, count = kernel->settings.components;
    double u = mote_stream_uniform_inline(&chain->stream), chi[DEGREES], *z = chain->work, *step = z + d;
    int64_t k = 0, last = 0;
    for (k = 0; k < count; ++k) {
        const double share = *part_at(kernel, k).share;
        last = share > 0 ? k : last;
        if (share > 0 && (u -= share) < 0)
            break;
    }
    const part p = part_at(kernel, k < count ? k : last);
    mote_stream_normals(&chain->stream, z, d);
    mote_stream_normals(&chain->stream, chi, DEGREES);
    const double factor = sqrt(DEGREES / mote_dot(chi, chi, DEGREES));
    mote_lower_multiply(step, p.lower, z, d);
    for (int64_t j = 0; j < d; ++j)
        chain->proposal.y[j] = p.mean[j] + factor * step[j];
}

static int answer(mote_kernel_chain *chain)
{
    const mote_kernel *kernel = chain->kernel;
    return mote_kernel_decide(chain, log_proposal(kernel, chain->current.y) - log_proposal(kernel, chain->proposal.y));
}

const mote_kernel_method mote_kernel_independence = {
    .name = "independence",
    .work_size = work_size,
    .tuning_size = tuning_size,
    .scratch_size = scratch_size,
    .prepare = prepare,
    .fit = fit,
    .propose = propose,
    .answer = answer,
};
