/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Priors: the same battery for every law (round trip, density against the derivative of the distribution function,
 * integral of the density, transform and its Jacobian), then what is refused, and single known values. */
#include <mote/parameter.h>
#include <mote/status.h>

#include <float.h>

#include "tests/support/test.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const mote_parameter laws[] = {
    MOTE_UNIFORM("uniform", -3, 5),
    MOTE_LOG_UNIFORM("log-uniform", 1e-4, 30),
    MOTE_LOG_UNIFORM("log-uniform, huge", 1e-200, 1e250),
    MOTE_LOG_UNIFORM("log-uniform, narrow", 1, 1 + 1e-6),
    MOTE_NORMAL("normal", 2, 0.3),
    MOTE_TRUNCATED_NORMAL("truncated [8, 9]", 0, 1, 8, 9),
    MOTE_TRUNCATED_NORMAL("truncated [-40, -38]", 0, 1, -40, -38),
    MOTE_TRUNCATED_NORMAL("truncated, wide", 1, 2, -3, 4),
    MOTE_TRUNCATED_NORMAL("truncated, narrow", 0, 1, 1.5, 1.5001),
    MOTE_TRUNCATED_NORMAL("truncated above", 0, 2, 3, INFINITY),
    MOTE_TRUNCATED_NORMAL("truncated below", 0, 2, -INFINITY, -9),
    MOTE_HALF_NORMAL("half-normal", 3),
    MOTE_HALF_CAUCHY("half-Cauchy", 0.7),
    MOTE_EXPONENTIAL("exponential", 5),
    MOTE_BETA("beta(2, 5)", 2, 5),
    MOTE_BETA("beta(0.4, 0.6)", 0.4, 0.6),
    MOTE_BETA("beta(1, 1)", 1, 1),
    MOTE_BETA("beta(3e4, 1e5)", 3e4, 1e5),
    MOTE_GAMMA("gamma(0.3)", 0.3, 2),
    MOTE_GAMMA("gamma(1)", 1, 0.5),
    MOTE_GAMMA("gamma(9)", 9, 3),
    MOTE_GAMMA("gamma(1e6)", 1e6, 1e-3),
    MOTE_INVERSE_GAMMA("inverse gamma(3)", 3, 2),
    MOTE_INVERSE_GAMMA("inverse gamma(0.5)", 0.5, 2),
    MOTE_STUDENT("Student(0.8)", 0.8, 1, 2),
    MOTE_STUDENT("Student(4)", 4, -1, 0.1),
    MOTE_STUDENT("Student(1e6)", 1e6, 0, 1),
};

static void checks_pass(void **state)
{
    (void)state;
    char text[200];
    for (size_t i = 0; i < COUNT(laws); ++i)
        assert_status(mote_prior_check(&laws[i], text, sizeof text), MOTE_OK);
}

/* |F(Q(u)) - u| <= 1e-12, or what the spacing of doubles at x is worth where the support is narrow (spacing x density).
 * */
static void round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(laws); ++i) {
        double lower, upper, worst = 0.0;
        mote_prior_support(&laws[i], &lower, &upper);
        for (int k = 0; k < 31; ++k) {
            const double small = k == 30 ? 0.5 : pow(10.0, -1 - k / 2), u = k % 2 ? small : 1.0 - small;
            const double complement = k % 2 ? 1.0 - small : small, x = mote_prior_quantile(&laws[i], u, complement);
            double rest, p = mote_prior_cdf(&laws[i], x, &rest);
            const double spacing = DBL_EPSILON * fabs(x) * exp(mote_prior_log_density(&laws[i], x));
            worst = fmax(worst, fmax(fabs(p - u), fabs(rest - complement)) - 2.0 * spacing);
            assert_true(x >= lower && x <= upper && isfinite(x));
            assert_true(isfinite(mote_prior_log_density(&laws[i], x)));
        }
        if (worst > 1e-12)
            print_error("%s: %g\n", laws[i].name, worst);
        assert_true(worst <= 1e-12);
    }
}

/* |F(Q(u)) - u| at u, or 0 where the true quantile has no normal double and Q gave the nearest that there is: F does not
 * reach u at DBL_MAX, or is above it at DBL_MIN. What the spacing of doubles is worth is far below 1e-12 here. */
