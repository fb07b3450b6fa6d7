/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/check_ssm.h"

#include <math.h>
#include <mote/filter.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check_watch.h"
#include "core/run.h"

static const mote_ssm *model_of(const mote_ssm_check *check)
{
    return &check->space.model;
}

/* ---- particles ---- */

/* Particles first .. first + n - 1 as a model sees them, in columns of their own. */
mote_block mote_ssm_check_block(mote_ssm_check *check, int64_t first, int64_t n, int has_previous)
{
    mote_block block = { MOTE_VERSIONED(mote_block), .n = n, .first = first, .step = check->step, .time = check->time,
                         .time_previous = check->time_previous, .parameter = check->parameter, .cache = check->cache,
                         .previous = has_previous ? (const double *const *)check->small_previous : NULL,
                         .state = check->small_state, .log_weight = check->small_value };
    for (int64_t p = 0; check->each && p < check->space.space.theta_count; ++p)
        check->wide_at[p] = check->wide[p] + first;
    if (check->each) {
        block.parameter = check->wide_at;
        block.parameter_stride = 1;
    }
    for (int64_t k = 0; k < model_of(check)->state_count; ++k) {
        memcpy(check->small_previous[k], check->previous[k] + first, (size_t)n * sizeof(double));
        memcpy(check->small_state[k], check->state[k] + first, (size_t)n * sizeof(double));
    }
    if (model_of(check)->input_count)
        block.input = check->datum.input;
    if (check->datum.any && model_of(check)->observation_count) {
        block.observation = check->datum.values;
        block.observed = check->datum.observed;
    }
    return block;
}

/* Which member that is; several may be the same function. */
static const char *name_of_draw(const mote_ssm *m, mote_draw_function *draw)
{
    return draw == m->transition ? "transition"
           : draw == m->initial  ? "initial"
           : draw == m->propose  ? "propose"
                                 : "propose_initial";
}

static const char *name_of_density(const mote_ssm *m, mote_density_function *density)
{
    const struct { const char *name; mote_density_function *density; } members[] = {
        { "log_potential", m->log_potential }, { "log_transition", m->log_transition },
        { "log_transition_bound", m->log_transition_bound }, { "log_initial", m->log_initial },
        { "log_propose", m->log_propose }, { "log_propose_initial", m->log_propose_initial },
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; ++i)
        if (members[i].density == density)
            return members[i].name;
    return "a density";
}

