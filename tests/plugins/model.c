/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plug-in for tests: a correlated pair of normals whose faults can be asked for in [model].
 *
 *   likelihood   gaussian | nan | zero | constant | failing | stop | half_nan | drifting |
 *                narrow (in theta[0], as far as doubles go)
 *   gradient     none | right | wrong       (batch function)
 *   open         ok | fail                  fails after release was set
 *   terms        number of equal terms that the likelihood is the sum of; 0: it has none
 *   threads      yes | no
 *   cost         busy microseconds per call
 *   width        sd of the gaussian
 *   data         file of two columns: an offset is added to log L for each row (sum of the second column)
 *   released     file that gets one letter for each call of release
 *   identity     yes: the plug-in names its likelihood itself */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <mote/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct pair_model {
    mote_target target;
    char likelihood[32], gradient[32], released[1024];
    double width, cost, offset;
    int64_t calls;
} pair_model;

static const mote_parameter parameters[] = {
    MOTE_UNIFORM("slope", -5, 5, .label = "b"),
    MOTE_NORMAL("offset", 0, 2),
    MOTE_FIXED("scale", 1),
    MOTE_DERIVED("chi2_pair"),
};

static int fail(const mote_host *host, int status, const char *text)
{
    host->error(host->ctx, text);
    return status;
}

static void wait_for(double microseconds)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while (1e6 * (double)(now.tv_sec - start.tv_sec) + 1e-3 * (double)(now.tv_nsec - start.tv_nsec) < microseconds);
}

static double chi_squared(const pair_model *pair, const double *theta)
{
    const double a = theta[0] / pair->width, b = theta[1] / (pair->width * theta[2]);
    return a * a + b * b;
}

static int point(void *ctx, const double *theta, double *value, double *derived)
{
    pair_model *model = ctx;
    const char *kind = model->likelihood;
    if (model->cost > 0)
        wait_for(model->cost);
    derived[0] = chi_squared(model, theta);
    *value = -0.5 * derived[0] + model->offset;
    if (!strcmp(kind, "nan") || (!strcmp(kind, "half_nan") && theta[0] < 0))
        *value = NAN;
    else if (!strcmp(kind, "zero"))
        *value = -INFINITY;
    else if (!strcmp(kind, "constant"))
        *value = 0;
    else if (!strcmp(kind, "narrow"))
        *value = -1e305 * theta[0] * theta[0];
    else if (!strcmp(kind, "drifting"))
        *value += 1e-9 * (double)model->calls++; /* not a function of theta: what `mote check` must notice */
    return !strcmp(kind, "failing") ? 1 : !strcmp(kind, "stop") ? -7 : 0;
}

static int batch(void *ctx, const mote_batch *rows)
{
    pair_model *model = ctx;
    const double wrong = strcmp(model->gradient, "wrong") ? 1 : 1.01;
    for (int64_t i = 0; i < rows->n; ++i) {
        const double *theta = rows->theta + i * rows->stride, variance = model->width * model->width;
        int code = point(ctx, theta, &rows->log_likelihood[i], rows->derived + i * rows->derived_stride);
        if (code)
            return code;
        if (!rows->gradient)
            continue;
        double *gradient = rows->gradient + i * rows->stride;
        gradient[0] = -theta[0] / variance * wrong;
        gradient[1] = -theta[1] / (variance * theta[2] * theta[2]);
        gradient[2] = theta[1] * theta[1] / (variance * theta[2] * theta[2] * theta[2]);
    }
    return 0;
}

static int terms(void *ctx, const mote_batch *rows, int64_t first, int64_t count)
{
    const pair_model *model = ctx;
    int code = batch(ctx, rows);
    (void)first;
    for (int64_t i = 0; i < rows->n; ++i)
        rows->log_likelihood[i] *= (double)count / (double)model->target.term_count;
    for (int64_t i = 0; rows->gradient && i < rows->n * rows->stride; ++i)
        rows->gradient[i] *= (double)count / (double)model->target.term_count;
    return code;
}

static void release(void *ctx)
{
    pair_model *model = ctx;
    FILE *file = *model->released ? fopen(model->released, "a") : NULL;
    if (file) {
        fputc('r', file);
        fclose(file);
    }
    free(model);
}

static int read_data(const mote_host *host, const mote_config *section, pair_model *model, const char *name)
{
    char path[1024], line[256], text[1400];
    if (host->config_path(section, name, path, sizeof path))
        return fail(host, MOTE_EINVAL, "path too long");
    FILE *file = fopen(path, "r");
    if (!file) {
        snprintf(text, sizeof text, "%s: cannot be opened", path);
        return fail(host, MOTE_ENOENT, text);
    }
    for (int number = 1; fgets(line, sizeof line, file); ++number) {
        double x, y, z;
        if (sscanf(line, "%lf %lf %lf", &x, &y, &z) != 2) {
            snprintf(text, sizeof text, "%s:%d: two columns are needed", path, number);
            fclose(file);
            return fail(host, MOTE_EPARSE, text);
        }
        model->offset += y;
    }
    fclose(file);
    host->identify(host->ctx, path);
    return 0;
}

static int read_keys(const mote_host *host, const mote_config *section, pair_model *model)
{
    char text[512];
    const char *data = host->config_get(section, "data", NULL);
    snprintf(model->likelihood, sizeof model->likelihood, "%s", host->config_get(section, "likelihood", "gaussian"));
    snprintf(model->gradient, sizeof model->gradient, "%s", host->config_get(section, "gradient", "none"));
    snprintf(model->released, sizeof model->released, "%s", host->config_get(section, "released", ""));
    int status = host->config_real(section, "width", 0.5, &model->width, text, sizeof text);
    status = status ? status : host->config_real(section, "cost", 0, &model->cost, text, sizeof text);
    return status ? fail(host, status, text) : data ? read_data(host, section, model, data) : 0;
}

MOTE_PLUGIN_ENTRY(const mote_host *host, const mote_config *section, mote_model *out)
{
    const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters), .name = "pair" };
    int64_t safe, named;
    double count;
    char text[512];
    pair_model *model = calloc(1, sizeof *model);
    if (!model)
        return fail(host, MOTE_ENOMEM, "no memory");
    out->ctx = model;
    out->release = release;
    model->target = target;
    model->target.ctx = model;
    int status = read_keys(host, section, model);
    if (status)
        return status;
    if (host->config_truth(section, "threads", 1, &safe, text, sizeof text) ||
        host->config_truth(section, "identity", 0, &named, text, sizeof text))
        return fail(host, MOTE_EPARSE, text);
    if (host->config_real(section, "terms", 0, &count, text, sizeof text))
        return fail(host, MOTE_EPARSE, text);
    if (!strcmp(host->config_get(section, "open", "ok"), "fail"))
        return fail(host, MOTE_EINVAL, "the tests asked for a failure");
    model->target.flags = safe ? MOTE_THREADSAFE : 0;
    model->target.identity = named ? "pair of normals" : NULL;
    if (strcmp(model->gradient, "none")) {
        model->target.log_likelihood = batch;
        model->target.flags |= MOTE_HAS_GRADIENT;
    } else {
        model->target.log_likelihood_point = point;
    }
    if (count > 0) {
        model->target.log_likelihood_terms = terms;
        model->target.term_count = (int64_t)count;
    }
    out->target = &model->target;
    return 0;
}
