/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of finished and running runs, from the JSON files that they write. */
#ifndef MOTE_CLI_SUMMARY_H
#define MOTE_CLI_SUMMARY_H

/* Prints the summary of one run folder, or of the root of its files. 0 or an exit code after a message. */
int mote_summarize(const char *folder);

#endif
