/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The evidence of a particle filter as a row function: what executors evaluate and kernels ask for, so that a random
 * walk on it is particle marginal Metropolis-Hastings. The filter of a row draws from the key of the row's id: a row
 * gives the same value whoever evaluates it, and a run can be made again from its id (for a path, say).
 *
 * Several threads may evaluate at once: each takes one of `filters` filters. */
#ifndef MOTE_SMC_EVIDENCE_H
#define MOTE_SMC_EVIDENCE_H

#include <stdatomic.h>

#include "core/executor.h"
#include "smc/particle_filter.h"

typedef struct mote_evidence_filter {
    mote_particle_filter filter;
    mote_datum datum;
    mote_message message;
    atomic_int busy;
} mote_evidence_filter;

typedef struct mote_evidence {
    const mote_state_space *space;
    const mote_memory *memory;
    mote_source source;              /* whose children the rows are */
    int64_t times;                   /* of the series that are used: the first `times`; set to all at open */
    int64_t count;
    mote_evidence_filter *filters;
    _Atomic int64_t potentials;      /* particles weighed so far */
} mote_evidence;

/* The model must carry its series. `filters` is the number of threads that may evaluate at once. */
int mote_evidence_open(mote_evidence *evidence, const mote_state_space *space, const mote_filter_setup *setup,
                       const mote_source *source, int64_t filters, const mote_memory *memory, mote_message *message);
void mote_evidence_close(mote_evidence *evidence);

/* theta (theta_count values) -> log-evidence. A filter that fails (a potential that is no number) gives NaN. */
void mote_evidence_row_function(mote_evidence *evidence, mote_row_function *function);

/* The source of the filter of row `id`. */
mote_source mote_evidence_source(const mote_evidence *evidence, int64_t id);

/* One row by hand, on the first filter, which keeps its last population. */
int mote_evidence_row(mote_evidence *evidence, const double *theta, int64_t id, double *log_evidence);

#endif
