/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The enumerator against closed forms: everything here is exact to rounding. */
#define MOTE_FAULT_MALLOC 1
#include <mote/source.h>
#include <mote/status.h>

#include "core/source.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"

static mote_source *opened(void)
{
    mote_source *s = NULL;
    assert_status(mote_source_open_enumerate(&s), MOTE_OK);
    assert_int_equal(mote_source_wants_cuts(s), 1);
    return s;
}

/* The loop has ended well, and the weights of its passes sum to 1. */
static void closed(mote_source *s, double total)
{
    assert_status(mote_source_status(s), MOTE_OK);
    assert_int_equal(mote_source_enumerate_next(s), 0);
    assert_close(total, 1.0, 0, 1e-13);
    mote_source_close(&s);
    assert_null(s);
}

static double factorial(int64_t n)
{
    return n > 1 ? (double)n * factorial(n - 1) : 1.0;
}

/* ---- the three draws ---- */

/* Every pair of a choice with weights and one with equal chances, in order, at two addresses. */
static void choices_are_visited_in_order(void **state)
{
    (void)state;
    const double p[5] = { 0.0, 1.0, 3.0, 0.0, 4.0 };
    const int64_t possible[3] = { 1, 2, 4 };
    mote_source *s = opened();
    double total = 0.0;
    int64_t pass = 0;
    for (; mote_source_enumerate_next(s); ++pass) {
        mote_source here = mote_source_at(s, MOTE_PURPOSE_PRIOR, 1, 0);
        mote_source there = mote_source_at(s, MOTE_PURPOSE_BIRTH, 2, 5);
        assert_true(mote_source_enumerate_weight(s) == 1.0);
        assert_int_equal(mote_choose(&here, p, 5), possible[pass / 4]);
        assert_int_equal(mote_choose(&there, NULL, 4), pass % 4);
        assert_true(mote_source_enumerate_weight(&there) == p[possible[pass / 4]] / 8.0 / 4.0);
        total += mote_source_enumerate_weight(s);
    }
    assert_int_equal(pass, 12);
    closed(s, total);
}

/* Cuts that coincide, or lie at an end, make intervals that are not visited. */
static void intervals_between_cuts(void **state)
{
    (void)state;
    const double cuts[6] = { 0.0, 0.1, 0.1, 0.4, 0.9, 1.0 };
    const double low[4] = { 0.0, 0.1, 0.4, 0.9 }, high[4] = { 0.1, 0.4, 0.9, 1.0 };
    mote_source *s = opened();
    double total = 0.0;
    int64_t pass = 0;
    for (; mote_source_enumerate_next(s); ++pass) {
        const double u = mote_uniform_cut(s, cuts, 6);
        assert_true(pass < 4);
        assert_close(u, 0.5 * (low[pass] + high[pass]), 0, 1e-16);
        assert_close(mote_source_enumerate_weight(s), high[pass] - low[pass], 1e-15, 0);
        total += mote_source_enumerate_weight(s);
    }
    assert_int_equal(pass, 4);
    closed(s, total);
    s = opened();
    total = 0.0;
    for (pass = 0; mote_source_enumerate_next(s); ++pass) {
        const double narrow[] = { 0x1p-1074, 1.0 - 0x1p-53 }, u = mote_uniform_cut(s, narrow, 2);
        assert_true(u > 0.0 && u < 1.0);
        assert_true(mote_uniform_cut(s, NULL, 0) == 0.5); /* no cuts: one outcome */
        total += mote_source_enumerate_weight(s);
    }
    assert_int_equal(pass, 3);
    closed(s, total);
}

/* n values over intervals of lengths l: every vector of counts once, with n! prod l^c / c!. */
static void ordered_uniforms_are_multinomial(void **state)
{
    (void)state;
    enum { CUTS = 5, PLACES = CUTS + 1, MOST = 7 };
    const double cuts[CUTS] = { 0.2, 0.2, 0.5, 0.9, 0.97 }, length[PLACES] = { 0.2, 0.0, 0.3, 0.4, 0.07, 0.03 };
    for (int64_t n = 0; n <= MOST; ++n) {
        mote_source *s = opened();
        double total = 0.0, u[MOST];
        static int64_t seen[MOST + 1][1 << 3 * PLACES]; /* one octal digit for each count */
        int64_t passes = 0;
        for (; mote_source_enumerate_next(s); ++passes) {
            int64_t count[PLACES] = { 0 }, code = 0;
            mote_ordered_uniforms(s, u, n, cuts, CUTS);
            for (int64_t i = 0, place = 0; i < n; ++i) {
                assert_true(u[i] > (i ? u[i - 1] : 0.0) && u[i] < 1.0);
                while (place < CUTS && u[i] > cuts[place])
                    ++place;
                ++count[place];
            }
            double expected = factorial(n);
            for (int i = 0; i < PLACES; ++i) {
                expected *= pow(length[i], (double)count[i]) / factorial(count[i]);
                code = 8 * code + count[i];
            }
            assert_int_equal(seen[n][code]++, 0);
            assert_close(mote_source_enumerate_weight(s), expected, 1e-13, 0);
            total += mote_source_enumerate_weight(s);
        }
        assert_close((double)passes, factorial(n + 4) / factorial(n) / 24, 0, 0.5); /* C(n + 4, 4) */
        closed(s, total);
    }
}

