/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of the algorithms on state-space models. Every allocation fails in turn, in the whole life of a run of each
 * registered algorithm, on a series and on a stream of pushes: MOTE_ENOMEM with a message, nothing leaked, the last
 * safe point intact (the run that was out of memory can be saved, and ends elsewhere with the same bytes). First
 * through the run's allocator, then with malloc interposed, which also meets what goes past the allocator.
 *
 * And how often steps ask for memory: never, once a run is warm; where the past is kept, a number of times that grows
 * as the logarithm of the steps. */
#define MOTE_FAULT_MALLOC 1
#include "tests/support/fault.h"

#include "tests/support/fingerprint.h"
#include "tests/support/folder.h"
#include "tests/support/state_space_runs.h"
#include "tests/support/test.h"

enum { NO_MESSAGE = -1, NOT_SAVED = -2, OTHER_BYTES = -3, TIMES = 6, EXTRAS = 4 };

static char folder[256], path[300];

typedef struct subject {
    const mote_algorithm *algorithm;
    int64_t stream;             /* pushed, instead of a series of the model's own */
    small_option extra[EXTRAS];
    case_a_cut cut;
    any_options options;
    uint64_t hash;              /* of the run that had memory */
} subject;

static int open_subject(mote_run **run, const subject *s, const mote_hooks *hooks)
{
    any_options options = s->options;
    options.first.hooks = hooks;
    return mote_run_open(run, s->algorithm, &s->cut.model, &options);
}

static void prepare(subject *s, int64_t times)
{
    int64_t extras = 0;
    while (extras < EXTRAS && s->extra[extras].key)
        ++extras;
    assert_status(small_options(s->algorithm, &s->options, "5"), MOTE_OK);
    assert_status(set_options(s->algorithm, &s->options, s->extra, (size_t)extras), MOTE_OK);
    cut_case_a(&s->cut, learns(s->algorithm), s->stream ? 0 : times);
    s->cut.model.series = s->stream ? NULL : &s->cut.series;
}

/* `status`, which must come with a message. */
static int with_message(int status, const mote_run *run)
{
    return status && !*mote_run_message(run) ? NO_MESSAGE : status;
}

/* From where the run stands to its end. */
static int drive(mote_run *run, const subject *s)
{
    mote_progress progress = { .head = MOTE_VERSIONED(mote_progress) };
    int status = s->stream ? mote_run_progress(run, &progress) : MOTE_OK;
    for (int64_t t = progress.iterations; s->stream && t < TIMES && !status; ++t)
        status = push_case_a(run, t);
    return status ? status : mote_run_finish(run);
}

/* The observation that was pushed last may still wait. */
static int drive_loaded(mote_run *run, const subject *s)
{
    const int status = s->stream ? mote_run_step(run) : MOTE_OK;
    return status && status != MOTE_WAITING ? status : drive(run, s);
}

/* A run that is out of memory is saved and goes on elsewhere. */
static int rescue(mote_run *broken, const subject *s)
{
    mote_run *run = NULL;
    int status = mote_run_save(broken, path);
    if (!status)
        status = open_subject(&run, s, NULL);
    if (!status)
        status = mote_run_load(run, path);
    if (!status)
        status = drive_loaded(run, s);
    const uint64_t hash = status ? 0 : fingerprint(mote_run_draws(run));
    if (status)
        fprintf(stderr, "# rescue: %s\n", mote_run_message(run ? run : broken));
    mote_run_close(&run);
    return status ? NOT_SAVED : hash == s->hash ? MOTE_ENOMEM : OTHER_BYTES;
}

static int life(const subject *s, const mote_allocator *allocator, int once)
{
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = allocator };
    mote_run *run = NULL;
    int status = open_subject(&run, s, &hooks);
    const int opened = !status;
    status = run ? with_message(status, run) : status;
    if (opened)
        status = with_message(drive(run, s), run);
    if (opened && status == MOTE_ENOMEM && once)
        status = rescue(run, s);
    if (!status && !mote_run_draws(run))
        status = with_message(MOTE_ENOMEM, run);
    if (!status && fingerprint(mote_run_draws(run)) != s->hash)
        status = OTHER_BYTES;
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

static const char *text_of(const subject *s, char *text, size_t size)
{
    const small_option *extra = s->extra;
    snprintf(text, size, "%s %s %s%s", mote_algorithm_name(s->algorithm), extra->key ? extra->key : "",
             extra->key ? extra->value : "", s->stream ? " (stream)" : "");
    return text;
}

static void check_walk(const subject *s, fault_body *body, int mode)
{
    char text[128];
    const fault_report report = fault_walk(body, (void *)s, mode);
#ifndef MOTE_FAULT_HAS_MALLOC
    if (mode & FAULT_MALLOC)
        return;
#endif
    fault_check(&report, mode, 20, text_of(s, text, sizeof text));
}

