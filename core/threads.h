/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pool of threads: workers spin for about one wake-up latency, then sleep. */
#ifndef MOTE_CORE_THREADS_H
#define MOTE_CORE_THREADS_H

#include "core/memory.h"

typedef struct mote_pool mote_pool;

/* `threads` counts the calling thread: 1 makes a pool without workers. MOTE_ENOMEM when threads cannot be made. */
int mote_pool_open(mote_pool **pool, const mote_memory *memory, int64_t threads);
void mote_pool_close(mote_pool **pool);
int64_t mote_pool_threads(const mote_pool *pool);

/* Calls work(ctx, item, thread) for every item in 0..items-1, each once, in any order, on the workers and the caller;
 * returns when all are done. */
void mote_pool_run(mote_pool *pool, void (*work)(void *ctx, int64_t item, int64_t thread), void *ctx, int64_t items);

/* The same; each thread takes the items of its own part of the range first, in ascending order, and then those of others,
 * so that from one job to the next a thread mostly finds in its cache what it wrote. */
void mote_pool_run_near(mote_pool *pool, void (*work)(void *ctx, int64_t item, int64_t thread), void *ctx, int64_t items);

#endif
