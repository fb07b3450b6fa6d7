/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Densities of two parameters: a Gaussian kernel with bandwidths s_x n^(-1/6), s_y n^(-1/6) and the correlation r of the
 * draws (held below 0.995), which is the optimal kernel of a normal law: narrow ridges stay narrow and smooth. With
 * offsets u, v in nodes, K = exp(-(U^2 - 2 r U V + V^2) / (2 (1 - r^2))), U = u step_x / h_x; entries below e^-8 are
 * left out. At bounds the local-linear estimate (head of density.c): f solves
 *     | a00 a10 a01 | | f  |   | b00 |      a_kl = sum K u^k v^l over the nodes inside of the range,
 *     | a10 a20 a11 | | .. | = | b10 |      b_kl = the same over the mass,
 *     | a01 a11 a02 | | .. |   | b01 |
 * kept positive as f0 exp(f/f0 - 1). */
#include <math.h>
#include <mote/status.h>
#include <string.h>

#include "io/density.h"
#include "io/density_parts.h"

static const double strongest = 0.995;

/* One entry of the kernel: offsets in nodes, weight. */
struct entry {
    int64_t u, v;
    double weight;
};

struct kernel {
    double r;
    int64_t reach_x, reach_y, count;
    struct entry *entries;
};

static int64_t reach(const mote_axis *axis)
{
    int64_t nodes = (int64_t)ceil(4 * axis->bandwidth / axis->step);
    return nodes < axis->n - 1 ? nodes : axis->n - 1;
}

static int make_kernel(const mote_density *density, double r, struct kernel *kernel)
{
    const mote_axis *x = &density->x, *y = &density->y;
    *kernel = (struct kernel){ r, reach(x), reach(y), 0, NULL };
    kernel->entries = mote_memory_allocate(density->memory, (2 * kernel->reach_x + 1) * (2 * kernel->reach_y + 1),
                                           sizeof *kernel->entries);
    if (!kernel->entries)
        return MOTE_ENOMEM;
    for (int64_t u = -kernel->reach_x; u <= kernel->reach_x; ++u)
        for (int64_t v = -kernel->reach_y; v <= kernel->reach_y; ++v) {
            double a = (double)u * x->step / x->bandwidth, b = (double)v * y->step / y->bandwidth;
            double exponent = (a * a - 2 * r * a * b + b * b) / (2 * (1 - r * r));
            if (exponent <= 8)
                kernel->entries[kernel->count++] = (struct entry){ u, v, exp(-exponent) };
        }
    return MOTE_OK;
}

/* Sums of the kernel (a) and of the mass under it (b) around a node: 1, u, v, u^2, u v, v^2. */
struct moments {
    double a[6], b[3];
};

static struct moments gather(const mote_density *density, const struct kernel *kernel, const double *mass, int64_t i,
                             int64_t j)
{
    struct moments m = { { 0 }, { 0 } };
    for (int64_t k = 0; k < kernel->count; ++k) {
        const struct entry *e = &kernel->entries[k];
        int64_t p = mote_axis_node(&density->x, i + e->u), q = mote_axis_node(&density->y, j + e->v);
        double u = (double)e->u, v = (double)e->v;
        double a = e->weight * mote_axis_share(&density->x, i + e->u) * mote_axis_share(&density->y, j + e->v);
        double b = p < 0 || q < 0 ? 0 : e->weight * mass[p * density->y.n + q];
        m.a[0] += a;
        m.a[1] += a * u;
        m.a[2] += a * v;
        m.a[3] += a * u * u;
        m.a[4] += a * u * v;
        m.a[5] += a * v * v;
        m.b[0] += b;
        m.b[1] += b * u;
        m.b[2] += b * v;
    }
    return m;
}

/* Cramer's rule for the first unknown. */
static double solve(const struct moments *m)
{
    const double *a = m->a, *b = m->b;
    double c0 = a[3] * a[5] - a[4] * a[4], c1 = a[1] * a[5] - a[2] * a[4], c2 = a[1] * a[4] - a[2] * a[3];
    double determinant = a[0] * c0 - a[1] * c1 + a[2] * c2, plain = b[0] / a[0];
    double linear = (b[0] * c0 - b[1] * c1 + b[2] * c2) / determinant;
    return determinant > 0 && plain > 0 && isfinite(linear) ? plain * exp(linear / plain - 1) : plain;
}

/* Inside, the kernel sums to a constant and the linear terms vanish. */
static double smooth_inside(const mote_density *density, const struct kernel *kernel, const double *mass, int64_t i,
                            int64_t j)
{
    double a = 0, b = 0;
    const double *at = mass + i * density->y.n + j;
    for (int64_t k = 0; k < kernel->count; ++k) {
        const struct entry *e = &kernel->entries[k];
        a += e->weight;
        b += e->weight * at[e->u * density->y.n + e->v];
    }
    return b / a;
}

static int is_inside(const mote_axis *axis, int64_t i, int64_t reach_nodes)
{
    return i > reach_nodes && i < axis->n - 1 - reach_nodes;
}

