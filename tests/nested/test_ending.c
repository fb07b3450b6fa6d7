/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a run ends and what it then tells: limits, a signal that arrives while a checkpoint is written, the best point, the
 * names of warnings. All exact. The signal arrives inside fsync, which this program defines itself. */
#include <mote/mote.h>
#include <signal.h>
#include <unistd.h>

#include "tests/support/fingerprint.h"
#include "tests/support/folder.h"
#include "tests/support/test.h"

enum { LIVE = 20 };

static char folder[256];

/* Maximum 0 at (0.5, 0.4), where the derived sum is 0.9. */
static int hill(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    const double a = (theta[0] - 0.5) / 0.1, b = (theta[1] - 0.4) / 0.2;
    ++*(int64_t *)ctx;
    *log_likelihood = -0.5 * (a * a + b * b);
    derived[0] = theta[0] + theta[1];
    return 0;
}

static int64_t calls;
static const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1), MOTE_DERIVED("sum") };
static const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                                    .log_likelihood_point = hill, .ctx = &calls, .name = "hill" };

static mote_nested_options small(void)
{
    return (mote_nested_options){ MOTE_VERSIONED(mote_nested_options), .live_points = LIVE, .seed = 3, .precision = 0.05,
                                  .simulations = 20, .bootstraps = 10 };
}

static mote_run *opened(const mote_nested_options *options)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, &target, options), MOTE_OK);
    return run;
}

static uint64_t hash_of_whole(void)
{
    const mote_nested_options options = small();
    mote_run *run = opened(&options);
    assert_status(mote_run_finish(run), MOTE_OK);
    const uint64_t hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    return hash;
}

/* ---- limits */

/* Prior draws come in blocks of live_points, and a limit of calls is looked at between blocks: the first one is made
 * whatever the limit, no other; a run that is stopped there goes on to the same bytes. */
static void calls_end_a_run_between_blocks_of_prior_draws(void **state)
{
    static const int64_t limits[] = { 1, LIVE, LIVE + 1, 2 * LIVE }, made[] = { LIVE, LIVE, 2 * LIVE, 2 * LIVE };
    mote_nested_options options = small(), free = small();
    char path[300];
    (void)state;
    snprintf(path, sizeof path, "%s/state", folder);
    options.prior_draws = free.prior_draws = 3 * LIVE;
    mote_run *run = opened(&free);
    assert_status(mote_run_finish(run), MOTE_OK);
    const uint64_t whole = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; ++i) {
        options.max_calls = limits[i];
        calls = 0;
        run = opened(&options);
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_int_equal(calls, made[i]);
        assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_CALLS);
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        run = opened(&free);
        assert_status(mote_run_load(run, path), MOTE_OK);
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_true(fingerprint(mote_run_draws(run)) == whole);
        mote_run_close(&run);
    }
}

/* ---- a signal while a checkpoint is written */

static mote_run *watched;
static volatile sig_atomic_t signal_at, syncs;

/* No disk is needed here: what is tested is the program that goes on. */
int fsync(int descriptor)
{
    (void)descriptor;
    if (++syncs == signal_at)
        raise(SIGTERM);
    return 0;
}

static int64_t calls_at_signal;

static void stop(int number)
{
    (void)number;
    calls_at_signal = calls;
    mote_run_stop(watched);
}

/* The run makes no further call of the likelihood, its checkpoint is whole, and it goes on to the same bytes. */
static void check_signal(int at, uint64_t whole)
{
    mote_nested_options options = small();
    options.checkpoint = folder;
    options.checkpoint_seconds = 1e-6; /* one after every step */
    calls = calls_at_signal = 0;
    syncs = 0;
    watched = opened(&options);
    signal_at = (sig_atomic_t)at;
    assert_status(mote_run_finish(watched), MOTE_STOPPED);
    assert_true(calls_at_signal > 0);
    assert_int_equal(calls, calls_at_signal);
    mote_run_close(&watched);
    signal_at = 0;
    watched = opened(&options);
    assert_status(mote_run_resume(watched), MOTE_OK);
    assert_status(mote_run_finish(watched), MOTE_OK);
    assert_true(fingerprint(mote_run_draws(watched)) == whole);
    mote_run_close(&watched);
}