void mote_ssm_check_at(const mote_ssm_check *check, const char *member)
{
    mote_check_at(1, "in %s, step %lld, set %lld of the parameters", member, (long long)check->step,
                  (long long)check->row);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int mote_ssm_check_draw(mote_ssm_check *check, mote_draw_function *draw, int has_previous, int64_t size, uint32_t step)
{
    int status = MOTE_OK;
    for (int64_t first = 0; first < check->n && !status; first += size) {
        const int64_t n = least(size, check->n - first);
        const mote_block block = mote_ssm_check_block(check, first, n, has_previous);
        mote_source source = mote_source_at(check->live, MOTE_PURPOSE_TRANSITION, step, first);
        mote_ssm_check_at(check, name_of_draw(model_of(check), draw));
        status = draw(model_of(check)->ctx, &block, &source);
        for (int64_t k = 0; k < model_of(check)->state_count; ++k)
            memcpy(check->state[k] + first, check->small_state[k], (size_t)n * sizeof(double));
    }
    mote_check_back();
    return status;
}

int mote_ssm_check_density(mote_ssm_check *check, mote_density_function *density, int has_previous, int64_t size,
                           double *value)
{
    int status = MOTE_OK;
    for (int64_t first = 0; first < check->n && !status; first += size) {
        const int64_t n = least(size, check->n - first);
        const mote_block block = mote_ssm_check_block(check, first, n, has_previous);
        for (int64_t i = 0; i < n; ++i)
            check->small_value[i] = NAN;
        mote_ssm_check_at(check, name_of_density(model_of(check), density));
        status = density(model_of(check)->ctx, &block);
        memcpy(value + first, check->small_value, (size_t)n * sizeof(double));
    }
    mote_check_back();
    return status;
}

/* An observation for the present step: of the series, or drawn given the first particle, or none. */
static int observe(mote_ssm_check *check)
{
    const mote_ssm *model = model_of(check);
    double **value = check->small_previous;
    if (check->space.has_series || !model->sample_observation || model->observation_count > model->state_count)
        return MOTE_OK;
    mote_block block = mote_ssm_check_block(check, 0, 1, 0);
    mote_source source = mote_source_at(check->live, MOTE_PURPOSE_TRANSITION, 900 + (uint32_t)check->step, 0);
    mote_ssm_check_at(check, "sample_observation");
    int status = model->sample_observation(model->ctx, &block, &source, value);
    for (int64_t k = 0; k < model->observation_count; ++k) {
        check->datum.values[k] = value[k][0];
        check->datum.observed[k] = !isnan(value[k][0]);
        check->datum.any |= check->datum.observed[k];
    }
    mote_check_back();
    return status;
}

static void set_time(mote_ssm_check *check)
{
    const int before = (model_of(check)->flags & MOTE_SSM_START_BEFORE) != 0;
    const double last = check->step ? check->time : model_of(check)->initial_time;
    check->datum.any = 0;
    if (check->space.has_series)
        mote_datum_from_series(&check->datum, &check->space, check->step);
    else
        check->datum.time = (before ? model_of(check)->initial_time + 1 : 0) + (double)check->step;
    check->time = check->datum.time;
    check->time_previous = check->step || before ? last : check->time;
}

static void keep_previous(mote_ssm_check *check)
{
    double **columns = check->previous;
    check->previous = check->state;
    check->state = columns;
}

int mote_ssm_check_set_row(mote_ssm_check *check, int64_t row)
{
    const mote_ssm *model = model_of(check);
    double *theta = check->theta + row * check->space.space.theta_count;
    check->row = row;
    check->step = 0;
    check->n = MOTE_CHECK_PARTICLES;
    for (int64_t p = 0; p < check->space.space.theta_count; ++p)
        check->parameter[p] = theta + p;
    memset(check->cache, 0, (size_t)model->cache_size);
    mote_ssm_check_at(check, "prepare");
    int status = model->prepare ? model->prepare(model->ctx, theta, check->cache) : MOTE_OK;
    mote_check_back();
    set_time(check);
    return status;
}

int mote_ssm_check_begin(mote_ssm_check *check, int64_t row)
{
    const mote_ssm *model = model_of(check);
    int status = mote_ssm_check_set_row(check, row);
    status = status ? status : mote_ssm_check_draw(check, model->initial, 0, MOTE_BLOCK, 0);
    if (!status && model->flags & MOTE_SSM_START_BEFORE) {
        keep_previous(check);
        status = mote_ssm_check_draw(check, model->transition, 1, MOTE_BLOCK, 1);
    }
    return status ? status : observe(check);
}

int mote_ssm_check_next_step(mote_ssm_check *check)
{
    if (check->step + 1 >=
        (check->space.has_series ? least(MOTE_CHECK_STEPS, check->space.series.count) : MOTE_CHECK_STEPS))
        return MOTE_DONE;
    ++check->step;
    set_time(check);
    return MOTE_OK;
}

int mote_ssm_check_advance(mote_ssm_check *check)
{
    if (mote_ssm_check_next_step(check))
        return MOTE_DONE;
    keep_previous(check);
    int status = mote_ssm_check_draw(check, model_of(check)->transition, 1, MOTE_BLOCK, 1 + (uint32_t)check->step);
    return status ? status : observe(check);
}

/* ---- questions: values ---- */

int mote_ssm_check_later(const mote_ssm_check *check)
{
    return check->step > 0 || model_of(check)->flags & MOTE_SSM_START_BEFORE;
}

static int64_t count_odd(const mote_ssm_check *check, const double *column, int infinity_is_odd)
{
    int64_t odd = 0;
    for (int64_t i = 0; i < check->n; ++i)
        odd += isnan(column[i]) || column[i] == INFINITY || (infinity_is_odd && column[i] == -INFINITY);
    return odd;
}

/* Values of the potential at simulated particles; the model's code. */
static int look_at_step(mote_ssm_check *check, int64_t *odd_states, int64_t *odd_potentials, int64_t *zero_steps)
{
    const mote_ssm *model = model_of(check);
    for (int64_t k = 0; k < model->state_count; ++k)
        *odd_states += count_odd(check, check->state[k], 1);
    if (model->observation_count && !check->datum.any)
        return MOTE_OK;
    int status = mote_ssm_check_density(check, model->log_potential, mote_ssm_check_later(check), MOTE_BLOCK,
                                        check->value);
    if (status)
        return status;
    double largest = -INFINITY;
    *odd_potentials += count_odd(check, check->value, 0);
    for (int64_t i = 0; i < check->n; ++i)
        largest = check->value[i] > largest ? check->value[i] : largest;
    *zero_steps += largest == -INFINITY;
    return MOTE_OK;
}

static void ask_values(mote_ssm_check *check)
{
    int64_t odd_states = 0, odd_potentials = 0, zero_steps = 0;
    int status = MOTE_OK;
    for (int64_t row = 0; row < MOTE_CHECK_ROWS && !status; ++row) {
        status = mote_ssm_check_begin(check, row);
        while (!status && !(status = look_at_step(check, &odd_states, &odd_potentials, &zero_steps)))
            status = mote_ssm_check_advance(check);
        status = status == MOTE_DONE ? MOTE_OK : status;
    }
    if (status)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, "the model answered with code %d at step %d of parameters %d",
                       status, (int)check->step, (int)check->row);
    else if (odd_states || odd_potentials)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL,
                       "values: %d states are not finite, %d potentials are no number below "
                       "infinity",
                       (int)odd_states, (int)odd_potentials);
    else
        mote_check_say(&check->report, zero_steps ? MOTE_VERDICT_NOTE : MOTE_VERDICT_OK,
                       "states and potentials of simulated particles: all are numbers%s",
                       zero_steps ? ", but at some step all potentials were zero" : "");
}

