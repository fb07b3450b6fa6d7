/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resampling and weighing against plain C and GSL, one core, a million particles with log-weights of sd 0.7 and 2.5 (or
 * the two numbers given: particles, windows). Rejection and Metropolis are of interest on devices only and stand apart,
 * with sd 0.7 and few windows. Every window has fresh weights: a branch predictor learns old ones. Goals
 * of the manual on a Zen 5 core: systematic at most 1.4 ns a particle, 6 times the scalar loop and 40 times
 * gsl_ran_discrete; weighing at most 0.75 ns and 5 times two passes of the C library. */
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <mote/resample.h>

#include "bench/bench.h"
#include "core/source.h"
#include "smc/alias.h"
#include "smc/resample.h"

static int64_t n = 1000000;
static int windows = 20;
static double *log_weight, *weight, *plain, *factor, *scratch;
static int32_t *ancestor;
static gsl_rng *twister;
static mote_memory memory;
static mote_alias alias;
static uint32_t step;
static volatile double sink;

/* ---- weighing ---- */

static void our_weighing(const bench_entry *entry)
{
    const mote_vector_table *vector = mote_vector();
    double maximum = -INFINITY, total = 0;
    (void)entry;
    const int64_t blocks = (n + MOTE_WEIGHT_BLOCK - 1) / MOTE_WEIGHT_BLOCK;
    for (int64_t b = 0; b < blocks; ++b) {
        const int64_t first = b * MOTE_WEIGHT_BLOCK, rest = n - first;
        vector->weigh(weight + first, log_weight + first, rest < MOTE_WEIGHT_BLOCK ? rest : MOTE_WEIGHT_BLOCK,
                      &factor[b], &scratch[b]);
        maximum = factor[b] > maximum ? factor[b] : maximum;
    }
    for (int64_t b = 0; b < blocks; ++b) {
        factor[b] = mote_exp(factor[b] - maximum);
        total += scratch[b] * factor[b];
    }
    sink = maximum + mote_log(total);
}

static void libm_weighing(const bench_entry *entry)
{
    double maximum = -INFINITY, total = 0;
    (void)entry;
    for (int64_t i = 0; i < n; ++i)
        maximum = log_weight[i] > maximum ? log_weight[i] : maximum;
    for (int64_t i = 0; i < n; ++i)
        total += plain[i] = exp(log_weight[i] - maximum);
    for (int64_t i = 0; i < n; ++i)
        plain[i] /= total;
    sink = maximum + log(total);
}

/* ---- resampling ---- */

static void ours(const bench_entry *entry)
{
    const mote_block_weights w = { weight, factor, n, 1 };
    mote_source source = mote_source_live(5);
    source.step = step;
    if (mote_resample((mote_resampler *)entry->with, &source, &w, n, ancestor))
        sink = NAN;
}

static double uniform(void)
{
    return gsl_rng_uniform(twister);
}

static void scalar_systematic(const bench_entry *entry)
{
    double u = uniform(), passed = 0, share = 1.0 / (double)n;
    int64_t k = 0;
    (void)entry;
    for (int64_t i = 0; i < n; ++i) {
        passed += plain[i];
        while (k < n && ((double)k + u) * share < passed)
            ancestor[k++] = (int32_t)i;
    }
    while (k < n)
        ancestor[k++] = (int32_t)(n - 1);
}

static void scalar_stratified(const bench_entry *entry)
{
    double passed = plain[0], share = 1.0 / (double)n;
    int64_t i = 0;
    (void)entry;
    for (int64_t k = 0; k < n; ++k) {
        const double point = ((double)k + uniform()) * share;
        while (passed < point && i < n - 1)
            passed += plain[++i];
        ancestor[k] = (int32_t)i;
    }
}

static void scalar_multinomial(const bench_entry *entry)
{
    double passed = 0;
    (void)entry;
    for (int64_t i = 0; i < n; ++i)
        scratch[i] = passed += plain[i];
    for (int64_t k = 0; k < n; ++k) {
        const double point = uniform() * passed;
        int64_t low = 0, high = n - 1;
        while (low < high) {
            const int64_t middle = (low + high) / 2;
            if (scratch[middle] <= point)
                low = middle + 1;
            else
                high = middle;
        }
        ancestor[k] = (int32_t)low;
    }
}

static void gsl_discrete(const bench_entry *entry)
{
    gsl_ran_discrete_t *table = gsl_ran_discrete_preproc((size_t)n, plain);
    (void)entry;
    for (int64_t k = 0; k < n; ++k)
        ancestor[k] = (int32_t)gsl_ran_discrete(twister, table);
    gsl_ran_discrete_free(table);
}

static void alias_build(const bench_entry *entry)
{
    (void)entry;
    mote_alias_build(&alias, plain, n);
}

