/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Distribution functions against 50-digit values (special_reference.py), quantiles by round trips over the whole range
 * that is promised: u from 1e-15 to 1 - 1e-15, shapes from 0.01 to 1e6. */
#include "core/special.h"

#include <float.h>

#include "tests/core/special_reference.h"
#include "tests/support/test.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The largest absolute error and the largest relative error of a smaller tail. */
typedef struct worst {
    double absolute, relative;
} worst;

static void compare(worst *w, double lower, double upper, double lower_true, double upper_true)
{
    const double small = fmin(lower_true, upper_true), error = small == lower_true ? lower - lower_true : upper - upper_true;
    assert_false(isnan(lower) || isnan(upper));
    w->absolute = fmax(w->absolute, fmax(fabs(lower - lower_true), fabs(upper - upper_true)));
    if (small > 1e-300)
        w->relative = fmax(w->relative, fabs(error) / small);
}

static void report(const char *what, const worst *w, double absolute, double relative)
{
    print_message("%s: worst error %.2g, of the smaller tail %.2g relative\n", what, w->absolute, w->relative);
    assert_true(w->absolute <= absolute);
    assert_true(w->relative <= relative);
}

static void gamma_against_reference(void **state)
{
    (void)state;
    worst w = { 0 };
    for (size_t i = 0; i < COUNT(gamma_reference); ++i) {
        const double *r = gamma_reference[i];
        double upper, lower = mote_gamma_cdf(r[0], r[1], &upper);
        compare(&w, lower, upper, r[2], r[3]);
    }
    report("gamma", &w, 5e-15, 2e-13);
}

static void beta_against_reference(void **state)
{
    (void)state;
    worst w = { 0 };
    for (size_t i = 0; i < COUNT(beta_reference); ++i) {
        const double *r = beta_reference[i];
        double upper, lower = mote_beta_cdf_pair(r[0], r[1], r[2], r[3], &upper);
        compare(&w, lower, upper, r[4], r[5]);
    }
    report("beta", &w, 2e-13, 5e-12); /* the rounding of x alone, at shapes of 1e6, is worth this */
}

static void student_against_reference(void **state)
{
    (void)state;
    worst w = { 0 };
    for (size_t i = 0; i < COUNT(student_reference); ++i) {
        const double *r = student_reference[i];
        double upper, lower = mote_student_cdf(r[0], r[1], &upper), mirrored = mote_student_cdf(-r[0], r[1], NULL);
        compare(&w, lower, upper, 1.0 - r[2], r[2]);
        assert_true(mirrored == upper);
    }
    report("Student", &w, 5e-15, 5e-13);
}

static void normal_against_reference(void **state)
{
    (void)state;
    worst w = { 0 };
    for (size_t i = 0; i < COUNT(normal_reference); ++i) {
        const double *r = normal_reference[i];
        double upper, lower = mote_normal_cdf(r[0], &upper);
        compare(&w, lower, upper, 1.0 - r[1], r[1]);
        /* The quantile, conditioned by its own slope: an error of the table's last digit moves x by u / density. */
        if (r[0] > 0.01)
            assert_close(mote_normal_quantile(1.0 - r[1], r[1]), r[0], 2e-15, 0.0);
        assert_close(mote_normal_quantile(r[1], 1.0 - r[1]), -r[0], 2e-15, 2e-16);
    }
    report("normal", &w, 2e-16, 5e-13);
}

static void truncated_against_reference(void **state)
{
    (void)state;
    worst w = { 0 };
    for (size_t i = 0; i < COUNT(truncated_reference); ++i) {
        const double *r = truncated_reference[i];
        double upper, lower = mote_truncated_cdf(r[0], r[1], r[2], &upper);
        compare(&w, lower, upper, r[3], r[4]);
        assert_close(mote_normal_log_mass(r[1], r[2]), r[5], 1e-15, 1e-15);
        assert_close(mote_normal_log_mass(-r[2], -r[1]), r[5], 1e-15, 1e-15);
        /* x from its own probability; the rounding of x itself is worth |x| eps of (b - a). */
        const double rounding = 4e-16 * fmax(fabs(r[1]), fabs(r[2]));
        assert_close(mote_truncated_quantile(r[3], r[4], r[1], r[2]), r[0], 1e-14, rounding);
        assert_close(mote_truncated_quantile(r[4], r[3], -r[2], -r[1]), -r[0], 1e-14, rounding);
    }
    report("truncated normal", &w, 2e-13, 2e-12);
}

