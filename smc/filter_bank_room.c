/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of a filter bank. Stores lie in one allocation: of each, d columns of states, log-weights and weights, all
 * 64-byte aligned, and four numbers per block of MOTE_BLOCK particles. At any time the members that have stepped hold
 * one store each and those that have not share at most as many as they are; a worker at a fresh filter holds two. */
#include <string.h>

#include "smc/filter_bank_parts.h"

/* ---- counts ---- */

int mote_bank_stores_open(mote_bank_stores *stores, int64_t count, const mote_memory *memory)
{
    *stores = (mote_bank_stores){ .count = count, .free_count = count };
    stores->uses = mote_memory_allocate(memory, count, sizeof *stores->uses);
    stores->free = mote_memory_allocate(memory, count, sizeof *stores->free);
    stores->number = mote_memory_allocate(memory, count, sizeof *stores->number);
    for (int64_t i = 0; stores->free && i < count; ++i)
        stores->free[i] = count - 1 - i;
    return stores->uses && stores->free && stores->number ? MOTE_OK : MOTE_ENOMEM;
}

void mote_bank_stores_close(mote_bank_stores *stores, const mote_memory *memory)
{
    mote_memory_release(memory, stores->uses);
    mote_memory_release(memory, stores->free);
    mote_memory_release(memory, stores->number);
    *stores = (mote_bank_stores){ 0 };
}

int64_t mote_bank_take(mote_filter_bank *bank, mote_bank_stores *stores)
{
    pthread_mutex_lock(&bank->lock);
    const int64_t store = stores->free[--stores->free_count];
    stores->uses[store] = 1;
    pthread_mutex_unlock(&bank->lock);
    return store;
}

void mote_bank_share(mote_bank_stores *stores, int64_t store)
{
    ++stores->uses[store];
}

void mote_bank_release(mote_filter_bank *bank, mote_bank_stores *stores, int64_t store)
{
    if (store < 0)
        return;
    pthread_mutex_lock(&bank->lock);
    if (--stores->uses[store] == 0)
        stores->free[stores->free_count++] = store;
    pthread_mutex_unlock(&bank->lock);
}

/* ---- what depends on the number of particles ---- */

static int64_t rounded(int64_t n)
{
    return (n + 7) / 8 * 8;
}

static int open_populations(mote_bank_room *room, const mote_filter_bank *bank, int64_t particles)
{
    const int64_t d = bank->space->model.state_count, column = rounded(particles), blocks = mote_blocks(particles);
    const int64_t count = bank->n + bank->spares + 2 * room->workers;
    if (mote_bank_stores_open(&room->stores, count, bank->memory))
        return MOTE_ENOMEM;
    room->population = mote_memory_allocate(bank->memory, count, sizeof *room->population);
    room->values = mote_memory_allocate_aligned(bank->memory, count, (size_t)((d + 2) * column) * sizeof(double));
    room->columns = mote_memory_allocate(bank->memory, count * d, sizeof *room->columns);
    room->blocks = mote_memory_allocate(bank->memory, count, (size_t)(4 * blocks) * sizeof(double));
    if (!room->population || !room->values || !room->columns || !room->blocks)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < count; ++i) {
        mote_population *p = &room->population[i];
        double *value = room->values + i * (d + 2) * column, *block = room->blocks + i * 4 * blocks;
        p->state = room->columns + i * d;
        for (int64_t k = 0; k < d; ++k)
            p->state[k] = value + k * column;
        p->log_weight = value + d * column;
        p->weight = p->log_weight + column;
        p->block_maximum = block;
        p->block_sum = block + blocks;
        p->block_square = block + 2 * blocks;
        p->factor = block + 3 * blocks;
    }
    return MOTE_OK;
}

static int open_worker(mote_bank_worker *worker, const mote_filter_bank *bank, int64_t particles)
{
    mote_filter_setup setup = bank->setup;
    setup.particles = particles;
    int status = mote_particle_filter_open(&worker->filter, bank->space, &setup, bank->memory, NULL, bank->message);
    if (!status)
        status = mote_datum_open(&worker->datum, bank->space, bank->memory);
    worker->filter.message = &worker->message;
    worker->own[0] = worker->filter.populations[0];
    worker->own[1] = worker->filter.populations[1];
    worker->own_cache = worker->filter.cache;
    return status;
}

int mote_bank_room_open(mote_bank_room *out, const mote_filter_bank *bank, int64_t particles)
{
    mote_bank_room room = { .workers = bank->pool ? mote_pool_threads(bank->pool) : 1 };
    room.worker = mote_memory_allocate(bank->memory, room.workers, sizeof *room.worker);
    int status = room.worker ? MOTE_OK : MOTE_ENOMEM;
    for (int64_t i = 0; i < room.workers && !status; ++i)
        status = open_worker(&room.worker[i], bank, particles);
    if (!status)
        status = open_populations(&room, bank, particles);
    if (status) {
        mote_bank_room_close(&room, bank);
        return status;
    }
    *out = room;
    return MOTE_OK;
}

void mote_bank_room_close(mote_bank_room *room, const mote_filter_bank *bank)
{
    for (int64_t i = 0; room->worker && i < room->workers; ++i) {
        mote_bank_worker *worker = &room->worker[i];
        if (!worker->filter.memory)
            continue;
        worker->filter.populations[0] = worker->own[0];
        worker->filter.populations[1] = worker->own[1];
        worker->filter.cache = worker->own_cache;
        mote_particle_filter_close(&worker->filter);
        mote_datum_close(&worker->datum, bank->memory);
    }
    mote_bank_stores_close(&room->stores, bank->memory);
    mote_memory_release(bank->memory, room->worker);
    mote_memory_release(bank->memory, room->population);
    mote_memory_release_aligned(bank->memory, room->values);
    mote_memory_release(bank->memory, room->columns);
    mote_memory_release(bank->memory, room->blocks);
    *room = (mote_bank_room){ 0 };
}
