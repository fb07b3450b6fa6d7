/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmocka with what it lacks: comparison of doubles, comparison of bytes, and exit codes that automake understands.
 * Assertions jump: never inside a callback of the library or in a second thread. */
#ifndef MOTE_TESTS_TEST_H
#define MOTE_TESTS_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* |actual - expected| <= absolute + relative |expected|; infinities must be equal, NaN equals NaN. */
#define assert_close(actual, expected, relative, absolute) \
    assert_close_at(actual, expected, relative, absolute, #actual, __FILE__, __LINE__)

static inline void assert_close_at(double actual, double expected, double relative, double absolute, const char *what,
                                   const char *file, int line)
{
    if (actual == expected || (isnan(actual) && isnan(expected)))
        return;
    if (fabs(actual - expected) <= absolute + relative * fabs(expected))
        return;
    print_error("%s: got %.17g, expected %.17g (difference %.3g)\n", what, actual, expected, actual - expected);
    _fail(file, line);
}

/* The same bytes, reported by the first that differs. */
#define assert_same_bytes(a, b, size) assert_same_bytes_at(a, b, size, __FILE__, __LINE__)

static inline void assert_same_bytes_at(const void *a, const void *b, size_t size, const char *file, int line)
{
    const unsigned char *p = a, *q = b;
    for (size_t i = 0; i < size; ++i)
        if (p[i] != q[i]) {
            print_error("byte %zu of %zu differs: %02x, %02x\n", i, size, p[i], q[i]);
            _fail(file, line);
        }
}

#define assert_status(actual, expected) assert_int_equal(actual, expected)

/* The result of cmocka_run_group_tests (failures, or -1) as an exit code. */
#define run_unit_tests(tests) (cmocka_run_group_tests(tests, NULL, NULL) == 0 ? 0 : 1)

#endif