/* The known answer of the file's head, and far tails: no probability is lost to underflow or overflow on the way. */
static void ordered_uniforms_of_two_places(void **state)
{
    (void)state;
    enum { MANY = 1200 };
    const double quarter = 0.25, expected[3] = { 9.0 / 16, 6.0 / 16, 1.0 / 16 }, half = 0.5;
    double u[MANY], total = 0.0, mean = 0.0, square = 0.0;
    int64_t pass = 0;
    mote_source *s = opened();
    for (; mote_source_enumerate_next(s); ++pass) {
        mote_ordered_uniforms(s, u, 2, &quarter, 1);
        assert_int_equal((u[0] < 0.25) + (u[1] < 0.25), pass);
        assert_true(mote_source_enumerate_weight(s) == expected[pass]);
        total += mote_source_enumerate_weight(s);
    }
    closed(s, total);
    s = opened();
    for (total = 0.0; mote_source_enumerate_next(s);) {
        mote_ordered_uniforms(s, u, MANY, &half, 1);
        double below = 0;
        for (int i = 0; i < MANY; ++i)
            below += u[i] < 0.5;
        mean += mote_source_enumerate_weight(s) * below;
        square += mote_source_enumerate_weight(s) * (below - MANY / 2) * (below - MANY / 2);
        total += mote_source_enumerate_weight(s);
    }
    assert_close(mean, MANY / 2, 1e-12, 0);
    assert_close(square, MANY / 4, 1e-11, 0);
    mote_source_close(&s);
    assert_close(total, 1.0, 0, 1e-12); /* each of a thousand factors */
}

/* ---- what it is for ---- */

enum scheme { SYSTEMATIC, STRATIFIED, MULTINOMIAL };

/* The places inside (0, 1) where N C_i - slot (systematic: its fraction) lies, ascending. */
static int64_t cuts_of_slot(enum scheme scheme, const double *cumulative, int64_t n, int64_t slot, double *cuts)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n - 1; ++i) {
        const double at = cumulative[i] * (double)n, cut = at - (scheme == SYSTEMATIC ? floor(at) : (double)slot);
        int64_t j = count;
        if (!(cut > 0.0 && cut < 1.0))
            continue;
        for (; j > 0 && cuts[j - 1] > cut; --j)
            cuts[j] = cuts[j - 1];
        cuts[j] = cut;
        ++count;
    }
    return count;
}

/* Offspring by inverse distribution function, as a resampler would do it. */
static void resample(mote_source *s, enum scheme scheme, const double *w, int64_t n, int64_t *offspring)
{
    double cumulative[8], cuts[8], point[8], sum = 0.0, u = 0.0;
    for (int64_t i = 0; i < n; ++i)
        cumulative[i] = i < n - 1 ? (sum += w[i]) : 1.0;
    for (int64_t slot = 0; slot < n && scheme != MULTINOMIAL; ++slot) {
        if (slot == 0 || scheme == STRATIFIED)
            u = mote_uniform_cut(s, cuts, cuts_of_slot(scheme, cumulative, n, slot, cuts));
        point[slot] = (u + (double)slot) / (double)n;
    }
    if (scheme == MULTINOMIAL)
        mote_ordered_uniforms(s, point, n, cumulative, n - 1);
    memset(offspring, 0, (size_t)n * sizeof *offspring);
    for (int64_t slot = 0, i = 0; slot < n; ++slot) {
        while (i < n - 1 && point[slot] > cumulative[i])
            ++i;
        ++offspring[i];
    }
}

/* E offspring_i = N W_i; the variance of multinomial offspring is N W (1 - W), systematic ones are N W rounded down or
 * up, hence of variance f (1 - f) with f the fraction of N W. */
