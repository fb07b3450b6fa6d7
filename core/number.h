/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers as text, independent of the locale of the host program. */
#ifndef MOTE_CORE_NUMBER_H
#define MOTE_CORE_NUMBER_H

#include <mote/base.h>

/* Longest result of the functions below, with its terminating zero. */
#define MOTE_NUMBER_SIZE 32

/* `digits` significant digits (1..17, 17 reads back exactly) with a decimal point; "nan", "inf", "-inf".
 * Returns text. `text` has MOTE_NUMBER_SIZE bytes. */
char *mote_number_format(char *text, double value, int digits);

/* The fewest digits (15 to 17) that read back exactly. */
char *mote_number_format_shortest(char *text, double value);

/* Reads one number in C notation that fills the whole text but for surrounding blanks (also nan, inf, 1e4).
 * MOTE_EPARSE otherwise, also for finite numbers that overflow. */
int mote_number_parse(const char *text, double *value);

/* The same for whole numbers; accepts 1e4 when it is whole; MOTE_EPARSE when it is not or does not fit. */
int mote_number_parse_integer(const char *text, int64_t *value);

/* Reads a number at *cursor after blanks and moves the cursor behind it; MOTE_DONE at the end of the text,
 * MOTE_EPARSE for anything else. For data files. */
int mote_number_next(const char **cursor, double *value);

#endif
