/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is the bound of a transition's density a bound, and is the gradient the density's? */
#include <math.h>
#include <string.h>

#include "cli/check_ssm.h"

enum { PAIRS = 100, SEARCHES = 20, GRADIENTS = 20 };

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

/* ---- gradient ---- */

/* log of initial law or transition, plus the potential, of particle 0; NaN when the model failed. */
static double log_joint(mote_ssm_check *check)
{
    const mote_ssm *m = model_of(check);
    const int later = mote_ssm_check_later(check);
    double value = NAN, potential = 0;
    check->n = 1;
    memset(check->cache, 0, (size_t)m->cache_size);
    if (m->prepare && m->prepare(m->ctx, check->parameter[0], check->cache))
        return NAN;
    int status = mote_ssm_check_density(check, later ? m->log_transition : m->log_initial, later, 1, &value);
    if (!status && check->datum.any)
        status = mote_ssm_check_density(check, m->log_potential, later, 1, &potential);
    return status ? (double)NAN : value + potential;
}

static int gradient_at(mote_ssm_check *check, double *gradient)
{
    const mote_ssm *m = model_of(check);
    const int64_t count = check->space.space.theta_count;
    double *column[256];
    const mote_block block = mote_ssm_check_block(check, 0, 1, mote_ssm_check_later(check));
    if (count > 256)
        return MOTE_EUNSUPPORTED;
    for (int64_t p = 0; p < count; ++p)
        column[p] = &gradient[p];
    return m->gradient(m->ctx, &block, column);
}

/* 1 when a component is off by more than 1e-4 of the gradient's length; -1 when the model failed. */
static int gradient_is_wrong(mote_ssm_check *check)
{
    const int64_t count = check->space.space.theta_count;
    double *theta = check->theta + check->row * count, gradient[256] = { 0 }, norm = 0, worst = 0;
    if (isnan(log_joint(check)) || gradient_at(check, gradient))
        return -1;
    for (int64_t p = 0; p < count; ++p)
        norm += gradient[p] * gradient[p];
    for (int64_t p = 0; p < count; ++p) {
        const double x = theta[p], h = 1e-5 * (fabs(x) > 1e-3 ? fabs(x) : 1e-3);
        theta[p] = x + h;
        const double up = log_joint(check);
        theta[p] = x - h;
        const double down = log_joint(check);
        theta[p] = x;
        const double error = fabs((up - down) / (2 * h) - gradient[p]);
        worst = error > worst || isnan(error) ? error : worst;
    }
    return !(worst <= 1e-4 * sqrt(norm) + 1e-5);
}

void mote_ssm_check_gradient(mote_ssm_check *check)
{
    const mote_ssm *m = model_of(check);
    int wrong = 0, asked = 0, failed = 0;
    if (!m->gradient || !m->log_transition || !check->space.space.theta_count)
        return;
    for (int64_t row = 0; row < MOTE_CHECK_ROWS; ++row) {
        int status = mote_ssm_check_begin(check, row);
        while (!status) {
            for (int64_t i = 0; i < GRADIENTS && (mote_ssm_check_later(check) || m->log_initial); ++i, ++asked) {
                for (int64_t k = 0; k < m->state_count; ++k) {
                    check->state[k][0] = check->state[k][i];
                    check->previous[k][0] = check->previous[k][i];
                }
                const int answer = gradient_is_wrong(check);
                wrong += answer > 0;
                failed += answer < 0;
            }
            (void)log_joint(check); /* the cache belongs to the row's own parameters again */
            check->n = MOTE_CHECK_PARTICLES;
            status = mote_ssm_check_advance(check);
        }
    }
    if (failed || wrong)
        mote_check_say(&check->report, MOTE_VERDICT_FAIL,
                       "gradient: of %d particles %d differ from finite differences by over 1e-4, "
                       "%d failed",
                       asked, wrong, failed);
    else
        mote_check_say(&check->report, MOTE_VERDICT_OK, "gradient: agrees with finite differences at %d particles",
                       asked);
}
