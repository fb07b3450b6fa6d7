/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See problems.h. The quadratures are trapezoid rules on functions that vanish, or continue as even periodic
 * functions, at both ends: there the rule converges faster than any power of the step. */
#include "tests/support/problems.h"

#include <math.h>
#include <mote/status.h>
#include <stdio.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

static double square(double x)
{
    return x * x;
}

static double log_normal_density(double x, double mean, double sd)
{
    return -0.5 * square((x - mean) / sd) - log(sd) - 0.5 * log(2 * PI);
}

static double log_add(double a, double b)
{
    double high = fmax(a, b);
    return high == -INFINITY ? high : high + log1p(exp(fmin(a, b) - high));
}

/* Normal probability of [a, b]. */
static double normal_mass(double mean, double sd, double a, double b)
{
    return 0.5 * (erf((b - mean) / sd / sqrt(2)) - erf((a - mean) / sd / sqrt(2)));
}

static int eggbox(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    double base = 2 + cos(x[0] / 2) * cos(x[1] / 2);
    *log_likelihood = square(square(base)) * base;
    return 0;
}

static double eggbox_truth(const mote_problem *problem)
{
    (void)problem;
    enum { CELLS = 1000 };
    const double highest = 243;
    double sum = 0;
    for (int i = 0; i <= CELLS; ++i)
        for (int j = 0; j <= CELLS; ++j) {
            double x[2] = { 10 * PI * i / CELLS, 10 * PI * j / CELLS }, value;
            eggbox(NULL, x, &value, NULL);
            sum += exp(value - highest) * (i % CELLS ? 1 : 0.5) * (j % CELLS ? 1 : 0.5);
        }
    return highest + log(sum / CELLS / CELLS);
}

static const double SHELL_RADIUS = 2, SHELL_WIDTH = 0.1, SHELL_CENTRE = 3.5;

static int shells(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)derived;
    const mote_problem *problem = ctx;
    double rest = 0;
    for (int64_t i = 1; i < problem->dimension; ++i)
        rest += square(x[i]);
    double left = sqrt(square(x[0] + SHELL_CENTRE) + rest), right = sqrt(square(x[0] - SHELL_CENTRE) + rest);
    *log_likelihood = log_add(log_normal_density(left, SHELL_RADIUS, SHELL_WIDTH),
                              log_normal_density(right, SHELL_RADIUS, SHELL_WIDTH));
    return 0;
}

static double shells_truth(const mote_problem *problem)
{
    enum { CELLS = 20000 };
    double d = (double)problem->dimension, sum = 0, top = SHELL_RADIUS + 12 * SHELL_WIDTH;
    for (int i = 1; i < CELLS; ++i) {
        double r = top * i / CELLS;
        sum += exp((d - 1) * log(r / SHELL_RADIUS) + log_normal_density(r, SHELL_RADIUS, SHELL_WIDTH));
    }
    double log_radial = log(sum * top / CELLS) + (d - 1) * log(SHELL_RADIUS);
    double log_sphere = log(2) + d / 2 * log(PI) - lgamma(d / 2); /* area of the unit sphere */
    return log(2) + log_sphere + log_radial - d * log(12);
}

static int rosenbrock(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = -square(1 - x[0]) - 100 * square(x[1] - x[0] * x[0]);
    return 0;
}

/* The integral over y is a difference of error functions. */
static double rosenbrock_truth(const mote_problem *problem)
{
    (void)problem;
    enum { CELLS = 100000 };
    double sum = 0;
    for (int i = 0; i <= CELLS; ++i) {
        double x = -5 + 10.0 * i / CELLS;
        double inner = sqrt(PI / 100) * normal_mass(x * x, sqrt(1.0 / 200), -5, 5);
        sum += exp(-square(1 - x)) * inner;
    }
    return log(sum * 10 / CELLS / 100);
}

static int himmelblau(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = -square(x[0] * x[0] + x[1] - 11) - square(x[0] + x[1] * x[1] - 7);
    return 0;
}

