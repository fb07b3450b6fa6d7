/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From deaths to draws: weights, evidence with its errors, diagnostics, warnings. Nothing here changes the state that
 * a run carries: it can be asked at any time. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/option.h"
#include "core/vector.h"
#include "model/draws.h"
#include "nested/state.h"
#include "nested/volumes.h"

static const struct warning {
    int64_t bit;
    const char *name, *text;
} warnings[] = {
#define WARNING_ROW(name, bit, text) { bit, #name, text },
    MOTE_WARNING_LIST(WARNING_ROW)
#undef WARNING_ROW
};

static const struct warning *find_warning(int64_t bit)
{
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings; ++i)
        if (warnings[i].bit == bit)
            return &warnings[i];
    return NULL;
}

const char *mote_warning_name(int64_t bit)
{
    const struct warning *warning = find_warning(bit);
    return warning ? warning->name : NULL;
}

const char *mote_warning_text(int64_t bit)
{
    const struct warning *warning = find_warning(bit);
    return warning ? warning->text : NULL;
}

/* All points in the order of death, the live ones at the end, as the run would end now. */
typedef struct ending {
    mote_points points;
    mote_deaths deaths;
    mote_evidence evidence;
    double *log_weight, *thread, *scratch;
} ending;

static void ending_close(ending *end, const mote_memory *memory)
{
    mote_points_close(&end->points);
    mote_memory_release(memory, end->log_weight);
    mote_memory_release(memory, end->thread);
    mote_memory_release(memory, end->scratch);
}

/* Live points die in ascending order with n = |live|, ..., 1. */
static int ending_gather(const mote_nested_state *state, const mote_memory *memory, ending *end)
{
    const mote_points *live = &state->live, *dead = &state->dead;
    int64_t *order = mote_memory_allocate(memory, 2 * live->n, sizeof *order);
    mote_points_open(&end->points, &state->space, memory);
    int status = order ? mote_points_reserve(&end->points, dead->n + live->n) : MOTE_ENOMEM;
    if (!status) {
        for (int64_t i = 0; i < dead->n; ++i)
            mote_points_append(&end->points, dead, i, dead->live_count[i]);
        mote_sort_index(order, order + live->n, live->log_likelihood, live->n);
        for (int64_t i = 0; i < live->n; ++i)
            mote_points_append(&end->points, live, order[i], (double)(live->n - i));
    }
    mote_memory_release(memory, order);
    return status;
}

static int ending_open(mote_run *run, ending *end)
{
    const mote_nested_state *state = run->state;
    const mote_memory *memory = &run->memory;
    *end = (ending){ 0 };
    int status = ending_gather(state, memory, end);
    int64_t n = end->points.n, room = n > state->birth_count ? n : state->birth_count;
    end->log_weight = mote_memory_allocate(memory, n, sizeof(double));
    end->thread = mote_memory_allocate(memory, n, sizeof(double));
    end->scratch = mote_memory_allocate(memory, room, sizeof(double));
    if (!status && (!end->log_weight || !end->thread || !end->scratch))
        status = MOTE_ENOMEM;
    end->deaths = (mote_deaths){ n, end->points.log_likelihood, end->points.birth, end->points.from_prior,
                                 end->points.live_count, state->live.n };
    if (!status && n)
        status = mote_evidence_compute(&end->deaths, &run->source, state->options->simulations,
                                       state->options->bootstraps, memory, end->log_weight, end->thread,
                                       &end->evidence);
    return status;
}

static double failed_total(const mote_ledger *ledger)
{
    double sum = 0;
    for (int64_t i = 1; i < MOTE_REASON_COUNT; ++i)
        sum += (double)ledger->failed[i];
    return sum;
}

/* A loss too even for the running test is beyond doubt at the end all the same. */
static const double rank_alarm = 1e-4;

