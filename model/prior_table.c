/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One-dimensional priors: arguments, checks, quantile, distribution function, normalised log density, support
 * (doc/priors.rst has the formulas). Quantiles are the exact inverse of the distribution function (core/special.h);
 * for 0 < u < 1 they are finite and have a finite density.
 * Known answers: half-Cauchy(1) has median 1; exponential(1) has median log 2. */
#include "model/prior.h"

#include "core/special.h"

#include <float.h>
#include <math.h>

#define HALF_LOG_TWO_PI 0.91893853320467274178
#define HALF_PI         1.57079632679489661923

static double inside(double x)
{
    return x < DBL_MIN ? DBL_MIN : x > DBL_MAX ? DBL_MAX : x;
}

/* ---- supports -------------------------------------------------------------------------------------------------- */
static void support_bounds(const double *p, double *lower, double *upper)
{
    *lower = p[0];
    *upper = p[1];
}

static void support_cut(const double *p, double *lower, double *upper)
{
    *lower = p[2];
    *upper = p[3];
}

static void support_real(const double *p, double *lower, double *upper)
{
    (void)p;
    *lower = -INFINITY;
    *upper = INFINITY;
}

static void support_positive(const double *p, double *lower, double *upper)
{
    (void)p;
    *lower = 0.0;
    *upper = INFINITY;
}

