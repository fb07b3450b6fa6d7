/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of ancestor maps: see lineage.h. With present generation G, slot s (s = 0 the oldest) belongs to
 * generation G - count + s + 1. As a product it leads from the boundary, generation G - count + older, to G - count +
 * s; as it came, from its own generation to the one before. */
#include "smc/lineage.h"

#include <mote/status.h>
#include <string.h>

static int32_t *slot(const mote_lineage *lineage, int64_t s)
{
    return lineage->map[(lineage->first + s) % lineage->capacity];
}

/* out[i] = map[index[i]]; out may be index. */
typedef struct gathering {
    int32_t *out;
    const int32_t *map, *index;
    int64_t n;
} gathering;

enum { SHARE = 16384 }; /* of one item */

static void gather_share(void *ctx, int64_t item, int64_t thread)
{
    const gathering *g = ctx;
    const int64_t end = (item + 1) * SHARE < g->n ? (item + 1) * SHARE : g->n;
    (void)thread;
    for (int64_t i = item * SHARE; i < end; ++i)
        g->out[i] = g->map[g->index[i]];
}

static void gather(const mote_lineage *lineage, int32_t *out, const int32_t *map, const int32_t *index)
{
    gathering g = { out, map, index, lineage->n };
    const int64_t items = (lineage->n + SHARE - 1) / SHARE;
    if (lineage->pool && items >= 4)
        mote_pool_run(lineage->pool, gather_share, &g, items);
    else
        for (int64_t item = 0; item < items; ++item)
            gather_share(&g, item, 0);
}

static void identity(int32_t *map, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        map[i] = (int32_t)i;
}

int mote_lineage_open(mote_lineage *lineage, const mote_memory *memory, int64_t n, int64_t lag)
{
    memset(lineage, 0, sizeof *lineage);
    lineage->memory = memory;
    lineage->n = n;
    lineage->lag = lag;
    lineage->younger = mote_memory_allocate(memory, n, sizeof *lineage->younger);
    lineage->scratch = mote_memory_allocate(memory, n, sizeof *lineage->scratch);
    const int status = lineage->younger && lineage->scratch ? mote_lineage_reserve(lineage) : MOTE_ENOMEM;
    if (status)
        mote_lineage_close(lineage);
    else
        mote_lineage_clear(lineage);
    return status;
}

