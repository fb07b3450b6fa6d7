/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exp, log, sincos over their full range against long double; the same bits from every build that this processor runs;
 * the law of the normals (fixed address, so that nothing here fails by chance: rates are those of a fresh address). */
#include <mote/maths.h>
#include <stdlib.h>

#include "core/vector.h"
#include "core/vector_inline.h"
#include "core/vector_variants.h"
#include "tests/core/checksum.h"
#include "tests/support/test.h"

enum { N = 65536 };
static double x[N], y[N];

/* What long double itself may err by: nothing worth a mention with 64 bits; where it has no more than a double, which is
 * so under valgrind and on some machines, the rounding of the argument too. */
static double oracle_error(void)
{
    volatile long double one = 1;
    return one + 0x1p-60L > one ? 0 : 1e-15;
}

static void fill(double from, double to)
{
    for (int i = 0; i < N; ++i)
        x[i] = from + (to - from) * i / (N - 1);
}

/* Largest relative error of y = exp(x); in units of the smallest number where the result is subnormal. */
static void exp_error(double *relative, double *subnormal)
{
    for (int i = 0; i < N; ++i) {
        long double exact = expl((long double)x[i]), difference = fabsl(y[i] - exact);
        if (exact < 0x1p-1022L)
            *subnormal = fmax(*subnormal, (double)(difference / 0x1p-1074L));
        else
            *relative = fmax(*relative, (double)(difference / exact));
    }
}

static void exp_full_range(void **state)
{
    (void)state;
    double relative = 0, subnormal = 0;
    for (int slice = 0; slice < 8; ++slice) {
        fill(-745.2 + slice * 181.8, -745.2 + (slice + 1) * 181.8 < 709.78 ? -745.2 + (slice + 1) * 181.8 : 709.78);
        mote_vector()->exp(y, x, N);
        exp_error(&relative, &subnormal);
    }
    for (int sign = -1; sign <= 1; sign += 2) { /* small arguments of every magnitude */
        for (int i = 0; i < N; ++i)
            x[i] = sign * ldexp(1.0 + (double)(i % 1024) / 1024, i / 1024 - 63);
        mote_vector()->exp(y, x, N);
        exp_error(&relative, &subnormal);
    }
    print_message("exp: largest relative error %.3g, %.3g units where subnormal\n", relative, subnormal);
    assert_true(relative < 2.0e-16 + oracle_error());
    assert_true(subnormal < 1.0 || oracle_error() > 0);
}

static void exp_edges(void **state)
{
    (void)state;
    assert_true(mote_exp(0.0) == 1.0 && mote_exp(-0.0) == 1.0);
    assert_true(mote_bits_of(mote_exp(-INFINITY)) == 0); /* +0 exactly */
    assert_true(mote_exp(INFINITY) == INFINITY && mote_exp(1e308) == INFINITY && mote_exp(-1e308) == 0.0);
    assert_true(isnan(mote_exp(NAN)));
    assert_true(mote_exp(0x1.62e42fefa39efp+9) < INFINITY);  /* the largest argument with a finite result */
    assert_true(mote_exp(0x1.62e42fefa39f0p+9) == INFINITY); /* and its neighbour */
    assert_true(mote_exp(-0x1.74910d52d3051p+9) == 0x1p-1074); /* the smallest with a result above 0 */
    assert_true(mote_exp(-0x1.74910d52d3052p+9) == 0.0);
    assert_true(mote_exp(0x1p-1074) == 1.0 && mote_exp(-0x1p-60) == 1.0);
}

static double log_error(void)
{
    double worst = 0;
    for (int i = 0; i < N; ++i) {
        long double exact = logl((long double)x[i]);
        double error = (double)fabsl((y[i] - exact) / exact);
        if (!(error <= worst) && !(exact == 0 && y[i] == 0))
            worst = error;
    }
    return worst;
}

