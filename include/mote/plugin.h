/* SPDX-License-Identifier: BSD-2-Clause */
/* A user's model as a plug-in: a shared object that exports mote_plugin and links nothing of mote.
 *
 *     MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *model)
 *     {
 *         static const mote_parameter parameters[] = { MOTE_UNIFORM("x", -5, 5), MOTE_UNIFORM("y", -5, 5) };
 *         static const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
 *                                             .log_likelihood_point = rosenbrock, .name = "rosenbrock" };
 *         model->target = &target;
 *         return 0;
 *     }
 *
 * `section` is the [model] section of the ini file; keys that are never asked for are reported as unknown. */
#ifndef MOTE_PLUGIN_H
#define MOTE_PLUGIN_H

#include <mote/base.h>
#include <mote/config.h>
#include <mote/source.h>
#include <mote/status.h>
#include <mote/target.h>

MOTE_BEGIN

/* Raised when a table below changes its meaning. A plug-in built for a newer one is refused. */
#define MOTE_PLUGIN_ABI 1

/* Services of the library, so that a plug-in needs no link to it. */
typedef struct mote_host {
    mote_head head;
    int64_t abi; /* MOTE_PLUGIN_ABI of the library */
    void *ctx;
    const char *(*config_get)(const mote_config *section, const char *key, const char *standard);
    int (*config_real)(const mote_config *section, const char *key, double standard, double *value, char *message,
                       size_t size);
    int (*config_integer)(const mote_config *section, const char *key, int64_t standard, int64_t *value, char *message,
                          size_t size);
    int (*config_truth)(const mote_config *section, const char *key, int64_t standard, int64_t *value, char *message,
                        size_t size);
    const char *(*config_key)(const mote_config *section, int64_t index);
    const char *(*config_where)(const mote_config *section, const char *key);
    int (*config_path)(const mote_config *section, const char *value, char *path, size_t size);
    void (*error)(void *ctx, const char *text); /* keeps the reason of a failed open; copied */
    void (*identify)(void *ctx, const char *path); /* adds a data file's content to the model's identity */
    void (*exp)(double *out, const double *x, int64_t n);
    void (*log)(double *out, const double *x, int64_t n);
    void (*uniforms)(mote_source *source, double *out, int64_t n);
    void (*normals)(mote_source *source, double *out, int64_t n);
} mote_host;

/* What the plug-in hands out. Pointers stay valid until `release` is called (once, also when opening failed). */
typedef struct mote_model {
    mote_head head;
    int64_t abi;               /* the plug-in sets MOTE_PLUGIN_ABI; preset to the library's */
    const mote_target *target;
    void (*release)(void *ctx);
    void *ctx;
} mote_model;

typedef int mote_plugin_function(const mote_host *host, const mote_config *section, mote_model *model);

/* What a plug-in exports: declared here, so that C++ gives them C names too. */
MOTE_API mote_plugin_function mote_plugin;
MOTE_API extern const int64_t mote_plugin_abi;

/* Put once into a plug-in: the entry point, and the ABI it was built for. */
#define MOTE_PLUGIN_ENTRY                            \
    const int64_t mote_plugin_abi = MOTE_PLUGIN_ABI; \
    int mote_plugin

/* Library side. Loads `path` with `section` (may be NULL); *plugin must be released after the last run on its target.
 * On failure `message` names file, symbol, ABI number or ini line. */
typedef struct mote_loaded_plugin mote_loaded_plugin;
MOTE_API int mote_plugin_load(mote_loaded_plugin **plugin, const char *path, const mote_config *section, char *message,
                              size_t size);
MOTE_API const mote_target *mote_plugin_target(const mote_loaded_plugin *plugin);
MOTE_API void mote_plugin_release(mote_loaded_plugin **plugin);

/* The target with the ini section [parameters] applied: a new prior ("omega_m = uniform 0.1 0.5"), a fixed value
 * ("h = 0.7"), a label ("h.label = h_0"). An unknown name is an error. Once per plug-in, before the target is used. */
MOTE_API int mote_plugin_override(mote_loaded_plugin *plugin, const mote_config *parameters, char *message, size_t size);

MOTE_END
#endif
