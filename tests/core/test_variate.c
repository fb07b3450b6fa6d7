/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Variates against their distribution functions. Each law is a chi-square test of 100,000 draws in some 45 cells of
 * known probability, cut at quantiles from 1e-4 to 1 - 1e-4. The rate of false alarms over the whole program would be
 * 1e-6 with a fresh seed. The conditions under which transformed rejection is exact are evaluated on a grid, and the
 * parts of its densities against long double: those tests are exact. */
#include <gsl/gsl_cdf.h>
#include <stdlib.h>
#include <mote/source.h>
#include <mote/status.h>
#include <mote/variate.h>

#include "core/source.h"
#include "core/special.h"
#include "core/variate.h"
#include "tests/core/variate_checksum.h"
#include "tests/support/test.h"

enum { DRAWS = 100000, MOST_CELLS = 64, LAWS = 80 };

/* ---- the test ---- */

typedef struct law {
    const char *name;
    double (*draw)(mote_stream *stream, const double *parameter);
    double (*below)(double x, const double *parameter); /* P(X <= x) */
    int whole;                                          /* a count */
    double parameter[3];
} law;

/* Doubles in their order as whole numbers, and back. */
static int64_t rank_of(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? INT64_MIN - bits : bits;
}

static double at_rank(int64_t rank)
{
    int64_t bits = rank < 0 ? INT64_MIN - rank : rank;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int64_t between(int64_t low, int64_t high)
{
    return low / 2 + high / 2 + (low % 2 + high % 2) / 2;
}

/* The least x with P(X <= x) >= u. */
static double quantile(const law *tested, double u)
{
    int64_t low = tested->whole ? -1 : rank_of(-1e300), high = tested->whole ? INT64_C(1) << 53 : rank_of(1e300);
    for (int64_t middle = between(low, high); middle != low && middle != high; middle = between(low, high))
        if (tested->below(tested->whole ? (double)middle : at_rank(middle), tested->parameter) >= u)
            high = middle;
        else
            low = middle;
    return tested->whole ? (double)high : at_rank(high);
}

/* Upper ends of cells and their probabilities; cells expected fewer than 5 times join the next. */
static int cells_of(const law *tested, double *edge, double *probability)
{
    static const double tail[3] = { 1e-4, 1e-3, 1e-2 };
    double u[MOST_CELLS], before = 0.0;
    int n = 0, cells = 0;
    for (int i = 0; i < 3; ++i)
        u[n++] = tail[i];
    for (int i = 1; i < 40; ++i)
        u[n++] = i / 40.0;
    for (int i = 2; i >= 0; --i)
        u[n++] = 1.0 - tail[i];
    for (int i = 0; i < n; ++i) {
        const double x = quantile(tested, u[i]), below = tested->below(x, tested->parameter);
        if ((below - before) * DRAWS < 5.0 || (1.0 - below) * DRAWS < 5.0)
            continue;
        edge[cells] = x;
        probability[cells++] = below - before;
        before = below;
    }
    edge[cells] = INFINITY;
    probability[cells++] = 1.0 - before;
    return cells;
}

static void check(const law *tested, int64_t particle)
{
    double edge[MOST_CELLS], probability[MOST_CELLS], chi_square = 0.0;
    int64_t count[MOST_CELLS] = { 0 };
    const int cells = cells_of(tested, edge, probability);
    mote_source source = mote_source_live(mote_source_key(20261127, 0));
    mote_stream stream = mote_stream_open(&source, particle);
    for (int i = 0; i < DRAWS; ++i) {
        const double x = tested->draw(&stream, tested->parameter);
        int cell = 0;
        assert_false(isnan(x));
        for (int half = 32; half > 0; half /= 2)
            if (cell + half < cells && x > edge[cell + half - 1])
                cell += half;
        ++count[cell];
    }
    for (int i = 0; i < cells; ++i)
        chi_square += pow((double)count[i] - DRAWS * probability[i], 2) / (DRAWS * probability[i]);
    const double tail = cells > 1 ? gsl_cdf_chisq_Q(chi_square, cells - 1) : 1.0;
    if (getenv("MOTE_TEST_VERBOSE"))
        print_message("%-20s %10g %10g %10g: %2d cells, chi-square %6.1f, tail %.3g\n", tested->name,
                      tested->parameter[0], tested->parameter[1], tested->parameter[2], cells, chi_square, tail);
    if (!(tail > 1e-6 / LAWS))
        print_error("%s(%g, %g, %g): chi-square %g in %d cells, tail %.3g\n", tested->name, tested->parameter[0],
                    tested->parameter[1], tested->parameter[2], chi_square, cells, tail);
    assert_true(tail > 1e-6 / LAWS);
}

static void check_all(const law *laws, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        check(&laws[i], (int64_t)i);
}
#define CHECK_ALL(laws) check_all(laws, sizeof(laws) / sizeof *(laws))

/* ---- laws with a density ---- */

static double draw_exponential(mote_stream *s, const double *a) { (void)a; return mote_stream_exponential(s); }
static double draw_gamma(mote_stream *s, const double *a) { return mote_stream_gamma(s, a[0]); }
static double draw_log_gamma(mote_stream *s, const double *a) { return mote_stream_log_gamma(s, a[0]); }
static double draw_inverse(mote_stream *s, const double *a) { return mote_stream_inverse_gamma(s, a[0]); }
static double draw_beta(mote_stream *s, const double *a) { return mote_stream_beta(s, a[0], a[1]); }
static double draw_chi_squared(mote_stream *s, const double *a) { return mote_stream_chi_squared(s, a[0]); }
static double draw_student(mote_stream *s, const double *a) { return mote_stream_student_t(s, a[0]); }

static double below_exponential(double x, const double *a) { (void)a; return x > 0.0 ? -expm1(-x) : 0.0; }
static double below_gamma(double x, const double *a) { return mote_gamma_cdf(x, a[0], NULL); }
static double below_beta(double x, const double *a) { return mote_beta_cdf(x, a[0], a[1], NULL); }
static double below_chi_squared(double x, const double *a) { return mote_gamma_cdf(x / 2, a[0] / 2, NULL); }
static double below_student(double x, const double *a)
{
    return isinf(a[0]) ? mote_normal_cdf(x, NULL) : mote_student_cdf(x, a[0], NULL);
}

/* P(a, e^t), which is e^(a t) / Gamma(a + 1) where e^t is tiny. */
static double below_log_gamma(double t, const double *a)
{
    return t < -40.0 ? exp(a[0] * t - lgamma(a[0] + 1.0)) : mote_gamma_cdf(exp(t), a[0], NULL);
}

static double below_inverse(double x, const double *a)
{
    double above = 0.0;
    if (x > 0.0)
        mote_gamma_cdf(1.0 / x, a[0], &above);
    return above;
}

static void gammas_follow_their_law(void **state)
{
    (void)state;
    const law laws[] = {
        { "exponential", draw_exponential, below_exponential, 0, { 0 } },
        { "gamma", draw_gamma, below_gamma, 0, { 1e-3 } },
        { "gamma", draw_gamma, below_gamma, 0, { 0.1 } },
        { "gamma", draw_gamma, below_gamma, 0, { 0.9 } },
        { "gamma", draw_gamma, below_gamma, 0, { 1.0 } },
        { "gamma", draw_gamma, below_gamma, 0, { 1.3 } },
        { "gamma", draw_gamma, below_gamma, 0, { 20.0 } },
        { "gamma", draw_gamma, below_gamma, 0, { 1e4 } },
        { "gamma", draw_gamma, below_gamma, 0, { 1e8 } },
        { "log of gamma", draw_log_gamma, below_log_gamma, 0, { 1e-12 } },
        { "log of gamma", draw_log_gamma, below_log_gamma, 0, { 1e-6 } },
        { "log of gamma", draw_log_gamma, below_log_gamma, 0, { 0.01 } },
        { "log of gamma", draw_log_gamma, below_log_gamma, 0, { 0.5 } },
        { "log of gamma", draw_log_gamma, below_log_gamma, 0, { 3.0 } },
        { "inverse gamma", draw_inverse, below_inverse, 0, { 0.3 } },
        { "inverse gamma", draw_inverse, below_inverse, 0, { 2.0 } },
        { "chi-squared", draw_chi_squared, below_chi_squared, 0, { 0.5 } },
        { "chi-squared", draw_chi_squared, below_chi_squared, 0, { 1.0 } },
        { "chi-squared", draw_chi_squared, below_chi_squared, 0, { 7.0 } },
    };
    CHECK_ALL(laws);
}

static void ratios_of_gammas_follow_their_law(void **state)
{
    (void)state;
    const law laws[] = {
        { "beta", draw_beta, below_beta, 0, { 0.02, 0.03 } },
        { "beta", draw_beta, below_beta, 0, { 0.5, 0.5 } },
        { "beta", draw_beta, below_beta, 0, { 0.5, 3.0 } },
        { "beta", draw_beta, below_beta, 0, { 1.0, 1.0 } },
        { "beta", draw_beta, below_beta, 0, { 2.0, 5.0 } },
        { "beta", draw_beta, below_beta, 0, { 1e3, 0.7 } },
        { "beta", draw_beta, below_beta, 0, { 1e6, 2e6 } },
        { "student", draw_student, below_student, 0, { 0.3 } },
        { "student", draw_student, below_student, 0, { 1.0 } },
        { "student", draw_student, below_student, 0, { 2.5 } },
        { "student", draw_student, below_student, 0, { 30.0 } },
        { "student", draw_student, below_student, 0, { INFINITY } },
    };
    CHECK_ALL(laws);
    mote_source source = mote_source_live(7);
    mote_stream stream = mote_stream_open(&source, 0);
    for (double shape = 1e-6; shape > 1e-290; shape *= 1e-20) { /* beta(a, 2 a) becomes a coin of chance 1/3 */
        double ones = 0.0;
        for (int i = 0; i < 2000; ++i) {
            const double x = mote_stream_beta(&stream, shape, 2.0 * shape);
            assert_true(x >= 0.0 && x <= 1.0);
            ones += x > 0.5;
        }
        assert_close(ones / 2000, 1.0 / 3, 0, 6.5 * sqrt(2.0 / 9 / 2000)); /* 15 of them: false alarm 1e-9 */
    }
}

/* A component and the sum of two: beta laws. The rest of the vector is looked at by its sum. */
static double draw_dirichlet(mote_stream *s, const double *a)
{
    const double alpha[3] = { a[0], a[1], a[2] };
    double x[3] = { 0 };
    assert_status(mote_stream_dirichlet(s, alpha, 3, x), MOTE_OK);
    assert_close(x[0] + x[1] + x[2], 1.0, 0, 1e-15);
    return x[1];
}

static double draw_dirichlet_pair(mote_stream *s, const double *a)
{
    const double alpha[4] = { a[0], a[1], a[2], 0.4 };
    double x[4] = { 0 };
    assert_status(mote_stream_dirichlet(s, alpha, 4, x), MOTE_OK);
    return x[0] + x[2];
}

static double below_dirichlet(double x, const double *a) { return mote_beta_cdf(x, a[1], a[0] + a[2], NULL); }
static double below_dirichlet_pair(double x, const double *a)
{
    return mote_beta_cdf(x, a[0] + a[2], a[1] + 0.4, NULL);
}

static void dirichlet_vectors_follow_their_law(void **state)
{
    (void)state;
    const law laws[] = {
        { "Dirichlet", draw_dirichlet, below_dirichlet, 0, { 0.01, 0.05, 0.02 } },
        { "Dirichlet", draw_dirichlet, below_dirichlet, 0, { 2.0, 0.7, 1.0 } },
        { "Dirichlet", draw_dirichlet, below_dirichlet, 0, { 1e5, 300.0, 50.0 } },
        { "Dirichlet pair", draw_dirichlet_pair, below_dirichlet_pair, 0, { 0.3, 1.5, 0.9 } },
    };
    CHECK_ALL(laws);
    mote_source source = mote_source_live(8);
    mote_stream stream = mote_stream_open(&source, 0);
    for (double shape = 1e-6; shape > 1e-320; shape *= 1e-20) {
        const double alpha[3] = { shape, shape, shape };
        double x[3] = { 0 };
        for (int i = 0; i < 100; ++i) {
            assert_status(mote_stream_dirichlet(&stream, alpha, 3, x), MOTE_OK);
            assert_true(x[0] + x[1] + x[2] == 1.0);
        }
    }
}

/* ---- counts ---- */

static double draw_poisson(mote_stream *s, const double *a) { return (double)mote_stream_poisson(s, a[0]); }
static double draw_binomial(mote_stream *s, const double *a)
{
    return (double)mote_stream_binomial(s, (int64_t)a[0], a[1]);
}
static double draw_negative(mote_stream *s, const double *a)
{
    return (double)mote_stream_negative_binomial(s, a[0], a[1]);
}

static double below_poisson(double k, const double *a)
{
    double above = 0.0;
    if (k >= 0.0)
        mote_gamma_cdf(a[0], floor(k) + 1.0, &above);
    return above;
}

static double below_binomial(double k, const double *a)
{
    if (k < 0.0 || k >= a[0])
        return k < 0.0 ? 0.0 : 1.0;
    return mote_beta_cdf_pair(1.0 - a[1], a[1], a[0] - floor(k), floor(k) + 1.0, NULL);
}

static double below_negative(double k, const double *a)
{
    const double r = a[1] / (a[1] + a[0]), other = a[0] / (a[1] + a[0]);
    return k < 0.0 ? 0.0 : mote_beta_cdf_pair(r, other, a[1], floor(k) + 1.0, NULL);
}

static void poisson_counts_follow_their_law(void **state)
{
    (void)state;
    const law laws[] = {
        { "poisson", draw_poisson, below_poisson, 1, { 1e-3 } },
        { "poisson", draw_poisson, below_poisson, 1, { 0.5 } },
        { "poisson", draw_poisson, below_poisson, 1, { 3.0 } },
        { "poisson", draw_poisson, below_poisson, 1, { 9.99 } },
        { "poisson", draw_poisson, below_poisson, 1, { 10.0 } },
        { "poisson", draw_poisson, below_poisson, 1, { 11.5 } },
        { "poisson", draw_poisson, below_poisson, 1, { 33.2 } },
        { "poisson", draw_poisson, below_poisson, 1, { 1e3 } },
        { "poisson", draw_poisson, below_poisson, 1, { 1e6 } },
        { "poisson", draw_poisson, below_poisson, 1, { 1e10 } },
        { "poisson", draw_poisson, below_poisson, 1, { 1e15 } },
    };
    CHECK_ALL(laws);
}

static void binomial_counts_follow_their_law(void **state)
{
    (void)state;
    const law laws[] = {
        { "binomial", draw_binomial, below_binomial, 1, { 1, 0.3 } },
        { "binomial", draw_binomial, below_binomial, 1, { 10, 0.5 } },
        { "binomial", draw_binomial, below_binomial, 1, { 19, 0.5 } },
        { "binomial", draw_binomial, below_binomial, 1, { 20, 0.5 } },
        { "binomial", draw_binomial, below_binomial, 1, { 25, 0.6 } },
        { "binomial", draw_binomial, below_binomial, 1, { 40, 0.25 } },
        { "binomial", draw_binomial, below_binomial, 1, { 1000, 0.001 } },
        { "binomial", draw_binomial, below_binomial, 1, { 1000, 0.97 } },
        { "binomial", draw_binomial, below_binomial, 1, { 1e6, 0.3 } },
        { "binomial", draw_binomial, below_binomial, 1, { 1e9, 1e-8 } },
        { "binomial", draw_binomial, below_binomial, 1, { 1e12, 3e-12 } },
        { "binomial", draw_binomial, below_binomial, 1, { 1e12, 0.5 } },
    };
    CHECK_ALL(laws);
}

static void negative_binomial_counts_follow_their_law(void **state)
{
    (void)state;
    const law laws[] = {
        { "negative binomial", draw_negative, below_negative, 1, { 2.0, 0.01 } },
        { "negative binomial", draw_negative, below_negative, 1, { 0.4, 1.0 } },
        { "negative binomial", draw_negative, below_negative, 1, { 30.0, 2.5 } },
        { "negative binomial", draw_negative, below_negative, 1, { 1e5, 40.0 } },
        { "negative binomial", draw_negative, below_negative, 1, { 12.0, 1e7 } },
    };
    CHECK_ALL(laws);
}

/* The sum of two cells, and all outcomes of three draws over four cells of which one is empty. */
static double draw_multinomial_pair(mote_stream *s, const double *a)
{
    const double p[4] = { 0.2, 1.0, 0.0, 0.8 };
    int64_t k[4] = { 0 };
    assert_status(mote_stream_multinomial(s, (int64_t)a[0], p, 4, k), MOTE_OK);
    assert_true(k[0] >= 0 && k[1] >= 0 && k[2] == 0 && k[3] >= 0);
    assert_int_equal(k[0] + k[1] + k[3], (int64_t)a[0]);
    return (double)(k[0] + k[3]);
}

static double draw_multinomial_code(mote_stream *s, const double *a)
{
    const double p[4] = { 1.0, 0.0, 2.0, 1.0 };
    int64_t k[4] = { 0 };
    (void)a;
    assert_status(mote_stream_multinomial(s, 3, p, 4, k), MOTE_OK);
    return (double)(4 * k[0] + k[2]);
}

static double below_multinomial_code(double code, const double *a)
{
    double sum = 0.0;
    (void)a;
    for (int i = 0; i <= 3; ++i)
        for (int j = 0; i + j <= 3; ++j)
            if (4 * i + j <= code)
                sum += tgamma(4) / (tgamma(i + 1) * tgamma(j + 1) * tgamma(4 - i - j)) * pow(0.25, 3 - j) * pow(0.5, j);
    return sum;
}

static double below_half(double k, const double *a) { return below_binomial(k, (const double[]){ a[0], 0.5 }); }

static void multinomial_counts_follow_their_law(void **state)
{
    (void)state;
    const law laws[] = {
        { "multinomial pair", draw_multinomial_pair, below_half, 1, { 5 } },
        { "multinomial pair", draw_multinomial_pair, below_half, 1, { 1000 } },
        { "multinomial code", draw_multinomial_code, below_multinomial_code, 1, { 0 } },
    };
    CHECK_ALL(laws);
    enum { CELLS = 200 };
    double p[CELLS];
    int64_t k[CELLS], sum = 0;
    mote_source source = mote_source_live(9);
    mote_stream stream = mote_stream_open(&source, 0);
    for (int i = 0; i < CELLS; ++i)
        p[i] = pow(10.0, -i); /* tails whose probability a running difference would lose */
    assert_status(mote_stream_multinomial(&stream, INT64_MAX, p, CELLS, k), MOTE_OK);
    for (int i = 0; i < CELLS; ++i) {
        const double mean = 9.223372036854775807e18 * 0.9 * p[i];
        assert_close((double)k[i], mean, 0, 10 * sqrt(mean) + 20);
        sum += k[i];
    }
    assert_int_equal(sum, INT64_MAX);
}

/* ---- parts of the densities, and the conditions of exactness ---- */

static double log_mass(const mote_hat *hat, int64_t k)
{
    double square, exponent = mote_hat_exponent(hat, k, &square);
    return exponent - 0.5 * log(square);
}

static void densities_have_every_digit(void **state)
{
    (void)state;
    long double stirling = 1 / (12 * 5001.0L) - 1 / (360 * 5001.0L * 5001 * 5001); /* from there by differences */
    for (int k = 5000; k > 0; --k) {
        const long double s = 1.0L / (2 * k + 1), t = s * s; /* (k + 1/2) log(1 + 1/k) - 1 = s^2/3 + s^4/5 + ... */
        for (int j = 20; j > 0; --j)
            stirling += powl(t, j) / (2 * j + 1);
        assert_close(mote_stirling(k), (double)stirling, 1e-15, 0);
    }
    assert_close(mote_stirling(1), 1 - 0.5 * log(6.283185307179586477), 0, 1e-16);
    assert_true(mote_stirling(0) == 0.0);
    for (int i = -999; i <= 3000; ++i)
        for (double y = i / 1000.0; fabs(y) > 1e-12; y /= 300.0) {
            const long double x = y, small = fabs(y) < 1e-4 ? x * x / 2 - x * x * x / 6 + x * x * x * x / 12 : 0;
            const long double exact = fabs(y) < 1e-4 ? small - x * x * x * x * x / 20 : (1 + x) * log1pl(x) - x;
            assert_close(mote_deviance(y), (double)exact, 1e-14, 0);
            assert_close(mote_log_one_plus(y), log1p(y), 1e-15, 0);
        }
    assert_true(mote_deviance(-1.0) == 1.0 && mote_deviance(0.0) == 0.0);
    const mote_hat poisson = mote_poisson_hat(17.3), binomial = mote_binomial_hat(60, 0.3);
    for (int k = 0; k <= 60; ++k) {
        const double expected = k * log(17.3) - 17.3 - lgamma(k + 1.0);
        assert_close(log_mass(&poisson, k), expected, 0, 1e-13);
        const double at_mode = -lgamma(19) - lgamma(43) + 18 * log(0.3 / 0.7);
        const double mass = -lgamma(k + 1.0) - lgamma(61.0 - k) + k * log(0.3 / 0.7) - at_mode;
        assert_close(log_mass(&binomial, k), mass, 0, 1e-13);
    }
    assert_true(isinf(log_mass(&poisson, -1)) && isinf(log_mass(&binomial, -1)) && isinf(log_mass(&binomial, 61)));
}

/* r <= 1, and r >= squeeze where s >= 0.07; U towards both ends too. Returns the mean of r, the rate of acceptance. */
static double hat_covers(const mote_hat *hat)
{
    enum { GRID = 1000 };
    double mean = 0.0;
    for (int i = 0; i < GRID + 40; ++i) {
        const double end = 0.5 - pow(2.0, -8 - i % 20), u = i < GRID ? (i + 0.5) / GRID - 0.5 : i % 2 ? end : -end;
        const double s = 0.5 - fabs(u), away = (2.0 * hat->a / s + hat->b) * u;
        if (fabs(away) > 0x1p61)
            continue;
        const int64_t k = hat->base + (int64_t)floor(away + (hat->fraction + hat->shift));
        const double r = exp(log_mass(hat, k)) * (hat->a / (s * s) + hat->b) / hat->scale;
        assert_true(r <= 1.0);
        assert_true(s < 0.07 || r >= hat->squeeze);
        mean += i < GRID ? r / GRID : 0.0;
    }
    return mean;
}

static void hats_cover_the_densities(void **state)
{
    (void)state;
    for (int i = 0; i < 600; ++i) {
        const mote_hat hat = mote_poisson_hat(10.0 * pow(10.0, 17.6 * pow(i / 599.0, 2)));
        assert_true(hat_covers(&hat) > 0.73);
    }
    for (int i = 0; i < 100; ++i)
        for (int j = 0; j < 8; ++j) {
            const double mean = 10.001 * pow(10.0, 17.0 * pow(i / 99.0, 2)), p = 0.5 * pow(0.5, j * j / 2.0);
            if (mean / p > 9e18)
                continue;
            const mote_hat hat = mote_binomial_hat((int64_t)ceil(mean / p), p);
            assert_true(hat_covers(&hat) > 0.68);
        }
}

/* ---- ends of the domains ---- */

static void ends_of_the_domains(void **state)
{
    (void)state;
    mote_source source = mote_source_live(10);
    mote_stream stream = mote_stream_open(&source, 0);
    const double huge = 0x1p62;
    for (int i = 0; i < 100; ++i) {
        assert_int_equal(mote_stream_poisson(&stream, 0.0), 0);
        assert_int_equal(mote_stream_binomial(&stream, 0, 0.4), 0);
        assert_int_equal(mote_stream_binomial(&stream, INT64_MAX, 0.0), 0);
        assert_int_equal(mote_stream_binomial(&stream, INT64_MAX, 1.0), INT64_MAX);
        assert_int_equal(mote_stream_negative_binomial(&stream, 0.0, 3.0), 0);
        assert_close((double)mote_stream_poisson(&stream, huge), huge, 0, 7 * sqrt(huge));
        assert_close((double)mote_stream_binomial(&stream, INT64_MAX, 0.5), huge, 0, 7 * sqrt(huge / 2));
        assert_close((double)mote_stream_negative_binomial(&stream, 1e12, INFINITY), 1e12, 0, 7e6);
        assert_close(mote_stream_gamma(&stream, 1e300), 1e300, 1e-15, 0);
        assert_true(mote_stream_log_gamma(&stream, 1e-310) > -1e302);
        assert_true(mote_stream_gamma(&stream, 1e-310) == 0.0);
        assert_true(mote_stream_exponential(&stream) > 0.0);
        assert_true(mote_stream_negative_binomial(&stream, huge, 1e-3) >= 0);
    }
    int64_t beyond = 0;
    for (int i = 0; i < 2000; ++i)
        beyond += mote_stream_negative_binomial(&stream, huge, 0.1) == INT64_MAX;
    assert_true(beyond > 100 && beyond < 600); /* P(gamma(.1) > .1) = .17 */
}

static void wrong_parameters_draw_nothing(void **state)
{
    (void)state;
    mote_source source = mote_source_live(11);
    mote_stream stream = mote_stream_open(&source, 0);
    const mote_stream before = stream;
    const double bad[] = { 0.0, -1.0, NAN, INFINITY, -INFINITY };
    double x[2];
    int64_t k[2];
    for (int i = 0; i < 5; ++i) {
        assert_true(isnan(mote_stream_gamma(&stream, bad[i])) && isnan(mote_stream_log_gamma(&stream, bad[i])));
        assert_true(isnan(mote_stream_inverse_gamma(&stream, bad[i])));
        assert_true(isnan(mote_stream_chi_squared(&stream, bad[i])));
        assert_true(isnan(mote_stream_beta(&stream, bad[i], 1.0)) && isnan(mote_stream_beta(&stream, 1.0, bad[i])));
        assert_true(bad[i] == INFINITY || isnan(mote_stream_student_t(&stream, bad[i])));
        assert_status(mote_stream_dirichlet(&stream, (const double[]){ 1.0, bad[i] }, 2, x), MOTE_EINVAL);
        assert_true(isnan(x[0]) && isnan(x[1]));
        if (bad[i] == 0.0)
            continue;
        assert_int_equal(mote_stream_poisson(&stream, bad[i]), -1);
        assert_int_equal(mote_stream_binomial(&stream, 5, bad[i]), -1);
        assert_int_equal(mote_stream_negative_binomial(&stream, bad[i], 1.0), -1);
        assert_true(bad[i] == INFINITY || mote_stream_negative_binomial(&stream, 1.0, bad[i]) == -1);
        assert_status(mote_stream_multinomial(&stream, 5, (const double[]){ 1.0, bad[i] }, 2, k), MOTE_EINVAL);
        assert_true(k[0] == -1 && k[1] == -1);
    }
    assert_int_equal(mote_stream_poisson(&stream, 0x1.8p62), -1);
    assert_int_equal(mote_stream_binomial(&stream, -1, 0.5), -1);
    assert_int_equal(mote_stream_binomial(&stream, 5, 1.5), -1);
    assert_int_equal(mote_stream_negative_binomial(&stream, 1.0, 0.0), -1);
    assert_status(mote_stream_multinomial(&stream, -1, (const double[]){ 1.0, 1.0 }, 2, k), MOTE_EINVAL);
    assert_status(mote_stream_multinomial(&stream, 1, (const double[]){ 0.0, 0.0 }, 2, k), MOTE_EINVAL);
    assert_status(mote_stream_multinomial(&stream, 1, (const double[]){ 1e308, 1e308 }, 2, k), MOTE_EINVAL);
    assert_status(mote_stream_multinomial(&stream, 1, NULL, 0, NULL), MOTE_EINVAL);
    assert_status(mote_stream_dirichlet(&stream, NULL, 0, NULL), MOTE_EINVAL);
    assert_status(mote_stream_multinomial(&stream, 0, (const double[]){ 1.0, 1.0 }, 2, k), MOTE_OK);
    assert_true(k[0] == 0 && k[1] == 0);
    assert_same_bytes(&stream, &before, sizeof stream);
}

/* The bytes are the same on every machine; tests/core/checksum.sh compares compilers. Tapes give them again. */
static void bytes_are_pinned(void **state)
{
    (void)state;
    mote_source source = mote_source_live(mote_source_key(1, 0)), *inner, *record, *replay;
    assert_status(mote_source_open_live(&inner, 1, 0), MOTE_OK);
    assert_status(mote_source_open_record(&record, inner), MOTE_OK);
    assert_status(mote_source_open_replay(&replay, record), MOTE_OK);
    int wrong = 0;
    for (int i = 0; i < VARIATE_LAWS; ++i) {
        const uint64_t found = variate_checksum(&source, i);
        if (found != variate_expected[i])
            print_error("law %d: UINT64_C(0x%016llx),\n", i, (unsigned long long)found);
        wrong += found != variate_expected[i];
        assert_true(variate_checksum(record, i) == found && variate_checksum(replay, i) == found);
    }
    assert_int_equal(wrong, 0);
    assert_status(mote_source_status(replay), MOTE_OK);
    mote_source_close(&replay);
    mote_source_close(&record);
    mote_source_close(&inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(densities_have_every_digit),
        cmocka_unit_test(hats_cover_the_densities),
        cmocka_unit_test(gammas_follow_their_law),
        cmocka_unit_test(ratios_of_gammas_follow_their_law),
        cmocka_unit_test(dirichlet_vectors_follow_their_law),
        cmocka_unit_test(poisson_counts_follow_their_law),
        cmocka_unit_test(binomial_counts_follow_their_law),
        cmocka_unit_test(negative_binomial_counts_follow_their_law),
        cmocka_unit_test(multinomial_counts_follow_their_law),
        cmocka_unit_test(ends_of_the_domains),
        cmocka_unit_test(wrong_parameters_draw_nothing),
        cmocka_unit_test(bytes_are_pinned),
    };
    return run_unit_tests(tests);
}
