/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote run and mote resume: one session of a run, from the ini file to the result files.
 *
 * The folder is always in a state from which the run can go on: the library writes checkpoints, and result files appear
 * whole, every few minutes, so that a running folder can be summarized and plotted. To write them the run is stopped
 * at a safe point and set going again, which changes nothing in it. */
#include <errno.h>
#include <mote/filter.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/filter_files.h"
#include "cli/job.h"
#include "cli/progress.h"
#include "cli/summary.h"
#include "core/number.h"
#include "core/run.h"

static const double refresh_share = 0.02; /* most of the time that goes into result files of a running run */

/* How a session begins: in a folder without a run; on an unfinished or a finished one (--resume); over one (--force). */
enum start { START_FRESH, START_RESUMED, START_FINISHED, START_FORCED };

typedef struct session {
    mote_job *job;
    mote_run *run;
    mote_hooks hooks;
    mote_live_line line;
    FILE *log;
    mote_filter_files files; /* of a filter */
    double interval;     /* between result files: checkpoint_seconds */
    double next_refresh; /* clock, s */
    int refresh;         /* 1: the present stop is ours */
    int quiet, begun; /* begun: the folder holds a run that goes on */
    char former[256]; /* name of the results that --force overwrites */
} session;

/* The layout that every options struct begins with. */
typedef struct option_start {
    mote_head head;
    const mote_hooks *hooks;
} option_start;

static int on_progress(void *ctx, const mote_progress *progress)
{
    session *s = ctx;
    mote_live_line_show(&s->line, progress);
    s->refresh = mote_clock() >= s->next_refresh;
    return s->refresh;
}

static void on_log(void *ctx, int64_t level, const char *text)
{
    session *s = ctx;
    char stamp[32] = "";
    const time_t now = time(NULL);
    struct tm parts;
    if (gmtime_r(&now, &parts))
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (s->log) {
        fprintf(s->log, "%s %s%s\n", stamp, level == MOTE_LOG_WARNING ? "warning: " : "", text);
        fflush(s->log);
    }
    if (level != MOTE_LOG_WARNING)
        return;
    mote_live_line_wipe(&s->line);
    fprintf(stderr, "mote: warning: %s\n", text);
}

static void open_log(session *s)
{
    char path[MOTE_JOB_PATH + 16];
    snprintf(path, sizeof path, "%s/log.txt", s->job->output);
    s->log = fopen(path, "a");
}

/* Opens the run with checkpoints in the output folder; from here on the folder is locked. */
static int open_run(session *s)
{
    mote_job *job = s->job;
    const mote_option_table *table = mote_algorithm_options(job->algorithm);
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .progress = on_progress, .log = on_log, .ctx = s };
    const void *model = mote_job_model(job);
    char text[MOTE_JOB_PATH];
    if (!model)
        return MOTE_EXIT_CONFIG;
    s->hooks = hooks;
    ((option_start *)job->options)->hooks = &s->hooks;
    if (mote_option_get(table, job->options, "checkpoint", text, sizeof text) || !*text)
        (void)mote_option_set(table, job->options, "checkpoint", job->output, NULL, 0);
    if (mote_option_get(table, job->options, "checkpoint_seconds", text, sizeof text) ||
        mote_number_parse(text, &s->interval))
        s->interval = 60;
    mote_filter_files_open(&s->files, job);
    int status = mote_run_open(&s->run, job->algorithm, model, job->options);
    if (!status)
        return 0;
    mote_complain(0, "%s", mote_run_message(s->run));
    if (strstr(mote_run_message(s->run), "has no value: fix it"))
        fprintf(stderr, "mote: [parameters] NAME = NUMBER fixes one; [filter] learn = pmmh, or another sampler, learns it\n");
    return mote_exit_code(status);
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static int write_results(session *s)
{
    const double start = mote_clock();
    mote_live_line_wipe(&s->line);
    int code = mote_write_results(s->run, s->job->output, s->job->name);
    code = code ? code : mote_filter_files_write(&s->files, s->run);
    code = code ? code : mote_smooth_files_write(s->job, s->run);
    const double cost = (mote_clock() - start) / refresh_share;
    s->next_refresh = mote_clock() + (cost > s->interval ? cost : s->interval);
    return code;
}

