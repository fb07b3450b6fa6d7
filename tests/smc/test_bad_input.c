/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bad input to every registered algorithm on state-space models: its status, and a message that names the culprit. A
 * potential that is not a number (time and particle), a callback that asks to stop (and where), a source without
 * memory, all weights zero, a model without a required member, observations that do not fit, and pushes after the end.
 * */
#include <mote/mote.h>

#include "model/draws.h"
#include "tests/support/state_space_runs.h"
#include "tests/support/test.h"

typedef int potential(void *ctx, const mote_block *block);

static int nan_potential(void *ctx, const mote_block *block)
{
    linear_gaussian_a.log_potential(ctx, block);
    if (block->step == 3 && block->first <= 7 && 7 < block->first + block->n)
        block->log_weight[7 - block->first] = NAN;
    return 0;
}

static int stopping_potential(void *ctx, const mote_block *block)
{
    linear_gaussian_a.log_potential(ctx, block);
    return block->step == 3 ? -44 : 0;
}

/* Its numbers cannot be had: what a source says that ran out of memory. */
static int starved_transition(void *ctx, const mote_block *block, mote_source *source)
{
    const int status = linear_gaussian_a.transition(ctx, block, source);
    if (block->step == 3)
        source->status = MOTE_ENOMEM;
    return status;
}

static int zero_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -INFINITY;
    return 0;
}

static int open_with(mote_run **run, const mote_algorithm *algorithm, const mote_ssm *model)
{
    any_options options;
    assert_status(small_options(algorithm, &options, "8"), MOTE_OK);
    return mote_run_open(run, algorithm, model, &options);
}

/* The status of a run with this potential, opened and finished; its message into `text`. */
static int status_of(const mote_algorithm *algorithm, const mote_ssm *faulty, char *text, size_t size)
{
    case_a_cut cut;
    mote_run *run = NULL;
    cut_case_a(&cut, learns(algorithm), 6);
    cut.model.series = &cut.series;
    cut.model.log_potential = faulty->log_potential;
    cut.model.transition = faulty->transition;
    int status = open_with(&run, algorithm, &cut.model);
    if (!status)
        status = mote_run_finish(run);
    snprintf(text, size, "%s", mote_run_message(run));
    mote_run_close(&run);
    return status;
}

static int status_with(const mote_algorithm *algorithm, potential *log_potential, char *text, size_t size)
{
    mote_ssm faulty = linear_gaussian_a;
    faulty.log_potential = log_potential;
    return status_of(algorithm, &faulty, text, size);
}

static void expect(const mote_algorithm *algorithm, int status, int expected, const char *text, const char *word)
{
    if (status != expected || !strstr(text, word))
        fail_msg("%s: status %d (expected %d), message '%s' (expected '%s')", mote_algorithm_name(algorithm), status,
                 expected, text, word);
}

static void failed_potentials_are_named(void **unused)
{
    const mote_algorithm *algorithm;
    char text[1024];
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        int status = status_with(algorithm, nan_potential, text, sizeof text);
        if (learns(algorithm) && !strstr(text, "step 3")) { /* a filter that fails is a point not accepted: counted */
            expect(algorithm, status, MOTE_EMODEL, text, algorithm == mote_pmmh ? "in 1000 draws" : "10 of 10");
        } else {
            expect(algorithm, status, MOTE_EMODEL, text, "step 3");
            expect(algorithm, status, MOTE_EMODEL, text, "particle 7");
        }
        status = status_with(algorithm, stopping_potential, text, sizeof text);
        expect(algorithm, status, -44, text, "-44");
        expect(algorithm, status, -44, text, "step 3");
        if (algorithm == mote_pmmh || algorithm == mote_smc2) /* a filter of many: at which parameters */
            expect(algorithm, status, -44, text, "with rho = 0.");
    }
}

/* Of all particles at step 3: component 1. */
static int nan_additive(void *ctx, const mote_block *block, double *const *value)
{
    linear_gaussian_a.additive(ctx, block, value);
    for (int64_t i = 0; i < block->n && block->step == 3; ++i)
        value[1][i] = NAN;
    return 0;
}

