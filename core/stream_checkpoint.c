/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/checkpoint.h"

void mote_put_stream(mote_writer *writer, const mote_stream *stream)
{
    mote_put_word(writer, stream->state[0]);
    mote_put_word(writer, stream->state[1]);
    mote_put_word(writer, stream->increment[0]);
    mote_put_word(writer, stream->increment[1]);
    mote_put_real(writer, stream->spare);
    mote_put_integer(writer, stream->has_spare);
    mote_put_word(writer, stream->address[0]);
    mote_put_word(writer, stream->address[1]);
}

void mote_get_stream(mote_reader *reader, mote_stream *stream)
{
    stream->state[0] = mote_get_word(reader);
    stream->state[1] = mote_get_word(reader);
    stream->increment[0] = mote_get_word(reader) | 1;
    stream->increment[1] = mote_get_word(reader);
    stream->spare = mote_get_real(reader);
    stream->has_spare = mote_get_count(reader, 0, 1);
    stream->address[0] = mote_get_word(reader);
    stream->address[1] = mote_get_word(reader);
}
