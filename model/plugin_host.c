/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host table: what a plug-in may call without linking it. */
#include <errno.h>
#include <inttypes.h>
#include <mote/plugin.h>
#include <stdio.h>

#include "core/checkpoint.h"
#include "core/vector.h"
#include "model/plugin_parts.h"

static void host_error(void *ctx, const char *text)
{
    mote_loaded_plugin *plugin = ctx;
    snprintf(plugin->reason, sizeof plugin->reason, "%s", text ? text : "");
}

int mote_plugin_hash_file(const char *path, uint64_t *hash)
{
    unsigned char bytes[4096];
    uint64_t length = 0;
    size_t n;
    FILE *file = fopen(path, "rb");
    if (!file)
        return errno == ENOENT ? MOTE_ENOENT : errno == ENOMEM ? MOTE_ENOMEM : MOTE_EIO;
    setvbuf(file, NULL, _IONBF, 0); /* read straight into `bytes`: no other memory is asked for */
    while ((n = fread(bytes, 1, sizeof bytes, file)) > 0) {
        *hash = mote_hash(*hash, bytes, n);
        length += n;
    }
    *hash = mote_hash(*hash, &length, sizeof length);
    int status = ferror(file) ? MOTE_EIO : MOTE_OK;
    fclose(file);
    return status;
}

int mote_plugin_add_data_file(mote_loaded_plugin *plugin, const char *path)
{
    const int64_t n = plugin->data_file_count;
    mote_data_file *files = mote_memory_resize(&plugin->memory, plugin->data_files, n, n + 1, sizeof *files);
    if (!files)
        return MOTE_ENOMEM;
    plugin->data_files = files;
    files[n].path = mote_memory_copy_text(&plugin->memory, path);
    files[n].hash = MOTE_HASH_START;
    if (!files[n].path)
        return MOTE_ENOMEM;
    ++plugin->data_file_count;
    int status = mote_plugin_hash_file(path, &files[n].hash);
    return status ? status : mote_plugin_hash_file(path, &plugin->data_hash);
}

static void host_identify(void *ctx, const char *path)
{
    mote_loaded_plugin *plugin = ctx;
    int status = path ? mote_plugin_add_data_file(plugin, path) : MOTE_EINVAL;
    if (status && !plugin->identify_status) {
        plugin->identify_status = status;
        snprintf(plugin->identify_path, sizeof plugin->identify_path, "%s", path ? path : "(no path)");
    }
}

void mote_plugin_fill_host(mote_loaded_plugin *plugin)
{
    const mote_host host = { MOTE_VERSIONED(mote_host),
                             .abi = MOTE_PLUGIN_ABI,
                             .ctx = plugin,
                             .config_get = mote_config_get,
                             .config_real = mote_config_real,
                             .config_integer = mote_config_integer,
                             .config_truth = mote_config_truth,
                             .config_key = mote_config_key,
                             .config_where = mote_config_where,
                             .config_path = mote_config_path,
                             .error = host_error,
                             .identify = host_identify,
                             .exp = mote_vector()->exp,
                             .log = mote_vector()->log,
                             .uniforms = mote_uniforms,
                             .normals = mote_normals,
                             .bits = mote_bits,
                             .exponentials = mote_exponentials,
                             .choose = mote_choose,
                             .ordered_uniforms = mote_ordered_uniforms,
                             .uniform_cut = mote_uniform_cut,
                             .stream_open = mote_stream_open,
                             .stream_bits = mote_stream_bits,
                             .stream_uniform = mote_stream_uniform,
                             .stream_normal = mote_stream_normal,
                             .stream_normals = mote_stream_normals,
                             .stream_index = mote_stream_index,
                             .stream_exponential = mote_stream_exponential,
                             .stream_gamma = mote_stream_gamma,
                             .stream_log_gamma = mote_stream_log_gamma,
                             .stream_inverse_gamma = mote_stream_inverse_gamma,
                             .stream_beta = mote_stream_beta,
                             .stream_chi_squared = mote_stream_chi_squared,
                             .stream_student_t = mote_stream_student_t,
                             .stream_dirichlet = mote_stream_dirichlet,
                             .stream_poisson = mote_stream_poisson,
                             .stream_binomial = mote_stream_binomial,
                             .stream_negative_binomial = mote_stream_negative_binomial,
                             .stream_multinomial = mote_stream_multinomial };
    plugin->host = host;
}
