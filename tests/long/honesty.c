/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Do the diagnostics speak up when they must, and hold their tongue when all is well? And does each sampler shrink the
 * volume as the bookkeeping assumes?
 *
 *     honesty [--folder F] [--jobs N] [--runs N] [--report] [NAME]
 *
 * Shrinkage (Buchner 2014): where X(L) is known, t_i = X(L_i) / X(L_{i-1}) has t_i^n_i uniform on (0, 1). Its mean of
 * -n log t is 1 for a right sampler and 1 - log(1 - phi) for one that loses the outer share phi of every contour, so
 * the campaign measures phi. Problems: the pyramid log L = -(max_i |x_i - 1/2|)^(1/100), X = (2r)^D, and the Gaussian of
 * ten dimensions below radius 1/2, where X goes as r^10; and the eggbox, by quadrature: eighteen peaks, half of them cut
 * by the box.
 *
 * Lost contour: the target returns zero likelihood in the outer 5 % of the volume above the contour of the step under
 * way (which it reads from the run), so newborns avoid it, while the kernels are untouched. The rank test must see it,
 * and the shrinkage test must measure it within half of its size.
 *
 * Limits, for `runs` = 200: power 95 %; false alarms 2 %; p-values uniform at 1e-5; phi within 4.5 standard errors of 0.
 * A check that is at its nominal rate fails in less than one campaign of a thousand. */
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nested/rank.h"
#include "nested/state.h"
#include "tests/long/measure.h"
#include "tests/support/problems.h"

static const double power = 0.95, alarms = 0.02, wrong = 4.5, lost = 0.05;

typedef struct check check;

typedef struct work {
    mote_problem problem;
    mote_nested_options options;
    const check *on;
    mote_run *run; /* of this process: what the lost contour is read from */
} work;

struct check {
    const char *name, *problem;
    int64_t dimension, live_points, step, steps;
    int64_t percent;                                /* of the runs */
    int (*judge)(const check *, const measure_store *);
    void (*prepare)(work *);
    void (*finished)(void *ctx, mote_run *run, measure *row);
};

/* ---- problems ------------------------------------------------------------------------------------------------------ */

static int pyramid(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    const mote_problem *problem = ctx;
    double radius = 0;
    (void)derived;
    for (int64_t i = 0; i < problem->dimension; ++i)
        radius = fmax(radius, fabs(x[i] - 0.5));
    *log_likelihood = -pow(radius, 0.01);
    return 0;
}

/* log X up to a constant: d log r. */
static double pyramid_volume(const work *on, double log_likelihood)
{
    return (double)on->problem.dimension * (log(2) + 100 * log(-log_likelihood));
}

static double gauss_radius2(const work *on, double log_likelihood)
{
    double d = (double)on->problem.dimension, peak = d * (log(10) - 0.5 * log(2 * acos(-1)));
    return (peak - log_likelihood) / 50;
}

static double gauss_volume(const work *on, double log_likelihood)
{
    double radius2 = gauss_radius2(on, log_likelihood);
    return radius2 < 0.25 ? 0.5 * (double)on->problem.dimension * log(radius2) : NAN;
}

/* P(cos a cos b > c), a and b uniform on (0, pi), for 0 < c < 1: twice the area of b < acos(c / cos a) over a < acos c;
 * with a = acos(c) sin t the trapezoid rule has no end that falls steeply. */
static double product_above(double c)
{
    enum { CELLS = 400 };
    const double pi = acos(-1), most = acos(c);
    double sum = 0;
    for (int i = 0; i < CELLS; ++i) {
        double t = (i + 0.5) / CELLS * pi / 2, a = most * sin(t);
        sum += acos(fmin(c / cos(a), 1)) * most * cos(t);
    }
    return 2 * sum * (pi / 2 / CELLS) / (pi * pi);
}

/* Each of the 25 cells of the box has the law of (2 + cos a cos b)^5. */
static double eggbox_volume(const work *on, double log_likelihood)
{
    double c = pow(log_likelihood, 0.2) - 2;
    (void)on;
    return c > 0 ? log(product_above(c)) : log1p(-product_above(-c));
}

static double log_volume(const work *on, double log_likelihood)
{
    if (!strcmp(on->problem.target.name, "pyramid"))
        return pyramid_volume(on, log_likelihood);
    return !strcmp(on->problem.target.name, "eggbox") ? eggbox_volume(on, log_likelihood)
                                                      : gauss_volume(on, log_likelihood);
}

