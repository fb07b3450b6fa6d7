/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sources of randomness, inside: the table that live, recording, replaying and enumerating sources fill, and the
 * address of a draw. Philox counter: x = draw block, y = step, z = particle (pair or chain), w = purpose;
 * key = 64-bit hash of (seed, run id): see doc/decisions.md, the layout is a file format. */
#ifndef MOTE_CORE_SOURCE_H
#define MOTE_CORE_SOURCE_H

#include <mote/source.h>
#include <mote/status.h>

/* What a number is for: the last word of the counter. One list for the whole library; append only. */
enum mote_purpose {
    MOTE_PURPOSE_KEY = 1,     /* derivation of keys */
    MOTE_PURPOSE_STREAM,      /* seeding of streams: in the upper half of w, the owner's purpose below */
    MOTE_PURPOSE_USER,        /* sources that a program opened itself */
    MOTE_PURPOSE_PRIOR,       /* prior draws */
    MOTE_PURPOSE_BIRTH,       /* chains of nested sampling, one stream per birth */
    MOTE_PURPOSE_BOUND,       /* bounds: 2-means starts, leave-out rounds */
    MOTE_PURPOSE_RANK,        /* ties of insertion ranks */
    MOTE_PURPOSE_VOLUME,      /* simulated volumes */
    MOTE_PURPOSE_BOOTSTRAP,   /* resampled threads */
    MOTE_PURPOSE_RESAMPLE,    /* equal-weight resampling */
    MOTE_PURPOSE_CONSTRAINT,  /* mass of a joint prior constraint */
    MOTE_PURPOSE_INITIAL,     /* initial law of particles */
    MOTE_PURPOSE_TRANSITION,  /* transitions and proposals of particles */
    MOTE_PURPOSE_ANCESTOR,    /* resampling of particles */
    MOTE_PURPOSE_BACKWARD,    /* backward draws: smoothing, PaRIS, particle Gibbs */
    MOTE_PURPOSE_FILTER,      /* keys of filters inside other algorithms */
    MOTE_PURPOSE_QUASI,       /* digital shifts of quasi-Monte Carlo points */
    MOTE_PURPOSE_KERNEL,      /* transitions of kernels, one stream per chain */
    MOTE_PURPOSE_INFORMATION, /* proposals of backward information filters */
    MOTE_PURPOSE_PAIR         /* pairs of indices of two filters */
};

/* These functions read the source's position and leave it as it is; the draws of mote/source.h count. Failures go
 * into status. */
typedef struct mote_source_table {
    const char *name;
    void (*bits)(mote_source *source, uint64_t *out, int64_t n);
    void (*uniforms)(mote_source *source, double *out, int64_t n);
    void (*normals)(mote_source *source, double *out, int64_t n);
    void (*exponentials)(mote_source *source, double *out, int64_t n);
    int64_t (*choose)(mote_source *source, const double *p, int64_t n);
    void (*ordered_uniforms)(mote_source *source, double *out, int64_t n, const double *cuts, int64_t cut_count);
    double (*uniform_cut)(mote_source *source, const double *cuts, int64_t n);
    uint64_t (*stream_bits)(mote_stream *stream); /* used when stream->tape is set; live streams are direct */
    void (*close)(mote_source *opened);           /* releases what hangs on ctx, not the source; NULL: nothing does */
    int (*wants_cuts)(const mote_source *source); /* NULL: no */
} mote_source_table;

/* A source is a position: table + key + address. Copying one copies the position. */
struct mote_source {
    const mote_source_table *table;
    void *ctx;          /* NULL when live; else a struct that begins with the mote_source that was opened */
    uint64_t key;
    uint32_t purpose;
    uint32_t step;
    int64_t first;      /* particle id of element 0 */
    uint32_t draw;      /* number of draw calls so far at this address */
    int status;         /* sticky */
};

/* Key of a run, and key of a child run (a filter inside a sampler). */
uint64_t mote_source_key(int64_t seed, int64_t run_id);
uint64_t mote_source_child_key(uint64_t parent, uint64_t child, uint64_t iteration);

/* A live source with this key, at purpose USER, step 0. */
mote_source mote_source_live(uint64_t key);

/* Whether the cuts of mote_uniform_cut and mote_ordered_uniforms matter: 1 for the enumerator and for a record or
 * replay around one. Elsewhere NULL will do, and nobody need compute and sort them. */
int mote_source_wants_cuts(const mote_source *source);

/* The same source (table, key, tape) moved to another address, with draw = 0. */
mote_source mote_source_at(const mote_source *source, uint32_t purpose, uint32_t step, int64_t first);

/* Bits at scattered places: first[i] and second[i] are what mote_bits gives to the particles 2 pair[i] and 2 pair[i] + 1 at
 * draw draw[i] (both below 2^32) of the source's purpose and step. The arrays have room for n rounded up to 16. */
void mote_source_scattered_bits(mote_source *source, const uint64_t *draw, const uint64_t *pair, uint64_t *first,
                                uint64_t *second, int64_t n);

#endif
