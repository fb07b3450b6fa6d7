/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Particle marginal Metropolis-Hastings: random-walk chains (mcmc/random_walk.c) on rows that are filters' evidences
 * (smc/evidence.h).
 *
 *     theta' ~ q(theta, .);  Z' = evidence of a fresh filter;
 *     accept with min(1, p(theta') Z' q(theta', theta) / (p(theta) Z q(theta, theta')))
 *
 * The current Z is kept, never estimated again: with it the chain on (theta, all that the filter drew) is exact. The
 * proposal's covariance and scale adapt during warm-up, from all chains together, and are frozen after. A filter that
 * fails or finds no weight rejects. Known answer: posterior of case B (tests/smc/test_pmmh.c). */
#include <math.h>
#include <mote/pmmh.h>
#include <stdio.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"
#include "core/vector.h"
#include "mcmc/kernel.h"
#include "model/draws.h"
#include "model/prior_draws.h"
#include "smc/evidence.h"

MOTE_OPTION_TABLE(options, "pmmh", mote_pmmh_options, MOTE_PMMH_OPTIONS);

enum { START_TRIES = 1000 };

typedef struct pmmh_state {
    const mote_pmmh_options *options;
    mote_state_space space;
    mote_evidence evidence;
    mote_crew crew;
    mote_prior_draws start;
    mote_kernel *kernel;
    mote_kernel_points draws;  /* kept: chain c of iteration k in row k chains + c */
    double *y;                 /* chains x dimension */
    double *evaluation;        /* log-evidences at the posterior mean */
    int64_t started;           /* 1: all chains have a first point */
    int64_t busy;              /* 1: chains are under way */
    int64_t transitions;       /* of each chain, warm-up included */
    int64_t evaluated;
    double accepted, proposed; /* after warm-up, all chains */
} pmmh_state;

/* ---- life ---- */

static int open_parts(mote_run *run, pmmh_state *state)
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
    mote_kernel_points_open(&state->draws, &state->space.space, 0, &run->memory);
    state->y = mote_memory_allocate(&run->memory, o->chains * state->space.space.dimension, sizeof(double));
    state->evaluation = mote_memory_allocate(&run->memory, o->evaluations, sizeof(double));
    return status ? status : state->y && state->evaluation ? MOTE_OK : MOTE_ENOMEM;
}

static int pmmh_open(mote_run *run, const void *model)
{
    pmmh_state *state = run->state;
    const mote_pmmh_options *o = run->options;
    const mote_filter_setup setup = { MOTE_PARTICLE_SETUP(o) };
    state->options = o;
    int status = mote_resampling_require(o->resampling, MOTE_RESAMPLING_UNBIASED, 0, &run->message);
    if (!status)
        status = mote_state_space_open(&state->space, model, &run->memory, &run->message);
    if (status)
        return status;
    if (!state->space.space.dimension)
        return mote_fail(&run->message, MOTE_EINVAL, "pmmh: the model has no parameter to sample, all are fixed");
    mote_run_identify_state_space(run, &state->space);
    const int threads = (int)(state->space.model.flags & MOTE_SSM_THREADSAFE ? run->settings.threads : 1);
    status = mote_evidence_open(&state->evidence, &state->space, &setup, &run->source, threads, &run->memory, &run->message);
    if (!status)
        status = open_parts(run, state);
    run->boundary = 1;
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status, "no memory for %lld chains of %lld particles",
                                             (long long)o->chains, (long long)o->particles) : status;
}

static void pmmh_close(mote_run *run)
{
    pmmh_state *state = run->state;
    mote_kernel_close(&state->kernel);
    mote_prior_draws_close(&state->start);
    mote_crew_close(&state->crew, &run->memory);
    mote_executor_close(&run->executor);
    mote_kernel_points_close(&state->draws);
    mote_memory_release(&run->memory, state->y);
    mote_memory_release(&run->memory, state->evaluation);
    mote_evidence_close(&state->evidence);
    mote_state_space_close(&state->space);
}

/* ---- steps ---- */

static void begin(mote_run *run, pmmh_state *state)
{
    const int64_t chains = state->options->chains;
    size_t size;
    void *bytes;
    if (!state->started) {
        for (int64_t c = 0; c < chains; ++c)
            mote_prior_draws_begin(&state->start, c, &run->source, MOTE_PURPOSE_PRIOR, 0, c, START_TRIES);
        mote_crew_start(&state->crew, &mote_prior_draws_table, state->start.draws, sizeof *state->start.draws, chains, 0);
    } else {
        for (int64_t c = 0; c < chains; ++c)
            mote_kernel_begin(state->kernel, c, &run->source, (uint32_t)state->transitions, c, 1, -1);
        bytes = mote_kernel_chains(state->kernel, &size);
        mote_crew_start(&state->crew, mote_kernel_table, bytes, size, chains, (uint64_t)((state->transitions + 1) * chains));
    }
    state->busy = 1;
    run->boundary = 0;
}

