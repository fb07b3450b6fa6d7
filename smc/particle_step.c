/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One step of the particle filter. Blocks of MOTE_BLOCK slots are independent: each gathers its parents, moves them,
 * weighs them, and leaves its largest log-weight and its sum, so that one sweep over memory is enough; a fixed-order
 * combination of the blocks follows. Nothing depends on who works on which block. */
#include <math.h>
#include <string.h>

#include "core/vector.h"
#include "smc/particle_parts.h"

static const char *model_name(const mote_particle_filter *filter)
{
    return filter->space->model.name ? filter->space->model.name : "model";
}

/* ---- weights ---- */

int64_t mote_population_weigh_block(mote_population *population, int64_t block, int64_t n)
{
    const mote_vector_table *vector = mote_vector();
    const int64_t first = block * MOTE_BLOCK, count = n - first < MOTE_BLOCK ? n - first : MOTE_BLOCK;
    double *weight = population->weight + first;
    const int64_t failed = vector->weigh(weight, population->log_weight + first, count,
                                         &population->block_maximum[block], &population->block_sum[block]);
    population->block_square[block] = vector->product(weight, weight, count);
    return failed;
}

void mote_population_combine(mote_population *population, int64_t n)
{
    const int64_t blocks = mote_blocks(n);
    double sum = 0, square = 0, maximum = -INFINITY;
    for (int64_t b = 0; b < blocks; ++b)
        maximum = population->block_maximum[b] > maximum ? population->block_maximum[b] : maximum;
    for (int64_t b = 0; b < blocks; ++b) {
        const double factor = maximum > -INFINITY ? mote_exp(population->block_maximum[b] - maximum) : 0;
        population->factor[b] = factor;
        sum += population->block_sum[b] * factor;
        square += population->block_square[b] * factor * factor;
    }
    population->maximum = maximum;
    population->sum = sum;
    population->log_sum = maximum > -INFINITY ? maximum + mote_log(sum) : -INFINITY;
    population->effective_sample_size = sum > 0 ? sum * sum / square : 0;
}

int64_t mote_population_weigh(mote_population *population, int64_t n)
{
    int64_t failed = 0;
    for (int64_t b = 0; b < mote_blocks(n); ++b)
        failed += mote_population_weigh_block(population, b, n);
    mote_population_combine(population, n);
    return failed;
}

double mote_population_mean(const mote_population *population, const double *column, int64_t n)
{
    const mote_vector_table *vector = mote_vector();
    double sum = 0;
    for (int64_t b = 0; b < mote_blocks(n); ++b) {
        const int64_t first = b * MOTE_BLOCK, count = n - first < MOTE_BLOCK ? n - first : MOTE_BLOCK;
        if (population->factor[b] > 0)
            sum += vector->product(population->weight + first, column + first, count) * population->factor[b];
    }
    return population->sum > 0 ? sum / population->sum : NAN;
}

/* ---- what a block does ---- */

mote_block mote_particle_filter_block(const mote_particle_filter *filter, int64_t first, int64_t n)
{
    mote_block block = { MOTE_VERSIONED(mote_block), .n = n, .first = first, .step = filter->step, .time = filter->time,
                         .time_previous = filter->time_previous, .parameter = filter->parameter,
                         .cache = filter->cache };
    const mote_datum *datum = filter->datum;
    if (filter->space->model.input_count)
        block.input = datum->input;
    if (datum->any && filter->space->model.observation_count) {
        block.observation = datum->values;
        block.observed = datum->observed;
    }
    return block;
}

/* Columns of the parents of slots first..first + n - 1: where they stand, or gathered. */
static const double *const *parents(mote_particle_filter *filter, mote_filter_scratch *scratch, int64_t first,
                                    int64_t n)
{
    const int32_t *ancestor = filter->drawn + first;
    if (filter->in_parts)
        mote_resample_slots(&filter->resampler, first, n, scratch->edges);
    for (int64_t k = 0; k < filter->space->model.state_count; ++k) {
        const double *column = filter->before->state[k];
        double *gathered = scratch->gathered[k];
        scratch->previous[k] = filter->resampled ? gathered : column + first;
        for (int64_t i = 0; filter->resampled && i < n; ++i)
            gathered[i] = column[ancestor[i]];
    }
    return scratch->previous;
}