static void check_subject(subject s)
{
    mote_run *run = NULL;
    prepare(&s, TIMES);
    assert_status(open_subject(&run, &s, NULL), MOTE_OK);
    assert_status(drive(run, &s), MOTE_OK);
    s.hash = fingerprint(mote_run_draws(run));
    mote_run_close(&run);
    check_walk(&s, life_once, FAULT_ONCE);
    check_walk(&s, life_stay, FAULT_STAY);
    check_walk(&s, life_stay, FAULT_MALLOC);
}

static void every_algorithm_survives(void **unused)
{
    const mote_algorithm *algorithm;
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        check_subject((subject){ .algorithm = algorithm });
        if (takes_stream(algorithm))
            check_subject((subject){ .algorithm = algorithm, .stream = 1 });
    }
}

/* What filters keep, and how they may differ. */
static void every_kind_of_filter_survives(void **unused)
{
    static const small_option kinds[][EXTRAS] = {
        { { "history", "lag" }, { "history_lag", "2" }, { "variance", "off" } },
        { { "history", "tree" }, { "record", "all" } },
        { { "history", "full" }, { "variance", "all" } },
        { { "history", "steps" }, { "history_steps", "1, 3" } },
        { { "resampling", "killing" }, { "proposal", "guided" } },
        { { "resampling", "ssp" }, { "look_ahead", "on" }, { "record", "moments" } },
        { { "points", "sobol" }, { "particles", "32" } },
        { { "threads", "3" }, { "particles", "3000" }, { "history", "tree" } },
    };
    (void)unused;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; ++k) {
        subject s = { .algorithm = mote_filter, .stream = k % 2 };
        memcpy(s.extra, kinds[k], sizeof s.extra);
        check_subject(s);
    }
}

/* ---- public calls on runs that have ended, and on none */

static int resamples(void *ctx, const mote_allocator *allocator)
{
    static const double weight[] = { 1, 2, 3, 4 };
    const int64_t choice = *(const int64_t *)ctx;
    mote_source *source = NULL;
    int32_t ancestor[4] = { -1, -1, -1, -1 };
    double output[4];
    (void)allocator;
    int status = mote_source_open_live(&source, 1, 0);
    if (!status)
        status = mote_resample_ancestors(source, choice, weight, 4, 4, ancestor, output);
    for (int i = 0; i < 4 && !status; ++i)
        status = ancestor[i] < 0 || ancestor[i] > 3 ? OTHER_BYTES : MOTE_OK;
    mote_source_close(&source);
    return status;
}

static void resampling_survives(void **unused)
{
    (void)unused;
#ifndef MOTE_FAULT_HAS_MALLOC
    skip();
#endif
    for (int64_t choice = 0; mote_resampling_name(choice); ++choice)
        for (int stay = 0; stay <= 1; ++stay) {
            const fault_report report = fault_walk(resamples, &choice, FAULT_MALLOC | stay);
            assert_int_equal(fault_count(&report), 0);
            assert_true(report.points >= 2);
        }
}

/* A path of a chain's draw is made anew by a filter, which is opened for the first. */
static int finds_path(void *ctx, const mote_allocator *allocator)
{
    const subject *s = ctx;
    const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = allocator };
    double states[2 * (TIMES + 1)];
    mote_run *run = NULL;
    int status = open_subject(&run, s, &hooks);
    status = run ? with_message(status, run) : status;
    if (!status)
        status = with_message(mote_run_finish(run), run);
    if (!status)
        status = with_message(mote_pmmh_path(run, 0, states), run);
    mote_run_close(&run);
    return status;
}

static void paths_survive(void **unused)
{
    subject s = { .algorithm = mote_pmmh };
    (void)unused;
    prepare(&s, TIMES);
    check_walk(&s, finds_path, FAULT_ONCE);
    check_walk(&s, finds_path, FAULT_STAY);
    check_walk(&s, finds_path, FAULT_MALLOC);
}

/* ---- how often steps ask for memory
 * ---------------------------------------------------------------------------------- */

/* Calls for memory, by whatever way, of each step of a run that counts them; the number of steps. */
static int64_t count_calls(subject s, int64_t *calls, int64_t room)
{
    mote_run *run = NULL;
    int64_t n = 0;
    int status = MOTE_OK;
    prepare(&s, 50);
    assert_status(open_subject(&run, &s, NULL), MOTE_OK);
    while (n < room && status != MOTE_DONE) {
#ifdef MOTE_FAULT_HAS_MALLOC
        fault_malloc = (test_allocator){ 0 };
        fault_armed = 1;
#endif
        status = s.stream ? n < 50 ? push_case_a(run, n) : MOTE_DONE : mote_run_step(run);
#ifdef MOTE_FAULT_HAS_MALLOC
        fault_armed = 0;
        calls[n] = fault_malloc.calls;
#endif
        assert_true(status == MOTE_OK || status == MOTE_DONE);
        ++n;
    }
    mote_run_close(&run);
    return n;
}

