/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bound: a union of ellipsoids in the unit cube that holds the region above a contour (Feroz, Hobson & Bridges
 * 2009, section 5). Its parts also serve the step samplers as clusters with covariances. Building it: bound_split.c,
 * on the fits of bound_ellipsoid.c.
 *
 * Periodic axes: all of it lives in shifted coordinates v = frac(u - shift), with the largest gap between points at
 * the edge. */
#ifndef MOTE_NESTED_BOUND_H
#define MOTE_NESTED_BOUND_H

#include "core/memory.h"
#include "core/source.h"

enum { MOTE_BOUND_DEPTH = 40 };

/* n points of d coordinates, coordinate by coordinate: value[j * stride + i]. */
typedef struct mote_columns {
    double *value;
    int64_t stride, n, d;
} mote_columns;

/* Weighted mean and covariance; `total` is the sum of the weights, `scratch` has n entries. */
void mote_columns_moments(const mote_columns *x, const double *weight, double total, double *mean, double *covariance,
                          double *scratch);
/* |L^-1 (x - mean)|^2 of each point, from L^-1. */
void mote_columns_radius(const mote_columns *x, const double *mean, const double *inverse, double *radius);
/* x <- L^-1 x in place, and |x|^2 after it. */
void mote_columns_whiten(const mote_columns *x, const double *inverse, double *radius);
/* |x - centre|^2 */
void mote_columns_distance(const mote_columns *x, const double *centre, double *distance);
void mote_bound_invert(double *inverse, const double *lower, int64_t d);

/* {x: |L^-1 (x - mean)| <= 1}; L = scale * Cholesky factor of the covariance. Row k of each array is part k. */
typedef struct mote_ellipsoids {
    int64_t d, capacity, count;
    double *mean, *lower, *inverse; /* d, d x d, d x d (lower triangular) */
    double *scale, *log_volume;
    double *size;                   /* points in it at the build */
} mote_ellipsoids;

typedef struct mote_bound {
    mote_ellipsoids parts, fresh;   /* in use; being built */
    mote_ellipsoids path;           /* scratch: one for each level of the recursion */
    int64_t d, max_points;
    int64_t built, cube;            /* 1: there are parts; 1: they are no smaller than the cube, which is used */
    double log_volume;              /* of all parts, overlaps counted twice */
    double log_prior_volume;        /* expected, at the build */
    double *shift, *fresh_shift, *cumulative;
    const int64_t *boundary;        /* borrowed: enum mote_boundary by axis */
    /* scratch of a build */
    double *point, *white;          /* max_points rows of d; those last fitted as columns of `stride`, whitened */
    double *row;                    /* and these as rows of `padded`: d rounded up to whole vectors */
    int64_t stride, padded;
    int64_t *index, *other, *side, *best;
    int64_t *leaf_first, *leaf_count, leaves, *clump_first, *clump_count;
    double *key, *matrix, *vector, *radius, *weight, *pooled;
    int64_t n, minimum, rounds;     /* points, fewest points of a part, leave-out rounds (0: none) */
    int64_t hope;                   /* levels of splits without gain */
    int64_t starts;                 /* of 2-means for each split, and rounds of moving points after it */
    double log_share, log_floor;    /* log(X/n), log(X/(n efficiency)) */
    double few;                     /* points below which a part's share is uncertain: 10 d; 0 for clusters of steps */
    double log_ball, covering;      /* covering: largest squared radius of the last fit */
    double shrink;                  /* a split must bring the volume below this times the parent's */
    mote_stream stream;
} mote_bound;

typedef struct mote_bound_plan {
    const double *cube;             /* n rows of d */
    int64_t n;
    double log_prior_volume, efficiency;
    int64_t rounds;
    int64_t clusters_only;          /* 1: parts for the step samplers */
    mote_stream stream;
} mote_bound_plan;

int mote_bound_open(mote_bound *bound, const int64_t *boundary, int64_t d, int64_t max_points,
                    const mote_memory *memory);
void mote_bound_close(mote_bound *bound, const mote_memory *memory);

/* Builds anew. A bound that is larger than the one in use, at a lower prior volume, is refused: then the old one
 * stays. */
void mote_bound_build(mote_bound *bound, const mote_bound_plan *plan);

/* One candidate, uniform on the union within the cube, or 0 when this try was rejected (outside the cube, overlap). */
int mote_bound_draw(const mote_bound *bound, mote_stream *stream, double *u);

/* Squared distance of cube point u to part k in units of its covariance. `v`, `z` are scratch of d. */
double mote_bound_distance(const mote_bound *bound, int64_t k, const double *u, double *v, double *z);

/* Fits of bound_ellipsoid.c to the points index[first .. first + count): the covering ellipsoid by covariance, which
 * leaves their whitened coordinates in `white`, and, straight after it, the enlargement by leave-out; both with the
 * floor on the volume. */
void mote_bound_fit(mote_bound *bound, int64_t first, int64_t count, int64_t level);
void mote_bound_enlarge(mote_bound *bound, int64_t count, int64_t level);
mote_columns mote_bound_white(const mote_bound *bound, int64_t count);
double mote_bound_ball(int64_t d); /* log volume of the unit ball */

/* Separate clumps of the whitened points 0 .. n-1, as ranges of index; returns how many. */
int64_t mote_bound_components(mote_bound *bound);
/* The plain way, for more clumps than there is room for: side[i] is the clump of point i, at most `most` of them. */
int64_t mote_bound_label_by_ends(mote_bound *bound, int64_t most);
double mote_bound_inflation(int64_t count, int64_t d);
void mote_bound_factor(double *lower, const double *covariance, double *scratch, int64_t d);

#endif
