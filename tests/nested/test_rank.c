/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Insertion ranks, parent-child correlation, Kolmogorov-Smirnov p-values. Planted fault: a sampler that never fills
 * the outermost 5 % of the volume above its contour (written out below) must be seen, a perfect one must not. */
#include "nested/rank.h"

#include <stdlib.h>

#include "nested/state.h"

#include "tests/nested/perfect.h"
#include "tests/support/test.h"

/* n numbers whose KS statistic is d: (i + 1/2)/n moved up by d - 1/(2n). */
static double p_of(double d, int64_t n)
{
    double *u = calloc((size_t)n, sizeof(double)), *scratch = calloc((size_t)n, sizeof(double));
    for (int64_t i = 0; i < n; ++i)
        u[(i * 7) % n] = (double)i / (double)n + d; /* 7 shares no factor with the counts used: any order will do */
    double p = mote_uniform_p_value(u, n, scratch);
    free(u), free(scratch);
    return p;
}

static void known_values(void **state)
{
    (void)state;
    assert_close(1 - p_of(0.274, 10), 0.6284796154565043, 1e-13, 0); /* Marsaglia, Tsang & Wang 2003, section 2 */
    for (double d = 0.55; d < 1; d += 0.1)
        assert_close(p_of(d, 1), 2 - 2 * d, 1e-13, 0);
    /* n d <= 1: P(D_n < d) = n! (2 d - 1/n)^n; n = 5, d = .16: */
    assert_close(1 - p_of(0.16, 5), 120 * pow(0.12, 5), 1e-12, 0);
    /* d >= 1/2: P(D_n >= d) = 2 P(D+ >= d); n = 2: 2 (1 - d)^2 */
    for (double d = 0.5; d < 1; d += 0.125)
        assert_close(p_of(d, 2), 2 * (1 - d) * (1 - d), 1e-13, 0);
    /* n = 3, d = .8: 2 [(1 - d)^3 + 3 d (d + 1/3)^0 max(0, 2/3 - d)^2] = 2 (.2)^3 */
    assert_close(p_of(0.8, 3), 2 * 0.008, 1e-13, 0);
}

/* The limit 2 sum (-1)^(k-1) exp(-2 k^2 s) with the 1/n^1/2 shift z -> z + 1/(6 n^1/2) of Smirnov's tail. */
static void large_counts_reach_the_limit(void **state)
{
    (void)state;
    for (double z = 0.5; z < 5; z += 0.25) {
        int64_t n = 1000003;
        double shifted = z + 1 / (6 * sqrt((double)n)), limit = 0;
        for (int k = 1; k < 40; ++k)
            limit += (k & 1 ? 2 : -2) * exp(-2 * k * k * shifted * shifted);
        assert_close(p_of(z / sqrt((double)n), n), limit, 2e-4, 1e-6);
    }
}

/* The three formulas meet: n = 100 exact and 101 by expansion; just below and above n d^2 = 4. */
static void regimes_meet(void **state)
{
    (void)state;
    for (double s = 0.1; s < 3.9; s += 0.2) {
        double at99 = p_of(sqrt(s / 99), 99), at100 = p_of(sqrt(s / 100), 100), at101 = p_of(sqrt(s / 101), 101);
        assert_close(at101, 2 * at100 - at99, 0, 2e-5);
    }
    for (int64_t n = 20; n <= 1000; n += n < 100 ? 20 : 300) {
        double below = p_of(sqrt(3.9999999 / (double)n), n), above = p_of(sqrt(4.0000001 / (double)n), n);
        assert_close(below, above, n > 100 ? 1e-3 : 1e-5, 0);
    }
}

