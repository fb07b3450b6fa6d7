/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gamma function parts and the normal distribution.
 *
 * Phi(x) = erfc(-x / sqrt 2) / 2. The quantile is the rational approximation of Wichura, "Algorithm AS 241", Applied
 * Statistics 37 (1988) 477, PPND16 (relative error about 1e-16); q = (u - complement) / 2 loses no digits near 1/2 and
 * the smaller of u and complement none in the tails. Known answer: Q(0.975) = 1.959963984540054. */
#include "core/special.h"

#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sf_log.h>
#include <math.h>

double mote_log_gamma(double x)
{
    gsl_sf_result result;
    if (!(x > 0.0))
        return NAN;
    if (x > 1e300) /* GSL would report an overflow near the largest doubles */
        return x < 2.5e305 ? x * (log(x) - 1.0) : INFINITY;
    return gsl_sf_lngamma_e(x, &result) ? NAN : result.val;
}

/* Stirling's series beyond 17 (error 43867 / (244188 x^17) of the sum); GSL's Chebyshev fits below. */
double mote_gamma_star(double x)
{
    gsl_sf_result result;
    if (!(x > 0.0))
        return NAN;
    if (x < 17.0)
        return gsl_sf_gammastar_e(x, &result) ? NAN : result.val;
    const double t = 1.0 / (x * x);
    return exp((1.0 / 12 - t * (1.0 / 360 - t * (1.0 / 1260 - t * (1.0 / 1680 - t * (1.0 / 1188 -
               t * (691.0 / 360360 - t * (1.0 / 156))))))) / x);
}

double mote_log_beta(double a, double b)
{
    const double small = a < b ? a : b, large = a < b ? b : a, sum = a + b;
    if (small < 10.0 && large < 10.0)
        return mote_log_gamma(a) + mote_log_gamma(b) - mote_log_gamma(sum);
    /* B = sqrt(2 pi) a^(a - 1/2) b^(b - 1/2) / (a + b)^(a + b - 1/2) times the ratio of the starred functions. */
    return 0.91893853320467274178 + log(mote_gamma_star(a) * mote_gamma_star(b) / mote_gamma_star(sum)) -
           0.5 * log(small) - small * log1p(large / small) - (large - 0.5) * log1p(small / large);
}

double mote_relative_entropy(double ratio, double excess)
{
    gsl_sf_result result;
    if (ratio < 0.5 || ratio > 2.0)
        return excess - log(ratio);
    return gsl_sf_log_1plusx_mx_e(excess, &result) ? NAN : -result.val;
}

double mote_normal_cdf(double x, double *complement)
{
    if (complement)
        *complement = 0.5 * erfc(x * 0.70710678118654752440);
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

static double ratio(const double numerator[8], const double denominator[8], double r)
{
    double p = numerator[7], q = denominator[7];
    for (int i = 6; i >= 0; --i) {
        p = p * r + numerator[i];
        q = q * r + denominator[i];
    }
    return p / q;
}

/* From q = u - 1/2 and the smaller tail p. */
static double quantile(double q, double p)
{
    static const double
        a[8] = { 3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
                 4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4,
                 2.5090809287301226727e+3 },
        b[8] = { 1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                 2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
                 5.2264952788528545610e+3 },
        c[8] = { 1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                 3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                 2.27238449892691845833e-2, 7.74545014278341407640e-4 },
        d[8] = { 1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                 1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                 1.05075007164441684324e-9 },
        e[8] = { 6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
                 2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                 2.71155556874348757815e-5, 2.01033439929228813265e-7 },
        f[8] = { 1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                 7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                 2.04426310338993978564e-15 };
    if (!(p >= 0.0) || isnan(q))
        return NAN;
    if (fabs(q) <= 0.425)
        return q * ratio(a, b, 0.180625 - q * q);
    const double r = sqrt(-log(p));
    const double tail = p == 0.0 ? INFINITY : r <= 5.0 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5.0);
    return q < 0.0 ? -tail : tail;
}

double mote_normal_quantile(double u, double complement)
{
    return quantile(0.5 * (u - complement), u < complement ? u : complement);
}

double mote_half_normal_quantile(double u, double complement)
{
    return quantile(0.5 * u, 0.5 * complement);
}
