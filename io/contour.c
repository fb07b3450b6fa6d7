/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Contours of a gridded density by marching squares (Lorensen & Cline 1987, in two dimensions). The grid is framed by
 * nodes of value 0 that sit on its edge nodes, so that every contour closes along the edge. A cell's crossings are
 * joined with the high side to the left; each crossed cell edge is then entered by one segment and left by one, and
 * loops are found by following `next`. Outer loops run counter-clockwise and holes clockwise. In a saddle the mean of
 * the four corners decides which corners are joined. */
#include <mote/status.h>

#include "io/density.h"

/* Padded grid of (nx + 2)(ny + 2) nodes. Edge ids: 2 node = the edge to the right of a node, 2 node + 1 = above it. */
struct frame {
    const mote_density *density;
    int64_t nx, ny; /* padded */
    double level;
};

static int64_t inner(int64_t i, int64_t n)
{
    return i < 1 ? 0 : i > n ? n - 1 : i - 1;
}

static double value(const struct frame *f, int64_t i, int64_t j)
{
    if (i == 0 || j == 0 || i == f->nx - 1 || j == f->ny - 1)
        return 0;
    return f->density->values[(i - 1) * f->density->y.n + j - 1];
}

static int64_t node(const struct frame *f, int64_t i, int64_t j)
{
    return i * f->ny + j;
}

/* Corners counter-clockwise from lower left; edge e joins corner e and e + 1. A segment enters where the outline goes
 * from low to high ... and leaves where it goes from high to low, counted counter-clockwise: high stays on the left. */
static void join_cell(const struct frame *f, int64_t i, int64_t j, int64_t *next)
{
    const double v[4] = { value(f, i, j), value(f, i + 1, j), value(f, i + 1, j + 1), value(f, i, j + 1) };
    const int64_t edge[4] = { 2 * node(f, i, j), 2 * node(f, i + 1, j) + 1, 2 * node(f, i, j + 1),
                              2 * node(f, i, j) + 1 };
    int up[2], down[2], ups = 0, downs = 0;
    for (int e = 0; e < 4; ++e) {
        int from = v[e] > f->level, to = v[(e + 1) % 4] > f->level;
        if (!from && to)
            up[ups++] = e;
        if (from && !to)
            down[downs++] = e;
    }
    int joined = ups == 2 && v[0] + v[1] + v[2] + v[3] > 4 * f->level;
    for (int k = 0; k < ups; ++k) {
        /* counter-clockwise from an `up` edge come the high corners, then a `down` edge: high on the left of the way
         * from down to up. In a joined saddle the segments cut off the low corners instead. */
        int best = 0;
        for (int d = 1; d < downs; ++d) {
            int ahead = (down[d] - up[k] + 4) % 4, before = (down[best] - up[k] + 4) % 4;
            if (joined ? ahead > before : ahead < before)
                best = d;
        }
        next[edge[down[best]]] = edge[up[k]];
    }
}

/* Where the level crosses an edge. Frame nodes lie on the edge nodes of the grid. */
static void crossing(const struct frame *f, int64_t edge, double *x, double *y)
{
    const mote_axis *ax = &f->density->x, *ay = &f->density->y;
    int64_t i = edge / 2 / f->ny, j = edge / 2 % f->ny, right = edge % 2 == 0;
    double a = value(f, i, j), b = right ? value(f, i + 1, j) : value(f, i, j + 1);
    double share = (f->level - a) / (b - a);
    double x0 = (double)inner(i, ax->n), y0 = (double)inner(j, ay->n);
    double x1 = right ? (double)inner(i + 1, ax->n) : x0, y1 = right ? y0 : (double)inner(j + 1, ay->n);
    *x = ax->lower + ax->step * (x0 + share * (x1 - x0));
    *y = ay->lower + ay->step * (y0 + share * (y1 - y0));
}

/* Follows every loop once, marking edges as done; counts loops and points and, when there are arrays, fills them. */
static void follow(const struct frame *f, int64_t *next, int64_t edges, mote_contour *contour)
{
    contour->loops = contour->points = 0;
    for (int64_t first = 0; first < edges; ++first) {
        if (next[first] < 0)
            continue;
        contour->start[contour->loops++] = contour->points;
        for (int64_t at = first, after; next[at] >= 0; at = after) {
            crossing(f, at, &contour->x[contour->points], &contour->y[contour->points]);
            ++contour->points;
            after = next[at];
            next[at] = -1;
        }
    }
    contour->start[contour->loops] = contour->points;
}

int mote_contour_trace(const mote_density *density, double level, mote_contour *contour)
{
    const struct frame f = { density, density->x.n + 2, density->y.n + 2, level };
    int64_t edges = 2 * f.nx * f.ny, crossed = 0;
    *contour = (mote_contour){ .memory = density->memory };
    int64_t *next = mote_memory_allocate(density->memory, edges, sizeof *next);
    if (!next)
        return MOTE_ENOMEM;
    for (int64_t e = 0; e < edges; ++e)
        next[e] = -1;
    for (int64_t i = 0; i + 1 < f.nx; ++i)
        for (int64_t j = 0; j + 1 < f.ny; ++j)
            join_cell(&f, i, j, next);
    for (int64_t e = 0; e < edges; ++e)
        crossed += next[e] >= 0;
    contour->start = mote_memory_allocate(density->memory, crossed / 3 + 2, sizeof *contour->start);
    contour->x = mote_memory_allocate(density->memory, crossed, sizeof *contour->x);
    contour->y = mote_memory_allocate(density->memory, crossed, sizeof *contour->y);
    int status = contour->start && contour->x && contour->y ? MOTE_OK : MOTE_ENOMEM;
    if (status == MOTE_OK)
        follow(&f, next, edges, contour);
    else
        mote_contour_free(contour);
    mote_memory_release(density->memory, next);
    return status;
}

void mote_contour_free(mote_contour *contour)
{
    if (!contour->memory)
        return;
    mote_memory_release(contour->memory, contour->start);
    mote_memory_release(contour->memory, contour->x);
    mote_memory_release(contour->memory, contour->y);
    contour->start = NULL;
    contour->x = contour->y = NULL;
}
