/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The [parameters] section of an ini file, applied to a plug-in's table of parameters.
 *
 *     omega_m       = uniform 0.1 0.5            prior and its arguments (see MOTE_PRIOR_LIST)
 *     phase         = uniform 0 1 periodic       and what lies beyond the ends: hard, periodic, reflective
 *     h             = 0.7                        fixed
 *     h.label       = h_0                        LaTeX without dollars
 *     h.unit        = ...
 *
 * A new prior starts from hard ends. Unknown names are errors that name the nearest. */
#define _XOPEN_SOURCE 700 /* realpath */
#include <errno.h>
#include <mote/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/message.h"
#include "core/number.h"
#include "model/plugin_parts.h"

enum { WORDS = 8, WORD_SIZE = 64 };

/* One key of the section, and where a complaint about it goes. */
typedef struct entry {
    const mote_config *section;
    const char *key, *value;
    char *message;
    size_t size;
} entry;

/* ---- text for worker processes ------------------------------------------------------------------------------- */

int mote_plugin_add_text(mote_loaded_plugin *plugin, const char *text)
{
    const int64_t old = plugin->text ? (int64_t)strlen(plugin->text) : 0, more = (int64_t)strlen(text);
    char *grown = mote_memory_resize(&plugin->memory, plugin->text, plugin->text ? old + 1 : 0, old + more + 1, 1);
    if (!grown)
        return MOTE_ENOMEM;
    memcpy(grown + old, text, (size_t)more + 1);
    plugin->text = grown;
    return MOTE_OK;
}

int mote_plugin_add_section(mote_loaded_plugin *plugin, const char *name, const mote_config *section)
{
    int status = mote_plugin_add_text(plugin, "[");
    status = status ? status : mote_plugin_add_text(plugin, name);
    status = status ? status : mote_plugin_add_text(plugin, "]\n");
    for (int64_t i = 0; !status && section && mote_config_key(section, i); ++i) {
        const char *key = mote_config_key(section, i);
        status = mote_plugin_add_text(plugin, key);
        status = status ? status : mote_plugin_add_text(plugin, " = ");
        status = status ? status : mote_plugin_add_text(plugin, mote_config_get(section, key, ""));
        status = status ? status : mote_plugin_add_text(plugin, "\n");
    }
    return status;
}

/* ---- paths ---------------------------------------------------------------------------------------------------- */

int mote_plugin_absolute(const mote_config *section, const char *value, char *path, size_t size)
{
    char folder[MOTE_PATH_SIZE], relative[MOTE_PATH_SIZE];
    int status = mote_config_path(section, value, relative, sizeof relative);
    if (status)
        return status;
    if (*relative == '/')
        *folder = '\0';
    else if (!getcwd(folder, sizeof folder - 1))
        return MOTE_EIO;
    else
        folder[strlen(folder) + 1] = '\0', folder[strlen(folder)] = '/';
    const int length = snprintf(path, size, "%s%s", folder, relative);
    return length < 0 || (size_t)length >= size ? MOTE_EINVAL : MOTE_OK;
}

int mote_plugin_real_path(mote_loaded_plugin *plugin, const char *path)
{
    char *found = realpath(path, NULL);
    int error = found ? 0 : errno;
    plugin->path = mote_memory_copy_text(&plugin->memory, found);
    free(found);
    if (plugin->path)
        return MOTE_OK;
    return error && error != ENOMEM ? MOTE_ENOENT : MOTE_ENOMEM;
}

/* ---- one key --------------------------------------------------------------------------------------------------- */

static int refuse(const entry *line, const char *why)
{
    return mote_fail_text(line->message, line->size, MOTE_EOPTION, "%s: %s = %s: %s",
                          mote_config_where(line->section, line->key), line->key, line->value, why);
}

/* One table of parameters: of the target, or of the state-space model. */
typedef struct parameter_table {
    mote_parameter *parameters;
    int64_t count;
    const char *model;
    int conditional; /* 1: conditional priors are possible */
} parameter_table;

enum { TABLES = 2 };

