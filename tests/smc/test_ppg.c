/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Parisian particle Gibbs sampler: by enumeration of all draws on the tiny chain its sweep leaves the law of paths
 * invariant and E[u] = E[H | y], both to 1e-12, with every exact scheme of resampling; on case A it has no bias and the
 * errors that are tabulated. Statistical comparisons use fixed seeds and stand within 5 standard errors: false alarm
 * 6e-7. */
#include "smc/ppg.h"

#include <mote/ppg.h>
#include <stdlib.h>

#include "tests/support/filter_bench.h"
#include "tests/support/path_law.h"

typedef struct sampler_under_test {
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_ppg_sampler ppg;
    double theta[8];
} sampler_under_test;

static int open_sampler(sampler_under_test *s, const mote_ssm *model, mote_ppg_setup setup)
{
    memset(s, 0, sizeof *s);
    mote_memory_open(&s->memory, NULL);
    assert_status(mote_state_space_open(&s->space, model, &s->memory, &s->message), MOTE_OK);
    assert_status(mote_state_space_theta(&s->space, NULL, s->theta, &s->message), MOTE_OK);
    return mote_ppg_sampler_open(&s->ppg, &s->space, &setup, &s->memory, NULL, &s->message);
}

static void close_sampler(sampler_under_test *s)
{
    mote_ppg_sampler_close(&s->ppg);
    mote_state_space_close(&s->space);
}

/* ---- exact laws ---- */

/* Law of the next path from path number `from`, and the mean of u. */
static double row_of_kernel(sampler_under_test *s, int from, double *law)
{
    const int times = (int)s->ppg.times;
    double path[CHAIN_TIMES], next[CHAIN_TIMES], mean = 0;
    mote_source *source;
    path_of_number(from, times, path);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        assert_status(mote_ppg_sweep(&s->ppg, s->theta, source, path, next), MOTE_OK);
        law[number_of_path(next, times)] += mote_source_enumerate_weight(source);
        mean += mote_source_enumerate_weight(source) * s->ppg.paris.estimate[0];
        assert_close(s->ppg.along[0], functional_of(next, times), 1e-14, 0);
    }
    assert_status(mote_source_status(source), MOTE_OK);
    mote_source_close(&source);
    return mean;
}

static void check_invariance(const mote_ssm *model, int times, mote_ppg_setup setup)
{
    enum { MOST = 81 };
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = times };
    double law[MOST], row[MOST], after[MOST] = { 0 }, path[CHAIN_TIMES], truth = 0, mean = 0;
    mote_ssm cut = *model;
    sampler_under_test s;
    cut.series = &series;
    const int paths = path_law(&cut, times, law);
    assert_status(open_sampler(&s, &cut, setup), MOTE_OK);
    for (int i = 0; i < paths; ++i) {
        memset(row, 0, sizeof row);
        if (law[i] > 0)
            mean += law[i] * row_of_kernel(&s, i, row);
        for (int j = 0; j < paths; ++j)
            after[j] += law[i] * row[j];
        path_of_number(i, times, path);
        truth += law[i] * functional_of(path, times);
    }
    for (int i = 0; i < paths; ++i)
        assert_close(after[i], law[i], 0, 1e-12);
    assert_close(mean, truth, 1e-12, 0);
    close_sampler(&s);
}

static const int64_t schemes[] = { MOTE_RESAMPLE_MULTINOMIAL, MOTE_RESAMPLE_SYSTEMATIC, MOTE_RESAMPLE_STRATIFIED,
                                   MOTE_RESAMPLE_RESIDUAL, MOTE_RESAMPLE_KILLING, MOTE_RESAMPLE_SSP };
enum { SCHEMES = sizeof schemes / sizeof *schemes };

static mote_ppg_setup setup_of(int64_t scheme, int64_t rule, int64_t way, int64_t draws)
{
    return (mote_ppg_setup){ { .particles = 2, .resampling = scheme, .rule = rule, .threshold = 0.7 },
                             { way, draws, 1, 1 }, 0 };
}

