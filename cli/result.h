/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON file of a run, read back. */
#ifndef MOTE_CLI_RESULT_H
#define MOTE_CLI_RESULT_H

#include <jansson.h>
#include <mote/config.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mote_outcome {
    char title[256];     /* the folder or root as it was given */
    char state[32];      /* "running", "finished"...; "" without a folder */
    const char *identity; /* of data and likelihood; "" unknown */
    mote_config *record; /* mote.ini of the folder, or NULL */
    json_t *json;
} mote_outcome;

/* `path`: a run folder, or the root of result files. 0 or an exit code after a message. */
int mote_outcome_read(mote_outcome *outcome, const char *path);
void mote_outcome_free(mote_outcome *outcome);

/* The root of the result files that `path` means, in root[size]: of the run in a folder, or the path itself. */
int mote_outcome_root(const char *path, char *root, size_t size);

/* NaN where there is none. */
double mote_outcome_number(const json_t *object, const char *key);
double mote_outcome_result(const mote_outcome *outcome, const char *name); /* in "results" */
const char *mote_outcome_text(const json_t *object, const char *key);      /* "" */
const json_t *mote_outcome_parameter(const mote_outcome *outcome, const char *name); /* NULL */

#endif
