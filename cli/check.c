/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote check MODEL.so [FILE.ini]: questions to a model before a run asks them. */
#include <string.h>

#include "cli/builtin.h"
#include "cli/check_ssm.h"
#include "cli/check_watch.h"
#include "cli/place.h"
#include "core/number.h"

static int ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

/* MODEL.so alone, FILE.ini alone, or both: the file then gives [model] and [parameters]. */
static int open_job(mote_job *job, const mote_arguments *arguments)
{
    const char *model = NULL, *file = NULL;
    char text[MOTE_JOB_PATH + 64];
    for (int i = 0; i < arguments->count; ++i)
        if (ends_with(arguments->operands[i], ".ini"))
            file = arguments->operands[i];
        else
            model = arguments->operands[i];
    if (arguments->count > 2 || arguments->count != (model != NULL) + (file != NULL) || !arguments->count)
        return mote_complain(MOTE_EXIT_USAGE, "check: MODEL.so, FILE.ini or both are needed");
    /* Here, where no ini file stands between: the message names what was typed. */
    int code = model && !mote_builtin_find(model) ? mote_find_plugin(arguments->program, NULL, model, text, sizeof text) : 0;
    if (code)
        return code;
    if (!file) {
        snprintf(text, sizeof text, "[run]\nmodel = %s\nname = check\n", model);
        return mote_job_open_text(job, text, "check.ini", arguments);
    }
    return mote_job_open_model(job, file, model, arguments);
}

static int ask(const mote_job *job)
{
    mote_check check;
    int code = mote_check_open(&check, job, 200);
    if (!code) {
        printf("model %s: %d sampled, %d derived parameters; %d draws from the prior\n", check.space.target.name,
               (int)check.space.sampled_count, (int)check.space.derived_count, (int)check.n);
        mote_check_prior(&check);
        if (!mote_check_repetition(&check)) {
            mote_check_threads(&check);
            mote_check_failures(&check);
            mote_check_gradient(&check);
            mote_check_cost(&check);
            mote_check_invariance(&check);
        }
        printf("%d failed, %d to look at\n", check.failures, check.notes);
        code = check.failures ? MOTE_EXIT_DATA : 0;
    }
    mote_check_close(&check);
    return code;
}

/* [run] row_seconds, where it is given, is the time that a row may take. */
static void set_limit(const mote_job *job)
{
    char text[64];
    double seconds;
    if (!mote_option_get(mote_algorithm_options(job->algorithm), job->options, "row_seconds", text, sizeof text) &&
        !mote_number_parse(text, &seconds))
        mote_check_limit(seconds);
}

static int ask_all(const mote_arguments *arguments)
{
    mote_job job = { .file = NULL };
    int code = open_job(&job, arguments), again = 0;
    if (!code)
        set_limit(&job);
    if (!code && mote_plugin_target(job.plugin))
        code = ask(&job);
    mote_check_at(10, "before the questions to the state-space model");
    if ((!code || code == MOTE_EXIT_DATA) && mote_plugin_ssm(job.plugin))
        again = mote_check_ssm(&job);
    code = code ? code : again;
    mote_check_at(10, "while it was released");
    mote_job_close(&job);
    return code;
}

static int run(const mote_arguments *arguments)
{
    return mote_check_watched(ask_all, arguments);
}

static const mote_flag flags[] = {
    { "set", 's', "KEY=VALUE", "set a key of the ini file: section.key=value" },
    { NULL, 0, NULL, NULL },
};

const mote_verb mote_verb_check = {
    .name = "check",
    .operands = "MODEL.so|FILE.ini",
    .help = "Test a model before a run does",
    .details = "Prior round trip; batch against single rows; repeated calls; one thread against many; failures at the prior\n"
               "and at its corners; gradient against finite differences; cost; two short runs that must agree. Of a\n"
               "state-space model: single particles against blocks; threads; samplers against their densities; bound;\n"
               "maps; gradient; cost. The questions are asked in a process of their own: a crash, and a call that takes\n"
               "over a minute (or row_seconds), are told with the point, or the function and step of a state-space model.",
    .flags = flags,
    .run = run,
};
