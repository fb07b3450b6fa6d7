/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sampler: memory, the frozen state of a step, the chains, and what is tuned between steps. See sampler.h for the
 * life cycle, birth.h for what makes a birth right.
 *
 * Tuning looks at counts only, so the same run makes the same choices on any executor:
 *   slice width   log w += g (target - calls per step), for each kind of direction, g falls off for small counts
 *   walk scale    log s += (acceptance - 1/2) / d
 *   auto          region while its calls per birth are below those of the slice, steps * slice_calls; then the slice. In one
 *                 and two dimensions up to four times as many: slices cannot pass between peaks, and bounds soon can
 * Widths keep within fixed ends: fewest calls alone would drive them to 0, where chains stand still. */
#include "nested/sampler.h"

#include <math.h>
#include <string.h>

#include "core/stream_inline.h"
#include "nested/birth.h"

static const double WIDTH_START = 1.6, WIDTH_LEAST = 0.02, WIDTH_MOST = 10;
static const double SCALE_LEAST = 1e-3, SCALE_MOST = 10;
/* A bound serves until X has fallen by so much; in few dimensions a new one costs little and saves calls. */
static const double REBUILD_NATS = 0.5, REBUILD_NATS_LOW = 0.15;
enum { LOW_DIMENSION = 5, PLANE = 2 };
static const double PLANE_PATIENCE = 4;         /* of step = auto: how many times the slice's calls a region may cost there */
static const double REBUILD_CLUSTERS = 2;       /* clusters at least until sd has fallen by e^-1/8, at most this */
static const int64_t MOST_REJECTED = 100000000; /* proposals of one birth outside the joint constraint */

mote_birth_chain *mote_birth_chain_at(const mote_sampler *sampler, int64_t i)
{
    return (mote_birth_chain *)(void *)(sampler->chains + (size_t)i * sampler->chain_size);
}

void mote_birth_move(mote_birth_chain *chain, double log_likelihood, const double *derived)
{
    double *x = chain->x;
    chain->x = chain->y;
    chain->y = x;
    chain->log_likelihood = log_likelihood;
    ++chain->moves;
    size_t count = (size_t)chain->sampler->space->derived_count;
    if (count && derived)
        memcpy(chain->derived, derived, count * sizeof(double));
}

int64_t mote_birth_cluster(mote_birth_chain *chain)
{
    const mote_sampler *sampler = chain->sampler;
    return sampler->clusters > 1 ? sampler->cluster[mote_stream_index_inline(&chain->stream, sampler->n)] : 0;
}

void mote_birth_wrap(const mote_sampler *sampler, double *y)
{
    for (int64_t j = 0; j < sampler->dimension; ++j)
        if (sampler->space->boundary[j] == MOTE_BOUNDARY_PERIODIC)
            y[j] -= floor(y[j]);
}

/* ---- chains ----------------------------------------------------------------------------------------------------- */

static int finish(mote_birth_chain *chain)
{
    int status = mote_space_transform(chain->sampler->space, chain->x, chain->theta);
    return status == MOTE_OK ? MOTE_DONE : status;
}

/* A proposal outside the prior's joint constraint has no likelihood: it is turned down here, without a row. */
static int want(void *opaque, double *theta)
{
    mote_birth_chain *chain = opaque;
    const mote_sampler *sampler = chain->sampler;
    for (;;) {
        int status = sampler->method->propose(chain);
        if (status == MOTE_DONE)
            return finish(chain);
        if (status != MOTE_OK || (status = mote_space_transform(sampler->space, chain->y, theta)) != MOTE_OK)
            return status;
        int inside = mote_space_inside(sampler->space, theta);
        if (inside < 0)
            return inside;
        if (inside > 0) {
            ++chain->calls;
            ++chain->kind_calls[chain->kind];
            return MOTE_OK;
        }
        if (++chain->rejected > MOST_REJECTED)
            return mote_fail(sampler->message, MOTE_EMODEL, "no point inside the joint constraint in %lld proposals",
                             (long long)MOST_REJECTED);
        status = sampler->method->answer(chain, 0, -INFINITY, NULL);
        if (status != MOTE_OK)
            return status == MOTE_DONE ? finish(chain) : status;
    }
}

/* Strictly above: a point on the contour belongs to the part that has died. */
static int take(void *opaque, const mote_row_value *value)
{
    mote_birth_chain *chain = opaque;
    const mote_sampler *sampler = chain->sampler;
    int above = value->reason == 0 && value->log_likelihood > sampler->threshold;
    int status = sampler->method->answer(chain, above, value->log_likelihood, value->derived);
    return status == MOTE_DONE ? finish(chain) : status;
}

