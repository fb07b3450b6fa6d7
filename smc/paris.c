/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The PaRIS collector. After the backward draws of a step, blocks of particles are independent: each gathers its M
 * parents, asks the model for its terms, and averages. */
#include "smc/paris.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "smc/columns.h"

#define FAULT ((int64_t)1 << 32) /* plus component * n + particle: a term that is no number */

struct mote_paris_scratch { /* of one thread */
    double **previous; /* state_count columns of MOTE_BLOCK */
    double **term;     /* count columns of MOTE_BLOCK */
    double **state;    /* state_count pointers */
    double **value;    /* count pointers */
};

/* ---- functionals ---- */

int64_t mote_functional_count(const mote_state_space *space, int64_t functional)
{
    return functional == MOTE_FUNCTIONAL_ADDITIVE ? space->model.additive_count : space->space.theta_count;
}

const char *mote_functional_name(const mote_state_space *space, int64_t functional, int64_t component)
{
    if (functional != MOTE_FUNCTIONAL_ADDITIVE)
        return space->space.parameters[space->space.theta_parameter[component]].name;
    return space->model.additive_names[component];
}

int mote_functional_check(const mote_state_space *space, int64_t functional, mote_message *message)
{
    if (functional == MOTE_FUNCTIONAL_ADDITIVE)
        return mote_state_space_needs(space, MOTE_CAPABILITY_ADDITIVE, "option functional = additive", message);
    if (space->model.flags & MOTE_SSM_START_BEFORE)
        return mote_fail(message, MOTE_EUNSUPPORTED,
                         "the score needs an initial law at the first observation: the model '%s' has "
                         "MOTE_SSM_START_BEFORE", space->model.name ? space->model.name : "model");
    int status = MOTE_OK;
    if (functional != MOTE_FUNCTIONAL_PROPOSAL)
        status = mote_state_space_needs(space, MOTE_CAPABILITY_GRADIENT, "the score", message);
    if (!status && functional != MOTE_FUNCTIONAL_GRADIENT)
        status = mote_state_space_needs(space, MOTE_CAPABILITY_PROPOSAL_GRADIENT, "learning the proposal", message);
    return status;
}

int mote_functional_terms(const mote_state_space *space, int64_t functional, const mote_block *block,
                          double *const *value, double *const *scratch)
{
    const mote_ssm *model = &space->model;
    if (functional == MOTE_FUNCTIONAL_ADDITIVE)
        return model->additive(model->ctx, block, value);
    if (functional == MOTE_FUNCTIONAL_PROPOSAL)
        return model->proposal_gradient(model->ctx, block, value);
    int status = model->gradient(model->ctx, block, value);
    if (status || functional == MOTE_FUNCTIONAL_GRADIENT)
        return status;
    status = model->proposal_gradient(model->ctx, block, scratch);
    for (int64_t k = 0; k < space->space.theta_count; ++k)
        for (int64_t i = 0; i < block->n; ++i)
            value[k][i] += scratch[k][i];
    return status;
}

int64_t mote_functional_fault(double *const *value, int64_t count, int64_t n, const double *weight)
{
    for (int64_t k = 0; k < count; ++k)
        for (int64_t i = 0; i < n; ++i)
            if (!isfinite(value[k][i]) && (!weight || weight[i] > 0))
                return k * n + i;
    return -1;
}

int mote_functional_complain(const mote_state_space *space, int64_t functional, int64_t component, int64_t particle,
                             const mote_block *block, mote_message *message)
{
    static const char *const callback[] = { [MOTE_FUNCTIONAL_ADDITIVE] = "additive",
                                            [MOTE_FUNCTIONAL_GRADIENT] = "gradient",
                                            [MOTE_FUNCTIONAL_PROPOSAL] = "proposal_gradient",
                                            [MOTE_FUNCTIONAL_BOTH_GRADIENTS] = "gradient + proposal_gradient" };
    char who[48] = "the kept path";
    if (particle >= 0)
        snprintf(who, sizeof who, "particle %lld", (long long)particle);
    return mote_fail(message, MOTE_EMODEL, "the model '%s': %s gives no finite number for '%s' of %s at step %lld "
                     "(time %g)", mote_state_space_name(space), callback[functional],
                     mote_functional_name(space, functional, component), who, (long long)block->step, block->time);
}

