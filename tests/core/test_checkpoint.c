/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/checkpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/support/folder.h"
#include "tests/support/test.h"

static mote_memory memory;
static mote_message message;
static char folder[256], path[512];

static int open_folder(void **state)
{
    (void)state;
    snprintf(message.text, sizeof message.text, "nothing said");
    return mote_memory_open(&memory, NULL) || make_test_folder(folder);
}

static int close_folder(void **state)
{
    (void)state;
    remove_test_folder(folder);
    return 0;
}

static void write_state(mote_writer *writer)
{
    const double reals[] = { 1.5, -0.0, NAN, INFINITY };
    const int64_t integers[] = { INT64_MIN, -1, INT64_MAX };
    mote_writer_open(writer, &memory);
    mote_put_tag(writer, "state");
    mote_put_integer(writer, -42);
    mote_put_word(writer, UINT64_MAX);
    mote_put_real(writer, 0.1);
    mote_put_text(writer, "text");
    mote_put_text(writer, NULL);
    mote_put_text(writer, "");
    mote_put_reals(writer, reals, 4);
    mote_put_integers(writer, integers, 3);
    mote_put_reals(writer, NULL, 0);
    mote_put_integer(writer, 7);
    assert_status(writer->status, MOTE_OK);
}

/* Reads what write_state wrote; the status of the reader. */
static int read_state(mote_reader *reader)
{
    double reals[4];
    int64_t integers[3];
    mote_get_tag(reader, "state");
    int64_t minus = mote_get_integer(reader);
    uint64_t word = mote_get_word(reader);
    double tenth = mote_get_real(reader);
    const char *text = mote_get_text(reader), *null = mote_get_text(reader), *empty = mote_get_text(reader);
    mote_get_reals(reader, reals, 4);
    mote_get_integers(reader, integers, 3);
    mote_get_reals(reader, NULL, 0);
    int64_t count = mote_get_count(reader, 0, 7);
    if (reader->status)
        return reader->status;
    assert_int_equal(minus, -42);
    assert_true(word == UINT64_MAX);
    assert_close(tenth, 0.1, 0, 0);
    assert_string_equal(text, "text");
    assert_null(null);
    assert_string_equal(empty, "");
    assert_true(reals[0] == 1.5 && reals[1] == 0 && signbit(reals[1]) && isnan(reals[2]) && reals[3] == INFINITY);
    assert_true(integers[0] == INT64_MIN && integers[1] == -1 && integers[2] == INT64_MAX);
    assert_int_equal(count, 7);
    return MOTE_OK;
}

static void round_trip(void **state)
{
    (void)state;
    mote_writer writer;
    mote_reader reader;
    write_state(&writer);
    mote_reader_open(&reader, writer.bytes, writer.length);
    assert_status(read_state(&reader), MOTE_OK);
    assert_int_equal(reader.position, reader.length);
    assert_int_equal(mote_get_integer(&reader), 0); /* past the end */
    assert_status(reader.status, MOTE_ECORRUPT);
    mote_writer_close(&writer);
    mote_writer_close(&writer); /* harmless */
}

/* The layout is part of the format: little-endian words on every machine. */
static void layout(void **state)
{
    (void)state;
    static const unsigned char expected[] = { 2,   1,   0, 0, 0, 0, 0, 0,    /* 258 */
                                              2,   0,   0, 0, 0, 0, 0, 0,    /* length of the text */
                                              'a', 'b', 0,                   /* text */
                                              0,   0,   0, 0, 0, 0, 0xf0, 0x3f }; /* 1.0 */
    mote_writer writer;
    mote_writer_open(&writer, &memory);
    mote_put_integer(&writer, 258);
    mote_put_text(&writer, "ab");
    mote_put_real(&writer, 1);
    assert_int_equal(writer.length, sizeof expected);
    assert_same_bytes(writer.bytes, expected, sizeof expected);
    mote_writer_close(&writer);
}

static void many_values_grow(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    mote_writer writer;
    mote_reader reader;
    mote_writer_open(&writer, &memory);
    for (int64_t i = 0; i < COUNT; ++i)
        mote_put_integer(&writer, i * i);
    mote_reader_open(&reader, writer.bytes, writer.length);
    for (int64_t i = 0; i < COUNT; ++i)
        assert_int_equal(mote_get_integer(&reader), i * i);
    mote_writer_close(&writer);
}

