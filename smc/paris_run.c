/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run algorithm `paris`: a particle filter with the collector of smc/paris.h, over the model's series or over
 * observations as they are pushed. A step takes one observation. */
#include <math.h>
#include <mote/paris.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"
#include "model/draws.h"
#include "smc/paris.h"
#include "smc/smoother_parts.h"
#include "smc/stream.h"

static const mote_option_use uses[] = {
    { "ess_threshold", "resample_when", "ess" }, { "look_ahead", "resample_when", "always|ess" },
    { "backward_draws", "smoother", "paris" }, { "backward", "smoother", "paris" },
    { "backward_trials", "smoother", "paris" }, { "backward_steps", "smoother", "paris" },
    { "backward_trials", "backward", "hybrid" }, { "backward_steps", "backward", "mcmc" },
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "paris", mote_paris_options, MOTE_PARIS_OPTIONS, uses);

typedef struct paris_state {
    mote_stream_state stream;
    mote_particle_filter filter;
    mote_paris_smoother paris;
    double *trace;        /* rows of the estimates, one for each time */
    int64_t rows, room;
} paris_state;

static mote_filter_setup setup_of(const mote_paris_options *o)
{
    return (mote_filter_setup){ MOTE_SMOOTHING_SETUP(o) };
}

static int paris_open(mote_run *run, const void *model)
{
    paris_state *state = run->state;
    const mote_paris_options *o = run->options;
    const mote_filter_setup setup = setup_of(o);
    const mote_paris_smoother_setup paris = { { o->backward, o->backward_draws, o->backward_trials, o->backward_steps },
                                              o->functional, o->smoother };
    int status = mote_stream_state_open(run, &state->stream, model, o->theta);
    if (!status)
        status = mote_resampling_of_particles(o->resampling, 0, &run->message);
    if (!status)
        status = mote_particle_filter_open(&state->filter, &state->stream.space, &setup, &run->memory,
                                           state->stream.pool, &run->message);
    if (!status)
        status = mote_paris_smoother_open(&state->paris, &state->filter, &paris);
    if (!status) {
        mote_particle_filter_add(&state->filter, &state->paris.collector);
        status = mote_particle_filter_start(&state->filter, state->stream.theta, &run->source);
    }
    run->boundary = 1;
    return status;
}

static void paris_close(mote_run *run)
{
    paris_state *state = run->state;
    mote_paris_smoother_close(&state->paris);
    mote_particle_filter_close(&state->filter);
    mote_memory_release(&run->memory, state->trace);
    mote_stream_state_close(run, &state->stream);
}

/* ---- steps ---- */

static int paris_push(mote_run *run, const mote_observation *observation)
{
    paris_state *state = run->state;
    return mote_stream_state_push(run, &state->stream, observation, state->filter.step);
}

static void paris_end(mote_run *run)
{
    mote_stream_state_end(&((paris_state *)run->state)->stream);
}

/* Room for one more row of the trace. */
static int reserve(mote_run *run, paris_state *state)
{
    const mote_paris_options *o = run->options;
    if (!o->trace || state->rows < state->room)
        return MOTE_OK;
    const int64_t room = state->room ? 2 * state->room : 64, p = state->paris.count;
    double *trace = mote_memory_resize(&run->memory, state->trace, state->rows * p, room * p, sizeof *trace);
    if (!trace)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld rows of the trace", (long long)room);
    state->trace = trace;
    state->room = room;
    return MOTE_OK;
}

static void record(mote_run *run, paris_state *state, int64_t potentials, mote_backward_info before)
{
    const mote_paris_options *o = run->options;
    const int64_t p = state->paris.count;
    run->ledger.calls += state->filter.potentials - potentials;
    mote_ledger_add_backward(&run->ledger, &before, &state->paris.backward.info);
    if (o->trace)
        memcpy(state->trace + state->rows++ * p, state->paris.estimate, (size_t)p * sizeof *state->trace);
}

static int paris_step(mote_run *run)
{
    paris_state *state = run->state;
    const int64_t potentials = state->filter.potentials;
    const mote_backward_info before = state->paris.backward.info;
    int status = mote_stream_state_next(&state->stream, state->filter.step);
    if (!status)
        status = reserve(run, state);
    if (!status)
        status = mote_particle_filter_step(&state->filter, &state->stream.datum);
    if (status)
        return status;
    record(run, state, potentials, before);
    return mote_stream_state_taken(&state->stream, state->filter.step);
}

static int paris_save(mote_run *run, mote_writer *writer)
{
    const paris_state *state = run->state;
    mote_put_tag(writer, "paris");
    mote_stream_state_save(&state->stream, writer);
    mote_particle_filter_save(&state->filter, writer);
    mote_put_integer(writer, state->rows);
    mote_put_reals(writer, state->trace, state->rows * state->paris.count);
    return writer->status;
}

