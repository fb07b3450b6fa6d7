/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote_draws from inside: columns that an algorithm fills. */
#ifndef MOTE_MODEL_DRAWS_H
#define MOTE_MODEL_DRAWS_H

#include <mote/draws.h>

#include "core/memory.h"

struct mote_draws {
    const mote_memory *memory;
    int64_t count;
    int64_t parameter_count;
    mote_parameter *parameters;  /* without the fixed ones; texts are owned */
    double **columns;            /* parameter_count columns of `count` */
    double *log_weight, *log_likelihood, *log_prior, *birth, *live_count, *chain; /* NULL where absent */
    int64_t live;                /* nested sampling: rows at the end that were still live */
    double log_evidence, log_evidence_error;
};

/* All columns that `parts` names are allocated; NULL without memory (nothing leaks). */
enum { MOTE_DRAWS_NESTED = 1 /* birth, live_count, chain */, MOTE_DRAWS_PRIOR = 2 /* log_prior */ };
mote_draws *mote_draws_create(const mote_memory *memory, const mote_parameter *parameters, int64_t parameter_count,
                              int64_t count, int parts);
void mote_draws_free(mote_draws *draws);

#endif
