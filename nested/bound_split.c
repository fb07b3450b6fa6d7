/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Splitting live points into clusters, and a bound built from them (Feroz, Hobson & Bridges 2009, section 5.2).
 *
 * split(S):  2-means in the frame whitened by the covariance of S -> S1, S2
 *            move each point to the half with the smaller h_k(x) = V(E_k)/V(S_k) d_k(x), V(S_k) = X N_k/n,
 *            d_k = (x-m_k)' (f_k C_k)^-1 (x-m_k), until nothing moves
 *            worth trying when V(E1) + V(E2) < V(E) or V(E) > 2 V(S); no half with fewer than the minimum of points
 * On the way back up, the halves stay only when their volumes after the enlargement by leave-out are together smaller
 * than that of the whole: small samples fit tightly and say nothing.
 *
 * Known answer: two far balls split into two; one ball stays whole; tests/nested/test_bound.c. */
#include <math.h>
#include <mote/draws.h>
#include <mote/target.h>
#include <string.h>

#include "core/linear.h"
#include "core/stream_inline.h"
#include "core/vector.h"
#include "nested/bound.h"

enum { MEANS_ROUNDS = 10, STARTS = 4, CLUSTER_STARTS = 2, HOPE = 1 };
static const double WORTHWHILE = 0.1, HOPEFUL = 1;

/* ---- halves ------------------------------------------------------------------------------------------------------ */

/* One trial split of `count` whitened points; side[i] says to which half point i belongs. */
typedef struct half {
    double *mean, *lower, *radius; /* squared radius of every point, of both halves */
    double f, log_volume, log_share;
    int64_t size;
} half;

typedef struct split {
    mote_bound *bound;
    mote_columns x;         /* whitened */
    double *near, *far;     /* scratch: a number per point */
    int64_t count, moves;
    double log_determinant; /* whitened volumes are true ones over this */
    double log_volume;      /* of both halves */
    half part[2];
} split;

static void copy_point(const split *s, int64_t i, double *out)
{
    for (int64_t j = 0; j < s->x.d; ++j)
        out[j] = s->x.value[j * s->x.stride + i];
}

static int64_t farthest(split *s, const double *from)
{
    int64_t at = 0;
    mote_columns_distance(&s->x, from, s->near);
    for (int64_t i = 1; i < s->count; ++i)
        if (s->near[i] > s->near[at])
            at = i;
    return at;
}

/* Starting centres: for the first try two points far apart, then random pairs. */
static void start_centres(split *s, int64_t start, double *centre)
{
    int64_t d = s->x.d;
    copy_point(s, mote_stream_index_inline(&s->bound->stream, s->count), centre);
    copy_point(s, mote_stream_index_inline(&s->bound->stream, s->count), centre + d);
    if (start == 0) {
        copy_point(s, farthest(s, centre), centre + d);
        copy_point(s, farthest(s, centre + d), centre);
    }
}

/* Means of the two halves; 0 when one is empty. */
static int two_centres(const split *s, double *centre)
{
    int64_t d = s->x.d, size[2] = { s->count, 0 };
    for (int64_t i = 0; i < s->count; ++i)
        size[1] += s->bound->side[i];
    size[0] -= size[1];
    if (size[0] == 0 || size[1] == 0)
        return 0;
    mote_vector()->side_sums(centre, s->bound->row, s->bound->padded, s->count, d, s->bound->side);
    for (int64_t j = 0; j < d; ++j) {
        centre[j] /= (double)size[0];
        centre[d + j] /= (double)size[1];
    }
    return 1;
}

static int two_means(split *s, int64_t start)
{
    int64_t *side = s->bound->side;
    double *centre = s->bound->vector;
    start_centres(s, start, centre);
    for (int64_t i = 0; i < s->count; ++i)
        side[i] = -1;
    for (int round = 0; round < MEANS_ROUNDS; ++round) {
        mote_columns_distance(&s->x, centre, s->near);
        mote_columns_distance(&s->x, centre + s->x.d, s->far);
        if (mote_vector()->side(side, s->near, 1, s->far, 1, s->count) == 0)
            break;
        if (!two_centres(s, centre))
            return 0;
    }
    return 1;
}

