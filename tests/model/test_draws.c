/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Draws: the container and its summaries, against values worked out by hand. */
#include "model/draws.h"

#include <mote/status.h>
#include <stdlib.h>

#include "tests/support/test.h"

static mote_memory memory;

static const mote_parameter model[] = {
    MOTE_DERIVED("age", .unit = "Gyr"),
    MOTE_UNIFORM("omega_m", 0.1, 0.5, .label = "\\Omega_m"),
    MOTE_FIXED("neff", 3.046),
    MOTE_NORMAL("h", 0.7, 0.05),
};

/* One column `x` with weights w (any scale; NULL: equal). */
static mote_draws *column_of(const double *x, const double *w, int64_t n)
{
    static const mote_parameter one[] = { MOTE_NORMAL("x", 0, 1) };
    mote_draws *draws = mote_draws_create(&memory, one, 1, n, 0);
    for (int64_t i = 0; i < n; ++i) {
        draws->columns[0][i] = x[i];
        draws->log_weight[i] = w ? log(w[i]) : -log((double)n);
        draws->log_likelihood[i] = -fabs(x[i] - 3);
    }
    return draws;
}

static void parameters_without_fixed_ones(void **state)
{
    (void)state;
    mote_draws *draws = mote_draws_create(&memory, model, 4, 2, MOTE_DRAWS_NESTED);
    assert_int_equal(mote_draws_parameter_count(draws), 3);
    assert_string_equal(mote_draws_parameter(draws, 0)->name, "omega_m");
    assert_string_equal(mote_draws_parameter(draws, 0)->label, "\\Omega_m");
    assert_string_equal(mote_draws_parameter(draws, 1)->name, "h");
    assert_string_equal(mote_draws_parameter(draws, 2)->unit, "Gyr");
    assert_ptr_not_equal(mote_draws_parameter(draws, 0)->name, model[1].name);
    assert_null(mote_draws_parameter(draws, 3));
    assert_null(mote_draws_parameter(draws, -1));
    assert_int_equal(mote_draws_find(draws, "age"), 2);
    assert_int_equal(mote_draws_find(draws, "neff"), -1);
    assert_non_null(mote_draws_birth(draws));
    assert_non_null(mote_draws_chain(draws));
    assert_null(mote_draws_log_prior(draws));
    assert_true(isnan(mote_draws_log_evidence(draws)));
    mote_draws_free(draws);
    assert_int_equal(mote_draws_count(NULL), 0);
    assert_null(mote_draws_column(NULL, 0));
    assert_true(isnan(mote_draws_log_evidence_error(NULL)));
    mote_draws_free(NULL);
}

static void results_by_name(void **state)
{
    (void)state;
    mote_draws *draws = mote_draws_create(&memory, model, 4, 0, 0);
    assert_int_equal(mote_draws_add_real(draws, "log_evidence", -12.5, "nats", "log of the evidence"), MOTE_OK);
    assert_int_equal(mote_draws_add_count(draws, "births", 1234, NULL, NULL), MOTE_OK);
    assert_int_equal(mote_draws_add_warning(draws, "spike", "the maximum jumped late"), MOTE_OK);
    assert_int_equal(draws->result_count, 3);
    assert_close(mote_draws_result(draws, "log_evidence")->value, -12.5, 0, 0);
    assert_string_equal(mote_draws_result(draws, "births")->unit, "");
    assert_int_equal(mote_draws_result(draws, "spike")->kind, MOTE_RESULT_WARNING);
    assert_null(mote_draws_result(draws, "none"));
    mote_draws_free(draws);
}

