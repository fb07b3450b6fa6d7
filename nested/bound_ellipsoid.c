/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ellipsoids around live points, and draws from their union (Feroz, Hobson & Bridges 2009, section 5; Buchner 2016
 * for the enlargement by leave-out).
 *
 * Points with mean m and covariance C = L L':   E = {x: (x-m)' C^-1 (x-m) <= f},   V = V_d f^(d/2) |L|
 * Enlargement: resample the points with replacement, fit m and C to the resample, and measure the points that were
 * left out; f is the largest squared radius met in all rounds, or that of the points themselves. A constant factor
 * instead cuts off what lies near the contour, which biases the evidence upwards (law of the lost contour).
 * Floor: V >= X N_k / (n efficiency), the part's share of the prior volume over the target efficiency.
 *
 * Draw: part k with probability V_k / sum V, x uniform in it, kept inside the cube only, and with probability 1/q when
 * q parts hold it: uniform on the union.
 *
 * Known answer: V_d = pi^(d/2) / Gamma(d/2 + 1); tests/nested/test_bound.c. */
#include <math.h>
#include <mote/target.h>
#include <string.h>

#include "core/linear.h"
#include "core/special.h"
#include "core/stream_inline.h"
#include "core/vector.h"
#include "nested/birth.h"

enum { MOST_PARTS_BYTES = 1 << 22 };

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static int open_ellipsoids(mote_ellipsoids *parts, int64_t d, int64_t capacity, const mote_memory *memory)
{
    parts->d = d;
    parts->capacity = capacity;
    parts->mean = mote_memory_allocate(memory, capacity * d, sizeof(double));
    parts->lower = mote_memory_allocate(memory, capacity * d * d, sizeof(double));
    parts->inverse = mote_memory_allocate(memory, capacity * d * d, sizeof(double));
    parts->scale = mote_memory_allocate(memory, capacity, sizeof(double));
    parts->log_volume = mote_memory_allocate(memory, capacity, sizeof(double));
    parts->size = mote_memory_allocate(memory, capacity, sizeof(double));
    return parts->mean && parts->lower && parts->inverse && parts->scale && parts->log_volume && parts->size;
}

static void close_ellipsoids(mote_ellipsoids *parts, const mote_memory *memory)
{
    mote_memory_release(memory, parts->mean);
    mote_memory_release(memory, parts->lower);
    mote_memory_release(memory, parts->inverse);
    mote_memory_release(memory, parts->scale);
    mote_memory_release(memory, parts->log_volume);
    mote_memory_release(memory, parts->size);
}

/* The arrays of a bound and their lengths; aligned, since loads across cache lines cost twice. */
enum { REALS = 11, INTEGERS = 8 };
typedef struct arrays {
    double **real[REALS];
    int64_t **integer[INTEGERS], reals[REALS], integers[INTEGERS];
} arrays;

static arrays arrays_of(mote_bound *bound, int64_t parts)
{
    int64_t d = bound->d, n = bound->max_points;
    return (arrays){
        { &bound->shift, &bound->fresh_shift, &bound->cumulative, &bound->point, &bound->white, &bound->row,
          &bound->key, &bound->radius, &bound->weight, &bound->matrix, &bound->vector },
        { &bound->index, &bound->other, &bound->side, &bound->best, &bound->leaf_first, &bound->leaf_count,
          &bound->clump_first, &bound->clump_count },
        { d, d, parts, n * d + bound->padded - d, bound->stride * d, n * bound->padded, n, n, n, (5 * d + 1) * d,
          8 * d },
        { n, n, n, n, parts, parts, parts, parts }
    };
}

