/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is the bound of a transition's density a bound, and are the gradients, of model and proposal, the densities'? */
#include <math.h>
#include <string.h>

#include "cli/check_ssm.h"

enum { PAIRS = 100, SEARCHES = 20, GRADIENTS = 20, MOST_PARAMETERS = 256 };

static const mote_ssm *model_of(const mote_ssm_check *check)
{
    return &check->space.model;
}

/* ---- bound ---- */

/* log m, or log m G of a model whose potential looks at the previous state, from the particle in place 0 of `previous`
 * and `state`; NaN when the model failed. */
static double pair_density(mote_ssm_check *check)
{
    const mote_ssm *m = model_of(check);
    double value = NAN, potential = 0;
    check->n = 1;
    int status = mote_ssm_check_density(check, m->log_transition, 1, 1, &value);
    if (!status && m->flags & MOTE_SSM_PAIR_POTENTIAL && check->datum.any)
        status = mote_ssm_check_density(check, m->log_potential, 1, 1, &potential);
    return status ? (double)NAN : value + potential;
}

/* Largest excess of the density over its bound at state i: over all `PAIRS` particles, then by random steps from the
 * best. */
static double worst_excess(mote_ssm_check *check, double **from, double **to, int64_t i)
{
    const int64_t d = model_of(check)->state_count;
    double bound, best = -INFINITY;
    int64_t best_at = 0;
    for (int64_t k = 0; k < d; ++k)
        check->state[k][0] = to[k][i];
    check->n = 1;
    if (mote_ssm_check_density(check, model_of(check)->log_transition_bound, 1, 1, &bound))
        return NAN;
    for (int64_t j = 0; j < PAIRS; ++j) {
        for (int64_t k = 0; k < d; ++k)
            check->previous[k][0] = from[k][j];
        const double value = pair_density(check);
        if (isnan(value))
            return NAN;
        if (value > best)
            best = value, best_at = j;
    }
    double scale = 0.5, normal[64];
    for (int64_t step = 0; step < 200; ++step) {
        mote_source source = mote_source_at(check->live, MOTE_PURPOSE_TRANSITION, 5000 + (uint32_t)step, i);
        mote_normals(&source, normal, d < 64 ? d : 64);
        for (int64_t k = 0; k < d; ++k)
            check->previous[k][0] = from[k][best_at] +
                                    scale * normal[k % 64] *
                                        (fabs(from[k][best_at] - from[k][(best_at + 1) % PAIRS]) + 1e-3);
        const double value = pair_density(check);
        if (value > best) {
            best = value;
            for (int64_t k = 0; k < d; ++k)
                from[k][best_at] = check->previous[k][0];
        } else {
            scale *= 0.97;
        }
    }
    return best - bound;
}

void mote_ssm_check_bound(mote_ssm_check *check)
{
    const int64_t d = model_of(check)->state_count;
    double worst = -INFINITY;
    if (!model_of(check)->log_transition_bound || !model_of(check)->log_transition)
        return;
    for (int64_t row = 0; row < MOTE_CHECK_ROWS; ++row) {
        double *from[64], *to[64];
        if (d > 64 || mote_ssm_check_begin(check, row) ||
            (mote_ssm_check_advance(check) && !mote_ssm_check_later(check)))
            return;
        int lost = 0;
        for (int64_t k = 0; k < d; ++k) {
            from[k] = mote_memory_allocate(&check->memory, PAIRS, sizeof(double));
            to[k] = mote_memory_allocate(&check->memory, PAIRS, sizeof(double));
            lost |= !from[k] || !to[k];
            for (int64_t i = 0; i < PAIRS && !lost; ++i)
                from[k][i] = check->previous[k][i], to[k][i] = check->state[k][i];
        }
        for (int64_t i = 0; i < SEARCHES && !lost; ++i) {
            const double excess = worst_excess(check, from, to, i);
            worst = excess > worst || isnan(excess) ? excess : worst;
        }
        for (int64_t k = 0; k < d; ++k) {
            mote_memory_release(&check->memory, from[k]);
            mote_memory_release(&check->memory, to[k]);
        }
    }
    if (isnan(worst))
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, "bound: a density or its bound is not a number");
    else if (worst > 1e-9)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, "bound: log_transition exceeds log_transition_bound by %.3g",
                       worst);
    else
        mote_check_say(&check->report, worst < -3 ? MOTE_VERDICT_NOTE : MOTE_VERDICT_OK,
                       "bound: log_transition stays below log_transition_bound; closest by %.3g%s", -worst,
                       worst < -3 ? " (a loose bound costs rejections)" : "");
}

/* ---- gradients ---- */

/* A log density: that of the first or of a later step, plus that of the potential, and its gradient as the model gives
 * it. A proposal's parameters may be some only: where its gradient is zero, nothing is claimed. */
typedef struct slope_question {
    const char *name;
    int (*gradient)(void *ctx, const mote_block *block, double *const *value);
    mote_density_function *first, *later, *potential;
    int of_proposal;
    int claimed[MOST_PARAMETERS];
    int asked, wrong, failed;
} slope_question;

static mote_density_function *density_of(const mote_ssm_check *check, const slope_question *q)
{
    return mote_ssm_check_later(check) ? q->later : q->first;
}

