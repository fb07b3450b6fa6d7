/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recording and replaying. A tape holds single numbers under their full address: (key, purpose and step, kind and draw,
 * particle, extra), where extra is n for ordered uniforms and choices. So a replay may ask in another order or cut
 * ranges of particles elsewhere, and gets the same numbers; asking for one that is not there is MOTE_ESOURCE, kept both
 * in the position that asked and in the source that was opened. After a failure the numbers go on live, so that loops
 * which wait for a variate end. Streams are kept by the first word of their seed and their count.
 *
 * A tape takes 48 bytes for a number, twice that at worst half full: it is meant for tests and for finding faults. One
 * tape belongs to one thread at a time. Record and replay share it; the last one to close frees it. */
#include <string.h>

#include "core/memory.h"
#include "core/pcg64.h"
#include "core/source.h"
#include "core/source_tables.h"

enum kind { BITS = 1, UNIFORM, NORMAL, EXPONENTIAL, CHOICE, ORDERED, CUT, STREAM };

enum { WORDS = 5 };

typedef struct element {
    uint64_t address[WORDS]; /* the third word is 0 in an empty slot */
    uint64_t value;
} element;

/* A hash table with linear probing; capacity is a power of two and at least twice the count. */
typedef struct number_tape {
    mote_memory memory;
    int64_t holders, count, capacity;
    element *elements;
} number_tape;

/* What an opened source is: `opened` comes first, so that a position's ctx can be read as a mote_source. */
typedef struct taped_source {
    mote_source opened;
    mote_source inner; /* of a record: where the numbers come from */
    number_tape *tape;
} taped_source;

static void fail(mote_source *source, int status)
{
    mote_source *opened = source->ctx;
    source->status = source->status ? source->status : status;
    opened->status = opened->status ? opened->status : status;
}

static number_tape *tape_of(const mote_source *source)
{
    return ((const taped_source *)source->ctx)->tape;
}

/* ---- the hash table ---- */

static element address_of(const mote_source *source, enum kind kind, int64_t i, int64_t extra)
{
    return (element){ .address = { source->key, (uint64_t)source->purpose << 32 | source->step,
                                   (uint64_t)kind << 32 | source->draw, (uint64_t)(source->first + i),
                                   (uint64_t)extra } };
}

static element address_of_stream(const mote_stream *stream)
{
    return (element){ .address = { stream->address[0], stream->address[1], (uint64_t)STREAM << 32, 0, 0 } };
}