static void edges(void **state)
{
    (void)state;
    double u[4] = { 0.1, 0.3, 0.6, 0.9 }, scratch[4];
    assert_true(mote_uniform_p_value(u, 0, scratch) == 1);
    assert_true(mote_uniform_p_worst(u, 4, 5, scratch) == 1);
    assert_true(mote_uniform_p_worst(u, 4, 0, scratch) == 1);
    assert_true(mote_uniform_p_worst(u, 4, 4, scratch) == mote_uniform_p_value(u, 4, scratch));
    double a = mote_uniform_p_value(u, 2, scratch), b = mote_uniform_p_value(u + 2, 2, scratch);
    double least = a < b ? a : b;
    assert_close(mote_uniform_p_worst(u, 4, 2, scratch), 1 - (1 - least) * (1 - least), 1e-14, 0);
    double tiny[100];
    for (int i = 0; i < 100; ++i)
        tiny[i] = 0.001 * (i + 1);
    double room[100], p = mote_uniform_p_value(tiny, 100, room);
    assert_true(p > 0 && p < 1e-80); /* about 2 (1/10)^100 (1 + ...): far tails stay positive */
}

/* p-values of uniform numbers are uniform, themselves by KS: below 1e-4 in 1e-4 of fresh seeds. */
static void p_values_are_uniform(void **state)
{
    (void)state;
    enum { REPEATS = 2000 };
    static const int64_t counts[] = { 7, 80, 500 };
    double u[500], scratch[500], p[REPEATS], room[REPEATS];
    uint64_t seed = 4;
    for (int c = 0; c < 3; ++c) {
        for (int r = 0; r < REPEATS; ++r) {
            for (int64_t i = 0; i < counts[c]; ++i)
                u[i] = perfect_uniform(&seed);
            p[r] = mote_uniform_p_value(u, counts[c], scratch);
        }
        assert_true(mote_uniform_p_value(p, REPEATS, room) > 1e-4);
    }
}

/* ---- a sampler seen through its ranks ---- */

enum { LIVE = 120, BIRTHS = 5000 };

typedef struct ranks {
    double u[BIRTHS];
    int64_t fired;
} ranks;

/* Perfect births in X, but for the outermost share `lost` of the volume, which is never filled. */
static ranks sample(double lost, uint64_t seed)
{
    ranks result = { .fired = 0 };
    mote_rank_sums sums = { 0 };
    double x[LIVE];
    for (int i = 0; i < LIVE; ++i)
        x[i] = log(perfect_uniform(&seed));
    for (int b = 0; b < BIRTHS; ++b) {
        int worst = 0, rank = 0;
        for (int i = 1; i < LIVE; ++i)
            worst = x[i] > x[worst] ? i : worst;
        double born = x[worst] + log((1 - lost) * perfect_uniform(&seed));
        for (int i = 0; i < LIVE; ++i)
            rank += i != worst && x[i] > born;
        x[worst] = born;
        result.u[b] = (rank + perfect_uniform(&seed)) / LIVE;
        result.fired += mote_rank_insert(&sums, result.u[b], 1, LIVE - 1);
    }
    assert_true(sums.resets == (double)result.fired);
    return result;
}

/* Quiet: the running test, looked at after every birth, fires in 0.3 % of perfect runs of this length (measured over
 * 20,000), so in more than 4 of 200 with 3e-4 of fresh seeds; whole-run p below .05 in 10 of 200, more than 24 with
 * 4e-5. Loud: a loss of 5 % is seen in 95 % of runs or more. */
static void lost_contour_is_seen_and_good_runs_are_quiet(void **state)
{
    (void)state;
    int fired = 0, low = 0, seen = 0, seen_p = 0, worst = 0;
    static double scratch[BIRTHS];
    for (uint64_t run = 0; run < 200; ++run) {
        ranks good = sample(0, 100 + run), bad = sample(0.05, 5000 + run);
        fired += good.fired > 0;
        seen += bad.fired > 0;
        low += mote_uniform_p_value(good.u, BIRTHS, scratch) < 0.05;
        worst += mote_uniform_p_worst(good.u, BIRTHS, LIVE, scratch) < 0.05;
        seen_p += mote_uniform_p_value(bad.u, BIRTHS, scratch) < 0.001;
    }
    print_message("quiet: fired %d, p < .05 %d, worst %d of 200; 5 %% lost: fired %d, p < .001 %d\n", fired, low, worst,
                  seen, seen_p);
    assert_true(fired <= 4 && low <= 24 && worst <= 24);
    assert_true(seen >= 190 && seen_p >= 190);
}

/* Half of the live points die in each step, as at a plateau, and k births share k survivors: two samples of k. Their
 * running sum has twice the variance of independent ranks and p-values are uniform only when that is counted. 1e-4 with
 * fresh seeds; taken as independent, p < 1e-10 (planted: rank_shared_survivors). */