/* ---- questions: blocks and threads ---- */

/* 1 when blocks of one particle answer otherwise than blocks of 1024; -1 when the model failed. */
static int density_differs(mote_ssm_check *check, mote_density_function *density)
{
    if (!density)
        return 0;
    if (mote_ssm_check_density(check, density, mote_ssm_check_later(check), MOTE_BLOCK, check->value) ||
        mote_ssm_check_density(check, density, mote_ssm_check_later(check), 1, check->again))
        return -1;
    return memcmp(check->value, check->again, (size_t)check->n * sizeof(double)) != 0;
}

static int draw_differs(mote_ssm_check *check, mote_draw_function *draw)
{
    const mote_ssm *model = model_of(check);
    int differs = 0;
    if (!draw)
        return 0;
    if (mote_ssm_check_draw(check, draw, mote_ssm_check_later(check), 1, 77))
        return -1;
    memcpy(check->again, check->state[0], (size_t)check->n * sizeof(double));
    for (int64_t k = 0; k < model->state_count && differs >= 0; ++k) {
        if (mote_ssm_check_draw(check, draw, mote_ssm_check_later(check), 1, 77))
            return -1;
        memcpy(check->again, check->state[k], (size_t)check->n * sizeof(double));
        if (mote_ssm_check_draw(check, draw, mote_ssm_check_later(check), MOTE_BLOCK, 77))
            return -1;
        differs |= memcmp(check->again, check->state[k], (size_t)check->n * sizeof(double)) != 0;
    }
    return differs;
}

static void tell_blocks(mote_ssm_check *check, const char *name, int differs, int *wrong)
{
    *wrong += differs != 0;
    if (differs)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, differs < 0 ? "blocks: %s failed"
                       : "blocks: %s answers otherwise for one particle than for a block of them", name);
}

