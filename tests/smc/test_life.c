/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every algorithm of the registry that runs on state-space models, through its whole life with small options: a run
 * finishes and has draws; a loop over step with a checkpoint and a fresh run after each gives the same bytes, and so do
 * 1, 2 and 7 threads, which must have shared the work; a target in place of the model, and the checkpoint of another
 * seed, are refused by name. */
#include <mote/mote.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

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

/* ---- threads ---- */

/* Filters share their blocks from eight on: 9000 particles are nine, over five observations. */
enum { BRIEF = 5 };
static const small_option many_particles[] = { { "particles", "9000" },       { "sweeps", "2" },
                                               { "draws", "2" },              { "warm_up", "1" },
                                               { "iterations", "2" },         { "evaluations", "2" },
                                               { "passes", "2" },             { "parameter_particles", "4" },
                                               { "evaluation_particles", "9000" } };
enum { MANY = sizeof many_particles / sizeof *many_particles };

static pthread_t first_thread;
static atomic_int others, patience; /* calls by other threads; milliseconds that the first one may still wait for them
                                     * */

/* The potential of case A. The first thread waits a little for others, so that on a busy machine they get their share.
 * */
static int watched_potential(void *ctx, const mote_block *block)
{
    const struct timespec a_while = { 0, 1000000 };
    if (!pthread_equal(pthread_self(), first_thread))
        atomic_fetch_add(&others, 1);
    else if (!atomic_load(&others) && atomic_fetch_sub(&patience, 1) > 0)
        nanosleep(&a_while, NULL);
    return linear_gaussian_a.log_potential(ctx, block);
}

static mote_run *shared_run(const mote_algorithm *algorithm, const mote_ssm *model, const char *threads)
{
    const small_option count = { "threads", threads };
    any_options options = options_of(algorithm, "3");
    mote_run *run = NULL;
    assert_status(set_options(algorithm, &options, many_particles, MANY), MOTE_OK);
    assert_status(set_options(algorithm, &options, &count, 1), MOTE_OK);
    atomic_store(&others, 0);
    atomic_store(&patience, strcmp(threads, "1") ? 500 : 0);
    assert_status(mote_run_open(&run, algorithm, model, &options), MOTE_OK);
    finish(algorithm, run);
    return run;
}

static void threads_do_not_show(void **unused)
{
    static const char *const counts[] = { "1", "2", "7" };
    const mote_algorithm *algorithm;
    (void)unused;
    first_thread = pthread_self();
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        uint64_t first = 0;
        case_a_cut cut;
        cut_case_a(&cut, learns(algorithm), BRIEF);
        cut.model.log_potential = watched_potential;
        for (int k = 0; k < 3; ++k) {
            mote_run *run = shared_run(algorithm, &cut.model, counts[k]);
            const uint64_t hash = fingerprint(mote_run_draws(run));
            first = k ? first : hash;
            if (hash != first)
                fail_msg("%s: other bytes with %s threads", mote_algorithm_name(algorithm), counts[k]);
            if ((k > 0) != (atomic_load(&others) > 0))
                fail_msg("%s: option threads = %s, calls by other threads: %d", mote_algorithm_name(algorithm),
                         counts[k], atomic_load(&others));
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
