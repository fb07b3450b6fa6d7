/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The output folder and the result files in it. */
#ifndef MOTE_CLI_FILES_H
#define MOTE_CLI_FILES_H

#include <mote/run.h>

/* Makes the folder and its parents; *made counts them. 0 or an exit code after a message. */
int mote_make_folder(const char *folder, int *made);

/* Removes the last `made` folders of the path as far as they are empty: nothing came of it. */
void mote_unmake_folder(const char *folder, int made);

/* All result files of the draws so far: GetDist, anesthetic (with birth contours), equal weights, JSON.
 * 0 or an exit code after a message. */
int mote_write_results(mote_run *run, const char *folder, const char *name);

/* Removes what an earlier run left: checkpoints and result files of that name. */
void mote_remove_results(const char *folder, const char *name);

#endif