static void smooth(mote_density *density, const struct kernel *kernel, double *mass)
{
    memcpy(mass, density->values, (size_t)mote_density_nodes(density) * sizeof *mass);
    for (int64_t i = 0; i < density->x.n; ++i)
        for (int64_t j = 0; j < density->y.n; ++j) {
            double *value = &density->values[i * density->y.n + j];
            if (is_inside(&density->x, i, kernel->reach_x) && is_inside(&density->y, j, kernel->reach_y)) {
                *value = smooth_inside(density, kernel, mass, i, j);
            } else {
                struct moments m = gather(density, kernel, mass, i, j);
                *value = solve(&m);
            }
        }
}

static void fill_2d(const mote_draws *draws, const double *first, const double *second, const double *weight,
                    mote_density *density)
{
    int64_t i = 0, j = 0;
    double s = 0, t = 0;
    for (int64_t row = 0; row < draws->count; ++row)
        if (weight[row] > 0 && mote_axis_locate(&density->x, first[row], &i, &s) && mote_axis_locate(&density->y, second[row], &j, &t))
            for (int corner = 0; corner < 4; ++corner) {
                int64_t right = corner & 1, up = corner >> 1;
                int64_t at = mote_axis_node(&density->x, i + right) * density->y.n + mote_axis_node(&density->y, j + up);
                density->values[at] += weight[row] * (right ? s : 1 - s) * (up ? t : 1 - t);
            }
}

static int compute(const mote_draws *draws, int64_t first, int64_t second, double r, double *scratch,
                   mote_density *density)
{
    struct kernel kernel;
    int status = make_kernel(density, r, &kernel);
    if (status)
        return status;
    mote_draws_weights(draws, scratch);
    fill_2d(draws, draws->columns[first], draws->columns[second], scratch, density);
    smooth(density, &kernel, scratch + draws->count);
    mote_memory_release(density->memory, kernel.entries);
    return mote_density_normalise(density);
}

/* One and a half nodes per bandwidth across a ridge, where the limits allow. */
static void size_axis(mote_axis *axis, const mote_parameter *parameter, const mote_spread *s, double r)
{
    axis->n = 2;
    mote_place_axis(axis, parameter, s);
    double nodes = ceil(1.5 * axis->step / (axis->bandwidth * sqrt(1 - r * r))) + 1;
    axis->n = nodes < MOTE_DENSITY_LEAST_2D  ? MOTE_DENSITY_LEAST_2D
              : nodes > MOTE_DENSITY_MOST_2D ? MOTE_DENSITY_MOST_2D
                                             : (int64_t)nodes;
    mote_place_axis(axis, parameter, s);
    axis->bandwidth = fmax(axis->bandwidth, 0.5 * axis->step); /* narrower would leave gaps between the nodes */
}

int mote_density_2d(const mote_draws *draws, int64_t first, int64_t second, mote_density *density)
{
    mote_spread s, t;
    double *scratch = NULL;
    int64_t count = draws->parameter_count;
    *density = (mote_density){ .memory = draws->memory };
    if (first < 0 || second < 0 || first >= count || second >= count || first == second)
        return MOTE_EINVAL;
    int status = mote_find_spread(draws, first, &s);
    if (status == MOTE_OK)
        status = mote_find_spread(draws, second, &t);
    if (status)
        return status;
    double r = mote_draws_covariance(draws, first, second) / sqrt(s.variance * t.variance);
    double h = pow(mote_draws_weight_size(draws), -1.0 / 6);
    r = fmin(strongest, fmax(-strongest, r));
    density->x.bandwidth = h * s.scale;
    density->y.bandwidth = h * t.scale;
    size_axis(&density->x, &draws->parameters[first], &s, r);
    size_axis(&density->y, &draws->parameters[second], &t, r);
    status = mote_density_allocate(draws, density, density->x.n * density->y.n, &scratch);
    if (status == MOTE_OK)
        status = compute(draws, first, second, r, scratch, density);
    return mote_density_finish(density, scratch, status);
}

/* Bilinear value of a 2-D density; 0 outside of the grid. */
static double value_at(const mote_density *density, double x, double y)
{
    int64_t i = 0, j = 0, width = density->y.n;
    double s = 0, t = 0;
    if (!mote_axis_locate(&density->x, x, &i, &s) || !mote_axis_locate(&density->y, y, &j, &t))
        return 0;
    const double *f = density->values + i * width + j;
    return (1 - s) * ((1 - t) * f[0] + t * f[1]) + s * ((1 - t) * f[width] + t * f[width + 1]);
}

int mote_density_levels(const mote_density *density, const mote_draws *draws, int64_t first, int64_t second,
                        const double *share, int64_t count, double *level)
{
    mote_sorted_draw *rows = NULL;
    int64_t n = 0;
    double *values = mote_memory_allocate(draws->memory, draws->count, sizeof *values);
    if (!values)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < draws->count; ++i)
        values[i] = value_at(density, draws->columns[first][i], draws->columns[second][i]);
    int status = mote_draws_sort(draws, values, &rows, &n);
    for (int64_t k = 0; k < count && status == MOTE_OK; ++k)
        level[k] = mote_sorted_quantile(rows, n, 1 - share[k]);
    mote_draws_unsort(draws, rows);
    mote_memory_release(draws->memory, values);
    return status;
}
