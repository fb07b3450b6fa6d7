/* SPDX-License-Identifier: BSD-2-Clause */
/* Derived parameters, and Gaussian terms on any sampled, fixed or derived parameter.
 *
 *     q0 = -1 - (1/2) d(E^2)/d(ln a) at a = 1,    t0 = (9.778 Gyr/h) integral_0^1 da/(a E),   S8 = sigma8 (Om/.3)^(1/2)
 *
 * Known answers: Einstein-de Sitter q0 = 1/2, de Sitter q0 = -1. */
#include <math.h>

#include "cosmology.h"

double cosmology_derived(const state *at, int64_t id)
{
    const double h = at->at.value[PARAMETER_H];
    switch (id) {
    case DERIVED_H0: return 100 * h;
    case DERIVED_AGE: return at->age;
    case DERIVED_Q0: return -1 - 0.5 * cosmology_slope(&at->at, 1, 1);
    case DERIVED_OMEGA_LAMBDA:
    case DERIVED_OMEGA_DE: return at->at.dark_energy;
    case DERIVED_HRD: return at->at.sound_horizon_h;
    case DERIVED_RD: return at->at.sound_horizon_h / h;
    case DERIVED_OMEGA_CB_H2: return at->at.matter * h * h;
    default: return at->at.value[PARAMETER_SIGMA8] * sqrt(at->at.value[PARAMETER_OMEGA_M] / 0.3);
    }
}

double cosmology_gaussians(const cosmology *all, const state *at)
{
    double sum = 0;
    for (int64_t i = 0; i < all->gaussian_count; ++i) {
        const gaussian *term = &all->gaussians[i];
        const double value = term->derived ? cosmology_derived(at, term->index) : at->at.value[term->index];
        const double pull = (value - term->mean) / term->sd;
        sum += pull * pull;
    }
    return isnan(sum) ? HUGE_VAL : sum; /* a derived value that does not exist */
}
