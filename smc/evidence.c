/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/evidence.h"

#include <math.h>
#include <string.h>

enum { TRIAL_TIMES = 3 };

/* ---- life ---- */

static void close_filters(mote_evidence_filter *filters, int64_t count, const mote_memory *memory)
{
    for (int64_t i = 0; filters && i < count; ++i) {
        mote_particle_filter_close(&filters[i].filter);
        mote_datum_close(&filters[i].datum, memory);
    }
    mote_memory_release(memory, filters);
}

static mote_evidence_filter *open_filters(const mote_evidence *evidence, int64_t count, int *status,
                                          mote_message *message)
{
    mote_evidence_filter *filters = mote_memory_allocate(evidence->memory, count, sizeof *filters);
    *status = filters ? MOTE_OK : MOTE_ENOMEM;
    for (int64_t i = 0; i < count && !*status; ++i) {
        *status = mote_particle_filter_open(&filters[i].filter, evidence->space, &evidence->setup, evidence->memory,
                                            NULL, message);
        if (!*status)
            *status = mote_datum_open(&filters[i].datum, evidence->space, evidence->memory);
        filters[i].filter.message = &filters[i].message;
    }
    if (!*status)
        return filters;
    close_filters(filters, count, evidence->memory);
    if (*status == MOTE_ENOMEM)
        mote_fail(message, *status, "no memory for %lld filters of %lld particles", (long long)count,
                  (long long)evidence->setup.particles);
    return NULL;
}

int mote_evidence_open(mote_evidence *evidence, const mote_state_space *space, const mote_filter_setup *setup,
                       const mote_source *source, int64_t filters, const mote_memory *memory, mote_message *message)
{
    int status;
    memset(evidence, 0, sizeof *evidence);
    evidence->space = space;
    evidence->memory = memory;
    evidence->setup = *setup;
    evidence->source = *source;
    evidence->times = space->series.count;
    if (!space->has_series)
        return mote_fail(message, MOTE_EUNSUPPORTED, "the evidence is that of a whole series: the model '%s' must "
                                                     "carry one",
                         space->model.name ? space->model.name : "model");
    evidence->filters = open_filters(evidence, filters, &status, message);
    evidence->count = evidence->filters ? filters : 0;
    return status;
}

static void close_kept(mote_kept_normals *kept, int64_t chains, const mote_memory *memory)
{
    for (int64_t c = 0; kept && c <= chains; ++c)
        mote_kept_normals_close(&kept[c], memory);
    mote_memory_release(memory, kept);
}

static mote_kept_normals *open_kept(const mote_evidence *evidence, const mote_correlation *layout)
{
    mote_kept_normals *kept = mote_memory_allocate(evidence->memory, evidence->chains + 1, sizeof *kept);
    int status = kept ? MOTE_OK : MOTE_ENOMEM;
    for (int64_t c = 0; c <= evidence->chains && !status; ++c)
        status = mote_kept_normals_open(&kept[c], layout, evidence->memory);
    if (!status)
        return kept;
    close_kept(kept, evidence->chains, evidence->memory);
    return NULL;
}

void mote_evidence_close(mote_evidence *evidence)
{
    if (!evidence->memory)
        return;
    close_filters(evidence->filters, evidence->count, evidence->memory);
    close_kept(evidence->kept, evidence->chains, evidence->memory);
    memset(evidence, 0, sizeof *evidence);
}

int mote_evidence_resize(mote_evidence *evidence, int64_t particles, mote_message *message)
{
    const int64_t before = evidence->setup.particles;
    mote_correlation layout = evidence->correlation;
    int status;
    evidence->setup.particles = layout.particles = particles;
    mote_correlation_measure(&layout);
    mote_evidence_filter *filters = open_filters(evidence, evidence->count, &status, message);
    mote_kept_normals *kept = filters && evidence->kept ? open_kept(evidence, &layout) : NULL;
    if (!filters || (evidence->kept && !kept)) {
        close_filters(filters, evidence->count, evidence->memory);
        evidence->setup.particles = before;
        return status ? status : mote_fail(message, MOTE_ENOMEM,
                                           "no memory for the random numbers of %lld chains of filters",
                                           (long long)evidence->chains);
    }
    close_filters(evidence->filters, evidence->count, evidence->memory);
    close_kept(evidence->kept, evidence->chains, evidence->memory);
    evidence->filters = filters;
    evidence->kept = kept;
    evidence->correlation = layout;
    return MOTE_OK;
}

