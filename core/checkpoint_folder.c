/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generations of checkpoints in a folder, and its lock.
 *
 * The lock is flock() on FOLDER/lock: it belongs to the open descriptor, so that two runs of one process exclude each
 * other too, it vanishes with the process however that ends, and closing other files does not drop it (both unlike
 * fcntl locks). flock is not POSIX but is in Linux and macOS; over NFS Linux turns it into a lock on the server. The
 * file stays behind: removing it would let two runs hold locks on two files of that name. */
#define _DARWIN_C_SOURCE 1 /* flock in <sys/file.h> of macOS */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "core/checkpoint_parts.h"
#include "core/number.h"

static const char prefix[] = "checkpoint.";

int mote_path_join(char *text, const char *folder, const char *path, const char *ending)
{
    int length = snprintf(text, MOTE_PATH_SIZE, "%s%s%s%s", folder, *folder ? "/" : "", path, ending);
    return length < 0 || length >= MOTE_PATH_SIZE;
}

int mote_fail_errno(mote_message *message, int error, const char *action, const char *path)
{
    char reason[128];
    if (strerror_r(error, reason, sizeof reason))
        snprintf(reason, sizeof reason, "error %d", error);
    int status = error == ENOENT ? MOTE_ENOENT : error == ENOMEM ? MOTE_ENOMEM : MOTE_EIO;
    return mote_fail(message, status, "cannot %s %s: %s", action, path, reason);
}

static int too_long(const char *folder, mote_message *message)
{
    return mote_fail(message, MOTE_EINVAL, "%.200s...: the path is too long", folder);
}

static int make_folder(const char *folder, mote_message *message)
{
    if (!mkdir(folder, 0777)) {
        int error = mote_sync_parent(folder);
        return error ? mote_fail_errno(message, error, "sync the folder of", folder) : MOTE_OK;
    }
    return errno == EEXIST ? MOTE_OK : mote_fail_errno(message, errno, "make the folder", folder);
}

/* The number of "checkpoint.00000012"; 0 for other names. */
static int64_t generation_of(const char *name)
{
    int64_t number;
    size_t digits = strspn(name + (strncmp(name, prefix, sizeof prefix - 1) ? 0 : sizeof prefix - 1), "0123456789");
    if (strncmp(name, prefix, sizeof prefix - 1) || digits < 8 || digits > 18 || name[sizeof prefix - 1 + digits])
        return 0;
    return mote_number_parse_integer(name + sizeof prefix - 1, &number) ? 0 : number;
}

static int generation_path(char *path, const char *folder, int64_t number)
{
    char name[64];
    snprintf(name, sizeof name, "%s%08lld", prefix, (long long)number);
    return mote_path_join(path, folder, name, "");
}

static int open_scan(DIR **scan, const char *folder, mote_message *message)
{
    *scan = opendir(folder);
    return *scan ? MOTE_OK : mote_fail_errno(message, errno, "open the folder", folder);
}

/* The highest generation below `limit` that the folder has now, 0 when there is none. */
static int newest_below(DIR *scan, const char *folder, int64_t limit, int64_t *newest, mote_message *message)
{
    *newest = 0;
    rewinddir(scan);
    errno = 0;
    for (struct dirent *entry; (entry = readdir(scan)); errno = 0) {
        int64_t number = generation_of(entry->d_name);
        if (number < limit && number > *newest)
            *newest = number;
    }
    return errno ? mote_fail_errno(message, errno, "read the folder", folder) : MOTE_OK;
}

/* Keeps the newest older generation that is whole and removes those before it. A file that cannot be removed is no
 * failure: the next store tries again. */
static void remove_old(DIR *scan, const char *folder, int64_t newest)
{
    char path[MOTE_PATH_SIZE];
    int kept = 0;
    int64_t number = newest;
    while (!newest_below(scan, folder, number, &number, NULL) && number && !generation_path(path, folder, number)) {
        if (kept)
            unlink(path);
        else
            kept = mote_file_is_whole(path);
    }
}

