/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest program: counts of a decaying source, Poisson likelihood, evidence and posterior. `make minimal` */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>

static const double counts[] = { 91, 72, 49, 42, 35, 22, 18, 12 }; /* made-up counts at t = 0, 1, ..., 7 h */

static int decay(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    (void)ctx;
    double sum = 0;
    for (int t = 0; t < 8; ++t) {
        double expected = theta[0] * exp(-t / theta[1]);
        sum += counts[t] * log(expected) - expected - lgamma(counts[t] + 1);
    }
    *log_likelihood = sum;
    derived[0] = theta[1] * log(2);
    return 0; /* > 0: this point failed; < 0: stop the run */
}

int main(void)
{
    const mote_parameter parameters[] = { MOTE_UNIFORM("rate", 50, 150, .unit = "1/h"),
                                          MOTE_UNIFORM("lifetime", 1, 10, .label = "\\tau", .unit = "h"),
                                          MOTE_DERIVED("half_life", .unit = "h") };
    mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters), .log_likelihood_point = decay };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 400, .seed = 1 };
    mote_summary half_life = { .head = MOTE_VERSIONED(mote_summary) };
    mote_run *run = NULL;
    int status = mote_run_open(&run, mote_nested, &target, &options) || mote_run_finish(run);
    if (status)
        fprintf(stderr, "%s\n", mote_run_message(run));
    else {
        const mote_draws *draws = mote_run_draws(run);
        mote_draws_summary(draws, mote_draws_find(draws, "half_life"), &half_life);
        printf("log Z = %.3f +- %.3f\n", mote_draws_log_evidence(draws), mote_draws_log_evidence_error(draws));
        printf("half life = %.3f +- %.3f h\n", half_life.mean, half_life.sd);
    }
    mote_run_close(&run);
    return status;
}
