/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checkpoints: a growing buffer to write state into, a reader that trusts nothing, and files in generations.
 *
 * File: 8 bytes magic "mote\0ckp", u64 format version, u64 length of the body, u64 checksum of all other bytes, body.
 * All integers little-endian. A file that is shorter, longer or changed in any byte is refused (MOTE_ECORRUPT).
 * Generations: FOLDER/checkpoint.00000001, .00000002...; a new one is written under a temporary name, fsynced and
 * renamed, the folder fsynced, and only then are removed those older than the newest earlier one that is whole. */
#ifndef MOTE_CORE_CHECKPOINT_H
#define MOTE_CORE_CHECKPOINT_H

#include <mote/source.h>

#include "core/memory.h"
#include "core/message.h"

/* Writing: failures (no memory) are sticky; check `status` at the end. */
typedef struct mote_writer {
    const mote_memory *memory;
    unsigned char *bytes;
    int64_t length, capacity;
    int status;
} mote_writer;

void mote_writer_open(mote_writer *writer, const mote_memory *memory);
void mote_writer_close(mote_writer *writer);
void mote_put_integer(mote_writer *writer, int64_t value);
void mote_put_word(mote_writer *writer, uint64_t value);
void mote_put_real(mote_writer *writer, double value);                  /* its bits */
void mote_put_text(mote_writer *writer, const char *text);              /* NULL is kept as NULL */
void mote_put_reals(mote_writer *writer, const double *values, int64_t n);   /* with n */
void mote_put_integers(mote_writer *writer, const int64_t *values, int64_t n);
void mote_put_bytes(mote_writer *writer, const void *bytes, int64_t n);     /* with n */
void mote_put_tag(mote_writer *writer, const char *tag);                /* a section mark that the reader checks */

/* A count that sizes nothing and only goes on counting: it never comes near an overflow. */
#define MOTE_MOST_COUNT (INT64_MAX / 4)

/* Reading: the first fault (short, wrong tag, count out of bounds) is sticky: MOTE_ECORRUPT and zeros from then on. */
typedef struct mote_reader {
    const unsigned char *bytes;
    int64_t length, position;
    int status;
} mote_reader;

void mote_reader_open(mote_reader *reader, const unsigned char *bytes, int64_t length);
int64_t mote_get_integer(mote_reader *reader);
int64_t mote_get_count(mote_reader *reader, int64_t minimum, int64_t maximum); /* an integer within bounds */
/* A count of parts that follow, of at least `words` numbers each: no more than the rest of the file can hold, so that it
 * may size memory. */
int64_t mote_get_parts(mote_reader *reader, int64_t words);
uint64_t mote_get_word(mote_reader *reader);
double mote_get_real(mote_reader *reader);
const char *mote_get_text(mote_reader *reader);                          /* inside the buffer; NULL was NULL */
void mote_get_reals(mote_reader *reader, double *values, int64_t n);     /* the count must be n */
void mote_get_integers(mote_reader *reader, int64_t *values, int64_t n);
const void *mote_get_bytes(mote_reader *reader, int64_t *n);             /* inside the buffer; NULL and 0 on a fault */
void mote_get_tag(mote_reader *reader, const char *tag);

/* A sequential stream of random numbers, as its state; the tape of a recorded one is not part of it. */
void mote_put_stream(mote_writer *writer, const mote_stream *stream);
void mote_get_stream(mote_reader *reader, mote_stream *stream);

/* Whole files. `message` names the path and the reason. The loaded body is released by the caller. */
int mote_file_store(const char *path, const mote_writer *writer, mote_message *message);
int mote_file_load(const char *path, const mote_memory *memory, unsigned char **bytes, int64_t *length,
                   mote_message *message);

/* Generations of a folder, which is made when absent (not its parents). `load` takes the newest file that is whole,
 * and then names the damaged ones it passed over in `message` ("" otherwise); MOTE_ENOENT when there is no file, the
 * reason of the oldest when none is whole. A newer format is refused (MOTE_EVERSION), not passed over. */
int mote_generation_store(const char *folder, const mote_writer *writer, mote_message *message);
int mote_generation_load(const char *folder, const mote_memory *memory, unsigned char **bytes, int64_t *length,
                         mote_message *message);

/* An exclusive lock (flock on FOLDER/lock) on a folder, which is made when absent, for the life of the process or until released: MOTE_EEXIST when another run has it. */
int mote_folder_lock(const char *folder, int *descriptor, mote_message *message);
void mote_folder_unlock(int descriptor);

/* FNV-1a, 64 bits: identities and checksums. Start with MOTE_HASH_START and feed. */
#define MOTE_HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t mote_hash(uint64_t hash, const void *bytes, size_t n);

#endif
