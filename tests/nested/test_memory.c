/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every allocation fails in turn, in every public call of a run's life: MOTE_ENOMEM with a message, nothing leaked,
 * and the last safe point intact: the run that was out of memory can be saved, and ends elsewhere with the same bytes.
 *
 * First through the allocator of the run, then with malloc interposed, which also meets what goes past the allocator. */
#define MOTE_FAULT_MALLOC 1
#include "tests/support/fault.h"

#include <mote/mote.h>
#include <mote/output.h>

#include "model/plugin.h"
#include "tests/support/fingerprint.h"
#include "tests/support/folder.h"
#include "tests/support/test.h"

enum { NO_MESSAGE = -1, NOT_SAVED = -2, OTHER_BYTES = -3 };

static char folder[256], path[300], root[300];

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
                                    .log_likelihood_point = hill, .name = "hill", .flags = MOTE_THREADSAFE };

/* What a body runs: an algorithm with these options; both structs begin alike. */
typedef struct plan {
    const mote_algorithm *algorithm;
    mote_nested_options nested;
    mote_prior_options prior;
    uint64_t hash; /* of the run that had memory */
} plan;

static plan nested_plan(int64_t step)
{
    return (plan){ .algorithm = mote_nested,
                   .nested = { MOTE_VERSIONED(mote_nested_options), .live_points = 12, .seed = 4, .step = step,
                               .simulations = 10, .bootstraps = 10, .precision = 0.1, .steps = 2 } };
}

static int open_run(mote_run **run, plan *p, const mote_hooks *hooks)
{
    p->nested.hooks = p->prior.hooks = hooks;
    const void *options = p->algorithm == mote_nested ? (const void *)&p->nested : &p->prior;
    return mote_run_open(run, p->algorithm, &target, options);
}

/* `status`, which must come with a message. */
static int with_message(int status, const char *message)
{
    return status && !(message && *message) ? NO_MESSAGE : status;
}

/* A run that is out of memory is saved and goes on elsewhere. */
static int rescue(mote_run *broken, plan *p)
{
    mote_run *run = NULL;
    int status = mote_run_save(broken, path);
    if (!status)
        status = open_run(&run, p, NULL);
    if (!status)
        status = mote_run_load(run, path);
    if (!status)
        status = mote_run_finish(run);
    uint64_t hash = status ? 0 : fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    return status ? NOT_SAVED : hash == p->hash ? MOTE_ENOMEM : OTHER_BYTES;
}

static int look_at(const mote_draws *draws)
{
    mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
    double lower, upper;
    int status = mote_draws_summary(draws, 0, &summary);
    if (!status)
        status = mote_draws_shortest_interval(draws, 1, 0.5, &lower, &upper);
    if (!status && isnan(mote_draws_quantile(draws, 2, 0.3)))
        status = MOTE_ENOMEM;
    return status;
}

static int life(plan *p, const mote_allocator *allocator, int once)
{
    mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = allocator };
    mote_run *run = NULL;
    int status = with_message(open_run(&run, p, &hooks), mote_run_message(run));
    int opened = !status;
    if (opened)
        status = with_message(mote_run_finish(run), mote_run_message(run));
    if (opened && status == MOTE_ENOMEM && once)
        status = rescue(run, p);
    const mote_draws *draws = status ? NULL : mote_run_draws(run);
    if (!status && !draws)
        status = with_message(MOTE_ENOMEM, mote_run_message(run));
    if (!status)
        status = look_at(draws);
    mote_run_close(&run);
    return status;
}

static int life_once(void *ctx, const mote_allocator *allocator)
{
    return life(ctx, allocator, 1);
}

static int life_stay(void *ctx, const mote_allocator *allocator)
{
    return life(ctx, allocator, 0);
}

static void check_walk(fault_body *body, void *ctx, int mode, int64_t points, const char *what)
{
    fault_report report = fault_walk(body, ctx, mode);
    fault_check(&report, mode, points, what);
}