static void resampling_is_unbiased(void **state)
{
    (void)state;
    enum { N = 5 };
    const double w[N] = { 0.31, 0.02, 0.17, 0.5, 0.0 };
    for (enum scheme scheme = SYSTEMATIC; scheme <= MULTINOMIAL; ++scheme) {
        mote_source *s = opened();
        double total = 0.0, mean[N] = { 0 }, square[N] = { 0 };
        while (mote_source_enumerate_next(s)) {
            int64_t offspring[N];
            resample(s, scheme, w, N, offspring);
            const double weight = mote_source_enumerate_weight(s);
            total += weight;
            for (int i = 0; i < N; ++i) {
                mean[i] += weight * (double)offspring[i];
                square[i] += weight * pow((double)offspring[i] - N * w[i], 2);
            }
        }
        for (int i = 0; i < N; ++i) {
            const double fraction = N * w[i] - floor(N * w[i]);
            assert_close(mean[i], N * w[i], 0, 1e-14);
            if (scheme == MULTINOMIAL)
                assert_close(square[i], N * w[i] * (1 - w[i]), 0, 1e-14);
            if (scheme == SYSTEMATIC)
                assert_close(square[i], fraction * (1 - fraction), 0, 1e-14);
        }
        closed(s, total);
    }
}

/* A hidden chain of 3 states with potentials g: Z = E prod g_t(x_t). */
enum { TIMES = 4 };
static const double initial[3] = { 0.5, 0.3, 0.2 };
static const double row[3][3] = { { 0.7, 0.2, 0.1 }, { 0.1, 0.6, 0.3 }, { 0.25, 0.05, 0.7 } };
static const double g[TIMES][3] = { { 1, 0.2, 0.6 }, { 0.1, 0.9, 0.4 }, { 0.8, 0.8, 0.05 }, { 0.3, 0.1, 1 } };
static const double evidence = 0.045106920000;

/* 81 paths; the forward recursion says what Z is, H = x_0 + sum x_{t-1} x_t + x_t has mean 6.134061248252. */
static void paths_of_a_markov_chain(void **state)
{
    (void)state;
    mote_source *s = opened();
    double total = 0.0, z = 0.0, h = 0.0, last = 0.0;
    int64_t passes = 0;
    for (; mote_source_enumerate_next(s); ++passes) {
        int64_t x = mote_choose(s, initial, 3);
        double probability = initial[x], potential = g[0][x], sum = (double)x;
        for (int t = 1; t < TIMES; ++t) {
            const int64_t previous = x;
            mote_source at = mote_source_at(s, MOTE_PURPOSE_USER, (uint32_t)t, 0);
            x = mote_choose(&at, row[previous], 3);
            probability *= row[previous][x];
            potential *= g[t][x];
            sum += (double)(previous * x + x);
        }
        assert_close(mote_source_enumerate_weight(s), probability, 1e-15, 0);
        total += mote_source_enumerate_weight(s);
        z += mote_source_enumerate_weight(s) * potential;
        h += mote_source_enumerate_weight(s) * potential * sum;
        last += mote_source_enumerate_weight(s) * potential * (double)x;
    }
    assert_int_equal(passes, 81);
    assert_close(z, evidence, 1e-14, 0);
    assert_close(h / z, 6.134061248252, 0, 1e-12);
    assert_close(last / z, 1.37014, 0, 1e-5);
    closed(s, total);
}

/* A bootstrap filter of two particles: its evidence is unbiased, its relative variance 1.883 by others' simulation. */
static void evidence_of_a_filter_is_unbiased(void **state)
{
    (void)state;
    enum { N = 2 };
    mote_source *s = opened();
    double total = 0.0, lost = 0.0, z = 0.0, square = 0.0; /* many passes: the total by Kahan's sum */
    int64_t passes = 0;
    for (; mote_source_enumerate_next(s); ++passes) {
        int64_t x[N], offspring[N];
        double estimate = 1.0, w[N];
        for (int i = 0; i < N; ++i)
            x[i] = mote_choose(s, initial, 3);
        for (int t = 0; t < TIMES; ++t) {
            const double sum = g[t][x[0]] + g[t][x[1]];
            estimate *= sum / N;
            for (int i = 0; i < N; ++i)
                w[i] = g[t][x[i]] / sum;
            if (t == TIMES - 1)
                break;
            resample(s, MULTINOMIAL, w, N, offspring);
            const int64_t parent[N] = { x[offspring[0] == 0], x[offspring[0] < 2] };
            for (int i = 0; i < N; ++i)
                x[i] = mote_choose(s, row[parent[i]], 3);
        }
        const double more = mote_source_enumerate_weight(s) - lost, sum = total + more;
        lost = (sum - total) - more;
        total = sum;
        z += mote_source_enumerate_weight(s) * estimate;
        square += mote_source_enumerate_weight(s) * estimate * estimate;
    }
    assert_int_equal(passes, 177147);
    assert_close(z, evidence, 1e-13, 0);
    assert_close(square / (evidence * evidence) - 1, 1.883, 0, 0.03);
    closed(s, total);
}

