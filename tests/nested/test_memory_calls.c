/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every allocation fails in turn, as in test_memory.c, in what that file leaves out: runs whose points are evaluated by
 * worker processes or by the caller (ask and tell), resampling of draws, the result and the best point of a run. */
#define MOTE_FAULT_MALLOC 1
#include "tests/support/fault.h"

#include <mote/mote.h>

#include "tests/support/test.h"

enum { NO_MESSAGE = -1, OTHER_BYTES = -2, ROWS = 20 };

static const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1), MOTE_DERIVED("sum") };

static double hill_of(const double *theta)
{
    const double a = (theta[0] - 0.5) / 0.1, b = (theta[1] - 0.4) / 0.2;
    return -0.5 * (a * a + b * b);
}

static int hill(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx;
    *log_likelihood = hill_of(theta);
    derived[0] = theta[0] + theta[1];
    return 0;
}

static const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                                    .log_likelihood_point = hill, .name = "hill" };

/* What a body runs, and its log-evidence when it had memory. */
typedef struct plan {
    const mote_target *target;
    mote_nested_options options;
    double log_evidence;
} plan;

static plan plan_of(const mote_target *model, int64_t executor)
{
    return (plan){ model,
                   { MOTE_VERSIONED(mote_nested_options), .live_points = 8, .seed = 4, .step = MOTE_STEP_SLICE,
                     .steps = 2, .simulations = 10, .bootstraps = 10, .precision = 0.5, .executor = executor,
                     .processes = executor == MOTE_EXECUTOR_PROCESSES ? 2 : 0,
                     .worker_program = MOTE_BUILD "/mote-worker" },
                   NAN };
}

static int with_message(int status, const mote_run *run)
{
    return status && !*mote_run_message(run) ? NO_MESSAGE : status;
}

static int tell_all(mote_run *run)
{
    mote_pending rows = { .head = MOTE_VERSIONED(mote_pending) };
    int status = mote_run_pending(run, &rows);
    for (int64_t i = 0; i < rows.n && !status; ++i) {
        const double *theta = rows.theta + i * rows.stride, sum = theta[0] + theta[1];
        status = mote_run_tell(run, rows.id[i], hill_of(theta), &sum, 0);
    }
    return status;
}

/* To the end of the run, whoever evaluates. */
static int drive(mote_run *run)
{
    int status = mote_run_finish(run);
    while (status == MOTE_WAITING) {
        status = tell_all(run);
        if (!status)
            status = mote_run_finish(run);
    }
    return status;
}

static int life(void *ctx, const mote_allocator *allocator)
{
    plan *p = ctx;
    mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = allocator };
    mote_run *run = NULL;
    p->options.hooks = &hooks;
    int status = mote_run_open(&run, mote_nested, p->target, &p->options);
    status = run ? with_message(status, run) : status;
    if (!status)
        status = with_message(drive(run), run);
    if (!status && !mote_run_draws(run))
        status = with_message(MOTE_ENOMEM, run);
    const double log_evidence = status ? NAN : mote_draws_log_evidence(mote_run_draws(run));
    if (!status && isnan(p->log_evidence))
        p->log_evidence = log_evidence;
    if (!status && log_evidence != p->log_evidence)
        status = OTHER_BYTES;
    mote_run_close(&run);
    return status;
}

static void check_walk(fault_body *body, void *ctx, int64_t points, const char *what)
{
    for (int mode = FAULT_ONCE; mode <= (FAULT_STAY | FAULT_MALLOC); ++mode) {
        fault_report report = fault_walk(body, ctx, mode);
#ifndef MOTE_FAULT_HAS_MALLOC
        if (mode & FAULT_MALLOC)
            return;
#endif
        fault_check(&report, mode, points, what);
    }
}

static void check_life(plan p, const char *what)
{
    assert_status(life(&p, NULL), MOTE_OK);
    assert_false(isnan(p.log_evidence));
    check_walk(life, &p, 60, what);
}

static void ask_and_tell_survives(void **state)
{
    (void)state;
    check_life(plan_of(&target, MOTE_EXECUTOR_EXTERNAL), "ask and tell");
}

/* Two workers with a plug-in; their own memory is not the run's. */
static void processes_survive(void **state)
{
    char message[512] = "";
    mote_config *config = NULL;
    mote_loaded_plugin *plugin = NULL;
    (void)state;
    assert_status(mote_config_parse(&config, "[model]\nlikelihood = gaussian\n", "test", message, sizeof message),
                  MOTE_OK);
    assert_status(mote_plugin_load(&plugin, MOTE_BUILD "/tests/plugins/.libs/model.so",
                                   mote_config_section(config, "model"), message, sizeof message), MOTE_OK);
    check_life(plan_of(mote_plugin_target(plugin), MOTE_EXECUTOR_PROCESSES), "processes");
    mote_plugin_release(&plugin);
    mote_config_free(&config);
}

/* ---- a run that has ended -------------------------------------------------------------------------------------------- */

static int resample(const mote_draws *draws)
{
    int64_t row[ROWS];
    mote_source *source = NULL;
    int status = mote_source_open_live(&source, 1, 0);
    if (!status)
        status = mote_draws_resample(draws, source, ROWS, row);
    for (int64_t i = 0; i < ROWS && !status; ++i)
        if (row[i] < 0 || row[i] >= mote_draws_count(draws))
            status = OTHER_BYTES;
    mote_source_close(&source);
    return status;
}

static int results(void *ctx, const mote_allocator *allocator)
{
    plan *p = ctx;
    mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = allocator };
    mote_nested_result result = { .head = MOTE_VERSIONED(mote_nested_result) };
    mote_run *run = NULL;
    double theta[2], derived[1];
    p->options.hooks = &hooks;
    int status = mote_run_open(&run, mote_nested, p->target, &p->options);
    if (!status)
        status = drive(run);
    if (!status)
        status = with_message(mote_nested_get_result(run, &result), run);
    if (!status)
        status = with_message(mote_nested_get_best(run, theta, derived), run);
    if (!status)
        status = mote_run_draws(run) ? resample(mote_run_draws(run)) : MOTE_ENOMEM;
    mote_run_close(&run);
    return status;
}

static void results_survive(void **state)
{
    plan p = plan_of(&target, MOTE_EXECUTOR_SERIAL);
    (void)state;
    check_walk(results, &p, 60, "results");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_survive),
        cmocka_unit_test(ask_and_tell_survives),
        cmocka_unit_test(processes_survive),
    };
    return run_unit_tests(tests);
}
