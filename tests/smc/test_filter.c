/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The particle filter: exact laws by enumeration on the tiny chain (evidence, moments of x_T and of x_{T-1} x_T along
 * the genealogy unbiased to rounding for 1, 2 and 3 particles, every unbiased scheme and rule, guided and tilted
 * weights), known answers on series with closed-form evidences, and what a caller may do wrong. Statistical comparisons
 * use fixed seeds and stand within 5 standard errors of replicates: false alarm 6e-7 each. */
#include <mote/filter.h>
#include <stdlib.h>

#include "tests/support/filter_bench.h"
#include "tests/support/path_law.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

/* ---- exact laws ---- */

/* Evidence, and evidence times the means of x_T, x_T^2 and x_{T-1} x_T. */
typedef struct chain_moments { double evidence, last, square, lagged; } chain_moments;

static const mote_series chain_cut[] = { { MOTE_VERSIONED(mote_series), .count = 1 }, { MOTE_VERSIONED(mote_series),
                                                                                        .count = 2 },
                                         { MOTE_VERSIONED(mote_series), .count = 3 } };

static void add_moments(chain_moments *sum, double weight, double before, double last)
{
    sum->evidence += weight;
    sum->last += weight * last;
    sum->square += weight * last * last;
    sum->lagged += weight * before * last;
}

/* Sums over all paths of the first `times` times of the model, whose potentials may differ from the chain's. */
static chain_moments chain_truth(const mote_ssm *model, int times)
{
    chain_moments sum = { 0 };
    int paths = 1;
    for (int t = 0; t < times; ++t)
        paths *= CHAIN_STATES;
    for (int k = 0; k < paths; ++k) {
        double path[CHAIN_TIMES] = { 0 };
        path_of_number(k, times, path);
        double p = chain_initial[(int)path[0]] * potential_of(model, 0, 0, path[0]);
        for (int t = 1; t < times; ++t)
            p *= chain_transition[(int)path[t - 1]][(int)path[t]] * potential_of(model, t, path[t - 1], path[t]);
        add_moments(&sum, p, times > 1 ? path[times - 2] : 0, path[times - 1]);
    }
    return sum;
}

/* What the filter says, times its evidence; x_{T-1} is that of the particle's ancestor. */
static void add_estimate(chain_moments *sum, const mote_particle_filter *filter, double weight, int64_t times)
{
    for (int64_t i = 0; i < filter->setup.particles; ++i)
        add_moments(sum, weight * mote_population_weight(filter->now, i),
                    times > 1 ? filter->before->state[0][filter->ancestor[i]] : 0, filter->now->state[0][i]);
}

/* E[Z_hat] = Z and E[Z_hat phi_hat] = Z E[phi] over all outcomes, at the first `times` times of the model. */
static void check_law(const mote_ssm *whole, int times, mote_filter_setup setup)
{
    const chain_moments truth = chain_truth(whole, times);
    chain_moments mean = { 0 };
    mote_ssm model = *whole;
    mote_source *source;
    filter_bench b;
    double total = 0, z = 0;
    model.series = &chain_cut[times - 1];
    open_bench(&b, &model, setup);
    assert_status(mote_source_open_enumerate(&source), MOTE_OK);
    while (mote_source_enumerate_next(source)) {
        const double estimate = exp(run_bench(&b, source)), weight = mote_source_enumerate_weight(source);
        total += weight;
        z += weight * estimate;
        if (estimate > 0)
            add_estimate(&mean, &b.filter, weight * estimate, times);
    }
    assert_status(mote_source_status(source), MOTE_OK);
    mote_source_close(&source);
    close_bench(&b);
    assert_close(total, 1, 1e-12, 0);
    assert_close(z, truth.evidence, 1e-12, 0);
    assert_close(mean.evidence, truth.evidence, 1e-12, 0);
    assert_close(mean.last, truth.last, 1e-12, 0);
    assert_close(mean.square, truth.square, 1e-12, 0);
    assert_close(mean.lagged, truth.lagged, 1e-12, 0);
}