static void four_equal_draws(void **state)
{
    (void)state;
    mote_draws *draws = column_of((double[]){ 4, 2, 1, 3 }, NULL, 4);
    mote_summary s = { MOTE_VERSIONED(mote_summary), .mean = 0 };
    assert_close(mote_draws_quantile(draws, 0, 0.5), 2.5, 1e-15, 0);
    assert_close(mote_draws_quantile(draws, 0, 0.25), 1.5, 1e-15, 0);
    assert_close(mote_draws_quantile(draws, 0, 0.125), 1, 1e-15, 0);
    assert_close(mote_draws_quantile(draws, 0, 0), 1, 0, 0);
    assert_close(mote_draws_quantile(draws, 0, 1), 4, 0, 0);
    assert_true(isnan(mote_draws_quantile(draws, 0, 1.1)));
    assert_true(isnan(mote_draws_quantile(draws, 1, 0.5)));
    assert_int_equal(mote_draws_summary(draws, 0, &s), MOTE_OK);
    assert_close(s.mean, 2.5, 1e-15, 0);
    assert_close(s.sd, sqrt(1.25), 1e-15, 0);
    assert_close(s.monte_carlo_error, sqrt(1.25) / 2, 1e-15, 0);
    assert_close(s.minimum, 1, 0, 0);
    assert_close(s.maximum, 4, 0, 0);
    assert_close(s.best, 3, 0, 0);
    assert_close(mote_draws_effective_sample_size(draws), 4, 1e-15, 0);
    mote_draws_free(draws);
}

static void weights_and_ties(void **state)
{
    (void)state;
    /* Joined: 1 (.3), 2 (.4), 5 (.3): mid-points .15, .5, .85. The row of weight 0 counts nowhere. */
    mote_draws *draws = column_of((double[]){ 2, 1, 2, 5, 99 }, (double[]){ 1, 3, 3, 3, 0 }, 5);
    double lower, upper;
    mote_summary s = { MOTE_VERSIONED(mote_summary), .mean = 0 };
    assert_close(mote_draws_quantile(draws, 0, 0.5), 2, 1e-15, 0);
    assert_close(mote_draws_quantile(draws, 0, 0.15 + 0.35 / 4), 1.25, 1e-14, 0);
    assert_close(mote_draws_quantile(draws, 0, 0.5 + 0.35 / 2), 3.5, 1e-14, 0);
    assert_int_equal(mote_draws_summary(draws, 0, &s), MOTE_OK);
    assert_close(s.mean, 0.3 + 0.8 + 1.5, 1e-15, 0);
    assert_close(s.maximum, 5, 0, 0);
    assert_close(s.sd * s.sd, 0.3 * 1.6 * 1.6 + 0.4 * 0.36 + 0.3 * 2.4 * 2.4, 1e-14, 0);
    assert_close(mote_draws_effective_sample_size(draws), 100.0 / 28, 1e-14, 0);
    assert_int_equal(mote_draws_shortest_interval(draws, 0, 0.5, &lower, &upper), MOTE_OK);
    assert_close(lower, 1, 0, 0); /* [Q(0), Q(.5)] = [1, 2] */
    assert_close(upper, 2, 1e-15, 0);
    mote_draws_free(draws);
}

static void shortest_interval_of_an_exponential(void **state)
{
    (void)state;
    enum { N = 20001 };
    static double x[N];
    double lower, upper;
    for (int i = 0; i < N; ++i) /* exact quantiles at the mid-points, in a scrambled order */
        x[(i * 7919LL) % N] = -log1p(-(i + 0.5) / N);
    mote_draws *draws = column_of(x, NULL, N);
    assert_int_equal(mote_draws_shortest_interval(draws, 0, 0.9, &lower, &upper), MOTE_OK);
    assert_close(lower, x[0], 0, 1e-12);
    assert_close(upper, -log(0.1), 0, 1e-3);
    assert_int_equal(mote_draws_shortest_interval(draws, 0, 0, &lower, &upper), MOTE_EINVAL);
    assert_close(mote_draws_quantile(draws, 0, 0.3), -log(0.7), 0, 1e-8);
    mote_draws_free(draws);
}

