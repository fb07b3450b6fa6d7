/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of the runs that smooth: every call for memory fails once, at open and in every step until the run ends; the
 * answer is MOTE_ENOMEM, the message is not empty, nothing leaks. Inside the steps that follow a run's first rows no
 * memory is asked for at all. */
#include <mote/particle_gibbs.h>
#include <mote/score_ascent.h>

#include "tests/support/allocator.h"
#include "tests/support/filter_bench.h"

static const mote_parameter rho_free[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                           MOTE_FIXED("var_0", 1 / 0.19) };

/* Open and finish with the allocator of `hooks`: the status. */
static int whole_run(const mote_algorithm *algorithm, const mote_ssm *model, const void *options)
{
    mote_run *run = NULL;
    int status = mote_run_open(&run, algorithm, model, options);
    if (!status)
        status = mote_run_finish(run);
    if (!status && !mote_run_draws(run))
        status = MOTE_ENOMEM;
    if (status && run)
        assert_true(mote_run_message(run)[0] != '\0');
    mote_run_close(&run);
    return status;
}

static void walk_failures(const mote_algorithm *algorithm, const mote_ssm *model, const void *options,
                          test_allocator *counter)
{
    int status = MOTE_ENOMEM;
    for (int64_t at = 1; status; ++at) {
        *counter = (test_allocator){ .fail_at = at };
        status = whole_run(algorithm, model, options);
        if (status && status != MOTE_ENOMEM)
            fail_msg("call %lld for memory: status %d", (long long)at, status);
        assert_int_equal(counter->live, 0);
        assert_true(at < 2000);
    }
}

static void every_failure_is_an_answer(void **unused)
{
    static test_allocator counter;
    const mote_allocator allocator = test_allocator_of(&counter);
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = 5, .values = linear_gaussian_a.series->values };
    mote_ssm fixed = linear_gaussian_a;
    (void)unused;
    fixed.series = &series;
    mote_ssm free_one = fixed;
    free_one.parameters = rho_free;
    const mote_paris_options paris = { MOTE_VERSIONED(mote_paris_options), .hooks = &hooks, .particles = 10,
                                       .trace = 1 };
    const mote_ppg_options ppg = { MOTE_VERSIONED(mote_ppg_options), .hooks = &hooks, .particles = 4, .sweeps = 5 };
    const mote_particle_gibbs_options gibbs = { MOTE_VERSIONED(mote_particle_gibbs_options), .hooks = &hooks,
                                                .particles = 4,
                                                .sweeps = 5 };
    const mote_score_ascent_options ascent = { MOTE_VERSIONED(mote_score_ascent_options), .hooks = &hooks,
                                               .particles = 4,
                                               .iterations = 3, .evaluations = 2 };
    walk_failures(mote_paris, &fixed, &paris, &counter);
    walk_failures(mote_ppg, &fixed, &ppg, &counter);
    walk_failures(mote_particle_gibbs, &free_one, &gibbs, &counter);
    walk_failures(mote_score_ascent, &free_one, &ascent, &counter);
}

/* Steps 10 to 60 of runs whose rows have room for 64. */
static void steps_ask_for_no_memory(void **unused)
{
    static test_allocator counter;
    const mote_allocator allocator = test_allocator_of(&counter);
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
    mote_ssm free_one = linear_gaussian_a;
    (void)unused;
    free_one.parameters = rho_free;
    const mote_paris_options paris = { MOTE_VERSIONED(mote_paris_options), .hooks = &hooks, .particles = 50 };
    const mote_particle_gibbs_options gibbs = { MOTE_VERSIONED(mote_particle_gibbs_options), .hooks = &hooks,
                                                .particles = 50,
                                                .sweeps = 60, .warm_up = -1 };
    const mote_score_ascent_options ascent = { MOTE_VERSIONED(mote_score_ascent_options), .hooks = &hooks,
                                               .particles = 50,
                                               .iterations = 60, .score = MOTE_SCORE_PARIS };
    const struct {
        const mote_algorithm *algorithm;
        const mote_ssm *model;
        const void *options;
        int64_t steps;
    } cases[] = {
        { mote_paris, &linear_gaussian_a, &paris, 49 }, { mote_particle_gibbs, &free_one, &gibbs, 60 },
        { mote_score_ascent, &free_one, &ascent, 60 } };
    for (int k = 0; k < 3; ++k) {
        mote_run *run = open_run_of(cases[k].algorithm, cases[k].model, cases[k].options);
        int64_t calls = 0;
        for (int64_t step = 0; step < cases[k].steps; ++step) {
            assert_status(mote_run_step(run), MOTE_OK);
            if (step == 10)
                calls = counter.calls;
        }
        assert_int_equal(counter.calls, calls);
        mote_run_close(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_is_an_answer),
        cmocka_unit_test(steps_ask_for_no_memory),
    };
    return run_unit_tests(tests);
}
