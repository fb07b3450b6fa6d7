/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors that a program may ask a run of `filter` for. */
#include <math.h>

#include "core/option.h"
#include "smc/filter_run.h"

static mote_variance_value value_of(const mote_filter_run_state *state, int64_t estimate, const double *column,
                                    int64_t lag)
{
    const mote_variance *v = &state->variance;
    const mote_particle_filter *filter = &state->filter;
    if (estimate == MOTE_ERROR_FIXED_LAG)
        return column ? mote_variance_mean(v, filter, column, lag ? lag : v->lineage.lag)
            : mote_variance_evidence(v, filter);
    return column ? mote_variance_mean_eve(v, filter, column, estimate == MOTE_ERROR_LEE_WHITELEY)
                  : mote_variance_evidence_eve(v, filter);
}

int mote_filter_error_of(mote_run *run, int64_t estimate, int64_t state, int64_t lag, mote_filter_error *error)
{
    const mote_particle_filter *filter = mote_filter_of_run(run);
    mote_filter_error answer = { MOTE_VERSIONED(mote_filter_error), .variance = NAN, .error = NAN };
    if (!error || estimate < MOTE_ERROR_FIXED_LAG || estimate > MOTE_ERROR_CHAN_LAI || state < -1 || lag < 0 ||
        (filter && state >= filter->space->model.state_count) || (state < 0 && estimate == MOTE_ERROR_CHAN_LAI))
        return MOTE_EINVAL;
    if (filter && ((mote_filter_run_state *)run->state)->variance.n) {
        const mote_variance_value v = value_of(run->state, estimate, state < 0 ? NULL : filter->now->state[state], lag);
        answer.variance = v.value;
        answer.ancestors = v.ancestors;
        answer.reliable = v.reliable;
        answer.error = v.reliable ? sqrt(v.value) : NAN;
    }
    const int status = mote_struct_give(error, MOTE_KIND_mote_filter_error, &answer, sizeof answer);
    return status || filter ? status : MOTE_ESTATE;
}

static double error_of(mote_run *run, int64_t state)
{
    mote_filter_error error = { MOTE_VERSIONED(mote_filter_error), .error = NAN };
    return mote_filter_error_of(run, MOTE_ERROR_FIXED_LAG, state, 0, &error) ? NAN : error.error;
}

double mote_filter_log_evidence_error(mote_run *run)
{
    return error_of(run, -1);
}

double mote_filter_mean_error(mote_run *run, int64_t state)
{
    return state < 0 ? NAN : error_of(run, state);
}