static void ask_blocks(mote_ssm_check *check)
{
    const mote_ssm *m = model_of(check);
    const struct {
        const char *name;
        mote_draw_function *draw;
    } draws[] = { { "transition", m->transition }, { "propose", m->propose } };
    const struct { const char *name; mote_density_function *density; } densities[] = {
        { "log_potential", m->log_potential }, { "log_transition", m->log_transition },
        { "log_transition_bound", m->log_transition_bound }, { "log_propose", m->log_propose },
    };
    int wrong = 0;
    if (mote_ssm_check_begin(check, 0) || (mote_ssm_check_advance(check) && !mote_ssm_check_later(check)))
        return;
    check->n = 300;
    const int weighed = check->datum.any || !m->observation_count;
    for (size_t i = weighed ? 0 : 1; i < sizeof densities / sizeof *densities; ++i)
        if (i < 3 || weighed)
            tell_blocks(check, densities[i].name, density_differs(check, densities[i].density), &wrong);
    for (size_t i = 0; i < (weighed ? 2 : 1); ++i)
        tell_blocks(check, draws[i].name, draw_differs(check, draws[i].draw), &wrong);
    if (!wrong)
        mote_check_say(&check->report, MOTE_VERDICT_OK, "one particle against blocks, repeated: the same bytes");
}

/* Each particle gets parameters of its own, as in iterated filtering: a model that reads the first ones for all must
 * say so. */
static void ask_parameters(mote_ssm_check *check)
{
    const mote_ssm *m = model_of(check);
    const int64_t count = check->space.space.theta_count;
    if (m->flags & MOTE_SSM_ROW_PARAMETERS || m->prepare || !check->space.space.sampled_count)
        return;
    if (mote_ssm_check_begin(check, 0) || (mote_ssm_check_advance(check) && !mote_ssm_check_later(check)))
        return;
    check->n = 300;
    for (int64_t p = 0; p < count; ++p)
        for (int64_t i = 0; i < check->n; ++i)
            check->wide[p][i] = check->theta[(i % MOTE_CHECK_ROWS) * count + p];
    check->each = 1;
    int differs = draw_differs(check, m->transition) || density_differs(check, m->log_transition);
    if (check->datum.any || !m->observation_count)
        differs |= density_differs(check, m->log_potential) != 0;
    check->each = 0;
    if (differs)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL,
                       "parameters: all particles of a block get those of its first one; set "
                       "MOTE_SSM_ROW_PARAMETERS, or read parameter[p][i * parameter_stride]");
    else
        mote_check_say(&check->report, MOTE_VERDICT_OK, "parameters of each particle are read");
}

static uint64_t hash_of_filter(const mote_ssm_check *check, int64_t threads, int *status)
{
    const mote_filter_options options = { MOTE_VERSIONED(mote_filter_options),
                                          .particles = 5000,
                                          .seed = 1,
                                          .threads = threads,
                                          .theta = check->theta,
                                          .failed_potential = MOTE_FAILED_ZERO,
                                          .variance = MOTE_VARIANCE_OFF };
    mote_run *run = NULL;
    uint64_t hash = MOTE_HASH_START;
    *status = mote_run_open(&run, mote_filter, check->given, &options);
    for (int t = 0; t < 50 && !*status; ++t) {
        mote_check_at(2 * (5000 / MOTE_BLOCK + 1), "in step %d of a filter, %lld threads", t, (long long)threads);
        *status = mote_run_step(run);
    }
    mote_check_back();
    *status = *status == MOTE_DONE ? MOTE_OK : *status;
    for (int64_t k = 0; k < model_of(check)->state_count && !*status; ++k)
        hash = mote_hash(hash, mote_filter_state(run, k), 5000 * sizeof(double));
    mote_run_close(&run);
    return hash;
}

static void ask_threads(mote_ssm_check *check)
{
    int first, second;
    if (!(model_of(check)->flags & MOTE_SSM_THREADSAFE)) {
        mote_check_say(&check->report, MOTE_VERDICT_NOTE,
                       "threads: the model does not say MOTE_SSM_THREADSAFE, so that runs are "
                       "serial");
        return;
    }
    if (!check->space.has_series) {
        mote_check_say(&check->report, MOTE_VERDICT_NOTE,
                       "threads: not asked, the model has no series (name one in [data])");
        return;
    }
    const uint64_t one = hash_of_filter(check, 1, &first), four = hash_of_filter(check, 4, &second);
    if (first || second)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, "threads: a filter ended with: %s",
                       mote_strerror(first ? first : second));
    else if (one != four)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, "one thread against four: a filter's particles differ");
    else
        mote_check_say(&check->report, MOTE_VERDICT_OK, "one thread against four: the same bytes");
}

