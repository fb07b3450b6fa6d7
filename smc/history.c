/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histories of a filter: see history.h. */
#include "smc/history.h"

#include <mote/filter.h>
#include <string.h>

#include "core/number.h"

/* ---- room for whole populations ---- */

/* Doubles of one generation: columns and log-weights in rows that start at multiples of 64 bytes, then the datum. */
static int64_t stride_of(const mote_history *history)
{
    return (history->n + 7) / 8 * 8;
}

static int64_t reals_of(const mote_history *history)
{
    const mote_ssm *model = &history->space->model;
    return (stride_of(history) * (model->state_count + 1) + model->observation_count + model->input_count + 7) / 8 * 8;
}

static void divide(const mote_history *history, mote_generation *g, double *reals, double **state, int64_t *observed,
                   int32_t *ancestor)
{
    const mote_ssm *model = &history->space->model;
    const int64_t stride = stride_of(history);
    for (int64_t k = 0; k < model->state_count; ++k)
        state[k] = reals + k * stride;
    g->state = state;
    g->log_weight = reals + model->state_count * stride;
    g->datum.values = g->log_weight + stride;
    g->datum.input = g->datum.values + model->observation_count;
    g->datum.observed = observed;
    g->ancestor = ancestor;
}

/* Plain memory of `count` generations: pointers to columns, then flags, then ancestors. */
static size_t plain_size(const mote_history *history)
{
    const mote_ssm *model = &history->space->model;
    const size_t indices = ((size_t)history->n * sizeof(int32_t) + 7) / 8 * 8;
    return (size_t)model->state_count * sizeof(double *) + (size_t)model->observation_count * sizeof(int64_t) + indices;
}

static int add_block(mote_history *history, int64_t count)
{
    const mote_ssm *model = &history->space->model;
    double *reals = mote_memory_allocate_aligned(history->memory, count * reals_of(history), sizeof *reals);
    char *plain = mote_memory_allocate(history->memory, count, plain_size(history));
    if (!reals || !plain) {
        mote_memory_release_aligned(history->memory, reals);
        mote_memory_release(history->memory, plain);
        return MOTE_ENOMEM;
    }
    for (int64_t j = 0; j < count; ++j) {
        char *own = plain + (size_t)j * plain_size(history);
        int64_t *observed = (int64_t *)(void *)(own + (size_t)model->state_count * sizeof(double *));
        divide(history, &history->generation[history->capacity + j], reals + j * reals_of(history),
               (double **)(void *)own, observed, (int32_t *)(void *)(observed + model->observation_count));
    }
    history->block[history->block_count] = reals;
    history->plain[history->block_count++] = plain;
    history->capacity += count;
    return MOTE_OK;
}

static int grow(mote_history *history, int64_t count)
{
    const int64_t old = history->capacity, blocks = history->block_count;
    mote_generation *generation = mote_memory_resize(history->memory, history->generation, old, old + count,
                                                     sizeof *generation);
    history->generation = generation ? generation : history->generation;
    void **block = mote_memory_resize(history->memory, history->block, blocks, blocks + 1, sizeof *block);
    history->block = block ? block : history->block;
    void **plain = mote_memory_resize(history->memory, history->plain, blocks, blocks + 1, sizeof *plain);
    history->plain = plain ? plain : history->plain;
    return generation && block && plain ? add_block(history, count) : MOTE_ENOMEM;
}

/* ---- the collector ---- */

static int history_start(mote_collector *collector, mote_particle_filter *filter)
{
    mote_history *history = (mote_history *)collector;
    (void)filter;
    history->count = 0;
    if (history->setup.keep == MOTE_HISTORY_TREE)
        mote_tree_clear(&history->tree);
    return MOTE_OK;
}

static int history_reserve(mote_collector *collector, mote_particle_filter *filter)
{
    mote_history *history = (mote_history *)collector;
    int status = MOTE_OK;
    if (history->setup.keep == MOTE_HISTORY_TREE)
        status = mote_tree_reserve(&history->tree);
    if (history->setup.keep == MOTE_HISTORY_FULL && history->count == history->capacity) {
        const int64_t series = history->space->has_series ? history->space->series.count - history->capacity : 0;
        status = grow(history, series > 0 ? series : history->capacity ? history->capacity : 1);
    }
    return status ? mote_fail(filter->message, status, "no memory for the history of step %lld",
                              (long long)filter->step)
                  : MOTE_OK;
}

