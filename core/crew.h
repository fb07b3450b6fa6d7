/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A crew: n independent chains, each a plain struct with `want` (its next row) and `take` (the value), driven
 * through an executor until all have finished. Values may return in any order and a chain goes on as soon as its own
 * value is back; since chains are independent, the order never shows in the result.
 *
 *     while some chain is unfinished:
 *         for each chain that wants:  want -> row of its slot; post
 *         collect -> slots;  for each: take -> wants again, or finished
 *
 * Slot = chain number. A crew that stopped with MOTE_WAITING goes on at the next call. */
#ifndef MOTE_CORE_CREW_H
#define MOTE_CORE_CREW_H

#include "core/checkpoint.h"
#include "core/executor.h"

typedef struct mote_chain_table {
    /* Fills the row that the chain wants evaluated: MOTE_OK; MOTE_DONE: it has finished without one; an error. */
    int (*want)(void *chain, double *theta);
    /* The value: MOTE_OK: goes on; MOTE_DONE: finished; an error. */
    int (*take)(void *chain, const mote_row_value *value);
} mote_chain_table;

enum mote_chain_state { MOTE_CHAIN_WANTS, MOTE_CHAIN_POSTED, MOTE_CHAIN_FINISHED };

typedef struct mote_crew {
    const mote_chain_table *table;
    mote_executor *executor;
    char *chains;      /* n structs of chain_size bytes */
    size_t chain_size;
    int64_t n, capacity;
    int64_t *state;    /* capacity: enum mote_chain_state */
    int64_t *calls;    /* rows wanted so far by each chain */
    int64_t *slots;    /* scratch, 2 x capacity */
    int64_t unfinished;
    uint64_t first_id; /* id of a row = (first_id + chain) << 24 | its call number */
} mote_crew;

int mote_crew_open(mote_crew *crew, mote_executor *executor, const mote_memory *memory, int64_t capacity);
void mote_crew_close(mote_crew *crew, const mote_memory *memory);

/* Sets n chains to work. */
void mote_crew_start(mote_crew *crew, const mote_chain_table *table, void *chains, size_t chain_size, int64_t n,
                     uint64_t first_id);

/* Drives the chains: MOTE_OK when all have finished; MOTE_WAITING; MOTE_CREW_PAUSED after some wall time, so that
 * long steps can be stopped, watched and checkpointed (call again: the result does not depend on it); or an error. */
enum { MOTE_CREW_PAUSED = 15 };
#define MOTE_CREW_SECONDS 0.05
int mote_crew_advance(mote_crew *crew);

/* Pending state, rows included. Loading posts again what was posted; `chains` must have been loaded before. */
void mote_crew_save(const mote_crew *crew, mote_writer *writer);
int mote_crew_load(mote_crew *crew, const mote_chain_table *table, void *chains, size_t chain_size,
                   mote_reader *reader);

#endif
