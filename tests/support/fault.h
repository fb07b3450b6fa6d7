/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every allocation fails in turn: a function runs in a child process with the k-th call for memory answered by NULL
 * (only that one, or that one and all later ones), for k = 1, 2, ... until it comes through without a failure.
 *
 *     static int body(void *ctx, const mote_allocator *allocator)   // 0, or the status of the first failure
 *     {
 *         ... open with `allocator`; always close; return status ...
 *     }
 *     fault_report report = fault_walk(body, ctx, FAULT_ONCE);
 *     assert_int_equal(fault_count(&report), 0);                    // crashes, leaks, wrong statuses
 *     assert_true(report.points > 3);                               // that it did walk something
 *
 * Expected of each child: it ends by itself within 20 s, with every block released, and with MOTE_ENOMEM when an
 * allocation failed, with 0 when none did. Code that takes memory past the allocator (malloc in a library it calls) is
 * walked with FAULT_MALLOC, where the whole program's malloc is interposed: define MOTE_FAULT_MALLOC in one source
 * file of the test before including this header; `allocator` is NULL there. Call before any thread exists; a body
 * must not use cmocka's assertions. */
#ifndef MOTE_TESTS_FAULT_H
#define MOTE_TESTS_FAULT_H

#include <errno.h>
#include <mote/status.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/allocator.h"
#include "tests/support/test.h"

/* To be joined by |. FAULT_UNCOUNTED: no leaks are looked for (a library that keeps blocks is called). */
enum { FAULT_ONCE = 0, FAULT_STAY = 1, FAULT_MALLOC = 2, FAULT_UNCOUNTED = 4 };

typedef int fault_body(void *ctx, const mote_allocator *allocator);

typedef struct fault_report {
    int64_t points;  /* allocations that were made to fail */
    int64_t crashes; /* children that died by a signal (SIGALRM: took over 20 s) */
    int64_t leaks;   /* children that kept blocks, or released more than they had */
    int64_t wrong;   /* children with another status than expected */
    int64_t through; /* of these, MOTE_OK although an allocation failed: a library found a way without that memory */
} fault_report;

typedef struct fault_answer {
    int64_t status, live, failed;
} fault_answer;

static inline int64_t fault_count(const fault_report *report)
{
    return report->crashes + report->leaks + report->wrong;
}

/* Fails the test, saying what was met, unless `points` allocations or more were made to fail and nothing went wrong. */
static inline void fault_check(const fault_report *report, int mode, int64_t points, const char *what)
{
    if (fault_count(report))
        print_error("%s, mode %d: %lld points, %lld crashes, %lld leaks, %lld wrong\n", what, mode,
                    (long long)report->points, (long long)report->crashes, (long long)report->leaks,
                    (long long)report->wrong);
    assert_int_equal(fault_count(report), 0);
    assert_true(report->points >= points);
}

#ifdef MOTE_FAULT_MALLOC
#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define MOTE_FAULT_HAS_MALLOC 1
static test_allocator fault_malloc;
static int fault_armed;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);
/* Exported from the program, whatever -fvisibility says: what is hidden is not seen by the C library and the others. */
#pragma GCC visibility push(default)
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void free(void *block);
#pragma GCC visibility pop

static inline void *fault_count_block(void *block)
{
    fault_malloc.live += fault_armed && block;
    return block;
}

static inline int fault_strikes(void)
{
    int fails = fault_armed && test_allocator_fails(&fault_malloc);
    if (fails)
        errno = ENOMEM;
    return fails;
}

void *malloc(size_t size)
{
    return fault_strikes() ? NULL : fault_count_block(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fault_strikes() ? NULL : fault_count_block(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    if (fault_strikes())
        return NULL;
    void *fresh = __libc_realloc(block, size);
    return block ? fresh : fault_count_block(fresh);
}

void free(void *block)
{
    fault_malloc.live -= fault_armed && block;
    __libc_free(block);
}
#endif
#endif

/* In the child: the body under a fault at allocation k. */
static inline fault_answer fault_try(fault_body *body, void *ctx, int mode, int64_t k)
{
    test_allocator counter = { .fail_at = k, .stay = mode & FAULT_STAY };
    fault_answer answer = { 0 };
#ifdef MOTE_FAULT_HAS_MALLOC
    if (mode & FAULT_MALLOC) {
        fault_malloc = counter;
        fault_armed = 1;
        answer.status = body(ctx, NULL);
        fault_armed = 0;
        counter = fault_malloc;
    } else
#endif
    {
        mote_allocator allocator = test_allocator_of(&counter);
        answer.status = body(ctx, &allocator);
    }
    answer.live = counter.live;
    answer.failed = counter.calls >= k;
    return answer;
}

/* One child; 1 when it answered, 0 when it died. */
static inline int fault_child(fault_body *body, void *ctx, int mode, int64_t k, fault_answer *answer)
{
    int ends[2], result = -1;
    if (pipe(ends))
        return 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        static const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
        for (size_t i = 0; i < sizeof deadly / sizeof *deadly; ++i)
            signal(deadly[i], SIG_DFL); /* cmocka's handlers would go on with the tests in the child */
        alarm(20);
        *answer = fault_try(body, ctx, mode, k);
        _exit(write(ends[1], answer, sizeof *answer) == (ssize_t)sizeof *answer ? 0 : 1);
    }
    close(ends[1]);
    int answered = read(ends[0], answer, sizeof *answer) == (ssize_t)sizeof *answer;
    close(ends[0]);
    while (child > 0 && waitpid(child, &result, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(result))
        fprintf(stderr, "allocation %lld: signal %d\n", (long long)k, WTERMSIG(result));
    return answered && result == 0;
}

static inline fault_report fault_walk(fault_body *body, void *ctx, int mode)
{
    fault_report report = { 0 };
#ifndef MOTE_FAULT_HAS_MALLOC
    if (mode & FAULT_MALLOC)
        return report;
#endif
    for (int64_t k = 1; k < 1000000; ++k) {
        fault_answer answer = { 0 };
        if (!fault_child(body, ctx, mode, k, &answer)) {
            ++report.points, ++report.crashes;
            continue;
        }
        answer.live = mode & FAULT_UNCOUNTED ? 0 : answer.live;
        int64_t expected = answer.failed ? MOTE_ENOMEM : MOTE_OK;
        report.points += answer.failed;
        report.leaks += answer.live != 0;
        report.wrong += answer.status != expected;
        report.through += answer.status != expected && answer.status == MOTE_OK;
        if (answer.live)
            fprintf(stderr, "allocation %lld: %lld blocks kept\n", (long long)k, (long long)answer.live);
        if (answer.status != expected)
            fprintf(stderr, "allocation %lld: status %lld\n", (long long)k, (long long)answer.status);
        if (!answer.failed || report.crashes > 100)
            break;
    }
    return report;
}

#endif