/* Every unbiased scheme and rule. `kinds`: bootstrap, guided, auxiliary, both. */
static void check_laws(int64_t particles, int times, int64_t kinds)
{
    for (int64_t scheme = 0; mote_resampling_name(scheme); ++scheme)
        for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule)
            for (int64_t kind = 0; kind < kinds; ++kind) {
                const mote_filter_setup setup = { .particles = particles, .resampling = scheme, .rule = rule,
                                                  .threshold = 0.75, .guided = kind & 1, .look_ahead = kind >> 1 };
                if (mote_resampling_flags(scheme) & MOTE_RESAMPLING_UNBIASED)
                    check_law(&chain_t, times, setup);
            }
}

static void one_particle_is_unbiased(void **unused)
{
    (void)unused;
    check_laws(1, 1, 4);
    check_laws(1, 3, 4);
}

static void two_particles_are_unbiased(void **unused)
{
    (void)unused;
    check_laws(2, 2, 4);
    for (int64_t scheme = 0; mote_resampling_name(scheme); ++scheme)
        for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule)
            for (int64_t kind = 0; kind < 4; ++kind) {
                const mote_filter_setup setup = { .particles = 2, .resampling = scheme, .rule = rule, .threshold = 0.75,
                                                  .guided = kind & 1, .look_ahead = kind >> 1 };
                if (mote_resampling_flags(scheme) & MOTE_RESAMPLING_UNBIASED &&
                    (kind == 0 || scheme <= 2 || rule == MOTE_RULE_ALWAYS))
                    check_law(&chain_t, 3, setup);
            }
}

/* Two times: all outcomes of three particles. Optimal resampling meets here unequal weights of the offspring. */
static void three_particles_are_unbiased(void **unused)
{
    (void)unused;
    check_laws(3, 2, 4);
}

static int chain_zeros(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = block->step == 1 && block->state[0][i] > 0 ? -INFINITY
            : log(chain_potential[block->step][(int)block->state[0][i]]);
    return 0;
}

/* Systems that die contribute zero. */
static void dead_systems_count_as_zero(void **unused)
{
    mote_ssm model = chain_t;
    (void)unused;
    model.log_potential = chain_zeros;
    for (int64_t rule = MOTE_RULE_ESS; rule <= MOTE_RULE_NEVER; ++rule)
        check_law(&model, 3, (mote_filter_setup){ .particles = 2, .rule = rule, .threshold = 0.75 });
}

/* ---- known answers ---- */

/* log mean exp of R estimates against the truth, within 5 standard errors of exp(log Z - truth). */
static void check_evidence(const mote_ssm *model, mote_filter_setup setup, double truth, int replicates)
{
    filter_bench b;
    double mean = 0, square = 0;
    open_bench(&b, model, setup);
    for (int r = 0; r < replicates; ++r) {
        const mote_source source = mote_source_live(mote_source_key(7, r));
        const double ratio = exp(run_bench(&b, &source) - truth);
        mean += ratio / replicates;
        square += ratio * ratio / replicates;
    }
    close_bench(&b);
    const double error = sqrt((square - mean * mean) / (replicates - 1));
    assert_true(error < 0.1);
    assert_close(mean, 1, 0, 5 * error);
}

static void linear_gaussian_evidence(void **unused)
{
    (void)unused;
    for (int64_t kind = 0; kind < 4; ++kind) {
        const mote_filter_setup setup = { .particles = 2000, .threshold = 0.5, .guided = kind & 1,
                                          .look_ahead = kind >> 1,
                                          .rule = kind ? MOTE_RULE_ALWAYS : MOTE_RULE_ESS };
        check_evidence(&linear_gaussian_a, setup, LINEAR_GAUSSIAN_A_LOG_EVIDENCE, 100);
    }
}

static void volatility_and_toy_evidence(void **unused)
{
    const mote_filter_setup setup = { .particles = 2000, .threshold = 0.5 };
    (void)unused;
    check_evidence(&volatility_e, setup, -214.2819755795, 60);
    check_evidence(&toy_d, setup, 20 * log(sqrt(3) / 3), 60);
}

/* ---- the run: streams, accessors, refusals ---- */