/* Fits one half and measures all points with it; 0 when it has too few points. */
static int fit_half(split *s, int64_t k)
{
    mote_bound *bound = s->bound;
    half *part = &s->part[k];
    int64_t d = bound->d;
    double *covariance = bound->matrix + 2 * d * d, *scratch = bound->matrix + 3 * d * d;
    part->size = mote_vector()->members(bound->weight, bound->side, k, s->count);
    if (part->size < bound->minimum)
        return 0;
    mote_columns_moments(&s->x, bound->weight, (double)part->size, part->mean, covariance, part->radius);
    mote_bound_factor(part->lower, covariance, scratch, d);
    mote_bound_invert(scratch, part->lower, d);
    mote_columns_radius(&s->x, part->mean, scratch, part->radius);
    part->f = mote_vector()->largest_member(part->radius, bound->weight, 1, 1e-12, s->count);
    part->log_share = bound->log_share + log((double)part->size);
    part->log_volume = bound->log_ball + 0.5 * (double)d * log(part->f) +
                       mote_lower_log_determinant(part->lower, d) + s->log_determinant;
    part->log_volume += mote_bound_inflation(part->size, d);
    part->log_volume = fmax(part->log_volume, bound->log_floor + log((double)part->size));
    return 1;
}

/* Volumes of the present halves, kept with their sides when they are the smallest so far. */
static int weigh(split *s)
{
    if (!fit_half(s, 0) || !fit_half(s, 1))
        return 0;
    double both = mote_log_add(s->part[0].log_volume, s->part[1].log_volume);
    if (both < s->log_volume) {
        s->log_volume = both;
        memcpy(s->bound->best, s->bound->side, (size_t)s->count * sizeof(int64_t));
    }
    return 1;
}

/* Moves points to the half with the smaller h_k, until stable. */
static void settle(split *s)
{
    for (int64_t round = 0; round < s->moves; ++round) {
        double weight[2];
        for (int k = 0; k < 2; ++k)
            weight[k] = exp(s->part[k].log_volume - s->part[k].log_share) / s->part[k].f;
        int64_t moved = mote_vector()->side(s->bound->side, s->part[0].radius, weight[0], s->part[1].radius, weight[1],
                                            s->count);
        if (moved == 0 || !weigh(s))
            return;
    }
}

/* Puts the points of half 0 first; returns how many they are. */
static int64_t part_index(mote_bound *bound, int64_t first, int64_t count)
{
    int64_t left = 0, right = 0;
    for (int64_t i = 0; i < count; ++i) {
        int64_t point = bound->index[first + i];
        if (bound->side[i] == 0)
            bound->index[first + left++] = point;
        else
            bound->other[right++] = point;
    }
    memcpy(bound->index + first + left, bound->other, (size_t)right * sizeof(int64_t));
    return left;
}

/* The whitened points once more, as rows. */
static void load_rows(mote_bound *bound, const mote_columns *x)
{
    for (int64_t j = 0; j < x->d; ++j)
        for (int64_t i = 0; i < x->n; ++i)
            bound->row[i * bound->padded + j] = x->value[j * x->stride + i];
}

/* The best of a few splits: the size of its first half, or 0. `both` is the volume of the halves. */
static int64_t try_split(mote_bound *bound, int64_t first, int64_t count, int64_t level, double *both)
{
    int64_t d = bound->d;
    split s = { .bound = bound, .x = mote_bound_white(bound, count), .near = bound->radius, .far = bound->key,
                .count = count, .log_volume = INFINITY };
    load_rows(bound, &s.x);
    s.moves = bound->starts;
    s.log_determinant = mote_lower_log_determinant(bound->path.lower + level * d * d, d);
    for (int64_t k = 0; k < 2; ++k) {
        s.part[k].mean = bound->vector + (2 + k) * d;
        s.part[k].lower = bound->matrix + k * d * d;
        s.part[k].radius = k ? bound->key : bound->radius;
    }
    for (int64_t start = 0; start < bound->starts; ++start)
        if (two_means(&s, start) && weigh(&s))
            settle(&s);
    *both = s.log_volume;
    if (s.log_volume == INFINITY)
        return 0;
    memcpy(bound->side, bound->best, (size_t)count * sizeof(int64_t));
    return part_index(bound, first, count);
}

/* ---- the tree --------------------------------------------------------------------------------------------------- */

/* Finds the parts of index[first .. first + count) by expected volumes, without leave-out, and adds them to the list;
 * returns the log of their volume. `hope`: how many more levels may be tried that bring no gain by themselves. */
static double grow(mote_bound *bound, int64_t first, int64_t count, int64_t level, int64_t hope)
{
    mote_bound_fit(bound, first, count, level);
    double whole = bound->path.log_volume[level], least = bound->log_floor + log((double)count), both = INFINITY;
    int64_t kept = bound->leaves, left = 0;
    /* room for this node's halves and for the waiting half of every level above */
    int room = level + 1 < MOTE_BOUND_DEPTH && kept + level + 2 <= bound->fresh.capacity;
    if (room && count >= 2 * bound->minimum && whole > least + WORTHWHILE)
        left = try_split(bound, first, count, level, &both);
    int gain = both < whole + log(bound->shrink);
    if (left > 0 && (gain || (hope > 0 && whole > least + HOPEFUL))) {
        int64_t next = gain ? bound->hope : hope - 1;
        double halves = grow(bound, first, left, level + 1, next);
        halves = mote_log_add(halves, grow(bound, first + left, count - left, level + 1, next));
        if (halves < whole + log(bound->shrink))
            return halves;
        bound->leaves = kept;
    }
    bound->leaf_first[bound->leaves] = first;
    bound->leaf_count[bound->leaves++] = count;
    return whole;
}

