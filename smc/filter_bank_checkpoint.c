/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A filter bank in checkpoints. A store is written with the first member that holds it and numbered in this order: who
 * worked when does not show, and what is shared is written once. Caches are made again from their members' parameters.
 * */
#include <math.h>

#include "smc/filter_bank_parts.h"
#include "smc/particle_parts.h"

static void clear(const mote_bank_stores *stores)
{
    for (int64_t i = 0; i < stores->count; ++i)
        stores->number[i] = -1;
}

/* ---- saving ---- */

/* The store's number, -1 for none. *fresh: 1 when it is the first time. */
static void put_number(const mote_bank_stores *stores, int64_t store, int64_t *next, int *fresh, mote_writer *writer)
{
    *fresh = store >= 0 && stores->number[store] < 0;
    if (*fresh)
        stores->number[store] = (*next)++;
    mote_put_integer(writer, store < 0 ? -1 : stores->number[store]);
}

static void put_population(const mote_filter_bank *bank, const mote_population *population, mote_writer *writer)
{
    for (int64_t k = 0; k < bank->space->model.state_count; ++k)
        mote_put_reals(writer, population->state[k], bank->setup.particles);
    mote_put_reals(writer, population->log_weight, bank->setup.particles);
}

static void put_members(const mote_filter_bank *bank, mote_writer *writer)
{
    int64_t populations = 0, caches = 0;
    int fresh;
    clear(&bank->room.stores);
    clear(&bank->caches);
    for (int64_t i = 0; i < bank->n; ++i) {
        const mote_bank_member *member = &bank->member[i];
        mote_put_integer(writer, member->step);
        mote_put_word(writer, member->key);
        mote_put_real(writer, member->log_evidence);
        mote_put_real(writer, member->weighed);
        mote_put_integer(writer, member->dead);
        mote_put_integer(writer, member->failed);
        put_number(&bank->caches, member->cache, &caches, &fresh, writer);
        put_number(&bank->room.stores, member->population, &populations, &fresh, writer);
        if (fresh)
            put_population(bank, &bank->room.population[member->population], writer);
    }
}

void mote_filter_bank_save(const mote_filter_bank *bank, mote_writer *writer)
{
    mote_put_tag(writer, "filter bank");
    mote_put_integer(writer, bank->setup.particles);
    mote_put_integer(writer, bank->step);
    mote_put_integer(writer, bank->ids);
    mote_put_integer(writer, bank->potentials);
    mote_put_real(writer, bank->log_evidence);
    mote_put_real(writer, bank->increment);
    mote_put_reals(writer, bank->weights.log_weight, bank->n);
    mote_put_reals(writer, bank->theta, bank->n * bank->space->space.theta_count);
    put_members(bank, writer);
}

/* ---- loading ---- */

/* The store that a number names: one that was met before, or a free one. */
static int64_t get_store(mote_filter_bank *bank, mote_bank_stores *stores, int64_t *next, int *fresh,
                         mote_reader *reader)
{
    const int64_t number = mote_get_count(reader, -1, *next < bank->n ? *next : bank->n - 1);
    *fresh = !reader->status && number == *next;
    if (reader->status || number < 0)
        return -1;
    if (!stores->count) {
        reader->status = MOTE_ECORRUPT;
        *fresh = 0;
        return -1;
    }
    if (*fresh)
        stores->number[(*next)++] = mote_bank_take(bank, stores);
    else
        mote_bank_share(stores, stores->number[number]);
    return stores->number[number];
}

static void get_population(mote_filter_bank *bank, mote_population *population, mote_reader *reader)
{
    for (int64_t k = 0; k < bank->space->model.state_count; ++k)
        mote_get_reals(reader, population->state[k], bank->setup.particles);
    mote_get_reals(reader, population->log_weight, bank->setup.particles);
    if (!reader->status && mote_population_weigh(population, bank->setup.particles))
        reader->status = MOTE_ECORRUPT;
}

static int get_member(mote_filter_bank *bank, int64_t i, int64_t *populations, int64_t *caches, mote_reader *reader)
{
    mote_bank_member *member = &bank->member[i];
    int fresh;
    member->step = mote_get_count(reader, 0, bank->step);
    member->key = mote_get_word(reader);
    member->log_evidence = mote_get_real(reader);
    member->weighed = mote_get_real(reader);
    member->dead = mote_get_count(reader, 0, member->step + 1);
    member->failed = mote_get_count(reader, 0, 1);
    member->cache = get_store(bank, &bank->caches, caches, &fresh, reader);
    int status = fresh && !member->failed ? mote_bank_prepare(bank, i) : MOTE_OK;
    member->population = get_store(bank, &bank->room.stores, populations, &fresh, reader);
    if (fresh)
        get_population(bank, &bank->room.population[member->population], reader);
    if (!reader->status && member->step && !member->dead && member->population < 0)
        reader->status = MOTE_ECORRUPT;
    return status;
}

static int get_members(mote_filter_bank *bank, mote_reader *reader)
{
    int64_t populations = 0, caches = 0;
    int status = MOTE_OK;
    clear(&bank->room.stores);
    clear(&bank->caches);
    for (int64_t i = 0; i < bank->n && !status && !reader->status; ++i)
        status = get_member(bank, i, &populations, &caches, reader);
    return status ? status : reader->status;
}

int mote_filter_bank_load(mote_filter_bank *bank, int64_t most, mote_reader *reader)
{
    mote_get_tag(reader, "filter bank");
    const int64_t particles = mote_get_count(reader, 1, most < INT32_MAX - MOTE_BLOCK ? most : INT32_MAX - MOTE_BLOCK);
    mote_filter_bank_start(bank);
    int status = reader->status;
    if (!status && particles != bank->setup.particles)
        status = mote_filter_bank_exchange(bank, particles);
    bank->step = mote_get_count(reader, 0, bank->space->series.count);
    bank->ids = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    bank->potentials = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    bank->log_evidence = mote_get_real(reader);
    bank->increment = mote_get_real(reader);
    mote_get_reals(reader, bank->weights.log_weight, bank->n);
    mote_get_reals(reader, bank->theta, bank->n * bank->space->space.theta_count);
    if (!reader->status && mote_population_weigh(&bank->weights, bank->n))
        reader->status = MOTE_ECORRUPT;
    return status ? status : get_members(bank, reader);
}
