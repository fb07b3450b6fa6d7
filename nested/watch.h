/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Watches a nested-sampling run for trouble and names the cause: plateau, resolution of double precision, loss of
 * efficiency, noisy or unbounded likelihood, late spikes. State is plain values, checkpointed. */
#ifndef MOTE_NESTED_WATCH_H
#define MOTE_NESTED_WATCH_H

#include <stdint.h>

enum { MOTE_WATCH_JUMPS = 50, MOTE_WATCH_CALLS = 101 };

typedef struct mote_watch {
    int64_t warnings;                        /* bits of enum mote_warning raised so far */
    double maximum;                          /* largest log-likelihood so far */
    double jumps[MOTE_WATCH_JUMPS];          /* the last rises of the maximum, a ring */
    double jump_count;
    double calls[MOTE_WATCH_CALLS];          /* calls per birth of the last steps, a ring */
    double call_count;
    double lowest_remaining;                 /* smallest remaining share so far, and the births since */
    double births_since;
} mote_watch;

void mote_watch_start(mote_watch *watch);

/* A new point of the run (prior draw: at_start = 1). Raises SPIKE when the maximum jumps far beyond its last jumps. */
void mote_watch_point(mote_watch *watch, double log_likelihood, int64_t at_start);

/* A finished step: calls of its births, live range, remaining share. Returns the bits that are new. */
int64_t mote_watch_step(mote_watch *watch, double calls_per_birth, int64_t births, double live_minimum,
                        double live_maximum, double remaining, int64_t live_points,
                        double log_volume_per_dimension);

#endif
