/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run algorithm `smoother`: see include/mote/smoother.h and smc/smoother.h. Replicate 0 draws from the run's own
 * source, replicate r from child r of the key of the one before. Results over R replicates are plain means; their
 * errors are sqrt(sum (x_r - mean)^2 / (R - 1) / R). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/option.h"
#include "core/vector.h"
#include "model/draws.h"
#include "smc/columns.h"
#include "smc/moments.h"
#include "smc/paris.h"
#include "smc/smoother.h"

static const mote_option_use uses[] = {
    MOTE_PARTICLE_USES,
    { "trajectories", "method", "ffbsi" }, { "backward", "method", "ffbsi" },
    { "backward_trials", "method", "ffbsi" }, { "backward_trials", "backward", "hybrid" },
    { "backward_steps", "method", "ffbsi" }, { "backward_steps", "backward", "mcmc" },
    { "pairs", "method", "two_filter_linear" }, { "smoothing_lag", "method", "fixed_lag" },
    { "variance_lag", "points", "random" },
    { NULL, NULL, NULL },
};

MOTE_OPTION_TABLE_USES(options, "smoother", mote_smoother_options, MOTE_SMOOTHER_OPTIONS, uses);

static const mote_smoother_table *const methods[] = {
    [MOTE_SMOOTHER_FFBSI] = &mote_smoother_trajectories,
    [MOTE_SMOOTHER_FFBSM] = &mote_smoother_marginal,
    [MOTE_SMOOTHER_TWO_FILTER] = &mote_smoother_two_filter,
    [MOTE_SMOOTHER_TWO_FILTER_LINEAR] = &mote_smoother_two_filter_linear,
    [MOTE_SMOOTHER_FIXED_LAG] = &mote_smoother_ancestors,
    [MOTE_SMOOTHER_GENEALOGY] = &mote_smoother_ancestors,
};

/* ---- estimates ---- */

static int open_estimate(const mote_smoother_state *s, mote_smoother_estimate *e)
{
    const int64_t cells = s->count * s->d;
    double *values = mote_memory_allocate(s->memory, 3 * cells + 2 * s->p, sizeof *values);
    if (!values)
        return MOTE_ENOMEM;
    double *value = values + 3 * cells;
    *e = (mote_smoother_estimate){ values, values + cells, values + 2 * cells, value, value + s->p };
    return MOTE_OK;
}

static int64_t estimate_size(const mote_smoother_state *s)
{
    return 3 * s->count * s->d + 2 * s->p;
}

static void clear_estimate(const mote_smoother_state *s, mote_smoother_estimate *e)
{
    memset(e->mean, 0, (size_t)estimate_size(s) * sizeof(double));
    for (int64_t c = 0; c < s->count * s->d; ++c)
        e->error[c] = NAN;
}

void mote_smoother_set_row(mote_smoother_state *s, int64_t t, const double *const *state, const double *weight,
                           const int32_t *index, int64_t count)
{
    for (int64_t k = 0; k < s->d; ++k)
        mote_moments(weight, state[k], index, count, &s->now.mean[t * s->d + k], &s->now.variance[t * s->d + k]);
}

