/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run algorithm `filter`: a particle filter over the model's series, or over observations as they are pushed. A
 * step takes one observation; the result is the last population, weighted. Mathematics: smc/particle_filter.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"
#include "core/vector.h"
#include "model/draws.h"
#include "smc/filter_run.h"
#include "smc/run_pool.h"

static const mote_option_use uses[] = {
    MOTE_PARTICLE_USES,
    { "variance_lag", "variance", "lag|all" }, { "variance_lag", "points", "random" },
    { "history_lag", "history", "lag" }, { "history_steps", "history", "steps" },
    { "smoothing_lag", "record", "all" },
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "filter", mote_filter_options, MOTE_FILTER_OPTIONS, uses);

enum { MOST_MEANS = 64 }; /* states with results of their own */

static int open_history(mote_run *run, mote_filter_run_state *state)
{
    const mote_filter_options *o = run->options;
    mote_history_setup setup = { .keep = o->history, .lag = o->history_lag };
    int64_t *step = NULL;
    int status = MOTE_OK;
    if (o->history == MOTE_HISTORY_STEPS)
        status = mote_history_parse_steps("history_steps", o->history_steps, &step, &setup.step_count, &run->memory,
                                          &run->message);
    setup.step = step;
    if (!status && o->history != MOTE_HISTORY_NONE)
        status = mote_history_open(&state->history, &state->filter, &setup, &run->memory, &run->message);
    mote_memory_release(&run->memory, step);
    return status;
}

static int open_variance(mote_run *run, mote_filter_run_state *state)
{
    const mote_filter_options *o = run->options;
    if (o->variance == MOTE_VARIANCE_OFF || o->particles == 1 || state->filter.setup.quasi)
        return MOTE_OK;
    return mote_variance_open(&state->variance, &state->filter, o->variance_lag, o->variance == MOTE_VARIANCE_ALL,
                              &run->memory);
}

/* After the variance, whose errors are recorded; the user's function last. */
static int open_record(mote_run *run, mote_filter_run_state *state)
{
    const mote_filter_options *o = run->options;
    int status = MOTE_OK;
    if (o->record != MOTE_RECORD_OFF)
        status = mote_record_open(&state->record, &state->filter, o->record, o->smoothing_lag,
                                  state->variance.n ? &state->variance : NULL, &run->memory);
    if (!status && o->observe)
        status = mote_observer_open(&state->observer, &state->filter, o->observe, o->observe_ctx, &run->memory);
    return status;
}

static void identify_theta(mote_run *run, const mote_filter_run_state *state)
{
    char text[32];
    for (int64_t i = 0; i < state->space.space.theta_count; ++i) {
        snprintf(text, sizeof text, "%a", state->theta[i]);
        mote_run_identify(run, state->space.space.parameters[state->space.space.theta_parameter[i]].name, text);
    }
}

static int filter_open(mote_run *run, const void *model)
{
    mote_filter_run_state *state = run->state;
    const mote_filter_options *o = run->options;
    const mote_filter_setup setup = { MOTE_PARTICLE_SETUP(o) };
    int status = mote_state_space_open(&state->space, model, &run->memory, &run->message);
    if (!status)
        status = mote_resampling_of_particles(o->resampling, 0, &run->message);
    if (status)
        return status;
    state->theta = mote_memory_allocate(&run->memory, state->space.space.theta_count, sizeof(double));
    status = state->theta ? mote_state_space_theta(&state->space, o->theta, state->theta, &run->message) : MOTE_ENOMEM;
    if (!status)
        status = mote_datum_open(&state->datum, &state->space, &run->memory);
    if (!status)
        status = mote_run_open_pool(run, &state->space, &state->pool);
    if (!status)
        status = mote_particle_filter_open(&state->filter, &state->space, &setup, &run->memory, state->pool,
                                           &run->message);
    if (!status)
        status = open_history(run, state);
    if (!status)
        status = open_variance(run, state);
    if (!status)
        status = open_record(run, state);
    if (!status) {
        mote_run_identify_state_space(run, &state->space);
        identify_theta(run, state);
        status = mote_particle_filter_start(&state->filter, state->theta, &run->source);
    }
    run->boundary = 1;
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status, "no memory for a filter with %lld particles",
                                             (long long)setup.particles) : status;
}

