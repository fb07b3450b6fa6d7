/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mcmc/kernel_points.h"

#include <string.h>

enum { COLUMNS = 7, FIRST_CAPACITY = 64 };

typedef struct column {
    double **values;
    int64_t width;
} column;

static void columns_of(mote_kernel_points *p, column *columns)
{
    const int64_t slopes = p->gradient ? p->dimension : 0;
    columns[0] = (column){ &p->y, p->dimension };
    columns[1] = (column){ &p->theta, p->theta_count };
    columns[2] = (column){ &p->derived, p->derived_count };
    columns[3] = (column){ &p->slope, slopes };
    columns[4] = (column){ &p->base_slope, slopes };
    columns[5] = (column){ &p->log_likelihood, 1 };
    columns[6] = (column){ &p->log_base, 1 };
}

void mote_kernel_points_open(mote_kernel_points *population, const mote_space *space, int64_t gradient,
                          const mote_memory *memory)
{
    *population = (mote_kernel_points){ .memory = memory, .dimension = space->dimension,
                                     .theta_count = space->theta_count, .derived_count = space->derived_count,
                                     .gradient = gradient };
}

void mote_kernel_points_close(mote_kernel_points *population)
{
    column columns[COLUMNS];
    if (!population->memory)
        return;
    columns_of(population, columns);
    for (int c = 0; c < COLUMNS; ++c)
        mote_memory_release(population->memory, *columns[c].values);
    mote_memory_release(population->memory, population->id);
    *population = (mote_kernel_points){ 0 };
}

/* The columns grow one after the other; capacity is raised when all have, so a failure in between loses nothing. */
int mote_kernel_points_reserve(mote_kernel_points *population, int64_t n)
{
    column columns[COLUMNS];
    const mote_memory *memory = population->memory;
    int64_t capacity = population->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : population->capacity;
    if (n <= population->capacity)
        return MOTE_OK;
    while (capacity < n)
        capacity += capacity / 2;
    columns_of(population, columns);
    for (int c = 0; c < COLUMNS; ++c) {
        const int64_t width = columns[c].width;
        double *fresh = mote_memory_resize(memory, *columns[c].values, population->capacity * width, capacity * width,
                                           sizeof(double));
        if (!fresh)
            return MOTE_ENOMEM;
        *columns[c].values = fresh;
    }
    int64_t *id = mote_memory_resize(memory, population->id, population->capacity, capacity, sizeof *id);
    if (!id)
        return MOTE_ENOMEM;
    population->id = id;
    population->capacity = capacity;
    return MOTE_OK;
}

mote_kernel_point mote_kernel_points_at(const mote_kernel_points *p, int64_t i)
{
    return (mote_kernel_point){ p->y + i * p->dimension, p->theta + i * p->theta_count,
                                p->derived + i * p->derived_count, p->gradient ? p->slope + i * p->dimension : NULL,
                                p->gradient ? p->base_slope + i * p->dimension : NULL, p->log_likelihood[i],
                                p->log_base[i], p->id[i] };
}

static void copy(double *to, const double *from, int64_t n)
{
    if (n && to != from)
        memcpy(to, from, (size_t)n * sizeof *to);
}

void mote_point_copy(const mote_kernel_points *shape, mote_kernel_point *to, const mote_kernel_point *from)
{
    copy(to->y, from->y, shape->dimension);
    copy(to->theta, from->theta, shape->theta_count);
    copy(to->derived, from->derived, shape->derived_count);
    copy(to->slope, from->slope, shape->gradient ? shape->dimension : 0);
    copy(to->base_slope, from->base_slope, shape->gradient ? shape->dimension : 0);
    to->log_likelihood = from->log_likelihood;
    to->log_base = from->log_base;
    to->id = from->id;
}

void mote_kernel_points_put(mote_kernel_points *population, int64_t i, const mote_kernel_point *point)
{
    mote_kernel_point row = mote_kernel_points_at(population, i);
    mote_point_copy(population, &row, point);
    population->log_likelihood[i] = point->log_likelihood;
    population->log_base[i] = point->log_base;
    population->id[i] = point->id;
}

void mote_kernel_points_fill(const mote_kernel_points *p, const mote_space *space, mote_draws *draws, int64_t first)
{
    int64_t at = 0;
    for (int64_t j = 0; j < p->theta_count; ++j) {
        if (space->parameters[space->theta_parameter[j]].prior == MOTE_PRIOR_FIXED)
            continue;
        for (int64_t i = 0; i < p->n; ++i)
            draws->columns[at][first + i] = p->theta[i * p->theta_count + j];
        ++at;
    }
    for (int64_t j = 0; j < p->derived_count; ++j, ++at)
        for (int64_t i = 0; i < p->n; ++i)
            draws->columns[at][first + i] = p->derived[i * p->derived_count + j];
    copy(draws->log_likelihood + first, p->log_likelihood, p->n);
    for (int64_t i = 0; draws->log_prior && i < p->n; ++i)
        draws->log_prior[first + i] = mote_space_log_prior(space, p->theta + i * p->theta_count);
}

void mote_kernel_points_save(const mote_kernel_points *population, mote_writer *writer)
{
    column columns[COLUMNS];
    mote_kernel_points view = *population;
    columns_of(&view, columns);
    mote_put_tag(writer, "points");
    mote_put_integer(writer, population->n);
    for (int c = 0; c < COLUMNS; ++c)
        mote_put_reals(writer, *columns[c].values, population->n * columns[c].width);
    mote_put_integers(writer, population->id, population->n);
}

int mote_kernel_points_load(mote_kernel_points *population, mote_reader *reader)
{
    column columns[COLUMNS];
    int64_t width = 1;
    columns_of(population, columns);
    for (int c = 0; c < COLUMNS; ++c)
        width += columns[c].width;
    mote_get_tag(reader, "points");
    int64_t n = mote_get_parts(reader, width);
    if (reader->status)
        return reader->status;
    int status = mote_kernel_points_reserve(population, n);
    if (status)
        return status;
    columns_of(population, columns);
    for (int c = 0; c < COLUMNS; ++c)
        mote_get_reals(reader, *columns[c].values, n * columns[c].width);
    mote_get_integers(reader, population->id, n);
    population->n = reader->status ? 0 : n;
    return reader->status;
}
