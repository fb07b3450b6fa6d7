/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small host for the cosmology plug-in: ini text in, target out. It is written apart from the library's own, so that
 * these tests judge the plug-in by the contract of mote/plugin.h and by nothing else. */
#ifndef MOTE_TESTS_COSMOLOGY_FIXTURE_H
#define MOTE_TESTS_COSMOLOGY_FIXTURE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/cosmology/cosmology.h"

enum { FIXTURE_KEYS = 32, FIXTURE_IDENTIFIED = 128 };

/* The [model] section; lines "key = value". */
struct mote_config {
    char text[4096];
    char *key[FIXTURE_KEYS], *value[FIXTURE_KEYS];
    int64_t count;
    char folder[1024]; /* of the ini file */
};

typedef struct fixture {
    mote_config section;
    mote_host host;
    mote_model model;
    char error[1024];
    char identified[FIXTURE_IDENTIFIED][256]; /* base names */
    int64_t identified_count;
    int status;
} fixture;

static inline const char *fixture_get(const mote_config *section, const char *key, const char *standard)
{
    for (int64_t i = 0; i < section->count; ++i)
        if (!strcmp(section->key[i], key))
            return section->value[i];
    return standard;
}

static inline int fixture_truth(const mote_config *section, const char *key, int64_t standard, int64_t *value,
                                char *message, size_t size)
{
    const char *text = fixture_get(section, key, standard ? "yes" : "no");
    *value = !strcmp(text, "yes");
    if (*value || !strcmp(text, "no"))
        return MOTE_OK;
    snprintf(message, size, "test.ini: %s: not a truth value", key);
    return MOTE_EPARSE;
}

static inline const char *fixture_key(const mote_config *section, int64_t index)
{
    return index < section->count ? section->key[index] : NULL;
}

static inline const char *fixture_where(const mote_config *section, const char *key)
{
    (void)section;
    (void)key;
    return "test.ini:7";
}

static inline int fixture_path(const mote_config *section, const char *value, char *path, size_t size)
{
    const int length = *value == '/' ? snprintf(path, size, "%s", value)
                                     : snprintf(path, size, "%s/%s", section->folder, value);
    return length < (int)size ? MOTE_OK : MOTE_EINVAL;
}

static inline void fixture_error(void *ctx, const char *text)
{
    snprintf(((fixture *)ctx)->error, sizeof ((fixture *)ctx)->error, "%s", text);
}

static inline void fixture_identify(void *ctx, const char *path)
{
    fixture *to = ctx;
    const char *slash = strrchr(path, '/');
    if (to->identified_count < FIXTURE_IDENTIFIED)
        snprintf(to->identified[to->identified_count++], sizeof *to->identified, "%s", slash ? slash + 1 : path);
}

static inline void fixture_exp(double *out, const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        out[i] = exp(x[i]);
}

static inline void fixture_log(double *out, const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        out[i] = log(x[i]);
}

static inline void fixture_parse(mote_config *section, const char *text)
{
    snprintf(section->text, sizeof section->text, "%s", text);
    for (char *line = section->text; line && *line && section->count < FIXTURE_KEYS;) {
        char *next = strchr(line, '\n'), *equals = strstr(line, " = ");
        if (next)
            *next++ = 0;
        if (equals) {
            *equals = 0;
            section->key[section->count] = line;
            section->value[section->count++] = equals + 3;
        }
        line = next;
    }
}

/* Opens the plug-in on an ini text whose file lies in `folder`; the status is kept. The result does not move. */
static inline fixture *fixture_open_at(const char *folder, const char *text)
{
    fixture *out = calloc(1, sizeof *out);
    fixture_parse(&out->section, text);
    snprintf(out->section.folder, sizeof out->section.folder, "%s", folder);
    out->host = (mote_host){ MOTE_VERSIONED(mote_host), .abi = MOTE_PLUGIN_ABI, .ctx = out, .config_get = fixture_get,
                             .config_truth = fixture_truth, .config_key = fixture_key, .config_where = fixture_where,
                             .config_path = fixture_path, .error = fixture_error, .identify = fixture_identify,
                             .exp = fixture_exp, .log = fixture_log };
    out->model = (mote_model){ MOTE_VERSIONED(mote_model), .abi = MOTE_PLUGIN_ABI };
    out->status = mote_plugin(&out->host, &out->section, &out->model);
    return out;
}

static inline fixture *fixture_open(const char *text)
{
    return fixture_open_at(MOTE_SOURCE "/examples/cosmology", text);
}

static inline void fixture_close(fixture *from)
{
    if (from->model.release)
        from->model.release(from->model.ctx);
    free(from);
}

/* Place of a parameter among those of its kind (derived or not), or -1. */
static inline int64_t fixture_place(const fixture *from, const char *name)
{
    const mote_target *target = from->model.target;
    int64_t place[2] = { 0, 0 };
    for (int64_t i = 0; i < target->parameter_count; ++i) {
        const int derived = target->parameters[i].prior == MOTE_PRIOR_DERIVED;
        if (!strcmp(target->parameters[i].name, name))
            return place[derived];
        ++place[derived];
    }
    return -1;
}

/* Parameters that are not derived. */
static inline int64_t fixture_dimension(const fixture *from)
{
    int64_t n = 0;
    for (int64_t i = 0; i < from->model.target->parameter_count; ++i)
        n += from->model.target->parameters[i].prior != MOTE_PRIOR_DERIVED;
    return n;
}

/* Sets a value when the model has the parameter, and not as a derived one. */
static inline void fixture_set(const fixture *from, double *theta, const char *name, double value)
{
    for (int64_t i = 0; i < fixture_dimension(from); ++i)
        if (!strcmp(from->model.target->parameters[i].name, name))
            theta[i] = value;
}

static inline double fixture_evaluate(const fixture *from, const double *theta, double *derived)
{
    double log_likelihood = NAN;
    const int64_t dimension = fixture_dimension(from), count = from->model.target->parameter_count - dimension;
    const mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = dimension, .stride = dimension,
                               .theta = theta, .log_likelihood = &log_likelihood, .derived_count = count,
                               .derived_stride = count, .derived = derived };
    return from->model.target->log_likelihood(from->model.target->ctx, &batch) ? NAN : log_likelihood;
}

#endif
