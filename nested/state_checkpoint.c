/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Save and load of what a nested-sampling run carries. */
#include <math.h>

#include "nested/state.h"

/* Integers and reals of the state, in file order. */
#define CARRIED_INTEGERS(X)                                                                                     \
    X(phase) X(prior_count) X(birth_count) X(try_count) X(step_count) X(births_due) X(survivors)                \
    X(plateau_deaths) X(birth_calls) X(prior_chains) X(ended_by) X(failed_checked) X(failed_prior) X(polished)

static void put_watch(mote_writer *writer, const mote_watch *watch)
{
    mote_put_integer(writer, watch->warnings);
    mote_put_real(writer, watch->maximum);
    mote_put_reals(writer, watch->jumps, MOTE_WATCH_JUMPS);
    mote_put_real(writer, watch->jump_count);
    mote_put_reals(writer, watch->calls, MOTE_WATCH_CALLS);
    mote_put_real(writer, watch->call_count);
    mote_put_real(writer, watch->lowest_remaining);
    mote_put_real(writer, watch->births_since);
}

static void get_watch(mote_reader *reader, mote_watch *watch)
{
    watch->warnings = mote_get_integer(reader);
    watch->maximum = mote_get_real(reader);
    mote_get_reals(reader, watch->jumps, MOTE_WATCH_JUMPS);
    watch->jump_count = mote_get_real(reader);
    mote_get_reals(reader, watch->calls, MOTE_WATCH_CALLS);
    watch->call_count = mote_get_real(reader);
    watch->lowest_remaining = mote_get_real(reader);
    watch->births_since = mote_get_real(reader);
}

static void put_running(mote_writer *writer, const mote_running_evidence *running)
{
    mote_put_real(writer, running->log_z);
    mote_put_real(writer, running->log_z2);
    mote_put_real(writer, running->log_x);
    mote_put_real(writer, running->information);
    mote_put_real(writer, running->last);
    mote_put_integer(writer, running->deaths);
}

static void get_running(mote_reader *reader, mote_running_evidence *running)
{
    running->log_z = mote_get_real(reader);
    running->log_z2 = mote_get_real(reader);
    running->log_x = mote_get_real(reader);
    running->information = mote_get_real(reader);
    running->last = mote_get_real(reader);
    running->deaths = mote_get_integer(reader);
}

static int uses_prior_chains(const mote_nested_state *state)
{
    return state->phase == MOTE_PHASE_PRIOR || state->phase == MOTE_PHASE_TRIES;
}

/* The sums of the rank tests are doubles and nothing else. */
enum { RANK_SUMS = sizeof(mote_rank_sums) / sizeof(double) };

int mote_nested_save(mote_run *run, mote_writer *writer)
{
    const mote_nested_state *state = run->state;
    mote_put_tag(writer, "nested");
#define PUT_INTEGER(name) mote_put_integer(writer, state->name);
    CARRIED_INTEGERS(PUT_INTEGER)
#undef PUT_INTEGER
    mote_put_real(writer, state->threshold);
    mote_put_real(writer, state->best_log_likelihood);
    mote_put_reals(writer, state->best_theta, state->space.theta_count);
    mote_put_reals(writer, state->best_derived, state->space.derived_count);
    mote_points_save(&state->live, writer);
    mote_points_save(&state->dead, writer);
    mote_put_reals(writer, state->insertion, state->birth_count);
    mote_put_reals(writer, state->ranked, state->survivors);
    put_running(writer, &state->running);
    put_watch(writer, &state->watch);
    mote_put_reals(writer, (const double *)&state->ranks, RANK_SUMS);
    if (state->sampler)
        mote_sampler_save(state->sampler, writer);
    if (uses_prior_chains(state))
        mote_prior_draws_save(&state->prior, state->prior_chains, writer);
    if (uses_prior_chains(state) || state->phase == MOTE_PHASE_BIRTHS)
        mote_crew_save(&state->crew, writer);
    return writer->status;
}

static int load_chains(mote_nested_state *state, mote_reader *reader)
{
    size_t size;
    if (state->phase == MOTE_PHASE_BIRTHS) {
        void *chains = mote_sampler_chains(state->sampler, &size);
        return mote_crew_load(&state->crew, mote_sampler_table(state->sampler), chains, size, reader);
    }
    return mote_crew_load(&state->crew, &mote_prior_draws_table, state->prior.draws, sizeof *state->prior.draws,
                          reader);
}