static void one_row_and_none(void **state)
{
    (void)state;
    mote_summary s = { MOTE_VERSIONED(mote_summary), .mean = 0 };
    mote_draws *draws = column_of((double[]){ 7, 8, 9 }, (double[]){ 0, 1, 0 }, 3);
    assert_int_equal(mote_draws_summary(draws, 0, &s), MOTE_OK);
    double all[] = { s.mean, s.median, s.lower_95, s.upper_95, s.shortest_lower_68, s.shortest_upper_95, s.minimum,
                     s.maximum };
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        assert_close(all[i], 8, 0, 0);
    assert_close(s.sd, 0, 0, 0);
    assert_close(s.best, 7, 0, 0);
    mote_draws_free(draws);

    draws = column_of((double[]){ 7, 8 }, (double[]){ 0, 0 }, 2);
    assert_int_equal(mote_draws_summary(draws, 0, &s), MOTE_OK);
    assert_true(isnan(s.mean) && isnan(s.median) && isnan(s.shortest_lower_68));
    assert_close(mote_draws_effective_sample_size(draws), 0, 0, 0);
    mote_draws_free(draws);

    draws = column_of(NULL, NULL, 0);
    assert_int_equal(mote_draws_summary(draws, 0, &s), MOTE_OK);
    assert_true(isnan(s.mean) && isnan(s.best) && isnan(mote_draws_covariance(draws, 0, 0)));
    mote_draws_free(draws);
}

static void nan_is_not_hidden(void **state)
{
    (void)state;
    mote_summary s = { MOTE_VERSIONED(mote_summary), .mean = 0 };
    mote_draws *draws = column_of((double[]){ 1, NAN, 3 }, NULL, 3);
    assert_int_equal(mote_draws_summary(draws, 0, &s), MOTE_OK);
    assert_true(isnan(s.mean) && isnan(s.median));
    draws->log_weight[1] = -INFINITY; /* no weight: not looked at */
    assert_int_equal(mote_draws_summary(draws, 0, &s), MOTE_OK);
    assert_close(s.median, 2, 1e-15, 0);
    s.head.kind = MOTE_KIND_mote_target;
    assert_int_equal(mote_draws_summary(draws, 0, &s), MOTE_EKIND);
    mote_draws_free(draws);
}

static void a_caller_with_an_older_header(void **state)
{
    (void)state;
    mote_draws *draws = column_of((double[]){ 1, 3 }, NULL, 2);
    mote_summary s = { MOTE_VERSIONED(mote_summary), .maximum = -5 };
    s.head.size = (uint32_t)offsetof(mote_summary, median);
    assert_int_equal(mote_draws_summary(draws, 0, &s), MOTE_OK);
    assert_close(s.mean, 2, 0, 0);
    assert_close(s.maximum, -5, 0, 0);
    assert_int_equal(s.head.size, offsetof(mote_summary, median));
    mote_draws_free(draws);
}

static void covariance_far_from_zero(void **state)
{
    (void)state;
    mote_draws *draws = mote_draws_create(&memory, model, 4, 3, 0);
    for (int i = 0; i < 3; ++i) {
        draws->log_weight[i] = log(i + 1.0) - 700; /* weights 1:2:3 at any scale */
        draws->columns[0][i] = 1e8 + i;
        draws->columns[1][i] = i == 1 ? 1 : 0;
    }
    /* means 8/6 and 2/6; E xy = 2/6 */
    assert_close(mote_draws_covariance(draws, 0, 1), 2.0 / 6 - 16.0 / 36, 1e-9, 0);
    assert_close(mote_draws_covariance(draws, 0, 0), (2 + 12) / 6.0 - 64.0 / 36, 1e-9, 0);
    assert_true(isnan(mote_draws_covariance(draws, 0, 9)));
    mote_draws_free(draws);
}

