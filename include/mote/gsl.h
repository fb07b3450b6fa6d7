/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream as a generator of the GNU Scientific Library, so that its distributions draw from a mote_source:
 *     gsl_rng *generator = gsl_rng_alloc(mote_gsl_generator());
 *     mote_stream stream = mote_stream_open(source, particle);
 *     mote_gsl_bind(generator, &stream);
 *     k = gsl_ran_poisson(generator, 3.5);
 * Not part of mote/mote.h, since it needs GSL's headers. */
#ifndef MOTE_GSL_H
#define MOTE_GSL_H

#include <gsl/gsl_rng.h>
#include <mote/source.h>

MOTE_BEGIN

/* "mote-pcg64-dxsm": 64 bits from gsl_rng_get, 52 bits inside (0, 1) from gsl_rng_uniform. Until it is bound, and after
 * gsl_rng_set(generator, seed), it draws from a stream of its own that the seed determines. */
MOTE_API const gsl_rng_type *mote_gsl_generator(void);

/* Draws from `stream` (borrowed, moved by every draw) from now on; NULL returns to the generator's own stream.
 * MOTE_EINVAL for a generator of another type. A copy (gsl_rng_clone) shares the bound stream. */
MOTE_API int mote_gsl_bind(gsl_rng *generator, mote_stream *stream);

MOTE_END
#endif
