/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Static nested sampling with exact live-count bookkeeping (Skilling 2006; Fowlie, Handley & Su 2021, arXiv:2010.13884,
 * for plateaus). One step:
 *
 *     L* = the k-th lowest log-likelihood among the live points     # -inf is a value like any other
 *     record and remove every live point with logL <= L*, lowest first, with n = |live|, |live| - 1, ...; no births
 *         in between, so q ties shrink the volume by Beta(n - q + 1, q)
 *     live_points - |live| births: each a draw from the prior restricted to logL > L* (strict); birth contour L*
 *     stop when the live points hold less than `precision` of the evidence
 *
 * After the last step the live points are recorded, lowest first, as deaths with n = |live|, ..., 1.
 * Known answer: a constant likelihood c ends with log Z = log c and no error. */
#include <math.h>
#include <string.h>

#include "core/option.h"
#include "nested/state.h"

MOTE_OPTION_TABLE(options, "nested", mote_nested_options, MOTE_NESTED_OPTIONS);

/* Live points' worth of prior draws that are kept however many have zero likelihood; then those are only counted. */
enum { ZEROS_PER_LIVE_POINT = 2000 };

static int check_options(mote_run *run, const mote_nested_options *o)
{
    if (o->prior_draws && o->prior_draws < o->live_points)
        return mote_fail(&run->message, MOTE_EOPTION, "option prior_draws = %lld is below live_points = %lld",
                         (long long)o->prior_draws, (long long)o->live_points);
    if (o->deaths_per_step >= o->live_points)
        return mote_fail(&run->message, MOTE_EOPTION,
                         "option deaths_per_step = %lld must be below live_points = %lld: some must survive a step",
                         (long long)o->deaths_per_step, (long long)o->live_points);
    return MOTE_OK;
}

static int open_memory(mote_nested_state *state, const mote_memory *memory)
{
    state->order_room = state->live_points;
    state->order = mote_memory_allocate(memory, 3 * state->order_room, sizeof(int64_t));
    state->ranked = mote_memory_allocate(memory, state->order_room, sizeof(double));
    state->best_theta = mote_memory_allocate(memory, state->space.theta_count, sizeof(double));
    state->best_derived = mote_memory_allocate(memory, state->space.derived_count, sizeof(double));
    mote_points_open(&state->live, &state->space, memory);
    mote_points_open(&state->dead, &state->space, memory);
    if (!state->order || !state->ranked || !state->best_theta || !state->best_derived)
        return MOTE_ENOMEM;
    return mote_points_reserve(&state->live, state->live_points);
}

/* Parts that evaluate: executor, crew, prior draws, sampler. */
static int open_workers(mote_run *run, mote_nested_state *state)
{
    mote_row_function function;
    mote_space_row_function(&state->space, &function);
    int status = mote_run_open_executor(run, &function, state->block);
    if (!status)
        status = mote_crew_open(&state->crew, &run->executor, &run->memory, state->block);
    if (!status)
        status = mote_prior_draws_open(&state->prior, &state->space, state->block, &run->memory, &run->message);
    if (!status && state->space.dimension)
        status = mote_sampler_open(&state->sampler, &state->space, state->options, state->live_points, state->block,
                                   &run->memory, &run->message);
    return status;
}

static int measure_constraint(mote_run *run, mote_nested_state *state)
{
    int64_t width = state->space.dimension + state->space.theta_count;
    double *scratch = mote_memory_allocate(&run->memory, width, sizeof *scratch);
    if (!scratch)
        return MOTE_ENOMEM;
    int status = mote_prior_mass(&state->space, &run->source, 100000, scratch, &state->log_prior_mass,
                                 &state->prior_mass_error, &run->message);
    mote_memory_release(&run->memory, scratch);
    return status;
}

static int nested_open(mote_run *run, const void *model)
{
    mote_nested_state *state = run->state;
    state->options = run->options;
    int status = check_options(run, state->options);
    if (!status)
        status = mote_space_open(&state->space, model, &run->memory, &run->message);
    if (status)
        return status;
    mote_run_identify_space(run, &state->space);
    state->live_points = state->options->live_points;
    state->deaths_per_step = state->options->deaths_per_step;
    if (!state->deaths_per_step)
        state->deaths_per_step = state->live_points / 20 > 1 ? state->live_points / 20 : 1;
    state->block = state->live_points;
    state->room_for_zeros = ZEROS_PER_LIVE_POINT * state->live_points;
    if (state->room_for_zeros < state->options->prior_draws)
        state->room_for_zeros = state->options->prior_draws;
    state->best_log_likelihood = -INFINITY;
    mote_running_evidence_start(&state->running);
    mote_watch_start(&state->watch);
    status = open_memory(state, &run->memory);
    if (!status)
        status = open_workers(run, state);
    if (!status)
        status = measure_constraint(run, state);
    if (status == MOTE_ENOMEM)
        return mote_fail(&run->message, status, "no memory for nested sampling with %lld live points in %lld dimensions",
                         (long long)state->live_points, (long long)state->space.dimension);
    return status;
}

static void nested_close(mote_run *run)
{
    mote_nested_state *state = run->state;
    const mote_memory *memory = &run->memory;
    mote_polish_close(run);
    mote_sampler_close(&state->sampler);
    mote_prior_draws_close(&state->prior);
    mote_crew_close(&state->crew, memory);
    mote_executor_close(&run->executor);
    mote_points_close(&state->live);
    mote_points_close(&state->dead);
    mote_memory_release(memory, state->order);
    mote_memory_release(memory, state->ranked);
    mote_memory_release(memory, state->insertion);
    mote_memory_release(memory, state->best_theta);
    mote_memory_release(memory, state->best_derived);
    mote_space_close(&state->space);
}

static const mote_algorithm table = {
    .name = "nested",
    .help = "nested sampling: evidence and posterior from live points",
    .model_kind = MOTE_KIND_mote_target,
    .model_size = sizeof(mote_target),
    .options = &options,
    .state_size = sizeof(mote_nested_state),
    .free_options = " precision dlogz max_iterations target_effective_sample_size target_error simulations bootstraps"
                    " polish ",
    .open = nested_open,
    .step = mote_nested_step,
    .save = mote_nested_save,
    .load = mote_nested_load,
    .draws = mote_nested_draws,
    .free_draws = mote_draws_free,
    .progress = mote_nested_progress,
    .close = nested_close,
};

const mote_algorithm *const mote_nested = &table;
