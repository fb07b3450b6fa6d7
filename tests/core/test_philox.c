/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Philox against the known answers of Random123 (rows 1-3) and of cuRAND's counter layout (rows 4-6), and the kernels
 * against the plain generator. */
#include "core/philox.h"
#include "core/vector_variants.h"
#include "tests/support/test.h"

static const struct row {
    uint32_t counter[4], key[2], output[4];
} rows[] = {
    { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
    { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
      { 0xffffffff, 0xffffffff },
      { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
    { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
      { 0xa4093822, 0x299f31d0 },
      { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    { { 2, 3, 5, 7 }, { 0x9abcdef0, 0x12345678 }, { 0xd81dee01, 0x3c7be8a0, 0x801a6694, 0xe6ac7f87 } },
    { { 0, 0, 1000, 1 }, { 1, 0 }, { 0xf6633e12, 0x2a7858a4, 0xa08b9c21, 0x45929ea7 } },
    { { 1, 0, 1000, 1 }, { 1, 0 }, { 0xeacfa4d8, 0x61c3a4a5, 0x8edf1003, 0xc237ad98 } },
};

enum { ROWS = sizeof rows / sizeof *rows };

static uint64_t join(uint32_t low, uint32_t high)
{
    return (uint64_t)high << 32 | low;
}

static void known_answers(void **state)
{
    (void)state;
    for (int i = 0; i < ROWS; ++i) {
        const struct row *row = &rows[i];
        mote_philox_block block = mote_philox(join(row->key[0], row->key[1]), row->counter[0], row->counter[1],
                                              row->counter[2], row->counter[3]);
        assert_true(block.first == join(row->output[0], row->output[1]));
        assert_true(block.second == join(row->output[2], row->output[3]));
    }
}

/* cuRAND: the key is the seed, the subsequence is (z, w), a quarter of the offset is (x, y). */
static void curand_layout(void **state)
{
    (void)state;
    const uint64_t seed = 0x123456789abcdef0, subsequence = 0x0000000700000005, offset = 51539607560;
    const uint64_t quarter = offset / 4;
    mote_philox_block block = mote_philox(seed, (uint32_t)quarter, (uint32_t)(quarter >> 32), (uint32_t)subsequence,
                                          (uint32_t)(subsequence >> 32));
    assert_true(block.first == join(rows[3].output[0], rows[3].output[1]));
    assert_true(block.second == join(rows[3].output[2], rows[3].output[3]));
}

/* The same rows through the kernels: particle 2 z and 2 z + 1 share block z. */
static void kernels_give_known_answers(void **state)
{
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int i = 0; i < ROWS; ++i) {
            const struct row *row = &rows[i];
            uint64_t out[40];
            table->philox_bits(out, join(row->key[0], row->key[1]), row->counter[3], row->counter[1], row->counter[0],
                               (int64_t)row->counter[2] * 2, 40);
            assert_true(out[0] == join(row->output[0], row->output[1]));
            assert_true(out[1] == join(row->output[2], row->output[3]));
            for (uint32_t j = 1; j < 20; ++j) {
                mote_philox_block block = mote_philox(join(row->key[0], row->key[1]), row->counter[0],
                                                      row->counter[1], row->counter[2] + j, row->counter[3]);
                assert_true(out[2 * j] == block.first && out[2 * j + 1] == block.second);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(known_answers), cmocka_unit_test(curand_layout),
                                        cmocka_unit_test(kernels_give_known_answers) };
    return run_unit_tests(tests);
}
