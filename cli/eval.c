/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote eval FILE.ini name=value...: the model at one point. */
#include <math.h>
#include <string.h>

#include "cli/job.h"
#include "core/message.h"
#include "core/number.h"
#include "model/space.h"

/* One point of a compiled target. */
typedef struct place {
    mote_memory memory;
    mote_space space;
    double *theta, *derived;
    const char **origin; /* of each theta entry: "given", "fixed", "prior median" */
    double log_prior, log_likelihood;
    int inside;
} place;

static const mote_parameter *theta_parameter(const place *point, int64_t entry)
{
    return &point->space.parameters[point->space.theta_parameter[entry]];
}

static const char *theta_name(const void *ctx, int64_t i)
{
    return theta_parameter(ctx, i)->name;
}

static int open_point(place *point, const mote_job *job)
{
    mote_message message = { "" };
    if (!mote_plugin_target(job->plugin))
        return mote_complain(MOTE_EXIT_CONFIG,
                             "eval: the model hands out a state-space model, whose likelihood is an estimate: "
                             "`mote filter` computes it");
    if (mote_memory_open(&point->memory, NULL))
        return MOTE_EXIT_INTERNAL;
    int status = mote_space_open(&point->space, mote_plugin_target(job->plugin), &point->memory, &message);
    if (status)
        return mote_complain(mote_exit_code(status), "%s", message.text);
    point->theta = mote_memory_allocate(&point->memory, point->space.theta_count, sizeof *point->theta);
    point->derived = mote_memory_allocate(&point->memory, point->space.derived_count, sizeof *point->derived);
    point->origin = mote_memory_allocate(&point->memory, point->space.theta_count, sizeof *point->origin);
    if (!point->theta || !point->derived || !point->origin)
        return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    return 0;
}

static void close_point(place *point)
{
    mote_memory_release(&point->memory, point->theta);
    mote_memory_release(&point->memory, point->derived);
    mote_memory_release(&point->memory, (void *)point->origin);
    mote_space_close(&point->space);
}

/* The middle of the cube, so that a value that is not given is in the support and said to be a stand-in. */
static int start_at_median(place *point)
{
    const int64_t d = point->space.dimension;
    double *cube = mote_memory_allocate(&point->memory, d, sizeof *cube);
    if (!cube)
        return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    for (int64_t i = 0; i < d; ++i)
        cube[i] = 0.5;
    int status = mote_space_transform(&point->space, cube, point->theta);
    mote_memory_release(&point->memory, cube);
    for (int64_t i = 0; i < point->space.theta_count; ++i)
        point->origin[i] = theta_parameter(point, i)->prior == MOTE_PRIOR_FIXED ? "fixed" : "prior median";
    return status ? mote_complain(mote_exit_code(status), "the model's prior transform failed (%d)", status) : 0;
}

static const char given[] = "given";

static int set_value(place *point, const char *text)
{
    char name[128];
    const size_t length = strcspn(text, "=");
    double value;
    if (text[length] != '=' || mote_number_parse(text + length + 1, &value))
        return mote_complain(MOTE_EXIT_USAGE, "eval: '%s': write name=number", text);
    if (isnan(value))
        return mote_complain(MOTE_EXIT_USAGE, "eval: '%s': NaN is no value of a parameter", text);
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    for (int64_t i = 0; i < point->space.theta_count; ++i)
        if (!strcmp(theta_parameter(point, i)->name, name)) {
            if (!strcmp(point->origin[i], given))
                return mote_complain(MOTE_EXIT_USAGE, "eval: '%s': %s was given before", text, name);
            point->theta[i] = value;
            point->origin[i] = given;
            return 0;
        }
    const char *nearest = mote_nearest(name, point->space.theta_count, theta_name, point);
    return mote_complain(MOTE_EXIT_USAGE, "eval: the model has no parameter '%s' to set%s%s%s", name,
                         nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static int evaluate(place *point)
{
    mote_row_function function;
    const int64_t id = 0;
    mote_space_row_function(&point->space, &function);
    mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = point->space.theta_count,
                         .stride = point->space.theta_count, .theta = point->theta,
                         .log_likelihood = &point->log_likelihood, .derived_count = point->space.derived_count,
                         .derived_stride = point->space.derived_count,
                         .derived = point->space.derived_count ? point->derived : NULL, .id = &id };
    point->log_likelihood = NAN;
    for (int64_t i = 0; i < point->space.derived_count; ++i)
        point->derived[i] = NAN;
    point->log_prior = mote_space_log_prior(&point->space, point->theta);
    point->inside = mote_space_inside(&point->space, point->theta);
    int status = function.evaluate(function.ctx, &batch);
    return status < 0 ? mote_complain(mote_exit_code(status), "the model asked to stop with code %d", status) : 0;
}

static void print_value(const char *name, double value, const char *note)
{
    char text[MOTE_NUMBER_SIZE];
    printf("%-24s %-24s %s\n", name, mote_number_format(text, value, 15), note);
}

static int is_chi_squared(const char *name)
{
    return !strncmp(name, "chi2", 4) || !strncmp(name, "chi_squared", 11);
}

static const char *note_on_prior(const place *point)
{
    return point->inside == 0                                  ? "outside the joint constraint"
           : isinf(point->log_prior) && point->log_prior < 0   ? "outside the prior"
                                                               : "";
}

static void print_point(const place *point)
{
    const mote_space *space = &point->space;
    for (int64_t i = 0; i < space->theta_count; ++i)
        print_value(theta_parameter(point, i)->name, point->theta[i], point->origin[i]);
    putchar('\n');
    print_value("log_prior", point->log_prior, note_on_prior(point));
    print_value("log_likelihood", point->log_likelihood,
                isnan(point->log_likelihood) ? "the evaluation failed" : "");
    print_value("chi_squared", -2 * point->log_likelihood, "-2 log_likelihood");
    for (int pass = 0; pass < 2; ++pass)
        for (int64_t i = 0; i < space->derived_count; ++i) {
            const mote_parameter *parameter = &space->parameters[space->derived_parameter[i]];
            if (is_chi_squared(parameter->name) == !pass)
                print_value(parameter->name, point->derived[i], pass ? "derived" : "");
        }
}

static int run(const mote_arguments *arguments)
{
    mote_job job;
    place point = { .inside = 0 };
    if (arguments->count < 1)
        return mote_complain(MOTE_EXIT_USAGE, "eval: an ini file is needed");
    int code = mote_job_open(&job, arguments->operands[0], arguments);
    if (!code) {
        code = open_point(&point, &job);
        code = code ? code : start_at_median(&point);
        for (int i = 1; !code && i < arguments->count; ++i)
            code = set_value(&point, arguments->operands[i]);
        code = code ? code : evaluate(&point);
        if (!code)
            print_point(&point);
        close_point(&point);
    }
    mote_job_close(&job);
    return code;
}

static const mote_flag flags[] = {
    { "set", 's', "KEY=VALUE", "set a key of the ini file: section.key=value" },
    { NULL, 0, NULL, NULL },
};

const mote_verb mote_verb_eval = {
    .name = "eval",
    .operands = "FILE.ini name=value...",
    .help = "Evaluate the model at one point",
    .details =
        "Prints prior density, log-likelihood, chi-square (of each data set where the model has derived parameters\n"
        "named chi2_...) and derived parameters. Parameters that are not named stand at their prior median.",
    .flags = flags,
    .run = run,
};
