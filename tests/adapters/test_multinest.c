/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MultiNest's call against a direct run: where the map from the cube is the identity both are the same run. */
#include <mote/multinest.h>
#include <unistd.h>

#include "tests/support/folder.h"
#include "tests/support/test.h"

enum { LIVE = 50, SEED = 3 };
static const double pi = 3.14159265358979323846;

/* What the last dump held, as its receiver saw it. */
typedef struct seen {
    int calls, samples, live, parameters;
    double log_evidence, importance, error, maximum, weight_sum, weighted_mean, mean, sd, best, lowest_live;
    double cut; /* likelihood: zero below this first coordinate */
    long pause; /* ns per likelihood call */
} seen;

static double density(double x, double y)
{
    return -0.5 * ((x - 0.4) * (x - 0.4) / 0.01 + (y - 0.9) * (y - 0.9) / 0.04);
}

static void likelihood(double *Cube, int *ndim, int *npars, double *lnew, void *context)
{
    const seen *s = context;
    const struct timespec pause = { 0, s->pause };
    if (s->pause)
        nanosleep(&pause, NULL);
    *lnew = Cube[0] < s->cut ? -1e90 : density(Cube[0], Cube[1]);
    Cube[2] = *ndim == 2 && *npars == 3 ? 10 * Cube[0] : NAN;
}

static void dumper(int *nSamples, int *nlive, int *nPar, double **physLive, double **posterior, double **paramConstr,
                   double *maxLogLike, double *logZ, double *INSlogZ, double *logZerr, void *context)
{
    seen *s = context;
    int n = *nSamples, columns = *nPar;
    ++s->calls;
    s->samples = n, s->live = *nlive, s->parameters = columns;
    s->log_evidence = *logZ, s->importance = *INSlogZ, s->error = *logZerr, s->maximum = *maxLogLike;
    s->weight_sum = s->weighted_mean = 0;
    for (int i = 0; i < n; ++i) {
        double weight = posterior[0][(columns + 1) * n + i];
        s->weight_sum += weight;
        s->weighted_mean += weight * posterior[0][2 * n + i];
    }
    s->mean = paramConstr[0][2], s->sd = paramConstr[0][columns + 2], s->best = paramConstr[0][2 * columns];
    s->lowest_live = physLive[0][columns * *nlive];
}

static int direct_point(void *ctx, const double *theta, double *log_likelihood, double *derived)
{
    double cube[3] = { theta[0], theta[1], 0 };
    int two = 2, three = 3;
    likelihood(cube, &two, &three, log_likelihood, ctx);
    *log_likelihood = *log_likelihood < -1e80 ? -INFINITY : *log_likelihood;
    memcpy(derived, cube, sizeof cube);
    return 0;
}

/* The run that mote_multinest_run stands for, without it. */
static void direct(seen *s, int64_t boundary, double *log_evidence, double *error, double *mean)
{
    const mote_parameter parameters[] = { MOTE_UNIFORM("x", 0, 1, .boundary = boundary), MOTE_UNIFORM("y", 0, 1),
                                          MOTE_DERIVED("a"), MOTE_DERIVED("b"), MOTE_DERIVED("c") };
    mote_target target = { MOTE_VERSIONED(mote_target), MOTE_PARAMETERS(parameters),
                           .log_likelihood_point = direct_point, .ctx = s };
    mote_nested_options options = { MOTE_VERSIONED(mote_nested_options), .live_points = LIVE, .dlogz = 0.5,
                                    .efficiency = 0.3, .seed = SEED };
    mote_summary summary = { .head = MOTE_VERSIONED(mote_summary) };
    mote_run *run = NULL;
    assert_status(mote_run_open(&run, mote_nested, &target, &options), MOTE_OK);
    assert_status(mote_run_finish(run), MOTE_OK);
    const mote_draws *draws = mote_run_draws(run);
    *log_evidence = mote_draws_log_evidence(draws);
    *error = mote_draws_log_evidence_error(draws);
    assert_status(mote_draws_summary(draws, 4, &summary), MOTE_OK);
    *mean = summary.mean;
    mote_run_close(&run);
}

static int call(seen *s, const char *root, int resume, int maxiter, int updInt, int *pWrap)
{
    return mote_multinest_run(0, 0, 0, LIVE, 0.5, 0.3, 2, 3, 2, 10, updInt, -1e90, root, SEED, pWrap, 0, resume,
                              root != NULL, 0, -1e80, maxiter, likelihood, dumper, s);
}

static void the_same_run(void **state)
{
    (void)state;
    double log_evidence, error, mean;
    for (int wrap = 0; wrap < 2; ++wrap) {
        seen s = { 0 };
        int pWrap[] = { wrap, 0 };
        direct(&s, wrap ? MOTE_BOUNDARY_PERIODIC : MOTE_BOUNDARY_HARD, &log_evidence, &error, &mean);
        assert_status(call(&s, NULL, 0, 0, 0, pWrap), MOTE_OK);
        assert_same_bytes(&s.log_evidence, &log_evidence, sizeof log_evidence);
        assert_same_bytes(&s.error, &error, sizeof error);
        assert_same_bytes(&s.mean, &mean, sizeof mean);
        assert_int_equal(s.calls, 1);
    }
}

