/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model that stops within a step of particle Gibbs, of score ascent by the Parisian particle Gibbs sampler, or of
 * correlated chains leaves the state of the step before: saved, loaded and finished, the run has the bytes of one that
 * was never stopped. Every member that a run calls stops it, at calls spread over the whole run. Exact. */
#include <mote/particle_gibbs.h>
#include <mote/pmmh.h>
#include <mote/score_ascent.h>

#include "model/draws.h"
#include "tests/support/filter_bench.h"

enum { STOP = -5, STOPS = 40 };

static int64_t calls, stop_at = -1;

static int stops(void)
{
    return calls++ == stop_at ? STOP : 0;
}

static int transition(void *ctx, const mote_block *block, mote_source *source)
{
    return stops() ? STOP : linear_gaussian_a.transition(ctx, block, source);
}

static int log_potential(void *ctx, const mote_block *block)
{
    return stops() ? STOP : linear_gaussian_a.log_potential(ctx, block);
}

static int log_transition(void *ctx, const mote_block *block)
{
    return stops() ? STOP : linear_gaussian_a.log_transition(ctx, block);
}

static int additive(void *ctx, const mote_block *block, double *const *value)
{
    return stops() ? STOP : linear_gaussian_a.additive(ctx, block, value);
}

static int gradient(void *ctx, const mote_block *block, double *const *value)
{
    return stops() ? STOP : linear_gaussian_a.gradient(ctx, block, value);
}

static const mote_parameter rho_free[] = { MOTE_UNIFORM("rho", -1, 1), MOTE_FIXED("var_x", 1), MOTE_FIXED("var_y", 1),
                                           MOTE_FIXED("var_0", 1 / 0.19) };

static mote_ssm stopping_model(void)
{
    mote_ssm model = linear_gaussian_a;
    model.parameters = rho_free;
    model.transition = transition;
    model.log_potential = log_potential;
    model.log_transition = log_transition;
    model.additive = additive;
    model.gradient = gradient;
    return model;
}

/* Stopped at call `at`, saved, loaded, finished. */
static mote_run *stopped_run(const mote_algorithm *algorithm, const mote_ssm *model, const void *options, int64_t at)
{
    mote_run *run = open_run_of(algorithm, model, options);
    calls = 0;
    stop_at = at;
    assert_status(mote_run_finish(run), STOP);
    stop_at = -1;
    reload_run(&run, algorithm, model, options, "test_stopped_step.checkpoint");
    assert_well(run, mote_run_finish(run));
    return run;
}

static void check_stops(const mote_algorithm *algorithm, const void *options, const char *result)
{
    const mote_ssm model = stopping_model();
    mote_run *whole = open_run_of(algorithm, &model, options);
    calls = 0;
    assert_well(whole, mote_run_finish(whole));
    const int64_t all = calls;
    const mote_draws *a = mote_run_draws(whole);
    for (int64_t i = 0; i < STOPS; ++i) {
        mote_run *run = stopped_run(algorithm, &model, options, all * (2 * i + 1) / (2 * STOPS));
        const mote_draws *b = mote_run_draws(run);
        assert_int_equal(mote_draws_count(a), mote_draws_count(b));
        for (int64_t k = 0; k < mote_draws_parameter_count(a); ++k)
            assert_same_bytes(mote_draws_column(a, k), mote_draws_column(b, k),
                              (size_t)mote_draws_count(a) * sizeof(double));
        assert_true(mote_draws_result(a, result)->value == mote_draws_result(b, result)->value);
        mote_run_close(&run);
    }
    mote_run_close(&whole);
}

static void sweeps_of_particle_gibbs(void **unused)
{
    const mote_particle_gibbs_options options = { MOTE_VERSIONED(mote_particle_gibbs_options), .particles = 8,
                                                  .sweeps = 12, .warm_up = 4, .parameter_moves = 2, .seed = 3 };
    (void)unused;
    check_stops(mote_particle_gibbs, &options, "acceptance");
}

/* The call of `additive` with which a kept row begins. */
static void rows_of_particle_gibbs(void **unused)
{
    const mote_ssm plain = stopping_model();
    mote_ssm model = linear_gaussian_a;
    const mote_particle_gibbs_options options = { MOTE_VERSIONED(mote_particle_gibbs_options), .particles = 8,
                                                  .sweeps = 4, .warm_up = -1, .parameter_moves = 2, .seed = 3 };
    (void)unused;
    model.parameters = rho_free;
    model.additive = plain.additive;
    mote_run *whole = finished_run_of(mote_particle_gibbs, &model, &options);
    for (int64_t at = 0; at < 4 * 50; at += 23) {
        mote_run *run = stopped_run(mote_particle_gibbs, &model, &options, at);
        for (int64_t k = 0; k < 3; ++k)
            assert_same_bytes(mote_draws_column(mote_run_draws(whole), k), mote_draws_column(mote_run_draws(run), k),
                              4 * sizeof(double));
        mote_run_close(&run);
    }
    mote_run_close(&whole);
}

static void roll_outs_of_score_ascent(void **unused)
{
    const mote_score_ascent_options options = { MOTE_VERSIONED(mote_score_ascent_options), .particles = 8,
                                                .iterations = 5, .sweeps = 4, .dropped = 1, .evaluations = 2,
                                                .seed = 3 };
    (void)unused;
    check_stops(mote_score_ascent, &options, "rho");
}

static void correlated_evidences(void **unused)
{
    const mote_pmmh_options options = { MOTE_VERSIONED(mote_pmmh_options), .particles = 20, .draws = 4, .warm_up = 4,
                                        .chains = 2, .evaluations = 12, .correlation = 0.9, .seed = 3 };
    (void)unused;
    check_stops(mote_pmmh, &options, "noise_log_evidence");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweeps_of_particle_gibbs),
        cmocka_unit_test(rows_of_particle_gibbs),
        cmocka_unit_test(roll_outs_of_score_ascent),
        cmocka_unit_test(correlated_evidences),
    };
    return run_unit_tests(tests);
}
