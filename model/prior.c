/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The public functions of mote/parameter.h: look up the kind's row in model/prior_table.c and use it; the transform to
 * the real line follows from the support alone (Stan reference manual, "Constraint transforms"):
 *   two bounds  x = l + (u - l) / (1 + exp(-y)),  log |dx/dy| = log(u - l) - |y| - 2 log(1 + exp(-|y|))
 *   above l     x = l + exp(y);   below u   x = u - exp(y);   log |dx/dy| = y
 *   none        x = y. */
#include "model/prior.h"

#include "core/message.h"

#include <math.h>
#include <string.h>

double mote_prior_quantile(const mote_parameter *parameter, double u, double complement)
{
    const mote_prior_row *row = mote_prior_row_of(parameter->prior);
    return row && row->quantile ? row->quantile(parameter->argument, u, complement) : NAN;
}

double mote_prior_cdf(const mote_parameter *parameter, double x, double *complement)
{
    const mote_prior_row *row = mote_prior_row_of(parameter->prior);
    double lower, upper, value = NAN, rest = NAN;
    mote_prior_support(parameter, &lower, &upper);
    if (row && row->cdf && !isnan(x)) {
        value = x <= lower ? 0.0 : 1.0;
        rest = 1.0 - value;
        if (x > lower && x < upper)
            value = row->cdf(parameter->argument, x, &rest);
    }
    if (complement)
        *complement = rest;
    return value;
}

double mote_prior_log_density(const mote_parameter *parameter, double x)
{
    const mote_prior_row *row = mote_prior_row_of(parameter->prior);
    double lower, upper;
    if (!row || !row->log_density || isnan(x))
        return NAN;
    mote_prior_support(parameter, &lower, &upper);
    return x < lower || x > upper || isinf(x) ? -INFINITY : row->log_density(parameter->argument, x);
}

void mote_prior_support(const mote_parameter *parameter, double *lower, double *upper)
{
    const mote_prior_row *row = mote_prior_row_of(parameter->prior);
    *lower = *upper = NAN;
    if (row && row->support)
        row->support(parameter->argument, lower, upper);
}

double mote_prior_constrain(const mote_parameter *parameter, double y, double *log_jacobian)
{
    double lower, upper, x, log_slope = y;
    mote_prior_support(parameter, &lower, &upper);
    if (isinf(lower) && isinf(upper)) {
        x = y;
        log_slope = 0.0;
    } else if (isinf(upper)) {
        x = lower + exp(y);
    } else if (isinf(lower)) {
        x = upper - exp(y);
    } else {
        const double width = upper - lower, small = exp(-fabs(y));
        x = y < 0.0 ? lower + width * (small / (1.0 + small)) : upper - width * (small / (1.0 + small));
        log_slope = log(width) - fabs(y) - 2.0 * log1p(small);
    }
    if (log_jacobian)
        *log_jacobian = log_slope;
    return x;
}

double mote_prior_unconstrain(const mote_parameter *parameter, double x)
{
    double lower, upper;
    mote_prior_support(parameter, &lower, &upper);
    if (isinf(lower) && isinf(upper))
        return x;
    if (isinf(upper))
        return log(x - lower);
    return isinf(lower) ? log(upper - x) : log(x - lower) - log(upper - x);
}

int mote_prior_check(const mote_parameter *parameter, char *message, size_t size)
{
    const mote_prior_row *row = mote_prior_row_of(parameter->prior);
    const char *name = parameter->name ? parameter->name : "(no name)";
    if (!row)
        return mote_fail_text(message, size, MOTE_EINVAL, "parameter '%s': %s", name,
                              parameter->prior == MOTE_PRIOR_NONE ? "it has no prior"
                              : "its prior is of an unknown kind");
    for (int i = 0; i < row->argument_count; ++i)
        if (isnan(parameter->argument[i]) || (isinf(parameter->argument[i]) && !(row->infinite & 1 << i)))
            return mote_fail_text(message, size, MOTE_EINVAL, "parameter '%s': argument %d of %s (%s) is not finite",
                                  name, i + 1, row->name, row->arguments);
    const char *problem = row->check ? row->check(parameter->argument) : NULL;
    if (problem)
        return mote_fail_text(message, size, MOTE_EINVAL, "parameter '%s': %s: %s", name, row->name, problem);
    return MOTE_OK;
}

const char *mote_prior_name(int64_t prior)
{
    const mote_prior_row *row = mote_prior_row_of(prior);
    return row ? row->name : NULL;
}

int64_t mote_prior_from_name(const char *name)
{
    for (int64_t prior = 1; name && mote_prior_row_of(prior); ++prior)
        if (!strcmp(mote_prior_row_of(prior)->name, name))
            return prior;
    return MOTE_PRIOR_NONE;
}
