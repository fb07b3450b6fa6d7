/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels leave known laws alone: Kolmogorov-Smirnov on every parameter, false alarms below 1e-6 each; with an
 * estimated likelihood, too, where a chain keeps the estimate of its point. Acceptance probabilities, bytes, tuning,
 * refusals: test_kernel.c. */
#include "core/special.h"
#include "tests/mcmc/kernel_targets.h"

/* Dirichlet(1/2, 2, 3) and counts (4, 1, 2): at temperature 1/2, Dirichlet(5/2, 5/2, 4). */
static const double COUNTS[3] = { 4, 1, 2 };

static int dirichlet_likelihood(void *ctx, const mote_batch *batch)
{
    (void)ctx;
    for (int64_t i = 0; i < batch->n; ++i) {
        batch->log_likelihood[i] = 0;
        for (int j = 0; j < 3; ++j) {
            const double x = batch->theta[i * batch->stride + j];
            batch->log_likelihood[i] += COUNTS[j] * log(x);
            if (batch->gradient)
                batch->gradient[i * batch->stride + j] = COUNTS[j] / x;
        }
    }
    return 0;
}

static const mote_parameter dirichlet_parameters[] = { MOTE_DIRICHLET("p", 0.5), MOTE_DIRICHLET("q", 2),
                                                       MOTE_DIRICHLET("r", 3) };
static const mote_target dirichlet_target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(dirichlet_parameters),
                                              .log_likelihood = dirichlet_likelihood,
                                              .flags = MOTE_HAS_GRADIENT | MOTE_THREADSAFE, .name = "dirichlet" };
static const mote_parameter dirichlet_posterior[] = { MOTE_DIRICHLET("p", 2.5), MOTE_DIRICHLET("q", 2.5),
                                                      MOTE_DIRICHLET("r", 4) };
static const mote_target dirichlet_exact = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(dirichlet_posterior),
                                             .log_likelihood = dirichlet_likelihood };

/* ---- invariance ------------------------------------------------------------------------------------------------ */

enum { CHAINS = 4000 };

static double column_ks(const harness *h, int64_t j, double (*cdf)(double x, const void *ctx), const void *ctx)
{
    double *u = malloc((size_t)h->n * sizeof *u);
    for (int64_t i = 0; i < h->n; ++i)
        u[i] = cdf(mote_kernel_current(h->kernel, i).theta[j], ctx);
    const double distance = ks_distance(u, h->n);
    free(u);
    return distance;
}

static double normal_cdf(double x, const void *ctx)
{
    const double *law = ctx;
    return mote_normal_cdf((x - law[0]) / law[1], NULL);
}

static double beta_cdf(double x, const void *ctx)
{
    const double *law = ctx;
    return mote_beta_cdf(x / law[2], law[0], law[1], NULL);
}

static double gamma_cdf(double x, const void *ctx)
{
    const double *law = ctx;
    double complement;
    return mote_gamma_cdf(x / law[1], law[0], &complement);
}

