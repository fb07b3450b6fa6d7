/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worker processes under plug-ins that exit, crash, hang, leak and more: the run ends, each failure has its reason, and
 * the bytes are those of a serial run whose model reports the same failures. Also what goes wrong with the workers
 * themselves. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mote/mote.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/run.h"
#include "tests/support/fingerprint.h"
#include "tests/support/folder.h"
#include "tests/support/test.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1 /* reserves terabytes of address space, and catches crashes */
#else
#define SANITIZED 0
#endif

static const char program[] = MOTE_BUILD "/mote-worker";

/* ---- a model, a run ------------------------------------------------------------------------------------------------ */

static mote_loaded_plugin *loaded(const char *section)
{
    char message[512] = "", text[1024];
    mote_config *config = NULL;
    mote_loaded_plugin *plugin = NULL;
    snprintf(text, sizeof text, "[model]\n%s", section);
    assert_status(mote_config_parse(&config, text, "test", message, sizeof message), MOTE_OK);
    int status = mote_plugin_load(&plugin, MOTE_BUILD "/tests/plugins/.libs/hostile.so",
                                  mote_config_section(config, "model"), message, sizeof message);
    if (status)
        print_error("%s\n", message);
    assert_status(status, MOTE_OK);
    mote_config_free(&config);
    return plugin;
}

static mote_nested_options options(int64_t processes)
{
    return (mote_nested_options){ MOTE_VERSIONED(mote_nested_options), .live_points = 40, .seed = 1,
                                  .executor = processes ? MOTE_EXECUTOR_PROCESSES : MOTE_EXECUTOR_SERIAL,
                                  .processes = processes, .worker_program = program, .precision = 0.05,
                                  .simulations = 20, .bootstraps = 10, .polish = 1 };
}

typedef struct outcome {
    uint64_t hash;
    mote_ledger ledger;
    double log_evidence, error;
} outcome;

static outcome run_to_end(const char *section, const mote_nested_options *o)
{
    mote_loaded_plugin *plugin = loaded(section);
    mote_run *run = NULL;
    outcome end = { .ledger = { MOTE_VERSIONED(mote_ledger) } };
    int status = mote_run_open(&run, mote_nested, mote_plugin_target(plugin), o);
    if (!status)
        status = mote_run_finish(run);
    if (status)
        print_error("%s: %s\n", section, mote_run_message(run));
    assert_status(status, MOTE_OK);
    end.hash = fingerprint(mote_run_draws(run));
    end.log_evidence = mote_draws_log_evidence(mote_run_draws(run));
    end.error = mote_draws_log_evidence_error(mote_run_draws(run));
    mote_run_ledger(run, &end.ledger);
    mote_run_close(&run);
    mote_plugin_release(&plugin);
    return end;
}

static int64_t all_failed(const mote_ledger *ledger)
{
    int64_t sum = 0;
    for (int64_t i = 1; i < 16; ++i)
        sum += ledger->failed[i];
    return sum;
}

static uint64_t twin_hash(int64_t *failures)
{
    mote_nested_options serial = options(0);
    outcome end = run_to_end("fault = none\ntwin = 1\n", &serial);
    assert_true(end.ledger.failed[MOTE_REASON_RETURNED] > 0);
    assert_int_equal(end.ledger.failed[MOTE_REASON_RETURNED], all_failed(&end.ledger));
    /* A 2-d normal of width 0.1 on the unit square; the strip x < 0.03 lies 5.7 widths from its centre. */
    assert_true(fabs(end.log_evidence - log(2 * acos(-1.0) * 0.01)) < 5 * end.error);
    *failures = all_failed(&end.ledger);
    return end.hash;
}

/* ---- faults of a row --------------------------------------------------------------------------------------------------- */

static void check_fault(const char *fault, int64_t reason, mote_nested_options o)
{
    char section[128];
    int64_t failures;
    uint64_t expected = twin_hash(&failures);
    for (int64_t batched = 0; batched <= 1; ++batched) {
        snprintf(section, sizeof section, "fault = %s\nbatch = %d\n", fault, (int)batched);
        outcome end = run_to_end(section, &o);
        if (end.ledger.failed[reason] != failures)
            print_error("%s, batch %d: %lld of %lld\n", fault, (int)batched, (long long)end.ledger.failed[reason],
                        (long long)failures);
        assert_int_equal(end.ledger.failed[reason], failures);
        assert_int_equal(all_failed(&end.ledger), failures);
        assert_true(end.hash == expected);
        /* Each failure ended a worker, or two; with batches its neighbours are evaluated again. */
        assert_true(end.ledger.workers_started >= o.processes + failures);
        assert_true(end.ledger.workers_started <= o.processes + 3 * failures);
        /* At most one more evaluation of a row that fails; with batches also of the rows beside it. One worker gets the
         * 40 prior draws in one batch, with at least one that fails. */
        assert_true(end.ledger.reissued > 0 || o.processes > failures);
        assert_true(batched ? o.processes > 1 || end.ledger.reissued >= 40 : end.ledger.reissued <= failures);
    }
}

