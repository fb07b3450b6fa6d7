/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Learning from smoothed scores: the bias of each way to estimate the score of case A at its maximum, as tabulated;
 * ascent by the Parisian particle Gibbs sampler ends at the maximum likelihood estimate with eight particles where
 * PaRIS, with the same eight, ends below; a proposal learns its best gain. Fixed seeds; stated tolerances are 5
 * standard errors (false alarm 6e-7) or more. */
#include <mote/score_ascent.h>

#include "model/draws.h"
#include "smc/score.h"
#include "tests/support/filter_bench.h"

static const double best_rho = 0.830289496689, best_log_likelihood = -74.950042747373;

/* ---- estimates of the score ---- */

typedef struct spread { double mean, error; } spread;

/* d/d rho at the maximum, whose exact value is 0. */
static spread score_of(int64_t score, int64_t particles, int replicates)
{
    const double theta[] = { best_rho, 1, 1, 1 / 0.19 };
    const mote_score_setup setup = { { .particles = particles, .resampling = MOTE_RESAMPLE_MULTINOMIAL,
                                       .rule = MOTE_RULE_ALWAYS },
                                     { MOTE_BACKWARD_EXACT, 2, 0, 1 }, score, MOTE_FUNCTIONAL_GRADIENT, 4, 2 };
    mote_score_estimator s;
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    double gradient[4], log_evidence, sum = 0, square = 0;
    mote_memory_open(&memory, NULL);
    assert_status(mote_state_space_open(&space, &linear_gaussian_a, &memory, &message), MOTE_OK);
    assert_status(mote_score_open(&s, &space, &setup, &memory, NULL, &message), MOTE_OK);
    for (int r = 0; r < replicates; ++r) {
        const mote_source source = mote_source_live(mote_source_key(50 + score, r));
        s.started = 0; /* a path of its own each time */
        assert_status(mote_score_at(&s, theta, &source, gradient, &log_evidence), MOTE_OK);
        sum += gradient[LG_RHO];
        square += gradient[LG_RHO] * gradient[LG_RHO];
    }
    mote_score_close(&s);
    mote_state_space_close(&space);
    const double mean = sum / replicates;
    return (spread){ mean, sqrt((square / replicates - mean * mean) / replicates) };
}

/* PaRIS and forward at N = 8: -1.198, at 16: -.540 (standard errors .01); PPG at 8, k = 4, k0 = 2: -.006 (.015). */
static void scores_have_their_biases(void **unused)
{
    (void)unused;
    const spread eight = score_of(MOTE_SCORE_PARIS, 8, 1500), sixteen = score_of(MOTE_SCORE_PARIS, 16, 1000);
    const spread forward = score_of(MOTE_SCORE_FORWARD, 8, 1000), ppg = score_of(MOTE_SCORE_PPG, 8, 1500);
    const spread genealogy = score_of(MOTE_SCORE_GENEALOGY, 8, 2000);
    assert_close(eight.mean, -1.198, 0, 5 * hypot(eight.error, 0.01));
    assert_close(sixteen.mean, -0.540, 0, 5 * hypot(sixteen.error, 0.01));
    assert_close(forward.mean, -1.198, 0, 5 * hypot(forward.error, 0.01));
    assert_close(ppg.mean, -0.006, 0, 5 * hypot(ppg.error, 0.015));
    assert_true(eight.error < 0.07 && ppg.error < 0.06);
    assert_true(genealogy.mean < -0.3 && genealogy.error > 1.4 * eight.error);
    print_message("PaRIS %.3f(%.3f) %.3f(%.3f) forward %.3f(%.3f) ppg %.3f(%.3f) genealogy %.3f(%.3f)\n", eight.mean,
                  eight.error,
                  sixteen.mean, sixteen.error, forward.mean, forward.error, ppg.mean, ppg.error, genealogy.mean,
                  genealogy.error);
}

/* ---- ascent ---- */

static const mote_parameter rho_free[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                           MOTE_FIXED("var_0", 1 / 0.19) };

static mote_ssm free_model(void)
{
    mote_ssm model = linear_gaussian_a;
    model.parameters = rho_free;
    return model;
}

static double learned(mote_score_ascent_options options, double *log_likelihood)
{
    const mote_ssm model = free_model();
    double theta[4];
    options.head = (mote_head)MOTE_VERSIONED(mote_score_ascent_options);
    mote_run *run = finished_run_of(mote_score_ascent, &model, &options);
    assert_status(mote_score_ascent_result(run, theta), MOTE_OK);
    const mote_draws *draws = mote_run_draws(run);
    assert_int_equal(mote_draws_count(draws), options.iterations);
    assert_true(mote_draws_result(draws, "rho")->value == theta[LG_RHO]);
    assert_int_equal(mote_draws_find(draws, "gradient_rho"), 1);
    *log_likelihood = mote_draws_log_evidence(draws);
    mote_run_close(&run);
    return theta[LG_RHO];
}

