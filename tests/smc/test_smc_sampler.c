/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMC samplers against closed forms and quadrature: evidence, posterior moments, errors against the spread of repeated
 * runs, unbiasedness of frozen schedules. Statistical checks are at 5 standard errors or more (false alarms below 1e-6
 * each), with fixed seeds. */
#include <stdlib.h>
#include <unistd.h>

#include "smc/sampler_state.h"
#include "tests/smc/sampler_models.h"
#include "tests/support/state_space_reference.h"

static mote_smc_options options_of(int64_t form, int64_t kernel, int64_t particles, int64_t seed)
{
    return (mote_smc_options){ MOTE_VERSIONED(mote_smc_options), .seed = seed, .particles = particles, .form = form,
                               .kernel = kernel };
}

/* ---- the conjugate normal -------------------------------------------------------------------------------------- */

static void check_conjugate(int64_t d, int64_t form, int64_t kernel, int64_t particles)
{
    conjugate model;
    const double s = 0.2, mean = 0.5 / (1 + s * s), sd = s / sqrt(1 + s * s);
    const mote_target target = conjugate_target(&model, d, s);
    const mote_smc_options options = options_of(form, kernel, particles, 3);
    mote_run *run = finished_run_of(mote_smc, &target, &options);
    const mote_draws *draws = mote_run_draws(run);
    const double error = mote_draws_log_evidence_error(draws);
    assert_true(error > 0 && error < 0.5);
    assert_close(mote_draws_log_evidence(draws), conjugate_log_evidence(d, s), 0, 5 * error);
    assert_close(mote_log_sum(mote_draws_log_weight(draws), mote_draws_count(draws)), 0, 0, 1e-12);
    const mote_result *effective = mote_draws_result(draws, "chain_effective_sample_size");
    for (int64_t j = 0; j < d; j += 7) {
        mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
        assert_status(mote_draws_summary(draws, j, &summary), MOTE_OK);
        assert_close(summary.mean, mean, 0, 6 * sd / sqrt(effective->value));
        assert_close(summary.sd, sd, 6 / sqrt(effective->value), 0);
    }
    assert_int_equal(mote_run_finished_by(run), MOTE_FINISHED_BY_CRITERION);
    mote_run_close(&run);
}

static void waste_free_finds_the_evidence(void **state)
{
    (void)state;
    check_conjugate(1, MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 2000);
    check_conjugate(1, MOTE_SMC_WASTE_FREE, MOTE_SMC_INDEPENDENCE, 2000);
    check_conjugate(10, MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 5000);
    check_conjugate(10, MOTE_SMC_WASTE_FREE, MOTE_SMC_KERNEL_AUTO, 3000);
    check_conjugate(50, MOTE_SMC_WASTE_FREE, MOTE_SMC_MALA, 5000);
}

static void plain_and_persistent_find_the_evidence(void **state)
{
    (void)state;
    for (int64_t form = MOTE_SMC_PLAIN; form <= MOTE_SMC_PERSISTENT; ++form) {
        check_conjugate(1, form, MOTE_SMC_RANDOM_WALK, 1000);
        check_conjugate(3, form, MOTE_SMC_INDEPENDENCE, 1000);
        check_conjugate(10, form, MOTE_SMC_MALA, 500);
    }
}

/* ---- levels ---------------------------------------------------------------------------------------------------- */

static int constant(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *log_likelihood = -3.25;
    return 0;
}

static void a_constant_likelihood_has_one_level(void **state)
{
    (void)state;
    const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1) };
    const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                                 .log_likelihood_point = constant };
    for (int64_t form = MOTE_SMC_WASTE_FREE; form <= MOTE_SMC_PERSISTENT; ++form) {
        const mote_smc_options options = options_of(form, 0, 200, 1);
        mote_run *run = finished_run_of(mote_smc, &target, &options);
        assert_close(mote_draws_log_evidence(mote_run_draws(run)), -3.25, 1e-14, 0);
        assert_close(mote_draws_log_evidence_error(mote_run_draws(run)), 0, 0, form == MOTE_SMC_PLAIN ? 0.005 : 1e-9);
        assert_int_equal(mote_smc_level_count(run), 2);
        mote_run_close(&run);
    }
}

