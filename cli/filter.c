/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mote filter: the states of a state-space model given a series, or a stream. It is `mote run` with the sampler `filter`
 * (or with the one that [filter] learn names), and reads standard input when the data file is "-". */
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
               "each is answered with a line. Options stand in [filter]; learn = pmmh (or another sampler for such models) learns\n"
               "free parameters instead. Output folder, --resume and exit codes are those of `mote run`.",
    .flags = mote_run_flags,
    .has_options = 1,
    .run = filter,
};
