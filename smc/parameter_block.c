/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/parameter_block.h"

#include <math.h>
#include <mote/paris.h>
#include <string.h>

/* ---- rows: the density of the present path ---- */

static int evaluate_row(mote_parameter_block *b, const mote_batch *batch, int64_t i)
{
    const int64_t p = b->space->space.theta_count;
    int status = mote_path_model_set(&b->path, batch->theta + i * batch->stride);
    if (!status)
        status = mote_path_log_density(&b->path, b->present, &batch->log_likelihood[i]);
    if (!status && batch->gradient) {
        status = mote_path_functional(&b->path, b->present, MOTE_FUNCTIONAL_GRADIENT, b->slope);
        memcpy(batch->gradient + i * batch->stride, b->slope, (size_t)p * sizeof *b->slope);
    }
    if (status > 0) { /* a theta for which the model fails is one without density */
        batch->log_likelihood[i] = NAN;
        return MOTE_OK;
    }
    return status;
}

static int evaluate(void *ctx, const mote_batch *batch)
{
    int status = MOTE_OK;
    for (int64_t i = 0; i < batch->n && !status; ++i)
        status = evaluate_row(ctx, batch, i);
    return status;
}

/* ---- life ---- */

static int open_kernel(mote_parameter_block *b, const mote_kernel_method *method)
{
    const mote_memory *memory = &b->run->memory;
    const mote_row_function function = { .evaluate = evaluate, .ctx = b, .dimension = b->space->space.theta_count,
                                         .points_only = 1, .gradient = mote_kernel_needs_gradient(method),
                                         .name = b->space->model.name ? b->space->model.name : "model" };
    b->executor = (mote_executor){ .type = mote_executor_serial, .memory = memory, .message = &b->run->message,
                                   .ledger = &b->ledger, .settings = &b->run->settings };
    int status = mote_executor_open(&b->executor, &function, 1);
    if (!status)
        status = mote_crew_open(&b->crew, &b->executor, memory, 1);
    if (!status)
        status = mote_kernel_open(&b->kernel, method, NULL, &b->parameters, 1, memory, &b->run->message);
    if (status)
        return status;
    mote_kernel_points_open(&b->point, &b->parameters, function.gradient, memory);
    return mote_kernel_points_reserve(&b->point, 1);
}

int mote_parameter_block_open(mote_parameter_block *b, mote_run *run, const mote_state_space *space, const char *method,
                              int64_t transitions)
{
    const mote_kernel_method *found = mote_kernel_find(method);
    memset(b, 0, sizeof *b);
    *b = (mote_parameter_block){ .space = space, .parameters = space->space, .run = run, .transitions = transitions };
    b->parameters.target.flags |= space->model.gradient ? MOTE_HAS_GRADIENT : 0;
    int status = mote_path_density_check(space, "sampling parameters given a path", &run->message);
    if (!status && mote_kernel_needs_gradient(found))
        status = mote_state_space_needs(space, MOTE_CAPABILITY_GRADIENT, "option parameter_kernel = mala",
                                        &run->message);
    if (!status)
        status = mote_path_model_open(&b->path, space, &run->memory, &run->message);
    b->y = mote_memory_allocate(&run->memory, space->space.dimension, sizeof *b->y);
    b->slope = mote_memory_allocate(&run->memory, space->space.theta_count, sizeof *b->slope);
    if (!status)
        status = b->y && b->slope ? open_kernel(b, found) : MOTE_ENOMEM;
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status, "no memory for a kernel on parameters") : status;
}

void mote_parameter_block_close(mote_parameter_block *b)
{
    if (!b->run)
        return;
    mote_kernel_close(&b->kernel);
    mote_crew_close(&b->crew, &b->run->memory);
    mote_executor_close(&b->executor);
    if (b->point.memory)
        mote_kernel_points_close(&b->point);
    mote_path_model_close(&b->path);
    mote_memory_release(&b->run->memory, b->y);
    mote_memory_release(&b->run->memory, b->slope);
    memset(b, 0, sizeof *b);
}

/* ---- a move ---- */

/* The value of the current theta on the present path. */
static int place(mote_parameter_block *b, const double *theta)
{
    mote_kernel_point point = mote_kernel_points_at(&b->point, 0);
    mote_row_value value = { 0 };
    memcpy(point.theta, theta, (size_t)b->space->space.theta_count * sizeof *theta);
    int status = mote_path_model_set(&b->path, theta);
    if (!status)
        status = mote_path_log_density(&b->path, b->present, &value.log_likelihood);
    if (!status && point.slope)
        status = mote_path_functional(&b->path, b->present, MOTE_FUNCTIONAL_GRADIENT, b->slope);
    value.gradient = point.slope ? b->slope : NULL;
    if (status)
        return status;
    if (!(value.log_likelihood > -INFINITY && value.log_likelihood < INFINITY))
        return mote_fail(&b->run->message, MOTE_EMODEL,
                         "the model '%s': the complete-data density of a path that the filter "
                         "drew is %g", b->space->model.name ? b->space->model.name : "model", value.log_likelihood);
    status = mote_kernel_fill_theta(b->kernel, &point);
    if (status < 0)
        return status;
    mote_kernel_fill_value(b->kernel, &point, &value);
    mote_kernel_place(b->kernel, 0, &point);
    return MOTE_OK;
}

static int transitions(mote_parameter_block *b, int64_t number)
{
    size_t size;
    int status;
    void *chains = mote_kernel_chains(b->kernel, &size);
    mote_kernel_begin(b->kernel, 0, &b->run->source, (uint32_t)number, 0, b->transitions, -1);
    mote_crew_start(&b->crew, mote_kernel_table, chains, size, 1, (uint64_t)number);
    do
        status = mote_crew_advance(&b->crew);
    while (status == MOTE_CREW_PAUSED);
    return status;
}

int mote_parameter_block_move(mote_parameter_block *b, const double *path, int64_t number, double gain, double *theta)
{
    b->present = path;
    int status = place(b, theta);
    if (!status)
        status = transitions(b, number);
    if (status)
        return status;
    const mote_kernel_statistics statistics = mote_kernel_statistics_of(b->kernel, 0, 1);
    const mote_kernel_point point = mote_kernel_current(b->kernel, 0);
    memcpy(theta, point.theta, (size_t)b->space->space.theta_count * sizeof *theta);
    memcpy(b->y, point.y, (size_t)b->space->space.dimension * sizeof *b->y);
    if (gain > 0) {
        mote_kernel_adapt(b->kernel, statistics.acceptance, 2 * gain);
        mote_kernel_learn(b->kernel, b->y, 1, gain);
        mote_kernel_refit(b->kernel);
    } else {
        b->accepted += (double)statistics.accepted;
        b->proposed += (double)statistics.transitions;
    }
    return MOTE_OK;
}

void mote_parameter_block_save(const mote_parameter_block *b, mote_writer *writer)
{
    mote_put_tag(writer, "parameters");
    mote_put_real(writer, b->accepted);
    mote_put_real(writer, b->proposed);
    mote_kernel_save(b->kernel, 1, writer);
}

void mote_parameter_block_load(mote_parameter_block *b, mote_reader *reader)
{
    mote_get_tag(reader, "parameters");
    b->accepted = mote_get_real(reader);
    b->proposed = mote_get_real(reader);
    mote_kernel_load(b->kernel, 1, reader);
}