static void make_pyramid(work *on)
{
    on->problem.target.log_likelihood_point = pyramid;
    on->problem.target.name = on->problem.target.identity = "pyramid";
    on->options.precision = 1e-8; /* 18 nats deep */
}

/* ---- planted: the outer 5 % of every contour is lost ------------------------------------------------------------------ */

static int (*whole)(void *ctx, const double *x, double *log_likelihood, double *derived);
static work *robbed;

static int rob(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    int status = whole(ctx, x, log_likelihood, derived);
    const mote_nested_state *state = robbed->run ? robbed->run->state : NULL;
    if (state && state->phase == MOTE_PHASE_BIRTHS) {
        double outer = gauss_volume(robbed, state->threshold), here = gauss_volume(robbed, *log_likelihood);
        if (here > outer + log1p(-lost))
            *log_likelihood = -INFINITY;
    }
    return status;
}

static void make_robbed(work *on)
{
    whole = on->problem.target.log_likelihood_point;
    robbed = on;
    on->problem.target.log_likelihood_point = rob;
}

static void remember_run(void *ctx, mote_run *run)
{
    ((work *)ctx)->run = run;
}

/* ---- shrinkage ------------------------------------------------------------------------------------------------------ */

enum { SHRINKAGE_P, SHRINKAGE_MEAN, SHRINKAGE_COUNT };

/* Deaths with births after them; those of the final live points are left out. */
static void shrinkage(void *ctx, mote_run *run, measure *row)
{
    const work *on = ctx;
    const mote_draws *draws = mote_run_draws(run);
    const double *log_likelihood = mote_draws_log_likelihood(draws), *live = mote_draws_live_count(draws);
    double previous = strcmp(on->problem.target.name, "gauss") ? 0 : NAN, sum = 0;
    int64_t count = 0, n = mote_draws_count(draws) - on->options.live_points;
    double *u = malloc((size_t)(2 * n + 1) * sizeof *u);
    for (int64_t i = 0; u && i < n; ++i) {
        double volume = log_volume(on, log_likelihood[i]);
        double log_u = live[i] * (volume - previous);
        previous = volume;
        if (isnan(log_u))
            continue;
        u[count++] = exp(log_u);
        sum -= log_u;
    }
    row->extra[SHRINKAGE_P] = u ? mote_uniform_p_value(u, count, u + n) : NAN;
    row->extra[SHRINKAGE_MEAN] = sum / (double)count;
    row->extra[SHRINKAGE_COUNT] = (double)count;
    free(u);
}

static size_t extra(int i)
{
    return offsetof(measure, extra) + (size_t)i * sizeof(double);
}

static int judge_shrinkage(const check *of, const measure_store *store)
{
    double mean = measure_mean(store, extra(SHRINKAGE_MEAN));
    double error = 1 / sqrt(measure_mean(store, extra(SHRINKAGE_COUNT)) * (double)store->count);
    double p = measure_uniform_p(store, extra(SHRINKAGE_P));
    int good = fabs(mean - 1) < 4.5 * error && p > 1e-5;
    printf("%-6s - %s: contour lost %+.2f +- %.2f %%, KS of t^n over %" PRId64 " runs p %.3g, %.0f calls\n",
           good ? "ok" : "not ok", of->name, 100 * -expm1(1 - mean), 100 * error, store->count, p,
           measure_mean(store, offsetof(measure, calls)));
    return good;
}

/* ---- warnings ------------------------------------------------------------------------------------------------------- */

static int judge_parent_child(const check *of, const measure_store *store)
{
    double share = measure_warned(store, MOTE_WARNING_PARENT_CHILD);
    int good = of->steps ? share >= power : share <= alarms;
    printf("%-6s - %s: parent-child warnings in %.3f of %" PRId64 " runs (want %s %.2f), correlation %.4f\n",
           good ? "ok" : "not ok", of->name, share, store->count, of->steps ? "at least" : "at most",
           of->steps ? power : alarms, measure_mean(store, offsetof(measure, parent_child)));
    return good;
}

