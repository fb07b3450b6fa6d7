/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads of single points, live counts from births, and the bootstrap over threads (Higson et al. 2018, Bayesian
 * Analysis 13, 873, section 4, with the recount of this file; nested/evidence.h has the interface).
 *
 *     n_i = #{j : birth_j < L_i <= L_j} - ties already removed = #{j : birth_j < L_i} - i        (i counted from 0)
 *     thread: a point born at a contour continues the thread that died last at or below it; without one it opens one
 *     bootstrap: threads drawn with replacement, those from the prior and later ones apart; n_i recounted; log t_i at
 *                its mean -1/n_i in every replicate
 *
 * Resampled threads already carry the variance of the volumes: drawing t as well counts it twice (5-D Gaussian, n 100:
 * true sd .260, threads at mean t .248, threads with drawn t .355). Copies of one thread die one after the other, n,
 * n - 1, ...; a replicate has no copy of some deaths, over which the volume does not shrink, so the heights of the
 * whole run serve every replicate.
 * Known answer: with one thread every replicate is the run itself and the error is 0. */
#include <math.h>
#include <mote/draws.h>

#include "core/vector.h"
#include "nested/volumes.h"

int mote_evidence_recount(const double *log_likelihood, const double *birth, const double *from_prior, int64_t n,
                          const mote_memory *memory, double *live_count)
{
    mote_births births;
    int status = mote_births_open(&births, birth, from_prior, n, memory);
    for (int64_t i = 0, born = 0; i < n && !status; ++i) {
        while (born < births.later && birth[births.index[born]] < log_likelihood[i])
            ++born;
        live_count[i] = (double)(births.prior + born - i);
    }
    mote_births_close(&births, memory);
    return status;
}

/* Births in order of contour against deaths in order of likelihood: a stack of free threads, latest death on top, so
 * that threads which ended without a birth at their contour stay ended while later ones go on. */
static int64_t thread_births(const mote_deaths *deaths, const mote_births *births, int64_t *stack, double *thread)
{
    int64_t threads = 0, dead = 0, free_threads = 0;
    for (int64_t i = 0; i < deaths->n; ++i)
        thread[i] = deaths->from_prior[i] != 0 ? (double)threads++ : -1;
    for (int64_t p = 0; p < births->later; ++p) {
        int64_t born = births->index[p];
        while (dead < deaths->n && deaths->log_likelihood[dead] <= deaths->birth[born] && thread[dead] >= 0)
            stack[free_threads++] = (int64_t)thread[dead++];
        thread[born] = (double)(free_threads ? stack[--free_threads] : threads++);
    }
    return threads;
}

int mote_evidence_threads(const mote_deaths *deaths, const mote_memory *memory, double *thread, int64_t *count)
{
    mote_births births;
    int status = mote_births_open(&births, deaths->birth, deaths->from_prior, deaths->n, memory);
    int64_t *stack = mote_memory_allocate(memory, deaths->n, sizeof(int64_t));
    if (!stack)
        status = MOTE_ENOMEM;
    if (!status)
        *count = thread_births(deaths, &births, stack, thread);
    mote_memory_release(memory, stack);
    mote_births_close(&births, memory);
    return status;
}

/* What the replicates share. */
typedef struct bootstrap {
    mote_volumes *volumes;
    int64_t threads, prior;  /* of them from the prior: the first ones */
    int32_t *death_thread;   /* n, in order of death */
    int32_t *birth_thread;   /* later births in order of birth */
    int64_t *born;           /* n: later births below L_i */
    int32_t *copies;         /* of each thread in this replicate */
    double *uniform;         /* one for each thread */
} bootstrap;

static void bootstrap_close(bootstrap *b, const mote_memory *memory)
{
    mote_memory_release(memory, b->death_thread);
    mote_memory_release(memory, b->birth_thread);
    mote_memory_release(memory, b->born);
    mote_memory_release(memory, b->copies);
    mote_memory_release(memory, b->uniform);
}

static int bootstrap_allocate(bootstrap *b, const mote_memory *memory)
{
    int64_t n = b->volumes->deaths->n;
    b->death_thread = mote_memory_allocate(memory, n, sizeof *b->death_thread);
    b->birth_thread = mote_memory_allocate(memory, n, sizeof *b->birth_thread);
    b->born = mote_memory_allocate(memory, n, sizeof *b->born);
    b->copies = mote_memory_allocate(memory, b->threads, sizeof *b->copies);
    b->uniform = mote_memory_allocate(memory, b->threads, sizeof *b->uniform);
    return b->death_thread && b->birth_thread && b->born && b->copies && b->uniform ? MOTE_OK : MOTE_ENOMEM;
}

static int bootstrap_open(bootstrap *b, const double *thread, const mote_memory *memory)
{
    const mote_deaths *deaths = b->volumes->deaths;
    mote_births births = { 0 };
    int status = bootstrap_allocate(b, memory);
    if (!status)
        status = mote_births_open(&births, deaths->birth, deaths->from_prior, deaths->n, memory);
    b->prior = births.prior;
    for (int64_t p = 0; p < births.later && !status; ++p)
        b->birth_thread[p] = (int32_t)thread[births.index[p]];
    for (int64_t i = 0, born = 0; i < deaths->n && !status; ++i) {
        while (born < births.later && deaths->birth[births.index[born]] < deaths->log_likelihood[i])
            ++born;
        b->born[i] = born;
        b->death_thread[i] = (int32_t)thread[i];
    }
    mote_births_close(&births, memory);
    return status;
}

