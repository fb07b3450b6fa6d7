/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run algorithm `score_ascent`: stochastic gradient ascent on the log-likelihood. With y the parameters on the real
 * line and s_n the score there at y_n, divided by the number of observations:
 *
 *     power, constant   y_{n+1} = y_n + g_n s_n,                                g_n = g (n + b)^-a, or g
 *     adam              m = .9 m + .1 s_n, v = .99 v + .01 s_n^2, y_{n+1} = y_n + g_n m' / (sqrt v' + 1e-8),
 *                       m', v' freed of their start at 0 (Kingma and Ba 2015)
 *     result            mean of the last y_n (Polyak and Juditsky 1992)
 *     its error         2 V_10 - V_20 (no less than V_10): V_b the variance of the mean by b batch means, of theta's
 *                       linear part in y. Iterates stay correlated over about n^a / g steps, which ten batches may
 *                       not outlast; what they miss is, in first order, what twenty miss more than they (Vats and
 *                       Flegal 2022, Biometrika 109, 735)
 *
 * Known answers: rho of case A ends at .830289496689 (tests/smc/test_score_ascent.c); coefficient and both variances of
 * linear-Gaussian models end at the maximum within this error (tests/smc/test_learning.c). */
#include <math.h>
#include <mote/score_ascent.h>
#include <stdio.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"
#include "core/vector.h"
#include "model/draws.h"
#include "smc/score.h"
#include "smc/smoother_parts.h"
#include "smc/stream.h"

static const mote_option_use uses[] = {
    { "ess_threshold", "resample_when", "ess" }, { "look_ahead", "resample_when", "always|ess" },
    { "sweeps", "score", "ppg" }, { "dropped", "score", "ppg" },
    { "backward_draws", "score", "ppg|paris" }, { "backward", "score", "ppg|paris" },
    { "backward_trials", "score", "ppg|paris" }, { "backward_steps", "score", "ppg|paris" },
    { "backward_trials", "backward", "hybrid" }, { "backward_steps", "backward", "mcmc" },
    { "step_decay", "step_rule", "adam|power" }, { "step_delay", "step_rule", "adam|power" },
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "score_ascent", mote_score_ascent_options, MOTE_SCORE_ASCENT_OPTIONS, uses);

enum { NAME = 256, BATCHES = 10 };

typedef struct ascent_state {
    mote_stream_state stream;
    mote_score_estimator score;
    mote_particle_filter plain;      /* for evaluations */
    double *y, *mean, *square;       /* dimension: position; moments of Adam */
    double *gradient, *slope, *base; /* theta_count; dimension: scratch */
    double *centre;                  /* dimension: the mean y */
    double *unit, *error;            /* theta_count: scratch; of the result */
    int64_t width;                   /* of a row: y, slope, log-evidence */
    double *rows;
    int64_t done, room;
    double *evaluation;
    int64_t evaluated;
} ascent_state;

/* ---- life ---- */

static int64_t dimension_of(const ascent_state *state)
{
    return state->stream.space.space.dimension;
}

static int open_memory(mote_run *run, ascent_state *state)
{
    const mote_score_ascent_options *o = run->options;
    const int64_t d = dimension_of(state);
    double **vectors[] = { &state->y, &state->mean, &state->square, &state->slope, &state->base,
                           &state->centre };
    int missing = !(state->gradient = mote_memory_allocate(&run->memory, state->stream.space.space.theta_count,
                                                           sizeof(double)));
    double **thetas[] = { &state->unit, &state->error };
    for (size_t i = 0; i < sizeof thetas / sizeof *thetas; ++i)
        missing |= !(*thetas[i] = mote_memory_allocate(&run->memory, state->stream.space.space.theta_count,
                                                       sizeof(double)));
    missing |= !(state->evaluation = mote_memory_allocate(&run->memory, o->evaluations, sizeof(double)));
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; ++i)
        missing |= !(*vectors[i] = mote_memory_allocate(&run->memory, d, sizeof(double)));
    state->width = 2 * d + 1;
    return missing ? mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld parameters", (long long)d) : MOTE_OK;
}