static void a_signal_in_a_checkpoint_is_seen(void **state)
{
    struct sigaction action = { .sa_handler = stop }, before;
    const uint64_t whole = hash_of_whole();
    (void)state;
    sigemptyset(&action.sa_mask);
    assert_int_equal(sigaction(SIGTERM, &action, &before), 0);
    for (int at = 11; at <= 14; ++at) { /* of a file and of its folder, in turn */
        check_signal(at, whole);
        remove_test_folder(folder);
        assert_int_equal(make_test_folder(folder), 0);
    }
    sigaction(SIGTERM, &before, NULL);
}

/* ---- the best point, and words */

static void the_best_point_is_the_maximum(void **state)
{
    double theta[2] = { NAN, NAN }, derived[1] = { NAN };
    const mote_nested_options options = small();
    const mote_prior_options plain = { MOTE_VERSIONED(mote_prior_options), .draws = 10 };
    mote_run *run = opened(&options);
    (void)state;
    assert_status(mote_nested_get_best(run, theta, derived), MOTE_ESTATE);
    assert_non_null(strstr(mote_run_message(run), "no points"));
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_status(mote_nested_get_best(run, theta, derived), MOTE_OK);
    assert_close(theta[0], 0.5, 0, 1e-4);
    assert_close(theta[1], 0.4, 0, 2e-4);
    assert_close(derived[0], theta[0] + theta[1], 0, 0);
    assert_status(mote_nested_get_best(run, NULL, NULL), MOTE_OK);
    mote_run_close(&run);
    assert_status(mote_run_open(&run, mote_prior_run, &target, &plain), MOTE_OK);
    assert_status(mote_nested_get_best(run, theta, NULL), MOTE_EKIND);
    mote_run_close(&run);
    assert_status(mote_nested_get_best(NULL, theta, NULL), MOTE_EINVAL);
}

/* Without a polish it is the highest of the points. */
static void the_best_point_is_among_the_draws(void **state)
{
    double theta[2], best = -INFINITY;
    int64_t row = 0;
    mote_nested_options options = small();
    (void)state;
    options.polish = 1; /* off */
    mote_run *run = opened(&options);
    assert_status(mote_run_finish(run), MOTE_OK);
    const mote_draws *draws = mote_run_draws(run);
    for (int64_t i = 0; i < mote_draws_count(draws); ++i)
        if (mote_draws_log_likelihood(draws)[i] > best)
            best = mote_draws_log_likelihood(draws)[row = i];
    assert_status(mote_nested_get_best(run, theta, NULL), MOTE_OK);
    assert_close(theta[0], mote_draws_column(draws, 0)[row], 0, 0);
    assert_close(theta[1], mote_draws_column(draws, 1)[row], 0, 0);
    mote_run_close(&run);
}

static void warnings_have_names_and_texts(void **state)
{
    (void)state;
    assert_string_equal(mote_warning_name(1), "INSERTION_RANK");
    assert_string_equal(mote_warning_name(4096), "ZEROS");
#define CHECK(name, bit, text) \
    assert_string_equal(mote_warning_text(bit), text); \
    assert_string_equal(mote_warning_name(bit), #name);
    MOTE_WARNING_LIST(CHECK)
#undef CHECK
    static const int64_t unknown[] = { 0, 3, -1, INT64_C(1) << 40 };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; ++i)
        assert_true(!mote_warning_name(unknown[i]) && !mote_warning_text(unknown[i]));
}

static int enter(void **state)
{
    (void)state;
    return make_test_folder(folder);
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
        cmocka_unit_test_setup_teardown(calls_end_a_run_between_blocks_of_prior_draws, enter, leave),
        cmocka_unit_test_setup_teardown(a_signal_in_a_checkpoint_is_seen, enter, leave),
        cmocka_unit_test(the_best_point_is_the_maximum),
        cmocka_unit_test(the_best_point_is_among_the_draws),
        cmocka_unit_test(warnings_have_names_and_texts),
    };
    return run_unit_tests(tests);
}