static void alias_draws(const bench_entry *entry)
{
    mote_source source = mote_source_live(6);
    uint64_t *bits = (uint64_t *)(void *)scratch;
    (void)entry;
    source.step = step;
    mote_bits(&source, bits, n);
    for (int64_t k = 0; k < n; ++k)
        ancestor[k] = mote_alias_at(&alias, bits[k]);
}

/* ---- windows ---- */

static void fresh_weights(double sd)
{
    mote_source source = mote_source_live(4);
    source.step = ++step;
    mote_normals(&source, log_weight, n);
    for (int64_t i = 0; i < n; ++i)
        log_weight[i] *= sd;
    libm_weighing(NULL);
    our_weighing(NULL);
}

static void measure(bench_entry *entries, int count, double sd, int times)
{
    for (int i = 0; i < count; ++i)
        entries[i].best = 1e300;
    for (int window = 0; window < times; ++window) {
        fresh_weights(sd);
        for (int i = 0; i < count; ++i) {
            const double start = bench_seconds();
            entries[i].run(&entries[i]);
            const double seconds = bench_seconds() - start;
            entries[i].best = seconds < entries[i].best ? seconds : entries[i].best;
        }
    }
    bench_print(entries, count);
}

static void weighing(double sd)
{
    bench_entry entries[] = { { "weigh, sum, block factors", our_weighing, NULL, (double)n, 0 },
                              { "two passes and a division, C library", libm_weighing, NULL, (double)n, 0 } };
    measure(entries, 2, sd, windows);
}

/* Whether the scheme looks at one weight after the other wherever it stands. */
static int jumps(int64_t choice)
{
    return choice == MOTE_RESAMPLE_METROPOLIS || choice == MOTE_RESAMPLE_REJECTION;
}

/* The schemes of one kind, whose resamplers stay open as long as the program. */
static int schemes(bench_entry *entries, int jumping)
{
    static mote_resampler r[16];
    int count = 0;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice) {
        if (mote_resampling_flags(choice) & MOTE_RESAMPLING_WEIGHTED || jumps(choice) != jumping)
            continue;
        if (!r[choice].capacity && mote_resampler_open(&r[choice], choice, n, &memory, NULL, NULL))
            exit(1);
        entries[count++] = (bench_entry){ mote_resampling_name(choice), ours, &r[choice], (double)n, 0 };
    }
    return count;
}

static void resampling(double sd)
{
    bench_entry entries[24];
    int count = schemes(entries, 0);
    entries[count++] = (bench_entry){ "alias table, build", alias_build, NULL, (double)n, 0 };
    entries[count++] = (bench_entry){ "alias table, draws", alias_draws, NULL, (double)n, 0 };
    entries[count++] = (bench_entry){ "stratified, scalar loop", scalar_stratified, NULL, (double)n, 0 };
    entries[count++] = (bench_entry){ "multinomial, binary search", scalar_multinomial, NULL, (double)n, 0 };
    entries[count++] = (bench_entry){ "gsl_ran_discrete and its table", gsl_discrete, NULL, (double)n, 0 };
    entries[count++] = (bench_entry){ "systematic, scalar loop", scalar_systematic, NULL, (double)n, 0 };
    measure(entries, count, sd, windows);
}

static void without_sums(double sd)
{
    bench_entry entries[4];
    int count = schemes(entries, 1);
    entries[count++] = (bench_entry){ "systematic, scalar loop", scalar_systematic, NULL, (double)n, 0 };
    measure(entries, count, sd, 2);
}

static void *column(int64_t count, size_t size)
{
    return mote_memory_allocate_aligned(&memory, count, size);
}

int main(int argc, char **argv)
{
    static const double sds[] = { 0.7, 2.5 };
    n = argc > 1 ? atoll(argv[1]) : n;
    windows = argc > 2 ? atoi(argv[2]) : windows;
    mote_memory_open(&memory, NULL);
    log_weight = column(n, 8), weight = column(n, 8), plain = column(n, 8);
    factor = column(n, 8), scratch = column(n, 8), ancestor = column(n, 4);
    twister = gsl_rng_alloc(gsl_rng_mt19937);
    if (!log_weight || !weight || !plain || !factor || !scratch || !ancestor || mote_alias_open(&alias, n, &memory))
        return 1;
    bench_head("resample");
    for (int i = 0; i < 2; ++i) {
        printf("%lld particles, sd of log-weights %g, best of %d windows\n", (long long)n, sds[i], windows);
        weighing(sds[i]);
        resampling(sds[i]);
    }
    printf("%lld particles, sd of log-weights %g, best of 2 windows\n", (long long)n, sds[0]);
    without_sums(sds[0]);
    return 0;
}
