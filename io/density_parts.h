/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What densities of one and two parameters share. */
#ifndef MOTE_IO_DENSITY_PARTS_H
#define MOTE_IO_DENSITY_PARTS_H

#include "io/density.h"

/* What a grid needs to know of one parameter: a scale, and where all but 1e-4 of the mass on either side lies. */
typedef struct mote_spread {
    double scale, low, high, variance;
} mote_spread;

/* MOTE_EINVAL when the parameter has no spread. */
int mote_find_spread(const mote_draws *draws, int64_t parameter, mote_spread *s);

/* Grid of axis->n nodes from the outer draws with a margin of 3 bandwidths, cut where the prior ends. */
void mote_place_axis(mote_axis *axis, const mote_parameter *parameter, const mote_spread *s);

/* Weight of node i in sums over the range: 1/2 at a hard end, 0 behind it, 1 elsewhere, also beyond open ends. */
double mote_axis_share(const mote_axis *axis, int64_t i);

/* The node that holds the mass of node i (any i): itself, its image in the period, or -1 outside. */
int64_t mote_axis_node(const mote_axis *axis, int64_t i);

/* The node below x and the share of the node above; 0 when x is outside of the grid or no number. */
int mote_axis_locate(const mote_axis *axis, double x, int64_t *node, double *share);

/* Memory for the grid, and scratch: draws->count + scratch_count numbers. */
int mote_density_allocate(const mote_draws *draws, mote_density *density, int64_t scratch_count, double **scratch);
int64_t mote_density_nodes(const mote_density *density);
int mote_density_normalise(mote_density *density);
int mote_density_finish(mote_density *density, double *scratch, int status);

#endif
