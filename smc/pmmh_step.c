/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The phases of particle marginal Metropolis-Hastings. A step is one transition of every chain, or a part of it when it
 * takes long, or one filter that measures noise.
 *
 *     START -> CHAINS (half of the warm-up) -> NOISE [-> NOISE ...] [-> REFRESH] -> CHAINS -> EVALUATE -> DONE */
#include <math.h>
#include <string.h>

#include "core/special.h"
#include "smc/pmmh_state.h"

enum { START_TRIES = 1000 };
static const double LEAST_NOISE = 1, MOST_NOISE = 2, WANTED_NOISE = 1.4, MOST_FACTOR = 16, MOST_PARTICLES = 1e9;

/* ---- crews ---- */

/* Ids of a crew's rows, over 2^24: transition k of chain c has (k + 1) chains + c, first points c, and evidences
 * estimated anew lie far above. The chain is the remainder. */
uint64_t mote_pmmh_first_id(const mote_pmmh_run_state *state)
{
    const uint64_t chains = (uint64_t)state->options->chains, far = (uint64_t)1 << 38;
    switch (state->phase) {
    case MOTE_PMMH_START:
        return 0;
    case MOTE_PMMH_REFRESH:
        return far / chains * chains;
    default:
        return ((uint64_t)state->transitions + 1) * chains;
    }
}

static int want_row(void *opaque, double *theta)
{
    const mote_pmmh_row *row = opaque;
    if (row->told)
        return MOTE_DONE;
    const mote_kernel_point point = mote_kernel_current(row->state->kernel, row->chain);
    memcpy(theta, point.theta, (size_t)row->state->space.space.theta_count * sizeof *theta);
    return MOTE_OK;
}

static int take_row(void *opaque, const mote_row_value *value)
{
    mote_pmmh_row *row = opaque;
    mote_kernel_point point = mote_kernel_current(row->state->kernel, row->chain);
    point.log_likelihood = value->log_likelihood;
    point.id = value->id;
    mote_kernel_place(row->state->kernel, row->chain, &point);
    row->told = 1;
    return MOTE_DONE;
}

const mote_chain_table mote_pmmh_rows = { want_row, take_row };

static void begin(mote_run *run, mote_pmmh_run_state *state)
{
    const int64_t chains = state->options->chains;
    const mote_chain_table *table = mote_kernel_table;
    size_t size;
    void *bytes = mote_kernel_chains(state->kernel, &size);
    for (int64_t c = 0; c < chains; ++c) {
        if (state->phase == MOTE_PMMH_START)
            mote_prior_draws_begin(&state->start, c, &run->source, MOTE_PURPOSE_PRIOR, 0, c, START_TRIES);
        else if (state->phase == MOTE_PMMH_CHAINS)
            mote_kernel_begin(state->kernel, c, &run->source, (uint32_t)state->transitions, c, 1, -1);
        state->rows[c].told = 0;
    }
    if (state->phase == MOTE_PMMH_START) {
        table = &mote_prior_draws_table;
        bytes = state->start.draws;
        size = sizeof *state->start.draws;
    } else if (state->phase == MOTE_PMMH_REFRESH) {
        table = &mote_pmmh_rows;
        bytes = state->rows;
        size = sizeof *state->rows;
    }
    mote_crew_start(&state->crew, table, bytes, size, chains, mote_pmmh_first_id(state));
    state->busy = 1;
    run->boundary = 0;
}

static void enter(mote_pmmh_run_state *state, int64_t phase)
{
    state->phase = phase;
    state->evaluated = 0;
}

/* ---- chains ---- */

/* The first points: prior draws whose filters found weight. */
static int place_starts(mote_run *run, mote_pmmh_run_state *state)
{
    for (int64_t c = 0; c < state->options->chains; ++c) {
        const mote_prior_draw *draw = &state->start.draws[c];
        mote_kernel_point point = mote_kernel_current(state->kernel, c);
        if (!draw->found)
            return mote_fail(&run->message, MOTE_EMODEL, "pmmh: no evidence above zero in %d draws from the prior; "
                             "take more particles, or a narrower prior", START_TRIES);
        memcpy(point.theta, draw->theta, (size_t)state->space.space.theta_count * sizeof(double));
        point.log_likelihood = draw->log_likelihood;
        point.id = run->executor.rows.id[c]; /* of the last row, which was found good */
        mote_kernel_fill_theta(state->kernel, &point);
        mote_kernel_place(state->kernel, c, &point);
        mote_evidence_accept(&state->evidence, c);
    }
    enter(state, MOTE_PMMH_CHAINS);
    return MOTE_OK;
}

