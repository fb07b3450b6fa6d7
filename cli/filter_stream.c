/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote filter with [data] file = -: reads standard input line by line and answers each observation with one line:
 *
 *     time,log_evidence,increment,effective_sample_size,STATE_mean,STATE_sd,...
 *
 * Without an output folder nothing is kept: the filter takes what time and memory it took for the first observation.
 * With one, a checkpoint is written every checkpoint_seconds, at the end of the input and at a signal, and a resumed
 * stream takes further lines as the observations that follow: the rows of all sessions are those of one. Standard input
 * is read without a buffer, so that what comes behind the last line taken stays in the pipe, and a wait for a line is a
 * wait for the descriptor, which signals end. */
#include <math.h>
#include <mote/filter.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/files.h"
#include "cli/filter_files.h"
#include "core/number.h"
#include "core/run.h"
#include "smc/filter_run.h"

typedef struct session {
    mote_job *job;
    const mote_stream_start *start;
    const mote_ssm *model;
    mote_run *run;
    mote_hooks hooks;
    mote_series_reader reader;
    char message[1200];
    double interval, next; /* s between checkpoints; clock of the next */
    int begun;             /* 1: rows of an earlier session came before */
} session;

/* ---- what is printed ---- */

static void print_header(const mote_ssm *model)
{
    printf("time,log_evidence,increment,effective_sample_size");
    for (int64_t k = 0; k < model->state_count; ++k) {
        const char *name = model->states && model->states[k] ? model->states[k] : "state";
        printf(",%s_mean,%s_sd", name, name);
    }
    putchar('\n');
    fflush(stdout);
}

static void print_number(double value)
{
    char text[MOTE_NUMBER_SIZE];
    printf(",%s", isnan(value) ? "" : mote_number_format(text, value, 9));
}

static void print_row(mote_run *run, const mote_ssm *model, double time)
{
    char text[MOTE_NUMBER_SIZE];
    printf("%s", mote_number_format_shortest(text, time));
    print_number(mote_filter_log_evidence(run));
    print_number(mote_filter_increment(run));
    print_number(mote_filter_effective_sample_size(run));
    for (int64_t k = 0; k < model->state_count; ++k) {
        print_number(mote_filter_mean(run, k));
        print_number(mote_filter_sd(run, k));
    }
    putchar('\n');
    fflush(stdout);
}

/* ---- the folder ---- */

static void on_log(void *ctx, int64_t level, const char *text)
{
    (void)ctx;
    if (level == MOTE_LOG_WARNING)
        fprintf(stderr, "mote: warning: %s\n", text);
}

/* The common beginning of all options. */
typedef struct option_start {
    mote_head head;
    const mote_hooks *hooks;
} option_start;

static void keep_checkpoints(session *s)
{
    const mote_option_table *table = mote_algorithm_options(s->job->algorithm);
    char text[MOTE_JOB_PATH];
    s->hooks = (mote_hooks){ MOTE_VERSIONED(mote_hooks), .log = on_log };
    ((option_start *)s->job->options)->hooks = &s->hooks;
    if (mote_option_get(table, s->job->options, "checkpoint", text, sizeof text) || !*text)
        (void)mote_option_set(table, s->job->options, "checkpoint", s->job->output, NULL, 0);
    if (mote_option_get(table, s->job->options, "checkpoint_seconds", text, sizeof text) ||
        mote_number_parse(text, &s->interval))
        s->interval = 60;
}

static int checkpoint(session *s)
{
    const int status = mote_run_checkpoint(s->run);
    s->next = mote_clock() + s->interval;
    return status ? mote_complain(mote_exit_code(status), "%s", mote_run_message(s->run)) : 0;
}

/* Goes on from the folder's checkpoint, if there is one. */
static int go_on(session *s)
{
    const int status = mote_run_resume(s->run);
    const mote_particle_filter *filter = mote_filter_of_run(s->run);
    if (status == MOTE_ENOENT)
        fprintf(stderr, "mote: the stream in %s had no checkpoint yet: it starts from the beginning\n", s->job->output);
    else if (status)
        return mote_complain(mote_exit_code(status), "%s", mote_run_message(s->run));
    s->begun = !status;
    if (s->begun && filter)
        fprintf(stderr, "mote: %lld observations were taken, the last of time %g: the next one is awaited\n",
                (long long)filter->step, filter->time);
    else if (s->begun)
        fprintf(stderr, "mote: no observation was taken yet\n");
    return 0;
}

static int begin(session *s)
{
    int made = 0, code = s->start->folder ? mote_make_folder(s->job->output, &made) : 0;
    if (code)
        return code;
    if (s->start->folder)
        keep_checkpoints(s);
    const int status = mote_run_open(&s->run, mote_filter, s->model, s->job->options);
    if (status) {
        mote_unmake_folder(s->job->output, made);
        return mote_complain(mote_exit_code(status), "%s", mote_run_message(s->run));
    }
    if (s->start->former)
        mote_remove_results(s->job->output, s->start->former, s->job->source);
    if (s->start->resumed)
        code = go_on(s);
    s->next = mote_clock() + s->interval;
    return code || !s->start->folder ? code : mote_job_write(s->job, "running");
}

