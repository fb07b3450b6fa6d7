/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timing by ratio: the windows of all contestants of a group are interleaved in one process and the fastest of each is
 * taken, because the machine is shared. Compare ratios, not nanoseconds of different runs. */
#ifndef MOTE_BENCH_H
#define MOTE_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/vector.h"

typedef struct bench_entry {
    const char *what;
    void (*run)(const struct bench_entry *entry); /* one window */
    const void *with;
    double items; /* per window */
    double best;  /* seconds per window */
} bench_entry;

/* CPU time of this thread: what others do on the machine counts less. */
static inline double bench_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline void bench_measure(bench_entry *entries, int count, int windows)
{
    for (int i = 0; i < count; ++i)
        entries[i].best = 1e300;
    for (int window = 0; window < windows; ++window)
        for (int i = 0; i < count; ++i) {
            double start = bench_seconds();
            entries[i].run(&entries[i]);
            double seconds = bench_seconds() - start;
            if (seconds < entries[i].best)
                entries[i].best = seconds;
        }
}

/* The last entry is the yardstick: ratio = its time per item over ours. */
static inline void bench_print(const bench_entry *entries, int count)
{
    const bench_entry *theirs = &entries[count - 1];
    printf("%-34s %10s %10s %8s\n", "what", "ours, ns", "theirs, ns", "ratio");
    for (int i = 0; i < count - 1; ++i) {
        double ours = 1e9 * entries[i].best / entries[i].items, other = 1e9 * theirs->best / theirs->items;
        printf("%-34s %10.3f %10.3f %8.2f\n", entries[i].what, ours, other, other / ours);
    }
    printf("  (theirs: %s)\n", theirs->what);
}

static inline void bench_head(const char *name)
{
    FILE *load = fopen("/proc/loadavg", "r");
    char average[64] = "unknown";
    if (load) {
        if (!fgets(average, sizeof average, load))
            average[0] = '\0';
        fclose(load);
    }
    printf("# %s; kernels %s; compiler %s; load average %.14s\n", name, mote_vector()->name, __VERSION__, average);
}

#endif