/* Fits and enlarges one part, and adds it to the fresh ones. */
static double add_part(mote_bound *bound, int64_t first, int64_t count)
{
    int64_t d = bound->d, k = bound->fresh.count++;
    mote_ellipsoids *fresh = &bound->fresh, *path = &bound->path;
    mote_bound_fit(bound, first, count, 0);
    mote_bound_enlarge(bound, count, 0);
    memcpy(fresh->mean + k * d, path->mean, (size_t)d * sizeof(double));
    for (int64_t i = 0; i < d * d; ++i)
        fresh->lower[k * d * d + i] = path->lower[i] * path->scale[0];
    fresh->scale[k] = path->scale[0];
    fresh->log_volume[k] = path->log_volume[0];
    fresh->size[k] = (double)count;
    return path->log_volume[0];
}

/* A clump of too few points for a fit of its own: the covariance pooled over the others around its mean, and twice
 * the largest radius that any of them needed, since its centre may lie anywhere in the region it stands for. */
static double add_small(mote_bound *bound, int64_t first, int64_t count, const double *pooled, double scale)
{
    int64_t d = bound->d, k = bound->fresh.count++;
    mote_ellipsoids *fresh = &bound->fresh;
    double *mean = fresh->mean + k * d, *lower = fresh->lower + k * d * d, *scratch = bound->matrix;
    memset(mean, 0, (size_t)d * sizeof(double));
    for (int64_t i = first; i < first + count; ++i)
        for (int64_t j = 0; j < d; ++j)
            mean[j] += bound->point[bound->index[i] * d + j] / (double)count;
    mote_bound_factor(lower, pooled, scratch, d);
    double base = bound->log_ball + mote_lower_log_determinant(lower, d);
    fresh->log_volume[k] = fmax(base + (double)d * log(2 * scale), bound->log_floor + log((double)count));
    fresh->scale[k] = exp((fresh->log_volume[k] - base) / (double)d);
    fresh->size[k] = (double)count;
    for (int64_t i = 0; i < d * d; ++i)
        lower[i] *= fresh->scale[k];
    return fresh->log_volume[k];
}

/* Adds count (C + spread of the mean) of the newest part to the pool. */
static void add_to_pool(const mote_bound *bound, double *pooled, double *weight)
{
    int64_t d = bound->d, k = bound->fresh.count - 1;
    const double *lower = bound->path.lower;
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < d; ++j)
            pooled[i * d + j] += bound->fresh.size[k] * mote_dot(lower + i * d, lower + j * d, (i < j ? i : j) + 1);
    *weight += bound->fresh.size[k];
}

static int64_t fit_for_itself(const mote_bound *bound, int64_t count)
{
    return count >= bound->minimum + 1;
}

/* The parts of every clump; small clumps borrow their shape from the others. */
static double build_clumps(mote_bound *bound, int64_t clumps)
{
    int64_t d = bound->d;
    double sum = -INFINITY, weight = 0, scale = 0, *pooled = bound->pooled;
    memset(pooled, 0, (size_t)(d * d) * sizeof(double));
    bound->leaves = bound->fresh.count = 0;
    for (int64_t c = 0; c < clumps; ++c)
        if (fit_for_itself(bound, bound->clump_count[c]))
            grow(bound, bound->clump_first[c], bound->clump_count[c], 0, bound->hope);
    for (int64_t i = 0; i < bound->leaves && bound->fresh.count < bound->fresh.capacity; ++i) {
        sum = mote_log_add(sum, add_part(bound, bound->leaf_first[i], bound->leaf_count[i]));
        add_to_pool(bound, pooled, &weight);
        scale = fmax(scale, bound->fresh.scale[i]);
    }
    for (int64_t i = 0; i < d * d; ++i)
        pooled[i] /= weight > 0 ? weight : 1;
    for (int64_t c = 0; c < clumps; ++c) {
        if (fit_for_itself(bound, bound->clump_count[c]))
            continue;
        if (weight == 0 || bound->fresh.count >= bound->fresh.capacity)
            return INFINITY;
        sum = mote_log_add(sum, add_small(bound, bound->clump_first[c], bound->clump_count[c], pooled, scale));
    }
    return sum;
}

/* One clump when the whole is as tight as it may be. */
static int64_t prepare_clumps(mote_bound *bound, int loose)
{
    int64_t clumps = loose ? mote_bound_components(bound) : 1;
    if (clumps > 1)
        return clumps;
    for (int64_t i = 0; i < bound->n; ++i)
        bound->index[i] = i;
    bound->clump_first[0] = 0;
    bound->clump_count[0] = bound->n;
    return 1;
}

