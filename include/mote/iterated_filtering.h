/* SPDX-License-Identifier: BSD-2-Clause */
/* Iterated filtering (IF2; Ionides, Nguyen, Atchade, Stoev and King 2015): maximum likelihood of a state-space model that
 * can only be simulated forward and weighed. */
#ifndef MOTE_ITERATED_FILTERING_H
#define MOTE_ITERATED_FILTERING_H

#include <mote/filter.h>

MOTE_BEGIN

#define MOTE_ITERATED_FILTERING_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                   \
    MOTE_PARTICLE_OPTIONS(INTEGER, REAL, CHOICE, TEXT)                                                                 \
    INTEGER(passes, 50, "passes", 1, 1000000, "passes through the series")                                             \
    REAL(cooling, 0.5, "", 1e-9, 1, "what is left of the perturbations after 50 passes")                               \
    REAL(perturbation, 0.02, "", 1e-12, 1e6, "standard deviation of one step of each parameter, on the real line")     \
    TEXT(perturbations, NULL, "other sizes for some parameters, 0: it stays at its start: \"rho 0.01 sigma 0\"")       \
    TEXT(initial_parameters, NULL, "parameters that act at the first time only and are perturbed there alone")         \
    INTEGER(evaluations, 10, "filters", 2, 100000, "plain filters that evaluate the likelihood at the end point")

typedef struct mote_iterated_filtering_options {
    mote_head head;
    const mote_hooks *hooks;
    MOTE_OPTION_FIELDS(MOTE_RUN_OPTIONS)
    MOTE_OPTION_FIELDS(MOTE_ITERATED_FILTERING_OPTIONS)
    const double *start; /* values of all non-derived parameters; NULL: prior medians */
} mote_iterated_filtering_options;

/* The algorithm. The model is a mote_ssm that carries its series and has a parameter that is not fixed. Draws: the last
 * swarm of parameters, equally weighted; log_likelihood and the results "log_likelihood" and "log_likelihood_error" are
 * those of the end point, by plain filters. The passes draw from the transition: the options proposal, look_ahead and
 * points are those of the plain filters. */
MOTE_API extern const mote_algorithm *const mote_iterated_filtering;

/* The record: after pass m (from 0), the log-evidence of the perturbed model, and the point: the swarm's mean on the real
 * line, in physical units, all non-derived parameters in declared order (either may be NULL). MOTE_EINVAL for a pass that
 * has not been. */
MOTE_API int mote_iterated_filtering_record(const mote_run *run, int64_t pass, double *log_evidence, double *theta);

MOTE_END
#endif
