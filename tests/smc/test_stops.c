/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Models that stop in the middle of a step: at the k-th call of each of their callbacks, for a spread of k, by a code
 * below 0 (the run ends with it) or above (the callback failed). Whichever checkpoint is then the last, the one that
 * was written after the stop or, where nothing may be saved any more, the one before: the run that resumes from it ends
 * with the bytes of the run that nothing disturbed. Every particle algorithm has rows here, with particles in several
 * blocks where a callback sees one block.
 *
 * Planted: smoother_half_saved and paris_step_kept. */
#include <mote/mote.h>
#include <stdlib.h>

#include "model/draws.h"
#include "tests/smc/sampler_models.h"
#include "tests/support/fingerprint.h"
#include "tests/support/folder.h"
#include "tests/support/runs.h"
#include "tests/support/state_space_runs.h"
#include "tests/support/test.h"

enum { TIMES = 4, SPREAD = 5, OPTIONS = 4, STOP = -5, FAIL = 3 };

/* ---- models that stop ---- */

#define DENSITIES(CALLBACK)                                                                                            \
    CALLBACK(log_potential) CALLBACK(log_initial) CALLBACK(log_transition) CALLBACK(log_transition_bound)              \
    CALLBACK(log_propose_initial) CALLBACK(log_propose) CALLBACK(look_ahead) CALLBACK(log_artificial)                  \
    CALLBACK(log_propose_backward)
#define DRAWS(CALLBACK)                                                                                                \
    CALLBACK(initial) CALLBACK(transition) CALLBACK(propose_initial) CALLBACK(propose) CALLBACK(artificial)            \
    CALLBACK(propose_backward)
#define FUNCTIONALS(CALLBACK) CALLBACK(additive) CALLBACK(gradient)

#define NUMBER(name) AT_##name,
enum { DENSITIES(NUMBER) DRAWS(NUMBER) FUNCTIONALS(NUMBER) AT_log_likelihood, CALLBACKS };

#define NAME(name) #name,
static const char *const names[] = { DENSITIES(NAME) DRAWS(NAME) FUNCTIONALS(NAME) "log_likelihood" };

static struct {
    int64_t calls[CALLBACKS];
    int64_t stop_at; /* call of `callback`, counted from 0; -1: none */
    int callback, code, stopped;
} watch;

static void set_watch(int callback, int64_t stop_at, int code)
{
    memset(&watch, 0, sizeof watch);
    watch.callback = callback;
    watch.stop_at = stop_at;
    watch.code = code;
}

/* 0, or the code of the call at which the model stops. */
static int tick(int callback)
{
    const int64_t call = watch.calls[callback]++;
    if (callback != watch.callback || call != watch.stop_at)
        return 0;
    watch.stopped = 1;
    return watch.code;
}

