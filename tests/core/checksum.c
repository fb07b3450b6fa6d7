/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compiled by checksum.sh together with one build of the vector kernels and with sources and variates: exit 0 for the
 * expected checksums, 77 when this processor cannot run the build. */
#include "tests/core/checksum.h"

#include <stdio.h>

#include "core/source.h"
#include "core/vector_variants.h"
#include "tests/core/variate_checksum.h"

#define JOIN(a, b) a##b
#define TABLE(variant) JOIN(mote_vector_, variant)

static int can_run(const char *name)
{
#if defined __x86_64__
    __builtin_cpu_init();
    if (!strcmp(name, "v3"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!strcmp(name, "v4"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
#else
    (void)name;
#endif
    return 1;
}

/* In the place of core/vector.c: this build alone. */
const mote_vector_table *mote_vector(void)
{
    return &TABLE(MOTE_VARIANT);
}

double mote_exp(double x)
{
    return mote_vector()->one_exp(x);
}

double mote_log(double x)
{
    return mote_vector()->one_log(x);
}

static int differs(const char *what, uint64_t found, uint64_t expected)
{
    if (found != expected)
        printf("# %s: found %016llx\n", what, (unsigned long long)found);
    return found != expected;
}

int main(void)
{
    if (!can_run(mote_vector()->name))
        return 77;
    mote_source source = mote_source_live(mote_source_key(1, 0));
    int wrong = differs("kernels", checksum(mote_vector()), CHECKSUM_EXPECTED);
    for (int law = 0; law < VARIATE_LAWS; ++law)
        wrong += differs("variates", variate_checksum(&source, law), variate_expected[law]);
    return wrong > 0;
}