static void two_times(void **unused)
{
    static const int64_t ways[] = { MOTE_BACKWARD_EXACT, MOTE_BACKWARD_HYBRID, MOTE_BACKWARD_MCMC };
    (void)unused;
    for (int s = 0; s < SCHEMES; ++s)
        for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule)
            for (int w = 0; w < 3; w += schemes[s] == MOTE_RESAMPLE_MULTINOMIAL ? 1 : 2)
                check_invariance(&chain_t, 2, setup_of(schemes[s], rule, ways[w], 1));
    check_invariance(&chain_t, 2, setup_of(MOTE_RESAMPLE_MULTINOMIAL, MOTE_RULE_ALWAYS, MOTE_BACKWARD_EXACT, 2));
    check_invariance(&chain_t, 2, setup_of(MOTE_RESAMPLE_SYSTEMATIC, MOTE_RULE_ESS, MOTE_BACKWARD_MCMC, 2));
}

static void three_times(void **unused)
{
    (void)unused;
    check_invariance(&chain_t, 3, setup_of(MOTE_RESAMPLE_SYSTEMATIC, MOTE_RULE_ESS, MOTE_BACKWARD_EXACT, 1));
}

/* Three particles at two times of two states, every scheme. */
static void three_particles(void **unused)
{
    const mote_ssm small = two_state_chain();
    (void)unused;
    for (int s = 0; s < SCHEMES; ++s) {
        mote_ppg_setup setup = setup_of(schemes[s], MOTE_RULE_ALWAYS, MOTE_BACKWARD_EXACT, 1);
        setup.filter.particles = 3;
        check_invariance(&small, 2, setup);
    }
}

static void other_weights(void **unused)
{
    const mote_ssm pair = pair_chain();
    (void)unused;
    for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_ALWAYS; ++rule) {
        mote_ppg_setup setup = setup_of(MOTE_RESAMPLE_SYSTEMATIC, rule, MOTE_BACKWARD_EXACT, 1);
        check_invariance(&pair, 2, setup);
        setup.filter.guided = 1;
        check_invariance(&chain_t, 2, setup);
        setup.filter.look_ahead = 1;
        check_invariance(&chain_t, 2, setup);
        setup.filter.guided = 0;
        check_invariance(&chain_t, 2, setup);
    }
}

/* ---- case A ---- */

static const double truth_a = 91.141125749936;

typedef struct spread { double mean, error, rmse, path_rmse; } spread;

/* Roll-outs, each from the path of a PaRIS run of its own. */
static spread roll_outs(int64_t n, int64_t k0, int64_t k, int64_t way, int replicates)
{
    const mote_ppg_setup setup = { { .particles = n, .resampling = MOTE_RESAMPLE_MULTINOMIAL,
                                     .rule = MOTE_RULE_ALWAYS },
                                   { way, 2, 0, 1 }, 0 };
    sampler_under_test s;
    double path[50], mean[3], sum = 0, square = 0, along = 0;
    assert_status(open_sampler(&s, &linear_gaussian_a, setup), MOTE_OK);
    for (int r = 0; r < replicates; ++r) {
        const mote_source source = mote_source_live(mote_source_key(31, r)), first =
                mote_source_live(mote_source_key(32, r));
        double path_mean = 0;
        assert_status(mote_ppg_first(&s.ppg, s.theta, &first, path), MOTE_OK);
        for (int64_t l = 0; l < k; ++l) {
            mote_source sweep = source;
            sweep.key = mote_source_child_key(source.key, MOTE_PURPOSE_FILTER, (uint64_t)l);
            assert_status(mote_ppg_sweep(&s.ppg, s.theta, &sweep, path, path), MOTE_OK);
            path_mean += l >= k0 ? s.ppg.along[0] / (double)(k - k0) : 0;
        }
        assert_status(mote_ppg_first(&s.ppg, s.theta, &first, path), MOTE_OK);
        assert_status(mote_ppg_roll_out(&s.ppg, s.theta, &source, k0, k, path, mean), MOTE_OK);
        sum += mean[0] - truth_a;
        square += (mean[0] - truth_a) * (mean[0] - truth_a);
        along += (path_mean - truth_a) * (path_mean - truth_a);
    }
    close_sampler(&s);
    const double m = sum / replicates;
    return (spread){ m, sqrt((square / replicates - m * m) / replicates), sqrt(square / replicates),
                     sqrt(along / replicates) };
}

