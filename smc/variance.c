/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors from one run: see variance.h. */
#include "smc/variance.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/vector.h"

static mote_variance_value unavailable(void)
{
    return (mote_variance_value){ .value = NAN };
}

static int is_available(const mote_variance *variance, const mote_particle_filter *filter)
{
    return variance->n > 1 && filter->step && !filter->dead && !filter->setup.quasi;
}

/* ---- sums by ancestor ---- */

/* Sums of weights are whole numbers, W 2^62 cut down, so that threads may add in any order. */
typedef struct weighing {
    const mote_variance *variance;
    const mote_population *population;
    const int32_t *index;
} weighing;

static void add_weight(const mote_variance *variance, int32_t e, int64_t weight)
{
    _Atomic int64_t *sum = &variance->mass[e];
    if (variance->lineage.pool)
        atomic_fetch_add_explicit(sum, weight, memory_order_relaxed);
    else
        atomic_store_explicit(sum, atomic_load_explicit(sum, memory_order_relaxed) + weight, memory_order_relaxed);
}

/* With threads, siblings that stand side by side are added at once: fewer locked additions. */
static void add_weights(void *ctx, int64_t b, int64_t thread)
{
    const weighing *w = ctx;
    const int64_t n = w->variance->n, first = b * MOTE_BLOCK, end = first + MOTE_BLOCK < n ? first + MOTE_BLOCK : n;
    const double scale = w->population->factor[b] / w->population->sum * 0x1p62;
    const double *weight = w->population->weight;
    int32_t e = w->index[first];
    int64_t run = 0;
    (void)thread;
    for (int64_t i = first; !w->variance->lineage.pool && i < end; ++i)
        add_weight(w->variance, w->index[i], (int64_t)(weight[i] * scale));
    for (int64_t i = first; w->variance->lineage.pool && i < end; ++i) {
        if (w->index[i] != e) {
            add_weight(w->variance, e, run);
            e = w->index[i];
            run = 0;
        }
        run += (int64_t)(weight[i] * scale);
    }
    add_weight(w->variance, e, run);
}

static void clear_masses(void *ctx, int64_t b, int64_t thread)
{
    const mote_variance *variance = ((const weighing *)ctx)->variance;
    const int64_t first = b * MOTE_BLOCK, end = first + MOTE_BLOCK < variance->n ? first + MOTE_BLOCK : variance->n;
    (void)thread;
    for (int64_t e = first; e < end; ++e)
        atomic_store_explicit(&variance->mass[e], 0, memory_order_relaxed);
}

static void square_masses(void *ctx, int64_t b, int64_t thread)
{
    const mote_variance *variance = ((const weighing *)ctx)->variance;
    const int64_t first = b * MOTE_BLOCK, end = first + MOTE_BLOCK < variance->n ? first + MOTE_BLOCK : variance->n;
    double total = 0;
    int64_t count = 0;
    (void)thread;
    for (int64_t e = first; e < end; ++e) {
        const double mass = (double)atomic_load_explicit(&variance->mass[e], memory_order_relaxed) * 0x1p-62;
        total += mass * mass;
        count += mass > 0;
    }
    variance->square[b] = total;
    variance->count[b] = count;
}

static void for_blocks(const mote_variance *variance, void (*work)(void *, int64_t, int64_t), weighing *w)
{
    const int64_t blocks = mote_blocks(variance->n);
    if (variance->lineage.pool && blocks >= 64)
        mote_pool_run(variance->lineage.pool, work, w, blocks);
    else
        for (int64_t b = 0; b < blocks; ++b)
            work(w, b, 0);
}

/* sum_e (sum_{i: index[i] = e} W^i)^2; *ancestors becomes the number of e with weight, if that is less. */
static double sum_of_squares(const mote_variance *variance, const mote_population *population, const int32_t *index,
                             int64_t *ancestors)
{
    weighing w = { variance, population, index };
    double total = 0;
    int64_t count = 0;
    for_blocks(variance, clear_masses, &w);
    for_blocks(variance, add_weights, &w);
    for_blocks(variance, square_masses, &w);
    for (int64_t b = 0; b < mote_blocks(variance->n); ++b) {
        total += variance->square[b];
        count += variance->count[b];
    }
    *ancestors = count < *ancestors ? count : *ancestors;
    return total;
}

/* sum_e (sum_{i: index[i] = e} W^i (column[i] - centre))^2 */
static double sum_by_ancestor(const mote_variance *variance, const mote_population *population, const int32_t *index,
                              const double *column, double centre)
{
    double *sum = variance->sum, total = 0;
    memset(sum, 0, (size_t)variance->n * sizeof *sum);
    for (int64_t i = 0; i < variance->n; ++i) {
        const double weight = mote_population_weight(population, i);
        sum[index[i]] += weight > 0 ? weight * (column[i] - centre) : 0;
    }
    for (int64_t e = 0; e < variance->n; ++e)
        total += sum[e] * sum[e];
    return total;
}