static void levels_keep_their_share(void **state)
{
    (void)state;
    conjugate model;
    const mote_target target = conjugate_target(&model, 5, 0.1);
    mote_smc_options options = options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 3000, 1);
    options.target_ess = 0.8;
    mote_run *run = finished_run_of(mote_smc, &target, &options);
    const int64_t n = mote_smc_level_count(run);
    double before = 0;
    for (int64_t i = 1; i < n; ++i) {
        mote_smc_level level = { .head = MOTE_VERSIONED(mote_smc_level) };
        assert_status(mote_smc_get_level(run, i, &level), MOTE_OK);
        assert_true(level.inverse_temperature > before);
        before = level.inverse_temperature;
        if (i + 1 < n) /* N is a multiple of the chain length */
            assert_close(level.effective_sample_size, 0.8 * (double)mote_draws_count(mote_run_draws(run)), 1e-6, 0);
        assert_true(level.acceptance > 0.1 && level.acceptance < 0.6 && level.moved == 1 && level.alive == 1);
    }
    assert_close(before, 1, 0, 0);
    mote_smc_level level = { .head = MOTE_VERSIONED(mote_smc_level) };
    assert_status(mote_smc_get_level(run, n, &level), MOTE_EINVAL);
    mote_run_close(&run);
}

/* ---- regions without likelihood -------------------------------------------------------------------------------- */

/* Uniform square; likelihood 0 for x < 0.6, else a normal in y about 1/2 of sd 0.1. */
static int cliff(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    const double z = (theta[1] - 0.5) / 0.1;
    *log_likelihood = theta[0] < 0.6 ? -INFINITY : -0.5 * z * z;
    return 0;
}

static const mote_parameter square[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1) };

static void a_cliff_is_crossed(void **state)
{
    (void)state;
    const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(square), .log_likelihood_point = cliff };
    const double exact = log(0.4 * 0.1 * sqrt(2 * 3.14159265358979323846) * erf(5 / sqrt(2)));
    for (int64_t form = MOTE_SMC_WASTE_FREE; form <= MOTE_SMC_PERSISTENT; ++form)
        for (int step = 0; step < 2; ++step) {
            mote_smc_options options = options_of(form, MOTE_SMC_RANDOM_WALK, 2000, 5);
            mote_smc_level level = { .head = MOTE_VERSIONED(mote_smc_level) };
            mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
            options.target_ess = step ? 0.95 : 0.5;
            mote_run *run = finished_run_of(mote_smc, &target, &options);
            const mote_draws *draws = mote_run_draws(run);
            const double error = mote_draws_log_evidence_error(draws);
            assert_close(mote_draws_log_evidence(draws), exact, 0, 5 * error);
            assert_true(error < 0.2);
            assert_status(mote_smc_get_level(run, 1, &level), MOTE_OK);
            assert_close(level.alive, 0.4, 0, 0.055); /* 5 sd */
            assert_status(mote_draws_summary(draws, 0, &summary), MOTE_OK);
            assert_close(summary.mean, 0.8, 0, 0.02);
            assert_status(mote_smc_get_level(run, 2, &level), MOTE_OK);
            assert_true(form == MOTE_SMC_PERSISTENT || level.alive == 1);
            mote_run_close(&run);
        }
}

static int nothing(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)derived;
    *log_likelihood = -INFINITY;
    return 0;
}

static void no_likelihood_at_all_is_a_result(void **state)
{
    (void)state;
    const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(square),
                                 .log_likelihood_point = nothing };
    for (int64_t form = MOTE_SMC_WASTE_FREE; form <= MOTE_SMC_PERSISTENT; ++form) {
        const mote_smc_options options = options_of(form, MOTE_SMC_RANDOM_WALK, 100, 5);
        mote_run *run = finished_run_of(mote_smc, &target, &options);
        const mote_draws *draws = mote_run_draws(run);
        assert_true(mote_draws_log_evidence(draws) == -INFINITY);
        assert_non_null(mote_draws_result(draws, "no_likelihood"));
        assert_true(mote_draws_log_weight(draws)[0] == -INFINITY);
        mote_run_close(&run);
    }
}