static int64_t all_warnings(const mote_run *run, const mote_nested_state *state, double insertion_rank_p)
{
    int64_t bits = state->watch.warnings;
    if (insertion_rank_p < rank_alarm)
        bits |= MOTE_WARNING_INSERTION_RANK;
    if (run->finished_by == MOTE_FINISHED_BY_CALLS || run->finished_by == MOTE_FINISHED_BY_SECONDS
        || run->finished_by == MOTE_FINISHED_BY_ITERATIONS)
        bits |= MOTE_WARNING_LIMIT;
    if (failed_total(&run->ledger) > 0)
        bits |= MOTE_WARNING_FAILED;
    if (run->ledger.failed[MOTE_REASON_TIMEOUT])
        bits |= MOTE_WARNING_TIMEOUT;
    if (state->left_out)
        bits |= MOTE_WARNING_ZEROS;
    return bits;
}

/* The points begin where the draws that are not among them have died: less volume, with its own error. */
static void count_left_out(mote_nested_result *result, const mote_nested_state *state)
{
    double variance, left = mote_volumes_left(state->prior_count, state->left_out, &variance);
    result->zeros_left_out = state->left_out;
    result->log_volume_left = left;
    result->log_evidence += left;
    result->information -= left;
    result->error_simulated = sqrt(result->error_simulated * result->error_simulated + variance);
    result->error_bootstrap = sqrt(result->error_bootstrap * result->error_bootstrap + variance);
}

static void fill_errors(mote_nested_result *result, const mote_nested_state *state, const mote_evidence *evidence)
{
    result->log_evidence = evidence->log_evidence;
    result->error_simulated = evidence->error_simulated;
    result->error_bootstrap = evidence->error_bootstrap;
    result->information = evidence->information;
    if (state->left_out)
        count_left_out(result, state);
    double statistical = fmax(result->error_simulated, result->error_bootstrap);
    result->error_tail = evidence->error_tail;
    result->error_constraint = state->prior_mass_error;
    result->log_evidence_error = sqrt(statistical * statistical + evidence->error_tail * evidence->error_tail
                                      + state->prior_mass_error * state->prior_mass_error);
    result->log_prior_mass = state->log_prior_mass;
    result->effective_sample_size = evidence->effective_sample_size;
    result->remaining = evidence->remaining;
    result->half_difference = evidence->half_difference;
}

static void fill_tests(mote_nested_result *result, const mote_nested_state *state, double *scratch)
{
    result->insertion_rank_p = mote_rank_p_value(&state->ranks, state->insertion, state->birth_count, scratch);
    result->insertion_rank_p_worst = mote_rank_p_worst(&state->ranks, state->insertion, state->birth_count,
                                                       state->live_points, scratch);
    result->insertion_rank_resets = state->ranks.resets;
    result->parent_child = mote_rank_correlation(&state->ranks, &result->parent_child_error);
}

static void fill_counts(mote_nested_result *result, const mote_run *run, const mote_nested_state *state, int64_t n)
{
    double calls = (double)run->ledger.calls;
    result->maximum_log_likelihood = fmax(state->watch.maximum, state->best_log_likelihood);
    result->failed_prior_share = state->prior_count ? (double)state->failed_prior / (double)state->prior_count : 0;
    result->failed_share = calls > 0 ? failed_total(&run->ledger) / calls : 0;
    result->seconds_per_call = run->ledger.likelihood_seconds / calls;
    result->iterations = n;
    result->births = state->birth_count;
    result->plateau_deaths = state->plateau_deaths;
    result->steps = state->sampler ? mote_sampler_steps(state->sampler) : 0;
    result->warnings = all_warnings(run, state, result->insertion_rank_p);
    result->finished_by = run->finished_by;
    result->polished = state->polished;
}

static void fill_result(mote_nested_result *result, const mote_run *run, const ending *end)
{
    const mote_nested_state *state = run->state;
    *result = (mote_nested_result){ .head = MOTE_VERSIONED(mote_nested_result) };
    fill_errors(result, state, &end->evidence);
    fill_tests(result, state, end->scratch);
    fill_counts(result, run, state, end->points.n);
}

