/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pool of threads that share out the items of one job after another.
 *
 * One 64-bit ticket holds the number of the job (upper half) and the next item (lower half); whoever moves it on by
 * one with a compare-and-swap owns the item. The caller takes items too and waits only until all items are done, never
 * until all workers have woken: a worker that comes late, because the machine is busy, finds nothing to do and has
 * delayed nobody.
 *
 * The fields of a job change only while the ticket is closed. A worker reads the ticket, then the fields, then moves
 * the ticket on; if that succeeds the ticket had not changed, so its item was not done, so the fields are those of the
 * ticket's job. */
#include "core/threads.h"

#include <mote/status.h>

#include "core/threads_parts.h"

#define CLOSED UINT64_C(0xffffffff)

enum { MOST_ITEMS = 1 << 30 };

typedef struct worker {
    mote_pool *pool;
    int64_t thread; /* 1, 2, ...; 0 is the caller */
} worker;

/* A thread's part of the items of mote_pool_run_near: those from `next` on are not taken yet. */
typedef struct part {
    _Alignas(64) _Atomic int64_t next;
    int64_t end;
} part;

struct mote_pool {
    mote_memory memory;
    int64_t threads, started;
    mote_patience patience; /* of the caller */
    pthread_t *handles;
    worker *workers;
    void **arguments;
    part *parts;
    _Alignas(64) _Atomic uint64_t ticket; /* on lines of their own: several threads write them */
    _Atomic int64_t first, items;
    void (*_Atomic work)(void *ctx, int64_t item, int64_t thread);
    void *_Atomic ctx;
    atomic_int closing;
    _Alignas(64) _Atomic int64_t done;
    _Alignas(64) mote_signal job;
    _Alignas(64) mote_signal finished;
};

/* Does items of the present job until none is left. */
static void do_items(mote_pool *pool, int64_t thread)
{
    for (;;) {
        uint64_t ticket = atomic_load(&pool->ticket);
        int64_t item = (int64_t)(ticket & CLOSED), items = atomic_load(&pool->items);
        int64_t first = atomic_load(&pool->first);
        void (*work)(void *, int64_t, int64_t) = atomic_load(&pool->work);
        void *ctx = atomic_load(&pool->ctx);
        if (item >= items)
            return;
        if (!atomic_compare_exchange_weak(&pool->ticket, &ticket, ticket + 1))
            continue;
        work(ctx, first + item, thread);
        if (atomic_fetch_add(&pool->done, 1) + 1 == items)
            mote_signal_raise(&pool->finished);
    }
}

static void *work_until_closed(void *argument)
{
    worker *self = argument;
    mote_pool *pool = self->pool;
    mote_patience patience = mote_patience_of(pool->threads);
    unsigned seen = 0;
    while (!atomic_load(&pool->closing)) {
        mote_signal_wait(&pool->job, seen, &patience);
        seen = atomic_load(&pool->job.word);
        do_items(pool, self->thread);
    }
    return NULL;
}

static int open_workers(mote_pool *pool)
{
    int64_t count = pool->threads - 1;
    pool->handles = mote_memory_allocate(&pool->memory, count, sizeof *pool->handles);
    pool->workers = mote_memory_allocate(&pool->memory, count, sizeof *pool->workers);
    pool->arguments = mote_memory_allocate(&pool->memory, count, sizeof *pool->arguments);
    pool->parts = mote_memory_allocate_aligned(&pool->memory, pool->threads, sizeof *pool->parts);
    if (!pool->handles || !pool->workers || !pool->arguments || !pool->parts)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < count; ++i) {
        pool->workers[i] = (worker){ pool, i + 1 };
        pool->arguments[i] = &pool->workers[i];
    }
    pool->started = mote_threads_start(pool->handles, count, work_until_closed, pool->arguments);
    return pool->started == count ? MOTE_OK : MOTE_ENOMEM;
}

