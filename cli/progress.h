/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live line of a run on a terminal; silent when standard error is something else. */
#ifndef MOTE_CLI_PROGRESS_H
#define MOTE_CLI_PROGRESS_H

#include <mote/run.h>

enum { MOTE_LINE_SIZE = 256 };

typedef struct mote_live_line {
    int shown;        /* 1: standard error is a terminal, and not --quiet */
    int drawn;        /* 1: the line stands there and must be wiped before other text */
    double last;      /* clock of the last drawing, s */
} mote_live_line;

void mote_live_line_open(mote_live_line *line, int quiet);
void mote_live_line_show(mote_live_line *line, const mote_progress *progress); /* at most five times a second */
void mote_live_line_wipe(mote_live_line *line);

/* The text alone. */
void mote_live_line_format(const mote_progress *progress, char text[MOTE_LINE_SIZE]);

/* Makes it at most `columns` bytes long: drops fields from the right, and cuts the first when it alone is too long. */
void mote_live_line_fit(char text[MOTE_LINE_SIZE], int64_t columns);

/* "4.2 s", "0:42", "1:02:03", "5 d 01:02:03"; "-" for what is unknown. Returns text. */
char *mote_duration(double seconds, char text[64]);

#endif
