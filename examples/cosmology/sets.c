/* SPDX-License-Identifier: BSD-2-Clause */
/* The data sets by name, and what opening one of any kind has in common.
 *
 * To add a set of a known kind, add a line: its name, other names for it, a LaTeX label
 * (upright mathematics), how to open it and to compute
 * its chi-square, its file with a letter per column (data.c), its covariance file, a redshift where the file has none,
 * and tags for the table of overlaps. A column e beside a covariance matrix is added to the matrix's diagonal.
 * Papers and columns of every file: data/cosmology/SOURCES.md. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cosmology.h"

#define CC       cosmology_open_chronometers, cosmology_chi2_chronometers
#define SN       cosmology_open_supernovae, cosmology_chi2_supernovae
#define BAO      cosmology_open_bao, cosmology_chi2_bao
#define ELG      cosmology_open_bao_curve, cosmology_chi2_elg
#define MGS      cosmology_open_bao_curve, cosmology_chi2_mgs
#define LYA      cosmology_open_bao_grid, cosmology_chi2_bao_grid
#define GROWTH   cosmology_open_growth, cosmology_chi2_growth
#define CMB      cosmology_open_cmb, cosmology_chi2_cmb
#define LCPARAM  "xzZxmexxxxxxxxxxxx" /* name zcmb zhel dz mb dmb ... */
#define LCPARAM_ "xzZxmxxxxxxxxxxxxx" /* the same, errors inside the covariance */
#define DR2      "bao/desi_dr2_gaussian_bao_"
#define DESI(tracer) DR2 tracer "_mean.txt", "zmq", DR2 tracer "_cov.txt"

