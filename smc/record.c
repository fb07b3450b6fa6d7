/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of a filter: see record.h. */
#include "smc/record.h"

#include <math.h>
#include <mote/filter.h>
#include <string.h>

#include "smc/moments.h"

static const struct {
    const char *name;
    int64_t each, least;
} quantities[] = {
#define ROW(name, text, each, least) { text, each, least },
    MOTE_RECORD_LIST(ROW)
#undef ROW
};

static double *cell(const mote_record *record, int64_t quantity, int64_t state, int64_t row)
{
    return record->values + (record->first[quantity] + state) * record->capacity + row;
}

/* ---- moments ---- */

static void moments(const double *weight, const double *column, const int32_t *index, int64_t n, double *mean,
                    double *sd)
{
    mote_moments(weight, column, index, n, mean, sd);
    *sd = sqrt(*sd);
}

static void set_equal(double *weight, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        weight[i] = 1 / (double)n;
}

static void set_normalised(double *weight, const mote_population *population, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        weight[i] = mote_population_weight(population, i);
}

/* The weights that particles carried into the last step, before its potential. */
static void set_carried(double *weight, const mote_particle_filter *filter)
{
    const int64_t n = filter->setup.particles;
    if (filter->step > 1 && !filter->resampled)
        set_normalised(weight, filter->before, n);
    else if (filter->step > 1 && filter->tilted)
        mote_normalise(weight, filter->offset, n);
    else
        set_equal(weight, n);
}

/* ---- the columns of one step ---- */

static void record_prediction(mote_record *record, const mote_particle_filter *filter, int64_t row)
{
    const int unknown = filter->setup.guided && filter->datum->any;
    if (!unknown)
        set_carried(record->weight, filter);
    for (int64_t k = 0; k < record->d; ++k) {
        double *mean = cell(record, MOTE_RECORD_OF_PREDICTION_MEAN, k, row);
        double *sd = cell(record, MOTE_RECORD_OF_PREDICTION_SD, k, row);
        *mean = *sd = NAN;
        if (!unknown)
            moments(record->weight, filter->now->state[k], NULL, record->n, mean, sd);
    }
}

static void record_filter(mote_record *record, const mote_particle_filter *filter, int64_t row)
{
    set_normalised(record->weight, filter->now, record->n);
    for (int64_t k = 0; k < record->d; ++k) {
        mote_variance_value v = { .value = NAN };
        double *mean = cell(record, MOTE_RECORD_OF_FILTER_MEAN, k, row),
            *sd = cell(record, MOTE_RECORD_OF_FILTER_SD, k, row);
        *mean = *sd = NAN;
        if (!filter->dead)
            moments(record->weight, filter->now->state[k], NULL, record->n, mean, sd);
        if (record->variance)
            v = mote_variance_mean(record->variance, filter, filter->now->state[k], record->variance->lineage.lag);
        *cell(record, MOTE_RECORD_OF_FILTER_ERROR, k, row) = v.reliable ? sqrt(v.value) : NAN;
    }
}

/* Smoothed values of a row, given the ancestors of the present particles in it and their weights. */
static void smooth_row(mote_record *record, int64_t row, const int32_t *index)
{
    for (int64_t k = 0; k < record->d; ++k) {
        double *mean = cell(record, MOTE_RECORD_OF_SMOOTHING_MEAN, k, row);
        double *sd = cell(record, MOTE_RECORD_OF_SMOOTHING_SD, k, row);
        *mean = *sd = NAN;
        if (!record->filter->dead)
            moments(record->weight, record->past[row % (record->lag + 1) * record->d + k], index, record->n, mean, sd);
    }
}

/* The present population joins the past, and the row `lag` steps back gets its final values. */
static void record_smoothing(mote_record *record, const mote_particle_filter *filter, int64_t row)
{
    for (int64_t k = 0; k < record->d; ++k)
        memcpy(record->past[row % (record->lag + 1) * record->d + k], filter->now->state[k],
               (size_t)record->n * sizeof(double));
    if (row)
        mote_lineage_push(&record->lineage, filter->resampled ? filter->ancestor : NULL);
    if (row < record->lag)
        return;
    set_normalised(record->weight, filter->now, record->n);
    mote_lineage_oldest(&record->lineage, record->index);
    smooth_row(record, row - record->lag, record->index);
    record->smoothed = row - record->lag + 1;
}

