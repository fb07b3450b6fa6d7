/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sources: addresses, choices, streams, tapes, the GSL wrapper. Everything is seeded; the rates of false alarm that are
 * given would hold for a fresh seed. */
#include <mote/gsl.h>
#include <mote/source.h>
#include <mote/status.h>

#include <gsl/gsl_randist.h>

#include "core/philox.h"
#include "core/source.h"
#include "core/stream_inline.h"
#include "core/vector.h"
#include "tests/support/test.h"

enum { N = 1000 };

static mote_source live(int64_t seed)
{
    return mote_source_live(mote_source_key(seed, 0));
}

/* The documented layout, written out once more. */
static void keys_are_the_documented_hash(void **state)
{
    (void)state;
    const int64_t seed = INT64_C(0x0123456789abcdef), run = INT64_C(0x1122334455667788);
    mote_philox_block block = mote_philox(UINT64_C(0x0123456789abcdef), 0x55667788, 0x11223344, 0, MOTE_PURPOSE_KEY);
    assert_true(mote_source_key(seed, run) == block.first);
    assert_true(mote_source_key(0, 0) == UINT64_C(0x1348e23f2dce73e5)); /* stored: checkpoints depend on it */
    const uint64_t parent = 5;
    assert_true(mote_source_child_key(parent, 0, 0) != parent);
    for (uint64_t i = 1; i < 64; ++i) { /* every bit of both arguments counts, and they do not commute */
        const uint64_t bit = UINT64_C(1) << i;
        assert_true(mote_source_child_key(parent, bit, 0) != mote_source_child_key(parent, 0, 0));
        assert_true(mote_source_child_key(parent, 0, bit) != mote_source_child_key(parent, 0, 0));
        assert_true(mote_source_child_key(parent, bit, 0) != mote_source_child_key(parent, 0, bit));
    }
}

static void numbers_follow_the_address(void **state)
{
    (void)state;
    mote_source source = live(1), whole = mote_source_at(&source, MOTE_PURPOSE_PRIOR, 7, 0);
    double all[N], part[N], second[N];
    mote_normals(&whole, all, N);
    mote_normals(&whole, second, N);
    assert_memory_not_equal(all, second, sizeof all); /* another draw, other numbers */
    for (int64_t first = 0; first < 5; ++first) {
        mote_source at = mote_source_at(&source, MOTE_PURPOSE_PRIOR, 7, first);
        mote_normals(&at, part, N - first);
        assert_same_bytes(part, all + first, (size_t)(N - first) * sizeof *part);
        mote_normals(&at, part, N - first);
        assert_same_bytes(part, second + first, (size_t)(N - first) * sizeof *part);
    }
    const mote_source other[] = { mote_source_at(&source, MOTE_PURPOSE_BIRTH, 7, 0),
                                  mote_source_at(&source, MOTE_PURPOSE_PRIOR, 8, 0), live(2) };
    for (int i = 0; i < 3; ++i) {
        mote_source at = other[i];
        mote_normals(&at, part, N);
        for (int j = 0; j < N; ++j)
            assert_true(part[j] != all[j]);
    }
}

static void kinds_agree(void **state)
{
    (void)state;
    mote_source a = live(3), b = a, c = a, d = a;
    uint64_t bits[N];
    double uniforms[N], exponentials[N];
    mote_bits(&a, bits, N);
    mote_uniforms(&b, uniforms, N);
    mote_exponentials(&c, exponentials, N);
    for (int i = 0; i < N; ++i) {
        assert_true(uniforms[i] == ((double)(bits[i] >> 12) + 0.5) * 0x1p-52);
        assert_true(exponentials[i] == -mote_log(uniforms[i]));
    }
    assert_true(mote_uniform_cut(&d, uniforms, 0) == uniforms[0]);
    assert_true(a.draw == 1 && b.draw == 1 && c.draw == 1 && d.draw == 1);
}