static void stream_equals_series(void **unused)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 300, .seed = 3 };
    mote_ssm streamed = linear_gaussian_a;
    (void)unused;
    streamed.series = NULL;
    mote_run *whole = open_filter_run(&linear_gaussian_a, &options), *stream = open_filter_run(&streamed, &options);
    assert_status(mote_run_finish(whole), MOTE_OK);
    assert_status(mote_run_step(stream), MOTE_WAITING);
    for (int t = 0; t < 50; ++t) {
        const mote_observation y = { MOTE_VERSIONED(mote_observation), .time = t,
                                     .values = linear_gaussian_a.series->values + t };
        assert_status(mote_run_push(stream, &y), MOTE_OK);
        assert_int_equal(mote_filter_count(stream), t + 1);
    }
    assert_status(mote_run_finish(stream), MOTE_OK);
    assert_true(mote_filter_log_evidence(whole) == mote_filter_log_evidence(stream));
    assert_same_bytes(mote_filter_state(whole, 0), mote_filter_state(stream, 0), 300 * sizeof(double));
    const mote_observation late = { MOTE_VERSIONED(mote_observation), .time = 60 };
    assert_status(mote_run_push(stream, &late), MOTE_ESTATE);
    assert_non_null(strstr(mote_run_message(stream), "closed"));
    assert_status(mote_run_push(whole, &late), MOTE_ESTATE);
    assert_non_null(strstr(mote_run_message(whole), "series"));
    mote_run_close(&whole);
    mote_run_close(&stream);
}

static void moments_are_those_of_the_filter(void **unused)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 100000, .seed = 5 };
    (void)unused;
    mote_run *run = open_filter_run(&linear_gaussian_a, &options);
    assert_true(isnan(mote_filter_mean(run, 0)));
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_close(mote_filter_mean(run, 0), 1.735962925186, 0, 0.02); /* sd of the estimate about 0.003 */
    assert_close(mote_filter_sd(run, 0), sqrt(0.597407287258), 0.02, 0);
    assert_true(isnan(mote_filter_mean(run, 1)));
    const mote_draws *draws = mote_run_draws(run);
    assert_int_equal(mote_draws_count(draws), 100000);
    assert_int_equal(mote_draws_find(draws, "x"), 0);
    assert_true(mote_draws_log_evidence(draws) == mote_filter_log_evidence(run));
    mote_run_close(&run);
}

static void missing_observations_change_nothing(void **unused)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 64, .seed = 1 };
    mote_ssm streamed = linear_gaussian_a;
    const double y = 0.5, none = NAN;
    const int64_t hidden = 0;
    (void)unused;
    streamed.series = NULL;
    mote_run *run = open_filter_run(&streamed, &options);
    mote_observation o = { MOTE_VERSIONED(mote_observation), .time = 0, .values = &y };
    assert_status(mote_run_push(run, &o), MOTE_OK);
    const double log_evidence = mote_filter_log_evidence(run), ess = mote_filter_effective_sample_size(run);
    o = (mote_observation){ MOTE_VERSIONED(mote_observation), .time = 1, .values = &none };
    assert_status(mote_run_push(run, &o), MOTE_OK);
    o = (mote_observation){ MOTE_VERSIONED(mote_observation), .time = 2, .values = &y, .observed = &hidden };
    assert_status(mote_run_push(run, &o), MOTE_OK);
    assert_true(mote_filter_log_evidence(run) == log_evidence);
    assert_true(mote_filter_increment(run) == 0);
    assert_close(mote_filter_effective_sample_size(run), ess, 1e-12, 0);
    o.time = 2;
    assert_status(mote_run_push(run, &o), MOTE_EINVAL);
    assert_non_null(strstr(mote_run_message(run), "does not follow"));
    mote_run_close(&run);
}

static int bad_potential(void *ctx, const mote_block *block)
{
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = block->step == 3 && block->first + i == 1500 ? *(const double *)ctx : 0;
    return 0;
}

