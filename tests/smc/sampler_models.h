/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets of the SMC sampler's tests, with what is known of them. */
#ifndef MOTE_TESTS_SMC_SAMPLER_MODELS_H
#define MOTE_TESTS_SMC_SAMPLER_MODELS_H

#include <mote/mote.h>

#include "tests/support/runs.h"

/* d independent normals: prior N(0, 1), likelihood N(x | 0.5, s^2) as d terms. log Z = d log N(0.5 | 0, 1 + s^2);
 * posterior mean 0.5 / (1 + s^2), variance s^2 / (1 + s^2). */
enum { CONJUGATE_MOST = 50 };

typedef struct conjugate {
    int64_t d;
    double s;
    mote_parameter parameters[CONJUGATE_MOST];
    char names[CONJUGATE_MOST][8];
} conjugate;

static inline int conjugate_terms(void *ctx, const mote_batch *rows, int64_t first, int64_t count)
{
    const conjugate *c = ctx;
    for (int64_t i = 0; i < rows->n; ++i) {
        const double *x = rows->theta + i * rows->stride;
        double sum = 0;
        for (int64_t j = first; j < first + count; ++j)
            sum += -0.5 * (x[j] - 0.5) * (x[j] - 0.5) / c->s / c->s - log(c->s) - 0.91893853320467274178;
        rows->log_likelihood[i] = sum;
        for (int64_t j = 0; rows->gradient && j < c->d; ++j)
            rows->gradient[i * rows->stride + j] = j >= first && j < first + count ? (0.5 - x[j]) / c->s / c->s : 0;
    }
    return 0;
}

static inline int conjugate_batch(void *ctx, const mote_batch *rows)
{
    return conjugate_terms(ctx, rows, 0, ((const conjugate *)ctx)->d);
}

static inline mote_target conjugate_target(conjugate *c, int64_t d, double s)
{
    *c = (conjugate){ .d = d, .s = s };
    for (int64_t j = 0; j < d; ++j) {
        snprintf(c->names[j], sizeof c->names[j], "x%d", (int)j);
        c->parameters[j] = (mote_parameter)MOTE_NORMAL(c->names[j], 0, 1);
    }
    return (mote_target){ MOTE_VERSIONED(mote_target), .parameters = c->parameters, .parameter_count = d,
                          .parameter_size = sizeof(mote_parameter), .log_likelihood = conjugate_batch, .ctx = c,
                          .name = "conjugate", .flags = MOTE_HAS_GRADIENT | MOTE_THREADSAFE,
                          .log_likelihood_terms = conjugate_terms, .term_count = d };
}

static inline double conjugate_log_evidence(int64_t d, double s)
{
    return -0.5 * (double)d * (log(2 * 3.14159265358979323846 * (1 + s * s)) + 0.25 / (1 + s * s));
}

#endif