static void log_full_range(void **state)
{
    (void)state;
    double worst = 0;
    for (int slice = 0; slice < 4; ++slice) { /* evenly over the bit patterns of all positive numbers */
        const uint64_t step = UINT64_C(0x7fefffffffffffff) / (4 * (uint64_t)N);
        for (int i = 0; i < N; ++i)
            x[i] = mote_double_of(1 + ((uint64_t)slice * N + (uint64_t)i) * step);
        mote_vector()->log(y, x, N);
        worst = fmax(worst, log_error());
    }
    for (int i = 0; i < N; ++i) /* subnormal numbers of every magnitude */
        x[i] = ldexp(1.0 + (double)(i % 1024) / 1024, i / 1024 - 1074);
    mote_vector()->log(y, x, N);
    worst = fmax(worst, log_error());
    for (int i = 0; i < N; ++i) /* around 1, at every distance */
        x[i] = 1.0 + (i & 1 ? -1 : 1) * ldexp(1.0 + (double)(i / 2 % 512) / 512, i / 1024 - 65);
    mote_vector()->log(y, x, N);
    worst = fmax(worst, log_error());
    fill(0.5, 2.0);
    mote_vector()->log(y, x, N);
    worst = fmax(worst, log_error());
    print_message("log: largest relative error %.3g\n", worst);
    assert_true(worst < 2.5e-16 + oracle_error());
}

static void log_edges(void **state)
{
    (void)state;
    assert_true(mote_log(0.0) == -INFINITY && mote_log(-0.0) == -INFINITY);
    assert_true(mote_log(INFINITY) == INFINITY && isnan(mote_log(NAN)));
    assert_true(isnan(mote_log(-1.0)) && isnan(mote_log(-INFINITY)) && isnan(mote_log(-0x1p-1074)));
    assert_true(mote_bits_of(mote_log(1.0)) == 0);
    assert_close(mote_log(0x1p-1074), (double)logl(0x1p-1074L), 1e-15, 0);
    assert_close(mote_log(0x1.fffffffffffffp+1023), (double)logl(0x1.fffffffffffffp+1023L), 1e-15, 0);
}

static void sincos_full_turn(void **state)
{
    const long double turn = 6.283185307179586476925286766559005768L;
    double worst = 0;
    (void)state;
    for (int i = 0; i < N; ++i) {
        double v = (i + 0.5) / N, sine, cosine;
        mote_sincos_2pi(v, &sine, &cosine);
        worst = fmax(worst, (double)fabsl(sine - sinl(turn * v)));
        worst = fmax(worst, (double)fabsl(cosine - cosl(turn * v)));
    }
    print_message("sincos: largest error %.3g\n", worst);
    assert_true(worst < 2.0e-16 + oracle_error());
    for (int quarter = 0; quarter < 4; ++quarter) {
        double sine, cosine;
        mote_sincos_2pi(quarter / 4.0, &sine, &cosine);
        assert_true(sine == (quarter % 2 ? 2 - quarter : 0));
        assert_true(cosine == (quarter % 2 ? 0 : 1 - quarter));
    }
}

static void uniforms_are_inside(void **state)
{
    (void)state;
    assert_true(mote_uniform_inline(0) == 0x1p-53);
    assert_true(mote_uniform_inline(UINT64_MAX) == 1.0 - 0x1p-53);
    assert_true(mote_uniform_inline(UINT64_C(1) << 63) == 0.5 + 0x1p-53);
}

/* -2 log u for u next to 0 and next to 1, where a careless logarithm loses all digits or takes the root of < 0. */
static void radius_at_the_ends(void **state)
{
    double worst = 0;
    (void)state;
    for (uint64_t i = 0; i < 64; ++i)
        for (uint64_t j = 0; j < 1024; ++j) {
            uint64_t bits = (j << 54 | UINT64_C(0x2a5f3c19d7e481)) >> i;
            double u = mote_uniform_inline(j & 1 ? ~bits : bits);
            long double exact = sqrtl(-2 * logl((long double)u));
            worst = fmax(worst, (double)fabsl((mote_radius_inline(u) - exact) / exact));
        }
    print_message("radius: largest relative error %.3g\n", worst);
    assert_true(worst < 3.5e-16 + oracle_error());
}

