/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SIGINT and SIGTERM ask the run to stop at its next safe point; a second SIGINT ends the program at once. */
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "cli/cli.h"

static _Atomic(mote_run *) watched;
static volatile sig_atomic_t seen;

static void handle(int number)
{
    mote_run *run = atomic_load(&watched);
    if (seen && number == SIGINT)
        _exit(128 + SIGINT);
    seen = number;
    if (run)
        mote_run_stop(run);
}

void mote_signals_watch(mote_run *run)
{
    struct sigaction action = { .sa_handler = run ? handle : SIG_DFL };
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    atomic_store(&watched, run);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int mote_signals_seen(void)
{
    return seen;
}
