/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Densities and contours: uniform draws are flat up to the ends, levels of a normal law enclose their mass. The draws
 * are random with a fixed seed; with the sizes here the noise (given at each check) is a third of the tolerance or
 * less. Planted bugs that these see: no boundary correction (the ends fall to 1/2), weights not used, bandwidths that
 * ignore the correlation. */
#include "io/density.h"

#include <mote/status.h>

#include "tests/support/test.h"

static mote_memory memory;

static uint64_t state_of_noise;

static double uniform(void) /* splitmix64 */
{
    uint64_t z = state_of_noise += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double normal(void)
{
    double radius = sqrt(-2 * log(uniform()));
    return radius * cos(6.283185307179586 * uniform());
}

/* Ranges come with the parameters as if they were read from a file: NONE with bounds needs no prior. */
static mote_draws *make(int64_t count, double low, double high, int64_t boundary)
{
    const mote_parameter parameters[] = {
        { .name = "x", .argument = { low, high }, .boundary = boundary },
        { .name = "y", .argument = { -INFINITY, INFINITY } },
    };
    mote_draws *draws = mote_draws_create(&memory, parameters, 2, count, 0);
    for (int64_t i = 0; i < count; ++i)
        draws->log_weight[i] = -log((double)count);
    state_of_noise = 20261122;
    return draws;
}

static void uniform_is_flat_up_to_the_edge(void **state)
{
    (void)state;
    mote_draws *draws = make(200000, -3, 5, MOTE_BOUNDARY_HARD);
    mote_density density;
    for (int64_t i = 0; i < draws->count; ++i) {
        draws->columns[0][i] = -3 + 8 * uniform();
        draws->columns[1][i] = normal();
        draws->log_weight[i] += i % 3 ? log(0.6) : log(1.8); /* weights tell nothing about x */
    }
    assert_status(mote_density_1d(draws, 0, &density), MOTE_OK);
    assert_close(density.x.lower, -3, 0, 0);
    assert_close(density.x.lower + density.x.step * (double)(density.x.n - 1), 5, 1e-14, 0);
    for (int64_t i = 0; i < density.x.n; ++i) /* noise at the ends about 1.7 % */
        assert_close(density.values[i], 0.125, 0.05, 0);
    mote_density_free(&density);

    /* Two dimensions: flat along x once summed over y. */
    assert_status(mote_density_2d(draws, 0, 1, &density), MOTE_OK);
    for (int64_t i = 0; i < density.x.n; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < density.y.n; ++j)
            sum += density.values[i * density.y.n + j] * density.y.step;
        assert_close(sum, 0.125, 0.05, 0);
    }
    mote_density_free(&density);
    mote_draws_free(draws);
}

/* Equal mass along the range comes out constant to rounding, whatever the bandwidth: the moments are exact. */
static void regular_draws_are_exactly_flat(void **state)
{
    (void)state;
    enum { PER_NODE = 20 };
    int64_t n = (MOTE_DENSITY_NODES_1D - 1) * PER_NODE;
    mote_draws *draws = make(n, 0, 1, MOTE_BOUNDARY_HARD);
    mote_density density;
    for (int64_t i = 0; i < n; ++i)
        draws->columns[0][i] = ((double)i + 0.5) / (double)n;
    assert_status(mote_density_1d(draws, 0, &density), MOTE_OK);
    for (int64_t i = 0; i < density.x.n; ++i)
        assert_close(density.values[i], 1, 1e-9, 0);
    mote_density_free(&density);
    mote_draws_free(draws);
}

static void exponential_at_its_bound(void **state)
{
    (void)state;
    mote_draws *draws = make(200000, 0, INFINITY, MOTE_BOUNDARY_HARD);
    mote_density density;
    for (int64_t i = 0; i < draws->count; ++i)
        draws->columns[0][i] = -log(uniform());
    assert_status(mote_density_1d(draws, 0, &density), MOTE_OK);
    assert_close(density.x.lower, 0, 0, 0);
    assert_int_equal(density.x.hard_upper, 0);
    assert_close(density.values[0], 1, 0.06, 0); /* noise 2 %, bias of order h^2 below 1 % */
    int64_t one = (int64_t)(1 / density.x.step + 0.5);
    assert_close(density.values[one], exp(-(double)one * density.x.step), 0.03, 0);
    mote_density_free(&density);
    mote_draws_free(draws);
}

