/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From an ini file to a loaded model and a filled options struct. Every complaint names file and line. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "cli/job.h"

#include <errno.h>
#include <libgen.h>
#include <mote/filter.h>
#include <mote/smoother.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/builtin.h"
#include "cli/place.h"
#include "core/message.h"
#include "core/run.h"
#include "model/plugin.h"

enum { LONGEST_INPUT = 1 << 20 };

static const char *const run_keys[] = { "sampler", "model", "output", "name" };
enum { RUN_KEYS = sizeof run_keys / sizeof *run_keys };

/* ---- sections and keys ---------------------------------------------------------------------------------------- */

enum { FIXED_SECTIONS = 6 };

static const char *section_at(const void *ctx, int64_t i)
{
    static const char *const fixed[FIXED_SECTIONS] = { "run", "model", "parameters", "record", "data", "smooth" };
    (void)ctx;
    return i < FIXED_SECTIONS ? fixed[i] : mote_algorithm_name(mote_algorithm_at(i - FIXED_SECTIONS));
}

static int64_t section_count(void)
{
    int64_t n = FIXED_SECTIONS;
    while (mote_algorithm_at(n - FIXED_SECTIONS))
        ++n;
    return n;
}

static int check_sections(const mote_config *file)
{
    const char *name;
    for (int64_t i = 0; (name = mote_config_section_name(file, i)); ++i) {
        int64_t k = 0;
        while (k < section_count() && strcmp(section_at(NULL, k), name) != 0)
            ++k;
        if (k < section_count())
            continue;
        const char *nearest = mote_nearest(name, section_count(), section_at, NULL);
        return mote_complain(MOTE_EXIT_CONFIG, "%s: unknown section [%s]%s%s%s",
                             mote_config_where(mote_config_section(file, name), NULL), name,
                             nearest ? "; did you mean [" : "", nearest ? nearest : "", nearest ? "]?" : "");
    }
    return 0;
}

/* The words that may stand in a section: candidates for "did you mean". */
typedef struct words {
    const mote_option_table *table;
    int common; /* 1: the common options of the table and run_keys; 0: the others */
} words;

static const char *word_at(const void *ctx, int64_t i)
{
    const words *list = ctx;
    if (list->common && i >= list->table->count)
        return run_keys[i - list->table->count];
    const char *key = list->table->options[i].key;
    return mote_option_is_common(key) == list->common ? key : "";
}

static int unknown_key(const mote_config *section, const char *name, const char *key, const mote_option_table *table)
{
    const words list = { table, !strcmp(name, "run") };
    const char *nearest = mote_nearest(key, table->count + (list.common ? RUN_KEYS : 0), word_at, &list);
    const mote_option_table *other;
    if (nearest && *nearest)
        return mote_complain(MOTE_EXIT_CONFIG, "%s: unknown key '%s' in [%s]; did you mean '%s'?",
                             mote_config_where(section, key), key, name, nearest);
    if (mote_any_option(key, &other))
        return mote_complain(MOTE_EXIT_CONFIG, "%s: '%s' belongs in section [%s]", mote_config_where(section, key), key,
                             mote_option_is_common(key) ? "run" : other->name);
    return mote_complain(MOTE_EXIT_CONFIG, "%s: unknown key '%s' in [%s]; `mote config` lists all",
                         mote_config_where(section, key), key, name);
}

/* Keys that are no options: those of [run] above, and one of [filter]. */
static int is_filter_key(const char *section, const char *key)
{
    return !strcmp(section, "filter") && !strcmp(key, "learn");
}

static int is_run_key(const char *key)
{
    for (int i = 0; i < RUN_KEYS; ++i)
        if (!strcmp(run_keys[i], key))
            return 1;
    return 0;
}

/* Sets the options of `table` that stand in the section; in [run] the common ones, else the sampler's own. */
static int read_section(const mote_config *section, const char *name, const mote_option_table *table, void *options)
{
    const int common = !strcmp(name, "run");
    char message[600];
    const char *key;
    for (int64_t i = 0; (key = mote_config_key(section, i)); ++i) {
        const char *value = mote_config_get(section, key, "");
        if ((common && is_run_key(key)) || is_filter_key(name, key))
            continue;
        if (!mote_option_find(table, key) || mote_option_is_common(key) != common)
            return unknown_key(section, name, key, table);
        int status = mote_option_set(table, options, key, value, message, sizeof message);
        if (status)
            return mote_complain(mote_exit_code_of_config(status), "%s: %s", mote_config_where(section, key), message);
    }
    return 0;
}

