/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run and its worker processes say to each other, over one socket pair (descriptor 3 in the worker). All
 * values are 8 bytes in the machine's own order: both ends run on one machine.
 *
 *     hello    run -> worker   mote_worker_hello, then path and text without terminating zeros
 *     ready    worker -> run   mote_worker_answer, then message_length bytes of text
 *     request  run -> worker   n, first term, number of terms (0: all), n ids, n rows of theta
 *     reply    worker -> run   code (0, or the model's), n log-likelihoods, n rows of derived, n gradients when the
 *                              hello asked for them, n reasons
 *
 * A worker that ends at its memory limit says MOTE_WORKER_NO_MEMORY in the place of a reply, then nothing. */
#ifndef MOTE_CORE_WORKER_H
#define MOTE_CORE_WORKER_H

#include <stdint.h>

enum { MOTE_WORKER_DESCRIPTOR = 3, MOTE_WORKER_TEXT = 512 /* longest message, bytes */ };
#define MOTE_WORKER_MAGIC     INT64_C(0x6d6f74652d770003)
#define MOTE_WORKER_NO_MEMORY (INT64_C(1) << 40) /* no code of a model: those are ints */

typedef struct mote_worker_hello {
    int64_t magic;
    int64_t path_length, text_length;
    int64_t memory; /* MiB beyond what the program itself takes; 0: no limit */
    int64_t retries;
    int64_t gradient;
} mote_worker_hello;

typedef struct mote_worker_answer {
    int64_t magic;
    int64_t status;
    int64_t dimension, derived_count;
    int64_t fingerprint; /* hash of the plug-in's fingerprint */
    int64_t message_length;
} mote_worker_answer;

/* 8-byte words of a request and of a reply. */
#define MOTE_WORKER_REQUEST_WORDS(n, dimension) (3 + (n) * (1 + (dimension)))
#define MOTE_WORKER_REPLY_WORDS(n, values)      (1 + (n) * (2 + (values))) /* values beside the log-likelihood */

#endif
