/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life cycle, over every algorithm of the registry: open, step, stop, limits, save, load, errors, close. */
#include <mote/mote.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/run.h"
#include "tests/support/fingerprint.h"
#include "tests/support/test.h"

static int hill(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx;
    *log_likelihood = -0.5 * (theta[0] * theta[0] + theta[1] * theta[1]) / 0.01;
    derived[0] = theta[0] - theta[1];
    return 0;
}

static const mote_parameter parameters[] = { MOTE_UNIFORM("x", -1, 1), MOTE_FIXED("f", 3), MOTE_UNIFORM("y", -1, 1),
                                             MOTE_DERIVED("difference") };

static mote_target target(void)
{
    return (mote_target){ MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters), .log_likelihood_point = hill,
                          .name = "hill", .identity = "hill 1" };
}

/* A zeroed options struct of any algorithm, set by text as files and bindings do. */
typedef union any_options {
    mote_head head;
    const mote_hooks *hooks_behind_the_head[2];
    char room[4096];
} any_options;

static void set(const mote_algorithm *algorithm, any_options *options, const char *key, const char *value)
{
    char message[256] = "";
    if (mote_option_set(mote_algorithm_options(algorithm), options, key, value, message, sizeof message))
        print_error("%s\n", message);
    assert_int_equal(message[0], 0);
}

static any_options small_options(const mote_algorithm *algorithm)
{
    const mote_option_table *table = mote_algorithm_options(algorithm);
    any_options options = { .room = { 0 } };
    assert_true(table->size <= (int64_t)sizeof options);
    options.head = (mote_head){ (uint32_t)table->size, (uint32_t)table->kind };
    set(algorithm, &options, "seed", "3");
    if (mote_option_find(table, "live_points"))
        set(algorithm, &options, "live_points", "50");
    if (mote_option_find(table, "particles"))
        set(algorithm, &options, "particles", "100");
    return options;
}

/* The next algorithm from *i on whose model is a target; those on state-space models are in tests/smc/test_life.c. */
static const mote_algorithm *next_on_targets(int64_t *i)
{
    const mote_algorithm *algorithm;
    while ((algorithm = mote_algorithm_at(*i)) && algorithm->model_kind != MOTE_KIND_mote_target)
        ++*i;
    return algorithm;
}

static mote_run *opened(const mote_algorithm *algorithm, const mote_target *t, const any_options *options)
{
    mote_run *run = NULL;
    int status = mote_run_open(&run, algorithm, t, options);
    if (status)
        print_error("open of %s: %s\n", mote_algorithm_name(algorithm), mote_run_message(run));
    assert_status(status, MOTE_OK);
    return run;
}

static void whole_life(void **state)
{
    (void)state;
    const mote_algorithm *algorithm;
    mote_target t = target();
    char path[] = "run_state.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    for (int64_t i = 0; (algorithm = next_on_targets(&i)); ++i) {
        any_options options = small_options(algorithm);
        assert_ptr_equal(mote_algorithm_find(mote_algorithm_name(algorithm)), algorithm);
        assert_true(strlen(mote_algorithm_help(algorithm)) > 10);
        mote_run *run = opened(algorithm, &t, &options), *second = opened(algorithm, &t, &options);
        assert_null(mote_run_draws(run));
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_CRITERION);
        const mote_draws *draws = mote_run_draws(run);
        assert_int_equal(mote_draws_parameter_count(draws), 3);
        assert_string_equal(mote_draws_parameter(draws, 2)->name, "difference");
        uint64_t expected = fingerprint(draws);
        /* The driver is a loop over step: one's own does the same. */
        int status;
        while ((status = mote_run_step(second)) == MOTE_OK)
            ;
        assert_status(status, MOTE_DONE);
        assert_true(fingerprint(mote_run_draws(second)) == expected);
        mote_run_close(&second);
        /* A finished run, saved and loaded, is finished and costs nothing more. */
        assert_status(mote_run_save(run, path), MOTE_OK);
        second = opened(algorithm, &t, &options);
        assert_status(mote_run_load(second, path), MOTE_OK);
        assert_true(fingerprint(mote_run_draws(second)) == expected);
        assert_status(mote_run_finish(second), MOTE_OK);
        assert_true(fingerprint(mote_run_draws(second)) == expected);
        mote_run_close(&second);
        mote_run_close(&run);
        assert_null(run);
    }
    unlink(path);
}

