/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/table.h"

#include <errno.h>
#include <fcntl.h>
#include <mote/output.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/message.h"
#include "core/number.h"

static _Thread_local mote_message last_failure;

const char *mote_output_message(void)
{
    return last_failure.text;
}

int mote_output_fail(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_failure.text, sizeof last_failure.text, format, arguments);
    va_end(arguments);
    return status;
}

static int fail_path(const char *path, int error)
{
    char reason[256];
    if (strerror_r(error, reason, sizeof reason))
        snprintf(reason, sizeof reason, "error %d", error);
    return mote_output_fail(error == ENOENT ? MOTE_ENOENT : MOTE_EIO, "%s: %s", path, reason);
}

static void keep_error(mote_table *table, int error)
{
    if (!table->status) {
        table->error = error;
        table->status = error == ENOENT ? MOTE_ENOENT : MOTE_EIO;
    }
}

int mote_table_open(mote_table *table, const char *root, const char *ending)
{
    table->file = -1;
    table->status = table->error = 0;
    table->column = 0;
    table->used = 0;
    table->separator = ' ';
    if (!root || !*root || snprintf(table->path, sizeof table->path, "%s%s", root, ending) >= MOTE_PATH_SIZE) {
        table->path[0] = 0;
        return table->status = mote_output_fail(MOTE_EINVAL, "the path of an output file is empty or longer than %d bytes",
                                                MOTE_PATH_SIZE - 1);
    }
    snprintf(table->temporary, sizeof table->temporary, "%s.part", table->path);
    table->file = open(table->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (table->file < 0)
        keep_error(table, errno);
    return table->status ? fail_path(table->path, table->error) : MOTE_OK;
}

static void flush(mote_table *table)
{
    size_t done = 0;
    while (done < table->used && !table->status) {
        ssize_t n = write(table->file, table->buffer + done, table->used - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            keep_error(table, errno);
    }
    table->used = 0;
}

static void put(mote_table *table, const char *text, size_t n)
{
    while (n && !table->status) {
        size_t room = MOTE_TABLE_BUFFER - table->used, part = n < room ? n : room;
        memcpy(table->buffer + table->used, text, part);
        table->used += part;
        text += part;
        n -= part;
        if (table->used == MOTE_TABLE_BUFFER)
            flush(table);
    }
}

void mote_table_text(mote_table *table, const char *text)
{
    put(table, text, strlen(text));
}

void mote_table_format(mote_table *table, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    mote_table_text(table, text);
}

void mote_table_number(mote_table *table, double value)
{
    char text[MOTE_NUMBER_SIZE];
    if (table->column++)
        put(table, &table->separator, 1);
    mote_table_text(table, mote_number_format(text, value, 17));
}

void mote_table_short(mote_table *table, double value)
{
    char text[MOTE_NUMBER_SIZE];
    mote_table_text(table, mote_number_format_shortest(text, value));
}

void mote_table_end_row(mote_table *table)
{
    put(table, "\n", 1);
    table->column = 0;
}

/* The new name is on the disk only when its folder is. Some file systems refuse to flush folders: no failure. */
static void flush_folder(const char *path)
{
    char folder[MOTE_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int file = open(folder, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)fsync(file);
        close(file);
    }
}

int mote_table_close(mote_table *table)
{
    if (table->file < 0)
        return table->status ? table->status : MOTE_ESTATE;
    flush(table);
    if (!table->status && fsync(table->file) && errno != EINVAL && errno != EROFS)
        keep_error(table, errno);
    if (close(table->file))
        keep_error(table, errno);
    table->file = -1;
    if (!table->status && rename(table->temporary, table->path))
        keep_error(table, errno);
    if (table->status) {
        unlink(table->temporary);
        return fail_path(table->path, table->error);
    }
    flush_folder(table->path);
    return MOTE_OK;
}

void mote_table_drop(mote_table *table)
{
    if (!table->status)
        table->status = MOTE_ESTATE;
}

int mote_table_remove(const char *root, const char *ending)
{
    char path[MOTE_PATH_SIZE];
    if (snprintf(path, sizeof path, "%s%s", root, ending) >= MOTE_PATH_SIZE)
        return mote_output_fail(MOTE_EINVAL, "the path of an output file is longer than %d bytes", MOTE_PATH_SIZE - 1);
    if (unlink(path) && errno != ENOENT)
        return fail_path(path, errno);
    return MOTE_OK;
}
