/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the runs of kernels on paths share: the present path, sweeps that are counted, and a row of numbers from each
 * that is kept. Step 0 makes a path to start from (unless one was given), each later step is one sweep. */
#ifndef MOTE_SMC_PATH_RUN_H
#define MOTE_SMC_PATH_RUN_H

#include "core/run.h"
#include "model/draws.h"
#include "smc/stream.h"

typedef struct mote_path_run {
    mote_stream_state stream;
    int64_t sweeps, dropped; /* k, k0 */
    int64_t started;         /* 1: there is a path */
    int64_t done;            /* sweeps made */
    int64_t width;           /* numbers of a row */
    int64_t times, d;
    double *path, *next;     /* times x d */
    double *rows;            /* of the kept sweeps */
    int64_t kept, room;
    double renewed;          /* sum over kept sweeps of the share of times at which the path changed */
    /* The kernel: a first path; a sweep from path to next; the row of the sweep just made. */
    int (*first)(mote_run *run, const mote_source *source, double *path);
    int (*sweep)(mote_run *run, const mote_source *source, const double *path, double *next);
    int (*fill)(mote_run *run, double *row);
} mote_path_run;

/* After stream is open and the functions are set. warm_up: option, 0: a tenth, at least one; -1: none. `path`: rows to
 * start from, copied, or NULL. */
int mote_path_run_open(mote_run *run, mote_path_run *p, int64_t sweeps, int64_t warm_up, const double *path,
                       int64_t width);
void mote_path_run_close(mote_run *run, mote_path_run *p);
int mote_path_run_step(mote_run *run, mote_path_run *p);
void mote_path_run_save(const mote_path_run *p, mote_writer *writer);
int mote_path_run_load(mote_run *run, mote_path_run *p, mote_reader *reader);
void mote_path_run_progress(const mote_path_run *p, mote_progress *progress);

/* Draws of the kept rows with `width` columns, filled; the results "sweeps", "path_renewal". */
int mote_path_run_draws(mote_run *run, const mote_path_run *p, const mote_parameter *columns);

/* Mean and batch-means error of column k of the kept rows. */
double mote_path_run_mean(const mote_path_run *p, int64_t k);
double mote_path_run_error(const mote_path_run *p, int64_t k);

#endif