void mote_lineage_close(mote_lineage *lineage)
{
    for (int64_t s = 0; lineage->map && s < lineage->capacity; ++s)
        mote_memory_release(lineage->memory, lineage->map[s]);
    void *blocks[] = { lineage->map, lineage->younger, lineage->scratch };
    for (size_t i = 0; lineage->memory && i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(lineage->memory, blocks[i]);
    memset(lineage, 0, sizeof *lineage);
}

void mote_lineage_clear(mote_lineage *lineage)
{
    lineage->count = lineage->older = lineage->first = 0;
    identity(lineage->younger, lineage->n);
}

/* ---- growth: the ring is unrolled, new slots go behind ---- */

static void unroll(mote_lineage *lineage)
{
    while (lineage->first) { /* rotates by one; rings grow a few times in their life */
        int32_t *front = lineage->map[0];
        memmove(lineage->map, lineage->map + 1, (size_t)(lineage->capacity - 1) * sizeof *lineage->map);
        lineage->map[lineage->capacity - 1] = front;
        --lineage->first;
    }
}

/* To `wanted` slots; those that there was memory for stay. */
static int grow(mote_lineage *lineage, int64_t wanted)
{
    int32_t **larger = mote_memory_resize(lineage->memory, lineage->map, lineage->capacity, wanted, sizeof *larger);
    if (!larger)
        return MOTE_ENOMEM;
    lineage->map = larger;
    unroll(lineage);
    while (lineage->capacity < wanted) {
        int32_t *map = mote_memory_allocate(lineage->memory, lineage->n, sizeof *map);
        if (!map)
            return MOTE_ENOMEM;
        lineage->map[lineage->capacity++] = map;
    }
    return MOTE_OK;
}

int mote_lineage_reserve(mote_lineage *lineage)
{
    if (lineage->count < lineage->capacity || lineage->capacity == lineage->lag)
        return MOTE_OK;
    const int64_t wanted = lineage->capacity ? 2 * lineage->capacity : 1;
    return grow(lineage, wanted < lineage->lag ? wanted : lineage->lag);
}

int mote_lineage_reserve_slots(mote_lineage *lineage, int64_t slots)
{
    const int64_t wanted = slots < lineage->lag ? slots : lineage->lag;
    return wanted > lineage->capacity ? grow(lineage, wanted) : MOTE_OK;
}

/* ---- the window moves ---- */

static void swap_scratch(mote_lineage *lineage, int32_t **map)
{
    int32_t *other = lineage->scratch;
    lineage->scratch = *map;
    *map = other;
}

/* scratch[i] = map[index[i]], and the scratch takes the place of *result. */
static void compose(mote_lineage *lineage, const int32_t *map, const int32_t *index, int32_t **result)
{
    gather(lineage, lineage->scratch, map, index);
    swap_scratch(lineage, result);
}

/* Makes products of all maps: the boundary is the present generation. */
static void multiply(mote_lineage *lineage)
{
    for (int64_t s = lineage->count - 2; s >= 0; --s)
        compose(lineage, slot(lineage, s), slot(lineage, s + 1),
                &lineage->map[(lineage->first + s) % lineage->capacity]);
    lineage->older = lineage->count;
    identity(lineage->younger, lineage->n);
}

void mote_lineage_push(mote_lineage *lineage, const int32_t *ancestor)
{
    const int64_t n = lineage->n;
    if (lineage->count == lineage->lag) {
        if (!lineage->older)
            multiply(lineage);
        lineage->first = (lineage->first + 1) % lineage->capacity;
        --lineage->count;
        --lineage->older;
    }
    int32_t *map = slot(lineage, lineage->count++);
    if (!ancestor) {
        identity(map, n);
        return;
    }
    memcpy(map, ancestor, (size_t)n * sizeof *map);
    compose(lineage, lineage->younger, map, &lineage->younger);
}

/* ---- ancestors ---- */

/* Ancestors in the generation that slot s leads to, s < older. */
static void through_product(const mote_lineage *lineage, int64_t s, int32_t *index)
{
    gather(lineage, index, slot(lineage, s), lineage->younger);
}

void mote_lineage_oldest(const mote_lineage *lineage, int32_t *index)
{
    if (lineage->older)
        through_product(lineage, 0, index);
    else
        memcpy(index, lineage->younger, (size_t)lineage->n * sizeof *index);
}

void mote_lineage_second(const mote_lineage *lineage, int32_t *index)
{
    if (lineage->older > 1) {
        through_product(lineage, 1, index);
        return;
    }
    identity(index, lineage->n);
    if (lineage->older == 1)
        memcpy(index, lineage->younger, (size_t)lineage->n * sizeof *index);
    for (int64_t k = 1; !lineage->older && k < lineage->count; ++k)
        mote_lineage_back(lineage, k, index);
}

void mote_lineage_back(const mote_lineage *lineage, int64_t k, int32_t *index)
{
    const int64_t s = lineage->count - k;
    const int32_t *map = slot(lineage, s);
    if (s < lineage->older) {
        through_product(lineage, s, index);
        return;
    }
    gather(lineage, index, map, index);
}

/* ---- checkpoints ---- */

void mote_put_indices(mote_writer *writer, const int32_t *index, int64_t n)
{
    for (int64_t i = 0; i < n; i += 2)
        mote_put_word(writer, (uint64_t)(uint32_t)index[i] | (i + 1 < n ? (uint64_t)(uint32_t)index[i + 1] << 32 : 0));
}

void mote_get_indices(mote_reader *reader, int32_t *index, int64_t n, int64_t bound)
{
    for (int64_t i = 0; i < n; i += 2) {
        const uint64_t word = mote_get_word(reader);
        const int64_t even = (int64_t)(word & UINT32_MAX), odd = (int64_t)(word >> 32);
        if (even >= bound || odd >= bound)
            reader->status = MOTE_ECORRUPT;
        index[i] = reader->status ? 0 : (int32_t)even;
        if (i + 1 < n)
            index[i + 1] = reader->status ? 0 : (int32_t)odd;
    }
}

void mote_lineage_save(const mote_lineage *lineage, mote_writer *writer)
{
    mote_put_integer(writer, lineage->count);
    mote_put_integer(writer, lineage->older);
    for (int64_t s = 0; s < lineage->count; ++s)
        mote_put_indices(writer, slot(lineage, s), lineage->n);
}

int mote_lineage_load(mote_lineage *lineage, mote_reader *reader)
{
    mote_lineage_clear(lineage);
    const int64_t count = mote_get_count(reader, 0, lineage->lag), older = mote_get_count(reader, 0, count);
    for (int64_t s = 0; s < count && !reader->status; ++s) {
        const int status = mote_lineage_reserve(lineage);
        if (status)
            return status;
        mote_get_indices(reader, lineage->map[s], lineage->n, lineage->n);
        lineage->count = s + 1;
    }
    lineage->older = reader->status ? 0 : older;
    for (int64_t s = older; s < lineage->count; ++s)
        compose(lineage, lineage->younger, lineage->map[s], &lineage->younger);
    return reader->status;
}
