/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote new target|ssm NAME: a folder with a model, its Makefile and an ini file that build and run as they are. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/templates.h"

/* '$@' of make stays as it is; every other '@' becomes the name. */
static void fill(const char *template, const char *name, FILE *out)
{
    for (const char *at = template; *at; ++at)
        if (*at == '@' && (at == template || at[-1] != '$'))
            fputs(name, out);
        else
            fputc(*at, out);
}

static int write_file(const char *folder, const char *file, const char *ending, const char *template, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%s", folder, file, ending);
    FILE *out = fopen(path, "wx");
    if (!out)
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "%s: %s", path, strerror(errno));
    fill(template, name, out);
    int failed = fflush(out) || ferror(out), reason = errno;
    failed |= fclose(out) != 0;
    return failed ? mote_complain(MOTE_EXIT_IO, "%s: %s", path, strerror(reason)) : 0;
}

static int legal_name(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return 0;
    for (; *name; ++name)
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != '-')
            return 0;
    return 1;
}

static int write_target(const char *name)
{
    int code = write_file(name, name, ".c", mote_target_model, name);
    code = code ? code : write_file(name, "Makefile", "", mote_target_makefile, name);
    return code ? code : write_file(name, name, ".ini", mote_target_ini, name);
}

static int write_ssm(const char *name)
{
    int code = write_file(name, name, ".c", mote_ssm_model, name);
    code = code ? code : write_file(name, "Makefile", "", mote_ssm_makefile, name);
    code = code ? code : write_file(name, name, ".ini", mote_ssm_ini, name);
    return code ? code : write_file(name, name, ".csv", mote_ssm_data, name);
}

static int run(const mote_arguments *arguments)
{
    const char *kind = arguments->count == 2 ? arguments->operands[0] : "";
    const int ssm = !strcmp(kind, "ssm");
    if (!ssm && strcmp(kind, "target") != 0)
        return mote_complain(MOTE_EXIT_USAGE, "new: write `mote new target NAME` or `mote new ssm NAME`");
    const char *name = arguments->operands[1];
    if (!legal_name(name) || strlen(name) > 100)
        return mote_complain(MOTE_EXIT_USAGE, "new: '%s' is no name: letters, digits, _ and -, a letter first", name);
    if (mkdir(name, 0777))
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "%s: %s", name, strerror(errno));
    int code = ssm ? write_ssm(name) : write_target(name);
    if (!code)
        printf("%s/: %s.c, Makefile, %s.ini%s%s%s. Now: cd %s && make run\n", name, name, name, ssm ? ", " : "",
               ssm ? name : "", ssm ? ".csv" : "", name);
    return code;
}

const mote_verb mote_verb_new = {
    .name = "new",
    .operands = "target|ssm NAME",
    .help = "Write a folder with a model, its Makefile and an ini file that run as they are",
    .details = "target: a likelihood. ssm: a state-space model, with a series to filter.",
    .run = run,
};