static void births_of_one_step_share_survivors(void **state)
{
    (void)state;
    enum { HALF = LIVE / 2, RUNS = 1000, STEPS = 20, MANY = HALF * STEPS };
    static double p[RUNS], u[MANY], scratch[MANY > RUNS ? MANY : RUNS];
    double squares = 0;
    uint64_t seed = 77;
    for (int run = 0; run < RUNS; ++run) {
        mote_rank_sums sums = { 0 };
        for (int step = 0; step < STEPS; ++step) {
            double survivor[HALF];
            for (int i = 0; i < HALF; ++i)
                survivor[i] = perfect_uniform(&seed);
            for (int b = 0; b < HALF; ++b) {
                double x = perfect_uniform(&seed), rank = 0;
                for (int i = 0; i < HALF; ++i)
                    rank += survivor[i] < x;
                u[step * HALF + b] = (rank + perfect_uniform(&seed)) / (HALF + 1);
                mote_rank_insert(&sums, u[step * HALF + b], HALF, HALF);
            }
        }
        squares += 12 * sums.insertion * sums.insertion / sums.variance;
        p[run] = mote_rank_p_value(&sums, u, MANY, scratch);
    }
    assert_close(squares / RUNS, 1, 0, 4.5 * sqrt(2.0 / RUNS));
    assert_true(mote_uniform_p_value(p, RUNS, scratch) > 1e-4);
}

/* ---- child and parent ---- */

/* Ranks with correlation r by a Gaussian copula's poor relation: the child keeps its parent's rank with chance r. */
static void pairs(mote_rank_sums *sums, double r, int64_t n, uint64_t seed, int64_t *fired)
{
    for (int64_t i = 0; i < n; ++i) {
        double parent = perfect_uniform(&seed), fresh = perfect_uniform(&seed);
        mote_rank_pair(sums, perfect_uniform(&seed) < r ? parent : fresh, parent);
        *fired += mote_rank_short(sums);
    }
}

/* Correlations .59 and .1 fire, 0 does not (in 1.6e-3 of runs of 10,000 pairs, so in more than 3 of 200 with 4e-4 of
 * fresh seeds); the estimate is within 4.5 standard errors. */
static void correlation_thresholds(void **state)
{
    (void)state;
    int64_t quiet = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
        mote_rank_sums none = { 0 };
        int64_t fired = 0;
        pairs(&none, 0, 10000, seed, &fired);
        quiet += fired > 0;
    }
    assert_true(quiet <= 3);
    for (uint64_t seed = 0; seed < 50; ++seed) {
        mote_rank_sums strong = { 0 }, weak = { 0 };
        int64_t first = 0, fired = 0;
        double error, r;
        pairs(&strong, 0.59, 200, seed, &first);
        pairs(&weak, 0.1, 10000, 1000 + seed, &fired);
        assert_true(first >= 1 && fired >= 1);
        assert_true(strong.doublings + strong.futile == (double)first && weak.doublings + weak.futile == (double)fired);
        assert_true(strong.total_pairs == 200 && strong.pairs < 200);
        r = mote_rank_correlation(&weak, &error);
        assert_close(error, 0.01, 0.02, 0);
        assert_close(r, 0.1, 0, 4.5 * error);
    }
}

static void correlation_by_hand(void **state)
{
    (void)state;
    mote_rank_sums sums = { 0 };
    double child[] = { 0.1, 0.4, 0.5, 0.8 }, parent[] = { 0.2, 0.3, 0.9, 0.6 }, error = 0;
    for (int i = 0; i < 4; ++i) {
        if (i == 2)
            assert_true(isnan(mote_rank_correlation(&sums, &error)) && isnan(error));
        mote_rank_pair(&sums, child[i], parent[i]);
        assert_int_equal(mote_rank_short(&sums), 0);
    }
    /* deviations -.35 -.05 .05 .35 and -.3 -.2 .4 .1: .17 / sqrt(.25 x .3) */
    double r = 0.17 / sqrt(0.25 * 0.3);
    assert_close(mote_rank_correlation(&sums, &error), r, 1e-13, 0);
    assert_close(error, sqrt((1 - r * r) / 2), 1e-13, 0);
    mote_rank_sums flat = { 0 };
    for (int i = 0; i < 5; ++i) {
        mote_rank_pair(&flat, 0.5, parent[i % 4]);
        assert_int_equal(mote_rank_short(&flat), 0);
    }
    assert_true(isnan(mote_rank_correlation(&flat, NULL)));
}

