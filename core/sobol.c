/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generator's functions are called on memory of our own: gsl_qrng_alloc would hand a lack of memory to GSL's error
 * handler, which aborts. */
#include "core/sobol.h"

#include <gsl/gsl_qrng.h>
#include <mote/status.h>

int mote_sobol_net(uint32_t *net, int64_t dimension, int64_t n, const mote_memory *memory)
{
    const gsl_qrng_type *type = gsl_qrng_sobol;
    double point[MOTE_SOBOL_DIMENSIONS];
    if (dimension < 1 || dimension > MOTE_SOBOL_DIMENSIONS || n < 1 || n >= (int64_t)1 << 30)
        return MOTE_EINVAL;
    void *state = mote_memory_allocate(memory, 1, type->state_size((unsigned)dimension));
    if (!state)
        return MOTE_ENOMEM;
    int status = type->init_state(state, (unsigned)dimension) ? MOTE_EINVAL : MOTE_OK;
    for (int64_t j = 0; j < dimension; ++j)
        net[j * n] = 0;
    for (int64_t i = 1; i < n && !status; ++i) {
        status = type->get(state, (unsigned)dimension, point) ? MOTE_EINVAL : MOTE_OK;
        for (int64_t j = 0; j < dimension && !status; ++j)
            net[j * n + i] = (uint32_t)(point[j] * 0x1p32);
    }
    mote_memory_release(memory, state);
    return status;
}