/* Best acceptance of a random walk on log-densities with noise of variance s^2, from the best one without noise. */
static double target_acceptance(const mote_pmmh_run_state *state)
{
    const double best = mote_kernel_target_acceptance(state->kernel), noise = isfinite(state->noise) ? state->noise : 0;
    const double q = -2 * mote_normal_quantile(best / 2, 1 - best / 2);
    return 2 * mote_normal_cdf(-0.5 * sqrt(q * q + 2 * noise), NULL);
}

/* Where the noise is measured. */
static int64_t half(const mote_pmmh_run_state *state)
{
    return (state->options->warm_up + 1) / 2;
}

/* Warm-up: covariance of the last states with gain 1/k^.6; once the noise is known, the scale towards the target
 * acceptance. The second half forgets the first, which may have gone through it with filters that were too noisy. */
static void adapt(mote_pmmh_run_state *state)
{
    const int64_t chains = state->options->chains, d = state->space.space.dimension, since = state->transitions -
        half(state);
    const double gain = pow((double)(since < 0 ? state->transitions + 1 : since + 6), -0.6);
    const double acceptance = mote_kernel_statistics_of(state->kernel, 0, chains).acceptance;
    for (int64_t c = 0; c < chains; ++c)
        memcpy(state->y + c * d, mote_kernel_current(state->kernel, c).y, (size_t)d * sizeof(double));
    if (since >= 0)
        mote_kernel_adapt(state->kernel, acceptance - target_acceptance(state) +
                          mote_kernel_target_acceptance(state->kernel),
                          2 * gain);
    mote_kernel_learn(state->kernel, state->y, chains, gain);
}

static void keep(mote_pmmh_run_state *state)
{
    const int64_t chains = state->options->chains;
    const mote_kernel_statistics statistics = mote_kernel_statistics_of(state->kernel, 0, chains);
    state->accepted += (double)statistics.accepted;
    state->proposed += (double)statistics.transitions;
    if ((state->transitions - state->options->warm_up + 1) % state->options->thin)
        return;
    for (int64_t c = 0; c < chains; ++c) {
        const mote_kernel_point point = mote_kernel_current(state->kernel, c);
        mote_kernel_points_put(&state->draws, state->draws.n++, &point);
    }
}

/* The chain that accepted has the id of its row: the row's random numbers are now those of the present point. */
static void accept_numbers(const mote_run *run, mote_pmmh_run_state *state)
{
    for (int64_t c = 0; c < state->options->chains; ++c)
        if (state->crew.calls[c] && mote_kernel_current(state->kernel, c).id == run->executor.rows.id[c])
            mote_evidence_accept(&state->evidence, c);
}

static int finish_crew(mote_run *run, mote_pmmh_run_state *state)
{
    const mote_pmmh_options *o = state->options;
    state->busy = 0;
    run->boundary = 1;
    if (state->phase == MOTE_PMMH_START)
        return place_starts(run, state);
    accept_numbers(run, state);
    if (state->phase == MOTE_PMMH_REFRESH) {
        enter(state, MOTE_PMMH_CHAINS);
        return MOTE_OK;
    }
    if (state->transitions < o->warm_up)
        adapt(state);
    else
        keep(state);
    ++state->transitions;
    if (state->transitions == half(state))
        enter(state, MOTE_PMMH_NOISE);
    else if (state->transitions == o->warm_up + o->draws * o->thin)
        enter(state, MOTE_PMMH_EVALUATE);
    return mote_evidence_check(&state->evidence, &run->message);
}

static int advance(mote_run *run, mote_pmmh_run_state *state)
{
    if (!state->busy) {
        if (mote_kernel_points_reserve(&state->draws, state->draws.n + state->options->chains))
            return mote_fail(&run->message, MOTE_ENOMEM, "no memory for %lld draws",
                             (long long)(state->draws.n + state->options->chains));
        begin(run, state);
    }
    int status = mote_crew_advance(&state->crew);
    if (status)
        return status == MOTE_CREW_PAUSED ? MOTE_OK : status;
    return finish_crew(run, state);
}

/* ---- noise ---- */

/* Where noise is measured, on the real line: the mean that the kernel has learned, at the end that of the draws. */
static int centre(const mote_pmmh_run_state *state, double *theta)
{
    const int64_t d = state->space.space.dimension, n = state->draws.n;
    double *mean = state->y, log_jacobian;
    memcpy(mean, mote_kernel_mean(state->kernel), (size_t)d * sizeof *mean);
    for (int64_t k = 0; n && k < d; ++k) {
        mean[k] = 0;
        for (int64_t i = 0; i < n; ++i)
            mean[k] += mote_kernel_points_at(&state->draws, i).y[k] / (double)n;
    }
    return mote_space_constrain(&state->space.space, mean, theta, &log_jacobian);
}