/* ---- cost ---- */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Transition and potential of blocks of 1000 particles, s; sorted. */
static void ask_cost(mote_ssm_check *check)
{
    const mote_ssm *m = model_of(check);
    double seconds[100];
    if (mote_ssm_check_begin(check, 0) || (mote_ssm_check_advance(check) && !mote_ssm_check_later(check)))
        return;
    check->n = 1000;
    for (int i = 0; i < 100; ++i) {
        const double start = mote_clock();
        int status = mote_ssm_check_draw(check, m->transition, mote_ssm_check_later(check), MOTE_BLOCK,
                                         100 + (uint32_t)i);
        if (!status && (check->datum.any || !m->observation_count))
            status = mote_ssm_check_density(check, m->log_potential, mote_ssm_check_later(check), MOTE_BLOCK,
                                            check->value);
        seconds[i] = (mote_clock() - start) / 1000 + 1e-12;
    }
    qsort(seconds, 100, sizeof *seconds, by_size);
    mote_check_say(&check->report, MOTE_VERDICT_OK, "cost of one particle's step: median %.3g ns, longest %.3g ns",
                   1e9 * seconds[50], 1e9 * seconds[99]);
    check->report.seconds = seconds;
    check->report.n = 100;
    mote_check_histogram(&check->report);
    check->report.seconds = NULL;
}

/* ---- life cycle ---- */

static double **columns(const mote_ssm_check *check, int64_t n)
{
    const int64_t d = check->space.model.state_count;
    double **list = mote_memory_allocate(&check->memory, d, sizeof *list);
    for (int64_t k = 0; list && k < d; ++k)
        list[k] = mote_memory_allocate_aligned(&check->memory, n, sizeof(double));
    for (int64_t k = 0; list && k < d; ++k)
        if (!list[k])
            return NULL;
    return list;
}

static double **wide_columns(const mote_ssm_check *check, int64_t count)
{
    double **list = mote_memory_allocate(&check->memory, count + 1, sizeof *list);
    double *block = mote_memory_allocate(&check->memory, (count + 1) * MOTE_BLOCK, sizeof *block);
    for (int64_t p = 0; list && block && p <= count; ++p)
        list[p] = block + p * MOTE_BLOCK;
    if (list && block)
        return list;
    mote_memory_release(&check->memory, list);
    mote_memory_release(&check->memory, block);
    return NULL;
}

static void free_columns(const mote_ssm_check *check, double **list)
{
    for (int64_t k = 0; list && k < check->space.model.state_count; ++k)
        mote_memory_release_aligned(&check->memory, list[k]);
    mote_memory_release(&check->memory, list);
}

/* Parameters: the prior's medians, then draws. */
static int draw_parameters(mote_ssm_check *check)
{
    const mote_space *space = &check->space.space;
    double *cube = mote_memory_allocate(&check->memory, space->dimension, sizeof *cube);
    int status = cube ? MOTE_OK : MOTE_ENOMEM;
    for (int64_t row = 0; row < MOTE_CHECK_ROWS && !status; ++row) {
        mote_source source = mote_source_at(check->live, MOTE_PURPOSE_PRIOR, (uint32_t)row, 0);
        mote_uniforms(&source, cube, space->dimension);
        for (int64_t k = 0; k < space->dimension; ++k)
            cube[k] = row ? 0.1 + 0.8 * cube[k] : 0.5;
        status = mote_space_transform(space, cube, check->theta + row * space->theta_count);
    }
    mote_memory_release(&check->memory, cube);
    return status;
}