static void filter_close(mote_run *run)
{
    mote_filter_run_state *state = run->state;
    mote_history_close(&state->history);
    mote_variance_close(&state->variance);
    mote_record_close(&state->record);
    mote_observer_close(&state->observer);
    mote_particle_filter_close(&state->filter);
    mote_datum_close(&state->datum, &run->memory);
    mote_pool_close(&state->pool);
    mote_memory_release(&run->memory, state->theta);
    mote_state_space_close(&state->space);
}

/* ---- steps ---- */

static int filter_push(mote_run *run, const mote_observation *observation)
{
    mote_filter_run_state *state = run->state;
    if (state->space.has_series)
        return mote_fail(&run->message, MOTE_ESTATE, "push: the model carries its own series");
    if (state->ended)
        return mote_fail(&run->message, MOTE_ESTATE, "push: the run has been finished, its stream is closed");
    int status = mote_datum_from_observation(&state->datum, &state->space, observation, state->filter.step,
                                             state->last_time, &run->message);
    state->waiting = !status;
    return status;
}

static void filter_end(mote_run *run)
{
    mote_filter_run_state *state = run->state;
    state->ended = !state->space.has_series;
}

static int filter_step(mote_run *run)
{
    mote_filter_run_state *state = run->state;
    mote_particle_filter *filter = &state->filter;
    if (state->space.has_series) {
        if (filter->step >= state->space.series.count)
            return MOTE_DONE;
        mote_datum_from_series(&state->datum, &state->space, filter->step);
    } else if (!state->waiting) {
        return state->ended ? MOTE_DONE : MOTE_WAITING;
    }
    const int64_t potentials = filter->potentials, step = filter->step;
    int status = mote_particle_filter_step(filter, &state->datum);
    if (filter->step > step) { /* also where the user's function, which has seen it, stops the run */
        state->waiting = 0;
        state->last_time = state->datum.time;
        run->ledger.calls += filter->potentials - potentials;
    }
    if (status)
        return status;
    return state->space.has_series && filter->step >= state->space.series.count ? MOTE_DONE : MOTE_OK;
}

static int filter_save(mote_run *run, mote_writer *writer)
{
    const mote_filter_run_state *state = run->state;
    const int status = mote_particle_filter_can_save(&state->filter);
    if (status)
        return status;
    mote_put_tag(writer, "filter");
    mote_put_integer(writer, state->ended);
    mote_put_integer(writer, state->waiting);
    mote_put_real(writer, state->last_time);
    mote_put_datum(writer, &state->datum, &state->space);
    mote_particle_filter_save(&state->filter, writer);
    return writer->status;
}

static int filter_load(mote_run *run, mote_reader *reader)
{
    mote_filter_run_state *state = run->state;
    mote_get_tag(reader, "filter");
    state->ended = mote_get_count(reader, 0, 1);
    state->waiting = mote_get_count(reader, 0, 1);
    state->last_time = mote_get_real(reader);
    mote_get_datum(reader, &state->datum, &state->space);
    int status = mote_particle_filter_load(&state->filter, reader);
    if (status || reader->status)
        return mote_fail(&run->message, status ? status : reader->status, "the state of the filter cannot be read");
    return MOTE_OK;
}

/* ---- results ---- */

static int add_results(mote_draws *draws, const mote_particle_filter *filter)
{
    int status = mote_draws_add_real(draws, "log_evidence", filter->log_evidence, "nats",
                                     "log of the evidence of the series so far");
    if (!status)
        status = mote_draws_add_real(draws, "effective_sample_size", filter->now->effective_sample_size, "particles",
                                     "of the last population");
    if (!status)
        status = mote_draws_add_count(draws, "observations", filter->step, "", "observations consumed");
    if (!status)
        status = mote_draws_add_count(draws, "resamplings", filter->resamplings, "", "steps that resampled");
    if (!status && filter->dead)
        status = mote_draws_add_warning(draws, "all_weights_zero",
                                        "all particles had weight zero: the evidence estimate is zero");
    return status ? status : mote_warn_of_bias(draws, filter->setup.resampling);
}

