/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smc/twist.h"

#include <math.h>
#include <string.h>

#include "core/linear.h"

enum { MOST = MOTE_TWIST_STATES };

static const double LEAST_EIGENVALUE = -0.5; /* of R'A R: P stays at least half of S^{-1} */

/* ---- the inner model at a time ---- */

/* A block of the inner model at time t, with the parameters and the cache of `like`. */
static mote_block inner_block(const mote_twist *twist, const mote_block *like, int64_t t, int64_t n)
{
    const mote_ssm *m = &twist->inner->model;
    const mote_datum *datum = &twist->data[t];
    mote_block block = *like;
    block.n = n;
    block.step = t;
    block.time = datum->time;
    block.time_previous = t ? twist->data[t - 1].time : m->flags & MOTE_SSM_START_BEFORE ? m->initial_time
        : datum->time;
    block.input = m->input_count ? datum->input : NULL;
    block.observation = datum->any && m->observation_count ? datum->values : NULL;
    block.observed = block.observation ? datum->observed : NULL;
    block.previous = NULL;
    block.state = NULL;
    block.log_weight = NULL;
    return block;
}

/* A callback's answer: codes above zero have no meaning of their own. */
static int explain(const mote_twist *twist, const char *callback, int64_t t, int status)
{
    return status <= 0 ? status : mote_fail(twist->message, MOTE_EMODEL,
                                            "the model '%s': %s returned a code above 0 at step %lld",
                                            mote_state_space_name(twist->inner), callback, (long long)t);
}

/* f for n particles: columns in `mean`, which point into `storage`. */
static int means(const mote_twist *twist, const mote_block *like, int64_t t, const double *const *previous, int64_t n,
                 double **mean, double *storage, double *covariance)
{
    const mote_ssm *m = &twist->inner->model;
    mote_block block = inner_block(twist, like, t, n);
    block.previous = previous;
    for (int64_t k = 0; k < twist->d; ++k)
        mean[k] = storage + k * MOTE_BLOCK;
    return explain(twist, "gaussian", t, m->gaussian(m->ctx, &block, mean, covariance));
}

/* ---- algebra of one time ---- */

/* v = S^{-1} f - b of particle i. */
static void pull(const mote_twist *twist, const mote_twist_time *at, double *const *mean, int64_t i, double *f,
                 double *v)
{
    const int64_t d = twist->d;
    for (int64_t k = 0; k < d; ++k)
        f[k] = mean[k][i];
    mote_matrix_vector(v, at->precision, f, d, d);
    for (int64_t k = 0; k < d; ++k)
        v[k] -= at->slope[k];
}

static double log_normaliser(const mote_twist *twist, const mote_twist_time *at, double *const *mean, int64_t i)
{
    const int64_t d = twist->d;
    double f[MOST] = { 0 }, v[MOST], u[MOST];
    pull(twist, at, mean, i, f, v);
    mote_lower_solve(u, at->lower, v, d);
    const double square = mote_dot(u, u, d);
    mote_matrix_vector(u, at->precision, f, d, d);
    return 0.5 * (square - mote_dot(f, u, d) - at->log_determinant) - at->constant;
}

static double log_psi(const mote_twist *twist, const mote_twist_time *at, const double *const *state, int64_t i)
{
    const int64_t d = twist->d;
    double x[MOST], u[MOST];
    for (int64_t k = 0; k < d; ++k)
        x[k] = state[k][i];
    mote_matrix_vector(u, at->curvature, x, d, d);
    return -0.5 * mote_dot(x, u, d) - mote_dot(at->slope, x, d) - at->constant;
}

/* ---- callbacks of the twisted model ---- */