static mote_score_setup setup_of(const mote_score_ascent_options *o)
{
    static const int64_t functionals[] = { MOTE_FUNCTIONAL_GRADIENT, MOTE_FUNCTIONAL_PROPOSAL,
                                           MOTE_FUNCTIONAL_BOTH_GRADIENTS };
    return (mote_score_setup){ .filter = { MOTE_SMOOTHING_SETUP(o) },
                               .backward = { o->backward, o->backward_draws, o->backward_trials, o->backward_steps },
                               .score = o->score, .functional = functionals[o->objective], .sweeps = o->sweeps,
                               .dropped = o->dropped };
}

static int open_parts(mote_run *run, ascent_state *state)
{
    const mote_score_ascent_options *o = run->options;
    const mote_score_setup setup = setup_of(o);
    const mote_state_space *space = &state->stream.space;
    mote_filter_setup plain = setup.filter; /* learning does with few particles, a likelihood does not */
    plain.particles = o->evaluation_particles;
    if (!space->space.dimension)
        return mote_fail(&run->message, MOTE_EINVAL,
                         "score_ascent: the model has no parameter to learn, all are fixed");
    if (o->objective != MOTE_OBJECTIVE_LIKELIHOOD && !o->proposal)
        return mote_fail(&run->message, MOTE_EOPTION,
                         "option objective: a proposal can be learned with proposal = guided only");
    int status = mote_score_open(&state->score, space, &setup, &run->memory, state->stream.pool, &run->message);
    if (!status)
        status = mote_particle_filter_open(&state->plain, space, &plain, &run->memory, state->stream.pool,
                                           &run->message);
    if (!status)
        status = open_memory(run, state);
    if (!status)
        status = mote_space_unconstrain(&space->space, state->stream.theta, state->y);
    return status == MOTE_EUNSUPPORTED && !run->message.text[0]
               ? mote_fail(&run->message, status,
                           "score_ascent moves on the real line, where conditional priors have no transform")
               : status;
}

static int ascent_open(mote_run *run, const void *model)
{
    ascent_state *state = run->state;
    const mote_score_ascent_options *o = run->options;
    int status = mote_stream_state_open_at_medians(run, &state->stream, model, o->theta);
    if (!status)
        status = open_parts(run, state);
    run->boundary = 1;
    return status;
}

static void ascent_close(mote_run *run)
{
    ascent_state *state = run->state;
    void *blocks[] = { state->y, state->mean, state->square, state->gradient, state->slope, state->base, state->centre,
                       state->unit, state->error, state->rows, state->evaluation };
    mote_score_close(&state->score);
    mote_particle_filter_close(&state->plain);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(&run->memory, blocks[i]);
    mote_stream_state_close(run, &state->stream);
}

/* ---- an iteration ---- */

static int reserve(mote_run *run, ascent_state *state, int64_t rows)
{
    if (rows <= state->room)
        return MOTE_OK;
    int64_t room = 2 * state->room > 64 ? 2 * state->room : 64;
    room = room < rows ? rows : room;
    double *values = mote_memory_resize(&run->memory, state->rows, state->done * state->width, room * state->width,
                                        sizeof *values);
    if (!values)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld iterations", (long long)room);
    state->rows = values;
    state->room = room;
    return MOTE_OK;
}

/* Of a checkpoint: more than are asked for now stay. */
static int reserve_evaluations(mote_run *run, ascent_state *state, int64_t evaluated)
{
    const mote_score_ascent_options *o = run->options;
    if (evaluated > o->evaluations) {
        double *values = mote_memory_resize(&run->memory, state->evaluation, 0, evaluated, sizeof *values);
        if (!values)
            return mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld evaluations", (long long)evaluated);
        state->evaluation = values;
    }
    state->evaluated = evaluated;
    return MOTE_OK;
}

static double power(double base, double exponent)
{
    return mote_exp(exponent * mote_log(base));
}

static double step_of(const mote_score_ascent_options *o, ascent_state *state, int64_t k, double slope)
{
    const double n = (double)state->done + 1, decay = power(n + o->step_delay, -o->step_decay);
    const double gain = o->step_rule == MOTE_STEP_CONSTANT ? o->step_size : o->step_size * decay;
    double step = gain * slope;
    if (o->step_rule == MOTE_STEP_ADAM) {
        state->mean[k] = 0.9 * state->mean[k] + 0.1 * slope;
        state->square[k] = 0.99 * state->square[k] + 0.01 * slope * slope;
        step = gain * state->mean[k] / (1 - power(0.9, n)) / (sqrt(state->square[k] / (1 - power(0.99, n))) + 1e-8);
    }
    return fmax(-o->longest_step, fmin(o->longest_step, step));
}

