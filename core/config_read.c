/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading ini text with inih, which splits lines into keys and values and removes comments. By itself it cuts lines
 * at 199 bytes and goes on with the cut value, joins continuation lines, passes repeated keys on, is silent about
 * empty and repeated sections, and tells no line numbers; so it is fed one checked line at a time by the reader below,
 * which counts lines and refuses:
 *     - lines over 64 KiB, files over 16 MiB, NUL bytes;
 *     - lines that begin with a blank (inih would take them as continuations);
 *     - repeated sections and keys, keys above the first section;
 *     - anything but blank lines, comments, [section] and key = value.
 * Values too long for inih's buffer are replaced by a mark and put back in the handler. */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "core/config_parts.h"

typedef struct ini_text {
    mote_config *file, *section;
    mote_message *message;
    const char *text, *end;        /* what is left to read */
    const char *value, *value_end; /* of a line that was too long for inih; NULL otherwise */
    int64_t line;
    int status;
} ini_text;

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static void skip_blanks(const char **start, const char *end)
{
    while (*start < end && is_blank(**start))
        ++*start;
}

static void trim(const char **start, const char **end)
{
    skip_blanks(start, *end);
    while (*end > *start && is_blank((*end)[-1]))
        --*end;
}

/* "FILE:LINE: reason 'name' rest", and no more lines are read. */
static int refuse(ini_text *parser, const char *reason, const char *name, int length, const char *rest)
{
    const char *quote = name ? "'" : "";
    parser->status = mote_fail(parser->message, MOTE_EPARSE, "%s:%lld: %s%s%.*s%s%s", parser->file->name,
                               (long long)parser->line, reason, quote, length, name ? name : "", quote, rest);
    return 0;
}

static int no_memory(ini_text *parser)
{
    parser->status = mote_fail(parser->message, MOTE_ENOMEM, "%s:%lld: out of memory", parser->file->name,
                               (long long)parser->line);
    return 0;
}

/* "FILE:LINE" for messages later on. */
static void place(const ini_text *parser, char *where, size_t size)
{
    snprintf(where, size, "%s:%lld", parser->file->name, (long long)parser->line);
}

/* 1, or 0 after a message: what add_section and add_entry answered. */
static int added(ini_text *parser, int status, const char *what)
{
    if (status == MOTE_ENOMEM)
        return no_memory(parser);
    return status ? refuse(parser, "too many ", NULL, 0, what) : 1;
}

static int begin_section(ini_text *parser, const char *start, const char *end)
{
    char name[MOTE_CONFIG_NAME + 1], where[MOTE_CONFIG_NAME + 4096];
    const char *close = memchr(start, ']', (size_t)(end - start));
    if (!close)
        return refuse(parser, "a section without its ']'", NULL, 0, "");
    const char *rest = close + 1, *first = start + 1;
    skip_blanks(&rest, end);
    if (rest < end && *rest != ';' && *rest != '#')
        return refuse(parser, "text after the section's ']'", NULL, 0, "");
    trim(&first, &close);
    if (close == first || close - first > MOTE_CONFIG_NAME)
        return refuse(parser, close == first ? "a section without a name" : "the name of the section is too long",
                      NULL, 0, "");
    memcpy(name, first, (size_t)(close - first));
    name[close - first] = '\0';
    const mote_config *earlier = mote_config_section(parser->file, name);
    if (earlier) {
        snprintf(where, sizeof where, " was begun at %s", mote_config_where(earlier, NULL));
        return refuse(parser, "section ", name, (int)strlen(name), where);
    }
    place(parser, where, sizeof where);
    return added(parser, mote_config_add_section(parser->file, name, where, &parser->section), "sections");
}

/* Where a comment begins inside a value: at a ';' after a blank, as inih has it. */
static const char *comment_start(const char *start, const char *end)
{
    for (const char *c = start + 1; c < end; ++c)
        if (*c == ';' && is_blank(c[-1]))
            return c;
    return end;
}

