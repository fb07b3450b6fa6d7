/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/long/marginal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COARSE = 1000, RATIO = MARGINAL_CELLS / COARSE };

static double normal_below(double x, double sd)
{
    return 0.5 * erfc(-x / sd / sqrt(2));
}

/* Cube coordinate to parameter and back, for the two priors that the problems have. */
static double from_cube(const mote_parameter *parameter, double u)
{
    const double a = parameter->argument[0], b = parameter->argument[1];
    if (parameter->prior != MOTE_PRIOR_NORMAL)
        return a + u * (b - a);
    double low = a - 10 * b, high = a + 10 * b;
    for (int i = 0; i < 60; ++i) {
        double middle = (low + high) / 2;
        *(normal_below(middle - a, b) < u ? &low : &high) = middle;
    }
    return (low + high) / 2;
}

static double to_cube(const mote_parameter *parameter, double x)
{
    const double a = parameter->argument[0], b = parameter->argument[1];
    return parameter->prior == MOTE_PRIOR_NORMAL ? normal_below(x - a, b) : (x - a) / (b - a);
}

static double evaluate(mote_problem *problem, const double *theta)
{
    double value = -INFINITY;
    problem->target.log_likelihood_point(problem->target.ctx, theta, &value, NULL);
    return value;
}

/* Densities at cell middles, as logarithms, to masses below cell edges. */
static void accumulate(double *below, const double *log_density)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < MARGINAL_CELLS; ++i)
        most = fmax(most, log_density[i]);
    below[0] = 0;
    for (int i = 0; i < MARGINAL_CELLS; ++i)
        below[i + 1] = sum += exp(log_density[i] - most);
    for (int i = 0; i <= MARGINAL_CELLS; ++i)
        below[i] /= sum;
}

static void product(marginal *out, mote_problem *problem, double rest)
{
    static double log_density[MARGINAL_CELLS];
    double theta[MOTE_PROBLEM_DIMENSIONS];
    out->axes = problem->dimension;
    for (int64_t axis = 0; axis < out->axes; ++axis) {
        for (int64_t j = 0; j < problem->dimension; ++j)
            theta[j] = j ? rest : fmax(rest, problem->centre * (rest > 0));
        for (int i = 0; i < MARGINAL_CELLS; ++i) {
            theta[axis] = from_cube(&problem->parameters[axis], (i + 0.5) / MARGINAL_CELLS);
            log_density[i] = evaluate(problem, theta);
        }
        accumulate(out->below[axis], log_density);
    }
}

static void from_coarse(double *below, const double *mass)
{
    double total = 0, sum = 0;
    for (int i = 0; i < COARSE; ++i)
        total += mass[i];
    for (int i = 0; i < COARSE; ++i)
        for (int j = 0; j < RATIO; ++j) {
            below[i * RATIO + j] = (sum + mass[i] * j / RATIO) / total;
            if (j == RATIO - 1)
                sum += mass[i];
        }
    below[MARGINAL_CELLS] = 1;
}

/* Sums of exp(log L) weight over a grid of two coordinates; `radial` is the power of |y| that weighs. */
static void plane(marginal *out, mote_problem *problem, double radial)
{
    static double value[COARSE][COARSE], first[COARSE], second[COARSE], at[2][COARSE];
    double theta[MOTE_PROBLEM_DIMENSIONS] = { 0 }, most = -INFINITY;
    for (int axis = 0; axis < 2; ++axis)
        for (int i = 0; i < COARSE; ++i)
            at[axis][i] = from_cube(&problem->parameters[axis], (i + 0.5) / COARSE);
    for (int i = 0; i < COARSE; ++i)
        for (int j = 0; j < COARSE; ++j) {
            theta[0] = at[0][i], theta[1] = at[1][j];
            value[i][j] = evaluate(problem, theta) + (radial > 0 ? radial * log(fabs(at[1][j])) : 0);
            most = fmax(most, value[i][j]);
        }
    memset(first, 0, sizeof first), memset(second, 0, sizeof second);
    for (int i = 0; i < COARSE; ++i)
        for (int j = 0; j < COARSE; ++j) {
            first[i] += exp(value[i][j] - most);
            second[j] += exp(value[i][j] - most);
        }
    from_coarse(out->below[0], first);
    from_coarse(out->below[1], second);
    out->axes = radial > 0 ? 1 : 2;
}

static void normals(marginal *out, const mote_problem *problem, double narrow, double wide, double narrow_share)
{
    out->axes = problem->dimension;
    for (int64_t axis = 0; axis < out->axes; ++axis)
        for (int i = 0; i <= MARGINAL_CELLS; ++i) {
            double x = from_cube(&problem->parameters[axis], (double)i / MARGINAL_CELLS);
            out->below[axis][i] = narrow_share * normal_below(x, narrow) + (1 - narrow_share) * normal_below(x, wide);
        }
}

