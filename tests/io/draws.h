/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws for the tests of files: an ideal nested sampling run whose evidence is known. Prior: uniform on the square
 * (-1, 1)^2; L = exp(-(x^2 + y^2)/(2 s^2)), s = 0.1, zero for x < 0 when half_empty. log Z = log(2 pi s^2/4), less
 * log 2 when half empty, to 1e-22. Births come from the constrained prior itself, by rejection. */
#ifndef MOTE_TESTS_IO_DRAWS_H
#define MOTE_TESTS_IO_DRAWS_H

#include <mote/status.h>

#include "core/run.h"
#include "model/draws.h"
#include "tests/support/test.h"

static uint64_t test_noise = 1;

static inline double test_uniform(void) /* splitmix64 */
{
    uint64_t z = test_noise += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

typedef struct test_point {
    double x, y, log_likelihood, birth;
} test_point;

static inline test_point test_birth(double contour, int half_empty)
{
    double reach = contour == -INFINITY ? 1 : fmin(1, sqrt(-2 * contour) * 0.1);
    test_point p = { .birth = contour };
    do {
        p.x = reach * (2 * test_uniform() - 1);
        p.y = reach * (2 * test_uniform() - 1);
        p.log_likelihood = half_empty && p.x < 0 ? -INFINITY : -(p.x * p.x + p.y * p.y) / 0.02;
    } while (p.log_likelihood <= contour && contour != -INFINITY);
    return p;
}

/* Weights at mean volumes, by the trapezoid rule: the same formula as the reader's, written as plain sums. */
static inline void test_weigh(mote_draws *draws)
{
    double sum = 0, x = 1;
    for (int64_t i = 0; i < draws->count; ++i) {
        double after = x * exp(-1 / draws->live_count[i]);
        double l = exp(draws->log_likelihood[i]), before = i ? exp(draws->log_likelihood[i - 1]) : l;
        double w = l * (x - after) / 2;
        draws->log_weight[i] = i && l == before ? 2 * w : w;
        if (i == 0)
            draws->log_weight[i] = 2 * w;
        else if (l != before)
            draws->log_weight[i - 1] += before * (x - after) / 2;
        x = after;
    }
    draws->log_weight[draws->count - 1] += exp(draws->log_likelihood[draws->count - 1]) * x;
    for (int64_t i = 0; i < draws->count; ++i)
        sum += draws->log_weight[i];
    for (int64_t i = 0; i < draws->count; ++i)
        draws->log_weight[i] = log(draws->log_weight[i] / sum);
    draws->log_evidence = log(sum);
}

static inline int test_order(const void *a, const void *b)
{
    double x = ((const test_point *)a)->log_likelihood, y = ((const test_point *)b)->log_likelihood;
    return (x > y) - (x < y);
}

static inline mote_draws *test_nested_draws(const mote_memory *memory, int64_t live, int half_empty, uint64_t seed)
{
    enum { MOST = 40000 };
    static test_point dead[MOST], alive[MOST];
    static double counts[MOST];
    const mote_parameter parameters[] = {
        MOTE_DERIVED("radius2", .label = "r^2"),
        MOTE_UNIFORM("x", -1, 1, .label = "x_\\mathrm{m}"),
        MOTE_UNIFORM("y", -1, 1),
    };
    int64_t n = 0, m = 0, good = 0;
    test_noise = seed;
    while (good < live) { /* whole blocks until enough points have a likelihood */
        alive[m] = test_birth(-INFINITY, half_empty);
        good += alive[m++].log_likelihood > -INFINITY;
    }
    while (m > live || alive[0].log_likelihood < -1e-4 || n == 0) { /* until the live points hold nothing new */
        int64_t low = 0;
        for (int64_t i = 1; i < m; ++i)
            if (alive[i].log_likelihood < alive[low].log_likelihood)
                low = i;
        counts[n] = (double)m;
        dead[n++] = alive[low];
        double contour = alive[low].log_likelihood;
        alive[low] = alive[--m];
        if (m < live)
            alive[m++] = test_birth(contour, half_empty);
        if (n > live * 14)
            break;
    }
    qsort(alive, (size_t)m, sizeof *alive, test_order);
    for (int64_t i = 0; i < m; ++i) {
        counts[n] = (double)(m - i);
        dead[n++] = alive[i];
    }
    mote_draws *draws = mote_draws_create(memory, parameters, 3, n, MOTE_DRAWS_NESTED | MOTE_DRAWS_PRIOR);
    for (int64_t i = 0; i < n; ++i) {
        draws->columns[0][i] = dead[i].x;
        draws->columns[1][i] = dead[i].y;
        draws->columns[2][i] = dead[i].x * dead[i].x + dead[i].y * dead[i].y;
        draws->log_likelihood[i] = dead[i].log_likelihood;
        draws->birth[i] = dead[i].birth;
        draws->live_count[i] = counts[i];
        draws->log_prior[i] = -log(4.0);
    }
    draws->live = m;
    test_weigh(draws);
    /* H = log(prior area / posterior area) - 1, the sd of log Z is sqrt(H/n) */
    draws->log_evidence_error = sqrt((-log(0.062831853 / 4 / (half_empty ? 2 : 1)) - 1) / (double)live);
    return draws;
}

/* A run that has these draws and nothing else. */
static const mote_option test_options[] = {
    { .key = "live_points", .unit = "points", .help = "", .type = MOTE_OPTION_INTEGER, .offset = 8, .standard = 500 },
    { .key = "precision", .unit = "", .help = "", .type = MOTE_OPTION_REAL, .offset = 16 },
    { .key = "step", .unit = "", .help = "", .choices = "auto|bound|slice", .type = MOTE_OPTION_CHOICE, .offset = 24 },
    { .key = "checkpoint", .unit = "", .help = "", .type = MOTE_OPTION_TEXT, .offset = 32 },
};
static const mote_option_table test_table = { "nested", MOTE_KIND_mote_nested_options, 40, 4, test_options, NULL };
static const mote_algorithm test_algorithm = { .name = "nested", .options = &test_table };
static struct {
    mote_head head;
    int64_t live_points;
    double precision;
    int64_t step;
    const char *checkpoint;
} test_values = { { 40, MOTE_KIND_mote_nested_options }, 123, 1e-3, 2, NULL };

/* The identity of a run holds pairs of texts; these bytes are made once and live as long as the program. */
static mote_writer test_identity(const mote_memory *memory)
{
    static unsigned char bytes[256];
    mote_writer writer;
    mote_writer_open(&writer, memory);
    mote_put_text(&writer, "identity");
    mote_put_text(&writer, "disc \"one\"\n\xff");
    memcpy(bytes, writer.bytes, (size_t)writer.length);
    mote_writer kept = { .memory = memory, .bytes = bytes, .length = writer.length, .capacity = writer.length };
    mote_writer_close(&writer);
    return kept;
}

static inline void test_run(mote_run *run, mote_draws *draws)
{
    memset(run, 0, sizeof *run);
    mote_memory_open(&run->memory, NULL);
    run->algorithm = &test_algorithm;
    run->options = &test_values;
    run->identity = test_identity(&run->memory);
    run->draws = draws;
    run->opened = 1;
    run->finished_by = MOTE_FINISHED_BY_CRITERION;
    run->ledger = (mote_ledger){ MOTE_VERSIONED(mote_ledger), .calls = 9876543210, .likelihood_seconds = NAN };
    run->ledger.failed[MOTE_REASON_TIMEOUT] = 7;
}

#endif
