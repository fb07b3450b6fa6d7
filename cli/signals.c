/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SIGINT and SIGTERM ask the run to stop at its next safe point; a second SIGINT ends the program at once. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/select.h>
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

static sigset_t both(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

void mote_signals_hold(void)
{
    const struct sigaction action = { .sa_handler = handle }; /* no SA_RESTART: a read ends */
    const sigset_t set = both();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int mote_signals_await(int descriptor)
{
    const sigset_t set = both();
    sigset_t open;
    fd_set readable;
    int ready = -1;
    pthread_sigmask(SIG_BLOCK, NULL, &open);
    sigdelset(&open, SIGINT);
    sigdelset(&open, SIGTERM);
    while (!seen && ready < 0) {
        FD_ZERO(&readable);
        FD_SET(descriptor, &readable);
        ready = pselect(descriptor + 1, &readable, NULL, NULL, NULL, &open);
        if (ready < 0 && errno != EINTR)
            break; /* reading will say what is wrong */
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return !seen;
}

int mote_signals_seen(void)
{
    return seen;
}
