/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random-walk Metropolis (Metropolis et al. 1953) with the scale of Roberts, Gelman & Gilks (1997) and the identity
 * part of Roberts & Rosenthal (2009):
 *
 *     y' = y + s (2.38 / sqrt d) L z            with probability 1 - b, L L' the tuned covariance
 *     y' = y + (0.1 / sqrt d) unit z            with probability b = 0.05, unit: standard deviations at the first fit
 *
 * Both parts are symmetric, so the acceptance ratio is that of the densities. The identity part keeps the walk alive
 * when the covariance has collapsed. Target acceptance: 0.44 in one dimension, 0.234 in many.
 *
 * Used with log-likelihoods that are unbiased estimates this is particle marginal Metropolis-Hastings (Andrieu, Doucet
 * & Holenstein 2010): the current value is kept, never estimated again. */
#include <math.h>

#include "core/linear.h"
#include "core/stream_inline.h"
#include "mcmc/kernel_parts.h"

static const double IDENTITY_SHARE = 0.05;

static int64_t work_size(const mote_kernel *kernel)
{
    return 2 * kernel->dimension;
}

static void propose(mote_kernel_chain *chain)
{
    const mote_kernel *kernel = chain->kernel;
    const int64_t d = kernel->dimension;
    const double root = sqrt((double)d);
    double *z = chain->work, *step = z + d;
    const int identity = mote_stream_uniform_inline(&chain->stream) < IDENTITY_SHARE;
    mote_stream_normals(&chain->stream, z, d);
    if (!identity)
        mote_lower_multiply(step, kernel->lower, z, d);
    const double scale = identity ? 0.1 / root : 2.38 / root * exp(*kernel->log_scale);
    for (int64_t j = 0; j < d; ++j)
        chain->proposal.y[j] = chain->current.y[j] + scale * (identity ? kernel->unit[j] * z[j] : step[j]);
}

static int answer(mote_kernel_chain *chain)
{
    return mote_kernel_decide(chain, 0);
}

static double target_acceptance(int64_t dimension)
{
    return dimension == 1 ? 0.44 : 0.234 + 0.2 / (double)dimension;
}

const mote_kernel_method mote_kernel_random_walk = {
    .name = "random_walk",
    .work_size = work_size,
    .propose = propose,
    .answer = answer,
    .target_acceptance = target_acceptance,
};
