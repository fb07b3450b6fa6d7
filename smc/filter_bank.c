/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/filter_bank.h"

#include <math.h>
#include <string.h>

#include "core/vector.h"
#include "smc/filter_bank_parts.h"
#include "smc/particle_parts.h"

/* ---- life ---- */

static int open_weights(mote_population *weights, int64_t n, const mote_memory *memory)
{
    double **blocks[] = { &weights->block_maximum, &weights->block_sum, &weights->block_square, &weights->factor };
    int missing = !(weights->log_weight = mote_memory_allocate_aligned(memory, n, sizeof(double)));
    missing |= !(weights->weight = mote_memory_allocate_aligned(memory, n, sizeof(double)));
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        missing |= !(*blocks[i] = mote_memory_allocate(memory, mote_blocks(n), sizeof(double)));
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

static int open_members(mote_filter_bank *bank)
{
    const mote_memory *memory = bank->memory;
    const int64_t all = bank->n + bank->spares, p = bank->space->space.theta_count;
    int missing = !(bank->theta = mote_memory_allocate(memory, all * p, sizeof(double)));
    missing |= !(bank->theta_scratch = mote_memory_allocate(memory, bank->n * p, sizeof(double)));
    missing |= !(bank->member = mote_memory_allocate(memory, all, sizeof *bank->member));
    missing |= !(bank->scratch = mote_memory_allocate(memory, bank->n, sizeof *bank->scratch));
    missing |= !(bank->ancestor = mote_memory_allocate(memory, mote_blocks(bank->n) * MOTE_BLOCK,
                                                       sizeof *bank->ancestor));
    missing |= !(bank->work = mote_memory_allocate(memory, all, sizeof *bank->work));
    missing |= !(bank->status = mote_memory_allocate(memory, all, sizeof *bank->status));
    for (int64_t i = 0; bank->member && i < all; ++i)
        bank->member[i] = (mote_bank_member){ .population = -1, .cache = -1 };
    return missing ? MOTE_ENOMEM : open_weights(&bank->weights, bank->n, memory);
}

/* One cache to a member, and to a worker whose fresh filter has not yet replaced anything. */
static int open_caches(mote_filter_bank *bank)
{
    const mote_ssm *model = &bank->space->model;
    const int64_t count = model->prepare ? bank->n + bank->spares + bank->room.workers : 0;
    bank->cache_stride = (model->cache_size + 64) / 64 * 64;
    bank->cache = mote_memory_allocate_aligned(bank->memory, count, (size_t)bank->cache_stride);
    return bank->cache ? mote_bank_stores_open(&bank->caches, count, bank->memory) : MOTE_ENOMEM;
}

int mote_filter_bank_open(mote_filter_bank *bank, const mote_state_space *space, const mote_filter_setup *setup,
                          int64_t n,
                          int64_t spares, const mote_source *source, const mote_memory *memory, mote_pool *pool,
                          mote_message *message)
{
    memset(bank, 0, sizeof *bank);
    if (space->model.fork)
        return mote_fail(message, MOTE_EUNSUPPORTED, "a bank of filters stores states as numbers: those of the model "
                         "'%s' are handles", space->model.name ? space->model.name : "model");
    bank->space = space;
    bank->setup = *setup;
    bank->memory = memory;
    bank->message = message;
    bank->pool = space->model.flags & MOTE_SSM_THREADSAFE && !source->ctx ? pool : NULL;
    bank->source = *source;
    bank->n = n;
    bank->spares = spares;
    bank->locked = !pthread_mutex_init(&bank->lock, NULL);
    int status = bank->locked ? mote_bank_room_open(&bank->room, bank, setup->particles) : MOTE_ENOMEM;
    if (!status)
        status = open_members(bank);
    if (!status)
        status = open_caches(bank);
    if (!status)
        status = mote_resampler_open(&bank->resampler, MOTE_RESAMPLE_SYSTEMATIC, n, memory, NULL, message);
    if (status == MOTE_ENOMEM)
        mote_fail(message, status, "no memory for %lld filters of %lld particles", (long long)n,
                  (long long)setup->particles);
    if (status)
        mote_filter_bank_close(bank);
    else
        mote_filter_bank_start(bank);
    return status;
}

void mote_filter_bank_close(mote_filter_bank *bank)
{
    const mote_memory *memory = bank->memory;
    if (!memory)
        return;
    mote_population *w = &bank->weights;
    void *blocks[] = { bank->theta, bank->theta_scratch, bank->member, bank->scratch, bank->ancestor, bank->work,
                       bank->status, w->block_maximum, w->block_sum, w->block_square, w->factor };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
    mote_memory_release_aligned(memory, w->log_weight);
    mote_memory_release_aligned(memory, w->weight);
    mote_memory_release_aligned(memory, bank->cache);
    mote_bank_stores_close(&bank->caches, memory);
    mote_resampler_close(&bank->resampler);
    mote_bank_room_close(&bank->room, bank);
    if (bank->locked)
        pthread_mutex_destroy(&bank->lock);
    memset(bank, 0, sizeof *bank);
}

/* ---- members ---- */

static uint64_t key_of(const mote_filter_bank *bank, int64_t id)
{
    return mote_source_child_key(bank->source.key, MOTE_PURPOSE_FILTER, (uint64_t)id);
}

/* The member's filter is forgotten; what its weight holds is not. */
static void empty(mote_filter_bank *bank, mote_bank_member *member)
{
    mote_bank_release(bank, &bank->room.stores, member->population);
    mote_bank_release(bank, &bank->caches, member->cache);
    *member = (mote_bank_member){ .population = -1, .cache = -1, .weighed = member->weighed };
}

static void equal_weights(mote_filter_bank *bank)
{
    memset(bank->weights.log_weight, 0, (size_t)bank->n * sizeof(double));
    mote_population_weigh(&bank->weights, bank->n);
}

void mote_filter_bank_start(mote_filter_bank *bank)
{
    bank->ids = bank->step = 0;
    bank->log_evidence = bank->increment = 0;
    for (int64_t i = 0; i < bank->n + bank->spares; ++i) {
        empty(bank, &bank->member[i]);
        bank->member[i].weighed = 0;
        bank->member[i].key = key_of(bank, bank->ids);
        bank->ids += i < bank->n;
    }
    equal_weights(bank);
}

double *mote_filter_bank_theta(const mote_filter_bank *bank, int64_t i)
{
    return bank->theta + i * bank->space->space.theta_count;
}

void mote_filter_bank_begin(mote_filter_bank *bank, int64_t i, int64_t id)
{
    empty(bank, &bank->member[i]);
    bank->member[i].key = key_of(bank, id);
}

void mote_filter_bank_forget(mote_filter_bank *bank)
{
    for (int64_t i = bank->n; i < bank->n + bank->spares; ++i)
        empty(bank, &bank->member[i]);
}

const mote_population *mote_filter_bank_population(const mote_filter_bank *bank, int64_t i)
{
    const int64_t store = bank->member[i].population;
    return store < 0 ? NULL : &bank->room.population[store];
}

void mote_filter_bank_replace(mote_filter_bank *bank, int64_t i, int64_t j)
{
    mote_bank_member *member = &bank->member[i], *spare = &bank->member[j];
    const mote_bank_member before = *member;
    *member = *spare;
    member->weighed = member->log_evidence;
    *spare = before;
    memcpy(mote_filter_bank_theta(bank, i), mote_filter_bank_theta(bank, j), (size_t)bank->space->space.theta_count *
           sizeof(double));
    empty(bank, spare);
}

/* ---- filters at work ---- */

int mote_bank_prepare(const mote_filter_bank *bank, int64_t i)
{
    const mote_ssm *model = &bank->space->model;
    void *cache = mote_bank_cache(bank, bank->member[i].cache);
    memset(cache, 0, (size_t)model->cache_size);
    const int status = model->prepare(model->ctx, mote_filter_bank_theta(bank, i), cache);
    return status > 0 ? MOTE_EMODEL : status;
}

/* The worker's filter as the member left it, about to step into store `other`. */
static void attach(const mote_filter_bank *bank, mote_bank_worker *worker, int64_t i, int64_t other)
{
    const mote_bank_member *member = &bank->member[i];
    const mote_state_space *space = bank->space;
    mote_particle_filter *filter = &worker->filter;
    filter->populations[0] = bank->room.population[member->population];
    filter->populations[1] = bank->room.population[other];
    filter->now = &filter->populations[0];
    filter->before = &filter->populations[1];
    filter->cache = member->cache < 0 ? worker->own_cache : mote_bank_cache(bank, member->cache);
    filter->source = bank->source;
    filter->source.key = member->key;
    memcpy(filter->theta, mote_filter_bank_theta(bank, i), (size_t)space->space.theta_count * sizeof(double));
    filter->step = member->step;
    filter->time = filter->time_previous = member->step ? space->series.time[member->step - 1]
        : space->model.initial_time;
    filter->ancestor = filter->identity;
    filter->drawn = filter->draws[0];
    filter->resampled = filter->resamplings = filter->tilted = 0;
    filter->log_evidence = member->log_evidence;
    filter->increment = 0;
    filter->dead = 0;
    filter->potentials = 0;
    filter->reference = (mote_filter_reference){ .ancestor = -1 };
}

/* A fresh filter: a store to begin in, and its cache. */
static int begin(mote_filter_bank *bank, int64_t i)
{
    mote_bank_member *member = &bank->member[i];
    member->population = mote_bank_take(bank, &bank->room.stores);
    if (!bank->space->model.prepare)
        return MOTE_OK;
    member->cache = mote_bank_take(bank, &bank->caches);
    return mote_bank_prepare(bank, i);
}

static void bury(mote_filter_bank *bank, mote_bank_member *member)
{
    member->failed = 1;
    member->dead = member->step + 1;
    member->log_evidence = -INFINITY;
    member->step = bank->step;
}

/* After the worker's steps: the member has one of the two stores, the other is released. */
static void detach(mote_filter_bank *bank, mote_bank_worker *worker, mote_bank_member *member, int64_t other)
{
    const mote_particle_filter *filter = &worker->filter;
    const int moved = filter->now == &filter->populations[1];
    const int64_t left = moved ? member->population : other;
    member->population = moved ? other : member->population;
    bank->room.population[member->population] = *filter->now;
    mote_bank_release(bank, &bank->room.stores, left);
    member->step = filter->step;
    member->log_evidence = filter->log_evidence;
    member->dead = filter->dead;
    worker->potentials += filter->potentials;
}

/* One member to bank->step. A store that others read is only ever stepped from, since a second step would write to it:
 * so one step is made from a store that was kept, and any number from fresh ones. */
static int advance(mote_filter_bank *bank, mote_bank_worker *worker, int64_t i)
{
    mote_bank_member *member = &bank->member[i];
    mote_particle_filter *filter = &worker->filter;
    int status = member->step || member->population >= 0 ? MOTE_OK : begin(bank, i);
    if (status < 0)
        mote_fail(filter->message, status, "prepare of the model '%s' asked to stop with code %d",
                  mote_state_space_name(bank->space), status);
    while (!status && member->step < bank->step && !member->dead) {
        const int fresh = !member->step;
        const int64_t other = mote_bank_take(bank, &bank->room.stores);
        attach(bank, worker, i, other);
        do {
            mote_datum_from_series(&worker->datum, bank->space, filter->step);
            status = mote_particle_filter_step(filter, &worker->datum);
        } while (fresh && !status && filter->step < bank->step && !filter->dead);
        detach(bank, worker, member, other);
    }
    if (status == MOTE_EMODEL) {
        bury(bank, member);
        return MOTE_OK;
    }
    if (!status)
        member->step = bank->step;
    return status;
}

/* Keeps the reason of the first item that ends the run. */
static void keep_reason(mote_filter_bank *bank, const mote_bank_worker *worker, int64_t item)
{
    char point[512];
    const int status = (int)bank->status[item];
    mote_state_space_describe(bank->space, mote_filter_bank_theta(bank, bank->work[item]), point, sizeof point);
    pthread_mutex_lock(&bank->lock);
    if (bank->stopped < 0 || item < bank->stopped) {
        bank->stopped = item;
        mote_fail(&bank->reason, status, "%.400s, with %s", *worker->message.text ? worker->message.text
                  : mote_strerror(status),
                  point);
    }
    pthread_mutex_unlock(&bank->lock);
}

static void advance_item(void *ctx, int64_t item, int64_t thread)
{
    mote_filter_bank *bank = ctx;
    mote_bank_worker *worker = &bank->room.worker[thread];
    *worker->message.text = '\0';
    bank->status[item] = advance(bank, worker, bank->work[item]);
    if (bank->status[item])
        keep_reason(bank, worker, item);
}

/* Sums what the workers counted, and finds the first failure in the order of members. */
static int conclude(mote_filter_bank *bank, int64_t count)
{
    for (int64_t k = 0; k < bank->room.workers; ++k) {
        bank->potentials += bank->room.worker[k].potentials;
        bank->room.worker[k].potentials = 0;
    }
    for (int64_t k = 0; k < count; ++k)
        if (bank->status[k])
            return mote_fail(bank->message, (int)bank->status[k], "%s", bank->reason.text);
    return MOTE_OK;
}

int mote_filter_bank_advance(mote_filter_bank *bank, int64_t first, int64_t count)
{
    int64_t n = 0;
    bank->stopped = -1;
    for (int64_t i = first; i < first + count; ++i)
        if (bank->member[i].step < bank->step)
            bank->work[n++] = i;
    if (bank->pool && n > 1)
        mote_pool_run(bank->pool, advance_item, bank, n);
    else
        for (int64_t k = 0; k < n; ++k)
            advance_item(bank, k, 0);
    return conclude(bank, n);
}

/* ---- weights ---- */

/* A weight of zero stays zero, whatever comes after. */
void mote_filter_bank_weigh(mote_filter_bank *bank)
{
    const double before = bank->weights.log_sum;
    for (int64_t i = 0; i < bank->n; ++i) {
        mote_bank_member *member = &bank->member[i];
        double *log_weight = &bank->weights.log_weight[i];
        *log_weight = member->log_evidence > -INFINITY && *log_weight > -INFINITY
                      ? *log_weight + (member->log_evidence - member->weighed) : -INFINITY;
        member->weighed = member->log_evidence;
    }
    mote_population_weigh(&bank->weights, bank->n);
    bank->increment = before > -INFINITY ? bank->weights.log_sum - before : 0;
    bank->log_evidence += bank->increment;
}

/* The children's filters have keys of their own from here on: of those that begin with the same population, none copies
 * another's future. */
static void copy_members(mote_filter_bank *bank)
{
    const int64_t n = bank->n, p = bank->space->space.theta_count;
    memcpy(bank->scratch, bank->member, (size_t)n * sizeof *bank->scratch);
    memcpy(bank->theta_scratch, bank->theta, (size_t)(n * p) * sizeof(double));
    for (int64_t i = 0; i < n; ++i) {
        const int64_t a = bank->ancestor[i];
        bank->member[i] = bank->scratch[a];
        bank->member[i].key = key_of(bank, bank->ids++);
        memcpy(bank->theta + i * p, bank->theta_scratch + a * p, (size_t)p * sizeof(double));
        if (bank->member[i].population >= 0)
            mote_bank_share(&bank->room.stores, bank->member[i].population);
        if (bank->member[i].cache >= 0)
            mote_bank_share(&bank->caches, bank->member[i].cache);
    }
    for (int64_t i = 0; i < n; ++i) {
        mote_bank_release(bank, &bank->room.stores, bank->scratch[i].population);
        mote_bank_release(bank, &bank->caches, bank->scratch[i].cache);
    }
}

int mote_filter_bank_resample(mote_filter_bank *bank, mote_source *source)
{
    const mote_block_weights weights = { bank->weights.weight, bank->weights.factor, bank->n, 0 };
    int status = mote_resample(&bank->resampler, source, &weights, bank->n, bank->ancestor);
    if (status)
        return status;
    copy_members(bank);
    equal_weights(bank);
    return mote_source_status(source);
}

int mote_filter_bank_exchange(mote_filter_bank *bank, int64_t particles)
{
    mote_bank_room room;
    int status = mote_bank_room_open(&room, bank, particles);
    if (status)
        return status;
    for (int64_t i = 0; i < bank->n + bank->spares; ++i) {
        empty(bank, &bank->member[i]);
        if (i < bank->n)
            bank->member[i].key = key_of(bank, bank->ids++);
    }
    mote_bank_room_close(&bank->room, bank);
    bank->room = room;
    bank->setup.particles = particles;
    return MOTE_OK;
}
