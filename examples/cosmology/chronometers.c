/* SPDX-License-Identifier: BSD-2-Clause */
/* Cosmic chronometers: the expansion rate H(z) = 100 h E(z) km/s/Mpc from the ages of passive galaxies.
 * The 15 points of arXiv:2003.07362 have a full covariance; the 31-point list has independent errors. */
#include "cosmology.h"

int cosmology_open_chronometers(set *to, plan *redshifts, failure *why)
{
    const int status = cosmology_set_read(to, 0, why);
    to->needs = PARAMETERS_H;
    return status ? status : cosmology_set_want(to, redshifts, NEED_RATE, why);
}

double cosmology_chi2_chronometers(const set *from, const state *at)
{
    const double *measured = cosmology_column(&from->data, 'm'), h = at->at.value[PARAMETER_H];
    for (int64_t i = 0; i < from->data.rows; ++i)
        at->residual[i] = measured[i] - 100 * h * at->rate[from->at[i]];
    return cosmology_form_value(&from->inverse, at->residual, at->scratch);
}
