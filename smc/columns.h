/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns of n numbers, 64-byte aligned, in one allocation; each begins a block of its own. */
#ifndef MOTE_SMC_COLUMNS_H
#define MOTE_SMC_COLUMNS_H

#include "core/memory.h"

double **mote_block_columns_open(const mote_memory *memory, int64_t columns, int64_t n); /* NULL without memory */
void mote_block_columns_close(const mote_memory *memory, double **columns);              /* accepts NULL */

#endif