static uint64_t hash(const element *wanted)
{
    uint64_t h = 0;
    for (int i = 0; i < WORDS; ++i) {
        h = (h ^ wanted->address[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    return h;
}

/* The slot that holds this address, or the empty one where it belongs. The table has an empty slot. */
static element *slot(element *elements, int64_t capacity, const element *wanted)
{
    uint64_t mask = (uint64_t)capacity - 1, at = hash(wanted) & mask;
    while (elements[at].address[2] && memcmp(elements[at].address, wanted->address, sizeof wanted->address))
        at = (at + 1) & mask;
    return &elements[at];
}

static int grow(number_tape *tape)
{
    int64_t capacity = tape->capacity ? 2 * tape->capacity : 1024;
    element *elements = mote_memory_allocate(&tape->memory, capacity, sizeof *elements);
    if (!elements)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < tape->capacity; ++i)
        if (tape->elements[i].address[2])
            *slot(elements, capacity, &tape->elements[i]) = tape->elements[i];
    mote_memory_release(&tape->memory, tape->elements);
    tape->elements = elements;
    tape->capacity = capacity;
    return MOTE_OK;
}

static int put(number_tape *tape, element fresh, uint64_t value)
{
    if (2 * (tape->count + 1) > tape->capacity && grow(tape))
        return MOTE_ENOMEM;
    element *place = slot(tape->elements, tape->capacity, &fresh);
    tape->count += !place->address[2];
    *place = fresh;
    place->value = value;
    return MOTE_OK;
}

static int get(const number_tape *tape, element wanted, uint64_t *value)
{
    const element *place = tape->capacity ? slot(tape->elements, tape->capacity, &wanted) : NULL;
    if (!place || !place->address[2])
        return MOTE_ESOURCE;
    *value = place->value;
    return MOTE_OK;
}

/* ---- recording: the number of the inner source at the same address, kept ---- */

static mote_source inner_at(const mote_source *source)
{
    mote_source inner = ((const taped_source *)source->ctx)->inner;
    inner.key = source->key;
    inner.purpose = source->purpose;
    inner.step = source->step;
    inner.first = source->first;
    inner.draw = source->draw;
    inner.status = MOTE_OK;
    return inner;
}

/* Keeps n values of 8 bytes each. */
static void keep(mote_source *source, const mote_source *inner, enum kind kind, int64_t extra, const void *values,
                 int64_t n)
{
    if (inner->status)
        fail(source, inner->status);
    for (int64_t i = 0; i < n; ++i) {
        uint64_t value;
        memcpy(&value, (const char *)values + 8 * i, sizeof value);
        if (put(tape_of(source), address_of(source, kind, i, extra), value)) {
            fail(source, MOTE_ENOMEM);
            return;
        }
    }
}

static void record_bits(mote_source *source, uint64_t *out, int64_t n)
{
    mote_source inner = inner_at(source);
    inner.table->bits(&inner, out, n);
    keep(source, &inner, BITS, 0, out, n);
}

static void record_uniforms(mote_source *source, double *out, int64_t n)
{
    mote_source inner = inner_at(source);
    inner.table->uniforms(&inner, out, n);
    keep(source, &inner, UNIFORM, 0, out, n);
}

static void record_normals(mote_source *source, double *out, int64_t n)
{
    mote_source inner = inner_at(source);
    inner.table->normals(&inner, out, n);
    keep(source, &inner, NORMAL, 0, out, n);
}

static void record_exponentials(mote_source *source, double *out, int64_t n)
{
    mote_source inner = inner_at(source);
    inner.table->exponentials(&inner, out, n);
    keep(source, &inner, EXPONENTIAL, 0, out, n);
}

static int64_t record_choose(mote_source *source, const double *p, int64_t n)
{
    mote_source inner = inner_at(source);
    int64_t chosen = inner.table->choose(&inner, p, n);
    keep(source, &inner, CHOICE, n, &chosen, 1);
    return chosen;
}

static void record_ordered_uniforms(mote_source *source, double *out, int64_t n, const double *cuts, int64_t cut_count)
{
    mote_source inner = inner_at(source);
    inner.table->ordered_uniforms(&inner, out, n, cuts, cut_count);
    keep(source, &inner, ORDERED, n, out, n);
}

static double record_uniform_cut(mote_source *source, const double *cuts, int64_t n)
{
    mote_source inner = inner_at(source);
    double u = inner.table->uniform_cut(&inner, cuts, n);
    keep(source, &inner, CUT, 0, &u, 1);
    return u;
}

static uint64_t record_stream_bits(mote_stream *stream)
{
    taped_source *taped = stream->tape->ctx;
    mote_stream inner = *stream;
    inner.tape = taped->inner.ctx;
    uint64_t bits = taped->inner.table->stream_bits(&inner);
    memcpy(stream->state, inner.state, sizeof stream->state);
    if (mote_source_status(&taped->inner))
        fail(&taped->opened, mote_source_status(&taped->inner));
    if (put(taped->tape, address_of_stream(stream), bits))
        fail(&taped->opened, MOTE_ENOMEM);
    return bits;
}

/* ---- replaying ---- */

static mote_source live_at(const mote_source *source)
{
    mote_source live = mote_source_at(source, source->purpose, source->step, source->first);
    live.table = &mote_source_table_live;
    live.ctx = NULL;
    live.draw = source->draw;
    return live;
}

/* Nonzero, and the failure is kept, when one of the n values of 8 bytes is not on the tape. */
static int recall(mote_source *source, enum kind kind, int64_t extra, void *out, int64_t n)
{
    for (int64_t i = 0; i < n; ++i) {
        uint64_t value;
        if (get(tape_of(source), address_of(source, kind, i, extra), &value)) {
            fail(source, MOTE_ESOURCE);
            return MOTE_ESOURCE;
        }
        memcpy((char *)out + 8 * i, &value, sizeof value);
    }
    return MOTE_OK;
}

static void replay_bits(mote_source *source, uint64_t *out, int64_t n)
{
    mote_source live = live_at(source);
    if (recall(source, BITS, 0, out, n))
        live.table->bits(&live, out, n);
}

static void replay_uniforms(mote_source *source, double *out, int64_t n)
{
    mote_source live = live_at(source);
    if (recall(source, UNIFORM, 0, out, n))
        live.table->uniforms(&live, out, n);
}

static void replay_normals(mote_source *source, double *out, int64_t n)
{
    mote_source live = live_at(source);
    if (recall(source, NORMAL, 0, out, n))
        live.table->normals(&live, out, n);
}

static void replay_exponentials(mote_source *source, double *out, int64_t n)
{
    mote_source live = live_at(source);
    if (recall(source, EXPONENTIAL, 0, out, n))
        live.table->exponentials(&live, out, n);
}

/* A choice that the weights of this call forbid differs from the record as well. */
static int64_t replay_choose(mote_source *source, const double *p, int64_t n)
{
    mote_source live = live_at(source);
    int64_t chosen;
    if (recall(source, CHOICE, n, &chosen, 1))
        return live.table->choose(&live, p, n);
    if (!p || p[chosen] > 0.0)
        return chosen;
    fail(source, MOTE_ESOURCE);
    return live.table->choose(&live, p, n);
}

static void replay_ordered_uniforms(mote_source *source, double *out, int64_t n, const double *cuts, int64_t cut_count)
{
    mote_source live = live_at(source);
    if (recall(source, ORDERED, n, out, n))
        live.table->ordered_uniforms(&live, out, n, cuts, cut_count);
}

static double replay_uniform_cut(mote_source *source, const double *cuts, int64_t n)
{
    mote_source live = live_at(source);
    double u;
    return recall(source, CUT, 0, &u, 1) ? live.table->uniform_cut(&live, cuts, n) : u;
}

static uint64_t replay_stream_bits(mote_stream *stream)
{
    taped_source *taped = stream->tape->ctx;
    uint64_t live = mote_pcg64_next(stream->state, stream->increment), bits;
    if (!get(taped->tape, address_of_stream(stream), &bits))
        return bits;
    fail(&taped->opened, MOTE_ESOURCE);
    return live;
}

/* ---- opening and closing ---- */

static int wants_cuts(const mote_source *source)
{
    return mote_source_wants_cuts(&((const taped_source *)source->ctx)->inner);
}

static void close_tape(mote_source *opened)
{
    number_tape *tape = tape_of(opened);
    if (--tape->holders)
        return;
    const mote_memory memory = tape->memory;
    mote_memory_release(&memory, tape->elements);
    mote_memory_release(&memory, tape);
}

static const mote_source_table record_table = {
    .name = "record",
    .bits = record_bits,
    .uniforms = record_uniforms,
    .normals = record_normals,
    .exponentials = record_exponentials,
    .choose = record_choose,
    .ordered_uniforms = record_ordered_uniforms,
    .uniform_cut = record_uniform_cut,
    .stream_bits = record_stream_bits,
    .close = close_tape,
    .wants_cuts = wants_cuts,
};

static const mote_source_table replay_table = {
    .name = "replay",
    .bits = replay_bits,
    .uniforms = replay_uniforms,
    .normals = replay_normals,
    .exponentials = replay_exponentials,
    .choose = replay_choose,
    .ordered_uniforms = replay_ordered_uniforms,
    .uniform_cut = replay_uniform_cut,
    .stream_bits = replay_stream_bits,
    .close = close_tape,
    .wants_cuts = wants_cuts,
};

/* A source at the position of `start`, with this table and a fresh or a shared tape. */
static int open_taped(mote_source **source, const mote_source *start, const mote_source_table *table,
                      number_tape *shared)
{
    mote_memory memory;
    mote_memory_open(&memory, NULL);
    taped_source *fresh = mote_memory_allocate(&memory, 1, sizeof *fresh);
    number_tape *held = shared ? shared : mote_memory_allocate(&memory, 1, sizeof *held);
    if (!fresh || !held) {
        mote_memory_release(&memory, fresh);
        if (!shared)
            mote_memory_release(&memory, held);
        return MOTE_ENOMEM;
    }
    held->memory = memory;
    ++held->holders;
    *fresh = (taped_source){ .opened = *start, .inner = *start, .tape = held };
    fresh->opened.table = table;
    fresh->opened.ctx = fresh;
    fresh->opened.status = MOTE_OK;
    *source = &fresh->opened;
    return MOTE_OK;
}

int mote_source_open_record(mote_source **source, mote_source *inner)
{
    *source = NULL;
    return inner ? open_taped(source, inner, &record_table, NULL) : MOTE_EINVAL;
}

/* The replay starts where the record was opened, whatever the record has drawn since. */
int mote_source_open_replay(mote_source **source, const mote_source *record)
{
    *source = NULL;
    if (!record || record->table->close != close_tape)
        return MOTE_EINVAL;
    const taped_source *recorded = record->ctx;
    return open_taped(source, &recorded->inner, &replay_table, recorded->tape);
}
