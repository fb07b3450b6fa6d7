/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metropolis-adjusted Langevin algorithm (Roberts & Tweedie 1996), preconditioned with the tuned covariance S = L L',
 * in its truncated form. With g the gradient of the log density on the real line and e = s 1.65 d^(-1/6):
 *
 *     h(y)  = (e/2) L' g(y), cut to length (e/2) 5 sqrt(d); 0 where g is not finite
 *     y'    = y + e L (z + h(y)),  z ~ N(0, I)
 *     log q(y | y') - log q(y' | y) = (|z|^2 - |z + h(y) + h(y')|^2) / 2
 *
 * h is a function of the point alone, so cutting it keeps the kernel exact; it keeps far starts from overshooting.
 * Target acceptance: 0.574 (Roberts & Rosenthal 1998). Known answer: for N(0, I) at e = 2 the proposal is e z, whatever
 * y is, since y + e h(y) = 0. */
#include <math.h>

#include "core/linear.h"
#include "core/stream_inline.h"
#include "mcmc/kernel_parts.h"

static const double LONGEST = 5; /* of |L' g| in units of sqrt(d): at rest it is about 1 */

static int64_t work_size(const mote_kernel *kernel)
{
    return 3 * kernel->dimension;
}

static double step_size(const mote_kernel *kernel)
{
    return 1.65 * pow((double)kernel->dimension, -1.0 / 6) * exp(*kernel->log_scale);
}

/* h of a point. */
static void drift(const mote_kernel *kernel, const mote_kernel_point *point, double *h)
{
    const int64_t d = kernel->dimension;
    const double beta = kernel->inverse_temperature, *lower = kernel->lower, e = step_size(kernel);
    double length = 0;
    for (int64_t j = 0; j < d; ++j) {
        h[j] = 0;
        for (int64_t i = j; i < d; ++i)
            h[j] += lower[i * d + j] * ((beta > 0 ? beta * point->slope[i] : 0) + point->base_slope[i]);
        length += h[j] * h[j];
    }
    length = sqrt(length);
    const double longest = LONGEST * sqrt((double)d);
    const double factor = !isfinite(length) ? 0 : length > longest ? 0.5 * e * longest / length : 0.5 * e;
    for (int64_t j = 0; j < d; ++j)
        h[j] = factor > 0 ? factor * h[j] : 0;
}

static void propose(mote_kernel_chain *chain)
{
    const mote_kernel *kernel = chain->kernel;
    const int64_t d = kernel->dimension;
    const double e = step_size(kernel);
    double *z = chain->work, *h = z + d, *sum = h + d;
    mote_stream_normals(&chain->stream, z, d);
    drift(kernel, &chain->current, h);
    for (int64_t j = 0; j < d; ++j)
        sum[j] = z[j] + h[j];
    mote_lower_multiply(chain->proposal.y, kernel->lower, sum, d);
    for (int64_t j = 0; j < d; ++j)
        chain->proposal.y[j] = chain->current.y[j] + e * chain->proposal.y[j];
}

static int answer(mote_kernel_chain *chain)
{
    const mote_kernel *kernel = chain->kernel;
    const int64_t d = kernel->dimension;
    const double *z = chain->work, *h = z + d;
    double *back = chain->work + 2 * d, forward_square = 0, backward_square = 0;
    if (!(mote_kernel_log_density(kernel, &chain->proposal) > -INFINITY))
        return mote_kernel_decide(chain, 0); /* its slopes may be nothing */
    drift(kernel, &chain->proposal, back);
    for (int64_t j = 0; j < d; ++j) {
        const double reverse = z[j] + h[j] + back[j];
        forward_square += z[j] * z[j];
        backward_square += reverse * reverse;
    }
    return mote_kernel_decide(chain, 0.5 * (forward_square - backward_square));
}

static double target_acceptance(int64_t dimension)
{
    (void)dimension;
    return 0.574;
}

const mote_kernel_method mote_kernel_mala = {
    .name = "mala",
    .gradient = 1,
    .work_size = work_size,
    .propose = propose,
    .answer = answer,
    .target_acceptance = target_acceptance,
};
