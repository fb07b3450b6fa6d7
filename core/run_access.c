/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be asked of a run and of an algorithm. */
#include <math.h>
#include <string.h>

#include "core/option.h"
#include "core/run.h"

const char *mote_run_message(const mote_run *run)
{
    return run ? run->message.text : "there is no run: it could not be allocated, or no algorithm was given";
}

const char *mote_run_identity(const mote_run *run, const char *key)
{
    mote_reader reader = { run->identity.bytes, run->identity.length, 0, MOTE_OK };
    while (reader.position < reader.length && !reader.status) {
        const char *found = mote_get_text(&reader), *value = mote_get_text(&reader);
        if (found && !strcmp(found, key))
            return value;
    }
    return NULL;
}

const mote_draws *mote_run_draws(mote_run *run)
{
    if (mote_run_usable(run))
        return NULL;
    char *text = run->message.text, before = *text;
    *text = '\0';
    int status = run->draws ? MOTE_OK : run->algorithm->draws(run);
    if (status && run->draws) { /* what is there is not all of it */
        run->algorithm->free_draws(run->draws);
        run->draws = NULL;
    }
    if (status && !*text)
        mote_fail(&run->message, status, "the draws: %s", mote_strerror(status));
    else if (!*text)
        *text = before; /* the last failure, whenever that was */
    return run->draws;
}

int64_t mote_run_finished_by(const mote_run *run)
{
    return run ? run->finished_by : MOTE_NOT_FINISHED;
}

int mote_run_ledger(const mote_run *run, mote_ledger *ledger)
{
    if (!run || !ledger)
        return MOTE_EINVAL;
    return mote_struct_give(ledger, MOTE_KIND_mote_ledger, &run->ledger, sizeof run->ledger);
}

int mote_run_progress(mote_run *run, mote_progress *progress)
{
    int status = mote_run_usable(run);
    if (status || !progress)
        return status ? status : MOTE_EINVAL;
    mote_progress now = { MOTE_VERSIONED(mote_progress), .algorithm = run->algorithm->name, .iterations = run->steps,
                          .calls = run->ledger.calls, .log_evidence = NAN, .log_evidence_error = NAN, .remaining = NAN,
                          .maximum_log_likelihood = NAN, .efficiency = NAN, .seconds = mote_run_seconds(run),
                          .seconds_left = NAN };
    if (run->algorithm->progress)
        run->algorithm->progress(run, &now);
    return mote_struct_give(progress, MOTE_KIND_mote_progress, &now, sizeof now);
}

int mote_run_pending(mote_run *run, mote_pending *pending)
{
    int status = mote_run_usable(run);
    if (status || !pending)
        return status ? status : MOTE_EINVAL;
    if (run->executor.type != mote_executor_external)
        return mote_fail(&run->message, MOTE_ESTATE, "pending rows exist with executor = external only");
    mote_pending rows = { .head = MOTE_VERSIONED(mote_pending) };
    mote_external_pending(&run->executor, &rows);
    return mote_struct_give(pending, MOTE_KIND_mote_pending, &rows, sizeof rows);
}

int mote_run_tell(mote_run *run, int64_t id, double log_likelihood, const double *derived, int64_t reason)
{
    return mote_run_tell_gradient(run, id, log_likelihood, NULL, derived, reason);
}

int mote_run_tell_gradient(mote_run *run, int64_t id, double log_likelihood, const double *gradient,
                           const double *derived, int64_t reason)
{
    int status = mote_run_usable(run);
    if (status)
        return status;
    if (run->executor.type != mote_executor_external)
        return mote_fail(&run->message, MOTE_ESTATE, "values are told with executor = external only");
    return mote_external_tell(&run->executor,
                              &(mote_row_value){ log_likelihood, derived, gradient, reason, id });
}

const char *mote_algorithm_name(const mote_algorithm *algorithm)
{
    return algorithm ? algorithm->name : NULL;
}

const char *mote_algorithm_help(const mote_algorithm *algorithm)
{
    return algorithm ? algorithm->help : NULL;
}

const mote_option_table *mote_algorithm_options(const mote_algorithm *algorithm)
{
    return algorithm ? algorithm->options : NULL;
}
