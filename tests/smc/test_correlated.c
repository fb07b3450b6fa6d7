/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The correlated source and sorted resampling: numbers are rho z + sqrt(1 - rho^2) e by address, in pieces or whole;
 * what is not kept is fresh; what has no correlated form is named; log Z of a sorted filter moves little with its
 * numbers; the law of a sorted filter is exact by enumeration, its conditional form included. */
#include "smc/correlated.h"

#include "core/special.h"
#include "smc/evidence.h"
#include "tests/support/filter_bench.h"
#include "tests/support/state_space_models.h"
#include "tests/support/test.h"

enum { N = 7, TIMES = 3 };

/* ---- numbers ---- */

static void numbers_are_autoregressive(void **unused)
{
    mote_correlation layout = { .rho = 0.8, .particles = N, .times = TIMES, .initial = 1, .transition = 2 };
    mote_memory memory;
    mote_kept_normals kept;
    mote_correlated use;
    double first[N], second[N], pieces[N], uniforms[N], e[N], u;
    (void)unused;
    mote_memory_open(&memory, NULL);
    mote_correlation_measure(&layout);
    assert_int_equal(layout.size, N + TIMES * 2 * N + TIMES);
    assert_status(mote_kept_normals_open(&kept, &layout, &memory), MOTE_OK);
    for (uint32_t step = 0; step < 2; ++step) {
        mote_source live = mote_source_live(1), at;
        kept.any = 0;
        mote_source source = mote_correlated_source(&use, &live, &layout, &kept);
        at = mote_source_at(&source, MOTE_PURPOSE_TRANSITION, step, 0);
        mote_normals(&at, first, N);
        mote_kept_normals_accept(&kept);
        live = mote_source_live(2);
        source = mote_correlated_source(&use, &live, &layout, &kept);
        at = mote_source_at(&source, MOTE_PURPOSE_TRANSITION, step, 0);
        mote_normals(&at, second, N);
        mote_uniforms(&at, uniforms, N);
        at = mote_source_at(&source, MOTE_PURPOSE_TRANSITION, step, 0);
        mote_normals(&at, pieces, 3);
        at = mote_source_at(&source, MOTE_PURPOSE_TRANSITION, step, 3);
        mote_normals(&at, pieces + 3, N - 3);
        at = mote_source_at(&live, MOTE_PURPOSE_TRANSITION, step, 0);
        mote_normals(&at, e, N);
        for (int i = 0; i < N; ++i) {
            assert_close(second[i], 0.8 * first[i] + 0.6 * e[i], 1e-15, 1e-15);
            assert_true(pieces[i] == second[i]);
        }
        mote_normals(&at, e, N);
        for (int i = 0; i < N; ++i)
            assert_close(uniforms[i], mote_normal_cdf(0.8 * kept.now[N + (step * 2 + 1) * N + i] + 0.6 * e[i], NULL),
                         1e-14, 0);
        at = mote_source_at(&source, MOTE_PURPOSE_ANCESTOR, step, 0);
        u = mote_uniform_cut(&at, NULL, 0);
        assert_true(u > 0 && u < 1);
        assert_close(u, mote_normal_cdf(kept.next[N + TIMES * 2 * N + step], NULL), 1e-14, 0);
    }
    assert_int_equal(use.transition, 2);
    mote_kept_normals_close(&kept, &memory);
}

/* A third call, a time and a particle beyond the layout: live numbers. */
static void what_is_not_kept_is_fresh(void **unused)
{
    mote_correlation layout = { .rho = 0.8, .particles = N, .times = TIMES, .initial = 1, .transition = 1 };
    const struct { uint32_t step; int64_t first; uint32_t draw; } beyond[] = { { 1, 0, 1 }, { TIMES, 0, 0 },
                                                                               { 1, N - 1, 0 } };
    mote_memory memory;
    mote_kept_normals kept;
    mote_correlated use;
    double got[2], fresh[2];
    (void)unused;
    mote_memory_open(&memory, NULL);
    mote_correlation_measure(&layout);
    assert_status(mote_kept_normals_open(&kept, &layout, &memory), MOTE_OK);
    mote_source live = mote_source_live(1), source = mote_correlated_source(&use, &live, &layout, &kept);
    kept.any = 1;
    for (int k = 0; k < 3; ++k) {
        mote_source at = mote_source_at(&source, MOTE_PURPOSE_TRANSITION, beyond[k].step, beyond[k].first), other = at;
        at.draw = other.draw = beyond[k].draw;
        other.table = live.table;
        other.ctx = NULL;
        mote_normals(&at, got, 2);
        mote_normals(&other, fresh, 2);
        assert_same_bytes(got, fresh, sizeof got);
    }
    mote_kept_normals_close(&kept, &memory);
}

