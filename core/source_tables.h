/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of sources, and what their files share. */
#ifndef MOTE_CORE_SOURCE_TABLES_H
#define MOTE_CORE_SOURCE_TABLES_H

#include "core/source.h"

extern const mote_source_table mote_source_table_live;

/* The sum of the weights of a choice in their order; NaN when one of them is negative or not finite. */
double mote_source_sum_of_weights(const double *p, int64_t n);

#endif
