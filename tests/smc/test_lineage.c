/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sliding window of ancestor maps against composing all maps anew, and its growth and checkpoints. */
#include "core/source.h"
#include "smc/lineage.h"
#include "tests/support/allocator.h"
#include "tests/support/test.h"

enum { N = 13, GENERATIONS = 50 };
static int32_t maps[GENERATIONS + 1][N]; /* maps[g]: from generation g to g - 1 */

static void make_maps(void)
{
    mote_source source = mote_source_live(5);
    mote_stream stream = mote_stream_open(&source, 0);
    for (int g = 1; g <= GENERATIONS; ++g)
        for (int i = 0; i < N; ++i)
            maps[g][i] = g % 4 ? (int32_t)mote_stream_index(&stream, N) : i;
}

/* Ancestor of particle i of generation g, k generations back. */
static int32_t trace(int g, int64_t k, int32_t i)
{
    for (; k > 0; --k)
        i = maps[g--][i];
    return i;
}

static void check(const mote_lineage *lineage, int g)
{
    int32_t index[N];
    const int64_t count = g < lineage->lag ? g : lineage->lag;
    assert_int_equal(lineage->count, count);
    for (int32_t i = 0; i < N; ++i)
        index[i] = i;
    for (int64_t k = 1; k <= count; ++k) {
        mote_lineage_back(lineage, k, index);
        for (int32_t i = 0; i < N; ++i)
            assert_int_equal(index[i], trace(g, k, i));
    }
    mote_lineage_oldest(lineage, index);
    for (int32_t i = 0; i < N; ++i)
        assert_int_equal(index[i], trace(g, count, i));
    mote_lineage_second(lineage, index);
    for (int32_t i = 0; i < N; ++i)
        assert_int_equal(index[i], trace(g, count > 0 ? count - 1 : 0, i));
}

static void reload(mote_lineage *lineage, const mote_memory *memory)
{
    const int64_t lag = lineage->lag;
    mote_writer writer;
    mote_reader reader;
    mote_writer_open(&writer, memory);
    mote_lineage_save(lineage, &writer);
    mote_lineage_close(lineage);
    assert_status(mote_lineage_open(lineage, memory, N, lag), MOTE_OK);
    mote_reader_open(&reader, writer.bytes, writer.length);
    assert_status(mote_lineage_load(lineage, &reader), MOTE_OK);
    mote_writer_close(&writer);
}

static void ancestors_are_those_of_all_maps(void **unused)
{
    static const int64_t lags[] = { 1, 2, 3, 7, 20, 1000 };
    mote_memory memory;
    (void)unused;
    make_maps();
    mote_memory_open(&memory, NULL);
    for (int loading = 0; loading < 2; ++loading)
        for (size_t l = 0; l < sizeof lags / sizeof *lags; ++l) {
            mote_lineage lineage;
            assert_status(mote_lineage_open(&lineage, &memory, N, lags[l]), MOTE_OK);
            check(&lineage, 0);
            for (int g = 1; g <= GENERATIONS; ++g) {
                assert_status(mote_lineage_reserve(&lineage), MOTE_OK);
                mote_lineage_push(&lineage, g % 4 ? maps[g] : NULL);
                if (loading)
                    reload(&lineage, &memory);
                check(&lineage, g);
            }
            mote_lineage_close(&lineage);
        }
}

static void memory_stops_growing_and_may_fail(void **unused)
{
    (void)unused;
    for (int64_t fail_at = 1, failed = 1; failed; ++fail_at) {
        test_allocator counter = { .fail_at = fail_at };
        mote_allocator allocator = test_allocator_of(&counter);
        mote_memory memory;
        mote_lineage lineage;
        int64_t settled = 0;
        failed = 0;
        mote_memory_open(&memory, &allocator);
        failed = mote_lineage_open(&lineage, &memory, N, 6) != MOTE_OK;
        for (int g = 1; g <= GENERATIONS && lineage.n; ++g) {
            if (mote_lineage_reserve(&lineage)) {
                check(&lineage, g - 1);
                assert_status(mote_lineage_reserve(&lineage), MOTE_OK);
            }
            failed |= counter.calls >= fail_at;
            mote_lineage_push(&lineage, maps[g]);
            check(&lineage, g);
            settled = g == 6 ? counter.calls : settled;
        }
        assert_true(!lineage.n || counter.calls == settled);
        mote_lineage_close(&lineage);
        assert_int_equal(counter.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ancestors_are_those_of_all_maps),
        cmocka_unit_test(memory_stops_growing_and_may_fail),
    };
    return run_unit_tests(tests);
}
