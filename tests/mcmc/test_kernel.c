/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernels: the acceptance probability of each is that of Metropolis and Hastings to 1e-12, by densities written here
 * once more; the bytes do not depend on the executor or on a stop; what tuning finds; refusals. The laws that kernels
 * leave alone: test_kernel_law.c. */
#include "tests/mcmc/kernel_targets.h"

/* ---- the acceptance probability -------------------------------------------------------------------------------- */

/* log density of the bounded target in y = (logit(x / 2), log y), by hand. */
static double bounded_log_density(double b, const double *y, double *slope)
{
    const double s = 1 / (1 + exp(-y[0])), x = 2 * s, v = exp(y[1]);
    if (slope) {
        slope[0] = (b * (BETA_A / x - BETA_B / (2 - x))) * 2 * s * (1 - s) + 1 - 2 * s;
        slope[1] = (b * (GAMMA_C / v - 1) - 1) * v + 1;
    }
    return b * (BETA_A * log(x) + BETA_B * log(2 - x) + GAMMA_C * log(v) - v) - log(2) - v + log(2 * s * (1 - s))
           + y[1];
}

/* log q(to | from) of MALA and of the independence kernel, up to constants; 0 for the random walk. */
static double naive_log_proposal(const mote_kernel *kernel, double b, const double *from, const double *to)
{
    const double e = 1.65 * pow(2, -1.0 / 6), *l = kernel->lower;
    double r[2], slope[2];
    if (!strcmp(kernel->method->name, "random_walk"))
        return 0;
    if (!strcmp(kernel->method->name, "independence")) {
        r[0] = (to[0] - kernel->mean[0]) / l[0];
        r[1] = (to[1] - kernel->mean[1] - l[2] * r[0]) / l[3];
        return -0.5 * (5 + 2) * log(1 + (r[0] * r[0] + r[1] * r[1]) / 5);
    }
    bounded_log_density(b, from, slope);
    double h[2] = { l[0] * slope[0] + l[2] * slope[1], l[3] * slope[1] }, length = hypot(h[0], h[1]);
    const double cut = length > 5 * sqrt(2) ? 5 * sqrt(2) / length : 1;
    const double drift[2] = { 0.5 * e * e * cut * (l[0] * h[0]), 0.5 * e * e * cut * (l[2] * h[0] + l[3] * h[1]) };
    r[0] = (to[0] - from[0] - drift[0]) / (e * l[0]);
    r[1] = ((to[1] - from[1] - drift[1]) / e - l[2] * r[0]) / l[3];
    return -0.5 * (r[0] * r[0] + r[1] * r[1]);
}

static void acceptance_is_metropolis_hastings(void **state)
{
    (void)state;
    for (int64_t m = 0; mote_kernel_at(m); ++m) {
        harness h;
        const double b = 0.7, points[] = { 0, 0, 1, 0.5, -1, 1, 0.5, -1.5, -0.2, 0.3 };
        int64_t below_one = 0;
        assert_status(harness_open(&h, &bounded_target, mote_kernel_name(mote_kernel_at(m)), 1, 1,
                                   mote_executor_serial, NULL), MOTE_OK);
        mote_kernel_tune(h.kernel, points, NULL, 5);
        mote_kernel_set_inverse_temperature(h.kernel, b);
        for (int64_t i = 0; i < 1000; ++i) {
            mote_kernel_chain *chain = mote_kernel_chain_at(h.kernel, 0);
            double from[2];
            mote_source at = mote_source_at(&h.source, MOTE_PURPOSE_USER, 0, 0);
            mote_stream stream = mote_stream_open(&at, i);
            const double theta[2] = { 2 * mote_stream_uniform(&stream), -2 * log(mote_stream_uniform(&stream)) };
            harness_place(&h, 0, theta);
            memcpy(from, chain->current.y, sizeof from);
            assert_close(mote_kernel_log_density(h.kernel, &chain->current), bounded_log_density(b, from, NULL), 1e-12,
                         1e-12);
            mote_kernel_begin(h.kernel, 0, &h.source, (uint32_t)i, 0, 1, -1);
            double row[2], gradient[2], value, to[2];
            assert_status(mote_kernel_table->want(chain, row), MOTE_OK);
            memcpy(to, chain->proposal.y, sizeof to);
            mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = 2, .stride = 2, .theta = row,
                                 .log_likelihood = &value, .gradient = gradient };
            bounded_likelihood(NULL, &batch);
            assert_status(mote_kernel_table->take(chain, &(mote_row_value){ value, NULL, gradient, 0, 17 }), MOTE_DONE);
            const double terms[4] = { bounded_log_density(b, to, NULL), -bounded_log_density(b, from, NULL),
                                      naive_log_proposal(h.kernel, b, to, from),
                                      -naive_log_proposal(h.kernel, b, from, to) };
            const double ratio = terms[0] + terms[1] + terms[2] + terms[3];
            const double size = 1 + fabs(terms[0]) + fabs(terms[1]) + fabs(terms[2]) + fabs(terms[3]);
            assert_close(chain->acceptance, ratio < 0 ? exp(ratio) : 1, 1e-12 * size, 1e-300);
            below_one += ratio < 0;
            assert_int_equal(chain->current.id, chain->accepted ? 17 : -1);
        }
        assert_true(below_one > 200);
        harness_close(&h);
    }
}