int mote_pool_open(mote_pool **pool, const mote_memory *memory, int64_t threads)
{
    *pool = NULL;
    if (threads < 1)
        return MOTE_EINVAL;
    mote_pool *fresh = mote_memory_allocate_aligned(memory, 1, sizeof *fresh);
    if (!fresh)
        return MOTE_ENOMEM;
    fresh->memory = *memory;
    fresh->threads = threads;
    fresh->patience = mote_patience_of(threads);
    atomic_init(&fresh->ticket, CLOSED);
    mote_signal_open(&fresh->job);
    mote_signal_open(&fresh->finished);
    *pool = fresh;
    int status = open_workers(fresh);
    if (status)
        mote_pool_close(pool);
    return status;
}

void mote_pool_close(mote_pool **pool)
{
    if (!pool || !*pool)
        return;
    mote_pool *old = *pool;
    atomic_store(&old->closing, 1);
    mote_signal_raise(&old->job);
    for (int64_t i = 0; i < old->started; ++i)
        pthread_join(old->handles[i], NULL);
    mote_signal_close(&old->job);
    mote_signal_close(&old->finished);
    mote_memory_release(&old->memory, old->handles);
    mote_memory_release(&old->memory, old->workers);
    mote_memory_release(&old->memory, old->arguments);
    mote_memory_release_aligned(&old->memory, old->parts);
    mote_memory memory = old->memory;
    mote_memory_release_aligned(&memory, old);
    *pool = NULL;
}

int64_t mote_pool_threads(const mote_pool *pool)
{
    return pool->threads;
}

/* At most MOST_ITEMS items: the ticket's lower half counts them. */
static void run_job(mote_pool *pool, void (*work)(void *ctx, int64_t item, int64_t thread), void *ctx, int64_t first,
                    int64_t items)
{
    uint64_t number = (atomic_load(&pool->ticket) >> 32) + 1;
    atomic_store(&pool->ticket, number << 32 | CLOSED);
    atomic_store(&pool->work, work);
    atomic_store(&pool->ctx, ctx);
    atomic_store(&pool->first, first);
    atomic_store(&pool->items, items);
    atomic_store(&pool->done, 0);
    atomic_store(&pool->ticket, number << 32);
    mote_signal_raise(&pool->job);
    do_items(pool, 0);
    for (;;) { /* the last worker of an earlier job may raise the signal late: only the count tells */
        unsigned seen = atomic_load(&pool->finished.word);
        if (atomic_load(&pool->done) == items)
            return;
        mote_signal_wait(&pool->finished, seen, &pool->patience);
    }
}

void mote_pool_run(mote_pool *pool, void (*work)(void *ctx, int64_t item, int64_t thread), void *ctx, int64_t items)
{
    if (pool->threads == 1 || items == 1) {
        for (int64_t item = 0; item < items; ++item)
            work(ctx, item, 0);
        return;
    }
    for (int64_t first = 0; first < items; first += MOST_ITEMS)
        run_job(pool, work, ctx, first, items - first < MOST_ITEMS ? items - first : MOST_ITEMS);
}

/* ---- near ---- */

typedef struct near_job {
    mote_pool *pool;
    void (*work)(void *ctx, int64_t item, int64_t thread);
    void *ctx;
} near_job;

/* One item, whichever: a part that is found empty stays empty, so as many calls as there are items find one each. */
static void do_near(void *ctx, int64_t item, int64_t thread)
{
    const near_job *job = ctx;
    const int64_t threads = job->pool->threads;
    (void)item;
    for (int64_t k = 0; k < threads; ++k) {
        part *p = &job->pool->parts[(thread + k) % threads];
        if (atomic_load_explicit(&p->next, memory_order_relaxed) >= p->end)
            continue;
        const int64_t taken = atomic_fetch_add_explicit(&p->next, 1, memory_order_relaxed);
        if (taken < p->end) {
            job->work(job->ctx, taken, thread);
            return;
        }
    }
}

void mote_pool_run_near(mote_pool *pool, void (*work)(void *ctx, int64_t item, int64_t thread), void *ctx, int64_t items)
{
    near_job job = { pool, work, ctx };
    const int64_t threads = pool->threads, each = items / threads, more = items % threads;
    for (int64_t i = 0, first = 0; i < threads; ++i) {
        pool->parts[i].end = first + each + (i < more);
        atomic_store_explicit(&pool->parts[i].next, first, memory_order_relaxed); /* seen with the job's ticket */
        first = pool->parts[i].end;
    }
    mote_pool_run(pool, do_near, &job, items);
}