static int judge_lost_contour(const check *of, const measure_store *store)
{
    double small = 0, error = 0, n = (double)store->count, warned = measure_warned(store, MOTE_WARNING_INSERTION_RANK);
    for (int64_t i = 0; i < store->count; ++i) {
        small += (store->rows[i].insertion_p < 0.01) / n;
        error += (store->rows[i].log_evidence - store->rows[i].truth) / n;
    }
    double phi = -expm1(1 - measure_mean(store, extra(SHRINKAGE_MEAN)));
    int good = small >= power && warned >= power && phi > 0.5 * lost && phi < 1.5 * lost;
    printf("%-6s - %s: rank p < .01 in %.3f, warned in %.3f of %" PRId64 " runs (want at least %.2f), log Z %+.3f, "
           "shrinkage finds %.1f %%\n", good ? "ok" : "not ok", of->name, small, warned, store->count, power, error,
           100 * phi);
    return good;
}

static int judge_quiet(const check *of, const measure_store *store)
{
    double p = measure_uniform_p(store, offsetof(measure, insertion_p)), share = measure_warned(store, -1);
    double worst = measure_uniform_p(store, offsetof(measure, insertion_worst));
    int good = p > 1e-5 && share <= alarms;
    printf("%-6s - %s: warnings in %.3f of %" PRId64 " runs (want at most %.2f); rank p uniform: %.3g, worst window "
           "%.3g\n", good ? "ok" : "not ok", of->name, share, store->count, alarms, p, worst);
    return good;
}

static int judge_spike(const check *of, const measure_store *store)
{
    int64_t missed = 0, silent = 0, bits = MOTE_WARNING_SPIKE | MOTE_WARNING_MISSED_PEAK;
    for (int64_t i = 0; i < store->count; ++i)
        if (fabs(measure_pull(&store->rows[i])) > wrong) {
            ++missed;
            silent += !((int64_t)store->rows[i].warnings & bits);
            if (!((int64_t)store->rows[i].warnings & bits))
                printf("    seed %.0f: log Z %.3f +- %.3f for %.3f without a warning\n", store->rows[i].seed,
                       store->rows[i].log_evidence, store->rows[i].error, store->rows[i].truth);
        }
    printf("%-6s - %s: %" PRId64 " of %" PRId64 " answers wrong, %" PRId64 " of them silent; warned in %.2f\n",
           silent ? "not ok" : "ok", of->name, missed, store->count, silent, measure_warned(store, bits));
    return !silent;
}

/* ---- the plan --------------------------------------------------------------------------------------------------------- */

static const check plan[] = {
    { "gauss-10 at its defaults", "gauss", 10, 500, 0, 0, 100, judge_quiet, NULL, NULL },
    { "lost contour on gauss-10", "gauss", 10, 500, 0, 0, 100, judge_lost_contour, make_robbed, shrinkage },
    { "lost contour, slice", "gauss", 10, 500, MOTE_STEP_SLICE, 0, 50, judge_lost_contour, make_robbed, shrinkage },
    { "slice, default steps", "gauss", 10, 500, MOTE_STEP_SLICE, 0, 100, judge_parent_child, NULL, NULL },
    { "slice, 1 step", "gauss", 10, 500, MOTE_STEP_SLICE, 1, 100, judge_parent_child, NULL, NULL },
    { "slice, 2 steps", "gauss", 10, 500, MOTE_STEP_SLICE, 2, 100, judge_parent_child, NULL, NULL },
    { "walk, default steps", "gauss", 10, 500, MOTE_STEP_WALK, 0, 50, judge_parent_child, NULL, NULL },
    { "walk, 2 steps", "gauss", 10, 500, MOTE_STEP_WALK, 2, 50, judge_parent_child, NULL, NULL },
    { "spike-10 at 500", "spike", 10, 500, 0, 0, 50, judge_spike, NULL, NULL },
    { "pyramid-2, bound", "gauss", 2, 500, MOTE_STEP_BOUND, 0, 50, judge_shrinkage, make_pyramid, shrinkage },
    { "pyramid-5, bound", "gauss", 5, 500, MOTE_STEP_BOUND, 0, 50, judge_shrinkage, make_pyramid, shrinkage },
    { "pyramid-2, slice", "gauss", 2, 500, MOTE_STEP_SLICE, 0, 50, judge_shrinkage, make_pyramid, shrinkage },
    { "pyramid-5, slice", "gauss", 5, 500, MOTE_STEP_SLICE, 0, 50, judge_shrinkage, make_pyramid, shrinkage },
    { "pyramid-10, slice", "gauss", 10, 500, MOTE_STEP_SLICE, 0, 50, judge_shrinkage, make_pyramid, shrinkage },
    { "pyramid-5, walk", "gauss", 5, 500, MOTE_STEP_WALK, 0, 50, judge_shrinkage, make_pyramid, shrinkage },
    { "eggbox, bound", "eggbox", 2, 500, MOTE_STEP_BOUND, 0, 50, judge_shrinkage, NULL, shrinkage },
    { "eggbox, slice", "eggbox", 2, 500, MOTE_STEP_SLICE, 0, 50, judge_shrinkage, NULL, shrinkage },
    { "eggbox, walk", "eggbox", 2, 500, MOTE_STEP_WALK, 0, 50, judge_shrinkage, NULL, shrinkage },
    { "gauss-10, default", "gauss", 10, 500, MOTE_STEP_AUTO, 0, 50, judge_shrinkage, NULL, shrinkage },
    { "gauss-10, bound", "gauss", 10, 500, MOTE_STEP_BOUND, 0, 50, judge_shrinkage, NULL, shrinkage },
    { "gauss-10, slice", "gauss", 10, 500, MOTE_STEP_SLICE, 0, 50, judge_shrinkage, NULL, shrinkage },
    { "gauss-10, walk", "gauss", 10, 500, MOTE_STEP_WALK, 0, 50, judge_shrinkage, NULL, shrinkage },
};

