/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pulls of log Z over many seeds on the exact problems, with defaults and with variants.
 *
 *     campaign [--folder F] [--jobs N] [--seeds N] [--first S]         the whole plan
 *              [--problem NAME [--dimension D]] [--set KEY=VALUE]...   one problem, and options of the sampler
 *              [--variants] [--rounds 1] [--report]                    the variants; no second round; only print
 *
 * A problem fails when its first round of seeds misses the limits of measure_within and a second round, of four times
 * as many fresh seeds, misses them too; when a run ended with an error; or when, in both rounds, the p-values of the
 * insertion ranks are too small at 1e-5, or the marginals off at 1e-5. Every problem has a run number of its own under
 * the seed (option run_id: 100 times its dimension plus its place in the table of problems), so that pulls of different
 * problems are independent. `bar` is the number of calls that a peer needs (the project's goal 2): it is shown and
 * never fails. Prints one table row for each case; exit 0, 1, or 2 for bad arguments.
 */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/long/marginal.h"
#include "tests/long/measure.h"

enum { SETTINGS = 8 };

typedef struct problem_case {
    const char *name;
    int64_t dimension, live_points, share; /* share: percent of the seeds that it gets */
    double bar;                            /* calls; 0: none */
    double precision;                      /* where it stops; 0: the default */
} problem_case;

/* Bars: MultiNest with efr 0.3 up to five dimensions, half of PolyChord with 2 D steps above.
 *
 * spike-20 stops later than others. Its spike, N(0, .01) with 100 times the weight of N(0, .1), exceeds the wide peak
 * within r = .1 sqrt(1.023) only, and chi^2_20 < 1.023 has probability 2e-10: until the live points are there, the spike
 * shows nowhere, and all but that share of what was seen so far has been summed up. Any default stop comes first, for any
 * number of live points. */
static const problem_case plan[] = {
    { "eggbox", 2, 500, 100, 19e3 },     { "rosenbrock", 2, 500, 100, 16e3 }, { "himmelblau", 2, 500, 100, 0 },
    { "shells", 2, 500, 100, 14e3 },     { "shells", 5, 500, 100, 98e3 },     { "gauss", 2, 500, 100, 11e3 },
    { "gauss", 10, 500, 100, 454e3 },    { "loggamma", 2, 500, 100, 0 },      { "loggamma", 10, 500, 100, 645e3 },
    { "cake", 2, 500, 100, 0 },          { "cake", 5, 500, 100, 0 },          { "half_empty", 2, 500, 100, 0 },
    { "equicorr", 3, 500, 100, 0 },      { "rastrigin", 2, 500, 100, 0 },     { "regression", 2, 500, 100, 0 },
    { "spike", 2, 500, 100, 0 },         { "half_empty", 10, 500, 100, 0 },   { "shells", 10, 500, 100, 640e3 },
    { "equicorr", 10, 500, 100, 890e3 }, { "gauss", 20, 500, 100, 1435e3 },   { "spike", 10, 2000, 100, 0 },
    { "shells", 3, 500, 100, 0 },        { "shells", 8, 500, 100, 0 },        { "cake", 10, 500, 100, 0 },
    { "shells", 15, 500, 100, 0 },       { "shells", 20, 500, 100, 0 },       { "equicorr", 20, 500, 100, 0 },
    { "loggamma", 20, 500, 100, 0 },     { "spike", 20, 500, 100, 0, 1e-12 },
};

typedef struct campaign {
    const char *folder, *set[SETTINGS];
    int64_t sets, jobs, seeds, first, rounds, report;
    int failed;
} campaign;

typedef struct work {
    mote_problem problem;
    marginal truth;
    mote_nested_options options;
} work;

static void add_marginal(void *ctx, mote_run *run, measure *row)
{
    const work *on = ctx;
    row->marginal_p = marginal_p_value(&on->truth, &on->problem, mote_run_draws(run));
    marginal_deviations(&on->truth, &on->problem, mote_run_draws(run), row->extra);
}

static void one(const void *ctx, int64_t seed, measure *row)
{
    work *on = (work *)(uintptr_t)ctx; /* this process has its own copy */
    on->options.seed = seed;
    measure_run(&(measure_plan){ &on->problem.target, on->problem.log_evidence, on->options, NULL, add_marginal, on },
                row);
}

static int apply(const campaign *all, mote_nested_options *options)
{
    char key[64], message[256] = "";
    for (int64_t i = 0; i < all->sets; ++i) {
        const char *equals = strchr(all->set[i], '=');
        if (!equals || equals - all->set[i] >= (int)sizeof key) {
            fprintf(stderr, "--set wants KEY=VALUE\n");
            return -1;
        }
        snprintf(key, sizeof key, "%.*s", (int)(equals - all->set[i]), all->set[i]);
        if (mote_option_set(mote_algorithm_options(mote_nested), options, key, equals + 1, message, sizeof message)) {
            fprintf(stderr, "%s\n", message);
            return -1;
        }
    }
    return 0;
}

static void file_name(const campaign *all, const problem_case *of, char *name, size_t size)
{
    int used = snprintf(name, size, "%s-%" PRId64, of->name, of->dimension);
    for (int64_t i = 0; i < all->sets; ++i)
        used += snprintf(name + used, size - (size_t)used, "-%s", all->set[i]);
}

static void print_heading(void)
{
    printf("%-34s %5s %9s %9s %8s %15s %12s %6s %6s %6s %8s\n", "problem", "runs", "calls", "bar", "error",
           "pull", "sd", "warned", "rank p", "marg.", "seconds");
}

/* p-value of the mean deviation that is furthest off in its standard errors, corrected for how many were looked at. */
static double marginals_of(const measure_store *store)
{
    double least = 1, looked = 0, n = (double)store->count;
    for (int i = 0; i < MEASURE_EXTRA; ++i) {
        double sum = 0, squares = 0;
        for (int64_t j = 0; j < store->count; ++j) {
            double value = store->rows[j].extra[i];
            sum += value, squares += value * value;
        }
        double t = fabs(sum / n) / sqrt((squares - sum * sum / n) / (n - 1) / n);
        if (isnan(t))
            continue;
        least = fmin(least, erfc(t / sqrt(2)));
        looked += 1;
    }
    return looked > 0 ? -expm1(looked * log1p(-fmin(least, 1 - 1e-16))) : NAN;
}

static void print_row(const char *name, const measure_store *store, double bar)
{
    measure_moments pulls = measure_pulls(store);
    double error = 0, n = (double)pulls.n;
    for (int64_t i = 0; i < store->count; ++i)
        error += (store->rows[i].log_evidence - store->rows[i].truth) / n;
    printf("%-34s %5" PRId64 " %9.0f %9.0f %+8.4f %+7.3f +- %.3f %5.3f +- %.3f %6.2f %6.3f %6.3f %8.2f\n", name,
           pulls.n, measure_mean(store, offsetof(measure, calls)), bar, error, pulls.mean, pulls.sd / sqrt(n), pulls.sd,
           pulls.sd / sqrt(2 * n), measure_warned(store, -1), measure_not_small_p(store, offsetof(measure, insertion_p)),
           marginals_of(store), measure_mean(store, offsetof(measure, seconds)));
    fflush(stdout);
}

static int64_t run_number(const problem_case *of)
{
    int64_t place = 0;
    while (mote_problem_name(place) && strcmp(mote_problem_name(place), of->name))
        ++place;
    return 100 * of->dimension + place;
}

/* Defaults and settings of a case; its truth. */
static int open_work(const campaign *all, const problem_case *of, work *on)
{
    on->options = (mote_nested_options){ MOTE_VERSIONED(mote_nested_options), .live_points = of->live_points,
                                         .run_id = run_number(of), .precision = of->precision };
    if (apply(all, &on->options) || mote_problem_open(&on->problem, of->name, of->dimension))
        return -1;
    marginal_compute(&on->truth, &on->problem);
    return 0;
}

static int failures_of(const measure_store *store)
{
    int failed = 0;
    for (int64_t i = 0; i < store->count; ++i)
        failed += store->rows[i].status != 0;
    return failed;
}

/* One round of seeds; 1 when it is within the limits. */
static int round_of(campaign *all, work *on, measure_store *store, const char *name, double bar, int round, int64_t n)
{
    int64_t first = round == 1 ? all->first : all->first + n / 4;
    int status = all->report ? 0 : measure_fill(store, one, on, first, n, all->jobs);
    if (status || measure_store_read(store, first, n) || store->count < 2)
        return 0;
    print_row(name, store, bar);
    int uniform = !(measure_not_small_p(store, offsetof(measure, insertion_p)) < 1e-5);
    int marginals = !(marginals_of(store) < 1e-5);
    printf("%s%s", uniform ? "" : "    p-values of the insertion ranks are too small\n",
           marginals ? "" : "    marginals are off\n");
    return measure_within(measure_pulls(store), round) && uniform && marginals && !failures_of(store);
}

static void run_case(campaign *all, const problem_case *of)
{
    static work on;
    char name[128];
    measure_store store;
    int64_t n = all->seeds * of->share / 100;
    file_name(all, of, name, sizeof name);
    if (open_work(all, of, &on) || measure_store_open(&store, all->folder, name)) {
        printf("not ok - %s cannot be run\n", name);
        ++all->failed;
        return;
    }
    int good = round_of(all, &on, &store, name, of->bar, 1, n);
    if (!good && !all->report && all->rounds > 1)
        good = round_of(all, &on, &store, name, of->bar, 2, 4 * n);
    printf("%s - %s\n", good ? "ok" : "not ok", name);
    fflush(stdout);
    all->failed += !good;
    measure_store_close(&store);
}

/* Ten seeds of every problem up to five dimensions for each variant, judged together. */
static void run_variant(campaign *all, const char *setting)
{
    char name[128];
    double sum = 0, squares = 0, n = 0;
    all->sets = 1;
    all->set[0] = setting;
    for (size_t i = 0; i < sizeof plan / sizeof *plan; ++i) {
        static work on;
        measure_store store;
        if (plan[i].dimension > 5)
            continue;
        file_name(all, &plan[i], name, sizeof name);
        if (open_work(all, &plan[i], &on) || measure_store_open(&store, all->folder, name) ||
            (!all->report && measure_fill(&store, one, &on, all->first, 10, all->jobs)) ||
            measure_store_read(&store, all->first, 10)) {
            n = NAN;
            continue;
        }
        for (int64_t j = 0; j < store.count; ++j) {
            double pull = measure_pull(&store.rows[j]);
            sum += pull, squares += pull * pull, n += 1;
        }
        if (store.count > 1)
            print_row(name, &store, 0);
        measure_store_close(&store);
    }
    measure_moments pulls = { sum / n, sqrt((squares - sum * sum / n) / (n - 1)), (int64_t)n };
    int good = n > 1 && measure_within(pulls, 2); /* four sigma: one round */
    printf("%s - %s: %" PRId64 " pulls, mean %+.3f, sd %.3f\n", good ? "ok" : "not ok", setting, pulls.n, pulls.mean,
           pulls.sd);
    all->failed += !good;
}

static void run_variants(campaign *all)
{
    static const char *const settings[] = { "step=bound", "step=slice", "step=walk", "deaths_per_step=1",
                                            "deaths_per_step=250", "threads=4", "direction=hit_and_run",
                                            "direction=whitened", "step_out=10" };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; ++i)
        run_variant(all, settings[i]);
}

