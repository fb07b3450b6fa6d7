/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loaded plug-ins from inside: what a worker process needs to make the same model, and models that are linked in. */
#ifndef MOTE_MODEL_PLUGIN_H
#define MOTE_MODEL_PLUGIN_H

#include <mote/plugin.h>

/* Absolute path of the object; NULL for a model that is linked in. */
const char *mote_plugin_path(const mote_loaded_plugin *plugin);

/* Ini text with the sections [origin] (the file that relative paths mean), [model] and [parameters]. */
const char *mote_plugin_text(const mote_loaded_plugin *plugin);

/* Hash, as text, of all that makes the model: object, section, data files. For checkpoints. The target's `identity`
 * is narrower where the plug-in sets one: runs may be compared when likelihood and data agree. */
const char *mote_plugin_fingerprint(const mote_loaded_plugin *plugin);

/* The identity of likelihood and data: of the target, or else of the state-space model. */
const char *mote_plugin_identity(const mote_loaded_plugin *plugin);

/* The data files that are part of it, in the order in which they were named, each with the hash of its content (may be
 * NULL). NULL past the end. */
const char *mote_plugin_data_file(const mote_loaded_plugin *plugin, int64_t index, uint64_t *hash);

/* The state-space model's series comes from here; borrowed until the plug-in is released. `path` (may be NULL): the
 * file whose content becomes part of the identity. Before the model is used. */
int mote_plugin_set_series(mote_loaded_plugin *plugin, const mote_series *series, const char *path);

/* The inverse of path and text: what a worker process calls. */
int mote_plugin_load_text(mote_loaded_plugin **plugin, const char *path, const char *text, char *message, size_t size);

/* A model that is linked into the program: `name` takes the place of the path in messages and identity. */
int mote_plugin_load_function(mote_loaded_plugin **plugin, const char *name, mote_plugin_function *function,
                              const mote_config *section, char *message, size_t size);

#endif