static void logarithms_against_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(log_gamma_reference); ++i)
        assert_close(mote_log_gamma(log_gamma_reference[i][0]), log_gamma_reference[i][1], 1e-15, 1e-15);
    for (size_t i = 0; i < COUNT(log_beta_reference); ++i)
        assert_close(mote_log_beta(log_beta_reference[i][0], log_beta_reference[i][1]), log_beta_reference[i][2], 1e-14, 0.0);
    assert_close(mote_log_gamma(DBL_MAX), INFINITY, 0.0, 0.0);
    assert_close(mote_gamma_star(1.0), exp(1.0) / sqrt(2 * 3.14159265358979323846), 1e-15, 0.0);
    for (double x = 10.0; x < 30.0; x += 0.37) /* across the change of method: Gamma(x + 1) = x Gamma(x) */
        assert_close(mote_gamma_star(x + 1), mote_gamma_star(x) * exp(1.0 - (x + 0.5) * log1p(1.0 / x)), 1e-14, 0.0);
}

/* ---- round trips ----------------------------------------------------------------------------------------------- */
static const double shapes[] = { 0.01, 0.03, 0.1, 0.3, 0.5, 1.0, 1.7, 3.0, 10.0, 19.9, 20.1, 60.0, 500.0, 1e4, 2e5, 1e6 };

enum { GRID = 48 };

/* u from 1e-15 to 1 - 1e-15, dense at both ends; exact complements. */
static void point(int i, double *u, double *complement)
{
    const int half = GRID / 2, k = i < half ? i : GRID - 1 - i;
    const double small = k < 15 ? pow(10.0, k - 15) : 0.1 + 0.04 * (k - 14);
    *u = i < half ? small : 1.0 - small;
    *complement = i < half ? 1.0 - small : small;
}

/* The error of F(Q(u)), or 0 where the true quantile lies beyond the doubles and Q gave the nearest. */
static double miss(double p, double complement, double u, double c, double x)
{
    if ((x == DBL_MIN && p >= u) || (x == DBL_MAX && complement >= c))
        return 0.0;
    return fmax(fabs(p - u), fabs(complement - c));
}

static void gamma_round_trip(void **state)
{
    (void)state;
    double worst_miss = 0.0;
    for (size_t s = 0; s < COUNT(shapes); ++s) {
        double last = 0.0;
        for (int i = 0; i < GRID; ++i) {
            double u, c, upper;
            point(i, &u, &c);
            const double x = mote_gamma_quantile(u, c, shapes[s]), lower = mote_gamma_cdf(x, shapes[s], &upper);
            worst_miss = fmax(worst_miss, miss(lower, upper, u, c, x));
            assert_true(x >= last && x >= DBL_MIN && x < INFINITY);
            last = x;
        }
    }
    print_message("gamma: |F(Q(u)) - u| <= %.2g\n", worst_miss);
    assert_true(worst_miss <= 1e-12);
}

static void beta_round_trip(void **state)
{
    (void)state;
    double worst_miss = 0.0;
    for (size_t s = 0; s < COUNT(shapes); ++s)
        for (size_t t = 0; t < COUNT(shapes); ++t) {
            double last = 0.0, last_rest = 1.0;
            for (int i = 0; i < GRID; ++i) {
                double u, c, y, upper;
                point(i, &u, &c);
                const double x = mote_beta_quantile(u, c, shapes[s], shapes[t], &y);
                const double lower = mote_beta_cdf_pair(x, y, shapes[s], shapes[t], &upper);
                double error = miss(lower, upper, u, c, x);
                if (y == DBL_MIN && upper >= c)
                    error = 0.0;
                worst_miss = fmax(worst_miss, error);
                assert_true(x >= last && y <= last_rest && x >= DBL_MIN && y >= DBL_MIN);
                assert_close(x + y, 1.0, 3e-16, 0.0);
                last = x;
                last_rest = y;
            }
        }
    print_message("beta: |F(Q(u)) - u| <= %.2g\n", worst_miss);
    assert_true(worst_miss <= 1e-12);
}

