/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMC samplers on targets (Del Moral, Doucet & Jasra 2006): particles from the prior to the posterior.
 *
 *     theta^1..N ~ prior, log Z = 0
 *     until the posterior:  the next target: the likelihood to a higher power (sampler_weight.c), or more of the data
 *                           (IBIS, Chopin 2002)
 *                           w^i = its incremental weight;  log Z += log sum W^i w^i
 *                           resample;  move by a Markov kernel tuned from the weighted particles (sampler_move.c)
 *
 * Forms: waste-free (Dau & Chopin 2022; the default), plain, persistent (Karamanis & Seljak 2024). Tempering resamples
 * at every level, data tempering when the effective sample size is low, and weights are carried in between.
 * Known answer: a constant likelihood c has one level and log Z = log c. */
#include <math.h>
#include <string.h>

#include "core/option.h"
#include "model/prior_draws.h"
#include "smc/sampler_state.h"

static const mote_option_use uses[] = {
    { "chain_length", "form", "waste_free" },
    { "steps", "form", "plain|persistent" }, { "max_steps", "form", "plain|persistent" },
    { "minimum_step", "sequence", "tempering" }, { "minimum_step", "schedule", NULL },
    { "minimum_step", "replay", NULL },
    { "terms", "sequence", "data" }, { "terms", "schedule", NULL },
    { "components", "kernel", "independence" },
    { "variance_lag", "form", "plain" },
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "smc", mote_smc_options, MOTE_SMC_OPTIONS, uses);

static int check_options(mote_run *run, const mote_smc_state *state)
{
    const mote_smc_options *o = run->options;
    const int64_t unwanted = MOTE_RESAMPLING_WEIGHTED
                             | (o->form == MOTE_SMC_PLAIN ? 0 : (int64_t)MOTE_RESAMPLING_EQUAL_COUNT);
    if (o->target_ess >= 1)
        return mote_fail(&run->message, MOTE_EOPTION, "option target_ess = %g must be below 1", o->target_ess);
    if (state->data && state->persistent)
        return mote_fail(&run->message, MOTE_EOPTION, "option form = persistent needs sequence = tempering");
    if (state->data && o->keep == MOTE_SMC_DRAWS_ALL)
        return mote_fail(&run->message, MOTE_EOPTION,
                         "option keep = all needs sequence = tempering: particles of part of "
                         "the data have no likelihood of the rest");
    return mote_resampling_require(o->resampling, MOTE_RESAMPLING_UNBIASED, unwanted, &run->message);
}

static int check_terms(mote_run *run, const mote_smc_state *state)
{
    const mote_target *target = &state->space.target;
    if (!state->data || (target->log_likelihood_terms && target->term_count > 0))
        return MOTE_OK;
    return mote_fail(&run->message, MOTE_EUNSUPPORTED, "option sequence = data: the target '%s' has no %s",
                     target->name ? target->name : "target",
                     target->log_likelihood_terms ? "term_count" : "log_likelihood_terms");
}

/* Waste-free: N = M P. The correlation time of a random walk grows like 4 d, and chains of five times that length are
 * what evidence and error rest on. */
static int64_t usual_length(const mote_smc_state *state)
{
    const int64_t n = state->options->particles, root = (int64_t)floor(sqrt((double)n) + 0.5);
    const int64_t length = state->method == mote_kernel_find("random_walk") ? 25 * state->space.dimension : 0;
    const int64_t longest = n / 10 > 2 ? n / 10 : 2, wanted = length > root ? length : root;
    return wanted > longest ? longest : wanted;
}

static int divide(mote_run *run, mote_smc_state *state)
{
    const mote_smc_options *o = state->options;
    state->particles = state->chains = o->particles;
    state->chain_length = 1;
    if (!state->waste_free)
        return MOTE_OK;
    state->chain_length = o->chain_length ? o->chain_length : usual_length(state);
    state->chains = o->particles / state->chain_length;
    state->particles = state->chains * state->chain_length;
    if (state->chain_length < 2 || state->chains < 2)
        return mote_fail(&run->message, MOTE_EOPTION,
                         "option chain_length = %lld: %lld particles make %lld chains; it takes at "
                         "least 2 of 2 states",
                         (long long)state->chain_length, (long long)o->particles, (long long)state->chains);
    return MOTE_OK;
}

static const mote_kernel_method *choose_kernel(const mote_smc_state *state)
{
    if (state->options->kernel == MOTE_SMC_KERNEL_AUTO)
        return mote_kernel_find(state->space.target.flags & MOTE_HAS_GRADIENT ? "mala" : "random_walk");
    return mote_kernel_at(state->options->kernel - 1);
}

