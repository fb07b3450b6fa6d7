/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The score of a whole series in one of four ways, so that learning loops need not know them: d/d theta log p(y |
 * theta) is the smoothed expectation of the complete-data score (Fisher's identity),
 *
 *     h_0 = grad log mu + grad log G_0,   h_t = grad log m_t + grad log G_t      (the model's `gradient`)
 *
 * ppg: a roll-out of the Parisian particle Gibbs sampler from a path that is kept from call to call, in which only the
 * sweeps' burn-in has a bias; paris, forward, genealogy: one filter with a collector of smc/paris.h, bias of order 1/N.
 * Of a proposal with parameters h_t = grad log q_t: the descent of KL(path given y || q), Markov score climbing. */
#ifndef MOTE_SMC_SCORE_H
#define MOTE_SMC_SCORE_H

#include <mote/score_ascent.h>

#include "smc/ppg.h"

typedef struct mote_score_setup {
    mote_filter_setup filter;
    mote_backward_setup backward;
    int64_t score;            /* enum mote_score */
    int64_t functional;       /* MOTE_FUNCTIONAL_GRADIENT, _PROPOSAL or _BOTH_GRADIENTS */
    int64_t sweeps, dropped;  /* of ppg */
} mote_score_setup;

typedef struct mote_score_estimator {
    mote_score_setup setup;
    mote_ppg_sampler ppg;        /* of ppg */
    mote_particle_filter filter; /* of the others */
    mote_paris_smoother smoother;
    mote_datum datum;
    const mote_memory *memory;
    double *path;                /* of ppg: carried over */
    int64_t started;             /* 1: there is a path */
    int64_t length;              /* of the path */
} mote_score_estimator;

int mote_score_open(mote_score_estimator *s, const mote_state_space *space, const mote_score_setup *setup,
                    const mote_memory *memory, mote_pool *pool, mote_message *message);
void mote_score_close(mote_score_estimator *s);

/* `gradient`: theta_count values, physical units. *log_evidence: of the filter, of ppg's last conditional one. The
 * source's key must differ from call to call. */
int mote_score_at(mote_score_estimator *s, const double *theta, const mote_source *source, double *gradient,
                  double *log_evidence);

/* Particles weighed by the last call, and what backward draws have cost since open. */
int64_t mote_score_potentials(const mote_score_estimator *s);
mote_backward_info mote_score_info(const mote_score_estimator *s);

void mote_score_save(const mote_score_estimator *s, mote_writer *writer);
void mote_score_load(mote_score_estimator *s, mote_reader *reader);

#endif
