/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PolyChord's call against a direct run: the same bytes where the prior transform is the identity, and a known evidence
 * where it is not. PolyChord's callbacks have no context: what they saw is static. */
#include <mote/polychord.h>
#include <unistd.h>

#include "tests/support/folder.h"
#include "tests/support/test.h"

static const double pi = 3.14159265358979323846;

static struct {
    int calls, dead, live, parameters;
    double log_evidence, error, weight_sum, mean, first_birth, last_log_likelihood, last_live;
    double cut;
} seen;

static double likelihood(double *theta, int nDims, double *phi, int nDerived)
{
    double sum = 0;
    for (int i = 0; i < nDims; ++i)
        sum += (theta[i] - 0.5) * (theta[i] - 0.5) / 0.01;
    if (nDerived)
        phi[0] = sum;
    return theta[0] < seen.cut ? -1e30 : -0.5 * sum;
}

static void identity(double *cube, double *theta, int nDims)
{
    memcpy(theta, cube, (size_t)nDims * sizeof *cube);
}

/* Uniform on (-1, 3) in every direction: the evidence falls by 2 log 4. */
static void wide(double *cube, double *theta, int nDims)
{
    for (int i = 0; i < nDims; ++i)
        theta[i] = 4 * cube[i] - 1;
}

static void dumper(int ndead, int nlive, int npars, double *live, double *dead, double *logweights, double logZ,
                   double logZerr)
{
    ++seen.calls;
    seen.dead = ndead, seen.live = nlive, seen.parameters = npars;
    seen.log_evidence = logZ, seen.error = logZerr;
    seen.weight_sum = seen.mean = 0;
    for (int i = 0; i < ndead; ++i) {
        seen.weight_sum += exp(logweights[i]);
        seen.mean += exp(logweights[i]) * dead[i * npars];
    }
    seen.first_birth = dead[npars - 2];
    seen.last_log_likelihood = dead[ndead * npars - 1];
    seen.last_live = live[nlive * npars - 1];
}

static int direct_point(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    double copy[2] = { theta[0], theta[1] };
    (void)ctx;
    *log_likelihood = likelihood(copy, 2, derived, 1);
    *log_likelihood = *log_likelihood <= -1e30 ? -INFINITY : *log_likelihood;
    return 0;
}

static mote_polychord_settings settings(void)
{
    mote_polychord_settings s;
    mote_polychord_defaults(&s, 2, 1);
    s.nlive = 60;
    s.num_repeats = 6;
    s.seed = 5;
    s.feedback = 0;
    return s;
}