/* Variance of every `stride`-th evaluation: infinite when one is zero, whatever failed left out. */
static double variance_of(const mote_pmmh_run_state *state, int64_t stride)
{
    double mean = 0, sum = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < state->evaluations; i += stride)
        if (!isnan(state->evaluation[i])) {
            mean += state->evaluation[i];
            ++n;
        }
    mean /= (double)n;
    if (mean == -INFINITY)
        return INFINITY;
    for (int64_t i = 0; i < state->evaluations; i += stride)
        if (!isnan(state->evaluation[i]))
            sum += (state->evaluation[i] - mean) * (state->evaluation[i] - mean);
    return n > 1 ? sum / (double)(n - 1) : NAN;
}

/* Half the mean square of the differences in pairs. */
static double noise_of_pairs(const mote_pmmh_run_state *state)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t i = 0; i + 1 < state->evaluations; i += 2) {
        const double difference = state->evaluation[i + 1] - state->evaluation[i];
        sum += isnan(difference) ? 0 : difference * difference;
        n += !isnan(difference);
    }
    return n ? 0.5 * sum / (double)n : NAN;
}

static int measure(mote_run *run, mote_pmmh_run_state *state)
{
    const int64_t pairs = state->evidence.kept != NULL, i = state->evaluated;
    double *theta = state->y + state->space.space.dimension;
    int status = centre(state, theta);
    if (!status)
        status = mote_evidence_row(&state->evidence, theta, INT64_MAX - state->noise_rows, !pairs || i % 2 == 0,
                                   &state->evaluation[i], &run->message);
    if (status && status != MOTE_EMODEL)
        return status;
    run->ledger.calls += !status; /* a filter that failed tells nothing of its noise, and its value is NaN */
    ++state->noise_rows;
    if (++state->evaluated < state->evaluations)
        return MOTE_OK;
    state->variance = variance_of(state, 1 + pairs);
    state->noise = pairs ? noise_of_pairs(state) : state->variance;
    return MOTE_DONE;
}

/* A net of points takes the nearest power of two, which may be larger by a half. */
int64_t mote_pmmh_most_particles(const mote_pmmh_run_state *state)
{
    double most = (double)state->options->particles;
    for (int64_t round = 0; round < state->rounds && most < MOST_PARTICLES; ++round)
        most = most * MOST_FACTOR * 2 < MOST_PARTICLES ? most * MOST_FACTOR * 2 : MOST_PARTICLES;
    return (int64_t)most;
}

/* The number of particles that brings the noise, which goes like its inverse, into its range. */
static int64_t wanted_particles(const mote_pmmh_run_state *state)
{
    const int64_t now = state->evidence.setup.particles;
    if (state->options->tune == MOTE_TUNE_OFF || state->rounds >= MOTE_PMMH_ROUNDS || isnan(state->noise))
        return now;
    if (state->noise >= LEAST_NOISE && state->noise <= MOST_NOISE)
        return now;
    double factor = state->noise / WANTED_NOISE, wanted;
    factor = factor > MOST_FACTOR ? MOST_FACTOR : factor < 1 / MOST_FACTOR ? 1 / MOST_FACTOR : factor;
    wanted = ceil(factor * (double)now);
    if (state->options->points == MOTE_POINTS_SOBOL) /* the nearest power of two; fewer would do less */
        wanted = exp2(round(log2(wanted)));
    return wanted < 2 ? 2 : wanted > MOST_PARTICLES ? (int64_t)MOST_PARTICLES : (int64_t)wanted;
}

static int choose_particles(mote_run *run, mote_pmmh_run_state *state)
{
    const int64_t before = state->evidence.setup.particles, particles = wanted_particles(state);
    if (particles == before) {
        enter(state, state->rounds ? MOTE_PMMH_REFRESH : MOTE_PMMH_CHAINS);
        return MOTE_OK;
    }
    int status = mote_evidence_resize(&state->evidence, particles, &run->message);
    if (status)
        return status;
    ++state->rounds;
    mote_run_log(run, MOTE_LOG_INFO, "pmmh: %lld particles for %lld: the variance of log Z was %.2f",
                 (long long)particles, (long long)before, state->noise);
    enter(state, MOTE_PMMH_NOISE);
    return MOTE_OK;
}

/* ---- a step ---- */

int mote_pmmh_step(mote_run *run)
{
    mote_pmmh_run_state *state = run->state;
    int status;
    switch (state->phase) {
    case MOTE_PMMH_NOISE:
        status = measure(run, state);
        return status == MOTE_DONE ? choose_particles(run, state) : status;
    case MOTE_PMMH_EVALUATE:
        status = measure(run, state);
        if (status == MOTE_DONE)
            enter(state, MOTE_PMMH_DONE);
        return status;
    case MOTE_PMMH_DONE:
        return MOTE_DONE;
    default:
        return advance(run, state);
    }
}
