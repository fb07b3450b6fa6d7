/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The beta distribution function I_x(a, b) from x and y = 1 - x, and Student's t as a case of it.
 * Known answers: I_x(a, 1) = x^a; I_{1/2}(a, a) = 1/2; Student with 1 degree of freedom is Cauchy's law.
 *
 * Everything starts from x0 = a/(a+b), y0 = b/(a+b), n = a b/(a+b) and the exact form (Loader, "Fast and accurate
 * computation of binomial probabilities", 2000; here with Temme's Gamma*, so for real a and b)
 *   x^a y^b / B(a, b) = sqrt(n / 2 pi) exp(-n zeta^2/2) / G,    G = Gamma*(a) Gamma*(b) / Gamma*(a+b),
 *   n zeta^2/2 = a D(x/x0) + b D(y/y0),    D(r) = r - 1 - log r,
 * in which nothing cancels. Near the mode (n >= 20, |zeta| <= 1) I use the uniform expansion of special_gamma.c: with
 * w = (x - x0)/(x0 y0) one has dx/(x y) = f dzeta, f = zeta/w, and so the same equation for the remainder as for the
 * gamma distribution, which is the limit x0 -> 0. The Taylor coefficients of w follow from
 *   w w' = zeta (1 + (y0 - x0) w - x0 y0 w^2);  radius 2 sqrt(pi / max(x0, y0)) >= 2 sqrt(pi).
 * Elsewhere the continued fraction of DiDonato & Morris, ACM TOMS 18 (1992) 360 (BFRAC). GSL's gsl_sf_beta_inc gives
 * up after 512 terms for large shapes. */
#include "core/special.h"

#include <float.h>
#include <math.h>

/* f_m of f = zeta / w(zeta). */
static void uniform_coefficients(double x0, double y0, double *f)
{
    double w[MOTE_UNIFORM_TERMS + 1] = { 0.0, 1.0 }, square[MOTE_UNIFORM_TERMS + 2] = { 0.0, 0.0, 1.0 };
    for (int n = 2; n <= MOTE_UNIFORM_TERMS; ++n) {
        double inner = 0.0;
        for (int i = 2; i < n; ++i)
            inner += w[i] * w[n + 1 - i];
        square[n + 1] = 2.0 * ((y0 - x0) * w[n - 1] - x0 * y0 * square[n - 1]) / (n + 1);
        w[n] = 0.5 * (square[n + 1] - inner);
    }
    f[0] = 1.0;
    for (int m = 1; m < MOTE_UNIFORM_TERMS; ++m) {
        f[m] = 0.0;
        for (int i = 1; i <= m; ++i)
            f[m] -= w[i + 1] * f[m - i];
    }
}

/* I B / (x^a y^b), for x up to about the mean: 1/b_0+ a_1/b_1+ ... */
static double fraction(double x, double y, double a, double b)
{
    const double gap = a * y - b * x + 1.0;
    double value = a * gap / (a + 1.0), c = value, d = 0.0;
    for (int m = 1; m < 100000; ++m) {
        const double even = a + 2 * m - 1;
        const double numerator = (a + m - 1) / even * ((a + b + m - 1) / even) * m * (b - m) * x * x;
        const double term = m + m * (b - m) * x / even + (a + m) * (gap + m * (1.0 + y)) / (even + 2.0);
        d = term + numerator * d;
        c = term + numerator / c;
        d = 1.0 / (d == 0.0 ? DBL_MIN : d);
        c = c == 0.0 ? DBL_MIN : c;
        value *= c * d;
        if (fabs(c * d - 1.0) <= DBL_EPSILON)
            break;
    }
    return 1.0 / value;
}

/* n zeta^2/2 */
static double half_square_at(double x, double y, double a, double b)
{
    const double sum = a + b, gap = x * b - a * y;
    return a * mote_relative_entropy(x / a * sum, gap / a) + b * mote_relative_entropy(y / b * sum, -gap / b);
}

double mote_beta_log_slope(double x, double one_minus, double a, double b)
{
    const double sum = a + b, n = a * (b / sum);
    return 0.5 * log(n / 6.28318530717958647693) - half_square_at(x, one_minus, a, b) +
           log(mote_gamma_star(sum) / (mote_gamma_star(a) * mote_gamma_star(b)));
}

static double lower_tail(double x, double y, double a, double b, double *upper)
{
    const double sum = a + b, x0 = a / sum, y0 = b / sum, n = a * y0, gap = x * b - a * y;
    const double half_square = half_square_at(x, y, a, b);
    double lower;
    if (n >= 20.0 && half_square < 0.5 * n) {
        double f[MOTE_UNIFORM_TERMS];
        uniform_coefficients(x0, y0, f);
        *upper = mote_uniform_tail(n, copysign(sqrt(2.0 * half_square / n), gap), half_square, f, &lower);
        return lower;
    }
    const double lead = sqrt(n / 6.28318530717958647693) * exp(-half_square) * mote_gamma_star(sum) /
                        (mote_gamma_star(a) * mote_gamma_star(b));
    if (x * (sum + 2.0) <= a + 1.0) {
        lower = lead * fraction(x, y, a, b);
        *upper = 1.0 - lower;
        return lower;
    }
    *upper = lead * fraction(y, x, b, a);
    return 1.0 - *upper;
}

double mote_beta_cdf_pair(double x, double one_minus, double a, double b, double *complement)
{
    double lower = NAN, upper = NAN;
    if (a > 0.0 && b > 0.0 && a + b < INFINITY && !isnan(x)) {
        lower = x <= 0.0 ? 0.0 : 1.0;
        upper = 1.0 - lower;
        if (x > 0.0 && one_minus > 0.0)
            lower = lower_tail(x, one_minus, a, b, &upper);
    }
    if (complement)
        *complement = upper;
    return lower;
}

double mote_beta_cdf(double x, double a, double b, double *complement)
{
    return mote_beta_cdf_pair(x, 1.0 - x, a, b, complement);
}

/* P(T > t) = I_x(v/2, 1/2) / 2 with x = 1/(1 + s^2), s = t / sqrt v > 0. Far out x^(v/2) / (v/2 B(v/2, 1/2)) to all
 * digits, and without the overflow of s and the underflow of x. `inner` gets P(0 < T < t). */
static double student_tail(double t, double v, double *inner)
{
    const double s = t / sqrt(v);
    if (s > 1e9) {
        const double tail = 0.5 * exp(-v * (log(t) - 0.5 * log(v)) - log(0.5 * v) - mote_log_beta(0.5 * v, 0.5));
        *inner = 0.5 - tail;
        return tail;
    }
    const double square = s * s;
    const double tail = 0.5 * mote_beta_cdf_pair(1.0 / (1.0 + square), square / (1.0 + square), 0.5 * v, 0.5, inner);
    *inner *= 0.5;
    return tail;
}

double mote_student_cdf(double x, double degrees_of_freedom, double *complement)
{
    double inner = NAN, tail = NAN;
    if (degrees_of_freedom > 1e18) /* the normal law to the last digit */
        return mote_normal_cdf(x, complement);
    if (degrees_of_freedom > 0.0 && !isnan(x)) {
        inner = 0.0;
        tail = x == 0.0 ? 0.5 : isinf(x) ? 0.0 : student_tail(fabs(x), degrees_of_freedom, &inner);
    }
    const double rest = tail < 0.25 ? 1.0 - tail : 0.5 + inner;
    if (complement)
        *complement = x > 0.0 ? tail : rest;
    return x > 0.0 ? rest : tail;
}
