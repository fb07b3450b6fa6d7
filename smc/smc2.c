/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMC^2 (Chopin, Jacob and Papaspiliopoulos 2013): iterated batch importance sampling whose likelihoods are estimated
 * by a particle filter for each of N_theta parameter particles.
 *
 *     theta^m ~ prior, w^m = 1
 *     for t:  extend each filter by y_t;  w^m *= Z_t^m / Z_{t-1}^m;
 *             log Z_t = log Z_{t-1} + log sum w - log sum of before
 *             effective sample size < alpha N_theta:  resample theta with their filters;
 *                 `moves` transitions of particle marginal Metropolis-Hastings on p(theta | y_0..t), proposal from the
 *                 weighted particles;
 *                 s^2 = variance of log Z AT THE POSTERIOR MEAN, by fresh filters; a = acceptance
 *                 s^2 > limit, or a < limit and s^2 > 0.1:  N_x doubles, as often as brings s^2 below its limit;
 *                     all filters are exchanged for fresh ones, w^m *= Z'^m / Z^m
 *
 * Never the spread of log Z over theta, which is the posterior's and not the filters'. The exchange is exact where a
 * filter's evidence cannot be zero. With one schedule fixed, exp(log Z) is unbiased; its adaptation costs O(1/N_theta).
 * Error of log Z: from the genealogy of the parameter particles (smc/genealogy.h), whose weights hold the filters'
 * noise.
 *
 * Same bytes for any number of threads: filters have keys of their own, and all that decides runs on one thread. Known
 * answer: case B, log Z = -154.611025 (tests/smc/test_smc2.c). */
#include <math.h>
#include <string.h>

#include "core/option.h"
#include "model/draws.h"
#include "smc/run_pool.h"
#include "smc/smc2_state.h"

static const mote_option_use uses[] = {
    MOTE_PARTICLE_USES,
    { "components", "kernel", "independence" },
    { "noise_limit", "adapt", "on" }, { "acceptance_limit", "adapt", "on" },
    { "noise_filters", "adapt", "on" }, { "particles_limit", "adapt", "on" },
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "smc2", mote_smc2_options, MOTE_SMC2_OPTIONS, uses);

enum { LEAST_SPARES = 16 };

/* ---- life ---- */

static int check(mote_run *run, const mote_smc2_run_state *state)
{
    const mote_smc2_options *o = state->options;
    int status = mote_resampling_of_particles(o->resampling, MOTE_RESAMPLING_UNBIASED, &run->message);
    if (!status && !state->space.space.dimension)
        status = mote_fail(&run->message, MOTE_EINVAL, "smc2: the model has no parameter to sample, all are fixed");
    if (!status && o->particles_limit && o->particles_limit < o->particles)
        status = mote_fail(&run->message, MOTE_EOPTION, "option particles_limit = %lld is below particles = %lld",
                           (long long)o->particles_limit, (long long)o->particles);
    if (!status && (run->settings.executor == MOTE_EXECUTOR_PROCESSES ||
                    run->settings.executor == MOTE_EXECUTOR_EXTERNAL))
        status = mote_fail(&run->message, MOTE_EUNSUPPORTED,
                           "smc2 keeps its filters and runs them on threads: option executor "
                           "must be auto, serial or threads");
    return status;
}

static int open_memory(mote_run *run, mote_smc2_run_state *state)
{
    const mote_smc2_options *o = state->options;
    const int64_t n = o->parameter_particles;
    int missing = !(state->normalised = mote_memory_allocate(&run->memory, n, sizeof(double)));
    missing |= !(state->cube = mote_memory_allocate(&run->memory, state->space.space.dimension, sizeof(double)));
    missing |= !(state->evaluation = mote_memory_allocate(&run->memory, o->noise_filters, sizeof(double)));
    missing |= !(state->calls = mote_memory_allocate(&run->memory, n, sizeof(int64_t)));
    missing |= !(state->asking = mote_memory_allocate(&run->memory, n, sizeof(int64_t)));
    missing |= mote_kernel_points_reserve(&state->points, n);
    missing |= mote_kernel_points_reserve(&state->scratch, n);
    missing |= mote_genealogy_open(&state->genealogy, n, o->variance_lag, &run->memory);
    state->points.n = state->scratch.n = missing ? 0 : n;
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

static int open_parts(mote_run *run, mote_smc2_run_state *state)
{
    const mote_smc2_options *o = state->options;
    const mote_filter_setup setup = { MOTE_PARTICLE_SETUP(o) };
    const mote_kernel_settings settings = { .components = o->components };
    const mote_kernel_method *method = mote_kernel_find(o->kernel == MOTE_SMC2_INDEPENDENCE ? "independence"
                                                        : "random_walk");
    const int64_t spares = state->pool && 4 * run->settings.threads > LEAST_SPARES ? 4 * run->settings.threads
        : LEAST_SPARES;
    int status = mote_filter_bank_open(&state->bank, &state->space, &setup, o->parameter_particles, spares,
                                       &run->source, &run->memory, state->pool, &run->message);
    if (!status)
        status = mote_kernel_open(&state->kernel, method, &settings, &state->space.space, o->parameter_particles,
                                  &run->memory, &run->message);
    if (!status)
        status = mote_datum_open(&state->datum, &state->space, &run->memory);
    return status ? status : open_memory(run, state);
}

static int smc2_open(mote_run *run, const void *model)
{
    mote_smc2_run_state *state = run->state;
    state->options = run->options;
    int status = mote_state_space_open(&state->space, model, &run->memory, &run->message);
    if (status)
        return status;
    mote_run_identify_state_space(run, &state->space);
    mote_kernel_points_open(&state->points, &state->space.space, 0, &run->memory);
    mote_kernel_points_open(&state->scratch, &state->space.space, 0, &run->memory);
    status = check(run, state);
    if (!status && run->settings.executor != MOTE_EXECUTOR_SERIAL)
        status = mote_run_open_pool(run, &state->space, &state->pool);
    if (!status)
        status = open_parts(run, state);
    run->boundary = 1;
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status,
                                             "smc2: no memory for %lld filters of %lld particles",
                                             (long long)state->options->parameter_particles,
                                             (long long)state->options->particles)
                                 : status;
}