/* Nobody can mend these by going on: the same model gives the same failure. */
static int is_fault_of_model(int status)
{
    return status < 0 || status == MOTE_EMODEL || status == MOTE_ENUMERIC || status == MOTE_EPLATEAU;
}

static void say_how_to_resume(const session *s, const char *why)
{
    fprintf(stderr, "mote: %s; continue with: mote resume %s\n", why, s->job->output);
}

/* Runs to an end of any kind; the status of mote_run_finish. */
static int drive(session *s)
{
    for (;;) {
        s->refresh = 0;
        if (mote_signals_seen()) /* one that came while files were written */
            mote_run_stop(s->run);
        int status = mote_run_finish(s->run);
        if (status != MOTE_STOPPED || !s->refresh || mote_signals_seen())
            return status;
        (void)write_results(s); /* a full disk is no reason to end a run: it is tried again */
    }
}

static int after_failure(session *s, int status)
{
    mote_live_line_wipe(&s->line);
    mote_complain(0, "%s", mote_run_message(s->run));
    on_log(s, MOTE_LOG_INFO, mote_run_message(s->run));
    (void)mote_job_write(s->job, "failed");
    if (!mote_has_checkpoint(s->job->output) && is_fault_of_model(status))
        fprintf(stderr, "mote: the run has no checkpoint to continue from; mend the model first, then start again with "
                        "--force\n");
    else if (!mote_has_checkpoint(s->job->output))
        fprintf(stderr, "mote: the run has no checkpoint yet; start from the beginning with: mote resume %s\n",
                s->job->output);
    else if (is_fault_of_model(status))
        fprintf(stderr, "mote: the run stays at its last checkpoint; mend the model first, then continue with: mote "
                        "resume %s (a model that is another one by its identity starts again with --force)\n",
                s->job->output);
    else
        say_how_to_resume(s, "the run stays at its last checkpoint");
    return mote_exit_code(status);
}

static int after_stop(session *s)
{
    (void)write_results(s);
    int code = mote_job_write(s->job, "stopped");
    say_how_to_resume(s, "stopped");
    return code ? code : MOTE_EXIT_STOPPED;
}

static int after_end(session *s)
{
    const int64_t by = mote_run_finished_by(s->run);
    const int limited = by == MOTE_FINISHED_BY_CALLS || by == MOTE_FINISHED_BY_SECONDS ||
                        by == MOTE_FINISHED_BY_ITERATIONS;
    int code = write_results(s);
    if (code) {
        say_how_to_resume(s, "the results could not be written, the checkpoint holds them");
        return code;
    }
    code = mote_job_write(s->job, limited ? "limit" : "finished");
    if (code)
        return code;
    if (limited)
        fprintf(stderr, "mote: ended by a limit of the configuration; raise it to go on: mote resume %s\n",
                s->job->output);
    const mote_draws *draws = mote_run_draws(s->run);
    if (limited && (!draws || mote_draws_count(draws) < 1))
        fprintf(stderr, "mote: no draws yet: there are no results to write\n");
    else
        code = s->quiet ? 0 : mote_summarize(s->job->output);
    return code ? code : mote_filter_files_verdict(&s->files, s->run);
}

/* From the state that the run is in to an end, and what that means for the folder. */
static int go(session *s)
{
    int code = mote_job_write(s->job, "running");
    if (code)
        return code;
    s->next_refresh = mote_clock() + s->interval / 2;
    mote_signals_watch(s->run);
    const int status = drive(s);
    code = status == MOTE_OK        ? after_end(s)
           : status == MOTE_STOPPED ? after_stop(s)
                                    : after_failure(s, status);
    mote_signals_watch(NULL);
    return code;
}

