/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/score.h"

#include <string.h>

static int open_ppg(mote_score_estimator *s, const mote_state_space *space, mote_pool *pool, mote_message *message)
{
    const mote_ppg_setup setup = { s->setup.filter, s->setup.backward, s->setup.functional };
    if (s->setup.dropped >= s->setup.sweeps)
        return mote_fail(message, MOTE_EOPTION, "option dropped = %lld leaves none of %lld sweeps",
                         (long long)s->setup.dropped, (long long)s->setup.sweeps);
    int status = mote_ppg_sampler_open(&s->ppg, space, &setup, s->memory, pool, message);
    if (status)
        return status;
    s->length = s->ppg.times * s->ppg.d;
    s->path = mote_memory_allocate(s->memory, s->length, sizeof *s->path);
    return s->path ? MOTE_OK : mote_fail(message, MOTE_ENOMEM, "no memory for a path of %lld times",
                                         (long long)s->ppg.times);
}

static int open_filter(mote_score_estimator *s, const mote_state_space *space, mote_pool *pool, mote_message *message)
{
    static const int64_t smoothers[] = { [MOTE_SCORE_PARIS] = MOTE_ON_LINE_PARIS,
                                         [MOTE_SCORE_FORWARD] = MOTE_ON_LINE_FORWARD,
                                         [MOTE_SCORE_GENEALOGY] = MOTE_ON_LINE_GENEALOGY };
    const mote_paris_smoother_setup setup = { s->setup.backward, s->setup.functional, smoothers[s->setup.score] };
    int status = mote_particle_filter_open(&s->filter, space, &s->setup.filter, s->memory, pool, message);
    if (!status)
        status = mote_paris_smoother_open(&s->smoother, &s->filter, &setup);
    if (!status && mote_datum_open(&s->datum, space, s->memory))
        status = mote_fail(message, MOTE_ENOMEM, "no memory for an observation");
    if (!status)
        mote_particle_filter_add(&s->filter, &s->smoother.collector);
    return status;
}

int mote_score_open(mote_score_estimator *s, const mote_state_space *space, const mote_score_setup *setup,
                    const mote_memory *memory, mote_pool *pool, mote_message *message)
{
    memset(s, 0, sizeof *s);
    s->setup = *setup;
    s->memory = memory;
    if (!space->has_series)
        return mote_fail(message, MOTE_EUNSUPPORTED,
                         "the score is that of a whole series, which the model '%s' does not carry",
                         space->model.name ? space->model.name : "model");
    const int status = setup->score == MOTE_SCORE_PPG ? open_ppg(s, space, pool, message) : open_filter(s, space, pool,
                                                                                                        message);
    if (status)
        mote_score_close(s);
    return status;
}

void mote_score_close(mote_score_estimator *s)
{
    if (!s->memory)
        return;
    mote_ppg_sampler_close(&s->ppg);
    mote_paris_smoother_close(&s->smoother);
    mote_particle_filter_close(&s->filter);
    mote_datum_close(&s->datum, s->memory);
    mote_memory_release(s->memory, s->path);
    memset(s, 0, sizeof *s);
}

static int by_ppg(mote_score_estimator *s, const double *theta, const mote_source *source, double *gradient,
                  double *log_evidence)
{
    mote_source first = *source;
    int status = MOTE_OK;
    first.key = mote_source_child_key(source->key, MOTE_PURPOSE_BACKWARD, 0);
    if (!s->started)
        status = mote_ppg_first(&s->ppg, theta, &first, s->path);
    s->started = s->started || !status;
    if (!status)
        status = mote_ppg_roll_out(&s->ppg, theta, source, s->setup.dropped, s->setup.sweeps, s->path, gradient);
    *log_evidence = s->ppg.filter.log_evidence;
    return status;
}

int mote_score_at(mote_score_estimator *s, const double *theta, const mote_source *source, double *gradient,
                  double *log_evidence)
{
    if (s->setup.score == MOTE_SCORE_PPG)
        return by_ppg(s, theta, source, gradient, log_evidence);
    int status = mote_particle_filter_run(&s->filter, theta, source, &s->datum, log_evidence);
    if (!status && s->filter.dead)
        status = mote_fail(s->filter.message, MOTE_ENUMERIC, "all particles have weight zero at step %lld",
                           (long long)s->filter.dead - 1);
    memcpy(gradient, s->smoother.estimate, (size_t)s->smoother.count * sizeof *gradient);
    return status;
}

int64_t mote_score_potentials(const mote_score_estimator *s)
{
    return s->setup.score == MOTE_SCORE_PPG ? s->ppg.filter.potentials * s->setup.sweeps : s->filter.potentials;
}

mote_backward_info mote_score_info(const mote_score_estimator *s)
{
    return s->setup.score == MOTE_SCORE_PPG ? s->ppg.paris.backward.info : s->smoother.backward.info;
}

void mote_score_save(const mote_score_estimator *s, mote_writer *writer)
{
    mote_put_tag(writer, "score");
    mote_put_integer(writer, s->started);
    mote_put_reals(writer, s->path, s->started ? s->length : 0);
}

void mote_score_load(mote_score_estimator *s, mote_reader *reader)
{
    mote_get_tag(reader, "score");
    s->started = mote_get_count(reader, 0, s->setup.score == MOTE_SCORE_PPG);
    mote_get_reals(reader, s->path, s->started ? s->length : 0);
}
