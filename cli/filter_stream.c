/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote filter with [data] file = -: reads standard input line by line and answers each observation with one line:
 *
 *     time,log_evidence,increment,effective_sample_size,STATE_mean,STATE_sd,...
 *
 * No folder is made and nothing is kept: the filter takes what time and memory it took for the first observation. */
#include <math.h>
#include <mote/filter.h>
#include <string.h>

#include "cli/filter_files.h"
#include "core/number.h"

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

static int push_all(mote_run *run, mote_series_reader *reader, const mote_ssm *model)
{
    mote_observation row = { MOTE_VERSIONED(mote_observation), .time = NAN };
    char message[1200] = "";
    int status;
    print_header(model);
    while (!(status = mote_series_reader_next(reader, &row, message, sizeof message))) {
        status = mote_run_push(run, &row);
        if (status)
            return mote_complain(mote_exit_code(status), "standard input:%lld: %s", (long long)reader->csv.lines.number,
                                 mote_run_message(run));
        print_row(run, model, row.time);
        if (mote_filter_log_evidence(run) == -INFINITY)
            return mote_complain(MOTE_EXIT_DATA,
                                 "standard input:%lld: all particles had weight zero at step %lld (time %g)",
                                 (long long)reader->csv.lines.number, (long long)reader->count - 1, row.time);
        if (ferror(stdout))
            return MOTE_EXIT_IO;
    }
    return status == MOTE_DONE ? 0 : mote_complain(mote_exit_code(status), "%s", message);
}

int mote_filter_stream(mote_job *job)
{
    const mote_ssm *model = mote_plugin_ssm(job->plugin);
    mote_series_reader reader;
    mote_run *run = NULL;
    char message[1200] = "";
    if (model->series)
        return mote_complain(MOTE_EXIT_CONFIG, "[data] file = -: the model %s carries its own series", model->name);
    int status = mote_run_open(&run, mote_filter, model, job->options);
    int code = status ? mote_complain(mote_exit_code(status), "%s", mote_run_message(run)) : 0;
    if (!code && (status = mote_series_reader_open(&reader, &job->data.memory, model, "standard input", stdin,
                                                   &job->data.names, message, sizeof message)))
        code = mote_complain(mote_exit_code(status), "%s", message);
    if (!code) {
        code = push_all(run, &reader, model);
        mote_series_reader_close(&reader);
    }
    mote_run_close(&run);
    return code;
}
