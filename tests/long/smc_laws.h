/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the law tests of particle methods share: a filter on a case, without a run. */
#ifndef MOTE_TESTS_SMC_LAWS_H
#define MOTE_TESTS_SMC_LAWS_H

#include "smc/paris.h"
#include "smc/particle_filter.h"
#include "smc/variance.h"
#include "tests/long/laws.h"
#include "tests/long/smc_cases.h"

typedef struct law_bench {
    smc_case subject;
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_datum datum;
    mote_particle_filter filter;
    mote_paris_smoother paris;
    int filtering, smoothing;
    double theta[8];
} law_bench;

/* The case of `subject` must be open. 0, or -1 with the message on standard error. paris NULL: none. */
int law_bench_open(law_bench *b, const mote_filter_setup *setup, const mote_paris_smoother_setup *paris);
void law_bench_close(law_bench *b);

/* The case's model alone: space and parameters. */
int law_bench_open_space(law_bench *b);

/* Replicate r of the law: log Z_hat; NaN with a message when it failed. */
double law_bench_run(law_bench *b, uint64_t key);

/* Fresh numbers for replicate r of the law called `name`. */
uint64_t law_key(const char *name, int64_t r);

/* The subjects, by file. */
void smc_laws_identities(law_list *list);
void smc_laws_paths(law_list *list);
void smc_laws_smoothers(law_list *list);
void smc_laws_variances(law_list *list);

#endif
