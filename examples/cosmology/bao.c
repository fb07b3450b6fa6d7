/* SPDX-License-Identifier: BSD-2-Clause */
/* Baryon acoustic oscillations: distances in units of the sound horizon r_d.
 *
 *     D_M/r_d, D_H/r_d, D_V/r_d = (2997.92458 Mpc / h r_d) times D_M H0/c, 1/E, (z D_M^2/E)^(1/3) H0/c
 *
 * so that one number, h r_d, is all that is needed besides E(z). BOSS DR12 (arXiv:1607.03155) gives
 * D_M (r_fid/r_d) in Mpc and H (r_d/r_fid) in km/s/Mpc with r_fid = 147.78 Mpc: a file with a row of bao_Hz_rs is read
 * that way. Tables of likelihoods (not logarithms): eBOSS ELG in D_V/r_d, linear; eBOSS Lyman-alpha in D_M/r_d and
 * D_H/r_d, bilinear in the likelihood. MGS (arXiv:1409.3242) is a table of chi-square in alpha = (D_V/r_d)/4.2972.
 * Outside a table the likelihood is zero. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cosmology.h"

#define BOSS_FIDUCIAL 147.78         /* r_d, Mpc */
#define MGS_FIDUCIAL  4.29720761315  /* D_V/r_d at z = 0.15 */
#define MGS_FIRST     0.8005         /* alpha of the table's first and last row */
#define MGS_LAST      1.1985

/* ---- Gaussian sets -------------------------------------------------------------------------------------------- */
int64_t cosmology_quantity(const char *word)
{
    static const char *const names[] = { [DV_OVER_RS] = "DV_over_rs", [DM_OVER_RS] = "DM_over_rs",
                                         [DH_OVER_RS] = "DH_over_rs", [F_SIGMA8] = "f_sigma8", [HZ_RS] = "bao_Hz_rs" };
    for (int64_t i = 0; i < (int64_t)(sizeof names / sizeof *names); ++i)
        if (!strcmp(word, names[i]))
            return i;
    return -1;
}

/* In BOSS's files D_M has the units that go with bao_Hz_rs. */
static void mark_boss_units(const set *to)
{
    double *quantity = to->data.value + (strchr(to->data.format, 'q') - to->data.format) * to->data.rows;
    int64_t boss = 0;
    for (int64_t i = 0; i < to->data.rows; ++i)
        boss |= (int64_t)quantity[i] == HZ_RS;
    for (int64_t i = 0; boss && i < to->data.rows; ++i)
        if ((int64_t)quantity[i] == DM_OVER_RS)
            quantity[i] = DM_RS_MPC;
}

int cosmology_open_bao(set *to, plan *redshifts, failure *why)
{
    int status = cosmology_set_read(to, 0, why);
    if (status)
        return status;
    mark_boss_units(to);
    const double *quantity = cosmology_column(&to->data, 'q'), *z = cosmology_column(&to->data, 'z');
    for (int64_t i = 0; !status && i < to->data.rows; ++i) {
        const int64_t what = (int64_t)quantity[i];
        to->needs |= what == F_SIGMA8 ? PARAMETERS_SIGMA8 : PARAMETERS_HRD;
        status = cosmology_plan_want(redshifts, z[i], what == F_SIGMA8 ? NEED_GROWTH
                                     : what == DH_OVER_RS || what == HZ_RS ? NEED_RATE : NEED_DISTANCE, why);
    }
    return status;
}

static double volume_distance(double z, double distance, double rate)
{
    return cbrt(z * distance * distance / rate);
}

static double predicted(int64_t quantity, double z, int64_t j, const state *at)
{
    const double scale = HUBBLE_DISTANCE / at->at.sound_horizon_h;
    switch (quantity) {
    case DV_OVER_RS: return scale * volume_distance(z, at->distance[j], at->rate[j]);
    case DM_OVER_RS: return scale * at->distance[j];
    case DH_OVER_RS: return scale / at->rate[j];
    case DM_RS_MPC: return scale * at->distance[j] * BOSS_FIDUCIAL;
    case HZ_RS: return LIGHT_SPEED / BOSS_FIDUCIAL * at->rate[j] / scale;
    default: return at->growth[j];
    }
}

double cosmology_chi2_bao(const set *from, const state *at)
{
    const double *z = cosmology_column(&from->data, 'z'), *measured = cosmology_column(&from->data, 'm');
    const double *quantity = cosmology_column(&from->data, 'q');
    for (int64_t i = 0; i < from->data.rows; ++i)
        at->residual[i] = measured[i] - predicted((int64_t)quantity[i], z[i], from->at[i], at);
    return cosmology_form_value(&from->inverse, at->residual, at->scratch);
}

