/* SPDX-License-Identifier: BSD-2-Clause */
/* An SMC sampler: two narrow peaks, one three times the other, by tempering; with gradients, so that the particles move by
 * MALA. Prints the levels, the evidence (exact: 0) and the share of the larger peak (exact: 0.75).
 *
 *     cc tempering.c $(pkg-config --cflags --libs mote) -lm && ./a.out */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>

enum { DIMENSION = 4 };
static const double width = 0.05, centre[2] = { -0.3, 0.3 }, share[2] = { 0.25, 0.75 };

static int peaks(void *ctx, const mote_batch *batch)
{
    (void)ctx;
    for (int64_t i = 0; i < batch->n; ++i) {
        const double *x = batch->theta + i * batch->stride;
        double log_peak[2], largest, sum;
        for (int k = 0; k < 2; ++k) {
            log_peak[k] = log(share[k]) + DIMENSION * log(2); /* the prior density is 2^-d */
            for (int j = 0; j < DIMENSION; ++j)
                log_peak[k] -= 0.5 * pow((x[j] - centre[k]) / width, 2) + log(width * sqrt(2 * acos(-1)));
        }
        largest = fmax(log_peak[0], log_peak[1]);
        sum = exp(log_peak[0] - largest) + exp(log_peak[1] - largest);
        batch->log_likelihood[i] = largest + log(sum);
        for (int j = 0; batch->gradient && j < DIMENSION; ++j) {
            batch->gradient[i * batch->stride + j] = 0;
            for (int k = 0; k < 2; ++k)
                batch->gradient[i * batch->stride + j] -=
                    exp(log_peak[k] - largest) / sum * (x[j] - centre[k]) / width / width;
        }
    }
    return 0;
}

int main(void)
{
    const mote_parameter parameters[DIMENSION] = { MOTE_UNIFORM("a", -1, 1), MOTE_UNIFORM("b", -1, 1),
                                                   MOTE_UNIFORM("c", -1, 1), MOTE_UNIFORM("d", -1, 1) };
    const mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters), .log_likelihood = peaks,
                                 .flags = MOTE_HAS_GRADIENT | MOTE_THREADSAFE, .name = "peaks" };
    const mote_smc_options options = { MOTE_VERSIONED(mote_smc_options), .particles = 20000, .seed = 2 };
    mote_run *run = NULL;
    if (mote_run_open(&run, mote_smc, &target, &options) || mote_run_finish(run)) {
        fprintf(stderr, "%s\n", mote_run_message(run));
        mote_run_close(&run);
        return 1;
    }
    for (int64_t i = 1; i < mote_smc_level_count(run); ++i) {
        mote_smc_level level = { .head = MOTE_VERSIONED(mote_smc_level) };
        if (!mote_smc_get_level(run, i, &level))
            printf("power %.5f: log Z %7.3f, acceptance %.2f\n", level.inverse_temperature, level.log_evidence,
                   level.acceptance);
    }
    const mote_draws *draws = mote_run_draws(run);
    double larger = 0;
    for (int64_t i = 0; i < mote_draws_count(draws); ++i)
        if (mote_draws_column(draws, 0)[i] > 0)
            larger += exp(mote_draws_log_weight(draws)[i]);
    printf("log Z = %.3f +- %.3f, share of the larger peak %.3f\n", mote_draws_log_evidence(draws),
           mote_draws_log_evidence_error(draws), larger);
    mote_run_close(&run);
    return 0;
}
