/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about derivatives, cost, and whole runs. */
#include <math.h>
#include <mote/nested.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check_ssm.h"
#include "cli/check_watch.h"
#include "core/run.h"

/* ---- gradient ------------------------------------------------------------------------------------------------------ */

static int gradient_at(const mote_check *check, const double *theta, double *value, double *gradient)
{
    const int64_t id = 0, width = check->space.theta_count, m = check->space.derived_count;
    const mote_target *target = &check->space.target;
    double *derived = check->derived_again;
    const mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = width, .stride = width, .theta = theta,
                               .log_likelihood = value, .derived_count = m, .derived_stride = m,
                               .derived = m ? derived : NULL, .gradient = gradient, .id = &id };
    return target->log_likelihood(target->ctx, &batch);
}

/* Central difference with a step of 1e-5 of the entry's size: error about 1e-10 f'''/f, far below the bar. */
static int difference_at(const mote_check *check, double *theta, int64_t entry, double *slope)
{
    const double x = theta[entry], h = 1e-5 * (fabs(x) > 1e-3 ? fabs(x) : 1e-3);
    double up = NAN, down = NAN;
    theta[entry] = x + h;
    int status = gradient_at(check, theta, &up, NULL);
    theta[entry] = x - h;
    status = status ? status : gradient_at(check, theta, &down, NULL);
    theta[entry] = x;
    *slope = (up - down) / (2 * h);
    return status;
}

/* Counts the rows where a component is off by more than 1e-4 of the gradient's length; -1 when a call failed. */
static int64_t wrong_gradients(mote_check *check, int64_t rows, double *gradient)
{
    const int64_t width = check->space.theta_count;
    int64_t wrong = 0;
    for (int64_t i = 0; i < rows; ++i) {
        double *theta = check->theta + i * width, value, slope, norm = 0, worst = 0;
        mote_check_at_row(check, 1 + 2 * width, "in its gradient at", theta);
        if (gradient_at(check, theta, &value, gradient))
            return -1;
        for (int64_t k = 0; k < width; ++k)
            norm += gradient[k] * gradient[k];
        for (int64_t k = 0; k < width; ++k) {
            if (difference_at(check, theta, k, &slope))
                return -1;
            const double error = fabs(slope - gradient[k]);
            worst = error > worst || isnan(error) ? error : worst;
        }
        wrong += isfinite(value) && !(worst <= 1e-4 * sqrt(norm) + 1e-6);
    }
    return wrong;
}

void mote_check_gradient(mote_check *check)
{
    const int64_t rows = 20;
    if (!(check->space.target.flags & MOTE_HAS_GRADIENT) || !check->space.target.log_likelihood)
        return;
    double *gradient = mote_memory_allocate(&check->memory, check->space.theta_count, sizeof *gradient);
    const int64_t wrong = gradient ? wrong_gradients(check, rows, gradient) : -1;
    mote_memory_release(&check->memory, gradient);
    if (wrong < 0)
        mote_check_say(check, MOTE_VERDICT_FAIL, "gradient: the model failed when it was asked for one");
    else if (wrong)
        mote_check_say(check, MOTE_VERDICT_FAIL, "gradient: %d of %d rows differ from finite differences by over 1e-4",
                       (int)wrong, (int)rows);
    else
        mote_check_say(check, MOTE_VERDICT_OK, "gradient: agrees with finite differences on %d rows", (int)rows);
}

/* ---- cost ----------------------------------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* "18 us" in text[32]. */
static const char *duration(double seconds, char text[32])
{
    if (seconds < 1e-6)
        snprintf(text, 32, "%.3g ns", 1e9 * seconds);
    else if (seconds < 1e-3)
        snprintf(text, 32, "%.3g us", 1e6 * seconds);
    else if (seconds < 1)
        snprintf(text, 32, "%.3g ms", 1e3 * seconds);
    else
        snprintf(text, 32, "%.3g s", seconds);
    return text;
}

/* One line per factor of two in time, a star per 2 % of the calls. */
void mote_check_histogram(const mote_check *check)
{
    int64_t i = 0;
    while (i < check->n) {
        const double low = exp2(floor(log2(check->seconds[i])));
        int64_t count = 0;
        char text[32];
        while (i < check->n && check->seconds[i] < 2 * low)
            ++i, ++count;
        if (!count)
            return; /* a clock that stood still */
        printf("        %8s  ", duration(low, text));
        for (int64_t stars = (50 * count + check->n - 1) / check->n; stars > 0; --stars)
            putchar('*');
        printf(" %d\n", (int)count);
    }
}

static void suggest(const mote_check *check, double median)
{
    const int safe = (check->space.target.flags & MOTE_THREADSAFE) != 0;
    printf("        lines to paste:\n        [run]\n");
    if (median < 2e-5)
        printf("        executor = serial        # calls are too cheap to share among threads\n");
    else if (safe)
        printf("        executor = threads\n        threads = 4              # or the number of cores\n");
    else
        printf("        executor = processes     # the model is not thread-safe\n"
               "        processes = 4            # or the number of cores\n");
}