/* Means over seeds: a standard deviation of one run of about .002, of six of .0008. */
static void few_particles_learn_the_maximum(void **unused)
{
    double ppg = 0, paris = 0, power = 0, log_likelihood;
    (void)unused;
    for (int seed = 1; seed <= 6; ++seed) {
        ppg += learned((mote_score_ascent_options){ .particles = 8, .iterations = 600, .seed = seed },
                       &log_likelihood) / 6;
        assert_close(log_likelihood, best_log_likelihood, 0, 8); /* eight particles */
        paris += learned((mote_score_ascent_options){ .particles = 8, .iterations = 600, .seed = seed,
                                                      .score = MOTE_SCORE_PARIS }, &log_likelihood) / 6;
        power += learned((mote_score_ascent_options){ .particles = 8, .iterations = 600, .seed = seed, .step_size = 20,
                                                      .step_rule = MOTE_STEP_POWER }, &log_likelihood) / 6;
    }
    print_message("ppg %.4f, by plain steps %.4f, paris %.4f, maximum %.4f\n", ppg, power, paris, best_rho);
    assert_close(ppg, best_rho, 0, 0.004);
    assert_close(power, best_rho, 0, 0.004);
    assert_true(paris < best_rho - 0.006);
}

/* Without draws: the maximum to a thousandth of bias and a few of noise, its likelihood by plain filters. */
static void forward_smoother_learns_it_too(void **unused)
{
    double log_likelihood;
    (void)unused;
    const double rho = learned((mote_score_ascent_options){ .particles = 60, .iterations = 400, .seed = 3,
                                                            .averaged = 0.3,
                                                            .evaluations = 200, .score =
                                                                    MOTE_SCORE_FORWARD }, &log_likelihood);
    assert_close(rho, best_rho, 0, 0.008);
    assert_close(log_likelihood, best_log_likelihood, 0, 0.1); /* 200 filters of 1000 particles: sd .014 */
}

/* ---- a proposal that learns ---- */

enum { GAIN = LG_PARAMETERS };

static const mote_parameter with_gain[] = { MOTE_FIXED("rho", 0.9), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                            MOTE_FIXED("var_0", 1 / 0.19), MOTE_UNIFORM("gain", -1, 2) };

/* x_t ~ N(m + gain (y_t - m), .8), m = rho x_{t-1}. */
static double proposal_mean(const mote_block *block, int64_t i)
{
    const double m = *block->parameter[LG_RHO] * block->previous[0][i];
    return m + *block->parameter[GAIN] * (block->observation[0] - m);
}

static int propose(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = proposal_mean(block, i) + sqrt(0.8) * block->state[0][i];
    return 0;
}

static int log_propose(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double miss = block->state[0][i] - proposal_mean(block, i);
        block->log_weight[i] = -0.5 * (miss * miss / 0.8 + log(0.8) + 1.8378770664093454836);
    }
    return 0;
}

static int proposal_gradient(void *ctx, const mote_block *block, double *const *value)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        value[LG_RHO][i] = value[LG_VAR_X][i] = value[LG_VAR_Y][i] = value[LG_VAR_0][i] = value[GAIN][i] = 0;
        if (block->previous)
            value[GAIN][i] = (block->state[0][i] - proposal_mean(block, i)) / 0.8 *
                             (block->observation[0] - *block->parameter[LG_RHO] * block->previous[0][i]);
    }
    return 0;
}

/* The best gain: sum E[(x - m)(y - m)] / sum E[(y - m)^2] over the smoothing law, by a scalar Kalman smoother. */
static double best_gain(void)
{
    double filtered[50], variance[50], ahead[50], mean = 0, v = 1 / 0.19, above = 0, below = 0;
    const double *y = linear_gaussian_a.series->values;
    for (int t = 0; t < 50; ++t) {
        ahead[t] = t ? 0.81 * variance[t - 1] + 1 : v;
        mean = t ? 0.9 * filtered[t - 1] : 0;
        filtered[t] = mean + ahead[t] / (ahead[t] + 1) * (y[t] - mean);
        variance[t] = ahead[t] / (ahead[t] + 1);
    }
    double x = filtered[49], s = variance[49];
    for (int t = 48; t >= 0; --t) {
        const double back = 0.9 * variance[t] / ahead[t + 1], before = filtered[t] + back * (x - 0.9 * filtered[t]);
        const double sb = variance[t] + back * back * (s - ahead[t + 1]), cross = back * s;
        const double m = 0.9 * before, miss = y[t + 1] - m;
        above += (x - m) * miss + 0.81 * sb - 0.9 * cross; /* E[(x - m)(y - m)] */
        below += miss * miss + 0.81 * sb;
        x = before;
        s = sb;
    }
    return above / below;
}