/* What a learner makes of a key of [filter], NULL: nothing. Where its default is to resample at every step (option
 * resample_when), the filter's default says nothing of it, and the filter's threshold is the filter's. */
static const char *shared_key(const mote_option_table *table, const char *key, const char *value)
{
    if (!mote_option_find(table, "resample_when"))
        return key;
    if (!strcmp(key, "resample"))
        return strcmp(value, "0") != 0 && strcmp(value, "ess") != 0 ? "resample_when" : NULL;
    return strcmp(key, "ess_threshold") != 0 ? key : NULL;
}

static int is_of_command_line(const mote_config *section, const char *key)
{
    const char *where = mote_config_get(section, key, NULL) ? mote_config_where(section, key) : NULL;
    return where && !strcmp(where, "(set)");
}

/* A learner takes what it shares with the filter (particles, resampling, ...) from [filter], unless its own section
 * says: the command line's --set filter.KEY goes before what the file says there. After the sections are read. */
static int share_filter_options(const mote_job *job, const mote_option_table *table)
{
    const mote_config *section = mote_config_section(job->file, "filter"),
                      *own = mote_config_section(job->file, table->name);
    const char *key;
    char message[600];
    if (!mote_config_get(section, "learn", NULL))
        return 0;
    for (int64_t i = 0; (key = mote_config_key(section, i)); ++i) {
        const char *value = mote_config_get(section, key, ""), *name = shared_key(table, key, value);
        if (!name || !mote_option_find(table, name) || mote_option_is_common(name))
            continue;
        if (mote_config_get(own, name, NULL) && (!is_of_command_line(section, key) || is_of_command_line(own, name)))
            continue;
        if (mote_option_set(table, job->options, name, value, message, sizeof message))
            return mote_complain(MOTE_EXIT_CONFIG, "%s: learn = %s takes %s from [filter], and cannot: %s",
                                 mote_config_where(section, key), table->name, key, message);
    }
    return 0;
}

static int read_options(mote_job *job)
{
    const mote_algorithm *algorithm;
    const mote_option_table *table = mote_algorithm_options(job->algorithm);
    const mote_head head = { (uint32_t)table->size, (uint32_t)table->kind };
    job->options = calloc(1, (size_t)table->size);
    if (!job->options)
        return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    memcpy(job->options, &head, sizeof head);
    int code = read_section(mote_config_section(job->file, "run"), "run", table, job->options);
    for (int64_t i = 0; !code && (algorithm = mote_algorithm_at(i)); ++i) {
        /* The sections of other samplers are checked too, and not used. */
        const mote_option_table *other = mote_algorithm_options(algorithm);
        void *options = job->options;
        if (algorithm != job->algorithm) {
            options = calloc(1, (size_t)other->size);
            if (!options)
                return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
            const mote_head their_head = { (uint32_t)other->size, (uint32_t)other->kind };
            memcpy(options, &their_head, sizeof their_head);
        }
        code = read_section(mote_config_section(job->file, other->name), other->name, other, options);
        if (!code && algorithm == mote_smoother) /* its verb is `smooth` */
            code = read_section(mote_config_section(job->file, "smooth"), "smooth", other, options);
        if (options != job->options)
            free(options);
    }
    return code ? code : share_filter_options(job, table);
}

static const char *sampler_at(const void *ctx, int64_t i)
{
    (void)ctx;
    return mote_algorithm_name(mote_algorithm_at(i));
}

static int unknown_sampler(const mote_config *section, const char *key, const char *name)
{
    const char *nearest = mote_nearest(name, section_count() - FIXED_SECTIONS, sampler_at, NULL);
    return mote_complain(MOTE_EXIT_CONFIG, "%s: unknown %s '%s'%s%s%s", mote_config_where(section, key),
                         !strcmp(key, "learn") ? "way to learn" : key, name, nearest ? "; did you mean '" : "",
                         nearest ? nearest : "", nearest ? "'?" : "");
}

static const char *const learners[] = { "pmmh", "smc2", "particle_gibbs", "iterated_filtering", "score_ascent" };

/* [filter] learn = NAME: the sampler that learns the parameters in place of the filter. */
static int choose_learner(mote_job *job)
{
    const mote_config *section = mote_config_section(job->file, "filter");
    const char *name = mote_config_get(section, "learn", NULL);
    if (!name)
        return 0;
    job->algorithm = mote_algorithm_find(name);
    if (!job->algorithm)
        return unknown_sampler(section, "learn", name);
    for (size_t i = 0; i < sizeof learners / sizeof *learners; ++i)
        if (!strcmp(learners[i], name))
            return 0;
    return mote_complain(MOTE_EXIT_CONFIG, "%s: learn = %s: that sampler does not learn the parameters of state-space "
                         "models; pmmh, smc2, particle_gibbs, iterated_filtering and score_ascent do%s",
                         mote_config_where(section, "learn"), name,
                         !strcmp(name, "ppg") ? ": by ppg with learn = score_ascent and [score_ascent] score = ppg" : "");
}

