/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Separate clumps of live points: the components left when the long edges of their minimum spanning tree are cut
 * (single linkage). 2-means alone cuts through the modes of a symmetric set; no cut here goes through a clump.
 *
 *     long: above 4 times the 90 % quantile of the edges. Points spread evenly on a curve have exponential gaps,
 *     whose largest of 500 stays below that with probability 0.95; in more dimensions edges vary less.
 *
 * Prim's algorithm, n^2 d operations at most; more than MOST_POINTS points are taken as one clump. Two things save
 * most of them. Points that have joined leave the columns. And no edge to come is longer than the largest distance of a
 * point outside to the tree: as soon as the tenth of the edges that lies above the quantile is found to be no shorter
 * than a fourth of that, nothing will be cut.
 *
 * A clump is entered by a long edge and exhausted before the next one is taken, so the order of joining gives labels.
 *
 * Known answer: nine balls on a lattice, one ball; labels by order against those by the ends of the edges;
 * tests/nested/test_bound.c. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/vector.h"
#include "nested/bound.h"

enum { MOST_POINTS = 3000, CHECK_EVERY = 32 };
static const double LONG_EDGE = 4;

/* The squared length from which edges are cut; the edges' are in `key`. */
static double cut_length(mote_bound *bound, int64_t edges)
{
    mote_sort_index(bound->side, bound->index, bound->key, edges);
    return LONG_EDGE * LONG_EDGE * bound->key[bound->side[edges * 9 / 10]];
}

/* ---- by the order of joining ------------------------------------------------------------------------------------- */

/* The points outside the tree and some of those inside, whose key is negative: columns, key (squared distance to the
 * tree) and other (number of the point). best[] lists points as they join, radius[] the edges they joined by. */
typedef struct tree {
    mote_bound *bound;
    mote_columns x;
    int64_t joined, inside; /* points of the tree, and those of them still in the columns */
    double longest;         /* edge so far, squared */
} tree;

static tree plant(mote_bound *bound)
{
    for (int64_t i = 0; i < bound->n; ++i) {
        bound->key[i] = INFINITY;
        bound->other[i] = i;
    }
    return (tree){ .bound = bound, .x = mote_bound_white(bound, bound->n) };
}

static void join(tree *t, int64_t at)
{
    mote_bound *bound = t->bound;
    for (int64_t j = 0; j < t->x.d; ++j)
        bound->vector[j] = t->x.value[j * t->x.stride + at];
    bound->best[t->joined] = bound->other[at];
    bound->radius[t->joined] = bound->key[at];
    if (t->joined++ > 0)
        t->longest = fmax(t->longest, bound->key[at]);
    bound->key[at] = -1;
    ++t->inside;
}

/* Takes the tree's points out of the columns; the others keep their order. */
static void drop_inside(tree *t)
{
    mote_bound *bound = t->bound;
    int64_t kept = 0, *from = bound->side;
    for (int64_t i = 0; i < t->x.n; ++i) {
        from[kept] = i;
        kept += bound->key[i] >= 0;
    }
    for (int64_t j = 0; j < t->x.d; ++j) {
        double *column = t->x.value + j * t->x.stride;
        for (int64_t i = 0; i < kept; ++i)
            column[i] = column[from[i]];
    }
    for (int64_t i = 0; i < kept; ++i) {
        bound->key[i] = bound->key[from[i]];
        bound->other[i] = bound->other[from[i]];
    }
    t->x.n = kept;
    t->inside = 0;
}

/* Whether it is certain that no edge will be cut. */
static int is_one_clump(const tree *t)
{
    const double *edge = t->bound->radius;
    double most = fmax(t->longest, mote_vector()->farthest(t->bound->key, t->x.n));
    int64_t edges = t->bound->n - 1, enough = edges - edges * 9 / 10, count = 0;
    for (int64_t i = 1; i < t->joined; ++i)
        count += LONG_EDGE * LONG_EDGE * edge[i] >= most;
    return count >= enough;
}

/* Labels of the points, at most `most`; returns how many, or -1 when only the ends of the edges tell. */
static int64_t label_by_order(mote_bound *bound, int64_t most)
{
    int64_t n = bound->n, at = 0, count = 1;
    tree t = plant(bound);
    for (join(&t, 0); t.joined < n; join(&t, at)) {
        if (t.joined % CHECK_EVERY == 0 && is_one_clump(&t))
            return 1;
        if (4 * t.inside > t.x.n)
            drop_inside(&t);
        mote_columns_distance(&t.x, bound->vector, bound->weight);
        at = mote_vector()->nearest(bound->key, bound->weight, t.x.n);
        if (at < 0)
            return -1;
    }
    if (is_one_clump(&t))
        return 1;
    memcpy(bound->key, bound->radius + 1, (size_t)(n - 1) * sizeof(double));
    double cut = cut_length(bound, n - 1);
    for (int64_t i = 0; i < n; ++i) {
        count += i > 0 && bound->radius[i] > cut;
        bound->side[bound->best[i]] = count - 1;
    }
    return count <= most ? count : -1;
}

/* ---- by the ends of the edges: the plain way, for more clumps than there is room for ----------------------------- */

/* Moves the edges from `at` into key (squared length) and other (tree end) of the points outside the tree; returns the
 * nearest of these, -1 when there is none. Points of the tree have a negative key. */
static int64_t grow_tree(mote_bound *bound, int64_t at)
{
    mote_columns x = mote_bound_white(bound, bound->n);
    int64_t nearest = -1;
    for (int64_t j = 0; j < x.d; ++j)
        bound->vector[j] = x.value[j * x.stride + at];
    mote_columns_distance(&x, bound->vector, bound->weight);
    for (int64_t i = 0; i < bound->n; ++i) {
        if (bound->weight[i] < bound->key[i]) {
            bound->key[i] = bound->weight[i];
            bound->other[i] = at;
        }
        if (bound->key[i] >= 0 && bound->key[i] < (nearest < 0 ? INFINITY : bound->key[nearest]))
            nearest = i;
    }
    return nearest;
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

/* Labels of the points from the whole tree, at most `most`; returns how many. */
int64_t mote_bound_label_by_ends(mote_bound *bound, int64_t most)
{
    int64_t count = 1, *label = bound->side;
    span(bound);
    for (int64_t i = 1; i < bound->n; ++i)
        bound->key[i - 1] = bound->radius[bound->best[i]];
    double cut = cut_length(bound, bound->n - 1);
    label[0] = 0;
    for (int64_t i = 1; i < bound->n; ++i) {
        int64_t point = bound->best[i];
        int fresh = bound->radius[point] > cut && count < most;
        label[point] = fresh ? count++ : label[bound->other[point]];
    }
    return count;
}

/* ------------------------------------------------------------------------------------------------------------------ */

int64_t mote_bound_components(mote_bound *bound)
{
    int64_t n = bound->n, at = 0, *label = bound->side, most = bound->fresh.capacity / 2;
    if (n > MOST_POINTS || n < 4)
        return 1;
    int64_t count = label_by_order(bound, most);
    if (count < 0) { /* the columns are used up */
        for (int64_t i = 0; i < n; ++i)
            bound->index[i] = i;
        mote_bound_fit(bound, 0, n, 0);
        count = mote_bound_label_by_ends(bound, most);
    }
    for (int64_t c = 0; c < count && count > 1; ++c) { /* few components: a pass each */
        bound->clump_first[c] = at;
        for (int64_t i = 0; i < n; ++i)
            if (label[i] == c)
                bound->index[at++] = i;
        bound->clump_count[c] = at - bound->clump_first[c];
    }
    return count;
}
