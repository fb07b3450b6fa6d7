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
#include "nested/bound.h"

enum { MEANS_ROUNDS = 20, MOVE_ROUNDS = 20 };

/* ---- 2-means ---------------------------------------------------------------------------------------------------- */

static double distance2(const double *a, const double *b, int64_t d)
{
    double sum = 0;
    for (int64_t j = 0; j < d; ++j)
        sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
}

/* The starting centres: a random point's farthest point, and the farthest point from that. */
static void start_centres(mote_bound *bound, const double *white, int64_t count, double *centre)
{
    int64_t d = bound->d, at = mote_stream_index_inline(&bound->stream, count);
    for (int k = 0; k < 2; ++k) {
        int64_t farthest = at;
        double most = -1;
        for (int64_t i = 0; i < count; ++i) {
            double distance = distance2(white + i * d, white + at * d, d);
            if (distance > most) {
                most = distance;
                farthest = i;
            }
        }
        memcpy(centre + k * d, white + farthest * d, (size_t)d * sizeof(double));
        at = farthest;
    }
}

/* Means of the two halves; 0 when one is empty. */
static int two_centres(const mote_bound *bound, const double *white, int64_t count, double *centre)
{
    int64_t d = bound->d;
    double size[2] = { 0, 0 };
    memset(centre, 0, (size_t)(2 * d) * sizeof(double));
    for (int64_t i = 0; i < count; ++i) {
        int64_t k = bound->side[i];
        size[k] += 1;
        for (int64_t j = 0; j < d; ++j)
            centre[k * d + j] += white[i * d + j];
    }
    if (size[0] == 0 || size[1] == 0)
        return 0;
    for (int64_t j = 0; j < 2 * d; ++j)
        centre[j] /= size[j / d];
    return 1;
}

static int two_means(mote_bound *bound, const double *white, int64_t count)
{
    int64_t d = bound->d;
    double *centre = bound->vector;
    start_centres(bound, white, count, centre);
    for (int64_t i = 0; i < count; ++i)
        bound->side[i] = -1;
    for (int round = 0; round < MEANS_ROUNDS; ++round) {
        int64_t moved = 0;
        for (int64_t i = 0; i < count; ++i) {
            const double *x = white + i * d;
            int64_t side = distance2(x, centre + d, d) < distance2(x, centre, d);
            moved += side != bound->side[i];
            bound->side[i] = side;
        }
        if (moved == 0)
            break;
        if (!two_centres(bound, white, count, centre))
            return 0;
    }
    return 1;
}

/* ---- moving points between the halves --------------------------------------------------------------------------- */

typedef struct half {
    double *mean, *lower;
    double f, log_volume, log_share;
    int64_t size;
} half;

/* Fits one half in the whitened frame; 0 when it has too few points. */
static int fit_half(mote_bound *bound, const double *white, int64_t count, int64_t k, half *out)
{
    int64_t d = bound->d;
    double *covariance = bound->matrix + 2 * d * d, *scratch = bound->matrix + 3 * d * d;
    out->size = 0;
    for (int64_t i = 0; i < count; ++i)
        if (bound->side[i] == k)
            bound->other[out->size++] = i;
    if (out->size < bound->minimum)
        return 0;
    out->mean = bound->vector + (2 + k) * d;
    out->lower = bound->matrix + k * d * d;
    mote_covariance(out->mean, covariance, white, d, bound->other, out->size, d);
    mote_bound_factor(out->lower, covariance, scratch, d);
    return 1;
}

/* Squared radius of every point (both halves) under half k: into radius[k]. */
static void measure(mote_bound *bound, const double *white, int64_t count, int64_t k, half *out, double *radius)
{
    int64_t d = bound->d;
    double *z = bound->vector + 4 * d;
    out->f = 1e-12;
    for (int64_t i = 0; i < count; ++i) {
        for (int64_t j = 0; j < d; ++j)
            z[j] = white[i * d + j] - out->mean[j];
        mote_lower_solve(z, out->lower, z, d);
        radius[i] = mote_dot(z, z, d);
        if (bound->side[i] == k && radius[i] > out->f)
            out->f = radius[i];
    }
    out->log_share = bound->log_share + log((double)out->size);
    out->log_volume = mote_bound_ball(d) + 0.5 * (double)d * log(out->f) + mote_lower_log_determinant(out->lower, d);
}

/* Volumes in the whitened frame are the true ones over the determinant of the whole's factor. */
static void raise_to_share(half *part, double log_determinant)
{
    part->log_volume += log_determinant;
    if (part->log_volume < part->log_share) {
        part->log_volume = part->log_share;
    }
}

