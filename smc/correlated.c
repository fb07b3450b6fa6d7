/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/correlated.h"

#include <math.h>
#include <mote/status.h>
#include <string.h>

#include "core/source_tables.h"
#include "core/special.h"

/* ---- what is kept ---- */

void mote_correlation_measure(mote_correlation *layout)
{
    layout->complement = sqrt(1 - layout->rho * layout->rho);
    layout->size = (layout->initial + layout->times * layout->transition) * layout->particles + layout->times;
}

int mote_kept_normals_open(mote_kept_normals *kept, const mote_correlation *layout, const mote_memory *memory)
{
    *kept = (mote_kept_normals){ 0 };
    kept->now = mote_memory_allocate(memory, layout->size, sizeof *kept->now);
    kept->next = mote_memory_allocate(memory, layout->size, sizeof *kept->next);
    return kept->now && kept->next ? MOTE_OK : MOTE_ENOMEM;
}

void mote_kept_normals_close(mote_kept_normals *kept, const mote_memory *memory)
{
    mote_memory_release(memory, kept->now);
    mote_memory_release(memory, kept->next);
    *kept = (mote_kept_normals){ 0 };
}

void mote_kept_normals_accept(mote_kept_normals *kept)
{
    double *before = kept->now;
    kept->now = kept->next;
    kept->next = before;
    kept->any = 1;
}

/* The proposal's normals, all of them, whether a filter will ask for them or not: it is the whole vector that moves. */
static void refresh(const mote_correlation *layout, const mote_source *live, mote_kept_normals *kept)
{
    double *next = kept->next;
    for (int64_t t = -1; t < layout->times; ++t)
        for (int64_t k = 0; k < (t < 0 ? layout->initial : layout->transition); ++k, next += layout->particles) {
            mote_source at = mote_source_at(live, t < 0 ? MOTE_PURPOSE_INITIAL : MOTE_PURPOSE_TRANSITION,
                                            t < 0 ? 0 : (uint32_t)t, 0);
            at.draw = (uint32_t)k;
            mote_normals(&at, next, layout->particles);
        }
    for (int64_t t = 0; t < layout->times; ++t) {
        mote_source at = mote_source_at(live, MOTE_PURPOSE_ANCESTOR, (uint32_t)t, 0);
        mote_normals(&at, next++, 1);
    }
    for (int64_t i = 0; kept->any && i < layout->size; ++i)
        kept->next[i] = layout->rho * kept->now[i] + layout->complement * kept->next[i];
}

/* Place of the normals of the source's address, first of n particles; -1: they are not kept. */
static int64_t place(const mote_correlation *layout, const mote_source *source, int64_t n)
{
    const int64_t transitions = layout->initial * layout->particles, step = source->step;
    if (source->first < 0 || source->first + n > layout->particles || step >= layout->times)
        return -1;
    switch (source->purpose) {
    case MOTE_PURPOSE_INITIAL:
        return source->draw < layout->initial ? source->draw * layout->particles + source->first : -1;
    case MOTE_PURPOSE_TRANSITION:
        return source->draw < layout->transition
               ? transitions + (step * layout->transition + source->draw) * layout->particles + source->first : -1;
    case MOTE_PURPOSE_ANCESTOR:
        return n == 1 && !source->draw && !source->first
               ? transitions + layout->times * layout->transition * layout->particles + step : -1;
    default:
        return -1;
    }
}

static void count(mote_correlated *use, const mote_source *source)
{
    int64_t *most = source->purpose == MOTE_PURPOSE_INITIAL ? &use->initial
                    : source->purpose == MOTE_PURPOSE_TRANSITION ? &use->transition : NULL;
    if (most && source->draw + 1 > *most)
        *most = source->draw + 1;
}

/* ---- the table ---- */

static void normals(mote_source *source, double *out, int64_t n)
{
    mote_correlated *use = source->ctx;
    const int64_t at = use->kept ? place(use->layout, source, n) : -1;
    count(use, source);
    if (at >= 0) {
        memcpy(out, use->kept->next + at, (size_t)n * sizeof *out);
        return;
    }
    mote_source live = mote_source_at(&use->live, source->purpose, source->step, source->first);
    live.draw = source->draw;
    mote_normals(&live, out, n);
}

/* Inside (0, 1), as uniforms are. */
static void uniforms(mote_source *source, double *out, int64_t n)
{
    const double least = 0x1p-54, most = 1 - 0x1p-53;
    normals(source, out, n);
    for (int64_t i = 0; i < n; ++i) {
        const double u = mote_normal_cdf(out[i], NULL);
        out[i] = u < least ? least : u > most ? most : u;
    }
}

static double uniform_cut(mote_source *source, const double *cuts, int64_t n)
{
    double u;
    (void)cuts;
    (void)n;
    uniforms(source, &u, 1);
    return u;
}

static void refuse(mote_source *source, const char *what)
{
    mote_correlated *use = source->ctx;
    use->offence = use->offence ? use->offence : what;
    use->opened.status = MOTE_ESOURCE;
}

static void bits(mote_source *source, uint64_t *out, int64_t n)
{
    memset(out, 0, (size_t)n * sizeof *out);
    refuse(source, "bits");
}

static void exponentials(mote_source *source, double *out, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        out[i] = 1;
    refuse(source, "exponentials");
}

static int64_t choose(mote_source *source, const double *p, int64_t n)
{
    (void)p;
    (void)n;
    refuse(source, "choices");
    return 0;
}

static void ordered_uniforms(mote_source *source, double *out, int64_t n, const double *cuts, int64_t cut_count)
{
    (void)cuts;
    (void)cut_count;
    for (int64_t i = 0; i < n; ++i)
        out[i] = (double)(i + 1) / (double)(n + 1);
    refuse(source, "ordered uniforms");
}

/* A stream goes on, so that loops which wait for a number end; its numbers are void. */
static uint64_t stream_bits(mote_stream *stream)
{
    mote_stream live = *stream;
    refuse(stream->tape, "a stream of its own");
    live.tape = NULL;
    const uint64_t word = mote_stream_bits(&live);
    memcpy(stream->state, live.state, sizeof stream->state);
    return word;
}

static const mote_source_table table = {
    .name = "correlated",
    .bits = bits,
    .uniforms = uniforms,
    .normals = normals,
    .exponentials = exponentials,
    .choose = choose,
    .ordered_uniforms = ordered_uniforms,
    .uniform_cut = uniform_cut,
    .stream_bits = stream_bits,
};

mote_source mote_correlated_source(mote_correlated *use, const mote_source *live, const mote_correlation *layout,
                                   mote_kept_normals *kept)
{
    *use = (mote_correlated){ .live = *live, .layout = layout, .kept = kept };
    use->opened = mote_source_live(live->key);
    use->opened.table = &table;
    use->opened.ctx = use;
    if (kept)
        refresh(layout, live, kept);
    return use->opened;
}
