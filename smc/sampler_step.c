/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Phases of an SMC sampler. One step:
 *
 *     PRIOR     N draws from the prior, their rows asked for              -> EVALUATE (data: -> WEIGH)
 *     EVALUATE  rows are under way; all in: values (data: new terms join the weights, and the level is weighed)
 *     WEIGH     next target; lw += log incremental weight; log Z; record  -> MOVE, or the next target, or DONE
 *     MOVE      chains are under way; all in: the particles have moved    -> WEIGH, DONE
 *
 * Memory grows at the start of WEIGH and of a weighing, before anything changes. */
#include <math.h>
#include <string.h>

#include "model/prior_draws.h"
#include "smc/sampler_state.h"

static int64_t total_terms(const mote_smc_state *state)
{
    return state->space.target.term_count;
}

/* ---- rows ------------------------------------------------------------------------------------------------------ */

static int want(void *chain, double *theta)
{
    const mote_smc_row *row = chain;
    const mote_kernel_points *points = &row->state->points;
    if (row->told)
        return MOTE_DONE;
    memcpy(theta, points->theta + row->i * points->theta_count, (size_t)points->theta_count * sizeof *theta);
    return MOTE_OK;
}

static int take(void *chain, const mote_row_value *value)
{
    mote_smc_row *row = chain;
    mote_smc_state *state = row->state;
    mote_kernel_point point = mote_kernel_points_at(&state->points, row->i);
    row->told = 1;
    if (!state->data) {
        mote_kernel_fill_value(state->kernel, &point, value);
        mote_kernel_points_put(&state->points, row->i, &point);
        return MOTE_DONE;
    }
    state->increment[row->i] = value->log_likelihood;
    if (state->space.derived_count)
        memcpy(point.derived, value->derived, (size_t)state->space.derived_count * sizeof *point.derived);
    return MOTE_DONE;
}

static const mote_chain_table rows = { want, take };

const mote_chain_table *mote_smc_rows(void)
{
    return &rows;
}

static void start_evaluation(mote_run *run)
{
    mote_smc_state *state = run->state;
    for (int64_t i = 0; i < state->particles; ++i)
        state->evaluations[i] = (mote_smc_row){ state, i, 0 };
    run->executor.rows.first_term = state->data ? state->term_count : 0;
    run->executor.rows.term_count = state->data ? state->next_term_count - state->term_count : 0;
    mote_crew_start(&state->crew, &rows, state->evaluations, sizeof *state->evaluations, state->particles,
                    (uint64_t)state->rows);
    state->rows += state->particles;
    state->phase = MOTE_SMC_EVALUATE;
}

/* ---- the prior ------------------------------------------------------------------------------------------------- */

static int draw_prior(mote_run *run)
{
    mote_smc_state *state = run->state;
    const mote_source at = mote_source_at(&run->source, MOTE_PURPOSE_PRIOR, 0, 0);
    for (int64_t i = 0; i < state->particles; ++i) {
        mote_source source = at;
        mote_stream stream = mote_stream_open(&source, i);
        mote_kernel_point point = mote_kernel_points_at(&state->points, i);
        int status = mote_prior_draw_inside(&state->space, &stream, state->cube, point.theta, &run->message);
        if (status)
            return status;
        mote_kernel_fill_theta(state->kernel, &point);
        point.log_likelihood = 0;
        point.id = -1;
        mote_kernel_points_put(&state->points, i, &point);
    }
    state->points.n = state->particles;
    state->records[0] = (mote_smc_record){ .inverse_temperature = state->data,
                                           .effective_sample_size = (double)state->particles,
                                           .alive = 1,
                                           .acceptance = NAN,
                                           .scale = 1,
                                           .squared_jump = NAN,
                                           .correlation = NAN };
    state->phase = MOTE_SMC_WEIGH;
    if (!state->data)
        start_evaluation(run);
    return MOTE_OK;
}