static void student_round_trip(void **state)
{
    (void)state;
    double worst_miss = 0.0;
    for (size_t s = 0; s < COUNT(shapes); ++s) {
        double last = -INFINITY;
        for (int i = 0; i < GRID; ++i) {
            double u, c, upper;
            point(i, &u, &c);
            const double x = mote_student_quantile(u, c, shapes[s]), lower = mote_student_cdf(x, shapes[s], &upper);
            if (fabs(x) < DBL_MAX)
                worst_miss = fmax(worst_miss, fmax(fabs(lower - u), fabs(upper - c)));
            else
                assert_true(x < 0.0 ? lower >= u : upper >= c); /* beyond the doubles */
            assert_true(x >= last && fabs(x) < INFINITY);
            assert_true(x == -mote_student_quantile(c, u, shapes[s]));
            last = x;
        }
    }
    print_message("Student: |F(Q(u)) - u| <= %.2g\n", worst_miss);
    assert_true(worst_miss <= 1e-12);
}

static void truncated_round_trip(void **state)
{
    (void)state;
    static const double cuts[][2] = { { 8, 9 }, { -40, -38 }, { -1, 1 }, { 0, INFINITY }, { -INFINITY, -3 }, { 5, INFINITY },
                                      { -INFINITY, INFINITY }, { -30, 5 }, { 0.5, 0.75 }, { -3, 0.1 }, { 100, 101 }, { -1e-3, 1e-3 } };
    double worst_miss = 0.0;
    for (size_t s = 0; s < COUNT(cuts); ++s) {
        double last = cuts[s][0];
        for (int i = 0; i < GRID; ++i) {
            double u, c, upper;
            point(i, &u, &c);
            const double x = mote_truncated_quantile(u, c, cuts[s][0], cuts[s][1]);
            const double lower = mote_truncated_cdf(x, cuts[s][0], cuts[s][1], &upper);
            worst_miss = fmax(worst_miss, fmax(fabs(lower - u), fabs(upper - c)));
            assert_true(x >= last && x <= cuts[s][1]);
            last = x;
        }
    }
    print_message("truncated normal: |F(Q(u)) - u| <= %.2g\n", worst_miss);
    assert_true(worst_miss <= 1e-12);
}

/* Far in the tails the quantile keeps relative digits of the smaller tail, not only 1e-12 of everything. */
static void tails_are_relative(void **state)
{
    (void)state;
    double worst_miss = 0.0;
    static const double tails[] = { 1e-300, 1e-100, 1e-30, 1e-12 };
    for (size_t s = 0; s < COUNT(shapes); ++s)
        for (size_t i = 0; i < COUNT(tails); ++i) {
            double upper, y;
            mote_gamma_cdf(mote_gamma_quantile(1.0, tails[i], shapes[s]), shapes[s], &upper);
            worst_miss = fmax(worst_miss, fabs(upper / tails[i] - 1.0));
            if (shapes[s] < 2.0) /* the lower tail would lie below DBL_MIN */
                continue;
            const double x = mote_gamma_quantile(tails[i], 1.0, shapes[s]);
            worst_miss = fmax(worst_miss, fabs(mote_gamma_cdf(x, shapes[s], NULL) / tails[i] - 1.0));
            const double z = mote_beta_quantile(tails[i], 1.0, shapes[s], 3.0, &y);
            worst_miss = fmax(worst_miss, fabs(mote_beta_cdf_pair(z, y, shapes[s], 3.0, NULL) / tails[i] - 1.0));
            const double t = mote_student_quantile(tails[i], 1.0, shapes[s]);
            worst_miss = fmax(worst_miss, fabs(mote_student_cdf(t, shapes[s], NULL) / tails[i] - 1.0));
        }
    print_message("tails from 1e-300 to 1e-12: F(Q(u)) / u - 1 <= %.2g\n", worst_miss);
    assert_true(worst_miss <= 2e-11);
}

static void closed_forms(void **state)
{
    (void)state;
    for (double u = 0.001; u < 1.0; u += 0.0173) {
        double y;
        assert_close(mote_gamma_quantile(u, 1.0 - u, 1.0), u < 0.5 ? -log1p(-u) : -log(1.0 - u), 2e-15, 0.0);
        assert_close(mote_beta_quantile(u, 1.0 - u, 0.2, 1.0, &y), pow(u, 5.0), 1e-14, 0.0);
        assert_close(mote_beta_quantile(u, 1.0 - u, 1.0, 1.0, &y), u, 4e-15, 0.0);
        assert_close(mote_student_quantile(u, 1.0 - u, 1.0), -1.0 / tan(3.14159265358979323846 * u), 2e-14, 1e-15);
        assert_close(mote_student_quantile(u, 1.0 - u, 2.0), (2 * u - 1) / sqrt(2 * u * (1 - u)), 1e-14, 1e-15);
        assert_close(mote_student_quantile(u, 1.0 - u, 1e19), mote_normal_quantile(u, 1.0 - u), 0.0, 0.0);
        const double z = mote_normal_quantile(u, 1.0 - u);
        assert_close(mote_student_quantile(u, 1.0 - u, 9e17), z, 1e-13, 1e-15);
        assert_close(mote_half_normal_quantile(u, 1.0 - u), mote_normal_quantile(0.5 + 0.5 * u, 0.5 - 0.5 * u), 4e-15,
                     4e-16);
    }
}

