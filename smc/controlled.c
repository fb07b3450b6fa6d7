/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Controlled SMC (Heng et al. 2020) and the iterated auxiliary particle filter (Guarniero et al. 2017):
 *
 *     psi = 1;  repeat: run the psi-filter, keep its particles;
 *                       backward, t = T..0: log psi_t = least squares of log G_t + log M_{t+1}(psi_{t+1}) on (1, x, x
 *                       x')
 *     final: psi fixed, a fresh run: exp(log Z) is unbiased
 *
 * Regressing what the present psi leaves over, and multiplying, is the same as regressing anew, since quadratics are
 * closed under products: the two methods differ in when they stop. Known answer: on case A every weight is equal after
 * one fit, and log Z is exact to 1e-9. */
#include <math.h>
#include <mote/controlled.h>
#include <stdio.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"
#include "model/draws.h"
#include "smc/particle_filter.h"
#include "smc/run_pool.h"
#include "smc/twist.h"

static const mote_option_use uses[] = {
    MOTE_PARTICLE_USES,
    { "tolerance", "method", "iterated_auxiliary" }, { "max_particles", "method", "iterated_auxiliary" },
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "controlled", mote_controlled_options, MOTE_CONTROLLED_OPTIONS, uses);

enum { WINDOW = 4, GROWTH = 16 };

typedef struct controlled_state {
    const mote_controlled_options *options;
    mote_state_space space;
    mote_twist twist;
    mote_twist_fit fit;
    mote_pool *pool;
    mote_particle_filter filter;
    mote_datum datum;
    double *theta;
    double *kept;          /* times x d columns of max_particles */
    int64_t most;          /* particles that there is room for */
    int64_t particles;     /* of the next filter */
    int64_t open_for;      /* particles of the open filter, 0: none is open */
    int64_t filters;       /* done */
    int64_t finished, clipped;
    double *record;        /* fits + 1 rows: log Z, residual, particles */
} controlled_state;

/* ---- life ---- */

static int check_options(mote_run *run, const mote_controlled_options *o)
{
    const char *other = o->proposal ? "proposal = guided" : o->look_ahead ? "look_ahead = on" : o->points
        ? "points = sobol" : NULL;
    if (other)
        return mote_fail(&run->message, MOTE_EUNSUPPORTED, "controlled: the look-ahead is learnt, %s has no meaning",
                         other);
    if (o->max_particles && o->max_particles < o->particles)
        return mote_fail(&run->message, MOTE_EOPTION, "option max_particles = %lld is below particles = %lld",
                         (long long)o->max_particles, (long long)o->particles);
    return mote_resampling_of_particles(o->resampling, MOTE_RESAMPLING_UNBIASED, &run->message);
}

static int open_memory(mote_run *run, controlled_state *state)
{
    const mote_controlled_options *o = state->options;
    state->most = o->method == MOTE_CONTROLLED ? o->particles : o->max_particles ? o->max_particles : GROWTH *
        o->particles;
    state->particles = o->particles;
    state->kept = mote_memory_allocate(&run->memory, state->twist.times * state->twist.d * state->most, sizeof(double));
    state->record = mote_memory_allocate(&run->memory, 3 * (o->fits + 1), sizeof(double));
    int status = state->kept && state->record ? MOTE_OK : MOTE_ENOMEM;
    if (!status)
        status = mote_twist_fit_open(&state->fit, &state->twist, state->most, o->quadratic);
    return status ? status : mote_datum_open(&state->datum, &state->twist.space, &run->memory);
}

static int controlled_open(mote_run *run, const void *model)
{
    controlled_state *state = run->state;
    const mote_controlled_options *o = state->options = run->options;
    char text[32];
    int status = check_options(run, o);
    if (!status)
        status = mote_state_space_open(&state->space, model, &run->memory, &run->message);
    if (status)
        return status;
    state->theta = mote_memory_allocate(&run->memory, state->space.space.theta_count, sizeof(double));
    status = state->theta ? mote_state_space_theta(&state->space, o->theta, state->theta, &run->message) : MOTE_ENOMEM;
    if (!status)
        status = mote_run_open_pool(run, &state->space, &state->pool);
    if (!status)
        status = mote_twist_open(&state->twist, &state->space, &run->memory, &run->message);
    if (!status)
        status = open_memory(run, state);
    if (!status)
        mote_run_identify_state_space(run, &state->space);
    for (int64_t i = 0; i < state->space.space.theta_count && !status; ++i) {
        snprintf(text, sizeof text, "%a", state->theta[i]);
        mote_run_identify(run, state->space.space.parameters[state->space.space.theta_parameter[i]].name, text);
    }
    run->boundary = 1;
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status, "no memory for the particles of %lld steps",
                                             (long long)state->twist.times) : status;
}