/* A row of weight w appears floor(n w) or ceil(n w) times, in order; weight 0 never. */
static void systematic_resampling(void **state)
{
    (void)state;
    enum { N = 100 };
    const double w[] = { 0, 3, 0.5, 0, 6.5, 0 };
    int64_t index[N], counts[6] = { 0 };
    mote_source *source = NULL;
    mote_draws *draws = column_of((double[]){ 1, 2, 3, 4, 5, 6 }, w, 6);
    assert_status(mote_source_open_live(&source, 1, 0), MOTE_OK);
    for (int round = 0; round < 20; ++round) {
        assert_status(mote_draws_resample(draws, source, N, index), MOTE_OK);
        memset(counts, 0, sizeof counts);
        for (int i = 0; i < N; ++i) {
            assert_true(i == 0 || index[i] >= index[i - 1]);
            ++counts[index[i]];
        }
        for (int i = 0; i < 6; ++i)
            assert_true(fabs((double)counts[i] - N * w[i] / 10) < 1);
    }
    assert_status(mote_draws_resample(draws, source, 0, NULL), MOTE_OK);
    assert_status(mote_draws_resample(draws, source, -1, index), MOTE_EINVAL);
    assert_status(mote_draws_resample(NULL, source, 1, index), MOTE_EINVAL);
    for (int i = 0; i < 6; ++i)
        draws->log_weight[i] = -INFINITY;
    assert_status(mote_draws_resample(draws, source, 1, index), MOTE_EINVAL);
    mote_source_close(&source);
    mote_draws_free(draws);
}

static void log_arithmetic(void **state)
{
    (void)state;
    assert_close(mote_log_add(log(2.0), log(3.0)), log(5.0), 1e-15, 0);
    assert_close(mote_log_add(-INFINITY, -3), -3, 0, 0);
    assert_close(mote_log_add(-INFINITY, -INFINITY), -INFINITY, 0, 0);
    assert_close(mote_log_add(1000, 1000), 1000 + log(2.0), 1e-15, 0);
    assert_true(isnan(mote_log_add(NAN, 1)));
    assert_close(mote_log_subtract(log(5.0), log(3.0)), log(2.0), 1e-15, 0);
    assert_close(mote_log_subtract(0, -2e-16), log(2e-16), 1e-13, 0);
    assert_close(mote_log_subtract(2, 2), -INFINITY, 0, 0);
    assert_close(mote_log_subtract(2, -INFINITY), 2, 0, 0);
    assert_true(isnan(mote_log_subtract(1, 2)));
    assert_close(mote_log_sum((double[]){ -1e4, -1e4 + log(2.0), -INFINITY }, 3), -1e4 + log(3.0), 1e-15, 0);
    assert_close(mote_log_sum(NULL, 0), -INFINITY, 0, 0);
}

/* An allocator that fails at the n-th request and counts what is not given back. */
static int64_t allowed, held;

static void *failing_allocate(void *ctx, size_t size)
{
    (void)ctx;
    void *block = allowed-- > 0 ? malloc(size) : NULL;
    held += block != NULL;
    return block;
}

static void *failing_resize(void *ctx, void *block, size_t size)
{
    (void)ctx;
    void *fresh = allowed-- > 0 ? realloc(block, size) : NULL;
    held += fresh && !block;
    return fresh;
}

static void failing_release(void *ctx, void *block)
{
    (void)ctx;
    held -= block != NULL;
    free(block);
}

static void bayes_factor(void **state)
{
    (void)state;
    mote_evidence_estimate a = { MOTE_VERSIONED(mote_evidence_estimate), -36.5, 0.3, "counts 7f" },
                  b = { MOTE_VERSIONED(mote_evidence_estimate), -41.0, 0.4, "counts 7f" };
    double factor, error;
    assert_int_equal(mote_log_bayes_factor(&a, &b, 0, &factor, &error), MOTE_OK);
    assert_close(factor, 4.5, 1e-15, 0);
    assert_close(error, 0.5, 1e-15, 0);
    assert_int_equal(mote_log_bayes_factor(&b, &a, 0, &factor, NULL), MOTE_OK);
    assert_close(factor, -4.5, 1e-15, 0);
    const char *const others[] = { "counts 7e", "", NULL };
    for (int i = 0; i < 3; ++i) {
        b.identity = others[i];
        assert_int_equal(mote_log_bayes_factor(&a, &b, 0, &factor, &error), MOTE_EIDENTITY);
        assert_true(isnan(factor) && isnan(error));
        assert_int_equal(mote_log_bayes_factor(&b, &a, 0, &factor, &error), MOTE_EIDENTITY);
        assert_int_equal(mote_log_bayes_factor(&a, &b, 1, &factor, &error), MOTE_OK);
        assert_close(factor, 4.5, 1e-15, 0);
    }
    a.identity = NULL; /* two that are unknown are not the same */
    assert_int_equal(mote_log_bayes_factor(&a, &b, 0, &factor, &error), MOTE_EIDENTITY);
}

