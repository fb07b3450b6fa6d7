/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/special.h"

#include "tests/support/test.h"

static void normal_round_trip(void **state)
{
    (void)state;
    assert_close(mote_normal_quantile(0.975, 0.025), 1.9599639845400542355, 4e-16, 0.0);
    assert_close(mote_normal_quantile(0.5, 0.5), 0.0, 0.0, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(normal_round_trip) };
    return run_unit_tests(tests);
}
