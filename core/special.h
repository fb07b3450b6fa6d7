/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Special functions and distribution functions: the only files that call GSL (beside the generator wrapper).
 * Arguments are checked before GSL sees them, so that its process-wide handler is never reached.
 *
 * Distribution functions return the lower tail and store the upper one in `complement` (may be NULL); both are good to
 * about 1e-13 relative for shapes from 0.01 to 1e6. NaN for arguments outside the domain.
 *
 * Quantiles take u and complement = 1 - u, solve for the smaller of the two, and satisfy |F(Q(u)) - u| <= 1e-12. Where
 * the true quantile has no normal double (gamma of shape 0.01: one draw in 1200 lies below DBL_MIN), the result
 * is the nearest of DBL_MIN and DBL_MAX, and |F(Q(u)) - u| may be as large as F(DBL_MIN); only u = 0 and complement = 0
 * give the ends of the support. So a draw from inside the unit interval always has a finite density. The priors of
 * model/ take the scale into account before they saturate. */
#ifndef MOTE_CORE_SPECIAL_H
#define MOTE_CORE_SPECIAL_H

#include <mote/base.h>

double mote_normal_cdf(double x, double *complement);
double mote_normal_quantile(double u, double complement);
double mote_half_normal_quantile(double u, double complement); /* of |Z| */

/* The standard normal law cut to [a, b] (a < b, either may be infinite), also where its mass underflows. */
double mote_normal_log_mass(double a, double b);
double mote_truncated_cdf(double x, double a, double b, double *complement);
double mote_truncated_quantile(double u, double complement, double a, double b);

double mote_gamma_cdf(double x, double shape, double *complement); /* scale 1 */
double mote_gamma_quantile(double u, double complement, double shape);

double mote_beta_cdf(double x, double a, double b, double *complement);
/* The same from x and 1 - x, both with full relative precision. */
double mote_beta_cdf_pair(double x, double one_minus, double a, double b, double *complement);
/* The quantile and 1 - quantile, both to full relative precision. */
double mote_beta_quantile(double u, double complement, double a, double b, double *one_minus);

double mote_student_cdf(double x, double degrees_of_freedom, double *complement);
double mote_student_quantile(double u, double complement, double degrees_of_freedom);

double mote_log_gamma(double x);               /* x > 0 */
double mote_log_beta(double a, double b);      /* log B(a, b); a, b > 0; relative to 1e-14 of its size or absolute */

/* log of x f(x) of the gamma law and of x (1 - x) f(x) of the beta law: the densities of log x and logit x. Nothing
 * cancels for large shapes. Arguments inside the support. */
double mote_gamma_log_slope(double x, double shape);
double mote_beta_log_slope(double x, double one_minus, double a, double b);

/* ---- parts that the files core/special*.c share ---------------------------------------------------------------- */
double mote_gamma_star(double x);              /* Gamma(x) e^x x^(1/2 - x) / sqrt(2 pi), x > 0: 1 for large x */
double mote_relative_entropy(double ratio, double excess); /* r - 1 - log r of r = ratio, excess = r - 1 exactly */

/* Upper tail by the uniform expansion (core/special_gamma.c) from coefficients f[0..MOTE_UNIFORM_TERMS-1]. */
enum { MOTE_UNIFORM_TERMS = 32 };
double mote_uniform_tail(double n, double zeta, double half_square, const double *f, double *complement);

#endif
