/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Insertion ranks (Fowlie, Handley & Su 2020, arXiv:2006.03371), the rank correlation of child and parent, and the
 * Kolmogorov-Smirnov law that turns ranks into p-values.
 *
 * P(D_n >= d), with s = n d^2, in three regimes:
 *     s >= 4         twice the one-sided tail, Smirnov 1944: P(D+ >= d) = d sum_{j <= n(1-d)} C(n,j) (d + j/n)^(j-1)
 *                    (1 - d - j/n)^(n-j); what is counted twice is below e^(-6 s), 4e-11 of the result
 *     n <= 100       exact, Durbin's matrix in the form of Marsaglia, Tsang & Wang 2003, J. Stat. Softw. 8(18)
 *     otherwise      1 - (K0 + K1/n^1/2 + K2/n + K3/n^3/2)(d n^1/2), Pelz & Good 1976, J. R. Stat. Soc. B 38, 152, in
 *                    the form of Simard & L'Ecuyer 2011, J. Stat. Softw. 39(11), section 2; within 6e-6 at n = 100,
 *                    and the error falls as 1/n^2
 * The ranks of one step hang together through their survivors as two samples do: the empirical distribution of k of them
 * has the variance of a bridge times 1/k + 1/s, so their p-value is taken at the number of independent ones.
 * Known answers: P(D_10 < .274) = .6284796154565043 (Marsaglia et al.), P(D_1 < d) = 2 d - 1 for d >= 1/2.
 *
 * The rank tests see a lost contour and no more: a chain that returns near its start has a rank as uniform as its
 * start, which is why the parent is looked at too. */
#include "nested/rank.h"

#include <math.h>

static const double threshold = 4; /* standard deviations */
static const double forgetting = 1.25; /* power of r that a doubling of the steps must reach; 2 when a chain mixes */
static const double least_pairs = 200;  /* before r is looked at: a standard error of 0.07 */
static const double pi2 = 9.86960440108935861883;

int mote_rank_insert(mote_rank_sums *sums, double u, int64_t births, int64_t survivors)
{
    double s = (double)survivors, variance = 1 + (double)(births - 1) * s / ((s + 1) * (s + 1));
    sums->insertion += u - 0.5;
    sums->births += 1;
    sums->variance += variance;
    sums->total_births += 1;
    sums->total_variance += variance;
    if (sums->insertion * sums->insertion * 12 <= threshold * threshold * sums->variance)
        return 0;
    sums->insertion = sums->births = sums->variance = 0;
    sums->resets += 1;
    return 1;
}

/* Sums are about 1/2, the mean of a rank, so that they keep their digits. */
static double correlation(double pairs, double child, double parent, double child2, double parent2, double product)
{
    double both = product - child * parent / pairs;
    double spread = (child2 - child * child / pairs) * (parent2 - parent * parent / pairs);
    if (pairs < 3 || !(spread > 0))
        return NAN;
    double r = both / sqrt(spread);
    return r > 1 ? 1 : r < -1 ? -1 : r;
}

void mote_rank_pair(mote_rank_sums *sums, double child, double parent)
{
    double x = child - 0.5, y = parent - 0.5;
    sums->child += x, sums->total_child += x;
    sums->parent += y, sums->total_parent += y;
    sums->child2 += x * x, sums->total_child2 += x * x;
    sums->parent2 += y * y, sums->total_parent2 += y * y;
    sums->product += x * y, sums->total_product += x * y;
    sums->pairs += 1, sums->total_pairs += 1;
}

int mote_rank_short(mote_rank_sums *sums)
{
    double r = correlation(sums->pairs, sums->child, sums->parent, sums->child2, sums->parent2, sums->product);
    if (sums->futile > 0 || sums->pairs < least_pairs || !(r * sqrt(sums->pairs) > threshold))
        return 0;
    sums->child = sums->parent = sums->child2 = sums->parent2 = sums->product = sums->pairs = 0;
    sums->futile = sums->last > 0 && r > pow(sums->last, forgetting);
    sums->last = r;
    sums->doublings += !(sums->futile > 0);
    return 1;
}

double mote_rank_correlation(const mote_rank_sums *sums, double *error)
{
    double r = correlation(sums->total_pairs, sums->total_child, sums->total_parent, sums->total_child2,
                           sums->total_parent2, sums->total_product);
    if (error)
        *error = isnan(r) ? NAN : sqrt((1 - r * r) / (sums->total_pairs - 2));
    return r;
}

static void sift(double *x, int64_t root, int64_t n)
{
    double value = x[root];
    for (int64_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && x[child] < x[child + 1])
            ++child;
        if (!(value < x[child]))
            break;
        x[root] = x[child];
    }
    x[root] = value;
}

/* Heapsort: in place and without memory of its own. */
static void sort(double *x, int64_t n)
{
    for (int64_t i = n / 2; i-- > 0;)
        sift(x, i, n);
    for (int64_t i = n; i-- > 1;) {
        double last = x[i];
        x[i] = x[0];
        x[0] = last;
        sift(x, 0, i);
    }
}

/* Binomial coefficients by recurrence in logarithms: relative error of the tail 1e-13 at n = 1000, 1e-7 at 10^6. */
static double smirnov(double d, int64_t n)
{
    double sum = 0, count = (double)n, log_choose = 0;
    for (int64_t j = 0; j < n && 1 - d - (double)j / count > 0; ++j) {
        double k = (double)j, low = d + k / count, high = 1 - d - k / count;
        sum += exp(log_choose + (k - 1) * log(low) + (count - k) * log(high));
        log_choose += log((count - k) / (k + 1));
    }
    return 2 * d * sum;
}

enum { EXACT_N = 100, ORDER = 41 }; /* order of the matrix is 2 ceil(n d) - 1 < 2 sqrt(4 n) + 1 for n d^2 < 4 */

