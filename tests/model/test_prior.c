/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <mote/parameter.h>
#include <mote/status.h>

#include "tests/support/test.h"

static void names_go_both_ways(void **state)
{
    (void)state;
#define CHECK(name, text, count, arguments)                          \
    assert_string_equal(mote_prior_name(MOTE_PRIOR_##name), text);   \
    assert_int_equal(mote_prior_from_name(text), MOTE_PRIOR_##name);
    MOTE_PRIOR_LIST(CHECK)
#undef CHECK
    assert_null(mote_prior_name(MOTE_PRIOR_NONE));
    assert_null(mote_prior_name(99));
    assert_null(mote_prior_name(-1));
    assert_int_equal(mote_prior_from_name("nonsense"), MOTE_PRIOR_NONE);
    assert_int_equal(mote_prior_from_name(NULL), MOTE_PRIOR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names_go_both_ways) };
    return run_unit_tests(tests);
}