static void one(const void *ctx, int64_t seed, measure *row)
{
    work *on = (work *)(uintptr_t)ctx; /* this process has its own copy */
    on->options.seed = seed;
    measure_run(&(measure_plan){ &on->problem.target, on->problem.log_evidence, on->options, remember_run,
                                 on->on->finished, on }, row);
}

static int run_check(const check *of, int64_t place, const char *folder, int64_t runs, int64_t jobs, int report)
{
    static work on;
    char name[128];
    measure_store store = { .rows = NULL };
    int64_t n = runs * of->percent / 100 > 2 ? runs * of->percent / 100 : 2;
    snprintf(name, sizeof name, "honesty-%.80s", of->name);
    for (char *c = name; *c; ++c)
        *c = *c == ' ' ? '-' : *c;
    on = (work){ .options = { MOTE_VERSIONED(mote_nested_options), .live_points = of->live_points, .step = of->step,
                              .steps = of->steps, .run_id = place + 1, .simulations = 200, .bootstraps = 100 },
                 .on = of };
    int good = !mote_problem_open(&on.problem, of->problem, of->dimension);
    if (good && of->prepare)
        of->prepare(&on);
    good = good && !measure_store_open(&store, folder, name) &&
           (report || !measure_fill(&store, one, &on, 1, n, jobs)) && !measure_store_read(&store, 1, n) &&
           store.count > 1;
    if (good)
        good = of->judge(of, &store);
    else
        printf("not ok - %s cannot be run\n", of->name);
    fflush(stdout);
    measure_store_close(&store);
    return good;
}

int main(int count, char **argument)
{
    const char *folder = "campaigns", *only = NULL;
    int64_t jobs = measure_setting("MOTE_CAMPAIGN_JOBS", 2), runs = measure_setting("MOTE_HONESTY_RUNS", 200);
    int report = 0, failed = 0;
    for (int i = 1; i < count; ++i) {
        int64_t number = i + 1 < count ? strtoll(argument[i + 1], NULL, 10) : 0;
        if (!strcmp(argument[i], "--report"))
            report = 1;
        else if (!strcmp(argument[i], "--folder") && i + 1 < count)
            folder = argument[++i];
        else if (!strcmp(argument[i], "--jobs") && number > 0)
            jobs = number, ++i;
        else if (!strcmp(argument[i], "--runs") && number > 1)
            runs = number, ++i;
        else if (*argument[i] != '-' && !only)
            only = argument[i];
        else {
            fprintf(stderr, "usage: honesty [--folder F] [--jobs N] [--runs N] [--report] [NAME]\n");
            return 2;
        }
    }
    for (size_t i = 0; i < sizeof plan / sizeof *plan; ++i)
        if (!only || strstr(plan[i].name, only))
            failed += !run_check(&plan[i], (int64_t)i, folder, runs, jobs, report);
    return failed != 0;
}
