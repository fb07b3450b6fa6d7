/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Series of a state-space model from text files: separators, names, missing values, times; what is refused, and where.
 */
#include <mote/ssm.h>
#include <mote/status.h>

#include "io/series.h"
#include "tests/support/test.h"

static const char *const observations[] = { "a", "b" };
static const char *const inputs[] = { "u" };
static const mote_ssm model = { MOTE_VERSIONED(mote_ssm), MOTE_OBSERVATIONS(observations), MOTE_INPUTS(inputs),
                                .name = "test" };
static const mote_ssm alone = { MOTE_VERSIONED(mote_ssm), .observations = observations, .observation_count = 1,
                                .initial_time = 10, .flags = MOTE_SSM_START_BEFORE };
static char message[600];

static int read_text(const mote_ssm *ssm, const char *text, const mote_series_names *names, mote_series_file *file)
{
    static const mote_series_names none = { NULL, NULL, NULL };
    static mote_memory memory;
    char path[] = "test_series.csv";
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(mote_memory_open(&memory, NULL), MOTE_OK);
    *message = '\0';
    int status = mote_series_file_read(file, &memory, ssm, path, names ? names : &none, message, sizeof message);
    remove(path);
    return status;
}

static void every_separator_gives_the_same_series(void **state)
{
    static const char *const texts[] = {
        "time,u,b,a\n0,7,1,0.5\n2,8,NA,1.5\n",
        "time;a;b;u\r\n0;0.5;1;7\r\n2;1.5;;8\r\n",
        "a\tb\tu\ttime\n0.5\t1\t7\t0\n1.5\t\t8\t2\n",
        "# a comment\n\n  a b   u time\n 0.5 1 7 0\n1.5 nan 8   2  \n",
        "\xEF\xBB\xBF\"a\",\"b\",u,time,remark\n0.5,1,7,0,\"dry, cold\"\n1.5, NaN ,8,2,wet\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        mote_series_file file;
        if (read_text(&model, texts[i], NULL, &file))
            fail_msg("text %d: %s", (int)i, message);
        assert_int_equal(file.series.count, 2);
        assert_true(file.series.time[0] == 0 && file.series.time[1] == 2);
        assert_true(file.series.values[0] == 0.5 && file.series.values[1] == 1 && file.series.values[2] == 1.5);
        assert_true(isnan(file.series.values[3]));
        assert_true(file.series.input[0] == 7 && file.series.input[1] == 8);
        mote_series_file_free(&file);
    }
}

/* An empty line among rows of one column is an empty field; before the first row, behind the last one, and in wider tables
 * it is nothing. */