/* Every build against the first, on the special values and on random bit patterns. */
static void builds_agree(void **state)
{
    static const double special[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, 0x1p-1074, -0x1p-1074, 0x1p-1022, 1.0, -1.0,
                                      709.782712893384, 709.7827128933841, -745.1332191019411, -745.1332191019412,
                                      -708.4, 1e308, -1e308, 0x1.fffffffffffffp+1023 };
    enum { SPECIAL = sizeof special / sizeof *special };
    static double log_first[N], exp_first[N], out[N];
    const mote_vector_table *table;
    (void)state;
    mote_vector_baseline.philox_bits((uint64_t *)(void *)x, 5, 3, 0, 0, 0, N);
    for (int i = 0; i < N; ++i) /* half of them with exponents at which exp does something */
        if (i & 1)
            x[i] = mote_double_of((mote_bits_of(x[i]) & UINT64_C(0x807fffffffffffff)) | UINT64_C(0x4000000000000000));
    memcpy(x, special, sizeof special);
    mote_vector_baseline.log(log_first, x, N);
    mote_vector_baseline.exp(exp_first, x, N);
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        table->log(out, x, N);
        assert_same_bytes(out, log_first, sizeof out);
        table->exp(out, x, N);
        assert_same_bytes(out, exp_first, sizeof out);
        for (int i = 0; i < N; i += i < SPECIAL ? 1 : 37) {
            double one[2] = { table->one_log(x[i]), table->one_exp(x[i]) };
            assert_same_bytes(&one[0], &log_first[i], sizeof(double));
            assert_same_bytes(&one[1], &exp_first[i], sizeof(double));
        }
    }
    for (int i = 0; i < N; ++i) /* the exported twins and the inline functions as this file compiles them */
        if (!isnan(x[i]) && i % 37 == 0)
            assert_true(mote_bits_of(mote_exp(x[i])) == mote_bits_of(mote_exp_inline(x[i])) &&
                        mote_bits_of(mote_log(x[i])) == mote_bits_of(mote_log_inline(x[i])));
}

/* One special number among ordinary ones, at every place and length: groups that are evaluated together change nothing. */
static void neighbours_do_not_matter(void **state)
{
    static const double special[] = { INFINITY, -INFINITY, NAN, -0.0, 703.9, 704.0, 709.7, 710.0, -703.9, -704.0, -708.4, -745.1, -1e9 };
    enum { LONGEST = 97 };
    double in[LONGEST], out[LONGEST];
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int n = 1; n <= LONGEST; n += n < 40 ? 1 : 19)
            for (int k = 0; k < (int)(sizeof special / sizeof *special); ++k) {
                for (int i = 0; i < n; ++i)
                    in[i] = sin(i + n) * 40;
                in[(7 * k + n) % n] = special[k];
                table->exp(out, in, n);
                for (int i = 0; i < n; ++i) {
                    const double one = mote_vector_baseline.one_exp(in[i]);
                    assert_same_bytes(&out[i], &one, sizeof one);
                }
                table->exp(in, in, n);
                assert_same_bytes(in, out, (size_t)n * sizeof *in);
            }
}

static void checksum_of_builds(void **state)
{
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        print_message("checksum of %s\n", table->name);
        assert_true(checksum(table) == CHECKSUM_EXPECTED);
    }
}

/* Normals straight from words equal Box-Muller of the uniforms of the same block. */
static void normals_are_box_muller(void **state)
{
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        table->philox_uniforms(x, 7, 3, 1, 4, 0, N);
        table->box_muller(y, x, N);
        table->philox_normals(x, 7, 3, 1, 4, 0, N);
        assert_same_bytes(x, y, sizeof x);
    }
}