/* x = P^{-1} v + L^{-T} z; states hold z on entry. */
static void place(const mote_twist *twist, const mote_twist_time *at, double *const *mean, double *const *state,
                  int64_t n)
{
    const int64_t d = twist->d;
    double f[MOST] = { 0 }, v[MOST], z[MOST];
    for (int64_t i = 0; i < n; ++i) {
        pull(twist, at, mean, i, f, v);
        mote_lower_solve(v, at->lower, v, d);
        for (int64_t k = 0; k < d; ++k)
            z[k] = state[k][i] + v[k];
        mote_lower_transpose_solve(z, at->lower, z, d);
        for (int64_t k = 0; k < d; ++k)
            state[k][i] = z[k];
    }
}

static int draw(const mote_twist *twist, const mote_block *block, mote_source *source, const double *const *previous)
{
    double storage[MOST * MOTE_BLOCK], covariance[MOST * MOST], *mean[MOST];
    const int status = means(twist, block, block->step, previous, block->n, mean, storage, covariance);
    for (int64_t k = 0; k < twist->d; ++k)
        mote_normals(source, block->state[k], block->n);
    if (!status)
        place(twist, &twist->time[block->step], mean, block->state, block->n);
    return status;
}

static int twisted_initial(void *ctx, const mote_block *block, mote_source *source)
{
    return draw(ctx, block, source, NULL);
}

static int twisted_transition(void *ctx, const mote_block *block, mote_source *source)
{
    return draw(ctx, block, source, block->previous);
}

/* log G_t + log M_{t+1}(psi_{t+1}). */
int mote_twist_goal(const mote_twist *twist, const mote_block *like, int64_t t, const double *const *state, int64_t n,
                    double *goal)
{
    const mote_ssm *m = &twist->inner->model;
    double storage[MOST * MOTE_BLOCK], covariance[MOST * MOST], *mean[MOST], *columns[MOST];
    int status = MOTE_OK;
    memset(goal, 0, (size_t)n * sizeof *goal);
    if (twist->data[t].any) {
        mote_block block = inner_block(twist, like, t, n);
        for (int64_t k = 0; k < twist->d; ++k)
            columns[k] = (double *)(uintptr_t)state[k];
        block.state = columns;
        block.log_weight = goal;
        status = explain(twist, "log_potential", t, m->log_potential(m->ctx, &block));
    }
    if (status || t + 1 >= twist->times)
        return status;
    status = means(twist, like, t + 1, state, n, mean, storage, covariance);
    for (int64_t i = 0; i < n && !status; ++i)
        goal[i] += log_normaliser(twist, &twist->time[t + 1], mean, i);
    return status;
}

static int twisted_log_potential(void *ctx, const mote_block *block)
{
    const mote_twist *twist = ctx;
    const double *const *state = (const double *const *)block->state;
    double storage[MOST * MOTE_BLOCK], covariance[MOST * MOST], *mean[MOST];
    int status = mote_twist_goal(twist, block, block->step, state, block->n, block->log_weight);
    for (int64_t i = 0; i < block->n && !status; ++i)
        block->log_weight[i] -= log_psi(twist, &twist->time[block->step], state, i);
    if (status || block->step)
        return status;
    status = means(twist, block, 0, NULL, 1, mean, storage, covariance);
    const double initial = status ? 0 : log_normaliser(twist, &twist->time[0], mean, 0);
    for (int64_t i = 0; i < block->n; ++i)
        block->log_weight[i] += initial;
    return status;
}

static int twisted_prepare(void *ctx, const double *theta, void *cache)
{
    const mote_ssm *m = &((const mote_twist *)ctx)->inner->model;
    return m->prepare(m->ctx, theta, cache);
}

/* ---- preparation ---- */