/* Trials until the first success, ten at most: passes of different depth. A deep pass grows the stack. */
static void passes_may_differ_in_depth(void **state)
{
    (void)state;
    const double p[2] = { 0.3, 0.7 };
    mote_source *s = opened();
    double total = 0.0, mean = 0.0;
    while (mote_source_enumerate_next(s)) {
        int64_t trials = 1;
        while (trials < 10 && mote_choose(s, p, 2) == 1)
            ++trials;
        total += mote_source_enumerate_weight(s);
        mean += mote_source_enumerate_weight(s) * (double)trials;
    }
    assert_close(mean, (1 - pow(0.7, 10)) / 0.3, 1e-14, 0);
    closed(s, total);
    s = opened();
    int64_t passes = 0;
    for (total = 0.0; mote_source_enumerate_next(s); ++passes) {
        for (int i = 0; i < 5000; ++i)
            assert_int_equal(mote_choose(s, NULL, 1), 0);
        const int64_t deep = mote_choose(s, NULL, 2);
        for (int i = 0; i < (deep ? 5000 : 0); ++i)
            mote_choose(s, (const double[]){ 0, 2 }, 2);
        total += mote_source_enumerate_weight(s);
    }
    assert_int_equal(passes, 2);
    closed(s, total);
    s = opened();
    assert_int_equal(mote_source_enumerate_next(s), 1); /* a program without decisions has one outcome */
    closed(s, mote_source_enumerate_weight(s));
}

/* A record around the enumerator sees every pass; its replay gives the last one. */
static void tapes_around_an_enumerator(void **state)
{
    (void)state;
    const double cuts[2] = { 0.25, 0.5 };
    mote_source *s = opened(), *record, *replay, *live;
    double total = 0.0, u = 0.0, ordered[2] = { 0 };
    int64_t choice = -1, passes = 0;
    assert_status(mote_source_open_record(&record, s), MOTE_OK);
    assert_status(mote_source_open_replay(&replay, record), MOTE_OK);
    assert_true(mote_source_wants_cuts(record) && mote_source_wants_cuts(replay));
    assert_int_equal(mote_source_enumerate_next(record), 0); /* passes belong to the enumerator itself */
    assert_true(isnan(mote_source_enumerate_weight(record)));
    for (; mote_source_enumerate_next(s); ++passes) {
        mote_source at = mote_source_at(record, MOTE_PURPOSE_USER, 0, 0);
        choice = mote_choose(&at, NULL, 3);
        u = mote_uniform_cut(&at, cuts, 2);
        mote_ordered_uniforms(&at, ordered, 2, cuts, 1);
        total += mote_source_enumerate_weight(s);
    }
    assert_int_equal(passes, 3 * 3 * 3);
    assert_int_equal(mote_choose(replay, NULL, 3), choice);
    assert_true(mote_uniform_cut(replay, NULL, 0) == u);
    double again[2];
    mote_ordered_uniforms(replay, again, 2, NULL, 0);
    assert_same_bytes(again, ordered, sizeof again);
    assert_status(mote_source_status(replay), MOTE_OK);
    mote_source_close(&replay);
    mote_source_close(&record);
    closed(s, total);
    assert_status(mote_source_open_live(&live, 1, 0), MOTE_OK);
    assert_status(mote_source_open_record(&record, live), MOTE_OK);
    assert_true(!mote_source_wants_cuts(live) && !mote_source_wants_cuts(record));
    assert_int_equal(mote_source_enumerate_next(live), 0);
    mote_source_close(&record);
    mote_source_close(&live);
}

/* ---- failures ---- */

