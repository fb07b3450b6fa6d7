/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a parameter space: copy, check, compile. The maps are in space_map.c.
 *
 * Life: mote_space_open copies the target's descriptors (structs of an older or newer header are cut or zero-filled),
 * checks each parameter and group, and compiles blocks of neighbouring entries that are made the same way; nothing
 * changes until mote_space_close, so that a space may be read by many threads. */
#include "model/space.h"

#include "core/option.h"
#include "model/prior.h"

#include <math.h>
#include <string.h>

/* Copies the first min(size, given) bytes; what a newer header appended must be zero. */
static int copy_versioned(void *to, size_t size, const void *from, size_t given)
{
    const unsigned char *bytes = from;
    memset(to, 0, size);
    memcpy(to, from, given < size ? given : size);
    for (size_t i = size; i < given; ++i)
        if (bytes[i])
            return MOTE_EVERSION;
    return MOTE_OK;
}

static int copy_text(const mote_space *space, const char **text)
{
    const char *original = *text;
    *text = mote_memory_copy_text(space->memory, original);
    return original && !*text ? MOTE_ENOMEM : MOTE_OK;
}

/* The target with our size and its own copies of the texts; still with the caller's parameters. */
static int copy_target(mote_space *space, const mote_target *target, mote_message *message)
{
    mote_target *copy = &space->target;
    if (!target)
        return mote_fail(message, MOTE_EINVAL, "the target is NULL");
    int status = mote_struct_read(copy, sizeof *copy, MOTE_KIND_mote_target, target, message);
    if (status)
        return status;
    status = copy_text(space, &copy->name);
    const int other = copy_text(space, &copy->identity);
    status = status ? status : other;
    return status ? mote_fail(message, status, "no memory for the target") : MOTE_OK;
}

static int copy_parameters(mote_space *space, mote_message *message)
{
    mote_target *target = &space->target;
    const char *source = (const char *)target->parameters;
    const int64_t count = target->parameter_count, size = target->parameter_size;
    target->parameters = NULL;
    if (!source || count <= 0)
        return mote_fail(message, MOTE_EINVAL, "the target has no parameters");
    if (size < (int64_t)sizeof(char *) || size > 1 << 16)
        return mote_fail(message, MOTE_EINVAL, "target.parameter_size is not that of a mote_parameter: use "
                                               "MOTE_PARAMETERS");
    space->parameters = mote_memory_allocate(space->memory, count, sizeof(mote_parameter));
    if (!space->parameters)
        return mote_fail(message, MOTE_ENOMEM, "no memory for the parameters");
    target->parameters = space->parameters;
    target->parameter_size = sizeof(mote_parameter);
    for (int64_t i = 0; i < count; ++i) {
        mote_parameter *copy = &space->parameters[i];
        if (copy_versioned(copy, sizeof *copy, source + i * size, (size_t)size)) {
            const char *name = copy->name;
            memset(copy, 0, sizeof *copy);
            return mote_fail(message, MOTE_EVERSION, "parameter '%s': made for a newer mote, uses what this one lacks",
                             name ? name : "(no name)");
        }
        space->parameter_count = i + 1; /* from here on close releases its texts */
        int status = copy_text(space, &copy->name);
        status |= copy_text(space, &copy->label);
        status |= copy_text(space, &copy->unit);
        if (status)
            return mote_fail(message, MOTE_ENOMEM, "no memory for the parameters");
    }
    return MOTE_OK;
}

/* [A-Za-z_][A-Za-z0-9_]*, whatever the locale. */
static int legal_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_", digits[] = "0123456789";
    if (!*name || !strchr(letters, *name))
        return 0;
    for (; *name; ++name)
        if (!strchr(letters, *name) && !strchr(digits, *name))
            return 0;
    return 1;
}

static int check_name(const mote_space *space, int64_t at, mote_message *message)
{
    const char *name = space->parameters[at].name;
    if (!name)
        return mote_fail(message, MOTE_EINVAL, "parameter number %lld has no name", (long long)at + 1);
    if (!legal_name(name))
        return mote_fail(message, MOTE_EINVAL, "parameter '%s': a name is letters, digits and _, and starts with no "
                                               "digit",
                         name);
    for (int64_t i = 0; i < at; ++i)
        if (!strcmp(space->parameters[i].name, name))
            return mote_fail(message, MOTE_EINVAL, "parameter '%s' is declared twice", name);
    return MOTE_OK;
}

/* A coordinate can be wrapped or reflected only where it alone makes its parameter, between two ends. */
static int check_boundary(const mote_parameter *parameter, mote_message *message)
{
    double lower, upper;
    mote_prior_support(parameter, &lower, &upper);
    if (parameter->boundary == MOTE_BOUNDARY_HARD)
        return MOTE_OK;
    if (parameter->boundary != MOTE_BOUNDARY_PERIODIC && parameter->boundary != MOTE_BOUNDARY_REFLECTIVE)
        return mote_fail(message, MOTE_EINVAL, "parameter '%s': boundary is not one of enum mote_boundary",
                         parameter->name);
    if (!isfinite(lower) || !isfinite(upper))
        return mote_fail(message, MOTE_EINVAL, "parameter '%s': a periodic or reflective boundary needs a prior of its "
                         "own with two finite ends", parameter->name);
    return MOTE_OK;
}

