/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cosmology plug-in against quadrature: twenty seeds of nested sampling, 1000 live points, for each of the 22 rows
 * of data/cosmology/reference_quadrature.csv, through the loader and a configuration as `mote run` would use them.
 *
 *     cosmology [--folder F] [--jobs N] [--seeds N] [--report]
 *
 * Passed when, averaged over the seeds, every mean lies within 0.05 standard deviations of the table's and every
 * standard deviation within 4 %; the pulls of log Z, all rows together, have |mean| < 0.2 and sd 0.88 to 1.12 and
 * none lies beyond 4.5; and each row's mean pull is within 0.9. With 440 right pulls the common limits are missed in
 * less than one case of a thousand, and one row's in 6e-5. Fewer seeds widen them by the square root. */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/cosmology/reference.h"
#include "tests/long/measure.h"

static const double seeds_of_the_limits = 20, widest_pull = 4.5;

typedef struct totals {
    double sum, squares, worst;
    int64_t n, failed;
} totals;

typedef struct settings {
    const char *folder;
    int64_t jobs, seeds, report;
} settings;

static void add_moments(void *ctx, mote_run *run, measure *row)
{
    (void)ctx;
    reference_moments(mote_run_draws(run), row->extra, row->extra + REFERENCE_COLUMNS);
}

static void one(const void *ctx, int64_t seed, measure *row)
{
    measure_plan plan = *(const measure_plan *)ctx;
    plan.options.seed = seed;
    measure_run(&plan, row);
}

/* Largest deviation of the averaged means, in sd, and of the averaged sds, relative. */
static void compare(const measure_store *store, const reference_row *row, double *mean, double *sd)
{
    *mean = *sd = 0;
    for (int i = 0; i < REFERENCE_COLUMNS; ++i) {
        if (isnan(row->mean[i]))
            continue;
        size_t at = offsetof(measure, extra) + (size_t)i * sizeof(double);
        double off = measure_mean(store, at) - row->mean[i];
        double ratio = measure_mean(store, at + REFERENCE_COLUMNS * sizeof(double)) / row->sd[i];
        *mean = fabs(off / row->sd[i]) > fabs(*mean) || isnan(off) ? off / row->sd[i] : *mean;
        *sd = fabs(ratio - 1) > fabs(*sd) || isnan(ratio) ? ratio - 1 : *sd;
    }
}

static void judge(const measure_store *store, const reference_row *row, double widen, totals *all)
{
    double mean, sd;
    measure_moments pulls = measure_pulls(store);
    compare(store, row, &mean, &sd);
    for (int64_t i = 0; i < store->count; ++i) {
        double pull = measure_pull(&store->rows[i]);
        all->sum += pull, all->squares += pull * pull, all->n += 1;
        all->worst = fmax(all->worst, fabs(pull));
    }
    int good = fabs(pulls.mean) < 0.9 * widen && fabs(mean) < 0.05 * widen && fabs(sd) < 0.04 * widen;
    printf("%-6s - %-9s %-6s %4" PRId64 " runs %8.0f calls, log Z %+.4f, pull %+.3f sd %.3f, worst mean %+.3f sd, worst "
           "sd %+.1f %%, warned %.2f, ranks %.3f, %.2f s\n", good ? "ok" : "not ok", row->data, row->model, pulls.n,
           measure_mean(store, offsetof(measure, calls)), measure_mean(store, offsetof(measure, log_evidence)) -
           row->log_evidence, pulls.mean, pulls.sd, mean, 100 * sd, measure_warned(store, -1),
           measure_uniform_p(store, offsetof(measure, insertion_p)), measure_mean(store, offsetof(measure, seconds)));
    fflush(stdout);
    all->failed += !good;
}

/* Every row has a run number of its own under the seed: rows that share data would otherwise share their luck. */
static void run_row(const settings *how, const reference_row *row, int64_t number, totals *all)
{
    char message[1024] = "", name[64];
    measure_store store = { .rows = NULL };
    mote_loaded_plugin *plugin = reference_load(row, message, sizeof message);
    snprintf(name, sizeof name, "cosmology-%.31s-%.15s", row->data, row->model);
    int good = plugin && !measure_store_open(&store, how->folder, name);
    if (good) {
        measure_plan plan = { mote_plugin_target(plugin), row->log_evidence,
                              { MOTE_VERSIONED(mote_nested_options), .live_points = 1000, .run_id = number },
                              NULL, add_moments, NULL };
        good = (how->report || !measure_fill(&store, one, &plan, 1, how->seeds, how->jobs)) &&
               !measure_store_read(&store, 1, how->seeds) && store.count > 1;
    }
    if (good)
        judge(&store, row, sqrt(seeds_of_the_limits / (double)store.count), all);
    else
        printf("not ok - %s %s: %s\n", row->data, row->model, message);
    all->failed += !good;
    measure_store_close(&store);
    mote_plugin_release(&plugin);
}

static int judge_all(const totals *all, int64_t rows)
{
    double n = (double)all->n, mean = all->sum / n, sd = sqrt((all->squares - n * mean * mean) / (n - 1));
    double widen = sqrt(seeds_of_the_limits * (double)rows / n);
    int good = n > 1 && fabs(mean) < 0.2 * widen && fabs(sd - 1) < 0.12 * widen && all->worst < widest_pull;
    printf("%-6s - all rows together: %" PRId64 " pulls, mean %+.3f, sd %.3f, widest %.2f\n", good ? "ok" : "not ok",
           all->n, mean, sd, all->worst);
    return good;
}

int main(int count, char **argument)
{
    settings how = { "campaigns", measure_setting("MOTE_CAMPAIGN_JOBS", 2),
                     measure_setting("MOTE_COSMOLOGY_SEEDS", 20), 0 };
    reference_row rows[REFERENCE_ROWS];
    totals all = { 0 };
    for (int i = 1; i < count; ++i) {
        int64_t number = i + 1 < count ? strtoll(argument[i + 1], NULL, 10) : 0;
        if (!strcmp(argument[i], "--report"))
            how.report = 1;
        else if (!strcmp(argument[i], "--folder") && i + 1 < count)
            how.folder = argument[++i];
        else if (!strcmp(argument[i], "--jobs") && number > 0)
            how.jobs = number, ++i;
        else if (!strcmp(argument[i], "--seeds") && number > 1)
            how.seeds = number, ++i;
        else {
            fprintf(stderr, "usage: cosmology [--folder F] [--jobs N] [--seeds N] [--report]\n");
            return 2;
        }
    }
    int64_t n = reference_read(rows);
    for (int64_t i = 0; i < n; ++i)
        run_row(&how, &rows[i], i + 1, &all);
    return judge_all(&all, n) && n == 22 && !all.failed ? 0 : 1;
}
