/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loaded plug-in, shared by the loader and the [parameters] section. */
#ifndef MOTE_MODEL_PLUGIN_PARTS_H
#define MOTE_MODEL_PLUGIN_PARTS_H

#include <mote/plugin.h>

#include "core/memory.h"

enum { MOTE_PATH_SIZE = 4096 };

struct mote_loaded_plugin {
    mote_memory memory;
    void *handle;                /* of dlopen; NULL for a linked-in model */
    mote_host host;
    mote_model model;            /* what the plug-in handed out */
    mote_target target;          /* our copy, with [parameters] applied */
    mote_parameter *parameters;  /* its table */
    mote_config *file;           /* of mote_plugin_load_text: freed with the plug-in */
    char *name;                  /* for messages: the path as it was given */
    char *path;                  /* absolute; NULL for a linked-in model */
    char *text;                  /* ini text for worker processes */
    char *fingerprint, *identity;
    void **owned;                /* labels and units from [parameters] */
    int64_t owned_count;
    int64_t overridden;          /* 1 once a [parameters] section was applied */
    uint64_t object_hash, section_hash, data_hash;
    int64_t data_files;
    int identify_status;         /* of the first data file that could not be read */
    char identify_path[512];
    char reason[512];            /* host->error */
};

/* Text for worker processes, appended. MOTE_ENOMEM. */
int mote_plugin_add_text(mote_loaded_plugin *plugin, const char *text);
int mote_plugin_add_section(mote_loaded_plugin *plugin, const char *name, const mote_config *section);

/* The file name `value` as the section's file means it, made absolute. */
int mote_plugin_absolute(const mote_config *section, const char *value, char *path, size_t size);

/* Sets the plug-in's absolute path. MOTE_ENOENT when there is no such object, MOTE_ENOMEM. */
int mote_plugin_real_path(mote_loaded_plugin *plugin, const char *path);

#endif
