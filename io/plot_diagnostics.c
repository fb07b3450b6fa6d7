/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Four views of a nested run against -log X, the prior volume used up so far:
 *   log L with the posterior mass per unit of log X (filled, over its peak)    live points
 *   the evidence gathered so far, in its final error band                     insertion ranks, in 40 bins
 * The band of the ranks holds 95 % of the bins of an exact sampler (binomial, normal approximation). */
#include <math.h>
#include <mote/status.h>
#include <stdio.h>

#include "io/plot.h"

enum { RANK_BINS = 40, MASS_BINS = 120 };

struct diagnostics {
    const mote_draws *draws;
    double *shrinkage; /* -log X after each death */
    double *rank;
    int64_t ranks;
    double lowest, highest;  /* log L shown */
    double mass[MASS_BINS], mass_peak;
    mote_table data, script;
};

static void find_shrinkage(struct diagnostics *d)
{
    double sum = 0;
    for (int64_t i = 0; i < d->draws->count; ++i)
        d->shrinkage[i] = sum += 1 / d->draws->live_count[i];
}

/* log L from three times as far below the maximum as where the posterior begins. */
static void find_range(struct diagnostics *d)
{
    double passed = 0, begin = NAN;
    const double *l = d->draws->log_likelihood;
    d->highest = d->draws->count ? l[d->draws->count - 1] : (double)NAN;
    for (int64_t i = 0; i < d->draws->count && !(passed > 1e-3); ++i) {
        passed += exp(d->draws->log_weight[i]);
        begin = l[i];
    }
    double span = 3 * (d->highest - begin);
    d->lowest = d->highest - (span > 0 && isfinite(span) ? span : 1);
    d->highest += 0.08 * (d->highest - d->lowest);
}

static double last_shrinkage(const struct diagnostics *d)
{
    return d->shrinkage[d->draws->count - 1];
}

static void find_mass(struct diagnostics *d)
{
    for (int64_t i = 0; i < d->draws->count; ++i) {
        int64_t bin = (int64_t)(d->shrinkage[i] / last_shrinkage(d) * MASS_BINS);
        d->mass[bin < MASS_BINS ? bin : MASS_BINS - 1] += exp(d->draws->log_weight[i]);
    }
    for (int i = 0; i < MASS_BINS; ++i)
        d->mass_peak = fmax(d->mass_peak, d->mass[i]);
}

static void put_row(mote_table *data, const double *values, int n)
{
    for (int i = 0; i < n; ++i) {
        mote_table_text(data, i ? " " : "");
        mote_table_short(data, values[i]);
    }
    mote_table_text(data, "\n");
}

/* -log X, log L, live points, log of the evidence so far: at most about 4,000 rows. */
static void write_course(struct diagnostics *d)
{
    const mote_draws *draws = d->draws;
    int64_t every = draws->count / 4000 + 1;
    double gathered = -INFINITY;
    mote_table_text(&d->data, "# course\n");
    for (int64_t i = 0; i < draws->count; ++i) {
        gathered = mote_log_add(gathered, draws->log_weight[i] + draws->log_evidence);
        if (i % every && i + 1 < draws->count)
            continue;
        put_row(&d->data, (double[]){ d->shrinkage[i], fmax(draws->log_likelihood[i], -1e300), draws->live_count[i],
                                      fmax(gathered, -1e300) }, 4);
    }
}

static void write_histograms(struct diagnostics *d)
{
    int64_t counts[RANK_BINS] = { 0 };
    mote_table_text(&d->data, "\n\n# mass\n");
    for (int i = 0; i < MASS_BINS; ++i)
        put_row(&d->data, (double[]){ (i + 0.5) * last_shrinkage(d) / MASS_BINS, d->mass[i] / d->mass_peak }, 2);
    for (int64_t i = 0; i < d->ranks; ++i)
        ++counts[(int)(d->rank[i] * RANK_BINS)];
    mote_table_text(&d->data, "\n\n# ranks\n");
    for (int i = 0; i < RANK_BINS; ++i)
        put_row(&d->data, (double[]){ (i + 0.5) / RANK_BINS, (double)counts[i] * RANK_BINS / fmax(1, (double)d->ranks) }, 2);
}

static int write_data(struct diagnostics *d, const mote_plot_options *options, const char *name)
{
    int status = mote_plot_open(&d->data, options, name, ".dat");
    if (status)
        return status;
    write_course(d);
    write_histograms(d);
    return mote_table_close(&d->data);
}

/* ---- the script ---- */

static void set_axis(mote_table *script, const char *axis, double lower, double upper, const char *label,
                     const char *offset)
{
    mote_table_format(script, "set %srange [", axis);
    mote_table_short(script, lower);
    mote_table_text(script, ":");
    mote_table_short(script, upper);
    mote_table_format(script, "]\nset %slabel '%s' offset %s\n", axis, label, offset);
    mote_plot_tics(script, *axis, lower, upper, 5, 0);
}

static void panel(mote_table *script, int column, int row, const char *title)
{
    double x = 0.085 + 0.5 * column, y = 0.595 - 0.5 * row;
    mote_table_text(script, "\n");
    mote_plot_place(script, x, x + 0.395, y, y + 0.345);
    mote_table_format(script, "set title '%s' offset 0,-0.4\n", title);
}

