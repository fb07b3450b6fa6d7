/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prior volumes of one run, inside: what every realisation (simulated or resampled) of the volumes shares.
 *
 * Summation by parts turns the sum over gaps into a sum of positive steps,
 *
 *     Z = sum_i f_i (X_{i-1} - X_i) + X_N L_N = f_1 + sum_i X_i (f_{i+1} - f_i),   f_{N+1} := L_N,
 *
 * where f_i is the height over gap i: (L_{i-1} + L_i)/2, or L_i for i = 1 and within a plateau and the gap before its
 * first point. One exponential per death, no cancellation, and a constant likelihood is exact for any volumes.
 * A realisation is known by y_i = X_i / (X_i at mean volumes); gain_i = X_i (f_{i+1} - f_i) / Z at mean volumes, so
 * that Z of the realisation is first + sum_i gain_i y_i in units of Z at mean volumes: no number leaves the range of
 * doubles, however small the volumes are. */
#ifndef MOTE_NESTED_VOLUMES_H
#define MOTE_NESTED_VOLUMES_H

#include "nested/evidence.h"

enum { MOTE_VOLUME_BLOCK = 1024 }; /* deaths per pass of the vector kernels */

typedef struct mote_volumes {
    const mote_deaths *deaths;
    double *inverse;  /* n: 1/n_i */
    double *log_mean; /* n: log X_i at mean volumes */
    double *gain;     /* n */
    double *ratio;    /* n, scratch: y_i of the present realisation */
    double first;     /* f_1/Z at mean volumes */
    double log_z;     /* log Z at mean volumes, finite */
} mote_volumes;

/* For n >= 1 and a run with some finite log-likelihood. Close after a failed open as well. */
int mote_volumes_open(mote_volumes *volumes, const mote_deaths *deaths, const mote_memory *memory);
void mote_volumes_close(mote_volumes *volumes, const mote_memory *memory);

/* log f_i over gap 0 <= i < n, and 1 when the gap belongs wholly to its lower point i (rectangle). */
double mote_volumes_log_height(const mote_deaths *deaths, int64_t i, int *whole);

/* ratio[i] = exp(ratio[i]) for i in [begin, begin + n), with arguments kept within +-700; the return value is
 * sum gain_i ratio_i over them, in a fixed order. */
double mote_volumes_gain(mote_volumes *volumes, int64_t begin, int64_t n);

/* log of the volume that is left when the first `deaths` of n points have died, births none: its mean, and into
 * `variance` (or NULL) its variance. The share left is Beta(n - deaths + 1, deaths). */
double mote_volumes_left(int64_t n, int64_t deaths, double *variance);

/* Points that are not initial prior draws, in order of their birth contour (ties: in order of death). */
typedef struct mote_births {
    int64_t prior, later; /* counts: prior + later = n */
    int64_t *index;       /* later entries */
} mote_births;

int mote_births_open(mote_births *births, const double *birth, const double *from_prior, int64_t n,
                     const mote_memory *memory);
void mote_births_close(mote_births *births, const mote_memory *memory);

/* sd of log Z over `replicates` resampled thread sets at mean volumes, and the difference of two halves of the
 * threads in units of its error. `thread` from mote_evidence_threads, `threads` of them. */
int mote_bootstrap(mote_volumes *volumes, const double *thread, int64_t threads, const mote_source *source,
                   int64_t replicates, const mote_memory *memory, double *error, double *half_difference);

/* Mean and variance of a sequence (Welford 1962): exactly 0 variance for equal numbers. */
typedef struct mote_spread {
    int64_t n;
    double mean, square;
} mote_spread;

void mote_spread_add(mote_spread *spread, double x);
double mote_spread_sd(const mote_spread *spread); /* NaN below two numbers */

#endif