/* A with the eigenvalues of R'A R raised to the least allowed. */
static int clip(const mote_twist *twist, mote_twist_time *at)
{
    const int64_t d = twist->d;
    double w[MOST * MOST] = { 0 }, vectors[MOST * MOST], values[MOST], u[MOST];
    for (int64_t a = 0; a < d; ++a)
        for (int64_t b = 0; b < d; ++b) {
            double sum = 0;
            for (int64_t i = b; i < d; ++i)
                sum += at->curvature[a * d + i] * at->root[i * d + b];
            vectors[a * d + b] = sum; /* A R */
        }
    for (int64_t a = 0; a < d; ++a)
        for (int64_t b = 0; b < d; ++b) {
            double sum = 0;
            for (int64_t i = a; i < d; ++i)
                sum += at->root[i * d + a] * vectors[i * d + b];
            w[a * d + b] = sum; /* R'A R */
        }
    int status = mote_symmetric_eigen(values, vectors, w, d);
    if (status)
        return status;
    memset(at->curvature, 0, (size_t)(d * d) * sizeof(double));
    for (int64_t k = 0; k < d; ++k) { /* A = sum_k value_k (R^{-T} v_k) (R^{-T} v_k)' */
        const double value = values[k] > LEAST_EIGENVALUE ? values[k] : LEAST_EIGENVALUE;
        mote_lower_transpose_solve(u, at->root, vectors + k * d, d);
        for (int64_t a = 0; a < d; ++a)
            for (int64_t b = 0; b < d; ++b)
                at->curvature[a * d + b] += value * u[a] * u[b];
    }
    return MOTE_OK;
}

static int factor(const mote_twist *twist, mote_twist_time *at)
{
    const int64_t d = twist->d;
    double p[MOST * MOST];
    for (int64_t k = 0; k < d * d; ++k)
        p[k] = at->precision[k] + at->curvature[k];
    const int status = mote_cholesky(at->lower, p, d);
    if (!status)
        at->log_determinant = 2 * (mote_lower_log_determinant(at->lower, d) + mote_lower_log_determinant(at->root, d));
    return status || !isfinite(at->log_determinant) ? MOTE_ENUMERIC : MOTE_OK;
}

int mote_twist_prepare_time(mote_twist *twist, int64_t t, int64_t *clipped)
{
    mote_twist_time *at = &twist->time[t];
    if (!factor(twist, at))
        return MOTE_OK;
    ++*clipped;
    const int status = clip(twist, at);
    return status ? status : factor(twist, at);
}

static void invert(double *inverse, const double *lower, int64_t d)
{
    double unit[MOST];
    for (int64_t k = 0; k < d; ++k) {
        memset(unit, 0, sizeof unit);
        unit[k] = 1;
        mote_lower_solve(unit, lower, unit, d);
        mote_lower_transpose_solve(unit, lower, unit, d);
        for (int64_t a = 0; a < d; ++a)
            inverse[a * d + k] = unit[a];
    }
}

int mote_twist_prepare(mote_twist *twist, const mote_block *block)
{
    const int64_t d = twist->d;
    double storage[MOST * MOTE_BLOCK], covariance[MOST * MOST], zero[1] = { 0 }, *mean[MOST];
    const double *previous[MOST];
    int64_t clipped = 0;
    for (int64_t k = 0; k < d; ++k)
        previous[k] = zero;
    for (int64_t t = 0; t < twist->times; ++t) {
        mote_twist_time *at = &twist->time[t];
        int status = means(twist, block, t, t ? previous : NULL, 1, mean, storage, covariance);
        if (!status && mote_cholesky(at->root, covariance, d))
            return mote_fail(twist->message, MOTE_EMODEL, "the model '%s': the covariance that `gaussian` gives at "
                             "step %lld is not positive definite",
                             twist->inner->model.name ? twist->inner->model.name : "model",
                             (long long)t);
        if (!status) {
            invert(at->precision, at->root, d);
            status = mote_twist_prepare_time(twist, t, &clipped);
        }
        if (status)
            return status;
    }
    return MOTE_OK;
}

/* ---- life ---- */