/* The folder is opened once, before anything is written: what asks for memory comes first, and fails cleanly. */
int mote_generation_store(const char *folder, const mote_writer *writer, mote_message *message)
{
    char path[MOTE_PATH_SIZE];
    int64_t newest = 0;
    DIR *scan = NULL;
    int status = make_folder(folder, message);
    if (!status)
        status = open_scan(&scan, folder, message);
    if (!status)
        status = newest_below(scan, folder, INT64_MAX, &newest, message);
    if (!status && generation_path(path, folder, newest + 1))
        status = too_long(folder, message);
    if (!status)
        status = mote_file_store(path, writer, message);
    if (!status)
        remove_old(scan, folder, newest + 1);
    if (scan)
        closedir(scan);
    return status;
}

/* Adds to the message that a file was passed over. */
static void pass_over(mote_message *message, const mote_message *reason)
{
    size_t length = message ? strlen(message->text) : 0;
    if (message)
        snprintf(message->text + length, sizeof message->text - length, "%s%s", length ? "; " : "", reason->text);
}

static void name_loaded(mote_message *message, const char *path)
{
    size_t length = message ? strlen(message->text) : 0;
    if (length)
        snprintf(message->text + length, sizeof message->text - length, "; went back to %s", path);
}

/* The newest file that is whole, over those that are not. */
static int load_newest(DIR *scan, const char *folder, const mote_memory *memory, unsigned char **bytes,
                       int64_t *length, mote_message *message)
{
    char path[MOTE_PATH_SIZE];
    mote_message reason;
    int64_t number = INT64_MAX;
    int status, last = MOTE_ENOENT;
    for (;;) {
        status = newest_below(scan, folder, number, &number, &reason);
        if (status || !number)
            break;
        if (generation_path(path, folder, number))
            return too_long(folder, message);
        status = mote_file_load(path, memory, bytes, length, &reason);
        if (!status)
            name_loaded(message, path);
        if (!status)
            return MOTE_OK;
        if (status == MOTE_ENOMEM || status == MOTE_EVERSION)
            return mote_fail(message, status, "%s", reason.text);
        pass_over(message, &reason);
        last = status;
    }
    if (status)
        return mote_fail(message, status, "%s", reason.text);
    return last == MOTE_ENOENT ? mote_fail(message, last, "%s holds no checkpoint", folder) : last;
}

int mote_generation_load(const char *folder, const mote_memory *memory, unsigned char **bytes, int64_t *length,
                         mote_message *message)
{
    DIR *scan;
    *bytes = NULL;
    *length = 0;
    if (message)
        message->text[0] = '\0';
    int status = open_scan(&scan, folder, message);
    if (status)
        return status;
    status = load_newest(scan, folder, memory, bytes, length, message);
    closedir(scan);
    return status;
}

static int refuse_lock(int descriptor, int error, const char *folder, const char *path, mote_message *message)
{
    char owner[24] = "";
    ssize_t got = error == EWOULDBLOCK ? read(descriptor, owner, sizeof owner - 1) : 0;
    close(descriptor);
    if (error != EWOULDBLOCK)
        return mote_fail_errno(message, error, "lock", path);
    owner[got > 0 ? strspn(owner, "0123456789") : 0] = '\0';
    return mote_fail(message, MOTE_EEXIST, "%s is in use by another run%s%s", folder, *owner ? ", process " : "", owner);
}

int mote_folder_lock(const char *folder, int *descriptor, mote_message *message)
{
    char path[MOTE_PATH_SIZE], owner[24];
    *descriptor = -1;
    int status = make_folder(folder, message);
    if (status)
        return status;
    if (mote_path_join(path, folder, "lock", ""))
        return too_long(folder, message);
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0)
        return mote_fail_errno(message, errno, "open", path);
    int result;
    do
        result = flock(file, LOCK_EX | LOCK_NB);
    while (result && errno == EINTR);
    if (result)
        return refuse_lock(file, errno, folder, path, message);
    /* For the message of whoever comes next; the lock holds without it. */
    int n = snprintf(owner, sizeof owner, "%ld\n", (long)getpid());
    if (ftruncate(file, 0) || write(file, owner, (size_t)n) != n)
        (void)!ftruncate(file, 0);
    *descriptor = file;
    return MOTE_OK;
}

void mote_folder_unlock(int descriptor)
{
    if (descriptor >= 0)
        close(descriptor);
}
