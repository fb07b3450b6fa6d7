/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loading a user's model. Life: open the object, check its ABI, call its entry point with the host table, check what
 * it handed out, check that it asked for every key of its section; then mote_plugin_override; then runs; then release.
 *
 * Everything that was opened is closed again on each way out: the plug-in's `release` is called once if its entry
 * point was, even when that failed, and always before dlclose.
 *
 * Identity. Three 64-bit FNV-1a hashes: of the object file, of the section (keys and values in file order), of the
 * content of the data files that the plug-in named. The fingerprint is all three; the target's identity is
 * the plug-in's own word with the hash of the data files, or the fingerprint when it has none. */
#include "model/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fenv.h>
#include <inttypes.h>
#include <mote/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint.h"
#include "core/memory.h"
#include "core/message.h"
#include "model/plugin_parts.h"

const mote_target *mote_plugin_target(const mote_loaded_plugin *plugin)
{
    return plugin && plugin->model.target ? &plugin->target : NULL;
}

const mote_ssm *mote_plugin_ssm(const mote_loaded_plugin *plugin)
{
    return plugin && mote_plugin_gives_ssm(plugin) ? &plugin->ssm : NULL;
}

const char *mote_plugin_data_file(const mote_loaded_plugin *plugin, int64_t index, uint64_t *hash)
{
    if (index < 0 || index >= plugin->data_file_count)
        return NULL;
    if (hash)
        *hash = plugin->data_files[index].hash;
    return plugin->data_files[index].path;
}

const char *mote_plugin_identity(const mote_loaded_plugin *plugin)
{
    return plugin->model.target ? plugin->target.identity : plugin->ssm.identity;
}

const char *mote_plugin_path(const mote_loaded_plugin *plugin)
{
    return plugin ? plugin->path : NULL;
}

const char *mote_plugin_text(const mote_loaded_plugin *plugin)
{
    return plugin ? plugin->text : NULL;
}

const char *mote_plugin_fingerprint(const mote_loaded_plugin *plugin)
{
    return plugin ? plugin->fingerprint : NULL;
}

/* ---- opening the object ------------------------------------------------------------------------------------- */

/* Some objects, linked with -ffast-math, switch the loading thread to flush denormal numbers to zero. */
static void *open_object(const char *path)
{
    fenv_t mode;
    int saved = !fegetenv(&mode);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (saved)
        fesetenv(&mode);
    return handle;
}

/* dlsym answers with a data pointer; POSIX promises that it can hold a function's. */
static mote_plugin_function *entry_point(void *handle)
{
    mote_plugin_function *function = NULL;
    void *symbol = dlsym(handle, "mote_plugin");
    memcpy(&function, &symbol, sizeof function);
    return function;
}

static int load_object(mote_loaded_plugin *plugin, const char *path, mote_plugin_function **function,
                       mote_message *message)
{
    plugin->object_hash = MOTE_HASH_START;
    int status = mote_plugin_hash_file(path, &plugin->object_hash);
    if (status)
        return mote_fail(message, status, "%s: %s", path,
                              status == MOTE_ENOENT ? "no such plug-in" : strerror(errno));
    errno = 0;
    plugin->handle = open_object(path);
    if (!plugin->handle) {
        const int error = errno; /* as the linker's last call left it: its reasons are words alone */
        const char *reason = dlerror();
        return mote_fail(message, error == ENOMEM ? MOTE_ENOMEM : MOTE_EPLUGIN, "%s: cannot be loaded: %s", path,
                              reason ? reason : "unknown reason");
    }
    const int64_t *abi = dlsym(plugin->handle, "mote_plugin_abi");
    *function = entry_point(plugin->handle);
    if (!*function)
        return mote_fail(message, MOTE_EPLUGIN,
                              "%s: has no symbol mote_plugin: define it with MOTE_PLUGIN_ENTRY", path);
    if (!abi)
        return mote_fail(message, MOTE_EPLUGIN,
                              "%s: has no symbol mote_plugin_abi: define the entry point with MOTE_PLUGIN_ENTRY", path);
    return mote_plugin_check_abi(path, *abi, message);
}