/* ---- bytes ----------------------------------------------------------------------------------------------------- */

enum { FEW = 7, STEPS = 12 };

static void start_few(harness *h, const char *method, const mote_executor_type *type)
{
    assert_status(harness_open(h, &bounded_target, method, 2, FEW, type, NULL), MOTE_OK);
    for (int64_t i = 0; i < FEW; ++i)
        harness_place(h, i, (const double[2]){ 0.2 + 0.2 * (double)i, 0.5 + 0.3 * (double)(i % 3) });
    harness_tune(h);
}

static void put_few(const harness *h, double out[FEW][4])
{
    for (int64_t i = 0; i < FEW; ++i) {
        const mote_kernel_point point = mote_kernel_current(h->kernel, i);
        out[i][0] = point.theta[0], out[i][1] = point.theta[1], out[i][2] = point.log_likelihood;
        out[i][3] = (double)point.id;
    }
}

/* Tells the newest pending row first, and stops when `rows` have been told. */
static int tell_backwards(harness *h, int64_t *rows)
{
    int status;
    while ((status = mote_crew_advance(&h->crew)) == MOTE_WAITING || status == MOTE_CREW_PAUSED) {
        mote_pending pending = { .head = MOTE_VERSIONED(mote_pending) };
        double value, gradient[2];
        mote_external_pending(&h->executor, &pending);
        if (!pending.n)
            continue;
        if (--*rows < 0)
            return MOTE_WAITING;
        assert_int_equal(pending.gradient, h->function.gradient);
        mote_batch batch = { MOTE_VERSIONED(mote_batch), .n = 1, .dimension = 2, .stride = 2,
                             .theta = pending.theta + 2 * (pending.n - 1), .log_likelihood = &value,
                             .gradient = gradient };
        bounded_likelihood(NULL, &batch);
        mote_row_value told = { value, NULL, gradient, 0, pending.id[pending.n - 1] };
        assert_status(mote_external_tell(&h->executor, &told), MOTE_OK);
    }
    return status;
}

