/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A perfect nested sampler for problems whose likelihood is a function of the enclosed prior volume: a birth above a
 * contour is a uniform draw below the volume of that contour, so no sampler is involved and what the runs show is the
 * bookkeeping alone. Its numbers come from splitmix64 (Steele et al. 2014), not from the library under test. */
#ifndef MOTE_TESTS_NESTED_PERFECT_H
#define MOTE_TESTS_NESTED_PERFECT_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nested/evidence.h"

typedef struct perfect_run {
    int64_t n, room;
    double *log_likelihood, *birth, *from_prior, *live_count; /* n deaths */
    int64_t live;                                             /* of them live at the end */
} perfect_run;

typedef struct perfect_plan {
    double (*log_likelihood)(double x); /* of the prior volume enclosed; not increasing in x */
    double (*contour)(double x);        /* the volume strictly above the contour at x; NULL: x itself */
    int64_t live, prior, deaths;        /* live points; prior draws (0: live); k deaths, then k births (0: 1) */
    double stop;                        /* X L_max/Z at the end (0: 1e-3) */
} perfect_plan;

static inline double perfect_uniform(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static inline mote_deaths perfect_deaths(const perfect_run *run)
{
    return (mote_deaths){ run->n, run->log_likelihood, run->birth, run->from_prior, run->live_count, run->live };
}

static inline void perfect_close(perfect_run *run)
{
    free(run->log_likelihood), free(run->birth), free(run->from_prior), free(run->live_count);
    *run = (perfect_run){ 0 };
}

static inline void perfect_record(perfect_run *run, double log_likelihood, double birth, double prior, double count)
{
    if (run->n == run->room) {
        run->room = run->room ? 2 * run->room : 1024;
        size_t size = (size_t)run->room * sizeof(double);
        run->log_likelihood = realloc(run->log_likelihood, size);
        run->birth = realloc(run->birth, size);
        run->from_prior = realloc(run->from_prior, size);
        run->live_count = realloc(run->live_count, size);
    }
    run->log_likelihood[run->n] = log_likelihood;
    run->birth[run->n] = birth;
    run->from_prior[run->n] = prior;
    run->live_count[run->n++] = count;
}

typedef struct perfect_point {
    double x, log_likelihood, birth, prior;
} perfect_point;

/* Highest volume first, that is lowest likelihood first; by insertion, since all but the newborns are in order. */
static inline void perfect_sort(perfect_point *point, int64_t n)
{
    for (int64_t i = 1; i < n; ++i) {
        perfect_point here = point[i];
        int64_t j = i;
        for (; j > 0 && point[j - 1].x < here.x; --j)
            point[j] = point[j - 1];
        point[j] = here;
    }
}

/* Can the live points hold no more than `stop` of the evidence, or are they a plateau? */
static inline int perfect_done(const mote_running_evidence *running, const perfect_point *point, int64_t n, double stop)
{
    double most = point[n - 1].log_likelihood;
    return point[0].log_likelihood == most || running->log_x + most < running->log_z + log(stop);
}

/* 2.1 of the method: k deaths and their ties, then births back to `live` points. Slow and plainly right. */
static inline perfect_run perfect_make(const perfect_plan *plan, uint64_t seed)
{
    int64_t k = plan->deaths ? plan->deaths : 1, n = plan->prior ? plan->prior : plan->live;
    double stop = plan->stop > 0 ? plan->stop : 1e-3;
    perfect_point *point = calloc((size_t)n, sizeof *point);
    perfect_run run = { 0 };
    mote_running_evidence running;
    mote_running_evidence_start(&running);
    for (int64_t i = 0; i < n; ++i) {
        double x = perfect_uniform(&seed);
        point[i] = (perfect_point){ x, plan->log_likelihood(x), -INFINITY, 1 };
    }
    perfect_sort(point, n);
    while (!perfect_done(&running, point, n, stop)) {
        perfect_point last = point[k - 1];
        double volume = plan->contour ? plan->contour(last.x) : last.x;
        int64_t dead = 0;
        for (; dead < n && point[dead].log_likelihood <= last.log_likelihood; ++dead) {
            double count = (double)(n - dead);
            perfect_record(&run, point[dead].log_likelihood, point[dead].birth, point[dead].prior, count);
            mote_running_evidence_add(&running, point[dead].log_likelihood, count);
        }
        memmove(point, point + dead, (size_t)(n - dead) * sizeof *point);
        for (n -= dead; n < plan->live; ++n) {
            double x = volume * perfect_uniform(&seed);
            point[n] = (perfect_point){ x, plan->log_likelihood(x), last.log_likelihood, 0 };
        }
        perfect_sort(point, n);
    }
    run.live = n;
    for (int64_t i = 0; i < n; ++i)
        perfect_record(&run, point[i].log_likelihood, point[i].birth, point[i].prior, (double)(n - i));
    free(point);
    return run;
}

/* ---- problems ---- */

/* Gaussian of width .1 in the unit ball of 5 dimensions, prior uniform in the ball, radius X^(1/5):
 * Z = (d/2)(2 s^2)^(d/2) gamma(d/2, 1/(2 s^2)), the incomplete gamma complete to 1e-19. */
static inline double perfect_ball(double x)
{
    return -50 * pow(x, 0.4);
}

static inline double perfect_ball_logz(void)
{
    return log(2.5) + 2.5 * log(0.02) + lgamma(2.5);
}

/* cake-2: nested squares of area 2^-i, all of them plateaus. */
static inline double perfect_cake(double x)
{
    double i = floor(-log2(x)), r = exp2(-i / 2) / 2;
    return -r * r / (2 * 0.4 * 0.4);
}

static inline double perfect_cake_contour(double x)
{
    return exp2(-floor(-log2(x)) - 1);
}

/* The ball in the inner half of the prior, L = 0 in the outer half. */
static inline double perfect_half_empty(double x)
{
    return x >= 0.5 ? -INFINITY : perfect_ball(2 * x);
}

static inline double perfect_half_empty_contour(double x)
{
    return x >= 0.5 ? 0.5 : x;
}

#endif