static void plot_likelihood(struct diagnostics *d)
{
    mote_table *s = &d->script;
    panel(s, 0, 0, "Likelihood and posterior mass");
    set_axis(s, "x", 0, last_shrinkage(d), "−log X", "0,0");
    set_axis(s, "y", d->lowest, d->highest, "log L", "0.5,0");
    mote_table_text(s, "set y2range [0:1.25]\nplot data index 'mass' using 1:2 axes x1y2 with filledcurves y1=0 fc rgb "
                       "'#B3D4E8', data index 'course' using 1:2 with lines lw 3 lc rgb '#0072B2'\n");
}

static void plot_live(struct diagnostics *d)
{
    double most = 0;
    for (int64_t i = 0; i < d->draws->count; ++i)
        most = fmax(most, d->draws->live_count[i]);
    panel(&d->script, 1, 0, "Live points");
    set_axis(&d->script, "x", 0, last_shrinkage(d), "−log X", "0,0");
    set_axis(&d->script, "y", 0, 1.15 * most, "n", "0.5,0");
    mote_table_text(&d->script, "plot data index 'course' using 1:3 with filledcurves y1=0 fc rgb '#D9EEE6', data index "
                                "'course' using 1:3 with lines lw 3 lc rgb '#009E73'\n");
}

static void plot_evidence(struct diagnostics *d)
{
    mote_table *s = &d->script;
    double z = d->draws->log_evidence, error = d->draws->log_evidence_error, span = fmax(4, 12 * error);
    panel(s, 0, 1, "Evidence gathered");
    set_axis(s, "x", 0, last_shrinkage(d), "−log X", "0,0");
    set_axis(s, "y", z - span, z + 0.35 * span, "log Z", "0.5,0");
    if (error > 0) {
        mote_table_text(s, "set object 1 rectangle from graph 0, first ");
        mote_table_short(s, z - error);
        mote_table_text(s, " to graph 1, first ");
        mote_table_short(s, z + error);
        mote_table_text(s, " fc rgb '#F6DCC8' fs solid noborder behind\n");
    }
    mote_table_text(s, "plot data index 'course' using 1:4 with lines lw 3 lc rgb '#D55E00'\nunset object\n");
}

static void plot_ranks(struct diagnostics *d)
{
    mote_table *s = &d->script;
    double sd = sqrt((RANK_BINS - 1) / fmax(1, (double)d->ranks)), reach = fmax(0.3, 4 * sd);
    panel(s, 1, 1, "Insertion ranks");
    set_axis(s, "x", 0, 1, "rank among the live points", "0,0");
    set_axis(s, "y", fmax(0, 1 - reach), 1 + reach, "births / expected", "0.5,0");
    mote_table_text(s, "set object 1 rectangle from graph 0, first ");
    mote_table_short(s, fmax(0, 1 - 1.96 * sd));
    mote_table_text(s, " to graph 1, first ");
    mote_table_short(s, 1 + 1.96 * sd);
    mote_table_text(s, " fc rgb '#E6E6E6' fs solid noborder behind\n"
                       "plot 1 with lines lw 2 dt (8,5) lc rgb '#707070', "
                       "data index 'ranks' using 1:2 with histeps lw 3 lc rgb '#CC79A7'\nunset object\n");
}

static int write_script(struct diagnostics *d, const mote_plot_options *options, const char *name)
{
    int status = mote_plot_begin(&d->script, options, name, 1500, 1100, 17);
    if (status)
        return status;
    plot_likelihood(d);
    plot_live(d);
    plot_evidence(d);
    plot_ranks(d);
    mote_table_text(&d->script, "unset multiplot\n");
    return mote_table_close(&d->script);
}

static int compute(struct diagnostics *d)
{
    int64_t n = d->draws->count;
    d->shrinkage = mote_memory_allocate(d->draws->memory, n, sizeof *d->shrinkage);
    d->rank = mote_memory_allocate(d->draws->memory, n, sizeof *d->rank);
    if (!d->shrinkage || !d->rank)
        return MOTE_ENOMEM;
    find_shrinkage(d);
    find_range(d);
    find_mass(d);
    return mote_insertion_ranks(d->draws, d->rank, &d->ranks);
}

int mote_plot_diagnostics(const mote_draws *draws, const mote_plot_options *options)
{
    if (!draws || !options)
        return mote_output_fail(MOTE_EINVAL, "mote_plot_diagnostics: there are no draws");
    const char *name = options->name ? options->name : "diagnostics";
    if (!draws->birth || !draws->live_count || draws->count < 2 || !isfinite(draws->log_evidence))
        return mote_output_fail(MOTE_EUNSUPPORTED, "%s: only a nested run with an evidence has these diagnostics", name);
    struct diagnostics *d = mote_memory_allocate(draws->memory, 1, sizeof *d);
    if (!d)
        return mote_output_fail(MOTE_ENOMEM, "%s: out of memory", name);
    d->draws = draws;
    int status = compute(d);
    if (status)
        mote_output_fail(status, "%s: %s", name, mote_strerror(status));
    if (status == MOTE_OK)
        status = write_data(d, options, name);
    if (status == MOTE_OK)
        status = write_script(d, options, name);
    mote_memory_release(draws->memory, d->shrinkage);
    mote_memory_release(draws->memory, d->rank);
    mote_memory_release(draws->memory, d);
    return status;
}
