/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nested/polish.h"

#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "nested/state.h"

enum { LINE = 8, ROUNDS = 12, LARGEST_HESSIAN = 40 };
static const double wanted_drop = 0.5;      /* nats along an axis */
static const double worthwhile = 1e-7;      /* nats of one round */
static const double noise = 1e-6;           /* relative change of a value that is asked for twice */
static const double lengths[LINE] = { 1, 0.5, 2, 0.25, 0.125, 4, 0.03125, -0.125 };

typedef struct trial { /* a chain of one row */
    mote_polish *polish;
    double *cube, *theta, *derived;
    double value;
} trial;

enum stage { AXES, CROSS, SEARCH };

struct mote_polish {
    const mote_space *space;
    trial *trials;
    double *values;               /* of the trials: cube, theta, derived */
    int64_t count, done;          /* trials of this stage, and how many have been evaluated */
    uint64_t issued;              /* trials of earlier blocks: what the next ids start from */
    enum stage stage;
    int64_t round, tunings, full; /* full: mixed differences are taken */
    int64_t asked_again;          /* the first point has been evaluated a second time */
    double value;                 /* at the best point */
    double gained;                /* value at the start of the round */
    double *x, *theta, *derived;  /* best point */
    double *h, *gradient, *hessian, *lower, *step;
};

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static int64_t most_trials(int64_t d)
{
    int64_t axes = 2 * d + 1, cross = d <= LARGEST_HESSIAN ? d * (d - 1) / 2 : 0;
    int64_t most = axes > cross ? axes : cross;
    return most > LINE ? most : LINE;
}

static void release(mote_polish *p, const mote_memory *memory)
{
    mote_memory_release(memory, p->trials);
    mote_memory_release(memory, p->values);
    mote_memory_release(memory, p->x);
    mote_memory_release(memory, p->hessian);
    mote_memory_release(memory, p);
}

static mote_polish *create(const mote_space *space, const mote_memory *memory)
{
    int64_t d = space->dimension, trials = most_trials(d), full = d <= LARGEST_HESSIAN;
    int64_t width = d + space->theta_count + space->derived_count;
    mote_polish *p = mote_memory_allocate(memory, 1, sizeof *p);
    if (!p)
        return NULL;
    p->space = space;
    p->full = full;
    p->trials = mote_memory_allocate(memory, trials, sizeof *p->trials);
    p->values = mote_memory_allocate(memory, trials * width, sizeof(double));
    p->x = mote_memory_allocate(memory, width + 3 * d, sizeof(double));
    p->hessian = mote_memory_allocate(memory, full ? 2 * d * d : 2 * d, sizeof(double));
    if (!p->trials || !p->values || !p->x || !p->hessian) {
        release(p, memory);
        return NULL;
    }
    p->theta = p->x + d;
    p->derived = p->theta + space->theta_count;
    p->h = p->derived + space->derived_count;
    p->gradient = p->h + d;
    p->step = p->gradient + d;
    p->lower = p->hessian + (full ? d * d : d);
    for (int64_t i = 0; i < trials; ++i) {
        double *cube = p->values + i * width;
        p->trials[i] = (trial){ p, cube, cube + d, cube + d + space->theta_count, -INFINITY };
    }
    return p;
}

/* ---- trials as chains ---------------------------------------------------------------------------------------------- */

static int want(void *chain, double *theta)
{
    trial *t = chain;
    const mote_space *space = t->polish->space;
    t->value = -INFINITY;
    for (int64_t j = 0; j < space->dimension; ++j)
        if (!(t->cube[j] > 0 && t->cube[j] < 1))
            return MOTE_DONE;
    int status = mote_space_transform(space, t->cube, t->theta);
    if (status)
        return status;
    int inside = mote_space_inside(space, t->theta);
    if (inside <= 0)
        return inside < 0 ? inside : MOTE_DONE;
    memcpy(theta, t->theta, (size_t)space->theta_count * sizeof *theta);
    return MOTE_OK;
}

static int take(void *chain, const mote_row_value *value)
{
    trial *t = chain;
    t->value = value->log_likelihood;
    if (t->polish->space->derived_count)
        memcpy(t->derived, value->derived, (size_t)t->polish->space->derived_count * sizeof(double));
    return MOTE_DONE;
}

static const mote_chain_table table = { want, take };

/* The next trials of the stage, as many as the crew takes. Ids are not those of births: they count from the top. */
static void start_block(mote_nested_state *state)
{
    mote_polish *p = state->polish;
    int64_t n = p->count - p->done < state->block ? p->count - p->done : state->block;
    mote_crew_start(&state->crew, &table, p->trials + p->done, sizeof *p->trials, n, (UINT64_C(1) << 38) + p->issued);
    p->issued += (uint64_t)n;
}

static trial *add_trial(mote_polish *p)
{
    trial *t = &p->trials[p->count++];
    memcpy(t->cube, p->x, (size_t)p->space->dimension * sizeof *t->cube);
    return t;
}

