/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Particle marginal Metropolis-Hastings: random-walk chains (mcmc/random_walk.c) on rows that are filters' evidences
 * (smc/evidence.h).
 *
 *     theta' ~ q(theta, .);  Z' = evidence of a fresh filter;
 *     accept with min(1, p(theta') Z' q(theta', theta) / (p(theta) Z q(theta, theta')))
 *
 * The current Z is kept, never estimated again: with it the chain on (theta, all that the filter drew) is exact. The
 * proposal's covariance and scale adapt during warm-up, from all chains together, and are frozen after. A filter that
 * fails or finds no weight rejects. Half-way through the warm-up the noise s^2 of log Z is measured at the chains'
 * mean: the target acceptance falls from 2 Phi(-q/2), q = 2.38 in many dimensions, to 2 Phi(-sqrt(q^2 + 2 s^2)/2)
 * (Sherlock, Thiery, Roberts and Rosenthal 2015), and the number of particles is chosen so that s^2 is between 1 and 2
 * (Pitt, Silva, Giordani and Kohn 2012; Doucet, Pitt, Deligiannidis and Kohn 2015) when that is asked for.
 *
 * Correlated (Deligiannidis, Doucet and Pitt 2018): the filter of a proposal draws numbers that are correlated with
 * those of the present point (smc/correlated.h) and resamples systematically along a curve, so that the noise of Z'/Z
 * is small.
 *
 * Known answer: posteriors of cases A and B (tests/smc/test_pmmh.c). */
#include <math.h>
#include <string.h>

#include "core/option.h"
#include "model/draws.h"
#include "smc/pmmh_state.h"

static const mote_option_use uses[] = {
    MOTE_PARTICLE_USES,
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "pmmh", mote_pmmh_options, MOTE_PMMH_OPTIONS, uses);

/* ---- life ---- */

static int check(mote_run *run, const mote_pmmh_run_state *state)
{
    const mote_pmmh_options *o = state->options;
    int status = mote_resampling_of_particles(o->resampling, MOTE_RESAMPLING_UNBIASED, &run->message);
    if (!status && !state->space.space.dimension)
        status = mote_fail(&run->message, MOTE_EINVAL, "pmmh: the model has no parameter to sample, all are fixed");
    if (status || o->correlation <= 0)
        return status;
    if (o->resampling != MOTE_RESAMPLE_SYSTEMATIC)
        return mote_fail(&run->message, MOTE_EUNSUPPORTED, "option correlation needs resampling = systematic, not %s",
                         mote_resampling_name(o->resampling));
    if (o->points != MOTE_POINTS_RANDOM)
        return mote_fail(&run->message, MOTE_EUNSUPPORTED, "option correlation does not go with points = sobol");
    if (run->settings.executor == MOTE_EXECUTOR_PROCESSES || run->settings.executor == MOTE_EXECUTOR_EXTERNAL)
        return mote_fail(&run->message, MOTE_EUNSUPPORTED, "option correlation: the random numbers are kept here, "
                         "option executor must be auto, serial or threads");
    return MOTE_OK;
}

static int open_evidence(mote_run *run, mote_pmmh_run_state *state)
{
    const mote_pmmh_options *o = state->options;
    const mote_space *space = &state->space.space;
    mote_filter_setup setup = { MOTE_PARTICLE_SETUP(o) };
    const int threads = (int)(state->space.model.flags & MOTE_SSM_THREADSAFE ? run->settings.threads : 1);
    double *theta = state->y, *cube = state->y + space->theta_count;
    setup.sorted = o->correlation > 0;
    int status = mote_evidence_open(&state->evidence, &state->space, &setup, &run->source, threads, &run->memory,
                                    &run->message);
    if (status || o->correlation <= 0)
        return status;
    for (int64_t k = 0; k < space->dimension; ++k)
        cube[k] = 0.5;
    status = mote_space_transform(space, cube, theta);
    return status ? status : mote_evidence_correlate(&state->evidence, o->correlation, o->chains, theta, &run->message);
}

