/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a state-space model: copy, check, compile. Nothing is taken on trust: each member that is missing, misshapen
 * or at odds with another is named. */
#include "model/state_space.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"
#include "model/rao_blackwell.h"

enum { KNOWN_FLAGS = MOTE_SSM_THREADSAFE | MOTE_SSM_START_BEFORE | MOTE_SSM_ROW_PARAMETERS | MOTE_SSM_PAIR_POTENTIAL };

const char *mote_state_space_name(const mote_state_space *space)
{
    return space->model.name ? space->model.name : "model";
}

static int check_members(const mote_state_space *space, mote_message *message)
{
    const mote_ssm *m = &space->model;
    const char *name = m->name ? m->name : "model";
    const char *missing = !m->initial ? "initial" : !m->transition ? "transition"
                          : !m->log_potential && !m->linear_count ? "log_potential" : NULL;
    if (missing)
        return mote_fail(message, MOTE_EINVAL, "the model '%s' lacks %s, which every state-space model needs", name,
                         missing);
    if (m->state_count < 1 || !m->states)
        return mote_fail(message, MOTE_EINVAL, "the model '%s' names no state: use MOTE_STATES", name);
    if (m->observation_count < 0 || m->input_count < 0 || m->parameter_count < 0 || m->additive_count < 0 ||
        m->cache_size < 0)
        return mote_fail(message, MOTE_EINVAL, "the model '%s' has a negative count", name);
    if (m->flags & ~(int64_t)KNOWN_FLAGS)
        return mote_fail(message, MOTE_EVERSION, "the model '%s': flags has a bit that this mote does not know", name);
    if (m->additive && !m->additive_count)
        return mote_fail(message, MOTE_EINVAL, "the model '%s' has additive, but additive_count is 0", name);
    if (m->cache_size && !m->prepare)
        return mote_fail(message, MOTE_EINVAL, "the model '%s' has cache_size, but no prepare", name);
    if ((m->fork != NULL) != (m->drop != NULL))
        return mote_fail(message, MOTE_EINVAL, "the model '%s': fork and drop come together", name);
    if (m->fork && m->flags & MOTE_SSM_START_BEFORE)
        return mote_fail(message, MOTE_EINVAL, "the model '%s': opaque states begin at the first observation", name);
    if ((m->pack != NULL) != (m->unpack != NULL))
        return mote_fail(message, MOTE_EINVAL, "the model '%s': pack and unpack come together", name);
    if (m->flags & MOTE_SSM_START_BEFORE && !isfinite(m->initial_time))
        return mote_fail(message, MOTE_EINVAL, "the model '%s': initial_time is not finite", name);
    return MOTE_OK;
}

/* ---- names ---- */

static int64_t name_count(const mote_ssm *model)
{
    return model->state_count + model->observation_count + model->input_count + model->additive_count;
}

/* Copies `count` names of one kind to space->names from `at` on. */
static int copy_names(mote_state_space *space, const char *const *names, int64_t count, int64_t at, const char *what,
                      mote_message *message)
{
    char made[48];
    for (int64_t i = 0; i < count; ++i) {
        snprintf(made, sizeof made, "%s_%lld", what, (long long)i);
        const char *name = names && names[i] && *names[i] ? names[i] : made;
        for (int64_t j = 0; j < i; ++j)
            if (!strcmp(space->names[at + j], name))
                return mote_fail(message, MOTE_EINVAL, "the model '%s': %s '%s' is declared twice",
                                 mote_state_space_name(space), what, name);
        space->names[at + i] = mote_memory_copy_text(space->memory, name);
        if (!space->names[at + i])
            return MOTE_ENOMEM;
    }
    return MOTE_OK;
}

static int copy_all_names(mote_state_space *space, mote_message *message)
{
    mote_ssm *m = &space->model;
    space->names = mote_memory_allocate(space->memory, name_count(m), sizeof *space->names);
    if (!space->names)
        return MOTE_ENOMEM;
    const struct { const char *const **names; int64_t count; const char *what; } lists[] = {
        { &m->states, m->state_count, "state" },
        { &m->observations, m->observation_count, "observation" },
        { &m->inputs, m->input_count, "input" },
        { &m->additive_names, m->additive_count, "additive" },
    };
    int64_t at = 0;
    for (size_t k = 0; k < sizeof lists / sizeof *lists; at += lists[k++].count) {
        const int status = copy_names(space, *lists[k].names, lists[k].count, at, lists[k].what, message);
        if (status)
            return status;
        *lists[k].names = (const char *const *)(space->names + at);
    }
    return MOTE_OK;
}

/* ---- the series ---- */

static double series_time(const mote_ssm *model, const mote_series *series, int64_t i)
{
    if (series->time)
        return series->time[i];
    return model->flags & MOTE_SSM_START_BEFORE ? model->initial_time + 1 + (double)i : (double)i;
}

