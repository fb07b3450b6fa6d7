/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading result files, our own and other codes', back into draws. Files are not trusted: sizes are bounded, counts are
 * checked, and a message names file and line. */
#ifndef MOTE_IO_READ_H
#define MOTE_IO_READ_H

#include "core/memory.h"
#include "model/draws.h"

enum {
    MOTE_READ_LINE = 1 << 20,     /* longest line, bytes */
    MOTE_READ_COLUMNS = 4096,     /* most columns */
    MOTE_READ_VALUES = 1 << 30,   /* most numbers in all files of a root */
    MOTE_READ_CHAINS = 1000       /* most files root_1.txt, root_2.txt, ... */
};

/* Draws of a root: root_dead-birth.txt when there is one, else root.txt or root_1.txt, root_2.txt, ... (or root.1.txt,
 * ...). Names and ranges come from root.paramnames and root.ranges. Sampled parameters have the prior NONE, with their
 * range as arguments. `memory` must outlive the draws; free with mote_draws_free. */
int mote_draws_read(mote_draws **draws, const mote_memory *memory, const char *root, char *message, size_t size);

/* The two formats. GetDist: log_likelihood is minus column 2, whatever its writer put there (mote: log posterior
 * density). Nothing is taken for burn-in. anesthetic: live counts, weights and log-evidence are computed from the births
 * at mean volumes; the error of the log-evidence is NaN. */
int mote_draws_read_getdist(mote_draws **draws, const mote_memory *memory, const char *root, char *message, size_t size);
int mote_draws_read_anesthetic(mote_draws **draws, const mote_memory *memory, const char *root, char *message,
                               size_t size);

/* ---- shared by the readers ---- */

/* Rows of numbers, all of `columns` values; `#` starts a comment. */
typedef struct mote_number_rows {
    const mote_memory *memory;
    double *values;
    int64_t rows, columns, room;
} mote_number_rows;

/* Appends the rows of a file; columns = 0: the first row decides.
 * MOTE_ENOENT without a message when the file does not exist. */
int mote_rows_read(mote_number_rows *rows, const char *path, char *message, size_t size);
void mote_rows_free(mote_number_rows *rows);

/* Parameters of root.paramnames and root.ranges. Without the first file they are p1 ... p<count>. */
typedef struct mote_names {
    const mote_memory *memory;
    mote_parameter *parameters; /* texts owned */
    int64_t count, derived;
    int64_t found;              /* 1: there is a .paramnames file */
} mote_names;

int mote_names_read(mote_names *names, const char *root, char *message, size_t size);
int mote_names_invent(mote_names *names, int64_t count);
int mote_names_ranges(mote_names *names, const char *root, char *message, size_t size);
void mote_names_free(mote_names *names);

/* Names for rows of `columns` numbers of which `others` are no parameters; counts must agree. */
int mote_names_match(mote_names *names, const char *root, const char *path, int64_t columns, int64_t others,
                     char *message, size_t size);

/* A file that is open already, and stays so. `before_line`, where there is one, is called before the first byte of each
 * line is asked for: anything but MOTE_OK is the answer in place of the line, of which nothing has been read. */
typedef struct mote_line_source {
    void *file;
    int (*before_line)(void *ctx);
    void *ctx;
} mote_line_source;

/* One line of a text file without its end: MOTE_OK, MOTE_DONE at the end of the file, or an error. */
typedef struct mote_lines {
    const mote_memory *memory;
    const char *path;
    void *file;
    int (*before_line)(void *ctx);
    void *ctx;
    char *line;
    int64_t room, number;
} mote_lines;

int mote_lines_open(mote_lines *lines, const mote_memory *memory, const char *path, char *message, size_t size);
int mote_lines_next(mote_lines *lines, char *message, size_t size);
void mote_lines_close(mote_lines *lines);

#endif
