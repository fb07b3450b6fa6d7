/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backward information filter of two-filter smoothing (Briers, Doucet and Maskell 2010): particles of
 *
 *     p~_t(x) proportional to gamma_t(x) p(y_{t:T} | x_t = x)
 *
 * with the model's artificial laws gamma_t, from t = T down to 0:
 *
 *     t = T: x ~ gamma_T                                     weight g_T(x)
 *     t < T: resample if needed; x ~ q_t(. | x_{t+1})
 *            weight *= g_t(x) gamma_t(x) m(x, x_{t+1}) / (gamma_{t+1}(x_{t+1}) q_t(x | x_{t+1}))
 *
 * q is propose_backward, or gamma_t itself. log_evidence estimates log of the integral of gamma_t(x) p(y_{t:T} | x),
 * gamma as log_artificial gives it with artificial as its normalised law.
 * Known answer: tests/smc/test_smoother_law.c. */
#ifndef MOTE_SMC_INFORMATION_H
#define MOTE_SMC_INFORMATION_H

#include "smc/history.h"

typedef struct mote_information {
    const mote_particle_filter *filter; /* of the model, its parameters and the setup */
    mote_resampler resampler;
    double **state, **later;  /* x_t and x_{t+1}: state_count columns of N */
    double **gathered;        /* parents in x_{t+1} */
    double *log_weight;       /* N */
    double *log_artificial;   /* N: log gamma_t(x_t) */
    double *carried;          /* N: log-weights to begin a step with, less log gamma_{t+1} of the parent */
    double *weight;           /* N: normalised */
    double *density;          /* MOTE_BLOCK */
    double *extra;            /* MOTE_BLOCK */
    int32_t *ancestor;        /* N */
    const double **previous;  /* state_count pointers */
    double **columns;         /* state_count pointers */
    double log_sum, log_evidence, effective_sample_size;
    int64_t resamplings;
} mote_information;

/* Checks what the model must have: "option method = two_filter needs log_artificial, ...". */
int mote_information_open(mote_information *information, const mote_particle_filter *filter, const mote_memory *memory);
void mote_information_close(mote_information *information, const mote_memory *memory);

/* The first step (later NULL: at T), and the others in descending order: to the time of `g` from that of `later`.
 * MOTE_ENUMERIC when all weights become zero. */
int mote_information_step(mote_information *information, const mote_generation *g, const mote_generation *later,
                          const mote_source *source);

void mote_information_save(const mote_information *information, mote_writer *writer);
void mote_information_load(mote_information *information, mote_reader *reader);

#endif
