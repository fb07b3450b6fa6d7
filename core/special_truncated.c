/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The standard normal law cut to [a, b], exact where differences of Phi cancel or underflow.
 *
 * Three regimes. Narrow (the log density changes by less than 4 over the interval): with x = a + w the mass up to x is
 * phi(a) integral_0^w exp(-a s - s^2/2) ds, by 16-point Gauss-Legendre, exact to rounding. One-sided (a >= 0, or mirrored):
 * upper tails relative to that at a, S(x)/S(a) = exp(-(x - a)(x + a)/2) R(x)/R(a) with Mills' ratio R = S/phi, by erfc up
 * to 6 and by Laplace's continued fraction 1/(x+ 1/(x+ 2/(x+ ...))) beyond (Abramowitz & Stegun 26.2.14). Otherwise 0 lies
 * inside a wide interval and Phi itself serves. Quantiles by Newton on the concave log tail from the start
 * sqrt(a^2 - 2 log(S(x)/S(a))) (Botev, J. R. Stat. Soc. B 79 (2017) 125, eq. 13), or on the narrow integral.
 * Known answer: [8, 9] has mass 6.21983e-16 and median 8.0848889. */
#include "core/special.h"

#include <math.h>

enum { NARROW, ONE_SIDED, WIDE };

/* Mills' ratio for x >= 0. */
static double mills(double x)
{
    if (x < 6.0)
        return 1.2533141373155002512 * exp(0.5 * x * x) * erfc(x * 0.70710678118654752440);
    if (x > 1e8)
        return 1.0 / x;
    double value = x; /* backwards; 60 terms reach rounding from x = 6 on */
    for (int k = 60; k >= 1; --k)
        value = x + k / value;
    return 1.0 / value;
}

static int regime(double a, double b)
{
    const double width = b - a;
    if (width * (fabs(a) + width) < 4.0)
        return NARROW;
    return a >= 0.0 ? ONE_SIDED : WIDE;
}

/* integral_0^w exp(-a s - s^2/2) ds: Gauss-Legendre, 16 points (8 positive abscissas and weights). */
static double narrow_mass(double a, double w)
{
    static const double node[8] = {
        0.9894009349916499326, 0.94457502307323257608, 0.86563120238783174388, 0.7554044083550030339,
        0.61787624440264374845, 0.45801677765722738634, 0.28160355077925891323, 0.095012509837637440185
    }, weight[8] = {
        0.027152459411754094852, 0.062253523938647892863, 0.09515851168249278481, 0.12462897125553387205,
        0.14959598881657673208, 0.16915651939500253819, 0.18260341504492358887, 0.18945061045506849629
    };
    double sum = 0.0;
    for (int i = 0; i < 8; ++i) {
        const double left = 0.5 * w * (1.0 - node[i]), right = 0.5 * w * (1.0 + node[i]);
        sum += weight[i] * (exp(-left * (a + 0.5 * left)) + exp(-right * (a + 0.5 * right)));
    }
    return 0.5 * w * sum;
}

/* log S(x)/S(a), 0 <= a <= x. */
static double log_tail_ratio(double a, double x)
{
    return isinf(x) ? -INFINITY : -0.5 * (x - a) * (x + a) + log(mills(x) / mills(a));
}

double mote_normal_log_mass(double a, double b)
{
    double below, above;
    if (b <= 0.0)
        return mote_normal_log_mass(-b, -a);
    switch (regime(a, b)) {
    case NARROW:
        return log(narrow_mass(a, b - a)) - 0.5 * a * a - 0.91893853320467274178;
    case ONE_SIDED:
        return log(mills(a)) - 0.5 * a * a - 0.91893853320467274178 + log(-expm1(log_tail_ratio(a, b)));
    default:
        below = mote_normal_cdf(a, NULL);
        mote_normal_cdf(b, &above);
        return log1p(-(below + above));
    }
}