static void own_index(const mote_variance *variance)
{
    for (int64_t i = 0; i < variance->n; ++i)
        variance->index[i] = (int32_t)i;
}

/* -log(1 - h) from C at a generation and at the next one; infinite when all weight has one ancestor. */
static double term(double at, double next)
{
    const double left = (1 - at) / (1 - next);
    return left > 0 ? -mote_log(left) : INFINITY;
}

/* ---- the collector ---- */

/* The generation `lag` events before the one that just ended has its last say. */
static void close_generation(mote_variance *variance, const mote_population *ended)
{
    int64_t ancestors = variance->fewest, unused = variance->n;
    mote_lineage_oldest(&variance->lineage, variance->index);
    const double at = sum_of_squares(variance, ended, variance->index, &ancestors);
    mote_lineage_second(&variance->lineage, variance->index);
    const double next = sum_of_squares(variance, ended, variance->index, &unused);
    variance->fewest = ancestors;
    if (ancestors > 1)
        variance->closed += term(at, next);
}

static int variance_start(mote_collector *collector, mote_particle_filter *filter)
{
    mote_variance *variance = (mote_variance *)collector;
    (void)filter;
    mote_lineage_clear(&variance->lineage);
    variance->generation = 0;
    variance->closed = 0;
    variance->fewest = variance->n;
    for (int64_t i = 0; variance->eve && i < variance->n; ++i)
        variance->eve[i] = (int32_t)i;
    return MOTE_OK;
}

static int variance_reserve(mote_collector *collector, mote_particle_filter *filter)
{
    mote_variance *variance = (mote_variance *)collector;
    const int status = filter->step ? mote_lineage_reserve(&variance->lineage) : MOTE_OK;
    return status ? mote_fail(filter->message, status, "no memory for the ancestors of step %lld that the error of log "
                              "Z needs (option variance = off does without)", (long long)filter->step) : MOTE_OK;
}

static int variance_collect(mote_collector *collector, mote_particle_filter *filter)
{
    mote_variance *variance = (mote_variance *)collector;
    if (!filter->resampled)
        return MOTE_OK;
    if (variance->lineage.count == variance->lineage.lag)
        close_generation(variance, filter->before);
    mote_lineage_push(&variance->lineage, filter->ancestor);
    ++variance->generation;
    for (int64_t i = 0; variance->eve && i < variance->n; ++i)
        variance->index[i] = variance->eve[filter->ancestor[i]];
    if (variance->eve) {
        int32_t *other = variance->eve;
        variance->eve = variance->index;
        variance->index = other;
    }
    return MOTE_OK;
}

static void variance_save(const mote_collector *collector, mote_writer *writer)
{
    const mote_variance *variance = (const mote_variance *)collector;
    mote_put_integer(writer, variance->generation);
    mote_put_real(writer, variance->closed);
    mote_put_integer(writer, variance->fewest);
    mote_lineage_save(&variance->lineage, writer);
    if (variance->eve)
        mote_put_indices(writer, variance->eve, variance->n);
}

static int variance_load(mote_collector *collector, mote_reader *reader)
{
    mote_variance *variance = (mote_variance *)collector;
    variance->generation = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    variance->closed = mote_get_real(reader);
    variance->fewest = mote_get_count(reader, 0, variance->n);
    const int status = mote_lineage_load(&variance->lineage, reader);
    if (!status && variance->eve)
        mote_get_indices(reader, variance->eve, variance->n, variance->n);
    return status ? status : reader->status;
}

static const mote_collector_table table = {
    .name = "variance",
    .start = variance_start,
    .reserve = variance_reserve,
    .collect = variance_collect,
    .save = variance_save,
    .load = variance_load,
};

