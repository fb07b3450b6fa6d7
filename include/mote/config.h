/* SPDX-License-Identifier: BSD-2-Clause */
/* Ini files: sections of keys and values that remember their file and line. Unknown keys are errors: whoever reads a
 * section marks what it took, and mote_config_unused() finds the rest. Limits: 64 KiB per line, 16 MiB per file. */
#ifndef MOTE_CONFIG_H
#define MOTE_CONFIG_H

#include <mote/base.h>

MOTE_BEGIN

typedef struct mote_config mote_config; /* one section, or a whole file: its sections are its members */

/* Reads a file. A repeated key, a repeated section, a line without `=`, a continuation line are errors whose message
 * (of `size` bytes) is "FILE:LINE: ...". Free with mote_config_free. */
MOTE_API int mote_config_read(mote_config **file, const char *path, char *message, size_t size);
MOTE_API int mote_config_parse(mote_config **file, const char *text, const char *name, char *message, size_t size);
MOTE_API void mote_config_free(mote_config **file);

/* The section of that name; NULL when there is none. Sections live as long as the file. */
MOTE_API const mote_config *mote_config_section(const mote_config *file, const char *name);

/* Adds or replaces "section.key" (as --set does). */
MOTE_API int mote_config_set(mote_config *file, const char *section, const char *key, const char *value);

/* Value of a key in a section, marked as used; `standard` when absent. Accepts a NULL section. */
MOTE_API const char *mote_config_get(const mote_config *section, const char *key, const char *standard);

/* The same as a number or a truth value (yes, no, true, false, on, off, 1, 0). MOTE_EPARSE with "FILE:LINE: key: ..."
 * in `message` when it is none. */
MOTE_API int mote_config_real(const mote_config *section, const char *key, double standard, double *value,
                              char *message, size_t size);
MOTE_API int mote_config_integer(const mote_config *section, const char *key, int64_t standard, int64_t *value,
                                 char *message, size_t size);
MOTE_API int mote_config_truth(const mote_config *section, const char *key, int64_t standard, int64_t *value,
                               char *message, size_t size);

/* Iteration in file order: NULL past the end. Does not mark as used. */
MOTE_API const char *mote_config_key(const mote_config *section, int64_t index);
MOTE_API const char *mote_config_section_name(const mote_config *file, int64_t index);

/* "FILE:LINE" of a key (or of the section itself for NULL). */
MOTE_API const char *mote_config_where(const mote_config *section, const char *key);

/* The first key of a section that nobody asked for; NULL when all were. */
MOTE_API const char *mote_config_unused(const mote_config *section);

/* A path as the file meant it: relative to the file's folder. Writes to `path`. */
MOTE_API int mote_config_path(const mote_config *section, const char *value, char *path, size_t size);

MOTE_END
#endif
