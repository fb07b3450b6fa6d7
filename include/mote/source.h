/* SPDX-License-Identifier: BSD-2-Clause */
/* Randomness. Algorithms and models draw from a mote_source and from nothing else, so that the same program can
 * run live, be recorded, be replayed, or be enumerated.
 *
 * Live numbers come from Philox4x32-10 (Salmon et al. 2011), addressed by (key, purpose, step, particle, draw): they
 * depend on what is drawn, never on who draws it. Draw calls return void; a failure (a tape that ran out) is kept in
 * the source and checked by the algorithm after every callback. */
#ifndef MOTE_SOURCE_H
#define MOTE_SOURCE_H

#include <mote/base.h>

MOTE_BEGIN

typedef struct mote_source mote_source;

/* Sources of a program's own. `live` is what a run uses when none is given. `record` passes the numbers of `inner`
 * through and keeps them; `replay` gives them again, by address, and fails (MOTE_ESOURCE) when one is asked for that
 * was not recorded. A source that a run borrows (mote_hooks.source) must outlive it. */
MOTE_API int mote_source_open_live(mote_source **source, int64_t seed, int64_t run_id);
MOTE_API int mote_source_open_record(mote_source **source, mote_source *inner);
MOTE_API int mote_source_open_replay(mote_source **source, const mote_source *record);
MOTE_API void mote_source_close(mote_source **source);
MOTE_API int mote_source_status(const mote_source *source); /* MOTE_OK, or the first failure */

/* The enumerator: visits every outcome of an algorithm that draws by mote_choose, mote_uniform_cut and
 * mote_ordered_uniforms only, each with its probability. So expectations become exact sums:
 *     mote_source_open_enumerate(&s);
 *     while (mote_source_enumerate_next(s)) {
 *         run the algorithm with s, from the start;
 *         mean += mote_source_enumerate_weight(s) * result;
 *     }
 *     if (mote_source_status(s)) ... the mean is void
 * Each pass repeats the decisions of the pass before up to one and takes that one's next alternative. Alternatives of
 * probability zero are left out. A pass must be a function of its draws: decisions are told apart by the order in which
 * they are asked (by whatever positions of s), and one that differs from the same place of the pass before, by its kind,
 * number of alternatives or probability, is MOTE_ESOURCE. So is a draw of a continuous number (bits, uniforms, normals,
 * exponentials, streams) or a draw outside of a pass. Failures stay, end the loop and make the weight NaN. The number
 * of passes is the number of outcomes: it grows exponentially with the decisions, memory in proportion to them. One
 * enumerator belongs to one thread. */
MOTE_API int mote_source_open_enumerate(mote_source **source);
MOTE_API int mote_source_enumerate_next(mote_source *source); /* 1: another pass begins; 0: done, or failed */
MOTE_API double mote_source_enumerate_weight(const mote_source *source); /* of this pass as far as it has come */

/* Element i of each call belongs to particle first + i of the block that the source was handed out for. */
MOTE_API void mote_bits(mote_source *source, uint64_t *out, int64_t n);
MOTE_API void mote_uniforms(mote_source *source, double *out, int64_t n); /* inside (0, 1), never an end point */
MOTE_API void mote_normals(mote_source *source, double *out, int64_t n);  /* mean 0, variance 1 */

/* An index in 0..n-1 with probability proportional to p[i] >= 0 (p NULL: all equal): for every finite decision. */
MOTE_API int64_t mote_choose(mote_source *source, const double *p, int64_t n);

/* n uniforms in ascending order, by normalised exponential spacings. `cuts` are cut_count ascending numbers inside
 * (0, 1) between which the caller does not distinguish values: live sources ignore them (NULL will do), the enumerator
 * visits every way in which the n values can fall into the intervals between them. */
MOTE_API void mote_ordered_uniforms(mote_source *source, double *out, int64_t n, const double *cuts,
                                    int64_t cut_count);

/* One uniform, with n cuts as above: the enumerator visits each interval once with its length as weight. */
MOTE_API double mote_uniform_cut(mote_source *source, const double *cuts, int64_t n);

/* Exponential numbers of mean 1. */
MOTE_API void mote_exponentials(mote_source *source, double *out, int64_t n);

/* A private sequential stream (PCG64-DXSM, seeded from the source's key, purpose and step and from `particle`, an id,
 * not a place in a block): for code that needs an unforeseen number of variates, one at a time. It is a plain value: it
 * can be copied and stored in a checkpoint. */
typedef struct mote_stream {
    uint64_t state[2];     /* low, high word of the 128-bit state */
    uint64_t increment[2]; /* odd */
    double spare;          /* the second normal of a pair */
    int64_t has_spare;
    mote_source *tape;     /* NULL when live */
    uint64_t address[2];   /* of a recorded or replayed stream */
} mote_stream;

/* Numbers of a stream: 64 bits; uniforms inside (0, 1); normals, the same one by one or in bulk; an index. */
MOTE_API mote_stream mote_stream_open(mote_source *source, int64_t particle);
MOTE_API uint64_t mote_stream_bits(mote_stream *stream);
MOTE_API double mote_stream_uniform(mote_stream *stream);
MOTE_API double mote_stream_normal(mote_stream *stream);
MOTE_API void mote_stream_normals(mote_stream *stream, double *out, int64_t n);
MOTE_API int64_t mote_stream_index(mote_stream *stream, int64_t n); /* 0..n-1, bias below n/2^64 */

MOTE_END
#endif
