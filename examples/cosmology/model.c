/* SPDX-License-Identifier: BSD-2-Clause */
/* Models: the expansion rate from the parameters.
 *
 *     E^2(a) = Om a^-3 + Ok a^-2 + Ode a^(-3(1+w+wa)) exp(-3 wa (1-a)) + R(a),    Ode closes E(1) = 1
 *
 * (Chevallier & Polarski 2001, Linder 2003). Without radiation R = 0 and Om = omega_m. With it omega_m includes
 * massive neutrinos, cold matter is Om = omega_m - (mnu / 93.14 eV)/h^2, and photons and neutrinos together are
 * (Komatsu et al. 2011, arXiv:1001.4538, section 3.3, equation 26)
 *
 *     R(a) = og a^-4 [1 + .2271 Neff (2/3 + f(y)/3)],  og = 2.473e-5/h^2,
 *     f(y) = (1 + (.3173 y)^1.83)^(1/1.83),            y = 3 * 187 (mnu/93.14 eV / 1e-3) a:
 *
 * two massless species and one with all the mass. Adding the mass on top of the full Neff would count that species
 * twice: the compressed Planck chi-square at its best fit would be 3.85 instead of 1.18.
 * The sound horizon at the drag epoch, in Mpc, is the fit of Aubourg et al. 2015 (arXiv:1411.1074, equation 16):
 *
 *     r_d = 55.154 exp(-72.3 (onu + .0006)^2) / (ocb^.25351 ob^.12807),  o = Omega h^2.
 *
 * Known answer: h .6736, ob .02236, ocb .14256, mnu .06 eV, Neff 3.046 gives r_d = 147.0218 Mpc. */
#include <math.h>
#include <string.h>

#include "cosmology.h"

#define PHOTONS_H2         2.473e-5 /* Omega_gamma h^2 at 2.725 K */
#define NEUTRINO_RATIO     0.2271   /* energy of one relativistic species over that of photons */
#define NEUTRINO_EV        93.14    /* mnu / (Omega_nu h^2), eV */
#define KOMATSU_POWER      1.83
#define KOMATSU_ARGUMENT   (0.3173 * 3 * 187 / 1e-3)

static const physics models[] = {
    { "lcdm", 0, 0, 0, 0 },   { "olcdm", 1, 0, 0, 0 },    { "wcdm", 0, 1, 0, 0 },   { "owcdm", 1, 1, 0, 0 },
    { "cpl", 0, 1, 1, 0 },    { "owacdm", 1, 1, 1, 0 },   { "nulcdm", 0, 0, 0, 1 }, { "nuowacdm", 1, 1, 1, 1 },
    { "w0wacdm", 0, 1, 1, 0 }, { "wacdm", 0, 1, 1, 0 },
};
enum { MODEL_COUNT = sizeof models / sizeof *models };

const physics *cosmology_physics(const char *name)
{
    for (int64_t i = 0; i < MODEL_COUNT; ++i)
        if (!strcmp(name, models[i].name))
            return &models[i];
    return NULL;
}

const char *const *cosmology_physics_names(int64_t *count)
{
    static const char *const names[] = { "lcdm",   "olcdm",  "wcdm",     "owcdm",   "cpl",
                                         "owacdm", "nulcdm", "nuowacdm", "w0wacdm", "wacdm" };
    *count = MODEL_COUNT;
    return names;
}

/* ---- one parameter row ---------------------------------------------------------------------------------------- */
static double neutrino_factor(const point *at, double a)
{
    const double power = at->neutrino_mass > 0 ? pow(at->neutrino_mass * a, KOMATSU_POWER) : 0;
    return pow(1 + power, 1 / KOMATSU_POWER);
}

static void set_radiation(point *out)
{
    const double h2 = out->value[PARAMETER_H] * out->value[PARAMETER_H];
    const double omega_nu_h2 = out->value[PARAMETER_MNU] / NEUTRINO_EV;
    out->photons = PHOTONS_H2 / h2;
    out->neutrino_share = NEUTRINO_RATIO * out->value[PARAMETER_NEFF];
    out->neutrino_mass = KOMATSU_ARGUMENT * omega_nu_h2;
    out->matter = out->value[PARAMETER_OMEGA_M] - omega_nu_h2 / h2;
}