static void propose_axes(mote_polish *p)
{
    p->stage = AXES;
    p->count = p->done = 0;
    for (int64_t j = 0; j < p->space->dimension; ++j)
        for (int sign = -1; sign <= 1; sign += 2)
            add_trial(p)->cube[j] += sign * p->h[j];
    if (!p->asked_again)
        add_trial(p); /* the point itself: a value that differs from the first is noise */
}

static void look_for_noise(mote_run *run, mote_nested_state *state)
{
    mote_polish *p = state->polish;
    double again = p->trials[2 * p->space->dimension].value;
    if (p->asked_again++ || fabs(again - p->value) <= noise * fmax(fabs(p->value), 1))
        return;
    state->watch.warnings |= MOTE_WARNING_STALL_NOISE;
    mote_run_log(run, MOTE_LOG_WARNING, "the best point gave logL = %.9g first and %.9g when asked again", p->value,
                 again);
}

static void propose_cross(mote_polish *p)
{
    p->stage = CROSS;
    p->count = p->done = 0;
    for (int64_t i = 0; i < p->space->dimension; ++i)
        for (int64_t j = 0; j < i; ++j) {
            trial *t = add_trial(p);
            t->cube[i] += p->h[i];
            t->cube[j] += p->h[j];
        }
}

static void propose_search(mote_polish *p)
{
    p->stage = SEARCH;
    p->count = p->done = 0;
    for (int k = 0; k < LINE; ++k) {
        trial *t = add_trial(p);
        for (int64_t j = 0; j < p->space->dimension; ++j)
            t->cube[j] += lengths[k] * p->step[j] * p->h[j];
    }
}

/* ---- the quadratic model, in units of h ------------------------------------------------------------------------------ */

/* Tunes h_j by the curvature seen; 1 when some were far off, so that the axes must be looked at again. */
static int tune(mote_polish *p)
{
    int again = 0;
    for (int64_t j = 0; j < p->space->dimension; ++j) {
        double below = p->trials[2 * j].value, above = p->trials[2 * j + 1].value;
        double drop = p->value - 0.5 * (below + above);
        double factor = !isfinite(drop) ? 0.25 : drop > 0 ? sqrt(wanted_drop / drop) : 4;
        factor = fmin(fmax(factor, 0.1), 4);
        if (factor < 0.6 || factor > 1.7) {
            p->h[j] = fmin(p->h[j] * factor, 0.25);
            again = 1;
        }
    }
    return again;
}

static int64_t stride(const mote_polish *p)
{
    return p->full ? p->space->dimension : 0;
}

static void read_axes(mote_polish *p)
{
    int64_t d = p->space->dimension;
    for (int64_t j = 0; j < d; ++j) {
        double below = p->trials[2 * j].value, above = p->trials[2 * j + 1].value;
        int usable = isfinite(below) && isfinite(above);
        p->gradient[j] = usable ? 0.5 * (above - below) : 0;
        p->hessian[j * stride(p) + j] = usable ? 2 * p->value - above - below : 1;
    }
}

/* -d2L/ds_i ds_j from L(x + h_i + h_j): the odd terms that remain are of third order. */
static void read_cross(mote_polish *p)
{
    int64_t d = p->space->dimension, k = 0;
    for (int64_t i = 0; i < d; ++i)
        for (int64_t j = 0; j < i; ++j, ++k) {
            double both = p->trials[k].value, linear = p->gradient[i] + p->gradient[j];
            double diagonal = p->hessian[i * d + i] + p->hessian[j * d + j];
            double mixed = isfinite(both) ? p->value + linear - 0.5 * diagonal - both : 0;
            p->hessian[i * d + j] = p->hessian[j * d + i] = mixed;
        }
}

/* step = H^-1 gradient; where H is not positive definite its diagonal serves. */
static void newton(mote_polish *p)
{
    int64_t d = p->space->dimension;
    if (p->full && !mote_cholesky(p->lower, p->hessian, d)) {
        mote_lower_solve(p->step, p->lower, p->gradient, d);
        mote_lower_transpose_solve(p->step, p->lower, p->step, d);
        return;
    }
    for (int64_t j = 0; j < d; ++j)
        p->step[j] = p->gradient[j] / fmax(p->hessian[j * stride(p) + j], 0.1);
}

/* The best trial becomes the point when it is better. */
static void improve(mote_polish *p)
{
    const trial *best = NULL;
    double value = p->value;
    for (int64_t i = 0; i < p->count; ++i)
        if (p->trials[i].value > value) {
            best = &p->trials[i];
            value = best->value;
        }
    if (!best)
        return;
    p->value = value;
    memcpy(p->x, best->cube, (size_t)p->space->dimension * sizeof *p->x);
    memcpy(p->theta, best->theta, (size_t)p->space->theta_count * sizeof *p->theta);
    if (p->space->derived_count)
        memcpy(p->derived, best->derived, (size_t)p->space->derived_count * sizeof *p->derived);
}

/* ---- the end ----------------------------------------------------------------------------------------------------------- */