static int usage(void)
{
    fprintf(stderr, "usage: campaign [--folder F] [--jobs N] [--seeds N] [--first S] [--problem NAME --dimension D]\n"
                    "                [--set KEY=VALUE]... [--variants] [--rounds N] [--report]\n");
    return 2;
}

int main(int count, char **argument)
{
    campaign all = { .folder = "campaigns", .jobs = measure_setting("MOTE_CAMPAIGN_JOBS", 2),
                     .seeds = measure_setting("MOTE_CAMPAIGN_SEEDS", 100), .first = 1, .rounds = 2 };
    problem_case single = { NULL, 0, 500, 100, 0 };
    int variants = 0;
    for (int i = 1; i < count; ++i) {
        const char *key = argument[i], *value = i + 1 < count ? argument[i + 1] : NULL;
        int64_t number = value ? strtoll(value, NULL, 10) : 0;
        ++i;
        if (!strcmp(key, "--variants"))
            variants = 1, --i;
        else if (!strcmp(key, "--report"))
            all.report = 1, --i;
        else if (!value)
            return usage();
        else if (!strcmp(key, "--folder"))
            all.folder = value;
        else if (!strcmp(key, "--problem"))
            single.name = value;
        else if (!strcmp(key, "--dimension"))
            single.dimension = number;
        else if (!strcmp(key, "--jobs") && number > 0)
            all.jobs = number;
        else if (!strcmp(key, "--seeds") && number > 1)
            all.seeds = number;
        else if (!strcmp(key, "--rounds") && number > 0)
            all.rounds = number;
        else if (!strcmp(key, "--first") && number > 0)
            all.first = number;
        else if (!strcmp(key, "--set") && all.sets < SETTINGS)
            all.set[all.sets++] = value;
        else
            return usage();
    }
    print_heading();
    if (variants)
        run_variants(&all);
    else if (single.name)
        run_case(&all, &single);
    else
        for (size_t i = 0; i < sizeof plan / sizeof *plan; ++i)
            run_case(&all, &plan[i]);
    return all.failed != 0;
}
