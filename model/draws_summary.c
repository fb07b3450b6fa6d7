/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Weighted summaries of draws.
 *
 *   mean = sum w x,  covariance = sum w (x - mean_x)(y - mean_y)  (weights sum to 1; no small-sample factor)
 *   effective sample size (sum w)^2 / sum w^2 (Kish 1965, Survey Sampling)
 *   distribution function at the mid-points: F(x_i) = sum_{x_j < x_i} w_j + w_i/2, linear between the draws, constant
 *   beyond the first and the last (for equal weights: Hazen's plotting positions, type 5 of Hyndman & Fan 1996)
 *   shortest interval: the smallest Q(p + mass) - Q(p) over p; Q is piecewise linear, so that the minimum is at a p
 *   where one end is a draw or p is 0 or 1 - mass, and it is found exactly
 *
 * Rows whose weight is 0 in double precision count nowhere. Equal values are joined before anything is interpolated.
 * A NaN among the values of positive weight makes the summaries NaN. Sums run in row order.
 * Known answer: 1, 2, 3, 4 with equal weights: quantile(.5) = 2.5, quantile(.25) = 1.5, variance 1.25. */
#include <math.h>
#include <mote/status.h>
#include <string.h>

#include "model/chains.h"
#include "model/draws.h"

static double largest(const double *values, int64_t n)
{
    double most = -INFINITY;
    for (int64_t i = 0; i < n; ++i)
        most = values[i] > most ? values[i] : most;
    return most;
}

/* exp(log_weight[i] - most), where most = -inf (no weight anywhere) gives 0. */
static double relative_weight(const mote_draws *draws, int64_t i, double most)
{
    return most == -INFINITY ? 0 : exp(draws->log_weight[i] - most);
}

double mote_draws_weights(const mote_draws *draws, double *weight)
{
    double most = largest(draws->log_weight, draws->count), sum = 0, squares = 0;
    for (int64_t i = 0; i < draws->count; ++i)
        sum += weight[i] = relative_weight(draws, i, most);
    for (int64_t i = 0; i < draws->count && sum > 0; ++i) {
        weight[i] /= sum;
        squares += weight[i] * weight[i];
    }
    return squares;
}

double mote_draws_weight_size(const mote_draws *draws)
{
    double sum = 0, squares = 0, most = draws ? largest(draws->log_weight, draws->count) : -(double)INFINITY;
    for (int64_t i = 0; i < mote_draws_count(draws); ++i) {
        double w = relative_weight(draws, i, most);
        sum += w;
        squares += w * w;
    }
    return squares > 0 ? sum * sum / squares : 0;
}

/* Of one column: by its autocorrelation where draws lie along chains (model/chains.h), and by the weights alone where
 * that says nothing: for what the model derives and is constant, what is not finite, and without memory. */
static double column_size(const mote_draws *draws, int64_t k)
{
    const double size = mote_draws_weight_size(draws), along = draws->chain_count ? mote_draws_column_size(draws, k) : NAN;
    return along < size ? along : size;
}

double mote_draws_effective_sample_size(const mote_draws *draws)
{
    double least = mote_draws_weight_size(draws);
    for (int64_t k = 0; draws && draws->chain_count && k < draws->parameter_count; ++k) {
        const double size = column_size(draws, k);
        least = size < least ? size : least;
    }
    return least;
}

/* sum w (x - x0)(y - y0) / sum w over rows with weight; NaN without any. */
static double average(const mote_draws *draws, const double *x, double x0, const double *y, double y0)
{
    double most = largest(draws->log_weight, draws->count), sum = 0, total = 0;
    for (int64_t i = 0; i < draws->count; ++i) {
        double w = relative_weight(draws, i, most);
        if (!(w > 0))
            continue;
        total += w;
        sum += w * (x[i] - x0) * (y ? y[i] - y0 : 1);
    }
    return total > 0 ? sum / total : (double)NAN;
}

static double mean_of(const mote_draws *draws, const double *x)
{
    double rough = average(draws, x, 0, NULL, 0);
    return isfinite(rough) ? rough + average(draws, x, rough, NULL, 0) : rough; /* second pass: exact for constants */
}

double mote_draws_covariance(const mote_draws *draws, int64_t first, int64_t second)
{
    const double *x = mote_draws_column(draws, first), *y = mote_draws_column(draws, second);
    return x && y ? average(draws, x, mean_of(draws, x), y, mean_of(draws, y)) : (double)NAN;
}

/* Bottom-up merge sort by value, stable; `scratch` has n entries. The sorted rows end up in `rows`. */
static void sort_rows(mote_sorted_draw *rows, mote_sorted_draw *scratch, int64_t n)
{
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t start = 0; start < n; start += 2 * width) {
            int64_t middle = start + width < n ? start + width : n, end = middle + width < n ? middle + width : n;
            for (int64_t i = start, j = middle, k = start; k < end; ++k)
                scratch[k] = i < middle && (j >= end || rows[i].value <= rows[j].value) ? rows[i++] : rows[j++];
        }
        memcpy(rows, scratch, (size_t)n * sizeof *rows);
    }
}

