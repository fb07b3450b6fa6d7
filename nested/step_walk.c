/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random walk in the unit cube above a contour (Skilling 2006, section 9.2; the proposals of Speagle 2020).
 *
 *     y = x + s L b, b uniform in the unit ball, L L' the covariance of a cluster; y is the new x when above L*
 *
 * The cluster is drawn by its share of the survivors, not by where x lies, and b is as likely as -b: each move is
 * reversible. Periodic axes wrap; a proposal outside the cube is turned down without a row and counts as a step. The
 * scale s is tuned between steps of the run towards half of the proposals accepted. A walk that never moved goes on:
 * its start point is a live point already.
 *
 * Known answer: tests/nested/test_walk.c, uniform start, uniform end. */
#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/stream_inline.h"
#include "nested/birth.h"

enum { MOST_ROUNDS = 1000 }; /* of `steps` proposals each, before a walk that cannot move is an error */

static void begin(mote_birth_chain *chain)
{
    mote_sampler *sampler = chain->sampler;
    int64_t d = sampler->dimension;
    chain->parent = mote_stream_index_inline(&chain->stream, sampler->n);
    memcpy(chain->x, sampler->cube + chain->parent * d, (size_t)d * sizeof(double));
    chain->log_likelihood = sampler->log_likelihood[chain->parent];
    chain->last_step = sampler->steps;
}

static int end_step(mote_birth_chain *chain)
{
    mote_sampler *sampler = chain->sampler;
    if (++chain->step < chain->last_step)
        return MOTE_OK;
    if (chain->moves > 0)
        return MOTE_DONE;
    if (chain->step >= MOST_ROUNDS * sampler->steps)
        return mote_fail(sampler->message, MOTE_ENUMERIC,
                         "random walk: no proposal out of %lld was above log-likelihood %.17g", (long long)chain->step,
                         sampler->threshold);
    chain->last_step += sampler->steps;
    return MOTE_OK;
}

/* direction = s L b: a normal vector scaled to the radius U^(1/d). */
static void draw_offset(mote_birth_chain *chain)
{
    const mote_sampler *sampler = chain->sampler;
    const mote_ellipsoids *parts = &sampler->bound.parts;
    int64_t d = sampler->dimension, k = mote_birth_cluster(chain);
    mote_stream_normals(&chain->stream, chain->y, d);
    double length = sqrt(mote_dot(chain->y, chain->y, d));
    double radius = pow(mote_stream_uniform_inline(&chain->stream), 1 / (double)d);
    mote_lower_multiply(chain->direction, parts->lower + k * d * d, chain->y, d);
    /* a unit ball has standard deviation 1/sqrt(d + 2) on each axis */
    double factor = sampler->scale * radius / length * sqrt((double)d + 2) / parts->scale[k];
    for (int64_t j = 0; j < d; ++j)
        chain->direction[j] *= factor;
}

static int put_point(mote_birth_chain *chain)
{
    const mote_sampler *sampler = chain->sampler;
    int outside = 0;
    for (int64_t j = 0; j < sampler->dimension; ++j)
        chain->y[j] = chain->x[j] + chain->direction[j];
    if (sampler->periodic)
        mote_birth_wrap(sampler, chain->y);
    for (int64_t j = 0; j < sampler->dimension; ++j)
        outside |= !(chain->y[j] > 0 && chain->y[j] < 1);
    return !outside;
}

static int propose(mote_birth_chain *chain)
{
    for (;;) {
        draw_offset(chain);
        if (put_point(chain))
            return MOTE_OK;
        ++chain->rejected;
        int status = end_step(chain);
        if (status != MOTE_OK)
            return status;
    }
}

static int answer(mote_birth_chain *chain, int above, double log_likelihood, const double *derived)
{
    if (above)
        mote_birth_move(chain, log_likelihood, derived);
    return end_step(chain);
}

const mote_birth_method mote_birth_walk = { begin, propose, answer };
