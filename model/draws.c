/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The container of every result: columns, parameters and named results. Summaries are in draws_summary.c. */
#include "model/draws.h"

#include <math.h>
#include <mote/status.h>
#include <string.h>

static int is_kept(const mote_parameter *parameter, int64_t derived)
{
    return parameter->prior != MOTE_PRIOR_FIXED && (parameter->prior == MOTE_PRIOR_DERIVED) == derived;
}

static int copy_parameter(const mote_memory *memory, mote_parameter *copy, const mote_parameter *from)
{
    *copy = *from;
    copy->name = mote_memory_copy_text(memory, from->name);
    copy->label = mote_memory_copy_text(memory, from->label);
    copy->unit = mote_memory_copy_text(memory, from->unit);
    return (from->name && !copy->name) || (from->label && !copy->label) || (from->unit && !copy->unit);
}

/* Sampled parameters, then derived ones. Non-zero without memory; what was copied is counted. */
static int copy_parameters(mote_draws *draws, const mote_parameter *parameters, int64_t count)
{
    draws->parameters = mote_memory_allocate(draws->memory, count, sizeof *draws->parameters);
    if (!draws->parameters)
        return MOTE_ENOMEM;
    for (int64_t derived = 0; derived <= 1; ++derived)
        for (int64_t i = 0; i < count; ++i)
            if (is_kept(&parameters[i], derived) &&
                copy_parameter(draws->memory, &draws->parameters[draws->parameter_count++], &parameters[i]))
                return MOTE_ENOMEM;
    return MOTE_OK;
}

static double *column(mote_draws *draws, int *missing)
{
    double *values = mote_memory_allocate(draws->memory, draws->count, sizeof *values);
    *missing |= !values;
    return values;
}

static int allocate_columns(mote_draws *draws, int parts)
{
    int missing = 0;
    draws->columns = mote_memory_allocate(draws->memory, draws->parameter_count, sizeof *draws->columns);
    if (!draws->columns)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < draws->parameter_count; ++i)
        draws->columns[i] = column(draws, &missing);
    draws->log_weight = column(draws, &missing);
    draws->log_likelihood = column(draws, &missing);
    if (parts & MOTE_DRAWS_PRIOR)
        draws->log_prior = column(draws, &missing);
    if (parts & MOTE_DRAWS_NESTED) {
        draws->birth = column(draws, &missing);
        draws->live_count = column(draws, &missing);
    }
    if (parts & (MOTE_DRAWS_NESTED | MOTE_DRAWS_CHAIN))
        draws->chain = column(draws, &missing);
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

mote_draws *mote_draws_create(const mote_memory *memory, const mote_parameter *parameters, int64_t parameter_count,
                              int64_t count, int parts)
{
    mote_draws *draws = mote_memory_allocate(memory, 1, sizeof *draws);
    if (!draws)
        return NULL;
    draws->memory = memory;
    draws->count = count;
    draws->log_evidence = draws->log_evidence_error = NAN;
    if (copy_parameters(draws, parameters, parameter_count) || allocate_columns(draws, parts)) {
        mote_draws_free(draws);
        return NULL;
    }
    return draws;
}

static void free_texts(const mote_memory *memory, const char *a, const char *b, const char *c)
{
    /* The public struct holds const pointers; the copies behind them are ours. */
    mote_memory_release(memory, (void *)(uintptr_t)a);
    mote_memory_release(memory, (void *)(uintptr_t)b);
    mote_memory_release(memory, (void *)(uintptr_t)c);
}

void mote_draws_free(mote_draws *draws)
{
    if (!draws)
        return;
    const mote_memory *memory = draws->memory;
    for (int64_t i = 0; i < draws->parameter_count; ++i) {
        free_texts(memory, draws->parameters[i].name, draws->parameters[i].label, draws->parameters[i].unit);
        if (draws->columns)
            mote_memory_release(memory, draws->columns[i]);
    }
    for (int64_t i = 0; i < draws->result_count; ++i)
        free_texts(memory, draws->results[i].name, draws->results[i].unit, draws->results[i].help);
    void *blocks[] = { draws->parameters, draws->columns, draws->log_weight, draws->log_likelihood, draws->log_prior,
                       draws->birth, draws->live_count, draws->chain, draws->results };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
    mote_memory_release(memory, draws);
}

