/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model with a conditionally linear-Gaussian part, wrapped as an ordinary one (Chen and Liu 2000, mixture Kalman
 * filters): the state of a particle is its own states, then mean and covariance of the linear part. The transition
 * moves the states and predicts, the potential is the Kalman filter's predictive density and updates. Every algorithm
 * that needs no transition density runs it. With nothing else to sample the evidence is the Kalman filter's own. */
#ifndef MOTE_MODEL_RAO_BLACKWELL_H
#define MOTE_MODEL_RAO_BLACKWELL_H

#include <mote/ssm.h>

#include "core/memory.h"
#include "core/message.h"

typedef struct mote_rao_blackwell mote_rao_blackwell;

enum { MOTE_LINEAR_MOST = 24 }; /* coordinates of the linear part, and observations */

/* Replaces what `model` must have for the whole by the wrapper's callbacks, and its states by all of them. */
int mote_rao_blackwell_open(mote_rao_blackwell **wrapper, mote_ssm *model, const mote_memory *memory,
                            mote_message *message);
void mote_rao_blackwell_close(mote_rao_blackwell **wrapper, const mote_memory *memory);

#endif