int mote_nested_get_result(mote_run *run, mote_nested_result *result)
{
    ending end;
    mote_nested_result ours;
    int status = mote_run_usable(run);
    if (status || !result)
        return status ? status : MOTE_EINVAL;
    if (run->algorithm != mote_nested)
        return mote_fail(&run->message, MOTE_EKIND, "this is a run of %s, not of nested sampling", run->algorithm->name);
    status = ending_open(run, &end);
    if (status)
        mote_fail(&run->message, status, "evidence of %lld points: %s", (long long)end.points.n, mote_strerror(status));
    else
        fill_result(&ours, run, &end);
    ending_close(&end, &run->memory);
    return status ? status : mote_struct_give(result, MOTE_KIND_mote_nested_result, &ours, sizeof ours);
}

static void copy(double *to, const double *from, int64_t n)
{
    for (int64_t i = 0; to && i < n; ++i)
        to[i] = from[i];
}

static void best_of(const mote_points *points, double *maximum, const double **theta, const double **derived)
{
    for (int64_t i = 0; i < points->n; ++i)
        if (points->log_likelihood[i] > *maximum || !*theta) {
            *maximum = points->log_likelihood[i];
            *theta = points->theta + i * points->theta_count;
            *derived = points->derived + i * points->derived_count;
        }
}

int mote_nested_get_best(mote_run *run, double *theta, double *derived)
{
    int status = mote_run_usable(run);
    if (status || run->algorithm != mote_nested)
        return status ? status : MOTE_EKIND;
    const mote_nested_state *state = run->state;
    const double *best = NULL, *best_derived = NULL;
    double maximum = -INFINITY;
    best_of(&state->live, &maximum, &best, &best_derived);
    best_of(&state->dead, &maximum, &best, &best_derived);
    if (state->polished && state->best_log_likelihood >= maximum) {
        best = state->best_theta;
        best_derived = state->best_derived;
    }
    if (!best)
        return mote_fail(&run->message, MOTE_ESTATE, "the run has no points yet");
    copy(theta, best, state->space.theta_count);
    copy(derived, best_derived, state->space.derived_count);
    return MOTE_OK;
}

/* ---- draws ------------------------------------------------------------------------------------------------------- */

static void fill_columns(mote_draws *draws, const mote_nested_state *state, const ending *end)
{
    const mote_points *points = &end->points;
    size_t size = (size_t)points->n * sizeof(double);
    mote_points_fill(points, &state->space, draws);
    memcpy(draws->log_weight, end->log_weight, size);
    /* Born above the zero-likelihood contour is later than born from the prior, though both contours are -inf. */
    for (int64_t i = 0; i < points->n; ++i)
        draws->birth[i] = points->birth[i] == -INFINITY && !points->from_prior[i] ? MOTE_LOG_ZERO : points->birth[i];
    memcpy(draws->live_count, points->live_count, size);
    memcpy(draws->chain, end->thread, size);
    for (int64_t i = 0; i < points->n; ++i)
        draws->log_prior[i] -= state->log_prior_mass;
    draws->live = state->live.n;
}

/* name, unit and help of every number of the result, in the order in which it is shown. */
#define RESULT_REALS(X)                                                                                         \
    X(log_evidence, "nats", "log of the evidence Z")                                                            \
    X(log_evidence_error, "nats", "standard error of log Z: all parts below, combined")                         \
    X(error_simulated, "nats", "sd of log Z over simulated volumes")                                            \
    X(error_bootstrap, "nats", "sd of log Z over resampled threads")                                            \
    X(error_tail, "nats", "what the final live points may still add")                                           \
    X(error_constraint, "nats", "error of the log prior mass of the joint constraint")                          \
    X(log_prior_mass, "nats", "log of the prior mass inside the joint constraint")                              \
    X(information, "nats", "Kullback-Leibler divergence of the posterior from the prior")                       \
    X(effective_sample_size, "", "Kish effective number of posterior draws")                                    \
    X(maximum_log_likelihood, "nats", "highest log-likelihood")                                                 \
    X(remaining, "", "share of the evidence in the final live points")                                          \
    X(insertion_rank_p, "", "p-value of uniform insertion ranks, whole run")                                    \
    X(insertion_rank_p_worst, "", "the same over the worst window, corrected for their number")                 \
    X(insertion_rank_resets, "", "times the running insertion-rank test passed 4 sigma")                        \
    X(parent_child, "", "rank correlation of newborns with their parents")                                      \
    X(parent_child_error, "", "standard error of that correlation")                                             \
    X(half_difference, "sigma", "log Z of one half of the threads minus the other")                             \
    X(failed_prior_share, "", "share of prior draws whose likelihood failed")                                   \
    X(failed_share, "", "share of all evaluations that failed")                                                 \
    X(log_volume_left, "nats", "log of the prior volume without the zeros that were left out")

