/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The evidence of a particle filter as a row function: what executors evaluate and kernels ask for, so that a random
 * walk on it is particle marginal Metropolis-Hastings. The filter of a row draws from the key of the row's id: a row
 * gives the same value whoever evaluates it, and a run can be made again from its id (for a path, say).
 *
 * With a correlation, rows belong to chains, by their ids; the numbers of a row are correlated with those of the
 * chain's present point (smc/correlated.h), and the chain's owner tells when a proposal was accepted.
 *
 * Several threads may evaluate at once: each takes one of `filters` filters. */
#ifndef MOTE_SMC_EVIDENCE_H
#define MOTE_SMC_EVIDENCE_H

#include <stdatomic.h>

#include "core/executor.h"
#include "smc/correlated.h"
#include "smc/particle_filter.h"

typedef struct mote_evidence_filter {
    mote_particle_filter filter;
    mote_datum datum;
    mote_message message;
    mote_correlated use;
    atomic_int busy;
} mote_evidence_filter;

typedef struct mote_evidence {
    const mote_state_space *space;
    const mote_memory *memory;
    mote_filter_setup setup;
    mote_source source;              /* whose children the rows are */
    int64_t times;                   /* of the series that are used: the first `times`; set to all at open */
    int64_t count;
    mote_evidence_filter *filters;
    _Atomic int64_t potentials;      /* particles weighed so far */

    mote_correlation correlation;    /* rho = 0: none */
    int64_t chains;
    mote_kept_normals *kept;         /* chains, and one more for rows that belong to none */
    _Atomic(const char *) offence;   /* what a model drew that has no correlated form */
} mote_evidence;

/* The model must carry its series. `filters` is the number of threads that may evaluate at once. */
int mote_evidence_open(mote_evidence *evidence, const mote_state_space *space, const mote_filter_setup *setup,
                       const mote_source *source, int64_t filters, const mote_memory *memory, mote_message *message);
void mote_evidence_close(mote_evidence *evidence);

/* From now on, filters of `particles` particles; what the chains kept is forgotten. MOTE_ENOMEM leaves all as it was.
 * */
int mote_evidence_resize(mote_evidence *evidence, int64_t particles, mote_message *message);

/* Rows belong to `chains` chains: row id to chain (id >> 24) mod chains. A trial run at theta finds what the model
 * draws; MOTE_EUNSUPPORTED names what has no correlated form. */
int mote_evidence_correlate(mote_evidence *evidence, double rho, int64_t chains, const double *theta,
                            mote_message *message);
void mote_evidence_accept(mote_evidence *evidence, int64_t chain);

/* MOTE_EUNSUPPORTED, named, when a row since has drawn what has no correlated form. */
int mote_evidence_check(const mote_evidence *evidence, mote_message *message);

/* What the chains keep. */
/* The random numbers of row `id` of a chain, made again: a checkpoint within a transition does not hold them. */
void mote_evidence_regain(mote_evidence *evidence, int64_t chain, int64_t id);

void mote_evidence_save(const mote_evidence *evidence, mote_writer *writer);
int mote_evidence_load(mote_evidence *evidence, int64_t most, mote_reader *reader); /* particles that may have been
                                                                                     * chosen */

/* theta (theta_count values) -> log-evidence. A filter that fails (MOTE_EMODEL: a potential that is no number) gives
 * NaN; a model's negative code, MOTE_ENOMEM and whatever else end the run, and the message names step, particles and
 * parameters. */
void mote_evidence_row_function(mote_evidence *evidence, mote_row_function *function);

/* The source of the filter of row `id`. */
mote_source mote_evidence_source(const mote_evidence *evidence, int64_t id);

/* One row by hand, on the first filter, which keeps its last population. With a correlation it belongs to no chain;
 * `anew`: independent of the rows by hand before, else correlated with the last one. MOTE_EMODEL: the filter failed,
 * the value is NaN; any other status comes with its message. */
int mote_evidence_row(mote_evidence *evidence, const double *theta, int64_t id, int64_t anew, double *log_evidence,
                      mote_message *message);

#endif
