/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/data.h"

#include <string.h>

#include "cli/cli.h"
#include "core/message.h"
#include "model/plugin.h"

static const char *const keys[] = { "file", "observations", "inputs", "time" };
enum { KEYS = sizeof keys / sizeof *keys };

static const char *key_at(const void *ctx, int64_t i)
{
    (void)ctx;
    return keys[i];
}

static int check_keys(const mote_config *section)
{
    const char *key;
    for (int64_t i = 0; (key = mote_config_key(section, i)); ++i) {
        int known = 0;
        for (int k = 0; k < KEYS; ++k)
            known |= !strcmp(keys[k], key);
        if (known)
            continue;
        const char *nearest = mote_nearest(key, KEYS, key_at, NULL);
        return mote_complain(MOTE_EXIT_CONFIG, "%s: unknown key '%s' in [data]%s%s%s", mote_config_where(section, key),
                             key, nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    }
    return 0;
}

static int read_file(mote_data *data, const mote_config *section, mote_loaded_plugin *plugin)
{
    char message[sizeof data->path + 200] = "";
    const char *name = mote_config_get(section, "file", NULL);
    if (!name)
        return mote_complain(MOTE_EXIT_CONFIG, "%s: key 'file' is missing in [data]", mote_config_where(section, NULL));
    data->stream = !strcmp(name, "-");
    if (data->stream)
        return 0;
    if (mote_config_path(section, name, data->path, sizeof data->path))
        return mote_complain(MOTE_EXIT_CONFIG, "%s: the path is too long", mote_config_where(section, "file"));
    int status = mote_series_file_read(&data->file, &data->memory, mote_plugin_ssm(plugin), data->path, &data->names,
                                       message, sizeof message);
    if (!status && (status = mote_plugin_set_series(plugin, &data->file.series, data->path)))
        snprintf(message, sizeof message, "%s: %s", data->path, mote_strerror(status));
    return status ? mote_complain(mote_exit_code(status), "%s", message) : 0;
}

int mote_data_open(mote_data *data, const mote_config *section, mote_loaded_plugin *plugin)
{
    memset(data, 0, sizeof *data);
    if (!section)
        return 0;
    int code = check_keys(section);
    if (code)
        return code;
    if (!mote_plugin_ssm(plugin))
        return mote_complain(MOTE_EXIT_CONFIG, "%s: [data] is for state-space models, and the model hands out none",
                             mote_config_where(section, NULL));
    if (mote_memory_open(&data->memory, NULL))
        return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    data->names.observations = mote_config_get(section, "observations", NULL);
    data->names.inputs = mote_config_get(section, "inputs", NULL);
    data->names.time = mote_config_get(section, "time", NULL);
    return read_file(data, section, plugin);
}

void mote_data_close(mote_data *data)
{
    mote_series_file_free(&data->file);
}