static void empty_lines_of_one_column_are_missing(void **state)
{
    static const struct { const char *text; int64_t count; } cases[] = {
        { "a\n0.5\n\n \r\n2\n\n\n", 4 }, { "\n# what\n\na\n0.5\n# not a row\n\n\n2", 4 },
        { "\n0.5\n\n\n2\n", 4 },           { "time,a\n0,0.5\n\n\n3,2\n", 2 },
        { "a\n\n0.5\n\n\n2\n", 4 },        { "\na\n \n# what\n\n0.5\n\n\n2\n\n", 4 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        mote_series_file file;
        const mote_ssm still = { MOTE_VERSIONED(mote_ssm), .observations = observations, .observation_count = 1 };
        if (read_text(&still, cases[i].text, NULL, &file))
            fail_msg("text %d: %s", (int)i, message);
        assert_int_equal(file.series.count, cases[i].count);
        for (int64_t t = 0; t < cases[i].count; ++t) {
            const double expected = t == 0 ? 0.5 : t == cases[i].count - 1 ? 2 : NAN, is = file.series.values[t];
            assert_true(isnan(expected) ? isnan(is) : is == expected);
        }
        assert_true(file.series.time[cases[i].count - 1] == 3);
        mote_series_file_free(&file);
    }
}

static void names_and_times_may_be_given_or_absent(void **state)
{
    const mote_series_names names = { "x , y", " z", "year" };
    mote_series_file file;
    (void)state;
    assert_int_equal(read_text(&model, "year,x,y,z\n1900,1,2,3\n1901,4,5,6\n", &names, &file), MOTE_OK);
    assert_true(file.series.time[1] == 1901 && file.series.values[2] == 4 && file.series.input[1] == 6);
    mote_series_file_free(&file);
    assert_int_equal(read_text(&alone, "1\nNA\n3\n", NULL, &file), MOTE_OK);
    assert_int_equal(file.series.count, 3);
    assert_true(file.series.time[0] == 11 && file.series.time[2] == 13); /* initial_time + 1, ... */
    assert_true(file.series.values[0] == 1 && isnan(file.series.values[1]) && file.series.values[2] == 3);
    mote_series_file_free(&file);
}

static void a_long_file_keeps_every_row(void **state)
{
    static char text[40000];
    size_t used = (size_t)snprintf(text, sizeof text, "a\n");
    mote_series_file file;
    (void)state;
    for (int i = 0; i < 5000; ++i)
        used += (size_t)snprintf(text + used, sizeof text - used, "%d\n", i);
    assert_int_equal(read_text(&alone, text, NULL, &file), MOTE_OK);
    assert_int_equal(file.series.count, 5000);
    for (int i = 0; i < 5000; ++i)
        assert_true(file.series.values[i] == i && file.series.time[i] == 11 + i);
    mote_series_file_free(&file);
}

static void refused(const mote_ssm *ssm, const char *text, const mote_series_names *names, int status, const char *word)
{
    mote_series_file file;
    assert_int_equal(read_text(ssm, text, names, &file), status);
    if (!strstr(message, word))
        fail_msg("message '%s' does not say '%s'", message, word);
}

static void each_fault_is_named(void **state)
{
    const mote_series_names two = { "a,b", NULL, NULL }, clock = { NULL, NULL, "clock" };
    (void)state;
    refused(&alone, "", NULL, MOTE_EPARSE, "empty");
    refused(&alone, "a\n", NULL, MOTE_EPARSE, "no rows");
    refused(&alone, "aa,c\n1,2\n", NULL, MOTE_EPARSE,
            "csv:1: there is no column 'a' for the observation of the model; did you mean 'aa'");
    refused(&alone, "a,a\n1,2\n", NULL, MOTE_EPARSE, "two columns have the name 'a'");
    refused(&alone, "1,2\n", NULL, MOTE_EPARSE, "2 columns without names");
    refused(&alone, "a,t\n1,2\n3\n", NULL, MOTE_EPARSE, "csv:3: 1 columns, but the first line has 2");
    refused(&alone, "t,a\n1,2\n\n3,1.2.3\n", NULL, MOTE_EPARSE, "csv:4: column 2 (a): '1.2.3' is not a finite number");
    refused(&alone, "a\ninf\n", NULL, MOTE_EPARSE, "not a finite number");
    refused(&alone, "time,a\n9,1\n", NULL, MOTE_EPARSE, "csv:2: column 1 (time): the time 9 does not follow 10");
    refused(&alone, "time,a\n11,1\n11,2\n", NULL, MOTE_EPARSE, "csv:3");
    refused(&alone, "time,a\nNA,1\n", NULL, MOTE_EPARSE, "csv:2");
    refused(&alone, "a\n1\n", &two, MOTE_EOPTION, "names 2 columns, but the model has 1");
    refused(&alone, "a\n1\n", &clock, MOTE_EPARSE, "'clock' for the time");
    refused(&model, "a,b,u\n1,2,NA\n", NULL, MOTE_EPARSE, "an input is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_separator_gives_the_same_series),
        cmocka_unit_test(empty_lines_of_one_column_are_missing),
        cmocka_unit_test(names_and_times_may_be_given_or_absent),
        cmocka_unit_test(a_long_file_keeps_every_row),
        cmocka_unit_test(each_fault_is_named),
    };
    return run_unit_tests(tests);
}