/* A callback's answer: codes above zero have no meaning of their own. */
static int of_callback(int status)
{
    return status > 0 ? MOTE_EMODEL : status;
}

/* The block's uniforms of a net, as a map takes them. */
static int mutate_quasi(mote_particle_filter *filter, const mote_filter_scratch *scratch, mote_block *block,
                        int (*map)(void *, const mote_block *, const double *const *))
{
    for (int64_t k = 0; k < filter->space->model.state_count; ++k)
        scratch->uniform[k] = filter->quasi.uniform[k] + block->first;
    return of_callback(map(filter->space->model.ctx, block, scratch->uniform));
}

static int mutate_first(mote_particle_filter *filter, const mote_filter_scratch *scratch, mote_block *block)
{
    const mote_ssm *model = &filter->space->model;
    const int before = (model->flags & MOTE_SSM_START_BEFORE) != 0;
    const int guided = filter->setup.guided && filter->datum->any && model->propose_initial && !before;
    mote_source source = mote_source_at(&filter->source, MOTE_PURPOSE_INITIAL, 0, block->first);
    if (filter->setup.quasi)
        return mutate_quasi(filter, scratch, block, model->initial_map);
    int status = guided ? model->propose_initial(model->ctx, block, &source) : model->initial(model->ctx, block,
                                                                                              &source);
    return status ? of_callback(status) : mote_source_status(&source);
}

static int mutate(mote_particle_filter *filter, const mote_filter_scratch *scratch, mote_block *block)
{
    const mote_ssm *model = &filter->space->model;
    const int guided = filter->setup.guided && filter->datum->any;
    mote_source source = mote_source_at(&filter->source, MOTE_PURPOSE_TRANSITION, (uint32_t)filter->step, block->first);
    if (filter->setup.quasi)
        return mutate_quasi(filter, scratch, block, model->transition_map);
    int status = guided ? model->propose(model->ctx, block, &source) : model->transition(model->ctx, block, &source);
    return status ? of_callback(status) : mote_source_status(&source);
}

/* The first population: from the initial law, and where that holds earlier on to the first observation. */
static int begin_block(mote_particle_filter *filter, mote_filter_scratch *scratch, mote_block *block)
{
    int status = mutate_first(filter, scratch, block);
    if (!status && filter->space->model.fork)
        filter->handles = block->state[0];
    if (status || !(filter->space->model.flags & MOTE_SSM_START_BEFORE))
        return status;
    for (int64_t k = 0; k < filter->space->model.state_count; ++k) {
        memcpy(scratch->gathered[k], block->state[k], (size_t)block->n * sizeof(double));
        scratch->previous[k] = scratch->gathered[k];
    }
    block->previous = scratch->previous;
    return mutate(filter, scratch, block);
}

/* The reference's slot gets the reference's state, whatever was drawn there. */
static void keep_reference(const mote_particle_filter *filter, const mote_block *block)
{
    const int64_t i = filter->reference.slot - block->first;
    if (!filter->reference.active || i < 0 || i >= block->n)
        return;
    for (int64_t k = 0; k < filter->space->model.state_count; ++k)
        block->state[k][i] = filter->reference.state[k];
}

static int add_density(int (*density)(void *, const mote_block *), void *ctx, mote_block *block, double *to,
                       double *scratch, double sign)
{
    block->log_weight = scratch;
    int status = density(ctx, block);
    for (int64_t i = 0; i < block->n; ++i)
        to[i] += sign * scratch[i];
    return of_callback(status);
}

