/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a filter writes down at every step, as columns of one row per step: a collector.
 *
 *     time, increment, log_evidence, effective_sample_size, resampled
 *     filter_mean, filter_sd, filter_mean_error     of p(x_t | y_0..t), weighted by W_t; error: smc/variance.h
 *     prediction_mean, prediction_sd        of p(x_t | y_0..t-1), by the weights that particles carry into step t
 *     smoothing_mean, smoothing_sd          of p(x_t | y_0..min(t + lag, now)): the ancestors of the particles of time
 *                                           t + lag by W_{t + lag} (fixed lag; Kitagawa 1996)
 *
 * The last three groups have one column for each coordinate. A guided filter has no sample of the prediction: NaN.
 * Storage grows at the start of a step: once for a model with its series, else geometrically. Known answer:
 * tests/smc/test_record.c. */
#ifndef MOTE_SMC_RECORD_H
#define MOTE_SMC_RECORD_H

#include "smc/lineage.h"
#include "smc/particle_filter.h"
#include "smc/variance.h"

/* X(NAME, "name", one for each coordinate, least value of the option `record`) in the order of the columns. */
#define MOTE_RECORD_LIST(X)                                              \
    X(TIME, "time", 0, MOTE_RECORD_STEPS)                                \
    X(INCREMENT, "increment", 0, MOTE_RECORD_STEPS)                      \
    X(LOG_EVIDENCE, "log_evidence", 0, MOTE_RECORD_STEPS)                \
    X(ESS, "effective_sample_size", 0, MOTE_RECORD_STEPS)                \
    X(RESAMPLED, "resampled", 0, MOTE_RECORD_STEPS)                      \
    X(FILTER_MEAN, "filter_mean", 1, MOTE_RECORD_MOMENTS)                \
    X(FILTER_SD, "filter_sd", 1, MOTE_RECORD_MOMENTS)                    \
    X(FILTER_ERROR, "filter_mean_error", 1, MOTE_RECORD_MOMENTS)         \
    X(PREDICTION_MEAN, "prediction_mean", 1, MOTE_RECORD_ALL)            \
    X(PREDICTION_SD, "prediction_sd", 1, MOTE_RECORD_ALL)                \
    X(SMOOTHING_MEAN, "smoothing_mean", 1, MOTE_RECORD_ALL)              \
    X(SMOOTHING_SD, "smoothing_sd", 1, MOTE_RECORD_ALL)

enum mote_record_quantity {
#define MOTE_RECORD_ENUMERATOR(name, text, each, least) MOTE_RECORD_OF_##name,
    MOTE_RECORD_LIST(MOTE_RECORD_ENUMERATOR)
#undef MOTE_RECORD_ENUMERATOR
    MOTE_RECORD_QUANTITIES
};

typedef struct mote_record {
    mote_collector collector;
    const mote_memory *memory;
    const mote_variance *variance; /* NULL: no errors */
    int64_t level;                 /* enum mote_filter_record */
    int64_t n, d, lag;
    int64_t series;                /* rows to come that are known of, 0 of a stream */
    int64_t first[MOTE_RECORD_QUANTITIES]; /* column of a quantity; -1: not recorded */
    int64_t columns;
    int64_t count, capacity;       /* rows */
    double *values;                /* columns of `capacity` */
    double *weight;                /* scratch: n normalised weights */
    double **past;                 /* ring of lag + 1 times d columns of n: level ALL */
    mote_lineage lineage;          /* of steps, not of resamplings */
    int32_t *index;                /* scratch */
    int64_t smoothed;              /* rows whose smoothed values are final */
    int64_t tail;                  /* count at which the others were computed */
    const mote_particle_filter *filter;
} mote_record;

/* Opens and adds itself to the filter, which it must outlive; after `variance` (may be NULL). */
int mote_record_open(mote_record *record, mote_particle_filter *filter, int64_t level, int64_t lag,
                     const mote_variance *variance, const mote_memory *memory);
void mote_record_close(mote_record *record);

/* `count` values of column c; NULL when there is none. Smoothed columns end with values that later steps improve. */
const double *mote_record_column(mote_record *record, int64_t c);

/* Column of a quantity by name, and coordinate (0 of a quantity that has none); -1. And the quantity of a column. */
int64_t mote_record_find(const mote_record *record, const char *name, int64_t state);
const char *mote_record_name(const mote_record *record, int64_t c, int64_t *state); /* *state -1: has no coordinate */

#endif
