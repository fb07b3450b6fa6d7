/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quantiles of the gamma, beta and Student distributions.
 *
 * All three solve g(z) = log F(z) - log p = 0 by Halley's method, F being the smaller tail, in a variable z in which
 * the density is log-concave: z = log x (gamma), z = logit x (beta), and Student's t is a beta variate. The tails of a
 * log-concave density are log-concave, so g is concave and monotone and Newton's method converges from any side that
 * it reaches first; a bracket guards it all the same. With h the density of z, g' = h/F and
 *   g''/g' = (log h)' - h/F,  where (log h)' = a - x (gamma), a (1 - x) - b x (beta).
 * Starts: x^a / Gamma(a+1) = p and x^a / (a B(a, b)) = p, which lie left of the root and are the answer to all digits
 * once x < 1e-17; Wilson & Hilferty, PNAS 17 (1931) 684 (gamma) and Abramowitz & Stegun 26.5.22 (beta) for shapes >= 1;
 * DiDonato & Morris, ACM TOMS 12 (1986) 377, eq. 21-25, for the upper gamma tail. z is taken relative to the mean,
 * so that it keeps its digits for shapes of 1e6. Known answers: gamma(1): -log(1 - u); beta(a, 1): u^(1/a). */
#include "core/special.h"

#include <float.h>
#include <math.h>

typedef struct law {
    double a, b;
    int upper; /* 1: F is the upper tail (gamma only) */
    double (*tail)(const struct law *self, double z, double *slope, double *log_slope);
} law;

/* One safeguarded Halley step from z, where F = p exp(g). */
static double advance(double z, double g, double rate, double curvature, double low, double high)
{
    const double newton = -g / rate, factor = 1.0 + 0.5 * newton * curvature;
    double next = z + (factor > 0.5 && factor < 2.0 ? newton / factor : newton);
    if (next >= low && next <= high) /* equal: the step is below rounding */
        return next;
    if (isfinite(low) && isfinite(high))
        return 0.5 * (low + high);
    return isfinite(low) ? low + 1.0 + fabs(low) : high - 1.0 - fabs(high);
}

/* z with F(z) = p. */
static double solve(const law *self, double p, double z)
{
    double low = -INFINITY, high = INFINITY;
    const double sign = self->upper ? -1.0 : 1.0;
    for (int i = 0; i < 200; ++i) {
        double slope, log_slope;
        const double tail = self->tail(self, z, &slope, &log_slope), g = log(tail / p);
        const double rate = sign * slope / tail;
        if (g * sign > 0.0)
            high = z;
        else
            low = z;
        const double next = advance(z, g, rate, log_slope - rate, low, high);
        if (fabs(g) < 1e-6 || next == z) /* the step cubes the error */
            return next;
        z = next;
    }
    return z;
}

static double clamp(double x)
{
    return x < DBL_MIN ? DBL_MIN : x > DBL_MAX ? DBL_MAX : x;
}

static double gamma_tail(const law *self, double z, double *slope, double *log_slope)
{
    const double x = self->a * exp(z);
    double upper, lower = mote_gamma_cdf(x, self->a, &upper);
    *slope = exp(mote_gamma_log_slope(x, self->a));
    *log_slope = self->a - x;
    return self->upper ? upper : lower;
}

/* log(x/a) to start from. */
static double gamma_start(double u, double complement, double a, double log_power)
{
    if (a >= 1.0) {
        const double root = 1.0 - 1.0 / (9.0 * a) + mote_normal_quantile(u, complement) / (3.0 * sqrt(a));
        const double start = 3.0 * log(root > 0.0 ? root : 0.0);
        return start > log_power - log(a) ? start : log_power - log(a);
    }
    const double y = -log(complement) - mote_log_gamma(a);
    if (complement < u && y > 1.0)
        return log(y - (1.0 - a) * log(y)) - log(a);
    return log_power - log(a);
}