int mote_smoother_add_terms(mote_smoother_state *s, int64_t t, int64_t count, const double *const *previous,
                            double *const *state, const double *weight, double *const *each)
{
    const mote_generation *g = mote_history_generation(&s->history, t);
    const double share = 1 / (double)count;
    for (int64_t first = 0; first < count && s->functional; first += MOTE_BLOCK) {
        mote_block block = mote_generation_block(g, &s->filter, 0, count - first < MOTE_BLOCK ? count - first
                                                 : MOTE_BLOCK);
        for (int64_t k = 0; k < s->d; ++k) {
            s->previous[k] = previous ? previous[k] + first : NULL;
            s->state[k] = state[k] + first;
        }
        block.previous = previous ? s->previous : NULL;
        block.state = s->state;
        const int status = s->functional(s->stream.space.model.ctx, &block, s->term);
        if (status)
            return status > 0 ? mote_fail(s->message, MOTE_EMODEL,
                                          "the functional returned a code above 0 at step %lld", (long long)t)
                              : status;
        const int64_t fault = mote_functional_fault(s->term, s->p, block.n, weight ? weight + first : NULL);
        if (fault >= 0)
            return mote_functional_complain(&s->stream.space, s->options->functional, fault / block.n,
                                            first + fault % block.n, &block, s->message);
        for (int64_t k = 0; k < s->p; ++k) {
            const double sum = mote_weighted_sum(weight ? weight + first : NULL, s->term[k], block.n);
            s->now.value[k] += weight ? sum : sum * (double)block.n * share;
            for (int64_t i = 0; each && i < block.n; ++i)
                each[k][first + i] += s->term[k][i];
        }
    }
    return MOTE_OK;
}

/* ---- life ---- */

static int choose_functional(mote_smoother_state *s)
{
    const mote_ssm *model = &s->stream.space.model;
    const int64_t choice = s->options->functional;
    if (choice == MOTE_FUNCTIONAL_ADDITIVE && !model->additive)
        return MOTE_OK;
    const int status = mote_functional_check(&s->stream.space, choice, s->message);
    s->functional = choice == MOTE_FUNCTIONAL_ADDITIVE ? model->additive : model->gradient;
    s->p = mote_functional_count(&s->stream.space, choice);
    return status;
}

static int check(const mote_smoother_state *s)
{
    const mote_smoother_options *o = s->options;
    const mote_ssm *model = &s->stream.space.model;
    if (o->replicates > 1 && !s->stream.space.has_series)
        return mote_fail(s->message, MOTE_EUNSUPPORTED, "option replicates = %lld: the model '%s' carries no series "
                         "that could be filtered again", (long long)o->replicates,
                         mote_state_space_name(&s->stream.space));
    if (model->linear_count) /* the moments that a particle carries are filtered ones, whatever happens later */
        return mote_fail(s->message, MOTE_EUNSUPPORTED, "option method = %s: the model '%s' has a part that is "
                         "integrated out: its moments can be filtered, not smoothed", methods[o->method]->name,
                         mote_state_space_name(&s->stream.space));
    return MOTE_OK;
}

static int open_parts(mote_run *run, mote_smoother_state *s)
{
    const mote_history_setup history = { .keep = MOTE_HISTORY_FULL };
    int status = mote_history_open(&s->history, &s->filter, &history, s->memory, s->message);
    if (!status && s->n > 1 && !s->filter.setup.quasi)
        status = mote_variance_open(&s->variance, &s->filter, s->options->variance_lag, 0, s->memory);
    s->previous = mote_memory_allocate(s->memory, s->d, sizeof *s->previous);
    s->state = mote_memory_allocate(s->memory, s->d, sizeof *s->state);
    s->term = mote_block_columns_open(s->memory, s->p, MOTE_BLOCK);
    s->log_evidence = mote_memory_allocate(s->memory, s->options->replicates, sizeof *s->log_evidence);
    if (!status && (!s->previous || !s->state || !s->term || !s->log_evidence))
        status = MOTE_ENOMEM;
    if (!status)
        status = s->method->open(s);
    return status ? status : mote_particle_filter_start(&s->filter, s->stream.theta, &run->source);
}