static void smc2_close(mote_run *run)
{
    mote_smc2_run_state *state = run->state;
    void *blocks[] = { state->normalised, state->cube, state->evaluation, state->calls, state->asking, state->records };
    mote_kernel_close(&state->kernel);
    mote_filter_bank_close(&state->bank);
    mote_genealogy_close(&state->genealogy);
    mote_kernel_points_close(&state->points);
    mote_kernel_points_close(&state->scratch);
    mote_datum_close(&state->datum, &run->memory);
    mote_pool_close(&state->pool);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(&run->memory, blocks[i]);
    mote_state_space_close(&state->space);
}

/* ---- a stream ---- */

static int smc2_push(mote_run *run, const mote_observation *observation)
{
    mote_smc2_run_state *state = run->state;
    mote_state_space *space = &state->space;
    const int64_t seen = space->series.count;
    if (space->has_series)
        return mote_fail(&run->message, MOTE_ESTATE, "push: the model carries its own series");
    if (state->ended)
        return mote_fail(&run->message, MOTE_ESTATE, "push: the run has been finished, its stream is closed");
    if (state->bank.step < seen || state->phase > MOTE_SMC2_IDLE)
        return mote_fail(&run->message, MOTE_ESTATE, "push: the observation before is not yet complete: call "
                                                     "mote_run_step");
    int status = mote_datum_from_observation(&state->datum, space, observation, seen,
                                             seen ? space->series.time[seen - 1] : 0, &run->message);
    if (!status && mote_state_space_append(space, &state->datum))
        status = mote_fail(&run->message, MOTE_ENOMEM, "push: no memory for observation %lld", (long long)seen);
    return status;
}

static void smc2_end(mote_run *run)
{
    mote_smc2_run_state *state = run->state;
    state->ended = !state->space.has_series;
}

/* ---- checkpoints ---- */

static void save_series(const mote_smc2_run_state *state, mote_writer *writer)
{
    const int64_t n = state->space.has_series ? 0 : state->space.series.count;
    const mote_ssm *model = &state->space.model;
    mote_put_integer(writer, n);
    mote_put_reals(writer, state->space.series.time, n);
    mote_put_reals(writer, state->space.series.values, n * model->observation_count);
    mote_put_reals(writer, state->space.series.input, n * model->input_count);
}

static int smc2_save(mote_run *run, mote_writer *writer)
{
    const mote_smc2_run_state *state = run->state;
    const int64_t n = state->options->parameter_particles;
    mote_put_tag(writer, "smc2");
    save_series(state, writer);
    mote_put_integer(writer, state->phase);
    mote_put_integer(writer, state->first);
    mote_put_integer(writer, state->failed);
    mote_put_integer(writer, state->limited);
    mote_put_integer(writer, state->ended);
    mote_filter_bank_save(&state->bank, writer);
    mote_put_reals(writer, (const double *)state->records, state->bank.step * MOTE_SMC2_RECORD);
    mote_kernel_points_save(&state->points, writer);
    mote_genealogy_save(&state->genealogy, writer);
    mote_kernel_save(state->kernel, state->phase == MOTE_SMC2_MOVE ? n : 0, writer);
    if (state->phase == MOTE_SMC2_MOVE) {
        mote_put_integers(writer, state->calls, n);
        mote_put_integer(writer, state->asked);
        mote_put_integers(writer, state->asking, state->asked);
    }
    if (state->phase == MOTE_SMC2_NOISE)
        mote_put_reals(writer, state->evaluation, state->first);
    return writer->status;
}

