/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program may ask a run of `filter` between observations. */
#include <math.h>

#include "smc/filter_run.h"

const mote_particle_filter *mote_filter_of_run(const mote_run *run)
{
    if (mote_run_usable(run) || run->algorithm != mote_filter)
        return NULL;
    const mote_filter_run_state *state = run->state;
    return state->filter.step ? &state->filter : NULL;
}

static const double *column_of(const mote_particle_filter *filter, int64_t state)
{
    return filter && state >= 0 && state < filter->space->model.state_count ? filter->now->state[state] : NULL;
}

double mote_filter_mean(mote_run *run, int64_t state)
{
    const mote_particle_filter *filter = mote_filter_of_run(run);
    const double *column = column_of(filter, state);
    return column ? mote_population_mean(filter->now, column, filter->setup.particles) : NAN;
}

double mote_filter_sd(mote_run *run, int64_t state)
{
    const mote_particle_filter *filter = mote_filter_of_run(run);
    const double *column = column_of(filter, state);
    const double mean = mote_filter_mean(run, state);
    double sum = 0;
    if (!column || isnan(mean))
        return NAN;
    for (int64_t i = 0; i < filter->setup.particles; ++i)
        sum += mote_population_weight(filter->now, i) * (column[i] - mean) * (column[i] - mean);
    return sqrt(sum);
}

double mote_filter_log_evidence(const mote_run *run)
{
    const mote_particle_filter *filter = mote_filter_of_run(run);
    return filter ? filter->log_evidence : NAN;
}

double mote_filter_increment(const mote_run *run)
{
    const mote_particle_filter *filter = mote_filter_of_run(run);
    return filter ? filter->increment : NAN;
}

double mote_filter_effective_sample_size(const mote_run *run)
{
    const mote_particle_filter *filter = mote_filter_of_run(run);
    return filter ? filter->now->effective_sample_size : NAN;
}

int64_t mote_filter_count(const mote_run *run)
{
    const mote_particle_filter *filter = mote_filter_of_run(run);
    return filter ? filter->step : 0;
}

const double *mote_filter_state(const mote_run *run, int64_t state)
{
    return column_of(mote_filter_of_run(run), state);
}

int mote_filter_log_weights(const mote_run *run, double *log_weight)
{
    const mote_particle_filter *filter = mote_filter_of_run(run);
    if (!filter || !log_weight)
        return MOTE_ESTATE;
    for (int64_t i = 0; i < filter->setup.particles; ++i)
        log_weight[i] = filter->dead ? -INFINITY : filter->now->log_weight[i] - filter->now->log_sum;
    return MOTE_OK;
}

const int32_t *mote_filter_ancestors(const mote_run *run)
{
    const mote_particle_filter *filter = mote_filter_of_run(run);
    return filter ? filter->ancestor : NULL;
}
