/* SPDX-License-Identifier: BSD-2-Clause */
/* Growth of structure and the f sigma8 compilation.
 *
 * Linear growth of cold matter, N = ln a:   d'' + (2 + dlnH/dN) d' - (3/2) Om(a) d = 0,   f = d'/d,
 *     f' = 3/2 Om(a) - f^2 - (2 + dlnH/dN) f,    ln d(a) = ln d(1) - integral_a^1 f dN,
 *     f sigma8 (a) = sigma8 d'(a)/d(1).
 * f starts at z = 1000 on the slow solution of its equation and forgets the start as a^(-5/2); fourth-order
 * Runge-Kutta with steps that end on the data's redshifts. Neutrinos do not cluster here.
 * Known answer: Einstein-de Sitter f = 1, d = a.
 *
 * A survey that measured f sigma8 in a fiducial cosmology is compared with theory / q, q = H D_A / (H D_A)_fiducial
 * (the Alcock-Paczynski correction of arXiv:1806.10822), the fiducial one being flat LCDM with the Om of its row. */
#include <math.h>
#include <stdlib.h>

#include "cosmology.h"

#define START 6.907755278982137 /* ln(1000) */

/* ---- steps ---------------------------------------------------------------------------------------------------- */
static double longest_step(double x)
{
    return x > 2.5 ? 0.2 : 0.06;
}

/* Steps from x down to `end`; with `length` NULL only their number. */
static int64_t lay_steps(double x, double end, double *length)
{
    int64_t count = 0;
    while (x - end > 1e-12) {
        const double rest = x - end, pieces = ceil(rest / longest_step(x));
        if (length)
            length[count] = rest / pieces;
        ++count;
        x = pieces > 1 ? x - rest / pieces : end;
    }
    return count;
}

static int64_t lay_all(const plan *from, double *length, int64_t *at)
{
    int64_t count = 0;
    double x = START;
    for (int64_t j = from->count; j-- > 0;) {
        if (at)
            at[j] = -1;
        if (!(from->need[j] & NEED_GROWTH))
            continue;
        const double end = log1p(from->z[j]);
        count += lay_steps(x, end, length ? length + count : NULL);
        x = end;
        if (at)
            at[j] = count;
    }
    return x == START ? 0 : count + lay_steps(x, 0, length ? length + count : NULL);
}

int cosmology_growth_nodes(plan *to, failure *why)
{
    to->growth_steps = lay_all(to, NULL, NULL);
    to->growth_step = malloc((size_t)(to->growth_steps + 1) * sizeof *to->growth_step);
    if (!to->growth_step)
        return cosmology_fail(why, MOTE_ENOMEM, "out of memory");
    lay_all(to, to->growth_step, to->growth_at);
    return MOTE_OK;
}

/* ---- the equation --------------------------------------------------------------------------------------------- */
typedef struct coefficients {
    double source, friction; /* 3/2 Om(a); 2 + dlnH/dN */
} coefficients;

static coefficients coefficients_at(const plan *from, const point *at, const double *squared, const double *dark,
                                    int64_t node)
{
    const double slope = cosmology_slope(at, from->at.a[node], dark[node]);
    return (coefficients){ 1.5 * at->matter * from->at.q3[node] / squared[node], 2 + 0.5 * slope / squared[node] };
}

static double rate(coefficients c, double f)
{
    return c.source - f * f - c.friction * f;
}

/* One Runge-Kutta step of f over `length`; returns the integral of f over it. */
static double step(double *f, coefficients start, coefficients middle, coefficients end, double length)
{
    const double f1 = *f, k1 = rate(start, f1);
    const double f2 = f1 + 0.5 * length * k1, k2 = rate(middle, f2);
    const double f3 = f1 + 0.5 * length * k2, k3 = rate(middle, f3);
    const double f4 = f1 + length * k3, k4 = rate(end, f4);
    *f = f1 + length / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    return length / 6 * (f1 + 2 * f2 + 2 * f3 + f4);
}

/* growth[j] first holds f, then f sigma8: logarithms of d are counted from the start, d(1) is known at the end. */
void cosmology_growth(const plan *from, const point *at, const double *squared, const double *dark, double *growth)
{
    if (!from->growth_steps)
        return;
    int64_t node = from->growth, next = from->count - 1;
    coefficients start = coefficients_at(from, at, squared, dark, node);
    double f = 0.5 * (sqrt(start.friction * start.friction + 4 * start.source) - start.friction), log_d = 0;
    for (int64_t i = 0; i < from->growth_steps; ++i, node += 2) {
        const coefficients middle = coefficients_at(from, at, squared, dark, node + 1);
        const coefficients end = coefficients_at(from, at, squared, dark, node + 2);
        log_d += step(&f, start, middle, end, from->growth_step[i]);
        start = end;
        for (; next >= 0 && from->growth_at[next] <= i + 1; --next)
            if (from->growth_at[next] == i + 1)
                growth[next] = f * exp(log_d);
    }
    const double scale = at->value[PARAMETER_SIGMA8] * exp(-log_d);
    for (int64_t j = 0; j < from->count; ++j)
        if (from->need[j] & NEED_GROWTH)
            growth[j] *= scale;
}

/* ---- the compilation ------------------------------------------------------------------------------------------ */
/* (H D_A)/c times 1+z in flat LCDM: E(z) chi(z). */
static double fiducial(double omega_m, double z)
{
    double node[24], weight[24], chi = 0;
    const double width = log1p(z);
    cosmology_gauss_legendre(24, node, weight);
    for (int64_t i = 0; i < 24; ++i) {
        const double q = exp(width * node[i]);
        chi += width * weight[i] * q / sqrt(omega_m * q * q * q + 1 - omega_m);
    }
    return chi * sqrt(omega_m * (1 + z) * (1 + z) * (1 + z) + 1 - omega_m);
}

int cosmology_open_growth(set *to, plan *redshifts, failure *why)
{
    int status = cosmology_set_read(to, 0, why);
    if (status)
        return status;
    const double *z = cosmology_column(&to->data, 'z'), *omega_m = cosmology_column(&to->data, 'o');
    to->extra = malloc((size_t)to->data.rows * sizeof *to->extra);
    if (!to->extra)
        return cosmology_fail(why, MOTE_ENOMEM, "%s: out of memory", to->path);
    for (int64_t i = 0; i < to->data.rows; ++i)
        to->extra[i] = fiducial(omega_m[i], z[i]);
    to->needs = PARAMETERS_SIGMA8;
    return cosmology_set_want(to, redshifts, NEED_DISTANCE | NEED_GROWTH, why);
}

double cosmology_chi2_growth(const set *from, const state *at)
{
    const double *measured = cosmology_column(&from->data, 'm');
    for (int64_t i = 0; i < from->data.rows; ++i) {
        const int64_t j = from->at[i];
        const double q = at->rate[j] * at->distance[j] / from->extra[i];
        at->residual[i] = measured[i] - at->growth[j] / q;
    }
    return cosmology_form_value(&from->inverse, at->residual, at->scratch);
}
