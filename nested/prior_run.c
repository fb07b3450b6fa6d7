/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain draws from the prior: `sampler = prior`. Checks a set-up, shows the prior, and by importance weights gives
 * evidences where the likelihood is broad:
 *
 *     Z = mean of L_i;  its relative error sqrt((n sum L^2 / (sum L)^2 - 1) / n)
 *
 * Known answer: a constant likelihood c gives log Z = log c and no error. */
#include <math.h>
#include <mote/nested.h>

#include "core/option.h"
#include "core/run.h"
#include "core/vector.h"
#include "model/draws.h"
#include "model/prior_draws.h"
#include "nested/points.h"

MOTE_OPTION_TABLE(options, "prior", mote_prior_options, MOTE_PRIOR_RUN_OPTIONS);

enum { BLOCK = 1000 };

typedef struct prior_state {
    const mote_prior_options *options;
    mote_space space;
    mote_crew crew;
    mote_prior_draws chains;
    double log_prior_mass, prior_mass_error;
    mote_points points; /* carried, with the block under way */
    int64_t chains_busy;
    int64_t failed_checked;
} prior_state;

static int prior_open(mote_run *run, const void *model)
{
    prior_state *state = run->state;
    mote_row_function function;
    state->options = run->options;
    int status = mote_space_open(&state->space, model, &run->memory, &run->message);
    if (status)
        return status;
    mote_run_identify_space(run, &state->space);
    mote_points_open(&state->points, &state->space, &run->memory);
    mote_space_row_function(&state->space, &function);
    status = mote_run_open_executor(run, &function, BLOCK);
    if (!status)
        status = mote_crew_open(&state->crew, &run->executor, &run->memory, BLOCK);
    if (!status)
        status = mote_prior_draws_open(&state->chains, &state->space, BLOCK, &run->memory, &run->message);
    double *scratch = mote_memory_allocate(&run->memory, state->space.dimension + state->space.theta_count, sizeof(double));
    if (!status)
        status = scratch ? mote_prior_mass(&state->space, &run->source, 100000, scratch, &state->log_prior_mass,
                                           &state->prior_mass_error, &run->message) : MOTE_ENOMEM;
    mote_memory_release(&run->memory, scratch);
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status, "no memory for prior draws") : status;
}

static int start_block(mote_run *run, prior_state *state)
{
    int64_t left = state->options->draws - state->points.n;
    int64_t n = left < state->chains.capacity ? left : state->chains.capacity;
    if (n <= 0)
        return MOTE_DONE;
    if (mote_points_reserve(&state->points, state->points.n + n))
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld draws", (long long)(state->points.n + n));
    for (int64_t i = 0; i < n; ++i)
        mote_prior_draws_begin(&state->chains, i, &run->source, MOTE_PURPOSE_PRIOR, 0, state->points.n + i, 1);
    mote_crew_start(&state->crew, &mote_prior_draws_table, state->chains.draws, sizeof *state->chains.draws, n,
                    (uint64_t)state->points.n);
    state->chains_busy = n;
    return MOTE_OK;
}

static int prior_step(mote_run *run)
{
    prior_state *state = run->state;
    if (!state->chains_busy)
        return start_block(run, state);
    int status = mote_crew_advance(&state->crew);
    run->boundary = !status;
    if (status)
        return status == MOTE_CREW_PAUSED ? MOTE_OK : status;
    for (int64_t i = 0; i < state->chains_busy; ++i) {
        const mote_prior_draw *draw = &state->chains.draws[i];
        mote_points_add(&state->points, draw->cube, draw->theta, draw->derived, draw->log_likelihood, -INFINITY, 1);
    }
    state->chains_busy = 0;
    status = mote_run_check_failures(run, &state->failed_checked);
    if (status)
        return status;
    return state->points.n >= state->options->draws ? MOTE_DONE : MOTE_OK;
}

static int prior_save(mote_run *run, mote_writer *writer)
{
    const prior_state *state = run->state;
    mote_put_tag(writer, "prior");
    mote_put_integer(writer, state->chains_busy);
    mote_put_integer(writer, state->failed_checked);
    mote_points_save(&state->points, writer);
    mote_prior_draws_save(&state->chains, state->chains_busy, writer);
    if (state->chains_busy)
        mote_crew_save(&state->crew, writer);
    return writer->status;
}

