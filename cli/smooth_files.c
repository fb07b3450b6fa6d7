/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run of `smoother` leaves beside the files of every run. */
#include <math.h>
#include <mote/output.h>
#include <mote/smoother.h>
#include <stdlib.h>

#include "cli/filter_files.h"

/* Values and weights of a state at a time, of the methods that have them: paths, or weighted particles. */
typedef struct cloud {
    const mote_run *run;
    int64_t n, paths;
    double *log_weight;
    struct mote_weighted *particles;
} cloud;

static void open_cloud(cloud *c, const mote_job *job, const mote_run *run)
{
    const mote_smoother_options *options = job->options;
    c->run = run;
    c->paths = mote_smoother_path_count(run);
    c->n = c->paths ? c->paths : options->particles ? options->particles : 1000;
    c->log_weight = calloc((size_t)c->n, sizeof *c->log_weight);
    c->particles = calloc((size_t)c->n, sizeof *c->particles);
    if (!c->log_weight || !c->particles || (c->paths && mote_smoother_path_log_weights(run, c->log_weight)))
        c->n = 0;
}

static void find_bands(const cloud *c, int64_t step, int64_t state, double row[MOTE_BANDS])
{
    const double *column = c->paths ? mote_smoother_path(c->run, step, state)
                                    : mote_smoother_particles(c->run, step, state);
    const int known = c->n && column && (c->paths || !mote_smoother_log_weights(c->run, step, c->log_weight));
    for (int k = 0; k < MOTE_BANDS; ++k)
        row[k] = NAN;
    for (int64_t i = 0; known && i < c->n; ++i)
        c->particles[i] = (struct mote_weighted){ column[i], exp(c->log_weight[i]) };
    if (known)
        mote_state_bands(c->particles, c->n, row);
}

static void put_state(mote_table *table, const cloud *c, int64_t step, int64_t state)
{
    const double *const columns[] = { mote_smoother_mean(c->run, state), mote_smoother_sd(c->run, state),
                                      mote_smoother_mean_error(c->run, state) };
    double row[MOTE_BANDS];
    for (int i = 0; i < 3; ++i)
        mote_state_put(table, columns[i] ? columns[i][step] : (double)NAN);
    find_bands(c, step, state, row);
    for (int i = 0; i < MOTE_BANDS; ++i)
        mote_state_put(table, row[i]);
}

static int open_table(mote_table *table, const mote_job *job, const char *ending)
{
    char root[2 * MOTE_JOB_PATH];
    snprintf(root, sizeof root, "%s/%s", job->output, job->name);
    int status = mote_table_open(table, root, ending);
    return status ? mote_complain(mote_exit_code(status), "%s", mote_output_message()) : 0;
}

static int write_smoothed(const mote_job *job, const mote_run *run, const mote_ssm *model)
{
    static const char *const headings[] = { "mean", "sd", "mean_error" };
    mote_table table;
    cloud c = { .run = run };
    int code = open_table(&table, job, "_smoothed.csv");
    if (code)
        return code;
    open_cloud(&c, job, run);
    mote_state_heading(&table, model, headings, 3, 1);
    for (int64_t t = 0; t < mote_smoother_count(run); ++t) {
        mote_table_text(&table, "\n");
        mote_table_short(&table, mote_smoother_time(run)[t]);
        for (int64_t k = 0; k < model->state_count; ++k)
            put_state(&table, &c, t, k);
    }
    mote_table_text(&table, "\n");
    free(c.log_weight);
    free(c.particles);
    return mote_state_finish(&table);
}

static int write_observations(const mote_job *job, const mote_run *run, const mote_ssm *model)
{
    mote_table table;
    int code = open_table(&table, job, "_steps.csv");
    if (code)
        return code;
    mote_state_observation_heading(&table, model);
    for (int64_t t = 0; t < mote_smoother_count(run); ++t) {
        mote_table_text(&table, "\n");
        mote_table_short(&table, mote_smoother_time(run)[t]);
        mote_state_observations(&table, model, t);
    }
    mote_table_text(&table, "\n");
    return mote_state_finish(&table);
}

int mote_smooth_files_write(const mote_job *job, mote_run *run)
{
    const mote_ssm *model = mote_plugin_ssm(job->plugin);
    if (job->algorithm != mote_smoother || !mote_smoother_count(run))
        return 0;
    int code = write_smoothed(job, run, model);
    return code ? code : write_observations(job, run, model);
}
