/* SPDX-License-Identifier: BSD-2-Clause */
/* The batch callback: many points in one call, for likelihoods that gain from it: SIMD, a GPU, one message to a server.
 * It may also be called from several threads at once, which MOTE_THREADSAFE allows. The result never depends on the
 * number of threads or on the size of a batch. `make batch` */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>

enum { DIMENSION = 5 };

/* Two spherical shells of radius 2 and width 0.1 about (-3.5, 0, ...) and (3.5, 0, ...). */
static int shells(void *ctx, const mote_batch *batch)
{
    (void)ctx;
    for (int64_t i = 0; i < batch->n; ++i) {
        const double *x = batch->theta + i * batch->stride;
        double rest = 0;
        for (int j = 1; j < DIMENSION; ++j)
            rest += x[j] * x[j];
        double left = sqrt((x[0] + 3.5) * (x[0] + 3.5) + rest) - 2;
        double right = sqrt((x[0] - 3.5) * (x[0] - 3.5) + rest) - 2;
        batch->log_likelihood[i] = mote_log_add(-0.5 * left * left / 0.01, -0.5 * right * right / 0.01)
                                   - 0.5 * log(2 * 3.14159265358979323846 * 0.01);
    }
    return 0; /* > 0: the batch failed and may be tried again; < 0: stop. One failed point: its value is NaN */
}

int main(void)
{
    const mote_parameter parameters[DIMENSION] = {
        MOTE_UNIFORM("x1", -6, 6), MOTE_UNIFORM("x2", -6, 6), MOTE_UNIFORM("x3", -6, 6),
        MOTE_UNIFORM("x4", -6, 6), MOTE_UNIFORM("x5", -6, 6),
    };
    mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters), .log_likelihood = shells,
                           .flags = MOTE_THREADSAFE };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 400, .seed = 1, .threads = 2 };
    mote_ledger ledger = { .head = MOTE_VERSIONED(mote_ledger) };
    mote_run *run = NULL;
    int status = mote_run_open(&run, mote_nested, &target, &options);
    status = status ? status : mote_run_finish(run);
    status = status ? status : mote_run_ledger(run, &ledger);
    if (status)
        fprintf(stderr, "%s\n", mote_run_message(run));
    else {
        const mote_draws *draws = mote_run_draws(run);
        printf("log Z = %.3f +- %.3f\n", mote_draws_log_evidence(draws), mote_draws_log_evidence_error(draws));
        printf("%lld rows in %lld calls of the batch function\n", (long long)ledger.calls, (long long)ledger.batches);
    }
    mote_run_close(&run);
    return status != MOTE_OK;
}
