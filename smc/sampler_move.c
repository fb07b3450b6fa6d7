/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resampling and moves of an SMC sampler.
 *
 *     the kernel is tuned from the weighted particles
 *     waste-free:  M of N are drawn; chain c makes P - 1 transitions; its P states are particles c P ... c P + P - 1
 *     otherwise:   N are drawn; each makes `steps` transitions, or as many as it takes until the mean squared
 *                  displacement from where the moves began, in units of the covariance, grows by less than a fiftieth
 *                  in a round of a quarter of the steps so far (after Buchholz, Chopin & Jacob 2021), and the
 *                  log-likelihoods have forgotten where they began, to a correlation of a tenth. Measured in 50
 *                  dimensions: a tenth of correlation left in the coordinates costs a nat of bias
 *
 * In waste-free sampling the closed block's variance is added here, since the weights are about to be reset. */
#include <math.h>
#include <string.h>

#include "smc/sampler_state.h"

static const double GROWTH = 1.02, MEMORY = 0.1, SCALE_GAIN = 2;

/* ---- beginning ------------------------------------------------------------------------------------------------- */

static void tune(mote_smc_state *state, const mote_kernel_points *from)
{
    const int64_t width = mote_kernel_tuning_count(state->kernel), level = state->level;
    mote_smc_linear(&state->weights, from->n, state->linear);
    if (state->replayed_tunings)
        mote_kernel_set_tuning(state->kernel, state->replayed_tunings + (level - 1) * width);
    else
        mote_kernel_tune(state->kernel, from->y, state->linear, from->n);
    mote_kernel_get_tuning(state->kernel, state->tunings + level * width);
    mote_kernel_set_inverse_temperature(state->kernel, state->inverse_temperature);
}

static int resample(mote_run *run, const mote_kernel_points *from)
{
    mote_smc_state *state = run->state;
    const mote_block_weights weights = { state->weights.weight, state->weights.factor, from->n, 0 };
    mote_source source = mote_source_at(&run->source, MOTE_PURPOSE_ANCESTOR, (uint32_t)state->level, 0);
    int status = mote_resample(&state->resampler, &source, &weights, state->chains, state->ancestor);
    return status ? mote_fail(&run->message, status, "resampling at level %lld: %s", (long long)state->level,
                              mote_strerror(status))
                  : mote_source_status(&source);
}

/* Chain c begins at its ancestor, which is row c P of `next`. */
static void place(mote_run *run, const mote_kernel_points *from)
{
    mote_smc_state *state = run->state;
    const int64_t length = state->waste_free ? state->chain_length : 1;
    for (int64_t c = 0; c < state->chains; ++c) {
        const mote_kernel_point point = mote_kernel_points_at(from, state->ancestor[c]);
        mote_kernel_points_put(&state->next, c * length, &point);
        mote_kernel_place(state->kernel, c, &point);
        mote_kernel_begin(state->kernel, c, &run->source, (uint32_t)state->level, c, state->steps_asked,
                          state->waste_free ? c * length + 1 : -1);
    }
    state->next.n = state->chains * length;
}

static void start_crew(mote_smc_state *state)
{
    size_t size;
    void *chains = mote_kernel_chains(state->kernel, &size);
    mote_crew_start(&state->crew, mote_kernel_table, chains, size, state->chains, (uint64_t)state->rows);
    state->rows += state->chains;
}

int mote_smc_start_move(mote_run *run)
{
    mote_smc_state *state = run->state;
    const mote_smc_options *o = state->options;
    const mote_kernel_points *from = state->persistent ? &state->kept : &state->points;
    int status = resample(run, from);
    if (status)
        return status;
    tune(state, from);
    state->records[state->level].moved = 1;
    state->variance = state->records[state->level].variance;
    state->block_log_evidence = state->log_evidence;
    if (state->genealogy.sum)
        mote_genealogy_resample(&state->genealogy, state->linear, state->ancestor);
    state->steps_asked = state->waste_free         ? state->chain_length - 1
                         : state->replayed_steps   ? (int64_t)state->replayed_steps[state->level - 1]
                         : o->steps                ? o->steps
                                                   : 1;
    state->steps_made = 0;
    state->displacement = 0;
    run->executor.rows.first_term = 0;
    run->executor.rows.term_count = state->data ? state->term_count : 0;
    place(run, from);
    start_crew(state);
    ++state->moves;
    state->phase = MOTE_SMC_MOVE;
    return MOTE_OK;
}