/* log G, of a guided filter log (G m / q), into the scratch's first column. */
static int weigh_proposal(mote_particle_filter *filter, mote_filter_scratch *scratch, mote_block *block)
{
    const mote_ssm *model = &filter->space->model;
    double *increment = scratch->increment[0], *density = scratch->increment[1];
    block->log_weight = increment;
    int status = model->log_potential(model->ctx, block);
    if (status || !filter->setup.guided || (!block->previous && !model->propose_initial))
        return of_callback(status);
    status = add_density(block->previous ? model->log_transition : model->log_initial, model->ctx, block, increment,
                         density, 1);
    return status ? status : add_density(block->previous ? model->log_propose : model->log_propose_initial, model->ctx,
                                         block, increment, density, -1);
}

/* New log-weights of the block: what the particles carry, plus the potential. */
static void accumulate(const mote_particle_filter *filter, const mote_filter_scratch *scratch, const mote_block *block)
{
    const double *increment = scratch->increment[0], *carried = NULL;
    double *log_weight = filter->now->log_weight + block->first;
    if (filter->step && (!filter->resampled || filter->tilted))
        carried = (filter->resampled ? filter->offset : filter->before->log_weight) + block->first;
    for (int64_t i = 0; carried && i < block->n; ++i)
        log_weight[i] = filter->datum->any ? carried[i] + increment[i] : carried[i];
    for (int64_t i = 0; !carried && i < block->n; ++i)
        log_weight[i] = filter->datum->any ? increment[i] : 0;
}

/* Potentials that are no numbers become zero. */
static void forgive(double *log_weight, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        if (!(log_weight[i] < INFINITY))
            log_weight[i] = -INFINITY;
}

/* Weights of the block's log-weights, in their own blocks. */
static void settle(mote_particle_filter *filter, const mote_block *block)
{
    const int64_t n = filter->setup.particles;
    for (int64_t first = block->first; first < block->first + block->n; first += MOTE_BLOCK) {
        const int64_t b = first / MOTE_BLOCK, count = n - first < MOTE_BLOCK ? n - first : MOTE_BLOCK;
        double *log_weight = filter->now->log_weight + first;
        int64_t failed = mote_population_weigh_block(filter->now, b, n), i = 0;
        if (failed && filter->setup.failed_is_zero) {
            forgive(log_weight, count);
            failed = mote_population_weigh_block(filter->now, b, n);
        }
        if (!failed)
            continue;
        while (log_weight[i] < INFINITY)
            ++i;
        filter->block_status[b] = MOTE_EMODEL;
        filter->block_failed[b] = first + i;
    }
}

/* Opaque states: the new particles' handles, forked or moved over. */
static int hand_over(mote_particle_filter *filter, const mote_block *block)
{
    const mote_ssm *model = &filter->space->model;
    mote_block whole = *block;
    whole.previous = (const double *const *)filter->before->state;
    filter->handles = NULL;
    const int status = filter->resampled ? of_callback(model->fork(model->ctx, &whole, filter->drawn)) : MOTE_OK;
    for (int64_t k = 0; !filter->resampled && k < model->state_count; ++k)
        memcpy(block->state[k], filter->before->state[k], (size_t)block->n * sizeof(double));
    filter->handles = status ? NULL : block->state[0];
    return status;
}

/* Particles that callbacks see at once. */
static int64_t span(const mote_particle_filter *filter)
{
    return filter->space->model.fork ? filter->setup.particles : MOTE_BLOCK;
}

static void step_block(void *ctx, int64_t b, int64_t thread)
{
    mote_particle_filter *filter = ctx;
    mote_filter_scratch *scratch = &filter->scratch[thread];
    const int64_t first = b * span(filter), left = filter->setup.particles - first;
    mote_block block = mote_particle_filter_block(filter, first, left < span(filter) ? left : span(filter));
    for (int64_t k = 0; k < filter->space->model.state_count; ++k)
        scratch->state[k] = filter->now->state[k] + first;
    block.state = scratch->state;
    int status = MOTE_OK;
    if (filter->step && filter->space->model.fork)
        status = hand_over(filter, &block);
    else if (filter->step)
        block.previous = parents(filter, scratch, first, block.n);
    if (!status)
        status = filter->step ? mutate(filter, scratch, &block) : begin_block(filter, scratch, &block);
    if (!status) {
        keep_reference(filter, &block);
        status = filter->datum->any ? weigh_proposal(filter, scratch, &block) : MOTE_OK;
    }
    if (status) {
        filter->block_status[b] = status;
        return;
    }
    accumulate(filter, scratch, &block);
    settle(filter, &block);
}