/* ---- tables in one variable ----------------------------------------------------------------------------------- */
/* The interval of ascending `u` that holds `at`, or -1. */
static int64_t interval(const double *u, int64_t n, double at)
{
    if (!(at >= u[0] && at <= u[n - 1]))
        return -1;
    int64_t low = 0, high = n - 1;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (u[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int check_ascending(const double *u, int64_t n, const set *to, failure *why)
{
    for (int64_t i = 1; i < n; ++i)
        if (!(u[i] > u[i - 1]))
            return cosmology_fail(why, MOTE_EPARSE, "%s: data row %lld: %.17g does not ascend", to->path,
                                  (long long)i + 1, u[i]);
    return MOTE_OK;
}

/* extra: the variable. Without a column u it is MGS's alpha. */
int cosmology_open_bao_curve(set *to, plan *redshifts, failure *why)
{
    int status = cosmology_read_table(&to->data, to->path, to->from->format, why);
    if (status)
        return status;
    const int64_t n = to->data.rows;
    const double *u = cosmology_column(&to->data, 'u');
    to->extra = malloc((size_t)n * sizeof *to->extra);
    if (!to->extra)
        return cosmology_fail(why, MOTE_ENOMEM, "%s: out of memory", to->path);
    for (int64_t i = 0; i < n; ++i)
        to->extra[i] = u ? u[i] : MGS_FIRST + (MGS_LAST - MGS_FIRST) * (double)i / (double)(n - 1);
    status = n < 2 ? cosmology_fail(why, MOTE_EPARSE, "%s: a table needs two rows", to->path)
                   : check_ascending(to->extra, n, to, why);
    to->needs = PARAMETERS_HRD;
    return status ? status : cosmology_set_want(to, redshifts, NEED_DISTANCE, why);
}

static double linear(const set *from, double u, double outside)
{
    const double *value = cosmology_column(&from->data, 'm');
    const int64_t i = interval(from->extra, from->data.rows, u);
    if (i < 0)
        return outside;
    const double share = (u - from->extra[i]) / (from->extra[i + 1] - from->extra[i]);
    return value[i] + share * (value[i + 1] - value[i]);
}

static double table_volume(const set *from, const state *at)
{
    const int64_t j = from->at[0];
    return HUBBLE_DISTANCE / at->at.sound_horizon_h *
           volume_distance(from->from->redshift, at->distance[j], at->rate[j]);
}

double cosmology_chi2_elg(const set *from, const state *at)
{
    return -2 * log(fmax(linear(from, table_volume(from, at), 0), 0));
}

double cosmology_chi2_mgs(const set *from, const state *at)
{
    return linear(from, table_volume(from, at) / MGS_FIDUCIAL, HUGE_VAL);
}

/* ---- tables in two variables ---------------------------------------------------------------------------------- */
/* Rows ordered by u, then v, on a full grid. extra: the u of the grid, then the v. */
static int check_grid(set *to, failure *why)
{
    const double *u = cosmology_column(&to->data, 'u'), *v = cosmology_column(&to->data, 'v');
    const int64_t n = to->data.rows;
    int64_t columns = 1;
    while (columns < n && u[columns] == u[0])
        ++columns;
    const int64_t rows = n / columns;
    to->grid[0] = rows;
    to->grid[1] = columns;
    if (rows * columns != n || rows < 2 || columns < 2)
        return cosmology_fail(why, MOTE_EPARSE, "%s: %lld rows are no grid", to->path, (long long)n);
    for (int64_t i = 0; i < n; ++i)
        if (u[i] != u[i / columns * columns] || v[i] != v[i % columns])
            return cosmology_fail(why, MOTE_EPARSE, "%s: data row %lld does not fit into the grid of %lld x %lld",
                                  to->path, (long long)i + 1, (long long)rows, (long long)columns);
    for (int64_t i = 0; i < rows; ++i)
        to->extra[i] = u[i * columns];
    memcpy(to->extra + rows, v, (size_t)columns * sizeof *v);
    const int status = check_ascending(to->extra, rows, to, why);
    return status ? status : check_ascending(to->extra + rows, columns, to, why);
}

int cosmology_open_bao_grid(set *to, plan *redshifts, failure *why)
{
    int status = cosmology_read_table(&to->data, to->path, to->from->format, why);
    if (status)
        return status;
    to->extra = malloc((size_t)(2 * to->data.rows) * sizeof *to->extra);
    if (!to->extra)
        return cosmology_fail(why, MOTE_ENOMEM, "%s: out of memory", to->path);
    status = check_grid(to, why);
    to->needs = PARAMETERS_HRD;
    return status ? status : cosmology_set_want(to, redshifts, NEED_DISTANCE, why);
}

double cosmology_chi2_bao_grid(const set *from, const state *at)
{
    const int64_t j = from->at[0], columns = from->grid[1];
    const double scale = HUBBLE_DISTANCE / at->at.sound_horizon_h;
    const double u = scale * at->distance[j], v = scale / at->rate[j];
    const double *grid_u = from->extra, *grid_v = from->extra + from->grid[0];
    const int64_t i = interval(grid_u, from->grid[0], u), k = interval(grid_v, columns, v);
    if (i < 0 || k < 0)
        return HUGE_VAL;
    const double s = (u - grid_u[i]) / (grid_u[i + 1] - grid_u[i]), t = (v - grid_v[k]) / (grid_v[k + 1] - grid_v[k]);
    const double *corner = cosmology_column(&from->data, 'm') + i * columns + k;
    const double below = corner[0] + t * (corner[1] - corner[0]);
    const double above = corner[columns] + t * (corner[columns + 1] - corner[columns]);
    return -2 * log(fmax(below + s * (above - below), 0));
}
