/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The phases of nested sampling: prior draws, deaths, births, tries at a plateau. Each call of mote_nested_step does
 * one piece and returns at a safe point; memory grows only before state changes. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/vector.h"
#include "nested/state.h"
#include "nested/volumes.h"

/* Tops of address space: ranks use one particle per birth, prior draws and tries one per chain of theirs. */
enum { ADDRESS_STEP_PRIOR = 0, ADDRESS_STEP_TRIES = 1 };

enum { SUM_BLOCK = 64 };

/* ---- prior draws --------------------------------------------------------------------------------------------- */

/* Prior draws with a likelihood; live points are only added in this phase. */
static int64_t finite_count(mote_nested_state *state)
{
    for (; state->looked_at < state->live.n; ++state->looked_at)
        state->finite += state->live.log_likelihood[state->looked_at] > -INFINITY;
    return state->finite;
}

/* The next block of prior draws: 0 when there are enough. While points have no likelihood, whole blocks of
 * live_points follow: how many are drawn then depends on complete blocks alone, and every draw counts as prior
 * volume. */
static int64_t prior_block(mote_nested_state *state)
{
    int64_t first = state->options->prior_draws ? state->options->prior_draws : state->live_points;
    if (state->prior_count < first)
        return first - state->prior_count;
    return finite_count(state) < state->live_points ? state->live_points : 0;
}

static int start_prior(mote_run *run, mote_nested_state *state)
{
    int64_t n = prior_block(state);
    if (n > state->block)
        n = state->block;
    if (n == 0) {
        if (state->left_out) /* they die first */
            state->running.log_x = mote_volumes_left(state->prior_count, state->left_out, NULL);
        state->phase = MOTE_PHASE_DEATHS;
        return MOTE_OK;
    }
    int64_t hopeless = state->live_points + state->options->plateau_tries;
    if (state->prior_count >= hopeless && !finite_count(state))
        return mote_fail(&run->message, MOTE_EPLATEAU, "%s: all of %lld draws from the prior have zero likelihood",
                         run->executor.function.name, (long long)state->prior_count);
    if (mote_points_reserve(&state->live, state->live.n + n))
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld live points", (long long)(state->live.n + n));
    state->prior.threshold = NAN;
    for (int64_t i = 0; i < n; ++i)
        mote_prior_draws_begin(&state->prior, i, &run->source, MOTE_PURPOSE_PRIOR, ADDRESS_STEP_PRIOR,
                               state->prior_count + i, 1);
    state->prior_chains = n;
    mote_crew_start(&state->crew, &mote_prior_draws_table, state->prior.draws, sizeof *state->prior.draws, n,
                    (uint64_t)state->prior_count);
    state->phase = MOTE_PHASE_PRIOR;
    return MOTE_OK;
}

static int end_prior(mote_run *run, mote_nested_state *state)
{
    for (int64_t i = 0; i < state->crew.n; ++i) {
        const mote_prior_draw *draw = &state->prior.draws[i];
        if (draw->log_likelihood == -INFINITY && state->live.n >= state->room_for_zeros)
            ++state->left_out;
        else
            mote_points_add(&state->live, draw->cube, draw->theta, draw->derived, draw->log_likelihood, -INFINITY, 1);
        mote_watch_point(&state->watch, draw->log_likelihood, 1);
        state->failed_prior += draw->reason != MOTE_REASON_NONE;
    }
    state->prior_count += state->crew.n;
    state->phase = MOTE_PHASE_START; /* between blocks: limits may look */
    return mote_run_check_failures(run, &state->failed_checked);
}

/* ---- deaths -------------------------------------------------------------------------------------------------- */

int mote_nested_reserve_order(mote_run *run, mote_nested_state *state)
{
    int64_t n = state->live.n;
    if (n <= state->order_room)
        return MOTE_OK;
    int64_t *order = mote_memory_resize(&run->memory, state->order, 3 * state->order_room, 3 * n, sizeof *order);
    if (!order)
        return MOTE_ENOMEM;
    state->order = order;
    double *ranked = mote_memory_resize(&run->memory, state->ranked, state->order_room, n, sizeof *ranked);
    if (!ranked)
        return MOTE_ENOMEM;
    state->ranked = ranked;
    state->order_room = n;
    return MOTE_OK;
}

