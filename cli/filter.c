/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote filter and mote smooth: the states of a state-space model given a series, or a stream. They are `mote run` with the
 * sampler `filter` (or the one that [filter] learn names) and `smoother`; a filter reads standard input when the data file is
 * "-". */
#include "cli/cli.h"

static int filter(const mote_arguments *arguments)
{
    mote_arguments own = *arguments;
    own.sampler = "filter";
    return mote_run_ini(&own);
}

const mote_verb mote_verb_filter = {
    .name = "filter",
    .operands = "FILE.ini",
    .help = "Filter a series with a state-space model: states, evidence, and files to plot",
    .details = "[data] file names the series (a table with column names); with file = - observations come from standard input and\n"
               "each is answered with a line; --output DIR then keeps checkpoints, and with --resume the lines given are\n"
               "the observations that follow. Options stand in [filter]; learn = pmmh (or another sampler for such\n"
               "models) learns free parameters instead. Output folder, --resume and exit codes are those of `mote run`;\n"
               "a stream that is given no output folder keeps nothing, and a signal ends it for good.",
    .flags = mote_run_flags,
    .has_options = 1,
    .run = filter,
};

static int smooth(const mote_arguments *arguments)
{
    mote_arguments own = *arguments;
    own.sampler = "smoother";
    return mote_run_ini(&own);
}

const mote_verb mote_verb_smooth = {
    .name = "smooth",
    .operands = "FILE.ini",
    .help = "Smooth a series with a state-space model: its states given all observations",
    .details = "[data] file names the series. Options stand in [smooth] (or [smoother]): method = ffbsi, ffbsm, two_filter,\n"
               "two_filter_linear, fixed_lag or genealogy. Output folder, --resume and exit codes are those of `mote run`.",
    .flags = mote_run_flags,
    .has_options = 1,
    .run = smooth,
};