/* For b > 0 and a < x < b. */
static double cut_cdf(double x, double a, double b, double *complement)
{
    double total;
    switch (regime(a, b)) {
    case NARROW:
        total = narrow_mass(a, b - a);
        *complement = narrow_mass(-b, b - x) * exp(-0.5 * (b - a) * (b + a)) / total;
        return narrow_mass(a, x - a) / total;
    case ONE_SIDED:
        total = -expm1(log_tail_ratio(a, b));
        *complement = -expm1(log_tail_ratio(x, b)) * exp(log_tail_ratio(a, x)) / total;
        return -expm1(log_tail_ratio(a, x)) / total;
    default:
        total = mote_normal_log_mass(a, b);
        *complement = exp(mote_normal_log_mass(x, b) - total);
        return exp(mote_normal_log_mass(a, x) - total);
    }
}

double mote_truncated_cdf(double x, double a, double b, double *complement)
{
    double lower, upper;
    if (!(x > a && x < b)) {
        lower = x <= a ? 0.0 : x >= b ? 1.0 : NAN;
        upper = 1.0 - lower;
    } else if (b <= 0.0)
        upper = cut_cdf(-x, -b, -a, &lower);
    else
        lower = cut_cdf(x, a, b, &upper);
    if (complement)
        *complement = upper;
    return lower;
}

/* u <= 1/2; w = x - a from the integral, started from the exponential density of the mean slope. */
static double narrow_quantile(double u, double a, double width)
{
    const double total = narrow_mass(a, width), slope = a + 0.5 * width;
    double low = 0.0, high = width, w = u * width;
    if (fabs(slope * width) > 1e-8)
        w = -log1p(u * expm1(-slope * width)) / slope;
    for (int i = 0; i < 60; ++i) {
        const double density = exp(-w * (a + 0.5 * w)), excess = narrow_mass(a, w) - u * total;
        const double newton = -excess / density, step = newton / (1.0 - 0.5 * newton * (a + w));
        if (excess > 0.0)
            high = w;
        else
            low = w;
        const double next = w + step >= low && w + step <= high ? w + step : 0.5 * (low + high);
        if (fabs(next - w) <= 1e-6 * w) /* the step cubes the error */
            return next;
        w = next;
    }
    return w;
}

/* 0 <= a < b: x with S(x)/S(a) = exp(target). */
static double tail_quantile(double target, double a, double b)
{
    double x = fmin(sqrt(a * a - 2.0 * target), b);
    for (int i = 0; i < 60; ++i) {
        const double ratio = mills(x), newton = ratio * (log_tail_ratio(a, x) - target);
        const double next = fmin(fmax(x + newton / (1.0 + 0.5 * newton * (1.0 / ratio - x)), a), b);
        if (fabs(next - x) <= 1e-6 * ratio || next == x)
            return next;
        x = next;
    }
    return x;
}

/* For b > 0. */
static double cut_quantile(double u, double complement, double a, double b)
{
    double ratio, mass, above;
    switch (regime(a, b)) {
    case NARROW:
        return u <= complement ? a + narrow_quantile(u, a, b - a) : b - narrow_quantile(complement, -b, b - a);
    case ONE_SIDED:
        ratio = log_tail_ratio(a, b);
        mass = -u * -expm1(ratio);
        return tail_quantile(mass > -0.5 ? log1p(mass) : log(complement + u * exp(ratio)), a, b);
    default:
        mass = exp(mote_normal_log_mass(a, b));
        mote_normal_cdf(b, &above);
        return mote_normal_quantile(mote_normal_cdf(a, NULL) + u * mass, above + complement * mass);
    }
}

double mote_truncated_quantile(double u, double complement, double a, double b)
{
    if (!(u >= 0.0 && complement >= 0.0))
        return NAN;
    if (u == 0.0 || complement == 0.0)
        return u == 0.0 ? a : b;
    const double x = b <= 0.0 ? -cut_quantile(complement, u, -b, -a) : cut_quantile(u, complement, a, b);
    return x < a ? a : x > b ? b : x;
}