/* With learn: at least one parameter that is not fixed. */
static int check_learner(const mote_job *job)
{
    const mote_config *section = mote_config_section(job->file, "filter");
    const char *name = mote_config_get(section, "learn", NULL);
    const mote_ssm *model = mote_plugin_ssm(job->plugin);
    if (!name || !model || strcmp(mote_algorithm_name(job->algorithm), name) != 0)
        return 0;
    for (int64_t i = 0; i < model->parameter_count; ++i)
        if (model->parameters[i].prior != MOTE_PRIOR_FIXED && model->parameters[i].prior != MOTE_PRIOR_DERIVED)
            return 0;
    return mote_complain(MOTE_EXIT_CONFIG, "%s: learn = %s: all parameters of the model %s are fixed: there is nothing "
                         "to learn", mote_config_where(section, "learn"), name, model->name ? model->name : "model");
}

static int choose_sampler(mote_job *job)
{
    const mote_config *run = mote_config_section(job->file, "run");
    const char *name = mote_config_get(run, "sampler", "nested");
    job->algorithm = mote_algorithm_find(name);
    if (!job->algorithm)
        return unknown_sampler(run, "sampler", name);
    return job->algorithm == mote_filter ? choose_learner(job) : 0;
}

/* ---- the model ------------------------------------------------------------------------------------------------- */

static int load_model(mote_job *job, const char *program)
{
    const mote_config *run = mote_config_section(job->file, "run"), *section = mote_config_section(job->file, "model");
    const char *name = mote_config_get(run, "model", NULL);
    char message[1200], path[MOTE_JOB_PATH];
    if (!name)
        return mote_complain(MOTE_EXIT_CONFIG,
                             "%s: key 'model' is missing in [run]: the path of a plug-in, or the name "
                             "of a built-in model",
                             job->source);
    const mote_builtin *builtin = mote_builtin_find(name);
    int status;
    if (builtin) {
        status = mote_plugin_load_function(&job->plugin, name, builtin->open, section, message, sizeof message);
    } else {
        int code = mote_find_plugin(program, run, name, path, sizeof path);
        if (code)
            return code;
        status = mote_plugin_load(&job->plugin, path, section, message, sizeof message);
    }
    if (!status)
        status = mote_plugin_override(job->plugin, mote_config_section(job->file, "parameters"), message,
                                      sizeof message);
    return status ? mote_complain(mote_exit_code(status), "%s", message)
                  : mote_data_open(&job->data, mote_config_section(job->file, "data"), job->plugin);
}

static const void *ssm_of(const mote_job *job, const char *sampler)
{
    const mote_ssm *ssm = mote_plugin_ssm(job->plugin);
    if (!ssm)
        mote_complain(MOTE_EXIT_CONFIG,
                      "sampler = %s runs state-space models, and the model %s hands out a target only", sampler,
                      mote_plugin_target(job->plugin)->name);
    else if (job->data.stream)
        mote_complain(MOTE_EXIT_CONFIG,
                      "[data] file = - (standard input) is for `mote filter`; sampler = %s needs a file", sampler);
    else if (!ssm->series)
        mote_complain(MOTE_EXIT_CONFIG, "the model %s carries no series: name its file in [data], file = series.csv",
                      ssm->name);
    else
        return ssm;
    return NULL;
}