/* What `prepare` makes of the row's parameters as they are. */
static int fill_cache(mote_ssm_check *check)
{
    const mote_ssm *m = model_of(check);
    memset(check->cache, 0, (size_t)m->cache_size);
    mote_ssm_check_at(check, "prepare");
    return m->prepare ? m->prepare(m->ctx, check->parameter[0], check->cache) : MOTE_OK;
}

/* The log density of particle 0; NaN when the model failed. */
static double log_density(mote_ssm_check *check, const slope_question *q)
{
    const int later = mote_ssm_check_later(check);
    double value = NAN, potential = 0;
    check->n = 1;
    int status = fill_cache(check);
    if (!status)
        status = mote_ssm_check_density(check, density_of(check, q), later, 1, &value);
    if (!status && q->potential && check->datum.any)
        status = mote_ssm_check_density(check, q->potential, later, 1, &potential);
    return status ? (double)NAN : value + potential;
}

static int gradient_at(mote_ssm_check *check, const slope_question *q, double *gradient)
{
    double *column[MOST_PARAMETERS];
    const mote_block block = mote_ssm_check_block(check, 0, 1, mote_ssm_check_later(check));
    for (int64_t p = 0; p < check->space.space.theta_count; ++p)
        column[p] = &gradient[p];
    mote_ssm_check_at(check, q->gradient == model_of(check)->gradient ? "gradient" : "proposal_gradient");
    return q->gradient(model_of(check)->ctx, &block, column);
}

/* Of particle 0: counts it, also as wrong when a component is off by more than 1e-4 of the gradient's length. Where
 * there is no density there is no gradient. */
static void ask_gradient(mote_ssm_check *check, slope_question *q)
{
    const int64_t count = check->space.space.theta_count;
    double *theta = check->theta + check->row * count, gradient[MOST_PARAMETERS] = { 0 }, norm = 0, worst = 0;
    const double density = log_density(check, q);
    if (density == -INFINITY)
        return;
    ++q->asked;
    if (isnan(density) || gradient_at(check, q, gradient)) {
        ++q->failed;
        return;
    }
    for (int64_t p = 0; p < count; ++p)
        norm += gradient[p] * gradient[p];
    for (int64_t p = 0; p < count; ++p) {
        const double x = theta[p], h = 1e-5 * (fabs(x) > 1e-3 ? fabs(x) : 1e-3);
        q->claimed[p] |= gradient[p] != 0;
        if (q->of_proposal && gradient[p] == 0)
            continue;
        theta[p] = x + h;
        const double up = log_density(check, q);
        theta[p] = x - h;
        const double down = log_density(check, q);
        theta[p] = x;
        const double error = fabs((up - down) / (2 * h) - gradient[p]);
        worst = error > worst || isnan(error) ? error : worst;
    }
    q->wrong += !(worst <= 1e-4 * sqrt(norm) + 1e-5);
    (void)fill_cache(check); /* it belongs to the row's own parameters again */
}

static void tell_gradient(mote_ssm_check *check, const slope_question *q)
{
    int claimed = 0;
    for (int64_t p = 0; p < check->space.space.theta_count; ++p)
        claimed += q->claimed[p];
    if (q->failed || q->wrong)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL,
                       "%s: of %d particles %d differ from finite differences by over 1e-4, %d failed", q->name,
                       q->asked, q->wrong, q->failed);
    else if (q->of_proposal && q->asked && !claimed)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL, "%s: zero in all parameters", q->name);
    else if (q->of_proposal)
        mote_check_say(&check->report, MOTE_VERDICT_OK, "%s: agrees with finite differences at %d particles, in %d of "
                       "%d parameters; zero in the others", q->name, q->asked, claimed,
                       (int)check->space.space.theta_count);
    else
        mote_check_say(&check->report, MOTE_VERDICT_OK, "%s: agrees with finite differences at %d particles", q->name,
                       q->asked);
}

static void ask_question(mote_ssm_check *check, slope_question *q)
{
    const mote_ssm *m = model_of(check);
    const int64_t count = check->space.space.theta_count;
    if (!q->gradient || !q->later || !count)
        return;
    if (count > MOST_PARAMETERS) {
        mote_check_say(&check->report, MOTE_VERDICT_NOTE, "%s: not asked, %lld parameters are more than %d", q->name,
                       (long long)count, MOST_PARAMETERS);
        return;
    }
    for (int64_t row = 0; row < MOTE_CHECK_ROWS; ++row) {
        int status = mote_ssm_check_begin(check, row);
        while (!status) {
            const int there = density_of(check, q) && (!q->of_proposal || check->datum.any);
            for (int64_t i = 0; i < GRADIENTS && there; ++i) {
                for (int64_t k = 0; k < m->state_count; ++k) {
                    check->state[k][0] = check->state[k][i];
                    check->previous[k][0] = check->previous[k][i];
                }
                ask_gradient(check, q);
            }
            check->n = MOTE_CHECK_PARTICLES;
            status = mote_ssm_check_advance(check);
        }
    }
    tell_gradient(check, q);
}

void mote_ssm_check_gradient(mote_ssm_check *check)
{
    const mote_ssm *m = model_of(check);
    slope_question model = { .name = "gradient", .gradient = m->gradient, .first = m->log_initial,
                             .later = m->log_transition, .potential = m->log_potential };
    slope_question proposal = { .name = "proposal_gradient", .gradient = m->proposal_gradient, .of_proposal = 1,
                                .first = m->propose_initial ? m->log_propose_initial : NULL, .later = m->log_propose };
    ask_question(check, &model);
    ask_question(check, &proposal);
}
