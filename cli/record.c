/* SPDX-License-Identifier: GPL-3.0-or-later */
/* DIR/mote.ini: the effective configuration of a run, so that `mote resume DIR` needs only DIR; and what it says
 * of a folder. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/job.h"
#include "model/plugin.h"

/* Texts are paths that the program may have filled in itself: only those of the file are kept. */
static int keeps(const mote_job *job, const mote_option *option, const char *section)
{
    return option->type != MOTE_OPTION_TEXT ||
           mote_config_get(mote_config_section(job->file, section), option->key, NULL) != NULL;
}

static void write_options(const mote_job *job, int common, FILE *out)
{
    const mote_option_table *table = mote_algorithm_options(job->algorithm);
    const mote_config *section = mote_config_section(job->file, common ? "run" : table->name);
    char text[MOTE_JOB_PATH];
    for (int64_t i = 0; i < table->count; ++i) {
        const mote_option *option = &table->options[i];
        if (mote_option_is_common(option->key) != common || !keeps(job, option, common ? "run" : table->name))
            continue;
        const char *value = text;
        if (option->type == MOTE_OPTION_TEXT) /* of any length */
            value = mote_config_get(section, option->key, "");
        else if (mote_option_get(table, job->options, option->key, text, sizeof text))
            continue;
        if (*value)
            fprintf(out, "%s = %s\n", option->key, value);
    }
}

static void write_section(const mote_job *job, const char *name, FILE *out)
{
    const mote_config *section = mote_config_section(job->file, name);
    const char *key;
    fprintf(out, "\n[%s]\n", name);
    for (int64_t i = 0; section && (key = mote_config_key(section, i)); ++i)
        fprintf(out, "%s = %s\n", key, mote_config_get(section, key, ""));
}

/* So that the difference between two identities has names: hash of the content, then the path. */
static void write_data_files(const mote_job *job, FILE *out)
{
    const char *path;
    uint64_t hash;
    for (int64_t i = 0; (path = mote_plugin_data_file(job->plugin, i, &hash)); ++i)
        if (!strpbrk(path, "\r\n"))
            fprintf(out, "data.%" PRId64 " = %016" PRIx64 " %s\n", i + 1, hash, path);
}

static void write_all(const mote_job *job, const char *state, FILE *out)
{
    const char *sampler = mote_algorithm_name(job->algorithm);
    fprintf(out, "# Written by mote: the configuration of the run in this folder, for `mote resume`.\n[run]\n"
                 "sampler = %s\nmodel = %s\noutput = %s\nname = %s\n", sampler,
            mote_config_get(mote_config_section(job->file, "run"), "model", ""), job->output, job->name);
    write_options(job, 1, out);
    fprintf(out, "\n[%s]\n", sampler);
    write_options(job, 0, out);
    write_section(job, "model", out);
    write_section(job, "parameters", out);
    if (mote_config_section(job->file, "data"))
        write_section(job, "data", out);
    fprintf(out, "\n[record]\nsource = %s\nversion = %s\nidentity = %s\nstate = %s\n", job->source, mote_version(),
            mote_plugin_identity(job->plugin), state);
    if (job->columns)
        fprintf(out, "columns = %" PRId64 "\n", job->columns);
    if (job->empty_lines)
        fprintf(out, "empty_lines = %" PRId64 "\nempty_lines_after = %" PRId64 "\n", job->empty_lines,
                job->empty_lines_after);
    write_data_files(job, out);
}

int mote_job_write(const mote_job *job, const char *state)
{
    char path[MOTE_JOB_PATH + 16], fresh[MOTE_JOB_PATH + 16];
    snprintf(path, sizeof path, "%s/mote.ini", job->output);
    snprintf(fresh, sizeof fresh, "%s/mote.ini.new", job->output);
    FILE *out = fopen(fresh, "w");
    if (!out)
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "%s: %s", fresh, strerror(errno));
    write_all(job, state, out);
    int failed = fflush(out) || fsync(fileno(out)) || ferror(out), reason = errno;
    failed |= fclose(out) != 0;
    if (!failed && !rename(fresh, path))
        return 0;
    reason = failed ? reason : errno;
    unlink(fresh);
    return mote_complain(MOTE_EXIT_IO, "%s: %s", path, strerror(reason));
}

int mote_job_state(const char *folder, char *state, size_t state_size, char *name, size_t name_size, char *message,
                   size_t size)
{
    char path[MOTE_JOB_PATH];
    mote_config *file = NULL;
    snprintf(message, size, "%s: the folder holds no run of mote (no mote.ini)", folder);
    snprintf(path, sizeof path, "%s/mote.ini", folder);
    if (access(path, F_OK))
        return MOTE_ENOENT;
    int status = mote_config_read(&file, path, message, size);
    if (status)
        return status;
    snprintf(state, state_size, "%s", mote_config_get(mote_config_section(file, "record"), "state", "running"));
    snprintf(name, name_size, "%s", mote_config_get(mote_config_section(file, "run"), "name", "mote"));
    mote_config_free(&file);
    return MOTE_OK;
}
