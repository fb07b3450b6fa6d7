/* SPDX-License-Identifier: GPL-3.0-or-later */
/* anesthetic's files (Handley, arXiv:1905.04768; the format of PolyChord):
 *
 *   root_dead-birth.txt       all deaths, the final live points among them: parameters, derived, logL, logL at birth
 *   root_phys_live-birth.txt  the final live points once more (anesthetic drops the doubles)
 *   root.paramnames           names, labels
 *
 * Zero likelihood. anesthetic takes logL <= -1e30 for -inf and drops rows with logL <= logL_birth: deaths at L = 0
 * would vanish and the evidence would lose their shrinkage (log 2 for a prior that is half empty). So they are written
 * as -1e29, prior draws have the birth -inf, and a point born above the contour L = 0 has the birth -1e29. */
#include <math.h>
#include <mote/output.h>

#include "io/parameter_text.h"
#include "io/table.h"
#include "model/draws.h"

static void write_row(mote_table *table, const mote_draws *draws, int64_t row)
{
    for (int64_t j = 0; j < draws->parameter_count; ++j)
        mote_table_number(table, draws->columns[j][row]);
    mote_table_number(table, fmax(draws->log_likelihood[row], MOTE_LOG_ZERO));
    mote_table_number(table, draws->birth[row]);
    mote_table_end_row(table);
}

static int write_rows(const mote_draws *draws, int64_t first, const char *root, const char *ending)
{
    mote_table table;
    int status = mote_table_open(&table, root, ending);
    if (status)
        return status;
    mote_table_text(&table, "#");
    for (int64_t j = 0; j < draws->parameter_count; ++j) {
        mote_table_text(&table, " ");
        mote_table_text(&table, draws->parameters[j].name);
    }
    mote_table_text(&table, " logL logL_birth\n");
    for (int64_t i = first; i < draws->count; ++i)
        write_row(&table, draws, i);
    return mote_table_close(&table);
}

int mote_write_anesthetic(const mote_draws *draws, const char *root)
{
    if (!draws)
        return mote_output_fail(MOTE_EINVAL, "mote_write_anesthetic: there are no draws");
    if (!draws->birth)
        return mote_output_fail(MOTE_EUNSUPPORTED,
                                "%s_dead-birth.txt: only nested sampling has the births that this file needs", root);
    int status = write_rows(draws, 0, root, "_dead-birth.txt");
    if (status == MOTE_OK)
        status = draws->live > 0 ? write_rows(draws, draws->count - draws->live, root, "_phys_live-birth.txt")
                                 : mote_table_remove(root, "_phys_live-birth.txt");
    if (status == MOTE_OK)
        status = mote_write_paramnames(draws->parameters, draws->parameter_count, root);
    return status;
}
