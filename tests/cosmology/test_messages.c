/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the cosmology plug-in refuses, and that each message names the file, the line, the set or the key at fault. */
#include <pthread.h>

#include "tests/support/folder.h"
#include "tests/support/test.h"

#include "tests/cosmology/fixture.h"

/* Opening must fail with this status and all of these words in the message; it must be releasable afterwards. */
static void assert_refused(const char *folder, const char *text, int status, const char *const words[])
{
    fixture *one = folder ? fixture_open_at(folder, text) : fixture_open(text);
    for (int64_t i = 0; words[i]; ++i)
        if (!strstr(one->error, words[i]))
            fail_msg("'%s' lacks '%s'", one->error, words[i]);
    assert_status(one->status, status);
    assert_null(one->model.target);
    fixture_close(one);
}

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* ---- names ---------------------------------------------------------------------------------------------------- */
static void unknown_names_suggest_the_nearest(void **unused)
{
    (void)unused;
    assert_refused(NULL, "data = desi_d2\n", MOTE_EINVAL, WORDS("test.ini:7", "'desi_d2'", "did you mean desi_dr2?"));
    assert_refused(NULL, "data = zzzzzzzzz\n", MOTE_EINVAL, WORDS("unknown data set 'zzzzzzzzz'"));
    assert_refused(NULL, "model = lcmd\ndata = cc15\n", MOTE_EINVAL, WORDS("'lcmd'", "did you mean lcdm?", "owacdm"));
    assert_refused(NULL, "data = cc15\ngaussian.omega_mm = 0.3 0.1\n", MOTE_EINVAL,
                   WORDS("gaussian.omega_mm", "did you mean omega_m?"));
    assert_refused(NULL, "data = cc15\nsound_horizon = fitted\n", MOTE_EINVAL, WORDS("sound_horizon", "'fitted'"));
}

static void incomplete_sections_are_refused(void **unused)
{
    (void)unused;
    assert_refused(NULL, "model = lcdm\n", MOTE_EINVAL, WORDS("no data set"));
    assert_refused(NULL, "data = cc15 cc15\n", MOTE_EINVAL, WORDS("cc15", "named twice"));
    assert_refused(NULL, "data = cc15 CC\n", MOTE_EINVAL, WORDS("cc15", "named twice"));
    assert_refused(NULL, "data = cc15\nderived = maybe\n", MOTE_EPARSE, WORDS("derived"));
    assert_refused(NULL, "data = cc15\ngaussian.h = 0.7\n", MOTE_EPARSE, WORDS("gaussian.h", "mean sd", "'0.7'"));
    assert_refused(NULL, "data = cc15\ngaussian.h = 0.7 -0.1\n", MOTE_EPARSE, WORDS("gaussian.h", "sd > 0"));
    assert_refused(NULL, "data = cc15\ngaussian.h = 0.7 0.1 5\n", MOTE_EPARSE, WORDS("gaussian.h"));
    assert_refused(NULL, "data = cc15\ngaussian.hrd = 100 1\n", MOTE_EINVAL, WORDS("gaussian.hrd", "model lcdm"));
    assert_refused(NULL, "data = plk18\nradiation = no\n", MOTE_EINVAL, WORDS("radiation", "CMB"));
    assert_refused(NULL, "data = cc15\nbao.mine = only_one.txt\n", MOTE_EPARSE, WORDS("bao.mine", "mean_file"));
    assert_refused(NULL, "data = cc15\nbao.desi_dr2 = a b\n", MOTE_EINVAL, WORDS("bao.desi_dr2", "built-in"));
}

static void constraints_are_read_strictly(void **unused)
{
    (void)unused;
    static const struct { const char *text, *words[2]; int status; } bad[] = {
        { "w + waa < 0", { "no parameter 'waa'", "did you mean wa?" }, MOTE_EINVAL },
        { "w + H0 < 70", { "model cpl", "no parameter 'H0'" }, MOTE_EINVAL },
        { "w + wa", { "'<' or '>'", "missing at its end" }, MOTE_EPARSE },
        { "w + wa = 0", { "'<' or '>'", "before '= 0'" }, MOTE_EPARSE },
        { "w + < 0", { "a number or a parameter", "before '< 0'" }, MOTE_EPARSE },
        { "w <", { "a number or a parameter", "missing" }, MOTE_EPARSE },
        { "-1 < w < 0", { "a comma or the end", "before '< 0'" }, MOTE_EPARSE },
        { "w * wa < 0", { "'<' or '>'", "before '* wa" }, MOTE_EPARSE },
        { "2 * 3 < w", { "a number or a parameter", "before '3" }, MOTE_EPARSE },
        { "1 < 2", { "without a parameter", "constraint" }, MOTE_EINVAL },
        { "w - w < 2", { "without a parameter", "constraint" }, MOTE_EINVAL },
        { "w < 0,", { "a number or a parameter", "missing" }, MOTE_EPARSE },
        { "w < 1e999", { "a finite number", "constraint" }, MOTE_EPARSE },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        char text[256];
        snprintf(text, sizeof text, "model = cpl\ndata = cc15\nconstraint = %s\n", bad[i].text);
        assert_refused(NULL, text, bad[i].status, WORDS("test.ini:7", bad[i].words[0], bad[i].words[1]));
    }
}

