/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Backward draws by all N probabilities of a child: log W + log m, weighed block by block as populations are, then one
 * uniform against their sum for each draw. All draws of a child use one table. Where several children fit into a block
 * of pairs the model sees them together: N = 16 costs one call for 64 children, not 64 calls. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/vector.h"
#include "core/vector_inline.h"
#include "smc/backward_parts.h"
#include "smc/paris.h"

enum { GROUP = 64 }; /* weights whose sum is taken at once */

/* ---- tables ---- */

/* Weights of the parents of one child: in blocks, each relative to its own largest (scratch->maximum, sum). */
typedef struct row {
    double *weight;
    double maximum, total; /* total: relative to the largest of all */
} row;

static void weigh_block(mote_backward_scratch *s, double *weight, const double *log_weight, int64_t n, int64_t block)
{
    mote_vector()->weigh(weight, log_weight, n, &s->maximum[block], &s->sum[block]);
}

static row join(const mote_backward_scratch *s, double *weight, int64_t n)
{
    row r = { .weight = weight, .maximum = -INFINITY };
    for (int64_t k = 0; k * MOTE_BLOCK < n; ++k)
        r.maximum = s->maximum[k] > r.maximum ? s->maximum[k] : r.maximum;
    for (int64_t k = 0; k * MOTE_BLOCK < n; ++k)
        r.total += r.maximum > -INFINITY ? s->sum[k] * mote_exp(s->maximum[k] - r.maximum) : 0;
    return r;
}

/* log W + log m of `count` children (numbers within the item) with all N parents into column DENSITY,
 * count N <= MOTE_BLOCK. */
static int small_tables(mote_backward *b, mote_backward_scratch *s, const int32_t *child, int64_t count)
{
    const int64_t n = b->parents->n;
    double *density = s->column[BACKWARD_DENSITY];
    for (int64_t c = 0; c < count; ++c)
        for (int64_t l = 0; l < n; ++l) {
            s->candidate[c * n + l] = (int32_t)l;
            s->of[c * n + l] = child[c];
        }
    int status = mote_backward_densities(b, s, count * n);
    for (int64_t c = 0; c < count; ++c)
        for (int64_t l = 0; l < n; ++l)
            density[c * n + l] += b->parents->log_weight[l];
    return status;
}

/* Weights of one child and a block of parents, which stand as columns already. */
static int large_table_block(mote_backward *b, mote_backward_scratch *s, int64_t first)
{
    const int64_t left = b->parents->n - first, n = left < MOTE_BLOCK ? left : MOTE_BLOCK;
    double *density = s->column[BACKWARD_DENSITY];
    for (int64_t k = 0; k < b->space->model.state_count; ++k)
        s->at[k] = b->parents->state[k] + first;
    int status = mote_backward_density_block(b, s, n, s->at, s->state);
    for (int64_t l = 0; l < n; ++l)
        density[l] += b->parents->log_weight[first + l];
    weigh_block(s, s->table + first, density, n, first / MOTE_BLOCK);
    return status;
}

static int large_table(mote_backward *b, mote_backward_scratch *s, int32_t child)
{
    int status = MOTE_OK;
    for (int64_t k = 0; k < b->space->model.state_count; ++k)
        for (int64_t l = 0; l < MOTE_BLOCK; ++l)
            s->state[k][l] = s->child[k][child];
    for (int64_t first = 0; first < b->parents->n && !status; first += MOTE_BLOCK)
        status = large_table_block(b, s, first);
    return status;
}

/* Children whose tables are made together. */
static int64_t room_of(int64_t parents)
{
    return parents <= MOTE_BLOCK / 2 ? MOTE_BLOCK / parents : 1;
}

static int tables(mote_backward *b, mote_backward_scratch *s, const int32_t *child, int64_t count)
{
    return b->parents->n <= MOTE_BLOCK ? small_tables(b, s, child, count) : large_table(b, s, child[0]);
}

/* The row of the c-th child of those that tables() was called for. */
static row row_of(mote_backward *b, mote_backward_scratch *s, int64_t c)
{
    const int64_t n = b->parents->n;
    if (n <= MOTE_BLOCK)
        weigh_block(s, s->table, s->column[BACKWARD_DENSITY] + c * n, n, 0);
    return join(s, s->table, n);
}

/* ---- draws from a row ---- */

/* In lanes i mod 8, joined pairwise. */
static double sum_of(const double *weight, int64_t n)
{
    double lane[8] = { 0 };
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int64_t k = 0; k < 8; ++k)
            lane[k] += weight[i + k];
    for (int64_t k = 0; i < n; ++i, ++k)
        lane[k] += weight[i];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

