/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/long/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nested/rank.h"
#include "tests/support/problems.h"

enum { COLUMNS = (int)(sizeof(measure) / sizeof(double)), LINE = 32 * COLUMNS };

/* ---- one run ----------------------------------------------------------------------------------------------------- */

static void fill_row(measure *row, const mote_nested_result *result, const mote_ledger *ledger)
{
    row->log_evidence = result->log_evidence;
    row->error = result->log_evidence_error;
    row->error_simulated = result->error_simulated;
    row->error_bootstrap = result->error_bootstrap;
    row->error_tail = result->error_tail;
    row->information = result->information;
    row->effective_sample_size = result->effective_sample_size;
    row->calls = (double)ledger->calls;
    row->births = (double)result->births;
    row->iterations = (double)result->iterations;
    row->steps = (double)result->steps;
    row->insertion_p = result->insertion_rank_p;
    row->insertion_worst = result->insertion_rank_p_worst;
    row->resets = result->insertion_rank_resets;
    row->parent_child = result->parent_child;
    row->parent_child_error = result->parent_child_error;
    row->half_difference = result->half_difference;
    row->warnings = (double)result->warnings;
    row->seconds = ledger->seconds;
}

void measure_run(const measure_plan *plan, measure *row)
{
    mote_run *run = NULL;
    mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    double *values = (double *)row;
    for (int i = 0; i < COLUMNS; ++i)
        values[i] = NAN;
    int status = mote_run_open(&run, mote_nested, plan->target, &plan->options);
    if (!status && plan->opened)
        plan->opened(plan->ctx, run);
    status = status ? status : mote_run_finish(run);
    status = status ? status : mote_nested_get_result(run, &result);
    status = status ? status : mote_run_ledger(run, &ledger);
    if (status)
        fprintf(stderr, "%s, seed %lld: %s\n", plan->target->name, (long long)plan->options.seed,
                mote_run_message(run));
    else
        fill_row(row, &result, &ledger);
    row->status = status;
    row->seed = (double)plan->options.seed;
    row->truth = plan->truth;
    if (!status && plan->finished)
        plan->finished(plan->ctx, run, row);
    mote_run_close(&run);
}

double measure_pull(const measure *row)
{
    return row->status == 0 ? (row->log_evidence - row->truth) / row->error : INFINITY;
}

/* ---- stamp: small runs through every part of the default sampler --------------------------------------------------- */

static uint64_t mix(uint64_t hash, double value) /* FNV-1a over the bytes */
{
    unsigned char bytes[sizeof value];
    memcpy(bytes, &value, sizeof value);
    for (size_t i = 0; i < sizeof bytes; ++i)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t stamp(void)
{
    static const struct {
        const char *name;
        int64_t dimension, step;
    } runs[] = { { "eggbox", 2, MOTE_STEP_AUTO },  { "cake", 2, MOTE_STEP_AUTO },  { "gauss", 12, MOTE_STEP_AUTO },
                 { "spike", 4, MOTE_STEP_AUTO },   { "shells", 3, MOTE_STEP_SLICE }, { "gauss", 3, MOTE_STEP_WALK },
                 { "shells", 5, MOTE_STEP_BOUND }, { "half_empty", 2, MOTE_STEP_AUTO } };
    static mote_problem problem;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; ++i) {
        measure row;
        mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .seed = 7, .live_points = 60,
                                        .simulations = 20, .bootstraps = 20, .step = runs[i].step };
        if (mote_problem_open(&problem, runs[i].name, runs[i].dimension))
            continue;
        measure_run(&(measure_plan){ &problem.target, 0, options, NULL, NULL, NULL }, &row);
        const double parts[] = { row.log_evidence, row.error, row.calls, row.insertion_p, row.warnings };
        for (size_t j = 0; j < sizeof parts / sizeof *parts; ++j)
            hash = mix(hash, parts[j]);
    }
    return hash;
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

static void header(char *line, size_t size)
{
    static uint64_t ours;
    if (!ours)
        ours = stamp();
#define NAME(name) " " #name
    snprintf(line, size, "# %016llx" MEASURE_COLUMNS(NAME) " extra...\n", (unsigned long long)ours);
#undef NAME
}

static int complain(const char *what, const char *path)
{
    fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
    return -1;
}

static int append(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    size_t size = strlen(text);
    int good = file >= 0 && write(file, text, size) == (ssize_t)size; /* one write: lines of processes do not mix */
    if (file >= 0)
        good &= close(file) == 0;
    return good ? 0 : complain("cannot write", path);
}

int measure_store_open(measure_store *store, const char *folder, const char *name)
{
    char ours[LINE], theirs[LINE] = "", aside[MEASURE_PATH + 8];
    *store = (measure_store){ .rows = NULL };
    if (snprintf(store->path, sizeof store->path, "%s/%s.txt", folder, name) >= (int)sizeof store->path)
        return complain("too long", folder);
    if (mkdir(folder, 0777) && errno != EEXIST)
        return complain("cannot make", folder);
    header(ours, sizeof ours);
    FILE *file = fopen(store->path, "r");
    if (file) {
        char *line = fgets(theirs, sizeof theirs, file);
        fclose(file);
        if (line && !strcmp(ours, theirs))
            return 0;
        snprintf(aside, sizeof aside, "%s.old", store->path);
        if (rename(store->path, aside))
            return complain("cannot rename", store->path);
    }
    return append(store->path, ours);
}

