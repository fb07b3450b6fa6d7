/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "smc/sampler_state.h"

#define CARRIED_INTEGERS(X)                                                                                   \
    X(phase) X(level) X(term_count) X(next_term_count) X(steps_made) X(steps_asked) X(moves) X(rows) X(failed_checked) \
    X(dead)
#define CARRIED_REALS(X)                                                                                      \
    X(inverse_temperature) X(points_temperature) X(log_evidence) X(block_log_evidence) X(variance) X(displacement) \
    X(maximum)

enum { RECORD_NUMBERS = sizeof(mote_smc_record) / sizeof(double) };

static int keeps_all(const mote_smc_state *state)
{
    return state->persistent || state->options->keep == MOTE_SMC_DRAWS_ALL;
}

int mote_smc_save(mote_run *run, mote_writer *writer)
{
    const mote_smc_state *state = run->state;
    mote_put_tag(writer, "smc");
#define PUT(name) mote_put_integer(writer, state->name);
    CARRIED_INTEGERS(PUT)
#undef PUT
#define PUT(name) mote_put_real(writer, state->name);
    CARRIED_REALS(PUT)
#undef PUT
    if (state->phase == MOTE_SMC_PRIOR)
        return writer->status;
    const int64_t moving = state->phase == MOTE_SMC_MOVE, evaluating = state->phase == MOTE_SMC_EVALUATE;
    mote_put_reals(writer, (const double *)state->records, (state->level + 1) * RECORD_NUMBERS);
    mote_put_reals(writer, state->tunings, (state->level + 1) * mote_kernel_tuning_count(state->kernel));
    mote_kernel_points_save(&state->points, writer);
    mote_put_reals(writer, state->weights.log_weight, state->particles);
    if (keeps_all(state)) {
        mote_kernel_points_save(&state->kept, writer);
        mote_put_reals(writer, state->mixture, state->kept.n);
    }
    if (state->genealogy.sum)
        mote_genealogy_save(&state->genealogy, writer);
    if (moving)
        mote_kernel_points_save(&state->next, writer);
    mote_kernel_save(state->kernel, moving ? state->chains : 0, writer);
    if (evaluating) {
        mote_put_reals(writer, state->increment, state->data ? state->particles : 0);
        for (int64_t i = 0; i < state->particles; ++i)
            mote_put_integer(writer, state->evaluations[i].told);
    }
    if (moving || evaluating)
        mote_crew_save(&state->crew, writer);
    return writer->status;
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

static int sound(const mote_smc_state *state)
{
    const int64_t terms = state->space.target.term_count;
    if (state->phase < MOTE_SMC_PRIOR || state->phase > MOTE_SMC_DONE || state->level < 0 || state->term_count < 0
        || state->next_term_count < 0 || state->steps_made < 0 || state->steps_asked < 0 || state->moves < 0)
        return 0;
    if (state->data && (state->term_count > terms || state->next_term_count > terms
                        || (state->phase == MOTE_SMC_EVALUATE && state->next_term_count <= state->term_count)))
        return 0;
    return state->level <= state->options->max_levels && (state->level > 0 || state->phase != MOTE_SMC_MOVE);
}

static int load_records(mote_run *run, mote_reader *reader)
{
    mote_smc_state *state = run->state;
    const int64_t width = mote_kernel_tuning_count(state->kernel);
    /* a count that the rest of the file cannot hold is a fault */
    if (state->level + 1 > (reader->length - reader->position) / 8 / (RECORD_NUMBERS + width))
        return MOTE_ECORRUPT;
    if (mote_smc_reserve_record(run))
        return MOTE_ENOMEM;
    mote_get_reals(reader, (double *)state->records, (state->level + 1) * RECORD_NUMBERS);
    mote_get_reals(reader, state->tunings, (state->level + 1) * width);
    return reader->status;
}

static int load_kept(mote_smc_state *state, mote_reader *reader)
{
    int status = mote_kernel_points_load(&state->kept, reader);
    if (!status && state->kept.n % state->particles)
        status = MOTE_ECORRUPT;
    if (!status)
        status = mote_smc_persistent_reserve(state);
    if (!status)
        mote_get_reals(reader, state->mixture, state->kept.n);
    return status ? status : reader->status;
}

static int load_points(mote_smc_state *state, mote_reader *reader)
{
    int status = mote_kernel_points_load(&state->points, reader);
    if (!status && state->points.n != state->particles)
        status = MOTE_ECORRUPT;
    if (!status)
        mote_get_reals(reader, state->weights.log_weight, state->particles);
    if (!status && keeps_all(state))
        status = load_kept(state, reader);
    if (!status && state->genealogy.sum)
        status = mote_genealogy_load(&state->genealogy, reader);
    if (!status && state->genealogy.sum)
        status = mote_genealogy_reserve(&state->genealogy);
    if (!status && state->phase == MOTE_SMC_MOVE)
        status = mote_kernel_points_load(&state->next, reader);
    if (!status && state->phase == MOTE_SMC_MOVE
        && state->next.n != (state->waste_free ? state->particles : state->chains))
        status = MOTE_ECORRUPT;
    return status ? status : reader->status;
}

static int load_chains(mote_run *run, mote_reader *reader)
{
    mote_smc_state *state = run->state;
    const int moving = state->phase == MOTE_SMC_MOVE, evaluating = state->phase == MOTE_SMC_EVALUATE;
    mote_kernel_load(state->kernel, moving ? state->chains : 0, reader);
    if (evaluating) {
        mote_get_reals(reader, state->increment, state->data ? state->particles : 0);
        for (int64_t i = 0; i < state->particles; ++i)
            state->evaluations[i] = (mote_smc_row){ state, i, mote_get_count(reader, 0, 1) };
    }
    if (reader->status || !(moving || evaluating))
        return reader->status;
    run->executor.rows.first_term = state->data && evaluating ? state->term_count : 0;
    run->executor.rows.term_count = !state->data ? 0 : evaluating ? state->next_term_count - state->term_count
                                                                  : state->term_count;
    size_t size = sizeof *state->evaluations;
    void *chains = moving ? mote_kernel_chains(state->kernel, &size) : state->evaluations;
    int status = mote_crew_load(&state->crew, moving ? mote_kernel_table : mote_smc_rows(), chains, size, reader);
    if (!status && state->crew.n != (moving ? state->chains : state->particles))
        status = MOTE_ECORRUPT;
    return status ? status : reader->status;
}

int mote_smc_load(mote_run *run, mote_reader *reader)
{
    mote_smc_state *state = run->state;
    mote_get_tag(reader, "smc");
#define GET(name) state->name = mote_get_integer(reader);
    CARRIED_INTEGERS(GET)
#undef GET
#define GET(name) state->name = mote_get_real(reader);
    CARRIED_REALS(GET)
#undef GET
    int status = reader->status ? reader->status : sound(state) ? MOTE_OK : MOTE_ECORRUPT;
    if (!status && state->phase != MOTE_SMC_PRIOR) {
        status = load_records(run, reader);
        if (!status)
            status = load_points(state, reader);
        if (!status)
            status = load_chains(run, reader);
    }
    if (status)
        return mote_fail(&run->message, status, "the state of the SMC sampler cannot be read");
    run->boundary = state->phase == MOTE_SMC_WEIGH || state->phase == MOTE_SMC_DONE;
    run->finished_by = state->phase == MOTE_SMC_DONE ? MOTE_FINISHED_BY_CRITERION : MOTE_NOT_FINISHED;
    return MOTE_OK;
}