static int nan_gradient(void *ctx, const mote_block *block, double *const *value)
{
    linear_gaussian_a.gradient(ctx, block, value);
    for (int64_t i = 0; i < block->n && block->step == 3; ++i)
        value[1][i] = NAN;
    return 0;
}

static void expect_functional(const mote_algorithm *algorithm, const char *key, const char *value, int gradient)
{
    const small_option rows[] = { { "particles", "40" }, { "functional", gradient ? "gradient" : "additive" },
                                  { key, value } };
    const mote_option_table *table = mote_algorithm_options(algorithm);
    any_options options = { .first.head = { (uint32_t)table->size, (uint32_t)table->kind } };
    case_a_cut cut;
    mote_run *run = NULL;
    cut_case_a(&cut, 0, 6);
    cut.model.series = &cut.series;
    cut.model.additive = nan_additive;
    cut.model.gradient = nan_gradient;
    assert_status(set_options(algorithm, &options, rows, 3), MOTE_OK);
    assert_status(mote_run_open(&run, algorithm, &cut.model, &options), MOTE_OK);
    const int status = mote_run_finish(run);
    const char *const words[] = { "step 3 (time 3)", gradient ? "'var_x'" : "'sum'", "particle" };
    for (int k = 0; k < 3; ++k)
        expect(algorithm, status, MOTE_EMODEL, mote_run_message(run), words[k]);
    mote_run_close(&run);
}

static void functionals_that_are_no_numbers_are_named(void **unused)
{
    static const char *const methods[] = { "ffbsi", "ffbsm", "two_filter", "two_filter_linear", "fixed_lag",
                                           "genealogy" };
    static const char *const smoothers[] = { "paris", "forward", "genealogy" };
    (void)unused;
    for (int gradient = 0; gradient < 2; ++gradient) {
        for (size_t k = 0; k < sizeof methods / sizeof *methods; ++k)
            expect_functional(mote_smoother, "method", methods[k], gradient);
        for (size_t k = 0; k < sizeof smoothers / sizeof *smoothers; ++k)
            expect_functional(mote_paris, "smoother", smoothers[k], gradient);
        expect_functional(mote_ppg, "sweeps", "6", gradient);
    }
}

/* ---- guided filters: which of three densities ---- */

static int spoil(const mote_block *block, double with)
{
    if (block->step == 3 && block->first <= 7 && 7 < block->first + block->n)
        block->log_weight[7 - block->first] = with;
    return 0;
}

static int nan_transition(void *ctx, const mote_block *block)
{
    linear_gaussian_a.log_transition(ctx, block);
    return spoil(block, NAN);
}

static int nan_propose(void *ctx, const mote_block *block)
{
    linear_gaussian_a.log_propose(ctx, block);
    return spoil(block, NAN);
}

static int no_propose(void *ctx, const mote_block *block)
{
    linear_gaussian_a.log_propose(ctx, block);
    return spoil(block, -INFINITY);
}

static void guided_filters_name_the_density(void **unused)
{
    static const char *const words[] = { "the log-potential of particle 7 at step 3",
                                         "log_transition of particle 7 at step 3",
                                         "log_propose of particle 7 at step 3", "log_propose of particle 7 at step 3" };
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 50, .seed = 1,
                                          .proposal = MOTE_PROPOSAL_GUIDED, .resample = MOTE_RULE_ALWAYS };
    (void)unused;
    for (int k = 0; k < 4; ++k) {
        mote_ssm model = linear_gaussian_a;
        mote_run *run = NULL;
        model.log_potential = k == 0 ? nan_potential : model.log_potential;
        model.log_transition = k == 1 ? nan_transition : model.log_transition;
        model.log_propose = k == 2 ? nan_propose : k == 3 ? no_propose : model.log_propose;
        assert_status(mote_run_open(&run, mote_filter, &model, &options), MOTE_OK);
        expect(mote_filter, mote_run_finish(run), MOTE_EMODEL, mote_run_message(run), words[k]);
        mote_run_close(&run);
    }
}

