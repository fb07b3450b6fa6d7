/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The draws of mote/source.h: they go to the source's table and count the draws at its address. Keys and streams. */
#include "core/source.h"

#include "core/memory.h"
#include "core/philox.h"
#include "core/source_tables.h"
#include "core/stream_inline.h"
#include "core/vector.h"

/* ---- keys and addresses: a file format, see doc/decisions.md ---- */

uint64_t mote_source_key(int64_t seed, int64_t run_id)
{
    return mote_philox((uint64_t)seed, (uint32_t)run_id, (uint32_t)((uint64_t)run_id >> 32), 0, MOTE_PURPOSE_KEY).first;
}

/* A hash of five words in two blocks; the second is keyed by the first. */
uint64_t mote_source_child_key(uint64_t parent, uint64_t child, uint64_t iteration)
{
    uint64_t middle = mote_philox(parent, (uint32_t)child, (uint32_t)(child >> 32), 1, MOTE_PURPOSE_KEY).first;
    return mote_philox(middle, (uint32_t)iteration, (uint32_t)(iteration >> 32), 2, MOTE_PURPOSE_KEY).first;
}

mote_source mote_source_live(uint64_t key)
{
    return (mote_source){ .table = &mote_source_table_live, .key = key, .purpose = MOTE_PURPOSE_USER };
}

mote_source mote_source_at(const mote_source *source, uint32_t purpose, uint32_t step, int64_t first)
{
    mote_source moved = *source;
    moved.purpose = purpose;
    moved.step = step;
    moved.first = first;
    moved.draw = 0;
    return moved;
}

int mote_source_open_live(mote_source **source, int64_t seed, int64_t run_id)
{
    mote_memory memory;
    mote_memory_open(&memory, NULL);
    *source = mote_memory_allocate(&memory, 1, sizeof **source);
    if (!*source)
        return MOTE_ENOMEM;
    **source = mote_source_live(mote_source_key(seed, run_id));
    return MOTE_OK;
}

void mote_source_close(mote_source **source)
{
    mote_memory memory;
    if (!source || !*source)
        return;
    mote_memory_open(&memory, NULL);
    if ((*source)->table->close)
        (*source)->table->close(*source);
    mote_memory_release(&memory, *source);
    *source = NULL;
}

/* A tape keeps the first failure of all its positions in the source that was opened. */
int mote_source_status(const mote_source *source)
{
    const mote_source *opened = source->ctx;
    return source->status || !opened ? source->status : opened->status;
}

int mote_source_wants_cuts(const mote_source *source)
{
    return source->table->wants_cuts ? source->table->wants_cuts(source) : 0;
}

/* ---- draws ---- */

void mote_bits(mote_source *source, uint64_t *out, int64_t n)
{
    source->table->bits(source, out, n);
    ++source->draw;
}

void mote_source_scattered_bits(mote_source *source, const uint64_t *draw, const uint64_t *pair, uint64_t *first,
                                uint64_t *second, int64_t n)
{
    if (source->table == &mote_source_table_live) {
        mote_vector()->philox_scattered(first, second, source->key, source->purpose, source->step, draw, pair, n);
        return;
    }
    for (int64_t i = 0; i < n; ++i) {
        mote_source place = mote_source_at(source, source->purpose, source->step, (int64_t)pair[i] * 2);
        uint64_t words[2];
        place.draw = (uint32_t)draw[i];
        source->table->bits(&place, words, 2);
        first[i] = words[0];
        second[i] = words[1];
        source->status = source->status ? source->status : place.status;
    }
}

void mote_uniforms(mote_source *source, double *out, int64_t n)
{
    source->table->uniforms(source, out, n);
    ++source->draw;
}

void mote_normals(mote_source *source, double *out, int64_t n)
{
    source->table->normals(source, out, n);
    ++source->draw;
}

void mote_exponentials(mote_source *source, double *out, int64_t n)
{
    source->table->exponentials(source, out, n);
    ++source->draw;
}

int64_t mote_choose(mote_source *source, const double *p, int64_t n)
{
    if (n < 1) {
        source->status = source->status ? source->status : MOTE_EINVAL;
        return 0;
    }
    int64_t chosen = source->table->choose(source, p, n);
    ++source->draw;
    return chosen;
}

void mote_ordered_uniforms(mote_source *source, double *out, int64_t n, const double *cuts, int64_t cut_count)
{
    source->table->ordered_uniforms(source, out, n, cuts, cut_count);
    ++source->draw;
}

double mote_uniform_cut(mote_source *source, const double *cuts, int64_t n)
{
    double u = source->table->uniform_cut(source, cuts, n);
    ++source->draw;
    return u;
}

/* ---- streams ---- */

/* Two blocks under the source's key: x = 2 (particle >> 32) + 0 or 1, y = step, z = particle, w = the owner's purpose
 * with STREAM in its upper half, which no other draw has. The first is the state, the second the increment. */
mote_stream mote_stream_open(mote_source *source, int64_t particle)
{
    const uint32_t x = (uint32_t)((uint64_t)particle >> 32) << 1, z = (uint32_t)particle;
    const uint32_t w = (uint32_t)MOTE_PURPOSE_STREAM << 16 | source->purpose;
    mote_philox_block state = mote_philox(source->key, x, source->step, z, w);
    mote_philox_block increment = mote_philox(source->key, x | 1, source->step, z, w);
    return (mote_stream){ .state = { state.first, state.second },
                          .increment = { increment.first | 1, increment.second },
                          .tape = source->ctx,
                          .address = { state.first, 0 } };
}

uint64_t mote_stream_bits(mote_stream *stream)
{
    if (!stream->tape)
        return mote_pcg64_next(stream->state, stream->increment);
    uint64_t bits = stream->tape->table->stream_bits(stream);
    ++stream->address[1];
    return bits;
}

double mote_stream_uniform(mote_stream *stream)
{
    return mote_stream_uniform_inline(stream);
}

int64_t mote_stream_index(mote_stream *stream, int64_t n)
{
    return mote_stream_index_inline(stream, n);
}

double mote_stream_normal(mote_stream *stream)
{
    double normals[2];
    mote_stream_normals(stream, normals, 1);
    return normals[0];
}

/* The pair of two uniforms goes out in order; the one that is left over waits for the next call. So n numbers are the
 * same in one call or in many. */
void mote_stream_normals(mote_stream *stream, double *out, int64_t n)
{
    enum { PIECE = 256 };
    double uniforms[PIECE], last[2];
    int64_t i = 0;
    if (n > 0 && stream->has_spare) {
        out[i++] = stream->spare;
        stream->has_spare = 0;
    }
    while (n - i >= 2) {
        int64_t count = n - i < PIECE ? (n - i) / 2 * 2 : PIECE;
        for (int64_t j = 0; j < count; ++j)
            uniforms[j] = mote_stream_uniform_inline(stream);
        mote_vector()->box_muller(out + i, uniforms, count);
        i += count;
    }
    if (i < n) {
        uniforms[0] = mote_stream_uniform_inline(stream);
        uniforms[1] = mote_stream_uniform_inline(stream);
        mote_vector()->box_muller(last, uniforms, 2);
        out[i] = last[0];
        stream->spare = last[1];
        stream->has_spare = 1;
    }
}
