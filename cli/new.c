/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote new target|ssm NAME: a folder with a model, its Makefile and an ini file that build and run as they are. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/place.h"
#include "cli/templates.h"

enum { PATH_SIZE = 4096 };

/* What takes the place of '@', '\1' and '\2' in a template. */
typedef struct filling {
    const char *name;
    char command[3 * PATH_SIZE], flags[4 * PATH_SIZE];
} filling;

/* '$@' of make stays as it is; every other '@' becomes the name. */
static void fill(const char *template, const filling *with, FILE *out)
{
    for (const char *at = template; *at; ++at)
        if (*at == '@' && (at == template || at[-1] != '$'))
            fputs(with->name, out);
        else if (*at == '\1' || *at == '\2')
            fputs(*at == '\1' ? with->command : with->flags, out);
        else
            fputc(*at, out);
}

/* A path as make and the shell read it back: between quotes when it has more than plain letters. 1: it has. */
static int quote(char *to, size_t size, const char *before, const char *path)
{
    const int odd = strpbrk(path, " \t'\"\\`&;()<>|*?[]~!#$") != NULL;
    size_t n = (size_t)snprintf(to, size, "%s%s", odd ? "\"" : "", before);
    for (; *path && n + 5 < size; ++path) {
        if (strchr("\"\\`#$", *path)) /* make takes the mark of '#' away, the shell those of the others */
            to[n++] = '\\';
        to[n++] = *path;
        if (*path == '$')
            to[n++] = '$';
    }
    snprintf(to + n, size - n, "%s", odd ? "\"" : "");
    return odd;
}

/* The Makefile finds mote again: through PATH and pkg-config when they lead to it, else where this program stands. */
static void find_mote(const mote_arguments *arguments, filling *with)
{
    char path[PATH_SIZE], include[3 * PATH_SIZE];
    int built;
    mote_program_command(arguments->program, path, sizeof path);
    quote(with->command, sizeof with->command, "", path);
    const int found = mote_header_folder(arguments->program, path, sizeof path, &built);
    const int odd = quote(include, sizeof include, "-I", path);
    if (found && (built || odd))
        snprintf(with->flags, sizeof with->flags, "%s", include);
    else
        snprintf(with->flags, sizeof with->flags, "$(shell pkg-config --cflags mote 2>/dev/null%s%s)",
                 found ? " || echo " : "", found ? include : "");
}

static int write_file(const filling *with, const char *file, const char *ending, const char *template)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s%s", with->name, file, ending);
    FILE *out = fopen(path, "wx");
    if (!out)
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "%s: %s", path, strerror(errno));
    fill(template, with, out);
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

static int write_target(const filling *with)
{
    int code = write_file(with, with->name, ".c", mote_target_model);
    code = code ? code : write_file(with, "Makefile", "", mote_target_makefile);
    return code ? code : write_file(with, with->name, ".ini", mote_target_ini);
}

static int write_ssm(const filling *with)
{
    int code = write_file(with, with->name, ".c", mote_ssm_model);
    code = code ? code : write_file(with, "Makefile", "", mote_ssm_makefile);
    code = code ? code : write_file(with, with->name, ".ini", mote_ssm_ini);
    return code ? code : write_file(with, with->name, ".csv", mote_ssm_data);
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
    filling with = { .name = name };
    find_mote(arguments, &with);
    int code = ssm ? write_ssm(&with) : write_target(&with);
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