static double miss(const mote_parameter *law, double u, double complement, int64_t *saturated)
{
    double rest;
    const double x = mote_prior_quantile(law, u, complement), p = mote_prior_cdf(law, x, &rest);
    const int nearest = (x == DBL_MIN && p >= u) || (x == DBL_MAX && rest >= complement);
    assert_true(x >= DBL_MIN && x <= DBL_MAX && isfinite(mote_prior_log_density(law, x)));
    *saturated += nearest;
    return nearest ? 0.0 : fmax(fabs(p - u), fabs(rest - complement));
}

/* The whole range of shapes, and scales that bring into reach, or take out of it, what a variate of scale 1 is not. */
static void gamma_quantiles_hold_for_shapes_and_scales(void **state)
{
    static const double shapes[] = { 0.01, 0.03, 0.1, 0.3, 0.5, 1, 1.7, 3, 10, 19.9, 20.1, 60, 500, 1e4, 2e5, 1e6 };
    static const double scales[] = { 1, 1e-5, 1e5, 1e-150, 1e150 };
    (void)state;
    for (int inverse = 0; inverse <= 1; ++inverse) {
        double worst = 0.0;
        int64_t saturated = 0, points = 0;
        for (size_t i = 0; i < COUNT(shapes) * COUNT(scales); ++i) {
            const double shape = shapes[i / COUNT(scales)], scale = scales[i % COUNT(scales)];
            const mote_parameter gamma = MOTE_GAMMA("g", shape, scale), law = MOTE_INVERSE_GAMMA("i", shape, scale);
            for (int k = 0; k < 58; ++k, ++points) {
                const double small = k < 30   ? pow(10.0, -1 - k / 2)
                                     : k < 44 ? 6e-4 + 5e-5 * (k / 2 - 15)
                                              : 0.05 * (k / 2 - 20);
                const double u = k % 2 ? small : 1.0 - small, complement = k % 2 ? 1.0 - small : small;
                worst = fmax(worst, miss(inverse ? &law : &gamma, u, complement, &saturated));
            }
        }
        print_message("%sgamma: |F(Q(u)) - u| <= %.2g, %lld of %lld quantiles beyond the doubles\n",
                      inverse ? "inverse " : "", worst, (long long)saturated, (long long)points);
        assert_true(worst <= 1e-12);
        assert_true(saturated > 0 && saturated < points / 10);
    }
}

/* P(a, x) = x^a / Gamma(a + 1) for tiny x, so Q(u) = (u Gamma(a + 1))^(1/a): a scale of 1e200 brings the quantile of
 * shape 0.01 at u = 1e-4, 8.9e-403, among the doubles; and the inverse law is its mirror image. */
static void gamma_quantiles_below_the_doubles(void **state)
{
    const mote_parameter gamma = MOTE_GAMMA("g", 0.01, 1e200), inverse = MOTE_INVERSE_GAMMA("i", 0.01, 1e-200);
    const double expected = pow(10.0, -200.0) * exp(100.0 * lgamma(1.01));
    (void)state;
    assert_close(mote_prior_quantile(&gamma, 1e-4, 1.0 - 1e-4) / expected, 1.0, 1e-11, 0.0);
    assert_close(mote_prior_quantile(&inverse, 1.0 - 1e-4, 1e-4) * expected, 1.0, 1e-11, 0.0);
}

/* Smaller u gives no larger x, also across the changes of method. */
static void quantiles_are_monotone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(laws); ++i) {
        double last = -INFINITY;
        for (int k = 1; k < 2000; ++k) {
            const double x = mote_prior_quantile(&laws[i], k / 2000.0, 1.0 - k / 2000.0);
            if (x < last)
                print_error("%s at %d\n", laws[i].name, k);
            assert_true(x >= last);
            last = x;
        }
    }
}

