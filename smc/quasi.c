/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See smc/quasi.h. A net of 2^k points has one value of its first coordinate in each interval [j, j+1) / 2^k, and a
 * digital shift keeps that: sorting the points is looking up the interval. */
#include "smc/quasi.h"

#include <math.h>
#include <string.h>

#include "core/linear.h"
#include "core/sobol.h"
#include "core/vector.h"
#include "core/vector_inline.h"

enum { CURVE_BITS = 52 };

/* ---- life ---- */

static int allocate_curve(mote_quasi *quasi, const mote_memory *memory)
{
    const int64_t n = quasi->n;
    int missing = !(quasi->order = mote_memory_allocate(memory, n, sizeof(int64_t)));
    missing |= !(quasi->scratch = mote_memory_allocate(memory, n, sizeof(int64_t)));
    missing |= !(quasi->key = mote_memory_allocate(memory, n, sizeof(double)));
    missing |= !(quasi->cumulative = mote_memory_allocate(memory, n, sizeof(double)));
    missing |= !(quasi->cell = mote_memory_allocate(memory, quasi->dimension, sizeof *quasi->cell));
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

static int allocate(mote_quasi *quasi, const mote_memory *memory)
{
    const int64_t n = quasi->n, d = quasi->dimension;
    int missing = allocate_curve(quasi, memory);
    missing |= !(quasi->net = mote_memory_allocate(memory, (1 + d) * n, sizeof *quasi->net));
    missing |= !(quasi->uniform = mote_memory_allocate(memory, d, sizeof *quasi->uniform));
    missing |= !(quasi->first = mote_memory_allocate(memory, n, sizeof(double)));
    for (int64_t k = 0; !missing && k < d; ++k)
        missing |= !(quasi->uniform[k] = mote_memory_allocate_aligned(memory, n, sizeof(double)));
    return missing ? MOTE_ENOMEM : MOTE_OK;
}

int mote_quasi_open(mote_quasi *quasi, int64_t n, int64_t dimension, const mote_memory *memory, mote_message *message)
{
    *quasi = (mote_quasi){ .n = n, .dimension = dimension };
    if (n < 1 || (n & (n - 1)) || n >= (int64_t)1 << 30)
        return mote_fail(message, MOTE_EOPTION, "option points = sobol needs a power of two below 2^30 as number of "
                         "particles, not %lld", (long long)n);
    if (dimension >= MOTE_SOBOL_DIMENSIONS)
        return mote_fail(message, MOTE_EOPTION, "option points = sobol: states of %lld coordinates; there are Sobol "
                         "points for %d", (long long)dimension, MOTE_SOBOL_DIMENSIONS - 1);
    int status = allocate(quasi, memory);
    if (!status)
        status = mote_sobol_net(quasi->net, 1 + dimension, n, memory);
    if (status)
        mote_quasi_close(quasi, memory);
    return status;
}

int mote_quasi_open_curve(mote_quasi *quasi, int64_t n, int64_t dimension, const mote_memory *memory,
                          mote_message *message)
{
    *quasi = (mote_quasi){ .n = n, .dimension = dimension };
    if (dimension >= MOTE_SOBOL_DIMENSIONS)
        return mote_fail(message, MOTE_EUNSUPPORTED, "sorted particles: states of %lld coordinates; the curve goes "
                                                     "through %d",
                         (long long)dimension, MOTE_SOBOL_DIMENSIONS - 1);
    int status = allocate_curve(quasi, memory);
    if (status)
        mote_quasi_close(quasi, memory);
    return status;
}

void mote_quasi_close(mote_quasi *quasi, const mote_memory *memory)
{
    for (int64_t k = 0; quasi->uniform && k < quasi->dimension; ++k)
        mote_memory_release_aligned(memory, quasi->uniform[k]);
    void *blocks[] = { quasi->net, quasi->uniform, quasi->first, quasi->order, quasi->scratch, quasi->key,
                       quasi->cumulative, quasi->cell };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        mote_memory_release(memory, blocks[i]);
    memset(quasi, 0, sizeof *quasi);
}

/* ---- points ---- */

static uint64_t shifted(uint32_t fraction, uint64_t shift)
{
    return (uint64_t)fraction << 32 ^ shift;
}

int mote_quasi_points(mote_quasi *quasi, mote_source *source)
{
    const int64_t n = quasi->n;
    uint64_t shift[MOTE_SOBOL_DIMENSIONS];
    mote_bits(source, shift, 1 + quasi->dimension);
    for (int64_t i = 0; i < n; ++i) {
        const double v = mote_uniform_inline(shifted(quasi->net[i], shift[0]));
        const int64_t slot = (int64_t)(v * (double)n);
        quasi->first[slot] = v;
        for (int64_t k = 0; k < quasi->dimension; ++k)
            quasi->uniform[k][slot] = mote_uniform_inline(shifted(quasi->net[(k + 1) * n + i], shift[k + 1]));
    }
    return mote_source_status(source);
}

/* ---- the curve ---- */

/* Skilling 2004, "Programming the Hilbert curve", AIP Conference Proceedings 707, 381: coordinates to the transposed
 * index, whose bits are then gathered, the highest of each coordinate first. */
uint64_t mote_hilbert_index(uint32_t *cell, int64_t d, int64_t bits)
{
    for (uint32_t q = (uint32_t)1 << (bits - 1); q > 1; q >>= 1)
        for (int64_t k = 0; k < d; ++k) {
            const uint32_t low = q - 1, exchange = cell[k] & q ? 0 : (cell[0] ^ cell[k]) & low;
            cell[0] ^= cell[k] & q ? low : exchange;
            cell[k] ^= exchange;
        }
    for (int64_t k = 1; k < d; ++k)
        cell[k] ^= cell[k - 1];
    uint32_t gray = 0;
    for (uint32_t q = (uint32_t)1 << (bits - 1); q > 1; q >>= 1)
        gray ^= cell[d - 1] & q ? q - 1 : 0;
    uint64_t index = 0;
    for (int64_t b = bits - 1; b >= 0; --b)
        for (int64_t k = 0; k < d; ++k)
            index = index << 1 | ((cell[k] ^ gray) >> b & 1);
    return index;
}

/* Mean and standard deviation, of what is finite at all. */
static void standardise(const double *x, int64_t n, double *mean, double *scale)
{
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; ++i)
        sum += x[i];
    *mean = sum / (double)n;
    for (int64_t i = 0; i < n; ++i)
        square += (x[i] - *mean) * (x[i] - *mean);
    *scale = square > 0 ? sqrt(square / (double)n) : 1;
}

