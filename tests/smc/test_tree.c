/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ancestor tree against stored full histories: paths, the exact set of live nodes, growth, checkpoints, memory. */
#include <stdlib.h>

#include "core/source.h"
#include "smc/tree.h"
#include "tests/support/allocator.h"
#include "tests/support/test.h"

enum { LEAVES = 20, COORDINATES = 2, GENERATIONS = 60 };

/* Full histories of a made-up genealogy: parents[t][i], and state (t, i) as coordinates. */
static int32_t parents[GENERATIONS][LEAVES];

static void make_parents(uint64_t key)
{
    mote_source source = mote_source_live(key);
    mote_stream stream = mote_stream_open(&source, 0);
    for (int t = 0; t < GENERATIONS; ++t)
        for (int i = 0; i < LEAVES; ++i)
            parents[t][i] = t % 5 == 4 ? i : (int32_t)mote_stream_index(&stream, LEAVES);
}

static void push(mote_tree *tree, int t)
{
    double time[LEAVES], slot[LEAVES];
    const double *const columns[] = { time, slot };
    for (int i = 0; i < LEAVES; ++i) {
        time[i] = t;
        slot[i] = i;
    }
    mote_tree_push(tree, t % 5 == 4 && t % 2 ? NULL : parents[t], columns);
}

/* Every path of generation t against the stored parents, and the number of nodes that any of them visits. */
static void check(const mote_tree *tree, int t)
{
    static char visited[GENERATIONS][LEAVES];
    double path[GENERATIONS * COORDINATES];
    int64_t live = 0;
    memset(visited, 0, sizeof visited);
    for (int i = 0; i < LEAVES; ++i) {
        mote_tree_path(tree, i, path);
        for (int s = t, at = i; s >= 0; at = parents[s--][at]) {
            live += !visited[s][at];
            visited[s][at] = 1;
            assert_true(path[s * COORDINATES] == s && path[s * COORDINATES + 1] == at);
        }
    }
    assert_int_equal(tree->live, live);
    assert_int_equal(tree->generations, t + 1);
}

static void paths_are_those_of_full_histories(void **unused)
{
    mote_memory memory;
    mote_tree tree;
    (void)unused;
    mote_memory_open(&memory, NULL);
    for (uint64_t key = 0; key < 5; ++key) {
        make_parents(key);
        assert_status(mote_tree_open(&tree, &memory, LEAVES, COORDINATES), MOTE_OK);
        for (int round = 0; round < 2; ++round) { /* a cleared tree is as good as new */
            for (int t = 0; t < GENERATIONS; ++t) {
                assert_status(mote_tree_reserve(&tree), MOTE_OK);
                push(&tree, t);
                check(&tree, t);
            }
            mote_tree_clear(&tree);
        }
        mote_tree_close(&tree);
    }
}

static void loaded_trees_grow_alike(void **unused)
{
    mote_memory memory;
    mote_tree tree;
    (void)unused;
    mote_memory_open(&memory, NULL);
    make_parents(7);
    assert_status(mote_tree_open(&tree, &memory, LEAVES, COORDINATES), MOTE_OK);
    for (int t = 0; t < GENERATIONS; ++t) {
        mote_writer writer;
        mote_reader reader;
        assert_status(mote_tree_reserve(&tree), MOTE_OK);
        push(&tree, t);
        mote_writer_open(&writer, &memory);
        mote_tree_save(&tree, &writer);
        assert_status(writer.status, MOTE_OK);
        mote_tree_close(&tree);
        assert_status(mote_tree_open(&tree, &memory, LEAVES, COORDINATES), MOTE_OK);
        for (int64_t length = 0; t == 9 && length < writer.length; length += 8) { /* cut short: refused, nothing read */
            mote_reader_open(&reader, writer.bytes, length);
            assert_status(mote_tree_load(&tree, &reader), MOTE_ECORRUPT);
            assert_int_equal(tree.generations, 0);
        }
        mote_reader_open(&reader, writer.bytes, writer.length);
        assert_status(mote_tree_load(&tree, &reader), MOTE_OK);
        mote_writer_close(&writer);
        check(&tree, t);
    }
    mote_tree_close(&tree);
}

/* Multinomial resampling of equal weights at every step: T + C N log N live nodes, C = 1.8 to 2.0 measured (coalescent:
 * sum over k of N / (k (k-1) / 2) k). The count of one tree has a standard deviation of some N, so that 4 N log N
 * stands far above; without pruning there would be T N. */
static void live_nodes_stay_few(void **unused)
{
    static const int64_t sizes[] = { 10, 100, 1000 };
    enum { T = 2000 };
    (void)unused;
    for (int s = 0; s < 3; ++s) {
        const int64_t n = sizes[s];
        test_allocator counter = { 0 };
        mote_allocator allocator = test_allocator_of(&counter);
        mote_source source = mote_source_live(11);
        mote_stream stream = mote_stream_open(&source, s);
        mote_memory memory;
        mote_tree tree;
        int32_t *parent = calloc((size_t)n, sizeof *parent);
        double *x = calloc((size_t)n, sizeof *x), mean = 0;
        const double *const columns[] = { x };
        mote_memory_open(&memory, &allocator);
        assert_status(mote_tree_open(&tree, &memory, n, 1), MOTE_OK);
        for (int t = 0; t < T; ++t) {
            for (int64_t i = 0; i < n; ++i)
                parent[i] = (int32_t)mote_stream_index(&stream, n);
            assert_status(mote_tree_reserve(&tree), MOTE_OK);
            const int64_t calls = counter.calls;
            mote_tree_push(&tree, parent, columns);
            assert_int_equal(counter.calls, calls);
            mean += t < T / 2 ? 0 : (double)(tree.live - t) / (T / 2);
        }
        assert_true(mean < 4 * (double)n * log((double)n));
        assert_true(counter.calls < 2 + 4 * 12); /* doublings */
        mote_tree_close(&tree);
        assert_int_equal(counter.live, 0);
        free(parent);
        free(x);
    }
}

static void no_memory_leaves_the_tree(void **unused)
{
    (void)unused;
    make_parents(3);
    for (int64_t fail_at = 1, failures = 1; failures; ++fail_at) {
        test_allocator counter = { .fail_at = fail_at };
        mote_allocator allocator = test_allocator_of(&counter);
        mote_memory memory;
        mote_tree tree;
        failures = 0;
        mote_memory_open(&memory, &allocator);
        int status = mote_tree_open(&tree, &memory, LEAVES, COORDINATES);
        failures += status == MOTE_ENOMEM;
        for (int t = 0; t < GENERATIONS && !status; ++t) {
            const int refused = mote_tree_reserve(&tree);
            if (refused) {
                assert_status(refused, MOTE_ENOMEM);
                ++failures;
                check(&tree, t - 1);
                assert_status(mote_tree_reserve(&tree), MOTE_OK);
            }
            push(&tree, t);
        }
        if (!status)
            check(&tree, GENERATIONS - 1);
        mote_tree_close(&tree);
        assert_int_equal(counter.live, 0);
        assert_true(failures <= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_those_of_full_histories),
        cmocka_unit_test(loaded_trees_grow_alike),
        cmocka_unit_test(live_nodes_stay_few),
        cmocka_unit_test(no_memory_leaves_the_tree),
    };
    return run_unit_tests(tests);
}
