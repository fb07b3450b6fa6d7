/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sobol points: n = 2^k points of the unit cube form a net, of which every coordinate has one point in each of n equal
 * intervals. GSL's generator (Antonov and Saleev 1979, numbers of Bratley and Fox 1988), with the origin that it leaves
 * out: without it the first 2^k points are no net. */
#ifndef MOTE_CORE_SOBOL_H
#define MOTE_CORE_SOBOL_H

#include "core/memory.h"

enum { MOTE_SOBOL_DIMENSIONS = 40 };

/* Coordinates as 32-bit fractions: net[j * n + i] is coordinate j of point i, 1 <= dimension <= MOTE_SOBOL_DIMENSIONS,
 * n below 2^30. MOTE_EINVAL outside these; MOTE_ENOMEM. */
int mote_sobol_net(uint32_t *net, int64_t dimension, int64_t n, const mote_memory *memory);

#endif
