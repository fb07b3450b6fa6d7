/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/config_parts.h"

#include <mote/status.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/folder.h"
#include "tests/support/test.h"

static char message[1024];

static mote_config *parse(const char *text)
{
    mote_config *file = NULL;
    int status = mote_config_parse(&file, text, "run.ini", message, sizeof message);
    if (status)
        print_error("%s\n", message);
    assert_status(status, MOTE_OK);
    return file;
}

static const char *value(const mote_config *file, const char *section, const char *key)
{
    return mote_config_get(mote_config_section(file, section), key, "(absent)");
}

static void sections_and_values(void **state)
{
    (void)state;
    mote_config *file = parse("\xef\xbb\xbf; a comment\n"
                              "# another\n"
                              "\n"
                              "  \t \n"
                              "[run]  ; the first\r\n"
                              "live_points = 500\r\n"
                              "   # an indented comment\n"
                              "name=a b  c\t; said\n"
                              "path = a;b#c\n"
                              "empty =\n"
                              "equation = x = y : z\n"
                              "h.label = h_0\n"
                              "[ spaced name ]\n"
                              "bytes = \xff\xfe\x80\n"
                              "[nothing]\n"
                              "[last]\n"
                              "key = value");
    assert_string_equal(value(file, "run", "live_points"), "500");
    assert_string_equal(value(file, "run", "name"), "a b  c");
    assert_string_equal(value(file, "run", "path"), "a;b#c");
    assert_string_equal(value(file, "run", "empty"), "");
    assert_string_equal(value(file, "run", "equation"), "x = y : z");
    assert_string_equal(value(file, "run", "h.label"), "h_0");
    assert_string_equal(value(file, "run", "none"), "(absent)");
    assert_string_equal(value(file, "spaced name", "bytes"), "\xff\xfe\x80");
    assert_string_equal(value(file, "last", "key"), "value");
    assert_string_equal(value(file, "absent", "key"), "(absent)");
    static const char *const names[] = { "run", "spaced name", "nothing", "last" };
    for (int64_t i = 0; i < 4; ++i)
        assert_string_equal(mote_config_section_name(file, i), names[i]);
    assert_null(mote_config_section_name(file, 4));
    assert_null(mote_config_section_name(file, -1));
    const mote_config *run = mote_config_section(file, "run");
    assert_string_equal(mote_config_key(run, 1), "name");
    assert_null(mote_config_key(run, 6));
    assert_string_equal(mote_config_where(run, "name"), "run.ini:8");
    assert_string_equal(mote_config_where(run, NULL), "run.ini:5");
    assert_null(mote_config_where(run, "none"));
    mote_config_free(&file);
    assert_null(file);
    mote_config_free(&file);
    mote_config_free(NULL);
}

static void refused_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "[a]\nx = 1\ny = 2\nx = 3\n", "run.ini:4: key 'x' was set at run.ini:2" },
        { "[a]\n[b]\n\n[a]\n", "run.ini:4: section 'a' was begun at run.ini:1" },
        { "[a]\nx\n", "run.ini:2: no '=': expected key = value" },
        { "[a]\nx : 1\n", "run.ini:2: no '=': expected key = value" },
        { "[a]\nx:y = 1\n", "run.ini:2: key 'x:y' has a ':' in it" },
        { "[a]\nx ; = 1\n", "run.ini:2: no '=': expected key = value" },
        { "[a]\n = 1\n", "run.ini:2: the line begins with a blank: values cannot be continued on a second line" },
        { "[a]\n= 1\n", "run.ini:2: no key before the '='" },
        { "[a]\nx = 1\n  2\n",
          "run.ini:3: the line begins with a blank: values cannot be continued on a second line" },
        { "[a]\nx = 1\n\ty = 2\n",
          "run.ini:3: the line begins with a blank: values cannot be continued on a second line" },
        { "x = 1\n", "run.ini:1: key 'x' stands above the first [section]" },
        { "[a\n", "run.ini:1: a section without its ']'" },
        { "[]\n", "run.ini:1: a section without a name" },
        { "[ ]\n", "run.ini:1: a section without a name" },
        { "[a] b\n", "run.ini:1: text after the section's ']'" },
        { "[a]\n\n<<<<<<< HEAD\n", "run.ini:3: no '=': expected key = value" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        mote_config *file = (mote_config *)&file;
        assert_status(mote_config_parse(&file, cases[i].text, "run.ini", message, sizeof message), MOTE_EPARSE);
        assert_string_equal(message, cases[i].message);
        assert_null(file);
    }
}

