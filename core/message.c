/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int mote_fail(mote_message *message, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (message)
        vsnprintf(message->text, sizeof message->text, format, arguments);
    va_end(arguments);
    return status;
}

int mote_fail_text(char *text, size_t size, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (text && size)
        vsnprintf(text, size, format, arguments);
    va_end(arguments);
    return status;
}

enum { LONGEST_WORD = 63 };

/* Levenshtein distance; words past 63 bytes are compared by their start. */
static int edit_distance(const char *a, const char *b)
{
    int row[LONGEST_WORD + 1], la = (int)strnlen(a, LONGEST_WORD), lb = (int)strnlen(b, LONGEST_WORD);
    for (int j = 0; j <= lb; ++j)
        row[j] = j;
    for (int i = 1; i <= la; ++i) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= lb; ++j) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[lb];
}

const char *mote_nearest(const char *text, int64_t count, const char *(*word)(const void *ctx, int64_t i),
                         const void *ctx)
{
    const char *nearest = NULL;
    int limit = (int)strlen(text) / 3 > 2 ? (int)strlen(text) / 3 : 2;
    for (int64_t i = 0; i < count; ++i) {
        int distance = edit_distance(text, word(ctx, i));
        if (distance <= limit) {
            nearest = word(ctx, i);
            limit = distance - 1;
        }
    }
    return nearest;
}
