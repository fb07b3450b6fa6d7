/* SPDX-License-Identifier: BSD-2-Clause */
/* The result of any run: weighted draws in named columns. */
#ifndef MOTE_DRAWS_H
#define MOTE_DRAWS_H

#include <mote/base.h>
#include <mote/parameter.h>
#include <mote/source.h>

MOTE_BEGIN

typedef struct mote_draws mote_draws;

/* Rows and parameters. Parameters are those of the model in declared order without the fixed ones: sampled first,
 * derived last; `derived` of a parameter is 1 or 0. */
MOTE_API int64_t mote_draws_count(const mote_draws *draws);
MOTE_API int64_t mote_draws_parameter_count(const mote_draws *draws);
MOTE_API const mote_parameter *mote_draws_parameter(const mote_draws *draws, int64_t index); /* NULL out of range */
MOTE_API int64_t mote_draws_find(const mote_draws *draws, const char *name);                 /* -1: no such one */

/* Columns of mote_draws_count() values; NULL where the algorithm has no such column. */
MOTE_API const double *mote_draws_column(const mote_draws *draws, int64_t parameter);
MOTE_API const double *mote_draws_log_weight(const mote_draws *draws); /* normalised: the weights sum to 1 */
MOTE_API const double *mote_draws_log_likelihood(const mote_draws *draws);
MOTE_API const double *mote_draws_log_prior(const mote_draws *draws);  /* density in physical units */
MOTE_API const double *mote_draws_birth(const mote_draws *draws);      /* nested sampling: logL at the birth contour */
MOTE_API const double *mote_draws_live_count(const mote_draws *draws); /* nested sampling: live points at the death */
MOTE_API const double *mote_draws_chain(const mote_draws *draws);      /* chain id, or thread id of nested sampling */

/* Log-evidence and its standard error; NaN where the algorithm has none. */
MOTE_API double mote_draws_log_evidence(const mote_draws *draws);
MOTE_API double mote_draws_log_evidence_error(const mote_draws *draws);

/* (sum w)^2 / sum w^2 (Kish); of draws along Markov chains that of the column with the most autocorrelation (Geyer's
 * initial monotone sequence), which counts how many independent draws would do as well. A column in which no chain ever
 * moved counts as one draw for each chain, unless it is derived. */
MOTE_API double mote_draws_effective_sample_size(const mote_draws *draws);

/* Weighted summaries of any column of `count` values. Quantiles use the mid-point distribution function with linear
 * interpolation between draws; the highest-density interval is the shortest that holds the mass. */
typedef struct mote_summary {
    mote_head head;
    double mean, sd;
    double median;
    double lower_68, upper_68;         /* quantiles 0.158655 and 0.841345 */
    double lower_95, upper_95;         /* quantiles 0.022750 and 0.977250 */
    double shortest_lower_68, shortest_upper_68;
    double shortest_lower_95, shortest_upper_95;
    double minimum, maximum;
    double best;                       /* value at the highest likelihood */
    double monte_carlo_error;          /* of the mean: sd / sqrt(effective sample size of the column) */
} mote_summary;

/* Of one parameter, by its index (mote_draws_find). NaN and MOTE_EINVAL for an index out of range. `shortest_interval`
 * gives the shortest interval that holds `mass`, 0 to 1; `covariance` is weighted. */
MOTE_API int mote_draws_summary(const mote_draws *draws, int64_t parameter, mote_summary *summary);
MOTE_API double mote_draws_quantile(const mote_draws *draws, int64_t parameter, double probability);
MOTE_API int mote_draws_shortest_interval(const mote_draws *draws, int64_t parameter, double mass, double *lower,
                                          double *upper);
MOTE_API double mote_draws_covariance(const mote_draws *draws, int64_t first, int64_t second);

/* Equal-weight resampling (systematic) of `n` rows: fills `index` with row numbers, ascending. */
MOTE_API int mote_draws_resample(const mote_draws *draws, mote_source *source, int64_t n, int64_t *index);

/* Evidence arithmetic: log(e^a + e^b), log(e^a - e^b), log(e^v1 + ... + e^vn). */
MOTE_API double mote_log_add(double a, double b);
MOTE_API double mote_log_subtract(double a, double b); /* NaN when b > a */
MOTE_API double mote_log_sum(const double *values, int64_t n);

/* The evidence of one run, and of what:
 *     mote_evidence_estimate e = { MOTE_VERSIONED(mote_evidence_estimate), mote_draws_log_evidence(draws),
 *                                  mote_draws_log_evidence_error(draws), target.identity }; */
typedef struct mote_evidence_estimate {
    mote_head head;
    double log_evidence, log_evidence_error; /* nats; an error of NaN: unknown */
    const char *identity; /* of likelihood and data (mote_target, mote_ssm); NULL or "": unknown, and equal to nothing */
} mote_evidence_estimate;

/* The Bayes factor of two independent runs: log B = log Z_first - log Z_second, with the error
 * sqrt(error_first^2 + error_second^2). Two evidences say something of two models only when likelihood and data are the
 * same. With `unchecked` = 0, MOTE_EIDENTITY when they are not, or when an identity is unknown; 1: they are not compared.
 * MOTE_EINVAL when an evidence is NaN, or both are zero. Both numbers are NaN after an error; `error` may be NULL. */
MOTE_API int mote_log_bayes_factor(const mote_evidence_estimate *first, const mote_evidence_estimate *second,
                                   int64_t unchecked, double *log_factor, double *error);

MOTE_END
#endif
