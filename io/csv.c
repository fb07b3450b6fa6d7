/* SPDX-License-Identifier: GPL-3.0-or-later */
/* root.csv (RFC 4180, lines end with LF): log_weight, log_likelihood, parameters, derived, one header line. All rows,
 * in the order of the run; -inf and nan are written as these words. */
#include <mote/output.h>
#include <string.h>

#include "io/table.h"
#include "model/draws.h"

static void write_name(mote_table *table, const char *name)
{
    int quoted = strpbrk(name, ",\"\n\r") != NULL; /* only names that were read from other codes' files */
    mote_table_text(table, quoted ? ",\"" : ",");
    for (; *name; ++name)
        mote_table_text(table, quoted && *name == '"' ? "\"\"" : (char[]){ *name, 0 });
    mote_table_text(table, quoted ? "\"" : "");
}

int mote_write_csv(const mote_draws *draws, const char *root)
{
    mote_table table;
    if (!draws)
        return mote_output_fail(MOTE_EINVAL, "mote_write_csv: there are no draws");
    int status = mote_table_open(&table, root, ".csv");
    if (status)
        return status;
    table.separator = ',';
    mote_table_text(&table, "log_weight,log_likelihood");
    for (int64_t j = 0; j < draws->parameter_count; ++j)
        write_name(&table, draws->parameters[j].name);
    mote_table_end_row(&table);
    for (int64_t i = 0; i < draws->count; ++i) {
        mote_table_number(&table, draws->log_weight[i]);
        mote_table_number(&table, draws->log_likelihood[i]);
        for (int64_t j = 0; j < draws->parameter_count; ++j)
            mote_table_number(&table, draws->columns[j][i]);
        mote_table_end_row(&table);
    }
    return mote_table_close(&table);
}