/* Differences of 1e20 between points: no power of double precision's worth keeps half of them. */
static int needle(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)derived;
    *log_likelihood = -1e20 * theta[0];
    return 0;
}

static void a_stall_is_named(void **state)
{
    (void)state;
    const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(square), .log_likelihood_point = needle };
    mote_smc_options options = options_of(MOTE_SMC_PLAIN, MOTE_SMC_RANDOM_WALK, 100, 5);
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_smc, &target, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_ENUMERIC);
    assert_non_null(strstr(mote_run_message(run), "stalled"));
    assert_non_null(strstr(mote_run_message(run), "minimum_step"));
    mote_run_close(&run);
    options.minimum_step = 1e-30;
    options.max_levels = 7;
    assert_status(mote_run_open(&run, mote_smc, &target, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_ENUMERIC);
    assert_non_null(strstr(mote_run_message(run), "max_levels"));
    mote_run_close(&run);
}

/* ---- case B: a linear-Gaussian series -------------------------------------------------------------------------- */

/* log p(y_first .. y_first+count-1 | y before) for x_0 ~ N(0, v), x_t = rho x + N(0, v), y = x + N(0, w). */
static double scalar_kalman(const double *y, double rho, double v, double w, int64_t first, int64_t count)
{
    double mean = 0, variance = v, sum = 0;
    for (int64_t t = 0; t < first + count; ++t) {
        const double s = variance + w, e = y[t] - mean;
        if (t >= first)
            sum -= 0.5 * (e * e / s + log(2 * 3.14159265358979323846 * s));
        mean = rho * (mean + variance / s * e);
        variance = rho * rho * variance * w / s + v;
    }
    return sum;
}

static int series_terms(void *ctx, const mote_batch *rows, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < rows->n; ++i) {
        const double *theta = rows->theta + i * rows->stride;
        rows->log_likelihood[i] = scalar_kalman(ctx, theta[0], theta[1], theta[2], first, count);
    }
    return 0;
}

static int series_batch(void *ctx, const mote_batch *rows)
{
    return series_terms(ctx, rows, 0, CASE_B_TIMES);
}

static const mote_parameter series_parameters[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_INVERSE_GAMMA("var_x", 2, 2),
                                                    MOTE_INVERSE_GAMMA("var_y", 2, 2) };

static void check_series(mote_smc_options options)
{
    static const double exact[3][2] = { { CASE_B_RHO_MEAN, CASE_B_RHO_SD },
                                        { CASE_B_VARIANCE_X_MEAN, CASE_B_VARIANCE_X_SD },
                                        { CASE_B_VARIANCE_Y_MEAN, CASE_B_VARIANCE_Y_SD } };
    double y[CASE_B_TIMES];
    assert_int_equal(case_b_observations(y), 0);
    assert_close(scalar_kalman(y, 0.9, 1, 0.04, 0, CASE_B_TIMES), CASE_B_LOG_LIKELIHOOD, 1e-11, 0);
    const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(series_parameters),
                                 .log_likelihood = series_batch, .ctx = y, .log_likelihood_terms = series_terms,
                                 .term_count = CASE_B_TIMES };
    mote_run *run = finished_run_of(mote_smc, &target, &options);
    const mote_draws *draws = mote_run_draws(run);
    const double error = mote_draws_log_evidence_error(draws);
    if (getenv("SHOW")) print_message("%g +- %g\n", mote_draws_log_evidence(draws), error);
    assert_true(error > 0.01 && error < 0.3);
    assert_close(mote_draws_log_evidence(draws), CASE_B_LOG_EVIDENCE, 0, 4 * error);
    const double effective = mote_draws_result(draws, "chain_effective_sample_size")->value;
    for (int64_t j = 0; j < 3; ++j) {
        mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
        assert_status(mote_draws_summary(draws, j, &summary), MOTE_OK);
        assert_close(summary.mean, exact[j][0], 0, 4 * exact[j][1] / sqrt(effective));
        assert_close(summary.sd, exact[j][1], 5 / sqrt(effective), 0);
    }
    mote_run_close(&run);
}