static void bayes_factor_of_odd_evidences(void **state)
{
    (void)state;
    mote_evidence_estimate a = { MOTE_VERSIONED(mote_evidence_estimate), -36.5, NAN, "x" },
                  b = { MOTE_VERSIONED(mote_evidence_estimate), -INFINITY, 0, "x" };
    double factor, error;
    assert_int_equal(mote_log_bayes_factor(&a, &b, 0, &factor, &error), MOTE_OK); /* b is excluded */
    assert_true(factor == INFINITY && isnan(error));
    a.log_evidence = -INFINITY;
    assert_int_equal(mote_log_bayes_factor(&a, &b, 0, &factor, &error), MOTE_EINVAL);
    a.log_evidence = NAN;
    assert_int_equal(mote_log_bayes_factor(&a, &b, 1, &factor, &error), MOTE_EINVAL);
    assert_true(isnan(factor) && isnan(error));
    assert_int_equal(mote_log_bayes_factor(&a, NULL, 0, &factor, &error), MOTE_EINVAL);
    assert_int_equal(mote_log_bayes_factor(&a, &b, 0, NULL, NULL), MOTE_EINVAL);
    a.head.kind = MOTE_KIND_mote_summary;
    assert_int_equal(mote_log_bayes_factor(&a, &b, 0, &factor, &error), MOTE_EKIND);
    a.head.kind = MOTE_KIND_mote_evidence_estimate;
    a.log_evidence = -1;
    a.head.size = (uint32_t)offsetof(mote_evidence_estimate, identity); /* an older header would have no identity */
    assert_int_equal(mote_log_bayes_factor(&a, &b, 0, &factor, &error), MOTE_EIDENTITY);
}

static void every_failed_allocation(void **state)
{
    (void)state;
    mote_allocator allocator = { MOTE_VERSIONED(mote_allocator), failing_allocate, failing_resize, failing_release,
                                 NULL };
    mote_memory failing;
    assert_int_equal(mote_memory_open(&failing, &allocator), MOTE_OK);
    int made = 0, tries = 0;
    for (int64_t limit = 0; !made && limit < 100; ++limit, ++tries) {
        allowed = limit;
        mote_summary s = { MOTE_VERSIONED(mote_summary), .mean = 0 };
        mote_draws *draws = mote_draws_create(&failing, model, 4, 3, MOTE_DRAWS_NESTED | MOTE_DRAWS_PRIOR);
        made = draws && mote_draws_add_real(draws, "a", 1, "b", "c") == MOTE_OK &&
               mote_draws_summary(draws, 0, &s) == MOTE_OK;
        mote_draws_free(draws);
        assert_int_equal(held, 0);
    }
    assert_true(made && tries > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_without_fixed_ones),
        cmocka_unit_test(results_by_name),
        cmocka_unit_test(four_equal_draws),
        cmocka_unit_test(weights_and_ties),
        cmocka_unit_test(shortest_interval_of_an_exponential),
        cmocka_unit_test(one_row_and_none),
        cmocka_unit_test(nan_is_not_hidden),
        cmocka_unit_test(a_caller_with_an_older_header),
        cmocka_unit_test(covariance_far_from_zero),
        cmocka_unit_test(systematic_resampling),
        cmocka_unit_test(log_arithmetic),
        cmocka_unit_test(bayes_factor),
        cmocka_unit_test(bayes_factor_of_odd_evidences),
        cmocka_unit_test(every_failed_allocation),
    };
    mote_memory_open(&memory, NULL);
    return run_unit_tests(tests);
}
