/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditionally linear-Gaussian models: with nothing to sample the evidence is the Kalman filter's; with a regime that
 * switches, the evidence over all outcomes is unbiased, exactly, against Kalman filters on every path of regimes. */
#include <mote/filter.h>
#include <mote/particle_gibbs.h>

#include "core/run.h"
#include "smc/particle_filter.h"
#include "tests/support/filter_bench.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

static const double SCALE[2] = { 0.5, 2 }, STAY = 0.8;
static const double y_values[] = { 0.4, -1.3, NAN, 2.2 };
static const mote_series short_series = { MOTE_VERSIONED(mote_series), .count = 4, .values = y_values };
static const char *const state_name[] = { "regime" }, *const observation_name[] = { "y" };

static int regime_first(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = (double)mote_choose(source, NULL, 2);
    return 0;
}

static int regime_next(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i) {
        const double p[2] = { block->previous[0][i] == 0 ? STAY : 1 - STAY, block->previous[0][i] == 0 ? 1 - STAY
                              : STAY };
        block->state[0][i] = (double)mote_choose(source, p, 2);
    }
    return 0;
}

static int no_regime(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    (void)source;
    memset(block->state[0], 0, (size_t)block->n * sizeof(double));
    return 0;
}

static int linear_initial(void *ctx, const mote_block *block, int64_t i, double *mean, double *covariance)
{
    (void)block;
    (void)i;
    *mean = 0;
    *covariance = *(const double *)ctx;
    return 0;
}

/* z' = .9 z + N(0, scale(regime)^2), y = z + N(0, 1). */
static int linear_system(void *ctx, const mote_block *block, int64_t i, const mote_linear_part *part)
{
    const double scale = SCALE[(int)block->state[0][i]];
    (void)ctx;
    part->transition[0] = 0.9;
    part->transition_covariance[0] = scale * scale;
    part->observation[0] = 1;
    part->observation_covariance[0] = 1;
    return 0;
}

static int linear_system_a(void *ctx, const mote_block *block, int64_t i, const mote_linear_part *part)
{
    const int status = linear_system(ctx, block, i, part);
    part->transition_covariance[0] = 1;
    return status;
}

static double initial_variance = 1 / 0.19;

static mote_ssm switching(void)
{
    return (mote_ssm){ .head = MOTE_VERSIONED(mote_ssm), MOTE_STATES(state_name), MOTE_OBSERVATIONS(observation_name),
                       .initial = regime_first, .transition = regime_next, .series = &short_series,
                       .ctx = &initial_variance,
                       .name = "switching", .linear_count = 1, .linear_initial = linear_initial,
                       .linear_system = linear_system, .flags = MOTE_SSM_THREADSAFE };
}

static void nothing_to_sample_is_kalman(void **unused)
{
    mote_ssm model = switching();
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 3 };
    mote_run *run = NULL;
    (void)unused;
    model.initial = model.transition = no_regime;
    model.linear_system = linear_system_a;
    model.series = linear_gaussian_a.series;
    assert_status(mote_run_open(&run, mote_filter, &model, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_close(mote_filter_log_evidence(run), LINEAR_GAUSSIAN_A_LOG_EVIDENCE, 1e-12, 0);
    assert_close(mote_filter_mean(run, 1), 1.735962925186, 1e-11, 0); /* columns: regime, mean, variance */
    assert_close(mote_filter_mean(run, 2), 0.597407287258, 1e-11, 0);
    mote_run_close(&run);
}

/* Sum over the 16 paths of regimes of p(path) p(y | path), by a scalar Kalman filter each. */
static double exact_evidence(void)
{
    double total = 0;
    for (int path = 0; path < 16; ++path) {
        double p = 0.5, mean = 0, variance = initial_variance;
        for (int t = 0; t < 4; ++t) {
            const int s = path >> t & 1;
            if (t) {
                p *= s == (path >> (t - 1) & 1) ? STAY : 1 - STAY;
                mean *= 0.9;
                variance = 0.81 * variance + SCALE[s] * SCALE[s];
            }
            if (isnan(y_values[t]))
                continue;
            const double v = variance + 1, e = y_values[t] - mean;
            p *= exp(-0.5 * e * e / v) / sqrt(2 * 3.14159265358979323846 * v);
            mean += variance / v * e;
            variance /= v;
        }
        total += p;
    }
    return total;
}

static void switching_is_unbiased(void **unused)
{
    const mote_ssm model = switching();
    (void)unused;
    for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule) {
        const mote_filter_setup setup = { .particles = 2, .rule = rule, .threshold = 0.9 };
        mote_source *source;
        filter_bench b;
        double z = 0, log_evidence;
        open_bench(&b, &model, setup);
        assert_status(mote_source_open_enumerate(&source), MOTE_OK);
        while (mote_source_enumerate_next(source)) {
            assert_status(mote_particle_filter_run(&b.filter, b.theta, source, &b.datum, &log_evidence), MOTE_OK);
            z += mote_source_enumerate_weight(source) * exp(log_evidence);
        }
        assert_status(mote_source_status(source), MOTE_OK);
        assert_close(z, exact_evidence(), 1e-12, 0);
        mote_source_close(&source);
        close_bench(&b);
    }
}

static void check_refusal(const mote_ssm *model, int status, const char *text)
{
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_filter, model, NULL), status);
    if (!strstr(mote_run_message(run), text))
        fail_msg("'%s' lacks '%s'", mote_run_message(run), text);
    mote_run_close(&run);
}

static int empty_system(void *ctx, const mote_block *block, int64_t i, const mote_linear_part *part)
{
    (void)ctx;
    (void)block;
    (void)i;
    (void)part;
    return 0;
}

static int fork_regimes(void *ctx, const mote_block *block, const int32_t *ancestor)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] = block->previous[0][ancestor[i]];
    return 0;
}

static void drop_regimes(void *ctx, const double *handle, int64_t n)
{
    (void)ctx;
    (void)handle;
    (void)n;
}

static void what_is_wrong_is_named(void **unused)
{
    mote_ssm model = switching();
    mote_run *run = NULL;
    (void)unused;
    model.linear_system = NULL;
    check_refusal(&model, MOTE_EINVAL, "lacks linear_system");
    model = switching();
    model.linear_count = 100;
    check_refusal(&model, MOTE_EINVAL, "linear_count = 100");
    model = switching();
    model.observation_count = 0;
    check_refusal(&model, MOTE_EINVAL, "0 observations");
    model = switching();
    model.fork = fork_regimes;
    model.drop = drop_regimes;
    check_refusal(&model, MOTE_EINVAL, "opaque states");
    model = switching();
    assert_status(mote_run_open(&run, mote_particle_gibbs, &model, NULL), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "a linear part"));
    mote_run_close(&run);
    const mote_filter_options guided = { MOTE_VERSIONED(mote_filter_options), .proposal = MOTE_PROPOSAL_GUIDED };
    model.propose = model.transition; /* what the model has is not used there: it does not lack it */
    assert_status(mote_run_open(&run, mote_filter, &model, &guided), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_run_message(run), "beside a linear part"));
    mote_run_close(&run);
    model.propose = NULL;
    model.linear_system = empty_system; /* y is certain: no density */
    assert_status(mote_run_open(&run, mote_filter, &model, NULL), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "particle 0 at step 0"));
    mote_run_close(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_sample_is_kalman),
        cmocka_unit_test(switching_is_unbiased),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return run_unit_tests(tests);
}
