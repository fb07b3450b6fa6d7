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

/* checkpoint.NNN, NAME.*, NAME_*, and the files of the last session. */
static int belongs(const char *file, const char *name)
{
    const size_t length = strlen(name);
    if (!strncmp(file, "checkpoint.", 11) || !strcmp(file, "log.txt"))
        return 1;
    return !strncmp(file, name, length) && (file[length] == '.' || file[length] == '_');
}

void mote_remove_results(const char *folder, const char *name)
{
    char path[PATH_SIZE];
    struct dirent *entry;
    DIR *list = opendir(folder);
    while (list && (entry = readdir(list)))
        if (belongs(entry->d_name, name) && snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) < PATH_SIZE)
            unlink(path);
    if (list)
        closedir(list);
}