/* Hands the line to inih, or its key and a mark when it is too long for `size` bytes. */
static int hand_over(ini_text *parser, const char *start, const char *equals, const char *end, char *out, int size)
{
    if (end - start + 2 <= size) {
        snprintf(out, (size_t)size, "%.*s\n", (int)(end - start), start);
        return 1;
    }
    parser->value = equals + 1;
    parser->value_end = comment_start(equals, end);
    trim(&parser->value, &parser->value_end);
    if (snprintf(out, (size_t)size, "%.*s=*\n", (int)(equals - start), start) >= size)
        return refuse(parser, "the key is too long", NULL, 0, "");
    return 1;
}

/* "key = value", checked but for the value, to inih. */
static int begin_entry(ini_text *parser, const char *start, const char *end, char *out, int size)
{
    const char *comment = comment_start(start, end), *equals = memchr(start, '=', (size_t)(comment - start));
    const char *first = start, *last = equals;
    if (!equals)
        return refuse(parser, "no '=': expected key = value", NULL, 0, "");
    trim(&first, &last);
    if (first == last)
        return refuse(parser, "no key before the '='", NULL, 0, "");
    if (last - first > MOTE_CONFIG_NAME)
        return refuse(parser, "the key is too long", NULL, 0, "");
    if (memchr(first, ':', (size_t)(last - first)))
        return refuse(parser, "key ", first, (int)(last - first), " has a ':' in it");
    if (!parser->section)
        return refuse(parser, "key ", first, (int)(last - first), " stands above the first [section]");
    return hand_over(parser, start, equals, end, out, size);
}

/* Looks at one line without its end; leaves in `out` what inih shall see of it. */
static int read_line(ini_text *parser, const char *start, const char *end, char *out, int size)
{
    const char *first = start, *last = end;
    if (end - start > MOTE_CONFIG_LINE)
        return refuse(parser, "the line is longer than 65536 bytes", NULL, 0, "");
    if (memchr(start, '\0', (size_t)(end - start)))
        return refuse(parser, "a NUL byte: this is no text", NULL, 0, "");
    snprintf(out, (size_t)size, "\n");
    trim(&first, &last);
    if (first == last || *first == ';' || *first == '#')
        return 1;
    if (first > start)
        return refuse(parser, "the line begins with a blank: values cannot be continued on a second line", NULL, 0, "");
    return *first == '[' ? begin_section(parser, first, last) : begin_entry(parser, first, last, out, size);
}

/* inih's fgets. */
static char *next_line(char *out, int size, void *stream)
{
    ini_text *parser = stream;
    if (parser->status || parser->text == parser->end)
        return NULL;
    size_t left = (size_t)(parser->end - parser->text);
    const char *start = parser->text, *line_end = memchr(start, '\n', left);
    ++parser->line;
    parser->value = NULL;
    parser->text = line_end ? line_end + 1 : parser->end;
    if (!line_end)
        line_end = parser->end;
    if (parser->line == 1 && line_end - start >= 3 && !memcmp(start, "\xef\xbb\xbf", 3))
        start += 3; /* a byte-order mark */
    return read_line(parser, start, line_end, out, size) ? out : NULL;
}

/* inih's handler: one entry. Its own section name is cut at 49 bytes, so ours is used. */
static int take_entry(void *user, const char *section, const char *key, const char *value)
{
    ini_text *parser = user;
    char where[MOTE_CONFIG_NAME + 4096];
    (void)section;
    const mote_config_entry *earlier = mote_config_entry_of(parser->section, key);
    if (earlier) {
        snprintf(where, sizeof where, " was set at %s", earlier->where);
        return refuse(parser, "key ", key, (int)strlen(key), where);
    }
    place(parser, where, sizeof where);
    if (!parser->value)
        return added(parser, mote_config_add_entry(parser->section, key, value, where), "keys in this section");
    size_t length = (size_t)(parser->value_end - parser->value);
    char *copy = mote_memory_allocate(&parser->file->memory, (int64_t)length + 1, 1);
    if (!copy)
        return no_memory(parser);
    memcpy(copy, parser->value, length);
    int status = mote_config_add_entry(parser->section, key, copy, where);
    mote_memory_release(&parser->file->memory, copy);
    return added(parser, status, "keys in this section");
}

