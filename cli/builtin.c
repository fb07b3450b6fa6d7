/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models that are linked in, written as plug-ins are: for first runs, for tests and to try options on.
 *
 *   gaussian    log L = -[d log 2 pi + log det C + (x-m)' C^-1 (x-m)]/2 with C = sd^2 [(1-r) I + r 11'], so that
 *               log det C = 2 d log sd + (d-1) log(1-r) + log(1+(d-1) r) and
 *               (x-m)' C^-1 (x-m) = [sum y^2 - r (sum y)^2/(1+(d-1) r)]/(1-r), y = (x-m)/sd
 *               flat prior on [lower, upper]^d: log Z = -d log(upper - lower) while the box holds all of it
 *   eggbox      log L = (2 + cos(x/2) cos(y/2))^5 on [0, 10 pi]^2: log Z = 235.856 (Feroz & Hobson 2008)
 *   rosenbrock  log L = -sum_i [100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2] on [-5, 5]^d: log Z = -5.804 for d = 2 */
#include "cli/builtin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIMENSIONS = 1000, NAME_SIZE = 16 };
#define PI 3.14159265358979323846

typedef struct example {
    mote_target target;
    int64_t dimension;
    double mean, sd, correlation, constant;
    double lower, upper;
    mote_parameter *parameters;
    char (*names)[NAME_SIZE];
} example;

static void release(void *ctx)
{
    example *problem = ctx;
    free(problem->parameters);
    free(problem->names);
    free(problem);
}

static int fail(const mote_host *host, int status, const char *reason)
{
    host->error(host->ctx, reason);
    return status;
}

/* d parameters x1, x2, ... with flat priors; the model owns the problem from here on. */
static int set_up(const mote_host *host, example *problem, mote_model *model)
{
    const int64_t d = problem->dimension;
    problem->parameters = calloc((size_t)d, sizeof *problem->parameters);
    problem->names = calloc((size_t)d, sizeof *problem->names);
    model->ctx = problem;
    model->release = release;
    if (!problem->parameters || !problem->names)
        return fail(host, MOTE_ENOMEM, mote_strerror(MOTE_ENOMEM));
    for (int64_t i = 0; i < d; ++i) {
        const mote_parameter parameter = MOTE_UNIFORM(problem->names[i], problem->lower, problem->upper);
        snprintf(problem->names[i], NAME_SIZE, "x%d", (int)(i + 1));
        problem->parameters[i] = parameter;
    }
    problem->target.parameters = problem->parameters;
    problem->target.parameter_count = d;
    problem->target.parameter_size = sizeof(mote_parameter);
    problem->target.ctx = problem;
    problem->target.flags = MOTE_THREADSAFE;
    model->target = &problem->target;
    return 0;
}

static example *create(const char *name, int (*likelihood)(void *, const double *, double *, double *))
{
    example *problem = calloc(1, sizeof *problem);
    const mote_target target = { MOTE_VERSIONED(mote_target), .name = name, .log_likelihood_point = likelihood };
    if (problem)
        problem->target = target;
    return problem;
}

/* ---- gaussian ------------------------------------------------------------------------------------------------- */

static int gaussian(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    const example *problem = ctx;
    double sum = 0, squares = 0;
    (void)derived;
    for (int64_t i = 0; i < problem->dimension; ++i) {
        const double y = (theta[i] - problem->mean) / problem->sd;
        sum += y;
        squares += y * y;
    }
    const double r = problem->correlation, spread = 1 + (double)(problem->dimension - 1) * r;
    *log_likelihood = problem->constant - 0.5 * (squares - r * sum * sum / spread) / (1 - r);
    return 0;
}