/* A reader that gets less, or other numbers, than were written says so and touches nothing outside. */
static void faults_of_the_reader(void **state)
{
    (void)state;
    mote_writer writer;
    mote_reader reader;
    write_state(&writer);
    for (int64_t length = 0; length < writer.length; ++length) {
        unsigned char *copy = malloc((size_t)length + 1); /* exact size: a sanitizer sees every byte too far */
        memcpy(copy, writer.bytes, (size_t)length);
        mote_reader_open(&reader, copy, length);
        assert_status(read_state(&reader), MOTE_ECORRUPT);
        free(copy);
    }
    double values[8] = { 1, 1 };
    mote_reader_open(&reader, writer.bytes, writer.length);
    mote_get_reals(&reader, values, 2); /* the first number there is not 2 */
    assert_status(reader.status, MOTE_ECORRUPT);
    assert_true(values[0] == 0 && values[1] == 0);
    mote_reader_open(&reader, writer.bytes, writer.length);
    mote_get_tag(&reader, "stage");
    assert_status(reader.status, MOTE_ECORRUPT);
    assert_null(mote_get_text(&reader));
    mote_writer_close(&writer);
}

static void hostile_counts(void **state)
{
    (void)state;
    static const int64_t lengths[] = { -2, INT64_MIN, INT64_MAX, INT64_MAX / 8, 9, 1000 };
    double value;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
        mote_writer writer;
        mote_reader reader;
        mote_writer_open(&writer, &memory);
        mote_put_integer(&writer, lengths[i]);
        mote_put_integer(&writer, 0);
        mote_reader_open(&reader, writer.bytes, writer.length);
        assert_null(mote_get_text(&reader));
        assert_status(reader.status, MOTE_ECORRUPT);
        mote_reader_open(&reader, writer.bytes, writer.length);
        mote_get_reals(&reader, &value, 1);
        assert_status(reader.status, MOTE_ECORRUPT);
        mote_reader_open(&reader, writer.bytes, writer.length);
        assert_int_equal(mote_get_count(&reader, 0, 8), 0);
        assert_status(reader.status, MOTE_ECORRUPT);
        mote_writer_close(&writer);
    }
}

static void *no_memory(void *ctx, size_t size)
{
    (void)ctx, (void)size;
    return NULL;
}

static void *no_resize(void *ctx, void *block, size_t size)
{
    (void)ctx, (void)block, (void)size;
    return NULL;
}

static void no_release(void *ctx, void *block)
{
    (void)ctx;
    assert_null(block);
}

static void writer_without_memory(void **state)
{
    (void)state;
    const mote_allocator none = { MOTE_VERSIONED(mote_allocator), no_memory, no_resize, no_release, NULL };
    mote_memory empty;
    mote_writer writer;
    assert_status(mote_memory_open(&empty, &none), MOTE_OK);
    mote_writer_open(&writer, &empty);
    mote_put_integer(&writer, 1);
    mote_put_text(&writer, "x");
    assert_status(writer.status, MOTE_ENOMEM);
    snprintf(path, sizeof path, "%s/file", folder);
    assert_status(mote_file_store(path, &writer, &message), MOTE_ENOMEM);
    assert_int_equal(access(path, F_OK), -1);
    mote_writer_close(&writer);
}

