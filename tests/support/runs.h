/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs that must open, and end well: the message is printed where they do not. */
#ifndef MOTE_TESTS_RUNS_H
#define MOTE_TESTS_RUNS_H

#include <mote/run.h>

#include "tests/support/test.h"

static inline void assert_well(const mote_run *run, int status)
{
    if (status)
        print_error("%s\n", mote_run_message(run));
    assert_status(status, MOTE_OK);
}

static inline mote_run *open_run_of(const mote_algorithm *algorithm, const void *model, const void *options)
{
    mote_run *run = NULL;
    const int status = mote_run_open(&run, algorithm, model, options);
    assert_well(run, status);
    return run;
}

static inline mote_run *finished_run_of(const mote_algorithm *algorithm, const void *model, const void *options)
{
    mote_run *run = open_run_of(algorithm, model, options);
    assert_well(run, mote_run_finish(run));
    return run;
}

#endif