static int check(const mote_state_space *inner, mote_message *message)
{
    const char *name = inner->model.name ? inner->model.name : "model";
    int status = mote_state_space_needs(inner, MOTE_CAPABILITY_GAUSSIAN, "a twisted model", message);
    if (status)
        return status;
    if (!inner->has_series)
        return mote_fail(message, MOTE_EUNSUPPORTED, "a twisted model looks at the whole series: the model '%s' must "
                                                     "carry it", name);
    if (inner->model.flags & MOTE_SSM_START_BEFORE)
        return mote_fail(message, MOTE_EUNSUPPORTED, "a twisted model begins at the first observation: the model '%s' "
                         "has MOTE_SSM_START_BEFORE", name);
    if (inner->model.flags & MOTE_SSM_PAIR_POTENTIAL || inner->model.fork)
        return mote_fail(message, MOTE_EUNSUPPORTED, "a twisted model weighs a state by itself: the model '%s' has %s",
                         name, inner->model.fork ? "opaque states" : "MOTE_SSM_PAIR_POTENTIAL");
    if (inner->model.state_count > MOST)
        return mote_fail(message, MOTE_EUNSUPPORTED, "a twisted model has at most %d states, the model '%s' has %lld",
                         MOST, name, (long long)inner->model.state_count);
    return MOTE_OK;
}

static int allocate(mote_twist *twist)
{
    const int64_t d = twist->d, each = 4 * d * d + d;
    twist->time = mote_memory_allocate(twist->memory, twist->times, sizeof *twist->time);
    twist->data = mote_memory_allocate(twist->memory, twist->times, sizeof *twist->data);
    twist->storage = mote_memory_allocate(twist->memory, twist->times * each, sizeof(double));
    if (!twist->time || !twist->data || !twist->storage)
        return MOTE_ENOMEM;
    for (int64_t t = 0; t < twist->times; ++t) {
        double *at = twist->storage + t * each;
        twist->time[t] = (mote_twist_time){ at, at + d * d, 0, at + d * d + d, at + 2 * d * d + d, at + 3 * d * d + d,
                                            0 };
        if (mote_datum_open(&twist->data[t], twist->inner, twist->memory))
            return MOTE_ENOMEM;
        mote_datum_from_series(&twist->data[t], twist->inner, t);
    }
    return MOTE_OK;
}

static int open_space(mote_twist *twist)
{
    const mote_ssm *m = &twist->inner->model;
    twist->series = (mote_series){ MOTE_VERSIONED(mote_series), .count = twist->times,
                                   .time = twist->inner->series.time };
    const mote_ssm twisted = { .head = MOTE_VERSIONED(mote_ssm), .parameters = m->parameters,
                               .parameter_count = m->parameter_count,
                               .parameter_size = m->parameter_size, .states = m->states, .state_count = m->state_count,
                               .initial = twisted_initial, .transition = twisted_transition,
                               .log_potential = twisted_log_potential, .prepare = m->prepare ? twisted_prepare : NULL,
                               .cache_size = m->cache_size, .series = &twist->series, .ctx = twist, .name = m->name,
                               .flags = m->flags };
    return mote_state_space_open(&twist->space, &twisted, twist->memory, twist->message);
}

int mote_twist_open(mote_twist *twist, const mote_state_space *inner, const mote_memory *memory, mote_message *message)
{
    *twist = (mote_twist){ .inner = inner, .d = inner->model.state_count, .times = inner->series.count,
                           .memory = memory,
                           .message = message };
    int status = check(inner, message);
    if (!status)
        status = allocate(twist);
    if (!status)
        status = open_space(twist);
    if (status)
        mote_twist_close(twist);
    return status;
}

void mote_twist_close(mote_twist *twist)
{
    if (!twist->memory)
        return;
    for (int64_t t = 0; twist->data && t < twist->times; ++t)
        mote_datum_close(&twist->data[t], twist->memory);
    mote_state_space_close(&twist->space);
    mote_memory_release(twist->memory, twist->time);
    mote_memory_release(twist->memory, twist->data);
    mote_memory_release(twist->memory, twist->storage);
    memset(twist, 0, sizeof *twist);
}
