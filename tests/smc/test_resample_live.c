/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The law of live draws of every scheme: of four particles against the enumerated one, of a million by their offspring.
 * Statistical, with fixed seeds; a correct program passes the bounds under a fresh one with probability 1e-6 of failing
 * each. The laws themselves: test_resample_law.c. */
#include "tests/smc/resampling.h"

static int32_t ancestor[MOST];

enum { N = 4, ENTRIES = N * 256 };

/* The largest chi-square that `freedom` degrees pass with probability 1e-6 (Wilson and Hilferty 1931). */
static double chi_square_bound(double freedom)
{
    const double z = 4.753424, t = 2.0 / (9.0 * freedom);
    return freedom * pow(1.0 - t + z * sqrt(t), 3);
}

static int64_t entry_of(int64_t slot)
{
    int64_t number = slot;
    for (int64_t s = 0; s < N; ++s)
        number = number * N + ancestor[s];
    return number;
}

static int draw_four(mote_resampler *r, mote_source *source, const double *four, int64_t kept, int64_t *slot)
{
    const mote_block_weights w = { four, NULL, N, 0 };
    *slot = 0;
    if (kept >= 0)
        return mote_resample_conditional(r, source, &w, N, kept, ancestor, slot);
    return mote_resample(r, source, &w, N, ancestor);
}

static void check_live(int64_t choice, const double *four, int64_t kept)
{
    enum { REPEATS = 20000 };
    double law[ENTRIES] = { 0 }, found[ENTRIES] = { 0 }, statistic = 0, freedom = -1;
    mote_resampler r;
    mote_source *source;
    int64_t slot;
    open_resampler(&r, choice, N, NULL);
    mote_source_open_enumerate(&source);
    while (mote_source_enumerate_next(source)) {
        assert_status(draw_four(&r, source, four, kept, &slot), MOTE_OK);
        law[entry_of(slot)] += mote_source_enumerate_weight(source);
    }
    mote_source_close(&source);
    for (uint32_t repeat = 0; repeat < REPEATS; ++repeat) {
        mote_source live = source_at(1000 + repeat);
        assert_status(draw_four(&r, &live, four, kept, &slot), MOTE_OK);
        ++found[entry_of(slot)];
    }
    double rare = 0, rare_found = 0;
    for (int64_t e = 0; e < ENTRIES; ++e) {
        const int frequent = law[e] * REPEATS >= 10;
        assert_true(law[e] > 1e-14 || found[e] == 0);
        statistic += frequent ? pow(found[e] - law[e] * REPEATS, 2) / (law[e] * REPEATS) : 0;
        freedom += frequent;
        rare += frequent ? 0 : law[e] * REPEATS;
        rare_found += frequent ? 0 : found[e];
    }
    if (rare >= 10) {
        statistic += pow(rare_found - rare, 2) / rare;
        ++freedom;
    }
    assert_true(freedom <= 0 ? statistic == 0 : statistic < chi_square_bound(freedom));
    mote_resampler_close(&r);
}

static void live_draws_have_the_enumerated_law(void **state)
{
    static const double vectors[][N] = { { 0.1, 0.35, 0.25, 0.3 }, { 0.6, 0, 0.15, 0.25 } };
    (void)state;
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice)
        for (int v = 0; v < 2; ++v) {
            const int64_t flags = mote_resampling_flags(choice);
            if (!(flags & MOTE_RESAMPLING_WEIGHTED))
                check_live(choice, vectors[v], -1);
            for (int64_t k = 0; flags & MOTE_RESAMPLING_CONDITIONAL && k < N; k += 2)
                if (vectors[v][k] > 0)
                    check_live(choice, vectors[v], k);
        }
}

/* Offspring of a million particles: the weights' share of each tenth, within what the scheme's variance allows at most
 * (multinomial's), 6 sd: false alarms below 1e-7. */
static void large_populations_have_their_means(void **state)
{
    const mote_block_weights w = { weight, factor, MOST, 0 };
    (void)state;
    fill(MOST, 1.0, 1, 21);
    for (int64_t choice = 0; choice <= MOTE_RESAMPLE_KILLING; ++choice) {
        double sum = 0, share[10] = { 0 };
        int64_t found[10] = { 0 };
        mote_source source = source_at(2);
        mote_resampler r;
        open_resampler(&r, choice, MOST, NULL);
        assert_status(mote_resample(&r, &source, &w, MOST, ancestor), MOTE_OK);
        for (int64_t i = 0; i < MOST; ++i)
            sum += plain[i];
        for (int64_t i = 0; i < MOST; ++i) {
            share[i * 10 / MOST] += plain[i] / sum;
            ++found[(int64_t)ancestor[i] * 10 / MOST];
        }
        for (int t = 0; t < 10; ++t)
            assert_close((double)found[t], MOST * share[t], 0, 6 * sqrt(MOST * share[t] * (1 - share[t])));
        mote_resampler_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_draws_have_the_enumerated_law),
        cmocka_unit_test(large_populations_have_their_means),
    };
    return cmocka_run_group_tests(tests, open_memory, NULL) == 0 ? 0 : 1;
}