static const mote_chain_table CHAIN_TABLE = { want, take };

const mote_chain_table *mote_sampler_table(const mote_sampler *sampler)
{
    (void)sampler;
    return &CHAIN_TABLE;
}

void *mote_sampler_chains(mote_sampler *sampler, size_t *chain_size)
{
    *chain_size = sampler->chain_size;
    return sampler->chains;
}

int mote_sampler_begin(mote_sampler *sampler, int64_t i, uint64_t number)
{
    mote_birth_chain *chain = mote_birth_chain_at(sampler, i), fresh = { .sampler = sampler, .parent = -1 };
    fresh.x = chain->x;
    fresh.y = chain->y;
    fresh.direction = chain->direction;
    fresh.theta = chain->theta;
    fresh.derived = chain->derived;
    fresh.basis = chain->basis;
    fresh.stream = mote_stream_open(&sampler->source, (int64_t)number);
    *chain = fresh;
    sampler->method->begin(chain);
    return MOTE_OK;
}

mote_birth mote_sampler_birth(const mote_sampler *sampler, int64_t i)
{
    const mote_birth_chain *chain = mote_birth_chain_at(sampler, i);
    return (mote_birth){ chain->x, chain->theta, chain->derived, chain->log_likelihood,
                         chain->parent, chain->calls, chain->rejected };
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static const mote_birth_method *first_method(const mote_nested_options *options)
{
    if (options->step == MOTE_STEP_SLICE)
        return &mote_birth_slice;
    return options->step == MOTE_STEP_WALK ? &mote_birth_walk : &mote_birth_region;
}

static int64_t first_steps(const mote_nested_options *options, int64_t d)
{
    if (options->steps > 0)
        return options->steps;
    return options->step == MOTE_STEP_WALK ? 20 + d : 2 * d;
}

/* Deals the chains their vectors out of one block. */
static int open_chains(mote_sampler *sampler)
{
    const mote_space *space = sampler->space;
    int64_t d = space->dimension, basis = sampler->options->direction == MOTE_DIRECTION_WHITENED ? d * d : 0;
    int64_t each = 3 * d + space->theta_count + space->derived_count + basis;
    sampler->chain_size = (sizeof(mote_birth_chain) + 63) / 64 * 64;
    if (sampler->max_births > INT64_MAX / 16 / each)
        return MOTE_ENOMEM;
    sampler->chains = mote_memory_allocate_aligned(sampler->memory, sampler->max_births, sampler->chain_size);
    sampler->storage = mote_memory_allocate(sampler->memory, sampler->max_births * each, sizeof(double));
    if (!sampler->chains || !sampler->storage)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < sampler->max_births; ++i) {
        mote_birth_chain *chain = mote_birth_chain_at(sampler, i);
        chain->sampler = sampler;
        chain->x = sampler->storage + i * each;
        chain->y = chain->x + d;
        chain->direction = chain->y + d;
        chain->theta = chain->direction + d;
        chain->derived = chain->theta + space->theta_count;
        chain->basis = basis ? chain->derived + space->derived_count : NULL;
    }
    return MOTE_OK;
}

static int open_frozen(mote_sampler *sampler)
{
    const mote_memory *memory = sampler->memory;
    int64_t n = sampler->max_live, d = sampler->dimension;
    if (n > INT64_MAX / 16 / d)
        return MOTE_ENOMEM;
    sampler->cube = mote_memory_allocate_aligned(memory, n * d, sizeof(double));
    sampler->log_likelihood = mote_memory_allocate(memory, n, sizeof(double));
    sampler->cluster = mote_memory_allocate(memory, n, sizeof(int64_t));
    sampler->member = mote_memory_allocate(memory, n, sizeof(int64_t));
    sampler->first = mote_memory_allocate(memory, n + 2, sizeof(int64_t));
    if (!sampler->cube || !sampler->log_likelihood || !sampler->cluster || !sampler->member || !sampler->first)
        return MOTE_ENOMEM;
    return mote_bound_open(&sampler->bound, sampler->space->boundary, d, n, memory);
}