static int reserve_step(mote_run *run, mote_nested_state *state)
{
    int64_t births = state->birth_count + state->live_points;
    int status = mote_nested_reserve_order(run, state);
    if (!status)
        status = mote_points_reserve(&state->dead, state->dead.n + state->live.n);
    if (!status && births > state->insertion_room) {
        int64_t room = births + births / 2;
        double *fresh = mote_memory_resize(&run->memory, state->insertion, state->insertion_room, room, sizeof *fresh);
        if (!fresh)
            status = MOTE_ENOMEM;
        else {
            state->insertion = fresh;
            state->insertion_room = room;
        }
    }
    return status ? mote_fail(&run->message, status, "no memory for %lld dead points",
                              (long long)(state->dead.n + state->live.n)) : MOTE_OK;
}

double mote_nested_remaining(const mote_nested_state *state)
{
    const mote_points *live = &state->live;
    double maximum = -INFINITY, sum = 0, share[SUM_BLOCK];
    for (int64_t i = 0; i < live->n; ++i)
        if (live->log_likelihood[i] > maximum)
            maximum = live->log_likelihood[i];
    if (maximum == -INFINITY)
        return live->n ? 1 : 0;
    for (int64_t first = 0; first < live->n; first += SUM_BLOCK) {
        int64_t n = live->n - first < SUM_BLOCK ? live->n - first : SUM_BLOCK;
        for (int64_t i = 0; i < n; ++i)
            share[i] = live->log_likelihood[first + i] - maximum;
        mote_vector()->exp(share, share, n);
        for (int64_t i = 0; i < n; ++i)
            sum += share[i];
    }
    double log_live = maximum + mote_log(sum / (double)live->n) + state->running.log_x;
    return 1 / (1 + mote_exp(state->running.log_z - log_live));
}

/* log(Z + X L_max) - log Z. */
static double remaining_dlogz(const mote_nested_state *state)
{
    return log1p(mote_exp(state->watch.maximum + state->running.log_x - state->running.log_z));
}

/* The stop rules, at complete blocks only: which one fired, or 0. */
int64_t mote_nested_stop_rule(const mote_nested_state *state)
{
    const mote_nested_options *o = state->options;
    if (state->ended_by == MOTE_FINISHED_BY_PLATEAU)
        return state->ended_by;
    if (o->max_iterations && state->dead.n >= o->max_iterations)
        return MOTE_FINISHED_BY_ITERATIONS;
    if (o->dlogz > 0 ? remaining_dlogz(state) < o->dlogz : mote_nested_remaining(state) < o->precision)
        return MOTE_FINISHED_BY_CRITERION;
    double information = state->running.information;
    if (o->target_error > 0 && mote_nested_remaining(state) < 0.5
        && sqrt(fmax(information, 0) / (double)state->live_points) < o->target_error)
        return MOTE_FINISHED_BY_CRITERION;
    /* far from the peak the dead points alone have many equal weights, too */
    if (o->target_effective_sample_size > 0 && mote_nested_remaining(state) < 0.5
        && mote_exp(2 * state->running.log_z - state->running.log_z2) >= o->target_effective_sample_size)
        return MOTE_FINISHED_BY_CRITERION;
    return 0;
}

/* Takes the points at or below the contour, the first `deaths` in `order`, out of the live ones; the others keep their
 * places beside each other, and `order` becomes theirs. */
static void keep_survivors(mote_nested_state *state, int64_t deaths)
{
    mote_points *live = &state->live;
    int64_t kept = 0, *order = state->order, *keep = order + state->order_room, *place = keep + state->order_room;
    for (int64_t i = 0; i < live->n; ++i) {
        keep[kept] = i;
        place[i] = kept;
        kept += live->log_likelihood[i] > state->threshold;
    }
    for (int64_t i = 0; i < kept; ++i)
        order[i] = place[order[deaths + i]];
    mote_points_keep(live, keep, kept);
    state->survivors = state->ordered = kept;
}