static int smoother_open(mote_run *run, const void *model)
{
    mote_smoother_state *s = run->state;
    const mote_smoother_options *o = run->options;
    const mote_filter_setup setup = { MOTE_PARTICLE_SETUP(o) };
    s->options = o;
    s->method = methods[o->method];
    s->memory = &run->memory;
    s->message = &run->message;
    s->ledger = &run->ledger;
    s->source = run->source;
    s->at = -1;
    int status = mote_stream_state_open(run, &s->stream, model, o->theta);
    if (!status)
        status = mote_resampling_of_particles(o->resampling, 0, &run->message);
    if (!status)
        status = check(s);
    if (!status)
        status = mote_particle_filter_open(&s->filter, &s->stream.space, &setup, &run->memory, s->stream.pool,
                                           &run->message);
    if (status)
        return status;
    s->n = setup.particles;
    s->d = s->stream.space.model.state_count;
    status = choose_functional(s);
    if (!status)
        status = open_parts(run, s);
    run->boundary = 1;
    return status == MOTE_ENOMEM ? mote_fail(&run->message, status, "no memory for a smoother with %lld particles",
                                             (long long)s->n) : status;
}

static void smoother_close(mote_run *run)
{
    mote_smoother_state *s = run->state;
    if (!s->method)
        return;
    s->method->close(s);
    void *blocks[] = { s->time, s->now.mean, s->sum.mean, s->origin.mean, s->result.mean, s->log_evidence,
                       (void *)s->previous, s->state };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(&run->memory, blocks[i]);
    mote_block_columns_close(&run->memory, s->term);
    mote_variance_close(&s->variance);
    mote_history_close(&s->history);
    mote_particle_filter_close(&s->filter);
    mote_stream_state_close(run, &s->stream);
}

/* ---- replicates ---- */

/* Room for what is as long as the series: once. */
static int reserve(mote_smoother_state *s)
{
    mote_smoother_estimate *estimates[] = { &s->now, &s->sum, &s->origin, &s->result };
    int status = MOTE_OK;
    if (s->time)
        return MOTE_OK;
    for (size_t i = 0; i < sizeof estimates / sizeof *estimates && !status; ++i)
        status = estimates[i]->mean ? MOTE_OK : open_estimate(s, estimates[i]);
    if (!status && s->method->reserve && !s->path && !s->weight)
        status = s->method->reserve(s);
    if (!status)
        s->time = mote_memory_allocate(s->memory, s->count, sizeof *s->time);
    return s->time ? MOTE_OK : mote_fail(s->message, MOTE_ENOMEM, "no memory for smoothing %lld times",
                                         (long long)s->count);
}

static void add_replicate(mote_smoother_state *s)
{
    const int64_t cells = s->count * s->d;
    if (!s->used)
        memcpy(s->origin.mean, s->now.mean, (size_t)estimate_size(s) * sizeof(double));
    for (int64_t c = 0; c < cells; ++c) {
        const double delta = s->now.mean[c] - s->origin.mean[c];
        s->sum.mean[c] += delta;
        s->sum.error[c] += delta * delta;
        s->sum.variance[c] += s->now.variance[c] + delta * delta;
    }
    for (int64_t k = 0; k < s->p; ++k) {
        const double delta = s->now.value[k] - s->origin.value[k];
        s->sum.value[k] += delta;
        s->sum.value_error[k] += delta * delta;
    }
    ++s->used;
}

static double spread(double sum, double square, double r)
{
    const double left = square - sum * sum / r;
    return sqrt((left > 0 ? left : 0) / (r - 1) / r);
}

static void set_result(mote_smoother_state *s)
{
    const double r = (double)s->used;
    for (int64_t c = 0; c < s->count * s->d; ++c) {
        const int64_t to = c % s->d * s->count + c / s->d;
        const double shift = s->sum.mean[c] / r, variance = s->sum.variance[c] / r - shift * shift;
        s->result.mean[to] = s->origin.mean[c] + shift;
        s->result.variance[to] = sqrt(variance > 0 ? variance : 0);
        s->result.error[to] = s->used > 1 ? spread(s->sum.mean[c], s->sum.error[c], r) : sqrt(s->origin.error[c]);
    }
    for (int64_t k = 0; k < s->p; ++k) {
        s->result.value[k] = s->origin.value[k] + s->sum.value[k] / r;
        s->result.value_error[k] = s->used > 1 ? spread(s->sum.value[k], s->sum.value_error[k], r) : NAN;
    }
}

