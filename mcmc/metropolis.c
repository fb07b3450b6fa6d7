/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run algorithm `metropolis`: chains of one kernel.
 *
 *     START  each chain: prior draws until one has a likelihood > 0; the kernel is tuned from other prior draws
 *     WARM   rounds of 10 transitions. After round k, gain k^-0.6: scale towards the target acceptance, mean and
 *            covariance towards the states of all chains (Andrieu & Thoms 2008). After a quarter and a half of the
 *            warm-up the kernel is tuned anew from the states since the last time
 *     KEEP   the kernel is frozen; states are kept
 *
 * All chains share one kernel. Known answer: tests/mcmc/test_metropolis.c. */
#include <math.h>
#include <mote/metropolis.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"
#include "mcmc/kernel.h"
#include "model/chains.h"
#include "model/prior_draws.h"

MOTE_OPTION_TABLE(options, "metropolis", mote_metropolis_options, MOTE_METROPOLIS_OPTIONS);

enum { ROUND = 10, TRIES = 1000, PRIOR_DRAWS = 500, MOST_WINDOW = 20000 };
enum phase { START, WARM, KEEP, DONE };

typedef struct start_chain {
    struct metropolis_state *state;
    mote_stream stream;
    int64_t i, tries;
} start_chain;

#define CARRIED(X)                                                                                                     \
    X(phase) X(busy) X(rounds) X(transitions) X(failed_checked) X(crews) X(transitions_kept) X(accepted_kept)

typedef struct metropolis_state {
    const mote_metropolis_options *options;
    mote_message *message;
    mote_space space;
    mote_kernel *kernel;
    mote_crew crew;
    mote_row_function function;
    start_chain *starts;
    double *cube;
#define FIELD(name) int64_t name;
    CARRIED(FIELD)
#undef FIELD
    double jump_sum, acceptance_sum;
    mote_kernel_points round;   /* chain c: rows c ROUND ... */
    mote_kernel_points kept;    /* chain c of iteration k: row k chains + c */
    double *window;             /* y of the states since the last tuning */
    int64_t window_n, window_capacity;
} metropolis_state;

/* ---- start ----------------------------------------------------------------------------------------------------- */

static int start_want(void *opaque, double *theta)
{
    start_chain *start = opaque;
    metropolis_state *state = start->state;
    mote_kernel_point point = mote_kernel_points_at(&state->round, start->i);
    const mote_stream before = start->stream;
    int status = mote_prior_draw_inside(&state->space, &start->stream, state->cube, point.theta, state->message);
    if (status) {
        start->stream = before;
        return status;
    }
    mote_kernel_fill_theta(state->kernel, &point);
    mote_kernel_points_put(&state->round, start->i, &point);
    memcpy(theta, point.theta, (size_t)state->space.theta_count * sizeof *theta);
    return MOTE_OK;
}

static int start_take(void *opaque, const mote_row_value *value)
{
    start_chain *start = opaque;
    metropolis_state *state = start->state;
    mote_kernel_point point = mote_kernel_points_at(&state->round, start->i);
    mote_kernel_fill_value(state->kernel, &point, value);
    mote_kernel_points_put(&state->round, start->i, &point);
    ++start->tries;
    return value->log_likelihood > -INFINITY || start->tries >= TRIES ? MOTE_DONE : MOTE_OK;
}

static const mote_chain_table start_table = { start_want, start_take };

static int tune_to_the_prior(mote_run *run, metropolis_state *state)
{
    const mote_source at = mote_source_at(&run->source, MOTE_PURPOSE_PRIOR, 1, 0);
    const int64_t d = state->space.dimension;
    mote_kernel_point point = mote_kernel_points_at(&state->round, 0);
    for (int64_t i = 0; i < PRIOR_DRAWS; ++i) {
        mote_source source = at;
        mote_stream stream = mote_stream_open(&source, i);
        int status = mote_prior_draw_inside(&state->space, &stream, state->cube, point.theta, &run->message);
        if (status)
            return status;
        mote_kernel_fill_theta(state->kernel, &point);
        memcpy(state->window + i * d, point.y, (size_t)d * sizeof(double));
    }
    mote_kernel_tune(state->kernel, state->window, NULL, PRIOR_DRAWS);
    return MOTE_OK;
}

