/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Special functions and distribution functions: the only file that calls GSL (beside the generator wrapper).
 * Arguments are checked before GSL sees them, so that its process-wide handler is never reached. */
#ifndef MOTE_CORE_SPECIAL_H
#define MOTE_CORE_SPECIAL_H

#include <mote/base.h>

double mote_normal_cdf(double x, double *complement);              /* complement may be NULL, as below */
double mote_normal_quantile(double u, double complement);
double mote_gamma_cdf(double x, double shape, double *complement); /* scale 1 */
double mote_gamma_quantile(double u, double complement, double shape);
double mote_beta_cdf(double x, double a, double b, double *complement);
/* The quantile and 1 - quantile, both to full relative precision. */
double mote_beta_quantile(double u, double complement, double a, double b, double *one_minus);
double mote_student_cdf(double x, double degrees_of_freedom, double *complement);
double mote_student_quantile(double u, double complement, double degrees_of_freedom);
double mote_log_gamma(double x); /* x > 0 */

#endif
