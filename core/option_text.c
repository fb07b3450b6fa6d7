/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options as text: the identity of a run ("key=value" lines) and a commented ini section. */
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/option.h"

/* Longest numeric value or choice with its zero; texts are written from where they are. */
enum { VALUE_SIZE = 64, LINE_SIZE = 1024 };

/* The value of an option, in `scratch` or where it is. */
static const char *value_of(const mote_option_table *table, const mote_option *option, const void *options,
                            char scratch[VALUE_SIZE])
{
    if (option->type == MOTE_OPTION_TEXT) {
        const char *text = options ? mote_option_text(option, options) : NULL;
        return text ? text : option->text ? option->text : "";
    }
    *scratch = '\0';
    if (option->type == MOTE_OPTION_CHOICE)
        mote_choice_name(option->choices, options ? mote_option_integer(option, options) : 0, scratch, VALUE_SIZE);
    else if (options)
        mote_option_get(table, options, option->key, scratch, VALUE_SIZE);
    else
        mote_number_format_shortest(scratch, option->standard);
    return scratch;
}

static int is_default(const mote_option_table *table, const mote_option *option, const void *options)
{
    char scratch[VALUE_SIZE], standard[VALUE_SIZE];
    if (!options)
        return 1;
    if (option->type == MOTE_OPTION_INTEGER) {
        int64_t value = mote_option_integer(option, options);
        return !value || value == (int64_t)option->standard;
    }
    return !strcmp(value_of(table, option, options, scratch), value_of(table, option, NULL, standard));
}

static int is_skipped(const char *key, const char *const *skip)
{
    for (; skip && *skip; ++skip)
        if (!strcmp(*skip, key))
            return 1;
    return 0;
}

/* Writes the lines to `text` (NULL: only counts) and returns their length without the closing zero. */
static size_t write_lines(const mote_option_table *table, const void *options, const char *const *skip, char *text)
{
    char scratch[VALUE_SIZE];
    size_t length = 0;
    for (int64_t i = 0; i < table->count; ++i) {
        const mote_option *option = &table->options[i];
        if (is_skipped(option->key, skip) || is_default(table, option, options))
            continue;
        const char *value = value_of(table, option, options, scratch);
        size_t size = strlen(option->key) + strlen(value) + 3;
        if (text)
            snprintf(text + length, size, "%s=%s\n", option->key, value);
        length += size - 1;
    }
    return length;
}

char *mote_options_text(const mote_option_table *table, const void *options, const char *const *skip,
                        const mote_memory *memory)
{
    size_t length = write_lines(table, options, skip, NULL);
    char *text = mote_memory_allocate(memory, (int64_t)length + 1, 1);
    if (text)
        write_lines(table, options, skip, text);
    return text;
}

/* The value of `key` in "key=value" lines and its length; NULL when the key has no line. */
static const char *line_value(const char *text, const char *key, size_t *length)
{
    size_t n = strlen(key);
    while (*text) {
        size_t line = strcspn(text, "\n");
        if (line > n && !memcmp(text, key, n) && text[n] == '=') {
            *length = line - n - 1;
            return text + n + 1;
        }
        text += line + (text[line] == '\n');
    }
    return NULL;
}

int mote_options_compare(const mote_option_table *table, const char *saved, const char *present,
                         mote_message *message)
{
    char standard[VALUE_SIZE];
    for (int64_t i = 0; i < table->count; ++i) {
        const mote_option *option = &table->options[i];
        size_t a_length = 0, b_length = 0;
        const char *a = line_value(saved, option->key, &a_length), *b = line_value(present, option->key, &b_length);
        const char *other = value_of(table, option, NULL, standard);
        if ((!a && !b) || (a && b && a_length == b_length && !memcmp(a, b, a_length)))
            continue;
        if (!a || !b) {
            a_length = a ? a_length : strlen(other);
            b_length = b ? b_length : strlen(other);
        }
        return mote_fail(message, MOTE_EIDENTITY, "option '%s' was %.*s when the state was saved and is %.*s now",
                         option->key, (int)a_length, a ? a : other, (int)b_length, b ? b : other);
    }
    if (strcmp(saved, present))
        return mote_fail(message, MOTE_EIDENTITY, "the state was saved with options that %s does not have",
                         table->name);
    return MOTE_OK;
}

/* The comment above an option: help, then unit and bounds or choices. */
static void describe(const mote_option *option, char *text, size_t size)
{
    char bounds[160];
    if (option->type == MOTE_OPTION_CHOICE) {
        snprintf(text, size, "# %s (%s)", option->help, option->choices);
    } else if (option->type == MOTE_OPTION_TEXT) {
        snprintf(text, size, "# %s", option->help);
    } else {
        mote_option_bounds(option, bounds, sizeof bounds);
        snprintf(text, size, "# %s (%s)", option->help, bounds + strlen("must lie "));
    }
}

void mote_options_dump(const mote_option_table *table, const void *options, void (*line)(void *ctx, const char *text),
                       void *ctx)
{
    char text[LINE_SIZE], scratch[VALUE_SIZE];
    snprintf(text, sizeof text, "[%s]", table->name);
    line(ctx, text);
    for (int64_t i = 0; i < table->count; ++i) {
        const mote_option *option = &table->options[i];
        describe(option, text, sizeof text);
        line(ctx, text);
        snprintf(text, sizeof text, "%s%s = %s", is_default(table, option, options) ? "# " : "", option->key,
                 value_of(table, option, options, scratch));
        line(ctx, text);
    }
}