int mote_bound_open(mote_bound *bound, const int64_t *boundary, int64_t d, int64_t n, const mote_memory *memory)
{
    if (d > 20000 || n > INT64_MAX / 64 / (d + 8))
        return MOTE_ENOMEM;
    int64_t most = MOST_PARTS_BYTES / (8 * d * d) + 8, parts = n / (d + 1) + 2;
    parts = parts < most ? parts : most;
    bound->d = d;
    bound->padded = (d + 7) / 8 * 8;
    bound->max_points = n;
    bound->stride = (n + 7) / 8 * 8;
    bound->boundary = boundary;
    int ok = open_ellipsoids(&bound->parts, d, parts, memory);
    ok &= open_ellipsoids(&bound->fresh, d, parts, memory);
    ok &= open_ellipsoids(&bound->path, d, MOTE_BOUND_DEPTH, memory);
    arrays list = arrays_of(bound, parts);
    for (int i = 0; i < REALS; ++i)
        ok &= (*list.real[i] = mote_memory_allocate_aligned(memory, list.reals[i], sizeof(double))) != NULL;
    for (int i = 0; i < INTEGERS; ++i)
        ok &= (*list.integer[i] = mote_memory_allocate_aligned(memory, list.integers[i], sizeof(int64_t))) != NULL;
    bound->pooled = bound->matrix ? bound->matrix + (4 * d + 1) * d : NULL;
    return ok ? MOTE_OK : MOTE_ENOMEM;
}

void mote_bound_close(mote_bound *bound, const mote_memory *memory)
{
    arrays list = arrays_of(bound, 0);
    close_ellipsoids(&bound->parts, memory);
    close_ellipsoids(&bound->fresh, memory);
    close_ellipsoids(&bound->path, memory);
    for (int i = 0; i < REALS; ++i)
        mote_memory_release_aligned(memory, *list.real[i]);
    for (int i = 0; i < INTEGERS; ++i)
        mote_memory_release_aligned(memory, *list.integer[i]);
}

/* ---- fits ------------------------------------------------------------------------------------------------------- */

double mote_bound_ball(int64_t d)
{
    return 0.5 * (double)d * log(3.14159265358979323846) - mote_log_gamma(0.5 * (double)d + 1);
}

/* Cholesky factor of a covariance that may be singular: as a correlation matrix with the smallest ridge that lets the
 * factorisation go through. `scratch` has d x d + d entries. */
void mote_bound_factor(double *lower, const double *covariance, double *scratch, int64_t d)
{
    double *restrict sd = scratch + d * d;
    for (int64_t j = 0; j < d; ++j) {
        double variance = covariance[j * d + j];
        sd[j] = variance > 1e-290 ? sqrt(variance) : 1e-145;
    }
    for (double ridge = 1e-13;; ridge *= 100) {
        for (int64_t i = 0; i < d; ++i)
            for (int64_t j = 0; j <= i; ++j)
                scratch[i * d + j] = scratch[j * d + i] = covariance[i * d + j] / (sd[i] * sd[j]);
        for (int64_t i = 0; i < d; ++i)
            scratch[i * d + i] = 1 + ridge;
        if (mote_cholesky(lower, scratch, d) == MOTE_OK || ridge > 1e3)
            break;
    }
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j <= i; ++j)
            lower[i * d + j] *= sd[i];
}

/* What leave-out adds to the log volume of an ellipsoid of uniform points, on average: read off simulations with 30
 * rounds, within 0.1 d for d up to 15. Only used to choose splits; volumes in use come from leave-out itself. */
double mote_bound_inflation(int64_t count, int64_t d)
{
    double n = (double)count;
    return 0.5 * (double)d * log(1 + (35 + 3 * (double)d) / n * pow(n / 40, 0.3));
}

/* The share of volume that `count` survivors stand for, over the efficiency; more for few of them in a region, whose
 * number says little of it: without that, small peaks shrink step by step and are lost, unseen by any rank test. */
static double floor_volume(const mote_bound *bound, int64_t count)
{
    return bound->log_floor + log((double)count) + log1p(bound->few / (double)count);
}

/* Sets scale and volume of a fit with squared radius f. */
static void set_volume(mote_bound *bound, int64_t count, int64_t level, double f)
{
    int64_t d = bound->d;
    mote_ellipsoids *path = &bound->path;
    double log_ball = mote_bound_ball(d) + mote_lower_log_determinant(path->lower + level * d * d, d);
    double log_volume = log_ball + 0.5 * (double)d * log(f);
    double least = floor_volume(bound, count);
    path->log_volume[level] = log_volume > least ? log_volume : least;
    path->scale[level] = exp((path->log_volume[level] - log_ball) / (double)d);
    path->size[level] = (double)count;
}