/* Any cut of a range of particles gives the same numbers. */
static void ranges_cut_anywhere(void **state)
{
    static double whole[2048], part[2048];
    static uint64_t whole_bits[2048], part_bits[2048];
    const mote_vector_table *table;
    (void)state;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        table->philox_normals(whole, 11, 3, 1, 0, 0, 2048);
        table->philox_bits(whole_bits, 11, 3, 1, 0, 0, 2048);
        for (int64_t first = 0; first < 40; ++first)
            for (int64_t n = 0; n < 2000; n = n < 70 ? n + 1 : n * 2 + 1) {
                part[n] = -99.0;
                part_bits[n] = 99;
                table->philox_normals(part, 11, 3, 1, 0, first, n);
                table->philox_bits(part_bits, 11, 3, 1, 0, first, n);
                assert_same_bytes(part, whole + first, (size_t)n * sizeof *part);
                assert_same_bytes(part_bits, whole_bits + first, (size_t)n * sizeof *part_bits);
                assert_true(part[n] == -99.0 && part_bits[n] == 99); /* nothing behind the range */
            }
    }
}

static int ascending(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

/* Kolmogorov and Smirnov's distance to the standard normal, times sqrt(n): above 1.95 with probability 1e-3. */
static double distance_to_normal(double *sample, int n)
{
    double worst = 0;
    qsort(sample, (size_t)n, sizeof *sample, ascending);
    for (int i = 0; i < n; ++i) {
        double cdf = 0.5 * erfc(-sample[i] / sqrt(2.0));
        worst = fmax(worst, fmax(cdf - (double)i / n, (double)(i + 1) / n - cdf));
    }
    return worst * sqrt(n);
}

enum { POINTS = 131, COORDINATES = 5 }; /* POINTS: blocks of 64 and of 8, and a rest */

/* |W (x - mean)|^2 of point i of columns, term by term. */
static double naive_radius(const double *value, int64_t i, const double *mean, const double *lower)
{
    double sum = 0;
    for (int64_t row = 0; row < COORDINATES; ++row) {
        double z = 0;
        for (int64_t j = 0; j <= row; ++j)
            z += lower[row * COORDINATES + j] * (value[j * POINTS + i] - mean[j]);
        sum += z * z;
    }
    return sum;
}

/* Weighted mean and covariance, the points as columns, term by term. */
static void naive_moments(const double *value, int64_t n, const double *weight, double total, double *mean,
                          double *covariance)
{
    for (int64_t j = 0; j < COORDINATES; ++j) {
        mean[j] = 0;
        for (int64_t i = 0; i < n; ++i)
            mean[j] += weight[i] * value[j * POINTS + i] / total;
    }
    for (int64_t j = 0; j < COORDINATES; ++j)
        for (int64_t k = 0; k < COORDINATES; ++k) {
            double sum = 0;
            for (int64_t i = 0; i < n; ++i)
                sum += weight[i] * (value[j * POINTS + i] - mean[j]) * (value[k * POINTS + i] - mean[k]);
            covariance[j * COORDINATES + k] = sum / total;
        }
}

/* Any number of points and coordinates up to the largest: blocks, groups and rests of every size. */
static void moments_are_naive_sums(void **state)
{
    enum { SQUARE = COORDINATES * COORDINATES };
    (void)state;
    const mote_vector_table *table;
    double first[POINTS + 1][COORDINATES + SQUARE], weight[POINTS], scratch[POINTS];
    double mean[COORDINATES], covariance[SQUARE];
    mote_vector()->philox_normals(x, 10, 1, 0, 0, 0, 4096);
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int64_t n = 1; n <= POINTS; ++n) {
            double out[COORDINATES + SQUARE] = { 0 }, total = 0;
            int64_t d = n % COORDINATES + 1;
            for (int64_t i = 0; i < n; ++i)
                total += weight[i] = (double)(i % 3) + (n < 3);
            naive_moments(x, n, weight, total, mean, covariance);
            table->moments(out, out + COORDINATES, x, POINTS, n, d, weight, total, scratch);
            for (int64_t j = 0; j < d; ++j) {
                assert_close(out[j], mean[j], 1e-13, 1e-13);
                for (int64_t k = 0; k < d; ++k)
                    assert_close(out[COORDINATES + j * d + k], covariance[j * COORDINATES + k], 1e-12, 1e-12);
            }
            if (v == 0)
                memcpy(first[n], out, sizeof out);
            assert_same_bytes(first[n], out, sizeof out);
        }
}