int mote_config_open(mote_config **file, const mote_memory *memory, const char *text, int64_t length, const char *name,
                     mote_message *message)
{
    ini_text parser = { .message = message, .text = text, .end = text + length };
    *file = NULL;
    if (length > MOTE_CONFIG_FILE)
        return mote_fail(message, MOTE_EPARSE, "%s: longer than 16 MiB", name);
    parser.file = mote_config_create(memory, name, name);
    if (!parser.file)
        return mote_fail(message, MOTE_ENOMEM, "%s: out of memory", name);
    int result = ini_parse_stream(next_line, &parser, take_entry, &parser);
    if (!parser.status && result == -2)
        no_memory(&parser);
    else if (!parser.status && result)
        refuse(&parser, "not understood", NULL, 0, "");
    if (parser.status)
        mote_config_free(&parser.file);
    *file = parser.file;
    return parser.status;
}

static int copy_message(int status, const mote_message *from, char *message, size_t size)
{
    return status ? mote_fail_text(message, size, status, "%s", from->text) : MOTE_OK;
}

int mote_config_parse(mote_config **file, const char *text, const char *name, char *message, size_t size)
{
    mote_memory memory;
    mote_message reason;
    if (!file || !text)
        return mote_fail_text(message, size, MOTE_EINVAL, "mote_config_parse: a NULL argument");
    mote_memory_open(&memory, NULL);
    int status = mote_config_open(file, &memory, text, (int64_t)strlen(text), name ? name : "text", &reason);
    return copy_message(status, &reason, message, size);
}

/* The whole stream in a block that the caller releases; at most one byte more than a file may have. */
static int slurp(FILE *stream, const mote_memory *memory, char **text, int64_t *length)
{
    int64_t capacity = 0;
    *text = NULL;
    *length = 0;
    do {
        int64_t more = capacity ? 2 * capacity : 4096;
        char *grown = mote_memory_resize(memory, *text, *length, more, 1);
        if (!grown)
            return MOTE_ENOMEM;
        *text = grown;
        capacity = more;
        *length += (int64_t)fread(*text + *length, 1, (size_t)(capacity - *length), stream);
    } while (*length == capacity && *length <= MOTE_CONFIG_FILE);
    return ferror(stream) ? MOTE_EIO : MOTE_OK;
}

static int fail_errno(int error, const char *path, char *message, size_t size)
{
    char reason[128];
    if (strerror_r(error, reason, sizeof reason))
        snprintf(reason, sizeof reason, "error %d", error);
    int status = error == ENOENT ? MOTE_ENOENT : error == ENOMEM ? MOTE_ENOMEM : MOTE_EIO;
    return mote_fail_text(message, size, status, "%s: %s", path, reason);
}

int mote_config_read(mote_config **file, const char *path, char *message, size_t size)
{
    mote_memory memory;
    mote_message reason;
    char *text;
    int64_t length;
    if (!file || !path)
        return mote_fail_text(message, size, MOTE_EINVAL, "mote_config_read: a NULL argument");
    *file = NULL;
    mote_memory_open(&memory, NULL);
    FILE *stream = fopen(path, "rb");
    if (!stream)
        return fail_errno(errno, path, message, size);
    setvbuf(stream, NULL, _IONBF, 0); /* read straight into the block: no other memory is asked for */
    int status = slurp(stream, &memory, &text, &length), error = errno;
    fclose(stream);
    if (status == MOTE_OK)
        status = copy_message(mote_config_open(file, &memory, text, length, path, &reason), &reason, message, size);
    else if (status == MOTE_EIO)
        status = fail_errno(error, path, message, size);
    else
        mote_fail_text(message, size, status, "%s: out of memory", path);
    mote_memory_release(&memory, text);
    return status;
}
