/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test problems as a plain shared object for samplers in other languages (bench/peers.py loads it with ctypes):
 * everybody pays the same for a likelihood. One problem at a time; rows are points of the unit cube or of the box. */
#include "tests/support/problems.h"

MOTE_API int bench_open(const char *name, int64_t dimension, double *log_evidence);
MOTE_API void bench_transform(const double *cube, double *theta, int64_t rows);
MOTE_API void bench_evaluate(const double *theta, double *log_likelihood, int64_t rows);
MOTE_API double bench_one(const double *theta);
MOTE_API int64_t bench_calls(void);

static mote_problem problem;
static int64_t calls;

int bench_open(const char *name, int64_t dimension, double *log_evidence)
{
    int status = mote_problem_open(&problem, name, dimension);
    *log_evidence = problem.log_evidence;
    calls = 0;
    return status;
}

void bench_transform(const double *cube, double *theta, int64_t rows)
{
    for (int64_t i = 0; i < rows * problem.dimension; ++i) {
        const double *box = problem.parameters[i % problem.dimension].argument;
        theta[i] = box[0] + (box[1] - box[0]) * cube[i];
    }
}

double bench_one(const double *theta)
{
    double value = 0;
    problem.target.log_likelihood_point(problem.target.ctx, theta, &value, 0);
    ++calls;
    return value;
}

void bench_evaluate(const double *theta, double *log_likelihood, int64_t rows)
{
    for (int64_t i = 0; i < rows; ++i)
        log_likelihood[i] = bench_one(theta + i * problem.dimension);
}

int64_t bench_calls(void)
{
    return calls;
}
