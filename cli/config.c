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

/* Keys that are no option of an algorithm. */
typedef struct plain_key {
    const char *section, *key, *standard, *help;
} plain_key;

static const plain_key plain_keys[] = {
    { "run", "model", "", "plug-in (path or name), or a built-in model: see below" },
    { "run", "sampler", "nested", "name of the sampler" },
    { "run", "output", "", "folder of the results; default: chains/NAME, from the current folder" },
    { "run", "name", "", "name of the result files; default: that of the ini file" },
    { "filter", "learn", "", "sampler that learns the parameters in the filter's place, such as pmmh" },
    { "data", "file", "", "table with a line of column names; -: standard input, for `mote filter`" },
    { "data", "observations", "", "columns of the observations, separated by commas; default: the model's names" },
    { "data", "inputs", "", "columns of the inputs" },
    { "data", "time", "time", "column of the times" },
};
enum { PLAIN_KEYS = sizeof plain_keys / sizeof *plain_keys };

static void list_plain(const char *section)
{
    for (int i = 0; i < PLAIN_KEYS; ++i)
        if (!strcmp(plain_keys[i].section, section))
            printf("  %-28s %-10s %s\n", plain_keys[i].key, plain_keys[i].standard, plain_keys[i].help);
}

static void list_all(void)
{
    const mote_algorithm *algorithm;
    const mote_builtin *builtin;
    printf("[run]\n");
    list_plain("run");
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
    list_plain("filter");
    printf("\n[data]   (series of a state-space model)\n");
    list_plain("data");
    printf("\n[parameters]\n"
           "  NAME = PRIOR NUMBERS [hard|periodic|reflective], NAME = NUMBER (fixed), NAME.label = LATEX, NAME.unit = "
           "TEXT\n"
           "  priors:");
#define PRIOR(name, text, count, arguments) printf(" %s(%s)", text, arguments);
    MOTE_PRIOR_LIST(PRIOR)
#undef PRIOR
    printf("\n\n`mote config KEY` or SECTION.KEY explains one key, `mote config --dump` writes an ini file with all of "
           "them.\n");
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
    for (int i = 0; i < PLAIN_KEYS; ++i)
        list->keys[list->count++] = plain_keys[i].key;
    for (int64_t i = 0; (algorithm = mote_algorithm_at(i)); ++i) {
        const mote_option_table *table = mote_algorithm_options(algorithm);
        for (int64_t k = 0; k < table->count && list->count < 512; ++k)
            list->keys[list->count++] = table->options[k].key;
    }
}

/* The section that was asked for, of any length; NULL: any section. [smooth] is another name of [smoother]. */
static int is_meant(const char *asked, size_t length, const char *section)
{
    return !asked || (strlen(section) == length && !strncmp(asked, section, length)) ||
           (!strcmp(section, "smoother") && length == 6 && !strncmp(asked, "smooth", length));
}

static int explain_plain(const char *asked, size_t length, const char *key)
{
    int found = 0;
    for (int i = 0; i < PLAIN_KEYS; ++i) {
        const plain_key *plain = &plain_keys[i];
        if (strcmp(plain->key, key) != 0 || !is_meant(asked, length, plain->section))
            continue;
        printf("[%s] %s = %s\n  %s\n  (text)\n", plain->section, key, plain->standard, plain->help);
        ++found;
    }
    return found;
}

/* An option that all samplers share stands in [run], once; another one in the section of each sampler that has it. */
static int explain_options(const char *asked, size_t length, const char *key)
{
    const mote_algorithm *algorithm;
    const int common = mote_option_is_common(key);
    char standard[128];
    int found = 0;
    for (int64_t i = 0; (algorithm = mote_algorithm_at(i)) && !(common && found); ++i) {
        const mote_option_table *table = mote_algorithm_options(algorithm);
        const mote_option *option = mote_option_find(table, key);
        if (!option || !is_meant(asked, length, common ? "run" : table->name))
            continue;
        default_of(option, standard, sizeof standard);
        printf("[%s] %s = %s\n", common ? "run" : table->name, key, standard);
        mote_option_print(option, stdout, "  ");
        ++found;
    }
    return found;
}

static int explain(const char *text)
{
    const char *dot = strchr(text, '.'), *asked = dot ? text : NULL, *key = dot ? dot + 1 : text;
    const size_t length = dot ? (size_t)(dot - text) : 0;
    if (explain_plain(asked, length, key) + explain_options(asked, length, key))
        return 0;
    if (dot && explain_options(NULL, 0, key) + explain_plain(NULL, 0, key))
        return mote_complain(MOTE_EXIT_USAGE, "config: section [%.*s] has no key '%s'; the above have", (int)length,
                             text, key);
    key_list list = { .count = 0 };
    collect_keys(&list);
    const char *nearest = mote_nearest(key, list.count, key_at, &list);
    return mote_complain(MOTE_EXIT_USAGE, "config: unknown key '%s'%s%s%s", text, nearest ? "; did you mean '" : "",
                         nearest ? nearest : "", nearest ? "'?" : "");
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
    .operands = "[[SECTION.]KEY...]",
    .help = "List all keys of an ini file with their defaults, or explain one",
    .flags = flags,
    .run = run,
};
