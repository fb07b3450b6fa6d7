/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nested/points.h"

#include <string.h>

enum { COLUMNS = 7, FIRST_CAPACITY = 64 };

typedef struct column {
    double **values;
    int64_t width;
} column;

static void columns_of(mote_points *points, column *columns)
{
    columns[0] = (column){ &points->cube, points->dimension };
    columns[1] = (column){ &points->theta, points->theta_count };
    columns[2] = (column){ &points->derived, points->derived_count };
    columns[3] = (column){ &points->log_likelihood, 1 };
    columns[4] = (column){ &points->birth, 1 };
    columns[5] = (column){ &points->from_prior, 1 };
    columns[6] = (column){ &points->live_count, 1 };
}

void mote_points_open(mote_points *points, const mote_space *space, const mote_memory *memory)
{
    *points = (mote_points){ .memory = memory, .dimension = space->dimension, .theta_count = space->theta_count,
                             .derived_count = space->derived_count };
}

void mote_points_close(mote_points *points)
{
    column columns[COLUMNS];
    if (!points->memory)
        return;
    columns_of(points, columns);
    for (int c = 0; c < COLUMNS; ++c)
        mote_memory_release(points->memory, *columns[c].values);
    *points = (mote_points){ 0 };
}

/* The columns grow one after the other; capacity is raised when all have, so a failure in between loses nothing. */
int mote_points_reserve(mote_points *points, int64_t n)
{
    column columns[COLUMNS];
    int64_t capacity = points->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : points->capacity;
    if (n <= points->capacity)
        return MOTE_OK;
    while (capacity < n)
        capacity += capacity / 2;
    columns_of(points, columns);
    for (int c = 0; c < COLUMNS; ++c) {
        int64_t width = columns[c].width;
        double *fresh = mote_memory_resize(points->memory, *columns[c].values, points->capacity * width,
                                           capacity * width, sizeof(double));
        if (!fresh)
            return MOTE_ENOMEM;
        *columns[c].values = fresh;
    }
    points->capacity = capacity;
    return MOTE_OK;
}

static void copy(double *to, const double *from, int64_t n)
{
    if (n)
        memcpy(to, from, (size_t)n * sizeof *to);
}

int64_t mote_points_add(mote_points *points, const double *cube, const double *theta, const double *derived,
                        double log_likelihood, double birth, double from_prior)
{
    int64_t i = points->n++;
    copy(points->cube + i * points->dimension, cube, points->dimension);
    copy(points->theta + i * points->theta_count, theta, points->theta_count);
    copy(points->derived + i * points->derived_count, derived, points->derived_count);
    points->log_likelihood[i] = log_likelihood;
    points->birth[i] = birth;
    points->from_prior[i] = from_prior;
    points->live_count[i] = 0;
    return i;
}

void mote_points_append(mote_points *points, const mote_points *other, int64_t i, double live_count)
{
    int64_t at = mote_points_add(points, other->cube + i * other->dimension, other->theta + i * other->theta_count,
                                 other->derived + i * other->derived_count, other->log_likelihood[i], other->birth[i],
                                 other->from_prior[i]);
    points->live_count[at] = live_count;
}

void mote_points_keep(mote_points *points, const int64_t *keep, int64_t n)
{
    column columns[COLUMNS];
    columns_of(points, columns);
    for (int c = 0; c < COLUMNS; ++c) {
        double *values = *columns[c].values;
        int64_t width = columns[c].width;
        for (int64_t i = 0; i < n; ++i)
            for (int64_t j = 0; j < width; ++j) /* downwards: never over what is still to be read */
                values[i * width + j] = values[keep[i] * width + j];
    }
    points->n = n;
}

void mote_points_fill(const mote_points *points, const mote_space *space, mote_draws *draws)
{
    int64_t at = 0;
    for (int64_t j = 0; j < space->theta_count; ++j) {
        if (space->parameters[space->theta_parameter[j]].prior == MOTE_PRIOR_FIXED)
            continue;
        for (int64_t i = 0; i < points->n; ++i)
            draws->columns[at][i] = points->theta[i * points->theta_count + j];
        ++at;
    }
    for (int64_t j = 0; j < space->derived_count; ++j, ++at)
        for (int64_t i = 0; i < points->n; ++i)
            draws->columns[at][i] = points->derived[i * points->derived_count + j];
    memcpy(draws->log_likelihood, points->log_likelihood, (size_t)points->n * sizeof(double));
    for (int64_t i = 0; i < points->n; ++i)
        draws->log_prior[i] = mote_space_log_prior(space, points->theta + i * points->theta_count);
}

void mote_points_save(const mote_points *points, mote_writer *writer)
{
    column columns[COLUMNS];
    mote_points view = *points;
    columns_of(&view, columns);
    mote_put_tag(writer, "points");
    mote_put_integer(writer, points->n);
    for (int c = 0; c < COLUMNS; ++c)
        mote_put_reals(writer, *columns[c].values, points->n * columns[c].width);
}

int mote_points_load(mote_points *points, mote_reader *reader)
{
    column columns[COLUMNS];
    mote_get_tag(reader, "points");
    /* A count that the rest of the file cannot hold is a fault. */
    int64_t width = points->dimension + points->theta_count + points->derived_count + COLUMNS - 3;
    int64_t n = mote_get_count(reader, 0, (reader->length - reader->position) / 8 / width);
    if (reader->status)
        return reader->status;
    int status = mote_points_reserve(points, n);
    if (status)
        return status;
    columns_of(points, columns);
    for (int c = 0; c < COLUMNS; ++c)
        mote_get_reals(reader, *columns[c].values, n * columns[c].width);
    points->n = reader->status ? 0 : n;
    return reader->status;
}