#define RESULT_COUNTS(X)                                                   \
    X(iterations, "deaths, the final live points included")                \
    X(births, "points born after the prior draws")                         \
    X(plateau_deaths, "deaths that shared their likelihood with another")  \
    X(steps, "slice or walk steps per birth at the end; 0: region")        \
    X(finished_by, "how the run ended (enum mote_finished_by)")            \
    X(polished, "1: the best point comes from the climb after the run")    \
    X(zeros_left_out, "prior draws of zero likelihood that are counted, but are not among the points")

static int add_results(mote_draws *draws, const mote_nested_result *result)
{
    int status = MOTE_OK;
#define ADD_REAL(name, unit, help) status = status ? status : mote_draws_add_real(draws, #name, result->name, unit, help);
#define ADD_COUNT(name, help) status = status ? status : mote_draws_add_count(draws, #name, result->name, "", help);
    RESULT_REALS(ADD_REAL)
    RESULT_COUNTS(ADD_COUNT)
#undef ADD_REAL
#undef ADD_COUNT
    for (size_t i = 0; i < sizeof warnings / sizeof *warnings && !status; ++i)
        if (result->warnings & warnings[i].bit)
            status = mote_draws_add_warning(draws, warnings[i].name, warnings[i].text);
    return status;
}

int mote_nested_draws(mote_run *run)
{
    const mote_nested_state *state = run->state;
    mote_nested_result result;
    ending end;
    int status = ending_open(run, &end);
    if (!status && !end.points.n)
        status = MOTE_ESTATE;
    mote_draws *draws = status ? NULL : mote_draws_create(&run->memory, state->space.parameters,
                                                          state->space.parameter_count, end.points.n,
                                                          MOTE_DRAWS_NESTED | MOTE_DRAWS_PRIOR);
    if (!status && !draws)
        status = MOTE_ENOMEM;
    if (!status) {
        fill_result(&result, run, &end);
        fill_columns(draws, state, &end);
        draws->log_evidence = result.log_evidence;
        draws->log_evidence_error = result.log_evidence_error;
        status = add_results(draws, &result);
    }
    if (status)
        mote_fail(&run->message, status, "draws: %s",
                  status == MOTE_ESTATE ? "the run has no points yet" : mote_strerror(status));
    if (status)
        mote_draws_free(draws);
    else
        run->draws = draws;
    ending_close(&end, &run->memory);
    return status;
}

void mote_nested_progress(mote_run *run, mote_progress *progress)
{
    mote_nested_state *state = run->state;
    double calls = (double)state->birth_calls;
    int64_t fresh = state->watch.warnings & ~state->warned;
    state->newest = fresh ? fresh & -fresh : state->newest;
    state->warned |= fresh;
    progress->warning = mote_warning_text(state->newest);
    progress->iterations = state->dead.n;
    progress->live_points = state->live.n;
    if (state->dead.n > 0) { /* before there is nothing to tell: all three stay NaN */
        progress->remaining = mote_nested_remaining(state);
        progress->log_evidence = state->running.log_z;
        progress->log_evidence_error = sqrt(fmax(state->running.information, 0) / (double)state->live_points);
    }
    progress->maximum_log_likelihood = state->watch.maximum;
    progress->efficiency = calls > 0 ? (double)state->birth_count / calls : NAN;
    if (state->birth_count > 0)
        progress->seconds_left = mote_nested_nats_left(state) * (double)state->live_points
                                 * mote_run_seconds(run) / (double)state->birth_count;
}
