/* SPDX-License-Identifier: BSD-2-Clause */
/* Ask and tell: the run hands out points, and this program evaluates them where and in which order it likes: on a batch
 * system, in another language, on an instrument. Here: last one first. The result is that of any other executor, and
 * WAITING is a safe point: a checkpoint holds the rows that are still out. `make ask_and_tell` */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>

/* A ring of radius 2 and width 0.1 about the origin. */
static double ring(const double *theta)
{
    double distance = hypot(theta[0], theta[1]) - 2;
    return -0.5 * distance * distance / 0.01;
}

/* A target needs a likelihood; the external executor never calls it. */
static int never_called(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx, (void)theta, (void)log_likelihood, (void)derived;
    return -1;
}

static int answer(mote_run *run, int64_t *rows)
{
    mote_pending pending = { .head = MOTE_VERSIONED(mote_pending) };
    int status = mote_run_pending(run, &pending);
    *rows += pending.n;
    for (int64_t i = pending.n - 1; i >= 0 && !status; --i)
        status = mote_run_tell(run, pending.id[i], ring(pending.theta + i * pending.stride), NULL, MOTE_REASON_NONE);
    return status;
}

int main(void)
{
    const mote_parameter parameters[] = { MOTE_UNIFORM("x", -4, 4), MOTE_UNIFORM("y", -4, 4) };
    mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                           .log_likelihood_point = never_called };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 400, .seed = 1,
                                    .executor = MOTE_EXECUTOR_EXTERNAL };
    mote_run *run = NULL;
    int64_t rows = 0, rounds = 0;
    int status = mote_run_open(&run, mote_nested, &target, &options);
    while (!status && (status = mote_run_finish(run)) == MOTE_WAITING) {
        status = answer(run, &rows);
        ++rounds;
    }
    if (status)
        fprintf(stderr, "%s\n", mote_run_message(run));
    else {
        const mote_draws *draws = mote_run_draws(run);
        printf("log Z = %.3f +- %.3f\n", mote_draws_log_evidence(draws), mote_draws_log_evidence_error(draws));
        printf("%lld rows in %lld rounds\n", (long long)rows, (long long)rounds);
    }
    mote_run_close(&run);
    return status != MOTE_OK;
}