/* ---- the step ---- */

/* A callback that was handed this block asked to stop. */
static int explain_stop(const mote_particle_filter *filter, int64_t block, int status)
{
    const int64_t first = block * span(filter), end = first + span(filter), n = filter->setup.particles;
    return mote_fail(filter->message, status, "the model '%s' asked to stop with code %d at step %lld (time %g), "
                     "particles %lld to %lld",
                     model_name(filter), status, (long long)filter->step, filter->time, (long long)first,
                     (long long)(end < n ? end : n) - 1);
}

/* Value of one density at particle `at` of the block; NaN where the model did not answer. */
static double value_of(int (*density)(void *, const mote_block *), void *ctx, mote_block *block, double *scratch,
                       int64_t at)
{
    block->log_weight = scratch;
    return density(ctx, block) ? NAN : scratch[at];
}

/* What of log (G m / q) is no number: the densities of a guided filter are asked once more for the particle's block. */
static const char *culprit(mote_particle_filter *filter, int64_t particle)
{
    const mote_ssm *model = &filter->space->model;
    mote_filter_scratch *scratch = filter->scratch;
    const int64_t first = particle / MOTE_BLOCK * MOTE_BLOCK, left = filter->setup.particles - first,
        at = particle - first;
    mote_block block = mote_particle_filter_block(filter, first, left < MOTE_BLOCK ? left : MOTE_BLOCK);
    double *value = scratch->increment[0];
    const int later = filter->step > 0;
    if (!filter->setup.guided || model->fork || (!later && !model->propose_initial))
        return "the log-potential";
    if (!filter->datum->any) /* the potential has not been asked */
        return later ? "log_transition or log_propose" : "log_initial or log_propose_initial";
    if (!later && model->flags & MOTE_SSM_START_BEFORE) /* where the particle came from was not kept */
        return "the log-weight (log_potential + log_transition - log_propose)";
    for (int64_t k = 0; k < model->state_count; ++k)
        scratch->state[k] = filter->now->state[k] + first;
    block.state = scratch->state;
    block.previous = later ? parents(filter, scratch, first, block.n) : NULL;
    if (!(value_of(model->log_potential, model->ctx, &block, value, at) < INFINITY))
        return "the log-potential";
    if (!(value_of(later ? model->log_transition : model->log_initial, model->ctx, &block, value, at) < INFINITY))
        return later ? "log_transition" : "log_initial";
    return later ? "log_propose" : "log_propose_initial"; /* -inf, too: where it drew it has a density */
}

static int explain(mote_particle_filter *filter)
{
    for (int64_t b = 0; b < mote_blocks(filter->setup.particles); ++b) {
        const int status = (int)filter->block_status[b];
        if (status == MOTE_EMODEL && filter->block_failed[b] >= 0)
            return mote_fail(filter->message, status, "the model '%s': %s of particle %lld at step %lld (time %g) is "
                             "not a number below infinity",
                             model_name(filter), culprit(filter, filter->block_failed[b]),
                             (long long)filter->block_failed[b], (long long)filter->step, filter->time);
        if (status == MOTE_EMODEL)
            return mote_fail(filter->message, status, "the model '%s': a callback returned a code above 0 at step %lld "
                             "(time %g); 0 is success, codes below 0 stop the run", model_name(filter),
                             (long long)filter->step, filter->time);
        if (status < 0)
            return explain_stop(filter, b, status);
        if (status)
            return mote_fail(filter->message, status, "the model '%s', step %lld (time %g): %s", model_name(filter),
                             (long long)filter->step, filter->time, mote_strerror(status));
    }
    return MOTE_OK;
}