/* Where the population of `step` goes; -1: nowhere. */
static int64_t slot_for(const mote_history *history, int64_t step)
{
    switch (history->setup.keep) {
    case MOTE_HISTORY_FULL:
        return step;
    case MOTE_HISTORY_LAG:
        return step % (history->setup.lag + 1);
    case MOTE_HISTORY_STEPS:
        return history->count < history->setup.step_count && history->chosen[history->count] == step ? history->count
            : -1;
    default:
        return -1;
    }
}

static void keep(const mote_history *history, mote_generation *g, const mote_particle_filter *filter)
{
    const mote_ssm *model = &history->space->model;
    const size_t bytes = (size_t)history->n * sizeof(double);
    g->step = filter->step - 1;
    g->resampled = filter->resampled;
    g->log_sum = filter->now->log_sum;
    g->time_previous = filter->time_previous;
    g->datum.time = filter->datum->time;
    g->datum.any = filter->datum->any;
    for (int64_t k = 0; k < model->state_count; ++k)
        memcpy(g->state[k], filter->now->state[k], bytes);
    memcpy(g->log_weight, filter->now->log_weight, bytes);
    memcpy(g->ancestor, filter->ancestor, (size_t)history->n * sizeof *g->ancestor);
    memcpy(g->datum.values, filter->datum->values, (size_t)model->observation_count * sizeof(double));
    memcpy(g->datum.observed, filter->datum->observed, (size_t)model->observation_count * sizeof(int64_t));
    memcpy(g->datum.input, filter->datum->input, (size_t)model->input_count * sizeof(double));
}

static int history_collect(mote_collector *collector, mote_particle_filter *filter)
{
    mote_history *history = (mote_history *)collector;
    if (history->setup.keep == MOTE_HISTORY_TREE) {
        mote_tree_push(&history->tree, filter->resampled ? filter->ancestor : NULL,
                       (const double *const *)filter->now->state);
        ++history->count;
        return MOTE_OK;
    }
    const int64_t slot = slot_for(history, filter->step - 1);
    if (slot >= 0) {
        keep(history, &history->generation[slot], filter);
        ++history->count;
    }
    return MOTE_OK;
}

/* ---- checkpoints ---- */

static int64_t stored(const mote_history *history)
{
    return history->count < history->capacity ? history->count : history->capacity;
}

static void history_save(const mote_collector *collector, mote_writer *writer)
{
    const mote_history *history = (const mote_history *)collector;
    mote_put_integer(writer, history->count);
    if (history->setup.keep == MOTE_HISTORY_TREE)
        mote_tree_save(&history->tree, writer);
    for (int64_t j = 0; j < stored(history); ++j) {
        const mote_generation *g = &history->generation[j];
        mote_put_integer(writer, g->step);
        mote_put_integer(writer, g->resampled);
        mote_put_real(writer, g->log_sum);
        mote_put_real(writer, g->time_previous);
        mote_put_datum(writer, &g->datum, history->space);
        for (int64_t k = 0; k < history->space->model.state_count; ++k)
            mote_put_reals(writer, g->state[k], history->n);
        mote_put_reals(writer, g->log_weight, history->n);
        mote_put_indices(writer, g->ancestor, history->n);
    }
}

static void load_generation(const mote_history *history, mote_generation *g, mote_reader *reader)
{
    g->step = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    g->resampled = mote_get_count(reader, 0, 1);
    g->log_sum = mote_get_real(reader);
    g->time_previous = mote_get_real(reader);
    mote_get_datum(reader, &g->datum, history->space);
    for (int64_t k = 0; k < history->space->model.state_count; ++k)
        mote_get_reals(reader, g->state[k], history->n);
    mote_get_reals(reader, g->log_weight, history->n);
    mote_get_indices(reader, g->ancestor, history->n, history->n);
}

