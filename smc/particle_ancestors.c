/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a particle filter resamples, and from which weights.
 *
 * Auxiliary filter (Pitt and Shephard 1999; Johansen and Doucet 2008): ancestors from v proportional to W eta; their
 * children begin with log-weight log(W / v), and Lold = log N, so that exp(log Z) stays unbiased whatever eta is, as
 * long as eta > 0 wherever the particle has a future. Schemes whose offspring carry weights w (optimal): log w is
 * added, and Lold = 0. */
#include <math.h>

#include "core/vector.h"
#include "smc/particle_parts.h"

void mote_particle_filter_swap(mote_particle_filter *filter)
{
    mote_population *other = filter->now;
    filter->now = filter->before;
    filter->before = other;
}

static int asks_for_it(const mote_particle_filter *filter, double effective_sample_size)
{
    return filter->setup.rule == MOTE_RULE_ALWAYS ||
           (filter->setup.rule == MOTE_RULE_ESS &&
            effective_sample_size < filter->setup.threshold * (double)filter->setup.particles);
}

int mote_particle_filter_will_resample(const mote_particle_filter *filter)
{
    return filter->step && !filter->dead && (filter->setup.quasi ||
                                             asks_for_it(filter, filter->now->effective_sample_size));
}

/* Offspring carry weights of their own, which sum to one. */
static int is_weighted(const mote_particle_filter *filter)
{
    return (mote_resampling_flags(filter->setup.resampling) & MOTE_RESAMPLING_WEIGHTED) != 0;
}

/* The weights in the order of the curve; *k, a particle, becomes its place there. */
static void sort(mote_particle_filter *filter, const mote_population *from, mote_block_weights *weights, int64_t *k)
{
    mote_quasi *curve = &filter->quasi;
    int64_t place = *k;
    mote_quasi_sort(curve, filter->before->state);
    for (int64_t i = 0; i < filter->setup.particles; ++i) {
        const int64_t particle = curve->order[i];
        curve->cumulative[i] = from->weight[particle] * from->factor[particle / MOTE_BLOCK];
        place = particle == *k ? i : place;
    }
    *weights = (mote_block_weights){ curve->cumulative, NULL, filter->setup.particles, 0 };
    *k = place;
}

/* Ancestors in parts, which each block finds for itself (filter->in_parts): where nobody needs them all before. */
static int begin_parts(mote_particle_filter *filter, const mote_population *from, const mote_block_weights *weights,
                       mote_source *source)
{
    if (filter->reference.active || filter->setup.sorted || filter->space->model.fork || from != filter->before)
        return MOTE_EUNSUPPORTED;
    int status = mote_resample_begin(&filter->resampler, source, weights, filter->setup.particles, filter->drawn);
    filter->in_parts = !status;
    return status;
}

static int draw(mote_particle_filter *filter, const mote_population *from)
{
    const int64_t n = filter->setup.particles;
    mote_block_weights weights = { from->weight, from->factor, n, 1 };
    mote_source source = mote_source_at(&filter->source, MOTE_PURPOSE_ANCESTOR, (uint32_t)filter->step, 0);
    mote_filter_reference *reference = &filter->reference;
    int64_t k = reference->ancestor >= 0 ? reference->ancestor : reference->slot;
    int status;
    filter->drawn = filter->ancestor == filter->draws[0] ? filter->draws[1] : filter->draws[0];
    status = begin_parts(filter, from, &weights, &source);
    if (status != MOTE_EUNSUPPORTED)
        return status;
    if (filter->setup.sorted)
        sort(filter, from, &weights, &k);
    if (reference->active) {
        status = mote_resample_conditional(&filter->resampler, &source, &weights, n, k, filter->drawn,
                                           &reference->slot);
    } else if (is_weighted(filter)) {
        status = mote_resample_weighted(&filter->resampler, &source, &weights, n, filter->drawn, filter->offset);
        for (int64_t i = 0; i < n && !status; ++i)
            filter->offset[i] = mote_log(filter->offset[i]);
    } else {
        status = mote_resample(&filter->resampler, &source, &weights, n, filter->drawn);
    }
    for (int64_t i = 0; filter->setup.sorted && i < n && !status; ++i)
        filter->drawn[i] = (int32_t)filter->quasi.order[filter->drawn[i]];
    return status ? status : mote_source_status(&source);
}

