/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The threads executor against the serial one, and what may go wrong. */
#define _GNU_SOURCE 1 /* RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <mote/status.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/executor.h"
#include "core/run.h"
#include "tests/support/allocator.h"
#include "tests/support/test.h"

enum { ROWS = 200, DIMENSION = 3 };

static int threads_left = -1; /* how many more threads may be made; -1: any number */

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

struct model {
    atomic_int evaluated[ROWS]; /* by id */
    _Atomic int64_t largest;    /* batch seen */
    atomic_int foreign;         /* calls from threads other than `owner` */
    atomic_int running, most;   /* at the same time */
    pthread_t owner;
    int fail_at, code;          /* row id that fails with that code; -1: none */
    int delay;                  /* us per call */
};

static void enter(struct model *model)
{
    int running = atomic_fetch_add(&model->running, 1) + 1, most = atomic_load(&model->most);
    while (running > most && !atomic_compare_exchange_weak(&model->most, &most, running))
        ;
    if (!pthread_equal(pthread_self(), model->owner))
        atomic_fetch_add(&model->foreign, 1);
    if (model->delay)
        nanosleep(&(struct timespec){ 0, model->delay * 1000L }, NULL);
}

static double value_of(const double *theta)
{
    double sum = 0;
    for (int j = 0; j < DIMENSION; ++j)
        sum -= theta[j] * theta[j] * (j + 1);
    return theta[0] > 0.9 ? NAN : theta[0] < 0.05 ? INFINITY : sum;
}

static int evaluate(void *ctx, const mote_batch *batch)
{
    struct model *model = ctx;
    int64_t largest = atomic_load(&model->largest);
    while (batch->n > largest && !atomic_compare_exchange_weak(&model->largest, &largest, batch->n))
        ;
    enter(model);
    int code = 0;
    for (int64_t i = 0; i < batch->n; ++i) {
        const double *theta = batch->theta + i * batch->stride;
        atomic_fetch_add(&model->evaluated[batch->id[i]], 1);
        batch->log_likelihood[i] = value_of(theta);
        batch->derived[i * batch->derived_stride] = 10 * theta[1];
        if (batch->id[i] == model->fail_at)
            code = model->code;
    }
    atomic_fetch_sub(&model->running, 1);
    return code;
}

/* An executor with everything that a run would give it. */
struct bench {
    mote_executor executor;
    mote_memory memory;
    mote_message message;
    mote_ledger ledger;
    mote_settings settings;
    struct model model;
    test_allocator counter;
};

static int open_bench(struct bench *bench, const mote_executor_type *type, int64_t threads, int64_t batch_size,
                      int64_t points_only)
{
    mote_allocator allocator = test_allocator_of(&bench->counter);
    mote_row_function function = { .evaluate = evaluate, .ctx = &bench->model, .dimension = DIMENSION,
                                   .derived_count = 1, .thread_safe = 1, .points_only = points_only, .name = "test" };
    bench->settings.threads = threads;
    bench->settings.batch_size = batch_size;
    bench->model.owner = pthread_self();
    if (!bench->model.code)
        bench->model.fail_at = -1;
    mote_memory_open(&bench->memory, &allocator);
    bench->executor = (mote_executor){ .type = type, .memory = &bench->memory, .message = &bench->message,
                                       .ledger = &bench->ledger, .settings = &bench->settings };
    return mote_executor_open(&bench->executor, &function, ROWS);
}

static void close_bench(struct bench *bench)
{
    mote_executor_close(&bench->executor);
    assert_int_equal(bench->counter.live, 0);
}

static void fill(mote_rows *rows)
{
    uint64_t word = 1;
    for (int64_t i = 0; i < ROWS * DIMENSION; ++i) {
        word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        rows->theta[i] = (double)(word >> 11) * 0x1p-53;
    }
    for (int64_t i = 0; i < ROWS; ++i)
        rows->id[i] = i;
}

