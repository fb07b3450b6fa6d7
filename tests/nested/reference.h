/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A naive nested-sampling loop around a sampler, one row at a time, volumes at their mean logarithms: what the tests
 * of samplers measure with, independent of the driver. */
#ifndef MOTE_TESTS_REFERENCE_H
#define MOTE_TESTS_REFERENCE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/linear.h"
#include "nested/sampler.h"

typedef struct reference {
    mote_memory memory;
    mote_message message;
    mote_space space;
    mote_nested_options options;
    mote_source source;
    mote_sampler *sampler;
    int64_t n, k, d;
    double *cube, *log_likelihood;  /* live points */
    double *survivors, *survivor_log_likelihood, *scratch;
    int64_t *order, *spare;
    /* results */
    int64_t calls, births, steps, deaths;
    double log_z, log_x, information, remaining;
    double switched_at;             /* log X at which steps took over; NaN: never */
    double child, parent, child2, parent2, product, pairs; /* ranks of newborns and their start points */
    /* called for every death, and for every birth */
    void (*death)(void *ctx, double log_likelihood, double n);
    void (*birth)(void *ctx, const struct reference *reference, double threshold, const mote_birth *birth);
    void *ctx;
    int status;
} reference;

/* The defaults that option tables would fill in. */
static inline mote_nested_options reference_options(int64_t live_points)
{
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = live_points };
    options.deaths_per_step = live_points / 20 > 1 ? live_points / 20 : 1;
    options.precision = 1e-3;
    options.slice_calls = 1.75;
    options.efficiency = 0.7;
    options.bootstrap_rounds = 30;
    return options;
}

static inline int reference_open(reference *r, const mote_target *target, const mote_nested_options *options,
                                 int64_t seed)
{
    memset(r, 0, sizeof *r);
    r->options = *options;
    r->n = options->live_points;
    r->k = options->deaths_per_step;
    r->switched_at = NAN;
    r->source = mote_source_live(mote_source_key(seed, 0));
    r->status = mote_memory_open(&r->memory, NULL);
    if (!r->status)
        r->status = mote_space_open(&r->space, target, &r->memory, &r->message);
    if (r->status)
        return r->status;
    r->d = r->space.dimension;
    size_t points = (size_t)r->n * sizeof(double), rows = points * (size_t)r->d;
    r->cube = malloc(rows);
    r->survivors = malloc(rows);
    r->log_likelihood = malloc(points);
    r->survivor_log_likelihood = malloc(points);
    r->scratch = malloc(points);
    r->order = malloc(points);
    r->spare = malloc(points);
    r->status = mote_sampler_open(&r->sampler, &r->space, &r->options, r->n, r->k, &r->memory, &r->message);
    return r->status;
}

static inline void reference_close(reference *r)
{
    mote_sampler_close(&r->sampler);
    mote_space_close(&r->space);
    free(r->cube), free(r->survivors), free(r->log_likelihood), free(r->survivor_log_likelihood);
    free(r->scratch), free(r->order), free(r->spare);
}

static inline double reference_evaluate(const reference *r, const double *theta)
{
    double value = NAN;
    if (r->space.target.log_likelihood_point(r->space.target.ctx, theta, &value, NULL) || isnan(value))
        value = -INFINITY;
    return value;
}

/* Drives one chain to its end. */
static inline int reference_chain(reference *r, int64_t i)
{
    const mote_chain_table *table = mote_sampler_table(r->sampler);
    size_t size;
    char *chains = mote_sampler_chains(r->sampler, &size), *chain = chains + (size_t)i * size;
    double theta[256];
    for (;;) {
        int status = table->want(chain, theta);
        if (status)
            return status == MOTE_DONE ? MOTE_OK : status;
        ++r->calls;
        status = table->take(chain, &(mote_row_value){ .log_likelihood = reference_evaluate(r, theta) });
        if (status)
            return status == MOTE_DONE ? MOTE_OK : status;
    }
}

static inline int reference_prior(reference *r)
{
    mote_source at = mote_source_at(&r->source, MOTE_PURPOSE_PRIOR, 0, 0);
    double theta[256];
    for (int64_t i = 0; i < r->n; ++i) {
        mote_stream stream = mote_stream_open(&at, i);
        do
            for (int64_t j = 0; j < r->d; ++j)
                r->cube[i * r->d + j] = mote_stream_uniform(&stream);
        while (mote_space_transform(&r->space, r->cube + i * r->d, theta) == MOTE_OK &&
               !mote_space_inside(&r->space, theta));
        r->log_likelihood[i] = reference_evaluate(r, theta);
        ++r->calls;
    }
    return MOTE_OK;
}

static inline double reference_add(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    return low == -INFINITY ? high : high + log1p(exp(low - high));
}

/* One death with n points alive: rectangle rule at mean log-volumes. */
static inline void reference_death(reference *r, double log_likelihood, double n)
{
    double next = r->log_x - 1 / n, weight = r->log_x + log(-expm1(-1 / n)) + log_likelihood;
    r->log_z = reference_add(r->log_z, weight);
    r->log_x = next;
    ++r->deaths;
    if (r->death)
        r->death(r->ctx, log_likelihood, n);
}

