/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/number.h"

#include <float.h>
#include <mote/status.h>

#include "tests/support/comma.h"
#include "tests/support/test.h"

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Every finite double of a walk over all exponents reads back as the same bits. */
static void check_round_trips(void)
{
    char text[MOTE_NUMBER_SIZE];
    uint64_t word = 1;
    for (int i = 0; i < 20000; ++i) {
        word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double x = from_bits(word), back = 0;
        if (!isfinite(x))
            continue;
        assert_status(mote_number_parse(mote_number_format(text, x, 17), &back), MOTE_OK);
        assert_same_bytes(&back, &x, sizeof x);
        assert_true(strlen(text) < MOTE_NUMBER_SIZE);
        assert_status(mote_number_parse(mote_number_format_shortest(text, x), &back), MOTE_OK);
        assert_same_bytes(&back, &x, sizeof x);
    }
}

static void check_texts(void)
{
    static const struct {
        double value;
        int digits;
        const char *text;
    } cases[] = { { 0.1, 17, "0.10000000000000001" },
                  { 0.1, 3, "0.1" },
                  { -1234.5, 17, "-1234.5" },
                  { 1e300, 17, "1.0000000000000001e+300" },
                  { 2.5, 0, "2" },
                  { 2.0 / 3, 99, "0.66666666666666663" },
                  { -0.0, 17, "-0" },
                  { 5e-324, 17, "4.9406564584124654e-324" },
                  { INFINITY, 17, "inf" },
                  { -INFINITY, 17, "-inf" },
                  { NAN, 17, "nan" },
                  { -NAN, 17, "nan" } };
    char text[MOTE_NUMBER_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
        assert_string_equal(mote_number_format(text, cases[i].value, cases[i].digits), cases[i].text);
    assert_string_equal(mote_number_format_shortest(text, 0.1), "0.1");
    assert_string_equal(mote_number_format_shortest(text, 0.1 + 0.2), "0.30000000000000004");
}

static void check_parse(void)
{
    static const struct {
        const char *text;
        double value;
    } good[] = { { "1.5", 1.5 }, { " \t-2.25e-3 \n", -2.25e-3 }, { ".5", 0.5 }, { "5.", 5 }, { "+7", 7 },
                 { "1e4", 1e4 }, { "1E+4", 1e4 }, { "inf", INFINITY }, { "-Inf", -INFINITY }, { "NaN", NAN },
                 { "Infinity", INFINITY }, { "1.7976931348623157e308", DBL_MAX }, { "1e-400", 0 },
                 { "9007199254740993", 9007199254740992.0 }, { "9007199254740993.0000000000000000001", 9007199254740994.0 } };
    static const char *const bad[] = { "", "  ", "1,5", "1.5x", "0x10", "1e", "e5", ".", "-", "+-1", "1 2", "1e999",
                                       "-1e999", "nan(1)", "infi", "1.5.2", "--1", "1e+", "\xd9\xab" };
    double x;
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        assert_status(mote_number_parse(good[i].text, &x), MOTE_OK);
        assert_close(x, good[i].value, 0, 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        x = 42;
        assert_status(mote_number_parse(bad[i], &x), MOTE_EPARSE);
        assert_close(x, 42, 0, 0);
    }
}

static void texts_and_values(void **state)
{
    (void)state;
    check_texts();
    check_parse();
    check_round_trips();
}

static void comma_locale(void **state)
{
    (void)state;
    char text[32];
    if (!enter_comma_locale())
        skip();
    snprintf(text, sizeof text, "%.1f", 0.5);
    assert_string_equal(text, "0,5"); /* the locale is really in force */
    check_texts();
    check_parse();
    check_round_trips();
    assert_string_equal(localeconv()->decimal_point, ","); /* and still is */
    leave_comma_locale();
}

static void whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = { { "0", 0 }, { "-0", 0 }, { " 12 ", 12 }, { "+5", 5 }, { "1e4", 10000 }, { "2.0", 2 }, { "1.5e1", 15 },
                 { "9223372036854775807", INT64_MAX }, { "-9223372036854775808", INT64_MIN },
                 { "9007199254740993", INT64_C(9007199254740993) }, { "9e18", INT64_C(9000000000000000000) } };
    static const char *const bad[] = { "", "x", "1.5", "9223372036854775808", "-9223372036854775809", "1e19", "inf",
                                       "nan", "0x10", "12a", "1 2", "1e-1", "99999999999999999999999" };
    int64_t n;
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        assert_status(mote_number_parse_integer(good[i].text, &n), MOTE_OK);
        assert_true(n == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        assert_status(mote_number_parse_integer(bad[i], &n), MOTE_EPARSE);
}

static void columns(void **state)
{
    (void)state;
    const char *cursor = " 1.5\t-2e3\r\n inf 7x";
    const double expected[] = { 1.5, -2000, INFINITY, 7 };
    double x;
    for (int i = 0; i < 4; ++i) {
        assert_status(mote_number_next(&cursor, &x), MOTE_OK);
        assert_close(x, expected[i], 0, 0);
    }
    const char *before = cursor;
    assert_status(mote_number_next(&cursor, &x), MOTE_EPARSE);
    assert_ptr_equal(cursor, before); /* stays in front of what it could not read */
    cursor = " \n";
    assert_status(mote_number_next(&cursor, &x), MOTE_DONE);
    assert_status(mote_number_next(&cursor, &x), MOTE_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(texts_and_values), cmocka_unit_test(comma_locale),
                                        cmocka_unit_test(whole_numbers), cmocka_unit_test(columns) };
    return run_unit_tests(tests);
}
