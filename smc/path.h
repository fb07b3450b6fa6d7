/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a model says of one whole path, step by step: its complete-data log-density and additive functionals,
 *
 *     log mu(x_0) + log G_0(x_0) + sum_t [ log m_t(x_{t-1}, x_t) + log G_t(x_{t-1}, x_t) ],    h_0(x_0) + sum_t
 * h_t(x_{t-1}, x_t)
 *
 * for parameters of its own, so that one can move theta given a path. Blocks hold one particle, since times differ. */
#ifndef MOTE_SMC_PATH_H
#define MOTE_SMC_PATH_H

#include "core/message.h"
#include "model/state_space.h"

typedef struct mote_path_model {
    const mote_state_space *space;
    const mote_memory *memory;
    mote_message *message;
    double *theta;
    const double **parameter;
    void *cache;
    mote_datum datum;
    double **state, **previous; /* state_count columns of one */
    double *values;             /* where these stand: 2 state_count */
    double *term, **term_at;    /* of functionals with up to `room` components, twice, and columns that point into it */
    int64_t room;
} mote_path_model;

/* The model must carry its series. */
int mote_path_model_open(mote_path_model *p, const mote_state_space *space, const mote_memory *memory,
                         mote_message *message);
void mote_path_model_close(mote_path_model *p);

/* Parameters from now on (theta_count values), prepared. */
int mote_path_model_set(mote_path_model *p, const double *theta);

/* Of `path`, rows of state_count by time. The density needs log_initial, log_transition and an initial law at the first
 * observation. */
int mote_path_log_density(mote_path_model *p, const double *path, double *log_density);
int mote_path_functional(mote_path_model *p, const double *path, int64_t functional, double *value);

/* MOTE_OK, or what the model lacks for the density. */
int mote_path_density_check(const mote_state_space *space, const char *algorithm, mote_message *message);

#endif
