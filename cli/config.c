/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote config: all keys with their defaults; one key explained; an ini file with everything in it. */
#include <string.h>

#include "cli/builtin.h"
#include "cli/cli.h"
#include "core/message.h"
#include "core/number.h"

static const char *default_of(const mote_option *option, char *text, size_t size)
{
    char number[MOTE_NUMBER_SIZE];
    if (option->type == MOTE_OPTION_TEXT)
        snprintf(text, size, "%s", option->text ? option->text : "");
    else if (option->type == MOTE_OPTION_CHOICE)
        snprintf(text, size, "%.*s", (int)strcspn(option->choices, "|"), option->choices);
    else
        snprintf(text, size, "%s", mote_number_format(number, option->standard, 15));
    return text;
}

static void print_row(const mote_option *option)
{
    char standard[128];
    printf("  %-28s %-10s %s\n", option->key, default_of(option, standard, sizeof standard), option->help);
}

static void list_run_keys(void)
{
    printf("[run]\n");
    printf("  %-28s %-10s %s\n", "model", "", "plug-in (path or name), or a built-in model: see below");
    printf("  %-28s %-10s %s\n", "sampler", "nested", "name of the sampler");
    printf("  %-28s %-10s %s\n", "output", "", "folder of the results; default: chains/NAME, from the current folder");
    printf("  %-28s %-10s %s\n", "name", "", "name of the result files; default: that of the ini file");
}

static void list_all(void)
{
    const mote_algorithm *algorithm;
    const mote_builtin *builtin;
    list_run_keys();
    algorithm = mote_algorithm_at(0);
    for (int64_t k = 0; algorithm && k < mote_algorithm_options(algorithm)->count; ++k)
        if (mote_option_is_common(mote_algorithm_options(algorithm)->options[k].key))
            print_row(&mote_algorithm_options(algorithm)->options[k]);
    for (int64_t i = 0; (algorithm = mote_algorithm_at(i)); ++i) {
        const mote_option_table *table = mote_algorithm_options(algorithm);
        printf("\n[%s]   (sampler = %s: %s)\n", table->name, table->name, mote_algorithm_help(algorithm));
        for (int64_t k = 0; k < table->count; ++k)
            if (!mote_option_is_common(table->options[k].key))
                print_row(&table->options[k]);
    }
    printf("\n[model]\n  the keys of the model. Built-in models:\n");
    for (int64_t i = 0; (builtin = mote_builtin_at(i)); ++i)
        printf("  %-28s %-10s %s\n", builtin->name, "", builtin->help);
    printf("\n[filter] also takes\n");
    printf("  %-28s %-10s %s\n", "learn", "", "sampler that learns the parameters in the filter's place, such as pmmh");
    printf("\n[data]   (series of a state-space model)\n");
    printf("  %-28s %-10s %s\n", "file", "", "table with a line of column names; -: standard input, for `mote filter`");
    printf("  %-28s %-10s %s\n", "observations", "",
           "columns of the observations, separated by commas; default: the model's names");
    printf("  %-28s %-10s %s\n", "inputs", "", "columns of the inputs");
    printf("  %-28s %-10s %s\n", "time", "time", "column of the times");
    printf("\n[parameters]\n"
           "  NAME = PRIOR NUMBERS [hard|periodic|reflective], NAME = NUMBER (fixed), NAME.label = LATEX, NAME.unit = "
           "TEXT\n"
           "  priors:");
#define PRIOR(name, text, count, arguments) printf(" %s(%s)", text, arguments);
    MOTE_PRIOR_LIST(PRIOR)
#undef PRIOR
    printf("\n\n`mote config KEY` explains one key, `mote config --dump` writes an ini file with all of them.\n");
}

/* ---- one key ----------------------------------------------------------------------------------------------------- */

typedef struct key_list {
    const char *keys[512];
    int64_t count;
} key_list;

static const char *key_at(const void *ctx, int64_t i)
{
    return ((const key_list *)ctx)->keys[i];
}

static void collect_keys(key_list *list)
{
    const mote_algorithm *algorithm;
    for (int64_t i = 0; (algorithm = mote_algorithm_at(i)); ++i) {
        const mote_option_table *table = mote_algorithm_options(algorithm);
        for (int64_t k = 0; k < table->count && list->count < 512; ++k)
            list->keys[list->count++] = table->options[k].key;
    }
}

static int explain(const char *key)
{
    const mote_option_table *table;
    char standard[128];
    const mote_option *option = mote_any_option(key, &table);
    if (!option) {
        key_list list = { .count = 0 };
        collect_keys(&list);
        const char *nearest = mote_nearest(key, list.count, key_at, &list);
        return mote_complain(MOTE_EXIT_USAGE, "config: unknown key '%s'%s%s%s", key, nearest ? "; did you mean '" : "",
                             nearest ? nearest : "", nearest ? "'?" : "");
    }
    default_of(option, standard, sizeof standard);
    printf("[%s] %s = %s\n", mote_option_is_common(key) ? "run" : table->name, key, standard);
    mote_option_print(option, stdout, "  ");
    return 0;
}

/* ---- the ini file ------------------------------------------------------------------------------------------------ */

static void dump_options(const mote_option_table *table, int common)
{
    char standard[128];
    for (int64_t i = 0; i < table->count; ++i) {
        const mote_option *option = &table->options[i];
        if (mote_option_is_common(option->key) != common)
            continue;
        mote_option_print(option, stdout, "# ");
        default_of(option, standard, sizeof standard);
        printf("%s%s = %s\n\n", *standard ? "" : "# ", option->key, standard);
    }
}

static void dump(void)
{
    const mote_algorithm *algorithm = mote_algorithm_at(0);
    printf("# Every key with its default, as mote %s knows them.\n[run]\n# plug-in, or the name of a built-in model\n"
           "model = gaussian\n\n# name of the sampler\nsampler = nested\n\n", mote_version());
    if (algorithm)
        dump_options(mote_algorithm_options(algorithm), 1);
    for (int64_t i = 0; (algorithm = mote_algorithm_at(i)); ++i) {
        printf("[%s]\n", mote_algorithm_options(algorithm)->name);
        dump_options(mote_algorithm_options(algorithm), 0);
    }
    printf("[model]\n\n[parameters]\n");
}

static int run(const mote_arguments *arguments)
{
    int code = 0;
    if (mote_argument(arguments, "dump"))
        dump();
    else if (!arguments->count)
        list_all();
    for (int i = 0; !code && i < arguments->count; ++i)
        code = explain(arguments->operands[i]);
    return code;
}

static const mote_flag flags[] = {
    { "dump", 'd', NULL, "write an ini file with every key, its default, unit and help; it reads back" },
    { NULL, 0, NULL, NULL },
};

const mote_verb mote_verb_config = {
    .name = "config",
    .operands = "[KEY...]",
    .help = "List all keys of an ini file with their defaults, or explain one",
    .flags = flags,
    .run = run,
};
