/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checkpoints of a run that are damaged, crafted, or of another run: refused with a message, or passed over for the
 * generation before. A refused file leaves the run as it was; a whole file with a state that does not fit spoils the
 * run (it answers every later call with the same status), and never the process. */
#include <mote/mote.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "tests/support/fingerprint.h"
#include "tests/support/folder.h"
#include "tests/support/test.h"

static char folder[256], path[300], damaged[300];

static int hill(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx;
    double a = (theta[0] - 0.5) / 0.1, b = (theta[1] - 0.4) / 0.2;
    *log_likelihood = -0.5 * (a * a + b * b);
    derived[0] = theta[0] + theta[1];
    return 0;
}

static const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1), MOTE_DERIVED("sum") };
static const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                                    .log_likelihood_point = hill, .name = "hill", .identity = "hill 1" };

static mote_nested_options small(int64_t step)
{
    return (mote_nested_options){ MOTE_VERSIONED(mote_nested_options), .live_points = 6, .seed = 4, .step = step,
                                  .simulations = 10, .bootstraps = 10, .precision = 0.1, .steps = 2 };
}

static mote_run *opened(const mote_nested_options *o)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, &target, o), MOTE_OK);
    return run;
}

static uint64_t finish(mote_run *run)
{
    assert_status(mote_run_finish(run), MOTE_OK);
    uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    return hash;
}

/* The whole file `path` after some steps; released by free. */
static unsigned char *saved(const mote_nested_options *o, int steps, int64_t *size)
{
    mote_run *run = opened(o);
    for (int i = 0; i < steps; ++i)
        assert_status(mote_run_step(run), MOTE_OK);
    assert_status(mote_run_save(run, path), MOTE_OK);
    mote_run_close(&run);
    unsigned char *bytes = malloc(1 << 20);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *size = (int64_t)fread(bytes, 1, 1 << 20, file);
    fclose(file);
    assert_in_range(*size, 100, 1 << 16);
    return bytes;
}

static void store(const unsigned char *bytes, int64_t size)
{
    unlink(damaged); /* a fresh file: some file systems write a truncated one to disk at once */
    FILE *file = fopen(damaged, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, (size_t)size, file), size);
    fclose(file);
}

static void check_refused(mote_run *run)
{
    assert_status(mote_run_load(run, damaged), MOTE_ECORRUPT);
    assert_non_null(strstr(mote_run_message(run), damaged));
}

/* ---- a damaged file ------------------------------------------------------------------------------------------------- */

static void every_flip_and_truncation(void **state)
{
    (void)state;
    int64_t size;
    mote_nested_options o = small(MOTE_STEP_SLICE);
    uint64_t expected = finish(opened(&o));
    unsigned char *bytes = saved(&o, 9, &size);
    mote_run *run = opened(&o);
    for (int64_t i = 0; i < size; ++i) {
        unsigned char whole = bytes[i];
        bytes[i] = (unsigned char)(whole ^ 1 << i % 8);
        store(bytes, size);
        check_refused(run);
        bytes[i] = (unsigned char)~whole;
        store(bytes, size);
        check_refused(run);
        bytes[i] = whole;
        store(bytes, i);
        check_refused(run);
    }
    bytes[size] = 0;
    store(bytes, size + 1);
    check_refused(run);
    store(bytes, size); /* and nothing of all that has touched the run */
    assert_status(mote_run_load(run, damaged), MOTE_OK);
    assert_true(finish(run) == expected);
    free(bytes);
}

static void damaged_generation_falls_back(void **state)
{
    (void)state;
    mote_nested_options o = small(MOTE_STEP_BOUND);
    uint64_t expected = finish(opened(&o));
    o.checkpoint = folder;
    mote_run *run = opened(&o);
    for (int i = 0; i < 3; ++i) {
        assert_status(mote_run_step(run), MOTE_OK);
        assert_status(mote_run_checkpoint(run), MOTE_OK);
    }
    mote_run_close(&run);
    snprintf(path, sizeof path, "%s/checkpoint.00000003", folder);
    assert_int_equal(truncate(path, 100), 0);
    run = opened(&o);
    assert_status(mote_run_resume(run), MOTE_OK);
    assert_true(finish(run) == expected);
}

/* ---- another run's ---------------------------------------------------------------------------------------------------- */

static void check_identity(const mote_target *t, const mote_nested_options *o, const char *word)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, t, o), MOTE_OK);
    assert_status(mote_run_load(run, path), MOTE_EIDENTITY);
    if (!strstr(mote_run_message(run), word))
        print_error("message: %s\n", mote_run_message(run));
    assert_non_null(strstr(mote_run_message(run), word));
    assert_status(mote_run_step(run), MOTE_EIDENTITY); /* spoilt */
    assert_null(mote_run_draws(run));
    mote_run_close(&run);
}