/* ---- calling it and checking what came back ---------------------------------------------------------------- */

static int call_entry(mote_loaded_plugin *plugin, mote_plugin_function *function, const mote_config *section,
                      mote_message *message)
{
    const mote_model blank = { MOTE_VERSIONED(mote_model), .abi = MOTE_PLUGIN_ABI };
    plugin->model = blank;
    int status = function(&plugin->host, section, &plugin->model);
    if (status)
        return mote_fail(message, status, "%s: %s", plugin->name,
                              *plugin->reason ? plugin->reason : mote_strerror(status));
    if (plugin->identify_status)
        return mote_fail(message, plugin->identify_status, "%s: data file %s: %s", plugin->name,
                              plugin->identify_path, mote_strerror(plugin->identify_status));
    return MOTE_OK;
}

/* The section's keys that the plug-in looked at are its known keys: what it never asked for is unknown. */
static int check_unused(const mote_loaded_plugin *plugin, const mote_config *section, mote_message *message)
{
    const char *unknown = section ? mote_config_unused(section) : NULL;
    if (!unknown)
        return MOTE_OK;
    return mote_fail(message, MOTE_EOPTION, "%s: unknown key '%s': %s does not read it",
                          mote_config_where(section, unknown), unknown, plugin->name);
}

/* Called once the plug-in has read its section: reading every key marks it as used. */
static int start_text(mote_loaded_plugin *plugin, const mote_config *section)
{
    char origin[MOTE_PATH_SIZE];
    int status = mote_plugin_add_text(plugin, "[origin]\nfile = ");
    if (!status && (!section || mote_plugin_absolute(section, "mote.ini", origin, sizeof origin)))
        snprintf(origin, sizeof origin, "mote.ini");
    status = status ? status : mote_plugin_add_text(plugin, origin);
    status = status ? status : mote_plugin_add_text(plugin, "\n");
    status = status ? status : mote_plugin_add_section(plugin, "model", section);
    plugin->section_hash = MOTE_HASH_START;
    for (int64_t i = 0; section && mote_config_key(section, i); ++i) {
        const char *key = mote_config_key(section, i), *value = mote_config_get(section, key, "");
        plugin->section_hash = mote_hash(plugin->section_hash, key, strlen(key) + 1);
        plugin->section_hash = mote_hash(plugin->section_hash, value, strlen(value) + 1);
    }
    return status;
}

/* ---- life cycle --------------------------------------------------------------------------------------------- */

static mote_loaded_plugin *create(const char *name)
{
    mote_memory memory;
    if (mote_memory_open(&memory, NULL))
        return NULL;
    mote_loaded_plugin *plugin = mote_memory_allocate(&memory, 1, sizeof *plugin);
    if (!plugin)
        return NULL;
    plugin->memory = memory;
    plugin->data_hash = MOTE_HASH_START;
    plugin->name = mote_memory_copy_text(&memory, name);
    mote_plugin_fill_host(plugin);
    if (!plugin->name)
        mote_plugin_release(&plugin);
    return plugin;
}

void mote_plugin_release(mote_loaded_plugin **plugin)
{
    mote_loaded_plugin *gone = plugin ? *plugin : NULL;
    if (!gone)
        return;
    const mote_memory memory = gone->memory;
    mote_config *file = gone->file;
    *plugin = NULL;
    if (gone->model.release)
        gone->model.release(gone->model.ctx);
    if (gone->handle)
        dlclose(gone->handle);
    for (int64_t i = 0; i < gone->owned_count; ++i)
        mote_memory_release(&memory, gone->owned[i]);
    mote_memory_release(&memory, gone->owned);
    for (int64_t i = 0; i < gone->data_file_count; ++i)
        mote_memory_release(&memory, gone->data_files[i].path);
    mote_memory_release(&memory, gone->data_files);
    mote_memory_release(&memory, gone->parameters);
    mote_memory_release(&memory, gone->ssm_parameters);
    mote_memory_release(&memory, gone->ssm_identity);
    mote_memory_release(&memory, gone->identity);
    mote_memory_release(&memory, gone->fingerprint);
    mote_memory_release(&memory, gone->text);
    mote_memory_release(&memory, gone->path);
    mote_memory_release(&memory, gone->name);
    mote_memory_release(&memory, gone);
    mote_config_free(&file);
}