static int open_memory(mote_run *run, mote_pmmh_run_state *state)
{
    const mote_pmmh_options *o = state->options;
    const mote_space *space = &state->space.space;
    state->evaluations = o->correlation > 0 ? 2 * o->evaluations : o->evaluations;
    state->y = mote_memory_allocate(&run->memory, (o->chains + 1) * space->dimension + space->theta_count,
                                    sizeof(double));
    state->evaluation = mote_memory_allocate(&run->memory, state->evaluations, sizeof(double));
    state->rows = mote_memory_allocate(&run->memory, o->chains, sizeof *state->rows);
    for (int64_t c = 0; state->rows && c < o->chains; ++c)
        state->rows[c] = (mote_pmmh_row){ state, c, 0 };
    return state->y && state->evaluation && state->rows ? MOTE_OK : MOTE_ENOMEM;
}

static int open_parts(mote_run *run, mote_pmmh_run_state *state)
{
    const mote_pmmh_options *o = state->options;
    mote_row_function function;
    mote_evidence_row_function(&state->evidence, &function);
    int status = mote_run_open_executor(run, &function, o->chains);
    if (!status)
        status = mote_crew_open(&state->crew, &run->executor, &run->memory, o->chains);
    if (!status)
        status = mote_prior_draws_open(&state->start, &state->space.space, o->chains, &run->memory, &run->message);
    if (!status)
        status = mote_kernel_open(&state->kernel, mote_kernel_find("random_walk"), NULL, &state->space.space, o->chains,
                                  &run->memory, &run->message);
    state->start.threshold = -INFINITY;
    return status;
}

static int pmmh_open(mote_run *run, const void *model)
{
    mote_pmmh_run_state *state = run->state;
    const mote_pmmh_options *o = run->options;
    state->options = o;
    state->noise = state->variance = NAN;
    int status = mote_state_space_open(&state->space, model, &run->memory, &run->message);
    if (status)
        return status;
    mote_run_identify_state_space(run, &state->space);
    mote_kernel_points_open(&state->draws, &state->space.space, 0, &run->memory);
    status = check(run, state);
    if (!status)
        status = open_memory(run, state);
    if (!status)
        status = open_evidence(run, state);
    if (!status)
        status = open_parts(run, state);
    run->boundary = 1;
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status, "no memory for %lld chains of %lld particles",
                                             (long long)o->chains, (long long)o->particles) : status;
}

static void pmmh_close(mote_run *run)
{
    mote_pmmh_run_state *state = run->state;
    mote_pmmh_close_path(run);
    mote_kernel_close(&state->kernel);
    mote_prior_draws_close(&state->start);
    mote_crew_close(&state->crew, &run->memory);
    mote_executor_close(&run->executor);
    mote_kernel_points_close(&state->draws);
    mote_memory_release(&run->memory, state->y);
    mote_memory_release(&run->memory, state->evaluation);
    mote_memory_release(&run->memory, state->rows);
    mote_evidence_close(&state->evidence);
    mote_state_space_close(&state->space);
}

/* ---- checkpoints ---- */

static int pmmh_save(mote_run *run, mote_writer *writer)
{
    const mote_pmmh_run_state *state = run->state;
    const int64_t chains = state->options->chains;
    mote_put_tag(writer, "pmmh");
    mote_put_integer(writer, state->phase);
    mote_put_integer(writer, state->busy);
    mote_put_integer(writer, state->transitions);
    mote_put_integer(writer, state->evaluated);
    mote_put_integer(writer, state->noise_rows);
    mote_put_integer(writer, state->rounds);
    mote_put_real(writer, state->noise);
    mote_put_real(writer, state->variance);
    mote_put_real(writer, state->accepted);
    mote_put_real(writer, state->proposed);
    mote_put_reals(writer, state->evaluation, state->evaluated);
    mote_evidence_save(&state->evidence, writer);
    mote_kernel_points_save(&state->draws, writer);
    mote_kernel_save(state->kernel, chains, writer);
    for (int64_t c = 0; c < chains; ++c)
        mote_put_integer(writer, state->rows[c].told);
    if (state->busy && state->phase == MOTE_PMMH_START)
        mote_prior_draws_save(&state->start, chains, writer);
    if (state->busy)
        mote_crew_save(&state->crew, writer);
    return writer->status;
}