static void direct(double *log_evidence, double *error)
{
    const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1), MOTE_UNIFORM("y", 0, 1), MOTE_DERIVED("a") };
    mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                           .log_likelihood_point = direct_point };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = 60, .precision = 1e-3,
                                    .step = MOTE_STEP_SLICE, .steps = 6, .seed = 5 };
    mote_run *run = NULL;
    assert_status(mote_option_set(mote_algorithm_options(mote_nested), &options, "polish", "off", NULL, 0), MOTE_OK);
    assert_status(mote_run_open(&run, mote_nested, &target, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    *log_evidence = mote_draws_log_evidence(mote_run_draws(run));
    *error = mote_draws_log_evidence_error(mote_run_draws(run));
    mote_run_close(&run);
}

static void the_same_run(void **state)
{
    (void)state;
    double log_evidence, error;
    mote_polychord_prior *priors[] = { NULL, identity };
    const mote_polychord_settings s = settings();
    direct(&log_evidence, &error);
    for (int i = 0; i < 2; ++i) {
        memset(&seen, 0, sizeof seen);
        assert_status(mote_polychord_run(likelihood, priors[i], dumper, &s), MOTE_OK);
        assert_same_bytes(&seen.log_evidence, &log_evidence, sizeof log_evidence);
        assert_same_bytes(&seen.error, &error, sizeof error);
    }
}

static void another_prior(void **state)
{
    (void)state;
    const mote_polychord_settings s = settings();
    memset(&seen, 0, sizeof seen);
    assert_status(mote_polychord_run(likelihood, wide, dumper, &s), MOTE_OK);
    assert_close(seen.log_evidence, log(2 * pi * 0.01 / 16), 0, 4.5 * seen.error);
    assert_int_equal(seen.parameters, 5);
    assert_int_equal(seen.live, 60);
    assert_close(seen.weight_sum, 1, 1e-12, 0);
    assert_close(seen.mean, 0.5, 0, 0.1);
    assert_true(seen.first_birth == -1e30);
    assert_true(seen.last_live == seen.last_log_likelihood);
}

static void zero_likelihood(void **state)
{
    (void)state;
    double log_evidence, error;
    const mote_polychord_settings s = settings();
    memset(&seen, 0, sizeof seen);
    seen.cut = 0.5;
    direct(&log_evidence, &error);
    assert_status(mote_polychord_run(likelihood, NULL, dumper, &s), MOTE_OK);
    assert_same_bytes(&seen.log_evidence, &log_evidence, sizeof log_evidence);
}

static void files_and_resume(void **state)
{
    (void)state;
    char folder[256], path[400];
    mote_polychord_settings s = settings();
    memset(&seen, 0, sizeof seen);
    assert_int_equal(make_test_folder(folder), 0);
    assert_status(mote_polychord_run(likelihood, identity, dumper, &s), MOTE_OK);
    double whole = seen.log_evidence;
    s.base_dir = folder;
    s.file_root = "run";
    s.posteriors = s.equals = s.write_dead = s.write_stats = s.write_resume = s.read_resume = 1;
    s.max_ndead = 120;
    assert_status(mote_polychord_run(likelihood, identity, dumper, &s), MOTE_OK);
    assert_true(seen.log_evidence != whole);
    s.max_ndead = -1;
    assert_status(mote_polychord_run(likelihood, identity, dumper, &s), MOTE_OK);
    assert_same_bytes(&seen.log_evidence, &whole, sizeof whole);
    const char *endings[] = { ".txt", ".paramnames", "_dead-birth.txt", "_equal_weights.txt", ".json" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) {
        snprintf(path, sizeof path, "%s/run%s", folder, endings[i]);
        assert_int_equal(access(path, R_OK), 0);
    }
    remove_test_folder(folder);
}

/* Grades become speed classes: 1 slow, 2 fast parameters. */
static void grades(void **state)
{
    (void)state;
    const int dims[] = { 1, 2 };
    mote_polychord_settings s;
    mote_adapter adapter;
    mote_polychord_defaults(&s, 3, 0);
    s.nGrade = 2;
    s.grade_dims = dims;
    assert_status(mote_adapter_open(&adapter, 3), MOTE_OK);
    mote_polychord_parameters(&adapter, &s, 0);
    for (int i = 0; i < 3; ++i)
        assert_int_equal(adapter.parameters[i].speed, i > 0);
    assert_string_equal(adapter.parameters[2].name, "p3");
    mote_adapter_close(&adapter);
}

static void faults(void **state)
{
    (void)state;
    mote_polychord_settings s = settings();
    memset(&seen, 0, sizeof seen);
    s.nDims = 0;
    assert_status(mote_polychord_run(likelihood, NULL, dumper, &s), MOTE_EINVAL);
    s = settings();
    s.nlive = 1;
    assert_status(mote_polychord_run(likelihood, NULL, dumper, &s), MOTE_EOPTION);
    s = settings();
    s.base_dir = "/nonexistent";
    s.posteriors = 1;
    assert_true(mote_polychord_run(likelihood, NULL, dumper, &s) >= MOTE_ENOMEM);
    assert_int_equal(seen.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_run),     cmocka_unit_test(another_prior), cmocka_unit_test(zero_likelihood),
        cmocka_unit_test(files_and_resume), cmocka_unit_test(grades),        cmocka_unit_test(faults),
    };
    return run_unit_tests(tests);
}