static double himmelblau_truth(const mote_problem *problem)
{
    (void)problem;
    enum { CELLS = 1000 };
    double sum = 0;
    for (int i = 0; i <= CELLS; ++i)
        for (int j = 0; j <= CELLS; ++j) {
            double x[2] = { -5 + 10.0 * i / CELLS, -5 + 10.0 * j / CELLS }, value;
            himmelblau(NULL, x, &value, NULL);
            sum += exp(value);
        }
    return log(sum / CELLS / CELLS);
}

static int gauss(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)derived;
    const mote_problem *problem = ctx;
    double sum = square(x[0] - problem->centre);
    for (int64_t i = 1; i < problem->dimension; ++i)
        sum += square(x[i] - 0.5);
    *log_likelihood = -50 * sum + (double)problem->dimension * (log(10) - 0.5 * log(2 * PI));
    return 0;
}

static double gauss_truth(const mote_problem *problem)
{
    return (double)problem->dimension * log(normal_mass(0.5, 0.1, 0, 1));
}

static const double CORRELATION = 0.95;

/* C^-1 = (I - rho/(1 + (D-1) rho) 11') / (1 - rho);  det C = (1-rho)^(D-1) (1 + (D-1) rho). */
static int equicorr(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)derived;
    const mote_problem *problem = ctx;
    double d = (double)problem->dimension, squares = 0, sum = 0, whole = 1 + (d - 1) * CORRELATION;
    for (int64_t i = 0; i < problem->dimension; ++i) {
        squares += square(x[i]);
        sum += x[i];
    }
    double form = (squares - CORRELATION / whole * sum * sum) / (1 - CORRELATION);
    double log_determinant = (d - 1) * log(1 - CORRELATION) + log(whole);
    *log_likelihood = -0.5 * (form + log_determinant + d * log(2 * PI));
    return 0;
}

static double equicorr_truth(const mote_problem *problem)
{
    return -(double)problem->dimension * log(20); /* the box reaches 10 sd on every axis */
}

static const double LOG_GAMMA_SCALE = 1.0 / 30;

static double log_gamma_density(double x, double place)
{
    double y = (x - place) / LOG_GAMMA_SCALE;
    return y - exp(y) - log(LOG_GAMMA_SCALE);
}

static double log_gamma_mass(double place) /* of [0, 1] */
{
    return exp(-exp(-place / LOG_GAMMA_SCALE)) - exp(-exp((1 - place) / LOG_GAMMA_SCALE));
}

static int64_t log_gamma_count(const mote_problem *problem) /* of log-gamma axes after the first two */
{
    return (problem->dimension - 2) / 2;
}

static int loggamma(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)derived;
    const mote_problem *problem = ctx;
    const double low = 1.0 / 3, high = 2.0 / 3, sd = LOG_GAMMA_SCALE;
    double sum = 2 * log(0.5) + log_add(log_gamma_density(x[0], low), log_gamma_density(x[0], high)) +
                 log_add(log_normal_density(x[1], low, sd), log_normal_density(x[1], high, sd));
    for (int64_t i = 2; i < problem->dimension; ++i)
        sum += i < 2 + log_gamma_count(problem) ? log_gamma_density(x[i], high) : log_normal_density(x[i], high, sd);
    *log_likelihood = sum;
    return 0;
}

static double loggamma_truth(const mote_problem *problem)
{
    const double low = 1.0 / 3, high = 2.0 / 3, sd = LOG_GAMMA_SCALE;
    double gammas = (double)log_gamma_count(problem), normals = (double)problem->dimension - 2 - gammas;
    return log((log_gamma_mass(low) + log_gamma_mass(high)) / 2) +
           log((normal_mass(low, sd, 0, 1) + normal_mass(high, sd, 0, 1)) / 2) + gammas * log(log_gamma_mass(high)) +
           normals * log(normal_mass(high, sd, 0, 1));
}

static int spike(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)derived;
    const mote_problem *problem = ctx;
    double wide = 0, narrow = log(100);
    for (int64_t i = 0; i < problem->dimension; ++i) {
        wide += log_normal_density(x[i], 0, 0.1);
        narrow += log_normal_density(x[i], 0, 0.01);
    }
    *log_likelihood = log_add(wide, narrow);
    return 0;
}

