/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/columns.h"

#include "model/state_space.h"

double **mote_block_columns_open(const mote_memory *memory, int64_t columns, int64_t n)
{
    const int64_t stride = (n + MOTE_BLOCK - 1) / MOTE_BLOCK * MOTE_BLOCK;
    double **pointers = mote_memory_allocate(memory, columns + 1, sizeof *pointers);
    double *values = pointers ? mote_memory_allocate_aligned(memory, columns * stride, sizeof *values) : NULL;
    for (int64_t k = 0; values && k < columns + 1; ++k)
        pointers[k] = values + k * stride;
    if (values)
        return pointers;
    mote_memory_release(memory, pointers);
    return NULL;
}

void mote_block_columns_close(const mote_memory *memory, double **columns)
{
    if (columns)
        mote_memory_release_aligned(memory, columns[0]);
    mote_memory_release(memory, columns);
}
