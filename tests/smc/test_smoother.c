/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of smoothers. Statistical, with errors from replicates: cases A and C within 6 standard errors (30 replicates,
 * Student's t: false alarm 2e-6 for each of the numbers compared), fixed seeds; they catch the planted
 * smoother_weight_omitted, smoother_norm_omitted and information_artificial_omitted. The same bytes for threads and
 * after loading; memory; refusals. Exact laws: test_smoother_law.c. */
#include <mote/smoother.h>
#include <stdlib.h>

#include "tests/support/allocator.h"
#include "tests/support/dead_region.h"
#include "tests/support/filter_bench.h"
#include "tests/support/linear_gaussian_exact.h"
#include "tests/support/smoother_run.h"

enum { METHODS = MOTE_SMOOTHER_GENEALOGY + 1 };

/* ---- known answers ---- */

typedef struct known_method {
    const char *name;
    int64_t particles, method, backward, more; /* more: lag, pairs or trajectories */
} known_method;

static const known_method on_a[] = {
    { "hybrid", 400, MOTE_SMOOTHER_FFBSI, MOTE_BACKWARD_HYBRID, 400 },
    { "exact", 200, MOTE_SMOOTHER_FFBSI, MOTE_BACKWARD_EXACT, 200 },
    { "rejection", 400, MOTE_SMOOTHER_FFBSI, MOTE_BACKWARD_REJECTION, 400 },
    { "mcmc", 400, MOTE_SMOOTHER_FFBSI, MOTE_BACKWARD_MCMC, 400 },
    { "ffbsm", 150, MOTE_SMOOTHER_FFBSM, 0, 0 },
    { "two_filter", 150, MOTE_SMOOTHER_TWO_FILTER, 0, 0 },
    { "two_filter_linear", 1000, MOTE_SMOOTHER_TWO_FILTER_LINEAR, 0, 4000 },
    { "fixed_lag", 2000, MOTE_SMOOTHER_FIXED_LAG, 0, 12 },
    { "genealogy", 3000, MOTE_SMOOTHER_GENEALOGY, 0, 0 },
};

static mote_smoother_options options_of(const known_method *m)
{
    mote_smoother_options o = { MOTE_VERSIONED(mote_smoother_options), .particles = m->particles, .seed = 2,
                                .method = m->method,
                                .backward = m->backward, .replicates = 30 };
    o.trajectories = m->method == MOTE_SMOOTHER_FFBSI ? m->more : 0;
    o.pairs = m->method == MOTE_SMOOTHER_TWO_FILTER_LINEAR ? m->more : 0;
    o.smoothing_lag = m->method == MOTE_SMOOTHER_FIXED_LAG ? m->more : 0;
    return o;
}

/* Largest |estimate - exact| / error over the times, and the mean error. */
static double worst_pull(const double *mean, const double *error, const double *exact, int64_t count, double *typical)
{
    double worst = 0;
    *typical = 0;
    for (int64_t t = 0; t < count; ++t) {
        const double pull = fabs(mean[t] - exact[t]) / error[t];
        worst = pull > worst ? pull : worst;
        *typical += error[t] / (double)count;
    }
    return worst;
}

static void linear_gaussian_is_smoothed(void **unused)
{
    static const double functionals[] = { 91.141125749936, 11.133495156363, 112.036868958580 };
    static linear_gaussian_exact exact;
    (void)unused;
    linear_gaussian_solve(&exact, linear_gaussian_a.series->values, 50);
    assert_close(exact.smoothed[0], 0.546733511975, 1e-10, 0);
    for (size_t k = 0; k < sizeof on_a / sizeof *on_a; ++k) {
        const mote_smoother_options options = options_of(&on_a[k]);
        double typical;
        mote_run *run = finish_smoother(&linear_gaussian_a, &options);
        const double worst = worst_pull(mote_smoother_mean(run, 0), mote_smoother_mean_error(run, 0), exact.smoothed,
                                        50, &typical);
        print_message("%-18s worst pull %.2f, error %.4f; functionals", on_a[k].name, worst, typical);
        assert_true(worst < 6);
        assert_true(typical < 0.05);
        for (int c = 0; c < 3; ++c) {
            const double pull = (mote_smoother_functional(run,
                                                          c) - functionals[c]) / mote_smoother_functional_error(run, c);
            print_message(" %.2f", pull);
            assert_true(fabs(pull) < 6);
        }
        print_message("\n");
        for (int64_t t = 0; t < 50; ++t)
            assert_close(mote_smoother_sd(run, 0)[t] * mote_smoother_sd(run, 0)[t], exact.smoothed_variance[t], 0.15,
                         0);
        assert_close(mote_smoother_log_evidence(run), LINEAR_GAUSSIAN_A_LOG_EVIDENCE, 0,
                     6 * mote_smoother_log_evidence_error(run));
        mote_run_close(&run);
    }
}

/* Case C: probabilities 0: .0168735718 .9641289409 .0189974873; 12: .9951097076 .0048902733; filter 29: .98379835
 * .01620158. Means of the state's number. */
static void hidden_markov_chain_is_smoothed(void **unused)
{
    static const known_method on_c[] = {
        { "hybrid", 500, MOTE_SMOOTHER_FFBSI, MOTE_BACKWARD_HYBRID, 500 },
            { "mcmc", 500, MOTE_SMOOTHER_FFBSI, MOTE_BACKWARD_MCMC, 500 },
        { "ffbsm", 200, MOTE_SMOOTHER_FFBSM, 0, 0 },                       { "two_filter", 200,
                                                                             MOTE_SMOOTHER_TWO_FILTER, 0, 0 },
        { "two_filter_linear", 1000, MOTE_SMOOTHER_TWO_FILTER_LINEAR, 0, 2000 },
    };
    (void)unused;
    for (size_t k = 0; k < sizeof on_c / sizeof *on_c; ++k) {
        const mote_smoother_options options = options_of(&on_c[k]);
        mote_run *run = finish_smoother(&hidden_markov_c, &options);
        const double *mean = mote_smoother_mean(run, 0), *error = mote_smoother_mean_error(run, 0);
        assert_close(mean[0], 0.9641289409 + 2 * 0.0189974873, 0, 6 * error[0]);
        assert_close(mean[12], 0.0048902733, 0, 6 * error[12]);
        assert_close(mean[29], 0.0162015759, 0, 6 * error[29]);
        assert_true(error[0] < 0.02 && error[12] < 0.005);
        assert_true(isnan(mote_smoother_functional(run, 0)));
        assert_close(mote_smoother_log_evidence(run), HIDDEN_MARKOV_C_LOG_EVIDENCE, 0,
                     6 * mote_smoother_log_evidence_error(run));
        mote_run_close(&run);
    }
}

/* Mean absolute bias of lags 1, 2, 3: .069, .025, .009, where noise of .005 begins (30 x 3000 particles). */
static void fixed_lag_bias_shrinks(void **unused)
{
    static linear_gaussian_exact exact;
    double before = INFINITY;
    (void)unused;
    linear_gaussian_solve(&exact, linear_gaussian_a.series->values, 50);
    for (int64_t lag = 1; lag <= 3; ++lag) {
        const mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .particles = 3000, .seed = 5,
                                                .replicates = 30,
                                                .method = MOTE_SMOOTHER_FIXED_LAG, .smoothing_lag = lag };
        mote_run *run = finish_smoother(&linear_gaussian_a, &options);
        double bias = 0;
        for (int t = 0; t < 50; ++t)
            bias += fabs(mote_smoother_mean(run, 0)[t] - exact.smoothed[t]) / 50;
        assert_true(bias < 0.5 * before);
        before = bias;
        mote_run_close(&run);
    }
    assert_true(before < 0.015);
}