static void controlled_close(mote_run *run)
{
    controlled_state *state = run->state;
    mote_particle_filter_close(&state->filter);
    mote_pool_close(&state->pool);
    mote_datum_close(&state->datum, &run->memory);
    mote_twist_fit_close(&state->fit, &state->twist);
    mote_twist_close(&state->twist);
    mote_memory_release(&run->memory, state->theta);
    mote_memory_release(&run->memory, state->kept);
    mote_memory_release(&run->memory, state->record);
    mote_state_space_close(&state->space);
}

/* ---- filters and fits ---- */

static double *kept_column(const controlled_state *state, int64_t t, int64_t k)
{
    return state->kept + (t * state->twist.d + k) * state->most;
}

/* A block that carries parameters and cache, and nothing else. */
static mote_block bare_block(const controlled_state *state)
{
    return (mote_block){ MOTE_VERSIONED(mote_block), .n = 1, .parameter = state->filter.parameter,
                         .cache = state->filter.cache };
}

static int open_filter(mote_run *run, controlled_state *state)
{
    mote_filter_setup setup = { MOTE_PARTICLE_SETUP(state->options) };
    if (state->open_for == state->particles)
        return MOTE_OK;
    setup.particles = state->particles;
    mote_particle_filter_close(&state->filter);
    state->open_for = 0;
    int status = mote_particle_filter_open(&state->filter, &state->twist.space, &setup, &run->memory, state->pool,
                                           &run->message);
    state->open_for = status ? 0 : state->particles;
    return status;
}

/* One filter on the model as it is twisted now; its particles are kept. */
static int run_filter(mote_run *run, controlled_state *state)
{
    mote_source source = run->source;
    source.key = mote_source_child_key(run->source.key, MOTE_PURPOSE_FILTER, (uint64_t)state->filters);
    int status = mote_particle_filter_start(&state->filter, state->theta, &source);
    const mote_block bare = bare_block(state);
    if (!status)
        status = mote_twist_prepare(&state->twist, &bare);
    for (int64_t t = 0; t < state->twist.times && !status && !state->filter.dead; ++t) {
        mote_datum_from_series(&state->datum, &state->twist.space, t);
        status = mote_particle_filter_step(&state->filter, &state->datum);
        for (int64_t k = 0; k < state->twist.d && !status; ++k)
            memcpy(kept_column(state, t, k), state->filter.now->state[k], (size_t)state->particles * sizeof(double));
    }
    run->ledger.calls += state->filter.potentials;
    return status;
}

static int fit(controlled_state *state, double *residual)
{
    const double *column[MOTE_TWIST_STATES];
    const mote_block bare = bare_block(state);
    int status = MOTE_OK;
    *residual = 0;
    for (int64_t t = state->twist.times - 1; t >= 0 && !status; --t) {
        double left = 0;
        for (int64_t k = 0; k < state->twist.d; ++k)
            column[k] = kept_column(state, t, k);
        status = mote_twist_fit_time(&state->fit, &state->twist, &bare, t, column, state->particles, &left,
                                     &state->clipped);
        *residual += left / (double)state->twist.times;
    }
    return status;
}

/* Spread of the last log Z. */
static int stable(const controlled_state *state)
{
    double mean = 0, square = 0;
    if (state->filters < WINDOW)
        return 0;
    for (int64_t i = state->filters - WINDOW; i < state->filters; ++i) {
        mean += state->record[3 * i] / WINDOW;
        square += state->record[3 * i] * state->record[3 * i] / WINDOW;
    }
    return sqrt(fmax(square - mean * mean, 0)) < state->options->tolerance;
}

/* Is the next filter the final one? Doubles the particles where log Z is not stable. */
static int is_final(controlled_state *state)
{
    const mote_controlled_options *o = state->options;
    if (state->filters >= o->fits)
        return 1;
    if (o->method == MOTE_CONTROLLED)
        return 0;
    if (stable(state))
        return 1;
    if (state->filters >= WINDOW && 2 * state->particles <= state->most)
        state->particles *= 2;
    return 0;
}

static int controlled_step(mote_run *run)
{
    controlled_state *state = run->state;
    double *row = state->record + 3 * state->filters;
    if (state->finished)
        return MOTE_DONE;
    const int64_t particles = state->particles;
    const int final = is_final(state);
    int status = open_filter(run, state);
    if (!status)
        status = run_filter(run, state);
    if (!status && state->filter.dead && !final)
        status = mote_fail(&run->message, MOTE_EMODEL, "controlled: all weights were zero at step %lld, nothing can be "
                           "fitted: take more particles", (long long)state->filter.dead - 1);
    row[1] = NAN;
    if (!status && !final) {
        status = fit(state, &row[1]);
        run->in_doubt = status != MOTE_OK; /* times that are fitted replace their look-ahead at once */
    }
    if (status) {
        state->particles = particles;
        return status;
    }
    row[0] = state->filter.log_evidence;
    row[2] = (double)state->particles;
    ++state->filters;
    state->finished = final;
    return final ? MOTE_DONE : MOTE_OK;
}

