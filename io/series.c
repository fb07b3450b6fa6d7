/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/series.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/message.h"

enum { NAME_SIZE = 128 };

static const char *path_of(const mote_series_reader *reader)
{
    return reader->csv.lines.path;
}

/* ---- which column is what ---- */

static const char *column_name(const void *ctx, int64_t i)
{
    return ((const mote_csv *)ctx)->names[i];
}

/* Name number i of "a, b, c" into name; 0 when there is none. */
static int pick(const char *list, int64_t i, char name[NAME_SIZE])
{
    for (; i > 0 && list; --i)
        if ((list = strchr(list, ',')))
            ++list;
    if (!list)
        return 0;
    list += strspn(list, " \t");
    size_t length = strcspn(list, ",");
    while (length && (list[length - 1] == ' ' || list[length - 1] == '\t'))
        --length;
    snprintf(name, NAME_SIZE, "%.*s", (int)(length < NAME_SIZE ? length : NAME_SIZE - 1), list);
    return length > 0;
}

static int64_t count_names(const char *list)
{
    int64_t n = list != NULL;
    for (; list && *list; ++list)
        n += *list == ',';
    return n;
}

static int find_column(const mote_series_reader *reader, const char *name, const char *what, int64_t *column,
                       char *message, size_t size)
{
    const mote_csv *csv = &reader->csv;
    *column = mote_csv_find(csv, name);
    if (*column >= 0)
        return MOTE_OK;
    const char *nearest = mote_nearest(name, csv->columns, column_name, csv);
    return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: there is no column '%s' for the %s of the model%s%s%s",
                          path_of(reader), (long long)csv->lines.number, name, what, nearest ? "; did you mean '" : "",
                          nearest ? nearest : "", nearest ? "'? ([data] renames columns)" : "");
}

/* Columns of one kind: `count` names of the model, or those of `given`. */
static int find_columns(const mote_series_reader *reader, const char *const *names, int64_t count, const char *given,
                        const char *what, int64_t *column, char *message, size_t size)
{
    int status = MOTE_OK;
    if (given && count_names(given) != count)
        return mote_fail_text(message, size, MOTE_EOPTION, "%s: '%s' names %lld columns, but the model has %lld %ss",
                              path_of(reader), given, (long long)count_names(given), (long long)count, what);
    for (int64_t k = 0; k < count && !status; ++k) {
        char name[NAME_SIZE];
        if (!given || !pick(given, k, name))
            snprintf(name, sizeof name, "%s", names && names[k] ? names[k] : what);
        status = find_column(reader, name, what, &column[k], message, size);
    }
    return status;
}

static int match_by_place(mote_series_reader *reader, char *message, size_t size)
{
    const int64_t n = reader->model->observation_count + reader->model->input_count;
    if (reader->csv.columns != n)
        return mote_fail_text(message, size, MOTE_EPARSE,
                              "%s: %lld columns without names, but the model has %lld observations and "
                              "%lld inputs: name the columns in the first line",
                              path_of(reader), (long long)reader->csv.columns,
                              (long long)reader->model->observation_count, (long long)reader->model->input_count);
    for (int64_t k = 0; k < n; ++k)
        reader->column[k] = k;
    return MOTE_OK;
}

static int match_columns(mote_series_reader *reader, const mote_series_names *names, char *message, size_t size)
{
    const mote_ssm *m = reader->model;
    reader->time = -1;
    if (!reader->csv.names)
        return match_by_place(reader, message, size);
    int status = find_columns(reader, m->observations, m->observation_count, names->observations, "observation",
                              reader->column, message, size);
    status = status ? status : find_columns(reader, m->inputs, m->input_count, names->inputs, "input",
                                            reader->column + m->observation_count, message, size);
    if (!status && names->time)
        return find_column(reader, names->time, "time", &reader->time, message, size);
    reader->time = mote_csv_find(&reader->csv, "time");
    return status;
}

int mote_series_reader_open(mote_series_reader *reader, const mote_memory *memory, const mote_ssm *model,
                            const char *path, const mote_line_source *source, const mote_series_names *names,
                            char *message, size_t size)
{
    const int64_t n = model->observation_count + model->input_count;
    *reader = (mote_series_reader){ .model = model };
    int status = mote_csv_open(&reader->csv, memory, path, source, message, size);
    if (status)
        return status;
    reader->column = mote_memory_allocate(memory, n ? n : 1, sizeof *reader->column);
    reader->values = mote_memory_allocate(memory, n ? n : 1, sizeof *reader->values);
    status = reader->column && reader->values ? match_columns(reader, names, message, size)
                                              : mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", path);
    if (status)
        mote_series_reader_close(reader);
    return status;
}

