/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a module of backward draws, sharing out its work, and what all ways have in common. */
#include "smc/backward.h"

#include <math.h>
#include <string.h>

#include "core/vector.h"
#include "smc/backward_parts.h"
#include "smc/columns.h"

/* ---- memory ---- */

static int64_t blocks_of(int64_t n)
{
    return (n + MOTE_BLOCK - 1) / MOTE_BLOCK;
}

static int open_scratch(mote_backward_scratch *s, const mote_memory *memory, int64_t d, int64_t n)
{
    uint64_t **words[] = { &s->draw, &s->pair, &s->first, &s->second };
    int32_t **indices[] = { &s->candidate, &s->of, &s->pending };
    int missing = !(s->previous = mote_block_columns_open(memory, d, MOTE_BLOCK));
    missing |= !(s->state = mote_block_columns_open(memory, d, MOTE_BLOCK));
    missing |= !(s->child = mote_block_columns_open(memory, d, MOTE_BLOCK));
    missing |= !(s->column = mote_block_columns_open(memory, BACKWARD_COLUMNS, MOTE_BLOCK));
    missing |= !(s->at = mote_memory_allocate(memory, d, sizeof *s->at));
    missing |= !(s->table = mote_memory_allocate_aligned(memory, blocks_of(n) * MOTE_BLOCK, sizeof *s->table));
    missing |= !(s->maximum = mote_memory_allocate(memory, blocks_of(n), sizeof *s->maximum));
    missing |= !(s->sum = mote_memory_allocate(memory, blocks_of(n), sizeof *s->sum));
    for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
        missing |= !(*words[i] = mote_memory_allocate(memory, MOTE_BLOCK, sizeof(uint64_t)));
    for (size_t i = 0; i < sizeof indices / sizeof *indices; ++i)
        missing |= !(*indices[i] = mote_memory_allocate(memory, MOTE_BLOCK, sizeof(int32_t)));
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

static void close_scratch(mote_backward_scratch *s, const mote_memory *memory)
{
    void *blocks[] = { (void *)s->at, s->maximum, s->sum, s->draw, s->pair, s->first, s->second, s->candidate, s->of,
                       s->pending };
    mote_block_columns_close(memory, s->previous);
    mote_block_columns_close(memory, s->state);
    mote_block_columns_close(memory, s->child);
    mote_block_columns_close(memory, s->column);
    mote_memory_release_aligned(memory, s->table);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
}

static int64_t threads_of(const mote_backward *b)
{
    return b->pool ? mote_pool_threads(b->pool) : 1;
}

static int open_memory(mote_backward *b)
{
    int missing = mote_alias_open(&b->alias, b->capacity, b->memory) != MOTE_OK;
    missing |= !(b->weight = mote_memory_allocate(b->memory, b->capacity, sizeof *b->weight));
    missing |= !(b->scratch = mote_memory_allocate(b->memory, threads_of(b), sizeof *b->scratch));
    for (int64_t i = 0; !missing && i < threads_of(b); ++i)
        missing = open_scratch(&b->scratch[i], b->memory, b->space->model.state_count, b->capacity);
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

/* ---- life ---- */

static int check_setup(const mote_backward *b)
{
    static const char *const names[] = { "option backward = hybrid", "option backward = exact",
                                         "option backward = rejection", "option backward = mcmc" };
    const mote_backward_setup *s = &b->setup;
    if (s->way < 0 || s->way > MOTE_BACKWARD_MCMC)
        return mote_fail(b->message, MOTE_EOPTION, "option backward = %lld is none of hybrid, exact, rejection, mcmc",
                         (long long)s->way);
    if (s->draws < 1 || s->draws > MOTE_BLOCK || b->capacity * s->draws > (int64_t)UINT32_MAX)
        return mote_fail(b->message, MOTE_EOPTION,
                         "%lld backward draws for each of %lld particles: between 1 and %d can be "
                         "drawn, and below 2^32 in all", (long long)s->draws, (long long)b->capacity, MOTE_BLOCK);
    int status = mote_state_space_needs(b->space, MOTE_CAPABILITY_LOG_TRANSITION, names[s->way], b->message);
    if (!status && (s->way == MOTE_BACKWARD_HYBRID || s->way == MOTE_BACKWARD_REJECTION))
        status = mote_state_space_needs(b->space, MOTE_CAPABILITY_LOG_TRANSITION_BOUND, names[s->way], b->message);
    return status;
}

int mote_backward_open(mote_backward *b, const mote_state_space *space, const mote_backward_setup *setup,
                       int64_t parents, const mote_memory *memory, mote_pool *pool, mote_message *message)
{
    memset(b, 0, sizeof *b);
    *b = (mote_backward){ .space = space, .setup = *setup, .capacity = parents, .memory = memory, .message = message };
    b->pool = space->model.flags & MOTE_SSM_THREADSAFE ? pool : NULL;
    if (!b->setup.trials)
        b->setup.trials = parents;
    if (b->setup.steps < 1)
        b->setup.steps = 1;
    int status = check_setup(b);
    if (!status)
        status = open_memory(b);
    if (status == MOTE_ENOMEM)
        mote_fail(message, status, "no memory for backward draws among %lld particles", (long long)parents);
    if (status)
        mote_backward_close(b);
    return status;
}

void mote_backward_close(mote_backward *b)
{
    if (!b->memory)
        return;
    for (int64_t i = 0; b->scratch && i < threads_of(b); ++i)
        close_scratch(&b->scratch[i], b->memory);
    mote_memory_release(b->memory, b->scratch);
    mote_alias_close(&b->alias);
    mote_memory_release(b->memory, b->weight);
    memset(b, 0, sizeof *b);
}

/* Weights from log-weights, and the table. */
static int prepare(mote_backward *b)
{
    const int64_t n = b->parents->n;
    const double *log_weight = b->parents->log_weight;
    double maximum = -INFINITY;
    for (int64_t i = 0; i < n; ++i)
        maximum = log_weight[i] > maximum ? log_weight[i] : maximum;
    if (!(maximum > -INFINITY && maximum < INFINITY))
        return mote_fail(b->message, MOTE_ENUMERIC, "backward draws at step %lld: no particle before has weight",
                         (long long)b->block->step);
    for (int64_t i = 0; i < n; ++i)
        b->weight[i] = log_weight[i] - maximum;
    mote_vector()->exp(b->weight, b->weight, n);
    return b->setup.way == MOTE_BACKWARD_EXACT ? MOTE_OK : mote_alias_build(&b->alias, b->weight, n);
}

/* ---- densities ---- */

int mote_backward_fails(mote_backward_scratch *s, const char *reason)
{
    s->reason = reason;
    return MOTE_EMODEL;
}

int mote_backward_log_density(const mote_state_space *space, const mote_block *block, int64_t n,
                              const double *const *previous, double *const *state, double *log_density, double *scratch)
{
    const mote_ssm *model = &space->model;
    mote_block pairs = *block;
    pairs.n = n;
    pairs.first = 0;
    pairs.previous = previous;
    pairs.state = state;
    pairs.log_weight = log_density;
    int status = model->log_transition(model->ctx, &pairs);
    if (status || !(model->flags & MOTE_SSM_PAIR_POTENTIAL) || (model->observation_count && !block->observation))
        return status;
    pairs.log_weight = scratch;
    status = model->log_potential(model->ctx, &pairs);
    for (int64_t i = 0; i < n; ++i)
        log_density[i] += scratch[i];
    return status;
}

static int of_callback(mote_backward_scratch *s, int status)
{
    if (status <= 0)
        return status;
    return mote_backward_fails(s, "a callback returned a code above 0; 0 is success, codes below 0 stop the run");
}

int mote_backward_density_block(mote_backward *b, mote_backward_scratch *s, int64_t n, const double *const *previous,
                                double *const *state)
{
    double *density = s->column[BACKWARD_DENSITY];
    int status = mote_backward_log_density(b->space, b->block, n, previous, state, density, s->column[BACKWARD_EXTRA]);
    int bad = 0;
    s->info.densities += n;
    for (int64_t i = 0; i < n; ++i)
        bad |= !(density[i] < INFINITY);
    if (status || !bad)
        return of_callback(s, status);
    return mote_backward_fails(s, "log_transition is not a number below infinity");
}

int mote_backward_densities(mote_backward *b, mote_backward_scratch *s, int64_t n)
{
    for (int64_t k = 0; k < b->space->model.state_count; ++k) {
        const double *from = b->parents->state[k], *child = s->child[k];
        double *previous = s->previous[k], *state = s->state[k];
        for (int64_t i = 0; i < n; ++i) {
            previous[i] = from[s->candidate[i]];
            state[i] = child[s->of[i]];
        }
    }
    return mote_backward_density_block(b, s, n, (const double *const *)s->previous, s->state);
}

int mote_backward_bounds(mote_backward *b, mote_backward_scratch *s, int64_t count)
{
    const mote_ssm *model = &b->space->model;
    mote_block block = *b->block;
    block.n = count;
    block.first = 0;
    block.previous = NULL;
    block.state = s->child;
    block.log_weight = s->column[BACKWARD_BOUND];
    return of_callback(s, model->log_transition_bound(model->ctx, &block));
}

/* ---- sharing out ---- */

/* Children of one item: as many as fill a block with their draws; fewer when each has a table of its own. */
static int64_t item_size(const mote_backward *b)
{
    const int64_t most = b->setup.way == MOTE_BACKWARD_EXACT ? 64 : MOTE_BLOCK;
    return MOTE_BLOCK / b->setup.draws < most ? MOTE_BLOCK / b->setup.draws : most;
}

static int work(mote_backward *b, mote_backward_scratch *s, int64_t first, int64_t count)
{
    static int (*const ways[])(mote_backward *, mote_backward_scratch *, int64_t, int64_t) = {
        mote_backward_trials, mote_backward_exact, mote_backward_trials, mote_backward_mcmc };
    if (b->mean)
        return mote_backward_means(b, s, first, count);
    if (mote_source_wants_cuts(b->source))
        return mote_backward_enumerate(b, s, first, count);
    return ways[b->setup.way](b, s, first, count);
}

static void do_item(void *ctx, int64_t item, int64_t thread)
{
    mote_backward *b = ctx;
    mote_backward_scratch *s = &b->scratch[thread];
    const int64_t size = item_size(b), first = item * size, left = b->children->n - first;
    const int64_t count = left < size ? left : size;
    if (s->failed_item >= 0 && s->failed_item < item)
        return;
    for (int64_t k = 0; k < b->space->model.state_count; ++k)
        memcpy(s->child[k], b->children->state[k] + first, (size_t)count * sizeof(double));
    const int status = work(b, s, first, count);
    if (status) {
        s->failed_item = item;
        s->status = status;
    }
}

/* Adds up the counters, and says what failed first. */
static int conclude(mote_backward *b)
{
    const mote_backward_scratch *failed = NULL;
    for (int64_t i = 0; i < threads_of(b); ++i) {
        mote_backward_scratch *s = &b->scratch[i];
        b->info.trials += s->info.trials;
        b->info.fallbacks += s->info.fallbacks;
        b->info.densities += s->info.densities;
        if (s->failed_item >= 0 && (!failed || s->failed_item < failed->failed_item))
            failed = s;
    }
    if (failed && failed->status == MOTE_EMODEL)
        return mote_fail(b->message, MOTE_EMODEL, "the model '%s', backward draws at step %lld (time %g): %s",
                         b->space->model.name ? b->space->model.name : "model", (long long)b->block->step,
                         b->block->time, failed->reason);
    return failed ? failed->status : MOTE_OK;
}

/* `alone`: tapes and enumerators belong to one thread. */
static int share_out(mote_backward *b, int alone)
{
    const int64_t items = (b->children->n + item_size(b) - 1) / item_size(b);
    for (int64_t i = 0; i < threads_of(b); ++i) {
        b->scratch[i].failed_item = -1;
        b->scratch[i].info = (mote_backward_info){ 0 };
    }
    if (b->pool && items > 1 && !alone)
        mote_pool_run(b->pool, do_item, b, items);
    else
        for (int64_t item = 0; item < items; ++item)
            do_item(b, item, 0);
    return conclude(b);
}

int mote_backward_draw(mote_backward *b, const mote_block *block, const mote_parents *parents,
                       const mote_children *children, const mote_source *source, int32_t *chosen)
{
    mote_source here = mote_source_at(source, MOTE_PURPOSE_BACKWARD, (uint32_t)block->step, 0);
    b->block = block;
    b->parents = parents;
    b->children = children;
    b->source = &here;
    b->chosen = chosen;
    b->mean = NULL;
    int status = prepare(b);
    if (!status)
        status = share_out(b, here.ctx != NULL);
    b->info.draws += status ? 0 : children->n * b->setup.draws;
    return status ? status : mote_source_status(&here);
}

int mote_backward_means_of(mote_backward *b, const mote_block *block, const mote_parents *parents,
                           const mote_children *children, const mote_backward_mean *mean)
{
    b->block = block;
    b->parents = parents;
    b->children = children;
    b->mean = mean;
    const int status = prepare(b);
    return status ? status : share_out(b, 0);
}
