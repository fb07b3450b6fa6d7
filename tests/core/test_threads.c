/* SPDX-License-Identifier: GPL-3.0-or-later */
#define _GNU_SOURCE 1 /* RTLD_NEXT */
#include "core/threads.h"

#include <dlfcn.h>
#include <errno.h>
#include <mote/status.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/threads_parts.h"
#include "tests/support/allocator.h"
#include "tests/support/test.h"

static mote_memory memory;
static int threads_left = -1; /* how many more threads may be made; -1: any number */

/* Stands before the C library's: thread creation can be made to fail. Under ThreadSanitizer its own stands there. */
#if defined __has_feature
#if __has_feature(thread_sanitizer)
#define WATCHED 1
#endif
#endif
#if !defined WATCHED && !defined __SANITIZE_THREAD__
#define CAN_REFUSE 1
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *) =
        (__extension__(int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))
             dlsym(RTLD_NEXT, "pthread_create"));
    if (threads_left == 0)
        return EAGAIN;
    threads_left -= threads_left > 0;
    return real(thread, attributes, body, argument);
}
#endif

enum { MOST = 4096 };

struct record {
    atomic_int count[MOST];
    atomic_int wrong; /* threads out of range */
    int64_t threads;
};

static void note(void *ctx, int64_t item, int64_t thread)
{
    struct record *record = ctx;
    for (volatile int i = 0; i < 300; ++i) /* long enough that workers are awake while items are left */
        ;
    atomic_fetch_add(&record->count[item], 1);
    if (thread < 0 || thread >= record->threads)
        atomic_store(&record->wrong, 1);
}

static void check_job(mote_pool *pool, int64_t items)
{
    static struct record record;
    memset(&record, 0, sizeof record);
    record.threads = mote_pool_threads(pool);
    mote_pool_run(pool, note, &record, items);
    for (int64_t i = 0; i < MOST; ++i)
        assert_int_equal(atomic_load(&record.count[i]), i < items);
    mote_pool_run_near(pool, note, &record, items);
    for (int64_t i = 0; i < MOST; ++i)
        assert_int_equal(atomic_load(&record.count[i]), 2 * (i < items));
    assert_int_equal(atomic_load(&record.wrong), 0);
}

static void every_item_once(void **state)
{
    (void)state;
    static const int64_t items[] = { 0, 1, 2, 3, 7, 64, MOST };
    for (int64_t threads = 1; threads <= 8; ++threads) { /* also more than there are processors */
        mote_pool *pool = NULL;
        assert_status(mote_pool_open(&pool, &memory, threads), MOTE_OK);
        assert_int_equal(mote_pool_threads(pool), threads);
        for (size_t i = 0; i < sizeof items / sizeof *items; ++i)
            check_job(pool, items[i]);
        mote_pool_close(&pool);
        assert_null(pool);
        mote_pool_close(&pool);
    }
    mote_pool_close(NULL);
}

static void add(void *ctx, int64_t item, int64_t thread)
{
    (void)thread;
    atomic_fetch_add((_Atomic int64_t *)ctx, item + 1);
}

/* Many short jobs after one another, with pauses that put the workers to sleep: a lost wake-up would hang, a mix-up of
 * jobs would show in the sum. */
static void many_short_jobs(void **state)
{
    (void)state;
    mote_pool *pool = NULL;
    assert_status(mote_pool_open(&pool, &memory, 4), MOTE_OK);
    for (int64_t job = 0; job < 20000; ++job) {
        _Atomic int64_t sum = 0;
        int64_t items = job % 9;
        mote_pool_run(pool, add, &sum, items);
        assert_int_equal(sum, items * (items + 1) / 2);
        if (job % 1000 == 0)
            nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
    }
    mote_pool_close(&pool);
}

typedef struct places {
    int64_t last[8]; /* of each thread */
    atomic_int descents;
} places;

static void note_place(void *ctx, int64_t item, int64_t thread)
{
    places *p = ctx;
    if (item < p->last[thread])
        atomic_fetch_add(&p->descents, 1);
    p->last[thread] = item;
}