/* Whoever reports an evidence with a biased scheme warns; the others refuse the scheme. */
static void biased_schemes_are_told(void **unused)
{
    static const small_option rows[] = { { "resampling", "minimum_error" } };
    const mote_algorithm *algorithm;
    int warned = 0, refused = 0;
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        case_a_cut cut;
        any_options options;
        mote_run *run = NULL;
        cut_case_a(&cut, learns(algorithm), 6);
        assert_status(small_options(algorithm, &options, "8"), MOTE_OK);
        if (set_options(algorithm, &options, rows, 1)) {
            ++refused; /* no such choice */
            continue;
        }
        const int status = mote_run_open(&run, algorithm, &cut.model, &options);
        if (status) {
            expect(algorithm, status, MOTE_EUNSUPPORTED, mote_run_message(run), "resampling: minimum_error");
            ++refused;
        } else {
            assert_status(mote_run_finish(run), MOTE_OK);
            if (!mote_draws_result(mote_run_draws(run), "biased_resampling"))
                fail_msg("%s does not warn", mote_algorithm_name(algorithm));
            ++warned;
        }
        mote_run_close(&run);
    }
    assert_true(warned >= 4 && refused >= 4);
}

/* Of as many particles as are kept, optimal resampling would keep all: who takes the option refuses this choice. */
static void weighted_schemes_are_refused(void **unused)
{
    static const small_option rows[] = { { "resampling", "optimal" } };
    const mote_algorithm *algorithm;
    int refused = 0;
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        case_a_cut cut;
        any_options options;
        mote_run *run = NULL;
        cut_case_a(&cut, learns(algorithm), 6);
        assert_status(small_options(algorithm, &options, "8"), MOTE_OK);
        if (!mote_option_find(mote_algorithm_options(algorithm), "resampling") ||
            set_options(algorithm, &options, rows, 1))
            continue; /* no such choice */
        const int status = mote_run_open(&run, algorithm, &cut.model, &options);
        expect(algorithm, status, MOTE_EUNSUPPORTED, mote_run_message(run), "optimal is for more candidates");
        ++refused;
        mote_run_close(&run);
    }
    assert_true(refused >= 7);
}

static void want_of_memory_is_no_failed_point(void **unused)
{
    const mote_algorithm *algorithm;
    mote_ssm starved = linear_gaussian_a;
    char text[1024];
    (void)unused;
    starved.transition = starved_transition;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        if (algorithm == mote_controlled) /* draws from the model's Gaussian form, not by its transition */
            continue;
        const int status = status_of(algorithm, &starved, text, sizeof text);
        expect(algorithm, status, MOTE_ENOMEM, text, "step 3");
    }
}

/* An evidence of zero is a result for filters; what needs a path, or a point to start from, says that there is none. */
static void all_weights_zero_is_defined(void **unused)
{
    const mote_algorithm *algorithm;
    char text[1024];
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        const int status = status_with(algorithm, zero_potential, text, sizeof text);
        if (status)
            expect(algorithm, status, status == MOTE_EMODEL ? status : MOTE_ENUMERIC, text, "zero");
        print_message("%s: %d %s\n", mote_algorithm_name(algorithm), status, text);
    }
}

static void members_are_named(void **unused)
{
    const mote_algorithm *algorithm;
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        mote_ssm model = learns(algorithm) ? learning_model() : linear_gaussian_a;
        mote_run *run = NULL;
        model.transition = NULL;
        int status = open_with(&run, algorithm, &model);
        expect(algorithm, status, status == MOTE_EUNSUPPORTED ? status : MOTE_EINVAL, mote_run_message(run),
               "transition");
        mote_run_close(&run);
        model.transition = linear_gaussian_a.transition;
        model.state_count = 0;
        status = open_with(&run, algorithm, &model);
        expect(algorithm, status, MOTE_EINVAL, mote_run_message(run), "state");
        mote_run_close(&run);
    }
}

