/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote filter with [data] file = -: reads standard input line by line and answers each observation with one line:
 *
 *     time,log_evidence,increment,effective_sample_size,STATE_mean,STATE_sd,...
 *
 * The names come with the first row. Without an output folder nothing is kept: the filter takes what time and memory it
 * took for the first observation. With one, a checkpoint is written every checkpoint_seconds, also while the stream
 * waits, at the end of the input, at a signal and before an observation at which the model stops; a resumed stream takes
 * further lines as the observations that follow: the rows of all sessions are those of one. Standard input is read
 * without a buffer, so that what comes behind the last line taken stays in the pipe. Before the first byte of each line
 * the program waits for the descriptor; signals end that wait alone, so that no line is lost in its middle.
 *
 * Empty lines of a table of one column are missing values once a line follows them. Those at the end of a session are
 * kept for the next: their number stands in mote.ini, with the number of observations before them, and holds only as
 * long as the checkpoint is the one of that number. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <mote/filter.h>
#include <signal.h>
#include <stdlib.h>
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
    int64_t kept;          /* observations that the last checkpoint knows */
    int64_t empty;         /* empty lines of earlier sessions that wait for a row */
    int code;              /* of a checkpoint that failed while the stream waited */
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
}

static void print_number(double value)
{
    char text[MOTE_NUMBER_SIZE];
    printf(",%s", isnan(value) ? "" : mote_number_format(text, value, 9));
}

/* The first of all sessions brings the names. 0, or errno. */
static int print_row(mote_run *run, const mote_ssm *model, double time)
{
    char text[MOTE_NUMBER_SIZE];
    errno = 0;
    if (mote_filter_count(run) == 1)
        print_header(model);
    printf("%s", mote_number_format_shortest(text, time));
    print_number(mote_filter_log_evidence(run));
    print_number(mote_filter_increment(run));
    print_number(mote_filter_effective_sample_size(run));
    for (int64_t k = 0; k < model->state_count; ++k) {
        print_number(mote_filter_mean(run, k));
        print_number(mote_filter_sd(run, k));
    }
    putchar('\n');
    const int failed = fflush(stdout) || ferror(stdout);
    return !failed ? 0 : errno ? errno : EIO;
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
    if (status)
        return mote_complain(mote_exit_code(status), "%s", mote_run_message(s->run));
    s->kept = mote_filter_count(s->run);
    return 0;
}

/* What the folder knows of the table; its empty lines, where they stand behind its checkpoint. */
static void recall_table(session *s)
{
    char path[MOTE_JOB_PATH + 16], message[600];
    mote_config *file = NULL;
    snprintf(path, sizeof path, "%s/mote.ini", s->job->output);
    if (mote_config_read(&file, path, message, sizeof message))
        return;
    const mote_config *record = mote_config_section(file, "record");
    s->job->columns = strtoll(mote_config_get(record, "columns", "0"), NULL, 10);
    s->job->empty_lines = strtoll(mote_config_get(record, "empty_lines", "0"), NULL, 10);
    s->job->empty_lines_after = strtoll(mote_config_get(record, "empty_lines_after", "0"), NULL, 10);
    mote_config_free(&file);
    if (s->job->empty_lines > 0 && s->job->empty_lines_after == s->kept)
        s->empty = s->job->empty_lines;
}

