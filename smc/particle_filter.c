/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening, starting and storing a particle filter; the step is in particle_step.c. */
#include "smc/particle_filter.h"

#include <math.h>
#include <string.h>

#include "core/vector.h"
#include "smc/particle_parts.h"

/* ---- memory ---- */

static double **open_columns(const mote_memory *memory, int64_t columns, int64_t n)
{
    const int64_t stride = mote_blocks(n) * MOTE_BLOCK;
    double **pointers = mote_memory_allocate(memory, columns, sizeof *pointers);
    double *values = pointers ? mote_memory_allocate_aligned(memory, columns * stride, sizeof *values) : NULL;
    for (int64_t k = 0; values && k < columns; ++k)
        pointers[k] = values + k * stride;
    if (values)
        return pointers;
    mote_memory_release(memory, pointers);
    return NULL;
}

static void close_columns(const mote_memory *memory, double **columns)
{
    if (columns)
        mote_memory_release_aligned(memory, columns[0]);
    mote_memory_release(memory, columns);
}

static int open_population(mote_population *population, const mote_memory *memory, int64_t columns, int64_t n)
{
    double **blocks[] = { &population->block_maximum, &population->block_sum, &population->block_square,
                          &population->factor };
    int missing = !(population->state = open_columns(memory, columns, n));
    missing |= !(population->log_weight = mote_memory_allocate_aligned(memory, mote_blocks(n) * MOTE_BLOCK,
                                                                       sizeof(double)));
    missing |= !(population->weight = mote_memory_allocate_aligned(memory, mote_blocks(n) * MOTE_BLOCK,
                                                                   sizeof(double)));
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        missing |= !(*blocks[i] = mote_memory_allocate(memory, mote_blocks(n), sizeof(double)));
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

static void close_population(mote_population *population, const mote_memory *memory)
{
    void *blocks[] = { population->block_maximum, population->block_sum, population->block_square, population->factor };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
    close_columns(memory, population->state);
    mote_memory_release_aligned(memory, population->log_weight);
    mote_memory_release_aligned(memory, population->weight);
    memset(population, 0, sizeof *population);
}

static int64_t threads_of(const mote_particle_filter *filter)
{
    return filter->pool ? mote_pool_threads(filter->pool) : 1;
}

static int open_scratch(mote_particle_filter *filter)
{
    const mote_ssm *model = &filter->space->model;
    const int64_t threads = threads_of(filter), d = model->state_count;
    const int64_t span = model->fork ? filter->setup.particles : MOTE_BLOCK;
    filter->scratch = mote_memory_allocate(filter->memory, threads, sizeof *filter->scratch);
    if (!filter->scratch)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < threads; ++i) {
        mote_filter_scratch *s = &filter->scratch[i];
        s->gathered = open_columns(filter->memory, d, span);
        s->increment = open_columns(filter->memory, 2, span);
        s->previous = mote_memory_allocate(filter->memory, d, sizeof *s->previous);
        s->state = mote_memory_allocate(filter->memory, d, sizeof *s->state);
        s->uniform = mote_memory_allocate(filter->memory, d, sizeof *s->uniform);
        s->edges = mote_memory_allocate(filter->memory, 1, sizeof *s->edges);
        if (!s->gathered || !s->increment || !s->previous || !s->state || !s->uniform || !s->edges)
            return MOTE_ENOMEM;
    }
    return MOTE_OK;
}

static void close_scratch(mote_particle_filter *filter)
{
    for (int64_t i = 0; filter->scratch && i < threads_of(filter); ++i) {
        mote_filter_scratch *s = &filter->scratch[i];
        close_columns(filter->memory, s->gathered);
        close_columns(filter->memory, s->increment);
        mote_memory_release(filter->memory, (void *)s->previous);
        mote_memory_release(filter->memory, s->state);
        mote_memory_release(filter->memory, (void *)s->uniform);
        mote_memory_release(filter->memory, s->edges);
    }
    mote_memory_release(filter->memory, filter->scratch);
}

