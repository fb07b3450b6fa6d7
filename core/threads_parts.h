/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the pool and the threads executor share: threads that take no signals, and a word to wait on.
 *
 * A waiter watches the word for about one wake-up latency (10 us), then sleeps until it is woken. Spinning that did
 * not pay is halved the next time and spinning that did is doubled, so that waiters of an oversubscribed machine soon
 * give their processor away at once; with more threads than processors nobody spins from the start. A waiter that has
 * slept 16, 32, 64, ... times in a row (from 1024 on every 1024 times) tries once in full: else a few slow moments would
 * leave it asleep at every step for good, because the pauses between steps are longer than its shortest spin. */
#ifndef MOTE_CORE_THREADS_PARTS_H
#define MOTE_CORE_THREADS_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* How long a waiter spins: its own, changed by each wait. */
typedef struct mote_patience {
    int64_t spin;  /* ns; 0: never */
    int64_t slept; /* waits in a row whose spinning did not pay */
} mote_patience;

/* A 32-bit word whose changes others wait for. */
typedef struct mote_signal {
    atomic_uint word;
    atomic_uint sleepers;
#if !defined __linux__
    pthread_mutex_t mutex;
    pthread_cond_t changed;
#endif
} mote_signal;

void mote_signal_open(mote_signal *signal);
void mote_signal_close(mote_signal *signal);

/* Changes the word and wakes whoever sleeps on it. What was written before is seen by those who notice the change. */
void mote_signal_raise(mote_signal *signal);

/* Returns once the word is no longer `seen`. */
void mote_signal_wait(mote_signal *signal, unsigned seen, mote_patience *patience);

/* The patience to begin with, for a team of `threads`. */
mote_patience mote_patience_of(int64_t threads);

/* ns that the next wait spins; what is learnt from a wait that spun so long and did or did not see the change. */
int64_t mote_patience_next(const mote_patience *patience);
void mote_patience_learn(mote_patience *patience, int64_t spun, int paid);

/* Starts up to `count` threads that take no signals; returns how many could be started. */
int64_t mote_threads_start(pthread_t *handles, int64_t count, void *(*body)(void *), void *const *arguments);

#endif
