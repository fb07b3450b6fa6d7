/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who answers to dgemm_ in a program that took the cblas_* symbols from GSL's slow library, as a user's program may:
 * this one is linked with -lgslcblas in front of everything. */
#define _GNU_SOURCE 1 /* dladdr */
#include "core/blas.h"

#include <dlfcn.h>
#include <gsl/gsl_cblas.h>
#include <stdio.h>
#include <string.h>

static int failures;

static void check(int condition, const char *name)
{
    printf("%s - %s\n", condition ? "ok" : "not ok", name);
    failures += !condition;
}

static const char *library_of(void *symbol)
{
    Dl_info info;
    return dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : "";
}

/* C = A B with small whole numbers, row-major as C' = B' A': exact in any order of the sum. */
static int product_is_right(void)
{
    const double a[] = { 1, 2, 3, 4, 5, 6 }, b[] = { 7, 8, 9, 10, 11, 12 }, one = 1, zero = 0;
    const double expected[] = { 58, 64, 139, 154 };
    const int two = 2, three = 3;
    double c[4], d[4];
    dgemm_("N", "N", &two, &two, &three, &one, b, &two, a, &three, &zero, c, &two, 1, 1);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 2, 2, 3, 1, a, 3, b, 2, 0, d, 2);
    return !memcmp(c, expected, sizeof c) && !memcmp(d, expected, sizeof d);
}

static int factor_is_right(void)
{
    double a[] = { 4, 12, -16, 12, 37, -43, -16, -43, 98 };
    const int three = 3;
    int info = -1;
    dpotrf_("L", &three, a, &three, &info, 1);
    return !info && a[0] == 2 && a[1] == 6 && a[2] == -8 && a[4] == 1 && a[5] == 5 && a[8] == 3;
}

int main(void)
{
    const char *cblas = library_of((void *)(size_t)&cblas_dgemm), *fortran = library_of((void *)(size_t)&dgemm_);
    printf("# cblas_dgemm: %s\n# dgemm_: %s\n# kernels: %s\n", cblas, fortran, mote_blas_name());
    check(strstr(cblas, "gslcblas") != NULL, "the host's cblas_* belong to GSL's library");
    check(strstr(fortran, "openblas") != NULL, "dgemm_ belongs to OpenBLAS all the same");
    check(strcmp(mote_blas_name(), "unknown") != 0, "OpenBLAS tells its kernel family");
    check(product_is_right(), "products");
    check(factor_is_right(), "Cholesky factor");
    return failures != 0;
}