/* Rows whose `lag` later steps have not all come. */
static void smooth_tail(mote_record *record)
{
    if (record->tail == record->count)
        return;
    set_normalised(record->weight, record->filter->now, record->n);
    for (int64_t i = 0; i < record->n; ++i)
        record->index[i] = (int32_t)i;
    for (int64_t k = 0; k < record->count - record->smoothed; ++k) {
        if (k)
            mote_lineage_back(&record->lineage, k, record->index);
        smooth_row(record, record->count - 1 - k, record->index);
    }
    record->tail = record->count;
}

/* ---- the collector ---- */

static int record_start(mote_collector *collector, mote_particle_filter *filter)
{
    mote_record *record = (mote_record *)collector;
    (void)filter;
    record->count = record->smoothed = record->tail = 0;
    if (record->level == MOTE_RECORD_ALL)
        mote_lineage_clear(&record->lineage);
    return MOTE_OK;
}

static int grow(mote_record *record, int64_t capacity)
{
    double *values = mote_memory_allocate(record->memory, capacity * record->columns, sizeof *values);
    if (!values)
        return MOTE_ENOMEM;
    for (int64_t c = 0; c < record->columns && record->count; ++c)
        memcpy(values + c * capacity, record->values + c * record->capacity, (size_t)record->count * sizeof *values);
    mote_memory_release(record->memory, record->values);
    record->values = values;
    record->capacity = capacity;
    return MOTE_OK;
}

static int record_reserve(mote_collector *collector, mote_particle_filter *filter)
{
    mote_record *record = (mote_record *)collector;
    int status = MOTE_OK;
    if (record->count == record->capacity)
        status = grow(record, record->count < record->series ? record->series : record->count ? 2 * record->count : 16);
    if (!status && record->count && record->level == MOTE_RECORD_ALL)
        status = mote_lineage_reserve(&record->lineage);
    return status ? mote_fail(filter->message, status, "no memory for the record of step %lld", (long long)filter->step)
        : MOTE_OK;
}

static int record_collect(mote_collector *collector, mote_particle_filter *filter)
{
    mote_record *record = (mote_record *)collector;
    const int64_t row = record->count++;
    *cell(record, MOTE_RECORD_OF_TIME, 0, row) = filter->time;
    *cell(record, MOTE_RECORD_OF_INCREMENT, 0, row) = filter->increment;
    *cell(record, MOTE_RECORD_OF_LOG_EVIDENCE, 0, row) = filter->log_evidence;
    *cell(record, MOTE_RECORD_OF_ESS, 0, row) = filter->now->effective_sample_size;
    *cell(record, MOTE_RECORD_OF_RESAMPLED, 0, row) = (double)filter->resampled;
    if (record->level >= MOTE_RECORD_MOMENTS)
        record_filter(record, filter, row);
    if (record->level == MOTE_RECORD_ALL) {
        record_prediction(record, filter, row);
        record_smoothing(record, filter, row);
    }
    return MOTE_OK;
}

/* ---- checkpoints ---- */

static int64_t kept_past(const mote_record *record)
{
    const int64_t most = record->lag + 1;
    return record->level != MOTE_RECORD_ALL ? 0 : record->count < most ? record->count : most;
}

static void record_save(const mote_collector *collector, mote_writer *writer)
{
    const mote_record *record = (const mote_record *)collector;
    mote_put_integer(writer, record->count);
    mote_put_integer(writer, record->smoothed);
    for (int64_t c = 0; c < record->columns; ++c)
        mote_put_reals(writer, record->values + c * record->capacity, record->count);
    for (int64_t j = 0; j < kept_past(record) * record->d; ++j)
        mote_put_reals(writer, record->past[j], record->n);
    if (record->level == MOTE_RECORD_ALL)
        mote_lineage_save(&record->lineage, writer);
}

static int record_load(mote_collector *collector, mote_reader *reader)
{
    mote_record *record = (mote_record *)collector;
    const int64_t count = mote_get_parts(reader, record->columns);
    record->count = 0;
    record->smoothed = mote_get_count(reader, 0, count);
    int status = reader->status || count <= record->capacity ? reader->status : grow(record, count < 16 ? 16 : count);
    for (int64_t c = 0; c < record->columns && !status; ++c)
        mote_get_reals(reader, record->values + c * record->capacity, count);
    record->count = status ? 0 : count;
    for (int64_t j = 0; j < kept_past(record) * record->d && !status; ++j)
        mote_get_reals(reader, record->past[j], record->n);
    if (!status && record->level == MOTE_RECORD_ALL)
        status = mote_lineage_load(&record->lineage, reader);
    record->tail = 0;
    return status ? status : reader->status;
}

