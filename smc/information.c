/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backward information filter: see information.h. */
#include "smc/information.h"

#include <math.h>
#include <string.h>

#include "core/vector.h"
#include "smc/backward.h"
#include "smc/columns.h"
#include "smc/moments.h"

static int check(const mote_particle_filter *filter)
{
    static const int64_t needed[] = { MOTE_CAPABILITY_ARTIFICIAL, MOTE_CAPABILITY_LOG_ARTIFICIAL,
                                      MOTE_CAPABILITY_LOG_TRANSITION };
    const mote_ssm *model = &filter->space->model;
    int status = MOTE_OK;
    for (size_t i = 0; i < sizeof needed / sizeof *needed && !status; ++i)
        status = mote_state_space_needs(filter->space, needed[i], "option method = two_filter", filter->message);
    if (!status && model->propose_backward)
        status = mote_state_space_needs(filter->space, MOTE_CAPABILITY_LOG_PROPOSE_BACKWARD, "propose_backward",
                                        filter->message);
    if (!status && model->flags & MOTE_SSM_PAIR_POTENTIAL)
        return mote_fail(filter->message, MOTE_EUNSUPPORTED, "option method = two_filter: the potential of the model "
                         "'%s' looks at two states (MOTE_SSM_PAIR_POTENTIAL)", mote_state_space_name(filter->space));
    return status ? status : mote_resampling_require(filter->setup.resampling, MOTE_RESAMPLING_UNBIASED,
                                                     MOTE_RESAMPLING_WEIGHTED,
                                                     filter->message);
}

int mote_information_open(mote_information *information, const mote_particle_filter *filter, const mote_memory *memory)
{
    const int64_t n = filter->setup.particles, d = filter->space->model.state_count;
    double ***columns[] = { &information->state, &information->later, &information->gathered };
    double **numbers[] = { &information->log_weight, &information->log_artificial, &information->carried,
                           &information->weight };
    *information = (mote_information){ .filter = filter };
    int status = check(filter);
    if (status)
        return status;
    for (size_t i = 0; i < sizeof columns / sizeof *columns && !status; ++i)
        status = (*columns[i] = mote_block_columns_open(memory, d, n)) ? MOTE_OK : MOTE_ENOMEM;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !status; ++i)
        status = (*numbers[i] = mote_memory_allocate_aligned(memory, mote_blocks(n) * MOTE_BLOCK, sizeof(double)))
            ? MOTE_OK : MOTE_ENOMEM;
    int missing = status || !(information->density = mote_memory_allocate_aligned(memory, MOTE_BLOCK, sizeof(double)));
    missing = missing || !(information->extra = mote_memory_allocate_aligned(memory, MOTE_BLOCK, sizeof(double)));
    missing = missing || !(information->ancestor = mote_memory_allocate(memory, mote_blocks(n) * MOTE_BLOCK,
                                                                        sizeof(int32_t)));
    missing = missing || !(information->previous = mote_memory_allocate(memory, d, sizeof *information->previous));
    missing = missing || !(information->columns = mote_memory_allocate(memory, d, sizeof *information->columns));
    status = missing ? MOTE_ENOMEM : mote_resampler_open(&information->resampler, filter->setup.resampling, n, memory,
                                                         NULL, filter->message);
    if (status)
        mote_information_close(information, memory);
    return status;
}

void mote_information_close(mote_information *information, const mote_memory *memory)
{
    if (!information->filter)
        return;
    double *aligned[] = { information->log_weight, information->log_artificial, information->carried,
                          information->weight,
                          information->density, information->extra };
    for (size_t i = 0; i < sizeof aligned / sizeof *aligned; ++i)
        mote_memory_release_aligned(memory, aligned[i]);
    mote_block_columns_close(memory, information->state);
    mote_block_columns_close(memory, information->later);
    mote_block_columns_close(memory, information->gathered);
    mote_memory_release(memory, information->ancestor);
    mote_memory_release(memory, (void *)information->previous);
    mote_memory_release(memory, information->columns);
    mote_resampler_close(&information->resampler);
    memset(information, 0, sizeof *information);
}