/* The replicate is through: into the result, and on to the next. */
static int conclude(mote_smoother_state *s)
{
    const int64_t r = s->replicate;
    s->log_evidence[r] = s->filter.log_evidence;
    if (r == 0 && s->variance.n) {
        const mote_variance_value v = mote_variance_evidence(&s->variance, &s->filter);
        s->error = v.reliable ? sqrt(v.value) : NAN;
    }
    if (!s->filter.dead) {
        add_replicate(s);
        set_result(s);
    }
    s->at = -1;
    if (++s->replicate == s->options->replicates) {
        s->phase = SMOOTHER_DONE;
        return MOTE_DONE;
    }
    s->phase = SMOOTHER_FORWARD;
    s->source.key = mote_source_child_key(s->source.key, (uint64_t)s->replicate, 0);
    return mote_particle_filter_start(&s->filter, s->stream.theta, &s->source);
}

/* ---- steps ---- */

static int forward(mote_run *run, mote_smoother_state *s)
{
    const int64_t potentials = s->filter.potentials;
    int status = mote_stream_state_next(&s->stream, s->filter.step);
    if (!status)
        status = mote_particle_filter_step(&s->filter, &s->stream.datum);
    if (status && status != MOTE_DONE)
        return status;
    run->ledger.calls += s->filter.potentials - potentials;
    if (!status)
        status = mote_stream_state_taken(&s->stream, s->filter.step);
    if (status == MOTE_DONE && s->filter.step) {
        s->phase = SMOOTHER_BACKWARD;
        s->count = s->filter.step;
        s->at = s->count - 1;
        return MOTE_OK;
    }
    return status;
}

/* One time backward, once there is room. */
static int smooth_time(mote_smoother_state *s)
{
    if (s->filter.dead)
        return conclude(s);
    if (s->at == s->count - 1) {
        clear_estimate(s, &s->now);
        s->error = NAN;
    }
    const int status = s->method->smooth(s, s->at);
    if (status)
        return status;
    s->time[s->at] = mote_history_generation(&s->history, s->at)->datum.time;
    return --s->at < 0 ? conclude(s) : MOTE_OK;
}

/* Methods add to their sums and move their paths in place, block by block: a model that stops them leaves a time half
 * smoothed. */
static int backward(mote_run *run, mote_smoother_state *s)
{
    int status = reserve(s);
    if (status)
        return status;
    status = smooth_time(s);
    run->in_doubt = status && status != MOTE_DONE;
    return status;
}

static int smoother_step(mote_run *run)
{
    mote_smoother_state *s = run->state;
    if (s->phase == SMOOTHER_DONE)
        return MOTE_DONE;
    return s->phase == SMOOTHER_FORWARD ? forward(run, s) : backward(run, s);
}

static int smoother_push(mote_run *run, const mote_observation *observation)
{
    mote_smoother_state *s = run->state;
    return mote_stream_state_push(run, &s->stream, observation, s->filter.step);
}

static void smoother_end(mote_run *run)
{
    mote_stream_state_end(&((mote_smoother_state *)run->state)->stream);
}

/* ---- checkpoints ---- */

static int smoother_save(mote_run *run, mote_writer *writer)
{
    const mote_smoother_state *s = run->state;
    const mote_smoother_estimate *estimates[] = { &s->now, &s->sum, &s->origin, &s->result };
    mote_put_tag(writer, "smoother");
    mote_stream_state_save(&s->stream, writer);
    mote_particle_filter_save(&s->filter, writer);
    mote_put_word(writer, s->source.key);
    mote_put_integer(writer, s->phase);
    mote_put_integer(writer, s->time ? s->count : 0);
    mote_put_integer(writer, s->at);
    mote_put_integer(writer, s->replicate);
    mote_put_integer(writer, s->used);
    mote_put_real(writer, s->error);
    mote_put_reals(writer, s->log_evidence, s->options->replicates);
    for (size_t i = 0; s->time && i < sizeof estimates / sizeof *estimates; ++i)
        mote_put_reals(writer, estimates[i]->mean, estimate_size(s));
    if (s->time)
        mote_put_reals(writer, s->time, s->count);
    if (s->time && s->method->save)
        s->method->save(s, writer);
    return writer->status;
}

