/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The observations of a state-space model from a table in a text file (io/csv_read.h). Columns are found by the names
 * of the model's observations and inputs, or by others that are given, and a column `time` if there is one. A file that
 * names no columns has the observations, then the inputs, in the model's order. Times increase; without the column they
 * are those of a series without times. Further columns are passed over. */
#ifndef MOTE_IO_SERIES_H
#define MOTE_IO_SERIES_H

#include <mote/ssm.h>

#include "io/csv_read.h"

/* Names in the file, separated by commas; NULL: those of the model, and "time". */
typedef struct mote_series_names {
    const char *observations, *inputs, *time;
} mote_series_names;

typedef struct mote_series_reader {
    mote_csv csv;
    const mote_ssm *model;
    int64_t *column;   /* of each observation, then of each input */
    int64_t time;      /* its column; -1 */
    int64_t count;     /* rows read */
    double last;       /* time of the last */
    double *values;    /* of the present row: observations, then inputs */
} mote_series_reader;

/* The model is borrowed; `source` is as in mote_csv_open. Errors name the file, and line and column where there are
 * such. */
int mote_series_reader_open(mote_series_reader *reader, const mote_memory *memory, const mote_ssm *model,
                            const char *path, const mote_line_source *source, const mote_series_names *names,
                            char *message, size_t size);
void mote_series_reader_close(mote_series_reader *reader);

/* The next row, valid until the next call: MOTE_OK, MOTE_DONE, or an error. */
int mote_series_reader_next(mote_series_reader *reader, mote_observation *observation, char *message, size_t size);

/* A whole file. `series` points into the arrays. */
typedef struct mote_series_file {
    const mote_memory *memory;
    mote_series series;
    double *time, *values, *input;
    int64_t room;
} mote_series_file;

int mote_series_file_read(mote_series_file *file, const mote_memory *memory, const mote_ssm *model, const char *path,
                          const mote_series_names *names, char *message, size_t size);
void mote_series_file_free(mote_series_file *file);

#endif
