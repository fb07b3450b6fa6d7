/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bank of particle filters: one for each of n weighted points of parameters, extended one observation at a time. What
 * SMC^2 (Chopin, Jacob and Papaspiliopoulos 2013) runs on.
 *
 *     log_weight^m += log Z^m - (log Z^m that the weight already holds)         mote_filter_bank_weigh
 *     log evidence += log sum exp lw - log sum exp of the weights before
 *
 * The same rule serves an extension by one observation (the ratio is Z_t / Z_{t-1}) and an exchange of all filters for
 * fresh ones with more particles (the ratio is Z' / Z): the evidence stays unbiased through both, of an exchange as far
 * as Z cannot be zero. Resampling copies members: their weights become equal, their filters go on with keys of their
 * own.
 *
 * Memory: of a filter only its present population is kept, in a store of (d + 2) columns. A step reads one store and
 * writes a free one, so that members which descend from the same one share a store until each has stepped, and nothing
 * is ever copied. `threads` particle filters do the work of all. Which store a member is in depends on who worked when;
 * what is in it does not.
 *
 *     open; start; for each observation { ++step; advance (in pieces, if you like); weigh; resample; ... }; close
 *
 * Beyond the n members there are `spares`, for filters that may take a member's place (proposals) or be forgotten.
 * Known answer: E[exp(log evidence)] by enumeration, tests/smc/test_filter_bank.c. */
#ifndef MOTE_SMC_FILTER_BANK_H
#define MOTE_SMC_FILTER_BANK_H

#include <pthread.h>

#include "smc/particle_filter.h"

typedef struct mote_bank_member {
    int64_t step;        /* observations that its filter has consumed */
    int64_t population;  /* store; -1: none, the filter has not begun */
    int64_t cache;       /* store of what `prepare` made; -1: none */
    uint64_t key;        /* of its filter's source */
    double log_evidence; /* of its filter, -inf when dead or failed */
    double weighed;      /* the log-evidence that its weight holds */
    int64_t dead;        /* 1 + the step at which all weights became zero; 0: alive */
    int64_t failed;      /* 1: the model failed: counts as dead */
} mote_bank_member;

/* Stores that several members may use at once. */
typedef struct mote_bank_stores {
    int64_t count, free_count;
    int64_t *uses, *free;
    int64_t *number;     /* in checkpoints */
} mote_bank_stores;

typedef struct mote_bank_worker {
    mote_particle_filter filter;
    mote_population own[2];  /* what the filter was opened with */
    void *own_cache;
    mote_datum datum;
    mote_message message;
    int64_t potentials;
} mote_bank_worker;

/* What depends on the number of particles. */
typedef struct mote_bank_room {
    mote_bank_stores stores;
    mote_population *population;
    double *values, **columns, *blocks;
    mote_bank_worker *worker;
    int64_t workers;
} mote_bank_room;

typedef struct mote_filter_bank {
    const mote_state_space *space; /* its series, also one that grows, gives the observations */
    mote_filter_setup setup;       /* particles: at present */
    const mote_memory *memory;
    mote_message *message;
    mote_pool *pool;
    mote_source source;            /* at the key that member keys are made from */
    int64_t n, spares;
    int64_t step;                  /* to which `advance` brings members */

    double *theta;                 /* n + spares rows of theta_count */
    mote_bank_member *member;      /* n + spares */
    mote_population weights;       /* of the n members: no columns */
    double log_evidence, increment;
    int64_t potentials;            /* particles weighed so far, in all */
    int64_t ids;                   /* keys given out */

    mote_bank_room room;
    mote_bank_stores caches;
    char *cache;
    int64_t cache_stride;
    mote_resampler resampler;
    int32_t *ancestor;             /* n */
    mote_bank_member *scratch;     /* n */
    double *theta_scratch;         /* n rows */
    int64_t *work, *status;        /* n + spares: members at work */
    int64_t stopped;               /* of them the first whose filter ended the run; -1: none */
    mote_message reason;           /* its */
    pthread_mutex_t lock;
    int64_t locked;                /* 1: the lock exists */
} mote_filter_bank;

/* `pool` may be NULL. Models whose states are handles are refused. */
int mote_filter_bank_open(mote_filter_bank *bank, const mote_state_space *space, const mote_filter_setup *setup,
                          int64_t n,
                          int64_t spares, const mote_source *source, const mote_memory *memory, mote_pool *pool,
                          mote_message *message);
void mote_filter_bank_close(mote_filter_bank *bank);

/* Begins anew at step 0 with equal weights; theta of all members is the owner's to fill. */
void mote_filter_bank_start(mote_filter_bank *bank);

/* Row of theta of member i, or of spare i - n. */
double *mote_filter_bank_theta(const mote_filter_bank *bank, int64_t i);

/* Member i begins a fresh filter under the key of id `id`: it advances from step 0. */
void mote_filter_bank_begin(mote_filter_bank *bank, int64_t i, int64_t id);

/* Brings members first .. first + count - 1 to bank->step. A filter that fails (MOTE_EMODEL) is dead, with `failed`
 * set; any other status is returned, named in the message of the bank, and the members that have not arrived can be
 * advanced again. */
int mote_filter_bank_advance(mote_filter_bank *bank, int64_t first, int64_t count);

/* Weights, their sum and the evidence after all members have advanced. */
void mote_filter_bank_weigh(mote_filter_bank *bank);

/* Members drawn by their weights at this address of `source`; bank->ancestor tells from where. Needs a weight above 0.
 * */
int mote_filter_bank_resample(mote_filter_bank *bank, mote_source *source);

/* Spare j takes the place of member i, weight and all that it holds unchanged (a Markov move); the spare is free again.
 * */
void mote_filter_bank_replace(mote_filter_bank *bank, int64_t i, int64_t j);

/* Frees what spares hold. */
void mote_filter_bank_forget(mote_filter_bank *bank);

/* The exchange: from now on filters have `particles` particles. All members begin anew, under fresh keys, and must be
 * advanced to the present step and weighed. MOTE_ENOMEM leaves everything as it was. */
int mote_filter_bank_exchange(mote_filter_bank *bank, int64_t particles);

/* Population of member i; NULL when it has none. */
const mote_population *mote_filter_bank_population(const mote_filter_bank *bank, int64_t i);

/* Everything but the spares. `most`: particles that a filter can have come to. */
void mote_filter_bank_save(const mote_filter_bank *bank, mote_writer *writer);
int mote_filter_bank_load(mote_filter_bank *bank, int64_t most, mote_reader *reader);

#endif
