/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ini files from inside: the parsed file, and how its reader adds to it. */
#ifndef MOTE_CORE_CONFIG_PARTS_H
#define MOTE_CORE_CONFIG_PARTS_H

#include <mote/config.h>
#include <mote/status.h>

#include "core/memory.h"
#include "core/message.h"

/* What a file may hold: parsers of foreign text have limits. */
enum {
    MOTE_CONFIG_LINE = 65536,       /* bytes of a line */
    MOTE_CONFIG_FILE = 16777216,    /* bytes of a file */
    MOTE_CONFIG_NAME = 128,         /* bytes of a key or section name */
    MOTE_CONFIG_KEYS = 4096,        /* keys of a section */
    MOTE_CONFIG_SECTIONS = 1024
};

typedef struct mote_config_entry {
    char *key, *value;
    char *where;    /* "FILE:LINE" */
    int64_t used;   /* somebody asked for it */
} mote_config_entry;

struct mote_config {
    mote_memory memory;
    const mote_config *file; /* of a section; NULL for the file itself */
    char *name;              /* of the section; path of the file */
    char *where;
    mote_config_entry *entries;
    int64_t entry_count;
    mote_config **sections;
    int64_t section_count;
};

/* Parses `length` bytes; mote_config_parse and mote_config_read end here. */
int mote_config_open(mote_config **file, const mote_memory *memory, const char *text, int64_t length, const char *name,
                     mote_message *message);

/* An empty file or section; NULL without memory. */
mote_config *mote_config_create(const mote_memory *memory, const char *name, const char *where);

/* Adds a section or an entry, which must not be there yet; MOTE_ENOMEM or MOTE_EOPTION (too many). */
int mote_config_add_section(mote_config *file, const char *name, const char *where, mote_config **section);
int mote_config_add_entry(mote_config *section, const char *key, const char *value, const char *where);
mote_config_entry *mote_config_entry_of(const mote_config *section, const char *key); /* NULL: none */

#endif
