/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The weight kernels against plain loops in the same order: the same bits from every build that this processor runs,
 * for weights of every size, and nothing written where nothing belongs. */
#include <stdlib.h>

#include "core/source.h"
#include "core/vector.h"
#include "core/vector_variants.h"
#include "tests/support/test.h"

enum { BLOCK = MOTE_WEIGHT_BLOCK, SIZES = 9, GUARD = 0x5a5a5a5a };
static const int64_t sizes[SIZES] = { 0, 1, 2, 31, 32, 33, 255, 1023, 1024 };
static double numbers[BLOCK], weight[BLOCK], expected[BLOCK];

static void normals(uint32_t step, double sd)
{
    mote_source source = mote_source_live(7);
    source.step = step;
    mote_normals(&source, numbers, BLOCK);
    for (int i = 0; i < BLOCK; ++i)
        numbers[i] *= sd;
}

/* 32 series, i mod 32, joined from the outside in. */
static double plain_sum(const double *x, int64_t n)
{
    double series[32] = { 0 };
    for (int64_t i = 0; i < n; ++i)
        series[i % 32] += x[i];
    for (int width = 16; width > 0; width /= 2)
        for (int k = 0; k < width; ++k)
            series[k] += series[k + width];
    return series[0];
}

static void plain_weigh(int64_t n, double *maximum, double *sum)
{
    *maximum = -INFINITY;
    for (int64_t i = 0; i < n; ++i)
        *maximum = numbers[i] > *maximum ? numbers[i] : *maximum;
    for (int64_t i = 0; i < n; ++i)
        expected[i] = *maximum > -INFINITY ? mote_exp(numbers[i] - *maximum) : 0.0;
    *sum = plain_sum(expected, n);
}

static void check_weigh(const mote_vector_table *table, int64_t n)
{
    double maximum, sum, plain_maximum, total;
    plain_weigh(n, &plain_maximum, &total);
    assert_int_equal(table->weigh(weight, numbers, n, &maximum, &sum), 0);
    assert_same_bytes(weight, expected, (size_t)n * sizeof *weight);
    assert_same_bytes(&maximum, &plain_maximum, sizeof maximum);
    assert_same_bytes(&sum, &total, sizeof sum);
}

static void weigh_is_the_plain_loop(void **state)
{
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int s = 0; s < SIZES; ++s)
            for (uint32_t step = 0; step < 4; ++step) {
                normals(step, step == 3 ? 300.0 : 2.0);
                for (int i = 0; i < BLOCK; ++i)
                    numbers[i] = step == 1 && i % 3 ? -INFINITY : step == 2 ? -1e300 : numbers[i];
                check_weigh(table, sizes[s]);
            }
}

static void weigh_defines_the_edges(void **state)
{
    const mote_vector_table *table;
    double maximum, sum;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        for (int i = 0; i < BLOCK; ++i)
            numbers[i] = -INFINITY;
        check_weigh(table, BLOCK);
        assert_int_equal(table->weigh(weight, numbers, BLOCK, &maximum, &sum), 0);
        assert_true(maximum == -INFINITY && sum == 0.0);
        numbers[1000] = -1e300; /* one alive */
        assert_int_equal(table->weigh(weight, numbers, BLOCK, &maximum, &sum), 0);
        assert_true(maximum == -1e300 && sum == 1.0 && weight[1000] == 1.0);
        numbers[3] = NAN, numbers[700] = INFINITY, numbers[1023] = -NAN;
        assert_int_equal(table->weigh(weight, numbers, BLOCK, &maximum, &sum), 3);
    }
}

static void largest_refuses_bad_weights(void **state)
{
    static const double bad[] = { -1e-300, NAN, -NAN, INFINITY, -INFINITY };
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int s = 1; s < SIZES; ++s) {
            double most = 0;
            normals(9, 1.0);
            for (int i = 0; i < sizes[s]; ++i) {
                numbers[i] = i % 5 ? fabs(numbers[i]) : i % 2 ? -0.0 : 0.0;
                most = fmax(most, numbers[i] * 0.3);
            }
            assert_true(table->largest(numbers, sizes[s], 0.3) == most);
            for (int b = 0; b < 5; ++b) {
                double kept = numbers[sizes[s] / 2];
                numbers[sizes[s] / 2] = bad[b];
                assert_true(isnan(table->largest(numbers, sizes[s], 0.3)));
                numbers[sizes[s] / 2] = kept;
            }
        }
}