/* What is made of the draws; the other options that may differ between a run and its resumption are its stop rule. */
static const char result_options[] = " simulations bootstraps weights ";

static int is_listed(const char *list, const char *key)
{
    char word[80];
    snprintf(word, sizeof word, " %s ", key);
    return list && strstr(list, word);
}

/* Which options that may differ have other values than in the folder's mote.ini: of the stop rule, or of what is made of
 * the draws. `restore`: those of the stop rule take the values that are recorded. */
static void compare_options(const mote_job *job, int restore, int *rule, int *results)
{
    const mote_option_table *table = mote_algorithm_options(job->algorithm);
    char path[MOTE_JOB_PATH + 16], text[64], message[600];
    mote_config *file = NULL;
    *rule = *results = 0;
    snprintf(path, sizeof path, "%s/mote.ini", job->output);
    if (!job->algorithm->free_options || mote_config_read(&file, path, message, sizeof message))
        return;
    const mote_config *section = mote_config_section(file, table->name);
    for (int64_t i = 0; i < table->count; ++i) {
        const char *key = table->options[i].key, *before = mote_config_get(section, key, NULL);
        if (!before || !is_listed(job->algorithm->free_options, key) ||
            mote_option_get(table, job->options, key, text, sizeof text) || !strcmp(text, before))
            continue;
        const int result = is_listed(result_options, key);
        *(result ? results : rule) = 1;
        if (restore && !result)
            (void)mote_option_set(table, job->options, key, before, NULL, 0);
    }
    mote_config_free(&file);
}

static int64_t calls_of(const mote_run *run)
{
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    return mote_run_ledger(run, &ledger) ? 0 : ledger.calls;
}

/* Results of a run as it ended: opened anew with the rule that is recorded, which they state. */
static int write_as_it_ended(session *s)
{
    int rule, results;
    compare_options(s->job, 1, &rule, &results);
    mote_run_close(&s->run);
    mote_filter_files_close(&s->files);
    const int code = open_run(s);
    const int status = code ? MOTE_OK : mote_run_resume(s->run);
    if (status)
        return mote_complain(mote_exit_code(status), "%s", mote_run_message(s->run));
    return code ? code : after_end(s);
}

/* With another stop rule a finished run goes on where that asks for more, which its next step tells. Where it does not,
 * the recorded rule, by which the run came to its end, stays: results are written anew only where they are asked for or
 * lost (`results`), and nothing else is touched. */
static int go_on_from_end(session *s, int results)
{
    const int64_t calls = calls_of(s->run);
    const int ended = mote_run_step(s->run) == MOTE_DONE && calls_of(s->run) == calls;
    const int code = !ended ? go(s) : results ? write_as_it_ended(s) : 0;
    if (!code)
        fprintf(stderr, !ended ? "mote: the run in %s had finished, and went on with the options of now\n"
                        : results ? "mote: the run in %s has finished already: the options of now ask for no more draws; "
                                    "its results were written again\n"
                                  : "mote: the run in %s has finished already: the options of now ask for no more draws\n",
                s->job->output);
    return code;
}

/* The checkpoint tells whether the ini file still describes the run that finished. It makes lost results again where they
 * are the run's alone: the bands of a filter are collected while it goes on. */
static int look_at_finished(session *s)
{
    char path[2 * MOTE_JOB_PATH];
    int rule = 0, results = 0;
    const int status = mote_run_resume(s->run);
    if (status == MOTE_EIDENTITY)
        return mote_complain(mote_exit_code(status), "the run in %s has finished, and is not the one of this file: %s "
                             "(`mote run` with --force overwrites it, with --output takes another folder)",
                             s->job->output, mote_run_message(s->run));
    if (!status)
        compare_options(s->job, 0, &rule, &results);
    snprintf(path, sizeof path, "%s/%s.json", s->job->output, s->job->name);
    const int lost = access(path, F_OK) != 0, again = lost && !status && s->job->algorithm != mote_filter;
    if (rule || results)
        return go_on_from_end(s, results || again);
    fprintf(stderr, "mote: the run in %s has finished already%s%s%s\n", s->job->output,
            status ? "; this file could not be compared with it: " : "", status ? mote_run_message(s->run) : "",
            lost && !again ? "; its results are lost, and --force makes them again" : "");
    return again ? after_end(s) : 0;
}