static void the_executor_and_a_stop_do_not_show(void **state)
{
    (void)state;
    for (int64_t m = 0; mote_kernel_at(m); ++m) {
        const char *method = mote_kernel_name(mote_kernel_at(m));
        double serial[FEW][4], other[FEW][4];
        harness h, again;
        start_few(&h, method, mote_executor_serial);
        harness_run(&h, 1, STEPS);
        put_few(&h, serial);
        harness_close(&h);
        start_few(&h, method, mote_executor_threads);
        harness_run(&h, 1, STEPS);
        put_few(&h, other);
        harness_close(&h);
        assert_same_bytes(serial, other, sizeof serial);

        mote_writer writer;
        mote_reader reader;
        int64_t rows = 40, all = INT64_MAX;
        start_few(&h, method, mote_executor_external);
        harness_begin(&h, 1, STEPS);
        assert_status(tell_backwards(&h, &rows), MOTE_WAITING);
        mote_writer_open(&writer, &h.memory);
        mote_kernel_save(h.kernel, FEW, &writer);
        mote_crew_save(&h.crew, &writer);
        assert_status(writer.status, MOTE_OK);
        assert_status(harness_open(&again, &bounded_target, method, 2, FEW, mote_executor_external, NULL), MOTE_OK);
        mote_reader_open(&reader, writer.bytes, writer.length);
        size_t size;
        void *chains = mote_kernel_chains(again.kernel, &size);
        mote_kernel_load(again.kernel, FEW, &reader);
        assert_status(mote_crew_load(&again.crew, mote_kernel_table, chains, size, &reader), MOTE_OK);
        assert_status(tell_backwards(&again, &all), MOTE_OK);
        put_few(&again, other);
        assert_same_bytes(serial, other, sizeof serial);
        mote_writer_close(&writer);
        harness_close(&again);
        harness_close(&h);
    }
}

/* ---- tuning ---------------------------------------------------------------------------------------------------- */

static void weights_count_in_the_fit(void **state)
{
    (void)state;
    harness h;
    const double y[] = { 0, 0, 2, 4, 7, 7 }, weight[] = { 3, 1, 0 };
    assert_status(harness_open(&h, &bounded_target, "random_walk", 1, 1, mote_executor_serial, NULL), MOTE_OK);
    mote_kernel_tune(h.kernel, y, weight, 3);
    const double shrink = 3 / (3 + 16.0 / 10);
    assert_close(h.kernel->mean[0], 0.5, 1e-15, 0);
    assert_close(h.kernel->mean[1], 1, 1e-15, 0);
    assert_close(h.kernel->covariance[0], 0.75, 1e-15, 0);
    assert_close(h.kernel->covariance[1], 1.5 * (1 - shrink), 1e-15, 0);
    assert_close(h.kernel->covariance[3], 3, 1e-15, 0);
    mote_kernel_tune(h.kernel, y, (const double[3]){ 0, 0, 0 }, 3); /* nothing to go by */
    assert_close(h.kernel->mean[0], 0.5, 1e-15, 0);
    mote_kernel_tune(h.kernel, y, (const double[3]){ 0, 0, 1 }, 3); /* a single point has no spread */
    assert_true(h.kernel->covariance[0] > 0 && h.kernel->lower[0] > 0);
    harness_close(&h);
}

/* Two far modes: one Student law gets few proposals accepted, two get most. */
static void parts_find_modes(void **state)
{
    (void)state;
    double share[2];
    for (int64_t parts = 1; parts <= 2; ++parts) {
        harness h;
        double y[400];
        assert_status(harness_open(&h, &bounded_target, "independence", parts, 1, mote_executor_serial, NULL), MOTE_OK);
        mote_source at = mote_source_at(&h.source, MOTE_PURPOSE_USER, 5, 0);
        mote_stream stream = mote_stream_open(&at, 0);
        mote_stream_normals(&stream, y, 400);
        for (int i = 0; i < 200; ++i)
            y[2 * i] += i % 4 ? 10 : -10;
        mote_kernel_tune(h.kernel, y, NULL, 200);
        share[parts - 1] = h.kernel->extra[0];
        if (parts == 2) {
            const double *second = h.kernel->extra + 2 + 2 + 4;
            assert_close(h.kernel->extra[0], 0.25, 0, 1e-6);
            assert_close(h.kernel->extra[2], -10, 0, 0.5);
            assert_close(second[0], 0.75, 0, 1e-6);
            assert_close(second[2], 10, 0, 0.5);
            assert_close(second[4], 1, 0, 0.4); /* lower: the variance of the part, plus a thousandth of the whole */
        }
        harness_close(&h);
    }
    assert_close(share[0], 1, 0, 0);
}