static parameter_table table_of(mote_loaded_plugin *plugin, int which)
{
    if (which)
        return (parameter_table){ plugin->ssm_parameters, plugin->ssm_parameters ? plugin->ssm.parameter_count : 0,
                                  plugin->ssm.name, 0 };
    return (parameter_table){ plugin->parameters, plugin->parameters ? plugin->target.parameter_count : 0,
                              plugin->target.name, plugin->target.prior_transform != NULL };
}

static const char *parameter_name(const void *ctx, int64_t i)
{
    return ((const mote_parameter *)ctx)[i].name;
}

static int unknown_parameter(mote_loaded_plugin *plugin, const entry *line, const char *name)
{
    const parameter_table known = table_of(plugin, !plugin->parameters);
    const char *nearest = mote_nearest(name, known.count, parameter_name, known.parameters);
    return mote_fail_text(line->message, line->size, MOTE_EOPTION, "%s: %s has no parameter '%s'%s%s%s",
                          mote_config_where(line->section, line->key), known.model, name,
                          nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static mote_parameter *find_parameter(const parameter_table *known, const char *name, size_t length)
{
    for (int64_t i = 0; i < known->count; ++i)
        if (!strncmp(known->parameters[i].name, name, length) && !known->parameters[i].name[length])
            return &known->parameters[i];
    return NULL;
}

/* Splits at blanks; returns the number of words, or -1 when one is too long or there are too many. */
static int split(const char *text, char words[WORDS][WORD_SIZE])
{
    int n = 0;
    for (;;) {
        text += strspn(text, " \t");
        const size_t length = strcspn(text, " \t");
        if (!length)
            return n;
        if (n == WORDS || length >= WORD_SIZE)
            return -1;
        memcpy(words[n], text, length);
        words[n++][length] = '\0';
        text += length;
    }
}

static int boundary_of(const char *word)
{
    static const char *const names[] = { "hard", "periodic", "reflective" };
    for (int i = 0; i < 3; ++i)
        if (!strcmp(word, names[i]))
            return i;
    return -1;
}

/* Number and names of a prior's arguments. */
static const char *arguments_of(int64_t prior, int *count)
{
    static const struct {
        int64_t prior;
        int count;
        const char *names;
    } table[] = {
#define ROW(name, text, count, arguments) { MOTE_PRIOR_##name, count, arguments },
        MOTE_PRIOR_LIST(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
        if (table[i].prior == prior) {
            *count = table[i].count;
            return table[i].names;
        }
    *count = 0;
    return "";
}

static const char *prior_word(const void *ctx, int64_t i)
{
    (void)ctx;
    return mote_prior_name(i + 1);
}

static int unknown_prior(const entry *line, const char *word)
{
    char why[200];
    const char *nearest = mote_nearest(word, MOTE_PRIOR_FIXED, prior_word, NULL);
    snprintf(why, sizeof why, "'%s' is neither a number nor a prior%s%s%s", word, nearest ? "; did you mean '" : "",
             nearest ? nearest : "", nearest ? "'?" : "");
    return refuse(line, why);
}

static int read_arguments(const entry *line, mote_parameter *parameter, char words[WORDS][WORD_SIZE], int n)
{
    char why[200];
    int count;
    const char *names = arguments_of(parameter->prior, &count);
    if (n - 1 != count) {
        snprintf(why, sizeof why, "a %s prior takes %d number%s%s%s", mote_prior_name(parameter->prior), count,
                 count == 1 ? "" : "s", *names ? ": " : "", names);
        return refuse(line, why);
    }
    for (int i = 0; i < count; ++i)
        if (mote_number_parse(words[i + 1], &parameter->argument[i])) {
            snprintf(why, sizeof why, "'%s' is not a number", words[i + 1]);
            return refuse(line, why);
        }
    return MOTE_OK;
}

/* "uniform 0.1 0.5 periodic" or "0.7" into prior, arguments and boundary of *parameter. */
static int read_prior(const entry *line, mote_parameter *parameter)
{
    char words[WORDS][WORD_SIZE], why[300];
    int n = split(line->value, words), boundary;
    double value;
    if (n < 1)
        return refuse(line, n ? "too many words" : "a prior or a number is missing");
    memset(parameter->argument, 0, sizeof parameter->argument);
    parameter->boundary = MOTE_BOUNDARY_HARD;
    if (n == 1 && !mote_number_parse(words[0], &value)) {
        parameter->prior = MOTE_PRIOR_FIXED;
        parameter->argument[0] = value;
    } else {
        parameter->prior = mote_prior_from_name(words[0]);
        if (parameter->prior == MOTE_PRIOR_NONE)
            return unknown_prior(line, words[0]);
        if (parameter->prior == MOTE_PRIOR_DERIVED)
            return refuse(line, "only the model can make a parameter derived");
        if (n > 1 && (boundary = boundary_of(words[n - 1])) >= 0) {
            parameter->boundary = boundary;
            --n;
        }
        int status = read_arguments(line, parameter, words, n);
        if (status)
            return status;
    }
    return mote_prior_check(parameter, why, sizeof why) ? refuse(line, why) : MOTE_OK;
}

static int set_prior(const parameter_table *known, const entry *line, mote_parameter *parameter)
{
    mote_parameter changed = *parameter;
    if (parameter->prior == MOTE_PRIOR_DERIVED)
        return refuse(line, "it is computed by the model and has no prior");
    int status = read_prior(line, &changed);
    if (status)
        return status;
    if (changed.prior == MOTE_PRIOR_CONDITIONAL && !known->conditional)
        return refuse(line, "the model has no prior_transform, which conditional priors need");
    *parameter = changed;
    return MOTE_OK;
}

static int set_text(mote_loaded_plugin *plugin, const entry *line, const char **field)
{
    char *copy = mote_memory_copy_text(&plugin->memory, line->value);
    void **owned = mote_memory_resize(&plugin->memory, plugin->owned, plugin->owned_count, plugin->owned_count + 1,
                                      sizeof *owned);
    if (owned)
        plugin->owned = owned;
    if (!copy || !owned) {
        mote_memory_release(&plugin->memory, copy);
        return mote_fail_text(line->message, line->size, MOTE_ENOMEM, "%s: %s", plugin->name,
                              mote_strerror(MOTE_ENOMEM));
    }
    plugin->owned[plugin->owned_count++] = copy;
    *field = copy;
    return MOTE_OK;
}

static int apply_to(mote_loaded_plugin *plugin, const parameter_table *known, const entry *line,
                    mote_parameter *parameter)
{
    const size_t length = strcspn(line->key, ".");
    const char *part = line->key[length] ? line->key + length + 1 : NULL;
    if (!part)
        return set_prior(known, line, parameter);
    if (!strcmp(part, "label"))
        return set_text(plugin, line, &parameter->label);
    if (!strcmp(part, "unit"))
        return set_text(plugin, line, &parameter->unit);
    return refuse(line, "after the dot only label and unit are known");
}

/* A plug-in that gives both models may have the parameter in both: a key goes for each. */
static int apply(mote_loaded_plugin *plugin, const entry *line)
{
    const size_t length = strcspn(line->key, ".");
    int found = 0, status = MOTE_OK;
    char name[128];
    for (int which = 0; which < TABLES && !status; ++which) {
        const parameter_table known = table_of(plugin, which);
        mote_parameter *parameter = find_parameter(&known, line->key, length);
        found |= parameter != NULL;
        status = parameter ? apply_to(plugin, &known, line, parameter) : MOTE_OK;
    }
    snprintf(name, sizeof name, "%.*s", (int)length, line->key);
    return found ? status : unknown_parameter(plugin, line, name);
}

int mote_plugin_override(mote_loaded_plugin *plugin, const mote_config *parameters, char *message, size_t size)
{
    if (!plugin)
        return mote_fail_text(message, size, MOTE_EINVAL, "mote_plugin_override: plugin is NULL");
    if (plugin->overridden)
        return mote_fail_text(message, size, MOTE_ESTATE, "%s: its parameters were set already", plugin->name);
    plugin->overridden = parameters != NULL;
    const char *key;
    for (int64_t i = 0; parameters && (key = mote_config_key(parameters, i)); ++i) {
        const entry line = { parameters, key, mote_config_get(parameters, key, ""), message, size };
        int status = apply(plugin, &line);
        if (status)
            return status;
    }
    if (parameters && mote_plugin_add_section(plugin, "parameters", parameters))
        return mote_fail_text(message, size, MOTE_ENOMEM, "%s: %s", plugin->name, mote_strerror(MOTE_ENOMEM));
    return MOTE_OK;
}