static void streams_are_checked(void **unused)
{
    const mote_algorithm *algorithm;
    (void)unused;
    for (int64_t i = 0; (algorithm = state_space_algorithm(i)); ++i) {
        case_a_cut cut;
        mote_run *run = NULL;
        const double y = 1;
        mote_observation late = { MOTE_VERSIONED(mote_observation), .time = -1, .values = &y };
        cut_case_a(&cut, learns(algorithm), 0);
        const int status = open_with(&run, algorithm, &cut.model);
        if (!takes_stream(algorithm)) {
            expect(algorithm, status, status == MOTE_EINVAL ? status : MOTE_EUNSUPPORTED, mote_run_message(run),
                   "series");
            mote_run_close(&run);
            continue;
        }
        assert_status(status, MOTE_OK);
        if (mote_run_step(run) == MOTE_OK) /* the prior's draws come first */
            expect(algorithm, mote_run_step(run), MOTE_WAITING, "", "");
        assert_status(push_case_a(run, 0), MOTE_OK);
        expect(algorithm, mote_run_push(run, &late), MOTE_EINVAL, mote_run_message(run), "time");
        late.head.kind = 0;
        expect(algorithm, mote_run_push(run, &late), MOTE_EKIND, mote_run_message(run), "mote_observation");
        expect(algorithm, mote_run_push(run, NULL), MOTE_EINVAL, mote_run_message(run), "observation");
        assert_status(push_case_a(run, 1), MOTE_OK); /* the run is as it was */
        assert_status(mote_run_finish(run), MOTE_OK);
        expect(algorithm, push_case_a(run, 2), MOTE_ESTATE, mote_run_message(run), "push");
        mote_run_close(&run);
    }
}

/* One rule for a series and for a stream: the first observation may be made at the initial time, not before it. */
static void the_first_time_is_that_of_the_law_or_later(void **unused)
{
    const double values[] = { 0.3, -0.2 }, first[] = { 2, nextafter(2, 3), nextafter(2, 0), -INFINITY };
    (void)unused;
    for (int k = 0; k < 4; ++k) {
        const double times[] = { first[k], 3 };
        const mote_series series = { MOTE_VERSIONED(mote_series), .count = 2, .time = times, .values = values };
        const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 50, .seed = 1 };
        const mote_observation observation = { MOTE_VERSIONED(mote_observation), .time = first[k], .values = values };
        const int expected = k < 2 ? MOTE_OK : MOTE_EINVAL;
        mote_ssm model = linear_gaussian_a;
        mote_run *whole = NULL, *stream = NULL;
        model.flags |= MOTE_SSM_START_BEFORE;
        model.initial_time = 2;
        model.series = &series;
        assert_status(mote_run_open(&whole, mote_filter, &model, &options), expected);
        model.series = NULL;
        assert_status(mote_run_open(&stream, mote_filter, &model, &options), MOTE_OK);
        assert_status(mote_run_push(stream, &observation), expected);
        if (expected) {
            assert_non_null(strstr(mote_run_message(whole), "does not follow 2"));
            assert_non_null(strstr(mote_run_message(stream), "does not follow 2"));
        } else {
            assert_status(mote_run_step(whole), MOTE_OK);
            assert_true(mote_filter_log_evidence(whole) == mote_filter_log_evidence(stream));
            assert_status(mote_run_push(stream, &observation), MOTE_EINVAL); /* the second one comes later */
        }
        mote_run_close(&whole);
        mote_run_close(&stream);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failed_potentials_are_named),
        cmocka_unit_test(functionals_that_are_no_numbers_are_named),
        cmocka_unit_test(guided_filters_name_the_density),
        cmocka_unit_test(biased_schemes_are_told),
        cmocka_unit_test(weighted_schemes_are_refused),
        cmocka_unit_test(want_of_memory_is_no_failed_point),
        cmocka_unit_test(all_weights_zero_is_defined),
        cmocka_unit_test(members_are_named),
        cmocka_unit_test(streams_are_checked),
        cmocka_unit_test(the_first_time_is_that_of_the_law_or_later),
    };
    return run_unit_tests(tests);
}