/* ---- life ---- */

static int64_t threads_of(const mote_paris_smoother *paris)
{
    return paris->filter->pool ? mote_pool_threads(paris->filter->pool) : 1;
}

static int open_scratch(mote_paris_smoother *paris)
{
    const mote_memory *memory = paris->filter->memory;
    const int64_t d = paris->filter->space->model.state_count;
    for (int64_t i = 0; i < threads_of(paris); ++i) {
        mote_paris_scratch *s = &paris->scratch[i];
        s->previous = mote_block_columns_open(memory, d, MOTE_BLOCK);
        s->term = paris->term[i] = mote_block_columns_open(memory, 2 * paris->count, MOTE_BLOCK);
        s->state = mote_memory_allocate(memory, d, sizeof *s->state);
        s->value = mote_memory_allocate(memory, paris->count, sizeof *s->value);
        if (!s->previous || !s->term || !s->state || !s->value)
            return MOTE_ENOMEM;
    }
    return MOTE_OK;
}

static int open_memory(mote_paris_smoother *paris)
{
    const mote_memory *memory = paris->filter->memory;
    const int64_t n = paris->filter->setup.particles;
    int missing = !(paris->value = mote_block_columns_open(memory, paris->count, n));
    missing |= !(paris->before = mote_block_columns_open(memory, paris->count, n));
    missing |= !(paris->chosen = mote_memory_allocate(memory, paris->draws * n, sizeof *paris->chosen));
    missing |= !(paris->estimate = mote_memory_allocate(memory, paris->count, sizeof *paris->estimate));
    missing |= !(paris->scratch = mote_memory_allocate(memory, threads_of(paris), sizeof *paris->scratch));
    missing |= !(paris->term = mote_memory_allocate(memory, threads_of(paris), sizeof *paris->term));
    missing |= !(paris->block_status = mote_memory_allocate(memory, mote_blocks(n), sizeof *paris->block_status));
    return missing || open_scratch(paris) ? MOTE_ENOMEM : MOTE_OK;
}

void mote_paris_smoother_close(mote_paris_smoother *paris)
{
    if (!paris->filter)
        return;
    const mote_memory *memory = paris->filter->memory;
    for (int64_t i = 0; paris->scratch && i < threads_of(paris); ++i) {
        mote_paris_scratch *s = &paris->scratch[i];
        mote_block_columns_close(memory, s->previous);
        mote_block_columns_close(memory, s->term);
        mote_memory_release(memory, s->state);
        mote_memory_release(memory, s->value);
    }
    mote_block_columns_close(memory, paris->value);
    mote_block_columns_close(memory, paris->before);
    void *blocks[] = { paris->chosen, paris->estimate, paris->scratch, paris->term, paris->block_status };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
    mote_backward_close(&paris->backward);
    memset(paris, 0, sizeof *paris);
}

/* ---- a step ---- */

static int start(mote_collector *collector, mote_particle_filter *filter)
{
    mote_paris_smoother *paris = (mote_paris_smoother *)collector;
    (void)filter;
    for (int64_t k = 0; k < paris->count; ++k)
        paris->estimate[k] = NAN;
    return MOTE_OK;
}

/* h_t for the block's particles and their parents of draw j (all of them NULL at the first time), into term. */
static int terms(const mote_paris_smoother *paris, mote_paris_scratch *s, mote_block *block, const int32_t *parent)
{
    const mote_ssm *model = &paris->filter->space->model;
    for (int64_t k = 0; parent && k < model->state_count; ++k)
        for (int64_t i = 0; i < block->n; ++i)
            s->previous[k][i] = paris->filter->before->state[k][parent[i]];
    block->previous = parent ? (const double *const *)s->previous : NULL;
    const int status = mote_functional_terms(paris->filter->space, paris->functional, block, s->term,
                                             s->term + paris->count);
    return status > 0 ? MOTE_EMODEL : status;
}

