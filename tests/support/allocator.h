/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An allocator that counts and can be told to fail:
 *
 *     test_allocator counter = { .fail_at = 3 };          // the third call for memory gets none; 0: all succeed
 *     mote_allocator allocator = test_allocator_of(&counter);
 *     ... open with &allocator, close ...
 *     assert_int_equal(counter.live, 0);                  // nothing leaked
 *
 * To walk every failure: tests/support/fault.h, or raise fail_at from 1 until the call under test succeeds. */
#ifndef MOTE_TESTS_ALLOCATOR_H
#define MOTE_TESTS_ALLOCATOR_H

#include <mote/base.h>
#include <stdlib.h>

typedef struct test_allocator {
    int64_t fail_at; /* number of the call that fails, from 1 */
    int64_t stay;    /* 1: all later calls fail as well */
    int64_t calls;   /* for memory, so far */
    int64_t live;    /* blocks not released */
} test_allocator;

/* 1 when the call for memory that is being made now is to get none. */
static inline int test_allocator_fails(test_allocator *self)
{
    ++self->calls;
    return self->calls == self->fail_at || (self->stay && self->fail_at && self->calls > self->fail_at);
}

static inline void *test_allocate(void *ctx, size_t size)
{
    test_allocator *self = ctx;
    void *block = test_allocator_fails(self) ? NULL : malloc(size);
    self->live += block != NULL;
    return block;
}

static inline void *test_resize(void *ctx, void *block, size_t size)
{
    test_allocator *self = ctx;
    void *fresh = test_allocator_fails(self) ? NULL : realloc(block, size);
    self->live += fresh && !block;
    return fresh;
}

static inline void test_release(void *ctx, void *block)
{
    test_allocator *self = ctx;
    self->live -= block != NULL;
    free(block);
}

static inline mote_allocator test_allocator_of(test_allocator *self)
{
    return (mote_allocator){ MOTE_VERSIONED(mote_allocator), test_allocate, test_resize, test_release, self };
}

#endif