static int check_series(const mote_state_space *space, const mote_series *series, mote_message *message)
{
    const mote_ssm *m = &space->model;
    if (series->count < 1)
        return mote_fail(message, MOTE_EINVAL, "the series of the model '%s' is empty", mote_state_space_name(space));
    if (m->observation_count && !series->values)
        return mote_fail(message, MOTE_EINVAL, "the series of the model '%s' has no values",
                         mote_state_space_name(space));
    if (m->input_count && !series->input)
        return mote_fail(message, MOTE_EINVAL, "the series of the model '%s' lacks the inputs that the model declares",
                         mote_state_space_name(space));
    for (int64_t i = 0; i < series->count; ++i) {
        const double time = series_time(m, series, i);
        double after;
        if (!mote_state_space_follows(space, i, i ? series_time(m, series, i - 1) : 0, time, &after))
            return mote_fail(message, MOTE_EINVAL, "the series of the model '%s': time number %lld (%g) does not "
                                                   "follow %g",
                             mote_state_space_name(space), (long long)i, time, after);
        for (int64_t k = 0; k < m->observation_count; ++k) {
            const int64_t at = i * m->observation_count + k;
            if (isinf(series->values[at]) && (!series->observed || series->observed[at]))
                return mote_fail(message, MOTE_EINVAL, "the series of the model '%s': observation '%s' at time %g is "
                                 "infinite", mote_state_space_name(space), m->observations[k], time);
        }
    }
    return MOTE_OK;
}

static double *copy_reals(const mote_state_space *space, const double *from, int64_t n)
{
    double *copy = mote_memory_allocate(space->memory, n, sizeof *copy);
    if (copy && from)
        memcpy(copy, from, (size_t)n * sizeof *copy);
    return copy;
}

static int copy_series(mote_state_space *space, mote_message *message)
{
    mote_ssm *m = &space->model;
    mote_series given;
    if (!m->series)
        return MOTE_OK;
    int status = mote_struct_read(&given, sizeof given, MOTE_KIND_mote_series, m->series, message);
    m->series = NULL;
    if (!status)
        status = check_series(space, &given, message);
    if (status)
        return status;
    const int64_t n = given.count, k = m->observation_count;
    double *time = copy_reals(space, NULL, n);
    space->series = (mote_series){ MOTE_VERSIONED(mote_series), n, time, copy_reals(space, given.values, n * k), NULL,
                                   copy_reals(space, given.input, n * m->input_count) };
    if (given.observed) {
        int64_t *observed = mote_memory_allocate(space->memory, n * k, sizeof *observed);
        space->series.observed = observed;
        if (observed && n * k > 0)
            memcpy(observed, given.observed, (size_t)(n * k) * sizeof *observed);
    }
    if (!time || !space->series.values || !space->series.input || (given.observed && !space->series.observed))
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < n; ++i)
        time[i] = series_time(m, &given, i);
    space->has_series = 1;
    m->series = &space->series;
    return MOTE_OK;
}

/* ---- opening ---- */

static int copy_model(mote_state_space *space, const mote_ssm *model, mote_message *message)
{
    mote_ssm *m = &space->model;
    if (!model)
        return mote_fail(message, MOTE_EINVAL, "the model is NULL");
    int status = mote_struct_read(m, sizeof *m, MOTE_KIND_mote_ssm, model, message);
    if (status)
        return status;
    const char *name = m->name, *identity = m->identity;
    m->name = mote_memory_copy_text(space->memory, name);
    m->identity = mote_memory_copy_text(space->memory, identity);
    return (name && !m->name) || (identity && !m->identity) ? MOTE_ENOMEM : MOTE_OK;
}

static int open_parameters(mote_state_space *space, mote_message *message)
{
    const mote_ssm *m = &space->model;
    const mote_target table = { MOTE_VERSIONED(mote_target), .parameters = m->parameters,
                                .parameter_count = m->parameter_count,
                                .parameter_size = m->parameter_size, .name = m->name, .identity = m->identity,
                                .plugin = m->plugin };
    int status = mote_space_open_parameters(&space->space, &table, space->memory, message);
    if (!status && space->space.derived_count)
        status = mote_fail(message, MOTE_EINVAL, "parameter '%s': a state-space model has no derived parameters",
                           space->space.parameters[space->space.derived_parameter[0]].name);
    space->model.parameters = space->space.parameters;
    space->model.parameter_size = sizeof(mote_parameter);
    return status;
}

int mote_state_space_open(mote_state_space *space, const mote_ssm *model, const mote_memory *memory,
                          mote_message *message)
{
    memset(space, 0, sizeof *space);
    space->memory = memory;
    int status = copy_model(space, model, message);
    if (!status)
        status = check_members(space, message);
    if (!status)
        status = open_parameters(space, message);
    if (!status && space->model.linear_count)
        status = mote_rao_blackwell_open(&space->linear, &space->model, memory, message);
    if (!status)
        status = copy_all_names(space, message);
    if (!status)
        status = copy_series(space, message);
    if (status == MOTE_ENOMEM)
        mote_fail(message, status, "no memory for the model '%s'", mote_state_space_name(space));
    if (status)
        mote_state_space_close(space);
    return status;
}