/* The error of log Z, or why there is none. */
static int add_error(mote_draws *draws, mote_filter_run_state *state)
{
    const mote_variance_value v = mote_variance_evidence(&state->variance, &state->filter);
    char text[256];
    if (isnan(v.value))
        return MOTE_OK;
    if (v.reliable) {
        draws->log_evidence_error = sqrt(v.value);
        return mote_draws_add_real(draws, "log_evidence_error", draws->log_evidence_error, "nats",
                                   "standard error of log_evidence from the genealogy of this run");
    }
    if (v.ancestors <= 1)
        snprintf(text, sizeof text, "the error of log Z is not reliable: one ancestor is left within %lld resamplings; "
                 "take more particles, or repeat the run with other values of run_id",
                 (long long)state->variance.lineage.lag);
    else
        snprintf(text, sizeof text, "the error of log Z is not reliable: its estimated variance is %.3g, not between 0 "
                 "and 1; take more particles, or repeat the run with other values of run_id", v.value);
    return mote_draws_add_warning(draws, "error_unreliable", text);
}

/* variance = all: errors by ancestors at time 0, of the evidence (Lee and Whiteley) and of the filtered means (Chan and
 * Lai). */
static int add_errors_from_start(mote_draws *draws, mote_filter_run_state *state)
{
    char name[192];
    const mote_variance_value z = mote_variance_evidence_eve(&state->variance, &state->filter);
    int status = MOTE_OK;
    if (!isnan(z.value))
        status = mote_draws_add_real(draws, "evidence_error_lee_whiteley", z.reliable ? sqrt(z.value) : NAN, "",
                                     "relative, by ancestors at time 0 (Lee and Whiteley 2018); nan: not reliable");
    for (int64_t k = 0; k < state->space.model.state_count && k < MOST_MEANS && !status; ++k) {
        const double *column = state->filter.now->state[k];
        const mote_variance_value v = mote_variance_mean_eve(&state->variance, &state->filter, column, 0);
        snprintf(name, sizeof name, "filter_mean_error_chan_lai_%.120s", state->space.model.states[k]);
        if (!isnan(v.value))
            status = mote_draws_add_real(draws, name, v.reliable ? sqrt(v.value) : NAN, "",
                                         "by ancestors at time 0 (Chan and Lai 2013); nan: not reliable");
    }
    return status;
}

/* Filtered means of the last population with their errors, by name of the state. */
static int add_means(mote_draws *draws, mote_run *run, const mote_filter_run_state *state)
{
    char name[160];
    int status = MOTE_OK;
    for (int64_t k = 0; k < state->space.model.state_count && k < MOST_MEANS && !status; ++k) {
        const char *text = state->space.model.states[k];
        snprintf(name, sizeof name, "filter_mean_%.120s", text);
        status = mote_draws_add_real(draws, name, mote_filter_mean(run, k), "", "weighted mean of the last population");
        const double error = mote_filter_mean_error(run, k);
        snprintf(name, sizeof name, "filter_mean_error_%.120s", text);
        if (!status && !isnan(error))
            status = mote_draws_add_real(draws, name, error, "", "its standard error from the genealogy of this run");
    }
    return status;
}

static int filter_draws(mote_run *run)
{
    mote_filter_run_state *state = run->state;
    const mote_particle_filter *filter = &state->filter;
    if (!filter->step)
        return mote_fail(&run->message, MOTE_ESTATE, "the filter has seen no observation yet");
    mote_draws *draws = run->draws = mote_population_draws(filter);
    if (!draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    draws->log_evidence = filter->log_evidence;
    int status = add_results(draws, filter);
    if (!status && state->variance.n)
        status = add_error(draws, state);
    if (!status && !filter->dead)
        status = add_means(draws, run, state);
    return status || filter->dead || !state->variance.eve ? status : add_errors_from_start(draws, state);
}

static void filter_progress(mote_run *run, mote_progress *progress)
{
    const mote_filter_run_state *state = run->state;
    const mote_particle_filter *filter = &state->filter;
    progress->iterations = filter->step;
    progress->log_evidence = filter->log_evidence;
    if (state->space.has_series)
        progress->remaining = 1 - (double)filter->step / (double)state->space.series.count;
}

static const mote_algorithm table = {
    .name = "filter",
    .help = "particle filter: evidence and filtered states of a state-space model",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(mote_filter_run_state),
    .open = filter_open,
    .step = filter_step,
    .push = filter_push,
    .end = filter_end,
    .save = filter_save,
    .load = filter_load,
    .draws = filter_draws,
    .free_draws = mote_draws_free,
    .progress = filter_progress,
    .close = filter_close,
};

const mote_algorithm *const mote_filter = &table;
