/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Status codes of the library as exit codes of the program, and complaints on stderr. */
#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"

int mote_exit_code(int status)
{
    switch (status) {
    case MOTE_OK:
    case MOTE_DONE: return MOTE_EXIT_OK;
    case MOTE_STOPPED: return MOTE_EXIT_STOPPED;
    case MOTE_ENOENT: return MOTE_EXIT_NO_INPUT;
    case MOTE_EEXIST: return MOTE_EXIT_CANNOT_CREATE;
    case MOTE_EIO: return MOTE_EXIT_IO;
    case MOTE_EMODEL:
    case MOTE_EPARSE:
    case MOTE_ECORRUPT:
    case MOTE_ENUMERIC:
    case MOTE_EPLATEAU: return MOTE_EXIT_DATA;
    case MOTE_EINVAL:
    case MOTE_EKIND:
    case MOTE_EVERSION:
    case MOTE_EOPTION:
    case MOTE_EIDENTITY:
    case MOTE_EPLUGIN:
    case MOTE_EUNSUPPORTED: return MOTE_EXIT_CONFIG;
    default: return status < 0 ? MOTE_EXIT_DATA /* the user's model gave up */ : MOTE_EXIT_INTERNAL;
    }
}

int mote_exit_code_of_config(int status)
{
    return status == MOTE_EPARSE ? MOTE_EXIT_CONFIG : mote_exit_code(status);
}

int mote_complain(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("mote: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return code;
}

void mote_point_at_comments(const mote_config *file)
{
    const char *name, *key;
    for (int64_t i = 0; (name = mote_config_section_name(file, i)); ++i) {
        const mote_config *section = mote_config_section(file, name);
        for (int64_t k = 0; (key = mote_config_key(section, k)); ++k)
            if (strstr(mote_config_get(section, key, ""), " #"))
                fprintf(stderr, "mote: %s: the value of '%s' holds ' #': comments after a value begin with ';'\n",
                        mote_config_where(section, key), key);
    }
}
