/* SPDX-License-Identifier: BSD-2-Clause */
/* Parameters of a model: names, labels, units, priors.
 *
 *     const mote_parameter parameters[] = {
 *         MOTE_UNIFORM("omega_m", 0.1, 0.5, .label = "\\Omega_m"),
 *         MOTE_NORMAL("h", 0.70, 0.05),
 *         MOTE_FIXED("neff", 3.046),
 *         MOTE_DERIVED("age", .unit = "Gyr"),
 *     };
 *
 * Sampled and fixed parameters, in declared order and physical units, form the row `theta` that a likelihood sees;
 * derived ones are its outputs. Each prior has a map from the unit interval (its exact quantile function), a log
 * density and a transform to the real line (doc: priors).
 *
 * Groups. MOTE_SORTED parameters declared next to each other with the same bounds are one group in ascending order.
 * MOTE_DIRICHLET parameters declared next to each other are one group that sums to 1; the group has one unit-cube
 * coordinate less than it has members. `group` tells neighbouring groups apart. */
#ifndef MOTE_PARAMETER_H
#define MOTE_PARAMETER_H

#include <mote/base.h>

MOTE_BEGIN

/* X(NAME, "ini name", number of arguments, "arguments") */
#define MOTE_PRIOR_LIST(X)                                                          \
    X(UNIFORM, "uniform", 2, "lower upper")                                         \
    X(LOG_UNIFORM, "log_uniform", 2, "lower upper")                                 \
    X(NORMAL, "normal", 2, "mean sd")                                               \
    X(TRUNCATED_NORMAL, "truncated_normal", 4, "mean sd lower upper")               \
    X(HALF_NORMAL, "half_normal", 1, "scale")                                       \
    X(HALF_CAUCHY, "half_cauchy", 1, "scale")                                       \
    X(EXPONENTIAL, "exponential", 1, "mean")                                        \
    X(BETA, "beta", 2, "a b")                                                       \
    X(GAMMA, "gamma", 2, "shape scale")                                             \
    X(INVERSE_GAMMA, "inverse_gamma", 2, "shape scale")                             \
    X(STUDENT, "student", 3, "degrees_of_freedom location scale")                   \
    X(SORTED, "sorted", 2, "lower upper")                                           \
    X(DIRICHLET, "dirichlet", 1, "concentration")                                   \
    X(CONDITIONAL, "conditional", 0, "")                                            \
    X(FIXED, "fixed", 1, "value")                                                   \
    X(DERIVED, "derived", 0, "")

enum mote_prior {
    MOTE_PRIOR_NONE = 0,
#define MOTE_PRIOR_ENUMERATOR(name, text, count, arguments) MOTE_PRIOR_##name,
    MOTE_PRIOR_LIST(MOTE_PRIOR_ENUMERATOR)
#undef MOTE_PRIOR_ENUMERATOR
};

/* What lies beyond the ends of the prior's range. */
enum mote_boundary {
    MOTE_BOUNDARY_HARD = 0, /* nothing: the range ends */
    MOTE_BOUNDARY_PERIODIC, /* the other end: an angle */
    MOTE_BOUNDARY_REFLECTIVE
};

typedef struct mote_parameter {
    const char *name;   /* [A-Za-z_][A-Za-z0-9_]*, unique */
    const char *label;  /* LaTeX without the dollars; NULL: the name */
    const char *unit;   /* NULL: none */
    double argument[4]; /* of the prior, as in MOTE_PRIOR_LIST */
    int64_t boundary;   /* enum mote_boundary */
    int64_t speed;      /* class: 0 slow (the default), larger = cheaper to change; kept, no sampler uses it yet */
    int64_t group;      /* tells neighbouring sorted or Dirichlet groups apart; in draws of paths: the step */
    int64_t prior;      /* enum mote_prior */
} mote_parameter;

#define MOTE_PRIOR0_(name_, ...)             { .name = name_, __VA_ARGS__ }
#define MOTE_PRIOR1_(name_, a, ...)          { .name = name_, .argument = { a }, __VA_ARGS__ }
#define MOTE_PRIOR2_(name_, a, b, ...)       { .name = name_, .argument = { a, b }, __VA_ARGS__ }
#define MOTE_PRIOR3_(name_, a, b, c, ...)    { .name = name_, .argument = { a, b, c }, __VA_ARGS__ }
#define MOTE_PRIOR4_(name_, a, b, c, d, ...) { .name = name_, .argument = { a, b, c, d }, __VA_ARGS__ }

