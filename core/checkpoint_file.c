/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One checkpoint file: written beside its place as PATH.partial, fsynced, renamed, its folder fsynced. Until the
 * rename the old file is untouched; after it the new one is complete. A crash leaves at most a PATH.partial, which the
 * next write removes. FNV-1a multiplies by an odd number and xors bytes, both one-to-one in the hash, so that a change
 * of any single byte always changes the checksum. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "core/checkpoint_parts.h"

enum { HEADER = 32, MAGIC = 8, FORMAT = 1, BLOCK = 65536 };

static const unsigned char magic[MAGIC] = { 'm', 'o', 't', 'e', 0, 'c', 'k', 'p' };

/* Of everything but the checksum itself: the first 24 bytes and the body. */
static uint64_t header_hash(const unsigned char *header)
{
    return mote_hash(MOTE_HASH_START, header, HEADER - MOTE_WORD_SIZE);
}

static void make_header(unsigned char *header, const mote_writer *writer)
{
    memcpy(header, magic, MAGIC);
    mote_encode(header + 8, FORMAT);
    mote_encode(header + 16, (uint64_t)writer->length);
    mote_encode(header + 24, mote_hash(header_hash(header), writer->bytes, (size_t)writer->length));
}

/* All bytes, over short writes and interruptions; 0 or an errno. */
static int write_all(int descriptor, const unsigned char *bytes, int64_t n)
{
    while (n > 0) {
        ssize_t written = write(descriptor, bytes, n < INT_MAX ? (size_t)n : INT_MAX);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written ? errno : EIO;
        bytes += written;
        n -= written;
    }
    return 0;
}

/* At most n bytes, fewer only at the end of the file; -1 with errno. */
static int64_t read_all(int descriptor, unsigned char *bytes, int64_t n)
{
    int64_t got = 0;
    while (got < n) {
        ssize_t part = read(descriptor, bytes + got, n - got < INT_MAX ? (size_t)(n - got) : INT_MAX);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return -1;
        if (part == 0)
            break;
        got += part;
    }
    return got;
}

static int sync_descriptor(int descriptor)
{
    int result;
    do
        result = fsync(descriptor);
    while (result && errno == EINTR);
    return result ? errno : 0;
}