static void an_angle_has_no_edge(void **state)
{
    (void)state;
    mote_draws *draws = make(100000, 0, 1, MOTE_BOUNDARY_PERIODIC);
    mote_density density;
    for (int64_t i = 0; i < draws->count; ++i) { /* a normal law around the seam */
        double x = 0.1 * normal();
        draws->columns[0][i] = x - floor(x);
        draws->columns[1][i] = normal();
    }
    assert_status(mote_density_1d(draws, 0, &density), MOTE_OK);
    assert_close(density.values[0], density.values[density.x.n - 1], 0, 0);
    assert_close(density.values[0], 3.989, 0.04, 0);
    assert_close(density.values[density.x.n / 10], density.values[density.x.n - 1 - density.x.n / 10], 0.06, 0);
    mote_density_free(&density);
    assert_status(mote_density_2d(draws, 0, 1, &density), MOTE_OK);
    int64_t middle = density.y.n / 2;
    assert_close(density.values[middle], density.values[(density.x.n - 1) * density.y.n + middle], 0, 0);
    mote_density_free(&density);
    mote_draws_free(draws);
}

/* The density at a point, bilinear. */
static double at(const mote_density *density, double x, double y)
{
    double u = (x - density->x.lower) / density->x.step, v = (y - density->y.lower) / density->y.step;
    int64_t i = (int64_t)u, j = (int64_t)v;
    if (!(u >= 0 && v >= 0) || i >= density->x.n - 1 || j >= density->y.n - 1)
        return 0;
    const double *f = density->values + i * density->y.n + j;
    u -= (double)i;
    v -= (double)j;
    return (1 - u) * ((1 - v) * f[0] + v * f[1]) + u * ((1 - v) * f[density->y.n] + v * f[density->y.n + 1]);
}

/* Signed area (shoelace). */
static double area(const mote_contour *contour, int64_t loop)
{
    double sum = 0;
    int64_t first = contour->start[loop], n = contour->start[loop + 1] - first;
    for (int64_t k = 0; k < n; ++k) {
        int64_t a = first + k, b = first + (k + 1) % n;
        sum += contour->x[a] * contour->y[b] - contour->x[b] * contour->y[a];
    }
    return sum / 2;
}

static double total_area(const mote_density *density, double level)
{
    mote_contour contour;
    double sum = 0;
    assert_status(mote_contour_trace(density, level, &contour), MOTE_OK);
    for (int64_t k = 0; k < contour.loops; ++k)
        sum += area(&contour, k);
    mote_contour_free(&contour);
    return sum;
}

static void check_normal(double r, double tolerance)
{
    mote_draws *draws = make(40000, -INFINITY, INFINITY, MOTE_BOUNDARY_HARD);
    mote_density density;
    for (int64_t i = 0; i < draws->count; ++i) {
        double a = normal(), b = normal();
        draws->columns[0][i] = 10 + 2 * a;
        draws->columns[1][i] = -1 + 0.5 * (r * a + sqrt(1 - r * r) * b);
    }
    assert_status(mote_density_2d(draws, 0, 1, &density), MOTE_OK);
    const double shares[] = { 0.682689492137086, 0.954499736103642 };
    double levels[2];
    assert_status(mote_density_levels(&density, draws, 0, 1, shares, 2, levels), MOTE_OK);
    for (int k = 0; k < 2; ++k) {
        double level = levels[k], inside = 0, exact = 0;
        for (int64_t i = 0; i < draws->count; ++i)
            inside += at(&density, draws->columns[0][i], draws->columns[1][i]) > level;
        assert_close(inside / (double)draws->count, shares[k], 0, 1e-4);
        for (int i = 0; i < 100000; ++i) { /* the mass of the true law inside of the contour */
            double a = normal(), b = normal();
            exact += at(&density, 10 + 2 * a, -1 + 0.5 * (r * a + sqrt(1 - r * r) * b)) > level;
        }
        assert_close(exact / 1e5, shares[k], 0, tolerance);
        double ellipse = -2 * log(1 - shares[k]) * 3.141592653589793 * 2 * 0.5 * sqrt(1 - r * r);
        assert_close(total_area(&density, level), ellipse, 4 * tolerance, 0);
        print_message("r %.1f share %.4f: draws inside %.4f, law inside %.4f, area %.4f of the ellipse's\n", r, shares[k],
                      inside / (double)draws->count, exact / 1e5, total_area(&density, level) / ellipse);
    }
    mote_density_free(&density);
    mote_draws_free(draws);
}

static void levels_of_a_normal_law(void **state)
{
    (void)state;
    check_normal(0, 0.008); /* binomial noise of the two samples .0027 */
    check_normal(0.9, 0.008);
}

