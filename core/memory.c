/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/memory.h"

#include <mote/status.h>
#include <stdlib.h>
#include <string.h>

static void *system_allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void *system_resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    return realloc(block, size);
}

static void system_release(void *ctx, void *block)
{
    (void)ctx;
    free(block);
}

int mote_memory_open(mote_memory *memory, const mote_allocator *allocator)
{
    static const mote_allocator standard = { MOTE_VERSIONED(mote_allocator), system_allocate, system_resize,
                                             system_release, NULL };
    if (!allocator)
        allocator = &standard;
    memory->allocator = standard;
    if (allocator->head.kind != MOTE_KIND_mote_allocator)
        return MOTE_EKIND;
    if (allocator->head.size < sizeof *allocator || !allocator->allocate || !allocator->resize || !allocator->release)
        return MOTE_EINVAL;
    memory->allocator = *allocator;
    return MOTE_OK;
}

/* count * size in bytes, at least 1; 0 when it does not fit. */
static size_t product(int64_t count, size_t size, size_t extra)
{
    if (count < 0 || size == 0 || (uint64_t)count > (PTRDIFF_MAX - extra) / size)
        return 0;
    size_t bytes = (size_t)count * size + extra;
    return bytes ? bytes : 1;
}

void *mote_memory_allocate(const mote_memory *memory, int64_t count, size_t size)
{
    size_t bytes = product(count, size, 0);
    void *block = bytes ? memory->allocator.allocate(memory->allocator.ctx, bytes) : NULL;
    return block ? memset(block, 0, bytes) : NULL;
}

void *mote_memory_resize(const mote_memory *memory, void *block, int64_t old, int64_t count, size_t size)
{
    size_t bytes = product(count, size, 0);
    char *fresh = bytes ? memory->allocator.resize(memory->allocator.ctx, block, bytes) : NULL;
    if (fresh && count > old)
        memset(fresh + (size_t)old * size, 0, (size_t)(count - old) * size);
    return fresh;
}

void mote_memory_release(const mote_memory *memory, void *block)
{
    if (block)
        memory->allocator.release(memory->allocator.ctx, block);
}

/* The start of the underlying block sits in the pointer before the aligned one. */
enum { ALIGNMENT = 64 };

void *mote_memory_allocate_aligned(const mote_memory *memory, int64_t count, size_t size)
{
    size_t bytes = product(count, size, ALIGNMENT + sizeof(void *));
    char *block = bytes ? mote_memory_allocate(memory, (int64_t)bytes, 1) : NULL;
    if (!block)
        return NULL;
    uintptr_t start = (uintptr_t)(block + sizeof(void *));
    char *aligned = block + sizeof(void *) + (ALIGNMENT - start % ALIGNMENT) % ALIGNMENT;
    memcpy(aligned - sizeof(void *), &block, sizeof(void *));
    return aligned;
}

void mote_memory_release_aligned(const mote_memory *memory, void *block)
{
    void *start;
    if (!block)
        return;
    memcpy(&start, (char *)block - sizeof(void *), sizeof(void *));
    mote_memory_release(memory, start);
}

char *mote_memory_copy_text(const mote_memory *memory, const char *text)
{
    size_t length = text ? strlen(text) + 1 : 0;
    char *copy = text ? mote_memory_allocate(memory, (int64_t)length, 1) : NULL;
    return copy ? memcpy(copy, text, length) : NULL;
}