/* Adaptive Metropolis from a useless covariance: acceptance and covariance come right. */
static void adaptation_finds_the_covariance(void **state)
{
    (void)state;
    const int64_t n = 20, d = 3;
    double mean[3], lower[9], y[60];
    harness h;
    assert_status(harness_open(&h, &normal_target, "random_walk", 1, n, mote_executor_serial, NULL), MOTE_OK);
    for (int64_t i = 0; i < n; ++i)
        harness_place(&h, i, (const double[3]){ 0.1 * (double)i, 0, 1 });
    for (uint32_t k = 1; k <= 1500; ++k) {
        harness_run(&h, k, 1);
        for (int64_t i = 0; i < n; ++i)
            memcpy(y + i * d, mote_kernel_current(h.kernel, i).y, (size_t)d * sizeof *y);
        const double gain = pow((double)k + 1, -0.6);
        mote_kernel_adapt(h.kernel, mote_kernel_statistics_of(h.kernel, 0, n).acceptance, gain);
        mote_kernel_learn(h.kernel, y, n, gain);
    }
    normal_posterior(1, mean, lower);
    harness_run(&h, 5000, 300);
    assert_close(mote_kernel_statistics_of(h.kernel, 0, n).acceptance, 0.234 + 0.2 / 3, 0, 0.05);
    for (int j = 0; j < 3; ++j)
        for (int k = 0; k < 3; ++k)
            assert_close(h.kernel->covariance[3 * j + k], mote_dot(lower + 3 * j, lower + 3 * k, 3), 0.25, 0.1);
    harness_close(&h);
}

/* ---- refusals -------------------------------------------------------------------------------------------------- */

static int map_conditional(void *ctx, const double *cube, double *theta)
{
    (void)ctx;
    theta[1] = theta[0] * cube[1];
    return 0;
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    harness h;
    mote_target target = bounded_target;
    target.flags = 0;
    assert_status(harness_open(&h, &target, "mala", 1, 1, mote_executor_serial, NULL), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(h.message.text, "mala"));
    assert_non_null(strstr(h.message.text, "MOTE_HAS_GRADIENT"));
    assert_non_null(strstr(h.message.text, "bounded"));
    harness_close(&h);
    const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 2), MOTE_CONDITIONAL("below") };
    const mote_target conditional = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                                      .log_likelihood = bounded_likelihood, .prior_transform = map_conditional };
    assert_status(harness_open(&h, &conditional, "random_walk", 1, 1, mote_executor_serial, NULL), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(h.message.text, "'below'"));
    harness_close(&h);
    assert_null(mote_kernel_find("hamiltonian"));
}

/* A row told without its gradient is refused, and stays pending. */
static void a_gradient_cannot_be_left_out(void **state)
{
    (void)state;
    harness h;
    mote_pending pending = { .head = MOTE_VERSIONED(mote_pending) };
    start_few(&h, "mala", mote_executor_external);
    harness_begin(&h, 1, 1);
    assert_status(mote_crew_advance(&h.crew), MOTE_WAITING);
    mote_external_pending(&h.executor, &pending);
    const int64_t n = pending.n;
    assert_status(mote_external_tell(&h.executor, &(mote_row_value){ .log_likelihood = 1, .id = pending.id[0] }),
                  MOTE_EINVAL);
    assert_non_null(strstr(h.message.text, "gradient"));
    mote_external_pending(&h.executor, &pending);
    assert_int_equal(pending.n, n);
    assert_status(mote_external_tell(&h.executor, &(mote_row_value){ .log_likelihood = NAN, .id = pending.id[0] }),
                  MOTE_OK); /* a failed row has none */
    harness_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acceptance_is_metropolis_hastings),
        cmocka_unit_test(the_executor_and_a_stop_do_not_show),
        cmocka_unit_test(weights_count_in_the_fit),
        cmocka_unit_test(parts_find_modes),
        cmocka_unit_test(adaptation_finds_the_covariance),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_gradient_cannot_be_left_out),
    };
    return run_unit_tests(tests);
}