/* A line of `length` bytes, "x = aaa...": inih alone would cut it at 199. */
static char *long_line(size_t length)
{
    char *text = malloc(length + 16);
    memcpy(text, "[a]\nx = ", 8);
    memset(text + 8, 'v', length - 4);
    memcpy(text + 4 + length, "\ny = 2\n", 8);
    return text;
}

static void long_lines(void **state)
{
    (void)state;
    for (size_t length = 190; length < 210; ++length) {
        char *text = long_line(length);
        mote_config *file = parse(text);
        assert_int_equal(strlen(value(file, "a", "x")), length - 4);
        assert_string_equal(mote_config_where(mote_config_section(file, "a"), "y"), "run.ini:3");
        mote_config_free(&file);
        free(text);
    }
    char *text = long_line(65536), *commented = long_line(1000);
    mote_config *file = parse(text);
    assert_int_equal(strlen(value(file, "a", "x")), 65532);
    mote_config_free(&file);
    free(text);
    memcpy(commented + 500, "v ; no more", 11); /* the comment of a long line is cut too */
    file = parse(commented);
    assert_int_equal(strlen(value(file, "a", "x")), 500 - 8 + 1);
    mote_config_free(&file);
    free(commented);
    text = long_line(65537);
    assert_status(mote_config_parse(&file, text, "run.ini", message, sizeof message), MOTE_EPARSE);
    assert_string_equal(message, "run.ini:2: the line is longer than 65536 bytes");
    free(text);
}

static void long_names(void **state)
{
    (void)state;
    char name[140], text[500];
    for (int length = 40; length < 140; ++length) { /* inih cuts section names at 49 bytes */
        memset(name, 'n', sizeof name);
        name[length] = '\0';
        snprintf(text, sizeof text, "[%s]\nx = 1\n[%sx]\n%s = 2\n", name, name, name);
        mote_config *file = NULL;
        int status = mote_config_parse(&file, text, "run.ini", message, sizeof message);
        assert_status(status, length < MOTE_CONFIG_NAME ? MOTE_OK : MOTE_EPARSE);
        if (!status)
            assert_string_equal(value(file, name, "x"), "1");
        mote_config_free(&file);
    }
}

static void limits(void **state)
{
    (void)state;
    static char text[200000];
    size_t length = (size_t)snprintf(text, sizeof text, "[a]\n");
    for (int i = 0; i <= MOTE_CONFIG_KEYS; ++i)
        length += (size_t)snprintf(text + length, sizeof text - length, "k%d=1\n", i);
    mote_config *file;
    assert_status(mote_config_parse(&file, text, "run.ini", message, sizeof message), MOTE_EPARSE);
    assert_string_equal(message, "run.ini:4098: too many keys in this section");
    length = 0;
    for (int i = 0; i <= MOTE_CONFIG_SECTIONS; ++i)
        length += (size_t)snprintf(text + length, sizeof text - length, "[s%d]\n", i);
    assert_status(mote_config_parse(&file, text, "run.ini", message, sizeof message), MOTE_EPARSE);
    assert_string_equal(message, "run.ini:1025: too many sections");
    mote_memory memory;
    mote_message reason;
    mote_memory_open(&memory, NULL);
    assert_status(mote_config_open(&file, &memory, "[a]\nx = \0 1\n", 12, "f", &reason), MOTE_EPARSE);
    assert_string_equal(reason.text, "f:2: a NUL byte: this is no text");
    assert_status(mote_config_open(&file, &memory, text, MOTE_CONFIG_FILE + 1, "f", &reason), MOTE_EPARSE);
    assert_string_equal(reason.text, "f: longer than 16 MiB");
}