/* Posts all rows in uneven groups and collects until all are back; checks that each slot comes back once. */
static int run_all(struct bench *bench)
{
    int64_t slots[ROWS], back[ROWS] = { 0 }, posted = 0, returned = 0, n;
    fill(&bench->executor.rows);
    while (returned < ROWS) {
        int64_t group = posted + 70 < ROWS ? 70 : ROWS - posted;
        for (int64_t i = 0; i < group; ++i)
            slots[i] = ROWS - 1 - (posted + i);
        if (group)
            mote_executor_post(&bench->executor, slots, group);
        posted += group;
        int status = mote_executor_collect(&bench->executor, slots, &n);
        if (status)
            return status;
        assert_in_range(n, 1, ROWS);
        for (int64_t i = 0; i < n; ++i)
            assert_int_equal(++back[slots[i]], 1);
        returned += n;
    }
    assert_int_equal(bench->executor.posted, 0);
    return MOTE_OK;
}

static void same_as_serial(void **state)
{
    (void)state;
    static const int64_t sizes[] = { 0, 1, 3, 64 };
    static struct bench serial, bench;
    memset(&serial, 0, sizeof serial);
    assert_status(open_bench(&serial, mote_executor_serial, 1, 0, 0), MOTE_OK);
    assert_status(run_all(&serial), MOTE_OK);
    for (int64_t threads = 1; threads <= 6; ++threads)
        for (int k = 0; k < 8; ++k) {
            memset(&bench, 0, sizeof bench);
            assert_status(open_bench(&bench, mote_executor_threads, threads, sizes[k / 2], k % 2), MOTE_OK);
            assert_status(run_all(&bench), MOTE_OK);
            const mote_rows *a = &serial.executor.rows, *b = &bench.executor.rows;
            assert_same_bytes(a->log_likelihood, b->log_likelihood, ROWS * sizeof(double));
            assert_same_bytes(a->derived, b->derived, ROWS * sizeof(double));
            assert_same_bytes(a->reason, b->reason, ROWS * sizeof(int64_t));
            for (int i = 0; i < ROWS; ++i)
                assert_int_equal(bench.model.evaluated[i], 1);
            if (sizes[k / 2])
                assert_in_range(bench.model.largest, 1, sizes[k / 2]);
            assert_int_equal(bench.ledger.calls, ROWS);
            assert_true(bench.ledger.batches >= ROWS / (bench.model.largest + 1));
            for (int r = 0; r < 16; ++r)
                assert_int_equal(bench.ledger.failed[r], serial.ledger.failed[r]);
            close_bench(&bench);
        }
    assert_true(serial.ledger.failed[MOTE_REASON_NAN] > 5 && serial.ledger.failed[MOTE_REASON_INFINITE] > 3);
    close_bench(&serial);
}

static void threads_work_at_the_same_time(void **state)
{
    (void)state;
    static struct bench bench;
    memset(&bench, 0, sizeof bench);
    bench.model.delay = 1000;
    assert_status(open_bench(&bench, mote_executor_threads, 4, 0, 1), MOTE_OK);
    assert_status(run_all(&bench), MOTE_OK);
    assert_in_range(bench.model.most, 2, 4); /* never more than asked for */
    close_bench(&bench);
}

static void unsafe_model_stays_on_its_thread(void **state)
{
    (void)state;
    static struct bench bench;
    memset(&bench, 0, sizeof bench);
    assert_status(open_bench(&bench, mote_executor_threads, 4, 0, 1), MOTE_OK);
    mote_row_function function = bench.executor.function;
    close_bench(&bench);
    function.thread_safe = 0;
    bench.model.delay = 200;
    bench.executor.memory = &bench.memory;
    assert_status(mote_executor_open(&bench.executor, &function, ROWS), MOTE_OK);
    assert_status(run_all(&bench), MOTE_OK);
    assert_int_equal(bench.model.foreign, 0);
    assert_int_equal(bench.model.most, 1);
    close_bench(&bench);
}

