/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run's memory: every allocation of a run goes through the allocator that was given at open. Sizes are
 * multiplied with overflow checks here and nowhere else. All functions return NULL when there is no memory. */
#ifndef MOTE_CORE_MEMORY_H
#define MOTE_CORE_MEMORY_H

#include <mote/base.h>

typedef struct mote_memory {
    mote_allocator allocator;
} mote_memory;

/* NULL takes malloc, realloc and free. MOTE_EKIND for a struct of another kind. */
int mote_memory_open(mote_memory *memory, const mote_allocator *allocator);

/* `count` elements of `size` bytes, zeroed. A count of 0 gives a block of one byte. */
void *mote_memory_allocate(const mote_memory *memory, int64_t count, size_t size);

/* Keeps the first min(old, count) elements and zeroes the rest; on failure the old block stays valid. */
void *mote_memory_resize(const mote_memory *memory, void *block, int64_t old, int64_t count, size_t size);

void mote_memory_release(const mote_memory *memory, void *block);

/* 64-byte aligned, zeroed; released by mote_memory_release_aligned only. */
void *mote_memory_allocate_aligned(const mote_memory *memory, int64_t count, size_t size);
void mote_memory_release_aligned(const mote_memory *memory, void *block);

/* A copy of a string; NULL stays NULL (check the input). */
char *mote_memory_copy_text(const mote_memory *memory, const char *text);

#endif
