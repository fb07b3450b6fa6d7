/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels: opening, the chains that a crew drives, points and their values. One transition of a chain:
 *
 *     want:  propose y' ; theta', log |d theta'/dy'|, log prior      outside the support: answered without a row
 *            row of theta'
 *     take:  log-likelihood (slopes)
 *            answer: another point, or the state of the transition
 */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/stream_inline.h"
#include "core/vector.h"
#include "mcmc/kernel_parts.h"

static const mote_kernel_method *const methods[] = { &mote_kernel_random_walk, &mote_kernel_independence,
                                                     &mote_kernel_mala };

const mote_kernel_method *mote_kernel_at(int64_t index)
{
    return index >= 0 && index < (int64_t)(sizeof methods / sizeof *methods) ? methods[index] : NULL;
}

const mote_kernel_method *mote_kernel_find(const char *name)
{
    const mote_kernel_method *method;
    for (int64_t i = 0; name && (method = mote_kernel_at(i)); ++i)
        if (!strcmp(method->name, name))
            return method;
    return NULL;
}

const char *mote_kernel_name(const mote_kernel_method *method)
{
    return method->name;
}

int64_t mote_kernel_needs_gradient(const mote_kernel_method *method)
{
    return method->gradient;
}

/* ---- opening --------------------------------------------------------------------------------------------------- */

static int check_space(const mote_kernel_method *method, const mote_space *space, mote_message *message)
{
    const mote_target *target = &space->target;
    if (method->gradient && !(target->flags & MOTE_HAS_GRADIENT))
        return mote_fail(message, MOTE_EUNSUPPORTED,
                         "kernel %s needs the gradient of the log-likelihood, and the target '%s' does not say that it "
                         "has one (MOTE_HAS_GRADIENT)", method->name, target->name ? target->name : "target");
    for (int64_t i = 0; i < space->parameter_count; ++i)
        if (space->parameters[i].prior == MOTE_PRIOR_CONDITIONAL)
            return mote_fail(
                message, MOTE_EUNSUPPORTED,
                "kernel %s moves on the real line, and parameter '%s' has a conditional prior, which has no "
                "transform to it",
                method->name, space->parameters[i].name);
    return MOTE_OK;
}

static int open_tuning(mote_kernel *kernel)
{
    const int64_t d = kernel->dimension, extra = kernel->method->tuning_size ? kernel->method->tuning_size(kernel) : 0;
    const int64_t own = kernel->method->scratch_size ? kernel->method->scratch_size(kernel) : 0;
    kernel->tuning_count = 2 + 2 * d + 2 * d * d + extra;
    kernel->tuning = mote_memory_allocate(kernel->memory, kernel->tuning_count, sizeof(double));
    kernel->own_scratch = mote_memory_allocate(kernel->memory, own, sizeof(double));
    if (!kernel->tuning || !kernel->own_scratch)
        return MOTE_ENOMEM;
    kernel->log_scale = kernel->tuning;
    kernel->tuned = kernel->log_scale + 1;
    kernel->unit = kernel->tuned + 1;
    kernel->mean = kernel->unit + d;
    kernel->covariance = kernel->mean + d;
    kernel->lower = kernel->covariance + d * d;
    kernel->extra = kernel->lower + d * d;
    *kernel->log_scale = kernel->settings.scale > 0 ? log(kernel->settings.scale) : 0;
    for (int64_t j = 0; j < d; ++j)
        kernel->unit[j] = kernel->covariance[j * d + j] = kernel->lower[j * d + j] = 1;
    return MOTE_OK;
}

static double *place_point(const mote_kernel *kernel, mote_kernel_point *point, double *at)
{
    const mote_space *space = kernel->space;
    const int64_t d = kernel->dimension, slopes = kernel->method->gradient ? d : 0;
    point->y = at;
    point->theta = point->y + d;
    point->derived = point->theta + space->theta_count;
    at = point->derived + space->derived_count;
    point->slope = slopes ? at : NULL;
    point->base_slope = slopes ? at + d : NULL;
    return at + 2 * slopes;
}

static int open_chains(mote_kernel *kernel)
{
    const mote_space *space = kernel->space;
    const int64_t d = kernel->dimension, work = kernel->method->work_size(kernel);
    const int64_t width =
        2 * (d + space->theta_count + space->derived_count + (kernel->method->gradient ? 2 * d : 0)) + work;
    kernel->chains = mote_memory_allocate(kernel->memory, kernel->capacity, sizeof *kernel->chains);
    kernel->values = mote_memory_allocate(kernel->memory, kernel->capacity * width, sizeof(double));
    kernel->scratch = mote_memory_allocate(kernel->memory, 4 * d + space->theta_count, sizeof(double));
    if (!kernel->chains || !kernel->values || !kernel->scratch)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < kernel->capacity; ++i) {
        mote_kernel_chain *chain = &kernel->chains[i];
        chain->kernel = kernel;
        double *at = place_point(kernel, &chain->current, kernel->values + i * width);
        chain->work = place_point(kernel, &chain->proposal, at);
    }
    return MOTE_OK;
}