static void numbers_and_truth(void **state)
{
    (void)state;
    mote_config *file = parse("[a]\nreal = 1.5e-3\ninteger = 1e4\ntruth = on\nbad = 1,5\nfalse = no\n");
    const mote_config *a = mote_config_section(file, "a");
    double real;
    int64_t integer;
    assert_status(mote_config_real(a, "real", 0, &real, message, sizeof message), MOTE_OK);
    assert_close(real, 1.5e-3, 0, 0);
    assert_status(mote_config_real(a, "none", 7.5, &real, message, sizeof message), MOTE_OK);
    assert_close(real, 7.5, 0, 0);
    assert_status(mote_config_real(NULL, "real", 2, &real, message, sizeof message), MOTE_OK);
    assert_close(real, 2, 0, 0);
    assert_status(mote_config_integer(a, "integer", 0, &integer, message, sizeof message), MOTE_OK);
    assert_int_equal(integer, 10000);
    assert_status(mote_config_truth(a, "truth", 0, &integer, message, sizeof message), MOTE_OK);
    assert_int_equal(integer, 1);
    assert_status(mote_config_truth(a, "false", 1, &integer, message, sizeof message), MOTE_OK);
    assert_int_equal(integer, 0);
    assert_status(mote_config_truth(a, "none", 1, &integer, message, sizeof message), MOTE_OK);
    assert_int_equal(integer, 1);
    assert_status(mote_config_real(a, "bad", 0, &real, message, sizeof message), MOTE_EPARSE);
    assert_string_equal(message, "run.ini:5: bad: '1,5' is not a number");
    assert_status(mote_config_integer(a, "real", 0, &integer, message, sizeof message), MOTE_EPARSE);
    assert_string_equal(message, "run.ini:2: real: '1.5e-3' is not a whole number");
    assert_status(mote_config_truth(a, "bad", 0, &integer, NULL, 0), MOTE_EPARSE);
    mote_config_free(&file);
}

static void unused_keys_are_found(void **state)
{
    (void)state;
    mote_config *file = parse("[a]\nx = 1\ny = 2\nz = 3\n");
    const mote_config *a = mote_config_section(file, "a");
    assert_string_equal(mote_config_unused(a), "x");
    mote_config_get(a, "x", NULL);
    mote_config_key(a, 1); /* does not count */
    mote_config_where(a, "y");
    assert_string_equal(mote_config_unused(a), "y");
    double real;
    mote_config_real(a, "z", 0, &real, NULL, 0);
    mote_config_get(a, "y", NULL);
    assert_null(mote_config_unused(a));
    assert_null(mote_config_unused(NULL));
    mote_config_free(&file);
}