static void a_series_by_tempering(void **state)
{
    (void)state;
    check_series(options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 4000, 2));
    check_series(options_of(MOTE_SMC_PERSISTENT, MOTE_SMC_RANDOM_WALK, 400, 2));
}

static void a_series_term_by_term(void **state)
{
    (void)state;
    mote_smc_options options = options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 2000, 4);
    options.sequence = MOTE_SMC_DATA;
    check_series(options);
    options.form = MOTE_SMC_PLAIN;
    options.particles = 400;
    options.terms = 3;
    check_series(options);
}

/* ---- errors against spread ------------------------------------------------------------------------------------- */

/* `runs` seeds: the reported error is the spread within `share`; the spread itself is known to 1 / sqrt(2 runs). */
static void check_error(int64_t d, mote_smc_options options, int64_t runs, double share)
{
    conjugate model;
    const mote_target target = conjugate_target(&model, d, 0.2);
    double sum = 0, squares = 0, reported = 0;
    for (int64_t i = 0; i < runs; ++i) {
        options.seed = 100 + i;
        mote_run *run = finished_run_of(mote_smc, &target, &options);
        const double z = mote_draws_log_evidence(mote_run_draws(run)) - conjugate_log_evidence(d, 0.2);
        const double error = mote_draws_log_evidence_error(mote_run_draws(run));
        sum += z;
        squares += z * z;
        reported += error * error;
        mote_run_close(&run);
    }
    const double n = (double)runs, spread = sqrt(squares / n - sum / n * sum / n);
    assert_close(sqrt(reported / n), spread, share, 0);
}

static void errors_are_the_spread(void **state)
{
    (void)state;
    check_error(2, options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 1000, 0), 200, 0.3);
    check_error(2, options_of(MOTE_SMC_PLAIN, MOTE_SMC_RANDOM_WALK, 200, 0), 200, 0.3);
    check_error(2, options_of(MOTE_SMC_PERSISTENT, MOTE_SMC_RANDOM_WALK, 200, 0), 200, 0.35);
    mote_smc_options data = options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 1000, 0);
    data.sequence = MOTE_SMC_DATA;
    check_error(3, data, 200, 0.3);
    mote_smc_options multinomial = options_of(MOTE_SMC_PLAIN, MOTE_SMC_RANDOM_WALK, 200, 0);
    multinomial.resampling = MOTE_RESAMPLE_MULTINOMIAL;
    check_error(2, multinomial, 200, 0.3);
}

/* The chain variance of an autoregression: v = gamma_0 (1 + r) / (1 - r). */
static void chain_variance_of_an_autoregression(void **state)
{
    (void)state;
    enum { LENGTH = 500, N = 100 * LENGTH };
    static double w[N];
    mote_source source = mote_source_live(mote_source_key(5, 0));
    const double r = 0.8;
    for (int64_t i = 0; i < N; ++i) {
        mote_stream stream = mote_stream_open(&source, i / LENGTH);
        static double x;
        static mote_stream running;
        if (i % LENGTH == 0) {
            running = stream;
            x = mote_stream_normal(&running);
        }
        w[i] = 10 + x;
        x = r * x + sqrt(1 - r * r) * mote_stream_normal(&running);
    }
    assert_close(mote_smc_chain_variance(w, N, LENGTH), 9.0 / (N * 100.0), 0.1, 0);
    const double few[] = { 1, 2, 3, 6 }; /* independent: squared coefficient of variation over N */
    assert_close(mote_smc_chain_variance(few, 4, 1), 3.5 / 9 / 4, 1e-14, 0);
}