static void support_unit(const double *p, double *lower, double *upper)
{
    (void)p;
    *lower = 0.0;
    *upper = 1.0;
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */
static const char *check_uniform(const double *p)
{
    if (!(p[0] < p[1]))
        return "the lower bound is not below the upper bound";
    return isinf(p[1] - p[0]) ? "the range is wider than the largest double" : NULL;
}

static const char *check_log_uniform(const double *p)
{
    return p[0] > 0.0 ? check_uniform(p) : "the lower bound is not positive";
}

static const char *check_normal(const double *p)
{
    return p[1] > 0.0 ? NULL : "the sd is not positive";
}

static const char *check_truncated(const double *p)
{
    if (!(p[1] > 0.0))
        return "the sd is not positive";
    if (!(p[2] < p[3]))
        return "the lower bound is not below the upper bound";
    const double mass = mote_normal_log_mass((p[2] - p[0]) / p[1], (p[3] - p[0]) / p[1]);
    return isfinite(mass) ? NULL : "no probability lies between the bounds";
}

static const char *check_scale(const double *p)
{
    return p[0] > 0.0 ? NULL : "the scale is not positive";
}

static const char *check_mean(const double *p)
{
    return p[0] > 0.0 ? NULL : "the mean is not positive";
}

static const char *check_beta(const double *p)
{
    return !(p[0] > 0.0) ? "a is not positive" : !(p[1] > 0.0) ? "b is not positive" : NULL;
}

static const char *check_gamma(const double *p)
{
    return !(p[0] > 0.0) ? "the shape is not positive" : !(p[1] > 0.0) ? "the scale is not positive" : NULL;
}

static const char *check_student(const double *p)
{
    if (!(p[0] > 0.0))
        return "the degrees of freedom are not positive";
    return p[2] > 0.0 ? NULL : "the scale is not positive";
}

static const char *check_dirichlet(const double *p)
{
    return p[0] > 0.0 ? NULL : "the concentration is not positive";
}

/* ---- uniform, log-uniform -------------------------------------------------------------------------------------- */
static double quantile_uniform(const double *p, double u, double complement)
{
    (void)complement;
    return mote_uniform_quantile(p[0], p[1] - p[0], p[1], u);
}

static double cdf_uniform(const double *p, double x, double *complement)
{
    *complement = (p[1] - x) / (p[1] - p[0]);
    return (x - p[0]) / (p[1] - p[0]);
}

static double log_density_uniform(const double *p, double x)
{
    (void)x;
    return -log(p[1] - p[0]);
}

double mote_log_ratio(double lower, double upper)
{
    const double excess = (upper - lower) / lower;
    return isfinite(excess) ? log1p(excess) : log(upper) - log(lower);
}

double mote_log_uniform_quantile(double lower, double log_ratio, double upper, double u)
{
    const double x = log_ratio < 700.0 ? lower * exp(u * log_ratio) : exp(log(lower) + u * log_ratio);
    return x < lower ? lower : x > upper ? upper : x;
}

static double quantile_log_uniform(const double *p, double u, double complement)
{
    (void)complement;
    return mote_log_uniform_quantile(p[0], mote_log_ratio(p[0], p[1]), p[1], u);
}

static double cdf_log_uniform(const double *p, double x, double *complement)
{
    const double total = mote_log_ratio(p[0], p[1]);
    *complement = mote_log_ratio(x, p[1]) / total;
    return mote_log_ratio(p[0], x) / total;
}

static double log_density_log_uniform(const double *p, double x)
{
    return -log(x) - log(mote_log_ratio(p[0], p[1]));
}

/* ---- normal and its parts -------------------------------------------------------------------------------------- */
static double quantile_normal(const double *p, double u, double complement)
{
    return p[0] + p[1] * mote_normal_quantile(u, complement);
}

static double cdf_normal(const double *p, double x, double *complement)
{
    return mote_normal_cdf((x - p[0]) / p[1], complement);
}

static double log_density_normal(const double *p, double x)
{
    const double z = (x - p[0]) / p[1];
    return -0.5 * z * z - log(p[1]) - HALF_LOG_TWO_PI;
}

static double quantile_truncated(const double *p, double u, double complement)
{
    const double z = mote_truncated_quantile(u, complement, (p[2] - p[0]) / p[1], (p[3] - p[0]) / p[1]);
    const double x = p[0] + p[1] * z;
    return x < p[2] ? p[2] : x > p[3] ? p[3] : x;
}

static double cdf_truncated(const double *p, double x, double *complement)
{
    return mote_truncated_cdf((x - p[0]) / p[1], (p[2] - p[0]) / p[1], (p[3] - p[0]) / p[1], complement);
}

static double log_density_truncated(const double *p, double x)
{
    return log_density_normal(p, x) - mote_normal_log_mass((p[2] - p[0]) / p[1], (p[3] - p[0]) / p[1]);
}

static double quantile_half_normal(const double *p, double u, double complement)
{
    return p[0] * mote_half_normal_quantile(u, complement);
}

static double cdf_half_normal(const double *p, double x, double *complement)
{
    const double z = x / p[0] * 0.70710678118654752440;
    *complement = erfc(z);
    return erf(z);
}

static double log_density_half_normal(const double *p, double x)
{
    const double z = x / p[0];
    return 0.69314718055994530942 - 0.5 * z * z - log(p[0]) - HALF_LOG_TWO_PI;
}

/* ---- half-Cauchy, exponential ---------------------------------------------------------------------------------- */
static double quantile_half_cauchy(const double *p, double u, double complement)
{
    if (complement == 0.0)
        return INFINITY;
    const double x = p[0] * (u < complement ? tan(HALF_PI * u) : 1.0 / tan(HALF_PI * complement));
    return u > 0.0 ? inside(x) : x;
}

static double cdf_half_cauchy(const double *p, double x, double *complement)
{
    *complement = atan(p[0] / x) / HALF_PI;
    return atan(x / p[0]) / HALF_PI;
}

static double log_density_half_cauchy(const double *p, double x)
{
    return -log(HALF_PI) - log(p[0]) - 2.0 * log(hypot(1.0, x / p[0]));
}

static double quantile_exponential(const double *p, double u, double complement)
{
    return -p[0] * (u < complement ? log1p(-u) : log(complement));
}

static double cdf_exponential(const double *p, double x, double *complement)
{
    *complement = exp(-x / p[0]);
    return -expm1(-x / p[0]);
}

static double log_density_exponential(const double *p, double x)
{
    return -x / p[0] - log(p[0]);
}

/* ---- beta, gamma, inverse gamma, Student ----------------------------------------------------------------------- */
/* The log density of a power law x^(shape - 1) at x = 0, whose value there is `level` when the shape is 1. */
static double at_zero(double shape, double level)
{
    return shape < 1.0 ? INFINITY : shape > 1.0 ? -INFINITY : level;
}

static double quantile_beta(const double *p, double u, double complement)
{
    const double x = mote_beta_quantile(u, complement, p[0], p[1], NULL);
    return x == 1.0 && complement > 0.0 ? 1.0 - 0.5 * DBL_EPSILON : x;
}

static double cdf_beta(const double *p, double x, double *complement)
{
    return mote_beta_cdf(x, p[0], p[1], complement);
}

static double log_density_beta(const double *p, double x)
{
    if (x == 0.0 || x == 1.0)
        return x == 0.0 ? at_zero(p[0], log(p[1])) : at_zero(p[1], log(p[0]));
    return mote_beta_log_slope(x, 1.0 - x, p[0], p[1]) - log(x) - log1p(-x);
}

/* A gamma variate t of scale 1 and small shape a is often no double, though scale * t or scale / t is one. Below
 * DBL_MIN it is known by its logarithm: there P(a, t) = t^a / Gamma(a + 1) to the last bit. t = x / y below. */
static double log_quantile_below(double u, double complement, double shape)
{
    return ((u < complement ? log(u) : log1p(-complement)) + mote_log_gamma(shape + 1.0)) / shape;
}

static double gamma_cdf_of_ratio(double x, double y, double shape, double *complement)
{
    const double ratio = x / y;
    if (!(ratio < DBL_MIN && x > 0.0 && isfinite(y)))
        return mote_gamma_cdf(ratio, shape, complement);
    const double log_lower = shape * (log(x) - log(y)) - mote_log_gamma(shape + 1.0);
    *complement = -expm1(log_lower);
    return exp(log_lower);
}

static double gamma_log_slope_of_ratio(double x, double y, double shape)
{
    const double ratio = x / y;
    if (!(ratio < DBL_MIN && x > 0.0 && isfinite(y)))
        return mote_gamma_log_slope(ratio, shape);
    return shape * (log(x) - log(y)) - mote_log_gamma(shape);
}

static double quantile_gamma(const double *p, double u, double complement)
{
    const double t = mote_gamma_quantile(u, complement, p[0]);
    if (!(u > 0.0 && complement > 0.0))
        return p[1] * t;
    return inside(t > DBL_MIN ? p[1] * t : exp(log(p[1]) + log_quantile_below(u, complement, p[0])));
}

static double cdf_gamma(const double *p, double x, double *complement)
{
    return gamma_cdf_of_ratio(x, p[1], p[0], complement);
}

static double log_density_gamma(const double *p, double x)
{
    return x == 0.0 ? at_zero(p[0], -log(p[1])) : gamma_log_slope_of_ratio(x, p[1], p[0]) - log(x);
}

static double quantile_inverse_gamma(const double *p, double u, double complement)
{
    const double t = mote_gamma_quantile(complement, u, p[0]);
    if (!(u > 0.0 && complement > 0.0))
        return p[1] / t;
    return inside(t > DBL_MIN ? p[1] / t : exp(log(p[1]) - log_quantile_below(complement, u, p[0])));
}

static double cdf_inverse_gamma(const double *p, double x, double *complement)
{
    double upper;
    *complement = gamma_cdf_of_ratio(p[1], x, p[0], &upper);
    return upper;
}

static double log_density_inverse_gamma(const double *p, double x)
{
    return isinf(p[1] / x) ? -INFINITY : gamma_log_slope_of_ratio(p[1], x, p[0]) - log(x);
}

static double quantile_student(const double *p, double u, double complement)
{
    const double x = p[1] + p[2] * mote_student_quantile(u, complement, p[0]);
    return u > 0.0 && complement > 0.0 ? fmin(fmax(x, -DBL_MAX), DBL_MAX) : x;
}

static double cdf_student(const double *p, double x, double *complement)
{
    return mote_student_cdf((x - p[1]) / p[2], p[0], complement);
}

static double log_density_student(const double *p, double x)
{
    const double s = fabs(x - p[1]) / p[2] / sqrt(p[0]);
    const double log_term = s < 1e100 ? log1p(s * s) : 2.0 * log(s);
    return -0.5 * log(p[0]) - mote_log_beta(0.5 * p[0], 0.5) - 0.5 * (p[0] + 1.0) * log_term - log(p[2]);
}

/* ---- the table, in the order of MOTE_PRIOR_LIST ---------------------------------------------------------------- */
#define FUNCTIONS(law) quantile_##law, cdf_##law, log_density_##law

static const mote_prior_row table[] = {
    { "uniform", "lower upper", 2, 0, check_uniform, FUNCTIONS(uniform), support_bounds },
    { "log_uniform", "lower upper", 2, 0, check_log_uniform, FUNCTIONS(log_uniform), support_bounds },
    { "normal", "mean sd", 2, 0, check_normal, FUNCTIONS(normal), support_real },
    { "truncated_normal", "mean sd lower upper", 4, 12, check_truncated, FUNCTIONS(truncated), support_cut },
    { "half_normal", "scale", 1, 0, check_scale, FUNCTIONS(half_normal), support_positive },
    { "half_cauchy", "scale", 1, 0, check_scale, FUNCTIONS(half_cauchy), support_positive },
    { "exponential", "mean", 1, 0, check_mean, FUNCTIONS(exponential), support_positive },
    { "beta", "a b", 2, 0, check_beta, FUNCTIONS(beta), support_unit },
    { "gamma", "shape scale", 2, 0, check_gamma, FUNCTIONS(gamma), support_positive },
    { "inverse_gamma", "shape scale", 2, 0, check_gamma, FUNCTIONS(inverse_gamma), support_positive },
    { "student", "degrees_of_freedom location scale", 3, 0, check_student, FUNCTIONS(student), support_real },
    { .name = "sorted", .arguments = "lower upper", .argument_count = 2, .check = check_uniform },
    { .name = "dirichlet", .arguments = "concentration", .argument_count = 1, .check = check_dirichlet },
    { .name = "conditional", .arguments = "" },
    { .name = "fixed", .arguments = "value", .argument_count = 1 },
    { .name = "derived", .arguments = "" },
};

const mote_prior_row *mote_prior_row_of(int64_t prior)
{
    return prior > 0 && prior <= (int64_t)(sizeof table / sizeof *table) ? &table[prior - 1] : NULL;
}
