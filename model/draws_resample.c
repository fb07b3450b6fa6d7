/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equal-weight rows by systematic resampling (Kitagawa 1996): with one uniform u, entry k of n is the row where the
 * running sum of the weights passes (k + u)/n. A row of weight w appears floor(n w) or ceil(n w) times. */
#include <math.h>
#include <mote/status.h>

#include "model/draws.h"

static int fill(const double *weight, int64_t count, double u, int64_t n, int64_t *index)
{
    double passed = 0;
    int64_t last = -1, k = 0;
    for (int64_t i = 0; i < count; ++i) {
        passed += weight[i];
        last = weight[i] > 0 ? i : last;
        while (k < n && (double)k + u < passed * (double)n)
            index[k++] = i;
    }
    while (last >= 0 && k < n) /* the sum rounded below 1 */
        index[k++] = last;
    return last >= 0 ? MOTE_OK : MOTE_EINVAL;
}

int mote_draws_resample(const mote_draws *draws, mote_source *source, int64_t n, int64_t *index)
{
    double u = 0;
    if (!draws || !source || n < 0 || (n && !index))
        return MOTE_EINVAL;
    double *weight = mote_memory_allocate(draws->memory, draws->count, sizeof *weight);
    if (!weight)
        return MOTE_ENOMEM;
    mote_draws_weights(draws, weight);
    mote_uniforms(source, &u, 1);
    int status = mote_source_status(source);
    if (status == MOTE_OK)
        status = fill(weight, draws->count, u, n, index);
    mote_memory_release(draws->memory, weight);
    return status;
}
