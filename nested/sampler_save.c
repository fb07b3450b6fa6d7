/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sampler's part of a checkpoint: what was frozen for the step, what has been tuned, and every chain, so that a
 * run killed between two likelihood calls goes on with the same numbers. */
#include <mote/status.h>

#include "nested/birth.h"

/* Lists that both directions share, so that they cannot differ. */
#define TUNED(X) X(scale) X(region_calls) X(region_births) X(first_cost) X(last_cost) X(collapsed)
#define BOUND_REALS(X) X(log_volume) X(log_prior_volume)

static const mote_birth_method *const METHODS[] = { &mote_birth_region, &mote_birth_slice, &mote_birth_walk };

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void save_bound(const mote_bound *bound, mote_writer *writer)
{
    const mote_ellipsoids *parts = &bound->parts;
    int64_t count = parts->count, d = bound->d;
    mote_put_tag(writer, "bound");
    mote_put_integer(writer, bound->built);
    mote_put_integer(writer, bound->cube);
    mote_put_integer(writer, count);
#define PUT(name) mote_put_real(writer, bound->name);
    BOUND_REALS(PUT)
#undef PUT
    mote_put_reals(writer, bound->shift, d);
    mote_put_reals(writer, bound->cumulative, count);
    mote_put_reals(writer, parts->mean, count * d);
    mote_put_reals(writer, parts->lower, count * d * d);
    mote_put_reals(writer, parts->inverse, count * d * d);
    mote_put_reals(writer, parts->scale, count);
    mote_put_reals(writer, parts->log_volume, count);
    mote_put_reals(writer, parts->size, count);
}

static void save_chain(const mote_sampler *sampler, const mote_birth_chain *chain, mote_writer *writer)
{
    int64_t d = sampler->dimension;
    const mote_stream *stream = &chain->stream;
#define PUT(name) mote_put_integer(writer, chain->name);
    MOTE_BIRTH_INTEGERS(PUT)
#undef PUT
#define PUT(name) mote_put_real(writer, chain->name);
    MOTE_BIRTH_REALS(PUT)
#undef PUT
    mote_put_integers(writer, chain->kind_steps, MOTE_SLICE_KINDS);
    mote_put_integers(writer, chain->kind_calls, MOTE_SLICE_KINDS);
    for (int i = 0; i < 2; ++i) {
        mote_put_word(writer, stream->state[i]);
        mote_put_word(writer, stream->increment[i]);
        mote_put_word(writer, stream->address[i]);
    }
    mote_put_real(writer, stream->spare);
    mote_put_integer(writer, stream->has_spare);
    mote_put_integer(writer, stream->tape != NULL);
    mote_put_reals(writer, chain->x, d);
    mote_put_reals(writer, chain->y, d);
    mote_put_reals(writer, chain->direction, d);
    mote_put_reals(writer, chain->theta, sampler->space->theta_count);
    mote_put_reals(writer, chain->derived, sampler->space->derived_count);
    mote_put_reals(writer, chain->basis, chain->basis ? d * d : 0);
}