/* ---- weighing -------------------------------------------------------------------------------------------------- */

static double alive_share(const mote_smc_state *state, int64_t n)
{
    int64_t alive = 0;
    for (int64_t i = 0; i < n; ++i)
        alive += state->weights.log_weight[i] > -INFINITY;
    return (double)alive / (double)n;
}

int mote_smc_reserve_record(mote_run *run)
{
    mote_smc_state *state = run->state;
    const int64_t need = state->level + 2, width = mote_kernel_tuning_count(state->kernel);
    int64_t capacity = state->record_capacity;
    if (need <= capacity)
        return MOTE_OK;
    capacity = need > 2 * capacity ? need : 2 * capacity;
    mote_smc_record *records = mote_memory_resize(&run->memory, state->records, state->record_capacity, capacity,
                                                  sizeof *records);
    if (!records)
        return MOTE_ENOMEM;
    state->records = records;
    double *tunings = mote_memory_resize(&run->memory, state->tunings, state->record_capacity * width, capacity * width,
                                         sizeof *tunings);
    if (!tunings)
        return MOTE_ENOMEM;
    state->tunings = tunings;
    state->record_capacity = capacity;
    return MOTE_OK;
}

static int reserve(mote_run *run)
{
    mote_smc_state *state = run->state;
    int status = mote_smc_reserve_record(run);
    if (!status && (state->persistent || state->options->keep == MOTE_SMC_DRAWS_ALL))
        status = mote_smc_persistent_reserve(state);
    if (!status && state->genealogy.sum)
        status = mote_genealogy_reserve(&state->genealogy);
    return status ? mote_fail(&run->message, status, "no memory for level %lld", (long long)state->level + 1) : MOTE_OK;
}

static int must_move(const mote_smc_state *state)
{
    if (state->replayed_steps)
        return state->replayed_steps[state->level - 1] > 0;
    return !state->data || state->weights.effective_sample_size < state->options->target_ess * (double)state->particles;
}

/* The log-weights stand at the new target: evidence, record; then on. */
static int weigh_level(mote_run *run, double inverse_temperature)
{
    mote_smc_state *state = run->state;
    const int64_t n = state->persistent ? state->kept.n : state->particles;
    const double factor = state->weights.log_sum - log((double)n);
    mote_smc_record *record = &state->records[++state->level];
    state->inverse_temperature = inverse_temperature;
    state->log_evidence = state->persistent ? factor : state->block_log_evidence + factor;
    const double variance = mote_smc_present_variance(state);
    *record = (mote_smc_record){ .inverse_temperature = inverse_temperature, .term_count = (double)state->term_count,
                                 .log_evidence = state->log_evidence, .log_evidence_error = sqrt(variance),
                                 .effective_sample_size = state->weights.effective_sample_size,
                                 .alive = alive_share(state, n), .acceptance = NAN, .squared_jump = NAN,
                                 .correlation = NAN,
                                 .scale = mote_kernel_scale(state->kernel), .variance = variance };
    if (!(state->weights.sum > 0)) { /* nobody is left: log Z = -inf */
        state->dead = 1;
        state->phase = MOTE_SMC_DONE;
        return MOTE_DONE;
    }
    if (must_move(state))
        return mote_smc_start_move(run);
    state->phase = MOTE_SMC_WEIGH;
    return MOTE_OK;
}

static int too_many_levels(const mote_run *run)
{
    const mote_smc_state *state = run->state;
    return mote_fail(state->message, MOTE_ENUMERIC,
                     "the sequence stalled: %lld levels (option max_levels) did not reach the "
                     "posterior; the last power was %.17g",
                     (long long)state->level, state->inverse_temperature);
}