static int work(session *s, enum start start)
{
    if (start == START_FINISHED)
        return look_at_finished(s);
    const int status = start == START_RESUMED ? mote_run_resume(s->run) : MOTE_OK;
    if (status && status != MOTE_ENOENT)
        return mote_complain(mote_exit_code(status), "%s", mote_run_message(s->run));
    if (status && s->begun)
        fprintf(stderr, "mote: the run in %s had no checkpoint yet: it starts from the beginning\n", s->job->output);
    return go(s);
}

static int one_session(mote_job *job, enum start start, const char *former, int quiet)
{
    session s = { .job = job, .quiet = quiet, .begun = start == START_RESUMED };
    snprintf(s.former, sizeof s.former, "%s", former);
    signal(SIGPIPE, SIG_IGN);
    mote_live_line_open(&s.line, quiet);
    int made, code = mote_make_folder(job->output, &made);
    if (!code)
        code = open_run(&s);
    if (code)
        mote_unmake_folder(job->output, made);
    if (!code && start == START_FORCED)
        mote_remove_results(job->output, s.former, job->source);
    if (!code) {
        open_log(&s);
        code = work(&s, start);
    }
    mote_run_close(&s.run);
    mote_filter_files_close(&s.files);
    if (s.log)
        fclose(s.log);
    return code;
}

/* ---- the verbs --------------------------------------------------------------------------------------------------- */

const mote_flag mote_run_flags[] = {
    { "resume", 'r', NULL, "start, or continue where the run stopped, or exit 0 when it has finished" },
    { "force", 'f', NULL, "overwrite the run that is in the output folder" },
    { "set", 's', "KEY=VALUE",
      "set a key of the ini file: section.key=value, or an option of the sampler by its name" },
    { "output", 'o', "DIR", "output folder (default: output in [run], or chains/NAME)" },
    { "name", 'n', "NAME", "name of the result files (default: that of the ini file)" },
    { "sampler", 0, "NAME", "sampler (default: sampler in [run], or nested)" },
    { "quiet", 'q', NULL, "no live line and no summary" },
    { NULL, 0, NULL, NULL },
};

/* Files that no run of this folder wrote are not overwritten, by --force neither. `former`: the name of the results of the
 * run that is in the folder, "" for none. */
static int keep_foreign_files(const mote_job *job, const char *former)
{
    char first[MOTE_JOB_PATH];
    if (!strcmp(job->name, former) || !mote_foreign_file(job->output, job->name, *former != '\0', first, sizeof first))
        return 0;
    if (*former)
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "%s exists, and the run in %s is named %s: take that name, or "
                             "another folder with --output", first, job->output, former);
    return mote_complain(MOTE_EXIT_CANNOT_CREATE, "%s exists, and %s holds no run of mote (no mote.ini): it would be "
                         "overwritten; move it away, or name another folder with --output", first, job->output);
}