static int load_arrays(mote_run *run, mote_nested_state *state, mote_reader *reader)
{
    int status = mote_points_load(&state->live, reader);
    if (!status)
        status = mote_points_load(&state->dead, reader);
    int64_t points = state->live.n + state->dead.n;
    state->left_out = state->prior_count - (points - state->birth_count);
    if (!status && (state->birth_count > points || state->left_out < 0 || state->survivors > state->live.n
                    || (state->left_out > 0 && points - state->birth_count < state->room_for_zeros)))
        status = MOTE_ECORRUPT;
    if (!status) /* for the block under way */
        status = mote_points_reserve(&state->live, state->live.n + state->block);
    if (status)
        return status;
    int64_t room = state->birth_count + state->live_points;
    double *fresh = mote_memory_resize(&run->memory, state->insertion, state->insertion_room, room, sizeof *fresh);
    if (!fresh)
        return MOTE_ENOMEM;
    state->insertion = fresh;
    state->insertion_room = room;
    mote_get_reals(reader, state->insertion, state->birth_count);
    status = mote_nested_reserve_order(run, state);
    if (!status)
        mote_get_reals(reader, state->ranked, state->survivors);
    return status ? status : reader->status;
}

/* What the end of the step under way will follow. */
static int sound(const mote_nested_state *state)
{
    const mote_watch *watch = &state->watch;
    if (!(watch->jump_count >= 0 && watch->jump_count < 0x1p53 && watch->call_count >= 0
          && watch->call_count < 0x1p53))
        return 0;
    if (uses_prior_chains(state) && state->crew.n != state->prior_chains)
        return 0;
    if (state->phase == MOTE_PHASE_TRIES || state->phase == MOTE_PHASE_BIRTHS)
        if (state->crew.n != state->births_due || state->live.n + state->births_due > state->live_points)
            return 0;
    for (int64_t i = 0; state->phase == MOTE_PHASE_BIRTHS && i < state->births_due; ++i)
        if (mote_sampler_birth(state->sampler, i).parent >= state->survivors)
            return 0;
    return 1;
}

static int load_rest(mote_nested_state *state, mote_reader *reader)
{
    get_running(reader, &state->running);
    get_watch(reader, &state->watch);
    mote_get_reals(reader, (double *)&state->ranks, RANK_SUMS);
    int status = reader->status;
    if (!status && state->sampler)
        status = mote_sampler_load(state->sampler, reader);
    if (!status && uses_prior_chains(state))
        mote_prior_draws_load(&state->prior, state->prior_chains, reader);
    if (!status && (uses_prior_chains(state) || state->phase == MOTE_PHASE_BIRTHS))
        status = load_chains(state, reader);
    status = status ? status : reader->status;
    return status || sound(state) ? status : MOTE_ECORRUPT;
}

/* A finished run goes on when its stop rule has been tightened: what the end had added is taken back. */
static void reopen(mote_nested_state *state)
{
    state->phase = MOTE_PHASE_DEATHS;
    state->ended_by = 0;
    state->polished = 0;
    state->best_log_likelihood = -INFINITY;
    state->watch.warnings &= ~(int64_t)MOTE_WARNING_MISSED_PEAK;
}

int mote_nested_load(mote_run *run, mote_reader *reader)
{
    mote_nested_state *state = run->state;
    mote_get_tag(reader, "nested");
    state->ordered = state->finite = state->looked_at = 0;
#define GET_INTEGER(name) state->name = mote_get_integer(reader);
    CARRIED_INTEGERS(GET_INTEGER)
#undef GET_INTEGER
    state->threshold = mote_get_real(reader);
    state->best_log_likelihood = mote_get_real(reader);
    mote_get_reals(reader, state->best_theta, state->space.theta_count);
    mote_get_reals(reader, state->best_derived, state->space.derived_count);
    if (reader->status || state->phase < 0 || state->phase > MOTE_PHASE_DONE || state->prior_count < 0
        || state->birth_count < 0 || state->try_count < 0 || state->survivors < 0 || state->prior_chains < 0 || state->prior_chains > state->block
        || state->births_due < 0 || state->births_due > state->block)
        return mote_fail(&run->message, MOTE_ECORRUPT, "the state of nested sampling cannot be read");
    int status = load_arrays(run, state, reader);
    if (!status)
        status = load_rest(state, reader);
    if (status)
        return mote_fail(&run->message, status, "the state of nested sampling cannot be read");
    if (state->phase == MOTE_PHASE_POLISH) /* the climb starts again */
        state->phase = MOTE_PHASE_DEATHS;
    else if (state->phase == MOTE_PHASE_DONE && state->live.n && !mote_nested_stop_rule(state))
        reopen(state);
    run->boundary = mote_nested_at_boundary(state);
    run->finished_by = state->phase == MOTE_PHASE_DONE ? state->ended_by : MOTE_NOT_FINISHED;
    return MOTE_OK;
}
