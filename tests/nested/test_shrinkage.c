/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shrinkage test (Buchner 2014, arXiv:1407.5459): on problems whose volume X(L) is known, each death shrinks the
 * volume by t with t^n uniform, n points alive. Hyper-pyramid log L = -(max |x - 1/2|)^(1/100), X = (2r)^D, and
 * spherical Gaussians, X = V_D r^D below the cube's faces. Kolmogorov-Smirnov for the shape, and the mean of log t for
 * the compression: each fails a right sampler with probability 1e-4, 36 numbers, so 0.4 % for the program with fresh
 * seeds; seeds are fixed. A sampler that loses 4 % of every contour fails the mean at D = 2 with 12000 deaths. */
#include <mote/status.h>

#include "tests/nested/reference.h"
#include "tests/support/test.h"

enum { MOST = 20000, POINTS = 200 };

typedef struct ladder {
    int64_t d, n;
    int64_t pyramid;
    double last;         /* log X of the death before */
    double u[MOST];
} ladder;

static int pyramid(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    const ladder *l = ctx;
    (void)derived;
    double r = 0;
    for (int64_t j = 0; j < l->d; ++j)
        r = fmax(r, fabs(x[j] - 0.5));
    *log_likelihood = -pow(r, 0.01);
    return 0;
}

static int radial(void *ctx, const double *x, double *log_likelihood, double *derived)
{
    const ladder *l = ctx;
    (void)derived;
    double r2 = 0;
    for (int64_t j = 0; j < l->d; ++j)
        r2 += (x[j] - 0.5) * (x[j] - 0.5);
    *log_likelihood = -0.5 * r2;
    return 0;
}

/* log X of a contour; NaN where the sphere meets the faces. */
static double log_volume(const ladder *l, double log_likelihood)
{
    double d = (double)l->d;
    if (l->pyramid)
        return d * log(2 * pow(-log_likelihood, 100));
    double r = sqrt(-2 * log_likelihood);
    return r > 0.5 ? NAN : 0.5 * d * log(3.14159265358979324) - lgamma(0.5 * d + 1) + d * log(r);
}

static void record(void *ctx, double log_likelihood, double n)
{
    ladder *l = ctx;
    double x = log_volume(l, log_likelihood);
    if (!isnan(l->last) && l->n < MOST)
        l->u[l->n++] = exp(n * (x - l->last));
    l->last = x;
}

static ladder rungs;

static void climb(int64_t d, int64_t is_pyramid, int64_t step, int64_t deaths)
{
    static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
    mote_parameter parameters[10];
    for (int64_t j = 0; j < d; ++j)
        parameters[j] = (mote_parameter){ .name = names[j], .argument = { 0, 1 }, .prior = MOTE_PRIOR_UNIFORM };
    rungs = (ladder){ .d = d, .pyramid = is_pyramid, .last = is_pyramid ? 0 : NAN };
    mote_target target = { MOTE_VERSIONED(mote_target), .parameters = parameters, .parameter_count = d,
                           .parameter_size = sizeof(mote_parameter),
                           .log_likelihood_point = is_pyramid ? pyramid : radial, .ctx = &rungs };
    mote_nested_options options = reference_options(POINTS);
    options.step = step;
    options.steps = step == MOTE_STEP_WALK ? 20 + 2 * d : 0;
    options.max_iterations = deaths;
    options.precision = 0; /* a limit on deaths ends the run: the evidence does not matter here */
    reference r;
    assert_status(reference_open(&r, &target, &options, 77), MOTE_OK);
    r.death = record;
    r.ctx = &rungs;
    assert_status(reference_run(&r), MOTE_OK);
    reference_close(&r);
    double mean = reference_mean_log(rungs.u, rungs.n), shape = reference_uniform(rungs.u, rungs.n);
    if (mean < 1e-4 || shape < 1e-4)
        print_error("d %d pyramid %d step %d: %d deaths, KS p %g, mean p %g\n", (int)d, (int)is_pyramid, (int)step,
                    (int)rungs.n, shape, mean);
    assert_true(mean >= 1e-4 && shape >= 1e-4);
}

static void both(int64_t step, int64_t few, int64_t some, int64_t many)
{
    for (int64_t is_pyramid = 0; is_pyramid < 2; ++is_pyramid) {
        climb(2, is_pyramid, step, many);
        climb(5, is_pyramid, step, some);
        climb(10, is_pyramid, step, few);
    }
}

static void regions_shrink_as_they_should(void **state)
{
    (void)state;
    both(MOTE_STEP_BOUND, 5000, 8000, 12000);
}

static void slices_shrink_as_they_should(void **state)
{
    (void)state;
    both(MOTE_STEP_SLICE, 5000, 8000, 12000);
}

static void walks_shrink_as_they_should(void **state)
{
    (void)state;
    both(MOTE_STEP_WALK, 4000, 6000, 8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(regions_shrink_as_they_should),
                                        cmocka_unit_test(slices_shrink_as_they_should),
                                        cmocka_unit_test(walks_shrink_as_they_should) };
    return run_unit_tests(tests);
}