static void record(ascent_state *state, double log_evidence)
{
    const int64_t d = dimension_of(state);
    double *row = state->rows + state->done * state->width;
    memcpy(row, state->y, (size_t)d * sizeof *row);
    memcpy(row + d, state->slope, (size_t)d * sizeof *row);
    row[2 * d] = log_evidence;
}

static int climb(mote_run *run, ascent_state *state)
{
    const mote_score_ascent_options *o = run->options;
    const mote_space *space = &state->stream.space.space;
    const double share = 1 / (double)state->stream.space.series.count;
    double log_evidence, log_jacobian;
    mote_source source = run->source;
    const mote_backward_info before = mote_score_info(&state->score);
    source.key = mote_source_child_key(run->source.key, MOTE_PURPOSE_FILTER, (uint64_t)state->done);
    int status = mote_score_at(&state->score, state->stream.theta, &source, state->gradient, &log_evidence);
    if (!status)
        status = mote_space_gradient(space, state->y, state->stream.theta, state->gradient, state->slope, state->base);
    for (int64_t k = 0; k < space->dimension && !status; ++k)
        if (!isfinite(state->slope[k]))
            status = mote_fail(&run->message, MOTE_ENUMERIC, "iteration %lld: the gradient in '%s' is %g",
                               (long long)state->done,
                               space->parameters[space->theta_parameter[space->cube_theta[k]]].name, state->slope[k]);
    if (status)
        return status;
    const mote_backward_info now = mote_score_info(&state->score);
    run->ledger.calls += mote_score_potentials(&state->score);
    mote_ledger_add_backward(&run->ledger, &before, &now);
    record(state, log_evidence);
    for (int64_t k = 0; k < space->dimension; ++k)
        state->y[k] += step_of(o, state, k, share * state->slope[k]);
    ++state->done;
    return mote_space_constrain(space, state->y, state->stream.theta, &log_jacobian);
}

/* The mean of the last y, as theta. */
static int average(const mote_run *run, ascent_state *state, double *theta)
{
    const mote_score_ascent_options *o = run->options;
    const int64_t d = dimension_of(state), first = state->done - (int64_t)ceil(o->averaged * (double)state->done);
    double log_jacobian;
    for (int64_t k = 0; k < d; ++k) {
        state->base[k] = 0;
        for (int64_t i = first; i < state->done; ++i)
            state->base[k] += state->rows[i * state->width + k] / (double)(state->done - first);
    }
    return mote_space_constrain(&state->stream.space.space, state->base, theta, &log_jacobian);
}

/* Variance of the mean of slope' y over the last `n` iterations but a few, by batch means. */
static double batch_variance(const ascent_state *state, int64_t n, int64_t batches)
{
    const int64_t d = dimension_of(state), length = n / batches;
    const double *row = state->rows + (state->done - batches * length) * state->width;
    double square = 0;
    for (int64_t b = 0; b < batches; ++b) {
        double mean = 0;
        for (int64_t i = 0; i < length; ++i, row += state->width)
            for (int64_t k = 0; k < d; ++k)
                mean += state->slope[k] * (row[k] - state->centre[k]) / (double)length;
        square += mean * mean;
    }
    return square / (double)(batches - 1) / (double)batches;
}

/* Standard errors of the result, to state->error. */
static int standard_errors(const mote_run *run, ascent_state *state)
{
    const mote_score_ascent_options *o = run->options;
    const mote_space *space = &state->stream.space.space;
    const int64_t n = (int64_t)ceil(o->averaged * (double)state->done);
    int status = average(run, state, state->gradient);
    memcpy(state->centre, state->base, (size_t)space->dimension * sizeof *state->centre);
    memset(state->unit, 0, (size_t)space->theta_count * sizeof *state->unit);
    for (int64_t j = 0; j < space->theta_count && !status; ++j) { /* slope: d theta_j / dy */
        state->unit[j] = 1;
        status = mote_space_gradient(space, state->centre, state->gradient, state->unit, state->slope, state->base);
        state->unit[j] = 0;
        const double ten = n < 4 * BATCHES ? NAN : batch_variance(state, n, BATCHES);
        state->error[j] = isnan(ten) ? NAN : sqrt(fmax(ten, 2 * ten - batch_variance(state, n, 2 * BATCHES)));
    }
    return status;
}