static int check_parameter(const mote_space *space, int64_t at, mote_message *message)
{
    const mote_parameter *parameter = &space->parameters[at];
    int status = check_name(space, at, message);
    if (!status)
        status = mote_prior_check(parameter, message ? message->text : NULL, message ? sizeof message->text : 0);
    if (!status)
        status = check_boundary(parameter, message);
    if (!status && parameter->speed < 0)
        status = mote_fail(message, MOTE_EINVAL, "parameter '%s': its speed class is negative", parameter->name);
    if (!status && parameter->prior == MOTE_PRIOR_CONDITIONAL && !space->target.prior_transform)
        status = mote_fail(message, MOTE_EINVAL, "parameter '%s': a conditional prior needs target.prior_transform",
                           parameter->name);
    return status;
}

static int check_parameters(const mote_space *space, mote_message *message)
{
    for (int64_t i = 0; i < space->parameter_count; ++i) {
        const int status = check_parameter(space, i, message);
        if (status)
            return status;
    }
    return MOTE_OK;
}

static int check_target(const mote_space *space, mote_message *message)
{
    const mote_target *target = &space->target;
    if (!target->log_likelihood && !target->log_likelihood_point)
        return mote_fail(message, MOTE_EINVAL, "the target has neither log_likelihood nor log_likelihood_point");
    if (target->flags & ~(int64_t)(MOTE_THREADSAFE | MOTE_HAS_GRADIENT))
        return mote_fail(message, MOTE_EVERSION, "target.flags has a bit that this mote does not know");
    if (target->flags & MOTE_HAS_GRADIENT && !target->log_likelihood)
        return mote_fail(message, MOTE_EINVAL, "MOTE_HAS_GRADIENT needs the batch function log_likelihood");
    return check_parameters(space, message);
}

static int is_group(const mote_parameter *parameter)
{
    return parameter->prior == MOTE_PRIOR_SORTED || parameter->prior == MOTE_PRIOR_DIRICHLET;
}

/* Members of the group that starts at parameter `at`; 1 for all else. */
static int64_t group_size(const mote_space *space, int64_t at)
{
    const mote_parameter *first = &space->parameters[at];
    int64_t n = 1;
    while (is_group(first) && at + n < space->parameter_count && first[n].prior == first->prior &&
           first[n].group == first->group)
        ++n;
    return n;
}

static int check_group(const mote_parameter *first, int64_t n, mote_message *message)
{
    if (first->prior == MOTE_PRIOR_DIRICHLET && n == 1)
        return mote_fail(message, MOTE_EINVAL, "parameter '%s': a Dirichlet group needs at least two neighbours",
                         first->name);
    for (int64_t i = 1; first->prior == MOTE_PRIOR_SORTED && i < n; ++i)
        if (first[i].argument[0] != first->argument[0] || first[i].argument[1] != first->argument[1])
            return mote_fail(message, MOTE_EINVAL, "parameter '%s': its bounds differ from those of '%s' in the same "
                             "sorted group (`group` tells neighbouring groups apart)", first[i].name, first->name);
    return MOTE_OK;
}

/* How entries of a prior are made; the kinds that space_map.c does not know by name are 0. */
static int64_t block_kind(int64_t prior)
{
    switch (prior) {
    case MOTE_PRIOR_UNIFORM:
    case MOTE_PRIOR_LOG_UNIFORM:
    case MOTE_PRIOR_FIXED:
    case MOTE_PRIOR_SORTED:
    case MOTE_PRIOR_DIRICHLET:
    case MOTE_PRIOR_CONDITIONAL:
        return prior;
    default:
        return 0;
    }
}

static int allocate_arrays(mote_space *space, mote_message *message)
{
    const mote_memory *memory = space->memory;
    const int64_t n = space->parameter_count;
    int64_t **integers[] = { &space->theta_parameter, &space->derived_parameter, &space->cube_theta, &space->boundary,
                             &space->speed };
    double **reals[] = { &space->offset, &space->scale, &space->limit };
    int missing = 0;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; ++i)
        missing |= !(*integers[i] = mote_memory_allocate(memory, n, sizeof(int64_t)));
    for (size_t i = 0; i < sizeof reals / sizeof *reals; ++i)
        missing |= !(*reals[i] = mote_memory_allocate(memory, n, sizeof(double)));
    space->blocks = mote_memory_allocate(memory, n, sizeof *space->blocks);
    return missing || !space->blocks ? mote_fail(message, MOTE_ENOMEM, "no memory for the parameter space") : MOTE_OK;
}