void measure_store_close(measure_store *store)
{
    free(store->rows);
    store->rows = NULL;
}

static int parse(const char *line, measure *row)
{
    double *value = (double *)row;
    for (int i = 0; i < COLUMNS; ++i) {
        char *end;
        value[i] = strtod(line, &end);
        if (end == line)
            return 0;
        line = end;
    }
    return 1;
}

static int by_seed(const void *a, const void *b)
{
    double x = ((const measure *)a)->seed, y = ((const measure *)b)->seed;
    return (x > y) - (x < y);
}

int measure_store_read(measure_store *store, int64_t first, int64_t count)
{
    char line[LINE];
    FILE *file = fopen(store->path, "r");
    measure *rows = realloc(store->rows, (size_t)(count + 1) * sizeof *rows);
    store->rows = rows ? rows : store->rows;
    store->count = 0;
    if (!file || !rows) {
        if (file)
            fclose(file);
        return complain("cannot read", store->path);
    }
    while (store->count <= count && fgets(line, sizeof line, file))
        if (*line != '#' && parse(line, &rows[store->count]) && rows[store->count].seed >= (double)first &&
            rows[store->count].seed < (double)(first + count))
            ++store->count;
    fclose(file);
    qsort(rows, (size_t)store->count, sizeof *rows, by_seed);
    return 0;
}

/* ---- processes ------------------------------------------------------------------------------------------------------ */

static int write_row(const char *path, const measure *row)
{
    char line[LINE];
    const double *value = (const double *)row;
    size_t used = 0;
    for (int i = 0; i < COLUMNS; ++i)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%.17g", i ? " " : "", value[i]);
    snprintf(line + used, sizeof line - used, "\n");
    return append(path, line);
}

static int reap(int64_t *running)
{
    int status = 0;
    pid_t child = wait(&status);
    *running -= child > 0;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int known(const measure_store *store, int64_t seed)
{
    for (int64_t i = 0; i < store->count; ++i)
        if (store->rows[i].seed == (double)seed)
            return 1;
    return 0;
}

int measure_fill(measure_store *store, void (*one)(const void *ctx, int64_t seed, measure *row), const void *ctx,
                 int64_t first, int64_t count, int64_t jobs)
{
    int64_t running = 0;
    int status = measure_store_read(store, first, count);
    for (int64_t seed = first; seed < first + count && !status; ++seed) {
        if (known(store, seed))
            continue;
        if (running >= jobs)
            status = reap(&running);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            measure row;
            one(ctx, seed, &row);
            _exit(write_row(store->path, &row) ? 1 : 0);
        }
        running += child > 0;
        status = child < 0 ? complain("cannot fork for", store->path) : status;
    }
    while (running > 0)
        status = reap(&running) ? -1 : status;
    return status;
}

int64_t measure_setting(const char *name, int64_t standard)
{
    const char *text = getenv(name);
    long long value = text ? strtoll(text, NULL, 10) : 0;
    return value > 0 ? value : standard;
}

/* ---- statistics ------------------------------------------------------------------------------------------------------ */

measure_moments measure_pulls(const measure_store *store)
{
    measure_moments out = { 0, 0, store->count };
    for (int64_t i = 0; i < out.n; ++i)
        out.mean += measure_pull(&store->rows[i]) / (double)out.n;
    for (int64_t i = 0; i < out.n; ++i)
        out.sd += pow(measure_pull(&store->rows[i]) - out.mean, 2) / (double)(out.n - 1);
    out.sd = sqrt(out.sd);
    return out;
}

static double column_of(const measure *row, size_t column)
{
    double value;
    memcpy(&value, (const char *)row + column, sizeof value);
    return value;
}

double measure_mean(const measure_store *store, size_t column)
{
    double sum = 0;
    for (int64_t i = 0; i < store->count; ++i)
        sum += column_of(&store->rows[i], column);
    return sum / (double)store->count;
}

double measure_uniform_p(const measure_store *store, size_t column)
{
    int64_t n = 0;
    double *values = malloc((size_t)(2 * store->count + 1) * sizeof *values), p = NAN;
    for (int64_t i = 0; values && i < store->count; ++i)
        if (!isnan(column_of(&store->rows[i], column)))
            values[n++] = column_of(&store->rows[i], column);
    if (n)
        p = mote_uniform_p_value(values, n, values + store->count);
    free(values);
    return p;
}

double measure_not_small_p(const measure_store *store, size_t column)
{
    double n = (double)store->count, most = 0;
    for (int64_t i = 0; i < store->count; ++i) {
        double here = column_of(&store->rows[i], column), below = 0;
        for (int64_t j = 0; j < store->count; ++j)
            below += column_of(&store->rows[j], column) <= here;
        most = fmax(most, below / n - here);
    }
    return exp(-2 * n * most * most);
}

double measure_warned(const measure_store *store, int64_t bits)
{
    int64_t count = 0;
    for (int64_t i = 0; i < store->count; ++i)
        count += store->rows[i].status != 0 || ((int64_t)store->rows[i].warnings & bits) != 0;
    return (double)count / (double)store->count;
}

int measure_within(measure_moments pulls, int round)
{
    double root = sqrt((double)pulls.n);
    return fabs(pulls.mean) < (round == 1 ? 3 : 4) / root && fabs(pulls.sd - 1) < (round == 1 ? 2 : 2.6) / root;
}