/* N = 16, k = 4, k0 = 2: error 5.79, of the single path 13.2; N = 8, k = 8, k0 = 4: 6.20 and 10.4 (multinomial at every
 * step, exact draws, M = 2). */
static void case_a_has_its_errors(void **unused)
{
    (void)unused;
    const spread few = roll_outs(16, 2, 4, MOTE_BACKWARD_EXACT, 300), many =
            roll_outs(8, 4, 8, MOTE_BACKWARD_HYBRID, 300);
    assert_close(few.mean, 0.03, 0, 5 * hypot(few.error, 0.06));
    assert_close(few.rmse, 5.79, 5 / sqrt(600), 0);
    assert_close(few.path_rmse, 13.2, 5 / sqrt(600), 0);
    assert_close(many.mean, 0, 0, 5 * hypot(many.error, 0.06));
    assert_close(many.rmse, 6.20, 5 / sqrt(600), 0);
    assert_close(many.path_rmse, 10.4, 5 / sqrt(600), 0);
}

/* A long chain at N = 8 with Metropolis draws, far from zero error of PaRIS at that N (bias -2). */
static void long_chain_has_no_bias(void **unused)
{
    enum { SWEEPS = 4000 };
    const mote_ppg_setup setup = { { .particles = 8, .threshold = 0.6 }, { MOTE_BACKWARD_MCMC, 2, 0, 1 }, 0 };
    static double u[SWEEPS];
    double path[50] = { 0 }, mean = 0;
    sampler_under_test s;
    (void)unused;
    assert_status(open_sampler(&s, &linear_gaussian_a, setup), MOTE_OK);
    for (int l = -100; l < SWEEPS; ++l) {
        const mote_source source = mote_source_live(mote_source_key(33, l + 100));
        assert_status(mote_ppg_sweep(&s.ppg, s.theta, &source, path, path), MOTE_OK);
        if (l >= 0)
            mean += (u[l] = s.ppg.paris.estimate[0]) / SWEEPS;
    }
    const double error = mote_batch_means_error(u, 1, SWEEPS);
    assert_true(error < 0.35);
    assert_close(mean, truth_a, 0, 5 * error);
    close_sampler(&s);
}

/* Standard error of an AR(1) of known autocorrelation time, within its own spread: 62 batches, sd 9 %. */
static void batch_means_see_correlation(void **unused)
{
    enum { N = 4000 };
    static double x[2 * N], e[N];
    mote_source source = mote_source_live(9);
    (void)unused;
    mote_normals(&source, e, N);
    for (int i = 0; i < N; ++i)
        x[2 * i] = (i ? 0.8 * x[2 * i - 2] : 0) + e[i];
    assert_close(mote_batch_means_error(x, 2, N), 1 / 0.2 / sqrt(N), 0.45, 0);
    assert_close(mote_batch_means_error(e, 1, N), 1 / sqrt(N), 0.45, 0);
    assert_true(isnan(mote_batch_means_error(e, 1, 3)));
}

/* ---- the run ---- */

static void run_reports_what_it_did(void **unused)
{
    const mote_ppg_options options = { MOTE_VERSIONED(mote_ppg_options), .particles = 24, .sweeps = 200, .seed = 4 };
    mote_run *run = open_run_of(mote_ppg, &linear_gaussian_a, &options);
    (void)unused;
    assert_true(isnan(mote_ppg_estimate(run, 0)));
    assert_null(mote_ppg_path(run));
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_close(mote_ppg_estimate(run, 0), truth_a, 0, 5 * mote_ppg_error(run, 0));
    assert_close(mote_ppg_path_estimate(run, 1), 11.133495156363, 0, 5 * mote_ppg_path_error(run, 1));
    assert_true(mote_ppg_error(run, 0) < 1.2 && mote_ppg_error(run, 0) > 0.1);
    assert_true(mote_ppg_error(run, 0) < mote_ppg_path_error(run, 0));
    assert_true(isnan(mote_ppg_error(run, 3)));
    const mote_draws *draws = mote_run_draws(run);
    assert_int_equal(mote_draws_count(draws), 180);
    assert_int_equal(mote_draws_find(draws, "sum_square_path"), 5);
    double mean = 0;
    for (int i = 0; i < 180; ++i)
        mean += mote_draws_column(draws, 2)[i] / 180;
    assert_close(mean, mote_ppg_estimate(run, 2), 1e-12, 0);
    const double *path = mote_ppg_path(run);
    for (int t = 1; t < 50; ++t)
        assert_true(fabs(path[t] - 0.9 * path[t - 1]) < 6);
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    assert_status(mote_run_ledger(run, &ledger), MOTE_OK);
    assert_int_equal(ledger.backward_draws, 201 * 49 * 24 * 2);
    assert_int_equal(ledger.calls, 201 * 50 * 24);
    mote_run_close(&run);
}