static void exits_and_crashes(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    check_fault("exit", MOTE_REASON_EXIT, options(4));
    check_fault("segv", MOTE_REASON_CRASH, options(1));
    check_fault("abort", MOTE_REASON_CRASH, options(2));
    check_fault("fpe", MOTE_REASON_CRASH, options(7));
    check_fault("stack", MOTE_REASON_CRASH, options(4));
}

static void grows_to_its_limit(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    mote_nested_options o = options(4);
    o.worker_memory = 48;
    check_fault("memory", MOTE_REASON_MEMORY, o);
    o.processes = 1;
    check_fault("memory", MOTE_REASON_MEMORY, o);
}

/* A crash under a memory limit that has not been reached is a crash. */
static void limit_does_not_hide_crashes(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    mote_nested_options o = options(2);
    o.worker_memory = 200;
    check_fault("segv", MOTE_REASON_CRASH, o);
}

/* The strip is narrow so that few rows have to wait for their limit. */
static void hangs(void **state)
{
    (void)state;
    mote_nested_options o = options(4), serial = options(0);
    o.row_seconds = 0.15;
    outcome twin = run_to_end("twin = 1\nedge = 0.008\n", &serial);
    int64_t failures = all_failed(&twin.ledger);
    assert_true(failures > 0);
    outcome end = run_to_end("fault = hang\nedge = 0.008\n", &o);
    assert_int_equal(end.ledger.failed[MOTE_REASON_TIMEOUT], failures);
    assert_int_equal(all_failed(&end.ledger), failures);
    assert_true(end.hash == twin.hash);
    o.batch_size = 4; /* the limit of a batch is that of its rows together */
    end = run_to_end("fault = hang\nedge = 0.008\nbatch = 1\n", &o);
    assert_int_equal(end.ledger.failed[MOTE_REASON_TIMEOUT], failures);
    assert_true(end.hash == twin.hash);
}

/* A forked process keeps the dead worker's socket open; a worker that closes its socket lives on without it. */
static void end_without_end_of_file(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    mote_nested_options o = options(2), serial = options(0);
    int ends[2];
    assert_int_equal(pipe(ends), 0); /* workers and what they start inherit it */
    outcome twin = run_to_end("twin = 1\nedge = 0.008\n", &serial);
    outcome end = run_to_end("fault = orphan\nedge = 0.008\n", &o);
    assert_int_equal(end.ledger.failed[MOTE_REASON_CRASH], all_failed(&twin.ledger));
    assert_true(end.hash == twin.hash);
    struct pollfd left = { .fd = ends[0] };
    close(ends[1]);
    assert_int_equal(poll(&left, 1, 5000), 1); /* hung up: none of them is left, though they sleep for 30 s */
    close(ends[0]);
    end = run_to_end("fault = closes\nedge = 0.008\n", &o);
    assert_int_equal(all_failed(&end.ledger), all_failed(&twin.ledger));
    assert_true(end.hash == twin.hash);
}

/* ---- faults of a process: no row is to blame ---------------------------------------------------------------------------- */

static void check_blameless(const char *fault, mote_nested_options o, int restarts)
{
    char section[128];
    mote_nested_options serial = options(0);
    uint64_t expected = run_to_end("fault = none\nedge = 0\n", &serial).hash;
    for (int64_t batched = 0; batched <= 1; ++batched)
        for (o.processes = 1; o.processes <= 4; o.processes += 3) {
            snprintf(section, sizeof section, "fault = %s\nedge = 0\nbatch = %d\n", fault, (int)batched);
            outcome end = run_to_end(section, &o);
            assert_int_equal(all_failed(&end.ledger), 0);
            assert_true(end.hash == expected);
            assert_true(restarts ? end.ledger.reissued > 0 && end.ledger.workers_started > o.processes
                                 : end.ledger.reissued == 0 && end.ledger.workers_started == o.processes);
        }
}

static void history_is_not_blamed(void **state)
{
    (void)state;
    mote_nested_options o = options(1);
    check_blameless("globals", o, 0);
    o.batch_size = 5;
    check_blameless("suicide", o, 1);
    o.worker_memory = 50;
    if (!SANITIZED)
        check_blameless("leak", o, 1);
}

static void printing_is_harmless(void **state)
{
    (void)state;
    fflush(NULL);
    int out = dup(1), error = dup(2), nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 1), dup2(nowhere, 2);
    mote_nested_options o = options(2), serial = options(0);
    outcome end = run_to_end("fault = print\nedge = 0\n", &o);
    dup2(out, 1), dup2(error, 2);
    close(out), close(error), close(nowhere);
    assert_true(end.hash == run_to_end("edge = 0\n", &serial).hash);
}

/* ---- workers that do not start ---------------------------------------------------------------------------------------------- */

static void check_refused(const mote_target *target, const mote_nested_options *o, int expected, const char *word)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, target, o), expected);
    if (!strstr(mote_run_message(run), word))
        print_error("message: %s\n", mote_run_message(run));
    assert_non_null(strstr(mote_run_message(run), word));
    mote_run_close(&run);
}

static int flat(void *ctx, const double *theta, double *value, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *value = 0;
    return 0;
}

