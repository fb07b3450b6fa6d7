/* SPDX-License-Identifier: BSD-2-Clause */
/* Result files that other tools read. `root` is a path without ending; its folder must exist. Files are written under
 * a temporary name and renamed, numbers with 17 significant digits and a decimal point whatever the locale. */
#ifndef MOTE_OUTPUT_H
#define MOTE_OUTPUT_H

#include <mote/run.h>

MOTE_BEGIN

/* GetDist: root.txt (weight, -log posterior, parameters, derived), root.paramnames, root.ranges,
 * root.properties.ini. */
MOTE_API int mote_write_getdist(const mote_draws *draws, const char *root);

/* anesthetic: root_dead-birth.txt and root_phys_live-birth.txt (parameters, derived, logL, logL at birth). */
MOTE_API int mote_write_anesthetic(const mote_draws *draws, const char *root);

/* root_equal_weights.txt: parameters, derived, logL, by systematic resampling. */
MOTE_API int mote_write_equal_weights(const mote_draws *draws, const char *root);

/* root.csv: log_weight, log_likelihood, parameters, derived, with a header line. */
MOTE_API int mote_write_csv(const mote_draws *draws, const char *root);

/* root.json: evidence, errors, summaries, diagnostics, ledger. */
MOTE_API int mote_write_json(mote_run *run, const char *root);

/* Detail of the last failure of a function above in this thread: path and reason. */
MOTE_API const char *mote_output_message(void);

MOTE_END
#endif
