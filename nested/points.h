/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Points of nested sampling, live or dead, as columns that grow geometrically. */
#ifndef MOTE_NESTED_POINTS_H
#define MOTE_NESTED_POINTS_H

#include "core/checkpoint.h"
#include "core/memory.h"
#include "model/draws.h"
#include "model/space.h"

typedef struct mote_points {
    const mote_memory *memory;
    int64_t n, capacity;
    int64_t dimension, theta_count, derived_count;
    double *cube;            /* n x dimension */
    double *theta;           /* n x theta_count */
    double *derived;         /* n x derived_count */
    double *log_likelihood;
    double *birth;           /* logL of the contour at birth; -inf for prior draws */
    double *from_prior;      /* 1: an initial prior draw, born below everything */
    double *live_count;      /* at the death; 0 for live points */
} mote_points;

void mote_points_open(mote_points *points, const mote_space *space, const mote_memory *memory);
void mote_points_close(mote_points *points);

/* Room for `n` points in all. MOTE_ENOMEM leaves the points as they were. */
int mote_points_reserve(mote_points *points, int64_t n);

/* Appends a point; room must have been reserved. Returns its index. */
int64_t mote_points_add(mote_points *points, const double *cube, const double *theta, const double *derived,
                        double log_likelihood, double birth, double from_prior);

/* Appends point i of another set with this live count. */
void mote_points_append(mote_points *points, const mote_points *other, int64_t i, double live_count);

/* Keeps the `n` points of ascending index list `keep`, in that order. */
void mote_points_keep(mote_points *points, const int64_t *keep, int64_t n);

/* Fills parameters, log_likelihood and log_prior of draws that have as many rows. */
void mote_points_fill(const mote_points *points, const mote_space *space, mote_draws *draws);

void mote_points_save(const mote_points *points, mote_writer *writer);
int mote_points_load(mote_points *points, mote_reader *reader);

#endif