static void ends_and_nonsense(void **state)
{
    (void)state;
    double y;
    assert_true(mote_normal_quantile(0.0, 1.0) == -INFINITY && mote_normal_quantile(1.0, 0.0) == INFINITY);
    assert_true(mote_gamma_quantile(0.0, 1.0, 2.0) == 0.0 && mote_gamma_quantile(1.0, 0.0, 2.0) == INFINITY);
    assert_true(mote_beta_quantile(0.0, 1.0, 2.0, 3.0, &y) == 0.0 && y == 1.0);
    assert_true(mote_beta_quantile(1.0, 0.0, 2.0, 3.0, &y) == 1.0 && y == 0.0);
    assert_true(mote_student_quantile(0.0, 1.0, 2.0) == -INFINITY && mote_student_quantile(1.0, 0.0, 2.0) == INFINITY);
    assert_true(mote_truncated_quantile(0.0, 1.0, 2.0, 3.0) == 2.0 && mote_truncated_quantile(1.0, 0.0, 2.0, 3.0) == 3.0);
    assert_true(mote_gamma_cdf(-1.0, 2.0, &y) == 0.0 && y == 1.0 && mote_gamma_cdf(INFINITY, 2.0, &y) == 1.0 && y == 0.0);
    assert_true(mote_gamma_cdf(1e300, 3.5, &y) == 1.0 && y == 0.0); /* though x^a overflows */
    assert_true(mote_beta_cdf(-1.0, 2.0, 1.0, &y) == 0.0 && mote_beta_cdf(2.0, 2.0, 1.0, &y) == 1.0 && y == 0.0);
    assert_true(mote_student_cdf(-INFINITY, 2.0, &y) == 0.0 && y == 1.0 && mote_student_cdf(0.0, 2.0, &y) == 0.5);
    const double bad[] = { mote_normal_quantile(NAN, 0.5), mote_normal_quantile(-0.5, 1.5), mote_gamma_cdf(1, 0, &y),
                           mote_gamma_cdf(NAN, 1, &y), mote_gamma_cdf(1, NAN, &y), mote_gamma_quantile(0.5, 0.5, -1),
                           mote_gamma_quantile(NAN, 0.5, 1), mote_beta_cdf(0.5, -1, 1, &y), mote_beta_cdf(0.5, 1, INFINITY, &y),
                           mote_beta_cdf(NAN, 1, 1, &y), mote_beta_quantile(0.5, 0.5, 0, 1, &y), mote_student_cdf(1, 0, &y),
                           mote_student_cdf(NAN, 1, &y), mote_student_quantile(0.5, 0.5, 0), mote_log_gamma(0), mote_log_gamma(NAN),
                           mote_log_gamma(-1.5), mote_gamma_star(0), mote_truncated_quantile(NAN, 0, 0, 1),
                           mote_truncated_cdf(NAN, 0, 1, &y) };
    for (size_t i = 0; i < COUNT(bad); ++i) {
        if (!isnan(bad[i]))
            print_error("entry %zu is %g\n", i, bad[i]);
        assert_true(isnan(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gamma_against_reference),
        cmocka_unit_test(beta_against_reference),
        cmocka_unit_test(student_against_reference),
        cmocka_unit_test(normal_against_reference),
        cmocka_unit_test(truncated_against_reference),
        cmocka_unit_test(logarithms_against_reference),
        cmocka_unit_test(gamma_round_trip),
        cmocka_unit_test(beta_round_trip),
        cmocka_unit_test(student_round_trip),
        cmocka_unit_test(truncated_round_trip),
        cmocka_unit_test(tails_are_relative),
        cmocka_unit_test(closed_forms),
        cmocka_unit_test(ends_and_nonsense),
    };
    return run_unit_tests(tests);
}