static const source sources[] = {
    { "cc15", "cc", "CC15", CC, "cc/HzTable_MM_BC03.dat", "zmxxx", "cc/cov_cc_MM_BC03.txt", 0, TAG_CC15 },
    { "cc31", "", "CC31", CC, "cc/HDiagramCompilacion-data_31.txt", "zme", NULL, 0, TAG_CC31 },

    { "pantheon40", "pb pb40 pantheon", "Pantheon", SN, "sn/lcparam_DS17f.txt", LCPARAM, "sn/sys_DS17f.txt", 0,
      TAG_SUPERNOVAE },
    { "pantheon15", "pb15", "Pantheon\\ (15\\ bins)", SN, "sn/binned_pantheon_15.txt", "zm",
      "sn/binned_cov_pantheon_15.txt", 0, TAG_SUPERNOVAE },
    { "union3", "u3", "Union3", SN, "sn/union3_lcparam_full.txt", LCPARAM_, "sn/union3_mag_covmat.txt", 0,
      TAG_SUPERNOVAE },
    { "union21b", "union21 union2.1 union2.1b", "Union2.1\\ (binned)", SN, "sn/binned-sne-union21-v2.txt", "zm",
      "sn/binned-covariance-sne-union21-v2.txt", 0, TAG_SUPERNOVAE },
    { "union2", "u2", "Union2", SN, "sn/sn_z_mu_dmu_union2.txt", "xzme", NULL, 0, TAG_SUPERNOVAE },
    { "jla31", "jla", "JLA\\ (binned)", SN, "sn/jla_binned_distances_31nodes_v1.txt", "zm",
      "sn/cov_jla_binned_distances_31nodes_v1.txt", 0, TAG_SUPERNOVAE },

    { "desi_dr2", "dr2", "DESI\\ DR2", BAO, DESI("ALL_GCcomb"), 0, TAG_DESI_DR2 },
    { "desi_dr2_bgs", "", "DESI\\ DR2\\ BGS", BAO, DESI("BGS_BRIGHT-21.35_GCcomb"), 0, TAG_DESI_TRACER },
    { "desi_dr2_lrg1", "", "DESI\\ DR2\\ LRG1", BAO, DESI("LRG_GCcomb_z0.4-0.6"), 0, TAG_DESI_TRACER },
    { "desi_dr2_lrg2", "", "DESI\\ DR2\\ LRG2", BAO, DESI("LRG_GCcomb_z0.6-0.8"), 0, TAG_DESI_TRACER },
    { "desi_dr2_lrg3elg1", "", "DESI\\ DR2\\ LRG3+ELG1", BAO, DESI("LRG+ELG_LOPnotqso_GCcomb"), 0, TAG_DESI_TRACER },
    { "desi_dr2_elg2", "", "DESI\\ DR2\\ ELG2", BAO, DESI("ELG_LOPnotqso_GCcomb_z1.1-1.6"), 0, TAG_DESI_TRACER },
    { "desi_dr2_qso", "", "DESI\\ DR2\\ QSO", BAO, DESI("QSO_GCcomb"), 0, TAG_DESI_TRACER },
    { "desi_dr2_lya", "", "DESI\\ DR2\\ Ly\\alpha", BAO, DESI("Lya_GCcomb"), 0, TAG_DESI_TRACER },
    { "desi_dr1", "dr1 desi_2024", "DESI\\ DR1", BAO, "bao/desi_2024_gaussian_bao_ALL_GCcomb_mean.txt", "zmq",
      "bao/desi_2024_gaussian_bao_ALL_GCcomb_cov.txt", 0, TAG_DESI_DR1 },

    { "boss_bao", "", "BOSS\\ BAO", BAO, "bao/sdss_DR12Consensus_bao.dat", "zmq", "bao/BAO_consensus_covtot_dM_Hz.txt",
      0, TAG_SDSS | TAG_BOSS },
    { "boss_fs", "", "BOSS\\ FS", BAO, "bao/sdss_DR12Consensus_FS.dat", "zmq", "bao/FS_consensus_covtot_dM_Hz_fsig.txt",
      0, TAG_SDSS | TAG_BOSS | TAG_GROWTH },
    { "boss_final", "boss", "BOSS\\ final", BAO, "bao/sdss_DR12Consensus_final.dat", "zmq",
      "bao/final_consensus_covtot_dM_Hz_fsig.txt", 0, TAG_SDSS | TAG_BOSS | TAG_GROWTH },
    { "dr12_lrg", "", "DR12\\ LRG", BAO, "bao/sdss_DR12_LRG_BAO_DMDH.dat", "zmq",
      "bao/sdss_DR12_LRG_BAO_DMDH_covtot.txt", 0, TAG_SDSS | TAG_DR12_LRG },
    { "dr16_lrg", "", "DR16\\ LRG", BAO, "bao/sdss_DR16_LRG_BAO_DMDH.dat", "zmq",
      "bao/sdss_DR16_LRG_BAO_DMDH_covtot.txt", 0, TAG_SDSS | TAG_DR16_LRG },
    { "dr16_lrg_fs", "", "DR16\\ LRG\\ FS", BAO, "bao/sdss_DR16_BAOplus_LRG_FSBAO_DMDHfs8.dat", "zmq",
      "bao/sdss_DR16_BAOplus_LRG_FSBAO_DMDHfs8_covtot.txt", 0, TAG_SDSS | TAG_DR16_LRG_FS | TAG_GROWTH },
    { "dr16_qso", "qso", "DR16\\ QSO", BAO, "bao/sdss_DR16_QSO_BAO_DMDH.txt", "zmq",
      "bao/sdss_DR16_QSO_BAO_DMDH_covtot.txt", 0, TAG_SDSS | TAG_QSO },
    { "dr16_qso_fs", "qso_fs", "DR16\\ QSO\\ FS", BAO, "bao/sdss_DR16_BAOplus_QSO_FSBAO_DMDHfs8.dat", "zmq",
      "bao/sdss_DR16_BAOplus_QSO_FSBAO_DMDHfs8_covtot.txt", 0, TAG_SDSS | TAG_QSO_FS | TAG_GROWTH },
    { "elg", "dr16_elg", "DR16\\ ELG", ELG, "bao/sdss_DR16_ELG_BAO_DVtable.txt", "um", NULL, 0.845, TAG_SDSS },
    { "mgs", "", "MGS", MGS, "bao/sdss_MGS_prob.txt", "m", NULL, 0.15, TAG_SDSS },
    { "lya_auto", "", "DR16\\ Ly\\alpha\\ auto", LYA, "bao/sdss_DR16_LYAUTO_BAO_DMDHgrid.txt", "uvm", NULL, 2.334,
      TAG_SDSS },
    { "lya_cross", "", "DR16\\ Ly\\alpha\\ cross", LYA, "bao/sdss_DR16_LYxQSO_BAO_DMDHgrid.txt", "uvm", NULL, 2.334,
      TAG_SDSS },

    { "fs8_gold", "fs8", "f\\sigma_8\\ Gold", GROWTH, "growth/fs8Diagram.txt", "zmxo", "growth/fs8Diagram-cov.txt", 0,
      TAG_GOLD },

    { "plk18", "planck18", "Planck\\ 2018", CMB, "cmb/planck_compressed_simplemc.txt", "PLK18", NULL, REDSHIFT_CMB,
      TAG_CMB },
    { "plk15", "planck15", "Planck\\ 2015", CMB, "cmb/planck_compressed_simplemc.txt", "PLK15", NULL, REDSHIFT_CMB,
      TAG_CMB },
    { "wmap9", "", "WMAP9", CMB, "cmb/planck_compressed_simplemc.txt", "WMAP9", NULL, REDSHIFT_CMB, TAG_CMB },
};