static int load_length(mote_smoother_state *s, mote_reader *reader)
{
    mote_smoother_estimate *estimates[] = { &s->now, &s->sum, &s->origin, &s->result };
    int status = reserve(s);
    for (size_t i = 0; !status && i < sizeof estimates / sizeof *estimates; ++i)
        mote_get_reals(reader, estimates[i]->mean, estimate_size(s));
    if (!status)
        mote_get_reals(reader, s->time, s->count);
    if (!status && s->method->load)
        s->method->load(s, reader);
    return status;
}

static int smoother_load(mote_run *run, mote_reader *reader)
{
    mote_smoother_state *s = run->state;
    mote_get_tag(reader, "smoother");
    mote_stream_state_load(&s->stream, reader);
    int status = mote_particle_filter_load(&s->filter, reader);
    s->source.key = mote_get_word(reader);
    s->phase = mote_get_count(reader, SMOOTHER_FORWARD, SMOOTHER_DONE);
    s->count = mote_get_parts(reader, 1);
    s->at = mote_get_count(reader, -1, MOTE_MOST_COUNT);
    s->replicate = mote_get_count(reader, 0, s->options->replicates);
    s->used = mote_get_count(reader, 0, s->replicate);
    s->error = mote_get_real(reader);
    mote_get_reals(reader, s->log_evidence, s->options->replicates);
    if (s->count && s->count != (s->stream.space.has_series ? s->stream.space.series.count : s->filter.step))
        status = status ? status : MOTE_ECORRUPT;
    if (!status && !reader->status && s->count)
        status = s->at < s->count ? load_length(s, reader) : MOTE_ECORRUPT;
    if (!s->count && s->phase == SMOOTHER_BACKWARD)
        s->count = s->filter.step;
    if (!status && s->phase == SMOOTHER_BACKWARD && (s->count != s->filter.step || s->at < 0 || s->at >= s->count))
        status = MOTE_ECORRUPT;
    if (status == MOTE_ENOMEM)
        return status;
    if (status || reader->status)
        return mote_fail(&run->message, status ? status : reader->status, "the state of the smoother cannot be read");
    return MOTE_OK;
}

static void smoother_progress(mote_run *run, mote_progress *progress)
{
    const mote_smoother_state *s = run->state;
    progress->iterations = s->filter.step;
    progress->log_evidence = s->filter.log_evidence;
    if (s->stream.space.has_series) {
        const double length = 2 * (double)s->stream.space.series.count, r = (double)s->options->replicates;
        const double done = s->phase == SMOOTHER_BACKWARD ? length - 1 - (double)s->at : s->phase == SMOOTHER_FORWARD
            ? (double)s->filter.step : 0;
        progress->remaining = 1 - ((double)s->replicate + done / length) / r;
    }
}

static const mote_algorithm table = {
    .name = "smoother",
    .help = "smoothing of the states of a state-space model given a whole series",
    .model_kind = MOTE_KIND_mote_ssm,
    .model_size = sizeof(mote_ssm),
    .options = &options,
    .state_size = sizeof(mote_smoother_state),
    .open = smoother_open,
    .step = smoother_step,
    .push = smoother_push,
    .end = smoother_end,
    .save = smoother_save,
    .load = smoother_load,
    .draws = mote_smoother_draws,
    .free_draws = mote_draws_free,
    .progress = smoother_progress,
    .close = smoother_close,
};

const mote_algorithm *const mote_smoother = &table;