/* After the last line, a signal, or a line at fault: the next session goes on behind what was taken. */
static int leave(session *s, int code)
{
    const long long count = mote_filter_count(s->run);
    const int number = mote_signals_seen();
    if (!s->start->folder) {
        if (number && !code)
            mote_complain(0, "stopped after %lld observations; nothing is kept without --output DIR", count);
        return code;
    }
    int kept = checkpoint(s);
    kept = kept ? kept : mote_write_results(s->run, s->job->output, s->job->name);
    kept = kept ? kept : mote_job_write(s->job, "stopped");
    if (!kept && (code || number || !s->start->quiet))
        fprintf(stderr, "mote: %s%lld observations were taken; those that follow go on with: mote resume %s\n",
                number ? "stopped: " : "", count, s->job->output);
    return code ? code : kept ? kept : number ? MOTE_EXIT_STOPPED : 0;
}

/* The model or the filter gave up: the folder stays at its last checkpoint. */
static int fail(session *s, int code)
{
    if (s->start->folder) {
        (void)mote_job_write(s->job, "failed");
        fprintf(stderr, "mote: the stream stays at its last checkpoint; continue with: mote resume %s\n",
                s->job->output);
    }
    return code;
}

/* ---- lines ---- */

/* The names, or the first row, of the input: MOTE_OK, or an error; signals are let in meanwhile. */
static int open_reader(session *s)
{
    const mote_particle_filter *filter = mote_filter_of_run(s->run);
    if (!mote_signals_await(STDIN_FILENO))
        return MOTE_STOPPED;
    int status = mote_series_reader_open(&s->reader, &s->job->data.memory, s->model, "standard input", stdin,
                                         &s->job->data.names, s->message, sizeof s->message);
    mote_signals_hold();
    if (!status && filter) {
        s->reader.count = filter->step;
        s->reader.last = filter->time;
    }
    return status && mote_signals_seen() ? MOTE_STOPPED : status;
}

/* A row that came whole before a signal is taken. */
static int next_row(session *s, mote_observation *row)
{
    if (!s->reader.csv.held && !mote_signals_await(STDIN_FILENO))
        return MOTE_STOPPED;
    const int status = mote_series_reader_next(&s->reader, row, s->message, sizeof s->message);
    mote_signals_hold();
    return status && mote_signals_seen() ? MOTE_STOPPED : status;
}

static int take(session *s, const mote_observation *row)
{
    const long long line = s->reader.csv.lines.number;
    const int status = mote_run_push(s->run, row);
    if (status)
        return fail(s, mote_complain(mote_exit_code(status), "standard input:%lld: %s", line,
                                     mote_run_message(s->run)));
    print_row(s->run, s->model, row->time);
    if (mote_filter_log_evidence(s->run) == -INFINITY)
        return fail(s, mote_complain(MOTE_EXIT_DATA,
                                     "standard input:%lld: all particles had weight zero at step %lld (time %g)", line,
                                     (long long)mote_filter_count(s->run) - 1, row->time));
    if (ferror(stdout))
        return fail(s, MOTE_EXIT_IO);
    return s->start->folder && mote_clock() >= s->next ? checkpoint(s) : 0;
}

static int read_all(session *s)
{
    mote_observation row = { MOTE_VERSIONED(mote_observation), .time = NAN };
    int code = 0, status = open_reader(s);
    if (!status && !s->begun)
        print_header(s->model);
    while (!status && !(status = next_row(s, &row)))
        if ((code = take(s, &row)))
            return code;
    if (status && status != MOTE_DONE && status != MOTE_STOPPED)
        code = mote_complain(mote_exit_code(status), "%s", s->message);
    return leave(s, code);
}

int mote_filter_stream(mote_job *job, const mote_stream_start *start)
{
    session s = { .job = job, .start = start, .model = mote_plugin_ssm(job->plugin) };
    if (s.model->series)
        return mote_complain(MOTE_EXIT_CONFIG, "[data] file = -: the model %s carries its own series", s.model->name);
    if (start->folder)
        signal(SIGPIPE, SIG_IGN);
    mote_signals_hold(); /* before threads start */
    setvbuf(stdin, NULL, _IONBF, 0);
    int code = begin(&s);
    if (!code)
        code = read_all(&s);
    mote_series_reader_close(&s.reader);
    mote_run_close(&s.run);
    if (!start->folder && mote_signals_seen() && !code) { /* as it would have ended */
        signal(mote_signals_seen(), SIG_DFL);
        raise(mote_signals_seen());
        (void)mote_signals_await(STDIN_FILENO); /* lets it in */
    }
    return code;
}
