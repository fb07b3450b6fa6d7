/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Alias tables: what the cells give to each index is its share of the weights, exactly; and what is refused. Draws from
 * a table: test_resample_law.c by enumeration, test_backward.c. */
#include "smc/alias.h"

#include "tests/smc/resampling.h"

static void alias_table_is_exact(void **state)
{
    static double share[MANY];
    double sum = 0;
    mote_alias table;
    (void)state;
    fill(MANY, 2.0, 1, 6);
    assert_status(mote_alias_open(&table, MANY, &memory), MOTE_OK);
    assert_status(mote_alias_build(&table, plain, MANY), MOTE_OK);
    for (int64_t i = 0; i < MANY; ++i) {
        sum += plain[i];
        share[i] = 0;
    }
    for (int64_t c = 0; c < MANY; ++c) {
        share[c] += (double)table.cut[c] / 0x1p64;
        share[table.other[c]] += 1 - (double)table.cut[c] / 0x1p64;
    }
    for (int64_t i = 0; i < MANY; ++i) {
        assert_close(share[i], plain[i] / sum * MANY, 1e-11, 1e-9);
        assert_true(plain[i] > 0 || share[i] == 0);
    }
    assert_status(mote_alias_build(&table, plain, MANY + 1), MOTE_EINVAL);
    memset(plain, 0, sizeof plain);
    assert_status(mote_alias_build(&table, plain, MANY), MOTE_ENUMERIC);
    plain[1] = -1;
    assert_status(mote_alias_build(&table, plain, MANY), MOTE_EINVAL);
    mote_alias_close(&table);
}


int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alias_table_is_exact),
    };
    return cmocka_run_group_tests(tests, open_memory, NULL) == 0 ? 0 : 1;
}
