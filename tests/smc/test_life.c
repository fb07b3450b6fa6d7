/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every algorithm of the registry that runs on state-space models, through its whole life with small options: a run
 * finishes and has draws; a loop over step with a checkpoint and a fresh run after each gives the same bytes; a target in
 * place of the model, and the checkpoint of another seed, are refused by name. */
#include <mote/mote.h>
#include <stdio.h>

#include "core/run.h"
#include "tests/support/fingerprint.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

static const mote_parameter rho_free[] = { MOTE_UNIFORM("rho", 0, 1), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                           MOTE_FIXED("var_0", 1 / 0.19) };

typedef union any_options {
    mote_head head;
    char room[4096];
} any_options;

static any_options small_options(const mote_algorithm *algorithm, const char *seed)
{
    static const char *const keys[][2] = { { "particles", "40" },  { "draws", "6" },       { "warm_up", "4" },
                                           { "chains", "2" },      { "passes", "3" },      { "evaluations", "2" },
                                           { "fits", "2" },        { "trajectories", "8" }, { "sweeps", "6" },
                                           { "iterations", "4" },  { "parameter_particles", "10" } };
    const mote_option_table *table = mote_algorithm_options(algorithm);
    any_options options = { .room = { 0 } };
    assert_true(table->size <= (int64_t)sizeof options);
    options.head = (mote_head){ (uint32_t)table->size, (uint32_t)table->kind };
    assert_status(mote_option_set(table, &options, "seed", seed, NULL, 0), MOTE_OK);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; ++i)
        if (mote_option_find(table, keys[i][0]))
            assert_status(mote_option_set(table, &options, keys[i][0], keys[i][1], NULL, 0), MOTE_OK);
    return options;
}

/* With a free parameter where the algorithm takes one, else with all fixed. */
static mote_run *opened(const mote_algorithm *algorithm, const any_options *options)
{
    mote_ssm model = linear_gaussian_a;
    mote_run *run = NULL;
    model.parameters = rho_free;
    if (!mote_run_open(&run, algorithm, &model, options))
        return run;
    mote_run_close(&run);
    const int status = mote_run_open(&run, algorithm, &linear_gaussian_a, options);
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
    const any_options options = small_options(algorithm, "3"), others = small_options(algorithm, "4");
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
    for (int64_t i = 0; (algorithm = mote_algorithm_at(i)); ++i) {
        if (algorithm->model_kind != MOTE_KIND_mote_ssm)
            continue;
        print_message("%s\n", mote_algorithm_name(algorithm));
        check_life(algorithm, path);
        ++checked;
    }
    remove(path);
    assert_true(checked >= 4);
}

static void targets_are_refused(void **unused)
{
    const mote_target target = { .head = MOTE_VERSIONED(mote_target) };
    const mote_algorithm *algorithm;
    (void)unused;
    for (int64_t i = 0; (algorithm = mote_algorithm_at(i)); ++i) {
        mote_run *run = NULL;
        if (algorithm->model_kind != MOTE_KIND_mote_ssm)
            continue;
        assert_status(mote_run_open(&run, algorithm, &target, NULL), MOTE_EKIND);
        assert_non_null(strstr(mote_run_message(run), "mote_ssm"));
        mote_run_close(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_algorithm_lives), cmocka_unit_test(targets_are_refused) };
    return run_unit_tests(tests);
}