/* The first index whose cumulative weight exceeds `target`; when rounding leaves none, the last of positive weight. */
static int64_t find(const double *weight, int64_t n, double target)
{
    int64_t last = 0;
    for (int64_t first = 0; first < n; first += GROUP) {
        const int64_t count = n - first < GROUP ? n - first : GROUP;
        const double sum = sum_of(weight + first, count);
        int64_t i = first;
        if (sum > 0)
            for (last = first + count - 1; !(weight[last] > 0); --last)
                ;
        if (target < sum) {
            while (i < last && !(target < weight[i]))
                target -= weight[i++];
            while (i < last && !(weight[i] > 0))
                ++i;
            return i;
        }
        target -= sum;
    }
    return last;
}

static int64_t pick(const mote_backward_scratch *s, const row *r, int64_t n, double u)
{
    double target = u * r->total;
    int64_t last = 0;
    for (int64_t first = 0, k = 0; first < n; first += MOTE_BLOCK, ++k) {
        const int64_t count = n - first < MOTE_BLOCK ? n - first : MOTE_BLOCK;
        const double factor = mote_exp(s->maximum[k] - r->maximum), sum = s->sum[k] * factor;
        if (!(sum > 0))
            continue;
        last = first;
        if (target < sum)
            return first + find(r->weight + first, count, target / factor);
        target -= sum;
    }
    return last + find(r->weight + last, n - last < MOTE_BLOCK ? n - last : MOTE_BLOCK, INFINITY);
}

/* Where no parent is possible the particle's own weight is zero: it keeps its ancestor. */
static int32_t without_parents(const mote_backward *b, int64_t child)
{
    return b->children->start ? b->children->start[child] : 0;
}

/* Draws pending[0..n-1], which are all of one child. */
static void draw_row(mote_backward *b, const mote_backward_scratch *s, int64_t first, const int32_t *pending, int64_t n,
                     const row *r, const double *uniform)
{
    const int64_t m = b->setup.draws;
    for (int64_t a = 0; a < n; ++a) {
        const int64_t child = first + pending[a] / m;
        b->chosen[pending[a] % m * b->children->n + child] =
            r->maximum > -INFINITY ? (int32_t)pick(s, r, b->parents->n, uniform[a]) : without_parents(b, child);
    }
}

static int uniforms(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t n, int64_t trial)
{
    const int64_t base = (b->children->slot + first) * b->setup.draws;
    mote_source source = *b->source;
    for (int64_t a = 0; a < n; ++a) {
        s->pair[a] = (uint64_t)(base + s->pending[a]);
        s->draw[a] = (uint64_t)trial;
    }
    mote_source_scattered_bits(&source, s->draw, s->pair, s->first, s->second, n);
    for (int64_t a = 0; a < n; ++a)
        s->column[BACKWARD_RATIO][a] = mote_uniform_inline(s->first[a]);
    return mote_source_status(&source);
}

/* The children of pending[0..n-1], as many as there is room for; their number. */
static int64_t next_children(const int32_t *pending, int64_t n, int64_t m, int64_t room, int32_t *child)
{
    int64_t count = 0;
    for (int64_t a = 0; a < n; ++a) {
        const int32_t c = (int32_t)(pending[a] / m);
        if (count && child[count - 1] == c)
            continue;
        if (count == room)
            break;
        child[count++] = c;
    }
    return count;
}

int mote_backward_exact_draws(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t n, int64_t trial)
{
    const int64_t m = b->setup.draws, room = room_of(b->parents->n);
    int32_t child[MOTE_BLOCK];
    int status = uniforms(b, s, first, n, trial);
    for (int64_t a = 0; a < n && !status;) {
        const int64_t count = next_children(s->pending + a, n - a, m, room, child);
        status = tables(b, s, child, count);
        for (int64_t c = 0; c < count && !status; ++c) {
            const row r = row_of(b, s, c);
            const int64_t from = a;
            while (a < n && s->pending[a] / m == child[c])
                ++a;
            draw_row(b, s, first, s->pending + from, a - from, &r, s->column[BACKWARD_RATIO] + from);
        }
    }
    return status;
}

int mote_backward_exact(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count)
{
    const int64_t draws = count * b->setup.draws;
    for (int64_t q = 0; q < draws; ++q)
        s->pending[q] = (int32_t)q;
    return mote_backward_exact_draws(b, s, first, draws, 0);
}

int mote_backward_probabilities(mote_backward *b, mote_backward_scratch *s, int64_t c, int *any)
{
    const int32_t child = (int32_t)c;
    int status = tables(b, s, &child, 1);
    const row r = row_of(b, s, 0);
    *any = r.maximum > -INFINITY;
    for (int64_t l = 0; l < b->parents->n && *any; ++l)
        s->table[l] *= mote_exp(s->maximum[l / MOTE_BLOCK] - r.maximum);
    return status;
}