static int open_check(mote_ssm_check *check, const mote_job *job)
{
    mote_message message = { "" };
    memset(check, 0, sizeof *check);
    check->job = job;
    check->given = mote_plugin_ssm(job->plugin);
    if (mote_memory_open(&check->memory, NULL))
        return MOTE_EXIT_INTERNAL;
    int status = mote_state_space_open(&check->space, check->given, &check->memory, &message);
    if (status)
        return mote_complain(mote_exit_code(status), "%s", message.text);
    const int64_t count = check->space.space.theta_count;
    check->theta = mote_memory_allocate(&check->memory, MOTE_CHECK_ROWS * count, sizeof(double));
    check->parameter = mote_memory_allocate(&check->memory, count + 1, sizeof *check->parameter);
    check->wide = wide_columns(check, count);
    check->wide_at = mote_memory_allocate(&check->memory, count + 1, sizeof *check->wide_at);
    check->cache = mote_memory_allocate_aligned(&check->memory, check->space.model.cache_size + 1, 1);
    check->value = mote_memory_allocate(&check->memory, MOTE_CHECK_SAMPLE, sizeof(double));
    check->again = mote_memory_allocate(&check->memory, MOTE_CHECK_SAMPLE, sizeof(double));
    check->small_value = mote_memory_allocate_aligned(&check->memory, MOTE_BLOCK, sizeof(double));
    check->previous = columns(check, MOTE_CHECK_SAMPLE);
    check->state = columns(check, MOTE_CHECK_SAMPLE);
    check->small_previous = columns(check, MOTE_BLOCK);
    check->small_state = columns(check, MOTE_BLOCK);
    if (!check->theta || !check->parameter || !check->wide || !check->wide_at || !check->cache || !check->value ||
        !check->again || !check->small_value || !check->previous || !check->state || !check->small_previous ||
        !check->small_state || mote_datum_open(&check->datum, &check->space, &check->memory) ||
        mote_source_open_live(&check->live, 1, 0))
        return mote_complain(MOTE_EXIT_INTERNAL, "%s", mote_strerror(MOTE_ENOMEM));
    status = draw_parameters(check);
    return status ? mote_complain(mote_exit_code(status), "parameters cannot be drawn from the prior: %s",
                                  mote_strerror(status))
                  : 0;
}

static void close_check(mote_ssm_check *check)
{
    free_columns(check, check->previous);
    free_columns(check, check->state);
    free_columns(check, check->small_previous);
    free_columns(check, check->small_state);
    mote_memory_release_aligned(&check->memory, check->small_value);
    mote_memory_release_aligned(&check->memory, check->cache);
    if (check->wide)
        mote_memory_release(&check->memory, check->wide[0]);
    mote_memory_release(&check->memory, check->wide);
    mote_memory_release(&check->memory, check->wide_at);
    mote_memory_release(&check->memory, check->parameter);
    mote_memory_release(&check->memory, check->theta);
    mote_memory_release(&check->memory, check->value);
    mote_memory_release(&check->memory, check->again);
    mote_datum_close(&check->datum, &check->memory);
    mote_source_close(&check->live);
    mote_state_space_close(&check->space);
}

int mote_check_ssm(const mote_job *job)
{
    mote_ssm_check *check = calloc(1, sizeof *check);
    int code = check ? open_check(check, job) : MOTE_EXIT_INTERNAL;
    if (!code) {
        printf("model %s: %d states, %d observations, %d parameters of which %d are sampled\n", check->space.model.name,
               (int)check->space.model.state_count, (int)check->space.model.observation_count,
               (int)check->space.space.theta_count, (int)check->space.space.sampled_count);
        if (check->space.model.fork)
            mote_ssm_check_handles(check);
        else
            ask_values(check);
        if (!check->report.failures && !check->space.model.fork) {
            ask_blocks(check);
            ask_parameters(check);
            ask_threads(check);
            mote_ssm_check_laws(check);
            mote_ssm_check_bound(check);
            mote_ssm_check_gradient(check);
            mote_ssm_check_additive(check);
            ask_cost(check);
        }
        printf("%d failed, %d to look at\n", check->report.failures, check->report.notes);
        code = check->report.failures ? MOTE_EXIT_DATA : 0;
    }
    if (check)
        close_check(check);
    free(check);
    return code;
}