/* ---- resampling ---- */

static int asks_for_it(const mote_information *information)
{
    const mote_filter_setup *setup = &information->filter->setup;
    return setup->rule == MOTE_RULE_ALWAYS ||
           (setup->rule == MOTE_RULE_ESS &&
            information->effective_sample_size < setup->threshold * (double)setup->particles);
}

/* x_{t+1} becomes `later`, its parents are drawn and gathered. Returns the log of the sum of the weights they begin
 * with. */
static int resample(mote_information *information, const mote_source *source, int64_t step, double *log_sum)
{
    const int64_t n = information->filter->setup.particles, d = information->filter->space->model.state_count;
    const mote_block_weights weights = { information->weight, NULL, n, 0 };
    mote_source here = mote_source_at(source, MOTE_PURPOSE_RESAMPLE, (uint32_t)step, 0);
    const int resampled = asks_for_it(information);
    double **other = information->later;
    int status = MOTE_OK;
    information->later = information->state;
    information->state = other;
    *log_sum = resampled ? mote_log((double)n) : information->log_sum;
    for (int64_t i = 0; i < n; ++i)
        information->ancestor[i] = (int32_t)i;
    if (resampled)
        status = mote_resample(&information->resampler, &here, &weights, n, information->ancestor);
    information->resamplings += resampled;
    for (int64_t i = 0; i < n; ++i) {
        const int32_t a = information->ancestor[i];
        information->carried[i] = (resampled ? 0 : information->log_weight[i]) - information->log_artificial[a];
        for (int64_t k = 0; k < d; ++k)
            information->gathered[k][i] = information->later[k][a];
    }
    return status ? status : mote_source_status(&here);
}

/* ---- one block ---- */

static int of_callback(int status)
{
    return status > 0 ? MOTE_EMODEL : status;
}

/* to[i] += sign times a log-density of the block. */
static int add(mote_information *information, int (*density)(void *, const mote_block *), mote_block *block, double *to,
               double sign)
{
    block->log_weight = information->density;
    const int status = density(information->filter->space->model.ctx, block);
    for (int64_t i = 0; i < block->n; ++i)
        to[i] += sign * information->density[i];
    return of_callback(status);
}

/* Draws the states of a block, and what their law adds to the log-weights. */
static int propose(mote_information *information, mote_block *block, int observed, const mote_source *source,
                   double *log_weight)
{
    const mote_ssm *model = &information->filter->space->model;
    mote_source here = mote_source_at(source, MOTE_PURPOSE_INFORMATION, (uint32_t)block->step, block->first);
    const int guided = block->previous && model->propose_backward;
    const double *const *previous = block->previous;
    if (!guided)
        block->previous = NULL;
    int status = of_callback(guided ? model->propose_backward(model->ctx, block, &here)
                             : model->artificial(model->ctx, block, &here));
    if (!status && guided)
        status = add(information, model->log_propose_backward, block, log_weight, -1);
    block->previous = NULL;
    block->log_weight = information->log_artificial + block->first;
    if (!status)
        status = of_callback(model->log_artificial(model->ctx, block));
    for (int64_t i = 0; guided && i < block->n; ++i)
        log_weight[i] += block->log_weight[i];
    if (!status && observed)
        status = add(information, model->log_potential, block, log_weight, 1);
    block->previous = previous;
    return status ? status : mote_source_status(&here);
}

/* Log-densities of the transitions from the block's states to their parents. */
static int join(mote_information *information, const mote_block *block, const mote_generation *later,
                double *log_weight)
{
    const mote_state_space *space = information->filter->space;
    const mote_block pairs = mote_generation_block(later, information->filter, 0, block->n);
    for (int64_t k = 0; k < space->model.state_count; ++k) {
        information->previous[k] = information->state[k] + block->first;
        information->columns[k] = information->gathered[k] + block->first;
    }
    const int status = mote_backward_log_density(space, &pairs, block->n, information->previous, information->columns,
                                                 information->density, information->extra);
    for (int64_t i = 0; i < block->n; ++i)
        log_weight[i] += information->density[i];
    return of_callback(status);
}