static int weigh_tempered(mote_run *run)
{
    mote_smc_state *state = run->state;
    const double *l = state->points.log_likelihood;
    double next = mote_smc_scheduled(state);
    if (isnan(next)) {
        int status = mote_smc_next_temperature(state, &next);
        if (status)
            return status;
    } else if (state->persistent) {
        mote_smc_persistent_weigh(state, next);
    } else {
        for (int64_t i = 0; i < state->particles; ++i)
            state->weights.log_weight[i] = (next - state->inverse_temperature) * l[i];
        mote_smc_weigh(&state->weights, state->particles);
    }
    return weigh_level(run, next);
}

static int ask_for_terms(mote_run *run)
{
    mote_smc_state *state = run->state;
    const double scheduled = mote_smc_scheduled(state);
    const int64_t total = total_terms(state);
    state->next_term_count = isnan(scheduled) ? state->term_count + state->options->terms : (int64_t)scheduled;
    if (state->next_term_count > total)
        state->next_term_count = total;
    start_evaluation(run);
    return MOTE_OK;
}

static int finished(const mote_smc_state *state)
{
    return state->level > 0
           && (state->data ? state->term_count >= total_terms(state) : state->inverse_temperature >= 1);
}

static int weigh(mote_run *run)
{
    mote_smc_state *state = run->state;
    if (finished(state)) {
        state->phase = MOTE_SMC_DONE;
        return MOTE_DONE;
    }
    if (state->level >= state->options->max_levels)
        return too_many_levels(run);
    int status = reserve(run);
    if (status)
        return status;
    return state->data ? ask_for_terms(run) : weigh_tempered(run);
}

/* ---- the crew's answers ---------------------------------------------------------------------------------------- */

static void find_maximum(mote_smc_state *state)
{
    for (int64_t i = 0; i < state->points.n; ++i)
        if (state->points.log_likelihood[i] > state->maximum)
            state->maximum = state->points.log_likelihood[i];
}

/* New terms join weights and log-likelihoods. */
static int add_terms(mote_run *run)
{
    mote_smc_state *state = run->state;
    for (int64_t i = 0; i < state->particles; ++i) {
        state->points.log_likelihood[i] += state->increment[i];
        state->weights.log_weight[i] += state->increment[i];
    }
    state->term_count = state->next_term_count;
    mote_smc_weigh(&state->weights, state->particles);
    return weigh_level(run, 1);
}

static int end_evaluation(mote_run *run)
{
    mote_smc_state *state = run->state;
    int status = mote_crew_advance(&state->crew);
    if (status)
        return status == MOTE_CREW_PAUSED ? MOTE_OK : status;
    status = mote_run_check_failures(run, &state->failed_checked);
    if (status)
        return status;
    if (state->data)
        return add_terms(run);
    status = reserve(run);
    if (status)
        return status;
    find_maximum(state);
    if (state->persistent || state->options->keep == MOTE_SMC_DRAWS_ALL)
        mote_smc_persistent_append(state);
    state->phase = MOTE_SMC_WEIGH;
    return MOTE_OK;
}

static int end_move(mote_run *run)
{
    mote_smc_state *state = run->state;
    int status = mote_crew_advance(&state->crew);
    if (!status)
        status = mote_run_check_failures(run, &state->failed_checked);
    if (status)
        return status == MOTE_CREW_PAUSED ? MOTE_OK : status;
    status = mote_smc_end_round(run);
    if (status != MOTE_DONE)
        return status;
    find_maximum(state);
    state->phase = MOTE_SMC_WEIGH;
    return MOTE_OK;
}

int mote_smc_step(mote_run *run)
{
    mote_smc_state *state = run->state;
    int status = state->phase == MOTE_SMC_PRIOR      ? draw_prior(run)
                 : state->phase == MOTE_SMC_EVALUATE ? end_evaluation(run)
                 : state->phase == MOTE_SMC_WEIGH    ? weigh(run)
                 : state->phase == MOTE_SMC_MOVE     ? end_move(run)
                                                     : MOTE_DONE;
    run->boundary = state->phase == MOTE_SMC_WEIGH || state->phase == MOTE_SMC_DONE;
    return status;
}