/* Populations that the filter, which is loaded before its collectors, has handed over; of steps: those that were
 * chosen. */
static int64_t seen(const mote_history *history)
{
    const int64_t steps = history->filter->dead ? history->filter->dead : history->filter->step;
    int64_t count = 0;
    if (history->setup.keep != MOTE_HISTORY_STEPS)
        return steps;
    while (count < history->setup.step_count && history->chosen[count] < steps)
        ++count;
    return count;
}

/* The step whose population stands in a slot: it is found by it. */
static int64_t step_in(const mote_history *history, int64_t slot)
{
    const int64_t last = history->count - 1;
    switch (history->setup.keep) {
    case MOTE_HISTORY_LAG:
        return last - (last - slot) % (history->setup.lag + 1);
    case MOTE_HISTORY_STEPS:
        return history->chosen[slot];
    default:
        return slot;
    }
}

static int history_load(mote_collector *collector, mote_reader *reader)
{
    mote_history *history = (mote_history *)collector;
    int status = MOTE_OK;
    const int full = history->setup.keep == MOTE_HISTORY_FULL;
    history->count = full ? mote_get_parts(reader, history->n * (history->space->model.state_count + 1))
                          : mote_get_count(reader, 0, MOTE_MOST_COUNT);
    if (history->count != seen(history) && !reader->status)
        reader->status = MOTE_ECORRUPT;
    if (history->setup.keep == MOTE_HISTORY_TREE) {
        status = mote_tree_load(&history->tree, reader);
        status = !status && history->tree.generations != history->count ? MOTE_ECORRUPT : status;
    }
    if (full && history->count > history->capacity && !reader->status)
        status = grow(history, history->count - history->capacity);
    for (int64_t j = 0; j < stored(history) && !status && !reader->status; ++j) {
        load_generation(history, &history->generation[j], reader);
        if (history->generation[j].step != step_in(history, j))
            status = MOTE_ECORRUPT;
    }
    if (status || reader->status)
        history->count = 0;
    return status ? status : reader->status;
}

static const mote_collector_table table = {
    .name = "history",
    .start = history_start,
    .reserve = history_reserve,
    .collect = history_collect,
    .save = history_save,
    .load = history_load,
};

/* ---- life ---- */

static int open_storage(mote_history *history)
{
    const mote_history_setup *setup = &history->setup;
    if (setup->keep == MOTE_HISTORY_TREE)
        return mote_tree_open(&history->tree, history->memory, history->n, history->space->model.state_count);
    if (setup->keep == MOTE_HISTORY_LAG)
        return grow(history, setup->lag + 1);
    if (setup->keep != MOTE_HISTORY_STEPS || !setup->step_count)
        return MOTE_OK;
    history->chosen = mote_memory_allocate(history->memory, setup->step_count, sizeof *history->chosen);
    if (!history->chosen)
        return MOTE_ENOMEM;
    memcpy(history->chosen, setup->step, (size_t)setup->step_count * sizeof *history->chosen);
    return grow(history, setup->step_count);
}

int mote_history_open(mote_history *history, mote_particle_filter *filter, const mote_history_setup *setup,
                      const mote_memory *memory, mote_message *message)
{
    const mote_ssm *model = &filter->space->model;
    memset(history, 0, sizeof *history);
    history->collector.table = &table;
    history->memory = memory;
    history->space = filter->space;
    history->filter = filter;
    history->setup = *setup;
    history->n = filter->setup.particles;
    if (setup->keep != MOTE_HISTORY_NONE && model->fork)
        return mote_fail(message, MOTE_EUNSUPPORTED, "option history: states of the model '%s' are handles of its own "
                         "objects (fork), which a history cannot keep", mote_state_space_name(filter->space));
    if (open_storage(history)) {
        mote_history_close(history);
        return mote_fail(message, MOTE_ENOMEM, "no memory for the history of %lld particles",
                         (long long)filter->setup.particles);
    }
    mote_particle_filter_add(filter, &history->collector);
    return MOTE_OK;
}

