/* SPDX-License-Identifier: BSD-2-Clause */
/* A level that drifts, seen through noise: filtered as the observations come, with errors of everything from the one run,
 * then smoothed given all of them.
 *
 *     x_0 ~ N(0, 1 / .19),  x_t = .9 x_{t-1} + N(0, 1),  y_t = x_t + N(0, 1),  t = 0..49
 *
 * Everything here is linear and Gaussian, so that the exact answers are known: log Z = -75.1724, and the smoothed mean of x_25
 * is 1.7350. A particle filter does not need that: replace the four functions by those of your model. */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>

enum { TIMES = 50 };

static double log_normal(double x, double mean)
{
    return -0.5 * (x - mean) * (x - mean) - 0.91893853320467274;
}

static int initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] /= sqrt(0.19);
    return 0;
}

static int transition(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] += 0.9 * block->previous[0][i];
    return 0;
}

static int log_potential(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->observation[0], block->state[0][i]);
    return 0;
}

/* What smoothing needs and filtering does not: the density of the transition, and a bound of it. */
static int log_transition(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(block->state[0][i], 0.9 * block->previous[0][i]);
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = log_normal(0, 0);
    return 0;
}

static int failed(mote_run *run)
{
    fprintf(stderr, "%s\n", mote_run_message(run));
    mote_run_close(&run);
    return 1;
}

int main(void)
{
    static const char *const states[] = { "level" }, *const observations[] = { "y" };
    double values[TIMES];
    for (int t = 0; t < TIMES; ++t)
        values[t] = 2 * sin(0.3 * t) + 0.5 * cos(1.7 * t);
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = TIMES, .values = values };
    const mote_ssm model = { MOTE_VERSIONED(mote_ssm), MOTE_STATES(states), MOTE_OBSERVATIONS(observations), .initial = initial,
                             .transition = transition, .log_potential = log_potential, .log_transition = log_transition,
                             .log_transition_bound = log_transition_bound, .series = &series };
    const mote_filter_options forward = { MOTE_VERSIONED(mote_filter_options), .particles = 2000, .seed = 1,
                                          .record = MOTE_RECORD_ALL };
    const mote_smoother_options backward = { MOTE_VERSIONED(mote_smoother_options), .particles = 2000, .seed = 1,
                                             .replicates = 20 };
    mote_run *filter = NULL, *smoother = NULL;

    if (mote_run_open(&filter, mote_filter, &model, &forward) || mote_run_finish(filter))
        return failed(filter);
    printf("log Z = %.4f +- %.4f\n", mote_filter_log_evidence(filter), mote_filter_log_evidence_error(filter));

    if (mote_run_open(&smoother, mote_smoother, &model, &backward) || mote_run_finish(smoother))
        return failed(smoother);
    const double *filtered = mote_filter_record(filter, "filter_mean", 0);
    const double *filtered_error = mote_filter_record(filter, "filter_mean_error", 0);
    const double *smoothed = mote_smoother_mean(smoother, 0), *smoothed_error = mote_smoother_mean_error(smoother, 0);
    const double *sd = mote_smoother_sd(smoother, 0);
    printf("# t        y  filtered   error  smoothed   error      sd\n");
    for (int t = 0; t < TIMES; t += 5)
        printf("%3d %8.4f  %8.4f %7.4f  %8.4f %7.4f %7.4f\n", t, values[t], filtered[t], filtered_error[t], smoothed[t],
               smoothed_error[t], sd[t]);
    mote_run_close(&filter);
    mote_run_close(&smoother);
    return 0;
}
