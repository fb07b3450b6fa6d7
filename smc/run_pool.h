/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads of a run on a state-space model: option `threads`, as far as the model allows it. */
#ifndef MOTE_SMC_RUN_POOL_H
#define MOTE_SMC_RUN_POOL_H

#include "core/run.h"
#include "core/threads.h"
#include "model/state_space.h"

/* *pool stays NULL for one thread; so it does for a model that is not thread-safe, with a warning to the log. */
int mote_run_open_pool(mote_run *run, const mote_state_space *space, mote_pool **pool);

#endif