static int evaluate(mote_run *run, ascent_state *state)
{
    mote_source source = run->source;
    source.key = mote_source_child_key(run->source.key, MOTE_PURPOSE_FILTER + 1000, (uint64_t)state->evaluated);
    int status = average(run, state, state->gradient);
    if (!status)
        status = mote_particle_filter_run(&state->plain, state->gradient, &source, &state->stream.datum,
                                          &state->evaluation[state->evaluated]);
    run->ledger.calls += state->plain.potentials;
    state->evaluated += !status;
    return status;
}

static int ascent_step(mote_run *run)
{
    ascent_state *state = run->state;
    const mote_score_ascent_options *o = run->options;
    int status;
    if (state->done < o->iterations) {
        status = reserve(run, state, state->done + 1);
        return status ? status : climb(run, state);
    }
    status = state->evaluated < o->evaluations ? evaluate(run, state) : MOTE_OK;
    return status ? status : state->evaluated >= o->evaluations ? MOTE_DONE : MOTE_OK;
}

/* ---- checkpoints ---- */

static int ascent_save(mote_run *run, mote_writer *writer)
{
    const ascent_state *state = run->state;
    const int64_t d = dimension_of(state);
    mote_put_tag(writer, "ascent");
    mote_put_reals(writer, state->stream.theta, state->stream.space.space.theta_count);
    mote_put_reals(writer, state->y, d);
    mote_put_reals(writer, state->mean, d);
    mote_put_reals(writer, state->square, d);
    mote_put_integer(writer, state->done);
    mote_put_reals(writer, state->rows, state->done * state->width);
    mote_put_integer(writer, state->evaluated);
    mote_put_reals(writer, state->evaluation, state->evaluated);
    mote_score_save(&state->score, writer);
    return writer->status;
}

static int ascent_load(mote_run *run, mote_reader *reader)
{
    ascent_state *state = run->state;
    const mote_score_ascent_options *o = run->options;
    const int64_t d = dimension_of(state);
    mote_get_tag(reader, "ascent");
    mote_get_reals(reader, state->stream.theta, state->stream.space.space.theta_count);
    mote_get_reals(reader, state->y, d);
    mote_get_reals(reader, state->mean, d);
    mote_get_reals(reader, state->square, d);
    const int64_t done = mote_get_parts(reader, state->width);
    int status = reader->status ? reader->status : reserve(run, state, done);
    if (status)
        return status;
    state->done = done;
    mote_get_reals(reader, state->rows, done * state->width);
    status = reserve_evaluations(run, state, mote_get_parts(reader, 1));
    if (status)
        return status;
    mote_get_reals(reader, state->evaluation, state->evaluated);
    mote_score_load(&state->score, reader);
    if (done < o->iterations) /* more were asked for since: the end point will be another one */
        state->evaluated = 0;
    return reader->status ? mote_fail(&run->message, reader->status,
                                      "the state of score_ascent cannot be read") : MOTE_OK;
}

/* ---- results ---- */

/* log of the mean of exp(values), and its error by the spread of the estimates. */
static void log_mean(const double *value, int64_t n, double *mean, double *error)
{
    double sum = 0, square = 0;
    const double largest = mote_log_sum(value, n) - mote_log((double)n);
    for (int64_t i = 0; i < n; ++i) {
        sum += mote_exp(value[i] - largest) / (double)n;
        square += mote_exp(2 * (value[i] - largest)) / (double)n;
    }
    *mean = largest;
    *error = n > 1 ? sqrt(fmax(square - sum * sum, 0) / (double)(n - 1)) : NAN;
}

static const mote_parameter *parameter_of(const mote_space *space, int64_t k)
{
    return &space->parameters[space->theta_parameter[space->cube_theta[k]]];
}

