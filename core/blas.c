/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "core/blas.h"

#if defined __ELF__
extern char *openblas_get_corename(void) __attribute__((weak));

const char *mote_blas_name(void)
{
    return openblas_get_corename ? openblas_get_corename() : "unknown";
}
#else
const char *mote_blas_name(void)
{
    return "unknown";
}
#endif