static void failures_reach_the_caller(void **state)
{
    (void)state;
    static struct bench bench;
    for (int64_t threads = 1; threads <= 4; ++threads)
        for (int code = -7; code <= 3; code += 10) {
            memset(&bench, 0, sizeof bench);
            bench.model.code = code;
            bench.model.fail_at = ROWS / 2;
            bench.settings.retries = 2;
            assert_status(open_bench(&bench, mote_executor_threads, threads, 5, 0), MOTE_OK);
            assert_status(run_all(&bench), code < 0 ? code : MOTE_EMODEL);
            assert_non_null(strstr(bench.message.text, "test"));
            assert_int_equal(bench.model.evaluated[ROWS / 2], code < 0 ? 1 : 3); /* retried only when it may be */
            int64_t slots[ROWS], n;
            assert_true(mote_executor_collect(&bench.executor, slots, &n)); /* and stays failed */
            close_bench(&bench);
        }
}

/* Closing with rows queued, under way and finished loses no memory and waits for nobody but the rows under way. */
static void close_in_the_middle(void **state)
{
    (void)state;
    static struct bench bench;
    for (int round = 0; round < 20; ++round) {
        memset(&bench, 0, sizeof bench);
        bench.model.delay = 300;
        assert_status(open_bench(&bench, mote_executor_threads, 3, 1, 1), MOTE_OK);
        int64_t slots[ROWS], n;
        for (int64_t i = 0; i < ROWS; ++i)
            slots[i] = i;
        fill(&bench.executor.rows);
        mote_executor_post(&bench.executor, slots, ROWS);
        if (round % 2)
            assert_status(mote_executor_collect(&bench.executor, slots, &n), MOTE_OK);
        mote_executor_close(&bench.executor);
        assert_int_equal(bench.counter.live, 0);
        int evaluated = 0;
        for (int i = 0; i < ROWS; ++i)
            evaluated += bench.model.evaluated[i];
        assert_in_range(evaluated, 0, ROWS - 1);
    }
}

/* Single rows that go round and round, as chains do: a lost wake-up would hang. */
static void chains(void **state)
{
    (void)state;
    static struct bench bench;
    for (int64_t threads = 2; threads <= 5; threads += 3) {
        memset(&bench, 0, sizeof bench);
        assert_status(open_bench(&bench, mote_executor_threads, threads, 0, 1), MOTE_OK);
        int64_t slots[ROWS], n, total = 0;
        fill(&bench.executor.rows);
        for (int64_t i = 0; i < 7; ++i)
            slots[i] = i;
        mote_executor_post(&bench.executor, slots, 7);
        while (total < 20000) {
            assert_status(mote_executor_collect(&bench.executor, slots, &n), MOTE_OK);
            total += n;
            mote_executor_post(&bench.executor, slots, n);
            if (total % 1000 < n)
                nanosleep(&(struct timespec){ 0, 100000 }, NULL);
        }
        close_bench(&bench);
        int64_t evaluated = 0;
        for (int i = 0; i < ROWS; ++i)
            evaluated += bench.model.evaluated[i];
        assert_in_range(evaluated, total, total + 7);
    }
}

static void opening_fails_cleanly(void **state)
{
    (void)state;
    static struct bench bench;
    for (int allowed = 0; allowed < 3; ++allowed) {
        memset(&bench, 0, sizeof bench);
        threads_left = allowed;
        int status = open_bench(&bench, mote_executor_threads, 4, 0, 0);
        threads_left = -1;
        assert_status(status, MOTE_ENOMEM);
        assert_non_null(strstr(bench.message.text, "threads = 4"));
        close_bench(&bench);
    }
    int64_t k = 1;
    for (int status = MOTE_ENOMEM; status; ++k) {
        memset(&bench, 0, sizeof bench);
        bench.counter.fail_at = k;
        status = open_bench(&bench, mote_executor_threads, 3, 0, 0);
        assert_true(status == MOTE_OK || status == MOTE_ENOMEM);
        assert_true(status == MOTE_OK || *bench.message.text);
        close_bench(&bench);
    }
    assert_true(k > 15);
}

int main(void)
{
    alarm(20); /* a lost wake-up is a failure, not a hang */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_serial),
        cmocka_unit_test(threads_work_at_the_same_time),
        cmocka_unit_test(unsafe_model_stays_on_its_thread),
        cmocka_unit_test(failures_reach_the_caller),
        cmocka_unit_test(close_in_the_middle),
        cmocka_unit_test(chains),
        cmocka_unit_test(opening_fails_cleanly),
    };
    return run_unit_tests(tests);
}
