/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting: spin, then sleep in the kernel (a futex on Linux, a condition variable elsewhere). */
#define _GNU_SOURCE 1 /* sched_getaffinity, syscall */
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#if defined __linux__
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

#include "core/threads_parts.h"

enum { LONGEST_SPIN = 10000, SHORTEST_SPIN = 500, LOOKS = 32 }; /* ns, ns, looks at the word per look at the clock */
enum { FIRST_TRY = 16, LAST_TRY = 1024 };                       /* waits slept through before a full spin is tried again */

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Tells the processor that this is a waiting loop. */
static void pause_briefly(void)
{
#if defined __x86_64__ || defined __i386__
    __asm__ volatile("pause");
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

static int64_t processors(void)
{
#if defined __linux__
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set))
        return CPU_COUNT(&set);
#endif
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? count : 1;
}

mote_patience mote_patience_of(int64_t threads)
{
    return (mote_patience){ .spin = threads <= processors() ? LONGEST_SPIN : 0 };
}

int64_t mote_patience_next(const mote_patience *patience)
{
    const int64_t slept = patience->slept;
    const int again = slept >= FIRST_TRY && (slept < LAST_TRY ? (slept & (slept - 1)) == 0 : slept % LAST_TRY == 0);
    return again && patience->spin ? LONGEST_SPIN : patience->spin;
}

void mote_patience_learn(mote_patience *patience, int64_t spun, int paid)
{
    if (paid)
        *patience = (mote_patience){ .spin = 2 * spun < LONGEST_SPIN ? 2 * spun : LONGEST_SPIN };
    else
        *patience = (mote_patience){ patience->spin / 2 > SHORTEST_SPIN ? patience->spin / 2 : SHORTEST_SPIN,
                                     patience->slept + 1 };
}

void mote_signal_open(mote_signal *signal)
{
    atomic_init(&signal->word, 0);
    atomic_init(&signal->sleepers, 0);
#if !defined __linux__
    pthread_mutex_init(&signal->mutex, NULL);
    pthread_cond_init(&signal->changed, NULL);
#endif
}

void mote_signal_close(mote_signal *signal)
{
#if !defined __linux__
    pthread_cond_destroy(&signal->changed);
    pthread_mutex_destroy(&signal->mutex);
#else
    (void)signal;
#endif
}

/* Sleeps while the word is `seen`; may return early. */
static void sleep_on(mote_signal *signal, unsigned seen)
{
#if defined __linux__
    syscall(SYS_futex, &signal->word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
#else
    pthread_mutex_lock(&signal->mutex);
    while (atomic_load(&signal->word) == seen)
        pthread_cond_wait(&signal->changed, &signal->mutex);
    pthread_mutex_unlock(&signal->mutex);
#endif
}

static void wake_all(mote_signal *signal)
{
#if defined __linux__
    syscall(SYS_futex, &signal->word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
#else
    pthread_mutex_lock(&signal->mutex);
    pthread_cond_broadcast(&signal->changed);
    pthread_mutex_unlock(&signal->mutex);
#endif
}

/* Sleepers count themselves before they look at the word for the last time, and the word changes before sleepers are
 * counted; both in one order (sequentially consistent), so that no change is slept through. */
void mote_signal_raise(mote_signal *signal)
{
    atomic_fetch_add(&signal->word, 1);
    if (atomic_load(&signal->sleepers))
        wake_all(signal);
}

/* 1 when the word changed while spinning. */
static int spin(const mote_signal *signal, unsigned seen, int64_t nanoseconds)
{
    int64_t end = clock_ns() + nanoseconds;
    do
        for (int i = 0; i < LOOKS; ++i) {
            if (atomic_load_explicit(&signal->word, memory_order_acquire) != seen)
                return 1;
            pause_briefly();
        }
    while (clock_ns() < end);
    return 0;
}

void mote_signal_wait(mote_signal *signal, unsigned seen, mote_patience *patience)
{
    if (atomic_load_explicit(&signal->word, memory_order_acquire) != seen)
        return;
    if (patience->spin) {
        const int64_t nanoseconds = mote_patience_next(patience);
        const int paid = spin(signal, seen, nanoseconds);
        mote_patience_learn(patience, nanoseconds, paid);
        if (paid)
            return;
    }
    atomic_fetch_add(&signal->sleepers, 1);
    while (atomic_load(&signal->word) == seen)
        sleep_on(signal, seen);
    atomic_fetch_sub(&signal->sleepers, 1);
}

int64_t mote_threads_start(pthread_t *handles, int64_t count, void *(*body)(void *), void *const *arguments)
{
    sigset_t all, before;
    int64_t started = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < count && !pthread_create(&handles[started], NULL, body, arguments[started]))
        ++started;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}