int mote_variance_open(mote_variance *variance, mote_particle_filter *filter, int64_t lag, int64_t eves,
                       const mote_memory *memory)
{
    const int64_t n = filter->setup.particles;
    memset(variance, 0, sizeof *variance);
    variance->collector.table = &table;
    variance->memory = memory;
    variance->n = n;
    variance->multinomial = filter->setup.resampling == MOTE_RESAMPLE_MULTINOMIAL;
    variance->index = mote_memory_allocate(memory, n, sizeof *variance->index);
    variance->sum = mote_memory_allocate(memory, n, sizeof *variance->sum);
    variance->eve = eves ? mote_memory_allocate(memory, n, sizeof *variance->eve) : NULL;
    variance->mass = mote_memory_allocate(memory, n, sizeof *variance->mass);
    variance->square = mote_memory_allocate(memory, mote_blocks(n), sizeof *variance->square);
    variance->count = mote_memory_allocate(memory, mote_blocks(n), sizeof *variance->count);
    int missing = !variance->index || !variance->sum || !variance->mass || !variance->square || !variance->count;
    int status = missing || (eves && !variance->eve) ? MOTE_ENOMEM : mote_lineage_open(&variance->lineage, memory, n,
                                                                                       lag);
    if (!status)
        variance->lineage.pool = filter->pool;
    if (status)
        mote_variance_close(variance);
    else
        mote_particle_filter_add(filter, &variance->collector);
    return status;
}

void mote_variance_close(mote_variance *variance)
{
    if (!variance->memory)
        return;
    mote_lineage_close(&variance->lineage);
    void *blocks[] = { variance->eve, variance->index, variance->sum, variance->mass, variance->square,
                       variance->count };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(variance->memory, blocks[i]);
    memset(variance, 0, sizeof *variance);
}

/* ---- values ---- */

mote_variance_value mote_variance_evidence(const mote_variance *variance, const mote_particle_filter *filter)
{
    const double n = (double)variance->n;
    mote_variance_value v = { .value = variance->closed, .ancestors = variance->fewest };
    double next = 0;
    if (!is_available(variance, filter))
        return unavailable();
    own_index(variance);
    for (int64_t k = 0; k <= variance->lineage.count; ++k) { /* generation n_r - k, and all with u = n_r */
        if (k)
            mote_lineage_back(&variance->lineage, k, variance->index);
        const double at = sum_of_squares(variance, filter->now, variance->index, &v.ancestors);
        v.value += v.ancestors > 1 ? term(at, next) : 0;
        next = at;
    }
    if (v.ancestors <= 1)
        v.value = INFINITY;
    v.value -= variance->multinomial ? (double)(variance->generation + 1) * mote_log(n / (n - 1)) : 1 / n;
    v.reliable = v.ancestors > 1 && v.value >= 0 && v.value <= 1;
    return v;
}

static mote_variance_value mean_by_index(const mote_variance *variance, const mote_particle_filter *filter,
                                         const double *column, const int32_t *index)
{
    mote_variance_value v = { .ancestors = variance->n };
    const double centre = mote_population_mean(filter->now, column, variance->n);
    sum_of_squares(variance, filter->now, index, &v.ancestors);
    v.value = sum_by_ancestor(variance, filter->now, index, column, centre);
    v.reliable = v.ancestors > 1;
    return v;
}

mote_variance_value mote_variance_mean(const mote_variance *variance, const mote_particle_filter *filter,
                                       const double *column, int64_t lag)
{
    if (!is_available(variance, filter))
        return unavailable();
    if (lag >= variance->lineage.count) {
        mote_lineage_oldest(&variance->lineage, variance->index);
    } else {
        own_index(variance);
        for (int64_t k = 1; k <= lag; ++k)
            mote_lineage_back(&variance->lineage, k, variance->index);
    }
    return mean_by_index(variance, filter, column, variance->index);
}

/* Ancestors at time 0; NULL when they were not followed. */
static const int32_t *eves(const mote_variance *variance)
{
    if (variance->eve)
        return variance->eve;
    if (variance->lineage.count < variance->generation)
        return NULL;
    mote_lineage_oldest(&variance->lineage, variance->index);
    return variance->index;
}

static double correction(const mote_variance *variance)
{
    const double n = (double)variance->n;
    return mote_exp((double)(variance->generation + 1) * mote_log(n / (n - 1)));
}

mote_variance_value mote_variance_evidence_eve(const mote_variance *variance, const mote_particle_filter *filter)
{
    const int32_t *index = is_available(variance, filter) ? eves(variance) : NULL;
    mote_variance_value v = { .ancestors = variance->n };
    if (!index)
        return unavailable();
    v.value = 1 - correction(variance) * (1 - sum_of_squares(variance, filter->now, index, &v.ancestors));
    v.reliable = v.ancestors > 1 && v.value >= 0;
    return v;
}

mote_variance_value mote_variance_mean_eve(const mote_variance *variance, const mote_particle_filter *filter,
                                           const double *column, int64_t factor)
{
    const int32_t *index = is_available(variance, filter) ? eves(variance) : NULL;
    if (!index)
        return unavailable();
    mote_variance_value v = mean_by_index(variance, filter, column, index);
    v.value *= factor ? correction(variance) : 1;
    return v;
}
