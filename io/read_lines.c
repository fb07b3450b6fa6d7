/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines and rows of numbers from text files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/message.h"
#include "core/number.h"
#include "io/read.h"

int mote_lines_open(mote_lines *lines, const mote_memory *memory, const char *path, char *message, size_t size)
{
    *lines = (mote_lines){ .memory = memory, .path = path };
    lines->file = fopen(path, "r");
    if (!lines->file) {
        char reason[256] = "";
        int error = errno;
        if (strerror_r(error, reason, sizeof reason))
            snprintf(reason, sizeof reason, "error %d", error);
        return mote_fail_text(message, size, error == ENOENT ? MOTE_ENOENT : error == ENOMEM ? MOTE_ENOMEM : MOTE_EIO,
                              "%s: %s", path, reason);
    }
    return MOTE_OK;
}

static int grow(mote_lines *lines, char *message, size_t size)
{
    int64_t room = lines->room ? 2 * lines->room : 4096;
    if (room > MOTE_READ_LINE)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: the line is longer than %d bytes", lines->path,
                              (long long)lines->number, MOTE_READ_LINE / 2);
    char *line = mote_memory_resize(lines->memory, lines->line, lines->room, room, 1);
    if (!line)
        return mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", lines->path);
    lines->line = line;
    lines->room = room;
    return MOTE_OK;
}

int mote_lines_next(mote_lines *lines, char *message, size_t size)
{
    int64_t used = 0;
    int c, before = lines->before_line ? lines->before_line(lines->ctx) : MOTE_OK;
    if (before)
        return before;
    ++lines->number;
    while ((c = getc(lines->file)) != EOF && c != '\n') {
        int status = used + 2 > lines->room ? grow(lines, message, size) : MOTE_OK;
        if (status)
            return status;
        if (c == 0)
            return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: this is not a text file", lines->path,
                                  (long long)lines->number);
        lines->line[used++] = (char)c;
    }
    if (ferror(lines->file))
        return mote_fail_text(message, size, MOTE_EIO, "%s:%lld: the file cannot be read", lines->path,
                              (long long)lines->number);
    if (c == EOF && used == 0)
        return MOTE_DONE;
    if (used == 0 && lines->room == 0)
        return grow(lines, message, size);
    while (used > 0 && lines->line[used - 1] == '\r')
        --used;
    lines->line[used] = 0;
    return MOTE_OK;
}

void mote_lines_close(mote_lines *lines)
{
    if (lines->file)
        fclose(lines->file);
    mote_memory_release(lines->memory, lines->line);
    lines->file = NULL;
    lines->line = NULL;
}

static int make_room(mote_number_rows *rows, int64_t more, const char *path, char *message, size_t size)
{
    int64_t used = rows->rows * rows->columns, room = 2 * rows->room + 4096 + more;
    if (used + more <= rows->room)
        return MOTE_OK;
    if (used + more > MOTE_READ_VALUES)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s: more than %d numbers", path, MOTE_READ_VALUES);
    double *values = mote_memory_resize(rows->memory, rows->values, rows->room, room, sizeof *values);
    if (!values)
        return mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", path);
    rows->values = values;
    rows->room = room;
    return MOTE_OK;
}

/* Numbers of one line into `numbers`; their count, or -1 with a message. */
static int64_t read_numbers(const mote_lines *lines, double *numbers, char *message, size_t size)
{
    const char *cursor = lines->line;
    int64_t n = 0;
    for (;;) {
        double value;
        int status = mote_number_next(&cursor, &value);
        if (status == MOTE_DONE)
            return n;
        if (status || n == MOTE_READ_COLUMNS) {
            mote_fail_text(message, size, MOTE_EPARSE,
                           status ? "%s:%lld: column %lld is not a number" : "%s:%lld: more than %lld columns",
                           lines->path, (long long)lines->number, (long long)(n + (status != 0)));
            return -1;
        }
        numbers[n++] = value;
    }
}

/* One line: its numbers, if any, become a row. */
static int add_line(mote_number_rows *rows, mote_lines *lines, double *numbers, char *message, size_t size)
{
    lines->line[strcspn(lines->line, "#")] = 0;
    int64_t n = read_numbers(lines, numbers, message, size);
    if (n <= 0)
        return n < 0 ? MOTE_EPARSE : MOTE_OK;
    if (rows->columns == 0)
        rows->columns = n;
    if (n != rows->columns)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: %lld columns, but the rows before have %lld",
                              lines->path, (long long)lines->number, (long long)n, (long long)rows->columns);
    int status = make_room(rows, n, lines->path, message, size);
    if (status == MOTE_OK)
        memcpy(rows->values + rows->rows++ * n, numbers, (size_t)n * sizeof *numbers);
    return status;
}

int mote_rows_read(mote_number_rows *rows, const char *path, char *message, size_t size)
{
    mote_lines lines;
    int status = mote_lines_open(&lines, rows->memory, path, message, size);
    if (status)
        return status;
    double *numbers = mote_memory_allocate(rows->memory, MOTE_READ_COLUMNS, sizeof *numbers);
    if (!numbers)
        status = mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", path);
    while (status == MOTE_OK && (status = mote_lines_next(&lines, message, size)) == MOTE_OK)
        status = add_line(rows, &lines, numbers, message, size);
    mote_memory_release(rows->memory, numbers);
    mote_lines_close(&lines);
    return status == MOTE_DONE ? MOTE_OK : status;
}

void mote_rows_free(mote_number_rows *rows)
{
    mote_memory_release(rows->memory, rows->values);
    rows->values = NULL;
}