static inline double reference_rank(const reference *r, double value, int64_t s)
{
    double rank = 0;
    for (int64_t i = 0; i < s; ++i)
        rank += r->survivor_log_likelihood[i] < value;
    return (rank + 0.5) / (double)(s + 1) - 0.5;
}

static inline void reference_pair(reference *r, const mote_birth *birth, int64_t s)
{
    double child = reference_rank(r, birth->log_likelihood, s);
    double parent = reference_rank(r, r->survivor_log_likelihood[birth->parent], s);
    r->child += child, r->parent += parent, r->pairs += 1;
    r->child2 += child * child, r->parent2 += parent * parent, r->product += child * parent;
}

/* k deaths (more with ties), then as many births. */
static inline int reference_step(reference *r)
{
    mote_sort_index(r->order, r->spare, r->log_likelihood, r->n);
    int64_t dead = r->k, d = r->d;
    double threshold = r->log_likelihood[r->order[dead - 1]];
    while (dead < r->n && r->log_likelihood[r->order[dead]] <= threshold)
        ++dead;
    int64_t alive = r->n - dead;
    if (alive < 2)
        return MOTE_EPLATEAU;
    for (int64_t i = 0; i < dead; ++i)
        reference_death(r, r->log_likelihood[r->order[i]], (double)(r->n - i));
    for (int64_t i = 0; i < alive; ++i) {
        memcpy(r->survivors + i * d, r->cube + r->order[dead + i] * d, (size_t)d * sizeof(double));
        r->survivor_log_likelihood[i] = r->log_likelihood[r->order[dead + i]];
    }
    int status = mote_sampler_freeze(r->sampler, r->survivors, r->survivor_log_likelihood, alive, threshold, r->log_x,
                                     &r->source, r->steps++);
    memcpy(r->cube, r->survivors, (size_t)(alive * d) * sizeof(double));
    memcpy(r->log_likelihood, r->survivor_log_likelihood, (size_t)alive * sizeof(double));
    for (int64_t born = 0; born < dead && !status; born += r->k) {
        int64_t count = dead - born < r->k ? dead - born : r->k;
        for (int64_t i = 0; i < count && !status; ++i) {
            mote_sampler_begin(r->sampler, i, (uint64_t)(r->births + i));
            status = reference_chain(r, i);
        }
        for (int64_t i = 0; i < count && !status; ++i) {
            mote_birth birth = mote_sampler_birth(r->sampler, i);
            memcpy(r->cube + (alive + born + i) * d, birth.cube, (size_t)d * sizeof(double));
            r->log_likelihood[alive + born + i] = birth.log_likelihood;
            if (birth.parent >= 0)
                reference_pair(r, &birth, alive);
            if (r->birth)
                r->birth(r->ctx, r, threshold, &birth);
        }
        r->births += count;
        mote_sampler_adapt(r->sampler, count);
    }
    if (isnan(r->switched_at) && mote_sampler_uses_steps(r->sampler))
        r->switched_at = r->log_x;
    return status;
}

/* log of the mean likelihood of the live points. */
static inline double reference_live(const reference *r)
{
    double sum = -INFINITY;
    for (int64_t i = 0; i < r->n; ++i)
        sum = reference_add(sum, r->log_likelihood[i]);
    return sum - log((double)r->n);
}

/* The whole run, to the stopping rule. */
static inline int reference_run(reference *r)
{
    r->log_z = -INFINITY;
    r->log_x = 0;
    r->status = reference_prior(r);
    do {
        if (r->status)
            return r->status;
        r->status = reference_step(r);
        double live = reference_live(r) + r->log_x;
        r->remaining = exp(live - reference_add(r->log_z, live));
    } while (r->status == MOTE_OK && r->remaining > r->options.precision &&
             (r->options.max_iterations == 0 || r->deaths < r->options.max_iterations));
    if (r->status == MOTE_EPLATEAU)
        r->status = MOTE_OK;
    r->log_z = reference_add(r->log_z, reference_live(r) + r->log_x);
    return r->status;
}

static inline double reference_correlation(const reference *r)
{
    double m = r->pairs, a = r->child / m, b = r->parent / m;
    return (r->product / m - a * b) / sqrt((r->child2 / m - a * a) * (r->parent2 / m - b * b));
}

/* Kolmogorov-Smirnov p-value of m numbers against the uniform law, by the asymptotic series with Stephens'
 * correction; sorts `u`. Also the p-value of their mean logarithm against -1 (both sides). */
static inline int reference_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double reference_uniform(double *u, int64_t m)
{
    double worst = 0, sum = 0;
    qsort(u, (size_t)m, sizeof *u, reference_compare);
    for (int64_t i = 0; i < m; ++i) {
        worst = fmax(worst, u[i] - (double)i / (double)m);
        worst = fmax(worst, (double)(i + 1) / (double)m - u[i]);
    }
    double x = worst * (sqrt((double)m) + 0.12 + 0.11 / sqrt((double)m));
    for (int k = 1; k < 100; ++k)
        sum += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    return x < 0.2 ? 1 : fmin(fmax(sum, 0), 1);
}

static inline double reference_mean_log(const double *u, int64_t m)
{
    double sum = 0;
    for (int64_t i = 0; i < m; ++i)
        sum += log(u[i]) + 1;
    return erfc(fabs(sum) / sqrt((double)m) / sqrt(2));
}

#endif
