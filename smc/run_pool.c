/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/run_pool.h"

int mote_run_open_pool(mote_run *run, const mote_state_space *space, mote_pool **pool)
{
    const int64_t threads = run->settings.threads;
    const int safe = (space->model.flags & MOTE_SSM_THREADSAFE) != 0;
    if (threads > 1 && !safe)
        mote_run_log(run, MOTE_LOG_WARNING, "option threads = %lld is not used: the model does not say that it is "
                     "thread-safe (MOTE_SSM_THREADSAFE)", (long long)threads);
    return threads > 1 && safe ? mote_pool_open(pool, &run->memory, threads) : MOTE_OK;
}