static void normal_law_stays(const char *method)
{
    const double b = 0.6;
    double mean[3], lower[9], mixed = 0;
    harness h;
    assert_status(harness_open(&h, &normal_target, method, 1, CHAINS, mote_executor_serial, NULL), MOTE_OK);
    mote_kernel_set_inverse_temperature(h.kernel, b);
    normal_posterior(b, mean, lower);
    for (int64_t i = 0; i < CHAINS; ++i) {
        mote_source at = mote_source_at(&h.source, MOTE_PURPOSE_USER, 1, 0);
        mote_stream stream = mote_stream_open(&at, i);
        double z[3], theta[3];
        mote_stream_normals(&stream, z, 3);
        mote_lower_multiply(theta, lower, z, 3);
        for (int j = 0; j < 3; ++j)
            theta[j] += mean[j];
        harness_place(&h, i, theta);
    }
    harness_tune(&h);
    harness_run(&h, 1, 20);
    for (int j = 0; j < 3; ++j) {
        const double law[2] = { mean[j], sqrt(mote_dot(lower + 3 * j, lower + 3 * j, 3)) };
        assert_true(column_ks(&h, j, normal_cdf, law) < KS_LIMIT);
    }
    for (int64_t i = 0; i < CHAINS; ++i)
        mixed += mote_kernel_current(h.kernel, i).theta[0] * mote_kernel_current(h.kernel, i).theta[1] / CHAINS;
    /* 5 standard errors: a false alarm in 2e6 */
    const double cov = mote_dot(lower, lower + 3, 3), v0 = lower[0] * lower[0], v1 = mote_dot(lower + 3, lower + 3, 3);
    const double sd = sqrt(v0 * v1 + cov * cov + mean[0] * mean[0] * v1 + mean[1] * mean[1] * v0
                           + 2 * mean[0] * mean[1] * cov);
    assert_close(mixed, cov + mean[0] * mean[1], 0, 5 * sd / sqrt(CHAINS));
    const mote_kernel_statistics statistics = mote_kernel_statistics_of(h.kernel, 0, CHAINS);
    assert_int_equal(statistics.transitions, 20 * CHAINS);
    assert_close((double)statistics.accepted / (double)statistics.transitions, statistics.acceptance, 0, 0.01);
    assert_true(statistics.acceptance > 0.2 && statistics.squared_jump > 0.3);
    harness_close(&h);
}

static void bounded_law_stays(const char *method, int64_t components)
{
    const double beta[3] = { BETA_A + 1, BETA_B + 1, 2 }, gamma[2] = { GAMMA_C + 1, 0.5 };
    harness h;
    assert_status(harness_open(&h, &bounded_target, method, components, CHAINS, mote_executor_serial, NULL), MOTE_OK);
    for (int64_t i = 0; i < CHAINS; ++i) {
        mote_source at = mote_source_at(&h.source, MOTE_PURPOSE_USER, 2, 0);
        mote_stream stream = mote_stream_open(&at, i);
        const double u = mote_stream_uniform(&stream), v = mote_stream_uniform(&stream);
        const double theta[2] = { 2 * mote_beta_quantile(u, 1 - u, beta[0], beta[1], NULL),
                                  gamma[1] * mote_gamma_quantile(v, 1 - v, gamma[0]) };
        harness_place(&h, i, theta);
    }
    harness_tune(&h);
    harness_run(&h, 1, 20);
    assert_true(column_ks(&h, 0, beta_cdf, beta) < KS_LIMIT);
    assert_true(column_ks(&h, 1, gamma_cdf, gamma) < KS_LIMIT);
    assert_true(mote_kernel_statistics_of(h.kernel, 0, CHAINS).acceptance > 0.2);
    harness_close(&h);
}

static void dirichlet_law_stays(const char *method)
{
    harness h;
    mote_space exact;
    assert_status(harness_open(&h, &dirichlet_target, method, 1, CHAINS, mote_executor_serial, NULL), MOTE_OK);
    assert_status(mote_space_open(&exact, &dirichlet_exact, &h.memory, &h.message), MOTE_OK);
    mote_kernel_set_inverse_temperature(h.kernel, 0.5);
    for (int64_t i = 0; i < CHAINS; ++i) {
        mote_source at = mote_source_at(&h.source, MOTE_PURPOSE_USER, 3, 0);
        mote_stream stream = mote_stream_open(&at, i);
        double cube[2] = { mote_stream_uniform(&stream), mote_stream_uniform(&stream) }, theta[3];
        mote_space_transform(&exact, cube, theta);
        harness_place(&h, i, theta);
    }
    harness_tune(&h);
    harness_run(&h, 1, 20);
    const double laws[3][3] = { { 2.5, 6.5, 1 }, { 2.5, 6.5, 1 }, { 4, 5, 1 } };
    for (int j = 0; j < 3; ++j)
        assert_true(column_ks(&h, j, beta_cdf, laws[j]) < KS_LIMIT);
    mote_space_close(&exact);
    harness_close(&h);
}

