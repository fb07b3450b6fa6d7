/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A mote_stream behind GSL's interface of generators. GSL allocates `size` bytes for the state and copies them as they
 * are, so that the state is a plain value. */
#include <mote/gsl.h>
#include <mote/status.h>

#include "core/source.h"
#include "core/stream_inline.h"

typedef struct generator_state {
    mote_stream *bound; /* NULL: own */
    mote_stream own;
} generator_state;

static mote_stream *stream_of(void *state)
{
    generator_state *generator = state;
    return generator->bound ? generator->bound : &generator->own;
}

static void generator_set(void *state, unsigned long seed)
{
    mote_source source = mote_source_live(mote_source_key((int64_t)seed, 0));
    *(generator_state *)state = (generator_state){ .own = mote_stream_open(&source, 0) };
}

static unsigned long generator_get(void *state)
{
    return mote_stream_bits_inline(stream_of(state));
}

static double generator_get_double(void *state)
{
    return mote_stream_uniform_inline(stream_of(state));
}

const gsl_rng_type *mote_gsl_generator(void)
{
    static const gsl_rng_type type = { "mote-pcg64-dxsm",  UINT64_MAX,    0,
                                       sizeof(generator_state), generator_set, generator_get,
                                       generator_get_double };
    return &type;
}

int mote_gsl_bind(gsl_rng *generator, mote_stream *stream)
{
    if (!generator || generator->type != mote_gsl_generator())
        return MOTE_EINVAL;
    ((generator_state *)generator->state)->bound = stream;
    return MOTE_OK;
}
