/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/job.h"

double mote_outcome_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_number(value))
        return json_number_value(value);
    if (!json_is_string(value))
        return NAN;
    return !strcmp(json_string_value(value), "inf")    ? INFINITY
           : !strcmp(json_string_value(value), "-inf") ? -INFINITY
                                                       : NAN;
}

double mote_outcome_result(const mote_outcome *outcome, const char *name)
{
    return mote_outcome_number(json_object_get(json_object_get(outcome->json, "results"), name), "value");
}

const char *mote_outcome_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const json_t *mote_outcome_parameter(const mote_outcome *outcome, const char *name)
{
    const json_t *list = json_object_get(outcome->json, "parameters");
    for (size_t i = 0; i < json_array_size(list); ++i)
        if (!strcmp(mote_outcome_text(json_array_get(list, i), "name"), name))
            return json_array_get(list, i);
    return NULL;
}

static void read_record(mote_outcome *outcome, const char *folder)
{
    char path[MOTE_JOB_PATH], message[600];
    snprintf(path, sizeof path, "%s/mote.ini", folder);
    if (!mote_config_read(&outcome->record, path, message, sizeof message))
        outcome->identity = mote_config_get(mote_config_section(outcome->record, "record"), "identity", "");
}

/* The root of the result files that `path` means; in a folder also state and identity. */
static int find_root(mote_outcome *outcome, const char *path, char root[MOTE_JOB_PATH])
{
    struct stat about;
    char name[256], message[1200];
    snprintf(root, MOTE_JOB_PATH, "%s", path);
    if (stat(path, &about) || !S_ISDIR(about.st_mode))
        return 0;
    int status = mote_job_state(path, outcome->state, sizeof outcome->state, name, sizeof name, message,
                                sizeof message);
    if (status)
        return mote_complain(mote_exit_code_of_config(status), "%s", message);
    read_record(outcome, path);
    snprintf(root, MOTE_JOB_PATH, "%s/%s", path, name);
    return 0;
}

int mote_outcome_root(const char *path, char *root, size_t size)
{
    mote_outcome outcome = { .identity = "" };
    char found[MOTE_JOB_PATH];
    int code = find_root(&outcome, path, found);
    if (!code)
        snprintf(root, size, "%s", found);
    mote_outcome_free(&outcome);
    return code;
}

int mote_outcome_read(mote_outcome *outcome, const char *path)
{
    char root[MOTE_JOB_PATH], file[MOTE_JOB_PATH + 8];
    json_error_t error;
    memset(outcome, 0, sizeof *outcome);
    outcome->identity = "";
    snprintf(outcome->title, sizeof outcome->title, "%s", path);
    int code = find_root(outcome, path, root);
    if (code)
        return code;
    snprintf(file, sizeof file, "%s.json", root);
    if (access(file, R_OK))
        return mote_complain(MOTE_EXIT_NO_INPUT, "%s: %s", file,
                             !strcmp(outcome->state, "running") ? "the run has not written results yet; they come with "
                                                                  "its checkpoints"
                             : *outcome->state                  ? "the run has no draws yet"
                                                                : "no such file");
    outcome->json = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    return outcome->json ? 0 : mote_complain(MOTE_EXIT_DATA, "%s:%d: %s", file, error.line, error.text);
}

void mote_outcome_free(mote_outcome *outcome)
{
    json_decref(outcome->json);
    mote_config_free(&outcome->record);
    outcome->json = NULL;
    outcome->identity = "";
}