int mote_kernel_open(mote_kernel **out, const mote_kernel_method *method, const mote_kernel_settings *settings,
                     const mote_space *space, int64_t chains, const mote_memory *memory, mote_message *message)
{
    *out = NULL;
    int status = check_space(method, space, message);
    if (status)
        return status;
    mote_kernel *kernel = mote_memory_allocate(memory, 1, sizeof *kernel);
    if (!kernel)
        return mote_fail(message, MOTE_ENOMEM, "no memory for the kernel %s", method->name);
    *out = kernel;
    kernel->method = method;
    kernel->space = space;
    kernel->memory = memory;
    kernel->message = message;
    kernel->settings = settings ? *settings : (mote_kernel_settings){ 0 };
    if (kernel->settings.components < 1)
        kernel->settings.components = 1;
    kernel->dimension = space->dimension;
    kernel->capacity = chains;
    kernel->inverse_temperature = 1;
    mote_kernel_points_open(&kernel->shape, space, method->gradient, memory);
    if (open_tuning(kernel) || open_chains(kernel)) {
        mote_kernel_close(out);
        return mote_fail(message, MOTE_ENOMEM, "no memory for %lld chains of the kernel %s", (long long)chains,
                         method->name);
    }
    if (method->prepare)
        method->prepare(kernel);
    return MOTE_OK;
}

void mote_kernel_close(mote_kernel **out)
{
    mote_kernel *kernel = *out;
    if (!kernel)
        return;
    mote_memory_release(kernel->memory, kernel->tuning);
    mote_memory_release(kernel->memory, kernel->chains);
    mote_memory_release(kernel->memory, kernel->values);
    mote_memory_release(kernel->memory, kernel->scratch);
    mote_memory_release(kernel->memory, kernel->own_scratch);
    mote_memory_release(kernel->memory, kernel);
    *out = NULL;
}

void mote_kernel_set_inverse_temperature(mote_kernel *kernel, double inverse_temperature)
{
    kernel->inverse_temperature = inverse_temperature;
}

void mote_kernel_set_trace(mote_kernel *kernel, mote_kernel_points *trace)
{
    kernel->trace = trace;
}

/* ---- points ---------------------------------------------------------------------------------------------------- */

double mote_kernel_log_density(const mote_kernel *kernel, const mote_kernel_point *point)
{
    const double beta = kernel->inverse_temperature;
    return beta > 0 ? beta * point->log_likelihood + point->log_base : point->log_base;
}

int mote_kernel_fill_y(const mote_kernel *kernel, mote_kernel_point *point)
{
    const mote_space *space = kernel->space;
    double log_jacobian;
    int status = mote_space_constrain(space, point->y, point->theta, &log_jacobian);
    if (status) /* a prior without a transform: refused at open */
        return 0;
    point->log_base = mote_space_log_prior(space, point->theta) + log_jacobian;
    if (!isfinite(point->log_base)) { /* outside, at the end of the support to rounding, or y is not a number */
        point->log_base = -INFINITY;
        return 0;
    }
    const int inside = mote_space_inside(space, point->theta);
    if (inside == 0)
        point->log_base = -INFINITY;
    return inside;
}

int mote_kernel_fill_theta(const mote_kernel *kernel, mote_kernel_point *point)
{
    const double farthest = 500; /* exp(-500) and 1 - exp(-500): a corner that a prior draw may round to */
    double log_jacobian;
    int cut = 0, status = mote_space_unconstrain(kernel->space, point->theta, point->y);
    for (int64_t j = 0; j < kernel->dimension && !status; ++j)
        if (!isfinite(point->y[j])) {
            point->y[j] = point->y[j] > 0 ? farthest : -farthest;
            cut = 1;
        }
    if (cut)
        return mote_kernel_fill_y(kernel, point);
    if (!status) /* theta stays as it is, to the last bit: only log_base is wanted */
        status = mote_space_constrain(kernel->space, point->y, kernel->scratch, &log_jacobian);
    if (status)
        return 0;
    point->log_base = mote_space_log_prior(kernel->space, point->theta) + log_jacobian;
    if (!isfinite(point->log_base))
        point->log_base = -INFINITY;
    return point->log_base > -INFINITY;
}

void mote_kernel_fill_value(const mote_kernel *kernel, mote_kernel_point *point, const mote_row_value *value)
{
    const mote_space *space = kernel->space;
    point->log_likelihood = value->log_likelihood;
    point->id = value->id;
    if (space->derived_count)
        memcpy(point->derived, value->derived, (size_t)space->derived_count * sizeof *point->derived);
    if (kernel->method->gradient)
        mote_space_gradient(space, point->y, point->theta, value->gradient, point->slope, point->base_slope);
}

/* ---- chains ---------------------------------------------------------------------------------------------------- */

void mote_kernel_place(mote_kernel *kernel, int64_t i, const mote_kernel_point *point)
{
    mote_point_copy(&kernel->shape, &kernel->chains[i].current, point);
}

