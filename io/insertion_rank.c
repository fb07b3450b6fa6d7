/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Insertion ranks from births and deaths (Fowlie, Handley & Su 2020, arXiv:2006.03371). Point j born at the contour b has
 * rank r = #{i : birth_i < b < L_i < L_j} among the s = #{i : birth_i < b < L_i} survivors; those born with it do not
 * count. Rows are in ascending order of L, so that L_i < L_j is i < j but for ties. One pass over the births in ascending
 * order, with a Fenwick tree over the rows (Fenwick 1994): n log n. Known answer: uniform on (0, 1) for an exact
 * sampler. */
#include <math.h>
#include <mote/status.h>
#include <string.h>

#include "io/plot.h"

static void add(int64_t *tree, int64_t n, int64_t at)
{
    for (++at; at <= n; at += at & -at)
        ++tree[at];
}

/* How many were added below `at`. */
static int64_t below(const int64_t *tree, int64_t at)
{
    int64_t sum = 0;
    for (; at > 0; at -= at & -at)
        sum += tree[at];
    return sum;
}

/* First row whose log-likelihood is above (or, with `equal`, not below) the value. */
static int64_t first_above(const double *l, int64_t n, double value, int equal)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (l[middle] > value || (equal && l[middle] == value))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Row numbers by ascending birth: stable merge sort. */
static void sort_births(const double *birth, int64_t n, int64_t *index, int64_t *scratch)
{
    for (int64_t i = 0; i < n; ++i)
        index[i] = i;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t start = 0; start < n; start += 2 * width) {
            int64_t middle = start + width < n ? start + width : n, end = middle + width < n ? middle + width : n;
            for (int64_t i = start, j = middle, k = start; k < end; ++k)
                scratch[k] = i < middle && (j >= end || birth[index[i]] <= birth[index[j]]) ? index[i++] : index[j++];
        }
        memcpy(index, scratch, (size_t)n * sizeof *index);
    }
}

static int64_t rank_all(const mote_draws *draws, const int64_t *index, int64_t *tree, double *rank)
{
    const double *l = draws->log_likelihood, *birth = draws->birth;
    int64_t n = draws->count, found = 0;
    for (int64_t first = 0, end; first < n; first = end) { /* groups born at one contour */
        double contour = birth[index[first]];
        for (end = first; end < n && birth[index[end]] == contour; ++end)
            ;
        int64_t alive = first_above(l, n, contour, 0), survivors = below(tree, n) - below(tree, alive);
        for (int64_t k = first; k < end && contour != -INFINITY; ++k) {
            int64_t lower = below(tree, first_above(l, n, l[index[k]], 1)) - below(tree, alive);
            if (survivors > 0)
                rank[found++] = ((double)lower + 0.5) / ((double)survivors + 1);
        }
        for (int64_t k = first; k < end; ++k)
            add(tree, n, index[k]);
    }
    return found;
}

int mote_insertion_ranks(const mote_draws *draws, double *rank, int64_t *n)
{
    int64_t count = draws->count;
    int64_t *work = mote_memory_allocate(draws->memory, 3 * count + 1, sizeof *work);
    *n = 0;
    if (!work)
        return MOTE_ENOMEM;
    sort_births(draws->birth, count, work, work + count);
    memset(work + count, 0, (size_t)(count + 1) * sizeof *work);
    *n = rank_all(draws, work, work + count, rank);
    mote_memory_release(draws->memory, work);
    return MOTE_OK;
}
