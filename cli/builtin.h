/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models that need no plug-in: `model = gaussian` in [run]. */
#ifndef MOTE_CLI_BUILTIN_H
#define MOTE_CLI_BUILTIN_H

#include <mote/plugin.h>

typedef struct mote_builtin {
    const char *name;
    const char *help;
    mote_plugin_function *open;
} mote_builtin;

/* NULL past the end. */
const mote_builtin *mote_builtin_at(int64_t index);
const mote_builtin *mote_builtin_find(const char *name);

#endif