/* `streams`: a filter of standard input. */
static int start_session(mote_job *job, int resume, int force, int quiet, int streams)
{
    const mote_option_table *table = mote_algorithm_options(job->algorithm);
    char state[32], name[256] = "", text[64], message[1200];
    if (!mote_option_get(table, job->options, "executor", text, sizeof text) && !strcmp(text, "external"))
        return mote_complain(MOTE_EXIT_CONFIG, "executor = external is for programs that ask for points and tell their "
                             "values (mote_run_pending, mote_run_tell); here it is auto, serial, threads or processes");
    const int status = mote_job_state(job->output, state, sizeof state, name, sizeof name, message, sizeof message);
    enum start start = force ? START_FORCED : START_RESUMED;
    if (status == MOTE_ENOENT)
        start = START_FRESH;
    else if (!resume && !force)
        return mote_complain(MOTE_EXIT_CANNOT_CREATE, "%s holds a run already (%s): continue it with --resume, "
                             "overwrite it with --force, or name another folder with --output", job->output,
                             status ? message : state);
    else if (!force && !status && !strcmp(state, "finished"))
        start = START_FINISHED;
    if (streams && start == START_FINISHED)
        return mote_complain(MOTE_EXIT_CONFIG, "the run in %s has finished, and was no stream: standard input cannot go "
                             "on with it (`mote filter` with --force overwrites it, with --output takes another folder)",
                             job->output);
    if (status && start != START_FRESH) /* a mote.ini that cannot be read: a run of this name, as far as can be told */
        snprintf(name, sizeof name, "%s", job->name);
    int code = keep_foreign_files(job, name);
    const mote_stream_start stream = { .folder = 1, .resumed = start == START_RESUMED, .quiet = quiet,
                                       .former = start == START_FORCED ? name : NULL };
    return code ? code : streams ? mote_filter_stream(job, &stream) : one_session(job, start, name, quiet);
}

int mote_run_ini(const mote_arguments *arguments)
{
    const int resume = mote_argument(arguments, "resume") != NULL, force = mote_argument(arguments, "force") != NULL;
    mote_job job;
    if (arguments->count != 1)
        return mote_complain(MOTE_EXIT_USAGE, "%s: one ini file is needed (- for standard input)",
                             arguments->verb->name);
    if (resume && force)
        return mote_complain(MOTE_EXIT_USAGE, "%s: --resume and --force exclude each other", arguments->verb->name);
    int code = mote_job_open(&job, arguments->operands[0], arguments);
    const int quiet = mote_argument(arguments, "quiet") != NULL;
    const int streams = !code && job.data.stream && arguments->sampler && job.algorithm == mote_filter;
    if (streams && !mote_config_get(mote_config_section(job.file, "run"), "output", NULL))
        code = resume || force
                   ? mote_complain(MOTE_EXIT_USAGE, "%s: of a stream something is kept with --output DIR only: there is "
                                   "nothing to %s", arguments->verb->name, resume ? "resume" : "overwrite")
                   : mote_filter_stream(&job, &(mote_stream_start){ .quiet = quiet });
    else if (!code)
        code = start_session(&job, resume, force, quiet, streams);
    mote_job_close(&job);
    return code;
}

const mote_verb mote_verb_run = {
    .name = "run",
    .operands = "FILE.ini",
    .help = "Run the sampler on the model that an ini file describes",
    .details =
        "With --resume the same line starts the run, continues it, or does nothing when it has finished: one line\n"
        "for batch scripts. Exit code 75 means stopped by a signal, and resumable.",
    .flags = mote_run_flags,
    .has_options = 1,
    .run = mote_run_ini,
};

static const mote_flag resume_flags[] = {
    { "set", 's', "KEY=VALUE", "change an option that does not decide the result: threads, limits, checkpoints" },
    { "quiet", 'q', NULL, "no live line and no summary" },
    { NULL, 0, NULL, NULL },
};

static int resume(const mote_arguments *arguments)
{
    mote_job job;
    if (arguments->count != 1)
        return mote_complain(MOTE_EXIT_USAGE, "resume: one output folder is needed");
    int code = mote_job_open_folder(&job, arguments->operands[0], arguments);
    if (!code)
        code = start_session(&job, 1, 0, mote_argument(arguments, "quiet") != NULL,
                             job.data.stream && job.algorithm == mote_filter);
    mote_job_close(&job);
    return code;
}

const mote_verb mote_verb_resume = {
    .name = "resume",
    .operands = "DIR",
    .help = "Continue the run of an output folder",
    .flags = resume_flags,
    .has_options = 1,
    .run = resume,
};