static int load_crew(mote_pmmh_run_state *state, mote_reader *reader)
{
    size_t size;
    void *bytes;
    switch (state->phase) {
    case MOTE_PMMH_START:
        mote_prior_draws_load(&state->start, state->options->chains, reader);
        return mote_crew_load(&state->crew, &mote_prior_draws_table, state->start.draws, sizeof *state->start.draws,
                              reader);
    case MOTE_PMMH_REFRESH:
        return mote_crew_load(&state->crew, &mote_pmmh_rows, state->rows, sizeof *state->rows, reader);
    default:
        bytes = mote_kernel_chains(state->kernel, &size);
        return mote_crew_load(&state->crew, mote_kernel_table, bytes, size, reader);
    }
}

static int load_state(mote_pmmh_run_state *state, mote_reader *reader)
{
    const mote_pmmh_options *o = state->options;
    const int64_t chains = o->chains;
    state->phase = mote_get_count(reader, 0, MOTE_PMMH_PHASES - 1);
    state->busy = mote_get_count(reader, 0, 1);
    state->transitions = mote_get_count(reader, 0, o->warm_up + o->draws * o->thin);
    state->evaluated = mote_get_count(reader, 0, state->evaluations);
    state->noise_rows = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    state->rounds = mote_get_count(reader, 0, o->tune == MOTE_TUNE_OFF ? 0 : MOTE_PMMH_ROUNDS);
    state->noise = mote_get_real(reader);
    state->variance = mote_get_real(reader);
    state->accepted = mote_get_real(reader);
    state->proposed = mote_get_real(reader);
    mote_get_reals(reader, state->evaluation, state->evaluated);
    int status = reader->status ? reader->status : mote_evidence_load(&state->evidence, mote_pmmh_most_particles(state),
                                                                      reader);
    if (!status)
        status = mote_kernel_points_load(&state->draws, reader);
    if (!status && (state->draws.n > chains * o->draws || state->draws.n % chains))
        status = MOTE_ECORRUPT;
    if (!status && state->busy)
        status = mote_kernel_points_reserve(&state->draws, state->draws.n + chains);
    if (status)
        return status;
    mote_kernel_load(state->kernel, chains, reader);
    for (int64_t c = 0; c < chains; ++c)
        state->rows[c].told = mote_get_count(reader, 0, 1);
    if (state->busy && !reader->status)
        status = load_crew(state, reader);
    for (int64_t c = 0; c < chains && state->busy && !status && !reader->status; ++c)
        if (state->crew.calls[c])
            mote_evidence_regain(&state->evidence, c, state->crew.executor->rows.id[c]);
    return status ? status : reader->status;
}

static int pmmh_load(mote_run *run, mote_reader *reader)
{
    mote_pmmh_run_state *state = run->state;
    mote_get_tag(reader, "pmmh");
    int status = load_state(state, reader);
    if (status || reader->status)
        return mote_fail(&run->message, status ? status : reader->status, "the state of pmmh cannot be read");
    run->boundary = !state->busy;
    return MOTE_OK;
}

/* ---- the table ---- */

static void pmmh_progress(mote_run *run, mote_progress *progress)
{
    const mote_pmmh_run_state *state = run->state;
    const mote_pmmh_options *o = state->options;
    progress->iterations = state->transitions;
    progress->remaining = 1 - (double)state->transitions / (double)(o->warm_up + o->draws * o->thin);
    progress->efficiency = state->proposed > 0 ? state->accepted / state->proposed : NAN;
}

static const mote_algorithm table = {
    .name = "pmmh",
    .help = "particle marginal Metropolis-Hastings: posterior of a state-space model's parameters",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(mote_pmmh_run_state),
    .open = pmmh_open,
    .step = mote_pmmh_step,
    .save = pmmh_save,
    .load = pmmh_load,
    .draws = mote_pmmh_draws,
    .free_draws = mote_draws_free,
    .progress = pmmh_progress,
    .close = pmmh_close,
};

const mote_algorithm *const mote_pmmh = &table;