/* Published test vectors of FNV-1a (Noll). */
static void hash_known_answers(void **state)
{
    (void)state;
    assert_true(mote_hash(MOTE_HASH_START, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(mote_hash(MOTE_HASH_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(mote_hash(MOTE_HASH_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
    assert_true(mote_hash(mote_hash(MOTE_HASH_START, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

/* ---- files ---- */

static void store_raw(const char *name, const unsigned char *bytes, size_t n)
{
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

static size_t load_raw(const char *name, unsigned char *bytes, size_t size)
{
    FILE *file = fopen(name, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, size, file);
    fclose(file);
    return n;
}

static int load_status(void)
{
    unsigned char *bytes;
    int64_t length;
    int status = mote_file_load(path, &memory, &bytes, &length, &message);
    if (status)
        assert_null(bytes);
    mote_memory_release(&memory, bytes);
    return status;
}

static void file_round_trip(void **state)
{
    (void)state;
    mote_writer writer;
    mote_reader reader;
    unsigned char *bytes, raw[1024];
    int64_t length;
    snprintf(path, sizeof path, "%s/file", folder);
    write_state(&writer);
    for (int i = 0; i < 2; ++i) /* new, then replacing */
        assert_status(mote_file_store(path, &writer, &message), MOTE_OK);
    assert_status(mote_file_load(path, &memory, &bytes, &length, &message), MOTE_OK);
    mote_reader_open(&reader, bytes, length);
    assert_status(read_state(&reader), MOTE_OK);
    mote_memory_release(&memory, bytes);
    assert_int_equal(load_raw(path, raw, sizeof raw), writer.length + 32);
    assert_same_bytes(raw, "mote\0ckp\1\0\0\0\0\0\0\0", 16);
    assert_int_equal(count_test_files(folder, "file"), 1); /* no .partial is left */
    mote_writer_close(&writer);
}

static void empty_file_round_trip(void **state)
{
    (void)state;
    mote_writer writer;
    mote_writer_open(&writer, &memory);
    snprintf(path, sizeof path, "%s/file", folder);
    assert_status(mote_file_store(path, &writer, &message), MOTE_OK);
    assert_status(load_status(), MOTE_OK);
}

/* Every byte changed in turn, every shorter and some longer files: all refused. */
static void damaged_files_are_refused(void **state)
{
    (void)state;
    mote_writer writer;
    unsigned char raw[1024];
    snprintf(path, sizeof path, "%s/file", folder);
    write_state(&writer);
    assert_status(mote_file_store(path, &writer, &message), MOTE_OK);
    mote_writer_close(&writer);
    size_t n = load_raw(path, raw, sizeof raw);
    for (size_t i = 0; i < n; ++i)
        for (int bit = 0; bit < 8; bit += 3) {
            raw[i] ^= (unsigned char)(1 << bit);
            store_raw(path, raw, n);
            assert_status(load_status(), MOTE_ECORRUPT);
            raw[i] ^= (unsigned char)(1 << bit);
        }
    for (size_t length = 0; length < n; ++length) {
        store_raw(path, raw, length);
        assert_status(load_status(), MOTE_ECORRUPT);
    }
    memset(raw + n, 0, 64);
    for (size_t length = n + 1; length < n + 64; ++length) {
        store_raw(path, raw, length);
        assert_status(load_status(), MOTE_ECORRUPT);
    }
    assert_non_null(strstr(message.text, path));
    store_raw(path, raw, n);
    assert_status(load_status(), MOTE_OK);
}

static void other_formats_are_named(void **state)
{
    (void)state;
    unsigned char raw[32] = { 'm', 'o', 't', 'e', 0, 'c', 'k', 'p', 2 };
    uint64_t hash = mote_hash(MOTE_HASH_START, raw, 24);
    for (int i = 0; i < 8; ++i)
        raw[24 + i] = (unsigned char)(hash >> 8 * i);
    snprintf(path, sizeof path, "%s/file", folder);
    store_raw(path, raw, sizeof raw);
    assert_status(load_status(), MOTE_EVERSION);
    assert_non_null(strstr(message.text, "format 2"));
}

static void paths_that_cannot_be(void **state)
{
    (void)state;
    mote_writer writer;
    char longest[5000];
    write_state(&writer);
    snprintf(path, sizeof path, "%s/none", folder);
    assert_status(load_status(), MOTE_ENOENT);
    assert_non_null(strstr(message.text, path));
    snprintf(path, sizeof path, "%s/none/file", folder);
    assert_status(mote_file_store(path, &writer, &message), MOTE_ENOENT);
    snprintf(path, sizeof path, "%s", folder);
    assert_status(load_status(), MOTE_ECORRUPT); /* a folder */
    snprintf(path, sizeof path, "%s/fifo", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_status(load_status(), MOTE_ECORRUPT); /* and does not hang */
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_status(mote_file_store(longest, &writer, &message), MOTE_EINVAL);
    assert_status(mote_generation_store(longest, &writer, &message), MOTE_EIO); /* ENAMETOOLONG */
    mote_writer_close(&writer);
}

/* ---- generations ---- */

static void store_generation(int64_t value)
{
    mote_writer writer;
    mote_writer_open(&writer, &memory);
    mote_put_integer(&writer, value);
    assert_status(mote_generation_store(folder, &writer, &message), MOTE_OK);
    mote_writer_close(&writer);
}

/* The number that was stored, or the negative status. */
static int64_t load_generation(void)
{
    unsigned char *bytes;
    int64_t length;
    mote_reader reader;
    int status = mote_generation_load(folder, &memory, &bytes, &length, &message);
    if (status)
        return -status;
    mote_reader_open(&reader, bytes, length);
    int64_t value = mote_get_integer(&reader);
    mote_memory_release(&memory, bytes);
    return value;
}

static void damage(const char *name)
{
    unsigned char raw[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    size_t n = load_raw(path, raw, sizeof raw);
    raw[n - 1] ^= 1;
    store_raw(path, raw, n);
}

static void newest_generation_wins(void **state)
{
    (void)state;
    assert_int_equal(load_generation(), -MOTE_ENOENT);
    assert_non_null(strstr(message.text, folder));
    for (int64_t value = 1; value <= 12; ++value) {
        store_generation(value);
        assert_int_equal(load_generation(), value);
        assert_string_equal(message.text, "");
        assert_int_equal(count_test_files(folder, "checkpoint."), value < 2 ? 1 : 2);
    }
    snprintf(path, sizeof path, "%s/checkpoint.00000012", folder);
    assert_int_equal(access(path, F_OK), 0);
}

static void damaged_generation_falls_back(void **state)
{
    (void)state;
    store_generation(1);
    store_generation(2);
    damage("checkpoint.00000002");
    assert_int_equal(load_generation(), 1);
    assert_non_null(strstr(message.text, "checkpoint.00000002: damaged: its checksum is wrong"));
    assert_non_null(strstr(message.text, "went back to "));
    store_generation(3); /* the damaged one does not count as the previous one: 1 stays */
    damage("checkpoint.00000003");
    assert_int_equal(load_generation(), 1);
    damage("checkpoint.00000001");
    assert_int_equal(load_generation(), -MOTE_ECORRUPT);
}

static void other_names_are_left_alone(void **state)
{
    (void)state;
    static const char *const names[] = { "checkpoint.1", "checkpoint.00000099.partial", "checkpoint.0000000x",
                                         "checkpoint.-0000001", "notes.txt", "checkpoint." };
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        store_raw(path, (const unsigned char *)"x", 1);
    }
    for (int64_t value = 1; value <= 4; ++value)
        store_generation(value);
    assert_int_equal(load_generation(), 4);
    assert_string_equal(message.text, "");
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(access(path, F_OK), 0);
    }
}

static void folder_is_made(void **state)
{
    (void)state;
    char outer[256];
    memcpy(outer, folder, sizeof outer);
    snprintf(folder, sizeof folder, "%.200s/new", outer);
    store_generation(5);
    assert_int_equal(load_generation(), 5);
    snprintf(folder, sizeof folder, "%.200s/a/b", outer);
    mote_writer writer;
    mote_writer_open(&writer, &memory);
    assert_status(mote_generation_store(folder, &writer, &message), MOTE_ENOENT); /* parents are not made */
    memcpy(folder, outer, sizeof outer);
}

/* A real disk limit, in a child: the file may not grow beyond 4 KiB. */
static void size_limit_keeps_the_old_generation(void **state)
{
    (void)state;
    store_generation(1);
    pid_t child = fork();
    if (child == 0) {
        static double values[10000];
        const struct rlimit limit = { 4096, 4096 };
        mote_writer writer;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        mote_writer_open(&writer, &memory);
        mote_put_reals(&writer, values, 10000);
        int status = mote_generation_store(folder, &writer, &message);
        _exit(status == MOTE_EIO && strstr(message.text, "checkpoint.00000002") ? 0 : 1);
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_int_equal(load_generation(), 1);
    assert_int_equal(count_test_files(folder, "checkpoint."), 1);
}

/* ---- lock ---- */

static void lock_excludes(void **state)
{
    (void)state;
    int first, second;
    char inner[300];
    snprintf(inner, sizeof inner, "%s/run", folder); /* is made */
    assert_status(mote_folder_lock(inner, &first, &message), MOTE_OK);
    assert_status(mote_folder_lock(inner, &second, &message), MOTE_EEXIST); /* another run of this process */
    assert_int_equal(second, -1);
    char expected[400];
    snprintf(expected, sizeof expected, "%s is in use by another run, process %ld", inner, (long)getpid());
    assert_string_equal(message.text, expected);
    pid_t child = fork();
    if (child == 0)
        _exit(mote_folder_lock(inner, &second, &message) == MOTE_EEXIST ? 0 : 1);
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    mote_folder_unlock(first);
    assert_status(mote_folder_lock(inner, &second, &message), MOTE_OK);
    mote_folder_unlock(second);
    mote_folder_unlock(-1);
}

/* The lock of a killed process is gone. */
static void lock_dies_with_its_process(void **state)
{
    (void)state;
    int descriptor, ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        int status = mote_folder_lock(folder, &descriptor, &message);
        if (status || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_status(mote_folder_lock(folder, &descriptor, &message), MOTE_EEXIST);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_status(mote_folder_lock(folder, &descriptor, &message), MOTE_OK);
    mote_folder_unlock(descriptor);
    close(ready[0]);
    close(ready[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(round_trip),
        TEST(layout),
        TEST(many_values_grow),
        TEST(faults_of_the_reader),
        TEST(hostile_counts),
        TEST(writer_without_memory),
        TEST(hash_known_answers),
        TEST(file_round_trip),
        TEST(empty_file_round_trip),
        TEST(damaged_files_are_refused),
        TEST(other_formats_are_named),
        TEST(paths_that_cannot_be),
        TEST(newest_generation_wins),
        TEST(damaged_generation_falls_back),
        TEST(other_names_are_left_alone),
        TEST(folder_is_made),
        TEST(size_limit_keeps_the_old_generation),
        TEST(lock_excludes),
        TEST(lock_dies_with_its_process),
    };
    return run_unit_tests(tests);
}
