/* SPDX-License-Identifier: GPL-3.0-or-later */
/* root.paramnames and root.ranges, as GetDist, CosmoMC, cobaya, PolyChord's users and mote write them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/message.h"
#include "core/number.h"
#include "io/read.h"
#include "io/table.h"

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

static int add_name(mote_names *names, const char *name, size_t length, int derived, const char *label)
{
    int64_t n = names->count;
    mote_parameter *p = mote_memory_resize(names->memory, names->parameters, n, n + 1, sizeof *p);
    if (!p)
        return MOTE_ENOMEM;
    names->parameters = p;
    char *copy = mote_memory_allocate(names->memory, (int64_t)length + 1, 1);
    char *label_copy = mote_memory_copy_text(names->memory, label);
    if (copy)
        memcpy(copy, name, length);
    p[n] = (mote_parameter){ .name = copy, .label = label_copy, .argument = { -INFINITY, INFINITY },
                             .prior = derived ? MOTE_PRIOR_DERIVED : MOTE_PRIOR_NONE };
    ++names->count;
    names->derived += derived;
    return copy && label_copy ? MOTE_OK : MOTE_ENOMEM;
}

static int64_t find(const mote_names *names, const char *name, size_t length)
{
    for (int64_t i = 0; i < names->count; ++i)
        if (strlen(names->parameters[i].name) == length && memcmp(names->parameters[i].name, name, length) == 0)
            return i;
    return -1;
}

/* "name* label # comment"; the label defaults to the name. */
static int add_line(mote_names *names, const mote_lines *lines, char *message, size_t size)
{
    char *start = lines->line + strspn(lines->line, " \t");
    size_t length = strcspn(start, " \t"), bare = length;
    if (length == 0 || *start == '#')
        return MOTE_OK;
    int derived = start[length - 1] == '*';
    bare -= (size_t)derived;
    char *label = start + length + strspn(start + length, " \t");
    size_t end = strcspn(label, "#");
    while (end > 0 && strchr(" \t", label[end - 1]))
        --end;
    label[end] = 0;
    if (bare == 0 || find(names, start, bare) >= 0)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: %s", lines->path, (long long)lines->number,
                              bare ? "this parameter was named before" : "a name is missing");
    if (names->count == MOTE_READ_COLUMNS)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s: more than %d parameters", lines->path,
                              MOTE_READ_COLUMNS);
    if (!*label) {
        start[bare] = 0;
        label = start;
    }
    int status = add_name(names, start, bare, derived, label);
    return status ? mote_fail_text(message, size, status, "%s: out of memory", lines->path) : MOTE_OK;
}

/* Opens root + ending. MOTE_ENOENT when there is no such file. */
static int open_lines(mote_lines *lines, const mote_memory *memory, const char *root, const char *ending, char *path,
                      char *message, size_t size)
{
    if (snprintf(path, MOTE_PATH_SIZE, "%s%s", root, ending) >= MOTE_PATH_SIZE)
        return mote_fail_text(message, size, MOTE_EINVAL, "the path is longer than %d bytes", MOTE_PATH_SIZE - 1);
    return mote_lines_open(lines, memory, path, message, size);
}

int mote_names_read(mote_names *names, const char *root, char *message, size_t size)
{
    char path[MOTE_PATH_SIZE];
    mote_lines lines;
    int status = open_lines(&lines, names->memory, root, ".paramnames", path, message, size);
    if (status)
        return status == MOTE_ENOENT ? MOTE_OK : status;
    names->found = 1;
    while (status == MOTE_OK && (status = mote_lines_next(&lines, message, size)) == MOTE_OK)
        status = add_line(names, &lines, message, size);
    mote_lines_close(&lines);
    return status == MOTE_DONE ? MOTE_OK : status;
}

int mote_names_invent(mote_names *names, int64_t count)
{
    int status = MOTE_OK;
    for (int64_t i = 1; i <= count && status == MOTE_OK; ++i) {
        char name[32];
        int length = snprintf(name, sizeof name, "p%lld", (long long)i);
        status = add_name(names, name, (size_t)length, 0, name);
    }
    return status;
}

/* A bound at *cursor: a number, or N for none. */
static int read_bound(const char **cursor, double none, double *bound)
{
    const char *at = skip_blanks(*cursor);
    if ((*at == 'N' || *at == 'n') && (at[1] == 0 || strchr(" \t", at[1]))) {
        *cursor = at + 1;
        *bound = none;
        return MOTE_OK;
    }
    return mote_number_next(cursor, bound);
}

static int set_range(mote_names *names, const mote_lines *lines, char *message, size_t size)
{
    const char *start = skip_blanks(lines->line), *cursor = start + strcspn(start, " \t");
    double lower, upper;
    if (*start == 0 || *start == '#')
        return MOTE_OK;
    if (read_bound(&cursor, -INFINITY, &lower) || read_bound(&cursor, INFINITY, &upper) || !(lower <= upper))
        return mote_fail_text(message, size, MOTE_EPARSE, "%s:%lld: expected `name minimum maximum`, N for no bound",
                              lines->path, (long long)lines->number);
    int64_t i = find(names, start, strcspn(start, " \t"));
    if (i < 0 || lower == upper) /* fixed parameters are listed here too, and have no column */
        return MOTE_OK;
    names->parameters[i].argument[0] = lower;
    names->parameters[i].argument[1] = upper;
    cursor = skip_blanks(cursor);
    if ((*cursor == 'p' || *cursor == 'P' || *cursor == 't' || *cursor == 'T') && isfinite(lower) && isfinite(upper))
        names->parameters[i].boundary = MOTE_BOUNDARY_PERIODIC; /* "periodic", "True" */
    return MOTE_OK;
}

int mote_names_ranges(mote_names *names, const char *root, char *message, size_t size)
{
    char path[MOTE_PATH_SIZE];
    mote_lines lines;
    int status = open_lines(&lines, names->memory, root, ".ranges", path, message, size);
    if (status)
        return status == MOTE_ENOENT ? MOTE_OK : status;
    while (status == MOTE_OK && (status = mote_lines_next(&lines, message, size)) == MOTE_OK)
        status = set_range(names, &lines, message, size);
    mote_lines_close(&lines);
    return status == MOTE_DONE ? MOTE_OK : status;
}

int mote_names_match(mote_names *names, const char *root, const char *path, int64_t columns, int64_t others,
                     char *message, size_t size)
{
    int status = mote_names_read(names, root, message, size);
    if (status)
        return status;
    if (columns <= others)
        return mote_fail_text(message, size, MOTE_EPARSE, "%s: %lld columns: too few to hold a parameter", path,
                              (long long)columns);
    if (!names->found && mote_names_invent(names, columns - others))
        return mote_fail_text(message, size, MOTE_ENOMEM, "%s: out of memory", path);
    if (names->count + others != columns)
        return mote_fail_text(message, size, MOTE_EPARSE,
                              "%s: %lld columns, but %s.paramnames names %lld parameters: expected %lld columns%s", path,
                              (long long)columns, root, (long long)names->count, (long long)(names->count + others),
                              names->count - names->derived + others == columns
                                  ? " (the derived parameters, marked *, are not in the file)"
                                  : "");
    return mote_names_ranges(names, root, message, size);
}

void mote_names_free(mote_names *names)
{
    for (int64_t i = 0; i < names->count; ++i) {
        mote_memory_release(names->memory, (void *)(uintptr_t)names->parameters[i].name);
        mote_memory_release(names->memory, (void *)(uintptr_t)names->parameters[i].label);
    }
    mote_memory_release(names->memory, names->parameters);
    *names = (mote_names){ .memory = names->memory };
}