static void proposals_learn(void **unused)
{
    mote_ssm model = linear_gaussian_a;
    double mean = 0, theta[5];
    (void)unused;
    model.parameters = with_gain;
    model.parameter_count = 5;
    model.propose = propose;
    model.log_propose = log_propose;
    model.proposal_gradient = proposal_gradient;
    model.gradient = NULL;
    for (int seed = 1; seed <= 5; ++seed) {
        const mote_score_ascent_options options = { MOTE_VERSIONED(mote_score_ascent_options), .particles = 16,
                                                    .iterations = 500,
                                                    .seed = seed, .proposal = MOTE_PROPOSAL_GUIDED,
                                                    .objective = MOTE_OBJECTIVE_PROPOSAL };
        mote_run *run = open_run_of(mote_score_ascent, &model, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        assert_status(mote_score_ascent_result(run, theta), MOTE_OK);
        mean += theta[GAIN] / 5;
        mote_run_close(&run);
    }
    print_message("gain %.4f, best %.4f\n", mean, best_gain());
    assert_close(mean, best_gain(), 0, 0.03);
    mote_score_ascent_options options = { MOTE_VERSIONED(mote_score_ascent_options), .objective = MOTE_OBJECTIVE_BOTH };
    assert_refused(mote_score_ascent, &model, &options, MOTE_EOPTION, "guided");
    options.proposal = MOTE_PROPOSAL_GUIDED;
    assert_refused(mote_score_ascent, &model, &options, MOTE_EUNSUPPORTED, "gradient");
}

/* ---- the run ---- */

static void resuming_does_not_show(void **unused)
{
    const mote_ssm model = free_model();
    double a[4], b[4];
    (void)unused;
    for (int64_t score = 0; score < 2; ++score) {
        const mote_score_ascent_options options = { MOTE_VERSIONED(mote_score_ascent_options), .particles = 20,
                                                    .iterations = 7,
                                                    .evaluations = 3, .seed = 2, .score = score };
        mote_run *whole = open_run_of(mote_score_ascent, &model, &options), *run =
                open_run_of(mote_score_ascent, &model, &options);
        assert_status(mote_run_finish(whole), MOTE_OK);
        for (int status = MOTE_OK; status != MOTE_DONE;) {
            status = mote_run_step(run);
            assert_true(status == MOTE_OK || status == MOTE_DONE);
            reload_run(&run, mote_score_ascent, &model, &options, "test_score_ascent.checkpoint");
        }
        assert_status(mote_score_ascent_result(whole, a), MOTE_OK);
        assert_status(mote_score_ascent_result(run, b), MOTE_OK);
        assert_same_bytes(a, b, sizeof a);
        assert_true(mote_draws_log_evidence(mote_run_draws(whole)) == mote_draws_log_evidence(mote_run_draws(run)));
        mote_run_close(&run);
        mote_run_close(&whole);
    }
}

/* More iterations for a run that had ended: the likelihood is that of the new end point. */
static void longer_runs_are_evaluated_anew(void **unused)
{
    const mote_ssm model = free_model();
    const char *path = "test_score_ascent.checkpoint";
    mote_score_ascent_options options = { MOTE_VERSIONED(mote_score_ascent_options), .particles = 20, .iterations = 4,
                                          .evaluations = 3, .seed = 2 };
    (void)unused;
    mote_run *run = open_run_of(mote_score_ascent, &model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_status(mote_run_save(run, path), MOTE_OK);
    mote_run_close(&run);
    options.iterations = 9;
    mote_run *whole = open_run_of(mote_score_ascent, &model, &options);
    assert_status(mote_run_finish(whole), MOTE_OK);
    run = open_run_of(mote_score_ascent, &model, &options);
    assert_status(mote_run_load(run, path), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(mote_draws_log_evidence(mote_run_draws(whole)) == mote_draws_log_evidence(mote_run_draws(run)));
    remove(path);
    mote_run_close(&run);
    mote_run_close(&whole);
}

static void what_does_not_fit_is_named(void **unused)
{
    mote_ssm model = free_model();
    mote_score_ascent_options options = { .head = MOTE_VERSIONED(mote_score_ascent_options) };
    (void)unused;
    assert_refused(mote_score_ascent, &linear_gaussian_a, &options, MOTE_EINVAL, "all are fixed");
    options.dropped = 2;
    assert_refused(mote_score_ascent, &model, &options, MOTE_EOPTION, "dropped");
    options.dropped = 0;
    model.gradient = NULL;
    assert_refused(mote_score_ascent, &model, &options, MOTE_EUNSUPPORTED, "the score needs gradient");
    model = free_model();
    model.series = NULL;
    assert_refused(mote_score_ascent, &model, &options, MOTE_EUNSUPPORTED, "series");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_have_their_biases),
        cmocka_unit_test(few_particles_learn_the_maximum),
        cmocka_unit_test(forward_smoother_learns_it_too),
        cmocka_unit_test(proposals_learn),
        cmocka_unit_test(resuming_does_not_show),
        cmocka_unit_test(longer_runs_are_evaluated_anew),
        cmocka_unit_test(what_does_not_fit_is_named),
    };
    return run_unit_tests(tests);
}
