/* SPDX-License-Identifier: BSD-2-Clause */
/* Random variates of the common laws, one at a time, from a private stream (mote/source.h): they take an unforeseen
 * number of words of the stream. Each follows its law exactly, up to the rounding of double precision, for parameters
 * from tiny to huge, and gives the same bytes from every compiler and on every machine.
 *
 * Laws have unit scale where a scale is a mere factor: multiply. Parameters outside of the stated domain (NaN included)
 * give NaN, or -1 where the result is a count; nothing is drawn then. Positive variates whose value lies below the
 * smallest or above the largest double are 0 or infinite: of a gamma law of shape 1e-6, nearly all; its logarithm is
 * there for that. */
#ifndef MOTE_VARIATE_H
#define MOTE_VARIATE_H

#include <mote/source.h>

MOTE_BEGIN

/* Density exp(-x), x > 0. */
MOTE_API double mote_stream_exponential(mote_stream *stream);

/* Density x^(shape - 1) exp(-x) / Gamma(shape), x > 0; mean shape; 0 < shape < inf. And the logarithm of such a
 * variate, finite for all shapes (those below 1e-300 are taken for 1e-300). */
MOTE_API double mote_stream_gamma(mote_stream *stream, double shape);
MOTE_API double mote_stream_log_gamma(mote_stream *stream, double shape);

/* 1 / gamma: density x^(-shape - 1) exp(-1 / x) / Gamma(shape), x > 0. A posterior variance is scale times this. */
MOTE_API double mote_stream_inverse_gamma(mote_stream *stream, double shape);

/* Density x^(a - 1) (1 - x)^(b - 1) / B(a, b), 0 < x < 1, for 0 < a, b < inf; 0 and 1 appear by rounding only. */
MOTE_API double mote_stream_beta(mote_stream *stream, double a, double b);

/* Sum of nu squared normals (any nu > 0), and a normal over sqrt(chi_squared / nu); nu = inf gives a normal there. */
MOTE_API double mote_stream_chi_squared(mote_stream *stream, double nu);
MOTE_API double mote_stream_student_t(mote_stream *stream, double nu);

/* Chances x[0..k-1] that sum to 1, density proportional to prod x_i^(alpha_i - 1). MOTE_EINVAL for k < 1 or an alpha
 * outside (0, inf); x is NaN then. */
MOTE_API int mote_stream_dirichlet(mote_stream *stream, const double *alpha, int64_t k, double *x);

/* Probability exp(-mean) mean^k / k!; 0 <= mean <= 2^62. */
MOTE_API int64_t mote_stream_poisson(mote_stream *stream, double mean);

/* Successes in n >= 0 trials of probability p, 0 <= p <= 1. */
MOTE_API int64_t mote_stream_binomial(mote_stream *stream, int64_t n, double p);

/* A Poisson count whose mean is gamma-distributed: probability Gamma(k + size) / (Gamma(size) k!) r^size (1 - r)^k with
 * r = size / (size + mean); mean `mean`, variance mean + mean^2 / size. For an integer size: failures before the
 * size-th success of probability r. 0 <= mean <= 2^62, 0 < size; size = inf gives the Poisson law. INT64_MAX when the
 * gamma-distributed mean exceeds 2^62. */
MOTE_API int64_t mote_stream_negative_binomial(mote_stream *stream, double mean, double size);

/* Counts of n >= 0 draws over k cells with probabilities proportional to p[i] >= 0. MOTE_EINVAL for n < 0, k < 1, a p
 * that is negative or not finite, or a sum that is 0 or not finite; the counts are -1 then. */
MOTE_API int mote_stream_multinomial(mote_stream *stream, int64_t n, const double *p, int64_t k, int64_t *counts);

MOTE_END
#endif
