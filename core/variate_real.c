/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Variates with a density: everything from normals, uniforms and exponentials -log U.
 *
 * Gamma, shape a >= 1: d = a - 1/3, v = (1 + Z / sqrt(9 d))^3 with Z normal; d v is taken if v > 0 and
 *     log U < Z^2/2 + d - d v + d log v,    for certain if U < 1 - 0.0331 Z^4
 * (Marsaglia and Tsang, ACM Trans. Math. Softw. 26 (2000) 363); at most 5 % are refused. Shape a < 1: G(a + 1) U^(1/a);
 * its logarithm log G(a + 1) + log U / a cannot underflow.
 *
 * Beta: G(a) / (G(a) + G(b)); if both shapes are below 1, U^(1/a) / (U^(1/a) + V^(1/b)) if that sum is at most 1 (M. D.
 * Joehnk, Metrika 8 (1964) 5), also from logarithms. Dirichlet: gammas over their sum, relative to the largest.
 *
 * Known answers: mean and variance of gamma are both a; P(beta(a, a) < 1/2) = 1/2; student_t(1) is Cauchy. */
#include <math.h>
#include <mote/status.h>

#include "core/stream_inline.h"
#include "core/variate.h"
#include "core/vector.h"

double mote_stream_exponential(mote_stream *stream)
{
    return -mote_log(mote_stream_uniform_inline(stream));
}

static int is_shape(double shape)
{
    return shape > 0.0 && shape < INFINITY;
}

/* shape >= 1 */
static double large_gamma(mote_stream *stream, double shape)
{
    const double d = shape - 1.0 / 3.0, c = 1.0 / (3.0 * sqrt(d));
    for (;;) {
        const double z = mote_stream_normal(stream), root = 1.0 + c * z, square = z * z;
        if (!(root > 0.0))
            continue;
        const double v = root * root * root, u = mote_stream_uniform_inline(stream);
        if (u < 1.0 - 0.0331 * square * square || mote_log(u) < 0.5 * square + d * (1.0 - v + mote_log(v)))
            return d * v;
    }
}

/* log U^(1/shape) */
static double log_power(mote_stream *stream, double shape)
{
    return mote_log(mote_stream_uniform_inline(stream)) / (shape > 1e-300 ? shape : 1e-300);
}

double mote_stream_log_gamma(mote_stream *stream, double shape)
{
    if (!is_shape(shape))
        return NAN;
    if (shape >= 1.0)
        return mote_log(large_gamma(stream, shape));
    const double boosted = mote_log(large_gamma(stream, shape + 1.0));
    return boosted + log_power(stream, shape);
}

double mote_stream_gamma(mote_stream *stream, double shape)
{
    if (!is_shape(shape))
        return NAN;
    if (shape >= 1.0)
        return large_gamma(stream, shape);
    const double boosted = large_gamma(stream, shape + 1.0);
    return boosted * mote_exp(log_power(stream, shape));
}

double mote_stream_inverse_gamma(mote_stream *stream, double shape)
{
    if (is_shape(shape) && shape >= 1.0)
        return 1.0 / large_gamma(stream, shape);
    return mote_exp(-mote_stream_log_gamma(stream, shape));
}

/* a, b < 1 */
static double small_beta(mote_stream *stream, double a, double b)
{
    for (;;) {
        const double log_x = log_power(stream, a), log_y = log_power(stream, b);
        const double x = mote_exp(log_x), sum = x + mote_exp(log_y);
        if (sum <= 1.0)
            return sum > 1e-290 ? x / sum : 1.0 / (1.0 + mote_exp(log_y - log_x));
    }
}

double mote_stream_beta(mote_stream *stream, double a, double b)
{
    if (!is_shape(a) || !is_shape(b))
        return NAN;
    if (a < 1.0 && b < 1.0)
        return small_beta(stream, a, b);
    const double x = mote_stream_gamma(stream, a), y = mote_stream_gamma(stream, b);
    return 1.0 / (1.0 + y / x); /* one is positive; x + y might overflow */
}

double mote_stream_chi_squared(mote_stream *stream, double nu)
{
    return 2.0 * mote_stream_gamma(stream, 0.5 * nu);
}

/* Z sqrt(nu / 2 / G(nu / 2)) */
double mote_stream_student_t(mote_stream *stream, double nu)
{
    const double shape = 0.5 * nu;
    if (!(shape > 0.0))
        return NAN;
    const double z = mote_stream_normal(stream);
    if (shape == INFINITY)
        return z;
    if (shape >= 1.0)
        return z * sqrt(shape / large_gamma(stream, shape));
    return z * mote_exp(0.5 * (mote_log(shape) - mote_stream_log_gamma(stream, shape)));
}

int mote_stream_dirichlet(mote_stream *stream, const double *alpha, int64_t k, double *x)
{
    double largest = -INFINITY, sum = 0.0;
    int64_t good = k > 0;
    for (int64_t i = 0; i < k; ++i)
        good = good && is_shape(alpha[i]);
    for (int64_t i = 0; i < k; ++i) {
        x[i] = good ? mote_stream_log_gamma(stream, alpha[i]) : NAN;
        largest = x[i] > largest ? x[i] : largest;
    }
    if (!good)
        return MOTE_EINVAL;
    for (int64_t i = 0; i < k; ++i)
        x[i] = mote_exp(x[i] - largest);
    for (int64_t i = 0; i < k; ++i)
        sum += x[i];
    for (int64_t i = 0; i < k; ++i)
        x[i] /= sum;
    return MOTE_OK;
}