/* log v of the present particles into the weights of the population to come, which are free until it is weighed. */
static int look_ahead(mote_particle_filter *filter)
{
    const mote_ssm *model = &filter->space->model;
    const int64_t n = filter->setup.particles;
    mote_population *tilted = filter->now;
    for (int64_t b = 0; b < mote_blocks(n); ++b) {
        const int64_t first = b * MOTE_BLOCK;
        mote_block block = mote_particle_filter_block(filter, first, n - first < MOTE_BLOCK ? n - first : MOTE_BLOCK);
        mote_filter_scratch *scratch = &filter->scratch[0];
        for (int64_t k = 0; k < model->state_count; ++k)
            scratch->previous[k] = filter->before->state[k] + first;
        block.previous = scratch->previous;
        block.log_weight = tilted->log_weight + first;
        const int status = model->look_ahead(model->ctx, &block);
        if (status)
            return status < 0 ? status : mote_fail(filter->message, MOTE_EMODEL,
                                                   "the model '%s': look_ahead returned a code above 0 "
                                                   "at step %lld (time %g)", mote_state_space_name(filter->space),
                                                   (long long)filter->step, filter->time);
        for (int64_t i = 0; i < block.n; ++i)
            block.log_weight[i] += filter->before->log_weight[first + i];
        if (mote_population_weigh_block(tilted, b, n))
            return mote_fail(filter->message, MOTE_EMODEL, "the model '%s': look_ahead gave a value that is not a "
                             "number below infinity at step %lld (time %g)", model->name ? model->name : "model",
                             (long long)filter->step, filter->time);
    }
    mote_population_combine(tilted, n);
    return MOTE_OK;
}

static int resample_tilted(mote_particle_filter *filter)
{
    const mote_population *before = filter->before, *tilted = filter->now;
    int status = look_ahead(filter);
    if (status)
        return status;
    filter->tilted = tilted->sum > 0;
    filter->resampled = asks_for_it(filter, filter->tilted ? tilted->effective_sample_size
                                    : before->effective_sample_size);
    if (filter->resampled)
        status = draw(filter, filter->tilted ? tilted : before);
    for (int64_t i = 0; filter->resampled && filter->tilted && !status && i < filter->setup.particles; ++i) {
        const int32_t a = filter->drawn[i];
        filter->offset[i] = (before->log_weight[a] - before->log_sum) - (tilted->log_weight[a] - tilted->log_sum) +
                            (is_weighted(filter) ? filter->offset[i] : 0);
    }
    return status;
}

/* The reference's first slot is as good as any other. */
static int first_slot(mote_particle_filter *filter)
{
    mote_source source = mote_source_at(&filter->source, MOTE_PURPOSE_ANCESTOR, 0, 0);
    filter->resampled = 0;
    filter->log_sum_before = mote_log((double)filter->setup.particles);
    if (filter->reference.active)
        filter->reference.slot = mote_choose(&source, NULL, filter->setup.particles);
    return mote_source_status(&source);
}

/* Points of the step, and at all but the first the ancestors by them. */
static int resample_quasi(mote_particle_filter *filter)
{
    mote_source source = mote_source_at(&filter->source, MOTE_PURPOSE_QUASI, (uint32_t)filter->step, 0);
    const mote_population *before = filter->now;
    filter->resampled = filter->step > 0;
    filter->log_sum_before = mote_log((double)filter->setup.particles);
    int status = mote_quasi_points(&filter->quasi, &source);
    if (!filter->step)
        return status;
    mote_particle_filter_swap(filter);
    filter->drawn = filter->ancestor == filter->draws[0] ? filter->draws[1] : filter->draws[0];
    mote_quasi_ancestors(&filter->quasi, before->state, before->weight, before->factor, filter->drawn);
    return status;
}

int mote_particle_filter_resample(mote_particle_filter *filter)
{
    int status = MOTE_OK;
    filter->tilted = filter->in_parts = 0;
    if (filter->setup.quasi)
        return resample_quasi(filter);
    if (!filter->step)
        return first_slot(filter);
    const int plain = mote_particle_filter_will_resample(filter);
    mote_particle_filter_swap(filter);
    filter->resampled = plain;
    if (filter->setup.look_ahead && filter->datum->any)
        status = resample_tilted(filter);
    else if (plain)
        status = draw(filter, filter->before);
    filter->log_sum_before = !filter->resampled ? filter->before->log_sum
                             : is_weighted(filter) ? 0 : mote_log((double)filter->setup.particles);
    filter->tilted |= filter->resampled && is_weighted(filter);
    return status;
}
