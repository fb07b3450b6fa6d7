/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets in the unit square with known shape, as likelihoods that are 0 inside and zero outside (log: -1), and a
 * chi-square test that points are uniform on them. */
#ifndef MOTE_TESTS_SETS_H
#define MOTE_TESTS_SETS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nested/birth.h"

enum { SET_GRID = 8, SET_CELLS = SET_GRID * SET_GRID, SET_FINE = 100 };

/* A curved band, as in a degenerate posterior. */
static inline int in_banana(double x, double y)
{
    double middle = 0.2 + 2.4 * (x - 0.5) * (x - 0.5);
    return fabs(y - middle) < 0.06 && x > 0.05 && x < 0.95;
}

/* Two discs of different size and a ring. */
static inline int in_islands(double x, double y)
{
    double a = hypot(x - 0.2, y - 0.25), b = hypot(x - 0.75, y - 0.2), c = hypot(x - 0.5, y - 0.7);
    return a < 0.15 || b < 0.07 || (c < 0.25 && c > 0.19);
}

/* One piece on a circle of circumference 1: it crosses x = 0. */
static inline int in_wrapped(double x, double y)
{
    double distance = fabs(x - floor(x + 0.5)); /* from 0, around the circle */
    return distance < 0.3 && fabs(y - 0.5) < 0.1 + 0.8 * distance * distance;
}

/* Touches three faces and a corner of the square. */
static inline int in_corner(double x, double y)
{
    return x + y < 0.45 || (y < 0.08 && x < 1) || (x < 0.1);
}

typedef int (*set_function)(double x, double y);

static inline int set_likelihood(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    set_function *inside = ctx;
    (void)derived;
    *log_likelihood = (*inside)(x[0], x[1]) ? 0 : -1;
    return 0;
}

/* The target of a set; x periodic when asked. */
static inline mote_target set_target(set_function *set, mote_parameter parameters[2], int64_t periodic)
{
    parameters[0] = (mote_parameter)MOTE_UNIFORM("x", 0, 1);
    parameters[1] = (mote_parameter)MOTE_UNIFORM("y", 0, 1);
    parameters[0].boundary = periodic ? MOTE_BOUNDARY_PERIODIC : MOTE_BOUNDARY_HARD;
    return (mote_target){ MOTE_VERSIONED(mote_target), .parameters = parameters, .parameter_count = 2,
                          .parameter_size = sizeof(mote_parameter), .log_likelihood_point = set_likelihood,
                          .ctx = set };
}

static inline void set_draw(set_function set, mote_stream *stream, double *x)
{
    do {
        x[0] = mote_stream_uniform(stream);
        x[1] = mote_stream_uniform(stream);
    } while (!set(x[0], x[1]));
}

typedef struct set_counts {
    double seen[SET_CELLS], n;
} set_counts;

static inline void set_count(set_counts *counts, const double *x)
{
    int i = (int)(x[0] * SET_GRID), j = (int)(x[1] * SET_GRID);
    counts->seen[i * SET_GRID + j] += 1;
    counts->n += 1;
}

/* Areas of the cells that a predicate holds in, from a fine grid of midpoints. */
static inline void set_areas(double *area, int (*inside)(const void *ctx, double x, double y), const void *ctx)
{
    int fine = SET_GRID * SET_FINE;
    memset(area, 0, SET_CELLS * sizeof *area);
    for (int i = 0; i < fine; ++i)
        for (int j = 0; j < fine; ++j)
            area[i / SET_FINE * SET_GRID + j / SET_FINE] += inside(ctx, (i + 0.5) / fine, (j + 0.5) / fine);
}

static inline int set_holds(const void *ctx, double x, double y)
{
    const set_function *set = ctx;
    return (*set)(x, y);
}

/* p-value by Pearson's chi-square (Wilson-Hilferty). Cells with few points expected are pooled, since the grid's areas
 * are rough there. */
static inline double set_p_value_areas(const set_counts *counts, const double *area)
{
    double total = 0, chi2 = 0, cells = -1, rest_seen = 0, rest_area = 0;
    for (int c = 0; c < SET_CELLS; ++c)
        total += area[c];
    for (int c = 0; c < SET_CELLS; ++c) {
        double expected = counts->n * area[c] / total;
        if (expected < 100) {
            rest_seen += counts->seen[c];
            rest_area += area[c];
            continue;
        }
        chi2 += (counts->seen[c] - expected) * (counts->seen[c] - expected) / expected;
        cells += 1;
    }
    double rest = counts->n * rest_area / total;
    if (rest >= 100) {
        chi2 += (rest_seen - rest) * (rest_seen - rest) / rest;
        cells += 1;
    }
    double z = (cbrt(chi2 / cells) - (1 - 2 / (9 * cells))) / sqrt(2 / (9 * cells));
    return 0.5 * erfc(z / sqrt(2));
}

static inline double set_p_value(const set_counts *counts, set_function set)
{
    double area[SET_CELLS];
    set_areas(area, set_holds, &set);
    return set_p_value_areas(counts, area);
}

#endif