/* Moves points by h_k until stable. Leaves the halves' volumes in `parts`; 0 when a half becomes too small. */
static int settle(mote_bound *bound, const double *white, int64_t count, double log_determinant, half *parts,
                  double *near, double *far)
{
    for (int round = 0; round < MOVE_ROUNDS; ++round) {
        double *radius[2] = { near, far };
        for (int64_t k = 0; k < 2; ++k) {
            if (!fit_half(bound, white, count, k, &parts[k]))
                return 0;
            measure(bound, white, count, k, &parts[k], radius[k]);
            raise_to_share(&parts[k], log_determinant);
        }
        double weight[2];
        for (int k = 0; k < 2; ++k)
            weight[k] = exp(parts[k].log_volume - parts[k].log_share) / parts[k].f;
        int64_t moved = 0;
        for (int64_t i = 0; i < count; ++i) {
            int64_t side = weight[1] * far[i] < weight[0] * near[i];
            moved += side != bound->side[i];
            bound->side[i] = side;
        }
        if (moved == 0)
            return 1;
    }
    for (int64_t k = 0; k < 2; ++k) { /* the last move is not in the volumes yet */
        if (!fit_half(bound, white, count, k, &parts[k]))
            return 0;
        measure(bound, white, count, k, &parts[k], near);
        raise_to_share(&parts[k], log_determinant);
    }
    return 1;
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

/* The size of the first half after a split worth trying, or 0. */
static int64_t try_split(mote_bound *bound, int64_t first, int64_t count, int64_t level)
{
    const double *white = bound->white + first * bound->d;
    double whole = bound->path.log_volume[level], share = bound->log_share + log((double)count);
    if (count < 2 * bound->minimum || !two_means(bound, white, count))
        return 0;
    half parts[2];
    double log_determinant = mote_lower_log_determinant(bound->path.lower + level * bound->d * bound->d, bound->d);
    if (!settle(bound, white, count, log_determinant, parts, bound->radius, bound->key))
        return 0;
    double both = mote_log_add(parts[0].log_volume, parts[1].log_volume);
    if (both < whole + log(bound->shrink) || (whole > share + log(2) && bound->rounds > 0))
        return part_index(bound, first, count);
    return 0;
}

/* ---- the tree --------------------------------------------------------------------------------------------------- */

static void keep_part(mote_bound *bound, int64_t level)
{
    int64_t d = bound->d, k = bound->fresh.count++;
    mote_ellipsoids *fresh = &bound->fresh, *path = &bound->path;
    memcpy(fresh->mean + k * d, path->mean + level * d, (size_t)d * sizeof(double));
    for (int64_t i = 0; i < d * d; ++i)
        fresh->lower[k * d * d + i] = path->lower[level * d * d + i] * path->scale[level];
    fresh->scale[k] = path->scale[level];
    fresh->log_volume[k] = path->log_volume[level];
    fresh->size[k] = path->size[level];
}

/* Adds the parts that hold index[first .. first + count); returns the log of their volume. */
static double build_node(mote_bound *bound, int64_t first, int64_t count, int64_t level)
{
    int64_t kept = bound->fresh.count, left = 0;
    mote_bound_fit(bound, first, count, level);
    /* room for this node's halves and for the waiting half of every level above */
    if (level + 1 < MOTE_BOUND_DEPTH && kept + level + 2 <= bound->fresh.capacity)
        left = try_split(bound, first, count, level);
    double halves = INFINITY;
    if (left > 0) {
        halves = build_node(bound, first, left, level + 1);
        halves = mote_log_add(halves, build_node(bound, first + left, count - left, level + 1));
    }
    mote_bound_enlarge(bound, first, count, level);
    if (halves < bound->path.log_volume[level] + log(bound->shrink))
        return halves;
    bound->fresh.count = kept;
    keep_part(bound, level);
    return bound->path.log_volume[level];
}

/* Rows of L^-1, by forward substitution on the unit vectors. */
static void invert_lower(double *inverse, const double *lower, int64_t d)
{
    memset(inverse, 0, (size_t)(d * d) * sizeof(double));
    for (int64_t column = 0; column < d; ++column)
        for (int64_t i = column; i < d; ++i) {
            double sum = i == column;
            for (int64_t j = column; j < i; ++j)
                sum -= lower[i * d + j] * inverse[j * d + column];
            inverse[i * d + column] = sum / lower[i * d + i];
        }
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
        invert_lower(bound->parts.inverse + k * d * d, bound->parts.lower + k * d * d, d);
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
    bound->shrink = plan->clusters_only ? 0.5 : 1;
    bound->log_share = plan->log_prior_volume - log((double)plan->n);
    bound->log_floor = bound->log_share - log(plan->efficiency);
    load_points(bound, plan->cube);
    bound->fresh.count = 0;
    double log_volume = plan->n > d + 1 || plan->clusters_only ? build_node(bound, 0, plan->n, 0) : INFINITY;
    int lower = bound->built && plan->log_prior_volume < bound->log_prior_volume;
    if (!lower || plan->clusters_only || bound->cube || log_volume <= bound->log_volume)
        install(bound, log_volume);
    bound->built = 1;
    bound->log_prior_volume = plan->log_prior_volume;
}
