/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to a model that may crash or hang are asked in a process of their own, which writes down where it is before it
 * calls the model. When it dies, or stands still for too long, the one that watches says so. */
#ifndef MOTE_CLI_CHECK_WATCH_H
#define MOTE_CLI_CHECK_WATCH_H

#include "cli/cli.h"

/* Calls `question` in a child process; its exit code, or MOTE_EXIT_DATA after a line that says how it ended, and where. */
int mote_check_watched(int (*question)(const mote_arguments *arguments), const mote_arguments *arguments);

/* Time that one row may take, s. */
void mote_check_limit(double seconds);

/* What the model is asked next ("at x = 1"), which may take as long as `rows` rows may; 0: as it likes. */
void mote_check_at(int64_t rows, const char *format, ...) MOTE_PRINTF(2, 3);

/* The same of many calls that are not told apart: ten rows' time and `seconds`. */
void mote_check_for(double seconds, const char *format, ...) MOTE_PRINTF(2, 3);

/* The model has answered, and what follows is the check's own work. */
void mote_check_back(void);

#endif