static int begin_start(mote_run *run, metropolis_state *state)
{
    const mote_source at = mote_source_at(&run->source, MOTE_PURPOSE_PRIOR, 0, 0);
    int status = tune_to_the_prior(run, state);
    if (status)
        return status;
    for (int64_t i = 0; i < state->options->chains; ++i) {
        mote_source source = at;
        state->starts[i] = (start_chain){ state, mote_stream_open(&source, i), i, 0 };
    }
    mote_crew_start(&state->crew, &start_table, state->starts, sizeof *state->starts, state->options->chains, 0);
    state->busy = 1;
    state->crews = 1;
    return MOTE_OK;
}

static int end_start(mote_run *run, metropolis_state *state)
{
    for (int64_t i = 0; i < state->options->chains; ++i) {
        const mote_kernel_point point = mote_kernel_points_at(&state->round, i);
        if (!(point.log_likelihood > -INFINITY))
            return mote_fail(&run->message, MOTE_EMODEL,
                             "chain %lld: none of %d prior draws had a likelihood above zero", (long long)i,
                             (int)TRIES);
        mote_kernel_place(state->kernel, i, &point);
    }
    state->phase = WARM;
    return MOTE_OK;
}

/* ---- rounds ---------------------------------------------------------------------------------------------------- */

/* Transitions of a round. Kept draws far apart come one per round, without a trace. */
static int64_t round_length(const metropolis_state *state)
{
    const mote_metropolis_options *o = state->options;
    if (state->phase == KEEP && o->thin > 1)
        return o->thin;
    const int64_t left = state->phase == WARM ? o->warm_up - state->transitions : o->draws - state->kept.n / o->chains;
    return left < ROUND ? left : ROUND;
}

static int traced(const metropolis_state *state)
{
    return state->phase == WARM || state->options->thin == 1;
}

static int begin_round(mote_run *run, metropolis_state *state)
{
    const int64_t chains = state->options->chains, length = round_length(state);
    size_t size;
    if (state->phase == KEEP && mote_kernel_points_reserve(&state->kept, state->kept.n + chains * ROUND))
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld draws",
                         (long long)(state->kept.n + chains * ROUND));
    for (int64_t c = 0; c < chains; ++c)
        mote_kernel_begin(state->kernel, c, &run->source, (uint32_t)state->crews, c, length,
                          traced(state) ? c * ROUND : -1);
    void *bytes = mote_kernel_chains(state->kernel, &size);
    mote_crew_start(&state->crew, mote_kernel_table, bytes, size, chains, (uint64_t)(state->crews * chains));
    ++state->crews;
    state->busy = 1;
    return MOTE_OK;
}

static void into_window(metropolis_state *state, int64_t length)
{
    const int64_t d = state->space.dimension;
    for (int64_t c = 0; c < state->options->chains; ++c)
        for (int64_t k = 0; k < length && state->window_n < state->window_capacity; ++k)
            memcpy(state->window + state->window_n++ * d, state->round.y + (c * ROUND + k) * d,
                   (size_t)d * sizeof(double));
}

/* Did the warm-up pass this share of its length with the last `length` transitions? */
static int passed(const metropolis_state *state, int64_t length, int64_t quarters)
{
    const int64_t at = state->options->warm_up * quarters / 4;
    return state->transitions >= at && state->transitions - length < at;
}

static void adapt(metropolis_state *state, const mote_kernel_statistics *statistics, int64_t length)
{
    const int64_t chains = state->options->chains, d = state->space.dimension, first = state->window_n;
    const double gain = pow((double)++state->rounds, -0.6);
    into_window(state, length);
    mote_kernel_adapt(state->kernel, statistics->acceptance, 2 * gain);
    mote_kernel_learn(state->kernel, state->window + first * d, state->window_n - first, gain);
    if (passed(state, length, 1) || passed(state, length, 2)) {
        mote_kernel_tune(state->kernel, state->window, NULL, state->window_n);
        state->window_n = 0;
    }
    if (state->window_n + chains * ROUND > state->window_capacity)
        state->window_n = 0;
}