/* dQ/du = 1 / density: five-point differences in u. */
static void density_is_the_derivative(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(laws); ++i)
        for (double u = 0.03; u < 1.0; u += 0.0701) {
            const double h = 1e-3, x = mote_prior_quantile(&laws[i], u, 1.0 - u);
            double q[4];
            for (int k = 0; k < 4; ++k) {
                const double v = u + h * (k < 2 ? k - 2 : k - 1);
                q[k] = mote_prior_quantile(&laws[i], v, 1.0 - v) - x;
            }
            const double slope = (q[0] - q[3] + 8.0 * (q[2] - q[1])) / (12.0 * h);
            const double rounding = 4 * DBL_EPSILON * fabs(x) / (h * slope);
            const double tolerance = i == 2 ? 1e-1 : 3e-5; /* 450 decades: Q itself grows by e in 1e-3 */
            assert_close(exp(mote_prior_log_density(&laws[i], x)) * slope, 1.0, tolerance + rounding, 0.0);
        }
}

/* integral of exp(log density), as the integral over y of exp(log density(x(y)) + log |dx/dy|): trapezoidal rule in
 * y = c sinh(t), which converges at a geometric rate. Tests normalisation, transform and Jacobian at once. */
static void density_integrates_to_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(laws); ++i) {
        const mote_parameter *law = &laws[i];
        const double middle = mote_prior_unconstrain(law, mote_prior_quantile(law, 0.5, 0.5));
        const double width = mote_prior_unconstrain(law, mote_prior_quantile(law, 0.8, 0.2)) - middle;
        double sum = 0.0;
        for (int k = -2000; k <= 2000; ++k) {
            const double t = k * 0.02, y = middle + fabs(width) * sinh(t);
            double log_jacobian;
            const double x = mote_prior_constrain(law, y, &log_jacobian), value = mote_prior_log_density(law, x) +
                log_jacobian;
            if (value > -700.0 && isfinite(value))
                sum += exp(value) * fabs(width) * cosh(t) * 0.02;
        }
        /* 400 decades in logit x, and x at the end of its doubles: the transform is no match for the law */
        const int skip = i == 2;
        if (!skip && !(fabs(sum - 1.0) < 1e-7))
            print_error("%s: %.12g\n", law->name, sum);
        assert_true(skip || fabs(sum - 1.0) < 1e-7);
    }
}

static void transforms_invert_and_have_their_jacobian(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(laws); ++i)
        for (double y = -6.0; y <= 6.0; y += 0.75) {
            const double h = 1e-4;
            double log_jacobian, lower, upper;
            const double x = mote_prior_constrain(&laws[i], y, &log_jacobian);
            mote_prior_support(&laws[i], &lower, &upper);
            assert_true(x > lower && x < upper);
            if (i == 2 || i == 3 || i == 8) /* bounds too far apart or too close to difference x */
                continue;
            assert_close(mote_prior_unconstrain(&laws[i], x), y, 1e-10, 1e-10);
            const double ahead = mote_prior_constrain(&laws[i], y + h, NULL),
                behind = mote_prior_constrain(&laws[i], y - h, NULL);
            assert_close(log(fabs(ahead - behind) / (2 * h)), log_jacobian, 0.0, 1e-7);
        }
}

static void outside_the_support(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(laws); ++i) {
        double lower, upper, rest;
        mote_prior_support(&laws[i], &lower, &upper);
        assert_true(mote_prior_cdf(&laws[i], -INFINITY, &rest) == 0.0 && rest == 1.0);
        assert_true(mote_prior_cdf(&laws[i], INFINITY, &rest) == 1.0 && rest == 0.0);
        assert_true(mote_prior_log_density(&laws[i], INFINITY) == -INFINITY);
        if (isfinite(lower))
            assert_true(mote_prior_log_density(&laws[i], lower - 1.0) == -INFINITY &&
                        mote_prior_cdf(&laws[i], lower - 1.0, NULL) == 0.0);
        if (isfinite(upper))
            assert_true(mote_prior_log_density(&laws[i], 1.01 * fabs(upper) + 1.0) == -INFINITY);
        assert_close(mote_prior_quantile(&laws[i], 0.0, 1.0), lower, 1e-12, 0.0);
        assert_close(mote_prior_quantile(&laws[i], 1.0, 0.0), upper, 1e-12, 0.0);
        assert_true(isnan(mote_prior_log_density(&laws[i], NAN)) && isnan(mote_prior_cdf(&laws[i], NAN, &rest)) &&
                    isnan(rest));
    }
    const mote_parameter flat = MOTE_BETA("b", 1, 3), gamma = MOTE_GAMMA("g", 1, 4), steep = MOTE_GAMMA("s", 0.5, 1);
    assert_close(mote_prior_log_density(&flat, 0.0), log(3.0), 1e-15, 0.0);
    assert_close(mote_prior_log_density(&flat, 1.0), -INFINITY, 0.0, 0.0);
    assert_close(mote_prior_log_density(&gamma, 0.0), -log(4.0), 1e-15, 0.0);
    assert_close(mote_prior_log_density(&steep, 0.0), INFINITY, 0.0, 0.0);
}

