/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `mote check` asks of a model. Each question prints its own lines and counts into the report. */
#ifndef MOTE_CLI_CHECK_MODEL_H
#define MOTE_CLI_CHECK_MODEL_H

#include "cli/job.h"
#include "model/space.h"

enum mote_verdict { MOTE_VERDICT_OK, MOTE_VERDICT_NOTE, MOTE_VERDICT_FAIL };

typedef struct mote_check {
    mote_memory memory;
    mote_space space;
    const mote_job *job;
    int64_t n;                  /* rows drawn from the prior */
    double *cube, *theta;       /* n rows */
    double *value, *derived;    /* of one batch call */
    double *again, *derived_again;
    double *seconds;            /* of single calls, sorted */
    int failures, notes;
    int together;               /* 1: calls from several threads, or timed ones: they do not write down where they are */
} mote_check;

/* 0 or an exit code after a message. */
int mote_check_open(mote_check *check, const mote_job *job, int64_t n);
void mote_check_close(mote_check *check);

void mote_check_say(mote_check *check, int verdict, const char *format, ...) MOTE_PRINTF(3, 4);

/* Evaluates rows first, first + step, ... one by one (`single`) or in one batch; the code of the model. */
int mote_check_evaluate(const mote_check *check, int64_t first, int64_t step, int single, double *value,
                        double *derived);

/* Writes down that the model is asked at this row (cli/check_watch.h); `what`: "at", "in its gradient at". */
void mote_check_at_row(const mote_check *check, int64_t rows, const char *what, const double *theta);

void mote_check_prior(mote_check *check);
int mote_check_repetition(mote_check *check);  /* fills value and derived; batch, singles, repeated */
void mote_check_threads(mote_check *check);
void mote_check_failures(mote_check *check);   /* among prior draws, and at corners */
void mote_check_gradient(mote_check *check);
void mote_check_cost(mote_check *check);
void mote_check_invariance(mote_check *check); /* short runs with other batches and threads: same bytes */

#endif
