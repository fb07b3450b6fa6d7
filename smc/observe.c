/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Populations shown to a user's function: see observe.h. */
#include "smc/observe.h"

#include <math.h>
#include <string.h>

static int observer_collect(mote_collector *collector, mote_particle_filter *filter)
{
    mote_observer *observer = (mote_observer *)collector;
    const int64_t n = filter->setup.particles;
    for (int64_t i = 0; i < n; ++i)
        observer->log_weight[i] = filter->dead ? -INFINITY : filter->now->log_weight[i] - filter->now->log_sum;
    const mote_filter_view view = { MOTE_VERSIONED(mote_filter_view), .step = filter->step - 1, .time = filter->time,
                                    .n = n,
                                    .state_count = filter->space->model.state_count,
                                    .state = (const double *const *)filter->now->state,
                                        .log_weight = observer->log_weight,
                                    .ancestor = filter->ancestor, .resampled = filter->resampled,
                                    .log_evidence = filter->log_evidence, .increment = filter->increment,
                                    .effective_sample_size = filter->now->effective_sample_size };
    const int status = observer->observe(observer->ctx, &view);
    return status > 0 ? mote_fail(filter->message, MOTE_EINVAL, "observe returned %d at step %lld; 0 is success, codes "
                                  "below 0 stop the run", status, (long long)view.step) : status;
}

static const mote_collector_table table = { .name = "observe", .collect = observer_collect };

int mote_observer_open(mote_observer *observer, mote_particle_filter *filter,
                       int (*observe)(void *ctx, const mote_filter_view *view), void *ctx, const mote_memory *memory)
{
    memset(observer, 0, sizeof *observer);
    observer->collector.table = &table;
    observer->memory = memory;
    observer->observe = observe;
    observer->ctx = ctx;
    observer->log_weight = mote_memory_allocate(memory, filter->setup.particles, sizeof *observer->log_weight);
    if (!observer->log_weight)
        return MOTE_ENOMEM;
    mote_particle_filter_add(filter, &observer->collector);
    return MOTE_OK;
}

void mote_observer_close(mote_observer *observer)
{
    if (observer->memory)
        mote_memory_release(observer->memory, observer->log_weight);
    memset(observer, 0, sizeof *observer);
}