/* ---- checkpoints: psi itself, and after the end the last population ---- */

static int controlled_save(mote_run *run, mote_writer *writer)
{
    const controlled_state *state = run->state;
    const int64_t d = state->twist.d;
    mote_put_tag(writer, "controlled");
    mote_put_integer(writer, state->filters);
    mote_put_integer(writer, state->finished);
    mote_put_integer(writer, state->particles);
    mote_put_integer(writer, state->clipped);
    mote_put_reals(writer, state->record, 3 * state->filters);
    for (int64_t t = 0; t < state->twist.times; ++t) {
        mote_put_reals(writer, state->twist.time[t].curvature, d * d);
        mote_put_reals(writer, state->twist.time[t].slope, d);
        mote_put_real(writer, state->twist.time[t].constant);
    }
    if (state->finished)
        mote_particle_filter_save(&state->filter, writer);
    return writer->status;
}

static int controlled_load(mote_run *run, mote_reader *reader)
{
    controlled_state *state = run->state;
    const int64_t d = state->twist.d;
    int status = MOTE_OK;
    mote_get_tag(reader, "controlled");
    state->filters = mote_get_count(reader, 0, state->options->fits + 1);
    state->finished = mote_get_count(reader, state->filters > state->options->fits, state->filters > 1);
    state->particles = mote_get_count(reader, 1, state->most);
    state->clipped = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    mote_get_reals(reader, state->record, 3 * state->filters);
    for (int64_t t = 0; t < state->twist.times; ++t) {
        mote_get_reals(reader, state->twist.time[t].curvature, d * d);
        mote_get_reals(reader, state->twist.time[t].slope, d);
        state->twist.time[t].constant = mote_get_real(reader);
    }
    if (state->finished && !reader->status)
        status = open_filter(run, state);
    if (state->finished && !status && !reader->status)
        status = mote_particle_filter_start(&state->filter, state->theta, &run->source);
    if (state->finished && !status && !reader->status)
        status = mote_particle_filter_load(&state->filter, reader);
    if (status || reader->status)
        return mote_fail(&run->message, status ? status : reader->status, "the state of controlled cannot be read");
    return MOTE_OK;
}

/* ---- results ---- */

static int add_results(const controlled_state *state, mote_draws *draws)
{
    int status = mote_draws_add_real(draws, "log_evidence", draws->log_evidence, "nats", "log of the evidence");
    if (!status)
        status = mote_draws_add_real(draws, "residual", state->record[3 * (state->filters - 2) + 1], "nats^2",
                                     "mean square that the last fit left");
    if (!status)
        status = mote_draws_add_count(draws, "fits", state->filters - 1, "", "fits of the look-ahead");
    if (!status)
        status = mote_draws_add_count(draws, "clipped", state->clipped, "",
                                      "fits that were made less curved to stay normal laws");
    return status ? status : mote_draws_add_count(draws, "particles", state->particles, "", "of the final filter");
}

static int controlled_draws(mote_run *run)
{
    controlled_state *state = run->state;
    if (!state->finished)
        return mote_fail(&run->message, MOTE_ESTATE, "controlled: the final filter has not run yet");
    mote_draws *draws = run->draws = mote_population_draws(&state->filter);
    if (!draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    draws->log_evidence = state->record[3 * (state->filters - 1)];
    return add_results(state, draws);
}

static void controlled_progress(mote_run *run, mote_progress *progress)
{
    const controlled_state *state = run->state;
    progress->iterations = state->filters;
    progress->log_evidence = state->filters ? state->record[3 * (state->filters - 1)] : NAN;
    progress->remaining = 1 - (double)state->filters / (double)(state->options->fits + 1);
}

static const mote_algorithm table = {
    .name = "controlled",
    .help = "controlled SMC: evidence of a state-space model by filters that learn to look ahead",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(controlled_state),
    .open = controlled_open,
    .step = controlled_step,
    .save = controlled_save,
    .load = controlled_load,
    .draws = controlled_draws,
    .free_draws = mote_draws_free,
    .progress = controlled_progress,
    .close = controlled_close,
};

const mote_algorithm *const mote_controlled = &table;

int mote_controlled_record(const mote_run *run, int64_t index, double *log_evidence, double *residual)
{
    if (mote_run_usable(run) || run->algorithm != mote_controlled)
        return MOTE_EKIND;
    const controlled_state *state = run->state;
    if (index < 0 || index >= state->filters)
        return MOTE_EINVAL;
    if (log_evidence)
        *log_evidence = state->record[3 * index];
    if (residual)
        *residual = state->record[3 * index + 1];
    return MOTE_OK;
}