/* Draws from inside (0, 1) are finite, inside the support and have a finite density, even where the quantile itself
 * has no double. */
static void extreme_shapes_give_usable_draws(void **state)
{
    (void)state;
    const mote_parameter extreme[] = { MOTE_GAMMA("g", 0.01, 1e-5), MOTE_INVERSE_GAMMA("i", 0.01, 1e5),
                                       MOTE_BETA("b", 0.01, 0.01),
                                       MOTE_BETA("c", 1e6, 0.01), MOTE_STUDENT("s", 0.01, 1, 1e3),
                                       MOTE_HALF_CAUCHY("h", 1e300) };
    const double at[] = { 1e-300, 1e-15, 1e-3, 0.3, 0.5 };
    for (size_t i = 0; i < COUNT(extreme); ++i)
        for (size_t k = 0; k < 2 * COUNT(at); ++k) {
            const double small = at[k / 2], x = mote_prior_quantile(&extreme[i], k % 2 ? small : 1.0 - small,
                                                                    k % 2 ? 1.0 - small : small);
            double lower, upper;
            mote_prior_support(&extreme[i], &lower, &upper);
            if (!(x > lower && x < upper && isfinite(mote_prior_log_density(&extreme[i], x))))
                print_error("%s at %g gives %g\n", extreme[i].name, small, x);
            assert_true(x > lower && x < upper && isfinite(mote_prior_log_density(&extreme[i], x)));
        }
}

static void known_values(void **state)
{
    (void)state;
    const mote_parameter cauchy = MOTE_HALF_CAUCHY("c", 2), exponential = MOTE_EXPONENTIAL("e", 3),
        tail = MOTE_TRUNCATED_NORMAL("t", 0, 1, 8, 9),
                         log_uniform = MOTE_LOG_UNIFORM("l", 1e-2, 1e2), student = MOTE_STUDENT("s", 1, 5, 2);
    assert_close(mote_prior_quantile(&cauchy, 0.5, 0.5), 2.0, 4e-16, 0.0);
    assert_close(mote_prior_quantile(&exponential, 0.5, 0.5), 3 * log(2.0), 4e-16, 0.0);
    assert_close(mote_prior_quantile(&log_uniform, 0.5, 0.5), 1.0, 1e-15, 0.0);
    assert_close(mote_prior_log_density(&student, 7.0), -log(3.14159265358979323846 * 4.0), 1e-14, 0.0);
    assert_close(mote_prior_quantile(&tail, 0.5, 0.5), 8.0848888990181664333, 1e-15, 0.0);
}

static void refuse(mote_parameter parameter, const char *text)
{
    char message[200] = "";
    assert_status(mote_prior_check(&parameter, message, sizeof message), MOTE_EINVAL);
    if (!strstr(message, "'p'") || !strstr(message, text))
        print_error("message: %s\n", message);
    assert_non_null(strstr(message, "'p'"));
    assert_non_null(strstr(message, text));
    assert_status(mote_prior_check(&parameter, NULL, 0), MOTE_EINVAL);
}

