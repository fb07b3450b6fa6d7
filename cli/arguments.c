/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Flags by getopt_long. The long options are made from the verb's flags and, where a verb asks for it, from the option
 * tables of all samplers: `live_points = 500` in a file is `--live-points 500` here. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/message.h"

enum { MOST_FLAGS = 512, NAME_SIZE = 64, FIRST_CODE = 1000 };

/* The long options of a verb; entry i has the code FIRST_CODE + i. */
typedef struct flag_list {
    struct option options[MOST_FLAGS + 1];
    char names[MOST_FLAGS][NAME_SIZE];
    const char *keys[MOST_FLAGS];
    const mote_option_table *tables[MOST_FLAGS]; /* NULL: a flag of the verb */
    int letters[MOST_FLAGS];
    int count;
    char short_form[2 * MOST_FLAGS];
} flag_list;

static void add(flag_list *list, const char *key, int letter, int has_value, const mote_option_table *table)
{
    const int i = list->count;
    if (i == MOST_FLAGS)
        return;
    for (int k = 0; k < i; ++k)
        if (!strcmp(list->keys[k], key))
            return; /* a common option: it stands in every table */
    size_t length = 0;
    for (; key[length] && length < NAME_SIZE - 1; ++length)
        list->names[i][length] = (char)(key[length] == '_' ? '-' : key[length]);
    list->names[i][length] = '\0';
    list->keys[i] = key;
    list->tables[i] = table;
    list->letters[i] = letter;
    list->options[i].name = list->names[i];
    list->options[i].has_arg = has_value ? required_argument : no_argument;
    list->options[i].val = FIRST_CODE + i;
    if (letter) {
        const size_t end = strlen(list->short_form);
        list->short_form[end] = (char)letter;
        list->short_form[end + 1] = has_value ? ':' : '\0';
    }
    ++list->count;
}

static void make_list(flag_list *list, const mote_verb *verb)
{
    const mote_algorithm *algorithm;
    list->short_form[0] = ':'; /* a missing value is told apart from an unknown flag */
    add(list, "help", 'h', 0, NULL);
    for (const mote_flag *flag = verb->flags; flag && flag->name; ++flag)
        add(list, flag->name, flag->letter, flag->argument != NULL, NULL);
    for (int64_t i = 0; verb->has_options && (algorithm = mote_algorithm_at(i)); ++i) {
        const mote_option_table *table = mote_algorithm_options(algorithm);
        for (int64_t k = 0; k < table->count; ++k)
            add(list, table->options[k].key, 0, 1, table);
    }
}

static int find_code(const flag_list *list, int code)
{
    if (code >= FIRST_CODE)
        return code - FIRST_CODE;
    for (int i = 0; i < list->count; ++i)
        if (list->letters[i] && list->letters[i] == code)
            return i;
    return -1;
}

static const char *list_name(const void *ctx, int64_t i)
{
    return ((const flag_list *)ctx)->names[i];
}

static int unknown_flag(const flag_list *list, const mote_verb *verb, const char *text)
{
    char name[NAME_SIZE];
    size_t length = strcspn(text, "=");
    text += strspn(text, "-");
    length = strcspn(text, "=");
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    const char *nearest = mote_nearest(name, list->count, list_name, list);
    if (nearest)
        return mote_complain(MOTE_EXIT_USAGE, "%s: unknown flag '--%s'; did you mean '--%s'?", verb->name, name, nearest);
    return mote_complain(MOTE_EXIT_USAGE, "%s: unknown flag '%s%s'; `mote %s --help` lists them", verb->name,
                         length > 1 ? "--" : "-", name, verb->name);
}

static int parse(mote_arguments *arguments, flag_list *list, int argc, char **argv)
{
    int code;
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, list->short_form, list->options, NULL)) != -1) {
        const char *text = argv[optind > 1 ? optind - 1 : 1];
        if (code == ':')
            return mote_complain(MOTE_EXIT_USAGE, "%s: '%s' needs a value", arguments->verb->name, text);
        if (code == '?')
            return unknown_flag(list, arguments->verb, text);
        const int i = find_code(list, code);
        struct mote_given *given = &arguments->given[arguments->given_count++];
        given->name = list->keys[i];
        given->value = optarg ? optarg : "";
        given->table = list->tables[i];
    }
    arguments->count = argc - optind;
    arguments->operands = argv + optind;
    return 0;
}

int mote_arguments_parse(mote_arguments *arguments, const mote_verb *verb, int argc, char **argv)
{
    flag_list *list = calloc(1, sizeof *list);
    arguments->verb = verb;
    arguments->given = calloc((size_t)argc + 1, sizeof *arguments->given);
    int code = MOTE_EXIT_INTERNAL;
    if (!list || !arguments->given)
        mote_complain(code, "%s", mote_strerror(MOTE_ENOMEM));
    else {
        make_list(list, verb);
        code = parse(arguments, list, argc, argv);
    }
    free(list);
    return code;
}

void mote_arguments_free(mote_arguments *arguments)
{
    free(arguments->given);
    arguments->given = NULL;
}

const char *mote_argument(const mote_arguments *arguments, const char *name)
{
    for (int i = arguments->given_count; i-- > 0;)
        if (!arguments->given[i].table && !strcmp(arguments->given[i].name, name))
            return arguments->given[i].value;
    return NULL;
}

void mote_verb_help(const mote_verb *verb, FILE *out)
{
    fprintf(out, "usage: mote %s [FLAGS] %s\n\n%s.\n", verb->name, verb->operands, verb->help);
    if (verb->details)
        fprintf(out, "\n%s\n", verb->details);
    fputc('\n', out);
    for (const mote_flag *flag = verb->flags; flag && flag->name; ++flag) {
        char left[80];
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", flag->letter ? '-' : ' ', flag->letter ? flag->letter : ' ',
                 flag->letter ? ", " : "  ", flag->name, flag->argument ? " " : "", flag->argument ? flag->argument : "");
        fprintf(out, "  %-28s %s\n", left, flag->help);
    }
    fprintf(out, "  %-28s %s\n", "-h, --help", "this text");
    if (!verb->has_options)
        return;
    fprintf(out, "\nEvery option of an ini file is a flag as well, with dashes: --live-points 1000, --seed 7.\n"
                 "`mote config` lists them, `mote config live_points` explains one.\n");
}
