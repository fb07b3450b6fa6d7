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
#include "core/vector.h"
#include "nested/bound.h"

enum { MOST_POINTS = 3000 };
static const double LONG_EDGE = 4;

/* Moves the edges from `at` into key (squared length) and other (tree end) of the points outside the tree; returns the
 * nearest of these. Points of the tree keep their edge in `radius` and have a negative key. */
static int64_t grow_tree(mote_bound *bound, int64_t at)
{
    mote_columns x = mote_bound_white(bound, 0, bound->n);
    for (int64_t j = 0; j < x.d; ++j)
        bound->vector[j] = x.value[j * x.stride + at];
    mote_columns_distance(&x, bound->vector, bound->weight);
    return mote_vector()->nearest(bound->key, bound->other, bound->weight, at, bound->n);
}

/* The tree: best[] lists points as they join; radius and other hold each point's edge to the tree before it. */
static void span(mote_bound *bound)
{
    int64_t at = 0;
    for (int64_t i = 0; i < bound->n; ++i) {
        bound->key[i] = INFINITY;
        bound->other[i] = 0;
    }
    for (int64_t i = 0; i < bound->n; ++i) {
        bound->best[i] = at;
        bound->radius[at] = bound->key[at];
        bound->key[at] = -1;
        at = grow_tree(bound, at);
        at = at < 0 ? 0 : at;
    }
}

/* The squared length from which edges are cut. */
static double cut_length(mote_bound *bound)
{
    int64_t edges = bound->n - 1;
    for (int64_t i = 1; i < bound->n; ++i)
        bound->key[i - 1] = bound->radius[bound->best[i]];
    mote_sort_index(bound->side, bound->index, bound->key, edges);
    return LONG_EDGE * LONG_EDGE * bound->key[bound->side[edges * 9 / 10]];
}

int64_t mote_bound_components(mote_bound *bound)
{
    int64_t n = bound->n, count = 1, *label = bound->side, most = bound->fresh.capacity / 2;
    if (n > MOST_POINTS || n < 4)
        return 1;
    span(bound);
    double cut = cut_length(bound);
    label[0] = 0;
    for (int64_t i = 1; i < n; ++i) {
        int64_t point = bound->best[i];
        int fresh = bound->radius[point] > cut && count < most;
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