static double sound_horizon(const point *at)
{
    const double h = at->value[PARAMETER_H], nu = at->value[PARAMETER_MNU] / NEUTRINO_EV + 0.0006;
    return 55.154 * exp(-72.3 * nu * nu) /
           (pow(at->matter * h * h, 0.25351) * pow(at->value[PARAMETER_OMEGA_B_H2], 0.12807));
}

void cosmology_point_set(point *out, const double *theta, const int64_t *index, int64_t radiation, int64_t computed)
{
    static const double standard[PARAMETER_COUNT] = { [PARAMETER_W] = -1, [PARAMETER_MNU] = 0.06,
                                                      [PARAMETER_NEFF] = 3.046 };
    memset(out, 0, sizeof *out);
    for (int64_t i = 0; i < PARAMETER_COUNT; ++i)
        out->value[i] = index[i] >= 0 ? theta[index[i]] : standard[i];
    out->matter = out->value[PARAMETER_OMEGA_M];
    out->curvature = out->value[PARAMETER_OMEGA_K];
    if (radiation)
        set_radiation(out);
    const double neutrinos = radiation ? out->neutrino_share * (2 + neutrino_factor(out, 1)) / 3 : 0;
    out->dark_energy = 1 - out->matter - out->curvature - out->photons * (1 + neutrinos);
    out->sound_horizon_h = computed ? out->value[PARAMETER_H] * sound_horizon(out) : out->value[PARAMETER_HRD];
}

/* ---- E^2 ------------------------------------------------------------------------------------------------------ */
/* rho_de(a)/rho_de(1) = exp(3 (1 + w + wa) x - 3 wa (1 - a)), x = -ln a */
static void dark_energy(const point *at, const nodes *where, vector_function *exponential, double *dark,
                        double *exponent)
{
    const double w = at->value[PARAMETER_W], wa = at->value[PARAMETER_WA];
    for (int64_t k = 0; k < where->n; ++k)
        exponent[k] = 3 * (1 + w + wa) * where->x[k] - 3 * wa * (1 - where->a[k]);
    exponential(dark, exponent, where->n);
}

/* Adds R(a). With s = .3173 y: f = exp(log(1 + exp(1.83 log s))/1.83), log s = log s(1) - x. */
static void add_radiation(const point *at, const nodes *where, vector_function *exponential,
                          vector_function *logarithm, double *squared, double *scratch)
{
    double *f = scratch, *work = scratch + where->n;
    const double log_mass = log(at->neutrino_mass), share = at->neutrino_share / 3;
    for (int64_t k = 0; k < where->n; ++k)
        f[k] = at->neutrino_mass > 0 ? KOMATSU_POWER * (log_mass - where->x[k]) : -HUGE_VAL;
    exponential(work, f, where->n);
    for (int64_t k = 0; k < where->n; ++k)
        work[k] += 1;
    logarithm(f, work, where->n);
    for (int64_t k = 0; k < where->n; ++k)
        f[k] *= 1 / KOMATSU_POWER;
    exponential(work, f, where->n);
    for (int64_t k = 0; k < where->n; ++k)
        squared[k] += at->photons * where->q4[k] * (1 + share * (2 + work[k]));
}

void cosmology_expansion(const point *at, const physics *model, const nodes *where, vector_function *exponential,
                         vector_function *logarithm, double *squared, double *dark, double *scratch)
{
    const double matter = at->matter, curvature = at->curvature, constant = at->dark_energy;
    if (model->w)
        dark_energy(at, where, exponential, dark, scratch);
    else
        for (int64_t k = 0; k < where->n; ++k)
            dark[k] = 1;
    for (int64_t k = 0; k < where->n; ++k)
        squared[k] = matter * where->q3[k] + curvature * where->q2[k] + constant * dark[k];
    if (at->photons > 0)
        add_radiation(at, where, exponential, logarithm, squared, scratch);
}

double cosmology_slope(const point *at, double a, double dark)
{
    const double q = 1 / a, w = at->value[PARAMETER_W] + at->value[PARAMETER_WA] * (1 - a);
    double slope = -q * q * (3 * at->matter * q + 2 * at->curvature) - 3 * (1 + w) * at->dark_energy * dark;
    if (at->photons > 0) {
        const double f = neutrino_factor(at, a), power = pow(f, KOMATSU_POWER);
        const double rise = f * (power - 1) / power; /* df/d(ln a) */
        slope += at->photons * q * q * q * q * at->neutrino_share / 3 * rise;
        slope -= 4 * at->photons * q * q * q * q * (1 + at->neutrino_share / 3 * (2 + f));
    }
    return slope;
}
