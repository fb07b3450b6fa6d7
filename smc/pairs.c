/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums over pairs: see pairs.h. A row meets the columns in blocks of MOTE_BLOCK; each block is weighed relative to its
 * own largest term and joined to what came before. */
#include "smc/pairs.h"

#include <math.h>
#include <string.h>

#include "core/vector.h"
#include "smc/backward.h"
#include "smc/columns.h"
#include "smc/paris.h"

enum { ROWS = 32 }; /* of one item */

struct mote_pairs_scratch { /* of one thread */
    double **row;       /* state_count columns of MOTE_BLOCK, all equal to the row's state */
    double **column;    /* state_count pointers */
    double **value;     /* functional: columns of MOTE_BLOCK */
    double **number;    /* columns of MOTE_BLOCK: densities, weights, extra */
    double *sum;        /* components: of the row under way */
    int status;
    int64_t component, particle; /* of a term that is no finite number; -1: there is none */
};

typedef struct task {
    mote_pairs *pairs;
    const mote_block *block;
    const mote_pair_side *rows, *columns;
    int rows_first;
    double *log_sum;
    double *const *mean;
} task;

static int64_t threads_of(const mote_pairs *pairs)
{
    return pairs->pool ? mote_pool_threads(pairs->pool) : 1;
}

