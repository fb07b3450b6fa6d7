/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCG64-DXSM against published and NumPy outputs, and its jump against single steps. */
#include "core/pcg64.h"
#include "tests/support/test.h"

typedef struct generator {
    uint64_t state[2], increment[2];
} generator;

static generator make(uint64_t state_high, uint64_t state_low, uint64_t increment_high, uint64_t increment_low)
{
    return (generator){ { state_low, state_high }, { increment_low, increment_high } };
}

static void expect(generator *g, const uint64_t *outputs, int n)
{
    for (int i = 0; i < n; ++i)
        assert_true(mote_pcg64_next(g->state, g->increment) == outputs[i]);
}

static void small_state(void **state)
{
    (void)state;
    generator g = make(0, 0, 0, 1);
    expect(&g, (const uint64_t[]){ 0, 0, 0, 0x5238ea76d1f0df4a }, 4);
    assert_true(g.state[1] == 0x961760e0d617be86 && g.state[0] == 0x92c1e10e0c0e8bbc);
}

static void full_state(void **state)
{
    (void)state;
    generator g = make(0x0123456789abcdef, 0xfedcba9876543210, 0x9e3779b97f4a7c15, 0xf39cc0605cedc835);
    expect(&g, (const uint64_t[]){ 0xa5c2f45958c644a2, 0xddd5aeb432d621f7, 0x6b86019e42156ebb, 0x1c90bf7eabc868fa }, 4);
    assert_true(g.state[1] == 0xe08a3317ae1b99c8 && g.state[0] == 0x3252fa0d900562fc);
}

/* c = 2 * 54 + 1, s = 0; step; s += 42; step. */
static void classic_seeding(void **state)
{
    (void)state;
    generator g = make(0, 0, 0, 2 * 54 + 1);
    mote_pcg64_next(g.state, g.increment);
    g.state[0] += 42;
    mote_pcg64_next(g.state, g.increment);
    assert_true(g.state[1] == 0x80 && g.state[0] == 0xed5f0774fe8f5330);
    generator far = g;
    expect(&g, (const uint64_t[]){ 0xf0847c9518bddb90, 0x8e7d5f5514ba8aaa, 0x86fbd36f8028f6fd, 0x8d14b6edbe9f740a }, 4);
    mote_pcg64_advance(far.state, far.increment, (const uint64_t[]){ 1000000 - 1, 0 });
    expect(&far, (const uint64_t[]){ 0xa37000fc7b25c41c }, 1);
}

static void numpy_seed(void **state)
{
    (void)state;
    generator g = make(0x1905e0335aae9634, 0x9199b0d09775add5, 0xc9c7353e6e2b1f28, 0x7d761f2d4027fae7);
    expect(&g, (const uint64_t[]){ 0xee9ce7d91fd0146f, 0x5666c45f046a0883, 0x378c2161cf28e2bd }, 3);
}

/* NumPy's own test file, seed 0xdeadbeaf: outputs 1, 2, 3 and 1000. */
static void numpy_test_file(void **state)
{
    (void)state;
    generator g = make(0xdcbf51eca8a06d6d, 0xa11c0e6f95be4591, 0x6f01e045569d93c4, 0x40ac10dd049310b5);
    generator far = g;
    expect(&g, (const uint64_t[]){ 0xdf1ddcf1e22521fe, 0xc71b2f9c706cf151, 0x6922a8cc24ad96b2 }, 3);
    for (int i = 0; i < 999; ++i)
        mote_pcg64_next(far.state, far.increment);
    expect(&far, (const uint64_t[]){ 0x4955c92aaa231578 }, 1);
}

static void advance_is_single_steps(void **state)
{
    (void)state;
    const generator start = make(0x0123456789abcdef, 0xfedcba9876543210, 0x9e3779b97f4a7c15, 0xf39cc0605cedc835);
    generator walked = start;
    for (uint64_t steps = 0; steps < 300; ++steps) {
        generator jumped = start;
        mote_pcg64_advance(jumped.state, jumped.increment, (const uint64_t[]){ steps, 0 });
        assert_same_bytes(&jumped, &walked, sizeof walked);
        mote_pcg64_next(walked.state, walked.increment);
    }
}

/* Forwards by a jump with high words, and back by its complement. */
static void advance_goes_back(void **state)
{
    (void)state;
    const generator start = make(0x0123456789abcdef, 0xfedcba9876543210, 0x9e3779b97f4a7c15, 0xf39cc0605cedc835);
    const uint64_t jump[2] = { 0xf39cc0605cedc835, 0x9e3779b97f4a7c15 }, back[2] = { ~jump[0] + 1, ~jump[1] };
    generator g = start;
    mote_pcg64_advance(g.state, g.increment, jump);
    assert_memory_not_equal(&g, &start, sizeof g);
    mote_pcg64_advance(g.state, g.increment, back);
    assert_same_bytes(&g, &start, sizeof g);
}

static void multiply_high(void **state)
{
    (void)state;
    assert_true(mote_multiply_high(UINT64_MAX, UINT64_MAX) == UINT64_MAX - 1);
    assert_true(mote_multiply_high(UINT64_C(1) << 63, 10) == 5);
    assert_true(mote_multiply_high(UINT64_MAX, 10) == 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_state),       cmocka_unit_test(full_state),
        cmocka_unit_test(classic_seeding),   cmocka_unit_test(numpy_seed),
        cmocka_unit_test(numpy_test_file),   cmocka_unit_test(advance_is_single_steps),
        cmocka_unit_test(advance_goes_back), cmocka_unit_test(multiply_high),
    };
    return run_unit_tests(tests);
}