static int prior_load(mote_run *run, mote_reader *reader)
{
    prior_state *state = run->state;
    mote_get_tag(reader, "prior");
    state->chains_busy = mote_get_count(reader, 0, state->chains.capacity);
    state->failed_checked = mote_get_count(reader, 0, 1);
    int status = mote_points_load(&state->points, reader);
    if (!status && state->chains_busy)
        status = mote_points_reserve(&state->points, state->points.n + state->chains_busy);
    if (!status)
        mote_prior_draws_load(&state->chains, state->chains_busy, reader);
    if (!status && state->chains_busy)
        status = mote_crew_load(&state->crew, &mote_prior_draws_table, state->chains.draws,
                                sizeof *state->chains.draws, reader);
    if (!status && !reader->status && state->chains_busy && state->crew.n != state->chains_busy)
        status = MOTE_ECORRUPT;
    if (status || reader->status)
        return mote_fail(&run->message, status ? status : reader->status, "the prior draws cannot be read");
    run->boundary = !state->chains_busy;
    return MOTE_OK;
}

/* log mean L and its error by the delta method; the same sums give the weights. */
static void weigh(mote_draws *draws, int64_t by_likelihood)
{
    int64_t n = draws->count;
    double maximum = -INFINITY, sum = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i)
        maximum = fmax(maximum, draws->log_likelihood[i]);
    for (int64_t i = 0; i < n && maximum > -INFINITY; ++i) {
        double l = mote_exp(draws->log_likelihood[i] - maximum);
        sum += l;
        squares += l * l;
    }
    draws->log_evidence = maximum > -INFINITY ? maximum + mote_log(sum / (double)n) : -INFINITY;
    draws->log_evidence_error = sum > 0 ? sqrt(fmax(squares / sum / sum - 1 / (double)n, 0)) : NAN;
    for (int64_t i = 0; i < n; ++i)
        if (!by_likelihood)
            draws->log_weight[i] = -mote_log((double)n);
        else
            draws->log_weight[i] = sum > 0 ? draws->log_likelihood[i] - maximum - mote_log(sum) : -INFINITY;
}

static int prior_draws(mote_run *run)
{
    prior_state *state = run->state;
    const mote_points *points = &state->points;
    if (!points->n)
        return mote_fail(&run->message, MOTE_ESTATE, "the run has no draws yet");
    mote_draws *draws = mote_draws_create(&run->memory, state->space.parameters, state->space.parameter_count,
                                          points->n, MOTE_DRAWS_PRIOR);
    if (!draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    mote_points_fill(points, &state->space, draws);
    for (int64_t i = 0; i < points->n; ++i)
        draws->log_prior[i] -= state->log_prior_mass;
    weigh(draws, state->options->weights == 1);
    run->draws = draws;
    int status = mote_draws_add_real(draws, "log_evidence", draws->log_evidence, "nats", "log of the mean likelihood");
    if (!status)
        status = mote_draws_add_real(draws, "log_evidence_error", draws->log_evidence_error, "nats",
                                     "its standard error");
    if (!status)
        status = mote_draws_add_real(draws, "log_prior_mass", state->log_prior_mass, "nats",
                                     "log of the prior mass inside the joint constraint");
    return status;
}

static void prior_close(mote_run *run)
{
    prior_state *state = run->state;
    mote_prior_draws_close(&state->chains);
    mote_crew_close(&state->crew, &run->memory);
    mote_executor_close(&run->executor);
    mote_points_close(&state->points);
    mote_space_close(&state->space);
}

static const mote_algorithm table = {
    .name = "prior",
    .help = "draws from the prior, to check a set-up or to weigh by the likelihood",
    .model_kind = MOTE_KIND_mote_target,
    .model_size = sizeof(mote_target),
    .options = &options,
    .state_size = sizeof(prior_state),
    .free_options = " draws weights ",
    .open = prior_open,
    .step = prior_step,
    .save = prior_save,
    .load = prior_load,
    .draws = prior_draws,
    .free_draws = mote_draws_free,
    .close = prior_close,
};

const mote_algorithm *const mote_prior_run = &table;
