/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weighted densities by binned kernel estimates with linear boundary correction.
 *
 * Draws are shared out linearly between the two nearest nodes of a grid (Wand 1994) and convolved with a Gaussian of
 * bandwidth h. With a_l(x) = int u^l K(u) du over the part of the kernel inside the prior range, the linear
 * correction (Jones 1993, Stat. Comput. 3, 135)
 *     f(x) = int (a_2 - a_1 u) K(u) dF(x - h u) / (a_0 a_2 - a_1^2)
 * is unbiased to order h at a bound, and f0 exp(f/f0 - 1) with f0 = int K dF / a_0 keeps it positive (Jones & Foster
 * 1996, Stat. Sinica 6, 1005). The a_l are sums over the same nodes, so that equal mass at all nodes comes out
 * constant up to the last bit. The same in two dimensions (density_2d.c), where the kernel has the draws' correlation.
 *
 * Bandwidth: 1.06 s n^(-1/5) in one dimension, s n^(-1/6) in two (Silverman 1986, eq. 4.14: optimal for normal laws).
 * n is the effective sample size; s = min(sd, S(.5)/1.349, S(.25)/0.6373) with S(m) the shortest interval of mass m:
 * the same for a normal law, and not led astray by two distant peaks or long tails.
 *
 * Levels. The contour of share m is where the density has its weighted (1 - m) quantile over the draws (Hyndman 1996,
 * Am. Stat. 50, 120): it encloses m of the draws, however much the smoothing has widened the density.
 *
 * Known answers: uniform draws give a constant up to both ends; the level of mass m of a 2-D normal law lies at
 * (1 - m) times the peak. */
#include "io/density.h"

#include <math.h>
#include <mote/status.h>
#include <string.h>

#include "io/density_parts.h"
#include "io/parameter_text.h"

static const double tail = 1e-4;        /* mass beyond the grid on an open side, before its margin */
static const double kernel_reach = 4.0; /* bandwidths */

static mote_spread measure_spread(const mote_sorted_draw *rows, int64_t n, double variance)
{
    mote_spread s = { sqrt(variance), mote_sorted_quantile(rows, n, tail), mote_sorted_quantile(rows, n, 1 - tail),
                        variance };
    const double mass[] = { 0.5, 0.25 }, normal[] = { 1.3489795003921634, 0.63727872792937 };
    for (int i = 0; i < 2; ++i) {
        double lower, upper;
        mote_sorted_interval(rows, n, mass[i], &lower, &upper);
        if (upper > lower && (upper - lower) / normal[i] < s.scale)
            s.scale = (upper - lower) / normal[i];
    }
    return s;
}

int mote_find_spread(const mote_draws *draws, int64_t parameter, mote_spread *s)
{
    mote_sorted_draw *rows = NULL;
    int64_t n;
    int status = mote_draws_sort(draws, draws->columns[parameter], &rows, &n);
    if (status == MOTE_OK)
        *s = measure_spread(rows, n, mote_draws_covariance(draws, parameter, parameter));
    mote_draws_unsort(draws, rows);
    if (status)
        return status;
    return isfinite(s->scale) && s->scale > 0 && isfinite(s->low) && isfinite(s->high) ? MOTE_OK : MOTE_EINVAL;
}

void mote_place_axis(mote_axis *axis, const mote_parameter *parameter, const mote_spread *s)
{
    double first, last, low = s->low - 3 * axis->bandwidth, high = s->high + 3 * axis->bandwidth;
    mote_parameter_range(parameter, &first, &last);
    axis->periodic = parameter->boundary == MOTE_BOUNDARY_PERIODIC && isfinite(first) && isfinite(last);
    axis->hard_lower = axis->periodic || first > low;
    axis->hard_upper = axis->periodic || last < high;
    axis->lower = axis->hard_lower ? first : low;
    axis->step = ((axis->hard_upper ? last : high) - axis->lower) / (double)(axis->n - 1);
}

/* exp(-k^2 step^2 / 2 h^2), k = 0..reach. Bandwidths under half a step would leave gaps between the nodes. */
static double kernel(const mote_axis *axis, int64_t k)
{
    double h = fmax(axis->bandwidth, 0.5 * axis->step), u = (double)k * axis->step / h;
    return exp(-u * u / 2);
}

static int64_t reach(const mote_axis *axis)
{
    int64_t nodes = (int64_t)ceil(kernel_reach * fmax(axis->bandwidth, 0.5 * axis->step) / axis->step);
    return nodes < axis->n - 1 ? nodes : axis->n - 1;
}

double mote_axis_share(const mote_axis *axis, int64_t i)
{
    if (axis->periodic)
        return 1;
    if ((i < 0 && axis->hard_lower) || (i >= axis->n && axis->hard_upper))
        return 0;
    return (i == 0 && axis->hard_lower) || (i == axis->n - 1 && axis->hard_upper) ? 0.5 : 1;
}

int64_t mote_axis_node(const mote_axis *axis, int64_t i)
{
    if (axis->periodic)
        return (i % (axis->n - 1) + axis->n - 1) % (axis->n - 1);
    return i >= 0 && i < axis->n ? i : -1;
}

