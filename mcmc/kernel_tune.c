/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tuning: weighted mean and covariance, their Cholesky factor, scales; and the checkpoint of a kernel.
 *
 * With n_eff = (sum w)^2 / sum w^2 effective points the covariance is shrunk towards its diagonal,
 *     S <- (1 - r) S + r diag(S),   r = (d + 1) / (d + 1 + n_eff)
 * so that it has full rank whatever the weights; coordinates without spread keep a millionth of their first unit.
 * Known answer: two equal points with weights 1, 1 at -1 and 1 have mean 0 and covariance 1. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "mcmc/kernel_parts.h"

static double weight_at(const double *weight, int64_t i)
{
    return weight ? weight[i] : 1;
}

/* Sum of the weights, and of their squares. */
static double weigh(const double *weight, int64_t n, double *squares)
{
    double sum = 0;
    *squares = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double w = weight_at(weight, i);
        sum += w;
        *squares += w * w;
    }
    return sum;
}

static void weighted_mean(mote_kernel *kernel, const double *y, const double *weight, int64_t n, double sum)
{
    const int64_t d = kernel->dimension;
    memset(kernel->mean, 0, (size_t)d * sizeof(double));
    for (int64_t i = 0; i < n; ++i) {
        const double w = weight_at(weight, i) / sum;
        for (int64_t j = 0; j < d && w > 0; ++j)
            kernel->mean[j] += w * y[i * d + j];
    }
}

/* covariance += factor * (row - mean)(row - mean)', the lower triangle. */
static void add_square(const mote_kernel *kernel, const double *row, double factor)
{
    const int64_t d = kernel->dimension;
    double *x = kernel->scratch;
    for (int64_t j = 0; j < d; ++j)
        x[j] = row[j] - kernel->mean[j];
    for (int64_t j = 0; j < d; ++j)
        for (int64_t k = 0; k <= j; ++k)
            kernel->covariance[j * d + k] += factor * x[j] * x[k];
}

/* Lower triangle to full matrix, with floors on the diagonal; then the factor, diagonal when all else fails. */
static void finish(mote_kernel *kernel, double shrink)
{
    const int64_t d = kernel->dimension;
    double *c = kernel->covariance, *scratch = kernel->lower;
    for (int64_t j = 0; j < d; ++j) {
        const double floor = 1e-12 * kernel->unit[j] * kernel->unit[j];
        if (!(c[j * d + j] > floor))
            c[j * d + j] = floor;
        for (int64_t k = 0; k < j; ++k)
            c[k * d + j] = c[j * d + k] = (1 - shrink) * c[j * d + k];
    }
    if (!mote_cholesky(scratch, c, d))
        return;
    memset(scratch, 0, (size_t)(d * d) * sizeof(double));
    for (int64_t j = 0; j < d; ++j)
        scratch[j * d + j] = sqrt(c[j * d + j]);
}

void mote_kernel_tune(mote_kernel *kernel, const double *y, const double *weight, int64_t n)
{
    const int64_t d = kernel->dimension;
    double squares, sum = weigh(weight, n, &squares);
    if (!(sum > 0) || !isfinite(sum))
        return;
    weighted_mean(kernel, y, weight, n, sum);
    memset(kernel->covariance, 0, (size_t)(d * d) * sizeof(double));
    for (int64_t i = 0; i < n; ++i)
        if (weight_at(weight, i) > 0)
            add_square(kernel, y + i * d, weight_at(weight, i) / sum);
    for (int64_t j = 0; j < d && *kernel->tuned == 0; ++j) {
        const double sd = sqrt(kernel->covariance[j * d + j]);
        kernel->unit[j] = sd > 0 && isfinite(sd) ? sd : 1;
    }
    finish(kernel, (double)(d + 1) / ((double)(d + 1) + sum * sum / squares));
    if (kernel->method->fit)
        kernel->method->fit(kernel, y, weight, n);
    *kernel->tuned = 1;
}

void mote_kernel_learn(mote_kernel *kernel, const double *y, int64_t n, double gain)
{
    const int64_t d = kernel->dimension;
    if (n < 1)
        return;
    for (int64_t j = 0; j < d * d; ++j)
        kernel->covariance[j] *= 1 - gain;
    for (int64_t i = 0; i < n; ++i)
        add_square(kernel, y + i * d, gain / (double)n);
    for (int64_t j = 0; j < d; ++j) {
        double mean = 0;
        for (int64_t i = 0; i < n; ++i)
            mean += y[i * d + j] / (double)n;
        kernel->mean[j] += gain * (mean - kernel->mean[j]);
    }
    finish(kernel, 0);
}

void mote_kernel_refit(mote_kernel *kernel)
{
    if (kernel->method->prepare)
        kernel->method->prepare(kernel);
}

