/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Probabilities of counts and the hats under which they are drawn. Written with deviances and Stirling's series (the
 * saddle-point form of C. Loader, Fast and accurate computation of binomial probabilities, 2000), log f loses nothing
 * for means up to 2^62, where k log m - m - log k! would have no correct digit.
 *
 * The hats are Hoermann's PTRS and BTRS, with one change. Evaluated on a fine grid, the published constants of PTRS let
 * r reach 1.0053 (mean 11.5) and fall .0029 below the squeeze (mean 33). Here `scale` is 1 % larger and `squeeze`
 * smaller by .014, which makes it exact for a hundredth more trials. BTRS is as published.
 * tests/core/test_variate.c evaluates both conditions. */
#include <math.h>

#include "core/variate.h"
#include "core/vector.h"

/* log(u) x / (u - 1) with u = 1 + x as rounded: the errors of both quotients cancel. */
double mote_log_one_plus(double x)
{
    const double u = 1.0 + x;
    return u == 1.0 ? x : mote_log(u) * (x / (u - 1.0));
}

double mote_stirling(double k)
{
    static const double small[16] = {
        0.0, 0.08106146679532725822, 0.041340695955409294094, 0.027677925684998339149, 0.020790672103765093112,
        0.016644691189821192163, 0.013876128823070747999, 0.011896709945891770095, 0.010411265261972096497,
        0.0092554621827127329177, 0.0083305634333628712565, 0.007573675487951840795, 0.0069428401072095298657,
        0.0064089941880042070684, 0.0059513701127588477356, 0.005554733551962801371,
    };
    if (k < 16.0)
        return small[(int)k];
    const double x = 1.0 / k, y = x * x;
    const double far = 1.0 / 1680 - y * (1.0 / 1188 - y * (691.0 / 360360));
    return x * (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * far)));
}

/* With s = y / (2 + y): log(1 + y) = 2 artanh s, hence D = y^2 / (2 + y) + 2 (1 + y) (s^3/3 + s^5/5 + ...). */
double mote_deviance(double y)
{
    if (!(y > -1.0))
        return 1.0;
    if (y < -0.18 || y > 0.22)
        return (1.0 + y) * mote_log(1.0 + y) - y;
    const double s = y / (2.0 + y), t = s * s;
    const double series = 1.0 / 3 + t * (1.0 / 5 + t * (1.0 / 7 + t * (1.0 / 9 + t * (1.0 / 11 + t * (1.0 / 13 +
                          t * (1.0 / 15 + t * (1.0 / 17)))))));
    return s * (y + 2.0 * (1.0 + y) * t * series);
}

mote_hat mote_poisson_hat(double mean)
{
    const double b = 0.931 + 2.53 * sqrt(mean), base = floor(mean);
    return (mote_hat){ .a = -0.059 + 0.02483 * b,
                       .b = b,
                       .scale = 1.01 * (1.1239 + 1.1328 / (b - 3.4)),
                       .squeeze = 0.9277 - 3.6224 / (b - 2.0) - 0.014,
                       .shift = 0.43,
                       .base = (int64_t)base,
                       .fraction = mean - base,
                       .mean = mean,
                       .n = -1 };
}

mote_hat mote_binomial_hat(int64_t n, double p)
{
    const double mean = (double)n * p, sd = sqrt(mean * (1.0 - p)), b = 1.15 + 2.53 * sd, base = floor(mean);
    return (mote_hat){ .a = -0.0873 + 0.0248 * b + 0.01 * p,
                       .b = b,
                       .scale = (2.83 + 5.1 / b) * sd,
                       .squeeze = 0.92 - 4.2 / b,
                       .shift = 0.5,
                       .base = (int64_t)base,
                       .fraction = mean - base,
                       .mean = mean,
                       .other = (double)n * (1.0 - p),
                       .n = n };
}

/* 2 pi k, of which Stirling's formula has the root; 1 for k = 0, where 0! is 1. */
static double width(int64_t k)
{
    return k > 0 ? 6.28318530717958647693 * (double)k : 1.0;
}

/* f(k) = exp(-minus_log) / sqrt(square), up to a factor of the law. */
static double minus_log(const mote_hat *hat, int64_t k, double *square)
{
    const double above = (double)(k - hat->base) - hat->fraction;
    const double successes = hat->mean * mote_deviance(above / hat->mean) + mote_stirling((double)k);
    *square = width(k);
    if (hat->n < 0)
        return successes;
    *square *= width(hat->n - k);
    return successes + (hat->other * mote_deviance(-above / hat->other) + mote_stirling((double)(hat->n - k)));
}

double mote_hat_exponent(const mote_hat *hat, int64_t k, double *square)
{
    double square_at_mode = 1.0, at_mode = 0.0;
    *square = 1.0;
    if (k < 0 || (hat->n >= 0 && k > hat->n))
        return -INFINITY;
    if (hat->n >= 0) /* the mode is floor((n + 1) p) */
        at_mode = minus_log(hat, hat->base + (hat->fraction + hat->mean / (double)hat->n >= 1.0), &square_at_mode);
    const double here = minus_log(hat, k, square);
    *square /= square_at_mode;
    return at_mode - here;
}
