/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Failure with its reason: `return mote_fail(message, MOTE_EINVAL, "parameter '%s': ...", name);`. The text sits in a
 * fixed array, so that saying "out of memory" needs none. */
#ifndef MOTE_CORE_MESSAGE_H
#define MOTE_CORE_MESSAGE_H

#include <mote/status.h>

typedef struct mote_message {
    char text[1024];
} mote_message;

/* Stores the formatted text (cut at the array's end) and returns `status`. A NULL message only returns. */
int mote_fail(mote_message *message, int status, const char *format, ...) MOTE_PRINTF(3, 4);

/* The same into a caller's array of `size` bytes, as public functions have it; `text` may be NULL. */
int mote_fail_text(char *text, size_t size, int status, const char *format, ...) MOTE_PRINTF(4, 5);

/* Of `count` words with `word(ctx, i)`, the one nearest to `text` by edit distance, or NULL when none is near
 * (distance above max(2, length/3)): for "unknown key ...; did you mean ...?". */
const char *mote_nearest(const char *text, int64_t count, const char *(*word)(const void *ctx, int64_t i),
                         const void *ctx);

#endif
