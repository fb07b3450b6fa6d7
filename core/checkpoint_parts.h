/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the checkpoint module share: words, paths and system errors. */
#ifndef MOTE_CORE_CHECKPOINT_PARTS_H
#define MOTE_CORE_CHECKPOINT_PARTS_H

#include "core/message.h"

#define MOTE_PATH_SIZE 4096
#define MOTE_WORD_SIZE 8

/* 64-bit words, little-endian. */
static inline void mote_encode(unsigned char *place, uint64_t value)
{
    for (int i = 0; i < MOTE_WORD_SIZE; ++i)
        place[i] = (unsigned char)(value >> 8 * i);
}

static inline uint64_t mote_decode(const unsigned char *place)
{
    uint64_t value = 0;
    for (int i = MOTE_WORD_SIZE - 1; i >= 0; --i)
        value = value << 8 | place[i];
    return value;
}

/* folder + path + ending, or folder/path + ending when folder is not empty; non-zero when it does not fit. */
int mote_path_join(char *text, const char *folder, const char *path, const char *ending);

/* "cannot ACTION PATH: No space left on device"; MOTE_ENOENT, MOTE_ENOMEM or MOTE_EIO. */
int mote_fail_errno(mote_message *message, int error, const char *action, const char *path);

/* fsync of the folder that holds `path`; 0 or an errno. */
int mote_sync_parent(const char *path);

/* 1 when the file is a complete checkpoint of this format; needs no memory. */
int mote_file_is_whole(const char *path);

#endif
