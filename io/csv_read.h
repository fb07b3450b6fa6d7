/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables in text files: one row a line, columns with names. Separators: semicolon, comma, tab, or blanks, whichever the
 * first line has (looked for in this order); fields may stand in double quotes. Empty lines and lines that begin with
 * `#` are passed over; but in a table of one column, an empty line between rows is a row whose field is empty (before the
 * first row, and behind the last one, it is nothing). A first line of numbers only is a row already: the columns then
 * have no names. Messages say FILE:LINE. */
#ifndef MOTE_IO_CSV_READ_H
#define MOTE_IO_CSV_READ_H

#include "io/read.h"

typedef struct mote_csv {
    const mote_memory *memory;
    mote_lines lines;
    char separator;    /* ' ' for blanks */
    int64_t columns;
    char **names;      /* NULL: the file names no columns */
    char **fields;     /* of the present row: into the line's buffer */
    int64_t borrowed;  /* 1: the file is the caller's */
    int64_t held;      /* 1: the present line is a row that was not handed out yet */
    int64_t follows;   /* 1: a row came before; 0 again after opening, where the caller may know of earlier ones */
    int64_t empty;     /* empty lines since the last row, or since the names; of one column, rows to be handed out
                        * before the next one. The caller may add such as were read elsewhere, after opening. */
    char *field;       /* of the line that waits behind those */
} mote_csv;

/* `source`: what is open already, `path` then names it in messages; NULL: the file of that path. */
int mote_csv_open(mote_csv *csv, const mote_memory *memory, const char *path, const mote_line_source *source,
                  char *message, size_t size);
void mote_csv_close(mote_csv *csv);

/* The next row into csv->fields: MOTE_OK, MOTE_DONE at the end, what the source's before_line answered, or an error. */
int mote_csv_next(mote_csv *csv, char *message, size_t size);

/* A field of the present row as a number; NaN for a missing value: nothing, NA, or nan. */
int mote_csv_number(const mote_csv *csv, int64_t column, double *value, char *message, size_t size);

/* The column of that name; -1. */
int64_t mote_csv_find(const mote_csv *csv, const char *name);

#endif
