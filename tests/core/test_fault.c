/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The failing allocator finds what is planted, and nothing in core. Public calls that ask for memory are walked here
 * (sources, options, ini texts), in tests/nested/test_memory.c (life of a run, draws, checkpoints, result files, plug-ins)
 * and test_memory_calls.c (executors, resampling of draws, results), in tests/smc/test_memory.c (every algorithm on a
 * state-space model, pushes, paths, resampling), test_smc_sampler_run.c, and in the tests of the model folder and of mcmc
 * for what these have. */
#define MOTE_FAULT_MALLOC 1
#include "tests/support/fault.h"

#include <dirent.h>
#include <mote/nested.h>

#include "core/checkpoint.h"
#include "core/config_parts.h"
#include "core/option.h"
#include "core/threads.h"
#include "tests/support/folder.h"
#include "tests/support/test.h"

/* ---- the harness itself: each kind of fault, and none ---- */

/* `plant`: 0 correct, 1 forgets the first block when the second fails, 2 uses a NULL, 3 hides the failure. */
static int two_blocks(void *ctx, const mote_allocator *allocator)
{
    int plant = *(int *)ctx;
    char *first = allocator->allocate(allocator->ctx, 10);
    if (!first)
        return plant == 3 ? MOTE_OK : MOTE_ENOMEM;
    char *second = allocator->allocate(allocator->ctx, 10);
    if (!second && plant == 2)
        *(volatile char *)second = 1;
    if (second || plant != 1)
        allocator->release(allocator->ctx, first);
    allocator->release(allocator->ctx, second);
    return second ? MOTE_OK : MOTE_ENOMEM;
}

static void harness_finds_plants(void **state)
{
    (void)state;
    static const fault_report expected[] = { { .points = 2 }, { .points = 2, .leaks = 1 },
                                             { .points = 2, .crashes = 1 },
                                             { .points = 2, .wrong = 1, .through = 1 } };
    for (int plant = 0; plant < 4; ++plant) {
        fault_report report = fault_walk(two_blocks, &plant, FAULT_ONCE);
        assert_same_bytes(&report, &expected[plant], sizeof report);
    }
}

/* A call that needs no memory after a failed one shows only the second mode. */
static int retries_once(void *ctx, const mote_allocator *allocator)
{
    (void)ctx;
    void *block = allocator->allocate(allocator->ctx, 1);
    if (!block)
        block = allocator->allocate(allocator->ctx, 1);
    allocator->release(allocator->ctx, block);
    return block ? MOTE_OK : MOTE_ENOMEM;
}

static void modes_differ(void **state)
{
    (void)state;
    fault_report once = fault_walk(retries_once, NULL, FAULT_ONCE), stay = fault_walk(retries_once, NULL, FAULT_STAY);
    assert_int_equal(once.wrong, 1); /* came through although an allocation failed */
    assert_int_equal(stay.wrong, 0);
}

/* malloc is interposed for the C library too, which a program whose malloc is hidden would miss. */
static int opens_folder(void *ctx, const mote_allocator *allocator)
{
    (void)ctx, (void)allocator;
    DIR *scan = opendir("/");
    int status = scan ? MOTE_OK : errno == ENOMEM ? MOTE_ENOMEM : -1;
    if (scan)
        closedir(scan);
    return status;
}

static void malloc_is_interposed_everywhere(void **state)
{
    (void)state;
#ifndef MOTE_FAULT_HAS_MALLOC
    skip();
#endif
    fault_report report = fault_walk(opens_folder, NULL, FAULT_MALLOC);
    assert_int_equal(fault_count(&report), 0);
    assert_true(report.points > 0);
}

/* ---- core ---- */

static void check_clean(fault_body *body, int64_t points)
{
    for (int mode = FAULT_ONCE; mode <= FAULT_STAY; ++mode) {
        fault_report report = fault_walk(body, NULL, mode);
        assert_int_equal(fault_count(&report), 0);
        assert_true(report.points >= points);
    }
}

static const char ini[] = "[a]\nx = 1\ny = 2\nz = 3\n[b]\nlong = "
                          "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
                          "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
                          "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\n";

static int config(void *ctx, const mote_allocator *allocator)
{
    mote_memory memory;
    mote_message message = { "" };
    mote_config *file;
    (void)ctx;
    mote_memory_open(&memory, allocator);
    int status = mote_config_open(&file, &memory, ini, sizeof ini - 1, "f", &message);
    if (!status)
        status = mote_config_set(file, "c", "k", "v");
    if (!status)
        status = mote_config_set(file, "c", "k", "w");
    else if (!file && !*message.text)
        status = -1; /* a failure without its reason */
    mote_config_free(&file);
    return status;
}

MOTE_OPTION_TABLE(table, "nested", mote_nested_options, MOTE_NESTED_OPTIONS);

static int options(void *ctx, const mote_allocator *allocator)
{
    mote_memory memory;
    mote_message message = { "" };
    mote_nested_options values = { MOTE_VERSIONED(mote_nested_options), .checkpoint = "a", .worker_program = "b" };
    (void)ctx;
    mote_memory_open(&memory, allocator);
    int status = mote_options_resolve(&table, &values, &memory, &message);
    char *text = status ? NULL : mote_options_text(&table, &values, NULL, &memory);
    if (!status && !text)
        status = MOTE_ENOMEM;
    mote_memory_release(&memory, text);
    mote_options_release(&table, &values, &memory);
    return status;
}

static char folder[256];

