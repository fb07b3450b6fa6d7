/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the chains found: draws, results, and paths that are made again from their rows' ids. */
#include <math.h>

#include "core/vector.h"
#include "model/chains.h"
#include "smc/pmmh_state.h"

/* ---- draws ---- */

static int add_results(const mote_pmmh_run_state *state, mote_draws *draws)
{
    const int done = state->phase == MOTE_PMMH_DONE;
    int status = mote_draws_add_real(draws, "acceptance", state->accepted / state->proposed, "",
                                     "share of accepted proposals");
    if (!status)
        status = mote_draws_add_count(draws, "particles", state->evidence.setup.particles, "", "of a filter");
    if (!status)
        status = mote_draws_add_real(draws, "variance_log_evidence", done ? state->variance : NAN, "nats^2",
                                     "of the filter's estimate at the posterior mean; 1 to 2 is best");
    if (!status && state->evidence.kept)
        status = mote_draws_add_real(draws, "noise_log_evidence", done ? state->noise : NAN, "nats^2",
                                     "half the variance of its difference between correlated filters; 1 to 2 is best");
    if (!status)
        status = mote_draws_add_real(draws, "particle_steps", (double)state->evidence.potentials, "",
                                     "particles weighed");
    if (!status && done && state->noise > 3)
        status = mote_draws_add_warning(draws, "noisy_evidence",
                                        "the filter's estimates are so noisy that chains stick: take more particles");
    return status ? status : mote_draws_warn_of_short_chains(draws);
}

int mote_pmmh_draws(mote_run *run)
{
    mote_pmmh_run_state *state = run->state;
    const mote_space *space = &state->space.space;
    const int64_t n = state->draws.n;
    if (!n)
        return mote_fail(&run->message, MOTE_ESTATE, "pmmh has no draws yet: it is warming up");
    mote_draws *draws = mote_draws_create(&run->memory, space->parameters, space->parameter_count, n,
                                          MOTE_DRAWS_PRIOR | MOTE_DRAWS_CHAIN);
    if (!draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    run->draws = draws;
    draws->chain_count = state->options->chains;
    mote_kernel_points_fill(&state->draws, space, draws, 0);
    for (int64_t i = 0; i < n; ++i) {
        draws->log_weight[i] = -mote_log((double)n);
        draws->chain[i] = (double)(i % state->options->chains);
    }
    return add_results(state, draws);
}

/* ---- paths ---- */

void mote_pmmh_close_path(mote_run *run)
{
    mote_pmmh_run_state *state = run->state;
    mote_history_close(&state->history);
    mote_particle_filter_close(&state->path_filter);
    mote_datum_close(&state->datum, &run->memory);
    mote_memory_release(&run->memory, state->weight);
    state->weight = NULL;
    state->path_particles = 0;
}

static int open_path(mote_run *run, mote_pmmh_run_state *state)
{
    const mote_history_setup setup = { .keep = MOTE_HISTORY_TREE };
    const int64_t particles = state->evidence.setup.particles;
    if (state->path_particles == particles)
        return MOTE_OK;
    mote_pmmh_close_path(run);
    int status = mote_particle_filter_open(&state->path_filter, &state->space, &state->evidence.setup, &run->memory,
                                           NULL, &run->message);
    if (!status)
        status = mote_history_open(&state->history, &state->path_filter, &setup, &run->memory, &run->message);
    if (!status)
        status = mote_datum_open(&state->datum, &state->space, &run->memory);
    state->weight = status ? NULL : mote_memory_allocate(&run->memory, particles, sizeof(double));
    if (!status && !state->weight)
        status = MOTE_ENOMEM;
    if (status == MOTE_ENOMEM)
        mote_fail(&run->message, status, "no memory for the filter of a path");
    if (status)
        mote_pmmh_close_path(run);
    else
        state->path_particles = particles;
    return status;
}

/* The row's filter once more; its value is known. */
static int run_again(mote_run *run, mote_pmmh_run_state *state, const mote_kernel_point *point)
{
    const mote_source source = mote_evidence_source(&state->evidence, point->id);
    double log_evidence;
    int status = mote_particle_filter_run(&state->path_filter, point->theta, &source, &state->datum, &log_evidence);
    if (!status && log_evidence != point->log_likelihood)
        status = mote_fail(&run->message, MOTE_EINTERNAL, "path: the filter of a draw did not give its evidence again "
                           "(%.17g for %.17g)", log_evidence, point->log_likelihood);
    return status;
}

int mote_pmmh_path(mote_run *run, int64_t draw, double *path)
{
    if (mote_run_usable(run) || run->algorithm != mote_pmmh)
        return MOTE_EKIND;
    mote_pmmh_run_state *state = run->state;
    if (state->evidence.kept)
        return mote_fail(&run->message, MOTE_EUNSUPPORTED, "path: with a correlation, filters cannot be run again");
    if (!state->draws.n)
        return mote_fail(&run->message, MOTE_ESTATE, "path: there are no draws yet");
    if (draw < 0 || draw >= state->draws.n || !path)
        return mote_fail(&run->message, MOTE_EINVAL, "path: there is no draw %lld", (long long)draw);
    const mote_kernel_point point = mote_kernel_points_at(&state->draws, draw);
    int status = open_path(run, state);
    if (!status)
        status = run_again(run, state, &point);
    if (status)
        return status;
    mote_source source = mote_evidence_source(&state->evidence, point.id);
    source = mote_source_at(&source, MOTE_PURPOSE_BACKWARD, 0, 0);
    for (int64_t i = 0; i < state->path_particles; ++i)
        state->weight[i] = mote_population_weight(state->path_filter.now, i);
    status = mote_history_path(&state->history, mote_choose(&source, state->weight, state->path_particles), path);
    return status ? status : mote_source_status(&source);
}
