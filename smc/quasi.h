/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sequential quasi-Monte Carlo (Gerber and Chopin 2015): the particle filter on randomised quasi-Monte Carlo points.
 *
 *     t = 0:  u in [0,1)^d:      x_0 = Gamma_0(u)
 *     t > 0:  (v, u) in [0,1)^{1+d}, sorted by v; particles sorted along a curve that fills space;
 *             A = inverse distribution function of the sorted weights at v;  x_t = Gamma_t(x_{t-1}^A, u)
 *
 * Points: a Sobol net with a fresh digital shift at each step, so each point is uniform and exp(log Z) is unbiased. The
 * curve: the value itself in one dimension; Hilbert's (Skilling 2004) through the standardised, logistically mapped
 * state in more. Known rate: the mean square of log Z falls like N^-2.3 on case A, where random numbers give N^-1. */
#ifndef MOTE_SMC_QUASI_H
#define MOTE_SMC_QUASI_H

#include "core/memory.h"
#include "core/message.h"
#include "core/source.h"

typedef struct mote_quasi {
    int64_t n, dimension;   /* particles, a power of two; of the state */
    uint32_t *net;          /* 1 + dimension coordinates of n */
    double **uniform;       /* dimension columns of n, in the order of slots */
    double *first;          /* n: v of each slot, ascending */
    int64_t *order, *scratch;
    double *key, *cumulative;
    uint32_t *cell;         /* dimension: a point's cell, for the curve */
} mote_quasi;

/* MOTE_EOPTION when n is not a power of two or the dimension above 39. */
int mote_quasi_open(mote_quasi *quasi, int64_t n, int64_t dimension, const mote_memory *memory, mote_message *message);
/* The curve alone, for any n: nothing but mote_quasi_sort may be called. */
int mote_quasi_open_curve(mote_quasi *quasi, int64_t n, int64_t dimension, const mote_memory *memory,
                          mote_message *message);
void mote_quasi_close(mote_quasi *quasi, const mote_memory *memory);

/* Fresh points; slots are in the order of their first coordinate. */
int mote_quasi_points(mote_quasi *quasi, mote_source *source);

/* Ancestors of the slots, from weights (not normalised, weight i times factor[i / 1024]) of particles that stand in
 * columns. */
void mote_quasi_ancestors(mote_quasi *quasi, double *const *state, const double *weight, const double *factor,
                          int32_t *ancestor);

/* Indices along the curve, ascending, into `order`. */
void mote_quasi_sort(mote_quasi *quasi, double *const *state);

/* Index of a cell along Hilbert's curve: `bits` bits for each of d coordinates, d bits < 54. `cell` is overwritten. */
uint64_t mote_hilbert_index(uint32_t *cell, int64_t d, int64_t bits);

#endif