static int load_series(mote_smc2_run_state *state, mote_reader *reader)
{
    const mote_ssm *model = &state->space.model;
    const int64_t n = mote_get_parts(reader, 1 + model->observation_count), k = model->observation_count;
    int status = reader->status ? reader->status : n && state->space.has_series ? MOTE_ECORRUPT : MOTE_OK;
    for (int64_t i = 0; i < n && !status; ++i) /* rows to be filled */
        status = mote_state_space_append(&state->space, &state->datum);
    if (status)
        return status;
    mote_get_reals(reader, state->space.has_series ? NULL : (double *)state->space.series.time, n);
    mote_get_reals(reader, state->space.has_series ? NULL : (double *)state->space.series.values, n * k);
    mote_get_reals(reader, state->space.has_series ? NULL : (double *)state->space.series.input,
                   n * model->input_count);
    return reader->status;
}

static int load_phase(mote_smc2_run_state *state, mote_reader *reader)
{
    const int64_t n = state->options->parameter_particles;
    state->phase = mote_get_count(reader, 0, MOTE_SMC2_PHASES - 1);
    state->first = mote_get_count(reader, 0, state->phase == MOTE_SMC2_NOISE ? state->options->noise_filters : n);
    state->failed = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    state->limited = mote_get_count(reader, 0, 1);
    state->ended = mote_get_count(reader, 0, 1);
    return reader->status;
}

/* Chains that ask do so once each, and for no more rows than a move has. */
static void load_move(mote_smc2_run_state *state, mote_reader *reader)
{
    const int64_t n = state->options->parameter_particles;
    int sound = 1;
    mote_get_integers(reader, state->calls, n);
    state->asked = mote_get_count(reader, 0, n);
    mote_get_integers(reader, state->asking, state->asked);
    for (int64_t i = 0; i < n; ++i)
        sound &= state->calls[i] >= 0 && state->calls[i] <= state->options->moves;
    for (int64_t j = 0; j < state->asked && sound; ++j)
        sound &= state->asking[j] > (j ? state->asking[j - 1] : -1) && state->asking[j] < n
                 && state->calls[state->asking[j]] > 0;
    if (!sound && !reader->status)
        reader->status = MOTE_ECORRUPT;
    if (reader->status)
        state->asked = 0;
}

static int load_state(mote_run *run, mote_smc2_run_state *state, mote_reader *reader)
{
    const int64_t n = state->options->parameter_particles;
    int status = load_series(state, reader);
    if (!status)
        status = load_phase(state, reader);
    if (!status)
        status = mote_filter_bank_load(&state->bank, mote_smc2_most_particles(state->options), reader);
    if (!status && state->phase > MOTE_SMC2_IDLE && !state->bank.step)
        status = MOTE_ECORRUPT;
    if (!status)
        status = mote_smc2_reserve(run, state->bank.step);
    if (status)
        return status;
    mote_get_reals(reader, (double *)state->records, state->bank.step * MOTE_SMC2_RECORD);
    status = mote_kernel_points_load(&state->points, reader);
    if (!status)
        status = mote_genealogy_load(&state->genealogy, reader);
    if (!status) /* as at the beginning of the observation */
        status = mote_genealogy_reserve(&state->genealogy);
    if (status)
        return status;
    mote_kernel_load(state->kernel, state->phase == MOTE_SMC2_MOVE ? n : 0, reader);
    if (state->phase == MOTE_SMC2_MOVE)
        load_move(state, reader);
    if (state->phase == MOTE_SMC2_NOISE)
        mote_get_reals(reader, state->evaluation, state->first);
    return state->points.n == n ? reader->status : MOTE_ECORRUPT;
}

static int smc2_load(mote_run *run, mote_reader *reader)
{
    mote_smc2_run_state *state = run->state;
    mote_get_tag(reader, "smc2");
    int status = load_state(run, state, reader);
    run->boundary = state->phase <= MOTE_SMC2_IDLE;
    return status ? mote_fail(&run->message, status, "the state of smc2 cannot be read") : MOTE_OK;
}

/* ---- the table ---- */

static void smc2_progress(mote_run *run, mote_progress *progress)
{
    const mote_smc2_run_state *state = run->state;
    progress->iterations = state->bank.step;
    progress->live_points = state->bank.n;
    progress->log_evidence = state->bank.step ? state->bank.log_evidence : NAN;
    if (state->space.has_series)
        progress->remaining = 1 - (double)state->bank.step / (double)state->space.series.count;
}

static const mote_algorithm table = {
    .name = "smc2",
    .help = "SMC^2: evidence and posterior of a state-space model's parameters, sequentially",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(mote_smc2_run_state),
    .open = smc2_open,
    .step = mote_smc2_step,
    .push = smc2_push,
    .end = smc2_end,
    .save = smc2_save,
    .load = smc2_load,
    .draws = mote_smc2_draws,
    .free_draws = mote_draws_free,
    .progress = smc2_progress,
    .close = smc2_close,
};

const mote_algorithm *const mote_smc2 = &table;