const void *mote_job_model(const mote_job *job)
{
    const char *sampler = mote_algorithm_name(job->algorithm);
    if (job->algorithm->model_kind == MOTE_KIND_mote_ssm)
        return ssm_of(job, sampler);
    const mote_target *target = mote_plugin_target(job->plugin);
    if (!target)
        mote_complain(MOTE_EXIT_CONFIG,
                      "sampler = %s runs targets, and the model %s hands out a state-space model only: take "
                      "sampler = filter, pmmh or another one for such models (`mote config` lists them)",
                      sampler, mote_plugin_ssm(job->plugin)->name);
    return target;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* The section that an option given by its name alone belongs in: several samplers may have one of that name, and then
 * the one that will run is meant. */
static const char *section_of(const mote_config *file, const mote_arguments *arguments, const char *key,
                              const mote_option_table *first)
{
    const char *name = arguments ? arguments->sampler : NULL;
    if (mote_option_is_common(key))
        return "run";
    if (!name && arguments)
        name = mote_argument(arguments, "sampler");
    if (!name)
        name = mote_config_get(mote_config_section(file, "run"), "sampler", "nested");
    const mote_algorithm *algorithm = mote_algorithm_find(name);
    return algorithm && mote_option_find(mote_algorithm_options(algorithm), key) ? name : first->name;
}

static int set_from_text(mote_config *file, const mote_arguments *arguments, const char *text)
{
    char section[64], key[128];
    const char *dot = strchr(text, '.'), *equals = strchr(text, '=');
    if (!equals || equals == text)
        return mote_complain(MOTE_EXIT_USAGE, "--set %s: write section.key=value, or key=value", text);
    if (dot && dot < equals) {
        snprintf(section, sizeof section, "%.*s", (int)(dot - text), text);
        snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1), dot + 1);
    } else {
        const mote_option_table *table;
        snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
        if (is_run_key(key) || mote_option_is_common(key))
            snprintf(section, sizeof section, "run");
        else if (mote_any_option(key, &table))
            snprintf(section, sizeof section, "%s", section_of(file, arguments, key, table));
        else
            return mote_complain(MOTE_EXIT_USAGE,
                                 "--set %s: '%s' is no option of a sampler; write section.key=value for "
                                 "the model (model.KEY) and its parameters (parameters.NAME)",
                                 text, key);
    }
    int status = mote_config_set(file, section, key, equals + 1);
    return status ? mote_complain(mote_exit_code_of_config(status), "--set %s: %s", text, mote_strerror(status)) : 0;
}

static int set_from_arguments(mote_config *file, const mote_arguments *arguments)
{
    int code = 0;
    for (int i = 0; !code && arguments && i < arguments->given_count; ++i) {
        const struct mote_given *given = &arguments->given[i];
        if (given->table) {
            const char *section = section_of(file, arguments, given->name, given->table);
            if (mote_config_set(file, section, given->name, given->value))
                code = mote_complain(MOTE_EXIT_USAGE, "--%s %s: not possible", given->name, given->value);
        } else if (!strcmp(given->name, "set")) {
            code = set_from_text(file, arguments, given->value);
        } else if (!strcmp(given->name, "output") || !strcmp(given->name, "name") || !strcmp(given->name, "sampler")) {
            code = mote_config_set(file, "run", given->name, given->value) ? MOTE_EXIT_USAGE : 0;
        }
    }
    return code;
}

static int read_standard_input(mote_job *job, char *message, size_t size)
{
    char *text = malloc(LONGEST_INPUT + 1);
    if (!text)
        return MOTE_ENOMEM;
    const size_t n = fread(text, 1, LONGEST_INPUT, stdin);
    text[n] = '\0';
    int status = ferror(stdin) || n == LONGEST_INPUT ? MOTE_EIO
                                                     : mote_config_parse(&job->file, text, "stdin.ini", message, size);
    free(text);
    return status;
}

/* The stem of the file names the results: "runs/lcdm.ini" gives chains/lcdm and lcdm.txt in it. */
static void name_output(mote_job *job)
{
    const mote_config *run = mote_config_section(job->file, "run");
    char copy[MOTE_JOB_PATH], stem[200];
    snprintf(copy, sizeof copy, "%s", job->source);
    snprintf(stem, sizeof stem, "%s", basename(copy));
    char *dot = strrchr(stem, '.');
    if (dot && dot != stem)
        *dot = '\0';
    snprintf(job->name, sizeof job->name, "%s", mote_config_get(run, "name", stem));
    snprintf(copy, sizeof copy, "chains/%s", job->name);
    snprintf(job->output, sizeof job->output, "%s", mote_config_get(run, "output", copy));
}

static int check_name(const mote_job *job)
{
    if (!*job->output)
        return mote_complain(MOTE_EXIT_CONFIG, "%s: the output folder has no name", job->source);
    if (*job->name == '.')
        return mote_complain(MOTE_EXIT_CONFIG, "%s: name = '%s': a name that begins with '.' would make hidden files",
                             job->source, job->name);
    if (!strcmp(job->name, "log"))
        return mote_complain(MOTE_EXIT_CONFIG, "%s: name = log: log.txt is the run's log; take another name",
                             job->source);
    if (*job->name && !strchr(job->name, '/'))
        return 0;
    return mote_complain(MOTE_EXIT_CONFIG, "%s: name = '%s': a name without '/' is needed; the folder is `output`",
                         job->source, job->name);
}

