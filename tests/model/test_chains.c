/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Effective sample size of chains: short ones by hand; autoregressions, whose time is (1 + r) / (1 - r), in one chain,
 * in several that are interleaved, and in one so long that it is averaged in batches; chains that disagree, and chains
 * that are stuck; draws and the warning. Autoregressions are of a fixed seed: over 200 others the relative deviation had
 * means of .016, .014 and .024 and the standard deviations that are given, of which five are allowed (false alarm 2e-6
 * each under normality). Planted: chains_half_sum, chains_not_monotone and chains_stuck_independent (tests/planted). */
#include <math.h>
#include <mote/status.h>
#include <stdlib.h>

#include "core/source.h"
#include "model/chains.h"

#include "tests/support/test.h"

enum { N = 40000, LONG_N = 400000 };

static mote_memory memory;

static double size_of(const double *x, int64_t length, int64_t count, int64_t step, int64_t stride)
{
    const mote_chains chains = { x, length, count, step, stride };
    return mote_chains_effective_sample_size(&chains, &memory);
}

static void short_chains_by_hand(void **unused)
{
    const double x[] = { 1, 1, -1, -1 }, up_and_down[] = { 1, -1, 1, -1 }, same[] = { 3, 3, 3 }, odd[] = { 1, NAN };
    const mote_chains chains = { x, 4, 1, 1, 4 };
    double variance;
    (void)unused;
    assert_close(mote_chains_long_run_variance(&chains, 0, &variance), 5.0 / 3, 1e-15, 0);
    assert_close(variance, 1, 1e-15, 0);
    assert_close(size_of(x, 4, 1, 1, 4), 2.4, 1e-14, 0);
    assert_close(size_of(up_and_down, 4, 1, 1, 4), 4, 0, 0); /* never more than there are */
    assert_close(size_of(x, 2, 2, 2, 1), 4, 0, 0);           /* the same numbers as two chains: 1, -1 twice */
    assert_true(isnan(size_of(same, 3, 1, 1, 3)));
    assert_true(isnan(size_of(odd, 2, 1, 1, 2)));
    assert_true(isnan(size_of(x, 0, 1, 1, 0)));
}

/* 1, -1, 0, 1, -1: autocovariances 4/5, -1/2, -1/3, 1, -1, pairs 3/10 and 2/3, of which the second counts as the first:
 * v = -4/5 + 2 (3/10 + 3/10) = 2/5, not 17/15. */
static void no_pair_is_larger_than_the_one_before(void **unused)
{
    const double x[] = { 1, -1, 0, 1, -1 };
    const mote_chains chains = { x, 5, 1, 1, 5 };
    double variance;
    (void)unused;
    assert_close(mote_chains_long_run_variance(&chains, 0, &variance), 0.4, 1e-14, 0);
    assert_close(variance, 0.8, 1e-15, 0);
}

/* `count` interleaved autoregressions about 5 in equilibrium. */
static void autoregress(double *x, int64_t n, int64_t count, double r, uint64_t seed)
{
    const mote_source live = mote_source_live(mote_source_key(seed, 7));
    mote_source source = mote_source_at(&live, MOTE_PURPOSE_TRANSITION, 0, 0);
    mote_normals(&source, x, n);
    for (int64_t i = count; i < n; ++i)
        x[i] = r * x[i - count] + sqrt(1 - r * r) * x[i];
    for (int64_t i = 0; i < n; ++i)
        x[i] += 5;
}

static void check_autoregression(int64_t n, int64_t count, double r, double spread)
{
    double *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    autoregress(x, n, count, r, 1);
    const double time = (double)n / size_of(x, n / count, count, count, 1);
    print_message("%lld in %lld chains: time %.3f for %.3f\n", (long long)n, (long long)count, time, (1 + r) / (1 - r));
    assert_close(time, (1 + r) / (1 - r), 5 * spread, 0);
    free(x);
}

static void autoregressions_have_their_times(void **unused)
{
    (void)unused;
    check_autoregression(4000, 1, 0.5, 0.093);
    check_autoregression(N, 10, 0.9, 0.075);
    check_autoregression(LONG_N, 1, 0.9, 0.055);
}

/* Two chains about -3 and 3 that agree in nothing count as about two draws. */
static void chains_that_disagree_count_little(void **unused)
{
    static double x[2000];
    (void)unused;
    autoregress(x, 2000, 2, 0, 2);
    for (int i = 0; i < 2000; ++i)
        x[i] += i % 2 ? 3 : -3;
    const double size = size_of(x, 1000, 2, 2, 1);
    assert_true(size > 1 && size < 4);
}

