/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is the additive functional a number for particles that have weight, and the same for one particle as for a block? */
#include <math.h>
#include <string.h>

#include "cli/check_ssm.h"

/* Component k of particle i to value[k * n + i]; the first step has no previous state. MOTE_OK or the model's code. */
static int evaluate(mote_ssm_check *check, int64_t size, double **at, double *value)
{
    const mote_ssm *model = &check->space.model;
    int status = MOTE_OK;
    for (int64_t i = 0; i < model->additive_count * check->n; ++i)
        value[i] = NAN;
    for (int64_t first = 0; first < check->n && !status; first += size) {
        const int64_t n = check->n - first < size ? check->n - first : size;
        const mote_block block = mote_ssm_check_block(check, first, n, check->step > 0);
        for (int64_t k = 0; k < model->additive_count; ++k)
            at[k] = value + k * check->n + first;
        mote_ssm_check_at(check, "additive");
        status = model->additive(model->ctx, &block, at);
    }
    return status;
}

typedef struct answers {
    double **at, *blocks, *ones;
    double *lost;        /* 1: the particle had no weight at this step or before it, and smoothers leave it out */
    int64_t odd, differ; /* particles with weight and without a number; those whose values differ */
} answers;

/* -1: the model failed. */
static int look_at_step(mote_ssm_check *check, answers *a)
{
    const mote_ssm *model = &check->space.model;
    const int64_t weighted = check->datum.any || !model->observation_count;
    if (evaluate(check, MOTE_BLOCK, a->at, a->blocks) || evaluate(check, 1, a->at, a->ones) ||
        (weighted && mote_ssm_check_density(check, model->log_potential, mote_ssm_check_later(check), MOTE_BLOCK,
                                            check->value)))
        return -1;
    for (int64_t i = 0; i < check->n; ++i) {
        int64_t numbers = 1, same = 1;
        for (int64_t j = i; j < model->additive_count * check->n; j += check->n) {
            numbers &= isfinite(a->blocks[j]) != 0;
            same &= memcmp(&a->blocks[j], &a->ones[j], sizeof *a->ones) == 0;
        }
        if (weighted && check->value[i] == -INFINITY)
            a->lost[i] = 1; /* also at all later steps: nothing is resampled here */
        a->odd += !numbers && !(a->lost[i] > 0);
        a->differ += numbers && !same;
    }
    return 0;
}

static void tell(mote_ssm_check *check, int failed, int64_t odd, int64_t differ)
{
    if (failed)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, "additive: the model failed at step %lld",
                       (long long)check->step);
    else if (odd)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, "additive: of %lld particles with weight no number",
                       (long long)odd);
    else if (differ)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL,
                       "additive: answers otherwise for one particle than for a block of them, of %lld particles",
                       (long long)differ);
    else
        mote_check_say(&check->report, MOTE_VERDICT_OK, "additive: numbers, the same for one particle as for blocks");
}

void mote_ssm_check_additive(mote_ssm_check *check)
{
    const int64_t count = check->space.model.additive_count, n = count * MOTE_CHECK_PARTICLES;
    answers a = { .odd = 0 };
    int failed = 0;
    if (!check->space.model.additive || count < 1)
        return;
    a.at = mote_memory_allocate(&check->memory, count, sizeof *a.at);
    a.blocks = mote_memory_allocate(&check->memory, n, sizeof *a.blocks);
    a.ones = mote_memory_allocate(&check->memory, n, sizeof *a.ones);
    a.lost = mote_memory_allocate(&check->memory, MOTE_CHECK_PARTICLES, sizeof *a.lost);
    const int ready = a.at && a.blocks && a.ones && a.lost;
    for (int64_t row = 0; ready && row < MOTE_CHECK_ROWS && !failed; ++row) {
        memset(a.lost, 0, MOTE_CHECK_PARTICLES * sizeof *a.lost);
        for (int status = mote_ssm_check_begin(check, row); !status && !failed;) {
            failed = look_at_step(check, &a);
            status = failed ? MOTE_OK : mote_ssm_check_advance(check);
        }
    }
    if (ready)
        tell(check, failed, a.odd, a.differ);
    mote_memory_release(&check->memory, a.at);
    mote_memory_release(&check->memory, a.blocks);
    mote_memory_release(&check->memory, a.ones);
    mote_memory_release(&check->memory, a.lost);
}