static void keep(metropolis_state *state, const mote_kernel_statistics *statistics, int64_t length)
{
    const int64_t chains = state->options->chains;
    state->transitions_kept += statistics->transitions;
    state->accepted_kept += statistics->accepted;
    state->acceptance_sum += statistics->acceptance * (double)statistics->transitions;
    state->jump_sum += statistics->squared_jump * (double)statistics->transitions;
    for (int64_t k = 0; k < (traced(state) ? length : 1); ++k)
        for (int64_t c = 0; c < chains; ++c) {
            const mote_kernel_point point = traced(state) ? mote_kernel_points_at(&state->round, c * ROUND + k)
                                                          : mote_kernel_current(state->kernel, c);
            mote_kernel_points_put(&state->kept, state->kept.n++, &point);
        }
}

static void end_round(metropolis_state *state)
{
    const mote_metropolis_options *o = state->options;
    const int64_t length = round_length(state);
    const mote_kernel_statistics statistics = mote_kernel_statistics_of(state->kernel, 0, o->chains);
    state->transitions += length;
    if (state->phase == WARM) {
        adapt(state, &statistics, length);
        state->phase = state->transitions >= o->warm_up ? KEEP : WARM;
        return;
    }
    keep(state, &statistics, length);
    state->phase = state->kept.n >= o->draws * o->chains ? DONE : KEEP;
}

static int metropolis_step(mote_run *run)
{
    metropolis_state *state = run->state;
    if (state->phase == DONE)
        return MOTE_DONE;
    if (!state->busy)
        return state->phase == START ? begin_start(run, state) : begin_round(run, state);
    int status = mote_crew_advance(&state->crew);
    if (!status)
        status = mote_run_check_failures(run, &state->failed_checked);
    run->boundary = !status;
    if (status)
        return status == MOTE_CREW_PAUSED ? MOTE_OK : status;
    state->busy = 0;
    if (state->phase == START)
        return end_start(run, state);
    end_round(state);
    return state->phase == DONE ? MOTE_DONE : MOTE_OK;
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

static int open_kernel(mote_run *run, metropolis_state *state)
{
    const mote_metropolis_options *o = state->options;
    const mote_kernel_settings settings = { .components = o->components };
    const mote_kernel_method *method =
        o->kernel != MOTE_METROPOLIS_AUTO
            ? mote_kernel_at(o->kernel - 1)
            : mote_kernel_find(state->space.target.flags & MOTE_HAS_GRADIENT ? "mala" : "random_walk");
    int status =
        mote_kernel_open(&state->kernel, method, &settings, &state->space, o->chains, &run->memory, &run->message);
    if (status)
        return status;
    mote_kernel_points_open(&state->round, &state->space, mote_kernel_needs_gradient(method), &run->memory);
    mote_kernel_points_open(&state->kept, &state->space, mote_kernel_needs_gradient(method), &run->memory);
    mote_kernel_set_trace(state->kernel, &state->round);
    mote_space_row_function(&state->space, &state->function);
    state->function.gradient = mote_kernel_needs_gradient(method);
    return mote_run_open_executor(run, &state->function, o->chains);
}

static int open_memory(mote_run *run, metropolis_state *state)
{
    const mote_memory *memory = &run->memory;
    const int64_t chains = state->options->chains, d = state->space.dimension;
    const int64_t states = chains * (state->options->warm_up / 2 + ROUND), most = MOST_WINDOW + chains * ROUND;
    state->window_capacity = states < most ? states : most;
    const int64_t rows = state->window_capacity > PRIOR_DRAWS ? state->window_capacity : PRIOR_DRAWS;
    int missing = mote_kernel_points_reserve(&state->round, chains * ROUND);
    missing |= !(state->window = mote_memory_allocate(memory, rows * d, sizeof(double)));
    missing |= !(state->starts = mote_memory_allocate(memory, chains, sizeof *state->starts));
    missing |= !(state->cube = mote_memory_allocate(memory, d + state->space.theta_count, sizeof(double)));
    return missing ? MOTE_ENOMEM : mote_crew_open(&state->crew, &run->executor, memory, chains);
}

static int metropolis_open(mote_run *run, const void *model)
{
    metropolis_state *state = run->state;
    state->options = run->options;
    state->message = &run->message;
    int status = mote_space_open(&state->space, model, &run->memory, &run->message);
    if (status)
        return status;
    mote_run_identify_space(run, &state->space);
    status = open_kernel(run, state);
    if (!status && open_memory(run, state))
        status = mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld chains in %lld dimensions",
                           (long long)state->options->chains, (long long)state->space.dimension);
    return status;
}