static int read_gaussian(const mote_host *host, const mote_config *section, example *problem, char *text, size_t size)
{
    int status = host->config_integer(section, "dimension", 2, &problem->dimension, text, size);
    status = status ? status : host->config_real(section, "mean", 0, &problem->mean, text, size);
    status = status ? status : host->config_real(section, "sd", 1, &problem->sd, text, size);
    status = status ? status : host->config_real(section, "correlation", 0, &problem->correlation, text, size);
    status = status ? status : host->config_real(section, "lower", -10, &problem->lower, text, size);
    status = status ? status : host->config_real(section, "upper", 10, &problem->upper, text, size);
    if (status)
        return fail(host, status, text);
    if (problem->dimension < 1 || problem->dimension > MOST_DIMENSIONS)
        return fail(host, MOTE_EOPTION, "dimension must lie in 1..1000");
    if (!(problem->sd > 0))
        return fail(host, MOTE_EOPTION, "sd must be positive");
    if (!(problem->correlation < 1 && 1 + (double)(problem->dimension - 1) * problem->correlation > 0))
        return fail(host, MOTE_EOPTION, "correlation must lie in (-1/(dimension-1), 1)");
    return MOTE_OK;
}

static int open_gaussian(const mote_host *host, const mote_config *section, mote_model *model)
{
    char text[400];
    example *problem = create("gaussian", gaussian);
    if (!problem)
        return fail(host, MOTE_ENOMEM, mote_strerror(MOTE_ENOMEM));
    int status = read_gaussian(host, section, problem, text, sizeof text);
    if (status) {
        release(problem);
        return status;
    }
    const double d = (double)problem->dimension, r = problem->correlation;
    problem->constant = -0.5 * (d * log(2 * PI) + 2 * d * log(problem->sd) + (d - 1) * log1p(-r) + log1p((d - 1) * r));
    return set_up(host, problem, model);
}

/* ---- eggbox and rosenbrock ------------------------------------------------------------------------------------ */

static int eggbox(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx;
    (void)derived;
    const double base = 2 + cos(theta[0] / 2) * cos(theta[1] / 2), square = base * base;
    *log_likelihood = square * square * base;
    return 0;
}

static int open_eggbox(const mote_host *host, const mote_config *section, mote_model *model)
{
    example *problem = create("eggbox", eggbox);
    (void)section;
    if (!problem)
        return fail(host, MOTE_ENOMEM, mote_strerror(MOTE_ENOMEM));
    problem->dimension = 2;
    problem->upper = 10 * PI;
    return set_up(host, problem, model);
}

static int rosenbrock(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    const example *problem = ctx;
    double sum = 0;
    (void)derived;
    for (int64_t i = 0; i + 1 < problem->dimension; ++i) {
        const double bend = theta[i + 1] - theta[i] * theta[i], slope = 1 - theta[i];
        sum += 100 * bend * bend + slope * slope;
    }
    *log_likelihood = -sum;
    return 0;
}

static int open_rosenbrock(const mote_host *host, const mote_config *section, mote_model *model)
{
    char text[400];
    example *problem = create("rosenbrock", rosenbrock);
    if (!problem)
        return fail(host, MOTE_ENOMEM, mote_strerror(MOTE_ENOMEM));
    int status = host->config_integer(section, "dimension", 2, &problem->dimension, text, sizeof text);
    if (!status && (problem->dimension < 2 || problem->dimension > MOST_DIMENSIONS)) {
        snprintf(text, sizeof text, "dimension must lie in 2..1000");
        status = MOTE_EOPTION;
    }
    if (status) {
        release(problem);
        return fail(host, status, text);
    }
    problem->lower = -5;
    problem->upper = 5;
    return set_up(host, problem, model);
}

static const mote_builtin builtins[] = {
    { "gaussian", "normal likelihood; [model] dimension, mean, sd, correlation, lower, upper", open_gaussian },
    { "eggbox", "18 equal peaks in two dimensions", open_eggbox },
    { "rosenbrock", "a thin curved ridge; [model] dimension", open_rosenbrock },
};

const mote_builtin *mote_builtin_at(int64_t index)
{
    return index >= 0 && index < (int64_t)(sizeof builtins / sizeof *builtins) ? &builtins[index] : NULL;
}

const mote_builtin *mote_builtin_find(const char *name)
{
    const mote_builtin *builtin;
    for (int64_t i = 0; (builtin = mote_builtin_at(i)); ++i)
        if (!strcmp(builtin->name, name))
            return builtin;
    return NULL;
}
