/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One number for all that "the same bytes" compares: points, weights, log-likelihoods, births, evidence and its error.
 * The ledger is left out. */
#ifndef MOTE_TESTS_FINGERPRINT_H
#define MOTE_TESTS_FINGERPRINT_H

#include <mote/draws.h>

#include "core/checkpoint.h"

static inline uint64_t fingerprint_column(uint64_t hash, const double *column, int64_t n)
{
    return column ? mote_hash(hash, column, (size_t)n * sizeof *column) : hash;
}

/* 0 for no draws. */
static inline uint64_t fingerprint(const mote_draws *draws)
{
    uint64_t hash = MOTE_HASH_START;
    if (!draws)
        return 0;
    int64_t n = mote_draws_count(draws);
    for (int64_t j = 0; j < mote_draws_parameter_count(draws); ++j)
        hash = fingerprint_column(hash, mote_draws_column(draws, j), n);
    hash = fingerprint_column(hash, mote_draws_log_weight(draws), n);
    hash = fingerprint_column(hash, mote_draws_log_likelihood(draws), n);
    hash = fingerprint_column(hash, mote_draws_birth(draws), n);
    hash = fingerprint_column(hash, mote_draws_live_count(draws), n);
    hash = fingerprint_column(hash, mote_draws_chain(draws), n);
    double evidence[2] = { mote_draws_log_evidence(draws), mote_draws_log_evidence_error(draws) };
    return mote_hash(hash, evidence, sizeof evidence);
}

#endif