/* log X_i - log X_i(mean volumes of the run) for the copies at hand, into volumes->ratio. Returns the last death that
 * has a copy, -1 when there is none. */
static int64_t recount_copies(const bootstrap *b)
{
    mote_volumes *volumes = b->volumes;
    int64_t alive = 0, born = 0, last = -1;
    double log_x = 0;
    for (int64_t t = 0; t < b->prior; ++t)
        alive += b->copies[t];
    for (int64_t i = 0; i < volumes->deaths->n; ++i) {
        while (born < b->born[i])
            alive += b->copies[b->birth_thread[born++]];
        int32_t copies = b->copies[b->death_thread[i]];
        if (copies > 0)
            last = i;
        for (; copies > 0; --copies)
            log_x -= 1 / (double)alive--;
        volumes->ratio[i] = log_x - volumes->log_mean[i];
    }
    return last;
}

/* Z of the copies at hand in units of the run's. Below the last copy's death the height is its own likelihood. */
static double replicate(const bootstrap *b)
{
    mote_volumes *volumes = b->volumes;
    int64_t last = recount_copies(b);
    if (last < 0)
        return 0;
    double z = volumes->first;
    for (int64_t begin = 0; begin < last; begin += MOTE_VOLUME_BLOCK)
        z += mote_volumes_gain(volumes, begin, last - begin < MOTE_VOLUME_BLOCK ? last - begin : MOTE_VOLUME_BLOCK);
    double height = mote_volumes_log_height(volumes->deaths, last, NULL);
    double rise = mote_log_subtract(volumes->deaths->log_likelihood[last], height);
    double closing = volumes->log_mean[last] + volumes->ratio[last] + rise - volumes->log_z;
    return isnan(closing) ? z : z + mote_exp(closing);
}

/* Copies for replicate k: each stratum keeps its size. */
static int resample(const bootstrap *b, const mote_source *source, uint32_t k)
{
    mote_source at = mote_source_at(source, MOTE_PURPOSE_BOOTSTRAP, k, 0);
    mote_uniforms(&at, b->uniform, b->threads);
    for (int64_t t = 0; t < b->threads; ++t)
        b->copies[t] = 0;
    for (int64_t t = 0; t < b->threads; ++t) {
        int64_t begin = t < b->prior ? 0 : b->prior, size = t < b->prior ? b->prior : b->threads - b->prior;
        int64_t chosen = begin + (int64_t)(b->uniform[t] * (double)size);
        ++b->copies[chosen < begin + size ? chosen : begin + size - 1];
    }
    return at.status;
}

/* The first `wanted` of a stratum's threads in random order get a copy (selection sampling, Knuth 3.4.2 S): thread
 * numbers follow the order of death, so that every second thread would be a stratified half, less spread than a run. */
static void choose_half(const bootstrap *b, int64_t begin, int64_t end, int64_t wanted)
{
    for (int64_t t = begin; t < end; ++t) {
        int chosen = b->uniform[t] * (double)(end - t) < (double)wanted;
        b->copies[t] = chosen;
        wanted -= chosen;
    }
}

/* log Z of one half of the threads minus that of the other. */
static int compare_halves(const bootstrap *b, const mote_source *source, uint32_t k, double *difference)
{
    mote_source at = mote_source_at(source, MOTE_PURPOSE_BOOTSTRAP, k, 0);
    mote_uniforms(&at, b->uniform, b->threads);
    choose_half(b, 0, b->prior, b->prior / 2);
    choose_half(b, b->prior, b->threads, (b->threads - b->prior) / 2);
    *difference = mote_log(replicate(b));
    for (int64_t t = 0; t < b->threads; ++t)
        b->copies[t] = !b->copies[t];
    *difference -= mote_log(replicate(b));
    return at.status;
}

/* Replicates without evidence (few threads, most of them at L = 0) have no logarithm and are left out. */
static int spread_replicates(const bootstrap *b, const mote_source *source, int64_t replicates, double *error)
{
    mote_spread spread = { 0 };
    int status = MOTE_OK;
    for (int64_t k = 0; k < replicates && !status; ++k) {
        status = resample(b, source, (uint32_t)k);
        double z = replicate(b);
        if (z > 0)
            mote_spread_add(&spread, mote_log(z));
    }
    *error = mote_spread_sd(&spread);
    return status;
}

int mote_bootstrap(mote_volumes *volumes, const double *thread, int64_t threads, const mote_source *source,
                   int64_t replicates, const mote_memory *memory, double *error, double *half_difference)
{
    bootstrap b = { .volumes = volumes, .threads = threads };
    int status = threads <= INT32_MAX ? bootstrap_open(&b, thread, memory) : MOTE_ENOMEM;
    if (!status)
        status = spread_replicates(&b, source, replicates, error);
    double difference = NAN;
    if (!status)
        status = compare_halves(&b, source, (uint32_t)replicates, &difference);
    /* a half has half the live points, so the variance of the difference is 2 + 2 times that of the run */
    *half_difference = difference == 0 ? 0 : isfinite(difference) ? difference / (2 * *error) : NAN;
    bootstrap_close(&b, memory);
    return status;
}
