/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the pool and the threads executor share: threads that take no signals, and a word to wait on.
 *
 * A waiter watches the word for about one wake-up latency (10 us), then sleeps until it is woken. Spinning that did
 * not pay is halved the next time and spinning that did is doubled, so that waiters of an oversubscribed machine soon
 * give their processor away at once; with more threads than processors nobody spins from the start. */
#ifndef MOTE_CORE_THREADS_PARTS_H
#define MOTE_CORE_THREADS_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

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

/* Returns once the word is no longer `seen`. `patience` is the waiter's own: how long it spins, ns. */
void mote_signal_wait(mote_signal *signal, unsigned seen, int64_t *patience);

/* The patience to begin with, for a team of `threads`. */
int64_t mote_patience(int64_t threads);

/* Starts up to `count` threads that take no signals; returns how many could be started. */
int64_t mote_threads_start(pthread_t *handles, int64_t count, void *(*body)(void *), void *const *arguments);

#endif
