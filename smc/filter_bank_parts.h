/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the filter bank share: its memory (filter_bank_room.c). */
#ifndef MOTE_SMC_FILTER_BANK_PARTS_H
#define MOTE_SMC_FILTER_BANK_PARTS_H

#include "smc/filter_bank.h"

/* Workers and stores for filters of `particles` particles. `room` is untouched unless MOTE_OK. */
int mote_bank_room_open(mote_bank_room *room, const mote_filter_bank *bank, int64_t particles);
void mote_bank_room_close(mote_bank_room *room, const mote_filter_bank *bank);

int mote_bank_stores_open(mote_bank_stores *stores, int64_t count, const mote_memory *memory);
void mote_bank_stores_close(mote_bank_stores *stores, const mote_memory *memory);

/* A free store, used once; uses of a store; one use less. The first and the last lock. */
int64_t mote_bank_take(mote_filter_bank *bank, mote_bank_stores *stores);
void mote_bank_share(mote_bank_stores *stores, int64_t store);
void mote_bank_release(mote_filter_bank *bank, mote_bank_stores *stores, int64_t store); /* -1: nothing */

/* Fills the cache that member i holds: MOTE_EMODEL when the model cannot. */
int mote_bank_prepare(const mote_filter_bank *bank, int64_t i);

/* Cache store c. */
static inline void *mote_bank_cache(const mote_filter_bank *bank, int64_t c)
{
    return bank->cache + c * bank->cache_stride;
}

#endif