/* Sums by side, and columns of chosen rows less their mean: from the first point to the last, to the bit. */
static void sums_run_from_the_first_point_on(void **state)
{
    enum { ROWS = 57, D = 13, PADDED = 16 };
    (void)state;
    const mote_vector_table *table;
    double row[ROWS * PADDED], out[2 * D], sum[2 * D] = { 0 }, column[D * ROWS], mean[D], all[D] = { 0 };
    int64_t side[ROWS], index[ROWS];
    mote_vector()->philox_normals(row, 11, 1, 0, 0, 0, ROWS * PADDED);
    for (int64_t i = 0; i < ROWS; ++i) {
        side[i] = row[i * PADDED] > 0.3;
        index[i] = i * 23 % (ROWS - 15); /* the last rows of D doubles end before the ROWS * PADDED that there are */
        for (int64_t j = 0; j < D; ++j) {
            sum[side[i] * D + j] += row[i * PADDED + j];
            all[j] += row[index[i] * D + j];
        }
    }
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        table->side_sums(out, row, PADDED, ROWS, D, side);
        assert_same_bytes(out, sum, sizeof out);
        table->gather(column, ROWS, ROWS, D, row, index, mean);
        for (int64_t j = 0; j < D; ++j) {
            assert_true(mean[j] == all[j] / ROWS);
            for (int64_t i = 0; i < ROWS; ++i)
                assert_true(column[j * ROWS + i] == row[index[i] * D + j] - mean[j]);
        }
    }
}

/* W x in place is what the radius around 0 measures. */
static void whitened_points_have_the_radius(void **state)
{
    (void)state;
    const mote_vector_table *table;
    double value[COORDINATES * POINTS], out[POINTS], first[POINTS], *lower = x + 1024, zero[COORDINATES] = { 0 };
    mote_vector()->philox_normals(x, 12, 1, 0, 0, 0, 4096);
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        memcpy(value, x, sizeof value);
        table->whiten(out, value, POINTS, POINTS, COORDINATES, lower);
        for (int64_t i = 0; i < POINTS; ++i) {
            double sum = 0;
            for (int64_t j = 0; j < COORDINATES; ++j)
                sum += value[j * POINTS + i] * value[j * POINTS + i];
            assert_close(out[i], naive_radius(x, i, zero, lower), 1e-11, 1e-13);
            assert_close(out[i], sum, 1e-13, 0);
        }
        if (v == 0)
            memcpy(first, out, sizeof first);
        assert_same_bytes(first, out, sizeof first);
    }
}

/* Sides, members and largest values against plain loops, for every length; NaN is never the largest. */
static void choices_are_plain_ones(void **state)
{
    (void)state;
    const mote_vector_table *table;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int64_t n = 0; n <= 70; ++n) {
            uint64_t word[140];
            double near[70], far[70], weight[70], expected = 2;
            int64_t side[70], before[70], moved = 0, count = 0;
            table->philox_bits(word, 6, 1, 0, (uint32_t)n, 0, 140);
            for (int64_t i = 0; i < n; ++i) {
                near[i] = (double)(word[2 * i] % 8);
                far[i] = word[2 * i + 1] % 9 == 8 ? NAN : (double)(word[2 * i + 1] % 9);
                side[i] = before[i] = (int64_t)(word[2 * i] >> 32) % 3 - 1;
            }
            moved = table->side(side, near, 3, far, 2, n);
            for (int64_t i = 0; i < n; ++i) {
                assert_int_equal(side[i], 2 * far[i] < 3 * near[i]);
                moved -= side[i] != before[i];
                count += side[i];
            }
            assert_int_equal(moved, 0);
            assert_int_equal(table->members(weight, side, 0, n), n - count);
            for (int64_t i = 0; i < n; ++i) {
                assert_true(weight[i] == (double)(side[i] == 0));
                expected = side[i] == 1 && far[i] > expected ? far[i] : expected;
            }
            assert_true(table->largest_member(far, weight, 0, 2, n) == expected);
        }
}