/* ---- means over all parents ---- */

/* Term of the functional for n pairs of columns, into the columns of `thread`. */
static int terms(mote_backward *b, mote_backward_scratch *s, double *const *term, int64_t n,
                 const double *const *previous)
{
    mote_block pairs = *b->block;
    pairs.n = n;
    pairs.first = 0;
    pairs.previous = previous;
    pairs.state = s->state;
    const int status = mote_functional_terms(b->space, b->mean->functional, &pairs, term, term + b->mean->count);
    return status > 0 ? mote_backward_fails(s, "the functional returned a code above 0") : status;
}

/* No finite number among the terms of a child's n pairs, from column `from`: named; of pairs or children without
 * weight, zero. */
static int check_terms(mote_backward *b, mote_backward_scratch *s, double *const *term, int64_t from, int64_t n,
                       const double *weight, int64_t child)
{
    const int counts = b->mean->log_weight[child] > -INFINITY;
    for (int64_t k = 0; k < b->mean->count; ++k)
        for (int64_t i = 0; i < n; ++i)
            if (!isfinite(term[k][from + i]) && !(counts && weight[i] > 0))
                term[k][from + i] = 0;
            else if (!isfinite(term[k][from + i])) {
                snprintf(s->text, sizeof s->text, "the functional gives no finite number for '%.60s' of particle %lld",
                         mote_functional_name(b->space, b->mean->functional, k), (long long)child);
                return mote_backward_fails(s, s->text);
            }
    return MOTE_OK;
}

/* sum_l w_l (value_l + term_l) over n parents. */
static double joint_sum(const double *weight, const double *before, const double *term, int64_t n)
{
    const mote_vector_table *vector = mote_vector();
    return vector->product(weight, before, n) + vector->product(weight, term, n);
}

/* A child to whom no parent leads has weight zero itself: its mean is never looked at. */
static void set_mean(mote_backward *b, int64_t k, int64_t child, double sum, double total)
{
    b->mean->value[k][child] = total > 0 ? sum / total : 0;
}

static int small_means(mote_backward *b, mote_backward_scratch *s, double *const *term, int64_t first, int64_t from,
                       int64_t count)
{
    int32_t child[MOTE_BLOCK];
    const int64_t n = b->parents->n;
    for (int64_t c = 0; c < count; ++c)
        child[c] = (int32_t)(from + c);
    int status = tables(b, s, child, count);
    if (!status)
        status = terms(b, s, term, count * n, (const double *const *)s->previous);
    for (int64_t c = 0; c < count && !status; ++c) {
        const row r = row_of(b, s, c);
        status = check_terms(b, s, term, c * n, n, r.weight, first + from + c);
        for (int64_t k = 0; k < b->mean->count; ++k)
            set_mean(b, k, first + from + c, joint_sum(r.weight, b->mean->before[k], term[k] + c * n, n), r.total);
    }
    return status;
}

/* One child: block by block, sums relative to the largest weight of each block. */
static int large_means(mote_backward *b, mote_backward_scratch *s, double *const *term, int64_t first, int64_t c)
{
    const int64_t n = b->parents->n;
    int status = large_table(b, s, (int32_t)c);
    const row r = join(s, s->table, n);
    for (int64_t k = 0; k < b->mean->count; ++k)
        b->mean->value[k][first + c] = 0;
    for (int64_t from = 0; from < n && !status && r.total > 0; from += MOTE_BLOCK) {
        const int64_t count = n - from < MOTE_BLOCK ? n - from : MOTE_BLOCK;
        const double share = mote_exp(s->maximum[from / MOTE_BLOCK] - r.maximum) / r.total;
        for (int64_t k = 0; k < b->space->model.state_count; ++k)
            s->at[k] = b->parents->state[k] + from;
        if (share > 0)
            status = terms(b, s, term, count, s->at);
        if (!status && share > 0)
            status = check_terms(b, s, term, 0, count, r.weight + from, first + c);
        for (int64_t k = 0; k < b->mean->count && share > 0; ++k)
            b->mean->value[k][first + c] += share * joint_sum(r.weight + from, b->mean->before[k] + from, term[k],
                                                              count);
    }
    return status;
}

int mote_backward_means(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count)
{
    double *const *term = b->mean->term[s - b->scratch];
    const int64_t n = b->parents->n, room = room_of(n);
    int status = MOTE_OK;
    for (int64_t c = 0; c < count && !status; c += room)
        status = n <= MOTE_BLOCK ? small_means(b, s, term, first, c, count - c < room ? count - c : room)
                                 : large_means(b, s, term, first, c);
    return status;
}
