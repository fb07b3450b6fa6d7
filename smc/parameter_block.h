/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameters given a path: the second half of a particle Gibbs sampler. A kernel of mcmc/kernel.h moves theta for some
 * transitions with the complete-data log-density (smc/path.h) of the present path as its log-likelihood, under the
 * model's priors. The path changes between calls, so the value of the current point is computed anew each time: given
 * the path it is exact, nothing is estimated. During warm-up the proposal adapts as in adaptive Metropolis. */
#ifndef MOTE_SMC_PARAMETER_BLOCK_H
#define MOTE_SMC_PARAMETER_BLOCK_H

#include "core/run.h"
#include "mcmc/kernel.h"
#include "smc/path.h"

typedef struct mote_parameter_block {
    const mote_state_space *space;
    mote_space parameters;     /* the model's own, as a target with gradients: a view of space->space */
    mote_run *run;
    mote_path_model path;
    mote_executor executor;    /* serial, of its own */
    mote_ledger ledger;
    mote_crew crew;
    mote_kernel *kernel;
    mote_kernel_points point;  /* one: scratch */
    int64_t transitions;       /* of a move */
    const double *present;     /* the path of the move under way */
    double *y, *slope;         /* dimension; theta_count */
    double accepted, proposed; /* of moves after warm-up */
} mote_parameter_block;

/* `method`: a name that mote_kernel_find knows. Names what the model lacks: log_initial, log_transition, for some
 * methods gradient. */
int mote_parameter_block_open(mote_parameter_block *b, mote_run *run, const mote_state_space *space, const char *method,
                              int64_t transitions);
void mote_parameter_block_close(mote_parameter_block *b);

/* Moves theta (theta_count values, in place) given the path, rows of state_count by time. `number`: of this move, from
 * 0. `gain` > 0: adapts with this gain afterwards. */
int mote_parameter_block_move(mote_parameter_block *b, const double *path, int64_t number, double gain, double *theta);

void mote_parameter_block_save(const mote_parameter_block *b, mote_writer *writer);
void mote_parameter_block_load(mote_parameter_block *b, mote_reader *reader);

#endif