static void set_adds_and_replaces(void **state)
{
    (void)state;
    mote_config *file = parse("[a]\nx = 1\n");
    mote_config_get(mote_config_section(file, "a"), "x", NULL);
    assert_status(mote_config_set(file, "a", "x", "2"), MOTE_OK);
    assert_string_equal(mote_config_unused(mote_config_section(file, "a")), "x"); /* the new value was not asked for */
    assert_status(mote_config_set(file, "a", "y", "3"), MOTE_OK);
    assert_status(mote_config_set(file, "b", "z", "4 ; kept"), MOTE_OK);
    assert_string_equal(value(file, "a", "x"), "2");
    assert_string_equal(value(file, "a", "y"), "3");
    assert_string_equal(value(file, "b", "z"), "4 ; kept");
    assert_string_equal(mote_config_where(mote_config_section(file, "b"), "z"), "(set)");
    static const char *const bad[][3] = { { "", "k", "v" },    { "s", "", "v" },    { "s]", "k", "v" },
                                          { "s", "k=", "v" },  { "s", "k", "a\nb" }, { "s", " k", "v" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i)
        assert_status(mote_config_set(file, bad[i][0], bad[i][1], bad[i][2]), MOTE_EINVAL);
    assert_status(mote_config_set(NULL, "a", "b", "c"), MOTE_EINVAL);
    assert_null(mote_config_section(file, "s"));
    mote_config_free(&file);
}

static void paths(void **state)
{
    (void)state;
    static const char *const cases[][3] = { { "run.ini", "data.txt", "data.txt" },
                                            { "dir/run.ini", "data.txt", "dir/data.txt" },
                                            { "/a/b/run.ini", "../c", "/a/b/../c" },
                                            { "/run.ini", "c", "/c" },
                                            { "dir/run.ini", "/abs", "/abs" } };
    char path[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        mote_config *file;
        assert_status(mote_config_parse(&file, "[a]\nx = 1\n", cases[i][0], NULL, 0), MOTE_OK);
        const mote_config *a = mote_config_section(file, "a");
        assert_status(mote_config_path(a, cases[i][1], path, sizeof path), MOTE_OK);
        assert_string_equal(path, cases[i][2]);
        assert_status(mote_config_path(file, cases[i][1], path, sizeof path), MOTE_OK);
        assert_string_equal(path, cases[i][2]);
        assert_status(mote_config_path(a, cases[i][1], path, 2), MOTE_EINVAL);
        assert_status(mote_config_path(a, "", path, sizeof path), MOTE_EINVAL);
        mote_config_free(&file);
    }
}

static void files(void **state)
{
    (void)state;
    char folder[256], path[512], expected[700];
    mote_config *file = NULL;
    assert_int_equal(make_test_folder(folder), 0);
    snprintf(path, sizeof path, "%s/run.ini", folder);
    assert_status(mote_config_read(&file, path, message, sizeof message), MOTE_ENOENT);
    snprintf(expected, sizeof expected, "%s: No such file or directory", path);
    assert_string_equal(message, expected);
    assert_status(mote_config_read(&file, folder, message, sizeof message), MOTE_EIO); /* a folder */
    FILE *stream = fopen(path, "wb");
    fputs("[a]\n", stream);
    for (int i = 0; i < 4000; ++i) /* several blocks */
        fprintf(stream, "key%d = %d\n", i, i);
    fclose(stream);
    assert_status(mote_config_read(&file, path, message, sizeof message), MOTE_OK);
    assert_string_equal(value(file, "a", "key3999"), "3999");
    snprintf(expected, sizeof expected, "%s:4001", path);
    assert_string_equal(mote_config_where(mote_config_section(file, "a"), "key3999"), expected);
    mote_config_free(&file);
    stream = fopen(path, "wb");
    fwrite("[a]\nx = 1\0\n", 1, 11, stream);
    fclose(stream);
    assert_status(mote_config_read(&file, path, message, sizeof message), MOTE_EPARSE);
    stream = fopen(path, "wb");
    assert_int_equal(ftruncate(fileno(stream), MOTE_CONFIG_FILE + 1), 0);
    fclose(stream);
    assert_status(mote_config_read(&file, path, message, sizeof message), MOTE_EPARSE);
    assert_non_null(strstr(message, "longer than 16 MiB"));
    stream = fopen(path, "wb");
    fclose(stream);
    assert_status(mote_config_read(&file, path, message, sizeof message), MOTE_OK); /* empty: no sections */
    assert_null(mote_config_section_name(file, 0));
    mote_config_free(&file);
    remove_test_folder(folder);
}

/* inih 55 ends its input early at a reader's NULL: every prefix of a file is either read or refused with a message,
 * and never anything else. */
static void every_prefix(void **state)
{
    (void)state;
    static const char text[] = "[one]\r\nx = 1 ; c\n\n# c\n[two]\ny=2\nz = three = four\n";
    mote_memory memory;
    mote_message reason;
    mote_memory_open(&memory, NULL);
    for (int64_t length = 0; length < (int64_t)sizeof text; ++length) {
        mote_config *file;
        char *copy = malloc((size_t)length + 1); /* exact size for sanitizers; not ended by a zero */
        memcpy(copy, text, (size_t)length);
        snprintf(reason.text, sizeof reason.text, "-");
        int status = mote_config_open(&file, &memory, copy, length, "f", &reason);
        assert_true(status == MOTE_OK ? file != NULL : status == MOTE_EPARSE && !strncmp(reason.text, "f:", 2));
        mote_config_free(&file);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_and_values),   cmocka_unit_test(refused_files),     cmocka_unit_test(long_lines),
        cmocka_unit_test(long_names),            cmocka_unit_test(limits),            cmocka_unit_test(numbers_and_truth),
        cmocka_unit_test(unused_keys_are_found), cmocka_unit_test(set_adds_and_replaces), cmocka_unit_test(paths),
        cmocka_unit_test(files),                 cmocka_unit_test(every_prefix),
    };
    return run_unit_tests(tests);
}
