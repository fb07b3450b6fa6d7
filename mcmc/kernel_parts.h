/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels from inside: what a method fills in. The only readers are the files of mcmc/. */
#ifndef MOTE_MCMC_KERNEL_PARTS_H
#define MOTE_MCMC_KERNEL_PARTS_H

#include "mcmc/kernel.h"

typedef struct mote_kernel_chain {
    mote_kernel *kernel;
    mote_stream stream;
    mote_kernel_point current, proposal;
    int64_t steps, step;            /* transitions to make, made */
    int64_t accepted, rows;
    int64_t phase;                  /* of methods with several rows per transition */
    int64_t trace;                  /* next row of the trace population, -1: none */
    double acceptance;              /* sum of min(1, ratio) */
    double squared_jump;            /* sum */
    double *work;                   /* work_size doubles of the method */
} mote_kernel_chain;

struct mote_kernel_method {
    const char *name;
    int64_t gradient;               /* 1: needs the gradient of the log-likelihood */
    int64_t (*work_size)(const mote_kernel *kernel);   /* doubles per chain */
    int64_t (*tuning_size)(const mote_kernel *kernel); /* doubles beside the common tuning; NULL: none */
    int64_t (*scratch_size)(const mote_kernel *kernel); /* doubles of own_scratch; NULL: none */
    void (*prepare)(mote_kernel *kernel);               /* the extra tuning before the first fit; NULL: zeros */
    /* After mean, covariance and its factor have been set; NULL: nothing more to fit. `weight` sums to 1. */
    void (*fit)(mote_kernel *kernel, const double *y, const double *weight, int64_t n);
    /* The next point that the transition needs, into chain->proposal.y; phase 0 begins a transition. */
    void (*propose)(mote_kernel_chain *chain);
    /* The value of the proposal is in; outside the support it has log-likelihood and log_base -inf. MOTE_OK: the
     * transition needs another point; MOTE_DONE: it is complete, `current` is its state. */
    int (*answer)(mote_kernel_chain *chain);
    double (*target_acceptance)(int64_t dimension);     /* NULL: there is no scale to adapt */
};

struct mote_kernel {
    const mote_kernel_method *method;
    const mote_space *space;
    const mote_memory *memory;
    mote_message *message;
    mote_kernel_settings settings;
    int64_t dimension, capacity;
    double inverse_temperature;

    /* Tuning: one block of numbers. */
    int64_t tuning_count;
    double *tuning;
    double *log_scale, *tuned;      /* one number each; tuned: 0 before the first fit */
    double *unit;                   /* d: standard deviations at the first fit */
    double *mean;                   /* d */
    double *covariance, *lower;     /* d x d: covariance = L L' */
    double *extra;                  /* tuning_size of the method */

    mote_kernel_points shape;          /* without rows: tells the sizes of points */
    mote_kernel_points *trace;
    mote_kernel_chain *chains;
    double *values;                 /* of all chains */
    double *own_scratch;            /* of the method */
    double *scratch;                /* 4 d + theta_count */
};

extern const mote_kernel_method mote_kernel_independence, mote_kernel_mala, mote_kernel_random_walk;

/* inverse_temperature * log-likelihood + log_base; a log-likelihood of -inf counts at temperature > 0 only. */
double mote_kernel_log_density(const mote_kernel *kernel, const mote_kernel_point *point);

/* The end of a Metropolis-Hastings transition: the proposal becomes current with probability
 * min(1, density(proposal) / density(current) e^log_ratio), log_ratio = log q(current | proposal) - log q(proposal |
 * current). Returns MOTE_DONE. */
int mote_kernel_decide(mote_kernel_chain *chain, double log_ratio);

/* Chain i. */
static inline mote_kernel_chain *mote_kernel_chain_at(const mote_kernel *kernel, int64_t i)
{
    return &kernel->chains[i];
}

#endif
