/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program may ask a run of `smoother`, and its draws. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/draws.h"
#include "smc/smoother.h"

enum { MOST_COLUMNS = 10000 };

static const mote_smoother_state *state_of(const mote_run *run)
{
    return mote_run_usable(run) || run->algorithm != mote_smoother ? NULL : run->state;
}

/* With results. */
static const mote_smoother_state *smoothed(const mote_run *run)
{
    const mote_smoother_state *s = state_of(run);
    return s && s->used ? s : NULL;
}

/* With the populations and paths of a whole replicate. */
static const mote_smoother_state *complete(const mote_run *run)
{
    const mote_smoother_state *s = smoothed(run);
    return s && s->phase == SMOOTHER_DONE ? s : NULL;
}

int64_t mote_smoother_count(const mote_run *run)
{
    const mote_smoother_state *s = smoothed(run);
    return s ? s->count : 0;
}

const double *mote_smoother_time(const mote_run *run)
{
    const mote_smoother_state *s = smoothed(run);
    return s ? s->time : NULL;
}

static const double *column_of(const mote_run *run, size_t quantity, int64_t state)
{
    const mote_smoother_state *s = smoothed(run);
    if (!s || state < 0 || state >= s->d)
        return NULL;
    const double *columns[] = { s->result.mean, s->result.variance, s->result.error };
    return columns[quantity] + state * s->count;
}

const double *mote_smoother_mean(const mote_run *run, int64_t state)
{
    return column_of(run, 0, state);
}

const double *mote_smoother_sd(const mote_run *run, int64_t state)
{
    return column_of(run, 1, state);
}

const double *mote_smoother_mean_error(const mote_run *run, int64_t state)
{
    return column_of(run, 2, state);
}

double mote_smoother_functional(const mote_run *run, int64_t component)
{
    const mote_smoother_state *s = smoothed(run);
    return s && component >= 0 && component < s->p ? s->result.value[component] : NAN;
}

double mote_smoother_functional_error(const mote_run *run, int64_t component)
{
    const mote_smoother_state *s = smoothed(run);
    return s && component >= 0 && component < s->p ? s->result.value_error[component] : NAN;
}

/* ---- evidence ---- */

static double log_evidence(const mote_smoother_state *s)
{
    return mote_log_sum(s->log_evidence, s->replicate) - log((double)s->replicate);
}

/* Of one replicate by its genealogy, of several by their spread: error of the mean of Z relative to it. */
static double log_evidence_error(const mote_smoother_state *s)
{
    const double centre = log_evidence(s), r = (double)s->replicate;
    double square = 0;
    if (s->replicate < 2)
        return s->error;
    for (int64_t k = 0; k < s->replicate; ++k) {
        const double miss = exp(s->log_evidence[k] - centre) - 1;
        square += miss * miss;
    }
    return sqrt(square / (r - 1) / r);
}

double mote_smoother_log_evidence(const mote_run *run)
{
    const mote_smoother_state *s = state_of(run);
    return s && s->replicate ? log_evidence(s) : NAN;
}

double mote_smoother_log_evidence_error(const mote_run *run)
{
    const mote_smoother_state *s = smoothed(run);
    return s ? log_evidence_error(s) : NAN;
}

/* ---- trajectories and populations ---- */

int64_t mote_smoother_path_count(const mote_run *run)
{
    const mote_smoother_state *s = complete(run);
    return s && s->path ? s->m : 0;
}

const double *mote_smoother_path(const mote_run *run, int64_t step, int64_t state)
{
    const mote_smoother_state *s = complete(run);
    const int there = s && s->path && step >= 0 && step < s->count && state >= 0 && state < s->d;
    return there ? s->path[step * s->d + state] : NULL;
}

static void path_log_weights(const mote_smoother_state *s, double *log_weight)
{
    for (int64_t i = 0; i < s->m; ++i)
        log_weight[i] = s->path_weight ? log(s->path_weight[i]) : -log((double)s->m);
}

int mote_smoother_path_log_weights(const mote_run *run, double *log_weight)
{
    const mote_smoother_state *s = complete(run);
    if (!s || !s->path || !log_weight)
        return MOTE_ESTATE;
    path_log_weights(s, log_weight);
    return MOTE_OK;
}

const double *mote_smoother_particles(const mote_run *run, int64_t step, int64_t state)
{
    const mote_smoother_state *s = complete(run);
    const mote_generation *g = s ? mote_history_generation(&s->history, step) : NULL;
    return g && state >= 0 && state < s->d ? g->state[state] : NULL;
}

int mote_smoother_log_weights(const mote_run *run, int64_t step, double *log_weight)
{
    const mote_smoother_state *s = complete(run);
    if (!s || !s->weight || !log_weight || step < 0 || step >= s->count)
        return MOTE_ESTATE;
    for (int64_t i = 0; i < s->n; ++i)
        log_weight[i] = log(s->weight[step][i]);
    return MOTE_OK;
}