/* ---- rows ---- */

mote_source mote_evidence_source(const mote_evidence *evidence, int64_t id)
{
    mote_source source = evidence->source;
    source.key = mote_source_child_key(source.key, MOTE_PURPOSE_FILTER, (uint64_t)id);
    return source;
}

/* What several rows drew: the first of them by name, whoever evaluates which row, and in whatever order. */
static void join_offence(mote_evidence *evidence, const char *what)
{
    const char *known = atomic_load(&evidence->offence);
    while (what && (!known || strcmp(what, known) < 0) &&
           !atomic_compare_exchange_weak(&evidence->offence, &known, what))
        continue;
}

static int run_filter(mote_evidence *evidence, mote_evidence_filter *one, const double *theta, int64_t id,
                      mote_kept_normals *kept, double *log_evidence)
{
    mote_source source = mote_evidence_source(evidence, id);
    *one->message.text = '\0';
    if (kept)
        source = mote_correlated_source(&one->use, &source, &evidence->correlation, kept);
    int status = mote_particle_filter_start(&one->filter, theta, &source);
    for (int64_t t = 0; !status && t < evidence->times && !one->filter.dead; ++t) {
        mote_datum_from_series(&one->datum, evidence->space, t);
        status = mote_particle_filter_step(&one->filter, &one->datum);
    }
    atomic_fetch_add(&evidence->potentials, one->filter.potentials);
    if (kept)
        join_offence(evidence, one->use.offence);
    *log_evidence = status ? NAN : one->filter.log_evidence;
    return status;
}

/* The point failed, and the run goes on: a callback or potential failed there, or something was drawn that has no
 * correlated form, which mote_evidence_check tells. Any other status ends the run. */
static int fails_alone(const mote_evidence_filter *one, int status)
{
    return status == MOTE_EMODEL || (status == MOTE_ESOURCE && one->use.offence);
}

/* The filter's reason, with the parameters at which it ran. */
static void explain(const mote_evidence *evidence, const mote_evidence_filter *one, const double *theta, int status,
                    mote_message *message)
{
    char point[512];
    mote_state_space_describe(evidence->space, theta, point, sizeof point);
    mote_fail(message, status, "%.400s, with %s", *one->message.text ? one->message.text : mote_strerror(status),
              point);
}