static double spike_truth(const mote_problem *problem)
{
    double d = (double)problem->dimension;
    return log(pow(normal_mass(0, 0.1, -0.5, 0.5), d) + 100 * pow(normal_mass(0, 0.01, -0.5, 0.5), d));
}

static double rastrigin_axis(double x)
{
    return -(10 + x * x - 10 * cos(2 * PI * x));
}

static int rastrigin(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)derived;
    const mote_problem *problem = ctx;
    double sum = 0;
    for (int64_t i = 0; i < problem->dimension; ++i)
        sum += rastrigin_axis(x[i]);
    *log_likelihood = sum;
    return 0;
}

static double rastrigin_truth(const mote_problem *problem)
{
    enum { CELLS = 200000 };
    double sum = 0;
    for (int i = 0; i <= CELLS; ++i)
        sum += exp(rastrigin_axis(-5.12 + 10.24 * i / CELLS));
    return (double)problem->dimension * log(sum / CELLS);
}

/* Between cube i and cube i+1: the radius of cube i, at which log L = -r^2 / (2 0.4^2). */
static double cake_level(int64_t i, int64_t d)
{
    double radius = 0.5 * exp2(-(double)i / (double)d);
    return -0.5 * square(radius / 0.4);
}

static int cake(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)derived;
    const mote_problem *problem = ctx;
    double radius = 0;
    for (int64_t i = 0; i < problem->dimension; ++i)
        radius = fmax(radius, fabs(x[i] - 0.5));
    double layer = radius > 0 ? floor(-(double)problem->dimension * log2(2 * radius)) : 1000;
    *log_likelihood = cake_level((int64_t)fmin(fmax(layer, 0), 1000), problem->dimension);
    return 0;
}

static double cake_truth(const mote_problem *problem)
{
    double sum = 0;
    for (int64_t i = 200; i >= 0; --i)
        sum += exp2(-(double)(i + 1)) * exp(cake_level(i, problem->dimension));
    return log(sum);
}

static int half_empty(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    if (x[0] < 0.5) {
        *log_likelihood = -INFINITY;
        return 0;
    }
    return gauss(ctx, x, log_likelihood, derived);
}

static double half_empty_truth(const mote_problem *problem)
{
    return log(normal_mass(0.75, 0.1, 0.5, 1)) +
           (double)(problem->dimension - 1) * log(normal_mass(0.5, 0.1, 0, 1));
}

/* Six points of a straight line, prior b ~ N(0, diag(4, 1)), noise sd 0.5. */
enum { REGRESSION_POINTS = 6, REGRESSION_TERMS = 2 };
static const double REGRESSION_X[REGRESSION_POINTS] = { -1.5, -0.9, -0.2, 0.4, 1.1, 1.8 };
static const double REGRESSION_Y[REGRESSION_POINTS] = { 0.2, 0.9, 1.1, 2.2, 2.4, 3.9 };
static const double REGRESSION_SD[REGRESSION_TERMS] = { 2, 1 }, REGRESSION_NOISE = 0.5;

static int regression(void *ctx, const double *b, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    double sum = 0;
    for (int i = 0; i < REGRESSION_POINTS; ++i)
        sum += log_normal_density(REGRESSION_Y[i], b[0] + b[1] * REGRESSION_X[i], REGRESSION_NOISE);
    *log_likelihood = sum;
    return 0;
}

/* log N(y; 0, X S X' + V) by a Cholesky factorisation written out. */
static double regression_truth(const mote_problem *problem)
{
    (void)problem;
    double lower[REGRESSION_POINTS][REGRESSION_POINTS] = { { 0 } }, z[REGRESSION_POINTS], form = 0, log_root = 0;
    for (int i = 0; i < REGRESSION_POINTS; ++i) {
        for (int j = 0; j <= i; ++j) {
            double sum = square(REGRESSION_SD[0]) + square(REGRESSION_SD[1]) * REGRESSION_X[i] * REGRESSION_X[j] +
                         (i == j ? square(REGRESSION_NOISE) : 0);
            for (int k = 0; k < j; ++k)
                sum -= lower[i][k] * lower[j][k];
            lower[i][j] = i == j ? sqrt(sum) : sum / lower[j][j];
        }
        z[i] = REGRESSION_Y[i];
        for (int k = 0; k < i; ++k)
            z[i] -= lower[i][k] * z[k];
        z[i] /= lower[i][i];
        form += square(z[i]);
        log_root += log(lower[i][i]);
    }
    return -0.5 * form - log_root - 0.5 * REGRESSION_POINTS * log(2 * PI);
}