/* out = row matrix */
static void multiply_row(double *out, const double *row, const double *matrix, int m)
{
    for (int j = 0; j < m; ++j) {
        out[j] = 0;
        for (int i = 0; i < m; ++i)
            out[j] += row[i] * matrix[i * m + j];
    }
}

/* H of Marsaglia et al.: h = ceil(n d) - n d shapes its first column and last row. */
static void durbin_matrix(double *matrix, int m, double h)
{
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < m; ++j)
            matrix[i * m + j] = i - j + 1 >= 0;
    for (int i = 0; i < m; ++i) {
        matrix[i * m] -= pow(h, i + 1);
        matrix[(m - 1) * m + i] -= pow(h, m - i);
    }
    matrix[(m - 1) * m] += 2 * h - 1 > 0 ? pow(2 * h - 1, m) : 0;
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < m; ++j)
            for (int g = 1; g <= i - j + 1; ++g)
                matrix[i * m + j] /= g;
}

/* P(D_n < d) = n!/n^n (H^n)_kk. One row of H^n is enough: n products of a row with H, n!/n^n spread over them, where
 * every number stays in range. */
static double durbin(double d, int64_t n)
{
    double matrix[ORDER * ORDER] = { 0 }, row[ORDER] = { 0 }, next[ORDER];
    int k = (int)((double)n * d) + 1, m = 2 * k - 1;
    durbin_matrix(matrix, m, k - (double)n * d);
    row[k - 1] = 1;
    for (int64_t step = 1; step <= n; ++step) {
        multiply_row(next, row, matrix, m);
        for (int i = 0; i < m; ++i)
            row[i] = next[i] * ((double)step / (double)n);
    }
    return row[k - 1];
}

/* Theta-like sums over k + 1/2 and over k; six terms on each side reach 1e-16 for z < 2. */
static double pelz_good(double z, double root_n)
{
    double z2 = z * z, z4 = z2 * z2, z6 = z4 * z2, k0 = 0, k1 = 0, k2 = 0, k3 = 0, whole2 = 0, whole3 = 0;
    for (int k = 0; k < 12; ++k) {
        double a = pi2 * (k + 0.5) * (k + 0.5), b = pi2 * k * k;
        double odd = 2 * exp(-a / (2 * z2)), even = (k ? 2 : 1) * exp(-b / (2 * z2)); /* k and its mirror image */
        k0 += odd / 2;
        k1 += odd * (a - z2);
        k2 += odd * (6 * z6 + 2 * z4 + a * (2 * z4 - 5 * z2) + a * a * (1 - 2 * z2));
        k3 += odd * (a * a * a * (5 - 30 * z2) + a * a * (212 * z4 - 60 * z2) + a * (135 * z4 - 96 * z6) - 30 * z6 -
                     90 * z4 * z4);
        whole2 += even * b;
        whole3 += even * (3 * b * z2 - b * b);
    }
    double root = 1.25331413731550025121; /* sqrt(pi/2) */
    k0 *= 2 * root / z;
    k1 *= root / (6 * z4);
    k2 = root * (k2 / (72 * z6 * z) - whole2 / (36 * z2 * z));
    k3 = root * (k3 / (6480 * z6 * z4) + whole3 / (216 * z6));
    return k0 + (k1 + (k2 + k3 / root_n) / root_n) / root_n;
}

static double ks_tail(double d, int64_t n)
{
    double s = (double)n * d * d;
    if (d >= 1)
        return 0;
    if (2 * (double)n * d <= 1)
        return 1;
    if (s >= 4)
        return smirnov(d, n);
    double below = n <= EXACT_N ? durbin(d, n) : s < 0.01 ? 0 : pelz_good(sqrt(s), sqrt((double)n));
    return below <= 0 ? 1 : below >= 1 ? 0 : 1 - below;
}

/* `share` of the numbers are independent. */
static double p_value(const double *u, int64_t n, double share, double *scratch)
{
    double d = 0, independent = (double)n * share;
    if (n < 1)
        return 1;
    for (int64_t i = 0; i < n; ++i)
        scratch[i] = u[i];
    sort(scratch, n);
    for (int64_t i = 0; i < n; ++i) {
        double above = (double)(i + 1) / (double)n - scratch[i], below = scratch[i] - (double)i / (double)n;
        d = above > d ? above : d;
        d = below > d ? below : d;
    }
    return ks_tail(d, independent > 1 ? (int64_t)(independent + 0.5) : 1);
}

static double p_worst(const double *u, int64_t n, int64_t window, double share, double *scratch)
{
    int64_t windows = window > 0 ? n / window : 0;
    double least = 1;
    for (int64_t i = 0; i < windows; ++i) {
        double p = p_value(u + i * window, window, share, scratch);
        least = p < least ? p : least;
    }
    return least >= 1 ? 1 : -expm1((double)windows * log1p(-least));
}

double mote_uniform_p_value(const double *u, int64_t n, double *scratch)
{
    return p_value(u, n, 1, scratch);
}

double mote_uniform_p_worst(const double *u, int64_t n, int64_t window, double *scratch)
{
    return p_worst(u, n, window, 1, scratch);
}

static double independent_share(const mote_rank_sums *sums)
{
    return sums->total_variance > 0 ? sums->total_births / sums->total_variance : 1;
}

double mote_rank_p_value(const mote_rank_sums *sums, const double *u, int64_t n, double *scratch)
{
    return p_value(u, n, independent_share(sums), scratch);
}

double mote_rank_p_worst(const mote_rank_sums *sums, const double *u, int64_t n, int64_t window, double *scratch)
{
    return p_worst(u, n, window, independent_share(sums), scratch);
}
