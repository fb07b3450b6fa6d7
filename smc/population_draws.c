/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The present population as draws: a column for each state, normalised log-weights. */
#include <math.h>
#include <string.h>

#include "smc/particle_filter.h"

mote_draws *mote_population_draws(const mote_particle_filter *filter)
{
    const mote_ssm *model = &filter->space->model;
    const int64_t n = filter->setup.particles;
    mote_parameter *columns = mote_memory_allocate(filter->memory, model->state_count, sizeof *columns);
    for (int64_t k = 0; columns && k < model->state_count; ++k)
        columns[k].name = model->states[k];
    mote_draws *draws = columns ? mote_draws_create(filter->memory, columns, model->state_count, n, 0) : NULL;
    mote_memory_release(filter->memory, columns);
    for (int64_t k = 0; draws && k < model->state_count; ++k)
        memcpy(draws->columns[k], filter->now->state[k], (size_t)n * sizeof(double));
    for (int64_t i = 0; draws && i < n; ++i)
        draws->log_weight[i] = filter->dead ? -INFINITY : filter->now->log_weight[i] - filter->now->log_sum;
    return draws;
}

int mote_warn_of_bias(mote_draws *draws, int64_t resampling)
{
    return mote_resampling_flags(resampling) & MOTE_RESAMPLING_UNBIASED ? MOTE_OK
        : mote_draws_add_warning(draws, "biased_resampling", "the resampling scheme is biased, and so is the evidence");
}