/* Chi square with 3 degrees of freedom above 16.3 has probability 1e-3. */
static void choices_have_their_weights(void **state)
{
    (void)state;
    const double p[] = { 0.0, 1.0, 0.0, 2.0, 3.0, 0.0, 4.0, 0.0 };
    int64_t count[8] = { 0 };
    double chi_square = 0;
    mote_source source = live(4);
    for (int i = 0; i < 20000; ++i)
        ++count[mote_choose(&source, p, 8)];
    assert_int_equal(source.draw, 20000);
    for (int i = 0; i < 8; ++i)
        if (p[i] > 0) {
            double expected = 20000 * p[i] / 10;
            chi_square += ((double)count[i] - expected) * ((double)count[i] - expected) / expected;
        } else
            assert_int_equal(count[i], 0);
    assert_true(chi_square < 16.3);
    memset(count, 0, sizeof count);
    chi_square = 0;
    for (int i = 0; i < 20000; ++i)
        ++count[mote_choose(&source, NULL, 4)];
    for (int i = 0; i < 4; ++i)
        chi_square += ((double)count[i] - 5000) * ((double)count[i] - 5000) / 5000;
    assert_true(chi_square < 16.3);
}

static void choices_at_the_edges(void **state)
{
    (void)state;
    mote_source source = live(5);
    for (int i = 0; i < 200; ++i) {
        assert_int_equal(mote_choose(&source, (const double[]){ 0.0, 0.0, 1e-300, 0.0 }, 4), 2);
        assert_int_equal(mote_choose(&source, (const double[]){ 0x1p-1074, 0.0 }, 2), 0);
        assert_int_equal(mote_choose(&source, (const double[]){ 7.0 }, 1), 0);
    }
    assert_status(mote_source_status(&source), MOTE_OK);
    const double bad[][2] = { { 0.0, 0.0 }, { -1.0, 2.0 }, { NAN, 1.0 }, { INFINITY, 1.0 }, { 1e308, 1e308 } };
    for (int i = 0; i < 5; ++i) {
        mote_source fresh = live(6);
        assert_int_equal(mote_choose(&fresh, bad[i], 2), 0);
        assert_status(mote_source_status(&fresh), MOTE_EINVAL);
        assert_true(fresh.draw == 1);
    }
    mote_source empty = live(7);
    assert_int_equal(mote_choose(&empty, NULL, 0), 0);
    assert_status(mote_source_status(&empty), MOTE_EINVAL);
}

/* Ascending, and the mean of the k-th of n is k / (n + 1), its variance k (n + 1 - k) / ((n + 1)^2 (n + 2)). Four
 * standard errors for 10 means: false alarm 6e-4. Sorting n uniforms divided by their own sum, say, would fail. */
static void ordered_uniforms_are_order_statistics(void **state)
{
    (void)state;
    enum { K = 10, REPEATS = 20000 };
    double sum[K] = { 0 }, u[K];
    mote_source source = live(8);
    for (int r = 0; r < REPEATS; ++r) {
        mote_ordered_uniforms(&source, u, K, NULL, 0);
        for (int i = 0; i < K; ++i) {
            assert_true(u[i] > (i ? u[i - 1] : 0.0) && u[i] < 1.0);
            sum[i] += u[i];
        }
    }
    for (int i = 0; i < K; ++i) {
        double k = i + 1, n = K, variance = k * (n + 1 - k) / ((n + 1) * (n + 1) * (n + 2));
        assert_close(sum[i] / REPEATS, k / (n + 1), 0, 4 * sqrt(variance / REPEATS));
    }
}

static void streams_are_seeded_by_their_address(void **state)
{
    (void)state;
    mote_source source = live(9), a = mote_source_at(&source, MOTE_PURPOSE_BIRTH, 3, 0),
                b = mote_source_at(&source, MOTE_PURPOSE_BIRTH, 3, 100);
    double number;
    mote_normals(&b, &number, 1); /* neither first nor draws count */
    mote_stream s = mote_stream_open(&a, 77), t = mote_stream_open(&b, 77);
    assert_same_bytes(&s, &t, sizeof s);
    assert_true(s.increment[0] & 1);
    const uint32_t w = (uint32_t)MOTE_PURPOSE_STREAM << 16 | MOTE_PURPOSE_BIRTH;
    mote_philox_block seed = mote_philox(source.key, 0, 3, 77, w), increment = mote_philox(source.key, 1, 3, 77, w);
    assert_true(s.state[0] == seed.first && s.state[1] == seed.second);
    assert_true(s.increment[0] == (increment.first | 1) && s.increment[1] == increment.second);
    const mote_source moved = mote_source_at(&source, MOTE_PURPOSE_BOUND, 3, 0);
    const mote_source later = mote_source_at(&source, MOTE_PURPOSE_BIRTH, 4, 0);
    const mote_stream others[] = { mote_stream_open(&a, 78), mote_stream_open(&a, 77 + (INT64_C(1) << 32)),
                                   mote_stream_open(&(mote_source){ .table = moved.table, .key = moved.key,
                                                                    .purpose = moved.purpose, .step = moved.step }, 77),
                                   mote_stream_open(&(mote_source){ .table = later.table, .key = later.key,
                                                                    .purpose = later.purpose, .step = later.step }, 77) };
    for (int i = 0; i < 4; ++i)
        assert_true(others[i].state[0] != s.state[0] && others[i].increment[0] != s.increment[0]);
}

