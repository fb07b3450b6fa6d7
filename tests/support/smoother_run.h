/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of `smoother` that must open and must finish. */
#ifndef MOTE_TESTS_SMOOTHER_RUN_H
#define MOTE_TESTS_SMOOTHER_RUN_H

#include <mote/smoother.h>

#include "tests/support/filter_bench.h"

static inline mote_run *open_smoother(const mote_ssm *model, const mote_smoother_options *options)
{
    return open_run_of(mote_smoother, model, options);
}

static inline mote_run *finish_smoother(const mote_ssm *model, const mote_smoother_options *options)
{
    return finished_run_of(mote_smoother, model, options);
}

#endif
