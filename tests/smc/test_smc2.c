/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMC^2: evidence and posterior of case B over replicates; of rho on case A against quadrature over Kalman filters,
 * state draws included; the number of particles follows the filters' noise and not the spread over theta; the same
 * bytes for threads, after every resumption, and for a stream; refusals. That the exchange leaves the evidence unbiased
 * is exact in tests/smc/test_filter_bank.c. Comparisons have fixed seeds and 5 standard errors of replicates. */
#include <mote/smc2.h>
#include <stdatomic.h>

#include "core/run.h"
#include "model/draws.h"
#include "smc/smc2_state.h"
#include "tests/support/case_b.h"
#include "tests/support/rho_posterior.h"
#include "tests/support/runs.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

static void mean_and_error(const double *x, int n, double *mean, double *error)
{
    double sum = 0, square = 0;
    for (int i = 0; i < n; ++i)
        sum += x[i] / n;
    for (int i = 0; i < n; ++i)
        square += (x[i] - sum) * (x[i] - sum);
    *mean = sum;
    *error = sqrt(square / (n - 1) / n);
}

/* ---- case B ---- */

enum { REPLICATES = 8 };

static void finds_case_b(void **unused)
{
    double ratio[REPLICATES], mean[CASE_B_PARAMETERS][REPLICATES], sd[CASE_B_PARAMETERS][REPLICATES], m, error,
        stated = 0;
    const mote_ssm *model = case_b();
    (void)unused;
    assert_non_null(model);
    for (int r = 0; r < REPLICATES; ++r) {
        const mote_smc2_options options = { MOTE_VERSIONED(mote_smc2_options), .parameter_particles = 250,
                                            .particles = 50,
                                            .seed = 1 + r };
        mote_run *run = finished_run_of(mote_smc2, model, &options);
        const mote_draws *draws = mote_run_draws(run);
        ratio[r] = exp(mote_draws_log_evidence(draws) - CASE_B_LOG_EVIDENCE);
        stated += mote_draws_log_evidence_error(draws) / REPLICATES;
        for (int k = 0; k < CASE_B_PARAMETERS; ++k) {
            mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
            assert_status(mote_draws_summary(draws, k, &summary), MOTE_OK);
            mean[k][r] = summary.mean;
            sd[k][r] = summary.sd;
        }
        assert_true(mote_draws_result(draws, "particles")->value > 50);
        mote_run_close(&run);
    }
    mean_and_error(ratio, REPLICATES, &m, &error);
    print_message("Z_hat / Z %.3f (%.3f), stated error of log Z %.3f\n", m, error, stated);
    assert_close(m, 1, 0, 5 * error);
    assert_true(error < 0.25 && stated > 0.2 && stated < 0.6);
    for (int k = 0; k < CASE_B_PARAMETERS; ++k) {
        mean_and_error(mean[k], REPLICATES, &m, &error);
        print_message("%s %.4f (%.4f) for %.4f\n", case_b_parameters[k].name, m, error, case_b_mean[k]);
        assert_close(m, case_b_mean[k], 0, 5 * error);
        assert_true(error < 0.1 * case_b_sd[k]);
        mean_and_error(sd[k], REPLICATES, &m, &error);
        assert_close(m, case_b_sd[k], 0, 5 * error);
    }
}

/* ---- case A with rho free ---- */

static const mote_parameter rho_free[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                           MOTE_FIXED("var_0", 1 / 0.19) };

static mote_ssm free_model(void)
{
    mote_ssm model = linear_gaussian_a;
    model.parameters = rho_free;
    return model;
}

static double exact_evidence(int times, double *rho, double *state)
{
    double total = 0, first = 0, second = 0, mean;
    for (int i = 0; i < 20000; ++i) {
        const double at = -1 + (i + 0.5) / 10000, p = exp(exact_log_likelihood_of(at, times, &mean) + 75) / 20000;
        total += p;
        first += p * at;
        second += p * mean;
    }
    *rho = first / total;
    *state = second / total;
    return log(total) - 75;
}

static mote_smc2_options usual(void)
{
    return (mote_smc2_options){ .head = MOTE_VERSIONED(mote_smc2_options), .parameter_particles = 60, .particles = 20,
                                .seed = 3 };
}