static int constant(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    (void)ctx, (void)x, (void)derived;
    *log_likelihood = -3;
    return 0;
}

static double constant_truth(const mote_problem *problem)
{
    (void)problem;
    return -3;
}

static const struct row {
    const char *name;
    int64_t dimension; /* 0: any */
    double lower, upper;
    int (*log_likelihood)(void *ctx, const double *theta, double *log_likelihood, double *derived);
    double (*truth)(const mote_problem *problem);
} TABLE[] = {
    { "eggbox", 2, 0, 31.415926535897932, eggbox, eggbox_truth },
    { "shells", 0, -6, 6, shells, shells_truth },
    { "rosenbrock", 2, -5, 5, rosenbrock, rosenbrock_truth },
    { "himmelblau", 2, -5, 5, himmelblau, himmelblau_truth },
    { "gauss", 0, 0, 1, gauss, gauss_truth },
    { "equicorr", 0, -10, 10, equicorr, equicorr_truth },
    { "loggamma", 0, 0, 1, loggamma, loggamma_truth },
    { "spike", 0, -0.5, 0.5, spike, spike_truth },
    { "rastrigin", 0, -5.12, 5.12, rastrigin, rastrigin_truth },
    { "cake", 0, 0, 1, cake, cake_truth },
    { "half_empty", 0, 0, 1, half_empty, half_empty_truth },
    { "regression", 2, 0, 0, regression, regression_truth },
    { "constant", 0, 0, 1, constant, constant_truth },
};
enum { PROBLEMS = sizeof TABLE / sizeof *TABLE };

const char *mote_problem_name(int64_t index)
{
    return index >= 0 && index < PROBLEMS ? TABLE[index].name : NULL;
}

static const struct row *find(const char *name)
{
    for (int i = 0; i < PROBLEMS; ++i)
        if (strcmp(TABLE[i].name, name) == 0)
            return &TABLE[i];
    return NULL;
}

static void fill_parameters(mote_problem *problem, const struct row *row)
{
    for (int64_t i = 0; i < problem->dimension; ++i) {
        mote_parameter *parameter = &problem->parameters[i];
        snprintf(problem->names[i], sizeof problem->names[i], "x%d", (int)i + 1);
        *parameter = (mote_parameter){ .name = problem->names[i], .argument = { row->lower, row->upper },
                                       .prior = MOTE_PRIOR_UNIFORM };
        if (row->lower == row->upper) { /* the regression */
            parameter->prior = MOTE_PRIOR_NORMAL;
            parameter->argument[1] = REGRESSION_SD[i];
        }
    }
}

int mote_problem_open(mote_problem *problem, const char *name, int64_t dimension)
{
    const struct row *row = find(name);
    memset(problem, 0, sizeof *problem);
    if (!row || dimension < 0 || dimension > MOTE_PROBLEM_DIMENSIONS ||
        (row->dimension && dimension && dimension != row->dimension))
        return MOTE_EINVAL;
    problem->dimension = row->dimension ? row->dimension : dimension ? dimension : 2;
    if (row->log_likelihood == loggamma && (problem->dimension < 2 || problem->dimension % 2))
        return MOTE_EINVAL;
    problem->centre = row->log_likelihood == half_empty ? 0.75 : 0.5;
    fill_parameters(problem, row);
    problem->target = (mote_target){ MOTE_VERSIONED(mote_target), .parameters = problem->parameters,
                                     .parameter_count = problem->dimension, .parameter_size = sizeof(mote_parameter),
                                     .log_likelihood_point = row->log_likelihood, .ctx = problem,
                                     .name = row->name, .identity = row->name, .flags = MOTE_THREADSAFE };
    problem->log_evidence = row->truth(problem);
    return MOTE_OK;
}
