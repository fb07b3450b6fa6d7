/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what a caller left at zero to a complete set of options. */
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/option.h"

static int out_of_range(const mote_option *option, double value, mote_message *message)
{
    char number[MOTE_NUMBER_SIZE], bounds[160];
    mote_option_bounds(option, bounds, sizeof bounds);
    return mote_fail(message, MOTE_EOPTION, "option '%s' = %s %s", option->key,
                     mote_number_format_shortest(number, value), bounds);
}

static int resolve_number(const mote_option *option, void *place, const void *options, mote_message *message)
{
    int is_integer = option->type == MOTE_OPTION_INTEGER;
    int64_t integer = is_integer ? mote_option_integer(option, options) : 0;
    double real = is_integer ? (double)integer : mote_option_real(option, options);
    if (real == 0) {
        real = option->standard;
        integer = (int64_t)option->standard;
    } else if (!(real >= option->minimum && real <= option->maximum)) {
        return out_of_range(option, real, message);
    }
    memcpy(place, is_integer ? (const void *)&integer : (const void *)&real, 8);
    return MOTE_OK;
}

static int check_choice(const mote_option *option, const void *options, mote_message *message)
{
    int64_t choice = mote_option_integer(option, options), count = mote_choice_count(option->choices);
    if (choice >= 0 && choice < count)
        return MOTE_OK;
    return mote_fail(message, MOTE_EOPTION, "option '%s' = %lld is none of the choices %s (0 to %lld)", option->key,
                     (long long)choice, option->choices, (long long)count - 1);
}

static void set_text(const mote_option *option, void *options, const char *text)
{
    memcpy((char *)options + option->offset, &text, sizeof text);
}

static void drop_texts(const mote_option_table *table, void *options)
{
    for (int64_t i = 0; i < table->count; ++i)
        if (table->options[i].type == MOTE_OPTION_TEXT)
            set_text(&table->options[i], options, NULL);
}

/* Own copies of the texts; on failure those made so far are freed. */
static int copy_texts(const mote_option_table *table, void *options, const mote_memory *memory, mote_message *message)
{
    int status = MOTE_OK;
    for (int64_t i = 0; i < table->count; ++i) {
        const mote_option *option = &table->options[i];
        if (option->type != MOTE_OPTION_TEXT)
            continue;
        const char *text = status ? NULL : mote_option_text(option, options);
        if (!text && !status)
            text = option->text;
        char *copy = mote_memory_copy_text(memory, text);
        if (text && !copy)
            status = mote_fail(message, MOTE_ENOMEM, "option '%s': out of memory", option->key);
        set_text(option, options, copy);
    }
    if (status)
        mote_options_release(table, options, memory);
    return status;
}

/* The default is as good as nothing: files that list all options hold it. */
static int is_given(const mote_option *option, const void *options)
{
    if (option->type == MOTE_OPTION_TEXT)
        return mote_option_text(option, options) != NULL;
    const double value = option->type == MOTE_OPTION_REAL ? mote_option_real(option, options)
                                                          : (double)mote_option_integer(option, options);
    return value != 0 && value != option->standard;
}

/* Given, with a choice of its companion that leaves it without effect. The companion's choice is in range. */
static int check_use(const mote_option_table *table, const mote_option_use *use, const void *options,
                     mote_message *message)
{
    const mote_option *companion = mote_option_find(table, use->companion);
    char chosen[64], allowed[160];
    if (!is_given(mote_option_find(table, use->key), options))
        return MOTE_OK;
    if (!use->choices)
        return is_given(companion, options) ? mote_fail(message, MOTE_EOPTION, "option %s has no effect when option %s is given",
                                                        use->key, use->companion) : MOTE_OK;
    mote_choice_name(companion->choices, mote_option_integer(companion, options), chosen, sizeof chosen);
    if (mote_choice_find(use->choices, chosen) >= 0)
        return MOTE_OK;
    snprintf(allowed, sizeof allowed, "%s", use->choices);
    for (char *bar; (bar = strchr(allowed, '|'));)
        *bar = ',';
    return mote_fail(message, MOTE_EOPTION, "option %s has no effect with %s = %s: it belongs to %s = %s", use->key,
                     use->companion, chosen, use->companion, allowed);
}

static int check_uses(const mote_option_table *table, const void *options, mote_message *message)
{
    int status = MOTE_OK;
    for (int64_t i = 0; i < table->count && !status; ++i)
        if (table->options[i].type == MOTE_OPTION_CHOICE)
            status = check_choice(&table->options[i], options, message);
    for (const mote_option_use *use = table->uses; use && use->key && !status; ++use)
        status = check_use(table, use, options, message);
    return status;
}

int mote_options_resolve(const mote_option_table *table, void *options, const mote_memory *memory,
                         mote_message *message)
{
    if (check_uses(table, options, message)) {
        drop_texts(table, options); /* they are the caller's */
        return MOTE_EOPTION;
    }
    for (int64_t i = 0; i < table->count; ++i) {
        const mote_option *option = &table->options[i];
        void *place = (char *)options + option->offset;
        int status = MOTE_OK;
        if (option->type == MOTE_OPTION_INTEGER || option->type == MOTE_OPTION_REAL)
            status = resolve_number(option, place, options, message);
        if (status) {
            drop_texts(table, options); /* they are the caller's */
            return status;
        }
    }
    return copy_texts(table, options, memory, message);
}

void mote_options_release(const mote_option_table *table, void *options, const mote_memory *memory)
{
    for (int64_t i = 0; i < table->count; ++i)
        if (table->options[i].type == MOTE_OPTION_TEXT) {
            mote_memory_release(memory, (void *)(uintptr_t)mote_option_text(&table->options[i], options));
            set_text(&table->options[i], options, NULL);
        }
}
