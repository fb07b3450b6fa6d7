/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building an alias table in whole numbers. Index j has mass n q_j and every cell holds Q = sum q, so that nothing is
 * left over when the last cell is filled: cells below Q are topped up by one above, whose rest goes on being too large
 * or becomes too small. q_j = round(w_j 2^(F - e)), F = min(52, 61 - ceil log2 n), so that n q_j and Q stay below 2^63.
 * Known answer: weights (1, 3): cell 0 is half its own and half index 1, cell 1 is all its own. */
#include "smc/alias.h"

#include <math.h>

#include "core/vector.h"

int mote_alias_open(mote_alias *table, int64_t capacity, const mote_memory *memory)
{
    *table = (mote_alias){ .memory = *memory, .capacity = capacity };
    if (capacity < 1 || capacity > INT32_MAX)
        return MOTE_EINVAL;
    table->cut = mote_memory_allocate(memory, capacity, sizeof *table->cut);
    table->other = mote_memory_allocate(memory, capacity, sizeof *table->other);
    table->queue = mote_memory_allocate(memory, capacity, sizeof *table->queue);
    table->mass = mote_memory_allocate(memory, capacity, sizeof *table->mass);
    table->weight = mote_memory_allocate(memory, capacity, sizeof *table->weight);
    if (table->cut && table->other && table->queue && table->mass && table->weight)
        return MOTE_OK;
    mote_alias_close(table);
    return MOTE_ENOMEM;
}

void mote_alias_close(mote_alias *table)
{
    mote_memory_release(&table->memory, table->cut);
    mote_memory_release(&table->memory, table->other);
    mote_memory_release(&table->memory, table->queue);
    mote_memory_release(&table->memory, table->mass);
    mote_memory_release(&table->memory, table->weight);
    *table = (mote_alias){ .memory = table->memory };
}

/* mass_j = q_j; returns the sum, or 0 with the reason. */
static uint64_t whole_numbers(mote_alias *table, int *status)
{
    const double largest = mote_vector()->largest(table->weight, table->n, 1.0);
    int exponent, bits = 61;
    *status = isnan(largest) ? MOTE_EINVAL : largest > 0 ? MOTE_OK : MOTE_ENUMERIC;
    if (*status)
        return 0;
    for (int64_t reach = 1; reach < table->n; reach *= 2)
        --bits;
    frexp(largest, &exponent);
    const int shift = (bits < 52 ? bits : 52) - exponent;
    return mote_vector()->fixed(table->mass, table->weight, table->n, 1.0, ldexp(1.0, shift / 2),
                                ldexp(1.0, shift - shift / 2));
}

/* Which part of 2^64 mass / total is, mass < total. */
static uint64_t fraction_of(uint64_t mass, uint64_t total)
{
    const double fraction = (double)mass / (double)total;
    return fraction < 1.0 ? (uint64_t)(fraction * 0x1p64) : UINT64_MAX;
}

/* Small cells wait at the front of the queue, large ones at its end. */
static void fill_cells(mote_alias *table, uint64_t total)
{
    const int64_t n = table->n;
    int64_t small = 0, large = n;
    for (int64_t j = 0; j < n; ++j) {
        table->mass[j] *= (uint64_t)n;
        table->queue[table->mass[j] < total ? small++ : --large] = (int32_t)j;
    }
    while (small > 0) {
        const int32_t cell = table->queue[--small], giver = table->queue[large];
        table->cut[cell] = fraction_of(table->mass[cell], total);
        table->other[cell] = giver;
        table->mass[giver] -= total - table->mass[cell];
        if (table->mass[giver] < total) {
            ++large;
            table->queue[small++] = giver;
        }
    }
    for (; large < n; ++large) {
        const int32_t cell = table->queue[large];
        table->cut[cell] = UINT64_MAX;
        table->other[cell] = cell;
    }
}

int mote_alias_build(mote_alias *table, const double *weight, int64_t n)
{
    int status;
    if (n < 1 || n > table->capacity)
        return MOTE_EINVAL;
    table->n = n;
    for (int64_t j = 0; j < n; ++j)
        table->weight[j] = weight[j];
    const uint64_t total = whole_numbers(table, &status);
    if (!status)
        fill_cells(table, total);
    return status;
}

int64_t mote_alias_draw(const mote_alias *table, mote_source *source)
{
    uint64_t bits;
    if (mote_source_wants_cuts(source))
        return mote_choose(source, table->weight, table->n);
    mote_bits(source, &bits, 1);
    return mote_alias_at(table, bits);
}
