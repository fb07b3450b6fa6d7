/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/csv_read.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/message.h"
#include "core/number.h"

static const char *path_of(const mote_csv *csv)
{
    return csv->lines.path;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- fields ---- */

static char separator_of(const char *line)
{
    return strchr(line, ';') ? ';' : strchr(line, ',') ? ',' : strchr(line, '\t') ? '\t' : ' ';
}

/* Ends the field that begins at *at, without its blanks and quotes; moves *at behind its separator, NULL at the end. */
static char *take_field(char **at, char separator)
{
    char *start = *at, *end;
    while (is_blank(*start) && (separator == ' ' || *start != separator))
        ++start;
    if (*start == '"' && (end = strchr(start + 1, '"'))) {
        ++start;
        *end++ = '\0';
        end += separator == ' ' ? strcspn(end, " \t") : strcspn(end, (char[]){ separator, '\0' });
    } else {
        end = start + (separator == ' ' ? strcspn(start, " \t") : strcspn(start, (char[]){ separator, '\0' }));
    }
    *at = *end ? end + 1 : NULL;
    while (end > start && is_blank(end[-1]))
        --end;
    *end = '\0';
    if (separator == ' ' && *at && !(*at)[strspn(*at, " \t")])
        *at = NULL;
    return start;
}

/* Fields of the line, at most `most` of them are kept; their number. */
static int64_t split(char *line, char separator, char **fields, int64_t most)
{
    int64_t n = 0;
    for (char *at = line; at; ++n) {
        char *field = take_field(&at, separator);
        if (n < most)
            fields[n] = field;
    }
    return n;
}

/* The next line that says something; empty ones on the way are counted, on top of those counted before. */
static int next_line(mote_csv *csv, char *message, size_t size)
{
    for (;;) {
        const int status = mote_lines_next(&csv->lines, message, size);
        if (status)
            return status;
        const int empty = !csv->lines.line[strspn(csv->lines.line, " \t")];
        if (!empty && csv->lines.line[0] != '#')
            return MOTE_OK;
        csv->empty += empty;
    }
}

/* ---- the first line ---- */

static int is_missing(const char *text)
{
    return !*text || !strcasecmp(text, "na") || !strcasecmp(text, "nan");
}

static int all_numbers(const mote_csv *csv)
{
    double value;
    for (int64_t k = 0; k < csv->columns; ++k)
        if (!is_missing(csv->fields[k]) && mote_number_parse(csv->fields[k], &value))
            return 0;
    return 1;
}

static int keep_names(mote_csv *csv, char *message, size_t size)
{
    csv->names = mote_memory_allocate(csv->memory, csv->columns, sizeof *csv->names);
    if (!csv->names)
        return mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", path_of(csv));
    for (int64_t k = 0; k < csv->columns; ++k) {
        for (int64_t j = 0; j < k; ++j)
            if (!strcmp(csv->names[j], csv->fields[k]))
                return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: two columns have the name '%s'",
                                      path_of(csv), (long long)csv->lines.number, csv->fields[k]);
        if (!(csv->names[k] = mote_memory_copy_text(csv->memory, csv->fields[k])))
            return mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", path_of(csv));
    }
    return MOTE_OK;
}

static int read_first(mote_csv *csv, char *message, size_t size)
{
    int status = next_line(csv, message, size);
    if (status)
        return status == MOTE_DONE ? mote_fail_text(message, size, MOTE_EPARSE, "%s: the file is empty", path_of(csv))
                                   : status;
    if (!strncmp(csv->lines.line, "\xEF\xBB\xBF", 3)) /* the mark of UTF-8 that some programs write */
        memmove(csv->lines.line, csv->lines.line + 3, strlen(csv->lines.line + 3) + 1);
    csv->separator = separator_of(csv->lines.line);
    csv->fields = mote_memory_allocate(csv->memory, MOTE_READ_COLUMNS, sizeof *csv->fields);
    if (!csv->fields)
        return mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", path_of(csv));
    csv->columns = split(csv->lines.line, csv->separator, csv->fields, MOTE_READ_COLUMNS);
    if (csv->columns > MOTE_READ_COLUMNS)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: more than %d columns", path_of(csv),
                              (long long)csv->lines.number, MOTE_READ_COLUMNS);
    csv->held = all_numbers(csv);
    csv->field = csv->columns == 1 ? csv->fields[0] : NULL;
    csv->empty = csv->held ? csv->empty : 0;
    return csv->held ? MOTE_OK : keep_names(csv, message, size);
}

int mote_csv_open(mote_csv *csv, const mote_memory *memory, const char *path, const mote_line_source *source,
                  char *message, size_t size)
{
    *csv = (mote_csv){ .memory = memory, .borrowed = source != NULL, .lines = { .memory = memory, .path = path } };
    if (source) {
        csv->lines.file = source->file;
        csv->lines.before_line = source->before_line;
        csv->lines.ctx = source->ctx;
    }
    int status = source ? MOTE_OK : mote_lines_open(&csv->lines, memory, path, message, size);
    status = status ? status : read_first(csv, message, size);
    if (status)
        mote_csv_close(csv);
    return status;
}

void mote_csv_close(mote_csv *csv)
{
    if (!csv->memory)
        return;
    if (csv->borrowed)
        csv->lines.file = NULL;
    mote_lines_close(&csv->lines);
    for (int64_t k = 0; csv->names && k < csv->columns; ++k)
        mote_memory_release(csv->memory, csv->names[k]);
    mote_memory_release(csv->memory, csv->names);
    mote_memory_release(csv->memory, csv->fields);
    csv->names = csv->fields = NULL;
}

/* ---- rows ---- */

/* An empty line, or the row behind such lines, after which the next is read from the file. */
static void hand_out(mote_csv *csv)
{
    static char nothing[] = "";
    if (csv->field)
        csv->fields[0] = csv->empty ? nothing : csv->field;
    csv->held = csv->empty > 0;
    csv->empty -= csv->empty > 0;
    csv->field = csv->held ? csv->field : NULL;
}

static int read_row(mote_csv *csv, char *message, size_t size)
{
    int status = next_line(csv, message, size);
    if (status)
        return status;
    const int64_t n = split(csv->lines.line, csv->separator, csv->fields, csv->columns);
    if (n != csv->columns)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: %lld columns, but the first line has %lld",
                              path_of(csv), (long long)csv->lines.number, (long long)n, (long long)csv->columns);
    csv->field = csv->columns == 1 ? csv->fields[0] : NULL;
    return MOTE_OK;
}

int mote_csv_next(mote_csv *csv, char *message, size_t size)
{
    const int status = csv->held ? MOTE_OK : read_row(csv, message, size);
    if (status)
        return status;
    if (!csv->follows || csv->columns > 1)
        csv->empty = 0;
    csv->follows = 1;
    hand_out(csv);
    return MOTE_OK;
}

int mote_csv_number(const mote_csv *csv, int64_t column, double *value, char *message, size_t size)
{
    const char *text = csv->fields[column];
    *value = NAN;
    if (is_missing(text) || (!mote_number_parse(text, value) && isfinite(*value)))
        return MOTE_OK;
    return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: column %lld%s%s%s: '%.60s' is not a finite number",
                          path_of(csv), (long long)csv->lines.number, (long long)column + 1, csv->names ? " (" : "",
                          csv->names ? csv->names[column] : "", csv->names ? ")" : "", text);
}

int64_t mote_csv_find(const mote_csv *csv, const char *name)
{
    for (int64_t k = 0; csv->names && k < csv->columns; ++k)
        if (!strcmp(csv->names[k], name))
            return k;
    return -1;
}
