/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Smooth weighted densities of draws on grids, and what their contours enclose. */
#ifndef MOTE_IO_DENSITY_H
#define MOTE_IO_DENSITY_H

#include "core/memory.h"
#include "model/draws.h"

enum { MOTE_DENSITY_NODES_1D = 401, MOTE_DENSITY_LEAST_2D = 97, MOTE_DENSITY_MOST_2D = 385 };

/* One axis: nodes lower + i step, i < n; what its ends are; the bandwidth of the Gaussian kernel. */
typedef struct mote_axis {
    int64_t n;
    double lower, step, bandwidth;
    int64_t hard_lower, hard_upper; /* 1: the prior ends there */
    int64_t periodic;               /* 1: node n - 1 is node 0 */
} mote_axis;

/* values[i * y.n + j] for two parameters (x index i), values[i] for one. Densities in units of 1/(parameter units);
 * the trapezoid sum over the grid is 1. */
typedef struct mote_density {
    const mote_memory *memory;
    mote_axis x, y;
    double *values;
    double peak;
} mote_density;

/* MOTE_EINVAL where no density exists: no draws with weight, NaN or infinite values, all draws equal. */
int mote_density_1d(const mote_draws *draws, int64_t parameter, mote_density *density);
int mote_density_2d(const mote_draws *draws, int64_t first, int64_t second, mote_density *density);
void mote_density_free(mote_density *density);

/* Levels of a 2-D density of these draws whose contours enclose the shares of their weight. */
int mote_density_levels(const mote_density *density, const mote_draws *draws, int64_t first, int64_t second,
                        const double *share, int64_t count, double *level);

/* Closed contours at `level` by marching squares, high values to the left, closed along the edges of the grid.
 * Loop k has the points start[k] .. start[k + 1] - 1, not repeating the first. */
typedef struct mote_contour {
    const mote_memory *memory;
    int64_t loops, points;
    int64_t *start;
    double *x, *y;
} mote_contour;

int mote_contour_trace(const mote_density *density, double level, mote_contour *contour);
void mote_contour_free(mote_contour *contour);

#endif