/* log Z by Laplace; -inf where the peak is not inside the cube or not a peak. */
static double laplace(const mote_polish *p)
{
    int64_t d = p->space->dimension;
    double sum = 0;
    if (!p->full || mote_cholesky(p->lower, p->hessian, d))
        return -INFINITY;
    for (int64_t j = 0; j < d; ++j) {
        if (p->x[j] - p->h[j] <= 0 || p->x[j] + p->h[j] >= 1)
            return -INFINITY;
        sum += log(p->h[j]);
    }
    return p->value + 0.5 * (double)d * log(2 * acos(-1.0)) + sum - mote_lower_log_determinant(p->lower, d);
}

static void finish(mote_run *run)
{
    mote_nested_state *state = run->state;
    mote_polish *p = state->polish;
    double log_z = state->running.log_z + log1p(mote_nested_remaining(state) / (1 - mote_nested_remaining(state)));
    double error = sqrt(fmax(state->running.information, 0) / (double)state->live_points);
    double excess = laplace(p) - state->log_prior_mass - log_z; /* the prior is renormalised over its support */
    if (excess > 3 * error && excess > 1 && state->ended_by == MOTE_FINISHED_BY_CRITERION) {
        state->watch.warnings |= MOTE_WARNING_MISSED_PEAK;
        mote_run_log(run, MOTE_LOG_WARNING, "a peak at logL = %g holds more evidence than the run found", p->value);
    }
    state->best_log_likelihood = p->value;
    memcpy(state->best_theta, p->theta, (size_t)state->space.theta_count * sizeof(double));
    if (state->space.derived_count)
        memcpy(state->best_derived, p->derived, (size_t)state->space.derived_count * sizeof(double));
    state->polished = 1;
    mote_polish_close(run);
    state->phase = MOTE_PHASE_DONE;
}

/* What follows a stage whose trials are all in. */
static int next_stage(mote_run *run, mote_polish *p)
{
    switch (p->stage) {
    case AXES:
        look_for_noise(run, run->state);
        if (p->tunings++ < 6 && tune(p)) {
            improve(p);
            propose_axes(p);
            break;
        }
        read_axes(p);
        if (p->full && p->space->dimension > 1) {
            propose_cross(p);
            break;
        }
        newton(p);
        propose_search(p);
        break;
    case CROSS:
        read_cross(p);
        newton(p);
        propose_search(p);
        break;
    case SEARCH:
        improve(p);
        if (++p->round >= ROUNDS || !(p->value - p->gained > worthwhile)) {
            finish(run);
            return MOTE_OK;
        }
        p->gained = p->value;
        p->tunings = 0;
        propose_axes(p);
        break;
    }
    start_block(run->state);
    return MOTE_OK;
}

/* Widths to begin with: sd of the live points along each axis. */
static void first_widths(mote_polish *p, const mote_points *live)
{
    int64_t d = p->space->dimension;
    for (int64_t j = 0; j < d; ++j) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < live->n; ++i) {
            double u = live->cube[i * d + j] - p->x[j];
            sum += u;
            squares += u * u;
        }
        double mean = sum / (double)live->n, variance = squares / (double)live->n - mean * mean;
        p->h[j] = fmin(fmax(sqrt(fmax(variance, 0)), 1e-12), 0.1);
    }
}

int mote_polish_start(mote_run *run)
{
    mote_nested_state *state = run->state;
    const mote_points *live = &state->live;
    int64_t best = 0, d = state->space.dimension;
    if (state->options->polish == 1 || !d || !live->n || state->watch.maximum == -INFINITY) {
        state->phase = MOTE_PHASE_DONE;
        return MOTE_OK;
    }
    mote_polish *p = create(&state->space, &run->memory);
    if (!p)
        return mote_fail(&run->message, MOTE_ENOMEM, "no memory for the climb to the maximum likelihood");
    state->polish = p;
    for (int64_t i = 1; i < live->n; ++i)
        if (live->log_likelihood[i] > live->log_likelihood[best])
            best = i;
    p->value = p->gained = live->log_likelihood[best];
    memcpy(p->x, live->cube + best * d, (size_t)d * sizeof(double));
    memcpy(p->theta, live->theta + best * live->theta_count, (size_t)live->theta_count * sizeof(double));
    if (live->derived_count)
        memcpy(p->derived, live->derived + best * live->derived_count, (size_t)live->derived_count * sizeof(double));
    first_widths(p, live);
    propose_axes(p);
    start_block(state);
    state->phase = MOTE_PHASE_POLISH;
    return MOTE_OK;
}

int mote_polish_step(mote_run *run)
{
    mote_nested_state *state = run->state;
    mote_polish *p = state->polish;
    int status = mote_crew_advance(&state->crew);
    if (status)
        return status == MOTE_CREW_PAUSED ? MOTE_OK : status;
    p->done += state->crew.n;
    if (p->done == p->count)
        return next_stage(run, p);
    start_block(state);
    return MOTE_OK;
}

void mote_polish_close(mote_run *run)
{
    mote_nested_state *state = run->state;
    if (state->polish)
        release(state->polish, &run->memory);
    state->polish = NULL;
}