/* The first points: prior draws whose filters found weight. */
static int place_starts(mote_run *run, pmmh_state *state)
{
    for (int64_t c = 0; c < state->options->chains; ++c) {
        const mote_prior_draw *draw = &state->start.draws[c];
        mote_kernel_point point = mote_kernel_current(state->kernel, c);
        if (!draw->found)
            return mote_fail(&run->message, MOTE_EMODEL, "pmmh: no evidence above zero in %d draws from the prior; take more "
                             "particles, or a narrower prior", START_TRIES);
        memcpy(point.theta, draw->theta, (size_t)state->space.space.theta_count * sizeof(double));
        point.log_likelihood = draw->log_likelihood;
        point.id = c;
        mote_kernel_fill_theta(state->kernel, &point);
        mote_kernel_place(state->kernel, c, &point);
    }
    state->started = 1;
    return MOTE_OK;
}

/* Warm-up: covariance of the last states with gain 1/k^.6, scale towards the target acceptance. */
static void adapt(pmmh_state *state)
{
    const int64_t chains = state->options->chains, d = state->space.space.dimension;
    const double gain = pow((double)state->transitions + 1, -0.6);
    for (int64_t c = 0; c < chains; ++c)
        memcpy(state->y + c * d, mote_kernel_current(state->kernel, c).y, (size_t)d * sizeof(double));
    mote_kernel_adapt(state->kernel, mote_kernel_statistics_of(state->kernel, 0, chains).acceptance, 2 * gain);
    mote_kernel_learn(state->kernel, state->y, chains, gain);
}

static void keep(pmmh_state *state)
{
    const int64_t chains = state->options->chains;
    const mote_kernel_statistics statistics = mote_kernel_statistics_of(state->kernel, 0, chains);
    state->accepted += (double)statistics.accepted;
    state->proposed += (double)statistics.transitions;
    if ((state->transitions - state->options->warm_up + 1) % state->options->thin)
        return;
    for (int64_t c = 0; c < chains; ++c) {
        const mote_kernel_point point = mote_kernel_current(state->kernel, c);
        mote_kernel_points_put(&state->draws, state->draws.n++, &point);
    }
}

static int finish_transition(mote_run *run, pmmh_state *state)
{
    state->busy = 0;
    run->boundary = 1;
    if (!state->started)
        return place_starts(run, state);
    if (state->transitions < state->options->warm_up)
        adapt(state);
    else
        keep(state);
    ++state->transitions;
    return MOTE_OK;
}

/* Filters at the posterior mean: how noisy the estimates are. */
static int evaluate(mote_run *run, pmmh_state *state)
{
    const int64_t d = state->space.space.dimension, n = state->draws.n;
    double theta[256], mean[256] = { 0 }, log_jacobian;
    for (int64_t i = 0; i < n; ++i)
        for (int64_t k = 0; k < d && k < 256; ++k)
            mean[k] += mote_kernel_points_at(&state->draws, i).y[k] / (double)n;
    int status = mote_space_constrain(&state->space.space, mean, theta, &log_jacobian);
    if (!status)
        status = mote_evidence_row(&state->evidence, theta, INT64_MAX - state->evaluated, &state->evaluation[state->evaluated]);
    run->ledger.calls += !status;
    if (status > 0) /* a filter that failed tells nothing of its noise */
        state->evaluation[state->evaluated] = NAN;
    ++state->evaluated;
    return status < 0 ? status : MOTE_OK;
}

static int pmmh_step(mote_run *run)
{
    pmmh_state *state = run->state;
    const mote_pmmh_options *o = state->options;
    if (state->transitions >= o->warm_up + o->draws * o->thin) {
        if (state->space.space.dimension > 256 || state->evaluated == o->evaluations)
            return MOTE_DONE;
        return evaluate(run, state);
    }
    if (!state->busy) {
        if (mote_kernel_points_reserve(&state->draws, state->draws.n + o->chains))
            return mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld draws", (long long)(state->draws.n + o->chains));
        begin(run, state);
    }
    int status = mote_crew_advance(&state->crew);
    if (status)
        return status == MOTE_CREW_PAUSED ? MOTE_OK : status;
    return finish_transition(run, state);
}

/* ---- checkpoints ---- */