static int add_results(mote_run *run, ascent_state *state)
{
    const mote_space *space = &state->stream.space.space;
    double mean, error;
    char name[NAME];
    int status = standard_errors(run, state);
    for (int64_t k = 0; k < space->dimension && !status; ++k) {
        const char *own = parameter_of(space, k)->name;
        snprintf(name, sizeof name, "%.200s_error", own);
        status = mote_draws_add_real(run->draws, own, state->gradient[space->cube_theta[k]], "",
                                     "mean of the last iterations, on the real line");
        if (!status)
            status = mote_draws_add_real(run->draws, name, state->error[space->cube_theta[k]], "",
                                         "its standard error, of the ascent alone, by batch means");
    }
    if (!status)
        status = mote_draws_add_count(run->draws, "iterations", state->done, "", "steps of ascent");
    if (status || state->evaluated < 2)
        return status;
    log_mean(state->evaluation, state->evaluated, &mean, &error);
    run->draws->log_evidence = mean;
    run->draws->log_evidence_error = error;
    status = mote_draws_add_real(run->draws, "log_likelihood", mean, "nats", "at the result, by plain filters");
    if (!status)
        status = mote_draws_add_real(run->draws, "log_likelihood_error", error, "nats", "its standard error");
    return status ? status : mote_warn_of_bias(run->draws, state->plain.setup.resampling);
}

static void fill(mote_draws *draws, ascent_state *state)
{
    const mote_space *space = &state->stream.space.space;
    const int64_t d = space->dimension;
    double log_jacobian;
    for (int64_t i = 0; i < state->done; ++i) {
        const double *row = state->rows + i * state->width;
        mote_space_constrain(space, row, state->gradient, &log_jacobian);
        for (int64_t k = 0; k < d; ++k) {
            draws->columns[k][i] = state->gradient[space->cube_theta[k]];
            draws->columns[d + k][i] = row[d + k];
        }
        draws->log_likelihood[i] = row[2 * d];
        draws->log_weight[i] = -mote_log((double)state->done);
    }
}

static int ascent_draws(mote_run *run)
{
    ascent_state *state = run->state;
    const mote_space *space = &state->stream.space.space;
    const int64_t d = space->dimension;
    if (!state->done)
        return mote_fail(&run->message, MOTE_ESTATE, "score_ascent has made no step yet");
    mote_parameter *columns = mote_memory_allocate(&run->memory, 2 * d, sizeof *columns);
    char *text = mote_memory_allocate(&run->memory, d, NAME);
    for (int64_t k = 0; columns && text && k < d; ++k) {
        columns[k] = *parameter_of(space, k);
        snprintf(text + k * NAME, NAME, "gradient_%.200s", columns[k].name);
        columns[d + k].name = text + k * NAME;
    }
    run->draws = columns && text ? mote_draws_create(&run->memory, columns, 2 * d, state->done, 0) : NULL;
    mote_memory_release(&run->memory, columns);
    mote_memory_release(&run->memory, text);
    if (!run->draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    fill(run->draws, state);
    return add_results(run, state);
}

static void ascent_progress(mote_run *run, mote_progress *progress)
{
    const ascent_state *state = run->state;
    const mote_score_ascent_options *o = run->options;
    progress->iterations = state->done;
    progress->remaining = 1 - (double)state->done / (double)o->iterations;
}

static const mote_algorithm table = {
    .name = "score_ascent",
    .help = "maximum likelihood of a state-space model by stochastic gradients from smoothing",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(ascent_state),
    .free_options = " iterations evaluations ",
    .open = ascent_open,
    .step = ascent_step,
    .save = ascent_save,
    .load = ascent_load,
    .draws = ascent_draws,
    .free_draws = mote_draws_free,
    .progress = ascent_progress,
    .close = ascent_close,
};

const mote_algorithm *const mote_score_ascent = &table;

int mote_score_ascent_result(mote_run *run, double *theta)
{
    if (mote_run_usable(run) || run->algorithm != mote_score_ascent || !theta)
        return MOTE_ESTATE;
    ascent_state *state = run->state;
    return state->done ? average(run, state, theta) : MOTE_ESTATE;
}

int mote_score_ascent_error(mote_run *run, double *error)
{
    if (mote_run_usable(run) || run->algorithm != mote_score_ascent || !error)
        return MOTE_ESTATE;
    ascent_state *state = run->state;
    const int status = state->done ? standard_errors(run, state) : MOTE_ESTATE;
    if (!status)
        memcpy(error, state->error, (size_t)state->stream.space.space.theta_count * sizeof *error);
    return status;
}
