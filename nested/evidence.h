/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Volumes and evidence of nested sampling (Skilling 2006; Higson et al. 2018; Fowlie, Handley & Su 2021 for ties).
 *
 *     log X_i = log X_{i-1} + log t_i,  t_i ~ Beta(n_i, 1):  E log t = -1/n_i,  var = 1/n_i^2
 *     Z = sum_i (L_{i-1} + L_i)/2 (X_{i-1} - X_i) + X_N L_N,  L_0 := L_1   (weights sum to 1; a constant L is exact)
 *     within a plateau and the gap before its first point: rectangle with L_i
 *
 * Deaths are in ascending order of log-likelihood with their live counts n_i (ties: n, n-1, ...). */
#ifndef MOTE_NESTED_EVIDENCE_H
#define MOTE_NESTED_EVIDENCE_H

#include "core/memory.h"
#include "core/source.h"

typedef struct mote_deaths {
    int64_t n;
    const double *log_likelihood; /* ascending, -inf allowed */
    const double *birth;          /* logL of the contour at birth; NaN-free; -inf for points with no contour below */
    const double *from_prior;     /* 1 for initial prior draws (born below everything, also below -inf), else 0 */
    const double *live_count;     /* n_i */
    int64_t live;                 /* the last `live` of them were still live at termination */
} mote_deaths;

typedef struct mote_evidence {
    double log_evidence;      /* mean over simulated volumes */
    double error_simulated, error_bootstrap, error_tail;
    double information;       /* H, nats */
    double effective_sample_size;
    double remaining;         /* share of Z in the final live points, at mean volumes */
    double half_difference;   /* log Z of half of the threads minus the other half, over its bootstrap error */
} mote_evidence;

/* The whole post-processing. `log_weight` (n) receives the log of the mean normalised weights; `thread` (n) the
 * thread id of each death. Sources: VOLUME and BOOTSTRAP addresses of `source`. MOTE_ENOMEM or MOTE_OK. */
int mote_evidence_compute(const mote_deaths *deaths, const mote_source *source, int64_t simulations,
                          int64_t bootstraps, const mote_memory *memory, double *log_weight, double *thread,
                          mote_evidence *evidence);

/* log Z at mean log-volumes, and optionally the normalised log weights (NULL to skip). */
double mote_evidence_mean(const mote_deaths *deaths, double *log_weight);

/* Live counts from births: n_i = #{j : birth_j < L_i <= L_j} minus ties already removed. */
int mote_evidence_recount(const double *log_likelihood, const double *birth, const double *from_prior, int64_t n,
                          const mote_memory *memory, double *live_count);

/* Single-point threads: a child born at a contour continues a thread that died there; extra births open threads. */
int mote_evidence_threads(const mote_deaths *deaths, const mote_memory *memory, double *thread, int64_t *count);

/* The running estimate that the stop rule looks at: fed with each death in order. Plain values, checkpointed. */
typedef struct mote_running_evidence {
    double log_z;            /* -inf at the start */
    double log_z2;           /* log of the sum of squared weights, likewise */
    double log_x;            /* 0 at the start */
    double information;      /* of what has died so far: for the error sqrt(H/n) */
    double last;             /* logL of the last death; NaN at the start */
    int64_t deaths;
} mote_running_evidence;

void mote_running_evidence_start(mote_running_evidence *running);
void mote_running_evidence_add(mote_running_evidence *running, double log_likelihood, double live_count);

#endif