static void check_life(plan *p, const char *what, int64_t points)
{
    mote_run *run = NULL;
    assert_status(open_run(&run, p, NULL), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    p->hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    check_walk(life_once, p, FAULT_ONCE, points, what);
    check_walk(life_stay, p, FAULT_STAY, points, what);
}

static void runs_survive(void **state)
{
    (void)state;
    static const char *const names[] = { "auto", "bound", "slice", "walk" };
    for (int64_t step = MOTE_STEP_AUTO; step <= MOTE_STEP_WALK; ++step) {
        plan p = nested_plan(step);
        check_life(&p, names[step], 60);
    }
    plan threads = nested_plan(MOTE_STEP_SLICE);
    threads.nested.direction = MOTE_DIRECTION_WHITENED;
    threads.nested.executor = MOTE_EXECUTOR_THREADS;
    threads.nested.threads = 3;
    check_life(&threads, "threads", 60);
    plan prior = { .algorithm = mote_prior_run, .prior = { MOTE_VERSIONED(mote_prior_options), .draws = 30, .seed = 4 } };
    check_life(&prior, "prior", 30);
}

/* ---- save, load, resume, result files ------------------------------------------------------------------------------- */

static int keeping(void *ctx, const mote_allocator *allocator)
{
    plan *p = ctx;
    mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = allocator };
    mote_run *run = NULL, *second = NULL;
    int status = with_message(open_run(&run, p, &hooks), mote_run_message(run));
    for (int i = 0; i < 6 && !status; ++i)
        status = with_message(mote_run_step(run), mote_run_message(run));
    if (!status)
        status = with_message(mote_run_save(run, path), mote_run_message(run));
    if (!status)
        status = with_message(mote_run_checkpoint(run), mote_run_message(run));
    mote_run_close(&run);
    if (!status)
        status = with_message(open_run(&run, p, &hooks), mote_run_message(run));
    if (!status)
        status = with_message(mote_run_resume(run), mote_run_message(run));
    mote_run_close(&run);
    p->nested.checkpoint = NULL;
    if (!status)
        status = with_message(open_run(&second, p, &hooks), mote_run_message(second));
    if (!status)
        status = with_message(mote_run_load(second, path), mote_run_message(second));
    mote_run_close(&second);
    p->nested.checkpoint = folder;
    return status;
}

static void checkpoints_survive(void **state)
{
    (void)state;
    plan p = nested_plan(MOTE_STEP_BOUND);
    p.nested.checkpoint = folder;
    check_walk(keeping, &p, FAULT_ONCE, 150, "checkpoints");
    check_walk(keeping, &p, FAULT_STAY, 150, "checkpoints");
}

static int write_files(mote_run *run)
{
    const mote_draws *draws = mote_run_draws(run);
    int status = mote_write_getdist(draws, root);
    status = status ? status : mote_write_anesthetic(draws, root);
    status = status ? status : mote_write_equal_weights(draws, root);
    status = status ? status : mote_write_csv(draws, root);
    status = status ? status : mote_write_json(run, root);
    return with_message(status, mote_output_message());
}

static int writing(void *ctx, const mote_allocator *allocator)
{
    mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = allocator };
    mote_run *run = NULL;
    int status = open_run(&run, ctx, &hooks);
    if (!status)
        status = mote_run_finish(run);
    if (!status)
        status = mote_run_draws(run) ? write_files(run) : MOTE_ENOMEM;
    mote_run_close(&run);
    return status;
}

static void files_survive(void **state)
{
    (void)state;
    plan p = nested_plan(MOTE_STEP_BOUND);
    check_walk(writing, &p, FAULT_ONCE, 80, "files");
    check_walk(writing, &p, FAULT_STAY, 80, "files");
}

/* ---- what goes past the allocator ------------------------------------------------------------------------------------ */

static void needs_malloc(void)
{
#ifndef MOTE_FAULT_HAS_MALLOC
    skip();
#endif
}

static int life_by_malloc(void *ctx, const mote_allocator *allocator)
{
    (void)allocator;
    return life(ctx, NULL, 0);
}

static int keeping_by_malloc(void *ctx, const mote_allocator *allocator)
{
    (void)allocator;
    return keeping(ctx, NULL);
}

static int writing_by_malloc(void *ctx, const mote_allocator *allocator)
{
    (void)allocator;
    return writing(ctx, NULL);
}

