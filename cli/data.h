/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The section [data] of an ini file: the series of a state-space model from a text file.
 *
 *     file = series.csv        "-": standard input, for `mote filter`
 *     observations = a, b      names of the columns, when they are not those of the model
 *     inputs = c
 *     time = year */
#ifndef MOTE_CLI_DATA_H
#define MOTE_CLI_DATA_H

#include <mote/config.h>
#include <mote/plugin.h>

#include "io/series.h"

typedef struct mote_data {
    mote_memory memory;
    mote_series_file file;
    mote_series_names names;
    char path[4096];           /* "" without a file */
    int stream;                /* 1: standard input */
} mote_data;

/* Reads the section (may be NULL) and hands the series to the plug-in, which must be released before mote_data_close. 0, or
 * an exit code after a message. */
int mote_data_open(mote_data *data, const mote_config *section, mote_loaded_plugin *plugin);
void mote_data_close(mote_data *data);

#endif
