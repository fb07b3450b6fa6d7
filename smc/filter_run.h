/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run `filter`, shared by its life cycle and its accessors. */
#ifndef MOTE_SMC_FILTER_RUN_H
#define MOTE_SMC_FILTER_RUN_H

#include "core/run.h"
#include "smc/history.h"
#include "smc/observe.h"
#include "smc/particle_filter.h"
#include "smc/record.h"
#include "smc/variance.h"

typedef struct mote_filter_run_state {
    mote_state_space space;
    double *theta;
    mote_datum datum;
    mote_pool *pool;
    mote_particle_filter filter;
    mote_history history;
    mote_variance variance;
    mote_record record;
    mote_observer observer;
    double last_time;   /* of the last observation consumed */
    int64_t waiting;    /* 1: datum holds an observation that was pushed and not yet taken */
    int64_t ended;      /* 1: the stream is closed */
} mote_filter_run_state;

/* The filter of a run of `filter` that has a population; NULL otherwise. */
const mote_particle_filter *mote_filter_of_run(const mote_run *run);

#endif
