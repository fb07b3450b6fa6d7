/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A state-space model whose parameters move: the state of the wrapped model is (x, y, theta), y the sampled parameters
 * on the real line, theta all non-derived ones in physical units. At each time y takes a normal step, theta follows,
 * and the model's own callbacks see parameter[p] with stride 1. So parameters are carried, resampled and stored as
 * states, and no filter needs to know. */
#ifndef MOTE_SMC_PERTURBED_H
#define MOTE_SMC_PERTURBED_H

#include <stdatomic.h>

#include "model/state_space.h"

enum { MOTE_PERTURBED_PARAMETERS = 64 }; /* most entries of theta */

/* What one call on a single particle needs; as many as threads that may call at once. */
typedef struct mote_perturbed_scratch {
    atomic_flag taken;
    void *cache;                /* of one particle, when the model has one */
    const double **parameter;   /* q */
    double **columns;           /* 2 d */
} mote_perturbed_scratch;

typedef struct mote_perturbed {
    const mote_state_space *inner;
    mote_ssm model;             /* the wrapped one: open a mote_state_space on it */
    int64_t d, p, q;            /* states, sampled parameters, entries of theta */
    const char **names;         /* d + p + q, made up */
    char *texts;
    const double *start;        /* n x p: y that the swarm begins with, by particle */
    const double *size;         /* p: standard deviations of a step */
    const int64_t *first_only;  /* p: 1: perturbed with the initial law alone */
    double factor;              /* of all sizes: cooling */
    double log_cooling_per_time; /* factor at time t = factor * exp(log_cooling_per_time t) */
    mote_perturbed_scratch *scratch;
    int64_t threads;            /* of them */
    const mote_memory *memory;
} mote_perturbed;

/* The wrapped model is thread-safe when the inner one is, for at most `threads` calls at once. */
int mote_perturbed_open(mote_perturbed *perturbed, const mote_state_space *inner, int64_t threads,
                        const mote_memory *memory);
void mote_perturbed_close(mote_perturbed *perturbed);

#endif
