/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/filter_files.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <mote/filter.h>
#include <mote/output.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/table.h"

/* Quantiles are those of at most so many particles, evenly picked: sorting must not cost more than filtering. And with more
 * particles times states, the fixed-lag smoother, which keeps twenty populations, is left away unless it is asked for. */
enum { MOST_SORTED = 16384, MOST_SMOOTHED = 2000000 };

static const double probabilities[MOTE_BANDS] = { 0.022750, 0.158655, 0.5, 0.841345, 0.977250 };
static const char *const band_names[MOTE_BANDS] = { "lower_95", "lower_68", "median", "upper_68", "upper_95" };

/* ---- quantiles of each step ---- */

static int by_value(const void *a, const void *b)
{
    const double x = ((const struct mote_weighted *)a)->value, y = ((const struct mote_weighted *)b)->value;
    return (x > y) - (x < y);
}

/* Mid-point distribution function, linear between particles (as mote_draws_summary). `sorted` has weight. */
static double quantile(const struct mote_weighted *sorted, int64_t n, double p)
{
    double below = 0, last = NAN, before = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double middle = below + 0.5 * sorted[i].weight;
        below += sorted[i].weight;
        if (!(sorted[i].weight > 0))
            continue;
        if (middle >= p)
            return isnan(last) ? sorted[i].value : last + (sorted[i].value - last) * (p - before) / (middle - before);
        last = sorted[i].value;
        before = middle;
    }
    return last;
}

void mote_state_bands(struct mote_weighted *particles, int64_t n, double row[MOTE_BANDS])
{
    qsort(particles, (size_t)n, sizeof *particles, by_value);
    for (int k = 0; k < MOTE_BANDS; ++k)
        row[k] = quantile(particles, n, probabilities[k]);
}

static int has_weights(const mote_filter_view *view)
{
    return isfinite(view->log_evidence);
}

static void find_bands(mote_filter_files *files, const mote_filter_view *view, const double *column, double *row)
{
    const int64_t stride = (view->n - 1) / MOST_SORTED + 1;
    int64_t n = 0;
    for (int64_t i = 0; i < view->n; i += stride)
        files->sorted[n++] = (struct mote_weighted){ column[i], exp(view->log_weight[i]) };
    double total = 0;
    for (int64_t i = 0; i < n && stride > 1; ++i)
        total += files->sorted[i].weight;
    for (int64_t i = 0; i < n && total > 0; ++i)
        files->sorted[i].weight /= total;
    mote_state_bands(files->sorted, n, row);
}

/* Opened by the first step, so that a run that does not open leaves no file. */
static int raw_file(mote_filter_files *files)
{
    char path[sizeof files->root + 16];
    snprintf(path, sizeof path, "%s_bands.raw", files->root);
    if (files->raw < 0)
        files->raw = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return files->raw;
}

/* A row that cannot be kept is missing in the file: no reason to end a run. */
static int observe(void *ctx, const mote_filter_view *view)
{
    mote_filter_files *files = ctx;
    const size_t bytes = (size_t)view->state_count * MOTE_BANDS * sizeof(double);
    if (raw_file(files) < 0 || !has_weights(view))
        return 0;
    for (int64_t k = 0; k < view->state_count; ++k)
        find_bands(files, view, view->state[k], files->row + k * MOTE_BANDS);
    if (pwrite(files->raw, files->row, bytes, (off_t)view->step * (off_t)bytes) < 0)
        return 0;
    return 0;
}

void mote_filter_files_open(mote_filter_files *files, mote_job *job)
{
    memset(files, 0, sizeof *files);
    files->raw = -1;
    if (job->algorithm != mote_filter)
        return;
    mote_filter_options *options = job->options;
    files->job = job;
    files->model = mote_plugin_ssm(job->plugin);
    if (!mote_config_get(mote_config_section(job->file, "filter"), "record", NULL))
        options->record = (double)options->particles * (double)files->model->state_count > MOST_SMOOTHED
                              ? MOTE_RECORD_MOMENTS : MOTE_RECORD_ALL;
    snprintf(files->root, sizeof files->root, "%s/%s", job->output, job->name);
    if (options->record < MOTE_RECORD_MOMENTS)
        return;
    files->sorted = calloc(MOST_SORTED, sizeof *files->sorted);
    files->row = calloc((size_t)files->model->state_count * MOTE_BANDS, sizeof *files->row);
    options->observe = files->sorted && files->row ? observe : NULL;
    options->observe_ctx = files;
}

void mote_filter_files_close(mote_filter_files *files)
{
    if (!files->job)
        return;
    if (files->raw >= 0)
        close(files->raw);
    free(files->sorted);
    free(files->row);
    memset(files, 0, sizeof *files);
}

/* ---- files ---- */

static const char *state_name(const mote_ssm *model, int64_t k, char made[32])
{
    snprintf(made, 32, "state_%lld", (long long)k);
    return model->states && model->states[k] && *model->states[k] ? model->states[k] : made;
}

void mote_state_heading(mote_table *table, const mote_ssm *model, const char *const *headings, int count, int bands)
{
    char made[32];
    mote_table_text(table, "time");
    for (int64_t k = 0; k < model->state_count; ++k) {
        for (int i = 0; i < count; ++i)
            mote_table_format(table, ",%s_%s", state_name(model, k, made), headings[i]);
        for (int i = 0; bands && i < MOTE_BANDS; ++i)
            mote_table_format(table, ",%s_%s", state_name(model, k, made), band_names[i]);
    }
}

void mote_state_put(mote_table *table, double value)
{
    mote_table_text(table, ",");
    if (!isnan(value))
        mote_table_short(table, value);
}

