/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws from streams for inner loops: the same numbers as mote_stream_bits, _uniform and _index, without a call when
 * the stream is live. */
#ifndef MOTE_CORE_STREAM_INLINE_H
#define MOTE_CORE_STREAM_INLINE_H

#include "core/pcg64.h"
#include "core/source.h"
#include "core/vector_inline.h"

static inline uint64_t mote_stream_bits_inline(mote_stream *stream)
{
    if (stream->tape)
        return mote_stream_bits(stream);
    return mote_pcg64_next(stream->state, stream->increment);
}

static inline double mote_stream_uniform_inline(mote_stream *stream)
{
    return mote_uniform_inline(mote_stream_bits_inline(stream));
}

static inline int64_t mote_stream_index_inline(mote_stream *stream, int64_t n)
{
    return (int64_t)mote_multiply_high(mote_stream_bits_inline(stream), n > 0 ? (uint64_t)n : 1);
}

#endif