int mote_sampler_open(mote_sampler **out, const mote_space *space, const mote_nested_options *options,
                      int64_t max_live, int64_t max_births, const mote_memory *memory, mote_message *message)
{
    mote_sampler *sampler = mote_memory_allocate(memory, 1, sizeof *sampler);
    *out = sampler;
    if (!sampler)
        return mote_fail(message, MOTE_ENOMEM, "out of memory for the sampler");
    sampler->space = space;
    sampler->options = options;
    sampler->memory = memory;
    sampler->message = message;
    sampler->dimension = space->dimension;
    sampler->max_live = max_live;
    sampler->max_births = max_births;
    sampler->method = first_method(options);
    sampler->steps = first_steps(options, space->dimension);
    sampler->scale = 1;
    for (int k = 0; k < MOTE_SLICE_KINDS; ++k)
        sampler->width[k] = WIDTH_START;
    for (int64_t j = 0; j < space->dimension; ++j)
        sampler->periodic += space->boundary[j] == MOTE_BOUNDARY_PERIODIC;
    if (open_frozen(sampler) != MOTE_OK || open_chains(sampler) != MOTE_OK) {
        mote_sampler_close(out);
        return mote_fail(message, MOTE_ENOMEM, "out of memory for the sampler of %lld live points",
                         (long long)max_live);
    }
    return MOTE_OK;
}

void mote_sampler_close(mote_sampler **out)
{
    mote_sampler *sampler = *out;
    if (!sampler)
        return;
    const mote_memory *memory = sampler->memory;
    mote_bound_close(&sampler->bound, memory);
    mote_memory_release_aligned(memory, sampler->cube);
    mote_memory_release(memory, sampler->log_likelihood);
    mote_memory_release(memory, sampler->cluster);
    mote_memory_release(memory, sampler->member);
    mote_memory_release(memory, sampler->first);
    mote_memory_release_aligned(memory, sampler->chains);
    mote_memory_release(memory, sampler->storage);
    mote_memory_release(memory, sampler);
    *out = NULL;
}

/* ---- freezing --------------------------------------------------------------------------------------------------- */

static int uses_region(const mote_sampler *sampler)
{
    return sampler->method == &mote_birth_region;
}

static int bound_is_due(const mote_sampler *sampler, double log_volume)
{
    const mote_bound *bound = &sampler->bound;
    double nats = sampler->dimension <= LOW_DIMENSION ? REBUILD_NATS_LOW : REBUILD_NATS;
    if (!uses_region(sampler))
        nats = fmin(fmax(REBUILD_NATS, 0.125 * (double)sampler->dimension), REBUILD_CLUSTERS);
    if (!bound->built || !(log_volume > bound->log_prior_volume - nats))
        return 1;
    double usual = sampler->region_births > 0 ? sampler->region_calls / sampler->region_births : INFINITY;
    return uses_region(sampler) && sampler->first_cost > 0 &&
           sampler->last_cost > 2 * fmin(sampler->first_cost, usual);
}

/* Each survivor to its nearest part, by distance and volume; then the survivors in the order of their clusters. */
static void assign_clusters(mote_sampler *sampler)
{
    const mote_bound *bound = &sampler->bound;
    int64_t d = sampler->dimension, count = bound->parts.count, *first = sampler->first;
    sampler->clusters = count > 1 ? count : 1;
    memset(first, 0, (size_t)(sampler->clusters + 1) * sizeof(int64_t));
    for (int64_t i = 0; i < sampler->n; ++i) {
        double nearest = INFINITY;
        sampler->cluster[i] = 0;
        for (int64_t k = 0; count > 1 && k < count; ++k) {
            double distance = mote_bound_distance(bound, k, sampler->cube + i * d, bound->vector, bound->vector + d);
            if (distance < nearest) {
                nearest = distance;
                sampler->cluster[i] = k;
            }
        }
        ++first[sampler->cluster[i] + 1];
    }
    for (int64_t k = 0; k < sampler->clusters; ++k)
        first[k + 1] += first[k];
    for (int64_t i = sampler->n - 1; i >= 0; --i)
        sampler->member[--first[sampler->cluster[i] + 1]] = i;
    /* each entry now stands one place early: first[c + 1] is the start of cluster c */
    memmove(first, first + 1, (size_t)sampler->clusters * sizeof(int64_t));
    first[sampler->clusters] = sampler->n;
}