/* A term that is no finite number, of a particle with weight, as a status that names it. */
static int64_t fault(const mote_paris_smoother *paris, const mote_paris_scratch *s, int64_t first, int64_t n)
{
    const double *log_weight = paris->filter->now->log_weight + first;
    for (int64_t k = 0; k < paris->count; ++k)
        for (int64_t i = 0; i < n; ++i)
            if (!isfinite(s->term[k][i]) && log_weight[i] > -INFINITY)
                return FAULT + k * paris->filter->setup.particles + first + i;
    return MOTE_OK;
}

static void add(const mote_paris_smoother *paris, const mote_paris_scratch *s, int64_t first, int64_t n,
                const int32_t *parent, int64_t draw)
{
    for (int64_t k = 0; k < paris->count; ++k) {
        const double *before = paris->before[k], *term = s->term[k];
        double *value = paris->value[k] + first;
        for (int64_t i = 0; draw == 0 && i < n; ++i)
            value[i] = (parent ? before[parent[i]] : 0) + term[i];
        for (int64_t i = 0; draw > 0 && i < n; ++i)
            value[i] += before[parent[i]] + term[i];
    }
}

static void finish(const mote_paris_smoother *paris, int64_t first, int64_t n, int64_t draws)
{
    const double *log_weight = paris->filter->now->log_weight + first, share = 1 / (double)draws;
    for (int64_t k = 0; k < paris->count; ++k) {
        double *value = paris->value[k] + first;
        for (int64_t i = 0; i < n; ++i)
            value[i] = log_weight[i] > -INFINITY ? share * value[i] : 0;
    }
}

static void update_block(void *ctx, int64_t b, int64_t thread)
{
    mote_paris_smoother *paris = ctx;
    mote_paris_scratch *s = &paris->scratch[thread];
    const mote_particle_filter *filter = paris->filter;
    const int64_t n = filter->setup.particles, first = b * MOTE_BLOCK, draws = filter->step > 1 ? paris->draws : 1;
    mote_block block = mote_particle_filter_block(filter, first, n - first < MOTE_BLOCK ? n - first : MOTE_BLOCK);
    int64_t status = MOTE_OK;
    --block.step; /* the filter has counted this one already */
    for (int64_t k = 0; k < filter->space->model.state_count; ++k)
        s->state[k] = filter->now->state[k] + first;
    block.state = s->state;
    for (int64_t j = 0; j < draws && !status; ++j) {
        const int32_t *parent = filter->step > 1 ? paris->chosen + j * n + first : NULL;
        status = terms(paris, s, &block, parent);
        status = status ? status : fault(paris, s, first, block.n);
        if (!status)
            add(paris, s, first, block.n, parent, j);
    }
    paris->block_status[b] = status;
    finish(paris, first, block.n, draws);
}

static int explain(const mote_paris_smoother *paris, int64_t status)
{
    const mote_particle_filter *filter = paris->filter;
    const int64_t n = filter->setup.particles;
    mote_block block = mote_particle_filter_block(filter, 0, 0);
    --block.step;
    if (status >= FAULT)
        return mote_functional_complain(filter->space, paris->functional, (status - FAULT) / n, (status - FAULT) % n,
                                        &block, filter->message);
    if (status == MOTE_EMODEL)
        return mote_fail(filter->message, MOTE_EMODEL, "the functional returned a code above 0 at step %lld; 0 is "
                         "success, codes below 0 stop the run", (long long)block.step);
    return (int)status;
}

static int update(mote_paris_smoother *paris)
{
    const int64_t blocks = mote_blocks(paris->filter->setup.particles);
    if (paris->filter->pool && blocks >= 8)
        mote_pool_run(paris->filter->pool, update_block, paris, blocks);
    else
        for (int64_t b = 0; b < blocks; ++b)
            update_block(paris, b, 0);
    for (int64_t b = 0; b < blocks; ++b)
        if (paris->block_status[b])
            return explain(paris, paris->block_status[b]);
    return MOTE_OK;
}