/* What a program does wrongly in its second pass. */
static void misbehave(mote_source *s, int what)
{
    uint64_t bits[4];
    double out[4];
    mote_stream stream;
    switch (what) {
    case 0: mote_bits(s, bits, 4); break;
    case 1: mote_uniforms(s, out, 4); break;
    case 2: mote_normals(s, out, 4); break;
    case 3: mote_exponentials(s, out, 4); break;
    case 4: stream = mote_stream_open(s, 1); mote_stream_normal(&stream); break;
    case 5: mote_choose(s, NULL, 3); break;                             /* another number of alternatives */
    case 6: mote_choose(s, NULL, 2); break;                             /* after a first one of another probability */
    case 7: mote_uniform_cut(s, (const double[]){ 0.5 }, 1); break;     /* another kind */
    case 8: break;                                                      /* fewer decisions */
    case 9: mote_choose(s, (const double[]){ 1, 0 }, 2); break;         /* the recorded alternative is impossible */
    case 10: mote_choose(s, (const double[]){ -1, 2 }, 2); break;
    case 11: mote_uniform_cut(s, (const double[]){ 0.5, 0.25 }, 2); break;
    case 12: mote_ordered_uniforms(s, out, 4, (const double[]){ 1.5 }, 1); break;
    case 13: mote_ordered_uniforms(s, out, 4, NULL, 1); break;
    case 14: mote_uniform_cut(s, (const double[]){ NAN }, 1); break;
    }
}

static void failures_are_kept(void **state)
{
    (void)state;
    for (int what = 0; what <= 14; ++what) {
        mote_source *s = opened();
        int64_t passes = 0;
        for (; mote_source_enumerate_next(s); ++passes) {
            mote_source at = mote_source_at(s, MOTE_PURPOSE_USER, 1, 0);
            mote_choose(&at, what == 6 && passes ? (const double[]){ 1, 2 } : NULL, 2);
            if (passes == 0)
                mote_choose(&at, NULL, 2);
            else
                misbehave(&at, what);
            if (what != 8)
                assert_true(passes == 0 || mote_source_status(&at) == (what < 10 ? MOTE_ESOURCE : MOTE_EINVAL));
        }
        assert_int_equal(passes, 2);
        assert_status(mote_source_status(s), what < 10 ? MOTE_ESOURCE : MOTE_EINVAL);
        assert_true(isnan(mote_source_enumerate_weight(s)));
        int64_t waited = 0; /* numbers go on, so that a loop ends */
        while (mote_choose(s, NULL, 2) == 0 && waited < 1000)
            ++waited;
        while (!(mote_uniform_cut(s, NULL, 0) < 0.01) && waited < 1000)
            ++waited;
        assert_true(waited < 1000);
        assert_int_equal(mote_source_enumerate_next(s), 0);
        mote_source_close(&s);
    }
}

/* Before the first pass and after the last one nothing is drawn. */
static void draws_belong_to_a_pass(void **state)
{
    (void)state;
    mote_source *s = opened();
    mote_choose(s, NULL, 2);
    assert_status(mote_source_status(s), MOTE_ESOURCE);
    assert_int_equal(mote_source_enumerate_next(s), 0);
    mote_source_close(&s);
    s = opened();
    while (mote_source_enumerate_next(s))
        mote_choose(s, NULL, 2);
    assert_status(mote_source_status(s), MOTE_OK);
    mote_choose(s, NULL, 2);
    assert_status(mote_source_status(s), MOTE_ESOURCE);
    mote_source_close(&s);
}

/* Three blocks: the source, the stack, the stack doubled. */
static int enumerate_deeply(void *ctx, const mote_allocator *allocator)
{
    mote_source *s;
    (void)ctx;
    (void)allocator;
    if (mote_source_open_enumerate(&s))
        return MOTE_ENOMEM;
    while (mote_source_enumerate_next(s))
        for (int i = 0; i < 100; ++i)
            mote_choose(s, NULL, 1 + i / 99);
    const int status = mote_source_status(s);
    mote_source_close(&s);
    return status;
}

static void no_memory_is_a_failure(void **state)
{
    (void)state;
#ifdef MOTE_FAULT_HAS_MALLOC
    fault_report report = fault_walk(enumerate_deeply, NULL, FAULT_ONCE | FAULT_MALLOC);
    assert_int_equal(fault_count(&report), 0);
    assert_true(report.points >= 3);
#else
    assert_status(enumerate_deeply(NULL, NULL), MOTE_OK);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_memory_is_a_failure),
        cmocka_unit_test(choices_are_visited_in_order),
        cmocka_unit_test(intervals_between_cuts),
        cmocka_unit_test(ordered_uniforms_are_multinomial),
        cmocka_unit_test(ordered_uniforms_of_two_places),
        cmocka_unit_test(resampling_is_unbiased),
        cmocka_unit_test(paths_of_a_markov_chain),
        cmocka_unit_test(evidence_of_a_filter_is_unbiased),
        cmocka_unit_test(passes_may_differ_in_depth),
        cmocka_unit_test(tapes_around_an_enumerator),
        cmocka_unit_test(failures_are_kept),
        cmocka_unit_test(draws_belong_to_a_pass),
    };
    return run_unit_tests(tests);
}