static int add_result(mote_draws *draws, int64_t kind, const char *name, double value, const char *unit,
                      const char *help)
{
    int64_t n = draws->result_count;
    mote_result *results = mote_memory_resize(draws->memory, draws->results, n, n + 1, sizeof *results);
    if (!results)
        return MOTE_ENOMEM;
    draws->results = results;
    mote_result added = { kind, mote_memory_copy_text(draws->memory, name),
                          mote_memory_copy_text(draws->memory, unit ? unit : ""),
                          mote_memory_copy_text(draws->memory, help ? help : ""), value };
    if (!added.name || !added.unit || !added.help) {
        free_texts(draws->memory, added.name, added.unit, added.help);
        return MOTE_ENOMEM;
    }
    results[n] = added;
    draws->result_count = n + 1;
    return MOTE_OK;
}

int mote_draws_add_real(mote_draws *draws, const char *name, double value, const char *unit, const char *help)
{
    return add_result(draws, MOTE_RESULT_REAL, name, value, unit, help);
}

int mote_draws_add_count(mote_draws *draws, const char *name, int64_t value, const char *unit, const char *help)
{
    return add_result(draws, MOTE_RESULT_COUNT, name, (double)value, unit, help);
}

int mote_draws_add_warning(mote_draws *draws, const char *name, const char *text)
{
    return add_result(draws, MOTE_RESULT_WARNING, name, 1, "", text);
}

const mote_result *mote_draws_result(const mote_draws *draws, const char *name)
{
    for (int64_t i = 0; draws && i < draws->result_count; ++i)
        if (strcmp(draws->results[i].name, name) == 0)
            return &draws->results[i];
    return NULL;
}

int64_t mote_draws_count(const mote_draws *draws)
{
    return draws ? draws->count : 0;
}

int64_t mote_draws_parameter_count(const mote_draws *draws)
{
    return draws ? draws->parameter_count : 0;
}

static int has_parameter(const mote_draws *draws, int64_t index)
{
    return draws && index >= 0 && index < draws->parameter_count;
}

const mote_parameter *mote_draws_parameter(const mote_draws *draws, int64_t index)
{
    return has_parameter(draws, index) ? &draws->parameters[index] : NULL;
}

int64_t mote_draws_find(const mote_draws *draws, const char *name)
{
    for (int64_t i = 0; name && i < mote_draws_parameter_count(draws); ++i)
        if (strcmp(draws->parameters[i].name, name) == 0)
            return i;
    return -1;
}

const double *mote_draws_column(const mote_draws *draws, int64_t parameter)
{
    return has_parameter(draws, parameter) ? draws->columns[parameter] : NULL;
}

const double *mote_draws_log_weight(const mote_draws *draws)
{
    return draws ? draws->log_weight : NULL;
}

const double *mote_draws_log_likelihood(const mote_draws *draws)
{
    return draws ? draws->log_likelihood : NULL;
}

const double *mote_draws_log_prior(const mote_draws *draws)
{
    return draws ? draws->log_prior : NULL;
}

const double *mote_draws_birth(const mote_draws *draws)
{
    return draws ? draws->birth : NULL;
}

const double *mote_draws_live_count(const mote_draws *draws)
{
    return draws ? draws->live_count : NULL;
}

const double *mote_draws_chain(const mote_draws *draws)
{
    return draws ? draws->chain : NULL;
}

double mote_draws_log_evidence(const mote_draws *draws)
{
    return draws ? draws->log_evidence : (double)NAN;
}

double mote_draws_log_evidence_error(const mote_draws *draws)
{
    return draws ? draws->log_evidence_error : (double)NAN;
}
