/* SPDX-License-Identifier: GPL-3.0-or-later */
/* root_equal_weights.txt: parameters, derived, logL of equally weighted rows, as many as the effective sample size
 * (rounded down, at least 1), by systematic resampling with a fixed key: the same draws give the same file. */
#include <mote/output.h>

#include "core/source.h"
#include "io/table.h"
#include "model/draws.h"

static int write_rows(const mote_draws *draws, const int64_t *index, int64_t n, const char *root)
{
    mote_table table;
    int status = mote_table_open(&table, root, "_equal_weights.txt");
    if (status)
        return status;
    mote_table_text(&table, "#");
    for (int64_t j = 0; j < draws->parameter_count; ++j) {
        mote_table_text(&table, " ");
        mote_table_text(&table, draws->parameters[j].name);
    }
    mote_table_text(&table, " logL\n");
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < draws->parameter_count; ++j)
            mote_table_number(&table, draws->columns[j][index[i]]);
        mote_table_number(&table, draws->log_likelihood[index[i]]);
        mote_table_end_row(&table);
    }
    return mote_table_close(&table);
}

int mote_write_equal_weights(const mote_draws *draws, const char *root)
{
    if (!draws)
        return mote_output_fail(MOTE_EINVAL, "mote_write_equal_weights: there are no draws");
    mote_source start = mote_source_live(mote_source_key(0, 0));
    mote_source source = mote_source_at(&start, MOTE_PURPOSE_RESAMPLE, 0, 0);
    int64_t n = (int64_t)mote_draws_weight_size(draws);
    if (mote_draws_weight_size(draws) <= 0)
        return mote_output_fail(MOTE_EINVAL, "%s_equal_weights.txt: no draw has any weight", root);
    n = n < 1 ? 1 : n > draws->count ? draws->count : n;
    int64_t *index = mote_memory_allocate(draws->memory, n, sizeof *index);
    if (!index)
        return mote_output_fail(MOTE_ENOMEM, "%s_equal_weights.txt: out of memory", root);
    int status = mote_draws_resample(draws, &source, n, index);
    status = status ? mote_output_fail(status, "%s_equal_weights.txt: %s", root, mote_strerror(status))
                    : write_rows(draws, index, n, root);
    mote_memory_release(draws->memory, index);
    return status;
}