mote_columns mote_bound_white(const mote_bound *bound, int64_t count)
{
    return (mote_columns){ bound->white, bound->stride, count, bound->d };
}

void mote_bound_fit(mote_bound *bound, int64_t first, int64_t count, int64_t level)
{
    int64_t d = bound->d;
    mote_ellipsoids *path = &bound->path;
    double *covariance = bound->matrix, *scratch = bound->matrix + d * d, *lower = path->lower + level * d * d;
    mote_columns x = mote_bound_white(bound, count);
    mote_vector()->gather(x.value, x.stride, count, d, bound->point, bound->index + first, path->mean + level * d);
    for (int64_t i = 0; i < count; ++i)
        bound->weight[i] = 1;
    mote_columns_moments(&x, bound->weight, (double)count, bound->vector, covariance, bound->radius);
    mote_bound_factor(lower, covariance, scratch, d);
    mote_bound_invert(path->inverse + level * d * d, lower, d);
    mote_columns_whiten(&x, path->inverse + level * d * d, bound->radius);
    double inflation = exp(2 * mote_bound_inflation(count, d) / (double)d);
    bound->covering = mote_vector()->largest_member(bound->radius, bound->weight, 1, 1e-12, count);
    set_volume(bound, count, level, bound->covering * inflation);
}

/* ---- leave-out -------------------------------------------------------------------------------------------------- */

/* How often a resample of n of the n points takes each of them. A live stream's state is kept out of memory. */
static void resample(mote_stream *stream, double *weight, int64_t n)
{
    mote_stream own = { .state = { stream->state[0], stream->state[1] },
                        .increment = { stream->increment[0], stream->increment[1] } };
    memset(weight, 0, (size_t)n * sizeof *weight);
    for (int64_t i = 0; i < n && stream->tape; ++i)
        weight[mote_stream_index_inline(stream, n)] += 1;
    if (stream->tape)
        return;
    for (int64_t i = 0; i < n; ++i)
        weight[mote_stream_index_inline(&own, n)] += 1;
    memcpy(stream->state, own.state, sizeof own.state);
}

/* The largest squared radius of a left-out point in one round. The resample's covariance is mixed with that of all
 * points at the weight of d + 1 points, so that a resample of few different points still has a shape. */
static double leave_out(mote_bound *bound, const mote_columns *x)
{
    int64_t d = bound->d;
    double *mean = bound->vector, *covariance = bound->matrix, *lower = bound->matrix + d * d;
    double *scratch = bound->matrix + 2 * d * d, own = ((double)d + 1) / ((double)x->n + (double)d + 1);
    resample(&bound->stream, bound->weight, x->n);
    mote_columns_moments(x, bound->weight, (double)x->n, mean, covariance, bound->key);
    for (int64_t j = 0; j < d * d; ++j)
        covariance[j] = (1 - own) * covariance[j] + (j % (d + 1) == 0 ? own : 0);
    mote_bound_factor(lower, covariance, scratch, d);
    mote_bound_invert(scratch, lower, d);
    mote_columns_radius(x, mean, scratch, bound->key);
    return mote_vector()->largest_member(bound->key, bound->weight, 0, 0, x->n);
}

void mote_bound_enlarge(mote_bound *bound, int64_t count, int64_t level)
{
    mote_columns x = mote_bound_white(bound, count);
    double f = bound->covering;
    for (int64_t round = 0; round < bound->rounds; ++round)
        f = fmax(f, leave_out(bound, &x));
    set_volume(bound, count, level, f);
}

/* ---- draws ------------------------------------------------------------------------------------------------------ */

static void to_bound(const mote_bound *bound, const double *u, double *v)
{
    for (int64_t j = 0; j < bound->d; ++j)
        v[j] = bound->boundary[j] == MOTE_BOUNDARY_PERIODIC ? u[j] - bound->shift[j] - floor(u[j] - bound->shift[j])
                                                            : u[j];
}