#define DENSITY(name)                                                                                                  \
    static int stopping_##name(void *ctx, const mote_block *block)                                                     \
    {                                                                                                                  \
        const int code = tick(AT_##name);                                                                              \
        return code ? code : linear_gaussian_a.name(ctx, block);                                                       \
    }
#define DRAW(name)                                                                                                     \
    static int stopping_##name(void *ctx, const mote_block *block, mote_source *source)                                \
    {                                                                                                                  \
        const int code = tick(AT_##name);                                                                              \
        return code ? code : linear_gaussian_a.name(ctx, block, source);                                               \
    }
#define FUNCTIONAL(name)                                                                                               \
    static int stopping_##name(void *ctx, const mote_block *block, double *const *value)                               \
    {                                                                                                                  \
        const int code = tick(AT_##name);                                                                              \
        return code ? code : linear_gaussian_a.name(ctx, block, value);                                                \
    }
DENSITIES(DENSITY)
DRAWS(DRAW)
FUNCTIONALS(FUNCTIONAL)

static int stopping_log_likelihood(void *ctx, const mote_batch *batch)
{
    const int code = tick(AT_log_likelihood);
    return code ? code : conjugate_batch(ctx, batch);
}

static void set_model(mote_ssm *model, int with_free_parameter)
{
    static case_a_cut cut;
    cut_case_a(&cut, with_free_parameter, TIMES);
    *model = cut.model;
#define REPLACE(name) model->name = stopping_##name;
    DENSITIES(REPLACE)
    DRAWS(REPLACE)
    FUNCTIONALS(REPLACE)
}

static void set_target(mote_target *target)
{
    static conjugate normals;
    *target = conjugate_target(&normals, 2, 0.3);
    target->log_likelihood = stopping_log_likelihood;
    target->log_likelihood_terms = NULL;
    target->term_count = 0;
}

/* ---- algorithms ---- */

enum { MAY_REFUSE = 1 };

typedef struct stopping_row {
    const char *name;
    int may_refuse; /* a step that failed may leave nothing to save */
    small_option options[OPTIONS];
} stopping_row;

#define BLOCKS { "particles", "1030" }
#define ALL { "trajectories", "1000" } /* the default: the method draws none */
static const stopping_row rows[] = {
    { "filter", 0, { BLOCKS, { "record", "all" }, { "history", "full" } } },
    { "filter", 0, { BLOCKS, { "proposal", "guided" }, { "look_ahead", "on" } } },
    { "paris", 0, { BLOCKS } },
    { "paris", 0, { BLOCKS, { "functional", "gradient" }, { "trace", "on" } } },
    { "paris", 0, { BLOCKS, { "smoother", "forward" } } },
    { "paris", 0, { BLOCKS, { "smoother", "genealogy" } } },
    { "smoother", MAY_REFUSE, { BLOCKS, { "trajectories", "1030" } } },
    { "smoother", MAY_REFUSE, { { "trajectories", "1030" }, { "replicates", "2" }, { "backward", "mcmc" } } },
    { "smoother", MAY_REFUSE, { BLOCKS, ALL, { "method", "ffbsm" } } },
    { "smoother", MAY_REFUSE, { BLOCKS, ALL, { "method", "two_filter" } } },
    { "smoother", MAY_REFUSE, { BLOCKS, ALL, { "method", "two_filter_linear" } } },
    { "smoother", MAY_REFUSE, { BLOCKS, ALL, { "method", "fixed_lag" }, { "smoothing_lag", "2" } } },
    { "smoother", MAY_REFUSE, { BLOCKS, ALL, { "method", "genealogy" } } },
    { "ppg", 0, { { NULL, NULL } } },
    { "ppg", 0, { BLOCKS } },
    { "particle_gibbs", 0, { { NULL, NULL } } },
    { "particle_gibbs", 0, { { "path_kernel", "ancestor" }, { "parameter_kernel", "mala" } } },
    { "pmmh", 0, { { NULL, NULL } } },
    { "pmmh", 0, { { "correlation", "0.9" } } },
    { "pmmh", 0, { { "tune", "on" } } },
    { "smc2", 0, { { NULL, NULL } } },
    { "iterated_filtering", 0, { { NULL, NULL } } },
    { "score_ascent", 0, { { "score", "ppg" } } },
    { "score_ascent", 0, { { "score", "paris" }, { "sweeps", "2" } } },
    { "controlled", MAY_REFUSE, { { NULL, NULL } } },
    { "controlled", MAY_REFUSE, { { "method", "iterated_auxiliary" }, { "fits", "7" }, { "tolerance", "1e-300" },
                                   { "particles", "12" } } }, /* which double from the fourth fit on */
    { "smc", 0, { { "form", "waste_free" } } },
    { "smc", 0, { { "form", "plain" } } },
    { "smc", 0, { { "form", "persistent" } } },
};

static mote_run *opened(const stopping_row *row, const char *folder)
{
    static mote_ssm model;
    static mote_target target;
    const mote_algorithm *algorithm = mote_algorithm_find(row->name);
    const small_option place = { "checkpoint", folder };
    any_options options;
    size_t given = 0;
    assert_non_null(algorithm);
    const int state_space = algorithm->model_kind == MOTE_KIND_mote_ssm;
    set_model(&model, state_space && learns(algorithm));
    set_target(&target);
    while (given < OPTIONS && row->options[given].key)
        ++given;
    assert_status(small_options(algorithm, &options, "3"), MOTE_OK);
    assert_status(set_options(algorithm, &options, row->options, given), MOTE_OK);
    assert_status(set_options(algorithm, &options, &place, folder != NULL), MOTE_OK);
    return open_run_of(algorithm, state_space ? (const void *)&model : &target, &options);
}

/* Draws, and the results that do not count work: what a step that failed had done is done again. */
static uint64_t outcome(mote_run *run)
{
    const mote_draws *draws = mote_run_draws(run);
    uint64_t hash = fingerprint(draws);
    for (int64_t i = 0; draws && i < draws->result_count; ++i)
        if (draws->results[i].kind == MOTE_RESULT_REAL && strcmp(draws->results[i].name, "particle_steps"))
            hash = mote_hash(hash, &draws->results[i].value, sizeof draws->results[i].value);
    return hash;
}

/* ---- the check ---- */

typedef struct stop_tally {
    int64_t stopped, refused, forgiven, wrong;
    int64_t stopped_by[CALLBACKS];
} stop_tally;

static void describe(const stopping_row *row, int callback, const char *what)
{
    print_error("%s", row->name);
    for (int64_t k = 0; k < OPTIONS && row->options[k].key; ++k)
        print_error(" %s=%s", row->options[k].key, row->options[k].value);
    print_error(", code %d at call %lld of %s: %s\n", watch.code, (long long)watch.stop_at, names[callback], what);
}

/* Steps up to the end or the stop, with a checkpoint before the first and after the second one. */
static int disturbed(mote_run *run)
{
    int status = mote_run_checkpoint(run);
    for (int step = 0; step < 2 && !status; ++step)
        status = mote_run_step(run);
    if (!status)
        status = mote_run_checkpoint(run);
    return status ? status : mote_run_finish(run);
}

/* Outcome of the run that resumes from the folder's last checkpoint; 0 when there is none. */
static uint64_t resumed(const stopping_row *row, const char *folder)
{
    mote_run *run = opened(row, folder);
    watch.callback = -1;
    int status = mote_run_resume(run);
    if (!status)
        status = mote_run_finish(run);
    if (status)
        print_error("%s\n", mote_run_message(run));
    const uint64_t hash = status ? 0 : outcome(run);
    mote_run_close(&run);
    return hash;
}

static void stop_at(const stopping_row *row, int callback, int64_t call, int code, uint64_t expected, stop_tally *tally)
{
    char folder[256];
    assert_int_equal(make_test_folder(folder), 0);
    mote_run *run = opened(row, folder);
    set_watch(callback, call, code);
    const int status = disturbed(run);
    const int forgiven = status == MOTE_OK || status == MOTE_DONE;
    tally->stopped_by[callback] += watch.stopped;
    if (forgiven && code < 0)
        describe(row, callback, "the code was not the answer");
    tally->wrong += forgiven && code < 0;
    tally->forgiven += forgiven;
    if (!forgiven) {
        const int saved = mote_run_checkpoint(run);
        tally->refused += saved == MOTE_ESTATE;
        ++tally->stopped;
        if (saved && (saved != MOTE_ESTATE || !row->may_refuse))
            describe(row, callback, mote_run_message(run));
        tally->wrong += saved && (saved != MOTE_ESTATE || !row->may_refuse);
    }
    mote_run_close(&run);
    if (!forgiven && resumed(row, folder) != expected) {
        describe(row, callback, "the resumed run differs");
        ++tally->wrong;
    }
    remove_test_folder(folder);
}

static void check_row(const stopping_row *row, stop_tally *tally)
{
    int64_t calls[CALLBACKS];
    mote_run *run = opened(row, NULL);
    set_watch(-1, -1, 0);
    assert_well(run, mote_run_finish(run));
    memcpy(calls, watch.calls, sizeof calls);
    const uint64_t expected = outcome(run);
    mote_run_close(&run);
    for (int callback = 0; callback < CALLBACKS; ++callback) {
        int64_t last = -1;
        for (int64_t j = 0; j < SPREAD; ++j) {
            const int64_t call = (2 * j + 1) * calls[callback] / (2 * SPREAD);
            if (call > last && call < calls[callback])
                stop_at(row, callback, call, j == 2 ? FAIL : STOP, expected, tally);
            last = call;
        }
    }
}

static void stopped_runs_resume_to_the_same_bytes(void **unused)
{
    stop_tally tally = { 0 };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        check_row(&rows[i], &tally);
    print_message("%lld runs stopped, %lld of them with nothing to save, %lld forgave the callback\n",
                  (long long)tally.stopped, (long long)tally.refused, (long long)tally.forgiven);
    for (int callback = 0; callback < CALLBACKS; ++callback)
        if (!tally.stopped_by[callback]) {
            print_error("%s: no row stops in it\n", names[callback]);
            ++tally.wrong;
        }
    assert_int_equal(tally.wrong, 0);
    assert_true(tally.refused > 0 && tally.stopped > 3 * tally.refused);
}

/* A new algorithm needs a row. */
static void every_algorithm_has_a_row(void **unused)
{
    const mote_algorithm *algorithm;
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        size_t k = 0;
        while (k < sizeof rows / sizeof *rows && strcmp(rows[k].name, mote_algorithm_name(algorithm)))
            ++k;
        if (k == sizeof rows / sizeof *rows)
            print_error("%s\n", mote_algorithm_name(algorithm));
        assert_true(k < sizeof rows / sizeof *rows);
    }
}

/* ---- observers ---- */

typedef struct observer {
    int64_t seen, stop_at;
    double sum;
} observer;

static int observe(void *ctx, const mote_filter_view *view)
{
    observer *o = ctx;
    ++o->seen;
    o->sum += (double)(view->step + 1) * view->log_evidence;
    return view->step == o->stop_at ? STOP : 0;
}

static mote_run *observed(const mote_ssm *model, observer *o)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 40, .seed = 3,
                                          .observe = observe, .observe_ctx = o };
    return open_run_of(mote_filter, model, &options);
}