int mote_sync_parent(const char *path)
{
    char folder[MOTE_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;
    if (length >= sizeof folder)
        return ENAMETOOLONG;
    memcpy(folder, path, length);
    memcpy(folder + length, slash ? (length ? "" : "/") : ".", slash && length ? 1 : 2);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return errno;
    int error = sync_descriptor(descriptor);
    close(descriptor);
    return error == EINVAL ? 0 : error; /* some file systems cannot sync folders */
}

/* A new file of that name (an old one is removed first: no link is followed) with header and body on disk. */
static int write_new(const char *path, const mote_writer *writer)
{
    unsigned char header[HEADER];
    make_header(header, writer);
    if (unlink(path) && errno != ENOENT)
        return errno;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return errno;
    int error = write_all(descriptor, header, HEADER);
    if (!error)
        error = write_all(descriptor, writer->bytes, writer->length);
    if (!error)
        error = sync_descriptor(descriptor);
    if (close(descriptor) && !error && errno != EINTR)
        error = errno;
    return error;
}

int mote_file_store(const char *path, const mote_writer *writer, mote_message *message)
{
    char partial[MOTE_PATH_SIZE];
    if (writer->status)
        return mote_fail(message, writer->status, "%s: not written: %s", path, mote_strerror(writer->status));
    if (mote_path_join(partial, "", path, ".partial"))
        return mote_fail(message, MOTE_EINVAL, "%.200s...: the path is too long", path);
    int error = write_new(partial, writer);
    if (error) {
        unlink(partial);
        return mote_fail_errno(message, error, "write", partial);
    }
    if (rename(partial, path)) {
        error = errno;
        unlink(partial);
        return mote_fail_errno(message, error, "rename to", path);
    }
    error = mote_sync_parent(path);
    return error ? mote_fail_errno(message, error, "sync the folder of", path) : MOTE_OK;
}

static int corrupt(const char *path, const char *reason, mote_message *message)
{
    return mote_fail(message, MOTE_ECORRUPT, "%s: damaged: %s", path, reason);
}

/* The header, and the length of the body once it agrees with the size of the file. */
static int read_header(int descriptor, const char *path, unsigned char *header, int64_t *length, mote_message *message)
{
    struct stat about;
    if (fstat(descriptor, &about))
        return mote_fail_errno(message, errno, "read", path);
    if (!S_ISREG(about.st_mode))
        return corrupt(path, "not a regular file", message);
    int64_t got = read_all(descriptor, header, HEADER);
    if (got < 0)
        return mote_fail_errno(message, errno, "read", path);
    if (got < HEADER || memcmp(header, magic, MAGIC))
        return corrupt(path, "it does not begin as a checkpoint of mote", message);
    uint64_t body = mote_decode(header + 16);
    if (about.st_size < HEADER || body != (uint64_t)about.st_size - HEADER)
        return corrupt(path, "its length is not what it should be", message);
    *length = (int64_t)body;
    return MOTE_OK;
}

/* The checksum first: nothing is interpreted before it holds, the version included. */
static int check(const char *path, const unsigned char *header, uint64_t hash, mote_message *message)
{
    uint64_t format = mote_decode(header + 8);
    if (hash != mote_decode(header + 24))
        return corrupt(path, "its checksum is wrong", message);
    if (format != FORMAT)
        return mote_fail(message, MOTE_EVERSION, "%s: written in format %llu; this library (%s) reads format %d", path,
                         (unsigned long long)format, MOTE_VERSION_STRING, FORMAT);
    return MOTE_OK;
}

static int read_body(int descriptor, const char *path, const unsigned char *header, unsigned char *body,
                     int64_t length, mote_message *message)
{
    int64_t got = read_all(descriptor, body, length);
    if (got < 0)
        return mote_fail_errno(message, errno, "read", path);
    if (got < length)
        return corrupt(path, "it ended early", message);
    return check(path, header, mote_hash(header_hash(header), body, (size_t)length), message);
}

/* O_NONBLOCK: a fifo in the place of a checkpoint must not hang the run. */
static int open_file(const char *path, int *descriptor, mote_message *message)
{
    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    return *descriptor < 0 ? mote_fail_errno(message, errno, "open", path) : MOTE_OK;
}

int mote_file_load(const char *path, const mote_memory *memory, unsigned char **bytes, int64_t *length,
                   mote_message *message)
{
    unsigned char header[HEADER], *body = NULL;
    int descriptor;
    *bytes = NULL;
    *length = 0;
    int status = open_file(path, &descriptor, message);
    if (status)
        return status;
    int64_t n = 0;
    status = read_header(descriptor, path, header, &n, message);
    if (!status && !(body = mote_memory_allocate(memory, n, 1)))
        status = mote_fail(message, MOTE_ENOMEM, "%s: out of memory", path);
    if (!status)
        status = read_body(descriptor, path, header, body, n, message);
    close(descriptor);
    if (status) {
        mote_memory_release(memory, body);
        return status;
    }
    *bytes = body;
    *length = n;
    return MOTE_OK;
}

int mote_file_is_whole(const char *path)
{
    unsigned char header[HEADER], block[BLOCK];
    int64_t left = 0;
    int descriptor, status = open_file(path, &descriptor, NULL);
    if (status)
        return 0;
    status = read_header(descriptor, path, header, &left, NULL);
    uint64_t hash = header_hash(header);
    while (!status && left > 0) {
        int64_t part = left < BLOCK ? left : BLOCK;
        if (read_all(descriptor, block, part) != part)
            status = MOTE_EIO;
        else
            hash = mote_hash(hash, block, (size_t)part);
        left -= part;
    }
    close(descriptor);
    return !status && !check(path, header, hash, NULL);
}
