/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SIGINT and SIGTERM ask the run to stop at its next safe point; a second SIGINT ends the program at once. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

static _Atomic(mote_run *) watched;
static volatile sig_atomic_t seen;
static pthread_t waiter; /* of a program that waits for lines */

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

/* A thread of the model's may get the signal in place of the one that waits. */
static void note(int number)
{
    if (pthread_equal(pthread_self(), waiter))
        handle(number);
    else
        pthread_kill(waiter, number);
}

void mote_signals_note(void)
{
    struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESTART }; /* a wait by pselect ends all the same */
    sigemptyset(&action.sa_mask);
    waiter = pthread_self();
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static struct timespec timespec_of(double seconds)
{
    const double s = seconds > 0 ? seconds < 1e6 ? seconds : 1e6 : 0; /* a wait that is too short is no harm */
    return (struct timespec){ .tv_sec = (time_t)s, .tv_nsec = (long)((s - floor(s)) * 1e9) };
}

/* Between the look at `seen` and the wait the two are blocked: none is missed. */
int mote_signals_await(int descriptor, double seconds)
{
    const sigset_t set = both();
    const struct timespec limit = timespec_of(seconds);
    sigset_t before, open;
    fd_set readable;
    int ready = -1;
    pthread_sigmask(SIG_BLOCK, &set, &before);
    open = before;
    sigdelset(&open, SIGINT);
    sigdelset(&open, SIGTERM);
    while (!seen && ready < 0) {
        FD_ZERO(&readable);
        FD_SET(descriptor, &readable);
        ready = pselect(descriptor + 1, &readable, NULL, NULL, isinf(seconds) ? NULL : &limit, &open);
        if (ready < 0 && errno != EINTR)
            break; /* reading will say what is wrong */
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return seen ? 0 : ready ? 1 : -1;
}

int mote_signals_seen(void)
{
    return seen;
}