static mote_draws *draws_along_chains(double r, int64_t n)
{
    const mote_parameter parameters[] = { MOTE_UNIFORM("slow", 0, 1), MOTE_UNIFORM("fast", 0, 1) };
    mote_draws *draws = mote_draws_create(&memory, parameters, 2, n, 0);
    assert_non_null(draws);
    autoregress(draws->columns[0], n, 2, r, 3);
    autoregress(draws->columns[1], n, 2, 0, 4);
    draws->chain_count = 2;
    assert_status(mote_draws_warn_of_short_chains(draws), MOTE_OK);
    return draws;
}

static void draws_know_their_chains(void **unused)
{
    mote_summary slow = { MOTE_VERSIONED(mote_summary), .mean = 0 }, fast = slow;
    mote_draws *draws = draws_along_chains(0.9, 8000);
    (void)unused;
    const double size = mote_draws_effective_sample_size(draws);
    assert_true(size == size_of(draws->columns[0], 4000, 2, 2, 1)); /* the two chains lie interleaved */
    assert_true(mote_draws_weight_size(draws) == 8000);
    assert_status(mote_draws_summary(draws, 0, &slow), MOTE_OK);
    assert_status(mote_draws_summary(draws, 1, &fast), MOTE_OK);
    assert_close(slow.monte_carlo_error, slow.sd / sqrt(size), 1e-15, 0);
    assert_close(fast.monte_carlo_error, fast.sd / sqrt(size_of(draws->columns[1], 4000, 2, 2, 1)), 1e-15, 0);
    assert_null(mote_draws_result(draws, "short_chains"));
    mote_draws_free(draws);
    draws = draws_along_chains(0.9, 400); /* about 21 effective */
    assert_non_null(mote_draws_result(draws, "short_chains"));
    mote_draws_free(draws);
}

/* Stuck chains count once each, whatever rounding makes of their mean; what is derived may be constant, as may a
 * component of a state that moves, and what is not finite says nothing. */
static void chains_that_never_moved_count_once(void **unused)
{
    enum { ROWS = 200, COLUMNS = 5 };
    const mote_parameter parameters[COLUMNS] = { MOTE_UNIFORM("slow", 0, 1), { .name = "x_0", .group = 1 },
                                                 { .name = "clock_0", .group = 1 }, { .name = "x_9", .group = 2 },
                                                 MOTE_DERIVED("age") };
    const struct { double value[COLUMNS], size; } rows[] = { /* NAN: moves */
        { { NAN, NAN, NAN, NAN, NAN }, ROWS }, { { 0.1, NAN, NAN, NAN, NAN }, 4 }, { { NAN, 0.1, 9, NAN, NAN }, 4 },
        { { NAN, NAN, 9, NAN, NAN }, ROWS }, { { NAN, NAN, NAN, 0.1, NAN }, 4 },
        { { NAN, NAN, NAN, NAN, 0.1 }, ROWS }, { { INFINITY, NAN, NAN, NAN, NAN }, ROWS }, { { 0, 0, 0, 0, 0 }, 4 } };
    (void)unused;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; ++row) {
        mote_summary summary = { MOTE_VERSIONED(mote_summary), .mean = 0 };
        mote_draws *draws = mote_draws_create(&memory, parameters, COLUMNS, ROWS, 0);
        assert_non_null(draws);
        draws->chain_count = 4;
        for (int k = 0; k < COLUMNS; ++k)
            for (int i = 0; i < ROWS; ++i)
                draws->columns[k][i] = isnan(rows[row].value[k]) ? (i / 4 * 7 + i % 4) % 11 : rows[row].value[k];
        assert_true(mote_draws_effective_sample_size(draws) == rows[row].size);
        assert_status(mote_draws_warn_of_short_chains(draws), MOTE_OK);
        assert_int_equal(mote_draws_result(draws, "short_chains") != NULL, rows[row].size < ROWS);
        assert_status(mote_draws_summary(draws, 0, &summary), MOTE_OK);
        draws->chain_count = 0; /* no chains, no question */
        assert_true(mote_draws_effective_sample_size(draws) == ROWS);
        mote_draws_free(draws);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_chains_by_hand),
        cmocka_unit_test(no_pair_is_larger_than_the_one_before),
        cmocka_unit_test(autoregressions_have_their_times),
        cmocka_unit_test(chains_that_disagree_count_little),
        cmocka_unit_test(draws_know_their_chains),
        cmocka_unit_test(chains_that_never_moved_count_once),
    };
    mote_memory_open(&memory, NULL);
    return run_unit_tests(tests);
}