static void streams_inline_are_the_same(void **state)
{
    (void)state;
    mote_source source = live(10);
    mote_stream a = mote_stream_open(&source, 1), b = a;
    for (int i = 0; i < N; ++i) {
        assert_true(mote_stream_bits(&a) == mote_stream_bits_inline(&b));
        assert_true(mote_stream_uniform(&a) == mote_stream_uniform_inline(&b));
        int64_t index = mote_stream_index(&a, 17);
        assert_true(index == mote_stream_index_inline(&b, 17) && index >= 0 && index < 17);
    }
    assert_same_bytes(&a, &b, sizeof a);
    assert_int_equal(mote_stream_index(&a, 1), 0);
}

/* n normals in one call or cut anywhere; a copy of the stream goes on as the stream does. */
static void stream_normals_cut_anywhere(void **state)
{
    (void)state;
    mote_source source = live(11);
    const mote_stream start = mote_stream_open(&source, 1);
    mote_stream stream = start;
    double all[N], part[N];
    mote_stream_normals(&stream, all, N);
    for (int cut = 0; cut < 30; ++cut) {
        mote_stream s = start;
        mote_stream_normals(&s, part, cut);
        mote_stream copy = s;
        mote_stream_normals(&copy, part + cut, N - cut);
        assert_same_bytes(part, all, sizeof part);
        for (int i = cut; i < N; ++i)
            assert_true(mote_stream_normal(&s) == all[i]);
    }
    double mean = 0, square = 0, fourth = 0, big[20000];
    mote_stream_normals(&stream, big, 20000);
    for (int i = 0; i < 20000; ++i) {
        mean += big[i] / 20000;
        square += big[i] * big[i] / 20000;
        fourth += big[i] * big[i] * big[i] * big[i] / 20000;
    }
    assert_close(mean, 0, 0, 4 / sqrt(20000.0)); /* each: false alarm 6e-5 */
    assert_close(square, 1, 0, 4 * sqrt(2 / 20000.0));
    assert_close(fourth, 3, 0, 4 * sqrt(96 / 20000.0));
}

/* ---- tapes ---- */

typedef struct everything {
    uint64_t bits[9], stream_bits[5];
    double uniforms[9], normals[9], exponentials[9], ordered[9], cut, stream_normals[5];
    int64_t choice, equal;
} everything;

/* One of each kind of draw at its own address, forwards or backwards. */
static void draw_one(mote_source *root, everything *e, int i)
{
    mote_source at = mote_source_at(root, MOTE_PURPOSE_PRIOR, (uint32_t)i, 3);
    mote_stream stream;
    switch (i) {
    case 0: mote_bits(&at, e->bits, 9); break;
    case 1: mote_uniforms(&at, e->uniforms, 9); break;
    case 2: mote_normals(&at, e->normals, 9); break;
    case 3: mote_exponentials(&at, e->exponentials, 9); break;
    case 4: mote_ordered_uniforms(&at, e->ordered, 9, NULL, 0); break;
    case 5: e->cut = mote_uniform_cut(&at, NULL, 0); break;
    case 6: e->choice = mote_choose(&at, (const double[]){ 1, 0, 2 }, 3); break;
    case 7: e->equal = mote_choose(&at, NULL, 1000); break;
    case 8:
        stream = mote_stream_open(&at, 12);
        for (int j = 0; j < 5; ++j)
            e->stream_bits[j] = mote_stream_bits(&stream);
        mote_stream_normals(&stream, e->stream_normals, 5);
        break;
    }
}