static void bad_starts_are_refused(void **state)
{
    (void)state;
    char folder[256], section[400], path[300];
    mote_nested_options o = options(2), missing = o, wrong = o;
    mote_loaded_plugin *plugin = loaded("");
    missing.worker_program = "/nowhere/mote-worker";
    check_refused(mote_plugin_target(plugin), &missing, MOTE_EOPTION, "/nowhere/mote-worker");
    wrong.worker_program = "/bin/true";
    check_refused(mote_plugin_target(plugin), &wrong, MOTE_EWORKER, "");
    mote_plugin_release(&plugin);
    const mote_parameter x[] = { MOTE_UNIFORM("x", 0, 1) };
    mote_target linked = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(x), .log_likelihood_point = flat, .name = "lin" };
    check_refused(&linked, &o, MOTE_EUNSUPPORTED, "'lin' is not a plug-in");
    static const struct { const char *section, *word; } ways[] = { { "open = exit\n", "ended before it had loaded" },
                                                                  { "open = fail\n", "the tests asked for it" } };
    for (size_t i = 0; i < 2; ++i) {
        plugin = loaded(ways[i].section);
        setenv("MOTE_HOSTILE", "1", 1);
        check_refused(mote_plugin_target(plugin), &o, MOTE_EWORKER, ways[i].word);
        unsetenv("MOTE_HOSTILE");
        mote_plugin_release(&plugin);
    }
    /* A data file that changes after the run has read it: another model. */
    assert_int_equal(make_test_folder(folder), 0);
    snprintf(path, sizeof path, "%s/data", folder);
    snprintf(section, sizeof section, "data = %s\n", path);
    for (int i = 0; i < 2; ++i) {
        FILE *file = fopen(path, "w");
        fprintf(file, "%d\n", i);
        fclose(file);
        if (i == 0)
            plugin = loaded(section);
    }
    check_refused(mote_plugin_target(plugin), &o, MOTE_EWORKER, "changed during the run");
    mote_plugin_release(&plugin);
    remove_test_folder(folder);
}

/* ---- nothing stays behind --------------------------------------------------------------------------------------------------- */

static int open_descriptors(void)
{
    int count = 0;
    for (int i = 0; i < 256; ++i)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

/* Stops in the midst of rows that hang, goes on, stops, closes: at once, with no child and no descriptor left. */
static void stops_while_waiting(void **state)
{
    (void)state;
    int before = open_descriptors(), steps = 0;
    mote_loaded_plugin *plugin = loaded("fault = hang\nedge = 0.5\n");
    mote_nested_options o = options(3);
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, mote_plugin_target(plugin), &o), MOTE_OK);
    double start = mote_clock();
    while (steps < 20 && mote_run_step(run) == MOTE_OK)
        ++steps; /* each step gives up waiting after a while */
    assert_int_equal(steps, 20);
    assert_true(mote_clock() - start < 5);
    for (int i = 0; i < 2; ++i) {
        mote_run_stop(run);
        assert_status(mote_run_finish(run), MOTE_STOPPED);
    }
    mote_run_close(&run);
    assert_true(mote_clock() - start < 8);
    assert_int_equal(open_descriptors(), before);
    assert_true(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    mote_plugin_release(&plugin);
}

/* Idle workers end by themselves: each releases the model. */
static void workers_release_the_model(void **state)
{
    (void)state;
    char folder[256], section[400], path[300], text[16] = "";
    assert_int_equal(make_test_folder(folder), 0);
    snprintf(path, sizeof path, "%s/left", folder);
    snprintf(section, sizeof section, "left = %s\nedge = 0\n", path);
    mote_nested_options o = options(3);
    run_to_end(section, &o);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "rrrr"); /* three workers and this process */
    remove_test_folder(folder);
}

/* The run dies while a row hangs: the worker follows. Its end is seen by the pipe that it inherits. */
static void orphans_end(void **state)
{
    (void)state;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        mote_loaded_plugin *plugin = loaded("fault = hang\nedge = 1\n");
        mote_nested_options o = options(2);
        mote_run *run = NULL;
        if (!mote_run_open(&run, mote_nested, mote_plugin_target(plugin), &o) && !mote_run_step(run)
            && !mote_run_step(run))
            raise(SIGKILL);
        _exit(1);
    }
    int status;
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    double start = mote_clock();
    assert_int_equal(read(ends[0], &byte, 1), 0); /* end of file: nobody holds the other end */
    assert_true(mote_clock() - start < 10);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exits_and_crashes),     cmocka_unit_test(grows_to_its_limit),
        cmocka_unit_test(limit_does_not_hide_crashes), cmocka_unit_test(hangs),
        cmocka_unit_test(end_without_end_of_file), cmocka_unit_test(history_is_not_blamed),
        cmocka_unit_test(printing_is_harmless),  cmocka_unit_test(bad_starts_are_refused),
        cmocka_unit_test(stops_while_waiting),   cmocka_unit_test(workers_release_the_model),
        cmocka_unit_test(orphans_end),
    };
    return run_unit_tests(tests);
}
