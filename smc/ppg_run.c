/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run algorithm `ppg`: sweeps of smc/ppg.h, one to a step, and what is reported of them. */
#include <math.h>
#include <mote/ppg.h>
#include <stdio.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"
#include "smc/path_run.h"
#include "smc/ppg.h"
#include "smc/smoother_parts.h"

static const mote_option_use uses[] = {
    { "ess_threshold", "resample_when", "ess" }, { "look_ahead", "resample_when", "always|ess" },
    { "backward_trials", "backward", "hybrid" }, { "backward_steps", "backward", "mcmc" },
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "ppg", mote_ppg_options, MOTE_PPG_OPTIONS, uses);

typedef struct ppg_state {
    mote_path_run paths;   /* rows: u of each component, then H along the path of each */
    mote_ppg_sampler sampler;
} ppg_state;

/* ---- sweeps ---- */

static void account(mote_run *run, ppg_state *state, mote_backward_info before)
{
    run->ledger.calls += state->sampler.filter.potentials;
    mote_ledger_add_backward(&run->ledger, &before, &state->sampler.paris.backward.info);
}

static int first(mote_run *run, const mote_source *source, double *path)
{
    ppg_state *state = run->state;
    const mote_backward_info before = state->sampler.paris.backward.info;
    const int status = mote_ppg_first(&state->sampler, state->paths.stream.theta, source, path);
    account(run, state, before);
    return status;
}

static int sweep(mote_run *run, const mote_source *source, const double *path, double *next)
{
    ppg_state *state = run->state;
    const mote_backward_info before = state->sampler.paris.backward.info;
    const int status = mote_ppg_sweep(&state->sampler, state->paths.stream.theta, source, path, next);
    account(run, state, before);
    return status;
}

static int fill(mote_run *run, double *row)
{
    const ppg_state *state = run->state;
    const int64_t p = state->sampler.count;
    memcpy(row, state->sampler.paris.estimate, (size_t)p * sizeof *row);
    memcpy(row + p, state->sampler.along, (size_t)p * sizeof *row);
    return MOTE_OK;
}

/* ---- life ---- */

static int ppg_open(mote_run *run, const void *model)
{
    ppg_state *state = run->state;
    const mote_ppg_options *o = run->options;
    const mote_ppg_setup setup = { { MOTE_SMOOTHING_SETUP(o) },
                                   { o->backward, o->backward_draws, o->backward_trials,
                                     o->backward_steps }, o->functional };
    int status = mote_stream_state_open(run, &state->paths.stream, model, o->theta);
    state->paths.first = first;
    state->paths.sweep = sweep;
    state->paths.fill = fill;
    if (!status)
        status = mote_ppg_sampler_open(&state->sampler, &state->paths.stream.space, &setup, &run->memory,
                                       state->paths.stream.pool, &run->message);
    if (!status)
        status = mote_path_run_open(run, &state->paths, o->sweeps, o->warm_up, o->path, 2 * state->sampler.count);
    run->boundary = 1;
    return status;
}

static void ppg_close(mote_run *run)
{
    ppg_state *state = run->state;
    mote_ppg_sampler_close(&state->sampler);
    mote_path_run_close(run, &state->paths);
}

static int ppg_step(mote_run *run)
{
    return mote_path_run_step(run, &((ppg_state *)run->state)->paths);
}

static int ppg_save(mote_run *run, mote_writer *writer)
{
    mote_path_run_save(&((const ppg_state *)run->state)->paths, writer);
    return writer->status;
}

static int ppg_load(mote_run *run, mote_reader *reader)
{
    return mote_path_run_load(run, &((ppg_state *)run->state)->paths, reader);
}

/* ---- results ---- */

enum { NAME = 256 };

static void name_of(const ppg_state *state, int64_t k, const char *suffix, char *text)
{
    snprintf(text, NAME, "%s%s", mote_functional_name(&state->paths.stream.space, state->sampler.functional, k),
             suffix);
}

static int add_component(mote_draws *draws, const ppg_state *state, int64_t k)
{
    static const struct { const char *suffix, *help; } what[] = {
        { "", "smoothed, given all observations" }, { "_error", "its standard error, by batch means" },
        { "_path", "average along the paths alone" }, { "_path_error", "its standard error, by batch means" } };
    const int64_t p = state->sampler.count;
    const double value[] = { mote_path_run_mean(&state->paths, k), mote_path_run_error(&state->paths, k),
                             mote_path_run_mean(&state->paths, p + k), mote_path_run_error(&state->paths, p + k) };
    char name[NAME];
    int status = MOTE_OK;
    for (int i = 0; i < 4 && !status; ++i) {
        name_of(state, k, what[i].suffix, name);
        status = mote_draws_add_real(draws, name, value[i], "", what[i].help);
    }
    return status;
}

static int ppg_draws(mote_run *run)
{
    ppg_state *state = run->state;
    const int64_t p = state->sampler.count;
    mote_parameter *columns = mote_memory_allocate(&run->memory, 2 * p, sizeof *columns);
    char *text = mote_memory_allocate(&run->memory, 2 * p, NAME);
    int status = columns && text ? MOTE_OK : MOTE_ENOMEM;
    for (int64_t k = 0; k < 2 * p && !status; ++k) {
        name_of(state, k % p, k < p ? "" : "_path", text + k * NAME);
        columns[k].name = text + k * NAME;
    }
    if (!status)
        status = mote_path_run_draws(run, &state->paths, columns);
    for (int64_t k = 0; k < p && !status; ++k)
        status = add_component(run->draws, state, k);
    mote_memory_release(&run->memory, columns);
    mote_memory_release(&run->memory, text);
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status, "no memory for the draws") : status;
}

static void ppg_progress(mote_run *run, mote_progress *progress)
{
    mote_path_run_progress(&((const ppg_state *)run->state)->paths, progress);
}

static const mote_algorithm table = {
    .name = "ppg",
    .help = "Parisian particle Gibbs sampler: smoothing of an additive functional, or of the score, without bias",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(ppg_state),
    .free_options = " sweeps ",
    .open = ppg_open,
    .step = ppg_step,
    .save = ppg_save,
    .load = ppg_load,
    .draws = ppg_draws,
    .free_draws = mote_draws_free,
    .progress = ppg_progress,
    .close = ppg_close,
};

const mote_algorithm *const mote_ppg = &table;

/* ---- accessors ---- */

static const ppg_state *state_of(const mote_run *run, int64_t component)
{
    if (mote_run_usable(run) || run->algorithm != mote_ppg)
        return NULL;
    const ppg_state *state = run->state;
    return component >= 0 && component < state->sampler.count ? state : NULL;
}

double mote_ppg_estimate(const mote_run *run, int64_t component)
{
    const ppg_state *state = state_of(run, component);
    return state ? mote_path_run_mean(&state->paths, component) : NAN;
}

double mote_ppg_error(const mote_run *run, int64_t component)
{
    const ppg_state *state = state_of(run, component);
    return state ? mote_path_run_error(&state->paths, component) : NAN;
}

double mote_ppg_path_estimate(const mote_run *run, int64_t component)
{
    const ppg_state *state = state_of(run, component);
    return state ? mote_path_run_mean(&state->paths, state->sampler.count + component) : NAN;
}

double mote_ppg_path_error(const mote_run *run, int64_t component)
{
    const ppg_state *state = state_of(run, component);
    return state ? mote_path_run_error(&state->paths, state->sampler.count + component) : NAN;
}

const double *mote_ppg_path(const mote_run *run)
{
    const ppg_state *state = state_of(run, 0);
    return state && state->paths.started ? state->paths.path : NULL;
}
