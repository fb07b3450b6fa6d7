/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State-space models with exact answers, for the law tests of particle methods: the cases of
 * tests/support/state_space_reference.h as models of the library, whole or cut to their first observations, with log Z,
 * E[x_t^2 | y_0..t] at the last time, and E[H | y] for an additive functional H: sum x_{t-1} x_t (case T: its own). The
 * answers come from quadrature (tests/support/quadrature_filter.h) or from sums over the states, never from a filter;
 * the log-likelihood of a whole case must be the published one to 1e-9, or the case does not open. */
#ifndef MOTE_TESTS_SMC_CASES_H
#define MOTE_TESTS_SMC_CASES_H

#include <mote/ssm.h>

enum { SMC_CASE_TIMES = 200 };

typedef struct smc_case {
    const char *name;
    mote_ssm model;
    mote_series series;
    double values[SMC_CASE_TIMES];
    double log_evidence, filtered_square, functional;
    /* x' = mean(x) + sd N(0, 1), x_0 ~ N(initial_mean, initial_sd^2) (initial_sd 0: known) */
    double (*mean)(double x);
    double (*log_potential)(const struct smc_case *c, int64_t t, double x);
    double sd, initial_mean, initial_sd;
    double lower, upper; /* of the quadrature */
    int64_t panels;
} smc_case;

/* "A", "B", "C", "D", "E", "G", "I", "T", cut to `times` observations (0: all). 0, or -1 with a line on standard error.
 * The model points into the case, which must stay where it is. */
int smc_case_open(smc_case *c, const char *name, int64_t times);

/* h_t of the functional; previous is NaN at t = 0. */
double smc_case_term(const smc_case *c, int64_t t, double previous, double x);

/* Case A with these parameters of the transition, times beyond 50 by its formula (up to SMC_CASE_TIMES), its law of
 * x_0. */
int smc_case_open_a(smc_case *c, double rho, int64_t times);

#endif