void mote_state_space_close(mote_state_space *space)
{
    const mote_memory *memory = space->memory;
    if (!memory)
        return;
    for (int64_t i = 0; space->names && i < name_count(&space->model); ++i)
        mote_memory_release(memory, space->names[i]);
    void *blocks[] = { space->names, (void *)space->series.time, (void *)space->series.values,
                       (void *)space->series.observed,
                       (void *)space->series.input, (void *)space->model.name, (void *)space->model.identity };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
    mote_rao_blackwell_close(&space->linear, memory);
    mote_space_close(&space->space);
    memset(space, 0, sizeof *space);
}

/* ---- asking ---- */

int mote_state_space_has(const mote_state_space *space, int64_t capability)
{
    const mote_ssm *model = &space->model;
#define PRESENT(name, text, present) (present) != 0,
    const int has[] = { MOTE_CAPABILITY_LIST(PRESENT) };
#undef PRESENT
    return capability >= 0 && capability < MOTE_CAPABILITIES && has[capability];
}

int mote_state_space_needs(const mote_state_space *space, int64_t capability, const char *algorithm,
                           mote_message *message)
{
#define TEXT(name, text, present) text,
    static const char *const names[] = { MOTE_CAPABILITY_LIST(TEXT) };
#undef TEXT
    if (mote_state_space_has(space, capability))
        return MOTE_OK;
    if (space->linear && capability != MOTE_CAPABILITY_LOOK_AHEAD && capability != MOTE_CAPABILITY_SAMPLE_OBSERVATION)
        return mote_fail(message, MOTE_EUNSUPPORTED, "%s needs %s, which cannot be had beside a linear part: the model "
                         "'%s' has one", algorithm, names[capability], mote_state_space_name(space));
    return mote_fail(message, MOTE_EUNSUPPORTED, "%s needs %s, which the model '%s' lacks", algorithm,
                     names[capability], mote_state_space_name(space));
}

int mote_state_space_theta(const mote_state_space *space, const double *given, double *theta, mote_message *message)
{
    for (int64_t i = 0; i < space->space.theta_count; ++i) {
        const mote_parameter *parameter = &space->space.parameters[space->space.theta_parameter[i]];
        const int fixed = parameter->prior == MOTE_PRIOR_FIXED;
        if (!fixed && !given)
            return mote_fail(message, MOTE_EINVAL, "parameter '%s' of the model '%s' has no value: fix it, or give "
                                                   "theta",
                             parameter->name, mote_state_space_name(space));
        theta[i] = fixed ? parameter->argument[0] : given[i];
        if (!isfinite(theta[i]))
            return mote_fail(message, MOTE_EINVAL, "parameter '%s' of the model '%s' is not finite", parameter->name,
                             mote_state_space_name(space));
    }
    return MOTE_OK;
}

void mote_state_space_describe(const mote_state_space *space, const double *theta, char *text, size_t size)
{
    size_t at = 0;
    *text = '\0';
    for (int64_t i = 0; i < space->space.theta_count && at < size; ++i) {
        const int more = snprintf(text + at, size - at, "%s%s = %.17g", i ? ", " : "",
                                  space->space.parameters[space->space.theta_parameter[i]].name, theta[i]);
        at += more > 0 ? (size_t)more : size;
    }
}

void mote_run_identify_state_space(mote_run *run, const mote_state_space *space)
{
    const mote_ssm *m = &space->model;
    const mote_series *s = &space->series;
    uint64_t hash = MOTE_HASH_START;
    char text[32];
    mote_run_identify_space(run, &space->space);
    for (int64_t i = 0; i < m->state_count; ++i)
        mote_run_identify(run, "state", m->states[i]);
    for (int64_t i = 0; i < m->observation_count; ++i)
        mote_run_identify(run, "observation", m->observations[i]);
    for (int64_t i = 0; i < m->input_count; ++i)
        mote_run_identify(run, "input", m->inputs[i]);
    if (m->flags & MOTE_SSM_START_BEFORE) {
        snprintf(text, sizeof text, "%a", m->initial_time);
        mote_run_identify(run, "initial_time", text);
    }
    if (!space->has_series)
        return;
    hash = mote_hash(hash, s->time, (size_t)s->count * sizeof(double));
    hash = mote_hash(hash, s->values, (size_t)(s->count * m->observation_count) * sizeof(double));
    hash = mote_hash(hash, s->input, (size_t)(s->count * m->input_count) * sizeof(double));
    if (s->observed)
        hash = mote_hash(hash, s->observed, (size_t)(s->count * m->observation_count) * sizeof(int64_t));
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    mote_run_identify(run, "series", text);
}
