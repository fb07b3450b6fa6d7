/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Test problems whose evidence is known: by a closed form, or by quadrature done here at open (never by a stored
 * number). Flat prior on a box, so that log Z includes the prior volume; `regression` has a normal prior.
 *
 *     eggbox      (2 + cos(x/2) cos(y/2))^5 on [0, 10 pi]^2: 18 modes
 *     shells      two shells of radius 2 and width 0.1 with centres x1 = +-3.5, on [-6, 6]^D
 *     rosenbrock  -(1-x)^2 - 100 (y-x^2)^2 on [-5, 5]^2
 *     himmelblau  -(x^2+y-11)^2 - (x+y^2-7)^2 on [-5, 5]^2: four modes
 *     gauss       product of N(0.5, 0.1) densities on the unit cube
 *     equicorr    normal density, unit variances, correlation 0.95, on [-10, 10]^D
 *     loggamma    log-gamma and normal densities, two of them bimodal, on the unit cube (D even, >= 2)
 *     spike       N(0, 0.1)^D + 100 N(0, 0.01)^D densities on [-0.5, 0.5]^D
 *     rastrigin   -sum(10 + x^2 - 10 cos 2 pi x) on [-5.12, 5.12]^D
 *     cake        nested cubes of volume 2^-i, constant between them: plateaus everywhere
 *     half_empty  zero likelihood for x1 < 1/2, else gauss with x1 centred on 3/4
 *     regression  y = X b + e, b ~ N(0, S), e ~ N(0, V): unbounded prior
 *     constant    log L = -3
 *
 * Known answers: tests/nested/test_problems.c. */
#ifndef MOTE_TESTS_PROBLEMS_H
#define MOTE_TESTS_PROBLEMS_H

#include <mote/target.h>

enum { MOTE_PROBLEM_DIMENSIONS = 128 };

/* Do not copy: the target points into the struct. */
typedef struct mote_problem {
    mote_target target;
    double log_evidence; /* the truth */
    int64_t dimension;
    double centre;       /* half_empty: mean of x1 */
    mote_parameter parameters[MOTE_PROBLEM_DIMENSIONS];
    char names[MOTE_PROBLEM_DIMENSIONS][8];
} mote_problem;

/* By name; dimension 0 takes the problem's own (2 where there is a choice). MOTE_EINVAL for an unknown name or a
 * dimension that the problem does not have. Nothing to close. */
int mote_problem_open(mote_problem *problem, const char *name, int64_t dimension);

/* Names by index, NULL past the end. */
const char *mote_problem_name(int64_t index);

#endif
