/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The builds of core/vector_kernels.c, and their choice by number (for tests and benchmarks). */
#ifndef MOTE_CORE_VECTOR_VARIANTS_H
#define MOTE_CORE_VECTOR_VARIANTS_H

#include "core/vector.h"

extern const mote_vector_table mote_vector_baseline, mote_vector_v3, mote_vector_v4;

/* Variant 0, 1, ... that this processor can run, slowest first; NULL behind the last. */
const mote_vector_table *mote_vector_variant(int64_t index);

#endif
