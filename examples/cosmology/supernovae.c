/* SPDX-License-Identifier: BSD-2-Clause */
/* Supernovae: r = m - 5 log10[(1 + z_hel) D_M(z_cmb) H0/c]. The absolute magnitude and H0 are one additive constant,
 * which is removed analytically (form.c): chi2 = A - B^2/E. Files without heliocentric redshifts use z for both. */
#include <stdlib.h>

#include "cosmology.h"

#define MAGNITUDES 2.1714724095162591 /* 5 / ln 10 */

int cosmology_open_supernovae(set *to, plan *redshifts, failure *why)
{
    int status = cosmology_set_read(to, 1, why);
    if (status)
        return status;
    const double *z = cosmology_column(&to->data, 'z'), *heliocentric = cosmology_column(&to->data, 'Z');
    to->extra = malloc((size_t)to->data.rows * sizeof *to->extra);
    if (!to->extra)
        return cosmology_fail(why, MOTE_ENOMEM, "%s: out of memory", to->path);
    for (int64_t i = 0; i < to->data.rows; ++i)
        to->extra[i] = 1 + (heliocentric ? heliocentric[i] : z[i]);
    return cosmology_set_want(to, redshifts, NEED_DISTANCE, why);
}

double cosmology_chi2_supernovae(const set *from, const state *at)
{
    const double *measured = cosmology_column(&from->data, 'm');
    const int64_t n = from->data.rows;
    for (int64_t i = 0; i < n; ++i)
        at->scratch[i] = from->extra[i] * at->distance[from->at[i]];
    at->all->logarithm(at->residual, at->scratch, n);
    for (int64_t i = 0; i < n; ++i)
        at->residual[i] = measured[i] - MAGNITUDES * at->residual[i];
    return cosmology_form_value(&from->inverse, at->residual, at->scratch);
}
