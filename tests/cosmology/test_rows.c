/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nested sampling of three rows of the cosmology table, one fixed seed each: the whole way from a configuration through
 * the loader to evidence and moments. Pull of log Z below 4.5; means within 0.15 sd and sds within 12 %: with some 1500
 * effective draws these are more than 5 and 6 standard errors. Planted faults of the likelihood (a constant added to
 * the BAO covariance, errors left out) move a mean by a standard deviation. All rows over twenty seeds:
 * tests/long/cosmology.c. */
#include <mote/nested.h>

#include "tests/support/test.h"

#include "tests/cosmology/reference.h"

static void run_row(const reference_row *row)
{
    char message[1024] = "";
    double mean[REFERENCE_COLUMNS], sd[REFERENCE_COLUMNS];
    mote_run *run = NULL;
    mote_loaded_plugin *plugin = reference_load(row, message, sizeof message);
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .seed = 1, .simulations = 300,
                                    .bootstraps = 100 };
    if (!plugin)
        fail_msg("%s", message);
    int status = mote_run_open(&run, mote_nested, mote_plugin_target(plugin), &options);
    status = status ? status : mote_run_finish(run);
    if (status)
        fail_msg("%s", mote_run_message(run));
    const mote_draws *draws = mote_run_draws(run);
    double pull = (mote_draws_log_evidence(draws) - row->log_evidence) / mote_draws_log_evidence_error(draws);
    reference_moments(draws, mean, sd);
    print_message("%-10s %-6s log Z pull %+.2f, %.0f effective draws\n", row->data, row->model, pull,
                  mote_draws_effective_sample_size(draws));
    assert_true(fabs(pull) < 4.5);
    for (int i = 0; i < REFERENCE_COLUMNS; ++i)
        if (!isnan(row->mean[i])) {
            assert_close(mean[i], row->mean[i], 0, 0.15 * row->sd[i]);
            assert_close(sd[i], row->sd[i], 0.12, 0);
        }
    mote_run_close(&run);
    mote_plugin_release(&plugin);
}

static void find_and_run(const char *data, const char *model)
{
    reference_row rows[REFERENCE_ROWS];
    int64_t n = reference_read(rows), found = 0;
    assert_int_equal(n, 22);
    for (int64_t i = 0; i < n; ++i)
        if (!strcmp(rows[i].data, data) && !strcmp(rows[i].model, model)) {
            run_row(&rows[i]);
            ++found;
        }
    assert_int_equal(found, 1);
}

static void chronometers_lcdm(void **unused)
{
    (void)unused;
    find_and_run("CC", "lcdm");
}

static void desi_wcdm(void **unused)
{
    (void)unused;
    find_and_run("DR2", "wcdm");
}

static void all_cpl(void **unused)
{
    (void)unused;
    find_and_run("CC+DR2+PB", "cpl");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(chronometers_lcdm), cmocka_unit_test(desi_wcdm),
                                        cmocka_unit_test(all_cpl) };
    return run_unit_tests(tests);
}
