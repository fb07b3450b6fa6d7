/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run algorithm `particle_gibbs`: sweeps of smc/conditional.h, each followed by moves of the parameters given the
 * path (smc/parameter_block.h) when there are parameters to sample. */
#include <math.h>
#include <mote/particle_gibbs.h>
#include <stdio.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"
#include "smc/conditional.h"
#include "smc/parameter_block.h"
#include "smc/path_run.h"
#include "smc/smoother_parts.h"

static const mote_option_use uses[] = {
    { "ess_threshold", "resample_when", "ess" }, { "look_ahead", "resample_when", "always|ess" },
    { "path_draw", "path_kernel", "backward|ancestor" }, { "path_draw_steps", "path_kernel", "backward|ancestor" },
    { "path_draw_steps", "path_draw", "mcmc" },
    { "parameter_kernel", "parameters", "sampled" }, { "parameter_moves", "parameters", "sampled" },
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "particle_gibbs", mote_particle_gibbs_options, MOTE_PARTICLE_GIBBS_OPTIONS, uses);

enum { START_TRIES = 100, NAME = 256, SWEEPS_OF_PATHS = 100, SWEEPS_OF_PARAMETERS = 10000 };

typedef struct gibbs_state {
    mote_path_run paths;  /* rows: sampled parameters, functional along the path, states at chosen steps */
    mote_conditional conditional;
    mote_parameter_block block;
    mote_path_model along;
    int64_t sampling;     /* 1: parameters are sampled */
    int64_t drawn;        /* 1: the first theta is a draw from the prior */
    double *before;       /* theta before the step under way */
    int64_t *entry;       /* theta entries that are sampled */
    int64_t entries;
    int64_t *step;        /* chosen steps */
    int64_t steps;
    char *names;          /* of the rows' numbers, NAME bytes each */
} gibbs_state;

/* ---- sweeps ---- */

static int first(mote_run *run, const mote_source *source, double *path)
{
    gibbs_state *state = run->state;
    mote_source place = *source;
    int status = MOTE_ENUMERIC;
    for (int64_t k = 0; k < (state->drawn ? START_TRIES : 1) && status == MOTE_ENUMERIC; ++k) {
        if (k)
            status = mote_stream_state_draw_theta(run, &state->paths.stream, k);
        place.key = mote_source_child_key(source->key, MOTE_PURPOSE_FILTER, (uint64_t)k);
        if (!k || !status)
            status = mote_conditional_first(&state->conditional, state->paths.stream.theta, &place, path);
    }
    run->ledger.calls += state->conditional.filter.potentials;
    return status;
}

static int sweep(mote_run *run, const mote_source *source, const double *path, double *next)
{
    gibbs_state *state = run->state;
    const mote_backward_info before = state->conditional.backward.info;
    const int64_t number = state->paths.done, warming = number < state->paths.dropped;
    int status = mote_conditional_sweep(&state->conditional, state->paths.stream.theta, source, path, next);
    if (!status && state->sampling)
        status = mote_parameter_block_move(&state->block, next, number, warming ? pow((double)number + 2, -0.6) : 0,
                                           state->paths.stream.theta);
    run->ledger.calls += state->conditional.filter.potentials;
    mote_ledger_add_backward(&run->ledger, &before, &state->conditional.backward.info);
    return status;
}

static int fill(mote_run *run, double *row)
{
    gibbs_state *state = run->state;
    const mote_path_run *p = &state->paths;
    const mote_ssm *model = &p->stream.space.model;
    int status = MOTE_OK;
    for (int64_t k = 0; k < state->entries; ++k)
        *row++ = p->stream.theta[state->entry[k]];
    if (model->additive) {
        status = mote_path_model_set(&state->along, p->stream.theta);
        if (!status)
            status = mote_path_functional(&state->along, p->next, MOTE_FUNCTIONAL_ADDITIVE, row);
        row += model->additive_count;
    }
    for (int64_t i = 0; i < state->steps; ++i)
        for (int64_t k = 0; k < p->d; ++k)
            *row++ = p->next[state->step[i] * p->d + k];
    return status;
}

/* ---- life ---- */

/* The steps that the option names; the last without it. */
static int choose_steps(mote_run *run, gibbs_state *state)
{
    const mote_particle_gibbs_options *o = run->options;
    const int64_t times = state->paths.stream.space.series.count;
    int status = mote_history_parse_steps("steps", o->steps, &state->step, &state->steps, &run->memory, &run->message);
    if (!status && !state->steps)
        state->step[state->steps++] = times - 1;
    if (!status && state->step[state->steps - 1] >= times)
        return mote_fail(&run->message, MOTE_EOPTION, "option steps: step %lld is beyond the last, %lld",
                         (long long)state->step[state->steps - 1], (long long)times - 1);
    return status;
}