/* ---- overlaps ------------------------------------------------------------------------------------------------- */
static void overlapping_sets_are_refused_by_name(void **unused)
{
    (void)unused;
    static const char *const pairs[][2] = {
        { "pantheon40", "union3" }, { "union2", "jla31" }, { "desi_dr1", "desi_dr2" }, { "desi_dr1", "desi_dr2_bgs" },
        { "desi_dr2", "desi_dr2_lya" }, { "desi_dr2", "mgs" }, { "desi_dr1", "boss_bao" },
        { "desi_dr2_qso", "lya_auto" },
        { "boss_bao", "boss_final" }, { "boss_fs", "dr12_lrg" }, { "dr12_lrg", "dr16_lrg_fs" },
        { "boss_bao", "dr16_lrg_fs" }, { "boss_final", "dr16_lrg" }, { "dr16_lrg", "dr16_lrg_fs" },
        { "dr16_qso", "dr16_qso_fs" }, { "fs8_gold", "boss_final" }, { "fs8_gold", "dr16_qso_fs" },
        { "plk18", "wmap9" }, { "cc15", "cc31" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i)
        for (int swap = 0; swap < 2; ++swap) {
            char text[128];
            const char *one = pairs[i][swap], *other = pairs[i][!swap];
            snprintf(text, sizeof text, "data = %s %s\n", one, other);
            assert_refused(NULL, text, MOTE_EINVAL, WORDS(one, other, "overlap", "allow_overlap = yes"));
            snprintf(text, sizeof text, "data = %s %s\nallow_overlap = yes\n", one, other);
            fixture *allowed = fixture_open(text);
            assert_status(allowed->status, MOTE_OK);
            fixture_close(allowed);
        }
}

static void independent_sets_are_allowed(void **unused)
{
    (void)unused;
    static const char *const good[] = {
        "cc15 desi_dr2 pantheon40 fs8_gold plk18", "cc31 boss_bao mgs elg dr16_qso lya_auto lya_cross union3",
        "dr12_lrg dr16_lrg dr16_qso_fs mgs", "desi_dr2_bgs desi_dr2_lrg1 desi_dr2_lya", "boss_final dr16_qso_fs",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; ++i) {
        char text[128];
        snprintf(text, sizeof text, "data = %s\n", good[i]);
        fixture *one = fixture_open(text);
        if (one->status)
            fail_msg("%s", one->error);
        fixture_close(one);
    }
}

/* ---- files ---------------------------------------------------------------------------------------------------- */
static const char *const good_mean = "# z value quantity\n0.5 13.0 DM_over_rs\n0.5 22.0 DH_over_rs\n";
static const char *const good_covariance = "0.04 -0.01\n-0.01 0.2\n";

static void files_are_read_strictly(void **unused)
{
    (void)unused;
    static const struct {
        const char *mean, *covariance, *words[4];
    } cases[] = {
        { "0.5 13.0\n", NULL, { "mean.txt:1", "2 columns where 3 are expected" } },
        { "0.5 13.0 DM_over_rs\n0.5 22.0 DH_over_rs 7\n", NULL, { "mean.txt:2", "4 columns where 3" } },
        { "# c\n\n0.5 13,0 DM_over_rs\n", NULL, { "mean.txt:3", "'13,0' is not a number" } },
        { "0.5 nan DM_over_rs\n", NULL, { "mean.txt:1", "'nan' is not a number" } },
        { "0.5 13.0 DM_over_rd\n", NULL, { "mean.txt:1", "'DM_over_rd' is no BAO quantity" } },
        { "# nothing\n", NULL, { "mean.txt", "no data" } },
        { "-0.5 13.0 DM_over_rs\n0.5 22.0 DH_over_rs\n", NULL, { "mean.txt", "row 1", "redshift -0.5" } },
        { NULL, "0.04 0 0\n0 0.2 0\n", { "cov.txt", "6 numbers", "2 x 2 = 4" } },
        { NULL, "0.04\n", { "cov.txt", "1 numbers" } },
        { NULL, "3 0.04 0 0 0.2\n", { "cov.txt", "5 numbers" } },
        { NULL, "0.04 0.01\n0.02 0.2\n", { "cov.txt", "not symmetric", "(2, 1)" } },
        { NULL, "0.04 0.3\n0.3 0.2\n", { "cov.txt", "not positive definite (row 2)" } },
        { NULL, "0.04 x\n0 0.2\n", { "cov.txt:1", "'x' is not a number" } },
    };
    char folder[256];
    assert_int_equal(make_test_folder(folder), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        write_file(folder, "mean.txt", cases[i].mean ? cases[i].mean : good_mean);
        write_file(folder, "cov.txt", cases[i].covariance ? cases[i].covariance : good_covariance);
        assert_refused(folder, "bao.mine = mean.txt cov.txt\n", MOTE_EPARSE, cases[i].words);
    }
    assert_refused(folder, "bao.mine = mean.txt missing.txt\n", MOTE_ENOENT, WORDS("missing.txt"));
    remove_test_folder(folder);
}

static void pairs_of_the_users_own_are_read(void **unused)
{
    (void)unused;
    static const char *const headers[] = { "", "2\n", "2 2\n", "# 7 7\n" };
    char folder[256], covariance[128];
    double theta[4] = { 0.3, 100 }, derived[8], first = NAN;
    assert_int_equal(make_test_folder(folder), 0);
    write_file(folder, "mean.txt", good_mean);
    for (int i = 0; i < 4; ++i) {
        snprintf(covariance, sizeof covariance, "%s%s", headers[i], good_covariance);
        write_file(folder, "cov.txt", covariance);
        fixture *one = fixture_open_at(folder, "bao.my_set = mean.txt cov.txt\n");
        if (one->status)
            fail_msg("%s", one->error);
        const double value = fixture_evaluate(one, theta, derived);
        const double expected = -0.5 * derived[fixture_place(one, "chi2_my_set")];
        assert_close(value, expected, 1e-15, 0);
        assert_true(i == 0 || value == first);
        first = value;
        fixture_close(one);
    }
    remove_test_folder(folder);
}

/* A file of the shipped folder named as one's own is still the same measurement. */
static void repeated_measurements_are_found(void **unused)
{
    (void)unused;
    assert_refused(NULL, "data = desi_dr2\nbao.again = desi_dr2_gaussian_bao_Lya_GCcomb_mean.txt "
                         "desi_dr2_gaussian_bao_Lya_GCcomb_cov.txt\n", MOTE_EINVAL,
                   WORDS("desi_dr2", "again", "overlap", "same measurement"));
}

static void a_missing_folder_names_all_places(void **unused)
{
    (void)unused;
    char folder[256], text[512];
    assert_int_equal(make_test_folder(folder), 0);
    assert_int_equal(setenv("MOTE_COSMOLOGY_DATA", "/nowhere/at/all", 1), 0);
    snprintf(text, sizeof text, "%s/data/cosmology", folder);
    assert_refused(folder, "data = cc15\n", MOTE_ENOENT,
                   WORDS(text, "../../data/cosmology", "/nowhere/at/all", "share/mote/cosmology", "data_folder"));
    assert_refused(folder, "data = cc15\ndata_folder = elsewhere\n", MOTE_ENOENT,
                   WORDS("elsewhere/cc/HzTable_MM_BC03.dat"));
    setenv("MOTE_COSMOLOGY_DATA", MOTE_SOURCE "/data/cosmology", 1);
    fixture *one = fixture_open_at(folder, "data = cc15\n");
    assert_status(one->status, MOTE_OK);
    fixture_close(one);
    unsetenv("MOTE_COSMOLOGY_DATA");
    remove_test_folder(folder);
}

/* ---- one object, many threads --------------------------------------------------------------------------------- */
enum { THREADS = 4, ROWS = 4000 };

typedef struct share {
    const fixture *one;
    double value[ROWS];
} share;

static void *evaluate_all(void *of)
{
    share *mine = of;
    for (int i = 0; i < ROWS; ++i) {
        const double theta[] = { 0.1 + 1e-4 * i, -1.5 + 5e-4 * i, 0.3, 0.7, 100, 0.8 };
        mine->value[i] = fixture_evaluate(mine->one, theta, NULL);
    }
    return NULL;
}

static void threads_change_nothing(void **unused)
{
    (void)unused;
    static share shares[THREADS + 1];
    pthread_t thread[THREADS];
    fixture *one = fixture_open("model = cpl\ndata = cc15 desi_dr2 pantheon40 fs8_gold\nderived = no\n");
    assert_status(one->status, MOTE_OK);
    for (int i = 0; i <= THREADS; ++i)
        shares[i].one = one;
    for (int i = 0; i < THREADS; ++i)
        assert_int_equal(pthread_create(&thread[i], NULL, evaluate_all, &shares[i]), 0);
    for (int i = 0; i < THREADS; ++i)
        pthread_join(thread[i], NULL);
    evaluate_all(&shares[THREADS]);
    for (int i = 0; i < THREADS; ++i)
        assert_same_bytes(shares[i].value, shares[THREADS].value, sizeof shares[i].value);
    assert_true(isfinite(shares[0].value[ROWS / 2]));
    fixture_close(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_names_suggest_the_nearest),
        cmocka_unit_test(incomplete_sections_are_refused),
        cmocka_unit_test(constraints_are_read_strictly),
        cmocka_unit_test(overlapping_sets_are_refused_by_name),
        cmocka_unit_test(independent_sets_are_allowed),
        cmocka_unit_test(files_are_read_strictly),
        cmocka_unit_test(pairs_of_the_users_own_are_read),
        cmocka_unit_test(repeated_measurements_are_found),
        cmocka_unit_test(a_missing_folder_names_all_places),
        cmocka_unit_test(threads_change_nothing),
    };
    return run_unit_tests(tests);
}