static void finds_the_law_of_rho_and_of_the_state(void **unused)
{
    const mote_ssm model = free_model();
    double ratio[12], half[12], mean[12], states[12], m, error, rho, state, middle;
    (void)unused;
    const double truth_half = exact_evidence(25, &rho, &state), truth = exact_evidence(50, &rho, &state);
    for (int r = 0; r < 12; ++r) {
        mote_smc2_options options = usual();
        mote_smc2_stage stage = { .head = MOTE_VERSIONED(mote_smc2_stage) };
        options.parameter_particles = 300;
        options.kernel = r % 2 ? MOTE_SMC2_INDEPENDENCE : MOTE_SMC2_RANDOM_WALK;
        options.seed = 1 + r;
        mote_run *run = finished_run_of(mote_smc2, &model, &options);
        const mote_draws *draws = mote_run_draws(run);
        assert_status(mote_smc2_get_stage(run, 24, &stage), MOTE_OK);
        half[r] = exp(stage.log_evidence - truth_half);
        ratio[r] = exp(mote_smc2_log_evidence(run) - truth);
        mean[r] = states[r] = 0;
        for (int64_t i = 0; i < 300; ++i) {
            const double w = exp(mote_draws_log_weight(draws)[i]);
            double again;
            assert_status(mote_smc2_state(run, i, &middle), MOTE_OK);
            assert_status(mote_smc2_state(run, i, &again), MOTE_OK);
            assert_true(middle == again);
            mean[r] += w * mote_draws_column(draws, 0)[i];
            states[r] += w * middle;
        }
        mote_run_close(&run);
    }
    const double *const found[] = { half, ratio, mean, states };
    const double wanted[] = { 1, 1, rho, state }, most[] = { 0.1, 0.2, 0.01, 0.1 };
    for (int k = 0; k < 4; ++k) {
        mean_and_error(found[k], 12, &m, &error);
        print_message("%.4f (%.4f) for %.4f\n", m, error, wanted[k]);
        assert_close(m, wanted[k], 0, 5 * error);
        assert_true(error < most[k]);
    }
}

/* Guided by the optimal proposal and with the exact look-ahead, the filters have hardly any noise, however wide their
 * evidences spread over theta: no particles are added. Of the plain filters, too few are corrected. */
static void particles_follow_the_noise_of_the_filters(void **unused)
{
    const mote_ssm model = free_model();
    mote_smc2_options options = usual();
    double spread = 0, lowest = INFINITY;
    (void)unused;
    options.proposal = MOTE_PROPOSAL_GUIDED;
    options.look_ahead = MOTE_LOOK_AHEAD_ON;
    options.noise_limit = 0.2;
    mote_run *run = finished_run_of(mote_smc2, &model, &options);
    const mote_draws *draws = mote_run_draws(run);
    for (int64_t i = 0; i < 60; ++i) {
        spread = fmax(spread, mote_draws_log_likelihood(draws)[i]);
        lowest = fmin(lowest, mote_draws_log_likelihood(draws)[i]);
    }
    for (int t = 0; t < 50; ++t) {
        mote_smc2_stage stage = { .head = MOTE_VERSIONED(mote_smc2_stage) };
        assert_status(mote_smc2_get_stage(run, t, &stage), MOTE_OK);
        assert_true(stage.particles == 20 && (isnan(stage.noise) || stage.noise < 0.2));
    }
    print_message("spread over theta %.1f\n", spread - lowest);
    assert_true(spread - lowest > 1.5);
    mote_run_close(&run);
    options = usual();
    options.particles = 3;
    run = finished_run_of(mote_smc2, &model, &options);
    assert_true(mote_draws_result(mote_run_draws(run), "particles")->value >= 12);
    mote_run_close(&run);
    options.particles_limit = 6;
    run = finished_run_of(mote_smc2, &model, &options);
    draws = mote_run_draws(run);
    assert_true(mote_draws_result(draws, "particles")->value == 6);
    assert_non_null(mote_draws_result(draws, "noisy_evidence"));
    mote_run_close(&run);
}

/* ---- the same bytes ---- */

