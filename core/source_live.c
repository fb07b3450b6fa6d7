/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live source: every number is a function of (key, purpose, step, draw, particle) through Philox4x32-10. The
 * functions of a table read the position and leave it as it is; core/source.c counts the draws. */
#include "core/pcg64.h"
#include "core/source.h"
#include "core/source_tables.h"
#include "core/vector.h"
#include "core/vector_inline.h"

static void live_bits(mote_source *source, uint64_t *out, int64_t n)
{
    mote_vector()->philox_bits(out, source->key, source->purpose, source->step, source->draw, source->first, n);
}

static void live_uniforms(mote_source *source, double *out, int64_t n)
{
    mote_vector()->philox_uniforms(out, source->key, source->purpose, source->step, source->draw, source->first, n);
}

static void live_normals(mote_source *source, double *out, int64_t n)
{
    mote_vector()->philox_normals(out, source->key, source->purpose, source->step, source->draw, source->first, n);
}

/* -log of uniforms, in pieces that stay in the first-level cache. */
static void live_exponentials(mote_source *source, double *out, int64_t n)
{
    const mote_vector_table *vector = mote_vector();
    enum { PIECE = 1024 };
    for (int64_t i = 0; i < n; i += PIECE) {
        int64_t count = n - i < PIECE ? n - i : PIECE;
        vector->philox_uniforms(out + i, source->key, source->purpose, source->step, source->draw, source->first + i,
                                count);
        vector->log(out + i, out + i, count);
        for (int64_t j = i; j < i + count; ++j)
            out[j] = -out[j];
    }
}

double mote_source_sum_of_weights(const double *p, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i)
        sum += p[i] >= 0.0 && p[i] <= 0x1.fffffffffffffp+1023 ? p[i] : NAN;
    return sum;
}

/* One word, whatever n and p are. The index is the first whose cumulative weight exceeds u times the sum: an index of
 * weight zero cannot be it, and when rounding leaves none, the last of positive weight is taken. */
static int64_t live_choose(mote_source *source, const double *p, int64_t n)
{
    uint64_t bits;
    live_bits(source, &bits, 1);
    if (!p)
        return (int64_t)mote_multiply_high(bits, (uint64_t)n);
    double sum = mote_source_sum_of_weights(p, n), cumulative = 0.0;
    if (!(sum > 0.0) || sum > 0x1.fffffffffffffp+1023) {
        source->status = MOTE_EINVAL;
        return 0;
    }
    const double target = mote_uniform_inline(bits) * sum;
    int64_t last = 0;
    for (int64_t i = 0; i < n; ++i) {
        cumulative += p[i];
        if (p[i] > 0.0)
            last = i;
        if (p[i] > 0.0 && cumulative > target)
            return i;
    }
    return last;
}

/* S_i / S_(n+1), where S_i is the sum of the first i of n + 1 exponentials. */
static void live_ordered_uniforms(mote_source *source, double *out, int64_t n, const double *cuts, int64_t cut_count)
{
    (void)cuts;
    (void)cut_count;
    const double largest = 1.0 - 0x1p-53;
    double sum = 0.0, beyond;
    mote_source end = *source;
    end.first += n;
    live_exponentials(source, out, n);
    live_exponentials(&end, &beyond, 1);
    for (int64_t i = 0; i < n; ++i) {
        sum += out[i];
        out[i] = sum;
    }
    sum += beyond;
    for (int64_t i = 0; i < n; ++i)
        out[i] = out[i] / sum < largest ? out[i] / sum : largest;
}

static double live_uniform_cut(mote_source *source, const double *cuts, int64_t n)
{
    double u;
    (void)cuts;
    (void)n;
    live_uniforms(source, &u, 1);
    return u;
}

static uint64_t live_stream_bits(mote_stream *stream)
{
    return mote_pcg64_next(stream->state, stream->increment);
}

const mote_source_table mote_source_table_live = {
    .name = "live",
    .bits = live_bits,
    .uniforms = live_uniforms,
    .normals = live_normals,
    .exponentials = live_exponentials,
    .choose = live_choose,
    .ordered_uniforms = live_ordered_uniforms,
    .uniform_cut = live_uniform_cut,
    .stream_bits = live_stream_bits,
};