static int step_block(mote_information *information, int64_t first, const mote_generation *g,
                      const mote_generation *later,
                      const mote_source *source)
{
    const int64_t n = information->filter->setup.particles, count = n - first < MOTE_BLOCK ? n - first : MOTE_BLOCK;
    double *log_weight = information->log_weight + first;
    mote_block block = mote_generation_block(g, information->filter, first, count);
    for (int64_t k = 0; k < information->filter->space->model.state_count; ++k) {
        information->columns[k] = information->state[k] + first;
        information->previous[k] = information->gathered[k] + first;
    }
    block.state = information->columns;
    block.previous = later ? information->previous : NULL;
    block.time_previous = later ? later->datum.time : block.time;
    for (int64_t i = 0; i < count; ++i)
        log_weight[i] = later ? information->carried[first + i] : 0;
    int status = propose(information, &block, g->datum.any != 0, source, log_weight);
    if (!status && later)
        status = join(information, &block, later, log_weight);
    for (int64_t i = 0; i < count && !status; ++i)
        status = log_weight[i] < INFINITY ? MOTE_OK : MOTE_EMODEL;
    return status;
}

/* ---- a step ---- */

int mote_information_step(mote_information *information, const mote_generation *g, const mote_generation *later,
                          const mote_source *source)
{
    const int64_t n = information->filter->setup.particles;
    double before = mote_log((double)n), square = 0;
    mote_message *message = information->filter->message;
    if (!later) {
        information->log_evidence = 0;
        information->resamplings = 0;
    }
    int status = later ? resample(information, source, later->step, &before) : MOTE_OK;
    for (int64_t first = 0; first < n && !status; first += MOTE_BLOCK)
        status = step_block(information, first, g, later, source);
    if (status == MOTE_EMODEL)
        return mote_fail(message, status, "the information filter at step %lld (time %g): a log-density or potential "
                         "is not a number below infinity, or a callback returned a code above 0", (long long)g->step,
                             g->datum.time);
    if (status)
        return status;
    information->log_sum = mote_normalise(information->weight, information->log_weight, n);
    for (int64_t i = 0; i < n; ++i)
        square += information->weight[i] * information->weight[i];
    information->effective_sample_size = square > 0 ? 1 / square : 0;
    information->log_evidence += information->log_sum - before;
    if (information->log_sum == -INFINITY)
        return mote_fail(message, MOTE_ENUMERIC, "the information filter at step %lld (time %g): all weights are zero",
                         (long long)g->step, g->datum.time);
    return MOTE_OK;
}

/* ---- checkpoints ---- */

void mote_information_save(const mote_information *information, mote_writer *writer)
{
    const int64_t n = information->filter->setup.particles;
    for (int64_t k = 0; k < information->filter->space->model.state_count; ++k)
        mote_put_reals(writer, information->state[k], n);
    mote_put_reals(writer, information->log_weight, n);
    mote_put_reals(writer, information->log_artificial, n);
    mote_put_reals(writer, information->weight, n);
    mote_put_real(writer, information->log_sum);
    mote_put_real(writer, information->log_evidence);
    mote_put_real(writer, information->effective_sample_size);
    mote_put_integer(writer, information->resamplings);
}

void mote_information_load(mote_information *information, mote_reader *reader)
{
    const int64_t n = information->filter->setup.particles;
    for (int64_t k = 0; k < information->filter->space->model.state_count; ++k)
        mote_get_reals(reader, information->state[k], n);
    mote_get_reals(reader, information->log_weight, n);
    mote_get_reals(reader, information->log_artificial, n);
    mote_get_reals(reader, information->weight, n);
    information->log_sum = mote_get_real(reader);
    information->log_evidence = mote_get_real(reader);
    information->effective_sample_size = mote_get_real(reader);
    information->resamplings = mote_get_count(reader, 0, MOTE_MOST_COUNT);
}