double mote_gamma_quantile(double u, double complement, double shape)
{
    if (!(shape > 0.0 && shape < INFINITY && u >= 0.0 && complement >= 0.0))
        return NAN;
    if (u == 0.0 || complement == 0.0)
        return u == 0.0 ? 0.0 : INFINITY;
    const double log_power = (log(u) + mote_log_gamma(shape + 1.0)) / shape;
    if (log_power < -39.2) /* x < 1e-17 */
        return clamp(exp(log_power));
    const law gamma = { shape, 0.0, complement < u, gamma_tail };
    const double z = solve(&gamma, complement < u ? complement : u, gamma_start(u, complement, shape, log_power));
    return clamp(shape * exp(z));
}

static double beta_tail(const law *self, double z, double *slope, double *log_slope)
{
    const double odds = self->a / self->b * exp(z), x = odds / (1.0 + odds), y = 1.0 / (1.0 + odds);
    *slope = exp(mote_beta_log_slope(x, y, self->a, self->b));
    *log_slope = self->a * y - self->b * x;
    return mote_beta_cdf_pair(x, y, self->a, self->b, NULL);
}

/* logit of x less that of the mean. Abramowitz & Stegun 26.5.22. */
static double beta_start(double p, double complement, double a, double b)
{
    const double y = -mote_normal_quantile(p, complement), i = 1.0 / (2.0 * a - 1.0), j = 1.0 / (2.0 * b - 1.0);
    const double h = 2.0 / (i + j), lambda = (y * y - 3.0) / 6.0;
    return -2.0 * (y * sqrt(h + lambda) / h - (j - i) * (lambda + 5.0 / 6.0 - 2.0 / (3.0 * h)));
}

/* logit(x) - log(a/b) where I_x(a, b) = p <= 1/2; it may lie beyond the logarithm's range of doubles. */
static double beta_solve(double p, double complement, double a, double b)
{
    const double log_beta = mote_log_beta(a, b), mean = log(a / b);
    const double lower = (log(p) + log(a) + log_beta) / a, upper = (log(complement) + log(b) + log_beta) / b;
    if (lower + log(b > 1.0 ? b : 1.0) < -39.2)
        return lower - mean;
    if (upper + log(a > 1.0 ? a : 1.0) < -39.2)
        return -upper - mean;
    const law beta = { a, b, 0, beta_tail };
    double start = lower - mean;
    if (a >= 1.0 && b >= 1.0)
        start = fmax(start, beta_start(p, complement, a, b));
    return solve(&beta, p, start);
}

/* The same for any u. */
static double beta_log_odds(double u, double complement, double a, double b)
{
    return u <= complement ? beta_solve(u, complement, a, b) : -beta_solve(complement, u, b, a);
}

double mote_beta_quantile(double u, double complement, double a, double b, double *one_minus)
{
    double x = NAN, y = NAN;
    if (u == 0.0 || complement == 0.0) {
        x = u == 0.0 ? 0.0 : 1.0;
        y = 1.0 - x;
    } else if (a > 0.0 && b > 0.0 && a + b < INFINITY && u > 0.0 && complement > 0.0) {
        const double z = beta_log_odds(u, complement, a, b);
        x = clamp(1.0 / (1.0 + b / a * exp(-z)));
        y = clamp(1.0 / (1.0 + a / b * exp(z)));
    }
    if (one_minus)
        *one_minus = y;
    return x;
}

double mote_student_quantile(double u, double complement, double degrees_of_freedom)
{
    const double tail = u < complement ? u : complement, inner = fabs(u - complement), v = degrees_of_freedom;
    if (!(v > 0.0 && tail >= 0.0))
        return NAN;
    if (v > 1e18)
        return mote_normal_quantile(u, complement);
    if (tail == 0.0 || inner == 0.0)
        return tail == 0.0 ? copysign(INFINITY, u - complement) : 0.0;
    const double z = beta_log_odds(2.0 * tail, inner, 0.5 * v, 0.5); /* of v/(v + t^2), less log v */
    return copysign(clamp(exp(-0.5 * z)), u - complement);
}