/* (name, arguments as in MOTE_PRIOR_LIST, .label = ..., .unit = ..., .boundary = ..., .speed = ...) */
#define MOTE_UNIFORM(...)          MOTE_PRIOR2_(__VA_ARGS__, .prior = MOTE_PRIOR_UNIFORM)
#define MOTE_LOG_UNIFORM(...)      MOTE_PRIOR2_(__VA_ARGS__, .prior = MOTE_PRIOR_LOG_UNIFORM)
#define MOTE_NORMAL(...)           MOTE_PRIOR2_(__VA_ARGS__, .prior = MOTE_PRIOR_NORMAL)
#define MOTE_TRUNCATED_NORMAL(...) MOTE_PRIOR4_(__VA_ARGS__, .prior = MOTE_PRIOR_TRUNCATED_NORMAL)
#define MOTE_HALF_NORMAL(...)      MOTE_PRIOR1_(__VA_ARGS__, .prior = MOTE_PRIOR_HALF_NORMAL)
#define MOTE_HALF_CAUCHY(...)      MOTE_PRIOR1_(__VA_ARGS__, .prior = MOTE_PRIOR_HALF_CAUCHY)
#define MOTE_EXPONENTIAL(...)      MOTE_PRIOR1_(__VA_ARGS__, .prior = MOTE_PRIOR_EXPONENTIAL)
#define MOTE_BETA(...)             MOTE_PRIOR2_(__VA_ARGS__, .prior = MOTE_PRIOR_BETA)
#define MOTE_GAMMA(...)            MOTE_PRIOR2_(__VA_ARGS__, .prior = MOTE_PRIOR_GAMMA)
#define MOTE_INVERSE_GAMMA(...)    MOTE_PRIOR2_(__VA_ARGS__, .prior = MOTE_PRIOR_INVERSE_GAMMA)
#define MOTE_STUDENT(...)          MOTE_PRIOR3_(__VA_ARGS__, .prior = MOTE_PRIOR_STUDENT)
#define MOTE_SORTED(...)           MOTE_PRIOR2_(__VA_ARGS__, .prior = MOTE_PRIOR_SORTED)
#define MOTE_DIRICHLET(...)        MOTE_PRIOR1_(__VA_ARGS__, .prior = MOTE_PRIOR_DIRICHLET)
#define MOTE_CONDITIONAL(...)      MOTE_PRIOR0_(__VA_ARGS__, .prior = MOTE_PRIOR_CONDITIONAL)
#define MOTE_FIXED(...)            MOTE_PRIOR1_(__VA_ARGS__, .prior = MOTE_PRIOR_FIXED)
#define MOTE_DERIVED(...)          MOTE_PRIOR0_(__VA_ARGS__, .prior = MOTE_PRIOR_DERIVED)

/* One-dimensional priors (all but SORTED, DIRICHLET, CONDITIONAL, FIXED and DERIVED). Source of the formulas: doc.
 * `u` and `complement` = 1 - u are both given, so that neither tail loses digits: |F(Q(u)) - u| is at most 1e-12, or what
 * the spacing of doubles at the quantile is worth. A quantile of gamma, inverse gamma or Student whose size is beyond the
 * normal doubles (gamma and inverse gamma of shape 0.01 and scale 1: once in 1200 draws) is the nearest of them,
 * DBL_MIN or DBL_MAX, and F is there on the right side of u. */
MOTE_API double mote_prior_quantile(const mote_parameter *parameter, double u, double complement);
MOTE_API double mote_prior_cdf(const mote_parameter *parameter, double x, double *complement);
MOTE_API double mote_prior_log_density(const mote_parameter *parameter, double x); /* -inf outside the support */

/* Support: lower and upper may be -inf and +inf. */
MOTE_API void mote_prior_support(const mote_parameter *parameter, double *lower, double *upper);

/* The transform to the real line: x from y with log |dx/dy|, and y from x. Logit between two bounds, logarithm above
 * one, identity without (Stan reference manual, "Constraint transforms"). */
MOTE_API double mote_prior_constrain(const mote_parameter *parameter, double y, double *log_jacobian);
MOTE_API double mote_prior_unconstrain(const mote_parameter *parameter, double x);

/* MOTE_OK, or a status with the reason in `message`: bounds reversed, sd not positive, argument not finite... */
MOTE_API int mote_prior_check(const mote_parameter *parameter, char *message, size_t size);

/* "uniform" <-> MOTE_PRIOR_UNIFORM; NULL and MOTE_PRIOR_NONE for what is unknown. */
MOTE_API const char *mote_prior_name(int64_t prior);
MOTE_API int64_t mote_prior_from_name(const char *name);

/* The parameters of a target or of a state-space model: an array of known length. */
#define MOTE_PARAMETERS(array)                                                \
    .parameters = (array), .parameter_count = sizeof(array) / sizeof *(array), \
    .parameter_size = sizeof(mote_parameter)

MOTE_END
#endif
