/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A kernel with everything that an algorithm would give it: space, executor, crew. And the Kolmogorov-Smirnov distance,
 * whose limit KS_LIMIT / sqrt(n) a right sample passes but for one in a million. */
#ifndef MOTE_TESTS_MCMC_HARNESS_H
#define MOTE_TESTS_MCMC_HARNESS_H

#include <stdlib.h>

#include "core/run.h"
#include "mcmc/kernel_parts.h"
#include "tests/support/test.h"

#define KS_LIMIT 2.70 /* 2 exp(-2 x^2) = 1e-6 */

typedef struct harness {
    mote_memory memory;
    mote_message message;
    mote_ledger ledger;
    mote_settings settings;
    mote_space space;
    mote_executor executor;
    mote_crew crew;
    mote_kernel *kernel;
    mote_source source;
    mote_row_function function;
    int64_t n;
} harness;

/* `h` must not move afterwards. `change` may replace the target's row function; NULL: nothing is replaced. */
static inline int harness_open(harness *h, const mote_target *target, const char *method, int64_t components,
                               int64_t chains, const mote_executor_type *type, mote_row_function *change)
{
    const mote_kernel_settings settings = { .components = components };
    memset(h, 0, sizeof *h);
    mote_memory_open(&h->memory, NULL);
    h->settings.threads = 3;
    h->settings.retries = 2;
    h->n = chains;
    h->source = mote_source_live(mote_source_key(7, 0));
    int status = mote_space_open(&h->space, target, &h->memory, &h->message);
    if (status)
        return status;
    status =
        mote_kernel_open(&h->kernel, mote_kernel_find(method), &settings, &h->space, chains, &h->memory, &h->message);
    if (status)
        return status;
    mote_space_row_function(&h->space, &h->function);
    if (change) {
        h->function.evaluate = change->evaluate;
        h->function.ctx = change->ctx;
    }
    h->function.gradient = mote_kernel_needs_gradient(mote_kernel_find(method));
    h->executor = (mote_executor){ .type = type, .memory = &h->memory, .message = &h->message, .ledger = &h->ledger,
                                   .settings = &h->settings };
    status = mote_executor_open(&h->executor, &h->function, chains);
    return status ? status : mote_crew_open(&h->crew, &h->executor, &h->memory, chains);
}

static inline void harness_close(harness *h)
{
    mote_kernel_close(&h->kernel);
    mote_crew_close(&h->crew, &h->memory);
    mote_executor_close(&h->executor);
    mote_space_close(&h->space);
}

/* Places chain i at theta, whose log-likelihood and gradient are asked for here, out of the crew's sight. */
static inline void harness_place(harness *h, int64_t i, const double *theta)
{
    mote_kernel_chain *chain = mote_kernel_chain_at(h->kernel, i);
    mote_kernel_point *point = &chain->current;
    double value = NAN, gradient[64], derived[8];
    int64_t id = -1 - i, reason = 0;
    memcpy(point->theta, theta, (size_t)h->space.theta_count * sizeof *theta);
    assert_int_equal(mote_kernel_fill_theta(h->kernel, point), 1);
    mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = h->space.theta_count,
                         .stride = h->space.theta_count, .theta = point->theta, .log_likelihood = &value,
                         .derived_count = h->space.derived_count, .derived_stride = h->space.derived_count,
                         .derived = derived, .gradient = h->function.gradient ? gradient : NULL, .id = &id,
                         .reason = &reason };
    assert_int_equal(h->function.evaluate(h->function.ctx, &batch), 0);
    mote_row_value got = { value, derived, gradient, 0, id };
    mote_kernel_fill_value(h->kernel, point, &got);
}

static inline void harness_begin(harness *h, uint32_t step, int64_t steps)
{
    size_t size;
    void *chains = mote_kernel_chains(h->kernel, &size);
    for (int64_t i = 0; i < h->n; ++i)
        mote_kernel_begin(h->kernel, i, &h->source, step, i, steps, -1);
    mote_crew_start(&h->crew, mote_kernel_table, chains, size, h->n, (uint64_t)step * (uint64_t)h->n);
}

static inline void harness_run(harness *h, uint32_t step, int64_t steps)
{
    int status;
    harness_begin(h, step, steps);
    while ((status = mote_crew_advance(&h->crew)) == MOTE_CREW_PAUSED)
        ;
    assert_status(status, MOTE_OK);
}

/* Tunes to the current points. */
static inline void harness_tune(harness *h)
{
    const int64_t d = h->space.dimension;
    double *y = malloc((size_t)(h->n * d) * sizeof *y);
    for (int64_t i = 0; i < h->n; ++i)
        memcpy(y + i * d, mote_kernel_current(h->kernel, i).y, (size_t)d * sizeof *y);
    mote_kernel_tune(h->kernel, y, NULL, h->n);
    free(y);
}

static inline int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* sqrt(n) times the largest distance of values of the distribution function (sorted here) from uniform. */
static inline double ks_distance(double *u, int64_t n)
{
    double largest = 0;
    qsort(u, (size_t)n, sizeof *u, compare_doubles);
    for (int64_t i = 0; i < n; ++i)
        largest = fmax(largest, fmax(u[i] - (double)i / (double)n, (double)(i + 1) / (double)n - u[i]));
    return largest * sqrt((double)n);
}

#endif