/* Joins equal values; fills the mid-point distribution function. Returns the number of distinct values. */
static int64_t join_rows(mote_sorted_draw *rows, int64_t n)
{
    int64_t distinct = 0;
    double sum = 0, below = 0;
    for (int64_t i = 0; i < n; ++i) {
        if (distinct && rows[distinct - 1].value == rows[i].value)
            rows[distinct - 1].weight += rows[i].weight;
        else
            rows[distinct++] = rows[i];
        sum += rows[i].weight;
    }
    for (int64_t i = 0; i < distinct; ++i) {
        rows[i].weight /= sum;
        rows[i].middle = below + rows[i].weight / 2;
        below += rows[i].weight;
    }
    return distinct;
}

int mote_draws_sort(const mote_draws *draws, const double *column, mote_sorted_draw **sorted, int64_t *n)
{
    int64_t kept = 0, nans = 0;
    double most = largest(draws->log_weight, draws->count);
    mote_sorted_draw *rows = mote_memory_allocate(draws->memory, draws->count, 2 * sizeof *rows);
    *sorted = rows;
    *n = 0;
    if (!rows)
        return MOTE_ENOMEM;
    for (int64_t i = 0; i < draws->count; ++i) {
        double w = relative_weight(draws, i, most);
        if (w > 0) {
            nans += isnan(column[i]);
            rows[kept++] = (mote_sorted_draw){ column[i], w, 0 };
        }
    }
    if (!nans) {
        sort_rows(rows, rows + draws->count, kept);
        *n = join_rows(rows, kept);
    }
    return MOTE_OK;
}

void mote_draws_unsort(const mote_draws *draws, mote_sorted_draw *sorted)
{
    mote_memory_release(draws->memory, sorted);
}

/* Q(p); *at is where the search begins (p must not fall between calls that share it). */
static double quantile_from(const mote_sorted_draw *rows, int64_t n, double p, int64_t *at)
{
    if (n == 0)
        return NAN;
    while (*at < n && rows[*at].middle < p)
        ++*at;
    if (*at == 0)
        return rows[0].value;
    if (*at == n)
        return rows[n - 1].value;
    const mote_sorted_draw *a = &rows[*at - 1], *b = &rows[*at];
    double share = (p - a->middle) / (b->middle - a->middle);
    return share >= 1 ? b->value : a->value + share * (b->value - a->value);
}

double mote_sorted_quantile(const mote_sorted_draw *rows, int64_t n, double p)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (rows[middle].middle < p)
            low = middle + 1;
        else
            high = middle;
    }
    return quantile_from(rows, n, p, &low);
}

double mote_draws_quantile(const mote_draws *draws, int64_t parameter, double probability)
{
    const double *column = mote_draws_column(draws, parameter);
    mote_sorted_draw *rows = NULL;
    int64_t n;
    double value = NAN;
    if (!column || !(probability >= 0 && probability <= 1))
        return NAN;
    if (mote_draws_sort(draws, column, &rows, &n) == MOTE_OK)
        value = mote_sorted_quantile(rows, n, probability);
    mote_draws_unsort(draws, rows);
    return value;
}

/* The best interval so far, and two searches that move upward only. */
struct interval_search {
    const mote_sorted_draw *rows;
    int64_t n, lower_at, upper_at;
    double mass, lower, upper;
};