int mote_sampler_freeze(mote_sampler *sampler, const double *cube, const double *log_likelihood, int64_t n,
                        double threshold, double log_volume, const mote_source *source, int64_t step)
{
    if (n < 2 || n > sampler->max_live)
        return mote_fail(sampler->message, MOTE_EINTERNAL, "sampler: %lld survivors", (long long)n);
    sampler->n = n;
    sampler->threshold = threshold;
    sampler->source = mote_source_at(source, MOTE_PURPOSE_BIRTH, 0, 0);
    memcpy(sampler->cube, cube, (size_t)(n * sampler->dimension) * sizeof(double));
    memcpy(sampler->log_likelihood, log_likelihood, (size_t)n * sizeof(double));
    if (bound_is_due(sampler, log_volume)) {
        mote_source at = mote_source_at(source, MOTE_PURPOSE_BOUND, 0, 0);
        mote_bound_plan plan = { .cube = sampler->cube, .n = n, .log_prior_volume = log_volume,
                                 .efficiency = sampler->options->efficiency,
                                 .rounds = uses_region(sampler) ? sampler->options->bootstrap_rounds : 0,
                                 .clusters_only = !uses_region(sampler), .stream = mote_stream_open(&at, step) };
        mote_bound_build(&sampler->bound, &plan);
        sampler->first_cost = sampler->last_cost = 0;
    }
    sampler->clusters = 0;
    if (!uses_region(sampler))
        assign_clusters(sampler);
    return MOTE_OK;
}

/* ---- tuning ----------------------------------------------------------------------------------------------------- */

static void adapt_widths(mote_sampler *sampler, int64_t n)
{
    for (int k = 0; k < MOTE_SLICE_KINDS; ++k) {
        double calls = 0, steps = 0;
        for (int64_t i = 0; i < n; ++i) {
            const mote_birth_chain *chain = mote_birth_chain_at(sampler, i);
            calls += (double)chain->kind_calls[k];
            steps += (double)chain->kind_steps[k];
        }
        if (steps == 0)
            continue;
        double gain = 0.5 * steps / (steps + 50), change = gain * (sampler->options->slice_calls - calls / steps);
        double width = sampler->width[k] * exp(fmin(fmax(change, -0.3), 0.3));
        sampler->width[k] = fmin(fmax(width, WIDTH_LEAST), WIDTH_MOST);
    }
}

static void adapt_scale(mote_sampler *sampler, int64_t n)
{
    double moves = 0, steps = 0;
    for (int64_t i = 0; i < n; ++i) {
        moves += (double)mote_birth_chain_at(sampler, i)->moves;
        steps += (double)mote_birth_chain_at(sampler, i)->step;
    }
    if (steps > 0)
        sampler->scale *= exp((moves / steps - 0.5) / (double)sampler->dimension);
    sampler->scale = fmin(fmax(sampler->scale, SCALE_LEAST), SCALE_MOST);
}

static void choose_method(mote_sampler *sampler, double calls, double births)
{
    double fade = exp(-births / (0.5 * (double)sampler->n + 1));
    sampler->region_calls = sampler->region_calls * fade + calls;
    sampler->region_births = sampler->region_births * fade + births;
    sampler->last_cost = calls / births;
    if (sampler->first_cost == 0)
        sampler->first_cost = sampler->last_cost;
    double limit = (double)sampler->steps * sampler->options->slice_calls * (sampler->dimension <= PLANE ? PLANE_PATIENCE : 1);
    if (sampler->options->step == MOTE_STEP_AUTO && sampler->region_calls > limit * sampler->region_births)
        mote_sampler_switch(sampler);
}

void mote_sampler_adapt(mote_sampler *sampler, int64_t n)
{
    double calls = 0;
    for (int64_t i = 0; i < n; ++i) {
        calls += (double)mote_birth_chain_at(sampler, i)->calls;
        sampler->collapsed += (double)mote_birth_chain_at(sampler, i)->collapsed;
    }
    if (n <= 0)
        return;
    if (sampler->method == &mote_birth_slice)
        adapt_widths(sampler, n);
    else if (sampler->method == &mote_birth_walk)
        adapt_scale(sampler, n);
    else
        choose_method(sampler, calls, (double)n);
}

void mote_sampler_double_steps(mote_sampler *sampler)
{
    if (sampler->steps < INT64_MAX / 64)
        sampler->steps *= 2;
}

int mote_sampler_switch(mote_sampler *sampler)
{
    if (!uses_region(sampler))
        return 0;
    sampler->method = &mote_birth_slice;
    sampler->bound.built = 0; /* the next freeze makes clusters instead */
    return 1;
}

int64_t mote_sampler_steps(const mote_sampler *sampler)
{
    return uses_region(sampler) ? 0 : sampler->steps;
}

int64_t mote_sampler_uses_steps(const mote_sampler *sampler)
{
    return !uses_region(sampler);
}