void mote_check_cost(mote_check *check)
{
    char median[32], longest[32];
    const int64_t n = check->n, m = check->space.derived_count, width = check->space.theta_count;
    mote_check_at(n, "where the cost of a call was measured");
    for (int64_t i = 0; i < n; ++i) {
        const double start = mote_clock();
        mote_check one = *check;
        one.together = 1;
        one.theta = check->theta + i * width;
        one.n = 1;
        (void)mote_check_evaluate(&one, 0, 1, 1, check->again + i, check->derived_again + i * m);
        check->seconds[i] = mote_clock() - start + 1e-9;
    }
    qsort(check->seconds, (size_t)n, sizeof *check->seconds, by_size);
    mote_check_say(check, MOTE_VERDICT_OK, "cost of one call: median %s, longest %s",
                   duration(check->seconds[n / 2], median), duration(check->seconds[n - 1], longest));
    mote_check_histogram(check);
    suggest(check, check->seconds[n / 2]);
}

/* ---- short runs ------------------------------------------------------------------------------------------------------ */

typedef struct outcome {
    int status;
    double log_evidence, error, rank_p;
    uint64_t hash; /* of all points and values, in order */
    char message[400];
} outcome;

static uint64_t hash_draws(const mote_draws *draws)
{
    const size_t bytes = (size_t)mote_draws_count(draws) * sizeof(double);
    uint64_t hash = mote_hash(MOTE_HASH_START, mote_draws_log_likelihood(draws), bytes);
    hash = mote_hash(hash, mote_draws_log_weight(draws), bytes);
    for (int64_t i = 0; i < mote_draws_parameter_count(draws); ++i)
        hash = mote_hash(hash, mote_draws_column(draws, i), bytes);
    return hash;
}

static outcome short_run(const mote_check *check, int64_t calls, int64_t batch_size, int64_t threads)
{
    const mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 100, .seed = 1,
                                          .max_calls = calls, .batch_size = batch_size, .threads = threads };
    mote_nested_result result = { MOTE_VERSIONED(mote_nested_result), .log_evidence = NAN };
    outcome end = { .rank_p = NAN };
    mote_run *run = NULL;
    end.status = mote_run_open(&run, mote_nested, mote_plugin_target(check->job->plugin), &options);
    if (!end.status)
        end.status = mote_run_finish(run);
    if (!end.status && mote_run_draws(run)) {
        end.hash = hash_draws(mote_run_draws(run));
        (void)mote_nested_get_result(run, &result);
        end.log_evidence = result.log_evidence;
        end.error = result.log_evidence_error;
        end.rank_p = result.insertion_rank_p;
    }
    snprintf(end.message, sizeof end.message, "%s", mote_run_message(run));
    mote_run_close(&run);
    return end;
}

/* About three seconds a run; the number of calls, not the clock, is the limit, so that the runs must agree. */
void mote_check_invariance(mote_check *check)
{
    const double median = check->seconds[check->n / 2];
    double mean = 0;
    for (int64_t i = 0; i < check->n; ++i)
        mean += check->seconds[i] / (double)check->n;
    const int64_t affordable = (int64_t)(3 / median), calls = affordable > 20000 ? 20000 : affordable;
    const int safe = (check->space.target.flags & MOTE_THREADSAFE) != 0;
    if (calls < 500) {
        mote_check_say(check, MOTE_VERDICT_OK, "short runs: left out, a call is too expensive");
        return;
    }
    const double allowed = 5 + 20 * mean * (double)calls; /* s; the calls are told of only as a whole */
    mote_check_for(allowed, "in a short run");
    const outcome first = short_run(check, calls, 0, 1);
    mote_check_for(allowed, "in a second short run");
    const outcome second = short_run(check, calls, 1, safe ? 3 : 1);
    mote_check_back();
    if (first.status)
        mote_check_say(check, MOTE_VERDICT_FAIL, "a short run ended with: %s", first.message);
    else if (second.status || first.hash != second.hash)
        mote_check_say(check, MOTE_VERDICT_FAIL, "two short runs that differ in batch size%s gave different points%s%s",
                       safe ? " and threads" : "", second.status ? ": " : "", second.status ? second.message : "");
    else
        mote_check_say(check, MOTE_VERDICT_OK, "two short runs, other batch size%s: the same bytes; log Z %.2f +- %.2f",
                       safe ? " and threads" : "", first.log_evidence, first.error);
    if (!first.status && first.rank_p < 1e-4)
        mote_check_say(check, MOTE_VERDICT_NOTE, "insertion ranks of the short run: p = %.1g", first.rank_p);
}
