/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A collector that shows every population to a function of the user: mote_filter_options.observe. */
#ifndef MOTE_SMC_OBSERVE_H
#define MOTE_SMC_OBSERVE_H

#include "smc/particle_filter.h"

typedef struct mote_observer {
    mote_collector collector;
    const mote_memory *memory;
    int (*observe)(void *ctx, const mote_filter_view *view);
    void *ctx;
    double *log_weight; /* n, normalised */
} mote_observer;

/* Opens and adds itself to the filter, which it must outlive. */
int mote_observer_open(mote_observer *observer, mote_particle_filter *filter,
                       int (*observe)(void *ctx, const mote_filter_view *view), void *ctx, const mote_memory *memory);
void mote_observer_close(mote_observer *observer);

#endif
