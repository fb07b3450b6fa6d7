/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loaded plug-in, shared by the loader and the [parameters] section. */
#ifndef MOTE_MODEL_PLUGIN_PARTS_H
#define MOTE_MODEL_PLUGIN_PARTS_H

#include <mote/plugin.h>

#include "core/memory.h"
#include "core/message.h"

enum { MOTE_PATH_SIZE = 4096 };

/* A data file that is part of the identity: what it was called, and the hash of its content alone. */
typedef struct mote_data_file {
    char *path;
    uint64_t hash;
} mote_data_file;

struct mote_loaded_plugin {
    mote_memory memory;
    void *handle;                /* of dlopen; NULL for a linked-in model */
    mote_host host;
    mote_model model;            /* what the plug-in handed out */
    mote_target target;          /* our copy, with [parameters] applied */
    mote_parameter *parameters;  /* its table */
    mote_ssm ssm;                /* the same of the state-space model */
    mote_parameter *ssm_parameters;
    mote_config *file;           /* of mote_plugin_load_text: freed with the plug-in */
    char *name;                  /* for messages: the path as it was given */
    char *path;                  /* absolute; NULL for a linked-in model */
    char *text;                  /* ini text for worker processes */
    char *fingerprint, *identity, *ssm_identity;
    void **owned;                /* labels and units from [parameters] */
    int64_t owned_count;
    int64_t overridden;          /* 1 once a [parameters] section was applied */
    uint64_t object_hash, section_hash, data_hash;
    mote_data_file *data_files;
    int64_t data_file_count;
    int identify_status;         /* of the first data file that could not be read */
    char identify_path[512];
    char reason[512];            /* host->error */
};

/* plugin_host.c: the table; a file's content fed into *hash, its length too, so that two files never look like one. */
void mote_plugin_fill_host(mote_loaded_plugin *plugin);
int mote_plugin_hash_file(const char *path, uint64_t *hash);

/* Makes a data file part of the identity, and remembers it. */
int mote_plugin_add_data_file(mote_loaded_plugin *plugin, const char *path);

/* plugin_model.c. */
int mote_plugin_gives_ssm(const mote_loaded_plugin *plugin);
int mote_plugin_check_abi(const char *path, int64_t abi, mote_message *message);
int mote_plugin_check_model(const mote_loaded_plugin *plugin, mote_message *message);
int mote_plugin_copy_model(mote_loaded_plugin *plugin);
int mote_plugin_set_identity(mote_loaded_plugin *plugin);

/* Text for worker processes, appended. MOTE_ENOMEM. */
int mote_plugin_add_text(mote_loaded_plugin *plugin, const char *text);
int mote_plugin_add_section(mote_loaded_plugin *plugin, const char *name, const mote_config *section);

/* The file name `value` as the section's file means it, made absolute. */
int mote_plugin_absolute(const mote_config *section, const char *value, char *path, size_t size);

/* Sets the plug-in's absolute path. MOTE_ENOENT when there is no such object, MOTE_ENOMEM. */
int mote_plugin_real_path(mote_loaded_plugin *plugin, const char *path);

#endif