/* One run's own errors of fixed_lag against the spread of replicates: mean squared over the times within 30 % (300
 * replicates). */
static void errors_of_one_run_are_honest(void **unused)
{
    mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .particles = 500, .seed = 1,
                                      .smoothing_lag = 6,
                                      .method = MOTE_SMOOTHER_FIXED_LAG, .replicates = 300 };
    double spread = 0, own = 0;
    (void)unused;
    mote_run *run = finish_smoother(&linear_gaussian_a, &options);
    for (int t = 0; t < 50; ++t)
        spread += pow(mote_smoother_mean_error(run, 0)[t], 2) * 300 / 50;
    mote_run_close(&run);
    options.replicates = 1;
    for (options.seed = 1; options.seed <= 30; ++options.seed) {
        run = finish_smoother(&linear_gaussian_a, &options);
        for (int t = 0; t < 50; ++t)
            own += pow(mote_smoother_mean_error(run, 0)[t], 2) / 50 / 30;
        mote_run_close(&run);
    }
    assert_close(own, spread, 0.3, 0);
    options.method = MOTE_SMOOTHER_FFBSI; /* not known from one run */
    options.smoothing_lag = 0;
    run = finish_smoother(&linear_gaussian_a, &options);
    assert_true(isnan(mote_smoother_mean_error(run, 0)[25]) && isnan(mote_smoother_functional_error(run, 0)));
    assert_false(isnan(mote_smoother_log_evidence_error(run)));
    mote_run_close(&run);
}