/* A thread goes through its own part from the left, and through each other's: with T threads it starts anew at most once. */
static void near_items_ascend(void **state)
{
    static places p;
    (void)state;
    for (int64_t threads = 1; threads <= 7; threads += 3) {
        mote_pool *pool = NULL;
        memset(&p, 0, sizeof p);
        assert_status(mote_pool_open(&pool, &memory, threads), MOTE_OK);
        mote_pool_run_near(pool, note_place, &p, 100);
        assert_in_range(atomic_load(&p.descents), 0, threads);
        mote_pool_close(&pool);
    }
}

/* Two items that wait for each other end only when two threads work at the same time. */
static void meet(void *ctx, int64_t item, int64_t thread)
{
    atomic_int *present = ctx;
    (void)item, (void)thread;
    atomic_fetch_add(present, 1);
    while (atomic_load(present) < 2)
        nanosleep(&(struct timespec){ 0, 10000 }, NULL);
}

static void items_run_at_the_same_time(void **state)
{
    (void)state;
    mote_pool *pool = NULL;
    atomic_int present = 0;
    assert_status(mote_pool_open(&pool, &memory, 2), MOTE_OK);
    mote_pool_run(pool, meet, &present, 2);
    assert_int_equal(present, 2);
    mote_pool_close(&pool);
}

struct slow {
    atomic_int present, complete;
};

/* The caller's item ends once the worker's has begun; the worker's takes longer. */
static void linger(void *ctx, int64_t item, int64_t thread)
{
    struct slow *slow = ctx;
    meet(&slow->present, item, thread);
    if (thread)
        nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
    atomic_fetch_add(&slow->complete, 1);
}

static void run_waits_for_items_under_way(void **state)
{
    (void)state;
    mote_pool *pool = NULL;
    assert_status(mote_pool_open(&pool, &memory, 2), MOTE_OK);
    for (int i = 0; i < 3; ++i) {
        struct slow slow = { 0, 0 };
        mote_pool_run(pool, linger, &slow, 2);
        assert_int_equal(slow.complete, 2);
    }
    mote_pool_close(&pool);
}

static void thread_creation_fails(void **state)
{
    (void)state;
#ifndef CAN_REFUSE
    skip();
#endif
    for (int allowed = 0; allowed < 3; ++allowed) {
        test_allocator counter = { 0 };
        mote_allocator allocator = test_allocator_of(&counter);
        mote_memory counted;
        mote_pool *pool = NULL;
        mote_memory_open(&counted, &allocator);
        threads_left = allowed;
        int status = mote_pool_open(&pool, &counted, 4);
        threads_left = -1;
        assert_status(status, MOTE_ENOMEM);
        assert_null(pool);
        assert_int_equal(counter.live, 0);
    }
}

static void memory_fails(void **state)
{
    (void)state;
    int64_t k = 1;
    for (int status = MOTE_ENOMEM; status; ++k) {
        test_allocator counter = { .fail_at = k };
        mote_allocator allocator = test_allocator_of(&counter);
        mote_memory counted;
        mote_pool *pool = NULL;
        mote_memory_open(&counted, &allocator);
        status = mote_pool_open(&pool, &counted, 3);
        assert_true(status == MOTE_OK || status == MOTE_ENOMEM);
        assert_int_equal(pool != NULL, status == MOTE_OK);
        mote_pool_close(&pool);
        assert_int_equal(counter.live, 0);
    }
    assert_true(k > 3);
    mote_pool *pool;
    assert_status(mote_pool_open(&pool, &memory, 0), MOTE_EINVAL);
}

static atomic_int handled_by_main, handled_by_other;
static pthread_t main_thread;

static void handle(int number)
{
    (void)number;
    atomic_fetch_add(pthread_equal(pthread_self(), main_thread) ? &handled_by_main : &handled_by_other, 1);
}

