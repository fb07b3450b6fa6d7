/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run of `filter` leaves beside the files of every run, one row for each observation:
 *
 *     NAME_filtered.csv     time; of each state mean, sd, error of the mean, and the quantiles 2.275, 15.8655,
 * 50, 84.1345, 97.725 %: p(x_t | y_0..t) NAME_predicted.csv    time; of each state mean, sd: p(x_t | y_0..t-1)
 *     NAME_smoothed.csv     the same of p(x_t | y_0..t+smoothing_lag)
 *     NAME_steps.csv        time, observations, increment, log_evidence, effective_sample_size, resampled
 *
 * Quantiles are taken in each step by the filter's `observe` and kept in NAME_bands.raw (doubles, row after row) until
 * the run has finished, so that a run that was killed and resumed leaves the same bytes. */
#ifndef MOTE_CLI_FILTER_FILES_H
#define MOTE_CLI_FILTER_FILES_H

#include "cli/job.h"
#include "io/table.h"

enum { MOTE_BANDS = 5 };

typedef struct mote_filter_files {
    const mote_job *job;        /* NULL: the run is no filter */
    const mote_ssm *model;
    char root[2 * MOTE_JOB_PATH];
    int raw;                    /* descriptor of NAME_bands.raw, -1 */
    struct mote_weighted *sorted;
    double *row;                /* state_count times MOTE_BANDS */
} mote_filter_files;

/* Sets options of the job's filter (record = all unless the file says otherwise; observe). Of other runs: nothing. */
void mote_filter_files_open(mote_filter_files *files, mote_job *job);
void mote_filter_files_close(mote_filter_files *files);

/* 0, or an exit code after a message. */
int mote_filter_files_write(mote_filter_files *files, mote_run *run);

/* After the end: MOTE_EXIT_DATA and a message when all weights became zero. */
int mote_filter_files_verdict(const mote_filter_files *files, mote_run *run);

/* smooth_files.c: the same of a run of `smoother`: NAME_smoothed.csv, with quantiles where the method has weighted
 * particles or paths, and NAME_steps.csv with time and observations. */
int mote_smooth_files_write(const mote_job *job, mote_run *run);

/* ---- shared by the two ---- */

struct mote_weighted { double value, weight; };

/* Quantiles of weighted particles, which are sorted. */
void mote_state_bands(struct mote_weighted *particles, int64_t n, double row[MOTE_BANDS]);

/* The first line: time, of each state `count` headings and perhaps the bands; or time and observations. */
void mote_state_heading(mote_table *table, const mote_ssm *model, const char *const *headings, int count, int bands);
void mote_state_observation_heading(mote_table *table, const mote_ssm *model);
void mote_state_observations(mote_table *table, const mote_ssm *model, int64_t t);

/* A comma and a number, nothing for NaN. And closing: 0, or an exit code after a message. */
void mote_state_put(mote_table *table, double value);
int mote_state_finish(mote_table *table);

/* filter_stream.c: observations from standard input, one line out for each. An exit code. */
typedef struct mote_stream_start {
    int folder;         /* 1: checkpoints and results in the job's output folder */
    int resumed, quiet; /* resumed: goes on from the folder's checkpoint */
    const char *former; /* --force: the name of the run whose files are removed; NULL */
} mote_stream_start;

int mote_filter_stream(mote_job *job, const mote_stream_start *start);

#endif