/* ---- the run ---- */

/* What a method draws, and how far it looks; an option of another method would be refused. */
static void set_sizes(mote_smoother_options *options, int64_t trajectories, int64_t pairs, int64_t lag)
{
    options->trajectories = options->method == MOTE_SMOOTHER_FFBSI ? trajectories : 0;
    options->pairs = options->method == MOTE_SMOOTHER_TWO_FILTER_LINEAR ? pairs : 0;
    options->smoothing_lag = options->method == MOTE_SMOOTHER_FIXED_LAG ? lag : 0;
}

static mote_smoother_options small_options(int64_t method)
{
    mote_smoother_options options = { MOTE_VERSIONED(mote_smoother_options), .particles = 70, .seed = 4,
                                      .method = method };
    set_sizes(&options, 90, 80, 3);
    return options;
}

static const double brief_values[] = { 0.5, 0.3, -1, 1.5, 2, 0.1, 0.7 };
static const mote_series brief_series = { MOTE_VERSIONED(mote_series), .count = 7, .values = brief_values };

static mote_ssm brief_model(void)
{
    mote_ssm model = linear_gaussian_a;
    model.series = &brief_series;
    return model;
}

static void assert_same_results(mote_run *a, mote_run *b)
{
    const size_t count = (size_t)mote_smoother_count(a), paths = (size_t)mote_smoother_path_count(a);
    assert_int_equal(mote_smoother_count(b), count);
    assert_int_equal(mote_smoother_path_count(b), paths);
    assert_same_bytes(mote_smoother_mean(a, 0), mote_smoother_mean(b, 0), count * sizeof(double));
    assert_same_bytes(mote_smoother_sd(a, 0), mote_smoother_sd(b, 0), count * sizeof(double));
    assert_same_bytes(mote_smoother_mean_error(a, 0), mote_smoother_mean_error(b, 0), count * sizeof(double));
    assert_same_bytes(mote_smoother_time(a), mote_smoother_time(b), count * sizeof(double));
    for (int c = 0; c < 3; ++c)
        assert_true(mote_smoother_functional(a, c) == mote_smoother_functional(b, c));
    for (size_t t = 0; t < count && paths; ++t)
        assert_same_bytes(mote_smoother_path(a, (int64_t)t, 0), mote_smoother_path(b, (int64_t)t, 0),
                          paths * sizeof(double));
    assert_true(mote_smoother_log_evidence(a) == mote_smoother_log_evidence(b));
}

