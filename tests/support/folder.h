/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A fresh folder for one test, and its removal. */
#ifndef MOTE_TESTS_FOLDER_H
#define MOTE_TESTS_FOLDER_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Its path in `folder` (256 bytes); 0 when it could be made. */
static inline int make_test_folder(char *folder)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, 256, "%s/mote_XXXXXX", base && *base ? base : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

/* The folder, the files in it and one level of folders below. */
static inline void remove_test_folder(const char *folder)
{
    char path[1024];
    DIR *handle = opendir(folder);
    for (struct dirent *entry; handle && (entry = readdir(handle));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (n > 0 && n < (int)sizeof path && unlink(path))
            remove_test_folder(path);
    }
    if (handle)
        closedir(handle);
    rmdir(folder);
}

/* Files whose name begins with `start`. */
static inline int count_test_files(const char *folder, const char *start)
{
    int count = 0;
    DIR *handle = opendir(folder);
    for (struct dirent *entry; handle && (entry = readdir(handle));)
        count += !strncmp(entry->d_name, start, strlen(start));
    if (handle)
        closedir(handle);
    return count;
}

#endif