static int open_kernel(mote_run *run, mote_smc_state *state)
{
    const mote_kernel_settings settings = { .components = state->options->components };
    const mote_kernel_method *method = state->method;
    int status = mote_kernel_open(&state->kernel, method, &settings, &state->space, state->chains, &run->memory,
                                  &run->message);
    if (status)
        return status;
    mote_kernel_points_open(&state->points, &state->space, mote_kernel_needs_gradient(method), &run->memory);
    mote_kernel_points_open(&state->next, &state->space, mote_kernel_needs_gradient(method), &run->memory);
    mote_kernel_points_open(&state->kept, &state->space, mote_kernel_needs_gradient(method), &run->memory);
    mote_kernel_set_trace(state->kernel, &state->next);
    mote_space_row_function(&state->space, &state->function);
    state->function.gradient = mote_kernel_needs_gradient(method);
    return mote_run_open_executor(run, &state->function, state->particles);
}

static int open_memory(mote_run *run, mote_smc_state *state)
{
    const mote_memory *memory = &run->memory;
    const int64_t n = state->particles;
    int missing = mote_kernel_points_reserve(&state->points, n) || mote_kernel_points_reserve(&state->next, n);
    missing |= mote_smc_reserve_weights(state, n);
    missing |= mote_smc_reserve_record(run);
    missing |= !(state->increment = mote_memory_allocate(memory, n, sizeof(double)));
    missing |= !(state->ancestor = mote_memory_allocate(memory, n, sizeof(int32_t)));
    missing |= !(state->evaluations = mote_memory_allocate(memory, n, sizeof *state->evaluations));
    missing |= !(state->cube =
                     mote_memory_allocate(memory, state->space.dimension + state->space.theta_count, sizeof(double)));
    if (!missing && !state->waste_free && !state->persistent)
        missing = mote_genealogy_open(&state->genealogy, n, state->options->variance_lag, memory);
    return missing ? MOTE_ENOMEM : mote_crew_open(&state->crew, &run->executor, memory, n);
}

/* Resampling draws from at most all levels; how many there will be is not known. */
static int open_resampler(mote_run *run, mote_smc_state *state)
{
    return mote_resampler_open(&state->resampler, state->options->resampling, state->particles, &run->memory, NULL,
                               &run->message);
}

static int smc_open(mote_run *run, const void *model)
{
    mote_smc_state *state = run->state;
    const mote_smc_options *o = state->options = run->options;
    state->memory = &run->memory;
    state->message = &run->message;
    state->data = o->sequence == MOTE_SMC_DATA;
    state->persistent = o->form == MOTE_SMC_PERSISTENT;
    state->waste_free = o->form == MOTE_SMC_WASTE_FREE;
    state->maximum = -INFINITY;
    int status = check_options(run, state);
    if (!status)
        status = mote_space_open(&state->space, model, &run->memory, &run->message);
    if (status)
        return status;
    mote_run_identify_space(run, &state->space);
    state->method = choose_kernel(state);
    status = divide(run, state);
    if (!status)
        status = check_terms(run, state);
    if (!status)
        status = open_kernel(run, state);
    if (!status)
        status = open_memory(run, state);
    if (!status)
        status = open_resampler(run, state);
    if (!status)
        status = mote_prior_mass(&state->space, &run->source, 100000, state->cube, &state->log_prior_mass,
                                 &state->prior_mass_error, &run->message);
    if (!status)
        status = mote_smc_read_schedule(run);
    if (status == MOTE_ENOMEM && !run->message.text[0])
        mote_fail(&run->message, status, "no memory for %lld particles in %lld dimensions", (long long)state->particles,
                  (long long)state->space.dimension);
    return status;
}

static void smc_close(mote_run *run)
{
    mote_smc_state *state = run->state;
    const mote_memory *memory = &run->memory;
    void *blocks[] = { state->increment, state->ancestor,       state->evaluations,      state->cube,
                       state->records,   state->tunings,        state->mixture,          state->linear,
                       state->schedule,  state->replayed_steps, state->replayed_tunings, state->weights.factor };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
    mote_memory_release_aligned(memory, state->weights.log_weight);
    mote_memory_release_aligned(memory, state->weights.weight);
    mote_genealogy_close(&state->genealogy);
    mote_resampler_close(&state->resampler);
    mote_crew_close(&state->crew, memory);
    mote_executor_close(&run->executor);
    mote_kernel_points_close(&state->points);
    mote_kernel_points_close(&state->next);
    mote_kernel_points_close(&state->kept);
    mote_kernel_close(&state->kernel);
    mote_space_close(&state->space);
}

static const mote_algorithm table = {
    .name = "smc",
    .help = "SMC sampler: particles from the prior to the posterior through tempered likelihoods, or parts of the data",
    .model_kind = MOTE_KIND_mote_target,
    .model_size = sizeof(mote_target),
    .options = &options,
    .state_size = sizeof(mote_smc_state),
    .free_options = " replay ",
    .open = smc_open,
    .step = mote_smc_step,
    .save = mote_smc_save,
    .load = mote_smc_load,
    .draws = mote_smc_draws,
    .free_draws = mote_draws_free,
    .progress = mote_smc_progress,
    .close = smc_close,
};

const mote_algorithm *const mote_smc = &table;