/* All parts; when leave-out says that they are no smaller than the whole, the whole. */
static double build_parts(mote_bound *bound)
{
    mote_bound_fit(bound, 0, bound->n, 0);
    int loose = bound->path.log_volume[0] > bound->log_floor + log((double)bound->n) + WORTHWHILE;
    double sum = build_clumps(bound, prepare_clumps(bound, loose));
    if (bound->fresh.count == 1 || (bound->rounds == 0 && sum < INFINITY))
        return sum;
    int64_t count = bound->fresh.count;
    double whole = count < bound->fresh.capacity ? add_part(bound, 0, bound->n) : INFINITY;
    bound->fresh.count = count;
    if (sum < whole)
        return sum;
    bound->fresh.count = 0;
    return add_part(bound, 0, bound->n);
}

/* ---- periodic axes ---------------------------------------------------------------------------------------------- */

/* The middle of the largest gap between the points on the circle. */
static double widest_gap(mote_bound *bound, const double *cube, int64_t axis)
{
    int64_t n = bound->n, d = bound->d;
    for (int64_t i = 0; i < n; ++i)
        bound->key[i] = cube[i * d + axis];
    mote_sort_index(bound->index, bound->other, bound->key, n);
    double most = bound->key[bound->index[0]] + 1 - bound->key[bound->index[n - 1]];
    double middle = bound->key[bound->index[0]] - 0.5 * most;
    for (int64_t i = 1; i < n; ++i) {
        double low = bound->key[bound->index[i - 1]], gap = bound->key[bound->index[i]] - low;
        if (gap > most) {
            most = gap;
            middle = low + 0.5 * gap;
        }
    }
    return middle - floor(middle);
}

static void load_points(mote_bound *bound, const double *cube)
{
    int64_t n = bound->n, d = bound->d;
    memcpy(bound->point, cube, (size_t)(n * d) * sizeof(double));
    for (int64_t j = 0; j < d; ++j) {
        if (bound->boundary[j] != MOTE_BOUNDARY_PERIODIC)
            continue;
        bound->fresh_shift[j] = widest_gap(bound, cube, j);
        for (int64_t i = 0; i < n; ++i) {
            double v = cube[i * d + j] - bound->fresh_shift[j];
            bound->point[i * d + j] = v - floor(v);
        }
    }
    for (int64_t i = 0; i < n; ++i)
        bound->index[i] = i;
}

/* ---- building --------------------------------------------------------------------------------------------------- */

/* The fresh parts take the place of the old ones. */
static void install(mote_bound *bound, double log_volume)
{
    mote_ellipsoids old = bound->parts;
    int64_t d = bound->d;
    bound->parts = bound->fresh;
    bound->fresh = old;
    double sum = 0;
    memcpy(bound->shift, bound->fresh_shift, (size_t)d * sizeof(double));
    for (int64_t k = 0; k < bound->parts.count; ++k) {
        mote_bound_invert(bound->parts.inverse + k * d * d, bound->parts.lower + k * d * d, d);
        sum += exp(bound->parts.log_volume[k] - log_volume);
        bound->cumulative[k] = sum;
    }
    for (int64_t k = 0; k < bound->parts.count; ++k)
        bound->cumulative[k] /= sum;
    bound->log_volume = log_volume;
    bound->cube = !(log_volume < 0);
}

void mote_bound_build(mote_bound *bound, const mote_bound_plan *plan)
{
    int64_t d = bound->d;
    bound->n = plan->n;
    bound->stream = plan->stream;
    bound->rounds = plan->rounds;
    bound->minimum = plan->clusters_only ? (d < 5 ? 10 : 2 * d) : d + 1;
    bound->starts = plan->clusters_only ? CLUSTER_STARTS : STARTS;
    bound->hope = HOPE;
    bound->log_ball = mote_bound_ball(d);
    bound->shrink = plan->clusters_only ? 0.5 : 0.85;
    bound->log_share = plan->log_prior_volume - log((double)plan->n);
    bound->log_floor = bound->log_share - log(plan->efficiency);
    bound->few = plan->clusters_only ? 0 : 10 * (double)d;
    load_points(bound, plan->cube);
    bound->fresh.count = 0;
    double log_volume = plan->n > d + 1 || plan->clusters_only ? build_parts(bound) : INFINITY;
    int lower = bound->built && plan->log_prior_volume < bound->log_prior_volume;
    if (!lower || plan->clusters_only || bound->cube || log_volume <= bound->log_volume)
        install(bound, log_volume);
    bound->built = 1;
    bound->log_prior_volume = plan->log_prior_volume;
}
