/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two runs side by side: may their evidences be compared, and if not, what differs. */
#ifndef MOTE_CLI_COMPARE_H
#define MOTE_CLI_COMPARE_H

#include "cli/result.h"

enum { MOTE_PRIOR_TEXT = 160, MOTE_DIFFERENCE_TEXT = 4096 };

/* What differs between two identities that are known and not the same: likelihood, settings, sets, data files by name. */
const char *mote_identity_difference(const mote_outcome *a, const mote_outcome *b, char text[MOTE_DIFFERENCE_TEXT]);

/* The parameters that both runs have, with different priors: "omega_m, h"; "" when there are none. */
const char *mote_prior_difference(const mote_outcome *a, const mote_outcome *b, char text[MOTE_DIFFERENCE_TEXT]);

/* "uniform 0.1 0.5"; "" for a derived parameter. */
const char *mote_prior_text(const json_t *parameter, char text[MOTE_PRIOR_TEXT]);

#endif
