/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts: Poisson and binomial below a mean of 10 by inversion, above by transformed rejection (core/variate.h); the
 * negative binomial law as a gamma mixture of Poisson laws; the multinomial as a chain of binomials.
 *
 * Known answers: P(poisson(0) = 0) = 1; binomial(n, 1) = n; the counts of a multinomial sum to n. */
#include <math.h>
#include <mote/status.h>

#include "core/stream_inline.h"
#include "core/variate.h"
#include "core/vector.h"

#define LARGEST_MEAN 0x1p62
#define FARTHEST 0x1p61 /* from the mean: a thousand million standard deviations at the largest mean */

/* The first k at which the sum of probabilities exceeds a uniform, by Panjar's recursion
 *     p_k = p_(k-1) (gain / k - loss).
 * With a mean below 10 the sum has reached 1, to the last bit, long before 150; a uniform that rounding leaves over
 * there is drawn again. */
static int64_t invert(mote_stream *stream, double first, double gain, double loss, int64_t most)
{
    const int64_t end = most < 150 ? most : 150;
    for (;;) {
        double u = mote_stream_uniform_inline(stream), p = first;
        for (int64_t k = 0; k <= end; ++k) {
            if (u < p)
                return k;
            u -= p;
            p *= gain / (double)(k + 1) - loss;
        }
    }
}

static int64_t reject(mote_stream *stream, const mote_hat *hat)
{
    for (;;) {
        const double u = mote_stream_uniform_inline(stream) - 0.5, v = mote_stream_uniform_inline(stream);
        const double s = 0.5 - fabs(u), away = (2.0 * hat->a / s + hat->b) * u;
        if (fabs(away) > FARTHEST)
            continue;
        const int64_t k = hat->base + (int64_t)floor(away + (hat->fraction + hat->shift));
        if (s >= 0.07 && v <= hat->squeeze)
            return k;
        double square;
        const double exponent = mote_hat_exponent(hat, k, &square);
        if (mote_log(v * hat->scale / (hat->a / (s * s) + hat->b) * sqrt(square)) <= exponent)
            return k;
    }
}

int64_t mote_stream_poisson(mote_stream *stream, double mean)
{
    if (!(mean >= 0.0 && mean <= LARGEST_MEAN))
        return -1;
    if (mean < 10.0)
        return mean > 0.0 ? invert(stream, mote_exp(-mean), mean, 0.0, INT64_MAX) : 0;
    const mote_hat hat = mote_poisson_hat(mean);
    return reject(stream, &hat);
}

/* q^n by repeated squaring; for large n squarings would add up their errors. */
static double power(double q, double minus_p, int64_t n)
{
    if (n > 64)
        return mote_exp((double)n * mote_log_one_plus(minus_p));
    double result = n % 2 ? q : 1.0;
    for (n /= 2; n > 0; n /= 2) {
        q *= q;
        result *= n % 2 ? q : 1.0;
    }
    return result;
}

/* p <= 1/2 */
static int64_t rare(mote_stream *stream, int64_t n, double p)
{
    const double q = 1.0 - p, odds = p / q;
    if (n == 0 || p == 0.0)
        return 0;
    if ((double)n * p < 10.0)
        return invert(stream, power(q, -p, n), ((double)n + 1.0) * odds, odds, n);
    const mote_hat hat = mote_binomial_hat(n, p);
    return reject(stream, &hat);
}

int64_t mote_stream_binomial(mote_stream *stream, int64_t n, double p)
{
    if (n < 0 || !(p >= 0.0 && p <= 1.0))
        return -1;
    return p <= 0.5 ? rare(stream, n, p) : n - rare(stream, n, 1.0 - p);
}

int64_t mote_stream_negative_binomial(mote_stream *stream, double mean, double size)
{
    if (!(mean >= 0.0 && mean <= LARGEST_MEAN && size > 0.0))
        return -1;
    if (mean == 0.0 || size == INFINITY)
        return mote_stream_poisson(stream, mean);
    double rate;
    if (size >= 1.0)
        rate = mote_stream_gamma(stream, size) / size * mean;
    else
        rate = mote_exp(mote_stream_log_gamma(stream, size) + (mote_log(mean) - mote_log(size)));
    return rate <= LARGEST_MEAN ? mote_stream_poisson(stream, rate) : INT64_MAX;
}

/* counts[i] first holds the bits of p_i + p_(i+1) + ..., summed from the end so that small tails stay exact; then cell
 * i takes its share of what is left. The last cell of positive weight has share 1. */
int mote_stream_multinomial(mote_stream *stream, int64_t n, const double *p, int64_t k, int64_t *counts)
{
    double rest = 0.0;
    for (int64_t i = k - 1; i >= 0; --i) {
        rest += p[i] >= 0.0 ? p[i] : NAN;
        counts[i] = (int64_t)mote_bits_of(rest);
    }
    const int good = n >= 0 && k > 0 && rest > 0.0 && rest < INFINITY;
    for (int64_t i = 0; i < k; ++i) {
        const double share = p[i] / mote_double_of((uint64_t)counts[i]);
        counts[i] = !good ? -1 : n > 0 ? mote_stream_binomial(stream, n, share) : 0;
        n -= good ? counts[i] : 0;
    }
    return good ? MOTE_OK : MOTE_EINVAL;
}