static void compile_entry(mote_space *space, const mote_parameter *parameter, int64_t theta)
{
    const double *p = parameter->argument;
    space->offset[theta] = p[0];
    space->limit[theta] = p[1];
    if (parameter->prior == MOTE_PRIOR_UNIFORM || parameter->prior == MOTE_PRIOR_SORTED)
        space->scale[theta] = p[1] - p[0];
    if (parameter->prior == MOTE_PRIOR_LOG_UNIFORM)
        space->scale[theta] = mote_log_ratio(p[0], p[1]);
}

/* Appends `n` entries that start at `parameter` to the last block, or opens a new one. Groups are never joined. */
static void append(mote_space *space, const mote_parameter *parameter, int64_t n, int64_t coordinates)
{
    const int64_t kind = block_kind(parameter->prior);
    mote_space_block *last = space->block_count ? &space->blocks[space->block_count - 1] : NULL;
    if (last && last->kind == kind && !is_group(parameter))
        last->count += n;
    else
        space->blocks[space->block_count++] = (mote_space_block){ kind, space->theta_count, space->dimension, n };
    int64_t slowest = parameter->speed;
    for (int64_t i = 1; i < n; ++i)
        slowest = parameter[i].speed < slowest ? parameter[i].speed : slowest;
    for (int64_t i = 0; i < coordinates; ++i) {
        space->cube_theta[space->dimension] = space->theta_count + i;
        space->boundary[space->dimension] = parameter->boundary;
        space->speed[space->dimension++] = slowest;
    }
    for (int64_t i = 0; i < n; ++i) {
        space->theta_parameter[space->theta_count] = parameter + i - space->parameters;
        compile_entry(space, parameter + i, space->theta_count++);
    }
    if (parameter->prior == MOTE_PRIOR_DIRICHLET)
        for (int64_t i = space->theta_count - 2; i >= space->theta_count - n; --i)
            space->scale[i] = space->scale[i + 1] + space->offset[i + 1];
}

static int compile(mote_space *space, mote_message *message)
{
    space->simple = 1;
    for (int64_t i = 0, n; i < space->parameter_count; i += n) {
        const mote_parameter *parameter = &space->parameters[i];
        n = group_size(space, i);
        const int status = check_group(parameter, n, message);
        if (status)
            return status;
        if (parameter->prior == MOTE_PRIOR_DERIVED) {
            space->derived_parameter[space->derived_count++] = i;
            continue;
        }
        if (is_group(parameter) || parameter->prior == MOTE_PRIOR_CONDITIONAL)
            space->simple = 0;
        if (parameter->prior != MOTE_PRIOR_FIXED)
            space->sampled_count += n;
        append(space, parameter, n, parameter->prior == MOTE_PRIOR_FIXED ? 0 : n -
               (parameter->prior == MOTE_PRIOR_DIRICHLET));
    }
    return MOTE_OK;
}

int mote_space_open(mote_space *space, const mote_target *target, const mote_memory *memory, mote_message *message)
{
    memset(space, 0, sizeof *space);
    space->memory = memory;
    int status = copy_target(space, target, message);
    if (!status)
        status = copy_parameters(space, message);
    if (!status)
        status = check_target(space, message);
    if (!status)
        status = allocate_arrays(space, message);
    if (!status)
        status = compile(space, message);
    if (!status && space->dimension == 0)
        status = mote_fail(message, MOTE_EINVAL, "%s has no parameter to sample: all are fixed or derived",
                           space->target.name ? space->target.name : "the target");
    if (status)
        mote_space_close(space);
    return status;
}

int mote_space_open_parameters(mote_space *space, const mote_target *table, const mote_memory *memory,
                               mote_message *message)
{
    memset(space, 0, sizeof *space);
    space->memory = memory;
    int status = copy_target(space, table, message);
    if (!status && space->target.parameter_count)
        status = copy_parameters(space, message);
    if (!status)
        status = check_parameters(space, message);
    if (!status)
        status = allocate_arrays(space, message);
    if (!status)
        status = compile(space, message);
    if (status)
        mote_space_close(space);
    return status;
}

void mote_space_close(mote_space *space)
{
    const mote_memory *memory = space->memory;
    if (!memory)
        return;
    for (int64_t i = 0; i < space->parameter_count; ++i) {
        mote_memory_release(memory, (void *)space->parameters[i].name);
        mote_memory_release(memory, (void *)space->parameters[i].label);
        mote_memory_release(memory, (void *)space->parameters[i].unit);
    }
    void *blocks[] = { space->parameters, space->theta_parameter, space->derived_parameter, space->cube_theta,
                       space->boundary, space->speed, space->blocks, space->offset, space->scale, space->limit,
                       (void *)space->target.name, (void *)space->target.identity };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
    memset(space, 0, sizeof *space);
}