static int choose_entries(mote_run *run, gibbs_state *state)
{
    const mote_space *space = &state->paths.stream.space.space;
    state->entry = mote_memory_allocate(&run->memory, space->theta_count, sizeof *state->entry);
    state->before = mote_memory_allocate(&run->memory, space->theta_count, sizeof *state->before);
    if (!state->entry || !state->before)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < space->theta_count && state->sampling; ++i)
        if (space->parameters[space->theta_parameter[i]].prior != MOTE_PRIOR_FIXED)
            state->entry[state->entries++] = i;
    return MOTE_OK;
}

static int64_t width_of(const gibbs_state *state)
{
    const mote_ssm *model = &state->paths.stream.space.model;
    return state->entries + (model->additive ? model->additive_count : 0) + state->steps * model->state_count;
}

static void make_names(gibbs_state *state)
{
    const mote_state_space *space = &state->paths.stream.space;
    const mote_ssm *model = &space->model;
    char *at = state->names;
    for (int64_t k = 0; k < state->entries; ++k, at += NAME)
        snprintf(at, NAME, "%s", space->space.parameters[space->space.theta_parameter[state->entry[k]]].name);
    for (int64_t k = 0; model->additive && k < model->additive_count; ++k, at += NAME)
        snprintf(at, NAME, "%s", model->additive_names[k]);
    for (int64_t i = 0; i < state->steps; ++i)
        for (int64_t k = 0; k < model->state_count; ++k, at += NAME)
            snprintf(at, NAME, "%.200s_%lld", model->states[k], (long long)state->step[i]);
}

/* Everything that the model and its parameters decide. */
static int open_model(mote_run *run, gibbs_state *state, const void *model)
{
    const mote_particle_gibbs_options *o = run->options;
    const int64_t held = o->parameters == MOTE_PARAMETERS_HELD;
    int status = held ? mote_stream_state_open(run, &state->paths.stream, model, o->theta)
                      : mote_stream_state_open_sampled(run, &state->paths.stream, model, o->theta, &state->drawn);
    state->sampling = !held && !status && state->paths.stream.space.space.dimension > 0;
    state->paths.first = first;
    state->paths.sweep = sweep;
    state->paths.fill = fill;
    if (!status)
        status = choose_entries(run, state);
    return status;
}

static int open_kernels(mote_run *run, gibbs_state *state)
{
    static const int64_t ways[] = { MOTE_BACKWARD_EXACT, MOTE_BACKWARD_HYBRID, MOTE_BACKWARD_REJECTION,
                                    MOTE_BACKWARD_MCMC };
    static const char *const kernels[] = { "random_walk", "mala", "independence" };
    const mote_particle_gibbs_options *o = run->options;
    const mote_conditional_setup setup = { { MOTE_SMOOTHING_SETUP(o) }, o->path_kernel,
                                           { ways[o->path_draw], 1, 0, o->path_draw_steps } };
    int status = mote_conditional_open(&state->conditional, &state->paths.stream.space, &setup, &run->memory,
                                       state->paths.stream.pool, &run->message);
    if (!status)
        status = choose_steps(run, state);
    if (!status)
        status = mote_path_model_open(&state->along, &state->paths.stream.space, &run->memory, &run->message);
    if (!status && state->sampling)
        status = mote_parameter_block_open(&state->block, run, &state->paths.stream.space, kernels[o->parameter_kernel],
                                           o->parameter_moves);
    return status;
}

static int gibbs_open(mote_run *run, const void *model)
{
    gibbs_state *state = run->state;
    const mote_particle_gibbs_options *o = run->options;
    int status = open_model(run, state, model);
    const int64_t usual = state->sampling ? SWEEPS_OF_PARAMETERS : SWEEPS_OF_PATHS;
    if (!status)
        status = open_kernels(run, state);
    if (!status)
        status = mote_path_run_open(run, &state->paths, o->sweeps ? o->sweeps : usual, o->warm_up, o->path,
                                    width_of(state));
    if (!status) {
        state->names = mote_memory_allocate(&run->memory, state->paths.width, NAME);
        status = state->names ? MOTE_OK : MOTE_ENOMEM;
    }
    if (!status)
        make_names(state);
    run->boundary = 1;
    return status;
}

static void gibbs_close(mote_run *run)
{
    gibbs_state *state = run->state;
    mote_parameter_block_close(&state->block);
    mote_path_model_close(&state->along);
    mote_conditional_close(&state->conditional);
    mote_memory_release(&run->memory, state->before);
    mote_memory_release(&run->memory, state->entry);
    mote_memory_release(&run->memory, state->step);
    mote_memory_release(&run->memory, state->names);
    mote_path_run_close(run, &state->paths);
}

/* Parameters move before the row of their sweep is filled: a step that fails takes them back, so that the state is the
 * one before it. (Adaptation needs no way back: it happens in the warm-up, which fills no rows.) */