/* A program that was not installed finds its worker beside it. */
static void find_worker(mote_job *job, const char *program)
{
    const mote_option_table *table = mote_algorithm_options(job->algorithm);
    if (mote_config_get(mote_config_section(job->file, "run"), "worker_program", NULL))
        return;
    if (mote_find_worker(program, job->worker, sizeof job->worker))
        (void)mote_option_set(table, job->options, "worker_program", job->worker, NULL, 0);
}

static int make_ready(mote_job *job, const mote_arguments *arguments)
{
    int code = set_from_arguments(job->file, arguments);
    if (!code && arguments && arguments->sampler && mote_config_set(job->file, "run", "sampler", arguments->sampler))
        code = mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    code = code ? code : check_sections(job->file);
    code = code ? code : choose_sampler(job);
    code = code ? code : read_options(job);
    if (code)
        return code;
    find_worker(job, arguments->program);
    name_output(job);
    code = check_name(job);
    code = code ? code : load_model(job, arguments->program);
    return code ? code : check_learner(job);
}

static int complete(mote_job *job, const mote_arguments *arguments)
{
    int code = make_ready(job, arguments);
    if (code)
        mote_point_at_comments(job->file);
    return code;
}

int mote_job_open(mote_job *job, const char *path, const mote_arguments *arguments)
{
    return mote_job_open_model(job, path, NULL, arguments);
}

/* Relative paths of standard input mean those of the current folder, also when the run goes on from another one. */
static void name_source(mote_job *job, const char *path)
{
    const int piped = !strcmp(path, "-");
    char *real = realpath(piped ? "." : path, NULL);
    if (piped)
        snprintf(job->source, sizeof job->source, "%s%sstdin.ini", real ? real : "", real && strcmp(real, "/") ? "/" : "");
    else
        snprintf(job->source, sizeof job->source, "%s", real ? real : path);
    free(real);
}

int mote_job_open_model(mote_job *job, const char *path, const char *model, const mote_arguments *arguments)
{
    char message[1200] = "";
    memset(job, 0, sizeof *job);
    name_source(job, path);
    int status = strcmp(path, "-") != 0 ? mote_config_read(&job->file, path, message, sizeof message)
                                        : read_standard_input(job, message, sizeof message);
    if (status)
        return mote_complain(mote_exit_code_of_config(status), "%s", *message ? message : mote_strerror(status));
    /* From the command line, hence meant from the current folder. */
    char *other = model ? realpath(model, NULL) : NULL;
    if (model && mote_config_set(job->file, "run", "model", other ? other : model))
        status = MOTE_ENOMEM;
    free(other);
    return status ? mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(status)) : complete(job, arguments);
}

int mote_job_open_text(mote_job *job, const char *text, const char *name, const mote_arguments *arguments)
{
    char message[1200];
    memset(job, 0, sizeof *job);
    snprintf(job->source, sizeof job->source, "%s", name);
    int status = mote_config_parse(&job->file, text, name, message, sizeof message);
    return status ? mote_complain(mote_exit_code_of_config(status), "%s", message) : complete(job, arguments);
}

/* ---- folders of earlier runs ------------------------------------------------------------------------------------ */

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = file ? calloc(LONGEST_INPUT + 1, 1) : NULL;
    if (text && (fread(text, 1, LONGEST_INPUT, file) == LONGEST_INPUT || ferror(file))) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

int mote_job_open_folder(mote_job *job, const char *folder, const mote_arguments *arguments)
{
    char message[1200], path[MOTE_JOB_PATH];
    memset(job, 0, sizeof *job);
    snprintf(path, sizeof path, "%s/mote.ini", folder);
    snprintf(job->source, sizeof job->source, "%s", path);
    char *text = read_whole(path);
    if (!text)
        return mote_complain(MOTE_EXIT_NO_INPUT, "%s: no run to continue: %s cannot be read", folder, path);
    mote_config *record = NULL;
    int status = mote_config_parse(&record, text, path, message, sizeof message);
    if (!status) {
        /* Relative paths in it mean those of the file that it was made from. */
        snprintf(job->source, sizeof job->source, "%s",
                 mote_config_get(mote_config_section(record, "record"), "source", path));
        status = mote_config_parse(&job->file, text, job->source, message, sizeof message);
    }
    mote_config_free(&record);
    free(text);
    if (status)
        return mote_complain(mote_exit_code_of_config(status), "%s", message);
    if (mote_config_set(job->file, "run", "output", folder))
        return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    return complete(job, arguments);
}

void mote_job_close(mote_job *job)
{
    mote_plugin_release(&job->plugin);
    mote_data_close(&job->data);
    free(job->options);
    job->options = NULL;
    mote_config_free(&job->file);
}
