/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weighted densities by binned kernel estimates with linear boundary correction.
 *
 * Draws are shared out linearly between the two nearest nodes of a grid (Wand 1994) and convolved with a Gaussian of
 * bandwidth h. With a_l(x) = int u^l K(u) du over the part of the kernel inside the prior range, the linear
 * correction (Jones 1993, Stat. Comput. 3, 135)
 *     f(x) = int (a_2 - a_1 u) K(u) dF(x - h u) / (a_0 a_2 - a_1^2)
 * is unbiased to order h at a bound, and f0 exp(f/f0 - 1) with f0 = int K dF / a_0 keeps it positive (Jones & Foster
 * 1996, Stat. Sinica 6, 1005). The a_l are sums over the same nodes, so that equal mass at all nodes comes out
 * constant up to the last bit. In two dimensions the correction is made along one axis, then along the other.
 *
 * Bandwidth. One dimension: 1.06 s n^(-1/5) (Silverman 1986, eq. 3.28). Two: s n^(-1/6) (1 - r^2)^(5/12)
 * (1 + r^2/2)^(-1/6), the minimum of the asymptotic error for a normal law of correlation r under a product kernel
 * (Scott 1992, sec. 6.3). n is the effective sample size; s = min(sd, S(.5)/1.349, S(.25)/0.6373) with S(m) the
 * shortest interval of mass m: the same for a normal law, and not led astray by two distant peaks or long tails.
 *
 * Levels. The contour of share m is where the density has its weighted (1 - m) quantile over the draws (Hyndman 1996,
 * Am. Stat. 50, 120): it encloses m of the draws, however much the smoothing has widened the density.
 *
 * Known answers: uniform draws give a constant up to both ends; the level of mass m of a 2-D normal law lies at
 * (1 - m) times the peak. */
#include "io/density.h"

#include <math.h>
#include <mote/status.h>

#include "io/parameter_text.h"

static const double tail = 1e-4;        /* mass beyond the grid on an open side, before its margin */
static const double kernel_reach = 4.0; /* bandwidths */

/* What a grid needs to know of one parameter: a scale, and where all but 1e-4 of the mass on either side lies. */
struct spread {
    double scale, low, high, variance;
};

