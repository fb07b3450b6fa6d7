/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <mote/status.h>

#include "tests/support/test.h"

static void names_go_both_ways(void **state)
{
    (void)state;
#define CHECK(name, value, text)                                     \
    assert_string_equal(mote_status_name(value), "MOTE_" #name);     \
    assert_int_equal(mote_status_from_name("MOTE_" #name), value);   \
    assert_string_equal(mote_strerror(value), text);
    MOTE_STATUS_LIST(CHECK)
#undef CHECK
    assert_null(mote_status_name(9999));
    assert_int_equal(mote_status_from_name("MOTE_NONSENSE"), -1);
    assert_int_equal(mote_status_from_name(NULL), -1);
}

static void unknown_codes_have_a_text(void **state)
{
    (void)state;
    assert_non_null(strstr(mote_strerror(-3), "user"));
    assert_non_null(strstr(mote_strerror(9999), "unknown"));
}

static void the_version_is_that_of_the_headers(void **state)
{
    (void)state;
    assert_string_equal(mote_version(), MOTE_VERSION_STRING);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(names_go_both_ways),
                                        cmocka_unit_test(unknown_codes_have_a_text),
                                        cmocka_unit_test(the_version_is_that_of_the_headers) };
    return run_unit_tests(tests);
}