/* A ring: a contour with a hole, whose area is negative; and weights that are not equal. */
static void ring_and_weights(void **state)
{
    (void)state;
    mote_draws *draws = make(100000, -INFINITY, INFINITY, MOTE_BOUNDARY_HARD);
    mote_density density;
    mote_contour contour;
    double level;
    for (int64_t i = 0; i < draws->count; ++i) {
        double x = 6 * uniform() - 3, y = 6 * uniform() - 3, radius = sqrt(x * x + y * y);
        draws->columns[0][i] = x;
        draws->columns[1][i] = y;
        draws->log_weight[i] = -50 * (radius - 2) * (radius - 2);
    }
    double sum = mote_log_sum(draws->log_weight, draws->count);
    for (int64_t i = 0; i < draws->count; ++i)
        draws->log_weight[i] -= sum;
    assert_status(mote_density_2d(draws, 0, 1, &density), MOTE_OK);
    assert_status(mote_density_levels(&density, draws, 0, 1, (double[]){ 0.9545 }, 1, &level), MOTE_OK);
    assert_status(mote_contour_trace(&density, level, &contour), MOTE_OK);
    assert_int_equal(contour.loops, 2);
    double one = area(&contour, 0), two = area(&contour, 1);
    double outer = one > two ? one : two, inner = one > two ? two : one;
    assert_true(outer > 3.1416 * 2.1 * 2.1 && outer < 3.1416 * 2.7 * 2.7);
    assert_true(inner < -3.1416 * 1.3 * 1.3 && inner > -3.1416 * 1.9 * 1.9);
    mote_contour_free(&contour);
    mote_density_free(&density);
    mote_draws_free(draws);
}

/* A contour that leaves through a hard edge is closed along it. */
static void contour_closes_along_the_frame(void **state)
{
    (void)state;
    double values[] = { 1, 1, 1, 1, 1, 1 };
    mote_density density = { &memory, { .n = 3, .lower = 1, .step = 0.5 }, { .n = 2, .lower = 0, .step = 2 }, values, 1 };
    assert_close(total_area(&density, 0.5), 2, 1e-14, 0);
    assert_close(total_area(&density, 2), 0, 0, 0);
    double half[] = { 1, 1, 1, 1, 0, 0 }; /* falls to 0 over the last cell: level .25 at 3/4 of it */
    density.values = half;
    assert_close(total_area(&density, 0.25), 1 + 0.75, 1e-14, 0);
    double saddle[] = { 1, 0, 0, 1 };
    density = (mote_density){ &memory, { .n = 2, .step = 1 }, { .n = 2, .step = 1 }, saddle, 1 };
    assert_close(total_area(&density, 0.4), 1 - 2 * 0.5 * 0.4 * 0.4, 1e-14, 0); /* joined: two corners cut off */
    assert_close(total_area(&density, 0.6), 2 * 0.5 * 0.4 * 0.4, 1e-14, 0);     /* apart: two corners */
}

static void no_density(void **state)
{
    (void)state;
    mote_density density;
    mote_draws *draws = make(3, 0, 10, MOTE_BOUNDARY_HARD);
    for (int i = 0; i < 3; ++i)
        draws->columns[0][i] = 4;
    assert_status(mote_density_1d(draws, 0, &density), MOTE_EINVAL); /* all equal */
    assert_status(mote_density_1d(draws, 2, &density), MOTE_EINVAL);
    assert_status(mote_density_2d(draws, 0, 1, &density), MOTE_EINVAL);
    draws->columns[0][0] = NAN;
    assert_status(mote_density_1d(draws, 0, &density), MOTE_EINVAL);
    draws->columns[0][0] = 1;
    draws->log_weight[0] = -INFINITY; /* one value left */
    assert_status(mote_density_1d(draws, 0, &density), MOTE_EINVAL);
    mote_draws_free(draws);
    draws = make(0, 0, 10, MOTE_BOUNDARY_HARD);
    assert_status(mote_density_1d(draws, 0, &density), MOTE_EINVAL);
    mote_draws_free(draws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uniform_is_flat_up_to_the_edge), cmocka_unit_test(regular_draws_are_exactly_flat),
        cmocka_unit_test(exponential_at_its_bound),       cmocka_unit_test(an_angle_has_no_edge),
        cmocka_unit_test(levels_of_a_normal_law),         cmocka_unit_test(ring_and_weights),
        cmocka_unit_test(contour_closes_along_the_frame), cmocka_unit_test(no_density),
    };
    mote_memory_open(&memory, NULL);
    return run_unit_tests(tests);
}
