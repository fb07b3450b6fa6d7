/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/evidence.h"

#include <math.h>
#include <string.h>

int mote_evidence_open(mote_evidence *evidence, const mote_state_space *space, const mote_filter_setup *setup,
                       const mote_source *source, int64_t filters, const mote_memory *memory, mote_message *message)
{
    memset(evidence, 0, sizeof *evidence);
    evidence->space = space;
    evidence->memory = memory;
    evidence->source = *source;
    evidence->times = space->series.count;
    if (!space->has_series)
        return mote_fail(message, MOTE_EUNSUPPORTED, "the evidence is that of a whole series: the model '%s' must carry one",
                         space->model.name ? space->model.name : "model");
    evidence->filters = mote_memory_allocate(memory, filters, sizeof *evidence->filters);
    int status = evidence->filters ? MOTE_OK : MOTE_ENOMEM;
    for (int64_t i = 0; i < filters && !status; ++i) {
        mote_evidence_filter *one = &evidence->filters[i];
        ++evidence->count;
        status = mote_particle_filter_open(&one->filter, space, setup, memory, NULL, message);
        if (!status)
            status = mote_datum_open(&one->datum, space, memory);
        one->filter.message = &one->message;
    }
    if (status)
        mote_evidence_close(evidence);
    return status == MOTE_ENOMEM ? mote_fail(message, status, "no memory for %lld filters of %lld particles", (long long)filters,
                                             (long long)setup->particles) : status;
}

void mote_evidence_close(mote_evidence *evidence)
{
    for (int64_t i = 0; i < evidence->count; ++i) {
        mote_particle_filter_close(&evidence->filters[i].filter);
        mote_datum_close(&evidence->filters[i].datum, evidence->memory);
    }
    if (evidence->memory)
        mote_memory_release(evidence->memory, evidence->filters);
    memset(evidence, 0, sizeof *evidence);
}

mote_source mote_evidence_source(const mote_evidence *evidence, int64_t id)
{
    mote_source source = evidence->source;
    source.key = mote_source_child_key(source.key, MOTE_PURPOSE_FILTER, (uint64_t)id);
    return source;
}

static int run_filter(mote_evidence *evidence, mote_evidence_filter *one, const double *theta, int64_t id, double *log_evidence)
{
    const mote_source source = mote_evidence_source(evidence, id);
    int status = mote_particle_filter_start(&one->filter, theta, &source);
    for (int64_t t = 0; !status && t < evidence->times && !one->filter.dead; ++t) {
        mote_datum_from_series(&one->datum, evidence->space, t);
        status = mote_particle_filter_step(&one->filter, &one->datum);
    }
    atomic_fetch_add(&evidence->potentials, one->filter.potentials);
    *log_evidence = status ? NAN : one->filter.log_evidence;
    return status;
}

int mote_evidence_row(mote_evidence *evidence, const double *theta, int64_t id, double *log_evidence)
{
    return run_filter(evidence, &evidence->filters[0], theta, id, log_evidence);
}

/* A filter that nobody uses: there are as many as threads, so one is found. */
static mote_evidence_filter *take_filter(mote_evidence *evidence)
{
    for (int64_t i = 0;; i = (i + 1) % evidence->count) {
        int idle = 0;
        if (atomic_compare_exchange_strong(&evidence->filters[i].busy, &idle, 1))
            return &evidence->filters[i];
    }
}

static int evaluate(void *ctx, const mote_batch *batch)
{
    mote_evidence *evidence = ctx;
    mote_evidence_filter *one = take_filter(evidence);
    int status = MOTE_OK;
    for (int64_t i = 0; i < batch->n && status >= 0; ++i) {
        status = run_filter(evidence, one, batch->theta + i * batch->stride, batch->id[i], &batch->log_likelihood[i]);
        if (status > 0)
            batch->reason[i] = MOTE_REASON_NAN;
    }
    atomic_store(&one->busy, 0);
    return status < 0 ? status : MOTE_OK;
}

void mote_evidence_row_function(mote_evidence *evidence, mote_row_function *function)
{
    *function = (mote_row_function){ .evaluate = evaluate, .ctx = evidence, .dimension = evidence->space->space.theta_count,
                                     .thread_safe = evidence->space->model.flags & MOTE_SSM_THREADSAFE, .points_only = 1,
                                     .name = evidence->space->model.name };
}