const source cosmology_custom_bao = { "bao", "", "BAO", BAO, NULL, "zmq", NULL, 0, 0 };

/* ---- names ---------------------------------------------------------------------------------------------------- */
static int same_word(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; ++i)
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i]))
            return 0;
    return 1;
}

/* Whether `words`, separated by blanks, have `name` among them. */
static int has_word(const char *words, const char *name)
{
    while (*words) {
        const size_t length = strcspn(words, " ");
        if (length == strlen(name) && same_word(words, name, length))
            return 1;
        words += length;
        words += strspn(words, " ");
    }
    return 0;
}

const source *cosmology_source(const char *name)
{
    for (size_t i = 0; i < sizeof sources / sizeof *sources; ++i)
        if (has_word(sources[i].name, name) || has_word(sources[i].aliases, name))
            return &sources[i];
    return NULL;
}

const source *cosmology_source_at(int64_t index)
{
    return index >= 0 && index < (int64_t)(sizeof sources / sizeof *sources) ? &sources[index] : NULL;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */
static int check_rows(const set *to, failure *why)
{
    const double *z = cosmology_column(&to->data, 'z'), *sd = cosmology_column(&to->data, 'e');
    for (int64_t i = 0; i < to->data.rows; ++i) {
        if (z && !(z[i] > 0 && z[i] < 1100))
            return cosmology_fail(why, MOTE_EPARSE, "%s: data row %lld: redshift %g is not inside (0, 1100)", to->path,
                                  (long long)i + 1, z[i]);
        if (sd && !(sd[i] > 0))
            return cosmology_fail(why, MOTE_EPARSE, "%s: data row %lld: error %g is not positive", to->path,
                                  (long long)i + 1, sd[i]);
    }
    return MOTE_OK;
}

int cosmology_set_read(set *to, int64_t offset, failure *why)
{
    double *covariance = NULL;
    int status = cosmology_read_table(&to->data, to->path, to->from->format, why);
    if (!status)
        status = check_rows(to, why);
    if (status)
        return status;
    const int64_t n = to->data.rows;
    const double *sd = cosmology_column(&to->data, 'e');
    if (!*to->covariance_path)
        return cosmology_form_open_diagonal(&to->inverse, sd, n, offset, why);
    status = cosmology_read_covariance(&covariance, n, to->covariance_path, why);
    for (int64_t i = 0; !status && sd && i < n; ++i)
        covariance[i * n + i] += sd[i] * sd[i];
    if (!status)
        status = cosmology_form_open(&to->inverse, covariance, n, offset, to->covariance_path, why);
    free(covariance);
    return status;
}

int cosmology_set_want(set *to, plan *redshifts, int64_t need, failure *why)
{
    const double *z = cosmology_column(&to->data, 'z');
    if (!z)
        return cosmology_plan_want(redshifts, to->from->redshift, need, why);
    for (int64_t i = 0; i < to->data.rows; ++i) {
        const int status = cosmology_plan_want(redshifts, z[i], need, why);
        if (status)
            return status;
    }
    return MOTE_OK;
}

int cosmology_set_locate(set *to, const plan *redshifts, failure *why)
{
    const double *z = cosmology_column(&to->data, 'z');
    const int64_t n = z ? to->data.rows : 1;
    to->at = malloc((size_t)n * sizeof *to->at);
    if (!to->at)
        return cosmology_fail(why, MOTE_ENOMEM, "%s: out of memory", to->path);
    for (int64_t i = 0; i < n; ++i)
        to->at[i] = cosmology_plan_find(redshifts, z ? z[i] : to->from->redshift);
    return MOTE_OK;
}

void cosmology_set_close(set *from)
{
    free(from->data.value);
    free(from->at);
    free(from->extra);
    cosmology_form_close(&from->inverse);
    *from = (set){ 0 };
}
