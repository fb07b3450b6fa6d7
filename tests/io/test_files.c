/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Result files: small ones byte by byte, any locale, full disks. */
#include <mote/output.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "io/parameter_text.h"
#include "io/table.h"
#include "tests/support/comma.h"

#include "tests/io/root.h"

static void getdist_by_hand(void **state)
{
    (void)state;
    mote_draws *draws = small();
    assert_status(mote_write_getdist(draws, root), MOTE_OK);
    assert_string_equal(text_of(".txt"), "# column 2 is -(log likelihood + log prior density), 1e30 for zero\n"
                                         "# weight minus_log_posterior w age\n"
                                         "0.5 2.5 -1.25 nan\n0.5 1.5 0.10000000000000001 13.5\n");
    assert_string_equal(text_of(".paramnames"), "w\tw_0\nage*\tage\n");
    assert_string_equal(text_of(".ranges"), "w -3 1 periodic\nage N N\n");
    assert_non_null(strstr(text_of(".properties.ini"), "sampler = nested\nburn_removed = T\n"));
    mote_draws_free(draws);
}

static void anesthetic_by_hand(void **state)
{
    (void)state;
    mote_draws *draws = small();
    assert_status(mote_write_anesthetic(draws, root), MOTE_OK);
    assert_string_equal(text_of("_dead-birth.txt"), "# w age logL logL_birth\n0.5 14 -9.9999999999999991e+28 -inf\n"
                                                    "-1.25 nan -2 -inf\n"
                                                    "0.10000000000000001 13.5 -1 -9.9999999999999991e+28\n");
    assert_string_equal(text_of("_phys_live-birth.txt"),
                        "# w age logL logL_birth\n0.10000000000000001 13.5 -1 -9.9999999999999991e+28\n");
    draws->live = 0; /* a file of an earlier run must not stay beside the new one */
    assert_status(mote_write_anesthetic(draws, root), MOTE_OK);
    assert_string_equal(text_of("_phys_live-birth.txt"), "");
    mote_memory_release(&memory, draws->birth);
    draws->birth = NULL;
    assert_status(mote_write_anesthetic(draws, root), MOTE_EUNSUPPORTED);
    assert_non_null(strstr(mote_output_message(), "births"));
    mote_draws_free(draws);
}

static void csv_and_equal_weights(void **state)
{
    (void)state;
    mote_draws *draws = small();
    assert_status(mote_write_csv(draws, root), MOTE_OK);
    assert_string_equal(text_of(".csv"), "log_weight,log_likelihood,w,age\n-inf,-inf,0.5,14\n"
                                         "-0.69314718055994529,-2,-1.25,nan\n"
                                         "-0.69314718055994529,-1,0.10000000000000001,13.5\n");
    assert_status(mote_write_equal_weights(draws, root), MOTE_OK);
    assert_string_equal(text_of("_equal_weights.txt"), "# w age logL\n-1.25 nan -2\n0.10000000000000001 13.5 -1\n");
    draws->log_weight[1] = draws->log_weight[2] = -INFINITY;
    assert_status(mote_write_equal_weights(draws, root), MOTE_EINVAL);
    mote_draws_free(draws);
}

/* The bytes must not depend on the host's locale. */
static void comma_locale(void **state)
{
    (void)state;
    static const char *const endings[] = { ".txt", ".ranges", "_dead-birth.txt", ".csv" };
    static char before[4][1 << 16];
    mote_draws *draws = small();
    for (int comma = 0; comma < 2; ++comma) {
        if (comma && !enter_comma_locale()) {
            print_message("no locale with a comma: skipped\n");
            mote_draws_free(draws);
            skip();
        }
        assert_status(mote_write_getdist(draws, root), MOTE_OK);
        assert_status(mote_write_anesthetic(draws, root), MOTE_OK);
        assert_status(mote_write_csv(draws, root), MOTE_OK);
        for (int k = 0; k < 4; ++k)
            if (comma)
                assert_string_equal(text_of(endings[k]), before[k]);
            else
                snprintf(before[k], sizeof before[k], "%s", text_of(endings[k]));
    }
    leave_comma_locale();
    mote_draws_free(draws);
}

/* A disk that fills up: the old file stays, nothing is left behind, and the message has path and reason. */
static void full_disk(void **state)
{
    (void)state;
    mote_draws *draws = test_nested_draws(&memory, 50, 0, 1);
    struct rlimit old, limit;
    assert_status(mote_write_csv(draws, root), MOTE_OK);
    static char before[1 << 16];
    snprintf(before, sizeof before, "%s", text_of(".csv"));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 20000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    draws->columns[0][0] = 0.75; /* another content */
    int status = mote_write_csv(draws, root);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_status(status, MOTE_EIO);
    assert_non_null(strstr(mote_output_message(), "run.csv: "));
    assert_string_equal(text_of(".csv"), before);
    assert_int_equal(count_test_files(folder, "run"), 1);
    assert_status(mote_write_csv(draws, root), MOTE_OK);
    mote_draws_free(draws);
}

static void folders_that_do_not_exist(void **state)
{
    (void)state;
    mote_draws *draws = small();
    char long_root[5000];
    snprintf(root, sizeof root, "%s/none/run", folder);
    assert_status(mote_write_getdist(draws, root), MOTE_ENOENT);
    assert_non_null(strstr(mote_output_message(), "/none/run.txt: "));
    memset(long_root, 'a', sizeof long_root);
    long_root[sizeof long_root - 1] = 0;
    assert_status(mote_write_csv(draws, long_root), MOTE_EINVAL);
    assert_status(mote_write_csv(draws, ""), MOTE_EINVAL);
    assert_status(mote_write_csv(NULL, root), MOTE_EINVAL);
    mote_draws_free(draws);
}

static void labels(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "\\Omega_m", "Ω_{m}" },
        { "\\Omega_{\\mathrm{m}}h^2", "Ω_{{m}}h^{2}" },
        { "H_0\\,[\\mathrm{km}]", "H_{0} [{km}]" },
        { "$\\sigma_8$", "σ_{8}" },
        { "\\log(10^{10}A_\\mathrm{s})", "log(10^{10}A_{s})" },
        { "omega@m", "omega\\@m" },
        { "100\\theta_\\ast", "100θ_{∗}" },
        { "a\\_b", "a\\_b" },
        { "\\tau_é", "τ_{é}" },
        { "d'_'`rm x`\\'\\`", "d''_{''}rm x" }, /* no way out of a quoted string */
        { "\\unknowncommand", "unknowncommand" },
        { "x_", "x_{}" },
        { "\\", "" },
    };
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        mote_label_to_gnuplot(cases[i][0], text, sizeof text);
        assert_string_equal(text, cases[i][1]);
    }
    mote_text_to_gnuplot("my_run's `ls` {1}\\", text, sizeof text);
    assert_string_equal(text, "my\\_run''s ls \\{1\\}");
    mote_label_to_gnuplot("\\Omega\\Omega", text, 4); /* whole characters only */
    assert_string_equal(text, "Ω");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(getdist_by_hand, enter, leave),
        cmocka_unit_test_setup_teardown(anesthetic_by_hand, enter, leave),
        cmocka_unit_test_setup_teardown(csv_and_equal_weights, enter, leave),
        cmocka_unit_test_setup_teardown(comma_locale, enter, leave),
        cmocka_unit_test_setup_teardown(full_disk, enter, leave),
        cmocka_unit_test_setup_teardown(folders_that_do_not_exist, enter, leave),
        cmocka_unit_test(labels),
    };
    mote_memory_open(&memory, NULL);
    return run_unit_tests(tests);
}