static void faults_are_named(void **state)
{
    (void)state;
    refuse((mote_parameter)MOTE_UNIFORM("p", 1, 1), "lower bound");
    refuse((mote_parameter)MOTE_UNIFORM("p", -1e308, 1e308), "wider");
    refuse((mote_parameter)MOTE_UNIFORM("p", 0, INFINITY), "argument 2");
    refuse((mote_parameter)MOTE_UNIFORM("p", NAN, 1), "argument 1");
    refuse((mote_parameter)MOTE_LOG_UNIFORM("p", 0, 1), "not positive");
    refuse((mote_parameter)MOTE_NORMAL("p", 0, -1), "sd");
    refuse((mote_parameter)MOTE_TRUNCATED_NORMAL("p", 0, 0, 0, 1), "sd");
    refuse((mote_parameter)MOTE_TRUNCATED_NORMAL("p", 0, 1, 1, 0), "lower bound");
    refuse((mote_parameter)MOTE_TRUNCATED_NORMAL("p", 0, 1e-200, 1, 2), "no probability");
    refuse((mote_parameter)MOTE_TRUNCATED_NORMAL("p", 0, 1, 1, NAN), "argument 4");
    refuse((mote_parameter)MOTE_HALF_NORMAL("p", 0), "scale");
    refuse((mote_parameter)MOTE_HALF_CAUCHY("p", -1), "scale");
    refuse((mote_parameter)MOTE_EXPONENTIAL("p", 0), "mean");
    refuse((mote_parameter)MOTE_BETA("p", 0, 1), "a is");
    refuse((mote_parameter)MOTE_BETA("p", 1, 0), "b is");
    refuse((mote_parameter)MOTE_GAMMA("p", 0, 1), "shape");
    refuse((mote_parameter)MOTE_GAMMA("p", 1, 0), "scale");
    refuse((mote_parameter)MOTE_INVERSE_GAMMA("p", -1, 1), "shape");
    refuse((mote_parameter)MOTE_STUDENT("p", 0, 0, 1), "degrees");
    refuse((mote_parameter)MOTE_STUDENT("p", 1, 0, 0), "scale");
    refuse((mote_parameter)MOTE_SORTED("p", 1, 0), "lower bound");
    refuse((mote_parameter)MOTE_DIRICHLET("p", 0), "concentration");
    refuse((mote_parameter)MOTE_FIXED("p", INFINITY), "finite");
    refuse((mote_parameter){ .name = "p" }, "no prior");
    refuse((mote_parameter){ .name = "p", .prior = -3 }, "unknown");
}

static void names_go_both_ways(void **state)
{
    (void)state;
#define CHECK(name, text, count, arguments)                          \
    assert_string_equal(mote_prior_name(MOTE_PRIOR_##name), text);   \
    assert_int_equal(mote_prior_from_name(text), MOTE_PRIOR_##name);
    MOTE_PRIOR_LIST(CHECK)
#undef CHECK
    assert_null(mote_prior_name(MOTE_PRIOR_NONE));
    assert_null(mote_prior_name(99));
    assert_null(mote_prior_name(-1));
    assert_int_equal(mote_prior_from_name("nonsense"), MOTE_PRIOR_NONE);
    assert_int_equal(mote_prior_from_name(NULL), MOTE_PRIOR_NONE);
}

/* Kinds without a law of one dimension have no functions: NaN, never a crash. */
static void groups_have_no_law_of_their_own(void **state)
{
    (void)state;
    const mote_parameter kinds[] = { MOTE_SORTED("a", 0, 1), MOTE_DIRICHLET("b", 1), MOTE_CONDITIONAL("c"),
                                     MOTE_FIXED("d", 1), MOTE_DERIVED("e"), { .name = "f", .prior = 99 } };
    for (size_t i = 0; i < COUNT(kinds); ++i) {
        double lower, upper;
        mote_prior_support(&kinds[i], &lower, &upper);
        assert_true(isnan(lower) && isnan(upper) && isnan(mote_prior_quantile(&kinds[i], 0.5, 0.5)));
        assert_true(isnan(mote_prior_cdf(&kinds[i], 0.5, &lower)) && isnan(lower) &&
                    isnan(mote_prior_log_density(&kinds[i], 0.5)));
        assert_true(isnan(mote_prior_constrain(&kinds[i], 0.5, &lower)) &&
                    isnan(mote_prior_unconstrain(&kinds[i], 0.5)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_pass),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(gamma_quantiles_hold_for_shapes_and_scales),
        cmocka_unit_test(gamma_quantiles_below_the_doubles),
        cmocka_unit_test(quantiles_are_monotone),
        cmocka_unit_test(density_is_the_derivative),
        cmocka_unit_test(density_integrates_to_one),
        cmocka_unit_test(transforms_invert_and_have_their_jacobian),
        cmocka_unit_test(outside_the_support),
        cmocka_unit_test(extreme_shapes_give_usable_draws),
        cmocka_unit_test(known_values),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(groups_have_no_law_of_their_own),
    };
    return run_unit_tests(tests);
}
