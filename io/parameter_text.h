/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameters as files and plots need them. */
#ifndef MOTE_IO_PARAMETER_TEXT_H
#define MOTE_IO_PARAMETER_TEXT_H

#include <mote/parameter.h>

#include "io/table.h"

/* Range of a parameter, -inf and inf where it has no end. Parameters that were read from a file have no prior; their
 * `argument` holds the range. */
void mote_parameter_range(const mote_parameter *parameter, double *lower, double *upper);

/* root.paramnames: name, "*" behind derived ones, LaTeX label. */
int mote_write_paramnames(const mote_parameter *parameters, int64_t count, const char *root);

/* A LaTeX label as gnuplot's enhanced text, in UTF-8: "\Omega_m" -> "Ω_{m}", "H_0\,[\mathrm{km}]" -> "H_{0} [km]".
 * Unknown commands lose their backslash. For strings in single quotes, where gnuplot runs no commands; quotes are
 * doubled, and what gnuplot would interpret is escaped. Cut at `size` bytes. */
void mote_label_to_gnuplot(const char *latex, char *text, size_t size);

/* The same for text that is no LaTeX: it appears as it is. */
void mote_text_to_gnuplot(const char *plain, char *text, size_t size);

#endif