/* Signals of the program reach the program's threads, never a worker. */
static void workers_take_no_signals(void **state)
{
    (void)state;
    mote_pool *pool = NULL;
    struct sigaction action = { .sa_handler = handle }, before;
    sigset_t mask;
    main_thread = pthread_self();
    sigaction(SIGUSR1, &action, &before);
    assert_status(mote_pool_open(&pool, &memory, 4), MOTE_OK);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    assert_false(sigismember(&mask, SIGUSR1)); /* the caller's own mask is as it was */
    for (int i = 0; i < 50; ++i) {
        kill(getpid(), SIGUSR1);
        check_job(pool, 10);
    }
    assert_int_equal(handled_by_other, 0);
    assert_true(handled_by_main > 0);
    mote_pool_close(&pool);
    sigaction(SIGUSR1, &before, NULL);
}

struct player {
    mote_signal *mine, *other;
    mote_patience patience;
};

static void *play(void *ctx)
{
    struct player *player = ctx;
    for (unsigned i = 0; i < 3000; ++i) {
        mote_signal_wait(player->mine, i, &player->patience);
        mote_signal_raise(player->other);
    }
    return NULL;
}

/* Table tennis over two signals, with and without spinning: each change is seen. */
static void no_change_is_lost(void **state)
{
    (void)state;
    for (int64_t spin = 0; spin <= 10000; spin += 10000) {
        mote_patience patience = { .spin = spin };
        mote_signal there, back;
        mote_signal_open(&there);
        mote_signal_open(&back);
        struct player player = { &there, &back, patience };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, play, &player), 0);
        for (unsigned i = 0; i < 3000; ++i) {
            mote_signal_raise(&there);
            mote_signal_wait(&back, i, &patience);
        }
        pthread_join(thread, NULL);
        mote_signal_close(&there);
        mote_signal_close(&back);
    }
}

/* Spins that do not pay are halved, those that do are doubled; who has slept 16, 32, 64, ... times tries in full, and from
 * then on at once again when that paid; a team that is too large never spins. */
static void patience_is_lost_and_regained(void **state)
{
    (void)state;
    mote_patience patience = mote_patience_of(1);
    const int64_t longest = patience.spin;
    int64_t tried = 0;
    assert_true(longest > 0);
    for (int64_t wait = 0; wait < 4096; ++wait) {
        const int64_t next = mote_patience_next(&patience);
        const int again = wait == 16 || wait == 32 || wait == 64 || wait == 128 || wait == 256 || wait == 512 ||
                          (wait && wait % 1024 == 0);
        if (wait < 5)
            assert_int_equal(next, longest >> wait > 500 ? longest >> wait : 500);
        else
            assert_int_equal(next, again ? longest : 500);
        tried += again;
        mote_patience_learn(&patience, next, 0);
    }
    assert_int_equal(tried, 9);
    assert_int_equal(mote_patience_next(&patience), longest); /* the 4096th wait: this time it pays */
    mote_patience_learn(&patience, longest, 1);
    assert_int_equal(mote_patience_next(&patience), longest);
    mote_patience_learn(&patience, 600, 1);
    assert_int_equal(mote_patience_next(&patience), 1200);
    patience = mote_patience_of(1000000);
    patience.slept = 16;
    assert_int_equal(mote_patience_next(&patience), 0);
}

static int open_memory(void **state)
{
    (void)state;
    return mote_memory_open(&memory, NULL);
}

int main(void)
{
    alarm(20); /* a lost wake-up is a failure, not a hang */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_once),       cmocka_unit_test(near_items_ascend),
        cmocka_unit_test(many_short_jobs),
        cmocka_unit_test(items_run_at_the_same_time), cmocka_unit_test(run_waits_for_items_under_way),
        cmocka_unit_test(thread_creation_fails),
        cmocka_unit_test(memory_fails),          cmocka_unit_test(workers_take_no_signals),
        cmocka_unit_test(no_change_is_lost), cmocka_unit_test(patience_is_lost_and_regained),
    };
    return cmocka_run_group_tests(tests, open_memory, NULL) ? 1 : 0;
}