static int open_memory(mote_particle_filter *filter)
{
    const mote_memory *memory = filter->memory;
    const int64_t n = filter->setup.particles, p = filter->space->space.theta_count;
    int missing = open_population(&filter->populations[0], memory, filter->space->model.state_count, n);
    missing |= open_population(&filter->populations[1], memory, filter->space->model.state_count, n);
    for (int k = 0; k < 2; ++k)
        missing |= !(filter->draws[k] = mote_memory_allocate(memory, mote_blocks(n) * MOTE_BLOCK, sizeof(int32_t)));
    missing |= !(filter->identity = mote_memory_allocate(memory, n, sizeof *filter->identity));
    missing |= !(filter->offset = mote_memory_allocate(memory, n, sizeof *filter->offset));
    missing |= !(filter->theta = mote_memory_allocate(memory, p, sizeof *filter->theta));
    missing |= !(filter->parameter = mote_memory_allocate(memory, p, sizeof *filter->parameter));
    missing |= !(filter->cache = mote_memory_allocate_aligned(memory, filter->space->model.cache_size, 1));
    missing |= !(filter->block_status = mote_memory_allocate(memory, mote_blocks(n), sizeof(int64_t)));
    missing |= !(filter->block_failed = mote_memory_allocate(memory, mote_blocks(n), sizeof(int64_t)));
    missing = missing || open_scratch(filter);
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

/* ---- life ---- */

/* With points of a net, particles are made by the inverse maps and from nothing else. */
static int check_quasi(const mote_particle_filter *filter)
{
    const mote_filter_setup *s = &filter->setup;
    const char *other = s->guided ? "proposal = guided" : s->look_ahead ? "look_ahead = on"
                        : filter->space->model.flags & MOTE_SSM_START_BEFORE ? "MOTE_SSM_START_BEFORE"
                        : filter->space->model.fork ? "opaque states" : NULL;
    if (other)
        return mote_fail(filter->message, MOTE_EUNSUPPORTED, "option points = sobol does not go with %s", other);
    if (s->resampling != MOTE_RESAMPLE_SYSTEMATIC || s->rule == MOTE_RULE_NEVER)
        return mote_fail(filter->message, MOTE_EUNSUPPORTED,
                         "option points = sobol resamples at every step by the points: "
                         "option %s has no meaning", s->rule == MOTE_RULE_NEVER ? "resample = never" : "resampling");
    int status = mote_state_space_needs(filter->space, MOTE_CAPABILITY_INITIAL_MAP, "option points = sobol",
                                        filter->message);
    return status ? status : mote_state_space_needs(filter->space, MOTE_CAPABILITY_TRANSITION_MAP,
                                                    "option points = sobol", filter->message);
}

static int check_setup(const mote_particle_filter *filter)
{
    const mote_filter_setup *s = &filter->setup;
    static const int64_t guided[] = { MOTE_CAPABILITY_PROPOSE, MOTE_CAPABILITY_LOG_PROPOSE,
                                      MOTE_CAPABILITY_LOG_TRANSITION };
    if (s->particles < 1 || s->particles > INT32_MAX - MOTE_BLOCK)
        return mote_fail(filter->message, MOTE_EOPTION, "option particles = %lld is not between 1 and %d",
                         (long long)s->particles, INT32_MAX - MOTE_BLOCK);
    for (size_t i = 0; s->guided && i < sizeof guided / sizeof *guided; ++i) {
        const int status = mote_state_space_needs(filter->space, guided[i], "option proposal = guided",
                                                  filter->message);
        if (status)
            return status;
    }
    const mote_ssm *model = &filter->space->model;
    if (s->guided && model->propose_initial && (!model->log_propose_initial || !model->log_initial))
        return mote_fail(filter->message, MOTE_EUNSUPPORTED,
                         "option proposal = guided needs log_propose_initial and log_initial "
                         "with propose_initial, which the model '%s' lacks", model->name ? model->name : "model");
    if (s->guided && model->fork)
        return mote_fail(filter->message, MOTE_EUNSUPPORTED,
                         "option proposal = guided does not go with opaque states, which leave "
                         "no previous state behind: those of the model '%s'", model->name ? model->name : "model");
    int status = s->look_ahead ? mote_state_space_needs(filter->space, MOTE_CAPABILITY_LOOK_AHEAD,
                                                        "option look_ahead = on", filter->message) : MOTE_OK;
    return !status && s->quasi ? check_quasi(filter) : status;
}

int mote_particle_filter_open(mote_particle_filter *filter, const mote_state_space *space,
                              const mote_filter_setup *setup,
                              const mote_memory *memory, mote_pool *pool, mote_message *message)
{
    memset(filter, 0, sizeof *filter);
    filter->space = space;
    filter->setup = *setup;
    filter->memory = memory;
    filter->message = message;
    filter->pool = space->model.flags & MOTE_SSM_THREADSAFE ? pool : NULL;
    int status = check_setup(filter);
    if (!status)
        status = open_memory(filter);
    if (!status)
        status = mote_resampler_open(&filter->resampler, setup->resampling, setup->particles, memory, filter->pool,
                                     message);
    if (!status && setup->quasi)
        status = mote_quasi_open(&filter->quasi, setup->particles, space->model.state_count, memory, message);
    if (!status && setup->sorted && !setup->quasi)
        status = mote_quasi_open_curve(&filter->quasi, setup->particles, space->model.state_count, memory, message);
    if (status == MOTE_ENOMEM)
        mote_fail(message, status, "no memory for %lld particles of %lld coordinates", (long long)setup->particles,
                  (long long)space->model.state_count);
    if (status) {
        mote_particle_filter_close(filter);
        return status;
    }
    for (int64_t i = 0; i < setup->particles; ++i)
        filter->identity[i] = (int32_t)i;
    for (int64_t p = 0; p < space->space.theta_count; ++p)
        filter->parameter[p] = &filter->theta[p];
    return MOTE_OK;
}

/* Opaque states: gives up what the filter holds. */
static void drop_handles(mote_particle_filter *filter)
{
    if (filter->handles)
        filter->space->model.drop(filter->space->model.ctx, filter->handles, filter->setup.particles);
    filter->handles = NULL;
}

void mote_particle_filter_close(mote_particle_filter *filter)
{
    const mote_memory *memory = filter->memory;
    if (!memory)
        return;
    drop_handles(filter);
    mote_resampler_close(&filter->resampler);
    mote_quasi_close(&filter->quasi, memory);
    close_scratch(filter);
    close_population(&filter->populations[0], memory);
    close_population(&filter->populations[1], memory);
    mote_memory_release_aligned(memory, filter->cache);
    void *blocks[] = { filter->draws[0], filter->draws[1], filter->identity, filter->offset, filter->theta,
                       (void *)filter->parameter, filter->block_status, filter->block_failed };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
    memset(filter, 0, sizeof *filter);
}

void mote_particle_filter_add(mote_particle_filter *filter, mote_collector *collector)
{
    mote_collector **end = &filter->collectors;
    while (*end)
        end = &(*end)->next;
    collector->next = NULL;
    *end = collector;
}

static int prepare(mote_particle_filter *filter)
{
    const mote_ssm *model = &filter->space->model;
    if (!model->prepare)
        return MOTE_OK;
    memset(filter->cache, 0, (size_t)model->cache_size);
    const int status = model->prepare(model->ctx, filter->theta, filter->cache);
    return status > 0 ? mote_fail(filter->message, MOTE_EMODEL, "prepare of the model '%s' failed with %d",
                                  mote_state_space_name(filter->space), status)
           : status < 0 ? mote_fail(filter->message, status, "prepare of the model '%s' asked to stop with code %d",
                                    mote_state_space_name(filter->space), status) : MOTE_OK;
}

int mote_particle_filter_start(mote_particle_filter *filter, const double *theta, const mote_source *source)
{
    drop_handles(filter);
    filter->source = *source;
    memcpy(filter->theta, theta, (size_t)filter->space->space.theta_count * sizeof *theta);
    filter->step = filter->resampled = filter->resamplings = filter->dead = filter->potentials = 0;
    filter->log_evidence = filter->increment = 0;
    filter->time = filter->time_previous = filter->space->model.initial_time;
    filter->now = &filter->populations[0];
    filter->before = &filter->populations[1];
    filter->ancestor = filter->identity;
    filter->drawn = filter->draws[0];
    filter->reference = (mote_filter_reference){ .ancestor = -1 };
    int status = prepare(filter);
    for (mote_collector *c = filter->collectors; c && !status; c = c->next)
        status = c->table->start ? c->table->start(c, filter) : MOTE_OK;
    return status;
}

int mote_particle_filter_run(mote_particle_filter *filter, const double *theta, const mote_source *source,
                             mote_datum *datum, double *log_evidence)
{
    int status = mote_particle_filter_start(filter, theta, source);
    for (int64_t t = 0; !status && t < filter->space->series.count && !filter->dead; ++t) {
        mote_datum_from_series(datum, filter->space, t);
        status = mote_particle_filter_step(filter, datum);
    }
    *log_evidence = status ? NAN : filter->log_evidence;
    return status;
}

/* ---- checkpoints ---- */

int mote_particle_filter_can_save(const mote_particle_filter *filter)
{
    if (!filter->space->model.fork)
        return MOTE_OK;
    if (filter->step && filter->handles != filter->now->state[0])
        return mote_fail(filter->message, MOTE_ESTATE, "a step that failed has used up the opaque states of the model "
                         "'%s': there is nothing to save", mote_state_space_name(filter->space));
    return mote_state_space_needs(filter->space, MOTE_CAPABILITY_PACK, "a checkpoint of opaque states",
                                  filter->message);
}

/* Size and bytes of each particle's object. */
static void pack_handles(const mote_particle_filter *filter, mote_writer *writer)
{
    const mote_ssm *model = &filter->space->model;
    for (int64_t i = 0; i < filter->setup.particles && !writer->status; ++i) {
        const double handle = filter->now->state[0][i];
        const int64_t size = model->pack ? model->pack(model->ctx, handle, NULL, 0) : 0;
        void *bytes = mote_memory_allocate(filter->memory, size, 1);
        if (bytes && size > 0)
            model->pack(model->ctx, handle, bytes, size);
        if (!bytes)
            writer->status = MOTE_ENOMEM;
        else
            mote_put_bytes(writer, bytes, size);
        mote_memory_release(filter->memory, bytes);
    }
}

static int unpack_handles(mote_particle_filter *filter, mote_reader *reader)
{
    const mote_ssm *model = &filter->space->model;
    int status = mote_state_space_needs(filter->space, MOTE_CAPABILITY_PACK, "a checkpoint of opaque states",
                                        filter->message);
    drop_handles(filter);
    for (int64_t i = 0; i < filter->setup.particles && !status; ++i) {
        int64_t size;
        const void *bytes = mote_get_bytes(reader, &size);
        status = reader->status ? reader->status : model->unpack(model->ctx, bytes, size, &filter->now->state[0][i]);
        status = status > 0 && !reader->status ? MOTE_EMODEL : status;
        if (status && i)
            model->drop(model->ctx, filter->now->state[0], i);
    }
    filter->handles = status ? NULL : filter->now->state[0];
    return status;
}

void mote_particle_filter_save(const mote_particle_filter *filter, mote_writer *writer)
{
    const int64_t n = filter->setup.particles;
    mote_put_tag(writer, "particle filter");
    mote_put_reals(writer, filter->theta, filter->space->space.theta_count);
    mote_put_word(writer, filter->source.key);
    mote_put_integer(writer, filter->step);
    mote_put_integer(writer, filter->resampled);
    mote_put_integer(writer, filter->resamplings);
    mote_put_integer(writer, filter->dead);
    mote_put_integer(writer, filter->potentials);
    mote_put_real(writer, filter->time);
    mote_put_real(writer, filter->time_previous);
    mote_put_real(writer, filter->log_evidence);
    mote_put_real(writer, filter->increment);
    mote_put_integer(writer, filter->reference.slot);
    const int opaque = filter->space->model.fork != NULL;
    if (filter->step && opaque)
        pack_handles(filter, writer);
    for (int64_t k = opaque; filter->step && k < filter->space->model.state_count; ++k)
        mote_put_reals(writer, filter->now->state[k], n);
    if (filter->step)
        mote_put_reals(writer, filter->now->log_weight, n);
    for (int64_t i = 0; filter->resampled && i < n; ++i)
        mote_put_integer(writer, filter->ancestor[i]);
    for (const mote_collector *c = filter->collectors; c; c = c->next)
        if (c->table->save) {
            mote_put_tag(writer, c->table->name);
            c->table->save(c, writer);
        }
}

static int load_population(mote_particle_filter *filter, mote_reader *reader)
{
    const int64_t n = filter->setup.particles;
    const int opaque = filter->space->model.fork != NULL;
    const int status = filter->step && opaque ? unpack_handles(filter, reader) : MOTE_OK;
    if (status)
        return status;
    for (int64_t k = opaque; filter->step && k < filter->space->model.state_count; ++k)
        mote_get_reals(reader, filter->now->state[k], n);
    if (filter->step)
        mote_get_reals(reader, filter->now->log_weight, n);
    for (int64_t i = 0; filter->resampled && i < n; ++i)
        filter->drawn[i] = (int32_t)mote_get_count(reader, 0, n - 1);
    filter->ancestor = filter->resampled ? filter->drawn : filter->identity;
    if (filter->step && !reader->status && mote_population_weigh(filter->now, n))
        reader->status = MOTE_ECORRUPT;
    return reader->status;
}

int mote_particle_filter_load(mote_particle_filter *filter, mote_reader *reader)
{
    mote_get_tag(reader, "particle filter");
    mote_get_reals(reader, filter->theta, filter->space->space.theta_count);
    filter->source.key = mote_get_word(reader);
    filter->step = mote_get_count(reader, 0, filter->space->has_series ? filter->space->series.count : MOTE_MOST_COUNT);
    filter->resampled = mote_get_count(reader, 0, filter->step > 1);
    filter->resamplings = mote_get_count(reader, 0, filter->step);
    filter->dead = mote_get_count(reader, 0, filter->step);
    filter->potentials = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    filter->time = mote_get_real(reader);
    filter->time_previous = mote_get_real(reader);
    filter->log_evidence = mote_get_real(reader);
    filter->increment = mote_get_real(reader);
    filter->reference.slot = mote_get_count(reader, 0, filter->setup.particles - 1);
    int status = load_population(filter, reader);
    if (!status)
        status = prepare(filter);
    for (mote_collector *c = filter->collectors; c && !status; c = c->next)
        if (c->table->load) {
            mote_get_tag(reader, c->table->name);
            status = c->table->load(c, reader);
        }
    return status ? status : reader->status;
}