static void columns_are_naive_sums(void **state)
{
    (void)state;
    const double identity[COORDINATES * COORDINATES] = { [0] = 1, [6] = 1, [12] = 1, [18] = 1, [24] = 1 };
    const mote_vector_table *table;
    double first[2 * POINTS], out[2 * POINTS], *value = x, *lower = x + 1024, *mean = x + 2048;
    mote_vector()->philox_normals(x, 9, 1, 0, 0, 0, 4096);
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v) {
        for (int64_t n = 0; n <= POINTS; ++n) {
            double product = 0;
            for (int64_t i = 0; i < n; ++i)
                product += value[i] * lower[i];
            assert_close(table->product(value, lower, n), product, 0, 1e-12);
        }
        table->distance(out, value, POINTS, POINTS, COORDINATES, mean);
        table->radius(out + POINTS, value, POINTS, POINTS, COORDINATES, mean, lower);
        for (int64_t i = 0; i < POINTS; ++i) {
            assert_close(out[i], naive_radius(value, i, mean, identity), 1e-13, 0);
            assert_close(out[POINTS + i], naive_radius(value, i, mean, lower), 1e-11, 1e-13);
        }
        if (v == 0)
            memcpy(first, out, sizeof first);
        assert_same_bytes(first, out, sizeof first);
    }
}

/* Ties, points that are taken (negative), none left: against the plain loop, for every length. */
static void nearest_is_the_first_smallest(void **state)
{
    (void)state;
    const mote_vector_table *table;
    for (int64_t v = 0; (table = mote_vector_variant(v)); ++v)
        for (int64_t n = 0; n <= 40; ++n)
            for (int64_t round = 0; round < 50; ++round) {
                uint64_t word[80];
                double key[40], distance[40], expected[40], farthest = 0;
                int64_t nearest = -1;
                table->philox_bits(word, 5, 1, (uint32_t)round, (uint32_t)n, 0, 80);
                for (int64_t i = 0; i < n; ++i) {
                    distance[i] = (double)(word[2 * i] % 8);
                    key[i] = word[2 * i + 1] % (round % 5 + 1) ? -1 : (double)(word[2 * i + 1] % 9);
                    key[i] = key[i] == 8 ? INFINITY : key[i];
                    expected[i] = fmin(key[i], distance[i]);
                    farthest = fmax(farthest, expected[i]);
                    if (expected[i] >= 0 && (nearest < 0 || expected[i] < expected[nearest]))
                        nearest = i;
                }
                assert_int_equal(table->nearest(key, distance, n), nearest);
                assert_true(table->farthest(key, n) == farthest);
                assert_same_bytes(key, expected, (size_t)n * sizeof *key);
            }
}

/* Moments to four standard errors (sd of x, x^2, x^3, x^4: 1, sqrt 2, sqrt 15, sqrt 96), tails beyond 3 and 4, products
 * of the two members of a pair: each fails by chance at 6e-5. A generator whose fourth moment is 4 with the right
 * variance, which reassociation once produced, is 400 standard errors off. */