static void try_interval(struct interval_search *search, double p)
{
    double lower = quantile_from(search->rows, search->n, p, &search->lower_at);
    double upper = quantile_from(search->rows, search->n, p + search->mass, &search->upper_at);
    if (upper - lower < search->upper - search->lower) {
        search->lower = lower;
        search->upper = upper;
    }
}

void mote_sorted_interval(const mote_sorted_draw *rows, int64_t n, double mass, double *lower, double *upper)
{
    *lower = *upper = NAN;
    if (n == 0)
        return;
    struct interval_search search = { rows, n, 0, 0, mass, rows[0].value, rows[n - 1].value };
    for (int ends = 0; ends < 2; ++ends) { /* first with a draw at the lower end, then at the upper end */
        search.lower_at = search.upper_at = 0;
        if (ends == 0)
            try_interval(&search, 0);
        for (int64_t i = 0; i < n; ++i) {
            double p = rows[i].middle - (ends ? mass : 0);
            if (p >= 0 && p + mass <= 1)
                try_interval(&search, p);
        }
    }
    search.lower_at = search.upper_at = 0;
    try_interval(&search, 1 - mass);
    *lower = search.lower;
    *upper = search.upper;
}

int mote_draws_shortest_interval(const mote_draws *draws, int64_t parameter, double mass, double *lower,
                                 double *upper)
{
    const double *column = mote_draws_column(draws, parameter);
    mote_sorted_draw *rows = NULL;
    int64_t n;
    if (!column || !(mass > 0 && mass <= 1) || !lower || !upper)
        return MOTE_EINVAL;
    int status = mote_draws_sort(draws, column, &rows, &n);
    if (status == MOTE_OK)
        mote_sorted_interval(rows, n, mass, lower, upper);
    mote_draws_unsort(draws, rows);
    return status;
}

/* The row of highest likelihood; -1 without rows. */
static int64_t best_row(const mote_draws *draws)
{
    int64_t best = draws->count ? 0 : -1;
    for (int64_t i = 1; i < draws->count; ++i)
        if (draws->log_likelihood[i] > draws->log_likelihood[best])
            best = i;
    return best;
}

static void fill_order_statistics(mote_summary *s, const mote_sorted_draw *rows, int64_t n)
{
    s->median = mote_sorted_quantile(rows, n, 0.5);
    s->lower_68 = mote_sorted_quantile(rows, n, 0.158655253931457);
    s->upper_68 = mote_sorted_quantile(rows, n, 0.841344746068543);
    s->lower_95 = mote_sorted_quantile(rows, n, 0.0227501319481792);
    s->upper_95 = mote_sorted_quantile(rows, n, 0.977249868051821);
    mote_sorted_interval(rows, n, 0.682689492137086, &s->shortest_lower_68, &s->shortest_upper_68);
    mote_sorted_interval(rows, n, 0.954499736103642, &s->shortest_lower_95, &s->shortest_upper_95);
    s->minimum = n ? rows[0].value : (double)NAN;
    s->maximum = n ? rows[n - 1].value : (double)NAN;
}

int mote_draws_summary(const mote_draws *draws, int64_t parameter, mote_summary *summary)
{
    const double *column = mote_draws_column(draws, parameter);
    mote_summary full = { MOTE_VERSIONED(mote_summary), .best = NAN };
    mote_sorted_draw *rows = NULL;
    int64_t n;
    if (!column || !summary || summary->head.size < sizeof(mote_head))
        return MOTE_EINVAL;
    if (summary->head.kind != MOTE_KIND_mote_summary)
        return MOTE_EKIND;
    int status = mote_draws_sort(draws, column, &rows, &n);
    if (status == MOTE_OK) {
        full.mean = mean_of(draws, column);
        full.sd = sqrt(average(draws, column, full.mean, column, full.mean));
        full.monte_carlo_error = full.sd / sqrt(column_size(draws, parameter));
        if (best_row(draws) >= 0)
            full.best = column[best_row(draws)];
        fill_order_statistics(&full, rows, n);
        full.head.size = summary->head.size < sizeof full ? summary->head.size : (uint32_t)sizeof full;
        memcpy((char *)summary + sizeof(mote_head), (char *)&full + sizeof(mote_head),
               full.head.size - sizeof(mote_head));
    }
    mote_draws_unsort(draws, rows);
    return status;
}