void marginal_compute(marginal *out, mote_problem *problem)
{
    const char *name = problem->target.name;
    out->axes = 0;
    if (problem->dimension > MARGINAL_AXES)
        return;
    if (!strcmp(name, "gauss") || !strcmp(name, "half_empty"))
        product(out, problem, 0.5);
    else if (!strcmp(name, "loggamma"))
        product(out, problem, 2.0 / 3);
    else if (!strcmp(name, "rastrigin"))
        product(out, problem, 0);
    else if (!strcmp(name, "equicorr"))
        normals(out, problem, 1, 1, 0);
    else if (!strcmp(name, "spike"))
        normals(out, problem, 0.01, 0.1, 100.0 / 101);
    else if (!strcmp(name, "shells") && problem->dimension > 2)
        plane(out, problem, (double)(problem->dimension - 2));
    else if (problem->dimension == 2)
        plane(out, problem, 0);
}

/* ---- agreement --------------------------------------------------------------------------------------------------- */

typedef struct weighted {
    double u, weight;
} weighted;

static int by_place(const void *a, const void *b)
{
    double x = ((const weighted *)a)->u, y = ((const weighted *)b)->u;
    return (x > y) - (x < y);
}

static double truth_below(const double *below, double u)
{
    double place = fmin(fmax(u, 0), 1) * MARGINAL_CELLS;
    int cell = place < MARGINAL_CELLS ? (int)place : MARGINAL_CELLS - 1;
    return below[cell] + (place - cell) * (below[cell + 1] - below[cell]);
}

static double distance(const double *below, weighted *points, int64_t n)
{
    double sum = 0, most = 0;
    qsort(points, (size_t)n, sizeof *points, by_place);
    for (int64_t i = 0; i < n; ++i) {
        double truth = truth_below(below, points[i].u);
        most = fmax(most, fabs(sum - truth));
        sum += points[i].weight;
        most = fmax(most, fabs(sum - truth));
    }
    return most;
}

/* Kolmogorov's limit with the correction of Stephens 1970 for finite n. */
static double kolmogorov(double d, double n)
{
    double x = (sqrt(n) + 0.12 + 0.11 / sqrt(n)) * d, sum = 0;
    if (x < 0.2)
        return 1;
    for (int k = 1; k <= 50; ++k)
        sum += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    return fmin(fmax(sum, 0), 1);
}

double marginal_p_value(const marginal *truth, const mote_problem *problem, const mote_draws *draws)
{
    int64_t n = mote_draws_count(draws);
    const double *log_weight = mote_draws_log_weight(draws);
    weighted *points = malloc((size_t)n * sizeof *points);
    double least = 1;
    for (int64_t axis = 0; points && axis < truth->axes; ++axis) {
        const double *column = mote_draws_column(draws, axis);
        for (int64_t i = 0; i < n; ++i)
            points[i] = (weighted){ to_cube(&problem->parameters[axis], column[i]), exp(log_weight[i]) };
        least = fmin(least, kolmogorov(distance(truth->below[axis], points, n),
                                       mote_draws_effective_sample_size(draws)));
    }
    free(points);
    return truth->axes && points ? -expm1((double)truth->axes * log1p(-fmin(least, 1 - 1e-16))) : NAN;
}

static double quantile(const double *below, double p)
{
    int cell = 0;
    while (cell < MARGINAL_CELLS - 1 && below[cell + 1] < p)
        ++cell;
    double height = below[cell + 1] - below[cell];
    return (cell + (height > 0 ? (p - below[cell]) / height : 0.5)) / MARGINAL_CELLS;
}

void marginal_deviations(const marginal *truth, const mote_problem *problem, const mote_draws *draws, double *out)
{
    static const double at[MARGINAL_QUANTILES] = { 0.1, 0.5, 0.9 };
    const int64_t n = mote_draws_count(draws), shown = truth->axes < MARGINAL_SHOWN ? truth->axes : MARGINAL_SHOWN;
    const double *log_weight = mote_draws_log_weight(draws);
    for (int i = 0; i < MARGINAL_SHOWN * MARGINAL_QUANTILES; ++i)
        out[i] = NAN;
    for (int64_t k = 0; k < shown; ++k) {
        const int64_t axis = k + 1 < shown ? k : truth->axes - 1;
        const double *column = mote_draws_column(draws, axis);
        for (int j = 0; j < MARGINAL_QUANTILES; ++j) {
            double u = quantile(truth->below[axis], at[j]), sum = 0;
            for (int64_t i = 0; i < n; ++i)
                sum += to_cube(&problem->parameters[axis], column[i]) < u ? exp(log_weight[i]) : 0;
            out[k * MARGINAL_QUANTILES + j] = sum - at[j];
        }
    }
}