/* ---- frozen schedules ------------------------------------------------------------------------------------------ */

/* Mean of Z / Z over seeds within 5 standard errors of 1, and these small enough to see a bias of 2 %. */
static void check_frozen(mote_smc_options options, int64_t runs)
{
    conjugate model;
    char path[] = "/tmp/mote-schedule-XXXXXX";
    const mote_target target = conjugate_target(&model, 1, 0.2);
    double sum = 0, squares = 0;
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    mote_run *run = finished_run_of(mote_smc, &target, &options);
    const int64_t levels = mote_smc_level_count(run);
    assert_status(mote_smc_write_schedule(run, path), MOTE_OK);
    mote_run_close(&run);
    options.replay = path;
    for (int64_t i = 0; i < runs; ++i) {
        options.seed = 1000 + i;
        run = finished_run_of(mote_smc, &target, &options);
        assert_int_equal(mote_smc_level_count(run), levels);
        const double z = exp(mote_draws_log_evidence(mote_run_draws(run)) - conjugate_log_evidence(1, 0.2));
        sum += z;
        squares += z * z;
        mote_run_close(&run);
    }
    unlink(path);
    const double n = (double)runs, mean = sum / n, error = sqrt((squares / n - mean * mean) / n);
    assert_true(5 * error < 0.04);
    assert_close(mean, 1, 0, 5 * error);
}

static void frozen_schedules_are_unbiased(void **state)
{
    (void)state;
    check_frozen(options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 200, 7), 1500);
    mote_smc_options plain = options_of(MOTE_SMC_PLAIN, MOTE_SMC_RANDOM_WALK, 100, 7);
    plain.steps = 3;
    check_frozen(plain, 1500);
    plain.kernel = MOTE_SMC_INDEPENDENCE;
    plain.resampling = MOTE_RESAMPLE_RESIDUAL;
    check_frozen(plain, 1500);
}

/* The same seed again under its own frozen schedule: the same run. */
static void a_replay_repeats_the_run(void **state)
{
    (void)state;
    conjugate model;
    char path[] = "/tmp/mote-schedule-XXXXXX";
    const mote_target target = conjugate_target(&model, 3, 0.2);
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    for (int64_t form = MOTE_SMC_WASTE_FREE; form <= MOTE_SMC_PERSISTENT; ++form)
        for (int64_t kernel = MOTE_SMC_RANDOM_WALK; kernel <= MOTE_SMC_MALA; ++kernel) {
            mote_smc_options options = options_of(form, kernel, 300, 9);
            mote_run *run = finished_run_of(mote_smc, &target, &options);
            const double log_evidence = mote_draws_log_evidence(mote_run_draws(run));
            assert_status(mote_smc_write_schedule(run, path), MOTE_OK);
            mote_run_close(&run);
            options.replay = path;
            run = finished_run_of(mote_smc, &target, &options);
            assert_true(mote_draws_log_evidence(mote_run_draws(run)) == log_evidence);
            mote_run_close(&run);
        }
    unlink(path);
}

static void a_given_schedule_is_followed(void **state)
{
    (void)state;
    static const double powers[] = { 0.01, 0.125, 0.5, 1 };
    conjugate model;
    const mote_target target = conjugate_target(&model, 2, 0.2);
    mote_smc_options options = options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 2000, 7);
    mote_smc_level level = { .head = MOTE_VERSIONED(mote_smc_level) };
    options.schedule = "0.01 0.125 0.5 1";
    mote_run *run = finished_run_of(mote_smc, &target, &options);
    assert_int_equal(mote_smc_level_count(run), 5);
    for (int64_t i = 0; i < 4; ++i) {
        assert_status(mote_smc_get_level(run, i + 1, &level), MOTE_OK);
        assert_true(level.inverse_temperature == powers[i]);
    }
    assert_close(mote_draws_log_evidence(mote_run_draws(run)), conjugate_log_evidence(2, 0.2), 0,
                 5 * mote_draws_log_evidence_error(mote_run_draws(run)));
    mote_run_close(&run);
    options.schedule = "1 2";
    options.sequence = MOTE_SMC_DATA;
    run = finished_run_of(mote_smc, &target, &options);
    assert_int_equal(mote_smc_level_count(run), 3);
    assert_close(mote_draws_log_evidence(mote_run_draws(run)), conjugate_log_evidence(2, 0.2), 0,
                 5 * mote_draws_log_evidence_error(mote_run_draws(run)));
    mote_run_close(&run);
}