static const mote_collector_table table = {
    .name = "record",
    .start = record_start,
    .reserve = record_reserve,
    .collect = record_collect,
    .save = record_save,
    .load = record_load,
};

/* ---- life ---- */

static void lay_out(mote_record *record)
{
    for (int64_t q = 0; q < MOTE_RECORD_QUANTITIES; ++q) {
        const int present = record->level >= quantities[q].least;
        record->first[q] = present ? record->columns : -1;
        record->columns += !present ? 0 : quantities[q].each ? record->d : 1;
    }
}

static int open_past(mote_record *record)
{
    const int64_t columns = (record->lag + 1) * record->d;
    double *values = mote_memory_allocate(record->memory, columns * record->n, sizeof *values);
    record->past = mote_memory_allocate(record->memory, columns, sizeof *record->past);
    record->index = mote_memory_allocate(record->memory, record->n, sizeof *record->index);
    if (!values || !record->past || !record->index) {
        mote_memory_release(record->memory, values);
        return MOTE_ENOMEM;
    }
    for (int64_t j = 0; j < columns; ++j)
        record->past[j] = values + j * record->n;
    return mote_lineage_open(&record->lineage, record->memory, record->n, record->lag);
}

int mote_record_open(mote_record *record, mote_particle_filter *filter, int64_t level, int64_t lag,
                     const mote_variance *variance, const mote_memory *memory)
{
    memset(record, 0, sizeof *record);
    record->collector.table = &table;
    record->memory = memory;
    record->variance = variance;
    record->level = level;
    record->n = filter->setup.particles;
    record->d = filter->space->model.state_count;
    record->series = filter->space->has_series ? filter->space->series.count : 0;
    /* What is longer than the series looks no further, and would take memory for each step of it. */
    const int64_t last = record->series > 2 ? record->series - 1 : 1;
    record->lag = record->series && lag > last ? last : lag;
    record->filter = filter;
    lay_out(record);
    record->weight = mote_memory_allocate(memory, record->n, sizeof *record->weight);
    int status = record->weight ? MOTE_OK : MOTE_ENOMEM;
    if (!status && level == MOTE_RECORD_ALL)
        status = open_past(record);
    if (status)
        mote_record_close(record);
    else
        mote_particle_filter_add(filter, &record->collector);
    return status;
}

void mote_record_close(mote_record *record)
{
    if (!record->memory)
        return;
    mote_lineage_close(&record->lineage);
    mote_memory_release(record->memory, record->past ? record->past[0] : NULL);
    mote_memory_release(record->memory, record->past);
    mote_memory_release(record->memory, record->index);
    mote_memory_release(record->memory, record->weight);
    mote_memory_release(record->memory, record->values);
    memset(record, 0, sizeof *record);
}

/* ---- access ---- */

const double *mote_record_column(mote_record *record, int64_t c)
{
    if (c < 0 || c >= record->columns || !record->count)
        return NULL;
    if (record->level == MOTE_RECORD_ALL && c >= record->first[MOTE_RECORD_OF_SMOOTHING_MEAN])
        smooth_tail(record);
    return record->values + c * record->capacity;
}

int64_t mote_record_find(const mote_record *record, const char *name, int64_t state)
{
    for (int64_t q = 0; q < MOTE_RECORD_QUANTITIES; ++q)
        if (!strcmp(quantities[q].name, name) && record->first[q] >= 0 && state >= 0 &&
            state < (quantities[q].each ? record->d : 1))
            return record->first[q] + state;
    return -1;
}

const char *mote_record_name(const mote_record *record, int64_t c, int64_t *state)
{
    if (c < 0 || c >= record->columns)
        return NULL;
    for (int64_t q = 0; q < MOTE_RECORD_QUANTITIES; ++q) {
        const int64_t width = quantities[q].each ? record->d : 1, at = c - record->first[q];
        if (record->first[q] < 0 || at < 0 || at >= width)
            continue;
        *state = quantities[q].each ? at : -1;
        return quantities[q].name;
    }
    return NULL;
}
