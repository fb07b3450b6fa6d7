/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text files that appear whole or not at all: written under a temporary name, flushed to the disk, renamed. A failure
 * (no space, no folder) leaves an older file of that name as it was.
 *
 *     mote_table table;
 *     mote_table_open(&table, root, ".txt");
 *     for each row: mote_table_number(&table, x); ... mote_table_end_row(&table);
 *     return mote_table_close(&table);
 *
 * Errors are kept: write everything, look at the status of close. No memory is allocated. */
#ifndef MOTE_IO_TABLE_H
#define MOTE_IO_TABLE_H

#include <mote/base.h>
#include <mote/status.h>

enum { MOTE_PATH_SIZE = 4096, MOTE_TABLE_BUFFER = 16384 };

typedef struct mote_table {
    char path[MOTE_PATH_SIZE], temporary[MOTE_PATH_SIZE + 8];
    int file;          /* descriptor, -1 */
    int status;        /* the first failure */
    int error;         /* its errno */
    int64_t column;    /* of the present row */
    char separator;    /* between numbers: ' ' unless changed */
    size_t used;
    char buffer[MOTE_TABLE_BUFFER];
} mote_table;

/* root + ending is the path. */
int mote_table_open(mote_table *table, const char *root, const char *ending);

void mote_table_text(mote_table *table, const char *text);
void mote_table_format(mote_table *table, const char *format, ...) MOTE_PRINTF(2, 3); /* texts and whole numbers */
void mote_table_number(mote_table *table, double value);                              /* 17 digits, one column */
void mote_table_short(mote_table *table, double value); /* fewest digits of 15..17 that read back; no separator */
void mote_table_end_row(mote_table *table);

/* Flushes and renames. Returns the first failure; then the temporary file is gone and an older file untouched. */
int mote_table_close(mote_table *table);

/* Makes close give the file up, with MOTE_ESTATE. */
void mote_table_drop(mote_table *table);

/* Removes root + ending when it exists: an older file that does not belong to what was written now. */
int mote_table_remove(const char *root, const char *ending);

/* Sets what mote_output_message() answers in this thread and returns `status`. */
int mote_output_fail(int status, const char *format, ...) MOTE_PRINTF(2, 3);

#endif