void mote_sampler_save(const mote_sampler *sampler, mote_writer *writer)
{
    int64_t method = 0;
    while (METHODS[method] != sampler->method)
        ++method;
    mote_put_tag(writer, "sampler");
    mote_put_integer(writer, method);
    mote_put_integer(writer, sampler->steps);
    mote_put_reals(writer, sampler->width, MOTE_SLICE_KINDS);
#define PUT(name) mote_put_real(writer, sampler->name);
    TUNED(PUT)
#undef PUT
    save_bound(&sampler->bound, writer);
    mote_put_integer(writer, sampler->n);
    mote_put_real(writer, sampler->threshold);
    mote_put_reals(writer, sampler->cube, sampler->n * sampler->dimension);
    mote_put_reals(writer, sampler->log_likelihood, sampler->n);
    mote_put_integer(writer, sampler->clusters);
    mote_put_integers(writer, sampler->cluster, sampler->n);
    mote_put_integers(writer, sampler->member, sampler->n);
    mote_put_integers(writer, sampler->first, sampler->clusters + 1);
    mote_put_tag(writer, "births");
    for (int64_t i = 0; i < sampler->max_births; ++i)
        save_chain(sampler, mote_birth_chain_at(sampler, i), writer);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void load_bound(mote_bound *bound, mote_reader *reader)
{
    mote_ellipsoids *parts = &bound->parts;
    int64_t d = bound->d;
    mote_get_tag(reader, "bound");
    bound->built = mote_get_count(reader, 0, 1);
    bound->cube = mote_get_count(reader, 0, 1);
    int64_t count = parts->count = mote_get_count(reader, 0, parts->capacity);
#define GET(name) bound->name = mote_get_real(reader);
    BOUND_REALS(GET)
#undef GET
    mote_get_reals(reader, bound->shift, d);
    mote_get_reals(reader, bound->cumulative, count);
    mote_get_reals(reader, parts->mean, count * d);
    mote_get_reals(reader, parts->lower, count * d * d);
    mote_get_reals(reader, parts->inverse, count * d * d);
    mote_get_reals(reader, parts->scale, count);
    mote_get_reals(reader, parts->log_volume, count);
    mote_get_reals(reader, parts->size, count);
}

static void load_chain(mote_sampler *sampler, mote_birth_chain *chain, mote_reader *reader)
{
    int64_t d = sampler->dimension;
    mote_stream *stream = &chain->stream;
#define GET(name) chain->name = mote_get_integer(reader);
    MOTE_BIRTH_INTEGERS(GET)
#undef GET
#define GET(name) chain->name = mote_get_real(reader);
    MOTE_BIRTH_REALS(GET)
#undef GET
    mote_get_integers(reader, chain->kind_steps, MOTE_SLICE_KINDS);
    mote_get_integers(reader, chain->kind_calls, MOTE_SLICE_KINDS);
    for (int i = 0; i < 2; ++i) {
        stream->state[i] = mote_get_word(reader);
        stream->increment[i] = mote_get_word(reader);
        stream->address[i] = mote_get_word(reader);
    }
    stream->spare = mote_get_real(reader);
    stream->has_spare = mote_get_count(reader, 0, 1);
    (void)mote_get_count(reader, 0, 1);
    stream->tape = NULL; /* a tape belongs to the process that records or replays it */
    mote_get_reals(reader, chain->x, d);
    mote_get_reals(reader, chain->y, d);
    mote_get_reals(reader, chain->direction, d);
    mote_get_reals(reader, chain->theta, sampler->space->theta_count);
    mote_get_reals(reader, chain->derived, sampler->space->derived_count);
    mote_get_reals(reader, chain->basis, chain->basis ? d * d : 0);
}

/* Indices that later steps follow must lie within the frozen survivors. */
static int sound(const mote_sampler *sampler)
{
    int64_t n = sampler->n;
    for (int64_t i = 0; i < n && sampler->clusters; ++i) /* clusters serve the steps: the region has none */
        if (sampler->cluster[i] < 0 || sampler->cluster[i] >= sampler->clusters || sampler->member[i] < 0 ||
            sampler->member[i] >= n)
            return 0;
    for (int64_t c = 0; n > 0 && c < sampler->clusters; ++c)
        if (sampler->first[c] < 0 || sampler->first[c] > sampler->first[c + 1] || sampler->first[c + 1] > n)
            return 0;
    for (int64_t i = 0; i < sampler->max_births; ++i) {
        const mote_birth_chain *chain = mote_birth_chain_at(sampler, i);
        if (chain->kind < 0 || chain->kind >= MOTE_SLICE_KINDS || chain->parent < -1 || chain->parent >= n + (n == 0) ||
            chain->basis_used < 0 || chain->basis_used > sampler->dimension || chain->axis < 0 ||
            chain->axis >= sampler->dimension)
            return 0;
    }
    return 1;
}

int mote_sampler_load(mote_sampler *sampler, mote_reader *reader)
{
    mote_get_tag(reader, "sampler");
    sampler->method = METHODS[mote_get_count(reader, 0, 2)];
    sampler->steps = mote_get_count(reader, 1, INT64_MAX);
    mote_get_reals(reader, sampler->width, MOTE_SLICE_KINDS);
#define GET(name) sampler->name = mote_get_real(reader);
    TUNED(GET)
#undef GET
    load_bound(&sampler->bound, reader);
    sampler->n = mote_get_count(reader, 0, sampler->max_live);
    sampler->threshold = mote_get_real(reader);
    mote_get_reals(reader, sampler->cube, sampler->n * sampler->dimension);
    mote_get_reals(reader, sampler->log_likelihood, sampler->n);
    sampler->clusters = mote_get_count(reader, 0, sampler->max_live);
    mote_get_integers(reader, sampler->cluster, sampler->n);
    mote_get_integers(reader, sampler->member, sampler->n);
    mote_get_integers(reader, sampler->first, sampler->clusters + 1);
    mote_get_tag(reader, "births");
    for (int64_t i = 0; i < sampler->max_births && reader->status == MOTE_OK; ++i)
        load_chain(sampler, mote_birth_chain_at(sampler, i), reader);
    if (reader->status == MOTE_OK && !sound(sampler))
        reader->status = MOTE_ECORRUPT;
    return reader->status;
}