/* The part that a linked-in model and a loaded one share. */
static int complete(mote_loaded_plugin *plugin, mote_plugin_function *function, const mote_config *section,
                    mote_message *message)
{
    int status = call_entry(plugin, function, section, message);
    status = status ? status : mote_plugin_check_model(plugin, message);
    status = status ? status : check_unused(plugin, section, message);
    if (status)
        return status;
    status = mote_plugin_copy_model(plugin);
    status = status ? status : start_text(plugin, section);
    status = status ? status : mote_plugin_set_identity(plugin);
    return status ? mote_fail(message, status, "%s: %s", plugin->name, mote_strerror(status))
                  : MOTE_OK;
}

static int open_plugin(mote_loaded_plugin **out, const char *path, mote_plugin_function *function,
                       const mote_config *section, mote_message *message)
{
    mote_loaded_plugin *plugin = create(path);
    *out = NULL;
    if (!plugin)
        return mote_fail(message, MOTE_ENOMEM, "%s: %s", path, mote_strerror(MOTE_ENOMEM));
    int status = MOTE_OK;
    if (!function) {
        status = mote_plugin_real_path(plugin, path); /* what has no such path is refused by name when opened */
        status = status == MOTE_ENOMEM ? mote_fail(message, status, "%s: %s", path, mote_strerror(status))
                                       : load_object(plugin, plugin->path ? plugin->path : path, &function, message);
    } else {
        plugin->object_hash = mote_hash(MOTE_HASH_START, path, strlen(path));
    }
    status = status ? status : complete(plugin, function, section, message);
    if (status)
        mote_plugin_release(&plugin);
    *out = plugin;
    return status;
}

/* The reason into the caller's array. */
static int tell(int status, const mote_message *reason, char *message, size_t size)
{
    return status ? mote_fail_text(message, size, status, "%s", reason->text) : MOTE_OK;
}

int mote_plugin_load(mote_loaded_plugin **plugin, const char *path, const mote_config *section, char *message,
                     size_t size)
{
    mote_message reason = { "" };
    if (!plugin || !path)
        return mote_fail_text(message, size, MOTE_EINVAL, "mote_plugin_load: plugin and path must not be NULL");
    return tell(open_plugin(plugin, path, NULL, section, &reason), &reason, message, size);
}

int mote_plugin_load_function(mote_loaded_plugin **plugin, const char *name, mote_plugin_function *function,
                              const mote_config *section, char *message, size_t size)
{
    mote_message reason = { "" };
    return tell(open_plugin(plugin, name, function, section, &reason), &reason, message, size);
}

int mote_plugin_load_text(mote_loaded_plugin **plugin, const char *path, const char *text, char *message, size_t size)
{
    mote_config *first = NULL, *file = NULL;
    *plugin = NULL;
    int status = mote_config_parse(&first, text, "model text", message, size);
    if (status)
        return status;
    const char *origin = mote_config_get(mote_config_section(first, "origin"), "file", "mote.ini");
    status = mote_config_parse(&file, text, origin, message, size);
    if (!status)
        status = mote_plugin_load(plugin, path, mote_config_section(file, "model"), message, size);
    if (!status)
        status = mote_plugin_override(*plugin, mote_config_section(file, "parameters"), message, size);
    if (status)
        mote_plugin_release(plugin);
    if (status)
        mote_config_free(&file);
    else
        (*plugin)->file = file; /* the plug-in may have kept texts of its section */
    mote_config_free(&first);
    return status;
}
