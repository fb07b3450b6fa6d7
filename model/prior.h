/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of priors: one row per kind. A new prior is one line in MOTE_PRIOR_LIST and one row in prior_table.c. */
#ifndef MOTE_MODEL_PRIOR_H
#define MOTE_MODEL_PRIOR_H

#include <mote/parameter.h>

typedef struct mote_prior_row {
    const char *name, *arguments;
    int argument_count;
    int infinite; /* bit i: argument i may be infinite */
    const char *(*check)(const double *p); /* NULL, or what is wrong; arguments are numbers already */
    double (*quantile)(const double *p, double u, double complement);
    double (*cdf)(const double *p, double x, double *complement); /* x inside the support */
    double (*log_density)(const double *p, double x);             /* x in the closed support */
    void (*support)(const double *p, double *lower, double *upper);
} mote_prior_row;

/* NULL for an unknown kind. Kinds without a law of one dimension have no functions beside `check`. */
const mote_prior_row *mote_prior_row_of(int64_t prior);

/* d log density / dx inside the support; NaN for kinds without a law of one dimension. */
double mote_prior_log_slope(const mote_parameter *parameter, double x);

/* log(upper / lower), 0 < lower < upper, also for narrow and for huge ranges. */
double mote_log_ratio(double lower, double upper);

/* The two quantiles that the compiled parameter space inlines; the same bits as mote_prior_quantile. */
static inline double mote_uniform_quantile(double lower, double width, double upper, double u)
{
    const double x = lower + u * width;
    return x > upper ? upper : x; /* rounding can pass the end by one unit */
}

double mote_log_uniform_quantile(double lower, double log_ratio, double upper, double u);

#endif