static void failed_potentials_are_named(void **unused)
{
    mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 2000, .seed = 1 };
    mote_ssm model = toy_d;
    double bad = NAN;
    (void)unused;
    model.log_potential = bad_potential;
    model.ctx = &bad;
    mote_run *run = open_filter_run(&model, &options);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "particle 1500 at step 3"));
    assert_int_equal(mote_filter_count(run), 3);
    mote_run_close(&run);
    options.failed_potential = MOTE_FAILED_ZERO;
    run = open_filter_run(&model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    mote_run_close(&run);
    bad = INFINITY;
    options.failed_potential = MOTE_FAILED_STOP;
    run = open_filter_run(&model, &options);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    mote_run_close(&run);
}

static int all_zero(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = block->step == 2 ? -INFINITY : 0;
    return 0;
}

/* Codes above zero end the run as errors, and never as MOTE_DONE, which is 1. */
static int one(void *ctx, const mote_block *block)
{
    (void)ctx;
    (void)block;
    return 1;
}

static void codes_above_zero_are_errors(void **unused)
{
    const mote_filter_options options = { .head = MOTE_VERSIONED(mote_filter_options), .particles = 10,
                                          .look_ahead = MOTE_LOOK_AHEAD_ON };
    mote_ssm model = linear_gaussian_a;
    (void)unused;
    model.look_ahead = one;
    mote_run *run = open_filter_run(&model, &options);
    assert_status(mote_run_finish(run), MOTE_EMODEL);
    assert_non_null(strstr(mote_run_message(run), "look_ahead returned a code above 0 at step 1"));
    mote_run_close(&run);
}

static void all_weights_zero_is_defined(void **unused)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 10, .seed = 1 };
    mote_ssm model = toy_d;
    (void)unused;
    model.log_potential = all_zero;
    mote_run *run = open_filter_run(&model, &options);
    assert_status(mote_run_finish(run), MOTE_OK);
    assert_true(mote_filter_log_evidence(run) == -INFINITY);
    assert_true(isnan(mote_filter_mean(run, 0)));
    const mote_draws *draws = mote_run_draws(run);
    assert_true(mote_draws_log_evidence(draws) == -INFINITY);
    mote_run_close(&run);
}

static void check_refusal(const mote_ssm *model, const mote_filter_options *options, int status, const char *text)
{
    mote_run *run = NULL;
    const int answer = mote_run_open(&run, mote_filter, model, options);
    assert_status(answer, status);
    if (!strstr(mote_run_message(run), text))
        fail_msg("'%s' lacks '%s'", mote_run_message(run), text);
    mote_run_close(&run);
}

static void what_is_missing_is_named(void **unused)
{
    mote_filter_options options = { .head = MOTE_VERSIONED(mote_filter_options) };
    static const mote_parameter free_parameter[] = { MOTE_UNIFORM("rho", 0, 1) };
    static const double times[] = { 0, 1, 1 };
    static const mote_series bad_times = { MOTE_VERSIONED(mote_series), .count = 3, .time = times };
    mote_ssm model = toy_d;
    (void)unused;
    options.proposal = MOTE_PROPOSAL_GUIDED;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "needs propose, which the model 'toy' lacks");
    options.proposal = 0;
    options.look_ahead = MOTE_LOOK_AHEAD_ON;
    check_refusal(&model, &options, MOTE_EUNSUPPORTED, "needs look_ahead, which the model 'toy' lacks");
    options.look_ahead = 0;
    options.resampling = 0;
    options.particles = -1;
    check_refusal(&model, &options, MOTE_EOPTION, "particles");
    options.particles = 0;
    model.transition = NULL;
    check_refusal(&model, &options, MOTE_EINVAL, "lacks transition");
    model = toy_d;
    model.state_count = 0;
    check_refusal(&model, &options, MOTE_EINVAL, "MOTE_STATES");
    model = toy_d;
    model.series = &bad_times;
    check_refusal(&model, &options, MOTE_EINVAL, "time number 2");
    model = toy_d;
    model.parameters = free_parameter;
    model.parameter_count = 1;
    model.parameter_size = sizeof *free_parameter;
    check_refusal(&model, &options, MOTE_EINVAL, "parameter 'rho'");
    check_refusal((const mote_ssm *)&options, &options, MOTE_EKIND, "mote_ssm");
    const double values[] = { 0, 1, -INFINITY };
    const mote_series bad_values = { MOTE_VERSIONED(mote_series), .count = 3, .values = values };
    model = linear_gaussian_a;
    model.series = &bad_values;
    check_refusal(&model, &options, MOTE_EINVAL, "at time 2 is infinite");
}