enum { ROOM = 400 };

/* Of the steps from `first` on; with MOTE_MEMORY_TABLE set, all are shown. */
static int64_t calls_from(subject s, int64_t first)
{
    int64_t calls[ROOM] = { 0 }, sum = 0;
    char text[128];
    const int64_t n = count_calls(s, calls, ROOM);
    assert_true(n > first);
    for (int64_t i = first; i < n; ++i)
        sum += calls[i];
    if (!getenv("MOTE_MEMORY_TABLE"))
        return sum;
    print_message("%s%s:", text_of(&s, text, sizeof text), s.stream ? " (stream)" : "");
    for (int64_t i = 0; i < n; ++i)
        print_message(" %lld", (long long)calls[i]);
    print_message("\n");
    return sum;
}

/* The variance of a filter is warm after variance_lag resamplings; a conditional filter has made its tree in the first
 * sweeps, and what repeats filters (transitions, passes, fits) takes what it keeps at its first step. A smoother keeps
 * all populations and grows: it asks a counted number of times. */
static void warm_steps_take_no_memory(void **unused)
{
    static const small_option lag[] = { { "history", "none" }, { "history", "lag" } }, off = { "variance", "off" },
                              sweeps = { "sweeps", "30" }, short_lag = { "variance_lag", "4" };
    const mote_algorithm *algorithm;
    (void)unused;
#ifndef MOTE_FAULT_HAS_MALLOC
    skip();
#endif
    for (int64_t stream = 0; stream < 2; ++stream)
        for (int k = 0; k < 2; ++k) {
            assert_int_equal(calls_from((subject){ mote_filter, stream, .extra = { lag[k], off } }, 0), 0);
            assert_int_equal(calls_from((subject){ mote_filter, stream, .extra = { lag[k], short_lag } }, 25), 0);
        }
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i)
        for (int64_t stream = 0; stream <= takes_stream(algorithm); ++stream)
            if (algorithm != mote_filter &&
                calls_from((subject){ algorithm, stream, .extra = { sweeps } }, 2) > (algorithm == mote_smoother ? 64
                                                                                      : 0))
                fail_msg("%s takes memory in warm steps", mote_algorithm_name(algorithm));
}

/* Nor does sharing the blocks of particles. The waits of the pool are its own; fault_malloc counts on all threads. */
static void threads_take_no_memory(void **unused)
{
    static const small_option two = { "threads", "2" }, many = { "particles", "9000" }, off = { "variance", "off" },
                              short_lag = { "variance_lag", "4" };
    (void)unused;
#ifndef MOTE_FAULT_HAS_MALLOC
    skip();
#endif
    for (int64_t stream = 0; stream < 2; ++stream) {
        assert_int_equal(calls_from((subject){ mote_filter, stream, .extra = { two, many, off } }, 0), 0);
        assert_int_equal(calls_from((subject){ mote_filter, stream, .extra = { two, many, short_lag } }, 25), 0);
        assert_int_equal(calls_from((subject){ mote_paris, stream, .extra = { two, many } }, 2), 0);
    }
}

/* Geometric growth: on a stream of 50 steps what is kept asks about log2(50) = 6 times for each block that grows. */
static void what_is_kept_grows_seldom(void **unused)
{
    static const small_option off = { "variance", "off" };
    static const small_option kept[] = { { "history", "tree" }, { "history", "full" }, { "record", "moments" } };
    (void)unused;
#ifndef MOTE_FAULT_HAS_MALLOC
    skip();
#endif
    for (size_t k = 0; k < sizeof kept / sizeof *kept; ++k) {
        const subject s = { mote_filter, .stream = 1, .extra = { kept[k], off } };
        assert_in_range(calls_from(s, 0), 2, 36);
        assert_in_range(calls_from(s, 33), 0, 6);
    }
}

static int enter(void **state)
{
    (void)state;
    const int status = make_test_folder(folder);
    snprintf(path, sizeof path, "%s/state", folder);
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
        cmocka_unit_test_setup_teardown(every_algorithm_survives, enter, leave),
        cmocka_unit_test_setup_teardown(every_kind_of_filter_survives, enter, leave),
        cmocka_unit_test(resampling_survives),
        cmocka_unit_test(paths_survive),
        cmocka_unit_test(warm_steps_take_no_memory),
        cmocka_unit_test(threads_take_no_memory),
        cmocka_unit_test(what_is_kept_grows_seldom),
    };
    return run_unit_tests(tests);
}