/* Records all live points at or below the contour, lowest first, and keeps the others in their order. `order` sorts the
 * live points: what follows the deaths in it are the survivors' ranks. */
static void bury(mote_nested_state *state, int64_t deaths)
{
    mote_points *live = &state->live;
    double previous = NAN;
    for (int64_t i = deaths; i < live->n; ++i)
        state->ranked[i - deaths] = live->log_likelihood[state->order[i]];
    for (int64_t i = 0; i < deaths; ++i) {
        double value = live->log_likelihood[state->order[i]];
        mote_running_evidence_add(&state->running, value, (double)(live->n - i));
        mote_points_append(&state->dead, live, state->order[i], (double)(live->n - i));
        state->plateau_deaths += value == previous;
        previous = value;
    }
    keep_survivors(state, deaths);
}

/* The order of all live points, from that of the ones it is known of. */
static void order_live(mote_nested_state *state)
{
    int64_t n = state->live.n;
    mote_sort_index_more(state->order, state->order + state->order_room, state->live.log_likelihood, state->ordered, n);
    state->ordered = n;
}

/* Survivors' log-likelihoods in ascending order: what insertion ranks are taken against. */
static void rank_survivors(mote_nested_state *state)
{
    order_live(state);
    for (int64_t i = 0; i < state->survivors; ++i)
        state->ranked[i] = state->live.log_likelihood[state->order[i]];
}

static int start_births(mote_run *run, mote_nested_state *state, int64_t n);
static int start_tries(mote_run *run, mote_nested_state *state, int64_t n);

static int deaths(mote_run *run, mote_nested_state *state)
{
    mote_points *live = &state->live;
    int status = reserve_step(run, state);
    if (status)
        return status;
    int64_t ended_by = live->n ? mote_nested_stop_rule(state) : MOTE_FINISHED_BY_PLATEAU;
    if (ended_by) {
        state->ended_by = ended_by;
        return mote_polish_start(run);
    }
    order_live(state);
    int64_t k = state->deaths_per_step < live->n ? state->deaths_per_step : live->n;
    state->threshold = live->log_likelihood[state->order[k - 1]];
    int64_t count = k;
    while (count < live->n && live->log_likelihood[state->order[count]] == state->threshold)
        ++count;
    bury(state, count);
    ++state->step_count;
    int64_t births = state->live_points - live->n;
    if (births <= 0)
        return MOTE_OK;
    return live->n < 2 ? start_tries(run, state, births) : start_births(run, state, births);
}

/* ---- births -------------------------------------------------------------------------------------------------- */

/* First id of the rows of new chains: all chains so far, tries that found nothing included. */
static uint64_t next_id(const mote_nested_state *state)
{
    return (uint64_t)(state->prior_count + state->birth_count + state->try_count);
}

static int start_births(mote_run *run, mote_nested_state *state, int64_t n)
{
    size_t size;
    int status = mote_sampler_freeze(state->sampler, state->live.cube, state->live.log_likelihood, state->survivors,
                                     state->threshold, state->running.log_x, &run->source, state->step_count);
    for (int64_t i = 0; i < n && !status; ++i)
        status = mote_sampler_begin(state->sampler, i, (uint64_t)(state->birth_count + i));
    if (status)
        return status;
    void *chains = mote_sampler_chains(state->sampler, &size);
    mote_crew_start(&state->crew, mote_sampler_table(state->sampler), chains, size, n, next_id(state));
    state->births_due = n;
    state->phase = MOTE_PHASE_BIRTHS;
    return MOTE_OK;
}