void mote_kernel_adapt(mote_kernel *kernel, double acceptance, double gain)
{
    if (kernel->method->target_acceptance && !isnan(acceptance))
        *kernel->log_scale += gain * (acceptance - kernel->method->target_acceptance(kernel->dimension));
}

double mote_kernel_target_acceptance(const mote_kernel *kernel)
{
    return kernel->method->target_acceptance ? kernel->method->target_acceptance(kernel->dimension) : NAN;
}

const double *mote_kernel_mean(const mote_kernel *kernel)
{
    return kernel->mean;
}

double mote_kernel_scale(const mote_kernel *kernel)
{
    return exp(*kernel->log_scale);
}

int64_t mote_kernel_tuning_count(const mote_kernel *kernel)
{
    return kernel->tuning_count;
}

void mote_kernel_get_tuning(const mote_kernel *kernel, double *values)
{
    memcpy(values, kernel->tuning, (size_t)kernel->tuning_count * sizeof *values);
}

void mote_kernel_set_tuning(mote_kernel *kernel, const double *values)
{
    memcpy(kernel->tuning, values, (size_t)kernel->tuning_count * sizeof *values);
}

/* ---- checkpoint ------------------------------------------------------------------------------------------------ */

static void put_point(const mote_kernel *kernel, const mote_kernel_point *point, mote_writer *writer)
{
    mote_put_reals(writer, point->y, kernel->dimension);
    mote_put_reals(writer, point->theta, kernel->space->theta_count);
    mote_put_reals(writer, point->derived, kernel->space->derived_count);
    mote_put_reals(writer, point->slope, kernel->method->gradient ? kernel->dimension : 0);
    mote_put_reals(writer, point->base_slope, kernel->method->gradient ? kernel->dimension : 0);
    mote_put_real(writer, point->log_likelihood);
    mote_put_real(writer, point->log_base);
    mote_put_integer(writer, point->id);
}

static void get_point(const mote_kernel *kernel, mote_kernel_point *point, mote_reader *reader)
{
    mote_get_reals(reader, point->y, kernel->dimension);
    mote_get_reals(reader, point->theta, kernel->space->theta_count);
    mote_get_reals(reader, point->derived, kernel->space->derived_count);
    mote_get_reals(reader, point->slope, kernel->method->gradient ? kernel->dimension : 0);
    mote_get_reals(reader, point->base_slope, kernel->method->gradient ? kernel->dimension : 0);
    point->log_likelihood = mote_get_real(reader);
    point->log_base = mote_get_real(reader);
    point->id = mote_get_integer(reader);
}

#define CHAIN_INTEGERS(X) X(steps) X(step) X(accepted) X(rows) X(phase) X(trace)

void mote_kernel_save(const mote_kernel *kernel, int64_t n, mote_writer *writer)
{
    const int64_t work = kernel->method->work_size(kernel);
    mote_put_tag(writer, "kernel");
    mote_put_real(writer, kernel->inverse_temperature);
    mote_put_reals(writer, kernel->tuning, kernel->tuning_count);
    for (int64_t i = 0; i < n; ++i) {
        const mote_kernel_chain *chain = &kernel->chains[i];
        mote_put_stream(writer, &chain->stream);
        put_point(kernel, &chain->current, writer);
        put_point(kernel, &chain->proposal, writer);
#define PUT(name) mote_put_integer(writer, chain->name);
        CHAIN_INTEGERS(PUT)
#undef PUT
        mote_put_real(writer, chain->acceptance);
        mote_put_real(writer, chain->squared_jump);
        mote_put_reals(writer, chain->work, work);
    }
}

/* A trace that the population at hand cannot hold would be written outside it. */
static int sound(const mote_kernel *kernel, const mote_kernel_chain *chain)
{
    const int64_t left = chain->steps - chain->step, room = kernel->trace ? kernel->trace->capacity : 0;
    return chain->step >= 0 && left >= 0 && chain->trace >= -1
           && (chain->trace < 0 || !kernel->trace || chain->trace <= room - left);
}

void mote_kernel_load(mote_kernel *kernel, int64_t n, mote_reader *reader)
{
    const int64_t work = kernel->method->work_size(kernel);
    mote_get_tag(reader, "kernel");
    kernel->inverse_temperature = mote_get_real(reader);
    mote_get_reals(reader, kernel->tuning, kernel->tuning_count);
    for (int64_t i = 0; i < n && !reader->status; ++i) {
        mote_kernel_chain *chain = &kernel->chains[i];
        mote_get_stream(reader, &chain->stream);
        get_point(kernel, &chain->current, reader);
        get_point(kernel, &chain->proposal, reader);
#define GET(name) chain->name = mote_get_integer(reader);
        CHAIN_INTEGERS(GET)
#undef GET
        chain->acceptance = mote_get_real(reader);
        chain->squared_jump = mote_get_real(reader);
        mote_get_reals(reader, chain->work, work);
        if (!reader->status && !sound(kernel, chain))
            reader->status = MOTE_ECORRUPT;
    }
}