int mote_evidence_row(mote_evidence *evidence, const double *theta, int64_t id, int64_t anew, double *log_evidence,
                      mote_message *message)
{
    mote_kept_normals *kept = evidence->kept ? &evidence->kept[evidence->chains] : NULL;
    if (kept && anew)
        kept->any = 0;
    int status = run_filter(evidence, &evidence->filters[0], theta, id, kept, log_evidence);
    if (kept && !status)
        mote_kept_normals_accept(kept);
    if (fails_alone(&evidence->filters[0], status))
        return MOTE_EMODEL;
    if (status)
        explain(evidence, &evidence->filters[0], theta, status, message);
    return status;
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

static int evaluate(void *ctx, const mote_batch *batch, mote_message *message)
{
    mote_evidence *evidence = ctx;
    mote_evidence_filter *one = take_filter(evidence);
    int status = MOTE_OK;
    for (int64_t i = 0; i < batch->n && !status; ++i) {
        const double *theta = batch->theta + i * batch->stride;
        mote_kept_normals *kept = evidence->kept ? &evidence->kept[(batch->id[i] >> 24) % evidence->chains] : NULL;
        status = run_filter(evidence, one, theta, batch->id[i], kept, &batch->log_likelihood[i]);
        if (fails_alone(one, status)) {
            batch->reason[i] = MOTE_REASON_NAN;
            status = MOTE_OK;
        } else if (status) {
            explain(evidence, one, theta, status, message);
        }
    }
    atomic_store(&one->busy, 0);
    return status;
}

void mote_evidence_row_function(mote_evidence *evidence, mote_row_function *function)
{
    *function = (mote_row_function){ .evaluate_inner = evaluate, .ctx = evidence,
                                     .dimension = evidence->space->space.theta_count,
                                     .thread_safe = evidence->space->model.flags & MOTE_SSM_THREADSAFE,
                                     .points_only = 1,
                                     .name = evidence->space->model.name };
}

/* ---- correlation ---- */

int mote_evidence_check(const mote_evidence *evidence, mote_message *message)
{
    const char *offence = evidence->offence;
    if (!offence)
        return MOTE_OK;
    return mote_fail(message, MOTE_EUNSUPPORTED, "option correlation: the model '%s' draws %s; only normals and "
                     "uniforms can be correlated",
                     evidence->space->model.name ? evidence->space->model.name : "model", offence);
}

/* What the model draws, from the first few observations. A filter that fails here may do so elsewhere and tells
 * nothing. */
static int try_model(mote_evidence *evidence, const double *theta, mote_message *message)
{
    mote_evidence_filter *one = &evidence->filters[0];
    *one->message.text = '\0';
    mote_source live = mote_evidence_source(evidence, -1);
    mote_source source = mote_correlated_source(&one->use, &live, &evidence->correlation, NULL);
    int status = mote_particle_filter_start(&one->filter, theta, &source);
    for (int64_t t = 0; !status && t < evidence->times && t < TRIAL_TIMES; ++t) {
        mote_datum_from_series(&one->datum, evidence->space, t);
        status = mote_particle_filter_step(&one->filter, &one->datum);
    }
    evidence->correlation.initial = one->use.initial > 1 ? one->use.initial : 1;
    evidence->correlation.transition = one->use.transition > 1 ? one->use.transition : 1;
    evidence->offence = one->use.offence;
    if (status && !fails_alone(one, status))
        explain(evidence, one, theta, status, message);
    return status && !fails_alone(one, status) ? status : mote_evidence_check(evidence, message);
}

int mote_evidence_correlate(mote_evidence *evidence, double rho, int64_t chains, const double *theta,
                            mote_message *message)
{
    evidence->chains = chains;
    evidence->correlation = (mote_correlation){ .rho = rho, .particles = evidence->setup.particles,
                                                .times = evidence->times };
    int status = try_model(evidence, theta, message);
    if (status)
        return status;
    mote_correlation_measure(&evidence->correlation);
    evidence->kept = open_kept(evidence, &evidence->correlation);
    return evidence->kept ? MOTE_OK : mote_fail(message, MOTE_ENOMEM,
                                                "no memory for %lld random numbers of each of %lld chains",
                                                (long long)evidence->correlation.size, (long long)chains);
}

void mote_evidence_accept(mote_evidence *evidence, int64_t chain)
{
    if (evidence->kept)
        mote_kept_normals_accept(&evidence->kept[chain]);
}

void mote_evidence_regain(mote_evidence *evidence, int64_t chain, int64_t id)
{
    const mote_source live = mote_evidence_source(evidence, id);
    mote_correlated use;
    if (evidence->kept)
        mote_correlated_source(&use, &live, &evidence->correlation, &evidence->kept[chain]);
}

void mote_evidence_save(const mote_evidence *evidence, mote_writer *writer)
{
    mote_put_integer(writer, evidence->setup.particles);
    mote_put_integer(writer, atomic_load(&evidence->potentials));
    for (int64_t c = 0; evidence->kept && c <= evidence->chains; ++c) {
        mote_put_integer(writer, evidence->kept[c].any);
        mote_put_reals(writer, evidence->kept[c].now, evidence->kept[c].any ? evidence->correlation.size : 0);
    }
}

int mote_evidence_load(mote_evidence *evidence, int64_t most, mote_reader *reader)
{
    const int64_t particles = mote_get_count(reader, 1, most);
    atomic_store(&evidence->potentials, mote_get_count(reader, 0, MOTE_MOST_COUNT));
    int status = reader->status;
    if (!status && particles != evidence->setup.particles)
        status = mote_evidence_resize(evidence, particles, NULL);
    for (int64_t c = 0; evidence->kept && c <= evidence->chains && !status; ++c) {
        evidence->kept[c].any = mote_get_count(reader, 0, 1);
        mote_get_reals(reader, evidence->kept[c].now, evidence->kept[c].any ? evidence->correlation.size : 0);
        status = reader->status;
    }
    return status;
}
