/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GetDist's files (Lewis, arXiv:1910.13970; the format of CosmoMC):
 *
 *   root.txt             weight, -log posterior, parameters, derived. "-log posterior" = -(log-likelihood + log prior
 *                        density in physical units), 1e30 for zero; MultiNest and PolyChord write -2 log-likelihood
 *                        there instead. Weights sum to 1; rows whose weight is 0 in double precision are left out.
 *   root.paramnames      names, labels
 *   root.ranges          name, minimum, maximum of the prior; N = no bound; "periodic" for angles
 *   root.properties.ini  sampler = nested: GetDist then takes the rows as independent and keeps the first ones. */
#include <math.h>
#include <mote/output.h>

#include "io/parameter_text.h"
#include "io/table.h"
#include "model/draws.h"

static void write_names(mote_table *table, const mote_draws *draws)
{
    for (int64_t i = 0; i < draws->parameter_count; ++i) {
        mote_table_text(table, " ");
        mote_table_text(table, draws->parameters[i].name);
    }
}

static int write_rows(const mote_draws *draws, const char *root)
{
    mote_table table;
    int status = mote_table_open(&table, root, ".txt");
    if (status)
        return status;
    mote_table_text(&table, draws->log_prior
                                ? "# column 2 is -(log likelihood + log prior density), 1e30 for zero\n# weight "
                                  "minus_log_posterior"
                                : "# column 2 is -(log likelihood), 1e30 for zero\n# weight minus_log_likelihood");
    write_names(&table, draws);
    mote_table_end_row(&table);
    for (int64_t i = 0; i < draws->count; ++i) {
        double weight = exp(draws->log_weight[i]);
        double minus = -(draws->log_likelihood[i] + (draws->log_prior ? draws->log_prior[i] : 0));
        if (!(weight > 0))
            continue;
        mote_table_number(&table, weight);
        mote_table_number(&table, minus < 1e30 ? minus : 1e30);
        for (int64_t j = 0; j < draws->parameter_count; ++j)
            mote_table_number(&table, draws->columns[j][i]);
        mote_table_end_row(&table);
    }
    return mote_table_close(&table);
}

static void write_bound(mote_table *table, double bound)
{
    mote_table_text(table, " ");
    if (isfinite(bound))
        mote_table_short(table, bound);
    else
        mote_table_text(table, "N");
}

static int write_ranges(const mote_draws *draws, const char *root)
{
    mote_table table;
    int status = mote_table_open(&table, root, ".ranges");
    if (status)
        return status;
    for (int64_t i = 0; i < draws->parameter_count; ++i) {
        double lower, upper;
        mote_parameter_range(&draws->parameters[i], &lower, &upper);
        mote_table_text(&table, draws->parameters[i].name);
        write_bound(&table, lower);
        write_bound(&table, upper);
        if (draws->parameters[i].boundary == MOTE_BOUNDARY_PERIODIC && isfinite(lower) && isfinite(upper))
            mote_table_text(&table, " periodic");
        mote_table_end_row(&table);
    }
    return mote_table_close(&table);
}

static int write_properties(const mote_draws *draws, const char *root)
{
    mote_table table;
    int status = mote_table_open(&table, root, ".properties.ini");
    if (status)
        return status;
    mote_table_text(&table, "# written by mote " MOTE_VERSION_STRING "; column 2 of the chain is ");
    mote_table_text(&table, draws->log_prior ? "-(log likelihood + log prior density)\n" : "-(log likelihood)\n");
    mote_table_text(&table, draws->birth ? "sampler = nested\n" : "sampler = uncorrelated\n");
    mote_table_text(&table, "burn_removed = T\n");
    return mote_table_close(&table);
}

int mote_write_getdist(const mote_draws *draws, const char *root)
{
    if (!draws)
        return mote_output_fail(MOTE_EINVAL, "mote_write_getdist: there are no draws");
    int status = write_rows(draws, root);
    if (status == MOTE_OK)
        status = mote_write_paramnames(draws->parameters, draws->parameter_count, root);
    if (status == MOTE_OK)
        status = write_ranges(draws, root);
    if (status == MOTE_OK)
        status = write_properties(draws, root);
    return status;
}