static void threads_do_not_show(void **unused)
{
    const mote_ssm model = brief_model();
    (void)unused;
    for (int64_t method = 0; method < METHODS; ++method)
        for (int64_t way = 0; way <= (method ? 0 : MOTE_BACKWARD_MCMC); ++way) {
            mote_smoother_options options = small_options(method);
            options.particles = 2500;
            set_sizes(&options, 2500, 80, 3);
            options.particles = method == MOTE_SMOOTHER_FFBSM || method == MOTE_SMOOTHER_TWO_FILTER ? 300
                : options.particles;
            options.backward = way;
            options.threads = 1;
            mote_run *one = finish_smoother(&model, &options);
            for (options.threads = 2; options.threads <= 7; options.threads += 5) {
                mote_run *many = finish_smoother(&model, &options);
                assert_same_results(one, many);
                mote_run_close(&many);
            }
            mote_run_close(&one);
        }
}

static void loading_does_not_show(void **unused)
{
    const mote_ssm model = brief_model();
    (void)unused;
    for (int64_t method = 0; method < METHODS; ++method) {
        mote_smoother_options options = small_options(method);
        options.replicates = 2;
        mote_run *whole = finish_smoother(&model, &options), *run = open_smoother(&model, &options);
        for (int status = MOTE_OK; status != MOTE_DONE;) {
            status = mote_run_step(run);
            assert_true(status == MOTE_OK || status == MOTE_DONE);
            transplant_run(&run, mote_smoother, &model, &options);
        }
        reload_run(&run, mote_smoother, &model, &options, "test_smoother.checkpoint");
        assert_same_results(whole, run);
        mote_run_close(&whole);
        mote_run_close(&run);
    }
}

