/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/files.h"

#include <dirent.h>
#include <errno.h>
#include <mote/output.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

enum { PATH_SIZE = 4096 };

int mote_make_folder(const char *folder, int *made)
{
    char path[PATH_SIZE];
    *made = 0;
    const size_t length = strlen(folder);
    if (length >= sizeof path)
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "the name of the output folder is too long");
    for (size_t i = 1; i <= length; ++i) {
        if (folder[i] != '/' && folder[i] != '\0')
            continue;
        memcpy(path, folder, i);
        path[i] = '\0';
        if (!mkdir(path, 0777))
            ++*made;
        else if (errno != EEXIST)
            return mote_complain(MOTE_EXIT_CANNOT_CREATE, "output folder %s: %s", path, strerror(errno));
    }
    struct stat about;
    if (stat(folder, &about) || !S_ISDIR(about.st_mode))
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "output folder %s: it is not a folder", folder);
    return access(folder, W_OK | X_OK)
               ? mote_complain(MOTE_EXIT_CANNOT_CREATE, "output folder %s: %s", folder, strerror(errno))
               : 0;
}

void mote_unmake_folder(const char *folder, int made)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s", folder);
    for (; made > 0 && !rmdir(path); --made) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            return;
        *slash = '\0';
    }
}

int mote_write_results(mote_run *run, const char *folder, const char *name)
{
    char root[PATH_SIZE];
    const mote_draws *draws = mote_run_draws(run);
    if (!draws || mote_draws_count(draws) < 1)
        return 0;
    const int length = snprintf(root, sizeof root, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof root)
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "the name of the output folder is too long");
    const int weighted = mote_draws_effective_sample_size(draws) > 0; /* a filter may have lost all of its particles */
    int status = weighted ? mote_write_getdist(draws, root) : MOTE_OK;
    if (!status && mote_draws_birth(draws))
        status = mote_write_anesthetic(draws, root);
    if (!status && weighted)
        status = mote_write_equal_weights(draws, root);
    if (!status)
        status = mote_write_json(run, root);
    return status ? mote_complain(mote_exit_code(status), "%s", mote_output_message()) : 0;
}

/* ---- what is the run's own in a folder ---------------------------------------------------------------------------- */

static const char *const endings[] = { ".txt", ".paramnames", ".ranges", ".properties.ini", "_dead-birth.txt",
                                       "_phys_live-birth.txt", "_equal_weights.txt", ".json", "_filtered.csv",
                                       "_predicted.csv", "_smoothed.csv", "_steps.csv", "_bands.raw" };

static int is_checkpoint(const char *file)
{
    const size_t digits = strncmp(file, "checkpoint.", 11) ? 0 : strspn(file + 11, "0123456789");
    return digits > 0 && !file[11 + digits];
}

static int is_result(const char *file, const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; !strncmp(file, name, length) && i < sizeof endings / sizeof *endings; ++i)
        if (!strcmp(file + length, endings[i]))
            return 1;
    return 0;
}

static int is_same_file(const char *path, const char *other)
{
    struct stat a, b;
    return !stat(path, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int is_empty(const char *path)
{
    struct stat about;
    return !stat(path, &about) && S_ISREG(about.st_mode) && !about.st_size;
}

/* The next entry of the folder that is a result file of that name, a checkpoint or the log; NULL past the last. */
static const char *next_file(DIR *list, const char *folder, const char *name, char path[PATH_SIZE])
{
    struct dirent *entry;
    while ((entry = readdir(list))) {
        const char *file = entry->d_name;
        if ((is_checkpoint(file) || !strcmp(file, "log.txt") || is_result(file, name)) &&
            snprintf(path, PATH_SIZE, "%s/%s", folder, file) < PATH_SIZE)
            return file;
    }
    return NULL;
}

void mote_remove_results(const char *folder, const char *name, const char *source)
{
    char path[PATH_SIZE];
    DIR *list = opendir(folder);
    while (list && next_file(list, folder, name, path))
        if (!is_same_file(path, source))
            unlink(path);
    if (list)
        closedir(list);
}

int mote_has_checkpoint(const char *folder)
{
    struct dirent *entry;
    int found = 0;
    DIR *list = opendir(folder);
    while (list && !found && (entry = readdir(list)))
        found = is_checkpoint(entry->d_name);
    if (list)
        closedir(list);
    return found;
}

int mote_foreign_file(const char *folder, const char *name, int only_results, char *first, size_t size)
{
    char path[PATH_SIZE];
    const char *file;
    DIR *list = opendir(folder);
    *first = '\0';
    while (list && (file = next_file(list, folder, name, path))) {
        const int logs = !strcmp(file, "log.txt"); /* an empty one is what a start left that came no further */
        if (is_result(file, name) || (!only_results && !(logs && is_empty(path))))
            if (!*first || strcmp(path, first) < 0)
                snprintf(first, size, "%s", path);
    }
    if (list)
        closedir(list);
    return *first != '\0';
}