static int pmmh_save(mote_run *run, mote_writer *writer)
{
    const pmmh_state *state = run->state;
    const int64_t chains = state->options->chains;
    mote_put_tag(writer, "pmmh");
    mote_put_integer(writer, state->started);
    mote_put_integer(writer, state->busy);
    mote_put_integer(writer, state->transitions);
    mote_put_integer(writer, state->evaluated);
    mote_put_real(writer, state->accepted);
    mote_put_real(writer, state->proposed);
    mote_put_reals(writer, state->evaluation, state->evaluated);
    mote_kernel_points_save(&state->draws, writer);
    mote_kernel_save(state->kernel, chains, writer);
    if (state->busy && !state->started)
        mote_prior_draws_save(&state->start, chains, writer);
    if (state->busy)
        mote_crew_save(&state->crew, writer);
    return writer->status;
}

static int load_chains(pmmh_state *state, mote_reader *reader)
{
    const int64_t chains = state->options->chains;
    size_t size;
    mote_kernel_load(state->kernel, chains, reader);
    if (!state->busy)
        return reader->status;
    if (state->started) {
        void *bytes = mote_kernel_chains(state->kernel, &size);
        return mote_crew_load(&state->crew, mote_kernel_table, bytes, size, reader);
    }
    mote_prior_draws_load(&state->start, chains, reader);
    return mote_crew_load(&state->crew, &mote_prior_draws_table, state->start.draws, sizeof *state->start.draws, reader);
}

static int pmmh_load(mote_run *run, mote_reader *reader)
{
    pmmh_state *state = run->state;
    mote_get_tag(reader, "pmmh");
    state->started = mote_get_count(reader, 0, 1);
    state->busy = mote_get_count(reader, 0, 1);
    state->transitions = mote_get_count(reader, 0, INT64_MAX);
    state->evaluated = mote_get_count(reader, 0, state->options->evaluations);
    state->accepted = mote_get_real(reader);
    state->proposed = mote_get_real(reader);
    mote_get_reals(reader, state->evaluation, state->evaluated);
    int status = mote_kernel_points_load(&state->draws, reader);
    if (!status && state->busy)
        status = mote_kernel_points_reserve(&state->draws, state->draws.n + state->options->chains);
    if (!status)
        status = load_chains(state, reader);
    if (status || reader->status)
        return mote_fail(&run->message, status ? status : reader->status, "the state of pmmh cannot be read");
    run->boundary = !state->busy;
    return MOTE_OK;
}

/* ---- results ---- */

static double variance(const double *x, int64_t n)
{
    double mean = 0, sum = 0;
    for (int64_t i = 0; i < n; ++i)
        mean += x[i] / (double)n;
    for (int64_t i = 0; i < n; ++i)
        sum += (x[i] - mean) * (x[i] - mean);
    return n > 1 ? sum / (double)(n - 1) : NAN;
}

static int add_results(const pmmh_state *state, mote_draws *draws)
{
    const double noise = variance(state->evaluation, state->evaluated);
    int status = mote_draws_add_real(draws, "acceptance", state->accepted / state->proposed, "", "share of accepted proposals");
    if (!status)
        status = mote_draws_add_real(draws, "variance_log_evidence", noise, "nats^2",
                                     "of the filter's estimate at the posterior mean; about 1 is best");
    if (!status)
        status = mote_draws_add_real(draws, "particle_steps", (double)state->evidence.potentials, "", "particles weighed");
    if (!status && noise > 3)
        status = mote_draws_add_warning(draws, "noisy_evidence", "the filter's estimates are so noisy that chains stick: take more "
                                        "particles");
    return status;
}

static int pmmh_draws(mote_run *run)
{
    pmmh_state *state = run->state;
    const mote_space *space = &state->space.space;
    const int64_t n = state->draws.n;
    if (!n)
        return mote_fail(&run->message, MOTE_ESTATE, "pmmh has no draws yet: it is warming up");
    mote_draws *draws = mote_draws_create(&run->memory, space->parameters, space->parameter_count, n,
                                          MOTE_DRAWS_PRIOR | MOTE_DRAWS_CHAIN);
    if (!draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    run->draws = draws;
    mote_kernel_points_fill(&state->draws, space, draws, 0);
    for (int64_t i = 0; i < n; ++i) {
        draws->log_weight[i] = -mote_log((double)n);
        draws->chain[i] = (double)(i % state->options->chains);
    }
    return add_results(state, draws);
}

static void pmmh_progress(mote_run *run, mote_progress *progress)
{
    const pmmh_state *state = run->state;
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
    .state_size = sizeof(pmmh_state),
    .open = pmmh_open,
    .step = pmmh_step,
    .save = pmmh_save,
    .load = pmmh_load,
    .draws = pmmh_draws,
    .free_draws = mote_draws_free,
    .progress = pmmh_progress,
    .close = pmmh_close,
};

const mote_algorithm *const mote_pmmh = &table;
