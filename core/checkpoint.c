/* SPDX-License-Identifier: GPL-3.0-or-later */
/* State as bytes: 8-byte little-endian words, texts with length and closing zero, arrays with their count. The reader
 * believes nothing: every count is checked against what is left before it is used, and the first fault is kept. */
#include "core/checkpoint.h"

#include <string.h>

#include "core/checkpoint_parts.h"

enum { WORD = MOTE_WORD_SIZE, FIRST_CAPACITY = 4096 };

uint64_t mote_hash(uint64_t hash, const void *bytes, size_t n)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < n; ++i)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void mote_writer_open(mote_writer *writer, const mote_memory *memory)
{
    *writer = (mote_writer){ .memory = memory };
}

void mote_writer_close(mote_writer *writer)
{
    if (writer->memory)
        mote_memory_release(writer->memory, writer->bytes);
    *writer = (mote_writer){ .memory = writer->memory };
}

/* Room for `count` more elements of `size` bytes, or NULL with the failure kept. */
static unsigned char *extend(mote_writer *writer, int64_t count, int64_t size)
{
    if (writer->status)
        return NULL;
    if (count < 0 || count > (INT64_MAX / 4 - writer->length) / size) {
        writer->status = MOTE_ENOMEM;
        return NULL;
    }
    int64_t needed = writer->length + count * size;
    if (needed > writer->capacity) {
        int64_t capacity = writer->capacity ? writer->capacity : FIRST_CAPACITY;
        while (capacity < needed)
            capacity *= 2;
        unsigned char *bytes = mote_memory_resize(writer->memory, writer->bytes, writer->length, capacity, 1);
        if (!bytes) {
            writer->status = MOTE_ENOMEM;
            return NULL;
        }
        writer->bytes = bytes;
        writer->capacity = capacity;
    }
    unsigned char *place = writer->bytes + writer->length;
    writer->length = needed;
    return place;
}

static uint64_t real_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double bits_real(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void mote_put_word(mote_writer *writer, uint64_t value)
{
    unsigned char *place = extend(writer, 1, WORD);
    if (place)
        mote_encode(place, value);
}

void mote_put_integer(mote_writer *writer, int64_t value)
{
    mote_put_word(writer, (uint64_t)value);
}

void mote_put_real(mote_writer *writer, double value)
{
    mote_put_word(writer, real_bits(value));
}

void mote_put_text(mote_writer *writer, const char *text)
{
    int64_t length = text ? (int64_t)strlen(text) : -1;
    mote_put_integer(writer, length);
    unsigned char *place = text ? extend(writer, length + 1, 1) : NULL;
    if (place)
        memcpy(place, text, (size_t)length + 1);
}

void mote_put_tag(mote_writer *writer, const char *tag)
{
    mote_put_text(writer, tag);
}

void mote_put_bytes(mote_writer *writer, const void *bytes, int64_t n)
{
    mote_put_integer(writer, n);
    unsigned char *place = extend(writer, n, 1);
    if (place && n > 0)
        memcpy(place, bytes, (size_t)n);
}

void mote_put_reals(mote_writer *writer, const double *values, int64_t n)
{
    mote_put_integer(writer, n);
    unsigned char *place = extend(writer, n, WORD);
    for (int64_t i = 0; place && i < n; ++i)
        mote_encode(place + i * WORD, real_bits(values[i]));
}

void mote_put_integers(mote_writer *writer, const int64_t *values, int64_t n)
{
    mote_put_integer(writer, n);
    unsigned char *place = extend(writer, n, WORD);
    for (int64_t i = 0; place && i < n; ++i)
        mote_encode(place + i * WORD, (uint64_t)values[i]);
}

void mote_reader_open(mote_reader *reader, const unsigned char *bytes, int64_t length)
{
    *reader = (mote_reader){ .bytes = bytes, .length = length };
}

/* The next `count` elements of `size` bytes, or NULL with the fault kept. */
static const unsigned char *advance(mote_reader *reader, int64_t count, int64_t size)
{
    if (reader->status)
        return NULL;
    if (count < 0 || count > (reader->length - reader->position) / size) {
        reader->status = MOTE_ECORRUPT;
        return NULL;
    }
    const unsigned char *place = reader->bytes + reader->position;
    reader->position += count * size;
    return place;
}

int64_t mote_get_parts(mote_reader *reader, int64_t words)
{
    return mote_get_count(reader, 0, (reader->length - reader->position) / 8 / (words > 1 ? words : 1));
}

uint64_t mote_get_word(mote_reader *reader)
{
    const unsigned char *place = advance(reader, 1, WORD);
    return place ? mote_decode(place) : 0;
}

int64_t mote_get_integer(mote_reader *reader)
{
    return (int64_t)mote_get_word(reader);
}

int64_t mote_get_count(mote_reader *reader, int64_t minimum, int64_t maximum)
{
    int64_t value = mote_get_integer(reader);
    if (!reader->status && (value < minimum || value > maximum))
        reader->status = MOTE_ECORRUPT;
    return reader->status ? 0 : value;
}

double mote_get_real(mote_reader *reader)
{
    return bits_real(mote_get_word(reader));
}

const void *mote_get_bytes(mote_reader *reader, int64_t *n)
{
    *n = mote_get_count(reader, 0, reader->length);
    const void *bytes = reader->status ? NULL : advance(reader, *n, 1);
    *n = reader->status ? 0 : *n;
    return bytes;
}

const char *mote_get_text(mote_reader *reader)
{
    int64_t length = mote_get_count(reader, -1, reader->length);
    if (reader->status || length < 0)
        return NULL;
    const char *text = (const char *)advance(reader, length + 1, 1);
    if (text && memchr(text, '\0', (size_t)length + 1) != text + length) {
        reader->status = MOTE_ECORRUPT;
        return NULL;
    }
    return text;
}

void mote_get_tag(mote_reader *reader, const char *tag)
{
    const char *text = mote_get_text(reader);
    if (!reader->status && (!text || strcmp(text, tag)))
        reader->status = MOTE_ECORRUPT;
}

void mote_get_reals(mote_reader *reader, double *values, int64_t n)
{
    mote_get_count(reader, n, n);
    const unsigned char *place = advance(reader, n, WORD);
    for (int64_t i = 0; i < n; ++i)
        values[i] = place ? bits_real(mote_decode(place + i * WORD)) : 0;
}

void mote_get_integers(mote_reader *reader, int64_t *values, int64_t n)
{
    mote_get_count(reader, n, n);
    const unsigned char *place = advance(reader, n, WORD);
    for (int64_t i = 0; i < n; ++i)
        values[i] = place ? (int64_t)mote_decode(place + i * WORD) : 0;
}