static void runs_survive_malloc(void **state)
{
    (void)state;
    needs_malloc();
    plan p = nested_plan(MOTE_STEP_AUTO), keep = nested_plan(MOTE_STEP_SLICE);
    keep.nested.checkpoint = folder;
    for (int stay = 0; stay <= 1; ++stay) {
        check_walk(life_by_malloc, &p, FAULT_MALLOC | stay, 60, "life by malloc");
        check_walk(writing_by_malloc, &p, FAULT_MALLOC | stay, 80, "files by malloc");
        check_walk(keeping_by_malloc, &keep, FAULT_MALLOC | stay, 150, "checkpoints by malloc");
    }
}

static const char linked_ini[] = "[model]\nlikelihood = gaussian\nwidth = 0.5\n"
                                 "[parameters]\nx = normal 0 1\nx.label = s\nx.unit = m\ny = 2\n";
static const char shared_ini[] = "[model]\nlikelihood = gaussian\nwidth = 0.5\n"
                                 "[parameters]\nslope = uniform -2 2\nslope.label = s\nslope.unit = m\nscale = 2\n";

/* The loader without the dynamic linker. */
static int linked_in(const mote_host *host, const mote_config *section, mote_model *model)
{
    double width;
    char message[64];
    host->config_get(section, "likelihood", "");
    model->target = &target;
    return host->config_real(section, "width", 1, &width, message, sizeof message);
}

static int loading(int shared)
{
    char message[512] = "";
    mote_config *config = NULL;
    mote_loaded_plugin *loaded = NULL, *again = NULL;
    int status = mote_config_parse(&config, shared ? shared_ini : linked_ini, "test.ini", message, sizeof message);
    const mote_config *model = mote_config_section(config, "model");
    if (!status && shared)
        status = mote_plugin_load(&loaded, MOTE_BUILD "/tests/plugins/.libs/model.so", model, message, sizeof message);
    else if (!status)
        status = mote_plugin_load_function(&loaded, "linked", linked_in, model, message, sizeof message);
    if (!status)
        status = mote_plugin_override(loaded, mote_config_section(config, "parameters"), message, sizeof message);
    if (!status && shared)
        status = mote_plugin_load_text(&again, mote_plugin_path(loaded), mote_plugin_text(loaded), message,
                                       sizeof message);
    status = with_message(status, message);
    mote_plugin_release(&again);
    mote_plugin_release(&loaded);
    mote_config_free(&config);
    return status;
}

static int load_linked(void *ctx, const mote_allocator *allocator)
{
    (void)ctx, (void)allocator;
    return loading(0);
}

static int load_shared(void *ctx, const mote_allocator *allocator)
{
    (void)ctx, (void)allocator;
    return loading(1);
}

static void plugins_survive_malloc(void **state)
{
    (void)state;
    needs_malloc();
    for (int stay = 0; stay <= 1; ++stay) {
        check_walk(load_linked, NULL, FAULT_MALLOC | stay, 30, "linked-in model");
        /* glibc's linker frees at dlclose a block that it had before: blocks cannot be counted across it. */
        fault_report report = fault_walk(load_shared, NULL, FAULT_MALLOC | stay | FAULT_UNCOUNTED);
        /* glibc's linker does without one block when it maps a new object, the text of the object's folder, which only
         * $ORIGIN in the object needs: that allocation fails and the load is right. */
        assert_int_equal(fault_count(&report), report.through);
        assert_in_range(report.through, 0, stay ? 0 : 1);
        assert_true(report.points > 60);
    }
}

static int enter(void **state)
{
    (void)state;
    int status = make_test_folder(folder);
    snprintf(path, sizeof path, "%s/state", folder);
    snprintf(root, sizeof root, "%s/run", folder);
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
        cmocka_unit_test_setup_teardown(runs_survive, enter, leave),
        cmocka_unit_test_setup_teardown(checkpoints_survive, enter, leave),
        cmocka_unit_test_setup_teardown(files_survive, enter, leave),
        cmocka_unit_test_setup_teardown(runs_survive_malloc, enter, leave),
        cmocka_unit_test_setup_teardown(plugins_survive_malloc, enter, leave),
    };
    return run_unit_tests(tests);
}