static int paris_load(mote_run *run, mote_reader *reader)
{
    paris_state *state = run->state;
    int status = MOTE_OK;
    mote_get_tag(reader, "paris");
    mote_stream_state_load(&state->stream, reader);
    status = mote_particle_filter_load(&state->filter, reader);
    const mote_paris_options *o = run->options;
    const int64_t rows = o->trace ? mote_get_parts(reader, state->paris.count) : mote_get_count(reader, 0, 0);
    if (rows > state->filter.step)
        status = MOTE_ECORRUPT;
    while (!status && !reader->status && state->room < rows) {
        state->rows = state->room;
        status = reserve(run, state);
    }
    state->rows = rows;
    if (!status && !reader->status)
        mote_get_reals(reader, state->trace, rows * state->paris.count);
    if (status == MOTE_ENOMEM)
        return status;
    if (status || reader->status)
        return mote_fail(&run->message, status ? status : reader->status, "the state of paris cannot be read");
    return MOTE_OK;
}

/* ---- results ---- */

static int paris_draws(mote_run *run)
{
    paris_state *state = run->state;
    const mote_paris_options *o = run->options;
    const mote_particle_filter *filter = &state->filter;
    const int64_t p = state->paris.count, rows = o->trace ? state->rows : 1;
    if (!filter->step)
        return mote_fail(&run->message, MOTE_ESTATE, "paris has seen no observation yet");
    mote_draws *draws = mote_functional_draws(&run->memory, &state->stream.space, o->functional, rows);
    if (!draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    run->draws = draws;
    for (int64_t k = 0; k < p; ++k)
        for (int64_t i = 0; i < rows; ++i)
            draws->columns[k][i] = o->trace ? state->trace[i * p + k] : state->paris.estimate[k];
    for (int64_t i = 0; i < rows; ++i)
        draws->log_weight[i] = -log((double)rows);
    draws->log_evidence = filter->log_evidence;
    int status = mote_draws_add_real(draws, "log_evidence", filter->log_evidence, "nats",
                                     "log of the evidence of the series so far");
    for (int64_t k = 0; k < p && !status; ++k)
        status = mote_draws_add_real(draws, mote_functional_name(&state->stream.space, o->functional, k),
                                     state->paris.estimate[k], "", "smoothed, given all observations");
    if (!status)
        status = mote_draws_add_count(draws, "observations", filter->step, "", "observations consumed");
    if (!status && filter->dead)
        status = mote_draws_add_warning(draws, "all_weights_zero",
                                        "all particles had weight zero: the evidence estimate is zero");
    return status ? status : mote_warn_of_bias(draws, filter->setup.resampling);
}

static void paris_progress(mote_run *run, mote_progress *progress)
{
    const paris_state *state = run->state;
    progress->iterations = state->filter.step;
    progress->log_evidence = state->filter.log_evidence;
    if (state->stream.space.has_series)
        progress->remaining = 1 - (double)state->filter.step / (double)state->stream.space.series.count;
}

static const mote_algorithm table = {
    .name = "paris",
    .help = "PaRIS: on-line smoothing of an additive functional, or of the score, of a state-space model",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(paris_state),
    .open = paris_open,
    .step = paris_step,
    .push = paris_push,
    .end = paris_end,
    .save = paris_save,
    .load = paris_load,
    .draws = paris_draws,
    .free_draws = mote_draws_free,
    .progress = paris_progress,
    .close = paris_close,
};

const mote_algorithm *const mote_paris = &table;

/* ---- accessors ---- */

static const paris_state *state_of(const mote_run *run)
{
    if (mote_run_usable(run) || run->algorithm != mote_paris)
        return NULL;
    const paris_state *state = run->state;
    return state->filter.step ? state : NULL;
}

double mote_paris_estimate(const mote_run *run, int64_t component)
{
    const paris_state *state = state_of(run);
    return state && component >= 0 && component < state->paris.count ? state->paris.estimate[component] : NAN;
}

const double *mote_paris_statistic(const mote_run *run, int64_t component)
{
    const paris_state *state = state_of(run);
    return state && component >= 0 && component < state->paris.count ? state->paris.value[component] : NULL;
}

double mote_paris_log_evidence(const mote_run *run)
{
    const paris_state *state = state_of(run);
    return state ? state->filter.log_evidence : NAN;
}

int64_t mote_paris_count(const mote_run *run)
{
    const paris_state *state = state_of(run);
    return state ? state->filter.step : 0;
}