static void check_fixed(const mote_vector_table *table, int64_t n)
{
    static uint64_t fixed[BLOCK];
    static int32_t edge[BLOCK + 1];
    uint64_t sum = 0, before = 12345;
    uint64_t total = table->fixed(fixed, weight, n, 0.7, 0x1p20, 0x1p23);
    for (int64_t i = 0; i < n; ++i) {
        uint64_t plain = (uint64_t)llrint(weight[i] * 0.7 * 0x1p43);
        assert_true(fixed[i] == plain);
        sum += plain;
    }
    assert_true(total == sum);
    assert_true(table->prefix(fixed, n, before) == before + total);
    for (int64_t i = 0; i < n; ++i) {
        before += (uint64_t)llrint(weight[i] * 0.7 * 0x1p43);
        assert_true(fixed[i] == before);
    }
    const double ratio = 5000.0 / (double)before, u = 0.375;
    table->end_slots(edge, fixed, n, before, ratio, u, 5000);
    for (int64_t i = 0; i < n; ++i) {
        double slot = ceil((double)fixed[i] * ratio - u);
        slot = slot < 0 ? 0 : slot > 5000 ? 5000 : slot;
        assert_int_equal(edge[i], fixed[i] == before ? 5000 : (int32_t)slot);
    }
}

static void fixed_point_is_the_plain_loop(void **state)
{
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int s = 1; s < SIZES; ++s)
            for (uint32_t step = 0; step < 3; ++step) {
                double maximum, sum;
                normals(step, step == 2 ? 300.0 : 1.5);
                table->weigh(weight, numbers, sizes[s], &maximum, &sum);
                for (int64_t i = 0; i < sizes[s]; ++i)
                    weight[i] = step == 1 && (i % 4 || i > sizes[s] / 2) ? 0.0 : weight[i];
                check_fixed(table, sizes[s]);
            }
}

static void check_ends(const mote_vector_table *table, int64_t n, double factor, double low, double high, uint64_t before)
{
    uint64_t fixed[BLOCK];
    int32_t edge[BLOCK], end[BLOCK];
    uint64_t sum = table->fixed(fixed, weight, n, factor, low, high);
    assert_true(table->total(weight, n, factor, low, high) == sum);
    assert_true(table->prefix(fixed, n, before) == before + sum);
    for (int last = 0; last < 2; ++last) {
        mote_weight_slots slots = { low, high, before + sum + (last ? 0 : 99), 0, 0.625, 5000 };
        slots.ratio = slots.total ? 5000.0 / (double)slots.total : 1;
        table->end_slots(edge, fixed, n, slots.total, slots.ratio, slots.u, slots.count);
        assert_true(table->ends(end, weight, n, factor, before, &slots) == before + sum);
        assert_same_bytes(end, edge, (size_t)n * sizeof *end);
    }
}

/* `total` and `ends` are `fixed`, `prefix` and `end_slots` in one pass: also with weights, factors and scales near the ends
 * of the doubles, with a tail of zeros behind the total, and in a block without any weight. */