static void streams_equal_series(void **unused)
{
    const mote_ssm model = brief_model();
    mote_ssm streamed = brief_model();
    (void)unused;
    streamed.series = NULL;
    for (int64_t method = 0; method < METHODS; ++method) {
        mote_smoother_options options = small_options(method);
        mote_run *whole = finish_smoother(&model, &options), *run = open_smoother(&streamed, &options);
        for (int t = 0; t < 7; ++t) {
            const mote_observation y = { MOTE_VERSIONED(mote_observation), .time = t, .values = brief_values + t };
            assert_status(mote_run_push(run, &y), MOTE_OK);
        }
        assert_status(mote_run_step(run), MOTE_WAITING);
        assert_null(mote_smoother_mean(run, 0));
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_same_results(whole, run);
        mote_run_close(&whole);
        mote_run_close(&run);
    }
    const mote_smoother_options options = small_options(0); /* nothing was pushed */
    mote_run *run = open_smoother(&streamed, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_int_equal(mote_smoother_count(run), 0);
    mote_run_close(&run);
}

/* All memory of the way back is taken in its first step. */
static void nothing_is_allocated_on_the_way_back(void **unused)
{
    const mote_ssm model = brief_model();
    (void)unused;
    for (int64_t method = 0; method < METHODS; ++method) {
        test_allocator counter = { 0 };
        mote_allocator allocator = test_allocator_of(&counter);
        const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
        mote_smoother_options options = small_options(method);
        options.hooks = &hooks;
        mote_run *run = open_smoother(&model, &options);
        for (int t = 0; t < 8; ++t)
            assert_status(mote_run_step(run), MOTE_OK);
        const int64_t calls = counter.calls;
        for (int t = 6; t > 1; --t)
            assert_status(mote_run_step(run), MOTE_OK);
        assert_status(mote_run_step(run), MOTE_DONE);
        assert_int_equal(counter.calls, calls);
        mote_run_close(&run);
        assert_int_equal(counter.live, 0);
    }
}

static void memory_may_end(void **unused)
{
    const mote_ssm model = brief_model();
    (void)unused;
    for (int64_t method = 0; method < METHODS; ++method)
        for (int64_t fail_at = 1, failed = 1; failed; ++fail_at) {
            test_allocator counter = { .fail_at = fail_at };
            mote_allocator allocator = test_allocator_of(&counter);
            const mote_hooks hooks = { MOTE_VERSIONED(mote_hooks), .allocator = &allocator };
            mote_smoother_options options = small_options(method);
            mote_run *run = NULL;
            options.hooks = &hooks;
            int status = mote_run_open(&run, mote_smoother, &model, &options);
            status = status ? status : mote_run_finish(run);
            failed = counter.calls >= fail_at;
            assert_true(status == MOTE_ENOMEM || status == MOTE_OK);
            assert_true(failed || status == MOTE_OK);
            mote_run_close(&run);
            assert_int_equal(counter.live, 0);
        }
}

static void draws_are_trajectories(void **unused)
{
    const mote_ssm model = brief_model();
    (void)unused;
    for (int64_t method = MOTE_SMOOTHER_FFBSI; method < METHODS; method += MOTE_SMOOTHER_GENEALOGY) {
        const mote_smoother_options options = small_options(method);
        mote_run *run = finish_smoother(&model, &options);
        const mote_draws *draws = mote_run_draws(run);
        const int64_t rows = mote_draws_count(draws);
        double mean = 0, *log_weight = malloc((size_t)rows * sizeof *log_weight);
        assert_int_equal(rows, method ? 70 : 90);
        assert_int_equal(rows, mote_smoother_path_count(run));
        assert_int_equal(mote_draws_parameter_count(draws), 7 + 3);
        assert_status(mote_smoother_path_log_weights(run, log_weight), MOTE_OK);
        assert_same_bytes(log_weight, mote_draws_log_weight(draws), (size_t)rows * sizeof *log_weight);
        const double *x = mote_draws_column(draws, mote_draws_find(draws, "x_3"));
        const double *sum = mote_draws_column(draws, mote_draws_find(draws, "sum"));
        for (int64_t i = 0; i < rows; ++i) {
            double total = 0;
            for (int t = 0; t < 7; ++t)
                total += mote_smoother_path(run, t, 0)[i];
            assert_close(sum[i], total, 1e-12, 1e-12);
            mean += exp(log_weight[i]) * x[i];
        }
        assert_close(mean, mote_smoother_mean(run, 0)[3], 1e-12, 1e-12);
        assert_null(mote_smoother_path(run, 7, 0));
        assert_status(mote_smoother_log_weights(run, 0, log_weight), MOTE_ESTATE);
        free(log_weight);
        mote_run_close(&run);
    }
}

static int zero_at_three(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = block->step == 3 ? -INFINITY : 0;
    return 0;
}

static void all_weights_zero_is_defined(void **unused)
{
    mote_ssm model = brief_model();
    (void)unused;
    model.log_potential = zero_at_three;
    for (int64_t method = 0; method < METHODS; ++method) {
        const mote_smoother_options options = small_options(method);
        mote_run *run = finish_smoother(&model, &options);
        assert_int_equal(mote_smoother_count(run), 0);
        assert_true(mote_smoother_log_evidence(run) == -INFINITY);
        assert_non_null(mote_run_draws(run));
        mote_run_close(&run);
    }
}

static void one_particle_and_one_time_are_enough(void **unused)
{
    static const mote_series one = { MOTE_VERSIONED(mote_series), .count = 1, .values = brief_values };
    (void)unused;
    for (int64_t method = 0; method < METHODS; ++method)
        for (int times = 1; times <= 7; times += 6)
            for (int64_t particles = 1; particles <= 2; ++particles) {
                mote_ssm model = brief_model();
                mote_smoother_options options = small_options(method);
                options.particles = particles;
                model.series = times == 1 ? &one : model.series;
                mote_run *run = finish_smoother(&model, &options);
                assert_int_equal(mote_smoother_count(run), times);
                for (int t = 0; t < times; ++t)
                    assert_true(isfinite(mote_smoother_mean(run, 0)[t]) && mote_smoother_sd(run, 0)[t] >= 0);
                assert_true(isfinite(mote_smoother_functional(run, 1)));
                assert_non_null(mote_run_draws(run));
                mote_run_close(&run);
            }
}

/* What a functional is of particles that have no weight is not looked at, whether it is a number or not. */
static void particles_without_weight_do_not_count(void **unused)
{
    static const double term[] = { 0, 1e9, NAN, INFINITY };
    double first = 0, number;
    (void)unused;
    for (int64_t method = 0; method < METHODS; ++method)
        for (int k = 0; k < 4; ++k) {
            const mote_ssm model = dead_region_model(&number);
            mote_smoother_options options = small_options(method);
            set_sizes(&options, 60, 60, DEAD_REGION_TIMES);
            number = term[k];
            mote_run *run = finish_smoother(&model, &options);
            first = k ? first : mote_smoother_functional(run, 0);
            assert_true(isfinite(first) && mote_smoother_functional(run, 0) == first);
            mote_run_close(&run);
        }
}

/* Nothing is observed at some times: potentials are skipped there, also on the way back. */
static void missing_observations_are_smoothed_over(void **unused)
{
    static const double values[] = { 0.5, NAN, NAN, 1.5, 2, NAN, 0.7 };
    static const mote_series holes = { MOTE_VERSIONED(mote_series), .count = 7, .values = values };
    double mean[METHODS][7];
    (void)unused;
    for (int64_t method = 0; method < METHODS; ++method) {
        mote_ssm model = brief_model();
        mote_smoother_options options = small_options(method);
        model.series = &holes;
        model.propose_backward = NULL; /* it looks at the observation */
        options.particles = 1500;
        set_sizes(&options, 1500, 1500, 7);
        mote_run *run = finish_smoother(&model, &options);
        memcpy(mean[method], mote_smoother_mean(run, 0), sizeof mean[method]);
        for (int t = 0; t < 7; ++t) /* standard errors are near .03, of genealogy and pairs .06 */
            assert_close(mean[method][t], mean[0][t], 0, 0.35);
        mote_run_close(&run);
    }
}

static void what_is_missing_is_named(void **unused)
{
    mote_smoother_options options = small_options(MOTE_SMOOTHER_FFBSM);
    mote_ssm model = toy_d; /* no density of the transition */
    (void)unused;
    assert_refused(mote_smoother, &model, &options, MOTE_EUNSUPPORTED, "option method = ffbsm needs log_transition, "
                   "which the model 'toy' lacks");
    options.method = MOTE_SMOOTHER_FFBSI;
    assert_refused(mote_smoother, &model, &options, MOTE_EUNSUPPORTED, "needs log_transition, which the model 'toy' "
                   "lacks");
    options.method = MOTE_SMOOTHER_TWO_FILTER;
    assert_refused(mote_smoother, &model, &options, MOTE_EUNSUPPORTED, "needs artificial, which the model 'toy' lacks");
    options.method = MOTE_SMOOTHER_FIXED_LAG;
    options.functional = MOTE_FUNCTIONAL_GRADIENT;
    assert_refused(mote_smoother, &model, &options, MOTE_EUNSUPPORTED, "needs gradient, which the model 'toy' lacks");
    options.functional = 0;
    mote_run *run = finish_smoother(&model, &options);
    assert_int_equal(mote_smoother_count(run), 20);
    mote_run_close(&run);
    model = linear_gaussian_a;
    model.series = NULL;
    options.replicates = 2;
    assert_refused(mote_smoother, &model, &options, MOTE_EUNSUPPORTED, "carries no series");
    model.flags |= MOTE_SSM_PAIR_POTENTIAL;
    options.replicates = 1;
    options.method = MOTE_SMOOTHER_TWO_FILTER;
    assert_refused(mote_smoother, &model, &options, MOTE_EUNSUPPORTED, "MOTE_SSM_PAIR_POTENTIAL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_gaussian_is_smoothed),
        cmocka_unit_test(hidden_markov_chain_is_smoothed),
        cmocka_unit_test(fixed_lag_bias_shrinks),
        cmocka_unit_test(errors_of_one_run_are_honest),
        cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(loading_does_not_show),
        cmocka_unit_test(streams_equal_series),
        cmocka_unit_test(nothing_is_allocated_on_the_way_back),
        cmocka_unit_test(memory_may_end),
        cmocka_unit_test(draws_are_trajectories),
        cmocka_unit_test(all_weights_zero_is_defined),
        cmocka_unit_test(one_particle_and_one_time_are_enough),
        cmocka_unit_test(particles_without_weight_do_not_count),
        cmocka_unit_test(missing_observations_are_smoothed_over),
        cmocka_unit_test(what_is_missing_is_named),
    };
    return run_unit_tests(tests);
}
