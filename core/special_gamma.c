/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gamma distribution function P(a, x), Q = 1 - P, for every a > 0, and the uniform expansion that it shares with the
 * beta distribution. Known answers: P(1, x) = 1 - exp(-x); Q(1/2, x) = erfc(sqrt x).
 *
 * Regions, after Gil, Segura & Temme, SIAM J. Sci. Comput. 34 (2012) A2965:
 *   a >= 20, |zeta| <= 1   uniform expansion (below)
 *   x < max(a + 1, 1.5)    power series of P (Abramowitz & Stegun 6.5.29); for a < 1 that of Q, without cancellation
 *   otherwise              Legendre's continued fraction of Q (A & S 6.5.31) by Lentz's method
 * GSL's own gsl_sf_gamma_inc_P loses up to 1e-10 at a = 1e6 near x = a, hence this file.
 *
 * Uniform expansion. With lambda = x/a, zeta = sign(lambda - 1) sqrt(2 (lambda - 1 - log lambda)), n = a:
 *   Q = erfc(zeta sqrt(n/2)) / 2 + exp(-n zeta^2/2) / sqrt(2 pi n) B(zeta) / G,
 * where f = zeta / (lambda - 1) = sum f_m zeta^m (radius 2 sqrt pi), and dQ/dzeta gives f - G = zeta B - B'/n, hence
 *   b_{m-1} = f_m + (m + 1) b_{m+1} / n    (run downwards: stable),    G = Gamma*(a) = 1 + b_1 / n
 * (Temme, SIAM J. Math. Anal. 10 (1979) 757; Temme, Math. Comp. 29 (1975) 1109; Gil et al. section 2.5). */
#include "core/special.h"

#include <float.h>
#include <math.h>

/* f_m, from w w' = zeta (1 + w), w = lambda - 1, in 60-digit arithmetic. */
static const double coefficient[MOTE_UNIFORM_TERMS] = {
    1.0, -0.33333333333333333333, 0.083333333333333333333, -0.014814814814814814815,
    0.0011574074074074074074, 0.00035273368606701940035, -0.0001787551440329218107, 0.000039192631785224377817,
    -2.1854485106799921615e-6, -1.8540622107151599607e-6, 8.296711340953086005e-7, -1.7665952736826079304e-7,
    6.7078535434014985804e-9, 1.0261809784240308043e-8, -4.3820360184533531866e-9, 9.1476995822367902342e-10,
    -2.5514193994946249767e-11, -5.8307721325504250675e-11, 2.4361948020667416244e-11, -5.0276692801141755891e-12,
    1.1004392031956134771e-13, 3.3717632624009853788e-13, -1.3923887224181620659e-13, 2.8534893807047443204e-14,
    -5.139111834242572619e-16, -1.9752288294349442835e-15, 8.0995211567045613341e-16, -1.6522531216398161819e-16,
    2.5305430097478884233e-18, 1.1686939738559576589e-17, -4.7700370498204847582e-18, 9.6991260590562371242e-19,
};

double mote_uniform_tail(double n, double zeta, double half_square, const double *f, double *complement)
{
    enum { LAST = MOTE_UNIFORM_TERMS - 1 };
    double b[MOTE_UNIFORM_TERMS + 1] = { 0.0 }, sum = 0.0;
    for (int m = LAST; m >= 1; --m)
        b[m - 1] = f[m] + (m + 1) * b[m + 1] / n;
    for (int m = LAST - 1; m >= 0; --m)
        sum = sum * zeta + b[m];
    const double rest = exp(-half_square) / sqrt(6.28318530717958647693 * n) * sum / (1.0 + b[1] / n);
    const double root = copysign(sqrt(half_square), zeta);
    *complement = 0.5 * erfc(-root) - rest;
    return 0.5 * erfc(root) + rest;
}

/* x^a exp(-x) / Gamma(a + 1) */
static double prefactor(double a, double x)
{
    if (a < 10.0) /* far out it is 0, though x^a may overflow */
        return x < 1000.0 ? pow(x, a) * exp(-x - mote_log_gamma(a + 1.0)) : 0.0;
    return exp(-a * mote_relative_entropy(x / a, (x - a) / a)) / (sqrt(6.28318530717958647693 * a) * mote_gamma_star(a));
}

/* 1 + x/(a+1) + x^2/((a+1)(a+2)) + ... */
static double lower_series(double a, double x)
{
    double term = 1.0, sum = 1.0;
    for (int n = 1; term > 0.25 * DBL_EPSILON * sum && n < 100000; ++n) {
        term *= x / (a + n);
        sum += term;
    }
    return sum;
}

/* Q = (1 - x^a / Gamma(1 + a)) - x^a / Gamma(1 + a) sum_{n>0} a (-x)^n / ((a + n) n!), for a < 1, x < 1.5 */
static double upper_series(double a, double x)
{
    const double log_lead = a * log(x) - mote_log_gamma(1.0 + a);
    double term = 1.0, sum = 0.0;
    for (int n = 1; fabs(term) > 0.01 * DBL_EPSILON && n < 100; ++n) {
        term *= -x / n;
        sum += a * term / (a + n);
    }
    return -expm1(log_lead) - exp(log_lead) * sum;
}

/* Q x^(-a) exp(x) Gamma(a) = 1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- ...))) */
static double upper_fraction(double a, double x)
{
    double b = x + 1.0 - a, c = 1e300, d = 1.0 / b, h = d;
    for (int n = 1; n < 100000; ++n) {
        const double numerator = -n * (n - a);
        b += 2.0;
        d = numerator * d + b;
        c = b + numerator / c;
        d = 1.0 / (d == 0.0 ? DBL_MIN : d);
        c = c == 0.0 ? DBL_MIN : c;
        h *= d * c;
        if (fabs(d * c - 1.0) <= DBL_EPSILON)
            break;
    }
    return h;
}

static double upper_and_lower(double x, double a, double *upper)
{
    double lower;
    if (a >= 20.0 && x > 0.3 * a && x < 2.4 * a) {
        const double entropy = mote_relative_entropy(x / a, (x - a) / a);
        *upper = mote_uniform_tail(a, copysign(sqrt(2.0 * entropy), x - a), a * entropy, coefficient, &lower);
        return lower;
    }
    if (a < 1.0 && x < 1.5) {
        *upper = upper_series(a, x);
        return prefactor(a, x) * lower_series(a, x);
    }
    if (x < a + 1.0) {
        lower = prefactor(a, x) * lower_series(a, x);
        *upper = 1.0 - lower;
        return lower;
    }
    *upper = a * prefactor(a, x) * upper_fraction(a, x);
    return 1.0 - *upper;
}

double mote_gamma_log_slope(double x, double shape)
{
    if (shape < 10.0)
        return shape * log(x) - x - mote_log_gamma(shape);
    return -shape * mote_relative_entropy(x / shape, (x - shape) / shape) +
           0.5 * log(shape / 6.28318530717958647693) - log(mote_gamma_star(shape));
}

double mote_gamma_cdf(double x, double shape, double *complement)
{
    double lower = NAN, upper = NAN;
    if (shape > 0.0 && shape < INFINITY && !isnan(x)) {
        lower = x <= 0.0 ? 0.0 : 1.0;
        upper = 1.0 - lower;
        if (x > 0.0 && x < INFINITY)
            lower = upper_and_lower(x, shape, &upper);
    }
    if (complement)
        *complement = upper;
    return lower;
}
