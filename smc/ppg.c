/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/ppg.h"

#include <math.h>
#include <string.h>

#include "smc/conditional.h"

/* ---- back-pointers ---- */

static int start(mote_collector *collector, mote_particle_filter *filter)
{
    (void)filter;
    mote_tree_clear(&((mote_ppg_sampler *)collector)->tree);
    return MOTE_OK;
}

static int reserve(mote_collector *collector, mote_particle_filter *filter)
{
    mote_ppg_sampler *p = (mote_ppg_sampler *)collector;
    return mote_tree_reserve(&p->tree) ? mote_fail(p->message, MOTE_ENOMEM, "no memory for the paths of %lld particles",
                                                   (long long)filter->setup.particles) : MOTE_OK;
}

static int collect(mote_collector *collector, mote_particle_filter *filter)
{
    mote_ppg_sampler *p = (mote_ppg_sampler *)collector;
    mote_tree_push(&p->tree, filter->step > 1 ? p->paris.chosen : NULL, (const double *const *)filter->now->state);
    return MOTE_OK;
}

static const mote_collector_table table = { .name = "back-pointers", .start = start, .reserve = reserve,
                                            .collect = collect };

/* ---- life ---- */

static int open_memory(mote_ppg_sampler *p)
{
    int missing = mote_datum_open(&p->datum, p->filter.space, p->memory) != MOTE_OK;
    missing |= !(p->weight = mote_memory_allocate(p->memory, p->filter.setup.particles, sizeof *p->weight));
    missing |= !(p->rolled = mote_memory_allocate(p->memory, p->times * p->d, sizeof *p->rolled));
    missing |= !(p->along = mote_memory_allocate(p->memory, p->count, sizeof *p->along));
    missing = missing || mote_tree_open(&p->tree, p->memory, p->filter.setup.particles, p->d) != MOTE_OK;
    return missing ? mote_fail(p->message, MOTE_ENOMEM, "no memory for a Parisian particle Gibbs sampler") : MOTE_OK;
}

int mote_ppg_sampler_open(mote_ppg_sampler *p, const mote_state_space *space, const mote_ppg_setup *setup,
                          const mote_memory *memory, mote_pool *pool, mote_message *message)
{
    const mote_paris_smoother_setup paris = { setup->backward, setup->functional, MOTE_ON_LINE_PARIS };
    memset(p, 0, sizeof *p);
    *p = (mote_ppg_sampler){ .collector.table = &table, .memory = memory, .message = message,
                             .times = space->series.count,
                             .d = space->model.state_count, .count = mote_functional_count(space, setup->functional),
                             .functional = setup->functional };
    int status = mote_conditional_check(space, &setup->filter, message);
    if (!status && setup->backward.draws < 1)
        status = mote_fail(message, MOTE_EOPTION,
                           "a Parisian particle Gibbs sampler draws at least one parent for each particle");
    if (!status)
        status = mote_particle_filter_open(&p->filter, space, &setup->filter, memory, pool, message);
    if (!status)
        status = mote_paris_smoother_open(&p->paris, &p->filter, &paris);
    if (!status)
        status = mote_path_model_open(&p->path, space, memory, message);
    if (!status)
        status = open_memory(p);
    if (status) {
        mote_ppg_sampler_close(p);
        return status;
    }
    mote_particle_filter_add(&p->filter, &p->paris.collector);
    mote_particle_filter_add(&p->filter, &p->collector);
    return MOTE_OK;
}

void mote_ppg_sampler_close(mote_ppg_sampler *p)
{
    if (!p->memory)
        return;
    mote_tree_close(&p->tree);
    mote_path_model_close(&p->path);
    mote_paris_smoother_close(&p->paris);
    mote_particle_filter_close(&p->filter);
    mote_datum_close(&p->datum, p->memory);
    mote_memory_release(p->memory, p->weight);
    mote_memory_release(p->memory, p->along);
    mote_memory_release(p->memory, p->rolled);
    memset(p, 0, sizeof *p);
}

/* ---- sweeps ---- */

int mote_ppg_sweep(mote_ppg_sampler *p, const double *theta, const mote_source *source, const double *path,
                   double *next)
{
    int32_t last;
    int status = mote_conditional_forwards(&p->filter, &p->datum, theta, source, path, NULL, NULL);
    if (!status)
        status = mote_conditional_last(&p->filter, p->weight, &last);
    if (status)
        return status;
    mote_tree_path(&p->tree, last, next);
    status = mote_path_model_set(&p->path, theta);
    return status ? status : mote_path_functional(&p->path, next, p->functional, p->along);
}

int mote_ppg_first(mote_ppg_sampler *p, const double *theta, const mote_source *source, double *path)
{
    return mote_ppg_sweep(p, theta, source, NULL, path);
}

int mote_ppg_roll_out(mote_ppg_sampler *p, const double *theta, const mote_source *source, int64_t k0, int64_t k,
                      double *path, double *mean)
{
    const size_t size = (size_t)(p->times * p->d) * sizeof *path;
    int status = MOTE_OK;
    memcpy(p->rolled, path, size);
    for (int64_t c = 0; c < p->count; ++c)
        mean[c] = 0;
    for (int64_t l = 0; l < k && !status; ++l) {
        mote_source sweep = *source;
        sweep.key = mote_source_child_key(source->key, MOTE_PURPOSE_FILTER, (uint64_t)l);
        status = mote_ppg_sweep(p, theta, &sweep, p->rolled, p->rolled);
        for (int64_t c = 0; c < p->count && l >= k0; ++c)
            mean[c] += p->paris.estimate[c] / (double)(k - k0);
    }
    if (!status)
        memcpy(path, p->rolled, size);
    return status;
}

double mote_batch_means_error(const double *value, int64_t stride, int64_t n)
{
    const int64_t batches = n < 4 ? 0 : (int64_t)sqrt((double)n), length = batches ? n / batches : 0;
    double mean = 0, square = 0;
    if (!batches)
        return NAN;
    for (int64_t i = 0; i < batches * length; ++i)
        mean += value[i * stride] / (double)(batches * length);
    for (int64_t b = 0; b < batches; ++b) {
        double sum = 0;
        for (int64_t i = 0; i < length; ++i)
            sum += value[(b * length + i) * stride] - mean;
        square += sum / (double)length * (sum / (double)length);
    }
    return sqrt(square / (double)(batches - 1) / (double)batches);
}