static void what_has_no_correlated_form_is_named(void **unused)
{
    static const char *const names[] = { "bits", "exponentials", "choices", "ordered uniforms", "a stream of its own" };
    const mote_correlation layout = { .rho = 0.5, .particles = N, .times = TIMES };
    mote_source live = mote_source_live(1);
    (void)unused;
    for (int k = 0; k < 5; ++k) {
        mote_correlated use;
        mote_source source = mote_correlated_source(&use, &live, &layout, NULL);
        mote_stream stream = mote_stream_open(&source, 0);
        uint64_t bits;
        double x, u = 0;
        assert_status(mote_source_status(&source), MOTE_OK);
        if (k == 0)
            mote_bits(&source, &bits, 1);
        else if (k == 1)
            mote_exponentials(&source, &x, 1);
        else if (k == 2)
            mote_choose(&source, NULL, 3);
        else if (k == 3)
            mote_ordered_uniforms(&source, &x, 1, NULL, 0);
        else
            for (int i = 0; i < 100; ++i)
                u += mote_stream_uniform(&stream) / 100;
        assert_status(mote_source_status(&source), MOTE_ESOURCE);
        assert_string_equal(use.offence, names[k]);
        assert_true(k < 4 || (u > 0.3 && u < 0.7));
    }
}

/* ---- filters ---- */

/* Variance of log Z, and half the variance of its difference between correlated uses, on case A. */
static void measure(double rho, double *variance, double *noise)
{
    enum { PAIRS = 60 };
    const mote_filter_setup setup = { .particles = 50, .rule = MOTE_RULE_ALWAYS, .sorted = 1 };
    const mote_source source = mote_source_live(9);
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_evidence evidence;
    double theta[4], z[2 * PAIRS], mean = 0;
    mote_memory_open(&memory, NULL);
    assert_status(mote_state_space_open(&space, &linear_gaussian_a, &memory, &message), MOTE_OK);
    assert_status(mote_state_space_theta(&space, NULL, theta, &message), MOTE_OK);
    assert_status(mote_evidence_open(&evidence, &space, &setup, &source, 1, &memory, &message), MOTE_OK);
    assert_status(mote_evidence_correlate(&evidence, rho, 1, theta, &message), MOTE_OK);
    *variance = *noise = 0;
    for (int i = 0; i < 2 * PAIRS; ++i)
        assert_status(mote_evidence_row(&evidence, theta, i, i % 2 == 0, &z[i], NULL), MOTE_OK);
    for (int i = 0; i < PAIRS; ++i)
        mean += z[2 * i] / PAIRS;
    for (int i = 0; i < PAIRS; ++i) {
        *variance += (z[2 * i] - mean) * (z[2 * i] - mean) / (PAIRS - 1);
        *noise += 0.5 * (z[2 * i + 1] - z[2 * i]) * (z[2 * i + 1] - z[2 * i]) / PAIRS;
    }
    mote_evidence_close(&evidence);
    mote_state_space_close(&space);
}

/* Draws what has no correlated form where rho is .5 or .2, another thing at each. */
static int draw_by_rho(void *ctx, const mote_block *block, mote_source *source)
{
    const double rho = *block->parameter[LG_RHO];
    double x;
    if (rho == 0.5)
        mote_exponentials(source, &x, 1);
    else if (rho == 0.2)
        mote_choose(source, NULL, 3);
    return linear_gaussian_a.transition(ctx, block, source);
}