static uint32_t cell_of(double x, double mean, double scale, int64_t bits)
{
    const double u = 1 / (1 + mote_exp((mean - x) / scale)), most = ldexp(1, (int)bits) - 1;
    const double place = floor(u * (most + 1));
    return place > 0 ? (uint32_t)(place < most ? place : most) : 0; /* NaN goes to 0 */
}

void mote_quasi_sort(mote_quasi *quasi, double *const *state)
{
    const int64_t n = quasi->n, d = quasi->dimension, bits = CURVE_BITS / d < 31 ? CURVE_BITS / d : 31;
    double mean[MOTE_SOBOL_DIMENSIONS], scale[MOTE_SOBOL_DIMENSIONS];
    if (d == 1) {
        mote_sort_index(quasi->order, quasi->scratch, state[0], n);
        return;
    }
    for (int64_t k = 0; k < d; ++k)
        standardise(state[k], n, &mean[k], &scale[k]);
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t k = 0; k < d; ++k)
            quasi->cell[k] = cell_of(state[k][i], mean[k], scale[k], bits);
        quasi->key[i] = (double)mote_hilbert_index(quasi->cell, d, bits);
    }
    mote_sort_index(quasi->order, quasi->scratch, quasi->key, n);
}

void mote_quasi_ancestors(mote_quasi *quasi, double *const *state, const double *weight, const double *factor,
                          int32_t *ancestor)
{
    const int64_t n = quasi->n;
    double total = 0;
    int64_t last = 0, j = 0;
    mote_quasi_sort(quasi, state);
    for (int64_t i = 0; i < n; ++i) {
        const int64_t particle = quasi->order[i];
        const double w = weight[particle] * factor[particle / 1024];
        total += w;
        quasi->cumulative[i] = total;
        last = w > 0 ? i : last;
    }
    for (int64_t i = 0; i < n; ++i) {
        while (j < last && quasi->cumulative[j] <= quasi->first[i] * total)
            ++j;
        ancestor[i] = (int32_t)quasi->order[j];
    }
}