/* ---- the same bytes ---- */

static void threads_do_not_show(void **unused)
{
    static const int64_t counts[] = { 1, 2, 7 };
    double first[3] = { 0 };
    (void)unused;
    for (int k = 0; k < 3; ++k) {
        const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 20000, .seed = 9,
                                              .threads = counts[k] };
        mote_run *run = open_filter_run(&linear_gaussian_a, &options);
        assert_status(mote_run_finish(run), MOTE_OK);
        const double now[3] = { mote_filter_log_evidence(run), mote_filter_mean(run, 0),
                                mote_filter_state(run, 0)[19999] };
        if (!k)
            memcpy(first, now, sizeof now);
        assert_same_bytes(first, now, sizeof now);
        mote_run_close(&run);
    }
}

/* Saved and loaded after every observation. */
static void resuming_does_not_show(void **unused)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options), .particles = 1500, .seed = 2 };
    const char *path = "test_filter.checkpoint";
    (void)unused;
    mote_run *whole = open_filter_run(&linear_gaussian_a, &options), *run = open_filter_run(&linear_gaussian_a,
                                                                                            &options);
    assert_status(mote_run_finish(whole), MOTE_OK);
    for (int t = 0; t < 50; ++t) {
        const int status = mote_run_step(run);
        assert_true(status == MOTE_OK || status == MOTE_DONE);
        assert_status(mote_run_save(run, path), MOTE_OK);
        mote_run_close(&run);
        run = open_filter_run(&linear_gaussian_a, &options);
        assert_status(mote_run_load(run, path), MOTE_OK);
    }
    assert_true(mote_filter_log_evidence(whole) == mote_filter_log_evidence(run));
    assert_same_bytes(mote_filter_state(whole, 0), mote_filter_state(run, 0), 1500 * sizeof(double));
    assert_same_bytes(mote_filter_ancestors(whole), mote_filter_ancestors(run), 1500 * sizeof(int32_t));
    remove(path);
    mote_run_close(&whole);
    mote_run_close(&run);
}

/* A checkpoint whose log-weights hold no number is refused: resampling would count on them. */
static void weights_that_are_no_numbers_are_refused(void **unused)
{
    static const double bad[] = { NAN, INFINITY };
    const mote_filter_setup setup = { .particles = 100, .threshold = 0.5 };
    const mote_source source = mote_source_live(mote_source_key(8, 1));
    (void)unused;
    for (int k = 0; k < 3; ++k) { /* the last as it was */
        filter_bench b;
        mote_writer writer = { 0 };
        mote_reader reader;
        open_bench(&b, &linear_gaussian_a, setup);
        run_bench(&b, &source);
        if (k < 2)
            b.filter.now->log_weight[7] = bad[k];
        mote_writer_open(&writer, &b.memory);
        mote_particle_filter_save(&b.filter, &writer);
        assert_status(writer.status, MOTE_OK);
        mote_reader_open(&reader, writer.bytes, writer.length);
        assert_status(mote_particle_filter_load(&b.filter, &reader), k < 2 ? MOTE_ECORRUPT : MOTE_OK);
        mote_writer_close(&writer);
        close_bench(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_particle_is_unbiased),
        cmocka_unit_test(two_particles_are_unbiased),
        cmocka_unit_test(three_particles_are_unbiased),
        cmocka_unit_test(dead_systems_count_as_zero),
        cmocka_unit_test(linear_gaussian_evidence),
        cmocka_unit_test(volatility_and_toy_evidence),
        cmocka_unit_test(stream_equals_series),
        cmocka_unit_test(moments_are_those_of_the_filter),
        cmocka_unit_test(missing_observations_change_nothing),
        cmocka_unit_test(failed_potentials_are_named),
        cmocka_unit_test(codes_above_zero_are_errors),
        cmocka_unit_test(all_weights_zero_is_defined),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(resuming_does_not_show),
        cmocka_unit_test(weights_that_are_no_numbers_are_refused),
    };
    return run_unit_tests(tests);
}
