/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compiled by checksum.sh together with one build of the vector kernels: exit 0 for the expected checksum, 77 when this
 * processor cannot run the build. */
#include "tests/core/checksum.h"

#include <stdio.h>

#include "core/vector_variants.h"

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

int main(void)
{
    const mote_vector_table *table = &TABLE(MOTE_VARIANT);
    if (!can_run(table->name))
        return 77;
    uint64_t found = checksum(table);
    if (found != CHECKSUM_EXPECTED)
        printf("# found %016llx\n", (unsigned long long)found);
    return found != CHECKSUM_EXPECTED;
}