/* Two rows that draw different things are told by the same message, whichever of them comes last. */
static void offences_are_told_alike_in_any_order(void **unused)
{
    static const double rho[2] = { 0.5, 0.2 };
    const mote_filter_setup setup = { .particles = 5, .rule = MOTE_RULE_ALWAYS, .sorted = 1 };
    const mote_source source = mote_source_live(9);
    mote_ssm model = linear_gaussian_a;
    mote_memory memory;
    mote_message message;
    mote_state_space space;
    mote_evidence evidence;
    double theta[4], z;
    (void)unused;
    mote_memory_open(&memory, NULL);
    model.transition = draw_by_rho;
    for (int order = 0; order < 2; ++order) {
        assert_status(mote_state_space_open(&space, &model, &memory, &message), MOTE_OK);
        assert_status(mote_state_space_theta(&space, NULL, theta, &message), MOTE_OK);
        assert_status(mote_evidence_open(&evidence, &space, &setup, &source, 1, &memory, &message), MOTE_OK);
        assert_status(mote_evidence_correlate(&evidence, 0.9, 1, theta, &message), MOTE_OK);
        for (int i = 0; i < 2; ++i) {
            theta[LG_RHO] = rho[(i + order) % 2];
            assert_status(mote_evidence_row(&evidence, theta, i, 1, &z, &message), MOTE_EMODEL);
        }
        assert_status(mote_evidence_check(&evidence, &message), MOTE_EUNSUPPORTED);
        assert_non_null(strstr(message.text, "draws choices"));
        mote_evidence_close(&evidence);
        mote_state_space_close(&space);
    }
}

static void noise_is_shared(void **unused)
{
    double variance, noise;
    (void)unused;
    measure(0.99, &variance, &noise);
    print_message("rho .99: variance %.3f, half the variance of a difference %.3f\n", variance, noise);
    assert_true(noise < 0.25 * variance);
    measure(0, &variance, &noise);
    print_message("rho 0: variance %.3f, half the variance of a difference %.3f\n", variance, noise);
    assert_true(noise > 0.5 * variance && noise < 2 * variance);
}

/* Sorted particles, same law: E[Z_hat] = Z, for a fair share of schemes. */
static void sorted_filters_are_unbiased(void **unused)
{
    static const mote_series two_times = { MOTE_VERSIONED(mote_series), .count = 2 };
    static const int64_t schemes[] = { MOTE_RESAMPLE_SYSTEMATIC, MOTE_RESAMPLE_STRATIFIED, MOTE_RESAMPLE_RESIDUAL };
    mote_ssm model = chain_t;
    double exact = 0;
    (void)unused;
    model.series = &two_times;
    for (int i = 0; i < CHAIN_STATES; ++i)
        for (int j = 0; j < CHAIN_STATES; ++j)
            exact += chain_initial[i] * chain_potential[0][i] * chain_transition[i][j] * chain_potential[1][j];
    for (int k = 0; k < 3; ++k) {
        const mote_filter_setup setup = { .particles = 3, .rule = MOTE_RULE_ALWAYS, .resampling = schemes[k],
                                          .sorted = 1,
                                          .look_ahead = k == 1 };
        mote_source *source;
        filter_bench b;
        double total = 0, z = 0;
        open_bench(&b, &model, setup);
        assert_status(mote_source_open_enumerate(&source), MOTE_OK);
        while (mote_source_enumerate_next(source)) {
            const double estimate = exp(run_bench(&b, source)), weight = mote_source_enumerate_weight(source);
            total += weight;
            z += weight * estimate;
        }
        assert_status(mote_source_status(source), MOTE_OK);
        mote_source_close(&source);
        close_bench(&b);
        assert_close(total, 1, 1e-12, 0);
        assert_close(z, exact, 1e-12, 0);
    }
}

/* Ancestors of systematic points through sorted weights: neighbours have neighbouring parents. */
static void ancestors_are_in_order(void **unused)
{
    const mote_filter_setup setup = { .particles = 100, .rule = MOTE_RULE_ALWAYS, .sorted = 1 };
    const mote_source source = mote_source_live(3);
    filter_bench b;
    (void)unused;
    open_bench(&b, &linear_gaussian_a, setup);
    assert_status(mote_particle_filter_start(&b.filter, b.theta, &source), MOTE_OK);
    for (int64_t t = 0; t < 5; ++t) {
        mote_datum_from_series(&b.datum, &b.space, t);
        assert_status(mote_particle_filter_step(&b.filter, &b.datum), MOTE_OK);
        for (int i = 1; t && i < 100; ++i)
            assert_true(b.filter.before->state[0][b.filter.ancestor[i]] >=
                        b.filter.before->state[0][b.filter.ancestor[i - 1]]);
    }
    close_bench(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_autoregressive),
        cmocka_unit_test(what_is_not_kept_is_fresh),
        cmocka_unit_test(what_has_no_correlated_form_is_named),
        cmocka_unit_test(noise_is_shared),
        cmocka_unit_test(offences_are_told_alike_in_any_order),
        cmocka_unit_test(sorted_filters_are_unbiased),
        cmocka_unit_test(ancestors_are_in_order),
    };
    return run_unit_tests(tests);
}
