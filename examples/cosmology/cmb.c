/* SPDX-License-Identifier: BSD-2-Clause */
/* The microwave background compressed to three numbers with their covariance (arXiv:1411.1074, section III.B):
 *
 *     Omega_b h^2,  Omega_cb h^2 (baryons and cold dark matter),  D_M(1090)/r_d.
 *
 * They need radiation, neutrinos and the fitted sound horizon (model.c).
 * Known answer: h .6736, ob .02236, ocb .14256, mnu .06 eV: D_M(1090) 13865.08 Mpc, Planck 2018 chi-square 1.18. */
#include <stdlib.h>

#include "cosmology.h"

enum { MEANS = 3, NUMBERS = MEANS + MEANS * MEANS };

int cosmology_open_cmb(set *to, plan *redshifts, failure *why)
{
    to->extra = malloc(NUMBERS * sizeof *to->extra);
    if (!to->extra)
        return cosmology_fail(why, MOTE_ENOMEM, "%s: out of memory", to->path);
    int status = cosmology_read_block(to->extra, NUMBERS, to->path, to->from->format, why);
    if (!status)
        status = cosmology_form_open(&to->inverse, to->extra + MEANS, MEANS, 0, to->path, why);
    to->needs = PARAMETERS_CMB;
    return status ? status : cosmology_set_want(to, redshifts, NEED_DISTANCE, why);
}

double cosmology_chi2_cmb(const set *from, const state *at)
{
    const double h = at->at.value[PARAMETER_H], distance = at->distance[from->at[0]];
    at->residual[0] = at->at.value[PARAMETER_OMEGA_B_H2] - from->extra[0];
    at->residual[1] = at->at.matter * h * h - from->extra[1];
    at->residual[2] = HUBBLE_DISTANCE * distance / at->at.sound_horizon_h - from->extra[2];
    return cosmology_form_value(&from->inverse, at->residual, at->scratch);
}