int mote_pairs_open(mote_pairs *pairs, const mote_state_space *space,
                    int (*functional)(void *ctx, const mote_block *block, double *const *value), int64_t components,
                    const mote_memory *memory, mote_pool *pool, mote_message *message)
{
    const int64_t d = space->model.state_count;
    *pairs = (mote_pairs){ .space = space, .memory = memory, .message = message, .functional = functional,
                           .components = functional ? components : 0,
                           .pool = space->model.flags & MOTE_SSM_THREADSAFE ? pool : NULL };
    int missing = !(pairs->scratch = mote_memory_allocate(memory, threads_of(pairs), sizeof *pairs->scratch));
    for (int64_t i = 0; !missing && i < threads_of(pairs); ++i) {
        mote_pairs_scratch *s = &pairs->scratch[i];
        missing |= !(s->row = mote_block_columns_open(memory, d, MOTE_BLOCK));
        missing |= !(s->column = mote_memory_allocate(memory, d, sizeof *s->column));
        missing |= !(s->value = mote_block_columns_open(memory, pairs->components, MOTE_BLOCK));
        missing |= !(s->number = mote_block_columns_open(memory, 3, MOTE_BLOCK));
        missing |= !(s->sum = mote_memory_allocate(memory, pairs->components, sizeof *s->sum));
    }
    if (missing)
        mote_pairs_close(pairs);
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

void mote_pairs_close(mote_pairs *pairs)
{
    for (int64_t i = 0; pairs->scratch && i < threads_of(pairs); ++i) {
        mote_pairs_scratch *s = &pairs->scratch[i];
        mote_block_columns_close(pairs->memory, s->row);
        mote_block_columns_close(pairs->memory, s->value);
        mote_block_columns_close(pairs->memory, s->number);
        mote_memory_release(pairs->memory, s->column);
        mote_memory_release(pairs->memory, s->sum);
    }
    if (pairs->memory)
        mote_memory_release(pairs->memory, pairs->scratch);
    memset(pairs, 0, sizeof *pairs);
}

/* Weights of `n` columns from `first` relative to the largest of them, into number[1]. */
static int weigh(const task *t, mote_pairs_scratch *s, int64_t first, int64_t n, double *maximum, double *sum)
{
    double *density = s->number[0], *weight = s->number[1];
    for (int64_t k = 0; k < t->pairs->space->model.state_count; ++k)
        s->column[k] = (double *)t->columns->state[k] + first; /* callbacks do not write to state here */
    double *const *state = t->rows_first ? s->column : s->row;
    const double *const *previous = (const double *const *)(t->rows_first ? s->row : s->column);
    const int status = mote_backward_log_density(t->pairs->space, t->block, n, previous, state, density, s->number[2]);
    if (status)
        return status > 0 ? MOTE_EMODEL : status;
    for (int64_t i = 0; i < n; ++i)
        density[i] += t->columns->log_weight[first + i];
    return mote_vector()->weigh(weight, density, n, maximum, sum) ? MOTE_EMODEL : MOTE_OK;
}

/* For columns from `first` and the row r. */
static int add_functional(const task *t, mote_pairs_scratch *s, int64_t r, int64_t first, int64_t n, double factor)
{
    mote_block block = *t->block;
    block.n = n;
    block.first = 0;
    block.previous = (const double *const *)(t->rows_first ? s->row : s->column);
    block.state = t->rows_first ? s->column : s->row;
    int status = t->pairs->functional(t->pairs->space->model.ctx, &block, s->value);
    const int64_t fault = status ? -1 : mote_functional_fault(s->value, t->pairs->components, n, s->number[1]);
    if (fault >= 0) {
        s->component = fault / n;
        s->particle = t->rows_first ? first + fault % n : r;
        status = MOTE_EMODEL;
    }
    for (int64_t k = 0; k < t->pairs->components && !status; ++k) {
        const double *weight = s->number[1];
        double *value = s->value[k];
        for (int64_t i = 0; i < n; ++i)
            value[i] = weight[i] > 0 ? value[i] : 0; /* no weight: nothing counts, be it infinite */
        s->sum[k] += factor * mote_vector()->product(weight, value, n);
    }
    return status > 0 ? MOTE_EMODEL : status;
}

static int sum_row(const task *t, mote_pairs_scratch *s, int64_t r)
{
    double largest = -INFINITY, total = 0;
    const int counts = t->mean && !(t->rows->log_weight && t->rows->log_weight[r] == -INFINITY);
    const int64_t components = counts ? t->pairs->components : 0;
    int status = MOTE_OK;
    for (int64_t k = 0; k < t->pairs->space->model.state_count; ++k)
        for (int64_t i = 0; i < MOTE_BLOCK && i < t->columns->n; ++i)
            s->row[k][i] = t->rows->state[k][r];
    memset(s->sum, 0, (size_t)t->pairs->components * sizeof *s->sum);
    for (int64_t first = 0; first < t->columns->n && !status; first += MOTE_BLOCK) {
        const int64_t n = t->columns->n - first < MOTE_BLOCK ? t->columns->n - first : MOTE_BLOCK;
        double maximum, sum;
        status = weigh(t, s, first, n, &maximum, &sum);
        if (status || maximum == -INFINITY)
            continue;
        const double high = maximum > largest ? maximum : largest, old = total > 0 ? mote_exp(largest - high) : 0;
        const double factor = mote_exp(maximum - high);
        for (int64_t k = 0; k < components; ++k)
            s->sum[k] *= old;
        total = total * old + sum * factor;
        largest = high;
        status = components ? add_functional(t, s, r, first, n, factor) : MOTE_OK;
    }
    t->log_sum[r] = total > 0 ? largest + mote_log(total) : -INFINITY;
    for (int64_t k = 0; t->mean && k < t->pairs->components; ++k)
        t->mean[k][r] = total > 0 ? s->sum[k] / total : 0;
    return status;
}

static void do_item(void *ctx, int64_t item, int64_t thread)
{
    const task *t = ctx;
    mote_pairs_scratch *s = &t->pairs->scratch[thread];
    for (int64_t r = item * ROWS; r < (item + 1) * ROWS && r < t->rows->n && !s->status; ++r)
        s->status = sum_row(t, s, r);
}

int mote_pairs_sum(mote_pairs *pairs, const mote_block *block, const mote_pair_side *rows,
                   const mote_pair_side *columns,
                   int rows_first, double *log_sum, double *const *mean)
{
    task t = { pairs, block, rows, columns, rows_first, log_sum, mean };
    const int64_t items = (rows->n + ROWS - 1) / ROWS;
    int status = MOTE_OK;
    for (int64_t i = 0; i < threads_of(pairs); ++i) {
        pairs->scratch[i].status = MOTE_OK;
        pairs->scratch[i].component = -1;
    }
    if (pairs->pool && items > 1)
        mote_pool_run(pairs->pool, do_item, &t, items);
    else
        for (int64_t item = 0; item < items; ++item)
            do_item(&t, item, 0);
    for (int64_t i = 0; i < threads_of(pairs); ++i)
        status = status ? status : pairs->scratch[i].status;
    pairs->densities += rows->n * columns->n;
    if (status != MOTE_EMODEL)
        return status;
    for (int64_t i = 0; i < threads_of(pairs); ++i)
        if (pairs->scratch[i].component >= 0)
            return mote_functional_complain(pairs->space, pairs->functional == pairs->space->model.additive
                                            ? MOTE_FUNCTIONAL_ADDITIVE : MOTE_FUNCTIONAL_GRADIENT,
                                            pairs->scratch[i].component, pairs->scratch[i].particle, block,
                                            pairs->message);
    return mote_fail(pairs->message, status, "the model '%s' at step %lld (time %g): log_transition is not a number "
                     "below infinity, or a callback returned a code above 0", mote_state_space_name(pairs->space),
                     (long long)block->step, block->time);
}