static void ends_are_their_parts(void **state)
{
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int s = 1; s < SIZES; ++s)
            for (uint32_t step = 0; step < 4; ++step) {
                double maximum, sum;
                normals(step, step == 2 ? 300.0 : 1.5);
                table->weigh(weight, numbers, sizes[s], &maximum, &sum);
                for (int64_t i = 0; i < sizes[s]; ++i)
                    weight[i] = step == 1 && (i % 4 || i > sizes[s] / 2) ? 0.0 : step == 3 && i % 2 ? 0x1p-1060 : weight[i];
                check_ends(table, sizes[s], 0.7, 0x1p20, 0x1p23, 12345);
                check_ends(table, sizes[s], 1.0, 0x1p26, 0x1p26, UINT64_C(1) << 62);
                check_ends(table, sizes[s], 0x1.8p-1000, 0x1p500, 0x1p540, 7);
                check_ends(table, sizes[s], 0x1.8p990, 0x1p-500, 0x1p-450, 7);
                check_ends(table, sizes[s], 0x1.8p-1070, 0x1p20, 0x1p23, 0);
                check_ends(table, sizes[s], 0.0, 0x1p20, 0x1p23, 12345);
            }
}

/* Sums close to 2^63, where a conversion that takes them as signed or in one half goes wrong. */
static void end_slots_take_large_sums(void **state)
{
    const mote_vector_table *table;
    uint64_t cumulative[64];
    int32_t edge[64];
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        for (int i = 0; i < 64; ++i)
            cumulative[i] = (UINT64_C(1) << 63) - (uint64_t)(63 - i) * UINT64_C(0x0012345678912345);
        table->end_slots(edge, cumulative, 64, UINT64_C(1) << 63, 0x1p-43, 0.5, 1 << 20);
        for (int i = 0; i < 64; ++i)
            assert_int_equal(edge[i], i == 63 ? 1 << 20 : (int)ceil((double)cumulative[i] * 0x1p-43 - 0.5));
    }
}

/* Rounding can put the end of the last parent below the count: its slots must be its own all the same, and a tail of
 * weight zero gets none. */
static void the_last_slot_is_given(void **state)
{
    const mote_vector_table *table;
    const uint64_t cumulative[6] = { 1, 3, 3, 10, 10, 10 };
    int32_t edge[6];
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        table->end_slots(edge, cumulative, 6, 10, 0.4 * (1 - 1e-12), 1 - 0x1p-53, 4);
        assert_int_equal(edge[2], 1);
        for (int i = 3; i < 6; ++i)
            assert_int_equal(edge[i], 4);
    }
}

static int32_t count_of(int style, int64_t i)
{
    switch (style) {
    case 0:
        return 1;
    case 1:
        return i % 7 == 3 ? 7 : 0;
    case 2:
        return i % 100 == 50 ? 97 : (int32_t)(i % 2);
    case 3:
        return i == 5 ? 3000 : 0;
    default:
        return (int32_t)(i * 2654435761u % 23) - 3 > 0 ? (int32_t)(i * 2654435761u % 23) - 3 : 0;
    }
}

static void expand_writes_each_slot_once(void **state)
{
    enum { MOST = 32 * BLOCK, FIRST = 37 };
    static int32_t ancestor[MOST], edge[BLOCK + 1];
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int s = 0; s < SIZES; ++s)
            for (int style = 0; style < 5; ++style) {
                edge[0] = FIRST;
                for (int64_t i = 0; i < sizes[s]; ++i)
                    edge[i + 1] = edge[i] + count_of(style, i);
                for (int k = 0; k < MOST; ++k)
                    ancestor[k] = GUARD;
                table->expand(ancestor, edge, sizes[s], 100);
                for (int64_t i = 0; i < sizes[s]; ++i)
                    for (int32_t k = edge[i]; k < edge[i + 1]; ++k)
                        assert_int_equal(ancestor[k], 100 + i);
                for (int k = 0; k < MOST; ++k)
                    assert_true((ancestor[k] == GUARD) == (k < FIRST || k >= edge[sizes[s]]));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weigh_is_the_plain_loop),       cmocka_unit_test(weigh_defines_the_edges),
        cmocka_unit_test(largest_refuses_bad_weights),   cmocka_unit_test(fixed_point_is_the_plain_loop),
        cmocka_unit_test(end_slots_take_large_sums),     cmocka_unit_test(the_last_slot_is_given),
        cmocka_unit_test(expand_writes_each_slot_once),  cmocka_unit_test(ends_are_their_parts),
    };
    return run_unit_tests(tests);
}