static int reserve(mote_particle_filter *filter)
{
    int status = MOTE_OK;
    for (mote_collector *c = filter->collectors; c && !status; c = c->next)
        status = c->table->reserve ? c->table->reserve(c, filter) : MOTE_OK;
    return status;
}

/* Collectors in their order, up to the one that fails: *failed. */
static int collect(mote_particle_filter *filter, const mote_collector **failed)
{
    int status = MOTE_OK;
    for (mote_collector *c = filter->collectors; c && !status; c = c->next) {
        *failed = c;
        status = c->table->collect ? c->table->collect(c, filter) : MOTE_OK;
    }
    return status;
}

/* Moves and weighs all blocks: on the pool when there are enough to share. Neighbours share parents, and each thread
 * has written what stands in its own part. */
static int move(mote_particle_filter *filter)
{
    const int64_t blocks = (filter->setup.particles + span(filter) - 1) / span(filter);
    for (int64_t b = 0; b < mote_blocks(filter->setup.particles); ++b) {
        filter->block_status[b] = MOTE_OK;
        filter->block_failed[b] = -1;
    }
    if (filter->pool && blocks >= 8)
        mote_pool_run_near(filter->pool, step_block, filter, blocks);
    else
        for (int64_t b = 0; b < blocks; ++b)
            step_block(filter, b, 0);
    return explain(filter);
}

static void conclude(mote_particle_filter *filter)
{
    mote_population_combine(filter->now, filter->setup.particles);
    filter->ancestor = filter->resampled ? filter->drawn : filter->identity;
    filter->resamplings += filter->resampled;
    filter->potentials += filter->datum->any ? filter->setup.particles : 0;
    filter->increment = filter->datum->any ? filter->now->log_sum - filter->log_sum_before : 0;
    filter->log_evidence += filter->increment;
    if (filter->now->log_sum == -INFINITY)
        filter->dead = filter->step + 1;
    ++filter->step;
}

/* What a step changes besides the populations, as it was before. */
typedef struct step_mark {
    int64_t step, resampled, resamplings, dead, potentials, slot;
    double time, time_previous, log_evidence, increment;
    const int32_t *ancestor;
} step_mark;

static step_mark mark(const mote_particle_filter *filter)
{
    return (step_mark){ filter->step, filter->resampled, filter->resamplings, filter->dead, filter->potentials,
                        filter->reference.slot, filter->time, filter->time_previous, filter->log_evidence,
                        filter->increment, filter->ancestor };
}

/* Takes the step back: the population of the step before is the present one again. */
static void take_back(mote_particle_filter *filter, const step_mark *before)
{
    if (before->step)
        mote_particle_filter_swap(filter);
    filter->step = before->step;
    filter->resampled = before->resampled;
    filter->resamplings = before->resamplings;
    filter->dead = before->dead;
    filter->potentials = before->potentials;
    filter->reference.slot = before->slot;
    filter->time = before->time;
    filter->time_previous = before->time_previous;
    filter->log_evidence = before->log_evidence;
    filter->increment = before->increment;
    filter->ancestor = before->ancestor;
}

int mote_particle_filter_step(mote_particle_filter *filter, const mote_datum *datum)
{
    const step_mark before = mark(filter);
    const mote_collector *failed = NULL;
    if (filter->dead) {
        ++filter->step;
        return MOTE_OK;
    }
    int status = reserve(filter);
    if (status)
        return status;
    filter->datum = datum;
    filter->time_previous = filter->step || filter->space->model.flags & MOTE_SSM_START_BEFORE ? filter->time
                                                                                               : datum->time;
    filter->time = datum->time;
    status = mote_particle_filter_resample(filter);
    if (!status)
        status = move(filter);
    if (!status) {
        conclude(filter);
        status = collect(filter, &failed);
    }
    if (status && (!failed || (failed->table->takes_back && failed == filter->collectors)))
        take_back(filter, &before);
    return status;
}
