/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options by name: find, set from text, get as text. */
#include "core/option.h"

#include <stdio.h>
#include <string.h>

#include "core/number.h"

const mote_option *mote_option_find(const mote_option_table *table, const char *key)
{
    for (int64_t i = 0; key && i < table->count; ++i)
        if (!strcmp(table->options[i].key, key))
            return &table->options[i];
    return NULL;
}

static const void *field(const mote_option *option, const void *options)
{
    return (const char *)options + option->offset;
}

int64_t mote_option_integer(const mote_option *option, const void *options)
{
    int64_t value;
    memcpy(&value, field(option, options), sizeof value);
    return value;
}

double mote_option_real(const mote_option *option, const void *options)
{
    double value;
    memcpy(&value, field(option, options), sizeof value);
    return value;
}

const char *mote_option_text(const mote_option *option, const void *options)
{
    const char *value;
    memcpy(&value, field(option, options), sizeof value);
    return value;
}

int64_t mote_choice_count(const char *choices)
{
    int64_t count = 1;
    for (; *choices; ++choices)
        count += *choices == '|';
    return count;
}

/* Entry i starts here and has *length bytes; NULL out of range. */
static const char *choice_at(const char *choices, int64_t i, size_t *length)
{
    if (i < 0)
        return NULL;
    for (; i > 0; --i) {
        choices = strchr(choices, '|');
        if (!choices)
            return NULL;
        ++choices;
    }
    *length = strcspn(choices, "|");
    return choices;
}

int64_t mote_choice_find(const char *choices, const char *name)
{
    const char *entry;
    size_t length;
    for (int64_t i = 0; (entry = choice_at(choices, i, &length)); ++i)
        if (strlen(name) == length && !memcmp(entry, name, length))
            return i;
    return -1;
}

void mote_choice_name(const char *choices, int64_t i, char *text, size_t size)
{
    size_t length = 0;
    const char *entry = choice_at(choices, i, &length);
    snprintf(text, size, "%.*s", (int)length, entry ? entry : "");
}

void mote_option_bounds(const mote_option *option, char *text, size_t size)
{
    char minimum[MOTE_NUMBER_SIZE], maximum[MOTE_NUMBER_SIZE];
    snprintf(text, size, "must lie between %s and %s%s%s", mote_number_format_shortest(minimum, option->minimum),
             mote_number_format_shortest(maximum, option->maximum), *option->unit ? " " : "", option->unit);
}

static const char *key_at(const void *table, int64_t i)
{
    return ((const mote_option_table *)table)->options[i].key;
}

static int unknown_key(const mote_option_table *table, const char *key, char *message, size_t size)
{
    const char *nearest = mote_nearest(key, table->count, key_at, table);
    if (nearest)
        return mote_fail_text(message, size, MOTE_EOPTION, "%s has no option '%s'; did you mean '%s'?", table->name, key,
                              nearest);
    return mote_fail_text(message, size, MOTE_EOPTION, "%s has no option '%s'", table->name, key);
}

static int check_head(const mote_option_table *table, const mote_option *option, const void *options, char *message,
                      size_t size)
{
    mote_head head;
    memcpy(&head, options, sizeof head);
    if (head.kind != (uint32_t)table->kind)
        return mote_fail_text(message, size, MOTE_EKIND, "a struct of kind %s was passed where %s is expected",
                              mote_kind_name(head.kind), mote_kind_name((uint32_t)table->kind));
    if (option->offset + 8 > (int64_t)head.size)
        return mote_fail_text(message, size, MOTE_EVERSION, "option '%s' is not in this version of %s", option->key,
                              mote_kind_name(head.kind));
    return MOTE_OK;
}

/* The number in `value`; zero is always legal: it asks for the default. */
static int set_number(const mote_option *option, void *place, const char *value, char *message, size_t size)
{
    char bounds[160];
    int64_t integer = 0;
    double real = 0;
    int is_integer = option->type == MOTE_OPTION_INTEGER;
    int status = is_integer ? mote_number_parse_integer(value, &integer) : mote_number_parse(value, &real);
    if (status == MOTE_ENOMEM)
        return mote_fail_text(message, size, status, "option '%s': out of memory", option->key);
    if (status)
        return mote_fail_text(message, size, MOTE_EOPTION, "option '%s': '%s' is not a %s", option->key, value,
                              is_integer ? "whole number" : "number");
    if (is_integer)
        real = (double)integer;
    if (real != 0 && !(real >= option->minimum && real <= option->maximum)) {
        mote_option_bounds(option, bounds, sizeof bounds);
        return mote_fail_text(message, size, MOTE_EOPTION, "option '%s' = %s %s", option->key, value, bounds);
    }
    real = real == 0 ? 0 : real; /* -0 is 0 */
    memcpy(place, is_integer ? (const void *)&integer : (const void *)&real, 8);
    return MOTE_OK;
}

static int set_choice(const mote_option *option, void *place, const char *value, char *message, size_t size)
{
    int64_t choice = strcmp(value, "0") ? mote_choice_find(option->choices, value) : 0;
    if (choice < 0)
        return mote_fail_text(message, size, MOTE_EOPTION, "option '%s': '%s' is none of %s", option->key, value,
                              option->choices);
    memcpy(place, &choice, sizeof choice);
    return MOTE_OK;
}

int mote_option_set(const mote_option_table *table, void *options, const char *key, const char *value, char *message,
                    size_t size)
{
    if (!table || !options || !key || !value)
        return mote_fail_text(message, size, MOTE_EINVAL, "mote_option_set: a NULL argument");
    const mote_option *option = mote_option_find(table, key);
    if (!option)
        return unknown_key(table, key, message, size);
    int status = check_head(table, option, options, message, size);
    if (status)
        return status;
    void *place = (char *)options + option->offset;
    if (option->type == MOTE_OPTION_CHOICE)
        return set_choice(option, place, value, message, size);
    if (option->type != MOTE_OPTION_TEXT)
        return set_number(option, place, value, message, size);
    const char *text = *value && strcmp(value, "0") ? value : NULL;
    memcpy(place, &text, sizeof text);
    return MOTE_OK;
}

int mote_option_get(const mote_option_table *table, const void *options, const char *key, char *text, size_t size)
{
    char number[MOTE_NUMBER_SIZE];
    const mote_option *option = mote_option_find(table, key);
    if (!option)
        return MOTE_EOPTION;
    int status = check_head(table, option, options, NULL, 0);
    if (status)
        return status;
    const char *value = number;
    int written;
    if (option->type == MOTE_OPTION_INTEGER) {
        int64_t integer = mote_option_integer(option, options);
        written = snprintf(text, size, "%lld", (long long)(integer ? integer : (int64_t)option->standard));
    } else if (option->type == MOTE_OPTION_CHOICE) {
        mote_choice_name(option->choices, mote_option_integer(option, options), text, size);
        return *text ? MOTE_OK : MOTE_EOPTION;
    } else {
        double real = option->type == MOTE_OPTION_REAL ? mote_option_real(option, options) : 0;
        if (option->type == MOTE_OPTION_REAL)
            mote_number_format_shortest(number, real != 0 ? real : option->standard);
        else if (!(value = mote_option_text(option, options)))
            value = option->text ? option->text : "";
        written = snprintf(text, size, "%s", value);
    }
    return written >= 0 && (size_t)written < size ? MOTE_OK : MOTE_EINVAL;
}
