/* SPDX-License-Identifier: BSD-2-Clause */
/* A position measured now and then: constant velocity with random kicks, filtered, smoothed, and its covariances
 * learnt by expectation-maximisation. `make kalman` */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>

enum { TIMES = 40 };

int main(void)
{
    const double zero[2] = { 0, 0 }, vague[2][2] = { { 100, 0 }, { 0, 1 } };
    const double move[2][2] = { { 1, 1 }, { 0, 1 } }, see[1][2] = { { 1, 0 } };
    double kick[2][2] = { { 0.01, 0 }, { 0, 0.01 } }, error[1][1] = { { 1 } }, y[TIMES];
    for (int t = 0; t < TIMES; ++t) /* made-up positions; every fourth was not measured */
        y[t] = t % 4 == 3 ? NAN : 0.5 * t + 3 * sin(0.2 * t) + 0.9 * cos(7.0 * t * t);

    mote_kalman_model model = { MOTE_VERSIONED(mote_kalman_model), .states = 2, .observations = 1,
                                .initial_mean = MOTE_VECTOR(zero), .initial_covariance = MOTE_MATRIX(vague),
                                .constant = { .transition = MOTE_MATRIX(move),
                                              .transition_covariance = MOTE_MATRIX(kick),
                                              .observation = MOTE_MATRIX(see),
                                              .observation_covariance = MOTE_MATRIX(error) } };
    mote_kalman_arrays learn = { MOTE_VERSIONED(mote_kalman_arrays), .transition_covariance = kick[0],
                                 .observation_covariance = error[0] };
    mote_kalman *kalman = NULL;
    int status = mote_kalman_open(&kalman, &model, TIMES, NULL);
    for (int i = 0; i <= 50 && !status; ++i) {
        if ((status = mote_kalman_restart(kalman, &model)) || (status = mote_kalman_filter(kalman, y, NULL, TIMES)) ||
            (status = mote_kalman_smooth(kalman)))
            break;
        if (i % 10 == 0)
            printf("step %2d: log-likelihood %.4f\n", i, mote_kalman_log_likelihood(kalman));
        if (i < 50)
            status = mote_kalman_maximise(kalman, &learn);
    }
    for (int t = 0; t < TIMES && !status; t += 13) {
        const double *mean = mote_kalman_mean(kalman, MOTE_KALMAN_SMOOTHED, t);
        const double *covariance = mote_kalman_covariance(kalman, MOTE_KALMAN_SMOOTHED, t);
        printf("t = %2d: position %.3f +- %.3f, velocity %.3f +- %.3f\n", t, mean[0], sqrt(covariance[0]), mean[1],
               sqrt(covariance[3]));
    }
    if (status)
        fprintf(stderr, "%s\n", mote_kalman_message(kalman));
    mote_kalman_close(&kalman);
    return status;
}