static void arrays_of_the_dumper(void **state)
{
    (void)state;
    seen s = { 0 };
    assert_status(call(&s, NULL, 0, 0, 0, NULL), MOTE_OK);
    assert_int_equal(s.parameters, 3);
    assert_int_equal(s.live, LIVE);
    assert_true(s.samples > 3 * LIVE);
    assert_true(isnan(s.importance));
    assert_close(s.weight_sum, 1, 1e-12, 0);
    assert_close(s.weighted_mean, s.mean, 1e-12, 0); /* the third parameter, 10 x */
    assert_close(s.mean, 4, 0, 0.6);
    assert_close(s.sd, 1, 0.4, 0);
    assert_close(s.best, 0.4, 0, 0.05);
    assert_close(s.maximum, 0, 0, 0.05);
    assert_true(s.lowest_live < s.maximum && s.lowest_live > -5);
}

static void below_log_zero(void **state)
{
    (void)state;
    double log_evidence, error, mean;
    seen s = { .cut = 0.5 };
    direct(&s, MOTE_BOUNDARY_HARD, &log_evidence, &error, &mean);
    assert_status(call(&s, NULL, 0, 0, 0, NULL), MOTE_OK);
    assert_same_bytes(&s.log_evidence, &log_evidence, sizeof log_evidence);
    assert_close(log_evidence, log(2 * pi * 0.1 * 0.2 * (1 - 0.841345) * 0.691462), 0, 5 * error);
}

/* Stopped by maxiter and resumed, with dumps on the way: the evidence of a run in one go. */
static void limits_dumps_and_resume(void **state)
{
    (void)state;
    char folder[256], root[300], path[400];
    seen whole = { 0 }, halves = { .pause = 20000 };
    assert_int_equal(make_test_folder(folder), 0);
    snprintf(root, sizeof root, "%s/egg-", folder);
    assert_status(call(&whole, NULL, 0, 0, 0, NULL), MOTE_OK);
    assert_status(call(&halves, root, 1, 100, 1, NULL), MOTE_OK);
    assert_true(halves.log_evidence != whole.log_evidence);
    int calls = halves.calls;
    assert_status(call(&halves, root, 1, 0, 1, NULL), MOTE_OK);
    assert_true(halves.calls > calls);
    assert_same_bytes(&halves.log_evidence, &whole.log_evidence, sizeof whole.log_evidence);
    const char *endings[] = { ".txt", ".paramnames", "_dead-birth.txt", "_equal_weights.txt", ".json" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i) {
        snprintf(path, sizeof path, "%s%s", root, endings[i]);
        assert_int_equal(access(path, R_OK), 0);
    }
    remove_test_folder(folder);
}

static void dumps_while_running(void **state)
{
    (void)state;
    seen quick = { 0 }, slow = { .pause = 500000 };
    assert_status(call(&quick, NULL, 0, 0, 0, NULL), MOTE_OK);
    assert_status(call(&slow, NULL, 0, 0, 1, NULL), MOTE_OK); /* hundreds of calls of 0.5 ms: longer than 0.1 s */
    assert_true(slow.calls >= 2);
    assert_same_bytes(&slow.log_evidence, &quick.log_evidence, sizeof quick.log_evidence);
}

static void faults(void **state)
{
    (void)state;
    seen s = { 0 };
    assert_status(mote_multinest_run(0, 0, 0, LIVE, 0.5, 0.3, 2, 1, 2, 1, 0, 0, NULL, 1, NULL, 0, 0, 0, 0, -1e80, 0,
                                     likelihood, dumper, &s), MOTE_EINVAL);
    assert_status(mote_multinest_run(0, 0, 0, LIVE, 0.5, 2, 2, 3, 2, 1, 0, 0, NULL, 1, NULL, 0, 0, 0, 0, -1e80, 0,
                                     likelihood, dumper, &s), MOTE_EOPTION);
    assert_status(mote_multinest_run(0, 0, 0, LIVE, 0.5, 0.3, 2, 3, 2, 1, 0, 0, "/nonexistent/x-", 1, NULL, 0, 0, 1, 0,
                                     -1e80, 0, likelihood, dumper, &s) >= MOTE_ENOMEM, 1);
    assert_int_equal(s.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_run),           cmocka_unit_test(arrays_of_the_dumper),
        cmocka_unit_test(below_log_zero),         cmocka_unit_test(limits_dumps_and_resume),
        cmocka_unit_test(dumps_while_running),    cmocka_unit_test(faults),
    };
    return run_unit_tests(tests);
}