/* Parents of the present population: drawn, or all of them averaged over. */
static int look_back(mote_paris_smoother *paris)
{
    const mote_particle_filter *filter = paris->filter;
    const int64_t n = filter->setup.particles;
    mote_block block = mote_particle_filter_block(filter, 0, 0);
    const mote_parents parents = { n, (const double *const *)filter->before->state, filter->before->log_weight };
    const mote_children children = { n, 0, (const double *const *)filter->now->state, filter->ancestor };
    const mote_backward_mean mean = { paris->functional, paris->count, paris->before, paris->value,
                                      (double *const *const *)paris->term, filter->now->log_weight };
    --block.step;
    if (paris->smoother == MOTE_ON_LINE_GENEALOGY) {
        memcpy(paris->chosen, filter->ancestor, (size_t)n * sizeof *paris->chosen);
        return MOTE_OK;
    }
    if (paris->smoother == MOTE_ON_LINE_PARIS)
        return mote_backward_draw(&paris->backward, &block, &parents, &children, &filter->source, paris->chosen);
    return mote_backward_means_of(&paris->backward, &block, &parents, &children, &mean);
}

static void exchange(mote_paris_smoother *paris)
{
    double **value = paris->value;
    paris->value = paris->before;
    paris->before = value;
}

/* Reads `before` and writes `value` alone, so that a step that fails is taken back. */
static int collect(mote_collector *collector, mote_particle_filter *filter)
{
    mote_paris_smoother *paris = (mote_paris_smoother *)collector;
    int status = MOTE_OK;
    exchange(paris);
    if (filter->step > 1)
        status = look_back(paris);
    if (!status && (filter->step == 1 || paris->draws))
        status = update(paris);
    for (int64_t k = 0; k < paris->count && !status; ++k)
        paris->estimate[k] = mote_population_mean(filter->now, paris->value[k], filter->setup.particles);
    if (status)
        exchange(paris);
    return status;
}

/* ---- checkpoints ---- */

static void save(const mote_collector *collector, mote_writer *writer)
{
    const mote_paris_smoother *paris = (const mote_paris_smoother *)collector;
    for (int64_t k = 0; k < paris->count; ++k)
        mote_put_reals(writer, paris->value[k], paris->filter->setup.particles);
    mote_put_reals(writer, paris->estimate, paris->count);
}

static int load(mote_collector *collector, mote_reader *reader)
{
    mote_paris_smoother *paris = (mote_paris_smoother *)collector;
    for (int64_t k = 0; k < paris->count; ++k)
        mote_get_reals(reader, paris->value[k], paris->filter->setup.particles);
    mote_get_reals(reader, paris->estimate, paris->count);
    return reader->status;
}

static const mote_collector_table table = {
    .name = "paris",
    .takes_back = 1,
    .start = start,
    .collect = collect,
    .save = save,
    .load = load,
};

int mote_paris_smoother_open(mote_paris_smoother *paris, const mote_particle_filter *filter,
                             const mote_paris_smoother_setup *setup)
{
    mote_backward_setup backward = setup->backward;
    memset(paris, 0, sizeof *paris);
    paris->collector.table = &table;
    paris->filter = filter;
    paris->smoother = setup->smoother;
    paris->draws = setup->smoother == MOTE_ON_LINE_PARIS ? backward.draws : setup->smoother == MOTE_ON_LINE_GENEALOGY;
    paris->count = mote_functional_count(filter->space, setup->functional);
    paris->functional = setup->functional;
    if (setup->smoother == MOTE_ON_LINE_FORWARD)
        backward = (mote_backward_setup){ .way = MOTE_BACKWARD_EXACT, .draws = 1 };
    int status = mote_functional_check(filter->space, setup->functional, filter->message);
    if (!status && filter->space->model.fork)
        status = mote_fail(filter->message, MOTE_EUNSUPPORTED,
                           "on-line smoothing looks at two populations: the model '%s' has opaque "
                           "states, which leave none behind", mote_state_space_name(filter->space));
    if (!status && setup->smoother != MOTE_ON_LINE_GENEALOGY)
        status = mote_backward_open(&paris->backward, filter->space, &backward, filter->setup.particles, filter->memory,
                                    filter->pool, filter->message);
    if (!status && open_memory(paris))
        status = mote_fail(filter->message, MOTE_ENOMEM, "no memory for %lld components of %lld particles",
                           (long long)paris->count, (long long)filter->setup.particles);
    if (status)
        mote_paris_smoother_close(paris);
    return status;
}