/* ---- all levels ------------------------------------------------------------------------------------------------ */

/* Particles of all levels, weighted: more of them are effective than there are in the last level. */
static void all_levels_can_be_kept(void **state)
{
    (void)state;
    conjugate model;
    const double s = 0.2;
    const mote_target target = conjugate_target(&model, 2, s);
    mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
    for (int64_t form = MOTE_SMC_WASTE_FREE; form <= MOTE_SMC_PERSISTENT; ++form) {
        mote_smc_options options = options_of(form, MOTE_SMC_MALA, 1000, 7);
        options.keep = MOTE_SMC_DRAWS_ALL;
        mote_run *run = finished_run_of(mote_smc, &target, &options);
        const mote_draws *draws = mote_run_draws(run);
        const int64_t n = mote_draws_count(draws), each = n / mote_smc_level_count(run);
        assert_true(n == each * mote_smc_level_count(run) && each > 900);
        assert_close(mote_draws_chain(draws)[n - 1], (double)(mote_smc_level_count(run) - 1), 0, 0);
        assert_true(mote_draws_effective_sample_size(draws) > 1.2 * (double)each);
        assert_status(mote_draws_summary(draws, 0, &summary), MOTE_OK);
        assert_close(summary.mean, 0.5 / (1 + s * s), 0, 0.04);
        assert_close(summary.sd, s / sqrt(1 + s * s), 0.15, 0);
        mote_run_close(&run);
    }
}

/* 50 dimensions in chains of one correlation time: the answer is far off, and the run says so. */
static void short_chains_are_told(void **state)
{
    (void)state;
    conjugate model;
    const mote_target target = conjugate_target(&model, 50, 0.3);
    mote_smc_options options = options_of(MOTE_SMC_WASTE_FREE, MOTE_SMC_RANDOM_WALK, 1000, 7);
    mote_run *run = finished_run_of(mote_smc, &target, &options);
    const mote_draws *draws = mote_run_draws(run);
    assert_true(fabs(mote_draws_log_evidence(draws) - conjugate_log_evidence(50, 0.3)) > 3);
    assert_non_null(mote_draws_result(draws, "short_chains"));
    mote_run_close(&run);
    options.kernel = MOTE_SMC_MALA;
    options.particles = 4000;
    run = finished_run_of(mote_smc, &target, &options);
    assert_null(mote_draws_result(mote_run_draws(run), "short_chains"));
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waste_free_finds_the_evidence),
        cmocka_unit_test(plain_and_persistent_find_the_evidence),
        cmocka_unit_test(a_constant_likelihood_has_one_level),
        cmocka_unit_test(levels_keep_their_share),
        cmocka_unit_test(a_cliff_is_crossed),
        cmocka_unit_test(no_likelihood_at_all_is_a_result),
        cmocka_unit_test(a_stall_is_named),
        cmocka_unit_test(a_series_by_tempering),
        cmocka_unit_test(a_series_term_by_term),
        cmocka_unit_test(errors_are_the_spread),
        cmocka_unit_test(chain_variance_of_an_autoregression),
        cmocka_unit_test(frozen_schedules_are_unbiased),
        cmocka_unit_test(a_replay_repeats_the_run),
        cmocka_unit_test(a_given_schedule_is_followed),
        cmocka_unit_test(all_levels_can_be_kept),
        cmocka_unit_test(short_chains_are_told),
    };
    return run_unit_tests(tests);
}