static void say_empty_lines(int64_t n)
{
    if (n)
        fprintf(stderr, "mote: behind them %" PRId64 " empty line%s kept, which %s missing value%s when a line follows\n", n,
                n > 1 ? "s are" : " is", n > 1 ? "are" : "is a", n > 1 ? "s" : "");
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
    s->kept = mote_filter_count(s->run);
    if (s->kept)
        recall_table(s);
    if (s->kept && filter)
        fprintf(stderr, "mote: %lld observations were taken, the last of time %g: the next one is awaited\n",
                (long long)s->kept, filter->time);
    else if (!status)
        fprintf(stderr, "mote: no observation was taken yet\n");
    say_empty_lines(s->empty);
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

/* Empty lines that were read behind the last row: they are rows of a table of one column, and nothing in others. */
static int64_t count_empty_lines(const session *s)
{
    if (s->job->columns > 1 || !mote_filter_count(s->run))
        return 0;
    return s->job->columns ? s->empty + s->reader.csv.empty : s->empty;
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
    s->job->columns = s->reader.csv.columns ? s->reader.csv.columns : s->job->columns;
    s->job->empty_lines = count_empty_lines(s);
    s->job->empty_lines_after = count;
    int kept = checkpoint(s);
    kept = kept ? kept : mote_write_results(s->run, s->job->output, s->job->name);
    kept = kept ? kept : mote_job_write(s->job, "stopped");
    if (!kept && (code || number || !s->start->quiet)) {
        fprintf(stderr, "mote: %s%lld observations were taken; those that follow go on with: mote resume %s\n",
                number ? "stopped: " : "", count, s->job->output);
        say_empty_lines(s->job->empty_lines);
    }
    return code ? code : kept ? kept : number ? MOTE_EXIT_STOPPED : 0;
}

/* The model, the filter or the output gave up: the folder stays at its last checkpoint. */
static int fail(session *s, int code)
{
    if (s->start->folder) {
        (void)mote_job_write(s->job, "failed");
        fprintf(stderr, "mote: the stream stays where it had taken %" PRId64 " observations; give those that follow, "
                        "with: mote resume %s\n", s->kept, s->job->output);
        say_empty_lines(s->job->empty_lines_after == s->kept ? s->job->empty_lines : 0);
    }
    return code;
}

/* An observation that the model did not take leaves the filter at the one before, which is kept where it can be. */
static int refuse(session *s, int status, long long line)
{
    const int code = mote_complain(mote_exit_code(status), "standard input:%lld: %s", line, mote_run_message(s->run));
    if (s->start->folder && mote_filter_count(s->run) != s->kept)
        (void)checkpoint(s);
    return fail(s, code);
}

/* ---- lines ---- */

/* Waits for the first byte of a line; what was not yet kept becomes a checkpoint meanwhile. */
static int before_line(void *ctx)
{
    session *s = ctx;
    for (;;) {
        const int unsaved = s->start->folder && mote_filter_count(s->run) != s->kept;
        const int ready = mote_signals_await(STDIN_FILENO, unsaved ? s->next - mote_clock() : (double)INFINITY);
        if (ready >= 0)
            return ready ? MOTE_OK : MOTE_STOPPED;
        if (mote_clock() >= s->next && (s->code = checkpoint(s)))
            return MOTE_EIO;
    }
}

/* The names, or the first row, of the input. A further session may be given nothing, or nothing but empty lines. */
static int open_reader(session *s)
{
    const mote_line_source source = { .file = stdin, .before_line = before_line, .ctx = s };
    const mote_particle_filter *filter = mote_filter_of_run(s->run);
    const int64_t taken = mote_filter_count(s->run);
    const int status = mote_series_reader_open(&s->reader, &s->job->data.memory, s->model, "standard input", &source,
                                               &s->job->data.names, s->message, sizeof s->message);
    if (status)
        return taken && !s->reader.csv.columns && feof(stdin) ? MOTE_DONE : status;
    if (filter) {
        s->reader.count = filter->step;
        s->reader.last = filter->time;
    }
    s->reader.csv.follows = taken > 0;
    s->reader.csv.empty += s->empty;
    s->empty = 0;
    return MOTE_OK;
}

static int take(session *s, const mote_observation *row)
{
    const long long line = s->reader.csv.lines.number;
    const int status = mote_run_push(s->run, row);
    if (status)
        return refuse(s, status, line);
    const int error = print_row(s->run, s->model, row->time);
    if (error)
        return fail(s, mote_complain(MOTE_EXIT_IO, "standard output: %s", strerror(error)));
    if (mote_filter_log_evidence(s->run) == -INFINITY)
        return fail(s, mote_complain(MOTE_EXIT_DATA,
                                     "standard input:%lld: all particles had weight zero at step %lld (time %g)", line,
                                     (long long)mote_filter_count(s->run) - 1, row->time));
    const int code = s->start->folder && mote_clock() >= s->next ? checkpoint(s) : 0;
    return code ? fail(s, code) : 0;
}

static int read_all(session *s)
{
    mote_observation row = { MOTE_VERSIONED(mote_observation), .time = NAN };
    int code = 0, status = open_reader(s);
    while (!status && !(status = mote_series_reader_next(&s->reader, &row, s->message, sizeof s->message)))
        if ((code = take(s, &row)))
            return code;
    if (s->code)
        return fail(s, s->code);
    if (status && status != MOTE_DONE && status != MOTE_STOPPED)
        code = mote_complain(mote_exit_code(status), "%s", s->message);
    return leave(s, code);
}

/* A stream ends where its input does: a limit is refused, not passed over. */
static int refuse_limits(const mote_job *job)
{
    static const char *const limits[] = { "max_calls", "max_seconds" };
    const mote_option_table *table = mote_algorithm_options(job->algorithm);
    char text[64];
    double value;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i)
        if (!mote_option_get(table, job->options, limits[i], text, sizeof text) && !mote_number_parse(text, &value) &&
            value > 0)
            return mote_complain(MOTE_EXIT_CONFIG, "option %s = %s: a stream ends with its input or at a signal, and "
                                 "has no limits (%s = 0)", limits[i], text, limits[i]);
    return 0;
}

int mote_filter_stream(mote_job *job, const mote_stream_start *start)
{
    session s = { .job = job, .start = start, .model = mote_plugin_ssm(job->plugin) };
    if (s.model->series)
        return mote_complain(MOTE_EXIT_CONFIG, "[data] file = -: the model %s carries its own series", s.model->name);
    int code = refuse_limits(job);
    if (code)
        return code;
    if (start->folder)
        signal(SIGPIPE, SIG_IGN);
    mote_signals_note();
    setvbuf(stdin, NULL, _IONBF, 0);
    code = begin(&s);
    if (!code)
        code = read_all(&s);
    mote_series_reader_close(&s.reader);
    mote_run_close(&s.run);
    if (!start->folder && mote_signals_seen() && !code) { /* as it would have ended */
        signal(mote_signals_seen(), SIG_DFL);
        raise(mote_signals_seen());
    }
    return code;
}