/* The corrected estimate at node i: sums of the kernel over nodes (a) and over mass (b). */
static double smooth_at(const mote_axis *axis, const double *kernels, int64_t m, const double *mass, int64_t i)
{
    double a0 = 0, a1 = 0, a2 = 0, b0 = 0, b1 = 0;
    for (int64_t k = -m; k <= m; ++k) {
        double w = kernels[k < 0 ? -k : k], c = w * mote_axis_share(axis, i + k), u = (double)k;
        int64_t node = mote_axis_node(axis, i + k);
        double b = node < 0 ? 0 : w * mass[node];
        a0 += c;
        a1 += c * u;
        a2 += c * u * u;
        b0 += b;
        b1 += b * u;
    }
    double plain = b0 / a0, determinant = a0 * a2 - a1 * a1;
    if (a1 == 0 || !(determinant > 0) || !(plain > 0))
        return plain;
    return plain * exp((a2 * b0 - a1 * b1) / determinant / plain - 1);
}

static void smooth(const mote_axis *axis, double *values, double *scratch, double *kernels)
{
    int64_t m = reach(axis);
    for (int64_t k = 0; k <= m; ++k)
        kernels[k] = kernel(axis, k);
    memcpy(scratch, values, (size_t)axis->n * sizeof *values);
    for (int64_t i = 0; i < axis->n; ++i)
        values[i] = smooth_at(axis, kernels, m, scratch, i);
}

int mote_axis_locate(const mote_axis *axis, double x, int64_t *node, double *share)
{
    double at = (x - axis->lower) / axis->step;
    if (!(at >= 0 && at <= (double)(axis->n - 1)))
        return 0;
    *node = (int64_t)at < axis->n - 1 ? (int64_t)at : axis->n - 2;
    *share = at - (double)*node;
    return 1;
}

static void fill_1d(const mote_draws *draws, const double *column, const double *weight, mote_density *density)
{
    int64_t node = 0;
    double share = 0;
    for (int64_t i = 0; i < draws->count; ++i)
        if (weight[i] > 0 && mote_axis_locate(&density->x, column[i], &node, &share)) {
            density->values[mote_axis_node(&density->x, node)] += weight[i] * (1 - share);
            density->values[mote_axis_node(&density->x, node + 1)] += weight[i] * share;
        }
}

/* Trapezoid weight of node i. */
static double trapezoid(const mote_axis *axis, int64_t i)
{
    return i == 0 || i == axis->n - 1 ? 0.5 : 1;
}

/* Cell measure of node k of the grid, with trapezoid weights at its edges. */
static double measure(const mote_density *density, int64_t k)
{
    const mote_axis *x = &density->x, *y = &density->y;
    if (y->n == 0)
        return x->step * trapezoid(x, k);
    return x->step * y->step * trapezoid(x, k / y->n) * trapezoid(y, k % y->n);
}

int64_t mote_density_nodes(const mote_density *density)
{
    return density->x.n * (density->y.n ? density->y.n : 1);
}

static void close_period(mote_density *density)
{
    mote_axis *x = &density->x, *y = &density->y;
    int64_t width = y->n ? y->n : 1;
    for (int64_t j = 0; x->periodic && j < width; ++j)
        density->values[(x->n - 1) * width + j] = density->values[j];
    for (int64_t i = 0; y->n && y->periodic && i < x->n; ++i)
        density->values[i * width + y->n - 1] = density->values[i * width];
}

int mote_density_normalise(mote_density *density)
{
    double sum = 0, peak = 0;
    close_period(density);
    for (int64_t k = 0; k < mote_density_nodes(density); ++k)
        sum += density->values[k] * measure(density, k);
    for (int64_t k = 0; k < mote_density_nodes(density) && sum > 0; ++k) {
        density->values[k] /= sum;
        peak = fmax(peak, density->values[k]);
    }
    density->peak = peak;
    return sum > 0 && isfinite(sum) ? MOTE_OK : MOTE_EINVAL;
}

static int compute_1d(const mote_draws *draws, int64_t parameter, double *scratch, mote_density *density)
{
    mote_draws_weights(draws, scratch);
    fill_1d(draws, draws->columns[parameter], scratch, density);
    double *line = scratch + draws->count;
    smooth(&density->x, density->values, line, line + density->x.n);
    return mote_density_normalise(density);
}

int mote_density_allocate(const mote_draws *draws, mote_density *density, int64_t scratch_count, double **scratch)
{
    density->memory = draws->memory;
    density->values = mote_memory_allocate(draws->memory, mote_density_nodes(density), sizeof(double));
    *scratch = mote_memory_allocate(draws->memory, draws->count + scratch_count, sizeof(double));
    return density->values && *scratch ? MOTE_OK : MOTE_ENOMEM;
}

int mote_density_finish(mote_density *density, double *scratch, int status)
{
    mote_memory_release(density->memory, scratch);
    if (status)
        mote_density_free(density);
    return status;
}

int mote_density_1d(const mote_draws *draws, int64_t parameter, mote_density *density)
{
    mote_spread s;
    double *scratch = NULL;
    *density = (mote_density){ .memory = draws->memory };
    if (parameter < 0 || parameter >= draws->parameter_count)
        return MOTE_EINVAL;
    int status = mote_find_spread(draws, parameter, &s);
    if (status)
        return status;
    density->x.n = MOTE_DENSITY_NODES_1D;
    density->x.bandwidth = 1.06 * s.scale * pow(mote_draws_weight_size(draws), -0.2);
    mote_place_axis(&density->x, &draws->parameters[parameter], &s);
    status = mote_density_allocate(draws, density, 2 * density->x.n, &scratch);
    if (status == MOTE_OK)
        status = compute_1d(draws, parameter, scratch, density);
    return mote_density_finish(density, scratch, status);
}

void mote_density_free(mote_density *density)
{
    if (density->memory)
        mote_memory_release(density->memory, density->values);
    density->values = NULL;
}