void mote_history_close(mote_history *history)
{
    if (!history->memory)
        return;
    for (int64_t b = 0; b < history->block_count; ++b) {
        mote_memory_release_aligned(history->memory, history->block[b]);
        mote_memory_release(history->memory, history->plain[b]);
    }
    mote_memory_release(history->memory, history->block);
    mote_memory_release(history->memory, history->plain);
    mote_memory_release(history->memory, history->generation);
    mote_memory_release(history->memory, history->chosen);
    mote_tree_close(&history->tree);
    memset(history, 0, sizeof *history);
}

/* ---- access ---- */

const mote_generation *mote_history_generation(const mote_history *history, int64_t step)
{
    int64_t slot = step;
    if (history->setup.keep == MOTE_HISTORY_LAG)
        slot = step % (history->setup.lag + 1);
    for (int64_t j = 0; history->setup.keep == MOTE_HISTORY_STEPS && j < history->count; ++j)
        if (history->chosen[j] == step)
            slot = j;
    if (step < 0 || slot >= stored(history) || history->generation[slot].step != step)
        return NULL;
    return &history->generation[slot];
}

int64_t mote_history_path_start(const mote_history *history)
{
    const int64_t first = history->count - history->setup.lag - 1;
    if (!history->count || history->setup.keep == MOTE_HISTORY_NONE || history->setup.keep == MOTE_HISTORY_STEPS)
        return -1;
    return history->setup.keep == MOTE_HISTORY_LAG && first > 0 ? first : 0;
}

int mote_history_path(const mote_history *history, int64_t particle, double *path)
{
    const int64_t start = mote_history_path_start(history), d = history->space->model.state_count;
    if (start < 0 || particle < 0 || particle >= history->n)
        return start < 0 ? MOTE_ESTATE : MOTE_EINVAL;
    if (history->setup.keep == MOTE_HISTORY_TREE) {
        mote_tree_path(&history->tree, particle, path);
        return MOTE_OK;
    }
    for (int64_t t = history->count - 1; t >= start; --t) {
        const mote_generation *g = mote_history_generation(history, t);
        for (int64_t k = 0; k < d; ++k)
            path[(t - start) * d + k] = g->state[k][particle];
        particle = g->ancestor[particle];
    }
    return MOTE_OK;
}

mote_block mote_generation_block(const mote_generation *generation, const mote_particle_filter *filter, int64_t first,
                                 int64_t n)
{
    const mote_ssm *model = &filter->space->model;
    mote_block block = { MOTE_VERSIONED(mote_block), .n = n, .first = first, .step = generation->step,
                         .time = generation->datum.time, .time_previous = generation->time_previous,
                         .parameter = filter->parameter, .cache = filter->cache };
    if (model->input_count)
        block.input = generation->datum.input;
    if (generation->datum.any && model->observation_count) {
        block.observation = generation->datum.values;
        block.observed = generation->datum.observed;
    }
    return block;
}

/* ---- chosen steps ---- */

int mote_history_parse_steps(const char *option, const char *text, int64_t **step, int64_t *count,
                             const mote_memory *memory, mote_message *message)
{
    const char *at = text;
    double value;
    *count = 0;
    *step = mote_memory_allocate(memory, text ? (int64_t)strlen(text) / 2 + 1 : 1, sizeof **step);
    if (!*step)
        return mote_fail(message, MOTE_ENOMEM, "no memory for option %s", option);
    for (; at && *at; at += *at == ',' && *count > 0) {
        const int status = mote_number_next(&at, &value);
        if (status == MOTE_DONE && !*at)
            break;
        if (status || value < 0 || value > 9e15 || value != (double)(int64_t)value ||
            (*count && (int64_t)value <= (*step)[*count - 1]))
            return mote_fail(message, MOTE_EOPTION, "option %s = '%s': number %lld is not a step above the one "
                             "before it", option, text, (long long)*count + 1);
        (*step)[(*count)++] = (int64_t)value;
        while (*at == ' ' || *at == '\t')
            ++at;
        if (*at && *at != ',')
            return mote_fail(message, MOTE_EOPTION, "option %s = '%s': steps are separated by commas", option, text);
    }
    return MOTE_OK;
}
