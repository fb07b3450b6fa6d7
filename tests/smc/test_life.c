/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every algorithm of the registry that runs on state-space models, through its whole life with small options: a run
 * finishes and has draws; a loop over step with a checkpoint and a fresh run after each gives the same bytes, and so do
 * 1, 2 and 7 threads; a target in place of the model, and the checkpoint of another seed, are refused by name. */
#include <mote/mote.h>
#include <stdio.h>

#include "tests/support/fingerprint.h"
#include "tests/support/state_space_runs.h"
#include "tests/support/test.h"

static any_options options_of(const mote_algorithm *algorithm, const char *seed)
{
    any_options options;
    assert_status(small_options(algorithm, &options, seed), MOTE_OK);
    return options;
}

/* With a free parameter where the algorithm takes one, else with all fixed. */
static mote_run *opened(const mote_algorithm *algorithm, const any_options *options)
{
    const mote_ssm model = learns(algorithm) ? learning_model() : linear_gaussian_a;
    mote_run *run = NULL;
    const int status = mote_run_open(&run, algorithm, &model, options);
    if (status)
        print_error("open of %s: %s\n", mote_algorithm_name(algorithm), mote_run_message(run));
    assert_status(status, MOTE_OK);
    return run;
}

static void finish(const mote_algorithm *algorithm, mote_run *run)
{
    const int status = mote_run_finish(run);
    if (status)
        print_error("%s: %s\n", mote_algorithm_name(algorithm), mote_run_message(run));
    assert_status(status, MOTE_OK);
}

static void check_life(const mote_algorithm *algorithm, const char *path)
{
    const any_options options = options_of(algorithm, "3"), others = options_of(algorithm, "4");
    mote_run *whole = opened(algorithm, &options), *run = opened(algorithm, &options);
    int status = MOTE_OK;
    finish(algorithm, whole);
    assert_int_equal(mote_run_finished_by(whole), MOTE_FINISHED_BY_CRITERION);
    assert_non_null(mote_run_draws(whole));
    while (status != MOTE_DONE) {
        status = mote_run_step(run);
        assert_true(status == MOTE_OK || status == MOTE_DONE);
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        run = opened(algorithm, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
    }
    assert_int_equal(fingerprint(mote_run_draws(run)), fingerprint(mote_run_draws(whole)));
    mote_run_close(&run);
    run = opened(algorithm, &others);
    assert_status(mote_run_load(run, path), MOTE_EIDENTITY);
    assert_non_null(strstr(mote_run_message(run), "seed"));
    mote_run_close(&run);
    mote_run_close(&whole);
}

static void every_algorithm_lives(void **unused)
{
    const mote_algorithm *algorithm;
    const char *path = "test_life.checkpoint";
    int64_t checked = 0;
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        print_message("%s\n", mote_algorithm_name(algorithm));
        check_life(algorithm, path);
        ++checked;
    }
    remove(path);
    assert_true(checked >= 4);
}

/* Three blocks of particles: enough for threads to share. */
static void threads_do_not_show(void **unused)
{
    static const char *const counts[] = { "1", "2", "7" };
    const mote_algorithm *algorithm;
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        uint64_t first = 0;
        for (int k = 0; k < 3; ++k) {
            const small_option more[] = { { "particles", "3000" }, { "sweeps", "5" }, { "threads", counts[k] } };
            any_options options = options_of(algorithm, "3");
            assert_status(set_options(algorithm, &options, more, 3), MOTE_OK);
            mote_run *run = opened(algorithm, &options);
            finish(algorithm, run);
            const uint64_t hash = fingerprint(mote_run_draws(run));
            first = k ? first : hash;
            if (hash != first)
                fail_msg("%s: other bytes with %s threads", mote_algorithm_name(algorithm), counts[k]);
            mote_run_close(&run);
        }
    }
}

static void targets_are_refused(void **unused)
{
    const mote_target target = { .head = MOTE_VERSIONED(mote_target) };
    const mote_algorithm *algorithm;
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        mote_run *run = NULL;
        assert_status(mote_run_open(&run, algorithm, &target, NULL), MOTE_EKIND);
        assert_non_null(strstr(mote_run_message(run), "mote_ssm"));
        mote_run_close(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_algorithm_lives), cmocka_unit_test(threads_do_not_show),
                                         cmocka_unit_test(targets_are_refused) };
    return run_unit_tests(tests);
}
