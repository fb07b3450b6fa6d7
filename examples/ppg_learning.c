/* SPDX-License-Identifier: BSD-2-Clause */
/* Learning a state-space model by stochastic gradients: x_t = rho x_{t-1} + N(0, 1), y_t = x_t + N(0, 1), rho unknown.
 * The score is smoothed by the Parisian particle Gibbs sampler, and for comparison by PaRIS, both with eight particles:
 * the gradients of the first have no bias and end at the maximum of the likelihood (0.8303 for these data), those of
 * the second end below. Then the sampler smooths the learned model.
 *
 *     cc ppg_learning.c $(pkg-config --cflags --libs mote) -lm */
#include <math.h>
#include <mote/mote.h>
#include <stdio.h>
#include <stdlib.h>

enum { RHO, T = 50 };

static int initial(void *ctx, const mote_block *block, mote_source *source)
{
    (void)ctx;
    mote_normals(source, block->state[0], block->n);
    for (int64_t i = 0; i < block->n; ++i)
        block->state[0][i] *= sqrt(1 / 0.19);
    return 0;
}

static int transition(void *ctx, const mote_block *block, mote_source *source)
{
    const double rho = *block->parameter[RHO], *x = block->previous[0];
    double *next = block->state[0];
    (void)ctx;
    mote_normals(source, next, block->n);
    for (int64_t i = 0; i < block->n; ++i)
        next[i] += rho * x[i];
    return 0;
}

static int log_potential(void *ctx, const mote_block *block)
{
    const double y = block->observation[0], *x = block->state[0];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -0.5 * (y - x[i]) * (y - x[i]) - 0.91893853320467274;
    return 0;
}

/* What smoothers need: the density of the transition, and a bound of it. */
static int log_transition(void *ctx, const mote_block *block)
{
    const double rho = *block->parameter[RHO], *before = block->previous[0], *x = block->state[0];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -0.5 * (x[i] - rho * before[i]) * (x[i] - rho * before[i]) - 0.91893853320467274;
    return 0;
}

static int log_transition_bound(void *ctx, const mote_block *block)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] = -0.91893853320467274;
    return 0;
}

/* What learning needs: d/d rho of the log-density of the transition and the potential. */
static int gradient(void *ctx, const mote_block *block, double *const *value)
{
    const double rho = *block->parameter[RHO], *x = block->state[0];
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        value[RHO][i] = block->previous ? (x[i] - rho * block->previous[0][i]) * block->previous[0][i] : 0;
    return 0;
}

static int additive(void *ctx, const mote_block *block, double *const *value)
{
    (void)ctx;
    for (int64_t i = 0; i < block->n; ++i)
        value[0][i] = block->state[0][i];
    return 0;
}

static double learn(const mote_ssm *model, int64_t score)
{
    const mote_score_ascent_options options = { MOTE_VERSIONED(mote_score_ascent_options), .particles = 8,
                                                .iterations = 1000,
                                                .score = score, .seed = 1 };
    mote_run *run = NULL;
    double rho = NAN;
    if (mote_run_open(&run, mote_score_ascent, model, &options) || mote_run_finish(run))
        fprintf(stderr, "%s\n", mote_run_message(run));
    else
        mote_score_ascent_result(run, &rho);
    mote_run_close(&run);
    return rho;
}

int main(void)
{
    static const char *const states[] = { "x" }, *const observed[] = { "y" }, *const sums[] = { "sum_x" };
    const mote_parameter parameters[] = { MOTE_UNIFORM("rho", -1, 1) };
    double values[T];
    const mote_series series = { MOTE_VERSIONED(mote_series), .count = T, .values = values };
    const mote_ssm model = { MOTE_VERSIONED(mote_ssm), MOTE_PARAMETERS(parameters), MOTE_STATES(states),
                             MOTE_OBSERVATIONS(observed), .initial = initial, .transition = transition,
                             .log_potential = log_potential, .log_transition = log_transition,
                             .log_transition_bound = log_transition_bound, .gradient = gradient, .additive = additive,
                             .additive_names = sums, .additive_count = 1, .series = &series, .name = "linear" };
    for (int t = 0; t < T; ++t)
        values[t] = 2 * sin(0.3 * t) + 0.5 * cos(1.7 * t);

    const double rho = learn(&model, MOTE_SCORE_PPG);
    printf("rho by PPG = %.4f\nrho by PaRIS = %.4f\n", rho, learn(&model, MOTE_SCORE_PARIS));

    const mote_ppg_options options = { MOTE_VERSIONED(mote_ppg_options), .particles = 32, .sweeps = 200, .seed = 2,
                                       .theta = &rho };
    mote_run *run = NULL;
    int failed = mote_run_open(&run, mote_ppg, &model, &options) || mote_run_finish(run);
    if (failed)
        fprintf(stderr, "%s\n", mote_run_message(run));
    else
        printf("sum of x = %.3f +- %.3f\n", mote_ppg_estimate(run, 0), mote_ppg_error(run, 0));
    mote_run_close(&run);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
