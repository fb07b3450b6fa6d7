/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every system call of a checkpoint fails in turn: this program defines write, fsync, rename, open, close, unlink and
 * mkdir itself, and lets the k-th call fail. Whatever fails, a whole generation must load: the new one after a
 * reported success, the old or the new one after a reported failure. Interruptions and short writes are no failures
 * at all. */
#define _GNU_SOURCE 1 /* RTLD_NEXT */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "core/checkpoint.h"
#include "tests/support/folder.h"
#include "tests/support/test.h"

enum { SHORT = -1, CUT = -2 }; /* a short write; a write that stores half and then fails */

static struct {
    int armed, countdown, error, hit, from_then_on;
} fault;

/* 0: go on; else what to do to this call. */
static int strike(void)
{
    if (!fault.armed)
        return 0;
    --fault.countdown;
    if (fault.countdown > 0 || (fault.countdown < 0 && !fault.from_then_on))
        return 0;
    fault.hit = 1;
    return fault.error;
}

#define REAL(name, type) (__extension__(type)dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *bytes, size_t n)
{
    ssize_t (*real)(int, const void *, size_t) = REAL(write, ssize_t (*)(int, const void *, size_t));
    int error = strike();
    if (error == SHORT)
        return real(descriptor, bytes, n > 1 ? n / 2 : n);
    if (error == CUT) {
        (void)!real(descriptor, bytes, n / 2);
        error = ENOSPC;
    }
    return error ? (errno = error, -1) : real(descriptor, bytes, n);
}

#define FAILS(name, parameters, arguments)                   \
    int name parameters                                      \
    {                                                        \
        int(*real) parameters = REAL(name, int(*) parameters); \
        int error = strike();                                \
        return error > 0 ? (errno = error, -1) : real arguments; \
    }

FAILS(fsync, (int descriptor), (descriptor))
FAILS(rename, (const char *from, const char *to), (from, to))
FAILS(unlink, (const char *path), (path))
FAILS(mkdir, (const char *path, mode_t mode), (path, mode))

/* A failed close has closed the descriptor all the same, as on Linux. */
int close(int descriptor)
{
    int error = strike(), result = REAL(close, int (*)(int))(descriptor);
    return error > 0 ? (errno = error, -1) : result;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = flags & O_CREAT ? va_arg(rest, int) : 0, error = strike();
    va_end(rest);
    return error > 0 ? (errno = error, -1) : REAL(open, int (*)(const char *, int, ...))(path, flags, mode);
}

static mote_memory memory;
static mote_message message;
static char folder[256];

static int open_folder(void **state)
{
    (void)state;
    return mote_memory_open(&memory, NULL) || make_test_folder(folder);
}

static int close_folder(void **state)
{
    (void)state;
    remove_test_folder(folder);
    return 0;
}

static int store(int64_t value)
{
    double values[100] = { 0 };
    mote_writer writer;
    mote_writer_open(&writer, &memory);
    mote_put_integer(&writer, value);
    mote_put_reals(&writer, values, 100);
    int status = mote_generation_store(folder, &writer, &message);
    mote_writer_close(&writer);
    return status;
}

static int64_t load(void)
{
    unsigned char *bytes;
    int64_t length;
    mote_reader reader;
    if (mote_generation_load(folder, &memory, &bytes, &length, &message))
        return -1;
    mote_reader_open(&reader, bytes, length);
    int64_t value = mote_get_integer(&reader);
    mote_memory_release(&memory, bytes);
    return value;
}

static int lowest_free_descriptor(void)
{
    int descriptor = dup(0);
    close(descriptor);
    return descriptor;
}

/* Stores 3 generations, then a fourth with the k-th call failing. Returns 0 once k is past the last call. */
static int round_with_fault(int k, int error, int from_then_on)
{
    remove_test_folder(folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    for (int64_t value = 1; value <= 3; ++value)
        assert_status(store(value), MOTE_OK);
    int before = lowest_free_descriptor();
    snprintf(message.text, sizeof message.text, "-");
    fault.armed = 1, fault.countdown = k, fault.error = error, fault.hit = 0, fault.from_then_on = from_then_on;
    int status = store(4);
    fault.armed = 0;
    assert_int_equal(lowest_free_descriptor(), before);
    if (error == SHORT || error == EINTR)
        assert_true(status == MOTE_OK || error == EINTR);
    if (status) {
        assert_true(status == MOTE_EIO || status == MOTE_ENOENT);
        assert_non_null(strstr(message.text, folder)); /* names the path */
    }
    int64_t value = load();
    assert_true(value == 4 || (status && value == 3));
    assert_string_equal(message.text, ""); /* and nothing damaged lies about */
    assert_status(store(5), MOTE_OK);      /* the next one works */
    assert_int_equal(load(), 5);
    assert_int_equal(count_test_files(folder, "checkpoint.") <= 3, 1);
    return fault.hit;
}

static int walk(int error, int from_then_on)
{
    int k = 1;
    while (round_with_fault(k, error, from_then_on))
        ++k;
    return k - 1;
}

static void each_call_fails_once(void **state)
{
    (void)state;
    assert_true(walk(EIO, 0) >= 10);
    walk(ENOSPC, 0);
    walk(CUT, 0);
}

static void each_call_and_all_later_fail(void **state)
{
    (void)state;
    walk(EIO, 1);
    walk(ENOSPC, 1);
    walk(CUT, 1);
}

static void short_writes_are_completed(void **state)
{
    (void)state;
    walk(SHORT, 0);
    walk(SHORT, 1); /* every write: halves down to single bytes */
}

/* write and fsync are repeated when a signal interrupts them. */
static void interruptions_are_repeated(void **state)
{
    (void)state;
    walk(EINTR, 0);
    int failures = 0, calls = 0;
    for (int k = 1;; ++k) {
        assert_status(store(1), MOTE_OK);
        fault.armed = 1, fault.countdown = k, fault.error = EINTR, fault.hit = 0, fault.from_then_on = 0;
        failures += store(2) != MOTE_OK;
        fault.armed = 0;
        if (!fault.hit)
            break;
        ++calls;
    }
    assert_true(calls >= 10);
    assert_true(failures <= 5); /* mkdir, unlink, two opens and rename: calls that local files never interrupt */
}

static void message_gives_the_reason(void **state)
{
    (void)state;
    assert_status(store(1), MOTE_OK);
    int named = 0;
    for (int k = 1; k < 20; ++k) {
        fault.armed = 1, fault.countdown = k, fault.error = ENOSPC, fault.hit = 0, fault.from_then_on = 1;
        int status = store(2);
        fault.armed = 0;
        named += status && strstr(message.text, "No space left on device") != NULL;
        if (!status)
            break;
    }
    assert_true(named >= 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_call_fails_once),       TEST(each_call_and_all_later_fail), TEST(short_writes_are_completed),
        TEST(interruptions_are_repeated), TEST(message_gives_the_reason),
    };
    return run_unit_tests(tests);
}
