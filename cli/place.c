/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/place.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/job.h"

/* ---- files in folders ------------------------------------------------------------------------------------------- */

static int join(char *path, size_t size, const char *folder, const char *name)
{
    const int length = snprintf(path, size, "%s%s%s", folder, *folder ? "/" : "", name);
    return length > 0 && (size_t)length < size;
}

static int exists(char *path, size_t size, const char *folder, const char *name)
{
    return join(path, size, folder, name) && !access(path, R_OK);
}

/* `folder`/name or `folder`/.libs/name. */
static int exists_near(char *path, size_t size, const char *folder, const char *name)
{
    char libs[MOTE_JOB_PATH];
    return exists(path, size, folder, name) ||
           (join(libs, sizeof libs, folder, ".libs") && exists(path, size, libs, name));
}

/* The next folder of a list such as PATH; NULL after the last. */
static const char *next_folder(const char *list, char folder[MOTE_JOB_PATH])
{
    const size_t length = strcspn(list, ":");
    if (!*list)
        return NULL;
    snprintf(folder, MOTE_JOB_PATH, "%.*s", (int)length, list);
    return list + length + (list[length] == ':');
}

static int exists_in_list(char *path, size_t size, const char *list, const char *name)
{
    char folder[MOTE_JOB_PATH];
    while (list && (list = next_folder(list, folder)))
        if (*folder && exists_near(path, size, folder, name))
            return 1;
    return 0;
}

/* ---- the program ------------------------------------------------------------------------------------------------ */

/* The program that a shell means by a name without a slash. */
static int search_path(char *path, size_t size, const char *name)
{
    char folder[MOTE_JOB_PATH];
    struct stat about;
    for (const char *list = getenv("PATH"); list && (list = next_folder(list, folder));)
        if (join(path, size, *folder ? folder : ".", name) && !access(path, X_OK) && !stat(path, &about) &&
            S_ISREG(about.st_mode))
            return 1;
    return 0;
}

/* The program's own file, absolute and without links. */
static int program_file(const char *program, char *file, size_t size)
{
    char found[MOTE_JOB_PATH];
    const ssize_t length = readlink("/proc/self/exe", file, size - 1);
    if (length > 0 && (size_t)length < size - 1) {
        file[length] = '\0';
        return 1;
    }
    if (!program || !*program || (!strchr(program, '/') && !search_path(found, sizeof found, program)))
        return 0;
    char *real = realpath(strchr(program, '/') ? program : found, NULL);
    const int fits = real && (size_t)snprintf(file, size, "%s", real) < size;
    free(real);
    return fits;
}

/* Cuts the last part of a path off; of FOLDER/.libs/NAME the last two. */
static void cut_to_folder(char *path)
{
    for (int again = 1; again;) {
        char *slash = strrchr(path, '/');
        if (!slash)
            return;
        *slash = '\0';
        const char *last = strrchr(path, '/');
        again = last && !strcmp(last, "/.libs");
    }
}

int mote_program_folder(const char *program, char *folder, size_t size)
{
    if (!program_file(program, folder, size))
        return 0;
    cut_to_folder(folder);
    return 1;
}

void mote_program_command(const char *program, char *command, size_t size)
{
    char folder[MOTE_JOB_PATH], found[MOTE_JOB_PATH];
    snprintf(command, size, "mote");
    if (!mote_program_folder(program, folder, sizeof folder))
        return;
    char *real = search_path(found, sizeof found, "mote") ? realpath(found, NULL) : NULL;
    if (real)
        cut_to_folder(real);
    if (!real || strcmp(real, folder) != 0)
        snprintf(command, size, "%s/mote", folder);
    free(real);
}

int mote_find_worker(const char *program, char *path, size_t size)
{
    char folder[MOTE_JOB_PATH];
    return mote_program_folder(program, folder, sizeof folder) && join(path, size, folder, "mote-worker") &&
           !access(path, X_OK);
}

/* ---- headers ---------------------------------------------------------------------------------------------------- */

/* A build says in mote-uninstalled.pc where its sources are: "srcdir=/path". */
static int source_folder(const char *build, char *folder, size_t size)
{
    char line[MOTE_JOB_PATH];
    int found = 0;
    FILE *file = join(line, sizeof line, build, "mote-uninstalled.pc") ? fopen(line, "r") : NULL;
    while (file && !found && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        found = !strncmp(line, "srcdir=", 7) && join(folder, size, line + 7, "include");
    }
    if (file)
        fclose(file);
    return found;
}

int mote_header_folder(const char *program, char *folder, size_t size, int *built)
{
    char place[MOTE_JOB_PATH], header[MOTE_JOB_PATH];
    *built = 0;
    if (!mote_program_folder(program, place, sizeof place))
        return 0;
    *built = source_folder(place, folder, size);
    if (!*built) {
        cut_to_folder(place);
        if (!join(folder, size, place, "include"))
            return 0;
    }
    return exists(header, sizeof header, folder, "mote/plugin.h");
}

/* ---- plug-ins --------------------------------------------------------------------------------------------------- */

/* Where a build of mote keeps the plug-ins of its examples: PROGRAM's folder/examples/cosmology/.libs/cosmology.so. */
static int exists_in_build(char *path, size_t size, const char *folder, const char *name)
{
    char example[MOTE_JOB_PATH];
    const int length = snprintf(example, sizeof example, "%s/examples/%.*s", folder, (int)strcspn(name, "."), name);
    return exists_near(path, size, folder, name) ||
           ((size_t)length < sizeof example && exists_near(path, size, example, name));
}

/* A name without a folder of its own. */
static int exists_elsewhere(char *path, size_t size, const char *program, const char *name)
{
    char folder[MOTE_JOB_PATH];
    return exists_in_list(path, size, getenv("MOTE_PLUGIN_PATH"), name) ||
           (mote_program_folder(program, folder, sizeof folder) && exists_in_build(path, size, folder, name)) ||
           exists(path, size, MOTE_PKGLIBDIR, name);
}

int mote_find_plugin(const char *program, const mote_config *section, const char *name, char *path, size_t size)
{
    char beside[MOTE_JOB_PATH], copy[MOTE_JOB_PATH], base[MOTE_JOB_PATH], folder[MOTE_JOB_PATH];
    if (mote_config_path(section, name, beside, sizeof beside))
        snprintf(beside, sizeof beside, "%s", name);
    if (exists(path, size, "", beside))
        return 0;
    snprintf(copy, sizeof copy, "%s", beside);
    snprintf(folder, sizeof folder, "%s", dirname(copy));
    snprintf(copy, sizeof copy, "%s", beside);
    snprintf(base, sizeof base, "%s", basename(copy));
    if (exists_near(path, size, folder, base))
        return 0;
    if (!strchr(name, '/') && exists_elsewhere(path, size, program, name))
        return 0;
    return mote_complain(MOTE_EXIT_NO_INPUT, "%s%smodel '%s' was not found: not at %s, nor in .libs there%s",
                         section ? mote_config_where(section, "model") : "", section ? ": " : "", name, beside,
                         strchr(name, '/')
                             ? ""
                             : ", nor in MOTE_PLUGIN_PATH, nor beside the program, nor in " MOTE_PKGLIBDIR);
}
