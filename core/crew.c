/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/crew.h"

#include <math.h>
#include <string.h>

#include "core/run.h"

int mote_crew_open(mote_crew *crew, mote_executor *executor, const mote_memory *memory, int64_t capacity)
{
    *crew = (mote_crew){ .executor = executor, .capacity = capacity };
    crew->state = mote_memory_allocate(memory, capacity, sizeof(int64_t));
    crew->calls = mote_memory_allocate(memory, capacity, sizeof(int64_t));
    crew->slots = mote_memory_allocate(memory, 2 * capacity, sizeof(int64_t));
    return crew->state && crew->calls && crew->slots ? MOTE_OK : MOTE_ENOMEM;
}

void mote_crew_close(mote_crew *crew, const mote_memory *memory)
{
    mote_memory_release(memory, crew->state);
    mote_memory_release(memory, crew->calls);
    mote_memory_release(memory, crew->slots);
    *crew = (mote_crew){ 0 };
}

void mote_crew_start(mote_crew *crew, const mote_chain_table *table, void *chains, size_t chain_size, int64_t n,
                     uint64_t first_id)
{
    crew->table = table;
    crew->chains = chains;
    crew->chain_size = chain_size;
    crew->n = crew->unfinished = n;
    crew->first_id = first_id;
    for (int64_t i = 0; i < n; ++i) {
        crew->state[i] = MOTE_CHAIN_WANTS;
        crew->calls[i] = 0;
    }
}

static void finish(mote_crew *crew, int64_t i)
{
    crew->state[i] = MOTE_CHAIN_FINISHED;
    --crew->unfinished;
}

/* Asks chain i for its row: 1 when it wants one, 0 when it has finished, or (in *status) an error. */
static int ask(mote_crew *crew, int64_t i, int *status)
{
    const mote_rows *rows = &crew->executor->rows;
    *status = crew->table->want(crew->chains + (size_t)i * crew->chain_size, rows->theta + i * rows->dimension);
    if (*status == MOTE_DONE) {
        finish(crew, i);
        *status = MOTE_OK;
        return 0;
    }
    if (*status)
        return 0;
    rows->id[i] = (int64_t)((crew->first_id + (uint64_t)i) << 24 | (uint64_t)(crew->calls[i]++ & 0xffffff));
    crew->state[i] = MOTE_CHAIN_POSTED;
    return 1;
}

/* Posts the rows of those among the n chains of `list` that want one. */
static int post(mote_crew *crew, const int64_t *list, int64_t n)
{
    int64_t count = 0, *slots = crew->slots + crew->capacity;
    int status = MOTE_OK;
    for (int64_t j = 0; j < n && !status; ++j)
        if (crew->state[list[j]] == MOTE_CHAIN_WANTS && ask(crew, list[j], &status))
            slots[count++] = list[j];
    if (status)
        return status;
    return count ? mote_executor_post(crew->executor, slots, count) : MOTE_OK;
}

static int take(mote_crew *crew, int64_t i)
{
    const mote_row_value value = mote_rows_value(&crew->executor->rows, i);
    int status = crew->table->take(crew->chains + (size_t)i * crew->chain_size, &value);
    crew->state[i] = MOTE_CHAIN_WANTS;
    if (status != MOTE_DONE)
        return status;
    finish(crew, i);
    return MOTE_OK;
}

int mote_crew_advance(mote_crew *crew)
{
    double start = mote_clock();
    int status = MOTE_OK;
    int64_t n = crew->n;
    for (int64_t i = 0; i < n; ++i)
        crew->slots[i] = i;
    status = post(crew, crew->slots, n);
    while (!status && crew->unfinished) {
        status = mote_executor_collect(crew->executor, crew->slots, &n);
        for (int64_t j = 0; j < n && !status; ++j)
            status = take(crew, crew->slots[j]);
        if (!status)
            status = post(crew, crew->slots, n);
        if (!status && crew->unfinished && mote_clock() - start > MOTE_CREW_SECONDS)
            return MOTE_CREW_PAUSED;
    }
    return status;
}

void mote_crew_save(const mote_crew *crew, mote_writer *writer)
{
    const mote_rows *rows = &crew->executor->rows;
    mote_put_tag(writer, "crew");
    mote_put_integer(writer, crew->n);
    mote_put_integer(writer, crew->unfinished);
    mote_put_word(writer, crew->first_id);
    mote_put_integers(writer, crew->state, crew->n);
    mote_put_integers(writer, crew->calls, crew->n);
    mote_put_integers(writer, rows->id, crew->n);
    mote_put_reals(writer, rows->theta, crew->n * rows->dimension);
}

int mote_crew_load(mote_crew *crew, const mote_chain_table *table, void *chains, size_t chain_size,
                   mote_reader *reader)
{
    const mote_rows *rows = &crew->executor->rows;
    int64_t posted = 0, unfinished = 0;
    mote_get_tag(reader, "crew");
    int64_t n = mote_get_count(reader, 0, crew->capacity);
    mote_crew_start(crew, table, chains, chain_size, n, 0);
    crew->unfinished = mote_get_count(reader, 0, n);
    crew->first_id = mote_get_word(reader);
    mote_get_integers(reader, crew->state, n);
    mote_get_integers(reader, crew->calls, n);
    mote_get_integers(reader, rows->id, n);
    mote_get_reals(reader, rows->theta, n * rows->dimension);
    for (int64_t i = 0; i < n && !reader->status; ++i) {
        unfinished += crew->state[i] != MOTE_CHAIN_FINISHED;
        if (crew->state[i] == MOTE_CHAIN_POSTED)
            crew->slots[posted++] = i;
        else if (crew->state[i] != MOTE_CHAIN_WANTS && crew->state[i] != MOTE_CHAIN_FINISHED)
            reader->status = MOTE_ECORRUPT;
    }
    if (!reader->status && crew->unfinished != unfinished)
        reader->status = MOTE_ECORRUPT;
    if (reader->status)
        return reader->status;
    return posted ? mote_executor_post(crew->executor, crew->slots, posted) : MOTE_OK;
}