static void metropolis_close(mote_run *run)
{
    metropolis_state *state = run->state;
    mote_kernel_close(&state->kernel);
    mote_crew_close(&state->crew, &run->memory);
    mote_executor_close(&run->executor);
    mote_kernel_points_close(&state->round);
    mote_kernel_points_close(&state->kept);
    mote_memory_release(&run->memory, state->window);
    mote_memory_release(&run->memory, state->starts);
    mote_memory_release(&run->memory, state->cube);
    mote_space_close(&state->space);
}

/* ---- checkpoint ------------------------------------------------------------------------------------------------ */

static int metropolis_save(mote_run *run, mote_writer *writer)
{
    metropolis_state *state = run->state;
    const int64_t chains = state->options->chains;
    mote_put_tag(writer, "metropolis");
#define PUT(name) mote_put_integer(writer, state->name);
    CARRIED(PUT)
#undef PUT
    mote_put_real(writer, state->jump_sum);
    mote_put_real(writer, state->acceptance_sum);
    mote_put_integer(writer, state->window_n);
    mote_put_reals(writer, state->window, state->window_n * state->space.dimension);
    state->round.n = chains * ROUND;
    mote_kernel_points_save(&state->round, writer);
    mote_kernel_points_save(&state->kept, writer);
    mote_kernel_save(state->kernel, chains, writer);
    for (int64_t i = 0; state->phase == START && state->busy && i < chains; ++i) {
        mote_put_stream(writer, &state->starts[i].stream);
        mote_put_integer(writer, state->starts[i].tries);
    }
    if (state->busy)
        mote_crew_save(&state->crew, writer);
    return writer->status;
}

static int load_crew(metropolis_state *state, mote_reader *reader)
{
    size_t size = sizeof *state->starts;
    void *bytes = state->starts;
    for (int64_t i = 0; state->phase == START && i < state->options->chains; ++i) {
        state->starts[i] = (start_chain){ .state = state, .i = i };
        mote_get_stream(reader, &state->starts[i].stream);
        state->starts[i].tries = mote_get_count(reader, 0, TRIES);
    }
    if (reader->status)
        return reader->status;
    if (state->phase != START)
        bytes = mote_kernel_chains(state->kernel, &size);
    int status =
        mote_crew_load(&state->crew, state->phase == START ? &start_table : mote_kernel_table, bytes, size, reader);
    return status || state->crew.n == state->options->chains ? status : MOTE_ECORRUPT;
}

static int load_rest(metropolis_state *state, mote_reader *reader)
{
    const int64_t chains = state->options->chains;
    state->window_n = mote_get_count(reader, 0, state->window_capacity);
    mote_get_reals(reader, state->window, state->window_n * state->space.dimension);
    int status = reader->status ? reader->status : mote_kernel_points_load(&state->round, reader);
    if (!status)
        status = mote_kernel_points_load(&state->kept, reader);
    if (!status
        && (state->round.n != chains * ROUND || state->kept.n % chains
            || state->kept.n > state->options->draws * chains))
        status = MOTE_ECORRUPT;
    if (!status)
        status = mote_kernel_points_reserve(&state->kept, state->kept.n + chains * ROUND);
    if (status)
        return status;
    mote_kernel_load(state->kernel, chains, reader);
    return reader->status ? reader->status : state->busy ? load_crew(state, reader) : MOTE_OK;
}