/* ---- ending ---------------------------------------------------------------------------------------------------- */

static double mean_displacement(const mote_smc_state *state)
{
    const int64_t d = state->space.dimension;
    double sum = 0;
    for (int64_t c = 0; c < state->chains; ++c)
        sum +=
            mote_kernel_squared_distance(state->kernel, state->next.y + c * d, mote_kernel_current(state->kernel, c).y);
    return sum / (double)state->chains;
}

/* Correlation over the chains of the log-likelihood now with that at the start: it may outlast the coordinates'. */
static double memory_left(const mote_smc_state *state)
{
    const double n = (double)state->chains;
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    for (int64_t c = 0; c < state->chains; ++c) {
        x += state->next.log_likelihood[c] / n;
        y += mote_kernel_current(state->kernel, c).log_likelihood / n;
    }
    for (int64_t c = 0; c < state->chains; ++c) {
        const double a = state->next.log_likelihood[c] - x,
                     b = mote_kernel_current(state->kernel, c).log_likelihood - y;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx) / sqrt(yy) : 0;
}

/* Transitions still to make. */
static int64_t more_steps(mote_smc_state *state)
{
    const mote_smc_options *o = state->options;
    if (state->waste_free || o->steps || state->replayed_steps || state->steps_made >= o->max_steps)
        return 0;
    const double before = state->displacement, now = mean_displacement(state);
    const int64_t quarter = state->steps_made / 4 > 1 ? state->steps_made / 4 : 1,
                  left = o->max_steps - state->steps_made;
    state->displacement = now;
    const double noise = 2 / sqrt((double)state->chains);
    if (state->steps_made > 1 && before > 0 && now < GROWTH * before && memory_left(state) < fmax(MEMORY, noise))
        return 0;
    return quarter < left ? quarter : left;
}

static void keep_statistics(mote_smc_state *state)
{
    const mote_kernel_statistics s = mote_kernel_statistics_of(state->kernel, 0, state->chains);
    mote_smc_record *record = &state->records[state->level];
    record->steps = (double)state->steps_made;
    record->acceptance = s.acceptance;
    record->squared_jump = s.squared_jump;
    record->correlation = state->waste_free ? mote_smc_correlation(&state->next, state->chain_length) : NAN;
    if (!state->replayed_tunings)
        mote_kernel_adapt(state->kernel, s.acceptance, SCALE_GAIN);
}

static void take_over(mote_smc_state *state)
{
    if (state->waste_free) {
        const mote_kernel_points made = state->next;
        state->next = state->points;
        state->points = made;
        return;
    }
    for (int64_t c = 0; c < state->chains; ++c) {
        const mote_kernel_point point = mote_kernel_current(state->kernel, c);
        mote_kernel_points_put(&state->points, c, &point);
    }
}

int mote_smc_end_round(mote_run *run)
{
    mote_smc_state *state = run->state;
    state->steps_made += state->steps_asked;
    state->steps_asked = more_steps(state);
    if (state->steps_asked) {
        for (int64_t c = 0; c < state->chains; ++c)
            mote_kernel_continue(state->kernel, c, state->steps_asked);
        start_crew(state);
        return MOTE_OK;
    }
    keep_statistics(state);
    take_over(state);
    memset(state->weights.log_weight, 0, (size_t)state->particles * sizeof(double));
    state->points_temperature = state->inverse_temperature;
    if (state->persistent || state->options->keep == MOTE_SMC_DRAWS_ALL)
        mote_smc_persistent_append(state);
    return MOTE_DONE;
}