static everything draw_all(mote_source *root, int backwards)
{
    everything e = { { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, 0, { 0 }, 0, 0 };
    for (int i = 0; i < 9; ++i)
        draw_one(root, &e, backwards ? 8 - i : i);
    return e;
}

static void tapes_give_the_same(void **state)
{
    (void)state;
    mote_source *inner, *record, *replay, *again, *second;
    assert_status(mote_source_open_live(&inner, 12, 0), MOTE_OK);
    assert_status(mote_source_open_record(&record, inner), MOTE_OK);
    const everything expected = draw_all(inner, 0), recorded = draw_all(record, 0);
    assert_same_bytes(&recorded, &expected, sizeof expected);
    assert_status(mote_source_open_replay(&replay, record), MOTE_OK);
    assert_status(mote_source_open_record(&again, replay), MOTE_OK); /* a record of a replay */
    mote_source_close(&record);                                      /* the tape lives on */
    for (int backwards = 0; backwards < 2; ++backwards) {
        everything replayed = draw_all(replay, backwards), twice = draw_all(again, backwards);
        assert_same_bytes(&replayed, &expected, sizeof expected);
        assert_same_bytes(&twice, &expected, sizeof expected);
    }
    assert_status(mote_source_open_replay(&second, again), MOTE_OK);
    const everything replayed = draw_all(second, 1);
    assert_same_bytes(&replayed, &expected, sizeof expected);
    mote_source *all[] = { inner, replay, again, second };
    for (int i = 0; i < 4; ++i) {
        assert_status(mote_source_status(all[i]), MOTE_OK);
        mote_source_close(&all[i]);
        assert_null(all[i]);
    }
}

static void tapes_answer_other_cuts(void **state)
{
    (void)state;
    mote_source *inner, *record, *replay;
    double all[N], part[N];
    mote_source_open_live(&inner, 13, 1);
    mote_source_open_record(&record, inner);
    mote_source_open_replay(&replay, record); /* opened before anything is recorded */
    mote_normals(record, all, N);
    for (int64_t first = 0; first < N; first += 7) {
        mote_source at = mote_source_at(replay, MOTE_PURPOSE_USER, 0, first);
        mote_normals(&at, part + first, N - first < 7 ? N - first : 7);
    }
    assert_same_bytes(part, all, sizeof all);
    assert_status(mote_source_status(replay), MOTE_OK);
    mote_source_close(&replay);
    mote_source_close(&record);
    mote_source_close(&inner);
}

/* What differs: 0 purpose, 1 step, 2 particle, 3 draw, 4 kind, 5 n of ordered uniforms, 6 n of a choice, 7 a choice of
 * weight zero, 8 key, 9 stream, 10 a stream that ran out. */
static void ask_wrongly(mote_source *replay, int what)
{
    mote_source at = mote_source_at(replay, MOTE_PURPOSE_PRIOR, 2, 3);
    mote_stream stream;
    double out[16];
    switch (what) {
    case 0: at.purpose = MOTE_PURPOSE_BIRTH; break;
    case 1: at.step = 1; break;
    case 2: at.first = 4; break; /* the last of nine was not recorded */
    case 3: at.draw = 1; break;
    case 4: mote_uniforms(&at, out, 9); return;
    case 5: at.step = 4; mote_ordered_uniforms(&at, out, 8, NULL, 0); return;
    case 6: at.step = 6; mote_choose(&at, (const double[]){ 1, 0 }, 2); return;
    case 7: at.step = 6; mote_choose(&at, (const double[]){ 0, 1, 0 }, 3); return;
    case 8: at.key ^= 1; break;
    case 9: at.step = 8; stream = mote_stream_open(&at, 11); mote_stream_bits(&stream); return;
    case 10:
        at.step = 8;
        stream = mote_stream_open(&at, 12);
        mote_stream_normals(&stream, out, 12); /* 5 + 6 words were recorded */
        return;
    }
    mote_normals(&at, out, 9);
    assert_status(mote_source_status(&at), MOTE_ESOURCE);
}

static void changed_addresses_fail(void **state)
{
    (void)state;
    mote_source *inner, *record, *replay;
    mote_source_open_live(&inner, 12, 0);
    mote_source_open_record(&record, inner);
    draw_all(record, 0);
    for (int what = 0; what <= 10; ++what) {
        mote_source_open_replay(&replay, record);
        ask_wrongly(replay, what);
        assert_status(mote_source_status(replay), MOTE_ESOURCE);
        draw_all(replay, 0); /* right again, but the failure stays */
        assert_status(mote_source_status(replay), MOTE_ESOURCE);
        mote_source_close(&replay);
    }
    mote_source_close(&record);
    mote_source_close(&inner);
}

/* A record passes on the failure of what it records; sources of the wrong sort are refused. */
static void failures_pass_through(void **state)
{
    (void)state;
    mote_source *inner, *record, *replay, *outer, *none;
    mote_source_open_live(&inner, 14, 0);
    mote_source_open_record(&record, inner);
    mote_source_open_replay(&replay, record);
    mote_source_open_record(&outer, replay);
    mote_stream stream = mote_stream_open(outer, 1);
    mote_stream_bits(&stream);
    assert_status(mote_source_status(outer), MOTE_ESOURCE);
    assert_status(mote_source_open_record(&none, NULL), MOTE_EINVAL);
    assert_null(none);
    assert_status(mote_source_open_replay(&none, inner), MOTE_EINVAL);
    assert_status(mote_source_open_replay(&none, NULL), MOTE_EINVAL);
    mote_source_close(&none);
    mote_source_close(&outer);
    mote_source_close(&replay);
    mote_source_close(&record);
    mote_source_close(&inner);
}

/* ---- GSL ---- */

/* Mean and variance to four standard errors: false alarm 6e-5 each. */
static void gsl_draws_from_a_stream(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    gsl_rng *generator = gsl_rng_alloc(mote_gsl_generator());
    mote_source source = live(15);
    mote_stream stream = mote_stream_open(&source, 3), twin = stream;
    double mean = 0, square = 0, counts = 0;
    assert_string_equal(gsl_rng_name(generator), "mote-pcg64-dxsm");
    const unsigned long own = gsl_rng_get(generator);
    assert_status(mote_gsl_bind(generator, &stream), MOTE_OK);
    assert_true(gsl_rng_get(generator) == mote_stream_bits(&twin));
    assert_true(gsl_rng_uniform(generator) == mote_stream_uniform(&twin));
    for (int i = 0; i < COUNT; ++i) {
        double x = gsl_ran_gaussian(generator, 2.0);
        mean += x / COUNT;
        square += x * x / COUNT;
        counts += (double)gsl_ran_poisson(generator, 3.5) / COUNT;
    }
    assert_close(mean, 0, 0, 4 * 2 / sqrt(COUNT));
    assert_close(square, 4, 0, 4 * 4 * sqrt(2.0 / COUNT));
    assert_close(counts, 3.5, 0, 4 * sqrt(3.5 / COUNT));
    gsl_rng_set(generator, gsl_rng_default_seed); /* back to its own stream, from the start */
    assert_true(gsl_rng_get(generator) == own);
    gsl_rng_set(generator, 1);
    assert_true(gsl_rng_get(generator) != own);
    gsl_rng_free(generator);
    gsl_rng *other = gsl_rng_alloc(gsl_rng_mt19937);
    assert_status(mote_gsl_bind(other, &stream), MOTE_EINVAL);
    assert_status(mote_gsl_bind(NULL, &stream), MOTE_EINVAL);
    gsl_rng_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_the_documented_hash),
        cmocka_unit_test(numbers_follow_the_address),
        cmocka_unit_test(kinds_agree),
        cmocka_unit_test(choices_have_their_weights),
        cmocka_unit_test(choices_at_the_edges),
        cmocka_unit_test(ordered_uniforms_are_order_statistics),
        cmocka_unit_test(streams_are_seeded_by_their_address),
        cmocka_unit_test(streams_inline_are_the_same),
        cmocka_unit_test(stream_normals_cut_anywhere),
        cmocka_unit_test(tapes_give_the_same),
        cmocka_unit_test(tapes_answer_other_cuts),
        cmocka_unit_test(changed_addresses_fail),
        cmocka_unit_test(failures_pass_through),
        cmocka_unit_test(gsl_draws_from_a_stream),
    };
    return run_unit_tests(tests);
}
