/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ini file made ready to run: sections checked, the model loaded, the sampler's options set.
 *
 *     [run]         sampler, model, output, name, and the options that all samplers share
 *     [model]       for the model
 *     [parameters]  priors, fixed values, labels
 *     [data]        series of a state-space model (cli/data.h)
 *     [nested], [pmmh], ...   options of one sampler
 *     [record]      written by the program into the output folder: where the file came from, state of the run */
#ifndef MOTE_CLI_JOB_H
#define MOTE_CLI_JOB_H

#include <mote/config.h>
#include <mote/plugin.h>
#include <mote/run.h>

#include "cli/cli.h"
#include "cli/data.h"

enum { MOTE_JOB_PATH = 4096 };

typedef struct mote_job {
    mote_config *file;
    char source[MOTE_JOB_PATH];  /* the ini file, absolute: what relative paths mean */
    const mote_algorithm *algorithm;
    void *options;               /* of the algorithm; its texts live in `file` */
    mote_loaded_plugin *plugin;
    mote_data data;
    char output[MOTE_JOB_PATH];  /* folder */
    char name[256];              /* of the result files in it */
    char worker[MOTE_JOB_PATH];  /* mote-worker beside the program, when it is there */
    int64_t empty_lines, empty_lines_after; /* of a stream: read, and not yet taken, behind so many observations */
    int64_t columns;             /* of a stream's table; 0: not known */
} mote_job;

/* Reads FILE ("-": standard input), applies --set and option flags, loads the model. 0, or an exit code after a
 * message. Always close. */
int mote_job_open(mote_job *job, const char *path, const mote_arguments *arguments);

/* The same with another model than the file names; NULL: that of the file. */
int mote_job_open_model(mote_job *job, const char *path, const char *model, const mote_arguments *arguments);

/* The same from text; `name` is the file that it stands for. */
int mote_job_open_text(mote_job *job, const char *text, const char *name, const mote_arguments *arguments);

/* The same from the folder of an earlier run. */
int mote_job_open_folder(mote_job *job, const char *folder, const mote_arguments *arguments);
void mote_job_close(mote_job *job);

/* The model for the job's sampler: target or state-space model. NULL after a message that says what is missing. */
const void *mote_job_model(const mote_job *job);

/* DIR/mote.ini with every option spelt out and [record]; written under a temporary name and renamed. */
int mote_job_write(const mote_job *job, const char *state);

/* The word that the last mote_job_write of that folder said ("running", "stopped", "limit", "finished", "failed"),
 * and the name of its files; MOTE_ENOENT when the folder holds no run. `message` says what is wrong, and where. */
int mote_job_state(const char *folder, char *state, size_t state_size, char *name, size_t name_size, char *message,
                   size_t size);

#endif