static int metropolis_load(mote_run *run, mote_reader *reader)
{
    metropolis_state *state = run->state;
    mote_get_tag(reader, "metropolis");
#define GET(name) state->name = mote_get_integer(reader);
    CARRIED(GET)
#undef GET
    state->jump_sum = mote_get_real(reader);
    state->acceptance_sum = mote_get_real(reader);
    int status = reader->status;
    if (!status
        && (state->phase < START || state->phase > DONE || state->busy < 0 || state->busy > 1 || state->rounds < 0
            || state->transitions < 0 || state->crews < 0 || state->transitions > INT64_MAX / 2
            || (state->phase == WARM && state->transitions >= state->options->warm_up)
            || (state->phase == DONE && state->busy)))
        status = MOTE_ECORRUPT;
    if (!status)
        status = load_rest(state, reader);
    if (!status && state->phase == KEEP && state->kept.n >= state->options->draws * state->options->chains)
        status = MOTE_ECORRUPT;
    if (status)
        return mote_fail(&run->message, status, "the state of the chains cannot be read");
    run->boundary = !state->busy;
    run->finished_by = state->phase == DONE ? MOTE_FINISHED_BY_CRITERION : MOTE_NOT_FINISHED;
    return MOTE_OK;
}

/* ---- draws ----------------------------------------------------------------------------------------------------- */

static int add_results(const mote_run *run, mote_draws *draws)
{
    const metropolis_state *state = run->state;
    const double transitions = (double)state->transitions_kept;
    int status = mote_draws_add_real(draws, "acceptance", state->acceptance_sum / transitions, "",
                                     "mean acceptance probability of the kept transitions");
    if (!status)
        status = mote_draws_add_real(draws, "squared_jump", state->jump_sum / transitions, "",
                                     "mean squared jump in units of the covariance");
    if (!status)
        status = mote_draws_add_real(draws, "scale", mote_kernel_scale(state->kernel), "",
                                     "of the kernel, against its default");
    if (!status)
        status = mote_draws_add_count(draws, "chains", state->options->chains, "", "number of chains");
    if (!status)
        status = mote_draws_add_count(draws, "accepted", state->accepted_kept, "", "kept transitions that moved");
    if (!status && state->phase != DONE)
        status = mote_draws_add_warning(draws, "unfinished", "fewer draws than were asked for");
    return status ? status : mote_draws_warn_of_short_chains(draws);
}

static int metropolis_draws(mote_run *run)
{
    const metropolis_state *state = run->state;
    const int64_t n = state->kept.n;
    if (!n)
        return mote_fail(&run->message, MOTE_ESTATE, "the run has no draws yet");
    mote_draws *draws = mote_draws_create(&run->memory, state->space.parameters, state->space.parameter_count, n,
                                          MOTE_DRAWS_PRIOR | MOTE_DRAWS_CHAIN);
    if (!draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    run->draws = draws;
    draws->chain_count = state->options->chains;
    mote_kernel_points_fill(&state->kept, &state->space, draws, 0);
    for (int64_t i = 0; i < n; ++i) {
        draws->log_weight[i] = -log((double)n);
        draws->chain[i] = (double)(i % state->options->chains);
    }
    return add_results(run, draws);
}

static void metropolis_progress(mote_run *run, mote_progress *progress)
{
    const metropolis_state *state = run->state;
    const mote_metropolis_options *o = state->options;
    const double all = (double)o->warm_up + (double)o->draws * (double)o->thin;
    progress->iterations = state->transitions;
    progress->remaining = 1 - (double)state->transitions / all;
    progress->efficiency = state->transitions_kept ? state->acceptance_sum / (double)state->transitions_kept : NAN;
}

static const mote_algorithm table = {
    .name = "metropolis",
    .help = "Metropolis-Hastings chains: random walk, independence or MALA, adapted in a warm-up",
    .model_kind = MOTE_KIND_mote_target,
    .model_size = sizeof(mote_target),
    .options = &options,
    .state_size = sizeof(metropolis_state),
    .open = metropolis_open,
    .step = metropolis_step,
    .save = metropolis_save,
    .load = metropolis_load,
    .draws = metropolis_draws,
    .free_draws = mote_draws_free,
    .progress = metropolis_progress,
    .close = metropolis_close,
};

const mote_algorithm *const mote_metropolis = &table;