static void other_runs_are_refused(void **state)
{
    (void)state;
    int64_t size;
    mote_nested_options o = small(MOTE_STEP_SLICE), other = o;
    free(saved(&o, 5, &size));
    other.seed = 5;
    check_identity(&target, &other, "seed = 4, this run has seed = 5");
    other = o, other.live_points = 7;
    check_identity(&target, &other, "live_points = 6, this run has live_points = 7");
    other = o, other.step = MOTE_STEP_WALK;
    check_identity(&target, &other, "step = slice, this run has step = walk");
    mote_target wide = target;
    const mote_parameter wider[] = { MOTE_UNIFORM("x", 0, 2), MOTE_UNIFORM("y", 0, 1), MOTE_DERIVED("sum") };
    wide.parameters = wider;
    check_identity(&wide, &o, "x = uniform 0 1, this run has x = uniform 0 2");
    wide = target, wide.identity = "hill 2";
    check_identity(&wide, &o, "identity = hill 1, this run has identity = hill 2");
}

/* ---- a crafted file: right checksum, wrong state ------------------------------------------------------------------------ */

enum { HEADER = 32 };

/* Makes length and checksum of the file right again (core/checkpoint_file.c) and stores it. */
static void store_crafted(unsigned char *bytes, int64_t size)
{
    const uint64_t length = (uint64_t)(size - HEADER);
    for (int i = 0; i < 8; ++i)
        bytes[16 + i] = (unsigned char)(length >> 8 * i);
    const uint64_t hash = mote_hash(mote_hash(MOTE_HASH_START, bytes, 24), bytes + HEADER, (size_t)length);
    for (int i = 0; i < 8; ++i)
        bytes[24 + i] = (unsigned char)(hash >> 8 * i);
    store(bytes, size);
}

static void other_versions_are_named(void **state)
{
    (void)state;
    int64_t size;
    mote_nested_options o = small(MOTE_STEP_SLICE);
    unsigned char *bytes = saved(&o, 5, &size);
    for (int64_t i = HEADER; i + 5 < size; ++i)
        if (!memcmp(bytes + i, MOTE_VERSION_STRING, 5)) {
            bytes[i] = '9';
            break;
        }
    store_crafted(bytes, size);
    mote_run *run = opened(&o);
    assert_status(mote_run_load(run, damaged), MOTE_EVERSION);
    assert_non_null(strstr(mote_run_message(run), "mote 9.1.0"));
    mote_run_close(&run);
    free(bytes);
}

/* Loads what may be any state at all. What is taken for whole is asked for its draws. */
static int try_crafted(const mote_nested_options *o)
{
    mote_run *run = opened(o);
    int status = mote_run_load(run, damaged);
    if (status)
        assert_true(*mote_run_message(run) != 0);
    else
        (void)mote_run_draws(run);
    mote_run_close(&run);
    return status;
}

/* A byte at a time, a word at a time to values that indices do not like. */
static void crafted_states_do_no_harm(void **state)
{
    (void)state;
    static const uint64_t words[] = { UINT64_MAX, 1, UINT64_C(1) << 62, 1000000, UINT64_C(0x7ff8000000000000) };
    int64_t size, refused = 0, tried = 0;
    for (int64_t step = MOTE_STEP_BOUND; step <= MOTE_STEP_WALK; ++step) {
        mote_nested_options o = small(step);
        unsigned char *bytes = saved(&o, 9, &size), kept[8];
        for (int64_t i = HEADER; i + 8 <= size; i += 5) {
            memcpy(kept, bytes + i, 8);
            memcpy(bytes + i, &words[i / 5 % 5], 8);
            store_crafted(bytes, size);
            refused += try_crafted(&o) != MOTE_OK;
            ++tried;
            memcpy(bytes + i, kept, 8);
        }
        store_crafted(bytes, size - 8);
        assert_status(try_crafted(&o), MOTE_ECORRUPT);
        free(bytes);
    }
    assert_true(refused > tried / 10);
}

static int enter(void **state)
{
    (void)state;
    int status = make_test_folder(folder);
    snprintf(path, sizeof path, "%s/state", folder);
    snprintf(damaged, sizeof damaged, "%s/damaged", folder);
    return status;
}

static int leave(void **state)
{
    (void)state;
    remove_test_folder(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_flip_and_truncation, enter, leave),
        cmocka_unit_test_setup_teardown(damaged_generation_falls_back, enter, leave),
        cmocka_unit_test_setup_teardown(other_runs_are_refused, enter, leave),
        cmocka_unit_test_setup_teardown(other_versions_are_named, enter, leave),
        cmocka_unit_test_setup_teardown(crafted_states_do_no_harm, enter, leave),
    };
    return run_unit_tests(tests);
}
