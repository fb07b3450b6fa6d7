/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/path_run.h"

#include <math.h>
#include <string.h>

#include "model/chains.h"
#include "smc/ppg.h"

int mote_path_run_open(mote_run *run, mote_path_run *p, int64_t sweeps, int64_t warm_up, const double *path,
                       int64_t width)
{
    const mote_ssm *model = &p->stream.space.model;
    const int64_t tenth = sweeps < 20 ? 1 : sweeps / 10;
    p->sweeps = sweeps;
    p->dropped = warm_up < 0 ? 0 : warm_up ? warm_up : tenth;
    p->width = width;
    p->times = p->stream.space.series.count;
    p->d = model->state_count;
    if (p->dropped >= sweeps)
        return mote_fail(&run->message, MOTE_EOPTION, "option warm_up = %lld leaves none of %lld sweeps",
                         (long long)p->dropped, (long long)sweeps);
    p->path = mote_memory_allocate(&run->memory, p->times * p->d, sizeof *p->path);
    p->next = mote_memory_allocate(&run->memory, p->times * p->d, sizeof *p->next);
    if (!p->path || !p->next)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for a path of %lld times", (long long)p->times);
    if (path)
        memcpy(p->path, path, (size_t)(p->times * p->d) * sizeof *path);
    p->started = path != NULL;
    return MOTE_OK;
}

void mote_path_run_close(mote_run *run, mote_path_run *p)
{
    mote_memory_release(&run->memory, p->path);
    mote_memory_release(&run->memory, p->next);
    mote_memory_release(&run->memory, p->rows);
    mote_stream_state_close(run, &p->stream);
}

/* ---- steps ---- */

static int reserve(mote_run *run, mote_path_run *p, int64_t rows)
{
    if (rows <= p->room)
        return MOTE_OK;
    int64_t room = 2 * p->room > 64 ? 2 * p->room : 64;
    room = room < rows ? rows : room;
    double *values = mote_memory_resize(&run->memory, p->rows, p->kept * p->width, room * p->width, sizeof *values);
    if (!values)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld rows of sweeps", (long long)room);
    p->rows = values;
    p->room = room;
    return MOTE_OK;
}

/* Share of the times at which next differs from path. */
static double renewal(const mote_path_run *p)
{
    int64_t changed = 0;
    for (int64_t t = 0; t < p->times; ++t)
        changed += memcmp(p->path + t * p->d, p->next + t * p->d, (size_t)p->d * sizeof *p->path) != 0;
    return (double)changed / (double)p->times;
}

/* A sweep counts when its row is there: what fails before leaves path and counts as they were. */
static int keep(mote_run *run, mote_path_run *p)
{
    double *path = p->path;
    if (p->done >= p->dropped) {
        const int status = p->fill(run, p->rows + p->kept * p->width);
        if (status)
            return status;
        p->renewed += renewal(p);
        ++p->kept;
    }
    p->path = p->next;
    p->next = path;
    ++p->done;
    return MOTE_OK;
}

int mote_path_run_step(mote_run *run, mote_path_run *p)
{
    mote_source source = run->source;
    if (p->done >= p->sweeps)
        return MOTE_DONE;
    source.key = mote_source_child_key(run->source.key, MOTE_PURPOSE_FILTER, (uint64_t)(p->started ? p->done + 1 : 0));
    if (!p->started) {
        const int status = p->first(run, &source, p->path);
        p->started = !status;
        return status;
    }
    int status = reserve(run, p, p->kept + 1);
    if (!status)
        status = p->sweep(run, &source, p->path, p->next);
    if (!status)
        status = keep(run, p);
    return !status && p->done >= p->sweeps ? MOTE_DONE : status;
}

void mote_path_run_save(const mote_path_run *p, mote_writer *writer)
{
    mote_put_tag(writer, "path");
    mote_put_integer(writer, p->started);
    mote_put_integer(writer, p->dropped);
    mote_put_integer(writer, p->done);
    mote_put_integer(writer, p->kept);
    mote_put_real(writer, p->renewed);
    mote_put_reals(writer, p->path, p->times * p->d);
    mote_put_reals(writer, p->rows, p->kept * p->width);
}

int mote_path_run_load(mote_run *run, mote_path_run *p, mote_reader *reader)
{
    mote_get_tag(reader, "path");
    p->started = mote_get_count(reader, 0, 1);
    p->dropped = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    p->done = mote_get_count(reader, 0, MOTE_MOST_COUNT);
    const int64_t kept = mote_get_parts(reader, p->width);
    if (kept != (p->done > p->dropped ? p->done - p->dropped : 0) && !reader->status)
        reader->status = MOTE_ECORRUPT;
    p->renewed = mote_get_real(reader);
    mote_get_reals(reader, p->path, p->times * p->d);
    int status = reader->status ? reader->status : reserve(run, p, kept);
    if (status == MOTE_ENOMEM)
        return status;
    p->kept = status ? 0 : kept;
    mote_get_reals(reader, p->rows, p->kept * p->width);
    status = reader->status;
    return status ? mote_fail(&run->message, status, "the state of the sweeps cannot be read") : MOTE_OK;
}

void mote_path_run_progress(const mote_path_run *p, mote_progress *progress)
{
    progress->iterations = p->done;
    progress->remaining = 1 - (double)p->done / (double)p->sweeps;
}

/* ---- results ---- */

double mote_path_run_mean(const mote_path_run *p, int64_t k)
{
    double sum = 0;
    for (int64_t i = 0; i < p->kept; ++i)
        sum += p->rows[i * p->width + k];
    return p->kept ? sum / (double)p->kept : NAN;
}

double mote_path_run_error(const mote_path_run *p, int64_t k)
{
    return mote_batch_means_error(p->rows + k, p->width, p->kept);
}

int mote_path_run_draws(mote_run *run, const mote_path_run *p, const mote_parameter *columns)
{
    if (!p->kept)
        return mote_fail(&run->message, MOTE_ESTATE, "no sweep has been kept yet");
    run->draws = mote_draws_create(&run->memory, columns, p->width, p->kept, 0);
    if (!run->draws)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the draws");
    run->draws->chain_count = 1;
    for (int64_t i = 0; i < p->kept; ++i) {
        run->draws->log_weight[i] = -log((double)p->kept);
        for (int64_t k = 0; k < p->width; ++k)
            run->draws->columns[k][i] = p->rows[i * p->width + k];
    }
    int status = mote_draws_add_count(run->draws, "sweeps", p->kept, "", "sweeps kept");
    if (!status)
        status = mote_draws_add_real(run->draws, "path_renewal", p->renewed / (double)p->kept, "",
                                     "mean share of the path's states that a sweep changes");
    return status ? status : mote_draws_warn_of_short_chains(run->draws);
}
