/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The choice among the builds of the vector kernels. It depends on the processor alone and the bits do not depend on
 * it, so that threads that choose at the same time agree: a relaxed store of the same pointer is enough. */
#include "core/vector.h"

#include <mote/maths.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "core/vector_variants.h"

/* How many of the variants below this processor can run. */
static int64_t variants(void)
{
#if defined MOTE_X86_64
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") ||
        !__builtin_cpu_supports("bmi2"))
        return 1;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512cd"))
        return 2;
    return 3;
#else
    return 1;
#endif
}

const mote_vector_table *mote_vector_variant(int64_t index)
{
#if defined MOTE_X86_64
    static const mote_vector_table *const tables[] = { &mote_vector_baseline, &mote_vector_v3, &mote_vector_v4 };
#else
    static const mote_vector_table *const tables[] = { &mote_vector_baseline };
#endif
    return index >= 0 && index < variants() ? tables[index] : NULL;
}

/* The best, or the one that MOTE_ISA names when this processor can run it. */
static const mote_vector_table *choose(void)
{
    const char *wanted = getenv("MOTE_ISA");
    const mote_vector_table *table, *best = &mote_vector_baseline;
    for (int64_t i = 0; (table = mote_vector_variant(i)); ++i) {
        if (wanted && !strcmp(wanted, table->name))
            return table;
        best = table;
    }
    return best;
}

const mote_vector_table *mote_vector(void)
{
    static _Atomic(const mote_vector_table *) chosen;
    const mote_vector_table *table = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!table) {
        table = choose();
        atomic_store_explicit(&chosen, table, memory_order_relaxed);
    }
    return table;
}

double mote_exp(double x)
{
    return mote_vector()->one_exp(x);
}

double mote_log(double x)
{
    return mote_vector()->one_log(x);
}

void mote_sincos_2pi(double v, double *sine, double *cosine)
{
    mote_vector()->one_sincos_2pi(v, sine, cosine);
}

void mote_exp_array(double *out, const double *x, int64_t n)
{
    mote_vector()->exp(out, x, n);
}

void mote_log_array(double *out, const double *x, int64_t n)
{
    mote_vector()->log(out, x, n);
}