/* Chains that mix: r is squared by each doubling, and all that are needed are asked for. Chains held in their peaks: r
 * stays, and at most one doubling more is asked for. r at a firing scatters by a fifth, so some of 200 go wrong: 26
 * and 37 were seen, and five standard deviations more fail. Planted: steps_double_for_ever. */
static void steps_double_only_while_that_helps(void **state)
{
    (void)state;
    int64_t early = 0, late = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
        mote_rank_sums mixing = { 0 }, held = { 0 };
        double r = 0.6;
        for (uint64_t i = 0; i < 20000 && r > 0.02; ++i) {
            int64_t fired = 0;
            pairs(&mixing, r, 1, (seed << 32) + i, &fired);
            r = fired ? r * r : r;
        }
        for (uint64_t i = 0; i < 10000; ++i)
            pairs(&held, 0.3, 1, (seed << 32) + i, &(int64_t){ 0 });
        early += mixing.futile > 0;
        late += held.doublings > 1;
        assert_true(held.futile > 0);
    }
    print_message("given up early %d, late %d of 200\n", (int)early, (int)late);
    assert_true(early <= 50 && late <= 65);
}

/* Births at the very top: after m of them the sum is m/2, which passes 4 (m/12)^1/2 at m = 6. */
static void running_test_by_hand(void **state)
{
    (void)state;
    mote_rank_sums sums = { 0 };
    for (int m = 1; m < 6; ++m)
        assert_int_equal(mote_rank_insert(&sums, 1, 1, 499), 0);
    assert_int_equal(mote_rank_insert(&sums, 1, 1, 499), 1);
    assert_true(sums.births == 0 && sums.insertion == 0 && sums.resets == 1);
    assert_int_equal(mote_rank_insert(&sums, 1, 1, 499), 0);
}

static int slope(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = 8 * theta[0] * theta[1];
    return 0;
}

/* Ranks 10 % too low in an even run never pass the running test by themselves, but no other p-value is that small. */
static void tiny_p_values_warn(void **state)
{
    (void)state;
    static const mote_parameter square[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1) };
    mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(square), .log_likelihood_point = slope,
                           .name = "slope" };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 200, .seed = 1,
                                    .simulations = 10, .bootstraps = 10 };
    mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
    mote_run *run = NULL;
    assert_int_equal(mote_run_open(&run, mote_nested, &target, &options), MOTE_OK);
    assert_int_equal(mote_run_finish(run), MOTE_OK);
    assert_int_equal(mote_nested_get_result(run, &result), MOTE_OK);
    assert_true(result.insertion_rank_p > 1e-4 && !(result.warnings & MOTE_WARNING_INSERTION_RANK));
    mote_nested_state *nested = run->state;
    for (int64_t i = 0; i < nested->birth_count; ++i)
        nested->insertion[i] *= 0.9;
    assert_int_equal(mote_nested_get_result(run, &result), MOTE_OK);
    assert_true(result.insertion_rank_p < 1e-4 && result.insertion_rank_resets == 0);
    assert_true(result.warnings & MOTE_WARNING_INSERTION_RANK);
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(large_counts_reach_the_limit),
        cmocka_unit_test(regimes_meet),
        cmocka_unit_test(edges),
        cmocka_unit_test(p_values_are_uniform),
        cmocka_unit_test(lost_contour_is_seen_and_good_runs_are_quiet),
        cmocka_unit_test(births_of_one_step_share_survivors),
        cmocka_unit_test(correlation_thresholds),
        cmocka_unit_test(correlation_by_hand),
        cmocka_unit_test(running_test_by_hand),
        cmocka_unit_test(tiny_p_values_warn),
        cmocka_unit_test(steps_double_only_while_that_helps),
    };
    return run_unit_tests(tests);
}