static int gibbs_step(mote_run *run)
{
    gibbs_state *state = run->state;
    double *theta = state->paths.stream.theta;
    const size_t size = (size_t)state->paths.stream.space.space.theta_count * sizeof *theta;
    const double accepted = state->block.accepted, proposed = state->block.proposed;
    memcpy(state->before, theta, size);
    const int status = mote_path_run_step(run, &state->paths);
    if (status && status != MOTE_DONE) {
        memcpy(theta, state->before, size);
        state->block.accepted = accepted;
        state->block.proposed = proposed;
    }
    return status;
}

static int gibbs_save(mote_run *run, mote_writer *writer)
{
    const gibbs_state *state = run->state;
    mote_put_reals(writer, state->paths.stream.theta, state->paths.stream.space.space.theta_count);
    mote_path_run_save(&state->paths, writer);
    if (state->sampling)
        mote_parameter_block_save(&state->block, writer);
    return writer->status;
}

static int gibbs_load(mote_run *run, mote_reader *reader)
{
    gibbs_state *state = run->state;
    mote_get_reals(reader, state->paths.stream.theta, state->paths.stream.space.space.theta_count);
    int status = mote_path_run_load(run, &state->paths, reader);
    if (!status && state->sampling)
        mote_parameter_block_load(&state->block, reader);
    return status ? status : reader->status;
}

/* ---- results ---- */

static int add_means(mote_run *run, const gibbs_state *state)
{
    char name[NAME + 16];
    int status = MOTE_OK;
    for (int64_t k = 0; k < state->paths.width && !status; ++k) {
        const char *column = state->names + k * NAME;
        status = mote_draws_add_real(run->draws, column, mote_path_run_mean(&state->paths, k), "",
                                     "mean over the sweeps");
        snprintf(name, sizeof name, "%s_error", column);
        if (!status)
            status = mote_draws_add_real(run->draws, name, mote_path_run_error(&state->paths, k), "",
                                         "its standard error, by batch means");
    }
    if (!status && state->sampling)
        status = mote_draws_add_real(run->draws, "acceptance", state->block.accepted / state->block.proposed, "",
                                     "share of accepted proposals of the kernel on parameters");
    return status;
}

/* Which numbers of a row are exchanged together: 0 the functional's, then the state's at each of the chosen steps. */
static int64_t group_of(const gibbs_state *state, int64_t k)
{
    const int64_t d = state->paths.d, states = state->paths.width - state->steps * d;
    return k < states ? 0 : 1 + (k - states) / d;
}

static int gibbs_draws(mote_run *run)
{
    const gibbs_state *state = run->state;
    const mote_space *space = &state->paths.stream.space.space;
    const int64_t width = state->paths.width;
    mote_parameter *columns = mote_memory_allocate(&run->memory, width, sizeof *columns);
    for (int64_t k = 0; columns && k < width; ++k)
        if (k < state->entries)
            columns[k] = space->parameters[space->theta_parameter[state->entry[k]]];
        else
            columns[k] = (mote_parameter){ .name = state->names + k * NAME, .group = group_of(state, k) };
    int status = columns ? mote_path_run_draws(run, &state->paths, columns) : MOTE_ENOMEM;
    mote_memory_release(&run->memory, columns);
    return status ? status : add_means(run, state);
}

static void gibbs_progress(mote_run *run, mote_progress *progress)
{
    mote_path_run_progress(&((const gibbs_state *)run->state)->paths, progress);
}

static const mote_algorithm table = {
    .name = "particle_gibbs",
    .help = "particle Gibbs: paths, and parameters, given the observations of a state-space model",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(gibbs_state),
    .free_options = " sweeps ",
    .open = gibbs_open,
    .step = gibbs_step,
    .save = gibbs_save,
    .load = gibbs_load,
    .draws = gibbs_draws,
    .free_draws = mote_draws_free,
    .progress = gibbs_progress,
    .close = gibbs_close,
};

const mote_algorithm *const mote_particle_gibbs = &table;

/* ---- accessors ---- */

static const gibbs_state *state_of(const mote_run *run)
{
    return mote_run_usable(run) || run->algorithm != mote_particle_gibbs ? NULL : run->state;
}

double mote_particle_gibbs_mean(const mote_run *run, int64_t column)
{
    const gibbs_state *state = state_of(run);
    return state && column >= 0 && column < state->paths.width ? mote_path_run_mean(&state->paths, column) : NAN;
}

double mote_particle_gibbs_error(const mote_run *run, int64_t column)
{
    const gibbs_state *state = state_of(run);
    return state && column >= 0 && column < state->paths.width ? mote_path_run_error(&state->paths, column) : NAN;
}

const double *mote_particle_gibbs_path(const mote_run *run)
{
    const gibbs_state *state = state_of(run);
    return state && state->paths.started ? state->paths.path : NULL;
}