void mote_series_reader_close(mote_series_reader *reader)
{
    if (!reader->csv.memory)
        return;
    mote_memory_release(reader->csv.memory, reader->column);
    mote_memory_release(reader->csv.memory, reader->values);
    mote_csv_close(&reader->csv);
    reader->csv.memory = NULL;
}

/* ---- rows ---- */

static int read_time(mote_series_reader *reader, double *time, char *message, size_t size)
{
    const int before = reader->model->flags & MOTE_SSM_START_BEFORE;
    *time = before ? reader->model->initial_time + 1 + (double)reader->count : (double)reader->count;
    int status = reader->time < 0 ? MOTE_OK : mote_csv_number(&reader->csv, reader->time, time, message, size);
    if (status)
        return status;
    const double last = reader->count ? reader->last : before ? reader->model->initial_time : -INFINITY;
    if (reader->count ? *time > last : *time >= last)
        return MOTE_OK;
    return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: column %lld (time): the time %g does not follow %g",
                          path_of(reader), (long long)reader->csv.lines.number, (long long)reader->time + 1, *time,
                          last);
}

int mote_series_reader_next(mote_series_reader *reader, mote_observation *observation, char *message, size_t size)
{
    const mote_ssm *m = reader->model;
    const int64_t k = m->observation_count, n = k + m->input_count;
    double time = NAN;
    int status = mote_csv_next(&reader->csv, message, size);
    status = status ? status : read_time(reader, &time, message, size);
    for (int64_t i = 0; i < n && !status; ++i) {
        status = mote_csv_number(&reader->csv, reader->column[i], &reader->values[i], message, size);
        if (!status && i >= k && isnan(reader->values[i]))
            status = mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: column %lld: an input is missing",
                                    path_of(reader), (long long)reader->csv.lines.number,
                                    (long long)reader->column[i] + 1);
    }
    if (status)
        return status;
    ++reader->count;
    reader->last = time;
    *observation = (mote_observation){ MOTE_VERSIONED(mote_observation), .time = time, .values = reader->values,
                                       .input = m->input_count ? reader->values + k : NULL };
    return MOTE_OK;
}

/* ---- whole files ---- */

static int grow(mote_series_file *file, int64_t k, int64_t inputs)
{
    const int64_t room = 2 * file->room + 256;
    struct {
        double **array;
        int64_t width;
    } list[] = { { &file->time, 1 }, { &file->values, k }, { &file->input, inputs } };
    for (size_t i = 0; i < sizeof list / sizeof *list; ++i) {
        double *larger = mote_memory_resize(file->memory, *list[i].array, file->room * list[i].width,
                                            room * list[i].width + 1, sizeof *larger);
        if (!larger)
            return MOTE_ENOMEM;
        *list[i].array = larger;
    }
    file->room = room;
    return MOTE_OK;
}

static int add_row(mote_series_file *file, const mote_ssm *model, const mote_observation *row)
{
    const int64_t n = file->series.count, k = model->observation_count, inputs = model->input_count;
    int status = n < file->room ? MOTE_OK : grow(file, k, inputs);
    if (status)
        return status;
    file->time[n] = row->time;
    memcpy(file->values + n * k, row->values, (size_t)k * sizeof(double));
    if (inputs)
        memcpy(file->input + n * inputs, row->input, (size_t)inputs * sizeof(double));
    ++file->series.count;
    return MOTE_OK;
}

int mote_series_file_read(mote_series_file *file, const mote_memory *memory, const mote_ssm *model, const char *path,
                          const mote_series_names *names, char *message, size_t size)
{
    mote_series_reader reader;
    mote_observation row = { MOTE_VERSIONED(mote_observation), .time = NAN };
    *file = (mote_series_file){ .memory = memory, .series = { MOTE_VERSIONED(mote_series), .count = 0 } };
    int status = mote_series_reader_open(&reader, memory, model, path, NULL, names, message, size);
    if (status)
        return status;
    while (!status && !(status = mote_series_reader_next(&reader, &row, message, size)))
        if ((status = add_row(file, model, &row)))
            mote_fail_text(message, size, status, "%s: out of memory", path);
    mote_series_reader_close(&reader);
    if (status == MOTE_DONE)
        status = file->series.count
                     ? MOTE_OK
                     : mote_fail_text(message, size, MOTE_EPARSE, "%s: there are no rows below the names", path);
    file->series.time = file->time;
    file->series.values = file->values;
    file->series.input = model->input_count ? file->input : NULL;
    if (status)
        mote_series_file_free(file);
    return status;
}

void mote_series_file_free(mote_series_file *file)
{
    if (!file->memory)
        return;
    mote_memory_release(file->memory, file->time);
    mote_memory_release(file->memory, file->values);
    mote_memory_release(file->memory, file->input);
    *file = (mote_series_file){ .memory = NULL };
}
