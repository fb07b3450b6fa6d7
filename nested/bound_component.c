/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Separate clumps of live points: the components left when the long edges of their minimum spanning tree are cut
 * (single linkage). 2-means alone cuts through the modes of a symmetric set; no cut here goes through a clump.
 *
 *     long: above 4 times the 90 % quantile of the edges. Points spread evenly on a curve have exponential gaps,
 *     whose largest of 500 stays below that with probability 0.95; in more dimensions edges vary less.
 *
 * Prim's algorithm, n^2 d operations; more than MOST_POINTS points are taken as one clump. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "nested/bound.h"

enum { MOST_POINTS = 3000 };
static const double LONG_EDGE = 4;

/* Moves the edges from `at` into key (squared length) and other (tree end) of the points outside the tree. */
static int64_t grow_tree(mote_bound *bound, int64_t at)
{
    int64_t d = bound->d, nearest = -1;
    const double *x = bound->white + at * d;
    for (int64_t i = 0; i < bound->n; ++i) {
        if (bound->side[i])
            continue;
        const double *y = bound->white + i * d;
        double sum = 0;
        for (int64_t j = 0; j < d; ++j)
            sum += (x[j] - y[j]) * (x[j] - y[j]);
        if (sum < bound->key[i]) {
            bound->key[i] = sum;
            bound->other[i] = at;
        }
        if (nearest < 0 || bound->key[i] < bound->key[nearest])
            nearest = i;
    }
    return nearest;
}

/* The tree: best[] lists points as they join; key and other hold each point's edge to the tree before it. */
static void span(mote_bound *bound)
{
    int64_t at = 0;
    for (int64_t i = 0; i < bound->n; ++i) {
        bound->side[i] = 0;
        bound->key[i] = INFINITY;
        bound->other[i] = 0;
    }
    for (int64_t i = 0; i < bound->n; ++i) {
        bound->best[i] = at;
        bound->side[at] = 1;
        at = grow_tree(bound, at);
    }
}

/* The squared length from which edges are cut. */
static double cut_length(mote_bound *bound, double *length)
{
    int64_t edges = bound->n - 1;
    for (int64_t i = 1; i < bound->n; ++i)
        length[i - 1] = bound->key[bound->best[i]];
    mote_sort_index(bound->side, bound->index, length, edges);
    return LONG_EDGE * LONG_EDGE * length[bound->side[edges * 9 / 10]];
}

int64_t mote_bound_components(mote_bound *bound)
{
    int64_t n = bound->n, count = 1, *label = bound->side, most = bound->fresh.capacity / 2;
    if (n > MOST_POINTS || n < 4)
        return 1;
    span(bound);
    double cut = cut_length(bound, bound->radius);
    label[0] = 0;
    for (int64_t i = 1; i < n; ++i) {
        int64_t point = bound->best[i];
        int fresh = bound->key[point] > cut && count < most;
        label[point] = fresh ? count++ : label[bound->other[point]];
    }
    int64_t at = 0;
    for (int64_t c = 0; c < count; ++c) { /* few components: a pass each */
        bound->clump_first[c] = at;
        for (int64_t i = 0; i < n; ++i)
            if (label[i] == c)
                bound->index[at++] = i;
        bound->clump_count[c] = at - bound->clump_first[c];
    }
    return count;
}
