/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model that fails too often ends the run: `failed_share` of the first `failed_window` rows. Algorithms ask between
 * complete blocks only, so that the decision is the same for every executor. */
#include "core/run.h"

int mote_run_check_failures(mote_run *run, int64_t *settled)
{
    static const char *const reasons[] = {
#define REASON_TEXT(name, value, text) text,
        MOTE_REASON_LIST(REASON_TEXT)
#undef REASON_TEXT
    };
    int64_t failed = 0, most = 1, calls = run->ledger.calls, window = run->settings.failed_window;
    if (*settled)
        return MOTE_OK;
    for (int64_t i = 1; i < MOTE_REASON_COUNT; ++i) {
        failed += run->ledger.failed[i];
        if (run->ledger.failed[i] > run->ledger.failed[most])
            most = i;
    }
    /* a block may reach far beyond the window: the share is that of all rows so far */
    if ((double)failed <= run->settings.failed_share * (double)(calls > window ? calls : window)) {
        *settled = calls >= window;
        return MOTE_OK;
    }
    return mote_fail(&run->message, MOTE_EMODEL,
                     "%s: %lld of the first %lld evaluations failed, most because %s (limit: option failed_share = %g)",
                     run->executor.function.name, (long long)failed, (long long)calls, reasons[most],
                     run->settings.failed_share);
}