static void law_of_normals(void **state)
{
    enum { BLOCKS = 16 };
    const double n = (double)N * BLOCKS;
    double moment[5] = { 0 }, pairs = 0, squares = 0, beyond3 = 0, beyond4 = 0, distance = 0;
    (void)state;
    for (uint32_t block = 0; block < BLOCKS; ++block) {
        mote_vector()->philox_normals(x, 2026, 3, block, 0, 0, N);
        for (int i = 0; i < N; ++i) {
            double power = 1;
            for (int k = 1; k <= 4; ++k)
                moment[k] += power *= x[i];
            beyond3 += fabs(x[i]) > 3;
            beyond4 += fabs(x[i]) > 4;
        }
        for (int i = 0; i < N; i += 2) {
            pairs += x[i] * x[i + 1];
            squares += (x[i] * x[i] - 1) * (x[i + 1] * x[i + 1] - 1);
        }
        distance = fmax(distance, distance_to_normal(x, N));
    }
    assert_true(fabs(moment[1] / n) < 4 * 1 / sqrt(n));
    assert_true(fabs(moment[2] / n - 1) < 4 * sqrt(2 / n));
    assert_true(fabs(moment[3] / n) < 4 * sqrt(15 / n));
    assert_true(fabs(moment[4] / n - 3) < 4 * sqrt(96 / n));
    const double tail3 = erfc(3 / sqrt(2.0)), tail4 = erfc(4 / sqrt(2.0));
    assert_true(fabs(beyond3 / n - tail3) < 4 * sqrt(tail3 / n));
    assert_true(fabs(beyond4 / n - tail4) < 4 * sqrt(tail4 / n));
    assert_true(fabs(pairs / (n / 2)) < 4 / sqrt(n / 2));
    assert_true(fabs(squares / (n / 2)) < 4 * 2 / sqrt(n / 2));
    assert_true(distance < 2.3); /* the largest of 16: 1.6e-3 */
}

/* The public names: single known answers, the ends of the range, in place, nothing for n = 0. */
static void public_exp_and_log(void **state)
{
    const double arguments[] = { 0, 1, -1, -INFINITY, INFINITY, 710, -746, NAN }, numbers[] = { 1, 10, 0, -1, INFINITY, 5e-324 };
    const double powers[] = { 1, 2.7182818284590452354, 0.36787944117144232160, 0, INFINITY, INFINITY, 0 };
    const double logs[] = { 0, 2.3025850929940456840, -INFINITY, NAN, INFINITY, -744.44007192138126231 };
    double out[8] = { 7 };
    (void)state;
    mote_exp_array(out, arguments, 0);
    assert_true(out[0] == 7);
    mote_exp_array(out, arguments, 8);
    for (int i = 0; i < 7; ++i)
        assert_true(out[i] == powers[i] || fabs(out[i] / powers[i] - 1) <= 2.3e-16);
    assert_true(isnan(out[7]));
    memcpy(out, numbers, sizeof numbers);
    mote_log_array(out, out, 6);
    for (int i = 0; i < 6; ++i)
        assert_true(isnan(logs[i]) ? isnan(out[i]) : out[i] == logs[i] || fabs(out[i] / logs[i] - 1) <= 2.3e-16);
    fill(-700, 700);
    mote_exp_array(y, x, N);
    mote_log_array(y, y, N);
    for (int i = 0; i < N; ++i)
        assert_close(y[i], x[i], 0, 3e-16 * fmax(1, fabs(x[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_exp_and_log),
        cmocka_unit_test(exp_full_range),         cmocka_unit_test(exp_edges),
        cmocka_unit_test(log_full_range),         cmocka_unit_test(log_edges),
        cmocka_unit_test(sincos_full_turn),       cmocka_unit_test(uniforms_are_inside),
        cmocka_unit_test(radius_at_the_ends),     cmocka_unit_test(builds_agree),
        cmocka_unit_test(neighbours_do_not_matter),
        cmocka_unit_test(checksum_of_builds),     cmocka_unit_test(normals_are_box_muller),
        cmocka_unit_test(ranges_cut_anywhere),    cmocka_unit_test(law_of_normals),
        cmocka_unit_test(columns_are_naive_sums), cmocka_unit_test(nearest_is_the_first_smallest),
        cmocka_unit_test(moments_are_naive_sums), cmocka_unit_test(sums_run_from_the_first_point_on),
        cmocka_unit_test(choices_are_plain_ones), cmocka_unit_test(whitened_points_have_the_radius),
    };
    return run_unit_tests(tests);
}