/* |L^-1 (v - mean)|^2, or more than `limit` when it is known to be above it. */
static double norm2(const mote_ellipsoids *parts, int64_t k, const double *v, double limit)
{
    int64_t d = parts->d;
    const double *mean = parts->mean + k * d, *inverse = parts->inverse + k * d * d;
    double sum = 0;
    for (int64_t i = 0; i < d && sum <= limit; ++i) {
        double z = 0;
        for (int64_t j = 0; j <= i; ++j)
            z += inverse[i * d + j] * (v[j] - mean[j]);
        sum += z * z;
    }
    return sum;
}

double mote_bound_distance(const mote_bound *bound, int64_t k, const double *u, double *v, double *z)
{
    (void)z;
    to_bound(bound, u, v);
    return norm2(&bound->parts, k, v, INFINITY) * bound->parts.scale[k] * bound->parts.scale[k];
}

static int64_t choose_part(const mote_bound *bound, double u)
{
    int64_t low = 0, high = bound->parts.count - 1;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (bound->cumulative[middle] > u)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int inside_cube(const double *v, int64_t d)
{
    int outside = 0;
    for (int64_t j = 0; j < d; ++j)
        outside |= !(v[j] > 0) | !(v[j] < 1);
    return !outside;
}

int mote_bound_draw(const mote_bound *bound, mote_stream *stream, double *u)
{
    const mote_ellipsoids *parts = &bound->parts;
    int64_t d = bound->d;
    if (bound->cube) {
        for (int64_t j = 0; j < d; ++j)
            u[j] = mote_stream_uniform_inline(stream);
        return 1;
    }
    int64_t k = parts->count > 1 ? choose_part(bound, mote_stream_uniform_inline(stream)) : 0;
    const double *mean = parts->mean + k * d, *lower = parts->lower + k * d * d;
    mote_stream_normals(stream, u, d);
    double radius = pow(mote_stream_uniform_inline(stream), 1 / (double)d) / sqrt(mote_dot(u, u, d));
    for (int64_t i = d - 1; i >= 0; --i) /* from the end, so that u can be overwritten */
        u[i] = mean[i] + radius * mote_dot(lower + i * d, u, i + 1);
    if (!inside_cube(u, d))
        return 0;
    int64_t q = 1;
    for (int64_t i = 0; i < parts->count; ++i)
        q += i != k && norm2(parts, i, u, 1) <= 1;
    if (q > 1 && mote_stream_uniform_inline(stream) * (double)q > 1)
        return 0;
    for (int64_t j = 0; j < d; ++j)
        if (bound->boundary[j] == MOTE_BOUNDARY_PERIODIC)
            u[j] = mote_birth_inside(u[j] + bound->shift[j] - floor(u[j] + bound->shift[j]));
    return 1;
}

enum { MOST_OUTSIDE = 20000000 };

/* ---- the region as a method of births --------------------------------------------------------------------------- */

static void begin(mote_birth_chain *chain)
{
    chain->parent = -1;
}

static int is_finite(const double *u, int64_t d)
{
    int finite = 1;
    for (int64_t j = 0; j < d; ++j)
        finite &= isfinite(u[j]) != 0;
    return finite;
}

/* An ellipsoid thinner than doubles resolve may have no numbers, or none in the cube; around a corner of 25 dimensions
 * less than 1e-7 of it is inside: an end, not a loop. */
static int propose(mote_birth_chain *chain)
{
    const mote_sampler *sampler = chain->sampler;
    for (int64_t tries = 0; tries < MOST_OUTSIDE; ++tries) {
        if (mote_bound_draw(&sampler->bound, &chain->stream, chain->y))
            return MOTE_OK;
        ++chain->rejected;
        if (!is_finite(chain->y, sampler->dimension))
            break;
    }
    return mote_fail(sampler->message, MOTE_ENUMERIC,
                     "region sampler: no draw from the ellipsoids around the region above log-likelihood %.17g was "
                     "inside the unit cube: they lie across its faces in many dimensions (step = slice%s does "
                     "without them), or are narrower than double precision resolves", sampler->threshold,
                     sampler->options->step == MOTE_STEP_AUTO ? "" : " or auto");
}

static int answer(mote_birth_chain *chain, int above, double log_likelihood, const double *derived)
{
    if (!above)
        return MOTE_OK;
    mote_birth_move(chain, log_likelihood, derived);
    return MOTE_DONE;
}

const mote_birth_method mote_birth_region = { begin, propose, answer };