int mote_state_finish(mote_table *table)
{
    int status = mote_table_close(table);
    return status ? mote_complain(mote_exit_code(status), "%s", mote_output_message()) : 0;
}

/* Bands of a step that was taken; NaN where they are not kept. */
static void read_bands(mote_filter_files *files, int64_t step)
{
    const size_t count = (size_t)files->model->state_count * MOTE_BANDS, bytes = count * sizeof(double);
    const ssize_t n = raw_file(files) < 0 ? 0 : pread(files->raw, files->row, bytes, (off_t)step * (off_t)bytes);
    for (size_t i = n > 0 ? (size_t)n / sizeof(double) : 0; files->row && i < count; ++i)
        files->row[i] = NAN;
}

/* Columns `names` of the record for each state, and its bands. */
static int write_moments(mote_filter_files *files, mote_run *run, const char *ending, const char *const *names,
                         const char *const *headings, int count, int bands)
{
    const int64_t d = files->model->state_count, rows = mote_filter_record_count(run);
    mote_table table;
    if (!mote_filter_record(run, names[0], 0))
        return 0;
    int status = mote_table_open(&table, files->root, ending);
    if (status)
        return mote_complain(mote_exit_code(status), "%s", mote_output_message());
    mote_state_heading(&table, files->model, headings, count, bands);
    for (int64_t t = 0; t < rows; ++t) {
        mote_table_text(&table, "\n");
        mote_table_short(&table, mote_filter_record(run, "time", 0)[t]);
        if (bands)
            read_bands(files, t);
        for (int64_t k = 0; k < d; ++k) {
            for (int i = 0; i < count; ++i) {
                const double *column = mote_filter_record(run, names[i], k);
                mote_state_put(&table, column ? column[t] : (double)NAN);
            }
            for (int i = 0; bands && i < MOTE_BANDS; ++i)
                mote_state_put(&table, files->row ? files->row[k * MOTE_BANDS + i] : (double)NAN);
        }
    }
    mote_table_text(&table, "\n");
    return mote_state_finish(&table);
}

void mote_state_observation_heading(mote_table *table, const mote_ssm *model)
{
    mote_table_text(table, "time");
    for (int64_t k = 0; k < model->observation_count; ++k)
        mote_table_format(table, ",%s",
                          model->observations && model->observations[k] ? model->observations[k] : "observation");
}

void mote_state_observations(mote_table *table, const mote_ssm *model, int64_t t)
{
    const int64_t n = model->observation_count;
    for (int64_t k = 0; k < n; ++k) {
        const int seen = !model->series->observed || model->series->observed[t * n + k];
        mote_state_put(table, seen ? model->series->values[t * n + k] : (double)NAN);
    }
}

static int write_steps(mote_filter_files *files, mote_run *run)
{
    static const char *const names[] = { "increment", "log_evidence", "effective_sample_size", "resampled" };
    const mote_ssm *model = files->model;
    const int64_t rows = mote_filter_record_count(run);
    mote_table table;
    int status = mote_table_open(&table, files->root, "_steps.csv");
    if (status)
        return mote_complain(mote_exit_code(status), "%s", mote_output_message());
    mote_state_observation_heading(&table, model);
    for (int i = 0; i < 4; ++i)
        mote_table_format(&table, ",%s", names[i]);
    for (int64_t t = 0; t < rows; ++t) {
        mote_table_text(&table, "\n");
        mote_table_short(&table, mote_filter_record(run, "time", 0)[t]);
        mote_state_observations(&table, model, t);
        for (int i = 0; i < 4; ++i)
            mote_state_put(&table, mote_filter_record(run, names[i], 0)[t]);
    }
    mote_table_text(&table, "\n");
    return mote_state_finish(&table);
}

int mote_filter_files_write(mote_filter_files *files, mote_run *run)
{
    static const char *const filtered[] = { "filter_mean", "filter_sd", "filter_mean_error" },
                      *const predicted[] = { "prediction_mean", "prediction_sd" },
                      *const smoothed[] = { "smoothing_mean", "smoothing_sd" },
                      *const headings[] = { "mean", "sd", "mean_error" };
    if (!files->job || !mote_filter_record(run, "time", 0))
        return 0;
    int code = write_steps(files, run);
    code = code ? code : write_moments(files, run, "_filtered.csv", filtered, headings, 3, 1);
    code = code ? code : write_moments(files, run, "_predicted.csv", predicted, headings, 2, 0);
    code = code ? code : write_moments(files, run, "_smoothed.csv", smoothed, headings, 2, 0);
    if (!code && mote_run_finished_by(run) == MOTE_FINISHED_BY_CRITERION)
        (void)mote_table_remove(files->root, "_bands.raw");
    return code;
}

int mote_filter_files_verdict(const mote_filter_files *files, mote_run *run)
{
    if (!files->job || mote_filter_log_evidence(run) > -INFINITY || !mote_filter_count(run))
        return 0;
    const double *time = mote_filter_record(run, "time", 0), *evidence = mote_filter_record(run, "log_evidence", 0);
    int64_t alive = 0;
    if (!time || !evidence)
        return mote_complain(MOTE_EXIT_DATA,
                             "all particles had weight zero: the model %s cannot make the data, or needs more "
                             "particles",
                             files->model->name);
    while (alive + 1 < mote_filter_record_count(run) && evidence[alive] > -INFINITY)
        ++alive;
    return mote_complain(MOTE_EXIT_DATA,
                         "all particles had weight zero at step %lld (time %g): the model %s cannot make this "
                         "observation, or needs more particles",
                         (long long)alive, time[alive], files->model->name);
}
