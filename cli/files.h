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

/* Removes what an earlier run left: checkpoints, the log and result files of that name, by the exact endings that mote
 * writes. The ini file `source` stays in any case. */
void mote_remove_results(const char *folder, const char *name, const char *source);

/* 1 when the folder holds a file that a run of that name would overwrite: result files and, unless `only_results`,
 * checkpoints and the log. `first` in alphabetical order is named. */
int mote_foreign_file(const char *folder, const char *name, int only_results, char *first, size_t size);

int mote_has_checkpoint(const char *folder);

#endif
