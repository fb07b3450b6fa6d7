/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about values: does the model answer the same, however it is asked? */
#include "cli/check_model.h"

#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include "cli/check_watch.h"
#include "core/number.h"

void mote_check_say(mote_check *check, int verdict, const char *format, ...)
{
    static const char *const words[] = { "ok  ", "look", "FAIL" };
    va_list arguments;
    check->failures += verdict == MOTE_VERDICT_FAIL;
    check->notes += verdict == MOTE_VERDICT_NOTE;
    printf("%s  ", words[verdict]);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

static const mote_parameter *parameter_of(const mote_check *check, int64_t entry)
{
    return &check->space.parameters[check->space.theta_parameter[entry]];
}

/* "x = 1.5, y = 2": the first few entries of a row. */
static const char *row_text(const mote_check *check, const double *theta, char text[256])
{
    char number[MOTE_NUMBER_SIZE];
    *text = '\0';
    for (int64_t i = 0; i < check->space.theta_count && strlen(text) < 180; ++i) {
        const size_t used = strlen(text);
        snprintf(text + used, 256 - used, "%s%s = %s", i ? ", " : "", parameter_of(check, i)->name,
                 mote_number_format(number, theta[i], 6));
    }
    return text;
}

void mote_check_at_row(const mote_check *check, int64_t rows, const char *what, const double *theta)
{
    char text[256];
    if (!check->together)
        mote_check_at(rows, "%s %s", what, row_text(check, theta, text));
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

static int draw_rows(mote_check *check)
{
    mote_source *source = NULL;
    const int64_t d = check->space.dimension, width = check->space.theta_count;
    if (mote_source_open_live(&source, 1, 0))
        return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    mote_uniforms(source, check->cube, check->n * d);
    mote_check_at(check->n, "in its prior");
    mote_source_close(&source);
    for (int64_t i = 0; i < check->n; ++i) {
        int status = mote_space_transform(&check->space, check->cube + i * d, check->theta + i * width);
        if (status)
            return mote_complain(mote_exit_code(status), "the model's prior transform answered %d", status);
    }
    return 0;
}

int mote_check_open(mote_check *check, const mote_job *job, int64_t n)
{
    mote_message message = { "" };
    memset(check, 0, sizeof *check);
    check->job = job;
    check->n = n;
    if (mote_memory_open(&check->memory, NULL))
        return MOTE_EXIT_INTERNAL;
    int status = mote_space_open(&check->space, mote_plugin_target(job->plugin), &check->memory, &message);
    if (status)
        return mote_complain(mote_exit_code(status), "%s", message.text);
    const int64_t m = check->space.derived_count;
    check->cube = mote_memory_allocate(&check->memory, n * check->space.dimension, sizeof(double));
    check->theta = mote_memory_allocate(&check->memory, n * check->space.theta_count, sizeof(double));
    check->value = mote_memory_allocate(&check->memory, n, sizeof(double));
    check->again = mote_memory_allocate(&check->memory, n, sizeof(double));
    check->derived = mote_memory_allocate(&check->memory, n * m, sizeof(double));
    check->derived_again = mote_memory_allocate(&check->memory, n * m, sizeof(double));
    check->seconds = mote_memory_allocate(&check->memory, n, sizeof(double));
    if (!check->cube || !check->theta || !check->value || !check->again || !check->derived || !check->derived_again ||
        !check->seconds)
        return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    return draw_rows(check);
}

void mote_check_close(mote_check *check)
{
    double *const blocks[] = { check->cube,  check->theta,         check->value,  check->derived,
                               check->again, check->derived_again, check->seconds };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(&check->memory, blocks[i]);
    mote_space_close(&check->space);
}

static int call(const mote_check *check, int64_t first, int64_t n, int64_t step, double *value, double *derived)
{
    mote_row_function function;
    int64_t ids[256];
    const int64_t width = check->space.theta_count, m = check->space.derived_count;
    mote_space_row_function(&check->space, &function);
    for (int64_t i = 0; i < n && i < 256; ++i)
        ids[i] = first + i * step;
    const mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = n, .dimension = width, .stride = width * step,
                               .theta = check->theta + first * width, .log_likelihood = value, .derived_count = m,
                               .derived_stride = m, .derived = m ? derived : NULL, .id = ids };
    for (int64_t i = 0; i < n; ++i)
        value[i] = NAN;
    for (int64_t i = 0; i < n * m; ++i)
        derived[i] = NAN;
    mote_check_at_row(check, n, n > 1 ? "in a batch, whose first row is" : "at", batch.theta);
    return function.evaluate(function.ctx, &batch);
}

int mote_check_evaluate(const mote_check *check, int64_t first, int64_t step, int single, double *value,
                        double *derived)
{
    const int64_t m = check->space.derived_count;
    if (!single)
        return call(check, first, (check->n - first + step - 1) / step, step, value, derived);
    for (int64_t i = first; i < check->n; i += step) {
        int status = call(check, i, 1, 1, value + i, derived + i * m);
        if (status)
            return status;
    }
    return 0;
}

/* ---- same answers ---------------------------------------------------------------------------------------------- */

static int same(double a, double b)
{
    return (isnan(a) && isnan(b)) || !memcmp(&a, &b, sizeof a);
}

/* The first row whose value or derived parameters differ in any bit, or -1. */
static int64_t first_difference(const mote_check *check)
{
    const int64_t m = check->space.derived_count;
    for (int64_t i = 0; i < check->n; ++i) {
        if (!same(check->value[i], check->again[i]))
            return i;
        for (int64_t k = 0; k < m; ++k)
            if (!same(check->derived[i * m + k], check->derived_again[i * m + k]))
                return i;
    }
    return -1;
}

static void compare(mote_check *check, const char *what)
{
    char text[256], a[MOTE_NUMBER_SIZE], b[MOTE_NUMBER_SIZE];
    const int64_t i = first_difference(check);
    if (i < 0) {
        mote_check_say(check, MOTE_VERDICT_OK, "%s: the same bytes", what);
        return;
    }
    mote_check_say(check, MOTE_VERDICT_FAIL, "%s: log-likelihood %s, then %s at %s", what,
                   mote_number_format(a, check->value[i], 17), mote_number_format(b, check->again[i], 17),
                   row_text(check, check->theta + i * check->space.theta_count, text));
}

static int refuse_code(mote_check *check, int status)
{
    if (status < 0)
        mote_check_say(check, MOTE_VERDICT_FAIL, "the likelihood asked to stop with code %d", status);
    else if (status)
        mote_check_say(check, MOTE_VERDICT_FAIL, "the batch function reported a failure (%d) on prior draws", status);
    return status;
}

int mote_check_repetition(mote_check *check)
{
    /* Single rows first: a crash there has a point that can be named. */
    int status = mote_check_evaluate(check, 0, 1, 1, check->again, check->derived_again);
    status = status ? status : mote_check_evaluate(check, 0, 1, 0, check->value, check->derived);
    if (status)
        return refuse_code(check, status);
    compare(check, "one batch against single rows");
    status = mote_check_evaluate(check, 0, 1, 1, check->again, check->derived_again);
    if (!status)
        compare(check, "the same rows again");
    return refuse_code(check, status);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

enum { THREADS = 4 };

typedef struct share {
    mote_check *check;
    int64_t first;
    int status;
} share;

static void *evaluate_share(void *argument)
{
    share *part = argument;
    part->status = mote_check_evaluate(part->check, part->first, THREADS, 1, part->check->again,
                                       part->check->derived_again);
    return NULL;
}

void mote_check_threads(mote_check *check)
{
    pthread_t threads[THREADS];
    share shares[THREADS];
    int started = 0, status = 0;
    if (!(check->space.target.flags & MOTE_THREADSAFE)) {
        mote_check_say(check, MOTE_VERDICT_OK, "threads: the model does not say MOTE_THREADSAFE; use executor = "
                       "processes to evaluate in parallel");
        return;
    }
    mote_check_at(check->n, "in four threads at the same time");
    check->together = 1;
    for (; started < THREADS; ++started) {
        const share part = { check, started, 0 };
        shares[started] = part;
        if (pthread_create(&threads[started], NULL, evaluate_share, &shares[started]))
            break;
    }
    for (int i = 0; i < started; ++i) {
        pthread_join(threads[i], NULL);
        status = status ? status : shares[i].status;
    }
    check->together = 0;
    if (started < THREADS)
        mote_check_say(check, MOTE_VERDICT_NOTE, "threads: the system started %d of %d", started, (int)THREADS);
    else if (!refuse_code(check, status))
        compare(check, "one thread against four");
}

/* ---- failed points ------------------------------------------------------------------------------------------------ */

static void count_prior_failures(mote_check *check)
{
    int64_t nan = 0, infinite = 0, zero = 0, last = 0;
    char text[256];
    for (int64_t i = 0; i < check->n; ++i) {
        nan += isnan(check->value[i]);
        infinite += check->value[i] == INFINITY;
        zero += check->value[i] == -INFINITY;
        if (isnan(check->value[i]) || check->value[i] == INFINITY)
            last = i;
    }
    if (nan + infinite)
        mote_check_say(check, MOTE_VERDICT_NOTE, "prior draws: %d failed, %d +inf, %d of zero likelihood; such as %s",
                       (int)nan, (int)infinite, (int)zero,
                       row_text(check, check->theta + last * check->space.theta_count, text));
    else
        mote_check_say(check, MOTE_VERDICT_OK, "prior draws: none failed, %d of %d have zero likelihood", (int)zero,
                       (int)check->n);
}

/* Row i of the cube's corners: all low, all high, each coordinate low, each high, then pseudo-random patterns. */
static double corner(int64_t row, int64_t coordinate, int64_t d)
{
    const double low = 1e-12, high = 1 - 1e-12;
    if (row < 2)
        return row ? high : low;
    if (row < 2 + 2 * d)
        return (row - 2) / 2 == coordinate ? (row % 2 ? high : low) : 0.5;
    return (uint64_t)(row * 2654435761u + 1) >> (coordinate % 32 + 4) & 1 ? high : low;
}

static void check_corners(mote_check *check)
{
    const int64_t d = check->space.dimension, width = check->space.theta_count, m = check->space.derived_count;
    int64_t rows = 2 + 2 * d + 32, failed = 0;
    char first[256];
    rows = rows < check->n ? rows : check->n;
    for (int64_t i = 0; i < rows; ++i) {
        double *theta = check->theta + i * width;
        for (int64_t k = 0; k < d; ++k)
            check->cube[k] = corner(i, k, d);
        if (mote_space_transform(&check->space, check->cube, theta) || mote_space_inside(&check->space, theta) != 1)
            continue;
        const int status = call(check, i, 1, 1, check->again + i, check->derived_again + i * m);
        if (!status && !isnan(check->again[i]) && check->again[i] != INFINITY)
            continue;
        if (!failed++)
            row_text(check, theta, first);
    }
    if (failed)
        mote_check_say(check, MOTE_VERDICT_NOTE, "corners of the prior: %d of %d failed; the first at %s", (int)failed,
                       (int)rows, first);
    else
        mote_check_say(check, MOTE_VERDICT_OK, "corners of the prior: none of %d failed", (int)rows);
}

void mote_check_failures(mote_check *check)
{
    count_prior_failures(check);
    check_corners(check);
    (void)draw_rows(check); /* the corners overwrote some */
}

/* ---- prior ---------------------------------------------------------------------------------------------------------- */

static int has_quantile(const mote_parameter *parameter)
{
    return parameter->prior != MOTE_PRIOR_SORTED && parameter->prior != MOTE_PRIOR_DIRICHLET &&
           parameter->prior != MOTE_PRIOR_CONDITIONAL && parameter->prior != MOTE_PRIOR_FIXED &&
           parameter->prior != MOTE_PRIOR_DERIVED;
}

/* Worst |cdf(quantile(u)) - u| over a grid that reaches into both tails. */
static double round_trip(const mote_parameter *parameter)
{
    double worst = 0;
    for (int i = 0; i <= 40; ++i) {
        const double u = i < 4 ? pow(10, -3 * (4 - i)) : i > 36 ? 1 - pow(10, -3 * (i - 36)) : (i - 3.5) / 33;
        double complement;
        const double back = mote_prior_cdf(parameter, mote_prior_quantile(parameter, u, 1 - u), &complement);
        const double error = fabs(back - u);
        worst = error > worst || isnan(error) ? error : worst;
    }
    return worst;
}

void mote_check_prior(mote_check *check)
{
    int64_t outside = 0, checked = 0;
    const char *bad = NULL;
    for (int64_t i = 0; i < check->space.theta_count; ++i) {
        const mote_parameter *parameter = parameter_of(check, i);
        if (!has_quantile(parameter))
            continue;
        ++checked;
        if (!(round_trip(parameter) < 1e-9))
            bad = parameter->name;
    }
    for (int64_t i = 0; i < check->n; ++i)
        outside += !(mote_space_log_prior(&check->space, check->theta + i * check->space.theta_count) > -INFINITY);
    if (bad)
        mote_check_say(check, MOTE_VERDICT_FAIL, "prior of '%s': distribution function and quantiles do not match", bad);
    else
        mote_check_say(check, MOTE_VERDICT_OK, "prior round trip of %d parameters", (int)checked);
    if (outside)
        mote_check_say(check, MOTE_VERDICT_NOTE, "%d of %d prior draws have no finite prior density", (int)outside,
                       (int)check->n);
}
