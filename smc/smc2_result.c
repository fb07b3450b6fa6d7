/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What SMC^2 found: weighted parameter particles, the path of the evidence, states. */
#include <math.h>

#include "core/option.h"
#include "core/vector.h"
#include "model/draws.h"
#include "smc/smc2_state.h"

static const mote_smc2_run_state *state_of(const mote_run *run)
{
    return !mote_run_usable(run) && run->algorithm == mote_smc2 ? run->state : NULL;
}

/* ---- stages ---- */

int64_t mote_smc2_stage_count(const mote_run *run)
{
    const mote_smc2_run_state *state = state_of(run);
    return state ? state->bank.step - (state->phase > MOTE_SMC2_IDLE) : 0;
}

int mote_smc2_get_stage(const mote_run *run, int64_t index, mote_smc2_stage *stage)
{
    if (!stage || index < 0 || index >= mote_smc2_stage_count(run))
        return MOTE_EINVAL;
    const mote_smc2_record *r = &((const mote_smc2_run_state *)run->state)->records[index];
    const mote_smc2_stage ours = { MOTE_VERSIONED(mote_smc2_stage), r->log_evidence, r->log_evidence_error,
                                   r->effective_sample_size, r->particles, r->acceptance, r->noise };
    return mote_struct_give(stage, MOTE_KIND_mote_smc2_stage, &ours, sizeof ours);
}

double mote_smc2_log_evidence(const mote_run *run)
{
    const int64_t count = mote_smc2_stage_count(run);
    return count ? ((const mote_smc2_run_state *)run->state)->records[count - 1].log_evidence : NAN;
}

/* ---- states ---- */

int mote_smc2_state(const mote_run *run, int64_t draw, double *out)
{
    const mote_smc2_run_state *state = state_of(run);
    if (!state || !out || draw < 0 || draw >= state->bank.n)
        return MOTE_EINVAL;
    const mote_population *population = mote_filter_bank_population(&state->bank, draw);
    const int64_t n = state->bank.setup.particles;
    mote_source source = mote_source_at(&run->source, MOTE_PURPOSE_BACKWARD, (uint32_t)state->bank.step, draw);
    double u, cumulative = 0;
    int64_t chosen = -1;
    if (state->phase > MOTE_SMC2_IDLE || !population || state->bank.member[draw].dead)
        return MOTE_ESTATE;
    mote_uniforms(&source, &u, 1);
    for (int64_t i = 0; i < n && (chosen < 0 || cumulative <= u); ++i) {
        const double weight = mote_population_weight(population, i);
        cumulative += weight;
        chosen = weight > 0 ? i : chosen;
    }
    for (int64_t k = 0; k < state->space.model.state_count; ++k)
        out[k] = population->state[k][chosen];
    return mote_source_status(&source);
}

/* ---- draws ---- */

/* The newest acceptance and noise that were measured. */
static void newest(const mote_smc2_run_state *state, int64_t count, double *acceptance, double *noise)
{
    *acceptance = *noise = NAN;
    for (int64_t t = 0; t < count; ++t) {
        *acceptance = isnan(state->records[t].acceptance) ? *acceptance : state->records[t].acceptance;
        *noise = isnan(state->records[t].noise) ? *noise : state->records[t].noise;
    }
}

static int add_warnings(const mote_smc2_run_state *state, mote_draws *draws, double acceptance)
{
    int status = MOTE_OK;
    if (state->bank.weights.sum <= 0)
        status = mote_draws_add_warning(draws, "all_weights_zero",
                                        "no parameter particle explains the observations: the evidence "
                                        "estimate is zero");
    else if (isnan(draws->log_evidence_error))
        status = mote_draws_add_warning(draws, "no_error", "the error of log Z could not be had from this run: few "
                                        "parameter particles descend from many");
    if (!status && state->limited)
        status = mote_draws_add_warning(draws, "noisy_evidence",
                                        "the filters' evidences are noisier than noise_limit, and "
                                        "particles_limit allows no more particles");
    if (!status && acceptance < 0.02)
        status = mote_draws_add_warning(draws, "low_acceptance",
                                        "the last moves accepted fewer than one proposal in fifty");
    if (!status && state->phase > MOTE_SMC2_IDLE)
        status = mote_draws_add_warning(draws, "unfinished", "the present observation is still being worked on");
    return status;
}

static int add_results(const mote_smc2_run_state *state, mote_draws *draws, int64_t count)
{
    double acceptance, noise;
    newest(state, count, &acceptance, &noise);
    int status = mote_draws_add_count(draws, "observations", count, "", "observations taken");
    if (!status)
        status = mote_draws_add_count(draws, "particles", state->bank.setup.particles, "", "of each filter at the end");
    if (!status)
        status = mote_draws_add_real(draws, "acceptance", acceptance, "", "of the last moves");
    if (!status)
        status = mote_draws_add_real(draws, "variance_log_evidence", noise, "nats^2",
                                     "of a filter at the posterior mean, at the last moves");
    if (!status)
        status = mote_draws_add_count(draws, "resamplings", state->genealogy.generation, "",
                                      "of the parameter particles");
    if (!status)
        status = mote_draws_add_real(draws, "particle_steps", (double)state->bank.potentials, "", "particles weighed");
    return status ? status : add_warnings(state, draws, acceptance);
}

int mote_smc2_draws(mote_run *run)
{
    mote_smc2_run_state *state = run->state;
    const mote_space *space = &state->space.space;
    const int64_t n = state->bank.n, count = mote_smc2_stage_count(run);
    if (state->phase == MOTE_SMC2_PRIOR)
        return mote_fail(&run->message, MOTE_ESTATE, "smc2 has drawn no parameters yet");
    mote_draws *draws = mote_draws_create(&run->memory, space->parameters, space->parameter_count, n, MOTE_DRAWS_PRIOR);
    if (!draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    run->draws = draws;
    for (int64_t i = 0; i < n; ++i)
        state->points.log_likelihood[i] = state->bank.member[i].weighed;
    mote_kernel_points_fill(&state->points, space, draws, 0);
    const mote_population *weights = &state->bank.weights;
    for (int64_t i = 0; i < n; ++i)
        draws->log_weight[i] = weights->sum > 0 ? weights->log_weight[i] - weights->log_sum : -INFINITY;
    draws->log_evidence = count ? state->records[count - 1].log_evidence : 0;
    draws->log_evidence_error = count ? state->records[count - 1].log_evidence_error : 0;
    int status = mote_draws_add_real(draws, "log_evidence", draws->log_evidence, "nats", "of the observations so far");
    if (!status)
        status = mote_draws_add_real(draws, "log_evidence_error", draws->log_evidence_error, "nats",
                                     "its standard error, from the run's own genealogy");
    return status ? status : add_results(state, draws, count);
}