static void another_run_is_refused_by_name(void **state)
{
    (void)state;
    const mote_algorithm *algorithm;
    mote_target t = target(), other = target();
    char path[] = "run_state.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    other.identity = "hill 2";
    for (int64_t i = 0; (algorithm = next_on_targets(&i)); ++i) {
        any_options options = small_options(algorithm), changed = options;
        mote_run *run = opened(algorithm, &t, &options);
        assert_status(mote_run_step(run), MOTE_OK);
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        set(algorithm, &changed, "seed", "4");
        run = opened(algorithm, &t, &changed);
        assert_status(mote_run_load(run, path), MOTE_EIDENTITY);
        assert_non_null(strstr(mote_run_message(run), "seed"));
        assert_status(mote_run_step(run), MOTE_EIDENTITY);
        mote_run_close(&run);
        run = opened(algorithm, &other, &options);
        assert_status(mote_run_load(run, path), MOTE_EIDENTITY);
        assert_non_null(strstr(mote_run_message(run), "hill 2"));
        mote_run_close(&run);
        set(algorithm, &options, "max_calls", "100000"); /* decides when to stop, not what comes out */
        run = opened(algorithm, &t, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
        assert_true(mote_run_step(run) <= MOTE_DONE);
        assert_status(mote_run_load(run, path), MOTE_ESTATE);
        mote_run_close(&run);
    }
    unlink(path);
}

static void limits_end_a_run_with_success(void **state)
{
    (void)state;
    const mote_algorithm *algorithm;
    mote_target t = target();
    for (int64_t i = 0; (algorithm = next_on_targets(&i)); ++i) {
        any_options options = small_options(algorithm);
        uint64_t first = 0;
        for (int repeat = 0; repeat < 2; ++repeat) {
            if (mote_option_find(mote_algorithm_options(algorithm), "draws"))
                set(algorithm, &options, "draws", "5000");
            set(algorithm, &options, "max_calls", "200");
            mote_run *run = opened(algorithm, &t, &options);
            assert_status(mote_run_finish(run), MOTE_OK);
            assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_CALLS);
            mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
            assert_status(mote_run_ledger(run, &ledger), MOTE_OK);
            if (ledger.calls < 200 || ledger.calls >= 3000)
                fail_msg("%s: %lld calls", mote_algorithm_name(algorithm), (long long)ledger.calls);
            assert_true(ledger.batches > 0 && ledger.seconds > 0);
            uint64_t hash = fingerprint(mote_run_draws(run));
            assert_true(repeat == 0 || hash == first);
            first = hash;
            mote_run_close(&run);
        }
        set(algorithm, &options, "max_calls", "0");
        set(algorithm, &options, "max_seconds", "1e-9");
        mote_run *run = opened(algorithm, &t, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_SECONDS);
        mote_run_close(&run);
    }
}

static void refuse(const mote_algorithm *algorithm, const void *model, const void *options, int status,
                   const char *word)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, algorithm, model, options), status);
    if (!strstr(mote_run_message(run), word))
        print_error("message: '%s', wanted '%s'\n", mote_run_message(run), word);
    assert_non_null(strstr(mote_run_message(run), word));
    assert_true(mote_run_step(run) >= MOTE_ENOMEM);
    assert_true(mote_run_finish(run) >= MOTE_ENOMEM);
    assert_null(mote_run_draws(run));
    mote_run_close(&run);
    assert_null(run);
}