static void resuming_and_threads_do_not_show(void **unused)
{
    mote_ppg_options options = { MOTE_VERSIONED(mote_ppg_options), .particles = 40, .sweeps = 8, .warm_up = -1,
                                 .seed = 2 };
    mote_run *whole = open_run_of(mote_ppg, &linear_gaussian_a, &options), *run =
            open_run_of(mote_ppg, &linear_gaussian_a, &options);
    (void)unused;
    assert_status(mote_run_finish(whole), MOTE_OK);
    for (int l = 0; l < 9; ++l) {
        const int status = mote_run_step(run);
        assert_true(status == (l == 8 ? MOTE_DONE : MOTE_OK));
        reload_run(&run, mote_ppg, &linear_gaussian_a, &options, "test_ppg.checkpoint");
    }
    assert_same_bytes(mote_ppg_path(whole), mote_ppg_path(run), 50 * sizeof(double));
    assert_true(mote_ppg_estimate(whole, 0) == mote_ppg_estimate(run, 0));
    assert_int_equal(mote_draws_count(mote_run_draws(run)), 8);
    mote_run_close(&run);
    mote_run_close(&whole);
    options.particles = 9000;
    options.sweeps = 2;
    double first = 0;
    for (int64_t threads = 1; threads <= 7; threads += 3) {
        options.threads = threads;
        run = open_run_of(mote_ppg, &linear_gaussian_a, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        first = threads == 1 ? mote_ppg_estimate(run, 0) : first;
        assert_true(mote_ppg_estimate(run, 0) == first);
        mote_run_close(&run);
    }
}

/* From a given path: sweep 1 follows it. */
static void a_path_can_be_given(void **unused)
{
    double path[50] = { 0 };
    const mote_ppg_options options = { MOTE_VERSIONED(mote_ppg_options), .particles = 2, .sweeps = 3, .warm_up = -1,
                                       .path = path,
                                       .seed = 3 };
    mote_ppg_options late = options;
    mote_run *run = open_run_of(mote_ppg, &linear_gaussian_a, &options);
    (void)unused;
    assert_same_bytes(mote_ppg_path(run), path, sizeof path);
    assert_status(mote_run_finish(run), MOTE_OK);
    int same = 0;
    for (int t = 0; t < 50; ++t)
        same += mote_ppg_path(run)[t] == 0;
    assert_true(same > 0 && same < 50);
    mote_run_close(&run);
    late.warm_up = 3;
    assert_refused(mote_ppg, &linear_gaussian_a, &late, MOTE_EOPTION, "warm_up");
    assert_refused(mote_ppg, &toy_d, &options, MOTE_EUNSUPPORTED, "additive");
    late.particles = 1;
    assert_refused(mote_ppg, &linear_gaussian_a, &late, MOTE_EOPTION, "particles");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_times),
        cmocka_unit_test(three_times),
        cmocka_unit_test(three_particles),
        cmocka_unit_test(other_weights),
        cmocka_unit_test(case_a_has_its_errors),
        cmocka_unit_test(long_chain_has_no_bias),
        cmocka_unit_test(batch_means_see_correlation),
        cmocka_unit_test(run_reports_what_it_did),
        cmocka_unit_test(resuming_and_threads_do_not_show),
        cmocka_unit_test(a_path_can_be_given),
    };
    return run_unit_tests(tests);
}