void mote_kernel_begin(mote_kernel *kernel, int64_t i, const mote_source *source, uint32_t step, int64_t number,
                       int64_t steps, int64_t trace)
{
    mote_kernel_chain *chain = &kernel->chains[i];
    mote_source at = mote_source_at(source, MOTE_PURPOSE_KERNEL, step, 0);
    chain->stream = mote_stream_open(&at, number);
    chain->steps = steps;
    chain->step = chain->accepted = chain->rows = chain->phase = 0;
    chain->trace = trace;
    chain->acceptance = chain->squared_jump = 0;
}

void mote_kernel_continue(mote_kernel *kernel, int64_t i, int64_t steps)
{
    kernel->chains[i].steps += steps;
}

static void swap_points(mote_kernel_chain *chain)
{
    const mote_kernel_point before = chain->current;
    chain->current = chain->proposal;
    chain->proposal = before;
}

int mote_kernel_decide(mote_kernel_chain *chain, double log_ratio)
{
    const mote_kernel *kernel = chain->kernel;
    const double after = mote_kernel_log_density(kernel, &chain->proposal);
    const double before = mote_kernel_log_density(kernel, &chain->current);
    double ratio = after > -INFINITY ? after - before + log_ratio : -INFINITY;
    ratio = isnan(ratio) ? -INFINITY : ratio;
    if (ratio > -INFINITY)
        chain->acceptance += ratio < 0 ? mote_exp(ratio) : 1;
    if (ratio > -INFINITY && mote_log(mote_stream_uniform_inline(&chain->stream)) < ratio) {
        chain->squared_jump += mote_kernel_squared_distance(kernel, chain->current.y, chain->proposal.y);
        ++chain->accepted;
        swap_points(chain);
    }
    return MOTE_DONE;
}

/* The method has its value. MOTE_OK: the chain goes on; MOTE_DONE: all its transitions are made. */
static int answer(mote_kernel_chain *chain)
{
    const mote_kernel *kernel = chain->kernel;
    if (kernel->method->answer(chain) == MOTE_OK)
        return MOTE_OK;
    chain->phase = 0;
    ++chain->step;
    if (kernel->trace && chain->trace >= 0)
        mote_kernel_points_put(kernel->trace, chain->trace++, &chain->current);
    return chain->step < chain->steps ? MOTE_OK : MOTE_DONE;
}

static int want(void *opaque, double *theta)
{
    mote_kernel_chain *chain = opaque;
    const mote_kernel *kernel = chain->kernel;
    if (chain->step >= chain->steps)
        return MOTE_DONE;
    for (;;) {
        kernel->method->propose(chain);
        const int inside = mote_kernel_fill_y(kernel, &chain->proposal);
        if (inside < 0)
            return mote_fail(kernel->message, inside, "kernel %s: the model asked to stop with code %d",
                             kernel->method->name, inside);
        if (inside) {
            memcpy(theta, chain->proposal.theta, (size_t)kernel->space->theta_count * sizeof *theta);
            ++chain->rows;
            return MOTE_OK;
        }
        chain->proposal.log_likelihood = -INFINITY;
        if (answer(chain) == MOTE_DONE)
            return MOTE_DONE;
    }
}

static int take(void *opaque, const mote_row_value *value)
{
    mote_kernel_chain *chain = opaque;
    mote_kernel_fill_value(chain->kernel, &chain->proposal, value);
    return answer(chain);
}

static const mote_chain_table table = { want, take };
const mote_chain_table *const mote_kernel_table = &table;

void *mote_kernel_chains(mote_kernel *kernel, size_t *chain_size)
{
    *chain_size = sizeof *kernel->chains;
    return kernel->chains;
}

mote_kernel_point mote_kernel_current(const mote_kernel *kernel, int64_t i)
{
    return kernel->chains[i].current;
}

mote_kernel_point mote_kernel_pending(const mote_kernel *kernel, int64_t i)
{
    return kernel->chains[i].proposal;
}

mote_kernel_statistics mote_kernel_statistics_of(const mote_kernel *kernel, int64_t first, int64_t n)
{
    mote_kernel_statistics sum = { 0 };
    for (int64_t i = first; i < first + n; ++i) {
        const mote_kernel_chain *chain = &kernel->chains[i];
        sum.transitions += chain->step;
        sum.accepted += chain->accepted;
        sum.rows += chain->rows;
        sum.acceptance += chain->acceptance;
        sum.squared_jump += chain->squared_jump;
    }
    const double count = (double)sum.transitions;
    sum.acceptance = sum.transitions ? sum.acceptance / count : NAN;
    sum.squared_jump = sum.transitions ? sum.squared_jump / count : NAN;
    return sum;
}

double mote_kernel_squared_distance(const mote_kernel *kernel, const double *before, const double *after)
{
    const int64_t d = kernel->dimension;
    double *x = kernel->scratch;
    for (int64_t j = 0; j < d; ++j)
        x[j] = after[j] - before[j];
    mote_lower_solve(x, kernel->lower, x, d);
    return mote_dot(x, x, d);
}