static void compare_runs(mote_run *a, mote_run *b)
{
    const mote_draws *x = mote_run_draws(a), *y = mote_run_draws(b);
    const int64_t n = mote_draws_count(x);
    assert_int_equal(n, mote_draws_count(y));
    assert_same_bytes(mote_draws_column(x, 0), mote_draws_column(y, 0), (size_t)n * sizeof(double));
    assert_same_bytes(mote_draws_log_weight(x), mote_draws_log_weight(y), (size_t)n * sizeof(double));
    assert_same_bytes(mote_draws_log_likelihood(x), mote_draws_log_likelihood(y), (size_t)n * sizeof(double));
    const int64_t stages = mote_smc2_stage_count(a);
    assert_int_equal(stages, mote_smc2_stage_count(b));
    for (int64_t t = 0; t < stages; ++t) {
        mote_smc2_stage s = { .head = MOTE_VERSIONED(mote_smc2_stage) }, u = s;
        assert_status(mote_smc2_get_stage(a, t, &s), MOTE_OK);
        assert_status(mote_smc2_get_stage(b, t, &u), MOTE_OK);
        assert_same_bytes(&s.log_evidence, &u.log_evidence, 4 * sizeof(double));
    }
}

static void threads_do_not_show(void **unused)
{
    static const int64_t threads[] = { 2, 7, 16 };
    const mote_ssm model = free_model();
    mote_smc2_options options = usual();
    (void)unused;
    mote_run *one = finished_run_of(mote_smc2, &model, &options);
    for (int k = 0; k < 3; ++k) {
        options.threads = threads[k];
        mote_run *many = finished_run_of(mote_smc2, &model, &options);
        compare_runs(one, many);
        mote_run_close(&many);
    }
    mote_run_close(&one);
}

/* Saved and loaded after every step, by turns with one thread and with five. */
static void resuming_does_not_show(void **unused)
{
    const mote_ssm model = free_model();
    const char *path = "test_smc2.checkpoint";
    mote_smc2_options options = usual();
    int steps = 0;
    (void)unused;
    mote_run *whole = finished_run_of(mote_smc2, &model, &options), *run = open_run_of(mote_smc2, &model, &options);
    for (int status = MOTE_OK; status != MOTE_DONE; ++steps) {
        status = mote_run_step(run);
        assert_true(status == MOTE_OK || status == MOTE_DONE);
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        options.threads = steps % 2 ? 5 : 1;
        run = open_run_of(mote_smc2, &model, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
    }
    print_message("%d steps\n", steps);
    assert_true(steps > 150);
    compare_runs(whole, run);
    remove(path);
    mote_run_close(&run);
    mote_run_close(&whole);
}

/* The potential asks to stop at call number *ctx, once. */
static int stops_once(void *ctx, const mote_block *block)
{
    return --*(atomic_llong *)ctx == 0 ? -7 : linear_gaussian_a.log_potential(NULL, block);
}

/* A model that stops anywhere, and in a move with rows that have no value yet: saved and resumed with another number of
 * threads, and so of rows at once, the run is the one that never stopped. */
static void a_model_that_stopped_does_not_show(void **unused)
{
    const char *path = "test_smc2.stopped";
    mote_smc2_options options = usual();
    int64_t in_moves = 0, stops = 0;
    atomic_llong left = 0;
    mote_ssm model = free_model();
    (void)unused;
    model.log_potential = stops_once;
    model.ctx = &left;
    mote_run *whole = finished_run_of(mote_smc2, &model, &options);
    const int64_t calls = -left;
    for (int64_t stop = 1; stop < calls; stop += calls / 40, ++stops) {
        left = stop;
        options.threads = 1;
        mote_run *run = open_run_of(mote_smc2, &model, &options);
        assert_status(mote_run_finish(run), -7);
        const mote_smc2_run_state *state = run->state;
        in_moves += state->phase == MOTE_SMC2_MOVE && state->asked > 1;
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        options.threads = stops % 2 ? 5 : 1;
        run = open_run_of(mote_smc2, &model, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
        assert_status(mote_run_finish(run), MOTE_OK);
        compare_runs(whole, run);
        mote_run_close(&run);
    }
    print_message("%lld stops, %lld of them in moves\n", (long long)stops, (long long)in_moves);
    assert_true(in_moves > 5);
    remove(path);
    mote_run_close(&whole);
}

/* Observations one by one are the series; a stream is saved and loaded between them. */
static void a_stream_is_the_series(void **unused)
{
    mote_ssm model = free_model();
    const char *path = "test_smc2.stream";
    mote_smc2_options options = usual();
    double last;
    (void)unused;
    mote_run *whole = finished_run_of(mote_smc2, &model, &options);
    model.series = NULL;
    mote_run *run = open_run_of(mote_smc2, &model, &options);
    assert_status(mote_run_step(run), MOTE_OK); /* the parameters */
    assert_status(mote_run_step(run), MOTE_WAITING);
    for (int t = 0; t < 50; ++t) {
        const mote_observation y = { MOTE_VERSIONED(mote_observation), .time = t,
                                     .values = &linear_gaussian_a.series->values[t] };
        assert_status(mote_run_push(run, &y), MOTE_OK);
        mote_smc2_stage stage = { .head = MOTE_VERSIONED(mote_smc2_stage) };
        assert_status(mote_smc2_get_stage(whole, t, &stage), MOTE_OK);
        last = mote_smc2_log_evidence(run);
        assert_true(last == stage.log_evidence);
        if (t == 10) {
            assert_status(mote_run_push(run, &y), MOTE_EINVAL);
            assert_non_null(strstr(mote_run_message(run), "does not follow"));
        }
        if (t % 5)
            continue;
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        run = open_run_of(mote_smc2, &model, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
    }
    assert_status(mote_run_finish(run), MOTE_OK);
    compare_runs(whole, run);
    remove(path);
    mote_run_close(&run);
    mote_run_close(&whole);
}

/* ---- what can go wrong ---- */

static void check_refusal(const mote_ssm *model, const mote_smc2_options *options, int status, const char *text)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_smc2, model, options), status);
    if (!strstr(mote_run_message(run), text))
        fail_msg("'%s' lacks '%s'", mote_run_message(run), text);
    mote_run_close(&run);
}

