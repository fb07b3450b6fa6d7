/* SPDX-License-Identifier: GPL-3.0-or-later */
/* option_tables FOLDER: the manual's tables of options, priors, status codes, warnings and reasons, as reStructuredText,
 * from the lists in the headers that the library itself is made of: they cannot go stale. `make manual` includes them. */
#include <errno.h>
#include <mote/mote.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"

static int is_common(const char *key)
{
#define SAME(field, ...) if (!strcmp(key, #field)) return 1;
    MOTE_RUN_OPTIONS(SAME, SAME, SAME, SAME)
#undef SAME
    return 0;
}

static FILE *open_table(const char *folder, const char *name, const char *widths, const char *heads)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.rst", folder, name);
    FILE *out = fopen(path, "w");
    if (!out) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return NULL;
    }
    fprintf(out, ".. made by tools/option_tables.c\n\n.. list-table::\n   :header-rows: 1\n   :widths: %s\n\n%s", widths, heads);
    return out;
}

static int close_table(FILE *out)
{
    const int failed = ferror(out);
    return fclose(out) || failed;
}

/* Stars, bars and underscores that end a word mean something in reStructuredText. */
static void plain(FILE *out, const char *text)
{
    for (; *text; ++text) {
        if (strchr("*|_\\", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
    fputc('\n', out);
}

static void put_number(FILE *out, double value)
{
    char number[MOTE_NUMBER_SIZE];
    fputs(mote_number_format(number, value, 6), out);
}

static void put_standard(FILE *out, const mote_option *option)
{
    fprintf(out, "     - ");
    if (option->type == MOTE_OPTION_TEXT)
        fprintf(out, "%s", option->text ? option->text : "");
    else if (option->type == MOTE_OPTION_CHOICE)
        fprintf(out, "``%.*s``", (int)strcspn(option->choices, "|"), option->choices);
    else
        put_number(out, option->standard);
    fprintf(out, "\n");
}

static void put_range(FILE *out, const mote_option *option)
{
    fprintf(out, "     - ");
    if (option->type == MOTE_OPTION_TEXT)
        fprintf(out, "text");
    else if (option->type == MOTE_OPTION_CHOICE)
        for (const char *at = option->choices; *at; at += strcspn(at, "|") + (at[strcspn(at, "|")] == '|'))
            fprintf(out, "%s``%.*s``", at == option->choices ? "" : ", ", (int)strcspn(at, "|"), at);
    else {
        put_number(out, option->minimum);
        fprintf(out, " to ");
        put_number(out, option->maximum);
        fprintf(out, " %s", option->unit);
    }
    fprintf(out, "\n");
}

static int write_options(const char *folder, const char *name, const mote_option_table *table, int common)
{
    FILE *out = open_table(folder, name, "24 12 24 40", "   * - key\n     - default\n     - values\n     - meaning\n");
    if (!out)
        return 1;
    for (int64_t i = 0; i < table->count; ++i) {
        const mote_option *option = table->options + i;
        if (is_common(option->key) != common)
            continue;
        fprintf(out, "   * - ``%s``\n", option->key);
        put_standard(out, option);
        put_range(out, option);
        fprintf(out, "     - ");
        plain(out, option->help);
    }
    return close_table(out);
}

static int write_algorithms(const char *folder)
{
    char name[128];
    int failed = write_options(folder, "options_run", mote_algorithm_options(mote_algorithm_at(0)), 1);
    for (int64_t i = 0; mote_algorithm_at(i); ++i) {
        const mote_option_table *table = mote_algorithm_options(mote_algorithm_at(i));
        snprintf(name, sizeof name, "options_%s", table->name);
        failed |= write_options(folder, name, table, 0);
    }
    return failed;
}

static int write_priors(const char *folder)
{
    FILE *out = open_table(folder, "priors", "30 30 40", "   * - ini\n     - arguments\n     - C\n");
    if (!out)
        return 1;
#define PRIOR(name, text, count, arguments) \
    fprintf(out, "   * - ``%s``\n     - %s\n     - ``MOTE_%s(name%s ...)``\n", text, arguments, #name, (count) ? ", ..." : "");
    MOTE_PRIOR_LIST(PRIOR)
#undef PRIOR
    return close_table(out);
}

static int write_codes(const char *folder)
{
    FILE *out = open_table(folder, "status", "30 10 60", "   * - name\n     - code\n     - meaning\n");
    if (!out)
        return 1;
#define ROW(name, value, text) fprintf(out, "   * - ``MOTE_%s``\n     - %d\n     - %s\n", #name, value, text);
    MOTE_STATUS_LIST(ROW)
#undef ROW
    int failed = close_table(out);
    out = open_table(folder, "reasons", "35 10 55", "   * - name\n     - number\n     - meaning\n");
    if (!out)
        return 1;
#define ROW(name, value, text) fprintf(out, "   * - ``MOTE_REASON_%s``\n     - %d\n     - %s\n", #name, value, text);
    MOTE_REASON_LIST(ROW)
#undef ROW
    return failed | close_table(out);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: option_tables FOLDER\n");
        return 64;
    }
    return write_algorithms(argv[1]) || write_priors(argv[1]) || write_codes(argv[1]) ? 74 : 0;
}