static void random_walk_keeps_laws(void **state)
{
    (void)state;
    normal_law_stays("random_walk");
    bounded_law_stays("random_walk", 1);
    dirichlet_law_stays("random_walk");
}

static void independence_keeps_laws(void **state)
{
    (void)state;
    normal_law_stays("independence");
    bounded_law_stays("independence", 3);
    dirichlet_law_stays("independence");
}

static void mala_keeps_laws(void **state)
{
    (void)state;
    normal_law_stays("mala");
    bounded_law_stays("mala", 1);
    dirichlet_law_stays("mala");
}

/* ---- estimated likelihoods ------------------------------------------------------------------------------------- */

/* exp(noise) has mean 1 for noise ~ N(-v/2, v): a function of the row's id alone. */
static const double NOISE = 0.8;

static double noise_of(int64_t id)
{
    mote_source source = mote_source_live(mote_source_key(99, 0));
    mote_stream stream = mote_stream_open(&source, id & 0x7fffffff);
    return NOISE * mote_stream_normal(&stream) - 0.5 * NOISE * NOISE;
}

static int noisy_likelihood(void *ctx, const mote_batch *batch)
{
    normal_likelihood(ctx, batch);
    for (int64_t i = 0; i < batch->n; ++i)
        batch->log_likelihood[i] += noise_of(batch->id[i]);
    return 0;
}

/* In the extended law the noise of the current point is N(+v/2, v), independent of theta: started there, both stay. */
static void estimates_are_kept(void **state)
{
    (void)state;
    mote_row_function noisy = { .evaluate = noisy_likelihood };
    double mean[3], lower[9], *u = malloc(CHAINS * sizeof *u);
    harness h;
    assert_status(harness_open(&h, &normal_target, "random_walk", 1, CHAINS, mote_executor_serial, &noisy), MOTE_OK);
    normal_posterior(1, mean, lower);
    for (int64_t i = 0; i < CHAINS; ++i) {
        mote_source at = mote_source_at(&h.source, MOTE_PURPOSE_USER, 4, 0);
        mote_stream stream = mote_stream_open(&at, i);
        double z[3], theta[3], exact;
        mote_stream_normals(&stream, z, 3);
        mote_lower_multiply(theta, lower, z, 3);
        for (int j = 0; j < 3; ++j)
            theta[j] += mean[j];
        harness_place(&h, i, theta);
        mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = 3, .stride = 3, .theta = theta,
                             .log_likelihood = &exact };
        normal_likelihood(NULL, &batch);
        mote_kernel_chain_at(h.kernel, i)->current.log_likelihood = exact + NOISE * mote_stream_normal(&stream)
                                                                    + 0.5 * NOISE * NOISE;
    }
    harness_tune(&h);
    harness_run(&h, 1, 25);
    int64_t moved = 0;
    for (int64_t i = 0; i < CHAINS; ++i) {
        const mote_kernel_point point = mote_kernel_current(h.kernel, i);
        double exact;
        mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = 3, .stride = 3, .theta = point.theta,
                             .log_likelihood = &exact };
        normal_likelihood(NULL, &batch);
        u[i] = mote_normal_cdf((point.log_likelihood - exact) / NOISE - 0.5 * NOISE, NULL);
        if (point.id < 0)
            continue;
        ++moved; /* the id names the row whose value the chain holds */
        assert_true(point.log_likelihood == exact + noise_of(point.id));
        assert_int_equal(point.id >> 24, CHAINS + i);
    }
    assert_true(moved > CHAINS * 9 / 10);
    assert_true(ks_distance(u, CHAINS) < KS_LIMIT);
    const double law[2] = { mean[0], lower[0] };
    assert_true(column_ks(&h, 0, normal_cdf, law) < KS_LIMIT);
    free(u);
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_walk_keeps_laws),
        cmocka_unit_test(independence_keeps_laws),
        cmocka_unit_test(mala_keeps_laws),
        cmocka_unit_test(estimates_are_kept),
    };
    return run_unit_tests(tests);
}