/* Rank of a value among the survivors, ties broken at random, as (r + U)/(s + 1). */
static double insertion_rank(const mote_nested_state *state, double value, mote_stream *stream)
{
    int64_t s = state->survivors, low = 0, high = s;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (state->ranked[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t ties = 0;
    while (low + ties < s && state->ranked[low + ties] == value)
        ++ties;
    int64_t rank = low + (ties ? mote_stream_index(stream, ties + 1) : 0);
    return ((double)rank + mote_stream_uniform(stream)) / (double)(s + 1);
}

/* Enters one newborn and what its rank tells. */
static void enter(mote_run *run, mote_nested_state *state, const mote_birth *birth)
{
    mote_source at = mote_source_at(&run->source, MOTE_PURPOSE_RANK, 0, 0);
    mote_stream stream = mote_stream_open(&at, state->birth_count);
    double u = insertion_rank(state, birth->log_likelihood, &stream);
    state->insertion[state->birth_count++] = u;
    if (mote_rank_insert(&state->ranks, u, state->births_due, state->survivors)) {
        state->watch.warnings |= MOTE_WARNING_INSERTION_RANK;
        mote_run_log(run, MOTE_LOG_WARNING, "insertion ranks are not uniform near logL = %g", state->threshold);
    }
    if (birth->parent >= 0) {
        double parent = insertion_rank(state, state->live.log_likelihood[birth->parent], &stream);
        mote_rank_pair(&state->ranks, u, parent);
    }
    mote_watch_point(&state->watch, birth->log_likelihood, 0);
    mote_points_add(&state->live, birth->cube, birth->theta, birth->derived, birth->log_likelihood, state->threshold, 0);
}

static int act_on_stall(mote_run *run, mote_nested_state *state, int64_t stall)
{
    for (int64_t bit = 1; bit <= stall; bit <<= 1)
        if (stall & bit)
            mote_run_log(run, MOTE_LOG_WARNING, "at logL = %g: %s", state->threshold, mote_warning_text(bit));
    if (stall && state->options->on_stall == MOTE_ON_STALL_SWITCH)
        mote_sampler_switch(state->sampler);
    if (!stall || state->options->on_stall != MOTE_ON_STALL_STOP)
        return MOTE_OK;
    run->finished_by = MOTE_FINISHED_BY_STOP;
    return mote_fail(&run->message, MOTE_STOPPED, "stopped at logL = %g: %s (option on_stall = stop)",
                     state->threshold, mote_warning_text(stall & -stall));
}

static int watch_step(mote_run *run, mote_nested_state *state, int64_t births, int64_t calls)
{
    double minimum = INFINITY, maximum = -INFINITY;
    for (int64_t i = 0; i < state->live.n; ++i) {
        minimum = fmin(minimum, state->live.log_likelihood[i]);
        maximum = fmax(maximum, state->live.log_likelihood[i]);
    }
    int64_t stall = mote_watch_step(&state->watch, (double)calls / (double)(births ? births : 1), births, minimum,
                                    maximum, mote_nested_remaining(state), state->live_points,
                                    state->running.log_x / (double)state->space.dimension);
    return act_on_stall(run, state, stall);
}

static void lengthen_chains(mote_run *run, mote_nested_state *state)
{
    state->watch.warnings |= MOTE_WARNING_PARENT_CHILD;
    if (state->ranks.futile > 0)
        mote_run_log(run, MOTE_LOG_WARNING, "newborns remember their parents near logL = %g however many steps are made: "
                     "peaks that chains cannot pass between", state->threshold);
    else {
        mote_sampler_double_steps(state->sampler);
        mote_run_log(run, MOTE_LOG_WARNING, "newborns remember their parents near logL = %g: steps doubled to %lld",
                     state->threshold, (long long)mote_sampler_steps(state->sampler));
    }
}

static int end_births(mote_run *run, mote_nested_state *state)
{
    int64_t n = state->births_due, calls = 0;
    for (int64_t i = 0; i < n; ++i) {
        mote_birth birth = mote_sampler_birth(state->sampler, i);
        calls += birth.calls;
        enter(run, state, &birth);
    }
    state->birth_calls += calls;
    mote_sampler_adapt(state->sampler, n);
    if (mote_rank_short(&state->ranks))
        lengthen_chains(run, state);
    state->phase = MOTE_PHASE_DEATHS;
    int status = mote_run_check_failures(run, &state->failed_checked);
    return status ? status : watch_step(run, state, n, calls);
}

/* ---- too few survivors: a plateau ------------------------------------------------------------------------------ */

/* Prior draws above the contour, `plateau_tries` in all, shared by the births that are due. */
static int start_tries(mote_run *run, mote_nested_state *state, int64_t n)
{
    int64_t tries = state->options->plateau_tries / n + 1;
    state->prior.threshold = state->threshold;
    for (int64_t i = 0; i < n; ++i)
        mote_prior_draws_begin(&state->prior, i, &run->source, MOTE_PURPOSE_PRIOR, ADDRESS_STEP_TRIES,
                               state->try_count + i, tries);
    state->prior_chains = n;
    mote_crew_start(&state->crew, &mote_prior_draws_table, state->prior.draws, sizeof *state->prior.draws, n,
                    next_id(state));
    state->births_due = n;
    state->phase = MOTE_PHASE_TRIES;
    return MOTE_OK;
}

/* Fills up the step after tries that found something: births from two live points on, more tries from one. Without
 * them the next step's deaths would take the few that were found. */
static int follow_tries(mote_run *run, mote_nested_state *state)
{
    int64_t births = state->live_points - state->live.n;
    if (births <= 0)
        return MOTE_OK;
    if (state->live.n < 2)
        return start_tries(run, state, births);
    state->survivors = state->live.n;
    rank_survivors(state);
    return start_births(run, state, births);
}

/* The draws that were found are draws from the prior above the contour, however many they are: each counts as a live
 * point. None found: the contour is taken for the maximum. */
static int end_tries(mote_run *run, mote_nested_state *state)
{
    int64_t found = 0;
    state->phase = MOTE_PHASE_DEATHS;
    state->try_count += state->births_due;
    for (int64_t i = 0; i < state->births_due; ++i) {
        const mote_prior_draw *draw = &state->prior.draws[i];
        mote_birth birth = { draw->cube, draw->theta, draw->derived, draw->log_likelihood, -1, 0, 0 };
        if (draw->found)
            enter(run, state, &birth);
        found += draw->found;
    }
    if (!found) {
        state->watch.warnings |= MOTE_WARNING_STALL_PLATEAU;
        state->ended_by = MOTE_FINISHED_BY_PLATEAU;
    }
    int status = mote_run_check_failures(run, &state->failed_checked);
    return status || !found ? status : follow_tries(run, state);
}

/* ---- one step -------------------------------------------------------------------------------------------------- */

static int advance(mote_run *run, mote_nested_state *state, int (*then)(mote_run *, mote_nested_state *))
{
    int status = mote_crew_advance(&state->crew);
    if (status == MOTE_CREW_PAUSED)
        return MOTE_OK;
    return status ? status : then(run, state);
}

int64_t mote_nested_at_boundary(const mote_nested_state *state)
{
    return state->phase == MOTE_PHASE_DEATHS || state->phase == MOTE_PHASE_START;
}

int mote_nested_step(mote_run *run)
{
    mote_nested_state *state = run->state;
    int status = MOTE_OK;
    switch (state->phase) {
    case MOTE_PHASE_START: status = start_prior(run, state); break;
    case MOTE_PHASE_PRIOR: status = advance(run, state, end_prior); break;
    case MOTE_PHASE_DEATHS: status = deaths(run, state); break;
    case MOTE_PHASE_BIRTHS: status = advance(run, state, end_births); break;
    case MOTE_PHASE_TRIES: status = advance(run, state, end_tries); break;
    case MOTE_PHASE_POLISH: status = mote_polish_step(run); break;
    default: break;
    }
    run->boundary = mote_nested_at_boundary(state);
    if (state->phase == MOTE_PHASE_DONE && !status) {
        if (state->ended_by != MOTE_FINISHED_BY_CRITERION)
            run->finished_by = state->ended_by;
        return MOTE_DONE;
    }
    return status;
}