static void what_is_wrong_is_named(void **unused)
{
    const mote_ssm model = free_model();
    mote_smc2_options options = usual();
    (void)unused;
    check_refusal(&linear_gaussian_a, &options, MOTE_EINVAL, "all are fixed");
    options.resampling = MOTE_RESAMPLE_METROPOLIS;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "metropolis");
    options = usual();
    options.executor = MOTE_EXECUTOR_PROCESSES;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "executor");
    options = usual();
    options.particles_limit = 10;
    check_refusal(&model, &options, MOTE_EOPTION, "particles_limit");
}

/* A potential that fails where rho is below *ctx. */
static int fails_below(void *ctx, const mote_block *block)
{
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = *block->parameter[LG_RHO] < *(const double *)ctx ? NAN : -block->state[0][i] *
            block->state[0][i];
    return 0;
}

static void failures_count_as_zero_or_end_the_run(void **unused)
{
    mote_ssm model = free_model();
    mote_smc2_options options = usual();
    double few = -0.9, many = -0.5, all = 2;
    (void)unused;
    model.log_potential = fails_below;
    model.ctx = &few;
    mote_run *run = finished_run_of(mote_smc2, &model, &options);
    const mote_draws *draws = mote_run_draws(run);
    for (int64_t i = 0; i < 60; ++i)
        assert_true(mote_draws_log_weight(draws)[i] == -INFINITY || mote_draws_column(draws, 0)[i] >= -0.9);
    mote_run_close(&run);
    model.ctx = &many;
    run = open_run_of(mote_smc2, &model, &options);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "failed_share"));
    mote_run_close(&run);
    model.ctx = &all;
    options.failed_share = 1;
    run = finished_run_of(mote_smc2, &model, &options);
    assert_true(mote_draws_log_evidence(mote_run_draws(run)) == -INFINITY);
    assert_non_null(mote_draws_result(mote_run_draws(run), "all_weights_zero"));
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_case_b),
        cmocka_unit_test(finds_the_law_of_rho_and_of_the_state),
        cmocka_unit_test(particles_follow_the_noise_of_the_filters),
        cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(resuming_does_not_show),
        cmocka_unit_test(a_model_that_stopped_does_not_show),
        cmocka_unit_test(a_stream_is_the_series),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(failures_count_as_zero_or_end_the_run),
    };
    return run_unit_tests(tests);
}