static struct spread measure_spread(const mote_sorted_draw *rows, int64_t n, double variance)
{
    struct spread s = { sqrt(variance), mote_sorted_quantile(rows, n, tail), mote_sorted_quantile(rows, n, 1 - tail),
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

/* MOTE_EINVAL when the parameter has no spread. */
static int find_spread(const mote_draws *draws, int64_t parameter, struct spread *s)
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

/* Grid from the outer draws with a margin, cut where the prior ends. */
static void place_axis(mote_axis *axis, const mote_parameter *parameter, const struct spread *s)
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

/* Weight of node i in sums over the range: 1/2 at a hard end, 0 behind it, 1 elsewhere, also beyond open ends. */
static double node_share(const mote_axis *axis, int64_t i)
{
    if (axis->periodic)
        return 1;
    if ((i < 0 && axis->hard_lower) || (i >= axis->n && axis->hard_upper))
        return 0;
    return (i == 0 && axis->hard_lower) || (i == axis->n - 1 && axis->hard_upper) ? 0.5 : 1;
}

/* Mass at node i (any i) of a line with the given stride. */
static double mass_at(const mote_axis *axis, const double *line, int64_t stride, int64_t i)
{
    if (axis->periodic)
        i = (i % (axis->n - 1) + axis->n - 1) % (axis->n - 1);
    return i >= 0 && i < axis->n ? line[i * stride] : 0;
}

/* The corrected estimate at node i: sums of the kernel over nodes (a) and over mass (b). */
static double smooth_at(const mote_axis *axis, const double *kernels, int64_t m, const double *line, int64_t stride,
                        int64_t i)
{
    double a0 = 0, a1 = 0, a2 = 0, b0 = 0, b1 = 0;
    for (int64_t k = -m; k <= m; ++k) {
        double w = kernels[k < 0 ? -k : k], c = w * node_share(axis, i + k), u = (double)k;
        double b = w * mass_at(axis, line, stride, i + k);
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

/* Smooths `lines` lines of the grid in place; `scratch` has axis->n entries, `kernels` as many. */
static void smooth(const mote_axis *axis, double *values, int64_t lines, int64_t line_stride, int64_t stride,
                   double *scratch, double *kernels)
{
    int64_t m = reach(axis);
    for (int64_t k = 0; k <= m; ++k)
        kernels[k] = kernel(axis, k);
    for (int64_t line = 0; line < lines; ++line) {
        double *at = values + line * line_stride;
        for (int64_t i = 0; i < axis->n; ++i)
            scratch[i] = smooth_at(axis, kernels, m, at, stride, i);
        for (int64_t i = 0; i < axis->n; ++i)
            at[i * stride] = scratch[i];
    }
}

/* The node below x and the share of the node above; 0 when x is outside of the grid or no number. */
static int locate(const mote_axis *axis, double x, int64_t *node, double *share)
{
    double at = (x - axis->lower) / axis->step;
    if (!(at >= 0 && at <= (double)(axis->n - 1)))
        return 0;
    *node = (int64_t)at < axis->n - 1 ? (int64_t)at : axis->n - 2;
    *share = at - (double)*node;
    return 1;
}

static void add_mass(const mote_axis *axis, double *values, int64_t stride, int64_t node, double mass)
{
    values[(axis->periodic ? node % (axis->n - 1) : node) * stride] += mass;
}

static void fill_1d(const mote_draws *draws, const double *column, const double *weight, mote_density *density)
{
    int64_t node = 0;
    double share = 0;
    for (int64_t i = 0; i < draws->count; ++i)
        if (weight[i] > 0 && locate(&density->x, column[i], &node, &share)) {
            add_mass(&density->x, density->values, 1, node, weight[i] * (1 - share));
            add_mass(&density->x, density->values, 1, node + 1, weight[i] * share);
        }
}

static void fill_2d(const mote_draws *draws, const double *first, const double *second, const double *weight,
                    mote_density *density)
{
    int64_t i = 0, j = 0;
    double s = 0, t = 0;
    for (int64_t row = 0; row < draws->count; ++row)
        if (weight[row] > 0 && locate(&density->x, first[row], &i, &s) && locate(&density->y, second[row], &j, &t))
            for (int corner = 0; corner < 4; ++corner) {
                int64_t right = corner & 1, up = corner >> 1, at = i + right;
                double mass = weight[row] * (right ? s : 1 - s) * (up ? t : 1 - t);
                if (density->x.periodic)
                    at %= density->x.n - 1;
                add_mass(&density->y, density->values + at * density->y.n, 1, j + up, mass);
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

static int64_t node_count(const mote_density *density)
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

static int normalise(mote_density *density)
{
    double sum = 0, peak = 0;
    close_period(density);
    for (int64_t k = 0; k < node_count(density); ++k)
        sum += density->values[k] * measure(density, k);
    for (int64_t k = 0; k < node_count(density) && sum > 0; ++k) {
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
    smooth(&density->x, density->values, 1, 0, 1, line, line + density->x.n);
    return normalise(density);
}

static int compute_2d(const mote_draws *draws, int64_t first, int64_t second, double *scratch, mote_density *density)
{
    mote_axis *x = &density->x, *y = &density->y;
    mote_draws_weights(draws, scratch);
    fill_2d(draws, draws->columns[first], draws->columns[second], scratch, density);
    double *line = scratch + draws->count;
    smooth(y, density->values, x->n, y->n, 1, line, line + y->n);
    smooth(x, density->values, y->n, 1, y->n, line, line + x->n);
    return normalise(density);
}

/* Memory for the grid; scratch holds the weights, one line and the kernel. */
static int allocate(const mote_draws *draws, mote_density *density, double **scratch)
{
    int64_t longest = density->x.n > density->y.n ? density->x.n : density->y.n;
    density->memory = draws->memory;
    density->values = mote_memory_allocate(draws->memory, node_count(density), sizeof(double));
    *scratch = mote_memory_allocate(draws->memory, draws->count + 2 * longest, sizeof(double));
    return density->values && *scratch ? MOTE_OK : MOTE_ENOMEM;
}

static int finish(mote_density *density, double *scratch, int status)
{
    mote_memory_release(density->memory, scratch);
    if (status)
        mote_density_free(density);
    return status;
}

int mote_density_1d(const mote_draws *draws, int64_t parameter, mote_density *density)
{
    struct spread s;
    double *scratch = NULL;
    *density = (mote_density){ .memory = draws->memory };
    if (parameter < 0 || parameter >= draws->parameter_count)
        return MOTE_EINVAL;
    int status = find_spread(draws, parameter, &s);
    if (status)
        return status;
    density->x.n = MOTE_DENSITY_NODES_1D;
    density->x.bandwidth = 1.06 * s.scale * pow(mote_draws_effective_sample_size(draws), -0.2);
    place_axis(&density->x, &draws->parameters[parameter], &s);
    status = allocate(draws, density, &scratch);
    if (status == MOTE_OK)
        status = compute_1d(draws, parameter, scratch, density);
    return finish(density, scratch, status);
}

/* Two nodes per bandwidth where the limits allow. */
static void size_axis(mote_axis *axis, const mote_parameter *parameter, const struct spread *s)
{
    axis->n = 2;
    place_axis(axis, parameter, s);
    double nodes = ceil(2 * axis->step / axis->bandwidth) + 1;
    axis->n = nodes < MOTE_DENSITY_LEAST_2D  ? MOTE_DENSITY_LEAST_2D
              : nodes > MOTE_DENSITY_MOST_2D ? MOTE_DENSITY_MOST_2D
                                             : (int64_t)nodes;
    place_axis(axis, parameter, s);
}

/* The bandwidth of each axis in units of its scale (head of this file). */
static double bandwidth_2d(const mote_draws *draws, double covariance, double variances)
{
    double r2 = covariance * covariance / variances;
    return pow(fmax(1 - r2, 1e-4), 5.0 / 12) * pow((1 + r2 / 2) * mote_draws_effective_sample_size(draws), -1.0 / 6);
}

int mote_density_2d(const mote_draws *draws, int64_t first, int64_t second, mote_density *density)
{
    struct spread s, t;
    double *scratch = NULL;
    int64_t count = draws->parameter_count;
    *density = (mote_density){ .memory = draws->memory };
    if (first < 0 || second < 0 || first >= count || second >= count || first == second)
        return MOTE_EINVAL;
    int status = find_spread(draws, first, &s);
    if (status == MOTE_OK)
        status = find_spread(draws, second, &t);
    if (status)
        return status;
    double h = bandwidth_2d(draws, mote_draws_covariance(draws, first, second), s.variance * t.variance);
    density->x.bandwidth = h * s.scale;
    density->y.bandwidth = h * t.scale;
    size_axis(&density->x, &draws->parameters[first], &s);
    size_axis(&density->y, &draws->parameters[second], &t);
    status = allocate(draws, density, &scratch);
    if (status == MOTE_OK)
        status = compute_2d(draws, first, second, scratch, density);
    return finish(density, scratch, status);
}

void mote_density_free(mote_density *density)
{
    if (density->memory)
        mote_memory_release(density->memory, density->values);
    density->values = NULL;
}

/* Bilinear value of a 2-D density; 0 outside of the grid. */
static double value_at(const mote_density *density, double x, double y)
{
    int64_t i = 0, j = 0, width = density->y.n;
    double s = 0, t = 0;
    if (!locate(&density->x, x, &i, &s) || !locate(&density->y, y, &j, &t))
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