static void wrong_arguments_are_named(void **state)
{
    (void)state;
    mote_target t = target(), no_function = target();
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 50 };
    mote_prior_options other = { MOTE_VERSIONED(mote_prior_options), .draws = 10 };
    mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .ctx = NULL };
    no_function.log_likelihood_point = NULL;
    refuse(mote_nested, NULL, &options, MOTE_EINVAL, "model");
    refuse(mote_nested, &options, &options, MOTE_EKIND, "mote_target");
    refuse(mote_nested, &t, &other, MOTE_EKIND, "options");
    refuse(mote_nested, &no_function, &options, MOTE_EINVAL, "log_likelihood");
    options.live_points = 1;
    refuse(mote_nested, &t, &options, MOTE_EOPTION, "live_points");
    options.live_points = 50;
    options.step = 17;
    refuse(mote_nested, &t, &options, MOTE_EOPTION, "step");
    options.step = 0;
    options.deaths_per_step = 50;
    refuse(mote_nested, &t, &options, MOTE_EOPTION, "deaths_per_step");
    options.deaths_per_step = 0;
    options.executor = MOTE_EXECUTOR_THREADS;
    refuse(mote_nested, &t, &options, MOTE_EUNSUPPORTED, "thread-safe");
    options.executor = MOTE_EXECUTOR_PROCESSES;
    refuse(mote_nested, &t, &options, MOTE_EUNSUPPORTED, "plug-in");
    options.executor = 0;
    options.hooks = &hooks;
    hooks.head.kind = MOTE_KIND_mote_target;
    refuse(mote_nested, &t, &options, MOTE_EKIND, "mote_hooks");
}

/* A program built against a later header may pass a longer struct, as long as the part that we do not know is zero. */
static void structs_of_other_versions(void **state)
{
    (void)state;
    mote_target t = target();
    struct {
        mote_nested_options known;
        int64_t later;
    } options = { { MOTE_VERSIONED(mote_nested_options), .live_points = 50 }, 0 };
    mote_run *run = NULL;
    options.known.head.size = sizeof options;
    assert_status(mote_run_open(&run, mote_nested, &t, &options), MOTE_OK);
    mote_run_close(&run);
    options.later = 1;
    refuse(mote_nested, &t, &options, MOTE_EVERSION, "mote_nested_options");
    options.known.head.size = offsetof(mote_nested_options, polish); /* an earlier one without the last field */
    assert_status(mote_run_open(&run, mote_nested, &t, &options), MOTE_OK);
    mote_ledger ledger = { .head = { 24, MOTE_KIND_mote_ledger }, .gradients = 77 };
    assert_status(mote_run_ledger(run, &ledger), MOTE_OK);
    assert_int_equal(ledger.gradients, 77);
    ledger.head.kind = 0;
    assert_status(mote_run_ledger(run, &ledger), MOTE_EKIND);
    mote_run_close(&run);
}

static void null_is_answered(void **state)
{
    (void)state;
    mote_run *run = NULL;
    assert_status(mote_run_open(NULL, mote_nested, NULL, NULL), MOTE_EINVAL);
    assert_status(mote_run_open(&run, NULL, NULL, NULL), MOTE_EINVAL);
    assert_null(run);
    assert_status(mote_run_step(NULL), MOTE_EINVAL);
    assert_status(mote_run_finish(NULL), MOTE_EINVAL);
    assert_status(mote_run_save(NULL, "x"), MOTE_EINVAL);
    assert_status(mote_run_load(NULL, "x"), MOTE_EINVAL);
    assert_status(mote_run_checkpoint(NULL), MOTE_EINVAL);
    assert_status(mote_run_resume(NULL), MOTE_EINVAL);
    assert_status(mote_run_ledger(NULL, NULL), MOTE_EINVAL);
    assert_status(mote_run_progress(NULL, NULL), MOTE_EINVAL);
    assert_status(mote_run_pending(NULL, NULL), MOTE_EINVAL);
    assert_status(mote_run_tell(NULL, 0, 0, NULL, 0), MOTE_EINVAL);
    assert_null(mote_run_draws(NULL));
    assert_true(strlen(mote_run_message(NULL)) > 0);
    assert_int_equal(mote_run_finished_by(NULL), MOTE_NOT_FINISHED);
    mote_run_stop(NULL);
    mote_run_close(NULL);
    mote_run_close(&run);
    assert_null(mote_algorithm_find("nonsense"));
    assert_null(mote_algorithm_find(NULL));
    assert_null(mote_algorithm_at(-1));
    assert_null(mote_algorithm_name(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_life),
        cmocka_unit_test(another_run_is_refused_by_name),
        cmocka_unit_test(limits_end_a_run_with_success),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(structs_of_other_versions),
        cmocka_unit_test(null_is_answered),
    };
    return run_unit_tests(tests);
}