/* Pushes observations from number `step` on until one is not taken. Returns its status. */
static int push_from(mote_run *run, int64_t step, int64_t count)
{
    int status = MOTE_OK;
    for (; step < count && !status; ++step)
        status = push_case_a(run, step);
    return status;
}

/* The step that was seen is done: loaded, the run goes on after it, and a stream waits for the next observation. */
static void a_step_that_was_observed_is_done(void **unused)
{
    enum { COUNT = 8 };
    char folder[256], path[300];
    case_a_cut whole, stream;
    (void)unused;
    assert_int_equal(make_test_folder(folder), 0);
    snprintf(path, sizeof path, "%s/run", folder);
    cut_case_a(&whole, 0, COUNT);
    cut_case_a(&stream, 0, 0);
    for (int pushed = 0; pushed < 2; ++pushed) {
        const mote_ssm *model = pushed ? &stream.model : &whole.model;
        observer plain = { .stop_at = -1 }, o = { .stop_at = 4 };
        mote_run *run = observed(model, &plain);
        assert_well(run, pushed ? push_from(run, 0, COUNT) : mote_run_finish(run));
        const double log_evidence = mote_filter_log_evidence(run);
        mote_run_close(&run);
        run = observed(model, &o);
        assert_status(pushed ? push_from(run, 0, COUNT) : mote_run_finish(run), STOP);
        assert_int_equal(mote_filter_count(run), 5);
        assert_well(run, mote_run_save(run, path));
        mote_run_close(&run);
        o.stop_at = -1;
        run = observed(model, &o);
        assert_well(run, mote_run_load(run, path));
        if (pushed)
            assert_status(mote_run_step(run), MOTE_WAITING);
        assert_well(run, pushed ? push_from(run, 5, COUNT) : mote_run_finish(run));
        assert_int_equal(o.seen, COUNT);
        assert_true(o.sum == plain.sum);
        assert_true(mote_filter_log_evidence(run) == log_evidence);
        mote_run_close(&run);
    }
    remove_test_folder(folder);
}