static int checkpoint(void *ctx, const mote_allocator *allocator)
{
    static double values[2000];
    mote_memory memory;
    mote_message message = { "" };
    mote_writer writer;
    unsigned char *bytes = NULL;
    int64_t length;
    (void)ctx;
    mote_memory_open(&memory, allocator);
    mote_writer_open(&writer, &memory);
    mote_put_tag(&writer, "state");
    mote_put_reals(&writer, values, 2000);
    int status = mote_generation_store(folder, &writer, &message);
    mote_writer_close(&writer);
    if (!status)
        status = mote_generation_load(folder, &memory, &bytes, &length, &message);
    if (status && !*message.text)
        status = -1;
    mote_memory_release(&memory, bytes);
    return status;
}

static int pool(void *ctx, const mote_allocator *allocator)
{
    mote_memory memory;
    mote_pool *team;
    (void)ctx;
    mote_memory_open(&memory, allocator);
    int status = mote_pool_open(&team, &memory, 3);
    mote_pool_close(&team);
    return status;
}

static void core_survives(void **state)
{
    (void)state;
    assert_int_equal(make_test_folder(folder), 0);
    check_clean(config, 20);
    check_clean(options, 3);
    check_clean(checkpoint, 2);
    check_clean(pool, 4);
    remove_test_folder(folder);
}

/* What goes past the allocator: stdio, folders, inih. */
static int config_file(void *ctx, const mote_allocator *allocator)
{
    char path[300], message[256] = "";
    mote_config *file;
    (void)ctx, (void)allocator;
    snprintf(path, sizeof path, "%s/run.ini", folder);
    int status = mote_config_read(&file, path, message, sizeof message);
    if (status && !*message)
        status = -1;
    mote_config_free(&file);
    return status;
}

/* A failure while a number is recorded is kept in the source. */
static int sources(void *ctx, const mote_allocator *allocator)
{
    mote_source *live = NULL, *record = NULL, *replay = NULL, *enumerator = NULL;
    double first[40], again[40];
    (void)ctx, (void)allocator;
    int status = mote_source_open_live(&live, 1, 0);
    if (!status)
        status = mote_source_open_record(&record, live);
    if (!status)
        mote_normals(record, first, 40);
    if (!status)
        status = mote_source_status(record);
    if (!status)
        status = mote_source_open_replay(&replay, record);
    if (!status)
        mote_normals(replay, again, 40);
    if (!status)
        status = mote_source_status(replay);
    if (!status && memcmp(first, again, sizeof first))
        status = -1;
    if (!status)
        status = mote_source_open_enumerate(&enumerator);
    mote_source_close(&enumerator);
    mote_source_close(&replay);
    mote_source_close(&record);
    mote_source_close(&live);
    return status;
}

static int config_text(void *ctx, const mote_allocator *allocator)
{
    char message[256] = "";
    mote_config *file = NULL;
    (void)ctx, (void)allocator;
    int status = mote_config_parse(&file, ini, "text", message, sizeof message);
    if (!status)
        status = mote_config_set(file, "c", "k", "v");
    else if (!*message)
        status = -1;
    mote_config_free(&file);
    return status;
}

/* Texts are kept by reference: setting, finding and printing an option ask for no memory at all. */
static int option_set(void *ctx, const mote_allocator *allocator)
{
    mote_nested_options values = { .head = MOTE_VERSIONED(mote_nested_options) };
    char message[256] = "", text[64];
    (void)ctx, (void)allocator;
    int status = mote_option_set(&table, &values, "live_points", "1e3", message, sizeof message);
    if (!status)
        status = mote_option_set(&table, &values, "checkpoint", "folder", message, sizeof message);
    if (!status)
        status = mote_option_set(&table, &values, "step", "slice", message, sizeof message);
    if (!status && mote_option_set(&table, &values, "live_pionts", "1", message, sizeof message) != MOTE_EOPTION)
        status = -1;
    return status ? status : mote_option_get(&table, &values, "precision", text, sizeof text);
}

static void public_calls_survive_malloc(void **state)
{
    (void)state;
#ifndef MOTE_FAULT_HAS_MALLOC
    skip();
#endif
    for (int stay = 0; stay <= 1; ++stay) {
        fault_report report = fault_walk(sources, NULL, FAULT_MALLOC | stay);
        assert_int_equal(fault_count(&report), 0);
        assert_true(report.points >= 6);
        report = fault_walk(config_text, NULL, FAULT_MALLOC | stay);
        assert_int_equal(fault_count(&report), 0);
        assert_true(report.points > 20);
        report = fault_walk(option_set, NULL, FAULT_MALLOC | stay);
        assert_int_equal(fault_count(&report) + report.points, 0);
    }
}

static int checkpoint_by_malloc(void *ctx, const mote_allocator *allocator)
{
    return checkpoint(ctx, allocator);
}

static void core_survives_malloc(void **state)
{
    (void)state;
#ifndef MOTE_FAULT_HAS_MALLOC
    skip();
#endif
    char path[300];
    assert_int_equal(make_test_folder(folder), 0);
    snprintf(path, sizeof path, "%s/run.ini", folder);
    FILE *stream = fopen(path, "wb");
    fwrite(ini, 1, sizeof ini - 1, stream);
    fclose(stream);
    for (int stay = 0; stay <= 1; ++stay) {
        fault_report report = fault_walk(config_file, NULL, FAULT_MALLOC | stay);
        assert_int_equal(fault_count(&report), 0);
        assert_true(report.points > 20);
        report = fault_walk(checkpoint_by_malloc, NULL, FAULT_MALLOC | stay);
        assert_int_equal(fault_count(&report), 0);
        assert_true(report.points > 4); /* the folder is opened to store and to load */
    }
    remove_test_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harness_finds_plants),
        cmocka_unit_test(modes_differ),
        cmocka_unit_test(malloc_is_interposed_everywhere),
        cmocka_unit_test(core_survives),
        cmocka_unit_test(core_survives_malloc),
        cmocka_unit_test(public_calls_survive_malloc),
    };
    return run_unit_tests(tests);
}