/* ---- draws ---- */

/* Columns of trajectories: coordinates of the times from `first` on, then the functional. */
static mote_draws *create(const mote_smoother_state *s, int64_t first, int64_t rows)
{
    enum { TEXT = 160 };
    const int64_t states = (s->count - first) * s->d, columns = states + (s->path ? s->p : 0);
    mote_parameter *parameters = mote_memory_allocate(s->memory, columns, sizeof *parameters);
    char *text = mote_memory_allocate(s->memory, columns, TEXT);
    mote_draws *draws = NULL;
    for (int64_t c = 0; parameters && text && c < columns; ++c) {
        char *name = text + c * TEXT;
        if (c < states)
            snprintf(name, TEXT, "%.120s_%lld", s->stream.space.model.states[c % s->d], (long long)(first + c / s->d));
        else
            snprintf(name, TEXT, "%.150s", mote_functional_name(&s->stream.space, s->options->functional, c - states));
        parameters[c].name = name;
        parameters[c].prior = c < states ? MOTE_PRIOR_NONE : MOTE_PRIOR_DERIVED;
    }
    if (parameters && text)
        draws = mote_draws_create(s->memory, parameters, columns, rows, 0);
    mote_memory_release(s->memory, parameters);
    mote_memory_release(s->memory, text);
    return draws;
}

static void fill_paths(const mote_smoother_state *s, mote_draws *draws, int64_t first)
{
    const size_t bytes = (size_t)s->m * sizeof(double);
    const int64_t states = (s->count - first) * s->d;
    for (int64_t c = 0; c < states; ++c)
        memcpy(draws->columns[c], s->path[first * s->d + c], bytes);
    for (int64_t k = 0; k < s->p; ++k)
        memcpy(draws->columns[states + k], s->path_value[k], bytes);
    path_log_weights(s, draws->log_weight);
}

static void fill_last(const mote_smoother_state *s, mote_draws *draws)
{
    const mote_generation *g = mote_history_generation(&s->history, s->count - 1);
    for (int64_t k = 0; g && k < s->d; ++k)
        memcpy(draws->columns[k], g->state[k], (size_t)s->n * sizeof(double));
    for (int64_t i = 0; g && i < s->n; ++i)
        draws->log_weight[i] = s->filter.dead ? -INFINITY : g->log_weight[i] - g->log_sum;
}

static int add_results(mote_draws *draws, const mote_smoother_state *s)
{
    char name[200];
    int status = mote_draws_add_real(draws, "log_evidence", draws->log_evidence, "nats", "log of the evidence of the "
                                     "series");
    if (!status && !isnan(draws->log_evidence_error))
        status = mote_draws_add_real(draws, "log_evidence_error", draws->log_evidence_error, "nats",
                                     "standard error of log_evidence");
    for (int64_t k = 0; k < s->p && s->used && !status; ++k) {
        const char *text = mote_functional_name(&s->stream.space, s->options->functional, k);
        snprintf(name, sizeof name, "smoothing_%.150s", text);
        status = mote_draws_add_real(draws, name, s->result.value[k], "", "smoothed, given all observations");
        snprintf(name, sizeof name, "smoothing_%.150s_error", text);
        if (!status && !isnan(s->result.value_error[k]))
            status = mote_draws_add_real(draws, name, s->result.value_error[k], "", "its standard error, from "
                                         "replicates");
    }
    if (!status)
        status = mote_draws_add_count(draws, "observations", s->count, "", "observations consumed");
    if (!status)
        status = mote_draws_add_count(draws, "replicates", s->used, "", "repetitions that entered");
    if (!status && s->used < s->replicate)
        status = mote_draws_add_warning(draws, "all_weights_zero", "in some repetition all particles had weight zero: "
                                        "the evidence estimate is zero there, and nothing was smoothed");
    return status ? status : mote_warn_of_bias(draws, s->filter.setup.resampling);
}

int mote_smoother_draws(mote_run *run)
{
    const mote_smoother_state *s = run->state;
    if (s->phase != SMOOTHER_DONE)
        return mote_fail(&run->message, MOTE_ESTATE, "the smoother is not through yet");
    const int paths = s->path && s->used && !s->filter.dead, all = paths && s->count * s->d <= MOST_COLUMNS;
    const int64_t first = all ? 0 : s->count - 1;
    run->draws = create(s, first, paths ? s->m : s->n);
    if (!run->draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    if (paths)
        fill_paths(s, run->draws, first);
    else
        fill_last(s, run->draws);
    run->draws->log_evidence = log_evidence(s);
    run->draws->log_evidence_error = s->used ? log_evidence_error(s) : NAN;
    return add_results(run->draws, s);
}