/* The observation that a failed step of on-line smoothing had begun with waits, and is taken after load. */
static void a_step_that_is_taken_back_keeps_its_observation(void **unused)
{
    enum { COUNT = 8 };
    const mote_paris_options options = { MOTE_VERSIONED(mote_paris_options), .particles = 40, .seed = 3 };
    char folder[256], path[300];
    case_a_cut stream;
    (void)unused;
    assert_int_equal(make_test_folder(folder), 0);
    snprintf(path, sizeof path, "%s/run", folder);
    cut_case_a(&stream, 0, 0);
    stream.model.additive = stopping_additive;
    set_watch(-1, -1, 0);
    mote_run *run = open_run_of(mote_paris, &stream.model, &options);
    assert_well(run, push_from(run, 0, COUNT));
    const double plain = mote_paris_estimate(run, 0);
    mote_run_close(&run);
    set_watch(AT_additive, 8, STOP); /* the second of two draws at step 4, after the one draw of step 0 */
    run = open_run_of(mote_paris, &stream.model, &options);
    assert_status(push_from(run, 0, COUNT), STOP);
    assert_int_equal(mote_paris_count(run), 4);
    assert_false(isnan(mote_paris_estimate(run, 0)));
    assert_well(run, mote_run_save(run, path));
    mote_run_close(&run);
    run = open_run_of(mote_paris, &stream.model, &options);
    assert_well(run, mote_run_load(run, path));
    assert_well(run, mote_run_step(run));
    assert_int_equal(mote_paris_count(run), 5);
    assert_well(run, push_from(run, 5, COUNT));
    assert_true(mote_paris_estimate(run, 0) == plain);
    mote_run_close(&run);
    remove_test_folder(folder);
}

static int use_memory_folder(void **unused)
{
    (void)unused;
    return access("/dev/shm", W_OK) ? 0 : setenv("TMPDIR", "/dev/shm", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(stopped_runs_resume_to_the_same_bytes, use_memory_folder),
        cmocka_unit_test(every_algorithm_has_a_row),
        cmocka_unit_test(a_step_that_was_observed_is_done),
        cmocka_unit_test(a_step_that_is_taken_back_keeps_its_observation),
    };
    return run_unit_tests(tests);
}
